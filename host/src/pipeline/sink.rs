//! From Kafka to a sink connector: the converters of key, value and headers, then transforms.

use std::time::Instant;

use ferroconnect_plugin_abi::containers::{AbiOption, AbiVec};
use ferroconnect_plugin_abi::record::Coordinates;
use ferroconnect_plugin_abi::{Data, Header, Record};

use super::chain::{Slot, next_run};
use super::report::FailedRecord;
use super::tolerance::Verdict;
use super::{Chain, Converters, Named, PipelineTimes, TaskErrors, complete};
use crate::error::{Result, Stage};
use crate::stages::{Converter, HeaderConverter, Part, RawMessage};

/// How many messages of a batch did not become records. They count as consumed all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SinkCounts {
    /// Dropped by a transform.
    pub filtered: usize,
    /// Failed, reported, and skipped under `errors.tolerance=all`.
    pub skipped: usize,
}

/// The pipeline of one sink task.
pub struct SinkPipeline {
    chain: Chain,
    converters: Converters,
    errors: TaskErrors,
    // Kept from batch to batch for their memory.
    slots: Vec<Slot>,
    keys: Vec<Result<Data>>,
    values: Vec<Result<Data>>,
    times: PipelineTimes,
}

impl SinkPipeline {
    /// A pipeline of these parts.
    pub fn new(chain: Chain, converters: Converters, errors: TaskErrors) -> Self {
        let (slots, keys, values) = (Vec::new(), Vec::new(), Vec::new());
        Self { chain, converters, errors, slots, keys, values, times: PipelineTimes::default() }
    }

    /// How long the last [`process`](Self::process) took.
    pub fn times(&self) -> PipelineTimes {
        self.times
    }

    /// The error handling: counters, cancelling, and what the plugin reports itself.
    pub fn errors(&mut self) -> &mut TaskErrors {
        &mut self.errors
    }

    /// Takes messages through the pipeline. `records` is cleared and gets the records to deliver, in order;
    /// messages that were filtered or skipped are missing there but count as consumed. Blocks for as long as
    /// retries take.
    ///
    /// # Errors
    /// The task must fail, and nothing of this batch may be delivered or committed.
    pub fn process(&mut self, messages: &[RawMessage], records: &mut Vec<Record>) -> Result<SinkCounts> {
        let begin = Instant::now();
        records.clear();
        self.slots.clear();
        self.slots.resize_with(messages.len(), || Slot::Active);
        self.convert(messages);
        let headers = &mut self.converters.header;
        let halves = self.keys.drain(..).zip(self.values.drain(..));
        records.reserve(messages.len());
        for ((message, slot), halves) in messages.iter().zip(&mut self.slots).zip(halves) {
            let (Slot::Active, (Ok(key), Ok(value))) = (&*slot, halves) else { continue };
            let mut record = record(message, key, value);
            if message.headers.is_empty() || read_headers(headers, message, &mut record.headers, slot, &self.errors) {
                records.push(record);
            }
        }
        let converted = Instant::now();
        if !self.chain.is_empty() {
            self.transform(records);
        }
        self.times = PipelineTimes { transform: converted.elapsed(), convert: converted - begin };
        if records.len() == messages.len() && self.slots.iter().all(Slot::is_active) {
            return Ok(SinkCounts::default());
        }
        self.settle(messages)
    }

    fn convert(&mut self, messages: &[RawMessage]) {
        let Self { converters, errors, slots, keys, values, .. } = self;
        read_part(&mut converters.key, Part::Key, messages, slots, keys, errors);
        read_part(&mut converters.value, Part::Value, messages, slots, values, errors);
    }

    /// Transforms the records made from active messages and drops those that are not to be delivered.
    fn transform(&mut self, records: &mut Vec<Record>) {
        let aligned = records.len() == self.slots.len();
        let mut own =
            if aligned { std::mem::take(&mut self.slots) } else { records.iter().map(|_| Slot::Active).collect() };
        self.chain.apply(records, &mut own, &self.errors);
        let mut kept = own.iter().map(Slot::is_active);
        records.retain(|_| kept.next().expect("there is one slot per record"));
        if aligned {
            self.slots = own;
        } else {
            for (slot, after) in self.slots.iter_mut().filter(|slot| slot.is_active()).zip(own) {
                *slot = after;
            }
        }
    }

