//! Schemas as JSON text, kept for the next record.

use std::collections::HashMap;

use ferroconnect_plugin_abi::containers::AbiOption;
use ferroconnect_plugin_abi::{Schema, SchemaType, Shared};

use super::Settings;
use super::write::{self, default_of, string};
use crate::error::{ConnectError, Result};

/// The texts of the schemas written so far.
pub(super) struct SchemaTexts {
    /// By address: the schema is held, so that its address stays its own.
    texts: HashMap<usize, (Shared<Schema>, Vec<u8>)>,
    limit: usize,
    /// The one written last: most tasks have one schema for keys and one for values, and a converter each.
    last: Option<(Shared<Schema>, Vec<u8>)>,
}

impl SchemaTexts {
    pub(super) fn new(limit: usize) -> Self {
        Self { texts: HashMap::new(), limit, last: None }
    }

    /// Appends the text of a schema.
    pub(super) fn append(&mut self, out: &mut Vec<u8>, schema: &Shared<Schema>, settings: Settings) -> Result<()> {
        if let Some((last, text)) = &mut self.last {
            if Shared::same(last, schema) {
                out.extend_from_slice(text);
                return Ok(());
            }
            // A connector that builds its schema anew for every batch gets here; comparing is cheaper than writing.
            if !self.texts.contains_key(&Shared::address(schema)) && **last == **schema {
                *last = schema.clone();
                out.extend_from_slice(text);
                return Ok(());
            }
        }
        if let Some((_, text)) = self.texts.get(&Shared::address(schema)) {
            out.extend_from_slice(text);
            return Ok(());
        }
        let start = out.len();
        write_schema(out, schema, None, settings, 1)?;
        let text = out[start..].to_vec();
        if self.limit > 0
            && let Some((last, text)) = self.last.replace((schema.clone(), text))
        {
            if self.texts.len() >= self.limit {
                // Rare: more schemas than the cache may hold. Starting over keeps it simple and bounded.
                self.texts.clear();
            }
            self.texts.insert(Shared::address(&last), (last, text));
        }
        Ok(())
    }
}

/// Appends a schema; as a field of a struct with the field's name at the end.
fn write_schema(
    out: &mut Vec<u8>,
    schema: &Shared<Schema>,
    field: Option<&str>,
    settings: Settings,
    depth: usize,
) -> Result<()> {
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
    if let Some(default) = default_of(schema) {
        member(out, "default");
        write::value(out, Some(schema), default, settings, depth + 1)?;
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
