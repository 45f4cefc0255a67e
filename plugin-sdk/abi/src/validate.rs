//! Whether a value fits its schema, with Kafka Connect's rules and texts (Java: `ConnectSchema.validateValue`). Plain
//! code for either side; nothing here crosses the border.

use crate::error::AbiError;
use crate::logical::{Logical, data_error};
use crate::schema::{Field, Schema, SchemaType};
use crate::shared::{MaybeShared, Shared};
use crate::value::{StructValue, Value, ValueKind, ValueRef};
use std::fmt;

/// Whether a check looks at the fields of structs, which were checked when the struct was made.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Structs {
    LookInside,
    Trust,
}

/// Where the value stands, for the text of an error.
#[derive(Clone, Copy)]
enum Place<'a> {
    Value,
    Field(&'a str),
    Element(&'a Place<'a>),
    Key(&'a Place<'a>),
    Entry(&'a Place<'a>),
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Value => f.write_str("value"),
            Place::Field(name) => write!(f, "field: \"{name}\""),
            Place::Element(array) => write!(f, "element of array {array}"),
            Place::Key(map) => write!(f, "key of map {map}"),
            Place::Entry(map) => write!(f, "value of map {map}"),
        }
    }
}

/// Checks a value with everything inside it.
///
/// # Errors
/// A data error that names the place, the schema's type and the value's class, as in Kafka Connect.
pub fn validate(schema: &Shared<Schema>, value: &Value) -> Result<(), AbiError> {
    check(schema, value, Place::Value, Structs::LookInside)
}

/// Checks what is to become the value of a struct's field, with everything inside it (Java: `Struct.put`). The
/// field's default does not count: null is refused where the schema is not optional.
///
/// # Errors
/// As [`validate`]; the place is the field.
pub fn validate_field(field: &Field, value: &Value) -> Result<(), AbiError> {
    check(&field.schema, value, Place::Field(&field.name), Structs::LookInside)
}

/// As [`validate_field`], for a value whose structs were checked when they were made: does not look inside them, so
/// that data of any depth is checked in one pass.
///
/// # Errors
/// As [`validate_field`].
pub fn validate_field_of_valid_structs(field: &Field, value: &Value) -> Result<(), AbiError> {
    check(&field.schema, value, Place::Field(&field.name), Structs::Trust)
}

/// Checks every field of a struct (Java: `Struct.validate`). Null passes where the field is optional or has a default.
///
/// # Errors
/// As [`validate_field`], for the first field that does not fit.
pub fn validate_struct(value: &StructValue) -> Result<(), AbiError> {
    for (field, value) in value.schema.fields.iter().zip(&value.fields) {
        if !(value.is_null() && field.schema.default_value().is_some()) {
            validate_field(field, value)?;
        }
    }
    Ok(())
}

fn check(schema: &Shared<Schema>, value: &Value, place: Place<'_>, structs: Structs) -> Result<(), AbiError> {
    if value.is_null() {
        if schema.optional {
            return Ok(());
        }
        let kind = schema.kind.name();
        return Err(data_error(format!("Invalid value: null used for required {place}, schema type: {kind}")));
    }
    if !accepts(schema, value) {
        let name = schema.name_str().map(|name| format!(" \"{name}\"")).unwrap_or_default();
        let (kind, class) = (schema.kind.name(), value.java_class());
        return Err(data_error(format!(
            "Invalid Java object for schema{name} with type {kind}: class {class} for {place}"
        )));
    }
    match value.view() {
        ValueRef::Struct(content) if content.schema != *schema => Err(data_error("Struct schemas do not match.")),
        ValueRef::Struct(content) if structs == Structs::LookInside => validate_struct(content),
        ValueRef::Array(values) => {
            let place = Place::Element(&place);
            let elements = known(&schema.values, place)?;
            values.iter().try_for_each(|value| check(elements, value, place, structs))
        }
        ValueRef::Map(entries) => {
            let (key_place, value_place) = (Place::Key(&place), Place::Entry(&place));
            let (keys, values) = (known(&schema.keys, key_place)?, known(&schema.values, value_place)?);
            entries.iter().try_for_each(|entry| {
                check(keys, &entry.key, key_place, structs)?;
                check(values, &entry.value, value_place, structs)
            })
        }
        _ => Ok(()),
    }
}

