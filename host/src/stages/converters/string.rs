//! Text (Java: StringConverter).

use ferroconnect_plugin_abi::builder::SchemaBuilder;
use ferroconnect_plugin_abi::{Blob, Data, Schema, Shared, Text, Value, ValueRef};

use super::converts_headers;
use crate::config::{ConfigDef, ConfigKey, Importance, Props, Type, Width};
use crate::error::Result;
use crate::stages::builtins::converter_config;
use crate::stages::text::charset::Charset;
use crate::stages::text::java_text;

/// Writes every value as Java would print it and reads everything as text. With UTF-8, the default, text is shared
/// and not copied in either direction.
#[derive(Debug)]
pub struct StringConverter {
    charset: Charset,
    // One per converter: a schema shared by all tasks would make their reference counts fight over a cache line.
    schema: Shared<Schema>,
}

impl StringConverter {
    /// A converter for one encoding (`converter.encoding`).
    pub fn new(charset: Charset) -> Self {
        Self { charset, schema: SchemaBuilder::string().optional().build() }
    }

    /// Its configuration.
    pub fn config_def() -> ConfigDef {
        let doc = "The name of the Java character set to use for encoding strings as byte arrays.";
        let mut key = ConfigKey::defaulting("converter.encoding", Type::String, "UTF-8", Importance::High, doc);
        (key.width, key.display_name) = (Width::Medium, "Encoding".to_owned());
        converter_config().key(key)
    }

    /// A converter as configured.
    pub fn configured(props: &Props) -> Result<Self> {
        let config = Self::config_def().parse(props)?;
        Ok(Self::new(config.str("converter.encoding").parse()?))
    }

    fn write(&self, data: &Data) -> Result<Option<Blob>> {
        Ok(match data.value.view() {
            ValueRef::Null => None,
            ValueRef::String(text) => Some(self.charset.encode(text)),
            _ => Some(self.charset.encode(&Text::from(java_text(&data.value)))),
        })
    }

    fn read(&self, bytes: Option<&Blob>) -> Result<Data> {
        let value = bytes.map_or(Value::NULL, |bytes| Value::string(self.charset.decode(bytes)));
        Ok(Data::new(self.schema.clone(), value))
    }
}

converts_headers!(StringConverter);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_utf8_both_ways() {
        let converter = StringConverter::new(Charset::Utf8);
        let bytes = Blob::copy_from("é日本😀".as_bytes());
        let data = converter.read(Some(&bytes)).expect("text always passes");
        let written = converter.write(&data).expect("text always passes").expect("not null");
        assert_eq!(written.as_ptr(), bytes.as_ptr());
        assert_eq!(converter.write(&Data::NULL).expect("null passes"), None);
        assert!(converter.read(None).expect("null passes").value.is_null());
    }

    #[test]
    fn prints_what_is_no_text() {
        let converter = StringConverter::new(Charset::Utf8);
        let data = Data::schemaless(Value::array(vec![Value::int32(1), Value::NULL]));
        assert_eq!(converter.write(&data).expect("prints").expect("not null").as_slice(), b"[1, null]");
    }
}
