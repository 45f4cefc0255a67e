//! Bytes of the Avro converter against the serialiser of the PyPI package `confluent-kafka`, in both directions and
//! through one registry.
//!
//! Without Python or the package, which is fetched by pip where it is missing, the tests say so and check nothing.
#![allow(clippy::unwrap_used, reason = "tests")]

mod peer;
#[path = "peer/records.rs"]
mod records;

use ferroconnect_plugin_sdk::testkit::{self, ConverterHarness};
use ferroconnect_plugin_sdk::{Config, SchemaType, Value, ValueRef};
use ferroconnect_test_registry::Registry;
use peer::{Python, bytes, hex};
use records::order;
use serde_json::json;

fn converter(registry: &Registry) -> ConverterHarness {
    let library = testkit::library!(ferroconnect_schema_registry);
    let mut config = Config::from([("enhanced.avro.schema.support", "true")]);
    config.set("schema.registry.url", registry.url());
    ConverterHarness::new(&library, "io.confluent.connect.avro.AvroConverter", config).unwrap()
}

#[test]
fn records_go_both_ways() {
    let registry = Registry::start();
    let Some(mut python) = Python::start("avro.py", &registry) else { return };
    let mut own = converter(&registry);
    let written = own.to_bytes("ours", order()).unwrap().unwrap();
    let read = python.ask(&json!({"do": "read", "topic": "ours", "hex": hex(&written)}));
    let expected = "{'id': -9223372036854775808, 'small': -5, 'note': 'é', 'none': None, 'with': 9, \
                    'points': [{'x': 1.5}], 'raw': b'\\x00\\xff', 'amounts': {'a': 7}, \
                    'counts': [{'key': 1, 'value': True}], 'price': Decimal('-2.55'), \
                    'day': datetime.date(1970, 1, 2), 'time': datetime.time(0, 0, 1, 500000), \
                    'at': datetime.datetime(1970, 1, 1, 0, 0, 1, 500000, tzinfo=datetime.timezone.utc)}";
    assert_eq!(read, expected);
    // The serialiser takes our own schema, and makes the same bytes by it.
    let schema = registry.schemas("ours-value").remove(0);
    let theirs = python.ask(&json!({"do": "write", "topic": "ours", "schema": schema, "value": expected}));
    assert_eq!(hex(&bytes(&theirs)[5..]), hex(&written[5..]));
    let (theirs, ours) =
        (own.from_bytes("ours", Some(&bytes(&theirs))).unwrap(), own.from_bytes("ours", Some(&written)).unwrap());
    assert_eq!(theirs.value, ours.value);
    let ValueRef::Struct(content) = ours.value.view() else { panic!("a struct") };
    let kinds: Vec<SchemaType> = content.schema.fields.iter().map(|field| field.schema.kind).collect();
    let own: Vec<SchemaType> = order().schema.get().unwrap().fields.iter().map(|field| field.schema.kind).collect();
    assert_eq!(kinds, own);
}

#[test]
fn schemas_of_others_are_read() {
    let registry = Registry::start();
    let Some(mut python) = Python::start("avro.py", &registry) else { return };
    let mut own = converter(&registry);
    let schema = r#"{"type":"record","name":"R","namespace":"n","fields":[
        {"name":"suit","type":{"type":"enum","name":"Suit","symbols":["HEARTS","SPADES"]}},
        {"name":"hash","type":{"type":"fixed","name":"Hash","size":2}},
        {"name":"any","type":["null","long","string",{"type":"record","name":"Inner","fields":[{"name":"s","type":"Suit"}]}]},
        {"name":"list","type":{"type":"array","items":["null","int"]}},
        {"name":"uuid","type":{"type":"string","logicalType":"uuid"}}]}"#;
    let value = "{'suit': 'SPADES', 'hash': b'ab', 'any': {'s': 'HEARTS'}, 'list': [1, None, -1], \
                 'uuid': '00000000-0000-0000-0000-000000000001'}";
    let theirs = bytes(&python.ask(&json!({"do": "write", "topic": "t", "schema": schema, "value": value})));
    let data = own.from_bytes("t", Some(&theirs)).unwrap();
    let ValueRef::Struct(content) = data.value.view() else { panic!("a struct") };
    assert_eq!(content.get("suit"), Some(&Value::string("SPADES")));
    assert_eq!(content.get("list"), Some(&Value::array(vec![1i32.into(), Value::NULL, (-1i32).into()])));
    let ValueRef::Struct(any) = content.get("any").unwrap().view() else { panic!("a struct") };
    assert!(any.get("long").unwrap().is_null() && !any.get("n.Inner").unwrap().is_null());
    // What was read is written as it was, under a schema that Python reads, too.
    let again = own.to_bytes("again", data).unwrap().unwrap();
    assert_eq!(hex(&again[5..]), hex(&theirs[5..]));
    let read = python.ask(&json!({"do": "read", "topic": "again", "hex": hex(&again)}));
    assert!(read.as_str().unwrap().starts_with("{'suit': 'SPADES', 'hash': b'ab', 'any': {'s': 'HEARTS'}"), "{read}");
}

#[test]
fn a_record_in_itself_goes_both_ways() {
    let registry = Registry::start();
    let Some(mut python) = Python::start("avro.py", &registry) else { return };
    let mut own = converter(&registry);
    let schema = r#"{"type":"record","name":"Tree","namespace":"n","fields":[{"name":"label","type":"string"},
        {"name":"left","type":["null","Tree"]},{"name":"more","type":{"type":"array","items":"Tree"}}]}"#;
    let leaf = "{'label': 'leaf', 'left': None, 'more': []}";
    let value =
        format!("{{'label': 'root', 'left': {leaf}, 'more': [{leaf}, {{'label': 'x', 'left': {leaf}, 'more': []}}]}}");
    let theirs = bytes(&python.ask(&json!({"do": "write", "topic": "t", "schema": schema, "value": value})));
    let data = own.from_bytes("t", Some(&theirs)).unwrap();
    let again = own.to_bytes("again", data).unwrap().unwrap();
    assert_eq!(hex(&again[5..]), hex(&theirs[5..]));
    assert_eq!(python.ask(&json!({"do": "read", "topic": "again", "hex": hex(&again)})), value);
}
