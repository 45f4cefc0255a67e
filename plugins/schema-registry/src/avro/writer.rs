//! Connect values as Avro's binary encoding, by a plan that is made once of a Connect schema and a registered one.

use std::collections::HashMap;
use std::fmt;

use ferroconnect_plugin_sdk::{
    Error, Logical, Schema, SchemaType, Shared, StructValue, Value, ValueRef, decimal_scale,
};
use serde_json::Value as Json;

use super::binary::{put_bytes, put_long};
use super::describe::{fixed_size, is_plain_map};
use super::names;
use super::schema::{AvroSchema, Kind, Record, Type, TypeId};
use super::settings::AvroSettings;

/// What cannot be written, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Misfit {
    /// Names from the inside out.
    path: Vec<String>,
    reason: String,
}

impl Misfit {
    pub(super) fn new(reason: impl Into<String>) -> Misfit {
        Misfit { path: Vec::new(), reason: reason.into() }
    }

    fn within(mut self, name: &str) -> Misfit {
        self.path.push(name.to_owned());
        self
    }
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.path.is_empty() {
            true => f.write_str(&self.reason),
            false => {
                let path: Vec<&str> = self.path.iter().rev().map(String::as_str).collect();
                write!(f, "{}: {}", path.join("."), self.reason)
            }
        }
    }
}

impl From<Misfit> for Error {
    fn from(misfit: Misfit) -> Error {
        Error::data(misfit.to_string())
    }
}

/// How values of a Connect schema become bytes.
pub(crate) enum Plan {
    /// Data without schema.
    Anything,
    Boolean,
    /// Whole numbers, those of Connect's smaller types included.
    Integer,
    /// Whole numbers as floats: the registered schema is wider than the own one.
    IntegerAsFloat,
    IntegerAsDouble,
    Float,
    Double,
    Text,
    Bytes,
    Fixed(usize),
    /// The places of symbols.
    Enum(HashMap<String, i64>),
    /// A logical type, and how its base type is written.
    Logical {
        logical: Logical,
        schema: Shared<Schema>,
        base: Box<Plan>,
    },
    Array(Box<Plan>),
    Map(Box<Plan>),
    /// A map as an array of records with a key and a value.
    Entries {
        key: Box<Plan>,
        value: Box<Plan>,
    },
    Record {
        schema: Shared<Schema>,
        steps: Vec<Step>,
        null_outweighs_default: bool,
    },
    /// A struct that stands for a union: the place of a field, the number of its branch.
    Union {
        schema: Shared<Schema>,
        branches: Vec<(usize, i64, Plan)>,
        null: Option<i64>,
    },
    /// A value or null. `branch` = none where the registered schema has no union there.
    Optional {
        null: Option<i64>,
        branch: Option<i64>,
        plan: Box<Plan>,
    },
}

/// What is written for one field of a record, in the order of the registered schema.
pub(crate) enum Step {
    /// The value of the struct's field at this place.
    Field(usize, Plan),
    /// The encoded default of a field that the struct does not have.
    Constant(Vec<u8>),
}

/// Makes plans.
pub(super) struct Planner<'a> {
    pub(super) avro: &'a AvroSchema,
    pub(super) settings: &'a AvroSettings,
    /// Refuses what could fail for a value that the Connect schema allows.
    pub(super) strict: bool,
}

