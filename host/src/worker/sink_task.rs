//! The life of one sink task, on its own thread: consume, convert, put, commit.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ferroconnect_plugin_abi::Text;
use ferroconnect_plugin_abi::record::PartitionOffset;
use rdkafka::types::RDKafkaRespErr as Code;

use crate::config::{Props, PutErrors};
use crate::error::{ConnectError, Result};
use crate::kafka::consumer::AssignedPartition;
use crate::kafka::{BatchConsumer, KafkaError, RebalanceHandler, TopicPartition, TopicPartitionOffset};
use crate::pipeline::SinkPipeline;
use crate::plugins::api::{self, SinkTaskContext};
use crate::stages::RawMessage;
use crate::storage::TaskState;

use super::consumed::Intake;
use super::dead_letters::DeadLetterQueue;
use super::dead_letters::holds::Holds;
use super::lifecycle::{Lifecycle, Next};
use super::metrics::SinkMetrics;
use super::originals::Originals;
use super::sink_offsets::{Partition, SinkOffsets};
use super::sink_put::{Put, Waiting};
use super::sink_requests::{SinkRequests, to_abi};
use super::task::TaskReporter;
use super::topic_tracking::TopicTracker;

/// The longest time between two looks at what is wanted of the task.
const LONGEST_WAIT: Duration = Duration::from_millis(500);
/// The pause before a retry where the plugin names none.
const DEFAULT_RETRY: Duration = Duration::from_secs(1);

/// How long a task that was stopped waits for dead letters that were written after its partitions went.
const LAST_LETTERS: Duration = Duration::from_millis(500);

/// The topics of a sink.
#[derive(Debug, Clone)]
pub(crate) enum Subscription {
    /// By name.
    Topics(Vec<String>),
    /// By a Java regular expression over whole names.
    Pattern(String),
}

/// Everything a sink task needs, made before its plugin starts.
pub(crate) struct SinkParts {
    pub(crate) plugin: api::SinkTask,
    pub(crate) requests: Arc<SinkRequests>,
    /// The task's configuration, variables resolved.
    pub(crate) config: Props,
    pub(crate) pipeline: SinkPipeline,
    /// Where records come from, when the plugin reports one.
    pub(crate) originals: Option<Arc<Originals>>,
    /// What holds back commits.
    pub(crate) holds: Arc<Holds>,
    pub(crate) dead_letters: Option<Arc<DeadLetterQueue>>,
    /// Which errors of `put` reject a record rather than fail the task.
    pub(crate) put_errors: PutErrors,
    pub(crate) subscription: Subscription,
    /// `offset.flush.interval.ms`.
    pub(crate) commit_interval: Duration,
    /// `offset.flush.timeout.ms`.
    pub(crate) commit_timeout: Duration,
    /// The most records of one `put`.
    pub(crate) max_records: usize,
    pub(crate) topics: TopicTracker,
    pub(crate) metrics: SinkMetrics,
}

pub(super) struct Running<'a> {
    pub(super) parts: SinkParts,
    pub(super) lifecycle: &'a Lifecycle,
    offsets: SinkOffsets,
    intake: Intake,
    pub(super) messages: Vec<RawMessage>,
    pub(super) waiting: Waiting,
    /// The waiting records were refused with a retriable error and are to be put again at this time.
    retry_at: Option<Instant>,
    paused_by_plugin: BTreeSet<Partition>,
    paused_by_user: bool,
    last_commit: Instant,
    /// What failed inside a rebalance, where it could not be returned.
    failure: Option<ConnectError>,
}

/// Runs the task until it is stopped or fails. The plugin is stopped in any case.
pub(crate) fn run(
    parts: SinkParts,
    consumer: &BatchConsumer,
    lifecycle: &Lifecycle,
    reporter: &TaskReporter,
) -> Result<()> {
    let mut running = Running {
        lifecycle,
        offsets: SinkOffsets::default(),
        intake: Intake::new(parts.originals.clone()),
        parts,
        messages: Vec::new(),
        waiting: Waiting::default(),
        retry_at: None,
        paused_by_plugin: BTreeSet::new(),
        paused_by_user: false,
        last_commit: Instant::now(),
        failure: None,
    };
    let result = running.start(consumer).and_then(|()| {
        reporter.report(TaskState::Running);
        tracing::info!("Executing sink task");
        running.consume_loop(consumer, reporter)
    });
    running.finish(consumer, result)
}

