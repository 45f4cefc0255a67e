//! Reading through a tree: what [`super::fast`] leaves over. Follows Kafka Connect step by step, so that odd input
//! gives the same values and the same errors.

use ferroconnect_json::decimal;
use ferroconnect_plugin_abi::logical::{Logical, check_time, decimal_scale, shortest};
use ferroconnect_plugin_abi::validate::validate_field_of_valid_structs;
use ferroconnect_plugin_abi::value::MapEntry;
use ferroconnect_plugin_abi::{Data, Schema, SchemaType, Shared, Value};

use super::Settings;
use super::base64::decode_lenient;
use super::lexer::float;
use super::read_schema;
use super::tree::{self, Node};
use crate::error::{ConnectError, InField as _, Result};

const ENVELOPE: &str = "JsonConverter with schemas.enable requires \"schema\" and \"payload\" fields and may not contain \
                        additional fields. If you are trying to deserialize plain JSON data, set schemas.enable=false \
                        in your converter configuration.";

/// Reads a whole message.
pub(super) fn message(bytes: &[u8], settings: Settings, fixed: Option<&Shared<Schema>>) -> Result<Data> {
    let node = tree::parse(bytes).map_err(|error| {
        ConnectError::data("Converting byte[] to Kafka Connect data failed due to serialization error: ")
            .caused_by(error)
    })?;
    if !settings.schemas {
        return Ok(Data::schemaless(value(None, Some(&node), settings)?));
    }
    if let Some(schema) = fixed {
        return Ok(Data::new(schema.clone(), value(Some(schema), Some(&node), settings)?));
    }
    let (Node::Object(members), Some(schema), Some(payload)) = (&node, node.get("schema"), node.get("payload")) else {
        return Err(ConnectError::data(ENVELOPE));
    };
    if members.len() != 2 {
        return Err(ConnectError::data(ENVELOPE));
    }
    let schema = read_schema::from_tree(schema, settings)?;
    let value = value(schema.as_ref(), Some(payload), settings)?;
    Ok(Data { schema: schema.into(), value })
}

/// Reads a value under a schema, or without one.
pub(super) fn value(schema: Option<&Shared<Schema>>, node: Option<&Node>, settings: Settings) -> Result<Value> {
    let Some(schema) = schema else {
        return Ok(natural(node.unwrap_or(&Node::Null)));
    };
    let node = match node {
        Some(Node::Null) | None => return null(schema, settings),
        Some(node) => node,
    };
    if let Some(kind) = Logical::of(schema) {
        return logical(schema, kind, node);
    }
    Ok(match schema.kind {
        SchemaType::BOOLEAN => Value::boolean(*node == Node::Boolean(true)),
        SchemaType::INT8 => Value::int8(low_bits(node) as i8),
        SchemaType::INT16 => Value::int16(low_bits(node) as i16),
        SchemaType::INT32 => Value::int32(low_bits(node) as i32),
        SchemaType::INT64 => Value::int64(low_bits(node)),
        SchemaType::FLOAT32 => Value::float32(match node {
            Node::Number(number) => float(&number.text),
            _ => 0.0,
        }),
        SchemaType::FLOAT64 => Value::float64(match node {
            Node::Number(number) => float(&number.text),
            _ => 0.0,
        }),
        SchemaType::STRING => node.as_text().map_or(Value::NULL, Value::string),
        SchemaType::BYTES => match node.as_text() {
            Some(text) => Value::bytes(decode_lenient(text).ok_or_else(|| ConnectError::data("Invalid bytes field"))?),
            None => Value::NULL,
        },
        SchemaType::ARRAY => array(schema, node, settings)?,
        SchemaType::MAP => map(schema, node, settings)?,
        SchemaType::STRUCT => structure(schema, node, settings)?,
        _ => return Err(ConnectError::data(format!("Unknown schema type: {:?}", schema.kind))),
    })
}

fn null(schema: &Schema, settings: Settings) -> Result<Value> {
    if let Some(default) = schema.default_value()
        && settings.format.replace_null_with_default
    {
        return Ok(default.clone());
    }
    if schema.optional {
        return Ok(Value::NULL);
    }
    Err(ConnectError::data(format!("Invalid null value for required {} field", schema.kind.name())))
}

fn low_bits(node: &Node) -> i64 {
    match node {
        Node::Number(number) => number.low_bits(),
        _ => 0,
    }
}

fn natural(node: &Node) -> Value {
    match node {
        Node::Missing | Node::Null => Value::NULL,
        Node::Boolean(value) => Value::boolean(*value),
        Node::Number(number) if number.whole => Value::int64(number.low_bits()),
        Node::Number(number) => Value::float64(float(&number.text)),
        Node::Text(text) => Value::string(text.as_str()),
        // Plain loops: iterators that collect would spend many times the stack on each of up to 1000 levels.
        Node::Array(nodes) => {
            let mut values = Vec::with_capacity(nodes.len());
            for node in nodes {
                values.push(natural(node));
            }
            Value::array(values)
        }
        Node::Object(members) => {
            let mut entries = Vec::with_capacity(members.len());
            for (name, node) in members {
                entries.push(MapEntry { key: Value::string(name.as_str()), value: natural(node) });
            }
            Value::map(entries)
        }
    }
}

