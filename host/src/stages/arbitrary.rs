//! Any schema, and any value of it, for property tests.

use ferroconnect_plugin_abi::builder::SchemaBuilder;
use ferroconnect_plugin_abi::containers::AbiOption;
use ferroconnect_plugin_abi::logical::{Logical, MILLIS_PER_DAY, decimal_scale};
use ferroconnect_plugin_abi::schema::{Field, Parameter};
use ferroconnect_plugin_abi::value::MapEntry;
use ferroconnect_plugin_abi::{Data, Schema, SchemaType, Shared, Value};
use indexmap::IndexMap;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

/// Whether a value may hold null where its schema allows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Nulls {
    Some,
    None,
}

/// A schema with values of it.
pub(crate) fn data() -> impl Strategy<Value = Data> {
    schema().prop_flat_map(data_of)
}

/// A struct schema with values of it.
pub(crate) fn struct_data() -> impl Strategy<Value = Data> {
    structure(schema()).prop_map(Shared::new).prop_flat_map(data_of)
}

fn data_of(schema: Shared<Schema>) -> impl Strategy<Value = Data> {
    value(&schema, Nulls::Some).prop_map(move |value| Data { schema: schema.clone().into(), value })
}

/// Any schema that Kafka Connect could build, a few levels deep.
pub(crate) fn schema() -> BoxedStrategy<Shared<Schema>> {
    let leaf = prop_oneof![3 => plain(), 2 => logical()].boxed();
    let schema = leaf.prop_recursive(3, 24, 4, |inner| {
        let inner = inner.prop_flat_map(finished).boxed();
        prop_oneof![
            2 => inner.clone().prop_map(|elements| unshared(SchemaBuilder::array(elements))),
            1 => inner.clone().prop_map(|values| unshared(SchemaBuilder::map(SchemaBuilder::string().build(), values))),
            1 => (inner.clone(), inner.clone()).prop_map(|(keys, values)| unshared(SchemaBuilder::map(keys, values))),
            3 => structure(inner),
        ]
    });
    schema.prop_flat_map(finished).boxed()
}

fn unshared(builder: SchemaBuilder) -> Schema {
    Schema::clone(&builder.build())
}

fn plain() -> impl Strategy<Value = Schema> {
    (1..=SchemaType::BYTES.0).prop_map(|number| Schema::new(SchemaType(number)))
}

fn logical() -> impl Strategy<Value = Schema> {
    let builder = prop_oneof![
        (-3..40).prop_map(SchemaBuilder::decimal),
        Just(()).prop_map(|()| SchemaBuilder::date()),
        Just(()).prop_map(|()| SchemaBuilder::time()),
        Just(()).prop_map(|()| SchemaBuilder::timestamp()),
    ];
    builder.prop_map(unshared)
}

fn structure(inner: impl Strategy<Value = Shared<Schema>>) -> impl Strategy<Value = Schema> {
    vec((name(), inner), 0..5).prop_map(|fields| {
        let fields: IndexMap<String, Shared<Schema>> = fields.into_iter().collect();
        let field = |(name, schema): (String, _)| Field { name: name.into(), schema };
        let fields: Vec<Field> = fields.into_iter().map(field).collect();
        Schema { fields: fields.into(), ..Schema::new(SchemaType::STRUCT) }
    })
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof![4 => "[a-e]", 1 => "[a-z.`\"\\\\é😀 ]{1,6}", 1 => Just("schema".to_owned())]
}

