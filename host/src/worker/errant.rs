//! Records that a sink plugin reports as bad, from any of its threads (KIP-610).

use std::sync::Arc;
use std::time::Duration;

use ferroconnect_plugin_abi::record::RawHeader;
use ferroconnect_plugin_abi::{Record, Text};
use parking_lot::Mutex;

use crate::error::{ConnectError, Result, Stage};
use crate::pipeline::{Converters, FailedRecord, TaskErrors, Ticket, Verdict};
use crate::plugins::api::ReportState;
use crate::stages::RawMessage;

use super::consumed::raw_message;
use super::dead_letters::DeadLetterQueue;
use super::dead_letters::holds::Holds;
use super::originals::Originals;

/// The class that reports and dead letters name for records that `put` could not write, as in Kafka Connect.
pub(crate) const PUT_CLASS: &str = "org.apache.kafka.connect.sink.SinkTask";

/// Takes reports of one task. Any thread may call; reports are made one after the other.
pub(crate) struct ErrantReporter {
    errors: Mutex<TaskErrors>,
    holds: Arc<Holds>,
    letters: Option<Letters>,
}

/// What reports need where there is a dead-letter topic.
pub(crate) struct Letters {
    pub(crate) queue: Arc<DeadLetterQueue>,
    pub(crate) originals: Arc<Originals>,
    /// For records that the plugin made itself; apart from the pipeline's, which belong to the task's thread.
    pub(crate) converters: Mutex<Converters>,
}

impl ErrantReporter {
    /// A reporter that reports by `errors` and tells `holds`. Without `letters` reports go to the log alone.
    pub(crate) fn new(errors: TaskErrors, holds: Arc<Holds>, letters: Option<Letters>) -> ErrantReporter {
        ErrantReporter { errors: Mutex::new(errors), holds, letters }
    }

    /// Reports a record. Waits only while the producer of the dead letters is full.
    ///
    /// # Errors
    /// `errors.tolerance` does not allow it: then the task fails before the next `put`, even if the plugin swallows
    /// this error, and the record's offset is not committed. Or the record was made by the plugin and cannot be
    /// converted.
    pub(crate) fn report(&self, record: &Record, error: ConnectError) -> Result<Ticket> {
        let message = self.message(record)?;
        let failed = FailedRecord::Consumed(&message);
        let settled = self.errors.lock().report_failed(Stage::TaskPut, PUT_CLASS, error, failed);
        if let Verdict::Fail(error) = settled.verdict {
            let read = message.partition >= 0 && message.offset >= 0;
            let origin = read.then(|| ((Arc::from(message.topic.as_str()), message.partition), message.offset));
            self.holds.fail(origin.as_ref(), error.clone());
            return Err(error);
        }
        Ok(settled.ticket.unwrap_or_else(|| self.holds.arrived_at_once()))
    }

    /// How far a report is; waits at most so long for it to arrive.
    pub(crate) fn state(&self, ticket: u64, timeout: Duration) -> ReportState {
        let ticket = Ticket(ticket);
        if let Some(letters) = &self.letters {
            letters.queue.wait(timeout, || self.holds.state(ticket) != ReportState::PENDING);
        }
        self.holds.state(ticket)
    }

    /// The message the record was read from; for a record that the plugin made, what its converters make of it.
    fn message(&self, record: &Record) -> Result<RawMessage> {
        let Some(letters) = &self.letters else { return Ok(without_bytes(record)) };
        if let Some((batch, index)) = letters.originals.find(&record.raw)
            && let Some(message) = batch.get(index)
        {
            let topic = Text::from(&**message.topic());
            return Ok(raw_message(&batch, index, &message, topic));
        }
        let mut message = without_bytes(record);
        let mut record = record.clone();
        let mut converters = letters.converters.lock();
        let converters = &mut *converters;
        message.key = converters.key.stage.from_connect(&record.topic, &mut record.headers, &record.key)?;
        message.value = converters.value.stage.from_connect(&record.topic, &mut record.headers, &record.value)?;
        for header in record.headers.iter() {
            let value = converters.header.stage.from_connect_header(&record.topic, &header.key, &header.data)?;
            message.headers.push(RawHeader { key: header.key.clone(), value: value.into() });
        }
        Ok(message)
    }
}

/// The message that a record was read from, as far as the record names it.
fn without_bytes(record: &Record) -> RawMessage {
    let topic = if record.origin.topic.is_empty() { &record.topic } else { &record.origin.topic };
    RawMessage {
        topic: topic.clone(),
        partition: record.origin.partition,
        offset: record.origin.offset,
        timestamp: record.timestamp.into_option(),
        timestamp_type: record.timestamp_type,
        key: None,
        value: None,
        headers: Vec::new(),
        raw: record.raw.clone(),
    }
}
