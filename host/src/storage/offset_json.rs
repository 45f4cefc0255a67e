//! Source offsets as JSON, byte for byte as Kafka Connect's own JsonConverter writes them: compact, without schema, keys
//! in the order given, Java's number texts, Jackson's escapes.
//!
//! A key is `["connector",{partition}]`, a value `{offset}`. Both maps hold only null, truth values, numbers and texts;
//! bytes travel as base64 text, as in Kafka Connect.

use std::io;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use serde_json::ser::{CharEscape, CompactFormatter, Formatter, Serializer};
use serde_json::{Map, Number, Value};

use crate::error::{ConnectError, Result};

/// A source partition or a source offset. Keeps the order of its entries; two are equal if they hold the same entries.
pub type OffsetMap = Map<String, Value>;

/// The stored form of a connector's source partition. An error if the map holds lists or maps.
pub fn key(connector: &str, partition: &OffsetMap) -> Result<Vec<u8>> {
    check(partition)?;
    Ok(write(&(connector, java_numbers(partition))))
}

/// The stored form of a source offset; `None` stands for no offset. An error if the map holds lists or maps.
pub fn value(offset: Option<&OffsetMap>) -> Result<Option<Vec<u8>>> {
    let Some(offset) = offset else { return Ok(None) };
    check(offset)?;
    Ok(Some(write(&java_numbers(offset))))
}

/// The connector and source partition of a stored key. An error if it is not of the form [`key`] writes.
pub fn parse_key(key: &[u8]) -> Result<(String, OffsetMap)> {
    serde_json::from_slice(key).map_err(|error| {
        let key = String::from_utf8_lossy(key);
        ConnectError::data(format!("Stored offset key {key} is not of the form [\"connector\",{{partition}}]: {error}"))
    })
}

/// The offset of a stored value. An error if it is not a JSON object.
pub fn parse_value(value: &[u8]) -> Result<OffsetMap> {
    serde_json::from_slice(value).map_err(|error| {
        let value = String::from_utf8_lossy(value);
        ConnectError::data(format!("Stored offset {value} is not a JSON object: {error}"))
    })
}

/// The same for all keys that say the same: entries sorted, numbers in one form. A key that is not JSON stands for itself.
pub fn canonical(key: &[u8]) -> Vec<u8> {
    match serde_json::from_slice::<Value>(key) {
        Ok(value) => write(&sorted(&value)),
        Err(_) => key.to_vec(),
    }
}

/// A 64-bit floating-point number for an offset map, in Java's text form; NaN and infinities become text.
pub fn float64(value: f64) -> Value {
    float(value.is_finite(), &java_float(value.is_sign_negative(), &format!("{:e}", value.abs())), value)
}

/// A 32-bit floating-point number for an offset map, in Java's text form; NaN and infinities become text.
pub fn float32(value: f32) -> Value {
    let text = java_float(value.is_sign_negative(), &format!("{:e}", value.abs()));
    float(value.is_finite(), &text, value.into())
}

/// Bytes for an offset map.
pub fn bytes(value: &[u8]) -> Value {
    Value::String(STANDARD.encode(value))
}

fn float(finite: bool, text: &str, value: f64) -> Value {
    if finite {
        return Value::Number(Number::from_string_unchecked(text.to_owned()));
    }
    let text = match value {
        f64::INFINITY => "Infinity",
        f64::NEG_INFINITY => "-Infinity",
        _ => "NaN",
    };
    Value::String(text.to_owned())
}

/// Turns Rust's shortest digits, `d.ddde-7`, into the text Java's `Double.toString` gives: plain from 10⁻³ to below 10⁷,
/// otherwise with exponent, always with a digit after the point.
fn java_float(negative: bool, scientific: &str) -> String {
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let digits = mantissa.replace('.', "");
    let sign = if negative { "-" } else { "" };
    let or_zero = |text: &str| if text.is_empty() { "0".to_owned() } else { text.to_owned() };
    match exponent {
        0..7 => {
            let whole = exponent.unsigned_abs() as usize + 1;
            let padded = format!("{digits:0<whole$}");
            let (whole, fraction) = padded.split_at(whole);
            format!("{sign}{whole}.{}", or_zero(fraction))
        }
        -3..0 => {
            let zeros = "0".repeat(exponent.unsigned_abs() as usize - 1);
            format!("{sign}0.{zeros}{digits}")
        }
        _ => format!("{sign}{}.{}E{exponent}", &digits[..1], or_zero(&digits[1..])),
    }
}

/// Java would refuse such a map at the flush, when it is too late to say where it came from.
fn check(map: &OffsetMap) -> Result<()> {
    let nested = |value: &Value| value.is_array() || value.is_object();
    match map.iter().find(|(_, value)| nested(value)) {
        None => Ok(()),
        Some((field, value)) => {
            let kind = if value.is_array() { "ARRAY" } else { "MAP" };
            Err(ConnectError::data(format!(
                "Offsets may only contain primitive types as values, but field {field} contains {kind}"
            )))
        }
    }
}

/// Numbers as Java writes them again after having read them.
fn java_numbers(map: &OffsetMap) -> OffsetMap {
    map.iter().map(|(key, value)| (key.clone(), java_number(value))).collect()
}

fn java_number(value: &Value) -> Value {
    match value {
        Value::Number(number) if number.as_str().contains(['.', 'e', 'E']) => {
            number.as_str().parse().map_or_else(|_| value.clone(), float64)
        }
        other => other.clone(),
    }
}