impl Planner<'_> {
    /// The plan for a place; no schema = data without one.
    pub(super) fn plan(&self, schema: Option<&Shared<Schema>>, id: TypeId) -> Result<Plan, Misfit> {
        let Some(schema) = schema else {
            return match &self.avro.get(id).kind {
                Kind::Record(record) if record.name == names::ANYTHING => Ok(Plan::Anything),
                other => Err(Misfit::new(format!(
                    "data without schema is written as {}, and not as {}",
                    names::ANYTHING,
                    other.name()
                ))),
            };
        };
        if names::is_union(schema) {
            return self.union(schema, id);
        }
        let Kind::Union(branches) = &self.avro.get(id).kind else {
            if schema.optional && self.strict {
                let kind = self.avro.get(id).kind.name();
                return Err(Misfit::new(format!("it may be null, and the registered schema has {kind} without null")));
            }
            let plan = self.value(schema, id)?;
            return Ok(if schema.optional {
                Plan::Optional { null: None, branch: None, plan: Box::new(plan) }
            } else {
                plan
            });
        };
        let null = branches.iter().position(|branch| self.avro.is_null(*branch)).map(|at| at as i64);
        if schema.optional && null.is_none() && self.strict {
            return Err(Misfit::new("it may be null, and the registered schema has a union without null"));
        }
        let (branch, plan) = self.branch(schema, branches)?;
        Ok(Plan::Optional { null: null.filter(|_| schema.optional), branch: Some(branch), plan: Box::new(plan) })
    }

    /// The branch of a union that holds the values of a schema: the one of the same name, or that of the type that Connect
    /// gives such values in Avro, or else the first that can.
    fn branch(&self, schema: &Shared<Schema>, branches: &[TypeId]) -> Result<(i64, Plan), Misfit> {
        let name = schema
            .name_str()
            .map(|name| if self.settings.scrub_names { names::scrub_full(name) } else { name.to_owned() });
        let mut order: Vec<(usize, &TypeId)> = branches.iter().enumerate().collect();
        order.sort_by_key(|(_, id)| match &self.avro.get(**id).kind {
            kind if name.as_deref() == Some(kind.name()) => 0,
            kind if is_natural(schema.kind, kind) => 1,
            _ => 2,
        });
        // That of the branch that was most likely meant.
        let mut first = None;
        for (at, id) in order {
            if self.avro.is_null(*id) {
                continue;
            }
            match self.value(schema, *id) {
                Ok(plan) => return Ok((at as i64, plan)),
                Err(misfit) => drop(first.get_or_insert(misfit)),
            }
        }
        Err(first.unwrap_or_else(|| Misfit::new("the registered schema has a union of nothing but null")))
    }

    fn union(&self, schema: &Shared<Schema>, id: TypeId) -> Result<Plan, Misfit> {
        let Kind::Union(branches) = &self.avro.get(id).kind else {
            return Err(Misfit::new(format!(
                "it is a union, and the registered schema has {}",
                self.avro.get(id).kind.name()
            )));
        };
        let null = branches.iter().position(|branch| self.avro.is_null(*branch)).map(|at| at as i64);
        // Each branch serves one field: two fields of one type are the union's branches in their order.
        let mut free: Vec<Option<TypeId>> =
            branches.iter().map(|branch| (!self.avro.is_null(*branch)).then_some(*branch)).collect();
        let mut plans = Vec::with_capacity(schema.fields.len());
        for (index, field) in schema.fields.iter().enumerate() {
            let candidates: Vec<TypeId> = free.iter().flatten().copied().collect();
            let (at, plan) = self.branch(&field.schema, &candidates).map_err(|misfit| misfit.within(&field.name))?;
            let chosen = candidates[at as usize];
            let number = free.iter().position(|branch| *branch == Some(chosen)).expect("it is one of the free ones");
            free[number] = None;
            plans.push((index, number as i64, plan));
        }
        Ok(Plan::Union { schema: schema.clone(), branches: plans, null: null.filter(|_| schema.optional) })
    }

    /// The plan for values that are not null.
    fn value(&self, schema: &Shared<Schema>, id: TypeId) -> Result<Plan, Misfit> {
        let plan = self.base(schema, id)?;
        let logical = Logical::of(schema).filter(|logical| match logical {
            Logical::Decimal => schema.kind == SchemaType::BYTES,
            Logical::Date | Logical::Time => schema.kind == SchemaType::INT32,
            Logical::Timestamp => schema.kind == SchemaType::INT64,
        });
        Ok(match logical {
            Some(logical) => {
                check_meaning(logical, schema, self.avro.get(id))?;
                Plan::Logical { logical, schema: schema.clone(), base: Box::new(plan) }
            }
            None => plan,
        })
    }

    fn base(&self, schema: &Shared<Schema>, id: TypeId) -> Result<Plan, Misfit> {
        let kind = &self.avro.get(id).kind;
        let small = matches!(schema.kind, SchemaType::INT8 | SchemaType::INT16 | SchemaType::INT32);
        let integer = small || schema.kind == SchemaType::INT64;
        let plan = match (schema.kind, kind) {
            (SchemaType::BOOLEAN, Kind::Boolean) => Plan::Boolean,
            (_, Kind::Int) if small => Plan::Integer,
            (_, Kind::Long) if integer => Plan::Integer,
            (_, Kind::Float) if integer => Plan::IntegerAsFloat,
            (_, Kind::Double) if integer => Plan::IntegerAsDouble,
            (SchemaType::FLOAT32, Kind::Float) => Plan::Float,
            (SchemaType::FLOAT32 | SchemaType::FLOAT64, Kind::Double) => Plan::Double,
            (SchemaType::STRING, Kind::String) => Plan::Text,
            (SchemaType::STRING, Kind::Enum(symbols))
                if self.settings.enum_parameter(schema).is_some() || !self.strict =>
            {
                let places = symbols.symbols.iter().enumerate().map(|(at, symbol)| (symbol.clone(), at as i64));
                Plan::Enum(places.collect())
            }
            (SchemaType::BYTES, Kind::Bytes) => Plan::Bytes,
            (SchemaType::BYTES, Kind::Fixed { size, .. }) => match fixed_size(schema) {
                Some((_, own)) if own != *size => {
                    return Err(Misfit::new(format!("it has {own} bytes, and the registered schema has {size}")));
                }
                None if self.strict && Logical::of(schema).is_none() => {
                    return Err(Misfit::new(format!(
                        "it is bytes of any length, and the registered schema has {size}"
                    )));
                }
                _ => Plan::Fixed(*size),
            },
            (SchemaType::ARRAY, Kind::Array(items)) => {
                Plan::Array(Box::new(self.plan(schema.values.get(), *items).map_err(|misfit| misfit.within("items"))?))
            }
            (SchemaType::MAP, Kind::Map(values)) if is_plain_map(schema, self.settings) => {
                Plan::Map(Box::new(self.plan(schema.values.get(), *values).map_err(|misfit| misfit.within("values"))?))
            }
            (SchemaType::MAP, Kind::Array(items)) => self.entries(schema, *items)?,
            (SchemaType::STRUCT, Kind::Record(record)) => self.record(schema, record)?,
            (own, other) => {
                let own = own.name();
                return Err(Misfit::new(format!("it is {own}, and the registered schema has {}", other.name())));
            }
        };
        Ok(plan)
    }

    fn entries(&self, schema: &Shared<Schema>, items: TypeId) -> Result<Plan, Misfit> {
        let Kind::Record(entry) = &self.avro.get(items).kind else {
            return Err(Misfit::new("it is a map, and the registered schema has an array"));
        };
        match entry.fields.as_slice() {
            [key, value] if key.name == "key" && value.name == "value" => {
                let key = self.plan(schema.keys.get(), key.kind).map_err(|misfit| misfit.within("key"))?;
                let value = self.plan(schema.values.get(), value.kind).map_err(|misfit| misfit.within("value"))?;
                Ok(Plan::Entries { key: Box::new(key), value: Box::new(value) })
            }
            _ => Err(Misfit::new(format!("it is a map, and {} is no record of key and value", entry.name))),
        }
    }

    fn record(&self, schema: &Shared<Schema>, record: &Record) -> Result<Plan, Misfit> {
        let scrub =
            |name: &str| if self.settings.scrub_names { names::scrub(name).into_owned() } else { name.to_owned() };
        let own: HashMap<String, usize> =
            schema.fields.iter().enumerate().map(|(index, field)| (scrub(&field.name), index)).collect();
        let is_held = |name: &str| record.fields.iter().any(|field| field.name == name);
        if let Some(lost) = own.keys().filter(|name| self.strict && !is_held(name)).min() {
            return Err(
                Misfit::new("the registered schema does not have this field, so its values would be lost").within(lost)
            );
        }
        let mut steps = Vec::with_capacity(record.fields.len());
        for field in &record.fields {
            let step = match (own.get(&field.name), &field.default) {
                (Some(index), _) => {
                    let plan = self.plan(Some(&schema.fields[*index].schema), field.kind);
                    Step::Field(*index, plan.map_err(|misfit| misfit.within(&field.name))?)
                }
                (None, Some(default)) => {
                    let bytes = self.constant(field.kind, default);
                    Step::Constant(bytes.map_err(|misfit| misfit.within(&field.name))?)
                }
                (None, None) => {
                    let missing =
                        Misfit::new("the registered schema has this field without a default, and the record has not");
                    return Err(missing.within(&field.name));
                }
            };
            steps.push(step);
        }
        let null_outweighs_default = self.settings.null_outweighs_default;
        Ok(Plan::Record { schema: schema.clone(), steps, null_outweighs_default })
    }
}

