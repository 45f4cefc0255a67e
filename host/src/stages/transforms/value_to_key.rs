//! ValueToKey: makes the key of fields of the value.

use ferroconnect_plugin_abi::schema::Field;
use ferroconnect_plugin_abi::{Data, Record, Schema, SchemaType, Shared, Value};

use super::cache::SchemaCache;
use super::config::{REPLACE_NULL, parse, replace_null_key, syntax_version_key};
use super::lookup::{self, Lookup};
use super::path::{FieldPath, Syntax};
use super::structs::Required;
use super::{maps, require};
use crate::config::{ConfigDef, ConfigKey, Importance, Props, Type, Validator};
use crate::error::Result;
use crate::stages::Transform;

const PURPOSE: &str = "copying fields from value to key";

/// Replaces the key by a struct or map of fields of the value. A field keeps its name, one at a path has the path as
/// its name.
pub(super) struct ValueToKey {
    fields: Vec<FieldPath>,
    replace_null: bool,
    plans: SchemaCache<Plan>,
}

struct Plan {
    schema: Shared<Schema>,
    fields: Vec<Lookup>,
    required: Required,
}

impl ValueToKey {
    pub(super) fn config_def() -> ConfigDef {
        let doc = "The fields of the value that make the key.";
        ConfigDef::new()
            .key(ConfigKey::required("fields", Type::List, Importance::High, doc).check(Validator::list(false, false)))
            .key(replace_null_key())
            .key(syntax_version_key().unlisted())
    }

    pub(super) fn configured(props: &Props) -> Result<Self> {
        let config = parse(&Self::config_def(), props)?;
        let fields = lookup::paths(config.list("fields"), Syntax::configured(&config), "fields")?;
        Ok(Self { fields, replace_null: config.bool(REPLACE_NULL), plans: SchemaCache::new() })
    }
}

fn plan(paths: &[FieldPath], schema: &Schema, replace_null: bool) -> Result<Plan> {
    let fields: Vec<Lookup> =
        paths.iter().map(|path| Lookup::new(schema, path, replace_null)).collect::<Result<_>>()?;
    let named =
        |(path, lookup): (&FieldPath, &Lookup)| Field { name: path.text().clone(), schema: lookup.schema().clone() };
    let named: Vec<Field> = paths.iter().zip(&fields).map(named).collect();
    let schema = Schema { fields: named.into(), ..Schema::new(SchemaType::STRUCT) }.checked()?;
    let required = Required::of(&schema.fields);
    Ok(Plan { schema, fields, required })
}

impl Transform for ValueToKey {
    fn apply(&mut self, record: &mut Record) -> Result<bool> {
        if record.value.schema.is_none() {
            let map = require::map(&mut record.value.value, PURPOSE)?;
            let mut key = Vec::with_capacity(self.fields.len()).into();
            for path in &self.fields {
                maps::put(&mut key, path.text(), lookup::in_map(map, path)?);
            }
            record.key = Data::schemaless(Value::map(key));
            return Ok(true);
        }
        let value = require::structure(&mut record.value.value, PURPOSE)?;
        let (paths, replace_null) = (&self.fields, self.replace_null);
        let plan = self.plans.get(&value.schema, |schema| plan(paths, schema, replace_null))?;
        let fields: Vec<Value> = plan.fields.iter().map(|field| field.value(value)).collect();
        plan.required.check(&fields)?;
        record.value.schema = value.schema.clone().into();
        record.key = Data::new(plan.schema.clone(), Value::structure(plan.schema.clone(), fields));
        Ok(true)
    }
}
