//! A header converter to learn from: headers whose names are known to hold numbers are numbers, all others are text.
//!
//! Many clients write numbers into headers as eight or four bytes, most significant first. It shows how a header
//! converter is configured, that it may look at the name of a header, that null stays null, and when it answers with a
//! data error.

use ferroconnect_plugin_sdk::{
    Blob, Config, ConfigDef, Data, Description, Error, HeaderConverter, Key, Plugin, Result, Schema, SchemaBuilder,
    Shared, Text, Value, ValueRef,
};
use std::collections::BTreeMap;

ferroconnect_plugin_sdk::export! { header_converters: [BinaryHeaderConverter] }

/// The header converter.
#[derive(Debug, Default)]
pub struct BinaryHeaderConverter {
    // None until it is configured.
    forms: Option<Forms>,
}

/// How each header is written.
#[derive(Debug)]
struct Forms {
    numbers: BTreeMap<String, Form>,
    others: Form,
}

/// A way to write, with the schema of what is read, which is made once and shared by all headers.
#[derive(Debug, Clone)]
struct Form {
    kind: Kind,
    schema: Shared<Schema>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Int32,
    Int64,
    Text,
}

impl Kind {
    fn form(self) -> Form {
        let schema = match self {
            Kind::Int32 => SchemaBuilder::int32(),
            Kind::Int64 => SchemaBuilder::int64(),
            Kind::Text => SchemaBuilder::string(),
        };
        Form { kind: self, schema: schema.optional().build() }
    }
}

impl Plugin for BinaryHeaderConverter {
    fn describe() -> Description {
        let def = ConfigDef::new()
            .key(Key::list("int32").default_value("").doc("The names of headers that are integers of four bytes."))
            .key(Key::list("int64").default_value("").doc("The names of headers that are integers of eight bytes."));
        Description::new("ferroconnect.sample.BinaryHeaderConverter", env!("CARGO_PKG_VERSION"))
            .alias("BinaryHeaderConverter")
            .doc("Writes and reads the numbers in headers as bytes, most significant first, and text as UTF-8.")
            .config(def)
    }
}

impl HeaderConverter for BinaryHeaderConverter {
    fn configure(&mut self, config: &Config) -> Result<()> {
        let mut numbers = BTreeMap::new();
        for (key, kind) in [("int32", Kind::Int32), ("int64", Kind::Int64)] {
            let form = kind.form();
            for name in config.list(key) {
                if numbers.insert(name.to_owned(), form.clone()).is_some() {
                    let text = format!("Invalid value '{name}' for configuration {key}: the header is named twice");
                    return Err(Error::config(text));
                }
            }
        }
        self.forms = Some(Forms { numbers, others: Kind::Text.form() });
        Ok(())
    }

    fn to_bytes(&mut self, _topic: &str, name: &str, data: &Data) -> Result<Option<Blob>> {
        let form = self.form(name)?;
        if data.value.is_null() {
            return Ok(None);
        }
        form.write(&data.value).map(Some).ok_or_else(|| {
            let (kind, form) = (data.value.kind(), form.kind);
            Error::data(format!("Header {name} is to be written as {form:?}, and its value of kind {kind:?} cannot be"))
        })
    }

    fn from_bytes(&mut self, _topic: &str, name: &str, bytes: Option<&Blob>) -> Result<Data> {
        let form = self.form(name)?;
        let value = match bytes {
            None => Value::NULL,
            Some(bytes) => form.read(bytes).ok_or_else(|| {
                let (length, form) = (bytes.len(), form.kind);
                Error::data(format!("Header {name} is to be read as {form:?}, and its {length} bytes cannot be"))
            })?,
        };
        Ok(Data::new(form.schema.clone(), value))
    }
}

impl BinaryHeaderConverter {
    fn form(&self, name: &str) -> Result<&Form> {
        let forms = self.forms.as_ref();
        let forms = forms.ok_or_else(|| Error::fatal("BinaryHeaderConverter was not configured"))?;
        Ok(forms.numbers.get(name).unwrap_or(&forms.others))
    }
}

impl Form {
    /// None = the value does not fit. An integer of another size fits if its number does.
    fn write(&self, value: &Value) -> Option<Blob> {
        let bytes = match self.kind {
            Kind::Int32 => i32::try_from(value.as_integer()?).ok()?.to_be_bytes().to_vec(),
            Kind::Int64 => value.as_integer()?.to_be_bytes().to_vec(),
            Kind::Text => match value.view() {
                // Shared with the record, not copied.
                ValueRef::String(text) => return Some(text.as_blob().clone()),
                ValueRef::Boolean(value) => value.to_string().into_bytes(),
                _ => value.as_integer()?.to_string().into_bytes(),
            },
        };
        Some(bytes.into())
    }

    /// None = the bytes are not of this form.
    fn read(&self, bytes: &Blob) -> Option<Value> {
        Some(match self.kind {
            Kind::Int32 => Value::int32(i32::from_be_bytes(bytes.as_ref().try_into().ok()?)),
            Kind::Int64 => Value::int64(i64::from_be_bytes(bytes.as_ref().try_into().ok()?)),
            Kind::Text => Value::string(Text::from_blob(bytes.clone()).ok()?),
        })
    }
}