/// An array; the values of an object will do, and anything else is empty.
fn array(schema: &Schema, node: &Node, settings: Settings) -> Result<Value> {
    let mut values = Vec::new();
    match node {
        Node::Array(nodes) => {
            for (index, node) in nodes.iter().enumerate() {
                values.push(value(schema.values.get(), Some(node), settings).in_element(index)?);
            }
        }
        Node::Object(members) => {
            for (name, node) in members {
                values.push(value(schema.values.get(), Some(node), settings).in_field(name)?);
            }
        }
        _ => {}
    }
    Ok(Value::array(values))
}

fn map(schema: &Schema, node: &Node, settings: Settings) -> Result<Value> {
    let mut entries: Vec<MapEntry> = Vec::new();
    if schema.keys.as_deref().is_some_and(|keys| keys.kind == SchemaType::STRING) {
        let Node::Object(members) = node else {
            let found = node.kind();
            return Err(ConnectError::data(format!(
                "Maps with string fields should be encoded as JSON objects, but found {found}"
            )));
        };
        for (name, node) in members {
            let value = value(schema.values.get(), Some(node), settings).in_field(name)?;
            entries.push(MapEntry { key: Value::string(name.as_str()), value });
        }
        return Ok(Value::map(entries));
    }
    let Node::Array(tuples) = node else {
        let found = node.kind();
        return Err(ConnectError::data(format!(
            "Maps with non-string fields should be encoded as JSON array of tuples, but found {found}"
        )));
    };
    for (index, tuple) in tuples.iter().enumerate() {
        let Node::Array(pair) = tuple else {
            let found = tuple.kind();
            return Err(ConnectError::data(format!("Found invalid map entry instead of array tuple: {found}")));
        };
        let [key, node] = pair.as_slice() else {
            let length = pair.len();
            return Err(ConnectError::data(format!("Found invalid map entry, expected length 2 but found :{length}")));
        };
        let key = value(schema.keys.get(), Some(key), settings).in_element(index)?;
        let value = value(schema.values.get(), Some(node), settings).in_element(index)?;
        match entries.iter_mut().find(|entry| entry.key == key) {
            Some(entry) => entry.value = value,
            None => entries.push(MapEntry { key, value }),
        }
    }
    Ok(Value::map(entries))
}

fn structure(schema: &Shared<Schema>, node: &Node, settings: Settings) -> Result<Value> {
    if !matches!(node, Node::Object(_)) {
        let found = node.kind();
        return Err(ConnectError::data(format!("Structs should be encoded as JSON objects, but found {found}")));
    }
    let mut fields = Vec::with_capacity(schema.fields.len());
    for field in &schema.fields {
        let value = value(Some(&field.schema), node.get(&field.name), settings).in_field(&field.name)?;
        validate_field_of_valid_structs(field, &value).in_field(&field.name)?;
        fields.push(value);
    }
    Ok(Value::structure(schema.clone(), fields))
}

fn logical(schema: &Schema, kind: Logical, node: &Node) -> Result<Value> {
    let wrong_kind = |what: &str| {
        let found = node.kind();
        Err(ConnectError::data(format!(
            "Invalid type for {kind:?}, underlying representation should be {what} but was {found}"
        )))
    };
    let whole = match node {
        Node::Number(number) if number.whole => Some(number),
        _ => None,
    };
    match kind {
        Logical::Decimal => match node {
            Node::Number(number) => match decimal::parse(&number.text) {
                Some((unscaled, scale)) => Ok(Value::decimal(unscaled, scale)),
                None => Err(ConnectError::data(format!("The exponent of {} is out of range", number.text))),
            },
            Node::Text(text) => {
                let decoded = decode_lenient(text).filter(|bytes| !bytes.is_empty());
                let invalid = || ConnectError::data("Invalid bytes for Decimal field");
                let scale = decimal_scale(schema).map_err(|error| invalid().caused_by(ConnectError::from(error)))?;
                Ok(Value::decimal(shortest(&decoded.ok_or_else(invalid)?.into()), scale))
            }
            _ => wrong_kind("numeric or bytes"),
        },
        Logical::Date | Logical::Time => {
            let Some(number) = whole.and_then(|number| i32::try_from(number.exact()?).ok()) else {
                return wrong_kind("integer");
            };
            if kind == Logical::Date {
                return Ok(Value::date(number));
            }
            Ok(Value::time(check_time(number)?))
        }
        Logical::Timestamp => match whole {
            Some(number) => Ok(Value::timestamp(number.low_bits())),
            None => wrong_kind("integral"),
        },
    }
}
