//! The measured runs.

use crate::arrival::{Arrival, Watch};
use crate::border::{self, Border};
use crate::format::Format;
use crate::subject::{Side, Who};
use crate::{Options, usage};
use ferroconnect_e2e::kafka::Kafka;
use ferroconnect_e2e::unique;
use ferroconnect_e2e::wait::until_some;
use ferroconnect_e2e::worker::{Subject, Worker, WorkerSetup};
use serde_json::Value;
use std::cell::Cell;
use std::fs::File;
use std::io::{BufRead as _, BufReader, BufWriter, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// No run may take longer; the slowest subject needs about half a minute for the default input.
const PATIENCE: Duration = Duration::from_secs(600);
/// How often the destination is looked at.
const LOOK: Duration = Duration::from_millis(2);

/// One measured run.
#[derive(Debug, Clone)]
pub(crate) struct Run {
    /// Who ran.
    pub(crate) who: Who,
    /// At what speed, and at what price.
    pub(crate) arrival: Arrival,
}

/// One measured start of an idle worker.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Start {
    /// Whose worker.
    pub(crate) subject: Subject,
    /// Milliseconds from the start of the process to the first good answer to `GET /`.
    pub(crate) milliseconds: f64,
    /// Resident memory once it has come to rest, megabytes.
    pub(crate) idle: f64,
}

/// Everything that was measured.
#[derive(Debug, Default)]
pub(crate) struct Results {
    /// File to topic.
    pub(crate) source: Vec<Run>,
    /// Topic to file.
    pub(crate) sink: Vec<Run>,
    /// Starts of idle workers.
    pub(crate) starts: Vec<Start>,
    /// The plugin border; none where our worker is left out.
    pub(crate) border: Option<Border>,
}

struct Bench<'a> {
    options: &'a Options,
    kafka: &'a Kafka,
    dir: TempDir,
}

/// Measures everyone, in turns.
pub(crate) fn all(options: &Options) -> Results {
    let kafka = Kafka::at(&options.bootstrap);
    let dir = tempfile::Builder::new().prefix("ferroconnect-bench-").tempdir().expect("a temporary folder can be made");
    let bench = Bench { options, kafka: &kafka, dir };
    write_lines(&bench.input(), options.lines);
    write_lines(&bench.warm_up(), options.lines / 10);
    let mut results = Results::default();
    // These do not depend on the records, so they are measured with one kind of them.
    if options.format == Format::String {
        results.starts = bench.starts();
        results.border = (!options.without_ours).then(border::measure);
    }
    // The raw loops send what a file holds, not what a connector makes up.
    let raw: &[Who] = if options.format.is_text() { &[Who::Raw, Who::RawIdempotent] } else { &[] };
    for round in 1..=options.rounds {
        for who in bench.competitors(raw) {
            results.source.push(noted(round, "source", bench.source(who)));
        }
    }
    let topic = bench.fill_topic();
    for round in 1..=options.rounds {
        for who in bench.competitors(&[Who::Raw]) {
            results.sink.push(noted(round, "sink", bench.sink(who, &topic)));
        }
    }
    kafka.delete_topic(&topic);
    results
}

fn noted(round: usize, what: &str, run: Run) -> Run {
    eprintln!(
        "round {round}, {what}, {}: {:.0} records/s, {:.2} CPU s, {:.0} MB",
        run.who.name(),
        run.arrival.rate,
        run.arrival.cpu,
        run.arrival.peak
    );
    run
}

/// Numbered lines of 99 bytes.
fn write_lines(path: &Path, lines: u64) {
    let mut file = BufWriter::new(File::create(path).expect("the temporary folder can be written to"));
    for n in 0..lines {
        writeln!(file, "{n:012} {:a<86}", "the quick brown fox jumps over the lazy dog ")
            .expect("there is room for the input");
    }
    file.flush().expect("there is room for the input");
}

