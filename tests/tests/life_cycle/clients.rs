//! Which client settings connectors may override, in validation and wherever a client is made.

use crate::json;
use ferroconnect_e2e::kafka::Kafka;
use ferroconnect_e2e::rest::Answer;
use ferroconnect_e2e::unique;
use ferroconnect_e2e::worker::{Subject, Worker, WorkerSetup};
use serde_json::Value;

fn start(policy: &[(&str, &str)]) -> (WorkerSetup, Worker) {
    let mut setup = WorkerSetup::new(Subject::Ferroconnect, Kafka::shared());
    setup.load_fixtures(&["misbehaving"]);
    for (key, value) in policy {
        setup.set(key, value);
    }
    let worker = setup.start();
    (setup, worker)
}

fn put_sink(worker: &Worker, name: &str, config: &[(&str, &str)]) -> Answer {
    let base = [("connector.class", "test.MisbehavingSink"), ("topics", "no-such-topic")];
    worker.rest.put(&format!("/connectors/{name}/config"), Some(&json(&[&base, config].concat())))
}

/// The settings that a refusal names, in its order.
fn refused(answer: &Answer, policy: &str) -> Vec<String> {
    assert_eq!(answer.status, 400, "{answer:?}");
    let message: Value = answer.json()["message"].clone();
    let lines = message.as_str().unwrap().lines().filter_map(|line| {
        let rest = line.strip_prefix(&format!("The '{policy}' policy does not allow '"))?;
        rest.strip_suffix("' to be overridden in the connector configuration.").map(str::to_owned)
    });
    lines.collect()
}

const ALL: [(&str, &str); 4] = [
    ("errors.deadletterqueue.topic.name", "letters"),
    ("consumer.override.max.poll.records", "7"),
    ("producer.override.sasl.mechanism", "PLAIN"),
    ("admin.override.linger.ms", "1"),
];

#[test]
fn each_policy_refuses_what_it_should() {
    const POLICY: &str = "connector.client.config.override.policy";
    const LIST: &str = "connector.client.config.override.allowlist";
    let every = ["sasl.mechanism", "max.poll.records", "linger.ms"];
    for (policy, settings, wanted) in [
        ("None", &[(POLICY, "None")][..], &every[..]),
        ("Principal", &[(POLICY, "Principal")], &every[1..]),
        (
            "Allowlist",
            &[(POLICY, "Allowlist"), (LIST, "max.poll.records, client.id")],
            &["sasl.mechanism", "linger.ms"],
        ),
        ("Allowlist", &[(POLICY, "Allowlist")], &every),
    ] {
        let (_setup, worker) = start(settings);
        let mut found = refused(&put_sink(&worker, "c", &ALL), policy);
        let mut wanted = wanted.to_vec();
        found.sort();
        wanted.sort();
        assert_eq!(found, wanted, "{policy}");
        assert_eq!(worker.rest.get("/connectors/c").status, 404);
    }
    // All is the default.
    let (_setup, worker) = start(&[]);
    let answer = put_sink(&worker, "c", &[("consumer.override.max.poll.records", "7")]);
    assert_eq!(answer.status, 201, "{answer:?}");
}

/// Validation does not ask about the admin client of a sink without dead letters, as in Kafka Connect; whoever looks at
/// its offsets makes one all the same.
#[test]
fn offsets_are_not_a_way_around_the_policy() {
    let (_setup, worker) = start(&[("connector.client.config.override.policy", "None")]);
    let elsewhere = ("admin.override.bootstrap.servers", "127.0.0.1:9");
    let name = unique("around");
    let answer = put_sink(&worker, &name, &[elsewhere]);
    assert_eq!(answer.status, 201, "{answer:?}");
    let answer = worker.rest.get(&format!("/connectors/{name}/offsets"));
    assert_eq!(answer.status, 500, "{answer:?}");
    let words = "The 'None' policy does not allow 'bootstrap.servers' to be overridden in the connector configuration.";
    assert!(answer.text.contains(words), "{answer:?}");
}
