//! Checks for transforms, predicates, converters and header converters.

use super::{Finding, Suite, does, does_not_panic, holds, is_consistent, is_documented, names_missing_keys};
use crate::config::Config;
use crate::error::{Error, Result};
use crate::testkit::{
    ConverterHarness, HeaderConverterHarness, Library, PredicateHarness, TransformHarness, sink_record,
};
use ferroconnect_plugin_abi::builder::SchemaBuilder;
use ferroconnect_plugin_abi::error::ErrorKind;
use ferroconnect_plugin_abi::info::PluginKind;
use ferroconnect_plugin_abi::record::{Data, Record};
use ferroconnect_plugin_abi::value::{MapEntry, Value};

/// Data that a plugin may meet and may refuse.
pub(super) fn odd_values() -> Vec<Data> {
    let schema = SchemaBuilder::structure().field("only", SchemaBuilder::int8().optional().build()).build();
    let empty = Value::structure(schema.clone(), vec![Value::NULL]);
    let map = Value::map(vec![MapEntry { key: Value::NULL, value: Value::array(vec![Value::NULL]) }]);
    vec![
        Data::NULL,
        Data::new(SchemaBuilder::string().optional().build(), Value::NULL),
        Data::schemaless(""),
        Data::schemaless(f64::NAN),
        Data::schemaless(Value::bytes(vec![0xff, 0x00])),
        Data::schemaless(Value::decimal(Vec::new(), i32::MAX)),
        Data::schemaless(Value::timestamp(i64::MIN)),
        Data::schemaless(map),
        Data::new(schema, empty),
    ]
}

/// Checks a transform.
///
/// `config` is a configuration that works, `records` are records that it can take.
///
/// It is held to this:
/// - it has a version, and it and each of its keys are documented; keys are defined once;
/// - a missing required key is a config error that names the key;
/// - it takes the given records, alone and in one batch, with the same result;
/// - it does not change where a record was read;
/// - odd keys and values, null above all, and a use without configuration do not panic;
/// - an error about a record is a data error.
///
/// # Panics
/// If a check fails; the text names all that did.
pub fn transform(library: &Library, class: &str, config: impl Into<Config>, records: Vec<Record>) {
    let config = config.into();
    let info = library.plugin(PluginKind::TRANSFORM, class).clone();
    let make = || TransformHarness::new(library, class, config.clone());
    let mut suite = Suite::new(&info);
    suite.check("is documented", || is_documented(&info));
    suite.check("defines its keys once", || is_consistent(&info));
    suite.check("names missing keys", || {
        names_missing_keys(&info, &config, |config| TransformHarness::new(library, class, config).map(|_| ()))
    });
    suite.check("takes the records", || same_alone_and_together(&make, &records));
    suite.check("survives odd values", || odd_records(&make));
    suite.check("survives a use without configuration", || {
        let mut transform = does("making it", TransformHarness::unconfigured(library, class))?;
        does_not_panic("apply", transform.apply(sink_record("t", 0, 0, Data::NULL)))
    });
    suite.finish();
}

fn same_alone_and_together(make: &impl Fn() -> Result<TransformHarness>, records: &[Record]) -> Finding {
    let mut together = does("configure", make())?;
    let mut alone = does("configure", make())?;
    let answers = does("apply", together.apply_all(records.to_vec()))?;
    let count = answers.len();
    holds(count == records.len(), || format!("{count} answers for {} records", records.len()))?;
    for (record, answer) in records.iter().zip(answers) {
        let answer = does(&format!("apply to {record:?}"), answer)?;
        let again = does("apply to one record", alone.apply(record.clone()))?;
        holds(answer == again, || format!("alone {record:?} becomes {again:?}, with others {answer:?}"))?;
        let origin = answer.as_ref().map(|answer| &answer.origin);
        holds(origin.is_none_or(|origin| *origin == record.origin), || format!("the origin became {origin:?}"))?;
    }
    Ok(())
}

fn odd_records(make: &impl Fn() -> Result<TransformHarness>) -> Finding {
    let mut transform = does("configure", make())?;
    for data in odd_values() {
        let mut record = sink_record("t", 0, 0, data.clone());
        record.key = data;
        let what = format!("apply to {:?}", record.value.value);
        is_data_error_at_worst(&what, transform.apply(record))?;
    }
    Ok(())
}

