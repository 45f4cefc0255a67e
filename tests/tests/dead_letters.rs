//! Records that fail end in the dead-letter topic, as they do in Kafka Connect, and none is lost on the way.

#![allow(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use ferroconnect_e2e::kafka::{Kafka, Record};
use ferroconnect_e2e::process::read_lossy;
use ferroconnect_e2e::unique;
use ferroconnect_e2e::wait::{until, until_equal};
use ferroconnect_e2e::worker::{Subject, WorkerSetup};
use std::path::Path;
use std::time::Instant;

const PREFIX: &str = "__connect.errors.";

/// Reads `topic` into a file; what fails goes to `letters`.
fn sink<'a>(topic: &'a str, file: &'a str, letters: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![
        ("connector.class", "org.apache.kafka.connect.file.FileStreamSinkConnector"),
        ("file", file),
        ("topics", topic),
        ("errors.tolerance", "all"),
        ("errors.deadletterqueue.topic.name", letters),
        ("errors.deadletterqueue.topic.replication.factor", "1"),
        ("errors.deadletterqueue.context.headers.enable", "true"),
    ]
}

/// A record that fails, and what a sink is to be told for it to do so. Offset 0 is good.
struct BadRecord {
    good: &'static str,
    bad: &'static str,
    config: &'static [(&'static str, &'static str)],
}

const JSON: (&str, &str) = ("value.converter", "org.apache.kafka.connect.json.JsonConverter");
const NO_SCHEMAS: (&str, &str) = ("value.converter.schemas.enable", "false");
const INTEGER: (&str, &str) = ("value.converter", "org.apache.kafka.connect.converters.IntegerConverter");

