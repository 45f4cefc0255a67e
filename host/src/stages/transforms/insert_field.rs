//! InsertField: adds what is known about a record as fields.

use ferroconnect_plugin_abi::builder::SchemaBuilder;
use ferroconnect_plugin_abi::record::Coordinates;
use ferroconnect_plugin_abi::schema::Field;
use ferroconnect_plugin_abi::{Record, Schema, Shared, Text, Value};

use super::cache::SchemaCache;
use super::config::{REPLACE_NULL, parse, replace_null_key, syntax_version_key};
use super::nested::{Leaves, Missing, StructPlan, Tree};
use super::path::{FieldPath, Syntax};
use super::structs::{Required, basics};
use super::{maps, require};
use crate::config::{ConfigDef, ConfigKey, Importance, Parsed, Props, Type};
use crate::error::{ConnectError, Result};
use crate::stages::{Part, Transform};

const PURPOSE: &str = "field insertion";
const STATIC_VALUE: &str = "static.value";

/// Adds fields to the key or value. Null stays null.
pub(super) struct InsertField {
    part: Part,
    insertions: Tree<Leaves<Insertion>>,
    replace_null: bool,
    plans: SchemaCache<StructPlan<Level>>,
}

/// A field to add.
#[derive(Clone)]
struct Insertion {
    source: Source,
    is_optional: bool,
}

/// Where the content of a field comes from.
#[derive(Clone)]
enum Source {
    Topic,
    Partition,
    Offset,
    Timestamp,
    Static(Text),
}

/// What to do with the values of a struct.
struct Level {
    required: Required,
    added: Vec<Source>,
}

/// What is known about a record.
struct Facts<'a> {
    topic: &'a Text,
    partition: Option<i32>,
    timestamp: Option<i64>,
    origin: &'a Coordinates,
}

impl Source {
    fn schema(&self, is_optional: bool) -> Shared<Schema> {
        let builder = match self {
            Source::Topic | Source::Static(_) => SchemaBuilder::string(),
            Source::Partition => SchemaBuilder::int32(),
            Source::Offset => SchemaBuilder::int64(),
            Source::Timestamp => SchemaBuilder::timestamp(),
        };
        if is_optional { builder.optional().build() } else { builder.build() }
    }

    /// The content; null if the record does not have it.
    fn value(&self, facts: &Facts<'_>) -> Result<Value> {
        Ok(match self {
            Source::Topic => Value::string(facts.topic.clone()),
            Source::Partition => facts.partition.map(Value::int32).unwrap_or_default(),
            Source::Offset => Value::int64(require::sink_offset(facts.origin, PURPOSE)?),
            Source::Timestamp => facts.timestamp.map(Value::timestamp).unwrap_or_default(),
            Source::Static(text) => Value::string(text.clone()),
        })
    }

    /// The content as it goes into a map; `None` if the record does not have it.
    fn schemaless(&self, facts: &Facts<'_>) -> Result<Option<Value>> {
        let value = match (self, facts.timestamp) {
            (Source::Timestamp, Some(timestamp)) => Value::int64(timestamp),
            _ => self.value(facts)?,
        };
        Ok(Some(value).filter(|value| !value.is_null()))
    }
}

impl InsertField {
    pub(super) fn config_def() -> ConfigDef {
        let nullable = |name, what| {
            let doc = format!(
                "The field for {what}. It is optional (null is allowed), as with an added `?`; with an added `!` it \
                 is required."
            );
            ConfigKey::nullable(name, Type::String, Importance::Medium, &doc)
        };
        ConfigDef::new()
            .key(nullable("topic.field", "the topic"))
            .key(nullable("partition.field", "the Kafka partition"))
            .key(nullable("offset.field", "the offset in Kafka, for sinks only"))
            .key(nullable("timestamp.field", "the timestamp of the record"))
            .key(nullable("static.field", "a fixed text"))
            .key(ConfigKey::nullable(STATIC_VALUE, Type::String, Importance::Medium, "The fixed text."))
            .key(replace_null_key())
            .key(syntax_version_key().unlisted())
    }

