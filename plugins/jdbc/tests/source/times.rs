//! Times that tables have of today, and forms of them.

use super::{Db, field, ids, poll};
use ferroconnect_plugin_sdk::Value;
use ferroconnect_plugin_sdk::testkit::{PATIENCE, SourceHarness};
use ferroconnect_test_servers::Kind;
use std::time::Instant;

const TIMES: [(&str, &str); 3] =
    [("mode", "timestamp"), ("table.whitelist", "events"), ("timestamp.column.name", "made")];

fn now_column(db: &Db) -> &'static str {
    match db.kind {
        // Whole seconds, without saying so.
        None => "DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP",
        Some(Kind::MariaDb) => "DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP",
        Some(Kind::Postgres) => "TIMESTAMP(0) NOT NULL DEFAULT date_trunc('second', CURRENT_TIMESTAMP)",
    }
}

#[test]
fn rows_of_a_second_that_is_not_over_wait_for_it() {
    for mut db in Db::all() {
        let (counted, made) = (db.counted(), now_column(&db));
        db.run(&format!("CREATE TABLE events (id {counted}, note VARCHAR(9), made {made})"));
        let mut source = db.started(&[&TIMES[..], &[("poll.interval.ms", "20")]].concat());
        // Were the first read at once, the second of the same second would never be.
        for round in 0..3 {
            db.run("INSERT INTO events (note) VALUES ('x')");
            let mut reads = source.poll().unwrap();
            db.run("INSERT INTO events (note) VALUES ('x')");
            reads.extend(poll(&mut source, 2 - reads.len()));
            assert_eq!(ids(&reads), [2 * round + 1, 2 * round + 2], "{:?}", db.kind);
            source.commit().unwrap();
        }
    }
}

#[test]
fn rows_of_a_day_that_is_not_over_wait_for_it() {
    for mut db in Db::all() {
        let counted = db.counted();
        db.run(&format!("CREATE TABLE events (id {counted}, made DATE NOT NULL)"));
        let (yesterday, today) = match db.kind {
            None => ("date('now', '-1 day')", "date('now')"),
            Some(Kind::MariaDb) => ("UTC_DATE() - INTERVAL 1 DAY", "UTC_DATE()"),
            Some(Kind::Postgres) => ("(now() AT TIME ZONE 'UTC')::date - 1", "(now() AT TIME ZONE 'UTC')::date"),
        };
        db.run(&format!("INSERT INTO events (made) VALUES ({yesterday}), ({today})"));
        let mut source = db.started(&TIMES);
        assert_eq!(ids(&poll(&mut source, 1)), [1], "{:?}", db.kind);
        source.commit().unwrap();
        source.restart().unwrap();
        // The next look, which a row of another day shows to be over.
        db.run(&format!("INSERT INTO events (made) VALUES ({yesterday})"));
        let mut later = db.started(&TIMES);
        assert_eq!(ids(&poll(&mut later, 2)), [1, 3], "{:?}", db.kind);
    }
}

#[test]
fn a_column_without_times_is_refused() {
    for mut db in Db::all().into_iter().skip(1) {
        db.run("CREATE TABLE events (id INT, made INT NOT NULL)");
        let mut source = db.started(&TIMES);
        let deadline = Instant::now() + PATIENCE * 12;
        let error = loop {
            assert!(Instant::now() < deadline);
            if let Err(error) = source.poll() {
                break error;
            }
        };
        let parts = ["timestamp.column.name", "\"made\" of table", "it must be a date"];
        assert!(parts.iter().all(|part| error.message().contains(part)), "{error}");
    }
}

#[test]
fn times_of_sqlite_with_an_offset_are_moments() {
    let mut db = Db::sqlite();
    db.run("CREATE TABLE events (id INTEGER PRIMARY KEY, made DATETIME NOT NULL)");
    db.run("INSERT INTO events (made) VALUES ('2024-01-01T10:00:00+02:00')");
    let mut source = db.started(&TIMES);
    let reads = poll(&mut source, 1);
    assert_eq!(*field(&reads[0], "made"), Value::timestamp(1_704_096_000_000), "08:00 of UTC");
    source.commit().unwrap();
    source.restart().unwrap();
    for later in ["2024-01-01 09:00:00", "2024-01-01T09:30:00Z", "2024-01-01T05:00:00.5-05:00"] {
        db.run(&format!("INSERT INTO events (made) VALUES ('{later}')"));
        assert_eq!(poll(&mut source, 1).len(), 1, "{later}");
        source.commit().unwrap();
    }
    assert!(source.poll().unwrap().is_empty(), "none comes twice");
}

