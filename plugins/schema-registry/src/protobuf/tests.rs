//! The mapping in both directions, without a registry.

use super::*;
use crate::arbitrary;
use crate::client::Import;
use crate::protobuf::names::{ENUM, SUM_ENUM, SUM_UNION, TAG, UNION};
use crate::testing::{self, document};
use ferroconnect_plugin_sdk::{ErrorKind, Logical, MapEntry, SchemaBuilder, SchemaType, ValueRef, validate};
use proptest::prelude::*;

pub(super) fn codec<const N: usize>(pairs: [(&str, &str); N]) -> ProtobufCodec {
    testing::codec(pairs)
}

pub(super) fn described(codec: &ProtobufCodec, schema: &Shared<Schema>) -> String {
    codec.describe(Some(schema)).expect("can be described").text
}

/// The payload of a value under its own schema.
pub(super) fn payload(codec: &ProtobufCodec, schema: &Shared<Schema>, value: &Value) -> Result<Vec<u8>> {
    let described = codec.describe(Some(schema))?;
    let writer = codec.writer(Some(schema), &described, &document(&described.text), true)?;
    let mut bytes = Vec::new();
    codec.write(&writer, value, &mut bytes)?;
    Ok(bytes)
}

pub(super) fn read(codec: &ProtobufCodec, text: &str, bytes: &[u8]) -> Result<Data> {
    let reader = codec.reader(&document(text), None)?;
    codec.read(&reader, &Blob::copy_from(bytes))
}

pub(super) fn schema_of(codec: &ProtobufCodec, text: &str) -> Shared<Schema> {
    read(codec, text, &[0]).expect("an empty message").schema.into_option().expect("a schema")
}

/// What is left of a value on its way through Protobuf.
pub(super) fn there_and_back(codec: &ProtobufCodec, schema: &Shared<Schema>, value: &Value) -> Value {
    let bytes = payload(codec, schema, value).expect("can be written");
    read(codec, &described(codec, schema), &bytes).expect("can be read").value
}

fn structure(fields: Vec<(&str, SchemaBuilder)>) -> SchemaBuilder {
    let add = |builder: SchemaBuilder, (name, field): (&str, SchemaBuilder)| builder.field(name, field.build());
    fields.into_iter().fold(SchemaBuilder::structure().name("a.b.Row"), add)
}

pub(super) fn fields(value: &Value) -> &[Value] {
    match value.view() {
        ValueRef::Struct(content) => &content.fields,
        other => panic!("{other:?} is no struct"),
    }
}

