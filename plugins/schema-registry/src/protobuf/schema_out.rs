//! Connect schemas as text of `.proto` files.

use super::compile::DEEPEST;
use super::names::{self, Names, enum_parameter, is_union, unqualified};
use super::options::Options;
use super::wrappers;
use crate::path::{Path, part};
use ferroconnect_plugin_sdk::abi::recursion::recursive;
use ferroconnect_plugin_sdk::abi::schema::Parameter;
use ferroconnect_plugin_sdk::{Error, Field, Logical, Result, Schema, SchemaType, Shared};
use std::collections::{BTreeSet, HashSet};
use std::fmt::Write as _;

/// A schema as Protobuf.
pub(super) struct Described {
    /// The file.
    pub(super) text: String,
    /// The full name of the message that values become.
    pub(super) message: String,
}

/// The schema as a file of proto3.
///
/// # Errors
/// A data error with the place of what Protobuf does not have.
pub(super) fn describe(schema: &Shared<Schema>, options: &Options) -> Result<Described> {
    if schema.kind != SchemaType::STRUCT || is_union(schema) {
        let wrapper = wrappers::of(schema).filter(|_| Logical::of(schema).is_none());
        let wrapper = wrapper.ok_or_else(|| {
            let what = Logical::of(schema).map_or(schema.kind.name().to_owned(), |logical| format!("{logical:?}"));
            Error::data(format!("Protobuf has no {what} at the top. Put it into a field of a struct"))
        })?;
        return Ok(Described { text: wrappers::FILE.to_owned(), message: wrapper.to_owned() });
    }
    let names = Names { scrub: options.scrub_names };
    let mut file = File { options, names, imports: BTreeSet::new(), unnamed: 0, circle: None };
    let full_name = file.name_or_default(schema);
    let parts: Vec<_> = full_name.split('.').map(|part| file.names.proper(part)).collect::<Result<_>>()?;
    let (name, package) = parts.split_last().ok_or_else(|| Error::data("A message has a name"))?;
    if recursive(schema).is_some() {
        file.circle = Some(Circle::new(name, schema, file.member_names(schema, &Path::Root)?));
    }
    let message = file.message(name, schema, 0, &Path::Root)?;
    let mut text = "syntax = \"proto3\";\n".to_owned();
    if !package.is_empty() {
        _ = writeln!(text, "package {};", package.join("."));
    }
    text.push('\n');
    for import in &file.imports {
        _ = writeln!(text, "import \"{import}\";");
    }
    if !file.imports.is_empty() {
        text.push('\n');
    }
    text.push_str(&message);
    Ok(Described { text, message: parts.join(".") })
}

struct File<'a> {
    options: &'a Options,
    names: Names,
    imports: BTreeSet<&'static str>,
    /// How many schemas had no name and got one.
    unnamed: usize,
    /// In a schema that contains itself: its messages.
    circle: Option<Circle>,
}

/// The messages of a schema that contains itself. They all stand in the one at the top, so that each has one definition
/// and each knows each by its name; otherwise messages stand in those that use them.
struct Circle {
    /// The names of the fields of the message at the top, which is the first.
    members: HashSet<String>,
    messages: Vec<Known>,
    /// The names of enums, which stand in the messages that use them. A message of such a name would not be seen there.
    enums: HashSet<String>,
}

/// A message, or the entries of a map.
#[derive(Clone)]
struct Known {
    name: String,
    schema: Shared<Schema>,
    /// Where it was met.
    at: String,
}

impl Circle {
    fn new(name: &str, schema: &Shared<Schema>, members: HashSet<String>) -> Circle {
        let top = Known { name: name.to_owned(), schema: schema.clone(), at: Path::Root.to_string() };
        Circle { members, messages: vec![top], enums: HashSet::new() }
    }

    /// The name of the message that values of this schema become.
    fn find(&self, schema: &Schema) -> Option<&str> {
        let name = schema.name_str().map(unqualified);
        let is_it = |known: &&Known| {
            let known = &known.schema;
            let same_name = known.name_str().map(unqualified) == name;
            same_name && known.kind == schema.kind && has_content_of(known, schema)
        };
        self.messages.iter().find(is_it).map(|known| known.name.as_str())
    }

