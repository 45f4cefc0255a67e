//! How values of a Connect schema go into messages of one type and come out of them: made once per schema, used for
//! every record.

use super::known;
use super::names::{Names, enum_parameter, is_union};
use super::options::Options;
use super::schema_in::{entry, has_null};
use super::wrappers;
use crate::path::{Path, part};
use ferroconnect_plugin_sdk::abi::recursion::recursive;
use ferroconnect_plugin_sdk::{Error, Logical, Result, Schema, SchemaType, Shared};
use prost_reflect::{EnumDescriptor, FieldDescriptor, Kind, MessageDescriptor};
use std::collections::{HashMap, VecDeque};

/// How whole records go.
#[derive(Debug)]
pub(super) struct Plans {
    pub(super) root: Plan,
    messages: Vec<MessagePlan>,
}

impl Plans {
    pub(super) fn message(&self, place: Place) -> &MessagePlan {
        &self.messages[place.0]
    }
}

/// Where the plan of a message stands. A message that contains itself leads back to its own.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place(usize);

/// How one value goes.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) schema: Shared<Schema>,
    pub(super) form: Form,
}

/// What a value is in Protobuf.
#[derive(Debug)]
pub(super) enum Form {
    Plain(Kind),
    Enum(EnumDescriptor),
    /// A message around one plain value.
    Wrapper(FieldDescriptor),
    Logical(Logical, MessageDescriptor),
    Message(Place),
    List(Box<Plan>),
    Map(Box<MapPlan>),
}

#[derive(Debug)]
pub(super) struct MessagePlan {
    pub(super) descriptor: MessageDescriptor,
    /// One per field of the Connect schema.
    pub(super) fields: Vec<FieldPlan>,
}

#[derive(Debug)]
pub(super) enum FieldPlan {
    One(Member),
    /// A struct of which one field is set at most.
    Union(Shared<Schema>, Vec<Member>),
}

/// A field of a message.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) field: FieldDescriptor,
    /// Whether a field that is not there is null; otherwise it is zero, empty or the like.
    pub(super) is_null_if_absent: bool,
    pub(super) plan: Plan,
}

#[derive(Debug)]
pub(super) struct MapPlan {
    pub(super) entry: MessageDescriptor,
    pub(super) key: Member,
    pub(super) value: Member,
}

/// The plan for whole records.
///
/// # Errors
/// A data error with the place where schema and message do not go together.
pub(super) fn root(schema: &Shared<Schema>, message: &MessageDescriptor, options: &Options) -> Result<Plans> {
    let names = Names { scrub: options.scrub_names };
    let mut planner = Planner { options, names, places: HashMap::new(), messages: Vec::new(), open: VecDeque::new() };
    let root = planner.single(schema, &Kind::Message(message.clone()), &Path::Root)?;
    while let Some(Open { place, schema, at }) = planner.open.pop_front() {
        let descriptor = planner.messages[place.0].descriptor.clone();
        planner.messages[place.0].fields = planner.fields(&schema, &descriptor, &Path::Printed(&at))?;
    }
    Ok(Plans { root, messages: planner.messages })
}

struct Planner<'a> {
    options: &'a Options,
    names: Names,
    /// By the address of the Connect schema and the full name of the message.
    places: HashMap<(usize, String), Place>,
    messages: Vec<MessagePlan>,
    open: VecDeque<Open>,
}

/// A message whose fields have no plan yet. These wait for their turn, since messages that contain each other may be met
/// within each other as often as there are fields.
struct Open {
    place: Place,
    schema: Shared<Schema>,
    at: String,
}

