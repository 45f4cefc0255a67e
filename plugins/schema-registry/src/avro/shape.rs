//! An Avro schema as the Connect schema of its values, and as the plan to read them.

use std::collections::HashMap;
use std::sync::Arc;

use ferroconnect_plugin_sdk::abi::recursion::Recursion;
use ferroconnect_plugin_sdk::abi::schema::Parameter;
use ferroconnect_plugin_sdk::{Error, Logical, Result, Schema, SchemaBuilder, SchemaType, Shared, Text, Value};
use serde_json::Value as Json;

use super::defaults;
use super::names;
use super::reader::{Plan, Reader};
use super::schema::{AvroSchema, Enum, Field, Kind, Record, Type, TypeId};
use super::settings::AvroSettings;

/// The Connect schema of a type's values, and how they are read.
#[derive(Clone)]
struct Shape {
    schema: Shared<Schema>,
    plan: Arc<Plan>,
}

/// What the place of a type says of it.
#[derive(Clone, Copy, Default)]
struct Place<'a> {
    optional: bool,
    default: Option<&'a Json>,
    doc: Option<&'a str>,
}

/// The Connect schema of the type at the top, and how its payloads are read. `version` = that of the schema in its subject.
///
/// # Errors
/// A data error where Connect has no such schema.
pub(super) fn shape(
    avro: &AvroSchema,
    settings: &AvroSettings,
    version: Option<i32>,
) -> Result<(Shared<Schema>, Reader)> {
    let mut shaper = Shaper {
        avro,
        settings,
        version,
        known: HashMap::new(),
        structs: Vec::new(),
        recursion: Recursion::default(),
        repeated: Vec::new(),
        unions: 0,
    };
    let Shape { schema, plan } = shaper.shape(avro.root(), Place::default())?;
    let Shaper { mut structs, recursion, repeated, .. } = shaper;
    structs.push(schema);
    let mut structs = recursion.close(structs).map_err(Error::from_abi)?;
    let schema = structs.pop().expect("it was put there");
    let repeated = repeated.into_iter().map(|plan| plan.expect("whatever is begun is finished")).collect();
    Ok((schema, Reader { plan, structs, repeated }))
}

struct Shaper<'a> {
    avro: &'a AvroSchema,
    settings: &'a AvroSettings,
    /// That of the type at the top.
    version: Option<i32>,
    /// Types without a default of their place, by their null and documentation there, so that what is named often is looked
    /// at once: records of records of records would take twice as long for each level.
    known: HashMap<(TypeId, bool, Option<&'a str>), Known>,
    /// The schemas of structs, which plans name by their places.
    structs: Vec<Shared<Schema>>,
    recursion: Recursion,
    /// The plans of what stands in itself; none while they are being made.
    repeated: Vec<Option<Arc<Plan>>>,
    unions: usize,
}

/// What is known of a type.
enum Known {
    /// It is being looked at. If it was met again within itself: what stands for it there, and its place among the repeated.
    Open(Option<(Shared<Schema>, usize)>),
    Done(Shape),
}

impl<'a> Shaper<'a> {
    fn shape(&mut self, id: TypeId, place: Place<'a>) -> Result<Shape> {
        let key = (id, place.optional, place.doc);
        let is_bare = place.default.is_none();
        if is_bare {
            match self.known.get_mut(&key) {
                Some(Known::Done(shape)) => return Ok(shape.clone()),
                Some(Known::Open(met)) => {
                    let (schema, at) = met.get_or_insert_with(|| {
                        self.repeated.push(None);
                        (self.recursion.placeholder(), self.repeated.len() - 1)
                    });
                    return Ok(Shape { schema: schema.clone(), plan: Arc::new(Plan::Again(*at)) });
                }
                None => drop(self.known.insert(key, Known::Open(None))),
            }
        }
        let kind = self.avro.get(id);
        let shape = match &kind.kind {
            Kind::Union(branches) => self.union(branches, place)?,
            Kind::Record(record) => self.record(record, id, place)?,
            _ => {
                let (schema, plan) = self.plain(kind)?;
                self.finish(schema, plan, id, place)?
            }
        };
        if is_bare && let Some(Known::Open(Some((met, at)))) = self.known.insert(key, Known::Done(shape.clone())) {
            self.recursion.define(&met, shape.schema.clone());
            self.repeated[at] = Some(shape.plan.clone());
        }
        Ok(shape)
    }

