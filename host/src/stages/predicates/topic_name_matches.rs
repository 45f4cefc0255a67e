//! TopicNameMatches: whether the topic of a record matches a regular expression.

use ferroconnect_plugin_abi::{Record, Text};

use crate::config::{ConfigDef, ConfigKey, Importance, Props, Type, Validator};
use crate::error::{ConnectError, Result};
use crate::java_regex::JavaRegex;
use crate::stages::Predicate;
use crate::stages::transforms::config::parse;

const PATTERN: &str = "pattern";

/// True for records whose whole topic matches.
pub(super) struct TopicNameMatches {
    pattern: JavaRegex,
    /// The last topic and the answer: neighbours mostly have the same.
    last: Option<(Text, bool)>,
}

impl TopicNameMatches {
    pub(super) fn config_def() -> ConfigDef {
        let doc = "A Java regular expression for matching against the name of a record's topic.";
        ConfigDef::new().key(
            ConfigKey::required(PATTERN, Type::String, Importance::Medium, doc)
                .check(Validator::All(vec![Validator::NonEmpty, Validator::Regex])),
        )
    }

    pub(super) fn configured(props: &Props) -> Result<Self> {
        let config = parse(&Self::config_def(), props)?;
        let pattern = config.str(PATTERN);
        let compiled = JavaRegex::compile(pattern).map_err(|error| {
            let reason = format!("entry must be a Java-compatible regular expression: {error}");
            ConnectError::invalid_value(PATTERN, pattern, reason)
        })?;
        Ok(Self { pattern: compiled, last: None })
    }
}

impl Predicate for TopicNameMatches {
    fn test(&mut self, record: &Record) -> Result<bool> {
        if let Some((topic, answer)) = &self.last
            && *topic == record.topic
        {
            return Ok(*answer);
        }
        let answer = self.pattern.matches(record.topic.as_str())?;
        self.last = Some((record.topic.clone(), answer));
        Ok(answer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ferroconnect_plugin_abi::Data;

    #[test]
    fn the_whole_topic_counts() {
        let mut predicate = TopicNameMatches::configured(&Props::from([(PATTERN, "my-.*|b")])).expect("right");
        for (topic, expected) in
            [("my-topic", true), ("my-topic", true), ("not-my-topic", false), ("b", true), ("bb", false)]
        {
            let record = Record::new(topic, Data::default());
            assert_eq!(predicate.test(&record).expect("tested"), expected, "{topic}");
        }
    }
}
