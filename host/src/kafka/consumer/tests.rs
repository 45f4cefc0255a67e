use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::*;
use crate::kafka::EmbeddedBroker;
use crate::kafka::client_config::{Layer, Role, defaults};
use crate::kafka::producer::{OutRecord, Producer};

const PATIENCE: Duration = Duration::from_secs(20);
const STEP: Duration = Duration::from_millis(50);

pub(crate) fn consumer(bootstrap: &str, name: &str, more: &[(&str, &str)]) -> BatchConsumer {
    let mut user = BTreeMap::from([
        ("bootstrap.servers".to_owned(), bootstrap.to_owned()),
        ("session.timeout.ms".to_owned(), "6000".to_owned()),
        ("heartbeat.interval.ms".to_owned(), "500".to_owned()),
    ]);
    user.extend(more.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())));
    let defaults = defaults::sink_consumer_defaults(name, 0);
    let settings =
        ClientSettings::resolve(Role::Consumer, &defaults, &[Layer::new("", &user)]).expect("valid settings");
    BatchConsumer::new(&settings).expect("settings fit together")
}

fn producer(bootstrap: &str) -> Producer {
    crate::kafka::producer::tests::producer(bootstrap, &[])
}

/// Sends values 0..count to partition 0.
fn produce(producer: &Producer, topic: &str, count: u64) {
    let topic = producer.topic(topic).expect("valid name");
    for number in 0..count {
        let value = number.to_string();
        producer
            .send(&OutRecord {
                topic: &topic,
                partition: Some(0),
                key: None,
                value: Some(value.as_bytes()),
                headers: &[],
                timestamp: None,
                opaque: number,
            })
            .expect("room");
    }
    producer.flush(PATIENCE, &mut |_| {}).expect("delivered");
}

/// Writes down what it is told.
#[derive(Default)]
struct Diary {
    assigned: Vec<AssignedPartition>,
    revoked: Vec<TopicPartition>,
    commits: Vec<(u64, Result<(), KafkaError>)>,
    commit_at_revoke: Vec<TopicPartitionOffset>,
    start: Option<i64>,
}

impl RebalanceHandler for Diary {
    fn assigned(&mut self, _: &BatchConsumer, partitions: &mut [AssignedPartition]) {
        if let Some(start) = self.start {
            for partition in partitions.iter_mut() {
                partition.start = StartOffset::At(start);
            }
        }
        self.assigned.extend_from_slice(partitions);
    }

    fn revoked(&mut self, consumer: &BatchConsumer, partitions: &[TopicPartition]) {
        consumer.commit_sync(&self.commit_at_revoke, PATIENCE).expect("still ours");
        self.revoked.extend_from_slice(partitions);
    }

    fn lost(&mut self, _: &BatchConsumer, _: &[TopicPartition]) {}

    fn committed(&mut self, _: &BatchConsumer, token: u64, _: &[TopicPartitionOffset], result: Result<(), KafkaError>) {
        self.commits.push((token, result));
    }
}

/// Consumes until `done`, and gives the records' values.
fn consume_until(consumer: &BatchConsumer, diary: &mut Diary, done: impl Fn(&Diary, &[String]) -> bool) -> Vec<String> {
    let start = Instant::now();
    let mut values = Vec::new();
    while !done(diary, &values) {
        assert!(start.elapsed() < PATIENCE, "waited in vain: {values:?}");
        let batch = consumer.consume_batch(100, STEP, diary).expect("alive");
        for message in batch.iter() {
            let value = message.value().expect("has a value");
            values.push(String::from_utf8_lossy(value).into_owned());
        }
    }
    values
}

fn numbers(range: std::ops::Range<u64>) -> Vec<String> {
    range.map(|number| number.to_string()).collect()
}

