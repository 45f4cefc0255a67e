//! The mapping in both directions, without a registry.

use super::*;
use crate::arbitrary;
use crate::client::Import;
use crate::testing;
use ferroconnect_plugin_sdk::{ErrorKind, MapEntry, SchemaBuilder, validate};
use proptest::prelude::*;
use serde_json::{Value as Json, json};

pub(super) fn codec<const N: usize>(pairs: [(&str, &str); N]) -> JsonCodec {
    testing::codec(pairs)
}

pub(super) fn described(codec: &JsonCodec, schema: &Shared<Schema>) -> Json {
    serde_json::from_str(&codec.describe(Some(schema)).expect("can be described").text).expect("JSON")
}

pub(super) fn document(schema: &Json) -> Arc<Document> {
    testing::document(&schema.to_string())
}

pub(super) fn schema_of(codec: &JsonCodec, schema: &Json) -> Result<Shared<Schema>> {
    codec.reader(&document(schema), None)
}

pub(super) fn payload(codec: &JsonCodec, schema: &Shared<Schema>, value: &Value) -> Result<Json> {
    let mut bytes = Vec::new();
    codec.write(schema, value, &mut bytes)?;
    Ok(serde_json::from_slice(&bytes)?)
}

pub(super) fn value_of(codec: &JsonCodec, schema: &Shared<Schema>, payload: &Json) -> Result<Value> {
    codec.read(schema, &Blob::from(payload.to_string().into_bytes())).map(|data| data.value)
}

/// The schema becomes this one and the other way round, and so does the value.
pub(super) fn both_ways(codec: &JsonCodec, schema: &Shared<Schema>, json: Json, value: &Value, payload_json: Json) {
    assert_eq!(described(codec, schema), json);
    assert_eq!(schema_of(codec, &json).expect("can be read"), *schema, "{json}");
    assert_eq!(payload(codec, schema, value).expect("can be written"), payload_json, "{json}");
    assert_eq!(value_of(codec, schema, &payload_json).expect("can be read"), *value, "{json}");
}

fn text() -> SchemaBuilder {
    SchemaBuilder::string()
}

fn map(entries: Vec<(Value, Value)>) -> Value {
    Value::map(entries.into_iter().map(|(key, value)| MapEntry { key, value }).collect::<Vec<_>>())
}

#[test]
fn plain_types_keep_their_width() {
    let codec = codec([]);
    for (schema, json, value, payload) in [
        (SchemaBuilder::int8(), json!({"type": "integer", "connect.type": "int8"}), Value::int8(-128), json!(-128)),
        (SchemaBuilder::int16(), json!({"type": "integer", "connect.type": "int16"}), Value::int16(7), json!(7)),
        (SchemaBuilder::int32(), json!({"type": "integer", "connect.type": "int32"}), Value::int32(7), json!(7)),
        (
            SchemaBuilder::int64(),
            json!({"type": "integer", "connect.type": "int64"}),
            Value::int64(i64::MIN),
            json!(i64::MIN),
        ),
        (
            SchemaBuilder::float32(),
            json!({"type": "number", "connect.type": "float32"}),
            Value::float32(0.1),
            json!(0.1f32),
        ),
        (
            SchemaBuilder::float64(),
            json!({"type": "number", "connect.type": "float64"}),
            Value::float64(1e300),
            json!(1e300),
        ),
        (
            SchemaBuilder::float64(),
            json!({"type": "number", "connect.type": "float64"}),
            Value::float64(f64::NEG_INFINITY),
            json!("-Infinity"),
        ),
        (SchemaBuilder::boolean(), json!({"type": "boolean"}), Value::boolean(true), json!(true)),
        (text(), json!({"type": "string"}), Value::string("é\"\n"), json!("é\"\n")),
        (
            SchemaBuilder::bytes(),
            json!({"type": "string", "connect.type": "bytes"}),
            Value::bytes(vec![0xff, 0x00]),
            json!("/wA="),
        ),
    ] {
        both_ways(&codec, &schema.build(), json, &value, payload);
    }
    // Schemas that do not come from Connect.
    assert_eq!(schema_of(&codec, &json!({"type": "integer"})).expect("known"), SchemaBuilder::int64().build());
    assert_eq!(schema_of(&codec, &json!({"type": "number"})).expect("known"), SchemaBuilder::float64().build());
}

