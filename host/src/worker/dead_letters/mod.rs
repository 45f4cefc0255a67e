//! The dead-letter topic of a sink task: records that were given up, on their way to Kafka.
//!
//! A letter goes to its producer at once and holds back the commit of its record's offset ([`holds`]) until Kafka has
//! acknowledged it. Kafka Connect lets go of records whose letters it could not write; here such a task fails, and the
//! record is read again. Memory is bounded by the producer's queue (`buffer.memory`): when it is full, whoever reports
//! waits.

pub(crate) mod holds;
pub(crate) mod topic;

use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use ferroconnect_plugin_abi::containers::AbiOption;
use ferroconnect_plugin_abi::record::RawHeader;

use crate::error::{ConnectError, Result};
use crate::kafka::{ClientSettings, DeliveryReport, KafkaError, OutRecord, Producer, SendError, Topic};
use crate::pipeline::{DeadLetterForm, ErrorCounters, FailedRecord, Failure, Reporter, Ticket};
use crate::stages::RawMessage;

use super::lifecycle::{Lifecycle, Next};
use holds::{Holds, Origin};

/// How long one step of waiting for the producer takes; others may have fetched what is waited for.
const STEP: Duration = Duration::from_millis(50);

/// The dead letters of one task. Any thread may call.
pub(crate) struct DeadLetterQueue {
    producer: Producer,
    topic: Topic,
    form: DeadLetterForm,
    holds: Arc<Holds>,
    counters: Arc<ErrorCounters>,
    /// Weak, because the plugin's control object in there may know the context that leads here.
    lifecycle: Weak<Lifecycle>,
}

impl DeadLetterQueue {
    /// A queue that writes to `topic`, which exists.
    ///
    /// # Errors
    /// The producer's settings are wrong, or the name cannot be that of a topic.
    pub(crate) fn new(
        settings: &ClientSettings,
        topic: &str,
        form: DeadLetterForm,
        holds: Arc<Holds>,
        counters: Arc<ErrorCounters>,
        lifecycle: &Arc<Lifecycle>,
    ) -> Result<DeadLetterQueue> {
        let producer = Producer::new(settings)?;
        let topic = producer.topic(topic)?;
        Ok(DeadLetterQueue { producer, topic, form, holds, counters, lifecycle: Arc::downgrade(lifecycle) })
    }

    /// Sends the letter of a record. Waits while the producer's queue is full, unless the task is to stop: then the
    /// letter is given up, and its offset stays held.
    fn write(&self, failure: &Failure, message: &RawMessage) -> Ticket {
        self.counters.add_dead_letter();
        let ticket = self.holds.begin(origin(message));
        let letter = self.form.of_message(failure, message);
        let headers: Vec<(&str, Option<&[u8]>)> = letter.headers.iter().map(header).collect();
        let record = OutRecord {
            topic: &self.topic,
            partition: None,
            key: letter.key.as_deref(),
            value: letter.value.as_deref(),
            headers: &headers,
            timestamp: letter.timestamp,
            opaque: ticket.0,
        };
        loop {
            match self.producer.send(&record) {
                Ok(()) => return ticket,
                Err(SendError::Kafka(error)) if !error.is_retriable() => {
                    self.lose(ticket, error);
                    return ticket;
                }
                Err(_) if self.is_ending() => {
                    self.counters.add_dead_letter_failure();
                    tracing::warn!(
                        "The task ends before a dead letter could be sent; the record is read again: {}",
                        FailedRecord::Consumed(message).place()
                    );
                    self.holds.lost(ticket, None);
                    return ticket;
                }
                Err(_) => self.fetch(STEP),
            }
        }
    }

    fn is_ending(&self) -> bool {
        self.lifecycle.upgrade().is_none_or(|lifecycle| lifecycle.next() == Next::Stop || lifecycle.is_abandoned())
    }

    fn lose(&self, ticket: Ticket, error: KafkaError) {
        self.counters.add_dead_letter_failure();
        let error = failed(self.topic.name(), error);
        tracing::error!("{}", error.trace().trim_end());
        self.holds.lost(ticket, Some(error));
    }

    /// Takes in what Kafka has answered, waiting so long for the first answer.
    pub(crate) fn fetch(&self, timeout: Duration) {
        self.producer.reports(timeout, &mut |report| self.note(report));
    }

    fn note(&self, report: DeliveryReport) {
        let ticket = Ticket(report.opaque);
        match report.result {
            Ok(_) => self.holds.arrived(ticket),
            Err(error) => self.lose(ticket, error),
        }
    }

    /// Waits at most so long until no letter is under way. True = none is.
    pub(crate) fn settle(&self, timeout: Duration) -> bool {
        self.wait(timeout, || !self.holds.any_under_way())
    }

    /// Waits at most so long, or until `done`.
    pub(crate) fn wait(&self, timeout: Duration, done: impl Fn() -> bool) -> bool {
        // Plugins may wait for ever.
        let deadline = Instant::now().checked_add(timeout);
        loop {
            if done() {
                return true;
            }
            let left = deadline.map_or(STEP, |deadline| deadline.saturating_duration_since(Instant::now()));
            self.fetch(left.min(STEP));
            if left.is_zero() {
                return done();
            }
        }
    }

    /// Gives up what was not sent: nothing an abandoned task still does may reach Kafka.
    pub(crate) fn give_up(&self) {
        self.producer.purge();
    }
}

/// What fails a task whose dead letter Kafka did not take.
pub(crate) fn failed(topic: &str, error: KafkaError) -> ConnectError {
    let hint = if error.is_too_large() {
        "; producer.override.max.request.size and the topic's max.message.bytes say how large a record may be"
    } else {
        ""
    };
    ConnectError::connect(format!("Could not produce message to dead letter queue. topic={topic}"))
        .caused_by(ConnectError::from(error).detail(format!("the record is read again when the task restarts{hint}")))
}

fn origin(message: &RawMessage) -> Option<Origin> {
    // A record that a plugin made up comes from nowhere.
    (message.partition >= 0 && message.offset >= 0)
        .then(|| ((Arc::from(message.topic.as_str()), message.partition), message.offset))
}

/// A header in the producer's form.
pub(crate) fn header(header: &RawHeader) -> (&str, Option<&[u8]>) {
    let value = match &header.value {
        AbiOption::RSome(value) => Some(value.as_slice()),
        AbiOption::RNone => None,
    };
    (header.key.as_str(), value)
}

/// Writes every failed record of a pipeline or plugin to the queue.
pub(crate) struct DeadLetterReporter(pub(crate) Arc<DeadLetterQueue>);

impl Reporter for DeadLetterReporter {
    fn report(&mut self, failure: &Failure, record: FailedRecord<'_>) -> Option<Ticket> {
        match record {
            FailedRecord::Consumed(message) => Some(self.0.write(failure, message)),
            // Sinks have no others.
            FailedRecord::Source { .. } => None,
        }
    }
}
