//! SetSchemaMetadata: sets the name and version of a schema.

use ferroconnect_plugin_abi::containers::{AbiOption, Present};
use ferroconnect_plugin_abi::{Record, Schema, SchemaType, Shared, Text};

use super::cache::SchemaCache;
use super::config::{REPLACE_NULL, parse, replace_null_key};
use super::require;
use super::structs::{Defaults, Required};
use crate::config::{ConfigDef, ConfigKey, Importance, Props, Type};
use crate::error::{ConnectError, Result};
use crate::stages::{Part, Transform};

const PURPOSE: &str = "updating schema metadata";

/// Sets the name, the version or both of the schema of the key or value, which must be that of a struct.
pub(super) struct SetSchemaMetadata {
    part: Part,
    metadata: Metadata,
    replace_null: bool,
    plans: SchemaCache<Plan>,
}

struct Metadata {
    name: AbiOption<Text>,
    version: AbiOption<i32>,
}

struct Plan {
    schema: Shared<Schema>,
    defaults: Defaults,
    required: Required,
}

impl SetSchemaMetadata {
    pub(super) fn config_def() -> ConfigDef {
        let name = "The name the schema gets; it keeps its own if this is not set.";
        let version = "The version the schema gets; it keeps its own if this is not set.";
        ConfigDef::new()
            .key(ConfigKey::nullable("schema.name", Type::String, Importance::High, name))
            .key(ConfigKey::nullable("schema.version", Type::Int, Importance::High, version))
            .key(replace_null_key())
    }

    pub(super) fn configured(part: Part, props: &Props) -> Result<Self> {
        let config = parse(&Self::config_def(), props)?;
        let version = config.get("schema.version").map(|_| config.int("schema.version"));
        let metadata = Metadata { name: config.opt_str("schema.name").map(Text::from).into(), version: version.into() };
        if metadata.name.is_none() && metadata.version.is_none() {
            return Err(ConnectError::config("Neither schema name nor version configured"));
        }
        Ok(Self { part, metadata, replace_null: config.bool(REPLACE_NULL), plans: SchemaCache::new() })
    }
}

impl Metadata {
    fn plan(&self, schema: &Schema, replace_null: bool) -> Result<Plan> {
        if schema.kind != SchemaType::STRUCT {
            return Err(ConnectError::data("Cannot list fields on non-struct type"));
        }
        let mut new = schema.clone();
        if let Present(name) = &self.name {
            new.name = Present(name.clone());
        }
        if let Present(version) = self.version {
            new.version = Present(version);
        }
        if let Present(mut default) = std::mem::replace(&mut new.default, AbiOption::RNone) {
            // A struct names its schema, so that of the default changes too.
            if let Some(value) = default.as_struct_mut() {
                value.schema = Shared::new(new.clone());
            }
            new.default = Present(default);
        }
        let (defaults, required) = (Defaults::of(&new.fields, replace_null), Required::of(&new.fields));
        Ok(Plan { schema: Shared::new(new), defaults, required })
    }
}

impl Transform for SetSchemaMetadata {
    fn apply(&mut self, record: &mut Record) -> Result<bool> {
        let data = self.part.data_mut(record);
        if data.value.is_null() && data.schema.is_none() {
            return Ok(true);
        }
        let schema = require::schema(&data.schema, PURPOSE)?;
        let (metadata, replace_null) = (&self.metadata, self.replace_null);
        let plan = self.plans.get(schema, |schema| metadata.plan(schema, replace_null))?;
        if data.value.as_struct_mut().is_some() {
            let value = require::structure(&mut data.value, PURPOSE)?;
            if value.fields.len() != plan.schema.fields.len() {
                return Err(ConnectError::data("Struct schemas do not match."));
            }
            plan.defaults.fill(&mut value.fields);
            plan.required.check(&value.fields)?;
            value.schema = plan.schema.clone();
        }
        data.schema = plan.schema.clone().into();
        Ok(true)
    }
}
