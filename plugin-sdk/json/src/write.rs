//! Connect values as JSON text.

use ferroconnect_plugin_abi::error::{AbiError, ErrorKind};
use ferroconnect_plugin_abi::logical::Logical;
use ferroconnect_plugin_abi::value::MapEntry;
use ferroconnect_plugin_abi::{Schema, SchemaType, Value, ValueRef};

use ::base64::Engine as _;
use ::base64::engine::general_purpose::STANDARD;

use crate::error::{Error, InField as _, Result};
use crate::plan::Plan;
use crate::scan::until_escape;
use crate::{decimal, float, iso};

/// More levels of arrays and objects than this are refused, as in Jackson.
pub const MAX_DEPTH: usize = 1000;

/// How decimals are written (`decimal.format`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Decimals {
    /// The unscaled number as base64 of its bytes; the scale is in the schema only.
    #[default]
    Base64,
    /// A JSON number.
    Numeric,
}

/// How dates, times and timestamps are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Times {
    /// Kafka Connect's numbers: days since 1970, milliseconds since midnight, milliseconds since 1970.
    #[default]
    Numbers,
    /// Text in UTC after ISO 8601: `2019-08-23`, `14:34:54.346`, `2019-08-23T14:34:54.346Z`.
    Iso,
}

/// What there is to choose about the text. The default is Kafka Connect's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Format {
    /// The form of decimals.
    pub decimals: Decimals,
    /// The form of dates, times and timestamps.
    pub times: Times,
    /// Whether a null whose schema has a default is written as the default.
    pub replace_null_with_default: bool,
}

impl Default for Format {
    fn default() -> Format {
        Format { decimals: Decimals::default(), times: Times::default(), replace_null_with_default: true }
    }
}

/// Appends a value under its schema, or without one. `depth` counts the arrays and objects that the caller has put
/// around it. After an error the buffer holds a part of it.
///
/// # Errors
/// The value does not fit the schema; or there is none, and its class needs one; or it is nested deeper than
/// [`MAX_DEPTH`].
pub fn write(out: &mut Vec<u8>, plan: Option<&Plan>, value: &Value, format: Format, depth: usize) -> Result<()> {
    let Some(plan) = plan else {
        return natural(out, value, format, depth);
    };
    if value.is_null() {
        return null(out, plan, format, depth);
    }
    let schema = &plan.schema;
    if let Some(kind) = plan.logical {
        return logical(out, schema, kind, value, format);
    }
    match (schema.kind, value.view()) {
        (SchemaType::INT8, ValueRef::Int8(number)) => integer(out, number.into()),
        (SchemaType::INT16, ValueRef::Int16(number)) => integer(out, number.into()),
        (SchemaType::INT32, ValueRef::Int32(number)) => integer(out, number.into()),
        (SchemaType::INT64, ValueRef::Int64(number)) => integer(out, number),
        (SchemaType::FLOAT32, ValueRef::Float32(_))
        | (SchemaType::FLOAT64, ValueRef::Float64(_))
        | (SchemaType::BOOLEAN, ValueRef::Boolean(_))
        | (SchemaType::STRING, ValueRef::String(_))
        | (SchemaType::BYTES, ValueRef::Bytes(_)) => scalar(out, value),
        (SchemaType::ARRAY | SchemaType::MAP | SchemaType::STRUCT, _) => match plan.elsewhere() {
            None => nested(out, plan, value, format, depth)?,
            Some(plan) => nested(out, &plan, value, format, depth)?,
        },
        _ => return Err(misfit(schema, value)),
    }
    Ok(())
}

