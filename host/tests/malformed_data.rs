//! Nothing that a plugin can hand to the worker as data makes a stage panic: schemas that no builder would make, and values
//! that have nothing to do with their schema. Only structs have the shape of their schema: the border looks at that.
//!
//! `PROPTEST_CASES` says how often (`scripts/fuzz.sh` runs them for long); a case that fails is shown in its smallest
//! form.

#![allow(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use ferroconnect::config::Props;
use ferroconnect::stages::converters::json::JsonConverter;
use ferroconnect::stages::{Converter, Factory, HeaderConverter, Predicate, Transform, builtins};
use ferroconnect_plugin_abi::containers::{AbiOption, AbiVec};
use ferroconnect_plugin_abi::schema::{Field, Parameter, Schema, SchemaType};
use ferroconnect_plugin_abi::value::MapEntry;
use ferroconnect_plugin_abi::{Data, Header, MaybeShared, Record, Shared, Text, Value};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Names of fields, few, so that settings and other schemas meet them; the empty one too.
const FIELDS: [&str; 5] = ["a", "b", "at", "value", ""];

/// Names that mean something to a stage, and one that does not.
const NAMES: [&str; 5] = [
    "org.apache.kafka.connect.data.Decimal",
    "org.apache.kafka.connect.data.Date",
    "org.apache.kafka.connect.data.Time",
    "org.apache.kafka.connect.data.Timestamp",
    "order",
];

/// Each type, and one that does not exist. Which number is which does not matter here.
fn schema_type() -> impl Strategy<Value = SchemaType> {
    prop_oneof![20 => (0u8..16).prop_map(SchemaType), 1 => Just(SchemaType(99))]
}

/// A schema with anything in any place.
fn schema() -> impl Strategy<Value = Shared<Schema>> {
    let leaf = (schema_type(), any::<bool>(), option::weighted(0.3, select(&NAMES[..]))).prop_map(schema_of);
    leaf.prop_recursive(3, 12, 4, |inner| {
        let fields = vec((select(&FIELDS[..]), inner.clone()), 0..4);
        let parts = (option::of(inner.clone()), option::of(inner.clone()), fields, option::weighted(0.2, value()));
        let scale = option::weighted(0.3, select(&["2", "-3", "x", "2147483647", "99999999999"][..]));
        (schema_type(), inner, parts, scale).prop_map(|(kind, base, (keys, values, fields, default), scale)| {
            let mut schema = Schema::clone(&base);
            schema.kind = kind;
            schema.keys = keys.map_or(MaybeShared::NONE, MaybeShared::from);
            schema.values = values.map_or(MaybeShared::NONE, MaybeShared::from);
            let field = |(name, schema): (&str, Shared<Schema>)| Field { name: Text::copy_from(name), schema };
            schema.fields = fields.into_iter().map(field).collect();
            // Defaults may be of another type, but no torn structs: the worker does not look through each schema.
            let bare = schema.clone();
            let fits = |default: &Value| Data::new(Shared::new(bare), default.clone()).is_whole();
            schema.default = default.filter(fits).into();
            schema.parameters =
                scale.map(|scale| Parameter { key: "scale".into(), value: scale.into() }).into_iter().collect();
            Shared::new(schema)
        })
    })
}

fn schema_of((kind, optional, name): (SchemaType, bool, Option<&str>)) -> Shared<Schema> {
    let mut schema = Schema::new(kind);
    schema.optional = optional;
    schema.name = name.map(Text::copy_from).into();
    Shared::new(schema)
}