fn sorted(value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().map(sorted).collect(),
        Value::Object(map) => {
            let mut entries: Vec<_> = map.iter().collect();
            entries.sort_by_key(|(key, _)| *key);
            entries.into_iter().map(|(key, value)| (key.clone(), sorted(value))).collect()
        }
        other => java_number(other),
    }
}

fn write(value: &impl Serialize) -> Vec<u8> {
    let mut out = Vec::with_capacity(64);
    value
        .serialize(&mut Serializer::with_formatter(&mut out, Jackson))
        .expect("writing JSON with text keys into memory cannot fail");
    out
}

/// Writes JSON as Jackson does: compact, control characters with upper-case hexadecimal digits, characters beyond U+FFFF
/// as two escapes.
struct Jackson;

impl Formatter for Jackson {
    fn write_char_escape<W: ?Sized + io::Write>(&mut self, writer: &mut W, escape: CharEscape) -> io::Result<()> {
        match escape {
            CharEscape::AsciiControl(byte) => write!(writer, "\\u{byte:04X}"),
            other => CompactFormatter.write_char_escape(writer, other),
        }
    }

    fn write_string_fragment<W: ?Sized + io::Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        let mut rest = fragment;
        while let Some((at, wide)) = rest.char_indices().find(|(_, c)| *c > '\u{FFFF}') {
            writer.write_all(&rest.as_bytes()[..at])?;
            for unit in wide.encode_utf16(&mut [0; 2]) {
                write!(writer, "\\u{unit:04X}")?;
            }
            rest = &rest[at + wide.len_utf8()..];
        }
        writer.write_all(rest.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn map(value: Value) -> OffsetMap {
        value.as_object().unwrap().clone()
    }

    fn text(bytes: Vec<u8>) -> String {
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn keys_and_values_have_the_bytes_of_kafka_connect() {
        let partition = map(json!({"filename": "/data/a.txt"}));
        assert_eq!(text(key("file-a", &partition).unwrap()), r#"["file-a",{"filename":"/data/a.txt"}]"#);
        let offset = map(json!({"position": 12, "done": false, "none": null}));
        let written = value(Some(&offset)).unwrap().unwrap();
        assert_eq!(text(written), r#"{"position":12,"done":false,"none":null}"#);
        assert_eq!(value(None).unwrap(), None);
    }

    #[test]
    fn text_is_escaped_as_jackson_does() {
        let partition = map(json!({"a\"\\/\n\u{1f}\u{7f}é€😀b": "\u{8}\u{c}"}));
        assert_eq!(
            text(key("x", &partition).unwrap()),
            "[\"x\",{\"a\\\"\\\\/\\n\\u001F\u{7f}é€\\uD83D\\uDE00b\":\"\\b\\f\"}]"
        );
    }

    #[test]
    fn floats_have_their_java_text() {
        let cases = [
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (1.0, "1.0"),
            (100.0, "100.0"),
            (1.5, "1.5"),
            (9_999_999.0, "9999999.0"),
            (1e7, "1.0E7"),
            (1.234_567_89e8, "1.23456789E8"),
            (0.001, "0.001"),
            (0.012_5, "0.0125"),
            (1e-4, "1.0E-4"),
            (1.0e300, "1.0E300"),
            (f64::MAX, "1.7976931348623157E308"),
        ];
        for (value, want) in cases {
            assert_eq!(float64(value).to_string(), want);
        }
        assert_eq!(float32(3.4).to_string(), "3.4");
        assert_eq!(float32(16_777_216.0).to_string(), "1.6777216E7");
        assert_eq!(float64(f64::NAN), json!("NaN"));
        assert_eq!(float32(f32::NEG_INFINITY), json!("-Infinity"));
        assert_eq!(bytes(&[1, 2]), json!("AQI="));
    }

    #[test]
    fn numbers_a_client_wrote_come_out_as_java_writes_them() {
        let offset: OffsetMap = serde_json::from_str(r#"{"a":1e7,"b":10,"c":0.10}"#).unwrap();
        assert_eq!(text(value(Some(&offset)).unwrap().unwrap()), r#"{"a":1.0E7,"b":10,"c":0.1}"#);
    }

    #[test]
    fn keys_that_say_the_same_are_the_same() {
        let one = canonical(br#"["c",{"db":"x","n":1e7,"t":null}]"#);
        let other = canonical(br#"[ "c", {"t":null, "n":1.0E7,"db":"x"}]"#);
        assert_eq!(one, other);
        assert_ne!(one, canonical(br#"["d",{"db":"x","n":1e7,"t":null}]"#));
        assert_ne!(canonical(b"[1]"), canonical(b"[1.0]"), "whole numbers and fractions differ in Java");
        assert_eq!(canonical(b"not json"), b"not json");
    }

    #[test]
    fn nested_values_are_refused() {
        let error = key("c", &map(json!({"list": [1]}))).unwrap_err();
        assert_eq!(
            error.message(),
            "Offsets may only contain primitive types as values, but field list contains ARRAY"
        );
        assert!(value(Some(&map(json!({"m": {}})))).is_err());
    }

    #[test]
    fn what_is_written_is_read_again() {
        let partition = map(json!({"b": "😀", "a": float64(0.1), "n": null, "i": i64::MIN}));
        let written = key("name with \"quotes\"", &partition).unwrap();
        let (connector, read) = parse_key(&written).unwrap();
        assert_eq!((connector.as_str(), &read), ("name with \"quotes\"", &partition));
        assert_eq!(key(&connector, &read).unwrap(), written, "order and number texts stay");
        assert!(parse_key(b"[\"c\"]").unwrap_err().message().contains("[\"connector\",{partition}]"));
        assert!(parse_value(b"3").is_err());
    }
}
