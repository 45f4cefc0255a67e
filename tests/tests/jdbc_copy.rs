//! Copies of tables and other work of the JDBC sink, with the files of public guides (paths, names and ports apart).

#![allow(clippy::unwrap_used, reason = "a test ends at the first surprise")]

#[path = "../../plugins/jdbc/tests/openmldb_server/mod.rs"]
mod openmldb_server;

use ferroconnect_e2e::kafka::{Kafka, NewRecord};
use ferroconnect_e2e::unique;
use ferroconnect_e2e::wait::{until, until_equal};
use ferroconnect_e2e::worker::{Subject, WorkerSetup};
use ferroconnect_test_registry::Registry;
use ferroconnect_test_servers::{Kind, Server};
use serde_json::json;

const SINK: &str = "io.confluent.connect.jdbc.JdbcSinkConnector";
const SOURCE: &str = "io.confluent.connect.jdbc.JdbcSourceConnector";
const JSON: &str = "org.apache.kafka.connect.json.JsonConverter";
const AVRO: &str = "io.confluent.connect.avro.AvroConverter";

/// A database with the tutorial's table, and one for its copy.
fn shop(server: &Server, name: &str) -> (String, String) {
    let (online, copy) = (format!("{name}_online"), format!("{name}_copy"));
    server.sql("", &format!("CREATE DATABASE {online}; CREATE DATABASE {copy}"));
    server.sql(
        &online,
        "CREATE TABLE main_orderinfo (right_id BIGINT AUTO_INCREMENT PRIMARY KEY, customer VARCHAR(50), \
         amount DECIMAL(10,2), ordered DATETIME, note TEXT)",
    );
    server.sql(
        &online,
        "INSERT INTO main_orderinfo VALUES (1, 'Zoë', 12.50, '2017-03-04 05:06:07', NULL), \
                         (2, NULL, -0.01, NULL, 'it''s \\\\ 漢字')",
    );
    (online, copy)
}

#[test]
fn a_table_is_copied_and_followed() {
    let server = Server::shared(Kind::MariaDb);
    let (online, copy) = shop(server, "myprj");
    let registry = Registry::start();
    let prefix = format!("{}-", unique("mysql"));
    let topic = format!("{prefix}main_orderinfo");
    let mut setup = WorkerSetup::new(Subject::Ferroconnect, Kafka::shared());
    for side in ["key", "value"] {
        setup.set(&format!("{side}.converter"), AVRO);
        setup.set(&format!("{side}.converter.schema.registry.url"), &registry.url());
    }
    setup.connector(
        &unique("source"),
        &[
            ("connector.class", SOURCE),
            ("tasks.max", "1"),
            ("connection.url", &server.url(&online)),
            ("table.whitelist", "main_orderinfo"),
            ("mode", "incrementing"),
            ("incrementing.column.name", "right_id"),
            ("topic.prefix", &prefix),
            ("poll.interval.ms", "200"),
        ],
    );
    setup.connector(
        &unique("sink"),
        &[
            ("connector.class", SINK),
            ("tasks.max", "1"),
            ("topics", &topic),
            ("connection.url", &server.url(&copy)),
            ("auto.create", "true"),
        ],
    );
    let _worker = setup.start();
    let rows =
        |database: &str, table: &str| server.sql(database, &format!("SELECT * FROM `{table}` ORDER BY right_id"));
    let is_there = || server.sql(&copy, "SHOW TABLES").trim() == topic;
    until("the copy of the table", is_there);
    // The copy shows milliseconds, the table of the tutorial does not.
    let original = || rows(&online, "main_orderinfo").replace("05:06:07", "05:06:07.000");
    until_equal("all rows", &original(), || rows(&copy, &topic));
    server.sql(&online, "INSERT INTO main_orderinfo (customer, amount) VALUES ('new', 7)");
    until_equal("the new row", &original(), || rows(&copy, &topic));
    assert_eq!(registry.schemas(&format!("{topic}-value")).len(), 1);
}

