use super::*;
use ferroconnect_plugin_abi::builder::SchemaBuilder;
use ferroconnect_plugin_abi::recursion::Recursion;
use ferroconnect_plugin_abi::value::MapEntry;
use ferroconnect_plugin_abi::{Schema, Shared, Value, ValueRef};

fn converter(config: &[(&str, &str)]) -> JsonConverter {
    let mut props = Props::from([("converter.type", "value")]);
    for (key, value) in config {
        props.set(*key, *value);
    }
    JsonConverter::configured(&props).expect("a good configuration")
}

fn written(config: &[(&str, &str)], data: &Data) -> String {
    let bytes = converter(config).write(data).expect("can be written").expect("is not null");
    String::from_utf8(bytes.to_vec()).expect("JSON is text")
}

fn read(config: &[(&str, &str)], text: &str) -> Data {
    converter(config).read(Some(&Blob::copy_from(text.as_bytes()))).expect(text)
}

/// Whether the fast way reads it, without falling back.
fn reads_fast(text: &str, schemas: bool) -> bool {
    let settings = Settings { schemas, format: Format::default() };
    let mut cache = read_schema::SchemaCache::new(10);
    fast::message(&Blob::copy_from(text.as_bytes()), settings, None, &mut cache).is_ok()
}

const PLAIN: &[(&str, &str)] = &[("schemas.enable", "false")];

#[test]
fn a_line_of_text_has_its_envelope() {
    let schema = SchemaBuilder::string().build();
    let text = "{\"schema\":{\"type\":\"string\",\"optional\":false},\"payload\":\"aaa\"}";
    assert_eq!(written(&[], &Data::new(schema.clone(), "aaa")), text);
    assert_eq!(read(&[], text), Data::new(schema, "aaa"));
    assert!(reads_fast(text, true));
}

#[test]
fn structs_round_trip_with_all_kinds_of_fields() {
    let schema = SchemaBuilder::structure()
        .name("order")
        .version(2)
        .doc("an order")
        .parameter("a", "b")
        .field("id", SchemaBuilder::int64().build())
        .field("price", SchemaBuilder::decimal(2).optional().build())
        .field("day", SchemaBuilder::date().build())
        .field("tags", SchemaBuilder::array(SchemaBuilder::string().build()).build())
        .field("counts", SchemaBuilder::map(SchemaBuilder::int32().build(), SchemaBuilder::boolean().build()).build())
        .field("named", SchemaBuilder::map(SchemaBuilder::string().build(), SchemaBuilder::float64().build()).build())
        .field("raw", SchemaBuilder::bytes().build())
        .field("size", SchemaBuilder::int32().default_value(7i32).build())
        .build();
    let entry = |key: Value, value: Value| MapEntry { key, value };
    let value = Value::structure(
        schema.clone(),
        vec![
            Value::int64(i64::MIN),
            Value::decimal(vec![4, 0xd2], 2),
            Value::date(18_000),
            Value::array(vec![Value::string("a\"\n"), Value::string("😀é")]),
            Value::map(vec![entry(Value::int32(1), Value::boolean(true))]),
            Value::map(vec![entry(Value::string("x"), Value::float64(1e21))]),
            Value::bytes(vec![1, 2]),
            Value::int32(8),
        ],
    );
    let data = Data::new(schema, value);
    let text = written(&[], &data);
    assert!(
        text.ends_with(
            "\"payload\":{\"id\":-9223372036854775808,\"price\":\"BNI=\",\"day\":18000,\
             \"tags\":[\"a\\\"\\n\",\"\\uD83D\\uDE00é\"],\"counts\":[[1,true]],\"named\":{\"x\":1.0E21},\
             \"raw\":\"AQI=\",\"size\":8}}"
        ),
        "{text}"
    );
    assert_eq!(read(&[], &text), data);
    assert!(reads_fast(&text, true));
    let settings = converter(&[]).settings;
    assert_eq!(slow::message(text.as_bytes(), settings, None).expect("the slow way too"), data);
}

#[test]
fn plain_json_needs_no_schema() {
    let data = read(PLAIN, "{\"a\":[1,2.5,null,\"x\",true],\"b\":{}}");
    assert!(data.schema.is_none());
    assert_eq!(written(PLAIN, &data), "{\"a\":[1,2.5,null,\"x\",true],\"b\":{}}");
    assert!(reads_fast("{\"a\":[1,2.5,null,\"x\",true],\"b\":{}}", false));
    assert_eq!(read(PLAIN, " ").value, Value::NULL);
    assert_eq!(read(PLAIN, "12345678901234567890").value, Value::int64(-6_101_065_172_474_983_726));
    assert_eq!(read(PLAIN, "{\"a\":1,\"a\":2}").value, read(PLAIN, "{\"a\":2}").value);
}

