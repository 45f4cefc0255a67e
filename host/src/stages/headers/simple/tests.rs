use super::*;
use ferroconnect_plugin_abi::value::MapEntry;
use ferroconnect_plugin_abi::{SchemaType, Value};

fn read(text: &str) -> Data {
    let bytes = Blob::copy_from(text.as_bytes());
    SimpleHeaderConverter.to_connect_header(&"t".into(), &"h".into(), Some(&bytes)).expect("everything can be read")
}

fn written(value: Value) -> String {
    let bytes = SimpleHeaderConverter.from_connect_header(&"t".into(), &"h".into(), &Data::schemaless(value));
    String::from_utf8(bytes.expect("can be written").expect("is not null").to_vec()).expect("is text")
}

#[test]
fn scalars_are_told_by_their_looks() {
    for (text, value) in [
        ("true", Value::boolean(true)),
        ("True", Value::string("True")),
        (" 5 ", Value::int8(5)),
        ("1e3", Value::int16(1000)),
        ("-40000", Value::int32(-40_000)),
        ("0.5", Value::float32(0.5)),
        ("1.5e39", Value::float64(1.5e39)),
        ("1,2", Value::int8(1)),
        ("2019-08-23", Value::date(18_131)),
        ("14:34:54.346Z", Value::time(52_494_346)),
        ("2019-08-23T14:34:54.346Z", Value::timestamp(1_566_570_894_346)),
        ("5 apples", Value::string("5 apples")),
        ("\"x\"", Value::string("\"x\"")),
        ("[1,", Value::string("[1,")),
        ("", Value::string("")),
        ("null", Value::NULL),
    ] {
        assert_eq!(read(text).value, value, "{text}");
    }
}

#[test]
fn elements_get_one_type() {
    let data = read("[1, 2.5]");
    assert_eq!(data.value, Value::array(vec![Value::float32(1.0), Value::float32(2.5)]));
    assert_eq!(
        data.schema.as_deref().and_then(|schema| schema.values.as_deref()).map(|s| s.kind),
        Some(SchemaType::FLOAT32)
    );
    let mixed = read("[1, \"a\"]");
    assert!(mixed.schema.as_deref().is_some_and(|schema| schema.values.is_none()));
    assert_eq!(read("[\"a\",null]").value, Value::string("[\"a\",null]"));
    let map = read("{\"a\": 1 \"b\": 300,}");
    let entry = |key: &str, value: i16| MapEntry { key: Value::string(key), value: Value::int16(value) };
    assert_eq!(map.value, Value::map(vec![entry("a", 1), entry("b", 300)]));
}

#[test]
fn text_is_shared_and_structure_quoted() {
    let text = Data::schemaless("a\"b");
    let bytes =
        SimpleHeaderConverter.from_connect_header(&"t".into(), &"h".into(), &text).expect("text").expect("text");
    assert_eq!(bytes.as_ptr(), text.value.as_text().expect("text").as_ptr());
    assert_eq!(
        written(Value::array(vec![Value::string("a\"b\\"), Value::NULL, Value::float64(1e10)])),
        r#"["a\"b\\",null,1.0E10]"#
    );
    assert_eq!(written(Value::timestamp(86_400_000)), "1970-01-02");
    assert_eq!(written(Value::timestamp(-1)), "23:59:59.999Z");
    assert_eq!(written(Value::bytes(vec![1, 2])), "AQI=");
}

#[test]
fn what_is_nested_too_deeply_stays_bytes() {
    let text = "[".repeat(100_000);
    assert_eq!(read(&text).value, Value::bytes(text.into_bytes()));
}
