//! Passwords that stand in a connector's configuration in plain text, and plugins that tell them wherever they can: in
//! panics, errors and log lines, from threads of their own too. They are shown nowhere but where Kafka Connect shows the
//! configuration itself. What config providers give is looked for in `plugin_stages.rs`.
//!
//! The Java worker cannot load these libraries, so there is no control.
#![allow(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use ferroconnect_e2e::kafka::{Kafka, Record};
use ferroconnect_e2e::process::read_lossy;
use ferroconnect_e2e::unique;
use ferroconnect_e2e::wait::until;
use ferroconnect_e2e::worker::{Subject, Worker, WorkerSetup};
use serde_json::{Map, Value};

/// Where a secret stands, and the secret: each at another place, so that one that is seen tells where.
const SECRETS: [(&str, &str); 7] = [
    ("secret", "hush-connector-6f1d"),
    ("value.converter.secret", "hush-converter-2b8e"),
    ("header.converter.secret", "hush-header-converter-41cc"),
    ("transforms.t.secret", "hush-transform-9c04"),
    ("predicates.p.secret", "hush-predicate-71aa"),
    ("producer.override.ssl.key.password", "hush-key-e35c"),
    ("consumer.override.ssl.truststore.password", "hush-trust-48d7"),
];

const LOGIN: &str = "hush-login-0b9f";

fn assert_no_secrets(place: &str, text: &str) {
    for secret in SECRETS.iter().map(|(_, secret)| *secret).chain([LOGIN]) {
        let line = text.lines().find(|line| line.contains(secret));
        assert!(line.is_none(), "{place} shows {secret}: {}", line.unwrap_or_default());
    }
}

/// A connector with a secret at every place, which works.
fn talkative<'a>(class: &'a str, topic: &'a str) -> Vec<(&'a str, &'a str)> {
    let topic_key = if class.ends_with("Sink") { "topics" } else { "topic" };
    let mut config = vec![
        ("connector.class", class),
        ("tasks.max", "1"),
        (topic_key, topic),
        ("value.converter", "test.MisbehavingConverter"),
        ("header.converter", "test.MisbehavingHeaderConverter"),
        ("transforms", "t"),
        ("transforms.t.type", "test.MisbehavingTransform"),
        ("transforms.t.predicate", "p"),
        ("predicates", "p"),
        ("predicates.p.type", "test.MisbehavingPredicate"),
        ("errors.log.enable", "true"),
        ("errors.log.include.messages", "true"),
    ];
    config.extend(SECRETS);
    let login = "org.apache.kafka.common.security.plain.PlainLoginModule required username=\"me\" \
                 password=\"hush-login-0b9f\";";
    assert!(login.contains(LOGIN));
    config.push(("producer.override.sasl.jaas.config", login));
    config
}

fn json(name: &str, config: &[(&str, &str)]) -> Value {
    let mut json: Map<String, Value> = config.iter().map(|&(key, value)| (key.to_owned(), value.into())).collect();
    json.insert("name".to_owned(), name.into());
    json.into()
}

/// Asks for all that says something of a connector but its configuration.
fn assert_rest_tells_no_secrets(worker: &Worker, name: &str) {
    let of_connector = ["/status", "/tasks/0/status", "/topics", "/offsets"];
    let of_worker =
        ["/", "/health", "/connectors?expand=status", "/connector-plugins?connectorsOnly=false", "/admin/loggers"];
    let of_classes =
        ["test.MisbehavingSource", "test.MisbehavingSink"].map(|class| format!("/connector-plugins/{class}/config"));
    let paths = of_connector.iter().map(|path| format!("/connectors/{name}{path}"));
    for path in paths.chain(of_worker.iter().map(|&path| path.to_owned())).chain(of_classes) {
        assert_no_secrets(&format!("GET {path} of {name}"), &worker.rest.get(&path).text);
    }
}

/// What a connector is told to do wrong, and whether that fails the connector or its task.
const MISDEEDS: [(&str, &str, Fails); 9] = [
    ("panic.in", "connector.start", Fails::Connector),
    ("fail.in", "connector.start", Fails::Connector),
    ("panic.in", "start", Fails::Task),
    ("fail.in", "start", Fails::Task),
    ("panic.in", "poll", Fails::Task),
    ("transforms.t.panic.in", "apply", Fails::Task),
    ("transforms.t.fail.in", "apply", Fails::Task),
    ("predicates.p.panic.in", "test", Fails::Task),
    ("value.converter.panic.in", "to_bytes", Fails::Task),
];

#[derive(Debug, Clone, Copy)]
enum Fails {
    Connector,
    Task,
}

fn worker() -> Option<(WorkerSetup, Worker)> {
    if Subject::from_env() == Subject::Java {
        return None;
    }
    let mut setup = WorkerSetup::new(Subject::Ferroconnect, Kafka::shared());
    setup.load_fixtures(&["misbehaving"]).env("FERROCONNECT_LOG", "trace");
    setup.set("connector.client.config.override.policy", "All");
    let worker = setup.start();
    Some((setup, worker))
}

