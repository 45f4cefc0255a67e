//! How many tasks a connector has, and who starts and stops them when.

use crate::json;
use ferroconnect_e2e::kafka::Kafka;
use ferroconnect_e2e::rest::RestClient;
use ferroconnect_e2e::wait::{unchanged_for, until, until_equal};
use ferroconnect_e2e::worker::{Subject, Worker, WorkerSetup};
use serde_json::Value;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

/// Changes that are still to come show within this time.
const SETTLED: Duration = Duration::from_millis(500);

/// A worker with a source `c` that has as many tasks as a file says.
struct Counted {
    setup: WorkerSetup,
    worker: Worker,
    file: PathBuf,
}

impl Counted {
    fn start() -> Counted {
        let mut setup = WorkerSetup::new(Subject::Ferroconnect, Kafka::shared());
        setup.load_fixtures(&["misbehaving"]);
        let worker = setup.start();
        let file = setup.path("count");
        Counted { setup, worker, file }
    }

    fn write(&self, count: usize) {
        // Whole at once, as the plugin may look at any time.
        let new = self.setup.path("count.new");
        fs::write(&new, count.to_string()).unwrap();
        fs::rename(&new, &self.file).unwrap();
    }

    fn put(&self, config: &[(&str, &str)]) -> ferroconnect_e2e::rest::Answer {
        let base = [("connector.class", "test.CountedSource"), ("count.file", self.file.to_str().unwrap())];
        self.worker.rest.put("/connectors/c/config", Some(&json(&[&base, config].concat())))
    }

    fn rest(&self) -> &RestClient {
        &self.worker.rest
    }

    fn status(&self) -> Value {
        self.rest().get("/connectors/c/status").json()
    }

    fn await_states(&self, connector: &str, tasks: &[&str]) {
        let wanted = [&[connector], tasks].concat().join(" ");
        until_equal("the states", &wanted, || {
            let status = self.status();
            let tasks = status["tasks"].as_array().into_iter().flatten();
            let all = std::iter::once(&status["connector"]).chain(tasks);
            all.map(|part| part["state"].as_str().unwrap_or("none").to_owned()).collect::<Vec<_>>().join(" ")
        });
    }
}

#[test]
fn tasks_follow_what_their_connector_asks_for() {
    let house = Counted::start();
    house.write(2);
    let answer = house.put(&[("tasks.max", "4")]);
    assert_eq!((answer.status, answer.json()["tasks"].as_array().unwrap().len()), (201, 2));
    for count in [4, 1, 3] {
        house.write(count);
        house.await_states("RUNNING", &vec!["RUNNING"; count]);
    }
    // Paused: what it has is kept until it is resumed.
    assert_eq!(house.rest().put("/connectors/c/pause", None).status, 202);
    house.await_states("PAUSED", &["PAUSED"; 3]);
    house.write(2);
    assert_eq!(house.rest().put("/connectors/c/resume", None).status, 202);
    house.await_states("RUNNING", &["RUNNING"; 2]);
    assert_eq!(house.rest().put("/connectors/c/stop", None).status, 204);
    house.await_states("STOPPED", &[]);
    house.write(4);
    assert_eq!(house.rest().get("/connectors/c/tasks").json(), Value::Array(vec![]));
    assert_eq!(house.rest().put("/connectors/c/resume", None).status, 202);
    house.await_states("RUNNING", &["RUNNING"; 4]);
    // None is a number of tasks, too.
    house.write(0);
    house.await_states("RUNNING", &[]);
    house.write(1);
    house.await_states("RUNNING", &["RUNNING"]);
    // Asked for while the connector goes.
    house.write(2);
    assert_eq!(house.rest().delete("/connectors/c").status, 204);
    assert_eq!(house.rest().get("/connectors/c/status").status, 404);
}

#[test]
fn too_many_tasks_fail_the_connector_unless_it_may() {
    let house = Counted::start();
    house.write(3);
    let generated = "The connector c has generated 3 tasks, which is greater than 2, the maximum number of tasks it is \
                     configured to create. ";
    let disallowed = format!(
        "{generated}This behaviour should be considered a bug and is disallowed. If necessary, it can be permitted by \
         reconfiguring the connector with 'tasks.max.enforce' set to false; however, this option will be removed in a \
         future release of Kafka Connect."
    );
    let answer = house.put(&[("tasks.max", "2")]);
    assert_eq!(answer.status, 500, "{answer:?}");
    assert_eq!(answer.json()["message"], disallowed);
    let status = house.rest().await_connector("c", "FAILED");
    let trace = format!("org.apache.kafka.connect.runtime.TooManyTasksException: {disallowed}");
    assert_eq!(status["connector"]["trace"].as_str().unwrap().trim_end(), trace);
    let answer = house.put(&[("tasks.max", "2"), ("tasks.max.enforce", "false")]);
    assert_eq!(answer.status, 200, "{answer:?}");
    house.await_states("RUNNING", &["RUNNING"; 3]);
    let permitted = format!("{generated}This behavior should be considered a bug and will be disallowed in future");
    assert!(house.worker.log().contains(&permitted), "{}", house.worker.log());
    // Tasks that run are left alone when it asks for too many of them.
    assert_eq!(house.put(&[("tasks.max", "3")]).status, 200);
    house.await_states("RUNNING", &["RUNNING"; 3]);
    house.write(4);
    house.await_states("FAILED", &["RUNNING"; 3]);
    // What no worker can hold is refused in any case.
    house.write(10_001);
    let answer = house.put(&[("tasks.max.enforce", "false")]);
    assert_eq!(answer.status, 500, "{answer:?}");
    let wanted = "The connector c has generated 10001 tasks; a worker gives a connector 10000 at most";
    assert_eq!(answer.json()["message"], wanted);
}