    fn add(&mut self, name: String, schema: &Shared<Schema>, at: &Path<'_>) -> String {
        let is_free = |name: &str| !self.has(name) && !self.members.contains(name) && !self.enums.contains(name);
        let name = numbered(name, is_free);
        self.messages.push(Known { name: name.clone(), schema: schema.clone(), at: at.to_string() });
        name
    }

    fn has(&self, name: &str) -> bool {
        self.messages.iter().any(|known| known.name == name)
    }
}

/// Whether two structs or two maps are the same but for what is said of them.
fn has_content_of(a: &Schema, b: &Schema) -> bool {
    a.fields == b.fields && a.keys == b.keys && a.values == b.values
}

/// The name, or else the first with a number behind it that fits.
fn numbered(name: String, fits: impl Fn(&str) -> bool) -> String {
    let more = (2..).map(|number| format!("{name}{number}"));
    [name.clone()].into_iter().chain(more).find(|name| fits(name)).unwrap_or(name)
}

/// A message that is being put together.
struct Message {
    depth: usize,
    /// The names of its fields, which its types cannot have.
    members: HashSet<String>,
    /// Fields and oneofs.
    fields: String,
    /// The types defined within it, and what they are made of.
    types: Vec<(String, Shared<Schema>)>,
    definitions: String,
    numbers: Numbers,
}

/// The numbers that the fields of a message get: those they had, and the lowest that are free.
struct Numbers {
    taken: HashSet<u32>,
    next: u32,
}

impl Numbers {
    fn of(schema: &Schema, at: &Path<'_>) -> Result<Numbers> {
        let mut taken = HashSet::new();
        for field in members(schema) {
            if let Some(number) = tag(&field.schema, &at.field(&field.name))?
                && !taken.insert(number)
            {
                let at = at.field(&field.name);
                return Err(Error::data(format!("{at}: another field has number {number} in {}, too", names::TAG)));
            }
        }
        Ok(Numbers { taken, next: 1 })
    }

    fn number(&mut self, schema: &Schema, at: &Path<'_>) -> Result<u32> {
        if let Some(number) = tag(schema, at)? {
            return Ok(number);
        }
        while !self.taken.insert(self.next) || !is_number(self.next) {
            self.next += 1;
        }
        Ok(self.next)
    }
}

/// The fields that a message gets: in place of a union its branches.
fn members(schema: &Schema) -> impl Iterator<Item = &Field> {
    schema.fields.iter().flat_map(|field: &Field| match is_union(&field.schema) {
        true => &field.schema.fields[..],
        false => std::slice::from_ref(field),
    })
}

/// The number that a field had where it came from.
fn tag(schema: &Schema, at: &Path<'_>) -> Result<Option<u32>> {
    let Some(text) = schema.parameter(names::TAG) else { return Ok(None) };
    let number = text.parse().ok().filter(|number| is_number(*number));
    number
        .map(Some)
        .ok_or_else(|| Error::data(format!("{at}: the parameter {} is '{text}', and no field's number", names::TAG)))
}

/// Whether fields may have this number: some in the middle are Protobuf's own.
fn is_number(number: u32) -> bool {
    (1..1 << 29).contains(&number) && !(19_000..20_000).contains(&number)
}

