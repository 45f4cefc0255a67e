//! Connect schemas as JSON Schema (draft-07). What Connect has beyond JSON Schema stands in properties that begin with
//! `connect.`, as other Connect workers read and write them.

use super::options::{DecimalFormat, Options};
use super::{ENUM, NAMESPACE, NULL_SYMBOL, SUM_ENUM, is_enum, is_union, value_out};
use crate::path::{Path, part};
use ferroconnect_plugin_sdk::abi::recursion::{recursive, repeated};
use ferroconnect_plugin_sdk::{Error, Logical, Result, Schema, SchemaType, Shared};
use serde_json::{Map, Value as Json, json};
use std::collections::HashMap;

type Node = Map<String, Json>;

/// The schema as JSON.
///
/// # Errors
/// A data error where a part of the schema is missing or its default value does not fit.
pub(super) fn describe(schema: &Shared<Schema>, options: &Options) -> Result<Json> {
    if recursive(schema).is_none() {
        let describer = Describer { options, references: &HashMap::new(), room: DEEPEST };
        return Ok(describer.any(schema, None)?.into());
    }
    // What stands in more than one place is described once: without that there would be no end.
    let (mut references, mut definitions) = (HashMap::new(), Vec::new());
    for met in repeated(schema) {
        let reference = if !schema.optional && is_same_required(&met, schema) {
            "#".to_owned()
        } else {
            let name = definition_name(&met, &definitions);
            let reference = format!("#/definitions/{name}");
            definitions.push((name, met.clone()));
            reference
        };
        references.insert(Shared::address(&met), reference);
    }
    let describer = Describer { options, references: &references, room: DEEPEST };
    let mut root = if schema.optional { describer.any(schema, None)? } else { describer.described(schema)? };
    if !definitions.is_empty() {
        let definition = |(name, schema)| Ok((name, describer.described(&schema)?.into()));
        let definitions: Node = definitions.into_iter().map(definition).collect::<Result<_>>()?;
        root.insert("definitions".into(), definitions.into());
    }
    Ok(root.into())
}

/// Whether two schemas are the same where null does not count.
fn is_same_required(a: &Shared<Schema>, b: &Shared<Schema>) -> bool {
    Shared::same(a, b) || Schema { optional: b.optional, ..Schema::clone(a) } == **b
}

/// A name under which a schema can stand among the definitions, and in a reference as it is.
fn definition_name(schema: &Schema, taken: &[(String, Shared<Schema>)]) -> String {
    let plain = |letter: char| if letter.is_ascii_alphanumeric() || letter == '.' { letter } else { '_' };
    let kind = schema.kind.name().to_ascii_lowercase();
    let name: String = schema.name_str().filter(|name| !name.is_empty()).unwrap_or(&kind).chars().map(plain).collect();
    let numbered = (2..).map(|number| format!("{name}_{number}"));
    let is_free = |name: &String| taken.iter().all(|(taken, _)| taken != name);
    [name.clone()].into_iter().chain(numbered).find(is_free).unwrap_or(name)
}

/// How many schemas may stand in one another.
const DEEPEST: usize = 200;

#[derive(Clone, Copy)]
struct Describer<'a> {
    options: &'a Options,
    /// Where schemas are described that stand in more than one place, by their address.
    references: &'a HashMap<usize, String>,
    /// How many schemas may still stand in this one.
    room: usize,
}