#[test]
fn logical_types_are_told_by_title_and_parameters() {
    let base64 = codec([]);
    let numeric = codec([("decimal.format", "numeric")]);
    let title = |name: &str| format!("org.apache.kafka.connect.data.{name}");
    let decimal = |kind| {
        json!({"type": kind, "title": title("Decimal"), "connect.type": "bytes", "connect.version": 1,
               "connect.parameters": {"scale": "2"}})
    };
    let money = Value::decimal(vec![0x30, 0x39], 2);
    both_ways(&base64, &SchemaBuilder::decimal(2).build(), decimal("string"), &money, json!("MDk="));
    let exact: Json = serde_json::from_str("123.45").expect("a number");
    both_ways(&numeric, &SchemaBuilder::decimal(2).build(), decimal("number"), &money, exact);
    // Either reads what the other writes.
    let schema = SchemaBuilder::decimal(2).build();
    assert_eq!(value_of(&base64, &schema, &json!(123.45)).expect("a number"), money);
    assert_eq!(value_of(&numeric, &schema, &json!("MDk=")).expect("text"), money);
    for (schema, name, width, value, payload) in [
        (SchemaBuilder::date(), "Date", "int32", Value::date(-1), json!(-1)),
        (SchemaBuilder::time(), "Time", "int32", Value::time(86_399_999), json!(86_399_999)),
        (SchemaBuilder::timestamp(), "Timestamp", "int64", Value::timestamp(i64::MAX), json!(i64::MAX)),
    ] {
        let json = json!({"type": "integer", "title": title(name), "connect.type": width, "connect.version": 1});
        both_ways(&base64, &schema.build(), json, &value, payload);
    }
}

#[test]
fn structs_keep_the_order_of_their_fields_and_all_that_is_said_of_them() {
    let codec = codec([]);
    let schema = SchemaBuilder::structure()
        .name("shop.Order")
        .version(3)
        .doc("An order")
        .parameter("owner", "sales")
        .field("z", SchemaBuilder::int32().default_value(5i32).build())
        .field("a", text().optional().doc("A note").build())
        .build();
    let json = json!({
        "type": "object", "title": "shop.Order", "description": "An order", "connect.version": 3,
        "connect.parameters": {"owner": "sales"},
        "properties": {
            "z": {"type": "integer", "default": 5, "connect.type": "int32", "connect.index": 0},
            "a": {"oneOf": [{"type": "null"}, {"type": "string", "description": "A note"}], "connect.index": 1},
        },
    });
    let value = Value::structure(schema.clone(), vec![Value::int32(1), Value::NULL]);
    both_ways(&codec, &schema, json.clone(), &value, json!({"z": 1, "a": null}));
    assert_eq!(codec.describe(Some(&schema)).expect("described").record_name.as_deref(), Some("shop.Order"));
    assert_eq!(codec.record_name(&document(&json)).as_deref(), Some("shop.Order"));
    // A property that is not there has the default.
    let default = Value::structure(schema.clone(), vec![Value::int32(5), Value::NULL]);
    assert_eq!(value_of(&codec, &schema, &json!({"more": [1]})).expect("read"), default);
    // The order of the text does not matter, that of the index does.
    let mut swapped = json;
    let properties = swapped["properties"].as_object_mut().expect("an object");
    let z = properties.shift_remove("z").expect("there");
    properties.insert("z".into(), z);
    assert_eq!(schema_of(&codec, &swapped).expect("read"), schema);
}

