//! The checks that every transform passes, and what this one is for.
#![allow(clippy::unwrap_used, reason = "tests")]

use ferroconnect_plugin_sdk::testkit::{self, TransformHarness, acceptance, sink_record};
use ferroconnect_plugin_sdk::{Data, ErrorKind, MapEntry, SchemaBuilder, Value, ValueRef};

const CARD: &str = r"\d{12}(\d{4})";

fn structure(text: &str) -> Data {
    let schema = SchemaBuilder::structure()
        .field("id", SchemaBuilder::int64().build())
        .field("note", SchemaBuilder::string().optional().build())
        .build();
    Data::new(schema.clone(), Value::structure(schema, vec![1i64.into(), text.into()]))
}

fn map(text: &str) -> Data {
    Data::schemaless(Value::map(vec![MapEntry { key: "note".into(), value: text.into() }]))
}

fn apply(config: &[(&str, &str)], value: Data) -> Data {
    let mut all = ferroconnect_plugin_sdk::Config::from([("pattern", CARD), ("replacement", "****$1")]);
    for (key, value) in config {
        all.set(key, value);
    }
    let library = testkit::library!(ferroconnect_sample_transform);
    let mut transform = TransformHarness::new(&library, "MaskPattern", all).unwrap();
    transform.apply(sink_record("t", 0, 0, value)).unwrap().unwrap().value
}

#[test]
fn passes() {
    let library = testkit::library!(ferroconnect_sample_transform);
    let records = vec![sink_record("t", 0, 0, structure("4111111111111111")), sink_record("t", 0, 1, map("nothing"))];
    acceptance::transform(&library, "MaskPattern", [("pattern", CARD), ("field", "note")], records);
}

#[test]
fn masks_whole_values_and_fields() {
    assert_eq!(apply(&[], Data::schemaless("card 4111111111111111.")), Data::schemaless("card ****1111."));
    assert_eq!(apply(&[("field", "note")], structure("4111111111111111")), structure("****1111"));
    assert_eq!(apply(&[("field", "note")], map("4111111111111111")), map("****1111"));
    assert_eq!(apply(&[("field", "other")], map("4111111111111111")), map("4111111111111111"));
}

#[test]
fn text_without_a_match_is_not_copied() {
    let value = Data::schemaless("nothing to see");
    let address = |data: &Data| match data.value.view() {
        ValueRef::String(text) => text.as_ptr(),
        other => panic!("{other:?}"),
    };
    let before = address(&value);
    assert_eq!(address(&apply(&[], value)), before);
}

#[test]
fn a_bad_pattern_is_a_config_error() {
    let library = testkit::library!(ferroconnect_sample_transform);
    let error = TransformHarness::new(&library, "MaskPattern", [("pattern", "(")]).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::CONFIG);
    assert!(error.message().starts_with("Invalid value ( for configuration pattern: "), "{error}");
}
