//! Schemas as JSON text, kept for the next record with the plan of their values.

use std::collections::HashMap;

use ferroconnect_json::{Plan, string};
use ferroconnect_plugin_abi::containers::AbiOption;
use ferroconnect_plugin_abi::recursion::recursive;
use ferroconnect_plugin_abi::{Schema, SchemaType, Shared};

use super::Settings;
use crate::error::{ConnectError, Result};

/// A schema with everything that its values take to write.
struct Known {
    plan: Plan,
    /// The envelope up to the payload; empty without envelopes.
    head: Vec<u8>,
}

/// The schemas written so far.
pub(super) struct WrittenSchemas {
    known: Vec<Known>,
    /// Places in `known` by address: the schema is held, so that its address stays its own.
    places: HashMap<usize, usize>,
    limit: usize,
    /// The place of the one written last: most tasks have one schema for keys and one for values, and a converter each.
    last: usize,
}

impl WrittenSchemas {
    /// Holds so many schemas, one at least.
    pub(super) fn new(limit: usize) -> Self {
        Self { known: Vec::new(), places: HashMap::new(), limit: limit.max(1), last: 0 }
    }

    /// The plan of a schema, and the envelope of its values up to the payload.
    pub(super) fn find(&mut self, schema: &Shared<Schema>, settings: Settings) -> Result<(&Plan, &[u8])> {
        if !self.known.get(self.last).is_some_and(|last| Shared::same(&last.plan.schema, schema)) {
            self.last = self.place(schema, settings)?;
        }
        let Known { plan, head } = &self.known[self.last];
        Ok((plan, head))
    }

    fn place(&mut self, schema: &Shared<Schema>, settings: Settings) -> Result<usize> {
        let address = Shared::address(schema);
        if let Some(&place) = self.places.get(&address) {
            return Ok(place);
        }
        // A connector that builds its schema anew for every batch: comparing is cheaper than writing.
        if let Some(last) = self.known.get_mut(self.last)
            && *last.plan.schema == **schema
        {
            self.places.remove(&Shared::address(&last.plan.schema));
            last.plan = Plan::of(schema);
            self.places.insert(address, self.last);
            return Ok(self.last);
        }
        let head = if settings.schemas { envelope(schema, settings)? } else { Vec::new() };
        if self.known.len() >= self.limit {
            // Rare: more schemas than the cache may hold. Starting over keeps it simple and bounded.
            self.known.clear();
            self.places.clear();
        }
        self.known.push(Known { plan: Plan::of(schema), head });
        self.places.insert(address, self.known.len() - 1);
        Ok(self.known.len() - 1)
    }
}

/// Longer envelopes, in bytes, are refused: no topic takes such records, and no memory holds them all.
const LONGEST: usize = 16 << 20;

fn envelope(schema: &Shared<Schema>, settings: Settings) -> Result<Vec<u8>> {
    // Kafka Connect's own converter writes until its stack ends.
    if let Some(inner) = recursive(schema) {
        let name = inner.name_str().unwrap_or("without a name");
        return Err(ConnectError::data(format!(
            "The schema {name} contains itself, and an envelope has schemas in full: JsonConverter writes such data with \
             schemas.enable=false only"
        )));
    }
    let mut head = b"{\"schema\":".to_vec();
    write_schema(&mut head, schema, None, settings, 1)?;
    head.extend_from_slice(b",\"payload\":");
    Ok(head)
}

/// Appends a schema; as a field of a struct with the field's name at the end.
fn write_schema(
    out: &mut Vec<u8>,
    schema: &Shared<Schema>,
    field: Option<&str>,
    settings: Settings,
    depth: usize,
) -> Result<()> {
    if out.len() > LONGEST {
        let name = schema.name_str().unwrap_or("without a name");
        return Err(ConnectError::data(format!(
            "The schema {name} is longer than {LONGEST} bytes as JSON, as parts of it stand in it many times: JsonConverter \
             writes such data with schemas.enable=false only"
        )));
    }
    out.extend_from_slice(b"{\"type\":");
    string(out, type_name(schema.kind)?);
    let nested = |out: &mut Vec<u8>, name: &str, schema: Option<&Shared<Schema>>| {
        member(out, name);
        match schema {
            Some(schema) => write_schema(out, schema, None, settings, depth + 1),
            None => {
                out.extend_from_slice(b"null");
                Ok(())
            }
        }
    };
    match schema.kind {
        SchemaType::ARRAY => nested(out, "items", schema.values.get())?,
        SchemaType::MAP => {
            nested(out, "keys", schema.keys.get())?;
            nested(out, "values", schema.values.get())?;
        }
        SchemaType::STRUCT => {
            member(out, "fields");
            out.push(b'[');
            for (index, field) in schema.fields.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                write_schema(out, &field.schema, Some(&field.name), settings, depth + 2)?;
            }
            out.push(b']');
        }
        _ => {}
    }
    attributes(out, schema, settings, depth)?;
    if let Some(name) = field {
        member(out, "field");
        string(out, name);
    }
    out.push(b'}');
    Ok(())
}

fn attributes(out: &mut Vec<u8>, schema: &Shared<Schema>, settings: Settings, depth: usize) -> Result<()> {
    member(out, "optional");
    out.extend_from_slice(if schema.optional { b"true" } else { b"false" });
    if let AbiOption::RSome(name) = &schema.name {
        member(out, "name");
        string(out, name);
    }
    if let AbiOption::RSome(version) = schema.version {
        member(out, "version");
        out.extend_from_slice(itoa::Buffer::new().format(version).as_bytes());
    }
    if let AbiOption::RSome(doc) = &schema.doc {
        member(out, "doc");
        string(out, doc);
    }
    if !schema.parameters.is_empty() {
        member(out, "parameters");
        for (index, parameter) in schema.parameters.iter().enumerate() {
            out.push(if index == 0 { b'{' } else { b',' });
            string(out, &parameter.key);
            out.push(b':');
            string(out, &parameter.value);
        }
        out.push(b'}');
    }
    if let Some(default) = schema.default_value() {
        member(out, "default");
        ferroconnect_json::write(out, Some(&Plan::of(schema)), default, settings.format, depth + 1)?;
    }
    Ok(())
}

fn member(out: &mut Vec<u8>, name: &str) {
    out.push(b',');
    string(out, name);
    out.push(b':');
}

fn type_name(kind: SchemaType) -> Result<&'static str> {
    Ok(match kind {
        SchemaType::INT8 => "int8",
        SchemaType::INT16 => "int16",
        SchemaType::INT32 => "int32",
        SchemaType::INT64 => "int64",
        SchemaType::FLOAT32 => "float",
        SchemaType::FLOAT64 => "double",
        SchemaType::BOOLEAN => "boolean",
        SchemaType::STRING => "string",
        SchemaType::BYTES => "bytes",
        SchemaType::ARRAY => "array",
        SchemaType::MAP => "map",
        SchemaType::STRUCT => "struct",
        _ => return Err(ConnectError::data(format!("Couldn't translate unsupported schema type {kind:?}."))),
    })
}
