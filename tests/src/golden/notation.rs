//! What a stage gave, in the notation of the recording.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ferroconnect_plugin_abi::record::TimestampType;
use ferroconnect_plugin_abi::{Data, Record, Schema, SchemaType, Shared, Value, ValueRef};
use num_bigint::BigInt;
use serde_json::{Map, Value as Json, json};

/// The name of the logical type.
const TIME: &str = "org.apache.kafka.connect.data.Time";

/// A record. `kind` is `source` or `sink`: nothing in a record says so.
pub(super) fn record(record: &Record, kind: &str) -> Json {
    let mut json = json!({
        "record": kind,
        "topic": record.topic.as_str(),
        "partition": record.partition.into_option(),
        "timestamp": record.timestamp.into_option().map(|millis| millis.to_string()),
        "key": data(&record.key),
        "value": data(&record.value),
    });
    if kind == "sink" {
        json["offset"] = record.origin.offset.to_string().into();
        json["timestampType"] = match record.timestamp_type {
            TimestampType::CREATE_TIME => "CreateTime",
            TimestampType::LOG_APPEND_TIME => "LogAppendTime",
            _ => "NoTimestampType",
        }
        .into();
    }
    let header = |header: &ferroconnect_plugin_abi::Header| {
        let mut json = data(&header.data);
        json["key"] = header.key.as_str().into();
        json
    };
    json["headers"] = record.headers.iter().map(header).collect();
    json
}

/// A value with its schema.
pub(super) fn data(data: &Data) -> Json {
    let under = data.schema.get();
    json!({ "schema": under.map_or(Json::Null, schema), "value": value(&data.value, under) })
}

fn schema(schema: &Shared<Schema>) -> Json {
    let mut json = Map::new();
    json.insert("type".into(), schema.kind.name().to_lowercase().into());
    json.insert("optional".into(), schema.optional.into());
    if let Some(name) = schema.name_str() {
        json.insert("name".into(), name.into());
    }
    if let Some(version) = schema.version.into_option() {
        json.insert("version".into(), version.into());
    }
    if let Some(doc) = schema.doc.as_ref().into_option() {
        json.insert("doc".into(), doc.as_str().into());
    }
    if !schema.parameters.is_empty() {
        let parameters = schema.parameters.iter().map(|one| (one.key.to_string(), Json::from(one.value.as_str())));
        json.insert("parameters".into(), parameters.collect::<Map<_, _>>().into());
    }
    if let Some(default) = schema.default.as_ref().into_option() {
        // SetSchemaMetadata gives a default on as it is, under its old schema, so that schema is not held against it.
        json.insert("default".into(), value(default, None));
    }
    let nested = |part: Option<&Shared<Schema>>| part.map_or(Json::Null, self::schema);
    if schema.kind == SchemaType::STRUCT {
        let field = |field: &ferroconnect_plugin_abi::schema::Field| json!({ "name": field.name.as_str(), "schema": self::schema(&field.schema) });
        json.insert("fields".into(), schema.fields.iter().map(field).collect());
    }
    if schema.kind == SchemaType::MAP {
        json.insert("keys".into(), nested(schema.keys.get()));
    }
    if matches!(schema.kind, SchemaType::MAP | SchemaType::ARRAY) {
        json.insert("values".into(), nested(schema.values.get()));
    }
    json.into()
}

fn value(value: &Value, under: Option<&Shared<Schema>>) -> Json {
    let (elements, keys) = (under.and_then(|schema| schema.values.get()), under.and_then(|schema| schema.keys.get()));
    match value.view() {
        ValueRef::Null => Json::Null,
        ValueRef::Boolean(value) => json!({ "boolean": value }),
        ValueRef::Int8(value) => json!({ "int8": value }),
        ValueRef::Int16(value) => json!({ "int16": value }),
        ValueRef::Int32(value) => json!({ "int32": value }),
        ValueRef::Int64(value) => json!({ "int64": value.to_string() }),
        ValueRef::Float32(value) => json!({ "float32": format!("{value:?}") }),
        ValueRef::Float64(value) => json!({ "float64": format!("{value:?}") }),
        ValueRef::String(text) => json!({ "string": text.as_str() }),
        ValueRef::Bytes(bytes) => json!({ "bytes": base64(bytes) }),
        ValueRef::Array(values) => one("array", values.iter().map(|item| self::value(item, elements)).collect()),
        ValueRef::Map(entries) => {
            let pair = |entry: &ferroconnect_plugin_abi::value::MapEntry| {
                Json::Array(vec![self::value(&entry.key, keys), self::value(&entry.value, elements)])
            };
            one("map", entries.iter().map(pair).collect())
        }
        ValueRef::Struct(value) => {
            let named = value.schema.fields.iter().zip(&value.fields);
            let fields: Json = named
                .map(|(field, value)| json!([field.name.as_str(), self::value(value, Some(&field.schema))]))
                .collect();
            // A struct knows its own schema, and converters refuse one that is not the schema it stands under.
            match under {
                Some(under) if *under != value.schema => json!({ "struct of another schema": fields }),
                _ => json!({ "struct": fields }),
            }
        }
        ValueRef::Decimal { unscaled, scale } => json!({ "decimal": { "unscaled": big(unscaled), "scale": scale } }),
        ValueRef::BigInteger(unscaled) => json!({ "bigint": big(unscaled) }),
        ValueRef::Date(days) => json!({ "date": days }),
        ValueRef::Time(millis) => json!({ "time": millis }),
        // Java has one class for both, and the schema says which it is.
        ValueRef::Timestamp(millis) if under.is_some_and(|schema| schema.name_str() == Some(TIME)) => {
            json!({ "time": millis })
        }
        ValueRef::Timestamp(millis) => json!({ "timestamp": millis.to_string() }),
        ValueRef::Unknown(kind) => json!({ "unknown": kind.0 }),
    }
}

/// A value of a kind. Not by `json!`, which copies what it is given: too much for what is nested a thousand deep.
pub(super) fn one(kind: &str, content: Json) -> Json {
    Json::Object(Map::from_iter([(kind.to_owned(), content)]))
}

/// Bytes as text.
pub(super) fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

fn big(bytes: &[u8]) -> String {
    BigInt::from_signed_bytes_be(bytes).to_string()
}
