//! What the recorded flows leave open: routes whose answers depend on the plugin, on other members of a consumer group,
//! on the worker file or on the log.
#![allow(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use ferroconnect_e2e::kafka::Kafka;
use ferroconnect_e2e::process::read_lossy;
use ferroconnect_e2e::rest::Answer;
use ferroconnect_e2e::unique;
use ferroconnect_e2e::wait::{PATIENCE, until, until_equal, until_some};
use ferroconnect_e2e::worker::{Subject, Worker, WorkerSetup};
use ferroconnect_test_servers::{Kind, Server};
use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use serde_json::{Value, json};
use std::time::Duration;

const FRAMEWORK_ONLY: &str = "However, if this connector manages offsets externally, they will need to be manually";
const SINK: &str = "FileStreamSink";

fn worker_setup() -> WorkerSetup {
    WorkerSetup::new(Subject::from_env(), Kafka::shared())
}

fn message(answer: &Answer) -> String {
    answer.json()["message"].as_str().unwrap_or_else(|| panic!("no message: {answer:?}")).to_owned()
}

#[track_caller]
fn assert_refused(answer: &Answer, status: u16, part: &str) {
    assert_eq!(answer.status, status, "{answer:?}");
    assert!(message(answer).contains(part), "{answer:?}");
}

fn patch(worker: &Worker, path: &str, body: &Value) -> Answer {
    let headers = [("accept", "application/json"), ("content-type", "application/json")];
    worker.rest.call("PATCH", path, &headers, Some(&body.to_string())).unwrap()
}

fn offset_of(topic: &str, partition: &Value, offset: &Value) -> Value {
    json!({"offsets": [{"partition": {"kafka_topic": topic, "kafka_partition": partition}, "offset": offset}]})
}

fn committed(worker: &Worker, name: &str) -> Option<i64> {
    worker.rest.get(&format!("/connectors/{name}/offsets")).json()["offsets"][0]["offset"]["kafka_offset"].as_i64()
}

/// A file sink that has written and committed three records; gives its name, topic and file.
fn sink_with_three(setup: &WorkerSetup, worker: &Worker) -> (String, String, std::path::PathBuf) {
    let (kafka, topic, name) = (Kafka::shared(), unique("routes"), unique("sink"));
    kafka.create_topic(&topic, 1);
    kafka.write(&topic, 0, ["a", "b", "c"]);
    let file = setup.path(&format!("{name}.out"));
    let config = [("connector.class", SINK), ("topics", topic.as_str()), ("file", file.to_str().unwrap())];
    worker.rest.put_connector(&name, &config);
    until_equal("three records to be committed", &Some(3), || committed(worker, &name));
    (name, topic, file)
}

fn stop(worker: &Worker, name: &str) {
    assert_eq!(worker.rest.put(&format!("/connectors/{name}/stop"), None).status, 204);
    until_some("the sink to have stopped", PATIENCE, || {
        let status = worker.rest.get(&format!("/connectors/{name}/status")).json();
        let stopped = status["connector"]["state"] == "STOPPED" && status["tasks"] == json!([]);
        if stopped { Ok(()) } else { Err(status.to_string()) }
    });
}

/// A change of offsets, again and again while members that have just gone are still in the group.
fn change_offsets(what: &str, call: impl Fn() -> Answer) -> String {
    until_some(what, PATIENCE, || {
        let answer = call();
        if answer.status == 200 { Ok(message(&answer)) } else { Err(format!("{answer:?}")) }
    })
}

