//! Takes one record through the stages and notes what each does.

use ferroconnect_plugin_abi::containers::AbiVec;
use ferroconnect_plugin_abi::record::RawHeader;
use ferroconnect_plugin_abi::{Blob, Data, Header, Record};

use super::input::Input;
use super::lines::{Change, Entry, changes, entries};
use super::setup::{Setup, Step};
use crate::config::ConnectorKind;
use crate::error::{ConnectError, Result};
use crate::pipeline::{Converters, Named};
use crate::stages::Converter;

/// What one step did to a record.
pub(super) struct StepTrace {
    /// The key that names it in the connector's configuration.
    pub(super) name: String,
    pub(super) class: String,
    pub(super) condition: Option<Verdict>,
    pub(super) effect: Effect,
}

/// What a predicate said.
pub(super) struct Verdict {
    pub(super) predicate: String,
    pub(super) class: String,
    pub(super) holds: bool,
    pub(super) negate: bool,
}

pub(super) enum Effect {
    /// The predicate was against it.
    NotApplied,
    Unchanged,
    Changed(Vec<Change>),
    /// A converter read or wrote something; what came of it is shown elsewhere.
    Converted,
    Dropped,
    Failed(ConnectError),
}

/// What became of a record in the end.
pub(super) enum Outcome {
    /// A sink connector would get this.
    Delivered(Vec<Entry>),
    /// Kafka would get this.
    Produced(Vec<Entry>, Written),
    Dropped,
    Failed,
}

/// A message as it would lie in Kafka.
pub(super) struct Written {
    pub(super) key: Option<Blob>,
    pub(super) value: Option<Blob>,
    pub(super) headers: Vec<RawHeader>,
}

/// The way of one record.
pub(super) struct Trace {
    /// What the converters of a sink did, if there was something to convert.
    pub(super) reading: Vec<StepTrace>,
    /// The record before the first transform; `None` if a converter failed.
    pub(super) input: Option<Vec<Entry>>,
    /// What the transforms did, and for sources the converters behind them.
    pub(super) steps: Vec<StepTrace>,
    pub(super) outcome: Outcome,
}

/// Takes a record through all stages, or to the one that drops it or fails.
pub(super) fn run(setup: &mut Setup, input: Input) -> Trace {
    let mut trace = Trace { reading: Vec::new(), input: None, steps: Vec::new(), outcome: Outcome::Failed };
    let Some(mut record) = read(&mut setup.converters, input, &mut trace.reading) else { return trace };
    let mut state = entries(&record);
    trace.input = Some(state.clone());
    for step in &mut setup.steps {
        let (condition, effect) = apply(step, &mut record, &mut state);
        let end = match effect {
            Effect::Dropped => Some(Outcome::Dropped),
            Effect::Failed(_) => Some(Outcome::Failed),
            _ => None,
        };
        let class = step.transform.class.to_string();
        trace.steps.push(StepTrace { name: step.name.clone(), class, condition, effect });
        if let Some(end) = end {
            trace.outcome = end;
            return trace;
        }
    }
    trace.outcome = match setup.sample.kind {
        ConnectorKind::Sink => Outcome::Delivered(state),
        ConnectorKind::Source => match write(&mut setup.converters, &mut record, &mut trace.steps) {
            Some(written) => Outcome::Produced(state, written),
            None => Outcome::Failed,
        },
    };
    trace
}

/// Runs a transform if its predicate lets it.
fn apply(step: &mut Step, record: &mut Record, state: &mut Vec<Entry>) -> (Option<Verdict>, Effect) {
    let mut verdict = None;
    if let Some(condition) = &mut step.condition {
        let holds = match condition.predicate.stage.test(record) {
            Ok(holds) => holds,
            Err(error) => {
                let predicate = format!("predicates.{} ({})", condition.alias, condition.predicate.class);
                return (None, Effect::Failed(error.detail(predicate)));
            }
        };
        let negate = condition.negate;
        let class = condition.predicate.class.to_string();
        verdict = Some(Verdict { predicate: condition.alias.clone(), class, holds, negate });
        if holds == negate {
            return (verdict, Effect::NotApplied);
        }
    }
    let effect = match step.transform.stage.apply(record) {
        Err(error) => Effect::Failed(error),
        Ok(false) => Effect::Dropped,
        Ok(true) => {
            let after = entries(record);
            let changes = changes(state, &after);
            *state = after;
            if changes.is_empty() { Effect::Unchanged } else { Effect::Changed(changes) }
        }
    };
    (verdict, effect)
}

/// Reads what is given in bytes, as for a sink; `None` if that fails.
fn read(converters: &mut Converters, input: Input, steps: &mut Vec<StepTrace>) -> Option<Record> {
    let Input { mut record, raw_key, raw_value, raw_headers } = input;
    let parts = [
        ("key.converter", &mut converters.key, raw_key, &mut record.key),
        ("value.converter", &mut converters.value, raw_value, &mut record.value),
    ];
    let mut well = true;
    for (name, converter, raw, part) in parts {
        let Some(raw) = raw else { continue };
        let read = converter.stage.to_connect(&record.topic, &raw_headers, raw.as_ref());
        well &= note(steps, name, &converter.class, read.map(|data| *part = data)).is_some();
    }
    if !raw_headers.is_empty() {
        let converter = &mut converters.header;
        let read = |header: &RawHeader| -> Result<Header> {
            let bytes = header.value.as_ref().into_option();
            let data: Data = converter.stage.to_connect_header(&record.topic, &header.key, bytes)?;
            Ok(Header { key: header.key.clone(), data })
        };
        let headers = raw_headers.iter().map(read).collect::<Result<Vec<_>>>();
        well &=
            note(steps, "header.converter", &converter.class, headers.map(|all| record.headers = all.into())).is_some();
    }
    well.then_some(record)
}

/// Writes a record as it would lie in Kafka; `None` if that fails. Converters may add headers, so those come last.
fn write(converters: &mut Converters, record: &mut Record, steps: &mut Vec<StepTrace>) -> Option<Written> {
    let Record { topic, key, value, headers, .. } = record;
    let mut part = |name: &str, converter: &mut Named<dyn Converter>, data: &Data, headers: &mut AbiVec<Header>| {
        let written = converter.stage.from_connect(topic, headers, data);
        note(steps, name, &converter.class, written)
    };
    let key = part("key.converter", &mut converters.key, key, headers);
    let value = part("value.converter", &mut converters.value, value, headers);
    let converter = &mut converters.header;
    let write = |header: &Header| -> Result<RawHeader> {
        let bytes = converter.stage.from_connect_header(topic, &header.key, &header.data)?;
        Ok(RawHeader { key: header.key.clone(), value: bytes.into() })
    };
    let written = headers.iter().map(write).collect::<Result<Vec<_>>>();
    let headers = match written {
        Ok(headers) if headers.is_empty() => Some(headers),
        written => note(steps, "header.converter", &converter.class, written),
    };
    Some(Written { key: key?, value: value?, headers: headers? })
}

/// Notes what a converter did and gives its result on.
fn note<T>(steps: &mut Vec<StepTrace>, name: &str, class: &str, result: Result<T>) -> Option<T> {
    let (effect, result) = match result {
        Ok(result) => (Effect::Converted, Some(result)),
        Err(error) => (Effect::Failed(error), None),
    };
    steps.push(StepTrace { name: name.to_owned(), class: class.to_owned(), condition: None, effect });
    result
}
