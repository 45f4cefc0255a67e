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

/// The schema of a key or value, and where its payload begins. A header outweighs a prefix; where there is one, all bytes
/// are payload.
///
/// # Errors
/// A data error where neither is there.
pub(crate) fn parse(headers: &[RawHeader], is_key: bool, bytes: &[u8]) -> Result<(SchemaKey, usize)> {
    let name = if is_key { "__key_schema_id" } else { "__value_schema_id" };
    let last = headers.iter().rev().find(|header| header.key.as_str() == name);
    if let Some(value) = last.and_then(|header| header.value.as_ref().into_option()) {
        let (key, length) = schema_key(value, &format!("The header {name}"))?;
        return match value.len() - length {
            0 => Ok((key, 0)),
            more => Err(Error::data(format!("The header {name} has {more} bytes behind the schema id"))),
        };
    }
    schema_key(bytes, "The payload")
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
        assert_eq!(parse(&[], true, &payload).expect("fits"), (SchemaKey::Id(66_051), 5));
    }

    #[test]
    fn a_header_of_the_same_role_outweighs_the_prefix() {
        let mut guid = vec![1];
        guid.extend(0u8..16);
        let headers = [header("__value_schema_id", &guid)];
        let (key, start) = parse(&headers, false, &[0, 0, 0, 0, 7]).expect("fits");
        assert_eq!((key.to_string().as_str(), start), ("00010203-0405-0607-0809-0a0b0c0d0e0f", 0));
        assert_eq!(parse(&headers, true, &[0, 0, 0, 0, 7]).expect("fits"), (SchemaKey::Id(7), 5));
        assert_eq!(parse(&[], false, &guid).expect("fits"), (key, 17));
    }

    #[test]
    fn what_has_no_id_is_refused_with_the_reason() {
        assert_eq!(refusal(&[], &[]), "The payload is empty: it has no schema id");
        assert_eq!(refusal(&[], &[0, 1, 2]), "The payload ends within the schema id: it has 3 bytes");
        assert!(refusal(&[], b"{\"a\":1}").contains("its first byte is 123"));
        assert!(refusal(&[], &[1; 16]).contains("ends within"));
        let long = [header("__value_schema_id", &[0, 0, 0, 0, 1, 2])];
        assert_eq!(refusal(&long, &[]), "The header __value_schema_id has 1 bytes behind the schema id");
    }
}
