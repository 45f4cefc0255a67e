//! One plugin cannot take the worker down: it panics, fails, hangs, gives malformed data, leaks a thread or is a bad file,
//! and the others go on.
//!
//! "Go on" is counted at the destination: lines that are appended after the misdeed come out of the neighbour's sink.

#![allow(clippy::unwrap_used, reason = "a test ends at the first surprise")]

mod hangs;
mod house;
mod stages;

use ferroconnect_e2e::unique;
use ferroconnect_e2e::wait::until;
use house::{House, library_file};
use serde_json::json;
use std::fs;

#[test]
fn panic_in_start() {
    let Some(mut house) = House::with(&["misbehaving"]) else { return };
    house.bad_source(&[("panic.in", "start"), ("after.calls", "0")]);
    house.fails_with("told to panic in start");
}

#[test]
fn panic_in_poll() {
    let Some(mut house) = House::with(&["misbehaving"]) else { return };
    house.bad_source(&[("panic.in", "poll")]);
    house.fails_with("told to panic in poll");
    // A failed task can be started again, and fails again.
    assert_eq!(house.worker.rest.post("/connectors/bad/tasks/0/restart", None).status, 204);
    house.fails_with("told to panic in poll");
    assert_eq!(house.worker.rest.delete("/connectors/bad").status, 204);
    house.ends_in_time();
}

#[test]
fn panic_in_put() {
    let Some(mut house) = House::with(&["misbehaving"]) else { return };
    house.bad_sink(&[("panic.in", "put")]);
    house.fails_with("told to panic in put");
}

#[test]
fn panic_in_flush() {
    let Some(mut house) = House::with(&["misbehaving"]) else { return };
    house.bad_sink(&[("panic.in", "flush")]);
    house.fails_with("told to panic in flush");
}

#[test]
fn panic_in_stop_and_in_drop() {
    for method in ["stop", "drop"] {
        let Some(mut house) = House::with(&["misbehaving"]) else { return };
        house.bad_source(&[("panic.in", method), ("after.calls", "0")]);
        house.worker.rest.await_task("bad", 0, "RUNNING");
        assert_eq!(house.worker.rest.delete("/connectors/bad").status, 204);
        until("the log to tell of the panic", || house.worker.log().contains(&format!("told to panic in {method}")));
        house.neighbour_goes_on();
        house.ends_in_time();
    }
}

#[test]
fn hang_in_poll() {
    let Some(mut house) = House::with(&["misbehaving"]) else { return };
    house.bad_source(&[("hang.in", "poll"), ("after.calls", "1")]);
    house.worker.rest.await_task("bad", 0, "RUNNING");
    house.hangs();
    house.is_given_up_by("DELETE", "/connectors/bad");
    house.ends_in_time();
}

#[test]
fn hang_in_put() {
    let Some(mut house) = House::with(&["misbehaving"]) else { return };
    house.bad_sink(&[("hang.in", "put")]);
    house.worker.rest.await_task("bad", 0, "RUNNING");
    house.hangs();
    house.is_given_up_by("PUT", "/connectors/bad/stop");
    house.ends_in_time();
}

#[test]
fn hang_in_stop() {
    let Some(mut house) = House::with(&["misbehaving"]) else { return };
    house.bad_source(&[("hang.in", "stop"), ("after.calls", "0")]);
    house.worker.rest.await_task("bad", 0, "RUNNING");
    house.is_given_up_by("DELETE", "/connectors/bad");
    house.ends_in_time();
}

/// The worker itself is stopped while a plugin hangs.
#[test]
fn hang_while_the_worker_stops() {
    let Some(mut house) = House::with(&["misbehaving"]) else { return };
    house.bad_source(&[("hang.in", "poll"), ("after.calls", "1")]);
    house.worker.rest.await_task("bad", 0, "RUNNING");
    house.hangs();
    house.ends_in_time();
}

#[test]
fn malformed_records() {
    let Some(mut house) = House::with(&["misbehaving"]) else { return };
    let bad = [
        ("no-topic", "topic"),
        ("bad-topic", "no such name!"),
        ("topic-with-nul", "topic name"),
        ("partition", "Invalid partition: -1. Partition number should always be non-negative or null."),
        ("timestamp", "Invalid record timestamp -2"),
    ];
    for (what, _) in bad {
        house.source(what, &[("malformed.record", what)]);
    }
    for (what, words) in bad {
        let status = house.worker.rest.await_task(what, 0, "FAILED");
        let trace = status["tasks"][0]["trace"].as_str().unwrap();
        assert!(trace.contains(words) && !trace.contains("panicked"), "{what}: {trace}");
    }
    house.neighbour_goes_on();
    house.ends_in_time();
}

#[test]
fn malformed_answers() {
    let Some(mut house) = House::with(&["misbehaving"]) else { return };
    let config = |answer: &str| {
        json!({
            "connector.class": "test.MisbehavingSource", "topic": unique(answer), "tasks.max": "1", "malformed.answer": answer,
            "tasks.max.enforce": (answer != "far-more-tasks").to_string(),
        })
    };
    let put = |answer: &str| house.worker.rest.put(&format!("/connectors/{answer}/config"), Some(&config(answer)));
    for (answer, words) in [
        ("more-tasks", "has generated 2 tasks, which is greater than 1"),
        ("far-more-tasks", "has generated 20000 tasks; a worker gives a connector 10000 at most"),
    ] {
        let said = put(answer);
        assert_eq!(said.status, 500, "{answer}: {}", said.text);
        assert!(said.text.contains(words), "{answer}: {}", said.text);
        assert_eq!(house.worker.rest.get(&format!("/connectors/{answer}/tasks")).text, "[]");
    }
    // What a connector gives its tasks is theirs, but for what the worker goes by.
    assert_eq!(put("strange-keys").status, 201);
    house.worker.rest.await_task("strange-keys", 0, "RUNNING");
    let said = put("strange-values");
    assert_eq!(said.status, 400, "{}", said.text);
    assert!(said.text.contains("the same key") && said.text.contains("no such\\nkey"), "{}", said.text);
    house.neighbour_goes_on();
    for answer in ["more-tasks", "far-more-tasks", "strange-keys"] {
        assert_eq!(house.worker.rest.delete(&format!("/connectors/{answer}")).status, 204);
    }
    house.ends_in_time();
}

#[test]
fn a_leaked_thread() {
    let Some(mut house) = House::with(&["misbehaving"]) else { return };
    house.bad_source(&[("leak.thread", "true"), ("after.calls", "0")]);
    house.worker.rest.await_task("bad", 0, "RUNNING");
    house.neighbour_goes_on();
    assert_eq!(house.worker.rest.delete("/connectors/bad").status, 204);
    house.neighbour_goes_on();
    house.ends_in_time();
}

/// Bad files beside the good ones: each is named in the log, none stops the worker.
#[test]
fn bad_files_in_the_plugin_path() {
    let text = library_file("text");
    let house = House::prepared(&["misbehaving", "abort_in_constructor", "no_symbol"], |setup| {
        fs::write(setup.path("fixtures").join(&text), "not a library").unwrap();
    });
    let Some(mut house) = house else { return };
    house.bad_source(&[]);
    house.worker.rest.await_task("bad", 0, "RUNNING");
    house.neighbour_goes_on();
    let log = house.worker.log();
    for bad in ["abort_in_constructor", "no_symbol", &text] {
        let named = log.lines().any(|l| (l.contains("WARN") || l.contains("ERROR")) && l.contains(bad));
        assert!(named, "the log does not name {bad}:\n{log}");
    }
    house.ends_in_time();
}
