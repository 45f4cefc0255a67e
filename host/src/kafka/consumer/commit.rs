//! Commits of offsets, waiting or not.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::ffi::c_void;
use std::time::Duration;

use rdkafka::bindings as rd;
use rdkafka::types::RDKafkaRespErr as Code;

use super::{BatchConsumer, rebalance};
use crate::kafka::error::KafkaError;
use crate::kafka::native::Queue;
use crate::kafka::partitions::{PartitionList, TopicPartitionOffset, read_entries};

/// Asynchronous commits whose answers have not come. librdkafka only carries their numbers, so
/// nothing is lost when it drops an answer.
#[derive(Default)]
pub(super) struct PendingCommits {
    next: Cell<u64>,
    waiting: RefCell<HashMap<u64, Pending>>,
}

/// One asynchronous commit.
pub(super) struct Pending {
    pub(super) token: u64,
    pub(super) offsets: Vec<TopicPartitionOffset>,
}

impl PendingCommits {
    fn add(&self, pending: Pending) -> u64 {
        let number = self.next.get();
        self.next.set(number + 1);
        self.waiting.borrow_mut().insert(number, pending);
        number
    }

    pub(super) fn take(&self, number: u64) -> Option<Pending> {
        self.waiting.borrow_mut().remove(&number)
    }
}

impl BatchConsumer {
    /// Commits offsets and waits for the broker's answer. Works inside
    /// [`super::RebalanceHandler::revoked`] too. Nothing to commit is success.
    ///
    /// # Errors
    /// The first error of any partition, named in its text; a time-out if no answer came, which
    /// leaves open whether the offsets were committed.
    pub fn commit_sync(&self, offsets: &[TopicPartitionOffset], timeout: Duration) -> Result<(), KafkaError> {
        if offsets.is_empty() {
            return Ok(());
        }
        let list = PartitionList::of_offsets(offsets)?;
        let answers = Queue::new(&self.handle);
        // SAFETY: handle, list and queue are valid; the list is copied. Without a callback, the
        // answer is an event.
        KafkaError::check(unsafe {
            rd::rd_kafka_commit_queue(self.handle.as_ptr(), list.as_ptr(), answers.as_ptr(), None, std::ptr::null_mut())
        })?;
        let Some(event) = answers.poll(timeout) else {
            return Err(KafkaError::new(
                Code::RD_KAFKA_RESP_ERR__TIMED_OUT,
                format!("The commit was not answered within {timeout:?}"),
            ));
        };
        // SAFETY: the event is valid and owns the list.
        unsafe {
            let list = rd::rd_kafka_event_topic_partition_list(event.as_ptr());
            commit_result(event.error().map_or(Ok(()), Err), list)
        }
    }

    /// Commits offsets without waiting. The answer comes with `token` to
    /// [`super::RebalanceHandler::committed`] during a later [`BatchConsumer::consume_batch`].
    ///
    /// # Errors
    /// If the request could not even be made.
    pub fn commit_async(&self, offsets: Vec<TopicPartitionOffset>, token: u64) -> Result<(), KafkaError> {
        let list = PartitionList::of_offsets(&offsets)?;
        let number = self.commits.add(Pending { token, offsets });
        // SAFETY: handle, list and queue are valid; the list is copied; the opaque is a number.
        let result = unsafe {
            rd::rd_kafka_commit_queue(
                self.handle.as_ptr(),
                list.as_ptr(),
                self.queue.as_ptr(),
                Some(on_answer),
                number as *mut c_void,
            )
        };
        KafkaError::check(result).inspect_err(|_| {
            self.commits.take(number);
        })
    }
}

/// The result of a commit: the first error of a partition says more than that of the whole.
///
/// # Safety
/// `list` is null or a valid list.
unsafe fn commit_result(
    whole: Result<(), KafkaError>,
    list: *const rd::rd_kafka_topic_partition_list_t,
) -> Result<(), KafkaError> {
    // SAFETY: by the contract of this function.
    for entry in unsafe { read_entries(list) } {
        entry.result.map_err(|error| {
            let text = format!("{}: {}", entry.partition, error.text());
            error.with_text(text)
        })?;
    }
    whole
}

unsafe extern "C" fn on_answer(
    client: *mut rd::rd_kafka_t,
    code: Code,
    list: *mut rd::rd_kafka_topic_partition_list_t,
    opaque: *mut c_void,
) {
    // SAFETY: list and client are valid during the callback, which runs where rebalances do.
    unsafe {
        let result = commit_result(KafkaError::check(code), list);
        rebalance::deliver_commit(client, opaque as u64, result);
    }
}
