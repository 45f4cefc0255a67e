//! Avro's binary encoding as Connect values, by a plan that is made once of a registered schema.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;
use std::sync::Arc;

use ferroconnect_plugin_sdk::{Blob, Error, Logical, MapEntry, Schema, Shared, Text, Value};

use super::binary::{Damage, Input};
use super::{DEEPEST_ANYTHING, DEEPEST_DATA};

/// How payloads of one schema become values.
pub(crate) struct Reader {
    pub(super) plan: Arc<Plan>,
    /// The schemas of structs, which plans name by their places.
    pub(super) structs: Vec<Shared<Schema>>,
    /// What stands in itself.
    pub(super) repeated: Vec<Arc<Plan>>,
}

/// How bytes become values of a Connect schema.
pub(crate) enum Plan {
    Boolean,
    Int8,
    Int16,
    Int32,
    Int64,
    Float32,
    Float64,
    Text,
    Bytes,
    Fixed(usize),
    /// A number of any length; `size` = that of a fixed type.
    Decimal {
        scale: i32,
        size: Option<usize>,
    },
    Date,
    Time,
    Timestamp,
    /// A logical type that only its Connect name tells of.
    Logical {
        logical: Logical,
        schema: Shared<Schema>,
        base: Arc<Plan>,
    },
    Enum(Vec<Text>),
    Array(Arc<Plan>),
    Map(Arc<Plan>),
    Entries {
        key: Arc<Plan>,
        value: Arc<Plan>,
    },
    /// `schema` = the place of the struct's.
    Record {
        schema: usize,
        fields: Vec<Arc<Plan>>,
    },
    /// A union of a type and perhaps null, by their numbers.
    Optional {
        null: Option<usize>,
        other: usize,
        plan: Arc<Plan>,
    },
    /// A union as a struct: for each branch the place of its field; none = null.
    Union {
        schema: usize,
        branches: Vec<Option<(usize, Arc<Plan>)>>,
    },
    /// A type that this one stands in, by its place among those.
    Again(usize),
}

/// Why a payload cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Unreadable {
    Damaged(Damage),
    /// The number of a symbol or branch that the schema has not.
    Beyond {
        what: &'static str,
        number: i64,
        count: usize,
    },
    /// Bytes behind the value.
    Left(usize),
    /// There are more levels than this.
    TooDeep(usize),
    /// A value that its logical type does not allow.
    Illogical(String),
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("The payload is not of its Avro schema: ")?;
        match self {
            Unreadable::Damaged(damage) => damage.fmt(f),
            Unreadable::Beyond { what, number, count } => write!(f, "{what} {number} of {count}"),
            Unreadable::Left(count) => write!(f, "{count} bytes are left behind the value"),
            Unreadable::TooDeep(deepest) => write!(f, "the data is nested deeper than {deepest} levels"),
            Unreadable::Illogical(reason) => f.write_str(reason),
        }
    }
}

impl From<Damage> for Unreadable {
    fn from(damage: Damage) -> Unreadable {
        Unreadable::Damaged(damage)
    }
}

impl From<Unreadable> for Error {
    fn from(unreadable: Unreadable) -> Error {
        Error::data(unreadable.to_string())
    }
}

type Read<T> = Result<T, Unreadable>;

impl Reader {
    /// The value of a whole payload.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn read(&self, payload: &Blob) -> Read<Value> {
        let mut input = Input::new(payload);
        let value = self.plan.read(&mut input, Around { reader: self, depth: 0 })?;
        finish(&input)?;
        Ok(value)
    }
}

/// The value of a whole payload of data without schema.
///
/// # Errors
/// What is wrong with it.
pub(super) fn read_anything(payload: &Blob) -> Read<Value> {
    let mut input = Input::new(payload);
    let value = anything(&mut input, 0)?;
    finish(&input)?;
    Ok(value)
}

fn finish(input: &Input<'_>) -> Read<()> {
    match input.left() {
        0 => Ok(()),
        left => Err(Unreadable::Left(left)),
    }
}

/// A number that names one of `count` things.
fn choice(input: &mut Input<'_>, what: &'static str, count: usize) -> Read<usize> {
    let number = input.long()?;
    let place = usize::try_from(number).ok().filter(|place| *place < count);
    place.ok_or(Unreadable::Beyond { what, number, count })
}

/// Where a value stands.
#[derive(Clone, Copy)]
struct Around<'a> {
    reader: &'a Reader,
    /// So many arrays, maps and structs are around it.
    depth: usize,
}

impl Around<'_> {
    fn deeper(self) -> Read<Self> {
        let depth = self.depth + 1;
        if depth > DEEPEST_DATA { Err(Unreadable::TooDeep(DEEPEST_DATA)) } else { Ok(Around { depth, ..self }) }
    }
}

impl Plan {
    fn read(&self, input: &mut Input<'_>, around: Around<'_>) -> Read<Value> {
        // What stands for another type is gone through here: a call for each would double the stack that deep data takes.
        let mut plan = self;
        loop {
            plan = match plan {
                Plan::Again(place) => &around.reader.repeated[*place],
                Plan::Optional { null, other, plan } => {
                    let count = usize::from(null.is_some()) + 1;
                    if choice(input, "branch", count)? != *other {
                        return Ok(Value::NULL);
                    }
                    plan
                }
                _ => break,
            }
        }
        plan.read_present(input, around)
    }

