//! Source offsets held in memory, whatever they are stored in.

use std::collections::BTreeMap;

use super::offset::{OffsetEntry, PartitionOffset};
use super::offset_json;

/// Offsets by what their keys say. A key keeps the bytes it was first stored with, so that another worker that writes
/// maps in its own order still finds it.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Offsets(BTreeMap<Vec<u8>, Stored>);

#[derive(Debug, Clone, PartialEq)]
struct Stored {
    key: Vec<u8>,
    value: Vec<u8>,
}

impl Offsets {
    /// One answer per key, in order.
    pub(super) fn get(&self, keys: &[Vec<u8>]) -> Vec<Option<Vec<u8>>> {
        keys.iter().map(|key| self.0.get(&offset_json::canonical(key)).map(|stored| stored.value.clone())).collect()
    }

    /// Takes over a batch; of several entries for one key the last counts.
    pub(super) fn apply(&mut self, batch: Vec<OffsetEntry>) {
        for (key, value) in batch {
            let canonical = offset_json::canonical(&key);
            match value {
                None => {
                    self.0.remove(&canonical);
                }
                Some(value) => {
                    let stored = self.0.entry(canonical).or_insert_with(|| Stored { key, value: Vec::new() });
                    stored.value = value;
                }
            }
        }
    }

    /// All keys and values.
    pub(super) fn iter(&self) -> impl ExactSizeIterator<Item = (&[u8], &[u8])> {
        self.0.values().map(|stored| (stored.key.as_slice(), stored.value.as_slice()))
    }

    /// The partitions of one connector. Keys and values of another form belong to nobody and are passed over, as in
    /// Kafka Connect.
    pub(super) fn partitions(&self, connector: &str) -> Vec<PartitionOffset> {
        self.iter()
            .filter_map(|(key, value)| {
                let (owner, partition) = offset_json::parse_key(key).ok()?;
                let offset = offset_json::parse_value(value).ok()?;
                (owner == connector).then_some(PartitionOffset { partition, offset })
            })
            .collect()
    }
}

impl FromIterator<OffsetEntry> for Offsets {
    fn from_iter<T: IntoIterator<Item = OffsetEntry>>(entries: T) -> Self {
        let mut offsets = Self::default();
        offsets.apply(entries.into_iter().collect());
        offsets
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(key: &str, value: Option<&str>) -> OffsetEntry {
        (key.into(), value.map(Into::into))
    }

    #[test]
    fn lookups_do_not_depend_on_the_order_of_a_map() {
        let mut offsets = Offsets::from_iter([entry(r#"["c",{"a":1,"b":2}]"#, Some(r#"{"p":1}"#))]);
        offsets.apply(vec![entry(r#"["c",{"b":2,"a":1}]"#, Some(r#"{"p":2}"#))]);
        let stored: Vec<_> = offsets.iter().collect();
        let want: (&[u8], &[u8]) = (br#"["c",{"a":1,"b":2}]"#, br#"{"p":2}"#);
        assert_eq!(stored, [want], "the first spelling of the key stays");
    }

    #[test]
    fn a_null_forgets_the_key() {
        let key = r#"["c",{"a":1}]"#;
        let offsets = Offsets::from_iter([entry(key, Some("{}")), entry(key, None), entry("x", None)]);
        assert_eq!(offsets, Offsets::default());
    }

    #[test]
    fn partitions_belong_to_their_connector() {
        let offsets = Offsets::from_iter([
            entry(r#"["c",{"a":1}]"#, Some(r#"{"p":1}"#)),
            entry(r#"["d",{"a":1}]"#, Some(r#"{"p":2}"#)),
            entry("junk", Some("junk")),
        ]);
        let partitions = offsets.partitions("c");
        assert_eq!(partitions.len(), 1);
        assert_eq!(partitions[0].offset["p"].as_i64(), Some(1));
    }
}
