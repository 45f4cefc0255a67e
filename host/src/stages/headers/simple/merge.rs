//! One type for the elements of an array, or for the keys or values of a map, in Kafka Connect's way: numbers widen,
//! and of two schemas with the same base type the later one wins unchecked.

use ferroconnect_plugin_abi::{Data, MaybeShared, Schema, SchemaType, Shared, Value, ValueRef};

use super::temporal;

/// A value does not fit the type the others led to.
#[derive(Debug)]
pub(super) struct Misfit;

/// The common schema of the values seen so far.
#[derive(Default)]
pub(super) struct Merger {
    common: Option<Shared<Schema>>,
    incompatible: bool,
}

impl Merger {
    /// Takes one more value into account. Null says nothing.
    pub(super) fn add(&mut self, data: &Data) {
        let (Some(next), false) = (data.schema.get(), self.incompatible) else { return };
        match &self.common {
            None => self.common = Some(next.clone()),
            Some(previous) => {
                self.common = merge(previous, next);
                self.incompatible = self.common.is_none();
            }
        }
    }

    /// The schema all values have in common, if there is one.
    pub(super) fn common(&self) -> Option<&Shared<Schema>> {
        self.common.as_ref()
    }

    /// The common schema as part of another one.
    pub(super) fn into_schema(self) -> MaybeShared<Schema> {
        self.common.into()
    }
}

/// How far a number type reaches: each holds all before it.
fn width(kind: SchemaType) -> Option<u8> {
    matches!(
        kind,
        SchemaType::INT8
            | SchemaType::INT16
            | SchemaType::INT32
            | SchemaType::INT64
            | SchemaType::FLOAT32
            | SchemaType::FLOAT64
    )
    .then_some(kind.0)
}

fn merge(previous: &Shared<Schema>, next: &Shared<Schema>) -> Option<Shared<Schema>> {
    if previous.kind == next.kind {
        return Some(next.clone());
    }
    let (before, after) = (width(previous.kind)?, width(next.kind)?);
    Some(if before > after { previous.clone() } else { next.clone() })
}

/// Brings a value to the common schema.
pub(super) fn align(schema: &Schema, value: Value) -> Result<Value, Misfit> {
    if value.is_null() {
        return Err(Misfit);
    }
    let millis = value.date_millis();
    let whole = || value.as_integer().ok_or(Misfit);
    let float = || match value.view() {
        ValueRef::Float32(number) => Ok(f64::from(number)),
        ValueRef::Float64(number) => Ok(number),
        _ => whole().map(|number| number as f64),
    };
    Ok(match (schema.kind, schema.name_str().and_then(|name| name.rsplit('.').next())) {
        // A plain number among dates counts days or milliseconds.
        (SchemaType::INT32, Some("Date")) => match millis {
            Some(millis) => temporal::date(millis),
            None => Value::date(whole()? as i32),
        },
        (SchemaType::INT32, Some("Time")) => match millis {
            Some(millis) => temporal::time(millis),
            None => {
                let millis = whole()? as i32;
                if !(0..=86_400_000).contains(&millis) {
                    return Err(Misfit);
                }
                Value::time(millis)
            }
        },
        (SchemaType::INT64, Some("Timestamp")) => Value::timestamp(millis.map_or_else(whole, Ok)?),
        (SchemaType::INT8, _) => Value::int8(whole()? as i8),
        (SchemaType::INT16, _) => Value::int16(whole()? as i16),
        (SchemaType::INT32, _) => Value::int32(whole()? as i32),
        (SchemaType::INT64, _) => Value::int64(whole()?),
        (SchemaType::FLOAT32, _) => Value::float32(float()? as f32),
        (SchemaType::FLOAT64, _) => Value::float64(float()?),
        _ => value,
    })
}
