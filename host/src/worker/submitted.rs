//! Which source records are under way, and up to where each source partition may be stored.
//!
//! Invariant I1 (`ARCHITECTURE.md`) is upheld here: an offset becomes committable only when its record and all records
//! before it in the same source partition are done, so one slow record never lets a later one overtake it.

use std::collections::{HashMap, VecDeque};

use ferroconnect_plugin_abi::Shared;
use ferroconnect_plugin_abi::containers::AbiOption;
use ferroconnect_plugin_abi::record::{OffsetMap, SourcePosition};

use crate::error::Result;

use super::positions;

/// Names a submitted record to the producer: small enough to travel as the opaque number of a delivery report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Token(u64);

/// Low bits of a token: the record's number in its queue. The rest is the queue.
const NUMBER_BITS: u32 = 40;

impl Token {
    fn new(queue: usize, number: u64) -> Token {
        Token(((queue as u64) << NUMBER_BITS) | (number & ((1 << NUMBER_BITS) - 1)))
    }

    /// The number to give to the producer.
    pub(crate) fn as_number(self) -> u64 {
        self.0
    }

    /// The token that [`Token::as_number`] gave.
    pub(crate) fn from_number(number: u64) -> Token {
        Token(number)
    }

    fn queue(self) -> usize {
        (self.0 >> NUMBER_BITS) as usize
    }

    fn number(self) -> u64 {
        self.0 & ((1 << NUMBER_BITS) - 1)
    }
}

/// Where a record stood in what the plugin gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    /// The batch's number.
    pub(crate) batch: u64,
    /// The record's place in the batch.
    pub(crate) index: u32,
}

struct Entry {
    place: Place,
    offset: AbiOption<OffsetMap>,
    done: bool,
}

/// The records of one source partition that are under way, in order.
struct Queue {
    /// Held so that its address stays this queue's; none for records without position.
    partition: Option<Shared<OffsetMap>>,
    /// What the offset store calls the partition.
    key: Vec<u8>,
    /// Number of the first entry.
    first: u64,
    entries: VecDeque<Entry>,
    /// The offset of the longest finished prefix that was cut off and not yet taken.
    committable: Option<OffsetMap>,
}

/// A stored form of a source partition with the offset to store for it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Committable {
    /// Key for the offset store.
    pub(crate) key: Vec<u8>,
    /// The offset.
    pub(crate) offset: OffsetMap,
}

/// All records of one task that were given to the producer and are not yet settled.
pub(crate) struct Submitted {
    connector: String,
    queues: Vec<Option<Queue>>,
    free: Vec<usize>,
    by_key: HashMap<Vec<u8>, usize>,
    /// The queue used last: most batches come from one partition.
    last: usize,
    under_way: usize,
}

/// The queue of records without position: their order does not matter to anyone, but acknowledgements name them.
const UNTRACKED: usize = 0;

impl Submitted {
    /// Nothing under way for a task of `connector`.
    pub(crate) fn new(connector: &str) -> Submitted {
        let untracked =
            Queue { partition: None, key: Vec::new(), first: 0, entries: VecDeque::new(), committable: None };
        Submitted {
            connector: connector.to_owned(),
            queues: vec![Some(untracked)],
            free: Vec::new(),
            by_key: HashMap::new(),
            last: UNTRACKED,
            under_way: 0,
        }
    }

    /// Notes a record as under way.
    ///
    /// # Errors
    /// If the source partition cannot be stored: it holds something that is not a primitive value.
    pub(crate) fn submit(&mut self, position: SourcePosition, place: Place) -> Result<Token> {
        let SourcePosition { partition, offset } = position;
        let queue = match (partition.into_option(), &offset) {
            (Some(partition), AbiOption::RSome(_)) => self.queue_of(partition)?,
            _ => UNTRACKED,
        };
        let slot = self.queues[queue].as_mut().expect("a queue that was just looked up exists");
        let number = slot.first + slot.entries.len() as u64;
        slot.entries.push_back(Entry { place, offset, done: false });
        self.under_way += 1;
        Ok(Token::new(queue, number))
    }

    fn queue_of(&mut self, partition: Shared<OffsetMap>) -> Result<usize> {
        let same = |queue: &Option<Queue>| {
            let known = queue.as_ref().and_then(|queue| queue.partition.as_ref());
            known.is_some_and(|known| Shared::same(known, &partition))
        };
        if same(&self.queues[self.last]) {
            return Ok(self.last);
        }
        let key = positions::store_key(&self.connector, &partition)?;
        let index = match self.by_key.get(&key) {
            Some(&index) => index,
            None => self.add_queue(partition, key),
        };
        self.last = index;
        Ok(index)
    }

    fn add_queue(&mut self, partition: Shared<OffsetMap>, key: Vec<u8>) -> usize {
        let queue = Queue {
            partition: Some(partition),
            key: key.clone(),
            first: 0,
            entries: VecDeque::new(),
            committable: None,
        };
        let index = match self.free.pop() {
            Some(index) => {
                self.queues[index] = Some(queue);
                index
            }
            None => {
                self.queues.push(Some(queue));
                self.queues.len() - 1
            }
        };
        self.by_key.insert(key, index);
        index
    }