/// Refuses a registered type whose readers would take the values for something else: milliseconds for microseconds, or
/// a decimal for one with its point elsewhere. A type that claims nothing of its numbers or bytes takes all.
fn check_meaning(logical: Logical, schema: &Schema, registered: &Type) -> Result<(), Misfit> {
    let own = match logical {
        Logical::Decimal => "decimal",
        Logical::Date => "date",
        Logical::Time => "time-millis",
        Logical::Timestamp => "timestamp-millis",
    };
    let claimed = registered.logical();
    if let Some(claimed) = claimed.as_deref().filter(|claimed| *claimed != own) {
        return Err(Misfit::new(format!(
            "it is a {logical:?}, which is {own} in Avro, and the registered schema has {claimed}"
        )));
    }
    if logical == Logical::Decimal {
        let scale = decimal_scale(schema).map_err(|error| Misfit::new(error.to_string()))?;
        // The specification: without a scale it is zero.
        let claimed = registered.attributes.get("scale").cloned().or_else(|| claimed.map(|_| Json::from(0)));
        if let Some(claimed) = claimed.filter(|claimed| *claimed != scale) {
            return Err(Misfit::new(format!(
                "it is a Decimal of scale {scale}, and the registered schema has scale {claimed}"
            )));
        }
    }
    Ok(())
}

