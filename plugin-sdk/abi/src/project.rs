//! Moving a value from the schema it was written with to another one (Java: `SchemaProjector`). Plain code for either
//! side; nothing here crosses the border.

use crate::error::AbiError;
use crate::logical::data_error;
use crate::schema::{Parameter, Schema, SchemaType};
use crate::shared::{MaybeShared, Shared};
use crate::validate::validate_field;
use crate::value::{MapEntry, StructValue, Value, ValueRef};

const ERROR_CLASS: &str = "org.apache.kafka.connect.errors.SchemaProjectorException";

/// The value of schema `source` as one of schema `target`: numbers are widened, fields that `target` does not have
/// are left out, those that only `target` has take their default.
///
/// # Errors
/// A data error, mostly of class `SchemaProjectorException`: types that do not go together, names or parameters that
/// differ, a required field that is missing, an optional source for a required target without default.
pub fn project(source: &Shared<Schema>, value: &Value, target: &Shared<Schema>) -> Result<Value, AbiError> {
    check_compatible(source, target)?;
    if source.optional && !target.optional {
        let default = target.default_value().ok_or_else(|| {
            projector_error("Writer schema is optional, however, target schema does not provide a default value.")
        })?;
        if value.is_null() {
            return Ok(default.clone());
        }
    }
    if value.is_null() {
        return Ok(Value::NULL);
    }
    match (target.kind, value.view()) {
        (SchemaType::STRUCT, ValueRef::Struct(content)) => project_struct(content, target),
        (SchemaType::ARRAY, ValueRef::Array(values)) => {
            let (from, to) = (part(&source.values)?, part(&target.values)?);
            let values: Result<Vec<Value>, AbiError> = values.iter().map(|value| project(from, value, to)).collect();
            values.map(Value::array)
        }
        (SchemaType::MAP, ValueRef::Map(entries)) => project_map(source, entries, target),
        (SchemaType::STRUCT | SchemaType::ARRAY | SchemaType::MAP, _) => {
            let (kind, class) = (target.kind.name(), value.java_class());
            Err(data_error(format!("A value of class {class} is no {kind} and cannot be projected to one")))
        }
        _ => Ok(widen(value, target.kind)),
    }
}

fn project_struct(source: &StructValue, target: &Shared<Schema>) -> Result<Value, AbiError> {
    let mut fields = Vec::with_capacity(target.fields.len());
    for field in &target.fields {
        let value = match source.schema.field_index(&field.name) {
            Some(index) => {
                let (from, value) = (&source.schema.fields[index].schema, source.or_default(index));
                project(from, value, &field.schema).map_err(|error| in_field(&field.name, error))?
            }
            None if field.schema.optional => Value::NULL,
            None => field.schema.default_value().cloned().ok_or_else(|| {
                let (name, schema) = (&field.name, &source.schema);
                projector_error(format!("Required field `{name}` is missing from source schema: {schema:?}"))
            })?,
        };
        validate_field(field, &value)?;
        fields.push(value);
    }
    Ok(Value::structure(target.clone(), fields))
}

fn project_map(source: &Schema, entries: &[MapEntry], target: &Schema) -> Result<Value, AbiError> {
    let (keys, values) = ((part(&source.keys)?, part(&target.keys)?), (part(&source.values)?, part(&target.values)?));
    let project_entry = |entry: &MapEntry| {
        let key = project(keys.0, &entry.key, keys.1)?;
        Ok(MapEntry { key, value: project(values.0, &entry.value, values.1)? })
    };
    let entries: Result<Vec<MapEntry>, AbiError> = entries.iter().map(project_entry).collect();
    entries.map(Value::map)
}

fn part(schema: &MaybeShared<Schema>) -> Result<&Shared<Schema>, AbiError> {
    schema.get().ok_or_else(|| data_error("An array or map whose element schema is not known cannot be projected"))
}

/// The place of a number type in the order of widening.
fn width(kind: SchemaType) -> Option<u8> {
    (SchemaType::INT8.0..=SchemaType::FLOAT64.0).contains(&kind.0).then_some(kind.0)
}

fn check_compatible(source: &Schema, target: &Schema) -> Result<(), AbiError> {
    let promotable = width(source.kind).zip(width(target.kind)).is_some_and(|(from, to)| from <= to);
    if source.kind != target.kind && !promotable {
        let (source, target) = (source.kind.name(), target.kind.name());
        return Err(projector_error(format!("Schema type mismatch. source type: {source} and target type: {target}")));
    }
    if source.name != target.name {
        let (source, target) = (source.name_str().unwrap_or("null"), target.name_str().unwrap_or("null"));
        return Err(projector_error(format!("Schema name mismatch. source name: {source} and target name: {target}")));
    }
    if !source.has_parameters_of(target) {
        let (source, target) = (parameter_text(&source.parameters), parameter_text(&target.parameters));
        return Err(projector_error(format!(
            "Schema parameters not equal. source parameters: {source} and target parameters: {target}"
        )));
    }
    Ok(())
}

fn parameter_text(parameters: &[Parameter]) -> String {
    if parameters.is_empty() {
        return "null".to_owned();
    }
    let pairs: Vec<String> = parameters.iter().map(|pair| format!("{}={}", pair.key, pair.value)).collect();
    format!("{{{}}}", pairs.join(", "))
}

