//! Cast: gives fields, or the whole key or value, another type.
//!
//! [`spec`] reads what is to be cast, [`convert`] casts one value.

mod convert;
mod spec;
#[cfg(test)]
mod tests;

use ferroconnect_plugin_abi::containers::{AbiOption, AbiVec};
use ferroconnect_plugin_abi::schema::Field;
use ferroconnect_plugin_abi::validate::validate_field;
use ferroconnect_plugin_abi::{Data, Record, Schema, SchemaType, Shared, Text, Value};

use self::convert::Target;
use self::spec::Spec;
use super::cache::SchemaCache;
use super::config::{REPLACE_NULL, parse, replace_null_key, syntax_version_key};
use super::nested::{Leaves, Missing, StructPlan, Tree};
use super::path::Syntax;
use super::structs::basics;
use super::{maps, require};
use crate::config::{ConfigDef, ConfigKey, Importance, Props, Type, Validator};
use crate::error::{ConnectError, InField as _, Result};
use crate::stages::{Part, Transform};

const PURPOSE: &str = "cast types";
const SPEC: &str = "spec";

/// Casts fields of the key or value, or all of it. Null stays null.
pub(super) struct Cast {
    part: Part,
    spec: Spec,
    replace_null: bool,
    plans: SchemaCache<Plan>,
}

/// What to do with data of one schema.
enum Plan {
    /// The whole data is cast to this type and gets this schema.
    Whole(Target, Shared<Schema>),
    /// Fields of a struct are cast.
    Fields(StructPlan<Vec<Column>>),
}

/// What to do with one field of a struct.
struct Column {
    /// The field as it becomes.
    field: Field,
    /// If it is cast: its old schema and its new type.
    cast: Option<(Shared<Schema>, Target)>,
}

impl Cast {
    pub(super) fn config_def() -> ConfigDef {
        let doc = "What to cast: pairs of a field and its new type, separated by commas, such as `id:int64,name:string`; \
                   or one type alone, for the whole data. Types are int8, int16, int32, int64, float32, float64, \
                   boolean and string. Bytes can only become a string.";
        let check =
            Validator::custom("list of colon-delimited pairs, e.g. <code>foo:bar,abc:xyz</code>", |_, value| {
                spec::check(value.and_then(crate::config::Value::as_list).unwrap_or_default())
            });
        ConfigDef::new()
            .key(ConfigKey::required(SPEC, Type::List, Importance::High, doc).check(check))
            .key(replace_null_key())
            .key(syntax_version_key().unlisted())
    }

    pub(super) fn configured(part: Part, props: &Props) -> Result<Self> {
        let config = parse(&Self::config_def(), props)?;
        let spec = Spec::parse(config.list(SPEC), Syntax::configured(&config))?;
        Ok(Self { part, spec, replace_null: config.bool(REPLACE_NULL), plans: SchemaCache::new() })
    }
}

impl Plan {
    fn new(spec: &Spec, schema: &Schema, replace_null: bool) -> Result<Plan> {
        match spec {
            Spec::Whole(target) => Ok(Plan::Whole(*target, whole_schema(schema, *target)?)),
            Spec::Fields(tree) => fields_plan(tree, schema, replace_null).map(Plan::Fields),
        }
    }
}

/// The schema of data that is cast as a whole: everything stays but the type, and the default is cast along.
fn whole_schema(schema: &Schema, target: Target) -> Result<Shared<Schema>> {
    let default = schema.default_value().map(|default| convert::cast(Some(schema), default, target)).transpose()?;
    let kind = target.schema_type();
    Ok(Schema { kind, optional: schema.optional, default: default.into(), ..basics(schema) }.checked()?)
}

fn fields_plan(tree: &Tree<Leaves<Target>>, schema: &Schema, replace_null: bool) -> Result<StructPlan<Vec<Column>>> {
    if schema.kind != SchemaType::STRUCT {
        return Err(ConnectError::data("Cannot list fields on non-struct type"));
    }
    let outermost = Schema { optional: schema.optional, ..basics(schema) };
    let plan = StructPlan::new(tree, schema, outermost, (replace_null, Missing::Skip), &mut |casts, fields| {
        columns(casts, fields)
    })?;
    // The default would have to be cast too, and structs cannot be.
    match schema.default_value() {
        Some(_) => Err(convert::unsupported(SchemaType::STRUCT)),
        None => Ok(plan),
    }
}

/// Gives fields of a struct their new schemas.
fn columns(casts: &[(Text, Target)], fields: &mut Vec<Field>) -> Result<Vec<Column>> {
    let mut columns = Vec::with_capacity(fields.len());
    for field in fields {
        let target = casts.iter().find(|(name, _)| *name == field.name).map(|(_, target)| *target);
        let old = field.schema.clone();
        if let Some(target) = target {
            field.schema = field_schema(&old, target)?;
        }
        columns.push(Column { field: field.clone(), cast: target.map(|target| (old, target)) });
    }
    Ok(columns)
}

/// The schema of a field that is cast: of the old one only optionality and the default stay.
fn field_schema(old: &Schema, target: Target) -> Result<Shared<Schema>> {
    let mut schema = Schema::new(target.schema_type());
    schema.optional = old.optional;
    if let Some(default) = old.default_value() {
        schema.default = AbiOption::RSome(convert::cast(Some(old), default, target)?);
    }
    Ok(schema.checked()?)
}

/// Casts the values of a struct, in place.
fn cast_columns(columns: &[Column], values: &mut AbiVec<Value>) -> Result<()> {
    for (column, value) in columns.iter().zip(values.iter_mut()) {
        if let Some((old, target)) = &column.cast {
            *value = convert::cast(Some(old), value, *target).in_field(&column.field.name)?;
        }
        validate_field(&column.field, value).in_field(&column.field.name)?;
    }
    Ok(())
}

fn without_schema(spec: &Spec, data: &mut Data) -> Result<()> {
    match spec {
        Spec::Whole(target) => data.value = convert::cast(None, &data.value, *target)?,
        Spec::Fields(tree) => {
            let map = require::map(&mut data.value, PURPOSE)?;
            tree.apply(map, Missing::Skip, &mut |casts, map| {
                for (name, target) in casts {
                    let new =
                        convert::cast(None, maps::get(map, name).unwrap_or(&Value::NULL), *target).in_field(name)?;
                    maps::put(map, name, new);
                }
                Ok(())
            })?;
        }
    }
    Ok(())
}

impl Transform for Cast {
    fn apply(&mut self, record: &mut Record) -> Result<bool> {
        let data = self.part.data_mut(record);
        if data.value.is_null() {
            return Ok(true);
        }
        let Some(schema) = data.schema.get() else {
            without_schema(&self.spec, data)?;
            return Ok(true);
        };
        let (spec, replace_null) = (&self.spec, self.replace_null);
        match self.plans.get(schema, |schema| Plan::new(spec, schema, replace_null))? {
            Plan::Fields(plan) => {
                plan.apply(require::structure(&mut data.value, PURPOSE)?, &mut |columns, values| {
                    cast_columns(columns, values)
                })?;
                data.schema = plan.schema().clone().into();
            }
            Plan::Whole(target, new) => {
                data.value = convert::cast(Some(schema), &data.value, *target)?;
                data.schema = new.clone().into();
            }
        }
        Ok(true)
    }
}
