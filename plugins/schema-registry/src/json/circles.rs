//! Schemas that contain themselves, in both directions.

use super::tests::{both_ways, codec, described, payload, schema_of, value_of};
use super::*;
use crate::arbitrary;
use crate::testing::{self, chain, circle, node, text};
use ferroconnect_plugin_sdk::{ErrorKind, MapEntry, SchemaBuilder, ValueRef, validate};
use proptest::prelude::*;
use serde_json::{Map, Value as Json, json};
use std::time::{Duration, Instant};

fn list() -> Shared<Schema> {
    circle(|_, list| SchemaBuilder::structure().name("List").field("label", text()).field("next", list.clone()))
}

#[test]
fn a_list_refers_to_the_whole_schema() {
    let schema = list();
    let json = json!({"type": "object", "title": "List", "properties": {
        "label": {"type": "string", "connect.index": 0},
        "next": {"oneOf": [{"type": "null"}, {"$ref": "#"}], "connect.index": 1},
    }});
    let payload = json!({"label": "x", "next": {"label": "x", "next": {"label": "x", "next": null}}});
    both_ways(&codec([]), &schema, json, &chain(&schema, 3), payload);
}

#[test]
fn a_part_that_contains_itself_is_a_definition() {
    let schema = {
        let tree = |tree: &Shared<Schema>, _: &_| {
            let children = SchemaBuilder::array(tree.clone()).optional().build();
            SchemaBuilder::structure().name("a/Tree").field("label", text()).field("children", children)
        };
        let tree = circle(tree);
        SchemaBuilder::structure()
            .name("Forest")
            .field("first", tree.clone())
            .field("by name", SchemaBuilder::map(text(), tree).build())
            .build()
    };
    let json = json!({
        "type": "object", "title": "Forest",
        "properties": {
            "first": {"oneOf": [{"$ref": "#/definitions/a_Tree"}], "connect.index": 0},
            "by name": {"type": "object", "additionalProperties": {"$ref": "#/definitions/a_Tree"},
                        "connect.type": "map", "connect.index": 1},
        },
        "definitions": {"a_Tree": {"type": "object", "title": "a/Tree", "properties": {
            "label": {"type": "string", "connect.index": 0},
            "children": {"oneOf": [{"type": "null"}, {"type": "array", "items": {"$ref": "#/definitions/a_Tree"}}],
                         "connect.index": 1},
        }}},
    });
    let tree = &schema.fields[0].schema;
    let leaf = || node(tree, "leaf", Value::NULL);
    let whole = node(tree, "root", Value::array(vec![leaf(), node(tree, "branch", Value::array(vec![leaf()]))]));
    let by_name = Value::map(vec![MapEntry { key: "a".into(), value: leaf() }]);
    let value = Value::structure(schema.clone(), vec![whole, by_name]);
    let leaf = || json!({"label": "leaf", "children": null});
    let payload = json!({
        "first": {"label": "root", "children": [leaf(), {"label": "branch", "children": [leaf()]}]},
        "by name": {"a": leaf()},
    });
    both_ways(&codec([]), &schema, json.clone(), &value, payload.clone());
    // A reference with a place is no union of one.
    both_ways(&codec([("flatten.singleton.unions", "false")]), &schema, json, &value, payload);
}

#[test]
fn a_schema_that_is_optional_at_the_top_is_a_definition_too() {
    let schema = list().fields[1].schema.clone();
    let json = json!({
        "oneOf": [{"type": "null"}, {"$ref": "#/definitions/List"}],
        "definitions": {"List": {"type": "object", "title": "List", "properties": {
            "label": {"type": "string", "connect.index": 0},
            "next": {"oneOf": [{"type": "null"}, {"$ref": "#/definitions/List"}], "connect.index": 1},
        }}},
    });
    both_ways(&codec([]), &schema, json, &chain(&schema, 1), json!({"label": "x", "next": null}));
}

