//! A thin producer: records in, delivery reports out in batches.
//!
//! Reports are fetched with [`Producer::reports`] rather than delivered through a callback per
//! record. Nothing is allocated here per record; librdkafka copies key and value once.
//!
//! What is not here: waiting for room when the queue is full, and retrying; the caller decides.

use std::ffi::{CString, c_int, c_void};
use std::fmt;
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rdkafka::bindings as rd;
use rdkafka::types::RDKafkaRespErr as Code;

use super::admin::metadata::{self, Scope};
use super::client_config::ClientSettings;
use super::error::{KafkaError, c_text};
use super::native::{Event, Handle, Queue, c_string, millis};
use super::partitions::{PartitionList, TopicPartitionOffset};
use crate::error::Result;

/// How long one step of a flush waits before reports are fetched again.
const FLUSH_STEP: Duration = Duration::from_millis(10);

/// A Kafka producer. All methods may be called from any thread.
///
/// Dropping it gives up records that were not delivered; call [`Producer::flush`] before.
pub struct Producer {
    // Before `handle`: the queue has to be given back before the client is destroyed.
    queue: Queue,
    handle: Arc<Handle>,
    outbound: AtomicU64,
    /// What the queue holds at most.
    queue_bytes: u64,
    /// The largest record (`max.request.size`).
    record_bytes: u64,
}

/// A topic of a producer. Cheap to clone; make it once per topic and keep it.
#[derive(Clone)]
pub struct Topic(Arc<TopicHandle>);

struct TopicHandle {
    topic: NonNull<rd::rd_kafka_topic_t>,
    name: Box<str>,
    /// Keeps the client alive as long as the topic.
    client: Arc<Handle>,
}

// SAFETY: topics of librdkafka are thread-safe.
unsafe impl Send for TopicHandle {}
// SAFETY: as above.
unsafe impl Sync for TopicHandle {}

impl Topic {
    /// The topic's name.
    pub fn name(&self) -> &str {
        &self.0.name
    }
}

impl Drop for TopicHandle {
    fn drop(&mut self) {
        // SAFETY: gives back our own reference; the client is still alive.
        unsafe { rd::rd_kafka_topic_destroy(self.topic.as_ptr()) }
    }
}

/// A record to send. Nothing of it is needed any more when `send` returns.
#[derive(Clone, Copy)]
pub struct OutRecord<'a> {
    /// A topic of the same producer.
    pub topic: &'a Topic,
    /// `None` lets the partitioner choose: by key as Java does, otherwise at random.
    pub partition: Option<i32>,
    /// The key; `None` is null, which is not the same as empty.
    pub key: Option<&'a [u8]>,
    /// The value; `None` is null (a tombstone), which is not the same as empty.
    pub value: Option<&'a [u8]>,
    /// Headers, in order.
    pub headers: &'a [(&'a str, Option<&'a [u8]>)],
    /// Milliseconds since 1970. `None` is now; so is 0, which librdkafka cannot tell apart.
    pub timestamp: Option<i64>,
    /// Comes back in the delivery report.
    pub opaque: u64,
}

impl OutRecord<'_> {
    fn size(&self) -> u64 {
        let part = |bytes: Option<&[u8]>| bytes.map_or(0, <[u8]>::len);
        (part(self.key) + part(self.value)) as u64
    }
}

