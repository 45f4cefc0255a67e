//! Values that servers treat in their own ways: large ones, and times where the server has another zone.

use super::targets::Target;
use super::{UPSERT, USERS, connect, field, on_both, poll, sink, source, sql_of, told, user, with};
use ferroconnect_jdbc::db::SqlValue;
use ferroconnect_jdbc::dialect::Database;
use ferroconnect_plugin_sdk::testkit::sink_record;
use ferroconnect_plugin_sdk::{Data, Record, SchemaBuilder, Value, ValueRef};
use ferroconnect_test_servers::{Kind, Server};
use std::time::SystemTime;

const MEGABYTE: usize = 1 << 20;
const BULK: (&str, &str) = ("mode", "bulk");

/// 2024-02-29 01:02:03.004 in UTC.
const MOMENT: i64 = 1_709_168_523_004;
/// Neither UTC nor the server's own zone.
const ZONE: (&str, &str) = ("db.timezone", "+05:30");

fn at_moment(topic: &str) -> Record {
    let schema = SchemaBuilder::structure().field("at", SchemaBuilder::timestamp().build()).build();
    sink_record(topic, 0, 0, Data::new(schema.clone(), Value::structure(schema, vec![Value::timestamp(MOMENT)])))
}

fn millis(value: &Value) -> i64 {
    let ValueRef::Timestamp(millis) = value.view() else { panic!("{value:?}") };
    millis
}

on_both! {
    fn sixteen_megabytes_come_and_go(kind) {
        let target = Target::shared(kind, "large");
        let (text, bytes) = (SchemaBuilder::string().build(), SchemaBuilder::bytes().build());
        let schema = SchemaBuilder::structure().field("words", text).field("raw", bytes).build();
        let words = Value::from("\u{e4}x".repeat(16 * MEGABYTE / 3 + 1).as_str());
        let raw = Value::bytes((0..=16 * MEGABYTE).map(|n| (n % 251) as u8).collect::<Vec<u8>>());
        let value = Data::new(schema.clone(), Value::structure(schema, vec![words.clone(), raw.clone()]));
        let mut sink = sink(&target.url, &[&[("auto.create", "true")]]);
        sink.put(&[sink_record("large", 0, 0, value)]).unwrap();
        assert_eq!(told(&sink), []);
        let read = poll(&mut source(&target.url, &[&[BULK, ("table.whitelist", "large")]]), 1).remove(0);
        assert!(field(&read, "words") == &words && field(&read, "raw") == &raw, "not what was written");
    }

    fn times_keep_their_moment_on_a_server_with_another_zone(kind) {
        let server = Server::start(kind);
        let target = Target::on(kind, &server, "zoned");
        let own = "ALTER DATABASE zoned SET timezone = 'America/New_York'";
        target.run(sql_of(&target, "SET GLOBAL time_zone = '-05:00'", own));
        // A column without a zone shows what clocks of db.timezone show.
        sink(&target.url, &[&[("auto.create", "true"), ZONE]]).put(&[at_moment("plain")]).unwrap();
        let shown = target.rows(sql_of(&target, "SELECT CAST(at AS CHAR) FROM plain", "SELECT at::text FROM plain"));
        assert_eq!(shown, [[SqlValue::Text("2024-02-29 06:32:03.004".to_owned())]]);
        // A column with one holds the moment, where the session has the zone of db.timezone: on PostgreSQL always.
        target.run(sql_of(
            &target,
            "CREATE TABLE zoned (at TIMESTAMP(3) NULL)",
            "CREATE TABLE zoned (at TIMESTAMPTZ)",
        ));
        let session = "connectionTimeZone=%2B05:30&forceConnectionTimeZoneToSession=true";
        let url = with(&target.url, sql_of(&target, session, "ApplicationName=zones"));
        sink(&url, &[&[ZONE]]).put(&[at_moment("zoned")]).unwrap();
        let stored = sql_of(
            &target,
            "SELECT CAST(UNIX_TIMESTAMP(at) * 1000 AS SIGNED) FROM zoned",
            "SELECT (extract(epoch FROM at) * 1000)::bigint FROM zoned",
        );
        assert_eq!(target.rows(stored), [[SqlValue::Int(MOMENT)]]);
        for table in ["plain", "zoned"] {
            let read = poll(&mut source(&url, &[&[BULK, ("table.whitelist", table), ZONE]]), 1).remove(0);
            assert_eq!(millis(field(&read, "at")), MOMENT, "{table}");
        }
    }

    fn times_that_the_server_writes_are_found_at_once(kind) {
        let server = Server::start(kind);
        let target = Target::on(kind, &server, "clock");
        target.run(sql_of(
            &target,
            "SET GLOBAL time_zone = '-05:00'; CREATE TABLE made (at DATETIME(3) DEFAULT CURRENT_TIMESTAMP(3) NOT NULL)",
            "CREATE TABLE made (at TIMESTAMP(3) DEFAULT CURRENT_TIMESTAMP NOT NULL)",
        ));
        let zone = sql_of(&target, "DO 0", "SET TIME ZONE INTERVAL '-05:00' HOUR TO MINUTE");
        let mut writer = connect(&target.url);
        writer.execute(zone, &[]).unwrap();
        writer.execute("INSERT INTO made VALUES (DEFAULT)", &[]).unwrap();
        let mode = [("mode", "timestamp"), ("timestamp.column.name", "at"), ("table.whitelist", "made")];
        let read = poll(&mut source(&target.url, &[&mode, &[("db.timezone", "-05:00")]]), 1).remove(0);
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_millis() as i64;
        let age = now - millis(field(&read, "at"));
        assert!((0..600_000).contains(&age), "{age} ms old");
    }
}

#[test]
fn what_is_too_large_for_a_packet_is_told() {
    let server = Server::start(Kind::MariaDb);
    let target = Target::on(Kind::MariaDb, &server, "packets");
    assert_eq!(target.database, Database::MySql);
    target.run(&USERS.replace("VARCHAR(20)", "LONGTEXT"));
    let large = "x".repeat(2 * MEGABYTE);
    let mut administrator = connect(&target.url);
    administrator.execute("INSERT INTO users VALUES (1, ?)", &[SqlValue::Text(large.clone())]).unwrap();
    target.run(&format!("SET GLOBAL max_allowed_packet = {MEGABYTE}"));
    let mut sink = sink(&target.url, &[&UPSERT]);
    sink.put(&[user(2, "small"), user(3, &large), user(4, "small")]).unwrap();
    let bad = told(&sink);
    assert!(
        bad.len() == 1 && bad[0].0 == 3 && bad[0].1.contains("is larger than max_allowed_packet (1048576 bytes)"),
        "{bad:?}"
    );
    // Many rows go over in several packets.
    let kilobyte = "y".repeat(1024);
    let many: Vec<Record> = (10..3010).map(|id| user(id, &kilobyte)).collect();
    sink.put(&many).unwrap();
    sink.pre_commit().unwrap();
    assert_eq!(told(&sink), []);
    assert_eq!(target.rows("SELECT count(*) FROM users WHERE id >= 10"), [[SqlValue::Int(3000)]]);
    // What is there can be read: the limit is about what the server takes.
    let read = poll(
        &mut source(
            &target.url,
            &[&[BULK, ("query", "SELECT name FROM users WHERE id = 1")], &[("topic.prefix", "t")]],
        ),
        1,
    );
    assert_eq!(field(&read[0], "name"), &Value::from(large.as_str()));
}
