//! What there is to know about a schema before the first value of it, worked out once and kept with the schema.

use ferroconnect_plugin_abi::logical::Logical;
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
    /// The fields of a struct, as many as the schema has.
    pub fields: Vec<FieldPlan>,
    /// The keys of a map.
    pub keys: Option<Box<Plan>>,
    /// The values of a map, the elements of an array.
    pub values: Option<Box<Plan>>,
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

impl Plan {
    /// Works out a schema and everything in it.
    pub fn of(schema: &Shared<Schema>) -> Plan {
        let part = |part: Option<&Shared<Schema>>| part.map(|part| Box::new(Plan::of(part)));
        let fields = schema.fields.iter().map(|field| {
            let mut key = Vec::with_capacity(field.name.len() + 3);
            string(&mut key, &field.name);
            key.push(b':');
            FieldPlan { key, plan: Plan::of(&field.schema) }
        });
        Plan {
            schema: schema.clone(),
            logical: Logical::of(schema),
            fields: fields.collect(),
            keys: part(schema.keys.get()),
            values: part(schema.values.get()),
        }
    }
}