/// The message of the OpenMLDB guide, which says of its date that it is a 64-bit integer.
fn guide_message() -> String {
    let field = |name: &str, kind: &str| json!({"type": kind, "optional": true, "field": name});
    let logical = |name: &str, class: &str| {
        json!({"type": "int64", "name": format!("org.apache.kafka.connect.data.{class}"), "version": 1, "optional": true,
               "field": name})
    };
    json!({
        "schema": {"type": "struct", "optional": false, "name": "foobar", "fields": [
            field("c1_int16", "int16"), field("c2_int32", "int32"), field("c3_int64", "int64"), field("c4_float", "float"),
            field("c5_double", "double"), field("c6_boolean", "boolean"), field("c7_string", "string"),
            logical("c8_date", "Date"), logical("c9_timestamp", "Timestamp"),
        ]},
        "payload": guide_payload(),
    })
    .to_string()
}

fn guide_payload() -> serde_json::Value {
    json!({
        "c1_int16": 1, "c2_int32": 2, "c3_int64": 3, "c4_float": 4.4, "c5_double": 5.555, "c6_boolean": true,
        "c7_string": "c77777", "c8_date": 19109, "c9_timestamp": 1_651_051_906_000i64,
    })
}

fn guide_row() -> serde_json::Value {
    json!([1, 2, 3, 4.4, 5.555, true, "c77777", "2022-04-27", 1_651_051_906_000i64])
}

const OPENMLDB: &str = "jdbc:openmldb:///kafka_test?zk=127.0.0.1:2181&zkPath=/openmldb";

#[test]
fn the_openmldb_guide_makes_a_table_and_a_row() {
    let server = openmldb_server::Server::start();
    let (kafka, topic) = (Kafka::shared(), unique("topic1"));
    kafka.create_topic(&topic, 1);
    let mut setup = WorkerSetup::new(Subject::Ferroconnect, kafka);
    setup.set("key.converter", JSON).set("value.converter", JSON);
    let name = unique("test-sink");
    let file = format!(
        "name={name}\nconnector.class={SINK}\ntasks.max=1\ntopics={topic} \nconnection.url={OPENMLDB}\nauto.create=true\n\
         openmldb.api.server={}\n",
        server.address
    );
    setup.connector_file("openmldb.properties", &file);
    let _worker = setup.start();
    kafka.write_records(&topic, 0, [NewRecord::of(guide_message())]);
    until("the row", || server.has_rows(&topic));
    assert_eq!(json!(server.rows(&topic)), json!([guide_row()]));
    let kinds: Vec<String> = server.columns(&topic).iter().map(|(_, kind)| format!("{kind:?}")).collect();
    assert_eq!(kinds, ["SmallInt", "Int", "BigInt", "Float", "Double", "Bool", "Varchar", "Date", "Timestamp"]);
    assert!(setup.logs().contains("Executing sink task"), "the guide looks for this line");
}

#[test]
fn the_openmldb_guide_takes_the_schema_of_the_table() {
    let server = openmldb_server::Server::start();
    let (kafka, topic) = (Kafka::shared(), unique("auto"));
    kafka.create_topic(&topic, 1);
    server.run(&format!(
        "CREATE TABLE `{topic}` (`c1_int16` SMALLINT, `c2_int32` INT, `c3_int64` BIGINT, `c4_float` FLOAT, \
         `c5_double` DOUBLE, `c6_boolean` BOOL, `c7_string` STRING, `c8_date` DATE, `c9_timestamp` TIMESTAMP)"
    ));
    let mut setup = WorkerSetup::new(Subject::Ferroconnect, kafka);
    setup.connector(
        &unique("test-sink"),
        &[
            ("connector.class", SINK),
            ("tasks.max", "1"),
            ("topics", &topic),
            ("connection.url", OPENMLDB),
            ("openmldb.api.server", &server.address),
            ("auto.create", "false"),
            ("auto.schema", "true"),
            ("value.converter", JSON),
            ("value.converter.schemas.enable", "false"),
        ],
    );
    let _worker = setup.start();
    kafka.write_records(&topic, 0, [NewRecord::of(guide_payload().to_string())]);
    until("the row", || server.has_rows(&topic));
    assert_eq!(json!(server.rows(&topic)), json!([guide_row()]));
}
