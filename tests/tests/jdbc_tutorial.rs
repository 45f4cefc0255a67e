//! The source of a well-known tutorial, "MySQL to Redis", with its files (names, host and password apart).

#![allow(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use ferroconnect_e2e::kafka::Kafka;
use ferroconnect_e2e::unique;
use ferroconnect_e2e::wait::until;
use ferroconnect_e2e::worker::{Subject, WorkerSetup};
use ferroconnect_test_servers::{Kind, PASSWORD, Server, USER};
use serde_json::{Value, json};

const JSON: &str = "org.apache.kafka.connect.json.JsonConverter";

/// The parameters that the tutorial puts behind the URL.
const PARAMETERS: &str = "useUnicode=true&characterEncoding=UTF-8&autoReconnect=true&useSSL=false&\
                          zeroDateTimeBehavior=convertToNull&serverTimezone=UTC&rewriteBatchedStatements=true";

/// The tutorial's `source.json`.
fn source(name: &str, url: &str, table: &str) -> Value {
    json!({"name": name, "config": {
        "connector.class": "com.github.taven.source.ExampleSourceConnector",
        "tasks.max": "1",
        "database.url": format!("{url}?{PARAMETERS}"),
        "database.username": USER,
        "database.password": PASSWORD,
        "database.tables": table,
    }})
}

/// The tutorial lists the topics after its source has read the table. A worker that keeps its own things in files adds
/// none to it, nor does reading a table.
#[test]
fn no_topic_but_the_tables_is_made() {
    let server = Server::shared(Kind::MariaDb);
    server.sql("test", "CREATE DATABASE listed");
    let columns = "id bigint(20) not null auto_increment, name varchar(255) default null, primary key(id)";
    server
        .sql("listed", &format!("CREATE TABLE test_user ({columns}); INSERT INTO test_user (name) VALUES ('yyyyyy')"));
    let kafka = Kafka::start_own();
    let mut setup = WorkerSetup::new(Subject::Ferroconnect, &kafka);
    setup.set("key.converter", JSON).set("value.converter", JSON);
    let worker = setup.start();
    assert_eq!(kafka.topics(), [""; 0]);
    let made =
        worker.rest.post("/connectors/", Some(&source("example-source", &server.bare_url("listed"), "test_user")));
    assert_eq!(made.status, 201, "{made:?}");
    kafka.read_at_least("test_user", 1);
    let mut topics = kafka.topics();
    // Kafka's own, which whoever reads a topic may have made.
    topics.retain(|topic| topic != "__consumer_offsets");
    assert_eq!(topics, ["test_user"]);
}

#[test]
fn rows_become_the_records_that_the_tutorial_shows() {
    let server = Server::shared(Kind::MariaDb);
    let (table, name) = (unique("test_user"), unique("example-source"));
    let columns = "id bigint(20) not null auto_increment, name varchar(255) default null, primary key(id)";
    server.sql("test", &format!("CREATE TABLE `{table}` ({columns})"));
    server.sql("test", &format!("INSERT INTO `{table}` (name) VALUES ('yyyyyy'), ('qqqq'), ('eeee')"));

    let kafka = Kafka::shared();
    let mut setup = WorkerSetup::new(Subject::Ferroconnect, kafka);
    setup.set("key.converter", JSON).set("value.converter", JSON);
    let worker = setup.start();
    let made = worker.rest.post("/connectors/", Some(&source(&name, &server.bare_url("test"), &table)));
    assert_eq!(made.status, 201, "{made:?}");
    let mut status = worker.rest.await_task(&name, 0, "RUNNING");
    for part in ["/connector", "/tasks/0"] {
        let part = status.pointer_mut(part).and_then(Value::as_object_mut).unwrap();
        part.remove("version");
        part.remove("worker_id").unwrap();
    }
    let expected = json!({"name": name, "connector": {"state": "RUNNING"}, "tasks": [{"id": 0, "state": "RUNNING"}],
        "type": "source"});
    assert_eq!(status, expected);

    let value = |id: i64, name: Option<&str>, optional: bool| {
        format!(
            "{{\"schema\":{{\"type\":\"struct\",\"fields\":[{{\"type\":\"int64\",\"optional\":false,\"field\":\"id\"}},\
             {{\"type\":\"string\",\"optional\":{optional},\"field\":\"name\"}}],\"optional\":false,\"name\":\"{table}\"}},\
             \"payload\":{{\"id\":{id},\"name\":{}}}}}",
            json!(name)
        )
    };
    let records = kafka.read_at_least(&table, 3);
    let texts: Vec<_> = records.iter().map(|record| record.text().unwrap()).collect();
    let expected = [(1, "yyyyyy"), (2, "qqqq"), (3, "eeee")].map(|(id, name)| value(id, Some(name), false));
    assert_eq!(texts, expected);
    let key: Value = serde_json::from_slice(records[1].key.as_ref().unwrap()).unwrap();
    assert_eq!(key, json!({"schema": {"type": "string", "optional": false}, "payload": "2"}));

    // A name that is NULL ended the tutorial's own task.
    server.sql("test", &format!("INSERT INTO `{table}` (name) VALUES (NULL)"));
    assert_eq!(kafka.read_at_least(&table, 4)[3].text(), Some(value(4, None, true)));
    until("the position in the worker's offsets", || {
        let offsets = worker.rest.get(&format!("/connectors/{name}/offsets")).json();
        offsets.pointer("/offsets/0/offset/incrementing") == Some(&json!(4))
    });
    assert!(!setup.logs().contains(PASSWORD), "the password is in the log");
}

/// So many that the first kill comes long before the last row.
const ROWS: i64 = 500_000;

/// The worker is killed in mid-read; afterwards each row is in the topic.
#[test]
fn a_killed_worker_loses_no_rows() {
    let server = Server::shared(Kind::Postgres);
    let (table, name) = (unique("big"), unique("source"));
    server.sql("postgres", &format!("CREATE TABLE \"{table}\" (id BIGSERIAL PRIMARY KEY, note TEXT)"));
    server.sql(
        "postgres",
        &format!("INSERT INTO \"{table}\" (note) SELECT 'row ' || n FROM generate_series(1, {ROWS}) n"),
    );
    let kafka = Kafka::shared();
    let mut setup = WorkerSetup::new(Subject::Ferroconnect, kafka);
    setup.connector(
        &name,
        &[
            ("connector.class", "JdbcSource"),
            ("tasks.max", "1"),
            ("connection.url", &server.url("postgres")),
            ("table.whitelist", &table),
            ("mode", "incrementing"),
            ("poll.interval.ms", "100"),
            ("batch.max.rows", "100"),
            ("transforms", "id"),
            ("transforms.id.type", "org.apache.kafka.connect.transforms.ExtractField$Value"),
            ("transforms.id.field", "id"),
        ],
    );
    kafka.create_topic(&table, 1);
    for round in 1..=3 {
        let had = kafka.count(&table);
        let worker = setup.start();
        until("some rows", || kafka.count(&table) > had + 3000);
        assert!(round > 1 || kafka.count(&table) < ROWS, "the worker is to be killed in mid-read");
        // A worker that is dropped is killed.
        drop(worker);
    }
    let _worker = setup.start();
    let read = || {
        let records = kafka.read(&table);
        let mut ids: Vec<i64> = records.iter().map(|record| record.text().unwrap().parse().unwrap()).collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    };
    until("all rows", || read().len() as i64 == ROWS);
    assert_eq!(read(), (1..=ROWS).collect::<Vec<_>>());
}
