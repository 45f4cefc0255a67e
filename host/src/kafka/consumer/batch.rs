//! Batches of records that stay in librdkafka's memory.

use std::collections::HashSet;
use std::ffi::{CStr, c_void};
use std::fmt;
use std::marker::PhantomData;
use std::ops::Range;
use std::ptr::NonNull;
use std::sync::Arc;
use std::time::Duration;

use rdkafka::bindings as rd;
use rdkafka::types::RDKafkaRespErr as Code;

use crate::kafka::error::{KafkaError, c_text};
use crate::kafka::native::{Handle, Queue, millis};
use crate::kafka::partitions::{TopicPartition, TopicPartitionOffset};

/// Topic names seen so far, so that records share them.
#[derive(Default)]
pub(super) struct TopicNames(HashSet<Arc<str>>);

impl TopicNames {
    fn get(&mut self, name: &str) -> Arc<str> {
        if let Some(known) = self.0.get(name) {
            return Arc::clone(known);
        }
        let name: Arc<str> = name.into();
        self.0.insert(Arc::clone(&name));
        name
    }
}

/// One message, owned.
struct Message(NonNull<rd::rd_kafka_message_t>);

// SAFETY: a consumed message is not changed any more once `RawBatch::finish` has parsed its
// headers, and may be destroyed on any thread.
unsafe impl Send for Message {}
// SAFETY: as above.
unsafe impl Sync for Message {}

impl Message {
    fn raw(&self) -> &rd::rd_kafka_message_t {
        // SAFETY: owned and valid.
        unsafe { self.0.as_ref() }
    }

    /// The code as a number, because a broker may have sent one that the enum does not have.
    fn code(&self) -> i32 {
        // SAFETY: the field is valid and has the layout of a number.
        unsafe { (&raw const (*self.0.as_ptr()).err).cast::<i32>().read() }
    }

    /// The topic's name; none for errors of no topic.
    fn topic(&self) -> Option<&str> {
        let topic = self.raw().rkt;
        if topic.is_null() {
            return None;
        }
        // SAFETY: the topic lives as long as the message; its name is a C string.
        let name = unsafe { CStr::from_ptr(rd::rd_kafka_topic_name(topic)) };
        name.to_str().ok()
    }

    /// Makes librdkafka parse the headers, which it does at the first access and in place. Later
    /// accesses only read, so they may come from several threads.
    fn parse_headers(&self) {
        let mut headers = std::ptr::null_mut();
        // SAFETY: the message is valid, and nobody else has it yet.
        unsafe { rd::rd_kafka_message_headers(self.0.as_ptr(), &mut headers) };
    }
}

impl Drop for Message {
    fn drop(&mut self) {
        // SAFETY: owned here.
        unsafe { rd::rd_kafka_message_destroy(self.0.as_ptr()) }
    }
}

/// Messages as they come off the queue.
pub(super) struct RawBatch(Vec<*mut rd::rd_kafka_message_t>);

impl RawBatch {
    pub(super) fn with_capacity(max: usize) -> Self {
        Self(Vec::with_capacity(max))
    }

    /// Takes up to `max` more messages, waiting for all of them until the time has passed. Gives
    /// their number.
    pub(super) fn fill(&mut self, queue: &Queue, max: usize, timeout: Duration) -> usize {
        let max = max.min(self.0.capacity() - self.0.len());
        if max == 0 {
            return 0;
        }
        let room = self.0.spare_capacity_mut();
        // SAFETY: there is room for `max` pointers; the call writes as many as it answers.
        unsafe {
            let taken =
                rd::rd_kafka_consume_batch_queue(queue.as_ptr(), millis(timeout), room.as_mut_ptr().cast(), max);
            let taken = usize::try_from(taken).unwrap_or(0);
            self.0.set_len(self.0.len() + taken);
            taken
        }
    }

