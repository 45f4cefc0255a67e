//! Every record that was produced is delivered, left out on purpose, or in the dead-letter topic, however the worker ends.
//!
//! Counted is at the destinations, record by record: which were to be left out is known from what they say. The plugins
//! are ours, so there is no control on the Java worker, which makes no such promise.

#![allow(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use ferroconnect_e2e::kafka::{Kafka, Record};
use ferroconnect_e2e::process::read_lossy;
use ferroconnect_e2e::unique;
use ferroconnect_e2e::wait::{PATIENCE, unchanged_for, until_equal, until_some};
use ferroconnect_e2e::worker::{Subject, Worker, WorkerSetup};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Longer than a test: letters that linger so are not sent before the worker ends.
const FOR_EVER: &str = "80000";

/// A worker without brokers waits for its tasks and for their groups, and then ends.
const END: Duration = Duration::from_secs(30);

/// What is to become of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Delivered,
    Filtered,
    /// Handed to the errant-record reporter by the sink.
    Reported,
    /// Half of a JSON text.
    Unconverted,
    /// A transform cannot cast one of its fields.
    Untransformed,
}

const DEAD: [Kind; 3] = [Kind::Reported, Kind::Unconverted, Kind::Untransformed];

/// All kinds.
fn mixed(number: usize) -> Kind {
    match number % 10 {
        0 => Kind::Filtered,
        1 | 2 => Kind::Reported,
        3 => Kind::Unconverted,
        4 => Kind::Untransformed,
        _ => Kind::Delivered,
    }
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Produced {
    kind: Kind,
    id: String,
}

impl Produced {
    fn new(kind: Kind, round: usize, number: usize) -> Produced {
        // All ids of a kind are equally long, so that half of one is not another.
        Produced { kind, id: format!("{kind:?}-{round:03}-{number:05}") }
    }

    /// As many records, of kinds that go by their numbers.
    fn round(round: usize, count: usize, kind: fn(usize) -> Kind) -> Vec<Produced> {
        (0..count).map(|number| Produced::new(kind(number), round, number)).collect()
    }

    /// The value in the topic.
    fn text(&self) -> String {
        let number = if self.kind == Kind::Untransformed { json!("none") } else { json!(5) };
        let whole = json!({"id": self.id, "kind": format!("{:?}", self.kind), "number": number}).to_string();
        if self.kind == Kind::Unconverted { whole[..whole.len() - 1].to_owned() } else { whole }
    }
}

fn write(kafka: &Kafka, topic: &str, records: &[Produced]) {
    let texts: Vec<String> = records.iter().map(Produced::text).collect();
    kafka.write(topic, 0, texts.iter().map(String::as_str));
}

/// Where records end.
struct Destinations<'a> {
    kafka: &'a Kafka,
    file: PathBuf,
    letters: String,
}

impl Destinations<'_> {
    fn delivered(&self) -> BTreeSet<String> {
        lines(&self.file)
    }

    fn dead(&self) -> BTreeSet<String> {
        self.kafka.read(&self.letters).iter().filter_map(Record::text).collect()
    }

    /// Waits until each record is where its kind belongs, and checks that none is anywhere else.
    fn judge(&self, produced: &[Produced]) {
        let of = |wanted: &dyn Fn(Kind) -> bool| produced.iter().filter(move |record| wanted(record.kind)).collect();
        let good: Vec<&Produced> = of(&|kind| kind == Kind::Delivered);
        let bad: Vec<&Produced> = of(&|kind| DEAD.contains(&kind));
        until_some("every record at its end", PATIENCE, || {
            let (delivered, dead) = (self.delivered(), self.dead());
            let mut missing = good.iter().filter(|record| !delivered.contains(&record.id)).collect::<Vec<_>>();
            missing.extend(bad.iter().filter(|record| !dead.contains(&record.text())));
            if missing.is_empty() {
                Ok(())
            } else {
                Err(format!("{} are missing, first {:?}", missing.len(), missing[0]))
            }
        });
        let (delivered, dead) = (self.delivered(), self.dead());
        for record in produced {
            assert!(record.kind == Kind::Delivered || !delivered.contains(&record.id), "{record:?} was delivered");
            assert!(DEAD.contains(&record.kind) || !dead.contains(&record.text()), "{record:?} is a dead letter");
        }
        let filtered = produced.iter().filter(|record| record.kind == Kind::Filtered).count();
        println!("{} delivered + {} dead-lettered + {filtered} filtered", good.len(), dead.len());
        assert_eq!(good.len() + dead.len() + filtered, produced.len(), "something else became a dead letter");
    }
}

