//! A record as a list of entries, one for each part that can change, so that two states can be held side by side.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ferroconnect_plugin_abi::{Data, Record, Schema, Shared, Value, ValueRef};
use serde::Serialize;
use serde_json::Value as Json;

use crate::stages::text::{decimal, float, java_text};
use crate::stages::transforms::path::step_text;

/// One part of a record.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Entry {
    /// Where it is: `topic`, `value.address.city`, `headers[0]`; names that hold dots stand in back-ticks, as in
    /// configurations.
    pub(super) path: String,
    /// Its type, for parts that have one.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub(super) kind: Option<String>,
    /// Its value; absent where the value is in further entries.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) value: Option<Json>,
}

/// What became of one part. Both sides are there, or one.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Change {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) before: Option<Entry>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) after: Option<Entry>,
}

/// All parts of a record.
pub(super) fn entries(record: &Record) -> Vec<Entry> {
    let plain = |path: &str, value: Json| Entry { path: path.to_owned(), kind: None, value: Some(value) };
    let mut entries = vec![
        plain("topic", record.topic.as_str().into()),
        plain("partition", record.partition.into_option().into()),
        plain("timestamp", record.timestamp.into_option().into()),
    ];
    add_data(&mut entries, "key", &record.key);
    add_data(&mut entries, "value", &record.value);
    for (index, header) in record.headers.iter().enumerate() {
        add_data(&mut entries, &format!("headers[{index}] {}", header.key), &header.data);
    }
    entries
}

/// What is different after a step, in the order of the record after it; what is gone comes first.
pub(super) fn changes(before: &[Entry], after: &[Entry]) -> Vec<Change> {
    let find = |entries: &[Entry], path: &str| entries.iter().find(|entry| entry.path == path).cloned();
    let gone = before.iter().filter(|entry| find(after, &entry.path).is_none());
    let mut changes: Vec<Change> = gone.map(|entry| Change { before: Some(entry.clone()), after: None }).collect();
    for entry in after {
        let old = find(before, &entry.path);
        if old.as_ref() != Some(entry) {
            changes.push(Change { before: old, after: Some(entry.clone()) });
        }
    }
    changes
}

fn add_data(entries: &mut Vec<Entry>, path: &str, data: &Data) {
    let schema = data.schema.get();
    let start = entries.len();
    add(entries, path, schema, &data.value);
    if schema.is_none()
        && let Some(kind) = &mut entries[start].kind
    {
        kind.push_str(" without schema");
    }
}

fn add(entries: &mut Vec<Entry>, path: &str, schema: Option<&Shared<Schema>>, value: &Value) {
    let kind = schema.map_or_else(|| natural_type(value).to_owned(), |schema| type_text(schema));
    let leaf = leaf(value);
    let nested = leaf.is_none();
    entries.push(Entry { path: path.to_owned(), kind: Some(kind), value: leaf });
    if !nested {
        return;
    }
    let elements = schema.and_then(|schema| schema.values.get());
    match value.view() {
        ValueRef::Array(values) => {
            for (index, value) in values.iter().enumerate() {
                add(entries, &format!("{path}[{index}]"), elements, value);
            }
        }
        ValueRef::Map(pairs) => {
            for pair in pairs {
                let step = match pair.key.as_text() {
                    Some(text) => format!("{path}.{}", step_text(text.as_str())),
                    None => format!("{path}[{}]", java_text(&pair.key)),
                };
                add(entries, &step, elements, &pair.value);
            }
        }
        ValueRef::Struct(value) => {
            for (field, inner) in value.schema.fields.iter().zip(&value.fields) {
                add(entries, &format!("{path}.{}", step_text(&field.name)), Some(&field.schema), inner);
            }
        }
        _ => {}
    }
}

/// A schema without what is nested in it.
fn type_text(schema: &Schema) -> String {
    let mut text = if schema.optional { "optional ".to_owned() } else { String::new() };
    text.push_str(&schema.kind.name().to_lowercase());
    if let Some(name) = schema.name_str() {
        text.push_str(&format!(" {}", name.strip_prefix("org.apache.kafka.connect.data.").unwrap_or(name)));
    }
    // Logical types are of version 1 all their lives.
    if let Some(version) = schema.version.into_option().filter(|&version| version != 1) {
        text.push_str(&format!(" version {version}"));
    }
    for parameter in &schema.parameters {
        text.push_str(&format!(" {}={}", parameter.key, parameter.value));
    }
    if let Some(default) = schema.default.as_ref().into_option() {
        text.push_str(&format!(
            " default {}",
            leaf(default).map_or_else(|| java_text(default), |leaf| leaf.to_string())
        ));
    }
    if let Some(doc) = schema.doc.as_ref().into_option() {
        text.push_str(&format!(" doc {:?}", doc.as_str()));
    }
    text
}

fn natural_type(value: &Value) -> &'static str {
    match value.view() {
        ValueRef::Null => "null",
        ValueRef::Boolean(_) => "boolean",
        ValueRef::Int8(_) => "int8",
        ValueRef::Int16(_) => "int16",
        ValueRef::Int32(_) => "int32",
        ValueRef::Int64(_) => "int64",
        ValueRef::Float32(_) => "float32",
        ValueRef::Float64(_) => "float64",
        ValueRef::String(_) => "string",
        ValueRef::Bytes(_) => "bytes",
        ValueRef::Array(_) => "array",
        ValueRef::Map(_) => "map",
        ValueRef::Struct(_) => "struct",
        ValueRef::Decimal { .. } => "decimal",
        ValueRef::BigInteger(_) => "big integer",
        ValueRef::Date(_) | ValueRef::Time(_) | ValueRef::Timestamp(_) => "date",
        ValueRef::Unknown(_) => "unknown",
    }
}

