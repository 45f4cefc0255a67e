//! Schemas that contain themselves, in both directions.

use super::tests::{codec, described, fields, payload, read, same, schema_of, there_and_back};
use super::*;
use crate::arbitrary;
use crate::protobuf::names::{ENUM, TAG, UNION};
use crate::testing::{chain, circle, document, text};
use ferroconnect_plugin_sdk::abi::recursion::recursive;
use ferroconnect_plugin_sdk::{ErrorKind, MapEntry, SchemaBuilder, ValueRef, validate};
use proptest::prelude::*;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

fn list() -> Shared<Schema> {
    circle(|_, list| SchemaBuilder::structure().name("a.List").field("label", text()).field("next", list.clone()))
}

/// Whatever is read of a payload is of the schema that is given with it, which describes the same file again.
#[track_caller]
fn round(codec: &ProtobufCodec, file: &str, bytes: &[u8]) -> Data {
    let data = read(codec, file, bytes).expect("it can be read");
    let schema = data.schema.get().expect("a schema");
    assert!(recursive(schema).is_some());
    assert_eq!(validate(schema, &data.value), Ok(()));
    let written = payload(codec, schema, &data.value).expect("it can be written");
    let again = read(codec, &described(codec, schema), &written).expect("our own can be read");
    assert!(same(&again.value, &data.value), "{:?} became {:?}", data.value, again.value);
    data
}

#[test]
fn a_message_is_known_by_its_name_within_itself() {
    let codec = codec([]);
    let file = "syntax = \"proto3\";\npackage a;\n\nmessage List {\n  string label = 1;\n  List next = 2;\n}\n";
    assert_eq!(described(&codec, &list()), file);
    let bytes = payload(&codec, &list(), &chain(&list(), 3)).expect("written");
    assert_eq!(bytes, [0, 10, 1, b'x', 18, 8, 10, 1, b'x', 18, 3, 10, 1, b'x']);
    let data = round(&codec, file, &bytes);
    assert!(same(&data.value, &chain(&list(), 3)), "{data:?}");
    // The field is met again in itself, as the same schema with the same number.
    let schema = data.schema.get().expect("a schema");
    let next = &schema.fields[1].schema;
    assert!(Shared::same(next, &next.fields[1].schema));
    assert_eq!((next.parameter(TAG), next.optional, schema.optional), (Some("2"), true, false));
    assert_eq!((next.name_str(), next.fields[0].schema.parameter(TAG)), (Some("List"), Some("1")));
    assert_eq!(described(&codec, schema), file.replace("package a;\n", ""));
}

#[test]
fn messages_contain_themselves_in_fields_of_all_kinds() {
    let text = r#"syntax = "proto3"; message Tree {
        string label = 1; Tree left = 2; repeated Tree children = 3; map<string, Tree> by_name = 4;
        oneof either { Tree other = 5; Leaf leaf = 6; } optional Tree last = 7; repeated PairEntry pairs = 8; E e = 9;
        enum E { NONE = 0; SOME = 1; } message PairEntry { int32 key = 1; Tree value = 2; } }
        message Leaf { Tree back = 1; }"#;
    let label = |name: u8| vec![10, 1, name];
    let within = |tag: u8, bytes: Vec<u8>| [vec![tag << 3 | 2, bytes.len() as u8], bytes].concat();
    let bytes = [
        vec![0],
        label(b'a'),
        within(2, [label(b'b'), within(2, label(b'c'))].concat()),
        within(3, [label(b'd'), within(3, label(b'e'))].concat()),
        within(3, label(b'f')),
        within(
            4,
            [vec![10, 1, b'k'], within(2, within(4, [vec![10, 1, b'l'], within(2, label(b'g'))].concat()))].concat(),
        ),
        within(6, within(1, within(6, within(1, label(b'h'))))),
        within(7, within(7, label(b'i'))),
        within(8, [vec![8, 1], within(2, label(b'j'))].concat()),
        vec![72, 1],
    ]
    .concat();
    for (key, value) in [
        ("int.for.enums", "false"),
        ("flatten.unions", "true"),
        ("optional.for.nullables", "true"),
        ("wrapper.for.nullables", "true"),
        ("generalized.sum.type.support", "true"),
        ("generate.struct.for.nulls", "true"),
        ("enhanced.protobuf.schema.support", "true"),
    ] {
        let codec = codec([(key, value)]);
        // Branches that stand among the fields are written where their numbers stand.
        let is_flat = key == "flatten.unions";
        let data = if is_flat { read(&codec, text, &bytes).expect("read") } else { round(&codec, text, &bytes) };
        let schema = data.schema.get().expect("a schema");
        let tree = schema.fields.iter().find(|field| field.name.as_str() == "left").expect("left");
        let names = |schema: &Schema| schema.fields.iter().map(|field| field.name.to_string()).collect::<Vec<_>>();
        assert_eq!(names(&tree.schema), names(schema), "{key}");
    }
    let data = round(&codec([]), text, &bytes);
    let [either, label, left, children, by_name, last, pairs, e] = fields(&data.value) else { panic!("{data:?}") };
    assert_eq!((label, e), (&"a".into(), &"SOME".into()));
    assert_eq!(fields(&fields(left)[2])[1], "c".into());
    let ValueRef::Array(children) = children.view() else { panic!("{children:?}") };
    let ValueRef::Array(inner) = fields(&children[0])[3].view() else { panic!("{children:?}") };
    assert_eq!((&fields(&inner[0])[1], &fields(&children[1])[1]), (&"e".into(), &"f".into()));
    let entry = |map: &Value| match map.view() {
        ValueRef::Map(entries) => entries[0].clone(),
        other => panic!("{other:?} is no map"),
    };
    let inner = entry(&fields(&entry(by_name).value)[4]);
    assert_eq!((&inner.key, &fields(&inner.value)[1]), (&"l".into(), &"g".into()));
    let back = &fields(&fields(either)[1])[0];
    assert_eq!(fields(&fields(&fields(&fields(back)[0])[1])[0])[1], "h".into());
    assert_eq!((&fields(&fields(last)[5])[1], &fields(&entry(pairs).value)[1]), (&"i".into(), &"j".into()));
    assert_eq!(fields(&fields(last)[5])[2], Value::NULL);
}

