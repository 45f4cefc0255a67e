//! Flatten: brings the fields of structs and maps inside to the outermost level.

use ferroconnect_plugin_abi::containers::{AbiOption, AbiVec};
use ferroconnect_plugin_abi::schema::Field;
use ferroconnect_plugin_abi::validate::validate_field;
use ferroconnect_plugin_abi::value::{MapEntry, StructValue};
use ferroconnect_plugin_abi::{Record, Schema, SchemaType, Shared, Text, Value, ValueRef};
use indexmap::IndexMap;

use super::cache::SchemaCache;
use super::config::parse;
use super::require;
use super::structs::basics;
use crate::config::{ConfigDef, ConfigKey, Importance, Props, Type};
use crate::error::{ConnectError, Result};
use crate::stages::{Part, Transform};

const PURPOSE: &str = "flattening";

/// Flattens the key or value. Null stays null; arrays stay as they are, with what is inside.
pub(super) struct Flatten {
    part: Part,
    names: Names,
    plans: SchemaCache<Plan>,
}

impl Flatten {
    pub(super) fn config_def() -> ConfigDef {
        let doc = "What stands between the names of the levels in the name of a new field.";
        ConfigDef::new().key(ConfigKey::defaulting("delimiter", Type::String, ".", Importance::Medium, doc))
    }

    pub(super) fn configured(part: Part, props: &Props) -> Result<Self> {
        let config = parse(&Self::config_def(), props)?;
        Ok(Self { part, names: Names { delimiter: config.str("delimiter").to_owned() }, plans: SchemaCache::new() })
    }
}

impl Transform for Flatten {
    fn apply(&mut self, record: &mut Record) -> Result<bool> {
        let data = self.part.data_mut(record);
        if data.value.is_null() {
            return Ok(true);
        }
        let Some(schema) = data.schema.get() else {
            let map = std::mem::take(require::map(&mut data.value, PURPOSE)?);
            let mut flat = IndexMap::with_capacity(map.len());
            self.names.flatten_map(map, "", &mut flat)?;
            let entry = |(name, value)| MapEntry { key: Value::string(Text::from(name)), value };
            data.value = Value::map(flat.into_iter().map(entry).collect::<Vec<_>>());
            return Ok(true);
        };
        let value = require::structure(&mut data.value, PURPOSE)?;
        let names = &self.names;
        let plan = self.plans.get(schema, |schema| Plan::new(names, schema))?;
        let mut fields = AbiVec::with_capacity(plan.schema.fields.len());
        plan.level.flatten(value, &plan.schema.fields, &mut fields)?;
        (value.schema, value.fields) = (plan.schema.clone(), fields);
        data.schema = plan.schema.clone().into();
        Ok(true)
    }
}

/// How new names are made.
struct Names {
    delimiter: String,
}

impl Names {
    fn join(&self, prefix: &str, name: &str) -> String {
        if prefix.is_empty() { name.to_owned() } else { format!("{prefix}{}{name}", self.delimiter) }
    }

    /// Moves what is in a map, and in maps inside, to `flat`. Of equal names the last wins, at the place of the first.
    fn flatten_map(&self, map: AbiVec<MapEntry>, prefix: &str, flat: &mut IndexMap<String, Value>) -> Result<()> {
        for MapEntry { key, mut value } in map {
            let Some(key) = key.as_text() else {
                let class = key.java_class();
                let text = format!("Only maps whose keys are text can be flattened, found a key of class {class}");
                return Err(ConnectError::data(text).with_class("java.lang.ClassCastException"));
            };
            let name = self.join(prefix, key);
            let class = value.java_class();
            match value.view() {
                ValueRef::Map(_) => {
                    self.flatten_map(std::mem::take(require::map(&mut value, PURPOSE)?), &name, flat)?;
                }
                ValueRef::Struct(_) => {
                    return Err(ConnectError::data(format!(
                        "Flatten transformation does not support class {class} for record without schemas (for field \
                         {name})."
                    )));
                }
                _ if value.needs_schema() => {
                    return Err(ConnectError::data(format!(
                        "Flatten transformation was passed a value of type class {class} which is not supported by \
                         Connect's data API"
                    )));
                }
                _ => {
                    flat.insert(name, value);
                }
            }
        }
        Ok(())
    }
}