/// All that the worker wrote, once it has ended.
fn assert_outputs_tell_no_secrets(setup: &WorkerSetup, worker: &mut Worker) {
    worker.terminate();
    for entry in std::fs::read_dir(setup.dir()).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            assert_no_secrets(&path.display().to_string(), &read_lossy(&path));
        }
    }
}

#[test]
fn failures_do_not_tell_secrets() {
    let Some((setup, mut worker)) = worker() else { return };
    for (key, method, fails) in MISDEEDS {
        let (name, topic) = (unique("failing"), unique("failing"));
        let mut config = talkative("test.MisbehavingSource", &topic);
        config.push((key, method));
        let answer = worker.rest.put(&format!("/connectors/{name}/config"), Some(&json(&name, &config)));
        let told = match fails {
            Fails::Connector => answer.text,
            Fails::Task => worker.rest.await_task(&name, 0, "FAILED")["tasks"][0]["trace"].to_string(),
        };
        assert!(told.contains("with the secret [hidden]"), "{key}={method} is to tell a secret: {told}");
        assert_no_secrets(&format!("the failure of {key}={method}"), &told);
        assert_rest_tells_no_secrets(&worker, &name);
    }
    assert_outputs_tell_no_secrets(&setup, &mut worker);
    let log = setup.logs();
    for told in ["the secret is", "a thread tells the secret", "a thread panics with the secret"] {
        assert!(log.contains(&format!("{told} [hidden]")), "the plugin was to say: {told}");
    }
}

#[test]
fn a_failed_validation_does_not_tell_secrets() {
    let Some((setup, mut worker)) = worker() else { return };
    for misdeed in ["panic.in", "fail.in"] {
        for class in ["test.MisbehavingSource", "test.MisbehavingSink"] {
            let name = unique("invalid");
            let mut config = talkative(class, "topic-of-nobody");
            config.push((misdeed, "connector.validate"));
            let path = format!("/connector-plugins/{class}/config/validate");
            let validated = worker.rest.put(&path, Some(&json(&name, &config)));
            assert_no_secrets("the validation", &validated.text);
            let refused = worker.rest.put(&format!("/connectors/{name}/config"), Some(&json(&name, &config)));
            assert!(refused.status >= 400, "{refused:?}");
            assert!(refused.text.contains("[hidden]"), "{misdeed} of {class} is to tell a secret: {refused:?}");
            assert_no_secrets("the refusal", &refused.text);
        }
    }
    let valid = worker.rest.put(
        "/connector-plugins/test.MisbehavingSource/config/validate",
        Some(&json("valid", &talkative("test.MisbehavingSource", "t"))),
    );
    assert_eq!(valid.json()["error_count"], 0, "{valid:?}");
    assert_no_secrets("a validation without errors", &valid.text);
    assert_outputs_tell_no_secrets(&setup, &mut worker);
}

/// The letters of a sink and of a source whose transform fails for every record.
#[test]
fn dead_letters_do_not_tell_secrets() {
    let Some((setup, mut worker)) = worker() else { return };
    let (kafka, topic) = (Kafka::shared(), unique("bad"));
    kafka.create_topic(&topic, 1);
    kafka.write(&topic, 0, ["one", "two"]);
    for (class, topic) in [("test.MisbehavingSink", topic), ("test.MisbehavingSource", unique("never"))] {
        let (name, letters) = (unique("writer"), unique("letters"));
        let mut config = talkative(class, &topic);
        config.extend([
            ("transforms.t.fail.in", "apply"),
            ("errors.tolerance", "all"),
            ("errors.deadletterqueue.topic.name", &letters),
            ("errors.deadletterqueue.topic.replication.factor", "1"),
            ("errors.deadletterqueue.context.headers.enable", "true"),
        ]);
        if class.ends_with("Source") {
            config.push(("errors.deadletterqueue.source.enable", "true"));
        }
        worker.rest.put_connector(&name, &config);
        until("the topic of the letters", || !kafka.partitions(&letters).is_empty());
        for letter in kafka.read_at_least(&letters, 2) {
            assert_no_secrets(&format!("a letter of {class}"), &all_of(&letter));
            let message = letter.headers.iter().find(|(key, _)| key == "__connect.errors.exception.message");
            let message = String::from_utf8(message.unwrap().1.clone().unwrap()).unwrap();
            assert_eq!(message, "told to fail in apply, with the secret [hidden]");
        }
        assert_rest_tells_no_secrets(&worker, &name);
        // As in Kafka Connect, whoever may read configurations may read what stands there.
        assert_eq!(worker.rest.get(&format!("/connectors/{name}/config")).json()["secret"], SECRETS[0].1);
    }
    assert_outputs_tell_no_secrets(&setup, &mut worker);
}

/// A record with all its bytes as text, one part a line.
fn all_of(record: &Record) -> String {
    let text = |bytes: &Option<Vec<u8>>| String::from_utf8_lossy(bytes.as_deref().unwrap_or_default()).into_owned();
    let headers = record.headers.iter().map(|(key, value)| format!("{key}={}", text(value)));
    [text(&record.key), text(&record.value)].into_iter().chain(headers).collect::<Vec<_>>().join("\n")
}