#[test]
fn json_as_google_writes_it_in_protobuf_is_read() {
    let codec = codec([]);
    let file = |kind: &str| {
        format!(
            "syntax = \"proto3\"; import \"google/protobuf/struct.proto\"; message M {{ google.protobuf.{kind} it = 1; }}"
        )
    };
    // {"a": [null, 1.5, "x", true, {}]} in the forms of Value, ListValue and Struct.
    let within = |tag: u8, bytes: Vec<u8>| [vec![tag << 3 | 2, bytes.len() as u8], bytes].concat();
    let element = |bytes: Vec<u8>| within(1, bytes);
    let list = [
        element(vec![8, 0]),
        element([vec![17], 1.5f64.to_le_bytes().to_vec()].concat()),
        element(vec![26, 1, b'x']),
        element(vec![32, 1]),
        element(vec![42, 0]),
    ]
    .concat();
    let structure = within(1, [vec![10, 1, b'a'], within(2, within(6, list.clone()))].concat());
    let value = within(5, structure.clone());
    for (kind, bytes) in [("Struct", structure), ("Value", value), ("ListValue", list)] {
        let data = round(&codec, &file(kind), &[vec![0], within(1, bytes)].concat());
        assert_eq!(data.schema.get().expect("a schema").fields[0].schema.name_str(), Some(kind));
    }
    let data = round(&codec, &file("ListValue"), &[0, 10, 6, 10, 4, 50, 2, 10, 0]);
    let ValueRef::Array(values) = fields(&fields(&data.value)[0])[0].view() else { panic!("{data:?}") };
    let [kind] = fields(&values[0]) else { panic!("{data:?}") };
    let [null, number, string, flag, structure, list] = fields(kind) else { panic!("{data:?}") };
    assert!([null, number, string, flag, structure].iter().all(|value| value.is_null()));
    let ValueRef::Array(inner) = fields(list)[0].view() else { panic!("{data:?}") };
    assert_eq!(fields(&inner[0]), [Value::NULL]);
}

