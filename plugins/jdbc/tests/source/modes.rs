//! The four modes, queries, offsets, tables that come and go.

use super::{CLASS, Db, config, connect, field, ids, poll, record};
use ferroconnect_jdbc::db::Isolation;
use ferroconnect_plugin_sdk::testkit::{self, PATIENCE, SourceHarness, acceptance};
use ferroconnect_plugin_sdk::{Config, Data, Value, offset_map};
use ferroconnect_test_servers::Kind;
use std::time::Instant;

const INCREMENTING: [(&str, &str); 3] =
    [("mode", "incrementing"), ("table.whitelist", "orders"), ("topic.prefix", "db-")];

fn orders(db: &mut Db, rows: usize) {
    let counted = db.counted();
    db.run(&format!("CREATE TABLE orders (id {counted}, note VARCHAR(50))"));
    more_orders(db, rows);
}

fn more_orders(db: &mut Db, rows: usize) {
    let values: Vec<_> = (0..rows).map(|row| format!("('note {row}')")).collect();
    db.run(&format!("INSERT INTO orders (note) VALUES {}", values.join(", ")));
}

#[test]
fn passes() {
    for mut db in Db::all() {
        orders(&mut db, 1);
        let library = testkit::library!(ferroconnect_jdbc);
        let config = config(&db.url, &[INCREMENTING.as_slice(), &[("batch.max.rows", "3")]].concat());
        acceptance::source(&library, CLASS, config, || more_orders(&mut db, 20));
    }
}

#[test]
fn new_rows_are_found_by_a_number() {
    for mut db in Db::all() {
        orders(&mut db, 3);
        let mut source = db.started(&INCREMENTING);
        let reads = poll(&mut source, 3);
        assert_eq!(ids(&reads), [1, 2, 3], "{:?}", db.kind);
        let first = &reads[0].record;
        assert_eq!((first.topic.as_str(), &first.key), ("db-orders", &Data::NULL));
        let schema = &record(&reads[0]).schema;
        assert_eq!(schema.name_str(), Some("orders"));
        assert_eq!(schema.fields.iter().map(|field| field.schema.optional).collect::<Vec<_>>(), [false, true]);
        assert_eq!(*field(&reads[0], "note"), Value::string("note 0"));
        assert_eq!(reads[2].offset, Some(offset_map([("incrementing", Value::int64(3))])));
        let table = match db.kind {
            None => "orders".to_owned(),
            Some(Kind::Postgres) => "public.orders".to_owned(),
            Some(Kind::MariaDb) => format!("{}.orders", db.url.split(['/', '?']).nth(3).unwrap()),
        };
        let partition = offset_map([("protocol", "1".into()), ("table", table.into())]);
        assert_eq!(reads[0].partition, Some(partition));

        source.commit_first(2).unwrap();
        source.restart().unwrap();
        assert_eq!(ids(&poll(&mut source, 1)), [3]);
        more_orders(&mut db, 2);
        assert_eq!(ids(&poll(&mut source, 2)), [4, 5]);
    }
}

#[test]
fn the_offset_of_an_older_version_is_found() {
    let mut db = Db::sqlite();
    orders(&mut db, 3);
    let mut source = db.source(&INCREMENTING);
    let old = offset_map([("table", "orders".into())]);
    source.offsets().set(&old, &offset_map([("incrementing", Value::int64(2))]));
    source.start().unwrap();
    assert_eq!(ids(&poll(&mut source, 1)), [3]);
    let told = source.log().into_iter().any(|line| line.message.contains("stored offset number 2"));
    assert!(told, "{:?}", source.log());
}

#[test]
fn rows_below_zero_are_read_too_and_a_start_can_be_set() {
    let mut db = Db::sqlite();
    orders(&mut db, 2);
    db.run("INSERT INTO orders (id) VALUES (-7)");
    assert_eq!(ids(&poll(&mut db.started(&INCREMENTING), 3)), [-7, 1, 2]);
    let late = [INCREMENTING.as_slice(), &[("incrementing.initial", "1")]].concat();
    assert_eq!(ids(&poll(&mut db.started(&late), 1)), [2]);
}

#[test]
fn a_whole_table_is_read_again_and_again() {
    for mut db in Db::all() {
        orders(&mut db, 2);
        let mut source = db.started(&[("mode", "bulk"), ("table.whitelist", "orders")]);
        let reads = poll(&mut source, 4);
        assert_eq!(ids(&reads[..4]), [1, 2, 1, 2]);
        assert!(reads[0].partition.is_none() && reads[0].offset.is_none());
    }
}

