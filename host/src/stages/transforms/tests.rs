//! What the recordings of Kafka Connect cannot show: paths in every transform, and schemas that alternate.

use ferroconnect_plugin_abi::builder::SchemaBuilder;
use ferroconnect_plugin_abi::value::MapEntry;
use ferroconnect_plugin_abi::{Data, Record, Schema, Shared, Value, ValueRef};

use crate::config::Props;
use crate::error::Result;
use crate::stages::text::java_text;
use crate::stages::{Factory, Transform, builtins};

pub(super) fn make(class: &str, config: &[(&str, &str)]) -> Result<Box<dyn Transform>> {
    let mut props = Props::new();
    for (key, value) in config {
        props.set(*key, *value);
    }
    let class = format!("org.apache.kafka.connect.transforms.{class}");
    let all = builtins();
    match all.iter().find(|builtin| builtin.class == class).expect("the class is there").factory {
        Factory::Transform(make) => make(&props),
        _ => panic!("{class} is no transform"),
    }
}

#[track_caller]
fn apply(class: &str, config: &[(&str, &str)], value: Data) -> Record {
    let mut record = Record::new("t", value);
    let mut transform = make(class, config).expect("the configuration is right");
    assert!(transform.apply(&mut record).expect("the record is right"));
    check(&record.value);
    record
}

#[track_caller]
fn error(class: &str, config: &[(&str, &str)], value: Data) -> String {
    let failed = match make(class, config) {
        Ok(mut transform) => transform.apply(&mut Record::new("t", value)).map(drop),
        Err(error) => Err(error),
    };
    failed.expect_err("this must fail").message().to_owned()
}

/// Structs everywhere have the schemas that their surroundings promise.
#[track_caller]
fn check(data: &Data) {
    if let (Some(schema), ValueRef::Struct(value)) = (data.schema.get(), data.value.view()) {
        assert_eq!(value.schema, *schema);
        assert_eq!(value.fields.len(), schema.fields.len());
        for (field, value) in schema.fields.iter().zip(&value.fields) {
            check(&Data::new(field.schema.clone(), value.clone()));
        }
    }
}

fn inner_schema() -> Shared<Schema> {
    SchemaBuilder::structure()
        .name("Inner")
        .field("x", SchemaBuilder::int32().build())
        .field("y", SchemaBuilder::string().optional().build())
        .optional()
        .build()
}

fn outer_schema() -> Shared<Schema> {
    SchemaBuilder::structure()
        .field("id", SchemaBuilder::int64().build())
        .field("in", inner_schema())
        .field("a.b", SchemaBuilder::string().optional().build())
        .build()
}

/// `{id=7, in={x=1, y=z}, a.b=q}`
fn with_schema() -> Data {
    let inner = Value::structure(inner_schema(), vec![Value::int32(1), Value::string("z")]);
    Data::new(outer_schema(), Value::structure(outer_schema(), vec![Value::int64(7), inner, Value::string("q")]))
}

fn without_inner() -> Data {
    Data::new(outer_schema(), Value::structure(outer_schema(), vec![Value::int64(7), Value::NULL, Value::NULL]))
}

fn map(entries: Vec<(&str, Value)>) -> Value {
    let entry = |(key, value)| MapEntry { key: Value::string(key), value };
    Value::map(entries.into_iter().map(entry).collect::<Vec<_>>())
}

/// The same as [`with_schema`].
fn schemaless() -> Data {
    let inner = map(vec![("x", Value::int32(1)), ("y", Value::string("z"))]);
    Data::schemaless(map(vec![("id", Value::int64(7)), ("in", inner), ("a.b", Value::string("q"))]))
}

const V2: (&str, &str) = ("field.syntax.version", "v2");

#[test]
fn inserts_at_a_path() {
    let config = [V2, ("topic.field", "in.topic!"), ("static.field", "`s.t`"), ("static.value", "s")];
    let record = apply("InsertField$Value", &config, with_schema());
    assert_eq!(java_text(&record.value.value), "Struct{id=7,in=Struct{x=1,y=z,topic=t},a.b=q,s.t=s}");
    let inner = &record.value.schema.get().expect("has a schema").fields[1].schema;
    assert!(inner.optional && inner.name_str() == Some("Inner") && !inner.fields[2].schema.optional);

    let record = apply("InsertField$Value", &config, schemaless());
    assert_eq!(java_text(&record.value.value), "{id=7, in={x=1, y=z, topic=t}, a.b=q, s.t=s}");

    let record = apply("InsertField$Value", &config, without_inner());
    assert_eq!(java_text(&record.value.value), "Struct{id=7,s.t=s}", "a null on the way stays null");
}

#[test]
fn inserts_add_maps_but_no_structs() {
    let config = [V2, ("topic.field", "new.topic")];
    let record = apply("InsertField$Value", &config, schemaless());
    assert_eq!(java_text(&record.value.value), "{id=7, in={x=1, y=z}, a.b=q, new={topic=t}}");
    assert_eq!(error("InsertField$Value", &config, with_schema()), "Field does not exist: new");
    assert_eq!(
        error("InsertField$Value", &[V2, ("topic.field", "id.topic")], with_schema()),
        "Cannot look up fields of 'id', which is of type INT64 and no struct"
    );
    assert_eq!(
        error("InsertField$Value", &[V2, ("topic.field", "id.topic")], schemaless()),
        "Only Map objects supported in absence of schema for [nested field access], found: java.lang.Long"
    );
}