#[test]
fn offsets_of_a_stopped_sink_decide_what_it_reads_again() {
    let mut setup = worker_setup();
    let worker = setup.start();
    let (name, topic, file) = sink_with_three(&setup, &worker);
    let offsets = format!("/connectors/{name}/offsets");
    let to_one = offset_of(&topic, &json!(0), &json!({"kafka_offset": 1}));
    let must_stop = "Connectors must be in the STOPPED state before their offsets can be modified.";
    assert_refused(&patch(&worker, &offsets, &to_one), 400, must_stop);
    assert_refused(&worker.rest.delete(&offsets), 400, must_stop);
    assert_eq!(worker.rest.put(&format!("/connectors/{name}/pause"), None).status, 202);
    worker.rest.await_connector(&name, "PAUSED");
    assert_refused(&patch(&worker, &offsets, &to_one), 400, must_stop);

    stop(&worker, &name);
    for (partition, offset, part) in [
        (json!("x"), json!(null), "'x'. Partition values for sink connectors need to be integers."),
        (json!(null), json!(null), "Kafka partitions must be valid numbers and may not be null"),
        (json!(0), json!({}), "should either be null or contain the key 'kafka_offset'"),
        (json!(0), json!({"kafka_offset": "y"}), "'y'. Offset values for sink connectors need to be integers."),
    ] {
        assert_refused(&patch(&worker, &offsets, &offset_of(&topic, &partition, &offset)), 400, part);
    }
    let told = change_offsets("offsets to be altered", || patch(&worker, &offsets, &to_one));
    assert_eq!(told, "The offsets for this connector have been altered successfully");
    assert_eq!(committed(&worker, &name), Some(1));
    worker.rest.put(&format!("/connectors/{name}/resume"), None);
    until_equal("two records to be written again", &"a\nb\nc\nb\nc\n".to_owned(), || read_lossy(&file));
    until_equal("both to be committed", &Some(3), || committed(&worker, &name));

    stop(&worker, &name);
    let as_text = offset_of(&topic, &json!("0"), &json!({"kafka_offset": "2"}));
    change_offsets("numbers to be taken as text", || patch(&worker, &offsets, &as_text));
    assert_eq!(committed(&worker, &name), Some(2));
    let told = change_offsets("offsets to be reset", || worker.rest.delete(&offsets));
    assert_eq!(told, "The offsets for this connector have been reset successfully");
    assert_eq!(worker.rest.get(&offsets).json(), json!({"offsets": []}));
    worker.rest.put(&format!("/connectors/{name}/resume"), None);
    until_equal("all records to be written again", &"a\nb\nc\nb\nc\na\nb\nc\n".to_owned(), || read_lossy(&file));
}

/// A task that does not end, or somebody else's consumer in the sink's group.
#[test]
fn offsets_of_a_sink_whose_group_has_members_are_not_changed() {
    let mut setup = worker_setup();
    let worker = setup.start();
    let (name, topic, _) = sink_with_three(&setup, &worker);
    stop(&worker, &name);
    let zombie: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", &Kafka::shared().bootstrap)
        .set("group.id", format!("connect-{name}"))
        .create()
        .unwrap();
    zombie.subscribe(&[&topic]).unwrap();
    until("the zombie to have joined", || {
        drop(zombie.poll(Duration::from_millis(100)));
        zombie.assignment().unwrap().count() == 1
    });
    let offsets = format!("/connectors/{name}/offsets");
    let to_one = offset_of(&topic, &json!(0), &json!({"kafka_offset": 1}));
    let zombies = "consumer group offsets for connector";
    let altered = patch(&worker, &offsets, &to_one);
    assert_refused(
        &altered,
        500,
        &format!("Failed to alter {zombies} {name} either because its tasks haven't stopped"),
    );
    let reset = worker.rest.delete(&offsets);
    assert_refused(&reset, 500, &format!("Failed to reset {zombies} {name} either because its tasks haven't stopped"));
    assert_eq!(committed(&worker, &name), Some(3), "nothing was changed");
    drop(zombie);
    change_offsets("the zombie to have gone", || patch(&worker, &offsets, &to_one));
    assert_eq!(committed(&worker, &name), Some(1));
}

