//! What arrived of a batch that comes again.

use ferroconnect_plugin_sdk::{Record, Text, TopicPartition};
use std::collections::HashMap;

/// What is left of a batch after a request that has to be tried again. The worker gives the whole batch anew.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    /// The offset behind the last record that is done, of each partition in the batch.
    done: HashMap<(Text, i32), i64>,
    /// The partition of the first record of the next request.
    next: Option<(Text, i32)>,
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
                || self.done.get(&(origin.topic.clone(), origin.partition)).is_none_or(|done| origin.offset >= *done)
        };
        records.iter().filter(is_left).collect()
    }

    /// Notes records as done, and which the next one is, for when the batch comes again.
    pub(crate) fn keep(&mut self, arrived: &[&Record], next: Option<&Record>) {
        self.next = next.map(|Record { origin, .. }| (Text::copy_from(&origin.topic), origin.partition));
        for record in arrived {
            let origin = &record.origin;
            // The batch may be gone when this is asked again, so nothing of it is held.
            let topic = Text::copy_from(&origin.topic);
            self.done.insert((topic, origin.partition), origin.offset + 1);
        }
    }

    /// Another task may send the records of these partitions from now on, and it begins where offsets were committed, so
    /// what is known of them is worth nothing. Where the next record is theirs, the next request is another one than the
    /// one that was tried; otherwise its attempts count on, however often partitions go elsewhere.
    pub(crate) fn forget(&mut self, partitions: &[TopicPartition]) {
        let is_closed = |topic: &Text, number: i32| {
            partitions.iter().any(|closed| closed.partition == number && closed.topic.as_str() == topic.as_str())
        };
        self.done.retain(|(topic, number), _| !is_closed(topic, *number));
        if self.next.as_ref().is_some_and(|(topic, number)| is_closed(topic, *number)) {
            *self = Progress { done: std::mem::take(&mut self.done), ..Progress::default() };
        }
    }

    /// So many records are done: what was noted about the next request is past.
    pub(crate) fn advance(&mut self, records: usize) {
        if records > 0 {
            self.attempts = 0;
            self.was_sent = false;
            self.alone = self.alone.saturating_sub(records);
        }
    }
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
        progress.keep(&progress.left(&records)[..3], None);
        let left: Vec<_> = progress.left(&records).iter().map(|r| (r.origin.partition, r.origin.offset)).collect();
        assert_eq!(left, [(1, 5), (0, 7)]);
    }

    #[test]
    fn what_is_done_of_a_closed_partition_is_forgotten() {
        let records: Vec<_> = [("a", 0, 5), ("a", 1, 5), ("b", 0, 5)]
            .map(|(topic, partition, offset)| sink_record(topic, partition, offset, Data::NULL))
            .to_vec();
        let mut progress = Progress::default();
        progress.keep(&progress.left(&records), None);
        assert!(progress.left(&records).is_empty());
        progress.forget(&[TopicPartition { topic: "a".into(), partition: 0 }]);
        let left: Vec<_> =
            progress.left(&records).iter().map(|r| (r.origin.topic.as_str(), r.origin.partition)).collect();
        assert_eq!(left, [("a", 0)]);
    }

    #[test]
    fn attempts_are_those_of_the_next_record() {
        let record = sink_record("a", 1, 5, Data::NULL);
        let mut progress = Progress { attempts: 2, was_sent: true, alone: 3, ..Progress::default() };
        progress.keep(&[], Some(&record));
        let close = |topic: &str, partition| [TopicPartition { topic: topic.into(), partition }];
        let known = |progress: &Progress| (progress.attempts, progress.was_sent, progress.alone);
        for other in [close("a", 0), close("b", 1)] {
            progress.forget(&other);
            assert_eq!(known(&progress), (2, true, 3), "{other:?}");
        }
        progress.forget(&close("a", 1));
        assert_eq!(known(&progress), (0, false, 0));
    }
}
