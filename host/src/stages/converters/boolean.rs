//! Booleans in one byte (Java: BooleanConverter).

use ferroconnect_plugin_abi::builder::SchemaBuilder;
use ferroconnect_plugin_abi::{Blob, Data, Schema, SchemaType, Shared, Value, ValueRef};

use super::converts_headers;
use crate::config::{ConfigDef, Props};
use crate::error::{ConnectError, Result};
use crate::stages::builtins::converter_config;
use crate::stages::text::java_class;

/// Writes true as 1 and false as 0, and reads nothing else.
#[derive(Debug)]
pub struct BooleanConverter {
    schema: Shared<Schema>,
}

impl BooleanConverter {
    /// Its configuration: nothing of its own.
    pub fn config_def() -> ConfigDef {
        converter_config()
    }

    /// A converter as configured.
    pub fn configured(props: &Props) -> Result<Self> {
        Self::config_def().parse(props)?;
        Ok(Self { schema: SchemaBuilder::boolean().optional().build() })
    }

    fn write(&self, data: &Data) -> Result<Option<Blob>> {
        if let Some(schema) = data.schema.as_deref()
            && schema.kind != SchemaType::BOOLEAN
        {
            let kind = schema.kind.name();
            return Err(ConnectError::data(format!("Invalid schema type for BooleanConverter: {kind}")));
        }
        match data.value.view() {
            ValueRef::Null => Ok(None),
            ValueRef::Boolean(value) => Ok(Some(Blob::from_static(if value { &[1] } else { &[0] }))),
            _ => Err(ConnectError::data(format!(
                "BooleanConverter is not compatible with objects of type class {}",
                java_class(&data.value)
            ))),
        }
    }

    fn read(&self, bytes: Option<&Blob>) -> Result<Data> {
        let value = match bytes.map(Blob::as_slice) {
            None => Value::NULL,
            Some([0]) => Value::boolean(false),
            Some([1]) => Value::boolean(true),
            Some(other) => {
                let cause = match other {
                    [byte] => format!("Unexpected byte received by BooleanDeserializer: {}", *byte as i8),
                    _ => "Size of data received by BooleanDeserializer is not 1".to_owned(),
                };
                return Err(ConnectError::data("Failed to deserialize boolean: ").caused_by(
                    ConnectError::data(cause).with_class("org.apache.kafka.common.errors.SerializationException"),
                ));
            }
        };
        Ok(Data::new(self.schema.clone(), value))
    }
}

converts_headers!(BooleanConverter);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_byte_is_one_boolean() {
        let converter = BooleanConverter::configured(&Props::from([("converter.type", "value")])).expect("good");
        let bytes = converter.write(&Data::schemaless(true)).expect("a boolean").expect("not null");
        assert_eq!(bytes.as_slice(), [1]);
        assert_eq!(converter.read(Some(&bytes)).expect("a boolean").value, Value::boolean(true));
        let error = converter.read(Some(&Blob::copy_from(&[0xff]))).expect_err("neither");
        assert_eq!(error.root_cause().message(), "Unexpected byte received by BooleanDeserializer: -1");
    }
}
