//! Drives transforms, predicates, converters and header converters.

use super::{Library, into_result};
use crate::config::Config;
use crate::error::{Error, Result};
use ferroconnect_plugin_abi::bytes::Blob;
use ferroconnect_plugin_abi::containers::{AbiOption, AbiSlice, AbiSliceMut, AbiVec};
use ferroconnect_plugin_abi::error::{AbiError, AbiResult, ErrorKind};
use ferroconnect_plugin_abi::info::PluginKind;
use ferroconnect_plugin_abi::record::{Data, Record};
use ferroconnect_plugin_abi::stages::{ConverterObject, FromBytes, PredicateObject, ToBytes, TransformObject};

/// A transform, used as a worker does it.
pub struct TransformHarness {
    transform: TransformObject,
}

impl TransformHarness {
    /// A configured transform.
    ///
    /// # Panics
    /// If the library has no such transform.
    pub fn new(library: &Library, class: &str, config: impl Into<Config>) -> Result<TransformHarness> {
        let mut harness = TransformHarness::unconfigured(library, class)?;
        into_result(harness.transform.configure(config.into().to_pairs()))?;
        Ok(harness)
    }

    /// A transform that was never configured.
    ///
    /// # Panics
    /// If the library has no such transform.
    pub fn unconfigured(library: &Library, class: &str) -> Result<TransformHarness> {
        let info = library.plugin(PluginKind::TRANSFORM, class);
        Ok(TransformHarness { transform: library.make(library.root.transform(), info)? })
    }

    /// Changes one record. None = it was dropped.
    pub fn apply(&mut self, record: Record) -> Result<Option<Record>> {
        self.apply_all(vec![record])?.pop().unwrap_or_else(|| Err(Error::fatal("there is no answer for the record")))
    }

    /// Changes records in one call; one answer per record.
    pub fn apply_all(&mut self, mut records: Vec<Record>) -> Result<Vec<Result<Option<Record>>>> {
        let mut keep = AbiVec::new();
        into_result(self.transform.apply(AbiSliceMut::from(records.as_mut_slice()), &mut keep))?;
        let answer = |(record, keep)| into_result(keep).map(|keep: bool| keep.then_some(record));
        Ok(records.into_iter().zip(keep).map(answer).collect())
    }
}

/// A predicate, used as a worker does it.
pub struct PredicateHarness {
    predicate: PredicateObject,
}

impl PredicateHarness {
    /// A configured predicate.
    ///
    /// # Panics
    /// If the library has no such predicate.
    pub fn new(library: &Library, class: &str, config: impl Into<Config>) -> Result<PredicateHarness> {
        let mut harness = PredicateHarness::unconfigured(library, class)?;
        into_result(harness.predicate.configure(config.into().to_pairs()))?;
        Ok(harness)
    }

    /// A predicate that was never configured.
    ///
    /// # Panics
    /// If the library has no such predicate.
    pub fn unconfigured(library: &Library, class: &str) -> Result<PredicateHarness> {
        let info = library.plugin(PluginKind::PREDICATE, class);
        Ok(PredicateHarness { predicate: library.make(library.root.predicate(), info)? })
    }

    /// Decides about one record.
    pub fn test(&mut self, record: Record) -> Result<bool> {
        self.test_all(&[record])?.pop().unwrap_or_else(|| Err(Error::fatal("there is no answer for the record")))
    }

    /// Decides about records in one call; one answer per record.
    pub fn test_all(&mut self, records: &[Record]) -> Result<Vec<Result<bool>>> {
        let mut answers = AbiVec::new();
        into_result(self.predicate.test(AbiSlice::from(records), &mut answers))?;
        Ok(answers.into_iter().map(into_result).collect())
    }
}

/// A converter, used as a worker does it.
pub struct ConverterHarness {
    converter: ConverterObject,
}