fn lines(file: &Path) -> BTreeSet<String> {
    let text = read_lossy(file);
    // A last line without an end is being written.
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    whole.lines().map(str::to_owned).collect()
}

fn worker(kafka: &Kafka) -> WorkerSetup {
    let mut setup = WorkerSetup::new(Subject::Ferroconnect, kafka);
    setup.load_fixtures(&["misbehaving"]);
    setup.set("offset.flush.interval.ms", "20").set("offset.flush.timeout.ms", "1000");
    // A killed consumer holds its partitions until its session is over.
    setup.set("consumer.session.timeout.ms", "1000").set("consumer.heartbeat.interval.ms", "300");
    setup
}

/// A sink with a chain, which filters, fails and reports; `more` is added to its configuration.
fn sink(setup: &mut WorkerSetup, name: &str, topic: &str, to: &Destinations<'_>, more: &[(&str, &str)]) {
    let mut config = vec![
        ("connector.class", "PickySink"),
        ("topics", topic),
        ("value.converter", "org.apache.kafka.connect.json.JsonConverter"),
        ("value.converter.schemas.enable", "false"),
        ("transforms", "drop,cast,id"),
        ("transforms.drop.type", "org.apache.kafka.connect.transforms.Filter"),
        ("transforms.drop.predicate", "unwanted"),
        ("transforms.cast.type", "org.apache.kafka.connect.transforms.Cast$Value"),
        ("transforms.cast.spec", "number:int32"),
        ("transforms.id.type", "org.apache.kafka.connect.transforms.ExtractField$Value"),
        ("transforms.id.field", "id"),
        ("predicates", "unwanted"),
        ("predicates.unwanted.type", "FieldMatches"),
        ("predicates.unwanted.field", "kind"),
        ("predicates.unwanted.pattern", "^Filtered$"),
        ("deliver.to", to.file.to_str().unwrap()),
        ("report.prefix", "Reported"),
        ("errors.tolerance", "all"),
        ("errors.deadletterqueue.topic.name", &to.letters),
    ];
    config.extend(more);
    setup.connector(name, &config);
}

/// Kills the worker again and again in the middle of the work, and looks for every record afterwards. `more` is added to
/// the sink's configuration, except at the last start.
fn nothing_is_missing_after_kills(kind: fn(usize) -> Kind, more: &[(&str, &str)]) {
    const KILLS: usize = 6;
    const ROUND: usize = 3000;
    let (kafka, topic) = (Kafka::shared(), unique("mixed"));
    kafka.create_topic(&topic, 1);
    let mut setup = worker(kafka);
    let to = Destinations { kafka, file: setup.path("delivered.txt"), letters: unique("letters") };
    kafka.create_topic(&to.letters, 1);
    // Letters linger, so that many are under way when an offset could be committed.
    let config =
        [("producer.override.linger.ms", "300"), ("consumer.override.max.poll.records", "100"), ("put.ms", "20")];
    let name = unique("reporter");
    sink(&mut setup, &name, &topic, &to, &[&config, more].concat());
    let mut produced = Vec::new();
    let watch = kafka.watch(&to.letters);
    for round in 0..KILLS {
        let records = Produced::round(round, ROUND, kind);
        write(kafka, &topic, &records);
        let letters = records.iter().any(|record| DEAD.contains(&record.kind)) && round.is_multiple_of(2);
        produced.extend(records);
        let progress = || if letters { watch.count() as usize } else { to.delivered().len() };
        let before = progress();
        let mut worker = setup.spawn();
        // In the middle of the work, once before letters of this start can have arrived and once after.
        until_some("the work to go on", PATIENCE, || {
            worker.assert_alive();
            let now = progress();
            if now > before + 100 { Ok(()) } else { Err(format!("{now} after {before}")) }
        });
        worker.kill();
    }
    sink(&mut setup, &name, &topic, &to, &config);
    let mut worker = setup.start();
    to.judge(&produced);
    worker.terminate();
}

