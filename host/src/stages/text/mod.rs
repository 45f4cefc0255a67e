//! Connect values as text, the way Java prints them, and the pieces that takes: numbers, decimals, dates, encodings.

pub mod calendar;
pub mod charset;
pub mod date;
pub mod date_format;
pub mod digits;
pub mod parse_float;
pub mod record;

pub use ferroconnect_json::{decimal, float};

use std::fmt::Write as _;

use ferroconnect_plugin_abi::{Value, ValueRef};

/// What `toString` of the value gives in Java. Null is `null`.
pub fn java_text(value: &Value) -> String {
    let mut text = String::new();
    write_java(&mut text, value);
    text
}

/// Appends what `toString` of the value gives in Java.
pub fn write_java(out: &mut String, value: &Value) {
    match value.view() {
        ValueRef::Null => out.push_str("null"),
        ValueRef::Boolean(value) => out.push_str(if value { "true" } else { "false" }),
        ValueRef::Int8(_) | ValueRef::Int16(_) | ValueRef::Int32(_) | ValueRef::Int64(_) => {
            let number = value.as_integer().expect("these four kinds are integers");
            out.push_str(itoa::Buffer::new().format(number));
        }
        ValueRef::Float32(value) => out.push_str(&float::text_f32(value)),
        ValueRef::Float64(value) => out.push_str(&float::text_f64(value)),
        ValueRef::String(text) => out.push_str(text),
        ValueRef::Bytes(bytes) => write_object_id(out, "[B", bytes.as_ptr()),
        ValueRef::Array(values) => write_list(out, ('[', ']'), values, write_java),
        ValueRef::Map(entries) => write_list(out, ('{', '}'), entries, |out, entry| {
            write_java(out, &entry.key);
            out.push('=');
            write_java(out, &entry.value);
        }),
        ValueRef::Struct(value) => {
            let mut separator = "Struct{";
            for (field, value) in value.schema.fields.iter().zip(&value.fields) {
                if !value.is_null() {
                    out.push_str(separator);
                    out.push_str(&field.name);
                    out.push('=');
                    write_java(out, value);
                    separator = ",";
                }
            }
            out.push_str(if separator == "," { "}" } else { "Struct{}" });
        }
        ValueRef::Decimal { unscaled, scale } => out.push_str(&decimal::text(unscaled, scale)),
        ValueRef::BigInteger(bytes) => out.push_str(&decimal::text(bytes, 0)),
        ValueRef::Date(days) => date::write_java_date(out, i64::from(days) * date::MILLIS_PER_DAY),
        ValueRef::Time(millis) => date::write_java_date(out, millis.into()),
        ValueRef::Timestamp(millis) => date::write_java_date(out, millis),
        ValueRef::Unknown(kind) => {
            let _ = write!(out, "<value of kind {}>", kind.0);
        }
    }
}

fn write_list<T>(out: &mut String, (open, close): (char, char), items: &[T], write: impl Fn(&mut String, &T)) {
    out.push(open);
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.push_str(", ");
        }
        write(out, item);
    }
    out.push(close);
}

/// Java prints arrays as their type and an identity; an address serves as well.
fn write_object_id<T>(out: &mut String, class: &str, object: *const T) {
    let address = object.addr();
    // Folding keeps different objects apart that share their low bits.
    let _ = write!(out, "{class}@{:x}", (address ^ (address >> 32)) as u32);
}

/// The class that Java would use for the value, as error messages name it.
pub fn java_class(value: &Value) -> &'static str {
    value.java_class()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ferroconnect_plugin_abi::builder::SchemaBuilder;
    use ferroconnect_plugin_abi::value::MapEntry;

    #[test]
    fn nests_and_skips_null_fields() {
        let schema = SchemaBuilder::structure()
            .field("a", SchemaBuilder::int32().build())
            .field("b", SchemaBuilder::string().optional().build())
            .field("c", SchemaBuilder::float64().build())
            .build();
        let value = Value::structure(schema.clone(), vec![Value::int32(1), Value::NULL, Value::float64(1e10)]);
        assert_eq!(java_text(&value), "Struct{a=1,c=1.0E10}");
        assert_eq!(java_text(&Value::structure(schema, vec![Value::NULL, Value::NULL, Value::NULL])), "Struct{}");
        let map =
            Value::map(vec![MapEntry { key: Value::string("a"), value: Value::array(vec![Value::boolean(true)]) }]);
        assert_eq!(java_text(&map), "{a=[true]}");
        assert_eq!(java_text(&Value::decimal(vec![0, 150], 2)), "1.50");
    }
}
