//! How values of a Connect schema are written by a registered one: made once, and used for every record.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use ferroconnect_plugin_sdk::{Logical, Schema, SchemaType, Shared, decimal_scale};
use serde_json::Value as Json;

use super::describe::{fixed_size, is_plain_map};
use super::names;
use super::schema::{AvroSchema, Kind, Record, Type, TypeId};
use super::settings::AvroSettings;
use super::writer::{Misfit, Plan, Step, Writer};

/// The plan for values of a schema by a registered one. `strict` = refuses what could fail for a value that the Connect
/// schema allows.
///
/// # Errors
/// A data error that names the field where the two do not fit.
pub(super) fn plan(
    schema: Option<&Shared<Schema>>,
    avro: &AvroSchema,
    settings: &AvroSettings,
    strict: bool,
) -> Result<Writer, Misfit> {
    let planner = Planner { avro, settings, strict, memory: RefCell::default() };
    let plan = planner.plan(schema, avro.root())?;
    Ok(Writer { plan, repeated: planner.memory.into_inner().repeated })
}

/// Makes plans.
pub(super) struct Planner<'a> {
    pub(super) avro: &'a AvroSchema,
    pub(super) settings: &'a AvroSettings,
    pub(super) strict: bool,
    memory: RefCell<Memory>,
}

/// A schema, by its address, and the type that it is written as.
type Pair = (usize, TypeId);

/// What a planner has done so far.
#[derive(Default)]
struct Memory {
    known: HashMap<Pair, Known>,
    /// Those that are known, in the order in which they were begun.
    begun: Vec<Pair>,
    /// The plans of what stands in itself; none while they are being made.
    repeated: Vec<Option<Arc<Plan>>>,
}

enum Known {
    /// It is being looked at. If it was met again within itself: its place among the repeated.
    Open(Option<usize>),
    Done(Arc<Plan>),
}

impl Memory {
    /// The plan of what was met before; begins it otherwise.
    fn find(&mut self, pair: Pair) -> Option<Plan> {
        match self.known.get_mut(&pair) {
            Some(Known::Done(plan)) => return Some(Plan::Known(plan.clone())),
            Some(Known::Open(met)) => {
                let place = *met.get_or_insert_with(|| {
                    self.repeated.push(None);
                    self.repeated.len() - 1
                });
                return Some(Plan::Again(place));
            }
            None => {}
        }
        self.known.insert(pair, Known::Open(None));
        self.begun.push(pair);
        None
    }

    fn finish(&mut self, pair: Pair, plan: Plan) -> Plan {
        let plan = Arc::new(plan);
        if let Some(Known::Open(Some(place))) = self.known.insert(pair, Known::Done(plan.clone())) {
            self.repeated[place] = Some(plan.clone());
        }
        Plan::Known(plan)
    }

    /// Forgets a pair that does not fit, and all that was found within: it may have relied on the pair.
    fn forget(&mut self, pair: Pair) {
        while let Some(begun) = self.begun.pop() {
            self.known.remove(&begun);
            if begun == pair {
                break;
            }
        }
    }
}

