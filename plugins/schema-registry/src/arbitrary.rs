//! Schemas with values of them, for property tests of the formats.

use ferroconnect_plugin_sdk::{MapEntry, Schema, SchemaBuilder, Shared, Value};
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::Value as Json;

/// A schema and a value of it.
pub(crate) type Pair = (Shared<Schema>, Value);

fn of<T: std::fmt::Debug + 'static>(
    builder: fn() -> SchemaBuilder,
    values: impl Strategy<Value = T> + 'static,
    make: fn(T) -> Value,
) -> BoxedStrategy<Pair> {
    (values, 0..3u8)
        .prop_map(move |(value, kind)| match kind {
            0 => (builder().build(), make(value)),
            1 => (builder().optional().build(), make(value)),
            _ => (builder().optional().build(), Value::NULL),
        })
        .boxed()
}

/// All that is neither struct nor array nor map. Days are in the years 1 to 9999, and there is no negative zero.
pub(crate) fn leaf() -> BoxedStrategy<Pair> {
    prop_oneof![
        of(SchemaBuilder::int8, any::<i8>(), Value::int8),
        of(SchemaBuilder::int16, any::<i16>(), Value::int16),
        of(SchemaBuilder::int32, any::<i32>(), Value::int32),
        of(SchemaBuilder::int64, any::<i64>(), Value::int64),
        of(SchemaBuilder::float32, any::<f32>().prop_map(|it| it + 0.0), Value::float32),
        of(SchemaBuilder::float64, any::<f64>().prop_map(|it| it + 0.0), Value::float64),
        of(SchemaBuilder::boolean, any::<bool>(), Value::boolean),
        of(SchemaBuilder::string, any::<String>(), Value::string),
        of(SchemaBuilder::bytes, vec(any::<u8>(), 0..9), Value::bytes),
        of(|| SchemaBuilder::decimal(3), any::<i64>(), |it| Value::decimal(it.to_be_bytes().to_vec(), 3)),
        of(SchemaBuilder::date, -719_162..2_932_897i32, Value::date),
        of(SchemaBuilder::time, 0..86_400_000i32, Value::time),
        of(SchemaBuilder::timestamp, any::<i64>(), Value::timestamp),
    ]
    .boxed()
}

/// A struct of what the strategy gives, named so that no two are alike.
pub(crate) fn structure(fields: impl Strategy<Value = Pair> + 'static) -> BoxedStrategy<Pair> {
    vec(fields, 0..5)
        .prop_map(|fields| {
            let (schemas, values): (Vec<_>, Vec<_>) = fields.into_iter().unzip();
            let add = |builder: SchemaBuilder, (index, schema)| builder.field(format!("f{index}"), schema);
            let schema = schemas.into_iter().enumerate().fold(SchemaBuilder::structure(), add).build();
            (schema.clone(), Value::structure(schema, values))
        })
        .boxed()
}

/// An array of up to three times the same.
pub(crate) fn array(elements: impl Strategy<Value = Pair> + 'static) -> BoxedStrategy<Pair> {
    (elements, 0..4usize)
        .prop_map(|((schema, value), count)| (SchemaBuilder::array(schema).build(), Value::array(vec![value; count])))
        .boxed()
}

/// A map of one entry.
pub(crate) fn map(
    keys: impl Strategy<Value = Pair> + 'static,
    values: impl Strategy<Value = Pair> + 'static,
) -> BoxedStrategy<Pair> {
    (keys, values)
        .prop_map(|((keys, key), (values, value))| {
            (SchemaBuilder::map(keys, values).build(), Value::map(vec![MapEntry { key, value }]))
        })
        .boxed()
}

/// Any JSON, not deep.
pub(crate) fn json() -> BoxedStrategy<Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        any::<f64>().prop_map(Json::from),
        "[a-c]{0,2}".prop_map(Json::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Json::from),
            vec(("[a-c]", inner), 0..4).prop_map(|entries| entries.into_iter().collect()),
        ]
    })
    .boxed()
}
