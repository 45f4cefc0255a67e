//! ExtractField: replaces data by one of its fields.

use ferroconnect_plugin_abi::{Data, MaybeShared, Record, Schema, Shared, Text, Value};

use super::config::{REPLACE_NULL, parse, replace_null_key, syntax_version_key};
use super::path::{FieldPath, Syntax};
use super::{maps, require, structs};
use crate::config::{ConfigDef, ConfigKey, Importance, Props, Type};
use crate::error::{ConnectError, Result};
use crate::stages::{Part, Transform};

const PURPOSE: &str = "field extraction";
const NESTED: &str = "nested field access";

/// Replaces the key or value by the field at a path (KIP-821). Null stays null.
pub(super) struct ExtractField {
    part: Part,
    path: FieldPath,
    replace_null: bool,
}

impl ExtractField {
    pub(super) fn config_def() -> ConfigDef {
        ConfigDef::new()
            .key(ConfigKey::required("field", Type::String, Importance::Medium, "The field to extract."))
            .key(replace_null_key())
            .key(syntax_version_key())
    }

    pub(super) fn configured(part: Part, props: &Props) -> Result<Self> {
        let config = parse(&Self::config_def(), props)?;
        let path = FieldPath::parse(config.str("field"), Syntax::configured(&config))?;
        Ok(Self { part, path, replace_null: config.bool(REPLACE_NULL) })
    }

    fn from_map(&self, mut value: Value, (last, way): (&Text, &[Text])) -> Result<Value> {
        let mut purpose = PURPOSE;
        for step in way {
            value = take_entry(value, step, purpose)?;
            purpose = NESTED;
        }
        take_entry(value, last, purpose)
    }

    fn from_struct(&self, mut value: Value, (last, way): (&Text, &[Text])) -> Result<Value> {
        let mut purpose = PURPOSE;
        for step in way {
            // On the way defaults count whatever is configured, as in Kafka Connect.
            value = take_field(value, step, purpose, true)?;
            purpose = NESTED;
        }
        take_field(value, last, purpose, self.replace_null)
    }
}

impl Transform for ExtractField {
    fn apply(&mut self, record: &mut Record) -> Result<bool> {
        let Some(steps) = self.path.steps().split_last() else {
            return empty_path(self.part.data_mut(record));
        };
        let data = self.part.data_mut(record);
        let value = std::mem::take(&mut data.value);
        let Some(schema) = data.schema.get() else {
            data.value = self.from_map(value, steps)?;
            return Ok(true);
        };
        let mut value = value;
        if !value.is_null() {
            require::structure(&mut value, PURPOSE)?;
        }
        let Some(schema) = schema_at(schema, steps)? else {
            let reason = format!("Unknown field: {}", self.path.text());
            return Err(ConnectError::data(reason).with_class("java.lang.IllegalArgumentException"));
        };
        let value = self.from_struct(value, steps)?;
        *data = Data { schema: MaybeShared::from(schema), value };
        Ok(true)
    }
}

/// An empty path leads nowhere. As in Kafka Connect, null without schema stays null, and data that has no fields is told
/// first.
fn empty_path(data: &mut Data) -> Result<bool> {
    let schemaless = data.schema.is_none();
    match (schemaless, data.value.is_null()) {
        (true, true) => return Ok(true),
        (false, true) => {}
        (true, false) => {
            require::map(&mut data.value, PURPOSE)?;
        }
        (false, false) => {
            require::structure(&mut data.value, PURPOSE)?;
        }
    }
    let reason = "The path to the field is empty; it needs at least one name";
    Err(ConnectError::data(reason).with_class("java.lang.IllegalArgumentException"))
}

/// The schema of the field; `None` if there is no such field.
fn schema_at(schema: &Shared<Schema>, (last, way): (&Text, &[Text])) -> Result<Option<Shared<Schema>>> {
    let mut schema = schema;
    for step in way {
        match structs::field(schema, step)? {
            Some(field) => schema = &field.schema,
            None => return Ok(None),
        }
    }
    Ok(structs::field(schema, last)?.map(|field| field.schema.clone()))
}

/// The value of a map's entry; null if the map is null or has none.
fn take_entry(mut value: Value, name: &str, purpose: &str) -> Result<Value> {
    if value.is_null() {
        return Ok(Value::NULL);
    }
    let map = require::map(&mut value, purpose)?;
    Ok(maps::get_mut(map, name).map(std::mem::take).unwrap_or_default())
}

/// The value of a struct's field; null if the struct is null or has none.
fn take_field(mut value: Value, name: &str, purpose: &str, replace_null: bool) -> Result<Value> {
    if value.is_null() {
        return Ok(Value::NULL);
    }
    let found = require::structure(&mut value, purpose)?;
    let Some(index) = found.schema.field_index(name) else { return Ok(Value::NULL) };
    let value = std::mem::take(&mut found.fields[index]);
    Ok(match structs::or_default(&value, &found.schema.fields[index].schema, replace_null) {
        default if value.is_null() => default.clone(),
        _ => value,
    })
}
