//! JSON Schema and Protobuf with a schema registry, through a running worker: what a source writes a sink reads, keys and
//! nested structs too, and the registry has the schemas.

#![allow(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use ferroconnect_e2e::kafka::{Kafka, NewRecord};
use ferroconnect_e2e::process::read_lossy;
use ferroconnect_e2e::unique;
use ferroconnect_e2e::wait::{PATIENCE, until_some};
use ferroconnect_e2e::worker::{Subject, WorkerSetup};
use ferroconnect_test_registry::Registry;

const RECORDS: usize = 500;

/// Sends made-up orders through a converter and gives the sink's lines, and the bytes of all keys.
fn orders(class: &str, registry: &Registry, topic: &str) -> (Vec<String>, Vec<Vec<u8>>) {
    let kafka = Kafka::shared();
    kafka.create_topic(topic, 1);
    let mut setup = WorkerSetup::new(Subject::Ferroconnect, kafka);
    for role in ["key", "value"] {
        setup.set(&format!("{role}.converter"), class);
        setup.set(&format!("{role}.converter.schema.registry.url"), &registry.url());
    }
    let file = setup.path("orders.txt");
    let (records, name) = (RECORDS.to_string(), unique("orders"));
    let source = [
        ("connector.class", "io.confluent.kafka.connect.datagen.DatagenConnector"),
        ("kafka.topic", topic),
        ("quickstart", "orders"),
        ("max.interval", "0"),
        ("iterations", &records),
        ("random.seed", "7"),
    ];
    setup.connector(&name, &source);
    let sink = [("connector.class", "FileStreamSink"), ("file", file.to_str().unwrap()), ("topics", topic)];
    setup.connector(&unique("orders-file"), &sink);
    let _worker = setup.start();
    let lines = until_some("all orders", PATIENCE, || {
        let lines: Vec<String> = read_lossy(&file).lines().map(str::to_owned).collect();
        if lines.len() >= RECORDS { Ok(lines) } else { Err(format!("{} lines", lines.len())) }
    });
    let keys = kafka.read(topic).into_iter().map(|record| record.key.unwrap()).collect();
    (lines, keys)
}

/// Each order once, in order, with the struct inside of it.
fn are_orders(lines: &[String]) {
    assert_eq!(lines.len(), RECORDS);
    for (number, line) in lines.iter().enumerate() {
        assert!(line.starts_with("Struct{ordertime=") && line.contains(&format!(",orderid={number},")), "{line}");
        assert!(line.contains(",address=Struct{city=City_"), "{line}");
    }
}

#[test]
fn json_schema_and_protobuf_carry_the_same_records() {
    if Subject::from_env() == Subject::Java {
        return; // its converters are not part of Kafka
    }
    let registry = Registry::start();
    let topic = unique("json-orders");
    let (json, keys) = orders("io.confluent.connect.json.JsonSchemaConverter", &registry, &topic);
    are_orders(&json);
    assert_eq!(&keys[7][5..], b"7");
    assert_eq!(registry.schemas(&format!("{topic}-key")), [r#"{"type":"integer","connect.type":"int32"}"#]);
    let value = registry.schemas(&format!("{topic}-value"));
    assert!(value.len() == 1 && value[0].contains(r#""title":"ksql.orders""#), "{value:?}");

    let topic = unique("protobuf-orders");
    let (protobuf, keys) = orders("io.confluent.connect.protobuf.ProtobufConverter", &registry, &topic);
    are_orders(&protobuf);
    assert_eq!(protobuf, json);
    assert_eq!(keys[7][5..], [2, 8, 8, 7]);
    let value = registry.schemas(&format!("{topic}-value"));
    assert!(value.len() == 1 && value[0].contains("package ksql;\n\nmessage orders {\n"), "{value:?}");
}

#[test]
fn a_record_in_itself_goes_through_transforms_to_a_sink() {
    if Subject::from_env() == Subject::Java {
        return; // its converters are not part of Kafka
    }
    let (registry, kafka, topic) = (Registry::start(), Kafka::shared(), unique("trees"));
    let schema = r#"{"type":"record","name":"Tree","fields":[{"name":"label","type":"string"},
        {"name":"left","type":["null","Tree"]},{"name":"more","type":{"type":"array","items":"Tree"}}]}"#;
    let id = registry.register(&format!("{topic}-value"), "AVRO", schema, &[]);
    kafka.create_topic(&topic, 1);
    let leaf = |label: u8| vec![2, label, 0, 0];
    let bytes = |left: u8| [&[0, 0, 0, 0, id as u8][..], &[2, b'r', 2], &leaf(left), &[2], &leaf(b'm'), &[0]].concat();
    kafka.write_records(&topic, 0, [b'x', b'y'].map(|left| NewRecord::of(bytes(left))));
    let mut setup = WorkerSetup::new(Subject::Ferroconnect, kafka);
    setup.set("value.converter", "io.confluent.connect.avro.AvroConverter");
    setup.set("value.converter.schema.registry.url", &registry.url());
    let file = setup.path("trees.txt");
    let sink = [
        ("connector.class", "FileStreamSink"),
        ("file", file.to_str().unwrap()),
        ("topics", &topic),
        ("transforms", "insert,rename"),
        ("transforms.insert.type", "org.apache.kafka.connect.transforms.InsertField$Value"),
        ("transforms.insert.static.field", "from"),
        ("transforms.insert.static.value", "here"),
        ("transforms.rename.type", "org.apache.kafka.connect.transforms.SetSchemaMetadata$Value"),
        ("transforms.rename.schema.name", "Marked"),
    ];
    setup.connector(&unique("trees-file"), &sink);
    let _worker = setup.start();
    let line = |left: char| {
        let leaf = |label: char| format!("Struct{{label={label},more=[]}}");
        format!("Struct{{label=r,left={},more=[{}],from=here}}", leaf(left), leaf('m'))
    };
    until_some("both trees in the file", PATIENCE, || {
        let lines: Vec<String> = read_lossy(&file).lines().map(str::to_owned).collect();
        if lines == [line('x'), line('y')] { Ok(()) } else { Err(format!("{lines:?}")) }
    });
}
