//! One plugin cannot take the worker down: it panics, hangs, leaks a thread or is a bad file, and the others go on.
//!
//! "Go on" is counted at the destination: lines that are appended after the misdeed come out of the neighbour's sink.

#![allow(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use ferroconnect_e2e::kafka::Kafka;
use ferroconnect_e2e::process::read_lossy;
use ferroconnect_e2e::wait::{PATIENCE, until, until_some};
use ferroconnect_e2e::worker::{Subject, Worker, WorkerSetup, plugins};
use ferroconnect_e2e::{build_dir, unique};
use std::fmt::Write as _;
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Lines that must move after each misdeed.
const LINES: usize = 500;
/// Longest time that REST may take for a connector that hangs.
const REST_LIMIT: Duration = Duration::from_secs(30);

/// Copies libraries that misbehave into a plugin path of the test's own.
fn stage(setup: &WorkerSetup, fixtures: &[&str]) -> PathBuf {
    let dir = setup.path("fixtures");
    for fixture in fixtures {
        let file = library_file(&format!("ferroconnect_fixture_{fixture}"));
        let built = build_dir().join(&file);
        assert!(built.is_file(), "{} does not exist: run cargo build --workspace first", built.display());
        fs::create_dir_all(dir.join(fixture)).unwrap();
        fs::copy(&built, dir.join(fixture).join(&file)).unwrap();
    }
    dir
}

fn library_file(stem: &str) -> String {
    format!("{}{stem}{}", std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX)
}

/// A worker with a well-behaved pair of connectors beside the ones that misbehave.
struct House {
    /// Owns the folder that everything lies in.
    _setup: WorkerSetup,
    worker: Worker,
    topic: String,
    input: PathBuf,
    output: PathBuf,
    /// Of its own in each test: consumer groups are named after sinks, and this Kafka is shared.
    sink: String,
    lines: usize,
}

impl House {
    /// `None` when the control is asked for: these plugins are ours.
    fn with(fixtures: &[&str]) -> Option<Self> {
        Self::prepared(fixtures, |_| ())
    }

    fn prepared(fixtures: &[&str], prepare: impl FnOnce(&WorkerSetup)) -> Option<Self> {
        if Subject::from_env() == Subject::Java {
            eprintln!("skipped: the Java worker cannot load these plugins");
            return None;
        }
        let kafka = Kafka::shared();
        let mut setup = WorkerSetup::new(Subject::Ferroconnect, kafka);
        let bad = stage(&setup, fixtures);
        setup.set("plugin.path", &format!("{},{}", plugins().display(), bad.display()));
        setup.set("task.shutdown.graceful.timeout.ms", "1000");
        prepare(&setup);
        let (topic, input, output) = (unique("neighbour"), setup.path("in.txt"), setup.path("out.txt"));
        kafka.create_topic(&topic, 1);
        fs::write(&input, "").unwrap();
        let (from, to) = (input.to_str().unwrap(), output.to_str().unwrap());
        setup.connector("good-source", &[("connector.class", "FileStreamSource"), ("file", from), ("topic", &topic)]);
        let sink = unique("good-sink");
        setup.connector(&sink, &[("connector.class", "FileStreamSink"), ("file", to), ("topics", &topic)]);
        let worker = setup.start();
        let mut house = Self { _setup: setup, worker, topic, input, output, sink, lines: 0 };
        house.neighbour_goes_on();
        Some(house)
    }

    /// Sends more lines through the neighbour and waits until every one has come out, once and in order.
    fn neighbour_goes_on(&mut self) {
        let mut text = String::new();
        for n in self.lines..self.lines + LINES {
            writeln!(text, "line {n}").unwrap();
        }
        self.lines += LINES;
        OpenOptions::new().append(true).open(&self.input).unwrap().write_all(text.as_bytes()).unwrap();
        let want: String = (0..self.lines).map(|n| format!("line {n}\n")).collect();
        until_some("the neighbour's lines", PATIENCE, || {
            self.worker.assert_alive();
            let got = read_lossy(&self.output);
            if got == want { Ok(()) } else { Err(format!("{} of {} lines", got.lines().count(), self.lines)) }
        });
        for name in ["good-source", &self.sink] {
            self.worker.rest.await_task(name, 0, "RUNNING");
        }
    }

    fn bad_source(&self, config: &[(&str, &str)]) {
        let topic = unique("bad");
        let mut all = vec![("connector.class", "test.MisbehavingSource"), ("topic", &topic), ("after.calls", "3")];
        all.extend(config);
        self.worker.rest.put_connector("bad", &all);
    }

    fn bad_sink(&self, config: &[(&str, &str)]) {
        let (topics, group) = (("topics", self.topic.as_str()), unique("bad"));
        let mut all = vec![("connector.class", "test.MisbehavingSink"), topics];
        all.push(("consumer.override.group.id", &group));
        all.extend(config);
        self.worker.rest.put_connector("bad", &all);
    }

    /// Waits until the connector has moved its first records, right after which it hangs.
    fn hangs(&mut self) {
        until("the bad connector to use its topic", || {
            let topics = self.worker.rest.get("/connectors/bad/topics").json();
            topics["bad"]["topics"].as_array().is_some_and(|topics| !topics.is_empty())
        });
        self.neighbour_goes_on();
    }

    /// The connector fails, says where, and the log says so too.
    fn fails_with(&mut self, message: &str) {
        let status = self.worker.rest.await_task("bad", 0, "FAILED");
        let trace = status["tasks"][0]["trace"].as_str().unwrap();
        assert!(trace.contains(message), "the trace does not say {message:?}: {trace}");
        assert!(self.worker.log().contains(message), "the log does not say {message:?}");
        self.neighbour_goes_on();
    }

