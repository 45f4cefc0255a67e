//! Keys go to the partitions that Java's producer chooses.

use std::collections::BTreeMap;
use std::time::Duration;

use rdkafka::bindings as rd;

use super::EmbeddedBroker;
use super::producer::OutRecord;
use super::producer::tests::producer;

/// Key, number of partitions and partition, printed by Java (`tests/java/PartitionGolden.java`).
fn golden() -> Vec<(Vec<u8>, i32, i32)> {
    let number = |text: Option<&str>| text.and_then(|text| text.parse().ok()).expect("a number");
    include_str!("java-partitions.tsv")
        .lines()
        .map(|line| {
            let mut fields = line.split('\t');
            let hex = fields.next().expect("a key").as_bytes();
            let byte = |pair: &[u8]| {
                let digits = std::str::from_utf8(pair).expect("ASCII");
                u8::from_str_radix(digits, 16).expect("hex")
            };
            let key = hex.chunks(2).map(byte).collect();
            (key, number(fields.next()), number(fields.next()))
        })
        .collect()
}

#[test]
fn the_hash_is_that_of_java() {
    let cases = golden();
    assert!(cases.len() > 400);
    for (key, partitions, expected) in cases {
        // SAFETY: the function reads key and length only.
        let partition = unsafe {
            rd::rd_kafka_msg_partitioner_murmur2(
                std::ptr::null(),
                key.as_ptr().cast(),
                key.len(),
                partitions,
                std::ptr::null_mut(),
                std::ptr::null_mut(),
            )
        };
        assert_eq!(partition, expected, "{key:?} of {partitions}");
    }
}

#[test]
fn our_producer_uses_it_by_default() {
    const PARTITIONS: i32 = 12;
    let broker = EmbeddedBroker::start().expect("starts");
    broker.create_topic("t", PARTITIONS).expect("new");
    let producer = producer(broker.bootstrap_servers(), &[]);
    let topic = producer.topic("t").expect("valid name");
    let cases: Vec<_> = golden().into_iter().filter(|(_, partitions, _)| *partitions == PARTITIONS).collect();
    for (number, (key, _, _)) in cases.iter().enumerate() {
        producer
            .send(&OutRecord {
                topic: &topic,
                partition: None,
                key: Some(key),
                value: None,
                headers: &[],
                timestamp: None,
                opaque: number as u64,
            })
            .expect("room");
    }
    let mut placed = BTreeMap::new();
    producer
        .flush(Duration::from_secs(20), &mut |report| {
            let (partition, _) = report.result.expect("delivered");
            placed.insert(report.opaque, partition);
        })
        .expect("delivered");
    for (number, (key, _, expected)) in cases.iter().enumerate() {
        assert_eq!(placed[&(number as u64)], *expected, "{key:?}");
    }
}