fn is_data_error_at_worst<T>(what: &str, result: Result<T>) -> Finding {
    let error = match result {
        Ok(_) => return Ok(()),
        Err(error) => error,
    };
    does_not_panic(what, Err::<(), Error>(error.clone()))?;
    holds(error.kind() == ErrorKind::DATA, || format!("{what} is no data error: {error:?}"))
}

/// Checks a predicate.
///
/// `config` is a configuration that works, `records` are records that it can decide about.
///
/// It is held to this:
/// - it has a version, and it and each of its keys are documented; keys are defined once;
/// - a missing required key is a config error that names the key;
/// - it decides about the given records, alone and in one batch, with the same result;
/// - odd keys and values, null above all, and a use without configuration do not panic;
/// - an error about a record is a data error.
///
/// # Panics
/// If a check fails; the text names all that did.
pub fn predicate(library: &Library, class: &str, config: impl Into<Config>, records: Vec<Record>) {
    let config = config.into();
    let info = library.plugin(PluginKind::PREDICATE, class).clone();
    let make = || PredicateHarness::new(library, class, config.clone());
    let mut suite = Suite::new(&info);
    suite.check("is documented", || is_documented(&info));
    suite.check("defines its keys once", || is_consistent(&info));
    suite.check("names missing keys", || {
        names_missing_keys(&info, &config, |config| PredicateHarness::new(library, class, config).map(|_| ()))
    });
    suite.check("decides about the records", || decides_alone_as_together(&make, &records));
    suite.check("survives odd values", || {
        let mut predicate = does("configure", make())?;
        odd_values().into_iter().try_for_each(|data| {
            let what = format!("test of {:?}", data.value);
            let mut record = sink_record("t", 0, 0, data.clone());
            record.key = data;
            is_data_error_at_worst(&what, predicate.test(record))
        })
    });
    suite.check("survives a use without configuration", || {
        let mut predicate = does("making it", PredicateHarness::unconfigured(library, class))?;
        does_not_panic("test", predicate.test(sink_record("t", 0, 0, Data::NULL)))
    });
    suite.finish();
}

fn decides_alone_as_together(make: &impl Fn() -> Result<PredicateHarness>, records: &[Record]) -> Finding {
    let mut together = does("configure", make())?;
    let mut alone = does("configure", make())?;
    let answers = does("test", together.test_all(records))?;
    let count = answers.len();
    holds(count == records.len(), || format!("{count} answers for {} records", records.len()))?;
    for (record, answer) in records.iter().zip(answers) {
        let answer = does(&format!("test of {record:?}"), answer)?;
        let again = does("test of one record", alone.test(record.clone()))?;
        holds(answer == again, || format!("alone {record:?} is {again}, with others {answer}"))?;
    }
    Ok(())
}

/// Checks a converter.
///
/// `config` is a configuration that works, `values` are values that it can write and then reads back as they were.
///
/// It is held to this:
/// - it has a version, and it and each of its keys are documented; keys are defined once;
/// - a missing required key is a config error that names the key;
/// - what it writes it reads back unchanged, as a key and as a value;
/// - odd values and bytes, null above all, and a use without configuration do not panic;
/// - an error about data is a data error.
///
/// # Panics
/// If a check fails; the text names all that did.
pub fn converter(library: &Library, class: &str, config: impl Into<Config>, values: Vec<Data>) {
    let config = config.into();
    let info = library.plugin(PluginKind::CONVERTER, class).clone();
    let make = || ConverterHarness::new(library, class, config.clone());
    let mut suite = Suite::new(&info);
    suite.check("is documented", || is_documented(&info));
    suite.check("defines its keys once", || is_consistent(&info));
    suite.check("names missing keys", || {
        names_missing_keys(&info, &config, |config| ConverterHarness::new(library, class, config).map(|_| ()))
    });
    for role in ["key", "value"] {
        let mut config = config.clone();
        config.set("converter.type", role);
        suite.check(&format!("reads what it wrote as a {role}"), || {
            let mut converter = does("configure", ConverterHarness::new(library, class, config))?;
            values.iter().try_for_each(|value| round_trip(&mut converter, value))
        });
    }
    suite.check("survives odd values", || {
        let mut converter = does("configure", make())?;
        for data in odd_values() {
            let what = format!("writing {:?}", data.value);
            is_data_error_at_worst(&what, converter.to_bytes("t", data))?;
        }
        Ok(())
    });
    suite.check("survives odd bytes", || {
        let mut converter = does("configure", make())?;
        odd_bytes(|bytes| converter.from_bytes("t", bytes))
    });
    suite.check("survives a use without configuration", || {
        let mut converter = does("making it", ConverterHarness::unconfigured(library, class))?;
        does_not_panic("writing", converter.to_bytes("t", Data::NULL))?;
        does_not_panic("reading", converter.from_bytes("t", None))
    });
    suite.finish();
}

