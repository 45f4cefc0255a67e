//! A Connect schema as the text of an Avro schema.

use std::collections::HashMap;

use ferroconnect_plugin_sdk::{Error, Field, Logical, Result, Schema, SchemaType, decimal_scale};
use serde_json::{Map, Value as Json, json};

use super::defaults;
use super::names::{self, NAMESPACE};
use super::schema::DEEPEST;
use super::settings::AvroSettings;
use crate::codec::Described;

/// What data without schema is written as: a record with one field per kind of value, one of them filled.
pub(super) const ANYTHING: &str = r#"{"type":"record","name":"Anything","namespace":"io.confluent.connect.avro","fields":[{"name":"boolean","type":["null","boolean"],"default":null},{"name":"bytes","type":["null","bytes"],"default":null},{"name":"double","type":["null","double"],"default":null},{"name":"float","type":["null","float"],"default":null},{"name":"int","type":["null","int"],"default":null},{"name":"long","type":["null","long"],"default":null},{"name":"string","type":["null","string"],"default":null},{"name":"array","type":["null",{"type":"array","items":"Anything"}],"default":null},{"name":"map","type":["null",{"type":"array","items":{"type":"record","name":"MapEntry","fields":[{"name":"key","type":"Anything"},{"name":"value","type":"Anything"}]}}],"default":null}]}"#;

/// The Avro schema of a Connect schema; no schema = data without one.
///
/// # Errors
/// A data error where a name is none in Avro, or one name would stand for two types.
pub(super) fn describe(schema: Option<&Schema>, settings: &AvroSettings) -> Result<Described> {
    let Some(schema) = schema else {
        return Ok(Described { text: ANYTHING.to_owned(), record_name: Some(names::ANYTHING.to_owned()) });
    };
    let mut writer =
        Describer { settings, records: Vec::new(), named: HashMap::new(), unnamed: 0, entries: 0, depth: 0 };
    let json = writer.any(schema, "")?;
    let is_record = schema.kind == SchemaType::STRUCT && !names::is_union(schema) && !schema.optional;
    let record_name = writer.records.first().filter(|_| is_record).map(|first| first.name.clone());
    Ok(Described { text: json.to_string(), record_name })
}

/// The fixed type that a schema of bytes stands for: its name and size.
pub(super) fn fixed_size(schema: &Schema) -> Option<(&str, usize)> {
    let is_bytes = schema.kind == SchemaType::BYTES && Logical::of(schema).is_none();
    let size = schema.parameter(names::FIXED_SIZE).filter(|_| is_bytes)?;
    schema.name_str().zip(size.parse().ok())
}

/// Whether a map becomes a map in Avro, whose keys are text; others become arrays of entries.
pub(super) fn is_plain_map(schema: &Schema, settings: &AvroSettings) -> bool {
    let keys = schema.keys.as_deref();
    keys.is_some_and(|keys| keys.kind == SchemaType::STRING && (!keys.optional || settings.optional_map_keys))
}

struct Describer<'a> {
    settings: &'a AvroSettings,
    /// The records so far, those that are not finished included.
    records: Vec<Defined<'a>>,
    /// The other named types so far: the same name twice has to be the same type.
    named: HashMap<String, Json>,
    unnamed: usize,
    entries: usize,
    /// So many types are around the present one.
    depth: usize,
}

struct Defined<'a> {
    schema: &'a Schema,
    name: String,
}

impl<'a> Describer<'a> {
    /// A schema with its null, if it is optional.
    fn any(&mut self, schema: &'a Schema, namespace: &str) -> Result<Json> {
        // Records that contain themselves are named there; arrays, maps and unions have no names, and would never end.
        if self.depth == DEEPEST {
            return Err(Error::data(format!(
                "the schema nests deeper than {DEEPEST} levels, or contains itself by no record"
            )));
        }
        self.depth += 1;
        let described = self.within(schema, namespace);
        self.depth -= 1;
        described
    }

    fn within(&mut self, schema: &'a Schema, namespace: &str) -> Result<Json> {
        if names::is_union(schema) {
            return self.union(schema, namespace);
        }
        let base = self.base(schema, namespace)?;
        Ok(match (schema.optional, schema.default_value()) {
            (false, _) => base,
            (true, None) => json!(["null", base]),
            // The default of a union is one of its first branch.
            (true, Some(_)) => json!([base, "null"]),
        })
    }

