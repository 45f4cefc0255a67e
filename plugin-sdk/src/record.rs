//! Records as source authors make them.

use ferroconnect_plugin_abi::bytes::Text;
use ferroconnect_plugin_abi::containers::AbiOption;
use ferroconnect_plugin_abi::record::{
    Data, Header, OffsetEntry, OffsetMap, Record, SourceBatch, SourcePosition, TimestampType, TransactionBoundary,
};
use ferroconnect_plugin_abi::shared::Shared;
use ferroconnect_plugin_abi::value::Value;

/// A source partition or offset of these entries.
///
/// ```
/// use ferroconnect_plugin_sdk::{Value, offset_map};
/// let offset = offset_map([("position", Value::int64(42))]);
/// assert_eq!(offset[0].value.as_integer(), Some(42));
/// ```
#[inline]
pub fn offset_map<const N: usize>(entries: [(&'static str, Value); N]) -> OffsetMap {
    let entry = |(key, value)| OffsetEntry { key: Text::from_static(key), value };
    entries.into_iter().map(entry).collect::<Vec<_>>().into()
}

/// One record on its way to Kafka, with the position it was read at.
#[derive(Debug)]
pub struct SourceRecord {
    record: Record,
    position: SourcePosition,
}

impl SourceRecord {
    /// A record for `topic`.
    #[inline]
    pub fn new(topic: impl Into<Text>, value: Data) -> SourceRecord {
        SourceRecord { record: Record::new(topic, value), position: SourcePosition::default() }
    }

    /// Its key.
    #[inline]
    pub fn key(mut self, key: Data) -> SourceRecord {
        self.record.key = key;
        self
    }

    /// The Kafka partition; without one the partitioner decides.
    #[inline]
    pub fn partition(mut self, partition: i32) -> SourceRecord {
        self.record.partition = AbiOption::RSome(partition);
        self
    }

    /// Milliseconds since 1970; without one the time of sending.
    #[inline]
    pub fn timestamp(mut self, milliseconds: i64) -> SourceRecord {
        self.record.timestamp = AbiOption::RSome(milliseconds);
        self.record.timestamp_type = TimestampType::CREATE_TIME;
        self
    }

    /// Adds a header.
    #[inline]
    pub fn header(mut self, key: impl Into<Text>, data: Data) -> SourceRecord {
        self.record.headers.push(Header { key: key.into(), data });
        self
    }

    /// Where it was read: the source partition (one shared object for all records of a partition) and the offset to
    /// go on from after this record.
    #[inline]
    pub fn position(mut self, partition: &Shared<OffsetMap>, offset: OffsetMap) -> SourceRecord {
        self.position = SourcePosition { partition: partition.clone().into(), offset: AbiOption::RSome(offset) };
        self
    }
}

/// The batch that a poll fills.
#[derive(Debug)]
pub struct Batch<'a> {
    inner: &'a mut SourceBatch,
}

impl<'a> Batch<'a> {
    /// The author's view of a batch.
    #[inline]
    pub fn new(inner: &'a mut SourceBatch) -> Batch<'a> {
        Batch { inner }
    }

    /// The number that acknowledgements name it by.
    #[inline]
    pub fn id(&self) -> u64 {
        self.inner.id
    }

    /// Makes room for so many more records.
    #[inline]
    pub fn reserve(&mut self, records: usize) {
        self.inner.records.reserve(records);
        self.inner.positions.reserve(records);
    }

    /// Adds a record.
    #[inline]
    pub fn push(&mut self, record: SourceRecord) {
        self.inner.records.push(record.record);
        self.inner.positions.push(record.position);
    }

    /// How many records it holds.
    #[inline]
    pub fn len(&self) -> usize {
        self.inner.records.len()
    }

    /// Whether it holds none.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.inner.records.is_empty()
    }

    /// Commits the transaction after the records pushed so far; only with `transaction.boundary=connector`.
    pub fn commit_transaction(&mut self) {
        self.boundary(true);
    }

    /// Aborts the transaction after the records pushed so far; only with `transaction.boundary=connector`.
    pub fn abort_transaction(&mut self) {
        self.boundary(false);
    }

    fn boundary(&mut self, commit: bool) {
        let after = u32::try_from(self.len()).unwrap_or(u32::MAX);
        self.inner.boundaries.push(TransactionBoundary { after, commit });
    }
}
