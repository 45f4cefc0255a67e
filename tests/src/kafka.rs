//! A real Kafka, and a view of what is in its topics that owes nothing to the worker.

use crate::repository;
use crate::wait::{PATIENCE, until_some};
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, ResourceSpecifier, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::{Header, Headers, Message, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};
use rustix::process::{Pid, Signal, kill_process};
use std::collections::HashMap;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

const CALL: Duration = Duration::from_secs(20);

/// A Kafka cluster.
#[derive(Debug)]
pub struct Kafka {
    /// What goes into `bootstrap.servers`.
    pub bootstrap: String,
    /// Set if this process started the cluster.
    own: Option<Own>,
}

/// A cluster that ends together with this process.
#[derive(Debug)]
struct Own {
    dir: String,
    _guard: Child,
}

/// One record as it lies in a topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Partition number.
    pub partition: i32,
    /// Offset in the partition.
    pub offset: i64,
    /// `None` is a null key.
    pub key: Option<Vec<u8>>,
    /// `None` is a null value.
    pub value: Option<Vec<u8>>,
    /// Names and values in order; a null value is `None`.
    pub headers: Vec<(String, Option<Vec<u8>>)>,
}

impl Record {
    /// The value as text; a null value is `None`, bad UTF-8 is replaced.
    pub fn text(&self) -> Option<String> {
        self.value.as_deref().map(|v| String::from_utf8_lossy(v).into_owned())
    }
}

/// A record to be written, byte for byte.
#[derive(Debug, Clone, Default)]
pub struct NewRecord {
    /// `None` is a null key.
    pub key: Option<Vec<u8>>,
    /// `None` is a null value.
    pub value: Option<Vec<u8>>,
    /// Names and values in order.
    pub headers: Vec<(&'static str, Option<Vec<u8>>)>,
}

impl NewRecord {
    /// A record with this value, a null key and no headers.
    pub fn of(value: impl Into<Vec<u8>>) -> Self {
        Self { value: Some(value.into()), ..Self::default() }
    }

    /// The record with one more header.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: &[u8]) -> Self {
        self.headers.push((name, Some(value.to_vec())));
        self
    }
}