#[test]
fn reported_and_failed_records_survive_kills() {
    nothing_is_missing_after_kills(mixed, &[]);
}

/// The sink says in `pre_commit` what is durable, and sometimes fails there and loses what is not. There are no letters,
/// which would hold back the same offsets.
#[test]
fn records_that_a_sink_holds_back_survive_kills() {
    let kind = |number: usize| if number.is_multiple_of(10) { Kind::Filtered } else { Kind::Delivered };
    nothing_is_missing_after_kills(kind, &[("keep", "400"), ("lose.every", "25")]);
}

/// Records whose letters are under way are read again, and get others.
#[test]
fn letters_survive_a_sink_that_reads_again() {
    nothing_is_missing_after_kills(mixed, &[("lose.every", "60")]);
}

/// The offset that the group of a sink has committed; none before the first commit.
fn committed(worker: &Worker, name: &str) -> Option<i64> {
    let offsets = worker.rest.get(&format!("/connectors/{name}/offsets")).json();
    offsets.pointer("/offsets/0/offset/kafka_offset").and_then(Value::as_i64)
}

#[test]
fn an_offset_is_not_committed_before_its_letter_has_arrived() {
    const BEFORE: usize = 10;
    let kafka = Kafka::shared();
    for kind in DEAD {
        let (topic, name) = (unique("held"), unique("held"));
        kafka.create_topic(&topic, 1);
        let mut setup = worker(kafka);
        let to = Destinations { kafka, file: setup.path("delivered.txt"), letters: unique("letters") };
        kafka.create_topic(&to.letters, 1);
        let mut produced: Vec<_> = (0..2 * BEFORE).map(|number| Produced::new(Kind::Delivered, 0, number)).collect();
        produced.insert(BEFORE, Produced::new(kind, 0, 0));
        write(kafka, &topic, &produced);
        sink(&mut setup, &name, &topic, &to, &[("producer.override.linger.ms", FOR_EVER)]);
        for graceful in [true, false] {
            let mut worker = setup.start();
            until_equal("offsets before the bad record", &Some(BEFORE as i64), || committed(&worker, &name));
            until_equal("good records at the sink", &2, || {
                let ends = [&produced[0], &produced[2 * BEFORE]];
                ends.iter().filter(|record| to.delivered().contains(&record.id)).count()
            });
            unchanged_for("the committed offset", Duration::from_millis(500), || committed(&worker, &name));
            if graceful {
                assert!(worker.terminate().success());
            } else {
                worker.kill();
            }
        }
        assert!(to.dead().is_empty(), "letters were sent, so the test proves nothing");
        sink(&mut setup, &name, &topic, &to, &[]);
        let worker = setup.start();
        to.judge(&produced);
        until_equal("all offsets", &Some(produced.len() as i64), || committed(&worker, &name));
    }
}