/// A value that holds no others, as JSON; `None` for one that does.
fn leaf(value: &Value) -> Option<Json> {
    Some(match value.view() {
        ValueRef::Null => Json::Null,
        ValueRef::Boolean(value) => value.into(),
        ValueRef::Float32(value) => number(value.is_finite(), float::text_f32(value)),
        ValueRef::Float64(value) => number(value.is_finite(), float::text_f64(value)),
        ValueRef::String(text) => text.as_str().into(),
        ValueRef::Bytes(bytes) => serde_json::json!({ "base64": STANDARD.encode(bytes) }),
        ValueRef::Decimal { unscaled, scale } => decimal::text(unscaled, scale).into(),
        ValueRef::BigInteger(bytes) => decimal::text(bytes, 0).into(),
        ValueRef::Date(days) => instant(i64::from(days).saturating_mul(86_400_000), "%Y-%m-%d"),
        ValueRef::Time(millis) => instant(millis.into(), "%H:%M:%S%.3f"),
        ValueRef::Timestamp(millis) => instant(millis, "%Y-%m-%dT%H:%M:%S%.3fZ"),
        ValueRef::Unknown(kind) => format!("a value of kind {}", kind.0).into(),
        ValueRef::Array(_) | ValueRef::Map(_) | ValueRef::Struct(_) => return None,
        ValueRef::Int8(_) | ValueRef::Int16(_) | ValueRef::Int32(_) | ValueRef::Int64(_) => value.as_integer()?.into(),
    })
}

/// A float as a JSON number, where JSON has one.
fn number(finite: bool, text: String) -> Json {
    let number = finite.then(|| serde_json::from_str(&text).ok()).flatten();
    number.unwrap_or(Json::String(text))
}

/// An instant in UTC; beyond the calendar, its milliseconds.
fn instant(millis: i64, format: &str) -> Json {
    let instant = jiff::Timestamp::from_millisecond(millis);
    instant.map_or(Json::from(millis), |instant| instant.strftime(format).to_string().into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use ferroconnect_plugin_abi::builder::SchemaBuilder;
    use ferroconnect_plugin_abi::value::MapEntry;

    fn order(price: Value) -> Record {
        let schema = SchemaBuilder::structure()
            .name("order")
            .field("at", SchemaBuilder::timestamp().build())
            .field("price", SchemaBuilder::decimal(2).optional().build())
            .field("tags", SchemaBuilder::array(SchemaBuilder::string().build()).build())
            .build();
        let tags = Value::array(vec![Value::string("a")]);
        let fields = vec![Value::timestamp(1), price, tags];
        Record::new("t", Data::new(schema.clone(), Value::structure(schema, fields)))
    }

    #[test]
    fn every_part_has_a_path_a_type_and_a_value() {
        let entries = entries(&order(Value::decimal(vec![123], 2)));
        let shown: Vec<String> = entries
            .iter()
            .map(|entry| {
                let value = entry.value.as_ref().map_or(String::new(), Json::to_string);
                format!("{} | {} | {value}", entry.path, entry.kind.as_deref().unwrap_or_default())
            })
            .collect();
        assert_eq!(
            shown[3..],
            [
                "key | null without schema | null",
                "value | struct order | ",
                "value.at | int64 Timestamp | \"1970-01-01T00:00:00.001Z\"",
                "value.price | optional bytes Decimal scale=2 | \"1.23\"",
                "value.tags | array | ",
                "value.tags[0] | string | \"a\"",
            ]
        );
    }

    #[test]
    fn a_name_with_dots_is_told_from_a_way() {
        let data = |map| Record::new("t", Data::schemaless(map));
        let entry = |key: &str, value| MapEntry { key: Value::string(key), value };
        let inner = Value::map(vec![entry("first", Value::int8(1))]);
        let before = entries(&data(Value::map(vec![entry("name", inner)])));
        let after = entries(&data(Value::map(vec![entry("name.first", Value::int8(1))])));
        let changes = changes(&before, &after);
        let path = |entry: &Option<Entry>| entry.as_ref().map(|entry| entry.path.clone());
        let paths: Vec<_> = changes.iter().map(|change| (path(&change.before), path(&change.after))).collect();
        let some = |path: &str| Some(path.to_owned());
        assert_eq!(
            paths,
            [(some("value.name"), None), (some("value.name.first"), None), (None, some("value.`name.first`"))]
        );
    }

    #[test]
    fn changes_are_what_went_what_came_and_what_is_different() {
        let before = entries(&order(Value::decimal(vec![1], 2)));
        assert!(changes(&before, &before).is_empty());
        let mut after = entries(&order(Value::NULL));
        let gone = after.pop().expect("the tag");
        let changes = changes(&before, &after);
        assert_eq!(changes.len(), 2);
        assert_eq!(changes[0], Change { before: Some(gone), after: None });
        let (before, after) = (changes[1].before.as_ref(), changes[1].after.as_ref());
        assert_eq!(before.and_then(|entry| entry.value.clone()), Some("0.01".into()));
        assert_eq!(after.and_then(|entry| entry.value.clone()), Some(Json::Null));
    }

    #[test]
    fn what_json_cannot_say_is_text() {
        assert_eq!(leaf(&Value::float64(f64::NAN)), Some("NaN".into()));
        assert_eq!(leaf(&Value::bytes(vec![1])), Some(serde_json::json!({ "base64": "AQ==" })));
        assert_eq!(leaf(&Value::timestamp(i64::MAX)), Some(i64::MAX.into()));
        assert_eq!(leaf(&Value::map(Vec::new())), None);
    }
}