impl Kafka {
    /// The Kafka that all tests of this process share.
    ///
    /// It is the one named by `FERROCONNECT_TEST_BROKERS`; else the one that `scripts/dev-kafka.sh up` started by hand;
    /// else one that this process starts, which ends with it.
    ///
    /// # Panics
    /// When there is none and none can be started.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Kafka> = OnceLock::new();
        SHARED.get_or_init(|| {
            if let Ok(bootstrap) = std::env::var("FERROCONNECT_TEST_BROKERS") {
                return Self::at(&bootstrap);
            }
            if let Ok(found) = dev_kafka(&["status"]) {
                return Self::at(&found["bootstrap"]);
            }
            Self::start_own()
        })
    }

    /// The cluster at `bootstrap`.
    pub fn at(bootstrap: &str) -> Self {
        Self { bootstrap: bootstrap.to_owned(), own: None }
    }

    /// A cluster that this process starts, and that a test may therefore take away. It ends with this process.
    ///
    /// # Panics
    /// When none can be started.
    pub fn start_own() -> Self {
        let dir = std::env::temp_dir().join(crate::unique("ferroconnect-e2e-kafka"));
        let dir = dir.to_str().expect("the temporary folder has a UTF-8 name").to_owned();
        // The guard waits for the end of its standard input, which comes with the end of this process, however it ends.
        let guard = Command::new("sh")
            .args(["-c", r#"read -r _; exec "$0" down --dir "$1""#])
            .arg(script())
            .arg(&dir)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0) // ctrl-C is for the test, not for the guard
            .spawn()
            .expect("sh can be started");
        let found = dev_kafka(&["up", "--dir", &dir]).unwrap_or_else(|e| panic!("no Kafka to test with: {e}"));
        Self { bootstrap: found["bootstrap"].clone(), own: Some(Own { dir, _guard: guard }) }
    }

    fn own_dir(&self) -> &str {
        &self.own.as_ref().expect("a test takes away only what it started").dir
    }

    /// Stops the cluster; what is in its topics stays.
    ///
    /// # Panics
    /// When it was not started by [`start_own`](Self::start_own), or does not stop.
    pub fn take_away(&self) {
        dev_kafka(&["down", "--dir", self.own_dir(), "--keep"]).unwrap_or_else(|e| panic!("Kafka does not stop: {e}"));
    }

    /// Starts the cluster again where it was.
    ///
    /// # Panics
    /// When it was not started by [`start_own`](Self::start_own), or does not start.
    pub fn bring_back(&self) {
        let (_, port) = self.bootstrap.rsplit_once(':').expect("the address of a broker has a port");
        let found = dev_kafka(&["up", "--dir", self.own_dir(), "--port", port]);
        let found = found.unwrap_or_else(|e| panic!("Kafka does not come back: {e}"));
        assert_eq!(found["bootstrap"], self.bootstrap);
    }

    /// Keeps the broker from doing anything: its connections stay, and nobody gets an answer. Until the guard is dropped.
    ///
    /// # Panics
    /// When it was not started by [`start_own`](Self::start_own).
    pub fn freeze(&self) -> Frozen {
        let file = std::path::Path::new(self.own_dir()).join("broker-1/pid");
        let pid = std::fs::read_to_string(&file).unwrap_or_else(|e| panic!("no {}: {e}", file.display()));
        let pid = pid.trim().parse().ok().and_then(Pid::from_raw).expect("the file holds the number of a process");
        kill_process(pid, Signal::STOP).expect("our own broker can be stopped");
        Frozen(pid)
    }

    fn config(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &self.bootstrap).set("client.id", "ferroconnect-e2e");
        config
    }

    fn consumer(&self) -> BaseConsumer {
        let mut config = self.config();
        config
            .set("group.id", "ferroconnect-e2e")
            .set("enable.auto.commit", "false")
            .set("fetch.queue.backoff.ms", "10");
        config.create().expect("a consumer can be made")
    }

    fn admin(&self) -> AdminClient<DefaultClientContext> {
        self.config().create().expect("an admin client can be made")
    }

    /// Creates a topic and waits until it can be used.
    pub fn create_topic(&self, name: &str, partitions: i32) {
        self.create_topic_with(name, partitions, &[]);
    }

    /// As [`Self::create_topic`], with settings of the topic.
    pub fn create_topic_with(&self, name: &str, partitions: i32, config: &[(&str, &str)]) {
        let mut topic = NewTopic::new(name, partitions, TopicReplication::Fixed(1));
        topic.config.extend_from_slice(config);
        let made = block_on(self.admin().create_topics(&[topic], &AdminOptions::new().operation_timeout(Some(CALL))));
        let made = made.expect("the broker answers");
        assert!(made.iter().all(Result::is_ok), "topic {name}: {made:?}");
        until_some("the new topic", PATIENCE, || match self.partitions(name).len() as i32 {
            n if n == partitions => Ok(()),
            n => Err(format!("{n} partitions")),
        });
    }

    /// Deletes a topic and waits until it is gone.
    pub fn delete_topic(&self, name: &str) {
        let delete = || {
            let options = AdminOptions::new().operation_timeout(Some(CALL));
            block_on(self.admin().delete_topics(&[name], &options)).expect("the broker answers")
        };
        let gone = delete();
        assert!(gone.iter().all(Result::is_ok), "topic {name}: {gone:?}");
        until_some("the topic to go", PATIENCE, || match self.partitions(name).len() {
            0 => Ok(()),
            // A busy broker may look at a request after its client has ended, and make the topic anew for it.
            n => Err(format!("{n} partitions; deleted once more: {:?}", delete())),
        });
    }

    /// Waits until the broker has dropped what a consumer group has committed for a topic that is gone. It does so some
    /// time after the topic goes; a topic made anew under the name would be read from there.
    pub fn await_forgotten(&self, group: &str, topic: &str) {
        let consumer: BaseConsumer = self.config().set("group.id", group).create().expect("a consumer can be made");
        let mut asked = TopicPartitionList::new();
        asked.add_partition(topic, 0);
        until_some("the committed offsets to go", PATIENCE, || {
            let found = consumer.committed_offsets(asked.clone(), CALL).expect("the broker answers");
            match found.elements()[0].offset() {
                Offset::Invalid => Ok(()),
                offset => Err(format!("{offset:?}")),
            }
        });
    }

    /// Partition numbers of a topic; none when it does not exist. Does not create it.
    pub fn partitions(&self, topic: &str) -> Vec<i32> {
        // A consumer never asks the broker to create a topic; the list of all topics does not either.
        let all = self.consumer().fetch_metadata(None, CALL).expect("the broker answers");
        let found = all.topics().iter().find(|t| t.name() == topic && t.error().is_none());
        let mut partitions: Vec<i32> =
            found.map(|t| t.partitions().iter().map(|p| p.id()).collect()).unwrap_or_default();
        partitions.sort_unstable();
        partitions
    }

    /// The names of all topics, sorted.
    pub fn topics(&self) -> Vec<String> {
        let all = self.consumer().fetch_metadata(None, CALL).expect("the broker answers");
        let mut names: Vec<String> = all.topics().iter().map(|topic| topic.name().to_owned()).collect();
        names.sort();
        names
    }

    /// The value of a topic's setting, such as `cleanup.policy`.
    pub fn topic_setting(&self, topic: &str, setting: &str) -> Option<String> {
        let resource = ResourceSpecifier::Topic(topic);
        let answer = block_on(self.admin().describe_configs([&resource], &AdminOptions::new()));
        let mut found = answer.expect("the broker answers");
        let topic = found.remove(0).unwrap_or_else(|error| panic!("topic {topic}: {error}"));
        topic.get(setting).and_then(|entry| entry.value.clone())
    }

    /// Number of records ever written to the topic, over all partitions (exact for topics without transactions).
    pub fn count(&self, topic: &str) -> i64 {
        self.watch(topic).count() as i64
    }

    /// Counts the records of a topic again and again on one connection.
    pub fn watch(&self, topic: &str) -> Watch {
        Watch { consumer: self.consumer(), topic: topic.to_owned(), partitions: self.partitions(topic) }
    }

    /// Everything in the topic now, by partition and offset.
    pub fn read(&self, topic: &str) -> Vec<Record> {
        let consumer = self.consumer();
        let mut open = HashMap::new();
        let mut from = TopicPartitionList::new();
        for partition in self.partitions(topic) {
            let (low, high) = consumer.fetch_watermarks(topic, partition, CALL).expect("the broker answers");
            if high > low {
                open.insert(partition, high);
                from.add_partition_offset(topic, partition, Offset::Beginning).expect("an offset for a new partition");
            }
        }
        consumer.assign(&from).expect("partitions can be assigned");
        let mut records = Vec::new();
        while !open.is_empty() {
            let polled =
                consumer.poll(CALL).unwrap_or_else(|| panic!("{topic}: nothing more to read, yet {open:?} is open"));
            let message = polled.unwrap_or_else(|e| panic!("{topic}: {e}"));
            if message.offset() + 1 >= open.get(&message.partition()).copied().unwrap_or(0) {
                open.remove(&message.partition());
            }
            records.push(record(&message));
        }
        records.sort_by_key(|r| (r.partition, r.offset));
        records
    }

    /// Waits until the topic holds at least `count` records, and gives them all.
    pub fn read_at_least(&self, topic: &str, count: usize) -> Vec<Record> {
        until_some(&format!("{count} records in {topic}"), PATIENCE, || match self.count(topic) {
            n if n >= count as i64 => Ok(()),
            n => Err(format!("{n} records")),
        });
        self.read(topic)
    }

    /// Writes text values with null keys to one partition, and waits until the broker has them.
    pub fn write<'a>(&self, topic: &str, partition: i32, values: impl IntoIterator<Item = &'a str>) {
        self.write_records(topic, partition, values.into_iter().map(NewRecord::of));
    }

    /// Writes records to one partition, and waits until the broker has them.
    pub fn write_records(&self, topic: &str, partition: i32, records: impl IntoIterator<Item = NewRecord>) {
        let mut config = self.config();
        config.set("message.max.bytes", "100000000"); // the topic decides what is too large
        let producer: BaseProducer = config.create().expect("a producer can be made");
        for record in records {
            let mut next = Some(base_record(topic, partition, &record));
            while let Some(record) = next.take() {
                if let Err((error, record)) = producer.send(record) {
                    let full = error.rdkafka_error_code() == Some(rdkafka::types::RDKafkaErrorCode::QueueFull);
                    assert!(full, "{topic}: {error}");
                    producer.poll(Duration::from_millis(50));
                    next = Some(record);
                }
            }
        }
        producer.flush(CALL).expect("the broker takes the records");
    }
}

