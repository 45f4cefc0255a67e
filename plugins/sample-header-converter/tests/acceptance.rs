//! The checks that every header converter passes, and what this one is for.
#![allow(clippy::unwrap_used, reason = "tests")]

use ferroconnect_plugin_sdk::testkit::{self, HeaderConverterHarness, acceptance};
use ferroconnect_plugin_sdk::{Data, ErrorKind, SchemaBuilder, Value};

const CONFIG: [(&str, &str); 2] = [("int32", "retries, age"), ("int64", "sent")];

fn converter() -> HeaderConverterHarness {
    let library = testkit::library!(ferroconnect_sample_header_converter);
    HeaderConverterHarness::new(&library, "BinaryHeaderConverter", CONFIG).unwrap()
}

#[test]
fn passes() {
    let library = testkit::library!(ferroconnect_sample_header_converter);
    let data = |schema: SchemaBuilder, value: Value| Data::new(schema.optional().build(), value);
    let headers = vec![
        ("retries", data(SchemaBuilder::int32(), (-3).into())),
        ("sent", data(SchemaBuilder::int64(), i64::MAX.into())),
        ("sent", data(SchemaBuilder::int64(), Value::NULL)),
        ("trace", data(SchemaBuilder::string(), "é".into())),
        ("trace", data(SchemaBuilder::string(), Value::NULL)),
    ];
    acceptance::header_converter(&library, "BinaryHeaderConverter", CONFIG, headers);
}

#[test]
fn numbers_are_written_by_the_header_and_not_by_their_type() {
    let mut converter = converter();
    let bytes = converter.to_bytes("t", "sent", Data::schemaless(7i8)).unwrap();
    assert_eq!(bytes.as_deref(), Some(&[0, 0, 0, 0, 0, 0, 0, 7][..]));
    let bytes = converter.to_bytes("t", "age", Data::schemaless(-2i64)).unwrap();
    assert_eq!(bytes.as_deref(), Some(&[0xff, 0xff, 0xff, 0xfe][..]));
    let bytes = converter.to_bytes("t", "other", Data::schemaless(7i8)).unwrap();
    assert_eq!(bytes.as_deref(), Some(&b"7"[..]));
}

#[test]
fn what_does_not_fit_is_a_data_error_with_the_name() {
    let mut converter = converter();
    let error = converter.to_bytes("t", "age", Data::schemaless(i64::MAX)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::DATA);
    assert!(error.message().starts_with("Header age is to be written as Int32"), "{error}");
    let error = converter.from_bytes("t", "sent", Some(&[1, 2, 3])).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::DATA);
    assert_eq!(error.message(), "Header sent is to be read as Int64, and its 3 bytes cannot be");
}

#[test]
fn a_header_named_twice_is_a_config_error() {
    let library = testkit::library!(ferroconnect_sample_header_converter);
    let config = [("int32", "a"), ("int64", "b,a")];
    let error = HeaderConverterHarness::new(&library, "BinaryHeaderConverter", config).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::CONFIG);
    assert_eq!(error.message(), "Invalid value 'a' for configuration int64: the header is named twice");
}
