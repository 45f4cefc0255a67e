//! Default values: Connect's as Avro's JSON, and back.

use ferroconnect_plugin_sdk::{Error, Logical, MapEntry, Result, Schema, SchemaType, Shared, Value, ValueRef, warn};
use serde_json::{Map, Number, Value as Json};

use super::describe::is_plain_map;
use super::settings::AvroSettings;

/// Says that a default is left out.
pub(super) fn warn_of_ignored(place: &str, reason: &str) {
    warn!("Ignoring the invalid default of {place}: {reason}");
}

/// A value of a Connect schema as a default in Avro.
///
/// # Errors
/// A data error where JSON cannot hold it, such as an infinite number.
pub(super) fn to_json(schema: &Schema, value: &Value, settings: &AvroSettings) -> Result<Json> {
    let base = Logical::of(schema).filter(|_| !value.is_null()).map(|logical| logical.encode(schema, value));
    let base = base.transpose().map_err(Error::from_abi)?;
    let value = base.as_ref().unwrap_or(value);
    let inner = |schema: Option<&Shared<Schema>>, value: &Value| match schema {
        Some(schema) => to_json(schema, value, settings),
        None => Err(Error::data("an array or map has no schema of its elements")),
    };
    let number = |value: f64| Number::from_f64(value).map(Json::Number);
    Ok(match value.view() {
        ValueRef::Null => Json::Null,
        ValueRef::Boolean(value) => value.into(),
        ValueRef::Float32(value) => {
            let shortest = value.to_string().parse().ok().filter(|_| value.is_finite());
            shortest.map(Json::Number).ok_or_else(|| Error::data(format!("JSON has no number {value}")))?
        }
        ValueRef::Float64(value) => number(value).ok_or_else(|| Error::data(format!("JSON has no number {value}")))?,
        ValueRef::String(text) => text.as_str().into(),
        ValueRef::Bytes(bytes) => bytes.iter().map(|byte| char::from(*byte)).collect::<String>().into(),
        ValueRef::Array(values) => {
            values.iter().map(|value| inner(schema.values.get(), value)).collect::<Result<_>>()?
        }
        ValueRef::Map(entries) => {
            let (keys, values) = (schema.keys.get(), schema.values.get());
            if is_plain_map(schema, settings) {
                let entry = |entry: &MapEntry| {
                    let key = entry.key.as_text().map(ToString::to_string);
                    Ok((key.ok_or_else(|| Error::data("a map has no null key"))?, inner(values, &entry.value)?))
                };
                Json::Object(entries.iter().map(entry).collect::<Result<Map<_, _>>>()?)
            } else {
                let entry =
                    |entry: &MapEntry| Ok(Json::from(vec![inner(keys, &entry.key)?, inner(values, &entry.value)?]));
                entries.iter().map(entry).collect::<Result<_>>()?
            }
        }
        ValueRef::Struct(structure) => {
            let fields = structure.schema.fields.iter().enumerate();
            let field = |(index, field): (usize, &ferroconnect_plugin_sdk::Field)| {
                Ok((field.name.to_string(), to_json(&field.schema, structure.or_default(index), settings)?))
            };
            Json::Object(fields.map(field).collect::<Result<Map<_, _>>>()?)
        }
        _ => match value.as_integer() {
            Some(integer) => integer.into(),
            None => return Err(Error::data(format!("Avro has no value for {}", value.java_class()))),
        },
    })
}

/// A default in Avro as a value of a Connect schema. None = the schema can have no such default.
pub(super) fn from_json(schema: &Schema, json: &Json) -> Option<Value> {
    if json.is_null() {
        return schema.optional.then_some(Value::NULL);
    }
    let base = match schema.kind {
        SchemaType::INT8 => Value::int8(i8::try_from(json.as_i64()?).ok()?),
        SchemaType::INT16 => Value::int16(i16::try_from(json.as_i64()?).ok()?),
        SchemaType::INT32 => Value::int32(i32::try_from(json.as_i64()?).ok()?),
        SchemaType::INT64 => Value::int64(json.as_i64()?),
        SchemaType::FLOAT32 => Value::float32(float(json)? as f32),
        SchemaType::FLOAT64 => Value::float64(float(json)?),
        SchemaType::BOOLEAN => Value::boolean(json.as_bool()?),
        SchemaType::STRING => Value::string(json.as_str()?),
        SchemaType::BYTES => Value::bytes(bytes(json.as_str()?)?),
        SchemaType::ARRAY => {
            let elements = schema.values.get()?;
            let values = json.as_array()?.iter().map(|value| from_json(elements, value));
            Value::array(values.collect::<Option<Vec<_>>>()?)
        }
        SchemaType::MAP => {
            let (keys, values) = (schema.keys.get()?, schema.values.get()?);
            let entries: Option<Vec<MapEntry>> = match json {
                Json::Object(entries) => {
                    let entry = |(key, value): (&String, &Json)| {
                        Some(MapEntry { key: Value::string(key.as_str()), value: from_json(values, value)? })
                    };
                    entries.iter().map(entry).collect()
                }
                Json::Array(entries) => {
                    let entry = |entry: &Json| match entry.as_array()?.as_slice() {
                        [key, value] => Some(MapEntry { key: from_json(keys, key)?, value: from_json(values, value)? }),
                        _ => None,
                    };
                    entries.iter().map(entry).collect()
                }
                _ => None,
            };
            Value::map(entries?)
        }
        // A struct's schema would have to hold a value of itself.
        _ => return None,
    };
    match Logical::of(schema) {
        Some(logical) => logical.decode(schema, &base).ok()?,
        None => Some(base),
    }
}

fn float(json: &Json) -> Option<f64> {
    match json {
        // What Java writes where JSON has no number.
        Json::String(text) => match text.as_str() {
            "NaN" => Some(f64::NAN),
            "Infinity" => Some(f64::INFINITY),
            "-Infinity" => Some(f64::NEG_INFINITY),
            _ => None,
        },
        other => other.as_f64(),
    }
}

/// Bytes as Avro writes them: each as the character of its number.
pub(super) fn bytes(text: &str) -> Option<Vec<u8>> {
    text.chars().map(|char| u8::try_from(u32::from(char)).ok()).collect()
}
