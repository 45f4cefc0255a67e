//! Bad records: each ends where it belongs (task failed, dead-lettered, skipped, tried again), with a message that says
//! where it was read, and all others arrive in order.

#![allow(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use ferroconnect_e2e::kafka::{Kafka, NewRecord, Record};
use ferroconnect_e2e::process::read_lossy;
use ferroconnect_e2e::unique;
use ferroconnect_e2e::wait::{PATIENCE, until_some};
use ferroconnect_e2e::worker::{Subject, Worker, WorkerSetup};
use std::path::Path;

const JSON: &str = "org.apache.kafka.connect.json.JsonConverter";

fn ours() -> bool {
    Subject::from_env() == Subject::Ferroconnect
}

/// Records that JsonConverter cannot read.
struct Bad {
    name: &'static str,
    value: Vec<u8>,
    /// What the error says; the Java worker has other words below the first.
    says: &'static str,
    /// The field that the error is to name.
    field: Option<&'static str>,
}

fn bad(name: &'static str, value: impl Into<Vec<u8>>, says: &'static str) -> Bad {
    Bad { name, value: value.into(), says, field: None }
}

const NO_JSON: &str = "Converting byte[] to Kafka Connect data failed due to serialization error";

/// What is wrong whatever the converter's settings.
fn bad_json() -> Vec<Bad> {
    let long_name = format!("{{\"{}\":1}}", "n".repeat(50_001));
    vec![
        bad("malformed", "{no json", NO_JSON),
        bad("cut-off", "{\"a\":[1,2", NO_JSON),
        bad("levels-1001", format!("{}{}", "[".repeat(1001), "]".repeat(1001)), NO_JSON),
        bad("levels-100000", format!("{}1{}", "{\"a\":".repeat(100_000), "}".repeat(100_000)), NO_JSON),
        bad("digits-1001", "7".repeat(1001), NO_JSON),
        bad("no-utf8", b"\"a\xffb\"".to_vec(), NO_JSON),
        bad("utf8-cut-off", b"{\"a\":\"\xe2\x82".to_vec(), NO_JSON),
        bad("long-name", long_name, NO_JSON),
    ]
}

fn enveloped(schema: &str, payload: &str) -> String {
    format!("{{\"schema\":{schema},\"payload\":{payload}}}")
}

fn structure(fields: &str, payload: &str) -> String {
    enveloped(&format!("{{\"type\":\"struct\",\"fields\":[{fields}]}}"), payload)
}