/// Checks a header converter.
///
/// `config` is a configuration that works, `headers` are names and values that it can write and then reads back as they
/// were.
///
/// It is held to this:
/// - it has a version, and it and each of its keys are documented; keys are defined once;
/// - a missing required key is a config error that names the key;
/// - what it writes it reads back unchanged;
/// - odd names, values and bytes, null above all, and a use without configuration do not panic;
/// - an error about data is a data error.
///
/// # Panics
/// If a check fails; the text names all that did.
pub fn header_converter(library: &Library, class: &str, config: impl Into<Config>, headers: Vec<(&str, Data)>) {
    let config = config.into();
    let info = library.plugin(PluginKind::HEADER_CONVERTER, class).clone();
    let make = || HeaderConverterHarness::new(library, class, config.clone());
    let mut suite = Suite::new(&info);
    suite.check("is documented", || is_documented(&info));
    suite.check("defines its keys once", || is_consistent(&info));
    suite.check("names missing keys", || {
        names_missing_keys(&info, &config, |config| HeaderConverterHarness::new(library, class, config).map(|_| ()))
    });
    suite.check("reads what it wrote", || {
        let mut converter = does("configure", make())?;
        headers.iter().try_for_each(|(name, data)| {
            let bytes = does(&format!("writing {name}: {data:?}"), converter.to_bytes("t", name, data.clone()))?;
            let back = does(&format!("reading {name}: {bytes:?}"), converter.from_bytes("t", name, bytes.as_deref()))?;
            holds(back == *data, || format!("{name}: {data:?} becomes {back:?}"))
        })
    });
    let mut names: Vec<&str> = headers.iter().map(|(name, _)| *name).collect();
    names.extend(["", "\0", "no header of the test"]);
    suite.check("survives odd values", || {
        let mut converter = does("configure", make())?;
        names.iter().try_for_each(|name| {
            odd_values().into_iter().try_for_each(|data| {
                let what = format!("writing {name:?}: {:?}", data.value);
                is_data_error_at_worst(&what, converter.to_bytes("t", name, data))
            })
        })
    });
    suite.check("survives odd bytes", || {
        let mut converter = does("configure", make())?;
        names.iter().try_for_each(|name| odd_bytes(|bytes| converter.from_bytes("t", name, bytes)))
    });
    suite.check("survives a use without configuration", || {
        let mut converter = does("making it", HeaderConverterHarness::unconfigured(library, class))?;
        does_not_panic("writing", converter.to_bytes("t", "name", Data::NULL))?;
        does_not_panic("reading", converter.from_bytes("t", "name", None))
    });
    suite.finish();
}

fn round_trip(converter: &mut ConverterHarness, value: &Data) -> Finding {
    let bytes = does(&format!("writing {value:?}"), converter.to_bytes("t", value.clone()))?;
    let back = does(&format!("reading {bytes:?}"), converter.from_bytes("t", bytes.as_deref()))?;
    holds(back == *value, || format!("{value:?} becomes {back:?}"))
}

fn odd_bytes(mut read: impl FnMut(Option<&[u8]>) -> Result<Data>) -> Finding {
    let cases: [Option<&[u8]>; 6] =
        [None, Some(b""), Some(b"\xff\xfe\xfd"), Some(b"\0\0\0\0\x01"), Some(b"{"), Some(&[b'['; 5000])];
    cases.into_iter().try_for_each(|bytes| {
        let what = format!("reading {:?}", bytes.map(|bytes| &bytes[..bytes.len().min(8)]));
        is_data_error_at_worst(&what, read(bytes))
    })
}
