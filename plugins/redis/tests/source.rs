//! The stream source on a real server.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use common::{Redis, command, until};
use ferroconnect_plugin_sdk::testkit::{self, SourceHarness, SourceRead, acceptance};
use ferroconnect_plugin_sdk::{Config, ErrorKind, OffsetChange, Outcome, ValueRef, offset_map};
use std::time::Duration;

const CLASS: &str = "com.redis.kafka.connect.RedisStreamSourceConnector";
const GROUP: &str = "kafka-consumer-group";

fn config(redis: &Redis, more: &[(&str, &str)]) -> Config {
    let mut config = Config::from([("redis.stream.name", "orders"), ("redis.port", &redis.port_text())]);
    for (key, value) in more {
        config.set(key, value);
    }
    config
}

fn source(redis: &Redis, more: &[(&str, &str)]) -> SourceHarness {
    SourceHarness::new(&testkit::library!(ferroconnect_redis), CLASS, config(redis, more))
}

fn started(redis: &Redis, more: &[(&str, &str)]) -> SourceHarness {
    let mut source = source(redis, more);
    source.start().unwrap();
    source
}

/// Adds entries with the ids `first`-0 and so on.
fn feed(redis: &Redis, ids: std::ops::Range<u32>) {
    for id in ids {
        let id = format!("{id}-0");
        redis.ask::<()>(&["XADD", "orders", &id, "id", &id, "item", "é"]);
    }
}

fn ids(reads: &[SourceRead]) -> Vec<String> {
    reads.iter().map(|read| read.record.key.value.as_text().unwrap().as_str().to_owned()).collect()
}

/// The ids of these numbers.
fn numbered(ids: std::ops::Range<u32>) -> Vec<String> {
    ids.map(|id| format!("{id}-0")).collect()
}

fn pending(redis: &Redis) -> usize {
    let summary: Vec<redis::Value> = redis.ask(&["XPENDING", "orders", GROUP]);
    redis::from_redis_value(summary.into_iter().next().unwrap()).unwrap()
}

#[test]
fn it_is_a_good_plugin() {
    let redis = Redis::start();
    // At-most-once keeps no position, as Redis gives out no entry twice. The other is held to more below.
    let config = config(&redis, &[("redis.stream.delivery", "at-most-once"), ("batch.size", "10")]);
    acceptance::source(&testkit::library!(ferroconnect_redis), CLASS, config, || feed(&redis, 1..21));
}

#[test]
fn entries_become_records_of_the_java_connector() {
    let redis = Redis::start();
    feed(&redis, 1..2);
    let mut source = started(&redis, &[("topic", "redis_${stream}")]);
    let read = &source.poll_until(1).unwrap()[0];
    assert_eq!(read.record.topic.as_str(), "redis_orders");
    let ValueRef::Struct(value) = read.record.value.value.view() else { panic!("{:?}", read.record.value) };
    assert_eq!(value.schema.name_str(), Some("com.redis.kafka.connect.stream.Value"));
    assert_eq!(value.get("id").unwrap().as_text().unwrap().as_str(), "1-0");
    assert_eq!(value.get("stream").unwrap().as_text().unwrap().as_str(), "orders");
    let ValueRef::Map(body) = value.get("body").unwrap().view() else { panic!("{value:?}") };
    let body: Vec<_> =
        body.iter().map(|entry| (entry.key.as_text().unwrap(), entry.value.as_text().unwrap())).collect();
    assert_eq!(format!("{body:?}"), r#"[("id", "1-0"), ("item", "é")]"#);
    assert_eq!(read.offset, Some(offset_map([("offset", "1-0".into())])));
    ferroconnect_plugin_sdk::validate(&value.schema, &read.record.value.value).unwrap();
}

#[test]
fn an_entry_is_acknowledged_when_its_offset_is_stored() {
    let redis = Redis::start();
    feed(&redis, 1..11);
    let mut source = started(&redis, &[]);
    assert_eq!(ids(&source.poll_until(10).unwrap()), numbered(1..11));
    assert_eq!(pending(&redis), 10);
    source.commit_first(4).unwrap();
    assert_eq!(pending(&redis), 6);
    source.deliver(0, 1, Outcome::REFUSED).unwrap();
    assert_eq!(pending(&redis), 6, "what Kafka refused stays pending");
    // As after a crash: what is pending comes again, then what is new.
    source.restart().unwrap();
    feed(&redis, 11..13);
    assert_eq!(ids(&source.poll_until(8).unwrap()), numbered(5..13));
    source.commit().unwrap();
    assert_eq!(pending(&redis), 0);
    assert!(source.poll().unwrap().is_empty());
}

#[test]
fn at_most_once_leaves_nothing_pending() {
    let redis = Redis::start();
    feed(&redis, 1..4);
    let mut source = started(&redis, &[("redis.stream.delivery", "at-most-once")]);
    let reads = source.poll_until(3).unwrap();
    assert!(reads.iter().all(|read| read.offset.is_none()));
    assert_eq!(pending(&redis), 0);
    source.restart().unwrap();
    feed(&redis, 4..5);
    assert_eq!(ids(&source.poll_until(1).unwrap()), ["4-0"]);
}

#[test]
fn a_lost_connection_neither_loses_nor_repeats_entries() {
    let mut redis = Redis::with(&["--appendonly", "yes", "--appendfsync", "always"]);
    feed(&redis, 1..21);
    let mut source = started(&redis, &[("batch.size", "5")]);
    let mut all = ids(&source.poll_until(10).unwrap());
    source.commit_first(3).unwrap();
    redis.kill();
    let error = source.poll().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RETRIABLE, "{error}");
    redis.start_again();
    until("all entries are read", || {
        if let Ok(reads) = source.poll() {
            all.extend(ids(&reads));
        }
        all.len() >= 20
    });
    assert_eq!(all, numbered(1..21));
    source.commit().unwrap();
    assert_eq!(pending(&redis), 0);
}

