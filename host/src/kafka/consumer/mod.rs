//! A consumer that takes records in batches.
//!
//! librdkafka's batch call with its callback interface is several times as fast as one call per
//! record. Rebalances and answers to commits arrive inside [`BatchConsumer::consume_batch`], on
//! the calling thread, through a [`RebalanceHandler`].
//!
//! What is not here: which offsets to commit, and when.

mod batch;
mod close;
mod commit;
mod pattern;
mod rebalance;
#[cfg(test)]
pub(in crate::kafka) mod tests;

use std::cell::RefCell;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use rdkafka::bindings as rd;

use super::client_config::ClientSettings;
use super::error::KafkaError;
use super::native::{Handle, Queue, c_string, millis};
use super::partitions::{Entry, PartitionList, TopicPartition, TopicPartitionOffset};
use crate::error::Result;
use batch::TopicNames;
pub use batch::{Headers, MessageBatch, MessageRef, PartitionError, Timestamp};
use pattern::PatternWatch;
use rebalance::Callbacks;
pub use rebalance::{AssignedPartition, NoHandler, RebalanceHandler, StartOffset};

/// How long [`BatchConsumer::close`] waits for the group, the handler's own time included.
pub const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

/// A member of a consumer group. May move between threads, but is used by one at a time.
///
/// Dropping it leaves the group without telling a handler; call [`BatchConsumer::close`].
pub struct BatchConsumer {
    // Before `handle`: both have to go before the client is destroyed.
    queue: Queue,
    watch: RefCell<Option<PatternWatch>>,
    handle: Arc<Handle>,
    names: RefCell<TopicNames>,
    commits: commit::PendingCommits,
    api_timeout: Duration,
    exclude_internal_topics: bool,
    metadata_interval: Duration,
    closed: std::cell::Cell<bool>,
}

impl BatchConsumer {
    /// Makes a consumer. Does not wait for a broker.
    ///
    /// # Errors
    /// A config error if settings contradict each other or the group id is missing.
    pub fn new(settings: &ClientSettings) -> Result<Self> {
        let callbacks: Box<Callbacks> = Box::default();
        let handle = Handle::new(settings, callbacks, rebalance::register)?;
        // SAFETY: the handle is valid. The reference to the queue is ours. Redirecting the main
        // queue to the consumer queue lets one call serve both.
        let queue = unsafe {
            let result = rd::rd_kafka_poll_set_consumer(handle.as_ptr());
            KafkaError::check(result)?;
            Queue::take(rd::rd_kafka_queue_get_consumer(handle.as_ptr()))
        };
        let Some(queue) = queue else {
            return Err(crate::error::ConnectError::config("Missing configuration group.id: a consumer needs a group"));
        };
        let interval = settings
            .value("topic.metadata.refresh.interval.ms")
            .and_then(|value| value.parse().ok())
            .unwrap_or(300_000);
        Ok(Self {
            queue,
            watch: RefCell::new(None),
            handle: Arc::new(handle),
            names: RefCell::default(),
            commits: commit::PendingCommits::default(),
            api_timeout: settings.api_timeout(),
            exclude_internal_topics: settings.exclude_internal_topics(),
            metadata_interval: Duration::from_millis(interval),
            closed: std::cell::Cell::new(false),
        })
    }

    /// The client id in use.
    pub fn client_id(&self) -> &str {
        self.handle.client_id()
    }

    /// Subscribes to topics, in place of what was subscribed before. The group is joined while
    /// batches are consumed.
    ///
    /// # Errors
    /// If a name cannot be that of a topic.
    pub fn subscribe_topics(&self, topics: &[impl AsRef<str>]) -> Result<(), KafkaError> {
        *self.watch.borrow_mut() = None;
        self.subscribe(topics)
    }

    fn subscribe(&self, topics: &[impl AsRef<str>]) -> Result<(), KafkaError> {
        if topics.is_empty() {
            // SAFETY: the handle is valid.
            return KafkaError::check(unsafe { rd::rd_kafka_unsubscribe(self.handle.as_ptr()) });
        }
        let mut list = PartitionList::with_capacity(topics.len());
        for topic in topics {
            list.add(topic.as_ref(), -1)?;
        }
        // SAFETY: handle and list are valid; the list is copied.
        KafkaError::check(unsafe { rd::rd_kafka_subscribe(self.handle.as_ptr(), list.as_ptr()) })
    }

    /// Subscribes to all topics whose whole name matches a Java regular expression. Topics are
    /// matched now and again at every metadata refresh (`metadata.max.age.ms`), because
    /// librdkafka's own matching knows too little of Java's syntax.
    ///
    /// # Errors
    /// If the pattern is no regular expression. An unreachable broker is no error; the topics are
    /// subscribed to when it answers.
    pub fn subscribe_pattern(&self, pattern: &str) -> Result<()> {
        let pattern = pattern::TopicPattern::new(pattern, self.exclude_internal_topics)?;
        let watch = PatternWatch::start(&self.handle, pattern, self.metadata_interval)?;
        *self.watch.borrow_mut() = Some(watch);
        Ok(())
    }

