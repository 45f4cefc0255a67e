//! Each row of the mapping, in both directions, without a registry.

use super::*;
use crate::arbitrary;
use crate::testing::{self, document};
use ferroconnect_plugin_sdk::abi::recursion::Recursion;
use ferroconnect_plugin_sdk::{MapEntry, SchemaBuilder, SchemaType, StructValue, ValueRef};
use proptest::prelude::*;
use serde_json::{Value as Json, json};

pub(super) fn codec<const N: usize>(pairs: [(&str, &str); N]) -> Avro {
    testing::codec(pairs)
}

fn described(codec: &Avro, schema: &Shared<Schema>) -> Json {
    let described = codec.describe(Some(schema)).expect("Avro holds it");
    serde_json::from_str(&described.text).expect("the text is JSON")
}

pub(super) fn write(codec: &Avro, schema: Option<&Shared<Schema>>, text: &str, value: &Value) -> Result<Vec<u8>> {
    let described = Described { text: text.to_owned(), record_name: None };
    let plan = codec.writer(schema, &described, &document(text), false)?;
    let mut payload = Vec::new();
    codec.write(&plan, value, &mut payload)?;
    Ok(payload)
}

pub(super) fn read(codec: &Avro, text: &str, payload: &[u8]) -> Result<Data> {
    let reader = codec.reader(&document(text), None)?;
    codec.read(&reader, &Blob::copy_from(payload))
}

/// Writes a value by its own schema and reads it again.
fn round_trip(codec: &Avro, schema: &Shared<Schema>, value: &Value) -> Data {
    let text = codec.describe(Some(schema)).expect("Avro holds it").text;
    let payload = write(codec, Some(schema), &text, value).expect("it can be written");
    read(codec, &text, &payload).expect("it can be read")
}

/// A value comes back as it was, under the same schema.
#[track_caller]
fn survives(codec: &Avro, schema: &Shared<Schema>, value: Value) {
    assert_eq!(round_trip(codec, schema, &value), Data::new(schema.clone(), value));
}

fn entry(key: impl Into<Value>, value: impl Into<Value>) -> MapEntry {
    MapEntry { key: key.into(), value: value.into() }
}

#[test]
fn simple_types_have_their_avro_type_and_come_back() {
    let codec = codec([]);
    for (builder, value, avro) in [
        (SchemaBuilder::int8(), Value::int8(-5), json!({"type":"int","connect.type":"int8"})),
        (SchemaBuilder::int16(), Value::int16(300), json!({"type":"int","connect.type":"int16"})),
        (SchemaBuilder::int32(), Value::int32(i32::MIN), json!("int")),
        (SchemaBuilder::int64(), Value::int64(i64::MAX), json!("long")),
        (SchemaBuilder::float32(), Value::float32(1.5), json!("float")),
        (SchemaBuilder::float64(), Value::float64(-0.1), json!("double")),
        (SchemaBuilder::boolean(), Value::boolean(true), json!("boolean")),
        (SchemaBuilder::string(), Value::string("ä"), json!("string")),
        (SchemaBuilder::bytes(), Value::bytes(vec![0, 255]), json!("bytes")),
    ] {
        let schema = builder.build();
        assert_eq!(described(&codec, &schema), avro);
        survives(&codec, &schema, value);
    }
}

#[test]
fn logical_types_keep_name_version_and_scale() {
    let codec = codec([]);
    let decimal = SchemaBuilder::decimal(2).build();
    assert_eq!(
        described(&codec, &decimal),
        json!({"type":"bytes","scale":2,"precision":64,"connect.version":1,"connect.parameters":{"scale":"2"},
            "connect.name":"org.apache.kafka.connect.data.Decimal","logicalType":"decimal"})
    );
    survives(&codec, &decimal, Value::decimal(vec![0x80], 2));
    let precise = SchemaBuilder::decimal(3).parameter("connect.decimal.precision", "10").build();
    assert_eq!(described(&codec, &precise)["precision"], 10);
    survives(&codec, &precise, Value::decimal(vec![1, 2], 3));
    let negative = SchemaBuilder::decimal(-3).build();
    assert_eq!(described(&codec, &negative).get("logicalType"), None);
    survives(&codec, &negative, Value::decimal(vec![7], -3));
    for (schema, value, logical) in [
        (SchemaBuilder::date(), Value::date(-1), "date"),
        (SchemaBuilder::time(), Value::time(86_399_999), "time-millis"),
        (SchemaBuilder::timestamp(), Value::timestamp(-5), "timestamp-millis"),
    ] {
        let schema = schema.build();
        assert_eq!(described(&codec, &schema)["logicalType"], logical);
        survives(&codec, &schema, value);
    }
}