    /// A value that is there, of a type that stands for itself.
    #[inline]
    fn read_present(&self, input: &mut Input<'_>, around: Around<'_>) -> Read<Value> {
        Ok(match self {
            Plan::Boolean => Value::boolean(input.boolean()?),
            // As in Java, the upper bits of a number that another program wrote are lost.
            Plan::Int8 => Value::int8(input.int()? as i8),
            Plan::Int16 => Value::int16(input.int()? as i16),
            Plan::Int32 => Value::int32(input.int()?),
            Plan::Int64 => Value::int64(input.long()?),
            Plan::Float32 => Value::float32(input.float()?),
            Plan::Float64 => Value::float64(input.double()?),
            Plan::Text => Value::string(input.text()?),
            Plan::Bytes => Value::bytes(input.bytes()?),
            Plan::Fixed(size) => Value::bytes(input.fixed(*size)?),
            Plan::Decimal { scale, size } => {
                let unscaled = match size {
                    Some(size) => input.fixed(*size)?,
                    None => input.bytes()?,
                };
                Value::decimal(ferroconnect_plugin_sdk::abi::logical::shortest(&unscaled), *scale)
            }
            Plan::Date => Value::date(input.int()?),
            Plan::Time => {
                let millis = ferroconnect_plugin_sdk::abi::logical::check_time(input.int()?);
                Value::time(millis.map_err(|error| Unreadable::Illogical(error.to_string()))?)
            }
            Plan::Timestamp => Value::timestamp(input.long()?),
            Plan::Logical { logical, schema, base } => {
                let base = base.read(input, around)?;
                let value = logical.decode(schema, &base).map_err(|error| Unreadable::Illogical(error.to_string()))?;
                value.ok_or_else(|| Unreadable::Illogical(format!("it is no {logical:?}")))?
            }
            Plan::Enum(symbols) => Value::string(symbols[choice(input, "symbol", symbols.len())?].clone()),
            Plan::Array(items) => {
                let inside = around.deeper()?;
                Value::array(elements(input, |input| items.read(input, inside))?)
            }
            Plan::Map(values) => {
                let inside = around.deeper()?;
                let key = |input: &mut Input<'_>| Ok(Value::string(input.text()?));
                Value::map(entries(input, key, |input| values.read(input, inside))?)
            }
            Plan::Entries { key, value } => {
                let inside = around.deeper()?;
                Value::map(entries(input, |input| key.read(input, inside), |input| value.read(input, inside))?)
            }
            Plan::Record { schema, fields } => {
                let inside = around.deeper()?;
                let mut values = Vec::with_capacity(fields.len());
                for field in fields {
                    values.push(field.read(input, inside)?);
                }
                Value::structure(around.reader.structs[*schema].clone(), values)
            }
            Plan::Union { schema, branches } => match &branches[choice(input, "branch", branches.len())?] {
                None => Value::NULL,
                Some((index, plan)) => {
                    let schema = &around.reader.structs[*schema];
                    let mut values = vec![Value::NULL; schema.fields.len()];
                    values[*index] = plan.read(input, around.deeper()?)?;
                    Value::structure(schema.clone(), values)
                }
            },
            Plan::Optional { .. } | Plan::Again(_) => unreachable!("they stand for others"),
        })
    }
}

/// For so many elements at most memory is asked for at once: a block may claim more than it has, and so may each one in it.
const MOST_RESERVED: usize = 1 << 12;

fn elements(input: &mut Input<'_>, mut read: impl FnMut(&mut Input<'_>) -> Read<Value>) -> Read<Vec<Value>> {
    let mut values = Vec::new();
    loop {
        let count = input.block()?;
        if count == 0 {
            return Ok(values);
        }
        values.reserve(count.min(input.left()).min(MOST_RESERVED));
        for _ in 0..count {
            let start = input.at();
            values.push(read(input)?);
            input.count_element(start)?;
        }
    }
}

/// The entries of a map. Of two with the same key the last one counts, at the place of the first.
fn entries(
    input: &mut Input<'_>,
    mut key: impl FnMut(&mut Input<'_>) -> Read<Value>,
    mut value: impl FnMut(&mut Input<'_>) -> Read<Value>,
) -> Read<Vec<MapEntry>> {
    let mut entries: Vec<MapEntry> = Vec::new();
    // Encoded keys are equal where the keys are.
    let mut places: HashMap<&[u8], usize> = HashMap::new();
    loop {
        let count = input.block()?;
        if count == 0 {
            return Ok(entries);
        }
        for _ in 0..count {
            let start = input.at();
            let key = key(input)?;
            let encoded = input.since(start);
            let value = value(input)?;
            input.count_element(start)?;
            match places.entry(encoded) {
                Entry::Vacant(place) => {
                    place.insert(entries.len());
                    entries.push(MapEntry { key, value });
                }
                Entry::Occupied(place) => entries[*place.get()].value = value,
            }
        }
    }
}

/// One value of the record for data without schema: the first field that is filled.
fn anything(input: &mut Input<'_>, depth: usize) -> Read<Value> {
    if depth > DEEPEST_ANYTHING {
        return Err(Unreadable::TooDeep(DEEPEST_ANYTHING));
    }
    let mut found = Value::NULL;
    for field in 0..9 {
        if choice(input, "branch", 2)? == 0 {
            continue;
        }
        let value = match field {
            0 => Value::boolean(input.boolean()?),
            1 => Value::bytes(input.bytes()?),
            2 => Value::float64(input.double()?),
            3 => Value::float32(input.float()?),
            4 => Value::int32(input.int()?),
            5 => Value::int64(input.long()?),
            6 => Value::string(input.text()?),
            7 => Value::array(elements(input, |input| anything(input, depth + 1))?),
            _ => Value::map(entries(input, |input| anything(input, depth + 1), |input| anything(input, depth + 1))?),
        };
        if found.is_null() {
            found = value;
        }
    }
    Ok(found)
}
