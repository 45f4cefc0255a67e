//! MaskField: hides the content of fields behind an empty value or a replacement.

use ferroconnect_plugin_abi::logical::shortest;
use ferroconnect_plugin_abi::validate::validate_field;
use ferroconnect_plugin_abi::value::StructValue;
use ferroconnect_plugin_abi::{Blob, Record, Schema, SchemaType, Shared, Text, Value, ValueRef};

use super::cache::SchemaCache;
use super::config::{REPLACE_NULL, parse, replace_null_key, syntax_version_key};
use super::nested::{Leaves, Missing, Tree};
use super::path::{FieldPath, Syntax};
use super::{maps, require};
use crate::config::{ConfigDef, ConfigKey, Importance, Props, Type, Validator};
use crate::error::{ConnectError, InField as _, Result};
use crate::java_hash;
use crate::stages::text::{decimal, digits, parse_float};
use crate::stages::{Part, Transform};

const PURPOSE: &str = "mask fields";
const FIELDS: &str = "fields";
const REPLACEMENT: &str = "replacement";

/// Masks fields of the key or value. Null stays null; the schema stays the same.
pub(super) struct MaskField {
    part: Part,
    fields: Tree<Leaves<()>>,
    mask: Mask,
    replace_null: bool,
    plans: SchemaCache<Plan>,
}

impl MaskField {
    pub(super) fn config_def() -> ConfigDef {
        let fields = "The fields to mask.";
        let replacement = "What numbers and texts become. Without it each becomes the empty value of its type: 0, an \
                           empty text, false and so on.";
        ConfigDef::new()
            .key(ConfigKey::required(FIELDS, Type::List, Importance::High, fields).check(Validator::list(false, false)))
            .key(
                ConfigKey::nullable(REPLACEMENT, Type::String, Importance::Low, replacement).check(Validator::NonEmpty),
            )
            .key(replace_null_key())
            .key(syntax_version_key().unlisted())
    }

    pub(super) fn configured(part: Part, props: &Props) -> Result<Self> {
        let config = parse(&Self::config_def(), props)?;
        let syntax = Syntax::configured(&config);
        let mut names: Vec<&String> = Vec::new();
        for name in config.list(FIELDS) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        java_hash::sort(&mut names, java_hash::made_of(config.list(FIELDS).len()), |name| name);
        let paths = names.into_iter().map(|name| Ok((FieldPath::parse(name, syntax)?, ())));
        let fields = Tree::new(paths.collect::<Result<Vec<_>>>()?)?;
        fields.refuse_overlaps(FIELDS)?;
        let mask = config.opt_str(REPLACEMENT).map_or(Mask::Empty, |text| Mask::Replacement(Replacement::new(text)));
        Ok(Self { part, fields, mask, replace_null: config.bool(REPLACE_NULL), plans: SchemaCache::new() })
    }
}

impl Transform for MaskField {
    fn apply(&mut self, record: &mut Record) -> Result<bool> {
        let data = self.part.data_mut(record);
        if data.schema.is_none() {
            let map = require::map(&mut data.value, PURPOSE)?;
            self.fields.apply(map, Missing::Skip, &mut |fields, map| {
                for (name, ()) in fields {
                    let masked = self.mask.apply(maps::get(map, name).unwrap_or(&Value::NULL)).in_field(name)?;
                    maps::put(map, name, masked);
                }
                Ok(())
            })?;
            return Ok(true);
        }
        let value = require::structure(&mut data.value, PURPOSE)?;
        let fields = &self.fields;
        let plan = self.plans.get(&value.schema, |schema| Plan::new(fields, schema))?;
        plan.apply(value, &self.mask, self.replace_null)?;
        Ok(true)
    }
}

/// What to do with structs of one schema: one step for each field.
struct Plan {
    schema: Shared<Schema>,
    steps: Vec<Step>,
}

enum Step {
    Keep,
    Mask,
    Inside(Plan),
}

impl Plan {
    fn new(tree: &Tree<Leaves<()>>, schema: &Shared<Schema>) -> Result<Plan> {
        let mut steps = Vec::with_capacity(schema.fields.len());
        for field in &schema.fields {
            let inner = tree.inner().iter().find(|(name, _)| *name == field.name);
            steps.push(match inner {
                _ if tree.here().into_iter().flatten().any(|(name, ())| *name == field.name) => Step::Mask,
                None => Step::Keep,
                Some((_, node)) if field.schema.kind == SchemaType::STRUCT => {
                    Step::Inside(Plan::new(node, &field.schema)?)
                }
                Some((name, _)) => {
                    let kind = field.schema.kind.name();
                    return Err(ConnectError::data(format!(
                        "Cannot look up fields of '{name}', which is of type {kind} and no struct"
                    )));
                }
            });
        }
        Ok(Plan { schema: schema.clone(), steps })
    }

