//! What a user does to the offsets of a connector (KIP-875).

#[cfg(any(feature = "testkit", test))]
use ferroconnect_plugin_abi::config::Attribute;
use ferroconnect_plugin_abi::record::{OffsetMap, TopicPartition};

/// A change to the offsets of a connector. The worker changes those that it or Kafka keeps; a connector that keeps some
/// of its own changes them alike.
#[derive(Debug, Clone, PartialEq)]
pub enum OffsetChange<P, O> {
    /// All are to be forgotten (`DELETE /connectors/X/offsets`). The partitions are those that the worker has offsets of,
    /// perhaps none; what the connector keeps of others is to be forgotten as well.
    ///
    /// Workers that are older than [`RESET`](ferroconnect_plugin_abi::config::Attribute::RESET) do not say what they ask
    /// for; from them a change that only forgets arrives like this too.
    Reset(Vec<P>),
    /// Those of these partitions change, and no others (`PATCH`); no offset = forget that of the partition.
    Alter(Vec<(P, Option<O>)>),
}

/// A change to the offsets of a source connector. A partition is absent where the user gave null.
pub type SourceOffsetChange = OffsetChange<Option<OffsetMap>, OffsetMap>;
/// A change to the consumer offsets of a sink connector.
pub type SinkOffsetChange = OffsetChange<TopicPartition, i64>;

impl<P, O> OffsetChange<P, O> {
    /// The partitions that are named, with their new offsets; none = it is forgotten. Enough for a connector that keeps
    /// no offsets of its own and only checks them.
    pub fn named(&self) -> impl Iterator<Item = (&P, Option<&O>)> {
        let (forgotten, altered): (&[P], &[(P, Option<O>)]) = match self {
            OffsetChange::Reset(partitions) => (partitions, &[]),
            OffsetChange::Alter(offsets) => (&[], offsets),
        };
        let altered = altered.iter().map(|(partition, offset)| (partition, offset.as_ref()));
        forgotten.iter().map(|partition| (partition, None)).chain(altered)
    }

    /// The change that a worker asks for with these partitions, offsets, and what it says with each about a reset.
    pub(crate) fn of(entries: impl Iterator<Item = (P, Option<O>, Option<bool>)>) -> OffsetChange<P, O> {
        let mut is_reset = true;
        let mut offsets = Vec::new();
        for (partition, offset, said) in entries {
            is_reset &= offset.is_none() && said != Some(false);
            offsets.push((partition, offset));
        }
        if is_reset {
            OffsetChange::Reset(offsets.into_iter().map(|(partition, _)| partition).collect())
        } else {
            OffsetChange::Alter(offsets)
        }
    }

    /// The attribute of each entry that stands for this change.
    #[cfg(feature = "testkit")]
    pub(crate) fn attribute(&self) -> Attribute {
        Attribute::reset(matches!(self, OffsetChange::Reset(_)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(entries: &[(i32, Option<i64>)], attributes: &[Attribute]) -> OffsetChange<i32, i64> {
        let said = Attribute::find_reset(attributes);
        OffsetChange::of(entries.iter().map(|&(partition, offset)| (partition, offset, said)))
    }

    #[test]
    fn a_worker_says_whether_all_offsets_are_to_be_forgotten() {
        let nulls = [(1, None), (2, None)];
        assert_eq!(of(&nulls, &[Attribute::reset(true)]), OffsetChange::Reset(vec![1, 2]));
        assert_eq!(of(&nulls, &[Attribute::reset(false)]), OffsetChange::Alter(nulls.into()));
        // A request that changes nothing does not come this far.
        assert_eq!(of(&[], &[]), OffsetChange::Reset(vec![]));
    }

    #[test]
    fn a_worker_that_does_not_say_it_may_have_meant_all() {
        let other = Attribute { key: "ferroconnect.later".into(), ..Attribute::reset(false) };
        let unknown = Attribute { value: Vec::from("perhaps").into(), ..Attribute::reset(false) };
        for attributes in [&[][..], &[other], &[unknown]] {
            assert_eq!(of(&[(1, None)], attributes), OffsetChange::Reset(vec![1]), "{attributes:?}");
            let some = [(1, None), (2, Some(5))];
            assert_eq!(of(&some, attributes), OffsetChange::Alter(some.into()), "{attributes:?}");
        }
    }

    #[test]
    fn named_partitions_are_told_of_either_change() {
        let altered = OffsetChange::Alter(vec![(1, None), (2, Some(5))]);
        assert_eq!(altered.named().collect::<Vec<_>>(), [(&1, None), (&2, Some(&5))]);
        assert_eq!(OffsetChange::<_, i64>::Reset(vec![1]).named().collect::<Vec<_>>(), [(&1, None)]);
    }
}
