//! The sinks on a real server.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use common::{Redis, free_port, until};
use ferroconnect_plugin_sdk::log::LogLevel;
use ferroconnect_plugin_sdk::testkit::{self, SinkHarness, acceptance, sink_record};
use ferroconnect_plugin_sdk::{Config, Data, ErrorKind, Header, Record, SchemaBuilder, Value};
use std::collections::HashMap;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::time::{Duration, Instant};

const EXAMPLE: &str = "com.github.taven.sink.ExampleSinkConnector";
const CUSTENBORDER: &str = "com.github.jcustenborder.kafka.connect.redis.RedisSinkConnector";
const FIELD_ENGINEERING: &str = "com.redis.kafka.connect.RedisSinkConnector";

fn sink(class: &str, config: &[(&str, &str)]) -> SinkHarness {
    let mut all = Config::default();
    for (key, value) in config {
        all.set(key, value);
    }
    SinkHarness::new(&testkit::library!(ferroconnect_redis), class, all)
}

fn started(class: &str, config: &[(&str, &str)]) -> SinkHarness {
    let mut sink = sink(class, config);
    sink.start().unwrap();
    sink
}

fn example(redis: &Redis) -> SinkHarness {
    started(EXAMPLE, &example_config(&redis.port_text()))
}

fn example_config(port: &str) -> [(&'static str, &str); 4] {
    [("redis.host", "127.0.0.1"), ("redis.port", port), ("redis.database", "0"), ("redis.password", "")]
}

fn field_engineering(redis: &Redis, config: &[(&str, &str)]) -> SinkHarness {
    let port = redis.port_text();
    let mut all = vec![("redis.port", port.as_str())];
    all.extend_from_slice(config);
    started(FIELD_ENGINEERING, &all)
}

fn record(offset: i64, key: impl Into<Value>, value: Data) -> Record {
    let mut record = sink_record("test_user", 0, offset, value);
    record.key = Data::schemaless(key);
    record
}

fn row(id: i64, name: &str) -> Data {
    let fields = SchemaBuilder::structure().name("test_user");
    let schema = fields.field("id", SchemaBuilder::int64().build()).field("name", SchemaBuilder::string().build());
    let schema = schema.build();
    Data::new(schema.clone(), Value::structure(schema, vec![Value::int64(id), Value::string(name)]))
}

fn text(value: &str) -> Data {
    Data::schemaless(value)
}

#[test]
fn it_is_a_good_plugin() {
    let redis = Redis::start();
    let port = redis.port_text();
    let config = Config::from([("redis.port", port.as_str())]);
    let written = || redis.ask::<usize>(&["XLEN", "acceptance"]);
    acceptance::sink(
        &testkit::library!(ferroconnect_redis),
        FIELD_ENGINEERING,
        config,
        vec![row(1, "a"), row(2, "b")],
        written,
    );
}

#[test]
fn a_record_without_a_key_is_reported_where_one_is_needed() {
    let redis = Redis::start();
    let hosts = format!("127.0.0.1:{}", redis.port);
    let mut sinks = [example(&redis), started(CUSTENBORDER, &[("redis.hosts", &hosts)])];
    for sink in &mut sinks {
        sink.put_values("t", 0, vec![text("a"), text("b")]).unwrap();
        assert_eq!(sink.take_requests().reported.len(), 2);
    }
}

#[test]
fn rows_become_json_under_topic_and_key() {
    let redis = Redis::start();
    let mut sink = example(&redis);
    sink.put(&[record(0, "1", row(1, "yyyyyy")), record(1, "2", row(2, "q\"q"))]).unwrap();
    assert_eq!(redis.ask::<String>(&["GET", "test_user_1"]), r#"{"id":1,"name":"yyyyyy"}"#);
    assert_eq!(redis.ask::<String>(&["GET", "test_user_2"]), r#"{"id":2,"name":"q\"q"}"#);
    sink.put(&[record(2, "1", Data::NULL)]).unwrap();
    assert_eq!(redis.ask::<Vec<String>>(&["KEYS", "*"]), ["test_user_2"]);
    assert_eq!(sink.pre_commit().unwrap(), sink.positions());
    assert_eq!(redis.ask::<i64>(&["TTL", "test_user_2"]), -1);
}

#[test]
fn a_server_that_is_not_there_fails_the_start_after_all_attempts() {
    let port = free_port().to_string();
    let mut config = example_config(&port).to_vec();
    config.extend([("redis.connection.attempts", "3"), ("redis.connection.retry.delay.ms", "100")]);
    let mut sink = sink(EXAMPLE, &config);
    let began = Instant::now();
    let error = sink.start().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::FATAL);
    let expected = format!("Cannot connect to Redis at 127.0.0.1:{port}: Connection refused");
    assert!(error.message().starts_with(&expected), "{error}");
    assert!(began.elapsed() >= Duration::from_millis(300), "the pauses are 100 ms and 200 ms");
    let warned = sink.log().iter().filter(|line| line.level == LogLevel::WARN).count();
    assert_eq!(warned, 2);
}

#[test]
fn a_server_that_comes_late_is_waited_for() {
    let port = free_port();
    let text = port.to_string();
    let mut config = example_config(&text).to_vec();
    config.extend([("redis.connection.attempts", "50"), ("redis.connection.retry.delay.ms", "100")]);
    let server = std::thread::spawn(move || Redis::on(port));
    started(EXAMPLE, &config);
    drop(server.join().unwrap());
}

#[test]
fn keys_and_values_are_kept_to_the_byte() {
    let redis = Redis::start();
    let hosts = format!("127.0.0.1:{}", redis.port);
    let mut sink = started(CUSTENBORDER, &[("redis.hosts", &hosts), ("redis.database", "0")]);
    let key: Vec<u8> = (0..=255).collect();
    let value = vec![0xAB; 16 << 20];
    let large = record(0, Value::bytes(key.clone()), Data::schemaless(Value::bytes(value.clone())));
    sink.put(&[large, record(1, "gone", text("x")), record(2, "gone", Data::NULL), record(3, "kept", text("é"))])
        .unwrap();
    let mut get = redis::cmd("GET");
    assert_eq!(get.arg(&key).query::<Vec<u8>>(&mut redis.connection()).unwrap(), value);
    assert_eq!(redis.ask::<usize>(&["DBSIZE"]), 2);
    assert_eq!(redis.ask::<String>(&["GET", "kept"]), "é");
}

#[test]
fn the_default_database_of_custenborder_is_one() {
    let redis = Redis::start();
    let hosts = format!("127.0.0.1:{}", redis.port);
    started(CUSTENBORDER, &[("redis.hosts", &hosts)]).put(&[record(0, "k", text("v"))]).unwrap();
    assert_eq!(redis.ask::<usize>(&["DBSIZE"]), 0);
    assert!(redis.ask::<String>(&["INFO", "keyspace"]).contains("db1:keys=1"));
}

#[test]
fn structures_are_those_of_field_engineering() {
    let redis = Redis::start();
    let put = |kind: &str, records: &[Record]| {
        field_engineering(&redis, &[("redis.type", kind), ("redis.keyspace", kind)]).put(records).unwrap();
    };
    put("STRING", &[record(0, "a", text("v"))]);
    assert_eq!(redis.ask::<String>(&["GET", "STRING:a"]), "v");
    put("HASH", &[record(0, "a", row(1, "ann"))]);
    let hash: HashMap<String, String> = redis.ask(&["HGETALL", "HASH:a"]);
    assert_eq!(hash, HashMap::from([("id".into(), "1".into()), ("name".into(), "ann".into())]));
    put("STREAM", &[record(0, Value::NULL, row(1, "ann")), record(1, Value::NULL, row(2, "bob"))]);
    assert_eq!(redis.ask::<usize>(&["XLEN", "STREAM"]), 2);
    put("LIST", &[record(0, "a", row(1, "")), record(1, "b", row(2, "")), record(2, "a", Data::NULL)]);
    assert_eq!(redis.ask::<Vec<String>>(&["LRANGE", "LIST", "0", "-1"]), ["b"]);
    put("SET", &[record(0, "a", row(1, "")), record(1, "b", row(2, "")), record(2, "a", Data::NULL)]);
    assert_eq!(redis.ask::<Vec<String>>(&["SMEMBERS", "SET"]), ["b"]);
    let score = |score: f64| Data::schemaless(Value::float64(score));
    put("ZSET", &[record(0, "high", score(1e300)), record(1, "low", score(-0.5))]);
    let members: Vec<String> = redis.ask(&["ZRANGE", "ZSET", "0", "-1", "WITHSCORES"]);
    assert_eq!(members, ["low", "-0.5", "high", "1.0000000000000001e+300"]);
}

#[test]
fn a_module_that_the_server_lacks_fails_the_task() {
    let redis = Redis::start();
    for (kind, key, value, module) in [
        ("JSON", Value::string("a"), text("{}"), "RedisJSON"),
        ("TIMESERIES", Value::int64(1), Data::schemaless(Value::float64(1.0)), "RedisTimeSeries"),
    ] {
        let mut sink = field_engineering(&redis, &[("redis.type", kind)]);
        let error = sink.put(&[record(0, key, value)]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::FATAL);
        assert!(error.message().contains(module), "{error}");
        assert!(sink.take_requests().reported.is_empty());
    }
}

#[test]
fn what_the_server_refuses_is_reported_one_by_one() {
    let redis = Redis::start();
    redis.ask::<()>(&["SET", "k:wrong", "no hash"]);
    let mut sink =
        field_engineering(&redis, &[("redis.type", "HASH"), ("redis.keyspace", "k"), ("redis.key.ttl", "99")]);
    let records = [
        record(0, "a", row(1, "a")),
        record(1, "b", text("no struct")),
        record(2, "wrong", row(2, "b")),
        record(3, "c", row(3, "c")),
    ];
    sink.put(&records).unwrap();
    let reported = sink.take_requests().reported;
    let offsets: Vec<i64> = reported.iter().map(|(record, _)| record.origin.offset).collect();
    assert_eq!(offsets, [1, 2]);
    assert!(reported.iter().all(|(_, error)| error.kind() == ErrorKind::DATA));
    assert_eq!(reported[1].1.message(), "Cannot write the record of topic test_user, partition 0, offset 2");
    assert!(format!("{:?}", reported[1].1).contains("WRONGTYPE"), "{:?}", reported[1].1);
    for key in ["k:a", "k:c"] {
        assert_eq!(redis.ask::<usize>(&["EXISTS", key]), 1);
        assert!(redis.ask::<i64>(&["TTL", key]) > 90);
    }
}

#[test]
fn a_header_sets_how_long_a_key_lives() {
    let redis = Redis::start();
    let mut sink = field_engineering(&redis, &[("redis.type", "STRING"), ("redis.keyspace", "")]);
    let mut short = record(0, "short", text("v"));
    short.headers.push(Header { key: "redis.key.ttl".into(), data: text("60") });
    sink.put(&[short, record(1, "long", text("v"))]).unwrap();
    assert!((1..=60).contains(&redis.ask::<i64>(&["TTL", "short"])));
    assert_eq!(redis.ask::<i64>(&["TTL", "long"]), -1);
}

#[test]
fn transactions_and_replicas_are_used_as_asked() {
    let redis = Redis::start();
    let mut sink =
        field_engineering(&redis, &[("redis.type", "LIST"), ("redis.keyspace", "l"), ("redis.multiexec", "true")]);
    sink.put(&[record(0, "a", row(1, "")), record(1, "b", row(2, ""))]).unwrap();
    assert_eq!(redis.ask::<usize>(&["LLEN", "l"]), 2);
    assert!(redis.ask::<String>(&["INFO", "commandstats"]).contains("cmdstat_exec:calls=1"));
    let mut sink = field_engineering(&redis, &[("redis.wait.replicas", "1"), ("redis.wait.timeout", "50")]);
    for _ in 0..3 {
        let error = sink.put(&[record(2, "c", row(3, ""))]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::RETRIABLE);
        assert!(error.message().starts_with("0 of 1 replicas"), "{error}");
    }
    assert_eq!(redis.ask::<usize>(&["XLEN", "test_user"]), 1, "it is only waited for");
    let replica = Redis::with(&["--replicaof", &format!("127.0.0.1 {}", redis.port)]);
    until("the replica is up to date", || replica.ask::<String>(&["INFO", "replication"]).contains("link_status:up"));
    // The replica tells of what it has once a second.
    until("the replica has it", || sink.put(&[record(2, "c", row(3, ""))]).is_ok());
    assert_eq!(replica.ask::<usize>(&["XLEN", "test_user"]), 1);
    // Another batch is written, and so is the same one where the connection is not the one that wrote it.
    drop(replica);
    sink.put(&[record(3, "d", row(4, ""))]).unwrap_err();
    redis.ask::<()>(&["CLIENT", "KILL", "TYPE", "normal"]);
    sink.put(&[record(3, "d", row(4, ""))]).unwrap_err();
    sink.put(&[record(3, "d", row(4, ""))]).unwrap_err();
    assert_eq!(redis.ask::<usize>(&["XLEN", "test_user"]), 3);
}

#[test]
fn a_password_or_user_is_sent_and_never_told() {
    let redis = Redis::with(&["--requirepass", "hunter2", "--user", "ann", "on", ">ann-secret", "~*", "+@all"]);
    let port = redis.port_text();
    let with = |user: &'static str, password: &'static str| {
        let mut config = example_config(&port).to_vec();
        config.retain(|(key, _)| *key != "redis.password");
        config.extend([("redis.username", user), ("redis.password", password), ("redis.connection.attempts", "9")]);
        sink(EXAMPLE, &config)
    };
    for (user, password) in [("", "hunter2"), ("ann", "ann-secret")] {
        let mut sink = with(user, password);
        sink.start().unwrap();
        sink.put(&[record(0, "k", text("v"))]).unwrap();
    }
    let error = with("", "").start().unwrap_err();
    assert!(error.message().ends_with("it wants a password: set redis.password"), "{error}");
    for (user, password) in [("", "wrong-secret"), ("ann", "wrong-secret")] {
        let mut sink = with(user, password);
        let began = Instant::now();
        let error = sink.start().unwrap_err();
        assert!(began.elapsed() < Duration::from_secs(2), "a wrong password is no reason to try again");
        let told = format!("{error:?} {:?}", sink.log());
        assert!(
            told.contains("WRONGPASS") && told.contains("check redis.username") && !told.contains("-secret"),
            "{told}"
        );
    }
}

#[test]
fn what_no_attempt_can_mend_fails_at_once() {
    let redis = Redis::with(&["--user", "reader", "on", ">pw", "~*", "+@read"]);
    let port = redis.port_text();
    let mut config = example_config(&port).to_vec();
    config[2].1 = "99";
    let began = Instant::now();
    let error = sink(EXAMPLE, &config).start().unwrap_err();
    assert!(error.message().contains("DB index is out of range"), "{error}");
    assert!(began.elapsed() < Duration::from_secs(2), "there are pauses of 2 s between attempts");
    let reader = [("redis.username", "reader"), ("redis.password", "pw")];
    let mut sink = field_engineering(&redis, &reader);
    let error = sink.put(&[record(0, "k", row(1, ""))]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::FATAL);
    assert!(error.message().contains("no permissions to run the 'xadd'"), "{error}");
}

#[test]
fn a_server_killed_in_the_middle_loses_nothing() {
    let mut redis = Redis::with(&["--appendonly", "yes", "--appendfsync", "always"]);
    let mut sink = example(&redis);
    let records: Vec<Record> = (0..20_000).map(|id| record(id, Value::int64(id), row(id, "name"))).collect();
    let port = redis.port;
    let killer = std::thread::spawn(move || {
        let mut connection = redis::Client::open(("127.0.0.1", port)).unwrap().get_connection().unwrap();
        until("records arrive", || common::command(&["DBSIZE"]).query::<usize>(&mut connection).unwrap() > 0);
        redis.kill();
        redis
    });
    let error = sink.put(&records).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RETRIABLE, "{error}");
    assert!(sink.take_requests().retry_after.is_some());
    let mut redis = killer.join().unwrap();
    let error = sink.put(&records).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RETRIABLE, "{error}");
    redis.start_again();
    until("the records are written", || match sink.put(&records) {
        Ok(()) => true,
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::RETRIABLE, "{error}");
            false
        }
    });
    assert_eq!(redis.ask::<usize>(&["DBSIZE"]), records.len());
    assert_eq!(sink.pre_commit().unwrap(), sink.positions());
}