const BAD_RECORDS: [BadRecord; 8] = [
    BadRecord { good: "\"good\"", bad: "{no json", config: &[JSON, NO_SCHEMAS] },
    BadRecord { good: r#"{"schema":null,"payload":1}"#, bad: r#"{"a":1}"#, config: &[JSON] },
    BadRecord {
        good: r#"{"schema":{"type":"int32"},"payload":1}"#,
        bad: r#"{"schema":{"type":"number"},"payload":1}"#,
        config: &[JSON],
    },
    BadRecord {
        good: r#"{"schema":{"type":"int32"},"payload":1}"#,
        bad: r#"{"schema":{"type":"int32"},"payload":null}"#,
        config: &[JSON],
    },
    BadRecord { good: "four", bad: "three", config: &[INTEGER] },
    BadRecord {
        good: r#"{"schema":{"type":"struct","fields":[{"field":"b","type":"int32"}]},"payload":{"b":1}}"#,
        bad: r#"{"schema":{"type":"struct","fields":[{"field":"a","type":"int32"}]},"payload":{"a":1}}"#,
        config: &[
            JSON,
            ("transforms", "extract"),
            ("transforms.extract.type", "org.apache.kafka.connect.transforms.ExtractField$Value"),
            ("transforms.extract.field", "b"),
        ],
    },
    BadRecord {
        good: "5",
        bad: "five",
        config: &[
            ("transforms", "cast"),
            ("transforms.cast.type", "org.apache.kafka.connect.transforms.Cast$Value"),
            ("transforms.cast.spec", "int32"),
        ],
    },
    BadRecord {
        good: r#"{"a":1}"#,
        bad: "[1]",
        config: &[
            JSON,
            NO_SCHEMAS,
            ("transforms", "replace"),
            ("transforms.replace.type", "org.apache.kafka.connect.transforms.ReplaceField$Value"),
            ("transforms.replace.exclude", "b"),
        ],
    },
];

/// The dead letters that a worker of this kind writes of bad records, one in each topic, and its log lines about them.
/// What differs between two runs or two languages is taken out.
fn letters(subject: Subject, kafka: &Kafka, topics: &[String]) -> Vec<(Record, String)> {
    let mut setup = WorkerSetup::new(subject, kafka);
    let mut names = Vec::new();
    for (topic, record) in topics.iter().zip(&BAD_RECORDS) {
        let (name, letters) = (unique("judge"), unique("letters"));
        let file = setup.path(&format!("{name}.txt"));
        let mut config = sink(topic, file.to_str().unwrap(), &letters);
        config.extend([("errors.log.enable", "true"), ("errors.log.include.messages", "true")]);
        config.extend(record.config);
        setup.connector(&name, &config);
        names.push((name, letters));
    }
    let mut worker = setup.start();
    let found: Vec<Record> = names
        .iter()
        .map(|(name, letters)| {
            let mut found = kafka.read_at_least(letters, 1);
            assert_eq!(found.len(), 1, "{found:?}");
            assert_eq!(kafka.partitions(letters), [0], "partitions of a topic that the worker made");
            let mut letter = found.remove(0);
            for (key, value) in &mut letter.headers {
                match key.as_str() {
                    "__connect.errors.connector.name" => assert_eq!(value.as_deref(), Some(name.as_bytes())),
                    "__connect.errors.exception.stacktrace" => assert!(!value.as_ref().unwrap().is_empty()),
                    _ => continue,
                }
                *value = None;
            }
            letter
        })
        .collect();
    worker.terminate();
    let log = setup.logs();
    found.into_iter().zip(&names).map(|(letter, (name, _))| (letter, log_line(&log, name))).collect()
}

/// What the log says of the one bad record of a connector.
fn log_line(log: &str, name: &str) -> String {
    let begin = format!("Error encountered in task {name}-0. ");
    let (_, line) = log.split_once(&begin).unwrap_or_else(|| panic!("not in the log: {begin}"));
    let end = line.find("}.").unwrap_or_else(|| panic!("no record in the log: {line}"));
    line[..end].to_owned()
}

#[test]
fn headers_are_those_of_the_java_worker() {
    let kafka = Kafka::shared();
    let topics: Vec<String> = BAD_RECORDS.iter().map(|_| unique("bad")).collect();
    for (topic, record) in topics.iter().zip(&BAD_RECORDS) {
        kafka.create_topic(topic, 1);
        kafka.write(topic, 0, [record.good, record.bad]);
    }
    let ours = letters(Subject::Ferroconnect, kafka, &topics);
    let java = letters(Subject::Java, kafka, &topics);
    for (((ours, our_line), (java, javas_line)), record) in ours.iter().zip(&java).zip(&BAD_RECORDS) {
        assert_eq!(ours.value.as_deref(), Some(record.bad.as_bytes()));
        assert!(ours.headers.iter().all(|(key, _)| key.starts_with(PREFIX)), "{ours:?}");
        assert_eq!(texts(&ours.headers), texts(&java.headers), "{}", record.bad);
        assert_eq!(ours, java);
        assert_eq!(our_line, javas_line);
    }
}

fn texts(headers: &[(String, Option<Vec<u8>>)]) -> Vec<(&str, Option<String>)> {
    let text = |value: &Vec<u8>| String::from_utf8_lossy(value).into_owned();
    headers.iter().map(|(key, value)| (key.as_str(), value.as_ref().map(text))).collect()
}

fn header(letter: &Record, key: &str) -> String {
    let wanted = format!("{PREFIX}{key}");
    let found = texts(&letter.headers).into_iter().find(|(name, _)| *name == wanted);
    found.unwrap_or_else(|| panic!("{key}: {letter:?}")).1.unwrap()
}

fn lines(file: &Path) -> Vec<String> {
    read_lossy(file).lines().filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

#[test]
fn letters_name_the_record_that_was_read_though_a_transform_made_it_anew() {
    let (kafka, topic, letters, name) = (Kafka::shared(), unique("anew"), unique("letters"), unique("picky"));
    kafka.create_topic(&topic, 1);
    kafka.write(&topic, 0, ["good", "bad by report", "bad by put"]);
    let mut setup = worker(kafka);
    let file = setup.path("out.txt");
    let worker = setup.start();
    let mut config = picky_sink(&topic, &file, &letters);
    config.extend([
        ("transforms", "anew"),
        ("transforms.anew.type", "ForgetfulTransform"),
        ("report.prefix", "bad by report"),
        ("reject.prefix", "bad by put"),
        ("fail.as", "data"),
        ("errors.deadletterqueue.put.errors", "data"),
    ]);
    worker.rest.put_connector(&name, &config);
    let found = kafka.read_at_least(&letters, 2);
    let mut told: Vec<_> = found
        .iter()
        .map(|letter| {
            let place = ["topic", "partition", "offset"].map(|key| header(letter, key));
            (place.join(" "), letter.text().unwrap())
        })
        .collect();
    told.sort();
    assert_eq!(
        told,
        [(format!("{topic} 0 1"), "bad by report".to_owned()), (format!("{topic} 0 2"), "bad by put".into())]
    );
    until_equal("the good record at the sink", &vec!["good".to_owned()], || lines(&file));
}

/// A letter that Kafka refuses fails the task, with the record still to be read.
#[test]
fn a_letter_that_is_too_large_fails_the_task() {
    if Subject::from_env() == Subject::Java {
        return; // Java goes on without the record
    }
    let (kafka, topic, letters, name) = (Kafka::shared(), unique("large"), unique("letters"), unique("judge"));
    kafka.create_topic(&topic, 1);
    kafka.write(&topic, 0, ["\"good\"", &"x".repeat(5000)]);
    let mut setup = WorkerSetup::new(Subject::Ferroconnect, kafka);
    let file = setup.path("out.txt");
    let mut config = sink(&topic, file.to_str().unwrap(), &letters);
    config.extend([JSON, NO_SCHEMAS]);
    config.push(("producer.override.max.request.size", "2000"));
    setup.connector(&name, &config);
    let worker = setup.start();
    let status = worker.rest.await_task(&name, 0, "FAILED");
    let trace = status["tasks"][0]["trace"].as_str().unwrap();
    assert!(trace.contains(&format!("Could not produce message to dead letter queue. topic={letters}")), "{trace}");
    assert!(trace.contains("producer.override.max.request.size"), "{trace}");
    let offsets = worker.rest.get(&format!("/connectors/{name}/offsets")).json();
    let committed = offsets["offsets"][0]["offset"]["kafka_offset"].as_i64().unwrap_or(0);
    assert!(committed <= 1, "{offsets}");
}

/// A sink that takes lines and finds fault with some; our plugin.
fn picky_sink<'a>(topic: &'a str, file: &'a Path, letters: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![
        ("connector.class", "PickySink"),
        ("topics", topic),
        ("deliver.to", file.to_str().unwrap()),
        ("errors.tolerance", "all"),
        ("errors.deadletterqueue.topic.name", letters),
        ("errors.deadletterqueue.topic.replication.factor", "1"),
        ("errors.deadletterqueue.context.headers.enable", "true"),
    ]
}

