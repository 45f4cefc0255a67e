//! The checks that every converter passes, and what this one is for.
#![allow(clippy::unwrap_used, reason = "tests")]

use ferroconnect_plugin_sdk::testkit::{self, ConverterHarness, acceptance};
use ferroconnect_plugin_sdk::{Data, ErrorKind, SchemaBuilder, Value};

fn row(cells: [Option<&str>; 3]) -> Data {
    let text = SchemaBuilder::string().optional().build();
    let builder = SchemaBuilder::structure().optional();
    let schema = builder.field("a", text.clone()).field("b", text.clone()).field("c", text).build();
    let cells = cells.map(|cell| cell.map_or(Value::NULL, Value::from));
    Data::new(schema.clone(), Value::structure(schema, cells.to_vec()))
}

fn converter() -> ConverterHarness {
    let library = testkit::library!(ferroconnect_sample_converter);
    ConverterHarness::new(&library, "CsvConverter", [("columns", "a, b,c")]).unwrap()
}

#[test]
fn passes() {
    let library = testkit::library!(ferroconnect_sample_converter);
    let values = vec![row([Some("1"), None, Some("")]), row([Some("x,y"), Some("\"q\""), Some("é")])];
    acceptance::converter(&library, "CsvConverter", [("columns", "a,b,c")], values);
}

#[test]
fn columns_are_written_in_their_order_whatever_the_struct() {
    let schema = SchemaBuilder::structure()
        .field("c", SchemaBuilder::float64().build())
        .field("other", SchemaBuilder::boolean().build())
        .field("a", SchemaBuilder::int32().build())
        .build();
    let value = Value::structure(schema.clone(), vec![1.5.into(), true.into(), 7i32.into()]);
    let bytes = converter().to_bytes("t", Data::new(schema, value)).unwrap();
    assert_eq!(bytes.as_deref(), Some(&b"7,,1.5"[..]));
}

#[test]
fn a_line_of_the_wrong_length_is_a_data_error() {
    let error = converter().from_bytes("t", Some(b"1,2")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::DATA);
    assert_eq!(error.message(), "A line of topic t has 2 values, and should have 3");
}