/// Whether this is the type that Connect's values of a kind have in Avro.
fn is_natural(own: SchemaType, avro: &Kind) -> bool {
    matches!(
        (own, avro),
        (SchemaType::INT8 | SchemaType::INT16 | SchemaType::INT32, Kind::Int)
            | (SchemaType::INT64, Kind::Long)
            | (SchemaType::FLOAT32, Kind::Float)
            | (SchemaType::FLOAT64, Kind::Double)
            | (SchemaType::BOOLEAN, Kind::Boolean)
            | (SchemaType::STRING, Kind::String)
            | (SchemaType::BYTES, Kind::Bytes)
            | (SchemaType::ARRAY, Kind::Array(_))
            | (SchemaType::MAP, Kind::Map(_))
            | (SchemaType::STRUCT, Kind::Record(_))
    )
}

/// Writes the one block of an array or map, and the end.
pub(super) fn block<T>(
    out: &mut Vec<u8>,
    elements: &[T],
    mut write: impl FnMut(&T, &mut Vec<u8>) -> Result<(), Misfit>,
) -> Result<(), Misfit> {
    if !elements.is_empty() {
        put_long(out, elements.len() as i64);
        for element in elements {
            write(element, out)?;
        }
    }
    put_long(out, 0);
    Ok(())
}

impl Plan {
    /// Appends a value.
    ///
    /// # Errors
    /// What does not fit, with the field's path. Some bytes may have been appended.
    pub(super) fn write(&self, value: &Value, out: &mut Vec<u8>) -> Result<(), Misfit> {
        match (self, value.view()) {
            (Plan::Optional { null, branch, plan }, _) => write_optional(*null, *branch, plan, value, out),
            (Plan::Logical { logical, schema, base }, _) => write_logical(*logical, schema, base, value, out),
            (Plan::Array(plan), ValueRef::Array(values)) => {
                block(out, values, |value, out| plan.write(value, out)).map_err(|misfit| misfit.within("items"))
            }
            (Plan::Map(plan), ValueRef::Map(entries)) => block(out, entries, |entry, out| {
                let key = entry.key.as_text().ok_or_else(|| Misfit::new("a key is no text"))?;
                put_bytes(out, key.as_bytes());
                plan.write(&entry.value, out).map_err(|misfit| misfit.within("values"))
            }),
            (Plan::Entries { key, value }, ValueRef::Map(entries)) => block(out, entries, |entry, out| {
                key.write(&entry.key, out).map_err(|misfit| misfit.within("key"))?;
                value.write(&entry.value, out).map_err(|misfit| misfit.within("value"))
            }),
            (Plan::Record { schema, steps, null_outweighs_default }, ValueRef::Struct(value)) => {
                check_schema(schema, value)?;
                write_record(steps, *null_outweighs_default, value, out)
            }
            (Plan::Union { schema, branches, null }, view) => write_union(schema, branches, *null, view, out),
            (Plan::Anything, _) => write_anything(value, out, 0),
            (_, ValueRef::Null) => Err(Misfit::new("Found null value for non-optional schema")),
            _ => self.write_plain(value, out),
        }
    }

