//! From a source connector to Kafka: transforms, then the converters of headers, key and value.

use std::time::Instant;

use ferroconnect_plugin_abi::containers::AbiOption;
use ferroconnect_plugin_abi::record::{RawHeader, SourcePosition};
use ferroconnect_plugin_abi::{Blob, Record};

use super::chain::{Slot, next_run};
use super::dead_letter::SourceLetters;
use super::report::{FailedRecord, Failure};
use super::tolerance::Verdict;
use super::{Chain, Converters, Named, PipelineTimes, TaskErrors, complete};
use crate::error::{ConnectError, Result, Stage};
use crate::stages::{Converter, HeaderConverter, Part};

/// A record ready for the producer. Topic and partition stand in the record it was made from.
#[derive(Debug, Clone, PartialEq)]
pub struct OutRecord {
    /// The key, or null.
    pub key: Option<Blob>,
    /// The value, or null.
    pub value: Option<Blob>,
    /// The headers in order.
    pub headers: Vec<RawHeader>,
    /// Milliseconds since 1970; absent = now, decided by the producer.
    pub timestamp: Option<i64>,
}

/// What became of one source record.
#[derive(Debug)]
pub enum SourceOutcome {
    /// Send it.
    Ready(OutRecord),
    /// A transform dropped it: done.
    Filtered,
    /// It failed, was reported, and `errors.tolerance=all` skips it: done.
    Skipped,
    /// As `Skipped`, but it is done only once Kafka has this in the dead-letter topic.
    DeadLetter(Box<OutRecord>),
    /// The task must fail with this error, after the records before this one were sent.
    Failed(ConnectError),
}

/// The pipeline of one source task.
///
/// ```text
/// let mut rest = 0;
/// while rest < batch.records.len() {
///     pipeline.process(&mut batch.records[rest..], &batch.positions[rest..], &mut outcomes);
///     for outcome in outcomes.drain(..) { … batch.records[rest] …; rest += 1; }
/// }
/// ```
pub struct SourcePipeline {
    chain: Chain,
    converters: Converters,
    errors: TaskErrors,
    letters: Option<SourceLetters>,
    // Kept from batch to batch for their memory.
    originals: Vec<Record>,
    slots: Vec<Slot>,
    keys: Vec<Result<Option<Blob>>>,
    values: Vec<Result<Option<Blob>>>,
    headers: Vec<Vec<RawHeader>>,
    times: PipelineTimes,
}

impl SourcePipeline {
    /// A pipeline of these parts.
    pub fn new(chain: Chain, converters: Converters, errors: TaskErrors) -> Self {
        Self {
            chain,
            converters,
            errors,
            letters: None,
            originals: Vec::new(),
            slots: Vec::new(),
            keys: Vec::new(),
            values: Vec::new(),
            headers: Vec::new(),
            times: PipelineTimes::default(),
        }
    }

    /// How long the last [`process`](Self::process) took.
    pub fn times(&self) -> PipelineTimes {
        self.times
    }

    /// From now on records that are skipped become dead letters.
    #[must_use]
    pub fn with_dead_letters(self, letters: SourceLetters) -> Self {
        Self { letters: Some(letters), ..self }
    }

    /// The error handling: counters, cancelling, and reports of what fails later on (asynchronous sending).
    pub fn errors(&mut self) -> &mut TaskErrors {
        &mut self.errors
    }

    /// A record of the last [`process`](Self::process) as the connector gave it, if a reporter wants to see it so. To be
    /// kept for [`TaskErrors::report_failed`], should Kafka refuse what was made of it.
    pub fn original(&self, index: usize) -> Option<&Record> {
        if self.errors.wants_originals() { self.originals.get(index) } else { None }
    }

