//! The records that are worked on.

use std::sync::LazyLock;

use ferroconnect::stages::RawMessage;
use ferroconnect_plugin_abi::builder::SchemaBuilder;
use ferroconnect_plugin_abi::record::TimestampType;
use ferroconnect_plugin_abi::value::MapEntry;
use ferroconnect_plugin_abi::{Blob, Data, Record, Schema, Shared, Text, Value};

/// Records of one batch, as many as a `poll` gives at most by default.
pub(crate) const BATCH: usize = 500;

static ORDER: LazyLock<Shared<Schema>> = LazyLock::new(|| {
    SchemaBuilder::structure()
        .name("order")
        .field("id", SchemaBuilder::int64().build())
        .field("customer", SchemaBuilder::string().build())
        .field("city", SchemaBuilder::string().build())
        .field("paid", SchemaBuilder::boolean().build())
        .field("items", SchemaBuilder::int32().build())
        .field("total", SchemaBuilder::float64().build())
        .field("weight", SchemaBuilder::float32().build())
        .field("note", SchemaBuilder::string().optional().build())
        .field("placed", SchemaBuilder::timestamp().build())
        .field("changed", SchemaBuilder::int64().build())
        .build()
});

static LINE: LazyLock<Shared<Schema>> = LazyLock::new(|| SchemaBuilder::string().build());

fn order_values(number: usize) -> Vec<Value> {
    let millis = 1_700_000_000_000 + 1_234 * number as i64;
    vec![
        Value::int64(1_000_000_000 + number as i64),
        Value::string("Ada Lovelace"),
        Value::string("London"),
        Value::boolean(true),
        Value::int32(12),
        Value::float64(1234.5),
        Value::float32(2.25),
        Value::NULL,
        Value::timestamp(millis),
        Value::int64(millis),
    ]
}

/// A struct of 10 fields.
pub(crate) fn order(number: usize) -> Data {
    Data::new(ORDER.clone(), Value::structure(ORDER.clone(), order_values(number)))
}

/// The same as a map without schema.
pub(crate) fn order_map(number: usize) -> Data {
    let plain = |value: Value| match value.view() {
        ferroconnect_plugin_abi::ValueRef::Timestamp(millis) => Value::int64(millis),
        _ => value,
    };
    let entry = |(field, value): (&ferroconnect_plugin_abi::schema::Field, Value)| MapEntry {
        key: Value::string(field.name.clone()),
        value: plain(value),
    };
    Data::schemaless(Value::map(ORDER.fields.iter().zip(order_values(number)).map(entry).collect::<Vec<_>>()))
}

/// A line of 99 bytes.
pub(crate) fn line(number: usize) -> Data {
    Data::new(LINE.clone(), format!("{number:012} {:a<86}", "the quick brown fox jumps over the lazy dog "))
}

/// 99 bytes.
pub(crate) fn bytes(number: usize) -> Data {
    Data::schemaless(Blob::copy_from(&[number as u8; 99]))
}

/// A batch of records with such values.
pub(crate) fn records(data: fn(usize) -> Data) -> Vec<Record> {
    let topic = Text::from("topic");
    (0..BATCH).map(|number| Record::new(topic.clone(), data(number))).collect()
}

/// Messages with these values.
pub(crate) fn messages(values: impl Iterator<Item = Option<Blob>>) -> Vec<RawMessage> {
    let topic = Text::from("topic");
    let message = |(offset, value)| RawMessage {
        topic: topic.clone(),
        partition: 0,
        offset: offset as i64,
        timestamp: Some(1_700_000_000_000),
        timestamp_type: TimestampType::CREATE_TIME,
        key: None,
        value,
        headers: Vec::new(),
        raw: Blob::EMPTY,
    };
    values.enumerate().map(message).collect()
}