#[test]
fn arrays_and_maps_may_stand_anywhere() {
    let codec = codec([]);
    let numbers = || SchemaBuilder::array(SchemaBuilder::int8().optional().build());
    let number = json!({"oneOf": [{"type": "null"}, {"type": "integer", "connect.type": "int8"}]});
    both_ways(
        &codec,
        &SchemaBuilder::array(numbers().build()).build(),
        json!({"type": "array", "items": {"type": "array", "items": number}}),
        &Value::array(vec![Value::array(vec![Value::int8(1), Value::NULL]), Value::array(vec![])]),
        json!([[1, null], []]),
    );
    both_ways(
        &codec,
        &SchemaBuilder::map(text().build(), numbers().build()).build(),
        json!({"type": "object", "connect.type": "map", "additionalProperties": {"type": "array", "items": number}}),
        &map(vec![("a".into(), Value::array(vec![Value::int8(1)]))]),
        json!({"a": [1]}),
    );
    let entry = json!({"type": "object", "properties": {
        "key": {"type": "integer", "connect.type": "int32", "connect.index": 0},
        "value": {"type": "string", "connect.index": 1},
    }});
    both_ways(
        &codec,
        &SchemaBuilder::map(SchemaBuilder::int32().build(), text().build()).build(),
        json!({"type": "array", "connect.type": "map", "items": entry}),
        &map(vec![(Value::int32(1), "x".into())]),
        json!([{"key": 1, "value": "x"}]),
    );
}

#[test]
fn enums_are_text_with_their_symbols_as_parameters() {
    let own =
        text().parameter(ENUM, "").parameter(format!("{ENUM}.A"), "A").parameter(format!("{ENUM}.B"), "B").build();
    both_ways(&codec([]), &own, json!({"enum": ["A", "B"]}), &"A".into(), json!("A"));
    let name = SUM_ENUM;
    let shared = text().parameter(name, "").parameter(format!("{name}.A"), "0").build();
    let codec = codec([("generalized.sum.type.support", "true")]);
    assert_eq!(schema_of(&codec, &json!({"enum": ["A"]})).expect("an enum"), shared);
    // Symbols need not be text, and what has a type of its own keeps it.
    let odd = schema_of(&codec, &json!({"enum": [1, null]})).expect("an enum");
    assert_eq!(
        odd.parameters.iter().map(|it| it.key.as_str()).skip(1).collect::<Vec<_>>(),
        ["org.apache.kafka.connect.data.Enum.1", "org.apache.kafka.connect.data.Enum.<NULL>"]
    );
    assert_eq!(value_of(&codec, &odd, &json!(1)).expect("a symbol"), "1".into());
    let number = schema_of(&codec, &json!({"type": "integer", "enum": [1, 2]})).expect("a number");
    assert_eq!(number.kind, SchemaType::INT64);
}

fn one_of() -> Shared<Schema> {
    let person = SchemaBuilder::structure()
        .optional()
        .field("name", text().build())
        .field("age", SchemaBuilder::int64().optional().build());
    let place = SchemaBuilder::structure().optional().field("city", text().build());
    let field = |index: usize| format!("{ONE_OF}.field.{index}");
    SchemaBuilder::structure()
        .name(ONE_OF)
        .optional()
        .field(field(0), SchemaBuilder::int32().optional().build())
        .field(field(1), text().optional().build())
        .field(field(2), person.build())
        .field(field(3), place.build())
        .build()
}

#[test]
fn unions_are_structs_with_one_field_set() {
    let codec = codec([]);
    let schema = one_of();
    let json = described(&codec, &schema);
    assert_eq!(json["oneOf"].as_array().expect("a list").len(), 5);
    assert_eq!(json["oneOf"][0], json!({"type": "null"}));
    assert_eq!(json["oneOf"][2], json!({"type": "string", "connect.index": 1}));
    assert_eq!(schema_of(&codec, &json).expect("a union"), schema);
    let union = |index: usize, value: Value| {
        let mut fields = vec![Value::NULL; 4];
        fields[index] = value;
        Value::structure(schema.clone(), fields)
    };
    let place = Value::structure(schema.fields[3].schema.clone(), vec!["Oslo".into()]);
    for (value, expected) in [
        (union(0, Value::int32(5)), json!(5)),
        (union(1, "5".into()), json!("5")),
        (union(3, place), json!({"city": "Oslo"})),
    ] {
        assert_eq!(payload(&codec, &schema, &value).expect("written"), expected);
        assert_eq!(value_of(&codec, &schema, &expected).expect("read"), value);
    }
    assert_eq!(value_of(&codec, &schema, &Json::Null).expect("read"), Value::NULL);
    let error = value_of(&codec, &schema, &json!([])).expect_err("no such branch");
    assert_eq!(error.message(), "$: an array fits no branch of the union");
}

