//! Bytes of the JSON Schema and Protobuf converters against the serialisers of the PyPI package `confluent-kafka`, in
//! both directions and through one registry.
//!
//! Without Python or the package, which is fetched by pip where it is missing, the tests say so and check nothing.
#![allow(clippy::unwrap_used, reason = "tests")]

mod peer;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ferroconnect_plugin_sdk::abi::recursion::Recursion;
use ferroconnect_plugin_sdk::testkit::{self, ConverterHarness};
use ferroconnect_plugin_sdk::{Blob, Config, Data, MapEntry, Schema, SchemaBuilder, Shared, Value, ValueRef};
use ferroconnect_test_registry::Registry;
use peer::{Python, bytes, hex};
use serde_json::{Value as Json, json};

fn converter(registry: &Registry, class: &str) -> ConverterHarness {
    let library = testkit::library!(ferroconnect_schema_registry);
    let mut config = Config::from([("optional.for.nullables", "true")]);
    config.set("schema.registry.url", registry.url());
    ConverterHarness::new(&library, class, config).unwrap()
}

fn line() -> Shared<Schema> {
    SchemaBuilder::structure().name("Line").field("price", SchemaBuilder::float64().build()).build()
}

fn order() -> Data {
    let schema = SchemaBuilder::structure()
        .name("shop.Order")
        .field("id", SchemaBuilder::int64().build())
        .field("note", SchemaBuilder::string().optional().build())
        .field("none", SchemaBuilder::string().optional().build())
        .field("lines", SchemaBuilder::array(line()).build())
        .field("raw", SchemaBuilder::bytes().build())
        .field("amounts", SchemaBuilder::map(SchemaBuilder::string().build(), SchemaBuilder::int32().build()).build())
        .field("at", SchemaBuilder::timestamp().build())
        .field("price", SchemaBuilder::decimal(2).build())
        .field("day", SchemaBuilder::date().build())
        .field("time", SchemaBuilder::time().build())
        .field("small", SchemaBuilder::int8().build())
        .build();
    let lines = Value::array(vec![Value::structure(line(), vec![1.5f64.into()])]);
    let amounts = Value::map(vec![MapEntry { key: "a".into(), value: 7i32.into() }]);
    let fields = vec![
        5i64.into(),
        "é".into(),
        Value::NULL,
        lines,
        vec![0u8, 255].into(),
        amounts,
        Value::timestamp(1500),
        Value::decimal(vec![0x30, 0x39], 2),
        Value::date(1),
        Value::time(3_723_004),
        Value::int8(-1),
    ];
    Data::new(schema.clone(), Value::structure(schema, fields))
}

/// Trees in a struct: each with its branches in a list and one more by itself.
fn forest() -> Data {
    let mut recursion = Recursion::default();
    let (required, optional) = (recursion.placeholder(), recursion.placeholder());
    let tree = SchemaBuilder::structure()
        .name("shop.Tree")
        .field("label", SchemaBuilder::string().build())
        .field("more", SchemaBuilder::array(required.clone()).build())
        .field("last", optional.clone())
        .build();
    recursion.define(&optional, Shared::new(Schema { optional: true, ..Schema::clone(&tree) }));
    recursion.define(&required, tree);
    let forest = SchemaBuilder::structure().name("shop.Forest").field("first", required.clone()).build();
    let schema = recursion.close(vec![forest]).unwrap().remove(0);
    let tree = &schema.fields[0].schema;
    let optional = &tree.fields[2].schema;
    let node = |schema: &Shared<Schema>, label: &str, more: Vec<Value>, last: Value| {
        Value::structure(schema.clone(), vec![label.into(), Value::array(more), last])
    };
    let leaf = |label: &str| node(tree, label, vec![], Value::NULL);
    let last = node(optional, "d", vec![leaf("e")], Value::NULL);
    let first = node(tree, "a", vec![leaf("b"), node(tree, "c", vec![], last)], Value::NULL);
    Data::new(schema.clone(), Value::structure(schema, vec![first]))
}

/// The value of a field.
fn field<'a>(value: &'a Value, name: &str) -> &'a Value {
    match value.view() {
        ValueRef::Struct(content) => content.get(name).unwrap(),
        other => panic!("{other:?} is no struct"),
    }
}

