//! Stored source offsets.

use ferroconnect_plugin_abi::record::{OffsetEntry, OffsetMap};
use ferroconnect_plugin_abi::value::{Value, ValueRef};
use std::sync::{Arc, Mutex, PoisonError};

/// The stored source offsets of a test; clones share them.
///
/// As with a worker, which stores them as JSON, whole numbers come back as 64 bits and floats too.
#[derive(Debug, Clone, Default)]
pub struct OffsetStore {
    entries: Arc<Mutex<Vec<(OffsetMap, OffsetMap)>>>,
}

impl OffsetStore {
    /// The offset of a source partition.
    pub fn get(&self, partition: &OffsetMap) -> Option<OffsetMap> {
        let partition = stored(partition);
        let entries = self.lock();
        entries.iter().find(|(key, _)| *key == partition).map(|(_, offset)| offset.clone())
    }

    /// Sets the offset of a source partition.
    pub fn set(&self, partition: &OffsetMap, offset: &OffsetMap) {
        self.remove(partition);
        self.lock().push((stored(partition), stored(offset)));
    }

    /// Forgets a source partition.
    pub fn remove(&self, partition: &OffsetMap) {
        let partition = stored(partition);
        self.lock().retain(|(key, _)| *key != partition);
    }

    /// Whether nothing is stored.
    pub fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<(OffsetMap, OffsetMap)>> {
        // A failed assertion elsewhere cannot have left it half changed.
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// As it comes back from the store: entries sorted, numbers widened.
fn stored(map: &OffsetMap) -> OffsetMap {
    let entry = |entry: &OffsetEntry| OffsetEntry { key: entry.key.clone(), value: widened(&entry.value) };
    let mut entries: Vec<_> = map.iter().map(entry).collect();
    entries.sort_by(|a, b| a.key.as_str().cmp(b.key.as_str()));
    entries.into()
}

fn widened(value: &Value) -> Value {
    match (value.as_integer(), value.view()) {
        (Some(integer), _) => Value::int64(integer),
        (None, ValueRef::Float32(float)) => Value::float64(float.into()),
        _ => value.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::offset_map;

    #[test]
    fn partitions_are_found_by_content() {
        let store = OffsetStore::default();
        let partition = offset_map([("a", Value::int32(1)), ("b", "x".into())]);
        store.set(&partition, &offset_map([("n", Value::int32(5))]));
        let same = offset_map([("b", "x".into()), ("a", Value::int64(1))]);
        assert_eq!(store.get(&same), Some(offset_map([("n", Value::int64(5))])));
        store.remove(&same);
        assert!(store.is_empty());
    }
}