    /// The place of a struct's schema, for plans.
    fn keep(&mut self, schema: &Shared<Schema>) -> usize {
        self.structs.push(schema.clone());
        self.structs.len() - 1
    }

    fn inner(&mut self, id: TypeId) -> Result<Shape> {
        self.shape(id, Place::default())
    }

    /// All types but records and unions, without what their attributes add.
    fn plain(&mut self, kind: &Type) -> Result<(Schema, Plan)> {
        let logical = kind.logical();
        let of = |kind: SchemaType, plan: Plan| (Schema::new(kind), plan);
        Ok(match (&kind.kind, logical.as_deref()) {
            (Kind::Boolean, _) => of(SchemaType::BOOLEAN, Plan::Boolean),
            (Kind::Int, Some("date")) => (Schema::clone(&SchemaBuilder::date().build()), Plan::Date),
            (Kind::Int, Some("time-millis")) => (Schema::clone(&SchemaBuilder::time().build()), Plan::Time),
            (Kind::Int, logical) => match kind.text(names::CONNECT_TYPE).filter(|_| logical.is_none()) {
                None => of(SchemaType::INT32, Plan::Int32),
                Some("int8") => of(SchemaType::INT8, Plan::Int8),
                Some("int16") => of(SchemaType::INT16, Plan::Int16),
                Some(other) => {
                    return Err(Error::data(format!(
                        "{} of an int is int8 or int16, and not {other}",
                        names::CONNECT_TYPE
                    )));
                }
            },
            (Kind::Long, Some("timestamp-millis")) => {
                (Schema::clone(&SchemaBuilder::timestamp().build()), Plan::Timestamp)
            }
            (Kind::Long, _) => of(SchemaType::INT64, Plan::Int64),
            (Kind::Float, _) => of(SchemaType::FLOAT32, Plan::Float32),
            (Kind::Double, _) => of(SchemaType::FLOAT64, Plan::Float64),
            (Kind::String, _) => of(SchemaType::STRING, Plan::Text),
            (Kind::Bytes, Some("decimal")) => decimal(kind, None)?,
            (Kind::Bytes, _) => of(SchemaType::BYTES, Plan::Bytes),
            (Kind::Fixed { size, .. }, Some("decimal")) => decimal(kind, Some(*size))?,
            (Kind::Fixed { size, .. }, _) => {
                let mut schema = Schema::new(SchemaType::BYTES);
                add_parameter(&mut schema, names::FIXED_SIZE, size.to_string());
                (schema, Plan::Fixed(*size))
            }
            (Kind::Array(items), _) => match self.map_entry(*items) {
                Some(record) => self.entries(record)?,
                None => {
                    let items = self.inner(*items)?;
                    let mut schema = Schema::new(SchemaType::ARRAY);
                    schema.values = items.schema.into();
                    (schema, Plan::Array(items.plan))
                }
            },
            (Kind::Map(values), _) => {
                let values = self.inner(*values)?;
                let mut schema = Schema::new(SchemaType::MAP);
                schema.keys = SchemaBuilder::string().build().into();
                schema.values = values.schema.into();
                (schema, Plan::Map(values.plan))
            }
            (Kind::Enum(symbols), _) => self.symbols(symbols, kind),
            (Kind::Null, _) => return Err(Error::data("Standalone null schemas are not supported by this converter")),
            (Kind::Union(_) | Kind::Record(_), _) => unreachable!("the caller has taken these out"),
        })
    }

