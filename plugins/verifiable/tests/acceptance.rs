//! The checks that every connector passes, and what these connectors are for.
#![allow(clippy::unwrap_used, reason = "tests")]

use ferroconnect_plugin_sdk::testkit::{self, PATIENCE, SinkHarness, SourceHarness, acceptance};
use ferroconnect_plugin_sdk::{Data, MapEntry, Outcome, SchemaBuilder, SchemaType, ValueRef, offset_map};
use std::time::{Duration, Instant};

#[test]
fn sources_pass() {
    let library = testkit::library!(ferroconnect_verifiable);
    let common = [("topic", "t"), ("name", "v"), ("throughput", "1000"), ("num.messages", "10")];
    for class in ["VerifiableSource", "SchemaSource"] {
        acceptance::source(&library, class, common, || {});
    }
}

#[test]
fn the_verifiable_source_goes_on_behind_the_stored_number() {
    let library = testkit::library!(ferroconnect_verifiable);
    let mut source =
        SourceHarness::new(&library, "VerifiableSource", [("topic", "t"), ("name", "v"), ("throughput", "1000")])
            .tasks_max(2);
    source.start().unwrap();
    assert_eq!(source.tasks(), 2);
    let reads = source.poll_until(5).unwrap();
    let record = &reads[4].record;
    assert_eq!((record.key.value.as_integer(), record.value.value.as_integer()), (Some(0), Some(4)));
    assert_eq!(record.key.schema.get().unwrap().kind, SchemaType::INT32);
    assert_eq!(reads[4].partition, Some(offset_map([("id", 0i32.into())])));
    source.commit_first(3).unwrap();
    source.restart().unwrap();
    assert_eq!(source.poll_until(1).unwrap()[0].record.value.value.as_integer(), Some(3));
    source.deliver(0, 1, Outcome::REFUSED).unwrap();
}

#[test]
fn complete_records_are_structs() {
    let library = testkit::library!(ferroconnect_verifiable);
    let config = [("topic", "t"), ("name", "v"), ("complete.record.data", "true"), ("throughput", "1000")];
    let mut source = SourceHarness::new(&library, "VerifiableSource", config);
    source.start().unwrap();
    let reads = source.poll_until(1).unwrap();
    let ValueRef::Struct(value) = reads[0].record.value.value.view() else { panic!("{:?}", reads[0].record) };
    assert_eq!(value.get("name").unwrap().as_text().unwrap().as_str(), "v");
    assert_eq!(value.get("seqno").unwrap().as_integer(), Some(0));
}

#[test]
fn the_verifiable_sink_takes_any_record() {
    let library = testkit::library!(ferroconnect_verifiable);
    let mut sink = SinkHarness::new(&library, "VerifiableSink", [("name", "v")]);
    sink.start().unwrap();
    sink.open("t", 0).unwrap();
    let map = ferroconnect_plugin_sdk::Value::map(vec![MapEntry { key: "k".into(), value: 1i32.into() }]);
    let values = vec![Data::new(SchemaBuilder::int64().build(), 7i64), Data::NULL, Data::schemaless(map)];
    sink.put_values("t", 0, values).unwrap();
    assert_eq!(sink.pre_commit().unwrap(), sink.positions());
    sink.close("t", 0).unwrap();
}

#[test]
fn mocks_fail_when_told_to() {
    let library = testkit::library!(ferroconnect_verifiable);
    let config = [("mock_mode", "task-failure"), ("delay_ms", "50")];
    let mut source = SourceHarness::new(&library, "MockSource", config);
    source.start().unwrap();
    let began = Instant::now();
    let error = loop {
        match source.poll() {
            Ok(reads) => assert!(reads.is_empty() && began.elapsed() < PATIENCE),
            Err(error) => break error,
        }
    };
    assert!(began.elapsed() >= Duration::from_millis(50));
    assert_eq!(error.message(), "This task fails because mock_mode says so");

    let mut sink = SinkHarness::new(&library, "MockSink", [("mock_mode", "connector-failure"), ("delay_ms", "1")]);
    sink.start().unwrap();
    let began = Instant::now();
    while sink.raised().is_ok() {
        assert!(began.elapsed() < PATIENCE);
        std::thread::yield_now();
    }
    sink.stop().unwrap();
}

#[test]
fn a_mock_that_waits_to_fail_can_be_stopped() {
    let library = testkit::library!(ferroconnect_verifiable);
    let mut source = SourceHarness::new(&library, "MockSource", [("mock_mode", "connector-failure")]);
    source.start().unwrap();
    let began = Instant::now();
    source.stop().unwrap();
    assert!(began.elapsed() < PATIENCE);
    assert!(source.raised().is_ok());
}