    fn apply(&self, value: &mut StructValue, mask: &Mask, replace_null: bool) -> Result<()> {
        if value.schema != self.schema {
            return Err(ConnectError::data("Struct schemas do not match."));
        }
        for (index, (field, step)) in self.schema.fields.iter().zip(&self.steps).enumerate() {
            if replace_null && value.fields[index].is_null() {
                value.fields[index] = value.or_default(index).clone();
            }
            let content = &mut value.fields[index];
            match step {
                Step::Inside(plan) if !content.is_null() => {
                    let inside = require::structure(content, PURPOSE);
                    inside.and_then(|inside| plan.apply(inside, mask, replace_null)).in_field(&field.name)?;
                }
                Step::Mask => *content = mask.apply(content).in_field(&field.name)?,
                _ => {}
            }
            validate_field(field, content).in_field(&field.name)?;
        }
        Ok(())
    }
}

/// What takes the place of a value.
enum Mask {
    /// The empty value of its type.
    Empty,
    Replacement(Replacement),
}

impl Mask {
    fn apply(&self, value: &Value) -> Result<Value> {
        match self {
            _ if value.is_null() => Ok(Value::NULL),
            Mask::Empty => empty(value),
            Mask::Replacement(replacement) => replacement.like(value),
        }
    }
}

/// The empty value of the same kind.
fn empty(value: &Value) -> Result<Value> {
    Ok(match value.view() {
        ValueRef::Boolean(_) => Value::boolean(false),
        ValueRef::Int8(_) => Value::int8(0),
        ValueRef::Int16(_) => Value::int16(0),
        ValueRef::Int32(_) => Value::int32(0),
        ValueRef::Int64(_) => Value::int64(0),
        ValueRef::Float32(_) => Value::float32(0.0),
        ValueRef::Float64(_) => Value::float64(0.0),
        ValueRef::String(_) => Value::string(Text::from_static("")),
        ValueRef::Array(_) => Value::array(Vec::new()),
        ValueRef::Map(_) => Value::map(Vec::new()),
        // Whatever scale the schema asks for, as in Kafka Connect.
        ValueRef::Decimal { .. } => Value::decimal(Blob::from_static(&[0]), 0),
        ValueRef::BigInteger(_) => Value::big_integer(Blob::from_static(&[0])),
        ValueRef::Date(_) => Value::date(0),
        ValueRef::Time(_) => Value::time(0),
        ValueRef::Timestamp(_) => Value::timestamp(0),
        _ => {
            let class = value.java_class();
            return Err(ConnectError::data(format!("Cannot mask value of type: class {class}")));
        }
    })
}

/// The configured replacement, read once as everything it may be.
struct Replacement {
    text: Text,
    decimal: Option<(Blob, i32)>,
    /// The decimal cut to 64 bits, and as the nearest float.
    narrowed: Option<(i64, f64)>,
    integer: Option<Blob>,
}

impl Replacement {
    fn new(text: &str) -> Replacement {
        let ascii = digits::to_ascii(text);
        let decimal = decimal::parse(&ascii);
        let narrow = |(unscaled, scale): &(Vec<u8>, i32)| {
            let float = parse_float::parse(&ascii).expect("what is read as a decimal can be read as a float");
            (decimal::low_bits(unscaled, *scale), float)
        };
        let digits = ascii.strip_prefix(['+', '-']).unwrap_or(&ascii);
        let is_integer = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        Replacement {
            text: text.into(),
            narrowed: decimal.as_ref().map(narrow),
            integer: if is_integer { decimal::integer_bytes(&ascii).map(Blob::from) } else { None },
            decimal: decimal.map(|(unscaled, scale)| (shortest(&unscaled.into()), scale)),
        }
    }

