//! HoistField: wraps data in a struct or map of one field.

use ferroconnect_plugin_abi::schema::Field;
use ferroconnect_plugin_abi::validate::validate_field_of_valid_structs;
use ferroconnect_plugin_abi::value::MapEntry;
use ferroconnect_plugin_abi::{Data, Record, Schema, SchemaType, Shared, Text, Value};

use super::cache::SchemaCache;
use super::config::parse;
use crate::config::{ConfigDef, ConfigKey, Importance, Props, Type};
use crate::error::Result;
use crate::stages::{Part, Transform};

/// Puts the key or value, null too, into a new struct (with schema) or map (without).
pub(super) struct HoistField {
    part: Part,
    field: Text,
    /// The schema of the new struct.
    plans: SchemaCache<Shared<Schema>>,
}

impl HoistField {
    pub(super) fn config_def() -> ConfigDef {
        let doc = "The name of the one field of the new struct or map.";
        ConfigDef::new().key(ConfigKey::required("field", Type::String, Importance::Medium, doc))
    }

    pub(super) fn configured(part: Part, props: &Props) -> Result<Self> {
        let config = parse(&Self::config_def(), props)?;
        Ok(Self { part, field: config.str("field").into(), plans: SchemaCache::new() })
    }
}

impl Transform for HoistField {
    fn apply(&mut self, record: &mut Record) -> Result<bool> {
        let data = self.part.data_mut(record);
        let value = std::mem::take(&mut data.value);
        let Some(schema) = data.schema.get() else {
            let key = Value::string(self.field.clone());
            data.value = Value::map(vec![MapEntry { key, value }]);
            return Ok(true);
        };
        let outer = self.plans.get(schema, |schema| {
            let field = Field { name: self.field.clone(), schema: schema.clone() };
            Ok(Schema { fields: vec![field].into(), ..Schema::new(SchemaType::STRUCT) }.checked()?)
        })?;
        validate_field_of_valid_structs(&outer.fields[0], &value)?;
        *data = Data::new(outer.clone(), Value::structure(outer.clone(), vec![value]));
        Ok(true)
    }
}
