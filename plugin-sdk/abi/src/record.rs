//! Records and batches: what flows on the hot path. Frozen; each struct that may need more has an attribute list.

use crate::bytes::{Blob, Text};
use crate::config::{Attribute, numbered};
use crate::containers::{AbiOption, AbiVec};
use crate::schema::Schema;
use crate::shared::{MaybeShared, Shared};
use crate::value::Value;
use abi_stable::StableAbi;

/// A value with its schema; no schema = schemaless data.
#[repr(C)]
#[derive(StableAbi, Clone, PartialEq, Debug, Default)]
pub struct Data {
    /// The type, shared by all records of a kind.
    pub schema: MaybeShared<Schema>,
    /// The value.
    pub value: Value,
}

impl Data {
    /// No schema, null.
    pub const NULL: Data = Data { schema: MaybeShared::NONE, value: Value::NULL };

    /// A value under a schema.
    #[inline]
    pub fn new(schema: Shared<Schema>, value: impl Into<Value>) -> Data {
        Data { schema: schema.into(), value: value.into() }
    }

    /// A value without schema.
    #[inline]
    pub fn schemaless(value: impl Into<Value>) -> Data {
        Data { schema: MaybeShared::NONE, value: value.into() }
    }
}

/// One record header. Keys may repeat; order counts.
#[repr(C)]
#[derive(StableAbi, Clone, PartialEq, Debug)]
pub struct Header {
    /// The key.
    pub key: Text,
    /// The value with its schema.
    pub data: Data,
}

numbered! {
    /// Where a record's timestamp comes from.
    TimestampType {
        /// The record has none, or nobody said.
        NONE = 0,
        /// The producer set it.
        CREATE_TIME = 1,
        /// The broker set it.
        LOG_APPEND_TIME = 2,
    }
}

/// Where a sink record was read: unchanged by transforms (KIP-793).
#[repr(C)]
#[derive(StableAbi, Clone, PartialEq, Eq, Debug, Default)]
pub struct Coordinates {
    /// The topic; empty for records that do not come from Kafka.
    pub topic: Text,
    /// The partition; -1 for records that do not come from Kafka.
    pub partition: i32,
    /// The offset; -1 for records that do not come from Kafka.
    pub offset: i64,
}

/// One record (Java: ConnectRecord), the same for sources and sinks, so that transforms serve both.
#[repr(C)]
#[derive(StableAbi, Clone, PartialEq, Debug)]
pub struct Record {
    /// The topic it goes to or, unless a transform changed it, came from.
    pub topic: Text,
    /// The Kafka partition; absent = the partitioner decides.
    pub partition: AbiOption<i32>,
    /// Milliseconds since 1970; absent = now, decided by the producer.
    pub timestamp: AbiOption<i64>,
    /// Where the timestamp comes from.
    pub timestamp_type: TimestampType,
    /// The key.
    pub key: Data,
    /// The value.
    pub value: Data,
    /// The headers in order.
    pub headers: AbiVec<Header>,
    /// Where it was read, for sink records.
    pub origin: Coordinates,
    /// The record's original bytes, private to the host. Copy it along when a sink makes a record from another one,
    /// so that a dead letter holds what was read. To a record from a transform the host gives it back, with `origin`
    /// and `timestamp_type`.
    pub raw: Blob,
    /// Reserved; empty in 1.0.
    pub attributes: AbiVec<Attribute>,
}

impl Record {
    /// A record for `topic` without key, headers or timestamp.
    #[inline]
    pub fn new(topic: impl Into<Text>, value: Data) -> Record {
        Record {
            topic: topic.into(),
            partition: AbiOption::RNone,
            timestamp: AbiOption::RNone,
            timestamp_type: TimestampType::NONE,
            key: Data::NULL,
            value,
            headers: AbiVec::new(),
            origin: Coordinates { topic: Text::default(), partition: -1, offset: -1 },
            raw: Blob::EMPTY,
            attributes: AbiVec::new(),
        }
    }
}

