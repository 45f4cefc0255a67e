//! Finding the message that a record was made from, when a plugin reports the record.
//!
//! A record carries a small tag in `Record::raw` that plugins copy along. The tag keeps its batch alive, so a report
//! finds its message for as long as anybody has a record of the batch, and nothing is kept for longer.

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use ferroconnect_plugin_abi::{Blob, Shared};
use parking_lot::Mutex;

use crate::kafka::MessageBatch;

/// Bytes of a tag: the batch's number, then the message's place in the batch.
const TAG: usize = 12;

/// The batches that records of one task were made from. Any thread may look.
#[derive(Default)]
pub(crate) struct Originals(Mutex<Known>);

#[derive(Default)]
struct Known {
    next: u64,
    batches: HashMap<u64, Weak<Tagged>>,
}

/// A batch and the tags of its messages.
struct Tagged {
    batch: Shared<MessageBatch>,
    tags: Vec<u8>,
}

/// What the tags belong to.
struct Owner(Arc<Tagged>);

impl AsRef<[u8]> for Owner {
    fn as_ref(&self) -> &[u8] {
        &self.0.tags
    }
}

impl Originals {
    /// Makes the tags of a batch, one behind the other.
    pub(crate) fn tag(&self, batch: &Shared<MessageBatch>) -> Tags {
        let mut known = self.0.lock();
        let number = known.next;
        known.next += 1;
        known.batches.retain(|_, batch| batch.strong_count() > 0);
        let mut tags = Vec::with_capacity(batch.len() * TAG);
        for index in 0..u32::try_from(batch.len()).unwrap_or(u32::MAX) {
            tags.extend_from_slice(&number.to_le_bytes());
            tags.extend_from_slice(&index.to_le_bytes());
        }
        let tagged = Arc::new(Tagged { batch: batch.clone(), tags });
        known.batches.insert(number, Arc::downgrade(&tagged));
        Tags(Blob::from_owner(Owner(tagged)))
    }

    /// The message of a tag; none for bytes that are no tag of this task.
    pub(crate) fn find(&self, tag: &Blob) -> Option<(Shared<MessageBatch>, usize)> {
        let bytes: &[u8; TAG] = tag.as_slice().try_into().ok()?;
        let (number, index) = bytes.split_at(8);
        let number = u64::from_le_bytes(number.try_into().ok()?);
        let index = u32::from_le_bytes(index.try_into().ok()?) as usize;
        let tagged = self.0.lock().batches.get(&number)?.upgrade()?;
        (index < tagged.batch.len()).then(|| (tagged.batch.clone(), index))
    }
}

/// The tags of one batch.
pub(crate) struct Tags(Blob);

impl Tags {
    /// The tag of a message.
    pub(crate) fn get(&self, index: usize) -> Blob {
        self.0.slice(index * TAG..(index + 1) * TAG)
    }
}