#[test]
fn schemas_of_others_may_contain_themselves_anywhere() {
    let codec = codec([("use.optional.for.nonrequired", "true")]);
    // Through properties, items, additional properties, branches of both kinds, parts, and both names of definitions.
    let json = json!({
        "title": "N", "type": "object", "required": ["label"],
        "allOf": [{"properties": {"part": {"$ref": "#/$defs/part"}}}],
        "properties": {
            "label": {"type": "string"},
            "next": {"$ref": "#"},
            "items": {"type": "array", "items": {"$ref": "#"}},
            "map": {"type": "object", "additionalProperties": {"$ref": "#"}},
            "one": {"oneOf": [{"type": "integer"}, {"$ref": "#"}]},
            "any": {"anyOf": [{"$ref": "#/definitions/other"}, {"type": "null"}]},
        },
        "definitions": {"other": {"type": "object", "properties": {"back": {"$ref": "#"}}}},
        "$defs": {"part": {"allOf": [{"$ref": "#/definitions/other"}]}},
    });
    let schema = schema_of(&codec, &json).expect("it can be read");
    let label = || json!({"label": "x"});
    let payload = json!({
        "label": "x", "next": {"label": "y", "next": label()}, "items": [label(), {"label": "z", "items": [label()]}],
        "map": {"a": {"label": "x", "map": {}}}, "one": {"label": "x", "one": 5}, "any": {"back": label()},
        "part": {"back": {"label": "x", "part": {"back": null}}},
    });
    let value = value_of(&codec, &schema, &payload).expect("it fits");
    assert_eq!(validate(&schema, &value), Ok(()));
    // What is absent becomes null on the way; the rest stays, also under the schema that we make of it.
    let mut written = super::tests::payload(&codec, &schema, &value).expect("written");
    let again = schema_of(&super::tests::codec([]), &described(&codec, &schema)).expect("our own");
    assert_eq!(again, schema);
    assert_eq!(value_of(&codec, &again, &written).expect("it fits"), value);
    strip_nulls(&mut written);
    assert_eq!(
        written,
        json!({
            "label": "x", "next": {"label": "y", "next": label()}, "items": [label(), {"label": "z", "items": [label()]}],
            "map": {"a": {"label": "x", "map": {}}}, "one": {"label": "x", "one": 5}, "any": {"back": label()},
            "part": {"back": {"label": "x", "part": {}}},
        })
    );
}

fn strip_nulls(json: &mut Json) {
    match json {
        Json::Object(properties) => {
            properties.retain(|_, value| !value.is_null());
            properties.values_mut().for_each(strip_nulls);
        }
        Json::Array(items) => items.iter_mut().for_each(strip_nulls),
        _ => {}
    }
}

#[test]
fn defaults_that_would_hold_the_schema_itself_are_left_out() {
    let codec = codec([]);
    let tree = |default: Json| {
        let children = json!({"type": "array", "items": {"$ref": "#"}, "default": default});
        let of = json!({"type": "object", "properties": {"children": children}});
        let schema = schema_of(&codec, &of).expect("the topic can be read");
        schema.fields[0].schema.default_value().cloned()
    };
    assert_eq!(tree(json!([])), Some(Value::array(vec![])));
    assert_eq!((tree(json!([{"children": []}])), tree(json!([1])), tree(json!({"a": 1}))), (None, None, None));
    // Where nothing is met again defaults may hold structs.
    let item = json!({"type": "object", "properties": {"a": {"type": "integer"}}});
    let of = json!({"type": "array", "items": item, "default": [{"a": 1}]});
    assert!(schema_of(&codec, &of).expect("an array").default_value().is_some());
}

#[test]
fn a_union_that_is_a_branch_of_itself_is_refused_and_no_payload_is_followed_for_ever() {
    let codec = codec([]);
    let string = || json!({"type": "string"});
    for json in [
        json!({"oneOf": [{"$ref": "#"}, string()]}),
        json!({"oneOf": [string(), {"anyOf": [{"$ref": "#"}, {"type": "integer"}]}]}),
        json!({"oneOf": [{"type": "null"}, {"$ref": "#"}]}),
    ] {
        let error = schema_of(&codec, &json).expect_err("no value could be told to fit");
        assert!(error.kind() == ErrorKind::DATA && error.message().contains("is itself a branch"), "{error}");
    }
    let lists = json!({"oneOf": [string(), {"type": "array", "items": {"$ref": "#"}}]});
    let schema = schema_of(&codec, &lists).expect("there is an array between");
    let json = json!(["a", ["b", []]]);
    let value = value_of(&codec, &schema, &json).expect("it fits");
    assert_eq!(payload(&codec, &schema, &value).expect("written"), json);
    // A plugin may give what cannot be read: unions in unions show nowhere in JSON.
    let union = circle(|_, own| {
        let label = SchemaBuilder::string().optional().build();
        SchemaBuilder::structure().name(ONE_OF).field("0", own.clone()).field("1", label)
    });
    let inner = &union.fields[0].schema;
    let end = Value::structure(inner.clone(), vec![Value::NULL, "end".into()]);
    let value = (0..10_000).fold(end, |value, _| Value::structure(inner.clone(), vec![value, Value::NULL]));
    let value = Value::structure(union.clone(), vec![value, Value::NULL]);
    assert_eq!(payload(&codec, &union, &value).expect("written"), json!("end"));
}

