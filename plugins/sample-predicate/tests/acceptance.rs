//! The checks that every predicate passes, and what this one is for.
#![allow(clippy::unwrap_used, reason = "tests")]

use ferroconnect_plugin_sdk::testkit::{self, PredicateHarness, acceptance, sink_record};
use ferroconnect_plugin_sdk::{Config, Data, ErrorKind, MapEntry, Record, Result, SchemaBuilder, Value};

fn structure(id: i64, note: &str) -> Data {
    let schema = SchemaBuilder::structure()
        .field("id", SchemaBuilder::int64().build())
        .field("note", SchemaBuilder::string().optional().build())
        .build();
    Data::new(schema.clone(), Value::structure(schema, vec![id.into(), note.into()]))
}

fn map(note: &str) -> Data {
    Data::schemaless(Value::map(vec![MapEntry { key: "note".into(), value: note.into() }]))
}

fn record(value: Data) -> Record {
    sink_record("t", 0, 0, value)
}

fn test<const N: usize>(config: [(&str, &str); N], record: &Record) -> Result<bool> {
    let library = testkit::library!(ferroconnect_sample_predicate);
    PredicateHarness::new(&library, "FieldMatches", Config::from(config)).unwrap().test(record.clone())
}

#[test]
fn passes() {
    let library = testkit::library!(ferroconnect_sample_predicate);
    let records = vec![record(structure(1, "a")), record(map("b")), record(Data::NULL)];
    acceptance::predicate(&library, "FieldMatches", [("pattern", "a"), ("field", "note")], records);
}

#[test]
fn looks_at_whole_values_and_fields() {
    let note = [("pattern", "^b+$"), ("field", "note")];
    assert!(test([("pattern", "b")], &record(Data::schemaless("abc"))).unwrap());
    assert!(!test([("pattern", "^b$")], &record(Data::schemaless("abc"))).unwrap());
    assert!(test(note, &record(structure(1, "bb"))).unwrap());
    assert!(test(note, &record(map("b"))).unwrap());
    assert!(!test(note, &record(map("a"))).unwrap());
    assert!(test([("pattern", "^-7$"), ("field", "id")], &record(structure(-7, ""))).unwrap());
}

#[test]
fn null_and_missing_fields_match_nothing() {
    assert!(!test([("pattern", ".*")], &record(Data::NULL)).unwrap());
    assert!(!test([("pattern", ".*"), ("field", "note")], &record(Data::NULL)).unwrap());
    assert!(!test([("pattern", ".*"), ("field", "other")], &record(structure(1, ""))).unwrap());
}

#[test]
fn looks_at_keys_where_told() {
    let mut record = record(Data::schemaless("value"));
    record.key = Data::schemaless("key");
    assert!(test([("pattern", "^key$"), ("in", "key")], &record).unwrap());
    assert!(!test([("pattern", "^key$")], &record).unwrap());
}

#[test]
fn what_is_no_text_is_a_data_error() {
    let error = test([("pattern", "a")], &record(map("a"))).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::DATA);
    let error = test([("pattern", "a"), ("field", "note")], &record(Data::schemaless("a"))).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::DATA);
}

#[test]
fn a_bad_pattern_is_a_config_error() {
    let library = testkit::library!(ferroconnect_sample_predicate);
    let error = PredicateHarness::new(&library, "FieldMatches", [("pattern", "(")]).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::CONFIG);
    assert!(error.message().starts_with("Invalid value ( for configuration pattern: "), "{error}");
}