#[test]
fn structs_become_records_by_name_and_unnamed_ones_are_numbered() {
    let codec = codec([]);
    let unnamed = |field: &str| SchemaBuilder::structure().field(field, SchemaBuilder::int32().build());
    let named = unnamed("x").name("com.example.Point").build();
    let schema = SchemaBuilder::structure()
        .field("first", unnamed("a").build())
        .field("again", unnamed("a").optional().build())
        .field("second", unnamed("b").build())
        .field("point", named.clone())
        .field("other", named)
        .build();
    let namespace = "io.confluent.connect.avro";
    assert_eq!(
        described(&codec, &schema),
        json!({"type":"record","name":"ConnectDefault","namespace":namespace,"fields":[
            {"name":"first","type":{"type":"record","name":"ConnectDefault2","fields":[{"name":"a","type":"int"}]}},
            {"name":"again","type":["null","io.confluent.connect.avro.ConnectDefault2"],"default":null},
            {"name":"second","type":{"type":"record","name":"ConnectDefault3","fields":[{"name":"b","type":"int"}]}},
            {"name":"point","type":{"type":"record","name":"Point","namespace":"com.example",
                "fields":[{"name":"x","type":"int"}],"connect.name":"com.example.Point"}},
            {"name":"other","type":"com.example.Point"}]})
    );
    let inner = |index: usize, number: i32| Value::structure(schema.fields[index].schema.clone(), vec![number.into()]);
    let fields = vec![inner(0, 1), Value::NULL, inner(2, 3), inner(3, 4), inner(4, 5)];
    survives(&codec, &schema, Value::structure(schema.clone(), fields));
}

#[test]
fn one_name_stands_for_one_type() {
    let struct_of =
        |field: &str| SchemaBuilder::structure().name("n.R").field(field, SchemaBuilder::int32().build()).build();
    let schema = SchemaBuilder::structure().field("a", struct_of("x")).field("b", struct_of("y")).build();
    let error = codec([]).describe(Some(&schema)).expect_err("they differ");
    assert!(error.message().contains("b: Two schemas that differ have the name n.R"), "{error}");
    // A record around another one of its name: taken for one type, the inner one would lose its field.
    let around = SchemaBuilder::structure().name("n.R").field("y", struct_of("x")).build();
    let error = codec([]).describe(Some(&around)).expect_err("they differ");
    assert!(error.message().contains("y: Two schemas that differ have the name n.R"), "{error}");
}

#[test]
fn null_comes_first_unless_there_is_a_default() {
    let codec = codec([]);
    let schema = SchemaBuilder::structure()
        .name("R")
        .field("plain", SchemaBuilder::string().optional().build())
        .field("with", SchemaBuilder::int32().optional().default_value(5i32).build())
        .field("required", SchemaBuilder::string().default_value("d").build())
        .build();
    assert_eq!(
        described(&codec, &schema)["fields"],
        json!([{"name":"plain","type":["null","string"],"default":null},
            {"name":"with","type":[{"type":"int","connect.default":5},"null"],"default":5},
            {"name":"required","type":{"type":"string","connect.default":"d"},"default":"d"}])
    );
    let value = |fields: [Value; 3]| Value::structure(schema.clone(), fields.to_vec());
    survives(&codec, &schema, value([Value::NULL, 7i32.into(), "x".into()]));
    let read = round_trip(&codec, &schema, &value([Value::NULL, Value::NULL, Value::NULL]));
    assert_eq!(read.value, value([Value::NULL, 5i32.into(), "d".into()]));
    let keeping = self::codec([("ignore.default.for.nullables", "true")]);
    let read = round_trip(&keeping, &schema, &value([Value::NULL, Value::NULL, Value::NULL]));
    assert_eq!(read.value, value([Value::NULL, Value::NULL, "d".into()]));
}

