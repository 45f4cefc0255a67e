//! Nothing that a user or a topic can hand to the worker makes a stage panic.
//!
//! Each test takes well-formed input and damages it. `PROPTEST_CASES` says how often (`scripts/fuzz.sh` runs them for
//! long); a case that fails is shown in its smallest form.

#![allow(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use ferroconnect::config::{PluginKind, Props, properties};
use ferroconnect::stages::converters::json::JsonConverter;
use ferroconnect::stages::headers::simple::SimpleHeaderConverter;
use ferroconnect::stages::{BuiltIn, Converter as _, Factory, HeaderConverter as _, builtins};
use ferroconnect_plugin_abi::builder::SchemaBuilder;
use ferroconnect_plugin_abi::containers::{AbiOption, AbiVec};
use ferroconnect_plugin_abi::value::MapEntry;
use ferroconnect_plugin_abi::{Blob, Data, Header, Record, Value};
use proptest::prelude::*;
use proptest::sample::{Index, select};

/// One damage done to a text.
#[derive(Debug, Clone)]
enum Damage {
    Insert(Index, u8),
    Replace(Index, u8),
    Cut(Index, Index),
    Repeat(Index, Index),
    Splice(Index, &'static str),
}

/// Bytes that mean something to one of the parsers, and some that are no text.
const TELLING: &[u8] = b"{}[]()<>\"'\\:,;.=!#$^*+?|&-_ \t\r\n\x0009azAZuxeE\x7f\x80\xc3\xed\xff";

fn damage(seeds: &'static [&'static str]) -> impl Strategy<Value = Damage> {
    let place = any::<Index>;
    prop_oneof![
        (place(), select(TELLING)).prop_map(|(at, byte)| Damage::Insert(at, byte)),
        (place(), select(TELLING)).prop_map(|(at, byte)| Damage::Replace(at, byte)),
        (place(), place()).prop_map(|(from, to)| Damage::Cut(from, to)),
        (place(), place()).prop_map(|(from, to)| Damage::Repeat(from, to)),
        (place(), select(seeds)).prop_map(|(at, seed)| Damage::Splice(at, seed)),
    ]
}

fn apply(bytes: &mut Vec<u8>, damage: &Damage) {
    let length = bytes.len();
    let range = |from: &Index, to: &Index| {
        let (from, to) = (from.index(length + 1), to.index(length + 1));
        from.min(to)..from.max(to)
    };
    match damage {
        Damage::Insert(at, byte) => bytes.insert(at.index(length + 1), *byte),
        Damage::Replace(at, byte) if length > 0 => bytes[at.index(length)] = *byte,
        Damage::Replace(..) => {}
        Damage::Cut(from, to) => drop(bytes.drain(range(from, to))),
        Damage::Repeat(from, to) => {
            let part = bytes[range(from, to)].to_vec();
            bytes.extend(part);
        }
        Damage::Splice(at, seed) => drop(bytes.splice(at.index(length + 1).., seed.bytes())),
    }
}

/// One of the seeds, whole or damaged.
fn damaged(seeds: &'static [&'static str]) -> impl Strategy<Value = Vec<u8>> {
    (select(seeds), prop::collection::vec(damage(seeds), 0..5)).prop_map(|(seed, all)| {
        let mut bytes = seed.as_bytes().to_vec();
        all.iter().for_each(|damage| apply(&mut bytes, damage));
        bytes
    })
}