impl Running<'_> {
    fn start(&mut self, consumer: &BatchConsumer) -> Result<()> {
        match &self.parts.subscription {
            Subscription::Topics(topics) => consumer.subscribe_topics(topics).map_err(ConnectError::from)?,
            Subscription::Pattern(pattern) => consumer.subscribe_pattern(pattern)?,
        }
        let context: Arc<dyn SinkTaskContext> = self.parts.requests.clone();
        self.parts.plugin.start(context, &self.parts.config)
    }

    fn consume_loop(&mut self, consumer: &BatchConsumer, reporter: &TaskReporter) -> Result<()> {
        loop {
            match self.lifecycle.next() {
                Next::Stop => return Ok(()),
                next => self.follow_user(consumer, next == Next::Pause, reporter)?,
            }
            self.follow_plugin(consumer)?;
            if self.last_commit.elapsed() >= self.parts.commit_interval || self.parts.requests.take_commit() {
                self.commit(consumer, None)?;
                self.last_commit = Instant::now();
            }
            self.consume(consumer)?;
            self.judge()?;
            if self.lifecycle.is_abandoned() {
                return Ok(());
            }
            self.deliver(consumer)?;
        }
    }

    /// Fails the task for what failed elsewhere: inside a rebalance, in a report that is not tolerated, or on the way
    /// to the dead-letter topic.
    pub(super) fn judge(&mut self) -> Result<()> {
        if let Some(letters) = &self.parts.dead_letters
            && self.parts.holds.any_under_way()
        {
            letters.fetch(Duration::ZERO);
        }
        self.failure.take().or_else(|| self.parts.holds.failure()).map_or(Ok(()), Err)
    }

    /// Pauses or resumes all partitions as the connector's user wants it.
    fn follow_user(&mut self, consumer: &BatchConsumer, pause: bool, reporter: &TaskReporter) -> Result<()> {
        if pause == self.paused_by_user {
            return Ok(());
        }
        self.paused_by_user = pause;
        if pause {
            self.pause_all(consumer)?;
            self.commit(consumer, None)?;
            reporter.report(TaskState::Paused);
        } else {
            self.resume_wanted(consumer)?;
            reporter.report(TaskState::Running);
        }
        Ok(())
    }

    /// Does what the plugin asked for: rewinding, pausing, resuming.
    fn follow_plugin(&mut self, consumer: &BatchConsumer) -> Result<()> {
        let asked = self.parts.requests.take();
        if asked.commit {
            self.last_commit = Instant::now().checked_sub(self.parts.commit_interval).unwrap_or(self.last_commit);
        }
        if !asked.rewind.is_empty() {
            self.rewind(consumer, asked.rewind)?;
        }
        if !asked.pause.is_empty() {
            let pause: Vec<_> = asked.pause.iter().filter(|p| self.is_assigned(p)).map(to_kafka).collect();
            consumer.pause(&pause)?;
            self.paused_by_plugin.extend(asked.pause);
        }
        if !asked.resume.is_empty() {
            self.paused_by_plugin.retain(|partition| !asked.resume.contains(partition));
            if !self.paused_by_user && self.retry_at.is_none() {
                let resume: Vec<_> = asked.resume.iter().filter(|p| self.is_assigned(p)).map(to_kafka).collect();
                consumer.resume(&resume)?;
            }
        }
        Ok(())
    }

    fn is_assigned(&self, partition: &Partition) -> bool {
        self.offsets.partitions().any(|assigned| assigned == partition)
    }

    fn rewind(&mut self, consumer: &BatchConsumer, offsets: Vec<(Partition, i64)>) -> Result<()> {
        let mut seek = Vec::new();
        for (partition, offset) in offsets {
            if self.offsets.rewind(&partition, offset) {
                seek.push(to_kafka(&partition).at(offset));
            } else {
                tracing::warn!("Rewinding {}-{} is not possible: it is not assigned", partition.0, partition.1);
            }
        }
        let rewound: Vec<Partition> = seek.iter().map(|entry| from_kafka(&entry.partition)).collect();
        self.forget_records(&rewound);
        Ok(consumer.seek(&seek, self.parts.commit_timeout)?)
    }

    /// Drops records of partitions that are not ours any more, or are read again from elsewhere.
    fn forget_records(&mut self, partitions: &[Partition]) {
        let gone = |topic: &Text, partition: i32| {
            partitions.iter().any(|(name, number)| *number == partition && **name == **topic)
        };
        self.waiting.retain(|record| !gone(&record.origin.topic, record.origin.partition));
        self.intake.forget(partitions);
        if self.waiting.is_empty() {
            self.retry_at = None;
        }
    }

    fn pause_all(&self, consumer: &BatchConsumer) -> Result<()> {
        let all: Vec<_> = self.offsets.partitions().map(to_kafka).collect();
        Ok(consumer.pause(&all)?)
    }

    fn resume_wanted(&self, consumer: &BatchConsumer) -> Result<()> {
        if self.paused_by_user || self.retry_at.is_some() {
            return Ok(());
        }
        let wanted = self.offsets.partitions().filter(|partition| !self.paused_by_plugin.contains(*partition));
        let wanted: Vec<_> = wanted.map(to_kafka).collect();
        Ok(consumer.resume(&wanted)?)
    }

    /// Takes the next messages off the consumer. While records wait for a retry all partitions are paused, and this
    /// only keeps the group membership alive.
    fn consume(&mut self, consumer: &BatchConsumer) -> Result<()> {
        let until_commit = self.parts.commit_interval.saturating_sub(self.last_commit.elapsed());
        let until_retry = self.retry_at.map(|at| at.saturating_duration_since(Instant::now()));
        let wait = until_retry.unwrap_or(LONGEST_WAIT).min(until_commit).min(LONGEST_WAIT);
        let max = self.parts.max_records;
        let assigned_before = self.offsets.partitions().count();
        let begin = Instant::now();
        let batch = consumer.consume_batch(max, wait, self)?;
        let nothing_came = batch.is_empty();
        if !nothing_came {
            self.parts.metrics.polled(begin.elapsed());
        }
        self.parts.metrics.queued(consumer.queued());
        for error in batch.errors().iter().filter(|error| !error.is_end_of_partition()) {
            judge_partition_error(error.error.clone(), error.topic.as_deref(), error.partition)?;
        }
        self.intake.add(batch, &mut self.offsets);
        self.note_positions(consumer, nothing_came);
        if self.offsets.partitions().count() != assigned_before && (self.paused_by_user || self.retry_at.is_some()) {
            // Partitions that came while paused are to wait as well; what of them is here already waits in the intake.
            self.pause_all(consumer)?;
        }
        Ok(())
    }

    /// Notes where the task stands. A partition of which nothing was read since the assignment is read to its end if
    /// something was fetched and `nothing_came` of it.
    fn note_positions(&self, consumer: &BatchConsumer, nothing_came: bool) {
        let position = |(partition, delivered): (&Partition, Option<i64>)| match delivered {
            None if nothing_came => consumer.watermarks(&to_kafka(partition)).map(|(_, end)| end),
            delivered => delivered,
        };
        self.parts.metrics.positions(self.offsets.positions().map(position));
    }

    fn note_assignment(&mut self, consumer: &BatchConsumer) {
        self.parts.requests.set_assignment(self.offsets.partitions());
        self.parts.metrics.assigned(self.offsets.partitions());
        self.parts.metrics.active(self.offsets.uncommitted());
        self.note_positions(consumer, false);
    }

    /// Converts what has come and hands it to the plugin.
    fn deliver(&mut self, consumer: &BatchConsumer) -> Result<()> {
        if self.retry_at.is_some_and(|at| at > Instant::now()) || self.paused_by_user {
            return Ok(());
        }
        if self.retry_at.is_none() {
            if !self.intake.take(&mut self.messages) {
                return Ok(());
            }
            self.parts.topics.renew();
            for message in &self.messages {
                self.parts.topics.track(&message.topic);
            }
            let counts = self.parts.pipeline.process(&self.messages, self.waiting.begin())?;
            self.parts.metrics.read(self.messages.len(), counts, self.parts.pipeline.times());
            self.judge()?;
        }
        match self.put()? {
            Put::Delivered => {}
            Put::Again(error) => return self.plan_retry(consumer, &error),
            Put::Stopped => return Ok(()),
        }
        self.messages.clear();
        self.intake.delivered(&mut self.offsets);
        self.parts.metrics.active(self.offsets.uncommitted());
        self.note_positions(consumer, false);
        if self.retry_at.take().is_some() {
            self.resume_wanted(consumer)?;
        }
        Ok(())
    }

    fn plan_retry(&mut self, consumer: &BatchConsumer, error: &ConnectError) -> Result<()> {
        let asked = self.parts.requests.take_timeout();
        let pause = asked.unwrap_or(DEFAULT_RETRY);
        tracing::warn!("The sink asks for a retry, in {pause:?}: {}", error.trace().trim_end());
        if self.retry_at.replace(Instant::now() + pause).is_none() {
            self.pause_all(consumer)?;
        }
        Ok(())
    }

    /// Lets the plugin make durable what it was given, and tells Kafka. `closing` names the partitions that go away;
    /// none = a commit in passing.
    fn commit(&mut self, consumer: &BatchConsumer, closing: Option<&[Partition]>) -> Result<()> {
        let current: Vec<PartitionOffset> = self.offsets.current(closing).map(position).collect();
        if current.is_empty() {
            return Ok(());
        }
        let begin = Instant::now();
        let answer = match self.parts.plugin.pre_commit(current) {
            Ok(answer) => answer,
            Err(error) => {
                self.parts.metrics.commit_failed(begin.elapsed());
                return self.after_failed_flush(consumer, closing.is_some(), &error);
            }
        };
        let answer = answer.iter().map(|offset| ((Arc::from(offset.topic.as_str()), offset.partition), offset.offset));
        self.await_letters(if closing.is_some() { self.parts.commit_timeout } else { Duration::ZERO });
        let holds = &self.parts.holds;
        let plan = self.offsets.plan(answer, |partition| holds.first(partition));
        for refused in &plan.refused {
            tracing::warn!("The sink asks to commit {refused}; ignored");
        }
        let commit: Vec<TopicPartitionOffset> =
            plan.commit.iter().map(|(partition, offset)| to_kafka(partition).at(*offset)).collect();
        if commit.is_empty() {
            return Ok(());
        }
        match consumer.commit_sync(&commit, self.parts.commit_timeout) {
            Ok(()) => {
                self.offsets.committed(&plan.commit);
                self.parts.metrics.committed(begin.elapsed());
                self.parts.metrics.active(self.offsets.uncommitted());
            }
            Err(error) => {
                self.parts.metrics.commit_failed(begin.elapsed());
                tracing::error!("Commit of offsets failed; the next commit covers them: {error}");
            }
        }
        Ok(())
    }

    /// Gives dead letters so long to arrive. What has not arrived then holds back the commit.
    fn await_letters(&self, patience: Duration) {
        let Some(letters) = &self.parts.dead_letters else { return };
        if !letters.settle(patience) && !patience.is_zero() {
            tracing::warn!("Dead letters were not acknowledged within {patience:?}; their records are read again");
        }
    }

    /// What the plugin could not make durable is read again, from the last commit on.
    fn after_failed_flush(&mut self, consumer: &BatchConsumer, closing: bool, error: &ConnectError) -> Result<()> {
        tracing::warn!(
            "The sink could not flush; {} {}",
            if closing { "nothing is committed:" } else { "reading again from the last commit:" },
            error.trace().trim_end()
        );
        if closing {
            return Ok(());
        }
        let back = self.offsets.back_to_committed();
        let partitions: Vec<Partition> = back.iter().map(|(partition, _)| partition.clone()).collect();
        self.forget_records(&partitions);
        let seek: Vec<_> = back.iter().map(|(partition, offset)| to_kafka(partition).at(*offset)).collect();
        Ok(consumer.seek(&seek, self.parts.commit_timeout)?)
    }

    /// Closes partitions: what was delivered is flushed and committed, then the plugin lets go.
    fn close_partitions(&mut self, consumer: &BatchConsumer, partitions: &[Partition], commit: bool) -> Result<()> {
        self.forget_records(partitions);
        let flushed = if commit { self.commit(consumer, Some(partitions)) } else { Ok(()) };
        let closed = self.parts.plugin.close(partitions.iter().map(to_abi).collect());
        self.offsets.remove(partitions);
        self.parts.holds.forget(partitions);
        self.paused_by_plugin.retain(|partition| !partitions.contains(partition));
        self.note_assignment(consumer);
        flushed.and(closed)
    }

    fn finish(&mut self, consumer: &BatchConsumer, result: Result<()>) -> Result<()> {
        if self.lifecycle.is_abandoned() {
            return result;
        }
        // Revokes all partitions, which flushes, commits and closes them.
        consumer.close(self);
        if let Some(error) = self.failure.take() {
            tracing::warn!("The sink failed while it was closed: {}", error.trace().trim_end());
        }
        if let Err(error) = self.parts.plugin.stop() {
            tracing::warn!("The sink failed to stop: {}", error.trace().trim_end());
        }
        // A record that fails the task has a dead letter too, and so may what the plugin reported while it stopped.
        self.await_letters(if result.is_err() { self.parts.commit_timeout } else { LAST_LETTERS });
        result
    }

    fn note_failure(&mut self, result: Result<()>) {
        if let Err(error) = result {
            self.failure.get_or_insert(error);
        }
    }
}