    fn union(&mut self, schema: &'a Schema, namespace: &str) -> Result<Json> {
        let mut branches = Vec::with_capacity(schema.fields.len() + 1);
        if schema.optional {
            branches.push(Json::from("null"));
        }
        for field in &schema.fields {
            branches.push(self.base(&field.schema, namespace).map_err(|error| in_field(error, &field.name))?);
        }
        Ok(Json::from(branches))
    }

    /// A schema as if it were not optional.
    fn base(&mut self, schema: &'a Schema, namespace: &str) -> Result<Json> {
        let mut attributes = Map::new();
        let plain = |name: &str| Json::from(name);
        let kind = match schema.kind {
            SchemaType::INT8 | SchemaType::INT16 | SchemaType::INT32 => plain("int"),
            SchemaType::INT64 => plain("long"),
            SchemaType::FLOAT32 => plain("float"),
            SchemaType::FLOAT64 => plain("double"),
            SchemaType::BOOLEAN => plain("boolean"),
            SchemaType::STRING => match self.settings.enum_parameter(schema) {
                Some(parameter) => return self.symbols(schema, parameter, namespace),
                None => plain("string"),
            },
            SchemaType::BYTES => match fixed_size(schema) {
                Some((name, size)) => return self.fixed(schema, name, size, namespace),
                None => plain("bytes"),
            },
            SchemaType::ARRAY => {
                let items =
                    schema.values.as_deref().ok_or_else(|| Error::data("An array has no schema of elements"))?;
                attributes.insert("items".to_owned(), self.any(items, namespace)?);
                plain("array")
            }
            SchemaType::MAP => {
                let values = schema.values.as_deref().ok_or_else(|| Error::data("A map has no schema of values"))?;
                if is_plain_map(schema, self.settings) {
                    attributes.insert("values".to_owned(), self.any(values, namespace)?);
                    plain("map")
                } else {
                    attributes.insert("items".to_owned(), self.entry(schema, values, namespace)?);
                    plain("array")
                }
            }
            SchemaType::STRUCT => return self.record(schema, namespace),
            other => return Err(Error::data(format!("Avro has no type for {}", other.name()))),
        };
        attributes.insert("type".to_owned(), kind.clone());
        self.add_metadata(schema, &mut attributes)?;
        // A type without attributes is its name.
        Ok(if attributes.len() == 1 { kind } else { Json::Object(attributes) })
    }

    fn record(&mut self, schema: &'a Schema, namespace: &str) -> Result<Json> {
        let own = schema.name_str();
        if let Some(known) = self.records.iter().find(|other| same_record(other.schema, schema)) {
            return Ok(Json::from(known.name.as_str()));
        }
        let full = match own {
            Some(own) => self.full_name(own)?,
            None => {
                self.unnamed += 1;
                let number = if self.unnamed == 1 { String::new() } else { self.unnamed.to_string() };
                format!("{NAMESPACE}.{}{number}", names::DEFAULT_NAME)
            }
        };
        self.claim(&full)?;
        self.records.push(Defined { schema, name: full.clone() });
        let mut attributes = named("record", &full, namespace);
        let doc = if self.settings.discard_type_doc { names::PLAIN_RECORD_DOC } else { names::RECORD_DOC };
        add_doc(&mut attributes, schema.parameter(doc));
        let fields = self.fields(schema, &schema.fields, names::split(&full).0)?;
        attributes.insert("fields".to_owned(), fields);
        self.add_metadata(schema, &mut attributes)?;
        Ok(Json::Object(attributes))
    }

    fn fields(&mut self, record: &'a Schema, fields: &'a [Field], namespace: &str) -> Result<Json> {
        let mut described: Vec<Json> = Vec::with_capacity(fields.len());
        for field in fields {
            let name = self.name(&field.name)?;
            if described.iter().any(|other| other["name"] == name) {
                return Err(Error::data(format!(
                    "Two fields have the name {name} in Avro, one of them {}",
                    field.name
                )));
            }
            let doc = match self.settings.discard_type_doc {
                true => field.schema.doc.as_deref().into_option(),
                false => record.parameter(&format!("{}{}", names::FIELD_DOC, field.name)),
            };
            described.push(self.field(&name, &field.schema, doc, namespace).map_err(|error| in_field(error, &name))?);
        }
        Ok(Json::from(described))
    }

    fn field(&mut self, name: &str, schema: &'a Schema, doc: Option<&str>, namespace: &str) -> Result<Json> {
        let kind = self.any(schema, namespace)?;
        let mut attributes = Map::new();
        attributes.insert("name".to_owned(), name.into());
        attributes.insert("type".to_owned(), kind);
        add_doc(&mut attributes, doc);
        match schema.default_value() {
            None if schema.optional => drop(attributes.insert("default".to_owned(), Json::Null)),
            None => {}
            Some(default) => match defaults::to_json(schema, default, self.settings) {
                Ok(default) => drop(attributes.insert("default".to_owned(), default)),
                Err(error) => defaults::warn_of_ignored(name, error.message()),
            },
        }
        Ok(Json::Object(attributes))
    }

