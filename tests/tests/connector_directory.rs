//! Connectors that come, change and go with the files of a directory.
#![allow(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use ferroconnect_e2e::kafka::{Kafka, Record};
use ferroconnect_e2e::unique;
use ferroconnect_e2e::wait::{PATIENCE, until, until_equal, until_some};
use ferroconnect_e2e::worker::{Subject, Worker, WorkerSetup};
use serde_json::{Value, json};
use std::os::unix::fs::symlink;
use std::path::PathBuf;

/// Short, so that the tests need not wait for long.
const INTERVAL: &str = "200";

struct Followed {
    setup: WorkerSetup,
    dir: PathBuf,
    topic: String,
}

impl Followed {
    fn new(kafka: &Kafka) -> Self {
        let mut setup = WorkerSetup::new(Subject::Ferroconnect, kafka);
        let (dir, topic) = (setup.path("connectors"), unique("directory"));
        kafka.create_topic(&topic, 1);
        std::fs::create_dir(&dir).unwrap();
        setup.set("connectors.dir", dir.to_str().unwrap()).set("connectors.dir.interval.ms", INTERVAL);
        Self { setup, dir, topic }
    }

    /// The text of a connector file for a source that reads `input`, which gets a line.
    fn source(&self, name: &str, input: &str) -> String {
        let input = self.setup.path(input);
        std::fs::write(&input, format!("from {}\n", input.file_name().unwrap().display())).unwrap();
        format!("name={name}\nconnector.class=FileStreamSource\ntopic={}\nfile={}\n", self.topic, input.display())
    }

    fn write(&self, file: &str, text: &str) {
        std::fs::write(self.dir.join(file), text).unwrap();
    }

    /// Waits until the log has a line with this text.
    fn await_log(&self, worker: &Worker, text: &str) {
        until_some(&format!("the log to say {text}"), PATIENCE, || {
            let log = worker.log();
            if log.contains(text) { Ok(()) } else { Err(log) }
        });
    }
}

fn names(worker: &Worker) -> Vec<String> {
    let list = worker.rest.get("/connectors").json();
    let mut names: Vec<String> = list.as_array().unwrap().iter().map(|n| n.as_str().unwrap().to_owned()).collect();
    names.sort();
    names
}

fn config_of(worker: &Worker, name: &str, key: &str) -> Option<String> {
    worker.rest.get(&format!("/connectors/{name}/config")).json()[key].as_str().map(str::to_owned)
}

#[test]
fn files_decide_which_connectors_there_are() {
    if Subject::from_env() == Subject::Java {
        return; // not in Kafka Connect
    }
    let kafka = Kafka::shared();
    let mut followed = Followed::new(kafka);
    followed.write("one.properties", &followed.source("one", "one.txt"));
    let mut worker = followed.setup.start();
    worker.rest.await_task("one", 0, "RUNNING");

    followed.write("two.properties", &followed.source("two", "two.txt"));
    until_equal("the connectors", &vec!["one".to_owned(), "two".to_owned()], || names(&worker));
    followed.write("one.properties", &followed.source("one", "three.txt"));
    let read = |count: usize| -> Vec<String> {
        let mut values: Vec<String> =
            kafka.read_at_least(&followed.topic, count).iter().filter_map(Record::text).collect();
        values.sort();
        values
    };
    assert_eq!(read(3), ["from one.txt", "from three.txt", "from two.txt"]);

    std::fs::remove_file(followed.dir.join("two.properties")).unwrap();
    until_equal("the connectors", &vec!["one".to_owned()], || names(&worker));

    // What happened while the worker was not there counts too.
    worker.terminate();
    std::fs::remove_file(followed.dir.join("one.properties")).unwrap();
    followed.write("two.properties", &followed.source("two", "four.txt"));
    let mut worker = followed.setup.start();
    until_equal("the connectors", &vec!["two".to_owned()], || names(&worker));
    assert_eq!(read(4).len(), 4, "files that were read are not read again");
    worker.terminate();
}