impl File<'_> {
    fn message(&mut self, name: &str, schema: &Shared<Schema>, depth: usize, at: &Path<'_>) -> Result<String> {
        if depth == DEEPEST {
            return Err(Error::data(format!("{at}: messages stand in one another deeper than {DEEPEST} times")));
        }
        let mut message = Message {
            depth: depth + 1,
            members: self.member_names(schema, at)?,
            fields: String::new(),
            types: Vec::new(),
            definitions: String::new(),
            numbers: Numbers::of(schema, at)?,
        };
        for field in &schema.fields {
            let at = at.field(&field.name);
            if is_union(&field.schema) {
                self.union(&mut message, &field.schema, &at)?;
            } else {
                let line = self.field(&mut message, field, false, &at)?;
                _ = writeln!(message.fields, "{}{line}", indent(message.depth));
            }
        }
        let Message { fields, mut definitions, .. } = message;
        if depth == 0 {
            self.circle(&mut definitions)?;
        }
        let indent = indent(depth);
        Ok(format!("{indent}message {name} {{\n{fields}{definitions}{indent}}}\n"))
    }

    fn member_names(&self, schema: &Schema, at: &Path<'_>) -> Result<HashSet<String>> {
        let names = members(schema).map(|field| self.names.proper(&field.name).map(Into::into));
        names.collect::<Result<_>>().map_err(|error| located(at, &error))
    }

    /// The messages of a schema that contains itself, without the one at the top. One may lead to further ones.
    fn circle(&mut self, definitions: &mut String) -> Result<()> {
        let known = |file: &Self, number: usize| file.circle.as_ref()?.messages.get(number).cloned();
        let mut number = 1;
        while let Some(Known { name, schema, at }) = known(self, number) {
            definitions.push_str(&self.definition(&name, &schema, 1, &Path::Printed(&at))?);
            number += 1;
        }
        Ok(())
    }

    fn union(&mut self, message: &mut Message, schema: &Schema, at: &Path<'_>) -> Result<()> {
        let name = schema.parameter(names::SUM_UNION).or_else(|| schema.name_str()).unwrap_or_default();
        let name = name.strip_prefix(names::UNION).map_or(name, |rest| rest.trim_start_matches('.'));
        let name = self.names.proper(unqualified(name)).map_err(|error| located(at, &error))?.into_owned();
        let outer = indent(message.depth);
        let mut lines = format!("{outer}oneof {name} {{\n");
        for field in &schema.fields {
            let line = self.field(message, field, true, &at.field(&field.name))?;
            _ = writeln!(lines, "{outer}  {line}");
        }
        _ = writeln!(message.fields, "{lines}{outer}}}");
        Ok(())
    }

    /// One line, without what it is indented by.
    fn field(&mut self, message: &mut Message, field: &Field, is_branch: bool, at: &Path<'_>) -> Result<String> {
        let name = self.names.proper(&field.name).map_err(|error| located(at, &error))?.into_owned();
        let number = message.numbers.number(&field.schema, at)?;
        let (label, schema) = match field.schema.kind {
            SchemaType::ARRAY => ("repeated ", part(&field.schema.values, at)?),
            SchemaType::MAP => ("repeated ", &field.schema),
            _ if self.options.optional_for_nullables && field.schema.optional && !is_branch => {
                ("optional ", &field.schema)
            }
            _ => ("", &field.schema),
        };
        if label == "repeated "
            && (is_branch || (field.schema.kind == SchemaType::ARRAY && schema.kind == SchemaType::MAP))
        {
            return Err(Error::data(format!("{at}: Protobuf has no arrays of arrays or maps, and none in unions")));
        }
        let mut meta = Vec::new();
        let kind = self.kind(message, schema, is_branch, &mut meta, at)?;
        let meta = if meta.is_empty() { String::new() } else { self.meta(&meta) };
        Ok(format!("{label}{kind} {name} = {number}{meta};"))
    }

    /// What Protobuf has no word for.
    fn meta(&mut self, parameters: &[(&str, &str)]) -> String {
        self.imports.insert("confluent/meta.proto");
        let entry =
            |(key, value): &(&str, &str)| format!("{{ key: \"{}\", value: \"{}\" }}", escaped(key), escaped(value));
        let entries: Vec<_> = parameters.iter().map(entry).collect();
        format!(" [(confluent.field_meta) = {{ params: [ {} ] }}]", entries.join(", "))
    }

    /// The type of a field, which is defined in the message where it is new.
    fn kind<'s>(
        &mut self,
        message: &mut Message,
        schema: &'s Shared<Schema>,
        is_branch: bool,
        meta: &mut Vec<(&'static str, &'s str)>,
        at: &Path<'_>,
    ) -> Result<String> {
        if let Some(logical) = Logical::of(schema) {
            return Ok(self.logical(logical, schema, meta));
        }
        if enum_parameter(schema).is_some() {
            return self.enumeration(message, schema, at);
        }
        match schema.kind {
            SchemaType::STRUCT if is_union(schema) => {
                Err(Error::data(format!("{at}: Protobuf has no arrays of unions")))
            }
            SchemaType::STRUCT | SchemaType::MAP => self.structure(message, schema, at),
            SchemaType::ARRAY => Err(Error::data(format!("{at}: Protobuf has no arrays of arrays"))),
            _ => {
                let wrapped = self.options.wrapper_for_nullables && schema.optional;
                let wrapped = wrapped && (!is_branch || schema.parameter(names::WRAPPER) == Some("true"));
                match schema.kind {
                    SchemaType::INT8 => meta.push(("connect.type", "int8")),
                    SchemaType::INT16 => meta.push(("connect.type", "int16")),
                    _ => {}
                }
                if wrapped {
                    self.imports.insert("google/protobuf/wrappers.proto");
                }
                let kind = if wrapped { wrappers::of(schema) } else { scalar(schema) };
                let unknown = || Error::data(format!("{at}: Protobuf has nothing for type {}", schema.kind.name()));
                kind.map(str::to_owned).ok_or_else(unknown)
            }
        }
    }

    fn logical<'s>(&mut self, logical: Logical, schema: &'s Schema, meta: &mut Vec<(&'static str, &'s str)>) -> String {
        let (file, kind) = match logical {
            Logical::Decimal => {
                let parameters = [("precision", "connect.decimal.precision"), ("scale", "scale")];
                let set = |(name, parameter)| Some((name, schema.parameter(parameter)?));
                meta.extend(parameters.into_iter().filter_map(set));
                ("confluent/type/decimal.proto", "confluent.type.Decimal")
            }
            Logical::Date => ("google/type/date.proto", "google.type.Date"),
            Logical::Time => ("google/type/timeofday.proto", "google.type.TimeOfDay"),
            Logical::Timestamp => ("google/protobuf/timestamp.proto", "google.protobuf.Timestamp"),
        };
        self.imports.insert(file);
        kind.to_owned()
    }

    /// The message for a struct, or for the entries of a map.
    fn structure(&mut self, message: &mut Message, schema: &Shared<Schema>, at: &Path<'_>) -> Result<String> {
        if let Some(known) = self.circle.as_ref().and_then(|circle| circle.find(schema)) {
            return Ok(known.to_owned());
        }
        let name = self.name_or_default(schema);
        let name = unqualified(&name);
        let is_map = schema.kind == SchemaType::MAP;
        let name = if is_map { names::entry_name(name) } else { name.to_owned() };
        let mut name = self.names.proper(&name).map_err(|error| located(at, &error))?.into_owned();
        // A field and a type of the same name exclude each other.
        let members = self.circle.as_ref().map_or(&message.members, |circle| &circle.members);
        if !is_map && members.contains(&name) {
            name.push_str("Message");
        }
        if let Some(circle) = &mut self.circle {
            return Ok(circle.add(name, schema, at));
        }
        let (name, is_new) = message.type_name(name, schema, has_content_of, |_| false);
        if is_new {
            let definition = self.definition(&name, schema, message.depth, at)?;
            message.definitions.push_str(&definition);
        }
        Ok(name)
    }

    fn definition(&mut self, name: &str, schema: &Shared<Schema>, depth: usize, at: &Path<'_>) -> Result<String> {
        if schema.kind != SchemaType::MAP {
            return self.message(name, schema, depth, at);
        }
        // Keys and values have the numbers 1 and 2, whatever they were before.
        let member = |name: &str, number: &str, schema: &Shared<Schema>| {
            let mut schema = Schema::clone(schema);
            schema.parameters.retain(|parameter| parameter.key.as_str() != names::TAG);
            schema.parameters.push(Parameter { key: names::TAG.into(), value: number.into() });
            Field { name: name.into(), schema: Shared::new(schema) }
        };
        let mut entry = Schema::new(SchemaType::STRUCT);
        entry.fields.push(member("key", "1", part(&schema.keys, at)?));
        entry.fields.push(member("value", "2", part(&schema.values, at)?));
        self.message(name, &Shared::new(entry), depth, at)
    }

    fn enumeration(&mut self, message: &mut Message, schema: &Shared<Schema>, at: &Path<'_>) -> Result<String> {
        let parameter = enum_parameter(schema).expect("whoever calls this found one");
        let name = schema.parameter(parameter).filter(|name| !name.is_empty()).or_else(|| schema.name_str());
        let name = name.map_or_else(|| self.name_or_default(schema), str::to_owned);
        let name = self.names.proper(unqualified(&name)).map_err(|error| located(at, &error))?.into_owned();
        let mut symbols = Vec::new();
        for (key, value) in schema.parameters.iter().map(|it| (it.key.as_str(), it.value.as_str())) {
            let Some(symbol) = key.strip_prefix(parameter).and_then(|rest| rest.strip_prefix('.')) else { continue };
            let symbol = self.names.proper(symbol).map_err(|error| located(at, &error))?.into_owned();
            let number: i32 = value
                .parse()
                .map_err(|_| Error::data(format!("{at}: the parameter {key} is '{value}', and no symbol's number")))?;
            symbols.push((number, symbol));
        }
        // The first symbol of proto3 is number 0.
        symbols.sort_by_key(|(number, _)| *number != 0);
        if symbols.first().is_none_or(|(number, _)| *number != 0) {
            return Err(Error::data(format!(
                "{at}: the enum {name} has no symbol with number 0, which proto3 asks for"
            )));
        }
        let same = |known: &Schema, new: &Schema| {
            let own = |schema: &Schema| {
                let own = schema.parameters.iter().filter(|it| it.key.starts_with(parameter)).cloned();
                own.collect::<Vec<_>>()
            };
            own(known) == own(new)
        };
        let circle = &mut self.circle;
        let is_taken = |name: &str| circle.as_ref().is_some_and(|circle| circle.has(name));
        let (name, is_new) = message.type_name(name, schema, same, is_taken);
        if let Some(circle) = circle {
            circle.enums.insert(name.clone());
        }
        if is_new {
            let indent = indent(message.depth);
            let numbers: HashSet<_> = symbols.iter().map(|(number, _)| number).collect();
            let alias = if numbers.len() < symbols.len() {
                format!("{indent}  option allow_alias = true;\n")
            } else {
                String::new()
            };
            let lines: String =
                symbols.iter().map(|(number, symbol)| format!("{indent}  {symbol} = {number};\n")).collect();
            _ = writeln!(message.definitions, "{indent}enum {name} {{\n{alias}{lines}{indent}}}");
        }
        Ok(name)
    }

    fn name_or_default(&mut self, schema: &Schema) -> String {
        schema.name_str().filter(|name| !name.is_empty()).map(str::to_owned).unwrap_or_else(|| {
            self.unnamed += 1;
            format!("ConnectDefault{}", self.unnamed)
        })
    }
}

