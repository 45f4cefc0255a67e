//! The JSON Schema converter with a registry.
#![allow(clippy::unwrap_used, reason = "tests")]

use ferroconnect_plugin_sdk::testkit::{self, ConverterHarness, acceptance};
use ferroconnect_plugin_sdk::{Config, Data, ErrorKind, SchemaBuilder, Value};
use ferroconnect_test_registry::{Level, Reference, Registry};

const CLASS: &str = "io.confluent.connect.json.JsonSchemaConverter";

fn config(registry: &Registry, more: &[(&str, &str)]) -> Config {
    let mut config = Config::from([("max.retries", "0")]);
    config.set("schema.registry.url", registry.url());
    for (key, value) in more {
        config.set(key, value);
    }
    config
}

fn converter(registry: &Registry, more: &[(&str, &str)]) -> ConverterHarness {
    let library = testkit::library!(ferroconnect_schema_registry);
    ConverterHarness::new(&library, CLASS, config(registry, more)).unwrap()
}

fn order(id: i64) -> Data {
    let schema = SchemaBuilder::structure()
        .name("shop.Order")
        .version(1)
        .field("id", SchemaBuilder::int64().build())
        .field("note", SchemaBuilder::string().optional().build())
        .build();
    Data::new(schema.clone(), Value::structure(schema, vec![id.into(), Value::NULL]))
}

#[test]
fn passes() {
    let registry = Registry::start();
    registry.set_level(None, Level::None);
    let list = SchemaBuilder::array(SchemaBuilder::timestamp().optional().build()).version(5).build();
    let values = vec![
        Data::new(list, Value::array(vec![Value::timestamp(1), Value::NULL])),
        Data::new(SchemaBuilder::string().version(5).build(), "x"),
        order(5),
        Data::NULL,
    ];
    let library = testkit::library!(ferroconnect_schema_registry);
    acceptance::converter(&library, CLASS, config(&registry, &[]), values);
}

#[test]
fn payloads_are_json_behind_the_id_of_the_schema() {
    let registry = Registry::start();
    let mut converter = converter(&registry, &[]);
    let bytes = converter.to_bytes("t", order(1)).unwrap().unwrap();
    assert_eq!(&bytes[..5], [0, 0, 0, 0, 1]);
    assert_eq!(&bytes[5..], br#"{"id":1,"note":null}"#);
    let text = r#"{"type":"object","properties":{"id":{"type":"integer","connect.type":"int64","connect.index":0},"note":{"oneOf":[{"type":"null"},{"type":"string"}],"connect.index":1}},"title":"shop.Order","connect.version":1}"#;
    assert_eq!(registry.schemas("t-value"), [text]);
    assert_eq!(converter.from_bytes("t", Some(&bytes)).unwrap(), order(1));
}

#[test]
fn subjects_may_be_named_after_the_title() {
    let registry = Registry::start();
    let mut converter = converter(&registry, &[("value.subject.name.strategy", "RecordNameStrategy")]);
    let bytes = converter.to_bytes("t", order(1)).unwrap().unwrap();
    assert_eq!(registry.schemas("shop.Order").len(), 1);
    assert_eq!(converter.from_bytes("t", Some(&bytes)).unwrap(), order(1));
}

#[test]
fn a_schema_may_refer_to_another_one() {
    let registry = Registry::start();
    registry.register("address", "JSON", r#"{"title": "Address", "properties": {"zip": {"type": "string"}}}"#, &[]);
    let person = r#"{"properties": {"home": {"$ref": "address.json"}}}"#;
    let reference = Reference { name: "address.json".into(), subject: "address".into(), version: 1 };
    let id = registry.register("t-value", "JSON", person, &[reference]);
    let mut payload = vec![0];
    payload.extend_from_slice(&id.to_be_bytes());
    payload.extend_from_slice(br#"{"home": {"zip": "0150"}}"#);
    let read = converter(&registry, &[]).from_bytes("t", Some(&payload)).unwrap();
    let home = SchemaBuilder::structure().name("Address").field("zip", SchemaBuilder::string().build()).build();
    let schema = SchemaBuilder::structure().version(1).field("home", home.clone()).build();
    let value = Value::structure(schema.clone(), vec![Value::structure(home, vec!["0150".into()])]);
    assert_eq!(read, Data::new(schema, value));
}

#[test]
fn what_cannot_be_read_or_written_is_a_data_error_with_its_place() {
    let registry = Registry::start();
    let mut converter = converter(&registry, &[]);
    let bytes = converter.to_bytes("t", order(1)).unwrap().unwrap();
    let wrong = [&bytes[..5], br#"{"id":"one"}"#].concat();
    let error = converter.from_bytes("t", Some(&wrong)).unwrap_err();
    assert_eq!(
        (error.kind(), error.message()),
        (ErrorKind::DATA, "Reading by schema 1: $.id: text does not fit a schema of type INT64")
    );
    let error = converter.from_bytes("t", Some(&bytes[..9])).unwrap_err();
    assert!(
        error.kind() == ErrorKind::DATA && error.message().starts_with("Reading by schema 1: The payload is no JSON"),
        "{error}"
    );
    let error = converter.to_bytes("t", Data::schemaless("x")).unwrap_err();
    assert!(error.kind() == ErrorKind::DATA && error.message().contains("Data without a schema"), "{error}");
}