/// Gives a schema what every schema may have. Only names are left to those that have none: they tell logical types.
fn finished(schema: Schema) -> impl Strategy<Value = Shared<Schema>> {
    let parameters = vec(("[a-d]", "\\PC{0,3}"), 0..3);
    let attributes = (
        any::<bool>(),
        option::weighted(0.3, name()),
        option::weighted(0.2, any::<i32>()),
        option::weighted(0.2, text()),
    );
    let wants_default = schema.kind != SchemaType::STRUCT;
    (Just(schema), attributes, parameters, any::<bool>())
        .prop_map(|(mut schema, (optional, name, version, doc), parameters, has_default)| {
            schema.optional = optional;
            if schema.name.is_none() {
                schema.name = name.map(Into::into).into();
                schema.version = version.into();
            }
            schema.doc = doc.map(Into::into).into();
            for (key, value) in parameters.into_iter().collect::<IndexMap<_, _>>() {
                schema.parameters.push(Parameter { key: key.into(), value: value.into() });
            }
            (schema, has_default)
        })
        .prop_flat_map(move |(schema, has_default)| {
            let default = if wants_default && has_default {
                value(&schema, Nulls::None).prop_map(AbiOption::RSome).boxed()
            } else {
                Just(()).prop_map(|()| AbiOption::RNone).boxed()
            };
            (Just(schema), default)
        })
        .prop_map(|(schema, default)| Schema { default, ..schema }.checked().expect("the parts fit"))
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![2 => "[ -~]{0,8}", 1 => any::<String>()]
}

/// A value that the schema accepts. It can be told apart from others in JSON: floats are finite and not the negative
/// zero, dates of their own kind, keys of maps not null and no two of them equal.
fn value(schema: &Schema, nulls: Nulls) -> BoxedStrategy<Value> {
    let some = present(schema, nulls);
    if nulls == Nulls::Some && schema.optional {
        return prop_oneof![1 => Just(()).prop_map(|()| Value::NULL), 3 => some].boxed();
    }
    some
}

fn present(schema: &Schema, nulls: Nulls) -> BoxedStrategy<Value> {
    if let Some(kind) = Logical::of(schema) {
        return logical_value(schema, kind);
    }
    match schema.kind {
        SchemaType::INT8 => any::<i8>().prop_map(Value::int8).boxed(),
        SchemaType::INT16 => any::<i16>().prop_map(Value::int16).boxed(),
        SchemaType::INT32 => any::<i32>().prop_map(Value::int32).boxed(),
        SchemaType::INT64 => any::<i64>().prop_map(Value::int64).boxed(),
        // Adding zero makes the negative zero positive.
        SchemaType::FLOAT32 => any::<f32>().prop_map(|number| Value::float32(number + 0.0)).boxed(),
        SchemaType::FLOAT64 => any::<f64>().prop_map(|number| Value::float64(number + 0.0)).boxed(),
        SchemaType::BOOLEAN => any::<bool>().prop_map(Value::boolean).boxed(),
        SchemaType::STRING => text().prop_map(Value::string).boxed(),
        SchemaType::BYTES => vec(any::<u8>(), 0..9).prop_map(Value::bytes).boxed(),
        SchemaType::ARRAY => {
            let elements = schema.values.get().expect("arrays have element schemas");
            vec(value(elements, nulls), 0..4).prop_map(Value::array).boxed()
        }
        SchemaType::MAP => {
            let keys = schema.keys.get().expect("maps have key schemas");
            let values = schema.values.get().expect("maps have value schemas");
            vec((value(keys, Nulls::None), value(values, nulls)), 0..4).prop_map(map).boxed()
        }
        SchemaType::STRUCT => {
            let schema = Shared::new(schema.clone());
            let fields: Vec<_> = schema.fields.iter().map(|field| value(&field.schema, nulls)).collect();
            fields.prop_map(move |values| Value::structure(schema.clone(), values)).boxed()
        }
        other => panic!("{other:?} is no type of Kafka Connect"),
    }
}

fn logical_value(schema: &Schema, kind: Logical) -> BoxedStrategy<Value> {
    match kind {
        Logical::Decimal => {
            let scale = decimal_scale(schema).expect("the schema says its scale");
            vec(any::<u8>(), 1..12).prop_map(move |unscaled| Value::decimal(unscaled, scale)).boxed()
        }
        Logical::Date => any::<i32>().prop_map(Value::date).boxed(),
        Logical::Time => (0..=MILLIS_PER_DAY as i32).prop_map(Value::time).boxed(),
        Logical::Timestamp => any::<i64>().prop_map(Value::timestamp).boxed(),
    }
}

fn map(entries: Vec<(Value, Value)>) -> Value {
    let mut unique: Vec<MapEntry> = Vec::new();
    for (key, value) in entries {
        if unique.iter().all(|entry| entry.key != key) {
            unique.push(MapEntry { key, value });
        }
    }
    Value::map(unique)
}

