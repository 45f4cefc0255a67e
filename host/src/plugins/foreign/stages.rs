//! Converters, transforms and predicates that live in a library, behind the traits of the pipeline.
//!
//! The library is called once per batch. Topics, text and bytes are shared with the records; data and headers are moved
//! over and back, not copied.

use std::mem;

use ferroconnect_plugin_abi::containers::{AbiOption, AbiSlice, AbiSliceMut, AbiVec};
use ferroconnect_plugin_abi::error::{AbiError, AbiResult};
use ferroconnect_plugin_abi::record::{Coordinates, RawHeader, TimestampType};
use ferroconnect_plugin_abi::stages::{ConverterObject, FromBytes, PredicateObject, ToBytes, TransformObject};
use ferroconnect_plugin_abi::{Blob, Data, Header, Record, Text};

use super::convert::{from_abi_error, result, to_pairs};
use super::whole;
use crate::config::Props;
use crate::error::{ConnectError, Result};
use crate::stages::{Converter, HeaderConverter, Part, Predicate, RawMessage, Transform};

/// A converter of keys, values or headers.
pub(crate) struct ForeignConverter {
    object: ConverterObject,
}

impl ForeignConverter {
    /// Configures a fresh converter.
    pub(crate) fn configured(mut object: ConverterObject, props: &Props) -> Result<ForeignConverter> {
        result(object.configure(to_pairs(props)))?;
        Ok(ForeignConverter { object })
    }

    fn write(&mut self, mut item: ToBytes) -> (ToBytes, Result<Option<Blob>>) {
        let call = self.object.to_bytes(AbiSliceMut::from_mut_slice(std::slice::from_mut(&mut item)));
        let answer = result(call).and_then(|()| bytes_of(&mut item));
        (item, answer)
    }

    fn read(&mut self, mut item: FromBytes) -> Result<Data> {
        result(self.object.from_bytes(AbiSliceMut::from_mut_slice(std::slice::from_mut(&mut item))))?;
        data_of(&mut item)
    }
}

fn to_bytes(topic: &Text, name: &Text, headers: AbiVec<Header>, data: Data) -> ToBytes {
    let result = AbiResult::ROk(AbiOption::RNone);
    ToBytes { topic: topic.clone(), headers, data, name: name.clone(), result, attributes: AbiVec::new() }
}

fn from_bytes(topic: &Text, name: &Text, headers: &[RawHeader], bytes: Option<&Blob>) -> FromBytes {
    FromBytes {
        topic: topic.clone(),
        headers: headers.to_vec().into(),
        bytes: bytes.cloned().into(),
        name: name.clone(),
        result: AbiResult::ROk(Data::NULL),
        attributes: AbiVec::new(),
    }
}

fn bytes_of(item: &mut ToBytes) -> Result<Option<Blob>> {
    result(mem::replace(&mut item.result, AbiResult::ROk(AbiOption::RNone))).map(AbiOption::into_option)
}

fn data_of(item: &mut FromBytes) -> Result<Data> {
    let data = result(mem::replace(&mut item.result, AbiResult::ROk(Data::NULL)))?;
    whole::data("what it read", data)
}

fn half(record: &mut Record, part: Part) -> &mut Data {
    match part {
        Part::Key => &mut record.key,
        Part::Value => &mut record.value,
    }
}

const NO_NAME: Text = Text::from_static("");

impl Converter for ForeignConverter {
    fn from_connect(&mut self, topic: &Text, headers: &mut AbiVec<Header>, data: &Data) -> Result<Option<Blob>> {
        let (item, answer) = self.write(to_bytes(topic, &NO_NAME, mem::take(headers), data.clone()));
        *headers = item.headers;
        answer
    }

    fn to_connect(&mut self, topic: &Text, headers: &[RawHeader], bytes: Option<&Blob>) -> Result<Data> {
        self.read(from_bytes(topic, &NO_NAME, headers, bytes))
    }

    fn from_connect_batch(&mut self, part: Part, records: &mut [Record], results: &mut Vec<Result<Option<Blob>>>) {
        let mut items: Vec<ToBytes> = records
            .iter_mut()
            .map(|record| {
                let data = mem::take(half(record, part));
                to_bytes(&record.topic, &NO_NAME, mem::take(&mut record.headers), data)
            })
            .collect();
        let call = result(self.object.to_bytes(AbiSliceMut::from_mut_slice(&mut items)));
        for (record, mut item) in records.iter_mut().zip(items) {
            results.push(call.clone().and_then(|()| bytes_of(&mut item)));
            *half(record, part) = item.data;
            record.headers = item.headers;
        }
    }

    fn to_connect_batch(&mut self, part: Part, messages: &[RawMessage], results: &mut Vec<Result<Data>>) {
        let mut items: Vec<FromBytes> = messages
            .iter()
            .map(|message| from_bytes(&message.topic, &NO_NAME, &message.headers, message.part(part)))
            .collect();
        let call = result(self.object.from_bytes(AbiSliceMut::from_mut_slice(&mut items)));
        results.extend(items.iter_mut().map(|item| call.clone().and_then(|()| data_of(item))));
    }
}

