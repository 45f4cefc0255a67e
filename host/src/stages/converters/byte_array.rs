//! Bytes as they are (Java: ByteArrayConverter).

use ferroconnect_plugin_abi::builder::SchemaBuilder;
use ferroconnect_plugin_abi::{Blob, Data, Schema, SchemaType, Shared, Value, ValueRef};

use super::converts_headers;
use crate::config::{ConfigDef, Props};
use crate::error::{ConnectError, Result};
use crate::stages::builtins::converter_config;
use crate::stages::text::java_class;

/// Passes bytes through, shared and not copied.
#[derive(Debug)]
pub struct ByteArrayConverter {
    // One per converter: a schema shared by all tasks would make their reference counts fight over a cache line.
    schema: Shared<Schema>,
}

impl Default for ByteArrayConverter {
    fn default() -> Self {
        Self { schema: SchemaBuilder::bytes().optional().build() }
    }
}

impl ByteArrayConverter {
    /// Its configuration: nothing of its own.
    pub fn config_def() -> ConfigDef {
        converter_config()
    }

    /// A converter; there is nothing to configure.
    pub fn configured(_props: &Props) -> Result<Self> {
        Ok(Self::default())
    }

    fn write(&self, data: &Data) -> Result<Option<Blob>> {
        if let Some(schema) = data.schema.as_deref()
            && schema.kind != SchemaType::BYTES
        {
            let kind = schema.kind.name();
            return Err(ConnectError::data(format!("Invalid schema type for ByteArrayConverter: {kind}")));
        }
        match data.value.view() {
            ValueRef::Null => Ok(None),
            ValueRef::Bytes(bytes) => Ok(Some(bytes.clone())),
            _ => Err(ConnectError::data(format!(
                "ByteArrayConverter is not compatible with objects of type class {}",
                java_class(&data.value)
            ))),
        }
    }

    fn read(&self, bytes: Option<&Blob>) -> Result<Data> {
        let value = bytes.map_or(Value::NULL, |bytes| Value::bytes(bytes.clone()));
        Ok(Data::new(self.schema.clone(), value))
    }
}

converts_headers!(ByteArrayConverter);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_the_bytes_both_ways() {
        let converter = ByteArrayConverter::default();
        let bytes = Blob::copy_from(b"\x00\xff");
        let data = converter.read(Some(&bytes)).expect("bytes always pass");
        let written = converter.write(&data).expect("bytes always pass").expect("not null");
        assert_eq!(written.as_ptr(), bytes.as_ptr());
        assert_eq!(converter.write(&Data::NULL).expect("null passes"), None);
    }

    #[test]
    fn refuses_anything_else() {
        let converter = ByteArrayConverter::default();
        let text = Data::new(SchemaBuilder::string().build(), "x");
        let error = converter.write(&text).expect_err("text is no bytes");
        assert_eq!(error.message(), "Invalid schema type for ByteArrayConverter: STRING");
        let error = converter.write(&Data::schemaless("x")).expect_err("text is no bytes");
        assert_eq!(error.message(), "ByteArrayConverter is not compatible with objects of type class java.lang.String");
    }
}
