//! ReplaceField: keeps, drops and renames fields.

use std::collections::{HashMap, HashSet};

use ferroconnect_plugin_abi::containers::AbiVec;
use ferroconnect_plugin_abi::schema::Field;
use ferroconnect_plugin_abi::value::{MapEntry, ValueKind};
use ferroconnect_plugin_abi::{Record, Schema, SchemaType, Text, Value};
use indexmap::IndexMap;

use super::cache::SchemaCache;
use super::config::{REPLACE_NULL, parse, replace_null_key, syntax_version_key};
use super::nested::{Leaves, Missing, StructPlan, Tree};
use super::path::{FieldPath, Syntax};
use super::structs::{Moves, Required, basics};
use super::{lookup, maps, require};
use crate::config::{ConfigDef, ConfigKey, Importance, Parsed, Props, Type, Validator};
use crate::error::{ConnectError, Result};
use crate::java_hash;
use crate::stages::text::java_class;
use crate::stages::{Part, Transform};

const PURPOSE: &str = "field replacement";
const RENAMES: &str = "renames";

/// Keeps, drops and renames fields of the key or value. Null stays null.
pub(super) struct ReplaceField {
    part: Part,
    rules: Tree<Rules>,
    replace_null: bool,
    plans: SchemaCache<StructPlan<Level>>,
}

/// What happens to a field.
enum Rule {
    Exclude,
    /// It stays; others that are not named so go.
    Include,
    Rename(Text),
}

/// The rules for the fields of one struct or map.
#[derive(Default)]
struct Rules {
    exclude: HashSet<Text>,
    include: HashSet<Text>,
    /// New names by old ones.
    renames: IndexMap<Text, Text>,
    /// Old names by new ones; of several that become one name the last one of a Java table counts.
    sources: HashMap<Text, Text>,
}

/// What to do with the values of a struct.
struct Level {
    order: Order,
    required: Required,
    /// Fields that get the values of others, which are of other types.
    foreign: Vec<(usize, Field)>,
}

/// Where the values of the new fields come from.
enum Order {
    Kept(Moves),
    Mixed(Vec<usize>),
}

impl ReplaceField {
    pub(super) fn config_def() -> ConfigDef {
        let list = |name, doc| {
            ConfigKey::defaulting(name, Type::List, "", Importance::Medium, doc).check(Validator::list(true, false))
        };
        let pairs = Validator::custom("list of colon-delimited pairs, e.g. foo:bar,abc:xyz", |_, value| {
            let list = value.and_then(|value| value.as_list()).unwrap_or_default();
            pairs(list).map(drop).map_err(|error| error.message().to_owned())
        });
        ConfigDef::new()
            .key(list("exclude", "The fields to drop. This comes before the fields to keep."))
            .key(list("include", "The fields to keep; all, if there are none."))
            .key(
                ConfigKey::defaulting(RENAMES, Type::List, "", Importance::Medium, "Old and new names of fields.")
                    .check(pairs),
            )
            .key(replace_null_key())
            .key(syntax_version_key().unlisted())
    }

    pub(super) fn configured(part: Part, props: &Props) -> Result<Self> {
        let config = parse(&Self::config_def(), props)?;
        let (rules, replace_null) = (rules(&config)?, config.bool(REPLACE_NULL));
        Ok(Self { part, rules, replace_null, plans: SchemaCache::new() })
    }
}

/// Pairs of an old and a new name.
fn pairs(mappings: &[String]) -> Result<Vec<(&str, &str)>> {
    let pair = |mapping: &'_ String| {
        let mut parts: Vec<&str> = mapping.split(':').collect();
        // As Java splits: empty parts at the end do not count.
        while parts.last().is_some_and(|part| part.is_empty()) {
            parts.pop();
        }
        parts.len() == 2
    };
    if let Some(mapping) = mappings.iter().find(|mapping| !pair(mapping)) {
        let list = format!("[{}]", mappings.join(", "));
        return Err(ConnectError::invalid_value(RENAMES, list, format!("Invalid rename mapping: {mapping}")));
    }
    let split = |mapping: &'_ String| mapping.find(':').expect("there are two parts");
    Ok(mappings
        .iter()
        .map(|mapping| (&mapping[..split(mapping)], mapping[split(mapping) + 1..].trim_end_matches(':')))
        .collect())
}

fn rules(config: &Parsed) -> Result<Tree<Rules>> {
    let syntax = Syntax::configured(config);
    let include = lookup::paths(config.list("include"), syntax, "include")?;
    Tree::new(include.iter().map(|path| (path.clone(), ())))?.refuse_overlaps("include")?;
    let mut tree = Tree::new([])?;
    for path in &include {
        // What leads to a field that stays has to stay.
        for length in 1..=path.steps().len() {
            tree.add(&path.steps()[..length], Rule::Include)?;
        }
    }
    for path in lookup::paths(config.list("exclude"), syntax, "exclude")? {
        tree.add(path.steps(), Rule::Exclude)?;
    }
    for (old, new) in pairs(config.list(RENAMES))? {
        let path = FieldPath::parse(old, syntax)?;
        let target = FieldPath::parse(new, syntax)?;
        let [name] = target.steps() else {
            let reason = format!(
                "'{new}' is a path, but a field that is renamed stays in its struct; write its new name alone, in \
                 back-ticks if it holds dots"
            );
            return Err(ConnectError::invalid_value(RENAMES, format!("{old}:{new}"), reason));
        };
        tree.add(path.steps(), Rule::Rename(name.clone()))?;
    }
    Ok(tree.map(&mut Rules::of))
}

