//! A connector that hangs, in whichever of its methods, holds up nobody but itself.

use crate::house::{House, REST_LIMIT};
use ferroconnect_e2e::rest::{Answer, RestClient};
use ferroconnect_e2e::unique;
use ferroconnect_e2e::wait::{unchanged_for, until};
use serde_json::json;
use std::fs;
use std::thread::{JoinHandle, spawn};
use std::time::{Duration, Instant};

/// Asks for a source that hangs in this method, on a thread of its own: the answer takes a while.
fn ask_for(house: &House, name: &'static str, method: &str, unless_file: &str) -> JoinHandle<Answer> {
    let rest = RestClient::new(&house.worker.rest.base);
    let mut config = json!({"connector.class": "test.MisbehavingSource", "topic": unique(name), "hang.in": method});
    if !unless_file.is_empty() {
        config["unless.file"] = unless_file.into();
    }
    spawn(move || rest.put(&format!("/connectors/{name}/config"), Some(&config)))
}

/// Others are created, looked at and deleted as if nothing were the matter.
fn others_go_on(house: &mut House) {
    let begun = Instant::now();
    let mate = unique("mate");
    house.source(&mate, &[]);
    house.worker.rest.await_task(&mate, 0, "RUNNING");
    assert_eq!(house.worker.rest.get("/connectors?expand=status&expand=info").status, 200);
    assert_eq!(house.worker.rest.delete(&format!("/connectors/{mate}")).status, 204);
    assert!(begun.elapsed() < REST_LIMIT, "another connector of the same class took {:?}", begun.elapsed());
    house.neighbour_goes_on();
}

#[test]
fn in_the_start_and_in_task_configs() {
    let Some(mut house) = House::with(&["misbehaving"]) else { return };
    for (name, method) in [("start", "connector.start"), ("tasks", "connector.task_configs")] {
        let asked = ask_for(&house, name, method, "");
        until("the connector to be there", || house.worker.rest.get(&format!("/connectors/{name}")).status == 200);
        others_go_on(&mut house);
        assert!(!asked.is_finished(), "{method} should hang");
        // A new configuration takes its place.
        let begun = Instant::now();
        house.source(name, &[]);
        house.worker.rest.await_task(name, 0, "RUNNING");
        assert!(begun.elapsed() < REST_LIMIT, "{method}: the new configuration took {:?}", begun.elapsed());
        let answer = asked.join().unwrap();
        assert_eq!(answer.status, 500, "{answer:?}");
        assert!(answer.text.contains("was given up because of a later request"), "{answer:?}");
    }
    let asked = ask_for(&house, "last", "connector.start", "");
    until("the connector to be there", || house.worker.rest.get("/connectors/last").status == 200);
    house.ends_in_time();
    assert_eq!(asked.join().unwrap().status, 500);
}

/// Who waits for the tasks finds their connector where they are.
#[test]
fn tasks_wait_a_moment_for_a_slow_connector() {
    let Some(house) = House::with(&["misbehaving"]) else { return };
    let (rest, file) = (&house.worker.rest, house.path("released"));
    fs::write(&file, "").unwrap();
    house.source("slow", &[("hang.in", "connector.start"), ("unless.file", file.to_str().unwrap())]);
    rest.await_task("slow", 0, "RUNNING");
    assert_eq!(rest.put("/connectors/slow/pause", None).status, 202);
    let status = rest.await_task("slow", 0, "PAUSED");
    assert_eq!(status["connector"]["state"], "PAUSED");
    fs::remove_file(&file).unwrap();
    assert_eq!(rest.put("/connectors/slow/resume", None).status, 202);
    let task = || rest.get("/connectors/slow/status").json()["tasks"][0]["state"].clone();
    unchanged_for("the task of a connector that is on its way", Duration::from_millis(200), task);
    fs::write(&file, "").unwrap();
    let status = rest.await_task("slow", 0, "RUNNING");
    assert_eq!(status["connector"]["state"], "RUNNING");
}

#[test]
fn in_its_stop() {
    let Some(mut house) = House::with(&["misbehaving"]) else { return };
    house.source("stop", &[("hang.in", "connector.stop")]);
    house.worker.rest.await_task("stop", 0, "RUNNING");
    let begun = Instant::now();
    house.source("stop", &[("hang.in", "connector.stop"), ("interval.ms", "30")]);
    house.worker.rest.await_task("stop", 0, "RUNNING");
    assert_eq!(house.worker.rest.delete("/connectors/stop").status, 204);
    assert!(begun.elapsed() < REST_LIMIT, "stopping it twice took {:?}", begun.elapsed());
    let given_up = house.worker.log().matches("Connector stop did not stop within 5 s").count();
    assert_eq!(given_up, 2);
    others_go_on(&mut house);
    house.source("stop", &[("hang.in", "connector.stop")]);
    house.ends_in_time();
}

#[test]
fn in_tasks() {
    let Some(mut house) = House::with(&["misbehaving"]) else { return };
    for method in ["start", "commit", "acknowledged"] {
        house.source(method, &[("hang.in", method)]);
    }
    for method in ["open", "close", "flush"] {
        house.sink(method, &[("hang.in", method)]);
    }
    for name in ["commit", "acknowledged"] {
        house.moves_records(name);
    }
    house.worker.rest.await_task("close", 0, "RUNNING");
    house.neighbour_goes_on();
    others_go_on(&mut house);
    for name in ["start", "commit", "acknowledged", "open", "close"] {
        house.gives_up(&format!("{name}-0"), "DELETE", &format!("/connectors/{name}"));
    }
    others_go_on(&mut house);
    house.ends_in_time();
}

/// What takes longer than a request may is answered, and goes on where it makes sense.
#[test]
fn for_longer_than_a_request_may_take() {
    let Some(mut house) = House::with(&["misbehaving"]) else { return };
    let file = house.path("released");
    let released = file.to_str().unwrap().to_owned();
    let slow = ask_for(&house, "slow", "connector.start", &released);
    let checks = ["a", "b", "c"].map(|name| ask_for(&house, name, "connector.validate", ""));
    others_go_on(&mut house);
    for asked in checks {
        let answer = asked.join().unwrap();
        assert_eq!(answer.status, 500, "{answer:?}");
        let words = "Request timed out. The worker is currently validating connector configuration, which began at ";
        assert!(answer.json()["message"].as_str().unwrap().starts_with(words), "{answer:?}");
    }
    let answer = slow.join().unwrap();
    assert_eq!(answer.status, 500, "{answer:?}");
    fs::write(&file, "").unwrap();
    // It starts after all, and its tasks with it.
    house.worker.rest.await_connector("slow", "RUNNING");
    house.worker.rest.await_task("slow", 0, "RUNNING");
    assert_eq!(house.worker.rest.get("/connectors/a").status, 404);
    others_go_on(&mut house);
    house.ends_in_time();
}