#[test]
fn replaces_at_a_path() {
    for (data, dropped, kept, renamed) in [
        (
            with_schema(),
            "Struct{id=7,in=Struct{y=z}}",
            "Struct{in=Struct{y=z}}",
            "Struct{id=7,in=Struct{n.n=1,y=z},c=q}",
        ),
        (schemaless(), "{id=7, in={y=z}}", "{in={y=z}}", "{id=7, in={n.n=1, y=z}, c=q}"),
    ] {
        let text =
            |config: (&str, &str)| java_text(&apply("ReplaceField$Value", &[V2, config], data.clone()).value.value);
        assert_eq!(text(("exclude", "in.x,`a.b`,no.thing")), dropped);
        assert_eq!(text(("include", "in.y")), kept);
        assert_eq!(text(("renames", "in.x:`n.n`,`a.b`:c")), renamed);
    }
    assert!(error("ReplaceField$Value", &[V2, ("renames", "id:in.id")], schemaless()).contains("stays in its struct"));
    assert!(error("ReplaceField$Value", &[V2, ("include", "in,in.x")], schemaless()).contains("'in' is listed"));
    let plain = apply("ReplaceField$Value", &[("exclude", "a.b,in.x")], with_schema());
    assert_eq!(java_text(&plain.value.value), "Struct{id=7,in=Struct{x=1,y=z}}", "V1 takes names as they stand");
}

#[test]
fn moves_to_headers_from_a_path() {
    let config = [V2, ("fields", "in.x,id"), ("headers", "x,i"), ("operation", "move")];
    for (data, rest) in [(with_schema(), "Struct{in=Struct{y=z},a.b=q}"), (schemaless(), "{in={y=z}, a.b=q}")] {
        let record = apply("HeaderFrom$Value", &config, data);
        assert_eq!(java_text(&record.value.value), rest);
        let headers: Vec<_> = record.headers.iter().map(|h| (h.key.as_str(), java_text(&h.data.value))).collect();
        assert_eq!(headers, [("x", "1".to_owned()), ("i", "7".to_owned())]);
    }
    let record = apply("HeaderFrom$Value", &config, without_inner());
    let data = &record.headers[0].data;
    assert!(data.value.is_null() && data.schema.get().is_some_and(|schema| schema.optional));
}

#[test]
fn makes_keys_from_a_path() {
    let config = [V2, ("fields", "in.x,`a.b`")];
    for (data, key) in [(with_schema(), "Struct{in.x=1,`a.b`=q}"), (schemaless(), "{in.x=1, `a.b`=q}")] {
        let record = apply("ValueToKey", &config, data.clone());
        assert_eq!(java_text(&record.key.value), key);
        assert_eq!(record.value, data);
    }
    let missing = error("ValueToKey", &[V2, ("fields", "in.no")], with_schema());
    assert_eq!(missing, "Field does not exist: in.no");
}

#[test]
fn schemas_that_alternate_do_not_mix() {
    let other = SchemaBuilder::structure().field("id", SchemaBuilder::string().build()).build();
    let other = || Data::new(other.clone(), Value::structure(other.clone(), vec![Value::string("s")]));
    let mut transform = make("InsertField$Value", &[("topic.field", "t")]).expect("is right");
    for data in [with_schema(), other(), with_schema(), other(), without_inner()] {
        let mut record = Record::new("t", data.clone());
        transform.apply(&mut record).expect("is right");
        assert_eq!(record.value, apply("InsertField$Value", &[("topic.field", "t")], data).value);
    }
}

#[test]
fn the_key_of_ours_is_not_listed() {
    for builtin in builtins().iter().filter(|builtin| builtin.class.contains(".transforms.")) {
        let def = (builtin.config)();
        let is_shown = def.infos().iter().any(|info| info.name == V2.0);
        assert_eq!(is_shown, builtin.class.contains("ExtractField"), "{}", builtin.class);
    }
}

#[test]
fn a_struct_that_does_not_fit_its_schema_is_refused() {
    let broken = || Data::new(outer_schema(), Value::structure(outer_schema(), vec![Value::int64(1)]));
    for (class, config) in [
        ("InsertField$Value", ("topic.field", "t")),
        ("ReplaceField$Value", ("exclude", "id")),
        ("ValueToKey", ("fields", "in")),
        ("ExtractField$Value", ("field", "in")),
        ("SetSchemaMetadata$Value", ("schema.name", "n")),
    ] {
        let message = error(class, &[config], broken());
        assert_eq!(message, "The struct has 1 values for the 3 fields of its schema", "{class}");
    }
}

/// Java keeps the old names in a hash table, whose last one of a new name counts.
#[test]
fn of_several_fields_renamed_to_one_name_the_last_of_a_java_table_counts() {
    let data = |name: &str| {
        let schema = SchemaBuilder::structure().field(name, SchemaBuilder::int8().build()).build();
        Data::new(schema.clone(), Value::structure(schema, vec![Value::int8(5)]))
    };
    for renames in ["b:x,a:x", "a:x,b:x"] {
        let config = [("renames", renames)];
        assert_eq!(apply("ReplaceField$Value", &config, data("b")).value, data("x"), "{renames}");
        assert_eq!(error("ReplaceField$Value", &config, data("a")), "b is not a valid field name", "{renames}");
    }
}