impl Rules {
    fn of(leaves: Leaves<Rule>) -> Rules {
        let mut rules = Rules::default();
        for (name, rule) in leaves {
            match rule {
                Rule::Exclude => drop(rules.exclude.insert(name)),
                Rule::Include => drop(rules.include.insert(name)),
                Rule::Rename(new) => drop(rules.renames.insert(name, new)),
            }
        }
        let mut pairs: Vec<(&Text, &Text)> = rules.renames.iter().collect();
        let buckets = java_hash::grown(pairs.len());
        java_hash::sort(&mut pairs, buckets, |(old, _)| old.as_str());
        rules.sources = pairs.into_iter().map(|(old, new)| (new.clone(), old.clone())).collect();
        rules
    }

    fn keeps(&self, name: &Text) -> bool {
        !self.exclude.contains(name) && (self.include.is_empty() || self.include.contains(name))
    }

    /// The field whose value the new field of this name gets.
    fn source<'a>(&'a self, new: &'a Text) -> &'a Text {
        self.sources.get(new).unwrap_or(new)
    }

    /// What a field is called from now on.
    fn renamed<'a>(&'a self, old: &'a Text) -> &'a Text {
        self.renames.get(old).unwrap_or(old)
    }

    fn plan(&self, fields: &mut Vec<Field>) -> Result<Level> {
        let (mut kept, mut sources, mut foreign) = (Vec::new(), Vec::new(), Vec::new());
        for (place, field) in fields.iter().enumerate().filter(|(_, field)| self.keeps(&field.name)) {
            let name = self.renamed(&field.name).clone();
            let source = self.source(&name);
            let from = fields.iter().position(|field| field.name == *source);
            let from = from.ok_or_else(|| ConnectError::data(format!("{source} is not a valid field name")))?;
            let new = Field { name, schema: field.schema.clone() };
            if from != place && is_other_type(&fields[from].schema, &new.schema) {
                foreign.push((kept.len(), new.clone()));
            }
            sources.push(from);
            kept.push(new);
        }
        *fields = kept;
        let is_in_order = sources.is_sorted_by(|a, b| a < b);
        let order = if is_in_order { Order::Kept(Moves::new(sources)) } else { Order::Mixed(sources) };
        Ok(Level { order, required: Required::of(fields), foreign })
    }

    fn apply(&self, map: &mut AbiVec<MapEntry>) -> Result<()> {
        let mut new = AbiVec::with_capacity(map.len());
        for entry in std::mem::take(map) {
            let name = match entry.key.as_text() {
                Some(name) => name.clone(),
                None if entry.key.is_null() => {
                    if self.include.is_empty() {
                        new.push(entry);
                    }
                    continue;
                }
                None => {
                    let class = java_class(&entry.key);
                    let reason = format!("class {class} cannot be cast to class java.lang.String");
                    return Err(ConnectError::data(reason).with_class("java.lang.ClassCastException"));
                }
            };
            if self.keeps(&name) {
                maps::put(&mut new, self.renamed(&name), entry.value);
            }
        }
        *map = new;
        Ok(())
    }
}

impl Level {
    fn apply(&self, values: &mut AbiVec<Value>) -> Result<()> {
        match &self.order {
            Order::Kept(moves) => moves.apply(values),
            Order::Mixed(sources) => {
                let mut old = std::mem::take(values);
                *values = sources.iter().map(|&from| std::mem::take(&mut old[from])).collect();
            }
        }
        self.required.check(values)?;
        for (place, field) in &self.foreign {
            if !values[*place].is_null() {
                return Err(misfit(&values[*place], field));
            }
        }
        Ok(())
    }
}

/// Whether values of one schema are not values of the other.
fn is_other_type(from: &Schema, to: &Schema) -> bool {
    let is_struct = from.kind == SchemaType::STRUCT;
    from.kind != to.kind || (if is_struct { from != to } else { from.name != to.name })
}

fn misfit(value: &Value, field: &Field) -> ConnectError {
    if field.schema.kind == SchemaType::STRUCT && value.kind() == ValueKind::STRUCT {
        return ConnectError::data("Struct schemas do not match.");
    }
    let schema = field.schema.name_str().map(|name| format!(" \"{name}\"")).unwrap_or_default();
    let (kind, class, name) = (field.schema.kind.name(), java_class(value), &field.name);
    ConnectError::data(format!(
        "Invalid Java object for schema{schema} with type {kind}: class {class} for field: \"{name}\""
    ))
}

fn plan(tree: &Tree<Rules>, schema: &Schema, replace_null: bool) -> Result<StructPlan<Level>> {
    let nulls = (replace_null, Missing::Skip);
    StructPlan::new(tree, schema, basics(schema), nulls, &mut |rules, fields| rules.plan(fields))
}

impl Transform for ReplaceField {
    fn apply(&mut self, record: &mut Record) -> Result<bool> {
        let data = self.part.data_mut(record);
        if data.value.is_null() {
            return Ok(true);
        }
        if data.schema.is_none() {
            let map = require::map(&mut data.value, PURPOSE)?;
            self.rules.apply(map, Missing::Skip, &mut |rules, map| rules.apply(map))?;
            return Ok(true);
        }
        let value = require::structure(&mut data.value, PURPOSE)?;
        let (tree, replace_null) = (&self.rules, self.replace_null);
        let plan = self.plans.get(&value.schema, |schema| plan(tree, schema, replace_null))?;
        plan.apply(value, &mut |level, values| level.apply(values))?;
        data.schema = plan.schema().clone().into();
        Ok(true)
    }
}