impl Planner<'_> {
    /// The plan for a place; no schema = data without one.
    pub(super) fn plan(&self, schema: Option<&Shared<Schema>>, id: TypeId) -> Result<Plan, Misfit> {
        let Some(schema) = schema else {
            return match &self.avro.get(id).kind {
                Kind::Record(record) if record.name == names::ANYTHING => Ok(Plan::Anything),
                other => Err(Misfit::new(format!(
                    "data without schema is written as {}, and not as {}",
                    names::ANYTHING,
                    other.name()
                ))),
            };
        };
        if names::is_union(schema) {
            return self.union(schema, id);
        }
        let Kind::Union(branches) = &self.avro.get(id).kind else {
            if schema.optional && self.strict {
                let kind = self.avro.get(id).kind.name();
                return Err(Misfit::new(format!("it may be null, and the registered schema has {kind} without null")));
            }
            let plan = self.value(schema, id)?;
            return Ok(if schema.optional {
                Plan::Optional { null: None, branch: None, plan: Box::new(plan) }
            } else {
                plan
            });
        };
        let null = branches.iter().position(|branch| self.avro.is_null(*branch)).map(|at| at as i64);
        if schema.optional && null.is_none() && self.strict {
            return Err(Misfit::new("it may be null, and the registered schema has a union without null"));
        }
        let (branch, plan) = self.branch(schema, branches)?;
        Ok(Plan::Optional { null: null.filter(|_| schema.optional), branch: Some(branch), plan: Box::new(plan) })
    }

    /// The branch of a union that holds the values of a schema: the one of the same name, or that of the type that Connect
    /// gives such values in Avro, or else the first that can.
    fn branch(&self, schema: &Shared<Schema>, branches: &[TypeId]) -> Result<(i64, Plan), Misfit> {
        let name = schema
            .name_str()
            .map(|name| if self.settings.scrub_names { names::scrub_full(name) } else { name.to_owned() });
        let mut order: Vec<(usize, &TypeId)> = branches.iter().enumerate().collect();
        order.sort_by_key(|(_, id)| match &self.avro.get(**id).kind {
            kind if name.as_deref() == Some(kind.name()) => 0,
            kind if is_natural(schema.kind, kind) => 1,
            _ => 2,
        });
        // That of the branch that was most likely meant.
        let mut first = None;
        for (at, id) in order {
            if self.avro.is_null(*id) {
                continue;
            }
            match self.value(schema, *id) {
                Ok(plan) => return Ok((at as i64, plan)),
                Err(misfit) => drop(first.get_or_insert(misfit)),
            }
        }
        Err(first.unwrap_or_else(|| Misfit::new("the registered schema has a union of nothing but null")))
    }

    fn union(&self, schema: &Shared<Schema>, id: TypeId) -> Result<Plan, Misfit> {
        let Kind::Union(branches) = &self.avro.get(id).kind else {
            return Err(Misfit::new(format!(
                "it is a union, and the registered schema has {}",
                self.avro.get(id).kind.name()
            )));
        };
        let null = branches.iter().position(|branch| self.avro.is_null(*branch)).map(|at| at as i64);
        // Each branch serves one field: two fields of one type are the union's branches in their order.
        let mut free: Vec<Option<TypeId>> =
            branches.iter().map(|branch| (!self.avro.is_null(*branch)).then_some(*branch)).collect();
        let mut plans = Vec::with_capacity(schema.fields.len());
        for (index, field) in schema.fields.iter().enumerate() {
            let candidates: Vec<TypeId> = free.iter().flatten().copied().collect();
            let (at, plan) = self.branch(&field.schema, &candidates).map_err(|misfit| misfit.within(&field.name))?;
            let chosen = candidates[at as usize];
            let number = free.iter().position(|branch| *branch == Some(chosen)).expect("it is one of the free ones");
            free[number] = None;
            plans.push((index, number as i64, plan));
        }
        Ok(Plan::Union { schema: schema.clone(), branches: plans, null: null.filter(|_| schema.optional) })
    }

    /// The plan for values that are not null.
    fn value(&self, schema: &Shared<Schema>, id: TypeId) -> Result<Plan, Misfit> {
        if !matches!(schema.kind, SchemaType::ARRAY | SchemaType::MAP | SchemaType::STRUCT) {
            return self.plain(schema, id);
        }
        // Schemas may contain themselves, and each other in many places.
        let pair = (Shared::address(schema), id);
        let found = self.memory.borrow_mut().find(pair);
        if let Some(known) = found {
            return Ok(known);
        }
        let made = self.base(schema, id);
        let mut memory = self.memory.borrow_mut();
        match made {
            Ok(plan) => Ok(memory.finish(pair, plan)),
            Err(misfit) => {
                memory.forget(pair);
                Err(misfit)
            }
        }
    }

    /// The plan for values that hold no others.
    fn plain(&self, schema: &Shared<Schema>, id: TypeId) -> Result<Plan, Misfit> {
        let plan = self.base(schema, id)?;
        let logical = Logical::of(schema).filter(|logical| match logical {
            Logical::Decimal => schema.kind == SchemaType::BYTES,
            Logical::Date | Logical::Time => schema.kind == SchemaType::INT32,
            Logical::Timestamp => schema.kind == SchemaType::INT64,
        });
        Ok(match logical {
            Some(logical) => {
                check_meaning(logical, schema, self.avro.get(id))?;
                Plan::Logical { logical, schema: schema.clone(), base: Box::new(plan) }
            }
            None => plan,
        })
    }

    fn base(&self, schema: &Shared<Schema>, id: TypeId) -> Result<Plan, Misfit> {
        let kind = &self.avro.get(id).kind;
        let small = matches!(schema.kind, SchemaType::INT8 | SchemaType::INT16 | SchemaType::INT32);
        let integer = small || schema.kind == SchemaType::INT64;
        let plan = match (schema.kind, kind) {
            (SchemaType::BOOLEAN, Kind::Boolean) => Plan::Boolean,
            (_, Kind::Int) if small => Plan::Integer,
            (_, Kind::Long) if integer => Plan::Integer,
            (_, Kind::Float) if integer => Plan::IntegerAsFloat,
            (_, Kind::Double) if integer => Plan::IntegerAsDouble,
            (SchemaType::FLOAT32, Kind::Float) => Plan::Float,
            (SchemaType::FLOAT32 | SchemaType::FLOAT64, Kind::Double) => Plan::Double,
            (SchemaType::STRING, Kind::String) => Plan::Text,
            (SchemaType::STRING, Kind::Enum(symbols))
                if self.settings.enum_parameter(schema).is_some() || !self.strict =>
            {
                let places = symbols.symbols.iter().enumerate().map(|(at, symbol)| (symbol.clone(), at as i64));
                Plan::Enum(places.collect())
            }
            (SchemaType::BYTES, Kind::Bytes) => Plan::Bytes,
            (SchemaType::BYTES, Kind::Fixed { size, .. }) => match fixed_size(schema) {
                Some((_, own)) if own != *size => {
                    return Err(Misfit::new(format!("it has {own} bytes, and the registered schema has {size}")));
                }
                None if self.strict && Logical::of(schema).is_none() => {
                    return Err(Misfit::new(format!(
                        "it is bytes of any length, and the registered schema has {size}"
                    )));
                }
                _ => Plan::Fixed(*size),
            },
            (SchemaType::ARRAY, Kind::Array(items)) => {
                Plan::Array(Box::new(self.plan(schema.values.get(), *items).map_err(|misfit| misfit.within("items"))?))
            }
            (SchemaType::MAP, Kind::Map(values)) if is_plain_map(schema, self.settings) => {
                Plan::Map(Box::new(self.plan(schema.values.get(), *values).map_err(|misfit| misfit.within("values"))?))
            }
            (SchemaType::MAP, Kind::Array(items)) => self.entries(schema, *items)?,
            (SchemaType::STRUCT, Kind::Record(record)) => self.record(schema, record)?,
            (own, other) => {
                let own = own.name();
                return Err(Misfit::new(format!("it is {own}, and the registered schema has {}", other.name())));
            }
        };
        Ok(plan)
    }

    fn entries(&self, schema: &Shared<Schema>, items: TypeId) -> Result<Plan, Misfit> {
        let Kind::Record(entry) = &self.avro.get(items).kind else {
            return Err(Misfit::new("it is a map, and the registered schema has an array"));
        };
        match entry.fields.as_slice() {
            [key, value] if key.name == "key" && value.name == "value" => {
                let key = self.plan(schema.keys.get(), key.kind).map_err(|misfit| misfit.within("key"))?;
                let value = self.plan(schema.values.get(), value.kind).map_err(|misfit| misfit.within("value"))?;
                Ok(Plan::Entries { key: Box::new(key), value: Box::new(value) })
            }
            _ => Err(Misfit::new(format!("it is a map, and {} is no record of key and value", entry.name))),
        }
    }

    fn record(&self, schema: &Shared<Schema>, record: &Record) -> Result<Plan, Misfit> {
        let scrub =
            |name: &str| if self.settings.scrub_names { names::scrub(name).into_owned() } else { name.to_owned() };
        let own: HashMap<String, usize> =
            schema.fields.iter().enumerate().map(|(index, field)| (scrub(&field.name), index)).collect();
        let is_held = |name: &str| record.fields.iter().any(|field| field.name == name);
        if let Some(lost) = own.keys().filter(|name| self.strict && !is_held(name)).min() {
            return Err(
                Misfit::new("the registered schema does not have this field, so its values would be lost").within(lost)
            );
        }
        let mut steps = Vec::with_capacity(record.fields.len());
        for field in &record.fields {
            let step = match (own.get(&field.name), &field.default) {
                (Some(index), _) => {
                    let plan = self.plan(Some(&schema.fields[*index].schema), field.kind);
                    Step::Field(*index, plan.map_err(|misfit| misfit.within(&field.name))?)
                }
                (None, Some(default)) => {
                    let bytes = self.constant(field.kind, default);
                    Step::Constant(bytes.map_err(|misfit| misfit.within(&field.name))?)
                }
                (None, None) => {
                    let missing =
                        Misfit::new("the registered schema has this field without a default, and the record has not");
                    return Err(missing.within(&field.name));
                }
            };
            steps.push(step);
        }
        let null_outweighs_default = self.settings.null_outweighs_default;
        Ok(Plan::Record { schema: schema.clone(), steps, null_outweighs_default })
    }
}

