//! Connect schemas as JSON Schema (draft-07). What Connect has beyond JSON Schema stands in properties that begin with
//! `connect.`, as other Connect workers read and write them.

use super::options::{DecimalFormat, Options};
use super::{ENUM, NAMESPACE, NULL_SYMBOL, SUM_ENUM, is_enum, is_union, value_out};
use crate::path::{Path, part};
use ferroconnect_plugin_sdk::{Error, Logical, Result, Schema, SchemaType, Shared};
use serde_json::{Map, Value as Json, json};

type Node = Map<String, Json>;

/// The schema as JSON.
///
/// # Errors
/// A data error where a part of the schema is missing or its default value does not fit.
pub(super) fn describe(schema: &Shared<Schema>, options: &Options) -> Result<Json> {
    Ok(Json::Object(Describer { options }.any(schema, None)?))
}

struct Describer<'a> {
    options: &'a Options,
}

impl Describer<'_> {
    /// A schema that may be null. `index` = its place among the fields around it.
    fn any(&self, schema: &Shared<Schema>, index: Option<usize>) -> Result<Node> {
        let mut node = match self.required(schema)? {
            node if is_union(schema) => node,
            node if schema.optional => one_of(vec![null(), Json::Object(node)]),
            node => node,
        };
        if let Some(index) = index {
            node.insert("connect.index".into(), index.into());
        }
        Ok(node)
    }

    /// A schema as if it were required. A union says itself that it may be null.
    fn required(&self, schema: &Shared<Schema>) -> Result<Node> {
        if is_union(schema) {
            return self.union(schema, schema.optional);
        }
        let mut node = Node::new();
        self.shape(schema, &mut node)?;
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
            let branch = &field.schema;
            let mut branch = if is_union(branch) { self.union(branch, false)? } else { self.required(branch)? };
            branch.insert("connect.index".into(), index.into());
            branches.push(branch.into());
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
