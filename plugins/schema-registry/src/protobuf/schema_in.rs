//! Descriptors of messages as Connect schemas.

use super::known;
use super::names::{self, ENUM, SUM_ENUM, SUM_UNION, UNION};
use super::options::Options;
use super::wrappers;
use crate::path::Path;
use ferroconnect_plugin_sdk::abi::recursion::Recursion;
use ferroconnect_plugin_sdk::abi::schema::Parameter;
use ferroconnect_plugin_sdk::{Error, Field, Logical, Result, Schema, SchemaBuilder, SchemaType, Shared};
use prost_reflect::{
    EnumDescriptor, FieldDescriptor, Kind, MessageDescriptor, OneofDescriptor, Syntax, Value as Proto,
};
use std::collections::HashMap;

/// The schema of a message. `version` is that of the registered schema.
///
/// # Errors
/// A data error with the place of what Connect cannot hold.
pub(super) fn read(message: &MessageDescriptor, version: Option<i32>, options: &Options) -> Result<Shared<Schema>> {
    let mut reader = Reader { options, open: Vec::new(), members: HashMap::new(), recursion: Recursion::default() };
    let plain = wrappers::content(message.full_name()).filter(|_| options.wrapper_for_raw_primitives);
    let mut schema = match plain {
        Some(kind) => Schema::new(kind),
        None => reader.message(message, &Path::Root)?,
    };
    schema.version = version.into();
    let schema = checked(schema, &Path::Root)?;
    Ok(reader.recursion.close(vec![schema]).map_err(Error::from_abi)?.remove(0))
}

/// Whether the file says of a field that it may be absent, by a keyword.
fn has_optional(field: &FieldDescriptor) -> bool {
    let proto = field.field_descriptor_proto();
    let proto2 = || field.parent_file().syntax() == Syntax::Proto2 && field.containing_oneof().is_none();
    proto.proto3_optional()
        || (proto2() && proto.label() == prost_reflect::prost_types::field_descriptor_proto::Label::Optional)
}

/// Whether a field that is not there is null; otherwise it is zero, empty or the like.
pub(super) fn has_null(field: &FieldDescriptor, options: &Options) -> bool {
    if field.is_list() || field.is_map() {
        return false;
    }
    let proto3 = field.field_descriptor_proto().proto3_optional();
    let keyword = proto3 || (options.optional_for_proto2 && has_optional(field));
    matches!(field.kind(), Kind::Message(_)) || union_of(field).is_some() || keyword
}

/// The union that a field is a branch of.
pub(super) fn union_of(field: &FieldDescriptor) -> Option<OneofDescriptor> {
    field.containing_oneof().filter(|oneof| !oneof.is_synthetic())
}

/// The name of the Connect field that holds a union.
pub(super) fn union_field_name(oneof: &OneofDescriptor, options: &Options) -> String {
    if !options.index_for_unions {
        return oneof.name().to_owned();
    }
    let place = oneof.path().last().copied().unwrap_or_default();
    format!("{}_{place}", oneof.name())
}

/// Key and value of the entries that a repeated field holds, where it can be a map.
pub(super) fn entry(field: &FieldDescriptor) -> Option<(FieldDescriptor, FieldDescriptor)> {
    let kind = field.kind();
    let entry = kind.as_message().filter(|message| message.name().ends_with(names::ENTRY))?;
    let (key, value) = (entry.get_field_by_name("key")?, entry.get_field_by_name("value")?);
    ((field.is_list() || field.is_map()) && entry.fields().len() == 2).then_some((key, value))
}

/// As [`entry`], for fields that are read as maps: with one key and one value each.
fn map_entry(field: &FieldDescriptor) -> Option<(FieldDescriptor, FieldDescriptor)> {
    let repeated = |field: &FieldDescriptor| field.is_list() || field.is_map();
    entry(field).filter(|(key, value)| !repeated(key) && !repeated(value))
}

/// How many messages may stand in one another, apart from those that contain themselves.
const DEEPEST: usize = 200;

struct Reader<'a> {
    options: &'a Options,
    /// The messages that are being read, by full name, from the outside inwards.
    open: Vec<String>,
    /// The fields and unions that were met, by full name.
    members: HashMap<String, Member>,
    recursion: Recursion,
}

/// The schema of a field or union.
enum Member {
    Made(Shared<Schema>),
    /// What stands in its place: its message was met in itself, and it will be made where that is being read.
    Awaited(Shared<Schema>),
}

