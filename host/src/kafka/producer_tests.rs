use std::collections::BTreeMap;
use std::time::Duration;

use super::*;
use crate::kafka::EmbeddedBroker;
use crate::kafka::client_config::{Layer, Role, defaults};

const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) fn producer(bootstrap: &str, more: &[(&str, &str)]) -> Producer {
    let mut user = BTreeMap::from([("bootstrap.servers".to_owned(), bootstrap.to_owned())]);
    user.extend(more.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())));
    let defaults = defaults::source_producer_defaults("test", 0);
    let settings =
        ClientSettings::resolve(Role::Producer, &defaults, &[Layer::new("", &user)]).expect("valid settings");
    Producer::new(&settings).expect("settings fit together")
}

fn record(topic: &Topic, opaque: u64) -> OutRecord<'_> {
    OutRecord { topic, partition: None, key: None, value: Some(b"value"), headers: &[], timestamp: None, opaque }
}

#[test]
fn every_record_is_reported_once_with_its_offset() {
    let broker = EmbeddedBroker::start().expect("starts");
    broker.create_topic("t", 1).expect("new");
    let producer = producer(broker.bootstrap_servers(), &[]);
    let topic = producer.topic("t").expect("valid name");
    for opaque in 0..1000 {
        producer.send(&record(&topic, opaque)).expect("room");
    }
    assert!(producer.in_flight() > 0);
    let mut reports = Vec::new();
    producer.flush(PATIENCE, &mut |report| reports.push(report)).expect("delivered");
    let opaques: Vec<u64> = reports.iter().map(|report| report.opaque).collect();
    assert_eq!(opaques, (0..1000).collect::<Vec<_>>(), "in order");
    for (offset, report) in reports.iter().enumerate() {
        assert_eq!(report.result, Ok((0, offset as i64)));
    }
    assert_eq!(producer.in_flight(), 0);
    assert_eq!(producer.outbound_bytes(), 0);
}

#[test]
fn a_full_queue_is_told_apart_and_empties_again() {
    let broker = EmbeddedBroker::start().expect("starts");
    broker.create_topic("t", 1).expect("new");
    let producer =
        producer(broker.bootstrap_servers(), &[("queue.buffering.max.messages", "10"), ("linger.ms", "1000")]);
    let topic = producer.topic("t").expect("valid name");
    let mut taken = 0;
    let full = loop {
        match producer.send(&record(&topic, taken)) {
            Ok(()) => taken += 1,
            Err(error) => break error,
        }
    };
    assert_eq!(full, SendError::QueueFull);
    assert_eq!(producer.outbound_bytes(), taken * 5);
    producer.flush(PATIENCE, &mut |_| {}).expect("delivered");
    producer.send(&record(&topic, taken)).expect("room again");
    producer.flush(PATIENCE, &mut |_| {}).expect("delivered");
}

#[test]
fn a_record_that_is_too_large_is_refused_at_once() {
    let producer = producer("127.0.0.1:1", &[("max.request.size", "2000")]);
    let topic = producer.topic("t").expect("valid name");
    let value = vec![0; 3000];
    let mut large = record(&topic, 0);
    large.value = Some(&value);
    large.key = Some(b"key");
    large.headers = &[("h", None), ("name", Some(&[0; 70]))];
    let Err(SendError::Kafka(error)) = producer.send(&large) else {
        panic!("accepted");
    };
    assert_eq!(error.java_class(), "org.apache.kafka.common.errors.RecordTooLargeException");
    assert!(!error.is_retriable());
    let text = "topic 't': The message is 3169 bytes when serialized which is larger than 2000, which is the value of \
                the max.request.size configuration.";
    assert_eq!(error.text(), text);
}

#[test]
fn purged_records_are_reported_as_failed() {
    let producer = producer("127.0.0.1:1", &[]);
    let topic = producer.topic("t").expect("valid name");
    producer.send(&record(&topic, 7)).expect("room");
    let timeout = producer.flush(Duration::from_millis(50), &mut |_| {}).expect_err("no broker");
    assert!(timeout.is_timeout(), "{timeout}");
    producer.purge();
    let mut reports = Vec::new();
    producer.flush(PATIENCE, &mut |report| reports.push(report)).expect("nothing left");
    assert_eq!(reports.len(), 1);
    assert_eq!(reports[0].opaque, 7);
    assert!(!reports[0].is_delivered());
}

#[test]
fn transactions_commit_and_abort() {
    let broker = EmbeddedBroker::start().expect("starts");
    broker.create_topic("t", 1).expect("new");
    let producer = producer(broker.bootstrap_servers(), &[("transactional.id", "x")]);
    let topic = producer.topic("t").expect("valid name");
    producer.init_transactions(PATIENCE).expect("registered");
    producer.begin_transaction().expect("begins");
    producer.send(&record(&topic, 1)).expect("room");
    let mut delivered = 0;
    producer.commit_transaction(PATIENCE, &mut |r| delivered += usize::from(r.is_delivered())).expect("committed");
    assert_eq!(delivered, 1);
    producer.begin_transaction().expect("begins");
    producer.send(&record(&topic, 2)).expect("room");
    producer.abort_transaction(PATIENCE, &mut |_| {}).expect("aborted");
    producer.begin_transaction().expect("usable again");
}
