//! Under which subject a schema stands.

use ferroconnect_plugin_sdk::{Config, Error, Result};

/// What decides about the subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Strategy {
    /// `<topic>-key` or `<topic>-value`.
    Topic,
    /// The full name of the record.
    Record,
    /// `<topic>-<full name of the record>`.
    TopicRecord,
}

/// What Confluent's strategies stand in.
const PACKAGES: [&str; 2] = ["io.confluent.kafka.serializers.subject.", "io.confluent.kafka.serializers."];

impl Strategy {
    /// The strategy that a key names, by the class of Confluent's, with or without its package.
    ///
    /// # Errors
    /// A config error that says what may stand there.
    pub(crate) fn read(config: &Config, key: &str) -> Result<Strategy> {
        let class = config.text(key)?;
        let name = PACKAGES.iter().find_map(|package| class.strip_prefix(package)).unwrap_or(class);
        match name {
            // An association is made by hand in registries that know them; without one it names the topic's subject.
            "TopicNameStrategy" | "AssociatedNameStrategy" | "DefaultSubjectNameStrategy" => Ok(Strategy::Topic),
            "RecordNameStrategy" => Ok(Strategy::Record),
            "TopicRecordNameStrategy" => Ok(Strategy::TopicRecord),
            _ => Err(Error::config(format!(
                "Invalid value {class} for configuration {key}: expected TopicNameStrategy, RecordNameStrategy or \
                 TopicRecordNameStrategy"
            ))),
        }
    }

    /// Whether the subject depends on the record's name.
    pub(crate) fn needs_record_name(self) -> bool {
        self != Strategy::Topic
    }

    /// The subject of a schema with this record name.
    ///
    /// # Errors
    /// A data error where the strategy needs a name and there is none.
    pub(crate) fn subject(self, topic: &str, is_key: bool, record_name: Option<&str>) -> Result<String> {
        let named = || {
            record_name.ok_or_else(|| {
                let role = if is_key { "key" } else { "value" };
                Error::data(format!(
                    "The {role} of topic {topic} is no record with a name, and {role}.subject.name.strategy names the \
                     subject after it"
                ))
            })
        };
        match self {
            Strategy::Topic => Ok(format!("{topic}-{}", if is_key { "key" } else { "value" })),
            Strategy::Record => Ok(named()?.to_owned()),
            Strategy::TopicRecord => Ok(format!("{topic}-{}", named()?)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(class: &str) -> Result<Strategy> {
        Strategy::read(&Config::from([("s", class)]), "s")
    }

    #[test]
    fn classes_are_known_with_and_without_package() {
        assert_eq!(read("io.confluent.kafka.serializers.subject.RecordNameStrategy").expect("known"), Strategy::Record);
        assert_eq!(read("io.confluent.kafka.serializers.TopicNameStrategy").expect("known"), Strategy::Topic);
        assert_eq!(read("TopicRecordNameStrategy").expect("known"), Strategy::TopicRecord);
        assert!(read("com.example.Own").expect_err("unknown").message().contains("com.example.Own"));
    }

    #[test]
    fn subjects_are_made_of_topic_role_and_name() {
        let subject = |strategy: Strategy, is_key, name| strategy.subject("t", is_key, name).ok();
        assert_eq!(subject(Strategy::Topic, true, None).as_deref(), Some("t-key"));
        assert_eq!(subject(Strategy::Topic, false, Some("a.B")).as_deref(), Some("t-value"));
        assert_eq!(subject(Strategy::Record, false, Some("a.B")).as_deref(), Some("a.B"));
        assert_eq!(subject(Strategy::TopicRecord, true, Some("a.B")).as_deref(), Some("t-a.B"));
        let error = Strategy::Record.subject("t", true, None).expect_err("no name");
        assert!(error.message().starts_with("The key of topic t is no record with a name"));
    }
}