impl Reader<'_> {
    fn message(&mut self, message: &MessageDescriptor, at: &Path<'_>) -> Result<Schema> {
        let name = message.full_name();
        let is_again = self.open.iter().any(|open| open == name);
        if self.open.len() == DEEPEST && !is_again {
            return Err(Error::data(format!("{at}: messages stand in one another deeper than {DEEPEST} times")));
        }
        self.open.push(name.to_owned());
        let mut schema = Schema::new(SchemaType::STRUCT);
        schema.name = Some(self.name(name, message.name()).into()).into();
        for oneof in message.oneofs().filter(|oneof| !oneof.is_synthetic()) {
            if self.options.flatten_unions {
                self.fields(oneof.fields(), is_again, &mut schema, at)?;
            } else {
                let of = self.member(oneof.full_name(), is_again, |reader| reader.union(&oneof, at))?;
                schema.fields.push(Field { name: union_field_name(&oneof, self.options).into(), schema: of });
            }
        }
        self.fields(message.fields().filter(|field| union_of(field).is_none()), is_again, &mut schema, at)?;
        self.open.pop();
        Ok(schema)
    }

    /// Adds fields in the order of their numbers.
    fn fields(
        &mut self,
        fields: impl Iterator<Item = FieldDescriptor>,
        is_again: bool,
        around: &mut Schema,
        at: &Path<'_>,
    ) -> Result<()> {
        let mut fields: Vec<_> = fields.collect();
        fields.sort_by_key(FieldDescriptor::number);
        for field in fields {
            let make = |reader: &mut Self| reader.field(&field, union_of(&field).is_some(), &at.field(field.name()));
            let of = self.member(field.full_name(), is_again, make)?;
            around.fields.push(Field { name: field.name().into(), schema: of });
        }
        Ok(())
    }

    /// The schema of a field or union, which is made once. `is_again` = its message is being read around this one.
    fn member(
        &mut self,
        name: &str,
        is_again: bool,
        make: impl FnOnce(&mut Self) -> Result<Shared<Schema>>,
    ) -> Result<Shared<Schema>> {
        match self.members.get(name) {
            Some(Member::Made(schema)) => return Ok(schema.clone()),
            Some(Member::Awaited(placeholder)) if is_again => return Ok(placeholder.clone()),
            None if is_again => {
                let placeholder = self.recursion.placeholder();
                self.members.insert(name.to_owned(), Member::Awaited(placeholder.clone()));
                return Ok(placeholder);
            }
            _ => {}
        }
        let schema = make(self)?;
        if let Some(Member::Awaited(placeholder)) = self.members.insert(name.to_owned(), Member::Made(schema.clone())) {
            self.recursion.define(&placeholder, schema.clone());
        }
        Ok(schema)
    }

    fn name(&self, full: &str, short: &str) -> String {
        if self.options.enhanced { full } else { short }.to_owned()
    }

    /// A struct of the branches of a union.
    fn union(&mut self, oneof: &OneofDescriptor, at: &Path<'_>) -> Result<Shared<Schema>> {
        let mut union = Schema::new(SchemaType::STRUCT);
        self.fields(oneof.fields(), false, &mut union, at)?;
        let name = if self.options.sum_types {
            union.parameters.push(parameter(SUM_UNION, oneof.name()));
            oneof.name().to_owned()
        } else {
            format!("{UNION}.{}", self.name(oneof.full_name(), oneof.name()))
        };
        union.name = Some(name.into()).into();
        union.optional = true;
        checked(union, at)
    }

    fn field(&mut self, field: &FieldDescriptor, is_branch: bool, at: &Path<'_>) -> Result<Shared<Schema>> {
        let mut schema = match map_entry(field) {
            Some((key, value)) => {
                let mut map = Schema::new(SchemaType::MAP);
                map.keys = self.field(&key, false, &at.field("key"))?.into();
                map.values = self.field(&value, false, &at.field("value"))?.into();
                let kind = field.kind();
                let entry = kind.as_message().expect("entries are messages");
                map.name = Some(names::map_name(&self.name(entry.full_name(), entry.name())).into()).into();
                map.optional = true;
                map
            }
            None => self.single(field, at)?,
        };
        if field.is_list() && schema.kind != SchemaType::MAP {
            schema.optional = true;
            let element = checked(schema, at)?;
            schema = Schema::new(SchemaType::ARRAY);
            schema.values = element.into();
            schema.optional = true;
        }
        if is_branch {
            schema.optional = true;
            let kind = field.kind();
            let wrapper = kind.as_message().is_some_and(|message| wrappers::content(message.full_name()).is_some());
            if self.options.wrapper_for_nullables && wrapper {
                schema.parameters.push(parameter(names::WRAPPER, "true"));
            }
        } else if self.options.optional_for_nullables {
            schema.optional |= has_optional(field);
        } else {
            schema.optional |= !self.options.wrapper_for_nullables || has_null(field, self.options);
        }
        schema.parameters.push(parameter(names::TAG, field.number().to_string()));
        checked(schema, at)
    }

    /// The schema of one value of a field.
    fn single(&mut self, field: &FieldDescriptor, at: &Path<'_>) -> Result<Schema> {
        let number = |kind, name: &str| {
            let mut schema = Schema::new(kind);
            schema.parameters.push(parameter(names::NUMBER_TYPE, name));
            schema
        };
        Ok(match field.kind() {
            Kind::Int32 => Schema::new(self.narrow(field)),
            Kind::Sint32 | Kind::Sfixed32 if self.narrow(field) != SchemaType::INT32 => Schema::new(self.narrow(field)),
            Kind::Sint32 => number(SchemaType::INT32, "sint32"),
            Kind::Sfixed32 => number(SchemaType::INT32, "sfixed32"),
            Kind::Int64 => Schema::new(SchemaType::INT64),
            Kind::Uint32 => number(SchemaType::INT64, "uint32"),
            Kind::Fixed32 => number(SchemaType::INT64, "fixed32"),
            Kind::Uint64 => number(SchemaType::INT64, "uint64"),
            Kind::Sint64 => number(SchemaType::INT64, "sint64"),
            Kind::Fixed64 => number(SchemaType::INT64, "fixed64"),
            Kind::Sfixed64 => number(SchemaType::INT64, "sfixed64"),
            Kind::Float => Schema::new(SchemaType::FLOAT32),
            Kind::Double => Schema::new(SchemaType::FLOAT64),
            Kind::Bool => Schema::new(SchemaType::BOOLEAN),
            Kind::String => Schema::new(SchemaType::STRING),
            Kind::Bytes => Schema::new(SchemaType::BYTES),
            Kind::Enum(kind) => self.enumeration(&kind),
            Kind::Message(message) => {
                let unwrapped = wrappers::content(message.full_name()).filter(|_| self.options.wrapper_for_nullables);
                let mut schema = match (known::logical(message.full_name()), unwrapped) {
                    (Some(logical), _) => logical_schema(logical, field),
                    (None, Some(kind)) => Schema::new(kind),
                    (None, None) => self.message(&message, at)?,
                };
                schema.optional = true;
                schema
            }
        })
    }

    /// The type of a 32-bit field, which may be narrower in Connect.
    fn narrow(&self, field: &FieldDescriptor) -> SchemaType {
        match meta(field, "connect.type").as_deref() {
            Some("int8") => SchemaType::INT8,
            Some("int16") => SchemaType::INT16,
            _ => SchemaType::INT32,
        }
    }

    fn enumeration(&self, kind: &EnumDescriptor) -> Schema {
        let mut schema = Schema::new(if self.options.int_for_enums { SchemaType::INT32 } else { SchemaType::STRING });
        schema.name = Some(self.name(kind.full_name(), kind.name()).into()).into();
        let name = if self.options.sum_types { SUM_ENUM } else { ENUM };
        schema.parameters.push(parameter(name, kind.name()));
        for symbol in kind.values() {
            schema.parameters.push(parameter(format!("{name}.{}", symbol.name()), symbol.number().to_string()));
        }
        schema.optional = true;
        schema
    }
}

