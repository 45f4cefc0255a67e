//! Messages as Connect values.

use super::known;
use super::plan::{FieldPlan, Form, MapPlan, Member, MessagePlan, Plan, Plans};
use crate::path::Path;
use ferroconnect_plugin_sdk::{Blob, Error, MapEntry, Result, Schema, SchemaType, Shared, Value};
use prost_reflect::{DynamicMessage, EnumDescriptor, Value as Proto};

/// The value of a whole record.
///
/// # Errors
/// A data error with the place of what Connect cannot hold.
pub(super) fn read(plans: &Plans, message: &DynamicMessage) -> Result<Value> {
    let (reader, Plan { schema, form }) = (Reader { plans }, &plans.root);
    match form {
        Form::Message(place) => reader.message(plans.message(*place), schema, message, &Path::Root),
        Form::Wrapper(content) => plain(schema, &message.get_field(content), &Path::Root),
        _ => Err(Error::data("$: the record is no message")),
    }
}

struct Reader<'a> {
    plans: &'a Plans,
}

impl Reader<'_> {
    fn value(&self, plan: &Plan, value: &Proto, at: &Path<'_>) -> Result<Value> {
        let schema = &plan.schema;
        Ok(match (&plan.form, value) {
            (Form::Plain(_), _) => plain(schema, value, at)?,
            (Form::Enum(kind), Proto::EnumNumber(number)) => symbol(schema, kind, *number),
            (Form::Wrapper(content), Proto::Message(message)) => plain(schema, &message.get_field(content), at)?,
            (Form::Logical(logical, _), Proto::Message(message)) => {
                known::read(*logical, message).map_err(|error| Error::data(format!("{at}: {error}")))?
            }
            (Form::Message(place), Proto::Message(message)) => {
                self.message(self.plans.message(*place), schema, message, at)?
            }
            (Form::List(element), Proto::List(items)) => {
                let items = items.iter().enumerate().map(|(index, item)| self.value(element, item, &at.item(index)));
                Value::array(items.collect::<Result<Vec<_>>>()?)
            }
            (Form::Map(plan), _) => self.map(plan, value, at)?,
            _ => return Err(Error::data(format!("{at}: the value is of another type than its schema"))),
        })
    }

    fn message(
        &self,
        plan: &MessagePlan,
        schema: &Shared<Schema>,
        message: &DynamicMessage,
        at: &Path<'_>,
    ) -> Result<Value> {
        let mut values = Vec::with_capacity(plan.fields.len());
        for (field, plan) in schema.fields.iter().zip(&plan.fields) {
            let at = at.field(&field.name);
            values.push(match plan {
                FieldPlan::One(member) => self.member(member, message, &at)?,
                FieldPlan::Union(schema, members) => self.union(schema, members, message, &at)?,
            });
        }
        Ok(Value::structure(schema.clone(), values))
    }

    fn member(&self, member: &Member, message: &DynamicMessage, at: &Path<'_>) -> Result<Value> {
        if member.is_null_if_absent && !message.has_field(&member.field) {
            return Ok(Value::NULL);
        }
        self.value(&member.plan, &message.get_field(&member.field), at)
    }

    /// The one branch that is there.
    fn union(
        &self,
        schema: &Shared<Schema>,
        members: &[Member],
        message: &DynamicMessage,
        at: &Path<'_>,
    ) -> Result<Value> {
        let Some(index) = members.iter().position(|member| message.has_field(&member.field)) else {
            return Ok(Value::NULL);
        };
        let member = &members[index];
        let mut values = vec![Value::NULL; members.len()];
        values[index] = self.value(&member.plan, &message.get_field(&member.field), &at.field(member.field.name()))?;
        Ok(Value::structure(schema.clone(), values))
    }

    fn map(&self, plan: &MapPlan, value: &Proto, at: &Path<'_>) -> Result<Value> {
        let mut entries = Vec::new();
        match value {
            Proto::Map(map) => {
                for (key, value) in map {
                    let key = self.value(&plan.key.plan, &Proto::from(key.clone()), &at.field("key"))?;
                    entries.push(MapEntry { key, value: self.value(&plan.value.plan, value, &at.field("value"))? });
                }
            }
            Proto::List(items) => {
                for (index, item) in items.iter().enumerate() {
                    let at = at.item(index);
                    let entry = item.as_message();
                    let entry = entry.ok_or_else(|| Error::data(format!("{at}: an entry of a map is no message")))?;
                    let key = self.member(&plan.key, entry, &at.field("key"))?;
                    entries.push(MapEntry { key, value: self.member(&plan.value, entry, &at.field("value"))? });
                }
            }
            _ => return Err(Error::data(format!("{at}: the value is no map"))),
        }
        Ok(Value::map(entries))
    }
}

fn plain(schema: &Schema, value: &Proto, at: &Path<'_>) -> Result<Value> {
    let number = match value {
        Proto::I32(number) => Some(i64::from(*number)),
        Proto::I64(number) => Some(*number),
        Proto::U32(number) => Some(i64::from(*number)),
        // Above 63 bits the number is below zero in Connect.
        Proto::U64(number) => Some(*number as i64),
        _ => None,
    };
    let found = match (schema.kind, value) {
        (SchemaType::INT8, _) => number.and_then(|number| i8::try_from(number).ok()).map(Value::int8),
        (SchemaType::INT16, _) => number.and_then(|number| i16::try_from(number).ok()).map(Value::int16),
        (SchemaType::INT32, _) => number.and_then(|number| i32::try_from(number).ok()).map(Value::int32),
        (SchemaType::INT64, _) => number.map(Value::int64),
        (SchemaType::FLOAT32, Proto::F32(number)) => Some(Value::float32(*number)),
        (SchemaType::FLOAT64, Proto::F64(number)) => Some(Value::float64(*number)),
        (SchemaType::BOOLEAN, Proto::Bool(flag)) => Some(Value::boolean(*flag)),
        (SchemaType::STRING, Proto::String(text)) => Some(Value::string(text.as_str())),
        (SchemaType::BYTES, Proto::Bytes(bytes)) => Some(Value::bytes(Blob::copy_from(bytes))),
        _ => None,
    };
    found.ok_or_else(|| Error::data(format!("{at}: the value is not in the range of type {}", schema.kind.name())))
}

/// The symbol with this number. Newer writers may know more of them.
fn symbol(schema: &Schema, kind: &EnumDescriptor, number: i32) -> Value {
    if schema.kind == SchemaType::INT32 {
        return Value::int32(number);
    }
    match kind.get_value(number) {
        Some(symbol) => Value::string(symbol.name()),
        None => Value::string(format!("UNKNOWN_ENUM_VALUE_{}_{number}", kind.name())),
    }
}