#[test]
fn maps_with_other_keys_than_text_become_arrays_of_entries() {
    let codec = codec([]);
    let plain = SchemaBuilder::map(SchemaBuilder::string().build(), SchemaBuilder::int32().build()).build();
    assert_eq!(described(&codec, &plain), json!({"type":"map","values":"int"}));
    survives(&codec, &plain, Value::map(vec![entry("a", 1i32), entry("b", 2i32)]));
    let numbered = |name: Option<&str>| {
        let builder = SchemaBuilder::map(SchemaBuilder::int32().build(), SchemaBuilder::string().optional().build());
        name.map_or_else(
            || SchemaBuilder::map(SchemaBuilder::int32().build(), SchemaBuilder::string().optional().build()),
            |name| builder.name(name),
        )
        .build()
    };
    let schema = numbered(None);
    let text = described(&codec, &schema);
    assert_eq!((&text["type"], &text["items"]["name"]), (&json!("array"), &json!("MapEntry")));
    survives(&codec, &schema, Value::map(vec![entry(1i32, "x"), entry(2i32, Value::NULL)]));
    let named = numbered(Some("n.Counts"));
    assert_eq!(described(&codec, &named)["items"]["connect.internal.type"], "MapEntry");
    let optional =
        SchemaBuilder::map(SchemaBuilder::string().optional().build(), SchemaBuilder::int32().build()).build();
    assert_eq!(described(&codec, &optional)["type"], "array");
    survives(&codec, &optional, Value::map(vec![entry(Value::NULL, 1i32)]));
    assert_eq!(described(&self::codec([("allow.optional.map.keys", "true")]), &optional)["type"], "map");
    let both = SchemaBuilder::structure().field("a", schema).field("b", optional).build();
    let fields = vec![Value::map(vec![entry(1i32, "x")]), Value::map(vec![entry("k", 1i32)])];
    survives(&codec, &both, Value::structure(both.clone(), fields));
}

#[test]
fn metadata_is_kept_unless_it_is_not_wanted() {
    let schema = SchemaBuilder::structure()
        .name("n.R")
        .version(3)
        .doc("about")
        .parameter("p", "q")
        .parameter(names::RECORD_DOC, "the record")
        .parameter("io.confluent.connect.avro.field.doc.f", "the field")
        .field("f", SchemaBuilder::int32().build())
        .build();
    let text = described(&codec([]), &schema);
    assert_eq!((&text["doc"], &text["fields"][0]["doc"]), (&json!("the record"), &json!("the field")));
    assert_eq!((&text["connect.doc"], &text["connect.version"]), (&json!("about"), &json!(3)));
    survives(&codec([]), &schema, Value::structure(schema.clone(), vec![1i32.into()]));
    let plain = described(&codec([("connect.meta.data", "false")]), &schema);
    assert!(plain.as_object().expect("a record").keys().all(|key| !key.starts_with("connect.")), "{plain}");
}

#[test]
fn names_that_avro_does_not_allow_are_refused_or_scrubbed() {
    let schema = SchemaBuilder::structure()
        .name("my-server.db.table")
        .field("a-b", SchemaBuilder::int32().build())
        .field("1st", SchemaBuilder::int32().build())
        .build();
    let error = codec([]).describe(Some(&schema)).expect_err("not allowed");
    assert!(error.message().contains("'my-server' is no name in Avro"), "{error}");
    let scrubbing = codec([("scrub.invalid.names", "true")]);
    let text = described(&scrubbing, &schema);
    assert_eq!((&text["namespace"], &text["fields"][0]["name"]), (&json!("my_server.db"), &json!("a_b")));
    let read = round_trip(&scrubbing, &schema, &Value::structure(schema.clone(), vec![1i32.into(), 2i32.into()]));
    let ValueRef::Struct(StructValue { schema: read, .. }) = read.value.view() else { panic!("a struct") };
    assert_eq!(read.fields[1].name.as_str(), "x1st");
}