#[test]
fn each_type_becomes_one_of_protobuf_and_comes_back() {
    let codec = codec([]);
    let schema = structure(vec![
        ("i8", SchemaBuilder::int8()),
        ("i16", SchemaBuilder::int16()),
        ("i32", SchemaBuilder::int32()),
        ("i64", SchemaBuilder::int64()),
        ("f32", SchemaBuilder::float32()),
        ("f64", SchemaBuilder::float64()),
        ("flag", SchemaBuilder::boolean()),
        ("text", SchemaBuilder::string()),
        ("raw", SchemaBuilder::bytes()),
        ("money", SchemaBuilder::decimal(2).parameter("connect.decimal.precision", "9")),
        ("day", SchemaBuilder::date()),
        ("time", SchemaBuilder::time()),
        ("at", SchemaBuilder::timestamp()),
        ("list", SchemaBuilder::array(SchemaBuilder::string().build())),
        (
            "labels",
            SchemaBuilder::map(SchemaBuilder::string().build(), SchemaBuilder::int32().build()).name("my_labels"),
        ),
    ])
    .build();
    let text = r#"syntax = "proto3";
package a.b;

import "confluent/meta.proto";
import "confluent/type/decimal.proto";
import "google/protobuf/timestamp.proto";
import "google/type/date.proto";
import "google/type/timeofday.proto";

message Row {
  int32 i8 = 1 [(confluent.field_meta) = { params: [ { key: "connect.type", value: "int8" } ] }];
  int32 i16 = 2 [(confluent.field_meta) = { params: [ { key: "connect.type", value: "int16" } ] }];
  int32 i32 = 3;
  int64 i64 = 4;
  float f32 = 5;
  double f64 = 6;
  bool flag = 7;
  string text = 8;
  bytes raw = 9;
  confluent.type.Decimal money = 10 [(confluent.field_meta) = { params: [ { key: "precision", value: "9" }, { key: "scale", value: "2" } ] }];
  google.type.Date day = 11;
  google.type.TimeOfDay time = 12;
  google.protobuf.Timestamp at = 13;
  repeated string list = 14;
  repeated MyLabelsEntry labels = 15;
  message MyLabelsEntry {
    string key = 1;
    int32 value = 2;
  }
}
"#;
    assert_eq!(described(&codec, &schema), text);
    let values = vec![
        Value::int8(-128),
        Value::int16(i16::MAX),
        Value::int32(i32::MIN),
        Value::int64(i64::MIN),
        Value::float32(0.1),
        Value::float64(f64::NAN),
        Value::boolean(true),
        "é".into(),
        Value::bytes(vec![0, 255]),
        Value::decimal(vec![0xcf, 0xc7], 2),
        Value::date(-719_162),
        Value::time(86_399_999),
        Value::timestamp(-1),
        Value::array(vec!["".into(), "x".into()]),
        Value::map(vec![MapEntry { key: "k".into(), value: Value::int32(1) }]),
    ];
    let value = Value::structure(schema.clone(), values.clone());
    assert_eq!(fields(&there_and_back(&codec, &schema, &value)), values);
    // The schema that comes back has all the types, is optional everywhere, and gives the same text again.
    let back = schema_of(&codec, text);
    for (own, back) in schema.fields.iter().zip(&back.fields) {
        assert_eq!((own.name.as_str(), own.schema.kind), (back.name.as_str(), back.schema.kind));
        assert!(back.schema.optional);
        assert!(Logical::of(&own.schema) == Logical::of(&back.schema));
    }
    assert_eq!(back.name_str(), Some("Row"));
    assert_eq!(back.fields[9].schema.parameter("connect.decimal.precision"), Some("9"));
    assert_eq!(back.fields[14].schema.name_str(), Some("my_labels"));
    assert_eq!(back.fields[14].schema.parameter(TAG), Some("15"));
    assert_eq!(described(&codec, &back), text.replace("package a.b;\n", ""));
}

#[test]
fn plain_values_at_the_top_are_wrapped() {
    let codec = codec([]);
    for (schema, value, path) in [
        (SchemaBuilder::int32(), Value::int32(0), 4),
        (SchemaBuilder::int64(), Value::int64(i64::MAX), 2),
        (SchemaBuilder::float32(), Value::float32(1.5), 1),
        (SchemaBuilder::float64(), Value::float64(-0.5), 0),
        (SchemaBuilder::boolean(), Value::boolean(true), 6),
        (SchemaBuilder::string(), "x".into(), 7),
        (SchemaBuilder::bytes(), Value::bytes(vec![1]), 8),
    ] {
        let schema = schema.build();
        let bytes = payload(&codec, &schema, &value).expect("written");
        assert_eq!(bytes[..if path == 0 { 1 } else { 2 }], if path == 0 { vec![0] } else { vec![2, path * 2] });
        assert_eq!(there_and_back(&codec, &schema, &value), value);
    }
    // Small integers come back as wide as the wrapper is.
    assert_eq!(there_and_back(&codec, &SchemaBuilder::int8().build(), &Value::int8(5)), Value::int32(5));
    let kept = super::tests::codec([("wrapper.for.raw.primitives", "false")]);
    let value = there_and_back(&kept, &SchemaBuilder::string().build(), &"x".into());
    assert_eq!(fields(&value), ["x".into()]);
    for schema in [SchemaBuilder::array(SchemaBuilder::int8().build()), SchemaBuilder::date()] {
        assert!(codec.describe(Some(&schema.build())).expect_err("not at the top").message().contains("at the top"));
    }
}