/// What to do with structs of one schema.
struct Plan {
    schema: Shared<Schema>,
    level: Level,
}

/// The flat schema as far as it is made.
#[derive(Default)]
struct Flat {
    fields: Vec<Field>,
    /// The structs around the present place, by address.
    around: Vec<usize>,
}

/// One struct: for each field either nothing, since its value moves as it is, or the struct inside.
struct Level {
    schema: Shared<Schema>,
    inner: Vec<Option<Level>>,
    /// How many fields come of it.
    width: usize,
}

impl Plan {
    fn new(names: &Names, schema: &Shared<Schema>) -> Result<Plan> {
        let mut flat = Flat::default();
        let surroundings = Surroundings { is_optional: schema.optional, default: schema.default_value() };
        let level = Level::new(names, schema, "", surroundings, &mut flat)?;
        Ok(Plan { schema: Schema { fields: flat.fields.into(), ..basics(schema) }.checked()?, level })
    }
}

/// What fields inherit from the structs around them.
#[derive(Clone, Copy)]
struct Surroundings<'a> {
    is_optional: bool,
    default: Option<&'a Value>,
}

impl Surroundings<'_> {
    /// What a field is given by itself and by a default of its struct.
    fn of_field<'a>(&'a self, index: usize, schema: &'a Schema) -> Surroundings<'a> {
        let inherited = match self.default.map(Value::view) {
            Some(ValueRef::Struct(default)) if index < default.fields.len() => Some(default.or_default(index)),
            _ => None,
        };
        Surroundings {
            is_optional: self.is_optional || schema.optional,
            default: schema.default_value().or(inherited.filter(|default| !default.is_null())),
        }
    }
}

impl Level {
    fn new(
        names: &Names,
        schema: &Shared<Schema>,
        prefix: &str,
        surroundings: Surroundings<'_>,
        flat: &mut Flat,
    ) -> Result<Level> {
        let address = Shared::address(schema);
        if flat.around.contains(&address) {
            return Err(ConnectError::data(format!(
                "Flatten transformation does not support structs that contain themselves (for field {prefix})."
            )));
        }
        flat.around.push(address);
        let before = flat.fields.len();
        let mut inner = Vec::with_capacity(schema.fields.len());
        for (index, field) in schema.fields.iter().enumerate() {
            let name = names.join(prefix, &field.name);
            let surroundings = surroundings.of_field(index, &field.schema);
            match field.schema.kind {
                SchemaType::STRUCT => {
                    inner.push(Some(Level::new(names, &field.schema, &name, surroundings, flat)?));
                }
                SchemaType::MAP => {
                    return Err(ConnectError::data(format!(
                        "Flatten transformation does not support MAP for record with schemas (for field {name})."
                    )));
                }
                _ => {
                    flat.fields.push(Field { name: name.into(), schema: moved(&field.schema, surroundings)? });
                    inner.push(None);
                }
            }
        }
        flat.around.pop();
        Ok(Level { schema: schema.clone(), inner, width: flat.fields.len() - before })
    }

    /// Moves the values of a struct, and of structs inside, to `flat`, whose schema has these fields. Inside a null
    /// struct everything is null, whatever defaults there are.
    fn flatten(&self, value: &mut StructValue, fields: &[Field], flat: &mut AbiVec<Value>) -> Result<()> {
        if value.schema != self.schema || value.fields.len() != self.inner.len() {
            return Err(ConnectError::data("Struct schemas do not match."));
        }
        for (index, inner) in self.inner.iter().enumerate() {
            match inner {
                Some(level) if value.fields[index].is_null() => flat.resize(flat.len() + level.width, Value::NULL),
                Some(level) => level.flatten(require::structure(&mut value.fields[index], PURPOSE)?, fields, flat)?,
                None => {
                    let content = match value.fields[index].is_null() {
                        true => value.or_default(index).clone(),
                        false => std::mem::take(&mut value.fields[index]),
                    };
                    validate_field(&fields[flat.len()], &content)?;
                    flat.push(content);
                }
            }
        }
        Ok(())
    }
}

