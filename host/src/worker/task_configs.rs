//! What a connector answers when it is asked for the configurations of its tasks: checked, and completed by the worker.

use crate::config::{ConnectorConfig, ConnectorKind, Props};
use crate::error::{ConnectError, Result};
use crate::plugins::Plugin;

use super::kind_of;

/// No connector is asked for more tasks, nor gets them: each has a thread and Kafka clients of its own.
pub(super) const MOST_TASKS: usize = 10_000;
/// The most bytes that the task configurations of one connector may have together.
const MOST_BYTES: usize = 256 * 1024 * 1024;

/// Adds what the worker adds to the task configurations of a plugin.
///
/// # Errors
/// More tasks than allowed (KIP-1004), or more than a worker can hold.
pub(super) fn complete(
    answer: Vec<Props>,
    plugin: &Plugin,
    raw: &Props,
    connector: &ConnectorConfig,
) -> Result<Vec<Props>> {
    check_size(&answer, connector)?;
    check_count(answer.len(), connector)?;
    let complete = |mut task: Props| {
        task.set("task.class", plugin.task_class.as_str());
        if kind_of(plugin) == ConnectorKind::Sink {
            for key in ["topics", "topics.regex"] {
                if let Some(value) = raw.get(key) {
                    task.set(key, value);
                }
            }
        }
        task
    };
    Ok(answer.into_iter().map(complete).collect())
}

fn check_count(count: usize, connector: &ConnectorConfig) -> Result<()> {
    let (name, maximum) = (&connector.name, connector.tasks_max);
    if count <= maximum {
        return Ok(());
    }
    let generated = format!(
        "The connector {name} has generated {count} tasks, which is greater than {maximum}, the maximum number of tasks it is configured to create. "
    );
    if connector.tasks_max_enforce {
        return Err(ConnectError::connect(generated + "This behaviour should be considered a bug and is disallowed. If necessary, it can be permitted by reconfiguring the connector with 'tasks.max.enforce' set to false; however, this option will be removed in a future release of Kafka Connect.")
            .with_class("org.apache.kafka.connect.runtime.TooManyTasksException"));
    }
    tracing::warn!(
        "{generated}This behavior should be considered a bug and will be disallowed in future releases of Kafka Connect. Please report this to the maintainers of the connector and request that they adjust their connector's taskConfigs() method to respect the maxTasks parameter."
    );
    Ok(())
}

fn check_size(answer: &[Props], connector: &ConnectorConfig) -> Result<()> {
    let name = &connector.name;
    if answer.len() > MOST_TASKS {
        return Err(ConnectError::connect(format!(
            "The connector {name} has generated {} tasks; a worker gives a connector {MOST_TASKS} at most",
            answer.len()
        )));
    }
    let size = |props: &Props| -> usize {
        props.iter().map(|(key, value)| key.len().saturating_add(value.map_or(0, str::len))).sum()
    };
    let bytes: usize = answer.iter().map(size).sum();
    if bytes > MOST_BYTES {
        return Err(ConnectError::connect(format!(
            "The connector {name} has generated task configurations of {bytes} bytes; a worker takes {MOST_BYTES} at most"
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connector(more: &[(&str, &str)]) -> ConnectorConfig {
        let mut props = Props::from([("name", "c"), ("connector.class", "X"), ("tasks.max", "2")]);
        more.iter().for_each(|(key, value)| props.set(*key, *value));
        ConnectorConfig::new(ConnectorKind::Source, props).unwrap()
    }

    #[test]
    fn more_tasks_than_allowed_are_an_error_unless_it_is_turned_off() {
        let strict = connector(&[]);
        assert!(check_count(2, &strict).is_ok());
        let error = check_count(3, &strict).unwrap_err();
        assert_eq!(error.class_name(), "org.apache.kafka.connect.runtime.TooManyTasksException");
        let begin = "The connector c has generated 3 tasks, which is greater than 2, the maximum number of tasks it is \
                     configured to create. This behaviour should be considered a bug and is disallowed.";
        assert!(error.message().starts_with(begin), "{error}");
        assert!(check_count(3, &connector(&[("tasks.max.enforce", "false")])).is_ok());
    }

    #[test]
    fn more_than_a_worker_can_hold_is_an_error_in_any_case() {
        let lenient = connector(&[("tasks.max.enforce", "false")]);
        assert!(check_size(&vec![Props::new(); MOST_TASKS], &lenient).is_ok());
        let error = check_size(&vec![Props::new(); MOST_TASKS + 1], &lenient).unwrap_err();
        assert_eq!(
            error.message(),
            "The connector c has generated 10001 tasks; a worker gives a connector 10000 at most"
        );
        let large = Props::from([("k", "x".repeat(MOST_BYTES / 4).as_str())]);
        let error = check_size(&vec![large; 4], &lenient).unwrap_err();
        assert!(error.message().contains("task configurations of 268435460 bytes"), "{error}");
    }
}