/// A worker with that plugin.
fn worker(kafka: &Kafka) -> WorkerSetup {
    let mut setup = WorkerSetup::new(Subject::Ferroconnect, kafka);
    setup.load_fixtures(&["misbehaving"]);
    setup
}

#[test]
fn records_that_put_rejects_become_letters_where_they_are_wanted() {
    let (kafka, topic, letters, name) = (Kafka::shared(), unique("put"), unique("letters"), unique("picky"));
    kafka.create_topic(&topic, 1);
    let good = |range: std::ops::Range<usize>| range.map(|n| format!("good-{n}")).collect::<Vec<_>>();
    let write = |texts: &[String]| kafka.write(&topic, 0, texts.iter().map(String::as_str));
    let dead = || kafka.read(&letters).iter().filter_map(Record::text).collect::<Vec<_>>();
    let mut setup = worker(kafka);
    let file = setup.path("out.txt");
    let config = |kind: &'static str, wanted: &'static str| {
        let mut config = picky_sink(&topic, &file, &letters);
        config.extend([("reject.prefix", "bad"), ("fail.as", kind), ("fail.text", "I do not like it")]);
        config.push(("errors.deadletterqueue.put.errors", wanted));
        config
    };
    let worker = setup.start();

    // Bad data is taken out of its batch, in order.
    write(
        &[good(0..40), vec!["bad-0".to_owned(), "bad-1".to_owned()], good(40..50), vec!["bad-2".to_owned()]].concat(),
    );
    worker.rest.put_connector(&name, &config("data", "data"));
    until_equal("good records at the sink", &good(0..50), || lines(&file));
    until_equal("letters", &vec!["bad-0".to_owned(), "bad-1".to_owned(), "bad-2".to_owned()], dead);
    let letter = &kafka.read(&letters)[1];
    for (key, value) in [
        ("topic", topic.as_str()),
        ("partition", "0"),
        ("offset", "41"),
        ("stage", "TASK_PUT"),
        ("class.name", "org.apache.kafka.connect.sink.SinkTask"),
        ("exception.class.name", "org.apache.kafka.connect.errors.DataException"),
        ("exception.message", "I do not like it"),
    ] {
        assert_eq!(header(letter, key), value, "{key}");
    }

    // Another error is not about the data: the task fails, and nothing is lost.
    worker.rest.put_connector(&name, &config("fatal", "data"));
    worker.rest.await_task(&name, 0, "RUNNING");
    write(&[vec!["bad-3".to_owned()], good(50..60)].concat());
    let status = worker.rest.await_task(&name, 0, "FAILED");
    let trace = status["tasks"][0]["trace"].as_str().unwrap();
    assert!(trace.contains("Exiting WorkerSinkTask due to unrecoverable exception."), "{trace}");
    assert!(trace.contains("I do not like it"), "{trace}");
    assert_eq!((lines(&file).len(), dead().len()), (50, 3));

    // Unless every error is said to be about the record.
    worker.rest.put_connector(&name, &config("fatal", "all"));
    until_equal("good records at the sink", &good(0..60), || lines(&file));
    until_equal("letters", &Some("bad-3".to_owned()), || dead().pop());
}