    /// The record of a map's entries.
    fn entry(&mut self, schema: &'a Schema, values: &'a Schema, namespace: &str) -> Result<Json> {
        let keys = schema.keys.as_deref().ok_or_else(|| Error::data("A map has no schema of keys"))?;
        let same = |other: &&Defined<'_>| {
            other.schema.kind == SchemaType::MAP
                && other.schema.keys == schema.keys
                && other.schema.values == schema.values
                && other.schema.name == schema.name
        };
        if let Some(known) = self.records.iter().find(same) {
            return Ok(Json::from(known.name.as_str()));
        }
        let full = match schema.name_str() {
            Some(own) => self.full_name(own)?,
            None => {
                self.entries += 1;
                let number = if self.entries == 1 { String::new() } else { self.entries.to_string() };
                format!("{NAMESPACE}.{}{number}", names::MAP_ENTRY)
            }
        };
        self.claim(&full)?;
        self.records.push(Defined { schema, name: full.clone() });
        let mut attributes = named("record", &full, namespace);
        let own = names::split(&full).0.to_owned();
        let fields = json!([self.field("key", keys, None, &own)?, self.field("value", values, None, &own)?]);
        attributes.insert("fields".to_owned(), fields);
        if schema.name_str().is_some() || self.entries > 1 {
            attributes.insert(names::INTERNAL_TYPE.to_owned(), names::MAP_ENTRY.into());
        }
        Ok(Json::Object(attributes))
    }

    fn symbols(&mut self, schema: &'a Schema, parameter: &str, namespace: &str) -> Result<Json> {
        let full = self.full_name(schema.parameter(parameter).unwrap_or_default())?;
        let prefix = format!("{parameter}.");
        let symbols = schema.parameters.iter().filter_map(|other| other.key.strip_prefix(&prefix)).map(Json::from);
        let mut attributes = named("enum", &full, namespace);
        let name = names::split(schema.name_str().unwrap_or(&full)).1;
        if self.settings.discard_type_doc {
            add_doc(&mut attributes, schema.parameter(names::PLAIN_ENUM_DOC));
        } else {
            add_doc(&mut attributes, schema.parameter(&format!("{}{name}", names::ENUM_DOC)));
        }
        attributes.insert("symbols".to_owned(), symbols.collect());
        if let Some(default) = schema.parameter(&format!("{}{name}", names::ENUM_DEFAULT)) {
            attributes.insert("default".to_owned(), default.into());
        }
        self.add_metadata(schema, &mut attributes)?;
        self.once(full, attributes)
    }

    fn fixed(&mut self, schema: &'a Schema, name: &str, size: usize, namespace: &str) -> Result<Json> {
        let full = self.full_name(name)?;
        let mut attributes = named("fixed", &full, namespace);
        attributes.insert("size".to_owned(), size.into());
        self.add_metadata(schema, &mut attributes)?;
        self.once(full, attributes)
    }

    /// The definition of a named type, or its name where the same definition stands before.
    fn once(&mut self, full: String, attributes: Map<String, Json>) -> Result<Json> {
        let mut comparable = attributes.clone();
        comparable.remove("namespace");
        if self.named.get(&full).is_some_and(|known| known.as_object() == Some(&comparable)) {
            return Ok(Json::from(full));
        }
        self.claim(&full)?;
        self.named.insert(full, Json::Object(comparable));
        Ok(Json::Object(attributes))
    }

    /// Refuses a full name that stands for another type already.
    fn claim(&self, full: &str) -> Result<()> {
        if self.named.contains_key(full) || self.records.iter().any(|other| other.name == full) {
            return Err(Error::data(format!(
                "Two schemas that differ have the name {full}, and Avro allows one definition of a name"
            )));
        }
        Ok(())
    }

    fn name(&self, name: &str) -> Result<String> {
        match self.settings.scrub_names {
            true => Ok(names::scrub(name).into_owned()),
            false if names::is_valid(name) => Ok(name.to_owned()),
            false => Err(Error::data(format!(
                "'{name}' is no name in Avro: a name has letters of ASCII, digits and _, and no digit in front. \
                 scrub.invalid.names=true replaces what is not allowed"
            ))),
        }
    }

    fn full_name(&self, full: &str) -> Result<String> {
        if self.settings.scrub_names {
            return Ok(names::scrub_full(full));
        }
        full.split('.').try_for_each(|part| self.name(part).map(drop))?;
        Ok(full.to_owned())
    }

    /// What Avro has no words for, and logical types.
    fn add_metadata(&self, schema: &Schema, attributes: &mut Map<String, Json>) -> Result<()> {
        let logical = Logical::of(schema);
        let precision = decimal_precision(schema);
        if logical == Some(Logical::Decimal) && schema.kind == SchemaType::BYTES {
            attributes.insert("scale".to_owned(), decimal_scale(schema)?.into());
            attributes.insert("precision".to_owned(), precision.into());
        }
        if self.settings.metadata {
            self.add_connect(schema, attributes);
        }
        let logical = match (logical, schema.kind) {
            (Some(Logical::Decimal), SchemaType::BYTES) => {
                // Avro's own rule; readers know the rest by the Connect name.
                (0..=precision).contains(&decimal_scale(schema)?.into()).then_some("decimal")
            }
            (Some(Logical::Date), SchemaType::INT32) => Some("date"),
            (Some(Logical::Time), SchemaType::INT32) => Some("time-millis"),
            (Some(Logical::Timestamp), SchemaType::INT64) => Some("timestamp-millis"),
            _ => None,
        };
        if let Some(logical) = logical {
            attributes.insert("logicalType".to_owned(), logical.into());
        }
        for parameter in schema.parameters.iter().filter(|parameter| parameter.key.starts_with("avro")) {
            attributes.insert(parameter.key.to_string(), parameter.value.as_str().into());
        }
        Ok(())
    }

    fn add_connect(&self, schema: &Schema, attributes: &mut Map<String, Json>) {
        let mut add = |name: &str, value: Json| drop(attributes.insert(name.to_owned(), value));
        if let Some(doc) = schema.doc.as_deref().into_option() {
            add(names::CONNECT_DOC, doc.into());
        }
        if let Some(version) = schema.version.into_option() {
            add(names::CONNECT_VERSION, version.into());
        }
        let parameters = schema.parameters.iter().filter(|parameter| parameter.key.as_str() != names::FIELD_DEFAULT);
        let parameters: Map<String, Json> =
            parameters.map(|parameter| (parameter.key.to_string(), parameter.value.as_str().into())).collect();
        if !parameters.is_empty() {
            add(names::CONNECT_PARAMETERS, Json::Object(parameters));
        }
        let is_connects = self.settings.discard_type_doc || schema.parameter(names::FIELD_DEFAULT).is_none();
        if let Some(default) = schema.default_value().filter(|_| is_connects)
            && let Ok(default) = defaults::to_json(schema, default, self.settings)
        {
            add(names::CONNECT_DEFAULT, default);
        }
        if let Some(name) = schema.name_str() {
            add(names::CONNECT_NAME, name.into());
        }
        match schema.kind {
            SchemaType::INT8 => add(names::CONNECT_TYPE, "int8".into()),
            SchemaType::INT16 => add(names::CONNECT_TYPE, "int16".into()),
            _ => {}
        }
    }
}

