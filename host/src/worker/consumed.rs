//! Batches on their way from the consumer to the plugin, still in the consumer's memory.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use ferroconnect_plugin_abi::record::{RawHeader, TimestampType};
use ferroconnect_plugin_abi::{Blob, Shared, Text};

use crate::kafka::consumer::Timestamp;
use crate::kafka::{MessageBatch, MessageRef};
use crate::stages::RawMessage;

use super::originals::Originals;
use super::sink_offsets::{Partition, SinkOffsets};

/// A message with key, value and header values in its batch's memory.
pub(crate) fn raw_message(
    batch: &Shared<MessageBatch>,
    index: usize,
    message: &MessageRef<'_>,
    topic: Text,
) -> RawMessage {
    let key = |_| Blob::project(batch, |batch| batch.get(index).and_then(|m| m.key()).unwrap_or_default());
    let value = |_| Blob::project(batch, |batch| batch.get(index).and_then(|m| m.value()).unwrap_or_default());
    let header_value = |place: usize| Blob::project(batch, |batch| nth_header(batch, index, place).unwrap_or_default());
    let (timestamp, timestamp_type) = match message.timestamp() {
        Timestamp::None => (None, TimestampType::NONE),
        Timestamp::Create(milliseconds) => (Some(milliseconds), TimestampType::CREATE_TIME),
        Timestamp::LogAppend(milliseconds) => (Some(milliseconds), TimestampType::LOG_APPEND_TIME),
    };
    let header = |(place, (key, value)): (usize, (std::borrow::Cow<'_, str>, Option<&[u8]>))| RawHeader {
        key: Text::from(&*key),
        value: value.map(|_| header_value(place)).into(),
    };
    RawMessage {
        topic,
        partition: message.partition(),
        offset: message.offset(),
        timestamp,
        timestamp_type,
        key: message.key().map(key),
        value: message.value().map(value),
        headers: message.headers().enumerate().map(header).collect(),
        raw: Blob::EMPTY,
    }
}

/// The value of a header of a message, by their places.
fn nth_header(batch: &MessageBatch, message: usize, header: usize) -> Option<&[u8]> {
    batch.get(message)?.headers().nth(header)?.1
}

/// What has come and was not yet delivered.
#[derive(Default)]
pub(crate) struct Intake {
    waiting: VecDeque<Vec<RawMessage>>,
    /// The end of what was taken last, per partition: delivered once the plugin has it.
    taken: Vec<(Partition, i64)>,
    /// Topic names in the plugin's form, so that records share them.
    topics: HashMap<Arc<str>, Text>,
    /// The topic of the last message: most messages come from where the one before came from.
    last: Option<(Arc<str>, Text)>,
    /// Where reports of records find their messages, if anybody wants them.
    originals: Option<Arc<Originals>>,
}

impl Intake {
    /// Nothing has come yet. With `originals`, messages are tagged so that they are found there.
    pub(crate) fn new(originals: Option<Arc<Originals>>) -> Intake {
        Intake { originals, ..Intake::default() }
    }

    /// Adds a batch. The offsets learn where reading began.
    pub(crate) fn add(&mut self, batch: MessageBatch, offsets: &mut SinkOffsets) {
        if batch.is_empty() {
            return;
        }
        let messages = self.convert(&Shared::new(batch));
        let mut last: Option<(&Text, i32)> = None;
        for message in &messages {
            if last.is_none_or(|(topic, partition)| topic != &message.topic || partition != message.partition) {
                offsets.begins_at(&(Arc::from(message.topic.as_str()), message.partition), message.offset);
                last = Some((&message.topic, message.partition));
            }
        }
        self.waiting.push_back(messages);
    }

    fn convert(&mut self, batch: &Shared<MessageBatch>) -> Vec<RawMessage> {
        let tags = self.originals.as_ref().map(|originals| originals.tag(batch));
        let message = |(index, message): (usize, MessageRef<'_>)| {
            let topic = self.topic(message.topic());
            let mut raw = raw_message(batch, index, &message, topic);
            if let Some(tags) = &tags {
                raw.raw = tags.get(index);
            }
            raw
        };
        batch.iter().enumerate().map(message).collect()
    }

    fn topic(&mut self, name: &Arc<str>) -> Text {
        if let Some((last, topic)) = &self.last
            && Arc::ptr_eq(last, name)
        {
            return topic.clone();
        }
        let topic = self.topics.entry(Arc::clone(name)).or_insert_with(|| Text::from(&**name)).clone();
        self.last = Some((Arc::clone(name), topic.clone()));
        topic
    }

    /// Takes the oldest batch. False = there is none.
    pub(crate) fn take(&mut self, messages: &mut Vec<RawMessage>) -> bool {
        let Some(oldest) = self.waiting.pop_front() else { return false };
        *messages = oldest;
        self.taken.clear();
        for message in messages.iter() {
            let next = message.offset + 1;
            match self.taken.last_mut() {
                Some(((topic, partition), end)) if **topic == *message.topic && *partition == message.partition => {
                    *end = next;
                }
                _ => self.taken.push(((Arc::from(message.topic.as_str()), message.partition), next)),
            }
        }
        true
    }

    /// The plugin has what was taken last.
    pub(crate) fn delivered(&mut self, offsets: &mut SinkOffsets) {
        for (partition, next) in self.taken.drain(..) {
            offsets.delivered(&partition, next);
        }
    }

    /// Drops what is here of these partitions.
    pub(crate) fn forget(&mut self, partitions: &[Partition]) {
        let gone = |topic: &str, number: i32| partitions.iter().any(|(name, n)| *n == number && **name == *topic);
        for batch in &mut self.waiting {
            batch.retain(|message| !gone(&message.topic, message.partition));
        }
        self.waiting.retain(|batch| !batch.is_empty());
        self.taken.retain(|((topic, number), _)| !gone(topic, *number));
    }
}