#[test]
fn records_come_in_order_and_go_on_behind_the_commit_made_at_revocation() {
    let broker = EmbeddedBroker::start().expect("starts");
    broker.create_topic("t", 1).expect("new");
    produce(&producer(broker.bootstrap_servers()), "t", 500);
    let partition = TopicPartition::new("t", 0);

    let first = consumer(broker.bootstrap_servers(), "order", &[]);
    first.subscribe_topics(&["t"]).expect("valid names");
    let mut diary = Diary::default();
    let values = consume_until(&first, &mut diary, |_, values| values.len() >= 300);
    assert_eq!(values, numbers(0..values.len() as u64));
    assert_eq!(diary.assigned.len(), 1);
    assert_eq!(first.assignment().expect("open"), std::slice::from_ref(&partition));
    let position = first.position(std::slice::from_ref(&partition)).expect("assigned");
    assert_eq!(position, [(partition.clone(), Some(values.len() as i64))]);
    diary.commit_at_revoke = vec![partition.at(300)];
    first.close(&mut diary);
    assert_eq!(diary.revoked, std::slice::from_ref(&partition));
    drop(first);

    let second = consumer(broker.bootstrap_servers(), "order", &[]);
    second.subscribe_topics(&["t"]).expect("valid names");
    let mut diary = Diary::default();
    let values = consume_until(&second, &mut diary, |_, values| values.len() >= 200);
    assert_eq!(values, numbers(300..500));
    let committed = second.committed(std::slice::from_ref(&partition), PATIENCE);
    assert_eq!(committed.expect("answers"), [(partition, Some(300))]);
}

#[test]
fn asynchronous_commits_are_answered_through_the_handler() {
    let broker = EmbeddedBroker::start().expect("starts");
    broker.create_topic("t", 1).expect("new");
    produce(&producer(broker.bootstrap_servers()), "t", 10);
    let consumer = consumer(broker.bootstrap_servers(), "async", &[]);
    consumer.subscribe_topics(&["t"]).expect("valid names");
    let mut diary = Diary::default();
    consume_until(&consumer, &mut diary, |_, values| values.len() == 10);
    let partition = TopicPartition::new("t", 0);
    consumer.commit_async(vec![partition.at(7)], 42).expect("accepted");
    consume_until(&consumer, &mut diary, |diary, _| !diary.commits.is_empty());
    assert_eq!(diary.commits, [(42, Ok(()))]);
    let committed = consumer.committed(std::slice::from_ref(&partition), PATIENCE);
    assert_eq!(committed.expect("answers"), [(partition, Some(7))]);
}

#[test]
fn handlers_choose_the_start_and_seek_goes_back() {
    let broker = EmbeddedBroker::start().expect("starts");
    broker.create_topic("t", 1).expect("new");
    produce(&producer(broker.bootstrap_servers()), "t", 20);
    let consumer = consumer(broker.bootstrap_servers(), "seek", &[]);
    consumer.subscribe_topics(&["t"]).expect("valid names");
    let mut diary = Diary { start: Some(15), ..Diary::default() };
    let values = consume_until(&consumer, &mut diary, |_, values| values.len() >= 5);
    assert_eq!(values, numbers(15..20));
    let partition = TopicPartition::new("t", 0);
    consumer.seek(&[partition.at(18)], PATIENCE).expect("assigned");
    let values = consume_until(&consumer, &mut diary, |_, values| values.len() >= 2);
    assert_eq!(values, numbers(18..20));
    assert_eq!(consumer.watermarks(&partition), Some((0, 20)));
    assert_eq!(consumer.lag(&partition), Some(0));
}

#[test]
fn paused_partitions_give_nothing_until_resumed() {
    let broker = EmbeddedBroker::start().expect("starts");
    broker.create_topic("t", 1).expect("new");
    let producer = producer(broker.bootstrap_servers());
    produce(&producer, "t", 5);
    let consumer = consumer(broker.bootstrap_servers(), "pause", &[]);
    consumer.subscribe_topics(&["t"]).expect("valid names");
    let mut diary = Diary::default();
    consume_until(&consumer, &mut diary, |_, values| values.len() == 5);
    let partition = [TopicPartition::new("t", 0)];
    consumer.pause(&partition).expect("assigned");
    produce(&producer, "t", 5);
    for _ in 0..5 {
        let batch = consumer.consume_batch(10, STEP, &mut diary).expect("alive");
        assert!(batch.is_empty());
    }
    consumer.resume(&partition).expect("assigned");
    let values = consume_until(&consumer, &mut diary, |_, values| values.len() >= 5);
    assert_eq!(values, numbers(0..5));
}

