//! Nothing is lost and order holds, however often the worker is killed.
//!
//! A source that numbers its records, a topic, and a sink that says what it took run in one worker, which is killed with
//! SIGKILL at random moments. Judged is what reached the topic and what reached the sink, not what the worker says.

#![allow(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use ferroconnect_e2e::kafka::{Kafka, Record};
use ferroconnect_e2e::sequences::{Event, Id, Received, events};
use ferroconnect_e2e::unique;
use ferroconnect_e2e::wait::until_some;
use ferroconnect_e2e::worker::{Subject, WorkerSetup};
use serde_json::Value;
use std::collections::BTreeSet;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Enough for a worker to catch up with all that was sent before.
const CATCH_UP: Duration = Duration::from_secs(120);

/// SplitMix64: random enough for moments, and a seed repeats them.
struct Moments(u64);

impl Moments {
    fn between(&mut self, low: Duration, high: Duration) -> Duration {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^= z >> 31;
        low + (high - low).mul_f64(z as f64 / u64::MAX as f64)
    }
}

fn number_from_env(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name}={text}: a number is wanted")))
}

fn set_up(kafka: &Kafka, topic: &str) -> WorkerSetup {
    let mut setup = WorkerSetup::new(Subject::from_env(), kafka);
    for side in ["key.converter", "value.converter"] {
        setup.set(side, "org.apache.kafka.connect.json.JsonConverter");
    }
    setup.set("offset.flush.interval.ms", "300");
    // A killed consumer holds its partitions until its session is over; the next worker must get them while it lives.
    setup.set("consumer.session.timeout.ms", "1000").set("consumer.heartbeat.interval.ms", "300");
    setup.connector(
        "numbers",
        &[
            ("connector.class", "org.apache.kafka.connect.tools.VerifiableSourceConnector"),
            ("tasks.max", "2"),
            ("topic", topic),
            ("throughput", "500"),
        ],
    );
    setup.connector(
        "judge",
        &[
            ("connector.class", "org.apache.kafka.connect.tools.VerifiableSinkConnector"),
            ("tasks.max", "1"),
            ("topics", topic),
        ],
    );
    setup
}

/// Task and number of a record, from its JSON envelopes.
fn id(record: &Record) -> Id {
    let payload = |bytes: &Option<Vec<u8>>| {
        let json: Value = serde_json::from_slice(bytes.as_deref().unwrap()).unwrap();
        json["payload"].as_i64().unwrap()
    };
    (payload(&record.key), payload(&record.value))
}

fn all_events(setup: &WorkerSetup) -> Vec<Event> {
    setup.outputs().iter().flat_map(|output| events(output)).collect()
}

fn received(events: &[Event]) -> Received {
    let mut received = Received::default();
    for event in events {
        if let Event::Received(id) = event {
            received.push(*id);
        }
    }
    received
}

fn kill_again_and_again(setup: &mut WorkerSetup, kills: u64, moments: &mut Moments) {
    // From before REST answers until well after the sink has its partitions again.
    let (low, high) = match setup.subject() {
        Subject::Ferroconnect => (Duration::from_millis(50), Duration::from_secs(4)),
        Subject::Java => (Duration::from_secs(5), Duration::from_secs(15)),
    };
    for _ in 0..kills {
        let mut worker = setup.spawn();
        let moment = Instant::now() + moments.between(low, high);
        while Instant::now() < moment {
            worker.assert_alive();
            std::thread::sleep((moment - Instant::now()).min(Duration::from_millis(50)));
        }
        worker.kill();
    }
}

#[test]
fn nothing_is_lost_and_order_holds() {
    let kills = number_from_env("FERROCONNECT_KILLS").unwrap_or(30);
    let seed = number_from_env("FERROCONNECT_SEED")
        .unwrap_or_else(|| SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() as u64);
    println!("{kills} kills; FERROCONNECT_SEED={seed} repeats these moments");
    let kafka = Kafka::shared();
    let topic = unique("verifiable");
    kafka.create_topic(&topic, 2);
    let mut setup = set_up(kafka, &topic);
    kill_again_and_again(&mut setup, kills, &mut Moments(seed));
    let before = received(&all_events(&setup)).distinct();

    // One last start: the source ends for good, the sink takes all that is left.
    let mut worker = setup.start();
    worker.rest.await_task("numbers", 1, "RUNNING");
    until_some("new records at the sink", CATCH_UP, || match received(&all_events(&setup)).distinct() {
        n if n > before => Ok(()),
        n => Err(format!("still {n}")),
    });
    assert_eq!(worker.rest.put("/connectors/numbers/stop", None).status, 204);
    until_some("the source to stop", CATCH_UP, || {
        let status = worker.rest.get("/connectors/numbers/status").json();
        let stopped = status["connector"]["state"] == "STOPPED" && status["tasks"] == Value::Array(Vec::new());
        if stopped { Ok(()) } else { Err(status.to_string()) }
    });
    let records = kafka.read(&topic);
    let sent: BTreeSet<Id> = records.iter().map(id).collect();
    until_some("the sink to have everything", CATCH_UP, || {
        let missing = received(&all_events(&setup)).missing(&sent);
        if missing.is_empty() { Ok(()) } else { Err(format!("{} missing, first {:?}", missing.len(), missing[0])) }
    });
    worker.terminate();
    judge(&records, &all_events(&setup), kills);
}

fn judge(records: &[Record], events: &[Event], kills: u64) {
    let mut in_topic = Received::default();
    records.iter().for_each(|r| in_topic.push(id(r)));
    let at_sink = received(events);
    let committed: BTreeSet<Id> =
        events.iter().filter_map(|e| if let Event::Committed(id) = e { Some(*id) } else { None }).collect();
    println!(
        "{kills} kills, {} records: {} duplicates in the topic ({:.1} %), {} more at the sink ({:.1} %)",
        in_topic.distinct(),
        in_topic.duplicates,
        100.0 * in_topic.duplicates as f64 / in_topic.distinct() as f64,
        at_sink.duplicates - in_topic.duplicates.min(at_sink.duplicates),
        100.0 * at_sink.duplicates as f64 / at_sink.distinct() as f64,
    );
    assert!(in_topic.distinct() as u64 > kills * 50, "too few records to prove anything: {}", in_topic.distinct());
    assert_eq!(in_topic.gaps(), [], "numbers missing in the topic");
    assert_eq!(in_topic.missing(&committed), [], "acknowledged to the source, yet not in the topic");
    assert_eq!(in_topic.out_of_order, [], "out of order in the topic");
    assert_eq!(at_sink.gaps(), [], "numbers missing at the sink");
    assert_eq!(at_sink.out_of_order, [], "out of order at the sink");
}
