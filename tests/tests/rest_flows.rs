//! The REST interface answers as Kafka Connect 4.3.1 did when its answers were recorded.
#![allow(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use ferroconnect_e2e::flows::play;
use ferroconnect_e2e::kafka::Kafka;
use ferroconnect_e2e::worker::{Subject, WorkerSetup};
use serde_json::Value;

const RECORDED: &str = include_str!("../golden/rest-standalone-core.json");

/// Replays one flow; every answer has to be the recorded one.
fn replay(name: &str) {
    let recorded: Value = serde_json::from_str(RECORDED).unwrap();
    let flow = recorded.as_array().unwrap().iter().find(|f| f["flow"] == name).unwrap();
    let mut setup = WorkerSetup::new(Subject::from_env(), Kafka::shared());
    for side in ["key.converter", "value.converter"] {
        setup.set(side, "org.apache.kafka.connect.json.JsonConverter");
    }
    let worker = setup.start();
    let (calls, differences) = play(flow, &worker.rest, setup.dir());
    assert!(calls >= 10, "the flow made only {calls} calls");
    for difference in &differences {
        println!("{name} #{} {}\n    {}", difference.step, difference.call, difference.details.join("\n    "));
    }
    assert!(differences.is_empty(), "{} of {calls} answers differ from those recorded, see above", differences.len());
}

#[test]
fn root_and_unknown_paths() {
    replay("root and unknown paths");
}

#[test]
fn bad_requests() {
    replay("create: bad requests");
}

#[test]
fn source_life_cycle() {
    replay("source life cycle");
}

#[test]
fn sink_life_cycle() {
    replay("sink life cycle");
}

#[test]
fn source_offsets() {
    replay("source offsets");
}

#[test]
fn failed_task_and_dead_letters() {
    replay("failed task and dead letters");
}
