//! The connectors of this repository beside plain loops over the same drivers, against the same servers, in turns.
//!
//! A plain loop has no Kafka: it reads all columns of all rows and drops them, or writes rows that it makes up as fast as
//! the server takes them. A sending loop brings the rows into a topic, as a source does.

mod loops;
mod report;
mod row;
mod sender;

pub(crate) use report::markdown;

use crate::arrival::{Arrival, Watch};
use clap::{Args, ValueEnum};
use ferroconnect_e2e::kafka::{Kafka, NewRecord};
use ferroconnect_e2e::redis::Redis;
use ferroconnect_e2e::worker::{Subject, Worker, WorkerSetup};
use ferroconnect_e2e::{free_port, unique};
use ferroconnect_test_registry::Registry;
use ferroconnect_test_servers::{Kind, Server};
use loops::{Database, RedisLoop};
use sender::Sender;
use std::hint::black_box;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// No run may take longer.
const PATIENCE: Duration = Duration::from_secs(1800);
/// How often the destination is looked at: seldom enough not to be in a server's way.
const LOOK: Duration = Duration::from_millis(20);
/// The table that is read, and the one that is written.
const TABLES: [&str; 2] = ["original", "copy"];

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Broker to use, host:port.
    #[arg(long)]
    bootstrap: String,
    /// Rows of each table, and records of each topic.
    #[arg(long, default_value_t = 1_000_000)]
    rows: u64,
    /// Rows of a batch, for loops and connectors.
    #[arg(long, default_value_t = 3_000)]
    batch: u64,
    /// How often everyone runs, in turns.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// What rows are in their topics.
    #[arg(long, value_enum, default_value_t = Format::Json)]
    format: Format,
    /// Only these parts.
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = Part::value_variants().to_vec())]
    parts: Vec<Part>,
    /// Put the table into this Markdown file, between its `bench` markers.
    #[arg(long)]
    pub(crate) write: Option<PathBuf>,
}

impl Options {
    /// What the table is called in a page of figures.
    pub(crate) fn name(&self) -> &'static str {
        match self.format {
            Format::Json => "connectors",
            Format::Avro => "connectors avro",
        }
    }
}

/// How rows become bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// JSON with a schema in each record.
    Json,
    /// Avro, with the schemas in a registry.
    Avro,
}

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Part {
    /// A table of MariaDB as far as the first transform, which drops all.
    MariadbRead,
    /// A table of MariaDB into a topic.
    MariadbSource,
    /// The same topic into a table of MariaDB.
    MariadbSink,
    /// A table of PostgreSQL as far as the first transform, which drops all.
    PostgresRead,
    /// A table of PostgreSQL into a topic.
    PostgresSource,
    /// The same topic into a table of PostgreSQL.
    PostgresSink,
    /// A topic into keys of Redis.
    RedisSink,
}

/// One measured run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Run {
    part: Part,
    who: Who,
}

/// Who moved the rows, and how.
#[derive(Debug, Clone, Copy)]
enum Who {
    /// A plain loop; rows a second.
    Loop(f64),
    /// A loop that sends what it reads to a topic; rows a second.
    Sender(f64),
    /// The worker.
    Worker(Arrival),
}

impl Who {
    fn plain(&self) -> Option<f64> {
        if let Who::Loop(rate) = self { Some(*rate) } else { None }
    }

    fn sender(&self) -> Option<f64> {
        if let Who::Sender(rate) = self { Some(*rate) } else { None }
    }

    fn arrival(&self) -> Option<&Arrival> {
        if let Who::Worker(arrival) = self { Some(arrival) } else { None }
    }
}

/// Measures everything.
pub(crate) fn all(options: &Options) -> Vec<Run> {
    let bench = Bench { options, kafka: Kafka::at(&options.bootstrap), registry: Registry::start() };
    let mut runs = Vec::new();
    for (kind, parts) in [
        (Kind::MariaDb, [Part::MariadbRead, Part::MariadbSource, Part::MariadbSink]),
        (Kind::Postgres, [Part::PostgresRead, Part::PostgresSource, Part::PostgresSink]),
    ] {
        if parts.iter().any(|part| options.parts.contains(part)) {
            bench.database(kind, parts, &mut runs);
        }
    }
    if options.parts.contains(&Part::RedisSink) {
        bench.redis(&mut runs);
    }
    runs
}

