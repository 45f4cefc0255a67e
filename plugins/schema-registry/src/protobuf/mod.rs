//! Protobuf: Connect schemas as files of proto3, payloads as messages behind the path of their type.
//!
//! | Module | Does |
//! | --- | --- |
//! | `schema_out`, `schema_in` | Connect schema to the text of a `.proto` file, and descriptors to Connect schema |
//! | `compile`, `files` | the text of files to descriptors; the files that need not be registered |
//! | `plan` | brings a Connect schema and a message together, once for all records |
//! | `value_out`, `value_in` | values to messages, and back |
//! | `known`, `wrappers` | messages that stand for logical types and for single values |
//! | `index`, `entries` | which message of a file a payload is; whether its text shows the hidden messages of maps |
//! | `names`, `options` | names in Protobuf; this format's own keys |

mod compile;
mod entries;
mod files;
mod index;
mod known;
mod names;
mod options;
mod plan;
mod schema_in;
mod schema_out;
mod value_in;
mod value_out;
mod wrappers;

#[cfg(test)]
mod circles;
#[cfg(test)]
mod tests;

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use ferroconnect_plugin_sdk::{Blob, Config, ConfigDef, Data, Error, Result, Schema, Shared, Value};
use prost_reflect::prost::Message as _;
use prost_reflect::{DynamicMessage, MessageDescriptor};

use crate::client::{Document, Format};
use crate::codec::{Codec, Described, no_schema};
use crate::compatible::{Scales, check_readable};
use crate::converter::RegistryConverter;
use crate::path::Path;
use crate::wire::Tail;
use index::Messages;
use options::Options;
use plan::Plans;

/// Reads and writes Protobuf whose schemas are kept in a schema registry.
pub(crate) type ProtobufConverter = RegistryConverter<ProtobufCodec>;

/// The format.
#[derive(Debug)]
pub(crate) struct ProtobufCodec {
    options: Options,
}

/// How values of one Connect schema are written.
#[derive(Debug)]
pub(crate) struct Writer {
    plans: Plans,
    /// The path of the message, which payloads begin with.
    index: Vec<u8>,
}

/// How payloads of one registered schema are read.
#[derive(Debug)]
pub(crate) struct Reader {
    messages: Messages,
    version: Option<i32>,
    /// By the full name of the message: a file may have many.
    plans: RefCell<HashMap<String, Arc<Plans>>>,
}

impl Codec for ProtobufCodec {
    const NAME: &'static str = "ProtobufConverter";
    const JAVA_CLASS: &'static str = "io.confluent.connect.protobuf.ProtobufConverter";
    const DOC: &'static str = "Writes Protobuf whose schema is kept in a schema registry, and reads such messages.";
    const FORMAT: Format = Format::Protobuf;
    type Writer = Writer;
    type Reader = Reader;

    fn keys(def: ConfigDef) -> ConfigDef {
        options::keys(def)
    }

    fn new(config: &Config) -> Result<ProtobufCodec> {
        Ok(ProtobufCodec { options: Options::new(config)? })
    }

    fn describe(&self, schema: Option<&Shared<Schema>>) -> Result<Described> {
        let schema_out::Described { text, message } =
            schema_out::describe(schema.ok_or_else(no_schema::<Self>)?, &self.options)?;
        Ok(Described { text, record_name: Some(message) })
    }

    fn record_name(&self, registered: &Document) -> Option<String> {
        let file = compile::compile(registered).ok()?;
        Some(compile::message(&file, None).ok()?.full_name().to_owned())
    }

    fn writer(
        &self,
        schema: Option<&Shared<Schema>>,
        described: &Described,
        registered: &Document,
        strict: bool,
    ) -> Result<Writer> {
        let schema = schema.ok_or_else(no_schema::<Self>)?;
        let file = compile::compile(registered)?;
        let message = compile::message(&file, described.record_name.as_deref())?;
        if strict && registered.text != described.text {
            let reader = schema_in::read(&message, None, &self.options)?;
            check_readable(schema, &reader, Scales::InValue, &Path::Root)?;
        }
        let index = Messages::new(file, &registered.text).write(&message)?;
        Ok(Writer { plans: plan::root(schema, &message, &self.options)?, index })
    }

    fn write(&self, writer: &Writer, value: &Value, payload: &mut Vec<u8>) -> Result<()> {
        let message = value_out::write(&writer.plans, value, &self.options)?;
        payload.extend_from_slice(&writer.index);
        message.encode(payload).map_err(|error| Error::data(format!("The message cannot be written: {error}")))
    }

    fn reader(&self, registered: &Arc<Document>, version: Option<i32>) -> Result<Reader> {
        let messages = Messages::new(compile::compile(registered)?, &registered.text);
        Ok(Reader { messages, version, plans: RefCell::default() })
    }

    fn read(&self, reader: &Reader, payload: &Blob) -> Result<Data> {
        let (message, start) = reader.messages.read(payload, "The payload")?;
        self.read_message(reader, message, &payload[start..])
    }

    /// The path of the message stands in the header, too, and the payload is nothing but the message.
    fn read_beside(&self, reader: &Reader, tail: Tail<'_>, payload: &Blob) -> Result<Data> {
        let (message, length) = reader.messages.read(tail.bytes, &format!("The header {}", tail.header))?;
        Tail { bytes: &tail.bytes[length..], ..tail }.check_empty()?;
        self.read_message(reader, message, payload)
    }
}

impl ProtobufCodec {
    fn read_message(&self, reader: &Reader, descriptor: MessageDescriptor, message: &[u8]) -> Result<Data> {
        let known = reader.plans.borrow().get(descriptor.full_name()).cloned();
        let plans = match known {
            Some(plans) => plans,
            None => {
                let schema = schema_in::read(&descriptor, reader.version, &self.options)?;
                let plans = Arc::new(plan::root(&schema, &descriptor, &self.reading())?);
                reader.plans.borrow_mut().insert(descriptor.full_name().to_owned(), Arc::clone(&plans));
                plans
            }
        };
        let message = DynamicMessage::decode(descriptor, message)
            .map_err(|error| Error::data(format!("The payload is no message of its schema: {error}")))?;
        Ok(Data::new(plans.root.schema.clone(), value_in::read(&plans, &message)?))
    }

    /// Names that come out of Protobuf stay as they are.
    fn reading(&self) -> Options {
        Options { scrub_names: false, ..self.options.clone() }
    }
}
