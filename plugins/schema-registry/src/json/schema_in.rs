//! JSON Schemas as Connect schemas.

use super::documents::{Documents, Place};
use super::options::Options;
use super::{ENUM, NULL_SYMBOL, ONE_OF, SUM_ENUM, SUM_UNION, value_in};
use crate::path::Path;
use ferroconnect_plugin_sdk::abi::recursion::{Recursion, parts};
use ferroconnect_plugin_sdk::abi::schema::Parameter;
use ferroconnect_plugin_sdk::{AbiVec, Error, Field, Result, Schema, SchemaType, Shared, Value, warn};
use serde_json::Value as Json;
use std::collections::{HashMap, HashSet};

/// The schema of a document. `version` is that of the document, for schemas that do not say their own.
///
/// # Errors
/// A data error with the place of what Connect cannot hold.
pub(super) fn read(documents: &Documents, version: Option<i32>, options: &Options) -> Result<Shared<Schema>> {
    let mut reader = Reader {
        documents,
        options,
        version,
        known: HashMap::new(),
        open: Vec::new(),
        level: 0,
        recursion: Recursion::default(),
        placeholders: HashMap::new(),
        unions: 0,
    };
    let schema = reader.schema(documents.root(), false, &Path::Root)?;
    Ok(reader.recursion.close(vec![schema]).map_err(Error::from_abi)?.remove(0))
}

/// How many schemas may stand in one another.
const DEEPEST: usize = 200;

/// Where a schema stands, and whether it is optional there.
type Key = (*const Json, bool);

struct Reader<'a> {
    documents: &'a Documents,
    options: &'a Options,
    version: Option<i32>,
    /// What was read before.
    known: HashMap<Key, Shared<Schema>>,
    /// What is being read, from the outside inwards, with its level.
    open: Vec<(Key, usize)>,
    /// How many arrays and objects are around the values of the schema that is being read.
    level: usize,
    recursion: Recursion,
    /// What stands in place of schemas that were met in themselves.
    placeholders: HashMap<Key, Shared<Schema>>,
    /// How many unions there were.
    unions: usize,
}

impl<'a> Reader<'a> {
    /// The schema of what stands in an array or object.
    fn part(&mut self, place: Place<'a>, optional: bool, at: &Path<'_>) -> Result<Shared<Schema>> {
        self.level += 1;
        let schema = self.schema(place, optional, at);
        self.level -= 1;
        schema
    }

    fn schema(&mut self, place: Place<'a>, optional: bool, at: &Path<'_>) -> Result<Shared<Schema>> {
        let place = self.documents.follow(place).map_err(|error| Error::data(format!("{at}: {error}")))?;
        let key = (place.identity(), optional);
        if let Some(known) = self.known.get(&key) {
            return Ok(known.clone());
        }
        // Nobody could say what fits such a schema: each look at a value would lead to the next, at the same value.
        if self.open.iter().any(|((identity, _), level)| (*identity, *level) == (key.0, self.level)) {
            return Err(refused(at, "the schema is itself a branch or part of itself"));
        }
        if self.open.iter().any(|(open, _)| *open == key) {
            let placeholder = self.placeholders.entry(key).or_insert_with(|| self.recursion.placeholder());
            return Ok(placeholder.clone());
        }
        if self.open.len() == DEEPEST {
            return Err(refused(at, &format!("schemas stand in one another deeper than {DEEPEST} times")));
        }
        self.open.push((key, self.level));
        let schema = self.any(place, optional, at);
        self.open.pop();
        let schema = schema?;
        if let Some(placeholder) = self.placeholders.get(&key) {
            self.recursion.define(placeholder, schema.clone());
        }
        self.known.insert(key, schema.clone());
        Ok(schema)
    }

    /// A schema that is no reference.
    fn any(&mut self, place: Place<'a>, optional: bool, at: &Path<'_>) -> Result<Shared<Schema>> {
        if !place.node.is_object() {
            return Err(refused(at, "the schema says nothing of the type, and Connect schemas have one"));
        }
        if let Some(parts) = place.list("allOf") {
            return self.all_of(place, &parts, optional, at);
        }
        let has_properties = place.node.get("properties").is_some();
        if let Some(branches) = place.list("oneOf").or_else(|| place.list("anyOf")).filter(|_| !has_properties) {
            return self.one_of(place, &branches, optional, at);
        }
        let (types, nullable) = types(place, at)?;
        let optional = optional || nullable;
        let schema = match types.as_slice() {
            [kind] => self.typed(place, kind, at)?,
            kinds => self.union_of_types(place, kinds, at)?,
        };
        self.finish(schema, place, optional, at)
    }