#[test]
fn unions_have_many_spellings() {
    let codec = codec([]);
    let optional = text().optional().build();
    for json in [
        json!({"oneOf": [{"type": "null"}, {"type": "string"}]}),
        json!({"anyOf": [{"type": "string"}, {"type": "null"}]}),
        json!({"type": ["string", "null"]}),
        json!({"oneOf": [{"type": ["null", "string"]}]}),
        json!({"allOf": [{"type": ["null", "string"]}]}),
    ] {
        assert_eq!(schema_of(&codec, &json).expect("text"), optional, "{json}");
    }
    let two = schema_of(&codec, &json!({"type": ["string", "integer", "null"]})).expect("a union");
    assert!(two.optional && is_union(&two) && two.fields.len() == 2);
    let sums = super::tests::codec([("generalized.sum.type.support", "true"), ("flatten.singleton.unions", "false")]);
    let one = schema_of(&sums, &json!({"oneOf": [{"type": "string"}]})).expect("a union");
    assert_eq!(one.name_str(), Some("connect_union_0"));
    assert_eq!(one.fields[0].name.as_str(), "connect_union_field_0");
    let union = Value::structure(one.clone(), vec!["x".into()]);
    assert_eq!(payload(&sums, &one, &union).expect("written"), json!("x"));
}

#[test]
fn all_of_adds_objects_up() {
    let codec = codec([("use.optional.for.nonrequired", "true")]);
    let json = json!({
        "title": "T", "properties": {"a": {"type": "string"}}, "required": ["a"],
        "allOf": [{"$ref": "#/definitions/b"}],
        "definitions": {"b": {"properties": {"b": {"type": "boolean"}}}},
    });
    let schema = schema_of(&codec, &json).expect("a struct");
    let expected = SchemaBuilder::structure()
        .name("T")
        .field("a", text().build())
        .field("b", SchemaBuilder::boolean().optional().build())
        .build();
    assert_eq!(schema, expected);
    let number = json!({"allOf": [{"type": "string", "format": "x"}, {"type": "integer"}]});
    assert_eq!(schema_of(&codec, &number).expect("a number").kind, SchemaType::INT64);
    let symbols = json!({"allOf": [{"type": "string"}, {"enum": ["A"]}]});
    assert!(is_enum(&schema_of(&codec, &symbols).expect("an enum")));
}

#[test]
fn referenced_schemas_are_used_wherever_they_stand() {
    let codec = codec([]);
    let text =
        json!({"type": "object", "properties": {"home": {"$ref": "address.json"}, "work": {"$ref": "address.json"}}});
    let address = r##"{"title": "Address", "type": "object", "properties": {"zip": {"$ref": "#/$defs/zip"}},
                       "$defs": {"zip": {"type": "string"}}}"##;
    let imports = vec![Import { name: "address.json".into(), text: address.into() }];
    let schema = codec.reader(&Arc::new(Document { text: text.to_string(), imports }), Some(4)).expect("a struct");
    assert_eq!((schema.version.into_option(), schema.fields[0].schema.version.into_option()), (Some(4), None));
    assert_eq!(schema.fields[0].schema.name_str(), Some("Address"));
    assert!(Shared::same(&schema.fields[0].schema, &schema.fields[1].schema));
    assert_eq!(schema.fields[0].schema.fields[0].schema.kind, SchemaType::STRING);
}

