//! What the sink writes to real databases, and what it does when that fails.
#![allow(clippy::unwrap_used, reason = "tests")]

#[path = "sink/ahead.rs"]
mod ahead;
#[path = "sink/batches.rs"]
mod batches;
#[path = "sink/offsets.rs"]
mod offsets;
mod targets;

use ferroconnect_jdbc::db::{Decimal, Isolation, SqlValue};
use ferroconnect_jdbc::dialect::Database;
use ferroconnect_plugin_sdk::log::LogLevel;
use ferroconnect_plugin_sdk::testkit::{self, LogLine, SinkHarness, acceptance, sink_record};
use ferroconnect_plugin_sdk::{
    Config, Data, Error, ErrorKind, Record, ReportState, Schema, SchemaBuilder, Shared, Value,
};
use ferroconnect_test_servers::{Kind, Server};
use jiff::civil::date;
use num_bigint::BigInt;
use targets::{Target, each_target};

const CLASS: &str = "io.confluent.connect.jdbc.JdbcSinkConnector";
const CREATE: (&str, &str) = ("auto.create", "true");
const EVOLVE: (&str, &str) = ("auto.evolve", "true");
const UPSERT: (&str, &str) = ("insert.mode", "upsert");
const BY_KEY: (&str, &str) = ("pk.mode", "record_key");
const BY_VALUE: (&str, &str) = ("pk.mode", "record_value");
const ID: (&str, &str) = ("pk.fields", "id");
/// Retries at once.
const IMPATIENT: [(&str, &str); 3] = [("retry.backoff.ms", "0"), ("max.retries", "2"), ("connection.backoff.ms", "50")];

fn harness(target: &Target, pairs: &[(&str, &str)]) -> SinkHarness {
    let mut config = Config::from([("connection.url", target.url.as_str())]);
    for (key, value) in IMPATIENT.iter().chain(pairs) {
        config.set(key, value);
    }
    SinkHarness::new(&testkit::library!(ferroconnect_jdbc), CLASS, config)
}

fn sink(target: &Target, pairs: &[(&str, &str)]) -> SinkHarness {
    let mut sink = harness(target, pairs);
    assert_eq!(sink.validate().unwrap(), [], "{pairs:?}");
    sink.start().unwrap();
    sink
}

fn user_schema() -> Shared<Schema> {
    SchemaBuilder::structure()
        .name("user")
        .field("id", SchemaBuilder::int64().build())
        .field("name", SchemaBuilder::string().optional().build())
        .build()
}

fn user(id: i64, name: &str) -> Data {
    let schema = user_schema();
    Data::new(schema.clone(), Value::structure(schema, vec![id.into(), name.into()]))
}

/// A record whose key is a plain id.
fn keyed(topic: &str, offset: i64, id: i64, name: Option<&str>) -> Record {
    let mut record = sink_record(topic, 0, offset, name.map_or(Data::NULL, |name| user(id, name)));
    record.key = Data::new(SchemaBuilder::int64().build(), id);
    record
}

fn int(number: i64) -> SqlValue {
    SqlValue::Int(number)
}

fn text(text: &str) -> SqlValue {
    SqlValue::Text(text.to_owned())
}

/// The users of a table by their ids.
fn users(target: &Target, table: &str) -> Vec<(i64, String)> {
    let dialect = target.dialect();
    let (table, id, name) = (dialect.table(&dialect.parse_table(table)), dialect.name("id"), dialect.name("name"));
    let rows = target.rows(&format!("SELECT {id}, {name} FROM {table} ORDER BY {id}"));
    let pair = |row: Vec<SqlValue>| match row.as_slice() {
        [SqlValue::Int(id), SqlValue::Text(name)] => (*id, name.clone()),
        _ => panic!("{row:?}"),
    };
    rows.into_iter().map(pair).collect()
}

fn named(expected: &[(i64, &str)]) -> Vec<(i64, String)> {
    expected.iter().map(|&(id, name)| (id, name.to_owned())).collect()
}

fn reported(sink: &SinkHarness) -> Vec<(i64, Error)> {
    sink.take_requests().reported.into_iter().map(|(record, error)| (record.origin.offset, error)).collect()
}