/// Why a record was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SendError {
    /// The queue is full. Fetch reports, then send the record again.
    QueueFull,
    /// The record or the client is at fault.
    Kafka(KafkaError),
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::QueueFull => f.write_str("the producer's queue is full"),
            Self::Kafka(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for SendError {}

impl From<KafkaError> for SendError {
    fn from(error: KafkaError) -> Self {
        if error.is(Code::RD_KAFKA_RESP_ERR__QUEUE_FULL) { Self::QueueFull } else { Self::Kafka(error) }
    }
}

/// The name of the topic that a record was for.
///
/// # Safety
/// `topic` is null or a topic that lives.
unsafe fn topic_name(topic: *mut rd::rd_kafka_topic_t) -> Option<Box<str>> {
    if topic.is_null() {
        return None;
    }
    // SAFETY: by the contract of this function; a topic's name is a C string.
    Some(unsafe { c_text(rd::rd_kafka_topic_name(topic)) }.into())
}

/// Says which topic a refused record was for.
///
/// # Safety
/// `topic` is null or a topic that lives.
unsafe fn name_topic(error: KafkaError, topic: *mut rd::rd_kafka_topic_t) -> KafkaError {
    // SAFETY: by the contract of this function.
    let Some(name) = (unsafe { topic_name(topic) }) else { return error };
    let text = format!("topic '{name}': {}", error.text());
    error.with_text(text)
}

/// What became of one record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryReport {
    /// As given to [`OutRecord::opaque`].
    pub opaque: u64,
    /// The topic of a record that was refused.
    pub topic: Option<Box<str>>,
    /// Partition and offset, or why Kafka does not have the record.
    pub result: Result<(i32, i64), KafkaError>,
    /// Milliseconds since 1970, if known.
    pub timestamp: Option<i64>,
}

impl Producer {
    /// Makes a producer. Does not wait for a broker.
    ///
    /// # Errors
    /// A config error if settings contradict each other.
    pub fn new(settings: &ClientSettings) -> Result<Self> {
        let handle = Handle::new(settings, Box::new(()), |conf| {
            let events = rd::RD_KAFKA_EVENT_DR | rd::RD_KAFKA_EVENT_ERROR;
            // SAFETY: the configuration is valid.
            unsafe { rd::rd_kafka_conf_set_events(conf.as_ptr(), events) }
        })?;
        // SAFETY: the handle is valid; the reference to its main queue is ours.
        let queue = unsafe { Queue::take(rd::rd_kafka_queue_get_main(handle.as_ptr())) };
        let number = |key: &str| settings.value(key).and_then(|value| value.parse::<u64>().ok());
        let kilobytes = number("queue.buffering.max.kbytes");
        Ok(Self {
            queue: queue.expect("every client has a main queue"),
            handle: Arc::new(handle),
            outbound: AtomicU64::new(0),
            queue_bytes: kilobytes.map_or(u64::MAX, |kilobytes| kilobytes.saturating_mul(1024)),
            record_bytes: number("message.max.bytes").unwrap_or(1_000_000),
        })
    }

    /// The client id in use.
    pub fn client_id(&self) -> &str {
        self.handle.client_id()
    }

    /// Waits, at most for `patience`, until a broker of the cluster has answered. Records may be sent before, but the
    /// first ones of an idempotent producer then wait for half a second or a whole one: librdkafka asks for the id that
    /// they bear when a broker answers, and else only that often, and it closes the connection to the first broker that
    /// answers, one of `bootstrap.servers`, before it could ask.
    pub fn connect(&self, patience: Duration) {
        let start = Instant::now();
        loop {
            let left = patience.saturating_sub(start.elapsed());
            match metadata::fetch(&self.handle, Scope::Brokers, left) {
                // The broker of the answer is about to be closed.
                Ok(answer) if !answer.is_of_member() && !left.is_zero() => {}
                // Without a broker records wait in the queue, as ever.
                _ => return,
            }
        }
    }

    /// A handle for a topic. The topic need not exist yet.
    ///
    /// # Errors
    /// If the name cannot be that of a topic.
    pub fn topic(&self, name: &str) -> Result<Topic, KafkaError> {
        let c_name = c_string("topic name", name)?;
        // SAFETY: the handle is valid, the name is copied, null means the default settings.
        let topic = unsafe { rd::rd_kafka_topic_new(self.handle.as_ptr(), c_name.as_ptr(), std::ptr::null_mut()) };
        match NonNull::new(topic) {
            Some(topic) => {
                Ok(Topic(Arc::new(TopicHandle { topic, name: name.into(), client: Arc::clone(&self.handle) })))
            }
            None => Err(last_error().with_text(format!("{name:?} is not a valid topic name"))),
        }
    }

