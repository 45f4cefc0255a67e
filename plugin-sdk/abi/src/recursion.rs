//! Schemas that contain themselves, as those of trees and lists do. Plain code for either side; nothing here crosses the
//! border.
//!
//! Such a schema is met again, as the same object, by whoever goes down through its fields. Values end, schemas may not:
//! code that walks a schema rather than a value asks [`repeated`] first, or keeps the schemas that it has seen.

use crate::error::AbiError;
use crate::logical::data_error;
use crate::schema::{Schema, SchemaType};
use crate::shared::{MaybeShared, Shared, circle};
use crate::value::{Value, ValueRef};
use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};

/// Makes schemas that contain themselves: a placeholder stands for a schema until that is made.
///
/// ```
/// use ferroconnect_plugin_abi::builder::SchemaBuilder;
/// use ferroconnect_plugin_abi::recursion::Recursion;
/// # fn main() -> Result<(), ferroconnect_plugin_abi::AbiError> {
/// let mut recursion = Recursion::default();
/// let next = recursion.placeholder();
/// let node = SchemaBuilder::structure().name("Node").optional().field("next", next.clone()).build();
/// recursion.define(&next, node.clone());
/// let node = recursion.close(vec![node])?.remove(0);
/// assert_eq!(node.fields[0].schema, node);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Default)]
pub struct Recursion {
    /// What each placeholder stands for, by its address.
    definitions: HashMap<usize, Shared<Schema>>,
    /// By their addresses too, which are theirs as long as they are held here.
    placeholders: HashMap<usize, Shared<Schema>>,
}

impl Recursion {
    /// A schema that stands for another one until [`Recursion::close`]. By itself it is a struct without fields.
    pub fn placeholder(&mut self) -> Shared<Schema> {
        let placeholder = Shared::new(Schema::new(SchemaType::STRUCT));
        self.placeholders.insert(Shared::address(&placeholder), placeholder.clone());
        placeholder
    }

    /// Says what a placeholder stands for: a schema in which placeholders may stand.
    pub fn define(&mut self, placeholder: &Shared<Schema>, schema: Shared<Schema>) {
        self.definitions.insert(Shared::address(placeholder), schema);
    }

    /// The schemas, in their order, with what the placeholders in them stand for. Schemas without placeholders are the
    /// same as before.
    ///
    /// # Errors
    /// A data error: a placeholder was not defined, or as itself; or a default value holds a struct of a schema that
    /// contains itself, which would then hold itself.
    pub fn close(self, schemas: Vec<Shared<Schema>>) -> Result<Vec<Shared<Schema>>, AbiError> {
        if self.placeholders.is_empty() {
            return Ok(schemas);
        }
        let mut changing =
            Changing { recursion: &self, places: HashMap::new(), schemas: Vec::new(), met: HashMap::new() };
        for schema in &schemas {
            changing.visit(schema)?;
        }
        changing.settle()?;
        let make = |pointers: &[Shared<Schema>]| {
            changing.schemas.iter().map(|schema| changing.rewrite(schema, pointers)).collect()
        };
        // SAFETY: `rewrite` looks at the schemas of before only, and puts what it takes of the pointers into its answer.
        let made = unsafe { circle(changing.schemas.len(), make) };
        Ok(schemas.iter().map(|schema| changing.after(schema, &made).clone()).collect())
    }

    /// What a schema stands for, which is itself if it is no placeholder.
    fn resolve<'a>(&'a self, schema: &'a Shared<Schema>) -> Result<&'a Shared<Schema>, AbiError> {
        let mut found = schema;
        for _ in 0..=self.placeholders.len() {
            match self.definitions.get(&Shared::address(found)) {
                Some(definition) => found = definition,
                None if self.placeholders.contains_key(&Shared::address(found)) => {
                    return Err(data_error("A placeholder in a schema was not defined"));
                }
                None => return Ok(found),
            }
        }
        Err(data_error("A placeholder in a schema stands for itself"))
    }
}

