//! Records as text, the way Java prints them.

use std::fmt::Write as _;

use ferroconnect_plugin_abi::record::TimestampType;
use ferroconnect_plugin_abi::{Data, Record};

use super::write_java;

/// What `toString` of the record gives in Java. The position of a source record is left out: the record does not
/// hold it here.
pub fn java_record(record: &Record) -> String {
    let mut out = String::new();
    let origin = &record.origin;
    if origin.partition >= 0 {
        let (topic, partition, offset) = (&origin.topic, origin.partition, origin.offset);
        let kind = timestamp_type(record.timestamp_type).unwrap_or("NoTimestampType");
        let _ = write!(
            out,
            "SinkRecord{{kafkaOffset={offset}, timestampType={kind}, originalTopic={topic}, \
             originalKafkaPartition={partition}, originalKafkaOffset={offset}}} "
        );
    }
    write_connect_record(&mut out, record);
    out
}

/// Where a timestamp comes from, in Java's words.
pub fn timestamp_type(kind: TimestampType) -> Option<&'static str> {
    match kind {
        TimestampType::CREATE_TIME => Some("CreateTime"),
        TimestampType::LOG_APPEND_TIME => Some("LogAppendTime"),
        _ => None,
    }
}

/// Appends what `ConnectRecord.toString` gives in Java.
pub fn write_connect_record(out: &mut String, record: &Record) {
    let or_null = |number: Option<i64>| number.map_or("null".to_owned(), |number| number.to_string());
    let partition: Option<i32> = record.partition.into();
    let partition = partition.map(i64::from);
    let _ = write!(out, "ConnectRecord{{topic='{}', kafkaPartition={}, key=", record.topic, or_null(partition));
    write_data(out, &record.key, ", keySchema=");
    out.push_str(", value=");
    write_data(out, &record.value, ", valueSchema=");
    let _ = write!(out, ", timestamp={}, headers=ConnectHeaders(headers=", or_null(record.timestamp.into()));
    for (index, header) in record.headers.iter().enumerate() {
        let _ = write!(out, "{}ConnectHeader(key={}, value=", if index == 0 { "[" } else { ", " }, header.key);
        write_data(out, &header.data, ", schema=");
        out.push(')');
    }
    out.push_str(if record.headers.is_empty() { ")}" } else { "])}" });
}

fn write_data(out: &mut String, data: &Data, separator: &str) {
    write_java(out, &data.value);
    out.push_str(separator);
    match data.schema.as_deref() {
        Some(schema) => drop(write!(out, "{schema:?}")),
        None => out.push_str("null"),
    }
}
