use ferroconnect_plugin_abi::Value;
use ferroconnect_plugin_abi::builder::SchemaBuilder;
use ferroconnect_plugin_abi::value::MapEntry;
use proptest::prelude::*;

use super::convert::cast;
use super::*;

fn configured(config: &[(&str, &str)]) -> Result<Cast> {
    let props: Props = config.iter().map(|&(key, value)| (key.to_owned(), value.to_owned())).collect();
    Cast::configured(Part::Value, &props)
}

fn apply(config: &[(&str, &str)], data: Data) -> Result<Data> {
    let mut record = Record::new("t", data);
    configured(config)?.apply(&mut record)?;
    Ok(record.value)
}

#[test]
fn bad_specifications_are_refused_in_kafka_connects_words() {
    let message = |spec| configured(&[("spec", spec)]).err().expect("is refused").message().to_owned();
    assert_eq!(message(""), "Must specify at least one field to cast.");
    assert_eq!(
        message("a:int8:b"),
        "Invalid value [a:int8:b] for configuration renames: Invalid rename mapping: a:int8:b"
    );
    assert!(message("int8,a:int8").starts_with("Cast transformations that specify a type"));
    assert!(message("a:bytes").starts_with("Cast transformation does not support casting to BYTES;"));
    assert!(message("foo").ends_with("for configuration Invalid type found in casting spec: foo"));
}

#[test]
fn fields_keep_optionality_and_defaults_only() {
    let schema = SchemaBuilder::structure()
        .optional()
        .field("a", SchemaBuilder::int32().name("n").doc("d").optional().default_value(300i32).build())
        .field("b", SchemaBuilder::string().build())
        .build();
    let data = Data::new(schema.clone(), Value::structure(schema, vec![Value::NULL, "12".into()]));
    let new = SchemaBuilder::structure()
        .optional()
        .field("a", SchemaBuilder::int8().optional().default_value(44i8).build())
        .field("b", SchemaBuilder::int64().build())
        .build();
    let expected = Value::structure(new.clone(), vec![44i8.into(), 12i64.into()]);
    assert_eq!(apply(&[("spec", " a : INT8 ,b:int64")], data).expect("can be cast"), Data::new(new, expected));
}

#[test]
fn whole_values_keep_name_and_parameters() {
    let data = Data::new(SchemaBuilder::timestamp().build(), Value::timestamp(1_600_000_000_123));
    let cast = apply(&[("spec", "string")], data.clone()).expect("can be cast");
    assert_eq!(cast.value, Value::string("2020-09-13T12:26:40.123Z"));
    let schema = SchemaBuilder::string().name("org.apache.kafka.connect.data.Timestamp").version(1).build();
    assert_eq!(cast.schema.get(), Some(&schema));
    assert_eq!(apply(&[("spec", "int64")], data).expect("can be cast").value, Value::int64(1_600_000_000_123));
    let tombstone = Data { schema: schema.into(), value: Value::NULL };
    assert_eq!(apply(&[("spec", "int8")], tombstone.clone()).expect("null passes"), tombstone);
}

#[test]
fn paths_lead_into_structs_and_maps() {
    let config = [("spec", "in.n:int64,top:string"), ("field.syntax.version", "V2")];
    let inner = |kind: SchemaBuilder| SchemaBuilder::structure().name("in").field("n", kind.build()).build();
    let outer = |inner: &Shared<Schema>, top: SchemaBuilder| {
        SchemaBuilder::structure().field("in", inner.clone()).field("top", top.build()).build()
    };
    let old = inner(SchemaBuilder::string());
    let schema = outer(&old, SchemaBuilder::int8());
    let value = Value::structure(schema.clone(), vec![Value::structure(old, vec!["5".into()]), 1i8.into()]);
    let new = inner(SchemaBuilder::int64());
    let new_schema = outer(&new, SchemaBuilder::string());
    let expected = Value::structure(new_schema.clone(), vec![Value::structure(new, vec![5i64.into()]), "1".into()]);
    assert_eq!(apply(&config, Data::new(schema, value)).expect("can be cast"), Data::new(new_schema, expected));

    let map = |entries: Vec<(&str, Value)>| {
        let entry = |(key, value): (&str, Value)| MapEntry { key: key.into(), value };
        Value::map(entries.into_iter().map(entry).collect::<Vec<_>>())
    };
    let value = Data::schemaless(map(vec![("in", map(vec![("n", "5".into())]))]));
    let expected = map(vec![("in", map(vec![("n", 5i64.into())])), ("top", Value::NULL)]);
    assert_eq!(apply(&config, value).expect("can be cast").value, expected);
    assert!(configured(&[("spec", "a:int8,a.b:int8"), ("field.syntax.version", "V2")]).is_err());
}

