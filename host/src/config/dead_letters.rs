//! Keys about dead letters: those of Kafka Connect, and two of ours that are off by default.
//!
//! Our keys are no part of the connectors' definitions, so that answers about configurations stay those of Kafka
//! Connect; a wrong value is told all the same.

use super::catalog::ConnectorKind;
use super::connector_keys::dead_letter_keys;
use super::def::ConfigDef;
use super::props::Props;
use super::validate::Parsed;
use super::value::{is_blank, java_trim};
use crate::error::{ConnectError, Result};

/// The topic; empty = no dead letters.
pub(super) const TOPIC: &str = "errors.deadletterqueue.topic.name";
/// Ours, for sources: failed records become dead letters.
pub(super) const SOURCE_ENABLE: &str = "errors.deadletterqueue.source.enable";
/// Ours, for sinks: which errors of `put` make dead letters.
pub(super) const PUT_ERRORS: &str = "errors.deadletterqueue.put.errors";

/// Where a task's failed records go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetterQueue {
    /// The topic.
    pub topic: String,
    /// The replication factor with which it is created.
    pub replication_factor: i16,
    /// Whether records get headers that say what went wrong.
    pub context_headers: bool,
}

impl DeadLetterQueue {
    /// As the three keys say; `None` without a topic.
    pub(super) fn from_parsed(parsed: &Parsed) -> Option<Self> {
        let topic = java_trim(parsed.str(TOPIC));
        (!topic.is_empty()).then(|| Self {
            topic: topic.to_owned(),
            replication_factor: i16::try_from(parsed.int("errors.deadletterqueue.topic.replication.factor"))
                .expect("the key is of type SHORT"),
            context_headers: parsed.bool("errors.deadletterqueue.context.headers.enable"),
        })
    }
}

/// Which errors of a sink's `put` are about single records (`errors.deadletterqueue.put.errors`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PutErrors {
    /// None: every error fails the task, as in Kafka Connect.
    #[default]
    None,
    /// Those that the plugin calls bad data.
    Data,
    /// All that are not retriable.
    All,
}

/// The rules about our own keys: a message for each that is broken.
pub(super) fn rules(kind: ConnectorKind, props: &Props) -> Vec<(&'static str, String)> {
    let checked = match kind {
        ConnectorKind::Source => source_enabled(props).map(drop),
        ConnectorKind::Sink => put_errors(props).map(drop),
    };
    let key = match kind {
        ConnectorKind::Source => SOURCE_ENABLE,
        ConnectorKind::Sink => PUT_ERRORS,
    };
    checked.err().map(|error| (key, error.message().to_owned())).into_iter().collect()
}

/// The dead letters of a source.
///
/// # Errors
/// One of the keys is wrong. They count only if `errors.deadletterqueue.source.enable` is true.
pub(super) fn of_source(props: &Props) -> Result<Option<DeadLetterQueue>> {
    if !source_enabled(props)? {
        return Ok(None);
    }
    let def = dead_letter_keys().into_iter().fold(ConfigDef::new(), ConfigDef::key);
    Ok(DeadLetterQueue::from_parsed(&def.parse(props)?))
}

/// Whether a source's failed records become dead letters.
pub(super) fn source_enabled(props: &Props) -> Result<bool> {
    let Some(text) = props.get(SOURCE_ENABLE) else { return Ok(false) };
    let wrong = |reason: &str| Err(ConnectError::invalid_value(SOURCE_ENABLE, text, reason));
    match java_trim(text).to_ascii_lowercase().as_str() {
        "false" => Ok(false),
        "true" if !has_topic(props) => wrong("it needs errors.deadletterqueue.topic.name, which is not set"),
        "true" if !tolerates_all(props) => {
            wrong("it needs errors.tolerance=all; otherwise a failed record fails the task and is read again")
        }
        "true" => Ok(true),
        _ => wrong("expected true or false"),
    }
}

/// Which errors of `put` make dead letters.
///
/// # Errors
/// The value is none of the three, or there is no topic for dead letters.
pub(super) fn put_errors(props: &Props) -> Result<PutErrors> {
    let Some(text) = props.get(PUT_ERRORS) else { return Ok(PutErrors::None) };
    let wrong = |reason: &str| Err(ConnectError::invalid_value(PUT_ERRORS, text, reason));
    match java_trim(text) {
        "none" => Ok(PutErrors::None),
        "data" | "all" if !has_topic(props) => wrong("it needs errors.deadletterqueue.topic.name, which is not set"),
        "data" => Ok(PutErrors::Data),
        "all" => Ok(PutErrors::All),
        _ => wrong("expected none, data or all"),
    }
}

fn has_topic(props: &Props) -> bool {
    props.get(TOPIC).is_some_and(|topic| !is_blank(topic))
}

fn tolerates_all(props: &Props) -> bool {
    props.get("errors.tolerance").is_some_and(|tolerance| java_trim(tolerance) == "all")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn put_errors_need_a_topic_and_one_of_three_words() {
        let read = |pairs: &[(&str, &str)]| {
            put_errors(&pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect())
        };
        assert_eq!(read(&[]).unwrap(), PutErrors::None);
        assert_eq!(read(&[(PUT_ERRORS, "data"), (TOPIC, "d")]).unwrap(), PutErrors::Data);
        assert_eq!(read(&[(PUT_ERRORS, "all"), (TOPIC, "d")]).unwrap(), PutErrors::All);
        assert!(read(&[(PUT_ERRORS, "data")]).unwrap_err().message().contains(TOPIC));
        assert_eq!(
            read(&[(PUT_ERRORS, "some"), (TOPIC, "d")]).unwrap_err().message(),
            "Invalid value some for configuration errors.deadletterqueue.put.errors: expected none, data or all"
        );
    }

    #[test]
    fn keys_of_sources_count_only_when_enabled() {
        let mut props = Props::from([(TOPIC, "d"), ("errors.tolerance", "all")]);
        assert_eq!(of_source(&props).unwrap(), None);
        props.set(SOURCE_ENABLE, "true");
        let queue = of_source(&props).unwrap().unwrap();
        assert_eq!((queue.topic.as_str(), queue.replication_factor, queue.context_headers), ("d", 3, false));
        props.set("errors.tolerance", "none");
        assert!(of_source(&props).unwrap_err().message().contains("errors.tolerance=all"));
        assert_eq!(rules(ConnectorKind::Source, &props).len(), 1);
    }
}