#[test]
fn a_server_that_does_not_answer_is_a_reason_to_try_again() {
    let redis = Redis::start();
    let port = redis.port_text();
    let mut config = example_config(&port).to_vec();
    config.push(("redis.operation.timeout.ms", "200"));
    let mut sink = started(EXAMPLE, &config);
    redis.ask::<()>(&["CLIENT", "PAUSE", "100000", "WRITE"]);
    let began = Instant::now();
    let error = sink.put(&[record(0, "k", text("v"))]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RETRIABLE);
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    redis.ask::<()>(&["CLIENT", "UNPAUSE"]);
    sink.put(&[record(0, "k", text("v"))]).unwrap();
    assert_eq!(redis.ask::<String>(&["GET", "test_user_k"]), "v");
}

#[test]
fn a_silent_server_is_waited_for_once_in_a_batch() {
    let records: Vec<Record> = (0..50).map(|id| record(id, Value::int64(id), row(id, "name"))).collect();
    for atomic in ["false", "true"] {
        let redis = Redis::start();
        let mut sink = field_engineering(&redis, &[("redis.timeout", "1"), ("redis.multiexec", atomic)]);
        redis.freeze();
        let began = Instant::now();
        let error = sink.put(&records).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::RETRIABLE, "{error}");
        assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    }
}