    /// Adds what all schemas may say.
    fn finish(&self, mut schema: Schema, place: Place<'a>, optional: bool, at: &Path<'_>) -> Result<Shared<Schema>> {
        if schema.name.is_none() {
            schema.name = place.text("title").map(Into::into).into();
        }
        let own = place.node.get("connect.version").and_then(Json::as_i64);
        let own = own.and_then(|version| i32::try_from(version).ok());
        schema.version = own.or(self.version.filter(|_| self.open.len() == 1)).into();
        schema.doc = place.text("description").map(Into::into).into();
        let parameters = place.node.get("connect.parameters").and_then(Json::as_object);
        for (key, value) in parameters.into_iter().flatten() {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            schema.parameters.push(parameter(key.as_str(), value));
        }
        schema.optional |= optional;
        // Defaults of structs cannot be said by a Connect schema.
        if let Some(default) = place.node.get("default").filter(|_| schema.kind != SchemaType::STRUCT) {
            match self.default_value(&schema, default, &at.field("default")) {
                Ok(default) => schema.default = Some(default).filter(|default| !default.is_null()).into(),
                // Nothing in JSON Schema has defaults fit, and records can be read without.
                Err(error) => warn!("Ignoring the invalid default of a JSON Schema: {}", error.message()),
            }
        }
        schema.checked().map_err(|error| Error::data(format!("{at}: {error}")))
    }

    fn default_value(&self, schema: &Schema, default: &Json, at: &Path<'_>) -> Result<Value> {
        let bare = Schema { optional: true, ..schema.clone() };
        let items = default.as_array().map_or(0, Vec::len) + default.as_object().map_or(0, |entries| entries.len());
        // Structs in the default would be of the placeholders.
        if items > 0 && self.awaits(&bare, &mut HashSet::new()) {
            return Err(refused(at, "the default of a schema that contains itself has to be empty"));
        }
        value_in::read(&Shared::new(bare), Some(default), self.options, at)
    }

    /// Whether a placeholder stands in the schema, at any depth.
    fn awaits(&self, schema: &Schema, seen: &mut HashSet<usize>) -> bool {
        let is_placeholder = |part: &Shared<Schema>| {
            let is_bare = part.kind == SchemaType::STRUCT && part.fields.is_empty();
            is_bare && self.placeholders.values().any(|placeholder| Shared::same(placeholder, part))
        };
        parts(schema)
            .any(|part| is_placeholder(part) || (seen.insert(Shared::address(part)) && self.awaits(part, seen)))
    }

    /// A schema of one type, without what [`Reader::finish`] adds.
    fn typed(&mut self, place: Place<'a>, kind: &str, at: &Path<'_>) -> Result<Schema> {
        let connect_type = place.text("connect.type");
        let simple = |kind| Ok(Schema::new(kind));
        match (kind, connect_type) {
            ("boolean", _) => simple(SchemaType::BOOLEAN),
            ("integer", None) => simple(SchemaType::INT64),
            ("number", None) => simple(SchemaType::FLOAT64),
            ("integer" | "number", Some(name)) => {
                simple(number(name).ok_or_else(|| refused(at, &format!("'{name}' is no connect.type of numbers")))?)
            }
            ("string", Some("bytes")) => simple(SchemaType::BYTES),
            ("string", _) => Ok(self.text(place)),
            ("array", _) => self.array(place, connect_type == Some("map"), at),
            ("object", Some("map")) => self.map(place, at),
            ("object", _) if is_open_map(place) => self.map(place, at),
            ("object", _) => {
                let properties = self.properties(place, at)?;
                self.structure(properties, at)
            }
            (other, _) => Err(refused(at, &format!("there is no type '{other}'"))),
        }
    }

    fn text(&self, place: Place<'a>) -> Schema {
        let mut schema = Schema::new(SchemaType::STRING);
        let single = place.node.get("const").map(std::slice::from_ref);
        let Some(symbols) = place.node.get("enum").and_then(Json::as_array).map(Vec::as_slice).or(single) else {
            return schema;
        };
        let name = if self.options.sum_types { SUM_ENUM } else { ENUM };
        schema.parameters.push(parameter(name, ""));
        for (index, symbol) in symbols.iter().enumerate() {
            let symbol = match symbol {
                Json::Null => NULL_SYMBOL.to_owned(),
                Json::String(text) => text.clone(),
                other => other.to_string(),
            };
            let value = if self.options.sum_types { index.to_string() } else { symbol.clone() };
            schema.parameters.push(parameter(format!("{name}.{symbol}"), value));
        }
        schema
    }