#[test]
fn enums_are_text_with_their_symbols_and_stay_enums_where_wanted() {
    let text = r#"{"type":"enum","name":"Suit","namespace":"n","doc":"cards","symbols":["HEARTS","SPADES"],"default":"SPADES"}"#;
    let data = read(&codec([]), text, &[2]).expect("fits");
    assert_eq!(data.value, Value::string("SPADES"));
    let schema = data.schema.get().expect("it has one").clone();
    assert_eq!((schema.kind, schema.name_str()), (SchemaType::STRING, Some("n.Suit")));
    for (parameter, value) in [
        ("io.confluent.connect.avro.Enum", "n.Suit"),
        ("io.confluent.connect.avro.Enum.HEARTS", "HEARTS"),
        ("io.confluent.connect.avro.enum.doc.Suit", "cards"),
        ("io.confluent.connect.avro.enum.default.Suit", "SPADES"),
    ] {
        assert_eq!(schema.parameter(parameter), Some(value));
    }
    assert_eq!(described(&codec([]), &schema)["type"], "string");
    let enhanced = codec([("enhanced.avro.schema.support", "true")]);
    let own = described(&enhanced, &schema);
    assert_eq!(
        (&own["type"], &own["symbols"], &own["default"]),
        (&json!("enum"), &json!(["HEARTS", "SPADES"]), &json!("SPADES"))
    );
    survives(&enhanced, &schema, "HEARTS".into());
    let general = codec([("generalized.sum.type.support", "true")]);
    let data = read(&general, text, &[0]).expect("fits");
    let schema = data.schema.get().expect("it has one").clone();
    assert_eq!(schema.parameter("org.apache.kafka.connect.data.Enum.SPADES"), Some("1"));
    survives(&general, &schema, "SPADES".into());
    assert!(read(&codec([]), text, &[4]).expect_err("no such symbol").message().ends_with("symbol 2 of 2"));
}

#[test]
fn fixed_bytes_keep_their_size() {
    let text = r#"{"type":"fixed","name":"n.Hash","size":2}"#;
    let data = read(&codec([]), text, &[1, 2]).expect("fits");
    let schema = data.schema.get().expect("it has one").clone();
    assert_eq!((schema.name_str(), schema.parameter("connect.fixed.size")), (Some("n.Hash"), Some("2")));
    survives(&codec([]), &schema, Value::bytes(vec![8, 9]));
    let own = codec([]).describe(Some(&schema)).expect("fits").text;
    let error = write(&codec([]), Some(&schema), &own, &Value::bytes(vec![1])).expect_err("too short");
    assert_eq!(error.message(), "it has 1 bytes, and the schema has 2");
    let decimal = r#"{"type":"fixed","name":"n.Price","size":4,"logicalType":"decimal","precision":9,"scale":2}"#;
    let data = read(&codec([]), decimal, &[0xff, 0xff, 0xff, 0xfe]).expect("fits");
    assert_eq!(data.value, Value::decimal(vec![0xfe], 2));
    let schema = data.schema.get().expect("it has one").clone();
    assert_eq!(write(&codec([]), Some(&schema), decimal, &data.value).expect("fits"), [0xff, 0xff, 0xff, 0xfe]);
}