fn base_record<'a>(topic: &'a str, partition: i32, new: &'a NewRecord) -> BaseRecord<'a, [u8], [u8]> {
    let mut record = BaseRecord::to(topic).partition(partition);
    (record.key, record.payload) = (new.key.as_deref(), new.value.as_deref());
    if !new.headers.is_empty() {
        let all = new
            .headers
            .iter()
            .fold(OwnedHeaders::new(), |all, (key, value)| all.insert(Header { key, value: value.as_deref() }));
        record.headers = Some(all);
    }
    record
}

/// A broker that does nothing, until this is dropped.
#[must_use]
#[derive(Debug)]
pub struct Frozen(Pid);

impl Drop for Frozen {
    fn drop(&mut self) {
        // If it is gone, the test has failed already.
        let _ = kill_process(self.0, Signal::CONT);
    }
}

/// Watches how a topic grows; see [`Kafka::watch`].
pub struct Watch {
    consumer: BaseConsumer,
    topic: String,
    partitions: Vec<i32>,
}

impl Watch {
    /// Number of records ever written to the topic.
    pub fn count(&self) -> u64 {
        let end = |p: &i32| self.consumer.fetch_watermarks(&self.topic, *p, CALL).expect("the broker answers").1;
        self.partitions.iter().map(end).sum::<i64>() as u64
    }
}

