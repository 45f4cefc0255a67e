//! Topics of sources are created as their configuration says, and remembered.

use crate::put_source;
use ferroconnect_e2e::kafka::Kafka;
use ferroconnect_e2e::unique;
use ferroconnect_e2e::wait::{until, until_equal};
use ferroconnect_e2e::worker::{Subject, Worker, WorkerSetup};
use serde_json::json;

/// Settings of topics that no group wants.
const DEFAULT: [(&str, &str); 3] = [
    ("topic.creation.default.replication.factor", "-1"),
    ("topic.creation.default.partitions", "3"),
    ("topic.creation.default.max.message.bytes", "54321"),
];

fn start(key: &str, value: &str) -> (WorkerSetup, Worker) {
    let mut setup = WorkerSetup::new(Subject::Ferroconnect, Kafka::shared());
    setup.load_fixtures(&["misbehaving"]);
    setup.set(key, value);
    let worker = setup.start();
    (setup, worker)
}

#[test]
fn groups_give_topics_their_settings() {
    let kafka = Kafka::shared();
    let (_setup, worker) = start("topic.creation.enable", "true");
    let stem = unique("group");
    let (logs, keep, other, there) =
        (format!("{stem}-log"), format!("{stem}-log-keep"), format!("{stem}-other"), format!("{stem}-log-there"));
    kafka.create_topic(&there, 1);
    let include = format!("{stem}-log.*");
    let groups = [
        ("topic.creation.groups", "logs"),
        ("topic.creation.logs.include", include.as_str()),
        ("topic.creation.logs.exclude", ".*-keep"),
        ("topic.creation.logs.partitions", "2"),
        ("topic.creation.logs.retention.ms", "123456"),
        // An expression that matches nothing in the default group is not looked at.
        ("topic.creation.default.include", "nothing"),
    ];
    for topic in [&logs, &keep, &other, &there] {
        let config = [&DEFAULT[..], &groups, &[("topic", topic.as_str())]].concat();
        assert_eq!(put_source(&worker.rest, topic, &config).status, 201);
        until("records in the topic", || kafka.count(topic) > 0);
    }
    let found = |topic: &str| {
        let setting = |name| kafka.topic_setting(topic, name).unwrap();
        (kafka.partitions(topic).len(), setting("max.message.bytes"), setting("retention.ms"))
    };
    let (week, million) = ("604800000".to_owned(), "1048588".to_owned());
    assert_eq!(found(&logs), (2, million.clone(), "123456".to_owned()), "a group takes only numbers from the default");
    assert_eq!(found(&keep), (3, "54321".to_owned(), week.clone()));
    assert_eq!(found(&other), (3, "54321".to_owned(), week.clone()));
    assert_eq!(found(&there), (1, million, week), "a topic that exists is left as it is");
}

#[test]
fn a_topic_that_cannot_be_created_fails_its_task_alone() {
    let (_setup, worker) = start("topic.creation.enable", "true");
    let (good, bad) = (unique("good"), unique("bad"));
    let wrong = [("topic", bad.as_str()), ("topic.creation.default.no.such.setting", "1")];
    assert_eq!(put_source(&worker.rest, "bad", &[&DEFAULT[..], &wrong].concat()).status, 201);
    assert_eq!(put_source(&worker.rest, "good", &[&DEFAULT[..], &[("topic", good.as_str())]].concat()).status, 201);
    let status = worker.rest.await_task("bad", 0, "FAILED");
    let trace = status["tasks"][0]["trace"].as_str().unwrap();
    assert!(trace.contains(&format!("Unable to create topic(s) '{bad}': ")), "{trace}");
    assert!(trace.contains("no.such.setting"), "{trace}");
    until("records of the good one", || Kafka::shared().count(&good) > 0);
    let replicas = unique("replicas");
    let many = [
        ("topic", replicas.as_str()),
        ("topic.creation.default.replication.factor", "7"),
        ("topic.creation.default.partitions", "1"),
    ];
    assert_eq!(put_source(&worker.rest, "replicas", &many).status, 201);
    let status = worker.rest.await_task("replicas", 0, "FAILED");
    let trace = status["tasks"][0]["trace"].as_str().unwrap();
    assert!(trace.contains(&format!("Error while attempting to create/find topic(s) '{replicas}'")), "{trace}");
    assert_eq!(Kafka::shared().partitions(&replicas).len(), 0);
}

