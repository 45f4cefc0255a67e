//! Copies of tables while workers and database servers are killed: at the end copy and original are the same.
//!
//! `FERROCONNECT_DATABASE_KILLS` says how often each test kills (default 20).

#![allow(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use ferroconnect_e2e::kafka::Kafka;
use ferroconnect_e2e::unique;
use ferroconnect_e2e::wait::{until, until_equal};
use ferroconnect_e2e::worker::{Subject, Worker, WorkerSetup};
use ferroconnect_test_servers::{Kind, Server};
use serde_json::json;

const SOURCE: &str = "io.confluent.connect.jdbc.JdbcSourceConnector";
const SINK: &str = "io.confluent.connect.jdbc.JdbcSinkConnector";
const JSON: &str = "org.apache.kafka.connect.json.JsonConverter";

/// Connections and statements are tried again until the killed server is back.
const PATIENT: [(&str, &str); 2] = [("connection.attempts", "100"), ("connection.backoff.ms", "200")];
const PATIENT_SINK: [(&str, &str); 2] = [("max.retries", "100"), ("retry.backoff.ms", "200")];

fn kills() -> usize {
    std::env::var("FERROCONNECT_DATABASE_KILLS").map_or(20, |kills| kills.parse().unwrap())
}

/// A worker whose tasks meet killed consumers' partitions soon.
fn set_up(kafka: &Kafka) -> WorkerSetup {
    let mut setup = WorkerSetup::new(Subject::Ferroconnect, kafka);
    setup.set("key.converter", JSON).set("value.converter", JSON).set("offset.flush.interval.ms", "300");
    setup.set("consumer.session.timeout.ms", "1000").set("consumer.heartbeat.interval.ms", "300");
    setup
}

fn again(setup: &mut WorkerSetup, worker: Worker) -> Worker {
    // A worker that is dropped is killed.
    drop(worker);
    setup.start()
}

/// Changes of one round: rows come, all rows of the round before and some old ones change, and some old ones go.
fn change(server: &Server, round: usize) {
    let rows: Vec<String> = (0..200).map(|row| format!("('round {round} row {row}', {row})")).collect();
    server.sql(
        "test",
        &format!(
            "UPDATE orders SET amount = amount + 1000 WHERE id > (SELECT * FROM (SELECT MAX(id) FROM orders) newest) - 200; \
             UPDATE orders SET note = CONCAT(note, '!') WHERE id % 7 = {}; \
             DELETE FROM orders WHERE id % 11 = {} AND id < (SELECT * FROM (SELECT MAX(id) FROM orders) newest) - 200; \
             INSERT INTO orders (note, amount) VALUES {}",
            round % 7,
            round % 11,
            rows.join(",")
        ),
    );
}

