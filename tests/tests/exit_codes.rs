//! Exit statuses and signals: what a service manager and a shell script see.

#![allow(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use ferroconnect_e2e::kafka::{Kafka, Record};
use ferroconnect_e2e::process::{Process, read_lossy};
use ferroconnect_e2e::unique;
use ferroconnect_e2e::wait::{PATIENCE, until_equal};
use ferroconnect_e2e::worker::{Subject, WorkerSetup, program};
use rustix::process::Signal;
use std::process::Command;

/// Not within any test: what is stored then was stored by the stop.
const NEVER: &str = "3600000";

#[test]
fn usage_is_1() {
    if Subject::from_env() == Subject::Java {
        return; // its class answers 1 as well, but the script in front of it is ours
    }
    let dir = tempfile::tempdir().unwrap();
    for arguments in [&["standalone"][..], &["no-such-command"]] {
        let mut command = Command::new(program());
        command.args(arguments);
        let mut process = Process::start(command, dir.path(), "usage");
        assert_eq!(process.wait(PATIENCE).code(), Some(1), "{arguments:?}");
        let said = process.log() + &process.output();
        assert!(said.contains("Usage"), "{said}");
    }
}

#[test]
fn a_bad_worker_file_is_2() {
    let mut setup = WorkerSetup::new(Subject::from_env(), Kafka::shared());
    setup.unset("key.converter");
    let mut worker = setup.spawn();
    assert_eq!(worker.wait(PATIENCE).code(), Some(2), "{}", worker.log());
    assert!(worker.log().contains("key.converter"), "{}", worker.log());
}

#[test]
fn a_connector_file_that_cannot_be_read_is_3() {
    let mut setup = WorkerSetup::new(Subject::from_env(), Kafka::shared());
    setup.connector_file("nameless.properties", "connector.class=FileStreamSource\ntopic=t\n");
    let mut worker = setup.spawn();
    assert_eq!(worker.wait(PATIENCE).code(), Some(3), "{}", worker.log());
    let log = worker.log();
    assert!(log.contains("nameless.properties") && log.contains("name"), "{log}");
}

#[test]
fn a_connector_that_is_refused_is_3() {
    let mut setup = WorkerSetup::new(Subject::from_env(), Kafka::shared());
    setup.connector("no-topic", &[("connector.class", "FileStreamSource"), ("file", "/nowhere")]);
    let mut worker = setup.spawn();
    assert_eq!(worker.wait(PATIENCE).code(), Some(3), "{}", worker.log());
    assert!(worker.log().contains("topic"), "{}", worker.log());
}

/// A stop stores what was acknowledged, and the next start goes on from there.
fn stops_cleanly(signal: Signal, statuses: &[i32]) {
    let kafka = Kafka::shared();
    let mut setup = WorkerSetup::new(Subject::from_env(), kafka);
    let topic = unique("stop");
    kafka.create_topic(&topic, 1);
    let (input, output) = (setup.path("in.txt"), setup.path("out.txt"));
    std::fs::write(&input, "one\ntwo\n").unwrap();
    setup.set("offset.flush.interval.ms", NEVER);
    setup.connector(
        "source",
        &[("connector.class", "FileStreamSource"), ("file", input.to_str().unwrap()), ("topic", &topic)],
    );
    // A consumer group of its own: groups are named after connectors, and this Kafka is shared.
    setup.connector(
        &unique("sink"),
        &[("connector.class", "FileStreamSink"), ("file", output.to_str().unwrap()), ("topics", &topic)],
    );

    let mut worker = setup.start();
    until_equal("the sink file", &"one\ntwo\n".to_owned(), || read_lossy(&output));
    worker.signal(signal);
    let status = worker.wait(PATIENCE);
    assert!(status.code().is_some_and(|c| statuses.contains(&c)), "{status}; wanted one of {statuses:?}");

    std::fs::write(&input, "one\ntwo\nthree\n").unwrap();
    let mut worker = setup.start();
    until_equal("the sink file", &"one\ntwo\nthree\n".to_owned(), || read_lossy(&output));
    worker.terminate();
    let values: Vec<_> = kafka.read(&topic).iter().filter_map(Record::text).collect();
    assert_eq!(values, ["one", "two", "three"]);
}

#[test]
fn sigterm_stops_cleanly() {
    // A JVM always ends with 128 + 15, ours with 0: the stop that was asked for went well.
    let status = if Subject::from_env() == Subject::Java { 143 } else { 0 };
    stops_cleanly(Signal::TERM, &[status]);
}

#[test]
fn ctrl_c_stops_cleanly() {
    let statuses: &[i32] = if Subject::from_env() == Subject::Java { &[130] } else { &[0, 130] };
    stops_cleanly(Signal::INT, statuses);
}
