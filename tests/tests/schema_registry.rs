//! Avro with a schema registry, through a running worker: what a source writes a sink reads, the registry has the schemas,
//! and a registry that goes away for a while loses nothing.

#![allow(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use ferroconnect_e2e::kafka::Kafka;
use ferroconnect_e2e::process::read_lossy;
use ferroconnect_e2e::unique;
use ferroconnect_e2e::wait::{PATIENCE, until_some};
use ferroconnect_e2e::worker::{Subject, WorkerSetup};
use ferroconnect_test_registry::Registry;

const AVRO: &str = "io.confluent.connect.avro.AvroConverter";

/// A worker file as `connect-avro-standalone.properties` has it.
fn setup(kafka: &Kafka, registry: &Registry) -> WorkerSetup {
    let mut setup = WorkerSetup::new(Subject::Ferroconnect, kafka);
    for role in ["key", "value"] {
        setup.set(&format!("{role}.converter"), AVRO);
        setup.set(&format!("{role}.converter.schema.registry.url"), &registry.url());
    }
    setup
}

#[test]
fn what_a_source_writes_in_avro_a_sink_reads() {
    if Subject::from_env() == Subject::Java {
        return; // its converter is not part of Kafka
    }
    let (kafka, topic, registry) = (Kafka::shared(), unique("avro-orders"), Registry::with_credentials("ann:hunter2"));
    kafka.create_topic(&topic, 1);
    let mut setup = setup(kafka, &registry);
    for role in ["key", "value"] {
        setup.set(&format!("{role}.converter.basic.auth.credentials.source"), "USER_INFO");
        setup.set(&format!("{role}.converter.basic.auth.user.info"), "ann:hunter2");
    }
    let file = setup.path("orders.txt");
    let source = [
        ("connector.class", "io.confluent.kafka.connect.datagen.DatagenConnector"),
        ("kafka.topic", &topic),
        ("quickstart", "orders"),
        ("max.interval", "0"),
        ("iterations", "500"),
        ("random.seed", "7"),
    ];
    setup.connector(&unique("orders"), &source);
    let sink = [("connector.class", "FileStreamSink"), ("file", file.to_str().unwrap()), ("topics", &topic)];
    setup.connector(&unique("orders-file"), &sink);
    let _worker = setup.start();
    let lines = until_some("all orders", PATIENCE, || {
        let text = read_lossy(&file);
        let lines: Vec<String> = text.lines().map(str::to_owned).collect();
        if lines.len() >= 500 { Ok(lines) } else { Err(format!("{} lines", lines.len())) }
    });
    assert_eq!(lines.len(), 500);
    for (number, line) in lines.iter().enumerate() {
        assert!(line.starts_with("Struct{ordertime=") && line.contains(&format!(",orderid={number},")), "{line}");
    }
    for record in kafka.read(&topic) {
        let value = record.value.unwrap();
        assert_eq!(value[0], 0);
        assert_eq!(record.key.unwrap()[0], 0);
    }
    let value = registry.schemas(&format!("{topic}-value"));
    assert!(value.len() == 1 && value[0].contains(r#""name":"orders","namespace":"ksql""#), "{value:?}");
    assert_eq!(registry.schemas(&format!("{topic}-key")), [r#""int""#]);
    assert!(!setup.logs().contains("hunter2"));
}

#[test]
fn a_registry_that_is_away_for_a_while_loses_nothing() {
    if Subject::from_env() == Subject::Java {
        return; // its converter is not part of Kafka
    }
    let (kafka, topic, registry) = (Kafka::shared(), unique("avro-away"), Registry::start());
    kafka.create_topic(&topic, 1);
    let mut setup = setup(kafka, &registry);
    let (input, output) = (setup.path("in.txt"), setup.path("out.txt"));
    let wanted: Vec<String> = (0..100).map(|n| format!("line {n}")).collect();
    std::fs::write(&input, wanted.join("\n") + "\n").unwrap();
    let patience = [("errors.retry.timeout", "-1"), ("errors.retry.delay.max.ms", "100")];
    let retries = [("value.converter", AVRO), ("value.converter.max.retries", "0")];
    let url = registry.url();
    let common = [&patience[..], &retries[..], &[("value.converter.schema.registry.url", url.as_str())]].concat();
    let source = [("connector.class", "FileStreamSource"), ("file", input.to_str().unwrap()), ("topic", &topic)];
    setup.connector(&unique("away-in"), &[&source[..], &common[..]].concat());
    let sink = [("connector.class", "FileStreamSink"), ("file", output.to_str().unwrap()), ("topics", &topic)];
    setup.connector(&unique("away-out"), &[&sink[..], &common[..]].concat());
    let mut worker = None;
    let _registry = registry.restart(|| {
        let started = worker.insert(setup.start());
        until_some("a second attempt without the registry", PATIENCE, || {
            let page = started.rest.call("GET", "/metrics", &[], None).unwrap().text;
            let retries = page.lines().filter(|line| line.contains("total_retries"));
            let is_tried = |line: &str| line.rsplit(' ').next().is_some_and(|count| count != "0" && count != "0.0");
            if retries.clone().any(is_tried) { Ok(()) } else { Err(retries.collect::<Vec<_>>().join("\n")) }
        });
        assert_eq!(kafka.count(&topic), 0);
    });
    until_some("all lines", PATIENCE, || {
        let lines = read_lossy(&output).lines().count();
        if lines >= wanted.len() { Ok(()) } else { Err(format!("{lines} lines")) }
    });
    assert_eq!(read_lossy(&output).lines().collect::<Vec<_>>(), wanted);
}
