//! JSON Schema: Connect schemas as draft-07, payloads as JSON text.
//!
//! | Module | Does |
//! | --- | --- |
//! | `schema_out`, `schema_in` | Connect schema to JSON Schema, and back |
//! | `value_out`, `value_in` | values to JSON, and back |
//! | `documents` | finds what a `$ref` means |
//! | `decimal` | decimals as JSON numbers |
//! | `options` | this format's own keys |

mod decimal;
mod documents;
mod options;
mod schema_in;
mod schema_out;
mod value_in;
mod value_out;

#[cfg(test)]
mod circles;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use ferroconnect_plugin_sdk::{Blob, Config, ConfigDef, Data, Error, Result, Schema, SchemaType, Shared, Value};

use crate::client::{Document, Format};
use crate::codec::{Codec, Described, no_schema};
use crate::compatible::{Scales, check_readable};
use crate::converter::RegistryConverter;
use crate::path::Path;
use documents::Documents;
use options::{DecimalFormat, Options};

/// What the names of this format's parameters begin with. Those parameters do not go into schemas.
const NAMESPACE: &str = "io.confluent.connect.json";
/// The name of structs that are unions, and what their fields' names begin with.
const ONE_OF: &str = "io.confluent.connect.json.OneOf";
/// The parameter of text that is an enum; its symbols are parameters under it.
const ENUM: &str = "io.confluent.connect.json.Enum";
/// The same two in the way that all formats share.
const SUM_UNION: &str = "org.apache.kafka.connect.data.Union";
const SUM_ENUM: &str = "org.apache.kafka.connect.data.Enum";
/// The symbol that stands for null.
const NULL_SYMBOL: &str = "<NULL>";

fn is_union(schema: &Schema) -> bool {
    schema.kind == SchemaType::STRUCT && (schema.name_str() == Some(ONE_OF) || schema.parameter(SUM_UNION).is_some())
}

fn is_enum(schema: &Schema) -> bool {
    schema.kind == SchemaType::STRING && [ENUM, SUM_ENUM].iter().any(|name| schema.parameter(name).is_some())
}

/// Reads and writes JSON whose schemas are kept in a schema registry.
pub(crate) type JsonSchemaConverter = RegistryConverter<JsonCodec>;

/// The format.
#[derive(Debug)]
pub(crate) struct JsonCodec {
    options: Options,
}

impl Codec for JsonCodec {
    const NAME: &'static str = "JsonSchemaConverter";
    const JAVA_CLASS: &'static str = "io.confluent.connect.json.JsonSchemaConverter";
    const DOC: &'static str =
        "Writes JSON whose schema, a JSON Schema, is kept in a schema registry, and reads such JSON.";
    const FORMAT: Format = Format::Json;
    type Writer = Shared<Schema>;
    type Reader = Shared<Schema>;

    fn keys(def: ConfigDef) -> ConfigDef {
        options::keys(def)
    }

    fn new(config: &Config) -> Result<JsonCodec> {
        Ok(JsonCodec { options: Options::new(config)? })
    }

    fn describe(&self, schema: Option<&Shared<Schema>>) -> Result<Described> {
        let schema = schema.ok_or_else(no_schema::<Self>)?;
        let text = schema_out::describe(schema, &self.options)?.to_string();
        Ok(Described { text, record_name: schema.name_str().map(str::to_owned) })
    }

    fn record_name(&self, registered: &Document) -> Option<String> {
        let schema: serde_json::Value = serde_json::from_str(&registered.text).ok()?;
        Some(schema.get("title")?.as_str()?.to_owned())
    }

    fn writer(
        &self,
        schema: Option<&Shared<Schema>>,
        described: &Described,
        registered: &Document,
        strict: bool,
    ) -> Result<Shared<Schema>> {
        let schema = schema.ok_or_else(no_schema::<Self>)?;
        if strict && registered.text != described.text {
            let reader = schema_in::read(&Documents::parse(registered)?, None, &self.options)?;
            let scales = match self.options.decimal_format {
                DecimalFormat::Base64 => Scales::InSchema,
                DecimalFormat::Numeric => Scales::InValue,
            };
            check_readable(schema, &reader, scales, &Path::Root)?;
        }
        Ok(schema.clone())
    }

    fn write(&self, writer: &Shared<Schema>, value: &Value, payload: &mut Vec<u8>) -> Result<()> {
        value_out::write(writer, value, &self.options, payload)
    }

    fn reader(&self, registered: &Arc<Document>, version: Option<i32>) -> Result<Shared<Schema>> {
        schema_in::read(&Documents::parse(registered)?, version, &self.options)
    }

    fn read(&self, reader: &Shared<Schema>, payload: &Blob) -> Result<Data> {
        let json: serde_json::Value =
            serde_json::from_slice(payload).map_err(|error| Error::data(format!("The payload is no JSON: {error}")))?;
        let value = value_in::read(reader, Some(&json), &self.options, &Path::Root)?;
        Ok(Data::new(reader.clone(), value))
    }
}
