//! What holds for any data: it comes back as it was written, and what is read fits its schema.

use ferroconnect_plugin_abi::validate::{validate, validate_struct};
use ferroconnect_plugin_abi::value::{MapEntry, StructValue};
use ferroconnect_plugin_abi::{Blob, Data, Schema, Value, ValueRef};
use proptest::prelude::*;
use proptest::sample::Index;

use super::*;
use crate::stages::arbitrary;

fn settings() -> impl Strategy<Value = Settings> {
    (any::<bool>(), any::<bool>()).prop_map(|(numeric, replace_null_with_default)| Settings {
        schemas: true,
        format: Format {
            decimals: if numeric { Decimals::Numeric } else { Decimals::Base64 },
            times: Times::Numbers,
            replace_null_with_default,
        },
    })
}

fn converter(settings: Settings, cache_size: &str) -> JsonConverter {
    let mut props = Props::from([("converter.type", "value"), ("schemas.cache.size", cache_size)]);
    props.set("decimal.format", if settings.format.decimals == Decimals::Numeric { "numeric" } else { "BASE64" });
    props.set("replace.null.with.default", settings.format.replace_null_with_default.to_string());
    JsonConverter::configured(&props).expect("a good configuration")
}

fn written(converter: &mut JsonConverter, data: &Data) -> Blob {
    converter.write(data).expect("what fits its schema can be written").expect("what has a schema has text")
}

/// The value as it comes back where nulls are replaced.
fn with_defaults(schema: Option<&Schema>, value: &Value) -> Value {
    let default = schema.and_then(Schema::default_value);
    match value.view() {
        ValueRef::Null => default.cloned().unwrap_or_default(),
        ValueRef::Array(values) => {
            let elements = schema.and_then(|schema| schema.values.as_deref());
            Value::array(values.iter().map(|value| with_defaults(elements, value)).collect::<Vec<_>>())
        }
        ValueRef::Map(entries) => {
            let values = schema.and_then(|schema| schema.values.as_deref());
            let entry =
                |entry: &MapEntry| MapEntry { key: entry.key.clone(), value: with_defaults(values, &entry.value) };
            Value::map(entries.iter().map(entry).collect::<Vec<_>>())
        }
        ValueRef::Struct(StructValue { schema, fields }) => {
            let field = |(field, value): (&ferroconnect_plugin_abi::schema::Field, &Value)| {
                with_defaults(Some(&field.schema), value)
            };
            Value::structure(schema.clone(), schema.fields.iter().zip(fields).map(field).collect::<Vec<_>>())
        }
        _ => value.clone(),
    }
}

/// The part of a JSON value that comes `n`-th.
fn nth<'a>(node: &'a mut serde_json::Value, n: &mut usize) -> Option<&'a mut serde_json::Value> {
    if *n == 0 {
        return Some(node);
    }
    *n -= 1;
    match node {
        serde_json::Value::Array(items) => items.iter_mut().find_map(|item| nth(item, n)),
        serde_json::Value::Object(members) => members.values_mut().find_map(|member| nth(member, n)),
        _ => None,
    }
}

fn count(node: &serde_json::Value) -> usize {
    1 + match node {
        serde_json::Value::Array(items) => items.iter().map(count).sum(),
        serde_json::Value::Object(members) => members.values().map(count).sum(),
        _ => 0,
    }
}

/// What may stand in the place of another value.
const OTHERS: &[&str] = &[
    "null",
    "true",
    "0",
    "-7",
    "300",
    "1.5",
    "86400001",
    "1e3",
    "99999999999999999999",
    "\"\"",
    "\"x\"",
    "\"AQI=\"",
    "\"NaN\"",
    "[]",
    "[null]",
    "[[1,2]]",
    "[[null,null]]",
    "[\"a\",1]",
    "{}",
    "{\"a\":null}",
    "{\"a\":\"x\",\"b\":1}",
];

proptest! {
    #[test]
    fn what_is_written_comes_back(data in arbitrary::data(), settings in settings()) {
        let mut converter = converter(settings, "1000");
        let text = written(&mut converter, &data);
        let mut expected = data.clone();
        if settings.format.replace_null_with_default {
            expected.value = with_defaults(data.schema.as_deref(), &data.value);
        }
        let shown = String::from_utf8_lossy(&text);
        prop_assert_eq!(&converter.read(Some(&text)).expect("can be read"), &expected, "{}", shown);
        let slow = slow::message(&text, settings, None).expect("can be read through a tree");
        prop_assert_eq!(&slow, &expected, "through a tree: {}", shown);
        // What came back is written as before.
        prop_assert_eq!(&written(&mut converter, &expected), &text);
    }

    #[test]
    fn what_was_written_fits_its_schema_when_it_is_read(data in arbitrary::data(), settings in settings()) {
        let mut converter = converter(settings, "1000");
        let text = written(&mut converter, &data);
        let read = converter.read(Some(&text)).expect("can be read");
        let schema = read.schema.get().expect("there was a schema");
        prop_assert_eq!(validate(schema, &read.value), Ok(()), "{}", String::from_utf8_lossy(&text));
    }

    /// Only structs check what they are given; a string at the top level is null where the payload is a number.
    #[test]
    fn structs_that_are_read_fit_their_schema(
        data in arbitrary::struct_data(),
        settings in settings(),
        changes in prop::collection::vec((any::<Index>(), prop::sample::select(OTHERS)), 1..4),
    ) {
        let mut converter = converter(settings, "1000");
        let text = written(&mut converter, &data);
        let mut message: serde_json::Value = serde_json::from_slice(&text).expect("is JSON");
        for (place, other) in changes {
            let payload = &mut message["payload"];
            let mut n = place.index(count(payload));
            *nth(payload, &mut n).expect("so many there are") = serde_json::from_str(other).expect("is JSON");
        }
        let text = Blob::from(message.to_string().into_bytes());
        let slow = slow::message(&text, settings, None);
        match (converter.read(Some(&text)), slow) {
            (Ok(read), Ok(slow)) => {
                prop_assert_eq!(&read, &slow, "{}", message);
                if let ValueRef::Struct(value) = read.value.view() {
                    prop_assert_eq!(validate_struct(value), Ok(()), "{}", message);
                }
            }
            (Err(error), Err(slow)) => prop_assert_eq!(error.message(), slow.message()),
            (read, slow) => prop_assert!(false, "{}: {:?}, through a tree {:?}", message, read, slow),
        }
    }

    #[test]
    fn schemas_that_look_alike_are_told_apart(
        turns in arbitrary::turns(),
        cache_size in prop::sample::select(&["0", "1", "2", "5", "1000"][..]),
    ) {
        let settings = Settings { schemas: true, format: Format::default() };
        let all = arbitrary::lookalikes();
        let mut writer = converter(settings, cache_size);
        let mut reader = converter(settings, cache_size);
        for (which, is_anew) in turns {
            let data = if is_anew { arbitrary::anew(&all[which]) } else { all[which].clone() };
            let text = written(&mut writer, &data);
            prop_assert_eq!(reader.read(Some(&text)).expect("can be read"), data);
            prop_assert_eq!(text, written(&mut converter(settings, "1000"), &all[which]));
        }
    }
}