#[test]
fn unions_are_structs_with_one_field_filled() {
    let text = r#"["null","int","string",{"type":"record","name":"n.R","fields":[{"name":"x","type":"long"}]},
        {"type":"enum","name":"n.E","symbols":["A"]},{"type":"fixed","name":"n.F","size":1},{"type":"array","items":"int"}]"#;
    let names = |settings: Avro| {
        let data = read(&settings, text, &[2, 14]).expect("fits");
        let schema = data.schema.get().expect("it has one").clone();
        assert!(schema.optional);
        schema.fields.iter().map(|field| field.name.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(names(codec([])), ["int", "string", "R", "E", "F", "array"]);
    let enhanced = [("enhanced.avro.schema.support", "true")];
    assert_eq!(names(codec(enhanced)), ["int", "string", "n.R", "n.E", "n.F", "array"]);
    assert_eq!(names(codec([("generalized.sum.type.support", "true")]))[2], "connect_union_field_3");
    for payload in [&[0u8][..], &[2, 14], &[4, 2, b'x'], &[6, 5], &[8, 0], &[10, 9], &[12, 2, 4, 0]] {
        let codec = codec(enhanced);
        let data = read(&codec, text, payload).expect("fits");
        let schema = data.schema.get().expect("it has one").clone();
        let own = codec.describe(Some(&schema)).expect("Avro holds it").text;
        assert_eq!(write(&codec, Some(&schema), &own, &data.value).expect("fits"), payload);
        assert_eq!(write(&codec, Some(&schema), text, &data.value).expect("fits"), payload);
    }
    let long_first = r#"["long","int"]"#;
    for payload in [[0, 2], [2, 2]] {
        let data = read(&codec([]), long_first, &payload).expect("fits");
        let schema = data.schema.get().expect("it has one").clone();
        assert_eq!(write(&codec([]), Some(&schema), long_first, &data.value).expect("fits"), payload);
    }
}

#[test]
fn unions_of_one_type_are_that_type_where_wanted() {
    let text = r#"["string"]"#;
    let data = read(&codec([]), text, &[0, 2, b'a']).expect("fits");
    assert_eq!((data.schema.get().expect("one").kind, data.value), (SchemaType::STRING, "a".into()));
    let data = read(&codec([("flatten.singleton.unions", "false")]), text, &[0, 2, b'a']).expect("fits");
    assert_eq!(data.schema.get().expect("one").name_str(), Some("io.confluent.connect.avro.Union"));
}

#[test]
fn fields_keep_the_defaults_of_avro() {
    let text = r#"{"type":"record","name":"R","fields":[
        {"name":"i","type":"int","default":3},
        {"name":"d","type":{"type":"int","logicalType":"date"},"default":1},
        {"name":"b","type":"bytes","default":"\u00ff"},
        {"name":"l","type":{"type":"array","items":"string"},"default":["x"]},
        {"name":"m","type":{"type":"map","values":"long"},"default":{"k":1}},
        {"name":"bad","type":"int","default":"no number"},
        {"name":"u","type":["null","string"],"default":null}]}"#;
    let reader = codec([]).reader(&document(text), None).expect("fits");
    let AvroReader::Shaped { schema, .. } = reader else { panic!("it has a schema") };
    let default = |name: &str| schema.fields[schema.field_index(name).expect("there")].schema.default_value().cloned();
    assert_eq!(default("i"), Some(3i32.into()));
    assert_eq!(default("d"), Some(Value::date(1)));
    assert_eq!(default("b"), Some(Value::bytes(vec![255])));
    assert_eq!(default("l"), Some(Value::array(vec!["x".into()])));
    assert_eq!(default("m"), Some(Value::map(vec![entry("k", 1i64)])));
    assert_eq!((default("bad"), default("u")), (None, None));
    let parameter = "io.confluent.connect.avro.field.default";
    assert_eq!(schema.fields[0].schema.parameter(parameter), Some("true"));
    // A default that came from Avro goes back there, and not into Connect's attributes.
    assert_eq!(described(&codec([]), &schema)["fields"][0], json!({"name":"i","type":"int","default":3}));
}

