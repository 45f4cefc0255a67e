//! Avro: Connect's schemas and values as Avro's, and back.
//!
//! [`describe`] gives a Connect schema the text of an Avro schema, [`shape`] gives an Avro schema its Connect schema;
//! [`writer`] and [`reader`] are the plans that values go through, [`planner`] makes those for writing. The encoding is so small that it is done here, straight
//! between payload and Connect values, without a tree of Avro values in between.

mod binary;
mod constant;
mod defaults;
mod describe;
#[cfg(test)]
mod hostile;
mod names;
mod planner;
mod reader;
mod schema;
mod settings;
mod shape;
#[cfg(test)]
mod tests;
mod writer;

use std::sync::Arc;

use ferroconnect_plugin_sdk::{Blob, Config, ConfigDef, Data, Error, Result, Schema, Shared, Value};

use crate::client::{Document, Format};
use crate::codec::{Codec, Described};
use crate::converter::RegistryConverter;
use schema::{AvroSchema, Kind};
use settings::AvroSettings;

/// How deep data of a schema may be nested: schemas that contain themselves set no end. As deep as JsonConverter writes.
const DEEPEST_DATA: usize = 1000;

/// How deep data without schema may be nested.
const DEEPEST_ANYTHING: usize = 200;

/// Keys and values in Avro.
pub(crate) type AvroConverter = RegistryConverter<Avro>;

/// The codec of Avro.
pub(crate) struct Avro {
    settings: AvroSettings,
}

/// How payloads of one Avro schema are read.
pub(crate) enum AvroReader {
    /// Data without schema.
    Anything,
    /// Data of a schema.
    Shaped { schema: Shared<Schema>, reader: reader::Reader },
}

impl Codec for Avro {
    const NAME: &'static str = "AvroConverter";
    const JAVA_CLASS: &'static str = "io.confluent.connect.avro.AvroConverter";
    const DOC: &'static str = "Writes and reads Avro, with schemas in a schema registry.";
    const FORMAT: Format = Format::Avro;
    type Writer = writer::Writer;
    type Reader = AvroReader;

    fn keys(def: ConfigDef) -> ConfigDef {
        settings::keys(def)
    }

    fn new(config: &Config) -> Result<Avro> {
        Ok(Avro { settings: AvroSettings::new(config)? })
    }

    fn describe(&self, schema: Option<&Shared<Schema>>) -> Result<Described> {
        describe::describe(schema.map(|schema| &**schema), &self.settings)
    }

    fn writer(
        &self,
        schema: Option<&Shared<Schema>>,
        _: &Described,
        registered: &Document,
        strict: bool,
    ) -> Result<writer::Writer> {
        let avro = parse(registered)?;
        planner::plan(schema, &avro, &self.settings, strict).map_err(|misfit| {
            let hint = if strict {
                ". latest.compatibility.strict=false and id.compatibility.strict=false allow more"
            } else {
                ""
            };
            Error::data(format!("Incompatible schema: {misfit}{hint}"))
        })
    }

    fn write(&self, writer: &writer::Writer, value: &Value, payload: &mut Vec<u8>) -> Result<()> {
        writer.write(value, payload).map_err(Error::from)
    }

    fn record_name(&self, registered: &Document) -> Option<String> {
        let avro = parse(registered).ok()?;
        match &avro.get(avro.root()).kind {
            Kind::Record(record) => Some(record.name.clone()),
            _ => None,
        }
    }

    fn reader(&self, registered: &Arc<Document>, version: Option<i32>) -> Result<AvroReader> {
        let avro = parse(registered)?;
        if matches!(&avro.get(avro.root()).kind, Kind::Record(record) if record.name == names::ANYTHING) {
            return Ok(AvroReader::Anything);
        }
        let (schema, reader) = shape::shape(&avro, &self.settings, version)?;
        Ok(AvroReader::Shaped { schema, reader })
    }

    fn read(&self, reader: &AvroReader, payload: &Blob) -> Result<Data> {
        match reader {
            AvroReader::Anything => Ok(Data::schemaless(reader::read_anything(payload)?)),
            AvroReader::Shaped { schema, reader } => Ok(Data::new(schema.clone(), reader.read(payload)?)),
        }
    }
}

fn parse(document: &Document) -> Result<AvroSchema> {
    AvroSchema::parse(document).map_err(|invalid| Error::data(invalid.to_string()))
}
