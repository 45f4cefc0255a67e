//! Plans that a transform makes once per schema.

use std::sync::Arc;

use ferroconnect_plugin_abi::{Schema, Shared};

use crate::error::Result;

/// As many as in Kafka Connect.
const CAPACITY: usize = 16;

/// What a transform has worked out for the schemas it met last. A schema is looked up by its identity first and by
/// its content then, so a plan is only ever used for a schema equal to the one it was made for.
#[derive(Debug)]
pub struct SchemaCache<T> {
    /// The one used last comes first. Holding the schema keeps its address from being given to another one.
    entries: Vec<(Shared<Schema>, Arc<T>)>,
}

impl<T> Default for SchemaCache<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> SchemaCache<T> {
    /// An empty cache.
    pub const fn new() -> Self {
        Self { entries: Vec::new() }
    }

    /// The plan for a schema, made now if there is none. Nothing is kept if that fails.
    ///
    /// # Errors
    /// Those of `make`.
    #[inline]
    pub fn get(&mut self, schema: &Shared<Schema>, make: impl FnOnce(&Shared<Schema>) -> Result<T>) -> Result<&T> {
        let is_first = self.entries.first().is_some_and(|(known, _)| Shared::same(known, schema));
        if !is_first {
            self.bring_to_front(schema, make)?;
        }
        Ok(&self.entries[0].1)
    }

    #[cold]
    fn bring_to_front(
        &mut self,
        schema: &Shared<Schema>,
        make: impl FnOnce(&Shared<Schema>) -> Result<T>,
    ) -> Result<()> {
        if let Some(place) = self.entries.iter().position(|(known, _)| Shared::same(known, schema)) {
            self.entries[..=place].rotate_right(1);
            return Ok(());
        }
        // An equal schema that is another object gets an entry of its own, so that it is found by identity next time.
        let equal = self.entries.iter().find(|(known, _)| **known == **schema).map(|(_, plan)| Arc::clone(plan));
        let plan = match equal {
            Some(plan) => plan,
            None => Arc::new(make(schema)?),
        };
        self.entries.truncate(CAPACITY - 1);
        self.entries.insert(0, (schema.clone(), plan));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use ferroconnect_plugin_abi::builder::SchemaBuilder;
    use proptest::prelude::*;

    use super::*;
    use crate::error::ConnectError;
    use crate::stages::arbitrary;

    fn schema(name: u8) -> Shared<Schema> {
        SchemaBuilder::structure()
            .field(format!("f{name}"), SchemaBuilder::int32().default_value(i32::from(name % 3)).build())
            .build()
    }

    #[test]
    fn makes_a_plan_once_and_forgets_the_oldest() {
        let mut cache = SchemaCache::new();
        let mut made = Vec::new();
        let all: Vec<_> = (0..=16).map(schema).collect();
        let mut get = |n: usize| {
            let plan = cache.get(&all[n], |_| {
                made.push(n);
                Ok(n)
            });
            assert_eq!(plan.copied().expect("plans can be made"), n);
        };
        (0..16).for_each(&mut get);
        get(0);
        get(16);
        get(0);
        get(1);
        assert_eq!(made, (0..=16).chain([1]).collect::<Vec<_>>());
    }

    #[test]
    fn a_plan_that_fails_is_not_kept() {
        let mut cache: SchemaCache<i32> = SchemaCache::new();
        let schema = schema(0);
        assert!(cache.get(&schema, |_| Err(ConnectError::data("no"))).is_err());
        assert_eq!(cache.get(&schema, |_| Ok(1)).copied().expect("made now"), 1);
    }

    proptest! {
        /// Schemas come and go, so addresses are used again, and equal ones come as different objects. They differ in
        /// one attribute only.
        #[test]
        fn never_mixes_schemas(turns in arbitrary::turns(), kept in prop::bits::u64::ANY) {
            let mut cache = SchemaCache::new();
            let all = arbitrary::lookalikes();
            let mut held = Vec::new();
            for (turn, (which, is_anew)) in turns.into_iter().enumerate() {
                let data = if is_anew { arbitrary::anew(&all[which]) } else { all[which].clone() };
                let schema = data.schema.get().expect("lookalikes have schemas").clone();
                let plan = cache.get(&schema, |schema| Ok(Schema::clone(schema))).expect("plans can be made");
                prop_assert_eq!(plan, &*schema);
                if kept >> (turn % 64) & 1 == 1 {
                    held.push(schema);
                }
            }
        }
    }
}
