//! The source on real MariaDB, PostgreSQL and SQLite.

mod deletes;
mod faults;
mod gaps;
mod modes;
mod remade;
mod times;
mod types;

use ferroconnect_jdbc::db::Connection;
use ferroconnect_jdbc::settings::{ConnectionSettings, keys};
use ferroconnect_plugin_sdk::abi::info::PluginKind;
use ferroconnect_plugin_sdk::testkit::{self, PATIENCE, SourceHarness, SourceRead};
use ferroconnect_plugin_sdk::{Config, ConfigDef, StopSignal, StructValue, Value, ValueRef};
use ferroconnect_test_servers::{Kind, Server};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;
use tempfile::TempDir;

pub const CLASS: &str = "io.confluent.connect.jdbc.JdbcSourceConnector";

/// A database of one test.
pub struct Db {
    pub kind: Option<Kind>,
    pub url: String,
    connection: Box<dyn Connection>,
    _folder: Option<TempDir>,
}

impl Db {
    /// One on each of the three.
    pub fn all() -> [Db; 3] {
        [Db::sqlite(), Db::on(Kind::MariaDb), Db::on(Kind::Postgres)]
    }

    pub fn sqlite() -> Db {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let url = format!("jdbc:sqlite:{}", folder.path().join("db").display());
        Db { kind: None, connection: connect(&url), url, _folder: Some(folder) }
    }

    /// A new database on the shared server.
    pub fn on(kind: Kind) -> Db {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let server = Server::shared(kind);
        let name = format!("source_{}", NEXT.fetch_add(1, Ordering::Relaxed));
        connect(&server.url(first_database(kind)))
            .execute(&format!("CREATE DATABASE {name}"), &[])
            .expect("a database can be made");
        let url = server.url(&name);
        Db { kind: Some(kind), connection: connect(&url), url, _folder: None }
    }

    pub fn run(&mut self, sql: &str) {
        self.connection.execute(sql, &[]).unwrap_or_else(|error| panic!("{sql}: {error}"));
    }

    /// The type of a column that the database counts up, as primary key.
    pub fn counted(&self) -> &'static str {
        match self.kind {
            None => "INTEGER PRIMARY KEY AUTOINCREMENT",
            Some(Kind::MariaDb) => "BIGINT AUTO_INCREMENT PRIMARY KEY",
            Some(Kind::Postgres) => "BIGSERIAL PRIMARY KEY",
        }
    }

    pub fn source(&self, pairs: &[(&str, &str)]) -> SourceHarness {
        SourceHarness::new(&testkit::library!(ferroconnect_jdbc), CLASS, config(&self.url, pairs))
    }

    /// A source that has been started.
    pub fn started(&self, pairs: &[(&str, &str)]) -> SourceHarness {
        let mut source = self.source(pairs);
        source.start().expect("it starts");
        source
    }
}

/// The database that a server has to begin with.
pub fn first_database(kind: Kind) -> &'static str {
    match kind {
        Kind::MariaDb => "test",
        Kind::Postgres => "postgres",
    }
}

/// A configuration that looks often.
pub fn config(url: &str, pairs: &[(&str, &str)]) -> Config {
    let mut config = Config::from([
        (keys::URL, url),
        (keys::BACKOFF, "200"),
        (keys::ATTEMPTS, "2"),
        ("poll.interval.ms", "100"),
        ("poll.linger.ms", "200"),
        ("table.poll.interval.ms", "100"),
    ]);
    for (key, value) in pairs {
        config.set(key, value);
    }
    config
}

pub fn connect(url: &str) -> Box<dyn Connection> {
    let def = ConnectionSettings::define(ConfigDef::new(), "Database", None);
    let settings =
        ConnectionSettings::parse(&def.fill(&Config::from([(keys::URL, url)]).to_pairs())).expect("the URL is right");
    settings.connect(&StopSignal::default()).unwrap_or_else(|error| panic!("{error}"))
}

/// Polls until so many records came, on a machine that may be busy.
pub fn poll(source: &mut SourceHarness, count: usize) -> Vec<SourceRead> {
    let deadline = Instant::now() + PATIENCE * 12;
    let mut reads = Vec::new();
    while reads.len() < count {
        assert!(Instant::now() < deadline, "{} of {count} records came: {:?}", reads.len(), source.log());
        reads.extend(source.poll().expect("it goes on"));
    }
    reads
}

/// The examples name nothing that is not there.
#[test]
fn examples_are_valid() {
    let library = testkit::library!(ferroconnect_jdbc);
    let mut found = 0;
    for entry in std::fs::read_dir("examples").unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let example: serde_json::Value = serde_json::from_str(&text).unwrap();
        let mut config = Config::default();
        for (key, value) in example["config"].as_object().unwrap() {
            config.set(key, value.as_str().unwrap());
        }
        let class = config.text("connector.class").unwrap();
        if !class.contains("Source") {
            continue;
        }
        found += 1;
        let keys = &library.plugin(PluginKind::SOURCE, class).config.keys;
        let own = ["connector.class", "tasks.max"];
        let unknown = config.iter().find(|(key, _)| !own.contains(key) && !keys.iter().any(|known| known.name == *key));
        assert_eq!(unknown, None, "{path:?}");
        // That the server is not there does not count.
        let wrong = SourceHarness::new(&library, class, config.clone()).validate().unwrap();
        assert!(wrong.is_empty(), "{path:?}: {wrong:?}");
    }
    assert_eq!(found, 3);
}

pub fn record(read: &SourceRead) -> &StructValue {
    let ValueRef::Struct(record) = read.record.value.value.view() else { panic!("{read:?}") };
    record
}

pub fn field<'a>(read: &'a SourceRead, name: &str) -> &'a Value {
    record(read).get(name).unwrap_or_else(|| panic!("no {name} in {read:?}"))
}

pub fn ids(reads: &[SourceRead]) -> Vec<i64> {
    reads.iter().map(|read| field(read, "id").as_integer().expect("a number")).collect()
}
