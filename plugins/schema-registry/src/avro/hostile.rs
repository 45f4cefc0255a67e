//! Schemas and payloads that nobody should have written: none brings the converter down, or fills its memory.

use super::tests::{anything, codec, read, write};
use super::*;
use crate::testing::document;
use ferroconnect_plugin_sdk::{ErrorKind, ValueRef};
use proptest::prelude::*;
use serde_json::{Value as Json, json};

#[test]
fn data_without_end_is_refused() {
    // No value has an end, and none of these takes a byte for a level.
    let list = r#"{"type":"record","name":"n.Node","fields":[{"name":"next","type":"Node"}]}"#;
    let tree = r#"{"type":"record","name":"T","fields":[{"name":"a","type":"T"},{"name":"b","type":"T"}]}"#;
    let entry = r#"{"type":"array","items":{"type":"record","name":"MapEntry","namespace":"io.confluent.connect.avro",
        "fields":[{"name":"key","type":"string"},{"name":"value","type":{"type":"array","items":"MapEntry"}}]}}"#;
    for (text, level) in [(list, vec![]), (tree, vec![]), (entry, vec![2, 2, b'k'])] {
        let error = read(&codec([]), text, &level.repeat(100_000)).expect_err("no end");
        assert!(error.message().ends_with("the data is nested deeper than 1000 levels"), "{error}");
    }
}