    /// The replacement as a value of the same kind.
    fn like(&self, value: &Value) -> Result<Value> {
        let not_a_number = |what: &str| {
            let text = &self.text;
            ConnectError::data(format!("Unable to convert {text} (class java.lang.String) to {what}"))
        };
        let narrowed = || self.narrowed.ok_or_else(|| not_a_number("a number"));
        Ok(match value.view() {
            ValueRef::Int8(_) => Value::int8(narrowed()?.0 as i8),
            ValueRef::Int16(_) => Value::int16(narrowed()?.0 as i16),
            ValueRef::Int32(_) => Value::int32(narrowed()?.0 as i32),
            ValueRef::Int64(_) => Value::int64(narrowed()?.0),
            ValueRef::Float32(_) => Value::float32(narrowed()?.1 as f32),
            ValueRef::Float64(_) => Value::float64(narrowed()?.1),
            ValueRef::String(_) => Value::string(self.text.clone()),
            ValueRef::Decimal { .. } => {
                let (unscaled, scale) = self.decimal.clone().ok_or_else(|| not_a_number("number"))?;
                Value::decimal(unscaled, scale)
            }
            ValueRef::BigInteger(_) => Value::big_integer(self.integer.clone().ok_or_else(|| not_a_number("number"))?),
            _ => {
                let class = value.java_class();
                return Err(ConnectError::data(format!(
                    "Cannot mask value of type class {class} with custom replacement."
                )));
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use ferroconnect_plugin_abi::Data;
    use ferroconnect_plugin_abi::builder::SchemaBuilder;
    use ferroconnect_plugin_abi::value::MapEntry;

    use super::*;

    fn masked(config: &[(&str, &str)], value: Data) -> Result<Data> {
        let props: Props = config.iter().map(|&(key, value)| (key.to_owned(), value.to_owned())).collect();
        let mut transform = MaskField::configured(Part::Value, &props)?;
        let mut record = Record::new("t", value);
        transform.apply(&mut record)?;
        Ok(record.value)
    }

    fn map(entries: Vec<(&str, Value)>) -> Value {
        let entry = |(key, value): (&str, Value)| MapEntry { key: key.into(), value };
        Value::map(entries.into_iter().map(entry).collect::<Vec<_>>())
    }

    #[test]
    fn replacements_are_cut_to_the_kind_of_the_value() {
        let replaced = |text: &str, value: Value| Replacement::new(text).like(&value);
        assert_eq!(replaced("300", Value::int8(1)).expect("a number"), Value::int8(44));
        assert_eq!(replaced("1.9", Value::int64(1)).expect("a number"), Value::int64(1));
        assert_eq!(replaced("1e40", Value::float32(1.0)).expect("a number"), Value::float32(f32::INFINITY));
        assert_eq!(replaced("٣", Value::int16(1)).expect("a number"), Value::int16(3));
        assert_eq!(replaced("9.99", Value::decimal(vec![1], 0)).expect("a number"), Value::decimal(vec![3, 0xe7], 2));
        for (text, value, message) in [
            ("NaN", Value::float64(1.0), "Unable to convert NaN (class java.lang.String) to a number"),
            ("x", Value::decimal(vec![1], 0), "Unable to convert x (class java.lang.String) to number"),
            ("1.5", Value::big_integer(vec![1]), "Unable to convert 1.5 (class java.lang.String) to number"),
            ("1_0", Value::big_integer(vec![1]), "Unable to convert 1_0 (class java.lang.String) to number"),
            ("1", Value::boolean(true), "Cannot mask value of type class java.lang.Boolean with custom replacement."),
        ] {
            assert_eq!(replaced(text, value).expect_err(text).message(), message);
        }
    }

    #[test]
    fn paths_lead_into_structs_and_maps() {
        let config = [("fields", "card.number,`card.x`"), ("field.syntax.version", "V2"), ("replacement", "*")];
        let card = SchemaBuilder::structure()
            .field("number", SchemaBuilder::string().build())
            .field("kind", SchemaBuilder::string().default_value("visa").build())
            .build();
        let schema = SchemaBuilder::structure().field("card", card.clone()).build();
        let data = |number: &str, kind| {
            let card = Value::structure(card.clone(), vec![number.into(), kind]);
            Data::new(schema.clone(), Value::structure(schema.clone(), vec![card]))
        };
        assert_eq!(masked(&config, data("1234", Value::NULL)).expect("can be masked"), data("*", "visa".into()));

        let value = map(vec![("card", map(vec![("number", "1234".into())])), ("card.x", "y".into())]);
        let expected = map(vec![("card", map(vec![("number", "*".into())])), ("card.x", "*".into())]);
        assert_eq!(masked(&config, Data::schemaless(value)).expect("can be masked").value, expected);
        let error = masked(&config, Data::schemaless(map(vec![("card", 5i64.into())]))).expect_err("no map");
        assert!(error.message().contains("found: java.lang.Long"), "{error}");
    }

    #[test]
    fn structs_of_other_schemas_inside_are_refused() {
        let inner = SchemaBuilder::structure().field("a", SchemaBuilder::int8().build()).build();
        let other = SchemaBuilder::structure().name("other").field("a", SchemaBuilder::int8().build()).build();
        let schema = SchemaBuilder::structure().field("s", inner).build();
        let value = Value::structure(schema.clone(), vec![Value::structure(other, vec![Value::int8(1)])]);
        for config in [&[("fields", "s.a"), ("field.syntax.version", "V2")][..], &[("fields", "x")]] {
            let error = masked(config, Data::new(schema.clone(), value.clone())).expect_err("does not fit");
            assert_eq!(error.message(), "Struct schemas do not match.");
        }
    }
}