#[test]
fn times_of_sqlite_are_compared_in_milliseconds() {
    let mut db = Db::sqlite();
    db.run("CREATE TABLE events (id INTEGER PRIMARY KEY, made DATETIME NOT NULL)");
    db.run("INSERT INTO events (made) VALUES ('2024-01-01 10:00:00.1231'), ('2024-01-01 10:00:00.1234')");
    let mut source = db.started(&TIMES);
    poll(&mut source, 2);
    // Its position is not behind the second row.
    source.commit_first(1).unwrap();
    source.restart().unwrap();
    assert_eq!(ids(&poll(&mut source, 2)), [1, 2]);
}

#[test]
fn now_is_now_in_any_zone_on_sqlite() {
    let mut db = Db::sqlite();
    db.run("CREATE TABLE events (id INTEGER PRIMARY KEY, made DATETIME NOT NULL)");
    db.run("INSERT INTO events (made) VALUES (datetime('now', '+5 hours', '-3 seconds'))");
    db.run("INSERT INTO events (made) VALUES (datetime('now', '+5 hours', '+1 hour'))");
    let mut source = db.started(&[&TIMES[..], &[("db.timezone", "+05:00")]].concat());
    assert_eq!(ids(&poll(&mut source, 1)), [1]);
    source.commit().unwrap();
    assert!(source.poll().unwrap().is_empty(), "the second is of the future");
}

#[test]
fn generated_columns_of_sqlite_do_not_shift_the_others() {
    let mut db = Db::sqlite();
    db.run(
        "CREATE TABLE events (a INT, made INT AS (a + 1), id INTEGER PRIMARY KEY AUTOINCREMENT, note TEXT NOT NULL)",
    );
    db.run("INSERT INTO events (a, note) VALUES (5, 'x')");
    let mut source = db.started(&[("mode", "incrementing"), ("table.whitelist", "events")]);
    let reads = poll(&mut source, 1);
    assert_eq!((ids(&reads), field(&reads[0], "made")), (vec![1], &Value::int64(6)));
}

#[test]
fn reserved_words_are_names_without_quotes_too() {
    for mut db in Db::all() {
        let (counted, quote) = (db.counted(), if db.kind == Some(Kind::MariaDb) { '`' } else { '"' });
        let name = format!("{quote}order{quote}");
        db.run(&format!("CREATE TABLE {name} (id {counted}, {quote}select{quote} VARCHAR(9))"));
        db.run(&format!("INSERT INTO {name} ({quote}select{quote}) VALUES ('x')"));
        let mut source = db.started(&[
            ("mode", "incrementing"),
            ("table.whitelist", "order"),
            ("incrementing.column.name", "id"),
            ("sql.quote.identifiers", "false"),
        ]);
        assert_eq!(*field(&poll(&mut source, 1)[0], "select"), Value::string("x"), "{:?}", db.kind);
    }
}

#[test]
fn names_that_no_table_has_are_told() {
    for mut db in Db::all() {
        let counted = db.counted();
        db.run(&format!("CREATE TABLE events (id {counted})"));
        let mut source = db.started(&[("mode", "incrementing"), ("table.whitelist", "events,evnets")]);
        let told = |source: &SourceHarness| {
            source.log().into_iter().filter(|line| line.message.contains("not found: evnets")).count()
        };
        let deadline = Instant::now() + PATIENCE * 12;
        while told(&source) == 0 {
            assert!(Instant::now() < deadline, "{:?}", source.log());
            std::thread::yield_now();
        }
        source.poll().unwrap();
        assert_eq!(told(&source), 1, "{:?}: once", db.kind);
    }
}
