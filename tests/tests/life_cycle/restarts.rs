//! What fails comes back by itself where its configuration asks for it, and only where that may help.

use crate::{metric, put_source};
use ferroconnect_e2e::kafka::Kafka;
use ferroconnect_e2e::wait::until;
use ferroconnect_e2e::worker::{Subject, Worker, WorkerSetup};
use std::fs;

const ON: (&str, &str) = ("restart.automatic.enable", "true");

/// A worker whose connectors are restarted soon if they are restarted at all.
fn start(setup: &mut WorkerSetup) -> Worker {
    setup.load_fixtures(&["misbehaving"]);
    setup.set("restart.automatic.backoff.ms", "200").set("restart.automatic.backoff.max.ms", "400");
    setup.start()
}

fn trace(worker: &Worker, name: &str, part: &str) -> String {
    let status = worker.rest.get(&format!("/connectors/{name}/status")).json();
    status.pointer(&format!("{part}/trace")).and_then(|trace| trace.as_str()).unwrap_or_default().to_owned()
}

#[test]
fn what_was_away_for_a_while_comes_back() {
    let mut setup = WorkerSetup::new(Subject::Ferroconnect, Kafka::shared());
    let worker = start(&mut setup);
    let file = setup.path("healed");
    let unless = ("unless.file", file.to_str().unwrap());
    assert_eq!(put_source(&worker.rest, "task", &[("fail.in", "start"), unless, ON]).status, 201);
    let answer = put_source(&worker.rest, "connector", &[("fail.in", "connector.start"), unless, ON]);
    assert_eq!(answer.status, 500, "{answer:?}");
    for (name, part) in [("task", "/tasks/0"), ("connector", "/connector")] {
        until("the trace to tell of the next restart", || {
            let trace = trace(&worker, name, part);
            trace.contains("told to fail in") && trace.contains("\nNext automatic restart 2 of 10 at 20")
        });
    }
    assert!(metric(&worker, "ferroconnect_automatic_restarts_total{connector=\"task\"}") >= Some(1.0));
    fs::write(&file, "").unwrap();
    worker.rest.await_task("task", 0, "RUNNING");
    // Its tasks were never made before.
    worker.rest.await_task("connector", 0, "RUNNING");
    worker.rest.await_connector("connector", "RUNNING");
    until("nothing to wait for a restart", || metric(&worker, "ferroconnect_automatic_restarts_pending") == Some(0.0));
    assert_eq!(trace(&worker, "task", "/tasks/0"), "");
}

#[test]
fn what_no_restart_can_help_is_left_failed() {
    let mut setup = WorkerSetup::new(Subject::Ferroconnect, Kafka::shared());
    let worker = start(&mut setup);
    let said = |words: &str| until(&format!("the log to say {words:?}"), || worker.log().contains(words));
    assert_eq!(put_source(&worker.rest, "bug", &[("panic.in", "poll"), ON]).status, 201);
    said("The task bug-0 is not restarted automatically: code panicked");
    let twice = ("restart.automatic.max.attempts", "2");
    assert_eq!(put_source(&worker.rest, "stubborn", &[("fail.in", "poll"), twice, ON]).status, 201);
    said("The task stubborn-0 is left failed after 2 automatic restarts in a row");
    assert_eq!(put_source(&worker.rest, "off", &[("fail.in", "poll")]).status, 201);
    for name in ["bug", "stubborn", "off"] {
        worker.rest.await_task(name, 0, "FAILED");
        assert!(!trace(&worker, name, "/tasks/0").contains("Next automatic"), "{name}");
    }
    let made = |name: &str| metric(&worker, &format!("ferroconnect_automatic_restarts_total{{connector=\"{name}\"}}"));
    assert_eq!([made("bug"), made("stubborn"), made("off")], [None, Some(2.0), None]);
    // A person who restarts it gives it new tries.
    assert_eq!(worker.rest.post("/connectors/stubborn/tasks/0/restart", None).status, 204);
    until("two more restarts", || made("stubborn") == Some(4.0));
    let answer = put_source(&worker.rest, "wrong", &[("restart.automatic.max.attempts", "0")]);
    assert_eq!(answer.status, 400, "{answer:?}");
    assert!(answer.text.contains("expected -1 for no limit, or at least 1"), "{answer:?}");
}
