//! A schema that changes in mid-stream: every record keeps its own, in order, on the way in and on the way out.

#![allow(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use ferroconnect_e2e::kafka::{Kafka, NewRecord, Record};
use ferroconnect_e2e::process::read_lossy;
use ferroconnect_e2e::unique;
use ferroconnect_e2e::wait::{PATIENCE, until_some};
use ferroconnect_e2e::worker::{Subject, WorkerSetup};

const JSON: &str = "org.apache.kafka.connect.json.JsonConverter";
const COUNT: usize = 300;

/// Three versions of a schema in turn, and what the file sink prints of each.
fn version(n: usize) -> (String, String) {
    let (fields, payload, printed) = match n % 3 {
        0 => (r#"{"field":"a","type":"int32"}"#, format!(r#"{{"a":{n}}}"#), format!("Struct{{a={n},from=t}}")),
        1 => (
            r#"{"field":"a","type":"int32"},{"field":"b","type":"string","optional":true,"default":"d"}"#,
            format!(r#"{{"a":{n}}}"#),
            format!("Struct{{a={n},b=d,from=t}}"),
        ),
        _ => (r#"{"field":"a","type":"string"}"#, format!(r#"{{"a":"{n}"}}"#), format!("Struct{{a={n},from=t}}")),
    };
    let schema = format!(r#"{{"type":"struct","name":"order","fields":[{fields}]}}"#);
    (format!(r#"{{"schema":{schema},"payload":{payload}}}"#), printed)
}

#[test]
fn a_sink_sees_every_schema_in_order() {
    let (kafka, topic) = (Kafka::shared(), unique("versions"));
    kafka.create_topic(&topic, 1);
    kafka.write_records(&topic, 0, (0..COUNT).map(|n| NewRecord::of(version(n).0)));
    let mut setup = WorkerSetup::new(Subject::from_env(), kafka);
    let file = setup.path("out.txt");
    let config = [
        ("connector.class", "org.apache.kafka.connect.file.FileStreamSinkConnector"),
        ("file", file.to_str().unwrap()),
        ("topics", &topic),
        ("value.converter", JSON),
        ("transforms", "from"),
        ("transforms.from.type", "org.apache.kafka.connect.transforms.InsertField$Value"),
        ("transforms.from.static.field", "from"),
        ("transforms.from.static.value", "t"),
    ];
    setup.connector(&unique("versions"), &config);
    let _worker = setup.start();
    until_some("all records", PATIENCE, || {
        let lines = read_lossy(&file).lines().count();
        if lines >= COUNT { Ok(()) } else { Err(format!("{lines} lines")) }
    });
    let wanted: Vec<String> = (0..COUNT).map(|n| version(n).1).collect();
    assert_eq!(read_lossy(&file).lines().collect::<Vec<_>>(), wanted);
}

/// Every third line gets another field, so the schema changes between records of one batch.
#[test]
fn a_source_writes_every_schema_in_order() {
    if Subject::from_env() == Subject::Java {
        return; // the predicate is from a library of ours
    }
    let (kafka, topic) = (Kafka::shared(), unique("changing"));
    kafka.create_topic(&topic, 1);
    let mut setup = WorkerSetup::new(Subject::Ferroconnect, kafka);
    let input = setup.path("in.txt");
    let lines: String = (0..COUNT).map(|n| format!("{}-{n}\n", if n % 3 == 0 { "more" } else { "less" })).collect();
    std::fs::write(&input, lines).unwrap();
    let config = [
        ("connector.class", "FileStreamSource"),
        ("file", input.to_str().unwrap()),
        ("topic", &topic),
        ("value.converter", JSON),
        ("transforms", "line,more"),
        ("transforms.line.type", "org.apache.kafka.connect.transforms.HoistField$Value"),
        ("transforms.line.field", "line"),
        ("transforms.more.type", "org.apache.kafka.connect.transforms.InsertField$Value"),
        ("transforms.more.static.field", "more"),
        ("transforms.more.static.value", "yes"),
        ("transforms.more.predicate", "third"),
        ("predicates", "third"),
        ("predicates.third.type", "FieldMatches"),
        ("predicates.third.pattern", "^more"),
        ("predicates.third.field", "line"),
    ];
    setup.connector(&unique("changing"), &config);
    let _worker = setup.start();
    let line = r#"{"type":"string","optional":false,"field":"line"}"#;
    let wanted = |n: usize| {
        let (schema, payload) = if n.is_multiple_of(3) {
            let more = r#"{"type":"string","optional":true,"field":"more"}"#;
            (format!("{line},{more}"), format!(r#"{{"line":"more-{n}","more":"yes"}}"#))
        } else {
            (line.to_owned(), format!(r#"{{"line":"less-{n}"}}"#))
        };
        format!(r#"{{"schema":{{"type":"struct","fields":[{schema}],"optional":false}},"payload":{payload}}}"#)
    };
    let values: Vec<String> = kafka.read_at_least(&topic, COUNT).iter().filter_map(Record::text).collect();
    assert_eq!(values, (0..COUNT).map(wanted).collect::<Vec<_>>());
}