    /// The record of an array's elements, where they stand for the entries of a map.
    fn map_entry(&self, items: TypeId) -> Option<&'a Record> {
        let kind = self.avro.get(items);
        let Kind::Record(record) = &kind.kind else { return None };
        let is_entry = names::split(&record.name) == (names::NAMESPACE, names::MAP_ENTRY)
            || kind.text(names::INTERNAL_TYPE) == Some(names::MAP_ENTRY);
        is_entry.then_some(record)
    }

    fn entries(&mut self, record: &Record) -> Result<(Schema, Plan)> {
        let [key, value] = record.fields.as_slice() else { return Err(no_entry()) };
        if key.name != "key" || value.name != "value" {
            return Err(no_entry());
        }
        let (key, value) = (self.inner(key.kind)?, self.inner(value.kind)?);
        let mut schema = Schema::new(SchemaType::MAP);
        schema.keys = key.schema.into();
        schema.values = value.schema.into();
        Ok((schema, Plan::Entries { key: key.plan, value: value.plan }))
    }

    fn symbols(&self, symbols: &Enum, kind: &Type) -> (Schema, Plan) {
        let mut schema = Schema::new(SchemaType::STRING);
        let short = names::split(&symbols.name).1;
        if self.settings.metadata && !self.settings.discard_type_doc {
            if let Some(doc) = kind.text("doc") {
                add_parameter(&mut schema, &format!("{}{short}", names::ENUM_DOC), doc);
            }
            if let Some(default) = &symbols.default {
                add_parameter(&mut schema, &format!("{}{short}", names::ENUM_DEFAULT), default.as_str());
            }
        }
        let parameter = if self.settings.generalized { names::GENERAL_ENUM } else { names::ENUM };
        add_parameter(&mut schema, parameter, symbols.name.as_str());
        for (place, symbol) in symbols.symbols.iter().enumerate() {
            let value = if self.settings.generalized { place.to_string() } else { symbol.clone() };
            add_parameter(&mut schema, &format!("{parameter}.{symbol}"), value);
        }
        let texts = symbols.symbols.iter().map(|symbol| Text::from(symbol.as_str())).collect();
        (schema, Plan::Enum(texts))
    }

    fn record(&mut self, record: &'a Record, id: TypeId, place: Place<'a>) -> Result<Shape> {
        let kind = self.avro.get(id);
        let mut schema = Schema::new(SchemaType::STRUCT);
        let takes_docs = self.settings.metadata && !self.settings.discard_type_doc;
        if let Some(doc) = kind.text("doc").filter(|_| takes_docs) {
            add_parameter(&mut schema, names::RECORD_DOC, doc);
        }
        let mut plans = Vec::with_capacity(record.fields.len());
        for field in &record.fields {
            let doc = field.doc.as_deref();
            if let Some(doc) = doc.filter(|_| takes_docs) {
                add_parameter(&mut schema, &format!("{}{}", names::FIELD_DOC, field.name), doc);
            }
            let doc = doc.filter(|_| self.settings.discard_type_doc);
            let default = field.default.as_ref().filter(|_| self.may_have_default(field));
            let place = Place { default, doc, optional: false };
            let shape = self.shape(field.kind, place).map_err(|error| in_field(error, &field.name))?;
            schema
                .fields
                .push(ferroconnect_plugin_sdk::Field { name: field.name.as_str().into(), schema: shape.schema });
            plans.push(shape.plan);
        }
        let schema = self.annotate(schema, id, place)?;
        let plan = Plan::Record { schema: self.keep(&schema), fields: plans };
        Ok(Shape { schema, plan: Arc::new(plan) })
    }

    /// A record's schema would have to hold a value of itself.
    fn may_have_default(&self, field: &Field) -> bool {
        let is_record = matches!(self.avro.get(field.kind).kind, Kind::Record(_));
        if is_record && field.default.is_some() {
            defaults::warn_of_ignored(&field.name, "it is one of a record");
        }
        !is_record
    }

    fn union(&mut self, branches: &[TypeId], place: Place<'a>) -> Result<Shape> {
        let null = branches.iter().position(|branch| self.avro.is_null(*branch));
        let bare = Place { doc: place.doc, ..Place::default() };
        match (branches, null) {
            ([one], None) if self.settings.flatten_singletons => {
                let one = self.shape(*one, Place { optional: place.optional, ..bare })?;
                return Ok(Shape {
                    schema: one.schema,
                    plan: Arc::new(Plan::Optional { null: None, other: 0, plan: one.plan }),
                });
            }
            ([_, _], Some(null)) => {
                let other = 1 - null;
                let one = self.shape(branches[other], Place { optional: true, ..bare })?;
                return Ok(Shape {
                    schema: one.schema,
                    plan: Arc::new(Plan::Optional { null: Some(null), other, plan: one.plan }),
                });
            }
            _ => {}
        }
        let mut schema = Schema::new(SchemaType::STRUCT);
        schema.name = Some(Text::from(names::UNION)).into();
        if self.settings.generalized {
            let name = format!("{}{}", names::GENERAL_UNION_NAME, self.unions);
            self.unions += 1;
            add_parameter(&mut schema, names::GENERAL_UNION, name.as_str());
            schema.name = Some(Text::from(name)).into();
        }
        let mut plans = Vec::with_capacity(branches.len());
        for (number, branch) in branches.iter().enumerate() {
            if Some(number) == null {
                plans.push(None);
                continue;
            }
            let name = self.branch_name(*branch, number);
            if schema.field_index(&name).is_some() {
                return Err(Error::data("Multiple union schemas map to the Connect union field name"));
            }
            let shape = self.shape(*branch, Place { optional: true, ..Place::default() });
            let shape = shape.map_err(|error| in_field(error, &name))?;
            plans.push(Some((schema.fields.len(), shape.plan)));
            schema.fields.push(ferroconnect_plugin_sdk::Field { name: name.into(), schema: shape.schema });
        }
        schema.optional = null.is_some() || place.optional;
        let schema = schema.checked().map_err(Error::from_abi)?;
        let plan = Plan::Union { schema: self.keep(&schema), branches: plans };
        Ok(Shape { schema, plan: Arc::new(plan) })
    }

    fn branch_name(&self, branch: TypeId, number: usize) -> String {
        if self.settings.generalized {
            return format!("{}{number}", names::GENERAL_UNION_FIELD);
        }
        let name = self.avro.get(branch).kind.name();
        if self.settings.enhanced { name.to_owned() } else { names::split(name).1.to_owned() }
    }

    fn finish(&self, schema: Schema, plan: Plan, id: TypeId, place: Place<'_>) -> Result<Shape> {
        let schema = self.annotate(schema, id, place)?;
        // The name may make a logical type of what Avro knows as a mere number.
        let plan = match (Logical::of(&schema), &plan) {
            (Some(logical), Plan::Bytes | Plan::Fixed(_) | Plan::Int32 | Plan::Int64) => {
                Plan::Logical { logical, schema: schema.clone(), base: Arc::new(plan) }
            }
            _ => plan,
        };
        Ok(Shape { schema, plan: Arc::new(plan) })
    }

    /// What attributes and the place add to a schema.
    fn annotate(&self, mut schema: Schema, id: TypeId, place: Place<'_>) -> Result<Shared<Schema>> {
        let kind = self.avro.get(id);
        self.add_doc(&mut schema, kind, place);
        let version = match kind.attributes.get(names::CONNECT_VERSION) {
            None => self.version.filter(|_| id == self.avro.root()),
            Some(version) => {
                let number = version.as_i64().and_then(|version| i32::try_from(version).ok());
                Some(number.ok_or_else(|| Error::data(format!("Invalid Connect version found: {version}")))?)
            }
        };
        // A logical type has its own version.
        if let (Some(version), true) = (version.filter(|version| *version >= 0), schema.version.is_none()) {
            schema.version = Some(version).into();
        }
        if let Some(parameters) = kind.attributes.get(names::CONNECT_PARAMETERS).filter(|_| self.settings.metadata) {
            add_parameters(&mut schema, parameters)?;
        }
        for (key, value) in kind.attributes.iter().filter(|(key, _)| key.starts_with("avro")) {
            add_parameter(&mut schema, key, value.as_str().map_or_else(|| value.to_string(), str::to_owned));
        }
        self.add_name(&mut schema, kind)?;
        schema.optional = place.optional;
        self.add_default(&mut schema, kind, place);
        schema.checked().map_err(Error::from_abi)
    }

    fn add_doc(&self, schema: &mut Schema, kind: &Type, place: Place<'_>) {
        let connects = kind.text(names::CONNECT_DOC);
        if !self.settings.discard_type_doc {
            schema.doc = connects.filter(|_| self.settings.metadata).map(Text::from).into();
            return;
        }
        let own = kind.text("doc");
        schema.doc = place.doc.or(own).or(connects).map(Text::from).into();
        if let Some(own) = own.filter(|_| self.settings.metadata) {
            let is_enum = matches!(kind.kind, Kind::Enum(_));
            add_parameter(schema, if is_enum { names::PLAIN_ENUM_DOC } else { names::PLAIN_RECORD_DOC }, own);
        }
    }

    fn add_name(&self, schema: &mut Schema, kind: &Type) -> Result<()> {
        let own = match &kind.kind {
            Kind::Record(_) | Kind::Enum(_) | Kind::Fixed { .. } => Some(kind.kind.name()),
            _ => None,
        };
        let named = match kind.attributes.get(names::CONNECT_NAME) {
            Some(Json::String(name)) => Some(name.as_str()),
            Some(other) => return Err(Error::data(format!("Invalid schema name: {other}"))),
            // A logical type has its own name.
            None => own.filter(|_| schema.name_str().is_none()),
        };
        let unnamed = format!("{}.{}", names::NAMESPACE, names::DEFAULT_NAME);
        let Some(named) = named.filter(|name| !name.starts_with(&unnamed)) else { return Ok(()) };
        match schema.name_str() {
            Some(before) if before != named => Err(Error::data(format!(
                "Mismatched names: name already added to SchemaBuilder ({before}) differs from name in source schema \
                 ({named})"
            ))),
            _ => {
                schema.name = Some(Text::from(named)).into();
                Ok(())
            }
        }
    }

    fn add_default(&self, schema: &mut Schema, kind: &Type, place: Place<'_>) {
        let connects = kind.attributes.get(names::CONNECT_DEFAULT);
        let Some(json) = place.default.or(connects) else { return };
        let fits = |value: &Value| {
            let mut trial = schema.clone();
            trial.default = Some(value.clone()).into();
            trial.checked().is_ok()
        };
        match defaults::from_json(schema, json).filter(fits) {
            Some(value) => {
                if place.default.is_some()
                    && connects.is_none()
                    && self.settings.metadata
                    && !self.settings.discard_type_doc
                {
                    add_parameter(schema, names::FIELD_DEFAULT, "true");
                }
                schema.default = Some(value).into();
            }
            None => defaults::warn_of_ignored(kind.kind.name(), &format!("{json} does not fit")),
        }
    }
}

