//! Comparing task configs that a connector has just made with those that are stored.

use crate::config::Props;
use crate::storage::StoredConnector;

/// Puts `${provider:path:key}` back where the connector's own config has it, so that resolved secrets are not stored.
pub(super) fn with_variables_restored(connector: &Props, tasks: Vec<Props>) -> Vec<Props> {
    let variables: Vec<(&str, &str)> = connector
        .iter()
        .filter_map(|(key, value)| value.map(|value| (key, value)))
        .filter(|(_, value)| has_variable(value))
        .collect();
    let restore = |mut task: Props| {
        for (key, value) in &variables {
            if task.contains_key(key) {
                task.set(*key, *value);
            }
        }
        task
    };
    tasks.into_iter().map(restore).collect()
}

/// True if a text holds `${provider:key}` or `${provider:path:key}`.
fn has_variable(text: &str) -> bool {
    text.split("${").skip(1).any(|rest| {
        let inner = rest.split('}').next().unwrap_or_default();
        rest.len() > inner.len() && inner.find(':').is_some_and(|colon| colon > 0 && colon + 1 < inner.len())
    })
}

/// True if the tasks are to be started anew: there are more or fewer of them, one has another config, or the connector's
/// config is not the one they were made from (KAFKA-9228: a converter may have changed).
pub(super) fn changed(stored: &StoredConnector, generated: &[Props]) -> bool {
    stored.tasks != generated || stored.applied.as_ref() != Some(&stored.config)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::TargetState;

    #[test]
    fn secrets_go_back_to_being_variables() {
        let connector = Props::from([("password", "${file:/s:p}"), ("user", "u"), ("other", "${env:X}")]);
        let task = Props::from([("password", "hunter2"), ("user", "v")]);
        let restored = with_variables_restored(&connector, vec![task]);
        assert_eq!(restored, [Props::from([("password", "${file:/s:p}"), ("user", "v")])]);
    }

    #[test]
    fn a_variable_has_a_provider_and_a_key() {
        for yes in ["${a:b}", "x${a:b:c}y", "${x} ${a:b}"] {
            assert!(has_variable(yes), "{yes}");
        }
        for no in ["", "${}", "${a}", "${:a}", "${a:b", "a:b}"] {
            assert!(!has_variable(no), "{no}");
        }
    }

    #[test]
    fn a_new_connector_config_restarts_equal_tasks() {
        let config = Props::from([("value.converter", "A")]);
        let tasks = vec![Props::from([("t", "1")])];
        let mut stored = StoredConnector {
            config: config.clone(),
            target: TargetState::Started,
            tasks: tasks.clone(),
            applied: Some(config),
        };
        assert!(!changed(&stored, &tasks));
        assert!(changed(&stored, &[]));
        stored.config.set("value.converter", "B");
        assert!(changed(&stored, &tasks));
        // A connector without tasks counts as changed until it has been applied once.
        stored.applied = None;
        assert!(changed(&stored, &tasks));
    }
}