/// A number as one of a wider type; anything else, logical types included, as it is.
fn widen(value: &Value, kind: SchemaType) -> Value {
    let float = match value.view() {
        ValueRef::Float32(number) => Some(f64::from(number)),
        ValueRef::Float64(number) => Some(number),
        _ => None,
    };
    match (kind, value.as_integer(), float) {
        (SchemaType::INT8, Some(number), _) => Value::int8(number as i8),
        (SchemaType::INT16, Some(number), _) => Value::int16(number as i16),
        (SchemaType::INT32, Some(number), _) => Value::int32(number as i32),
        (SchemaType::INT64, Some(number), _) => Value::int64(number),
        (SchemaType::FLOAT32, Some(number), _) => Value::float32(number as f32),
        (SchemaType::FLOAT64, Some(number), _) => Value::float64(number as f64),
        (SchemaType::FLOAT64, None, Some(number)) => Value::float64(number),
        _ => value.clone(),
    }
}

fn projector_error(message: impl Into<String>) -> AbiError {
    data_error(message).with_class(ERROR_CLASS)
}

/// Errors of projection name the fields on the way; those of validation name their own.
fn in_field(name: &str, error: AbiError) -> AbiError {
    if error.data().class.as_str() != ERROR_CLASS {
        return error;
    }
    projector_error(format!("Error projecting {name}")).caused_by(&error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::builder::SchemaBuilder;

    fn error(source: &Shared<Schema>, value: Value, target: &Shared<Schema>) -> String {
        project(source, &value, target).expect_err("cannot be projected").to_string()
    }

    #[test]
    fn numbers_are_widened_and_never_narrowed() {
        let (small, wide) = (SchemaBuilder::int8().build(), SchemaBuilder::float64().build());
        assert_eq!(project(&small, &Value::int8(-3), &wide), Ok(Value::float64(-3.0)));
        let float = SchemaBuilder::float32().build();
        assert_eq!(project(&float, &Value::float32(0.1), &wide), Ok(Value::float64(f64::from(0.1f32))));
        assert_eq!(
            error(&wide, Value::float64(1.0), &small),
            "Schema type mismatch. source type: FLOAT64 and target type: INT8"
        );
        let text = SchemaBuilder::string().build();
        assert_eq!(
            error(&small, Value::int8(1), &text),
            "Schema type mismatch. source type: INT8 and target type: STRING"
        );
    }

    #[test]
    fn names_and_parameters_must_agree() {
        assert_eq!(
            error(&SchemaBuilder::int8().name("a").build(), Value::int8(1), &SchemaBuilder::int8().build()),
            "Schema name mismatch. source name: a and target name: null"
        );
        let pairs = |a, b| SchemaBuilder::int8().parameter(a, "1").parameter(b, "2").build();
        assert_eq!(
            error(&pairs("a", "b"), Value::int8(1), &SchemaBuilder::int8().build()),
            "Schema parameters not equal. source parameters: {a=1, b=2} and target parameters: null"
        );
        let reversed = SchemaBuilder::int8().parameter("b", "2").parameter("a", "1").build();
        assert_eq!(project(&pairs("a", "b"), &Value::int8(1), &reversed), Ok(Value::int8(1)));
    }

    #[test]
    fn structs_lose_and_gain_fields() {
        let source = SchemaBuilder::structure()
            .field("id", SchemaBuilder::int32().build())
            .field("gone", SchemaBuilder::string().build())
            .field("size", SchemaBuilder::int8().optional().default_value(7i8).build())
            .build();
        let target = SchemaBuilder::structure()
            .field("new", SchemaBuilder::string().default_value("d").build())
            .field("id", SchemaBuilder::int64().build())
            .field("note", SchemaBuilder::string().optional().build())
            .field("size", SchemaBuilder::int16().optional().build())
            .build();
        let value = Value::structure(source.clone(), vec![1i32.into(), "x".into(), Value::NULL]);
        let expected = Value::structure(target.clone(), vec!["d".into(), 1i64.into(), Value::NULL, Value::int16(7)]);
        assert_eq!(project(&source, &value, &target), Ok(expected));
        let demanding = SchemaBuilder::structure().field("missing", SchemaBuilder::string().build()).build();
        assert_eq!(
            error(&source, value.clone(), &demanding),
            "Required field `missing` is missing from source schema: Schema{STRUCT}"
        );
        let narrow = SchemaBuilder::structure().field("id", SchemaBuilder::int8().build()).build();
        let failure = project(&source, &value, &narrow).expect_err("too narrow");
        assert_eq!(failure.to_string(), "Error projecting id");
        assert_eq!(failure.data().causes[0].class.as_str(), ERROR_CLASS);
    }

    #[test]
    fn nulls_need_an_optional_target_or_a_default() {
        let optional = SchemaBuilder::int8().optional().build();
        let defaulting = SchemaBuilder::int8().default_value(5i8).build();
        assert_eq!(project(&optional, &Value::NULL, &defaulting), Ok(Value::int8(5)));
        assert_eq!(project(&optional, &Value::NULL, &optional), Ok(Value::NULL));
        assert_eq!(
            error(&optional, Value::int8(1), &SchemaBuilder::int8().build()),
            "Writer schema is optional, however, target schema does not provide a default value."
        );
    }

    #[test]
    fn arrays_and_maps_are_projected_inside() {
        let map = |keys: SchemaBuilder, values: SchemaBuilder| {
            SchemaBuilder::map(keys.build(), SchemaBuilder::array(values.build()).build()).build()
        };
        let source = map(SchemaBuilder::int8(), SchemaBuilder::float32());
        let target = map(SchemaBuilder::int32(), SchemaBuilder::float64());
        let entry = |key: Value, value: Value| Value::map(vec![MapEntry { key, value: Value::array(vec![value]) }]);
        let projected = project(&source, &entry(1i8.into(), 2f32.into()), &target);
        assert_eq!(projected, Ok(entry(1i32.into(), 2f64.into())));
    }
}