    /// Waits up to `timeout` for records and takes up to `max`. Rebalances and commit answers are
    /// passed to `handler` meanwhile. An empty batch means that the time passed, or only
    /// callbacks and errors came.
    ///
    /// # Errors
    /// A fatal error of the client, or one of a subscription by pattern. Errors of single
    /// partitions are in [`MessageBatch::errors`].
    ///
    /// # Panics
    /// Goes on with a panic of `handler`.
    pub fn consume_batch(
        &self,
        max: usize,
        timeout: Duration,
        handler: &mut dyn RebalanceHandler,
    ) -> Result<MessageBatch, KafkaError> {
        self.follow_pattern()?;
        let mut raw = batch::RawBatch::with_capacity(max);
        let revoked = rebalance::with_handler(self, handler, || {
            // The batch call waits until the batch is full, so the waiting is done for one record
            // only, and the others are those that are there already.
            if raw.fill(&self.queue, 1, timeout) > 0 {
                raw.fill(&self.queue, max.saturating_sub(1), Duration::ZERO);
            }
        });
        let (batch, rewind) = raw.finish(&self.handle, &mut self.names.borrow_mut(), &revoked);
        self.take_back(rewind)?;
        match self.handle.fatal_error() {
            Some(error) => Err(error),
            None => Ok(batch),
        }
    }

    /// Reads again what was taken off the queue just before its partition was revoked, where the
    /// partition came back within the same call.
    fn take_back(&self, rewind: Vec<TopicPartitionOffset>) -> Result<(), KafkaError> {
        if rewind.is_empty() {
            return Ok(());
        }
        let assigned = self.assignment()?;
        let rewind: Vec<_> = rewind.into_iter().filter(|entry| assigned.contains(&entry.partition)).collect();
        if rewind.is_empty() {
            return Ok(());
        }
        self.seek(&rewind, self.api_timeout)
    }

    fn follow_pattern(&self) -> Result<(), KafkaError> {
        let news = self.watch.borrow().as_ref().and_then(PatternWatch::news);
        match news {
            Some(topics) => {
                tracing::info!(?topics, "Topics that match the pattern");
                self.subscribe(&topics)
            }
            None => Ok(()),
        }
    }

    /// Moves partitions of the assignment to other offsets. Records of earlier batches are not
    /// touched.
    ///
    /// # Errors
    /// If a partition is not assigned or the time passes.
    pub fn seek(&self, offsets: &[TopicPartitionOffset], timeout: Duration) -> Result<(), KafkaError> {
        let list = PartitionList::of_offsets(offsets)?;
        // SAFETY: handle and list are valid; the error, if any, is ours.
        unsafe {
            let handle = self.handle.as_ptr();
            let error = rd::rd_kafka_seek_partitions(handle, list.as_ptr(), millis(timeout));
            KafkaError::take(error)?;
        }
        first_error(&list)
    }

    /// Stops fetching partitions of the assignment, until they are resumed or revoked.
    ///
    /// # Errors
    /// If a partition is not assigned.
    pub fn pause(&self, partitions: &[TopicPartition]) -> Result<(), KafkaError> {
        let list = PartitionList::of(partitions)?;
        // SAFETY: handle and list are valid.
        KafkaError::check(unsafe { rd::rd_kafka_pause_partitions(self.handle.as_ptr(), list.as_ptr()) })?;
        first_error(&list)
    }

    /// Goes on fetching paused partitions.
    ///
    /// # Errors
    /// If a partition is not assigned.
    pub fn resume(&self, partitions: &[TopicPartition]) -> Result<(), KafkaError> {
        let list = PartitionList::of(partitions)?;
        // SAFETY: handle and list are valid.
        KafkaError::check(unsafe { rd::rd_kafka_resume_partitions(self.handle.as_ptr(), list.as_ptr()) })?;
        first_error(&list)
    }

    /// The offset after the last record that was consumed, per partition; `None` where nothing was
    /// consumed since the assignment.
    ///
    /// # Errors
    /// If a partition is not assigned.
    pub fn position(&self, partitions: &[TopicPartition]) -> Result<Vec<(TopicPartition, Option<i64>)>, KafkaError> {
        let list = PartitionList::of(partitions)?;
        // SAFETY: handle and list are valid; the list is filled in.
        KafkaError::check(unsafe { rd::rd_kafka_position(self.handle.as_ptr(), list.as_ptr()) })?;
        offsets(&list)
    }

