//! Wrong input and a failing machine: the answer says what is wrong and what would be right, and nothing is lost.

#![allow(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use ferroconnect_e2e::kafka::{Kafka, Record};
use ferroconnect_e2e::process::Process;
use ferroconnect_e2e::wait::{PATIENCE, until, until_equal, until_some};
use ferroconnect_e2e::worker::{Subject, Worker, WorkerSetup, program};
use ferroconnect_e2e::{free_port, unique};
use serde_json::json;
use std::io::Write as _;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;

fn ours() -> bool {
    Subject::from_env() == Subject::Ferroconnect
}

/// Every one of `needed` is in the text, in any case of letters.
fn assert_says(text: &str, needed: &[&str]) {
    let lower = text.to_lowercase();
    let missing: Vec<&&str> = needed.iter().filter(|n| !lower.contains(&n.to_lowercase())).collect();
    assert!(missing.is_empty(), "not said: {missing:?}, in:\n{text}");
}

/// The worker ends by itself with a failure; gives its log.
fn refused(setup: &mut WorkerSetup) -> String {
    let mut worker = setup.spawn();
    let status = worker.wait(PATIENCE);
    assert!(status.code().is_some_and(|c| c != 0), "{status}");
    worker.log()
}

fn file_source<'a>(file: &'a Path, topic: &'a str) -> [(&'a str, &'a str); 3] {
    [("connector.class", "FileStreamSource"), ("file", file.to_str().unwrap()), ("topic", topic)]
}

#[test]
fn no_worker_file() {
    if !ours() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("not-there.properties");
    let mut command = Command::new(program());
    command.arg("standalone").arg(&path);
    let mut process = Process::start(command, dir.path(), "worker");
    assert_eq!(process.wait(PATIENCE).code(), Some(2));
    assert_says(&process.log(), &[path.to_str().unwrap()]);
}

#[test]
fn all_bad_worker_keys_at_once() {
    let mut setup = WorkerSetup::new(Subject::from_env(), Kafka::shared());
    setup.unset("value.converter").set("offset.flush.interval.ms", "soon").set("listeners", "gopher://x:1");
    let log = refused(&mut setup);
    if ours() {
        assert_says(&log, &["worker.properties", "value.converter", "offset.flush.interval.ms", "soon", "gopher"]);
    }
}

#[test]
fn an_unknown_worker_key_is_worth_a_warning() {
    let mut setup = WorkerSetup::new(Subject::from_env(), Kafka::shared());
    setup.set("offset.flush.intervall.ms", "5000");
    let worker = setup.start();
    if ours() {
        let log = worker.log();
        let line = log.lines().find(|l| l.contains("offset.flush.intervall.ms")).unwrap_or_default();
        assert!(line.contains("WARN") && line.contains("offset.flush.interval.ms"), "{log}");
    }
}

#[test]
fn a_plugin_folder_that_is_not_there() {
    let mut setup = WorkerSetup::new(Subject::from_env(), Kafka::shared());
    setup.set("plugin.path", "/no/such/plugins");
    let worker = setup.start();
    assert_eq!(worker.rest.get("/connectors").status, 200);
    assert_says(&worker.log(), &["/no/such/plugins"]);
}

#[test]
fn a_taken_port() {
    let mut setup = WorkerSetup::new(Subject::from_env(), Kafka::shared());
    let _taken = TcpListener::bind(("127.0.0.1", setup.port())).unwrap();
    let log = refused(&mut setup);
    if ours() {
        assert_says(&log, &["listeners", &setup.port().to_string()]);
    }
}

#[test]
fn a_converter_that_does_not_exist() {
    let mut setup = WorkerSetup::new(Subject::from_env(), Kafka::shared());
    setup.set("value.converter", "com.example.NoSuchConverter");
    assert_says(&refused(&mut setup), &["value.converter", "com.example.NoSuchConverter"]);
}