#[test]
fn schemas_that_connect_cannot_hold_are_refused_with_their_place() {
    let codec = codec([]);
    let property = |json: Json| json!({"type": "object", "properties": {"p": json}});
    let mut deep = json!({"type": "string"});
    for _ in 0..250 {
        deep = json!({"type": "array", "items": deep});
    }
    for (json, expected) in [
        (property(json!({})), "$.p: the schema says nothing of the type"),
        (property(json!(true)), "$.p: the schema says nothing of the type"),
        (property(json!({"type": "null"})), "$.p: null is no type by itself"),
        (property(json!({"type": "array"})), "$.p: the schema of an array does not say that of its items"),
        (property(json!({"type": "object", "connect.type": "map"})), "$.p: the schema of a map does not say"),
        (property(json!({"type": "integer", "connect.type": "int128"})), "$.p: 'int128' is no connect.type"),
        (property(json!({"type": "tuple"})), "$.p: there is no type 'tuple'"),
        (property(json!({"$ref": "#/nowhere"})), "$.p: The reference '#/nowhere' of the schema leads nowhere"),
        (json!({"allOf": [{"$ref": "#"}]}), "$: the schema is itself a branch or part of itself"),
        (json!({"allOf": [{"allOf": [{"$ref": "#"}]}]}), "$: the schema is itself a branch or part of itself"),
        (property(json!({"oneOf": [{"$ref": "#/properties/p"}]})), "$.p: the schema is itself a branch or part"),
        (property(json!({"allOf": [{"description": "d"}]})), "$.p: no part of 'allOf' says the type"),
        (property(json!({"oneOf": []})), "$.p: null is no type by itself"),
        (deep, "The schema is no JSON: recursion limit exceeded"),
    ] {
        let error = schema_of(&codec, &json).expect_err("is refused");
        assert_eq!(error.kind(), ErrorKind::DATA);
        assert!(error.message().starts_with(expected), "{error}");
    }
}

#[test]
fn a_default_that_does_not_fit_is_left_out() {
    let codec = codec([]);
    let of = |default: Json| json!({"type": "object", "properties": {"n": {"type": "integer", "default": default}}});
    let default = |json: Json| {
        let schema = schema_of(&codec, &of(json)).expect("the topic can be read");
        schema.fields[0].schema.default_value().cloned()
    };
    assert_eq!((default(json!("x")), default(json!(1.5)), default(json!({}))), (None, None, None));
    assert_eq!(default(json!(7)), Some(Value::int64(7)));
}

#[test]
fn properties_that_would_be_lost_against_the_users_will_are_refused() {
    let new = |value: &str| {
        let mut config = Config::from([("preserve.additional.properties", value)]);
        config.set("schema.registry.url", "http://localhost:1");
        let def = JsonCodec::keys(crate::settings::keys());
        JsonCodec::new(&def.parse(&config.to_pairs()).expect("complete"))
    };
    assert!(new("").is_ok() && new("FALSE").is_ok());
    let error = new("true").expect_err("refused");
    let text = "Invalid value true for configuration preserve.additional.properties: ";
    assert!(error.kind() == ErrorKind::CONFIG && error.message().starts_with(text), "{error}");
}

#[test]
fn long_chains_of_definitions_end_in_an_error() {
    let codec = codec([]);
    let chain = |length: usize| {
        let link = |n: usize| json!({"type": "array", "items": {"$ref": format!("#/definitions/d{}", n + 1)}});
        let links = (0..length).map(|n| (format!("d{n}"), link(n)));
        let definitions: Json = links.chain([(format!("d{length}"), json!({"type": "boolean"}))]).collect();
        json!({"$ref": "#/definitions/d0", "definitions": definitions})
    };
    let schema = schema_of(&codec, &chain(120)).expect("deep, but not too deep");
    let text = format!("{}{}", "[".repeat(120), "]".repeat(120));
    let value = codec.read(&schema, &Blob::from(text.clone().into_bytes())).expect("as deep").value;
    assert_eq!(payload(&codec, &schema, &value).expect("written").to_string(), text);
    let error = schema_of(&codec, &chain(250)).expect_err("too deep");
    assert!(error.message().ends_with("deeper than 200 times"), "{error}");
}

