//! Rows that are gone are told.

use super::{Db, field, ids, poll};
use ferroconnect_jdbc::db::query_all;
use ferroconnect_plugin_sdk::testkit::{PATIENCE, SourceHarness, SourceRead};
use ferroconnect_plugin_sdk::{OffsetMap, StructValue, Value, ValueRef, offset_map};
use ferroconnect_test_servers::Kind;
use std::collections::BTreeSet;
use std::time::Instant;
use tempfile::TempDir;

const BASE: [(&str, &str); 5] = [
    ("name", "copy"),
    ("mode", "incrementing"),
    ("table.whitelist", "orders"),
    ("deletes.table", "kept_keys"),
    ("deletes.interval.ms", "1"),
];

/// Whatever tables there are.
const WHOLE: [(&str, &str); 3] = [("mode", "bulk"), ("table.blacklist", "nothing"), ("table.whitelist", "")];

/// A database with a table, and where its ledger is if that is another.
struct Set {
    db: Db,
    ledger: Option<(String, TempDir)>,
}

impl Set {
    fn all(table: impl Fn(&Db) -> String) -> Vec<Set> {
        let set = |mut db: Db| {
            let sql = table(&db);
            db.run(&sql);
            let apart = db.kind.is_none().then(|| {
                let folder = tempfile::tempdir().expect("a folder can be made");
                (format!("jdbc:sqlite:{}", folder.path().join("keys.db").display()), folder)
            });
            Set { db, ledger: apart }
        };
        Db::all().into_iter().map(set).collect()
    }

    fn counted() -> Vec<Set> {
        Set::all(|db| format!("CREATE TABLE orders (id {}, note VARCHAR(50))", db.counted()))
    }

    fn source(&self, pairs: &[(&str, &str)]) -> SourceHarness {
        let url = self.ledger.as_ref().map(|(url, _)| ("deletes.connection.url", url.as_str()));
        self.db.source(&[&BASE, pairs, url.as_slice()].concat())
    }

    fn started(&self, pairs: &[(&str, &str)]) -> SourceHarness {
        let mut source = self.source(pairs);
        source.start().expect("it starts");
        source
    }

    fn insert(&mut self, rows: usize) {
        let rows = vec!["('x')"; rows].join(", ");
        self.db.run(&format!("INSERT INTO orders (note) VALUES {rows}"));
    }

    fn delete(&mut self, id: i64) {
        self.db.run(&format!("DELETE FROM orders WHERE id = {id}"));
    }
}

fn key(read: &SourceRead) -> &StructValue {
    let ValueRef::Struct(key) = read.record.key.value.view() else { panic!("no key: {read:?}") };
    key
}

/// The keys of deletions, of records that are nothing else.
fn gone(reads: &[SourceRead]) -> Vec<i64> {
    let id = |read: &SourceRead| {
        assert!(read.record.value.value.is_null(), "{read:?}");
        key(read).get("id").and_then(Value::as_integer).expect("a number")
    };
    let mut ids: Vec<_> = reads.iter().map(id).collect();
    ids.sort_unstable();
    ids
}