    /// Counts what is not delivered and reports failures, in the order of the messages.
    fn settle(&mut self, messages: &[RawMessage]) -> Result<SinkCounts> {
        let mut counts = SinkCounts::default();
        for (slot, message) in self.slots.drain(..).zip(messages) {
            match slot {
                Slot::Active => {}
                Slot::Filtered => counts.filtered += 1,
                Slot::Failed(failure) => {
                    let record = FailedRecord::Consumed(message);
                    match self.errors.settle(&TaskErrors::located(*failure, record), record).verdict {
                        Verdict::Skip => counts.skipped += 1,
                        Verdict::Fail(error) => return Err(error),
                    }
                }
            }
        }
        Ok(counts)
    }
}

/// Reads one half of every message that is still active; `results` ends as long as `messages`.
fn read_part(
    converter: &mut Named<dyn Converter>,
    part: Part,
    messages: &[RawMessage],
    slots: &mut [Slot],
    results: &mut Vec<Result<Data>>,
    errors: &TaskErrors,
) {
    let mut start = 0;
    while let Some(run) = next_run(slots, start, Slot::is_active) {
        start = run.end;
        results.resize_with(run.start, || Ok(Data::NULL));
        converter.stage.to_connect_batch(part, &messages[run.clone()], results);
        complete(results, run.end, &converter.class);
        for index in run {
            let Err(error) = &results[index] else { continue };
            let message = &messages[index];
            let retried = errors.retry(error.clone(), || {
                converter.stage.to_connect(&message.topic, &message.headers, message.part(part))
            });
            match retried {
                Ok(data) => results[index] = Ok(data),
                Err(given_up) => slots[index] = Slot::failed(given_up, part.stage(), &converter.class),
            }
        }
    }
    results.resize_with(messages.len(), || Ok(Data::NULL));
}

/// Reads the headers of a message; false = one failed, and the slot says so.
fn read_headers(
    converter: &mut Named<dyn HeaderConverter>,
    message: &RawMessage,
    headers: &mut AbiVec<Header>,
    slot: &mut Slot,
    errors: &TaskErrors,
) -> bool {
    headers.reserve(message.headers.len());
    for header in &message.headers {
        let mut read = || converter.stage.to_connect_header(&message.topic, &header.key, header.value.as_ref().into());
        let read = match read() {
            Ok(data) => Ok(data),
            Err(error) => errors.retry(error, read),
        };
        match read {
            Ok(data) => headers.push(Header { key: header.key.clone(), data }),
            Err(mut given_up) => {
                given_up.error = given_up.error.detail(format!("header '{}'", header.key));
                *slot = Slot::failed(given_up, Stage::HeaderConverter, &converter.class);
                return false;
            }
        }
    }
    true
}