#[test]
fn what_cannot_be_acknowledged_now_is_acknowledged_later() {
    let mut redis = Redis::with(&["--appendonly", "yes", "--appendfsync", "always"]);
    feed(&redis, 1..6);
    let mut source = started(&redis, &[]);
    source.poll_until(5).unwrap();
    redis.kill();
    source.commit().unwrap();
    redis.start_again();
    until("the task is connected again", || source.poll().is_ok_and(|reads| reads.is_empty()));
    source.commit().unwrap();
    assert_eq!(pending(&redis), 0);
}

#[test]
fn tasks_share_the_entries_of_a_group() {
    let redis = Redis::start();
    feed(&redis, 1..101);
    let mut source = source(&redis, &[("batch.size", "10")]).tasks_max(3);
    source.start().unwrap();
    let mut all = Vec::new();
    until("all entries are read", || {
        (0..3).for_each(|task| all.extend(ids(&source.poll_task(task).unwrap())));
        all.len() >= 100
    });
    all.sort_by_key(|id| id.trim_end_matches("-0").parse::<u32>().unwrap());
    assert_eq!(all, numbered(1..101));
    source.commit().unwrap();
    assert_eq!(pending(&redis), 0);
    let shared = self::source(&redis, &[("redis.stream.consumer.name", "one")]).tasks_max(3);
    assert_eq!(shared.task_configs().unwrap().len(), 1);
}

#[test]
fn entries_of_tasks_that_are_no_more_are_taken_over() {
    let redis = Redis::start();
    feed(&redis, 1..31);
    let mut three = source(&redis, &[("batch.size", "10")]).tasks_max(3);
    three.start().unwrap();
    let read: usize = (0..3).map(|task| three.poll_task(task).unwrap().len()).sum();
    assert_eq!(read, 30);
    three.stop().unwrap();
    let mut one = started(&redis, &[]);
    assert_eq!(ids(&one.poll_until(30).unwrap()), numbered(1..31));
    one.commit().unwrap();
    assert_eq!(pending(&redis), 0);
}

#[test]
fn few_rights_are_enough() {
    let redis = Redis::with(&["--user", "reader", "on", ">pw", "~orders", "+xreadgroup", "+xack", "+xgroup"]);
    feed(&redis, 1..4);
    let mut source = started(&redis, &[("redis.username", "reader"), ("redis.password", "pw")]);
    assert_eq!(ids(&source.poll_until(3).unwrap()), numbered(1..4));
    source.commit().unwrap();
    assert_eq!(pending(&redis), 0);
}

#[test]
fn an_entry_deleted_while_pending_is_passed_over() {
    let redis = Redis::start();
    feed(&redis, 1..4);
    let mut source = started(&redis, &[]);
    source.poll_until(3).unwrap();
    redis.ask::<()>(&["XDEL", "orders", "2-0"]);
    source.restart().unwrap();
    assert_eq!(ids(&source.poll_until(2).unwrap()), ["1-0", "3-0"]);
    source.commit().unwrap();
    assert_eq!(pending(&redis), 0);
}

#[test]
fn a_group_that_redis_lost_begins_where_the_worker_was() {
    let redis = Redis::start();
    feed(&redis, 1..6);
    let mut source = started(&redis, &[]);
    source.poll_until(5).unwrap();
    source.commit_first(3).unwrap();
    redis.ask::<()>(&["XGROUP", "DESTROY", "orders", GROUP]);
    source.restart().unwrap();
    assert_eq!(ids(&source.poll_until(2).unwrap()), ["4-0", "5-0"]);
}

