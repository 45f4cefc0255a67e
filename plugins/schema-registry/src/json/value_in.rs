//! JSON as Connect values.

use super::decimal::Number;
use super::options::Options;
use super::value_out::is_object;
use super::{is_enum, is_union};
use crate::path::{Path, part};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ferroconnect_plugin_sdk::{Error, Logical, MapEntry, Result, Schema, SchemaType, Shared, Value, decimal_scale};
use serde_json::{Map, Value as Json};

/// Reads a value of a schema; none = the property is not there.
///
/// # Errors
/// A data error with the place and what is wrong there.
pub(super) fn read(schema: &Shared<Schema>, json: Option<&Json>, options: &Options, at: &Path<'_>) -> Result<Value> {
    let Some(json) = json.filter(|json| !json.is_null()) else {
        let ignored = json.is_some() && schema.optional && options.ignore_default_for_nullables;
        return match schema.default_value().filter(|_| !ignored) {
            Some(default) => Ok(default.clone()),
            None if schema.optional => Ok(Value::NULL),
            None => Err(missing(json, schema, at)),
        };
    };
    let wrong = || Error::data(format!("{at}: {} does not fit a schema of type {}", kind(json), schema.kind.name()));
    if let Some(logical) = Logical::of(schema) {
        return logical_value(logical, schema, json, at);
    }
    Ok(match schema.kind {
        SchemaType::BOOLEAN => Value::boolean(json.as_bool().ok_or_else(wrong)?),
        SchemaType::INT8 => Value::int8(integer(json).ok_or_else(wrong)?),
        SchemaType::INT16 => Value::int16(integer(json).ok_or_else(wrong)?),
        SchemaType::INT32 => Value::int32(integer(json).ok_or_else(wrong)?),
        SchemaType::INT64 => Value::int64(integer(json).ok_or_else(wrong)?),
        SchemaType::FLOAT32 => Value::float32(float(json).ok_or_else(wrong)?),
        SchemaType::FLOAT64 => Value::float64(float(json).ok_or_else(wrong)?),
        SchemaType::STRING => text(schema, json).ok_or_else(wrong)?,
        SchemaType::BYTES => Value::bytes(bytes(json, at)?),
        SchemaType::ARRAY => array(schema, json.as_array().ok_or_else(wrong)?, options, at)?,
        SchemaType::MAP if is_object(schema) => object(schema, json.as_object().ok_or_else(wrong)?, options, at)?,
        SchemaType::MAP => entries(schema, json.as_array().ok_or_else(wrong)?, options, at)?,
        SchemaType::STRUCT if is_union(schema) => union(schema, json, options, at)?,
        SchemaType::STRUCT => structure(schema, json.as_object().ok_or_else(wrong)?, options, at)?,
        _ => return Err(wrong()),
    })
}

/// Why there is no value: a property is absent, or null.
fn missing(json: Option<&Json>, schema: &Schema, at: &Path<'_>) -> Error {
    let kind = schema.kind.name();
    Error::data(match json {
        Some(_) => format!("{at}: null for a required {kind}"),
        None => format!(
            "{at}: the property is absent, and its field is a required {kind}. use.optional.for.nonrequired=true makes fields \
             optional whose properties the JSON Schema does not list as required"
        ),
    })
}

/// What the JSON is, for the text of an error. Values stay out of it: they may be anybody's data.
fn kind(json: &Json) -> &'static str {
    match json {
        Json::Null => "null",
        Json::Bool(_) => "a boolean",
        Json::Number(_) => "this number",
        Json::String(_) => "text",
        Json::Array(_) => "an array",
        Json::Object(_) => "an object",
    }
}

fn logical_value(logical: Logical, schema: &Schema, json: &Json, at: &Path<'_>) -> Result<Value> {
    let wrong = || Error::data(format!("{at}: {} is no {logical:?}", kind(json)));
    let located = |error| Error::data(format!("{at}: {error}"));
    let base = match (logical, json) {
        (Logical::Decimal, Json::Number(number)) => {
            let scale = decimal_scale(schema).map_err(located)?;
            let decimal = Number::parse(number.as_str()).and_then(|number| number.decimal(scale));
            return decimal.ok_or_else(|| {
                Error::data(format!("{at}: the number does not fit a decimal with {scale} digits behind the point"))
            });
        }
        (Logical::Decimal, _) => Value::bytes(bytes(json, at)?),
        (Logical::Date | Logical::Time, _) => Value::int32(integer(json).ok_or_else(wrong)?),
        (Logical::Timestamp, _) => Value::int64(integer(json).ok_or_else(wrong)?),
    };
    logical.decode(schema, &base).map_err(located)?.ok_or_else(wrong)
}

/// A whole number in the range of the type.
fn integer<T: TryFrom<i64>>(json: &Json) -> Option<T> {
    let number = json.as_number()?;
    let number = number.as_i64().or_else(|| Number::parse(number.as_str())?.integer())?;
    T::try_from(number).ok()
}

/// A number in the range of the type. Those that JSON lacks are written as text.
fn float<T: std::str::FromStr + Into<f64> + Copy>(json: &Json) -> Option<T> {
    match json {
        Json::Number(number) => number.as_str().parse().ok().filter(|number: &T| (*number).into().is_finite()),
        Json::String(text) if matches!(text.as_str(), "NaN" | "Infinity" | "-Infinity") => text.parse().ok(),
        _ => None,
    }
}