#[test]
fn structs_stand_within_those_that_use_them() {
    let codec = codec([]);
    let address = |name: &str| SchemaBuilder::structure().name(name).field("zip", SchemaBuilder::string().build());
    let schema = structure(vec![
        ("home", address("x.Address").parameter(TAG, "7")),
        ("work", address("x.Address").optional()),
        ("Address", address("y.Address").field("city", SchemaBuilder::string().build())),
        ("unnamed", SchemaBuilder::array(SchemaBuilder::structure().field("a", SchemaBuilder::int8().build()).build())),
    ])
    .build();
    let text = described(&codec, &schema);
    for line in [
        "AddressMessage home = 7;",
        "AddressMessage work = 1;",
        "AddressMessage2 Address = 2;",
        "repeated ConnectDefault1 unnamed = 3;",
    ] {
        assert!(text.contains(&format!("\n  {line}\n")), "{line} in {text}");
    }
    assert_eq!(text.matches("message AddressMessage {").count(), 1, "{text}");
    let home = Value::structure(schema.fields[0].schema.clone(), vec!["1".into()]);
    let other = Value::structure(schema.fields[2].schema.clone(), vec!["2".into(), "Oslo".into()]);
    let item = schema.fields[3].schema.values.get().expect("elements").clone();
    let items = Value::array(vec![Value::structure(item, vec![Value::int8(1)])]);
    let back =
        there_and_back(&codec, &schema, &Value::structure(schema.clone(), vec![home, Value::NULL, other, items]));
    // Fields come back in the order of their numbers.
    let [work, address, list, home] = fields(&back) else { panic!("{back:?}") };
    assert_eq!((work, fields(home)), (&Value::NULL, &["1".into()][..]));
    assert_eq!(fields(address), ["2".into(), "Oslo".into()]);
    assert!(matches!(list.view(), ValueRef::Array(items) if fields(&items[0]) == [Value::int8(1)]));
}

#[test]
fn maps_of_arrays_are_written_as_they_are_read() {
    let codec = codec([]);
    let list = SchemaBuilder::array(SchemaBuilder::int32().build()).build();
    let schema = structure(vec![("by", SchemaBuilder::map(SchemaBuilder::string().build(), list).name("by"))]).build();
    let entry = MapEntry { key: "k".into(), value: Value::array(vec![Value::int32(1), Value::int32(2)]) };
    let value = Value::structure(schema.clone(), vec![Value::map(vec![entry])]);
    // A map of lists is no map in Protobuf: it comes back as the list of its entries.
    let back = there_and_back(&codec, &schema, &value);
    let ValueRef::Array(entries) = fields(&back)[0].view() else { panic!("{back:?}") };
    assert_eq!(fields(&entries[0]), ["k".into(), Value::array(vec![Value::int32(1), Value::int32(2)])]);
}

#[test]
fn enums_keep_their_numbers() {
    let codec = codec([]);
    let suit = |name: &str, value: &str| {
        SchemaBuilder::string()
            .name("Suit")
            .parameter(ENUM, "Suit")
            .parameter(format!("{ENUM}.{name}"), value)
            .parameter(format!("{ENUM}.CLUBS"), "0")
    };
    let schema = structure(vec![("suit", suit("HEARTS", "3")), ("other", suit("SPADES", "1"))]).build();
    let text = described(&codec, &schema);
    assert!(
        text.contains("  Suit suit = 1;\n  Suit2 other = 2;\n  enum Suit {\n    CLUBS = 0;\n    HEARTS = 3;\n  }\n"),
        "{text}"
    );
    // Symbols of one message exclude each other in Protobuf.
    assert!(
        payload(&codec, &schema, &Value::structure(schema.clone(), vec!["HEARTS".into(), "CLUBS".into()])).is_err()
    );

    let schema = structure(vec![("suit", suit("HEARTS", "3"))]).build();
    let value = |symbol: &str| Value::structure(schema.clone(), vec![symbol.into()]);
    let bytes = payload(&codec, &schema, &value("HEARTS")).expect("written");
    assert_eq!(bytes, [0, 8, 3]);
    let text = described(&codec, &schema);
    let back = read(&codec, &text, &bytes).expect("read");
    assert_eq!(fields(&back.value), ["HEARTS".into()]);
    assert_eq!(fields(&read(&codec, &text, &[0, 8, 9]).expect("read").value), ["UNKNOWN_ENUM_VALUE_Suit_9".into()]);
    let of = back.schema.get().expect("a schema").fields[0].schema.clone();
    assert_eq!((of.parameter("io.confluent.connect.protobuf.Enum.HEARTS"), of.name_str()), (Some("3"), Some("Suit")));
    let error = payload(&codec, &schema, &value("nope")).expect_err("no symbol");
    assert_eq!(error.message(), "$.suit: the text is no symbol of the enum a.b.Row.Suit");

    let numbers = super::tests::codec([("int.for.enums", "true"), ("generalized.sum.type.support", "true")]);
    let back = read(&numbers, &text, &bytes).expect("read");
    assert_eq!(fields(&back.value), [Value::int32(3)]);
    assert_eq!(back.schema.get().expect("a schema").fields[0].schema.parameter(SUM_ENUM), Some("Suit"));
    assert_eq!(described(&numbers, back.schema.get().expect("a schema")), text.replace("package a.b;\n", ""));
    let none = structure(vec![("e", SchemaBuilder::string().parameter(ENUM, "E").parameter(format!("{ENUM}.A"), "1"))]);
    assert!(codec.describe(Some(&none.build())).expect_err("no zero").message().contains("no symbol with number 0"));
}