#[test]
fn types_that_contain_each_other_in_all_ways_are_looked_at_once() {
    // Twelve records with fields of all twelve: there are more ways through them than could ever be gone.
    let count = 12;
    let record = |number: usize| {
        let field = |other: usize| {
            let kind = json!(["null", format!("R{other}")]);
            json!({"name": format!("f{other}"), "type": kind, "default": null})
        };
        let fields: Vec<Json> = (0..count).map(field).collect();
        json!({"type": "record", "name": format!("R{number}"), "fields": fields})
    };
    // Each is defined where it is named first.
    let mut text = record(0).to_string();
    for number in 1..count {
        text = text.replacen(&format!(r#""R{number}""#), &record(number).to_string(), 1);
    }
    let codec = codec([]);
    let payload: Vec<u8> = [&[2][..], &[0; 23]].concat();
    let data = read(&codec, &text, &payload).expect("null but for one field");
    let schema = data.schema.get().expect("a schema");
    let described = codec.describe(Some(schema)).expect("Avro holds it").text;
    assert_eq!(described.matches(r#""type":"record""#).count(), count);
    assert_eq!(write(&codec, Some(schema), &text, &data.value).expect("it fits"), payload);
}

#[test]
fn records_that_are_named_often_are_looked_at_once() {
    // Two fields for each level: looked at field by field, the last one would have its turn 2^40 times.
    for field in [r#""default":{}"#, r#""doc":"d""#] {
        let level = |inner: String, number: usize| {
            format!(
                r#"{{"type":"record","name":"R{number}","fields":[{{"name":"a","type":{inner},{field}}},{{"name":"b","type":"{name}",{field}}}]}}"#,
                name = if number == 0 { "int".to_owned() } else { format!("R{}", number - 1) },
            )
        };
        let text = (0..40).fold(r#""int""#.to_owned(), level);
        let codec = codec([("discard.type.doc.default", "true")]);
        assert!(codec.reader(&document(&text), None).is_ok());
    }
}

#[test]
fn damaged_payloads_are_data_errors() {
    let text = r#"{"type":"record","name":"R","fields":[{"name":"s","type":"string"},{"name":"u","type":["null","int"]},
        {"name":"m","type":{"type":"map","values":"int"}}]}"#;
    let good = [2, b'x', 2, 8, 2, 2, b'k', 2, 0];
    assert!(read(&codec([]), text, &good).is_ok());
    for length in 0..good.len() {
        let error = read(&codec([]), text, &good[..length]).expect_err("too short");
        assert_eq!(error.kind(), ErrorKind::DATA);
    }
    let more = [&good[..], &[0]].concat();
    assert!(
        read(&codec([]), text, &more).expect_err("too long").message().ends_with("1 bytes are left behind the value")
    );
    let branch = [2, b'x', 4, 8, 0];
    assert!(read(&codec([]), text, &branch).expect_err("no branch").message().ends_with("branch 2 of 2"));
}

#[test]
fn elements_without_content_are_few_in_a_whole_payload() {
    let empty = r#"{"type":"array","items":{"type":"record","name":"E","fields":[]}}"#;
    let payload = |blocks: usize| {
        let mut payload = Vec::new();
        (0..blocks).for_each(|_| binary::put_long(&mut payload, 40_000));
        payload.push(0);
        payload
    };
    let data = read(&codec([]), empty, &payload(1)).expect("few enough");
    assert!(matches!(data.value.view(), ValueRef::Array(elements) if elements.len() == 40_000));
    let error = read(&codec([]), empty, &payload(2)).expect_err("too many");
    assert!(error.message().ends_with("a block claims to have 40000 elements"), "{error}");
    // The bytes behind them are no reason for more.
    let padded = format!(
        r#"{{"type":"record","name":"R","fields":[{{"name":"e","type":{empty}}},{{"name":"b","type":"bytes"}}]}}"#
    );
    let with_bytes = |blocks: usize| {
        let mut payload = payload(blocks);
        binary::put_bytes(&mut payload, &[7; 100_000]);
        payload
    };
    assert!(read(&codec([]), &padded, &with_bytes(1)).is_ok());
    let error = read(&codec([]), &padded, &with_bytes(2)).expect_err("too many");
    assert!(error.message().ends_with("more than 65536 elements have no content"), "{error}");
    // In arrays of arrays, too.
    let nested = format!(r#"{{"type":"array","items":{empty}}}"#);
    let inner = payload(1);
    let twice = [&[4][..], &inner, &inner, &[0]].concat();
    assert!(read(&codec([]), &nested, &twice).is_err());
    // Those with content may be as many as the payload has room for.
    let mut numbers = Vec::new();
    binary::put_long(&mut numbers, 100_000);
    numbers.resize(numbers.len() + 100_000, 2);
    numbers.push(0);
    assert!(read(&codec([]), r#"{"type":"array","items":"int"}"#, &numbers).is_ok());
}

/// A type of any kind. Names are few, so that types name those around them, and entries of maps are among the records.
fn any_schema() -> BoxedStrategy<Json> {
    let name = || proptest::sample::select(&["A", "B", "MapEntry"][..]);
    let leaf = prop_oneof![
        2 => proptest::sample::select(&["null", "boolean", "int", "long", "float", "bytes", "string"][..]).prop_map(Json::from),
        2 => name().prop_map(Json::from),
        1 => name().prop_map(|name| json!({"type": "enum", "name": name, "symbols": ["S"]})),
        1 => (name(), 0..3).prop_map(|(name, size)| json!({"type": "fixed", "name": name, "size": size, "logicalType": "decimal"})),
    ];
    leaf.prop_recursive(5, 24, 3, move |inner| {
        let record = (name(), proptest::collection::vec(inner.clone(), 0..3), any::<bool>(), any::<bool>());
        let record = record.prop_map(|(name, types, is_entry, has_default)| {
            let field = |(number, kind): (usize, Json)| {
                let mut field = json!({"name": if number == 0 { "key" } else { "value" }, "type": kind});
                if has_default {
                    field["default"] = json!({});
                }
                field
            };
            let fields: Vec<Json> = types.into_iter().enumerate().map(field).collect();
            let mut record = json!({"type": "record", "name": name, "fields": fields});
            if is_entry {
                record["connect.internal.type"] = "MapEntry".into();
            }
            record
        });
        prop_oneof![
            3 => record,
            2 => inner.clone().prop_map(|items| json!({"type": "array", "items": items})),
            1 => inner.clone().prop_map(|values| json!({"type": "map", "values": values})),
            1 => proptest::collection::vec(inner, 0..3).prop_map(Json::from),
        ]
    })
    .boxed()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    /// No schema brings the converter down, however it names itself.
    #[test]
    fn whatever_a_registry_holds_is_read_or_refused(schema in any_schema(), bytes: Vec<u8>) {
        if let Err(error) = read(&codec([]), &schema.to_string(), &bytes) {
            prop_assert_eq!(error.kind(), ErrorKind::DATA);
        }
    }
}

proptest! {
    #[test]
    fn whatever_bytes_come_are_data_or_a_data_error((schema, _) in anything(), bytes: Vec<u8>) {
        let codec = codec([]);
        let text = codec.describe(Some(&schema)).expect("Avro holds it").text;
        if let Err(error) = read(&codec, &text, &bytes) {
            prop_assert_eq!(error.kind(), ErrorKind::DATA);
        }
    }
}
