//! The Protobuf converter with a registry.
#![allow(clippy::unwrap_used, reason = "tests")]

use ferroconnect_plugin_sdk::testkit::{self, ConverterHarness, acceptance};
use ferroconnect_plugin_sdk::{Config, Data, ErrorKind, SchemaBuilder, Value};
use ferroconnect_test_registry::{Level, Reference, Registry};

const CLASS: &str = "io.confluent.connect.protobuf.ProtobufConverter";

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
        .field("id", SchemaBuilder::int64().build())
        .field("note", SchemaBuilder::string().optional().build())
        .build();
    Data::new(schema.clone(), Value::structure(schema, vec![id.into(), "n".into()]))
}

/// What comes back of an order: the message's own name, optional fields, and their numbers.
fn read_order(id: i64) -> Data {
    let field = |builder: SchemaBuilder, number: &str| builder.optional().parameter(TAG, number).build();
    let schema = SchemaBuilder::structure()
        .name("Order")
        .version(1)
        .field("id", field(SchemaBuilder::int64(), "1"))
        .field("note", field(SchemaBuilder::string(), "2"))
        .build();
    Data::new(schema.clone(), Value::structure(schema, vec![id.into(), "n".into()]))
}

const TAG: &str = "io.confluent.connect.protobuf.Tag";

#[test]
fn passes() {
    let registry = Registry::start();
    registry.set_level(None, Level::None);
    // What was read from Protobuf once comes back as it was. The version is that in the subject.
    let text = Data::new(SchemaBuilder::string().version(2).build(), "x");
    let library = testkit::library!(ferroconnect_schema_registry);
    acceptance::converter(&library, CLASS, config(&registry, &[]), vec![read_order(5), text, Data::NULL]);
}

#[test]
fn payloads_are_messages_behind_the_id_of_the_schema_and_their_path() {
    let registry = Registry::start();
    let mut converter = converter(&registry, &[]);
    let bytes = converter.to_bytes("t", order(1)).unwrap().unwrap();
    assert_eq!(&bytes[..], [0, 0, 0, 0, 1, 0, 8, 1, 18, 1, b'n']);
    let text = "syntax = \"proto3\";\npackage shop;\n\nmessage Order {\n  int64 id = 1;\n  string note = 2;\n}\n";
    assert_eq!(registry.schemas("t-value"), [text]);
    assert_eq!(converter.from_bytes("t", Some(&bytes)).unwrap(), read_order(1));
}

#[test]
fn subjects_may_be_named_after_the_message() {
    let registry = Registry::start();
    let mut converter = converter(&registry, &[("value.subject.name.strategy", "TopicRecordNameStrategy")]);
    let bytes = converter.to_bytes("t", order(1)).unwrap().unwrap();
    assert_eq!(registry.schemas("t-shop.Order").len(), 1);
    assert_eq!(converter.from_bytes("t", Some(&bytes)).unwrap(), read_order(1));
}

#[test]
fn a_schema_may_import_another_one() {
    let registry = Registry::start();
    registry.register("zip", "PROTOBUF", r#"syntax = "proto3"; message Zip { string code = 1; }"#, &[]);
    let text = r#"syntax = "proto3"; import "zip.proto"; message A {} message B { Zip zip = 1; }"#;
    let reference = Reference { name: "zip.proto".into(), subject: "zip".into(), version: 1 };
    let id = registry.register("t-value", "PROTOBUF", text, &[reference]);
    let mut payload = vec![0];
    payload.extend_from_slice(&id.to_be_bytes());
    payload.extend_from_slice(&[2, 2, 10, 3, 10, 1, b'7']);
    let read = converter(&registry, &[]).from_bytes("t", Some(&payload)).unwrap();
    assert_eq!(read.schema.get().unwrap().name_str(), Some("B"));
    assert_eq!(format!("{:?}", read.value).matches("\"7\"").count(), 1, "{read:?}");
}

#[test]
fn the_latest_version_is_written_where_the_user_says_so() {
    let registry = Registry::start();
    let text = r#"syntax = "proto3"; package shop; message Order { string note = 1; int64 id = 9; string more = 3; }"#;
    registry.register("t-value", "PROTOBUF", text, &[]);
    let latest = [("auto.register.schemas", "false"), ("use.latest.version", "true")];
    let bytes = converter(&registry, &latest).to_bytes("t", order(1)).unwrap().unwrap();
    assert_eq!(&bytes[..], [0, 0, 0, 0, 1, 0, 10, 1, b'n', 72, 1]);
    let narrower = r#"syntax = "proto3"; package shop; message Order { string note = 1; }"#;
    registry.set_level(None, Level::None);
    registry.register("t-value", "PROTOBUF", narrower, &[]);
    let error = converter(&registry, &latest).to_bytes("t", order(1)).unwrap_err();
    let text = "Writing by schema 2 of subject t-value: $.id: the message shop.Order has no field 'id'";
    assert_eq!((error.kind(), error.message()), (ErrorKind::DATA, text));
}

#[test]
fn what_cannot_be_read_is_a_data_error() {
    let registry = Registry::start();
    let mut converter = converter(&registry, &[]);
    let bytes = converter.to_bytes("t", order(1)).unwrap().unwrap();
    for (payload, part) in [
        (&bytes[..5], "ends within the path"),
        (&bytes[..9], "is no message of its schema"),
        (&[0, 0, 0, 0, 1, 2, 8][..], "names message 4"),
        (&[0, 0, 0, 0, 9, 0], "40403"),
    ] {
        let error = converter.from_bytes("t", Some(payload)).unwrap_err();
        assert!(error.kind() == ErrorKind::DATA && error.message().contains(part), "{error}");
    }
}
