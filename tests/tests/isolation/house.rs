//! A worker with good connectors, for bad ones to be put beside them.

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
pub(crate) const REST_LIMIT: Duration = Duration::from_secs(30);

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

pub(crate) fn library_file(stem: &str) -> String {
    format!("{}{stem}{}", std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX)
}

/// A worker with a well-behaved pair of connectors beside the ones that misbehave.
pub(crate) struct House {
    /// Owns the folder that everything lies in.
    setup: WorkerSetup,
    pub(crate) worker: Worker,
    pub(crate) topic: String,
    input: PathBuf,
    output: PathBuf,
    /// Of its own in each test: consumer groups are named after sinks, and this Kafka is shared.
    sink: String,
    lines: usize,
}

impl House {
    /// `None` when the control is asked for: these plugins are ours.
    pub(crate) fn with(fixtures: &[&str]) -> Option<Self> {
        Self::prepared(fixtures, |_| ())
    }

    pub(crate) fn prepared(fixtures: &[&str], prepare: impl FnOnce(&mut WorkerSetup)) -> Option<Self> {
        if Subject::from_env() == Subject::Java {
            eprintln!("skipped: the Java worker cannot load these plugins");
            return None;
        }
        let kafka = Kafka::shared();
        let mut setup = WorkerSetup::new(Subject::Ferroconnect, kafka);
        let bad = stage(&setup, fixtures);
        setup.set("plugin.path", &format!("{},{}", plugins().display(), bad.display()));
        setup.set("task.shutdown.graceful.timeout.ms", "1000");
        prepare(&mut setup);
        let (topic, input, output) = (unique("neighbour"), setup.path("in.txt"), setup.path("out.txt"));
        kafka.create_topic(&topic, 1);
        fs::write(&input, "").unwrap();
        let (from, to) = (input.to_str().unwrap(), output.to_str().unwrap());
        setup.connector("good-source", &[("connector.class", "FileStreamSource"), ("file", from), ("topic", &topic)]);
        let sink = unique("good-sink");
        setup.connector(&sink, &[("connector.class", "FileStreamSink"), ("file", to), ("topics", &topic)]);
        let worker = setup.start();
        let mut house = Self { setup, worker, topic, input, output, sink, lines: 0 };
        house.neighbour_goes_on();
        Some(house)
    }

    /// Sends more lines through the neighbour and waits until every one has come out, once and in order.
    pub(crate) fn neighbour_goes_on(&mut self) {
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

    /// A path in the worker's folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.setup.path(name)
    }

    pub(crate) fn bad_source(&self, config: &[(&str, &str)]) {
        self.source("bad", &[&[("after.calls", "3")], config].concat());
    }

    /// A source of the misbehaving kind, with a topic of its own.
    pub(crate) fn source(&self, name: &str, config: &[(&str, &str)]) {
        let topic = unique(name);
        let mut all = vec![("connector.class", "test.MisbehavingSource"), ("topic", topic.as_str())];
        all.extend(config);
        self.worker.rest.put_connector(name, &all);
    }

    pub(crate) fn bad_sink(&self, config: &[(&str, &str)]) {
        self.sink("bad", config);
    }

    /// A sink of the misbehaving kind, which reads what the neighbour writes.
    pub(crate) fn sink(&self, name: &str, config: &[(&str, &str)]) {
        let (topics, group) = (("topics", self.topic.as_str()), unique(name));
        let mut all = vec![("connector.class", "test.MisbehavingSink"), topics];
        all.push(("consumer.override.group.id", &group));
        all.extend(config);
        self.worker.rest.put_connector(name, &all);
    }

    /// Waits until the connector `bad` has moved its first records, right after which it hangs.
    pub(crate) fn hangs(&mut self) {
        self.moves_records("bad");
        self.neighbour_goes_on();
    }

    /// Waits until a connector has moved its first records.
    pub(crate) fn moves_records(&self, name: &str) {
        until("the connector to use its topic", || {
            let topics = self.worker.rest.get(&format!("/connectors/{name}/topics")).json();
            topics[name]["topics"].as_array().is_some_and(|topics| !topics.is_empty())
        });
    }

    /// The connector fails, says where, and the log says so too.
    pub(crate) fn fails_with(&mut self, message: &str) {
        let status = self.worker.rest.await_task("bad", 0, "FAILED");
        let trace = status["tasks"][0]["trace"].as_str().unwrap();
        assert!(trace.contains(message), "the trace does not say {message:?}: {trace}");
        assert!(self.worker.log().contains(message), "the log does not say {message:?}");
        self.neighbour_goes_on();
    }

    /// A stop or a deletion is answered in time although a thread hangs; the log names the task that was given up.
    pub(crate) fn is_given_up_by(&mut self, method: &str, path: &str) {
        self.gives_up("bad-0", method, path);
        self.neighbour_goes_on();
    }

    /// As [`Self::is_given_up_by`], for any task, and without a look at the neighbour.
    pub(crate) fn gives_up(&self, task: &str, method: &str, path: &str) {
        let begun = Instant::now();
        let answer = self.worker.rest.call(method, path, &[], None).unwrap();
        assert!((200..300).contains(&answer.status), "{answer:?}");
        assert!(begun.elapsed() < REST_LIMIT, "{method} {path} took {:?}", begun.elapsed());
        until("the log to name the task that was given up", || {
            let log = self.worker.log();
            log.lines().any(|l| l.contains(&format!("Graceful stop of task {task} failed")))
        });
    }

    /// A stop of the worker is not held up by a plugin that hangs.
    pub(crate) fn ends_in_time(mut self) {
        let begun = Instant::now();
        self.worker.terminate();
        assert!(begun.elapsed() < REST_LIMIT, "the worker took {:?} to stop", begun.elapsed());
    }
}
