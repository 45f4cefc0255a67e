//! What becomes of source and sink when something goes wrong around them, on real MariaDB and PostgreSQL.
#![allow(clippy::unwrap_used, reason = "tests")]

mod accounts;
mod commits;
mod locks;
mod tables;
#[path = "../targets/mod.rs"]
#[allow(dead_code, unused_imports, unused_macros, reason = "the tests of the sink use the rest")]
mod targets;
mod values;

use ferroconnect_jdbc::db::{Connection, SqlValue};
use ferroconnect_jdbc::dialect::Database;
use ferroconnect_jdbc::settings::ConnectionSettings;
use ferroconnect_plugin_sdk::testkit::{self, PATIENCE, SinkHarness, SourceHarness, SourceRead, sink_record};
use ferroconnect_plugin_sdk::{
    Config, Data, Error, ErrorKind, Record, Schema, SchemaBuilder, Shared, StopSignal, StructValue, Value, ValueRef,
};
use std::time::{Duration, Instant};
use targets::Target;

/// Retries at once, and not often.
const IMPATIENT: [(&str, &str); 4] =
    [("retry.backoff.ms", "0"), ("max.retries", "2"), ("connection.attempts", "1"), ("connection.backoff.ms", "50")];
/// Upserts by the record's key.
const UPSERT: [(&str, &str); 3] = [("insert.mode", "upsert"), ("pk.mode", "record_key"), ("pk.fields", "id")];
/// New rows of the table `users`.
const INCREMENTING: [(&str, &str); 3] =
    [("mode", "incrementing"), ("incrementing.column.name", "id"), ("table.whitelist", "users")];
const USERS: &str = "CREATE TABLE users (id BIGINT PRIMARY KEY, name VARCHAR(20))";

/// Runs each function as a test on both servers.
macro_rules! on_both {
    ($(fn $name:ident($kind:ident) $body:block)*) => {
        $(fn $name($kind: ferroconnect_test_servers::Kind) $body)*
        mod mariadb {
            $(#[test]
            fn $name() {
                super::$name(ferroconnect_test_servers::Kind::MariaDb);
            })*
        }
        mod postgres {
            $(#[test]
            fn $name() {
                super::$name(ferroconnect_test_servers::Kind::Postgres);
            })*
        }
    };
}
pub(crate) use on_both;

/// The SQL that one of both servers wants.
fn sql_of<'a>(target: &Target, mariadb: &'a str, postgres: &'a str) -> &'a str {
    if target.database == Database::MySql { mariadb } else { postgres }
}

/// A URL with one parameter more.
fn with(url: &str, parameter: &str) -> String {
    format!("{url}&{parameter}")
}

fn config(url: &str, pairs: &[&[(&str, &str)]]) -> Config {
    let mut config = Config::from([("connection.url", url)]);
    for (key, value) in pairs.iter().copied().flatten() {
        config.set(key, value);
    }
    config
}

fn connect(url: &str) -> Box<dyn Connection> {
    ConnectionSettings::parse(&config(url, &[&IMPATIENT])).unwrap().connect(&StopSignal::default()).unwrap()
}

/// A sink that has been started.
fn sink(url: &str, pairs: &[&[(&str, &str)]]) -> SinkHarness {
    let config = config(url, &[&IMPATIENT, &pairs.concat()]);
    let class = "io.confluent.connect.jdbc.JdbcSinkConnector";
    let mut sink = SinkHarness::new(&testkit::library!(ferroconnect_jdbc), class, config);
    sink.start().unwrap();
    sink
}

/// A source that has been started and looks often.
fn source(url: &str, pairs: &[&[(&str, &str)]]) -> SourceHarness {
    let often = [("poll.interval.ms", "100"), ("poll.linger.ms", "100"), ("table.poll.interval.ms", "100")];
    let config = config(url, &[&IMPATIENT[2..], &often, &pairs.concat()]);
    let class = "io.confluent.connect.jdbc.JdbcSourceConnector";
    let mut source = SourceHarness::new(&testkit::library!(ferroconnect_jdbc), class, config);
    source.start().unwrap();
    source
}

/// The record of a user: the key is the id, and so is the offset.
fn user(id: i64, name: &str) -> Record {
    let schema = user_schema();
    let value = Data::new(schema.clone(), Value::structure(schema, vec![id.into(), name.into()]));
    let mut record = sink_record("users", 0, id, value);
    record.key = Data::new(SchemaBuilder::int64().build(), id);
    record
}

fn user_schema() -> Shared<Schema> {
    let name = SchemaBuilder::string().optional().build();
    SchemaBuilder::structure().field("id", SchemaBuilder::int64().build()).field("name", name).build()
}

/// What is in the table `users`.
fn users(target: &Target) -> Vec<String> {
    let rows = target.rows("SELECT id, name FROM users ORDER BY id");
    rows.into_iter().map(|row| format!("{row:?}")).collect()
}

/// The same, of users with these ids and names.
fn named(expected: &[(i64, &str)]) -> Vec<String> {
    let row = |&(id, name): &(i64, &str)| format!("{:?}", [SqlValue::Int(id), SqlValue::Text(name.to_owned())]);
    expected.iter().map(row).collect()
}

/// Puts records as a worker does it, until they are written or the task fails.
fn failure_of_sink(sink: &mut SinkHarness, records: &[Record]) -> Error {
    for _ in 0..=2 {
        match sink.put(records) {
            Err(error) if error.kind() == ErrorKind::RETRIABLE => {}
            other => return other.unwrap_err(),
        }
    }
    panic!("it was tried again more often than max.retries says: {:?}", sink.log())
}

/// The offsets of records that were told as bad, and why.
fn told(sink: &SinkHarness) -> Vec<(i64, String)> {
    let told = |(record, error): (Record, Error)| (record.origin.offset, error.message().to_owned());
    sink.take_requests().reported.into_iter().map(told).collect()
}

fn failure_of_source(source: &mut SourceHarness) -> Error {
    let deadline = Instant::now() + PATIENCE * 12;
    while Instant::now() < deadline {
        if let Err(error) = source.poll() {
            return error;
        }
    }
    panic!("it does not fail: {:?}", source.log())
}

/// Polls until so many records came, on a machine that may be busy.
fn poll(source: &mut SourceHarness, count: usize) -> Vec<SourceRead> {
    let deadline = Instant::now() + PATIENCE * 12;
    let mut reads = Vec::new();
    while reads.len() < count {
        assert!(Instant::now() < deadline, "{} of {count} records came: {:?}", reads.len(), source.log());
        reads.extend(source.poll().unwrap());
    }
    reads
}

fn row_of(read: &SourceRead) -> &StructValue {
    let ValueRef::Struct(row) = read.record.value.value.view() else { panic!("{read:?}") };
    row
}

fn field<'a>(read: &'a SourceRead, name: &str) -> &'a Value {
    row_of(read).get(name).unwrap_or_else(|| panic!("no {name} in {read:?}"))
}

/// Waits for what another thread or the server does. Not more often than a tenth of a second: InnoDB shows the same list
/// of transactions to whoever asks so often.
fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE * 12;
    while !condition() {
        assert!(Instant::now() < deadline, "{what} does not come");
        std::thread::sleep(Duration::from_millis(150));
    }
}