fn events(db: &mut Db) {
    let (counted, time) = (db.counted(), if db.kind == Some(Kind::Postgres) { "TIMESTAMP" } else { "DATETIME(6)" });
    let time = if db.kind.is_none() { "DATETIME" } else { time };
    db.run(&format!("CREATE TABLE events (id {counted}, changed {time} NOT NULL, also {time})"));
}

fn event(db: &mut Db, second: &str) {
    db.run(&format!("INSERT INTO events (changed) VALUES ('2024-05-05 10:00:{second}')"));
}

const TIMESTAMP: [(&str, &str); 3] =
    [("mode", "timestamp"), ("table.whitelist", "events"), ("timestamp.column.name", "changed")];

#[test]
fn equal_times_are_not_lost_in_mid_batch() {
    for mut db in Db::all() {
        events(&mut db);
        for second in ["01", "02", "02", "02.5"] {
            event(&mut db, second);
        }
        let mut source = db.started(&TIMESTAMP);
        let reads = poll(&mut source, 4);
        assert_eq!(ids(&reads), [1, 2, 3, 4], "{:?}", db.kind);
        let second = |second: i64, nanos: i64| {
            let millis = 1_714_903_200_000 + second * 1000 + nanos / 1_000_000;
            Some(offset_map([("timestamp_nanos", Value::int64(nanos)), ("timestamp", Value::int64(millis))]))
        };
        let expected = [second(1, 0), second(1, 0), second(2, 0), second(2, 500_000_000)];
        assert_eq!(reads.iter().map(|read| read.offset.clone()).collect::<Vec<_>>(), expected, "{:?}", db.kind);
        source.commit_first(2).unwrap();
        source.restart().unwrap();
        assert_eq!(ids(&poll(&mut source, 3)), [2, 3, 4], "both rows of the second come again");
        source.commit().unwrap();
        source.restart().unwrap();
        event(&mut db, "03.000001");
        assert_eq!(ids(&poll(&mut source, 1)), [5], "{:?}", db.kind);
    }
}

/// Records without a position would not hold back the positions of those behind them.
#[test]
fn rows_of_the_first_time_have_a_position_too() {
    let mut db = Db::sqlite();
    events(&mut db);
    for second in ["01"; 3] {
        event(&mut db, second);
    }
    let mut source = db.started(&TIMESTAMP);
    let reads = poll(&mut source, 3);
    let offsets: Vec<_> = reads.iter().map(|read| read.offset.clone().expect("a position")).collect();
    assert_eq!(offsets[..2], [offset_map([]), offset_map([])]);
    assert!(!offsets[2].is_empty() && reads.iter().all(|read| read.partition == reads[2].partition));
    // The third is safe before the first two: what is stored is the position of those.
    source.offsets().set(reads[0].partition.as_ref().unwrap(), &offsets[0]);
    source.restart().unwrap();
    assert_eq!(ids(&poll(&mut source, 3)), [1, 2, 3]);
}

#[test]
fn changed_rows_are_found_by_time_and_number() {
    for mut db in Db::all() {
        events(&mut db);
        for second in ["01", "02", "02"] {
            event(&mut db, second);
        }
        let mode = [("mode", "timestamp+incrementing"), ("incrementing.column.name", "id")];
        let mut source = db.started(&[TIMESTAMP.as_slice(), &mode].concat());
        assert_eq!(ids(&poll(&mut source, 3)), [1, 2, 3], "{:?}", db.kind);
        source.commit_first(2).unwrap();
        source.restart().unwrap();
        assert_eq!(ids(&poll(&mut source, 1)), [3]);
        db.run("UPDATE events SET changed = '2024-05-05 10:00:09' WHERE id = 1");
        event(&mut db, "02");
        assert_eq!(ids(&poll(&mut source, 2)), [4, 1], "{:?}", db.kind);
    }
}

#[test]
fn several_times_count_as_the_first_that_is_there() {
    for mut db in Db::all() {
        events(&mut db);
        for second in ["05", "06"] {
            event(&mut db, second);
        }
        db.run("UPDATE events SET also = '2024-05-05 10:00:07' WHERE id = 1");
        let columns = ("timestamp.column.name", "also,changed");
        let reads = poll(&mut db.started(&[TIMESTAMP.as_slice(), &[columns]].concat()), 2);
        assert_eq!(ids(&reads), [2, 1], "{:?}", db.kind);
    }
}

