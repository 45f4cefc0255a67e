//! The sink with OpenMLDB, as the tutorial uses it, against a server that is made up here (see `openmldb_server`): these
//! tests never talk to a real OpenMLDB.
#![allow(clippy::unwrap_used, reason = "tests")]

mod openmldb_server;

use ferroconnect_plugin_sdk::testkit::{self, SinkHarness, sink_record};
use ferroconnect_plugin_sdk::{Config, Data, MapEntry, Record, SchemaBuilder, Value};
use openmldb_server::Server;
use serde_json::json;

const CLASS: &str = "io.confluent.connect.jdbc.JdbcSinkConnector";
const URL: &str = "jdbc:openmldb:///kafka_test?zk=127.0.0.1:2181&zkPath=/openmldb";

fn harness(address: Option<&str>, pairs: &[(&str, &str)]) -> SinkHarness {
    let mut config = Config::from([("connection.url", URL), ("max.retries", "0")]);
    if let Some(address) = address {
        config.set("openmldb.api.server", address);
    }
    for (key, value) in pairs {
        config.set(key, value);
    }
    SinkHarness::new(&testkit::library!(ferroconnect_jdbc), CLASS, config)
}

fn sink(server: &Server, pairs: &[(&str, &str)]) -> SinkHarness {
    let mut sink = harness(Some(&server.address), pairs);
    assert_eq!(sink.validate().unwrap(), []);
    sink.start().unwrap();
    sink
}

/// The message of the tutorial.
fn message() -> Data {
    let schema = SchemaBuilder::structure()
        .field("c1_int16", SchemaBuilder::int16().optional().build())
        .field("c2_int32", SchemaBuilder::int32().optional().build())
        .field("c3_int64", SchemaBuilder::int64().optional().build())
        .field("c4_float", SchemaBuilder::float32().optional().build())
        .field("c5_double", SchemaBuilder::float64().optional().build())
        .field("c6_boolean", SchemaBuilder::boolean().optional().build())
        .field("c7_string", SchemaBuilder::string().optional().build())
        // The tutorial's message says that dates are 64-bit integers.
        .field("c8_date", SchemaBuilder::int64().name("org.apache.kafka.connect.data.Date").optional().build())
        .field("c9_timestamp", SchemaBuilder::timestamp().optional().build())
        .build();
    let fields = vec![
        1i16.into(),
        2i32.into(),
        3i64.into(),
        4.4f32.into(),
        5.555f64.into(),
        true.into(),
        "c77777".into(),
        Value::date(19_109),
        Value::timestamp(1_651_051_906_000),
    ];
    Data::new(schema.clone(), Value::structure(schema, fields))
}

fn json_map(pairs: &[(&str, Value)]) -> Data {
    let entry = |(key, value): &(&str, Value)| MapEntry { key: (*key).into(), value: value.clone() };
    Data::schemaless(Value::map(pairs.iter().map(entry).collect::<Vec<_>>()))
}

fn reported(sink: &SinkHarness) -> Vec<(i64, String)> {
    let reported = sink.take_requests().reported;
    reported.into_iter().map(|(record, error)| (record.origin.offset, error.message().to_owned())).collect()
}

const ALL: [&str; 9] =
    ["c1_int16", "c2_int32", "c3_int64", "c4_float", "c5_double", "c6_boolean", "c7_string", "c8_date", "c9_timestamp"];

#[test]
fn the_tutorials_message_makes_table_and_row() {
    let server = Server::start();
    let mut sink = sink(&server, &[("auto.create", "true")]);
    sink.put(&[sink_record("topic1", 0, 0, message())]).unwrap();
    assert_eq!(reported(&sink), []);
    let kinds: Vec<String> = server.columns("topic1").iter().map(|(_, kind)| format!("{kind:?}")).collect();
    let names: Vec<String> = server.columns("topic1").into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ALL);
    let expected = ["SmallInt", "Int", "BigInt", "Float", "Double", "Bool", "Varchar", "Date", "Timestamp"];
    assert_eq!(kinds, expected);
    let row = json!([1, 2, 3, 4.4, 5.555, true, "c77777", "2022-04-27", 1_651_051_906_000i64]);
    assert_eq!(json!(server.rows("topic1")), json!([row]));
}

#[test]
fn a_table_that_shows_itself_late_is_waited_for() {
    let server = Server::start();
    server.show_tables_late(2);
    let mut sink = sink(&server, &[("auto.create", "true")]);
    sink.put(&[sink_record("topic1", 0, 0, message())]).unwrap();
    assert_eq!(reported(&sink), []);
    assert_eq!(server.rows("topic1").len(), 1);
    assert_eq!(server.statements().len(), 2, "one CREATE, one INSERT");
}

