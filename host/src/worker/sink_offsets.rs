//! Where a sink task stands in each of its partitions, and what may be committed.
//!
//! Invariant I2 (`ARCHITECTURE.md`) is upheld here: only offsets up to what `put` has taken, or what was deliberately
//! left out, ever reach a commit, and none beyond a record whose dead letter is under way.

use std::collections::BTreeMap;
use std::sync::Arc;

/// A partition by topic and number.
pub(crate) type Partition = (Arc<str>, i32);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Position {
    /// The next offset to hand to the plugin.
    delivered: i64,
    /// What Kafka was last told, or the offset that reading began at.
    committed: i64,
}

/// The partitions of one sink task.
#[derive(Debug, Default)]
pub(crate) struct SinkOffsets {
    /// None until the first record of the partition says where reading began.
    partitions: BTreeMap<Partition, Option<Position>>,
}

/// What a plugin's answer to `pre_commit` comes down to.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct CommitPlan {
    /// To be committed, changed since the last commit.
    pub(crate) commit: Vec<(Partition, i64)>,
    /// What the plugin asked for that it may not have, in words.
    pub(crate) refused: Vec<String>,
}

impl SinkOffsets {
    /// Partitions were assigned.
    pub(crate) fn assign(&mut self, partitions: impl IntoIterator<Item = Partition>) {
        for partition in partitions {
            self.partitions.entry(partition).or_insert(None);
        }
    }

    /// The first offset of a partition that was read; counts only once per assignment.
    pub(crate) fn begins_at(&mut self, partition: &Partition, offset: i64) {
        if let Some(position @ None) = self.partitions.get_mut(partition) {
            *position = Some(Position { delivered: offset, committed: offset });
        }
    }

    /// Partitions went away.
    pub(crate) fn remove(&mut self, partitions: &[Partition]) {
        for partition in partitions {
            self.partitions.remove(partition);
        }
    }

    /// Everything before `next` in a partition was taken by the plugin, or left out on purpose.
    pub(crate) fn delivered(&mut self, partition: &Partition, next: i64) {
        if let Some(Some(position)) = self.partitions.get_mut(partition) {
            position.delivered = next;
        }
    }

    /// Reading goes on from another offset.
    pub(crate) fn rewind(&mut self, partition: &Partition, offset: i64) -> bool {
        let Some(position) = self.partitions.get_mut(partition) else { return false };
        match position {
            Some(position) => position.delivered = offset,
            None => *position = Some(Position { delivered: offset, committed: offset }),
        }
        true
    }

    /// The assigned partitions.
    pub(crate) fn partitions(&self) -> impl Iterator<Item = &Partition> + Clone {
        self.partitions.keys()
    }