    /// Puts a record into the queue. Does not block.
    ///
    /// # Errors
    /// [`SendError::QueueFull`] if there is no room now, otherwise what is wrong with the record
    /// or, if the error is fatal, the client.
    pub fn send(&self, record: &OutRecord<'_>) -> Result<(), SendError> {
        debug_assert!(
            Arc::ptr_eq(&record.topic.0.client, &self.handle),
            "topics belong to the producer that made them"
        );
        // Counted before, so that the report of the record cannot come first.
        self.outbound.fetch_add(record.size(), Ordering::Relaxed);
        let result = if record.headers.is_empty() && record.timestamp.is_none() {
            self.send_plain(record)
        } else {
            self.send_full(record)
        };
        if result.is_err() {
            self.outbound.fetch_sub(record.size(), Ordering::Relaxed);
        }
        match result {
            // There will never be room for it: waiting would be for ever.
            Err(SendError::QueueFull) if record.size() > self.queue_bytes => {
                let limit = "the total memory buffer you have configured with the buffer.memory configuration.";
                Err(SendError::Kafka(too_large(record, limit)))
            }
            Err(SendError::Kafka(error)) if error.is_too_large() => {
                let max = self.record_bytes;
                let limit = format!("{max}, which is the value of the max.request.size configuration.");
                Err(SendError::Kafka(too_large(record, &limit)))
            }
            result => result,
        }
    }

    fn send_plain(&self, record: &OutRecord<'_>) -> Result<(), SendError> {
        let (value, value_len) = parts(record.value);
        let (key, key_len) = parts(record.key);
        // SAFETY: pointers and lengths belong together and are read before the call returns
        // (F_COPY); the topic is alive.
        let failed = unsafe {
            rd::rd_kafka_produce(
                record.topic.0.topic.as_ptr(),
                record.partition.unwrap_or(-1),
                rd::RD_KAFKA_MSG_F_COPY,
                value.cast_mut(),
                value_len,
                key,
                key_len,
                record.opaque as *mut c_void,
            )
        };
        if failed == 0 { Ok(()) } else { Err(last_error().into()) }
    }

    /// The call that also takes a timestamp and headers.
    fn send_full(&self, record: &OutRecord<'_>) -> Result<(), SendError> {
        use rd::rd_kafka_vtype_t as Kind;
        let headers = Headers::new(record.headers)?;
        let (value, value_len) = parts(record.value);
        let (key, key_len) = parts(record.key);
        let none = rd::rd_kafka_vu_s__bindgen_ty_1 { i64_: 0 };
        let arg = |vtype, u| rd::rd_kafka_vu_t { vtype, u };
        let bytes = |ptr: *const c_void, size| rd::rd_kafka_vu_s__bindgen_ty_1 {
            mem: rd::rd_kafka_vu_s__bindgen_ty_1__bindgen_ty_1 { ptr: ptr.cast_mut(), size },
        };
        let mut args = [arg(Kind::RD_KAFKA_VTYPE_END, none); 8];
        args[0] = arg(Kind::RD_KAFKA_VTYPE_RKT, rd::rd_kafka_vu_s__bindgen_ty_1 { rkt: record.topic.0.topic.as_ptr() });
        args[1] = arg(
            Kind::RD_KAFKA_VTYPE_PARTITION,
            rd::rd_kafka_vu_s__bindgen_ty_1 { i32_: record.partition.unwrap_or(-1) },
        );
        args[2] = arg(Kind::RD_KAFKA_VTYPE_MSGFLAGS, rd::rd_kafka_vu_s__bindgen_ty_1 { i: rd::RD_KAFKA_MSG_F_COPY });
        args[3] = arg(Kind::RD_KAFKA_VTYPE_VALUE, bytes(value, value_len));
        args[4] = arg(Kind::RD_KAFKA_VTYPE_KEY, bytes(key, key_len));
        args[5] =
            arg(Kind::RD_KAFKA_VTYPE_OPAQUE, rd::rd_kafka_vu_s__bindgen_ty_1 { ptr: record.opaque as *mut c_void });
        args[6] = arg(
            Kind::RD_KAFKA_VTYPE_TIMESTAMP,
            rd::rd_kafka_vu_s__bindgen_ty_1 { i64_: record.timestamp.unwrap_or(0) },
        );
        let mut count = 7;
        if let Some(headers) = &headers {
            args[7] =
                arg(Kind::RD_KAFKA_VTYPE_HEADERS, rd::rd_kafka_vu_s__bindgen_ty_1 { headers: headers.0.as_ptr() });
            count = 8;
        }
        // SAFETY: each argument's union field is the one of its type; what they point to is read
        // before the call returns, except the headers, whose owner changes when it succeeds.
        unsafe {
            let error = rd::rd_kafka_produceva(self.handle.as_ptr(), args.as_ptr(), count);
            KafkaError::take(error)?;
        }
        std::mem::forget(headers);
        Ok(())
    }