fn damaged_text(seeds: &'static [&'static str]) -> impl Strategy<Value = String> {
    damaged(seeds).prop_map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

const JSON: &[&str] = &[
    r#"{"schema":{"type":"struct","fields":[{"field":"a","type":"int32","optional":true,"default":5},{"field":"b","type":"array","items":{"type":"string"}}],"optional":false,"name":"n","version":1,"parameters":{"p":"q"},"doc":"d"},"payload":{"a":1,"b":["x",null]}}"#,
    r#"{"schema":{"type":"bytes","name":"org.apache.kafka.connect.data.Decimal","version":1,"parameters":{"scale":"2"}},"payload":"AQI="}"#,
    r#"{"schema":{"type":"map","keys":{"type":"string"},"values":{"type":"double"}},"payload":{"k":1.5e10}}"#,
    r#"{"schema":{"type":"map","keys":{"type":"int8"},"values":{"type":"boolean"}},"payload":[[1,true]]}"#,
    r#"{"schema":{"type":"int64","name":"org.apache.kafka.connect.data.Timestamp","version":1},"payload":-62135769600000}"#,
    r#"{"schema":null,"payload":{"é":"\ud83d\ude00\u0000","n":[-0.0,1e400,00017,123456789012345678901234567890]}}"#,
    r#"[[[[[[[[{"a":{"b":{"c":[]}}}]]]]]]]]"#,
    "null",
    "",
];

const HEADERS: &[&str] = &[
    r#"{"a":1,b:[true,"x y",14:34:54.346Z],-5:null}"#,
    r#"["2019-08-23T14:34:54.346Z","2019-08-23",1.5,300,]"#,
    "2019-08-23",
    "14\\:34\\:54.346Z",
    "123456-1-1",
    "99999999999999999999.5e-3",
    "٣٤",
    "null",
    "",
];

const PROPERTIES: &[&str] =
    &["a=1\nb : two\\\n  lines\n#c\n!d\ne\\=f=\\u00e9\\t\\\\\n", "key with\\ blank  value\r\nx=\r", "\\", ""];

/// Texts for the keys of stages: lists, paths, patterns of dates, regular expressions and their replacements.
const SETTINGS: &[&str] = &[
    "value",
    "a",
    "at",
    "a,b",
    "a:b,c:d",
    "a:int8,b:string",
    "float64",
    "a.b.`c.d`",
    "V2",
    "true",
    "copy",
    "null",
    "-1",
    "5",
    "",
    "string",
    "unix",
    "Timestamp",
    "Date",
    "microseconds",
    "yyyy-MM-dd'T'HH:mm:ss.SSSXXX",
    "EEE, d MMM yyyy G 'at' hh:mm a z",
    "YYYY-'W'ww-u''D",
    "dd/MM/yy kk:KK:SSSSSS Z",
    "${topic}-${timestamp}",
    "(?<name>a|b)+?(?=x)[a-z&&[^m-p]]\\p{Lu}\\Q.*\\E{1,3}",
    "(?i:t(?<!q)(?>o*+)\\1)|^$",
    "\\0101\\x41\\u0041\\cA\\R\\h\\b{g}",
    "$1${name}\\$",
    "2020-02-29T23:59:60.999+01:00",
    "UTF-16",
    "{\"type\":\"int8\"}",
];

fn sample_records() -> Vec<Record> {
    let text = || Value::string("2020-02-29T23:59:59.999Z");
    let map = Value::map(vec![
        MapEntry { key: Value::string("a"), value: Value::string("12") },
        MapEntry { key: Value::string("at"), value: text() },
        MapEntry { key: Value::string("b"), value: Value::array(vec![Value::NULL, Value::float64(f64::NAN)]) },
    ]);
    let schema = SchemaBuilder::structure()
        .name("order")
        .field("a", SchemaBuilder::int32().optional().default_value(Value::int32(3)).build())
        .field("at", SchemaBuilder::timestamp().build())
        .field("b", SchemaBuilder::decimal(2).build())
        .field("value", SchemaBuilder::string().build())
        .build();
    let fields = vec![Value::NULL, Value::timestamp(i64::MIN), Value::decimal(vec![0x80, 1], 2), text()];
    let values = [
        Data::schemaless(map),
        Data::new(schema.clone(), Value::structure(schema, fields)),
        Data::new(SchemaBuilder::string().build(), text()),
        Data::schemaless(Value::int64(i64::MAX)),
        Data::new(SchemaBuilder::timestamp().optional().build(), Value::timestamp(-1)),
        Data::NULL,
    ];
    let record = |value: Data| {
        let mut record = Record::new("topic-ab", value.clone());
        record.key = value.clone();
        record.timestamp = AbiOption::RSome(1_600_000_000_000);
        record.headers.push(Header { key: "a".into(), data: value });
        record
    };
    values.into_iter().map(record).collect()
}

/// Makes a stage if it takes the configuration, and puts records through it. Refusals and errors are fine.
fn try_out(builtin: &BuiltIn, props: &Props) {
    let records = sample_records();
    // What the worker does before it makes a stage.
    let _findings = (builtin.config)().validate(props);
    match builtin.factory {
        Factory::Converter(make) => {
            let Ok(mut stage) = make(props) else { return };
            for record in &records {
                if let Ok(bytes) = stage.from_connect(&record.topic, &mut AbiVec::new(), &record.value) {
                    let _read = stage.to_connect(&record.topic, &[], bytes.as_ref());
                }
            }
        }
        Factory::HeaderConverter(make) => {
            let Ok(mut stage) = make(props) else { return };
            for record in &records {
                if let Ok(bytes) = stage.from_connect_header(&record.topic, &"a".into(), &record.value) {
                    let _read = stage.to_connect_header(&record.topic, &"a".into(), bytes.as_ref());
                }
            }
        }
        Factory::Transform(make) => {
            let Ok(mut stage) = make(props) else { return };
            for mut record in records {
                let _kept = stage.apply(&mut record);
            }
        }
        Factory::Predicate(make) => {
            let Ok(mut stage) = make(props) else { return };
            for record in &records {
                let _holds = stage.test(record);
            }
        }
    }
}

/// An entry as `.properties` writes it: everything that is not plain is escaped.
fn escaped(text: &str) -> String {
    let mut units = [0; 2];
    text.chars()
        .map(|character| match character {
            plain if plain.is_ascii_alphanumeric() => plain.to_string(),
            other => other.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}")).collect(),
        })
        .collect()
}