impl Describer<'_> {
    /// A schema that may be null. `index` = its place among the fields around it.
    fn any(&self, schema: &Shared<Schema>, index: Option<usize>) -> Result<Node> {
        let is_reference = self.references.contains_key(&Shared::address(schema));
        let node = match schema.optional {
            // It says itself that it may be null.
            true if is_union(schema) && !is_reference => self.union(schema, true)?,
            true => one_of(vec![null(), self.required(schema)?.into()]),
            false => self.required(schema)?,
        };
        Ok(match index {
            Some(index) => placed(node, index),
            None => node,
        })
    }

    /// A schema as if it were required, or where that is described.
    fn required(&self, schema: &Shared<Schema>) -> Result<Node> {
        match self.references.get(&Shared::address(schema)) {
            Some(reference) => Ok(Node::from_iter([("$ref".to_owned(), reference.as_str().into())])),
            None => self.described(schema),
        }
    }

    /// A schema as if it were required.
    fn described(&self, schema: &Shared<Schema>) -> Result<Node> {
        let room = self.room.checked_sub(1);
        let room = room.ok_or_else(|| {
            Error::data(format!("Schemas that stand in one another deeper than {DEEPEST} times are not described"))
        })?;
        let inner = Describer { room, ..*self };
        if is_union(schema) {
            return inner.union(schema, false);
        }
        let mut node = Node::new();
        inner.shape(schema, &mut node)?;
        let (title, doc) = (schema.name_str(), schema.doc.as_ref().map(|doc| doc.as_str()).into_option());
        let mut set = |key: &str, value: Option<Json>| value.map(|value| node.insert(key.to_owned(), value));
        set("title", title.map(Json::from));
        set("description", doc.map(Json::from));
        set("connect.version", schema.version.map(Json::from).into_option());
        set("connect.parameters", parameters(schema));
        set("default", self.default_value(schema)?);
        Ok(node)
    }

    fn union(&self, schema: &Schema, nullable: bool) -> Result<Node> {
        let mut branches: Vec<Json> = nullable.then(null).into_iter().collect();
        for (index, field) in schema.fields.iter().enumerate() {
            branches.push(placed(self.required(&field.schema)?, index).into());
        }
        Ok(one_of(branches))
    }

    fn shape(&self, schema: &Schema, node: &mut Node) -> Result<()> {
        let mut set = |key: &str, value: Json| node.insert(key.to_owned(), value);
        match schema.kind {
            SchemaType::INT8 | SchemaType::INT16 | SchemaType::INT32 | SchemaType::INT64 => {
                set("type", "integer".into());
                set("connect.type", schema.kind.name().to_ascii_lowercase().into());
            }
            SchemaType::FLOAT32 | SchemaType::FLOAT64 => {
                set("type", "number".into());
                set("connect.type", schema.kind.name().to_ascii_lowercase().into());
            }
            SchemaType::BOOLEAN => _ = set("type", "boolean".into()),
            SchemaType::STRING if is_enum(schema) => _ = set("enum", symbols(schema)),
            SchemaType::STRING => _ = set("type", "string".into()),
            SchemaType::BYTES => {
                let numeric = Logical::of(schema) == Some(Logical::Decimal)
                    && self.options.decimal_format == DecimalFormat::Numeric;
                set("type", if numeric { "number".into() } else { "string".into() });
                set("connect.type", "bytes".into());
            }
            SchemaType::ARRAY => {
                set("type", "array".into());
                set("items", self.any(part(&schema.values, &Path::Root)?, None)?.into());
            }
            SchemaType::MAP => {
                let (keys, values) = (part(&schema.keys, &Path::Root)?, part(&schema.values, &Path::Root)?);
                if value_out::is_object(schema) {
                    set("type", "object".into());
                    set("additionalProperties", self.any(values, None)?.into());
                } else {
                    let entry = json!({ "key": self.any(keys, Some(0))?, "value": self.any(values, Some(1))? });
                    set("type", "array".into());
                    set("items", json!({ "type": "object", "properties": entry }));
                }
                set("connect.type", "map".into());
            }
            SchemaType::STRUCT => {
                let field = |(index, field): (usize, &ferroconnect_plugin_sdk::Field)| {
                    Ok((field.name.to_string(), self.any(&field.schema, Some(index))?.into()))
                };
                let properties: Node = schema.fields.iter().enumerate().map(field).collect::<Result<_>>()?;
                set("type", "object".into());
                set("properties", properties.into());
                if !self.options.additional_properties {
                    set("additionalProperties", false.into());
                }
            }
            other => return Err(Error::data(format!("JSON Schema has nothing for a schema of type {}", other.name()))),
        }
        Ok(())
    }

    fn default_value(&self, schema: &Shared<Schema>) -> Result<Option<Json>> {
        let Some(default) = schema.default_value() else { return Ok(None) };
        let mut text = Vec::new();
        value_out::write(schema, default, self.options, &mut text).map_err(|error| error.context("A default value"))?;
        Ok(Some(serde_json::from_slice(&text)?))
    }
}

fn null() -> Json {
    json!({ "type": "null" })
}

fn one_of(branches: Vec<Json>) -> Node {
    Node::from_iter([("oneOf".to_owned(), branches.into())])
}

/// A schema with its place among others. A reference must have nothing beside it, which readers would ignore.
fn placed(node: Node, index: usize) -> Node {
    let mut node = if node.contains_key("$ref") { one_of(vec![node.into()]) } else { node };
    node.insert("connect.index".into(), index.into());
    node
}

/// The parameters that are not this format's own.
fn parameters(schema: &Schema) -> Option<Json> {
    let foreign = schema.parameters.iter().filter(|parameter| !parameter.key.starts_with(NAMESPACE));
    let parameters: Node =
        foreign.map(|parameter| (parameter.key.to_string(), parameter.value.as_str().into())).collect();
    (!parameters.is_empty()).then_some(parameters.into())
}

/// The symbols of an enum, which are the parameters under its own.
fn symbols(schema: &Schema) -> Json {
    let name = if schema.parameter(SUM_ENUM).is_some() { SUM_ENUM } else { ENUM };
    let symbols = schema.parameters.iter().filter_map(|parameter| parameter.key.strip_prefix(name)?.strip_prefix('.'));
    symbols.map(|symbol| if symbol == NULL_SYMBOL { Json::Null } else { symbol.into() }).collect()
}