/// The plugin may have taken care of its offsets itself, or refuse.
#[test]
fn a_plugin_has_its_say_about_offsets() {
    if Subject::from_env() == Subject::Java {
        return; // the plugins are ours
    }
    let mut setup = worker_setup();
    setup.load_fixtures(&["misbehaving"]);
    let worker = setup.start();
    let (kafka, topic) = (Kafka::shared(), unique("hooks"));
    kafka.create_topic(&topic, 1);
    for (class, partition, key) in [
        ("test.MisbehavingSource", json!({"file": "f"}), "position"),
        ("test.MisbehavingSink", json!({"kafka_topic": topic, "kafka_partition": 0}), "kafka_offset"),
    ] {
        let body = json!({"offsets": [{"partition": partition, "offset": {key: 1}}]});
        let create = |fails: &[(&str, &str)]| {
            let name = unique("hooked");
            let mut config = json!({"connector.class": class, "topic": topic, "topics": topic, "name": name});
            for (key, value) in fails {
                config[key] = (*value).into();
            }
            let request = json!({"name": name, "config": config, "initial_state": "STOPPED"});
            assert_eq!(worker.rest.post("/connectors", Some(&request)).status, 201, "{request}");
            worker.rest.await_connector(&name, "STOPPED");
            format!("/connectors/{name}/offsets")
        };
        let taken_care_of = create(&[]);
        let altered = patch(&worker, &taken_care_of, &body);
        assert_eq!(altered.status, 200, "{altered:?}");
        assert_eq!(message(&altered), "The offsets for this connector have been altered successfully");
        let reset = worker.rest.delete(&taken_care_of);
        assert_eq!(message(&reset), "The offsets for this connector have been reset successfully", "{reset:?}");
        // A plugin with offsets of its own has to know which of the two it is, also where every offset is null.
        let forgotten = json!({"offsets": [{"partition": partition, "offset": null}]});
        for body in [&body, &forgotten] {
            assert_eq!(patch(&worker, &taken_care_of, body).status, 200);
        }
        let name = taken_care_of.split('/').nth(2).unwrap();
        let logs = setup.logs();
        let of_this = logs.lines().filter(|line| line.contains(name));
        let told: Vec<_> = of_this.filter_map(|line| line.split_once("told to ")?.1.split('(').next()).collect();
        assert_eq!(told, ["Alter", "Reset", "Alter", "Alter"], "{class}");

        let ignored = create(&[("ignore.offsets", "true")]);
        let altered = patch(&worker, &ignored, &body);
        assert!(message(&altered).contains(FRAMEWORK_ONLY), "{altered:?}");

        for how in ["fail.in", "panic.in"] {
            let refused = create(&[(how, "connector.alter_offsets")]);
            let altered = patch(&worker, &refused, &body);
            assert_refused(&altered, 500, "connector.alter_offsets");
            assert_refused(&worker.rest.delete(&refused), 500, "connector.alter_offsets");
            assert_eq!(worker.rest.get(&refused).json(), json!({"offsets": []}), "{class} {how}: nothing was stored");
        }
    }
    assert_eq!(worker.rest.get("/health").status, 200);
}

/// Offsets that a plugin keeps itself, in the table of a database.
#[test]
fn offsets_in_a_table_change_with_those_of_kafka() {
    if Subject::from_env() == Subject::Java {
        return; // the plugin is ours
    }
    let server = Server::shared(Kind::Postgres);
    server.sql("postgres", "CREATE DATABASE offsets_of_a_sink");
    let sql = |sql: &str| server.sql("offsets_of_a_sink", sql);
    let (kafka, topic, name) = (Kafka::shared(), unique("kept"), unique("sink"));
    kafka.create_topic(&topic, 2);
    let schema = json!({"type": "struct", "fields": [{"field": "number", "type": "int64"}]});
    for partition in [0, 1] {
        let record = json!({"schema": schema, "payload": {"number": partition}}).to_string();
        kafka.write(&topic, partition, [record.as_str()]);
    }
    let mut setup = worker_setup();
    let worker = setup.start();
    worker.rest.put_connector(
        &name,
        &[
            ("connector.class", "io.confluent.connect.jdbc.JdbcSinkConnector"),
            ("topics", &topic),
            ("value.converter", "org.apache.kafka.connect.json.JsonConverter"),
            ("connection.url", &server.url("offsets_of_a_sink")),
            ("table.name.format", "numbers"),
            ("auto.create", "true"),
            ("offsets.table", "positions"),
        ],
    );
    let offsets = format!("/connectors/{name}/offsets");
    let committed = || worker.rest.get(&offsets).json()["offsets"].as_array().map_or(0, Vec::len);
    let written_again = |numbers: &str| {
        worker.rest.put(&format!("/connectors/{name}/resume"), None);
        until_equal("both partitions to be committed", &2, committed);
        assert_eq!(sql("SELECT number FROM numbers ORDER BY number"), numbers);
        stop(&worker, &name);
    };
    let kept = || sql("SELECT kafka_partition, next_offset FROM positions ORDER BY kafka_partition");
    written_again("0\n1\n");
    assert_eq!(kept(), "0\t1\n1\t1\n");

    let first = offset_of(&topic, &json!(0), &Value::Null);
    change_offsets("the offset of one partition to be forgotten", || patch(&worker, &offsets, &first));
    assert_eq!(kept(), "1\t1\n");
    written_again("0\n0\n1\n");

    change_offsets("all offsets to be forgotten", || worker.rest.delete(&offsets));
    assert_eq!((kept(), committed()), (String::new(), 0));
    // Kafka has none any more, as when the topics were deleted.
    sql(&format!("INSERT INTO positions VALUES ('{name}', '{topic}', 1, 1)"));
    change_offsets("those to be forgotten that only the plugin has", || worker.rest.delete(&offsets));
    assert_eq!(kept(), "");
    written_again("0\n0\n0\n1\n1\n");
}