    /// The committed offset of the group, per partition; `None` where there is none.
    ///
    /// # Errors
    /// If the brokers do not answer in time or refuse.
    pub fn committed(
        &self,
        partitions: &[TopicPartition],
        timeout: Duration,
    ) -> Result<Vec<(TopicPartition, Option<i64>)>, KafkaError> {
        let list = PartitionList::of(partitions)?;
        // SAFETY: handle and list are valid; the list is filled in.
        KafkaError::check(unsafe { rd::rd_kafka_committed(self.handle.as_ptr(), list.as_ptr(), millis(timeout)) })?;
        offsets(&list)
    }

    /// The partitions assigned now.
    ///
    /// # Errors
    /// After the consumer was closed.
    pub fn assignment(&self) -> Result<Vec<TopicPartition>, KafkaError> {
        let mut list = std::ptr::null_mut();
        // SAFETY: the handle is valid; the new list is ours.
        let list = unsafe {
            KafkaError::check(rd::rd_kafka_assignment(self.handle.as_ptr(), &mut list))?;
            PartitionList::take(list)
        };
        let entries = list.map(|list| list.entries()).unwrap_or_default();
        Ok(entries.into_iter().map(|entry| entry.partition).collect())
    }

    /// The lowest offset and the one after the highest, as of the last fetch; asks no broker.
    /// `None` before the first fetch.
    pub fn watermarks(&self, partition: &TopicPartition) -> Option<(i64, i64)> {
        watermarks(&self.handle, &partition.topic, partition.partition)
    }

    /// Gives the end of a partition to other threads, as [`watermarks`](Self::watermarks) does; `None` once the consumer
    /// is gone.
    pub fn ends(&self) -> impl Fn(&str, i32) -> Option<i64> + Send + Sync + use<> {
        let handle = Arc::downgrade(&self.handle);
        move |topic, partition| watermarks(&*handle.upgrade()?, topic, partition).map(|(_, high)| high)
    }

    /// Records, and now and then another event, that were fetched and not yet consumed.
    pub fn queued(&self) -> usize {
        // SAFETY: the queue is valid.
        unsafe { rd::rd_kafka_queue_length(self.queue.as_ptr()) }
    }

    /// How many records are left behind the position, as of the last fetch.
    pub fn lag(&self, partition: &TopicPartition) -> Option<i64> {
        let (_, high) = self.watermarks(partition)?;
        let position = self.position(std::slice::from_ref(partition)).ok()?;
        let (_, position) = position.into_iter().next()?;
        Some((high - position?).max(0))
    }

    /// The newest error of the client as a whole, such as an unreachable broker.
    pub fn last_error(&self) -> Option<KafkaError> {
        self.handle.last_error()
    }

    /// Leaves the group: the assignment is revoked through `handler`, which may commit, and the
    /// group is told. Batches stay valid. If the group does not answer within [`CLOSE_TIMEOUT`],
    /// leaving it goes on in the background, without the handler.
    ///
    /// # Panics
    /// Goes on with a panic of `handler`.
    pub fn close(&self, handler: &mut dyn RebalanceHandler) {
        if self.closed.replace(true) {
            return;
        }
        *self.watch.borrow_mut() = None;
        let mut closing = None;
        rebalance::with_handler(self, handler, || {
            closing = close::Closing::begin(&self.handle);
            if let Some(begun) = &closing
                && begun.serve(CLOSE_TIMEOUT)
            {
                closing = None;
            }
        });
        if let Some(closing) = closing {
            tracing::warn!(
                "The consumer group did not answer within {CLOSE_TIMEOUT:?}; leaving it goes on in the background"
            );
            closing.go_on_in_background();
        }
    }
}

impl Drop for BatchConsumer {
    fn drop(&mut self) {
        self.close(&mut NoHandler);
    }
}

impl fmt::Debug for BatchConsumer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BatchConsumer").field("client_id", &self.client_id()).finish()
    }
}

fn watermarks(handle: &Handle, topic: &str, partition: i32) -> Option<(i64, i64)> {
    let topic = c_string("topic name", topic).ok()?;
    let (mut low, mut high) = (-1, -1);
    // SAFETY: the handle and all pointers are valid.
    let result =
        unsafe { rd::rd_kafka_get_watermark_offsets(handle.as_ptr(), topic.as_ptr(), partition, &mut low, &mut high) };
    (KafkaError::check(result).is_ok() && low >= 0 && high >= 0).then_some((low, high))
}

fn first_error(list: &PartitionList) -> Result<(), KafkaError> {
    for entry in list.entries() {
        entry.result.map_err(|error| {
            let text = format!("{}: {}", entry.partition, error.text());
            error.with_text(text)
        })?;
    }
    Ok(())
}

fn offsets(list: &PartitionList) -> Result<Vec<(TopicPartition, Option<i64>)>, KafkaError> {
    let entry = |entry: Entry| entry.result.map(|()| (entry.partition, entry.offset));
    list.entries().into_iter().map(entry).collect()
}
