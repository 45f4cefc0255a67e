//! Sample records as they are written in lines of JSON.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ferroconnect_plugin_abi::containers::AbiOption;
use ferroconnect_plugin_abi::record::{Coordinates, RawHeader, TimestampType};
use ferroconnect_plugin_abi::{Blob, Data, Header, Record};
use serde::{Deserialize, Deserializer};
use serde_json::{Value as Json, json};

use crate::config::{ConnectorKind, Props};
use crate::error::ConnectError;
use crate::stages::Converter as _;
use crate::stages::converters::json::JsonConverter;

/// What a line leaves out is taken from here.
pub(super) struct Sample {
    pub(super) kind: ConnectorKind,
    pub(super) topic: Option<String>,
}

/// A sample record: what is Connect data already, and what still is bytes.
pub(super) struct Input {
    pub(super) record: Record,
    /// The bytes of the key, to be read by its converter; `Some(None)` is a null in Kafka.
    pub(super) raw_key: Option<Option<Blob>>,
    /// The bytes of the value, likewise.
    pub(super) raw_value: Option<Option<Blob>>,
    /// Headers in bytes, in front of which `record.headers` is empty.
    pub(super) raw_headers: Vec<RawHeader>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Line {
    topic: Option<String>,
    partition: Option<i32>,
    offset: Option<i64>,
    timestamp: Option<i64>,
    timestamp_type: Option<WrittenType>,
    #[serde(default)]
    key: Json,
    key_schema: Option<Json>,
    #[serde(default, deserialize_with = "given")]
    raw_key: Option<Raw>,
    #[serde(default)]
    value: Json,
    value_schema: Option<Json>,
    #[serde(default, deserialize_with = "given")]
    raw_value: Option<Raw>,
    #[serde(default)]
    headers: Vec<HeaderLine>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HeaderLine {
    key: String,
    #[serde(default)]
    value: Json,
    schema: Option<Json>,
    #[serde(default, deserialize_with = "given")]
    raw: Option<Raw>,
}

#[derive(Deserialize, Clone, Copy)]
enum WrittenType {
    CreateTime,
    LogAppendTime,
    NoTimestampType,
}

/// Bytes as text, or as `{"base64": "…"}`; null is null.
#[derive(Deserialize)]
#[serde(untagged, expecting = "expected text, {\"base64\": \"…\"} or null")]
enum Raw {
    Null,
    Text(String),
    Bytes { base64: String },
}

/// A key that is there, even with null.
fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Raw>, D::Error> {
    Raw::deserialize(deserializer).map(Some)
}

impl Raw {
    fn bytes(self) -> Result<Option<Blob>, String> {
        match self {
            Raw::Null => Ok(None),
            Raw::Text(text) => Ok(Some(Blob::copy_from(text.as_bytes()))),
            Raw::Bytes { base64 } => {
                let bytes = STANDARD.decode(&base64);
                bytes.map(|bytes| Some(bytes.into())).map_err(|error| format!("{base64:?} is not base64: {error}"))
            }
        }
    }
}

/// Reads line number `number`. The error says what is wrong with it.
pub(super) fn read(line: &[u8], number: usize, sample: &Sample) -> Result<Input, String> {
    let line: Line = serde_json::from_slice(line).map_err(|error| no_line(&error))?;
    let topic = line.topic.or_else(|| sample.topic.clone());
    let topic = topic.ok_or("there is no topic; add \"topic\": \"…\", because the connector's file names none")?;
    let mut record = Record::new(topic, Data::NULL);
    let raw_key = part("key", &mut record.key, line.key, line.key_schema, line.raw_key)?;
    let raw_value = part("value", &mut record.value, line.value, line.value_schema, line.raw_value)?;
    record.partition = line.partition.into();
    record.timestamp = line.timestamp.into();
    if sample.kind == ConnectorKind::Sink {
        let partition = line.partition.unwrap_or_default();
        record.partition = AbiOption::RSome(partition);
        // Records of one file lie one behind the other, unless it says otherwise.
        let offset = line.offset.unwrap_or(number as i64 - 1);
        record.origin = Coordinates { topic: record.topic.clone(), partition, offset };
        record.timestamp_type = match (line.timestamp_type, line.timestamp) {
            (Some(WrittenType::CreateTime), _) | (None, Some(_)) => TimestampType::CREATE_TIME,
            (Some(WrittenType::LogAppendTime), _) => TimestampType::LOG_APPEND_TIME,
            (Some(WrittenType::NoTimestampType), _) | (None, None) => TimestampType::NONE,
        };
    } else if line.offset.is_some() || line.timestamp_type.is_some() {
        return Err("\"offset\" and \"timestampType\" are for sink connectors; this one is a source".to_owned());
    }
    let raw_headers = headers(line.headers, &mut record)?;
    Ok(Input { record, raw_key, raw_value, raw_headers })
}

/// The mistake without serde's place: every line is a text of its own.
fn no_line(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let what = if error.is_data() {
        text.rsplit_once(" at line ").map_or(text.as_str(), |(what, _)| what)
    } else {
        "not well-formed JSON"
    };
    format!("{what} (column {}); a record is an object such as {{\"topic\": \"t\", \"value\": 1}}", error.column())
}

/// Takes a key or value as data or as bytes.
fn part(
    name: &str,
    data: &mut Data,
    value: Json,
    schema: Option<Json>,
    raw: Option<Raw>,
) -> Result<Option<Option<Blob>>, String> {
    let Some(raw) = raw else {
        *data = self::data(name, value, schema)?;
        return Ok(None);
    };
    if !value.is_null() || schema.is_some() {
        return Err(format!("the {name} is given both as data and as raw bytes"));
    }
    Ok(Some(raw.bytes()?))
}

/// Data in the JSON of JsonConverter, which is how most people know schemas.
fn data(name: &str, value: Json, schema: Option<Json>) -> Result<Data, String> {
    let (text, schemas) = match schema {
        Some(schema) if !schema.is_null() => (json!({ "schema": schema, "payload": value }), "true"),
        _ if value.is_null() => return Ok(Data::NULL),
        _ => (value, "false"),
    };
    let props = Props::from([("converter.type", "value"), ("schemas.enable", schemas)]);
    let mut converter = JsonConverter::configured(&props).expect("both settings are right");
    let bytes = Blob::copy_from(text.to_string().as_bytes());
    converter.to_connect(&"".into(), &[], Some(&bytes)).map_err(|error| {
        let causes: Vec<&str> = error.chain().map(ConnectError::message).collect();
        format!("the {name} does not fit its schema: {}", causes.join(": "))
    })
}

fn headers(lines: Vec<HeaderLine>, record: &mut Record) -> Result<Vec<RawHeader>, String> {
    let mut raw = Vec::new();
    for line in lines {
        match line.raw {
            None => {
                let data = data(&format!("header {}", line.key), line.value, line.schema)?;
                record.headers.push(Header { key: line.key.into(), data });
            }
            Some(_) if !line.value.is_null() || line.schema.is_some() => {
                return Err(format!("the header {} is given both as data and as raw bytes", line.key));
            }
            Some(bytes) => raw.push(RawHeader { key: line.key.into(), value: bytes.bytes()?.into() }),
        }
    }
    if !raw.is_empty() && !record.headers.is_empty() {
        return Err("headers are given either all as data or all as raw bytes".to_owned());
    }
    Ok(raw)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ferroconnect_plugin_abi::{Value, ValueRef};

    fn of(kind: ConnectorKind, line: &str) -> Result<Input, String> {
        read(line.as_bytes(), 3, &Sample { kind, topic: Some("t".to_owned()) })
    }

    #[test]
    fn data_has_a_schema_where_one_is_given() {
        let input = of(
            ConnectorKind::Source,
            r#"{"key":"k","value":{"a":1},"valueSchema":{"type":"struct","fields":[{"field":"a","type":"int8"}]}}"#,
        )
        .expect("well-formed");
        assert_eq!(input.record.key, Data::schemaless("k"));
        let ValueRef::Struct(value) = input.record.value.value.view() else { panic!("{:?}", input.record.value) };
        assert_eq!(value.get("a"), Some(&Value::int8(1)));
        assert!(input.raw_value.is_none());
    }

    #[test]
    fn raw_null_is_a_tombstone_and_no_value_is_null_data() {
        let input = of(ConnectorKind::Sink, r#"{"rawKey":{"base64":"AQI="},"rawValue":null}"#).expect("well-formed");
        assert_eq!(input.raw_key, Some(Some(Blob::copy_from(&[1, 2]))));
        assert_eq!(input.raw_value, Some(None));
        assert_eq!((input.record.origin.offset, input.record.partition), (2, AbiOption::RSome(0)));
        assert!(of(ConnectorKind::Sink, "{}").expect("well-formed").raw_value.is_none());
    }

    #[test]
    fn mistakes_are_named() {
        for (line, part) in [
            (r#"{"valeu":1}"#, "unknown field `valeu`"),
            (r#"{"value":1"#, "not well-formed JSON (column 10)"),
            ("[1]", "a record is an object"),
            (r#"{"value":1,"rawValue":"x"}"#, "both"),
            (r#"{"rawValue":{"base64":"?"}}"#, "is not base64"),
            (r#"{"offset":1}"#, "for sink connectors"),
            (r#"{"value":1,"valueSchema":{"type":"in8"}}"#, "the value does not fit its schema"),
            (r#"{"headers":[{"key":"a","value":1},{"key":"b","raw":"x"}]}"#, "all as data or all as raw"),
        ] {
            let error = of(ConnectorKind::Source, line).err().unwrap_or_else(|| panic!("{line} is wrong"));
            assert!(error.contains(part), "{line}: {error}");
        }
        let nameless = Sample { kind: ConnectorKind::Sink, topic: None };
        assert!(read(b"{}", 1, &nameless).err().is_some_and(|error| error.contains("no topic")));
    }
}