#[test]
fn topics_can_be_neither_seen_nor_reset_where_the_worker_says_so() {
    let mut setup = worker_setup();
    setup.set("topic.tracking.allow.reset", "false");
    let worker = setup.start();
    let (name, topic, _) = sink_with_three(&setup, &worker);
    let topics = format!("/connectors/{name}/topics");
    let used = json!({name.as_str(): {"topics": [topic]}});
    until_equal("the topic to be known", &used, || worker.rest.get(&topics).json());
    let reset = worker.rest.put(&format!("{topics}/reset"), None);
    assert_refused(&reset, 403, "Topic tracking reset is disabled.");
    assert_eq!(worker.rest.get(&topics).json(), used);
    drop(worker);

    setup.set("topic.tracking.enable", "false");
    let worker = setup.start();
    assert_refused(&worker.rest.get(&topics), 403, "Topic tracking is disabled.");
    assert_refused(&worker.rest.put(&format!("{topics}/reset"), None), 403, "Topic tracking is disabled.");
}

/// After a reset only topics used since are listed.
#[test]
fn topics_are_forgotten_and_found_again() {
    let mut setup = worker_setup();
    let worker = setup.start();
    let (name, topic, _) = sink_with_three(&setup, &worker);
    let topics = format!("/connectors/{name}/topics");
    let list = || worker.rest.get(&topics).json()[&name]["topics"].clone();
    until_equal("the topic to be known", &json!([topic]), list);
    assert_eq!(worker.rest.put(&format!("{topics}/reset"), None).status, 202);
    assert_eq!(list(), json!([]));
    Kafka::shared().write(&topic, 0, ["d"]);
    until_equal("the topic to be known again", &json!([topic]), list);
}

/// Both scopes, and what a level does to the log.
#[test]
fn log_levels_change_what_is_logged() {
    if Subject::from_env() == Subject::Java {
        return; // other loggers
    }
    let mut setup = worker_setup();
    let worker = setup.start();
    let set = |query: &str, level: &str| {
        worker.rest.put(&format!("/admin/loggers/ferroconnect::rest{query}"), Some(&json!({"level": level})))
    };
    let lines = || worker.log().matches("\"GET /connectors HTTP/1.1\"").count();
    worker.rest.get("/connectors");
    until_equal("the access log to say so", &1, lines);
    let changed = set("", "WARN");
    assert_eq!(changed.status, 200);
    let changed = changed.json();
    let changed: Vec<_> = changed.as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
    assert!(changed.contains(&"ferroconnect::rest"), "{changed:?}");
    assert!(changed.iter().all(|name| name.starts_with("ferroconnect::rest")), "only those below: {changed:?}");
    let shown = worker.rest.get("/admin/loggers/ferroconnect::rest").json();
    assert_eq!(shown["level"], "WARN");
    assert!(shown["last_modified"].is_i64(), "{shown}");
    assert_eq!(worker.rest.get("/admin/loggers").json()["ferroconnect::rest"], shown);
    worker.rest.get("/connectors");
    let cluster = set("?scope=cluster", "INFO");
    assert_eq!((cluster.status, cluster.text.as_str()), (204, ""));
    assert_eq!(worker.rest.get("/admin/loggers/ferroconnect::rest").json()["level"], "INFO");
    worker.rest.get("/connectors");
    until_equal("one more line, not two", &2, lines);
    assert_refused(&set("", "LOUD"), 404, "invalid log level 'LOUD'.");
}