#[test]
fn values_that_do_not_fit_are_refused_with_their_place() {
    let codec = codec([]);
    let item = SchemaBuilder::structure().field("price", SchemaBuilder::int8().build()).build();
    let schema = SchemaBuilder::structure().field("items", SchemaBuilder::array(item.clone()).build()).build();
    let price = |price: Json| json!({"items": [{"price": price}]});
    for (json, expected) in [
        (price(json!("x")), "$.items[0].price: text does not fit a schema of type INT8"),
        (price(json!(128)), "$.items[0].price: this number does not fit a schema of type INT8"),
        (price(json!(1.5)), "$.items[0].price: this number does not fit a schema of type INT8"),
        (price(Json::Null), "$.items[0].price: null for a required INT8"),
        (json!({"items": {}}), "$.items: an object does not fit a schema of type ARRAY"),
        (
            json!({}),
            "$.items: the property is absent, and its field is a required ARRAY. use.optional.for.nonrequired=true makes \
             fields optional whose properties the JSON Schema does not list as required",
        ),
        (json!([]), "$: an array does not fit a schema of type STRUCT"),
    ] {
        let error = value_of(&codec, &schema, &json).expect_err("does not fit");
        assert_eq!((error.kind(), error.message()), (ErrorKind::DATA, expected));
    }
    let payload_of = |text: &str| Blob::copy_from(text.as_bytes());
    for (builder, number) in [(SchemaBuilder::float64(), "1e400"), (SchemaBuilder::float32(), "-1e39")] {
        let error = codec.read(&builder.build(), &payload_of(number)).expect_err("it would be infinite");
        assert!(error.message().starts_with("$: this number does not fit a schema of type FLOAT"), "{error}");
    }
    let bad = |value: Value| {
        let item = Value::structure(item.clone(), vec![value]);
        let error = payload(&codec, &schema, &Value::structure(schema.clone(), vec![Value::array(vec![item])]));
        error.expect_err("does not fit").message().to_owned()
    };
    assert_eq!(bad(Value::NULL), "$.items[0].price: null for a required INT8 that has no default value");
    let text = "$.items[0].price: java.lang.String does not fit the schema, which is of type INT8";
    assert_eq!(bad("x".into()), text);
    let other = SchemaBuilder::structure().build();
    let error = payload(&codec, &schema, &Value::structure(other, vec![])).expect_err("another schema");
    assert!(error.message().starts_with("$: the struct is of another schema"));
    for (bytes, part) in
        [(&b"{"[..], "The payload is no JSON: EOF"), (&[b'['; 5000], "recursion limit"), (b"\xff", "no JSON")]
    {
        let error = codec.read(&schema, &Blob::copy_from(bytes)).expect_err("no JSON");
        assert!(error.kind() == ErrorKind::DATA && error.message().contains(part), "{error}");
    }
    let decimal = SchemaBuilder::decimal(1).build();
    for (json, part) in
        [(json!(1.25), "does not fit a decimal with 1 digits"), (json!("?"), "not base 64"), (json!([]), "no text")]
    {
        assert!(value_of(&codec, &decimal, &json).expect_err("no decimal").message().contains(part));
    }
}

#[test]
fn null_is_the_default_unless_told_otherwise() {
    let schema = text().optional().default_value("d").build();
    let usual = codec([]);
    assert_eq!(payload(&usual, &schema, &Value::NULL).expect("written"), json!("d"));
    assert_eq!(value_of(&usual, &schema, &Json::Null).expect("read"), "d".into());
    let nulls = codec([("ignore.default.for.nullables", "true")]);
    assert_eq!(payload(&nulls, &schema, &Value::NULL).expect("written"), Json::Null);
    assert_eq!(value_of(&nulls, &schema, &Json::Null).expect("read"), Value::NULL);
}

#[test]
fn a_closed_object_says_so() {
    let codec = codec([("object.additional.properties", "false")]);
    let schema = SchemaBuilder::structure().build();
    let json = json!({"type": "object", "properties": {}, "additionalProperties": false});
    assert_eq!(described(&codec, &schema), json);
    assert_eq!(schema_of(&codec, &json).expect("a struct"), schema);
}

#[test]
fn another_version_is_used_only_where_it_can_read_the_record() {
    let codec = codec([]);
    let own = SchemaBuilder::structure().field("a", text().build()).build();
    let described = codec.describe(Some(&own)).expect("described");
    let with = |more: Json| document(&json!({"type": "object", "properties": {"a": {"type": "string"}, "b": more}}));
    let optional = with(json!({"oneOf": [{"type": "null"}, {"type": "integer"}]}));
    assert!(codec.writer(Some(&own), &described, &optional, true).is_ok());
    let required = with(json!({"type": "integer"}));
    let error = codec.writer(Some(&own), &described, &required, true).expect_err("cannot be read");
    assert!(error.message().starts_with("$.b: the registered schema requires this field"), "{error}");
    assert!(codec.writer(Some(&own), &described, &required, false).is_ok());
    assert!(codec.describe(None).expect_err("no schema").message().contains("Data without a schema"));
}