#[test]
fn text_without_escapes_is_shared() {
    let bytes = Blob::copy_from(b"[\"abc\"]");
    let data = converter(PLAIN).read(Some(&bytes)).expect("JSON");
    let ValueRef::Array(values) = data.value.view() else { panic!("{data:?}") };
    assert_eq!(values[0].as_text().expect("text").as_ptr(), bytes[2..].as_ptr());
}

#[test]
fn envelopes_may_be_in_any_order_and_missing_fields_take_defaults() {
    let text = "{ \"payload\" : {\"a\":1} , \"schema\":{\"type\":\"struct\",\"fields\":[\
                {\"type\":\"int8\",\"field\":\"a\"},{\"type\":\"string\",\"default\":\"d\",\"field\":\"b\"}]}} junk";
    let data = read(&[], text);
    let ValueRef::Struct(content) = data.value.view() else { panic!("{data:?}") };
    assert_eq!(content.get("a"), Some(&Value::int8(1)));
    assert_eq!(content.get("b"), Some(&Value::string("d")));
    assert!(reads_fast(text, true));
}

#[test]
fn a_schema_that_contains_itself_has_no_envelope() {
    let mut recursion = Recursion::default();
    let inner = recursion.placeholder();
    let tree = SchemaBuilder::structure()
        .name("Tree")
        .field("left", inner.clone())
        .field("trees", SchemaBuilder::map(SchemaBuilder::string().build(), inner.clone()).optional().build())
        .optional()
        .build();
    recursion.define(&inner, tree.clone());
    let tree = recursion.close(vec![tree]).expect("it is whole").remove(0);
    let node = |left, trees| Value::structure(tree.clone(), vec![left, trees]);
    let leaf = node(Value::NULL, Value::NULL);
    let entry = |value| Value::map(vec![MapEntry { key: "a".into(), value }]);
    let data = Data::new(tree.clone(), node(leaf.clone(), entry(node(Value::NULL, entry(leaf)))));
    let error = converter(&[]).write(&data).expect_err("no end");
    assert!(error.to_string().starts_with("The schema Tree contains itself"), "{error}");
    let text = written(PLAIN, &data);
    let leaf = r#"{"left":null,"trees":null}"#;
    assert_eq!(text, format!(r#"{{"left":{leaf},"trees":{{"a":{{"left":null,"trees":{{"a":{leaf}}}}}}}}}"#));
    // Values end where Kafka Connect's data does.
    let deep = (0..1100).fold(Value::NULL, |inner, _| Value::structure(tree.clone(), vec![inner, Value::NULL]));
    let error = converter(PLAIN).write(&Data::new(tree, deep)).expect_err("too deep");
    assert!(format!("{error:?}").contains("more than 1000 levels"), "{error:?}");
}

#[test]
fn a_schema_that_repeats_itself_too_often_has_no_envelope() {
    // Thirty structs, but two to the power of thirty places.
    let double = |inner: Shared<Schema>, _| {
        SchemaBuilder::structure().name("S").field("a", inner.clone()).field("b", inner).optional().build()
    };
    let schema = (0..30).fold(SchemaBuilder::structure().optional().build(), double);
    let data = Data::new(schema.clone(), Value::structure(schema, vec![Value::NULL; 2]));
    let error = converter(&[]).write(&data).expect_err("too long");
    assert!(error.to_string().starts_with("The schema S is longer than 16777216 bytes as JSON"), "{error}");
    assert_eq!(written(PLAIN, &data), r#"{"a":null,"b":null}"#);
}

#[test]
fn nulls_follow_the_schema() {
    let optional = Data { schema: SchemaBuilder::int8().optional().build().into(), value: Value::NULL };
    assert_eq!(written(&[], &optional), "{\"schema\":{\"type\":\"int8\",\"optional\":true},\"payload\":null}");
    assert_eq!(written(PLAIN, &optional), "null");
    let required = Data { schema: SchemaBuilder::int8().build().into(), value: Value::NULL };
    let error = converter(&[]).write(&required).expect_err("null is not allowed");
    assert_eq!(error.message(), "Conversion error: null value for field that is required and has no default value");
    assert_eq!(converter(&[]).write(&Data::NULL).expect("a tombstone"), None);
    assert_eq!(converter(&[]).read(None).expect("a tombstone"), Data::NULL);
}

#[test]
fn many_schemas_stay_within_the_cache() {
    let mut converter = converter(&[("schemas.cache.size", "2")]);
    for round in 0..3 {
        for index in 0..5 {
            let schema = SchemaBuilder::string().name(format!("s{index}")).build();
            let bytes = converter.write(&Data::new(schema, "x")).expect("can be written").expect("not null");
            let text = std::str::from_utf8(&bytes).expect("text");
            assert!(text.contains(&format!("\"name\":\"s{index}\"")), "{round}: {text}");
            let data = converter.read(Some(&bytes)).expect("can be read");
            assert_eq!(data.schema.as_deref().and_then(Schema::name_str), Some(format!("s{index}").as_str()));
        }
    }
}

#[test]
fn errors_are_kafka_connects() {
    let mut plain = converter(PLAIN);
    let error = plain.read(Some(&Blob::copy_from(b"not json"))).expect_err("no JSON");
    assert_eq!(error.message(), "Converting byte[] to Kafka Connect data failed due to serialization error: ");
    let error = converter(&[]).read(Some(&Blob::copy_from(b"{\"a\":1}"))).expect_err("no envelope");
    assert!(error.message().starts_with("JsonConverter with schemas.enable requires"), "{error}");
}

#[test]
fn fields_may_come_in_any_order_with_others_between() {
    let schema = "{\"type\":\"struct\",\"fields\":[{\"type\":\"int8\",\"field\":\"a\"},\
                  {\"type\":\"int8\",\"optional\":true,\"field\":\"b\"},{\"type\":\"int8\",\"field\":\"c\"}]}";
    let text = |payload: &str| format!("{{\"schema\":{schema},\"payload\":{payload}}}");
    let expected = read(&[], &text("{\"a\":1,\"c\":3}"));
    for payload in ["{\"c\":3,\"a\":1}", "{\"a\":1,\"x\":[{}],\"c\":3}", "{\"a\":1,\"c\":3,\"y\":\"\"}"] {
        assert_eq!(read(&[], &text(payload)), expected, "{payload}");
        assert!(reads_fast(&text(payload), true), "{payload}");
    }
    assert_eq!(read(&[], &text("{\"a\":9,\"c\":3,\"a\":1}")), expected);
}

#[test]
fn the_deepest_data_fits_on_a_threads_stack() {
    let text = format!("{}{}", "[".repeat(1000), "]".repeat(1000));
    let object = format!("{}1{}", "{\"a\":".repeat(1000), "}".repeat(1000));
    for text in [text, object] {
        let data = read(PLAIN, &text);
        assert_eq!(written(PLAIN, &data), text);
        let deeper = Data::schemaless(Value::array(vec![data.value]));
        assert!(converter(PLAIN).write(&deeper).is_err());
        assert!(converter(PLAIN).read(Some(&Blob::from(format!("[{text}]").into_bytes()))).is_err());
    }
}

/// A small generator of numbers, the same in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
        (self.0 >> 33) as usize % sides
    }

    fn pick<'a>(&mut self, texts: &[&'a str]) -> &'a str {
        texts[self.roll(texts.len())]
    }

    /// Some JSON, now and then slightly broken.
    fn json(&mut self, depth: usize) -> String {
        let blank = self.pick(&["", "", "", " ", "\n\t"]);
        let count = self.roll(4);
        let text = match self.roll(if depth > 3 { 4 } else { 6 }) {
            0 => self.pick(&["null", "true", "false", "nul", "truex", "NaN", ""]).to_owned(),
            1 => {
                let numbers = [
                    "0",
                    "-0",
                    "7",
                    "007",
                    "-12",
                    "300",
                    "1.5",
                    "-0.0",
                    "1e3",
                    "1E400",
                    "2.",
                    "12345678901234567890",
                    "1e-9",
                    "86400001",
                ];
                self.pick(&numbers).to_owned()
            }
            2 | 3 => {
                let texts = [
                    "a",
                    "é",
                    "",
                    "\\u0041",
                    "\\ud83d\\ude00",
                    "\\ud800",
                    "AQI=",
                    "AQ",
                    "\\x",
                    "x\\\"y",
                    "NaN",
                    "\u{1}",
                ];
                format!("\"{}\"", self.pick(&texts))
            }
            4 => {
                let items: Vec<String> = (0..count).map(|_| self.json(depth + 1)).collect();
                format!("[{}]", items.join(self.pick(&[",", ",", ", ", ",,"])))
            }
            _ => {
                let names = ["a", "b", "c", "d", "\\u0061", "schema", "payload"];
                let items: Vec<String> =
                    (0..count).map(|_| format!("\"{}\":{}", self.pick(&names), self.json(depth + 1))).collect();
                format!("{{{}}}", items.join(","))
            }
        };
        format!("{blank}{text}{blank}")
    }
}

