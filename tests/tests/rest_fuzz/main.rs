//! Thousands of requests made from the description of the REST API, sensible and broken ones, against a real worker. It
//! stays up, answers each one in time and as described, tells no secret and no path of its machine, and the connectors
//! that are not addressed go on.
//!
//! `FERROCONNECT_FUZZ_SECONDS` says for how long (default 45), `FERROCONNECT_FUZZ_SEED` with which choices;
//! `scripts/fuzz.sh` runs it for long. Kafka Connect answers many of these with errors of its own making, so there is no
//! control.
#![allow(clippy::unwrap_used, reason = "a test ends at the first surprise")]

mod requests;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use ferroconnect_e2e::kafka::Kafka;
use ferroconnect_e2e::openapi::Document;
use ferroconnect_e2e::process::read_lossy;
use ferroconnect_e2e::random::Random;
use ferroconnect_e2e::wait::{until, until_some};
use ferroconnect_e2e::wire::{WireAnswer, exchange};
use ferroconnect_e2e::worker::{Subject, Worker, WorkerSetup};
use ferroconnect_e2e::{repository, unique};
use requests::{FuzzRequest, Requests};

const SECRET: &str = "hush-fuzz-5d1e0c";

/// Time in which every request is answered, on a busy machine too.
const PATIENCE: Duration = Duration::from_secs(40);

const CLIENTS: usize = 4;

/// Problems after which a client stops.
const ENOUGH_PROBLEMS: usize = 5;

/// What may be answered with 500, because Kafka Connect's standalone worker, asked the same, answers 500 too.
const FAILURES_OF_KAFKA_CONNECT: [&str; 11] = [
    // PUT /connectors/X/stop
    "No connector `",
    // POST /connectors/X/tasks, PUT /connectors/X/fence
    "Kafka Connect in standalone mode does not support ",
    // PUT /connector-plugins/P/config/validate without a class, or with one that there is not
    "org.apache.kafka.connect.runtime.rest.errors.BadRequestException: ",
    // PUT /connectors/X/config with null for a key that the start needs; the words are others there
    "Missing required configuration \\\"topic\\\" which has no default value.",
    // PATCH and DELETE /connectors/X/offsets of a file source that reads standard input
    "Offsets cannot be modified if the 'file' configuration is unspecified.",
    // PATCH of one that reads a file, with what is no position in one
    "Partition objects ",
    "Offset objects should either be null or contain the key 'position'",
    "The value for the 'position' key in the offset ",
    // PATCH /connectors/X/offsets with values that are no offsets, or while another client resumes the connector
    "Offsets may only contain primitive types as values, but field ",
    "Failed to alter consumer group offsets for connector ",
    // DELETE /connectors/X/offsets in the same case
    "Failed to reset consumer group offsets for connector ",
];

fn from_environment(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{name}={text} is no number")))
}

/// What must not be in any answer.
struct Forbidden(Vec<String>);

impl Forbidden {
    fn new(worker: &Path) -> Self {
        let paths = [worker, repository()].map(|path| path.to_str().unwrap().to_owned());
        let panics = ["panicked at", "RUST_BACKTRACE", ".rs:", "/rustc/", ".cargo/"].map(str::to_owned);
        Self([SECRET.to_owned()].into_iter().chain(paths).chain(panics).collect())
    }

    fn found_in(&self, text: &str) -> Option<&str> {
        // Kafka Connect tells where plugins are, too.
        let without_locations =
            text.split("location='").map(|part| part.split_once('\'').map_or(part, |(_, rest)| rest));
        let text: String = match text.contains("location='") {
            true => without_locations.collect(),
            false => text.to_owned(),
        };
        self.0.iter().map(String::as_str).find(|forbidden| text.contains(forbidden))
    }
}

/// Sends one request and looks at the answer; gives its status. The error says what is wrong with it.
fn judge(port: u16, document: &Document, forbidden: &Forbidden, request: &FuzzRequest<'_>) -> Result<u16, String> {
    let answer = exchange(port, &request.bytes, PATIENCE)?;
    if let Some(found) = forbidden.found_in(&answer.text) {
        return Err(format!("{found} is in the answer: {answer:?}"));
    }
    let Some(status) = answer.status else { return Err("no answer".to_owned()) };
    let as_in_kafka_connect = || FAILURES_OF_KAFKA_CONNECT.iter().any(|text| answer.body().contains(text));
    if status >= 500 && !as_in_kafka_connect() {
        return Err(format!("a failure: {answer:?}"));
    }
    if let Some(operation) = request.operation.filter(|_| !is_of_http(status, &answer)) {
        document.judge(&operation, status, &answer).map_err(|problem| format!("{problem}: {answer:?}"))?;
    }
    Ok(status)
}

/// Refused before there was a request: bytes that are not HTTP, headers that are too long.
fn is_of_http(status: u16, answer: &WireAnswer) -> bool {
    matches!(status, 400 | 414 | 431) && answer.body().is_empty()
}

/// What came of a client's requests.
#[derive(Default)]
struct Outcome {
    sent: usize,
    problems: Vec<String>,
    /// Operations that did what they are for, at least once.
    done: BTreeSet<(&'static str, String)>,
}

/// Sends requests until the time is up, or there are problems enough to look at.
fn client(port: u16, document: &Document, mut requests: Requests<'_>, forbidden: &Forbidden, end: Instant) -> Outcome {
    let mut outcome = Outcome::default();
    while Instant::now() < end && outcome.problems.len() < ENOUGH_PROBLEMS {
        let request = requests.make();
        match (judge(port, document, forbidden, &request), request.operation) {
            (Ok(..400), Some(operation)) => {
                outcome.done.insert((operation.method, operation.path.to_owned()));
            }
            (Ok(_), _) => {}
            (Err(problem), _) => {
                let text: String = String::from_utf8_lossy(&request.bytes).chars().take(2000).collect();
                outcome.problems.push(format!("{problem}\n    to {text:?}"));
            }
        }
        outcome.sent += 1;
    }
    outcome
}

/// Two connectors that no request names; lines of a file go through both of them.
struct Bystanders<'a> {
    dir: &'a Path,
    lines: AtomicUsize,
}

