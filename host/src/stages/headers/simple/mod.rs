//! Header values as text that is read back by what it looks like (Java: SimpleHeaderConverter, KIP-145).
//!
//! [`write`](mod@write) makes the text. [`parse`] reads it: `true`, numbers ([`number`]), dates and times
//! ([`temporal`]), arrays and maps, whose elements [`merge`] brings to one type.

mod merge;
mod number;
mod parse;
mod temporal;
mod write;

use ferroconnect_plugin_abi::builder::SchemaBuilder;
use ferroconnect_plugin_abi::{Blob, Data, Text};

use crate::config::{ConfigDef, Props};
use crate::error::Result;
use crate::stages::HeaderConverter;
use crate::stages::text::charset::decode_utf8;

/// Converts header values to text and back. Dates and times are in UTC.
#[derive(Debug, Default)]
pub struct SimpleHeaderConverter;

impl SimpleHeaderConverter {
    /// Its configuration: nothing.
    pub fn config_def() -> ConfigDef {
        ConfigDef::new()
    }

    /// A converter; there is nothing to configure.
    pub fn configured(_props: &Props) -> Result<Self> {
        Ok(Self)
    }
}

/// What a text is read as.
///
/// # Errors
/// The reason why it cannot be read, not even as text.
pub(in crate::stages) fn data_of(text: &Text) -> Result<Data, &'static str> {
    parse::parse(text)
}

impl HeaderConverter for SimpleHeaderConverter {
    fn from_connect_header(&mut self, _topic: &Text, _key: &Text, data: &Data) -> Result<Option<Blob>> {
        if data.value.is_null() {
            return Ok(None);
        }
        if let Some(text) = data.value.as_text() {
            return Ok(Some(text.as_blob().clone()));
        }
        let mut text = String::new();
        write::write(&mut text, &data.value, false)?;
        Ok(Some(text.into_bytes().into()))
    }

    fn to_connect_header(&mut self, topic: &Text, key: &Text, bytes: Option<&Blob>) -> Result<Data> {
        let Some(bytes) = bytes else { return Ok(Data::NULL) };
        Ok(parse::parse(&decode_utf8(bytes)).unwrap_or_else(|reason| {
            tracing::warn!(
                "Failed to deserialize value for header '{key}' on topic '{topic}', so using byte array: {reason}"
            );
            Data::new(SchemaBuilder::bytes().build(), bytes.clone())
        }))
    }
}

#[cfg(test)]
mod tests;
