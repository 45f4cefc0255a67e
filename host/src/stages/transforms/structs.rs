//! Data with schema: what happens to the fields of a struct when it is rebuilt.

use ferroconnect_plugin_abi::containers::{AbiOption, AbiVec, Present};
use ferroconnect_plugin_abi::schema::Field;
use ferroconnect_plugin_abi::{MaybeShared, Schema, SchemaType, Shared, Text, Value};

use crate::error::{ConnectError, Result};

/// A struct schema with the name, version, documentation and parameters of another, and nothing else: required,
/// without default and fields.
pub fn basics(schema: &Schema) -> Schema {
    Schema {
        name: schema.name.clone(),
        version: schema.version,
        doc: schema.doc.clone(),
        parameters: schema.parameters.clone(),
        attributes: schema.attributes.clone(),
        ..Schema::new(SchemaType::STRUCT)
    }
}

/// The field of this name.
///
/// # Errors
/// The schema is not that of a struct.
pub fn field<'a>(schema: &'a Schema, name: &str) -> Result<Option<&'a Field>> {
    if schema.kind != SchemaType::STRUCT {
        return Err(ConnectError::data("Cannot look up fields on non-struct type"));
    }
    Ok(schema.field_index(name).map(|index| &schema.fields[index]))
}

/// What a field is read as: its default if it is null, has one and nulls are to be replaced.
pub fn or_default<'a>(value: &'a Value, schema: &'a Schema, replace_null: bool) -> &'a Value {
    match &schema.default {
        Present(default) if replace_null && value.is_null() => default,
        _ => value,
    }
}

/// The defaults that take the place of null fields.
#[derive(Debug, Clone, Default)]
pub struct Defaults(Vec<(usize, Value)>);

impl Defaults {
    /// Those of the fields, or none if nulls are not to be replaced.
    pub fn of(fields: &[Field], replace_null: bool) -> Defaults {
        let default = |(index, field): (usize, &Field)| match &field.schema.default {
            AbiOption::RSome(default) if replace_null => Some((index, default.clone())),
            _ => None,
        };
        Defaults(fields.iter().enumerate().filter_map(default).collect())
    }

    /// Replaces nulls; one value per field.
    #[inline]
    pub fn fill(&self, values: &mut [Value]) {
        for (index, default) in &self.0 {
            if values[*index].is_null() {
                values[*index] = default.clone();
            }
        }
    }
}

/// The fields that may not be null.
#[derive(Debug, Clone, Default)]
pub struct Required(Vec<(usize, Text, SchemaType)>);

impl Required {
    /// Those among the fields.
    pub fn of(fields: &[Field]) -> Required {
        let required = fields.iter().enumerate().filter(|(_, field)| !field.schema.optional);
        Required(required.map(|(index, field)| (index, field.name.clone(), field.schema.kind)).collect())
    }

    /// Refuses nulls; at least one value per field.
    #[inline]
    pub fn check(&self, values: &[Value]) -> Result<()> {
        match self.0.iter().find(|(index, ..)| values[*index].is_null()) {
            None => Ok(()),
            Some((_, name, kind)) => Err(null_error(name, *kind)),
        }
    }
}

/// The error for a null in a required field.
#[cold]
pub fn null_error(field: &str, kind: SchemaType) -> ConnectError {
    let kind = kind.name();
    ConnectError::data(format!("Invalid value: null used for required field: \"{field}\", schema type: {kind}"))
}

/// Which values stay when a struct loses fields, without moving them to other memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moves(Vec<usize>);

impl Moves {
    /// The value of each new field is the old one at this place. Places ascend.
    pub fn new(sources: Vec<usize>) -> Moves {
        assert!(sources.is_sorted_by(|a, b| a < b), "values move to the front and keep their order");
        Moves(sources)
    }

    /// Leaves the values that stay, in order.
    #[inline]
    pub fn apply(&self, values: &mut AbiVec<Value>) {
        for (to, &from) in self.0.iter().enumerate() {
            if to != from {
                values.swap(to, from);
            }
        }
        values.truncate(self.0.len());
    }
}

/// A struct under a new schema.
pub fn shared(schema: &Shared<Schema>) -> MaybeShared<Schema> {
    schema.clone().into()
}
