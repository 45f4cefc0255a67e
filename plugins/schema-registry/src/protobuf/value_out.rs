//! Connect values as messages.

use super::known;
use super::names::enum_parameter;
use super::options::Options;
use super::plan::{FieldPlan, Form, MapPlan, Member, MessagePlan, Plan, Plans};
use crate::path::Path;
use ferroconnect_plugin_sdk::{Error, MapEntry, Result, Schema, Shared, StructValue, Value, ValueRef};
use prost_reflect::{DynamicMessage, EnumDescriptor, Kind, MapKey, Value as Proto};
use std::collections::HashMap;

/// The message of a whole record.
///
/// # Errors
/// A data error with the place and what is wrong there.
pub(super) fn write(plans: &Plans, value: &Value, options: &Options) -> Result<DynamicMessage> {
    match (Writer { options, plans, room: DEEPEST + 1 }).value(&plans.root, value, &Path::Root)? {
        Proto::Message(message) => Ok(message),
        _ => Err(Error::data("$: the record is no message")),
    }
}

/// How deep messages may stand in the one at the top: ours and other readers go no deeper.
const DEEPEST: usize = 100;

#[derive(Clone, Copy)]
struct Writer<'a> {
    options: &'a Options,
    plans: &'a Plans,
    /// How many messages may still stand in one another.
    room: usize,
}

impl Writer<'_> {
    /// What writes the content of a message.
    fn inner(self, at: &Path<'_>) -> Result<Self> {
        let room = self.room.checked_sub(1).ok_or_else(|| {
            let reason = "messages stand in one another deeper than readers of Protobuf go";
            Error::data(format!("{at}: {reason}, which is {DEEPEST} times"))
        })?;
        Ok(Writer { room, ..self })
    }

    /// A value that is not null.
    fn value(&self, plan: &Plan, value: &Value, at: &Path<'_>) -> Result<Proto> {
        let schema = &plan.schema;
        let wrong = || misfit(schema, value, at);
        Ok(match (&plan.form, value.view()) {
            (Form::Plain(kind), _) => plain(schema, kind, value).ok_or_else(wrong)?,
            (Form::Enum(kind), _) => Proto::EnumNumber(symbol(schema, kind, value, at)?),
            (Form::Wrapper(content), _) => {
                self.inner(at)?;
                let mut message = DynamicMessage::new(content.parent_message().clone());
                message.set_field(content, plain(schema, &content.kind(), value).ok_or_else(wrong)?);
                Proto::Message(message)
            }
            (Form::Logical(logical, descriptor), _) => {
                self.inner(at)?;
                let located = |error: &dyn std::fmt::Display| Error::data(format!("{at}: {error}"));
                let base = logical.encode(schema, value).map_err(|error| located(&error))?;
                Proto::Message(known::write(*logical, value, &base, descriptor).map_err(|error| located(&error))?)
            }
            (Form::Message(place), ValueRef::Struct(content)) => {
                Proto::Message(self.inner(at)?.message(self.plans.message(*place), schema, content, at)?)
            }
            (Form::List(element), ValueRef::Array(items)) => {
                let items = items.iter().enumerate().map(|(index, item)| self.element(element, item, &at.item(index)));
                Proto::List(items.collect::<Result<_>>()?)
            }
            (Form::Map(plan), ValueRef::Map(entries)) => self.inner(at)?.entries(plan, entries, at)?,
            _ => return Err(wrong()),
        })
    }

    fn message(
        &self,
        plan: &MessagePlan,
        schema: &Shared<Schema>,
        content: &StructValue,
        at: &Path<'_>,
    ) -> Result<DynamicMessage> {
        if content.schema != *schema || content.fields.len() != plan.fields.len() {
            return Err(Error::data(format!("{at}: the struct is of another schema than the one around it says")));
        }
        let mut message = DynamicMessage::new(plan.descriptor.clone());
        let fields = schema.fields.iter().zip(&plan.fields).zip(&content.fields);
        for ((field, plan), value) in fields {
            let at = at.field(&field.name);
            match (plan, value.view()) {
                (FieldPlan::One(member), _) => self.member(&mut message, member, value, &at)?,
                (FieldPlan::Union(..), ValueRef::Null) => {}
                (FieldPlan::Union(schema, members), ValueRef::Struct(branches)) if branches.schema == *schema => {
                    let mut branches = members.iter().zip(&branches.fields);
                    if let Some((member, value)) = branches.find(|(_, value)| !value.is_null()) {
                        self.member(&mut message, member, value, &at.field(member.field.name()))?;
                    }
                }
                (FieldPlan::Union(schema, _), _) => return Err(misfit(schema, value, &at)),
            }
        }
        Ok(message)
    }

    fn member(&self, message: &mut DynamicMessage, member: &Member, value: &Value, at: &Path<'_>) -> Result<()> {
        let schema = &member.plan.schema;
        let ignored = schema.optional && self.options.ignore_default_for_nullables;
        let value = match schema.default_value().filter(|_| value.is_null() && !ignored) {
            Some(default) => default,
            None if value.is_null() && schema.optional => return Ok(()),
            None if value.is_null() => {
                let kind = schema.kind.name();
                return Err(Error::data(format!("{at}: null for a required {kind} that has no default value")));
            }
            None => value,
        };
        let value = self.value(&member.plan, value, at)?;
        message.try_set_field(&member.field, value).map_err(|error| Error::data(format!("{at}: {error}")))
    }

    fn element(&self, plan: &Plan, item: &Value, at: &Path<'_>) -> Result<Proto> {
        if item.is_null() {
            return Err(Error::data(format!("{at}: arrays in Protobuf cannot hold null")));
        }
        self.value(plan, item, at)
    }

    fn entries(&self, plan: &MapPlan, entries: &[MapEntry], at: &Path<'_>) -> Result<Proto> {
        if !plan.entry.is_map_entry() {
            let entry = |(index, entry): (usize, &MapEntry)| {
                let (at, mut message) = (at.item(index), DynamicMessage::new(plan.entry.clone()));
                self.member(&mut message, &plan.key, &entry.key, &at.field("key"))?;
                self.member(&mut message, &plan.value, &entry.value, &at.field("value"))?;
                Ok(Proto::Message(message))
            };
            return Ok(Proto::List(entries.iter().enumerate().map(entry).collect::<Result<_>>()?));
        }
        let mut map: HashMap<MapKey, Proto> = HashMap::with_capacity(entries.len());
        for (index, entry) in entries.iter().enumerate() {
            let at = at.item(index);
            let key = self.element(&plan.key.plan, &entry.key, &at.field("key"))?.into_map_key();
            let key = key.ok_or_else(|| Error::data(format!("{at}: a key of a map is a number, a boolean or text")))?;
            map.insert(key, self.element(&plan.value.plan, &entry.value, &at.field("value"))?);
        }
        Ok(Proto::Map(map))
    }
}