/// Text. The symbols of an enum need not be text.
fn text(schema: &Schema, json: &Json) -> Option<Value> {
    match json {
        Json::String(text) => Some(Value::string(text.as_str())),
        Json::Bool(_) | Json::Number(_) if is_enum(schema) => Some(Value::string(json.to_string())),
        _ => None,
    }
}

fn bytes(json: &Json, at: &Path<'_>) -> Result<Vec<u8>> {
    let text = json.as_str().ok_or_else(|| Error::data(format!("{at}: {} is no text in base 64", kind(json))))?;
    STANDARD.decode(text).map_err(|error| Error::data(format!("{at}: the text is not base 64: {error}")))
}

fn array(schema: &Schema, items: &[Json], options: &Options, at: &Path<'_>) -> Result<Value> {
    let element = part(&schema.values, at)?;
    let items = items.iter().enumerate().map(|(index, item)| read(element, Some(item), options, &at.item(index)));
    Ok(Value::array(items.collect::<Result<Vec<_>>>()?))
}

fn object(schema: &Schema, properties: &Map<String, Json>, options: &Options, at: &Path<'_>) -> Result<Value> {
    let values = part(&schema.values, at)?;
    let entry = |(key, value): (&String, &Json)| {
        let value = read(values, Some(value), options, &at.field(key))?;
        Ok(MapEntry { key: Value::string(key.as_str()), value })
    };
    Ok(Value::map(properties.iter().map(entry).collect::<Result<Vec<_>>>()?))
}

/// A map whose keys are no required text.
fn entries(schema: &Schema, entries: &[Json], options: &Options, at: &Path<'_>) -> Result<Value> {
    let (keys, values) = (part(&schema.keys, at)?, part(&schema.values, at)?);
    let entry = |(index, entry): (usize, &Json)| {
        let at = at.item(index);
        let entry = entry.as_object().filter(|entry| entry.len() == 2 && entry.contains_key("key"));
        let entry = entry.ok_or_else(|| Error::data(format!("{at}: an entry of a map has 'key' and 'value'")))?;
        let key = read(keys, entry.get("key"), options, &at.field("key"))?;
        Ok(MapEntry { key, value: read(values, entry.get("value"), options, &at.field("value"))? })
    };
    Ok(Value::map(entries.iter().enumerate().map(entry).collect::<Result<Vec<_>>>()?))
}

/// Properties that the schema does not name are left out.
fn structure(schema: &Shared<Schema>, object: &Map<String, Json>, options: &Options, at: &Path<'_>) -> Result<Value> {
    let field = |field: &ferroconnect_plugin_sdk::Field| {
        read(&field.schema, object.get(field.name.as_str()), options, &at.field(&field.name))
    };
    let fields = schema.fields.iter().map(field).collect::<Result<Vec<_>>>()?;
    Ok(Value::structure(schema.clone(), fields))
}

/// The first branch of the JSON's type; among structs the one that knows the most properties.
fn union(schema: &Shared<Schema>, json: &Json, options: &Options, at: &Path<'_>) -> Result<Value> {
    let branches = || schema.fields.iter().map(|field| &*field.schema).enumerate();
    let plain = branches().find(|(_, branch)| is_of(branch, json));
    let known = || branches().rev().max_by_key(|(_, branch)| known_properties(branch, json));
    let known = || known().filter(|(_, branch)| known_properties(branch, json) > 0);
    // Text is bytes only where no branch is text.
    let bytes = || branches().find(|(_, branch)| branch.kind == SchemaType::BYTES && json.is_string());
    let (index, _) = plain
        .or_else(known)
        .or_else(bytes)
        .ok_or_else(|| Error::data(format!("{at}: {} fits no branch of the union", kind(json))))?;
    let mut fields = vec![Value::NULL; schema.fields.len()];
    fields[index] = read(&schema.fields[index].schema, Some(json), options, at)?;
    Ok(Value::structure(schema.clone(), fields))
}

fn is_of(branch: &Schema, json: &Json) -> bool {
    match branch.kind {
        SchemaType::INT8 => integer::<i8>(json).is_some(),
        SchemaType::INT16 => integer::<i16>(json).is_some(),
        SchemaType::INT32 => integer::<i32>(json).is_some(),
        SchemaType::INT64 => integer::<i64>(json).is_some(),
        SchemaType::FLOAT32 | SchemaType::FLOAT64 => json.is_number(),
        SchemaType::BOOLEAN => json.is_boolean(),
        SchemaType::STRING => json.is_string(),
        SchemaType::BYTES => Logical::of(branch) == Some(Logical::Decimal) && json.is_number(),
        SchemaType::ARRAY => json.is_array(),
        SchemaType::MAP if is_object(branch) => json.is_object(),
        SchemaType::MAP => json.is_array(),
        _ => false,
    }
}

/// How many properties of the object the struct knows, those inside of it counted too.
fn known_properties(branch: &Schema, json: &Json) -> usize {
    let Some(object) = json.as_object().filter(|_| branch.kind == SchemaType::STRUCT) else { return 0 };
    let known = |field: &ferroconnect_plugin_sdk::Field| {
        object.get(field.name.as_str()).map_or(0, |value| 1 + known_properties(&field.schema, value))
    };
    branch.fields.iter().map(known).sum()
}
