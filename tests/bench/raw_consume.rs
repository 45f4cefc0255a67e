//! The raw consumer: librdkafka's batch call in a loop.
//!
//! It goes to librdkafka directly, because the handle must have a rebalance *callback*: on a handle with the event API,
//! which is what the rdkafka crate's consumers have, the batch call never sees its assignment.

use crate::usage;
use clap::Args;
use rdkafka::ClientConfig;
use rdkafka::bindings as sys;
use rdkafka::types::RDKafkaRespErr;
use serde_json::json;
use std::ffi::{CString, c_char, c_void};
use std::ptr;
use std::time::{Duration, Instant};

const BATCH: usize = 2_000;
const IDLE_LIMIT: Duration = Duration::from_secs(60);

/// What to read.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Broker, host:port.
    #[arg(long)]
    pub(crate) bootstrap: String,
    /// Topic to read from its beginning.
    #[arg(long)]
    pub(crate) topic: String,
    /// Number of records after which to end.
    #[arg(long)]
    pub(crate) records: u64,
}

/// Reads the topic and prints one JSON line: `seconds` from the first batch to the last, and what the process used.
pub(crate) fn run(options: &Options) {
    let consumer = Consumer::subscribe(options);
    let mut batch = vec![ptr::null_mut(); BATCH];
    let (mut count, mut first_batch, mut bytes) = (0_u64, 0_u64, 0_u64);
    let mut begun = Instant::now();
    let mut heard = Instant::now();
    while count < options.records {
        let got = consumer.take(&mut batch, &mut bytes);
        if got > 0 {
            heard = Instant::now();
            if count == 0 {
                (begun, first_batch) = (heard, got);
            }
        }
        count += got;
        assert!(heard.elapsed() < IDLE_LIMIT, "nothing came for {IDLE_LIMIT:?}, after {count} records");
    }
    let seconds = begun.elapsed().as_secs_f64();
    let used = usage::of(std::process::id());
    println!(
        "{}",
        json!({"records": count - first_batch, "seconds": seconds, "bytes": bytes, "cpu": used.cpu, "peak": used.peak})
    );
}

/// A subscribed consumer and its queue.
struct Consumer {
    handle: *mut sys::rd_kafka_t,
    queue: *mut sys::rd_kafka_queue_t,
}

impl Consumer {
    fn subscribe(options: &Options) -> Self {
        let config = ClientConfig::new()
            .set("bootstrap.servers", &options.bootstrap)
            .set("group.id", ferroconnect_e2e::unique("bench-raw"))
            .set("auto.offset.reset", "earliest")
            .set("enable.auto.commit", "false")
            .set("queued.min.messages", "1000000")
            .set("fetch.queue.backoff.ms", "0")
            .create_native_config()
            .expect("these settings are good");
        let topic = CString::new(options.topic.as_str()).expect("a topic name has no null byte");
        let mut error = [0 as c_char; 512];
        // SAFETY: the configuration is copied, and rd_kafka_new takes the copy; every pointer given lives through its
        // call; the handle is not null, as asserted; the topic list is freed once, after the subscription has copied it.
        unsafe {
            let copy = sys::rd_kafka_conf_dup(config.ptr());
            sys::rd_kafka_conf_set_rebalance_cb(copy, Some(rebalanced));
            let handle =
                sys::rd_kafka_new(sys::rd_kafka_type_t::RD_KAFKA_CONSUMER, copy, error.as_mut_ptr(), error.len());
            assert!(!handle.is_null(), "librdkafka refused the consumer");
            sys::rd_kafka_poll_set_consumer(handle);
            let topics = sys::rd_kafka_topic_partition_list_new(1);
            sys::rd_kafka_topic_partition_list_add(topics, topic.as_ptr(), -1);
            let answer = sys::rd_kafka_subscribe(handle, topics);
            sys::rd_kafka_topic_partition_list_destroy(topics);
            assert_eq!(answer, RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR, "the subscription was refused");
            Self { handle, queue: sys::rd_kafka_queue_get_consumer(handle) }
        }
    }

    /// Takes the next batch; gives the number of records in it and adds their bytes.
    fn take(&self, batch: &mut [*mut sys::rd_kafka_message_t], bytes: &mut u64) -> u64 {
        // SAFETY: the queue belongs to the handle, which lives as long as `self`; librdkafka fills at most `len` entries.
        let got = unsafe { sys::rd_kafka_consume_batch_queue(self.queue, 100, batch.as_mut_ptr(), batch.len()) };
        let mut records = 0;
        for message in &batch[..usize::try_from(got).unwrap_or(0)] {
            // SAFETY: librdkafka gave this message to us; it is read, then freed once.
            unsafe {
                if (**message).err == RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR {
                    records += 1;
                    *bytes += (**message).len as u64;
                }
                sys::rd_kafka_message_destroy(*message);
            }
        }
        records
    }
}

impl Drop for Consumer {
    fn drop(&mut self) {
        // SAFETY: both were made by `subscribe` and are given up here, queue first, as librdkafka asks.
        unsafe {
            sys::rd_kafka_queue_destroy(self.queue);
            sys::rd_kafka_consumer_close(self.handle);
            sys::rd_kafka_destroy(self.handle);
        }
    }
}

/// Takes over what the group gave to this consumer. Called by librdkafka inside the batch call, on its thread.
unsafe extern "C" fn rebalanced(
    handle: *mut sys::rd_kafka_t,
    error: RDKafkaRespErr,
    partitions: *mut sys::rd_kafka_topic_partition_list_t,
    _: *mut c_void,
) {
    let assigned = error == RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS;
    // SAFETY: librdkafka lends both pointers for the time of this call.
    unsafe { sys::rd_kafka_assign(handle, if assigned { partitions } else { ptr::null() }) };
}