fn record(message: &RawMessage, key: Data, value: Data) -> Record {
    Record {
        topic: message.topic.clone(),
        partition: AbiOption::RSome(message.partition),
        // Kafka gives -1 for "none".
        timestamp: message.timestamp.filter(|&millis| millis >= 0).into(),
        timestamp_type: message.timestamp_type,
        key,
        value,
        headers: AbiVec::new(),
        origin: Coordinates { topic: message.topic.clone(), partition: message.partition, offset: message.offset },
        raw: message.raw.clone(),
        attributes: AbiVec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{chain, converters, errors, message, value};
    use super::super::{ErrorPolicy, Tolerance};
    use super::*;
    use ferroconnect_plugin_abi::record::RawHeader;
    use ferroconnect_plugin_abi::{Blob, Text};
    use std::time::Duration;

    fn messages(values: &[&str]) -> Vec<RawMessage> {
        values.iter().enumerate().map(|(offset, value)| message(offset as i64, value)).collect()
    }

    #[test]
    fn delivers_what_is_good_in_order() {
        let (errors, reports) = errors(Tolerance::All, ErrorPolicy::default());
        let mut pipeline = SinkPipeline::new(chain(false), converters(), errors);
        let mut records = Vec::new();
        let batch = messages(&["a", "drop", "bad", "b", "fail", "ab"]);
        let counts = pipeline.process(&batch, &mut records).expect("tolerated");
        assert_eq!(counts, SinkCounts { filtered: 1, skipped: 2 });
        assert_eq!(records.iter().map(value).collect::<Vec<_>>(), ["a!", "b", "ab!"]);
        assert_eq!(records.iter().map(|record| record.origin.offset).collect::<Vec<_>>(), [0, 3, 5]);
        assert_eq!(
            *reports.0.lock(),
            [
                "VALUE_CONVERTER this is bad topic 't', partition 3, offset 2",
                "TRANSFORMATION cannot transform topic 't', partition 3, offset 4"
            ]
        );
    }

    #[test]
    fn a_failure_names_where_it_happened() {
        let (errors, _) = errors(Tolerance::None, ErrorPolicy::default());
        let mut pipeline = SinkPipeline::new(Chain::default(), converters(), errors);
        let mut batch = messages(&["a", "b"]);
        batch[1].headers.push(RawHeader { key: "h".into(), value: AbiOption::RSome(Blob::copy_from(b"bad")) });
        let error = pipeline.process(&batch, &mut Vec::new()).expect_err("not tolerated");
        assert_eq!(
            error.trace(),
            "org.apache.kafka.connect.errors.ConnectException: Tolerance exceeded in error handler\n\
             Caused by: org.apache.kafka.connect.errors.DataException: this is bad\n\
             \tat header 'h'\n\
             \tat stage HEADER_CONVERTER with class 'test.Header', topic 't', partition 3, offset 1\n"
        );
    }

    #[test]
    fn plain_text_is_shared_from_message_to_record() {
        let (errors, _) = errors(Tolerance::None, ErrorPolicy::default());
        let mut pipeline = SinkPipeline::new(Chain::default(), converters(), errors);
        let batch = messages(&["hello"]);
        let mut records = Vec::new();
        assert_eq!(pipeline.process(&batch, &mut records).expect("good"), SinkCounts::default());
        let text: &Text = records[0].value.value.as_text().expect("text");
        assert_eq!(text.as_ptr(), batch[0].value.as_ref().expect("not null").as_ptr());
        assert_eq!(records[0].timestamp, AbiOption::RSome(1));
        assert!(records[0].key.value.is_null());
    }

    #[test]
    fn retries_happen_within_the_batch() {
        let policy =
            ErrorPolicy { retry_timeout: None, retry_delay_max: Duration::from_millis(1), ..ErrorPolicy::default() };
        let (errors, reports) = errors(Tolerance::None, policy);
        let mut pipeline = SinkPipeline::new(chain(false), converters(), errors);
        let mut records = Vec::new();
        let batch = messages(&["a", "later", "b"]);
        assert_eq!(pipeline.process(&batch, &mut records).expect("works in the end"), SinkCounts::default());
        assert_eq!(records.iter().map(value).collect::<Vec<_>>(), ["a!", "later!", "b"]);
        assert!(reports.0.lock().is_empty());
        assert_eq!(pipeline.errors().counters().snapshot().retries, 1);
    }

    #[test]
    fn a_failed_batch_leaves_nothing_behind_for_the_next() {
        let (errors, _) = errors(Tolerance::None, ErrorPolicy::default());
        let mut pipeline = SinkPipeline::new(Chain::default(), converters(), errors);
        let mut records = Vec::new();
        assert!(pipeline.process(&messages(&["a", "bad", "b"]), &mut records).is_err());
        assert_eq!(pipeline.process(&messages(&["c"]), &mut records).expect("good"), SinkCounts::default());
        assert_eq!(records.iter().map(value).collect::<Vec<_>>(), ["c"]);
    }
}