fn logical_schema(logical: Logical, field: &FieldDescriptor) -> Schema {
    let number = |name: &str| meta(field, name).and_then(|text| text.parse::<i32>().ok());
    let builder = match logical {
        Logical::Decimal => {
            let decimal = SchemaBuilder::decimal(number("scale").unwrap_or(0));
            match number("precision") {
                Some(precision) => decimal.parameter("connect.decimal.precision", precision.to_string()),
                None => decimal,
            }
        }
        Logical::Date => SchemaBuilder::date(),
        Logical::Time => SchemaBuilder::time(),
        Logical::Timestamp => SchemaBuilder::timestamp(),
    };
    Schema::clone(&builder.build())
}

/// A parameter that stands in a field's options.
fn meta(field: &FieldDescriptor, name: &str) -> Option<String> {
    let extension = field.parent_pool().get_extension_by_name("confluent.field_meta")?;
    let options = field.options();
    let meta = options.get_extension(&extension);
    let parameters = meta.as_message()?.get_field_by_name("params")?;
    let value = parameters.as_map()?.get(&prost_reflect::MapKey::String(name.to_owned()))?;
    match value {
        Proto::String(text) => Some(text.clone()),
        _ => None,
    }
}

fn parameter(key: impl Into<String>, value: impl Into<String>) -> Parameter {
    Parameter { key: key.into().into(), value: value.into().into() }
}

fn checked(schema: Schema, at: &Path<'_>) -> Result<Shared<Schema>> {
    schema.checked().map_err(|error| Error::data(format!("{at}: {error}")))
}
