//! Requests out of records.

use crate::options::{Nulls, Options};
use ferroconnect_plugin_sdk::json::Writer;
use ferroconnect_plugin_sdk::{Error, Record, Result, ValueRef};
use std::borrow::Cow;
use ureq::http::Method;

/// What becomes of the next records.
pub(crate) enum Next<'a> {
    /// They are sent.
    Send(Request<'a>),
    /// The first is left out.
    Skip,
    /// The first cannot be sent.
    Refuse(Error),
}

/// One request, not sent yet.
pub(crate) struct Request<'a> {
    pub(crate) method: &'a Method,
    pub(crate) url: Cow<'a, str>,
    pub(crate) body: Vec<u8>,
    /// How many records are in it.
    pub(crate) records: usize,
}

/// Makes the request of the first of these records, and of as many behind it as belong into the same, at most so many.
/// There is at least one record.
pub(crate) fn next<'a>(options: &'a Options, writer: &mut Writer, records: &[&Record], most: usize) -> Next<'a> {
    let first = records[0];
    let is_null = first.value.value.is_null();
    match options.nulls {
        Nulls::Ignore | Nulls::Log if is_null => return Next::Skip,
        Nulls::Fail if is_null => return Next::Refuse(Error::data("Record value must not be null")),
        _ => {}
    }
    let url = match options.url.fill(first) {
        Ok(url) => url,
        Err(error) => return Next::Refuse(error),
    };
    if is_null {
        return Next::Send(Request { method: &Method::DELETE, url, body: Vec::new(), records: 1 });
    }
    let mut body = options.body.prefix.clone().into_bytes();
    let mut count = 0;
    for record in records.iter().take(most) {
        let belongs = count == 0 || options.url.fill(record).is_ok_and(|other| other == url);
        if record.value.value.is_null() || !belongs {
            break;
        }
        let start = body.len();
        if count > 0 {
            body.extend_from_slice(options.body.separator.as_bytes());
        }
        if let Err(error) = append(&mut body, writer, options.body.quoted, record) {
            if count == 0 {
                return Next::Refuse(error);
            }
            // It is the first of the next request, and is refused there.
            body.truncate(start);
            break;
        }
        count += 1;
    }
    body.extend_from_slice(options.body.suffix.as_bytes());
    Next::Send(Request { method: &options.method, url, body, records: count })
}

fn append(body: &mut Vec<u8>, writer: &mut Writer, quoted: bool, record: &Record) -> Result<()> {
    match record.value.value.view() {
        ValueRef::String(text) if !quoted => body.extend_from_slice(text.as_bytes()),
        ValueRef::Bytes(bytes) if !quoted => body.extend_from_slice(bytes),
        _ => writer.append(body, &record.value)?,
    }
    Ok(())
}