#[test]
fn both_ways_of_reading_agree() {
    let schemas = [
        "null",
        "{\"type\":\"string\"}",
        "{\"type\":\"int8\",\"optional\":true}",
        "{\"type\":\"double\",\"default\":1.5}",
        "{\"type\":\"bytes\"}",
        "{\"type\":\"array\",\"items\":{\"type\":\"int64\"}}",
        "{\"type\":\"map\",\"keys\":{\"type\":\"string\"},\"values\":{\"type\":\"float\",\"optional\":true}}",
        "{\"type\":\"map\",\"keys\":{\"type\":\"int32\"},\"values\":{\"type\":\"boolean\"}}",
        "{\"type\":\"int32\",\"name\":\"org.apache.kafka.connect.data.Time\"}",
        "{\"type\":\"bytes\",\"name\":\"org.apache.kafka.connect.data.Decimal\",\"parameters\":{\"scale\":\"2\"}}",
        "{\"type\":\"struct\",\"fields\":[{\"type\":\"string\",\"optional\":true,\"field\":\"a\"},\
         {\"type\":\"int32\",\"default\":3,\"field\":\"b\"},{\"type\":\"boolean\",\"optional\":true,\"field\":\"c\"}]}",
    ];
    let mut dice = Dice(42);
    let mut fast_reads = 0;
    for round in 0..40_000 {
        let schemas_enabled = round % 2 == 0;
        let text = if schemas_enabled {
            format!("{{\"schema\":{},\"payload\":{}}}", dice.pick(&schemas), dice.json(0))
        } else {
            dice.json(0)
        };
        let settings = Settings {
            schemas: schemas_enabled,
            format: Format { replace_null_with_default: round % 3 != 0, ..Format::default() },
        };
        let mut cache = read_schema::SchemaCache::new(100);
        let bytes = Blob::copy_from(text.as_bytes());
        if let Ok(fast) = fast::message(&bytes, settings, None, &mut cache) {
            fast_reads += 1;
            let slow = slow::message(text.as_bytes(), settings, None).unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(fast, slow, "{text}");
        }
    }
    assert!(fast_reads > 10_000, "only {fast_reads} went the fast way");
}

