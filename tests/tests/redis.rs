//! Rows of a topic in Redis, by the tutorial's sink: with the server away at first, and with a record that does not fit.
//! Entries of a stream in a topic, while the worker is killed.
#![allow(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use ferroconnect_e2e::kafka::{Kafka, NewRecord};
use ferroconnect_e2e::redis::Redis;
use ferroconnect_e2e::wait::{until, until_equal};
use ferroconnect_e2e::worker::{Subject, WorkerSetup};
use ferroconnect_e2e::{free_port, unique};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::io::Write as _;
use std::ops::Range;
use std::process::{Command, Stdio};

/// The example of the plugin, which is the tutorial's `sink.json`.
const SINK: &str = include_str!("../../plugins/redis/examples/example-sink.json");
const JSON: &str = "org.apache.kafka.connect.json.JsonConverter";
const ROWS: [(&str, i64, &str); 3] = [("1", 1, "yyyyyy"), ("2", 2, "qqqq"), ("3", 3, "eeee")];

/// Adds entries to the stream `s`, whose field `n` is their number.
fn add(redis: &Redis, numbers: Range<u32>) {
    let mut client = Command::new("redis-cli");
    let mut client =
        client.args(["-p", &redis.port().to_string()]).stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    let mut input = client.stdin.take().unwrap();
    for number in numbers {
        writeln!(input, "XADD s * n {number}").unwrap();
    }
    drop(input);
    assert!(client.wait().unwrap().success());
}

/// Whether all entries of the stream were given out and acknowledged.
fn is_all_acknowledged(redis: &Redis) -> bool {
    let pending = redis.ask(&["XPENDING", "s", "kafka-consumer-group"]);
    pending.lines().next() == Some("0") && redis.ask(&["XINFO", "GROUPS", "s"]).ends_with("lag\n0")
}

fn keys_of(redis: &Redis) -> Vec<String> {
    let mut keys: Vec<String> = redis.ask(&["KEYS", "*"]).lines().map(str::to_owned).collect();
    keys.sort();
    keys
}

/// A row as the tutorial's source writes it.
fn row((key, id, name): (&str, i64, &str)) -> NewRecord {
    let field = |kind: &str, name: &str| json!({"type": kind, "optional": false, "field": name});
    let fields = [field("int64", "id"), field("string", "name")];
    let schema = json!({"type": "struct", "fields": fields, "optional": false, "name": "test_user"});
    let value = json!({"schema": schema, "payload": {"id": id, "name": name}});
    let key = json!({"schema": {"type": "string", "optional": false}, "payload": key});
    NewRecord { key: Some(key.to_string().into_bytes()), ..NewRecord::of(value.to_string()) }
}

/// The tutorial's file for these topics and this port, with more keys.
fn sink(name: &str, topics: &str, port: u16, more: Value) -> Value {
    let mut sink: Value = serde_json::from_str(SINK).unwrap();
    sink["name"] = name.into();
    sink["config"]["topics"] = topics.into();
    sink["config"]["redis.port"] = port.to_string().into();
    sink["config"].as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    sink
}

fn setup(kafka: &Kafka) -> WorkerSetup {
    let mut setup = WorkerSetup::new(Subject::Ferroconnect, kafka);
    setup.set("key.converter", JSON).set("value.converter", JSON);
    setup
}

/// The offset that the group of a sink has committed in the one partition of a topic.
fn committed(worker: &ferroconnect_e2e::worker::Worker, sink: &str, topic: &str) -> Option<i64> {
    let answer = worker.rest.get(&format!("/connectors/{sink}/offsets")).json();
    let offsets = answer["offsets"].as_array()?.clone();
    let mine = offsets.iter().find(|offset| offset["partition"]["kafka_topic"] == topic)?;
    mine["offset"]["kafka_offset"].as_i64()
}

#[test]
fn the_tutorials_sink_fails_without_redis_and_writes_the_rows_after_a_restart() {
    let kafka = Kafka::shared();
    let (topic, missing, name) = (unique("test_user"), unique("test_order"), unique("example-sink"));
    kafka.create_topic(&topic, 1);
    kafka.write_records(&topic, 0, ROWS.map(row));
    let port = free_port();
    let mut worker = setup(kafka).start();
    let answer = worker.rest.post("/connectors/", Some(&sink(&name, &format!("{topic}, {missing}"), port, json!({}))));
    assert_eq!(answer.status, 201, "{answer:?}");

    let status = worker.rest.await_task(&name, 0, "FAILED");
    let trace = status["tasks"][0]["trace"].as_str().unwrap();
    assert!(trace.contains(&format!("Cannot connect to Redis at 127.0.0.1:{port}: Connection refused")), "{trace}");

    let redis = Redis::start(port);
    let answer = worker.rest.post(&format!("/connectors/{name}/tasks/0/restart"), None);
    assert_eq!(answer.status, 204, "{answer:?}");
    let status = worker.rest.await_task(&name, 0, "RUNNING");
    assert_eq!(status["tasks"][0].get("trace"), None, "{status}");
    let keys: Vec<String> = ROWS.iter().map(|(key, ..)| format!("{topic}_{key}")).collect();
    until_equal("the keys in Redis", &keys, || keys_of(&redis));
    for (key, id, name) in ROWS {
        let row: Value = serde_json::from_str(&redis.ask(&["GET", &format!("{topic}_{key}")])).unwrap();
        assert_eq!(row, json!({"id": id, "name": name}));
    }
    // No lag: what is committed is the end of the topic.
    until_equal("the committed offset", &Some(kafka.count(&topic)), || committed(&worker, &name, &topic));
    worker.terminate();
}

