//! Batches that are written while the next ones are made ready.

use super::batches::{CLASS, count, records, reported, sink};
use crate::targets::Target;
use ferroconnect_jdbc::db::SqlValue;
use ferroconnect_plugin_sdk::testkit::{self, PATIENCE, SinkHarness, sink_record};
use ferroconnect_plugin_sdk::{Config, Data, ErrorKind, Record, Value, ValueRef};
use ferroconnect_test_servers::{Kind, Server};
use std::time::Instant;

/// A batch that a `put` does not wait for.
const MANY: i64 = 1000;
const UPSERT: [(&str, &str); 3] = [("insert.mode", "upsert"), ("pk.mode", "record_value"), ("pk.fields", "id")];
const PATIENT: [(&str, &str); 4] = [
    ("max.retries", "1000"),
    ("retry.backoff.ms", "50"),
    ("connection.attempts", "1"),
    ("connection.backoff.ms", "50"),
];

/// A sink whose bad records nobody takes.
fn without_reports(target: &Target) -> SinkHarness {
    let library = testkit::library!(ferroconnect_jdbc);
    let config = Config::from([("connection.url", target.url.as_str()), ("max.retries", "0")]);
    let mut sink = SinkHarness::new(&library, CLASS, config).without_reports();
    sink.start().expect("it starts");
    sink
}

/// The offset that may be committed.
fn written(sink: &mut SinkHarness) -> i64 {
    sink.pre_commit().unwrap()[0].offset
}

/// The same records with other names, as a batch that follows `before`.
fn renamed(before: &[Record], name: &'static str) -> Vec<Record> {
    let rename = |record: &Record| {
        let ValueRef::Struct(value) = record.value.value.view() else { panic!("{record:?}") };
        let id = value.get("id").cloned().unwrap();
        let schema = value.schema.clone();
        let value = Value::structure(schema.clone(), vec![id, name.into()]);
        let offset = record.origin.offset + before.len() as i64;
        sink_record(&record.origin.topic, 0, offset, Data::new(schema, value))
    };
    before.iter().map(rename).collect()
}

#[test]
fn what_may_be_committed_is_written() {
    for kind in [Kind::Postgres, Kind::MariaDb] {
        let target = Target::shared(kind, "ahead");
        target.run("CREATE TABLE ahead (id BIGINT PRIMARY KEY, name VARCHAR(20))");
        let mut sink = sink(&target, &[]);
        for batch in 0..5 {
            sink.put(&records("ahead", batch * MANY..(batch + 1) * MANY)).unwrap();
        }
        assert_eq!(written(&mut sink), 5 * MANY, "{kind:?}");
        assert_eq!(count(&target, "ahead"), SqlValue::Int(5 * MANY), "{kind:?}");
    }
}

/// The worker would take the records of a later call for bad ones.
#[test]
fn a_call_whose_error_rejects_its_records_waits() {
    let target = Target::shared(Kind::Postgres, "waits");
    target.run("CREATE TABLE waits (id BIGINT PRIMARY KEY CHECK (id <> 500), name VARCHAR(20))");
    let library = testkit::library!(ferroconnect_jdbc);
    let put_errors = ("errors.deadletterqueue.put.errors", "data");
    let config = Config::from([("connection.url", target.url.as_str()), ("max.retries", "0"), put_errors]);
    let mut sink = SinkHarness::new(&library, CLASS, config).without_reports();
    sink.start().unwrap();
    let error = sink.put(&records("waits", 0..MANY)).unwrap_err();
    assert!(error.message().contains("Table waits"), "{error}");
    sink.put(&records("waits", MANY..2 * MANY)).unwrap();
    assert_eq!(count(&target, "waits"), SqlValue::Int(MANY));
}

#[test]
fn a_batch_that_failed_goes_before_the_next() {
    for kind in [Kind::Postgres, Kind::MariaDb] {
        let mut server = Server::start(kind);
        let target = Target::on(kind, &server, "ordering");
        target.run("CREATE TABLE ordered (id BIGINT PRIMARY KEY, name VARCHAR(20))");
        let mut sink = sink(&target, &[&UPSERT[..], &PATIENT].concat());
        let first = records("ordered", 0..MANY);
        sink.put(&records("ordered", 0..1)).unwrap();
        server.kill();
        sink.put(&first).expect("nobody waits for it");
        assert_eq!(written(&mut sink), 0, "{kind:?}: nothing of it is written");
        let second = renamed(&first, "new");
        let error = sink.put(&second).unwrap_err();
        assert!(error.kind() == ErrorKind::RETRIABLE, "{error}");
        assert_eq!(written(&mut sink), 0, "{kind:?}");
        server.restart();
        let deadline = Instant::now() + PATIENCE * 12;
        while let Err(error) = sink.put(&second) {
            assert!(Instant::now() < deadline, "{kind:?}: {error}");
        }
        assert_eq!(written(&mut sink), 2 * MANY, "{kind:?}");
        assert_eq!(count(&target, "ordered WHERE name = 'new'"), SqlValue::Int(MANY), "{kind:?}");
        assert_eq!(count(&target, "ordered"), SqlValue::Int(MANY), "{kind:?}");
    }
}