/// Data goes to the package, which shows it as this JSON, and comes back from there: gives the schema.
fn exchange_json(
    own: &mut ConverterHarness,
    python: &mut Python,
    registry: &Registry,
    data: Data,
    expected: &Json,
) -> String {
    let written = own.to_bytes("ours", data).unwrap().unwrap();
    let read = python.ask(&json!({"do": "read json", "topic": "ours", "hex": hex(&written)}));
    assert_eq!(read, *expected);
    // The serialiser validates the value by our own schema, and registers the very same.
    let schema = registry.schemas("ours-value").remove(0);
    let command = json!({"do": "write json", "topic": "ours", "schema": schema, "value": expected});
    let theirs = bytes(&python.ask(&command));
    assert_eq!(theirs[..5], written[..5]);
    let (theirs, ours) =
        (own.from_bytes("ours", Some(&theirs)).unwrap(), own.from_bytes("ours", Some(&written)).unwrap());
    assert_eq!(theirs.value, ours.value);
    schema
}

#[test]
fn json_goes_both_ways() {
    let registry = Registry::start();
    let Some(mut python) = Python::start("json_protobuf.py", &registry) else { return };
    let mut own = converter(&registry, "io.confluent.connect.json.JsonSchemaConverter");
    let expected = json!({"id": 5, "note": "é", "none": null, "lines": [{"price": 1.5}], "raw": "AP8=",
                          "amounts": {"a": 7}, "at": 1500, "price": "MDk=", "day": 1, "time": 3_723_004, "small": -1});
    exchange_json(&mut own, &mut python, &registry, order(), &expected);
    // A schema of somebody else.
    let schema = r##"{"title": "T", "type": "object", "required": ["n"], "properties": {"n": {"type": "integer"},
        "l": {"type": "array", "items": {"$ref": "#/definitions/u"}}}, "definitions": {"u": {"type": ["string", "null"]}}}"##;
    let value = json!({"n": 1, "l": ["x", null]});
    let theirs = bytes(&python.ask(&json!({"do": "write json", "topic": "t", "schema": schema, "value": value})));
    let read = own.from_bytes("t", Some(&theirs)).unwrap().value;
    assert_eq!(*field(&read, "l"), Value::array(vec!["x".into(), Value::NULL]));
    assert_eq!(*field(&read, "n"), Value::int64(1));
}

#[test]
fn json_of_schemas_that_contain_themselves_goes_both_ways() {
    let registry = Registry::start();
    let Some(mut python) = Python::start("json_protobuf.py", &registry) else { return };
    let mut own = converter(&registry, "io.confluent.connect.json.JsonSchemaConverter");
    let node = |label: &str, more: Json, last: Json| json!({"label": label, "more": more, "last": last});
    let leaf = |label: &str| node(label, json!([]), Json::Null);
    let last = node("d", json!([leaf("e")]), Json::Null);
    let expected = json!({"first": node("a", json!([leaf("b"), node("c", json!([]), last)]), Json::Null)});
    let schema = exchange_json(&mut own, &mut python, &registry, forest(), &expected);
    assert!(schema.contains("#/definitions/"), "{schema}");
    // A schema of somebody else, whose reference leads to the whole.
    let schema = r##"{"title": "T", "type": "object", "properties": {"n": {"type": "integer"},
        "l": {"type": "array", "default": [], "items": {"$ref": "#"}}}}"##;
    let value = json!({"n": 1, "l": [{"n": 2, "l": [{"n": 3}]}]});
    let theirs = bytes(&python.ask(&json!({"do": "write json", "topic": "t", "schema": schema, "value": value})));
    let read = own.from_bytes("t", Some(&theirs)).unwrap().value;
    let item = |value: &Value| match field(value, "l").view() {
        ValueRef::Array(items) => items[0].clone(),
        other => panic!("{other:?} is no array"),
    };
    assert_eq!(*field(&item(&item(&read)), "n"), Value::int64(3));
}

