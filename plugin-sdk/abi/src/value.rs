//! Connect values: what a record's key, value and headers hold.

use crate::bytes::{Blob, Text};
use crate::containers::{AbiBox, AbiVec};
use crate::logical::{MILLIS_PER_DAY, sign_padding};
use crate::schema::Schema;
use crate::shared::Shared;
use abi_stable::StableAbi;
use std::fmt;
use std::mem::ManuallyDrop;

/// Which kind of value a [`Value`] holds. A number, not an enum: a later 1.x may add kinds, and a side that does
/// not know one sees [`ValueRef::Unknown`] and refuses the record with a data error.
#[repr(transparent)]
#[derive(StableAbi, Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct ValueKind(pub u8);

#[allow(missing_docs, reason = "the names say it; the meaning stands at `ValueRef`")]
impl ValueKind {
    pub const NULL: ValueKind = ValueKind(0);
    pub const BOOLEAN: ValueKind = ValueKind(1);
    pub const INT8: ValueKind = ValueKind(2);
    pub const INT16: ValueKind = ValueKind(3);
    pub const INT32: ValueKind = ValueKind(4);
    pub const INT64: ValueKind = ValueKind(5);
    pub const FLOAT32: ValueKind = ValueKind(6);
    pub const FLOAT64: ValueKind = ValueKind(7);
    pub const STRING: ValueKind = ValueKind(8);
    pub const BYTES: ValueKind = ValueKind(9);
    pub const ARRAY: ValueKind = ValueKind(10);
    pub const MAP: ValueKind = ValueKind(11);
    pub const STRUCT: ValueKind = ValueKind(12);
    pub const DECIMAL: ValueKind = ValueKind(13);
    pub const BIG_INTEGER: ValueKind = ValueKind(14);
    pub const DATE: ValueKind = ValueKind(15);
    pub const TIME: ValueKind = ValueKind(16);
    pub const TIMESTAMP: ValueKind = ValueKind(17);
}

#[repr(C)]
#[derive(StableAbi)]
union Payload {
    integer: i64,
    float: f64,
    blob: ManuallyDrop<Blob>,
    array: ManuallyDrop<AbiVec<Value>>,
    map: ManuallyDrop<AbiVec<MapEntry>>,
    structure: ManuallyDrop<AbiBox<StructValue>>,
}

/// One Connect value (KIP-26 data model): 40 bytes, text and bytes shared rather than copied.
///
/// Build with the constructors, look inside with [`Value::view`].
#[repr(C)]
#[derive(StableAbi)]
pub struct Value {
    kind: ValueKind,
    // Scale of a decimal, otherwise zero.
    scale: i32,
    payload: Payload,
}

// SAFETY: every variant of the payload is Send and Sync.
unsafe impl Send for Value {}
// SAFETY: as above.
unsafe impl Sync for Value {}

/// One entry of a map, in insertion order.
#[repr(C)]
#[derive(StableAbi, Clone, PartialEq, Debug)]
pub struct MapEntry {
    /// The key; any kind.
    pub key: Value,
    /// The value; any kind.
    pub value: Value,
}

/// A struct: its schema and one value per field, in schema order. A field that is not set is null.
#[repr(C)]
#[derive(StableAbi, Clone, PartialEq, Debug)]
pub struct StructValue {
    /// The schema; its type is a struct with as many fields as there are values.
    pub schema: Shared<Schema>,
    /// The field values in schema order.
    pub fields: AbiVec<Value>,
}

impl StructValue {
    /// The value of the named field as stored: defaults are not filled in.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.fields.get(self.schema.field_index(name)?)
    }

    /// The value of the field at this place of the schema; in place of null, the field's default (Java: `Struct.get`).
    ///
    /// # Panics
    /// If there is no such place.
    pub fn or_default(&self, index: usize) -> &Value {
        let value = &self.fields[index];
        if value.is_null() { self.schema.fields[index].schema.default_value().unwrap_or(value) } else { value }
    }
}

