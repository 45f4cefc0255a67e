//! Connect values as Avro's binary encoding, by a plan that is made once of a Connect schema and a registered one.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use ferroconnect_plugin_sdk::{Error, Logical, Schema, Shared, StructValue, Value, ValueRef};

use super::binary::{put_bytes, put_long};
use super::{DEEPEST_ANYTHING, DEEPEST_DATA};

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

    pub(super) fn within(mut self, name: &str) -> Misfit {
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

/// How values of one Connect schema become payloads.
pub(crate) struct Writer {
    pub(super) plan: Plan,
    /// What stands in itself; none for what turned out not to fit, and is not used.
    pub(super) repeated: Vec<Option<Arc<Plan>>>,
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
    /// An array, map or struct, which may stand in many places.
    Known(Arc<Plan>),
    /// One that this place stands in, by its place among the repeated.
    Again(usize),
}

/// What is written for one field of a record, in the order of the registered schema.
pub(crate) enum Step {
    /// The value of the struct's field at this place.
    Field(usize, Plan),
    /// The encoded default of a field that the struct does not have.
    Constant(Vec<u8>),
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

impl Writer {
    /// Appends a value.
    ///
    /// # Errors
    /// What does not fit, with the field's path. Some bytes may have been appended.
    pub(super) fn write(&self, value: &Value, out: &mut Vec<u8>) -> Result<(), Misfit> {
        self.plan.write(value, out, Around { writer: self, depth: 0 })
    }
}

/// Where a value stands.
#[derive(Clone, Copy)]
struct Around<'a> {
    writer: &'a Writer,
    /// So many arrays, maps and structs are around it.
    depth: usize,
}

impl Around<'_> {
    fn deeper(self) -> Result<Self, Misfit> {
        let depth = self.depth + 1;
        if depth > DEEPEST_DATA {
            return Err(Misfit::new(format!("the data is nested deeper than {DEEPEST_DATA} levels")));
        }
        Ok(Around { depth, ..self })
    }
}

impl Plan {
    fn write(&self, value: &Value, out: &mut Vec<u8>, around: Around<'_>) -> Result<(), Misfit> {
        // What stands for another plan is gone through here: a call for each would double the stack that deep data takes.
        let mut plan = self;
        loop {
            plan = match plan {
                Plan::Known(plan) => plan,
                Plan::Again(place) => around.writer.repeated[*place].as_ref().expect("what is used was finished"),
                Plan::Optional { null, branch, plan } => {
                    if value.is_null() {
                        let misfit = || Misfit::new("it is null, and the registered schema has no null there");
                        put_long(out, null.ok_or_else(misfit)?);
                        return Ok(());
                    }
                    branch.iter().for_each(|branch| put_long(out, *branch));
                    plan
                }
                _ => break,
            }
        }
        plan.write_present(value, out, around)
    }

    /// Appends a value by a plan that stands for itself.
    #[inline]
    fn write_present(&self, value: &Value, out: &mut Vec<u8>, around: Around<'_>) -> Result<(), Misfit> {
        match (self, value.view()) {
            (Plan::Logical { logical, schema, base }, _) => write_logical(*logical, schema, base, value, out),
            (Plan::Array(plan), ValueRef::Array(values)) => {
                let inside = around.deeper()?;
                block(out, values, |value, out| plan.write(value, out, inside)).map_err(|misfit| misfit.within("items"))
            }
            (Plan::Map(plan), ValueRef::Map(entries)) => {
                let inside = around.deeper()?;
                block(out, entries, |entry, out| {
                    let key = entry.key.as_text().ok_or_else(|| Misfit::new("a key is no text"))?;
                    put_bytes(out, key.as_bytes());
                    plan.write(&entry.value, out, inside).map_err(|misfit| misfit.within("values"))
                })
            }
            (Plan::Entries { key, value }, ValueRef::Map(entries)) => {
                let inside = around.deeper()?;
                block(out, entries, |entry, out| {
                    key.write(&entry.key, out, inside).map_err(|misfit| misfit.within("key"))?;
                    value.write(&entry.value, out, inside).map_err(|misfit| misfit.within("value"))
                })
            }
            (Plan::Record { schema, steps, null_outweighs_default }, ValueRef::Struct(value)) => {
                check_schema(schema, value)?;
                write_record(steps, *null_outweighs_default, value, out, around.deeper()?)
            }
            (Plan::Union { schema, branches, null }, view) => {
                write_union(schema, branches, *null, view, out, around.deeper()?)
            }
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

fn check_schema(schema: &Shared<Schema>, value: &StructValue) -> Result<(), Misfit> {
    if Shared::same(schema, &value.schema) || *schema == value.schema {
        return Ok(());
    }
    Err(Misfit::new("Mismatching struct schema"))
}

fn write_record(
    steps: &[Step],
    null_outweighs: bool,
    value: &StructValue,
    out: &mut Vec<u8>,
    around: Around<'_>,
) -> Result<(), Misfit> {
    for step in steps {
        match step {
            Step::Constant(bytes) => out.extend_from_slice(bytes),
            Step::Field(index, plan) => {
                let field = &value.schema.fields[*index];
                let as_stored = null_outweighs && field.schema.optional;
                let content = if as_stored { &value.fields[*index] } else { value.or_default(*index) };
                plan.write(content, out, around).map_err(|misfit| misfit.within(&field.name))?;
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
    around: Around<'_>,
) -> Result<(), Misfit> {
    if let ValueRef::Struct(value) = value {
        check_schema(schema, value)?;
        for (index, number, plan) in branches {
            let content = value.or_default(*index);
            if !content.is_null() {
                put_long(out, *number);
                let written = plan.write(content, out, around);
                return written.map_err(|misfit| misfit.within(&schema.fields[*index].name));
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
        _ => base.write_plain(&encoded, out),
    }
}

/// The fields of the record for data without schema, in their order.
const ANYTHING_FIELDS: usize = 9;

fn write_anything(value: &Value, out: &mut Vec<u8>, depth: usize) -> Result<(), Misfit> {
    if depth > DEEPEST_ANYTHING {
        return Err(Misfit::new(format!("data without schema is nested deeper than {DEEPEST_ANYTHING} levels")));
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