#[test]
fn other_logical_types_are_their_base_type() {
    for (avro, kind) in [
        (r#"{"type":"long","logicalType":"timestamp-micros"}"#, SchemaType::INT64),
        (r#"{"type":"string","logicalType":"uuid"}"#, SchemaType::STRING),
        (r#"{"type":"int","logicalType":"own"}"#, SchemaType::INT32),
    ] {
        let AvroReader::Shaped { schema, .. } = codec([]).reader(&document(avro), None).expect("fits") else {
            panic!("it has a schema")
        };
        assert_eq!((schema.kind, schema.name_str()), (kind, None));
    }
}

const TREE: &str = r#"{"type":"record","name":"n.Tree","fields":[{"name":"label","type":"string"},
    {"name":"left","type":["null","Tree"],"default":null},
    {"name":"forest","type":["null",{"type":"map","values":{"type":"array","items":["string","Tree"]}}],"default":null}]}"#;

#[test]
fn records_may_contain_themselves() {
    let codec = codec([]);
    // Tree "r": left is Tree "l" without more, and in the forest there is a text and Tree "x".
    let leaf = |label: u8| vec![2, label, 0, 0];
    let payload = [&[2, b'r', 2][..], &leaf(b'l'), &[2, 2, 2, b'k', 4, 0, 2, b't', 2], &leaf(b'x'), &[0, 0]].concat();
    let data = read(&codec, TREE, &payload).expect("it is one of these");
    let schema = data.schema.get().expect("a schema");
    assert_eq!(schema.name_str(), Some("n.Tree"));
    let left = &schema.fields[1].schema;
    assert!(left.optional && !schema.optional);
    assert!(Shared::same(&left.fields[1].schema, left), "it is met again");
    assert!(data.is_whole());
    let ValueRef::Struct(root) = data.value.view() else { panic!("a struct") };
    let ValueRef::Struct(inner) = root.fields[1].view() else { panic!("a struct") };
    assert_eq!((inner.get("label"), inner.get("left")), (Some(&"l".into()), Some(&Value::NULL)));
    let ValueRef::Map(forest) = root.fields[2].view() else { panic!("a map") };
    let ValueRef::Array(trees) = forest[0].value.view() else { panic!("an array") };
    let ValueRef::Struct(union) = trees[1].view() else { panic!("a union") };
    let ValueRef::Struct(tree) = union.get("Tree").expect("a branch").view() else { panic!("a struct") };
    assert_eq!(tree.get("label"), Some(&"x".into()));
    // Back by what was registered, and by what is described of the Connect schema.
    assert_eq!(write(&codec, Some(schema), TREE, &data.value).expect("it fits"), payload);
    let described = codec.describe(Some(schema)).expect("Avro holds it").text;
    assert_eq!(described.matches(r#""type":"record""#).count(), 1, "{described}");
    assert_eq!(write(&codec, Some(schema), &described, &data.value).expect("it fits"), payload);
    let again = read(&codec, &described, &payload).expect("it is one of these");
    assert_eq!(again.schema, data.schema);
    assert_eq!(again.value, data.value);
}

#[test]
fn a_record_with_a_version_stays_one_type_in_itself() {
    let codec = codec([]);
    let reader = codec.reader(&document(TREE), Some(3)).expect("it can be read");
    let data = codec.read(&reader, &Blob::copy_from(&[2, b'r', 0, 0])).expect("it is one of these");
    let schema = data.schema.get().expect("a schema");
    let inner = &schema.fields[1].schema;
    assert_eq!((schema.version.into_option(), inner.version.into_option()), (Some(3), Some(3)));
    let described = codec.describe(Some(schema)).expect("one name for one type").text;
    assert!(described.contains(r#"["null","n.Tree"]"#), "{described}");
}

#[test]
fn data_is_written_as_deep_as_it_is_read() {
    let codec = codec([]);
    let list = r#"{"type":"record","name":"L","fields":[{"name":"next","type":["null","L"]}]}"#;
    let payload = |levels: usize| [vec![2; levels - 1], vec![0]].concat();
    let data = read(&codec, list, &payload(DEEPEST_DATA)).expect("deep enough");
    let schema = data.schema.get().expect("a schema");
    assert_eq!(write(&codec, Some(schema), list, &data.value).expect("as deep"), payload(DEEPEST_DATA));
    let inner = &schema.fields[0].schema;
    let deep = (0..DEEPEST_DATA).fold(Value::NULL, |next, _| Value::structure(inner.clone(), vec![next]));
    let deeper = Value::structure(schema.clone(), vec![deep]);
    let error = write(&codec, Some(schema), list, &deeper).expect_err("too deep");
    assert!(error.message().ends_with("the data is nested deeper than 1000 levels"), "{error}");
    assert!(read(&codec, list, &payload(DEEPEST_DATA + 1)).is_err());
}

#[test]
fn what_was_found_within_a_branch_that_does_not_fit_is_forgotten() {
    // The values are B; that they are not A shows behind the array, whose elements look like A until then.
    let text = r#"[{"type":"record","name":"A","fields":[{"name":"t","type":{"type":"record","name":"X","fields":[
        {"name":"list","type":{"type":"array","items":["A",{"type":"record","name":"B","fields":[
            {"name":"t","type":"X"},{"name":"z","type":"int"}]}]}}]}},{"name":"z","type":"string"}]},"B"]"#;
    let mut recursion = Recursion::default();
    let again = recursion.placeholder();
    let inner = SchemaBuilder::structure().field("list", SchemaBuilder::array(again.clone()).build()).build();
    let outer = SchemaBuilder::structure().field("t", inner).field("z", SchemaBuilder::int32().build()).build();
    recursion.define(&again, outer.clone());
    let outer = recursion.close(vec![outer]).expect("it is whole").remove(0);
    let of = |list: Vec<Value>, z: i32| {
        let inner = Value::structure(outer.fields[0].schema.clone(), vec![Value::array(list)]);
        Value::structure(outer.clone(), vec![inner, z.into()])
    };
    let value = of(vec![of(vec![], 2)], 1);
    assert_eq!(write(&codec([]), Some(&outer), text, &value).expect("it is B"), [2, 2, 2, 0, 4, 0, 2]);
}

#[test]
fn what_contains_itself_by_no_record_is_nothing_in_avro() {
    let mut recursion = Recursion::default();
    let inner = recursion.placeholder();
    let nested = SchemaBuilder::array(inner.clone()).build();
    recursion.define(&inner, nested.clone());
    let nested = recursion.close(vec![nested]).expect("it is whole").remove(0);
    let error = codec([]).describe(Some(&nested)).expect_err("no end");
    assert!(error.message().contains("contains itself by no record"), "{error}");
}