#[test]
fn a_plugin_may_wait_for_its_reports_on_a_thread_of_its_own() {
    let (kafka, topic, letters, name) = (Kafka::shared(), unique("waits"), unique("letters"), unique("picky"));
    kafka.create_topic(&topic, 1);
    kafka.write(&topic, 0, ["good-0", "bad-0", "good-1"]);
    let mut setup = worker(kafka);
    let file = setup.path("out.txt");
    let mut config = picky_sink(&topic, &file, &letters);
    config.extend([("report.prefix", "bad"), ("report.wait", "true"), ("producer.override.max.request.size", "2000")]);
    setup.connector(&name, &config);
    let worker = setup.start();
    let mut wanted = ["good-0", "arrived bad-0", "good-1"].map(str::to_owned).to_vec();
    until_equal("lines of the sink", &wanted, || lines(&file));
    assert_eq!(kafka.read(&letters).iter().filter_map(Record::text).collect::<Vec<_>>(), ["bad-0"]);
    // A letter that Kafka does not take: the plugin learns of it, and the task fails whatever the plugin makes of it.
    let large = format!("bad-{}", "x".repeat(5000));
    kafka.write(&topic, 0, [large.as_str()]);
    worker.rest.await_task(&name, 0, "FAILED");
    wanted.push(format!("failed {large}"));
    assert_eq!(lines(&file), wanted);
    let offsets = worker.rest.get(&format!("/connectors/{name}/offsets")).json();
    assert_eq!(offsets["offsets"][0]["offset"]["kafka_offset"], 3, "{offsets}");
}

/// Why the task of a sink with this dead-letter topic failed.
fn refusal(subject: Subject, letters: &str, more: &[(&str, &str)]) -> String {
    let (kafka, topic, name) = (Kafka::shared(), unique("empty"), unique("judge"));
    kafka.create_topic(&topic, 1);
    let mut setup = WorkerSetup::new(subject, kafka);
    let file = setup.path("out.txt");
    let mut config = sink(&topic, file.to_str().unwrap(), letters);
    config.retain(|(key, _)| !more.iter().any(|(other, _)| other == key));
    config.extend(more);
    setup.connector(&name, &config);
    let worker = setup.start();
    let status = worker.rest.await_task(&name, 0, "FAILED");
    status["tasks"][0]["trace"].as_str().unwrap().to_owned()
}