proptest! {
    /// Integers keep their low bits and become the nearest floats.
    #[test]
    fn integers_are_cast_as_in_plain_arithmetic(number: i64) {
        let to = |target| cast(None, &Value::int64(number), target).expect("numbers can be cast");
        prop_assert_eq!(to(Target::Int8), Value::int8(number as i8));
        prop_assert_eq!(to(Target::Int16), Value::int16(number as i16));
        prop_assert_eq!(to(Target::Int32), Value::int32(number as i32));
        prop_assert_eq!(to(Target::Int64), Value::int64(number));
        prop_assert_eq!(to(Target::Float32), Value::float32(number as f32));
        prop_assert_eq!(to(Target::Float64), Value::float64(number as f64));
        prop_assert_eq!(to(Target::Boolean), Value::boolean(number != 0));
        let text = to(Target::String);
        prop_assert_eq!(&text, &Value::string(number.to_string()));
        prop_assert_eq!(cast(None, &text, Target::Int64).expect("it was a number"), Value::int64(number));
        let fits = cast(None, &text, Target::Int16).ok();
        prop_assert_eq!(fits, i16::try_from(number).ok().map(Value::int16));
    }

    /// Floats lose their fraction and stop at the bounds of 32 or 64 bits, before narrower types cut bits.
    #[test]
    fn floats_are_cut_within_bounds(number in prop_oneof![any::<f64>(), -1e5..1e5f64, -1e20..1e20f64]) {
        let to = |target| cast(None, &Value::float64(number), target).expect("numbers can be cast");
        let within = |least: f64, most: f64| if number.is_nan() { 0.0 } else { number.trunc().clamp(least, most) };
        let int = within(i32::MIN.into(), i32::MAX.into());
        prop_assert_eq!(to(Target::Int32), Value::int32(int as i32));
        prop_assert_eq!(to(Target::Int16), Value::int16((int as i64).rem_euclid(1 << 16) as u16 as i16));
        prop_assert_eq!(to(Target::Int8), Value::int8((int as i64).rem_euclid(1 << 8) as u8 as i8));
        let long = within(i64::MIN as f64, i64::MAX as f64);
        prop_assert_eq!(to(Target::Boolean), Value::boolean(long != 0.0));
        prop_assert_eq!(to(Target::Int64).as_integer().map(|long| long as f64), Some(long));
        let text = to(Target::String);
        prop_assert_eq!(cast(None, &text, Target::Float64).expect("it was a number"), Value::float64(number));
    }

    /// A decimal is cast like the number it stands for.
    #[test]
    fn decimals_are_numbers(unscaled: i64, scale in 0i32..19) {
        let value = Value::decimal(unscaled.to_be_bytes().to_vec(), scale);
        let schema = SchemaBuilder::decimal(scale).build();
        let to = |target| cast(Some(&schema), &value, target).expect("numbers can be cast");
        prop_assert_eq!(to(Target::Int64), Value::int64(unscaled / 10i64.pow(scale as u32)));
        let float: f64 = format!("{unscaled}e-{scale}").parse().expect("a number");
        prop_assert_eq!(to(Target::Float64), Value::float64(if unscaled == 0 { 0.0 } else { float }));
    }
}
