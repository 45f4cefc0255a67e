//! What arrived of a batch that comes again.

use ferroconnect_plugin_sdk::{Record, Text};
use std::collections::HashMap;

/// What is left of a batch after a request that has to be tried again. The worker gives the whole batch anew.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    /// The offset behind the last record that is done, of each partition in the batch.
    done: HashMap<(Text, i32), i64>,
    /// How many records that arrived come again all the same, as nothing tells them apart.
    unnamed: usize,
    /// So many of them are still to come before the next request that was not made yet.
    again: usize,
    /// How often the next request was tried.
    pub(crate) attempts: u32,
    /// Whether the next request was sent before, which the server may have heeded.
    pub(crate) was_sent: bool,
    /// So many of the next records go in a request of their own, to find those that the server refuses.
    pub(crate) alone: usize,
}

impl Progress {
    /// The records of a batch that are not done.
    pub(crate) fn left<'a>(&self, records: &'a [Record]) -> Vec<&'a Record> {
        let is_left = |record: &&Record| {
            let origin = &record.origin;
            self.done.is_empty()
                || !has_origin(record)
                || self.done.get(&(origin.topic.clone(), origin.partition)).is_none_or(|done| origin.offset >= *done)
        };
        records.iter().filter(is_left).collect()
    }

    /// Notes records as done, for when the batch comes again.
    pub(crate) fn keep(&mut self, arrived: &[&Record]) {
        self.unnamed = self.unnamed.max(arrived.iter().filter(|record| !has_origin(record)).count());
        self.again = self.unnamed;
        for record in arrived.iter().filter(|record| has_origin(record)) {
            let origin = &record.origin;
            // The batch may be gone when this is asked again, so nothing of it is held.
            let topic = Text::copy_from(&origin.topic);
            self.done.insert((topic, origin.partition), origin.offset + 1);
        }
    }

    /// Whether none of these records would be sent again after [`Progress::keep`].
    pub(crate) fn can_keep(arrived: &[&Record]) -> bool {
        arrived.iter().all(|record| has_origin(record))
    }

    /// Whether the next request may have been heeded before.
    pub(crate) fn is_repeated(&self) -> bool {
        self.was_sent || self.again > 0
    }

    /// So many records are done: what was noted about the next request is past, if they are not those that come again.
    pub(crate) fn advance(&mut self, records: usize) {
        let again = records.min(self.again);
        self.again -= again;
        if records > again {
            self.attempts = 0;
            self.was_sent = false;
            self.alone = self.alone.saturating_sub(records - again);
        }
    }
}

/// Whether the record says where it was read. One that a transform made anew does not, and no other way is certain to
/// tell it from its like: it is sent twice rather than lost.
fn has_origin(record: &Record) -> bool {
    record.origin.partition >= 0 && record.origin.offset >= 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use ferroconnect_plugin_sdk::Data;
    use ferroconnect_plugin_sdk::testkit::sink_record;

    #[test]
    fn what_is_done_is_left_out_when_it_comes_again() {
        let records: Vec<_> = [("a", 0, 5), ("b", 0, 1), ("a", 0, 6), ("a", 1, 5), ("a", 0, 7)]
            .map(|(topic, partition, offset)| sink_record(topic, partition, offset, Data::NULL))
            .to_vec();
        let mut progress = Progress::default();
        assert_eq!(progress.left(&records).len(), 5);
        progress.keep(&progress.left(&records)[..3]);
        let left: Vec<_> = progress.left(&records).iter().map(|r| (r.origin.partition, r.origin.offset)).collect();
        assert_eq!(left, [(1, 5), (0, 7)]);
    }

    #[test]
    fn what_names_no_origin_comes_again() {
        let mut records: Vec<_> = (0..4).map(|offset| sink_record("a", 0, offset, Data::NULL)).collect();
        records[0] = Record::new("a", Data::NULL);
        records[3] = Record::new("a", Data::NULL);
        let mut progress = Progress::default();
        let all = progress.left(&records);
        assert!(Progress::can_keep(&all[1..3]) && !Progress::can_keep(&all[..2]));
        progress.keep(&all[..2]);
        progress.attempts = 3;
        assert_eq!(progress.left(&records).iter().map(|r| r.origin.offset).collect::<Vec<_>>(), [-1, 2, -1]);
        // The attempts were those of the record behind, so that they come to an end.
        assert!(progress.is_repeated());
        progress.advance(1);
        assert_eq!((progress.attempts, progress.is_repeated()), (3, false));
        progress.advance(1);
        assert_eq!(progress.attempts, 0);
    }
}