each_target! {
    fn passes(target) {
        let config = [
            ("connection.url", target.url.as_str()), CREATE, UPSERT, BY_VALUE, ID, ("max.retries", "0"),
        ];
        let library = testkit::library!(ferroconnect_jdbc);
        acceptance::sink(&library, CLASS, config, vec![user(1, "a"), user(2, "b"), user(3, "c")], || {
            if target.has_table("acceptance") { users(target, "acceptance").len() } else { 0 }
        });
    }

    fn inserts_with_each_kind_of_key(target) {
        let by_value = SchemaBuilder::string().build();
        for (topic, pairs, columns) in [
            ("plain", vec![], vec!["id", "name"]),
            ("coordinates", vec![("pk.mode", "kafka")],
             vec!["__connect_topic", "__connect_partition", "__connect_offset", "id", "name"]),
            ("by-key", vec![BY_KEY, ("pk.fields", "key")], vec!["id", "name", "key"]),
            ("by-value", vec![BY_VALUE, ID], vec!["id", "name"]),
        ] {
            let mut sink = sink(target, &[&pairs[..], &[CREATE]].concat());
            sink.put(&[keyed(topic, 0, 1, Some("a")), keyed(topic, 1, 2, Some("b"))]).unwrap();
            assert_eq!(users(target, topic), named(&[(1, "a"), (2, "b")]), "{topic}");
            assert_eq!(target.columns(topic), columns, "{topic}");
            sink.stop().unwrap();
        }
        let mut sink = sink(target, &[CREATE, ("string.output.value.column.name", "line")]);
        sink.put(&[sink_record("texts", 0, 0, Data::new(by_value, "it's \\ \u{1F600}"))]).unwrap();
        assert_eq!(target.rows("SELECT line FROM texts"), [[text("it's \\ \u{1F600}")]]);
    }

    fn upserts_come_twice_without_harm(target) {
        for (topic, pairs) in [("u-key", vec![BY_KEY, ID]), ("u-value", vec![BY_VALUE, ID])] {
            let mut sink = sink(target, &[&pairs[..], &[CREATE, UPSERT]].concat());
            let records = [keyed(topic, 0, 1, Some("a")), keyed(topic, 1, 2, Some("b")), keyed(topic, 2, 1, Some("c"))];
            for _ in 0..2 {
                sink.put(&records).unwrap();
                assert_eq!(users(target, topic), named(&[(1, "c"), (2, "b")]), "{topic}");
            }
        }
        let mut sink = sink(target, &[CREATE, UPSERT, ("pk.mode", "kafka")]);
        for _ in 0..2 {
            sink.put(&[keyed("u-kafka", 0, 1, Some("a")), keyed("u-kafka", 1, 1, Some("a"))]).unwrap();
            assert_eq!(users(target, "u-kafka"), named(&[(1, "a"), (1, "a")]));
        }
    }

    fn an_upsert_keeps_columns_it_does_not_write(target) {
        let mut sink = sink(target, &[BY_KEY, ID, UPSERT]);
        target.run("CREATE TABLE kept (id BIGINT PRIMARY KEY, name VARCHAR(20), other VARCHAR(20) DEFAULT 'x')");
        sink.put(&[keyed("kept", 0, 1, Some("a"))]).unwrap();
        target.run("UPDATE kept SET other = 'mine'");
        sink.put(&[keyed("kept", 1, 1, Some("b"))]).unwrap();
        assert_eq!(target.rows("SELECT name, other FROM kept"), [[text("b"), text("mine")]]);
    }

    fn updates_change_only_what_is_there(target) {
        let mut sink = sink(target, &[BY_KEY, ID, ("insert.mode", "update")]);
        target.run("CREATE TABLE changed (id BIGINT PRIMARY KEY, name VARCHAR(20))");
        target.run("INSERT INTO changed VALUES (1, 'old'), (2, 'old')");
        sink.put(&[keyed("changed", 0, 1, Some("new")), keyed("changed", 1, 3, Some("new"))]).unwrap();
        assert_eq!(users(target, "changed"), named(&[(1, "new"), (2, "old")]));
    }

    fn deletes_follow_the_order_of_records(target) {
        let mut sink = sink(target, &[BY_KEY, ID, CREATE, UPSERT, ("delete.enabled", "true")]);
        // There is nothing to delete from yet.
        sink.put(&[keyed("gone", 0, 9, None)]).unwrap();
        assert!(!target.has_table("gone"));
        sink.put(&[
            keyed("gone", 1, 1, Some("a")),
            keyed("gone", 2, 2, Some("b")),
            keyed("gone", 3, 1, None),
            keyed("gone", 4, 3, None),
            keyed("gone", 5, 3, Some("c")),
            keyed("gone", 6, 2, None),
            keyed("gone", 7, 2, Some("again")),
        ]).unwrap();
        assert_eq!(users(target, "gone"), named(&[(2, "again"), (3, "c")]));
    }

    fn every_type_arrives(target) {
        let fields: Vec<(&str, SchemaBuilder, Value, SqlValue)> = vec![
            ("i8", SchemaBuilder::int8(), Value::int8(-128), int(-128)),
            ("i16", SchemaBuilder::int16(), Value::int16(i16::MAX), int(32_767)),
            ("i32", SchemaBuilder::int32(), Value::int32(i32::MIN), int(i32::MIN.into())),
            ("i64", SchemaBuilder::int64(), Value::int64(i64::MIN), int(i64::MIN)),
            ("f32", SchemaBuilder::float32(), Value::float32(0.1), SqlValue::Float(0.1)),
            ("f64", SchemaBuilder::float64(), Value::float64(-1.0e300), SqlValue::Double(-1.0e300)),
            ("flag", SchemaBuilder::boolean(), Value::boolean(true), SqlValue::Bool(true)),
            ("words", SchemaBuilder::string(), "na\u{ef}ve ' \" ` \\ \n \u{6f22}".into(),
             text("na\u{ef}ve ' \" ` \\ \n \u{6f22}")),
            ("raw", SchemaBuilder::bytes(), vec![0u8, 255, 39, 92].into(), SqlValue::Bytes(vec![0, 255, 39, 92])),
            ("price", SchemaBuilder::decimal(3), Value::decimal(vec![0xfb, 0x2e], 3),
             SqlValue::Decimal(Decimal { unscaled: BigInt::from(-1234), scale: 3 })),
            ("day", SchemaBuilder::date(), Value::date(19_109), SqlValue::Date(date(2022, 4, 27))),
            ("clock", SchemaBuilder::time(), Value::time(86_399_999), SqlValue::Time(86_399_999_000_000)),
            ("at", SchemaBuilder::timestamp(), Value::timestamp(1_651_051_906_123),
             SqlValue::DateTime(date(2022, 4, 27).at(9, 31, 46, 123_000_000))),
            ("fine", SchemaBuilder::int64(), Value::int64(1_651_051_906_123_456),
             SqlValue::DateTime(date(2022, 4, 27).at(9, 31, 46, 123_456_000))),
        ];
        let mut schema = SchemaBuilder::structure().field("id", SchemaBuilder::int32().build());
        let (mut full, mut empty) = (vec![Value::int32(1)], vec![Value::int32(2)]);
        let mut names = Vec::new();
        let mut expected = Vec::new();
        for (name, field, value, read) in fields {
            schema = schema.field(name, field.optional().build());
            full.push(value);
            empty.push(Value::NULL);
            names.push(name);
            expected.push(target.stored(read));
        }
        let schema = schema.build();
        let mut sink = sink(target, &[CREATE, BY_VALUE, ID, ("timestamp.fields.list", "fine")]);
        let row = |fields| Data::new(schema.clone(), Value::structure(schema.clone(), fields));
        sink.put(&[sink_record("types", 0, 0, row(full)), sink_record("types", 0, 1, row(empty))]).unwrap();
        assert_eq!(reported(&sink).into_iter().map(|(_, error)| error.to_string()).collect::<Vec<_>>(), [""; 0]);
        let shown: Vec<String> = names.iter().map(|name| target.shown(name)).collect();
        let rows = target.rows(&format!("SELECT {} FROM types ORDER BY id", shown.join(", ")));
        for (place, name) in names.iter().enumerate() {
            assert_eq!(rows[0][place], expected[place], "{name}");
        }
        assert!(rows[1].iter().all(SqlValue::is_null), "{rows:?}");
    }

    fn missing_columns_are_added_where_allowed(target) {
        target.run("CREATE TABLE wider (id BIGINT)");
        let mut strict = sink(target, &[]);
        strict.put(&[sink_record("wider", 0, 0, user(1, "a"))]).unwrap();
        let refused = reported(&strict);
        assert!(refused[0].1.message().contains("has no columns name"), "{refused:?}");

        let mut sink = sink(target, &[EVOLVE]);
        sink.put(&[sink_record("wider", 0, 0, user(1, "a"))]).unwrap();
        let schema = SchemaBuilder::structure()
            .field("id", SchemaBuilder::int64().build())
            .field("note", SchemaBuilder::string().default_value("it's 'so' \\").build())
            .field("NAME", SchemaBuilder::string().build())
            .build();
        let fields = vec![2i64.into(), "given".into(), "b".into()];
        let wide = Data::new(schema.clone(), Value::structure(schema, fields));
        sink.put(&[sink_record("wider", 0, 1, wide)]).unwrap();
        assert_eq!(reported(&sink).into_iter().map(|(_, error)| error.to_string()).collect::<Vec<_>>(), [""; 0]);
        assert_eq!(users(target, "wider"), named(&[(1, "a"), (2, "b")]));
        let notes = target.rows("SELECT note FROM wider ORDER BY id");
        assert_eq!(notes, [[text("it's 'so' \\")], [text("given")]]);
        let schema = SchemaBuilder::structure().field("must", SchemaBuilder::int8().build()).build();
        let demanding = Data::new(schema.clone(), Value::structure(schema, vec![1i8.into()]));
        sink.put(&[sink_record("wider", 0, 2, demanding)]).unwrap();
        let refused = reported(&sink);
        assert!(refused[0].1.message().contains("neither optional"), "{refused:?}");
    }

    fn a_missing_table_is_named(target) {
        let mut sink = sink(target, &[]);
        sink.put(&[sink_record("nowhere", 0, 0, user(1, "a"))]).unwrap();
        let refused = reported(&sink);
        assert!(refused[0].1.message().contains("Table nowhere is missing"), "{refused:?}");
    }

    fn bad_records_are_told_and_all_others_written(target) {
        target.run("CREATE TABLE picky (id BIGINT PRIMARY KEY, name VARCHAR(20) NOT NULL)");
        let mut sink = sink(target, &[BY_KEY, ID]);
        let mut records: Vec<Record> = (0..50).map(|id| keyed("picky", id, id, Some("a"))).collect();
        let schema = user_schema();
        records[17].value = Data::new(schema.clone(), Value::structure(schema, vec![17i64.into(), Value::NULL]));
        records[30] = keyed("picky", 30, 5, Some("again"));
        records[31].value = Data::NULL;
        sink.put(&records).unwrap();
        let told = reported(&sink);
        assert_eq!(told.iter().map(|(offset, _)| *offset).collect::<Vec<_>>(), [17, 30, 31]);
        let refused = told[1].1.message();
        assert!(refused.contains("offset 30 of picky-0") && refused.contains("Table picky"), "{refused}");
        let ids: Vec<i64> = users(target, "picky").into_iter().map(|(id, _)| id).collect();
        assert_eq!(ids, (0..50).filter(|id| ![17, 30, 31].contains(id)).collect::<Vec<_>>());
    }

    fn one_put_is_one_transaction_over_all_tables(target) {
        target.run("CREATE TABLE strict_one (id BIGINT PRIMARY KEY, name VARCHAR(20))");
        let mut sink = sink(target, &[CREATE]);
        // The second table takes the first record of the pair only when both are tried apart.
        let records = [
            keyed("other_one", 0, 1, Some("a")), keyed("strict_one", 0, 1, Some("a")), keyed("strict_one", 1, 1, Some("b")),
        ];
        sink.put(&records).unwrap();
        assert_eq!(reported(&sink).into_iter().map(|(offset, _)| offset).collect::<Vec<_>>(), [1]);
        // Rolled back with the first try, written once with the second.
        assert_eq!(users(target, "other_one"), named(&[(1, "a")]));
        assert_eq!(users(target, "strict_one"), named(&[(1, "a")]));
    }

    fn a_table_that_is_dropped_is_made_again(target) {
        let mut sink = sink(target, &[CREATE, EVOLVE]);
        sink.put(&[sink_record("dropped", 0, 0, user(1, "a"))]).unwrap();
        target.run("DROP TABLE dropped");
        sink.put(&[sink_record("dropped", 0, 1, user(2, "b"))]).unwrap();
        assert_eq!(users(target, "dropped"), named(&[(2, "b")]));
        target.run("DROP TABLE dropped");
        target.run("CREATE TABLE dropped (id BIGINT)");
        sink.put(&[sink_record("dropped", 0, 2, user(3, "c"))]).unwrap();
        assert_eq!(users(target, "dropped"), named(&[(3, "c")]));
        assert_eq!(reported(&sink).len(), 0);
    }

    fn kept_offsets_write_each_record_once(target) {
        let pairs = [CREATE, ("offsets.table", "sink_offsets"), ("name", "once")];
        let records: Vec<Record> = (0..6).map(|id| keyed("once", id, id, Some("a"))).collect();
        let ids = || users(target, "once").into_iter().map(|(id, _)| id).collect::<Vec<_>>();
        let mut first = sink(target, &pairs);
        first.put(&records[..3]).unwrap();
        // A task that was killed before its offsets were committed gets them again.
        let mut second = sink(target, &pairs);
        second.put(&records[..4]).unwrap();
        assert_eq!(ids(), [0, 1, 2, 3]);
        // The first one does not know that the partition is not its own any more.
        let behind = first.put(&records[3..5]);
        if let Err(error) = behind {
            assert!(error.message().contains("another task wrote once-0"), "{error}");
            first.put(&records[3..5]).unwrap();
        }
        assert_eq!(ids(), [0, 1, 2, 3, 4]);
        let retried = second.put(&records[4..]).or_else(|_| second.put(&records[4..]));
        retried.unwrap();
        assert_eq!(ids(), [0, 1, 2, 3, 4, 5]);
        // Another connector has offsets of its own.
        let mut other = sink(target, &[CREATE, ("offsets.table", "sink_offsets"), ("name", "ONCE")]);
        other.put(&records[..1]).unwrap();
        assert_eq!(ids(), [0, 0, 1, 2, 3, 4, 5]);
    }

    fn kept_offsets_wait_for_reports(target) {
        target.run("CREATE TABLE awaited (id BIGINT PRIMARY KEY, name VARCHAR(20))");
        let pairs = [("offsets.table", "sink_offsets"), ("name", "awaited")];
        let ids = || users(target, "awaited").into_iter().map(|(id, _)| id).collect::<Vec<_>>();
        // The second is bad: it has the key of the first.
        let records: Vec<Record> =
            [1, 1, 2, 3].into_iter().enumerate().map(|(at, id)| keyed("awaited", at as i64, id, Some("a"))).collect();
        let mut refused = harness(target, &pairs).with_reports(ReportState::FAILED);
        refused.start().unwrap();
        let error = refused.put(&records).unwrap_err();
        assert!(error.message().contains("offset 1 of awaited-0 could not be reported"), "{error}");
        assert_eq!(ids(), [1]);
        let mut slow = harness(target, &pairs).with_reports(ReportState::PENDING);
        slow.start().unwrap();
        slow.stop_while_putting(records.clone(), || ()).unwrap();
        assert_eq!(ids(), [1]);
        // Nothing is lost: whoever comes next tells the bad one again.
        let mut next = sink(target, &pairs);
        next.put(&records).unwrap();
        assert_eq!(reported(&next).into_iter().map(|(offset, _)| offset).collect::<Vec<_>>(), [1]);
        assert_eq!(ids(), [1, 2, 3]);
    }

    fn keys_that_differ_in_case_are_two(target) {
        let mut sink = sink(target, &[CREATE, UPSERT, BY_KEY, ("pk.fields", "code")]);
        let record = |(offset, key): (i64, &str)| {
            let mut record = keyed("codes", offset, offset, Some("x"));
            record.key = Data::new(SchemaBuilder::string().build(), key);
            record
        };
        let records: Vec<Record> = (0..).zip(["a", "A", "\u{e4}", "\u{c4}", "a"]).map(record).collect();
        sink.put(&records).unwrap();
        assert_eq!(target.rows("SELECT count(*) FROM codes"), [[int(4)]]);
        assert_eq!(target.rows("SELECT id FROM codes WHERE code = 'a'"), [[int(4)]]);
    }

    fn a_row_waits_for_the_one_it_refers_to(target) {
        if target.database == Database::Sqlite {
            target.url.push_str("?foreign_keys=on");
        }
        target.run("CREATE TABLE parent (id BIGINT PRIMARY KEY, name VARCHAR(20))");
        target.run(
            "CREATE TABLE child (id BIGINT PRIMARY KEY, name VARCHAR(20), FOREIGN KEY (id) REFERENCES parent (id))",
        );
        let mut sink = sink(target, &[BY_KEY, ID]);
        let child = [keyed("child", 0, 1, Some("a"))];
        let error = sink.put(&child).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::RETRIABLE, "{error}");
        target.run("INSERT INTO parent VALUES (1, 'p')");
        sink.put(&child).unwrap();
        assert_eq!(users(target, "child"), named(&[(1, "a")]));
        assert_eq!(reported(&sink).len(), 0);
    }

    fn a_lock_that_others_hold_is_waited_for(target) {
        target.wait_for_locks_briefly();
        target.run("CREATE TABLE locked (id BIGINT PRIMARY KEY, name VARCHAR(20))");
        target.run("INSERT INTO locked VALUES (1, 'old')");
        let mut sink = sink(target, &[BY_KEY, ID, UPSERT]);
        let mut other = target.connect();
        other.begin(Isolation::ServerDefault).unwrap();
        other.execute("UPDATE locked SET name = 'theirs'", &[]).unwrap();
        let records = [keyed("locked", 0, 2, Some("b")), keyed("locked", 1, 1, Some("ours"))];
        let error = sink.put(&records).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::RETRIABLE, "{error}");
        other.commit().unwrap();
        sink.put(&records).unwrap();
        assert_eq!(users(target, "locked"), named(&[(1, "ours"), (2, "b")]));
        assert_eq!(reported(&sink).len(), 0);
    }

    fn retries_come_to_an_end(target) {
        target.wait_for_locks_briefly();
        target.run("CREATE TABLE held (id BIGINT PRIMARY KEY, name VARCHAR(20))");
        target.run("INSERT INTO held VALUES (1, 'old')");
        let mut sink = sink(target, &[BY_KEY, ID, UPSERT]);
        let mut other = target.connect();
        other.begin(Isolation::ServerDefault).unwrap();
        other.execute("UPDATE held SET name = 'theirs'", &[]).unwrap();
        let records = [keyed("held", 0, 1, Some("ours"))];
        let kinds = [(); 3].map(|()| sink.put(&records).unwrap_err().kind());
        assert_eq!(kinds, [ErrorKind::RETRIABLE, ErrorKind::RETRIABLE, ErrorKind::FATAL]);
        // No record is to blame.
        assert_eq!(reported(&sink).len(), 0);
    }

    fn without_a_place_for_bad_records_the_task_fails(target) {
        target.run("CREATE TABLE strict (id BIGINT PRIMARY KEY, name VARCHAR(20))");
        let mut sink = harness(target, &[CREATE]).without_reports();
        sink.start().unwrap();
        let records = [keyed("before", 0, 1, Some("a")), keyed("strict", 0, 1, Some("a")), keyed("strict", 1, 1, Some("b"))];
        let error = sink.put(&records).unwrap_err();
        assert_ne!(error.kind(), ErrorKind::RETRIABLE, "{error}");
        // All or nothing.
        assert_eq!(users(target, "strict"), []);
        assert_eq!(users(target, "before"), []);
        // What may pass is tried again as often as the user says, and no more.
        target.run("DROP TABLE strict");
        target.run("CREATE TABLE strict (id BIGINT PRIMARY KEY)");
        let kinds = (0..3).map(|_| sink.put(&[keyed("strict", 0, 1, Some("a"))]).unwrap_err().kind());
        assert_eq!(kinds.collect::<Vec<_>>(), [ErrorKind::DATA; 3]);
    }

    fn names_are_never_read_as_sql(target) {
        let odd = ["select", "with space", "hy-phen", "quo\"te", "back`tick", "it's", "\u{6f22}\u{5b57}", "semi;colon",
                   "x) VALUES (1); DROP TABLE victim; --", "?", "$1", "{}", "a=b"];
        target.run("CREATE TABLE victim (id INT)");
        let mut schema = SchemaBuilder::structure();
        for name in odd {
            schema = schema.field(name, SchemaBuilder::string().build());
        }
        let schema = schema.build();
        let fields: Vec<Value> = odd.iter().map(|name| (*name).into()).collect();
        let record = Data::new(schema.clone(), Value::structure(schema, fields));
        for table in ["mysql-main_orderinfo", "order", "t\"; DROP TABLE victim; --", "t`; DROP TABLE victim; --"] {
            let mut sink = sink(target, &[CREATE, UPSERT, BY_VALUE, ("pk.fields", "with space"), ("table.name.format", table)]);
            sink.put(&[sink_record("topic", 0, 0, record.clone()), sink_record("topic", 0, 1, record.clone())]).unwrap();
            assert_eq!(reported(&sink).into_iter().map(|(_, error)| error.to_string()).collect::<Vec<_>>(), [""; 0]);
            assert_eq!(target.columns(table).len(), odd.len(), "{table}");
            sink.stop().unwrap();
        }
        assert!(target.has_table("victim"));
    }
}

