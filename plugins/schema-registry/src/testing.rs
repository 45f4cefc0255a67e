//! What the tests of all formats begin with.

use std::sync::Arc;

use ferroconnect_plugin_sdk::abi::recursion::Recursion;
use ferroconnect_plugin_sdk::{Config, Schema, SchemaBuilder, Shared, Value};

use crate::client::Document;
use crate::codec::Codec;
use crate::settings;

/// A codec of these settings, beside the defaults.
pub(crate) fn codec<C: Codec, const N: usize>(pairs: [(&str, &str); N]) -> C {
    let mut config = Config::from(pairs);
    config.set("schema.registry.url", "http://localhost:1");
    let def = C::keys(settings::keys());
    C::new(&def.parse(&config.to_pairs()).expect("complete")).expect("right")
}

/// A registered schema that imports no other.
pub(crate) fn document(text: &str) -> Arc<Document> {
    Arc::new(Document { text: text.to_owned(), imports: Vec::new() })
}

/// A schema of text.
pub(crate) fn text() -> Shared<Schema> {
    SchemaBuilder::string().build()
}

/// A schema that contains what `make` is given: itself, required and optional.
pub(crate) fn circle(make: impl FnOnce(&Shared<Schema>, &Shared<Schema>) -> SchemaBuilder) -> Shared<Schema> {
    let mut recursion = Recursion::default();
    let (required, optional) = (recursion.placeholder(), recursion.placeholder());
    let schema = make(&required, &optional).build();
    recursion.define(&optional, Shared::new(Schema { optional: true, ..Schema::clone(&schema) }));
    recursion.define(&required, schema.clone());
    recursion.close(vec![schema]).expect("it is whole").remove(0)
}

/// A value of two fields, as a node of a list has them.
pub(crate) fn node(schema: &Shared<Schema>, label: &str, next: Value) -> Value {
    Value::structure(schema.clone(), vec![label.into(), next])
}

/// A list of so many nodes.
pub(crate) fn chain(schema: &Shared<Schema>, length: usize) -> Value {
    let inner = &schema.fields[1].schema;
    let rest = (1..length).fold(Value::NULL, |rest, _| node(inner, "x", rest));
    node(schema, "x", rest)
}