/// The schemas that are made anew, since placeholders stand in them at some depth.
struct Changing<'a> {
    recursion: &'a Recursion,
    /// Their places in `schemas`, by address.
    places: HashMap<usize, usize>,
    schemas: Vec<&'a Shared<Schema>>,
    /// All that were met, with those in which they stand.
    met: HashMap<usize, (&'a Shared<Schema>, Vec<usize>)>,
}

impl<'a> Changing<'a> {
    /// Meets a schema and what is in it.
    fn visit(&mut self, schema: &'a Shared<Schema>) -> Result<(), AbiError> {
        let resolved = self.recursion.resolve(schema)?;
        let address = Shared::address(resolved);
        if self.met.contains_key(&address) {
            return Ok(());
        }
        self.met.insert(address, (resolved, Vec::new()));
        for part in parts(resolved) {
            self.visit(part)?;
            let inner = Shared::address(self.recursion.resolve(part)?);
            self.met.get_mut(&inner).expect("it was visited").1.push(address);
        }
        Ok(())
    }

    /// Gives places to those in which placeholders stand, and to those around them.
    fn settle(&mut self) -> Result<(), AbiError> {
        let placed = |part: &Shared<Schema>| self.recursion.definitions.contains_key(&Shared::address(part));
        let seeds = self.met.iter().filter(|(_, (schema, _))| parts(schema).any(placed));
        let mut open: Vec<usize> = seeds.map(|(address, _)| *address).collect();
        while let Some(address) = open.pop() {
            let (schema, around) = &self.met[&address];
            if let Entry::Vacant(place) = self.places.entry(address) {
                place.insert(self.schemas.len());
                self.schemas.push(schema);
                open.extend(around);
            }
        }
        for schema in &self.schemas {
            if schema.default_value().is_some_and(|default| self.holds_struct(default)) {
                let reason = "A default value in a schema that contains itself cannot hold a struct of such a schema";
                return Err(data_error(reason));
            }
        }
        Ok(())
    }

    fn holds_struct(&self, value: &Value) -> bool {
        match value.view() {
            ValueRef::Struct(content) => {
                self.place(&content.schema).is_some() || content.fields.iter().any(|value| self.holds_struct(value))
            }
            ValueRef::Array(values) => values.iter().any(|value| self.holds_struct(value)),
            ValueRef::Map(entries) => {
                entries.iter().any(|entry| self.holds_struct(&entry.key) || self.holds_struct(&entry.value))
            }
            _ => false,
        }
    }

    fn place(&self, schema: &Shared<Schema>) -> Option<usize> {
        let resolved = self.recursion.resolve(schema).ok()?;
        self.places.get(&Shared::address(resolved)).copied()
    }

    /// What a schema becomes. One in which no placeholder stands is as before, but a placeholder may stand for it.
    fn after<'b>(&'b self, schema: &'b Shared<Schema>, pointers: &'b [Shared<Schema>]) -> &'b Shared<Schema> {
        let before = || self.recursion.resolve(schema).unwrap_or(schema);
        self.place(schema).map_or_else(before, |place| &pointers[place])
    }

    /// A schema with the new ones in it.
    fn rewrite(&self, schema: &Schema, pointers: &[Shared<Schema>]) -> Schema {
        let mut schema = schema.clone();
        for field in &mut schema.fields {
            field.schema = self.after(&field.schema, pointers).clone();
        }
        for part in [&mut schema.keys, &mut schema.values] {
            *part = part.get().map(|part| self.after(part, pointers).clone()).into();
        }
        schema
    }
}

/// The schemas that stand in this one: those of fields, of keys, of values.
pub fn parts(schema: &Schema) -> impl Iterator<Item = &Shared<Schema>> {
    let fields = schema.fields.iter().map(|field| &field.schema);
    fields.chain([&schema.keys, &schema.values].into_iter().filter_map(MaybeShared::get))
}