/// A lock stops the sink while it tells bad records from good ones: what it wrote and told before stays as it is.
fn goes_on_where_it_was(kind: Kind) {
    let mut target = Target::shared(kind, "goes_on");
    target.wait_for_locks_briefly();
    target.run("CREATE TABLE plain (id BIGINT, name VARCHAR(20))");
    target.run("CREATE TABLE picky (id BIGINT NOT NULL, name VARCHAR(1))");
    target.run("CREATE TABLE held (id BIGINT PRIMARY KEY, name VARCHAR(20))");
    let mut sink = sink(&target, &[]);
    let mut other = target.connect();
    other.begin(Isolation::ServerDefault).unwrap();
    other.execute("INSERT INTO held VALUES (1, 'theirs')", &[]).unwrap();
    let records = ["plain", "picky", "held"].map(|topic| keyed(topic, 7, 1, Some("long")));
    let error = sink.put(&records).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RETRIABLE, "{error}");
    assert_eq!(users(&target, "plain"), named(&[(1, "long")]));
    other.rollback().unwrap();
    sink.put(&records).unwrap();
    assert_eq!(reported(&sink).into_iter().map(|(offset, _)| offset).collect::<Vec<_>>(), [7]);
    assert_eq!(users(&target, "plain"), named(&[(1, "long")]));
    assert_eq!(users(&target, "held"), named(&[(1, "long")]));
}