    /// Waits up to `timeout` for delivery reports, passes all that are there to `on_report`, and
    /// gives their number.
    pub fn reports(&self, timeout: Duration, on_report: &mut impl FnMut(DeliveryReport)) -> usize {
        let mut count = 0;
        let mut wait = timeout;
        while let Some(event) = self.queue.poll(wait) {
            match event.kind() {
                rd::RD_KAFKA_EVENT_DR => count += self.read_reports(&event, on_report),
                rd::RD_KAFKA_EVENT_ERROR => {
                    if let Some(error) = event.error() {
                        self.handle.context().note_error(error);
                    }
                }
                _ => {}
            }
            wait = Duration::ZERO;
        }
        count
    }

    fn read_reports(&self, event: &Event, on_report: &mut impl FnMut(DeliveryReport)) -> usize {
        let mut count = 0;
        let mut bytes = 0;
        loop {
            // SAFETY: the event is valid; messages belong to it and live as long. The code is read
            // as a number because a broker may have sent one that the enum does not have.
            let report = unsafe {
                let Some(message) = rd::rd_kafka_event_message_next(event.as_ptr()).as_ref() else {
                    break;
                };
                bytes += (message.len + message.key_len) as u64;
                let code = (&raw const message.err).cast::<i32>().read();
                let timestamp = rd::rd_kafka_message_timestamp(message, std::ptr::null_mut());
                DeliveryReport {
                    opaque: message._private as u64,
                    topic: if code == 0 { None } else { topic_name(message.rkt) },
                    result: KafkaError::check_code(code)
                        .map(|()| (message.partition, message.offset))
                        .map_err(|error| name_topic(error, message.rkt)),
                    timestamp: (timestamp >= 0).then_some(timestamp),
                }
            };
            on_report(report);
            count += 1;
        }
        self.outbound.fetch_sub(bytes, Ordering::Relaxed);
        count
    }

    /// Sends everything now and waits until all of it was reported, passing on the reports.
    ///
    /// # Errors
    /// A time-out if records are left; they stay in the queue.
    pub fn flush(&self, timeout: Duration, on_report: &mut impl FnMut(DeliveryReport)) -> Result<(), KafkaError> {
        let start = Instant::now();
        loop {
            self.reports(Duration::ZERO, on_report);
            if self.in_flight() == 0 {
                return Ok(());
            }
            let left = timeout.saturating_sub(start.elapsed());
            if left.is_zero() {
                let text =
                    format!("{} records were not delivered within {timeout:?}{}", self.in_flight(), self.because());
                return Err(KafkaError::new(Code::RD_KAFKA_RESP_ERR__TIMED_OUT, text));
            }
            // Tells librdkafka not to linger. It only returns early when all records have their
            // reports waiting, so it is called in steps.
            // SAFETY: the handle is valid.
            unsafe { rd::rd_kafka_flush(self.handle.as_ptr(), millis(left.min(FLUSH_STEP))) };
        }
    }

    /// The newest client error as the end of a sentence.
    fn because(&self) -> String {
        match self.last_error() {
            Some(error) => format!("; last error: {error}"),
            None => String::new(),
        }
    }