#[test]
fn nulls_empties_headers_and_timestamps_come_through() {
    let broker = EmbeddedBroker::start().expect("starts");
    broker.create_topic("t", 1).expect("new");
    let producer = producer(broker.bootstrap_servers());
    let topic = producer.topic("t").expect("valid name");
    let empty: Option<&[u8]> = Some(&[]);
    let headers = [("a", Some(&b"1"[..])), ("a", None), ("ü", empty)];
    let record = OutRecord {
        topic: &topic,
        partition: None,
        key: None,
        value: None,
        headers: &headers,
        timestamp: Some(1_234),
        opaque: 0,
    };
    producer.send(&record).expect("room");
    let plain = OutRecord { key: empty, value: empty, headers: &[], timestamp: None, ..record };
    producer.send(&plain).expect("room");
    producer.flush(PATIENCE, &mut |_| {}).expect("delivered");

    let consumer = consumer(broker.bootstrap_servers(), "bytes", &[]);
    consumer.subscribe_topics(&["t"]).expect("valid names");
    let mut batches = Vec::new();
    let start = Instant::now();
    while batches.iter().map(MessageBatch::len).sum::<usize>() < 2 {
        assert!(start.elapsed() < PATIENCE);
        batches.push(consumer.consume_batch(10, STEP, &mut NoHandler).expect("alive"));
    }
    // Batches outlive their consumer and move between threads.
    drop(consumer);
    std::thread::spawn(move || {
        let messages: Vec<_> = batches.iter().flat_map(MessageBatch::iter).collect();
        let [first, second] = messages[..] else {
            panic!("two records");
        };
        assert_eq!((first.key(), first.value()), (None, None));
        assert_eq!(first.timestamp(), Timestamp::Create(1_234));
        assert_eq!(first.headers().collect::<Vec<_>>(), headers.map(|(n, v)| (n.into(), v)));
        assert_eq!((second.key(), second.value()), (empty, empty));
        assert_eq!(second.headers().len(), 0);
        assert_eq!((&**second.topic(), second.partition(), second.offset()), ("t", 0, 1));
        assert!(matches!(second.timestamp(), Timestamp::Create(1_600_000_000_000..)));
    })
    .join()
    .expect("as sent");
}

#[test]
fn patterns_find_topics_that_come_later() {
    let broker = EmbeddedBroker::start().expect("starts");
    broker.create_topic("orders-eu", 1).expect("new");
    broker.create_topic("my-orders-eu", 1).expect("new");
    let interval = [("metadata.max.age.ms", "200")];
    let consumer = consumer(broker.bootstrap_servers(), "pattern", &interval);
    consumer.subscribe_pattern("orders-[a-z]+").expect("valid");
    let mut diary = Diary::default();
    consume_until(&consumer, &mut diary, |diary, _| !diary.assigned.is_empty());
    assert_eq!(diary.assigned[0].partition, TopicPartition::new("orders-eu", 0));
    broker.create_topic("orders-us", 1).expect("new");
    consume_until(&consumer, &mut diary, |_, _| consumer.assignment().is_ok_and(|all| all.len() == 2));
}

#[test]
fn missing_topics_are_reported() {
    let broker = EmbeddedBroker::start().expect("starts");
    let options = [("allow.auto.create.topics", "false")];
    let consumer = consumer(broker.bootstrap_servers(), "missing", &options);
    consumer.subscribe_topics(&["nowhere"]).expect("valid names");
    let start = Instant::now();
    let error = loop {
        assert!(start.elapsed() < PATIENCE);
        let batch = consumer.consume_batch(10, STEP, &mut NoHandler).expect("alive");
        if let Some(error) = batch.errors().first() {
            break error.clone();
        }
    };
    assert_eq!(error.topic.as_deref(), Some("nowhere"));
    assert_eq!(error.error.name(), "UNKNOWN_TOPIC_OR_PART");
}

#[test]
fn panics_of_handlers_come_out_of_the_call() {
    struct Panics;
    impl RebalanceHandler for Panics {
        fn assigned(&mut self, _: &BatchConsumer, _: &mut [AssignedPartition]) {
            panic!("handler is broken");
        }
        fn revoked(&mut self, _: &BatchConsumer, _: &[TopicPartition]) {}
        fn lost(&mut self, _: &BatchConsumer, _: &[TopicPartition]) {}
    }
    let broker = EmbeddedBroker::start().expect("starts");
    broker.create_topic("t", 1).expect("new");
    let consumer = consumer(broker.bootstrap_servers(), "panic", &[]);
    consumer.subscribe_topics(&["t"]).expect("valid names");
    let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let start = Instant::now();
        while start.elapsed() < PATIENCE {
            consumer.consume_batch(1, STEP, &mut Panics).expect("alive");
        }
    }));
    let panic = result.expect_err("goes on");
    assert_eq!(panic.downcast_ref(), Some(&"handler is broken"));
}