#[test]
fn mariadb_goes_on_where_it_was() {
    goes_on_where_it_was(Kind::MariaDb);
}

#[test]
fn postgresql_goes_on_where_it_was() {
    goes_on_where_it_was(Kind::Postgres);
}

/// A server that is killed and comes back while records are put: nothing is lost, and with upserts nothing is twice.
fn survives_kills(kind: Kind) {
    let mut server = Server::start(kind);
    let target = Target::on(kind, &server, "killed");
    let more = [("max.retries", "1000"), ("retry.backoff.ms", "20"), ("connection.attempts", "1")];
    let mut upsert = sink(&target, &[&more[..], &[CREATE, UPSERT, BY_KEY, ID]].concat());
    let mut once = sink(&target, &[&more[..], &[CREATE, ("offsets.table", "kept"), ("name", "k")]].concat());
    let batch = |topic: &str, number: i64| -> Vec<Record> {
        (number * 100..(number + 1) * 100).map(|id| keyed(topic, id, id, Some("a"))).collect()
    };
    for number in 0..9 {
        let (killed, restarted) = std::sync::mpsc::channel();
        std::thread::scope(|scope| {
            if number % 3 == 1 {
                let server = &mut server;
                scope.spawn(move || {
                    server.kill();
                    server.restart();
                    killed.send(()).unwrap();
                });
            } else {
                killed.send(()).unwrap();
            }
            for (sink, topic) in [(&mut upsert, "upserted"), (&mut once, "exactly")] {
                // The worker gives the same records again after a retriable error.
                while let Err(error) = sink.put(&batch(topic, number)) {
                    assert_eq!(error.kind(), ErrorKind::RETRIABLE, "{error}");
                }
            }
        });
        restarted.recv().unwrap();
    }
    for (sink, topic) in [(&upsert, "upserted"), (&once, "exactly")] {
        assert_eq!(reported(sink).len(), 0);
        let ids: Vec<i64> = users(&target, topic).into_iter().map(|(id, _)| id).collect();
        assert_eq!(ids, (0..900).collect::<Vec<_>>(), "{topic}");
    }
}

