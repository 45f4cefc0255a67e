//! Converters, header converters, transforms and predicates. Implemented by plugins, called by the host in batches.
//!
//! Each is configured once and then used by one thread at a time: that of the task it belongs to. The results of a
//! batch are per record, so that one bad record does not take its neighbours along.

use crate::bytes::{Blob, Text};
use crate::config::{Attribute, Pairs};
use crate::containers::{AbiBox, AbiOption, AbiSlice, AbiSliceMut, AbiStr, AbiVec};
use crate::error::{AbiError, AbiResult};
use crate::record::{Data, Header, RawHeader, Record};
use abi_stable::{StableAbi, sabi_trait};

/// Connect data to be written as bytes.
#[repr(C)]
#[derive(StableAbi)]
pub struct ToBytes {
    /// The record's topic.
    pub topic: Text,
    /// The record's headers; a converter may add to them.
    pub headers: AbiVec<Header>,
    /// The data; for headers the header's key stands in `name`.
    pub data: Data,
    /// The header's key; empty for keys and values.
    pub name: Text,
    /// Set by the plugin: the bytes, or absent for a null.
    pub result: AbiResult<AbiOption<Blob>>,
    /// Reserved; empty in 1.0.
    pub attributes: AbiVec<Attribute>,
}

/// Bytes to be read as Connect data.
#[repr(C)]
#[derive(StableAbi)]
pub struct FromBytes {
    /// The record's topic.
    pub topic: Text,
    /// The record's headers as read.
    pub headers: AbiVec<RawHeader>,
    /// The bytes; absent for a null.
    pub bytes: AbiOption<Blob>,
    /// The header's key; empty for keys and values.
    pub name: Text,
    /// Set by the plugin.
    pub result: AbiResult<Data>,
    /// Reserved; empty in 1.0.
    pub attributes: AbiVec<Attribute>,
}

/// A converter or header converter (Java: Converter, HeaderConverter).
#[sabi_trait]
pub trait Converter: Send + 'static {
    /// Called once, first. `converter.type` in the configuration is `key`, `value` or `header`.
    fn configure(&mut self, config: Pairs) -> AbiResult<()>;

    /// Writes data as bytes; sets every item's `result`. An error of the call itself counts for all items.
    fn to_bytes(&mut self, items: AbiSliceMut<'_, ToBytes>) -> AbiResult<()>;

    /// Reads bytes as data; sets every item's `result`.
    #[sabi(last_prefix_field)]
    fn from_bytes(&mut self, items: AbiSliceMut<'_, FromBytes>) -> AbiResult<()>;

    /// A named call for features that came after 1.0.
    fn extension(&mut self, name: AbiStr<'_>, data: AbiSlice<'_, u8>) -> AbiResult<AbiVec<u8>> {
        let _ = data;
        AbiResult::RErr(AbiError::unsupported(name.as_str()))
    }
}

/// A transform (Java: Transformation).
#[sabi_trait]
pub trait Transform: Send + 'static {
    /// Called once, first.
    fn configure(&mut self, config: Pairs) -> AbiResult<()>;

    /// Changes records in place and pushes one answer per record, in order: true = keep it, false = drop it. A
    /// record whose answer is an error is given up as it was before the chain.
    #[sabi(last_prefix_field)]
    fn apply(&mut self, records: AbiSliceMut<'_, Record>, keep: &mut AbiVec<AbiResult<bool>>) -> AbiResult<()>;

    /// A named call for features that came after 1.0.
    fn extension(&mut self, name: AbiStr<'_>, data: AbiSlice<'_, u8>) -> AbiResult<AbiVec<u8>> {
        let _ = data;
        AbiResult::RErr(AbiError::unsupported(name.as_str()))
    }
}

/// A predicate (Java: Predicate).
#[sabi_trait]
pub trait Predicate: Send + 'static {
    /// Called once, first.
    fn configure(&mut self, config: Pairs) -> AbiResult<()>;

    /// Pushes one answer per record, in order.
    #[sabi(last_prefix_field)]
    fn test(&mut self, records: AbiSlice<'_, Record>, answers: &mut AbiVec<AbiResult<bool>>) -> AbiResult<()>;

    /// A named call for features that came after 1.0.
    fn extension(&mut self, name: AbiStr<'_>, data: AbiSlice<'_, u8>) -> AbiResult<AbiVec<u8>> {
        let _ = data;
        AbiResult::RErr(AbiError::unsupported(name.as_str()))
    }
}

/// An owned [`Converter`].
pub type ConverterObject = Converter_TO<AbiBox<()>>;
/// An owned [`Transform`].
pub type TransformObject = Transform_TO<AbiBox<()>>;
/// An owned [`Predicate`].
pub type PredicateObject = Predicate_TO<AbiBox<()>>;