#[test]
fn a_copy_that_follows_its_table_is_equal_in_the_end_whoever_was_killed() {
    let (mut from, mut to) = (Server::start(Kind::MariaDb), Server::start(Kind::Postgres));
    from.sql(
        "test",
        "CREATE TABLE orders (id BIGINT AUTO_INCREMENT PRIMARY KEY, note VARCHAR(200), amount INT, \
         changed TIMESTAMP(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6) ON UPDATE CURRENT_TIMESTAMP(6))",
    );
    change(&from, 0);
    let kafka = Kafka::shared();
    let prefix = format!("{}-", unique("kills"));
    let topic = format!("{prefix}orders");
    kafka.create_topic(&topic, 1);
    let mut setup = set_up(kafka);
    let url = from.url("test");
    let source = [
        ("connector.class", SOURCE),
        ("tasks.max", "1"),
        ("connection.url", &*url),
        ("table.whitelist", "orders"),
        ("mode", "timestamp+incrementing"),
        ("timestamp.column.name", "changed"),
        ("incrementing.column.name", "id"),
        // Rows get their time when a statement begins and are seen when it has ended.
        ("timestamp.delay.interval.ms", "1000"),
        ("topic.prefix", &prefix),
        ("poll.interval.ms", "50"),
        ("batch.max.rows", "50"),
        ("deletes.table", "kept_keys"),
        ("deletes.interval.ms", "100"),
    ];
    setup.connector(&unique("source"), &[&source[..], &PATIENT].concat());
    let url = to.url("postgres");
    let sink = [
        ("connector.class", SINK),
        ("tasks.max", "1"),
        ("topics", &*topic),
        ("connection.url", &*url),
        ("table.name.format", "orders"),
        ("auto.create", "true"),
        ("insert.mode", "upsert"),
        ("pk.mode", "record_key"),
        ("pk.fields", "id"),
        ("delete.enabled", "true"),
        ("batch.size", "20"),
    ];
    setup.connector(&unique("sink"), &[&sink[..], &PATIENT, &PATIENT_SINK].concat());
    let mut worker = setup.start();
    for round in 1..=kills() {
        let moved = kafka.count(&topic);
        change(&from, round);
        // Killed while records move, not while everybody waits.
        until("records on their way", || kafka.count(&topic) > moved);
        match round % 3 {
            0 => worker = again(&mut setup, worker),
            1 => {
                to.kill();
                to.restart();
            }
            _ => {
                from.kill();
                from.restart();
            }
        }
        worker.assert_alive();
    }
    let rows =
        |server: &Server, database: &str| server.sql(database, "SELECT id, note, amount FROM orders ORDER BY id");
    until_equal("the copy", &rows(&from, "test"), || rows(&to, "postgres"));
    let left = rows(&from, "test").lines().count();
    assert!((100..200 * (kills() + 1)).contains(&left), "rows came and went: {left} are left");
    assert!(!setup.logs().contains(ferroconnect_test_servers::PASSWORD), "the password is in the log");
}

#[test]
fn each_record_becomes_one_row_without_any_key_whoever_is_killed() {
    let mut to = Server::start(Kind::Postgres);
    let (kafka, topic) = (Kafka::shared(), unique("once"));
    kafka.create_topic(&topic, 2);
    let mut setup = set_up(kafka);
    let url = to.url("postgres");
    let sink = [
        ("connector.class", SINK),
        ("tasks.max", "2"),
        ("topics", &*topic),
        ("connection.url", &*url),
        ("table.name.format", "numbers"),
        ("auto.create", "true"),
        ("offsets.table", "positions"),
        ("batch.size", "10"),
    ];
    setup.connector(&unique("sink"), &[&sink[..], &PATIENT, &PATIENT_SINK].concat());
    let mut worker = setup.start();
    let schema = json!({"type": "struct", "fields": [{"field": "number", "type": "int64"}]});
    let mut written = 0;
    let mut write = |rows: usize| {
        for partition in 0..2 {
            let numbers = (written..written + rows).filter(|number| number % 2 == partition);
            let value = |number| json!({"schema": schema, "payload": {"number": number}}).to_string();
            let values: Vec<String> = numbers.map(value).collect();
            kafka.write(&topic, partition as i32, values.iter().map(String::as_str));
        }
        written += rows;
        written
    };
    let first = write(100);
    until("the first rows", || {
        to.sql("postgres", "SELECT to_regclass('numbers')").trim() == "numbers" && count(&to) > 0
    });
    let mut all = first;
    for round in 1..=kills() {
        let seen = count(&to);
        all = write(300);
        until("rows on their way", || count(&to) > seen);
        if round % 2 == 0 {
            worker = again(&mut setup, worker);
        } else {
            to.kill();
            to.restart();
        }
        worker.assert_alive();
    }
    let numbers = || to.sql("postgres", "SELECT number FROM numbers ORDER BY number");
    let expected: String = (0..all).map(|number| format!("{number}\n")).collect();
    until_equal("each number once", &expected, numbers);
}

/// Rows of the copy.
fn count(server: &Server) -> usize {
    server.sql("postgres", "SELECT count(*) FROM numbers").trim().parse().unwrap()
}
