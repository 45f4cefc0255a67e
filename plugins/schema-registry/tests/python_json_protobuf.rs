//! Bytes of the JSON Schema and Protobuf converters against the serialisers of the PyPI package `confluent-kafka`, in
//! both directions and through one registry.
//!
//! Without Python or the package, which is fetched by pip where it is missing, the tests say so and check nothing.
#![allow(clippy::unwrap_used, reason = "tests")]

mod peer;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ferroconnect_plugin_sdk::testkit::{self, ConverterHarness};
use ferroconnect_plugin_sdk::{Config, Data, MapEntry, Schema, SchemaBuilder, Shared, Value, ValueRef};
use ferroconnect_test_registry::Registry;
use peer::{Python, bytes, hex};
use serde_json::json;

fn converter(registry: &Registry, class: &str) -> ConverterHarness {
    let library = testkit::library!(ferroconnect_schema_registry);
    let mut config = Config::from([("optional.for.nullables", "true")]);
    config.set("schema.registry.url", registry.url());
    ConverterHarness::new(&library, class, config).unwrap()
}

fn line() -> Shared<Schema> {
    SchemaBuilder::structure().name("Line").field("price", SchemaBuilder::float64().build()).build()
}

fn order() -> Data {
    let schema = SchemaBuilder::structure()
        .name("shop.Order")
        .field("id", SchemaBuilder::int64().build())
        .field("note", SchemaBuilder::string().optional().build())
        .field("none", SchemaBuilder::string().optional().build())
        .field("lines", SchemaBuilder::array(line()).build())
        .field("raw", SchemaBuilder::bytes().build())
        .field("amounts", SchemaBuilder::map(SchemaBuilder::string().build(), SchemaBuilder::int32().build()).build())
        .field("at", SchemaBuilder::timestamp().build())
        .field("price", SchemaBuilder::decimal(2).build())
        .field("day", SchemaBuilder::date().build())
        .field("time", SchemaBuilder::time().build())
        .field("small", SchemaBuilder::int8().build())
        .build();
    let lines = Value::array(vec![Value::structure(line(), vec![1.5f64.into()])]);
    let amounts = Value::map(vec![MapEntry { key: "a".into(), value: 7i32.into() }]);
    let fields = vec![
        5i64.into(),
        "é".into(),
        Value::NULL,
        lines,
        vec![0u8, 255].into(),
        amounts,
        Value::timestamp(1500),
        Value::decimal(vec![0x30, 0x39], 2),
        Value::date(1),
        Value::time(3_723_004),
        Value::int8(-1),
    ];
    Data::new(schema.clone(), Value::structure(schema, fields))
}

/// The value of a field.
fn field<'a>(value: &'a Value, name: &str) -> &'a Value {
    match value.view() {
        ValueRef::Struct(content) => content.get(name).unwrap(),
        other => panic!("{other:?} is no struct"),
    }
}

#[test]
fn json_goes_both_ways() {
    let registry = Registry::start();
    let Some(mut python) = Python::start("json_protobuf.py", &registry) else { return };
    let mut own = converter(&registry, "io.confluent.connect.json.JsonSchemaConverter");
    let written = own.to_bytes("ours", order()).unwrap().unwrap();
    let read = python.ask(&json!({"do": "read json", "topic": "ours", "hex": hex(&written)}));
    let expected = json!({"id": 5, "note": "é", "none": null, "lines": [{"price": 1.5}], "raw": "AP8=",
                          "amounts": {"a": 7}, "at": 1500, "price": "MDk=", "day": 1, "time": 3_723_004, "small": -1});
    assert_eq!(read, expected);
    // The serialiser validates the value by our own schema, and registers the very same.
    let schema = registry.schemas("ours-value").remove(0);
    let command = json!({"do": "write json", "topic": "ours", "schema": schema, "value": expected});
    let theirs = bytes(&python.ask(&command));
    assert_eq!(theirs[..5], written[..5]);
    assert_eq!(
        own.from_bytes("ours", Some(&theirs)).unwrap().value,
        own.from_bytes("ours", Some(&written)).unwrap().value
    );
    // A schema of somebody else.
    let schema = r##"{"title": "T", "type": "object", "required": ["n"], "properties": {"n": {"type": "integer"},
        "l": {"type": "array", "items": {"$ref": "#/definitions/u"}}}, "definitions": {"u": {"type": ["string", "null"]}}}"##;
    let value = json!({"n": 1, "l": ["x", null]});
    let theirs = bytes(&python.ask(&json!({"do": "write json", "topic": "t", "schema": schema, "value": value})));
    let read = own.from_bytes("t", Some(&theirs)).unwrap().value;
    assert_eq!(*field(&read, "l"), Value::array(vec!["x".into(), Value::NULL]));
    assert_eq!(*field(&read, "n"), Value::int64(1));
}