/// Whether the value is of the kind that the schema asks for. A logical type's name outweighs the base type.
fn accepts(schema: &Schema, value: &Value) -> bool {
    if let Some(logical) = Logical::of(schema) {
        return logical.accepts(value);
    }
    let kind = match schema.kind {
        SchemaType::INT8 => ValueKind::INT8,
        SchemaType::INT16 => ValueKind::INT16,
        SchemaType::INT32 => ValueKind::INT32,
        SchemaType::INT64 => ValueKind::INT64,
        SchemaType::FLOAT32 => ValueKind::FLOAT32,
        SchemaType::FLOAT64 => ValueKind::FLOAT64,
        SchemaType::BOOLEAN => ValueKind::BOOLEAN,
        SchemaType::STRING => ValueKind::STRING,
        SchemaType::BYTES => ValueKind::BYTES,
        SchemaType::ARRAY => ValueKind::ARRAY,
        SchemaType::MAP => ValueKind::MAP,
        SchemaType::STRUCT => ValueKind::STRUCT,
        _ => return false,
    };
    value.kind() == kind
}

fn known<'a>(schema: &'a MaybeShared<Schema>, place: Place<'_>) -> Result<&'a Shared<Schema>, AbiError> {
    schema.get().ok_or_else(|| data_error(format!("No schema defined for {place}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::builder::SchemaBuilder;
    use crate::value::MapEntry;

    fn error(schema: &Shared<Schema>, value: Value) -> String {
        validate(schema, &value).expect_err("does not fit").to_string()
    }

    fn map(key: Value, value: Value) -> Value {
        Value::map(vec![MapEntry { key, value }])
    }

    #[test]
    fn places_are_named_from_the_inside_out() {
        let texts = SchemaBuilder::array(SchemaBuilder::string().build()).build();
        let nested = SchemaBuilder::map(SchemaBuilder::string().build(), texts).build();
        let field = Field { name: "f".into(), schema: nested.clone() };
        assert_eq!(
            validate_field(&field, &map("a".into(), Value::array(vec![Value::int64(1)])))
                .expect_err("no text")
                .to_string(),
            "Invalid Java object for schema with type STRING: class java.lang.Long for element of array value of map \
             field: \"f\""
        );
        assert_eq!(
            error(&nested, map(Value::NULL, Value::array(vec![]))),
            "Invalid value: null used for required key of map value, schema type: STRING"
        );
        assert_eq!(
            error(&nested, map("a".into(), Value::NULL)),
            "Invalid value: null used for required value of map value, schema type: ARRAY"
        );
        let unknown = Shared::new(Schema::new(SchemaType::ARRAY));
        assert_eq!(error(&unknown, Value::array(vec![])), "No schema defined for element of array value");
    }

    #[test]
    fn a_name_decides_which_class_is_wanted() {
        let timestamp = SchemaBuilder::timestamp().build();
        assert_eq!(validate(&timestamp, &Value::date(1)), Ok(()));
        assert_eq!(
            error(&timestamp, Value::int64(1)),
            "Invalid Java object for schema \"org.apache.kafka.connect.data.Timestamp\" with type INT64: class \
             java.lang.Long for value"
        );
        assert_eq!(
            error(&SchemaBuilder::int64().name("n").build(), Value::timestamp(1)),
            "Invalid Java object for schema \"n\" with type INT64: class java.util.Date for value"
        );
    }

    #[test]
    fn structs_need_their_own_schema_and_valid_fields() {
        let inner = SchemaBuilder::structure()
            .field("required", SchemaBuilder::int8().build())
            .field("defaulting", SchemaBuilder::int8().default_value(1i8).build())
            .build();
        let outer = SchemaBuilder::structure().field("inner", inner.clone()).build();
        let good = Value::structure(inner.clone(), vec![Value::int8(1), Value::NULL]);
        assert_eq!(validate(&outer, &Value::structure(outer.clone(), vec![good])), Ok(()));
        let bad = Value::structure(inner.clone(), vec![Value::NULL, Value::NULL]);
        let text = "Invalid value: null used for required field: \"required\", schema type: INT8";
        assert_eq!(error(&outer, Value::structure(outer.clone(), vec![bad.clone()])), text);
        assert_eq!(validate_field_of_valid_structs(&outer.fields[0], &bad), Ok(()));
        let defaulting = Field { name: "d".into(), schema: inner.fields[1].schema.clone() };
        assert!(validate_field(&defaulting, &Value::NULL).is_err());
        let other = SchemaBuilder::structure().name("other").build();
        assert_eq!(error(&outer, Value::structure(other, vec![])), "Struct schemas do not match.");
    }
}
