//! Converters, header converters, transforms and predicates: the host's traits for them, and those it brings along.
//!
//! What is here: what one stage does to one record or one batch. What is not here: in which order stages run and
//! what happens when one fails (see [`crate::pipeline`]), and stages that live in plugin libraries, which implement
//! the same traits (see `crate::plugins`).
//!
//! A stage belongs to one task and is used by one thread at a time.

#[cfg(test)]
mod arbitrary;
mod builtins;
pub mod converters;
pub mod headers;
pub mod predicates;
pub mod text;
pub mod transforms;

use ferroconnect_plugin_abi::containers::AbiVec;
use ferroconnect_plugin_abi::record::{RawHeader, TimestampType};
use ferroconnect_plugin_abi::{Blob, Data, Header, Record, Text};

use crate::error::{Result, Stage};

pub use builtins::{BuiltIn, Factory, builtins};

/// Which half of a record a stage works on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The key.
    Key,
    /// The value.
    Value,
}

impl Part {
    /// The half that is meant.
    pub fn of<'a>(self, key: &'a Data, value: &'a Data) -> &'a Data {
        match self {
            Part::Key => key,
            Part::Value => value,
        }
    }

    /// This half of a record.
    #[inline]
    pub fn data(self, record: &Record) -> &Data {
        self.of(&record.key, &record.value)
    }

    /// This half of a record, to be changed.
    #[inline]
    pub fn data_mut(self, record: &mut Record) -> &mut Data {
        match self {
            Part::Key => &mut record.key,
            Part::Value => &mut record.value,
        }
    }

    /// The stage in which this half is converted.
    pub fn stage(self) -> Stage {
        match self {
            Part::Key => Stage::KeyConverter,
            Part::Value => Stage::ValueConverter,
        }
    }
}

/// One message as it was read from Kafka. Text and bytes are shared with the batch it came in.
#[derive(Debug, Clone)]
pub struct RawMessage {
    /// The topic; share one object among the messages of a topic.
    pub topic: Text,
    /// The partition.
    pub partition: i32,
    /// The offset.
    pub offset: i64,
    /// Milliseconds since 1970; absent where the message has none.
    pub timestamp: Option<i64>,
    /// Where the timestamp comes from.
    pub timestamp_type: TimestampType,
    /// The key, or null.
    pub key: Option<Blob>,
    /// The value, or null.
    pub value: Option<Blob>,
    /// The headers in order.
    pub headers: Vec<RawHeader>,
    /// Goes into [`Record::raw`] as it is: whatever the host needs to find the original message again. May be empty.
    pub raw: Blob,
}

impl RawMessage {
    /// The bytes of one half.
    pub fn part(&self, part: Part) -> Option<&Blob> {
        match part {
            Part::Key => self.key.as_ref(),
            Part::Value => self.value.as_ref(),
        }
    }
}

/// Turns Connect data into bytes and back (Java: Converter).
///
/// Implementors write the single-record methods. The batch methods exist so that a converter on the far side of a
/// library border is called once per batch; the provided ones loop.
#[expect(clippy::wrong_self_convention, reason = "the names are those of Kafka Connect")]
pub trait Converter: Send {
    /// Writes data as bytes; `None` is a null (a tombstone, as a value). The converter may add to the headers, not
    /// change or remove what is there.
    fn from_connect(&mut self, topic: &Text, headers: &mut AbiVec<Header>, data: &Data) -> Result<Option<Blob>>;

    /// Reads bytes (`None` = null) as data.
    fn to_connect(&mut self, topic: &Text, headers: &[RawHeader], bytes: Option<&Blob>) -> Result<Data>;

    /// Writes one half of every record; pushes exactly one result per record, in order.
    fn from_connect_batch(&mut self, part: Part, records: &mut [Record], results: &mut Vec<Result<Option<Blob>>>) {
        for record in records {
            let data = part.of(&record.key, &record.value);
            results.push(self.from_connect(&record.topic, &mut record.headers, data));
        }
    }

    /// Reads one half of every message; pushes exactly one result per message, in order.
    fn to_connect_batch(&mut self, part: Part, messages: &[RawMessage], results: &mut Vec<Result<Data>>) {
        for message in messages {
            results.push(self.to_connect(&message.topic, &message.headers, message.part(part)));
        }
    }
}

/// Turns header values into bytes and back (Java: HeaderConverter).
#[expect(clippy::wrong_self_convention, reason = "the names are those of Kafka Connect")]
pub trait HeaderConverter: Send {
    /// Writes the header's data as bytes; `None` is a null.
    fn from_connect_header(&mut self, topic: &Text, key: &Text, data: &Data) -> Result<Option<Blob>>;

    /// Reads the header's bytes (`None` = null) as data.
    fn to_connect_header(&mut self, topic: &Text, key: &Text, bytes: Option<&Blob>) -> Result<Data>;
}

/// Changes records one by one (Java: Transformation).
pub trait Transform: Send {
    /// Changes the record in place. True = keep it, false = drop it. After an error the record is given up, or put
    /// back as it was and tried again; its content does not matter then.
    fn apply(&mut self, record: &mut Record) -> Result<bool>;

    /// Changes every record; pushes exactly one answer per record, in order.
    fn apply_batch(&mut self, records: &mut [Record], answers: &mut Vec<Result<bool>>) {
        for record in records {
            answers.push(self.apply(record));
        }
    }
}

/// Says for which records a transform runs (Java: Predicate, KIP-585).
pub trait Predicate: Send {
    /// Whether the record fits.
    fn test(&mut self, record: &Record) -> Result<bool>;

    /// Tests every record; pushes exactly one answer per record, in order.
    fn test_batch(&mut self, records: &[Record], answers: &mut Vec<Result<bool>>) {
        for record in records {
            answers.push(self.test(record));
        }
    }
}