#[test]
fn a_record_that_does_not_fit_fails_the_task_or_becomes_a_dead_letter() {
    let kafka = Kafka::shared();
    let (topic, letters) = (unique("test_user"), unique("letters"));
    kafka.create_topic(&topic, 1);
    let bad = NewRecord { key: None, ..row(ROWS[1]) };
    kafka.write_records(&topic, 0, [row(ROWS[0]), bad, row(ROWS[2])]);
    let redis = Redis::start(free_port());
    let mut worker = setup(kafka).start();

    let strict = unique("strict");
    let answer = worker.rest.post("/connectors", Some(&sink(&strict, &topic, redis.port(), json!({}))));
    assert_eq!(answer.status, 201, "{answer:?}");
    let status = worker.rest.await_task(&strict, 0, "FAILED");
    let trace = status["tasks"][0]["trace"].as_str().unwrap();
    assert!(trace.contains(&format!("topic {topic}, partition 0, offset 1")), "{trace}");
    assert!(trace.contains("The record has no key"), "{trace}");
    assert_eq!(committed(&worker, &strict, &topic).unwrap_or(0), 0);

    redis.ask(&["FLUSHALL"]);
    let more = json!({
        "errors.tolerance": "all",
        "errors.deadletterqueue.topic.name": letters,
        "errors.deadletterqueue.topic.replication.factor": "1",
    });
    let lenient = unique("lenient");
    let answer = worker.rest.post("/connectors", Some(&sink(&lenient, &topic, redis.port(), more)));
    assert_eq!(answer.status, 201, "{answer:?}");
    let found = kafka.read_at_least(&letters, 1);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].text(), Some(String::from_utf8(row(ROWS[1]).value.unwrap()).unwrap()));
    until_equal("the committed offset", &Some(3), || committed(&worker, &lenient, &topic));
    assert_eq!(keys_of(&redis), [format!("{topic}_1"), format!("{topic}_3")]);
    worker.terminate();
}

/// How often the worker is killed, and how many entries come between two kills.
const KILLS: u32 = 4;
const BETWEEN: u32 = 1_000;

#[test]
fn entries_of_a_stream_reach_kafka_although_the_worker_is_killed() {
    let kafka = Kafka::shared();
    let (topic, name) = (unique("entries"), unique("stream"));
    kafka.create_topic(&topic, 1);
    let redis = Redis::start(free_port());
    let mut setup = setup(kafka);
    setup.set("value.converter.schemas.enable", "false");
    let port = redis.port().to_string();
    let config = [
        ("connector.class", "com.redis.kafka.connect.RedisStreamSourceConnector"),
        ("redis.host", "127.0.0.1"),
        ("redis.port", &port),
        ("redis.stream.name", "s"),
        ("batch.size", "50"),
        ("topic", &topic),
    ];
    setup.connector(&name, &config);
    for round in 0..=KILLS {
        add(&redis, round * BETWEEN..(round + 1) * BETWEEN);
        let before = kafka.count(&topic);
        let mut worker = setup.start();
        until("entries arrive", || kafka.count(&topic) > before);
        // In turns with entries on their way, and with all acknowledged: these must not come again.
        if round % 2 == 1 || round == KILLS {
            until("all is read and acknowledged", || is_all_acknowledged(&redis));
        }
        worker.kill();
    }
    let number = |value: &Value| value["body"]["n"].as_str().unwrap().parse::<u32>().unwrap();
    let records = kafka.read(&topic);
    let arrived: BTreeSet<u32> =
        records.iter().map(|record| number(&serde_json::from_str(&record.text().unwrap()).unwrap())).collect();
    let missing: Vec<u32> = (0..(KILLS + 1) * BETWEEN).filter(|number| !arrived.contains(number)).collect();
    assert!(missing.is_empty(), "{missing:?}");
    // Two rounds ended with entries that Kafka had and Redis did not know of.
    let most = (KILLS + 1 + 2) * BETWEEN;
    assert!(records.len() <= most as usize, "{} records for {} entries", records.len(), arrived.len());
}