impl ConverterHarness {
    /// A configured converter for values, unless `converter.type` says otherwise.
    ///
    /// # Panics
    /// If the library has no such converter.
    pub fn new(library: &Library, class: &str, config: impl Into<Config>) -> Result<ConverterHarness> {
        let mut config = config.into();
        if config.get("converter.type").is_none() {
            config.set("converter.type", "value");
        }
        let mut harness = ConverterHarness::unconfigured(library, class)?;
        into_result(harness.converter.configure(config.to_pairs()))?;
        Ok(harness)
    }

    /// A converter that was never configured.
    ///
    /// # Panics
    /// If the library has no such converter.
    pub fn unconfigured(library: &Library, class: &str) -> Result<ConverterHarness> {
        let info = library.plugin(PluginKind::CONVERTER, class);
        Ok(ConverterHarness { converter: library.make(library.root.converter(), info)? })
    }

    /// Writes data as bytes; none = null.
    pub fn to_bytes(&mut self, topic: &str, data: Data) -> Result<Option<Blob>> {
        write(&mut self.converter, topic, "", data)
    }

    /// Reads bytes as data; no bytes = null.
    pub fn from_bytes(&mut self, topic: &str, bytes: Option<&[u8]>) -> Result<Data> {
        read(&mut self.converter, topic, "", bytes)
    }
}

/// A header converter, used as a worker does it.
pub struct HeaderConverterHarness {
    converter: ConverterObject,
}

impl HeaderConverterHarness {
    /// A configured header converter.
    ///
    /// # Panics
    /// If the library has no such header converter.
    pub fn new(library: &Library, class: &str, config: impl Into<Config>) -> Result<HeaderConverterHarness> {
        let mut config = config.into();
        config.set("converter.type", "header");
        let mut harness = HeaderConverterHarness::unconfigured(library, class)?;
        into_result(harness.converter.configure(config.to_pairs()))?;
        Ok(harness)
    }

    /// A header converter that was never configured.
    ///
    /// # Panics
    /// If the library has no such header converter.
    pub fn unconfigured(library: &Library, class: &str) -> Result<HeaderConverterHarness> {
        let info = library.plugin(PluginKind::HEADER_CONVERTER, class);
        Ok(HeaderConverterHarness { converter: library.make(library.root.header_converter(), info)? })
    }

    /// Writes the data of the header with this name as bytes; none = null.
    pub fn to_bytes(&mut self, topic: &str, name: &str, data: Data) -> Result<Option<Blob>> {
        write(&mut self.converter, topic, name, data)
    }

    /// Reads bytes as the data of the header with this name; no bytes = null.
    pub fn from_bytes(&mut self, topic: &str, name: &str, bytes: Option<&[u8]>) -> Result<Data> {
        read(&mut self.converter, topic, name, bytes)
    }
}

/// Has one item written. `name` is that of the header; keys and values have none.
fn write(converter: &mut ConverterObject, topic: &str, name: &str, data: Data) -> Result<Option<Blob>> {
    let mut items = [ToBytes {
        topic: topic.into(),
        headers: AbiVec::new(),
        data,
        name: name.into(),
        result: AbiResult::RErr(unset()),
        attributes: AbiVec::new(),
    }];
    into_result(converter.to_bytes(AbiSliceMut::from(items.as_mut_slice())))?;
    let [item] = items;
    into_result(item.result).map(AbiOption::into_option)
}

/// Has one item read. `name` is that of the header; keys and values have none.
fn read(converter: &mut ConverterObject, topic: &str, name: &str, bytes: Option<&[u8]>) -> Result<Data> {
    let mut items = [FromBytes {
        topic: topic.into(),
        headers: AbiVec::new(),
        bytes: bytes.map(Blob::copy_from).into(),
        name: name.into(),
        result: AbiResult::RErr(unset()),
        attributes: AbiVec::new(),
    }];
    into_result(converter.from_bytes(AbiSliceMut::from(items.as_mut_slice())))?;
    let [item] = items;
    into_result(item.result)
}

fn unset() -> AbiError {
    AbiError::new(ErrorKind::FATAL, "the converter set no result")
}
