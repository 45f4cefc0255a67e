//! Telling about records that failed: counters for metrics, the log, and whoever else implements [`Reporter`].

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};
use std::time::{SystemTime, UNIX_EPOCH};

use ferroconnect_plugin_abi::Record;
use ferroconnect_plugin_abi::containers::AbiOption;
use ferroconnect_plugin_abi::record::{OffsetMap, SourcePosition};

use crate::error::{ConnectError, Stage};
use crate::stages::RawMessage;
use crate::stages::text::record::{self, write_connect_record};
use crate::stages::text::write_java;

/// Why a record was given up.
#[derive(Debug, Clone)]
pub struct Failure {
    /// The stage that failed.
    pub stage: Stage,
    /// The class that ran there.
    pub class: Arc<str>,
    /// What went wrong; its trace names the record's coordinates.
    pub error: ConnectError,
    /// How often the stage was tried.
    pub attempts: u32,
    /// Whether the task was cancelled between two tries.
    pub(super) cancelled: bool,
}

/// The record that failed, as it was before the pipeline.
#[derive(Debug, Clone, Copy)]
pub enum FailedRecord<'a> {
    /// From a source connector. The record is the original where a reporter wants it, otherwise what the stages
    /// before the failed one made of it, or, if Kafka refused it, an empty one.
    Source {
        /// The record.
        record: &'a Record,
        /// Where the connector read it.
        position: Option<&'a SourcePosition>,
    },
    /// From Kafka.
    Consumed(&'a RawMessage),
}

impl FailedRecord<'_> {
    /// Where the record comes from, for error messages.
    pub fn place(&self) -> String {
        match self {
            FailedRecord::Consumed(message) => {
                let RawMessage { topic, partition, offset, .. } = message;
                format!("topic '{topic}', partition {partition}, offset {offset}")
            }
            FailedRecord::Source { record, position } => {
                let mut place = if record.topic.is_empty() {
                    "a source record".to_owned()
                } else {
                    format!("topic '{}'", record.topic)
                };
                if let AbiOption::RSome(partition) = record.partition {
                    let _ = write!(place, ", partition {partition}");
                }
                if let Some(position) = position {
                    place.push_str(", source partition ");
                    write_offset_map(&mut place, position.partition.as_deref());
                    place.push_str(", source offset ");
                    write_offset_map(&mut place, position.offset.as_ref().into());
                }
                place
            }
        }
    }

    /// The record as Kafka Connect's log reporter shows it.
    fn log_text(&self) -> String {
        let mut text = String::new();
        match self {
            FailedRecord::Consumed(message) => {
                let RawMessage { topic, partition, offset, timestamp, timestamp_type, .. } = message;
                let _ = write!(
                    text,
                    ", where consumed record is {{topic='{topic}', partition={partition}, offset={offset}"
                );
                if let Some(kind) = record::timestamp_type(*timestamp_type) {
                    let _ = write!(text, ", timestamp={}, timestampType={kind}", timestamp.unwrap_or(-1));
                }
                text.push('}');
            }
            FailedRecord::Source { record, position } => {
                text.push_str(", where source record is = SourceRecord{sourcePartition=");
                write_offset_map(&mut text, position.and_then(|position| position.partition.as_deref()));
                text.push_str(", sourceOffset=");
                write_offset_map(&mut text, position.and_then(|position| position.offset.as_ref().into()));
                text.push_str("} ");
                write_connect_record(&mut text, record);
            }
        }
        text
    }
}

fn write_offset_map(out: &mut String, map: Option<&OffsetMap>) {
    let Some(map) = map else {
        return out.push_str("null");
    };
    out.push('{');
    for (index, entry) in map.iter().enumerate() {
        out.push_str(if index == 0 { "" } else { ", " });
        out.push_str(&entry.key);
        out.push('=');
        write_java(out, &entry.value);
    }
    out.push('}');
}

/// Is told of every record that is given up, before it is decided whether the task fails. Called on the task's
/// thread.
pub trait Reporter: Send {
    /// Tells of a failed record. Blocks only for back-pressure and never fails: a report that cannot be made is the
    /// reporter's to log, count and remember. A ticket means that the report is under way: the record's offset may
    /// be committed only once the reporter says that it has arrived.
    fn report(&mut self, failure: &Failure, record: FailedRecord<'_>) -> Option<Ticket>;

    /// Whether source records should be kept as they were before the first transform. Costs a copy of each record.
    fn wants_original(&self) -> bool {
        false
    }
}

/// Names a report that is under way. Tickets of one task ascend from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub u64);

/// Writes failed records to the log (`errors.log.enable`).
pub struct LogReporter {
    task: String,
    include_messages: bool,
    counters: Arc<ErrorCounters>,
}

impl LogReporter {
    /// A reporter for a task (`connector-0`). `include_messages` is `errors.log.include.messages`.
    pub fn new(task: impl Into<String>, include_messages: bool, counters: Arc<ErrorCounters>) -> Self {
        Self { task: task.into(), include_messages, counters }
    }

    fn message(&self, failure: &Failure, record: FailedRecord<'_>) -> String {
        let record = if self.include_messages { record.log_text() } else { String::new() };
        let Failure { stage, class, .. } = failure;
        format!("Error encountered in task {}. Executing stage '{stage}' with class '{class}'{record}.", self.task)
    }
}

impl Reporter for LogReporter {
    fn report(&mut self, failure: &Failure, record: FailedRecord<'_>) -> Option<Ticket> {
        tracing::error!("{}\n{}", self.message(failure, record), failure.error.trace().trim_end());
        self.counters.logged.fetch_add(1, Relaxed);
        None
    }

