//! Handing records to a sink plugin, and finding the ones it rejects.
//!
//! With `errors.deadletterqueue.put.errors` a batch that `put` rejects is put again in halves until the records that
//! are at fault stand alone; these become dead letters. Records of the batch may so reach the plugin several times, as
//! they would if the task were restarted, and always in order.

use std::time::Instant;

use ferroconnect_plugin_abi::Record;

use crate::config::PutErrors;
use crate::error::{ConnectError, ErrorKind, Result, Stage};
use crate::pipeline::{FailedRecord, Verdict};
use crate::plugins::api;

use super::errant::PUT_CLASS;
use super::lifecycle::Next;
use super::sink_task::Running;

/// The records of a batch that the plugin has not taken: those to put next, and what a split left for later.
#[derive(Default)]
pub(crate) struct Waiting {
    next: Vec<Record>,
    /// The last one comes first.
    later: Vec<Vec<Record>>,
}

impl Waiting {
    /// Where the records of a new batch go.
    pub(crate) fn begin(&mut self) -> &mut Vec<Record> {
        self.later.clear();
        &mut self.next
    }

    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.next.is_empty() && self.later.is_empty()
    }

    /// Drops records that are not wanted any more.
    pub(crate) fn retain(&mut self, wanted: impl Fn(&Record) -> bool) {
        self.next.retain(&wanted);
        self.later.iter_mut().for_each(|part| part.retain(&wanted));
        self.later.retain(|part| !part.is_empty());
    }

    /// The next part is done. True = there is another.
    fn advance(&mut self) -> bool {
        self.next.clear();
        let Some(next) = self.later.pop() else { return false };
        self.next = next;
        true
    }

    /// Puts off the second half of the next part. False = it is a single record.
    fn split(&mut self) -> bool {
        if self.next.len() < 2 {
            return false;
        }
        self.later.push(self.next.split_off(self.next.len() / 2));
        true
    }
}

/// What became of the waiting records.
pub(super) enum Put {
    /// The plugin has them, or they are on their way to the dead-letter topic.
    Delivered,
    /// The plugin wants those that are left once more.
    Again(ConnectError),
    /// The task is to end; the rest is read again.
    Stopped,
}

impl Running<'_> {
    /// Gives the waiting records to the plugin.
    pub(super) fn put(&mut self) -> Result<Put> {
        loop {
            let begin = Instant::now();
            let answer = self.parts.plugin.put(&self.waiting.next);
            // Why the task must fail says more than what the plugin made of it.
            self.judge()?;
            match answer {
                Ok(()) => self.parts.metrics.put(self.waiting.next.len(), begin.elapsed()),
                Err(error) if error.is_retriable() => return Ok(Put::Again(error)),
                Err(error) if !rejects(self.parts.put_errors, &error) => {
                    return Err(ConnectError::connect("Exiting WorkerSinkTask due to unrecoverable exception.")
                        .caused_by(error));
                }
                Err(_) if self.waiting.split() => {
                    if self.lifecycle.next() == Next::Stop {
                        return Ok(Put::Stopped);
                    }
                    continue;
                }
                Err(error) => self.reject(error)?,
            }
            if !self.waiting.advance() {
                return Ok(Put::Delivered);
            }
        }
    }

    /// Gives up the one record that is left of a rejected batch.
    fn reject(&mut self, error: ConnectError) -> Result<()> {
        let Some(record) = self.waiting.next.first() else {
            return Err(ConnectError::connect("The sink rejects a batch without records").caused_by(error));
        };
        let read = &record.origin;
        let message = self.messages.iter().find(|message| {
            message.offset == read.offset && message.partition == read.partition && message.topic == read.topic
        });
        let Some(message) = message else {
            return Err(ConnectError::connect(
                "The sink rejects a record that does not say where it was read, because a transform made it anew; it cannot become a dead letter",
            )
            .caused_by(error));
        };
        let errors = self.parts.pipeline.errors();
        let settled = errors.report_failed(Stage::TaskPut, PUT_CLASS, error, FailedRecord::Consumed(message));
        match settled.verdict {
            Verdict::Skip => Ok(()),
            Verdict::Fail(error) => Err(error),
        }
    }
}

/// Whether an error of `put` is about records rather than about the sink.
fn rejects(wanted: PutErrors, error: &ConnectError) -> bool {
    match wanted {
        PutErrors::None => false,
        PutErrors::Data => error.kind() == ErrorKind::Data,
        // After a panic the plugin answers nothing but errors; a call cut short by a stop says nothing of its records.
        PutErrors::All => error.kind() != ErrorKind::Panic && !api::is_stopping(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ferroconnect_plugin_abi::Data;

    fn waiting(values: &[&str]) -> Waiting {
        let record = |value: &&str| Record::new("t", Data::schemaless(*value));
        Waiting { next: values.iter().map(record).collect(), later: Vec::new() }
    }

    fn texts(records: &[Record]) -> Vec<&str> {
        records.iter().map(|record| &**record.value.value.as_text().unwrap()).collect()
    }

    #[test]
    fn splitting_keeps_order_and_loses_nothing() {
        let mut waiting = waiting(&["a", "b", "c", "d", "e"]);
        let mut put = Vec::new();
        // "d" is rejected wherever it stands.
        loop {
            let batch: Vec<String> = texts(&waiting.next).into_iter().map(str::to_owned).collect();
            if batch.contains(&"d".to_owned()) && waiting.split() {
                continue;
            }
            put.push(batch);
            if !waiting.advance() {
                break;
            }
        }
        assert_eq!(put, [vec!["a", "b"], vec!["c"], vec!["d"], vec!["e"]]);
        assert!(waiting.is_empty());
    }

    #[test]
    fn records_that_are_not_wanted_leave_every_part() {
        let mut waiting = waiting(&["a", "b", "c", "d"]);
        assert!(waiting.split());
        waiting.retain(|record| &**record.value.value.as_text().unwrap() != "c");
        assert_eq!(texts(&waiting.next), ["a", "b"]);
        assert!(waiting.advance());
        assert_eq!(texts(&waiting.next), ["d"]);
    }

    #[test]
    fn only_wanted_errors_reject_records() {
        let (data, fatal, panic) = (ConnectError::data("x"), ConnectError::connect("x"), ConnectError::panic("x"));
        let by = |wanted| [&data, &fatal, &panic].map(|error| rejects(wanted, error));
        assert_eq!(by(PutErrors::None), [false; 3]);
        assert_eq!(by(PutErrors::Data), [true, false, false]);
        assert_eq!(by(PutErrors::All), [true, true, false]);
    }
}
