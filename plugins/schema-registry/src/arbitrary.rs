//! Schemas with values of them, for property tests of the formats.

use ferroconnect_plugin_sdk::abi::recursion::Recursion;
use ferroconnect_plugin_sdk::{MapEntry, Schema, SchemaBuilder, SchemaType, Shared, Value};
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

/// How a struct refers to another one, or to itself.
#[derive(Debug, Clone, Copy)]
enum Way {
    Optional,
    Array,
    Map,
}

/// Structs that contain each other, of which the first is the schema, and a value that ends somewhere.
pub(crate) fn circle() -> BoxedStrategy<Pair> {
    let way = proptest::sample::select(&[Way::Optional, Way::Array, Way::Map][..]);
    let structs = vec(vec((way, any::<proptest::sample::Index>()), 0..4), 1..4);
    (structs, vec(any::<u8>(), 0..60))
        .prop_map(|(structs, choices)| {
            let schema = structs_of(&structs);
            let value = value_of(&schema, &mut choices.into_iter(), 6);
            (schema, value)
        })
        .boxed()
}

fn structs_of(structs: &[Vec<(Way, proptest::sample::Index)>]) -> Shared<Schema> {
    let mut recursion = Recursion::default();
    let required: Vec<_> = structs.iter().map(|_| recursion.placeholder()).collect();
    let optional: Vec<_> = structs.iter().map(|_| recursion.placeholder()).collect();
    for (number, references) in structs.iter().enumerate() {
        let mut builder = SchemaBuilder::structure().field("label", SchemaBuilder::string().build());
        // Every other one has no name.
        if number % 2 == 0 {
            builder = builder.name(format!("S{number}"));
        }
        for (at, (way, target)) in references.iter().enumerate() {
            let target = target.index(structs.len());
            let field = match way {
                Way::Optional => optional[target].clone(),
                Way::Array => SchemaBuilder::array(required[target].clone()).build(),
                Way::Map => SchemaBuilder::map(SchemaBuilder::string().build(), required[target].clone()).build(),
            };
            builder = builder.field(format!("f{at}"), field);
        }
        let schema = builder.build();
        recursion.define(&optional[number], Shared::new(Schema { optional: true, ..Schema::clone(&schema) }));
        recursion.define(&required[number], schema);
    }
    recursion.close(vec![required[0].clone()]).expect("all are defined").remove(0)
}

/// A value of structs, arrays, maps and text that is no deeper than this.
fn value_of(schema: &Shared<Schema>, choices: &mut impl Iterator<Item = u8>, deepest: usize) -> Value {
    let choice = choices.next().filter(|_| deepest > 0).unwrap_or_default();
    if schema.optional && choice.is_multiple_of(2) {
        return Value::NULL;
    }
    let mut part = |schema: &Shared<Schema>| value_of(schema, choices, deepest.saturating_sub(1));
    match schema.kind {
        SchemaType::STRUCT => {
            let fields = schema.fields.iter().map(|field| part(&field.schema)).collect::<Vec<_>>();
            Value::structure(schema.clone(), fields)
        }
        SchemaType::ARRAY => {
            let element = schema.values.get().expect("elements have a schema");
            Value::array((0..choice % 3).map(|_| part(element)).collect::<Vec<_>>())
        }
        SchemaType::MAP => {
            let values = schema.values.get().expect("values have a schema");
            let entry = |_| MapEntry { key: "k".into(), value: part(values) };
            Value::map((0..choice % 2).map(entry).collect::<Vec<_>>())
        }
        _ => Value::string(choice.to_string()),
    }
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
