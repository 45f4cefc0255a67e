//! What the source makes, and that it goes on where it stopped.
#![allow(clippy::unwrap_used, reason = "tests")]

use ferroconnect_plugin_sdk::testkit::{self, SourceHarness, acceptance};
use ferroconnect_plugin_sdk::{Config, Logical, SchemaType, Value, ValueRef, offset_map, validate};
use std::sync::mpsc;
use std::time::{Duration, Instant};
use std::{fs, thread};

const CLASS: &str = "io.confluent.kafka.connect.datagen.DatagenConnector";
/// One field of each kind, most with rules.
const ALL: &str = r#"{
  // Comments are fine, "here" too.
  "type": "record", "name": "Everything", "namespace": "test", "doc": "all types",
  "fields": [
    {"name": "count", "type": {"type": "long", "arg.properties": {"iteration": {"start": 10, "restart": 16, "step": 2}}}},
    {"name": "down", "type": {"type": "int", "arg.properties": {"iteration": {"start": 1, "step": -1}}}},
    {"name": "half", "type": {"type": "double", "arg.properties": {"iteration": {"start": 0, "step": 0.5}}}},
    {"name": "flip", "type": {"type": "boolean", "arg.properties": {"iteration": {"start": true}}}},
    {"name": "odds", "type": {"type": "boolean", "arg.properties": {"odds": 1.0}}},
    {"name": "die", "type": {"type": "int", "arg.properties": {"range": {"min": 1, "max": 7}}}},
    {"name": "share", "type": "float"},
    {"name": "id", "type": {"type": "string", "arg.properties": {"prefix": "id-", "iteration": {"start": 0}}}},
    {"name": "code", "type": {"type": "string", "arg.properties": {"regex": "[A-C]{2}[0-9]", "suffix": "!"}}, "doc": "a code"},
    {"name": "free", "type": {"type": "string", "arg.properties": {"length": 5}}},
    {"name": "raw", "type": {"type": "bytes", "arg.properties": {"options": ["NDI="]}}},
    {"name": "fixed", "type": {"type": "fixed", "name": "two", "size": 2}},
    {"name": "price", "type": {"type": "bytes", "logicalType": "decimal", "precision": 4, "scale": 2, "arg.properties": {"range": {"min": 1.5, "max": 2}}}},
    {"name": "day", "type": {"type": "int", "logicalType": "date", "arg.properties": {"range": {"min": 0, "max": 2}}}},
    {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis", "arg.properties": {"iteration": {"start": 7}}}},
    {"name": "suit", "type": {"type": "enum", "name": "Suit", "symbols": ["CLUBS", "HEARTS"]}},
    {"name": "again", "type": "Suit"},
    {"name": "tags", "type": {"type": "array", "items": "string", "arg.properties": {"length": {"min": 1, "max": 4}}}},
    {"name": "by_key", "type": {"type": "map", "values": "int", "arg.properties": {"length": 2, "keys": {"options": ["a", "b", "c"]}}}},
    {"name": "inner", "type": {"type": "record", "name": "Inner", "fields": [{"name": "x", "type": "int", "default": 3}]}},
    {"name": "maybe", "type": ["null", "string"], "default": null},
    {"name": "either", "type": ["null", "int", "Inner", "Suit"]}
  ]
}"#;

fn source(config: &[(&str, &str)]) -> SourceHarness {
    let library = testkit::library!(ferroconnect_datagen);
    let mut all = Config::from([("kafka.topic", "t"), ("max.interval", "0")]);
    for (key, value) in config {
        all.set(key, value);
    }
    SourceHarness::new(&library, CLASS, all)
}

fn values(source: &mut SourceHarness, count: usize) -> Vec<Value> {
    source.poll_until(count).unwrap().into_iter().take(count).map(|read| read.record.value.value).collect()
}

fn field<'a>(record: &'a Value, name: &str) -> &'a Value {
    let ValueRef::Struct(record) = record.view() else { panic!("{record:?}") };
    record.get(name).unwrap_or_else(|| panic!("no {name}"))
}

fn text(record: &Value, name: &str) -> String {
    field(record, name).as_text().unwrap().as_str().to_owned()
}

#[test]
fn passes() {
    let library = testkit::library!(ferroconnect_datagen);
    let config = [("kafka.topic", "t"), ("max.interval", "0"), ("quickstart", "users"), ("random.seed", "5")];
    acceptance::source(&library, CLASS, config, || {});
}

