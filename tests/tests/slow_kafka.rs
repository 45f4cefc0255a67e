//! A Kafka that does not answer costs patience, not processors.

#![allow(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use ferroconnect_e2e::kafka::Kafka;
use ferroconnect_e2e::unique;
use ferroconnect_e2e::wait::{PATIENCE, until_some};
use ferroconnect_e2e::worker::{Subject, Worker, WorkerSetup};
use std::time::{Duration, Instant};

/// Long enough to tell a thread that works from one that waits.
const SPAN: Duration = Duration::from_secs(4);

/// Processor time that the process has used.
fn used(worker: &Worker) -> Duration {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", worker.id())).unwrap();
    let (_, fields) = stat.rsplit_once(") ").unwrap();
    let ticks: u64 = fields.split(' ').skip(11).take(2).map(|field| field.parse::<u64>().unwrap()).sum();
    Duration::from_millis(ticks * 1000 / rustix::param::clock_ticks_per_second())
}

fn await_count(kafka: &Kafka, topic: &str, count: i64) {
    until_some("records in the topic", PATIENCE, || match kafka.count(topic) {
        found if found >= count => Ok(()),
        found => Err(format!("{found} of {count}")),
    });
}

#[test]
fn a_source_waits_for_a_frozen_broker_without_working_and_nothing_is_lost() {
    let (kafka, topic) = (Kafka::start_own(), unique("slow"));
    kafka.create_topic(&topic, 1);
    let mut setup = WorkerSetup::new(Subject::Ferroconnect, &kafka);
    for side in ["key.converter", "value.converter"] {
        setup.set(side, "org.apache.kafka.connect.json.JsonConverter");
        setup.set(&format!("{side}.schemas.enable"), "false");
    }
    let class = ("connector.class", "org.apache.kafka.connect.tools.VerifiableSourceConnector");
    setup.connector("numbers", &[class, ("tasks.max", "1"), ("topic", &topic), ("throughput", "1000")]);
    let mut worker = setup.start();
    await_count(&kafka, &topic, 500);

    let frozen = kafka.freeze();
    let (before, begin) = (used(&worker), Instant::now());
    while begin.elapsed() < SPAN {
        worker.assert_alive();
        std::thread::sleep(Duration::from_millis(50));
    }
    let busy = (used(&worker) - before).div_duration_f64(begin.elapsed());
    drop(frozen);
    assert!(busy < 0.25, "the worker used {busy:.2} of a processor while Kafka did not answer");

    await_count(&kafka, &topic, kafka.count(&topic) + 2000);
    worker.terminate();
    let numbers: Vec<u64> =
        kafka.read(&topic).into_iter().map(|record| record.text().unwrap().parse().unwrap()).collect();
    let expected: Vec<u64> = (0..numbers.len() as u64).collect();
    assert_eq!(numbers, expected, "each record once, in order");
}