    /// Sorts records from errors. Records of `revoked` partitions, taken before the revocation,
    /// are destroyed; their offsets are the second answer, the lowest of each partition.
    pub(super) fn finish(
        mut self,
        handle: &Arc<Handle>,
        names: &mut TopicNames,
        revoked: &[TopicPartition],
    ) -> (MessageBatch, Vec<TopicPartitionOffset>) {
        let mut batch = MessageBatch {
            messages: Vec::with_capacity(self.0.len()),
            runs: Vec::new(),
            errors: Vec::new(),
            _handle: Arc::clone(handle),
        };
        let mut rewind: Vec<TopicPartitionOffset> = Vec::new();
        let mut run_topic: *mut rd::rd_kafka_topic_t = std::ptr::null_mut();
        for pointer in self.0.drain(..) {
            let message = Message(NonNull::new(pointer).expect("librdkafka gives messages"));
            if message.code() != 0 {
                batch.errors.push(PartitionError::of(&message, names));
                continue;
            }
            if !revoked.is_empty()
                && let Some(entry) = taken_too_early(&message, revoked)
            {
                match rewind.iter_mut().find(|e| e.partition == entry.partition) {
                    Some(known) => known.offset = known.offset.min(entry.offset),
                    None => rewind.push(entry),
                }
                continue;
            }
            message.parse_headers();
            if message.raw().rkt != run_topic || batch.runs.is_empty() {
                run_topic = message.raw().rkt;
                let name = names.get(message.topic().unwrap_or_default());
                batch.runs.push((batch.messages.len(), name));
            }
            batch.messages.push(message);
        }
        (batch, rewind)
    }
}

impl Drop for RawBatch {
    fn drop(&mut self) {
        for pointer in self.0.drain(..).filter_map(NonNull::new) {
            drop(Message(pointer));
        }
    }
}

fn taken_too_early(message: &Message, revoked: &[TopicPartition]) -> Option<TopicPartitionOffset> {
    let topic = message.topic()?;
    let partition =
        revoked.iter().find(|known| known.partition == message.raw().partition && &*known.topic == topic)?;
    Some(partition.at(message.raw().offset))
}

/// An error of a partition or topic that came in place of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartitionError {
    /// The topic, if the error belongs to one.
    pub topic: Option<Arc<str>>,
    /// The partition, if the error belongs to one.
    pub partition: Option<i32>,
    /// The offset, if the error belongs to one.
    pub offset: Option<i64>,
    /// What is wrong.
    pub error: KafkaError,
}

impl PartitionError {
    fn of(message: &Message, names: &mut TopicNames) -> Self {
        let raw = message.raw();
        // SAFETY: the message is valid; the text is null or a C string that it owns.
        let text = unsafe { c_text(rd::rd_kafka_message_errstr(raw)) };
        Self {
            topic: message.topic().map(|name| names.get(name)),
            partition: (raw.partition >= 0).then_some(raw.partition),
            offset: (raw.offset >= 0).then_some(raw.offset),
            error: KafkaError::from_code(message.code()).with_text(text),
        }
    }

    /// True if this only says that the end of a partition was reached (`enable.partition.eof`).
    pub fn is_end_of_partition(&self) -> bool {
        self.error.is(Code::RD_KAFKA_RESP_ERR__PARTITION_EOF)
    }
}

/// Records of one call, in librdkafka's memory. Keys, values and headers are borrowed from it, so
/// share the batch (`Arc`) to keep them. May be used and dropped on any thread; the client lives on
/// until then.
pub struct MessageBatch {
    // Before `_handle`: messages go before the client.
    messages: Vec<Message>,
    /// Where each run of records of one topic begins, and the topic's name.
    runs: Vec<(usize, Arc<str>)>,
    errors: Vec<PartitionError>,
    _handle: Arc<Handle>,
}

impl MessageBatch {
    /// Number of records.
    pub fn len(&self) -> usize {
        self.messages.len()
    }

    /// True if there are no records; there may be errors.
    pub fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    /// Errors that came in place of records.
    pub fn errors(&self) -> &[PartitionError] {
        &self.errors
    }

    /// The records in the order they came: ascending offsets within a partition.
    pub fn iter(&self) -> impl Iterator<Item = MessageRef<'_>> {
        self.runs.iter().enumerate().flat_map(|(index, (start, topic))| {
            let end = self.runs.get(index + 1).map_or(self.len(), |next| next.0);
            self.messages[*start..end].iter().map(move |message| MessageRef { message, topic })
        })
    }

    /// One record.
    pub fn get(&self, index: usize) -> Option<MessageRef<'_>> {
        let message = self.messages.get(index)?;
        let run = self.runs.partition_point(|(start, _)| *start <= index);
        let (_, topic) = self.runs.get(run.checked_sub(1)?)?;
        Some(MessageRef { message, topic })
    }
}