#[test]
fn every_named_set_fits_its_schema_and_has_a_key() {
    let library = testkit::library!(ferroconnect_datagen);
    let description = library.plugin(ferroconnect_plugin_sdk::abi::info::PluginKind::SOURCE, CLASS);
    let key = description.config.keys.iter().find(|key| key.name.as_str() == "quickstart").unwrap();
    assert_eq!(key.recommended.len(), 38);
    for name in &key.recommended {
        let mut source = source(&[("quickstart", &name.to_uppercase())]);
        assert_eq!(source.validate().unwrap(), [], "{name}");
        source.start().unwrap();
        for read in source.poll_until(100).unwrap() {
            let record = read.record;
            let schema = record.value.schema.get().unwrap();
            assert_eq!(schema.kind, SchemaType::STRUCT, "{name}");
            validate(schema, &record.value.value).unwrap_or_else(|error| panic!("{name}: {error:?}"));
            validate(record.key.schema.get().unwrap(), &record.key.value).unwrap();
            assert!(!record.key.value.is_null(), "{name}");
        }
    }
}

#[test]
fn rules_are_kept() {
    let mut source = source(&[("schema.string", ALL), ("schema.keyfield", "id"), ("random.seed", "1")]);
    assert_eq!(source.validate().unwrap(), []);
    source.start().unwrap();
    let reads = source.poll_until(200).unwrap();
    let schema = reads[0].record.value.schema.get().unwrap().clone();
    assert_eq!(
        (schema.name_str(), schema.parameter("io.confluent.connect.avro.record.doc")),
        (Some("test.Everything"), Some("all types"))
    );
    assert_eq!(schema.parameter("io.confluent.connect.avro.field.doc.code"), Some("a code"));
    let of = |name: &str| schema.fields[schema.field_index(name).unwrap()].schema.clone();
    assert_eq!(Logical::of(&of("day")), Some(Logical::Date));
    assert_eq!(of("price").parameter("connect.decimal.precision"), Some("4"));
    assert_eq!(of("suit").parameter("io.confluent.connect.avro.Enum.HEARTS"), Some("HEARTS"));
    assert_eq!(of("again"), of("suit"));
    assert_eq!(of("fixed").parameter("connect.fixed.size"), Some("2"));
    assert!(of("maybe").optional && of("either").optional && !of("tags").optional);
    let branches: Vec<_> = of("either").fields.iter().map(|field| field.name.as_str().to_owned()).collect();
    assert_eq!(branches, ["int", "Inner", "Suit"]);

    for (number, read) in reads.iter().take(200).enumerate() {
        let record = &read.record.value.value;
        let integer = |name| field(record, name).as_integer().unwrap();
        let number = number as i64;
        assert_eq!(integer("count"), [10, 12, 14][number as usize % 3]);
        assert_eq!(integer("down"), 1 - number);
        assert_eq!(*field(record, "half"), Value::float64(number as f64 / 2.0));
        assert_eq!(*field(record, "flip"), Value::boolean(number % 2 == 0));
        assert_eq!(*field(record, "odds"), Value::boolean(true));
        assert!((1..7).contains(&integer("die")));
        let ValueRef::Float32(share) = field(record, "share").view() else { panic!("share") };
        assert!((0.0..=1.0).contains(&share));
        assert_eq!(text(record, "id"), format!("id-{number}"));
        assert_eq!(read.record.key.value, *field(record, "id"));
        let code = text(record, "code");
        assert!(code.len() == 4 && code.ends_with('!') && code.starts_with(['A', 'B', 'C']), "{code}");
        assert_eq!(text(record, "free").len(), 5);
        assert_eq!(*field(record, "raw"), Value::bytes(b"42".to_vec()));
        let ValueRef::Decimal { unscaled, scale: 2 } = field(record, "price").view() else { panic!("price") };
        assert!((150..200).contains(&unscaled.iter().fold(0, |number, byte| number * 256 + i32::from(*byte))));
        assert_eq!(*field(record, "at"), Value::timestamp(7 + number));
        let ValueRef::Map(map) = field(record, "by_key").view() else { panic!("by_key") };
        assert_eq!(map.len(), 2);
        let ValueRef::Array(tags) = field(record, "tags").view() else { panic!("tags") };
        assert!((1..4).contains(&tags.len()));
        if let ValueRef::Struct(either) = field(record, "either").view() {
            assert_eq!(either.fields.iter().filter(|branch| !branch.is_null()).count(), 1);
        }
    }
    let nulls = reads.iter().filter(|read| field(&read.record.value.value, "maybe").is_null()).count();
    assert!((150..350).contains(&nulls), "{nulls} of {}", reads.len());
}