#[test]
fn a_dead_letter_topic_that_cannot_be_made_fails_the_task() {
    let letters = unique("letters");
    let factor = ("errors.deadletterqueue.topic.replication.factor", "3");
    let too_many = refusal(Subject::from_env(), &letters, &[factor]);
    let first = format!(
        "org.apache.kafka.connect.errors.ConnectException: Could not initialize dead letter queue with topic={letters}\n"
    );
    assert!(too_many.starts_with(&first), "{too_many}");
    assert!(too_many.contains("org.apache.kafka.common.errors.InvalidReplicationFactorException: "), "{too_many}");
    let no_name = refusal(Subject::from_env(), "no name!", &[]);
    assert!(no_name.contains("Could not initialize dead letter queue with topic=no name!\n"), "{no_name}");
    assert!(no_name.contains("org.apache.kafka.common.errors.InvalidTopicException: "), "{no_name}");
    if Subject::from_env() == Subject::Ferroconnect {
        assert!(too_many.contains("errors.deadletterqueue.topic.replication.factor=3: "), "{too_many}");
        assert!(no_name.contains("errors.deadletterqueue.topic.name=no name!: "), "{no_name}");
    }
    assert!(Kafka::shared().partitions(&letters).is_empty());
}

/// What a provider gave is in no header, whoever quotes it: a plugin or a transform of ours.
#[test]
fn secrets_stay_out_of_letters() {
    const SECRET: &str = "correct-horse-battery";
    let (kafka, topic) = (Kafka::shared(), unique("secret"));
    kafka.create_topic(&topic, 1);
    kafka.write(&topic, 0, [r#"{"number":1}"#]);
    let mut setup = worker(kafka);
    setup.env("LETTERS_SECRET", SECRET).set("config.providers", "env");
    setup.set("config.providers.env.class", "org.apache.kafka.common.config.provider.EnvVarConfigProvider");
    let file = setup.path("out.txt");
    let (by_plugin, by_transform) = (unique("letters"), unique("letters"));
    let mut config = picky_sink(&topic, &file, &by_plugin);
    config.extend([
        ("report.prefix", "{"),
        ("report.wait", "true"),
        ("fail.text", "login as ${env::LETTERS_SECRET} failed"),
    ]);
    setup.connector(&unique("plugin"), &config);
    let mut config = picky_sink(&topic, &file, &by_transform);
    config.extend([
        JSON,
        NO_SCHEMAS,
        ("errors.log.enable", "true"),
        ("transforms", "mask"),
        ("transforms.mask.type", "org.apache.kafka.connect.transforms.MaskField$Value"),
        ("transforms.mask.fields", "number"),
        ("transforms.mask.replacement", "${env::LETTERS_SECRET}"),
    ]);
    setup.connector(&unique("transform"), &config);
    let mut worker = setup.start();
    for letters in [&by_plugin, &by_transform] {
        let letter = kafka.read_at_least(letters, 1).remove(0);
        let message = header(&letter, "exception.message");
        assert!(message.contains("${env::LETTERS_SECRET}"), "{message}");
        assert!(!format!("{:?}", texts(&letter.headers)).contains(SECRET), "{letter:?}");
    }
    worker.terminate();
    assert!(!setup.logs().contains(SECRET), "the log shows it");
}

/// Milliseconds between the tries that a transform noted.
fn pauses(tries: &Path) -> Vec<u64> {
    let times: Vec<u64> = lines(tries).iter().map(|line| line.parse().unwrap()).collect();
    times.windows(2).map(|pair| pair[1] - pair[0]).collect()
}

#[test]
fn retriable_errors_are_tried_again_and_given_up_in_time() {
    let (kafka, topic) = (Kafka::shared(), unique("retries"));
    kafka.create_topic(&topic, 1);
    kafka.write(&topic, 0, ["good-0", "later", "good-1"]);
    let mut setup = worker(kafka);
    let (patient, hasty) = (unique("patient"), unique("hasty"));
    let path = |name: &str, suffix: &str| setup.path(&format!("{name}.{suffix}"));
    let files = [path(&patient, "txt"), path(&patient, "tries"), path(&hasty, "txt"), path(&hasty, "tries")];
    let letters = [unique("letters"), unique("letters")];
    let config = |at: usize, more: &[(&'static str, &'static str)]| {
        let mut config = picky_sink(&topic, &files[at], &letters[at / 2]);
        config.extend([
            ("transforms", "picky"),
            ("transforms.picky.type", "PickyTransform"),
            ("transforms.picky.fail.prefix", "later"),
            ("transforms.picky.fail.as", "retriable"),
            ("transforms.picky.fail.text", "not yet"),
            ("transforms.picky.tries.to", files[at + 1].to_str().unwrap()),
            ("errors.log.enable", "true"),
        ]);
        config.extend(more);
        config.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect::<Vec<_>>()
    };
    let patient_config = config(0, &[("transforms.picky.fail.times", "3"), ("errors.retry.timeout", "60000")]);
    let hasty_config = config(2, &[("errors.retry.timeout", "1000"), ("errors.log.include.messages", "true")]);
    for (name, config) in [(&patient, patient_config), (&hasty, hasty_config)] {
        let config: Vec<_> = config.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        setup.connector(name, &config);
    }
    let begin = Instant::now();
    let mut worker = setup.start();

    until_equal("all records in order", &["good-0", "later", "good-1"].map(str::to_owned).to_vec(), || {
        lines(&files[0])
    });
    until_equal("the others in order", &["good-0", "good-1"].map(str::to_owned).to_vec(), || lines(&files[2]));
    // 300 ms, doubled each time; the last pause of the hasty one ends with its time.
    let (slow, quick) = (pauses(&files[1]), pauses(&files[3]));
    assert!(slow.len() == 3 && slow[0] >= 300 && slow[1] >= 600 && slow[2] >= 1200, "{slow:?}");
    let sum: u64 = quick.iter().sum();
    let (_last, whole) = quick.split_last().unwrap();
    assert!(whole.iter().zip([300, 600]).all(|(pause, least)| *pause >= least) && whole.len() <= 2, "{quick:?}");
    assert!((1000..begin.elapsed().as_millis() as u64).contains(&sum), "{quick:?}");
    let letter = kafka.read_at_least(&letters[1], 1).remove(0);
    assert_eq!(letter.text().as_deref(), Some("later"));
    assert_eq!(header(&letter, "exception.class.name"), "org.apache.kafka.connect.errors.RetriableException");
    assert_eq!(header(&letter, "exception.message"), "not yet");
    worker.terminate();
    assert!(kafka.read(&letters[0]).is_empty(), "a record that passed in the end has a letter");
    let log = setup.logs();
    let line = format!(
        "Error encountered in task {hasty}-0. Executing stage 'TRANSFORMATION' with class 'test.PickyTransform', where consumed record is {{topic='{topic}', partition=0, offset=1, timestamp="
    );
    assert!(log.contains(&line), "{line}");
    assert!(
        !log.contains(&format!("Error encountered in task {patient}-0")),
        "a record that passed in the end is logged"
    );
}

/// Java skips a record that it was trying again when its task had to end.
#[test]
fn a_record_that_is_tried_again_at_the_end_is_read_again() {
    let (kafka, topic, letters, name) = (Kafka::shared(), unique("trying"), unique("letters"), unique("picky"));
    kafka.create_topic(&topic, 1);
    kafka.write(&topic, 0, ["good-0", "later", "good-1"]);
    let mut setup = worker(kafka);
    setup.set("task.shutdown.graceful.timeout.ms", "1000");
    let (file, tries) = (setup.path("out.txt"), setup.path("tries.txt"));
    let mut config = picky_sink(&topic, &file, &letters);
    config.extend([
        ("transforms", "picky"),
        ("transforms.picky.type", "PickyTransform"),
        ("transforms.picky.fail.as", "retriable"),
        ("transforms.picky.tries.to", tries.to_str().unwrap()),
        ("errors.retry.timeout", "-1"),
    ]);
    let fail = |prefix| [config.clone(), vec![("transforms.picky.fail.prefix", prefix)]].concat();
    setup.connector(&name, &fail("later"));
    let mut worker = setup.start();
    until("some tries", || lines(&tries).len() >= 2);
    assert!(worker.terminate().success());
    setup.connector(&name, &fail("nothing"));
    let worker = setup.start();
    until_equal("all records in order", &["good-0", "later", "good-1"].map(str::to_owned).to_vec(), || lines(&file));
    drop(worker);
    assert!(kafka.read(&letters).is_empty(), "the record has a letter");
}