/// Two tasks whose broker goes away while letters are under way end in time, and leave nothing behind.
#[test]
fn a_broker_that_goes_away_holds_up_no_end_and_loses_nothing() {
    let kafka = Kafka::start_own();
    let (topic, name) = (unique("away"), unique("away"));
    kafka.create_topic(&topic, 2);
    let mut setup = worker(&kafka);
    let to = Destinations { kafka: &kafka, file: setup.path("delivered.txt"), letters: unique("letters") };
    kafka.create_topic(&to.letters, 1);
    let produced = [Produced::round(0, 100, mixed), Produced::round(1, 100, mixed)];
    for (partition, records) in (0..).zip(&produced) {
        let texts: Vec<String> = records.iter().map(Produced::text).collect();
        kafka.write(&topic, partition, texts.iter().map(String::as_str));
    }
    let two_tasks = ("tasks.max", "2");
    sink(&mut setup, &name, &topic, &to, &[two_tasks, ("producer.override.linger.ms", FOR_EVER)]);
    let mut worker = setup.start();
    let produced = produced.concat();
    let good = produced.iter().filter(|record| record.kind == Kind::Delivered).count();
    until_equal("good records of both partitions", &good, || {
        let delivered = to.delivered();
        produced.iter().filter(|record| delivered.contains(&record.id)).count()
    });
    kafka.take_away();
    let begin = Instant::now();
    assert!(worker.terminate().success());
    assert!(begin.elapsed() < END, "the worker took {:?} to end", begin.elapsed());
    kafka.bring_back();
    assert!(to.dead().is_empty(), "letters were sent, so the test proves nothing");
    sink(&mut setup, &name, &topic, &to, &[two_tasks]);
    let mut worker = setup.start();
    to.judge(&produced);
    worker.terminate();
}

/// A sink keeps its newest records in memory, and says so.
#[test]
fn an_offset_is_not_committed_before_the_sink_has_made_its_record_durable() {
    const KEPT: usize = 7;
    let (kafka, topic, name) = (Kafka::shared(), unique("kept"), unique("kept"));
    kafka.create_topic(&topic, 1);
    let mut setup = worker(kafka);
    let to = Destinations { kafka, file: setup.path("delivered.txt"), letters: unique("letters") };
    kafka.create_topic(&to.letters, 1);
    let produced = Produced::round(0, 30, |_| Kind::Delivered);
    write(kafka, &topic, &produced);
    sink(&mut setup, &name, &topic, &to, &[("keep", &KEPT.to_string())]);
    let durable = Some((produced.len() - KEPT) as i64);
    let mut worker = setup.start();
    until_equal("offsets of durable records", &durable, || committed(&worker, &name));
    unchanged_for("the committed offset", Duration::from_millis(500), || committed(&worker, &name));
    worker.kill();
    sink(&mut setup, &name, &topic, &to, &[]);
    let worker = setup.start();
    to.judge(&produced);
    until_equal("all offsets", &Some(produced.len() as i64), || committed(&worker, &name));
}

/// What a source makes, and the letters of it that failed in a transform.
struct SourceEnds<'a> {
    kafka: &'a Kafka,
    topic: String,
    letters: String,
}

impl SourceEnds<'_> {
    fn config(&self, setup: &mut WorkerSetup, name: &str, more: &[(&str, &str)]) {
        let tries = setup.path("tries.txt");
        let mut config = vec![
            ("connector.class", "MisbehavingSource"),
            ("topic", self.topic.as_str()),
            ("transforms", "picky"),
            ("transforms.picky.type", "PickyTransform"),
            ("transforms.picky.tries.to", tries.to_str().unwrap()),
            ("errors.tolerance", "all"),
            ("errors.deadletterqueue.topic.name", &self.letters),
            ("errors.deadletterqueue.source.enable", "true"),
            ("errors.deadletterqueue.context.headers.enable", "true"),
        ];
        config.extend(more);
        setup.connector(name, &config);
    }

    /// The numbers of the lines in the topic, and of those that became letters.
    fn numbers(&self) -> (BTreeSet<usize>, BTreeSet<usize>) {
        let number = |text: &str| text.strip_prefix("line ").unwrap().parse().unwrap();
        let letter = |record: &Record| {
            let envelope: Value = serde_json::from_slice(record.value.as_deref().unwrap()).unwrap();
            number(envelope["payload"].as_str().unwrap())
        };
        let sent = self.kafka.read(&self.topic).iter().map(|record| number(&record.text().unwrap())).collect();
        (sent, self.kafka.read(&self.letters).iter().map(letter).collect())
    }
}