fn decimal(kind: &Type, size: Option<usize>) -> Result<(Schema, Plan)> {
    let number = |name: &str| match kind.attributes.get(name) {
        None => Ok(None),
        Some(value) => match value.as_i64().and_then(|number| i32::try_from(number).ok()) {
            Some(number) => Ok(Some(number)),
            None => Err(Error::data(format!("{name} of a decimal is a number, and not {value}"))),
        },
    };
    // The specification: without a scale it is zero.
    let scale = number("scale")?.unwrap_or(0);
    let mut schema = Schema::clone(&SchemaBuilder::decimal(scale).build());
    if let Some(precision) = number("precision")?.filter(|precision| i64::from(*precision) != names::USUAL_PRECISION) {
        add_parameter(&mut schema, names::PRECISION, precision.to_string());
    }
    if let Some(size) = size {
        add_parameter(&mut schema, names::FIXED_SIZE, size.to_string());
    }
    Ok((schema, Plan::Decimal { scale, size }))
}

fn no_entry() -> Error {
    Error::data("Found map encoded as array of key-value pairs, but array elements do not match the expected format.")
}

/// Adds a parameter, in place of one of the same name.
fn add_parameter(schema: &mut Schema, key: &str, value: impl Into<Text>) {
    let value = value.into();
    match schema.parameters.iter_mut().find(|parameter| parameter.key.as_str() == key) {
        Some(parameter) => parameter.value = value,
        None => schema.parameters.push(Parameter { key: key.into(), value }),
    }
}

fn add_parameters(schema: &mut Schema, parameters: &Json) -> Result<()> {
    let parameters = parameters
        .as_object()
        .ok_or_else(|| Error::data(format!("Expected JSON object for schema parameters but found: {parameters}")))?;
    for (key, value) in parameters {
        let value = value
            .as_str()
            .ok_or_else(|| Error::data(format!("Expected schema parameter values to be strings but found: {value}")))?;
        add_parameter(schema, key, value);
    }
    Ok(())
}

fn in_field(error: Error, name: &str) -> Error {
    Error::new(error.kind(), format!("{name}: {}", error.message()))
}