#[test]
fn data_without_schema_comes_back_as_it_was() {
    let codec = codec([]);
    let described = codec.describe(None).expect("always").text;
    let value = Value::map(vec![
        entry("list", Value::array(vec![1i32.into(), 2i64.into(), 1.5f32.into(), 2.5f64.into(), Value::NULL])),
        entry(7i32, true),
        entry("bytes", Value::bytes(vec![1])),
    ]);
    let payload = write(&codec, None, &described, &value).expect("fits");
    assert_eq!(read(&codec, &described, &payload).expect("fits"), Data::schemaless(value));
    let mut deep = Value::NULL;
    for _ in 0..=DEEPEST_ANYTHING {
        deep = Value::array(vec![deep]);
    }
    assert!(write(&codec, None, &described, &deep).expect_err("too deep").message().contains("nested deeper"));
    let bottomless: Vec<u8> = [0, 0, 0, 0, 0, 0, 0, 2, 2].repeat(100_000);
    assert!(read(&codec, &described, &bottomless).expect_err("too deep").message().contains("nested deeper"));
}

#[test]
fn errors_name_the_place_and_show_no_data() {
    let codec = codec([]);
    let map = SchemaBuilder::map(SchemaBuilder::string().build(), SchemaBuilder::string().build()).build();
    let suits = r#"{"type":"map","values":{"type":"enum","name":"Suit","symbols":["HEARTS"]}}"#;
    let value = Value::map(vec![entry("somebody", "something")]);
    let error = write(&codec, Some(&map), suits, &value).expect_err("no symbol");
    assert_eq!(error.message(), "values: its text is no symbol of the enum");
}