impl RebalanceHandler for Running<'_> {
    fn assigned(&mut self, consumer: &BatchConsumer, partitions: &mut [AssignedPartition]) {
        let added: Vec<Partition> = partitions.iter().map(|assigned| from_kafka(&assigned.partition)).collect();
        tracing::debug!("Assigned: {added:?}");
        let opened = self.parts.plugin.open(added.iter().map(to_abi).collect());
        self.offsets.assign(added);
        self.note_assignment(consumer);
        self.note_failure(opened);
    }

    fn revoked(&mut self, consumer: &BatchConsumer, partitions: &[TopicPartition]) {
        let partitions: Vec<Partition> = partitions.iter().map(from_kafka).collect();
        let closed = self.close_partitions(consumer, &partitions, true);
        self.note_failure(closed);
    }

    fn lost(&mut self, consumer: &BatchConsumer, partitions: &[TopicPartition]) {
        let partitions: Vec<Partition> = partitions.iter().map(from_kafka).collect();
        tracing::warn!(
            "The group has given these partitions to others, records of them may be delivered twice: {partitions:?}"
        );
        let closed = self.close_partitions(consumer, &partitions, false);
        self.note_failure(closed);
    }
}

fn to_kafka((topic, partition): &Partition) -> TopicPartition {
    TopicPartition::new(Arc::clone(topic), *partition)
}

fn from_kafka(partition: &TopicPartition) -> Partition {
    (Arc::clone(&partition.topic), partition.partition)
}

fn position(((topic, partition), offset): (&Partition, i64)) -> PartitionOffset {
    PartitionOffset { topic: Text::from(&**topic), partition: *partition, offset }
}

/// Errors that will not go away by themselves fail the task; of the others the log is told.
fn judge_partition_error(error: KafkaError, topic: Option<&str>, partition: Option<i32>) -> Result<()> {
    let place = match (topic, partition) {
        (Some(topic), Some(partition)) => format!("{topic}-{partition}"),
        (Some(topic), None) => topic.to_owned(),
        _ => "the consumer".to_owned(),
    };
    if error.is_authorization() || error.is_fatal() || error.is(Code::RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET) {
        return Err(ConnectError::from(error).context(format!("Reading {place} failed")));
    }
    tracing::warn!("Reading {place}: {error}");
    Ok(())
}