fn decimal_precision(schema: &Schema) -> i64 {
    schema.parameter(names::PRECISION).and_then(|text| text.parse().ok()).unwrap_or(names::USUAL_PRECISION)
}

/// Whether two structs are one record; null aside, which is the place's matter.
fn same_record(a: &Schema, b: &Schema) -> bool {
    a.kind == SchemaType::STRUCT
        && b.kind == SchemaType::STRUCT
        && a.name == b.name
        && a.version == b.version
        && a.doc == b.doc
        && a.fields == b.fields
        && a.has_parameters_of(b)
        && a.default == b.default
}

/// The head of a named type; the namespace is left out where it is that of the place.
fn named(kind: &str, full: &str, namespace: &str) -> Map<String, Json> {
    let (own, name) = names::split(full);
    let mut attributes = Map::new();
    attributes.insert("type".to_owned(), kind.into());
    attributes.insert("name".to_owned(), name.into());
    if own != namespace {
        attributes.insert("namespace".to_owned(), own.into());
    }
    attributes
}

fn add_doc(attributes: &mut Map<String, Json>, doc: Option<&str>) {
    if let Some(doc) = doc {
        attributes.insert("doc".to_owned(), doc.into());
    }
}

fn in_field(error: Error, name: &str) -> Error {
    let message = format!("{name}: {}", error.message());
    Error::new(error.kind(), message)
}
