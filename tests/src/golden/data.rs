//! Schemas and values in the notation of the recording.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ferroconnect_plugin_abi::containers::AbiOption;
use ferroconnect_plugin_abi::record::{Coordinates, TimestampType};
use ferroconnect_plugin_abi::schema::{Field, Parameter};
use ferroconnect_plugin_abi::value::MapEntry;
use ferroconnect_plugin_abi::{Data, Header, Record, Schema, SchemaType, Shared, Text, Value};
use num_bigint::BigInt;
use serde_json::Value as Json;

/// What this notation can say and our values cannot: strings that are not well-formed Unicode.
#[derive(Debug)]
pub(super) struct NotRepresentable;

/// Base64 as bytes.
pub(super) fn bytes(json: &Json) -> Vec<u8> {
    STANDARD.decode(json.as_str().expect("bytes are written as text")).expect("bytes are written in base64")
}

/// A schema with its value.
pub(super) fn data(schema: &Json, value: &Json) -> Result<Data, NotRepresentable> {
    let schema = self::schema(schema)?;
    let value = self::value(value, schema.as_ref())?;
    Ok(Data { schema: schema.into(), value })
}

/// A record. Those of sinks were read where they are now.
pub(super) fn record(json: &Json) -> Result<Record, NotRepresentable> {
    let part = |key: &str| data(&json[key]["schema"], &json[key]["value"]);
    let mut record = Record::new(json["topic"].as_str().expect("a record has a topic"), part("value")?);
    record.key = part("key")?;
    record.partition = json["partition"].as_i64().map(|partition| partition as i32).into();
    record.timestamp = json["timestamp"].as_str().map(|millis| millis.parse().expect("64 bits as text")).into();
    for header in json["headers"].as_array().into_iter().flatten() {
        let key = header["key"].as_str().expect("a header has a key");
        record.headers.push(Header { key: key.into(), data: data(&header["schema"], &header["value"])? });
    }
    match json["record"].as_str() {
        Some("source") => {}
        Some("sink") => {
            record.timestamp_type = match json["timestampType"].as_str() {
                Some("CreateTime") => TimestampType::CREATE_TIME,
                Some("LogAppendTime") => TimestampType::LOG_APPEND_TIME,
                Some("NoTimestampType") | None => TimestampType::NONE,
                Some(other) => panic!("unknown timestamp type {other}"),
            };
            let offset = json["offset"].as_str().expect("a sink record has an offset");
            record.origin = Coordinates {
                topic: record.topic.clone(),
                partition: record.partition.into_option().expect("a sink record has a partition"),
                offset: offset.parse().expect("64 bits as text"),
            };
        }
        other => panic!("a record is one of a source or a sink, not {other:?}"),
    }
    Ok(record)
}

fn schema(json: &Json) -> Result<Option<Shared<Schema>>, NotRepresentable> {
    if json.is_null() {
        return Ok(None);
    }
    let mut schema = Schema::new(schema_type(json["type"].as_str().expect("a schema has a type")));
    let text = |key: &str| json[key].as_str().map(Text::from).into();
    schema.optional = json["optional"] == true;
    schema.name = text("name");
    schema.version = json["version"].as_i64().map(|version| version as i32).into();
    schema.doc = text("doc");
    for (key, value) in json["parameters"].as_object().into_iter().flatten() {
        let value = value.as_str().expect("parameters are text");
        schema.parameters.push(Parameter { key: key.as_str().into(), value: value.into() });
    }
    for field in json["fields"].as_array().into_iter().flatten() {
        let name = field["name"].as_str().expect("a field has a name");
        let field_schema = self::schema(&field["schema"])?.expect("a field has a schema");
        schema.fields.push(Field { name: name.into(), schema: field_schema });
    }
    schema.keys = self::schema(&json["keys"])?.into();
    schema.values = self::schema(&json["values"])?.into();
    let schema = Shared::new(schema);
    match json.get("default") {
        None => Ok(Some(schema)),
        Some(default) => {
            let default = value(default, Some(&schema))?;
            Ok(Some(Shared::new(Schema { default: AbiOption::RSome(default), ..Schema::clone(&schema) })))
        }
    }
}