#[test]
fn what_a_silent_server_has_not_got_never_reaches_it() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    // A server that greets, and then reads nothing for a while, as behind a network that is broken.
    let (falls_silent, silence) = std::sync::mpsc::channel();
    let (heals, healed) = std::sync::mpsc::channel();
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut seen = Vec::new();
        while !seen.windows(4).any(|word| word == b"PING") {
            let mut part = [0; 4096];
            let count = stream.read(&mut part).unwrap();
            seen.extend_from_slice(&part[..count]);
            let asked = part[..count].iter().filter(|byte| **byte == b'*').count();
            stream.write_all(&b"+OK\r\n".repeat(asked)).unwrap();
        }
        falls_silent.send(()).unwrap();
        healed.recv().unwrap();
        let mut rest = Vec::new();
        (stream.read_to_end(&mut rest).map_err(|error| error.kind()), rest.len())
    });
    let mut config = example_config(&port).to_vec();
    config.push(("redis.operation.timeout.ms", "300"));
    let mut sink = started(EXAMPLE, &config);
    silence.recv().unwrap();
    let value = "old".repeat(20 << 20);
    let error = sink.put(&[record(0, "k", text(&value))]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RETRIABLE, "{error}");
    heals.send(()).unwrap();
    let (end, arrived) = server.join().unwrap();
    assert_eq!(end.unwrap_err(), std::io::ErrorKind::ConnectionReset, "the machine would send the rest by itself");
    assert!(arrived < value.len(), "{arrived}");
}

