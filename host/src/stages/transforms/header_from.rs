//! HeaderFrom: moves or copies fields to headers.

use ferroconnect_plugin_abi::{Data, Header, Record, Schema, Text};

use super::cache::SchemaCache;
use super::config::{REPLACE_NULL, parse, replace_null_key, syntax_version_key};
use super::lookup::{self, Lookup};
use super::nested::{Leaves, Missing, StructPlan, Tree};
use super::path::{FieldPath, Syntax};
use super::structs::{Moves, Required, basics};
use super::{maps, require};
use crate::config::{ConfigDef, ConfigKey, Importance, Props, Type, Validator};
use crate::error::{ConnectError, Result};
use crate::stages::{Part, Transform};

/// Adds headers that hold fields of the key or value, which loses those fields or keeps them (KIP-145).
pub(super) struct HeaderFrom {
    part: Part,
    fields: Vec<FieldPath>,
    headers: Vec<Text>,
    purpose: &'static str,
    /// The fields to remove, if they are to be moved.
    removals: Option<Tree<Leaves<()>>>,
    replace_null: bool,
    plans: SchemaCache<Plan>,
}

struct Plan {
    /// What to read. As in Java, a field that is missing is told only after what stays was found to be right.
    fields: Result<Vec<Lookup>>,
    removal: Option<StructPlan<(Moves, Required)>>,
}

impl HeaderFrom {
    pub(super) fn config_def() -> ConfigDef {
        let not_empty = || {
            Validator::custom("non-empty list", |key, value| match value.and_then(|value| value.as_list()) {
                Some([]) => Err(format!("Invalid value [] for configuration {key}: Empty list")),
                Some(_) => Ok(()),
                None => Err(format!("Invalid value null for configuration {key}: Empty list")),
            })
        };
        let list = |name, doc| ConfigKey::required(name, Type::List, Importance::High, doc).check(not_empty());
        let operation = "Whether fields go to the headers (`move`) or stay as well (`copy`).";
        ConfigDef::new()
            .key(list("fields", "The fields whose values become headers."))
            .key(list("headers", "The names of the headers, in the order of the fields."))
            .key(
                ConfigKey::required("operation", Type::String, Importance::High, operation)
                    .check(Validator::one_of(&["move", "copy"])),
            )
            .key(replace_null_key())
            .key(syntax_version_key().unlisted())
    }

    pub(super) fn configured(part: Part, props: &Props) -> Result<Self> {
        let config = parse(&Self::config_def(), props)?;
        let headers: Vec<Text> = config.list("headers").iter().map(|name| name.as_str().into()).collect();
        let names = config.list("fields");
        if headers.len() != names.len() {
            let reason = "'fields' config must have the same number of elements as 'headers' config.";
            return Err(ConnectError::config(reason));
        }
        let fields = lookup::paths(names, Syntax::configured(&config), "fields")?;
        let is_move = config.str("operation") == "move";
        let removals = is_move.then(|| Tree::new(fields.iter().map(|path| (path.clone(), ())))).transpose()?;
        Ok(Self {
            part,
            fields,
            headers,
            purpose: if is_move { "header move" } else { "header copy" },
            removals,
            replace_null: config.bool(REPLACE_NULL),
            plans: SchemaCache::new(),
        })
    }

    fn with_schema(&mut self, data: &mut Data) -> Result<Vec<Data>> {
        let value = require::structure(&mut data.value, self.purpose)?;
        let (fields, removals, replace_null) = (&self.fields, self.removals.as_ref(), self.replace_null);
        let plan = self.plans.get(&value.schema, |schema| plan(fields, removals, schema, replace_null))?;
        let take = |field: &Lookup| Data::new(field.schema().clone(), field.value(value));
        let taken = plan.fields.as_ref().map(|fields| fields.iter().map(take).collect()).map_err(Clone::clone);
        if let Some(removal) = &plan.removal {
            removal.apply(value, &mut |(moves, required), values| {
                moves.apply(values);
                required.check(values)
            })?;
            data.schema = removal.schema().clone().into();
        }
        taken
    }

    fn schemaless(&self, data: &mut Data) -> Result<Vec<Data>> {
        let map = require::map(&mut data.value, self.purpose)?;
        let read = |path: &FieldPath| lookup::in_map(map, path).map(Data::schemaless);
        let taken = self.fields.iter().map(read).collect::<Result<_>>()?;
        if let Some(removals) = &self.removals {
            removals.apply(map, Missing::Skip, &mut |leaves, map| {
                for (name, ()) in leaves {
                    maps::remove(map, name);
                }
                Ok(())
            })?;
        }
        Ok(taken)
    }
}

fn plan(paths: &[FieldPath], removals: Option<&Tree<Leaves<()>>>, schema: &Schema, replace_null: bool) -> Result<Plan> {
    let fields = paths.iter().map(|path| Lookup::new(schema, path, replace_null)).collect();
    let removal = removals.map(|tree| {
        let nulls = (replace_null, Missing::Skip);
        StructPlan::new(tree, schema, basics(schema), nulls, &mut |leaves, fields| {
            let stays = |name: &str| leaves.iter().all(|(leaf, ())| leaf.as_str() != name);
            let places = (0..fields.len()).filter(|&place| stays(&fields[place].name)).collect();
            fields.retain(|field| stays(&field.name));
            Ok((Moves::new(places), Required::of(fields)))
        })
    });
    Ok(Plan { fields, removal: removal.transpose()? })
}

impl Transform for HeaderFrom {
    fn apply(&mut self, record: &mut Record) -> Result<bool> {
        let Record { key, value, headers, .. } = record;
        let data = match self.part {
            Part::Key => key,
            Part::Value => value,
        };
        let taken = if data.schema.is_none() { self.schemaless(data)? } else { self.with_schema(data)? };
        for (name, data) in self.headers.iter().zip(taken) {
            if let Some(schema) = data.schema.get().filter(|schema| data.value.is_null() && !schema.optional) {
                let reason = format!("A null value requires an optional schema but was {schema:?}");
                return Err(ConnectError::data(reason));
            }
            headers.push(Header { key: name.clone(), data });
        }
        Ok(true)
    }
}