    /// Takes records through the pipeline. `outcomes` is cleared and gets one outcome for each record of a prefix
    /// of `records`, never an empty one; call again for the rest, once the prefix is sent. The prefix is shorter
    /// than `records` after [`SourceOutcome::Failed`], which is always the last, and where retries are on: a record
    /// that is tried again must not hold back those before it.
    ///
    /// `positions[i]` is where `records[i]` was read, for error messages. Records are changed in place by
    /// transforms; topic and partition to send to are those left in `records[i]`. Blocks for as long as retries
    /// take.
    pub fn process(&mut self, records: &mut [Record], positions: &[SourcePosition], outcomes: &mut Vec<SourceOutcome>) {
        outcomes.clear();
        let count = if self.errors.retries() { records.len().min(1) } else { records.len() };
        let records = &mut records[..count];
        self.originals.clear();
        if self.errors.wants_originals() || self.letters.is_some() {
            self.originals.extend_from_slice(records);
        }
        self.slots.clear();
        self.slots.resize_with(count, || Slot::Active);
        let begin = Instant::now();
        self.chain.apply(records, &mut self.slots, &self.errors);
        let transformed = Instant::now();
        self.convert(records);
        self.times = PipelineTimes { transform: transformed - begin, convert: transformed.elapsed() };
        let converted = self.keys.drain(..).zip(self.values.drain(..)).zip(self.headers.drain(..));
        for (index, (slot, ((key, value), headers))) in self.slots.drain(..).zip(converted).enumerate() {
            let outcome = match slot {
                Slot::Active => match (key, value, timestamp(&records[index])) {
                    (Ok(key), Ok(value), Ok(timestamp)) => {
                        SourceOutcome::Ready(OutRecord { key, value, headers, timestamp })
                    }
                    (Err(error), _, _) | (_, Err(error), _) | (_, _, Err(error)) => {
                        let record = FailedRecord::Source { record: &records[index], position: positions.get(index) };
                        SourceOutcome::Failed(error.detail(record.place()))
                    }
                },
                Slot::Filtered => SourceOutcome::Filtered,
                Slot::Failed(failure) => {
                    let record = self.originals.get(index).unwrap_or(&records[index]);
                    give_up(&mut self.errors, &mut self.letters, *failure, record, positions.get(index))
                }
            };
            let failed = matches!(outcome, SourceOutcome::Failed(_));
            outcomes.push(outcome);
            if failed {
                break;
            }
        }
    }

    fn convert(&mut self, records: &mut [Record]) {
        let Self { converters, errors, slots, keys, values, headers, .. } = self;
        for (record, slot) in records.iter().zip(slots.iter_mut()) {
            let mut raw = Vec::new();
            if slot.is_active() && !record.headers.is_empty() {
                convert_headers(&mut converters.header, record, &mut raw, slot, errors);
            }
            headers.push(raw);
        }
        convert_part(&mut converters.key, Part::Key, records, slots, keys, errors);
        convert_part(&mut converters.value, Part::Value, records, slots, values, errors);
        // Converters may have added headers.
        for ((record, slot), raw) in records.iter().zip(slots).zip(headers) {
            if slot.is_active() && record.headers.len() > raw.len() {
                convert_headers(&mut converters.header, record, raw, slot, errors);
            }
        }
    }
}

/// Reports a record and says what becomes of it.
fn give_up(
    errors: &mut TaskErrors,
    letters: &mut Option<SourceLetters>,
    failure: Failure,
    record: &Record,
    position: Option<&SourcePosition>,
) -> SourceOutcome {
    let place = FailedRecord::Source { record, position };
    let failure = TaskErrors::located(failure, place);
    match (errors.settle(&failure, place).verdict, letters) {
        (Verdict::Fail(error), _) => SourceOutcome::Failed(error),
        (Verdict::Skip, None) => SourceOutcome::Skipped,
        (Verdict::Skip, Some(letters)) => {
            errors.counters().add_dead_letter();
            SourceOutcome::DeadLetter(Box::new(letters.of_record(&failure, record)))
        }
    }
}

/// Converts one half of every active record; `results` ends as long as `records`.
fn convert_part(
    converter: &mut Named<dyn Converter>,
    part: Part,
    records: &mut [Record],
    slots: &mut [Slot],
    results: &mut Vec<Result<Option<Blob>>>,
    errors: &TaskErrors,
) {
    let mut start = 0;
    while let Some(run) = next_run(slots, start, Slot::is_active) {
        start = run.end;
        results.resize_with(run.start, || Ok(None));
        let counts: Vec<usize> =
            if errors.retries() { records[run.clone()].iter().map(|r| r.headers.len()).collect() } else { Vec::new() };
        converter.stage.from_connect_batch(part, &mut records[run.clone()], results);
        complete(results, run.end, &converter.class);
        for index in run.clone() {
            let Err(error) = &results[index] else { continue };
            let record = &mut records[index];
            let retried = errors.retry(error.clone(), || {
                record.headers.truncate(counts[index - run.start]);
                let data = part.of(&record.key, &record.value);
                converter.stage.from_connect(&record.topic, &mut record.headers, data)
            });
            match retried {
                Ok(bytes) => results[index] = Ok(bytes),
                Err(given_up) => slots[index] = Slot::failed(given_up, part.stage(), &converter.class),
            }
        }
    }
    results.resize_with(records.len(), || Ok(None));
}

