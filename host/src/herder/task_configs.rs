//! Comparing task configs that a connector has just made with those that are stored.

use crate::config::Props;
use crate::config::providers::has_variable;
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
