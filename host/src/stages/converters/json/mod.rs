//! JSON with or without an envelope that carries the schema (Java: JsonConverter).
//!
//! Writing goes straight to bytes ([`write`](mod@write)), with the text of each schema kept ([`schema_text`]).
//! Reading has two ways. [`fast`] parses bytes straight into values and covers everything that well-behaved
//! producers write. What it does not expect, an error included, it leaves to [`slow`], which builds a tree first and
//! follows Kafka Connect (that is, Jackson) through all its leniencies and error messages.

mod base64;
mod fast;
mod lexer;
mod read_schema;
mod scan;
mod schema_text;
mod slow;
mod tree;
mod write;

use ferroconnect_plugin_abi::{Blob, Data, Schema, Shared};

use super::converts_headers;
use crate::config::{ConfigDef, ConfigKey, Importance, Props, Type, Validator, Width};
use crate::error::{ConnectError, Result};
use crate::stages::builtins::converter_config;

/// How decimals are written (`decimal.format`). Both forms are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum DecimalFormat {
    Base64,
    Numeric,
}

/// What both directions need to know.
#[derive(Debug, Clone, Copy)]
struct Settings {
    schemas: bool,
    decimal_format: DecimalFormat,
    replace_null_with_default: bool,
}

/// Converts to and from JSON.
pub struct JsonConverter {
    settings: Settings,
    /// The schema of every message read (`schema.content`).
    fixed: Option<Shared<Schema>>,
    written: schema_text::SchemaTexts,
    seen: read_schema::SchemaCache,
    // Kept from record to record for its memory.
    buffer: Vec<u8>,
}

impl JsonConverter {
    /// Its configuration.
    pub fn config_def() -> ConfigDef {
        let (schemas, serialization) = ("Schemas", "Serialization");
        converter_config()
            .key(
                ConfigKey::defaulting(
                    "schemas.enable",
                    Type::Boolean,
                    "true",
                    Importance::High,
                    "Include schemas within each of the serialized values and keys.",
                )
                .show(schemas, 0, Width::Medium, "Enable Schemas"),
            )
            .key(
                ConfigKey::defaulting(
                    "schemas.cache.size",
                    Type::Int,
                    "1000",
                    Importance::High,
                    "The maximum number of schemas that can be cached in this converter instance.",
                )
                .show(schemas, 1, Width::Medium, "Schema Cache Size"),
            )
            .key(
                ConfigKey::nullable(
                    "schema.content",
                    Type::String,
                    Importance::High,
                    "When set, this is used as the schema for all messages, and the schemas within each of the message \
                     will be ignored.Otherwise, the schema will be included in the content of each message. This \
                     configuration applies only 'schemas.enable' is true, and it exclusively affects the sink connector.",
                )
                .show(schemas, 2, Width::Medium, "Schema Content"),
            )
            .key(
                ConfigKey::defaulting(
                    "decimal.format",
                    Type::String,
                    "BASE64",
                    Importance::Low,
                    "Controls which format this converter will serialize decimals in. This value is case insensitive \
                     and can be either 'BASE64' (default) or 'NUMERIC'",
                )
                .check(Validator::one_of_ignore_case(&["NUMERIC", "BASE64"]))
                .show(serialization, 0, Width::Medium, "Decimal Format"),
            )
            .key(
                ConfigKey::defaulting(
                    "replace.null.with.default",
                    Type::Boolean,
                    "true",
                    Importance::Low,
                    "Whether to replace fields that have a default value and that are null to the default value. When \
                     set to true, the default value is used, otherwise null is used.",
                )
                .show(serialization, 1, Width::Medium, "Replace null with default"),
            )
    }

    /// A converter as configured.
    ///
    /// # Errors
    /// A bad value, or a `schema.content` that is no schema.
    pub fn configured(props: &Props) -> Result<Self> {
        let config = Self::config_def().parse(props)?;
        let settings = Settings {
            schemas: config.bool("schemas.enable"),
            decimal_format: if config.str("decimal.format").eq_ignore_ascii_case("NUMERIC") {
                DecimalFormat::Numeric
            } else {
                DecimalFormat::Base64
            },
            replace_null_with_default: config.bool("replace.null.with.default"),
        };
        // A size below one means no cache.
        let cache_size = usize::try_from(config.int("schemas.cache.size")).unwrap_or(0);
        let fixed = match config.opt_str("schema.content").filter(|content| !content.is_empty()) {
            None => None,
            Some(content) => {
                let node = tree::parse(content.as_bytes()).map_err(|error| {
                    ConnectError::data("Failed to parse schema in converter config due to serialization error: ")
                        .caused_by(error)
                })?;
                read_schema::from_tree(&node, settings)?
            }
        };
        Ok(Self {
            settings,
            fixed,
            written: schema_text::SchemaTexts::new(cache_size),
            seen: read_schema::SchemaCache::new(cache_size),
            buffer: Vec::new(),
        })
    }

    fn write(&mut self, data: &Data) -> Result<Option<Blob>> {
        let schema = data.schema.get();
        if schema.is_none() && data.value.is_null() {
            return Ok(None);
        }
        self.buffer.clear();
        if self.settings.schemas {
            self.buffer.extend_from_slice(b"{\"schema\":");
            match schema {
                Some(schema) => self.written.append(&mut self.buffer, schema, self.settings)?,
                None => self.buffer.extend_from_slice(b"null"),
            }
            self.buffer.extend_from_slice(b",\"payload\":");
            write::value(&mut self.buffer, schema, &data.value, self.settings, 1)?;
            self.buffer.push(b'}');
        } else {
            write::value(&mut self.buffer, schema, &data.value, self.settings, 0)?;
        }
        Ok(Some(Blob::copy_from(&self.buffer)))
    }

    fn read(&mut self, bytes: Option<&Blob>) -> Result<Data> {
        let Some(bytes) = bytes else { return Ok(Data::NULL) };
        let fixed = self.fixed.as_ref();
        match fast::message(bytes, self.settings, fixed, &mut self.seen) {
            Ok(data) => Ok(data),
            Err(fast::Unusual) => slow::message(bytes, self.settings, fixed),
        }
    }
}

converts_headers!(JsonConverter);

#[cfg(test)]
mod tests;
