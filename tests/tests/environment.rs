//! A worker that environment variables configure, as in a container.
#![allow(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use ferroconnect_e2e::kafka::{Kafka, Record};
use ferroconnect_e2e::process::Process;
use ferroconnect_e2e::rest::RestClient;
use ferroconnect_e2e::wait::{PATIENCE, until, until_some};
use ferroconnect_e2e::worker::{Subject, WorkerSetup, plugins, program};
use ferroconnect_e2e::{free_port, unique};
use rustix::process::Signal;
use serde_json::Value;
use std::process::Command;
use tempfile::TempDir;

/// A folder for a worker's files, and the variables it is started with.
struct Container {
    dir: TempDir,
    port: u16,
    variables: Vec<(String, String)>,
}

impl Container {
    /// One with string converters and all that a worker has to have, but for Kafka.
    fn new() -> Self {
        let mut container = Self { dir: tempfile::tempdir().unwrap(), port: free_port(), variables: Vec::new() };
        let (port, offsets) = (container.port.to_string(), container.path("offsets"));
        container.set("REST_HOST_NAME", "127.0.0.1");
        container.set("REST_PORT", &port);
        container.set("CONNECT_OFFSET_STORAGE_FILE_FILENAME", &offsets);
        container.set("KAFKA_CONNECT_PLUGINS_DIR", plugins().to_str().unwrap());
        container.set("KEY_CONVERTER", "org.apache.kafka.connect.storage.StringConverter");
        container.set("VALUE_CONVERTER", "org.apache.kafka.connect.storage.StringConverter");
        container
    }

    fn set(&mut self, name: &str, value: &str) {
        self.variables.push((name.to_owned(), value.to_owned()));
    }

    fn path(&self, name: &str) -> String {
        self.dir.path().join(name).to_str().unwrap().to_owned()
    }