/// An array, map or struct under its schema.
fn nested(out: &mut Vec<u8>, plan: &Plan, value: &Value, format: Format, depth: usize) -> Result<()> {
    let schema = &plan.schema;
    match (schema.kind, value.view()) {
        (SchemaType::ARRAY, ValueRef::Array(values)) => array(out, plan.values.as_deref(), values, format, depth),
        (SchemaType::MAP, ValueRef::Map(entries)) => {
            let text_keys = schema.keys.as_deref().is_some_and(|keys| keys.kind == SchemaType::STRING);
            let plans = (plan.keys.as_deref(), plan.values.as_deref());
            map(out, plans, text_keys, entries, format, depth)
        }
        (SchemaType::STRUCT, ValueRef::Struct(content)) => {
            if content.schema != *schema {
                return Err(Error::data("Mismatching schema."));
            }
            enter(depth)?;
            let mut mark = b'{';
            for ((field, value), named) in plan.fields.iter().zip(&content.fields).zip(&schema.fields) {
                out.push(mark);
                mark = b',';
                out.extend_from_slice(&field.key);
                write(out, Some(&field.plan), value, format, depth + 1).in_field(&named.name)?;
            }
            out.extend_from_slice(if mark == b'{' { b"{}" } else { b"}" });
            Ok(())
        }
        _ => Err(misfit(schema, value)),
    }
}

#[cold]
fn misfit(schema: &Schema, value: &Value) -> Error {
    let (kind, class) = (schema.kind.name(), value.java_class());
    Error::data(match schema.kind {
        SchemaType::BYTES => format!("Invalid type for bytes type: class {class}"),
        _ => format!("Invalid type for {kind}: class {class}"),
    })
}

/// A null under a schema: the default, or null where that is allowed.
fn null(out: &mut Vec<u8>, plan: &Plan, format: Format, depth: usize) -> Result<()> {
    if let Some(default) = plan.schema.default_value()
        && format.replace_null_with_default
    {
        return write(out, Some(plan), default, format, depth);
    }
    if plan.schema.optional {
        out.extend_from_slice(b"null");
        return Ok(());
    }
    Err(Error::data("Conversion error: null value for field that is required and has no default value"))
}

/// A value without schema, written as its own kind.
fn natural(out: &mut Vec<u8>, value: &Value, format: Format, depth: usize) -> Result<()> {
    match value.view() {
        ValueRef::Null => out.extend_from_slice(b"null"),
        ValueRef::Array(values) => array(out, None, values, format, depth)?,
        ValueRef::Map(entries) => {
            let text_keys = entries.iter().all(|entry| entry.key.as_text().is_some());
            map(out, (None, None), text_keys, entries, format, depth)?;
        }
        // Kafka Connect compares the struct's schema with the one it does not have.
        ValueRef::Struct(_) => return Err(Error::data("Mismatching schema.")),
        _ if value.needs_schema() => {
            let class = value.java_class();
            return Err(Error::data(format!("Java class class {class} does not have corresponding schema type.")));
        }
        _ => scalar(out, value),
    }
    Ok(())
}

/// A number, boolean, text or bytes as JSON.
fn scalar(out: &mut Vec<u8>, value: &Value) {
    match value.view() {
        ValueRef::Boolean(value) => out.extend_from_slice(if value { b"true" } else { b"false" }),
        ValueRef::Float32(number) if number.is_finite() => float::write_f32(out, number),
        ValueRef::Float32(number) => quoted(out, |out| float::write_f32(out, number)),
        ValueRef::Float64(number) if number.is_finite() => float::write_f64(out, number),
        ValueRef::Float64(number) => quoted(out, |out| float::write_f64(out, number)),
        ValueRef::String(text) => string(out, text),
        ValueRef::Bytes(bytes) => bytes_as_text(out, bytes),
        _ => integer(out, value.as_integer().expect("all other kinds are dealt with by the callers")),
    }
}

fn array(out: &mut Vec<u8>, elements: Option<&Plan>, values: &[Value], format: Format, depth: usize) -> Result<()> {
    enter(depth)?;
    out.push(b'[');
    for (index, value) in values.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write(out, elements, value, format, depth + 1).in_element(index)?;
    }
    out.push(b']');
    Ok(())
}