fn schema_type(name: &str) -> SchemaType {
    match name {
        "int8" => SchemaType::INT8,
        "int16" => SchemaType::INT16,
        "int32" => SchemaType::INT32,
        "int64" => SchemaType::INT64,
        "float32" => SchemaType::FLOAT32,
        "float64" => SchemaType::FLOAT64,
        "boolean" => SchemaType::BOOLEAN,
        "string" => SchemaType::STRING,
        "bytes" => SchemaType::BYTES,
        "array" => SchemaType::ARRAY,
        "map" => SchemaType::MAP,
        "struct" => SchemaType::STRUCT,
        _ => panic!("unknown schema type {name}"),
    }
}

fn value(json: &Json, schema: Option<&Shared<Schema>>) -> Result<Value, NotRepresentable> {
    let Some((kind, content)) = json.as_object().and_then(|object| object.iter().next()) else {
        return Ok(Value::NULL);
    };
    let text = || content.as_str().expect("this kind is written as text");
    let integer = || content.as_i64().expect("this kind is written as a number");
    let long = || text().parse::<i64>().expect("64 bits as text");
    Ok(match kind.as_str() {
        "int8" => Value::int8(integer() as i8),
        "int16" => Value::int16(integer() as i16),
        "int32" => Value::int32(integer() as i32),
        "int64" => Value::int64(long()),
        "float32" => Value::float32(text().parse().expect("a float")),
        "float64" => Value::float64(text().parse().expect("a double")),
        "boolean" => Value::boolean(content == true),
        "string" => Value::string(text()),
        "utf16" => return Err(NotRepresentable),
        "bytes" => Value::bytes(bytes(content)),
        "decimal" => {
            let unscaled = content["unscaled"].as_str().expect("the unscaled number is text");
            Value::decimal(big(unscaled), content["scale"].as_i64().expect("the scale is a number") as i32)
        }
        "bigint" => Value::big_integer(big(text())),
        "date" => Value::date(integer() as i32),
        "time" => Value::time(integer() as i32),
        "timestamp" | "javadate" => Value::timestamp(long()),
        "array" => {
            let elements = schema.and_then(|schema| schema.values.get());
            Value::array(list(content).iter().map(|item| value(item, elements)).collect::<Result<Vec<_>, _>>()?)
        }
        "map" => {
            let entry = |pair: &Json| {
                let key = value(&pair[0], schema.and_then(|schema| schema.keys.get()))?;
                Ok(MapEntry { key, value: value(&pair[1], schema.and_then(|schema| schema.values.get()))? })
            };
            Value::map(list(content).iter().map(entry).collect::<Result<Vec<_>, _>>()?)
        }
        "struct" => structure(list(content), schema)?,
        "nest" => nest(content)?,
        _ => panic!("unknown kind of value {kind}"),
    })
}

fn list(json: &Json) -> &[Json] {
    json.as_array().expect("this kind is written as an array")
}

fn big(text: &str) -> Vec<u8> {
    text.parse::<BigInt>().expect("a whole number").to_signed_bytes_be()
}

/// A struct under its schema; without one, under a schema that its values suggest.
fn structure(fields: &[Json], schema: Option<&Shared<Schema>>) -> Result<Value, NotRepresentable> {
    let schema = schema.filter(|schema| schema.kind == SchemaType::STRUCT).cloned();
    let schema = schema.unwrap_or_else(|| Shared::new(Schema::new(SchemaType::STRUCT)));
    let values: Result<Vec<Value>, _> = fields
        .iter()
        .enumerate()
        .map(|(index, pair)| value(&pair[1], schema.fields.get(index).map(|field| &field.schema)))
        .collect();
    Ok(Value::structure(schema, values?))
}

fn nest(json: &Json) -> Result<Value, NotRepresentable> {
    let mut nested = value(&json["inner"], None)?;
    for _ in 0..json["depth"].as_u64().expect("a depth is a number") {
        nested = match json["of"].as_str() {
            Some("array") => Value::array(vec![nested]),
            _ => {
                let key = Value::string(json["key"].as_str().expect("maps are nested under a key"));
                Value::map(vec![MapEntry { key, value: nested }])
            }
        };
    }
    Ok(nested)
}