impl Bench<'_> {
    fn input(&self) -> std::path::PathBuf {
        self.dir.path().join("input.txt")
    }

    fn warm_up(&self) -> std::path::PathBuf {
        self.dir.path().join("warm-up.txt")
    }

    fn competitors(&self, raw: &[Who]) -> Vec<Who> {
        let (ours, java) = (!self.options.without_ours, !self.options.without_java);
        let mut all = Vec::new();
        all.extend(ours.then_some(Who::Ours(Side::A)));
        all.extend(java.then_some(Who::Java(Side::A)));
        all.extend(raw);
        all.extend(if ours { Some(Who::Ours(Side::B)) } else { java.then_some(Who::Java(Side::B)) });
        all
    }

    fn setup(&self, subject: Subject) -> WorkerSetup {
        let mut setup = WorkerSetup::new(subject, self.kafka);
        for (key, value) in self.options.format.settings() {
            setup.set(key, value);
        }
        setup.set("offset.flush.interval.ms", "10000").unset("plugin.discovery"); // as a user's worker file has it
        setup
    }

    /// File → topic.
    fn source(&self, who: Who) -> Run {
        let topic = unique("bench-source");
        self.kafka.create_topic(&topic, 1);
        let watch = self.kafka.watch(&topic);
        let count = || watch.count();
        let mut warm_up = None;
        let run = match who.worker() {
            Some(subject) => {
                let mut setup = self.setup(subject);
                let worker = setup.start();
                warm_up = Some(self.warm_source(&worker));
                let config = self.options.format.source(&topic, text(&self.input()), self.options.lines);
                measure(who, worker.id(), self.options.lines, count, || put(&worker, "measured", &config))
            }
            None => self.raw_source(who, &topic, count),
        };
        self.kafka.delete_topic(&topic);
        warm_up.iter().for_each(|topic| self.kafka.delete_topic(topic));
        run
    }

    /// Lets just-in-time compilers and caches come to rest, in the same process. Gives the topic, to be deleted
    /// when the worker has ended: a client that still asks for it would have it created again.
    fn warm_source(&self, worker: &Worker) -> String {
        let topic = unique("bench-warm");
        self.kafka.create_topic(&topic, 1);
        let config = self.options.format.source(&topic, text(&self.warm_up()), self.options.lines / 10);
        put(worker, "warm-up", &config);
        let watch = self.kafka.watch(&topic);
        await_count(self.options.lines / 10, || watch.count());
        worker.rest.delete("/connectors/warm-up");
        topic
    }

    fn raw_source(&self, who: Who, topic: &str, count: impl Fn() -> u64) -> Run {
        let mut command = self.raw_producer(topic, &self.input());
        if who == Who::RawIdempotent {
            command.arg("--idempotent");
        }
        let mut child = command.spawn().expect("this program can start itself");
        let run = measure(who, child.id(), self.options.lines, count, || ());
        assert!(child.wait().expect("the child can be waited for").success(), "the raw producer failed");
        run
    }

    fn raw_producer(&self, topic: &str, file: &Path) -> Command {
        let mut command = own_command("raw-produce");
        command.args(["--bootstrap", &self.options.bootstrap, "--topic", topic, "--file"]).arg(file);
        command.args(["--format", self.options.format.name()]);
        command
    }

    /// Writes the input into a topic for the sinks.
    fn fill_topic(&self) -> String {
        let topic = unique("bench-sink");
        self.kafka.create_topic(&topic, 1);
        let watch = self.kafka.watch(&topic);
        self.raw_source(Who::Raw, &topic, || watch.count());
        topic
    }

    /// Topic → file.
    fn sink(&self, who: Who, topic: &str) -> Run {
        let Some(subject) = who.worker() else { return self.raw_sink(who, topic) };
        let mut setup = self.setup(subject);
        setup.set("consumer.auto.offset.reset", "earliest");
        let worker = setup.start();
        let warm_up = self.warm_sink(&setup, &worker);
        let output = setup.path("output.txt");
        let name = unique("measured");
        let config = self.options.format.sink(topic, text(&output));
        let run = measure(who, worker.id(), self.options.lines, lines_of(&output), || put(&worker, &name, &config));
        drop(worker);
        self.kafka.delete_topic(&warm_up);
        run
    }

    fn warm_sink(&self, setup: &WorkerSetup, worker: &Worker) -> String {
        let topic = unique("bench-warm");
        self.kafka.create_topic(&topic, 1);
        let mut command = self.raw_producer(&topic, &self.warm_up());
        assert!(command.status().expect("this program can start itself").success(), "the raw producer failed");
        let output = setup.path("warm-up-output.txt");
        let name = unique("warm-up");
        put(worker, &name, &self.options.format.sink(&topic, text(&output)));
        await_count(self.options.lines / 10, lines_of(&output));
        worker.rest.delete(&format!("/connectors/{name}"));
        topic
    }

    fn raw_sink(&self, who: Who, topic: &str) -> Run {
        let records = self.options.lines.to_string();
        let mut command = own_command("raw-consume");
        command.args(["--bootstrap", &self.options.bootstrap, "--topic", topic, "--records", &records]);
        let output = command.stdout(Stdio::piped()).output().expect("this program can start itself");
        assert!(output.status.success(), "the raw consumer failed");
        let said: Value = serde_json::from_slice(&output.stdout).expect("the raw consumer prints JSON");
        let number = |name: &str| said[name].as_f64().expect("the raw consumer prints numbers");
        let rate = number("records") / number("seconds");
        Run { who, arrival: Arrival { rate, cpu: number("cpu"), peak: number("peak") } }
    }

    fn starts(&self) -> Vec<Start> {
        let mut starts = Vec::new();
        for _ in 0..self.options.rounds.max(3) {
            starts.extend((!self.options.without_ours).then(|| self.one_start(Subject::Ferroconnect)));
        }
        for _ in 0..self.options.rounds {
            starts.extend((!self.options.without_java).then(|| self.one_start(Subject::Java)));
        }
        starts
    }

    fn one_start(&self, subject: Subject) -> Start {
        let mut setup = self.setup(subject);
        let begun = Instant::now();
        let mut worker = setup.spawn();
        while worker.rest.call("GET", "/", &[], None).map_or(0, |a| a.status) != 200 {
            worker.assert_alive();
            assert!(begun.elapsed() < PATIENCE, "the worker does not answer");
            std::thread::sleep(Duration::from_millis(1));
        }
        let milliseconds = begun.elapsed().as_secs_f64() * 1e3;
        worker.await_ready();
        let start = Start { subject, milliseconds, idle: resident_at_rest(worker.id()) };
        eprintln!("start of {subject:?}: {milliseconds:.0} ms, idle {:.1} MB", start.idle);
        start
    }
}