#[test]
fn a_worker_may_leave_topics_to_others() {
    let kafka = Kafka::shared();
    let (_setup, worker) = start("topic.creation.enable", "false");
    let topic = unique("left");
    kafka.create_topic(&topic, 1);
    let wrong = [("topic", topic.as_str()), ("topic.creation.default.partitions", "0")];
    assert_eq!(put_source(&worker.rest, "left", &wrong).status, 201, "the keys are not looked at");
    until("records in the topic", || kafka.count(&topic) > 0);
    assert_eq!(kafka.partitions(&topic).len(), 1);
}

/// Validation does not look at these keys, as in Kafka Connect: the connector is there, and has failed.
#[test]
fn wrong_settings_fail_the_connector_before_it_starts() {
    let (_setup, worker) = start("topic.creation.enable", "true");
    let [replicas, partitions, _] = DEFAULT;
    for (name, config, words) in [
        ("none", vec![partitions], "Missing required configuration \"topic.creation.default.replication.factor\""),
        (
            "zero",
            vec![replicas, ("topic.creation.default.partitions", "0")],
            "Invalid value 0 for configuration topic.creation.default.partitions: Number of partitions must be positive, \
             or -1 to use the broker's default",
        ),
        (
            "replicas",
            vec![replicas, partitions, ("topic.creation.groups", "g"), ("topic.creation.g.replication.factor", "0")],
            "Invalid value 0 for configuration topic.creation.g.replication.factor: Replication factor must be positive \
             and not larger than the number of brokers in the Kafka cluster, or -1 to use the broker's default",
        ),
        (
            "pattern",
            vec![replicas, partitions, ("topic.creation.groups", "g"), ("topic.creation.g.include", "(")],
            "topic.creation.g.include: Syntax error in regular expression: ",
        ),
    ] {
        let answer = put_source(&worker.rest, name, &config);
        assert_eq!(answer.status, 500, "{answer:?}");
        assert!(answer.json()["message"].as_str().unwrap().contains(words), "{words}: {answer:?}");
        let status = worker.rest.await_connector(name, "FAILED");
        assert!(status["connector"]["trace"].as_str().unwrap().contains(words), "{status}");
        assert_eq!(status["tasks"], json!([]));
    }
}

#[test]
fn topics_are_remembered_until_they_are_reset_or_the_connector_goes() {
    let kafka = Kafka::shared();
    let (_setup, worker) = start("topic.creation.enable", "true");
    let topic = unique("tracked");
    kafka.create_topic(&topic, 1);
    let used = || worker.rest.get("/connectors/t/topics").json();
    let (one, none) = (json!({"t": {"topics": [topic]}}), json!({"t": {"topics": []}}));
    assert_eq!(put_source(&worker.rest, "t", &[("topic", topic.as_str())]).status, 201);
    until_equal("the topic", &one, used);
    assert_eq!(worker.rest.put("/connectors/t/pause", None).status, 202);
    worker.rest.await_task("t", 0, "PAUSED");
    assert_eq!(worker.rest.put("/connectors/t/topics/reset", None).status, 202);
    assert_eq!(used(), none);
    // A task notes a topic once; a new one notes it again.
    assert_eq!(worker.rest.put("/connectors/t/resume", None).status, 202);
    worker.rest.await_task("t", 0, "RUNNING");
    assert_eq!(worker.rest.post("/connectors/t/tasks/0/restart", None).status, 204);
    until_equal("the topic again", &one, used);
    assert_eq!(worker.rest.delete("/connectors/t").status, 204);
    assert_eq!(used(), none);
}

#[test]
fn tracking_and_resetting_can_be_turned_off() {
    for (key, words) in [
        ("topic.tracking.enable", "Topic tracking is disabled."),
        ("topic.tracking.allow.reset", "Topic tracking reset is disabled."),
    ] {
        let (_setup, worker) = start(key, "false");
        let answer = worker.rest.put("/connectors/t/topics/reset", None);
        assert_eq!((answer.status, &answer.json()["message"]), (403, &json!(words)));
        let answer = worker.rest.get("/connectors/t/topics");
        assert_eq!(answer.status, if key.ends_with("enable") { 403 } else { 200 }, "{answer:?}");
    }
}
