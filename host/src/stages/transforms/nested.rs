//! Changes at the end of paths: structs and maps on the way are rebuilt level by level.
//!
//! A transform sorts what it wants to do by path into a [`Tree`]. For data with schema it makes a [`StructPlan`] from
//! it once per schema: at each level that holds something to do, a function of the transform changes the list of
//! fields and says what is to be done with the values. Plain names are paths of one step, so nothing here is special
//! about paths, and a transform that uses this for one has both.

use ferroconnect_plugin_abi::containers::AbiVec;
use ferroconnect_plugin_abi::schema::Field;
use ferroconnect_plugin_abi::value::{MapEntry, StructValue};
use ferroconnect_plugin_abi::{Schema, SchemaType, Shared, Text, Value};

use super::path::FieldPath;
use super::structs::{self, Defaults};
use super::{maps, require};
use crate::error::{ConnectError, InField as _, Result};

const PURPOSE: &str = "nested field access";

/// What there is to do at the ends of paths: `L` for the fields of one level together.
#[derive(Debug, Clone)]
pub struct Tree<L> {
    here: Option<L>,
    inner: Vec<(Text, Tree<L>)>,
}

/// What there is to do with fields of one level, each for itself.
pub type Leaves<T> = Vec<(Text, T)>;

impl<T> Tree<Leaves<T>> {
    /// Sorts by path; what is at one level keeps its order.
    ///
    /// # Errors
    /// A path without steps.
    pub fn new(paths: impl IntoIterator<Item = (FieldPath, T)>) -> Result<Self> {
        let mut root = Tree::EMPTY;
        for (path, leaf) in paths {
            root.add(path.steps(), leaf)?;
        }
        Ok(root)
    }

    /// Adds something at the end of these steps.
    ///
    /// # Errors
    /// There are no steps.
    pub fn add(&mut self, steps: &[Text], leaf: T) -> Result<()> {
        let Some((last, way)) = steps.split_last() else {
            return Err(ConnectError::config("A path to a field is empty; it needs at least one name"));
        };
        let node = way.iter().fold(self, Tree::child);
        node.here.get_or_insert_default().push((last.clone(), leaf));
        Ok(())
    }

    /// Refuses paths that lead into a field that is itself the end of a path.
    ///
    /// # Errors
    /// There are such paths; `key` is the configuration key to be named.
    pub fn refuse_overlaps(&self, key: &str) -> Result<()> {
        for (name, node) in &self.inner {
            if self.here.iter().flatten().any(|(leaf, _)| leaf == name) {
                let reason = format!("'{name}' is listed, and so is a field inside it");
                return Err(ConnectError::config(format!("Configuration {key}: {reason}")));
            }
            node.refuse_overlaps(key)?;
        }
        Ok(())
    }
}

impl<L> Tree<L> {
    const EMPTY: Self = Tree { here: None, inner: Vec::new() };

    fn child<'a>(node: &'a mut Self, name: &Text) -> &'a mut Self {
        let place = node.inner.iter().position(|(known, _)| known == name).unwrap_or_else(|| {
            node.inner.push((name.clone(), Tree::EMPTY));
            node.inner.len() - 1
        });
        &mut node.inner[place].1
    }

    /// The same paths with something else to do at each level.
    pub fn map<M>(self, make: &mut impl FnMut(L) -> M) -> Tree<M> {
        let here = self.here.map(&mut *make);
        let inner = self.inner.into_iter().map(|(name, node)| (name, node.map(make))).collect();
        Tree { here, inner }
    }

    /// What there is to do with fields of this level.
    pub fn here(&self) -> Option<&L> {
        self.here.as_ref()
    }

    /// What there is to do inside fields of this level.
    pub fn inner(&self) -> &[(Text, Tree<L>)] {
        &self.inner
    }

    /// Works on data without schema: innermost levels first, each with `level`. A null on the way ends it.
    ///
    /// # Errors
    /// Something else than a map on the way, and those of `level`.
    pub fn apply(
        &self,
        map: &mut AbiVec<MapEntry>,
        missing: Missing,
        level: &mut impl FnMut(&L, &mut AbiVec<MapEntry>) -> Result<()>,
    ) -> Result<()> {
        for (name, node) in &self.inner {
            if missing == Missing::Add && maps::position(map, name).is_none() {
                maps::put(map, name, Value::map(Vec::new()));
            }
            if let Some(value) = maps::get_mut(map, name).filter(|value| !value.is_null()) {
                require::map(value, PURPOSE).and_then(|map| node.apply(map, missing, level)).in_field(name)?;
            }
        }
        self.here.as_ref().map_or(Ok(()), |here| level(here, map))
    }
}

