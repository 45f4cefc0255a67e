//! Changing some keys of a config (KIP-477).

use crate::config::Props;
use crate::java_hash;

/// Keys with a null value go, the others come or change.
///
/// The result is in the order in which Kafka Connect shows a patched config: that of a Java hash map (as of Java 17),
/// which clients that print configs have come to expect.
pub(super) fn apply(config: &Props, patch: Props) -> Props {
    let mut capacity = capacity_for(config.len());
    let mut patched = config.clone();
    for (key, value) in patch {
        match value {
            Some(value) => patched.set(key, value),
            None => {
                patched.remove(&key);
            }
        }
        // Three quarters full is full.
        if patched.len() * 4 > capacity * 3 {
            capacity *= 2;
        }
    }
    let mut entries: Vec<(String, Option<String>)> = patched.into_iter().collect();
    java_hash::sort(&mut entries, capacity, |(key, _)| key);
    entries.into_iter().collect()
}

/// The number of buckets of a map that was made as a copy of another with `len` entries.
fn capacity_for(len: usize) -> usize {
    // `(int) (len / 0.75f + 1)`, rounded up to a power of two.
    (len * 4 / 3 + 1).next_power_of_two()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(props: &Props) -> Vec<&str> {
        props.keys().collect()
    }

    #[test]
    fn keys_come_change_and_go_in_the_order_of_kafka_connect() {
        let config = Props::from([
            ("connector.class", "FileStreamSink"),
            ("tasks.max", "1"),
            ("file", "f"),
            ("topics", "t"),
            ("name", "c"),
        ]);
        // Both orders were recorded from Kafka Connect 4.3.1 on Java 17.
        let patched = apply(&config, Props::from([("tasks.max", "2"), ("note", "kept")]));
        assert_eq!(keys(&patched), ["connector.class", "name", "note", "file", "tasks.max", "topics"]);
        assert_eq!(patched.get("tasks.max"), Some("2"));
        let mut patch = Props::new();
        patch.set_nullable("note", None);
        patch.set_nullable("absent", None);
        let patched = apply(&patched, patch);
        assert_eq!(keys(&patched), ["connector.class", "file", "tasks.max", "topics", "name"]);
    }

    #[test]
    fn maps_grow_when_three_quarters_full() {
        assert_eq!([0, 1, 5, 6, 12, 13].map(capacity_for), [1, 2, 8, 16, 32, 32]);
    }
}