const UNIONS: &str = r#"syntax = "proto3";

message Row {
  string before = 5;
  oneof choice {
    int32 number = 2;
    string text = 1;
  }
  oneof second {
    bool flag = 3;
  }
}
"#;

#[test]
fn unions_are_structs_with_one_field_set() {
    let codec = codec([]);
    // The text "x" and an unset second union.
    let data = read(&codec, UNIONS, &[0, 10, 1, b'x']).expect("read");
    let schema = data.schema.get().expect("a schema").clone();
    let names: Vec<_> = schema.fields.iter().map(|field| field.name.as_str()).collect();
    assert_eq!(names, ["choice_0", "second_1", "before"]);
    assert_eq!(schema.fields[0].schema.name_str(), Some(format!("{UNION}.choice").as_str()));
    let [choice, second, before] = fields(&data.value) else { panic!("{data:?}") };
    assert_eq!(fields(choice), ["x".into(), Value::NULL]);
    assert_eq!((second, before), (&Value::NULL, &"".into()));
    assert_eq!(payload(&codec, &schema, &data.value).expect("written"), [0, 10, 1, b'x']);
    let text = described(&codec, &schema);
    assert!(text.contains("  oneof choice {\n    string text = 1;\n    int32 number = 2;\n  }\n"), "{text}");

    let flat = super::tests::codec([("flatten.unions", "true")]);
    let data = read(&flat, UNIONS, &[0, 16, 0]).expect("read");
    assert_eq!(fields(&data.value), [Value::NULL, Value::int32(0), Value::NULL, "".into()]);
    let sums = super::tests::codec([("generalized.sum.type.support", "true"), ("generate.index.for.unions", "false")]);
    let data = read(&sums, UNIONS, &[0, 16, 7]).expect("read");
    let schema = data.schema.get().expect("a schema").clone();
    assert_eq!(
        (schema.fields[0].name.as_str(), schema.fields[0].schema.parameter(SUM_UNION)),
        ("choice", Some("choice"))
    );
    assert_eq!(payload(&sums, &schema, &data.value).expect("written"), [0, 16, 7]);
}

