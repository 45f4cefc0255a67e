//! Reading the field at a path without changing anything.

use ferroconnect_plugin_abi::value::{MapEntry, StructValue};
use ferroconnect_plugin_abi::{Schema, Shared, Value, ValueRef};

use super::path::FieldPath;
use super::{maps, structs};
use crate::error::{ConnectError, Result};
use crate::stages::text::java_class;

/// Where a field is in structs of one schema.
#[derive(Debug)]
pub struct Lookup {
    places: Vec<usize>,
    schema: Shared<Schema>,
    replace_null: bool,
}

impl Lookup {
    /// Finds the field at a path.
    ///
    /// # Errors
    /// There is no such field, or the path leads through something that is no struct.
    pub fn new(schema: &Schema, path: &FieldPath, replace_null: bool) -> Result<Lookup> {
        let missing = || ConnectError::data(format!("Field does not exist: {}", path.text()));
        let (mut places, mut found, mut outer) = (Vec::new(), None, schema);
        let mut may_be_missing = false;
        for step in path.steps() {
            let field = structs::field(outer, step)?.ok_or_else(missing)?;
            places.push(outer.field_index(step).expect("the field was found"));
            may_be_missing |= found.is_some() && outer.optional;
            found = Some(field.schema.clone());
            outer = &field.schema;
        }
        let mut schema = found.ok_or_else(missing)?;
        if may_be_missing && !schema.optional {
            // Where the struct around it is null, so is the field.
            schema = Shared::new(Schema { optional: true, ..Schema::clone(&schema) });
        }
        Ok(Lookup { places, schema, replace_null })
    }

    /// The schema of what is read.
    pub fn schema(&self) -> &Shared<Schema> {
        &self.schema
    }

    /// A copy of the field; null if something on the way is null.
    pub fn value(&self, value: &StructValue) -> Value {
        let (mut place, mut rest) = match self.places.split_first() {
            Some(split) => split,
            None => return Value::NULL,
        };
        let mut outer = value;
        loop {
            let (Some(value), Some(field)) = (outer.fields.get(*place), outer.schema.fields.get(*place)) else {
                return Value::NULL;
            };
            // On the way a default counts whatever is configured, as where a field is extracted.
            let value = structs::or_default(value, &field.schema, self.replace_null || !rest.is_empty());
            match (rest.split_first(), value.view()) {
                (None, _) => return value.clone(),
                (Some(split), ValueRef::Struct(inner)) => ((place, rest), outer) = (split, inner),
                (Some(_), _) => return Value::NULL,
            }
        }
    }
}

/// A copy of the field of a map; null if it or something on the way is not there or null.
///
/// # Errors
/// The path leads through something that is no map.
pub fn in_map(map: &[MapEntry], path: &FieldPath) -> Result<Value> {
    let Some((last, way)) = path.steps().split_last() else { return Ok(Value::NULL) };
    let mut outer = map;
    for step in way {
        match maps::get(outer, step).map(Value::view) {
            None | Some(ValueRef::Null) => return Ok(Value::NULL),
            Some(ValueRef::Map(inner)) => outer = inner,
            Some(_) => {
                let class = maps::get(outer, step).map(java_class).unwrap_or_default();
                return Err(ConnectError::data(format!(
                    "Only Map objects supported in absence of schema for [nested field access], found: {class}"
                )));
            }
        }
    }
    Ok(maps::get(outer, last).cloned().unwrap_or_default())
}

/// Reads the names of a list key as paths.
///
/// # Errors
/// A path that cannot be read or has no steps.
pub fn paths(names: &[String], syntax: super::path::Syntax, key: &str) -> Result<Vec<FieldPath>> {
    let read = |name: &String| {
        let path = FieldPath::parse(name, syntax)?;
        if path.steps().is_empty() {
            return Err(ConnectError::invalid_value(key, name, "A path needs at least one name"));
        }
        Ok(path)
    };
    names.iter().map(read).collect()
}
