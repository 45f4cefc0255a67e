//! The life of one source task, on its own thread: poll, convert, produce, settle.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ferroconnect_plugin_abi::containers::AbiOption;
use ferroconnect_plugin_abi::record::{OffsetMap, RawHeader, SourceBatch, SourcePosition};
use ferroconnect_plugin_abi::{Blob, Data, Record, Text};

use crate::error::{ConnectError, ErrorKind, Result, Stage};
use crate::kafka::{OutRecord, SendError, Topic};
use crate::pipeline::{self, FailedRecord, PipelineTimes, SourceOutcome, SourcePipeline, Tolerance, Verdict};
use crate::plugins::api::{self, SourceTaskContext};
use crate::storage::TaskState;
use crate::telemetry::LogContext;

use super::dead_letters::{self, header};
use super::flush::{FlushSource, OffsetFlusher};
use super::lifecycle::{Lifecycle, Next};
use super::metrics::SourceMetrics;
use super::positions;
use super::source_delivery::{Sending, SourceDelivery};
use super::submitted::{Place, Token};
use super::task::TaskReporter;
use super::topic_creation::TopicCreator;
use super::topic_tracking::TopicTracker;

/// The pause before a record is offered again that the producer refused for the moment.
const SEND_RETRY: Duration = Duration::from_millis(100);
/// The pause after a poll that asked for a retry, so that a broken source does not spin.
const POLL_RETRY: Duration = Duration::from_millis(100);

/// The class that reports name for records that Kafka refused, as in Kafka Connect.
const SEND_CLASS: &str = "org.apache.kafka.connect.runtime.WorkerSourceTask";

/// Everything a source task needs, made before its plugin starts.
pub(crate) struct SourceParts {
    pub(crate) plugin: api::SourceTask,
    pub(crate) context: Arc<dyn SourceTaskContext>,
    /// The task's configuration, variables resolved.
    pub(crate) config: crate::config::Props,
    pub(crate) pipeline: SourcePipeline,
    /// Set if and only if the pipeline makes dead letters.
    pub(crate) letters: Option<LetterTopic>,
    pub(crate) tolerance: Tolerance,
    pub(crate) delivery: Arc<SourceDelivery>,
    pub(crate) topics: TopicCreator,
    pub(crate) tracker: TopicTracker,
    pub(crate) flusher: Arc<OffsetFlusher>,
    /// `offset.flush.timeout.ms`: how long the last deliveries are waited for at the end.
    pub(crate) flush_timeout: Duration,
    pub(crate) metrics: SourceMetrics,
}

/// Where a source task's dead letters go.
pub(crate) struct LetterTopic {
    /// A topic of the task's own producer, so that letters and records are settled alike.
    pub(crate) topic: Topic,
    /// Whether letters say where and why the record failed.
    pub(crate) context_headers: bool,
}

struct Running<'a> {
    parts: SourceParts,
    lifecycle: &'a Lifecycle,
    topics: HashMap<Text, Topic>,
    /// The topic of the last record: most records go where the one before went.
    topic: Option<(Text, Topic)>,
    outcomes: Vec<SourceOutcome>,
    wants_acknowledgements: bool,
}

/// Runs the task until it is stopped or fails. The plugin is stopped in any case.
pub(crate) fn run(parts: SourceParts, lifecycle: &Lifecycle, reporter: &TaskReporter) -> Result<()> {
    let mut running = Running {
        parts,
        lifecycle,
        topics: HashMap::new(),
        topic: None,
        outcomes: Vec::new(),
        wants_acknowledgements: false,
    };
    let member: Arc<dyn FlushSource> = running.parts.delivery.clone();
    running.parts.flusher.add(Arc::clone(&member));
    let result = running.start().and_then(|()| {
        reporter.report(TaskState::Running);
        running.poll_loop(reporter)
    });
    let result = running.finish(&member, result);
    running.parts.flusher.remove(&member);
    result
}