#[test]
fn fields_that_may_be_null_have_three_forms() {
    let schema = structure(vec![("a", SchemaBuilder::string().optional()), ("b", SchemaBuilder::int32())]).build();
    let null = Value::structure(schema.clone(), vec![Value::NULL, Value::int32(0)]);
    let empty = Value::structure(schema.clone(), vec!["".into(), Value::int32(0)]);
    for (key, line, null_is_null) in [
        ("int.for.enums", "string a = 1;", false),
        ("optional.for.nullables", "optional string a = 1;", true),
        ("wrapper.for.nullables", "google.protobuf.StringValue a = 1;", true),
    ] {
        let codec = codec([(key, "true")]);
        let text = described(&codec, &schema);
        assert!(text.contains(line), "{text}");
        let back = there_and_back(&codec, &schema, &null);
        assert_eq!(fields(&back)[0], if null_is_null { Value::NULL } else { "".into() }, "{key}");
        assert_eq!(fields(&there_and_back(&codec, &schema, &empty))[0], "".into(), "{key}");
        let schema = schema_of(&codec, &text);
        assert_eq!(
            (schema.fields[0].schema.optional, schema.fields[1].schema.optional),
            (true, !null_is_null),
            "{key}"
        );
    }
    // What can be null is optional, whatever says so.
    let codec = codec([("wrapper.for.nullables", "true")]);
    assert!(schema_of(&codec, r#"syntax = "proto3"; message M { optional float f = 1; }"#).fields[0].schema.optional);
}

#[test]
fn numbers_keep_the_types_they_had() {
    let codec = codec([]);
    let text = r#"syntax = "proto3";

message Row {
  uint32 a = 1;
  fixed32 b = 2;
  uint64 c = 3;
  sint64 d = 4;
  fixed64 e = 5;
  sfixed64 f = 6;
  sint32 g = 7;
  sfixed32 h = 8;
}
"#;
    let data = read(&codec, text, &[0, 8, 0xff, 0xff, 0xff, 0xff, 0x0f, 32, 1, 56, 1]).expect("read");
    let schema = data.schema.get().expect("a schema");
    let (long, int) = (Value::int64, Value::int32);
    let expected = [long(u32::MAX.into()), long(0), long(0), long(-1), long(0), long(0), int(-1), int(0)];
    assert_eq!(fields(&data.value), expected);
    assert_eq!(described(&codec, schema), text);
    assert_eq!(there_and_back(&codec, schema, &data.value), data.value);
    let mut more = expected.to_vec();
    more[0] = long(-1);
    let error = payload(&codec, schema, &Value::structure(schema.clone(), more)).expect_err("below zero");
    assert!(error.message().starts_with("$.a: java.lang.Long does not fit"), "{error}");
}

#[test]
fn messages_of_others_are_read() {
    let codec = codec([("optional.for.proto2", "true"), ("enhanced.protobuf.schema.support", "true")]);
    let text = r#"syntax = "proto2"; package p; import "other.proto";
        message First {}
        message Second { required int32 id = 1; optional string note = 2 [default = "d"]; map<string, q.Other> by = 3;
          optional google.protobuf.Timestamp never = 4; repeated sint32 packed = 5 [packed = true]; }"#;
    let other = r#"syntax = "proto3"; package q; import public "google/protobuf/timestamp.proto"; message Other { bool ok = 1; }"#;
    let imports = vec![Import { name: "other.proto".into(), text: other.into() }];
    let reader = codec.reader(&Arc::new(Document { text: text.into(), imports }), Some(3)).expect("compiles");
    let bytes = [2, 2, 8, 5, 26, 7, 10, 1, b'k', 18, 2, 8, 1, 42, 2, 1, 2];
    let data = codec.read(&reader, &Blob::copy_from(&bytes)).expect("read");
    let schema = data.schema.get().expect("a schema");
    assert_eq!((schema.name_str(), schema.version.into_option()), (Some("p.Second"), Some(3)));
    let [id, note, by, never, packed] = fields(&data.value) else { panic!("{data:?}") };
    assert_eq!((id, note, never), (&Value::int32(5), &Value::NULL, &Value::NULL));
    assert_eq!(*packed, Value::array(vec![Value::int32(-1), Value::int32(1)]));
    let ValueRef::Map(entries) = by.view() else { panic!("{by:?}") };
    assert_eq!(entries[0].key, "k".into());
    assert_eq!(fields(&entries[0].value), [Value::boolean(true)]);
    assert_eq!(schema.fields[2].schema.values.get().expect("values").name_str(), Some("q.Other"));
    let defaults = super::tests::codec([("optional.for.proto2", "false")]);
    let text = r#"message M { optional string note = 2 [default = "d"]; }"#;
    assert_eq!(fields(&read(&defaults, text, &[0]).expect("read").value), ["d".into()]);
    let made_up = super::tests::codec([("generate.struct.for.nulls", "true")]);
    let text = r#"syntax = "proto3"; message M { N n = 1; message N { int32 i = 1; } }"#;
    assert_eq!(fields(&fields(&read(&made_up, text, &[0]).expect("read").value)[0]), [Value::int32(0)]);
    assert_eq!(fields(&read(&codec, text, &[0]).expect("read").value), [Value::NULL]);
}

#[test]
fn hostile_payloads_are_data_errors() {
    let codec = codec([]);
    let text = r#"syntax = "proto3"; import "google/type/date.proto"; import "google/type/timeofday.proto";
        import "google/protobuf/timestamp.proto"; import "confluent/meta.proto";
        message M { google.type.Date d = 1; google.type.TimeOfDay t = 2; google.protobuf.Timestamp s = 3; string x = 4;
          int32 small = 5 [(confluent.field_meta) = { params: [ { key: "connect.type", value: "int8" } ] }]; }"#;
    let far = [0, 26, 12, 8, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, 16, 0];
    for (bytes, part) in [
        (&[][..], "ends within the path"),
        (&[2, 8], "names message 4"),
        (&[0, 34, 5, b'x'], "is no message of its schema"),
        (&[0, 34, 1, 0xff], "is no message of its schema"),
        (&[0, 0x0b], "is no message of its schema"),
        (&[0, 10, 6, 8, 1, 16, 13, 24, 1], "$.d: 1-13-1 is no day"),
        (&[0, 10, 0], "$.d: 0-0-0 is no day"),
        (&[0, 18, 2, 8, 25], "$.t: 25:0:0 and 0 ns is no time"),
        (&far, "$.s: "),
        (&[0, 40, 0x80, 1], "$.small: the value is not in the range of type INT8"),
    ] {
        let error = read(&codec, text, bytes).expect_err("is refused");
        assert_eq!(error.kind(), ErrorKind::DATA);
        assert!(error.message().contains(part), "{error}");
    }
}

#[test]
fn what_protobuf_does_not_have_is_refused_with_its_place() {
    let codec = codec([]);
    let int = || SchemaBuilder::int8();
    let array = |of: SchemaBuilder| SchemaBuilder::array(of.build());
    let map = || SchemaBuilder::map(SchemaBuilder::string().build(), int().build());
    let union = |name: &str| SchemaBuilder::structure().name(name).field("a", int().build());
    for (field, part) in [
        (array(array(int())), "$.f: Protobuf has no arrays of arrays"),
        (array(map()), "$.f: Protobuf has no arrays of arrays or maps"),
        (array(union(&format!("{UNION}.u"))), "$.f: Protobuf has no arrays of unions"),
        (int().parameter(TAG, "0"), "is '0', and no field's number"),
        (int().parameter(TAG, "19500"), "is '19500', and no field's number"),
        (union(&format!("{UNION}.a b")), "$.f: 'a b' cannot be a name"),
        (SchemaBuilder::structure().name("x-y"), "$.f: 'x-y' cannot be a name"),
    ] {
        let error = codec.describe(Some(&structure(vec![("f", field)]).build())).expect_err("is refused");
        assert!(error.kind() == ErrorKind::DATA && error.message().contains(part), "{error}");
    }
    let twice = structure(vec![("a", int().parameter(TAG, "2")), ("b", int().parameter(TAG, "2"))]).build();
    assert!(codec.describe(Some(&twice)).expect_err("one number").message().contains("another field has number 2"));
    let injected = structure(vec![("a = 1; } message X {", int())]).build();
    assert!(codec.describe(Some(&injected)).is_err());
    let scrub = super::tests::codec([("scrub.invalid.names", "true")]);
    let odd = SchemaBuilder::structure().name("a-b.1c").field("d e", SchemaBuilder::string().build()).build();
    assert!(described(&scrub, &odd).contains("package a_b;\n\nmessage x1c {\n  string d_e = 1;"));
    assert_eq!(fields(&there_and_back(&scrub, &odd, &Value::structure(odd.clone(), vec!["v".into()]))), ["v".into()]);
    let list = structure(vec![("f", array(int().optional()))]).build();
    let error = payload(&codec, &list, &Value::structure(list.clone(), vec![Value::array(vec![Value::NULL])]));
    assert_eq!(error.expect_err("null").message(), "$.f[0]: arrays in Protobuf cannot hold null");
    let plain = structure(vec![("f", int())]).build();
    let error = payload(&codec, &plain, &Value::structure(plain.clone(), vec![Value::NULL])).expect_err("null");
    assert_eq!(error.message(), "$.f: null for a required INT8 that has no default value");
}

#[test]
fn another_version_is_used_only_where_it_has_the_fields() {
    let codec = codec([]);
    let own = structure(vec![("a", SchemaBuilder::int32())]).build();
    let described = codec.describe(Some(&own)).expect("described");
    let wider =
        document(r#"syntax = "proto3"; package a.b; message Other {} message Row { int64 a = 4; string b = 1; }"#);
    let writer = codec.writer(Some(&own), &described, &wider, true).expect("goes");
    let mut bytes = Vec::new();
    codec.write(&writer, &Value::structure(own.clone(), vec![Value::int32(5)]), &mut bytes).expect("written");
    assert_eq!(bytes, [2, 2, 32, 5]);
    let without = document(r#"syntax = "proto3"; message Row { string b = 1; }"#);
    let error = codec.writer(Some(&own), &described, &without, false).expect_err("has no a");
    assert_eq!(error.message(), "$.a: the message Row has no field 'a'");
    let other = document(r#"syntax = "proto3"; message Row { string a = 1; }"#);
    assert!(codec.writer(Some(&own), &described, &other, true).expect_err("text").message().contains("INT32"));
    assert!(codec.writer(Some(&own), &described, &other, false).expect_err("text").message().contains("INT32"));
    assert_eq!(codec.record_name(&wider).as_deref(), Some("a.b.Other"));
    assert_eq!(own.fields[0].schema.kind, SchemaType::INT32);
}

/// Structs of what Protobuf has: no arrays of arrays, and null where it says so.
fn messages() -> BoxedStrategy<arbitrary::Pair> {
    let element = || arbitrary::leaf().prop_filter("arrays hold no null", |(_, value)| !value.is_null());
    let flat = prop_oneof![arbitrary::leaf(), arbitrary::array(element()), arbitrary::map(element(), element()),];
    let inner = flat.prop_recursive(3, 16, 4, |inner| {
        let message = arbitrary::structure(inner);
        prop_oneof![message.clone(), arbitrary::array(message)]
    });
    arbitrary::structure(inner)
}

/// Whether two values are the same but for the schemas of structs, and for how wide integers are: wrappers do not say.
pub(super) fn same(a: &Value, b: &Value) -> bool {
    let all = |a: &[Value], b: &[Value]| a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b));
    match (a.view(), b.view()) {
        (ValueRef::Struct(a), ValueRef::Struct(b)) => all(&a.fields, &b.fields),
        (ValueRef::Array(a), ValueRef::Array(b)) => all(a, b),
        (ValueRef::Map(a), ValueRef::Map(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(&a.key, &b.key) && same(&a.value, &b.value))
        }
        _ if a.as_integer().is_some() => a.as_integer() == b.as_integer(),
        _ => a == b,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn whatever_is_written_is_read_again((schema, value) in messages(), wrappers in any::<bool>()) {
        let codec = codec([(if wrappers { "wrapper.for.nullables" } else { "optional.for.nullables" }, "true")]);
        let back = there_and_back(&codec, &schema, &value);
        prop_assert!(same(&back, &value), "{:?} became {:?}", value, back);
    }

    /// No payload brings the converter down, and what it reads is of the schema that it gives.
    #[test]
    fn whatever_a_topic_holds_is_read_or_refused(
        payloads in proptest::collection::vec(any_payload(), 50),
        key in proptest::sample::select(&["flatten.unions", "wrapper.for.nullables", "generate.struct.for.nulls"][..]),
    ) {
        let codec = codec([(key, "true")]);
        let reader = codec.reader(&document(EVERYTHING), None).expect("compiles");
        for payload in payloads {
            match codec.read(&reader, &Blob::from(payload)) {
                Ok(data) => prop_assert_eq!(validate(data.schema.get().expect("a schema"), &data.value), Ok(())),
                Err(error) => prop_assert_eq!(error.kind(), ErrorKind::DATA),
            }
        }
    }
}

fn any_payload() -> BoxedStrategy<Vec<u8>> {
    let any = proptest::collection::vec(any::<u8>(), 0..40);
    // Keys of fields, lengths and small numbers, so that more of it has a meaning.
    let likely = proptest::collection::vec(0..100u8, 0..40).prop_map(|bytes| [vec![0], bytes].concat());
    prop_oneof![any, likely].boxed()
}

const EVERYTHING: &str = r#"syntax = "proto3"; import "google/protobuf/wrappers.proto"; import "google/type/date.proto";
    import "google/protobuf/timestamp.proto"; import "confluent/type/decimal.proto"; import "google/type/timeofday.proto";
    message M { int32 a = 1; repeated sint64 b = 2; string c = 3; bytes d = 4; N e = 5; repeated N f = 6; map<string, N> g = 7;
      oneof o { bool h = 8; N i = 9; google.protobuf.StringValue p = 15; } E j = 10; google.protobuf.Int64Value k = 11;
      optional float l = 12; google.type.Date m = 13; confluent.type.Decimal n = 14;
      message N { google.protobuf.Timestamp t = 1; google.type.TimeOfDay u = 2; double v = 3; } enum E { X = 0; Y = 1; } }"#;
