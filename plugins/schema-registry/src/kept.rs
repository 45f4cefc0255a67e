//! A memory with an end.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;

/// What was found out by key. When it is full it forgets all and begins anew: whatever is asked for again is found out
/// again, and topics without end do not fill the worker's memory.
#[derive(Debug)]
pub(crate) struct Kept<K, V> {
    entries: HashMap<K, V>,
    most: usize,
}

impl<K: Eq + Hash, V> Kept<K, V> {
    /// A memory for so many entries; one at least.
    pub(crate) fn new(most: usize) -> Kept<K, V> {
        Kept { entries: HashMap::new(), most: most.max(1) }
    }

    /// What is known of a key.
    pub(crate) fn get<Q: Eq + Hash + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        self.entries.get(key)
    }

    /// What is known of a key, or what is made for it now.
    pub(crate) fn get_or_insert_with(&mut self, key: K, make: impl FnOnce() -> V) -> &mut V {
        self.make_room(&key);
        self.entries.entry(key).or_insert_with(make)
    }

    /// Remembers an entry.
    pub(crate) fn insert(&mut self, key: K, value: V) {
        self.make_room(&key);
        self.entries.insert(key, value);
    }

    fn make_room(&mut self, key: &K) {
        if self.entries.len() >= self.most && !self.entries.contains_key(key) {
            self.entries.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_is_always_there_and_there_are_never_too_many() {
        let mut kept = Kept::new(3);
        for key in 0..100 {
            kept.insert(key, key);
            assert_eq!(kept.get(&key), Some(&key));
            assert!(kept.entries.len() <= 3);
        }
        // What is there already takes no room.
        let mut kept = Kept::new(2);
        kept.insert("a", 1);
        kept.insert("b", 2);
        kept.insert("b", 3);
        *kept.get_or_insert_with("a", || 0) += 10;
        assert_eq!((kept.get("a"), kept.get("b")), (Some(&11), Some(&3)));
        assert_eq!((*kept.get_or_insert_with("c", || 7), kept.get("a")), (7, None));
    }
}