/// What becomes of a path whose way is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Missing {
    /// It has no effect.
    Skip,
    /// Maps are added; in a struct it is an error.
    Add,
}

/// What to do with structs of one schema. `P` is what a transform wants to know at a level.
#[derive(Debug)]
pub struct StructPlan<P> {
    schema: Shared<Schema>,
    defaults: Defaults,
    inner: Vec<(usize, StructPlan<P>)>,
    here: Option<P>,
}

impl<P> StructPlan<P> {
    /// Makes the plan: `level` changes the fields of each level that has something to do, innermost first. `outermost` is the
    /// new schema without its fields; those inside keep all but a default, whose content would not fit any more.
    ///
    /// # Errors
    /// A way through something that is no struct, a missing way if [`Missing::Add`], fields that cannot stand side by
    /// side, and those of `level`.
    pub fn new<L>(
        tree: &Tree<L>,
        schema: &Schema,
        outermost: Schema,
        (replace_null, missing): (bool, Missing),
        level: &mut impl FnMut(&L, &mut Vec<Field>) -> Result<P>,
    ) -> Result<StructPlan<P>> {
        let defaults = Defaults::of(&schema.fields, replace_null);
        let mut fields: Vec<Field> = schema.fields.to_vec();
        let mut inner = Vec::new();
        for (name, node) in &tree.inner {
            let Some(index) = schema.field_index(name) else {
                if missing == Missing::Skip {
                    continue;
                }
                return Err(ConnectError::data(format!("Field does not exist: {name}")));
            };
            let old = &schema.fields[index].schema;
            if old.kind != SchemaType::STRUCT {
                let kind = old.kind.name();
                let reason = format!("Cannot look up fields of '{name}', which is of type {kind} and no struct");
                return Err(ConnectError::data(reason));
            }
            let plan = StructPlan::new(node, old, inside(old), (replace_null, missing), level)?;
            fields[index].schema = plan.schema.clone();
            inner.push((index, plan));
        }
        let here = tree.here.as_ref().map(|here| level(here, &mut fields)).transpose()?;
        let schema = Schema { fields: fields.into(), ..outermost }.checked()?;
        Ok(StructPlan { schema, defaults, inner, here })
    }

    /// The schema of the result.
    pub fn schema(&self) -> &Shared<Schema> {
        &self.schema
    }

    /// Changes a struct of the schema the plan was made for: fills defaults in, works on the levels inside, then has
    /// `level` bring the values in line with the new fields. A null on the way ends it.
    ///
    /// # Errors
    /// A value on the way that is no struct of its schema, and those of `level`.
    pub fn apply(
        &self,
        value: &mut StructValue,
        level: &mut impl FnMut(&P, &mut AbiVec<Value>) -> Result<()>,
    ) -> Result<()> {
        self.defaults.fill(&mut value.fields);
        for (index, plan) in &self.inner {
            let field = &mut value.fields[*index];
            if !field.is_null() {
                let inside = require::structure(field, PURPOSE).and_then(|inside| plan.apply(inside, level));
                inside.in_field(&value.schema.fields[*index].name)?;
            }
        }
        if let Some(here) = &self.here {
            level(here, &mut value.fields)?;
        }
        value.schema = self.schema.clone();
        Ok(())
    }
}

/// The new schema of a struct on the way. A struct that had a default may be null afterwards as it could before.
fn inside(schema: &Schema) -> Schema {
    Schema { optional: schema.optional || schema.default.is_some(), ..structs::basics(schema) }
}