/// A borrowed look inside a [`Value`].
#[derive(Clone, Copy, Debug)]
pub enum ValueRef<'a> {
    /// Null.
    Null,
    /// True or false.
    Boolean(bool),
    /// 8 bits.
    Int8(i8),
    /// 16 bits.
    Int16(i16),
    /// 32 bits.
    Int32(i32),
    /// 64 bits.
    Int64(i64),
    /// IEEE 754, 32 bits.
    Float32(f32),
    /// IEEE 754, 64 bits.
    Float64(f64),
    /// Text.
    String(&'a Text),
    /// Bytes.
    Bytes(&'a Blob),
    /// An array.
    Array(&'a [Value]),
    /// A map, in insertion order.
    Map(&'a [MapEntry]),
    /// A struct with its schema.
    Struct(&'a StructValue),
    /// A decimal: `unscaled` is big-endian two's complement, the value is `unscaled * 10^-scale`.
    Decimal {
        /// Big-endian two's complement.
        unscaled: &'a Blob,
        /// Digits behind the point; may be negative.
        scale: i32,
    },
    /// An integer of any size, big-endian two's complement (java.math.BigInteger; only without schema).
    BigInteger(&'a Blob),
    /// Days since 1970-01-01.
    Date(i32),
    /// Milliseconds since midnight.
    Time(i32),
    /// Milliseconds since 1970-01-01T00:00:00Z.
    Timestamp(i64),
    /// A kind this side does not know.
    Unknown(ValueKind),
}

impl Value {
    /// Null.
    pub const NULL: Value = Value::plain(ValueKind::NULL, 0);

    #[inline]
    const fn plain(kind: ValueKind, integer: i64) -> Value {
        Value { kind, scale: 0, payload: Payload { integer } }
    }

    #[inline]
    fn of_blob(kind: ValueKind, blob: Blob) -> Value {
        Value { kind, scale: 0, payload: Payload { blob: ManuallyDrop::new(blob) } }
    }

    /// A boolean.
    #[inline]
    pub const fn boolean(value: bool) -> Value {
        Value::plain(ValueKind::BOOLEAN, value as i64)
    }

    /// An 8-bit integer.
    #[inline]
    pub const fn int8(value: i8) -> Value {
        Value::plain(ValueKind::INT8, value as i64)
    }

    /// A 16-bit integer.
    #[inline]
    pub const fn int16(value: i16) -> Value {
        Value::plain(ValueKind::INT16, value as i64)
    }

    /// A 32-bit integer.
    #[inline]
    pub const fn int32(value: i32) -> Value {
        Value::plain(ValueKind::INT32, value as i64)
    }

    /// A 64-bit integer.
    #[inline]
    pub const fn int64(value: i64) -> Value {
        Value::plain(ValueKind::INT64, value)
    }

    /// A 32-bit float, kept bit for bit.
    #[inline]
    pub const fn float32(value: f32) -> Value {
        Value::plain(ValueKind::FLOAT32, value.to_bits() as i64)
    }

    /// A 64-bit float.
    #[inline]
    pub const fn float64(value: f64) -> Value {
        Value { kind: ValueKind::FLOAT64, scale: 0, payload: Payload { float: value } }
    }

    /// Text.
    #[inline]
    pub fn string(value: impl Into<Text>) -> Value {
        Value::of_blob(ValueKind::STRING, value.into().into_blob())
    }

    /// Bytes.
    #[inline]
    pub fn bytes(value: impl Into<Blob>) -> Value {
        Value::of_blob(ValueKind::BYTES, value.into())
    }

    /// An array.
    pub fn array(values: impl Into<AbiVec<Value>>) -> Value {
        let array = ManuallyDrop::new(values.into());
        Value { kind: ValueKind::ARRAY, scale: 0, payload: Payload { array } }
    }

    /// A map; the order of the entries is kept.
    pub fn map(entries: impl Into<AbiVec<MapEntry>>) -> Value {
        let map = ManuallyDrop::new(entries.into());
        Value { kind: ValueKind::MAP, scale: 0, payload: Payload { map } }
    }

    /// A struct with one value per field of `schema`, in its order.
    pub fn structure(schema: Shared<Schema>, fields: impl Into<AbiVec<Value>>) -> Value {
        let structure = ManuallyDrop::new(AbiBox::new(StructValue { schema, fields: fields.into() }));
        Value { kind: ValueKind::STRUCT, scale: 0, payload: Payload { structure } }
    }

    /// A decimal of `unscaled * 10^-scale`; `unscaled` is big-endian two's complement.
    pub fn decimal(unscaled: impl Into<Blob>, scale: i32) -> Value {
        let mut value = Value::of_blob(ValueKind::DECIMAL, unscaled.into());
        value.scale = scale;
        value
    }

    /// An integer of any size, big-endian two's complement.
    pub fn big_integer(unscaled: impl Into<Blob>) -> Value {
        Value::of_blob(ValueKind::BIG_INTEGER, unscaled.into())
    }

    /// Days since 1970-01-01.
    pub const fn date(days: i32) -> Value {
        Value::plain(ValueKind::DATE, days as i64)
    }

    /// Milliseconds since midnight.
    pub const fn time(milliseconds: i32) -> Value {
        Value::plain(ValueKind::TIME, milliseconds as i64)
    }

    /// Milliseconds since 1970-01-01T00:00:00Z.
    pub const fn timestamp(milliseconds: i64) -> Value {
        Value::plain(ValueKind::TIMESTAMP, milliseconds)
    }

    /// What kind this is.
    #[inline]
    pub fn kind(&self) -> ValueKind {
        self.kind
    }

    /// Whether this is null.
    #[inline]
    pub fn is_null(&self) -> bool {
        self.kind == ValueKind::NULL
    }

    /// Looks inside.
    #[inline]
    pub fn view(&self) -> ValueRef<'_> {
        // SAFETY: the kind says which payload was written, and both are only set together, by the constructors.
        unsafe {
            match self.kind {
                ValueKind::NULL => ValueRef::Null,
                ValueKind::BOOLEAN => ValueRef::Boolean(self.payload.integer != 0),
                ValueKind::INT8 => ValueRef::Int8(self.payload.integer as i8),
                ValueKind::INT16 => ValueRef::Int16(self.payload.integer as i16),
                ValueKind::INT32 => ValueRef::Int32(self.payload.integer as i32),
                ValueKind::INT64 => ValueRef::Int64(self.payload.integer),
                ValueKind::FLOAT32 => ValueRef::Float32(f32::from_bits(self.payload.integer as u32)),
                ValueKind::FLOAT64 => ValueRef::Float64(self.payload.float),
                ValueKind::STRING => ValueRef::String(&*(&raw const *self.payload.blob).cast::<Text>()),
                ValueKind::BYTES => ValueRef::Bytes(&self.payload.blob),
                ValueKind::ARRAY => ValueRef::Array(&self.payload.array),
                ValueKind::MAP => ValueRef::Map(&self.payload.map),
                ValueKind::STRUCT => ValueRef::Struct(&self.payload.structure),
                ValueKind::DECIMAL => ValueRef::Decimal { unscaled: &self.payload.blob, scale: self.scale },
                ValueKind::BIG_INTEGER => ValueRef::BigInteger(&self.payload.blob),
                ValueKind::DATE => ValueRef::Date(self.payload.integer as i32),
                ValueKind::TIME => ValueRef::Time(self.payload.integer as i32),
                ValueKind::TIMESTAMP => ValueRef::Timestamp(self.payload.integer),
                unknown => ValueRef::Unknown(unknown),
            }
        }
    }

    /// The elements, to be changed in place, where this is an array.
    #[inline]
    pub fn as_array_mut(&mut self) -> Option<&mut AbiVec<Value>> {
        match self.kind {
            // SAFETY: as in `view`.
            ValueKind::ARRAY => Some(unsafe { &mut self.payload.array }),
            _ => None,
        }
    }

    /// The entries, to be changed in place, where this is a map. Keys have to stay unique.
    #[inline]
    pub fn as_map_mut(&mut self) -> Option<&mut AbiVec<MapEntry>> {
        match self.kind {
            // SAFETY: as in `view`.
            ValueKind::MAP => Some(unsafe { &mut self.payload.map }),
            _ => None,
        }
    }

    /// The struct, to be changed in place, where this is one. Whoever changes it sees to it that there is still one
    /// value per field of its schema.
    #[inline]
    pub fn as_struct_mut(&mut self) -> Option<&mut StructValue> {
        match self.kind {
            // SAFETY: as in `view`.
            ValueKind::STRUCT => Some(unsafe { &mut self.payload.structure }),
            _ => None,
        }
    }

    /// The text, where this is text.
    #[inline]
    pub fn as_text(&self) -> Option<&Text> {
        match self.view() {
            ValueRef::String(text) => Some(text),
            _ => None,
        }
    }

    /// The integer, where this is one of 8 to 64 bits.
    #[inline]
    pub fn as_integer(&self) -> Option<i64> {
        match self.view() {
            ValueRef::Int8(value) => Some(value.into()),
            ValueRef::Int16(value) => Some(value.into()),
            ValueRef::Int32(value) => Some(value.into()),
            ValueRef::Int64(value) => Some(value),
            _ => None,
        }
    }
}

impl Value {
    /// Milliseconds since 1970 of a date, time or timestamp, which are one class in Java (`java.util.Date`).
    #[inline]
    pub fn date_millis(&self) -> Option<i64> {
        match self.view() {
            ValueRef::Date(days) => Some(i64::from(days) * MILLIS_PER_DAY),
            ValueRef::Time(millis) => Some(millis.into()),
            ValueRef::Timestamp(millis) => Some(millis),
            _ => None,
        }
    }

    /// Whether it takes a schema to say what the value is: a decimal, a date, and what this side does not know. Kafka
    /// Connect has no type for their classes alone (Java: `ConnectSchema.schemaType`).
    #[inline]
    pub fn needs_schema(&self) -> bool {
        matches!(
            self.view(),
            ValueRef::Decimal { .. }
                | ValueRef::BigInteger(_)
                | ValueRef::Date(_)
                | ValueRef::Time(_)
                | ValueRef::Timestamp(_)
                | ValueRef::Unknown(_)
        )
    }

    /// The class that Java would use for the value, as error messages name it. Null is `null`.
    pub fn java_class(&self) -> &'static str {
        match self.view() {
            ValueRef::Null => "null",
            ValueRef::Boolean(_) => "java.lang.Boolean",
            ValueRef::Int8(_) => "java.lang.Byte",
            ValueRef::Int16(_) => "java.lang.Short",
            ValueRef::Int32(_) => "java.lang.Integer",
            ValueRef::Int64(_) => "java.lang.Long",
            ValueRef::Float32(_) => "java.lang.Float",
            ValueRef::Float64(_) => "java.lang.Double",
            ValueRef::String(_) => "java.lang.String",
            ValueRef::Bytes(_) => "[B",
            ValueRef::Array(_) => "java.util.ArrayList",
            ValueRef::Map(_) => "java.util.HashMap",
            ValueRef::Struct(_) => "org.apache.kafka.connect.data.Struct",
            ValueRef::Decimal { .. } => "java.math.BigDecimal",
            ValueRef::BigInteger(_) => "java.math.BigInteger",
            ValueRef::Date(_) | ValueRef::Time(_) | ValueRef::Timestamp(_) => "java.util.Date",
            ValueRef::Unknown(_) => "an unknown class",
        }
    }
}

impl Clone for Value {
    fn clone(&self) -> Value {
        match self.view() {
            ValueRef::String(text) => Value::of_blob(ValueKind::STRING, text.as_blob().clone()),
            ValueRef::Bytes(blob) | ValueRef::BigInteger(blob) => Value::of_blob(self.kind, blob.clone()),
            ValueRef::Decimal { unscaled, scale } => Value::decimal(unscaled.clone(), scale),
            ValueRef::Array(values) => Value::array(values.to_vec()),
            ValueRef::Map(entries) => Value::map(entries.to_vec()),
            ValueRef::Struct(value) => Value::structure(value.schema.clone(), value.fields.clone()),
            ValueRef::Float64(value) => Value::float64(value),
            // A kind that this side does not know cannot be cloned by it: its payload may own something.
            ValueRef::Unknown(_) => Value::NULL,
            _ => {
                // SAFETY: all kinds that are left keep their payload in the integer.
                let integer = unsafe { self.payload.integer };
                Value::plain(self.kind, integer)
            }
        }
    }
}

impl Drop for Value {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: as in `view`; each payload is dropped once. Unknown kinds are leaked rather than guessed at.
        unsafe {
            match self.kind {
                ValueKind::STRING | ValueKind::BYTES | ValueKind::DECIMAL | ValueKind::BIG_INTEGER => {
                    ManuallyDrop::drop(&mut self.payload.blob);
                }
                ValueKind::ARRAY => ManuallyDrop::drop(&mut self.payload.array),
                ValueKind::MAP => ManuallyDrop::drop(&mut self.payload.map),
                ValueKind::STRUCT => ManuallyDrop::drop(&mut self.payload.structure),
                _ => {}
            }
        }
    }
}

impl Default for Value {
    #[inline]
    fn default() -> Value {
        Value::NULL
    }
}

impl PartialEq for Value {
    /// Floats are equal when their bits are, or when both are not a number; decimals when number and scale are. The
    /// order of a map's entries does not matter.
    fn eq(&self, other: &Value) -> bool {
        match (self.view(), other.view()) {
            (ValueRef::Null, ValueRef::Null) => true,
            (ValueRef::Float32(a), ValueRef::Float32(b)) => a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan()),
            (ValueRef::Float64(a), ValueRef::Float64(b)) => a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan()),
            (ValueRef::String(a), ValueRef::String(b)) => a == b,
            (ValueRef::Bytes(a), ValueRef::Bytes(b)) => a == b,
            (ValueRef::BigInteger(a), ValueRef::BigInteger(b)) => same_number(a, b),
            (ValueRef::Array(a), ValueRef::Array(b)) => a == b,
            (ValueRef::Map(a), ValueRef::Map(b)) => same_entries(a, b),
            (ValueRef::Struct(a), ValueRef::Struct(b)) => a == b,
            (ValueRef::Decimal { unscaled: a, scale: x }, ValueRef::Decimal { unscaled: b, scale: y }) => {
                x == y && same_number(a, b)
            }
            (ValueRef::Unknown(_), _) | (_, ValueRef::Unknown(_)) => false,
            // SAFETY: what is left keeps its payload in the integer.
            _ => self.kind == other.kind && unsafe { self.payload.integer == other.payload.integer },
        }
    }
}