impl Running<'_> {
    fn start(&mut self) -> Result<()> {
        let parts = &mut self.parts;
        parts.plugin.start(Arc::clone(&parts.context), &parts.config)?;
        self.wants_acknowledgements = parts.plugin.wants_acknowledgements();
        if self.wants_acknowledgements {
            parts.delivery.keep_acknowledgements();
        }
        Ok(())
    }

    fn poll_loop(&mut self, reporter: &TaskReporter) -> Result<()> {
        let mut batch_id = 0;
        loop {
            match self.lifecycle.next() {
                Next::Stop => return Ok(()),
                Next::Pause => {
                    reporter.report(TaskState::Paused);
                    self.lifecycle.wait_while_paused();
                    if self.lifecycle.next() == Next::Run {
                        reporter.report(TaskState::Running);
                    }
                    continue;
                }
                Next::Run => {}
            }
            self.settle()?;
            let mut batch = SourceBatch::new(batch_id);
            batch_id += 1;
            let begin = Instant::now();
            match self.parts.plugin.poll(&mut batch) {
                Ok(()) => {}
                Err(error) if error.is_retriable() => {
                    tracing::warn!("The source asks for a retry of its poll: {}", error.trace().trim_end());
                    self.lifecycle.wait_or_change(POLL_RETRY);
                    continue;
                }
                Err(error) if self.lifecycle.next() == Next::Stop && api::is_stopping(&error) => return Ok(()),
                Err(error) => return Err(error),
            }
            if self.lifecycle.is_abandoned() {
                return Ok(());
            }
            self.parts.metrics.polled(batch.records.len(), begin.elapsed());
            if !batch.records.is_empty() {
                self.send_batch(batch)?;
            }
        }
    }

    /// What came back from Kafka since the last call: reports, refusals, acknowledgements for the plugin.
    fn settle(&mut self) -> Result<()> {
        self.parts.delivery.fetch_reports(Duration::ZERO);
        self.judge_refusals()?;
        self.tell_plugin()?;
        self.parts.metrics.written(self.parts.delivery.written());
        Ok(())
    }

    fn judge_refusals(&mut self) -> Result<()> {
        for refused in self.parts.delivery.take_refused() {
            let record = refused.original.unwrap_or_else(|| Record::new(refused.topic, Data::NULL));
            let record = FailedRecord::Source { record: &record, position: refused.position.as_ref() };
            if refused.letter {
                let topic = self.parts.letters.as_ref().map_or("", |letters| letters.topic.name());
                return Err(dead_letters::failed(topic, refused.error).detail(record.place()));
            }
            let error = ConnectError::from(refused.error);
            if self.parts.tolerance == Tolerance::None {
                return Err(ConnectError::connect("Unrecoverable exception from producer send callback")
                    .caused_by(error.detail(record.place())));
            }
            let errors = self.parts.pipeline.errors();
            if let Verdict::Fail(error) = errors.report_failed(Stage::KafkaProduce, SEND_CLASS, error, record).verdict {
                return Err(error);
            }
        }
        Ok(())
    }

    fn tell_plugin(&mut self) -> Result<()> {
        if self.wants_acknowledgements {
            let acknowledgements = self.parts.delivery.take_acknowledgements();
            if !acknowledgements.is_empty() {
                self.parts.plugin.acknowledge(acknowledgements)?;
            }
        }
        if self.parts.delivery.take_commit_due() {
            self.parts.plugin.commit()?;
        }
        Ok(())
    }

    fn send_batch(&mut self, batch: SourceBatch) -> Result<()> {
        let begin = Instant::now();
        let mut times = PipelineTimes::default();
        if self.parts.tracker.renew() {
            self.topic = None;
        }
        let SourceBatch { id, mut records, mut positions, .. } = batch;
        let mut outcomes = std::mem::take(&mut self.outcomes);
        let mut next = 0;
        let mut result = Ok(());
        while next < records.len() && result.is_ok() && !self.lifecycle.is_abandoned() {
            self.parts.pipeline.process(&mut records[next..], &positions[next..], &mut outcomes);
            times += self.parts.pipeline.times();
            let left_out =
                |outcome: &&SourceOutcome| !matches!(outcome, SourceOutcome::Ready(_) | SourceOutcome::Failed(_));
            self.parts.metrics.skipped(outcomes.iter().filter(left_out).count());
            let delivery = Arc::clone(&self.parts.delivery);
            let mut sending = delivery.sending();
            for (index, outcome) in outcomes.drain(..).enumerate() {
                let original = self.parts.pipeline.original(index).cloned();
                let place = Place { batch: id, index: u32::try_from(next).unwrap_or(u32::MAX) };
                let position = std::mem::take(&mut positions[next]);
                result = self.send_one(&mut sending, outcome, &records[next], original, position, place);
                next += 1;
                if result.is_err() {
                    break;
                }
            }
        }
        self.outcomes = outcomes;
        self.parts.metrics.sent(begin.elapsed(), times);
        result
    }

    fn send_one(
        &mut self,
        sending: &mut Sending<'_>,
        outcome: SourceOutcome,
        record: &Record,
        original: Option<Record>,
        position: SourcePosition,
        place: Place,
    ) -> Result<()> {
        match outcome {
            SourceOutcome::Ready(out) => {
                let partition = partition(record)?;
                if self.topic.as_ref().is_none_or(|(name, _)| *name != record.topic) {
                    self.open_topic(&record.topic)?;
                }
                let token = sending.submit(position, place, &record.topic)?;
                if let Some(original) = original {
                    sending.keep(token, original);
                }
                let (_, topic) = self.topic.as_ref().expect("the topic was opened before");
                self.send_ready(sending, &out, topic, partition, token)
            }
            SourceOutcome::DeadLetter(mut letter) => {
                let letters = self.parts.letters.as_ref().expect("the pipeline makes dead letters for this topic");
                if letters.context_headers {
                    letter.headers.extend(position_headers(&position));
                }
                let token = sending.submit(position, place, &record.topic)?;
                sending.is_letter(token);
                self.send_ready(sending, &letter, &letters.topic, None, token)
            }
            SourceOutcome::Filtered | SourceOutcome::Skipped => {
                let token = sending.submit(position, place, &record.topic)?;
                sending.settle(token);
                Ok(())
            }
            SourceOutcome::Failed(error) => Err(error),
        }
    }

    fn send_ready(
        &self,
        sending: &mut Sending<'_>,
        out: &pipeline::OutRecord,
        topic: &Topic,
        partition: Option<i32>,
        token: Token,
    ) -> Result<()> {
        let headers: Vec<(&str, Option<&[u8]>)> = out.headers.iter().map(header).collect();
        let message = OutRecord {
            topic,
            partition,
            key: out.key.as_deref(),
            value: out.value.as_deref(),
            headers: &headers,
            timestamp: out.timestamp,
            opaque: token.as_number(),
        };
        loop {
            match sending.send(&message) {
                Ok(()) => return Ok(()),
                Err(SendError::QueueFull) => {}
                Err(SendError::Kafka(error)) if error.is_retriable() => {
                    tracing::warn!("The producer cannot take a record now and is asked again: {error}");
                }
                // Java's producer tells of it as of any other refusal, so it can be tolerated.
                Err(SendError::Kafka(error)) if error.is_too_large() => {
                    sending.refuse(token, topic.name(), error);
                    return Ok(());
                }
                Err(SendError::Kafka(error)) => {
                    let (record, position) = (Record::new(topic.name(), Data::NULL), sending.position(token));
                    let record = FailedRecord::Source { record: &record, position: position.as_ref() };
                    return Err(ConnectError::connect("Unrecoverable exception trying to send")
                        .caused_by(ConnectError::from(error).detail(record.place())));
                }
            }
            // The record stays under way, so neither its offset nor a later one is stored.
            if self.lifecycle.next() == Next::Stop {
                return Err(stopped_while_sending());
            }
            sending.wait_for_room(SEND_RETRY);
        }
    }

    fn open_topic(&mut self, name: &Text) -> Result<()> {
        let topic = match self.topics.get(name) {
            Some(topic) => topic.clone(),
            None => {
                self.parts.topics.ensure(name)?;
                if self.topics.is_empty() {
                    self.parts.delivery.connect();
                }
                let topic = self.parts.delivery.topic(name)?;
                self.topics.insert(name.clone(), topic.clone());
                topic
            }
        };
        self.parts.tracker.track(name);
        self.topic = Some((name.clone(), topic));
        Ok(())
    }

    /// Waits for the last deliveries, stores the last offsets, tells and stops the plugin.
    fn finish(&mut self, member: &Arc<dyn FlushSource>, result: Result<()>) -> Result<()> {
        let result = match result {
            Err(error) if error.kind() == ErrorKind::Timeout && self.lifecycle.next() == Next::Stop => Ok(()),
            result => result,
        };
        if self.lifecycle.is_abandoned() {
            return result;
        }
        if !self.parts.delivery.drain(self.parts.flush_timeout) {
            let (count, reason) = (self.parts.delivery.under_way(), self.parts.delivery.client_error());
            let reason = reason.map(|error| format!(" (last client error: {error})")).unwrap_or_default();
            tracing::warn!("{count} records were not acknowledged in time and will be read again{reason}");
        }
        let refused = if result.is_ok() { self.judge_refusals() } else { Ok(()) };
        // The flush tells of its failures itself; what was not stored is read again.
        let _told = self.parts.flusher.flush(member);
        if let Err(error) = self.tell_plugin() {
            tracing::warn!("The source failed to take its last acknowledgements: {}", error.trace().trim_end());
        }
        if let Err(error) = self.parts.plugin.stop() {
            tracing::warn!("The source failed to stop: {}", error.trace().trim_end());
        }
        result.and(refused)
    }
}

