//! Where source connectors go on from: the store for source offsets.

use crate::error::Result;

use super::offset_json::OffsetMap;

/// A key as [`offset_json::key`](super::offset_json::key) makes it, and the value of
/// [`offset_json::value`](super::offset_json::value); `None` forgets the key.
pub type OffsetEntry = (Vec<u8>, Option<Vec<u8>>);

/// A source partition of a connector with the offset stored for it.
#[derive(Debug, Clone, PartialEq)]
pub struct PartitionOffset {
    /// The source partition.
    pub partition: OffsetMap,
    /// Where the source goes on from.
    pub offset: OffsetMap,
}

/// Keeps source offsets. Any thread may call; every call may block on the store.
///
/// Two keys are the same if they say the same: connectors make their partition maps anew each time, and the order of
/// entries in a map is nobody's intention.
pub trait OffsetStore: Send + Sync {
    /// One answer per key, in order; `None` where nothing is stored. Answers what the last finished [`set`](Self::set)
    /// has stored.
    fn get(&self, keys: &[Vec<u8>]) -> Result<Vec<Option<Vec<u8>>>>;

    /// Stores all of a batch or, on error, nothing; returns when it will survive a crash. After an error the caller still
    /// owns the offsets and may try again.
    fn set(&self, batch: Vec<OffsetEntry>) -> Result<()>;

    /// All partitions of a connector that have an offset.
    fn partitions(&self, connector: &str) -> Result<Vec<PartitionOffset>>;
}