#[test]
fn values_go_as_deep_as_readers_do() {
    let codec = codec([]);
    let schema = list();
    let deep = |levels: usize| format!("{}null{}", r#"{"label":"x","next":"#.repeat(levels), "}".repeat(levels));
    let read = |text: String| codec.read(&schema, &Blob::from(text.into_bytes())).map(|data| data.value);
    let value = read(deep(127)).expect("as deep as it goes");
    assert_eq!(value, chain(&schema, 127));
    let mut bytes = Vec::new();
    codec.write(&schema, &value, &mut bytes).expect("as deep as it goes");
    assert_eq!(String::from_utf8(bytes).expect("text"), deep(127));
    for levels in [128, 100_000] {
        let error = read(deep(levels)).expect_err("too deep");
        assert!(error.kind() == ErrorKind::DATA && error.message().contains("recursion limit"), "{error}");
    }
    for length in [128, 10_000] {
        let error = codec.write(&schema, &chain(&schema, length), &mut Vec::new()).expect_err("too deep");
        let expected =
            "next: arrays and objects stand in one another deeper than readers of JSON go, which is 127 times";
        assert!(error.kind() == ErrorKind::DATA && error.message().ends_with(expected), "{error}");
    }
    // The entries of a map are an array and an object each.
    let maps = circle(|map, _| SchemaBuilder::map(SchemaBuilder::int8().build(), map.clone()));
    let deep = |levels: usize| {
        let entry = |value| Value::map(vec![MapEntry { key: Value::int8(0), value }]);
        (1..levels).fold(Value::map(vec![]), |value, _| entry(value))
    };
    let text = described(&codec, &maps);
    assert_eq!(text["items"]["properties"]["value"], json!({"oneOf": [{"$ref": "#"}], "connect.index": 1}));
    assert_eq!(schema_of(&codec, &text).expect("a map"), maps);
    let json = payload(&codec, &maps, &deep(64)).expect("127 levels");
    assert_eq!(value_of(&codec, &maps, &json).expect("as deep"), deep(64));
    assert!(payload(&codec, &maps, &deep(65)).is_err());
}

#[test]
fn definitions_that_contain_each_other_in_all_ways_are_read_and_described_once_each() {
    let codec = codec([("use.optional.for.nonrequired", "true")]);
    let many = 12;
    let reference = |to: usize| json!({"$ref": format!("#/definitions/d{to}")});
    let way = |from: usize, to: usize| match (from + to) % 4 {
        0 => reference(to),
        1 => json!({"type": "array", "items": reference(to)}),
        2 => json!({"type": "object", "additionalProperties": reference(to)}),
        _ => json!({"oneOf": [{"type": "null"}, reference(to)]}),
    };
    let properties = |from: usize| (0..many).map(|to| (format!("f{to}"), way(from, to))).collect::<Json>();
    let definition = |number: usize| json!({"title": format!("D{number}"), "properties": properties(number)});
    let definitions: Json = (0..many).map(|number| (format!("d{number}"), definition(number))).collect();
    let json = json!({"$ref": "#/definitions/d0", "definitions": definitions});
    let began = Instant::now();
    let schema = schema_of(&codec, &json).expect("it can be read");
    let text = described(&codec, &schema);
    assert_eq!(schema_of(&super::tests::codec([]), &text).expect("our own"), schema);
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    // A definition for each, required and optional, and for the arrays and maps that these two have in common.
    let count = text["definitions"].as_object().map_or(0, Map::len);
    assert!((2 * many..=2 * many + many * many / 2).contains(&count), "{count}");
    let payload = json!({"f0": {"f1": [{"f1": {"a": {"f2": null}}}]}});
    let value = value_of(&codec, &schema, &payload).expect("it fits");
    assert!(matches!(value.view(), ValueRef::Struct(content) if !content.fields[0].is_null()));
}

#[test]
fn another_version_of_a_list_is_compared_to_its_end() {
    let codec = codec([]);
    let own = list();
    let of_own = codec.describe(Some(&own)).expect("described");
    let other = |label: Json| {
        let next = json!({"oneOf": [{"type": "null"}, {"$ref": "#"}]});
        testing::document(
            &json!({"title": "List", "type": "object", "properties": {"label": label, "next": next}}).to_string(),
        )
    };
    assert!(codec.writer(Some(&own), &of_own, &other(json!({"type": "string"})), true).is_ok());
    let error = codec.writer(Some(&own), &of_own, &other(json!({"type": "integer"})), true).expect_err("no number");
    assert!(error.message().starts_with("$.label: the registered schema cannot take"), "{error}");
    // What differs stands a level deeper.
    let inner =
        json!({"type": "object", "properties": {"label": {"type": "integer"}, "next": {"$ref": "#/definitions/i"}}});
    let json = json!({"type": "object", "definitions": {"i": inner}, "properties": {
        "label": {"type": "string"}, "next": {"oneOf": [{"type": "null"}, {"$ref": "#/definitions/i"}]}}});
    let error = codec.writer(Some(&own), &of_own, &testing::document(&json.to_string()), true).expect_err("no number");
    assert!(error.message().starts_with("$.next.label: the registered schema cannot take"), "{error}");
}

proptest! {
    #[test]
    fn whatever_contains_itself_comes_back_as_it_was((schema, value) in arbitrary::circle()) {
        let codec = codec([]);
        let json = described(&codec, &schema);
        let reader = schema_of(&codec, &json).expect("our own");
        prop_assert_eq!(&reader, &schema, "{}", json);
        let payload = payload(&codec, &schema, &value).expect("it fits");
        prop_assert_eq!(value_of(&codec, &reader, &payload).expect("it fits"), value);
    }
}
