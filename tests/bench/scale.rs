//! Many connectors on one worker: how long calls take, how much memory and CPU, how long a start takes.

mod load;
mod report;

use crate::usage;
use clap::Args;
use ferroconnect_e2e::kafka::Kafka;
use ferroconnect_e2e::rest::{Answer, RestClient};
use ferroconnect_e2e::unique;
use ferroconnect_e2e::wait::until_some;
use ferroconnect_e2e::worker::{Subject, Worker, WorkerSetup};
use load::Load;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::time::{Duration, Instant};

pub(crate) use report::markdown;

/// How long anything may take; the Java worker needs minutes for a thousand tasks.
const PATIENCE: Duration = Duration::from_secs(900);
/// Connectors that the first figures are taken with.
const FEW: u32 = 10;
/// How often one connector is created and deleted, and connectors are listed.
const REPEATS: usize = 40;
const LISTINGS: usize = 300;
/// How long CPU at rest is measured.
const REST: Duration = Duration::from_secs(10);
const LISTING: &str = "/connectors?expand=status&expand=info";

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Broker to use, host:port.
    #[arg(long)]
    pub(crate) bootstrap: String,
    /// Number of connectors.
    #[arg(long, default_value_t = 300)]
    pub(crate) connectors: u32,
    /// Number of their tasks in all.
    #[arg(long, default_value_t = 1_000)]
    pub(crate) tasks: u32,
    /// Number of connector files that a worker starts with, one task each.
    #[arg(long, default_value_t = 200)]
    pub(crate) files: u32,
    /// Seconds of steady requests.
    #[arg(long, default_value_t = 60)]
    pub(crate) seconds: u32,
    /// Requests a second meanwhile.
    #[arg(long, default_value_t = 1_000)]
    pub(crate) requests: u32,
    /// Records a second that each task gives.
    #[arg(long, default_value_t = 0)]
    pub(crate) rate: u32,
    /// Leave our worker out.
    #[arg(long)]
    pub(crate) without_ours: bool,
    /// Leave the Java worker out.
    #[arg(long)]
    pub(crate) without_java: bool,
    /// Put the table into this Markdown file, between its `bench` markers.
    #[arg(long)]
    pub(crate) write: Option<PathBuf>,
}

/// What one worker showed.
pub(crate) struct Figures {
    subject: Subject,
    /// From the start of the process until all connectors of its files have a running task.
    start: Duration,
    /// Creating and deleting one connector beside few others, and beside all; one value each time.
    beside_few: Changes,
    beside_all: Changes,
    /// From the first request until all tasks run.
    growth: Duration,
    /// Resident megabytes with all tasks at work.
    resident: f64,
    /// Processor time a second with all tasks at work.
    cpu: f64,
    /// How long one listing of all connectors took, each time.
    listings: Vec<Duration>,
    load: Load,
}

/// Times of creating and deleting a connector.
#[derive(Default)]
struct Changes {
    create: Vec<Duration>,
    delete: Vec<Duration>,
}

/// Measures both workers, one after the other.
pub(crate) fn all(options: &Options) -> Vec<Figures> {
    let subjects = [(Subject::Ferroconnect, options.without_ours), (Subject::Java, options.without_java)];
    let subjects = subjects.into_iter().filter(|(_, left_out)| !left_out).map(|(subject, _)| subject);
    subjects.map(|subject| Scale::new(options, subject).measure()).collect()
}

struct Scale<'a> {
    options: &'a Options,
    subject: Subject,
    kafka: Kafka,
    topic: String,
}

impl<'a> Scale<'a> {
    fn new(options: &'a Options, subject: Subject) -> Self {
        let kafka = Kafka::at(&options.bootstrap);
        let topic = unique("bench-scale");
        kafka.create_topic(&topic, 1);
        Self { options, subject, kafka, topic }
    }

    fn measure(&self) -> Figures {
        let start = self.start_with_files();
        said(self.subject, &format!("start with {} files: {start:.1?}", self.options.files));
        let mut setup = self.setup();
        let worker = setup.start();
        for number in 0..FEW {
            self.create(&worker.rest, number);
        }
        await_tasks(&worker, (0..FEW).map(|number| self.tasks_of(number)).sum());
        let beside_few = self.changes(&worker.rest);
        let begun = Instant::now();
        for number in FEW..self.options.connectors {
            self.create(&worker.rest, number);
        }
        await_tasks(&worker, self.options.tasks);
        let growth = begun.elapsed();
        said(self.subject, &format!("{} tasks run after {growth:.1?}", self.options.tasks));
        let beside_all = self.changes(&worker.rest);
        let listings = (0..LISTINGS).map(|_| timed(|| worker.rest.get(LISTING), 200)).collect();
        let load = load::run(self.options, &worker.rest.base);
        said(self.subject, &format!("{} requests, {} failed", load.times.len(), load.failed.len()));
        let (before, begun) = (usage::of(worker.id()), Instant::now());
        std::thread::sleep(REST); // what is measured is the worker left alone
        let after = usage::of(worker.id());
        let cpu = (after.cpu - before.cpu) / begun.elapsed().as_secs_f64();
        await_tasks(&worker, self.options.tasks);
        drop(worker);
        self.kafka.delete_topic(&self.topic);
        let resident = after.resident;
        Figures { subject: self.subject, start, beside_few, beside_all, growth, resident, cpu, listings, load }
    }