    /// Gives up the records that are still in the queue or on the way; their reports follow, with
    /// errors.
    pub fn purge(&self) {
        let flags: c_int =
            rd::RD_KAFKA_PURGE_F_QUEUE | rd::RD_KAFKA_PURGE_F_INFLIGHT | rd::RD_KAFKA_PURGE_F_NON_BLOCKING;
        // SAFETY: the handle is valid. The call fails only for consumers and unknown flags.
        unsafe { rd::rd_kafka_purge(self.handle.as_ptr(), flags) };
    }

    /// Number of records sent whose reports were not fetched, and of reports in the queue.
    pub fn in_flight(&self) -> usize {
        // SAFETY: the handle is valid.
        let count = unsafe { rd::rd_kafka_outq_len(self.handle.as_ptr()) };
        usize::try_from(count).unwrap_or(0)
    }

    /// Bytes of keys and values of the records whose reports were not fetched.
    pub fn outbound_bytes(&self) -> u64 {
        self.outbound.load(Ordering::Relaxed)
    }

    /// The newest error of the client as a whole, such as an unreachable broker. Noted while
    /// reports are fetched.
    pub fn last_error(&self) -> Option<KafkaError> {
        self.handle.last_error()
    }

    /// The error after which this producer cannot be used any more, if there was one.
    pub fn fatal_error(&self) -> Option<KafkaError> {
        self.handle.fatal_error()
    }

    /// Registers the transactional id with the broker and fences older producers with it. Called
    /// once, first.
    ///
    /// # Errors
    /// Retriable errors allow the same call again.
    pub fn init_transactions(&self, timeout: Duration) -> Result<(), KafkaError> {
        // SAFETY: the handle is valid; the error, if any, is ours.
        unsafe {
            let handle = self.handle.as_ptr();
            KafkaError::take(rd::rd_kafka_init_transactions(handle, millis(timeout)))
        }
    }

    /// Begins a transaction.
    ///
    /// # Errors
    /// If one is running, or the producer is fenced (fatal).
    pub fn begin_transaction(&self) -> Result<(), KafkaError> {
        // SAFETY: the handle is valid; the error, if any, is ours.
        unsafe { KafkaError::take(rd::rd_kafka_begin_transaction(self.handle.as_ptr())) }
    }

    /// Flushes and commits the running transaction.
    ///
    /// # Errors
    /// See [`KafkaError::is_retriable`], [`KafkaError::requires_abort`] and
    /// [`KafkaError::is_fatal`] for what has to follow.
    pub fn commit_transaction(
        &self,
        timeout: Duration,
        on_report: &mut impl FnMut(DeliveryReport),
    ) -> Result<(), KafkaError> {
        let start = Instant::now();
        self.flush(timeout, on_report)?;
        let left = timeout.saturating_sub(start.elapsed());
        // SAFETY: the handle is valid; the error, if any, is ours.
        unsafe {
            let handle = self.handle.as_ptr();
            KafkaError::take(rd::rd_kafka_commit_transaction(handle, millis(left)))
        }
    }

    /// Gives up the running transaction and its records.
    ///
    /// # Errors
    /// Retriable errors allow the same call again; others are fatal.
    pub fn abort_transaction(
        &self,
        timeout: Duration,
        on_report: &mut impl FnMut(DeliveryReport),
    ) -> Result<(), KafkaError> {
        let start = Instant::now();
        self.purge();
        self.flush(timeout, on_report)?;
        let left = timeout.saturating_sub(start.elapsed());
        // SAFETY: the handle is valid; the error, if any, is ours.
        unsafe {
            let handle = self.handle.as_ptr();
            KafkaError::take(rd::rd_kafka_abort_transaction(handle, millis(left)))
        }
    }

