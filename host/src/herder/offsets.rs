//! Reading the offsets that clients send for sink connectors (KIP-875), and wording the answers.

use serde_json::Value;

use crate::error::{ConnectError, Result};
use crate::storage::OffsetMap;

use crate::runtime::{ConnectorOffset, OffsetsOutcome, SinkOffset};

const TOPIC: &str = "kafka_topic";
const PARTITION: &str = "kafka_partition";
const OFFSET: &str = "kafka_offset";

/// Reads sink offsets. Numbers may come as texts. Of several entries for one partition the last counts, as in a map.
pub(super) fn parse_sink_offsets(entries: &[ConnectorOffset]) -> Result<Vec<SinkOffset>> {
    let mut parsed: Vec<SinkOffset> = Vec::with_capacity(entries.len());
    for entry in entries {
        let offset = parse_sink_offset(entry)?;
        parsed.retain(|other| (&other.topic, other.partition) != (&offset.topic, offset.partition));
        parsed.push(offset);
    }
    Ok(parsed)
}

fn parse_sink_offset(entry: &ConnectorOffset) -> Result<SinkOffset> {
    let Some(partition) = &entry.partition else {
        return Err(ConnectError::bad_request("The partition for a sink connector offset cannot be null or missing"));
    };
    let (Some(topic), Some(number)) = (partition.get(TOPIC), partition.get(PARTITION)) else {
        return Err(ConnectError::bad_request(format!(
            "The partition for a sink connector offset must contain the keys '{TOPIC}' and '{PARTITION}'"
        )));
    };
    if topic.is_null() {
        return Err(ConnectError::bad_request("Kafka topic names must be valid strings and may not be null"));
    }
    if number.is_null() {
        return Err(ConnectError::bad_request("Kafka partitions must be valid numbers and may not be null"));
    }
    let number = text(number);
    let partition = number.parse().map_err(|_| {
        ConnectError::bad_request(format!(
            "Failed to parse the following Kafka partition value in the provided offsets: '{number}'. Partition values \
             for sink connectors need to be integers."
        ))
    })?;
    Ok(SinkOffset { topic: text(topic), partition, offset: entry.offset.as_ref().map(parse_offset).transpose()? })
}

fn parse_offset(offset: &OffsetMap) -> Result<i64> {
    let Some(value) = offset.get(OFFSET) else {
        return Err(ConnectError::bad_request(format!(
            "The offset for a sink connector should either be null or contain the key '{OFFSET}'"
        )));
    };
    let value = text(value);
    value.parse().map_err(|_| {
        ConnectError::bad_request(format!(
            "Failed to parse the following Kafka offset value in the provided offsets: '{value}'. Offset values for sink \
             connectors need to be integers."
        ))
    })
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Of several entries for one source partition the last counts, as in a map.
pub(super) fn last_per_partition(entries: Vec<ConnectorOffset>) -> Vec<ConnectorOffset> {
    let mut kept: Vec<ConnectorOffset> = Vec::with_capacity(entries.len());
    for entry in entries {
        kept.retain(|other| other.partition != entry.partition);
        kept.push(entry);
    }
    kept
}

/// What the client is told after a change. `verb` is `altered` or `reset`.
pub(super) fn outcome_message(outcome: OffsetsOutcome, verb: &str) -> String {
    match outcome {
        OffsetsOutcome::HandledByPlugin => {
            format!("The offsets for this connector have been {verb} successfully")
        }
        OffsetsOutcome::FrameworkOnly => format!(
            "The Connect framework-managed offsets for this connector have been {verb} successfully. However, if this \
             connector manages offsets externally, they will need to be manually {verb} in the system that the connector \
             uses."
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn entry(partition: Value, offset: Value) -> ConnectorOffset {
        ConnectorOffset { partition: partition.as_object().cloned(), offset: offset.as_object().cloned() }
    }

    fn parse(partition: Value, offset: Value) -> Result<Vec<SinkOffset>, String> {
        parse_sink_offsets(&[entry(partition, offset)]).map_err(|e| e.to_string())
    }

    #[test]
    fn numbers_may_be_texts_and_null_resets() {
        let both = [
            entry(json!({TOPIC: "t", PARTITION: "3"}), json!({OFFSET: 7})),
            entry(json!({TOPIC: "t", PARTITION: 3}), Value::Null),
        ];
        let want = SinkOffset { topic: "t".into(), partition: 3, offset: None };
        assert_eq!(parse_sink_offsets(&both).unwrap(), [want], "the last entry wins");
    }

    #[test]
    fn wrong_entries_get_the_texts_of_kafka_connect() {
        let ok = json!({TOPIC: "t", PARTITION: 0});
        let cases = [
            (Value::Null, Value::Null, "cannot be null or missing"),
            (json!({TOPIC: "t"}), Value::Null, "'kafka_topic' and 'kafka_partition'"),
            (json!({TOPIC: null, PARTITION: 0}), Value::Null, "topic names must be valid strings"),
            (json!({TOPIC: "t", PARTITION: null}), Value::Null, "must be valid numbers"),
            (json!({TOPIC: "t", PARTITION: 1.5}), Value::Null, "'1.5'. Partition values"),
            (ok.clone(), json!({}), "should either be null or contain the key 'kafka_offset'"),
            (ok, json!({OFFSET: "x"}), "'x'. Offset values"),
        ];
        for (partition, offset, want) in cases {
            let error = parse(partition, offset).unwrap_err();
            assert!(error.contains(want), "{error}");
        }
    }
}