proptest! {
    #[test]
    fn json_with_or_without_schema(bytes in damaged(JSON), schemas in any::<bool>()) {
        let schemas = if schemas { "true" } else { "false" };
        let props = Props::from([("converter.type", "value"), ("schemas.enable", schemas)]);
        let mut converter = JsonConverter::configured(&props).unwrap();
        if let Ok(data) = converter.to_connect(&"t".into(), &[], Some(&bytes.into())) {
            let _written = converter.from_connect(&"t".into(), &mut AbiVec::new(), &data);
        }
    }

    #[test]
    fn schema_content_of_json(content in damaged_text(JSON), bytes in damaged(JSON)) {
        let props = Props::from([("converter.type", "value"), ("schema.content", content.as_str())]);
        if let Ok(mut converter) = JsonConverter::configured(&props) {
            let _read = converter.to_connect(&"t".into(), &[], Some(&bytes.into()));
        }
    }

    #[test]
    fn header_text(bytes in damaged(HEADERS)) {
        let props = Props::from([("converter.type", "header")]);
        let mut converter = SimpleHeaderConverter::configured(&props).unwrap();
        if let Ok(data) = converter.to_connect_header(&"t".into(), &"h".into(), Some(&Blob::from(bytes))) {
            let _written = converter.from_connect_header(&"t".into(), &"h".into(), &data);
        }
    }

    #[test]
    fn properties_files(bytes in damaged(PROPERTIES)) {
        let _entries = properties::parse(&properties::decode_latin1(&bytes));
    }

    #[test]
    fn settings_of_every_stage(
        stage in any::<Index>(),
        texts in prop::collection::vec(prop::option::weighted(0.8, damaged_text(SETTINGS)), 12),
    ) {
        let all = builtins();
        let builtin = stage.get(&all);
        let role = if builtin.kind() == PluginKind::HeaderConverter { "header" } else { "value" };
        let definition = (builtin.config)();
        let mut props = Props::new();
        for (name, text) in definition.names().zip(texts) {
            if let Some(text) = text {
                props.set(name, text);
            }
        }
        if matches!(builtin.kind(), PluginKind::HeaderConverter | PluginKind::Converter) {
            props.set("converter.type", role);
        }
        try_out(builtin, &props);
    }

    #[test]
    fn properties_round_trip(entries in prop::collection::vec((any::<String>(), any::<String>()), 0..6)) {
        let file: String = entries.iter().map(|(key, value)| format!("{}={}\n", escaped(key), escaped(value))).collect();
        let read = properties::parse(&file).unwrap();
        let read: Vec<(String, String)> = read.into_iter().map(|entry| (entry.key, entry.value)).collect();
        prop_assert_eq!(read, entries);
    }
}