impl HeaderConverter for ForeignConverter {
    fn from_connect_header(&mut self, topic: &Text, key: &Text, data: &Data) -> Result<Option<Blob>> {
        self.write(to_bytes(topic, key, AbiVec::new(), data.clone())).1
    }

    fn to_connect_header(&mut self, topic: &Text, key: &Text, bytes: Option<&Blob>) -> Result<Data> {
        self.read(from_bytes(topic, key, &[], bytes))
    }
}

/// The answers of one batch call, one per record; a call that failed or miscounted fails them all.
fn answers(call: AbiResult<()>, answers: &mut AbiVec<AbiResult<bool>>, asked: usize, out: &mut Vec<Result<bool>>) {
    let given = answers.len();
    let failure = match call {
        AbiResult::RErr(error) => Some(from_abi_error(&error)),
        AbiResult::ROk(()) if given != asked => {
            Some(ConnectError::connect(format!("The plugin gave {given} answers for a batch of {asked} records")))
        }
        AbiResult::ROk(()) => None,
    };
    match failure {
        Some(error) => out.extend(std::iter::repeat_n(Err(error), asked)),
        None => out.extend(answers.drain(..).map(result)),
    }
    answers.clear();
}

/// The only answer to a batch of one.
fn only(mut answers: Vec<Result<bool>>) -> Result<bool> {
    answers.pop().unwrap_or_else(|| Err(from_abi_error(&AbiError::unsupported("the call"))))
}

/// What of a record is the worker's: where it was read, and from which bytes. A transform that makes a record anew need
/// not take it along, as in Java, where `SinkRecord.newRecord` does so.
struct Provenance {
    origin: Coordinates,
    raw: Blob,
    timestamp_type: TimestampType,
}

impl Provenance {
    fn of(record: &Record) -> Provenance {
        Provenance { origin: record.origin.clone(), raw: record.raw.clone(), timestamp_type: record.timestamp_type }
    }

    fn give_back(self, record: &mut Record) {
        record.origin = self.origin;
        record.raw = self.raw;
        record.timestamp_type = self.timestamp_type;
    }
}

/// A transform.
pub(crate) struct ForeignTransform {
    object: TransformObject,
    // Both are kept for their memory; empty between calls.
    answers: AbiVec<AbiResult<bool>>,
    before: Vec<Provenance>,
}

impl ForeignTransform {
    /// Configures a fresh transform.
    pub(crate) fn configured(mut object: TransformObject, props: &Props) -> Result<ForeignTransform> {
        result(object.configure(to_pairs(props)))?;
        Ok(ForeignTransform { object, answers: AbiVec::new(), before: Vec::new() })
    }
}

impl Transform for ForeignTransform {
    fn apply(&mut self, record: &mut Record) -> Result<bool> {
        let mut out = Vec::with_capacity(1);
        self.apply_batch(std::slice::from_mut(record), &mut out);
        only(out)
    }

    fn apply_batch(&mut self, records: &mut [Record], out: &mut Vec<Result<bool>>) {
        let asked = records.len();
        self.answers.reserve(asked);
        self.before.extend(records.iter().map(Provenance::of));
        let call = self.object.apply(AbiSliceMut::from_mut_slice(records), &mut self.answers);
        for (record, before) in records.iter_mut().zip(self.before.drain(..)) {
            before.give_back(record);
        }
        let before = out.len();
        answers(call, &mut self.answers, asked, out);
        for (record, answer) in records.iter_mut().zip(&mut out[before..]) {
            if let (true, Err(error)) = (answer.is_ok(), whole::record(record)) {
                *answer = Err(error);
            }
        }
    }
}

/// A predicate.
pub(crate) struct ForeignPredicate {
    object: PredicateObject,
    /// Kept for its memory; empty between calls.
    answers: AbiVec<AbiResult<bool>>,
}

impl ForeignPredicate {
    /// Configures a fresh predicate.
    pub(crate) fn configured(mut object: PredicateObject, props: &Props) -> Result<ForeignPredicate> {
        result(object.configure(to_pairs(props)))?;
        Ok(ForeignPredicate { object, answers: AbiVec::new() })
    }
}

impl Predicate for ForeignPredicate {
    fn test(&mut self, record: &Record) -> Result<bool> {
        let mut out = Vec::with_capacity(1);
        self.test_batch(std::slice::from_ref(record), &mut out);
        only(out)
    }

    fn test_batch(&mut self, records: &[Record], out: &mut Vec<Result<bool>>) {
        let asked = records.len();
        self.answers.reserve(asked);
        let call = self.object.test(AbiSlice::from_slice(records), &mut self.answers);
        answers(call, &mut self.answers, asked, out);
    }
}
