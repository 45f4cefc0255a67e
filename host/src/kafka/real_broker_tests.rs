//! Tests against a real Kafka; `FERROCONNECT_TEST_BROKERS` says where it is, without it they are
//! skipped (`scripts/dev-kafka.sh up` starts one). Clients with TLS or a login are tested with the
//! properties files of Java clients that `FERROCONNECT_TEST_CLIENTS` names, separated by colons.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use super::admin::tests::admin;
use super::admin::{Admin, Created, NewTopic};
use super::client_config::defaults::worker_admin_defaults;
use super::client_config::{ClientSettings, Layer, Role};
use super::consumer::tests::consumer;
use super::consumer::{AssignedPartition, BatchConsumer, MessageBatch, NoHandler, RebalanceHandler};
use super::producer::tests::producer;
use super::producer::{OutRecord, SendError};
use super::{KafkaError, TopicPartition, TopicPartitionOffset};

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

/// Without `connect` nearly all would take half a second and more.
#[test]
fn first_records_go_out_at_once_on_a_real_kafka() {
    let Some(bootstrap) = brokers() else { return };
    let name = unique("first");
    let admin = admin(&bootstrap);
    create(&admin, &name, 1);
    let mut times: Vec<Duration> = (0..9)
        .map(|_| {
            let start = Instant::now();
            let producer = producer(&bootstrap, &[]);
            producer.connect(PATIENCE);
            let topic = producer.topic(&name).expect("valid name");
            let record = OutRecord {
                topic: &topic,
                partition: None,
                key: Some(b"key"),
                value: Some(b"first"),
                headers: &[],
                timestamp: None,
                opaque: 0,
            };
            producer.send(&record).expect("room");
            while producer.reports(STEP, &mut |report| assert!(report.result.is_ok(), "{report:?}")) == 0 {
                assert!(start.elapsed() < PATIENCE, "no report");
            }
            start.elapsed()
        })
        .collect();
    times.sort_unstable();
    assert!(times[4] < Duration::from_millis(450), "{times:?}");
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

/// How often each record, by partition and offset, was read by any member.
type Seen = Mutex<HashMap<(i32, i64), usize>>;

/// Reads on from where each partition stands, and commits that when the partition goes.
#[derive(Default)]
struct Member {
    next: HashMap<TopicPartition, i64>,
    failed_commits: Vec<KafkaError>,
}

impl Member {
    fn count(&mut self, batch: &MessageBatch, seen: &Seen) {
        let mut seen = seen.lock().expect("no member panicked");
        for message in batch.iter() {
            let partition = TopicPartition::new(Arc::clone(message.topic()), message.partition());
            let next = self.next.get(&partition);
            let next = next.unwrap_or_else(|| panic!("{partition} is not assigned"));
            assert!(*next <= message.offset(), "{partition} goes back to {}", message.offset());
            self.next.insert(partition, message.offset() + 1);
            *seen.entry((message.partition(), message.offset())).or_default() += 1;
        }
    }

    /// Reads until this many records were seen.
    fn run(consumer: &BatchConsumer, seen: &Seen, until: usize) -> Vec<KafkaError> {
        let mut member = Self::default();
        let start = Instant::now();
        while seen.lock().expect("no member panicked").len() < until {
            assert!(start.elapsed() < 2 * PATIENCE, "waited in vain");
            let batch = consumer.consume_batch(500, STEP, &mut member).expect("alive");
            member.count(&batch, seen);
        }
        consumer.close(&mut member);
        member.failed_commits
    }
}

impl RebalanceHandler for Member {
    fn assigned(&mut self, _: &BatchConsumer, partitions: &mut [AssignedPartition]) {
        self.next.extend(partitions.iter().map(|assigned| (assigned.partition.clone(), 0)));
    }

    fn revoked(&mut self, consumer: &BatchConsumer, partitions: &[TopicPartition]) {
        let gone = partitions.iter().filter_map(|partition| self.next.remove_entry(partition));
        let offsets: Vec<_> = gone.filter(|(_, next)| *next > 0).map(|(partition, next)| partition.at(next)).collect();
        self.failed_commits.extend(consumer.commit_sync(&offsets, PATIENCE).err());
    }

    fn lost(&mut self, _: &BatchConsumer, partitions: &[TopicPartition]) {
        panic!("lost {partitions:?}");
    }
}

/// Members come and go while records are read; with a commit at each revocation every record is
/// read once. A cooperative member owns partitions while it joins again; a commit that is on its
/// way then may come too late, and only such records may be read twice.
fn every_record_is_read_once(bootstrap: &str, topic: &str, partitions: i32, strategy: &str) {
    const RECORDS: u64 = 40_000;
    let producer = producer(bootstrap, &[]);
    let handle = producer.topic(topic).expect("valid name");
    let options = [("partition.assignment.strategy", strategy), ("max.partition.fetch.bytes", "2000")];
    let group = format!("{topic}-{strategy}");
    let seen = Seen::default();
    let member = |until: u64| {
        let consumer = consumer(bootstrap, &group, &options);
        consumer.subscribe_topics(&[topic]).expect("valid name");
        Member::run(&consumer, &seen, until as usize)
    };
    let failed_commits = std::thread::scope(|scope| {
        let long = scope.spawn(|| member(RECORDS));
        let short = scope.spawn(|| member(RECORDS / 2));
        for number in 0..RECORDS {
            let record = OutRecord {
                topic: &handle,
                partition: Some((number % partitions as u64) as i32),
                key: Some(b"k"),
                value: Some(b"some bytes of a value"),
                headers: &[],
                timestamp: None,
                opaque: number,
            };
            while producer.send(&record) == Err(SendError::QueueFull) {
                producer.reports(STEP, &mut |_| {});
            }
        }
        producer.flush(PATIENCE, &mut |report| assert_eq!(report.result.err(), None)).expect("delivered");
        [long.join().expect("reads"), short.join().expect("reads")].concat()
    });
    assert!(failed_commits.is_empty() || strategy == "cooperative-sticky", "{failed_commits:?}");
    let seen = seen.into_inner().expect("no member panicked");
    let twice: Vec<_> = seen.iter().filter(|(_, times)| **times > 1).collect();
    assert!(twice.is_empty() || !failed_commits.is_empty(), "{strategy}: read twice: {twice:?}");
}

#[test]
fn members_come_and_go_on_a_real_kafka() {
    let Some(bootstrap) = brokers() else { return };
    for strategy in ["range", "cooperative-sticky"] {
        let topic = unique(strategy);
        create(&admin(&bootstrap), &topic, 4);
        every_record_is_read_once(&bootstrap, &topic, 4, strategy);
    }
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
