//! The REST interface answers as Kafka Connect 4.3.1 did when its answers were recorded.
#![allow(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use ferroconnect_e2e::flows::{INTENDED, Intended, play};
use ferroconnect_e2e::kafka::Kafka;
use ferroconnect_e2e::worker::{Subject, WorkerSetup, plugins};
use serde_json::Value;

const RECORDED: &str = include_str!("../golden/rest-standalone.json");

/// Replays one flow; every answer has to be the recorded one.
fn replay(name: &str) {
    let recorded: Value = serde_json::from_str(RECORDED).unwrap();
    let flow = recorded.as_array().unwrap().iter().find(|f| f["flow"] == name).unwrap();
    let subject = Subject::from_env();
    let mut setup = WorkerSetup::new(subject, Kafka::shared());
    let mut intended: &[Intended] = &[];
    if subject == Subject::Ferroconnect {
        // The recorded worker had the file connectors and no other plugin of others.
        setup.set("plugin.path", plugins().join("file-stream").to_str().unwrap());
        intended = &INTENDED;
    }
    for side in ["key.converter", "value.converter"] {
        setup.set(side, "org.apache.kafka.connect.json.JsonConverter");
    }
    let worker = setup.start();
    let (calls, differences) = play(flow, &worker.rest, setup.dir(), intended);
    assert!(calls >= 9, "the flow made only {calls} calls");
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
fn plugin_definitions_and_validation() {
    replay("plugins");
}

#[test]
fn loggers() {
    replay("loggers");
}

#[test]
fn failed_task_and_dead_letters() {
    replay("failed task and dead letters");
}

/// So that a flow that is recorded later cannot be forgotten here.
#[test]
fn every_recorded_flow_is_replayed() {
    let recorded: Value = serde_json::from_str(RECORDED).unwrap();
    let source = include_str!("rest_flows.rs");
    for flow in recorded.as_array().unwrap() {
        let call = format!("    replay({});", flow["flow"]);
        assert!(source.contains(&call), "no test has {call}");
    }
}
