//! Automatic restarts of failed connectors and tasks: keys of our own, off by default.
//!
//! They stand in the worker file, for all connectors, and in a connector's configuration, which counts first. They are
//! no part of the connectors' definitions, so that answers about configurations stay those of Kafka Connect; a wrong
//! value is told all the same.

use std::time::Duration;

use super::def::{ConfigDef, ConfigKey, Importance::*};
use super::props::Props;
use super::validate::Problems;
use super::validators::Validator;
use super::value::{Type, Value};

const PREFIX: &str = "restart.automatic.";
const ENABLE: &str = "restart.automatic.enable";
const MAX_ATTEMPTS: &str = "restart.automatic.max.attempts";
const BACKOFF: &str = "restart.automatic.backoff.ms";
const BACKOFF_MAX: &str = "restart.automatic.backoff.max.ms";
const HEALTHY_AFTER: &str = "restart.automatic.healthy.after.ms";

/// How a connector and its tasks are restarted after failures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RestartPolicy {
    /// The wait before the first restart; it doubles with each further one.
    pub backoff: Duration,
    /// The longest wait.
    pub backoff_max: Duration,
    /// How often in a row something is restarted; `None` = without limit.
    pub max_attempts: Option<u32>,
    /// Failures are no longer in a row after it has been running for so long.
    pub healthy_after: Duration,
}

impl RestartPolicy {
    /// The policy of a connector, variables replaced, on a worker with these settings; `None` = no restarts.
    ///
    /// # Errors
    /// What is wrong with which key.
    pub fn new(connector: &Props, worker: &Props) -> Result<Option<RestartPolicy>, Problems> {
        let mut props = Self::keys_of(worker);
        for (key, value) in Self::keys_of(connector).iter() {
            props.set_nullable(key, value.map(str::to_owned));
        }
        let parsed = definition().parse(&props)?;
        Ok(parsed.bool(ENABLE).then(|| RestartPolicy {
            backoff: parsed.millis(BACKOFF),
            backoff_max: parsed.millis(BACKOFF_MAX),
            max_attempts: u32::try_from(parsed.int(MAX_ATTEMPTS)).ok(),
            healthy_after: parsed.millis(HEALTHY_AFTER),
        }))
    }

    /// What of a configuration is about automatic restarts.
    pub fn keys_of(props: &Props) -> Props {
        let mut own = props.clone();
        own.retain(|key, _| key.starts_with(PREFIX));
        own
    }
}

/// The keys, the same for workers and connectors.
pub(super) fn keys() -> [ConfigKey; 5] {
    let positive = || Validator::at_least(1);
    [
        ConfigKey::defaulting(
            ENABLE,
            Type::Boolean,
            "false",
            Medium,
            "Whether failed connectors and tasks are restarted by themselves, unless the error is of a kind that does \
             not go away. Our own key.",
        ),
        ConfigKey::defaulting(
            MAX_ATTEMPTS,
            Type::Int,
            "10",
            Low,
            "How often in a row a connector or task is restarted before it is left failed; -1 for no limit. Our own key.",
        )
        .check(attempts_rule()),
        ConfigKey::defaulting(
            BACKOFF,
            Type::Long,
            "5000",
            Low,
            "The wait before the first restart, in milliseconds. It doubles with each further one; up to a fifth is \
             taken off at random. Our own key.",
        )
        .check(positive()),
        ConfigKey::defaulting(
            BACKOFF_MAX,
            Type::Long,
            "300000",
            Low,
            "The longest wait before a restart, in milliseconds. Our own key.",
        )
        .check(positive()),
        ConfigKey::defaulting(
            HEALTHY_AFTER,
            Type::Long,
            "300000",
            Low,
            "How long a connector or task must have been running, in milliseconds, for its next failure to count as \
             the first again. Our own key.",
        )
        .check(positive()),
    ]
}

fn attempts_rule() -> Validator {
    Validator::custom("-1, or at least 1", |key, value| match value.and_then(Value::as_integer) {
        Some(-1 | 1..) => Ok(()),
        _ => {
            let text = value.map_or_else(|| "null".to_owned(), Value::to_text);
            Err(format!("Invalid value {text} for configuration {key}: expected -1 for no limit, or at least 1"))
        }
    })
}

fn definition() -> ConfigDef {
    keys().into_iter().fold(ConfigDef::new(), ConfigDef::key)
}

/// The rules about these keys in a connector's configuration: a message for each that is broken.
pub(super) fn rules(connector: &Props) -> Vec<(String, String)> {
    let checked = definition().parse(&RestartPolicy::keys_of(connector));
    let problems = checked.err().map(|problems| problems.0).unwrap_or_default();
    problems.into_iter().map(|problem| (problem.key, problem.message)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connector_goes_before_its_worker_key_by_key() {
        let none = Props::new();
        assert_eq!(RestartPolicy::new(&none, &none), Ok(None));
        let worker = Props::from([(ENABLE, "true"), (BACKOFF, "100"), (MAX_ATTEMPTS, "-1"), ("name", "w")]);
        let of = |connector: &Props| RestartPolicy::new(connector, &worker).expect("right");
        let default = of(&none).expect("on");
        assert_eq!((default.backoff, default.max_attempts), (Duration::from_millis(100), None));
        assert_eq!(default.backoff_max, Duration::from_secs(300));
        let own = of(&Props::from([(MAX_ATTEMPTS, "3")])).expect("on");
        assert_eq!((own.backoff, own.max_attempts), (Duration::from_millis(100), Some(3)));
        assert_eq!(of(&Props::from([(ENABLE, "false")])), None);
    }

    #[test]
    fn wrong_values_are_told_with_their_key() {
        let wrong = Props::from([(ENABLE, "yes"), (MAX_ATTEMPTS, "0"), (BACKOFF, "0"), (BACKOFF_MAX, "x")]);
        let broken = rules(&wrong);
        let keys: Vec<&str> = broken.iter().map(|(key, _)| key.as_str()).collect();
        assert_eq!(keys, [ENABLE, MAX_ATTEMPTS, BACKOFF, BACKOFF_MAX]);
        assert_eq!(
            broken[1].1,
            "Invalid value 0 for configuration restart.automatic.max.attempts: expected -1 for no limit, or at least 1"
        );
        assert!(rules(&Props::from([(MAX_ATTEMPTS, "-1"), ("topics", "t")])).is_empty());
    }
}
