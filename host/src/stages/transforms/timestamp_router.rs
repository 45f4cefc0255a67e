//! TimestampRouter: makes the topic from the topic and the timestamp of a record.

use ferroconnect_plugin_abi::Record;

use super::config::parse;
use crate::config::{ConfigDef, ConfigKey, Importance, Props, Type};
use crate::error::{ConnectError, Result};
use crate::stages::Transform;
use crate::stages::text::date_format::{DateFormat, PatternError, Zone};
use crate::stages::text::record::java_record;

const TOPIC_FORMAT: &str = "topic.format";
const TIMESTAMP_FORMAT: &str = "timestamp.format";

/// Sends records to a topic named after their topic and timestamp, which is written in UTC.
pub(super) struct TimestampRouter {
    topic_format: String,
    /// A wrong pattern fails at the first record, as in Kafka Connect.
    timestamp_format: Result<DateFormat, PatternError>,
}

impl TimestampRouter {
    pub(super) fn config_def() -> ConfigDef {
        let high = |name, default, doc| ConfigKey::defaulting(name, Type::String, default, Importance::High, doc);
        ConfigDef::new()
            .key(high(
                TOPIC_FORMAT,
                "${topic}-${timestamp}",
                "The new topic; `${topic}` stands for the old one and `${timestamp}` for the timestamp.",
            ))
            .key(high(
                TIMESTAMP_FORMAT,
                "yyyyMMdd",
                "How the timestamp is written: a pattern of java.text.SimpleDateFormat, in UTC.",
            ))
    }

    pub(super) fn configured(props: &Props) -> Result<Self> {
        let config = parse(&Self::config_def(), props)?;
        let timestamp_format = DateFormat::new(config.str(TIMESTAMP_FORMAT));
        Ok(Self { topic_format: config.str(TOPIC_FORMAT).to_owned(), timestamp_format })
    }
}

impl Transform for TimestampRouter {
    fn apply(&mut self, record: &mut Record) -> Result<bool> {
        let Some(timestamp) = record.timestamp.into() else {
            return Err(ConnectError::data(format!("Timestamp missing on record: {}", java_record(record))));
        };
        let format = self
            .timestamp_format
            .as_ref()
            .map_err(|error| ConnectError::data(error.to_string()).with_class("java.lang.IllegalArgumentException"))?;
        let mut written = String::new();
        format.write(&mut written, timestamp, Zone::UTC);
        // One after the other, so that a topic named `${timestamp}` is filled in too.
        let topic = self.topic_format.replace("${topic}", &record.topic).replace("${timestamp}", &written);
        record.topic = topic.into();
        Ok(true)
    }
}