    fn array(&mut self, place: Place<'a>, is_map: bool, at: &Path<'_>) -> Result<Schema> {
        let items = place.get("items").filter(|items| !items.node.is_array());
        let items = items.ok_or_else(|| refused(at, "the schema of an array does not say that of its items"))?;
        let entry = self.documents.follow(items).ok().and_then(|items| items.get("properties"));
        if let Some((keys, values)) = entry.filter(|_| is_map).and_then(|it| it.get("key").zip(it.get("value"))) {
            let mut schema = Schema::new(SchemaType::MAP);
            schema.keys = self.part(keys, false, &at.field("key"))?.into();
            schema.values = self.part(values, false, &at.field("value"))?.into();
            return Ok(schema);
        }
        let mut schema = Schema::new(SchemaType::ARRAY);
        schema.values = self.part(items, false, &at.field("items"))?.into();
        Ok(schema)
    }

    /// A map with text as keys.
    fn map(&mut self, place: Place<'a>, at: &Path<'_>) -> Result<Schema> {
        let values = place.get("additionalProperties").filter(|values| values.node.is_object());
        let values = values.ok_or_else(|| refused(at, "the schema of a map does not say that of its values"))?;
        let mut schema = Schema::new(SchemaType::MAP);
        schema.keys = Shared::new(Schema::new(SchemaType::STRING)).into();
        schema.values = self.part(values, false, &at.field("additionalProperties"))?.into();
        Ok(schema)
    }

    /// The properties of an object and of what it takes over with `allOf`; the last of a name counts.
    fn properties(&self, place: Place<'a>, at: &Path<'_>) -> Result<Vec<Property<'a>>> {
        let (mut found, mut seen) = (Vec::new(), HashSet::new());
        let mut open = vec![place];
        while let Some(place) = open.pop() {
            let place = self.documents.follow(place).map_err(|error| Error::data(format!("{at}: {error}")))?;
            if !seen.insert(place.identity()) {
                continue;
            }
            let required = |name: &str| {
                let names = place.node.get("required").and_then(Json::as_array);
                names.is_some_and(|names| names.iter().any(|required| required == name))
            };
            let properties = place.node.get("properties").and_then(Json::as_object);
            for (name, node) in properties.into_iter().flatten() {
                let property = Property { name, place: place.part(node), required: required(name) };
                match found.iter_mut().find(|known: &&mut Property<'_>| known.name == name) {
                    Some(known) => *known = property,
                    None => found.push(property),
                }
            }
            open.extend(place.list("allOf").unwrap_or_default().into_iter().rev());
        }
        Ok(found)
    }

    fn structure(&mut self, mut properties: Vec<Property<'a>>, at: &Path<'_>) -> Result<Schema> {
        let place = |(number, property): (usize, &Property<'a>)| property.index().unwrap_or(number as i64);
        let places: HashMap<&str, i64> = properties.iter().enumerate().map(|it| (it.1.name, place(it))).collect();
        properties.sort_by_key(|property| places[property.name]);
        let mut schema = Schema::new(SchemaType::STRUCT);
        for Property { name, place, required } in properties {
            let optional = self.options.optional_for_nonrequired && !required;
            let field = self.part(place, optional, &at.field(name))?;
            schema.fields.push(Field { name: name.into(), schema: field });
        }
        Ok(schema)
    }

    fn one_of(
        &mut self,
        place: Place<'a>,
        branches: &[Place<'a>],
        optional: bool,
        at: &Path<'_>,
    ) -> Result<Shared<Schema>> {
        let is_null = |branch: &&Place<'a>| branch.text("type") == Some("null");
        let real: Vec<_> = branches.iter().filter(|branch| !is_null(branch)).copied().collect();
        let nullable = real.len() < branches.len();
        match real.as_slice() {
            [] => return Err(refused(at, "null is no type by itself")),
            [only] if nullable || self.options.flatten_singleton_unions || is_placed_reference(place, *only) => {
                return self.schema(*only, optional || nullable, at);
            }
            _ => {}
        }
        let mut fields = Vec::new();
        for (index, branch) in real.into_iter().enumerate() {
            fields.push(self.schema(branch, true, &at.item(index))?);
        }
        let union = self.union(fields);
        self.finish(union, place, optional || nullable, at)
    }

    /// `"type": ["string", "integer"]`
    fn union_of_types(&mut self, place: Place<'a>, kinds: &[&str], at: &Path<'_>) -> Result<Schema> {
        let mut fields = Vec::new();
        for kind in kinds {
            let branch = self.typed(place, kind, at)?;
            fields.push(Shared::new(Schema { optional: true, ..branch }));
        }
        Ok(self.union(fields))
    }

    fn union(&mut self, branches: Vec<Shared<Schema>>) -> Schema {
        let mut schema = Schema::new(SchemaType::STRUCT);
        let (name, prefix) = if self.options.sum_types {
            let name = format!("connect_union_{}", self.unions);
            self.unions += 1;
            schema.parameters.push(parameter(SUM_UNION, name.as_str()));
            (name, "connect_union_field_".to_owned())
        } else {
            (ONE_OF.to_owned(), format!("{ONE_OF}.field."))
        };
        schema.name = Some(name.into()).into();
        let field = |(index, schema)| Field { name: format!("{prefix}{index}").into(), schema };
        schema.fields = branches.into_iter().enumerate().map(field).collect::<AbiVec<_>>();
        schema
    }

    /// Objects add up. Of anything else the part that says the most counts.
    fn all_of(
        &mut self,
        place: Place<'a>,
        parts: &[Place<'a>],
        optional: bool,
        at: &Path<'_>,
    ) -> Result<Shared<Schema>> {
        let properties = self.properties(place, at)?;
        if !properties.is_empty() {
            let schema = self.structure(properties, at)?;
            return self.finish(schema, place, optional, at);
        }
        let mut best: Option<(usize, Place<'a>)> = None;
        for part in parts {
            let part = self.documents.follow(*part).map_err(|error| Error::data(format!("{at}: {error}")))?;
            let rank = rank(part);
            if rank > best.map_or(0, |(rank, _)| rank) {
                best = Some((rank, part));
            }
        }
        let (_, part) = best.ok_or_else(|| refused(at, "no part of 'allOf' says the type"))?;
        self.schema(part, optional, at)
    }
}

struct Property<'a> {
    name: &'a str,
    place: Place<'a>,
    required: bool,
}

impl Property<'_> {
    /// Its place among the fields, where the schema came from Connect.
    fn index(&self) -> Option<i64> {
        self.place.node.get("connect.index")?.as_i64()
    }
}

/// Whether a union of one does no more than give a reference its place among the fields: references have nothing beside
/// them.
fn is_placed_reference(union: Place<'_>, branch: Place<'_>) -> bool {
    union.node.get("connect.index").is_some() && branch.text("$ref").is_some()
}

/// How much a part of `allOf` says of the type.
fn rank(part: Place<'_>) -> usize {
    let has = |keys: &[&str]| keys.iter().any(|key| part.node.get(key).is_some());
    match part.text("type") {
        _ if has(&["oneOf", "anyOf", "allOf"]) => 4,
        Some("integer" | "number") => 3,
        _ if has(&["enum", "const"]) => 2,
        Some(_) => 1,
        None => usize::from(has(&["type", "pattern", "format", "items", "minimum", "maximum"])),
    }
}

/// The types that a schema says or means, and whether null is among them.
fn types<'a>(place: Place<'a>, at: &Path<'_>) -> Result<(Vec<&'a str>, bool)> {
    let named: Vec<&str> = match place.node.get("type") {
        Some(Json::String(name)) => vec![name],
        Some(Json::Array(names)) => names.iter().filter_map(Json::as_str).collect(),
        _ => implied(place).into_iter().collect(),
    };
    let nullable = named.contains(&"null");
    let real: Vec<_> = named.iter().copied().filter(|name| *name != "null").collect();
    match (real.is_empty(), nullable) {
        (false, _) => Ok((real, nullable)),
        (true, true) => Err(refused(at, "null is no type by itself")),
        (true, false) => Err(refused(at, "the schema says nothing of the type, and Connect schemas have one")),
    }
}