/// Nothing else would make the task look at what its thread could not write, where no further records come.
#[test]
fn a_batch_that_failed_asks_for_a_commit() {
    let target = Target::shared(Kind::Postgres, "asks");
    target.run("CREATE TABLE asks (id BIGINT PRIMARY KEY CHECK (id < 1000), name VARCHAR(20))");
    let mut sink = sink(&target, &[]);
    sink.put(&records("asks", 0..MANY)).unwrap();
    assert_eq!(written(&mut sink), MANY);
    assert!(!sink.take_requests().commit, "there is nothing to look at");
    sink.put(&records("asks", MANY..2 * MANY)).unwrap();
    let deadline = Instant::now() + PATIENCE * 3;
    while !sink.take_requests().commit {
        assert!(Instant::now() < deadline, "{:?}", sink.log());
        std::thread::yield_now();
    }
}

/// No further records come, only commits.
#[test]
fn a_batch_that_failed_is_tried_again_without_another() {
    let mut server = Server::start(Kind::Postgres);
    let target = Target::on(Kind::Postgres, &server, "idle");
    target.run("CREATE TABLE idle (id BIGINT, name VARCHAR(20))");
    let mut sink = sink(&target, &PATIENT);
    sink.put(&records("idle", 0..1)).unwrap();
    server.kill();
    sink.put(&records("idle", 1..MANY)).unwrap();
    assert_eq!(written(&mut sink), 1);
    assert!(sink.take_requests().commit, "somebody has to come back");
    server.restart();
    let deadline = Instant::now() + PATIENCE * 12;
    while written(&mut sink) < MANY {
        assert!(Instant::now() < deadline);
    }
    assert_eq!(count(&target, "idle"), SqlValue::Int(MANY), "each once");
    assert_eq!(reported(&sink), []);
}

#[test]
fn a_batch_of_a_partition_that_went_is_not_written_later() {
    let mut server = Server::start(Kind::Postgres);
    let target = Target::on(Kind::Postgres, &server, "gone");
    target.run("CREATE TABLE gone (id BIGINT, name VARCHAR(20))");
    let mut sink = sink(&target, &PATIENT);
    sink.open("gone", 0).unwrap();
    sink.put(&records("gone", 0..1)).unwrap();
    server.kill();
    sink.put(&records("gone", 1..MANY)).unwrap();
    sink.close("gone", 0).unwrap();
    server.restart();
    sink.open("gone", 1).unwrap();
    let mut other = records("gone", 5000..5001);
    other[0].origin.partition = 1;
    let deadline = Instant::now() + PATIENCE * 12;
    while let Err(error) = sink.put(&other) {
        assert!(Instant::now() < deadline, "{error}");
    }
    assert_eq!(written(&mut sink), 5001);
    assert_eq!(count(&target, "gone"), SqlValue::Int(2));
}

#[test]
fn a_bad_record_that_nobody_takes_fails_the_next_put() {
    let target = Target::shared(Kind::Postgres, "refused");
    target.run("CREATE TABLE refused (id BIGINT PRIMARY KEY CHECK (id <> 500), name VARCHAR(20))");
    let mut sink = without_reports(&target);
    sink.put(&records("refused", 0..MANY)).unwrap();
    let error = sink.put(&records("refused", MANY..2 * MANY)).unwrap_err();
    assert!(error.message().contains("Table refused"), "{error}");
    assert_eq!(count(&target, "refused"), SqlValue::Int(0));
    assert_eq!(written(&mut sink), 0, "nothing of it may be committed");
}

/// No `put` comes that could fail, so the worker is asked for one.
#[test]
fn a_bad_record_fails_the_task_on_a_quiet_topic_too() {
    let target = Target::shared(Kind::Postgres, "quiet");
    target.run("CREATE TABLE quiet (id BIGINT PRIMARY KEY CHECK (id <> 1500), name VARCHAR(20))");
    let mut sink = without_reports(&target);
    sink.put(&records("quiet", 0..MANY)).unwrap();
    sink.put(&records("quiet", MANY..2 * MANY)).unwrap();
    assert_eq!(written(&mut sink), MANY, "what came before is");
    let rewound = sink.take_requests().rewound;
    assert_eq!(rewound.iter().map(|to| (to.topic.as_str(), to.offset)).collect::<Vec<_>>(), [("quiet", MANY)]);
    let error = sink.put(&records("quiet", MANY..MANY + 1)).unwrap_err();
    assert!(error.message().contains("Table quiet"), "{error}");
    assert_eq!(count(&target, "quiet"), SqlValue::Int(MANY));
}

#[test]
fn records_that_are_kept_and_read_again_are_written_once() {
    let mut server = Server::start(Kind::Postgres);
    let target = Target::on(Kind::Postgres, &server, "once");
    target.run("CREATE TABLE once (id BIGINT, name VARCHAR(20))");
    let mut sink = sink(&target, &[&PATIENT[..], &[("offsets.table", "sink_offsets"), ("name", "once")]].concat());
    sink.put(&records("once", 0..1)).unwrap();
    server.kill();
    sink.put(&records("once", 1..MANY)).unwrap();
    server.restart();
    // As after a rewind.
    let deadline = Instant::now() + PATIENCE * 12;
    while let Err(error) = sink.put(&records("once", 1..MANY)) {
        assert!(Instant::now() < deadline, "{error}");
    }
    assert_eq!(written(&mut sink), MANY);
    assert_eq!(count(&target, "once"), SqlValue::Int(MANY));
}
