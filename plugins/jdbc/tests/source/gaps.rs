//! Rows that are committed after rows with higher numbers were read.

use super::{CLASS, Db, config, connect, field, first_database, ids, poll};
use ferroconnect_jdbc::db::{Connection, Isolation, query_all};
use ferroconnect_plugin_sdk::testkit::{self, PATIENCE, SourceHarness};
use ferroconnect_plugin_sdk::{OffsetMap, Value, offset_map};
use ferroconnect_test_servers::{Kind, Server};
use std::collections::BTreeSet;
use std::time::Instant;

const SERVERS: [Kind; 2] = [Kind::MariaDb, Kind::Postgres];
const WAIT: [(&str, &str); 4] = [
    ("mode", "incrementing"),
    ("table.whitelist", "orders"),
    ("incrementing.column.name", "id"),
    ("incrementing.gaps", "wait"),
];

fn with_orders(kind: Kind) -> Db {
    let mut db = Db::on(kind);
    let counted = db.counted();
    db.run(&format!("CREATE TABLE orders (id {counted}, note VARCHAR(50))"));
    db
}

const INSERT: &str = "INSERT INTO orders (note) VALUES ('x')";

/// A connection with a transaction that has inserted a row.
fn open(db: &Db) -> Box<dyn Connection> {
    let mut connection = connect(&db.url);
    connection.begin(Isolation::ServerDefault).expect("a transaction begins");
    connection.execute(INSERT, &[]).expect("a row is inserted");
    connection
}

fn position(number: i64, gaps: &str) -> Option<OffsetMap> {
    Some(offset_map([("gaps", gaps.into()), ("incrementing", Value::int64(number))]))
}

#[test]
fn rows_that_are_committed_late_are_found() {
    for kind in SERVERS {
        let mut db = with_orders(kind);
        let mut late = open(&db);
        db.run(INSERT);
        let mut source = db.started(&WAIT);
        let reads = poll(&mut source, 1);
        assert_eq!((ids(&reads), &reads[0].offset), (vec![2], &position(2, "..1")), "{kind:?}");
        late.commit().unwrap();
        let reads = poll(&mut source, 1);
        assert_eq!((ids(&reads), &reads[0].offset), (vec![1], &position(2, "..0")), "{kind:?}");
        db.run(INSERT);
        assert_eq!(ids(&poll(&mut source, 1)), [3], "{kind:?}: none comes twice");
    }
}

#[test]
fn they_are_found_after_a_restart_too() {
    for kind in SERVERS {
        let mut db = with_orders(kind);
        let mut first = open(&db);
        db.run(INSERT);
        let mut third = open(&db);
        db.run(INSERT);
        let mut source = db.started(&WAIT);
        assert_eq!(ids(&poll(&mut source, 2)), [2, 4], "{kind:?}");
        source.commit().unwrap();
        source.stop().unwrap();
        first.commit().unwrap();
        source.start().unwrap();
        assert_eq!(ids(&poll(&mut source, 1)), [1], "{kind:?}");
        // A late row that was not delivered comes again; one that was does not.
        source.restart().unwrap();
        assert_eq!(ids(&poll(&mut source, 1)), [1], "{kind:?}");
        source.commit().unwrap();
        source.restart().unwrap();
        third.commit().unwrap();
        let reads = poll(&mut source, 1);
        assert_eq!((ids(&reads), &reads[0].offset), (vec![3], &position(4, "..0")), "{kind:?}");
    }
}

#[test]
fn numbers_that_were_rolled_back_are_not_waited_for_for_ever() {
    for kind in SERVERS {
        let mut db = with_orders(kind);
        let mut late = open(&db);
        let mut source = db.started(&[WAIT.as_slice(), &[("incrementing.gaps.timeout.ms", "500")]].concat());
        db.run(INSERT);
        assert_eq!(poll(&mut source, 1)[0].offset, position(2, "..1"), "{kind:?}");
        late.rollback().unwrap();
        let deadline = Instant::now() + PATIENCE * 12;
        loop {
            assert!(Instant::now() < deadline, "{kind:?}: the gap stays open");
            db.run(INSERT);
            let last = poll(&mut source, 1).pop().unwrap();
            if last.offset == Some(offset_map([("incrementing", field(&last, "id").clone())])) {
                break;
            }
        }
        db.run("INSERT INTO orders (id) VALUES (1)");
        db.run(INSERT);
        assert!(ids(&poll(&mut source, 1))[0] > 1, "{kind:?}: it is not looked for any more");
    }
}