/// As much of the files that every registry knows as compiling takes. The script has them from Confluent and Google.
const KNOWN: [(&str, &str); 19] = [
    (
        "confluent/meta.proto",
        r#"package confluent; import "google/protobuf/descriptor.proto"; message Meta { map<string, string> params = 2; }
           extend google.protobuf.FieldOptions { Meta field_meta = 1088; }"#,
    ),
    ("confluent/type/decimal.proto", "package confluent.type; message Decimal {}"),
    ("confluent/type/variant.proto", "package confluent.type; message Variant {}"),
    ("google/type/calendar_period.proto", "package google.type; enum CalendarPeriod { A = 0; }"),
    ("google/type/color.proto", r#"package google.type; import "google/protobuf/wrappers.proto"; message Color {}"#),
    ("google/type/date.proto", "package google.type; message Date {}"),
    (
        "google/type/datetime.proto",
        r#"package google.type; import "google/protobuf/duration.proto"; message DateTime {}"#,
    ),
    ("google/type/dayofweek.proto", "package google.type; enum DayOfWeek { B = 0; }"),
    ("google/type/decimal.proto", "package google.type; message Decimal {}"),
    ("google/type/expr.proto", "package google.type; message Expr {}"),
    ("google/type/fraction.proto", "package google.type; message Fraction {}"),
    (
        "google/type/interval.proto",
        r#"package google.type; import "google/protobuf/timestamp.proto"; message Interval {}"#,
    ),
    ("google/type/latlng.proto", "package google.type; message LatLng {}"),
    ("google/type/money.proto", "package google.type; message Money {}"),
    ("google/type/month.proto", "package google.type; enum Month { C = 0; }"),
    ("google/type/phone_number.proto", "package google.type; message PhoneNumber {}"),
    ("google/type/postal_address.proto", "package google.type; message PostalAddress {}"),
    ("google/type/quaternion.proto", "package google.type; message Quaternion {}"),
    ("google/type/timeofday.proto", "package google.type; message TimeOfDay {}"),
];

/// A schema and all that it imports, compiled.
fn compiled(text: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("schema.proto"), text).unwrap();
    for (name, text) in KNOWN {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, format!("syntax = \"proto3\"; {text}")).unwrap();
    }
    let mut compiler = protox::Compiler::new([folder.path()]).unwrap();
    compiler.include_imports(true).open_file("schema.proto").unwrap();
    STANDARD.encode(compiler.encode_file_descriptor_set())
}

/// Data goes to the package, which shows it as this JSON, and comes back from there: gives the bytes, and what is read of
/// them.
fn exchange_protobuf(
    own: &mut ConverterHarness,
    python: &mut Python,
    registry: &Registry,
    data: Data,
    message: &str,
    expected: &Json,
) -> (Blob, Data) {
    let written = own.to_bytes("ours", data).unwrap().unwrap();
    let files = compiled(&registry.schemas("ours-value")[0]);
    let command =
        json!({"do": "read protobuf", "topic": "ours", "files": files, "message": message, "hex": hex(&written)});
    assert_eq!(python.ask(&command), *expected);
    // The same schema again, written by the package, which registers it in its compiled form.
    let command =
        json!({"do": "write protobuf", "topic": "theirs", "files": files, "message": message, "value": expected});
    let theirs = bytes(&python.ask(&command));
    assert_eq!(theirs[5..], written[5..]);
    let (theirs, ours) =
        (own.from_bytes("theirs", Some(&theirs)).unwrap(), own.from_bytes("ours", Some(&written)).unwrap());
    assert_eq!(theirs.value, ours.value);
    (written, ours)
}

#[test]
fn protobuf_goes_both_ways() {
    let registry = Registry::start();
    let Some(mut python) = Python::start("json_protobuf.py", &registry) else { return };
    let mut own = converter(&registry, "io.confluent.connect.protobuf.ProtobufConverter");
    let expected = json!({"id": "5", "note": "é", "lines": [{"price": 1.5}], "raw": "AP8=",
                          "amounts": [{"key": "a", "value": 7}], "at": "1970-01-01T00:00:01.500Z",
                          "price": {"value": "MDk=", "precision": 5, "scale": 2},
                          "day": {"year": 1970, "month": 1, "day": 2},
                          "time": {"hours": 1, "minutes": 2, "seconds": 3, "nanos": 4_000_000}, "small": -1});
    let (_, ours) = exchange_protobuf(&mut own, &mut python, &registry, order(), "shop.Order", &expected);
    assert_eq!(*field(&ours.value, "none"), Value::NULL);
    // A message that stands within another one, behind the hidden entries of a map: these count in compiled schemas.
    let text = r#"syntax = "proto3"; package p; message A { map<string, bool> x = 1; message B { map<string, sint32> m = 3; oneof c { bool d = 1; } } }"#;
    let command = json!({"do": "write protobuf", "topic": "t", "files": compiled(text), "message": "p.A.B",
                         "value": {"m": {"k": -1}, "d": true}});
    let theirs = bytes(&python.ask(&command));
    let read = own.from_bytes("t", Some(&theirs)).unwrap();
    let entry = MapEntry { key: "k".into(), value: Value::int32(-1) };
    assert_eq!(*field(&read.value, "m"), Value::map(vec![entry]));
    assert_eq!(*field(field(&read.value, "c_0"), "d"), Value::boolean(true));
    // The same with the schema in a header: the path of the message moves there, too. What reads such a record is tested
    // in the crate, with these bytes.
    let command = json!({"do": "write protobuf with header", "topic": "t", "files": compiled(text), "message": "p.A.B",
                         "value": {"m": {"k": -1}, "d": true}});
    let answer = python.ask(&command);
    assert_eq!(answer["name"], "__value_schema_id");
    let id = i32::from_be_bytes(theirs[1..5].try_into().unwrap());
    let path = &theirs[5..8];
    assert_eq!(path, [4, 0, 2]);
    assert_eq!(bytes(&answer["header"]), [&[1], &registry.guid(id)[..], path].concat());
    assert_eq!(bytes(&answer["payload"]), theirs[8..]);
}