#[test]
fn restarts_reach_what_was_asked_for() {
    let house = Counted::start();
    house.write(2);
    house.put(&[("tasks.max", "2")]);
    house.await_states("RUNNING", &["RUNNING"; 2]);
    assert_eq!(house.rest().post("/connectors/c/restart", None).status, 204);
    house.await_states("RUNNING", &["RUNNING"; 2]);
    for (query, planned) in [
        ("?includeTasks=true", "RESTARTING"),
        ("?onlyFailed=true", "RUNNING"),
        ("?onlyFailed=true&includeTasks=true", "RUNNING"),
    ] {
        let answer = house.rest().post(&format!("/connectors/c/restart{query}"), None);
        assert_eq!(answer.status, 202, "{answer:?}");
        let plan = answer.json();
        let parts = std::iter::once(&plan["connector"]).chain(plan["tasks"].as_array().unwrap());
        let states: Vec<&str> = parts.map(|part| part["state"].as_str().unwrap()).collect();
        assert_eq!(states, [planned; 3], "{query}");
        house.await_states("RUNNING", &["RUNNING"; 2]);
    }
    // Many at once: each is carried out, none is lost.
    let base = house.rest().base.clone();
    std::thread::scope(|scope| {
        for query in ["", "?includeTasks=true", "?onlyFailed=true", "?includeTasks=true"] {
            let rest = RestClient::new(&base);
            scope.spawn(move || {
                let answer = rest.post(&format!("/connectors/c/restart{query}"), None);
                assert!([202, 204].contains(&answer.status), "{answer:?}");
            });
        }
    });
    house.await_states("RUNNING", &["RUNNING"; 2]);
}

/// Nobody waits for one change before asking for the next.
#[test]
fn the_state_asked_for_last_is_the_one_that_comes() {
    let house = Counted::start();
    house.write(2);
    house.put(&[("tasks.max", "2")]);
    let ask = |what: &str| {
        let answer = house.rest().put(&format!("/connectors/c/{what}"), None);
        assert!([202, 204].contains(&answer.status), "{answer:?}");
    };
    for (wishes, connector, tasks) in [
        (&["pause", "resume", "stop", "resume", "pause", "resume"][..], "RUNNING", &["RUNNING"; 2][..]),
        (&["stop", "resume", "pause", "stop"], "STOPPED", &[]),
        (&["resume", "pause", "resume", "stop", "resume"], "RUNNING", &["RUNNING"; 2]),
        (&["pause", "resume", "pause"], "PAUSED", &["PAUSED"; 2]),
    ] {
        wishes.iter().for_each(|wish| ask(wish));
        house.await_states(connector, tasks);
        unchanged_for("the states", SETTLED, || house.status());
    }
    // Deleted while all that is under way.
    ["resume", "stop", "resume"].iter().for_each(|wish| ask(wish));
    assert_eq!(house.rest().delete("/connectors/c").status, 204);
    unchanged_for("the status of what is gone", SETTLED, || house.rest().get("/connectors/c/status").status);
    assert_eq!(house.rest().get("/connectors/c/status").status, 404);
}

#[test]
fn a_connector_begins_in_the_state_that_is_asked_for() {
    let house = Counted::start();
    house.write(1);
    let rest = house.rest();
    let create = |name: &str, state: Option<&str>| {
        let mut body = serde_json::json!({"name": name, "config": {
            "connector.class": "test.CountedSource", "count.file": house.file.to_str().unwrap()}});
        if let Some(state) = state {
            body["initial_state"] = state.into();
        }
        rest.post("/connectors", Some(&body))
    };
    for (name, state, shown, tasks) in [
        ("none", None, "RUNNING", 1),
        ("running", Some("RUNNING"), "RUNNING", 1),
        ("paused", Some("paused"), "PAUSED", 0),
        ("stopped", Some("Stopped"), "STOPPED", 0),
    ] {
        let answer = create(name, state);
        assert_eq!(answer.status, 201, "{answer:?}");
        assert_eq!(answer.json()["tasks"].as_array().unwrap().len(), tasks, "{name}");
        rest.await_connector(name, shown);
    }
    let answer = create("wrong", Some("DESTROYED"));
    assert!(answer.status >= 400 && answer.text.contains("DESTROYED"), "{answer:?}");
    assert_eq!(rest.get("/connectors/wrong").status, 404);
    for name in ["paused", "stopped"] {
        assert_eq!(rest.put(&format!("/connectors/{name}/resume"), None).status, 202);
        rest.await_task(name, 0, "RUNNING");
    }
    until("the log to say that no task was made for one that is paused", || {
        house.worker.log().contains("Skipping update of tasks for connector paused since it is not running")
    });
}