#[test]
fn nothing_is_lost_when_mariadb_is_killed() {
    survives_kills(Kind::MariaDb);
}

#[test]
fn nothing_is_lost_when_postgresql_is_killed() {
    survives_kills(Kind::Postgres);
}

/// One text for each column that is there already, of types that records do not have.
fn texts_arrive(kind: Kind, table: &str, columns: &[(&str, &str, &str)]) {
    let target = Target::shared(kind, table);
    let definitions: Vec<String> = columns.iter().map(|(name, kind, _)| format!("{name} {kind}")).collect();
    target.run(&format!("CREATE TABLE {table} (id BIGINT PRIMARY KEY, {})", definitions.join(", ")));
    let mut schema = SchemaBuilder::structure().field("id", SchemaBuilder::int64().build());
    for (name, ..) in columns {
        schema = schema.field(*name, SchemaBuilder::string().optional().build());
    }
    let schema = schema.build();
    let row = |id: i64, text: fn(&str) -> Value| {
        let texts = columns.iter().map(|(.., given)| text(given));
        Data::new(
            schema.clone(),
            Value::structure(schema.clone(), [id.into()].into_iter().chain(texts).collect::<Vec<_>>()),
        )
    };
    let mut sink = sink(&target, &[UPSERT, BY_VALUE, ID]);
    sink.put(&[
        sink_record(table, 0, 0, row(1, |text| text.into())),
        sink_record(table, 0, 1, row(2, |_| Value::NULL)),
    ])
    .unwrap();
    assert_eq!(reported(&sink).into_iter().map(|(_, error)| error.to_string()).collect::<Vec<_>>(), [""; 0]);
    for (name, _, given) in columns {
        let same = target.rows(&format!("SELECT count(*) FROM {table} WHERE {name} = '{given}'"));
        assert_eq!(same, [[int(1)]], "{name}");
    }
}