    fn write(&self, name: &str, text: &str) -> String {
        let path = self.path(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    fn start(&self, arguments: &[&str]) -> Process {
        let mut command = Command::new(program());
        command.arg("container").args(arguments).env_clear().envs(self.variables.iter().map(|(k, v)| (k, v)));
        Process::start(command, self.dir.path(), "container")
    }

    fn await_ready(&self, process: &mut Process) -> RestClient {
        let rest = RestClient::new(&format!("http://127.0.0.1:{}", self.port));
        until_some("the worker to be ready", PATIENCE, || {
            assert_eq!(process.ended(), None, "{}", process.log());
            let answer = rest.call("GET", "/health", &[], None)?;
            if answer.status == 200 { Ok(()) } else { Err(answer.text) }
        });
        rest
    }
}

/// Each line of the log as JSON.
fn json_lines(process: &Process) -> Vec<Value> {
    let parse = |line: &str| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    process.log().lines().map(parse).collect()
}

fn java() -> bool {
    Subject::from_env() == Subject::Java
}

#[test]
fn records_flow_through_a_worker_made_of_variables() {
    if java() {
        return; // Kafka Connect leaves this to scripts of images
    }
    let kafka = Kafka::shared();
    let mut container = Container::new();
    let topic = unique("environment");
    kafka.create_topic(&topic, 1);
    let input = container.write("in.txt", "one\ntwo\n");
    let secret = container.write("secret", "very-s3cret-user\n");
    std::fs::create_dir(container.path("connectors")).unwrap();
    container.write(
        "connectors/source.properties",
        &format!("name=source\nconnector.class=FileStreamSource\nfile={input}\ntopic={topic}\n"),
    );
    container.set("BOOTSTRAP_SERVERS", &kafka.bootstrap);
    container.set("CONNECT_CONNECTORS_DIR", &container.path("connectors"));
    container.set("CONNECT_CONNECTORS_DIR_INTERVAL_MS", "200");
    container.set("CONNECT_LOG_FORMAT", "json");
    container.set("CONNECT_METRICS_CONTEXT_USER_FILE", &secret);
    container.set("ADVERTISED_HOST_NAME", "");
    container.set("HEAP_OPTS", "-Xmx1g");

    let mut process = container.start(&[]);
    let rest = container.await_ready(&mut process);
    let status = rest.await_task("source", 0, "RUNNING");
    let worker = format!("127.0.0.1:{}", container.port);
    assert_eq!(status.pointer("/connector/worker_id").and_then(Value::as_str), Some(worker.as_str()));
    let values: Vec<_> = kafka.read_at_least(&topic, 2).iter().filter_map(Record::text).collect();
    assert_eq!(values, ["one", "two"]);
    process.signal(Signal::TERM);
    assert_eq!(process.wait(PATIENCE).code(), Some(0));

    let lines = json_lines(&process);
    let messages: Vec<&str> = lines.iter().map(|line| line["message"].as_str().unwrap()).collect();
    for said in ["Using rest.advertised.host.name", "very-s3cret"] {
        assert!(!messages.iter().any(|message| message.contains(said)), "{said}: {messages:#?}");
    }
    for said in [
        format!("Using bootstrap.servers = {}, from BOOTSTRAP_SERVERS (environment)", kafka.bootstrap),
        "Using metrics.context.user = [hidden], from CONNECT_METRICS_CONTEXT_USER_FILE (environment)".to_owned(),
        format!("Using listeners = http://{worker}, from REST_HOST_NAME (environment), REST_PORT (environment)"),
        "HEAP_OPTS (environment): without a meaning here, as there is no Java machine. Metrics are at GET /metrics"
            .to_owned(),
    ] {
        assert!(messages.contains(&said.as_str()), "{said}: {messages:#?}");
    }
}

#[test]
fn what_is_wrong_names_its_variable() {
    if java() {
        return;
    }
    let mut container = Container::new();
    container.set("CONNECT_EMBEDDED_BROKER", "true");
    container.set("SHUTDOWN_TIMEOUT", "soon");
    container.set("FERROCONNECT_LOG_FORMAT", "json");
    let mut process = container.start(&[]);
    assert_eq!(process.wait(PATIENCE).code(), Some(2), "{}", process.log());
    let wrong =
        "SHUTDOWN_TIMEOUT (environment): Invalid value soon for configuration task.shutdown.graceful.timeout.ms";
    let told = |line: &Value| line["level"] == "ERROR" && line["message"].as_str().unwrap().contains(wrong);
    assert!(json_lines(&process).iter().any(told), "{}", process.log());
}

/// What shippers of logs rely on, from the first line on, with errors of the worker, of connectors and of tasks.
#[test]
fn every_line_of_a_log_in_json_is_an_object_with_the_usual_members() {
    if java() {
        return;
    }
    let mut setup = WorkerSetup::with_bootstrap(Subject::Ferroconnect, "127.0.0.1:1");
    setup.unset("bootstrap.servers").set("embedded.broker", "true").env("FERROCONNECT_LOG_FORMAT", "json");
    setup.set("connectors.dir", setup.path("connectors").to_str().unwrap()).set("connectors.dir.interval.ms", "100");
    std::fs::create_dir(setup.path("connectors")).unwrap();
    std::fs::write(setup.path("connectors/broken.json"), "{\n").unwrap();
    let nowhere = setup.path("no/such/folder/out.txt");
    setup.connector(
        "sink",
        &[("connector.class", "FileStreamSink"), ("file", nowhere.to_str().unwrap()), ("topics", "t")],
    );
    let mut worker = setup.start();
    worker.rest.await_task("sink", 0, "FAILED");
    until("the broken file to be told of", || worker.log().contains("broken.json:"));
    assert_eq!(worker.terminate().code(), Some(0));

    let lines = json_lines(&worker);
    // RFC 3339 in UTC.
    let time = regex::Regex::new(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$").unwrap();
    for line in &lines {
        let text = |key: &str| line[key].as_str().unwrap_or_else(|| panic!("no {key}: {line}"));
        assert!(time.is_match(text("timestamp")), "{line}");
        assert!(["ERROR", "WARN", "INFO"].contains(&text("level")), "{line}");
        assert!(!text("logger").is_empty() && !text("thread").is_empty() && !text("message").is_empty(), "{line}");
    }
    let first = lines[0]["message"].as_str().unwrap();
    assert_eq!(first, "Kafka Connect worker initializing ...", "the worker file is not read by then");
    let failed = |line: &&Value| line["level"] == "ERROR" && line["connector"] == "sink" && line["task"] == 0;
    let failed = lines.iter().find(failed).expect("the task's failure");
    assert!(failed["message"].as_str().unwrap().contains("Caused by: "), "the trace is in the same line: {failed}");
    // A client of the broker that has gone may have the last word.
    let last = lines.iter().rfind(|line| line["logger"] != "librdkafka").unwrap();
    assert!(last["message"].as_str().unwrap().contains("Kafka Connect stopped"), "{last}");
}

#[test]
fn a_level_that_is_none_is_told_in_the_form_that_is_asked_for() {
    if java() {
        return;
    }
    let mut container = Container::new();
    container.set("LOG_LEVEL", "loud");
    container.set("FERROCONNECT_LOG_FORMAT", "json");
    let mut process = container.start(&[]);
    assert_eq!(process.wait(PATIENCE).code(), Some(2), "{}", process.log());
    let lines = json_lines(&process);
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0]["message"].as_str().unwrap().starts_with("LOG_LEVEL (environment): `loud`"), "{lines:?}");
}

/// The variables of a compose file for a distributed worker, an empty host and no topic for statuses among them.
#[test]
fn a_group_of_workers_is_not_replaced_by_one_in_silence() {
    if java() {
        return;
    }
    let mut container = Container::new();
    container.set("CONNECT_EMBEDDED_BROKER", "true");
    container.set("GROUP_ID", "1");
    container.set("CONFIG_STORAGE_TOPIC", "my-connect-configs");
    container.set("OFFSET_STORAGE_TOPIC", "my-connect-offsets");
    container.set("ADVERTISED_HOST_NAME", "");
    let mut process = container.start(&[]);
    assert_eq!(process.wait(PATIENCE).code(), Some(2), "{}", process.log());
    assert!(process.log().contains("set FERROCONNECT_MODE=standalone"), "{}", process.log());

    container.set("FERROCONNECT_MODE", "standalone");
    let mut process = container.start(&[]);
    container.await_ready(&mut process);
    assert!(process.log().contains("OFFSET_STORAGE_TOPIC (environment): without a meaning"), "{}", process.log());
    process.signal(Signal::TERM);
    assert_eq!(process.wait(PATIENCE).code(), Some(0));
}

#[test]
fn a_base_file_holds_what_variables_do_not_set() {
    if java() {
        return;
    }
    let mut container = Container::new();
    let base = container.write("base.properties", "embedded.broker=true\noffset.flush.interval.ms=never\n");
    let mut process = container.start(&["--base", &base]);
    assert_eq!(process.wait(PATIENCE).code(), Some(2), "{}", process.log());
    assert!(process.log().contains("base.properties:2: Invalid value never"), "{}", process.log());
    container.set("OFFSET_FLUSH_INTERVAL_MS", "1000");
    let mut process = container.start(&["--base", &base]);
    container.await_ready(&mut process);
    process.signal(Signal::TERM);
    assert_eq!(process.wait(PATIENCE).code(), Some(0));
}