    pub(super) fn configured(part: Part, props: &Props) -> Result<Self> {
        let config = parse(&Self::config_def(), props)?;
        let insertions = insertions(&config)?;
        if insertions.is_empty() {
            return Err(ConnectError::config("No field insertion configured"));
        }
        let (insertions, replace_null) = (Tree::new(insertions)?, config.bool(REPLACE_NULL));
        insertions.refuse_overlaps("topic.field and its like")?;
        Ok(Self { part, insertions, replace_null, plans: SchemaCache::new() })
    }

    fn plan(tree: &Tree<Leaves<Insertion>>, schema: &Schema, replace_null: bool) -> Result<StructPlan<Level>> {
        StructPlan::new(tree, schema, basics(schema), (replace_null, Missing::Add), &mut |leaves, fields| {
            let required = Required::of(fields);
            let mut added = Vec::with_capacity(leaves.len());
            for (name, Insertion { source, is_optional }) in leaves {
                fields.push(Field { name: name.clone(), schema: source.schema(*is_optional) });
                added.push(source.clone());
            }
            Ok(Level { required, added })
        })
    }
}

/// The fields to add, in the order in which Kafka Connect adds them.
fn insertions(config: &Parsed) -> Result<Vec<(FieldPath, Insertion)>> {
    let mut all = Vec::new();
    let mut add = |key: &str, source: Source| {
        let Some(text) = config.opt_str(key) else { return Ok(()) };
        let is_optional = !text.ends_with('!');
        let name = text.strip_suffix(['!', '?']).unwrap_or(text);
        all.push((FieldPath::parse(name, Syntax::configured(config))?, Insertion { source, is_optional }));
        Ok::<(), ConnectError>(())
    };
    add("topic.field", Source::Topic)?;
    add("partition.field", Source::Partition)?;
    add("offset.field", Source::Offset)?;
    add("timestamp.field", Source::Timestamp)?;
    match (config.opt_str("static.field"), config.opt_str(STATIC_VALUE)) {
        (Some(_), Some(text)) => add("static.field", Source::Static(text.into()))?,
        (Some(field), None) => {
            let reason = format!("No value specified for static field: {field}");
            return Err(ConnectError::invalid_value(STATIC_VALUE, "null", reason));
        }
        _ => {}
    }
    Ok(all)
}

impl Transform for InsertField {
    fn apply(&mut self, record: &mut Record) -> Result<bool> {
        let Record { topic, partition, timestamp, origin, key, value, .. } = record;
        let facts = Facts { topic, partition: (*partition).into(), timestamp: (*timestamp).into(), origin };
        let data = match self.part {
            Part::Key => key,
            Part::Value => value,
        };
        if data.value.is_null() {
            return Ok(true);
        }
        if data.schema.is_none() {
            let map = require::map(&mut data.value, PURPOSE)?;
            self.insertions.apply(map, Missing::Add, &mut |leaves, map| {
                for (name, insertion) in leaves {
                    if let Some(value) = insertion.source.schemaless(&facts)? {
                        maps::put(map, name, value);
                    }
                }
                Ok(())
            })?;
            return Ok(true);
        }
        let value = require::structure(&mut data.value, PURPOSE)?;
        let (tree, replace_null) = (&self.insertions, self.replace_null);
        let plan = self.plans.get(&value.schema, |schema| Self::plan(tree, schema, replace_null))?;
        plan.apply(value, &mut |level, values| {
            level.required.check(values)?;
            values.reserve_exact(level.added.len());
            for source in &level.added {
                values.push(source.value(&facts)?);
            }
            Ok(())
        })?;
        data.schema = plan.schema().clone().into();
        Ok(true)
    }
}