#[test]
fn what_is_wrong_with_a_file_is_told_once_and_stops_nothing() {
    if Subject::from_env() == Subject::Java {
        return;
    }
    let mut followed = Followed::new(Kafka::shared());
    followed.write("good.properties", &followed.source("good", "good.txt"));
    followed.write("broken.json", "{\n\"name\": \"broken\",");
    let mut worker = followed.setup.start();
    worker.rest.await_task("good", 0, "RUNNING");
    followed.await_log(&worker, "broken.json:2: not valid JSON");

    followed.write("good.properties", "name=good\nconnector.class=FileStreamSource\n");
    followed.await_log(&worker, "Changing connector good from ");
    followed.await_log(&worker, "Missing required configuration \"topic\"");
    followed.write("same.properties", &followed.source("good", "same.txt"));
    followed.await_log(&worker, "they have the same name=good");
    // A later file shows that the looks went on.
    followed.write("later.properties", &followed.source("later", "later.txt"));
    worker.rest.await_task("later", 0, "RUNNING");
    worker.rest.await_task("good", 0, "RUNNING");
    assert_eq!(names(&worker), ["good", "later"]);
    assert_eq!(config_of(&worker, "good", "topic").as_deref(), Some(followed.topic.as_str()));
    worker.terminate();
    for once in ["broken.json:2: not valid JSON", "they have the same name=good"] {
        assert_eq!(worker.log().matches(once).count(), 1, "{once}");
    }
}

#[test]
fn rest_and_the_directory_share_connectors_by_clear_rules() {
    if Subject::from_env() == Subject::Java {
        return;
    }
    let mut followed = Followed::new(Kafka::shared());
    followed.write("mine.properties", &followed.source("mine", "mine.txt"));
    let mut worker = followed.setup.start();
    let of_rest = followed.setup.path("rest.txt");
    let topic = followed.topic.clone();
    let config = |more: &str| json!({"connector.class": "FileStreamSource", "topic": topic, "file": of_rest.to_str().unwrap(), "batch.size": more});
    let put = |name: &str, config: &Value| worker.rest.put(&format!("/connectors/{name}/config"), Some(config)).status;
    assert_eq!(put("theirs", &config("10")), 201);
    followed.write("theirs.properties", &followed.source("theirs", "mine.txt"));
    followed.await_log(&worker, "theirs already exists and was not made from this directory");
    std::fs::remove_file(followed.dir.join("theirs.properties")).unwrap();

    assert_eq!(put("mine", &config("20")), 200);
    let changed = followed.source("mine", "mine.txt") + "batch.size=30\n";
    followed.write("mine.properties", &changed);
    until_equal("the file's value", &Some("30".to_owned()), || config_of(&worker, "mine", "batch.size"));
    followed.await_log(&worker, "Connector mine was changed by other means");
    assert_eq!(config_of(&worker, "theirs", "batch.size").as_deref(), Some("10"));
    worker.terminate();
}

/// A mounted configuration of Kubernetes: links to links, all swapped at once.
#[test]
fn a_swapped_mount_is_followed() {
    if Subject::from_env() == Subject::Java {
        return;
    }
    let mut followed = Followed::new(Kafka::shared());
    let version = |name: &str, files: &[(&str, String)]| {
        let dir = followed.dir.join(name);
        std::fs::create_dir(&dir).unwrap();
        for (file, text) in files {
            std::fs::write(dir.join(file), text).unwrap();
        }
    };
    let swap = |name: &str| {
        symlink(name, followed.dir.join("..data_tmp")).unwrap();
        std::fs::rename(followed.dir.join("..data_tmp"), followed.dir.join("..data")).unwrap();
    };
    version("..1", &[("a.properties", followed.source("a", "a.txt"))]);
    swap("..1");
    symlink("..data/a.properties", followed.dir.join("a.properties")).unwrap();
    let text = followed.source("a", "a.txt") + "batch.size=7\n";
    version("..2", &[("a.properties", text), ("b.properties", followed.source("b", "b.txt"))]);
    let mut worker = followed.setup.start();
    worker.rest.await_task("a", 0, "RUNNING");
    assert_eq!(config_of(&worker, "a", "batch.size"), None);

    swap("..2");
    symlink("..data/b.properties", followed.dir.join("b.properties")).unwrap();
    std::fs::remove_dir_all(followed.dir.join("..1")).unwrap();
    worker.rest.await_task("b", 0, "RUNNING");
    until("the changed configuration", || config_of(&worker, "a", "batch.size").as_deref() == Some("7"));
    worker.terminate();
    assert!(!worker.log().contains("Deleted connector"), "{}", worker.log());
}

#[test]
fn a_directory_that_is_not_there_is_told_at_the_start() {
    if Subject::from_env() == Subject::Java {
        return;
    }
    let mut followed = Followed::new(Kafka::shared());
    std::fs::remove_dir(&followed.dir).unwrap();
    let mut worker = followed.setup.spawn();
    assert_eq!(worker.wait(PATIENCE).code(), Some(3), "{}", worker.log());
    assert!(worker.log().contains("connectors.dir="), "{}", worker.log());
}