#[test]
fn a_group_that_is_lost_while_it_is_read_goes_on_where_it_was() {
    let redis = Redis::start();
    feed(&redis, 1..6);
    let mut source = started(&redis, &[]);
    source.poll_until(5).unwrap();
    for (lost, committed, waiting) in [(6, 3, 3), (7, 3, 1)] {
        source.commit_first(committed).unwrap();
        redis.ask::<()>(&["XGROUP", "DESTROY", "orders", GROUP]);
        feed(&redis, lost..lost + 1);
        let error = source.poll().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::RETRIABLE, "{error}");
        let mut new = Vec::new();
        until("the new entry is read", || {
            new.extend(ids(&source.poll().unwrap()));
            !new.is_empty()
        });
        assert_eq!(new, numbered(lost..lost + 1));
        assert_eq!(pending(&redis), waiting, "what Kafka does not have yet is pending again");
    }
    source.commit().unwrap();
    assert_eq!(pending(&redis), 0);
}

#[test]
fn a_poll_that_the_server_breaks_off_goes_on_later() {
    for (breaks_off, mends) in
        [(&["DEL", "orders"][..], &["PING"][..]), (&["REPLICAOF", "127.0.0.1", "1"], &["REPLICAOF", "NO", "ONE"])]
    {
        let redis = Redis::start();
        feed(&redis, 1..3);
        let mut source = started(&redis, &[("redis.stream.block", "10000")]);
        source.poll_until(2).unwrap();
        source.commit().unwrap();
        let error = std::thread::scope(|scope| {
            scope.spawn(|| {
                let blocked = || redis.ask::<String>(&["INFO", "clients"]).contains("blocked_clients:1");
                until("the poll waits", blocked);
                redis.ask::<()>(breaks_off);
            });
            source.poll().unwrap_err()
        });
        assert_eq!(error.kind(), ErrorKind::RETRIABLE, "{breaks_off:?}: {error}");
        redis.ask::<()>(mends);
        feed(&redis, 3..5);
        let mut new = Vec::new();
        until("new entries are read", || {
            match source.poll() {
                Ok(reads) => new.extend(ids(&reads)),
                Err(error) => assert_eq!(error.kind(), ErrorKind::RETRIABLE, "{error}"),
            }
            new.len() >= 2
        });
        assert_eq!(new, numbered(3..5));
    }
}

#[test]
fn a_group_begins_where_it_is_told_to() {
    let redis = Redis::start();
    feed(&redis, 1..6);
    let mut from_three = started(&redis, &[("redis.stream.offset", "3-0"), ("redis.stream.consumer.group", "a")]);
    assert_eq!(ids(&from_three.poll_until(2).unwrap()), ["4-0", "5-0"]);
    let mut from_now = started(&redis, &[("redis.stream.offset", "$"), ("redis.stream.consumer.group", "b")]);
    assert!(from_now.poll().unwrap().is_empty());
    feed(&redis, 6..7);
    assert_eq!(ids(&from_now.poll_until(1).unwrap()), ["6-0"]);
    let wrong = source(&redis, &[("redis.stream.offset", "soon")]).validate().unwrap();
    assert_eq!(wrong[0].name.as_str(), "redis.stream.offset");
}

#[test]
fn a_poll_that_waits_ends_with_the_task() {
    let redis = Redis::start();
    let mut source = started(&redis, &[("redis.stream.block", "60000")]);
    assert!(source.stop_while_polling().unwrap() < Duration::from_secs(3));
}

#[test]
fn what_is_no_stream_fails_the_task() {
    let redis = Redis::start();
    command(&["SET", "orders", "text"]).exec(&mut redis.connection()).unwrap();
    let error = source(&redis, &[]).start().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::FATAL);
    assert!(error.message().contains("(stream orders, group kafka-consumer-group)"), "{error}");
}

#[test]
fn offsets_are_changed_in_redis_only() {
    let redis = Redis::start();
    let partition = offset_map([("stream", "orders".into())]);
    let offset = offset_map([("offset", "1-0".into())]);
    let mut source = source(&redis, &[]);
    let error = source.alter_offsets(&OffsetChange::Alter(vec![(Some(partition.clone()), Some(offset))])).unwrap_err();
    assert!(error.message().contains("XGROUP SETID"), "{error}");
    assert!(!source.alter_offsets(&OffsetChange::Reset(vec![Some(partition)])).unwrap());
}
