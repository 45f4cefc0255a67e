//! Data that comes from a library is looked at once before the worker relies on it: structs have to have the shape of their
//! schema. A value of another type than its schema says is found by whatever reads it.

use std::mem;

use ferroconnect_plugin_abi::{Data, Record};

use crate::error::{ConnectError, Result};

/// The data, if it is whole.
///
/// # Errors
/// A data error that names `place`.
pub(super) fn data(place: &str, data: Data) -> Result<Data> {
    if data.is_whole() { Ok(data) } else { Err(torn(place)) }
}

/// Looks at all data of a record. What is not whole is emptied, so that nothing trips over it later.
///
/// # Errors
/// A data error that names the first place.
pub(super) fn record(record: &mut Record) -> Result<()> {
    let own = [("the key", &mut record.key), ("the value", &mut record.value)];
    let headers = record.headers.iter_mut().map(|header| (header.key.as_str(), &mut header.data));
    let torn_places = own.into_iter().chain(headers).filter(|(_, data)| !data.is_whole());
    let found = torn_places.map(|(place, data)| {
        mem::take(data);
        torn(place)
    });
    // All are emptied, the first is told of.
    found.reduce(|first, _| first).map_or(Ok(()), Err)
}

fn torn(place: &str) -> ConnectError {
    ConnectError::data(format!(
        "The plugin gave malformed data: in {place} a struct has other values than its schema has fields, or another schema \
         than the one around it"
    ))
}
