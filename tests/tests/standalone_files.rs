//! Files through Kafka and back, to the byte: the file connectors under a standalone worker.
//!
//! The scenarios are those of a much-read quick start. What they expect follows from one rule: the source remembers a
//! byte position in its file, not a line number and not a number of records.
#![allow(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use ferroconnect_e2e::kafka::{Kafka, Record};
use ferroconnect_e2e::process::read_lossy;
use ferroconnect_e2e::unique;
use ferroconnect_e2e::wait::{PATIENCE, unchanged_for, until_equal, until_some};
use ferroconnect_e2e::worker::{Subject, Worker, WorkerSetup};
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The file source looks for new lines once a second; this covers a look, and a bit.
const ONE_LOOK: Duration = Duration::from_millis(1500);

fn append(path: &Path, text: &str) {
    let mut file = OpenOptions::new().append(true).create(true).open(path).unwrap();
    file.write_all(text.as_bytes()).unwrap();
}

/// Writes the file anew in place: the same inode, as `>` of a shell does.
fn rewrite(path: &Path, text: &str) {
    let mut file = OpenOptions::new().write(true).truncate(true).open(path).unwrap();
    file.write_all(text.as_bytes()).unwrap();
}

fn envelope(line: &str) -> Option<String> {
    Some(format!(r#"{{"schema":{{"type":"string","optional":false}},"payload":"{line}"}}"#))
}

fn values(records: &[Record]) -> Vec<Option<String>> {
    records.iter().map(Record::text).collect()
}

/// The quick start's worker and its two connectors.
struct QuickStart {
    kafka: &'static Kafka,
    setup: WorkerSetup,
    topic: String,
    input: PathBuf,
    output: PathBuf,
}

impl QuickStart {
    fn new() -> Self {
        let kafka = Kafka::shared();
        let mut setup = WorkerSetup::new(Subject::from_env(), kafka);
        let topic = unique("connect-test");
        let (input, output) = (setup.path("test.txt"), setup.path("test.sink.txt"));
        for side in ["key", "value"] {
            for prefix in ["", "internal."] {
                setup.set(&format!("{prefix}{side}.converter"), "org.apache.kafka.connect.json.JsonConverter");
            }
            setup.set(&format!("{side}.converter.schemas.enable"), "true");
            setup.set(&format!("internal.{side}.converter.schemas.enable"), "false");
        }
        setup.set("offset.flush.interval.ms", "10000");
        setup.connector(
            "local-file-source",
            &[
                ("connector.class", "FileStreamSourceConnector"),
                ("tasks.max", "1"),
                ("file", input.to_str().unwrap()),
                ("topic", &topic),
            ],
        );
        setup.connector(
            "local-file-sink",
            &[
                ("connector.class", "FileStreamSinkConnector"),
                ("tasks.max", "1"),
                ("file", output.to_str().unwrap()),
                ("topics", &topic),
            ],
        );
        Self { kafka, setup, topic, input, output }
    }

    fn start(&mut self) -> Worker {
        let worker = self.setup.start();
        worker.rest.await_task("local-file-source", 0, "RUNNING");
        worker.rest.await_task("local-file-sink", 0, "RUNNING");
        worker
    }

    /// Waits for the sink file to have this text, and compares the topic with the lines of `emitted`.
    fn expect(&self, written: &str, emitted: &[&str]) {
        until_equal("the sink file", &written.to_owned(), || read_lossy(&self.output));
        let records = self.kafka.read(&self.topic);
        assert_eq!(values(&records), emitted.iter().map(|l| envelope(l)).collect::<Vec<_>>());
        assert!(records.iter().all(|r| r.key.is_none() && r.headers.is_empty()), "{records:?}");
    }

    /// Deletes the topic and empties both files, as one does before trying again.
    fn clean(&self) {
        self.kafka.delete_topic(&self.topic);
        self.kafka.await_forgotten("connect-local-file-sink", &self.topic);
        rewrite(&self.input, "");
        rewrite(&self.output, "");
    }
}

/// A1 to A6, one after the other on the same files.
#[test]
fn quick_start() {
    let mut q = QuickStart::new();
    append(&q.input, "");
    let mut worker = q.start();

    // A1: three lines go through. Position 0 → 12.
    append(&q.input, "aaa\nbbb\nccc\n");
    q.expect("aaa\nbbb\nccc\n", &["aaa", "bbb", "ccc"]);

    // A2: rewritten in place with a longer third line: only what lies behind byte 12 is new.
    rewrite(&q.input, "aaa\nbbb\nccc_update\n");
    q.expect("aaa\nbbb\nccc\nupdate\n", &["aaa", "bbb", "ccc", "update"]);

    // A3: now shorter than the position 19: nothing.
    rewrite(&q.input, "aaa\nbbb\n");
    unchanged_for("the number of records", ONE_LOOK, || q.kafka.count(&q.topic));
    q.expect("aaa\nbbb\nccc\nupdate\n", &["aaa", "bbb", "ccc", "update"]);

    // A4: it grows past the position; byte 19 is the end of the line fff, so an empty record comes first.
    append(&q.input, "ddd\neee\nfff\nggg\n");
    let a4 = ["aaa", "bbb", "ccc", "update", "", "ggg"];
    q.expect("aaa\nbbb\nccc\nupdate\n\nggg\n", &a4);

    // A5: a clean start but for the offset file: the first 24 bytes are skipped.
    worker.terminate();
    q.clean();
    let mut worker = q.start();
    let lines = "hhh\niii\njjj\nkkk\nlll\nmmm\nnnn\nooo\n";
    append(&q.input, lines);
    q.expect("nnn\nooo\n", &["nnn", "ooo"]);

    // A6: a clean start without the offset file: everything.
    worker.terminate();
    q.clean();
    std::fs::remove_file(q.setup.path("connect.offsets")).unwrap();
    let mut worker = q.start();
    append(&q.input, lines);
    q.expect(lines, &["hhh", "iii", "jjj", "kkk", "lll", "mmm", "nnn", "ooo"]);
    worker.terminate();

    if q.setup.subject() == Subject::Ferroconnect {
        let log = worker.log();
        let warnings: Vec<&str> = log.lines().filter(|l| l.contains("WARN") && l.contains("internal.")).collect();
        assert_eq!(warnings.len(), 1, "the dead internal.* keys are worth one warning: {warnings:?}");
    }
}

/// A7: the record in the topic is exact: no key, no headers, an envelope without blanks.
#[test]
fn envelope_is_exact() {
    let kafka = Kafka::shared();
    let mut setup = WorkerSetup::new(Subject::from_env(), kafka);
    let topic = unique("a7");
    kafka.create_topic(&topic, 1);
    let input = setup.path("in.txt");
    setup.set("value.converter", "org.apache.kafka.connect.json.JsonConverter");
    setup.set("key.converter", "org.apache.kafka.connect.json.JsonConverter");
    setup.connector(
        "source",
        &[("connector.class", "FileStreamSource"), ("file", input.to_str().unwrap()), ("topic", &topic)],
    );
    let worker = setup.start();
    worker.rest.await_task("source", 0, "RUNNING");
    append(&input, "sdf\n");
    kafka.read_at_least(&topic, 1);
    append(&input, "hello kafka connector\n");
    let records = kafka.read_at_least(&topic, 2);
    assert_eq!(values(&records), [envelope("sdf"), envelope("hello kafka connector")]);
    assert_eq!(records.iter().map(|r| r.value.as_ref().unwrap().len()).collect::<Vec<_>>(), [61, 79]);
    assert!(records.iter().all(|r| r.key.is_none() && r.headers.is_empty() && r.partition == 0));
}

/// A12: a second worker with the same worker file fails at once and says what to change.
#[test]
fn second_worker_with_the_same_file() {
    let mut setup = WorkerSetup::new(Subject::from_env(), Kafka::shared());
    let _first = setup.start();
    let mut second = setup.spawn();
    let status = second.wait(PATIENCE);
    assert!(!status.success(), "{status}");
    if setup.subject() == Subject::Ferroconnect {
        let log = second.log();
        let offsets = setup.path("connect.offsets");
        for needed in
            ["listeners", "offset.storage.file.filename", &setup.port().to_string(), offsets.to_str().unwrap()]
        {
            assert!(log.contains(needed), "the log does not name {needed}:\n{log}");
        }
    }
}

/// A13: as many connectors as there are connector files, of all three forms.
#[test]
fn many_connector_files() {
    let kafka = Kafka::shared();
    let mut setup = WorkerSetup::new(Subject::from_env(), kafka);
    let topic = unique("a13");
    kafka.create_topic(&topic, 1);
    let out = setup.path("out.txt");
    let mut names = Vec::new();
    for n in 0..4 {
        let input = setup.path(&format!("in-{n}.txt"));
        append(&input, &format!("line {n}\n"));
        let (name, class, file) = (format!("source-{n}"), "FileStreamSource", input.to_str().unwrap().to_owned());
        match n {
            0 => setup.connector_file(
                "flat.json",
                &format!(r#"{{"name":"{name}","connector.class":"{class}","file":"{file}","topic":"{topic}"}}"#),
            ),
            1 => setup.connector_file(
                "nested.json",
                &format!(
                    r#"{{"name":"{name}","config":{{"connector.class":"{class}","file":"{file}","topic":"{topic}"}}}}"#
                ),
            ),
            _ => setup.connector(&name, &[("connector.class", class), ("file", &file), ("topic", &topic)]),
        };
        names.push(name);
    }
    // A consumer group of its own: groups are named after connectors, and this Kafka is shared.
    let sink = unique("sink");
    setup.connector(
        &sink,
        &[("connector.class", "FileStreamSink"), ("file", out.to_str().unwrap()), ("topics", &topic)],
    );
    names.push(sink);

    let worker = setup.start();
    let mut listed: Vec<String> = until_some("all connectors", PATIENCE, || {
        let list = worker.rest.get("/connectors").json();
        let list: Vec<String> = list.as_array().unwrap().iter().map(|n| n.as_str().unwrap().to_owned()).collect();
        if list.len() == names.len() { Ok(list) } else { Err(format!("{list:?}")) }
    });
    listed.sort();
    names.sort();
    assert_eq!(listed, names);
    for name in &names {
        worker.rest.await_task(name, 0, "RUNNING");
    }
    until_equal("the lines of all sources", &["line 0", "line 1", "line 2", "line 3"].join("\n"), || {
        let text = read_lossy(&out);
        let mut lines: Vec<&str> = text.lines().collect();
        lines.sort_unstable();
        lines.join("\n")
    });
}
