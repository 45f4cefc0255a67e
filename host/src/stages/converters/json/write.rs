//! Connect values as JSON text.

use ferroconnect_plugin_abi::logical::Logical;
use ferroconnect_plugin_abi::value::MapEntry;
use ferroconnect_plugin_abi::{Schema, SchemaType, Value, ValueRef};

use ::base64::Engine as _;
use ::base64::engine::general_purpose::STANDARD;

use super::lexer::MAX_DEPTH;
use super::plan::Plan;
use super::scan::until_escape;
use super::{DecimalFormat, Settings};
use crate::error::{ConnectError, InField as _, Result};
use crate::stages::needs_schema;
use crate::stages::text::{decimal, float, java_class};

/// Appends a value. `depth` counts the arrays and objects around it.
pub(super) fn value(
    out: &mut Vec<u8>,
    plan: Option<&Plan>,
    value: &Value,
    settings: Settings,
    depth: usize,
) -> Result<()> {
    let Some(plan) = plan else {
        return natural(out, value, settings, depth);
    };
    if value.is_null() {
        return null(out, plan, settings, depth);
    }
    let schema = &plan.schema;
    if let Some(kind) = plan.logical {
        return logical(out, schema, kind, value, settings);
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
        (SchemaType::ARRAY, ValueRef::Array(values)) => array(out, plan.values.as_deref(), values, settings, depth)?,
        (SchemaType::MAP, ValueRef::Map(entries)) => {
            let text_keys = schema.keys.as_deref().is_some_and(|keys| keys.kind == SchemaType::STRING);
            let plans = (plan.keys.as_deref(), plan.values.as_deref());
            map(out, plans, text_keys, entries, settings, depth)?;
        }
        (SchemaType::STRUCT, ValueRef::Struct(content)) => {
            if content.schema != *schema {
                return Err(ConnectError::data("Mismatching schema."));
            }
            enter(depth)?;
            let mut mark = b'{';
            for ((field, value), named) in plan.fields.iter().zip(&content.fields).zip(&schema.fields) {
                out.push(mark);
                mark = b',';
                out.extend_from_slice(&field.key);
                self::value(out, Some(&field.plan), value, settings, depth + 1).in_field(&named.name)?;
            }
            out.extend_from_slice(if mark == b'{' { b"{}" } else { b"}" });
        }
        _ => {
            let (kind, class) = (schema.kind.name(), java_class(value));
            let text = match schema.kind {
                SchemaType::BYTES => format!("Invalid type for bytes type: class {class}"),
                _ => format!("Invalid type for {kind}: class {class}"),
            };
            return Err(ConnectError::data(text));
        }
    }
    Ok(())
}

/// A null under a schema: the default, or null where that is allowed.
fn null(out: &mut Vec<u8>, plan: &Plan, settings: Settings, depth: usize) -> Result<()> {
    if let Some(default) = plan.schema.default_value()
        && settings.replace_null_with_default
    {
        return value(out, Some(plan), default, settings, depth);
    }
    if plan.schema.optional {
        out.extend_from_slice(b"null");
        return Ok(());
    }
    Err(ConnectError::data("Conversion error: null value for field that is required and has no default value"))
}

/// A value without schema, written as its own kind.
fn natural(out: &mut Vec<u8>, value: &Value, settings: Settings, depth: usize) -> Result<()> {
    match value.view() {
        ValueRef::Null => out.extend_from_slice(b"null"),
        ValueRef::Array(values) => array(out, None, values, settings, depth)?,
        ValueRef::Map(entries) => {
            let text_keys = entries.iter().all(|entry| entry.key.as_text().is_some());
            map(out, (None, None), text_keys, entries, settings, depth)?;
        }
        // Kafka Connect compares the struct's schema with the one it does not have.
        ValueRef::Struct(_) => return Err(ConnectError::data("Mismatching schema.")),
        _ if needs_schema(value) => {
            let class = java_class(value);
            return Err(ConnectError::data(format!(
                "Java class class {class} does not have corresponding schema type."
            )));
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

fn array(out: &mut Vec<u8>, elements: Option<&Plan>, values: &[Value], settings: Settings, depth: usize) -> Result<()> {
    enter(depth)?;
    out.push(b'[');
    for (index, value) in values.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        self::value(out, elements, value, settings, depth + 1).in_element(index)?;
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
    settings: Settings,
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
        value(out, keys, &entry.key, settings, depth + 2).in_element(index)?;
        if text_keys && out[start] != b'"' {
            // A null or a number as a name is its own text.
            out.insert(start, b'"');
            out.push(b'"');
        }
        out.push(marks[1]);
        let written = value(out, values, &entry.value, settings, depth + if text_keys { 1 } else { 2 });
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

fn logical(out: &mut Vec<u8>, schema: &Schema, kind: Logical, value: &Value, settings: Settings) -> Result<()> {
    if !kind.accepts(value) {
        let expected = if kind == Logical::Decimal { "BigDecimal" } else { "Date" };
        let class = value.java_class();
        return Err(ConnectError::data(format!(
            "Invalid type for {kind:?}, expected {expected} but was class {class}"
        )));
    }
    if let ValueRef::Decimal { unscaled, scale } = value.view()
        && settings.decimal_format == DecimalFormat::Numeric
    {
        out.extend_from_slice(decimal::text(unscaled, scale).as_bytes());
        return Ok(());
    }
    scalar(out, &kind.encode(schema, value)?);
    Ok(())
}

fn enter(depth: usize) -> Result<()> {
    if depth < MAX_DEPTH {
        return Ok(());
    }
    Err(ConnectError::data("Converting Kafka Connect data to byte[] failed due to serialization error: ").caused_by(
        ConnectError::data("The data has more than 1000 levels of arrays, maps and structs")
            .with_class("org.apache.kafka.common.errors.SerializationException"),
    ))
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
pub(super) fn string(out: &mut Vec<u8>, text: &str) {
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