#[test]
fn messages_that_contain_themselves_go_both_ways() {
    let registry = Registry::start();
    let Some(mut python) = Python::start("json_protobuf.py", &registry) else { return };
    let mut own = converter(&registry, "io.confluent.connect.protobuf.ProtobufConverter");
    let last = json!({"label": "d", "more": [{"label": "e"}]});
    let expected = json!({"first": {"label": "a", "more": [{"label": "b"}, {"label": "c", "last": last}]}});
    let (written, ours) = exchange_protobuf(&mut own, &mut python, &registry, forest(), "shop.Forest", &expected);
    // What was read is written again as the same messages.
    let again = own.to_bytes("again", ours).unwrap().unwrap();
    assert_eq!(again[5..], written[5..]);
    // JSON of any form, in the messages that Google has for it.
    let text =
        r#"syntax = "proto3"; import "google/protobuf/struct.proto"; message Any { google.protobuf.Struct it = 1; }"#;
    let value = json!({"it": {"a": [null, 1.5, "x", true, {"b": [[]]}]}});
    let command =
        json!({"do": "write protobuf", "topic": "any", "files": compiled(text), "message": "Any", "value": value});
    let theirs = bytes(&python.ask(&command));
    let read = own.from_bytes("any", Some(&theirs)).unwrap();
    assert_eq!(plain_json(field(&read.value, "it")), value["it"]);
    let again = own.to_bytes("any-again", read).unwrap().unwrap();
    assert_eq!(again[5..], theirs[5..]);
}

/// The JSON that a `google.protobuf.Struct`, `Value` or `ListValue` stands for.
fn plain_json(value: &Value) -> Json {
    let content = match value.view() {
        ValueRef::Struct(content) => content,
        other => panic!("{other:?} is no struct"),
    };
    match (content.schema.name_str().unwrap(), content.fields[0].view()) {
        ("Struct", ValueRef::Map(entries)) => {
            entries.iter().map(|entry| (entry.key.as_text().unwrap().to_string(), plain_json(&entry.value))).collect()
        }
        ("ListValue", ValueRef::Array(values)) => values.iter().map(plain_json).collect(),
        ("Value", ValueRef::Struct(kind)) => match kind.fields.iter().find(|value| !value.is_null()).unwrap().view() {
            ValueRef::String(symbol) if symbol.as_str() == "NULL_VALUE" => Json::Null,
            ValueRef::String(text) => text.as_str().into(),
            ValueRef::Float64(number) => number.into(),
            ValueRef::Boolean(flag) => flag.into(),
            _ => plain_json(kind.fields.iter().find(|value| !value.is_null()).unwrap()),
        },
        other => panic!("{other:?} is none of the three"),
    }
}