impl Bystanders<'_> {
    fn start(&self, worker: &Worker, kafka: &Kafka, topic: &str) {
        let file = |name: &str| self.dir.join(name).to_str().unwrap().to_owned();
        std::fs::write(self.dir.join("in.txt"), "first\n").unwrap();
        let secret = secret_of(self.dir);
        let source = [("connector.class", "FileStreamSource"), ("file", &file("in.txt")), ("topic", topic)];
        worker.rest.put_connector("bystander-source", &[&source[..], &[("some.secret", &secret)]].concat());
        // A sink finds a topic sooner that is there already.
        kafka.read_at_least(topic, 1);
        let sink = [("connector.class", "FileStreamSink"), ("file", &file("out.txt")), ("topics", topic)];
        // Its consumer group is its own: the members of one that was killed are waited for.
        worker.rest.put_connector(&unique("bystander-sink"), &sink);
    }

    /// A new line arrives.
    fn assert_at_work(&self) {
        use std::io::Write as _;
        let line = format!("line {}\n", self.lines.fetch_add(1, Ordering::Relaxed));
        let input = std::fs::OpenOptions::new().append(true).open(self.dir.join("in.txt"));
        input.unwrap().write_all(line.as_bytes()).unwrap();
        until("a line to pass through the bystanders", || read_lossy(&self.dir.join("out.txt")).contains(&line));
    }
}

/// Writes a secret into a file and gives the reference to it.
fn secret_of(dir: &Path) -> String {
    let path = dir.join("secrets.properties");
    std::fs::write(&path, format!("password={SECRET}\n")).unwrap();
    format!("${{file:{}:password}}", path.display())
}

fn resident_memory(worker: &Worker) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", worker.id())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1024
}

#[test]
fn no_request_harms_the_worker() {
    let seconds = from_environment("FERROCONNECT_FUZZ_SECONDS", 45);
    let seed = from_environment("FERROCONNECT_FUZZ_SEED", 2026);
    println!("FERROCONNECT_FUZZ_SEED={seed} for {seconds} s");
    let document = Document::load();
    let dir = tempfile::tempdir().unwrap();
    let (secret, topic) = (secret_of(dir.path()), unique("fuzz"));
    let kafka = Kafka::shared();
    let mut setup = WorkerSetup::new(Subject::Ferroconnect, kafka);
    setup.set("config.providers", "file");
    setup.set("config.providers.file.class", "org.apache.kafka.common.config.provider.FileConfigProvider");
    setup.set("task.shutdown.graceful.timeout.ms", "1000");
    let mut worker = setup.start();
    let bystanders = Bystanders { dir: dir.path(), lines: AtomicUsize::new(0) };
    bystanders.start(&worker, kafka, &unique("bystander"));
    bystanders.assert_at_work();

    let (port, forbidden, before) = (setup.port(), Forbidden::new(setup.dir()), resident_memory(&worker));
    let end = Instant::now() + Duration::from_secs(seconds);
    let mut seeds = Random::new(seed);
    let outcomes: Vec<Outcome> = std::thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|_| {
                let requests = Requests::new(seeds.number(), &document, &topic, &secret);
                let (document, forbidden) = (&document, &forbidden);
                scope.spawn(move || client(port, document, requests, forbidden, end))
            })
            .collect();
        while !clients.iter().all(|client| client.is_finished()) {
            bystanders.assert_at_work();
            worker.assert_alive();
            assert_eq!(worker.rest.get("/health").status, 200);
        }
        clients.into_iter().map(|client| client.join().unwrap()).collect()
    });
    let problems: Vec<&str> = outcomes.iter().flat_map(|outcome| &outcome.problems).map(String::as_str).collect();
    assert!(problems.is_empty(), "{} problems:\n{}", problems.len(), problems.join("\n"));
    let sent: usize = outcomes.iter().map(|outcome| outcome.sent).sum();
    println!("{sent} requests");
    assert!(sent as u64 > 20 * seconds, "only {sent} requests in {seconds} s");
    let done: BTreeSet<_> = outcomes.iter().flat_map(|outcome| &outcome.done).collect();
    let all = document.operations().len();
    println!("{} of {all} operations were done at least once", done.len());
    assert!(done.len() * 5 >= all * 4, "{done:?}");

    bystanders.assert_at_work();
    let log = worker.log();
    for word in [SECRET, "panicked"] {
        let line = log.lines().find(|line| line.contains(word));
        assert!(line.is_none(), "the log shows {word}: {line:?}");
    }
    for name in worker.rest.get("/connectors").json().as_array().unwrap() {
        let name = name.as_str().unwrap();
        if !name.starts_with("bystander") {
            worker.rest.delete(&format!("/connectors/{}", requests::encoded(name)));
        }
    }
    // Records may have flooded through connectors that requests made; their memory goes back when they are gone.
    until_some("the worker to be small again", PATIENCE, || {
        let grown = resident_memory(&worker).saturating_sub(before);
        if grown < 60 { Ok(()) } else { Err(format!("it grew by {grown} MiB")) }
    });
}