#[test]
fn a_start_can_be_set_and_young_rows_are_left_for_later() {
    for mut db in Db::all() {
        events(&mut db);
        event(&mut db, "01");
        let now = if db.kind.is_none() { "strftime('%Y-%m-%d %H:%M:%f', 'now')" } else { "CURRENT_TIMESTAMP(6)" };
        let zone = [("db.timezone", "UTC")];
        db.run(&format!("INSERT INTO events (changed) VALUES ({now})"));
        let source = |more: &[(&str, &str)]| db.started(&[TIMESTAMP.as_slice(), &zone, more].concat());
        assert_eq!(ids(&poll(&mut source(&[("timestamp.initial", "1714903200999")]), 2)), [1, 2]);
        assert_eq!(ids(&poll(&mut source(&[("timestamp.initial", "1714903201000")]), 1)), [2]);
        let mut late = source(&[("timestamp.delay.interval.ms", "3600000")]);
        assert_eq!(ids(&poll(&mut late, 1)), [1]);
        assert!(late.poll().unwrap().is_empty());
        assert!(source(&[("timestamp.initial", "-1")]).poll().unwrap().is_empty());
    }
}

#[test]
fn times_of_another_zone_come_at_the_right_moment() {
    for mut db in Db::all() {
        events(&mut db);
        event(&mut db, "01");
        let shanghai = [TIMESTAMP.as_slice(), &[("db.timezone", "Asia/Shanghai")]].concat();
        let mut source = db.started(&shanghai);
        let reads = poll(&mut source, 1);
        assert_eq!(*field(&reads[0], "changed"), Value::timestamp(1_714_903_201_000 - 8 * 3_600_000), "{:?}", db.kind);
        source.commit().unwrap();
        source.restart().unwrap();
        event(&mut db, "02");
        assert_eq!(ids(&poll(&mut source, 1)), [2], "{:?}", db.kind);
    }
}

#[test]
fn a_query_may_have_conditions_of_its_own() {
    for mut db in Db::all() {
        orders(&mut db, 4);
        let query = "SELECT id, UPPER(note) AS loud FROM orders WHERE id <> 2 OR id = 2 AND 1 = 0 ORDER BY note;";
        let mode = [("mode", "incrementing"), ("incrementing.column.name", "id"), ("topic.prefix", "loud")];
        for key in ["query", "query.masked"] {
            let mut source = db.started(&[mode.as_slice(), &[(key, query)]].concat());
            assert!(source.validate().unwrap().is_empty(), "{:?}", source.validate());
            let reads = poll(&mut source, 3);
            assert_eq!(ids(&reads), [1, 3, 4], "{:?}", db.kind);
            assert_eq!(*field(&reads[0], "loud"), Value::string("NOTE 0"));
            assert_eq!((reads[0].record.topic.as_str(), record(&reads[0]).schema.name_str()), ("loud", None));
            assert_eq!(reads[0].partition, Some(offset_map([("query", "query".into())])));
            source.commit_first(2).unwrap();
            source.restart().unwrap();
            assert_eq!(ids(&poll(&mut source, 1)), [4]);
        }
    }
}

#[test]
fn a_new_table_is_found_while_others_are_read() {
    for mut db in Db::all() {
        orders(&mut db, 1);
        let mut source = db.started(&[("mode", "bulk"), ("table.include.list", ".*")]);
        assert_eq!(poll(&mut source, 1)[0].record.topic.as_str(), "orders");
        db.run("CREATE TABLE other (id INT)");
        db.run("INSERT INTO other VALUES (5)");
        wait_for(|| source.reconfigurations() > 0);
        source.restart().unwrap();
        let topics = poll(&mut source, 2);
        assert!(topics.iter().any(|read| read.record.topic.as_str() == "other"), "{topics:?}");
    }
}

fn wait_for(condition: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE * 12;
    while !condition() {
        assert!(Instant::now() < deadline, "it did not come to be within {PATIENCE:?}");
        std::thread::yield_now();
    }
}

#[test]
fn tables_are_dealt_to_tasks() {
    let mut db = Db::sqlite();
    for table in ["a", "b, c", "d\"e", "select"] {
        let name = table.replace('"', "\"\"");
        db.run(&format!("CREATE TABLE \"{name}\" (id INTEGER PRIMARY KEY)"));
        db.run(&format!("INSERT INTO \"{name}\" VALUES (1)"));
    }
    let mut source = db.source(&[("mode", "incrementing"), ("table.include.list", ".*")]).tasks_max(3);
    source.start().unwrap();
    assert_eq!(source.tasks(), 3);
    let mut topics = Vec::new();
    for task in 0..3 {
        let wanted = if task == 0 { 2 } else { 1 };
        while topics.len() < wanted + if task == 0 { 0 } else { task + 1 } {
            topics.extend(source.poll_task(task).unwrap().into_iter().map(|read| read.record.topic.to_string()));
        }
    }
    assert_eq!(topics, ["a", "b, c", "d\"e", "select"]);
}

