//! Stages and parts for the tests of this module.

use std::sync::Arc;

use ferroconnect_plugin_abi::containers::AbiVec;
use ferroconnect_plugin_abi::record::{RawHeader, TimestampType};
use ferroconnect_plugin_abi::{Blob, Data, Header, Record, Text};
use parking_lot::Mutex;

use super::{
    Chain, Condition, Converters, ErrorPolicy, FailedRecord, Failure, Named, Reporter, Step, TaskErrors, Ticket,
    Tolerance,
};
use crate::error::{ConnectError, Result};
use crate::stages::converters::string::StringConverter;
use crate::stages::text::charset::Charset;
use crate::stages::{Converter, HeaderConverter, Predicate, RawMessage, Transform};

/// A transform that is a function.
pub(super) struct Map<F>(pub(super) F);

impl<F: FnMut(&mut Record) -> Result<bool> + Send> Transform for Map<F> {
    fn apply(&mut self, record: &mut Record) -> Result<bool> {
        (self.0)(record)
    }
}

/// A predicate that looks for a text in the value.
pub(super) struct Contains(pub(super) &'static str);

impl Predicate for Contains {
    fn test(&mut self, record: &Record) -> Result<bool> {
        Ok(value(record).contains(self.0))
    }
}

/// Text, except that `bad` cannot be converted, and `later` only at the second try.
struct Picky {
    inner: StringConverter,
    tries: usize,
}

impl Picky {
    fn check(&mut self, bytes: Option<&[u8]>) -> Result<()> {
        match bytes {
            Some(b"bad") => Err(ConnectError::data("this is bad")),
            Some(b"panic") => Err(ConnectError::panic("stage panicked")),
            Some(b"later") if self.tries == 0 => {
                self.tries += 1;
                Err(ConnectError::retriable("not yet"))
            }
            _ => Ok(()),
        }
    }
}

impl Converter for Picky {
    fn from_connect(&mut self, topic: &Text, headers: &mut AbiVec<Header>, data: &Data) -> Result<Option<Blob>> {
        self.check(data.value.as_text().map(|text| text.as_bytes()))?;
        self.inner.from_connect(topic, headers, data)
    }

    fn to_connect(&mut self, topic: &Text, headers: &[RawHeader], bytes: Option<&Blob>) -> Result<Data> {
        self.check(bytes.map(Blob::as_slice))?;
        self.inner.to_connect(topic, headers, bytes)
    }
}

impl HeaderConverter for Picky {
    fn from_connect_header(&mut self, topic: &Text, key: &Text, data: &Data) -> Result<Option<Blob>> {
        self.check(data.value.as_text().map(|text| text.as_bytes()))?;
        self.inner.from_connect_header(topic, key, data)
    }

    fn to_connect_header(&mut self, topic: &Text, key: &Text, bytes: Option<&Blob>) -> Result<Data> {
        self.check(bytes.map(Blob::as_slice))?;
        self.inner.to_connect_header(topic, key, bytes)
    }
}

pub(super) fn converters() -> Converters {
    let picky = || Box::new(Picky { inner: StringConverter::new(Charset::Utf8), tries: 0 });
    Converters {
        key: Named::new("test.Key", picky()),
        value: Named::new("test.Value", picky()),
        header: Named::new("test.Header", picky()),
    }
}

/// Remembers reports.
#[derive(Clone, Default)]
pub(super) struct Reports(pub(super) Arc<Mutex<Vec<String>>>);

impl Reporter for Reports {
    fn report(&mut self, failure: &Failure, record: FailedRecord<'_>) -> Option<Ticket> {
        self.0.lock().push(format!("{} {} {}", failure.stage, failure.error.message(), record.place()));
        None
    }

    fn wants_original(&self) -> bool {
        true
    }
}

pub(super) fn errors(tolerance: Tolerance, policy: ErrorPolicy) -> (TaskErrors, Reports) {
    let reports = Reports::default();
    let reporters: Vec<Box<dyn Reporter>> = vec![Box::new(reports.clone())];
    (TaskErrors::new(ErrorPolicy { tolerance, ..policy }, reporters, Arc::default()), reports)
}

/// Drops `drop`, fails on `fail`, puts `!` behind everything else that contains `a`, or does not with `negate`.
pub(super) fn chain(negate: bool) -> Chain {
    let check = Map(|record: &mut Record| match value(record) {
        "drop" => Ok(false),
        "fail" => Err(ConnectError::data("cannot transform")),
        _ => Ok(true),
    });
    let shout = Map(|record: &mut Record| {
        record.value = Data::schemaless(format!("{}!", value(record)));
        Ok(true)
    });
    let predicate = Named::new("test.Contains", Box::new(Contains("a")) as Box<dyn Predicate>);
    Chain::new(vec![
        Step::new(Named::new("test.Check", Box::new(check)), None),
        Step::new(Named::new("test.Shout", Box::new(shout)), Some(Condition { predicate, negate })),
    ])
}

pub(super) fn value(record: &Record) -> &str {
    record.value.value.as_text().expect("tests use text")
}

pub(super) fn record(value: &str) -> Record {
    Record::new("t", Data::schemaless(value))
}

pub(super) fn message(offset: i64, value: &str) -> RawMessage {
    RawMessage {
        topic: "t".into(),
        partition: 3,
        offset,
        timestamp: Some(1),
        timestamp_type: TimestampType::CREATE_TIME,
        key: None,
        value: Some(Blob::copy_from(value.as_bytes())),
        headers: Vec::new(),
        raw: Blob::EMPTY,
    }
}
