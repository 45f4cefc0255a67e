//! Connect schemas: the type of a key, value or header.

use crate::bytes::Text;
use crate::config::Attribute;
use crate::containers::{AbiOption, AbiVec};
use crate::error::AbiError;
use crate::logical::data_error;
use crate::shared::{MaybeShared, Shared};
use crate::validate::validate;
use crate::value::Value;
use abi_stable::StableAbi;
use std::collections::HashSet;
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
#[derive(StableAbi, Clone)]
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

    /// The default value; a default of null is none.
    #[inline]
    pub fn default_value(&self) -> Option<&Value> {
        Option::from(self.default.as_ref()).filter(|default: &&Value| !default.is_null())
    }

    /// Whether both schemas have the same parameters, in whatever order.
    pub fn has_parameters_of(&self, other: &Schema) -> bool {
        let (own, others) = (&self.parameters, &other.parameters);
        own == others || (own.len() == others.len() && own.iter().all(|parameter| others.contains(parameter)))
    }

    /// Shares the schema if it is one that Kafka Connect would build. What its parts are made of is not looked at: they
    /// were checked when they were shared.
    ///
    /// # Errors
    /// A data error of class `SchemaBuilderException`: a field without name or with the name of another, fields of
    /// what is no struct, an array or map without element schemas, a default that does not fit. A struct with a default
    /// is refused: the default would have to be of a schema that has this very default. A default of null needs an
    /// optional schema.
    pub fn checked(self) -> Result<Shared<Schema>, AbiError> {
        let refused = |message: String| Err(data_error(message).with_class(BUILDER_ERROR_CLASS));
        if !self.fields.is_empty() && self.kind != SchemaType::STRUCT {
            return refused(format!("Cannot create fields on type {}", self.kind.name()));
        }
        if self.fields.iter().any(|field| field.name.is_empty()) {
            return refused("fieldName cannot be null.".to_owned());
        }
        if let Some(name) = self.repeated_name() {
            return refused(format!("Cannot create field because of field name duplication {name}"));
        }
        if self.kind == SchemaType::MAP && self.keys.is_none() {
            return refused("keySchema cannot be null.".to_owned());
        }
        if matches!(self.kind, SchemaType::ARRAY | SchemaType::MAP) && self.values.is_none() {
            return refused("valueSchema cannot be null.".to_owned());
        }
        let schema = Shared::new(self);
        if let AbiOption::RSome(default) = &schema.default
            && let Err(reason) = validate(&schema, default)
        {
            return Err(data_error("Invalid default value").with_class(BUILDER_ERROR_CLASS).caused_by(&reason));
        }
        Ok(schema)
    }

    /// The first field name that was there before.
    fn repeated_name(&self) -> Option<&str> {
        let mut seen = HashSet::with_capacity(self.fields.len());
        self.fields.iter().map(|field| field.name.as_str()).find(|name| !seen.insert(*name))
    }
}

/// The class of errors of [`Schema::checked`].
const BUILDER_ERROR_CLASS: &str = "org.apache.kafka.connect.errors.SchemaBuilderException";

impl PartialEq for Schema {
    /// All attributes count; the order of parameters does not. Schemas that contain themselves are equal where no step
    /// into them finds a difference.
    fn eq(&self, other: &Schema) -> bool {
        equal(self, other, &mut HashSet::new())
    }
}

/// Pairs of schemas, by address, whose comparison has begun.
type Begun = HashSet<(usize, usize)>;

fn equal(a: &Schema, b: &Schema, begun: &mut Begun) -> bool {
    let Schema { kind, optional, name, version, doc, parameters: _, default, fields, keys, values, attributes } = a;
    let same_field = |(a, b): (&Field, &Field)| a.name == b.name && equal_part(&a.schema, &b.schema, begun);
    *kind == b.kind
        && *optional == b.optional
        && *name == b.name
        && *version == b.version
        && fields.len() == b.fields.len()
        && fields.iter().zip(&b.fields).all(same_field)
        && equal_parts(keys, &b.keys, begun)
        && equal_parts(values, &b.values, begun)
        && a.has_parameters_of(b)
        && *default == b.default
        && *doc == b.doc
        && *attributes == b.attributes
}

fn equal_part(a: &Shared<Schema>, b: &Shared<Schema>, begun: &mut Begun) -> bool {
    if Shared::same(a, b) {
        return true;
    }
    let holds_others = matches!(a.kind, SchemaType::STRUCT | SchemaType::ARRAY | SchemaType::MAP);
    // A pair that is met again is equal unless a difference is found elsewhere, and one is enough.
    let is_new = !holds_others || begun.insert((Shared::address(a), Shared::address(b)));
    !is_new || equal(a, b, begun)
}

fn equal_parts(a: &MaybeShared<Schema>, b: &MaybeShared<Schema>, begun: &mut Begun) -> bool {
    match (a.get(), b.get()) {
        (Some(a), Some(b)) => equal_part(a, b, begun),
        (a, b) => a.is_none() && b.is_none(),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::builder::SchemaBuilder;

    fn refusal(schema: SchemaBuilder) -> String {
        let error = schema.try_build().expect_err("no such schema can be");
        assert_eq!(error.data().class.as_str(), BUILDER_ERROR_CLASS);
        error.to_string()
    }

    #[test]
    fn equality_counts_everything_but_the_order_of_parameters() {
        let base = || SchemaBuilder::int8().parameter("a", "1").parameter("b", "2");
        let schema = base().build();
        assert_eq!(schema, SchemaBuilder::int8().parameter("b", "2").parameter("a", "1").build());
        for other in [
            base().optional(),
            base().name("n"),
            base().version(1),
            base().doc("d"),
            base().default_value(1i8),
            base().parameter("c", "3"),
            SchemaBuilder::int8().parameter("a", "1").parameter("b", "3"),
            SchemaBuilder::int16().parameter("a", "1").parameter("b", "2"),
        ] {
            assert_ne!(schema, other.build());
        }
    }

    #[test]
    fn unbuildable_schemas_are_refused() {
        let int8 = || SchemaBuilder::int8().build();
        let twice = SchemaBuilder::structure().field("a", int8()).field("b", int8()).field("a", int8());
        assert_eq!(refusal(twice), "Cannot create field because of field name duplication a");
        assert_eq!(refusal(SchemaBuilder::structure().field("", int8())), "fieldName cannot be null.");
        assert_eq!(refusal(SchemaBuilder::string().field("a", int8())), "Cannot create fields on type STRING");
        assert_eq!(refusal(SchemaBuilder::of(SchemaType::ARRAY)), "valueSchema cannot be null.");
        assert_eq!(refusal(SchemaBuilder::of(SchemaType::MAP)), "keySchema cannot be null.");
        assert_eq!(refusal(SchemaBuilder::int8().default_value("x")), "Invalid default value");
        let default = Value::structure(SchemaBuilder::structure().build(), vec![]);
        assert_eq!(refusal(SchemaBuilder::structure().default_value(default)), "Invalid default value");
        assert!(SchemaBuilder::date().default_value(Value::date(1)).try_build().is_ok());
    }
}
