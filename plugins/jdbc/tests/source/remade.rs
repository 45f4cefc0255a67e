//! Tables that are dropped, altered and made anew while they are read.

use super::{Db, connect, field, ids, poll, record};
use ferroconnect_plugin_sdk::testkit::{PATIENCE, SourceHarness};
use ferroconnect_test_servers::Kind;
use std::time::Instant;

const BOTH: [(&str, &str); 2] = [("mode", "incrementing"), ("table.whitelist", "t,u")];

fn with_tables() -> [Db; 3] {
    let mut all = Db::all();
    for db in &mut all {
        let counted = db.counted();
        for table in ["t", "u"] {
            db.run(&format!("CREATE TABLE {table} (id {counted}, note VARCHAR(50))"));
            db.run(&format!("INSERT INTO {table} (id) VALUES (1)"));
        }
    }
    all
}

#[test]
fn databases_say_that_a_table_is_not_there() {
    for db in Db::all() {
        let mut connection = connect(&db.url);
        let missing = connection.describe("SELECT * FROM nowhere").unwrap_err();
        assert!(missing.is_missing_table(), "{:?}: {missing}", db.kind);
        let other = connection.describe("SELECT nothing").unwrap_err();
        assert!(!other.is_missing_table(), "{:?}: {other}", db.kind);
    }
}

/// Polls, which must not fail, until the log tells of something.
fn poll_until_told(source: &mut SourceHarness, part: &str) {
    let deadline = Instant::now() + PATIENCE * 12;
    while !source.log().iter().any(|line| line.message.contains(part)) {
        assert!(Instant::now() < deadline, "{:?}", source.log());
        assert!(source.poll().expect("it goes on").is_empty());
    }
}

#[test]
fn a_dropped_table_is_read_on_when_it_is_made_anew() {
    for mut db in with_tables() {
        let counted = db.counted();
        let mut source = db.started(&BOTH);
        assert_eq!(ids(&poll(&mut source, 2)), [1, 1]);
        db.run("DROP TABLE t");
        poll_until_told(&mut source, "t is not there, or this user may not see it");
        db.run("INSERT INTO u (id) VALUES (2)");
        assert_eq!(ids(&poll(&mut source, 1)), [2], "{:?}: the other is read on", db.kind);
        db.run(&format!("CREATE TABLE t (id {counted}, price INT)"));
        db.run("INSERT INTO t (id, price) VALUES (1, 7), (2, 8)");
        let reads = poll(&mut source, 1);
        assert_eq!((ids(&reads), field(&reads[0], "price").as_integer()), (vec![2], Some(8)), "{:?}", db.kind);
        let warnings = source.log().into_iter().filter(|line| line.message.contains("t is not there"));
        assert_eq!(warnings.count(), 1, "{:?}", db.kind);
    }
}

#[test]
fn a_table_that_stays_away_is_taken_out() {
    for mut db in with_tables() {
        let mut source = db.started(&BOTH);
        assert_eq!(ids(&poll(&mut source, 2)), [1, 1]);
        source.commit().unwrap();
        db.run("DROP TABLE t");
        let deadline = Instant::now() + PATIENCE * 12;
        while source.reconfigurations() == 0 {
            assert!(Instant::now() < deadline, "{:?}: nobody asks for other tasks", db.kind);
            assert!(source.poll().unwrap().is_empty());
        }
        source.restart().unwrap();
        db.run("INSERT INTO u (id) VALUES (2)");
        assert_eq!(ids(&poll(&mut source, 1)), [2], "{:?}", db.kind);
    }
}

/// The old table is replaced in one step, so that it is never seen to be away.
#[test]
fn a_table_is_read_by_its_new_columns() {
    for mut db in with_tables() {
        let counted = db.counted();
        let mut source = db.started(&BOTH);
        assert_eq!(ids(&poll(&mut source, 2)), [1, 1]);
        db.run(&format!("CREATE TABLE t_new (nr {counted}, id INT NOT NULL)"));
        db.run("INSERT INTO t_new (nr, id) VALUES (1, 100), (9, 5)");
        db.run(match db.kind {
            Some(Kind::MariaDb) => "RENAME TABLE t TO t_old, t_new TO t",
            _ => "BEGIN; ALTER TABLE t RENAME TO t_old; ALTER TABLE t_new RENAME TO t; COMMIT",
        });
        let reads = poll(&mut source, 1);
        assert_eq!(reads.len(), 1, "{:?}", db.kind);
        assert_eq!((ids(&reads), field(&reads[0], "nr").as_integer()), (vec![5], Some(9)), "{:?}", db.kind);
        assert_eq!(record(&reads[0]).schema.fields.len(), 2);
    }
}
