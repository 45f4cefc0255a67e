//! Casting one value.

use std::str::FromStr;

use ::base64::Engine as _;
use ::base64::engine::general_purpose::STANDARD;
use ferroconnect_plugin_abi::logical::Logical;
use ferroconnect_plugin_abi::{Schema, SchemaType, Value, ValueRef};

use crate::error::{ConnectError, Result};
use crate::stages::text::parse_float::{self, Float};
use crate::stages::text::{date, decimal, digits, java_text};

/// A type that values can be cast to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Target {
    Int8,
    Int16,
    Int32,
    Int64,
    Float32,
    Float64,
    Boolean,
    String,
}

impl Target {
    pub(super) fn schema_type(self) -> SchemaType {
        match self {
            Target::Int8 => SchemaType::INT8,
            Target::Int16 => SchemaType::INT16,
            Target::Int32 => SchemaType::INT32,
            Target::Int64 => SchemaType::INT64,
            Target::Float32 => SchemaType::FLOAT32,
            Target::Float64 => SchemaType::FLOAT64,
            Target::Boolean => SchemaType::BOOLEAN,
            Target::String => SchemaType::STRING,
        }
    }
}

/// Casts a value under its schema, or without one. Null stays null.
///
/// # Errors
/// A value of a kind that cannot be cast, or text that is no number of the type.
pub(super) fn cast(schema: Option<&Schema>, value: &Value, target: Target) -> Result<Value> {
    if value.is_null() {
        return Ok(Value::NULL);
    }
    let kind = match schema {
        Some(schema) => schema.kind,
        None => natural_type(value)?,
    };
    if matches!(kind, SchemaType::ARRAY | SchemaType::MAP | SchemaType::STRUCT) {
        return Err(unsupported(kind));
    }
    if target == Target::String {
        return Ok(text(value));
    }
    match schema.and_then(|schema| Some((schema, Logical::of(schema)?))) {
        // Dates count as their number.
        Some((schema, logical)) if logical != Logical::Decimal => number(&logical.encode(schema, value)?, target),
        _ => number(value, target),
    }
}

/// The error for a type that cannot be cast.
#[cold]
pub(super) fn unsupported(kind: SchemaType) -> ConnectError {
    let kind = kind.name();
    ConnectError::data(format!(
        "Cast transformation does not support casting from {kind}; supported types are [INT8, INT16, INT32, INT64, \
         FLOAT32, FLOAT64, BOOLEAN, STRING, BYTES]"
    ))
}

/// The type of a value without schema.
fn natural_type(value: &Value) -> Result<SchemaType> {
    match value.view() {
        ValueRef::Array(_) => Ok(SchemaType::ARRAY),
        ValueRef::Map(_) => Ok(SchemaType::MAP),
        ValueRef::Struct(_) => Ok(SchemaType::STRUCT),
        _ if value.needs_schema() => {
            let class = value.java_class();
            Err(ConnectError::data(format!(
                "Cast transformation was passed a value of type class {class} which is not supported by Connect's data \
                 API"
            )))
        }
        // Which of the others it is makes no difference: all of them can be cast.
        _ => Ok(SchemaType::STRING),
    }
}

/// A value as text: bytes in base64, dates in ISO 8601 as Kafka Connect abbreviates it, all else as Java prints it.
fn text(value: &Value) -> Value {
    match value.view() {
        ValueRef::String(_) => value.clone(),
        ValueRef::Bytes(bytes) => Value::string(STANDARD.encode(bytes)),
        _ => Value::string(match value.date_millis() {
            Some(millis) => {
                let mut text = String::new();
                date::write_iso(&mut text, millis);
                text
            }
            None => java_text(value),
        }),
    }
}

/// A number as Java's `Number` sees it.
enum Number<'a> {
    Integer(i64),
    Float(f64),
    Decimal(&'a [u8], i32),
}

impl Number<'_> {
    /// `longValue`: fractions are cut off, floats stay within bounds, decimals lose their upper bits.
    fn long(&self) -> i64 {
        match *self {
            Number::Integer(number) => number,
            Number::Float(number) => number as i64,
            Number::Decimal(unscaled, scale) => decimal::low_bits(unscaled, scale),
        }
    }

    /// `intValue`: as `longValue`, but floats stay within 32 bits.
    fn int(&self) -> i32 {
        match *self {
            Number::Float(number) => number as i32,
            _ => self.long() as i32,
        }
    }

    fn double(&self) -> f64 {
        match *self {
            Number::Integer(number) => number as f64,
            Number::Float(number) => number,
            Number::Decimal(unscaled, scale) => decimal_as(unscaled, scale),
        }
    }

    fn float(&self) -> f32 {
        match *self {
            Number::Integer(number) => number as f32,
            Number::Float(number) => number as f32,
            Number::Decimal(unscaled, scale) => decimal_as(unscaled, scale),
        }
    }
}

fn decimal_as<T: Float>(unscaled: &[u8], scale: i32) -> T {
    parse_float::parse(&decimal::text(unscaled, scale)).expect("decimals are printed as numbers")
}

/// Casts to a number or boolean.
fn number(value: &Value, target: Target) -> Result<Value> {
    let number = match value.view() {
        ValueRef::String(text) => return parsed(text, target),
        ValueRef::Boolean(value) if target == Target::Boolean => return Ok(Value::boolean(value)),
        ValueRef::Boolean(value) => Number::Integer(value.into()),
        ValueRef::Float32(number) => Number::Float(number.into()),
        ValueRef::Float64(number) => Number::Float(number),
        ValueRef::Decimal { unscaled, scale } => Number::Decimal(unscaled, scale),
        _ => Number::Integer(value.as_integer().ok_or_else(|| {
            let class = value.java_class();
            ConnectError::data(format!("Unexpected type in Cast transformation: class {class}"))
        })?),
    };
    Ok(match target {
        Target::Int8 => Value::int8(number.int() as i8),
        Target::Int16 => Value::int16(number.int() as i16),
        Target::Int32 => Value::int32(number.int()),
        Target::Int64 => Value::int64(number.long()),
        Target::Float32 => Value::float32(number.float()),
        Target::Float64 => Value::float64(number.double()),
        // The integer part decides, so a half is false.
        Target::Boolean => Value::boolean(number.long() != 0),
        Target::String => text(value),
    })
}

/// Reads text by Java's rules: whole numbers of exactly the type, digits of any script; floats in any notation; a
/// boolean is true if it says so.
fn parsed(text: &str, target: Target) -> Result<Value> {
    let value = match target {
        Target::Int8 => whole(text).map(Value::int8),
        Target::Int16 => whole(text).map(Value::int16),
        Target::Int32 => whole(text).map(Value::int32),
        Target::Int64 => whole(text).map(Value::int64),
        Target::Float32 => parse_float::parse(text).map(Value::float32),
        Target::Float64 => parse_float::parse(text).map(Value::float64),
        Target::Boolean => Some(Value::boolean(text.eq_ignore_ascii_case("true"))),
        Target::String => Some(Value::string(text)),
    };
    value.ok_or_else(|| {
        ConnectError::data(format!("Value ({text}) was out of range for requested data type")).caused_by(
            ConnectError::data(format!("For input string: \"{text}\"")).with_class("java.lang.NumberFormatException"),
        )
    })
}

fn whole<T: FromStr>(text: &str) -> Option<T> {
    digits::to_ascii(text).parse().ok()
}