#[test]
fn a_connector_with_a_converter_that_does_not_exist() {
    let mut setup = WorkerSetup::new(Subject::from_env(), Kafka::shared());
    let worker = setup.start();
    let config = json!({
        "name": "odd", "connector.class": "FileStreamSource", "topic": "t", "value.converter": "NoSuchConverter",
    });
    let answer = worker.rest.post("/connectors", Some(&json!({"name": "odd", "config": config})));
    assert_eq!(answer.status, 400, "{answer:?}");
    assert_says(&answer.text, &["value.converter", "NoSuchConverter"]);
    assert_eq!(worker.rest.get("/connectors").json(), json!([]));
}

/// The task fails and says which topic; its neighbour goes on.
#[test]
fn a_topic_name_that_kafka_refuses() {
    let kafka = Kafka::shared();
    let mut setup = WorkerSetup::new(Subject::from_env(), kafka);
    let (input, topic) = (setup.path("in.txt"), unique("good"));
    std::fs::write(&input, "one\n").unwrap();
    setup.connector("bad", &file_source(&input, "not a topic!"));
    setup.connector("good", &file_source(&input, &topic));
    let worker = setup.start();
    let status = worker.rest.await_task("bad", 0, "FAILED");
    assert_says(status["tasks"][0]["trace"].as_str().unwrap(), &["not a topic!"]);
    assert_eq!(kafka.read_at_least(&topic, 1).len(), 1);
    worker.rest.await_task("good", 0, "RUNNING");
}

/// Passes connections on to the broker, from the moment it is made.
fn forward(port: u16, to: String) {
    let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
    std::thread::spawn(move || {
        for client in listener.incoming() {
            let (client, broker) = (client.unwrap(), TcpStream::connect(&to).unwrap());
            for (mut from, mut into) in [(client.try_clone().unwrap(), broker.try_clone().unwrap()), (broker, client)] {
                std::thread::spawn(move || {
                    // Either side may go away at any time; the other is then told so.
                    let _ = std::io::copy(&mut from, &mut into);
                    let _ = into.shutdown(std::net::Shutdown::Both);
                });
            }
        }
    });
}

/// The worker says which address does not answer, keeps trying, and serves REST meanwhile.
#[test]
fn a_broker_that_cannot_be_reached_yet() {
    if !ours() {
        return; // Java gives up after a minute
    }
    let kafka = Kafka::shared();
    let port = free_port();
    let mut setup = WorkerSetup::with_bootstrap(Subject::Ferroconnect, &format!("127.0.0.1:{port}"));
    let (input, topic) = (setup.path("in.txt"), unique("late"));
    std::fs::write(&input, "one\n").unwrap();
    setup.connector("source", &file_source(&input, &topic));
    let mut worker = setup.spawn();
    until_some("an answer of GET /", PATIENCE, || {
        worker.assert_alive();
        worker
            .rest
            .call("GET", "/", &[], None)
            .and_then(|a| if a.status == 200 { Ok(()) } else { Err(format!("{a:?}")) })
    });
    until("the log to name the broker", || worker.log().contains(&format!("127.0.0.1:{port}")));

    forward(port, kafka.bootstrap.split(',').next().unwrap().to_owned());
    worker.await_ready();
    let values: Vec<_> = kafka.read_at_least(&topic, 1).iter().filter_map(Record::text).collect();
    assert_eq!(values, ["one"]);
}

#[test]
fn a_corrupt_offset_file_is_refused_and_kept() {
    let mut setup = WorkerSetup::new(Subject::from_env(), Kafka::shared());
    let path = setup.path("connect.offsets");
    std::fs::write(&path, b"these are not offsets").unwrap();
    let log = refused(&mut setup);
    assert_eq!(std::fs::read(&path).unwrap(), b"these are not offsets", "the file was written over");
    if ours() {
        assert_says(&log, &[path.to_str().unwrap(), "offset.storage.file.filename"]);
    }
}

