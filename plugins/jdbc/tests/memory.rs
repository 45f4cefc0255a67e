//! A large result is read in little memory: it is in a program of its own, so that nothing else counts.
#![allow(clippy::unwrap_used, reason = "tests")]

use ferroconnect_jdbc::db::{Column, Ended, RowSink, SqlValue};
use ferroconnect_jdbc::settings::{ConnectionSettings, keys};
use ferroconnect_plugin_sdk::{Config, StopSignal};
use ferroconnect_test_servers::{Kind, Server};
use std::ops::ControlFlow;
use std::time::Duration;

const ROWS: usize = 1_000_000;
/// Bytes of the text in each row.
const WIDTH: usize = 300;
/// What a result that was kept whole would need many times over, in kB.
const ENOUGH: usize = 40 * 1024;

/// Counts rows, and is slow now and then, so that the server gets ahead.
#[derive(Default)]
struct Slow {
    rows: usize,
    bytes: usize,
}

impl RowSink for Slow {
    fn columns(&mut self, _: &[Column]) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    fn row(&mut self, row: &mut Vec<SqlValue>) -> ControlFlow<()> {
        self.rows += 1;
        self.bytes +=
            row.iter().map(|value| if let SqlValue::Text(text) = value { text.len() } else { 0 }).sum::<usize>();
        if self.rows.is_multiple_of(100_000) {
            std::thread::sleep(Duration::from_millis(100));
        }
        ControlFlow::Continue(())
    }
}

/// The most memory that this process ever had, in kB.
fn peak() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

fn read(url: &str, sql: &str) {
    let settings = ConnectionSettings::parse(&Config::from([(keys::URL, url)])).unwrap();
    let mut connection = settings.connect(&StopSignal::default()).unwrap();
    let before = peak();
    let mut sink = Slow::default();
    assert_eq!(connection.query(sql, &[], &mut sink).unwrap(), Ended::AtEnd);
    assert_eq!((sink.rows, sink.bytes), (ROWS, ROWS * WIDTH), "{url}");
    let grown = peak() - before;
    assert!(grown < ENOUGH, "{url}: {grown} kB more");
}

#[test]
fn a_large_result_is_read_in_little_memory() {
    let postgres = Server::start(Kind::Postgres);
    read(&postgres.url("postgres"), &format!("SELECT i, repeat('x', {WIDTH}) FROM generate_series(1, {ROWS}) i"));
    let mariadb = Server::start(Kind::MariaDb);
    read(&mariadb.url("test"), &format!("SELECT seq, repeat('x', {WIDTH}) FROM seq_1_to_{ROWS}"));
    let numbers = format!("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {ROWS})");
    read("jdbc:sqlite::memory:", &format!("{numbers} SELECT i, printf('%.{WIDTH}c', 'x') FROM n"));
}
