//! JSON with or without an envelope that carries the schema (Java: JsonConverter).
//!
//! Writing goes straight to bytes ([`ferroconnect_json`], which plugins have too), a batch into one buffer ([`batch`]),
//! with the text of each schema kept ([`schema_text`]). What there is to know about a schema is worked out once
//! ([`Plan`]).
//! Reading has two ways. [`fast`] parses bytes straight into values and covers everything that well-behaved
//! producers write. What it does not expect, an error included, it leaves to [`slow`], which builds a tree first and
//! follows Kafka Connect (that is, Jackson) through all its leniencies and error messages.

mod base64;
mod batch;
mod fast;
mod lexer;
mod read_schema;
mod schema_text;
mod slow;
mod tree;

use ferroconnect_json::{Decimals, Format, Plan, Times};
use ferroconnect_plugin_abi::containers::AbiVec;
use ferroconnect_plugin_abi::record::RawHeader;
use ferroconnect_plugin_abi::{Blob, Data, Header, Record, Text};

use crate::config::{ConfigDef, ConfigKey, Importance, Props, Type, Validator, Width};
use crate::error::{ConnectError, Result};
use crate::stages::builtins::converter_config;
use crate::stages::{Converter, HeaderConverter, Part};

/// What both directions need to know.
#[derive(Debug, Clone, Copy)]
struct Settings {
    schemas: bool,
    /// How values are written. Decimals are read in both forms.
    format: Format,
}

/// Converts to and from JSON.
pub struct JsonConverter {
    settings: Settings,
    /// The schema of every message read (`schema.content`).
    fixed: Option<Plan>,
    written: schema_text::WrittenSchemas,
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
            format: Format {
                decimals: if config.str("decimal.format").eq_ignore_ascii_case("NUMERIC") {
                    Decimals::Numeric
                } else {
                    Decimals::Base64
                },
                times: Times::Numbers,
                replace_null_with_default: config.bool("replace.null.with.default"),
            },
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
                read_schema::from_tree(&node, settings)?.as_ref().map(Plan::of)
            }
        };
        Ok(Self {
            settings,
            fixed,
            written: schema_text::WrittenSchemas::new(cache_size),
            seen: read_schema::SchemaCache::new(cache_size),
            buffer: Vec::new(),
        })
    }

    /// Appends the JSON of some data; false = it is null and has none. After an error the buffer holds a part of it.
    fn append(&mut self, out: &mut Vec<u8>, data: &Data) -> Result<bool> {
        let settings = self.settings;
        let Some(schema) = data.schema.get() else {
            if data.value.is_null() {
                return Ok(false);
            }
            if settings.schemas {
                out.extend_from_slice(b"{\"schema\":null,\"payload\":");
            }
            ferroconnect_json::write(out, None, &data.value, settings.format, settings.schemas.into())?;
            if settings.schemas {
                out.push(b'}');
            }
            return Ok(true);
        };
        let (plan, head) = self.written.find(schema, settings)?;
        out.extend_from_slice(head);
        ferroconnect_json::write(out, Some(plan), &data.value, settings.format, settings.schemas.into())?;
        if settings.schemas {
            out.push(b'}');
        }
        Ok(true)
    }

    fn write(&mut self, data: &Data) -> Result<Option<Blob>> {
        let mut buffer = std::mem::take(&mut self.buffer);
        buffer.clear();
        let written = self.append(&mut buffer, data).map(|there| there.then(|| Blob::copy_from(&buffer)));
        self.buffer = buffer;
        written
    }

    fn read(&mut self, bytes: Option<&Blob>) -> Result<Data> {
        let Some(bytes) = bytes else { return Ok(Data::NULL) };
        let fixed = self.fixed.as_ref();
        match fast::message(bytes, self.settings, fixed, &mut self.seen) {
            Ok(data) => Ok(data),
            Err(fast::Unusual) => slow::message(bytes, self.settings, fixed.map(|plan| &plan.schema)),
        }
    }
}

impl Converter for JsonConverter {
    fn from_connect(&mut self, _: &Text, _: &mut AbiVec<Header>, data: &Data) -> Result<Option<Blob>> {
        self.write(data)
    }

    fn to_connect(&mut self, _: &Text, _: &[RawHeader], bytes: Option<&Blob>) -> Result<Data> {
        self.read(bytes)
    }

    fn from_connect_batch(&mut self, part: Part, records: &mut [Record], results: &mut Vec<Result<Option<Blob>>>) {
        batch::write(self, records.iter().map(|record| part.of(&record.key, &record.value)), results);
    }
}

impl HeaderConverter for JsonConverter {
    fn from_connect_header(&mut self, _: &Text, _: &Text, data: &Data) -> Result<Option<Blob>> {
        self.write(data)
    }

    fn to_connect_header(&mut self, _: &Text, _: &Text, bytes: Option<&Blob>) -> Result<Data> {
        self.read(bytes)
    }
}

#[cfg(test)]
mod round_trip;
#[cfg(test)]
mod tests;