/// A value that knows of no schema, but for structs, whose schema knows nothing of their fields.
fn value() -> BoxedStrategy<Value> {
    let leaf = prop_oneof![
        Just(Value::NULL),
        any::<bool>().prop_map(Value::boolean),
        any::<i8>().prop_map(Value::int8),
        any::<i16>().prop_map(Value::int16),
        any::<i32>().prop_map(Value::int32),
        any::<i64>().prop_map(Value::int64),
        any::<f32>().prop_map(Value::float32),
        any::<f64>().prop_map(Value::float64),
        select(&["", "12", "2020-02-29", "é", "true"][..]).prop_map(Value::from),
        vec(any::<u8>(), 0..5).prop_map(Value::bytes),
        (vec(any::<u8>(), 0..5), -400..400i32).prop_map(|(unscaled, scale)| Value::decimal(unscaled, scale)),
        vec(any::<u8>(), 0..5).prop_map(Value::big_integer),
        any::<i32>().prop_map(Value::date),
        any::<i32>().prop_map(Value::time),
        any::<i64>().prop_map(Value::timestamp),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        let entry = (prop_oneof![inner.clone(), select(&FIELDS[..]).prop_map(Value::from)], inner.clone());
        let entry = entry.prop_map(|(key, value)| MapEntry { key, value });
        let fields = vec((select(&FIELDS[..]), schema_type(), any::<bool>()), 0..4);
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::array),
            vec(entry, 0..4).prop_map(Value::map),
            (fields, vec(inner, 0..4)).prop_map(|(fields, values)| {
                let field = |(name, kind, optional): (&str, SchemaType, bool)| Field {
                    name: Text::copy_from(name),
                    schema: schema_of((kind, optional, None)),
                };
                let mut schema = Schema::new(SchemaType::STRUCT);
                schema.fields = fields.into_iter().map(field).collect();
                Value::structure(Shared::new(schema), values)
            }),
        ]
    })
    .boxed()
}

/// Gives each struct the shape that the border between worker and plugins demands.
fn whole(mut data: Data) -> Data {
    mend(&mut data.value, data.schema.get());
    assert!(data.is_whole(), "{data:?}");
    data
}

fn mend(value: &mut Value, schema: Option<&Shared<Schema>>) {
    if let Some(value) = value.as_struct_mut() {
        if let Some(schema) = schema.filter(|schema| schema.kind == SchemaType::STRUCT) {
            value.schema = schema.clone();
        }
        let schemas = value.schema.fields.iter().map(|field| &field.schema);
        value.fields.resize(schemas.len(), Value::NULL);
        value.fields.iter_mut().zip(schemas).for_each(|(value, schema)| mend(value, Some(schema)));
    } else if let Some(values) = value.as_array_mut() {
        values.iter_mut().for_each(|value| mend(value, schema.and_then(|schema| schema.values.get())));
    } else if let Some(entries) = value.as_map_mut() {
        for entry in entries {
            mend(&mut entry.key, schema.and_then(|schema| schema.keys.get()));
            mend(&mut entry.value, schema.and_then(|schema| schema.values.get()));
        }
    }
}

/// Data as a faulty plugin might give it. Often the value is a struct of the very schema, and only its fields are wrong.
fn data() -> impl Strategy<Value = Data> {
    let structure = (schema(), vec(value(), 0..5)).prop_map(|(schema, values)| {
        let schema =
            Shared::new(Schema { kind: SchemaType::STRUCT, default: AbiOption::RNone, ..Schema::clone(&schema) });
        Data::new(schema.clone(), Value::structure(schema, values))
    });
    let any = (schema(), value()).prop_map(|(schema, value)| Data::new(schema, value));
    prop_oneof![structure, any, value().prop_map(Data::schemaless)].prop_map(whole)
}

/// Settings with which each stage does something.
const SETTINGS: &[(&str, &[(&str, &str)])] = &[
    ("Cast$Value", &[("spec", "a:int8,b:string,at:float64")]),
    ("Cast$Value", &[("spec", "string")]),
    ("Cast$Key", &[("spec", "a.b:boolean"), ("field.syntax.version", "V2")]),
    ("DropHeaders", &[("headers", "a")]),
    ("ExtractField$Value", &[("field", "a")]),
    ("ExtractField$Key", &[("field", "a.b"), ("field.syntax.version", "V2")]),
    ("Flatten$Value", &[]),
    ("HeaderFrom$Value", &[("fields", "a,b"), ("headers", "x,y"), ("operation", "move")]),
    ("HeaderFrom$Key", &[("fields", "at"), ("headers", "x"), ("operation", "copy")]),
    ("HoistField$Value", &[("field", "a")]),
    ("InsertField$Value", &[("static.field", "a"), ("static.value", "x"), ("topic.field", "t!")]),
    ("InsertField$Key", &[("timestamp.field", "at")]),
    ("MaskField$Value", &[("fields", "a,b,at")]),
    ("MaskField$Key", &[("fields", "a"), ("replacement", "7")]),
    ("ReplaceField$Value", &[("renames", "a:c"), ("exclude", "b")]),
    ("ReplaceField$Key", &[("include", "a,at")]),
    ("SetSchemaMetadata$Value", &[("schema.name", "n"), ("schema.version", "2")]),
    ("TimestampConverter$Value", &[("target.type", "string"), ("format", "yyyy"), ("field", "at")]),
    ("TimestampConverter$Value", &[("target.type", "unix")]),
    ("TimestampConverter$Key", &[("target.type", "Date"), ("format", "yyyy-MM-dd")]),
    ("TimestampRouter", &[]),
    ("ValueToKey", &[("fields", "a,at")]),
    ("RecordIsTombstone", &[]),
    ("HasHeaderKey", &[("name", "a")]),
    ("JsonConverter", &[("schemas.enable", "true")]),
    ("JsonConverter", &[("schemas.enable", "false"), ("decimal.format", "NUMERIC")]),
    ("StringConverter", &[]),
    ("ByteArrayConverter", &[]),
    ("ShortConverter", &[]),
    ("IntegerConverter", &[]),
    ("LongConverter", &[]),
    ("FloatConverter", &[]),
    ("DoubleConverter", &[]),
    ("BooleanConverter", &[]),
    ("SimpleHeaderConverter", &[]),
];

