//! Connect schemas: the type of a key, value or header.

use crate::bytes::Text;
use crate::config::Attribute;
use crate::containers::{AbiOption, AbiVec};
use crate::shared::{MaybeShared, Shared};
use crate::value::Value;
use abi_stable::StableAbi;
use std::fmt;

/// The type of a schema, numbered as a contract: unknown numbers are refused with a data error.
#[repr(transparent)]
#[derive(StableAbi, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SchemaType(pub u8);

#[allow(missing_docs, reason = "the names are those of Kafka Connect's Schema.Type")]
impl SchemaType {
    pub const INT8: SchemaType = SchemaType(1);
    pub const INT16: SchemaType = SchemaType(2);
    pub const INT32: SchemaType = SchemaType(3);
    pub const INT64: SchemaType = SchemaType(4);
    pub const FLOAT32: SchemaType = SchemaType(5);
    pub const FLOAT64: SchemaType = SchemaType(6);
    pub const BOOLEAN: SchemaType = SchemaType(7);
    pub const STRING: SchemaType = SchemaType(8);
    pub const BYTES: SchemaType = SchemaType(9);
    pub const ARRAY: SchemaType = SchemaType(10);
    pub const MAP: SchemaType = SchemaType(11);
    pub const STRUCT: SchemaType = SchemaType(12);

    /// The name in upper case, as Kafka Connect prints it.
    pub fn name(self) -> &'static str {
        match self {
            SchemaType::INT8 => "INT8",
            SchemaType::INT16 => "INT16",
            SchemaType::INT32 => "INT32",
            SchemaType::INT64 => "INT64",
            SchemaType::FLOAT32 => "FLOAT32",
            SchemaType::FLOAT64 => "FLOAT64",
            SchemaType::BOOLEAN => "BOOLEAN",
            SchemaType::STRING => "STRING",
            SchemaType::BYTES => "BYTES",
            SchemaType::ARRAY => "ARRAY",
            SchemaType::MAP => "MAP",
            SchemaType::STRUCT => "STRUCT",
            _ => "UNKNOWN",
        }
    }
}

impl fmt::Debug for SchemaType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A schema. Immutable once shared; compare by pointer first ([`Shared::same`]), then by value.
///
/// Logical types are told by `name`: `org.apache.kafka.connect.data.Decimal`, `Date`, `Time`, `Timestamp`.
#[repr(C)]
#[derive(StableAbi, Clone, PartialEq)]
pub struct Schema {
    /// The base type.
    pub kind: SchemaType,
    /// Whether null is allowed.
    pub optional: bool,
    /// The name; for logical types it tells which.
    pub name: AbiOption<Text>,
    /// The version.
    pub version: AbiOption<i32>,
    /// Documentation for people.
    pub doc: AbiOption<Text>,
    /// Parameters in insertion order; keys are unique.
    pub parameters: AbiVec<Parameter>,
    /// The default value.
    pub default: AbiOption<Value>,
    /// The fields of a struct, names unique; empty for other types.
    pub fields: AbiVec<Field>,
    /// The key schema of a map.
    pub keys: MaybeShared<Schema>,
    /// The value schema of a map, the element schema of an array.
    pub values: MaybeShared<Schema>,
    /// Reserved; empty in 1.0.
    pub attributes: AbiVec<Attribute>,
}

/// One parameter of a schema.
#[repr(C)]
#[derive(StableAbi, Clone, PartialEq, Debug)]
pub struct Parameter {
    /// The name.
    pub key: Text,
    /// The value.
    pub value: Text,
}

/// One field of a struct schema.
#[repr(C)]
#[derive(StableAbi, Clone, PartialEq, Debug)]
pub struct Field {
    /// The name, unique in its struct.
    pub name: Text,
    /// The type.
    pub schema: Shared<Schema>,
}

impl Schema {
    /// A required schema of a type, without name, default or fields.
    pub fn new(kind: SchemaType) -> Schema {
        Schema {
            kind,
            optional: false,
            name: AbiOption::RNone,
            version: AbiOption::RNone,
            doc: AbiOption::RNone,
            parameters: AbiVec::new(),
            default: AbiOption::RNone,
            fields: AbiVec::new(),
            keys: MaybeShared::NONE,
            values: MaybeShared::NONE,
            attributes: AbiVec::new(),
        }
    }

    /// The place of the named field, linear in the number of fields.
    pub fn field_index(&self, name: &str) -> Option<usize> {
        self.fields.iter().position(|field| field.name.as_str() == name)
    }

    /// The value of the named parameter.
    pub fn parameter(&self, key: &str) -> Option<&str> {
        self.parameters.iter().find(|parameter| parameter.key.as_str() == key).map(|p| p.value.as_str())
    }

    /// The name as text.
    pub fn name_str(&self) -> Option<&str> {
        self.name.as_ref().map(Text::as_str).into()
    }
}

impl fmt::Debug for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Schema{{")?;
        if let AbiOption::RSome(name) = &self.name {
            write!(f, "{name}:")?;
        }
        write!(f, "{:?}}}", self.kind)
    }
}
