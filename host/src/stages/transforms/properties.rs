//! What holds for any data that goes through a transform.

use ferroconnect_plugin_abi::builder::SchemaBuilder;
use ferroconnect_plugin_abi::logical::MILLIS_PER_DAY;
use ferroconnect_plugin_abi::value::MapEntry;
use ferroconnect_plugin_abi::{Data, Record, Schema, Shared, Value, ValueRef};
use proptest::prelude::*;
use proptest::sample::select;

use super::tests::make;
use crate::error::Result;
use crate::stages::{Transform, arbitrary};

/// Transforms that keep something per schema.
const PLANNING: &[(&str, &[(&str, &str)])] = &[
    ("Cast$Value", &[("spec", "f:string")]),
    ("Cast$Value", &[("spec", "f:int64")]),
    ("ExtractField$Value", &[("field", "f")]),
    ("Flatten$Value", &[]),
    ("HeaderFrom$Value", &[("fields", "f"), ("headers", "h"), ("operation", "move")]),
    ("HoistField$Value", &[("field", "h")]),
    ("InsertField$Value", &[("static.field", "s"), ("static.value", "x")]),
    ("MaskField$Value", &[("fields", "f")]),
    ("ReplaceField$Value", &[("renames", "f:h")]),
    ("ReplaceField$Value", &[("exclude", "f")]),
    ("SetSchemaMetadata$Value", &[("schema.name", "n")]),
    ("TimestampConverter$Value", &[("field", "f"), ("target.type", "string"), ("format", "yyyy")]),
    ("ValueToKey", &[("fields", "f")]),
];

type Outcome = Result<(Data, Data, Vec<Data>), String>;

fn outcome(transform: &mut dyn Transform, value: Data) -> Outcome {
    let mut record = Record::new("t", value);
    transform.apply(&mut record).map_err(|error| error.message().to_owned())?;
    Ok((record.key, record.value, record.headers.iter().map(|header| header.data.clone()).collect()))
}

proptest! {
    #[test]
    fn what_is_kept_for_a_schema_is_used_for_no_other(
        (class, config) in select(PLANNING),
        turns in arbitrary::turns(),
    ) {
        let all = arbitrary::lookalikes();
        let mut transform = make(class, config).expect("the configuration is right");
        for (which, is_anew) in turns {
            let data = if is_anew { arbitrary::anew(&all[which]) } else { all[which].clone() };
            let expected = outcome(&mut *make(class, config).expect("the configuration is right"), data.clone());
            prop_assert_eq!(outcome(&mut *transform, data), expected);
        }
    }
}

/// The forms that TimestampConverter knows.
const FORMS: &[&str] = &["string", "unix", "Date", "Time", "Timestamp"];
const PRECISIONS: &[(&str, i64)] =
    &[("seconds", 1), ("milliseconds", 1), ("microseconds", 1_000), ("nanoseconds", 1_000_000)];

/// Where the point in time is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Whole,
    Field,
}

/// A point in time as data of a form.
fn point(form: &str, millis: i64, (precision, per_milli): (&str, i64), has_schema: bool) -> (Shared<Schema>, Value) {
    let unix = if precision == "seconds" { millis / 1000 } else { millis * per_milli };
    let text = || {
        let instant = jiff::Timestamp::from_millisecond(millis).expect("is no more than 300 years from 1970");
        instant.strftime("%d.%m.%Y %H:%M:%S.%3f").to_string()
    };
    let (schema, value) = match form {
        "string" => return (SchemaBuilder::string().build(), Value::string(text())),
        "unix" => return (SchemaBuilder::int64().build(), Value::int64(unix)),
        "Date" => (SchemaBuilder::date(), Value::date((millis / MILLIS_PER_DAY) as i32)),
        "Time" => (SchemaBuilder::time(), Value::time(millis as i32)),
        _ => (SchemaBuilder::timestamp(), Value::timestamp(millis)),
    };
    (schema.build(), if has_schema { value } else { Value::timestamp(millis) })
}

fn placed(place: Place, has_schema: bool, (schema, value): (Shared<Schema>, Value)) -> Data {
    match (place, has_schema) {
        (Place::Whole, true) => Data::new(schema, value),
        (Place::Whole, false) => Data::schemaless(value),
        (Place::Field, true) => {
            let outer = SchemaBuilder::structure().field("f", schema).build();
            Data::new(outer.clone(), Value::structure(outer, vec![value]))
        }
        (Place::Field, false) => Data::schemaless(Value::map(vec![MapEntry { key: Value::string("f"), value }])),
    }
}

proptest! {
    /// From each form to each other one, where nothing is lost on the way.
    #[test]
    fn points_in_time_stay_the_same_in_every_form(
        from in select(FORMS),
        to in select(FORMS),
        precision in select(PRECISIONS),
        place in select(&[Place::Whole, Place::Field][..]),
        has_schema: bool,
        (day, time) in (-100_000..100_000i64, 0..MILLIS_PER_DAY),
    ) {
        let day = if [from, to].contains(&"Time") { 0 } else { day };
        let time = if [from, to].contains(&"Date") { 0 } else { time };
        let time = if precision.0 == "seconds" { time / 1000 * 1000 } else { time };
        let data = |form| placed(place, has_schema, point(form, day * MILLIS_PER_DAY + time, precision, has_schema));
        let field = if place == Place::Field { "f" } else { "" };
        let config = [("target.type", to), ("unix.precision", precision.0), ("format", "dd.MM.yyyy HH:mm:ss.SSS"), ("field", field)];
        let mut transform = make("TimestampConverter$Value", &config).expect("the configuration is right");
        let (_, converted, _) = outcome(&mut *transform, data(from)).expect("can be converted");
        prop_assert_eq!(&converted, &data(to));
        if let (Some(schema), ValueRef::Struct(value)) = (converted.schema.get(), converted.value.view()) {
            prop_assert_eq!(schema, &value.schema);
        }
    }
}