/// An object where keys are text, otherwise an array of pairs.
fn map(
    out: &mut Vec<u8>,
    (keys, values): (Option<&Plan>, Option<&Plan>),
    text_keys: bool,
    entries: &[MapEntry],
    format: Format,
    depth: usize,
) -> Result<()> {
    enter(depth)?;
    let marks = if text_keys { [b'{', b':', b'}'] } else { [b'[', b',', b']'] };
    out.push(marks[0]);
    for (index, entry) in entries.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        if !text_keys {
            enter(depth + 1)?;
            out.push(b'[');
        }
        let start = out.len();
        write(out, keys, &entry.key, format, depth + 2).in_element(index)?;
        if text_keys && out[start] != b'"' {
            // A null or a number as a name is its own text.
            out.insert(start, b'"');
            out.push(b'"');
        }
        out.push(marks[1]);
        let written = write(out, values, &entry.value, format, depth + if text_keys { 1 } else { 2 });
        match entry.key.as_text() {
            Some(name) => written.in_field(name)?,
            None => written.in_element(index)?,
        }
        if !text_keys {
            out.push(b']');
        }
    }
    out.push(marks[2]);
    Ok(())
}

fn logical(out: &mut Vec<u8>, schema: &Schema, kind: Logical, value: &Value, format: Format) -> Result<()> {
    if !kind.accepts(value) {
        let expected = if kind == Logical::Decimal { "BigDecimal" } else { "Date" };
        let class = value.java_class();
        return Err(Error::data(format!("Invalid type for {kind:?}, expected {expected} but was class {class}")));
    }
    if let ValueRef::Decimal { unscaled, scale } = value.view()
        && format.decimals == Decimals::Numeric
    {
        out.extend_from_slice(decimal::text(unscaled, scale).as_bytes());
        return Ok(());
    }
    let base = kind.encode(schema, value)?;
    match value.date_millis() {
        Some(millis) if format.times == Times::Iso => quoted(out, |out| iso::append(out, kind, millis)),
        _ => scalar(out, &base),
    }
    Ok(())
}

fn enter(depth: usize) -> Result<()> {
    if depth < MAX_DEPTH {
        return Ok(());
    }
    Err(too_deep())
}

#[cold]
fn too_deep() -> Error {
    let reason = AbiError::new(ErrorKind::DATA, "The data has more than 1000 levels of arrays, maps and structs")
        .with_class("org.apache.kafka.common.errors.SerializationException");
    let what = "Converting Kafka Connect data to byte[] failed due to serialization error: ";
    AbiError::new(ErrorKind::DATA, what).caused_by(&reason).into()
}

fn integer(out: &mut Vec<u8>, number: i64) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

fn quoted(out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    out.push(b'"');
    write(out);
    out.push(b'"');
}

fn bytes_as_text(out: &mut Vec<u8>, bytes: &[u8]) {
    quoted(out, |out| {
        let start = out.len();
        out.resize(start + bytes.len().div_ceil(3) * 4, 0);
        let written = STANDARD.encode_slice(bytes, &mut out[start..]).expect("base64 takes four bytes for three");
        out.truncate(start + written);
    });
}

/// Appends text in quotes. As Jackson does by default, characters above U+FFFF become two escapes, and a slash stays
/// as it is.
pub fn string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    let mut rest = text;
    loop {
        let (plain, special) = rest.split_at(until_escape(rest.as_bytes()));
        out.extend_from_slice(plain.as_bytes());
        if special.is_empty() {
            break;
        }
        rest = &special[escape(out, special)..];
    }
    out.push(b'"');
}

/// Appends the escape for the first character; gives its length in the text.
fn escape(out: &mut Vec<u8>, text: &str) -> usize {
    let first = text.chars().next().expect("there is something to escape");
    let short = match first {
        '"' | '\\' => first as u8,
        '\u{8}' => b'b',
        '\t' => b't',
        '\n' => b'n',
        '\u{c}' => b'f',
        '\r' => b'r',
        _ => {
            for unit in first.encode_utf16(&mut [0; 2]) {
                const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
                let digit = |shift: u16| DIGITS[usize::from(*unit >> shift & 15)];
                out.extend_from_slice(&[b'\\', b'u', digit(12), digit(8), digit(4), digit(0)]);
            }
            return first.len_utf8();
        }
    };
    out.extend_from_slice(&[b'\\', short]);
    1
}
