//! Numbers in big-endian bytes (Java: ShortConverter, IntegerConverter, LongConverter, FloatConverter,
//! DoubleConverter).

use std::marker::PhantomData;

use ferroconnect_plugin_abi::builder::SchemaBuilder;
use ferroconnect_plugin_abi::{Blob, Data, Schema, Shared, Value, ValueRef};

use super::converts_headers;
use crate::config::{ConfigDef, Props};
use crate::error::{ConnectError, Result};
use crate::stages::builtins::converter_config;
use crate::stages::text::java_class;

/// A type of number with its form in bytes.
pub trait Number: Send + Sized {
    /// The name in error messages.
    const NAME: &'static str;
    /// What Java's error messages call the reader.
    const READER: &'static str;
    /// The number of bytes.
    const SIZE: usize;
    /// The schema of what is read, before it is made optional.
    fn schema() -> SchemaBuilder;
    /// The bytes of a value of this very type; `None` for any other.
    fn bytes(value: ValueRef<'_>) -> Option<Blob>;
    /// The value of bytes of the right length; `None` for any other length.
    fn value(bytes: &[u8]) -> Option<Value>;
}

macro_rules! number {
    ($type:ident: $name:literal, $reader:literal, $kind:ident, $constructor:ident) => {
        impl Number for $type {
            const NAME: &'static str = $name;
            const READER: &'static str = $reader;
            const SIZE: usize = size_of::<$type>();

            fn schema() -> SchemaBuilder {
                SchemaBuilder::$constructor()
            }

            fn bytes(value: ValueRef<'_>) -> Option<Blob> {
                match value {
                    ValueRef::$kind(number) => Some(Blob::copy_from(&number.to_be_bytes())),
                    _ => None,
                }
            }

            fn value(bytes: &[u8]) -> Option<Value> {
                Some(Value::$constructor($type::from_be_bytes(bytes.try_into().ok()?)))
            }
        }
    };
}

number!(i16: "short", "ShortDeserializer", Int16, int16);
number!(i32: "integer", "IntegerDeserializer", Int32, int32);
number!(i64: "long", "LongDeserializer", Int64, int64);
number!(f32: "float", "Deserializer", Float32, float32);
number!(f64: "double", "Deserializer", Float64, float64);

/// Converts one type of number. The schema of what is written does not matter, only the value's own type.
#[derive(Debug)]
pub struct NumberConverter<N> {
    schema: Shared<Schema>,
    number: PhantomData<fn() -> N>,
}

impl<N: Number> NumberConverter<N> {
    /// Its configuration: nothing of its own.
    pub fn config_def() -> ConfigDef {
        converter_config()
    }

    /// A converter as configured.
    pub fn configured(props: &Props) -> Result<Self> {
        Self::config_def().parse(props)?;
        Ok(Self { schema: N::schema().optional().build(), number: PhantomData })
    }

    fn write(&self, data: &Data) -> Result<Option<Blob>> {
        if data.value.is_null() {
            return Ok(None);
        }
        N::bytes(data.value.view()).map(Some).ok_or_else(|| {
            let class = java_class(&data.value);
            ConnectError::data(format!("Failed to serialize to {} (was class {class}): ", N::NAME))
        })
    }

    fn read(&self, bytes: Option<&Blob>) -> Result<Data> {
        let value = match bytes {
            None => Value::NULL,
            Some(bytes) => N::value(bytes).ok_or_else(|| {
                ConnectError::data(format!("Failed to deserialize {}: ", N::NAME)).caused_by(
                    ConnectError::data(format!("Size of data received by {} is not {}", N::READER, N::SIZE))
                        .with_class("org.apache.kafka.common.errors.SerializationException"),
                )
            })?,
        };
        Ok(Data::new(self.schema.clone(), value))
    }
}

converts_headers!(NumberConverter<N>, N: Number);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_round_trip_and_others_are_refused() {
        let converter = NumberConverter::<i32>::configured(&Props::from([("converter.type", "key")])).expect("good");
        let bytes = converter.write(&Data::schemaless(-2i32)).expect("an integer").expect("not null");
        assert_eq!(bytes.as_slice(), [0xff, 0xff, 0xff, 0xfe]);
        assert_eq!(converter.read(Some(&bytes)).expect("four bytes").value, Value::int32(-2));
        let error = converter.write(&Data::schemaless(5i64)).expect_err("too wide");
        assert_eq!(error.message(), "Failed to serialize to integer (was class java.lang.Long): ");
        let error = converter.read(Some(&Blob::EMPTY)).expect_err("too short");
        assert_eq!(error.root_cause().message(), "Size of data received by IntegerDeserializer is not 4");
        assert_eq!(converter.write(&Data::NULL).expect("null passes"), None);
    }
}
