//! Metadata of the cluster, by any client.

use std::ffi::c_int;
use std::ptr::NonNull;
use std::time::Duration;

use rdkafka::bindings as rd;

use crate::kafka::error::{KafkaError, c_text};
use crate::kafka::native::{Handle, c_string, millis};

/// Metadata in librdkafka's memory.
pub(in crate::kafka) struct Metadata(NonNull<rd::rd_kafka_metadata>);

impl Drop for Metadata {
    fn drop(&mut self) {
        // SAFETY: owned here.
        unsafe { rd::rd_kafka_metadata_destroy(self.0.as_ptr()) }
    }
}

/// A topic as the brokers describe it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicInfo {
    /// Topic name.
    pub name: String,
    /// Number of partitions; 0 if the topic cannot be described.
    pub partitions: usize,
    /// Number of replicas of its first partition.
    pub replicas: usize,
    /// Why the topic cannot be described, if so.
    pub error: Option<KafkaError>,
}

/// A broker of the cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrokerInfo {
    /// Node id.
    pub id: i32,
    /// `host:port` as advertised.
    pub address: String,
}

/// What to ask for.
#[derive(Clone, Copy)]
pub(in crate::kafka) enum Scope<'a> {
    /// The brokers alone.
    Brokers,
    /// The brokers and one topic.
    Topic(&'a str),
    /// The brokers and all topics.
    AllTopics,
}

/// Asks for metadata.
pub(in crate::kafka) fn fetch(handle: &Handle, scope: Scope<'_>, timeout: Duration) -> Result<Metadata, KafkaError> {
    let topic = match scope {
        Scope::Topic(name) => Some(c_string("topic name", name)?),
        Scope::Brokers | Scope::AllTopics => None,
    };
    let all = c_int::from(matches!(scope, Scope::AllTopics));
    let mut metadata = std::ptr::null();
    // SAFETY: the handle is valid; a local topic handle is made for the call only; the answer is
    // ours.
    let result = unsafe {
        let client = handle.as_ptr();
        let local = topic
            .as_ref()
            .map_or(std::ptr::null_mut(), |name| rd::rd_kafka_topic_new(client, name.as_ptr(), std::ptr::null_mut()));
        let result = rd::rd_kafka_metadata(client, all, local, &mut metadata, millis(timeout));
        if !local.is_null() {
            rd::rd_kafka_topic_destroy(local);
        }
        result
    };
    KafkaError::check(result)?;
    let metadata = NonNull::new(metadata.cast_mut()).expect("given on success");
    Ok(Metadata(metadata))
}

/// A time-out alone does not say that no broker is reachable; the client's last error does.
pub(super) fn with_last_error(handle: &Handle, error: KafkaError) -> KafkaError {
    match handle.last_error() {
        Some(last) if error.is_timeout() || error.is_retriable() => {
            let text = format!("{}; last error: {last}", error.text());
            error.with_text(text)
        }
        _ => error,
    }
}

/// # Safety
/// `data` points to `count` elements that live and do not change for `'a`, or `count` is 0.
unsafe fn slice<'a, T>(data: *const T, count: c_int) -> &'a [T] {
    match usize::try_from(count) {
        // SAFETY: by the contract of this function.
        Ok(count @ 1..) if !data.is_null() => unsafe { std::slice::from_raw_parts(data, count) },
        _ => &[],
    }
}

impl Metadata {
    fn raw(&self) -> &rd::rd_kafka_metadata {
        // SAFETY: owned and valid.
        unsafe { self.0.as_ref() }
    }

    /// Whether a broker of the cluster gave it, not one that is known only from `bootstrap.servers`.
    pub(in crate::kafka) fn is_of_member(&self) -> bool {
        self.raw().orig_broker_id >= 0
    }

    pub(super) fn brokers(&self) -> Vec<BrokerInfo> {
        // SAFETY: as the type of the metadata says; hosts are C strings.
        unsafe {
            slice(self.raw().brokers, self.raw().broker_cnt)
                .iter()
                .map(|broker| BrokerInfo { id: broker.id, address: format!("{}:{}", c_text(broker.host), broker.port) })
                .collect()
        }
    }

    pub(super) fn topics(&self) -> Vec<TopicInfo> {
        // SAFETY: as the type of the metadata says; names are C strings. Codes are read as
        // numbers because a broker may have sent one that the enum does not have.
        unsafe {
            slice(self.raw().topics, self.raw().topic_cnt)
                .iter()
                .map(|topic| {
                    let partitions = slice(topic.partitions, topic.partition_cnt);
                    let replicas = partitions.first().map_or(0, |p| p.replica_cnt);
                    let code = (&raw const topic.err).cast::<i32>().read();
                    TopicInfo {
                        name: c_text(topic.topic).into_owned(),
                        partitions: partitions.len(),
                        replicas: usize::try_from(replicas).unwrap_or(0),
                        error: KafkaError::check_code(code).err(),
                    }
                })
                .collect()
        }
    }
}

/// Names of the topics that exist.
pub(in crate::kafka) fn topic_names(metadata: &Metadata) -> Vec<String> {
    let topics = metadata.topics().into_iter();
    topics.filter(|topic| topic.error.is_none()).map(|topic| topic.name).collect()
}