/// Keys that are two as texts of records and one as numbers of the table.
#[test]
fn keys_that_are_one_for_postgresql_only() {
    let target = Target::shared(Kind::Postgres, "one_key");
    target.run("CREATE TABLE numbers (code BIGINT PRIMARY KEY, id BIGINT, name TEXT)");
    let records = [(0, "7"), (1, "07")].map(|(offset, key)| {
        let mut record = keyed("numbers", offset, offset, Some("x"));
        record.key = Data::new(SchemaBuilder::string().build(), key);
        record
    });
    let pairs = [UPSERT, BY_KEY, ("pk.fields", "code")];
    let mut strict = harness(&target, &pairs).without_reports();
    strict.start().unwrap();
    let error = strict.put(&records).unwrap_err();
    assert!(error.message().contains("reWriteBatchedInserts=false"), "{error}");
    // Where bad records are told apart both are written, for neither is bad.
    let mut sink = sink(&target, &pairs);
    sink.put(&records).unwrap();
    assert_eq!(reported(&sink).len(), 0);
    assert_eq!(target.rows("SELECT id FROM numbers"), [[int(1)]]);
}

#[test]
fn texts_arrive_in_columns_of_mariadb() {
    let columns = [
        ("document", "JSON", r#"{"a": 1}"#),
        ("choice", "ENUM('x','y')", "y"),
        ("amount", "DECIMAL(10,2)", "12.50"),
        ("day", "DATE", "2022-04-27"),
        ("at", "DATETIME(6)", "2022-04-27 09:31:46.123456"),
        ("count", "INT UNSIGNED", "4000000000"),
    ];
    texts_arrive(Kind::MariaDb, "odd_types", &columns);
}

#[test]
fn texts_arrive_in_columns_of_postgresql() {
    let columns = [
        ("document", "JSONB", r#"{"a": 1}"#),
        ("ident", "UUID", "123e4567-e89b-12d3-a456-426614174000"),
        ("amount", "NUMERIC(10,2)", "12.50"),
        ("day", "DATE", "2022-04-27"),
        ("at", "TIMESTAMPTZ", "2022-04-27 09:31:46.123456+02"),
        ("net", "INET", "10.0.0.1"),
        ("span", "INTERVAL", "1 day 02:00:00"),
    ];
    texts_arrive(Kind::Postgres, "odd_types", &columns);
}

#[test]
fn a_wrong_password_is_said_at_once_and_not_shown() {
    let mut target = Target::shared(Kind::MariaDb, "wrong_password");
    target.url = target.url.replace("password=", "password=hunter2");
    let error = harness(&target, &[]).start().unwrap_err();
    assert!(error.message().contains("Access denied"), "{error}");
    assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
}

#[test]
fn keys_that_contradict_each_other_are_refused() {
    let library = testkit::library!(ferroconnect_jdbc);
    let wrong = |pairs: &[(&str, &str)]| -> Vec<String> {
        let mut config = Config::from([("connection.url", "jdbc:sqlite::memory:")]);
        for (key, value) in pairs {
            config.set(key, value);
        }
        let sink = SinkHarness::new(&library, CLASS, config);
        sink.validate().unwrap().into_iter().map(|value| value.name.to_string()).collect()
    };
    assert_eq!(wrong(&[]), [""; 0]);
    assert_eq!(wrong(&[UPSERT]), ["pk.mode"]);
    assert_eq!(wrong(&[("delete.enabled", "true")]), ["delete.enabled", "pk.mode"]);
    assert_eq!(wrong(&[("connection.url", "jdbc:oracle:thin:@h")]), ["connection.url"]);
}