/// Converts the headers that have no bytes yet.
fn convert_headers(
    converter: &mut Named<dyn HeaderConverter>,
    record: &Record,
    raw: &mut Vec<RawHeader>,
    slot: &mut Slot,
    errors: &TaskErrors,
) {
    raw.reserve(record.headers.len() - raw.len());
    for header in record.headers.iter().skip(raw.len()) {
        let mut convert = || converter.stage.from_connect_header(&record.topic, &header.key, &header.data);
        let converted = match convert() {
            Ok(bytes) => Ok(bytes),
            Err(error) => errors.retry(error, convert),
        };
        match converted {
            Ok(bytes) => raw.push(RawHeader { key: header.key.clone(), value: bytes.into() }),
            Err(mut given_up) => {
                given_up.error = given_up.error.detail(format!("header '{}'", header.key));
                *slot = Slot::failed(given_up, Stage::HeaderConverter, &converter.class);
                return;
            }
        }
    }
}

/// The timestamp to send: -1 means none, other negative ones are refused.
fn timestamp(record: &Record) -> Result<Option<i64>> {
    match record.timestamp {
        AbiOption::RNone | AbiOption::RSome(-1) => Ok(None),
        AbiOption::RSome(millis) if millis >= 0 => Ok(Some(millis)),
        AbiOption::RSome(millis) => Err(ConnectError::connect(format!("Invalid record timestamp {millis}"))
            .with_class("org.apache.kafka.common.InvalidRecordException")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{chain, converters, errors, record};
    use super::super::{DeadLetterForm, ErrorPolicy, Tolerance};
    use super::*;
    use ferroconnect_plugin_abi::containers::AbiVec;
    use ferroconnect_plugin_abi::{Data, Header, Text};
    use std::time::Duration;

    fn run(pipeline: &mut SourcePipeline, values: &[&str]) -> Vec<String> {
        let mut records: Vec<Record> = values.iter().map(|value| record(value)).collect();
        let mut outcomes = Vec::new();
        let mut all = Vec::new();
        let mut done = 0;
        while done < records.len() {
            pipeline.process(&mut records[done..], &[], &mut outcomes);
            assert!(!outcomes.is_empty());
            done += outcomes.len();
            for outcome in outcomes.drain(..) {
                all.push(match outcome {
                    SourceOutcome::Ready(out) => {
                        String::from_utf8(out.value.expect("not null").to_vec()).expect("text")
                    }
                    SourceOutcome::Filtered => "filtered".into(),
                    SourceOutcome::Skipped => "skipped".into(),
                    SourceOutcome::DeadLetter(out) => {
                        format!("letter {}", String::from_utf8_lossy(out.value.as_deref().expect("not null")))
                    }
                    SourceOutcome::Failed(error) => {
                        done = records.len();
                        error.trace()
                    }
                });
            }
        }
        all
    }

    #[test]
    fn good_records_pass_bad_ones_are_skipped() {
        let (errors, reports) = errors(Tolerance::All, ErrorPolicy::default());
        let mut pipeline = SourcePipeline::new(chain(false), converters(), errors);
        let all = run(&mut pipeline, &["a", "drop", "bad", "b", "fail", "ab"]);
        assert_eq!(all, ["a!", "filtered", "bad!", "b", "skipped", "ab!"]);
        assert_eq!(*reports.0.lock(), ["TRANSFORMATION cannot transform topic 't'"]);
        let counts = pipeline.errors().counters().snapshot();
        assert_eq!((counts.failures, counts.errors, counts.skipped), (1, 1, 1));
    }

    #[test]
    fn skipped_records_become_dead_letters_as_they_came() {
        let (errors, _) = errors(Tolerance::All, ErrorPolicy::default());
        let letters = SourceLetters::new(DeadLetterForm::new("c", 0, false)).expect("fixed settings");
        let mut pipeline = SourcePipeline::new(chain(true), converters(), errors).with_dead_letters(letters);
        // "b" is changed by a transform before the converter; "bad" fails in the converter.
        assert_eq!(run(&mut pipeline, &["b", "bad"]), ["b!", r#"letter {"schema":null,"payload":"bad"}"#]);
        assert_eq!(pipeline.errors().counters().snapshot().dead_letters, 1);
    }

    #[test]
    fn negated_predicates_turn_round() {
        let (errors, _) = errors(Tolerance::All, ErrorPolicy::default());
        let mut pipeline = SourcePipeline::new(chain(true), converters(), errors);
        assert_eq!(run(&mut pipeline, &["a", "b", "bad"]), ["a", "b!", "skipped"]);
    }

    #[test]
    fn the_first_failure_in_record_order_ends_it() {
        let (errors, reports) = errors(Tolerance::None, ErrorPolicy::default());
        let mut pipeline = SourcePipeline::new(chain(true), converters(), errors);
        let all = run(&mut pipeline, &["a", "bad", "fail", "a"]);
        assert_eq!(all.len(), 2);
        assert_eq!(
            all[1],
            "org.apache.kafka.connect.errors.ConnectException: Tolerance exceeded in error handler\n\
             Caused by: org.apache.kafka.connect.errors.DataException: this is bad\n\
             \tat stage VALUE_CONVERTER with class 'test.Value', topic 't'\n"
        );
        assert_eq!(reports.0.lock().len(), 1);
    }

    #[test]
    fn panicked_stages_fail_the_task_whatever_is_tolerated() {
        let (errors, _) = errors(Tolerance::All, ErrorPolicy::default());
        let mut pipeline = SourcePipeline::new(Chain::default(), converters(), errors);
        let all = run(&mut pipeline, &["panic", "b"]);
        assert!(all[0].contains("Unhandled exception in error handler"), "{all:?}");
        assert_eq!(all.len(), 1);
    }

    #[test]
    fn retries_do_not_hold_back_earlier_records() {
        let policy =
            ErrorPolicy { retry_timeout: None, retry_delay_max: Duration::from_millis(1), ..ErrorPolicy::default() };
        let (errors, _) = errors(Tolerance::None, policy);
        let mut pipeline = SourcePipeline::new(chain(true), converters(), errors);
        let mut records = [record("a"), record("later")];
        let mut outcomes = Vec::new();
        pipeline.process(&mut records, &[], &mut outcomes);
        assert_eq!(outcomes.len(), 1);
        // "later" fails once in the converter, and the transform before it is not applied twice.
        assert_eq!(run(&mut pipeline, &["a", "later", "b"]), ["a", "later", "b!"]);
        assert_eq!(pipeline.errors().counters().snapshot().retries, 1);
    }

    #[test]
    fn headers_and_timestamps_go_along() {
        let (errors, _) = errors(Tolerance::None, ErrorPolicy::default());
        let mut pipeline = SourcePipeline::new(Chain::default(), converters(), errors);
        let mut record = record("v");
        record.headers.push(Header { key: "h".into(), data: Data::schemaless("x") });
        record.timestamp = AbiOption::RSome(-1);
        let mut bad = record.clone();
        bad.timestamp = AbiOption::RSome(-2);
        let mut outcomes = Vec::new();
        pipeline.process(&mut [record, bad], &[], &mut outcomes);
        let SourceOutcome::Ready(out) = &outcomes[0] else { panic!("{outcomes:?}") };
        assert_eq!(out.headers[0].value, AbiOption::RSome(Blob::copy_from(b"x")));
        assert_eq!(out.timestamp, None);
        let SourceOutcome::Failed(error) = &outcomes[1] else { panic!("{outcomes:?}") };
        assert_eq!(error.message(), "Invalid record timestamp -2");
    }

    /// Adds a header to every record it writes, and answers for too few records.
    struct Careless;

    impl Converter for Careless {
        fn from_connect(&mut self, _: &Text, headers: &mut AbiVec<Header>, _: &Data) -> Result<Option<Blob>> {
            headers.push(Header { key: "added".into(), data: Data::schemaless("by the converter") });
            Ok(None)
        }

        fn to_connect(&mut self, _: &Text, _: &[RawHeader], _: Option<&Blob>) -> Result<Data> {
            Ok(Data::NULL)
        }

        fn from_connect_batch(&mut self, _: Part, records: &mut [Record], results: &mut Vec<Result<Option<Blob>>>) {
            for record in records.iter_mut().take(1) {
                results.push(self.from_connect(&Text::default(), &mut record.headers, &record.key));
            }
        }
    }

    #[test]
    fn converters_may_add_headers_but_must_answer_for_every_record() {
        let (errors, _) = errors(Tolerance::All, ErrorPolicy::default());
        let key = Named::new("test.Careless", Box::new(Careless) as Box<dyn Converter>);
        let mut pipeline = SourcePipeline::new(Chain::default(), Converters { key, ..converters() }, errors);
        let mut outcomes = Vec::new();
        pipeline.process(&mut [record("a"), record("b")], &[], &mut outcomes);
        let SourceOutcome::Ready(out) = &outcomes[0] else { panic!("{outcomes:?}") };
        assert_eq!(out.headers[0].value, AbiOption::RSome(Blob::copy_from(b"by the converter")));
        assert!(matches!(outcomes[1], SourceOutcome::Skipped), "{outcomes:?}");
    }

    #[test]
    fn a_cancelled_retry_fails_the_task_and_skips_nothing() {
        let policy = ErrorPolicy { retry_timeout: None, ..ErrorPolicy::default() };
        let (errors, reports) = errors(Tolerance::All, policy);
        errors.cancel().cancel();
        let mut pipeline = SourcePipeline::new(Chain::default(), converters(), errors);
        let all = run(&mut pipeline, &["later", "b"]);
        assert!(all[0].contains("Task was cancelled while retrying"), "{all:?}");
        assert_eq!(all.len(), 1);
        assert!(reports.0.lock().is_empty());
    }
}
