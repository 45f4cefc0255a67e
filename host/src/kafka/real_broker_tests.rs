//! Tests against a real Kafka; `FERROCONNECT_TEST_BROKERS` says where it is, without it they are
//! skipped (`scripts/dev-kafka.sh up` starts one). Clients with TLS or a login are tested with the
//! properties files of Java clients that `FERROCONNECT_TEST_CLIENTS` names, separated by colons.

use std::collections::{BTreeMap, HashSet};
use std::time::{Duration, Instant, SystemTime};

use super::admin::tests::admin;
use super::admin::{Admin, Created, NewTopic};
use super::client_config::defaults::worker_admin_defaults;
use super::client_config::{ClientSettings, Layer, Role};
use super::consumer::tests::consumer;
use super::consumer::{BatchConsumer, NoHandler};
use super::producer::OutRecord;
use super::producer::tests::producer;
use super::{TopicPartition, TopicPartitionOffset};

const PATIENCE: Duration = Duration::from_secs(30);
const STEP: Duration = Duration::from_millis(100);

/// The brokers, or none when there is no real Kafka.
fn brokers() -> Option<String> {
    let brokers = std::env::var("FERROCONNECT_TEST_BROKERS").ok();
    if brokers.is_none() {
        eprintln!("skipped: FERROCONNECT_TEST_BROKERS is not set");
    }
    brokers
}

/// A name that no earlier run used.
fn unique(name: &str) -> String {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970");
    format!("{name}-{}-{}", std::process::id(), now.as_nanos())
}

fn create(admin: &Admin, name: &str, partitions: i32) {
    let topic = NewTopic {
        name: name.to_owned(),
        partitions: Some(partitions),
        replication_factor: Some(1),
        configs: vec![("cleanup.policy".to_owned(), "compact".to_owned())],
    };
    let results = admin.create_topics(std::slice::from_ref(&topic), PATIENCE).expect("answers");
    assert_eq!(results, [Ok(Created::New)]);
    let results = admin.create_topics(&[topic], PATIENCE).expect("answers");
    assert_eq!(results, [Ok(Created::Existed)]);
    let start = Instant::now();
    while admin.topic(name, PATIENCE).expect("answers").is_none() {
        assert!(start.elapsed() < PATIENCE, "the topic does not appear");
    }
}

fn produce(bootstrap: &str, topic: &str, count: u64, options: &[(&str, &str)]) {
    let producer = producer(bootstrap, options);
    let topic = producer.topic(topic).expect("valid name");
    let mut delivered = HashSet::new();
    for number in 0..count {
        let key = number.to_string();
        producer
            .send(&OutRecord {
                topic: &topic,
                partition: None,
                key: Some(key.as_bytes()),
                value: Some(b"value"),
                headers: &[],
                timestamp: None,
                opaque: number,
            })
            .expect("room");
    }
    producer
        .flush(PATIENCE, &mut |report| {
            report.result.expect("delivered");
            assert!(delivered.insert(report.opaque), "reported once");
        })
        .expect("delivered");
    assert_eq!(delivered.len() as u64, count);
}

/// Consumes `count` records and gives the offset behind the last one of each partition.
fn consume(consumer: &BatchConsumer, topic: &str, count: usize) -> Vec<TopicPartitionOffset> {
    let start = Instant::now();
    let mut seen = 0;
    let mut ends: Vec<TopicPartitionOffset> = Vec::new();
    while seen < count {
        assert!(start.elapsed() < PATIENCE, "{seen} of {count} records came");
        let batch = consumer.consume_batch(2000, STEP, &mut NoHandler).expect("alive");
        assert_eq!(batch.errors(), []);
        seen += batch.len();
        for message in batch.iter() {
            let partition = TopicPartition::new(topic, message.partition());
            let next = message.offset() + 1;
            match ends.iter_mut().find(|end| end.partition == partition) {
                Some(end) => end.offset = next,
                None => ends.push(partition.at(next)),
            }
        }
    }
    ends.sort_by(|a, b| a.partition.cmp(&b.partition));
    ends
}

