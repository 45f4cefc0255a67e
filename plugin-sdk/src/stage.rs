//! Converters, header converters, transforms and predicates as authors write them.

use crate::config::Config;
use crate::error::Result;
use ferroconnect_plugin_abi::bytes::Blob;
use ferroconnect_plugin_abi::containers::AbiVec;
use ferroconnect_plugin_abi::record::{Data, Header, RawHeader, Record};

/// Turns keys and values to bytes and back.
pub trait Converter: Send + 'static {
    /// Called once, first. `is_key` tells the role.
    fn configure(&mut self, config: &Config, is_key: bool) -> Result<()>;

    /// Writes data as bytes; none = null. A converter may add headers.
    fn to_bytes(&mut self, topic: &str, headers: &mut AbiVec<Header>, data: &Data) -> Result<Option<Blob>>;

    /// Reads bytes as data; no bytes = null.
    fn from_bytes(&mut self, topic: &str, headers: &[RawHeader], bytes: Option<&Blob>) -> Result<Data>;
}

/// Turns header values to bytes and back.
pub trait HeaderConverter: Send + 'static {
    /// Called once, first.
    fn configure(&mut self, config: &Config) -> Result<()>;

    /// Writes a header's data as bytes; none = null.
    fn to_bytes(&mut self, topic: &str, key: &str, data: &Data) -> Result<Option<Blob>>;

    /// Reads a header's bytes as data.
    fn from_bytes(&mut self, topic: &str, key: &str, bytes: Option<&Blob>) -> Result<Data>;
}

/// Changes records one by one.
pub trait Transform: Send + 'static {
    /// Called once, first.
    fn configure(&mut self, config: &Config) -> Result<()>;

    /// Changes a record in place. True = keep it, false = drop it.
    fn apply(&mut self, record: &mut Record) -> Result<bool>;
}

/// Decides whether a transform applies.
pub trait Predicate: Send + 'static {
    /// Called once, first.
    fn configure(&mut self, config: &Config) -> Result<()>;

    /// The decision.
    fn test(&mut self, record: &Record) -> Result<bool>;
}