/// Each plugin in the list can be asked for its keys, by its class and in its version.
#[test]
fn every_listed_plugin_says_what_it_can_be_configured_with() {
    let mut setup = worker_setup();
    let worker = setup.start();
    let plugins = worker.rest.get("/connector-plugins?connectorsOnly=false").json();
    let plugins = plugins.as_array().unwrap();
    let kinds = ["source", "sink", "converter", "header_converter", "transformation", "predicate"];
    for kind in kinds {
        assert!(plugins.iter().any(|plugin| plugin["type"] == kind), "no {kind} is listed");
    }
    for plugin in plugins {
        let class = plugin["class"].as_str().unwrap();
        let path = format!("/connector-plugins/{class}/config");
        let keys = worker.rest.get(&path);
        assert_eq!(keys.status, 200, "{class}: {keys:?}");
        let fields = [
            "name",
            "type",
            "required",
            "default_value",
            "importance",
            "documentation",
            "group",
            "order_in_group",
            "width",
            "display_name",
            "dependents",
        ];
        for key in keys.json().as_array().unwrap() {
            assert!(key.as_object().unwrap().keys().eq(fields), "{class}: {key}");
        }
        if let Some(version) = plugin["version"].as_str() {
            assert_eq!(worker.rest.get(&format!("{path}?version={version}")).text, keys.text, "{class}");
        }
        let none = worker.rest.get(&format!("{path}?version=99"));
        // Java says it in other words of classes that were not on its plugin path.
        assert_refused(&none, 400, "version range [99,99]");
    }
}

/// A list gives for each connector what its own routes give, and nothing else.
#[test]
fn lists_expand_to_what_the_routes_of_each_connector_say() {
    let mut setup = worker_setup();
    let worker = setup.start();
    let (name, _, _) = sink_with_three(&setup, &worker);
    let idle = unique("idle");
    let file = setup.path("none");
    let config = [("connector.class", "FileStreamSource"), ("topic", idle.as_str()), ("file", file.to_str().unwrap())];
    worker.rest.put_connector(&idle, &config);
    worker.rest.await_task(&idle, 0, "RUNNING");
    let mut expected = json!({});
    for name in [&name, &idle] {
        let path = format!("/connectors/{name}");
        let parts = [worker.rest.get(&format!("{path}/status")).json(), worker.rest.get(&path).json()];
        let [status, info] = parts;
        expected[name] = json!({"status": status, "info": info});
    }
    let list = |query: &str| worker.rest.get(&format!("/connectors{query}")).json();
    assert_eq!(list("?expand=status&expand=info"), expected);
    assert_eq!(list("?expand=info")[&name], json!({"info": expected[&name]["info"]}));
    assert_eq!(list("?expand=status&expand=other")[&idle], json!({"status": expected[&idle]["status"]}));
    worker.rest.delete(&format!("/connectors/{name}"));
    until_equal("only one to be left", &json!([idle]), || list(""));
    assert_eq!(list("?expand=info"), json!({idle.as_str(): {"info": expected[&idle]["info"]}}));
}

/// The four combinations of the flags, on a connector where nothing has failed.
#[test]
fn restarts_tell_what_they_restart() {
    let mut setup = worker_setup();
    let worker = setup.start();
    let (name, _, _) = sink_with_three(&setup, &worker);
    let running = json!(["RUNNING", "RUNNING"]);
    for (query, status, states) in [
        ("", 204, None),
        ("?includeTasks=false&onlyFailed=false", 204, None),
        ("?onlyFailed=true", 202, Some(running.clone())),
        ("?includeTasks=true&onlyFailed=true", 202, Some(running.clone())),
        ("?includeTasks=true", 202, Some(json!(["RESTARTING", "RESTARTING"]))),
    ] {
        let answer = worker.rest.post(&format!("/connectors/{name}/restart{query}"), None);
        assert_eq!(answer.status, status, "{query}: {answer:?}");
        let told = states.as_ref().map(|_| {
            let report = answer.json();
            json!([report["connector"]["state"], report["tasks"][0]["state"]])
        });
        assert_eq!(told, states, "{query}");
        until_equal("connector and task to run", &running, || {
            let report = worker.rest.get(&format!("/connectors/{name}/status")).json();
            json!([report["connector"]["state"], report["tasks"][0]["state"]])
        });
    }
    assert_refused(&worker.rest.post(&format!("/connectors/{name}/tasks/7/restart"), None), 404, "not found");
    assert_eq!(worker.rest.post(&format!("/connectors/{name}/tasks/0/restart"), None).status, 204);
    worker.rest.await_task(&name, 0, "RUNNING");
}