/// The structs, arrays and maps that stand in more than one place of a schema, those that contain themselves among them,
/// in the order in which they are met again first. Without them a schema is a tree with an end.
pub fn repeated(schema: &Shared<Schema>) -> Vec<Shared<Schema>> {
    fn visit<'a>(schema: &'a Shared<Schema>, seen: &mut HashSet<usize>, found: &mut Vec<&'a Shared<Schema>>) {
        if !matches!(schema.kind, SchemaType::STRUCT | SchemaType::ARRAY | SchemaType::MAP) {
            return;
        }
        if seen.insert(Shared::address(schema)) {
            parts(schema).for_each(|part| visit(part, seen, found));
        } else if !found.iter().any(|known| Shared::same(known, schema)) {
            found.push(schema);
        }
    }
    let mut found = Vec::new();
    visit(schema, &mut HashSet::new(), &mut found);
    found.into_iter().cloned().collect()
}

/// A schema that stands in itself, at some depth of this one: the one that is met first. None = walking the schema comes
/// to an end.
pub fn recursive(schema: &Shared<Schema>) -> Option<&Shared<Schema>> {
    fn visit<'a>(
        schema: &'a Shared<Schema>,
        around: &mut Vec<usize>,
        done: &mut HashSet<usize>,
    ) -> Option<&'a Shared<Schema>> {
        let address = Shared::address(schema);
        if around.contains(&address) {
            return Some(schema);
        }
        if !done.insert(address) {
            return None;
        }
        around.push(address);
        let found = parts(schema).find_map(|part| visit(part, around, done));
        around.pop();
        found
    }
    visit(schema, &mut Vec::new(), &mut HashSet::new())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::builder::SchemaBuilder;
    use crate::record::Data;
    use crate::validate::validate;

    /// A tree: a name, and trees in an array.
    fn tree(name: &'static str) -> Shared<Schema> {
        let mut recursion = Recursion::default();
        let inner = recursion.placeholder();
        let tree = SchemaBuilder::structure()
            .name(name)
            .field("label", SchemaBuilder::string().build())
            .field("children", SchemaBuilder::array(inner.clone()).optional().build())
            .build();
        recursion.define(&inner, tree.clone());
        recursion.close(vec![tree]).expect("it is whole").remove(0)
    }

    fn node(schema: &Shared<Schema>, label: &str, children: Option<Vec<Value>>) -> Value {
        Value::structure(schema.clone(), vec![label.into(), children.map_or(Value::NULL, Value::array)])
    }

    #[test]
    fn a_schema_is_met_again_in_itself() {
        let tree = tree("Tree");
        let children = &tree.fields[1].schema;
        assert!(Shared::same(children.values.get().expect("elements"), &tree));
        assert!(!Shared::same(children, &tree));
        assert_eq!(tree.fields[0].schema, SchemaBuilder::string().build());
    }

    #[test]
    fn recursive_schemas_are_equal_where_their_parts_are() {
        assert_eq!(tree("Tree"), tree("Tree"));
        assert_ne!(tree("Tree"), tree("Bush"));
        // Equal at each step, though one comes back to itself a step later.
        let once = tree("Tree");
        let children = SchemaBuilder::array(once.clone()).optional().build();
        let twice = SchemaBuilder::structure()
            .name("Tree")
            .field("label", SchemaBuilder::string().build())
            .field("children", children)
            .build();
        assert_eq!(once, twice);
        let mut other = Schema::clone(&once);
        other.fields[0].schema = SchemaBuilder::int8().build();
        assert_ne!(*once, other);
    }

    #[test]
    fn values_of_recursive_schemas_are_checked_as_deep_as_they_go() {
        let (schema, same) = (tree("Tree"), tree("Tree"));
        let leaf = node(&same, "leaf", None);
        let whole = node(&schema, "root", Some(vec![node(&schema, "branch", Some(vec![leaf.clone()])), leaf]));
        assert_eq!(validate(&schema, &whole), Ok(()));
        assert!(Data::new(schema.clone(), whole).is_whole());
        let foreign = node(&schema, "root", Some(vec![node(&tree("Bush"), "leaf", None)]));
        assert!(!Data::new(schema.clone(), foreign.clone()).is_whole());
        assert!(validate(&schema, &foreign).is_err());
    }

    #[test]
    fn several_schemas_may_contain_each_other() {
        let mut recursion = Recursion::default();
        let (a, b) = (recursion.placeholder(), recursion.placeholder());
        let of_b = SchemaBuilder::structure().name("A").field("b", b.clone()).build();
        let of_a = SchemaBuilder::structure().name("B").optional().field("a", a.clone()).build();
        recursion.define(&a, of_b);
        recursion.define(&b, of_a);
        let plain = SchemaBuilder::int8().build();
        let closed = recursion.close(vec![b, plain.clone(), SchemaBuilder::array(a).build()]).expect("they are whole");
        let [b, number, array] = closed.as_slice() else { panic!("as many as there were") };
        assert!(Shared::same(number, &plain));
        let a = array.values.get().expect("elements");
        assert_eq!((a.name_str(), b.name_str()), (Some("A"), Some("B")));
        assert!(Shared::same(&a.fields[0].schema, b) && Shared::same(&b.fields[0].schema, a));
    }

    #[test]
    fn a_placeholder_may_stand_for_what_contains_no_other() {
        let mut recursion = Recursion::default();
        let (label, own) = (recursion.placeholder(), recursion.placeholder());
        let text = SchemaBuilder::string().build();
        let list = SchemaBuilder::structure().field("label", label.clone()).field("own", own.clone()).build();
        recursion.define(&label, text.clone());
        recursion.define(&own, list.clone());
        let array = SchemaBuilder::array(label.clone()).build();
        let closed = recursion.close(vec![list, array, label]).expect("they are whole");
        let [list, array, label] = closed.as_slice() else { panic!("as many as there were") };
        let element = array.values.get().expect("elements");
        assert!([&list.fields[0].schema, element, label].into_iter().all(|found| Shared::same(found, &text)));
    }

    #[test]
    fn what_cannot_be_closed_is_refused() {
        let refusal = |recursion: Recursion, schema| recursion.close(vec![schema]).expect_err("refused").to_string();
        let mut recursion = Recursion::default();
        let open = recursion.placeholder();
        assert_eq!(refusal(recursion, SchemaBuilder::array(open).build()), "A placeholder in a schema was not defined");
        let mut recursion = Recursion::default();
        let (a, b) = (recursion.placeholder(), recursion.placeholder());
        recursion.define(&a, b.clone());
        recursion.define(&b, a.clone());
        assert_eq!(refusal(recursion, a), "A placeholder in a schema stands for itself");
        let mut recursion = Recursion::default();
        let inner = recursion.placeholder();
        let default = Value::array(vec![Value::structure(inner.clone(), Vec::new())]);
        let children = SchemaBuilder::array(inner.clone()).default_value(default).build();
        let tree = SchemaBuilder::structure().field("children", children).build();
        recursion.define(&inner, tree.clone());
        assert!(refusal(recursion, tree).starts_with("A default value in a schema that contains itself"));
    }

    #[test]
    fn repetition_and_recursion_are_told_apart() {
        let point = SchemaBuilder::structure().field("x", SchemaBuilder::int8().build()).build();
        let line = SchemaBuilder::structure().field("from", point.clone()).field("to", point.clone()).build();
        assert_eq!(recursive(&line), None);
        assert!(matches!(repeated(&line).as_slice(), [only] if Shared::same(only, &point)));
        assert!(repeated(&point).is_empty());
        let tree = tree("Tree");
        let forest = SchemaBuilder::map(SchemaBuilder::string().build(), tree.clone()).build();
        assert!(recursive(&forest).is_some_and(|found| Shared::same(found, &tree)));
        assert!(matches!(repeated(&forest).as_slice(), [only] if Shared::same(only, &tree)));
    }

    #[test]
    fn a_circle_goes_when_its_last_schema_goes() {
        // The label's schema is outside of the circle: who holds it is counted.
        let label = SchemaBuilder::string().build();
        let mut recursion = Recursion::default();
        let next = recursion.placeholder();
        let list = SchemaBuilder::structure().optional().field("label", label).field("next", next.clone()).build();
        recursion.define(&next, list.clone());
        let list = recursion.close(vec![list]).expect("it is whole").remove(0);
        let inner = list.fields[1].schema.clone();
        // A schema that was made of it holds it as well.
        let made = Schema { name: Some("other".into()).into(), ..Schema::clone(&inner) };
        drop((list, inner));
        assert!(made.fields[1].schema.fields[1].schema.optional);
    }
}