/// Whether a value read from Protobuf is what the package shows as this JSON.
fn is_same(value: &Value, json: &Json) -> bool {
    match (value.view(), json) {
        (ValueRef::Struct(content), Json::Object(fields)) => {
            let same = |(name, json): (&String, &Json)| content.get(name).is_some_and(|value| is_same(value, json));
            fields.iter().all(same)
        }
        // A wrapper is shown as what is in it.
        (ValueRef::Struct(content), json) => content.get("value").is_some_and(|value| is_same(value, json)),
        (ValueRef::Array(values), Json::Array(all)) => {
            values.len() == all.len() && values.iter().zip(all).all(|(value, json)| is_same(value, json))
        }
        (ValueRef::String(text), json) => json == text.as_str(),
        (ValueRef::Bytes(bytes), json) => *json == STANDARD.encode(bytes),
        (ValueRef::Int32(number), json) => *json == number,
        // 64 bits are shown as text.
        (ValueRef::Int64(number), json) => json.as_str().is_some_and(|text| text.parse() == Ok(number)),
        (ValueRef::Float32(number), json) => json.as_f64() == Some(number.into()),
        (ValueRef::Float64(number), json) => json.as_f64() == Some(number),
        // The only point in time there is here.
        (_, json) => *value == Value::timestamp(1500) && json == "1970-01-01T00:00:01.500Z",
    }
}

#[test]
fn the_files_that_registries_know_are_those_of_confluent_and_google() {
    let registry = Registry::start();
    let Some(mut python) = Python::start("json_protobuf.py", &registry) else { return };
    let imports: String = KNOWN[2..].iter().map(|(name, _)| format!("import \"{name}\";\n")).collect();
    let text = format!(
        r#"syntax = "proto3"; {imports}
        message All {{
            google.type.CalendarPeriod period = 1; google.type.Color color = 2; google.type.DateTime at = 3;
            google.type.DayOfWeek day = 4; google.type.Decimal decimal = 5; google.type.Expr expr = 6;
            google.type.Fraction fraction = 7; google.type.Interval interval = 8; google.type.LatLng place = 9;
            google.type.Money money = 10; google.type.Month month = 11; google.type.PhoneNumber phone = 12;
            google.type.PhoneNumber short = 13; google.type.PostalAddress address = 14; google.type.Quaternion turn = 15;
            confluent.type.Variant variant = 16;
        }}"#
    );
    let value = json!({
        "period": "FORTNIGHT", "color": {"red": 0.5, "green": 0.25, "blue": 1.0, "alpha": 0.75},
        "at": {"year": 1, "month": 2, "day": 3, "hours": 4, "minutes": 5, "seconds": 6, "nanos": 7,
               "time_zone": {"id": "UTC", "version": "1"}},
        "day": "SATURDAY", "decimal": {"value": "1.5"},
        "expr": {"expression": "e", "title": "t", "description": "d", "location": "l"},
        "fraction": {"numerator": "1", "denominator": "2"},
        "interval": {"start_time": "1970-01-01T00:00:01.500Z", "end_time": "1970-01-01T00:00:01.500Z"},
        "place": {"latitude": 1.25, "longitude": 2.25},
        "money": {"currency_code": "CHF", "units": "3", "nanos": 4}, "month": "NOVEMBER",
        "phone": {"e164_number": "+1", "extension": "5"}, "short": {"short_code": {"region_code": "CH", "number": "7"}},
        "address": {"revision": 1, "region_code": "CH", "language_code": "de", "postal_code": "8000", "sorting_code": "s",
                    "administrative_area": "a", "locality": "l", "sublocality": "u", "address_lines": ["x", "y"],
                    "recipients": ["r"], "organization": "o"},
        "turn": {"x": 1.0, "y": 2.0, "z": 3.0, "w": 4.0}, "variant": {"metadata": "AP8=", "value": "AQ=="},
    });
    let command = json!({"do": "write protobuf", "topic": "t", "files": compiled(&text), "message": "All",
                         "value": value});
    let mut payload = bytes(&python.ask(&command));
    // By the text alone, so that the imports are not those which the package registered.
    let id = registry.register("own-value", "PROTOBUF", &text, &[]);
    payload[1..5].copy_from_slice(&id.to_be_bytes());
    let library = testkit::library!(ferroconnect_schema_registry);
    let mut config = Config::from([("flatten.unions", "true")]);
    config.set("schema.registry.url", registry.url());
    let class = "io.confluent.connect.protobuf.ProtobufConverter";
    let read = ConverterHarness::new(&library, class, config).unwrap().from_bytes("own", Some(&payload)).unwrap();
    for (name, json) in value.as_object().unwrap() {
        assert!(is_same(field(&read.value, name), json), "{name}: {:?} is not {json}", field(&read.value, name));
    }
}
