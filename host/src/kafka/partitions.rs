//! Topic partitions: our own values and librdkafka's lists of them.

use std::ffi::{CStr, c_int};
use std::fmt;
use std::ptr::NonNull;
use std::sync::Arc;

use rdkafka::bindings as rd;

use super::error::KafkaError;
use super::native::c_string;

/// A partition of a topic. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TopicPartition {
    /// Topic name.
    pub topic: Arc<str>,
    /// Partition number, from 0.
    pub partition: i32,
}

impl TopicPartition {
    /// A partition of a topic.
    pub fn new(topic: impl Into<Arc<str>>, partition: i32) -> Self {
        Self { topic: topic.into(), partition }
    }

    /// The partition with an offset.
    pub fn at(&self, offset: i64) -> TopicPartitionOffset {
        TopicPartitionOffset { partition: self.clone(), offset }
    }
}

/// `topic-0`, as Kafka writes it.
impl fmt::Display for TopicPartition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.topic, self.partition)
    }
}

/// An offset of a partition. In commits it is the offset of the next record to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicPartitionOffset {
    /// The partition.
    pub partition: TopicPartition,
    /// The offset, from 0.
    pub offset: i64,
}

/// One entry of a list that came back from librdkafka.
pub(super) struct Entry {
    pub(super) partition: TopicPartition,
    /// None where librdkafka has one of its logical offsets, that is no offset.
    pub(super) offset: Option<i64>,
    pub(super) result: Result<(), KafkaError>,
}

/// An owned `rd_kafka_topic_partition_list_t`.
pub(super) struct PartitionList(NonNull<rd::rd_kafka_topic_partition_list_t>);

impl PartitionList {
    pub(super) fn with_capacity(capacity: usize) -> Self {
        let capacity = c_int::try_from(capacity).unwrap_or(0);
        // SAFETY: takes a number, gives a new list.
        let list = unsafe { rd::rd_kafka_topic_partition_list_new(capacity) };
        Self(NonNull::new(list).expect("librdkafka aborts when it has no memory"))
    }

    /// Takes over a list that librdkafka made.
    ///
    /// # Safety
    /// `list` is null or a valid list that nobody else destroys.
    pub(super) unsafe fn take(list: *mut rd::rd_kafka_topic_partition_list_t) -> Option<Self> {
        NonNull::new(list).map(Self)
    }

    pub(super) fn of<'a>(partitions: impl IntoIterator<Item = &'a TopicPartition>) -> Result<Self, KafkaError> {
        let mut list = Self::with_capacity(0);
        for partition in partitions {
            list.add(&partition.topic, partition.partition)?;
        }
        Ok(list)
    }

    pub(super) fn of_offsets<'a>(
        offsets: impl IntoIterator<Item = &'a TopicPartitionOffset>,
    ) -> Result<Self, KafkaError> {
        let mut list = Self::with_capacity(0);
        for entry in offsets {
            list.add_at(&entry.partition, entry.offset)?;
        }
        Ok(list)
    }

    pub(super) fn add(&mut self, topic: &str, partition: i32) -> Result<(), KafkaError> {
        self.push(topic, partition, None)
    }

    pub(super) fn add_at(&mut self, partition: &TopicPartition, offset: i64) -> Result<(), KafkaError> {
        self.push(&partition.topic, partition.partition, Some(offset))
    }

    fn push(&mut self, topic: &str, partition: i32, offset: Option<i64>) -> Result<(), KafkaError> {
        let topic = c_string("topic name", topic)?;
        // SAFETY: the list is valid and the name is copied; the new element is valid until the
        // list grows again.
        unsafe {
            let element = rd::rd_kafka_topic_partition_list_add(self.0.as_ptr(), topic.as_ptr(), partition);
            if let Some(offset) = offset {
                (*element).offset = offset;
            }
        }
        Ok(())
    }

    pub(super) fn as_ptr(&self) -> *mut rd::rd_kafka_topic_partition_list_t {
        self.0.as_ptr()
    }

    pub(super) fn entries(&self) -> Vec<Entry> {
        // SAFETY: the list is owned and valid.
        unsafe { read_entries(self.0.as_ptr()) }
    }
}

impl Drop for PartitionList {
    fn drop(&mut self) {
        // SAFETY: owned here.
        unsafe { rd::rd_kafka_topic_partition_list_destroy(self.0.as_ptr()) }
    }
}

/// Copies the entries of a list that stays librdkafka's; none for null.
///
/// # Safety
/// `list` is null or a valid list.
pub(super) unsafe fn read_entries(list: *const rd::rd_kafka_topic_partition_list_t) -> Vec<Entry> {
    if list.is_null() {
        return Vec::new();
    }
    let mut entries: Vec<Entry> = Vec::new();
    // SAFETY: `elems` holds `cnt` elements; topic names are C strings. The error code is read as a
    // number because a broker may have sent one that the enum does not have.
    unsafe {
        let count = usize::try_from((*list).cnt).unwrap_or(0);
        for index in 0..count {
            let element = (*list).elems.add(index);
            let name = CStr::from_ptr((*element).topic).to_string_lossy();
            let topic = match entries.last() {
                Some(last) if *last.partition.topic == *name => last.partition.topic.clone(),
                _ => Arc::from(&*name),
            };
            let offset = (*element).offset;
            let code = (&raw const (*element).err).cast::<i32>().read();
            entries.push(Entry {
                partition: TopicPartition::new(topic, (*element).partition),
                offset: (offset >= 0).then_some(offset),
                result: KafkaError::check_code(code),
            });
        }
    }
    entries
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_keep_order_offsets_and_names() {
        let a = TopicPartition::new("a", 0);
        let b = TopicPartition::new("b", 7);
        let mut list = PartitionList::of([&a]).expect("plain names");
        list.add_at(&b, 42).expect("plain names");
        let entries = list.entries();
        assert_eq!(entries.len(), 2);
        assert_eq!((&entries[0].partition, entries[0].offset), (&a, None));
        assert_eq!((&entries[1].partition, entries[1].offset), (&b, Some(42)));
        assert_eq!(b.to_string(), "b-7");
    }

    #[test]
    fn a_nul_in_a_topic_name_is_named() {
        let error = PartitionList::of([&TopicPartition::new("a\0b", 0)]).err().expect("refused");
        assert!(error.text().contains("a\\0b"), "{error}");
    }
}