fn record(message: &impl Message) -> Record {
    let headers =
        message.headers().map(|all| all.iter().map(|h| (h.key.to_owned(), h.value.map(<[u8]>::to_vec))).collect());
    Record {
        partition: message.partition(),
        offset: message.offset(),
        key: message.key().map(<[u8]>::to_vec),
        value: message.payload().map(<[u8]>::to_vec),
        headers: headers.unwrap_or_default(),
    }
}

fn script() -> PathBuf {
    repository().join("scripts/dev-kafka.sh")
}

/// Runs `scripts/dev-kafka.sh` and gives the `name=value` lines that it printed.
pub fn dev_kafka(args: &[&str]) -> Result<HashMap<String, String>, String> {
    let run = Command::new(script()).args(args).stdin(Stdio::null()).output().map_err(|e| e.to_string())?;
    if !run.status.success() {
        return Err(String::from_utf8_lossy(&run.stderr).into_owned());
    }
    let text = String::from_utf8_lossy(&run.stdout).into_owned();
    Ok(text.lines().filter_map(|l| l.split_once('=')).map(|(k, v)| (k.to_owned(), v.to_owned())).collect())
}

/// Runs a future of the admin client on this thread: its own thread makes the progress, this one only waits.
fn block_on<F: Future>(future: F) -> F::Output {
    struct Unpark(std::thread::Thread);
    impl std::task::Wake for Unpark {
        fn wake(self: std::sync::Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = std::sync::Arc::new(Unpark(std::thread::current())).into();
    let mut context = std::task::Context::from_waker(&waker);
    let mut future = std::pin::pin!(future);
    loop {
        match future.as_mut().poll(&mut context) {
            std::task::Poll::Ready(output) => return output,
            std::task::Poll::Pending => std::thread::park(),
        }
    }
}