    /// Makes offsets of a consumer group part of the running transaction.
    ///
    /// # Errors
    /// As for [`Producer::commit_transaction`].
    pub fn send_offsets_to_transaction(
        &self,
        offsets: &[TopicPartitionOffset],
        group: &str,
        timeout: Duration,
    ) -> Result<(), KafkaError> {
        let list = PartitionList::of_offsets(offsets)?;
        let group: CString = c_string("group id", group)?;
        // SAFETY: handle and list are valid, the name is copied, the metadata is destroyed here,
        // and the error, if any, is ours.
        unsafe {
            let metadata = rd::rd_kafka_consumer_group_metadata_new(group.as_ptr());
            let error = rd::rd_kafka_send_offsets_to_transaction(
                self.handle.as_ptr(),
                list.as_ptr(),
                metadata,
                millis(timeout),
            );
            rd::rd_kafka_consumer_group_metadata_destroy(metadata);
            KafkaError::take(error)
        }
    }
}

/// Kafka's words for a record that its own producer refuses; `limit` is what it is larger than.
fn too_large(record: &OutRecord<'_>, limit: &str) -> KafkaError {
    let (topic, size) = (record.topic.name(), serialized_size(record));
    let text = format!("topic '{topic}': The message is {size} bytes when serialized which is larger than {limit}");
    KafkaError::new(Code::RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, text)
}

/// The most bytes that the record can take as the only one of a batch (format 2), as Kafka's producer counts them.
fn serialized_size(record: &OutRecord<'_>) -> usize {
    const BATCH: usize = 61;
    /// Length, attributes, and the longest forms of timestamp and offset.
    const RECORD: usize = 21;
    let number = |value: usize| {
        // Lengths are signed numbers in zigzag form, seven bits a byte.
        let bits = usize::BITS - (value << 1).leading_zeros();
        bits.div_ceil(7).max(1) as usize
    };
    // A null takes one byte.
    let part = |bytes: Option<&[u8]>| bytes.map_or(1, |bytes| number(bytes.len()) + bytes.len());
    let header = |(name, value): &(&str, Option<&[u8]>)| part(Some(name.as_bytes())) + part(*value);
    let headers = number(record.headers.len()) + record.headers.iter().map(header).sum::<usize>();
    BATCH + RECORD + part(record.key) + part(record.value) + headers
}

/// Pointer and length as librdkafka wants them: null is null, empty is not.
fn parts(bytes: Option<&[u8]>) -> (*const c_void, usize) {
    match bytes {
        Some(bytes) => (bytes.as_ptr().cast(), bytes.len()),
        None => (std::ptr::null(), 0),
    }
}

fn last_error() -> KafkaError {
    // SAFETY: reads the calling thread's error.
    KafkaError::from_code(unsafe { rd::rd_kafka_last_error() } as i32)
}

/// Headers on their way into a record.
struct Headers(NonNull<rd::rd_kafka_headers_t>);

impl Headers {
    fn new(headers: &[(&str, Option<&[u8]>)]) -> Result<Option<Self>, KafkaError> {
        if headers.is_empty() {
            return Ok(None);
        }
        // SAFETY: takes a number, gives a new list.
        let list = unsafe { rd::rd_kafka_headers_new(headers.len()) };
        let list = Self(NonNull::new(list).expect("librdkafka aborts when it has no memory"));
        for (name, value) in headers {
            let (value, value_len) = parts(*value);
            // SAFETY: pointers and lengths belong together; librdkafka copies both.
            let result = unsafe {
                rd::rd_kafka_header_add(
                    list.0.as_ptr(),
                    name.as_ptr().cast(),
                    name.len().cast_signed(),
                    value,
                    value_len.cast_signed(),
                )
            };
            KafkaError::check(result)?;
        }
        Ok(Some(list))
    }
}

impl Drop for Headers {
    fn drop(&mut self) {
        // SAFETY: owned here; sent headers were forgotten, not dropped.
        unsafe { rd::rd_kafka_headers_destroy(self.0.as_ptr()) }
    }
}

impl fmt::Debug for Producer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Producer").field("client_id", &self.client_id()).field("in_flight", &self.in_flight()).finish()
    }
}

impl DeliveryReport {
    /// True if Kafka has the record.
    pub fn is_delivered(&self) -> bool {
        self.result.is_ok()
    }
}

#[cfg(test)]
#[path = "producer_tests.rs"]
pub(in crate::kafka) mod tests;