/// A file cut short holds positions that are not to be forgotten. (Java takes it for an empty one.)
#[test]
fn an_offset_file_cut_short_is_refused_and_kept() {
    if !ours() {
        return;
    }
    let kafka = Kafka::shared();
    let mut setup = WorkerSetup::new(Subject::Ferroconnect, kafka);
    let (input, topic, path) = (setup.path("in.txt"), unique("cut"), setup.path("connect.offsets"));
    std::fs::write(&input, "one\n").unwrap();
    setup.connector("source", &file_source(&input, &topic));
    let mut worker = setup.start();
    kafka.read_at_least(&topic, 1);
    worker.terminate();
    let whole = std::fs::read(&path).unwrap();
    let half = &whole[..whole.len() / 2];
    std::fs::write(&path, half).unwrap();
    assert_says(&refused(&mut setup), &[path.to_str().unwrap(), "offset.storage.file.filename"]);
    assert_eq!(std::fs::read(&path).unwrap(), half, "the file was written over");
}

/// A small file system of its own, unmounted when dropped.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    /// `None` where this process may not mount.
    fn mount() -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        let mount = Command::new("mount").args(["-t", "tmpfs", "-o", "size=256k", "tmpfs"]).arg(dir.path()).output();
        mount.is_ok_and(|m| m.status.success()).then_some(Self(dir))
    }

    fn fill(&self) {
        let mut file = std::fs::File::create(self.0.path().join("filler")).unwrap();
        while file.write_all(&[b'x'; 4096]).is_ok() {}
    }

    fn free(&self) {
        std::fs::remove_file(self.0.path().join("filler")).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: a worker that a failed test leaves behind may still have the folder open.
        let _ = Command::new("umount").arg("-l").arg(self.0.path()).status();
    }
}

fn append(path: &Path, text: &str) {
    std::fs::OpenOptions::new().append(true).open(path).unwrap().write_all(text.as_bytes()).unwrap();
}

/// With no room for new offsets the old ones stay whole, records go on, and the log says so.
#[test]
fn a_full_disk_under_the_offset_file() {
    let Some(disk) = SmallDisk::mount() else {
        eprintln!("skipped: this user may not mount a small file system");
        return;
    };
    let kafka = Kafka::shared();
    let mut setup = WorkerSetup::new(Subject::from_env(), kafka);
    let (input, topic, path) = (setup.path("in.txt"), unique("full"), disk.0.path().join("connect.offsets"));
    std::fs::write(&input, "one\n").unwrap();
    setup.set("offset.storage.file.filename", path.to_str().unwrap());
    setup.connector("source", &file_source(&input, &topic));
    let mut worker = setup.start();
    until("the first position to be stored", || std::fs::metadata(&path).is_ok_and(|m| m.len() > 0));
    let stored = std::fs::read(&path).unwrap();

    disk.fill();
    append(&input, "two\n");
    kafka.read_at_least(&topic, 2);
    if ours() {
        said_while_alive(&mut worker, &path);
        assert_eq!(std::fs::read(&path).unwrap(), stored, "the old offsets were damaged");
        worker.kill();
        disk.free();
        let mut again = setup.start();
        append(&input, "three\n");
        // Nothing lost: what was not stored comes again.
        until_equal("the distinct values", &["one", "three", "two"].join(" "), || distinct(kafka, &topic));
        again.terminate();
    }
}

fn said_while_alive(worker: &mut Worker, path: &Path) {
    until("the log to say that offsets cannot be stored", || {
        worker.assert_alive();
        let log = worker.log();
        log.lines().any(|l| (l.contains("ERROR") || l.contains("WARN")) && l.contains(path.to_str().unwrap()))
    });
    assert_eq!(worker.rest.get("/connectors").status, 200);
}

fn distinct(kafka: &Kafka, topic: &str) -> String {
    let mut values: Vec<String> = kafka.read(topic).iter().filter_map(Record::text).collect();
    values.sort();
    values.dedup();
    values.join(" ")
}