/// One entry of a source partition or source offset.
#[repr(C)]
#[derive(StableAbi, Clone, PartialEq, Debug)]
pub struct OffsetEntry {
    /// The key.
    pub key: Text,
    /// Null, a boolean, a number, text or bytes.
    pub value: Value,
}

/// A source partition or a source offset: entries in the author's order, keys unique.
pub type OffsetMap = AbiVec<OffsetEntry>;

/// Where a source record was read: what the host stores once Kafka has acknowledged the record.
#[repr(C)]
#[derive(StableAbi, Clone, PartialEq, Debug, Default)]
pub struct SourcePosition {
    /// The source partition; share one object among the records of a partition. None = the position is not kept.
    pub partition: MaybeShared<OffsetMap>,
    /// The offset to go on from after this record. Absent = the position is not kept.
    pub offset: AbiOption<OffsetMap>,
}

/// What one `poll` gives: `records[i]` was read at `positions[i]`; both have the same length.
#[repr(C)]
#[derive(StableAbi, Debug)]
pub struct SourceBatch {
    /// Set by the host before `poll`, ascending; acknowledgements name it.
    pub id: u64,
    /// The records in order.
    pub records: AbiVec<Record>,
    /// Where each was read.
    pub positions: AbiVec<SourcePosition>,
    /// Where transactions end, for connectors that define their own boundaries; ascending.
    pub boundaries: AbiVec<TransactionBoundary>,
    /// Reserved; empty in 1.0.
    pub attributes: AbiVec<Attribute>,
}

impl SourceBatch {
    /// An empty batch.
    #[inline]
    pub fn new(id: u64) -> SourceBatch {
        SourceBatch {
            id,
            records: AbiVec::new(),
            positions: AbiVec::new(),
            boundaries: AbiVec::new(),
            attributes: AbiVec::new(),
        }
    }
}

/// The end of a transaction within a batch (KIP-618).
#[repr(C)]
#[derive(StableAbi, Clone, Copy, PartialEq, Eq, Debug)]
pub struct TransactionBoundary {
    /// The transaction ends after this many records of the batch; 0 = before the first.
    pub after: u32,
    /// True = commit, false = abort.
    pub commit: bool,
}

/// What became of one record of a batch.
#[repr(C)]
#[derive(StableAbi, Clone, PartialEq, Debug)]
pub struct Acknowledgement {
    /// The batch.
    pub batch: u64,
    /// The record's place in the batch.
    pub index: u32,
    /// What happened to it.
    pub outcome: Outcome,
    /// The Kafka partition it went to; -1 unless acknowledged.
    pub partition: i32,
    /// The Kafka offset it has; -1 unless acknowledged.
    pub offset: i64,
    /// The record's timestamp in Kafka; -1 unless acknowledged.
    pub timestamp: i64,
    /// The topic it went to; empty unless acknowledged.
    pub topic: Text,
}

numbered! {
    /// What became of a source record. Unknown numbers mean "not delivered".
    Outcome {
        /// Kafka has it.
        ACKNOWLEDGED = 0,
        /// A transform dropped it, or `errors.tolerance=all` skipped it: done, but not in Kafka.
        FILTERED = 1,
        /// Kafka refused it and the task is about to fail: send it again after a restart.
        REFUSED = 2,
    }
}

/// A topic and partition.
#[repr(C)]
#[derive(StableAbi, Clone, PartialEq, Eq, Hash, Debug)]
pub struct TopicPartition {
    /// The topic.
    pub topic: Text,
    /// The partition.
    pub partition: i32,
}

/// A topic, a partition and the offset of the next record to read there.
#[repr(C)]
#[derive(StableAbi, Clone, PartialEq, Eq, Debug)]
pub struct PartitionOffset {
    /// The topic.
    pub topic: Text,
    /// The partition.
    pub partition: i32,
    /// The offset of the next record.
    pub offset: i64,
}

/// A header before it is converted.
#[repr(C)]
#[derive(StableAbi, Clone, PartialEq, Debug)]
pub struct RawHeader {
    /// The key.
    pub key: Text,
    /// The bytes, or null.
    pub value: AbiOption<Blob>,
}