/// Refuses a registered type whose readers would take the values for something else: milliseconds for microseconds, or
/// a decimal for one with its point elsewhere. A type that claims nothing of its numbers or bytes takes all.
fn check_meaning(logical: Logical, schema: &Schema, registered: &Type) -> Result<(), Misfit> {
    let own = match logical {
        Logical::Decimal => "decimal",
        Logical::Date => "date",
        Logical::Time => "time-millis",
        Logical::Timestamp => "timestamp-millis",
    };
    let claimed = registered.logical();
    if let Some(claimed) = claimed.as_deref().filter(|claimed| *claimed != own) {
        return Err(Misfit::new(format!(
            "it is a {logical:?}, which is {own} in Avro, and the registered schema has {claimed}"
        )));
    }
    if logical == Logical::Decimal {
        let scale = decimal_scale(schema).map_err(|error| Misfit::new(error.to_string()))?;
        // The specification: without a scale it is zero.
        let claimed = registered.attributes.get("scale").cloned().or_else(|| claimed.map(|_| Json::from(0)));
        if let Some(claimed) = claimed.filter(|claimed| *claimed != scale) {
            return Err(Misfit::new(format!(
                "it is a Decimal of scale {scale}, and the registered schema has scale {claimed}"
            )));
        }
    }
    Ok(())
}

/// Whether this is the type that Connect's values of a kind have in Avro.
fn is_natural(own: SchemaType, avro: &Kind) -> bool {
    matches!(
        (own, avro),
        (SchemaType::INT8 | SchemaType::INT16 | SchemaType::INT32, Kind::Int)
            | (SchemaType::INT64, Kind::Long)
            | (SchemaType::FLOAT32, Kind::Float)
            | (SchemaType::FLOAT64, Kind::Double)
            | (SchemaType::BOOLEAN, Kind::Boolean)
            | (SchemaType::STRING, Kind::String)
            | (SchemaType::BYTES, Kind::Bytes)
            | (SchemaType::ARRAY, Kind::Array(_))
            | (SchemaType::MAP, Kind::Map(_))
            | (SchemaType::STRUCT, Kind::Record(_))
    )
}