fn anything() -> BoxedStrategy<arbitrary::Pair> {
    arbitrary::leaf()
        .prop_recursive(4, 24, 4, |inner| {
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
    fn whatever_is_written_is_read_again((schema, value) in anything(), numeric in any::<bool>()) {
        let codec = codec([("decimal.format", if numeric { "NUMERIC" } else { "BASE64" })]);
        // Null at the top has no payload.
        prop_assume!(!value.is_null());
        let text = codec.describe(Some(&schema)).expect("described").text;
        let reader = codec.reader(&Arc::new(Document { text, imports: Vec::new() }), None).expect("a schema");
        prop_assert_eq!(&reader, &schema);
        let mut bytes = Vec::new();
        codec.write(&schema, &value, &mut bytes).expect("written");
        let back = codec.read(&reader, &Blob::from(bytes)).expect("read");
        prop_assert_eq!(back.value, value);
    }
}

/// What looks like a JSON Schema, and may be none.
fn any_schema() -> BoxedStrategy<Json> {
    const TYPES: [&str; 8] = ["null", "boolean", "integer", "number", "string", "array", "object", "odd"];
    let name = || proptest::sample::select(&TYPES[..]).prop_map(Json::from);
    const CONNECT: [&str; 6] = ["int8", "int32", "float32", "bytes", "map", "odd"];
    let logical = ["Decimal", "Date", "Time", "Timestamp"].map(|name| format!("org.apache.kafka.connect.data.{name}"));
    let plain = prop_oneof![
        (Just("type"), name()),
        (Just("type"), proptest::collection::vec(name(), 0..3).prop_map(Json::from)),
        (Just("connect.type"), proptest::sample::select(&CONNECT[..]).prop_map(Json::from)),
        (Just("connect.index"), any::<i8>().prop_map(Json::from)),
        (Just("connect.parameters"), Just(json!({"scale": "2"}))),
        (Just("title"), proptest::sample::select(logical.to_vec()).prop_map(Json::from)),
        (Just("$ref"), proptest::sample::select(&["#", "#/definitions/a", "a", "#b"][..]).prop_map(Json::from)),
        (Just("required"), Just(json!(["a"]))),
        (Just("enum"), proptest::collection::vec(arbitrary::json(), 0..3).prop_map(Json::from)),
        (Just("const"), arbitrary::json()),
        (Just("default"), arbitrary::json()),
    ];
    let node =
        |entries: Vec<(&'static str, Json)>| Json::Object(entries.into_iter().map(|(k, v)| (k.into(), v)).collect());
    let leaf = proptest::collection::vec(plain.clone(), 0..4).prop_map(node);
    leaf.prop_recursive(4, 32, 3, move |inner| {
        let list = || proptest::collection::vec(inner.clone(), 0..3).prop_map(Json::from);
        let named = || {
            proptest::collection::vec(("[a-c]", inner.clone()), 0..3).prop_map(|it| it.into_iter().collect::<Json>())
        };
        let deep = prop_oneof![
            (Just("items"), inner.clone()),
            (Just("additionalProperties"), inner.clone()),
            (Just("properties"), named()),
            (Just("definitions"), named()),
            (Just("oneOf"), list()),
            (Just("anyOf"), list()),
            (Just("allOf"), list()),
        ];
        proptest::collection::vec(prop_oneof![1 => plain.clone(), 2 => deep], 0..5).prop_map(node)
    })
    .boxed()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    /// No schema and no payload brings the converter down, and what it reads is of the schema that it gives.
    #[test]
    fn whatever_a_registry_and_a_topic_hold_is_read_or_refused(json in any_schema(), payload in arbitrary::json()) {
        let codec = codec([]);
        let read = schema_of(&codec, &json).and_then(|schema| {
            let value = value_of(&codec, &schema, &payload)?;
            Ok((schema, value))
        });
        match read {
            Ok((schema, value)) => {
                prop_assert_eq!(validate(&schema, &value), Ok(()));
                let schema_again = described(&codec, &schema);
                prop_assert!(schema_of(&codec, &schema_again).is_ok(), "{}", schema_again);
            }
            Err(error) => prop_assert_eq!(error.kind(), ErrorKind::DATA),
        }
    }
}