/// What does not fit its schema.
fn bad_envelopes() -> Vec<Bad> {
    let of_field = |name, value: String, says, field| Bad { field: Some(field), ..bad(name, value, says) };
    let order = r#"{"field":"order","type":"struct","fields":[{"field":"name","type":"string"}]}"#;
    let lines =
        r#"{"field":"lines","type":"array","items":{"type":"struct","fields":[{"field":"price","type":"int32"}]}}"#;
    let map = r#"{"field":"m","type":"map","keys":{"type":"string"},"values":{"type":"bytes"}}"#;
    let date = r#"{"field":"day","type":"int32","name":"org.apache.kafka.connect.data.Date","version":1}"#;
    vec![
        bad("no-envelope", r#"{"a":1}"#, "requires \"schema\" and \"payload\""),
        bad("unknown-type", enveloped(r#"{"type":"int33"}"#, "1"), "Unknown schema type: int33"),
        of_field(
            "text-wanted",
            structure(order, r#"{"order":{"name":5}}"#),
            "Invalid value: null used for required field: \"name\"",
            "order.name",
        ),
        of_field(
            "struct-wanted",
            structure(order, r#"{"order":[]}"#),
            "Structs should be encoded as JSON objects",
            "order",
        ),
        of_field(
            "null",
            structure(lines, r#"{"lines":[{"price":1},{"price":null}]}"#),
            "Invalid null value",
            "lines[1].price",
        ),
        of_field("no-map", structure(map, r#"{"m":7}"#), "Maps with string fields should be encoded as", "m"),
        of_field("no-base64", structure(map, r#"{"m":{"k":"*"}}"#), "Invalid bytes field", "m.k"),
        of_field("no-date", structure(date, r#"{"day":"today"}"#), "Invalid type for Date", "day"),
    ]
}

fn sink<'a>(topic: &'a str, file: &'a str, schemas: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![
        ("connector.class", "org.apache.kafka.connect.file.FileStreamSinkConnector"),
        ("file", file),
        ("topics", topic),
        ("value.converter", JSON),
        ("value.converter.schemas.enable", schemas),
    ]
}

fn tolerant<'a>(mut config: Vec<(&'a str, &'a str)>, letters: &'a str) -> Vec<(&'a str, &'a str)> {
    config.extend([
        ("errors.tolerance", "all"),
        ("errors.log.enable", "true"),
        ("errors.log.include.messages", "true"),
        ("errors.deadletterqueue.topic.name", letters),
        ("errors.deadletterqueue.topic.replication.factor", "1"),
        ("errors.deadletterqueue.context.headers.enable", "true"),
    ]);
    config
}

/// Waits until the file holds these lines and no others.
fn await_lines(file: &Path, wanted: &[String]) {
    until_some("the good records", PATIENCE, || {
        let text = read_lossy(file);
        if text.lines().count() >= wanted.len() && text.ends_with('\n') { Ok(()) } else { Err(text) }
    });
    assert_eq!(read_lossy(file).lines().collect::<Vec<_>>(), wanted);
}

fn header(letter: &Record, name: &str) -> String {
    let name = format!("__connect.errors.{name}");
    let found = letter.headers.iter().find(|(key, _)| *key == name).unwrap_or_else(|| panic!("{name}: {letter:?}"));
    String::from_utf8(found.1.clone().unwrap()).unwrap()
}

/// The trace names the place in Kafka and, where there is one, the field.
fn assert_names_place(case: &str, trace: &str, topic: &str, offset: i64, field: Option<&str>) {
    let place = format!("stage VALUE_CONVERTER with class '{JSON}', topic '{topic}', partition 0, offset {offset}");
    assert!(trace.contains(&place), "{case}: {place} is not in:\n{trace}");
    match field {
        Some(field) => {
            assert!(trace.contains(&format!("\tat field '{field}'\n")), "{case}: {field} is not in:\n{trace}")
        }
        None => assert!(!trace.contains("\tat field"), "{case}: {trace}"),
    }
}

/// Bad records between good ones under `errors.tolerance=all`: those go to the dead letters, these arrive in order.
fn are_dead_lettered(schemas: &str, bads: &[Bad], good: impl Fn(usize) -> String) {
    let (kafka, topic, letters) = (Kafka::shared(), unique("mixed"), unique("letters"));
    kafka.create_topic(&topic, 1);
    let mut records = vec![NewRecord::of(good(0))];
    for (index, bad) in bads.iter().enumerate() {
        records.push(NewRecord::of(bad.value.clone()).header("raw", b"\xff\xfe"));
        records.push(NewRecord::of(good(index + 1)));
    }
    kafka.write_records(&topic, 0, records);
    let mut setup = WorkerSetup::new(Subject::from_env(), kafka);
    let file = setup.path("out.txt");
    setup.connector(&unique("tolerant"), &tolerant(sink(&topic, file.to_str().unwrap(), schemas), &letters));
    let mut worker = setup.start();
    await_lines(&file, &(0..=bads.len()).map(|index| format!("good {index}")).collect::<Vec<_>>());

    let found = kafka.read_at_least(&letters, bads.len());
    assert_eq!(found.len(), bads.len());
    worker.terminate();
    let log = setup.logs();
    for (index, (bad, letter)) in bads.iter().zip(&found).enumerate() {
        let (case, offset) = (bad.name, 2 * index as i64 + 1);
        assert_eq!(letter.value.as_deref(), Some(&*bad.value), "{case}");
        assert_eq!(letter.headers[0], ("raw".to_owned(), Some(b"\xff\xfe".to_vec())), "{case}");
        assert_eq!(header(letter, "topic"), topic, "{case}");
        assert_eq!(header(letter, "offset"), offset.to_string(), "{case}");
        assert_eq!(header(letter, "stage"), "VALUE_CONVERTER", "{case}");
        assert!(header(letter, "exception.message").contains(bad.says), "{case}: {letter:?}");
        let logged = format!("where consumed record is {{topic='{topic}', partition=0, offset={offset},");
        assert!(log.contains(&logged), "{case}: {logged} is not in the log");
        if ours() {
            assert_names_place(case, &header(letter, "exception.stacktrace"), &topic, offset, bad.field);
        }
    }
}

#[test]
fn what_is_no_json_is_dead_lettered() {
    are_dead_lettered("false", &bad_json(), |index| format!("\"good {index}\""));
}

#[test]
fn what_does_not_fit_its_schema_is_dead_lettered() {
    are_dead_lettered("true", &bad_envelopes(), |index| {
        enveloped(r#"{"type":"string"}"#, &format!("\"good {index}\""))
    });
}

/// Without tolerance each fails its task, and is still to be read.
#[test]
fn each_fails_its_task() {
    let kafka = Kafka::shared();
    let mut setup = WorkerSetup::new(Subject::from_env(), kafka);
    let mut cases = Vec::new();
    let all = bad_json()
        .into_iter()
        .map(|bad| ("false", "\"good\"".to_owned(), bad))
        .chain(bad_envelopes().into_iter().map(|bad| ("true", enveloped(r#"{"type":"string"}"#, "\"good\""), bad)));
    for (schemas, good, bad) in all {
        let (topic, name, file) = (unique(bad.name), unique(bad.name), setup.path(bad.name));
        kafka.create_topic(&topic, 1);
        kafka.write_records(&topic, 0, [NewRecord::of(good), NewRecord::of(bad.value.clone())]);
        setup.connector(&name, &sink(&topic, file.to_str().unwrap(), schemas));
        cases.push((name, topic, bad));
    }
    let worker = setup.start();
    for (name, topic, bad) in cases {
        let trace = trace(&worker, &name);
        let first = "org.apache.kafka.connect.errors.ConnectException: Tolerance exceeded in error handler\n";
        assert!(trace.starts_with(first), "{name}: {trace}");
        assert!(trace.contains(bad.says), "{name}: {trace}");
        if ours() {
            assert_names_place(&name, &trace, &topic, 1, bad.field);
        }
        let offsets = worker.rest.get(&format!("/connectors/{name}/offsets")).json();
        let committed = offsets["offsets"][0]["offset"]["kafka_offset"].as_i64().unwrap_or(0);
        assert!(committed <= 1, "{name}: {offsets}");
    }
}

/// The error says which header it was.
#[test]
fn a_bad_header_fails_its_task() {
    let (kafka, topic, name) = (Kafka::shared(), unique("headers"), unique("headers"));
    kafka.create_topic(&topic, 1);
    let good = NewRecord::of("\"good\"").header("first", b"\"text\"");
    kafka.write_records(&topic, 0, [good.clone(), good.header("second", b"\"no text: \xff\"")]);
    let mut setup = WorkerSetup::new(Subject::from_env(), kafka);
    let file = setup.path("out.txt");
    let mut config = sink(&topic, file.to_str().unwrap(), "false");
    config.extend([("header.converter", JSON), ("header.converter.schemas.enable", "false")]);
    setup.connector(&name, &config);
    let worker = setup.start();
    let trace = trace(&worker, &name);
    assert!(trace.contains(NO_JSON), "{trace}");
    if ours() {
        let place = format!(
            "\tat header 'second'\n\tat stage HEADER_CONVERTER with class '{JSON}', topic '{topic}', partition 0, offset 1\n"
        );
        assert!(trace.contains(&place), "{trace}");
    }
}

/// The trace of a task that fails.
fn trace(worker: &Worker, name: &str) -> String {
    worker.rest.await_task(name, 0, "FAILED")["tasks"][0]["trace"].as_str().unwrap().to_owned()
}

/// Odd records that Kafka Connect takes, with what the file sink prints of them.
#[test]
fn odd_records_that_pass() {
    let (kafka, topic, enveloped_topic, text_topic) =
        (Kafka::shared(), unique("odd"), unique("odd-enveloped"), unique("odd-text"));
    let plain = [
        ("99999999999999999999999999".to_owned(), (99_999_999_999_999_999_999_999_999_i128 as i64).to_string()),
        ("7".repeat(1000), low_bits_of_sevens(1000).to_string()),
        ("1e400".to_owned(), "Infinity".to_owned()),
        ("[]".to_owned(), "[]".to_owned()),
        ("{}".to_owned(), "{}".to_owned()),
        ("{\"a\":[[],{}]}".to_owned(), "{a=[[], {}]}".to_owned()),
        (format!("{}{}", "[".repeat(1000), "]".repeat(1000)), format!("{}{}", "[".repeat(1000), "]".repeat(1000))),
        ("null".to_owned(), "null".to_owned()),
    ];
    let int64 = |payload: &str| structure(r#"{"field":"n","type":"int64"}"#, &format!("{{\"n\":{payload}}}"));
    let array = r#"{"field":"a","type":"array","items":{"type":"int32"},"optional":true}"#;
    let with_schema = [
        (int64("9223372036854775808"), format!("Struct{{n={}}}", i64::MIN)),
        (int64("\"text\""), "Struct{n=0}".to_owned()),
        (structure(array, "{\"a\":[]}"), "Struct{a=[]}".to_owned()),
        (structure(array, "{\"a\":null}"), "Struct{}".to_owned()),
        (structure("", "{}"), "Struct{}".to_owned()),
    ];
    let text = [(b"a\xffb".to_vec(), "a\u{fffd}b"), (b"\xed\xa0\x80".to_vec(), "\u{fffd}"), (b"".to_vec(), "")];
    let mut setup = WorkerSetup::new(Subject::from_env(), kafka);
    for (name, count) in [(&topic, 1), (&enveloped_topic, 1), (&text_topic, 1)] {
        kafka.create_topic(name, count);
    }
    // Nulls first: a null value with and without a key, and headers that are not text.
    let tombstone = NewRecord { key: Some(b"k".to_vec()), ..NewRecord::default() };
    let nulls = [NewRecord::default(), tombstone.header("raw", b"\xff"), NewRecord::default()];
    let written = |records: &[(String, String)]| {
        nulls
            .clone()
            .into_iter()
            .chain(records.iter().map(|(value, _)| NewRecord::of(value.as_str())))
            .collect::<Vec<_>>()
    };
    kafka.write_records(&topic, 0, written(&plain));
    kafka.write_records(&enveloped_topic, 0, written(&with_schema));
    kafka.write_records(&text_topic, 0, text.iter().map(|(value, _)| NewRecord::of(value.clone())));
    let files = [setup.path("plain.txt"), setup.path("enveloped.txt"), setup.path("text.txt")];
    let paths: Vec<&str> = files.iter().map(|file| file.to_str().unwrap()).collect();
    setup.connector(&unique("plain"), &sink(&topic, paths[0], "false"));
    setup.connector(&unique("enveloped"), &sink(&enveloped_topic, paths[1], "true"));
    setup.connector(&unique("text"), &sink(&text_topic, paths[2], "false")[..3]);
    let _worker = setup.start();
    let printed = |records: &[(String, String)]| {
        let nulls = std::iter::repeat_n("null", nulls.len());
        nulls.chain(records.iter().map(|(_, line)| line.as_str())).map(str::to_owned).collect::<Vec<_>>()
    };
    await_lines(&files[0], &printed(&plain));
    await_lines(&files[1], &printed(&with_schema));
    await_lines(&files[2], &text.iter().map(|(_, line)| (*line).to_owned()).collect::<Vec<_>>());
}

/// The low 64 bits of the number 777….
fn low_bits_of_sevens(digits: usize) -> i64 {
    (0..digits).fold(0i64, |bits, _| bits.wrapping_mul(10).wrapping_add(7))
}

/// The keys of a transform that makes numbers of text.
fn cast(spec: &str) -> [(&str, &str); 3] {
    [
        ("transforms", "number"),
        ("transforms.number.type", "org.apache.kafka.connect.transforms.Cast$Value"),
        ("transforms.number.spec", spec),
    ]
}

/// A transform fails on one record of many: that one ends where the configuration says, all others arrive in order.
#[test]
fn one_record_of_many_fails_in_a_transform() {
    const COUNT: usize = 20_000;
    const BAD: usize = 12_345;
    let (kafka, topic, letters) = (Kafka::shared(), unique("many"), unique("letters"));
    kafka.create_topic(&topic, 1);
    let line = |n: usize| format!("{{\"n\":\"{}\"}}", if n == BAD { "no number".to_owned() } else { n.to_string() });
    kafka.write_records(&topic, 0, (0..COUNT).map(|n| NewRecord::of(line(n))));
    let mut setup = WorkerSetup::new(Subject::from_env(), kafka);
    let (dead, skipped, failed) = (setup.path("dead.txt"), setup.path("skipped.txt"), setup.path("failed.txt"));
    let config = |file: &Path, more: &[(&str, &str)]| {
        let config = sink(&topic, file.to_str().unwrap(), "false").into_iter().chain(cast("n:int32"));
        config.chain(more.iter().copied()).map(|(key, value)| format!("{key}={value}\n")).collect::<String>()
    };
    let strict = unique("strict");
    for (name, file, more) in [
        (&unique("dead"), &dead, tolerant(Vec::new(), &letters)),
        (&unique("skip"), &skipped, vec![("errors.tolerance", "all")]),
        (&strict, &failed, Vec::new()),
    ] {
        setup.connector_file(&format!("{name}.properties"), &format!("name={name}\n{}", config(file, &more)));
    }
    let worker = setup.start();
    let good: Vec<String> = (0..COUNT).filter(|n| *n != BAD).map(|n| format!("{{n={n}}}")).collect();
    await_lines(&dead, &good);
    await_lines(&skipped, &good);
    let found = kafka.read_at_least(&letters, 1);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].text(), Some(line(BAD)));
    assert_eq!(header(&found[0], "stage"), "TRANSFORMATION");
    assert_eq!(header(&found[0], "offset"), BAD.to_string());
    let trace = trace(&worker, &strict);
    assert!(read_lossy(&failed).lines().count() <= BAD);
    if ours() {
        for trace in [trace, header(&found[0], "exception.stacktrace")] {
            let place = format!(
                "\tat field 'n'\n\tat stage TRANSFORMATION with class 'org.apache.kafka.connect.transforms.Cast$Value', \
                 topic '{topic}', partition 0, offset {BAD}\n"
            );
            assert!(trace.contains(&place), "{trace}");
        }
    }
}

/// The same on the way from a source: the record is skipped or fails the task, with the place in the source.
#[test]
fn one_line_of_a_source_fails_in_a_transform() {
    let (kafka, skipping, failing) = (Kafka::shared(), unique("skipping"), unique("failing"));
    let mut setup = WorkerSetup::new(Subject::from_env(), kafka);
    let input = setup.path("in.txt");
    std::fs::write(&input, "1\n2\nthree\n4\n5\n").unwrap();
    let file = input.to_str().unwrap();
    for (topic, tolerance) in [(&skipping, "all"), (&failing, "none")] {
        let source = [
            ("connector.class", "org.apache.kafka.connect.file.FileStreamSourceConnector"),
            ("file", file),
            ("topic", topic),
            ("errors.tolerance", tolerance),
            ("errors.log.enable", "true"),
            ("errors.log.include.messages", "true"),
        ];
        setup.connector(topic, &[&source[..], &cast("int32")].concat());
    }
    let mut worker = setup.start();
    let values =
        |topic: &str, count| kafka.read_at_least(topic, count).iter().filter_map(Record::text).collect::<Vec<_>>();
    assert_eq!(values(&skipping, 4), ["1", "2", "4", "5"]);
    let trace = trace(&worker, &failing);
    assert_eq!(values(&failing, 2), ["1", "2"]);
    worker.terminate();
    if ours() {
        let place = |topic: &str| {
            format!("topic '{topic}', source partition {{filename={file}}}, source offset {{position=10}}")
        };
        assert!(trace.contains(&place(&failing)), "{trace}");
        assert!(setup.logs().contains(&place(&skipping)), "the log is to name the line that was skipped");
    }
}
