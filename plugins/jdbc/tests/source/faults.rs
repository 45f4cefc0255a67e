//! What goes wrong: servers that die, long queries at stop, wrong configurations.

use super::{CLASS, Db, config, connect, first_database, ids, poll};
use ferroconnect_plugin_sdk::testkit::{self, PATIENCE, SourceHarness};
use ferroconnect_plugin_sdk::{ConfigValue, Error};
use ferroconnect_test_servers::{Kind, PASSWORD, Server};
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

const ROWS: i64 = 60_000;

#[test]
fn no_row_is_lost_when_the_server_is_killed_in_mid_read() {
    for kind in [Kind::MariaDb, Kind::Postgres] {
        let mut server = Server::start(kind);
        let url = server.url(first_database(kind));
        let mut connection = connect(&url);
        connection.execute("CREATE TABLE big (id BIGINT PRIMARY KEY, filler VARCHAR(300) NOT NULL)", &[]).unwrap();
        let rows = match kind {
            Kind::MariaDb => format!("SELECT seq, REPEAT('x', 250) FROM seq_1_to_{ROWS}"),
            Kind::Postgres => format!("SELECT n, REPEAT('x', 250) FROM generate_series(1, {ROWS}) AS n"),
        };
        connection.execute(&format!("INSERT INTO big {rows}"), &[]).unwrap();
        drop(connection);
        let settings = [("mode", "incrementing"), ("incrementing.column.name", "id"), ("table.whitelist", "big")];
        let mut source = SourceHarness::new(&testkit::library!(ferroconnect_jdbc), CLASS, config(&url, &settings));
        source.start().unwrap();
        let mut seen: BTreeSet<i64> = BTreeSet::new();
        for _ in 0..3 {
            let now = seen.len();
            seen.extend(ids(&poll(&mut source, 1000)));
            assert!(seen.len() > now && (seen.len() as i64) < ROWS, "the server is to be killed in mid-read");
            server.kill();
            server.restart();
        }
        let deadline = Instant::now() + PATIENCE * 6;
        while (seen.len() as i64) < ROWS {
            assert!(Instant::now() < deadline, "{kind:?}: {} of {ROWS} rows came", seen.len());
            seen.extend(ids(&source.poll().unwrap()));
        }
        let lines = source.log();
        assert!(lines.iter().any(|line| line.message.contains("Reading again on a new connection")), "{lines:?}");
        assert!(lines.iter().all(|line| !line.message.contains(PASSWORD)));
    }
}

#[test]
fn a_stop_does_not_wait_for_a_long_query() {
    for (kind, query) in
        [(Kind::MariaDb, "SELECT SLEEP(600) AS id"), (Kind::Postgres, "SELECT pg_sleep(600)::text AS id")]
    {
        let db = Db::on(kind);
        let mut source = db.started(&[("mode", "bulk"), ("query", query), ("topic.prefix", "t")]);
        assert!(source.poll().unwrap().is_empty());
        let began = Instant::now();
        source.stop().unwrap();
        assert!(began.elapsed() < Duration::from_secs(5), "{kind:?}: {:?}", began.elapsed());
    }
}

#[test]
fn a_stop_does_not_wait_for_rows_that_nobody_takes() {
    for mut db in Db::all() {
        db.run("CREATE TABLE t (id INTEGER NOT NULL)");
        db.run(&format!("INSERT INTO t VALUES {}", vec!["(1)"; 500].join(",")));
        let mut source = db.started(&[("mode", "bulk"), ("table.whitelist", "t"), ("batch.max.rows", "5")]);
        let first = poll(&mut source, 5);
        assert_eq!(first.len(), 5);
        let began = Instant::now();
        source.stop().unwrap();
        assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    }
}

#[test]
fn a_table_that_cannot_be_read_keeps_no_other_waiting() {
    let mut db = Db::on(Kind::Postgres);
    let name = db.url.split(['/', '?']).nth(3).unwrap().to_owned();
    db.run("CREATE TABLE a (id INT); CREATE TABLE b (id INT); INSERT INTO a VALUES (1); INSERT INTO b VALUES (2)");
    let mut other = connect(&db.url);
    let mut lock = |ways: &[&str]| {
        for sql in ways {
            other.execute(sql, &[]).unwrap();
        }
    };
    db.run(&format!("ALTER DATABASE {name} SET lock_timeout = '200ms'"));
    let take = ["BEGIN", "LOCK TABLE a IN ACCESS EXCLUSIVE MODE"];
    // From the start on: the columns of the table cannot be looked at.
    lock(&take);
    let mut source = db.started(&[("mode", "bulk"), ("table.whitelist", "a,b")]);
    assert_eq!(ids(&poll(&mut source, 3)), [2, 2, 2]);
    lock(&["COMMIT"]);
    while !ids(&poll(&mut source, 1)).contains(&1) {}
    // And later, behind the rows that were read ahead: its rows cannot be read.
    lock(&take);
    assert_eq!(ids(&poll(&mut source, 20))[14..20], [2; 6]);
    let lines = source.log();
    assert!(lines.iter().any(|line| line.message.contains("table public.a cannot be read")), "{lines:?}");
}