    /// Appends a value that holds no others.
    #[inline]
    fn write_plain(&self, value: &Value, out: &mut Vec<u8>) -> Result<(), Misfit> {
        match (self, value.view(), value.as_integer()) {
            (Plan::Boolean, ValueRef::Boolean(value), _) => out.push(value.into()),
            (Plan::Integer, _, Some(integer)) => put_long(out, integer),
            (Plan::IntegerAsFloat, _, Some(integer)) => out.extend_from_slice(&(integer as f32).to_le_bytes()),
            (Plan::IntegerAsDouble, _, Some(integer)) => out.extend_from_slice(&(integer as f64).to_le_bytes()),
            (Plan::Float, ValueRef::Float32(value), _) => out.extend_from_slice(&value.to_le_bytes()),
            (Plan::Double, ValueRef::Float64(value), _) => out.extend_from_slice(&value.to_le_bytes()),
            (Plan::Double, ValueRef::Float32(value), _) => out.extend_from_slice(&f64::from(value).to_le_bytes()),
            (Plan::Text, ValueRef::String(text), _) => put_bytes(out, text.as_bytes()),
            (Plan::Bytes, ValueRef::Bytes(bytes), _) => put_bytes(out, bytes),
            (Plan::Fixed(size), ValueRef::Bytes(bytes), _) if bytes.len() == *size => out.extend_from_slice(bytes),
            (Plan::Fixed(size), ValueRef::Bytes(bytes), _) => {
                return Err(Misfit::new(format!("it has {} bytes, and the schema has {size}", bytes.len())));
            }
            (Plan::Enum(places), ValueRef::String(text), _) => match places.get(text.as_str()) {
                Some(place) => put_long(out, *place),
                None => return Err(Misfit::new("its text is no symbol of the enum")),
            },
            _ => {
                let class = value.java_class();
                return Err(Misfit::new(format!("its value is {class}, which the schema does not allow")));
            }
        }
        Ok(())
    }
}

fn write_optional(
    null: Option<i64>,
    branch: Option<i64>,
    plan: &Plan,
    value: &Value,
    out: &mut Vec<u8>,
) -> Result<(), Misfit> {
    if value.is_null() {
        let null = null.ok_or_else(|| Misfit::new("it is null, and the registered schema has no null there"))?;
        put_long(out, null);
        return Ok(());
    }
    if let Some(branch) = branch {
        put_long(out, branch);
    }
    plan.write(value, out)
}

fn check_schema(schema: &Shared<Schema>, value: &StructValue) -> Result<(), Misfit> {
    if Shared::same(schema, &value.schema) || *schema == value.schema {
        return Ok(());
    }
    Err(Misfit::new("Mismatching struct schema"))
}

fn write_record(steps: &[Step], null_outweighs: bool, value: &StructValue, out: &mut Vec<u8>) -> Result<(), Misfit> {
    for step in steps {
        match step {
            Step::Constant(bytes) => out.extend_from_slice(bytes),
            Step::Field(index, plan) => {
                let field = &value.schema.fields[*index];
                let as_stored = null_outweighs && field.schema.optional;
                let content = if as_stored { &value.fields[*index] } else { value.or_default(*index) };
                plan.write(content, out).map_err(|misfit| misfit.within(&field.name))?;
            }
        }
    }
    Ok(())
}