/// Whether two numbers in two's complement are equal; either may repeat its sign in front.
fn same_number(a: &Blob, b: &Blob) -> bool {
    digits(a) == digits(b)
}

fn digits(number: &Blob) -> &[u8] {
    if number.is_empty() { &[0] } else { &number[sign_padding(number)..] }
}

/// Whether two maps hold the same entries. Maps of one origin mostly have one order, so that is tried first; where the
/// orders differ the time grows with the square of the number of entries.
fn same_entries(a: &[MapEntry], b: &[MapEntry]) -> bool {
    a.len() == b.len() && {
        let common = a.iter().zip(b).take_while(|(a, b)| a == b).count();
        a[common..].iter().all(|entry| b[common..].contains(entry))
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.view().fmt(f)
    }
}

macro_rules! from_plain {
    ($($type:ty => $constructor:ident),*) => {$(
        impl From<$type> for Value {
            fn from(value: $type) -> Value {
                Value::$constructor(value)
            }
        }
    )*};
}
from_plain!(bool => boolean, i8 => int8, i16 => int16, i32 => int32, i64 => int64, f32 => float32, f64 => float64,
            &str => string, String => string, Text => string, Blob => bytes, Vec<u8> => bytes);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stays_small() {
        assert_eq!(size_of::<Value>(), 40);
        assert_eq!(size_of::<Blob>(), 24);
    }

    #[test]
    fn round_trips_every_plain_kind() {
        assert!(matches!(Value::int8(-3).view(), ValueRef::Int8(-3)));
        assert!(matches!(Value::float32(1.5).view(), ValueRef::Float32(v) if v == 1.5));
        assert!(matches!(Value::boolean(true).view(), ValueRef::Boolean(true)));
        assert_eq!(Value::float64(f64::NAN), Value::float64(f64::NAN));
        assert_ne!(Value::float64(0.0), Value::float64(-0.0));
        assert_ne!(Value::int32(1), Value::int64(1));
    }

    #[test]
    fn containers_change_in_place() {
        let mut array = Value::array(vec![Value::int32(1)]);
        array.as_array_mut().expect("an array").push(Value::int32(2));
        assert_eq!(array, Value::array(vec![Value::int32(1), Value::int32(2)]));
        let mut map = Value::map(vec![MapEntry { key: Value::string("k"), value: array }]);
        map.as_map_mut().expect("a map")[0].value = Value::NULL;
        assert_eq!(map, Value::map(vec![MapEntry { key: Value::string("k"), value: Value::NULL }]));
        let schema = |kind| Shared::new(Schema::new(kind));
        let mut value = Value::structure(schema(crate::SchemaType::STRUCT), Vec::new());
        let other = schema(crate::SchemaType::STRUCT);
        value.as_struct_mut().expect("a struct").schema = other.clone();
        assert!(matches!(value.view(), ValueRef::Struct(value) if Shared::same(&value.schema, &other)));
        assert!(value.as_map_mut().is_none() && value.as_array_mut().is_none() && map.as_struct_mut().is_none());
    }

    #[test]
    fn equality_is_that_of_numbers_and_sets_of_entries() {
        assert_eq!(Value::decimal(vec![0, 0, 5], 2), Value::decimal(vec![5], 2));
        assert_eq!(Value::decimal(vec![], 0), Value::decimal(vec![0], 0));
        assert_eq!(Value::big_integer(vec![0xff, 0x80]), Value::big_integer(vec![0x80]));
        assert_ne!(Value::decimal(vec![0, 0x80], 2), Value::decimal(vec![0x80], 2));
        assert_ne!(Value::decimal(vec![50], 1), Value::decimal(vec![5], 0));
        let map = |keys: &[i8]| {
            let entry = |key: &i8| MapEntry { key: Value::int8(*key), value: Value::NULL };
            Value::map(keys.iter().map(entry).collect::<Vec<_>>())
        };
        assert_eq!(map(&[1, 2, 3]), map(&[1, 3, 2]));
        assert_ne!(map(&[1, 2]), map(&[1, 3]));
        assert_ne!(map(&[1, 2]), map(&[1, 2, 3]));
        assert_eq!((Value::date(1).date_millis(), Value::int8(1).date_millis()), (Some(86_400_000), None));
    }

    #[test]
    fn clones_deeply_and_compares() {
        let inner = Value::array(vec![Value::string("a"), Value::NULL, Value::int64(5)]);
        let map = Value::map(vec![MapEntry { key: Value::string("k"), value: inner }]);
        let copy = map.clone();
        assert_eq!(map, copy);
        drop(map);
        assert!(matches!(copy.view(), ValueRef::Map(entries) if entries.len() == 1));
    }
}