/// Structs of one field whose schemas differ from each other in a single attribute, each with a value. What is kept
/// per schema must not be used for another of them.
pub(crate) fn lookalikes() -> Vec<Data> {
    let int = SchemaBuilder::int32;
    let fields = [
        int(),
        int().optional(),
        int().name("n"),
        int().name("m"),
        int().version(1),
        int().version(2),
        int().doc("d"),
        int().doc("e"),
        int().parameter("k", "v"),
        int().parameter("k", "w"),
        int().parameter("l", "v"),
        int().default_value(1i32),
        int().default_value(2i32),
        int().optional().default_value(2i32),
        SchemaBuilder::date(),
        SchemaBuilder::time(),
        SchemaBuilder::int64(),
        SchemaBuilder::string(),
        SchemaBuilder::decimal(0),
        SchemaBuilder::decimal(1),
    ];
    let fields: Vec<_> = fields.into_iter().map(SchemaBuilder::build).collect();
    let structure = || SchemaBuilder::structure();
    let field = |schema: &Shared<Schema>| structure().field("f", schema.clone());
    let mut schemas: Vec<_> = fields.iter().map(field).collect();
    let first = || field(&fields[0]);
    schemas.extend([first().optional(), first().name("n"), first().version(1), first().doc("d")]);
    schemas.extend([first().parameter("k", "v"), structure().field("g", fields[0].clone())]);
    schemas.extend([
        first().field("g", fields[0].clone()),
        structure().field("g", fields[0].clone()).field("f", fields[0].clone()),
    ]);
    for inner in fields.iter().take(4) {
        schemas.push(field(&SchemaBuilder::array(inner.clone()).build()));
        schemas.push(field(&SchemaBuilder::map(fields[0].clone(), inner.clone()).build()));
        schemas.push(field(&SchemaBuilder::map(inner.clone(), fields[0].clone()).build()));
        schemas.push(field(&field(inner).build()));
    }
    schemas.into_iter().map(|schema| sample(schema.build())).collect()
}

fn sample(schema: Shared<Schema>) -> Data {
    let value = sample_value(&schema);
    Data::new(schema, value)
}

fn sample_value(schema: &Shared<Schema>) -> Value {
    let part = |schema: &Shared<Schema>| sample_value(schema);
    match (Logical::of(schema), schema.kind) {
        (Some(Logical::Decimal), _) => {
            Value::decimal(vec![5], decimal_scale(schema).expect("the schema says its scale"))
        }
        (Some(Logical::Date), _) => Value::date(5),
        (Some(Logical::Time), _) => Value::time(5),
        (Some(Logical::Timestamp), _) => Value::timestamp(5),
        (None, SchemaType::INT32) => Value::int32(5),
        (None, SchemaType::INT64) => Value::int64(5),
        (None, SchemaType::STRING) => Value::string("5"),
        (None, SchemaType::ARRAY) => {
            Value::array(vec![part(schema.values.get().expect("arrays have element schemas"))])
        }
        (None, SchemaType::MAP) => map(vec![(
            part(schema.keys.get().expect("maps have key schemas")),
            part(schema.values.get().expect("maps have value schemas")),
        )]),
        (None, SchemaType::STRUCT) => {
            let fields: Vec<Value> = schema.fields.iter().map(|field| part(&field.schema)).collect();
            Value::structure(schema.clone(), fields)
        }
        (None, other) => panic!("there is no sample of {other:?}"),
    }
}

/// Turns with lookalikes: which one, and whether its schema is another object than last time.
pub(crate) fn turns() -> impl Strategy<Value = Vec<(usize, bool)>> {
    vec((0..lookalikes().len(), any::<bool>()), 1..120)
}

/// The same data under a schema that is another object, but equal.
pub(crate) fn anew(data: &Data) -> Data {
    let schema = Shared::new(Schema::clone(data.schema.get().expect("lookalikes have schemas")));
    let ferroconnect_plugin_abi::ValueRef::Struct(value) = data.value.view() else { panic!("lookalikes are structs") };
    Data::new(schema.clone(), Value::structure(schema, value.fields.to_vec()))
}