    fn wants_original(&self) -> bool {
        self.include_messages
    }
}

/// Counts of a task's errors, shared with metrics (`task-error-metrics`).
#[derive(Debug, Default)]
pub struct ErrorCounters {
    failures: AtomicU64,
    errors: AtomicU64,
    skipped: AtomicU64,
    retries: AtomicU64,
    logged: AtomicU64,
    dead_letters: AtomicU64,
    dead_letter_failures: AtomicU64,
    last_error: AtomicI64,
}

/// The counters at one moment. Names are those of the metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ErrorCounts {
    /// `total-record-failures`: failed tries.
    pub failures: u64,
    /// `total-record-errors`: records given up.
    pub errors: u64,
    /// `total-records-skipped`.
    pub skipped: u64,
    /// `total-retries`.
    pub retries: u64,
    /// `total-errors-logged`.
    pub logged: u64,
    /// `deadletterqueue-produce-requests`.
    pub dead_letters: u64,
    /// `deadletterqueue-produce-failures`.
    pub dead_letter_failures: u64,
    /// `last-error-timestamp`: milliseconds since 1970, 0 = never.
    pub last_error: i64,
}

impl ErrorCounters {
    /// The counts now.
    pub fn snapshot(&self) -> ErrorCounts {
        ErrorCounts {
            failures: self.failures.load(Relaxed),
            errors: self.errors.load(Relaxed),
            skipped: self.skipped.load(Relaxed),
            retries: self.retries.load(Relaxed),
            logged: self.logged.load(Relaxed),
            dead_letters: self.dead_letters.load(Relaxed),
            dead_letter_failures: self.dead_letter_failures.load(Relaxed),
            last_error: self.last_error.load(Relaxed),
        }
    }

    /// Counts a record sent to the dead-letter topic.
    pub fn add_dead_letter(&self) {
        self.dead_letters.fetch_add(1, Relaxed);
    }

    /// Counts a record that the dead-letter topic refused.
    pub fn add_dead_letter_failure(&self) {
        self.dead_letter_failures.fetch_add(1, Relaxed);
    }

    pub(super) fn add_failure(&self) {
        self.failures.fetch_add(1, Relaxed);
    }

    pub(super) fn add_retry(&self) {
        self.retries.fetch_add(1, Relaxed);
    }

    pub(super) fn add_skipped(&self) {
        self.skipped.fetch_add(1, Relaxed);
    }

    pub(super) fn add_error(&self) {
        self.errors.fetch_add(1, Relaxed);
    }

    /// Counts the failure after which a record is given up.
    pub(super) fn add_last_failure(&self) {
        self.failures.fetch_add(1, Relaxed);
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        self.last_error.store(now.as_millis() as i64, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ferroconnect_plugin_abi::builder::SchemaBuilder;
    use ferroconnect_plugin_abi::record::{OffsetEntry, TimestampType};
    use ferroconnect_plugin_abi::{Blob, Data, Header, Shared, Value};

    fn failure() -> Failure {
        Failure {
            stage: Stage::ValueConverter,
            class: "C".into(),
            error: ConnectError::data("bad"),
            attempts: 1,
            cancelled: false,
        }
    }

    #[test]
    fn consumed_records_are_named_like_in_kafka_connect() {
        let message = RawMessage {
            topic: "t".into(),
            partition: 0,
            offset: 5,
            timestamp: Some(7),
            timestamp_type: TimestampType::CREATE_TIME,
            key: None,
            value: None,
            headers: Vec::new(),
            raw: Blob::EMPTY,
        };
        let mut reporter = LogReporter::new("X-0", true, Arc::default());
        assert_eq!(
            reporter.message(&failure(), FailedRecord::Consumed(&message)),
            "Error encountered in task X-0. Executing stage 'VALUE_CONVERTER' with class 'C', where consumed record is \
             {topic='t', partition=0, offset=5, timestamp=7, timestampType=CreateTime}."
        );
        reporter.include_messages = false;
        assert_eq!(
            reporter.message(&failure(), FailedRecord::Consumed(&message)),
            "Error encountered in task X-0. Executing stage 'VALUE_CONVERTER' with class 'C'."
        );
    }

    #[test]
    fn source_records_are_printed_whole() {
        let mut record = Record::new("t", Data::new(SchemaBuilder::string().build(), "v"));
        record.headers.push(Header { key: "h".into(), data: Data::schemaless(1i32) });
        let partition: OffsetMap = vec![OffsetEntry { key: "p".into(), value: Value::int32(1) }].into();
        let position = SourcePosition { partition: Shared::new(partition).into(), offset: AbiOption::RNone };
        let text = FailedRecord::Source { record: &record, position: Some(&position) }.log_text();
        assert_eq!(
            text,
            ", where source record is = SourceRecord{sourcePartition={p=1}, sourceOffset=null} ConnectRecord{topic='t', \
             kafkaPartition=null, key=null, keySchema=null, value=v, valueSchema=Schema{STRING}, timestamp=null, \
             headers=ConnectHeaders(headers=[ConnectHeader(key=h, value=1, schema=null)])}"
        );
    }
}