#[test]
fn messages_of_a_schema_that_contains_itself_stand_in_the_one_at_the_top() {
    let codec = codec([]);
    let tree = circle(|tree, optional| {
        // A union, a map of lists of itself, and an enum and a struct of the names that others have.
        let union = SchemaBuilder::structure().name(format!("{UNION}.either")).optional();
        let union = union.field("other", optional.clone()).field("number", SchemaBuilder::int32().build());
        let map = SchemaBuilder::map(text(), SchemaBuilder::array(tree.clone()).build()).name("lists");
        let forest = SchemaBuilder::structure()
            .name("Forest")
            .optional()
            .field("trees", SchemaBuilder::array(tree.clone()).build());
        let kind = SchemaBuilder::string().parameter(ENUM, "Forest2").parameter(format!("{ENUM}.OAK"), "0");
        SchemaBuilder::structure()
            .name("x.Tree")
            .field("either", union.build())
            .field("lists", map.build())
            .field("forest", forest.build())
            .field("kind", kind.build())
    });
    let schema =
        SchemaBuilder::structure().name("y.Forest").field("Tree", tree.clone()).field("again", tree.clone()).build();
    let text = r#"syntax = "proto3";
package y;

message Forest {
  TreeMessage Tree = 1;
  TreeMessage again = 2;
  message TreeMessage {
    oneof either {
      TreeMessage other = 1;
      int32 number = 2;
    }
    repeated listsEntry lists = 3;
    Forest2 forest = 4;
    Forest22 kind = 5;
    enum Forest22 {
      OAK = 0;
    }
  }
  message listsEntry {
    string key = 1;
    repeated TreeMessage value = 2;
  }
  message Forest2 {
    repeated TreeMessage trees = 1;
  }
}
"#;
    assert_eq!(described(&codec, &schema), text);
    let inner = &tree.fields[0].schema.fields[0].schema;
    let union = |tree: Value| Value::structure(tree_union(&tree_of(&schema)), vec![tree, Value::NULL]);
    let lists = |trees: Vec<Value>| Value::map(vec![MapEntry { key: "k".into(), value: Value::array(trees) }]);
    let leaf = |schema: &Shared<Schema>| {
        Value::structure(schema.clone(), vec![Value::NULL, lists(vec![]), Value::NULL, "OAK".into()])
    };
    let forest = Value::structure(tree.fields[2].schema.clone(), vec![Value::array(vec![leaf(&tree), leaf(&tree)])]);
    let whole =
        Value::structure(tree.clone(), vec![union(leaf(inner)), lists(vec![leaf(&tree)]), forest, "OAK".into()]);
    let value = Value::structure(schema.clone(), vec![whole.clone(), whole]);
    let bytes = payload(&codec, &schema, &value).expect("written");
    let back = round(&codec, text, &bytes);
    let [first, again] = fields(&back.value) else { panic!("{back:?}") };
    assert!(same(first, again));
    assert_eq!(fields(&fields(&fields(first)[0])[0])[3], "OAK".into());
}

fn tree_of(forest: &Schema) -> Shared<Schema> {
    forest.fields[0].schema.clone()
}

fn tree_union(tree: &Schema) -> Shared<Schema> {
    tree.fields[0].schema.clone()
}

#[test]
fn structs_and_maps_without_names_have_one_definition_each() {
    let codec = codec([]);
    let map = circle(|map, _| SchemaBuilder::map(text(), map.clone()));
    let schema = SchemaBuilder::structure().field("map", map).build();
    let file = "syntax = \"proto3\";\n\nmessage ConnectDefault1 {\n  repeated ConnectDefault2Entry map = 1;\n  \
                message ConnectDefault2Entry {\n    string key = 1;\n    repeated ConnectDefault2Entry value = 2;\n  }\n}\n";
    // A map of maps has no end, and is none where nothing in it contains itself.
    assert!(recursive(&schema).is_some());
    assert_eq!(described(&codec, &schema), file);
    let list = circle(|_, list| SchemaBuilder::structure().field("label", text()).field("next", list.clone()));
    let file =
        "syntax = \"proto3\";\n\nmessage ConnectDefault1 {\n  string label = 1;\n  ConnectDefault1 next = 2;\n}\n";
    assert_eq!(described(&codec, &list), file);
    let value = chain(&list, 4);
    assert!(same(&there_and_back(&codec, &list, &value), &value));
    // The same name for what is made of other things.
    let other = |inner: SchemaBuilder| circle(|_, own| inner.name("List").optional().field("next", own.clone()));
    let outer = SchemaBuilder::structure().name("List").field("a", other(SchemaBuilder::structure())).build();
    let text = described(&codec, &outer);
    assert!(text.contains("  List2 a = 1;\n  message List2 {\n    List2 next = 1;\n  }\n"), "{text}");
}

#[test]
fn messages_go_as_deep_as_readers_do() {
    let codec = codec([]);
    let schema = list();
    let file = described(&codec, &schema);
    let value = chain(&schema, 101);
    assert!(same(&there_and_back(&codec, &schema, &value), &value));
    for length in [102, 10_000] {
        let error = payload(&codec, &schema, &chain(&schema, length)).expect_err("too deep");
        let expected = "next: messages stand in one another deeper than readers of Protobuf go, which is 100 times";
        assert!(error.kind() == ErrorKind::DATA && error.message().ends_with(expected), "{error}");
    }
    let deep = |levels: usize| {
        let mut bytes: Vec<u8> = Vec::new();
        for _ in 0..levels {
            let mut around = vec![18];
            let mut length = bytes.len();
            while length >= 0x80 {
                around.push(length as u8 | 0x80);
                length >>= 7;
            }
            around.push(length as u8);
            around.append(&mut bytes);
            bytes = around;
        }
        [vec![0], bytes].concat()
    };
    assert!(read(&codec, &file, &deep(100)).is_ok());
    for levels in [101, 5_000] {
        let error = read(&codec, &file, &deep(levels)).expect_err("too deep");
        assert!(error.kind() == ErrorKind::DATA && error.message().contains("recursion limit"), "{error}");
    }
    // The entries of maps count, and so do the messages that stand for single values.
    let map = circle(|map, _| {
        let by_name = SchemaBuilder::map(text(), map.clone()).optional().build();
        SchemaBuilder::structure()
            .name("M")
            .field("at", SchemaBuilder::timestamp().optional().build())
            .field("m", by_name)
    });
    let deep = |levels: usize, at: Value| {
        let around = |value: Value| {
            let entries = Value::map(vec![MapEntry { key: "k".into(), value }]);
            Value::structure(map.clone(), vec![Value::NULL, entries])
        };
        (0..levels).fold(Value::structure(map.clone(), vec![at, Value::NULL]), |value, _| around(value))
    };
    let value = deep(50, Value::NULL);
    payload(&codec, &map, &value).expect("100 levels");
    let bytes = payload(&codec, &map, &deep(49, Value::timestamp(0))).expect("99 levels");
    assert!(read(&codec, &described(&codec, &map), &bytes).is_ok());
    let bytes = payload(&codec, &map, &value).expect("100 levels");
    assert!(read(&codec, &described(&codec, &map), &bytes).is_ok());
    for value in [deep(51, Value::NULL), deep(50, Value::timestamp(0))] {
        assert!(payload(&codec, &map, &value).expect_err("101 levels").message().contains("deeper than readers"));
    }
}