impl Planner<'_> {
    fn message(&mut self, schema: &Shared<Schema>, descriptor: &MessageDescriptor, at: &Path<'_>) -> Place {
        let key = (Shared::address(schema), descriptor.full_name().to_owned());
        *self.places.entry(key).or_insert_with(|| {
            let place = Place(self.messages.len());
            self.messages.push(MessagePlan { descriptor: descriptor.clone(), fields: Vec::new() });
            self.open.push_back(Open { place, schema: schema.clone(), at: at.to_string() });
            place
        })
    }

    fn fields(
        &mut self,
        schema: &Shared<Schema>,
        descriptor: &MessageDescriptor,
        at: &Path<'_>,
    ) -> Result<Vec<FieldPlan>> {
        let mut fields = Vec::with_capacity(schema.fields.len());
        for field in &schema.fields {
            let at = at.field(&field.name);
            fields.push(if is_union(&field.schema) {
                let branches = field.schema.fields.iter();
                let branches = branches.map(|branch| self.member(branch, descriptor, &at.field(&branch.name)));
                FieldPlan::Union(field.schema.clone(), branches.collect::<Result<_>>()?)
            } else {
                FieldPlan::One(self.member(field, descriptor, &at)?)
            });
        }
        Ok(fields)
    }

    fn member(
        &mut self,
        field: &ferroconnect_plugin_sdk::Field,
        message: &MessageDescriptor,
        at: &Path<'_>,
    ) -> Result<Member> {
        let name = self.names.proper(&field.name).map_err(|error| Error::data(format!("{at}: {error}")))?;
        let missing = || Error::data(format!("{at}: the message {} has no field '{name}'", message.full_name()));
        let found = message.get_field_by_name(&name).ok_or_else(missing)?;
        self.bind(&field.schema, found, at)
    }

    fn bind(&mut self, schema: &Shared<Schema>, field: FieldDescriptor, at: &Path<'_>) -> Result<Member> {
        let kind = field.kind();
        let form = match (schema.kind, entry(&field), kind.as_message()) {
            (SchemaType::MAP, Some((key, value)), Some(entry)) => Form::Map(Box::new(MapPlan {
                entry: entry.clone(),
                key: self.bind(part(&schema.keys, at)?, key, &at.field("key"))?,
                value: self.bind(part(&schema.values, at)?, value, &at.field("value"))?,
            })),
            (SchemaType::ARRAY, _, _) if field.is_list() => {
                Form::List(Box::new(self.single(part(&schema.values, at)?, &kind, &at.field("[]"))?))
            }
            _ if field.is_list() || field.is_map() => return Err(misfit(schema, &field, at)),
            _ => self.single(schema, &kind, at)?.form,
        };
        // A day or a decimal of nothing but zeros is none, and a message that contains itself would have no end.
        let is_made_up = self.options.struct_for_nulls
            && !matches!(form, Form::Logical(..))
            && field.containing_oneof().is_none()
            && recursive(schema).is_none();
        let is_null_if_absent = has_null(&field, self.options) && !is_made_up;
        Ok(Member { is_null_if_absent, plan: Plan { schema: schema.clone(), form }, field })
    }

    /// One value that is no list and no map.
    fn single(&mut self, schema: &Shared<Schema>, kind: &Kind, at: &Path<'_>) -> Result<Plan> {
        let wrong = || {
            let (what, name) = (label(schema), kind_name(kind));
            Error::data(format!("{at}: {what} of Connect and {name} of Protobuf do not go together"))
        };
        let logical = Logical::of(schema);
        let form = match kind {
            Kind::Message(message) => match (known::logical(message.full_name()), schema.kind) {
                (Some(known), _) if logical == Some(known) => Form::Logical(known, message.clone()),
                (None, SchemaType::STRUCT) => Form::Message(self.message(schema, message, at)),
                (None, _) if logical.is_none() && wrappers::content(message.full_name()).is_some() => {
                    let content = message.get_field_by_name("value").ok_or_else(wrong)?;
                    if !goes_with(schema.kind, &content.kind()) {
                        return Err(wrong());
                    }
                    Form::Wrapper(content)
                }
                _ => return Err(wrong()),
            },
            Kind::Enum(kind) if enum_parameter(schema).is_some() => Form::Enum(kind.clone()),
            plain if logical.is_none() && goes_with(schema.kind, plain) => Form::Plain(plain.clone()),
            _ => return Err(wrong()),
        };
        Ok(Plan { schema: schema.clone(), form })
    }
}

/// Whether plain values of a Connect type can be those of one of Protobuf. Numbers of Protobuf may be wider.
fn goes_with(schema: SchemaType, kind: &Kind) -> bool {
    let narrow = matches!(schema, SchemaType::INT8 | SchemaType::INT16 | SchemaType::INT32);
    match kind {
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => narrow,
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => narrow || schema == SchemaType::INT64,
        Kind::Uint32 | Kind::Fixed32 | Kind::Uint64 | Kind::Fixed64 => schema == SchemaType::INT64,
        Kind::Float => schema == SchemaType::FLOAT32,
        Kind::Double => matches!(schema, SchemaType::FLOAT32 | SchemaType::FLOAT64),
        Kind::Bool => schema == SchemaType::BOOLEAN,
        Kind::String => schema == SchemaType::STRING,
        Kind::Bytes => schema == SchemaType::BYTES,
        Kind::Message(_) | Kind::Enum(_) => false,
    }
}

fn label(schema: &Schema) -> String {
    Logical::of(schema).map_or_else(|| schema.kind.name().to_owned(), |logical| format!("{logical:?}"))
}

fn kind_name(kind: &Kind) -> String {
    match kind {
        Kind::Message(message) => message.full_name().to_owned(),
        Kind::Enum(kind) => kind.full_name().to_owned(),
        plain => format!("{plain:?}").to_ascii_lowercase(),
    }
}

fn misfit(schema: &Schema, field: &FieldDescriptor, at: &Path<'_>) -> Error {
    let (what, name) = (label(schema), kind_name(&field.kind()));
    Error::data(format!("{at}: {what} of Connect and repeated {name} of Protobuf do not go together"))
}
