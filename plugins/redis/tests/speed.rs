//! How fast records are written, beside a plain loop of the client library. Measures only where it is asked to:
//! `cargo test --release -p ferroconnect-redis --test speed -- --ignored --nocapture`
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use common::Redis;
use ferroconnect_plugin_sdk::testkit::{self, SinkHarness, sink_record};
use ferroconnect_plugin_sdk::{Config, Data, Record, SchemaBuilder, Value};
use std::time::{Duration, Instant};

const RECORDS: i64 = 200_000;
/// Of a worker's poll, unless told otherwise.
const BATCH: usize = 500;
/// Both sides take turns, and the best of each counts.
const ROUNDS: usize = 5;

/// A row of ten columns.
fn row(id: i64) -> Data {
    let columns = (0..9).map(|column| format!("column{column}"));
    let schema = SchemaBuilder::structure().field("id", SchemaBuilder::int64().build());
    let schema = columns.fold(schema, |schema, name| schema.field(name, SchemaBuilder::string().build())).build();
    let mut fields = vec![Value::int64(id)];
    fields.extend((0..9).map(|column| Value::string(format!("value {column}"))));
    Data::new(schema.clone(), Value::structure(schema, fields))
}

fn time(work: impl FnOnce()) -> Duration {
    let began = Instant::now();
    work();
    began.elapsed()
}

#[test]
#[ignore = "a measurement: needs a quiet machine and an optimised build"]
fn the_sink_keeps_up_with_a_pipelined_loop() {
    let redis = Redis::start();
    let port = redis.port_text();
    let config = [("redis.host", "127.0.0.1"), ("redis.port", port.as_str()), ("redis.database", "0")];
    let mut all = Config::from(config);
    all.set("redis.password", "");
    let class = "com.github.taven.sink.ExampleSinkConnector";
    let mut sink = SinkHarness::new(&testkit::library!(ferroconnect_redis), class, all);
    sink.start().unwrap();
    let schema = row(0).schema;
    let records: Vec<Record> = (0..RECORDS)
        .map(|id| {
            let value = Data { schema: schema.clone(), ..row(id) };
            let mut record = sink_record("t", 0, id, value);
            record.key = Data::schemaless(Value::string(id.to_string()));
            record
        })
        .collect();
    sink.put(&records[..1]).unwrap();
    let text: String = redis.ask(&["GET", "t_0"]);
    let mut connection = redis.connection();
    let (mut ours, mut plain) = (Duration::MAX, Duration::MAX);
    for _ in 0..ROUNDS {
        ours = ours.min(time(|| records.chunks(BATCH).for_each(|batch| sink.put(batch).unwrap())));
        plain = plain.min(time(|| {
            for batch in records.chunks(BATCH) {
                let mut pipeline = redis::pipe();
                for record in batch {
                    pipeline.cmd("SET").arg(format!("p_{}", record.origin.offset)).arg(&text);
                }
                pipeline.exec(&mut connection).unwrap();
            }
        }));
    }
    let rate = |time: Duration| RECORDS as f64 / time.as_secs_f64();
    let share = rate(ours) / rate(plain);
    println!("sink {:.0}/s, plain loop {:.0}/s, {:.0} %", rate(ours), rate(plain), share * 100.0);
    assert!(share >= 0.8, "{share}");
}
