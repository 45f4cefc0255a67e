//! Reading stored source offsets on behalf of plugins.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use ferroconnect_plugin_abi::record::OffsetMap;

use crate::error::{ConnectError, Result};
use crate::storage::{OffsetStore, offset_json};

use super::positions;

/// Reads the offsets of one connector. Cheap to clone; closed for all clones at once.
#[derive(Clone)]
pub(crate) struct OffsetReader {
    connector: Arc<str>,
    store: Arc<dyn OffsetStore>,
    closed: Arc<AtomicBool>,
}

impl OffsetReader {
    pub(crate) fn new(connector: Arc<str>, store: Arc<dyn OffsetStore>) -> OffsetReader {
        OffsetReader { connector, store, closed: Arc::new(AtomicBool::new(false)) }
    }

    /// From now on reads fail: the task was given up, and what it would do with an offset is done by its successor.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::Release);
    }

    /// One answer per partition, in order; none where nothing is stored or what is stored cannot be read.
    ///
    /// # Errors
    /// The store cannot be read, a partition is not made of primitive values, or the reader is closed.
    pub(crate) fn read(&self, partitions: &[OffsetMap]) -> Result<Vec<Option<OffsetMap>>> {
        if self.closed.load(Ordering::Acquire) {
            return Err(ConnectError::connect(
                "Offset reader is closed. This is likely because the task has already been scheduled to stop but has taken longer than the graceful shutdown period to do so.",
            ));
        }
        let keys: Vec<Vec<u8>> = partitions
            .iter()
            .map(|partition| positions::store_key(&self.connector, partition))
            .collect::<Result<_>>()?;
        let values = self
            .store
            .get(&keys)
            .map_err(|error| ConnectError::connect("Failed to fetch offsets.").caused_by(error))?;
        values.iter().map(|value| value.as_deref().map(parse).transpose()).collect()
    }
}

fn parse(value: &[u8]) -> Result<OffsetMap> {
    Ok(positions::from_json(&offset_json::parse_value(value)?))
}