/// As much of the files that every registry knows as compiling takes. The script has them from Confluent and Google.
const KNOWN: [(&str, &str); 4] = [
    (
        "confluent/meta.proto",
        r#"package confluent; import "google/protobuf/descriptor.proto"; message Meta { map<string, string> params = 2; }
           extend google.protobuf.FieldOptions { Meta field_meta = 1088; }"#,
    ),
    ("confluent/type/decimal.proto", "package confluent.type; message Decimal {}"),
    ("google/type/date.proto", "package google.type; message Date {}"),
    ("google/type/timeofday.proto", "package google.type; message TimeOfDay {}"),
];

/// A schema and all that it imports, compiled.
fn compiled(text: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("schema.proto"), text).unwrap();
    for (name, text) in KNOWN {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, format!("syntax = \"proto3\"; {text}")).unwrap();
    }
    let mut compiler = protox::Compiler::new([folder.path()]).unwrap();
    compiler.include_imports(true).open_file("schema.proto").unwrap();
    STANDARD.encode(compiler.encode_file_descriptor_set())
}

#[test]
fn protobuf_goes_both_ways() {
    let registry = Registry::start();
    let Some(mut python) = Python::start("json_protobuf.py", &registry) else { return };
    let mut own = converter(&registry, "io.confluent.connect.protobuf.ProtobufConverter");
    let written = own.to_bytes("ours", order()).unwrap().unwrap();
    let files = compiled(&registry.schemas("ours-value")[0]);
    let command = json!({"do": "read protobuf", "topic": "ours", "files": files, "message": "shop.Order",
                         "hex": hex(&written)});
    let expected = json!({"id": "5", "note": "é", "lines": [{"price": 1.5}], "raw": "AP8=",
                          "amounts": [{"key": "a", "value": 7}], "at": "1970-01-01T00:00:01.500Z",
                          "price": {"value": "MDk=", "precision": 5, "scale": 2},
                          "day": {"year": 1970, "month": 1, "day": 2},
                          "time": {"hours": 1, "minutes": 2, "seconds": 3, "nanos": 4_000_000}, "small": -1});
    assert_eq!(python.ask(&command), expected);
    // The same schema again, written by the package, which registers it in its compiled form.
    let command = json!({"do": "write protobuf", "topic": "theirs", "files": files, "message": "shop.Order",
                         "value": expected});
    let theirs = bytes(&python.ask(&command));
    assert_eq!(theirs[5..], written[5..]);
    let (theirs, ours) =
        (own.from_bytes("theirs", Some(&theirs)).unwrap(), own.from_bytes("ours", Some(&written)).unwrap());
    assert_eq!(theirs.value, ours.value);
    assert_eq!(*field(&ours.value, "none"), Value::NULL);
    // A message that stands within another one, behind the hidden entries of a map: these count in compiled schemas.
    let text = r#"syntax = "proto3"; package p; message A { map<string, bool> x = 1; message B { map<string, sint32> m = 3; oneof c { bool d = 1; } } }"#;
    let command = json!({"do": "write protobuf", "topic": "t", "files": compiled(text), "message": "p.A.B",
                         "value": {"m": {"k": -1}, "d": true}});
    let theirs = bytes(&python.ask(&command));
    let read = own.from_bytes("t", Some(&theirs)).unwrap();
    let entry = MapEntry { key: "k".into(), value: Value::int32(-1) };
    assert_eq!(*field(&read.value, "m"), Value::map(vec![entry]));
    assert_eq!(*field(field(&read.value, "c_0"), "d"), Value::boolean(true));
    // The same with the schema in a header: the path of the message moves there, too. What reads such a record is tested
    // in the crate, with these bytes.
    let command = json!({"do": "write protobuf with header", "topic": "t", "files": compiled(text), "message": "p.A.B",
                         "value": {"m": {"k": -1}, "d": true}});
    let answer = python.ask(&command);
    assert_eq!(answer["name"], "__value_schema_id");
    let id = i32::from_be_bytes(theirs[1..5].try_into().unwrap());
    let path = &theirs[5..8];
    assert_eq!(path, [4, 0, 2]);
    assert_eq!(bytes(&answer["header"]), [&[1], &registry.guid(id)[..], path].concat());
    assert_eq!(bytes(&answer["payload"]), theirs[8..]);
}