#[test]
fn topics_records_and_group_offsets_on_a_real_kafka() {
    let Some(bootstrap) = brokers() else { return };
    let admin = admin(&bootstrap);
    let topic = unique("clients");
    let group = format!("connect-{topic}");
    create(&admin, &topic, 3);
    let config = admin.topic_config(&topic, PATIENCE).expect("described");
    let policy = config.iter().find(|entry| entry.name == "cleanup.policy");
    let policy = policy.expect("every topic has one");
    assert_eq!((policy.value.as_deref(), policy.is_default), (Some("compact"), false));
    assert_eq!(admin.group_offsets(&group, PATIENCE).expect("answers"), []);

    produce(&bootstrap, &topic, 10_000, &[("compression.type", "zstd")]);
    let consumer = consumer(&bootstrap, &topic, &[]);
    consumer.subscribe_topics(&[&topic]).expect("valid name");
    let ends = consume(&consumer, &topic, 10_000);
    assert_eq!(ends.iter().map(|end| end.offset).sum::<i64>(), 10_000);
    consumer.commit_sync(&ends, PATIENCE).expect("committed");
    let refused = admin.delete_group(&group, PATIENCE).expect_err("has a member");
    assert_eq!(refused.name(), "NON_EMPTY_GROUP");
    consumer.close(&mut NoHandler);

    let mut offsets = admin.group_offsets(&group, PATIENCE).expect("answers");
    offsets.sort_by(|a, b| a.partition.cmp(&b.partition));
    assert_eq!(offsets, ends);
    let moved = ends[0].partition.at(1);
    admin.alter_group_offsets(&group, std::slice::from_ref(&moved), PATIENCE).expect("no members");
    admin.delete_group_offsets(&group, &[ends[1].partition.clone()], PATIENCE).expect("no members");
    let mut offsets = admin.group_offsets(&group, PATIENCE).expect("answers");
    offsets.sort_by(|a, b| a.partition.cmp(&b.partition));
    assert_eq!(offsets, [moved, ends[2].clone()]);
    admin.delete_group(&group, PATIENCE).expect("no members");
    admin.delete_group(&group, PATIENCE).expect("gone is gone");
    assert_eq!(admin.group_offsets(&group, PATIENCE).expect("answers"), []);
}

#[test]
fn aborted_transactions_are_not_read_on_a_real_kafka() {
    let Some(bootstrap) = brokers() else { return };
    let topic = unique("transactions");
    create(&admin(&bootstrap), &topic, 1);
    let producer = producer(&bootstrap, &[("transactional.id", &topic)]);
    let handle = producer.topic(&topic).expect("valid name");
    let send = |value: &[u8]| {
        let record = OutRecord {
            topic: &handle,
            partition: None,
            key: Some(value),
            value: Some(value),
            headers: &[("h", Some(b"1"))],
            timestamp: Some(1_000),
            opaque: 0,
        };
        producer.send(&record).expect("room");
    };
    producer.init_transactions(PATIENCE).expect("registered");
    for (value, keep) in [("a", true), ("b", false), ("c", true)] {
        producer.begin_transaction().expect("begins");
        send(value.as_bytes());
        producer.flush(PATIENCE, &mut |_| {}).expect("delivered");
        if keep {
            producer.commit_transaction(PATIENCE, &mut |_| {}).expect("committed");
        } else {
            producer.abort_transaction(PATIENCE, &mut |_| {}).expect("aborted");
        }
    }
    let consumer = consumer(&bootstrap, &topic, &[("isolation.level", "read_committed")]);
    consumer.subscribe_topics(&[&topic]).expect("valid name");
    let start = Instant::now();
    let mut values = Vec::new();
    while values.len() < 2 {
        assert!(start.elapsed() < PATIENCE, "{values:?}");
        let batch = consumer.consume_batch(10, STEP, &mut NoHandler).expect("alive");
        values.extend(batch.iter().filter_map(|message| message.value().map(<[u8]>::to_vec)));
    }
    assert_eq!(values, [b"a", b"c"]);

    // The same transactional id elsewhere fences this producer.
    let other = super::producer::tests::producer(&bootstrap, &[("transactional.id", &topic)]);
    other.init_transactions(PATIENCE).expect("registered");
    producer.begin_transaction().expect("does not ask the broker");
    send(b"d");
    let error = producer.commit_transaction(PATIENCE, &mut |_| {}).expect_err("fenced");
    assert!(error.is_fatal(), "{error}");
    assert!(producer.fatal_error().is_some());
}

/// The properties of a Java client's file, one on each line. `# refused: TEXT` in the first line
/// says that the broker is to refuse the client with these words.
fn client_file(path: &str) -> (BTreeMap<String, String>, Option<String>) {
    let text = std::fs::read_to_string(path).expect("the file is there");
    let refusal = text.lines().next().and_then(|line| line.strip_prefix("# refused: "));
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let pairs = lines.filter_map(|line| line.split_once('='));
    let properties = pairs.map(|(key, value)| (key.to_owned(), value.to_owned()));
    (properties.collect(), refusal.map(str::to_owned))
}

#[test]
fn clients_with_tls_and_logins_reach_a_real_kafka() {
    let Ok(files) = std::env::var("FERROCONNECT_TEST_CLIENTS") else {
        eprintln!("skipped: FERROCONNECT_TEST_CLIENTS is not set");
        return;
    };
    for file in files.split(':') {
        let (properties, refusal) = client_file(file);
        let defaults = worker_admin_defaults("test-login");
        let settings = ClientSettings::resolve(Role::Admin, &defaults, &[Layer::new("", &properties)]).expect(file);
        let admin = Admin::new(&settings).expect(file);
        let patience = if refusal.is_some() { Duration::from_secs(5) } else { PATIENCE };
        match (admin.brokers(patience), refusal) {
            (Ok(brokers), None) => assert_eq!(brokers.len(), 1, "{file}"),
            (Err(error), Some(refusal)) => assert!(error.text().contains(&refusal), "{file}: {error}"),
            (result, refusal) => panic!("{file}: {result:?}, expected refusal: {refusal:?}"),
        }
    }
}