/// The schema of a field at its new place.
fn moved(schema: &Shared<Schema>, surroundings: Surroundings<'_>) -> Result<Shared<Schema>> {
    let default = surroundings.default;
    if schema.optional == surroundings.is_optional && schema.default_value() == default {
        return Ok(schema.clone());
    }
    let mut schema = Schema::clone(schema);
    schema.optional = surroundings.is_optional;
    schema.default = default.cloned().map_or(AbiOption::RNone, AbiOption::RSome);
    Ok(schema.checked()?)
}

#[cfg(test)]
mod tests {
    use ferroconnect_plugin_abi::Data;
    use ferroconnect_plugin_abi::builder::SchemaBuilder;
    use ferroconnect_plugin_abi::recursion::Recursion;

    use super::*;

    fn flattened(data: Data) -> Result<Data> {
        let mut transform = Flatten::configured(Part::Value, &Props::from([("delimiter", "_")]))?;
        let mut record = Record::new("t", data);
        transform.apply(&mut record)?;
        Ok(record.value)
    }

    #[test]
    fn structs_in_themselves_are_refused_and_those_in_arrays_stay_there() {
        let list = |inner: fn(Shared<Schema>) -> SchemaBuilder| {
            let mut recursion = Recursion::default();
            let next = recursion.placeholder();
            let list =
                SchemaBuilder::structure().optional().field("next", inner(next.clone()).optional().build()).build();
            recursion.define(&next, list.clone());
            recursion.close(vec![list]).expect("it is whole").remove(0)
        };
        let of_structs = list(|next| SchemaBuilder::structure().field("inner", next));
        let error = flattened(Data::new(of_structs.clone(), Value::structure(of_structs, vec![Value::NULL])));
        assert!(error.expect_err("no end").to_string().ends_with("contain themselves (for field next_inner)."));
        let of_arrays = list(SchemaBuilder::array);
        let flat = flattened(Data::new(of_arrays.clone(), Value::structure(of_arrays.clone(), vec![Value::NULL])));
        let flat = flat.expect("arrays are moved as they are");
        assert_eq!(flat.schema.get().expect("a schema").fields[0].schema, of_arrays.fields[0].schema);
    }

    #[test]
    fn fields_inherit_and_move() {
        let inner = SchemaBuilder::structure()
            .optional()
            .field("x", SchemaBuilder::int8().build())
            .field("y", SchemaBuilder::string().default_value("d").build())
            .build();
        let schema = SchemaBuilder::structure()
            .name("n")
            .field("a", inner.clone())
            .field("b", SchemaBuilder::array(inner.clone()).build())
            .build();
        let struct_of = |value| Value::structure(inner.clone(), vec![value, Value::NULL]);
        let array = Value::array(vec![struct_of(Value::int8(2))]);
        let flat_schema = SchemaBuilder::structure()
            .name("n")
            .field("a_x", SchemaBuilder::int8().optional().build())
            .field("a_y", SchemaBuilder::string().optional().default_value("d").build())
            .field("b", SchemaBuilder::array(inner.clone()).build())
            .build();
        for (a, x, y) in
            [(struct_of(Value::int8(1)), Value::int8(1), Value::string("d")), (Value::NULL, Value::NULL, Value::NULL)]
        {
            let data = Data::new(schema.clone(), Value::structure(schema.clone(), vec![a, array.clone()]));
            let expected = Value::structure(flat_schema.clone(), vec![x, y, array.clone()]);
            assert_eq!(flattened(data).expect("can be flattened"), Data::new(flat_schema.clone(), expected));
        }
    }

    #[test]
    fn maps_inside_maps_vanish() {
        let map = |key: &str, value| Value::map(vec![MapEntry { key: key.into(), value }]);
        let data = flattened(Data::schemaless(map("a", map("b", map("c", Value::int64(1)))))).expect("maps only");
        assert_eq!(data.value, map("a_b_c", Value::int64(1)));
        let odd = Value::map(vec![MapEntry { key: Value::int64(1), value: Value::NULL }]);
        assert!(flattened(Data::schemaless(map("a", odd))).is_err());
        let error = flattened(Data::schemaless(map("a", Value::date(1)))).expect_err("dates need a schema");
        assert!(error.message().contains("class java.util.Date"), "{error}");
    }
}