    /// Marks a record as done: acknowledged by Kafka, filtered or skipped. Answers where it stood; none for a token
    /// that is not under way.
    pub(crate) fn done(&mut self, token: Token) -> Option<Place> {
        let queue = self.queues.get_mut(token.queue())?.as_mut()?;
        let index = usize::try_from(token.number().checked_sub(queue.first)?).ok()?;
        let entry = queue.entries.get_mut(index)?;
        if entry.done {
            return None;
        }
        entry.done = true;
        let place = entry.place;
        self.under_way -= 1;
        while queue.entries.front().is_some_and(|entry| entry.done) {
            let entry = queue.entries.pop_front().expect("the loop saw it");
            queue.first += 1;
            if let AbiOption::RSome(offset) = entry.offset
                && queue.partition.is_some()
            {
                queue.committable = Some(offset);
            }
        }
        Some(place)
    }

    /// Where the record of a token was read, until all before it in its source partition are done.
    pub(crate) fn position(&self, token: Token) -> Option<SourcePosition> {
        let queue = self.queues.get(token.queue())?.as_ref()?;
        let index = usize::try_from(token.number().checked_sub(queue.first)?).ok()?;
        let offset = queue.entries.get(index)?.offset.clone();
        Some(SourcePosition { partition: queue.partition.clone().into(), offset })
    }

    /// How many records are under way.
    pub(crate) fn under_way(&self) -> usize {
        self.under_way
    }

    /// Takes what may be stored now. Each offset is given out once; who takes it must keep it until it is stored.
    pub(crate) fn take_committable(&mut self) -> Vec<Committable> {
        let mut taken = Vec::new();
        for index in UNTRACKED + 1..self.queues.len() {
            let Some(queue) = &mut self.queues[index] else { continue };
            if let Some(offset) = queue.committable.take() {
                taken.push(Committable { key: queue.key.clone(), offset });
            } else if queue.entries.is_empty() {
                // A partition that has gone quiet: connectors may have very many over time.
                self.by_key.remove(&queue.key);
                self.queues[index] = None;
                self.free.push(index);
                if self.last == index {
                    self.last = UNTRACKED;
                }
            }
        }
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ferroconnect_plugin_abi::record::OffsetEntry;
    use ferroconnect_plugin_abi::{Text, Value};

    fn map(key: &'static str, value: i64) -> OffsetMap {
        vec![OffsetEntry { key: Text::from_static(key), value: Value::int64(value) }].into()
    }

    fn position(partition: &Shared<OffsetMap>, offset: i64) -> SourcePosition {
        SourcePosition { partition: partition.clone().into(), offset: AbiOption::RSome(map("o", offset)) }
    }

    const PLACE: Place = Place { batch: 0, index: 0 };

    #[test]
    fn only_the_finished_prefix_is_committable() {
        let mut submitted = Submitted::new("c");
        let partition = Shared::new(map("p", 1));
        let tokens: Vec<_> = (0..4).map(|n| submitted.submit(position(&partition, n), PLACE).unwrap()).collect();
        submitted.done(tokens[1]);
        submitted.done(tokens[3]);
        assert_eq!(submitted.position(tokens[2]).unwrap().offset, AbiOption::RSome(map("o", 2)));
        assert!(submitted.take_committable().is_empty());
        submitted.done(tokens[0]);
        assert!(submitted.position(tokens[0]).is_none());
        let taken = submitted.take_committable();
        assert_eq!(taken.len(), 1);
        assert_eq!(taken[0].offset, map("o", 1));
        assert_eq!(submitted.under_way(), 1);
        submitted.done(tokens[2]);
        assert_eq!(submitted.take_committable()[0].offset, map("o", 3));
        assert!(submitted.take_committable().is_empty());
    }

    #[test]
    fn partitions_do_not_wait_for_each_other_and_equal_ones_share_a_queue() {
        let mut submitted = Submitted::new("c");
        let (first, second) = (Shared::new(map("p", 1)), Shared::new(map("p", 2)));
        let slow = submitted.submit(position(&first, 10), PLACE).unwrap();
        let fast = submitted.submit(position(&second, 20), PLACE).unwrap();
        let again = submitted.submit(position(&Shared::new(map("p", 1)), 11), PLACE).unwrap();
        submitted.done(again);
        submitted.done(fast);
        let taken = submitted.take_committable();
        assert_eq!(taken.iter().map(|c| c.offset.clone()).collect::<Vec<_>>(), [map("o", 20)]);
        submitted.done(slow);
        assert_eq!(submitted.take_committable()[0].offset, map("o", 11));
    }

    #[test]
    fn quiet_partitions_are_forgotten_and_their_places_used_again() {
        let mut submitted = Submitted::new("c");
        for n in 0..100 {
            let token = submitted.submit(position(&Shared::new(map("p", n)), n), PLACE).unwrap();
            submitted.done(token);
            assert_eq!(submitted.take_committable().len(), 1);
            assert!(submitted.take_committable().is_empty());
        }
        assert_eq!(submitted.queues.len(), 2);
    }

    #[test]
    fn records_without_position_are_counted_and_never_committable() {
        let mut submitted = Submitted::new("c");
        let token = submitted.submit(SourcePosition::default(), Place { batch: 7, index: 3 }).unwrap();
        assert_eq!(submitted.under_way(), 1);
        assert_eq!(submitted.done(token), Some(Place { batch: 7, index: 3 }));
        assert_eq!(submitted.done(token), None);
        assert!(submitted.take_committable().is_empty());
    }
}