#[test]
fn many_gaps_are_filled() {
    for kind in SERVERS {
        let mut db = with_orders(kind);
        let insert = |first: i64| {
            let rows: Vec<_> = (0..1000).map(|row| format!("({})", first + 2 * row)).collect();
            format!("INSERT INTO orders (id) VALUES {}", rows.join(","))
        };
        db.run(&insert(2));
        let mut source = db.started(&WAIT);
        let evens: BTreeSet<i64> = ids(&poll(&mut source, 1000)).into_iter().collect();
        assert_eq!(evens.len(), 1000);
        // An offset names the first of them only; the rest is read again.
        source.commit().unwrap();
        source.restart().unwrap();
        db.run(&insert(1));
        let mut odds = BTreeSet::new();
        while odds.len() < 1000 {
            for id in ids(&poll(&mut source, 1)) {
                assert!(id % 2 == 0 || odds.insert(id), "{kind:?}: {id} comes twice");
            }
        }
        source.commit().unwrap();
        source.restart().unwrap();
        db.run("INSERT INTO orders (id) VALUES (5000)");
        assert_eq!(ids(&poll(&mut source, 1)), [5000], "{kind:?}");
    }
}

/// Transactions that begin and end in any order, and tasks that are killed: no row that was committed is lost.
#[test]
fn no_row_is_lost_among_writers_that_overtake_each_other() {
    for kind in SERVERS {
        let db = with_orders(kind);
        let mut source = db.started(&WAIT);
        let mut writers: Vec<_> = (0..4).map(|_| (connect(&db.url), false)).collect();
        let (mut random, mut seen, mut pending) = (11u64, BTreeSet::new(), Vec::new());
        for step in 0..600 {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let choice = (random >> 33) as usize;
            let (writer, open) = &mut writers[choice % 4];
            match (*open, choice / 4 % 3) {
                (false, _) => writer.begin(Isolation::ServerDefault).unwrap(),
                (true, 0) => writer.rollback().unwrap(),
                (true, _) => writer.commit().unwrap(),
            }
            *open = !*open;
            if *open {
                writer.execute(INSERT, &[]).unwrap();
            }
            if step % 20 == 0 {
                seen.extend(delivered(&mut source, &mut pending, choice / 12 % 20));
            }
            if step % 60 == 40 {
                source.restart().unwrap();
                pending.clear();
            }
        }
        writers.iter_mut().for_each(|(writer, _)| writer.rollback().unwrap());
        let (_, rows) = query_all(connect(&db.url).as_mut(), "SELECT id FROM orders", &[]).unwrap();
        let committed = rows.len();
        let deadline = Instant::now() + PATIENCE * 12;
        while seen.len() < committed {
            assert!(Instant::now() < deadline, "{kind:?}: {} of {committed} rows came", seen.len());
            seen.extend(delivered(&mut source, &mut pending, usize::MAX));
        }
        assert_eq!(seen.len(), committed, "{kind:?}");
    }
}

/// Polls once, and delivers so many rows at most of those that are pending; their numbers.
fn delivered(source: &mut SourceHarness, pending: &mut Vec<i64>, count: usize) -> Vec<i64> {
    pending.extend(ids(&source.poll().expect("it goes on")));
    let count = count.min(pending.len());
    source.commit_first(count).expect("they are delivered");
    pending.drain(..count).collect()
}

#[test]
fn late_rows_are_found_when_the_server_was_killed() {
    for kind in SERVERS {
        let mut server = Server::start(kind);
        let url = server.url(first_database(kind));
        let run = |sql: &str| connect(&url).execute(sql, &[]).unwrap();
        run("CREATE TABLE orders (id BIGINT PRIMARY KEY, note VARCHAR(50))");
        run("INSERT INTO orders (id) VALUES (5)");
        let mut source = SourceHarness::new(&testkit::library!(ferroconnect_jdbc), CLASS, config(&url, &WAIT));
        source.start().unwrap();
        assert_eq!(ids(&poll(&mut source, 1)), [5]);
        server.kill();
        server.restart();
        run("INSERT INTO orders (id) VALUES (3)");
        let reads = poll(&mut source, 1);
        assert_eq!((ids(&reads), &reads[0].offset), (vec![3], &position(5, "..2,4")), "{kind:?}");
    }
}

#[test]
fn gaps_of_a_query_are_waited_for() {
    let mut db = with_orders(Kind::Postgres);
    let mut late = open(&db);
    db.run(INSERT);
    let query = [
        ("mode", "incrementing"),
        ("incrementing.column.name", "id"),
        ("incrementing.gaps", "wait"),
        ("query", "SELECT id FROM orders WHERE note = 'x' ORDER BY note"),
        ("query.suffix", "LIMIT 10"),
        ("topic.prefix", "loud"),
    ];
    let mut source = db.started(&query);
    assert_eq!(ids(&poll(&mut source, 1)), [2]);
    late.commit().unwrap();
    assert_eq!(ids(&poll(&mut source, 1)), [1]);
}