#[test]
fn a_message_that_contains_itself_is_not_made_up_where_it_is_absent() {
    let codec = codec([("generate.struct.for.nulls", "true")]);
    let text = r#"syntax = "proto3"; message M { M m = 1; N n = 2; message N { int32 i = 1; } }"#;
    let data = read(&codec, text, &[0]).expect("it has an end");
    let [own, other] = fields(&data.value) else { panic!("{data:?}") };
    assert_eq!((own, fields(other)), (&Value::NULL, &[Value::int32(0)][..]));
}

/// A file of messages each of which has fields of them all.
fn all_of_all(many: usize) -> String {
    let mut text = r#"syntax = "proto3"; "#.to_owned();
    for from in 0..many {
        _ = write!(text, "message M{from} {{ ");
        for to in 0..many {
            let kind = match (from + to) % 3 {
                0 => format!("M{to}"),
                1 => format!("repeated M{to}"),
                _ => format!("map<string, M{to}>"),
            };
            _ = write!(text, "{kind} f{to} = {}; ", to + 1);
        }
        text.push_str("} ");
    }
    text
}

#[test]
fn messages_that_contain_each_other_in_all_ways_are_read_and_described_once_each() {
    let codec = codec([]);
    let many = 12;
    let began = Instant::now();
    let data = round(&codec, &all_of_all(many), &[0, 10, 4, 10, 2, 18, 0]);
    let text = described(&codec, data.schema.get().expect("a schema"));
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    assert_eq!(text.matches("message M").count(), many, "{text}");
    assert_eq!(text.matches("Entry {").count(), many, "{text}");
    // No field is a level of its own on the way.
    round(&codec, &all_of_all(40), &[0]);
}

#[test]
fn long_chains_of_messages_end_in_an_error() {
    let codec = codec([]);
    let chain = |length: usize| {
        let link = |n: usize| format!("message M{n} {{ M{} m = 1; }} ", n + 1);
        let links: String = (0..length).map(link).collect();
        format!("syntax = \"proto3\"; {links} message M{length} {{ M0 first = 1; }}")
    };
    assert!(recursive(&schema_of(&codec, &chain(150))).is_some());
    let error = read(&codec, &chain(2_000), &[0]).expect_err("too deep");
    assert!(error.kind() == ErrorKind::DATA && error.message().ends_with("deeper than 200 times"), "{error}");
}

#[test]
fn another_version_of_a_list_is_compared_to_its_end() {
    let codec = codec([]);
    let own = list();
    let of_own = codec.describe(Some(&own)).expect("described");
    let write = |text: &str| codec.writer(Some(&own), &of_own, &document(text), true);
    assert!(write(r#"syntax = "proto3"; package a; message List { List next = 5; string label = 2; }"#).is_ok());
    let other = r#"syntax = "proto3"; package a; message List { Rest next = 5; string label = 2; }
        message Rest { Rest next = 5; bytes label = 2; }"#;
    assert!(write(other).expect_err("bytes").message().starts_with("$.next.label: "));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn whatever_contains_itself_comes_back_as_it_was((schema, value) in arbitrary::circle()) {
        let codec = codec([]);
        let back = there_and_back(&codec, &schema, &value);
        prop_assert!(same(&back, &value), "{:?} became {:?}", value, back);
        // What was read describes itself as what it was read from.
        let text = described(&codec, &schema);
        let again = described(&codec, &schema_of(&codec, &text));
        prop_assert!(same(&read(&codec, &again, &payload(&codec, &schema, &value).expect("written")).expect("read").value, &value));
    }
}