/// A plain value in the form that a field of this kind has.
fn plain(schema: &Schema, kind: &Kind, value: &Value) -> Option<Proto> {
    use ferroconnect_plugin_sdk::SchemaType as Type;
    let integer = || value.as_integer();
    Some(match (kind, schema.kind, value.view()) {
        (Kind::Int32 | Kind::Sint32 | Kind::Sfixed32, Type::INT8, ValueRef::Int8(number)) => Proto::I32(number.into()),
        (Kind::Int32 | Kind::Sint32 | Kind::Sfixed32, Type::INT16, ValueRef::Int16(number)) => {
            Proto::I32(number.into())
        }
        (Kind::Int32 | Kind::Sint32 | Kind::Sfixed32, Type::INT32, ValueRef::Int32(number)) => Proto::I32(number),
        (Kind::Int64 | Kind::Sint64 | Kind::Sfixed64, _, _) => Proto::I64(integer()?),
        (Kind::Uint32 | Kind::Fixed32, _, ValueRef::Int64(number)) => Proto::U32(u32::try_from(number).ok()?),
        // Above 63 bits the number is below zero in Connect.
        (Kind::Uint64 | Kind::Fixed64, _, ValueRef::Int64(number)) => Proto::U64(number as u64),
        (Kind::Float, _, ValueRef::Float32(number)) => Proto::F32(number),
        (Kind::Double, _, ValueRef::Float32(number)) => Proto::F64(number.into()),
        (Kind::Double, _, ValueRef::Float64(number)) => Proto::F64(number),
        (Kind::Bool, _, ValueRef::Boolean(flag)) => Proto::Bool(flag),
        (Kind::String, _, ValueRef::String(text)) => Proto::String(text.to_string()),
        (Kind::Bytes, _, ValueRef::Bytes(bytes)) => Proto::Bytes(bytes.to_vec().into()),
        _ => return None,
    })
}

/// The number of an enum's symbol.
fn symbol(schema: &Schema, kind: &EnumDescriptor, value: &Value, at: &Path<'_>) -> Result<i32> {
    let name = match value.view() {
        ValueRef::Int32(number) => return Ok(number),
        ValueRef::String(name) => name,
        _ => return Err(misfit(schema, value, at)),
    };
    let parameter = enum_parameter(schema).and_then(|own| schema.parameter(&format!("{own}.{name}")));
    let number = parameter.and_then(|number| number.parse().ok());
    let number = number.or_else(|| kind.get_value_by_name(name).map(|symbol| symbol.number()));
    number.ok_or_else(|| Error::data(format!("{at}: the text is no symbol of the enum {}", kind.full_name())))
}

fn misfit(schema: &Schema, value: &Value, at: &Path<'_>) -> Error {
    Error::data(format!(
        "{at}: {} does not fit the schema, which is of type {}",
        value.java_class(),
        schema.kind.name()
    ))
}