#[test]
fn a_registered_schema_with_more_fields_is_written_with_its_defaults() {
    let own = SchemaBuilder::structure()
        .name("R")
        .field("b", SchemaBuilder::int32().build())
        .field("gone", SchemaBuilder::string().build())
        .field("a", SchemaBuilder::string().optional().build())
        .build();
    let value = Value::structure(own.clone(), vec![7i32.into(), "x".into(), "y".into()]);
    let latest = r#"{"type":"record","name":"R","fields":[{"name":"a","type":["string","null"]},
        {"name":"new","type":["null","int"],"default":null},{"name":"b","type":"long"},{"name":"c","type":"string","default":"z"}]}"#;
    let payload = write(&codec([]), Some(&own), latest, &value).expect("fits");
    assert_eq!(payload, [0, 2, b'y', 0, 14, 2, b'z']);
    let endless = r#"{"type":"record","name":"R","fields":[{"name":"r","type":"R","default":{}}]}"#;
    let error = write(&codec([]), Some(&own), endless, &value).expect_err("it has no end");
    assert!(error.message().ends_with("r: the registered schema has a default that nests without end"), "{error}");
    // Twice as many values with each level; the innermost take no bytes.
    let level = |inner: String, number: usize| {
        let again = if number == 0 { r#""null""#.to_owned() } else { format!(r#""R{}""#, number - 1) };
        let default = if number == 0 { "null" } else { "{}" };
        format!(
            r#"{{"type":"record","name":"R{number}","fields":[{{"name":"x","type":{inner},"default":{default}}},{{"name":"y","type":{again},"default":{default}}}]}}"#
        )
    };
    let doubling = (0..40).fold(r#""null""#.to_owned(), level);
    let error = write(&codec([]), Some(&own), &doubling, &value).expect_err("it is too large");
    assert!(error.message().ends_with("x: the registered schema has a default of more than 100000 values"), "{error}");
    let demanding = r#"{"type":"record","name":"R","fields":[{"name":"must","type":"string"}]}"#;
    let error = write(&codec([]), Some(&own), demanding, &value).expect_err("it is missing");
    assert!(error.message().starts_with("Incompatible schema: must: "), "{error}");
}

#[test]
fn no_value_is_written_as_what_means_something_else() {
    let codec = codec([]);
    let field = |logical: &str| format!(r#"{{"type":"record","name":"R","fields":[{{"name":"f","type":{logical}}}]}}"#);
    let write = |builder: SchemaBuilder, value: Value, logical: &str| {
        let schema = SchemaBuilder::structure().name("R").field("f", builder.build()).build();
        write(&codec, Some(&schema), &field(logical), &Value::structure(schema.clone(), vec![value]))
    };
    let decimal = || SchemaBuilder::decimal(4);
    for (builder, value, registered, reason) in [
        (
            SchemaBuilder::timestamp(),
            Value::timestamp(1),
            r#"{"type":"long","logicalType":"timestamp-micros"}"#,
            "it is a Timestamp, which is timestamp-millis in Avro, and the registered schema has timestamp-micros",
        ),
        (
            SchemaBuilder::timestamp().optional(),
            Value::timestamp(1),
            r#"["null",{"type":"long","logicalType":"timestamp-micros"},"string"]"#,
            "the registered schema has timestamp-micros",
        ),
        (
            SchemaBuilder::date(),
            Value::date(1),
            r#"{"type":"long","logicalType":"timestamp-millis"}"#,
            "the registered schema has timestamp-millis",
        ),
        (
            SchemaBuilder::time(),
            Value::time(1),
            r#"{"type":"long","logicalType":"time-micros"}"#,
            "the registered schema has time-micros",
        ),
        (
            decimal(),
            Value::decimal(vec![1], 4),
            r#"{"type":"bytes","logicalType":"decimal","precision":9,"scale":2}"#,
            "it is a Decimal of scale 4, and the registered schema has scale 2",
        ),
        (decimal(), Value::decimal(vec![1], 4), r#"{"type":"bytes","logicalType":"decimal","precision":9}"#, "scale 0"),
    ] {
        let error = write(builder, value, registered).expect_err(registered);
        assert!(
            error.message().starts_with("Incompatible schema: f: ") && error.message().ends_with(reason),
            "{error}"
        );
    }
    // A type that claims nothing takes what it can hold, and numbers that claim nothing go everywhere.
    let micros = r#"{"type":"long","logicalType":"timestamp-micros"}"#;
    assert_eq!(write(SchemaBuilder::timestamp(), Value::timestamp(1), r#""long""#).expect("fits"), [2]);
    assert_eq!(write(SchemaBuilder::int64(), Value::int64(1), micros).expect("fits"), [2]);
    assert_eq!(write(decimal(), Value::decimal(vec![1], 4), r#""bytes""#).expect("fits"), [2, 1]);
}

#[test]
fn a_strict_plan_refuses_what_could_fail_later() {
    let codec = codec([]);
    let own = SchemaBuilder::structure().name("R").field("a", SchemaBuilder::string().optional().build()).build();
    let latest = document(r#"{"type":"record","name":"R","fields":[{"name":"a","type":"string"}]}"#);
    let described = codec.describe(Some(&own)).expect("fits");
    let error = codec.writer(Some(&own), &described, &latest, true).err().expect("null could not be written");
    assert!(error.message().starts_with("Incompatible schema: a: it may be null"), "{error}");
    let plan = codec.writer(Some(&own), &described, &latest, false).expect("other values can");
    let mut payload = Vec::new();
    codec.write(&plan, &Value::structure(own.clone(), vec!["x".into()]), &mut payload).expect("fits");
    assert_eq!(payload, [2, b'x']);
    let smaller = document(r#"{"type":"record","name":"R","fields":[]}"#);
    let error = codec.writer(Some(&own), &described, &smaller, true).err().expect("the field would be lost");
    assert!(
        error.message().starts_with("Incompatible schema: a: the registered schema does not have this field"),
        "{error}"
    );
    let null = Value::structure(own, vec![Value::NULL]);
    assert!(codec.write(&plan, &null, &mut payload).expect_err("null").message().starts_with("a: it is null"));
}

pub(super) fn anything() -> BoxedStrategy<arbitrary::Pair> {
    arbitrary::leaf()
        .prop_recursive(3, 24, 5, |inner| {
            prop_oneof![
                arbitrary::structure(inner.clone()),
                arbitrary::array(inner.clone()),
                arbitrary::map(inner.clone(), inner),
            ]
        })
        .boxed()
}

proptest! {
    #[test]
    fn whatever_is_written_is_read_again((schema, value) in anything()) {
        // Null at the top has no payload.
        prop_assume!(!value.is_null());
        let codec = codec([]);
        prop_assert_eq!(round_trip(&codec, &schema, &value), Data::new(schema, value));
    }
}
