//! Everything arrives at an HTTP server in order, however it answers and however often the worker is killed.

#![allow(clippy::unwrap_used, reason = "a test ends at the first surprise")]

#[path = "../../plugins/http-sink/tests/server/mod.rs"]
mod server;

use ferroconnect_e2e::kafka::Kafka;
use ferroconnect_e2e::unique;
use ferroconnect_e2e::wait::{until, until_equal, until_some};
use ferroconnect_e2e::worker::{Subject, WorkerSetup};
use server::{Reply, Server, status};
use std::collections::BTreeMap;
use std::time::Duration;

const RECORDS: usize = 400;
const KILLS: usize = 3;

/// The number that a record bears as its last word.
fn number(text: &str) -> usize {
    text.rsplit(' ').next().unwrap().parse().unwrap()
}

/// A server that fails every third request in one way after the other, and never takes a record that says `bad`.
fn moody() -> Server {
    let mut calls = 0;
    Server::start(move |seen| {
        calls += 1;
        if calls % 3 == 0 {
            return match calls / 3 % 4 {
                0 => status(503),
                1 => Reply::Answer(429, vec![("Retry-After", "0".to_owned())], String::new()),
                2 => Reply::Reset,
                _ => Reply::Half,
            };
        }
        // What is not a failure of the moment comes last: the answer to a record is always the same.
        if seen.body.contains("bad") { status(422) } else { status(200) }
    })
}

#[test]
fn a_moody_server_gets_everything_in_order() {
    let (kafka, topic, letters) = (Kafka::shared(), unique("http"), unique("letters"));
    let name = unique("moody");
    kafka.create_topic(&topic, 1);
    let is_bad = |n: usize| n % 50 == 7;
    let values: Vec<String> = (0..RECORDS).map(|n| format!("{} {n}", if is_bad(n) { "bad" } else { "good" })).collect();
    kafka.write(&topic, 0, values.iter().map(String::as_str));
    let server = moody();
    let mut setup = WorkerSetup::new(Subject::Ferroconnect, kafka);
    // A killed consumer holds its partitions until its session is over.
    setup.set("consumer.session.timeout.ms", "1000").set("consumer.heartbeat.interval.ms", "300");
    setup.set("offset.flush.interval.ms", "300");
    setup.connector(
        &name,
        &[
            ("connector.class", "io.aiven.kafka.connect.http.HttpSinkConnector"),
            ("topics", &topic),
            ("http.url", &server.url("/in")),
            ("http.authorization.type", "none"),
            ("batching.enabled", "true"),
            ("batch.max.size", "5"),
            ("max.retries", "10"),
            ("retry.backoff.ms", "5"),
            ("consumer.override.max.poll.records", "20"),
            ("errors.tolerance", "all"),
            ("errors.deadletterqueue.topic.name", &letters),
            ("errors.deadletterqueue.topic.replication.factor", "1"),
        ],
    );
    // Each worker gets a part of the way, and is killed in the middle of it.
    for kill in 1..=KILLS {
        let mut worker = setup.spawn();
        let part = RECORDS * kill / (KILLS + 1);
        until("a part of the records at the server", || taken(&server).keys().any(|n| *n >= part));
        worker.kill();
    }
    let mut worker = setup.start();
    let good: Vec<usize> = (0..RECORDS).filter(|n| !is_bad(*n)).collect();
    until_some("the server to have everything", Duration::from_secs(120), || {
        let taken = taken(&server);
        match good.iter().find(|n| !taken.contains_key(n)) {
            None => Ok(()),
            Some(n) => Err(format!("{n} is missing, {} are there", taken.len())),
        }
    });
    until_equal("the offset behind the last record", &Some(RECORDS as i64), || {
        let offsets = worker.rest.get(&format!("/connectors/{name}/offsets")).json();
        offsets["offsets"][0]["offset"]["kafka_offset"].as_i64()
    });
    worker.terminate();
    let firsts: Vec<usize> = taken(&server).into_values().collect();
    assert!(firsts.is_sorted(), "records overtook each other");
    let bad: Vec<usize> = (0..RECORDS).filter(|n| is_bad(*n)).collect();
    let mut dead: Vec<usize> =
        kafka.read_at_least(&letters, bad.len()).iter().map(|letter| number(&letter.text().unwrap())).collect();
    dead.sort_unstable();
    dead.dedup();
    assert_eq!(dead, bad);
}

/// The good records that the server has said yes to, with the place of the first time.
fn taken(server: &Server) -> BTreeMap<usize, usize> {
    let mut places = BTreeMap::new();
    for (place, seen) in server.seen().into_iter().enumerate() {
        // Every third was answered with a failure.
        if (place + 1) % 3 != 0 && !seen.body.contains("bad") {
            for line in seen.body.lines() {
                places.entry(number(line)).or_insert(place);
            }
        }
    }
    places
}

#[test]
fn what_is_to_be_ignored_fails_no_task_that_reports() {
    let (kafka, topic, name) = (Kafka::shared(), unique("http"), unique("ignoring"));
    kafka.create_topic(&topic, 1);
    kafka.write(&topic, 0, ["good", "bad", "good too"]);
    let server = Server::start(|seen| if seen.body.contains("bad") { status(422) } else { status(200) });
    let mut setup = WorkerSetup::new(Subject::Ferroconnect, kafka);
    setup.connector(
        &name,
        &[
            ("connector.class", "io.confluent.connect.http.HttpSinkConnector"),
            ("topics", &topic),
            ("http.api.url", &server.url("/in")),
            ("behavior.on.error", "ignore"),
            // A report would fail the task: what the connector leaves out is not tolerated by the worker.
            ("errors.log.enable", "true"),
        ],
    );
    let worker = setup.start();
    until_equal("the offset behind the last record", &Some(3), || {
        let offsets = worker.rest.get(&format!("/connectors/{name}/offsets")).json();
        offsets["offsets"][0]["offset"]["kafka_offset"].as_i64()
    });
    assert_eq!(server.bodies(), ["good", "bad", "good too"]);
    worker.rest.await_task(&name, 0, "RUNNING");
}

#[test]
fn a_stop_does_not_wait_for_the_server() {
    let (kafka, topic, name) = (Kafka::shared(), unique("http"), unique("stopped"));
    kafka.create_topic(&topic, 1);
    kafka.write(&topic, 0, ["a"]);
    let server = Server::start(|_| Reply::Silence);
    let mut setup = WorkerSetup::new(Subject::Ferroconnect, kafka);
    setup.connector(
        &name,
        &[
            ("connector.class", "io.aiven.kafka.connect.http.HttpSinkConnector"),
            ("topics", &topic),
            ("http.url", &server.url("/in")),
            ("http.authorization.type", "none"),
            ("http.timeout", "600"),
        ],
    );
    let mut worker = setup.start();
    server.wait_for_request();
    assert!(worker.terminate().success());
    let log = setup.logs();
    assert!(!log.contains("abandon"), "{log}");
}