fn removal(offset: &Option<OffsetMap>) -> Option<String> {
    let entry = offset.as_ref()?.iter().find(|entry| entry.key.as_str() == "deletes")?;
    match entry.value.view() {
        ValueRef::String(text) => Some(text.as_str().to_owned()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn rows_that_are_deleted_become_records_without_a_value() {
    for mut set in Set::counted() {
        let kind = set.db.kind;
        set.insert(3);
        let mut source = set.started(&[("topic.prefix", "db-")]);
        let reads = poll(&mut source, 3);
        assert_eq!(ids(&reads), [1, 2, 3], "{kind:?}");
        let first = key(&reads[0]);
        assert_eq!(
            (first.schema.name_str(), first.get("id")),
            (Some("orders.Key"), Some(&Value::int64(1))),
            "{kind:?}"
        );
        assert!(!first.schema.fields[0].schema.optional);
        let schema = first.schema.clone();
        set.delete(2);
        let reads = poll(&mut source, 1);
        assert_eq!((gone(&reads), reads[0].record.topic.as_str()), (vec![2], "db-orders"), "{kind:?}");
        assert_eq!(key(&reads[0]).schema.fields, schema.fields, "{kind:?}");
        let told = removal(&reads[0].offset).expect("its offset says so");
        assert!(told.ends_with(":1"), "{told}");
        // Rows behind it do not forget it.
        set.insert(1);
        let reads = poll(&mut source, 1);
        assert_eq!((ids(&reads), removal(&reads[0].offset)), (vec![4], Some(told)), "{kind:?}");
        source.commit().unwrap();
        source.stop().unwrap();
        set.insert(1);
        set.delete(1);
        source.start().unwrap();
        let reads = poll(&mut source, 2);
        assert_eq!((ids(&reads[..1]), gone(&reads[1..])), (vec![5], vec![1]), "{kind:?}: none comes twice");
    }
}

#[test]
fn what_was_deleted_while_nobody_looked_is_told_later() {
    for mut set in Set::counted() {
        let kind = set.db.kind;
        set.insert(4);
        let mut source = set.started(&[]);
        poll(&mut source, 4);
        source.commit().unwrap();
        source.stop().unwrap();
        set.delete(1);
        set.delete(3);
        source.start().unwrap();
        assert_eq!(gone(&poll(&mut source, 2)), [1, 3], "{kind:?}");
        // Only one of them arrived.
        source.commit_first(1).unwrap();
        source.restart().unwrap();
        assert_eq!(gone(&poll(&mut source, 1)), [3], "{kind:?}");
        source.commit().unwrap();
        source.restart().unwrap();
        set.delete(4);
        assert_eq!(gone(&poll(&mut source, 1)), [4], "{kind:?}");
        assert_eq!(ledger_rows(&set), 3, "{kind:?}: 2, 4, whose deletion is on its way, and the mark");
    }
}

fn ledger_rows(set: &Set) -> usize {
    let url = set.ledger.as_ref().map_or(&set.db.url, |(url, _)| url);
    query_all(super::connect(url).as_mut(), "SELECT * FROM kept_keys", &[]).expect("it can be read").1.len()
}

#[test]
fn rows_that_were_handed_over_before_are_known_too() {
    for mut set in Set::counted() {
        let kind = set.db.kind;
        set.insert(3);
        let mut source = set.source(&[]);
        // As a connector without this key left it; the first row is gone by now, which nobody can know any more.
        set.delete(1);
        let partition = {
            let mut other = set.started(&[("name", "other")]);
            poll(&mut other, 1)[0].partition.clone().unwrap()
        };
        source.offsets().set(&partition, &offset_map([("incrementing", Value::int64(3))]));
        source.start().unwrap();
        let deadline = Instant::now() + PATIENCE * 12;
        let completed = |source: &SourceHarness| {
            source.log().into_iter().filter(|line| line.message.contains("the keys of all rows are known")).count()
        };
        while completed(&source) == 0 {
            assert!(Instant::now() < deadline, "{kind:?}: {:?}", source.log());
            assert!(source.poll().unwrap().is_empty(), "{kind:?}");
        }
        set.delete(3);
        assert_eq!(gone(&poll(&mut source, 1)), [3], "{kind:?}");
        // For a time it runs without the key, and hands over a row that nobody writes down.
        source.commit().unwrap();
        source.stop().unwrap();
        set.insert(1);
        source.offsets().set(&partition, &offset_map([("incrementing", Value::int64(4))]));
        source.start().unwrap();
        let mut told = Vec::new();
        while completed(&source) == 1 {
            assert!(Instant::now() < deadline, "{kind:?}: {:?}", source.log());
            told.extend(source.poll().unwrap());
        }
        set.delete(4);
        // What the offset does not know any more may be told again.
        while !gone(&told).contains(&4) {
            told.extend(poll(&mut source, 1));
        }
    }
}

#[test]
fn the_table_of_keys_is_not_read_itself() {
    // A URL of its own may be about the same database, whatever it calls the server.
    for host in [None, Some("localhost"), Some("127.0.0.1")] {
        for mut set in Set::counted().into_iter().skip(1) {
            let kind = set.db.kind;
            set.insert(1);
            let url = host.map(|host| set.db.url.replace("//localhost", &format!("//{host}")));
            let own = url.as_ref().map(|url| ("deletes.connection.url", url.as_str()));
            let mut source = set.started(&[&WHOLE, own.as_slice()].concat());
            poll(&mut source, 1);
            source.commit().unwrap();
            assert!(ledger_rows(&set) > 1, "{kind:?} {host:?}");
            let tables = source.task_configs().unwrap()[0].text("tables").unwrap().to_owned();
            assert!(tables.contains("orders") && !tables.contains("kept_keys"), "{kind:?} {host:?}: {tables}");
        }
    }
}

#[test]
fn a_table_that_merely_has_the_name_of_that_of_keys_is_read() {
    let (mut db, apart) = (Db::on(Kind::Postgres), Db::on(Kind::Postgres));
    db.run("CREATE TABLE kept_keys (id INT PRIMARY KEY); INSERT INTO kept_keys VALUES (7)");
    let url = ("deletes.connection.url", apart.url.as_str());
    let mut source = db.started(&[&BASE[..], &WHOLE, &[url]].concat());
    assert_eq!(ids(&poll(&mut source, 1)), [7]);
}

/// A row that one host has and the other not yet would be told as deleted.
#[test]
fn several_hosts_are_warned_of() {
    let (mut mariadb, mut postgres) = (Db::on(Kind::MariaDb), Db::on(Kind::Postgres));
    for db in [&mut mariadb, &mut postgres] {
        db.run("CREATE TABLE orders (id INT PRIMARY KEY)");
    }
    let twice = |db: &Db, more: &str| db.url.replace("//localhost", "//localhost:1,localhost") + more;
    for (db, url, deletes, expected) in [
        (&mariadb, mariadb.url.clone(), "kept_keys", false),
        (&mariadb, twice(&mariadb, ""), "kept_keys", true),
        (&mariadb, twice(&mariadb, ""), "", false),
        (&postgres, twice(&postgres, ""), "kept_keys", true),
        (&postgres, twice(&postgres, "&targetServerType=any"), "kept_keys", true),
        (&postgres, twice(&postgres, "&targetServerType=Primary"), "kept_keys", false),
    ] {
        let own = [("connection.url", url.as_str()), ("deletes.table", deletes), WHOLE[0]];
        let source = db.started(&[&BASE[..], &own].concat());
        let log = source.log();
        let warned = log.iter().any(|line| line.message.contains("connection.url names several hosts"));
        assert_eq!(warned, expected, "{url} {deletes:?}: {log:?}");
    }
}

#[test]
fn keys_of_several_columns_and_types() {
    let table = |_: &Db| {
        "CREATE TABLE orders (note VARCHAR(50), day DATE NOT NULL, part VARCHAR(40) NOT NULL, price DECIMAL(10, 3) NOT NULL, \
         PRIMARY KEY (part, day, price))"
            .to_owned()
    };
    for mut set in Set::all(table) {
        let kind = set.db.kind;
        for part in ["a,\"b\"", "\u{e4}\u{1F980}", "c"] {
            set.db.run(&format!("INSERT INTO orders (day, part, price) VALUES ('2024-02-29', '{part}', 1.250)"));
        }
        let mut source = set.started(&[("mode", "bulk"), ("poll.interval.ms", "10000")]);
        let rows: Vec<_> = poll(&mut source, 3).iter().map(|read| key(read).clone()).collect();
        let names: Vec<_> = rows[0].schema.fields.iter().map(|field| field.name.to_string()).collect();
        assert_eq!(names, ["part", "day", "price"], "{kind:?}");
        set.db.run("DELETE FROM orders WHERE part <> 'c'");
        source.commit().unwrap();
        source.restart().unwrap();
        let reads = poll(&mut source, 3);
        let told: Vec<_> = reads.iter().filter(|read| read.record.value.value.is_null()).map(key).collect();
        assert_eq!(told.len(), 2, "{kind:?}");
        assert!(told.iter().all(|key| rows.contains(key) && key.get("part") != Some(&Value::string("c"))), "{told:?}");
    }
}

/// As far as the database is concerned the row is still there.
#[test]
fn a_key_that_is_only_written_otherwise_is_not_gone() {
    let mut db = Db::on(Kind::MariaDb);
    db.run("CREATE TABLE orders (id VARCHAR(20) COLLATE utf8mb4_general_ci PRIMARY KEY, note VARCHAR(50))");
    db.run("INSERT INTO orders VALUES ('Abc', 'x'), ('other', 'x')");
    let mut source = db.started(&[&BASE[..], &[("mode", "bulk"), ("poll.interval.ms", "20")]].concat());
    poll(&mut source, 2);
    db.run("UPDATE orders SET id = 'abc' WHERE id = 'Abc'");
    db.run("DELETE FROM orders WHERE id = 'other'");
    let (mut told, mut seen) = (Vec::new(), false);
    let deadline = Instant::now() + PATIENCE * 12;
    let mut take = |told: &mut Vec<Value>| {
        assert!(Instant::now() < deadline, "{told:?}");
        let reads = source.poll().unwrap();
        source.commit().unwrap();
        for read in reads {
            let id = key(&read).get("id").cloned().expect("it has one");
            if read.record.value.value.is_null() {
                told.push(id);
            } else {
                seen |= id == Value::string("abc");
            }
        }
        seen
    };
    while !take(&mut told) || told.is_empty() {}
    assert_eq!(told, [Value::string("other")]);
    db.run("DELETE FROM orders");
    while told.len() < 3 {
        take(&mut told);
    }
    assert!(["Abc", "abc"].iter().all(|id| told.contains(&Value::string(*id))), "{told:?}");
}

#[test]
fn what_cannot_be_compared_is_refused() {
    let sqlite = Db::sqlite();
    for (pairs, key, part) in [
        (&[("deletes.connection.url", "")][..], "deletes.connection.url", "another file"),
        (&[("deletes.connection.url", &*sqlite.url)], "deletes.connection.url", "another one"),
        (
            &[("deletes.connection.url", "jdbc:sqlite:/x"), ("transaction.isolation.mode", "read_uncommitted")],
            "transaction.isolation.mode",
            "look deleted",
        ),
        (&[("deletes.connection.url", "jdbc:oracle:x")], "deletes.connection.url", "not about a database"),
        (&[("deletes.connection.url", "jdbc:openmldb:///db")], "deletes.connection.url", "OpenMLDB"),
        (&[("deletes.connection.url", "jdbc:sqlite:/x"), ("deletes.table", "")], "deletes.table", "must be named"),
        (
            &[("query", "SELECT 1"), ("table.whitelist", ""), ("mode", "bulk"), ("topic.prefix", "t")],
            "deletes.table",
            "no primary key",
        ),
    ] {
        let wrong = sqlite.source(&[&BASE, pairs].concat()).validate().unwrap();
        let errors: Vec<_> =
            wrong.iter().filter(|answer| answer.name == key).flat_map(|one| one.errors.iter()).collect();
        assert!(errors.iter().any(|error| error.contains(part)), "{key}: {wrong:?}");
    }
    for mut set in Set::all(|_| "CREATE TABLE orders (id INT NOT NULL, note VARCHAR(50))".to_owned()) {
        let mut source = set.started(&[("incrementing.column.name", "id")]);
        let deadline = Instant::now() + PATIENCE * 12;
        let error = loop {
            assert!(Instant::now() < deadline);
            if let Err(error) = source.poll() {
                break error;
            }
        };
        assert!(error.message().contains("deletes.table") && error.message().contains("no primary key"), "{error}");
        set.db.run("DROP TABLE orders");
    }
}

#[test]
fn passwords_of_the_url_are_not_told() {
    let mut set = Set::counted().pop().expect("PostgreSQL");
    set.insert(1);
    let url = "jdbc:postgresql://127.0.0.1:1/db?user=u&password=hidden-word&connectTimeout=1";
    let mut source =
        set.db.source(&[&BASE[..], &[("deletes.connection.url", url), ("query.retry.attempts", "1")]].concat());
    source.start().unwrap();
    let deadline = Instant::now() + PATIENCE * 12;
    let error = loop {
        assert!(Instant::now() < deadline);
        if let Err(error) = source.poll() {
            break error;
        }
    };
    assert!(error.message().contains("kept_keys"), "{error}");
    let told = format!("{error} {:?} {:?}", source.log(), source.validate());
    assert!(!told.contains("hidden-word"), "{told}");
}

/// What whoever keeps to the records knows of the table: its keys, as they were told last.
type View = BTreeSet<i64>;

fn take(view: &mut View, reads: &[SourceRead]) {
    for read in reads {
        let id = key(read).get("id").and_then(Value::as_integer).expect("a number");
        if read.record.value.value.is_null() {
            view.remove(&id);
        } else {
            assert_eq!(field(read, "id").as_integer(), Some(id));
            view.insert(id);
        }
    }
}

/// Rows come, go and come again, and tasks are killed: in the end the records say what the table has.
#[test]
fn no_deletion_is_lost_whenever_a_task_ends() {
    for mode in ["incrementing", "bulk"] {
        // Whoever writes to SQLite would have to wait for the reader, who waits here until records are taken.
        for mut set in Set::counted().into_iter().filter(|set| set.db.kind.is_some()) {
            let kind = set.db.kind;
            let mut source = set.started(&[("mode", mode), ("poll.interval.ms", "5"), ("batch.max.rows", "7")]);
            let (mut random, mut view, mut pending, mut last) = (5u64, View::new(), Vec::new(), 0);
            for step in 0..300 {
                random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                let choice = (random >> 33) as i64;
                match choice % 3 {
                    0 => set.delete(choice / 3 % (last + 1)),
                    // What was deleted comes again under the same number; only whole reads find it.
                    1 if mode == "bulk" && last > 0 => {
                        let id = choice / 3 % last + 1;
                        set.delete(id);
                        set.db.run(&format!("INSERT INTO orders (id, note) VALUES ({id}, 'again')"));
                    }
                    _ => {
                        last += 1;
                        set.db.run(&format!("INSERT INTO orders (id, note) VALUES ({last}, 'x')"));
                    }
                }
                if step % 5 == 0 {
                    pending.extend(source.poll().unwrap_or_else(|error| panic!("{error}: {:?}", source.log())));
                    let count = (choice as usize / 7 % 30).min(pending.len());
                    source.commit_first(count).unwrap();
                    take(&mut view, &pending.drain(..count).collect::<Vec<_>>());
                }
                if step % 40 == 39 {
                    source.restart().unwrap();
                    pending.clear();
                }
            }
            let (_, rows) = query_all(super::connect(&set.db.url).as_mut(), "SELECT id FROM orders", &[]).unwrap();
            let there: View = rows.iter().map(|row| number(&row[0])).collect();
            let deadline = Instant::now() + PATIENCE * 12;
            while view != there {
                assert!(Instant::now() < deadline, "{mode} {kind:?}: {view:?} for {there:?}");
                pending.extend(source.poll().expect("it goes on"));
                source.commit().unwrap();
                take(&mut view, &std::mem::take(&mut pending));
            }
        }
    }
}

fn number(value: &ferroconnect_jdbc::db::SqlValue) -> i64 {
    match value {
        ferroconnect_jdbc::db::SqlValue::Int(number) => *number,
        other => panic!("{other:?}"),
    }
}
