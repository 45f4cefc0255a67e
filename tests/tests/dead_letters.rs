//! Records that fail end in the dead-letter topic, as they do in Kafka Connect, and none is lost on the way.

#![allow(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use ferroconnect_e2e::kafka::{Kafka, Record};
use ferroconnect_e2e::process::read_lossy;
use ferroconnect_e2e::wait::{PATIENCE, until_some};
use ferroconnect_e2e::worker::{Subject, WorkerSetup, plugins};
use ferroconnect_e2e::{build_dir, unique};
use std::collections::BTreeSet;
use std::path::Path;

const PREFIX: &str = "__connect.errors.";

/// Reads `topic` with JsonConverter into a file; what is no JSON goes to `letters`.
fn json_sink<'a>(topic: &'a str, file: &'a str, letters: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![
        ("connector.class", "org.apache.kafka.connect.file.FileStreamSinkConnector"),
        ("file", file),
        ("topics", topic),
        ("value.converter", "org.apache.kafka.connect.json.JsonConverter"),
        ("value.converter.schemas.enable", "false"),
        ("errors.tolerance", "all"),
        ("errors.deadletterqueue.topic.name", letters),
        ("errors.deadletterqueue.topic.replication.factor", "1"),
        ("errors.deadletterqueue.context.headers.enable", "true"),
    ]
}

/// The one dead letter that a worker of this kind writes of the bad record in `topic`.
fn letter(subject: Subject, kafka: &Kafka, topic: &str) -> Record {
    let (name, letters) = (unique("judge"), unique("letters"));
    let mut setup = WorkerSetup::new(subject, kafka);
    let file = setup.path("out.txt");
    setup.connector(&name, &json_sink(topic, file.to_str().unwrap(), &letters));
    let mut worker = setup.start();
    let mut found = kafka.read_at_least(&letters, 1);
    worker.terminate();
    assert_eq!(found.len(), 1, "{found:?}");
    let mut letter = found.remove(0);
    for (key, value) in &mut letter.headers {
        match key.as_str() {
            "__connect.errors.connector.name" => assert_eq!(value.as_deref(), Some(name.as_bytes())),
            "__connect.errors.exception.stacktrace" => assert!(!value.as_ref().unwrap().is_empty()),
            _ => continue,
        }
        *value = None;
    }
    letter
}

#[test]
fn headers_are_those_of_the_java_worker() {
    let (kafka, topic) = (Kafka::shared(), unique("bad"));
    kafka.create_topic(&topic, 1);
    kafka.write(&topic, 0, ["\"good\"", "{no json"]);
    let ours = letter(Subject::Ferroconnect, kafka, &topic);
    assert_eq!(ours.value.as_deref(), Some(&b"{no json"[..]));
    assert!(ours.headers.iter().all(|(key, _)| key.starts_with(PREFIX)), "{ours:?}");
    assert_eq!(ours, letter(Subject::Java, kafka, &topic));
}

fn texts(kafka: &Kafka, topic: &str) -> BTreeSet<String> {
    kafka.read(topic).iter().filter_map(Record::text).collect()
}

fn lines(file: &Path) -> BTreeSet<String> {
    let text = read_lossy(file);
    // A last line without an end was cut off by a kill.
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    whole.lines().map(str::to_owned).collect()
}

