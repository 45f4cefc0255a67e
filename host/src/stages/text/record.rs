//! Records and schemas as text, the way Java prints them.

use std::fmt::Write as _;

use ferroconnect_plugin_abi::record::TimestampType;
use ferroconnect_plugin_abi::{Data, Header, Record, Schema};

use super::write_java;

/// What `toString` of the schema gives in Java: `Schema{N:INT32}`.
pub fn java_schema_text(schema: &Schema) -> String {
    let kind = schema.kind.name();
    match schema.name_str() {
        Some(name) => format!("Schema{{{name}:{kind}}}"),
        None => format!("Schema{{{kind}}}"),
    }
}

/// What `toString` of the record gives in Java. The position of a source record is left out: a record does not hold
/// it here.
pub fn java_record_text(record: &Record) -> String {
    let mut out = String::new();
    let origin = &record.origin;
    if origin.partition >= 0 {
        let (topic, partition, offset) = (&origin.topic, origin.partition, origin.offset);
        let kind = timestamp_type(record.timestamp_type);
        let _ = write!(
            out,
            "SinkRecord{{kafkaOffset={offset}, timestampType={kind}, originalTopic={topic}, \
             originalKafkaPartition={partition}, originalKafkaOffset={offset}}} "
        );
    }
    let partition: Option<i32> = record.partition.into();
    let timestamp: Option<i64> = record.timestamp.into();
    let _ = write!(out, "ConnectRecord{{topic='{}', kafkaPartition={}", record.topic, or_null(partition));
    write_data(&mut out, "key", &record.key);
    write_data(&mut out, "value", &record.value);
    let _ = write!(out, ", timestamp={}, headers=ConnectHeaders(headers=", or_null(timestamp));
    write_headers(&mut out, &record.headers);
    out.push_str(")}");
    out
}

fn timestamp_type(kind: TimestampType) -> &'static str {
    match kind {
        TimestampType::CREATE_TIME => "CreateTime",
        TimestampType::LOG_APPEND_TIME => "LogAppendTime",
        _ => "NoTimestampType",
    }
}

fn or_null<T: ToString>(value: Option<T>) -> String {
    value.map_or_else(|| "null".to_owned(), |value| value.to_string())
}

fn write_data(out: &mut String, name: &str, data: &Data) {
    let _ = write!(out, ", {name}=");
    write_java(out, &data.value);
    let schema = or_null(data.schema.get().map(|schema| java_schema_text(schema)));
    let _ = write!(out, ", {name}Schema={schema}");
}

fn write_headers(out: &mut String, headers: &[Header]) {
    if headers.is_empty() {
        return;
    }
    out.push('[');
    for (index, header) in headers.iter().enumerate() {
        let separator = if index == 0 { "" } else { ", " };
        let _ = write!(out, "{separator}ConnectHeader(key={}, value=", header.key);
        write_java(out, &header.data.value);
        let schema = or_null(header.data.schema.get().map(|schema| java_schema_text(schema)));
        let _ = write!(out, ", schema={schema})");
    }
    out.push(']');
}