/// Names with blanks, slashes and letters beyond ASCII, through every route of a connector.
#[test]
fn connectors_with_strange_names_can_be_addressed() {
    let mut setup = worker_setup();
    let worker = setup.start();
    // Those with a slash or a percent sign cannot be addressed on the Java worker.
    let of_ours: &[&str] = if Subject::from_env() == Subject::Java { &[] } else { &["100%", "a/b"] };
    for stem in ["a b", "ü€", "a+b?c#d"].iter().chain(of_ours) {
        let name = unique(stem);
        let encoded: String = name.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let path = format!("/connectors/{encoded}");
        let topic = unique("strange");
        let config = json!({"connector.class": "FileStreamSource", "topic": topic, "file": setup.path("none")});
        let created = worker.rest.post("/connectors", Some(&json!({"name": name, "config": config})));
        assert_eq!(created.status, 201, "{created:?}");
        let location = created.header("location").unwrap().strip_prefix(&worker.rest.base).unwrap().to_owned();
        if !stem.contains('/') {
            assert_eq!(worker.rest.get(&location).json()["name"], name.as_str(), "{location}");
        }
        until_equal("the task to run", &json!("RUNNING"), || {
            worker.rest.get(&format!("{path}/tasks/0/status")).json()["state"].clone()
        });
        let expanded = worker.rest.get("/connectors?expand=status&expand=info").json();
        assert_eq!(expanded[&name]["info"]["name"], name.as_str());
        assert_eq!(expanded[&name]["status"]["name"], name.as_str());
        for (method, rest, status) in [
            ("GET", "", 200),
            ("GET", "/config", 200),
            ("GET", "/status", 200),
            ("GET", "/tasks", 200),
            ("GET", "/topics", 200),
            ("PUT", "/topics/reset", 202),
            ("GET", "/offsets", 200),
            ("POST", "/restart", 204),
            ("POST", "/restart?includeTasks=true", 202),
            ("PUT", "/pause", 202),
            ("PUT", "/resume", 202),
            ("PUT", "/stop", 204),
            ("DELETE", "/offsets", 200),
            ("DELETE", "", 204),
            ("GET", "", 404),
        ] {
            let answer = worker.rest.call(method, &format!("{path}{rest}"), &[("accept", "application/json")], None);
            assert_eq!(answer.as_ref().map(|answer| answer.status), Ok(status), "{method} {name}{rest}: {answer:?}");
        }
    }
}

/// One line for each configuration, without values; none for keys that the plugin may read.
#[test]
fn misspelt_connector_keys_are_told_in_the_log() {
    if Subject::from_env() == Subject::Java {
        return; // a feature of ours
    }
    let mut setup = worker_setup();
    let file = setup.path("none");
    setup.connector(
        "from-file",
        &[
            ("connector.class", "FileStreamSource"),
            ("topic", &unique("hints")),
            ("file", file.to_str().unwrap()),
            ("taks.max", "31415"),
        ],
    );
    let worker = setup.start();
    let hints = |name: &str| -> Vec<String> {
        let begin = format!("Configuration of connector {name}: ");
        worker.log().lines().filter_map(|line| Some(line.split_once(&begin)?.1.to_owned())).collect()
    };
    let told = "'taks.max' is not known; did you mean 'tasks.max'?";
    until_some("the line about the file", PATIENCE, || match hints("from-file").as_slice() {
        [line] if line.starts_with(told) => Ok(()),
        other => Err(format!("{other:?}")),
    });
    let answer = patch(&worker, "/connectors/from-file/config", &json!({"taks.max": null, "some.other.key": "1"}));
    assert_eq!(answer.status, 200, "{answer:?}");
    let answer = patch(&worker, "/connectors/from-file/config", &json!({"value.converter.schemas.enable": "27182"}));
    assert_eq!(answer.status, 200, "{answer:?}");
    until_equal("one more line", &2, || hints("from-file").len());
    let second = &hints("from-file")[1];
    assert!(
        second.starts_with("'value.converter.schemas.enable' has no effect, because 'value.converter'"),
        "{second}"
    );
    let values = ["31415", "27182"];
    assert!(!values.iter().any(|value| hints("from-file").concat().contains(value)), "values are not for the log");
}
