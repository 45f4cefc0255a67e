//! Stages of a library behind the pipeline's traits: batches go over and come back whole.

use ferroconnect_plugin_abi::record::{Coordinates, RawHeader, TimestampType};
use ferroconnect_plugin_abi::{Blob, Data, Header, Record, Text, Value};

use super::{fixture, load};
use crate::config::{PluginKind, Props};
use crate::error::{ErrorKind, Result};
use crate::stages::{Converter, Part, RawMessage};

fn converter(props: &Props) -> Box<dyn Converter> {
    let plugins = load(&[&fixture("misbehaving")]);
    let plugin = plugins.registry().find(PluginKind::Converter, "test.MisbehavingConverter", None).unwrap();
    plugin.converter(&props.clone().with("converter.type", "value")).unwrap()
}

fn records() -> Vec<Record> {
    let record = |text: &str| {
        let mut record = Record::new("t", Data::schemaless(text));
        record.key = Data::schemaless(7i64);
        record.headers.push(Header { key: "h".into(), data: Data::schemaless(text) });
        record
    };
    vec![record("one"), Record::new("t", Data::NULL), record("three")]
}

#[test]
fn a_batch_is_written_and_the_records_stay_whole() {
    let mut records = records();
    let before = records.clone();
    let mut results = Vec::new();
    converter(&Props::new()).from_connect_batch(Part::Value, &mut records, &mut results);
    let bytes: Vec<Option<Blob>> = results.into_iter().map(Result::unwrap).collect();
    assert_eq!(bytes, [Some(Blob::from_static(b"one")), None, Some(Blob::from_static(b"three"))]);
    assert_eq!(records, before);
}

#[test]
fn a_batch_that_fails_has_one_answer_per_record_and_the_records_stay_whole() {
    let mut records = records();
    let before = records.clone();
    let mut results = Vec::new();
    let mut converter = converter(&Props::from([("panic.in", "to_bytes"), ("after.calls", "1")]));
    converter.from_connect_batch(Part::Value, &mut records, &mut results);
    assert_eq!(results.len(), 3);
    assert!(results[2].is_err(), "{results:?}");
    assert_eq!(records, before);
}

#[test]
fn a_batch_is_read() {
    let message = |value: Option<&'static [u8]>| RawMessage {
        topic: Text::from("t"),
        partition: 0,
        offset: 0,
        timestamp: None,
        timestamp_type: TimestampType::NONE,
        key: None,
        value: value.map(Blob::from_static),
        headers: vec![RawHeader { key: "h".into(), value: Some(Blob::EMPTY).into() }],
        raw: Blob::EMPTY,
    };
    let mut results = Vec::new();
    let messages = [message(Some(b"one")), message(None)];
    converter(&Props::new()).to_connect_batch(Part::Value, &messages, &mut results);
    let values: Vec<Value> = results.into_iter().map(|data| data.unwrap().value).collect();
    assert_eq!(values, [Value::bytes(Blob::from_static(b"one")), Value::NULL]);
}

#[test]
fn a_record_that_a_transform_makes_anew_keeps_what_is_the_workers() {
    let plugins = load(&[&fixture("misbehaving")]);
    let plugin = plugins.registry().find(PluginKind::Transformation, "test.ForgetfulTransform", None).unwrap();
    let mut records = records();
    for (offset, record) in (5..).zip(&mut records) {
        record.origin = Coordinates { topic: "t".into(), partition: 1, offset };
        record.raw = Blob::from(vec![offset as u8; 12]);
        record.timestamp = Some(offset).into();
        record.timestamp_type = TimestampType::LOG_APPEND_TIME;
    }
    let before = records.clone();
    let mut kept = Vec::new();
    plugin.transform(&Props::new()).unwrap().apply_batch(&mut records, &mut kept);
    assert!(kept.into_iter().all(|kept| matches!(kept, Ok(true))));
    for (after, before) in records.iter().zip(&before) {
        assert_eq!(
            (&after.origin, &after.raw, after.timestamp_type),
            (&before.origin, &before.raw, before.timestamp_type)
        );
        // All else is the transform's.
        assert_eq!((after.topic.as_str(), &after.value), ("renamed", &before.value));
        assert!(after.headers.is_empty() && after.timestamp.is_none());
    }
}

/// What became of the answer of each stage of a library that gives this as data.
fn malformed(what: &str) -> Vec<Result<()>> {
    let plugins = load(&[&fixture("misbehaving")]);
    let find = |kind, class| plugins.registry().find(kind, class, None).unwrap();
    let props = Props::from([("malformed", what)]);
    let transform = find(PluginKind::Transformation, "test.MisbehavingTransform");
    let mut kept = Vec::new();
    let mut batch = records();
    transform.transform(&props).unwrap().apply_batch(&mut batch, &mut kept);
    let mut answers: Vec<Result<()>> = kept.into_iter().map(|kept| kept.map(drop)).collect();
    assert!(batch.iter().all(|record| record.value.is_whole()), "{what} is passed on: {batch:?}");
    let bytes = Blob::from_static(b"x");
    let read = converter(&props).to_connect(&"t".into(), &[], Some(&bytes));
    answers.push(read.map(drop));
    let plugin = find(PluginKind::HeaderConverter, "test.MisbehavingHeaderConverter");
    let mut headers = plugin.header_converter(&props.with("converter.type", "header")).unwrap();
    answers.push(headers.to_connect_header(&"t".into(), &"h".into(), Some(&bytes)).map(drop));
    answers
}

#[test]
fn structs_that_do_not_fit_their_schema_are_data_errors() {
    for what in ["too-few-fields", "too-many-fields", "other-struct"] {
        for answer in malformed(what) {
            let error = answer.expect_err(what);
            assert_eq!(error.kind(), ErrorKind::Data);
            assert!(error.message().starts_with("The plugin gave malformed data: in "), "{error}");
        }
    }
    // These are found by whoever reads them.
    for what in ["no-struct", "other-type", "required-null", "unknown-type"] {
        assert!(malformed(what).iter().all(Result::is_ok), "{what}");
    }
}