    fn setup(&self) -> WorkerSetup {
        let mut setup = WorkerSetup::new(self.subject, &self.kafka);
        setup.unset("offset.flush.interval.ms");
        setup
    }

    fn start_with_files(&self) -> Duration {
        let mut setup = self.setup();
        for number in 0..self.options.files {
            let config = self.config(1);
            let config: Vec<(&str, &str)> = config.iter().map(|(key, value)| (*key, value.as_str())).collect();
            setup.connector(&name(number), &config);
        }
        let begun = Instant::now();
        let mut worker = setup.spawn();
        until_some("the worker to be ready", PATIENCE, || {
            worker.assert_alive();
            let answer = worker.rest.call("GET", "/health", &[], None)?;
            if answer.status == 200 { Ok(()) } else { Err(answer.text) }
        });
        await_tasks(&worker, self.options.files);
        begun.elapsed()
    }

    /// A source with so many tasks.
    fn config(&self, tasks: u32) -> Vec<(&'static str, String)> {
        vec![
            ("connector.class", "org.apache.kafka.connect.tools.VerifiableSourceConnector".to_owned()),
            ("tasks.max", tasks.to_string()),
            ("topic", self.topic.clone()),
            ("throughput", self.options.rate.to_string()),
        ]
    }

    /// Tasks of connector `number`: as equal as can be, the sum is that of the options.
    fn tasks_of(&self, number: u32) -> u32 {
        let (tasks, connectors) = (self.options.tasks, self.options.connectors);
        tasks / connectors + u32::from(number < tasks % connectors)
    }

    fn create(&self, rest: &RestClient, number: u32) {
        post(rest, &name(number), self.config(self.tasks_of(number)));
    }

    /// A source that comes and goes. It waits for lines, and stops at once in either worker; the task of a
    /// VerifiableSource without throughput would keep a Java worker waiting for five seconds each time.
    fn passing(&self) -> Vec<(&'static str, String)> {
        vec![
            ("connector.class", "org.apache.kafka.connect.file.FileStreamSourceConnector".to_owned()),
            ("topic", self.topic.clone()),
            ("file", "/dev/null".to_owned()),
        ]
    }

    /// Creates and deletes one connector of one task again and again.
    fn changes(&self, rest: &RestClient) -> Changes {
        let mut changes = Changes::default();
        for _ in 0..REPEATS {
            changes.create.push(post(rest, "one-more", self.passing()));
            rest.await_task("one-more", 0, "RUNNING");
            changes.delete.push(timed(|| rest.delete("/connectors/one-more"), 204));
        }
        changes
    }
}

/// Creates a connector; how long that took.
fn post(rest: &RestClient, name: &str, config: Vec<(&'static str, String)>) -> Duration {
    let config: serde_json::Map<String, Value> =
        config.into_iter().map(|(key, value)| (key.to_owned(), value.into())).collect();
    timed(|| rest.post("/connectors", Some(&json!({"name": name, "config": config}))), 201)
}

fn name(number: u32) -> String {
    format!("scale-{number:04}")
}

/// How long a request took that is to be answered with `status`.
fn timed(request: impl FnOnce() -> Answer, status: u16) -> Duration {
    let begun = Instant::now();
    let answer = request();
    let time = begun.elapsed();
    assert_eq!(answer.status, status, "{}", answer.text);
    time
}

/// Waits until exactly so many tasks run, and no other is there.
fn await_tasks(worker: &Worker, wanted: u32) {
    until_some("all tasks to run", PATIENCE, || {
        let answer = worker.rest.get(LISTING);
        let connectors: serde_json::Map<String, Value> =
            serde_json::from_str(&answer.text).map_err(|_| answer.text.clone())?;
        let tasks = connectors.values().flat_map(|c| c["status"]["tasks"].as_array().into_iter().flatten());
        let states: Vec<&str> = tasks.filter_map(|task| task["state"].as_str()).collect();
        let running = states.iter().filter(|state| **state == "RUNNING").count();
        if running == wanted as usize && states.len() == running {
            return Ok(());
        }
        Err(format!("{running} of {} run, {wanted} are wanted", states.len()))
    });
}

fn said(subject: Subject, what: &str) {
    eprintln!("{subject:?}: {what}");
}