#[test]
fn failed_records_of_a_source_survive_kills() {
    let (kafka, name) = (Kafka::shared(), unique("source"));
    let ends = SourceEnds { kafka, topic: unique("made"), letters: unique("letters") };
    kafka.create_topic(&ends.topic, 1);
    kafka.create_topic(&ends.letters, 1);
    let mut setup = worker(kafka);
    let tries = setup.path("tries.txt");

    // Everything fails, slowly enough that no batch is full and none is sent: nothing may count as done.
    let more =
        [("interval.ms", "20"), ("transforms.picky.fail.prefix", "line"), ("producer.override.linger.ms", FOR_EVER)];
    ends.config(&mut setup, &name, &more);
    let mut worker = setup.start();
    until_some("some failures", PATIENCE, || match lines(&tries).len() {
        n if n >= 50 => Ok(()),
        n => Err(format!("{n}")),
    });
    let stored = || worker.rest.get(&format!("/connectors/{name}/offsets")).json()["offsets"].clone();
    unchanged_for("the stored offsets", Duration::from_millis(500), stored);
    assert_eq!(stored(), json!([]), "offsets of records whose letters have not arrived");
    worker.kill();
    assert_eq!(kafka.count(&ends.letters), 0, "letters were sent, so the test proves nothing");

    // Now some fail, and the worker is killed while letters are under way.
    let more =
        [("interval.ms", "2"), ("transforms.picky.fail.prefix", "line 1"), ("producer.override.linger.ms", "50")];
    ends.config(&mut setup, &name, &more);
    for _ in 0..4 {
        let before = kafka.count(&ends.letters);
        let mut worker = setup.spawn();
        until_some("new letters", PATIENCE, || {
            worker.assert_alive();
            let now = kafka.count(&ends.letters);
            if now > before + 20 { Ok(()) } else { Err(format!("{now} after {before}")) }
        });
        worker.kill();
    }
    let (sent, dead) = ends.numbers();
    let last = *sent.union(&dead).max().unwrap();
    assert!(last >= 50, "{last}");
    let missing: Vec<_> = (0..=last).filter(|number| !sent.contains(number) && !dead.contains(number)).collect();
    assert!(missing.is_empty(), "of {last} these are nowhere: {missing:?}");
    assert!(sent.iter().all(|number| !number.to_string().starts_with('1')), "a record that failed was sent");
    assert!(dead.iter().all(|number| number.to_string().starts_with('1')), "a good record became a letter");
}

#[test]
fn letters_of_a_source_say_what_failed_and_where() {
    let (kafka, name) = (Kafka::shared(), unique("source"));
    let ends = SourceEnds { kafka, topic: unique("made"), letters: unique("letters") };
    kafka.create_topic(&ends.topic, 1);
    let mut setup = worker(kafka);
    let more = [
        ("transforms.picky.fail.prefix", "line 1"),
        ("transforms.picky.fail.text", "this is one"),
        ("errors.deadletterqueue.topic.replication.factor", "1"),
    ];
    ends.config(&mut setup, &name, &more);
    let mut worker = setup.start();
    let letter = kafka.read_at_least(&ends.letters, 1).remove(0);
    worker.terminate();
    assert_eq!(letter.text().unwrap(), r#"{"schema":null,"payload":"line 1"}"#);
    let header = |key: &str| {
        let found = letter.headers.iter().find(|(name, _)| name == key);
        String::from_utf8(found.unwrap_or_else(|| panic!("{key}: {letter:?}")).1.clone().unwrap()).unwrap()
    };
    for (key, value) in [
        ("__connect.errors.topic", ends.topic.as_str()),
        ("__connect.errors.connector.name", &name),
        ("__connect.errors.task.id", "0"),
        ("__connect.errors.stage", "TRANSFORMATION"),
        ("__connect.errors.class.name", "test.PickyTransform"),
        ("__connect.errors.exception.class.name", "org.apache.kafka.connect.errors.DataException"),
        ("__connect.errors.exception.message", "this is one"),
        ("__ferroconnect.errors.source.partition", r#"{"source":"misbehaving"}"#),
        ("__ferroconnect.errors.source.offset", r#"{"line":1}"#),
    ] {
        assert_eq!(header(key), value, "{key}");
    }
}