/// The error that a source fails with.
fn failure(source: &mut SourceHarness) -> Error {
    if let Err(error) = source.start() {
        return error;
    }
    let deadline = Instant::now() + PATIENCE * 12;
    loop {
        assert!(Instant::now() < deadline, "it does not fail");
        if let Err(error) = source.poll() {
            return error;
        }
    }
}

#[test]
fn what_is_wrong_with_tables_is_told() {
    for mut db in Db::all() {
        db.run("CREATE TABLE t (id INTEGER, at TIMESTAMP NULL, note VARCHAR(9))");
        for (pairs, part) in [
            (vec![("table.whitelist", "nowhere")], "No table was found"),
            (vec![("table.whitelist", "t")], "no column that the database counts up"),
            (vec![("table.whitelist", "t"), ("incrementing.column.name", "nr")], "it has id, at, note"),
            (vec![("table.whitelist", "t"), ("incrementing.column.name", "id")], "may be NULL"),
            (vec![("table.whitelist", "t"), ("incrementing.column.name", "note")], "note"),
        ] {
            let mut source = db.source(&[&[("mode", "incrementing")], pairs.as_slice()].concat());
            let error = failure(&mut source);
            assert!(error.message().contains(part), "{:?} {pairs:?}: {error}", db.kind);
        }
    }
}

#[test]
fn tables_of_one_name_in_two_schemas_are_refused() {
    let mut db = Db::on(Kind::Postgres);
    db.run("CREATE SCHEMA more; CREATE TABLE t (id INT); CREATE TABLE more.t (id INT)");
    let error = failure(&mut db.source(&[("mode", "bulk"), ("table.whitelist", "t")]));
    assert!(error.message().contains("more.t and public.t"), "{error}");
    let mut one = db.started(&[("mode", "bulk"), ("table.whitelist", "more.t")]);
    assert!(one.poll().unwrap().is_empty());
}

#[test]
fn a_database_that_is_away_does_not_refuse_a_configuration() {
    let library = testkit::library!(ferroconnect_jdbc);
    let of = |url: &str| {
        SourceHarness::new(&library, CLASS, config(url, &[("mode", "bulk"), ("table.whitelist", "t")])).validate()
    };
    for url in ["jdbc:mysql://localhost:1/db?user=u", "jdbc:postgresql://localhost:1/db?user=u"] {
        assert!(of(url).unwrap().is_empty(), "{url}: {:?}", of(url));
        let wrong = of(&format!("{url}&connectTimeout=soon")).unwrap();
        assert!(wrong.len() == 1 && wrong[0].name == "connection.url", "{url}: {wrong:?}");
    }
}

#[test]
fn validation_connects_and_looks_at_the_query() {
    for mut db in Db::all() {
        db.run("CREATE TABLE t (id INTEGER)");
        let of = |pairs: &[(&str, &str)]| {
            let mut all = vec![("mode", "bulk")];
            all.extend(pairs);
            db.source(&all).validate().unwrap()
        };
        let shown = |answers: Vec<ConfigValue>| {
            answers.iter().map(|answer| format!("{}: {}", answer.name, answer.errors[0])).collect::<Vec<_>>().join("\n")
        };
        assert_eq!(shown(of(&[("table.whitelist", "t")])), "");
        assert_eq!(shown(of(&[("query", "SELECT id FROM t;"), ("topic.prefix", "x")])), "");
        let doubled = shown(of(&[("query", "SELECT a.id, b.id FROM t a, t b"), ("topic.prefix", "x")]));
        assert!(doubled.starts_with("query: ") && doubled.contains("several columns \"id\""), "{doubled}");
        let wrong = shown(of(&[("query", "SELECT nr FROM t"), ("topic.prefix", "x")]));
        assert!(wrong.starts_with("query: ") && wrong.contains("nr"), "{:?}: {wrong}", db.kind);
        let masked = shown(of(&[("query.masked", "SELECT nr FROM t"), ("topic.prefix", "x")]));
        assert!(masked.starts_with("query.masked: ") && !masked.contains("nr"), "{:?}: {masked}", db.kind);
        let Some(kind) = db.kind else { continue };
        let bare = Server::shared(kind).bare_url(first_database(kind));
        let pairs =
            [("connection.url", bare.as_str()), ("connection.user", "tester"), ("connection.password", "wr0ng")];
        let refused = shown(of(&[pairs.as_slice(), &[("table.whitelist", "t")]].concat()));
        assert!(refused.starts_with("connection.url: ") && !refused.contains("wr0ng"), "{kind:?}: {refused}");
    }
}