/// Where the record of a dead letter was read, as JSON like in the offset store. Kafka Connect has no names for these.
fn position_headers(position: &SourcePosition) -> Vec<RawHeader> {
    let header = |name: &str, map: Option<&OffsetMap>| {
        // What cannot be stored fails the task when the record is submitted.
        let json = positions::to_json(map?).ok()?;
        let text = serde_json::Value::Object(json).to_string();
        let text = match LogContext::current() {
            Some(context) => context.confidential().hide(&text).into_owned(),
            None => text,
        };
        Some(RawHeader { key: name.into(), value: AbiOption::RSome(Blob::from(text.into_bytes())) })
    };
    let partition = header("__ferroconnect.errors.source.partition", position.partition.as_deref());
    let offset = header("__ferroconnect.errors.source.offset", position.offset.as_ref().into());
    partition.into_iter().chain(offset).collect()
}

/// The partition that a record is meant for. librdkafka would take -1 as "any".
fn partition(record: &Record) -> Result<Option<i32>> {
    match record.partition.into_option() {
        Some(number) if number < 0 => Err(ConnectError::connect(format!(
            "Invalid partition: {number}. Partition number should always be non-negative or null."
        ))
        .with_class("java.lang.IllegalArgumentException")),
        partition => Ok(partition),
    }
}

fn stopped_while_sending() -> ConnectError {
    ConnectError::timeout("The task was stopped while the producer's queue was full; the records are read again")
}
