//! The schema half of an envelope.

use std::collections::HashMap;
use std::sync::Arc;

use ferroconnect_json::Plan;
use ferroconnect_plugin_abi::containers::AbiOption;
use ferroconnect_plugin_abi::schema::{Field, Parameter};
use ferroconnect_plugin_abi::{Schema, SchemaType, Shared, Text};

use super::Settings;
use super::slow;
use super::tree::{self, Node};
use crate::error::{ConnectError, Result};

/// Schemas read so far, recognised by their bytes: a producer writes the same schema the same way every time.
pub(super) struct SchemaCache {
    known: Vec<Known>,
    places: HashMap<Arc<[u8]>, usize>,
    limit: usize,
    /// Places of those found last, the very last first.
    recent: Vec<usize>,
}

struct Known {
    text: Arc<[u8]>,
    plan: Plan,
}

/// So many schemas are compared with what comes, before the end of a schema is looked for. Enough for a few topics
/// in turns.
const RECENT: usize = 4;

impl SchemaCache {
    /// Holds so many schemas, one at least.
    pub(super) fn new(limit: usize) -> Self {
        Self { known: Vec::new(), places: HashMap::new(), limit: limit.max(1), recent: Vec::new() }
    }

    /// If the bytes begin with one of the schemas read last: its length, and it is what [`Self::last`] gives.
    pub(super) fn recent_at(&mut self, bytes: &[u8]) -> Option<usize> {
        // The bytes of a schema are a whole object, so whatever begins with them has that very object there.
        let turn = self.recent.iter().position(|&place| bytes.starts_with(&self.known[place].text))?;
        self.recent[..=turn].rotate_right(1);
        Some(self.known[self.recent[0]].text.len())
    }

    /// The schema that was found last.
    pub(super) fn last(&self) -> Option<&Plan> {
        self.recent.first().map(|&place| &self.known[place].plan)
    }

    /// The schema that these bytes (one JSON object) are; `None` where they are none.
    pub(super) fn read(&mut self, bytes: &[u8], settings: Settings) -> Option<&Plan> {
        let place = match self.places.get(bytes) {
            Some(&place) => place,
            None => {
                let schema = from_tree(&tree::parse(bytes).ok()?, settings).ok()??;
                self.add(bytes.into(), &schema)
            }
        };
        self.recent.retain(|&other| other != place);
        self.recent.truncate(RECENT - 1);
        self.recent.insert(0, place);
        Some(&self.known[place].plan)
    }

    fn add(&mut self, text: Arc<[u8]>, schema: &Shared<Schema>) -> usize {
        if self.known.len() >= self.limit {
            // Rare: more schemas than the cache may hold. Starting over keeps it simple and bounded.
            self.known.clear();
            self.places.clear();
            self.recent.clear();
        }
        self.places.insert(Arc::clone(&text), self.known.len());
        self.known.push(Known { text, plan: Plan::of(schema) });
        self.known.len() - 1
    }
}

/// The schema that a JSON value describes; null describes none.
///
/// # Errors
/// Kafka Connect's, in its order.
pub(super) fn from_tree(node: &Node, settings: Settings) -> Result<Option<Shared<Schema>>> {
    if *node == Node::Null {
        return Ok(None);
    }
    let Some(kind) = node.get("type").and_then(Node::as_text) else {
        return Err(ConnectError::data("Schema must contain 'type' field"));
    };
    let mut schema = Schema::new(match kind {
        "boolean" => SchemaType::BOOLEAN,
        "int8" => SchemaType::INT8,
        "int16" => SchemaType::INT16,
        "int32" => SchemaType::INT32,
        "int64" => SchemaType::INT64,
        "float" => SchemaType::FLOAT32,
        "double" => SchemaType::FLOAT64,
        "bytes" => SchemaType::BYTES,
        "string" => SchemaType::STRING,
        "array" => SchemaType::ARRAY,
        "map" => SchemaType::MAP,
        "struct" => SchemaType::STRUCT,
        _ => return Err(ConnectError::data(format!("Unknown schema type: {kind}"))),
    });
    parts(&mut schema, node, settings)?;
    attributes(&mut schema, node)?;
    let schema = Shared::new(schema);
    match node.get("default") {
        None => Ok(Some(schema)),
        Some(default) => with_default(schema, default, settings).map(Some),
    }
}

/// Elements, keys, values and fields.
fn parts(schema: &mut Schema, node: &Node, settings: Settings) -> Result<()> {
    match schema.kind {
        SchemaType::ARRAY => {
            let items = node.get("items").filter(|items| **items != Node::Null);
            let items = items.ok_or_else(|| ConnectError::data("Array schema did not specify the element type"))?;
            schema.values = from_tree(items, settings)?.into();
        }
        SchemaType::MAP => {
            let keys = node.get("keys").ok_or_else(|| ConnectError::data("Map schema did not specify the key type"))?;
            let values =
                node.get("values").ok_or_else(|| ConnectError::data("Map schema did not specify the value type"))?;
            let (keys, values) = (from_tree(keys, settings)?, from_tree(values, settings)?);
            schema.keys = keys.ok_or_else(|| builder_error("keySchema cannot be null."))?.into();
            schema.values = values.ok_or_else(|| builder_error("valueSchema cannot be null."))?.into();
        }
        SchemaType::STRUCT => {
            let Some(Node::Array(fields)) = node.get("fields") else {
                return Err(ConnectError::data("Struct schema's \"fields\" argument is not an array."));
            };
            for field in fields {
                let name = field.get("field").and_then(Node::as_text);
                let name =
                    name.ok_or_else(|| ConnectError::data("Struct schema's field name not specified properly"))?;
                let field_schema = from_tree(field, settings)?.expect("an object is never the null that means none");
                if name.is_empty() {
                    return Err(builder_error("fieldName cannot be null."));
                }
                if schema.field_index(name).is_some() {
                    let text = format!("Cannot create field because of field name duplication {name}");
                    return Err(builder_error(text));
                }
                schema.fields.push(Field { name: name.into(), schema: field_schema });
            }
        }
        _ => {}
    }
    Ok(())
}

/// Everything else but the default. Attributes of the wrong kind are ignored.
fn attributes(schema: &mut Schema, node: &Node) -> Result<()> {
    let text = |name: &str| node.get(name).and_then(Node::as_text).map(Text::from).into();
    schema.optional = node.get("optional") == Some(&Node::Boolean(true));
    schema.name = text("name");
    if let Some(Node::Number(version)) = node.get("version")
        && version.whole
    {
        schema.version = AbiOption::RSome(version.low_bits() as i32);
    }
    schema.doc = text("doc");
    if let Some(Node::Object(parameters)) = node.get("parameters") {
        for (key, value) in parameters {
            let value =
                value.as_text().ok_or_else(|| ConnectError::data("Schema parameters must have string values."))?;
            schema.parameters.push(Parameter { key: key.as_str().into(), value: value.into() });
        }
    }
    Ok(())
}

fn with_default(schema: Shared<Schema>, default: &Node, settings: Settings) -> Result<Shared<Schema>> {
    let default = slow::value(Some(&schema), Some(default), settings)?;
    if default.is_null() && schema.optional {
        return Ok(schema);
    }
    let mut schema = Schema::clone(&schema);
    schema.default = AbiOption::RSome(default);
    Ok(schema.checked()?)
}

fn builder_error(message: impl Into<String>) -> ConnectError {
    ConnectError::data(message.into()).with_class("org.apache.kafka.connect.errors.SchemaBuilderException")
}