/// A stage that comes with the worker, and where it stands in the table.
struct Stage {
    entry: &'static (&'static str, &'static [(&'static str, &'static str)]),
    role: Role,
}

enum Role {
    Converter(Box<dyn Converter>),
    HeaderConverter(Box<dyn HeaderConverter>),
    Transform(Box<dyn Transform>),
    Predicate(Box<dyn Predicate>),
}

impl Stage {
    /// All entries of the table, each in each role it has.
    fn all() -> Vec<Stage> {
        let builtins = builtins();
        let of = |entry: &'static (&str, &[(&str, &str)])| -> Vec<Stage> {
            let class = format!(".{}", entry.0);
            let there = builtins.iter().filter(|builtin| builtin.class.ends_with(&class));
            let made: Vec<Stage> =
                there.map(|builtin| Stage { entry, role: Role::of(builtin.factory, entry.1) }).collect();
            assert!(!made.is_empty(), "there is no {class}");
            made
        };
        SETTINGS.iter().flat_map(of).collect()
    }

    /// Puts the record through. False = the stage panicked.
    fn survives(&mut self, record: &Record, writer: &mut dyn Converter) -> bool {
        catch_unwind(AssertUnwindSafe(|| self.role.try_out(record, writer))).is_ok()
    }
}

impl Role {
    fn of(factory: Factory, settings: &[(&str, &str)]) -> Role {
        let props: Props = settings.iter().map(|&(key, value)| (key.to_owned(), Some(value.to_owned()))).collect();
        match factory {
            Factory::Converter(make) => Role::Converter(make(&props.with("converter.type", "value")).unwrap()),
            Factory::HeaderConverter(make) => {
                Role::HeaderConverter(make(&props.with("converter.type", "header")).unwrap())
            }
            Factory::Transform(make) => Role::Transform(make(&props).unwrap()),
            Factory::Predicate(make) => Role::Predicate(make(&props).unwrap()),
        }
    }

    /// An error is fine. What a transform makes of the record, malformed or not, is written as well.
    fn try_out(&mut self, record: &Record, writer: &mut dyn Converter) {
        match self {
            Role::Converter(stage) => {
                let _bytes = stage.from_connect(&record.topic, &mut AbiVec::new(), &record.value);
            }
            Role::HeaderConverter(stage) => {
                let _bytes = stage.from_connect_header(&record.topic, &"a".into(), &record.value);
            }
            Role::Predicate(stage) => {
                let _holds = stage.test(record);
            }
            Role::Transform(stage) => {
                let mut record = record.clone();
                if stage.apply(&mut record).is_ok() {
                    let _bytes = writer.from_connect(&record.topic, &mut AbiVec::new(), &record.value);
                }
            }
        }
    }
}

proptest! {
    #[test]
    fn no_stage_panics_on_data_of_a_faulty_plugin(data in vec(data(), 1..4)) {
        let props = Props::from([("converter.type", "value")]);
        let mut writer = JsonConverter::configured(&props).unwrap();
        // One set of stages for all the data: what they keep about one schema must not be taken for another.
        for stage in &mut Stage::all() {
            for data in &data {
                let mut record = Record::new("topic", data.clone());
                record.key = data.clone();
                record.timestamp = AbiOption::RSome(1_600_000_000_000);
                record.headers.push(Header { key: "a".into(), data: data.clone() });
                prop_assert!(stage.survives(&record, &mut writer), "{:?} panicked", stage.entry);
            }
        }
    }
}