/// The type that goes with the other keywords.
fn implied(place: Place<'_>) -> Option<&'static str> {
    const MEANINGS: [(&str, &[&str]); 4] = [
        ("object", &["properties", "additionalProperties", "required", "patternProperties"]),
        ("array", &["items", "minItems", "maxItems", "uniqueItems"]),
        ("number", &["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"]),
        ("string", &["enum", "const", "pattern", "format", "minLength", "maxLength"]),
    ];
    let means = |keys: &[&str]| keys.iter().any(|key| place.node.get(key).is_some());
    MEANINGS.into_iter().find(|(_, keys)| means(keys)).map(|(kind, _)| kind)
}

/// Whether an object has nothing but properties of one type under any names.
fn is_open_map(place: Place<'_>) -> bool {
    let values = place.node.get("additionalProperties").and_then(Json::as_object);
    let named = place.node.get("properties").and_then(Json::as_object).is_some_and(|named| !named.is_empty());
    values.is_some_and(|values| !values.is_empty()) && !named
}

fn number(connect_type: &str) -> Option<SchemaType> {
    Some(match connect_type {
        "int8" => SchemaType::INT8,
        "int16" => SchemaType::INT16,
        "int32" => SchemaType::INT32,
        "int64" => SchemaType::INT64,
        "float32" => SchemaType::FLOAT32,
        "float64" => SchemaType::FLOAT64,
        "bytes" => SchemaType::BYTES,
        _ => return None,
    })
}

fn parameter(key: impl Into<String>, value: impl Into<String>) -> Parameter {
    Parameter { key: key.into().into(), value: value.into().into() }
}

fn refused(at: &Path<'_>, reason: &str) -> Error {
    Error::data(format!("{at}: {reason}"))
}