#[test]
fn a_password_that_became_wrong_fails_the_task() {
    let redis = Redis::with(&["--user", "ann", "on", ">first", "~*", "+@all"]);
    let port = redis.port_text();
    let mut config = example_config(&port).to_vec();
    config.retain(|(key, _)| *key != "redis.password");
    config.extend([("redis.username", "ann"), ("redis.password", "first")]);
    let mut sink = started(EXAMPLE, &config);
    let records = [record(0, "k", text("v"))];
    sink.put(&records).unwrap();
    // Too many clients are no wrong password: that passes.
    let mut other = redis.connection();
    let mut tell = |words: &[&str]| common::command(words).exec(&mut other).unwrap();
    tell(&["CLIENT", "KILL", "USER", "ann"]);
    tell(&["CONFIG", "SET", "maxclients", "1"]);
    sink.put(&records).unwrap_err();
    let error = sink.put(&records).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RETRIABLE, "{error}");
    tell(&["CONFIG", "SET", "maxclients", "100"]);
    sink.put(&records).unwrap();
    tell(&["ACL", "SETUSER", "ann", "resetpass", ">second"]);
    tell(&["CLIENT", "KILL", "USER", "ann"]);
    sink.put(&records).unwrap_err();
    let error = sink.put(&records).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::FATAL, "{error}");
    assert!(error.message().ends_with("check redis.username and redis.password"), "{error}");
}

