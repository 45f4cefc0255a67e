//! How a payload says which schema it is of.

use std::fmt;

use ferroconnect_plugin_sdk::{Error, RawHeader, Result};

/// Bytes in front of a payload.
pub(crate) const PREFIX: usize = 5;

const ID: u8 = 0;
const GUID: u8 = 1;

/// Which registered schema a payload is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum SchemaKey {
    /// Its number in the registry.
    Id(i32),
    /// Its number in all registries.
    Guid([u8; 16]),
}

impl fmt::Display for SchemaKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SchemaKey::Id(id) => write!(f, "{id}"),
            SchemaKey::Guid(guid) => {
                for (index, byte) in guid.iter().enumerate() {
                    let dash = if matches!(index, 4 | 6 | 8 | 10) { "-" } else { "" };
                    write!(f, "{dash}{byte:02x}")?;
                }
                Ok(())
            }
        }
    }
}

/// Begins a payload of the schema with this number.
pub(crate) fn begin(id: i32, payload: &mut Vec<u8>) {
    payload.push(ID);
    payload.extend_from_slice(&id.to_be_bytes());
}

/// What says of a key or value which schema it is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Frame<'a> {
    /// The schema.
    pub(crate) key: SchemaKey,
    /// Where the payload begins.
    pub(crate) start: usize,
    /// What stands behind the schema's number in a header; none where the number stands in front of the payload.
    pub(crate) tail: Option<Tail<'a>>,
}

/// What stands behind the number of a schema in a header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tail<'a> {
    /// The header's name, for errors.
    pub(crate) header: &'static str,
    /// The bytes.
    pub(crate) bytes: &'a [u8],
}

impl Tail<'_> {
    /// Checks that nothing stands there: only Protobuf has something to say.
    ///
    /// # Errors
    /// A data error where there is more.
    pub(crate) fn check_empty(self) -> Result<()> {
        match self.bytes.len() {
            0 => Ok(()),
            more => Err(Error::data(format!("The header {} has {more} bytes behind the schema id", self.header))),
        }
    }
}

/// What frames a key or value. A header outweighs a prefix; where there is one, all bytes are payload.
///
/// # Errors
/// A data error where neither is there.
pub(crate) fn parse<'a>(headers: &'a [RawHeader], is_key: bool, bytes: &[u8]) -> Result<Frame<'a>> {
    let header = if is_key { "__key_schema_id" } else { "__value_schema_id" };
    let last = headers.iter().rev().find(|other| other.key.as_str() == header);
    if let Some(value) = last.and_then(|header| header.value.as_ref().into_option()) {
        let (key, length) = schema_key(value, &format!("The header {header}"))?;
        return Ok(Frame { key, start: 0, tail: Some(Tail { header, bytes: &value[length..] }) });
    }
    let (key, start) = schema_key(bytes, "The payload")?;
    Ok(Frame { key, start, tail: None })
}

/// A schema key at the beginning of bytes, and how long it is.
fn schema_key(bytes: &[u8], what: &str) -> Result<(SchemaKey, usize)> {
    match bytes {
        [ID, a, b, c, d, ..] => Ok((SchemaKey::Id(i32::from_be_bytes([*a, *b, *c, *d])), PREFIX)),
        [GUID, rest @ ..] if rest.len() >= 16 => {
            let guid = rest[..16].try_into().expect("16 bytes were asked for");
            Ok((SchemaKey::Guid(guid), 17))
        }
        [ID | GUID, ..] => Err(Error::data(format!("{what} ends within the schema id: it has {} bytes", bytes.len()))),
        [] => Err(Error::data(format!("{what} is empty: it has no schema id"))),
        [other, ..] => Err(Error::data(format!(
            "{what} does not begin with a schema id: its first byte is {other}, and would be 0. Was it written without a \
             schema registry?"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ferroconnect_plugin_sdk::{AbiVec, Blob, ErrorKind};

    fn header(key: &str, value: &[u8]) -> RawHeader {
        let mut headers: AbiVec<RawHeader> = AbiVec::new();
        headers.push(RawHeader { key: key.into(), value: Some(Blob::copy_from(value)).into() });
        headers.pop().expect("one was pushed")
    }

    /// A frame without a header.
    fn prefix(key: SchemaKey, start: usize) -> Frame<'static> {
        Frame { key, start, tail: None }
    }

    fn refusal(headers: &[RawHeader], bytes: &[u8]) -> String {
        let error = parse(headers, false, bytes).expect_err("is refused");
        assert_eq!(error.kind(), ErrorKind::DATA);
        error.message().to_owned()
    }

    #[test]
    fn a_prefix_is_read_as_it_was_written() {
        let mut payload = Vec::new();
        begin(66_051, &mut payload);
        payload.push(9);
        assert_eq!(payload, [0, 0, 1, 2, 3, 9]);
        assert_eq!(parse(&[], true, &payload).expect("fits"), prefix(SchemaKey::Id(66_051), 5));
    }

    #[test]
    fn a_header_of_the_same_role_outweighs_the_prefix() {
        let mut guid = vec![1];
        guid.extend(0u8..16);
        let headers = [header("__value_schema_id", &guid)];
        let Frame { key, start, tail } = parse(&headers, false, &[0, 0, 0, 0, 7]).expect("fits");
        assert_eq!((key.to_string().as_str(), start), ("00010203-0405-0607-0809-0a0b0c0d0e0f", 0));
        assert_eq!(tail, Some(Tail { header: "__value_schema_id", bytes: &[] }));
        assert_eq!(parse(&headers, true, &[0, 0, 0, 0, 7]).expect("fits"), prefix(SchemaKey::Id(7), 5));
        assert_eq!(parse(&[], false, &guid).expect("fits"), prefix(key, 17));
    }

    #[test]
    fn what_has_no_id_is_refused_with_the_reason() {
        assert_eq!(refusal(&[], &[]), "The payload is empty: it has no schema id");
        assert_eq!(refusal(&[], &[0, 1, 2]), "The payload ends within the schema id: it has 3 bytes");
        assert!(refusal(&[], b"{\"a\":1}").contains("its first byte is 123"));
        assert!(refusal(&[], &[1; 16]).contains("ends within"));
        let long = [header("__value_schema_id", &[0, 0, 0, 0, 1, 2])];
        let tail = parse(&long, false, &[]).expect("fits").tail.expect("it is in a header");
        let error = tail.check_empty().expect_err("there is one");
        assert_eq!(error.message(), "The header __value_schema_id has 1 bytes behind the schema id");
    }
}
