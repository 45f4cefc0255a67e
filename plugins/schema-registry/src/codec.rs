//! What a format of schemas has to know. All that has to do with the registry is done by the converter around it.

use std::sync::Arc;

use ferroconnect_plugin_sdk::{Blob, Config, ConfigDef, Data, Error, Result, Schema, Shared, Value};

use crate::client::{Document, Format};
use crate::wire::Tail;

/// A format: schemas as text, values as payloads.
///
/// A schema is compiled once into a plan ([`Codec::Writer`], [`Codec::Reader`]) which then serves all records; nothing
/// of a schema's text is looked at per record. All methods run on the thread of the task.
pub(crate) trait Codec: Sized + Send + 'static {
    /// The name of the format's converter, as Kafka Connect shortens it.
    const NAME: &'static str;

    /// The Java class that the converter stands in for.
    const JAVA_CLASS: &'static str;

    /// What the converter does.
    const DOC: &'static str;

    /// What the registry calls the format.
    const FORMAT: Format;

    /// How values of one Connect schema become payloads of one registered schema.
    type Writer: Send;

    /// How payloads of one registered schema become Connect values.
    type Reader: Send;

    /// Adds the keys that this format has beside the common ones.
    fn keys(def: ConfigDef) -> ConfigDef;

    /// The codec of a configuration.
    ///
    /// # Errors
    /// A config error that names the key.
    fn new(config: &Config) -> Result<Self>;

    /// What values of a Connect schema are registered as. No schema = data without one.
    ///
    /// # Errors
    /// A data error where the format cannot hold the schema.
    fn describe(&self, schema: Option<&Shared<Schema>>) -> Result<Described>;

    /// The plan to write values of a Connect schema by the registered one: that of [`Codec::describe`], or another
    /// version where the user asked for it. `strict` = refuse a version that could not hold all of `described`.
    ///
    /// # Errors
    /// A data error that names the place where the two cannot be brought together.
    fn writer(
        &self,
        schema: Option<&Shared<Schema>>,
        described: &Described,
        registered: &Document,
        strict: bool,
    ) -> Result<Self::Writer>;

    /// Appends the payload of a value which is not null.
    ///
    /// # Errors
    /// A data error that names the field and what is wrong with its value.
    fn write(&self, writer: &Self::Writer, value: &Value, payload: &mut Vec<u8>) -> Result<()>;

    /// The full name of the record or message at the top of a registered schema; none where it is no such type.
    fn record_name(&self, registered: &Document) -> Option<String>;

    /// The plan to read payloads of a registered schema. `version` = its version in the subject, where that is known.
    ///
    /// # Errors
    /// A data error where Connect cannot hold the schema.
    fn reader(&self, registered: &Arc<Document>, version: Option<i32>) -> Result<Self::Reader>;

    /// A payload, without what frames it, as data.
    ///
    /// # Errors
    /// A data error where the payload is not one of the schema; it never panics, whatever the bytes are.
    fn read(&self, reader: &Self::Reader, payload: &Blob) -> Result<Data>;

    /// As [`Codec::read`], for a payload whose schema is named by a header, which may go on behind the schema's number.
    ///
    /// # Errors
    /// As [`Codec::read`], and where the header has more than the format knows.
    fn read_beside(&self, reader: &Self::Reader, tail: Tail<'_>, payload: &Blob) -> Result<Data> {
        tail.check_empty()?;
        self.read(reader, payload)
    }
}

/// Why a format whose schemas have to name a type does not take data without one.
pub(crate) fn no_schema<C: Codec>() -> Error {
    Error::data(format!(
        "Data without a schema cannot be written by {}. Give it a schema, or use \
         org.apache.kafka.connect.json.JsonConverter with schemas.enable=false",
        C::NAME
    ))
}

/// What a Connect schema is in a format.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Described {
    /// The schema as it is registered. The same Connect schema always gives the same text.
    pub(crate) text: String,
    /// The full name of the record or message at the top, for the strategies that name subjects after it.
    pub(crate) record_name: Option<String>,
}