/// Writes numbered records in three kinds, kills the worker while it works on them, and waits until each of them is
/// where its kind belongs.
fn nothing_is_missing_after_kills(setup: &mut WorkerSetup, kafka: &Kafka, topic: &str, letters: &str, file: &Path) {
    const KILLS: usize = 5;
    const ROUND: usize = 3000;
    let (mut good, mut bad) = (BTreeSet::new(), BTreeSet::new());
    for round in 0..KILLS {
        let records: Vec<String> =
            (0..ROUND).map(|n| format!("{}-{round}-{n}", if n % 3 == 0 { "bad" } else { "good" })).collect();
        kafka.write(topic, 0, records.iter().map(String::as_str));
        let (worse, better): (Vec<_>, Vec<_>) = records.into_iter().partition(|text| text.starts_with("bad"));
        bad.extend(worse);
        good.extend(better);
        let before = if kafka.partitions(letters).is_empty() { 0 } else { kafka.count(letters) };
        let mut worker = setup.spawn();
        // In the middle of the work: letters are under way, and offsets are committed every few milliseconds.
        until_some("a new dead letter", PATIENCE, || {
            worker.assert_alive();
            let topic_is_there = !kafka.partitions(letters).is_empty();
            if topic_is_there && kafka.count(letters) > before { Ok(()) } else { Err(format!("still {before}")) }
        });
        worker.kill();
    }
    let mut worker = setup.start();
    until_some("every record at its end", PATIENCE, || {
        let (delivered, dead) = (lines(file), texts(kafka, letters));
        let missing = (good.difference(&delivered).count(), bad.difference(&dead).count());
        if missing == (0, 0) { Ok(()) } else { Err(format!("{missing:?} delivered, dead-lettered are missing")) }
    });
    worker.terminate();
    assert_eq!(lines(file), good, "what was delivered");
    assert_eq!(texts(kafka, letters), bad, "what was dead-lettered");
}

#[test]
fn reported_records_survive_kills() {
    if Subject::from_env() == Subject::Java {
        return; // the plugin is ours
    }
    let (kafka, topic, letters) = (Kafka::shared(), unique("reports"), unique("letters"));
    kafka.create_topic(&topic, 1);
    let mut setup = WorkerSetup::new(Subject::Ferroconnect, kafka);
    let library =
        format!("{}ferroconnect_fixture_misbehaving{}", std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX);
    let fixtures = setup.path("fixtures");
    std::fs::create_dir_all(&fixtures).unwrap();
    std::fs::copy(build_dir().join(&library), fixtures.join(&library)).unwrap();
    setup.set("plugin.path", &format!("{},{}", plugins().display(), fixtures.display()));
    setup.set("offset.flush.interval.ms", "20");
    setup.set("consumer.session.timeout.ms", "1000").set("consumer.heartbeat.interval.ms", "300");
    let file = setup.path("delivered.txt");
    setup.connector(
        &unique("reporter"),
        &[
            ("connector.class", "MisbehavingSink"),
            ("topics", &topic),
            ("deliver.to", file.to_str().unwrap()),
            ("report.prefix", "bad"),
            ("errors.tolerance", "all"),
            ("errors.deadletterqueue.topic.name", &letters),
            ("errors.deadletterqueue.topic.replication.factor", "1"),
            // Letters linger, so that many are under way when an offset could be committed.
            ("producer.override.linger.ms", "300"),
        ],
    );
    nothing_is_missing_after_kills(&mut setup, kafka, &topic, &letters, &file);
}

/// A letter that Kafka refuses fails the task, with the record still to be read.
#[test]
fn a_letter_that_is_too_large_fails_the_task() {
    if Subject::from_env() == Subject::Java {
        return; // Java goes on without the record
    }
    let (kafka, topic, letters, name) = (Kafka::shared(), unique("large"), unique("letters"), unique("judge"));
    kafka.create_topic(&topic, 1);
    kafka.write(&topic, 0, ["\"good\"", &"x".repeat(5000)]);
    let mut setup = WorkerSetup::new(Subject::Ferroconnect, kafka);
    let file = setup.path("out.txt");
    let mut config = json_sink(&topic, file.to_str().unwrap(), &letters);
    config.push(("producer.override.max.request.size", "2000"));
    setup.connector(&name, &config);
    let worker = setup.start();
    let status = worker.rest.await_task(&name, 0, "FAILED");
    let trace = status["tasks"][0]["trace"].as_str().unwrap();
    assert!(trace.contains(&format!("Could not produce message to dead letter queue. topic={letters}")), "{trace}");
    assert!(trace.contains("producer.override.max.request.size"), "{trace}");
    let offsets = worker.rest.get(&format!("/connectors/{name}/offsets")).json();
    let committed = offsets["offsets"][0]["offset"]["kafka_offset"].as_i64().unwrap_or(0);
    assert!(committed <= 1, "{offsets}");
}