#[test]
fn a_restart_goes_on_as_if_nothing_had_happened() {
    let config = [("quickstart", "orders"), ("random.seed", "42")];
    let mut whole = source(&config);
    whole.start().unwrap();
    let expected = values(&mut whole, 40);

    let mut parts = source(&config);
    parts.start().unwrap();
    let first = parts.poll_until(15).unwrap();
    parts.commit_first(15).unwrap();
    parts.restart().unwrap();
    let second = parts.poll_until(25).unwrap();
    let headers: Vec<_> = second[0]
        .record
        .headers
        .iter()
        .map(|header| (header.key.as_str().to_owned(), header.data.value.as_integer()))
        .collect();
    let expected_headers = [("task.generation", 1), ("task.id", 0), ("current.iteration", 15)];
    assert_eq!(headers, expected_headers.map(|(key, value)| (key.to_owned(), Some(value))));
    assert_eq!(second[0].partition, Some(offset_map([("task.id", 0i32.into())])));
    let made = first.iter().take(15).chain(second.iter().take(25)).map(|read| read.record.value.value.clone());
    assert_eq!(made.collect::<Vec<_>>(), expected);
}

#[test]
fn tasks_of_one_seed_make_different_records() {
    let mut source = source(&[("quickstart", "users"), ("random.seed", "42")]).tasks_max(2);
    source.start().unwrap();
    let one = source.poll_task(0).unwrap();
    let other = source.poll_task(1).unwrap();
    assert_ne!(one[0].record.value.value, other[0].record.value.value);
}

#[test]
fn iterations_end_over_restarts_too() {
    let mut source = source(&[("quickstart", "pageviews"), ("iterations", "7")]);
    source.start().unwrap();
    assert_eq!(source.poll().unwrap().len(), 7);
    source.commit_first(5).unwrap();
    source.restart().unwrap();
    assert_eq!(source.poll().unwrap().len(), 2);
}

#[test]
fn a_pause_ends_with_the_task() {
    // Each pause is random: among so many milliseconds a short one is as good as impossible.
    let mut source = source(&[("quickstart", "pageviews"), ("max.interval", "1000000000000")]);
    source.start().unwrap();
    source.stop_while_polling().unwrap();
}

#[test]
fn records_come_one_by_one_with_pauses_between_them() {
    let mut source = source(&[("quickstart", "pageviews"), ("max.interval", "40")]);
    source.start().unwrap();
    let began = Instant::now();
    for _ in 0..30 {
        assert_eq!(source.poll().unwrap().len(), 1);
    }
    // 600 ms are to be expected; less than a third of that is as good as impossible.
    assert!(began.elapsed() >= Duration::from_millis(200), "{:?}", began.elapsed());
    let mut fast = self::source(&[("quickstart", "pageviews")]);
    fast.start().unwrap();
    assert_eq!(fast.poll().unwrap().len(), 500);
}

#[test]
fn a_schema_comes_out_of_a_file() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("all.avsc");
    fs::write(&file, ALL).unwrap();
    let path = file.display().to_string();
    let mut source = source(&[("schema.filename", &path), ("schema.keyfield", "id")]);
    assert_eq!(source.validate().unwrap(), []);
    source.start().unwrap();
    let read = &source.poll_until(1).unwrap()[0];
    let schema = read.record.value.schema.get().unwrap();
    assert_eq!(schema.name_str(), Some("test.Everything"));
    validate(schema, &read.record.value.value).unwrap();
    assert_eq!(read.record.key.value, Value::string("id-0"));
}

#[test]
fn large_records_come_in_small_batches() {
    let schema = r#"{"type": "record", "name": "r", "fields": [{"name": "f", "type": {"type": "bytes", "arg.properties": {"length": 1000000}}}]}"#;
    let mut source = source(&[("schema.string", schema)]);
    source.start().unwrap();
    let reads = source.poll().unwrap();
    assert!((1..=10).contains(&reads.len()), "{}", reads.len());
    let ValueRef::Bytes(bytes) = field(&reads[0].record.value.value, "f").view() else { panic!("f") };
    assert_eq!(bytes.len(), 1_000_000);
}

#[test]
fn a_large_map_is_made_in_no_time() {
    let schema = r#"{"type": "record", "name": "r", "fields": [{"name": "f", "type": {"type": "map", "values": "int",
        "arg.properties": {"length": 300000, "keys": {"length": 20}}}}]}"#;
    let (says, hears) = mpsc::channel();
    // Looking for each key among all that are there would take minutes.
    thread::spawn(move || {
        let mut source = source(&[("schema.string", schema)]);
        source.start().unwrap();
        says.send(source.poll().unwrap()).unwrap();
    });
    let reads = hears.recv_timeout(Duration::from_secs(30)).expect("a map is made in no time");
    let ValueRef::Map(map) = field(&reads[0].record.value.value, "f").view() else { panic!("f") };
    assert_eq!(map.len(), 300_000);
}

