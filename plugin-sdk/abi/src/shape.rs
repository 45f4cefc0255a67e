//! Whether structs have the shape that whoever reads them relies on. Plain code for either side; nothing here crosses the
//! border.

use crate::record::Data;
use crate::schema::{Schema, SchemaType};
use crate::shared::{MaybeShared, Shared};
use crate::value::{StructValue, Value, ValueRef};

impl Data {
    /// Whether every struct in here has one value per field of its schema, and that schema where the schema around it has
    /// a struct. [`Value::structure`] takes what it is given, so a plugin can make others by mistake. Values of another
    /// type than their schema are whole: whoever reads them finds out.
    #[inline]
    pub fn is_whole(&self) -> bool {
        fits(&self.value, self.schema.get())
    }
}

/// `schema` is the one that stands where the value stands, if there is one.
#[inline]
fn fits(value: &Value, schema: Option<&Shared<Schema>>) -> bool {
    match value.view() {
        ValueRef::Struct(value) => struct_fits(value, schema),
        ValueRef::Array(values) => {
            let elements = schema.and_then(|schema| schema.values.get());
            values.iter().all(|value| fits(value, elements))
        }
        ValueRef::Map(entries) => {
            let part = |part: fn(&Schema) -> &MaybeShared<Schema>| schema.and_then(|schema| part(schema).get());
            let (keys, values) = (part(|schema| &schema.keys), part(|schema| &schema.values));
            entries.iter().all(|entry| fits(&entry.key, keys) && fits(&entry.value, values))
        }
        _ => true,
    }
}

fn struct_fits(value: &StructValue, schema: Option<&Shared<Schema>>) -> bool {
    let StructValue { schema: own, fields } = value;
    // Mostly it is one object, and then it need not be looked at.
    let same =
        |schema: &Shared<Schema>| schema.kind != SchemaType::STRUCT || Shared::same(schema, own) || schema == own;
    own.kind == SchemaType::STRUCT
        && own.fields.len() == fields.len()
        && schema.is_none_or(same)
        && own.fields.iter().zip(fields.iter()).all(|(field, value)| fits(value, Some(&field.schema)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::builder::SchemaBuilder;
    use crate::value::MapEntry;

    fn schema() -> Shared<Schema> {
        SchemaBuilder::structure().field("a", SchemaBuilder::int8().build()).build()
    }

    fn structure(values: Vec<Value>) -> Value {
        Value::structure(schema(), values)
    }

    #[test]
    fn a_struct_has_one_value_per_field_at_any_depth() {
        let is_whole = |value: Value| Data::schemaless(value).is_whole();
        let (whole, few) = (structure(vec![1i8.into()]), structure(Vec::new()));
        assert!(is_whole(Value::NULL) && is_whole(whole.clone()));
        assert!(!is_whole(few.clone()) && !is_whole(structure(vec![1i8.into(), 2i8.into()])));
        assert!(!is_whole(Value::structure(SchemaBuilder::int8().build(), Vec::new())), "the schema is no struct");
        assert!(is_whole(Value::array(vec![whole.clone()])));
        assert!(!is_whole(Value::array(vec![whole.clone(), few.clone()])));
        assert!(!is_whole(Value::map(vec![MapEntry { key: whole.clone(), value: few.clone() }])));
        let outer = SchemaBuilder::structure().field("inner", schema()).build();
        assert!(is_whole(Value::structure(outer.clone(), vec![whole])));
        assert!(!is_whole(Value::structure(outer, vec![few])));
    }

    #[test]
    fn a_struct_has_the_schema_around_it() {
        let value = || structure(vec![1i8.into()]);
        let other = SchemaBuilder::structure().field("b", SchemaBuilder::int8().build()).build();
        // Equal schemas need not be one object.
        assert!(Data::new(schema(), value()).is_whole());
        assert!(!Data::new(other.clone(), value()).is_whole());
        assert!(!Data::new(SchemaBuilder::array(other.clone()).build(), Value::array(vec![value()])).is_whole());
        let map = Value::map(vec![MapEntry { key: "k".into(), value: value() }]);
        let text = SchemaBuilder::string().build();
        assert!(Data::new(SchemaBuilder::map(text.clone(), schema()).build(), map.clone()).is_whole());
        assert!(!Data::new(SchemaBuilder::map(text.clone(), other).build(), map).is_whole());
        // That this is no text, and that an array without schema has no schema for its elements, is for others to say.
        assert!(Data::new(text, value()).is_whole());
        assert!(Data::new(Shared::new(Schema::new(SchemaType::ARRAY)), Value::array(vec![value()])).is_whole());
    }
}
