//! What a record's key, value and fields are in Redis: text, bytes, JSON and numbers.

use ferroconnect_plugin_sdk::json::{Decimals, Format, Writer, decimal, float};
use ferroconnect_plugin_sdk::{Data, Error, Value, ValueRef};

/// Appends data as the bytes that Redis gets. Remembers schemas between records.
#[derive(Debug)]
pub(crate) struct Values {
    json: Writer,
}

impl Default for Values {
    fn default() -> Values {
        Values { json: Writer::new(Format { decimals: Decimals::Numeric, ..Format::default() }) }
    }
}

impl Values {
    /// Text as it is, bytes as they are, all else as JSON.
    pub(crate) fn text(&mut self, out: &mut Vec<u8>, data: &Data) -> Result<(), Error> {
        match plain(&data.value) {
            Some(bytes) => out.extend_from_slice(bytes),
            None => self.json(out, data)?,
        }
        Ok(())
    }

    /// A field of a struct: as [`Values::text`], and null is the empty text.
    pub(crate) fn field(&mut self, out: &mut Vec<u8>, value: &Value, data: impl FnOnce() -> Data) -> Result<(), Error> {
        match value.view() {
            ValueRef::Null => {}
            ValueRef::String(text) => out.extend_from_slice(text.as_bytes()),
            ValueRef::Bytes(bytes) => out.extend_from_slice(bytes),
            ValueRef::Boolean(value) => out.extend_from_slice(if value { b"true" } else { b"false" }),
            ValueRef::Int8(value) => integer(out, value),
            ValueRef::Int16(value) => integer(out, value),
            ValueRef::Int32(value) | ValueRef::Date(value) | ValueRef::Time(value) => integer(out, value),
            ValueRef::Int64(value) | ValueRef::Timestamp(value) => integer(out, value),
            ValueRef::Float32(value) => float::write_f32(out, value),
            ValueRef::Float64(value) => float::write_f64(out, value),
            ValueRef::Decimal { unscaled, scale } => {
                out.extend_from_slice(decimal::text(unscaled, scale).as_bytes());
            }
            ValueRef::BigInteger(bytes) => out.extend_from_slice(decimal::integer_text(bytes).as_bytes()),
            _ => self.json(out, &data())?,
        }
        Ok(())
    }

    fn json(&mut self, out: &mut Vec<u8>, data: &Data) -> Result<(), Error> {
        self.json.append(out, data).map_err(|error| Error::data(error.to_string()))
    }
}

fn integer(out: &mut Vec<u8>, value: impl itoa::Integer) {
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

/// The bytes of text or bytes; none for all else.
pub(crate) fn plain(value: &Value) -> Option<&[u8]> {
    match value.view() {
        ValueRef::String(text) => Some(text.as_bytes()),
        ValueRef::Bytes(bytes) => Some(bytes),
        _ => None,
    }
}

/// A number of any kind as a double; none for all else.
pub(crate) fn number(value: &Value) -> Option<f64> {
    match value.view() {
        ValueRef::Float32(value) => Some(value.into()),
        ValueRef::Float64(value) => Some(value),
        ValueRef::Decimal { unscaled, scale } => decimal::text(unscaled, scale).parse().ok(),
        ValueRef::BigInteger(bytes) => decimal::integer_text(bytes).parse().ok(),
        _ => value.as_integer().map(|integer| integer as f64),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ferroconnect_plugin_sdk::{MapEntry, SchemaBuilder};

    #[test]
    fn scalars_are_written_plainly_and_the_rest_as_json() {
        let mut values = Values::default();
        let mut text = |value: Value| {
            let mut out = Vec::new();
            values.field(&mut out, &value, || Data::schemaless(value.clone())).unwrap();
            String::from_utf8(out).unwrap()
        };
        assert_eq!(text(Value::NULL), "");
        assert_eq!(text(Value::string("é\"")), "é\"");
        assert_eq!(text(Value::boolean(true)), "true");
        assert_eq!(text(Value::int64(i64::MIN)), "-9223372036854775808");
        assert_eq!(text(Value::float64(1e7)), "1.0E7");
        assert_eq!(text(Value::decimal(vec![0x04, 0xD2], 2)), "12.34");
        assert_eq!(text(Value::timestamp(7)), "7");
        let entry = MapEntry { key: Value::string("a"), value: Value::array(vec![Value::int8(1)]) };
        assert_eq!(text(Value::map(vec![entry])), r#"{"a":[1]}"#);
    }

    #[test]
    fn decimals_in_json_are_numbers() {
        let schema = SchemaBuilder::structure().field("price", SchemaBuilder::decimal(2).build()).build();
        let value = Value::structure(schema.clone(), vec![Value::decimal(vec![0x04, 0xD2], 2)]);
        let mut out = Vec::new();
        Values::default().text(&mut out, &Data::new(schema, value)).unwrap();
        assert_eq!(out, br#"{"price":12.34}"#);
    }

    #[test]
    fn numbers_of_all_kinds_are_doubles() {
        for value in [Value::int8(12), Value::float32(12.0), Value::decimal(vec![0x04, 0xB0], 2)] {
            assert_eq!(number(&value), Some(12.0), "{value:?}");
        }
        assert_eq!(number(&Value::string("12")), None);
        assert_eq!(number(&Value::boolean(true)), None);
    }
}
