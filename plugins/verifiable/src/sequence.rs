//! Numbered tasks that make numbered records: what the sources have in common.

use crate::throttle::Throttle;
use ferroconnect_plugin_sdk::{
    Config, Error, Key, OffsetMap, Result, Shared, SourceContext, StopSignal, Text, Value, offset_map,
};

/// The name of the connector, given by the worker.
pub(crate) const NAME: &str = "name";
/// The number of a task, given by the connector.
pub(crate) const ID: &str = "id";
/// The topic to write to.
pub(crate) const TOPIC: &str = "topic";
/// Records per second.
pub(crate) const THROUGHPUT: &str = "throughput";

/// The definition of `topic`.
pub(crate) fn topic_key() -> Key {
    Key::string(TOPIC).required().non_empty().high().doc("The topic to write to.")
}

/// The definition of `throughput`.
pub(crate) fn throughput_key() -> Key {
    let doc = "Records per second and task. Below zero = as many as possible, zero = none.";
    Key::long(THROUGHPUT).default_value("-1").doc(doc)
}

/// One configuration per task, each with its number.
pub(crate) fn numbered_tasks(config: &Config, count: usize) -> Vec<Config> {
    let task = |id| {
        let mut task = config.clone();
        task.set(ID, id);
        task
    };
    (0..count).map(task).collect()
}

/// The numbers that one task gives to its records, from where it stopped the last time.
#[derive(Debug)]
pub(crate) struct Sequence {
    /// The number of the task.
    pub(crate) id: i32,
    /// The topic.
    pub(crate) topic: Text,
    /// The source partition: the task.
    pub(crate) partition: Shared<OffsetMap>,
    /// The number of the next record.
    pub(crate) next: i64,
    throttle: Throttle,
    stop: StopSignal,
}

impl Sequence {
    /// Goes on after the stored offset.
    pub(crate) fn resume(context: &SourceContext, config: &Config) -> Result<Sequence> {
        let id = config.parse(ID)?;
        let partition = offset_map([(ID, Value::int32(id))]);
        let stored = context.offset(&partition)?;
        let next = match stored.as_ref().and_then(|offset| offset.iter().find(|entry| entry.key.as_str() == "seqno")) {
            None => 0,
            Some(entry) => {
                let wrong =
                    || Error::fatal("The stored offset 'seqno' is not a whole number; alter or reset the offset");
                entry.value.as_integer().ok_or_else(wrong)? + 1
            }
        };
        Ok(Sequence {
            id,
            topic: config.text(TOPIC)?.into(),
            partition: Shared::new(partition),
            next,
            throttle: Throttle::new(config.parse(THROUGHPUT)?),
            stop: context.stop().clone(),
        })
    }

    /// How many records to make now, at most so many.
    pub(crate) fn due(&mut self, most: usize) -> usize {
        self.throttle.allow(most, &self.stop)
    }

    /// Takes the next number.
    pub(crate) fn take(&mut self) -> i64 {
        let seqno = self.next;
        self.next += 1;
        seqno
    }

    /// The offset that stands for this record.
    pub(crate) fn offset(seqno: i64) -> OffsetMap {
        offset_map([("seqno", Value::int64(seqno))])
    }
}