struct Bench<'a> {
    options: &'a Options,
    kafka: Kafka,
    registry: Registry,
}

impl Bench<'_> {
    /// How often this is measured.
    fn rounds(&self, part: Part) -> usize {
        if self.options.parts.contains(&part) { self.options.rounds } else { 0 }
    }

    /// A table into a topic, and the topic into another table.
    fn database(&self, kind: Kind, [read, source, sink]: [Part; 3], runs: &mut Vec<Run>) {
        let server = Server::start(kind);
        let mut database = Database::connect(kind, &server);
        let [original, copy] = TABLES;
        database.create(original);
        database.fill(original, self.options.rows, self.options.batch);
        let mut topic = None;
        for _ in 0..self.rounds(read).max(self.rounds(source)) {
            let mut rows = 0;
            let rate = self.timed(|| database.read_all(original, |row| rows += u64::from(black_box(row).id > 0)));
            assert_eq!(rows, self.options.rows);
            if self.rounds(read) > 0 {
                runs.push(noted(Run { part: read, who: Who::Loop(rate) }));
                runs.push(noted(self.read(read, &server)));
            }
            if self.rounds(source) > 0 {
                runs.push(noted(Run { part: source, who: Who::Loop(rate) }));
                runs.push(noted(self.sender(source, &mut database)));
                runs.push(noted(self.source(source, &server, &mut topic)));
            }
        }
        if self.rounds(sink) > 0 && topic.is_none() {
            self.source(source, &server, &mut topic);
        }
        for _ in 0..self.rounds(sink) {
            database.create(copy);
            let rate = self.timed(|| database.fill(copy, self.options.rows, self.options.batch));
            runs.push(noted(Run { part: sink, who: Who::Loop(rate) }));
            database.create(copy);
            let topic = topic.as_ref().expect("a source has filled it");
            runs.push(noted(self.database_sink(sink, &server, topic, &mut database)));
            assert_eq!(database.count(copy), self.options.rows, "rows of {topic} in {copy}");
        }
        topic.iter().for_each(|topic| self.kafka.delete_topic(topic));
    }

    /// A table as far as the worker's first transform: the connector without converter and Kafka.
    fn read(&self, part: Part, server: &Server) -> Run {
        let worker = self.worker();
        let prefix = unique("bench-");
        let mut config = self.source_config(server, &prefix);
        config.push(("transforms", "drop".to_owned()));
        config.push(("transforms.drop.type", "org.apache.kafka.connect.transforms.Filter".to_owned()));
        self.measure(part, &worker, || polled(&worker), &config)
    }

    /// A table into a topic by a loop. It has arrived when the broker has acknowledged the last row.
    fn sender(&self, part: Part, database: &mut Database) -> Run {
        let topic = unique("bench-loop");
        self.kafka.create_topic(&topic, 1);
        let mut sender = Sender::new(&self.options.bootstrap, &topic, self.options.format);
        let rate = self.timed(|| {
            database.read_all(TABLES[0], |row| sender.send(&row));
            sender.finish();
        });
        assert_eq!(self.kafka.watch(&topic).count(), self.options.rows, "rows in {topic}");
        self.kafka.delete_topic(&topic);
        Run { part, who: Who::Sender(rate) }
    }

    /// Tells the topic that it has filled, in the place of the one before.
    fn source(&self, part: Part, server: &Server, topic: &mut Option<String>) -> Run {
        let prefix = unique("bench-");
        let name = format!("{prefix}{}", TABLES[0]);
        self.kafka.create_topic(&name, 1);
        let watch = self.kafka.watch(&name);
        let worker = self.worker();
        let run = self.measure(part, &worker, || watch.count(), &self.source_config(server, &prefix));
        drop(worker);
        if let Some(old) = topic.replace(name) {
            self.kafka.delete_topic(&old);
        }
        run
    }

    fn source_config(&self, server: &Server, prefix: &str) -> Vec<(&'static str, String)> {
        vec![
            ("connector.class", "JdbcSource".to_owned()),
            ("connection.url", server.url(server.database())),
            ("mode", "bulk".to_owned()),
            ("table.whitelist", TABLES[0].to_owned()),
            ("poll.interval.ms", "86400000".to_owned()),
            ("batch.max.rows", self.options.batch.to_string()),
            ("topic.prefix", prefix.to_owned()),
        ]
    }

    fn database_sink(&self, part: Part, server: &Server, topic: &str, database: &mut Database) -> Run {
        let worker = self.worker();
        let config = [
            ("connector.class", "JdbcSink".to_owned()),
            ("connection.url", server.url(server.database())),
            ("topics", topic.to_owned()),
            ("table.name.format", TABLES[1].to_owned()),
            ("batch.size", self.options.batch.to_string()),
        ];
        self.measure(part, &worker, || database.highest(TABLES[1]), &config)
    }

    fn redis(&self, runs: &mut Vec<Run>) {
        let topic = unique("bench-redis");
        self.kafka.create_topic(&topic, 1);
        let records = (1..=self.options.rows).map(|n| {
            let (key, value) = row::entry(n);
            NewRecord { key: Some(key.into_bytes()), ..NewRecord::of(value) }
        });
        self.kafka.write_records(&topic, 0, records);
        for _ in 0..self.options.rounds {
            let server = Redis::start(free_port());
            let mut client = RedisLoop::connect(server.port());
            let rate = self.timed(|| client.fill(self.options.rows, self.options.batch));
            runs.push(noted(Run { part: Part::RedisSink, who: Who::Loop(rate) }));
            client.empty();
            let bytes = "org.apache.kafka.connect.converters.ByteArrayConverter".to_owned();
            let config = [
                ("connector.class", "com.github.jcustenborder.kafka.connect.redis.RedisSinkConnector".to_owned()),
                ("redis.hosts", format!("127.0.0.1:{}", server.port())),
                ("redis.database", "0".to_owned()),
                ("topics", topic.clone()),
                ("key.converter", bytes.clone()),
                ("value.converter", bytes),
            ];
            runs.push(noted(self.measure(Part::RedisSink, &self.worker(), || client.keys(), &config)));
        }
        self.kafka.delete_topic(&topic);
    }

    fn worker(&self) -> Worker {
        let mut setup = WorkerSetup::new(Subject::Ferroconnect, &self.kafka);
        let converter = match self.options.format {
            Format::Json => "org.apache.kafka.connect.json.JsonConverter",
            Format::Avro => "io.confluent.connect.avro.AvroConverter",
        };
        for side in ["key.converter", "value.converter"] {
            setup.set(side, converter);
            if self.options.format == Format::Avro {
                setup.set(&format!("{side}.schema.registry.url"), &self.registry.url());
            }
        }
        setup.set("consumer.auto.offset.reset", "earliest");
        setup.set("consumer.max.poll.records", &self.options.batch.to_string());
        setup.set("offset.flush.interval.ms", "10000").unset("plugin.discovery"); // as a user's worker file has it
        setup.start()
    }

    /// Rows a second of a loop.
    fn timed(&self, run: impl FnOnce()) -> f64 {
        let begun = Instant::now();
        run();
        self.options.rows as f64 / begun.elapsed().as_secs_f64()
    }

    /// Makes the connector, and watches the destination from the first arrival to the last.
    fn measure(&self, part: Part, worker: &Worker, count: impl FnMut() -> u64, config: &[(&str, String)]) -> Run {
        let mut config: Vec<(&str, &str)> = config.iter().map(|(key, value)| (*key, value.as_str())).collect();
        config.push(("tasks.max", "1"));
        let watch = Watch { pid: worker.id(), records: self.options.rows, look: LOOK, patience: PATIENCE };
        let arrival = watch.until_all(count, || worker.rest.put_connector(&unique("measured"), &config));
        Run { part, who: Who::Worker(arrival) }
    }
}

/// How many records the only task has polled.
fn polled(worker: &Worker) -> u64 {
    let answer = worker.rest.get("/metrics");
    let mut lines =
        answer.text.lines().filter(|line| line.starts_with("kafka_connect_source_task_source_record_poll_total{"));
    lines.next().and_then(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).map_or(0, |count| count as u64)
}

fn noted(run: Run) -> Run {
    eprintln!("{run:?}");
    run
}