impl Message {
    /// The name of a type within this message, and whether it has to be defined: a name that something else has already
    /// gets a number.
    fn type_name(
        &mut self,
        name: String,
        schema: &Shared<Schema>,
        same: impl Fn(&Schema, &Schema) -> bool,
        is_taken: impl Fn(&str) -> bool,
    ) -> (String, bool) {
        let own = |name: &str| self.types.iter().find(|(known, _)| known == name);
        let is_it = |known: &Schema| known.kind == schema.kind && same(known, schema);
        let name = numbered(name, |name| own(name).map_or(!is_taken(name), |(_, known)| is_it(known)));
        let is_new = own(&name).is_none();
        if is_new {
            self.types.push((name.clone(), schema.clone()));
        }
        (name, is_new)
    }
}

/// The type of plain values.
fn scalar(schema: &Schema) -> Option<&'static str> {
    const NARROW: [&str; 2] = ["sint32", "sfixed32"];
    const WIDE: [&str; 6] = ["uint32", "fixed32", "uint64", "sint64", "fixed64", "sfixed64"];
    let original = |known: &[&'static str]| {
        let original = schema.parameter(names::NUMBER_TYPE);
        known.iter().copied().find(|known| Some(*known) == original)
    };
    Some(match schema.kind {
        SchemaType::INT8 | SchemaType::INT16 => "int32",
        SchemaType::INT32 => original(&NARROW).unwrap_or("int32"),
        SchemaType::INT64 => original(&WIDE).unwrap_or("int64"),
        SchemaType::FLOAT32 => "float",
        SchemaType::FLOAT64 => "double",
        SchemaType::BOOLEAN => "bool",
        SchemaType::STRING => "string",
        SchemaType::BYTES => "bytes",
        _ => return None,
    })
}

fn indent(depth: usize) -> String {
    "  ".repeat(depth)
}

fn escaped(text: &str) -> String {
    text.bytes().fold(String::new(), |mut escaped, byte| {
        match byte {
            b'"' | b'\\' | 0..0x20 | 0x7f.. => _ = write!(escaped, "\\{byte:03o}"),
            plain => escaped.push(plain.into()),
        }
        escaped
    })
}

fn located(at: &Path<'_>, error: &Error) -> Error {
    Error::data(format!("{at}: {error}"))
}