#[test]
fn a_stop_ends_what_takes_long() {
    // A new connection to a server that says nothing.
    let mut redis = Redis::start();
    let mut sink = example(&redis);
    redis.kill();
    let listener = TcpListener::bind(("127.0.0.1", redis.port)).unwrap();
    let records = vec![record(0, "k", text("v"))];
    sink.put(&records).unwrap_err();
    let mut held = None;
    let took = sink.stop_while_putting(records, || held = Some(listener.accept().unwrap())).unwrap();
    assert!(took < Duration::from_secs(5), "{took:?}");
    // A batch that is slow.
    let redis = Redis::start();
    let mut sink = example(&redis);
    redis.ask::<()>(&["CLIENT", "PAUSE", "2500", "WRITE"]);
    let records = (0..20_000).map(|id| record(id, Value::int64(id), row(id, "name"))).collect();
    let waits = || redis.ask::<String>(&["CLIENT", "LIST"]).contains("flags=b");
    sink.stop_while_putting(records, || until("the batch waits for the server", waits)).unwrap();
    assert!(redis.ask::<usize>(&["DBSIZE"]) < 20_000);
}

#[cfg(target_os = "linux")]
#[test]
fn connections_are_probed() {
    let redis = Redis::start();
    let _sink = example(&redis);
    let to = format!(":{:04X}", redis.port);
    let sockets = std::fs::read_to_string("/proc/net/tcp").unwrap();
    // Of each socket: number, own address, the other one, state (01 = connected), queues, timer (02 = probes) with 10 ms.
    let line = sockets.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let mut timers = line.filter(|words| words[2].ends_with(&to) && words[3] == "01").map(|words| words[5]);
    let (kind, left) = timers.next().unwrap().split_once(':').unwrap();
    let left = Duration::from_millis(10 * u64::from_str_radix(left, 16).unwrap());
    assert!(kind == "02" && left <= Duration::from_secs(30), "{kind} {left:?}");
}