#[test]
fn tables_are_looked_for_where_patterns_say() {
    let tables = |db: &Db, pairs: &[(&str, &str)]| {
        let source = db.source(&[&[("mode", "bulk"), ("table.blacklist", "nothing")], pairs].concat());
        source.task_configs().unwrap()[0].text("tables").unwrap().to_owned()
    };
    let mut postgres = Db::on(Kind::Postgres);
    postgres
        .run("CREATE SCHEMA more; CREATE TABLE a (id INT); CREATE TABLE more.b (id INT); CREATE VIEW c AS SELECT 1");
    assert_eq!(tables(&postgres, &[]), "\"more\".\"b\",\"public\".\"a\"");
    assert_eq!(tables(&postgres, &[("schema.pattern", "mo_e")]), "\"more\".\"b\"");
    assert_eq!(tables(&postgres, &[("table.types", "view")]), "\"public\".\"c\"");
    let (mut here, mut there) = (Db::on(Kind::MariaDb), Db::on(Kind::MariaDb));
    here.run("CREATE TABLE a (id INT)");
    there.run("CREATE TABLE b (id INT)");
    let [of_here, of_there] = [&here, &there].map(|db| db.url.split(['/', '?']).nth(3).unwrap());
    assert_eq!(tables(&here, &[]), format!("`{of_here}`.`a`"));
    assert_eq!(tables(&here, &[("catalog.pattern", of_there)]), format!("`{of_there}`.`b`"));
}

#[test]
fn rows_are_read_with_the_isolation_that_was_asked_for() {
    let mut db = Db::on(Kind::MariaDb);
    db.run("CREATE TABLE t (id INT)");
    db.run("INSERT INTO t VALUES (1)");
    let mut other = connect(&db.url);
    other.begin(Isolation::ServerDefault).unwrap();
    other.execute("INSERT INTO t VALUES (2)", &[]).unwrap();
    for (level, seen) in [("DEFAULT", &[1][..]), ("read_uncommitted", &[1, 2]), ("READ_COMMITTED", &[1])] {
        let pairs = [("mode", "bulk"), ("table.whitelist", "t"), ("poll.interval.ms", "60000")];
        let mut source = db.started(&[&pairs[..], &[("transaction.isolation.mode", level)]].concat());
        assert_eq!(ids(&poll(&mut source, seen.len())), seen, "{level}");
    }
}

#[test]
fn the_tutorials_source_writes_as_the_tutorial_shows() {
    let mut db = Db::on(Kind::MariaDb);
    db.run("CREATE TABLE test_user(id bigint(20) not null auto_increment, name varchar(255) default null, primary key(id))");
    db.run("INSERT INTO test_user (name) VALUES ('yyyyyy'), ('qqqq'), ('eeee')");
    let url = format!(
        "{}&useUnicode=true&characterEncoding=UTF-8&autoReconnect=true&useSSL=false&\
         zeroDateTimeBehavior=convertToNull&serverTimezone=UTC&rewriteBatchedStatements=true",
        db.url
    );
    let config = Config::from([("database.url", url.as_str()), ("database.tables", "test_user")]);
    let class = "com.github.taven.source.ExampleSourceConnector";
    let mut source = SourceHarness::new(&testkit::library!(ferroconnect_jdbc), class, config);
    assert!(source.validate().unwrap().is_empty(), "{:?}", source.validate());
    // The worker hides what a variable stood for where a task has the connector's own key.
    let tasks = source.task_configs().unwrap();
    let keys: Vec<_> = tasks[0].iter().map(|(key, _)| key).collect();
    assert_eq!(keys, ["database.tables", "database.url", "poll.interval.ms", "tables", "tables.fetched"]);
    assert_eq!(tasks[0].get("poll.interval.ms"), Some("1000"));
    source.start().unwrap();
    let reads = poll(&mut source, 3);
    let schema = &record(&reads[0]).schema;
    assert_eq!((reads[0].record.topic.as_str(), schema.name_str()), ("test_user", Some("test_user")));
    assert!(schema.fields.iter().all(|field| !field.schema.optional));
    assert_eq!(reads[1].record.key.value, Value::string("2"));
    assert_eq!(*field(&reads[1], "name"), Value::string("qqqq"));
    source.commit().unwrap();
    source.restart().unwrap();
    db.run("INSERT INTO test_user (name) VALUES (NULL)");
    let read = poll(&mut source, 1);
    assert_eq!((ids(&read), field(&read[0], "name")), (vec![4], &Value::NULL));
    assert!(record(&read[0]).schema.fields[1].schema.optional);
}