#[test]
fn schemas_in_turns_are_told_apart() {
    let sizes = [1usize, 2, 3, 6, 40];
    let schemas: Vec<_> = (0..40)
        .map(|index| SchemaBuilder::structure().field(format!("f{index}"), SchemaBuilder::int32().build()).build())
        .collect();
    for (size, cache) in sizes.into_iter().flat_map(|size| ["0", "1", "3", "1000"].map(|cache| (size, cache))) {
        let mut converter = converter(&[("schemas.cache.size", cache)]);
        for turn in 0..3 {
            for (index, schema) in schemas[..size].iter().enumerate() {
                // In the last turn the schema is another object that is equal.
                let schema = if turn == 2 {
                    ferroconnect_plugin_abi::Shared::new(Schema::clone(schema))
                } else {
                    schema.clone()
                };
                let data = Data::new(schema.clone(), Value::structure(schema, vec![Value::int32(turn)]));
                let bytes = converter.write(&data).expect("can be written").expect("is not null");
                let text = String::from_utf8(bytes.to_vec()).expect("JSON is text");
                assert!(text.ends_with(&format!("\"payload\":{{\"f{index}\":{turn}}}}}")), "{text}");
                assert_eq!(converter.read(Some(&bytes)).expect("can be read"), data, "{text}");
            }
        }
    }
}

#[test]
fn blanks_between_tokens_stay_on_the_fast_way() {
    let text = "{ \"schema\" : {\"type\":\"struct\",\"fields\":[{\"type\":\"int8\",\"field\":\"a\"},\
                {\"type\":\"string\",\"field\":\"b \\\"\"}]} , \"payload\" : { \"a\": 1 , \"b \\\"\": \"x\" } }";
    let data = read(&[], text);
    let ValueRef::Struct(content) = data.value.view() else { panic!("{data:?}") };
    assert_eq!(content.get("b \""), Some(&Value::string("x")));
    assert!(reads_fast(text, true));
}
