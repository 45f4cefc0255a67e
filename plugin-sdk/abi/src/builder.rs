//! Making schemas. Plain code for either side; nothing here crosses the border.

use crate::bytes::Text;
use crate::containers::AbiOption;
use crate::error::AbiError;
use crate::logical::Logical;
use crate::schema::{Field, Parameter, Schema, SchemaType};
use crate::shared::Shared;
use crate::value::Value;

/// Builds a [`Schema`] step by step.
///
/// ```
/// use ferroconnect_plugin_abi::builder::SchemaBuilder;
/// let order = SchemaBuilder::structure()
///     .name("order")
///     .field("id", SchemaBuilder::int64().build())
///     .field("note", SchemaBuilder::string().optional().build())
///     .build();
/// assert_eq!(order.field_index("note"), Some(1));
/// ```
#[derive(Debug)]
pub struct SchemaBuilder {
    schema: Schema,
}

macro_rules! plain {
    ($($(#[$doc:meta])* $method:ident = $kind:ident;)*) => {$(
        $(#[$doc])*
        pub fn $method() -> SchemaBuilder {
            SchemaBuilder::of(SchemaType::$kind)
        }
    )*};
}

impl SchemaBuilder {
    /// A required schema of this type.
    pub fn of(kind: SchemaType) -> SchemaBuilder {
        SchemaBuilder { schema: Schema::new(kind) }
    }

    plain! {
        /// 8-bit integers.
        int8 = INT8;
        /// 16-bit integers.
        int16 = INT16;
        /// 32-bit integers.
        int32 = INT32;
        /// 64-bit integers.
        int64 = INT64;
        /// 32-bit floats.
        float32 = FLOAT32;
        /// 64-bit floats.
        float64 = FLOAT64;
        /// Booleans.
        boolean = BOOLEAN;
        /// Text.
        string = STRING;
        /// Bytes.
        bytes = BYTES;
        /// A struct; add fields.
        structure = STRUCT;
    }

    /// An array of elements.
    pub fn array(elements: Shared<Schema>) -> SchemaBuilder {
        let mut builder = SchemaBuilder::of(SchemaType::ARRAY);
        builder.schema.values = elements.into();
        builder
    }

    /// A map.
    pub fn map(keys: Shared<Schema>, values: Shared<Schema>) -> SchemaBuilder {
        let mut builder = SchemaBuilder::of(SchemaType::MAP);
        builder.schema.keys = keys.into();
        builder.schema.values = values.into();
        builder
    }

    /// A decimal with so many digits behind the point.
    pub fn decimal(scale: i32) -> SchemaBuilder {
        SchemaBuilder::bytes().logical(Logical::Decimal).parameter("scale", scale.to_string())
    }

    /// Days since 1970.
    pub fn date() -> SchemaBuilder {
        SchemaBuilder::int32().logical(Logical::Date)
    }

    /// Milliseconds since midnight.
    pub fn time() -> SchemaBuilder {
        SchemaBuilder::int32().logical(Logical::Time)
    }

    /// Milliseconds since 1970.
    pub fn timestamp() -> SchemaBuilder {
        SchemaBuilder::int64().logical(Logical::Timestamp)
    }

    fn logical(self, logical: Logical) -> SchemaBuilder {
        self.name(Text::from_static(logical.schema_name())).version(1)
    }

    /// Allows null.
    pub fn optional(mut self) -> SchemaBuilder {
        self.schema.optional = true;
        self
    }

    /// Names it.
    pub fn name(mut self, name: impl Into<Text>) -> SchemaBuilder {
        self.schema.name = AbiOption::RSome(name.into());
        self
    }

    /// Gives it a version.
    pub fn version(mut self, version: i32) -> SchemaBuilder {
        self.schema.version = AbiOption::RSome(version);
        self
    }

    /// Documents it.
    pub fn doc(mut self, doc: impl Into<Text>) -> SchemaBuilder {
        self.schema.doc = AbiOption::RSome(doc.into());
        self
    }

    /// Adds a parameter.
    pub fn parameter(mut self, key: impl Into<Text>, value: impl Into<Text>) -> SchemaBuilder {
        self.schema.parameters.push(Parameter { key: key.into(), value: value.into() });
        self
    }

    /// Sets the default value; it has to fit the type.
    pub fn default_value(mut self, value: impl Into<Value>) -> SchemaBuilder {
        self.schema.default = AbiOption::RSome(value.into());
        self
    }

    /// Adds a field to a struct.
    pub fn field(mut self, name: impl Into<Text>, schema: Shared<Schema>) -> SchemaBuilder {
        self.schema.fields.push(Field { name: name.into(), schema });
        self
    }

    /// The schema, shared, if it is one that Kafka Connect would build too.
    ///
    /// # Errors
    /// Those of [`Schema::checked`].
    pub fn try_build(self) -> Result<Shared<Schema>, AbiError> {
        self.schema.checked()
    }

    /// The schema, shared, without a check; for schemas whose fields and defaults are known to be right.
    pub fn build(self) -> Shared<Schema> {
        Shared::new(self.schema)
    }
}