fn write_union(
    schema: &Shared<Schema>,
    branches: &[(usize, i64, Plan)],
    null: Option<i64>,
    value: ValueRef<'_>,
    out: &mut Vec<u8>,
) -> Result<(), Misfit> {
    if let ValueRef::Struct(value) = value {
        check_schema(schema, value)?;
        for (index, number, plan) in branches {
            let content = value.or_default(*index);
            if !content.is_null() {
                put_long(out, *number);
                return plan.write(content, out).map_err(|misfit| misfit.within(&schema.fields[*index].name));
            }
        }
    } else if !matches!(value, ValueRef::Null) {
        return Err(Misfit::new("the value of a union is a struct with one field filled"));
    }
    let null = null.ok_or_else(|| Misfit::new("no field of the union is filled, and it has no null"))?;
    put_long(out, null);
    Ok(())
}

fn write_logical(
    logical: Logical,
    schema: &Schema,
    base: &Plan,
    value: &Value,
    out: &mut Vec<u8>,
) -> Result<(), Misfit> {
    if value.is_null() {
        return Err(Misfit::new("Found null value for non-optional schema"));
    }
    let encoded = logical.encode(schema, value).map_err(|error| Misfit::new(error.to_string()))?;
    match (base, encoded.view()) {
        // A number of fixed length repeats its sign in front.
        (Plan::Fixed(size), ValueRef::Bytes(number)) if number.len() < *size => {
            let sign = if number.first().is_some_and(|first| *first >= 0x80) { 0xff } else { 0 };
            out.resize(out.len() + size - number.len(), sign);
            out.extend_from_slice(number);
            Ok(())
        }
        _ => base.write(&encoded, out),
    }
}

/// How deep data without schema may be nested: as deep as it can be read again.
pub(super) const DEEPEST: usize = 200;

/// The fields of the record for data without schema, in their order.
const ANYTHING_FIELDS: usize = 9;

fn write_anything(value: &Value, out: &mut Vec<u8>, depth: usize) -> Result<(), Misfit> {
    if depth > DEEPEST {
        return Err(Misfit::new(format!("data without schema is nested deeper than {DEEPEST} levels")));
    }
    let filled = match value.view() {
        ValueRef::Null => ANYTHING_FIELDS,
        ValueRef::Boolean(_) => 0,
        ValueRef::Bytes(_) => 1,
        ValueRef::Float64(_) => 2,
        ValueRef::Float32(_) => 3,
        ValueRef::Int8(_) | ValueRef::Int16(_) | ValueRef::Int32(_) => 4,
        ValueRef::Int64(_) => 5,
        ValueRef::String(_) => 6,
        ValueRef::Array(_) => 7,
        ValueRef::Map(_) => 8,
        _ => {
            let class = value.java_class();
            return Err(Misfit::new(format!("Unknown Java type for schemaless data: class {class}")));
        }
    };
    // Each field is null or its value, in this order.
    out.resize(out.len() + filled.min(ANYTHING_FIELDS), 0);
    if filled == ANYTHING_FIELDS {
        return Ok(());
    }
    put_long(out, 1);
    match value.view() {
        ValueRef::Boolean(value) => out.push(value.into()),
        ValueRef::Bytes(bytes) => put_bytes(out, bytes),
        ValueRef::Float64(value) => out.extend_from_slice(&value.to_le_bytes()),
        ValueRef::Float32(value) => out.extend_from_slice(&value.to_le_bytes()),
        ValueRef::String(text) => put_bytes(out, text.as_bytes()),
        ValueRef::Array(values) => block(out, values, |value, out| write_anything(value, out, depth + 1))?,
        ValueRef::Map(entries) => block(out, entries, |entry, out| {
            write_anything(&entry.key, out, depth + 1)?;
            write_anything(&entry.value, out, depth + 1)
        })?,
        _ => put_long(out, value.as_integer().unwrap_or_default()),
    }
    out.resize(out.len() + ANYTHING_FIELDS - 1 - filled, 0);
    Ok(())
}

/// The plan for values of a schema by a registered one.
///
/// # Errors
/// A data error that names the field where the two do not fit.
pub(super) fn plan(
    schema: Option<&Shared<Schema>>,
    avro: &AvroSchema,
    settings: &AvroSettings,
    strict: bool,
) -> Result<Plan, Misfit> {
    Planner { avro, settings, strict }.plan(schema, avro.root())
}
