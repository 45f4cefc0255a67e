//! An empty database on each of the three servers, for each test that asks.

use ferroconnect_jdbc::db::{Column, Connection, DbError, DbResult, SqlValue, query_all};
use ferroconnect_jdbc::settings::{ConnectionSettings, keys};
use ferroconnect_plugin_sdk::{Config, StopSignal};
use ferroconnect_test_servers::{Kind, Server};
use std::sync::atomic::{AtomicU32, Ordering};

static NUMBER: AtomicU32 = AtomicU32::new(0);

/// The JDBC URL of a new, empty database.
pub(crate) fn new_database(kind: Kind) -> String {
    let server = Server::shared(kind);
    let name = format!("db{}", NUMBER.fetch_add(1, Ordering::Relaxed));
    let first = match kind {
        Kind::MariaDb => "test",
        Kind::Postgres => "postgres",
    };
    connect(&server.url(first)).execute(&format!("CREATE DATABASE {name}"), &[]).unwrap();
    server.url(&name)
}

/// Runs a test on each database; the first argument tells them apart in messages.
pub(crate) fn on_each(test: impl Fn(&str, &str)) {
    let folder = tempfile::TempDir::new().unwrap();
    test("sqlite", &format!("jdbc:sqlite:{}", folder.path().join("test.db").display()));
    test("mysql", &new_database(Kind::MariaDb));
    test("postgres", &new_database(Kind::Postgres));
}

pub(crate) fn settings(url: &str, more: &[(&str, &str)]) -> ConnectionSettings {
    let mut config = Config::from([(keys::URL, url), (keys::ATTEMPTS, "1")]);
    for (key, value) in more {
        config.set(key, value);
    }
    ConnectionSettings::parse(&config).unwrap()
}

pub(crate) fn try_connect(url: &str) -> DbResult<Box<dyn Connection>> {
    settings(url, &[]).connect(&StopSignal::default())
}

/// A URL with one parameter more.
pub(crate) fn with(url: &str, parameter: &str) -> String {
    format!("{url}{}{parameter}", if url.contains('?') { '&' } else { '?' })
}

/// Why a connection cannot be made.
pub(crate) fn refusal(url: &str) -> DbError {
    match try_connect(url) {
        Ok(_) => panic!("connected"),
        Err(error) => error,
    }
}

pub(crate) fn connect(url: &str) -> Box<dyn Connection> {
    try_connect(url).unwrap_or_else(|error| panic!("{error}"))
}

pub(crate) fn run(connection: &mut dyn Connection, sql: &str) {
    connection.execute(sql, &[]).unwrap_or_else(|error| panic!("{sql}: {error}"));
}

pub(crate) fn rows(connection: &mut dyn Connection, sql: &str) -> Vec<Vec<SqlValue>> {
    columns_and_rows(connection, sql).1
}

pub(crate) fn columns_and_rows(connection: &mut dyn Connection, sql: &str) -> (Vec<Column>, Vec<Vec<SqlValue>>) {
    query_all(connection, sql, &[]).unwrap_or_else(|error| panic!("{sql}: {error}"))
}

pub(crate) fn text(text: &str) -> SqlValue {
    SqlValue::Text(text.to_owned())
}
