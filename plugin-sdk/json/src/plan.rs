//! What there is to know about a schema before the first value of it, worked out once and kept with the schema.

use std::collections::HashMap;
use std::ops::Deref;
use std::sync::{Arc, Weak};

use ferroconnect_plugin_abi::logical::Logical;
use ferroconnect_plugin_abi::recursion::repeated;
use ferroconnect_plugin_abi::{Schema, Shared};

use crate::write::string;

/// A schema, ready for writing and reading its values.
#[derive(Debug)]
#[non_exhaustive]
pub struct Plan {
    /// The schema itself.
    pub schema: Shared<Schema>,
    /// Its logical type.
    pub logical: Option<Logical>,
    /// The fields of a struct, as many as the schema has; none where the plan stands [`elsewhere`](Plan::elsewhere).
    pub fields: Vec<FieldPlan>,
    /// The keys of a map.
    pub keys: Option<Box<Plan>>,
    /// The values of a map, the elements of an array.
    pub values: Option<Box<Plan>>,
    repetition: Repetition,
}

/// One field of a struct.
#[derive(Debug)]
#[non_exhaustive]
pub struct FieldPlan {
    /// The name as JSON, with the colon behind it. Whatever begins with it has this very field there.
    pub key: Vec<u8>,
    /// The type.
    pub plan: Plan,
}

/// Schemas may stand in many places of a schema, and in themselves: they are worked out once.
#[derive(Debug)]
enum Repetition {
    /// It stands in one place.
    None,
    /// The plans of those that stand in many places of this one, which has them all.
    Holds(#[expect(dead_code, reason = "the others hold it weakly")] Arc<Vec<Plan>>),
    /// It is one of them, and its parts are there, at this place.
    Elsewhere(Weak<Vec<Plan>>, usize),
}

/// The plan of a schema that stands in many places.
#[derive(Debug)]
pub struct Found {
    plans: Arc<Vec<Plan>>,
    place: usize,
}

impl Deref for Found {
    type Target = Plan;

    fn deref(&self) -> &Plan {
        &self.plans[self.place]
    }
}

/// Where the plans of repeated schemas are going to be, by the address of the schema.
type Places<'a> = HashMap<usize, (&'a Weak<Vec<Plan>>, usize)>;

impl Plan {
    /// Works out a schema and everything in it.
    pub fn of(schema: &Shared<Schema>) -> Plan {
        let repeated = repeated(schema);
        if repeated.is_empty() {
            return Plan::new(schema, &HashMap::new());
        }
        let mut whole = None;
        let plans = Arc::new_cyclic(|plans| {
            let places = repeated.iter().enumerate().map(|(place, schema)| (Shared::address(schema), (plans, place)));
            let places = places.collect();
            whole = Some(Plan::new(schema, &places));
            repeated.iter().map(|schema| Plan::new(schema, &places)).collect()
        });
        let whole = whole.expect("it was made with the others");
        Plan { repetition: Repetition::Holds(plans), ..whole }
    }

    fn new(schema: &Shared<Schema>, places: &Places<'_>) -> Plan {
        let part = |part: &Shared<Schema>| match places.get(&Shared::address(part)) {
            None => Plan::new(part, places),
            Some((plans, place)) => Plan {
                repetition: Repetition::Elsewhere(Weak::clone(plans), *place),
                schema: part.clone(),
                logical: Logical::of(part),
                fields: Vec::new(),
                keys: None,
                values: None,
            },
        };
        let fields = schema.fields.iter().map(|field| {
            let mut key = Vec::with_capacity(field.name.len() + 3);
            string(&mut key, &field.name);
            key.push(b':');
            FieldPlan { key, plan: part(&field.schema) }
        });
        Plan {
            schema: schema.clone(),
            logical: Logical::of(schema),
            fields: fields.collect(),
            keys: schema.keys.get().map(|keys| Box::new(part(keys))),
            values: schema.values.get().map(|values| Box::new(part(values))),
            repetition: Repetition::None,
        }
    }

    /// The plan that has the parts of a struct, array or map which this plan has not, as its schema stands in many places.
    /// None = they are here.
    ///
    /// # Panics
    /// If the plan in which this one stood is gone.
    #[inline]
    pub fn elsewhere(&self) -> Option<Found> {
        let Repetition::Elsewhere(plans, place) = &self.repetition else { return None };
        let plans = plans.upgrade().expect("a part of a plan is used while the whole is there");
        Some(Found { plans, place: *place })
    }
}
