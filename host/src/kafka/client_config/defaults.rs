//! Defaults of the clients that Kafka Connect makes, with its names and groups, and our tuning.
//!
//! Everything here can be overridden by the user, save the forced settings.

use super::Role;

/// Defaults of one client.
#[derive(Debug, Clone)]
pub struct Defaults {
    pub(super) role: Role,
    /// Java's or librdkafka's names.
    pub(super) settings: Vec<(&'static str, String)>,
    forced: &'static [&'static str],
}

impl Defaults {
    /// Java's defaults for a client of this role, without any names.
    pub fn new(role: Role) -> Self {
        let settings: &[(&str, &str)] = match role {
            Role::Producer => PRODUCER,
            Role::Consumer => CONSUMER,
            Role::Admin => &[],
        };
        let common = COMMON.iter().chain(settings);
        Self { role, settings: common.map(|(key, value)| (*key, (*value).to_owned())).collect(), forced: &[] }
    }

    /// Adds or replaces a default.
    #[must_use]
    pub fn with(mut self, key: &'static str, value: impl Into<String>) -> Self {
        self.settings.retain(|(known, _)| *known != key);
        self.settings.push((key, value.into()));
        self
    }

    /// Makes the values of these keys win over what users set.
    #[must_use]
    pub fn force(mut self, keys: &'static [&'static str]) -> Self {
        self.forced = keys;
        self
    }

    /// The value that users cannot override, if the key has one.
    pub(super) fn forced(&self, key: &str) -> Option<&str> {
        if !self.forced.contains(&key) {
            return None;
        }
        let (_, value) = self.settings.iter().find(|(known, _)| *known == key)?;
        Some(value)
    }

    /// What the defaults are for.
    pub fn role(&self) -> Role {
        self.role
    }
}

/// Java's values where librdkafka's own differ.
const COMMON: &[(&str, &str)] = &[
    ("reconnect.backoff.ms", "50"),
    ("reconnect.backoff.max.ms", "1000"),
    ("connections.max.idle.ms", "540000"),
    ("socket.keepalive.enable", "true"),
    // Closed idle connections are no news; the client reconnects when it needs one.
    ("log.connection.close", "false"),
    // Histograms that librdkafka keeps for every broker connection; 130 kB a task, which few clusters ever ask for.
    ("enable.metrics.push", "false"),
];

/// The queue is bounded twice. librdkafka needs some 300 bytes beside each record, so the count
/// bounds memory for small records and the size for large ones. A busy task takes some 14 MB with
/// records of 100 bytes; twice the count is no faster.
const PRODUCER: &[(&str, &str)] = &[
    ("acks", "all"),
    ("enable.idempotence", "true"),
    ("partitioner.class", ""),
    ("buffer.memory", "16777216"),
    ("queue.buffering.max.messages", "40000"),
    ("batch.size", "1000000"),
    ("linger.ms", "5"),
    ("max.request.size", "1048576"),
    ("request.timeout.ms", "30000"),
    ("delivery.timeout.ms", "120000"),
];

/// An answer with one large record may be larger than what was asked for (KIP-74), and Java takes it
/// whatever its size; librdkafka would ask for it again and again.
///
/// The queue's bounds hold whichever is reached first, for the same reason as above; a busy task
/// takes some 16 MB. When the application has taken records, fetching goes on after 1 ms: with
/// librdkafka's own second a fast task waits most of the time, with 0 a thread spins while the
/// queue is full.
const CONSUMER: &[(&str, &str)] = &[
    ("auto.offset.reset", "latest"),
    ("isolation.level", "read_uncommitted"),
    ("allow.auto.create.topics", "true"),
    ("check.crcs", "true"),
    ("partition.assignment.strategy", "range"),
    ("request.timeout.ms", "30000"),
    ("queued.min.messages", "20000"),
    ("queued.max.messages.kbytes", "8192"),
    ("fetch.max.bytes", "8388608"),
    ("receive.message.max.bytes", "2147483647"),
    ("fetch.queue.backoff.ms", "1"),
    ("fetch.error.backoff.ms", "100"),
];

/// The producer of a source task.
pub fn source_producer_defaults(connector: &str, task: u32) -> Defaults {
    Defaults::new(Role::Producer)
        .with("client.id", format!("connector-producer-{connector}-{task}"))
        // A task never gives a record up by itself: it waits until Kafka has it or the task stops.
        .with("delivery.timeout.ms", i32::MAX.to_string())
        .with("max.block.ms", i64::MAX.to_string())
}

/// The consumer of a sink task. Offsets are the task's business, so automatic commits are off
/// whatever the user says.
pub fn sink_consumer_defaults(connector: &str, task: u32) -> Defaults {
    Defaults::new(Role::Consumer)
        .with("group.id", format!("connect-{connector}"))
        .with("client.id", format!("connector-consumer-{connector}-{task}"))
        .with("auto.offset.reset", "earliest")
        .with("enable.auto.commit", "false")
        .with("enable.auto.offset.store", "false")
        .with("max.poll.records", "2000")
        .force(&["enable.auto.commit", "enable.auto.offset.store"])
}

/// The producer of a sink task's dead-letter topic.
pub fn dead_letter_producer_defaults(connector: &str, task: u32) -> Defaults {
    Defaults::new(Role::Producer)
        .with("client.id", format!("connector-dlq-producer-{connector}-{task}"))
        .with("delivery.timeout.ms", i32::MAX.to_string())
        .with("max.block.ms", i64::MAX.to_string())
}

/// The admin client that creates a sink task's dead-letter topic.
pub fn dead_letter_admin_defaults(connector: &str, task: u32) -> Defaults {
    Defaults::new(Role::Admin).with("client.id", format!("connector-dlq-adminclient-{connector}-{task}"))
}

/// The admin client of a task, which creates topics.
pub fn task_admin_defaults(connector: &str, task: u32) -> Defaults {
    Defaults::new(Role::Admin).with("client.id", format!("connector-adminclient-{connector}-{task}"))
}

/// The admin client of a connector, which reads and changes group offsets.
pub fn connector_admin_defaults(connector: &str) -> Defaults {
    Defaults::new(Role::Admin).with("client.id", format!("connector-worker-adminclient-{connector}"))
}

/// The worker's own admin client.
pub fn worker_admin_defaults(client_id: &str) -> Defaults {
    Defaults::new(Role::Admin).with("client.id", client_id)
}