#[test]
fn without_a_schema_that_of_the_table_counts() {
    let server = Server::start();
    server.run(
        "CREATE TABLE `topic1` (`c1_int16` SMALLINT, `c2_int32` INT DEFAULT 7, `c4_float` FLOAT, `c7_string` VARCHAR, \
         `c8_date` DATE, `c9_timestamp` TIMESTAMP NOT NULL)",
    );
    let mut sink = sink(&server, &[("auto.schema", "true"), ("topic.table.mapping", "t:topic1")]);
    let at = || ("c9_timestamp", Value::int64(1_651_051_906_000));
    let first = json_map(&[
        ("c1_int16", Value::int64(1)),
        ("c4_float", Value::float64(4.4)),
        ("c7_string", "it's\n".into()),
        ("c8_date", Value::int64(19_109)),
        at(),
        ("unknown", Value::boolean(true)),
    ]);
    let values = [
        first,
        json_map(&[
            ("c2_int32", Value::NULL),
            ("c8_date", "2022/04/27".into()),
            ("c9_timestamp", "2022-04-27 09:31:46".into()),
        ]),
        json_map(&[("c1_int16", Value::int64(70_000)), at()]),
        json_map(&[("c1_int16", Value::int64(5))]),
        json_map(&[at()]),
    ];
    let records: Vec<Record> =
        values.into_iter().zip(0..).map(|(value, offset)| sink_record("t", 0, offset, value)).collect();
    sink.put(&records).unwrap();
    let bad = reported(&sink);
    assert_eq!(bad.iter().map(|(offset, _)| *offset).collect::<Vec<_>>(), [2, 3]);
    assert!(bad[0].1.contains("the column c1_int16 is a kSmallInt"), "{bad:?}");
    assert!(bad[1].1.contains("conversion failed on col c9_timestamp"), "{bad:?}");
    let rows = json!([
        [1, 7, 4.4, "it's\n", "2022-04-27", 1_651_051_906_000i64],
        [null, null, null, null, "2022-04-27", 1_651_051_906_000i64],
        [null, 7, null, null, null, 1_651_051_906_000i64],
    ]);
    assert_eq!(json!(server.rows("topic1")), rows);
}

#[test]
fn rows_are_sent_together() {
    let server = Server::start();
    let mut sink = sink(&server, &[("auto.create", "true")]);
    let records: Vec<Record> = (0..100).map(|offset| sink_record("many", 0, offset, message())).collect();
    sink.put(&records).unwrap();
    assert_eq!(server.rows("many").len(), 100);
    assert_eq!(server.statements().len(), 2, "one CREATE, one INSERT");
}

#[test]
fn what_is_missing_is_said() {
    let wrong = |sink: SinkHarness| -> Vec<(String, String)> {
        let values = sink.validate().unwrap();
        values.into_iter().map(|value| (value.name.to_string(), value.errors[0].to_string())).collect()
    };
    let server = Server::start();
    let nowhere = wrong(harness(None, &[]));
    assert_eq!(nowhere[0].0, "openmldb.api.server");
    assert!(nowhere[0].1.contains("add openmldb.api.server=host:port"), "{nowhere:?}");
    let upsert = wrong(harness(Some(&server.address), &[("insert.mode", "upsert"), ("pk.mode", "kafka")]));
    assert_eq!(upsert.iter().map(|(key, _)| key.as_str()).collect::<Vec<_>>(), ["insert.mode", "pk.mode"]);
    let url = "jdbc:openmldb:///missing?zk=a:1&zkPath=/o";
    let error = harness(Some(&server.address), &[("connection.url", url)]).start().unwrap_err();
    assert!(error.message().contains("There is no database missing"), "{error}");
    let mut tableless = sink(&server, &[("auto.schema", "true")]);
    tableless.put(&[sink_record("nowhere", 0, 0, json_map(&[]))]).unwrap();
    assert!(reported(&tableless)[0].1.contains("Table nowhere is missing"));
}

/// `FERROCONNECT_TEST_OPENMLDB=host:port` names the API server of a real OpenMLDB with the database `kafka_test`; without
/// it this test is left out.
#[test]
fn a_real_server_takes_the_message_too() {
    let Ok(address) = std::env::var("FERROCONNECT_TEST_OPENMLDB") else { return };
    let seconds = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let table = format!("ferroconnect_{seconds}");
    let mut sink = harness(Some(&address), &[("auto.create", "true"), ("table.name.format", &table)]);
    sink.start().unwrap();
    sink.put(&[sink_record("topic1", 0, 0, message())]).unwrap();
    assert_eq!(reported(&sink), []);
    let body = json!({"mode": "online", "sql": format!("SELECT * FROM {table}")});
    let answer = ureq::post(format!("http://{address}/dbs/kafka_test")).send_json(&body).unwrap().into_body();
    let answer: serde_json::Value = answer.into_with_config().read_json().unwrap();
    let row = answer["data"]["data"][0].as_array().unwrap_or_else(|| panic!("{answer}"));
    assert_eq!((row.len(), &row[0], &row[6]), (9, &json!(1), &json!("c77777")));
}