    /// A stop or a deletion is answered in time although a thread hangs; the log names the task that was given up.
    fn is_given_up_by(&mut self, method: &str, path: &str) {
        let begun = Instant::now();
        let answer = self.worker.rest.call(method, path, &[], None).unwrap();
        assert!((200..300).contains(&answer.status), "{answer:?}");
        assert!(begun.elapsed() < REST_LIMIT, "{method} {path} took {:?}", begun.elapsed());
        until("the log to name the task that was given up", || {
            let log = self.worker.log();
            log.lines().any(|l| l.contains("Graceful stop of task") && l.contains("bad-0"))
        });
        self.neighbour_goes_on();
    }

    /// A stop of the worker is not held up by a plugin that hangs.
    fn ends_in_time(mut self) {
        let begun = Instant::now();
        self.worker.terminate();
        assert!(begun.elapsed() < REST_LIMIT, "the worker took {:?} to stop", begun.elapsed());
    }
}

#[test]
fn panic_in_start() {
    let Some(mut house) = House::with(&["misbehaving"]) else { return };
    house.bad_source(&[("panic.in", "start"), ("after.calls", "0")]);
    house.fails_with("told to panic in start");
}

#[test]
fn panic_in_poll() {
    let Some(mut house) = House::with(&["misbehaving"]) else { return };
    house.bad_source(&[("panic.in", "poll")]);
    house.fails_with("told to panic in poll");
    // A failed task can be started again, and fails again.
    assert_eq!(house.worker.rest.post("/connectors/bad/tasks/0/restart", None).status, 204);
    house.fails_with("told to panic in poll");
    assert_eq!(house.worker.rest.delete("/connectors/bad").status, 204);
    house.ends_in_time();
}

#[test]
fn panic_in_put() {
    let Some(mut house) = House::with(&["misbehaving"]) else { return };
    house.bad_sink(&[("panic.in", "put")]);
    house.fails_with("told to panic in put");
}

#[test]
fn panic_in_flush() {
    let Some(mut house) = House::with(&["misbehaving"]) else { return };
    house.bad_sink(&[("panic.in", "flush")]);
    house.fails_with("told to panic in flush");
}

#[test]
fn panic_in_stop_and_in_drop() {
    for method in ["stop", "drop"] {
        let Some(mut house) = House::with(&["misbehaving"]) else { return };
        house.bad_source(&[("panic.in", method), ("after.calls", "0")]);
        house.worker.rest.await_task("bad", 0, "RUNNING");
        assert_eq!(house.worker.rest.delete("/connectors/bad").status, 204);
        until("the log to tell of the panic", || house.worker.log().contains(&format!("told to panic in {method}")));
        house.neighbour_goes_on();
        house.ends_in_time();
    }
}

#[test]
fn hang_in_poll() {
    let Some(mut house) = House::with(&["misbehaving"]) else { return };
    house.bad_source(&[("hang.in", "poll"), ("after.calls", "1")]);
    house.worker.rest.await_task("bad", 0, "RUNNING");
    house.hangs();
    house.is_given_up_by("DELETE", "/connectors/bad");
    house.ends_in_time();
}

#[test]
fn hang_in_put() {
    let Some(mut house) = House::with(&["misbehaving"]) else { return };
    house.bad_sink(&[("hang.in", "put")]);
    house.worker.rest.await_task("bad", 0, "RUNNING");
    house.hangs();
    house.is_given_up_by("PUT", "/connectors/bad/stop");
    house.ends_in_time();
}

#[test]
fn hang_in_stop() {
    let Some(mut house) = House::with(&["misbehaving"]) else { return };
    house.bad_source(&[("hang.in", "stop"), ("after.calls", "0")]);
    house.worker.rest.await_task("bad", 0, "RUNNING");
    house.is_given_up_by("DELETE", "/connectors/bad");
    house.ends_in_time();
}

/// The worker itself is stopped while a plugin hangs.
#[test]
fn hang_while_the_worker_stops() {
    let Some(mut house) = House::with(&["misbehaving"]) else { return };
    house.bad_source(&[("hang.in", "poll"), ("after.calls", "1")]);
    house.worker.rest.await_task("bad", 0, "RUNNING");
    house.hangs();
    house.ends_in_time();
}

#[test]
fn a_leaked_thread() {
    let Some(mut house) = House::with(&["misbehaving"]) else { return };
    house.bad_source(&[("leak.thread", "true"), ("after.calls", "0")]);
    house.worker.rest.await_task("bad", 0, "RUNNING");
    house.neighbour_goes_on();
    assert_eq!(house.worker.rest.delete("/connectors/bad").status, 204);
    house.neighbour_goes_on();
    house.ends_in_time();
}

/// Bad files beside the good ones: each is named in the log, none stops the worker.
#[test]
fn bad_files_in_the_plugin_path() {
    let text = library_file("text");
    let house = House::prepared(&["misbehaving", "abort_in_constructor", "no_symbol"], |setup| {
        fs::write(setup.path("fixtures").join(&text), "not a library").unwrap();
    });
    let Some(mut house) = house else { return };
    house.bad_source(&[]);
    house.worker.rest.await_task("bad", 0, "RUNNING");
    house.neighbour_goes_on();
    let log = house.worker.log();
    for bad in ["abort_in_constructor", "no_symbol", &text] {
        let named = log.lines().any(|l| (l.contains("WARN") || l.contains("ERROR")) && l.contains(bad));
        assert!(named, "the log does not name {bad}:\n{log}");
    }
    house.ends_in_time();
}
