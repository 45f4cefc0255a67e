//! What a transform needs its data to be, with Kafka Connect's error texts.

use ferroconnect_plugin_abi::containers::AbiVec;
use ferroconnect_plugin_abi::record::Coordinates;
use ferroconnect_plugin_abi::value::{MapEntry, StructValue};
use ferroconnect_plugin_abi::{MaybeShared, Schema, Shared, Value};

use crate::error::{ConnectError, Result};
use crate::stages::text::java_class;

/// The schema, which must be there.
pub fn schema<'a>(schema: &'a MaybeShared<Schema>, purpose: &str) -> Result<&'a Shared<Schema>> {
    schema.get().ok_or_else(|| ConnectError::data(format!("Schema required for [{purpose}]")))
}

/// The struct that the value must be, with one value per field.
#[inline]
pub fn structure<'a>(value: &'a mut Value, purpose: &str) -> Result<&'a mut StructValue> {
    let class = java_class(value);
    let found = value
        .as_struct_mut()
        .ok_or_else(|| ConnectError::data(format!("Only Struct objects supported for [{purpose}], found: {class}")))?;
    // Plans index fields by the schema, so a struct that does not fit its own schema goes no further.
    if found.fields.len() == found.schema.fields.len() {
        return Ok(found);
    }
    let (values, fields) = (found.fields.len(), found.schema.fields.len());
    Err(ConnectError::data(format!("The struct has {values} values for the {fields} fields of its schema")))
}

/// The map that the value must be.
#[inline]
pub fn map<'a>(value: &'a mut Value, purpose: &str) -> Result<&'a mut AbiVec<MapEntry>> {
    let class = java_class(value);
    value.as_map_mut().ok_or_else(|| {
        ConnectError::data(format!("Only Map objects supported in absence of schema for [{purpose}], found: {class}"))
    })
}

/// The offset in Kafka, which only records of sinks have.
pub fn sink_offset(origin: &Coordinates, purpose: &str) -> Result<i64> {
    if origin.partition >= 0 {
        return Ok(origin.offset);
    }
    let class = "org.apache.kafka.connect.source.SourceRecord";
    Err(ConnectError::data(format!("Only SinkRecord supported for [{purpose}], found: {class}")))
}