#[test]
fn what_is_wrong_is_told_at_its_key() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("broken.avsc");
    fs::write(&file, r#"{"type": "record", "name": "r", "fields": [{"name": "f", "type": "strin"}]}"#).unwrap();
    let record =
        |field: &str| format!(r#"{{"type": "record", "name": "r", "fields": [{{"name": "f", "type": {field}}}]}}"#);
    let ruled = |kind: &str, rules: &str| record(&format!(r#"{{"type": "{kind}", "arg.properties": {rules}}}"#));
    let array_of = |length: &str, items: String| {
        format!(r#"{{"type": "array", "items": {items}, "arg.properties": {{"length": {length}}}}}"#)
    };
    let named = |name: &str| vec![("quickstart".to_owned(), name.to_owned())];
    let given = |schema: String| vec![("schema.string".to_owned(), schema)];
    for (config, key, part) in [
        (vec![], "schema.string", "Must set exactly one of schema.string, schema.filename, quickstart"),
        ([named("users"), given(record("\"int\""))].concat(), "schema.string", "Must set exactly one of"),
        (named("nope"), "quickstart", "quickstart must be one out of campaign_finance,"),
        (
            vec![("schema.filename".into(), file.display().to_string())],
            "schema.filename",
            "broken.avsc: r.f: there is no type 'strin'",
        ),
        (vec![("schema.filename".into(), "/nowhere.avsc".into())], "schema.filename", "/nowhere.avsc cannot be read"),
        (
            [named("users"), vec![("schema.keyfield".into(), "id".into())]].concat(),
            "schema.keyfield",
            "does not contain the field",
        ),
        (given("{".into()), "schema.string", "this is no JSON"),
        (given("\"int\"".into()), "schema.string", "not that of a record"),
        (given(record("\"null\"")), "schema.string", "r.f: null is no type by itself"),
        (given(record("\"r\"")), "schema.string", "r.f: r contains itself"),
        (
            given(ruled("int", r#"{"range": {"min": 3, "max": 3}}"#)),
            "schema.string",
            "r.f: 'range': min (3) is not below max (3)",
        ),
        (given(ruled("int", r#"{"range": {"max": 99999999999}}"#)), "schema.string", "cannot hold"),
        (given(ruled("int", r#"{"options": ["a"]}"#)), "schema.string", "the option \"a\" does not fit the type"),
        (given(ruled("string", r#"{"options": []}"#)), "schema.string", "nothing to choose from"),
        (given(ruled("string", r#"{"regex": "("}"#)), "schema.string", "'regex' (: "),
        (
            given(ruled("string", r#"{"length": {"min": 4, "max": 2}}"#)),
            "schema.string",
            "min (4) is not below max (2)",
        ),
        (given(record(r#"{"type": "bytes", "logicalType": "decimal"}"#)), "schema.string", "no precision"),
        (
            given(ruled("bytes", r#"{"length": 1125899906842624}"#)),
            "schema.string",
            "r.f: 'length' is 1125899906842624; 1000000 is the longest",
        ),
        (
            given(record(r#"{"type": "fixed", "name": "x", "size": 18446744073709551615}"#)),
            "schema.string",
            "r.f: the size is 18446744073709551615; 1000000 is the longest",
        ),
        (
            given(record(&array_of("1000000", array_of("1000000", "\"int\"".into())))),
            "schema.string",
            "r.f: one value may have",
        ),
        (
            given(record(r#"{"type": "map", "values": {"type": "fixed", "name": "x", "size": 1000000}}"#)),
            "schema.string",
            "r.f: one value may have 15",
        ),
    ] {
        let pairs: Vec<(&str, &str)> = config.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        let found = source(&pairs).validate().unwrap();
        let found: Vec<_> = found.iter().filter(|value| !value.errors.is_empty()).collect();
        assert!(found.iter().any(|value| value.name == key && value.errors[0].contains(part)), "{config:?}: {found:?}");
    }
}

#[test]
fn options_come_out_of_files() {
    let dir = tempfile::tempdir().unwrap();
    for (name, content) in [("list.json", r#"["x"]"#), ("lines.json", "\"x\"\n\"x\"\n")] {
        let file = dir.path().join(name);
        fs::write(&file, content).unwrap();
        let rules = format!(r#"{{"options": {{"file": "{}", "encoding": "json"}}}}"#, file.display());
        let schema = format!(
            r#"{{"type": "record", "name": "r", "fields": [{{"name": "f", "type": {{"type": "string", "arg.properties": {rules}}}}}]}}"#
        );
        let mut source = source(&[("schema.string", &schema)]);
        source.start().unwrap();
        assert_eq!(text(&values(&mut source, 1)[0], "f"), "x");
    }
}
