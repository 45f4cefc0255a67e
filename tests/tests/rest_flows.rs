//! The REST interface answers as Kafka Connect 4.3.1 did when its answers were recorded.
#![allow(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use ferroconnect_e2e::flows::play;
use ferroconnect_e2e::kafka::Kafka;
use ferroconnect_e2e::worker::{Subject, WorkerSetup};
use serde_json::Value;

const RECORDED: &str = include_str!("../golden/rest-standalone-core.json");

/// Replays one flow. Calls that change offsets may differ, and with them the calls that show the change.
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
    let mut failed = 0;
    let mut not_changed = false;
    for difference in &differences {
        not_changed |= changes_offsets(&difference.call);
        let tolerated = not_changed && difference.call.ends_with("/offsets");
        let verdict = if tolerated { "tolerated" } else { "FAILED" };
        failed += usize::from(verdict == "FAILED");
        println!(
            "{verdict} {name} #{} {}\n    {}",
            difference.step,
            difference.call,
            difference.details.join("\n    ")
        );
    }
    println!("{name}: {calls} calls, {} differ, {failed} of them not tolerated", differences.len());
    assert_eq!(failed, 0, "answers differ from those recorded, see above");
}

#[test]
fn root_and_unknown_paths() {
    replay("root and unknown paths");
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
fn failed_task_and_dead_letters() {
    replay("failed task and dead letters");
}

fn changes_offsets(call: &str) -> bool {
    call.ends_with("/offsets") && (call.starts_with("PATCH ") || call.starts_with("DELETE "))
}
