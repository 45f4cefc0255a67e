//! Values as text.

use ::base64::Engine as _;
use ::base64::engine::general_purpose::STANDARD;
use ferroconnect_plugin_abi::{Value, ValueRef};

use crate::error::{ConnectError, Result};
use crate::stages::text::date;
use crate::stages::text::write_java;

/// Appends a value; text and bytes inside arrays, maps and structs stand in quotes.
pub(super) fn write(out: &mut String, value: &Value, nested: bool) -> Result<()> {
    match value.view() {
        ValueRef::String(text) if nested => quoted(out, text),
        ValueRef::Bytes(bytes) if nested => quoted(out, &STANDARD.encode(bytes)),
        ValueRef::Bytes(bytes) => STANDARD.encode_string(bytes, out),
        ValueRef::Array(values) => {
            list(out, ['[', ']'], values.iter(), |out, value| write(out, value, true))?;
        }
        ValueRef::Map(entries) => {
            list(out, ['{', '}'], entries.iter(), |out, entry| {
                write(out, &entry.key, true)?;
                out.push(':');
                write(out, &entry.value, true)
            })?;
        }
        ValueRef::Struct(content) => {
            list(out, ['{', '}'], content.schema.fields.iter().zip(&content.fields), |out, (field, value)| {
                quoted(out, &field.name);
                out.push(':');
                let default: Option<&Value> = field.schema.default.as_ref().into();
                write(out, default.filter(|_| value.is_null()).unwrap_or(value), true)
            })?;
        }
        ValueRef::Date(_) | ValueRef::Time(_) | ValueRef::Timestamp(_) => {
            date::write_iso(out, value.date_millis().expect("these three are dates"));
        }
        ValueRef::Unknown(kind) => {
            return Err(ConnectError::data(format!("Failed to serialize unexpected value type {}", kind.0)));
        }
        _ => write_java(out, value),
    }
    Ok(())
}

fn list<T>(
    out: &mut String,
    [open, close]: [char; 2],
    items: impl Iterator<Item = T>,
    mut write: impl FnMut(&mut String, T) -> Result<()>,
) -> Result<()> {
    out.push(open);
    for (index, item) in items.enumerate() {
        if index > 0 {
            out.push(',');
        }
        write(out, item)?;
    }
    out.push(close);
    Ok(())
}

fn quoted(out: &mut String, text: &str) {
    out.push('"');
    for character in text.chars() {
        if matches!(character, '\\' | '"') {
            out.push('\\');
        }
        out.push(character);
    }
    out.push('"');
}