/// Resident memory once it has moved by less than a megabyte for three seconds.
fn resident_at_rest(pid: u32) -> f64 {
    let mut reference = usage::of(pid).resident;
    let mut since = Instant::now();
    while since.elapsed() < Duration::from_secs(3) {
        std::thread::sleep(Duration::from_millis(100));
        let now = usage::of(pid).resident;
        if (now - reference).abs() > 1.0 {
            (reference, since) = (now, Instant::now());
        }
    }
    usage::of(pid).resident
}

fn text(path: &Path) -> &str {
    path.to_str().expect("temporary folders have UTF-8 paths")
}

fn put(worker: &Worker, name: &str, config: &[(&str, String)]) {
    let config: Vec<(&str, &str)> = config.iter().map(|(key, value)| (*key, value.as_str())).collect();
    worker.rest.put_connector(name, &config);
}

/// Counts the lines of a growing file whose lines are all as long as the first.
fn lines_of(path: &Path) -> impl Fn() -> u64 {
    let length = Cell::new(None);
    move || {
        if length.get().is_none() {
            let mut first = Vec::new();
            let read = File::open(path).and_then(|file| BufReader::new(file).read_until(b'\n', &mut first));
            length.set(read.ok().filter(|_| first.ends_with(b"\n")).map(|bytes| bytes as u64));
        }
        length.get().map_or(0, |length| std::fs::metadata(path).map_or(0, |file| file.len()) / length)
    }
}

fn own_command(subcommand: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("a program knows its own path"));
    command.arg(subcommand).stdin(Stdio::null());
    command
}

fn await_count(want: u64, count: impl Fn() -> u64) {
    until_some("the warm-up", PATIENCE, || match count() {
        n if n >= want => Ok(()),
        n => Err(format!("{n} of {want} records")),
    });
}

/// Begins, and watches the destination until all records have arrived.
fn measure(who: Who, pid: u32, records: u64, count: impl Fn() -> u64, begin: impl FnOnce()) -> Run {
    let watch = Watch { pid, records, look: LOOK, patience: PATIENCE };
    Run { who, arrival: watch.until_all(count, begin) }
}