impl fmt::Debug for MessageBatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MessageBatch").field("records", &self.len()).field("errors", &self.errors).finish()
    }
}

/// When a record was made or stored, in milliseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Timestamp {
    /// The record has none.
    None,
    /// Set by the producer.
    Create(i64),
    /// Set by the broker when it appended the record.
    LogAppend(i64),
}

/// A record of a batch.
#[derive(Clone, Copy)]
pub struct MessageRef<'a> {
    message: &'a Message,
    topic: &'a Arc<str>,
}

impl<'a> MessageRef<'a> {
    /// The topic's name, shared by all records of the topic.
    pub fn topic(&self) -> &'a Arc<str> {
        self.topic
    }

    /// The partition.
    pub fn partition(&self) -> i32 {
        self.message.raw().partition
    }

    /// The offset.
    pub fn offset(&self) -> i64 {
        self.message.raw().offset
    }

    /// The key; `None` is null.
    pub fn key(&self) -> Option<&'a [u8]> {
        let raw = self.message.raw();
        // SAFETY: pointer and length belong together and to the message, which lives for 'a.
        unsafe { bytes(raw.key, raw.key_len) }
    }

    /// The value; `None` is null.
    pub fn value(&self) -> Option<&'a [u8]> {
        let raw = self.message.raw();
        // SAFETY: as above.
        unsafe { bytes(raw.payload, raw.len) }
    }

    /// The timestamp and who set it.
    pub fn timestamp(&self) -> Timestamp {
        use rd::rd_kafka_timestamp_type_t as Kind;
        let mut kind = Kind::RD_KAFKA_TIMESTAMP_NOT_AVAILABLE;
        // SAFETY: both pointers are valid.
        let millis = unsafe { rd::rd_kafka_message_timestamp(self.message.raw(), &mut kind) };
        match kind {
            Kind::RD_KAFKA_TIMESTAMP_CREATE_TIME => Timestamp::Create(millis),
            Kind::RD_KAFKA_TIMESTAMP_LOG_APPEND_TIME => Timestamp::LogAppend(millis),
            Kind::RD_KAFKA_TIMESTAMP_NOT_AVAILABLE => Timestamp::None,
        }
    }

    /// Headers in order; the same name may come several times.
    pub fn headers(&self) -> Headers<'a> {
        let mut list = std::ptr::null_mut();
        // SAFETY: the message is valid and its headers were parsed when the batch was made, so
        // this only reads.
        let count = unsafe {
            match rd::rd_kafka_message_headers(self.message.raw(), &mut list) {
                Code::RD_KAFKA_RESP_ERR_NO_ERROR => rd::rd_kafka_header_cnt(list),
                _ => 0,
            }
        };
        Headers { list, left: 0..count, message: PhantomData }
    }
}

/// # Safety
/// `data` is null or points to `len` bytes that live and do not change for `'a`.
unsafe fn bytes<'a>(data: *const c_void, len: usize) -> Option<&'a [u8]> {
    if data.is_null() {
        return None;
    }
    // SAFETY: by the contract of this function.
    Some(unsafe { std::slice::from_raw_parts(data.cast(), len) })
}

/// Headers of a record: name and value, `None` for null.
pub struct Headers<'a> {
    list: *const rd::rd_kafka_headers_t,
    left: Range<usize>,
    message: PhantomData<&'a Message>,
}

impl<'a> Iterator for Headers<'a> {
    type Item = (std::borrow::Cow<'a, str>, Option<&'a [u8]>);

    fn next(&mut self) -> Option<Self::Item> {
        let index = self.left.next()?;
        let mut name = std::ptr::null();
        let mut value = std::ptr::null();
        let mut len = 0;
        // SAFETY: the list has an element of this index and lives as long as the message; names
        // are C strings, values have the length given.
        unsafe {
            rd::rd_kafka_header_get_all(self.list, index, &mut name, &mut value, &mut len);
            Some((c_text(name), bytes(value, len)))
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.left.size_hint()
    }
}

impl ExactSizeIterator for Headers<'_> {}