    /// Where the plugin stands, for `pre_commit`; of all partitions or of some.
    pub(crate) fn current<'a>(&'a self, only: Option<&'a [Partition]>) -> impl Iterator<Item = (&'a Partition, i64)> {
        self.partitions
            .iter()
            .filter(move |(partition, _)| only.is_none_or(|only| only.contains(partition)))
            .filter_map(|(partition, position)| Some((partition, position.as_ref()?.delivered)))
    }

    /// The assigned partitions and the next offset to deliver of each, where something was read of it.
    pub(crate) fn positions(&self) -> impl Iterator<Item = (&Partition, Option<i64>)> {
        self.partitions.iter().map(|(partition, position)| (partition, position.map(|position| position.delivered)))
    }

    /// Records that were delivered and that Kafka was not yet told of.
    pub(crate) fn uncommitted(&self) -> u64 {
        let behind = |position: &Position| u64::try_from(position.delivered - position.committed).unwrap_or(0);
        self.partitions.values().flatten().map(behind).sum()
    }

    /// Checks a plugin's answer: partitions that are not assigned and offsets beyond what it was given are refused.
    /// No commit goes beyond what `held` answers for its partition: the first record whose dead letter is under way.
    pub(crate) fn plan(
        &self,
        answer: impl IntoIterator<Item = (Partition, i64)>,
        held: impl Fn(&Partition) -> Option<i64>,
    ) -> CommitPlan {
        let mut plan = CommitPlan::default();
        for (partition, offset) in answer {
            let (topic, number) = &partition;
            match self.partitions.get(&partition) {
                None => plan.refused.push(format!("offset {offset} of {topic}-{number}, which is not assigned")),
                Some(None) => {
                    plan.refused.push(format!("offset {offset} of {topic}-{number}, of which nothing was delivered"));
                }
                Some(Some(position)) if offset > position.delivered => plan.refused.push(format!(
                    "offset {offset} of {topic}-{number}, where only records before {} were delivered",
                    position.delivered
                )),
                Some(Some(position)) => {
                    let offset = held(&partition).map_or(offset, |held| offset.min(held));
                    if offset != position.committed {
                        plan.commit.push((partition, offset));
                    }
                }
            }
        }
        plan
    }

    /// Kafka has these offsets.
    pub(crate) fn committed(&mut self, offsets: &[(Partition, i64)]) {
        for (partition, offset) in offsets {
            if let Some(Some(position)) = self.partitions.get_mut(partition) {
                position.committed = *offset;
            }
        }
    }

    /// Goes back to what Kafka was last told, after the plugin could not make records durable. Answers where to read on.
    pub(crate) fn back_to_committed(&mut self) -> Vec<(Partition, i64)> {
        let back = |(partition, position): (&Partition, &mut Option<Position>)| {
            let position = position.as_mut()?;
            position.delivered = position.committed;
            Some((partition.clone(), position.committed))
        };
        self.partitions.iter_mut().filter_map(back).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn partition(number: i32) -> Partition {
        (Arc::from("t"), number)
    }

    fn assigned() -> SinkOffsets {
        let mut offsets = SinkOffsets::default();
        offsets.assign([partition(0), partition(1), partition(2)]);
        offsets.begins_at(&partition(0), 10);
        offsets.begins_at(&partition(1), 0);
        offsets
    }

    #[test]
    fn commits_only_what_was_delivered_and_is_new() {
        let mut offsets = assigned();
        assert_eq!(offsets.uncommitted(), 0);
        offsets.delivered(&partition(0), 15);
        assert_eq!(offsets.uncommitted(), 5);
        let plan = offsets.plan([(partition(0), 15), (partition(1), 0)], |_| None);
        assert_eq!(plan.commit, [(partition(0), 15)]);
        offsets.committed(&plan.commit);
        assert_eq!(offsets.uncommitted(), 0);
    }

    #[test]
    fn what_is_held_is_not_passed() {
        let mut offsets = assigned();
        offsets.delivered(&partition(0), 15);
        offsets.delivered(&partition(1), 3);
        let held = |held: &Partition| (*held == partition(0)).then_some(12);
        let plan = offsets.plan([(partition(0), 15), (partition(1), 3)], held);
        assert_eq!(plan.commit, [(partition(0), 12), (partition(1), 3)]);
        offsets.committed(&plan.commit);
        assert_eq!(offsets.plan([(partition(0), 15), (partition(1), 3)], held).commit, []);
        assert_eq!(offsets.plan([(partition(0), 15)], |_| None).commit, [(partition(0), 15)]);
    }

    #[test]
    fn refuses_what_the_plugin_cannot_have() {
        let offsets = assigned();
        let plan = offsets.plan([(partition(0), 11), (partition(7), 1)], |_| None);
        assert!(plan.commit.is_empty());
        assert_eq!(plan.refused.len(), 2);
    }

    #[test]
    fn a_failed_flush_goes_back_to_the_last_commit() {
        let mut offsets = assigned();
        offsets.delivered(&partition(0), 99);
        assert_eq!(offsets.back_to_committed(), [(partition(0), 10), (partition(1), 0)]);
        assert_eq!(offsets.uncommitted(), 0);
    }

    #[test]
    fn partitions_that_went_away_count_no_more() {
        let mut offsets = assigned();
        offsets.remove(&[partition(0)]);
        offsets.delivered(&partition(0), 20);
        assert_eq!(offsets.current(None).count(), 1);
        assert_eq!(offsets.plan([(partition(0), 20), (partition(2), 1)], |_| None).refused.len(), 2);
    }
}
