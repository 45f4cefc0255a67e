//! Avro's own Java classes take the schemas that the converter registers and the payloads that it writes, and the converter
//! reads what they write.
//!
//! Needs `java`, Maven to fetch the classes, and in the environment variable `FERROCONNECT_KAFKA_LIBS` a directory with
//! the jars of Kafka, which has what Avro stands on. Without them the test says so and checks nothing.
#![allow(clippy::unwrap_used, reason = "tests")]

#[path = "peer/records.rs"]
mod records;

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use ferroconnect_plugin_sdk::abi::recursion::Recursion;
use ferroconnect_plugin_sdk::testkit::{self, ConverterHarness};
use ferroconnect_plugin_sdk::{Config, Data, MapEntry, SchemaBuilder, Value};
use ferroconnect_test_registry::{Level, Registry};

const LIBS: &str = "FERROCONNECT_KAFKA_LIBS";
const ARTIFACT: &str = "org.apache.avro:avro:1.12.1";

/// Where Avro's jar is, fetched by Maven at the first use; none = it cannot be had.
fn avro() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("avro-java");
    let jar = folder.join("avro-1.12.1.jar");
    if !jar.is_file() {
        let goal = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy";
        let mut maven = Command::new("mvn");
        maven.args(["-q", "-B", goal]).arg(format!("-Dartifact={ARTIFACT}"));
        maven.arg(format!("-DoutputDirectory={}", folder.display())).stdout(Stdio::null());
        _ = maven.status();
    }
    jar.is_file().then_some(jar)
}

/// What the judge says of schemas and payloads: three lines each.
fn judge(cases: &[(String, Vec<u8>)]) -> Option<Vec<String>> {
    let Some((libs, avro)) = std::env::var_os(LIBS).zip(avro()) else {
        eprintln!("SKIPPED: {LIBS} names no directory with Kafka's jars, or Maven cannot fetch {ARTIFACT}");
        return None;
    };
    let mut class_path = avro.into_os_string();
    class_path.push(":");
    class_path.push(libs);
    class_path.push("/*");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/java/AvroJudge.java");
    let mut java = Command::new("java");
    java.arg("-Dfile.encoding=UTF-8").arg("-Dstdout.encoding=UTF-8").arg("-cp").arg(class_path).arg(source);
    let mut child = java.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = String::new();
    for (schema, payload) in cases {
        writeln!(lines, "{schema}\n{}", hex(payload)).unwrap();
    }
    child.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "the judge refuses: see above");
    Some(String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn converter(registry: &Registry, settings: &[(&str, &str)]) -> ConverterHarness {
    let library = testkit::library!(ferroconnect_schema_registry);
    let mut config = Config::default();
    config.set("schema.registry.url", registry.url());
    for (key, value) in settings {
        config.set(key, value);
    }
    ConverterHarness::new(&library, "io.confluent.connect.avro.AvroConverter", config).unwrap()
}

/// Records with names, defaults and maps that Avro is strict about.
fn cases() -> Vec<(Data, &'static [(&'static str, &'static str)])> {
    let of = |schema: SchemaBuilder, fields: Vec<Value>| {
        let schema = schema.build();
        Data::new(schema.clone(), Value::structure(schema, fields))
    };
    let entry = |key: Value, value: Value| Value::map(vec![MapEntry { key, value }]);
    let with_defaults = of(
        SchemaBuilder::structure()
            .field("text", SchemaBuilder::string().default_value("d").build())
            .field("number", SchemaBuilder::float32().optional().default_value(1.5f32).build())
            .field("bytes", SchemaBuilder::bytes().default_value(vec![0u8, 200]).build())
            .field("day", SchemaBuilder::date().default_value(Value::date(3)).build())
            .field("price", SchemaBuilder::decimal(2).default_value(Value::decimal(vec![1], 2)).build())
            .field("list", {
                let default = Value::array(vec![1i32.into()]);
                SchemaBuilder::array(SchemaBuilder::int32().build()).default_value(default).build()
            }),
        vec![
            "x".into(),
            2f32.into(),
            vec![1u8].into(),
            Value::date(1),
            Value::decimal(vec![2], 2),
            Value::array(vec![]),
        ],
    );
    let numbers = SchemaBuilder::map(SchemaBuilder::int64().build(), SchemaBuilder::string().build()).build();
    let flags = SchemaBuilder::map(SchemaBuilder::int8().build(), SchemaBuilder::boolean().optional().build()).build();
    let maps = of(
        SchemaBuilder::structure().name("n.Maps").field("numbers", numbers).field("flags", flags),
        vec![entry(1i64.into(), "x".into()), entry(2i8.into(), Value::NULL)],
    );
    let names = of(
        SchemaBuilder::structure().name("my-db.1st table").field("a b", SchemaBuilder::string().build()),
        vec!["x".into()],
    );
    let wide = Data::new(SchemaBuilder::decimal(-2).build(), Value::decimal(vec![7], -2));
    let anything = Data::schemaless(Value::array(vec![entry("k".into(), 1.5f64.into()), Value::NULL, true.into()]));
    let mut recursion = Recursion::default();
    let next = recursion.placeholder();
    let list = SchemaBuilder::structure()
        .name("n.List")
        .field("label", SchemaBuilder::string().build())
        .field("next", next.clone())
        .field("by_number", SchemaBuilder::map(SchemaBuilder::int64().build(), next.clone()).build());
    let list = list.optional().build();
    recursion.define(&next, list.clone());
    let list = recursion.close(vec![list]).unwrap().remove(0);
    let link = |label: &str, next, by_number| Value::structure(list.clone(), vec![label.into(), next, by_number]);
    let last = link("last", Value::NULL, Value::map(vec![]));
    let first = link("first", last.clone(), entry(1i64.into(), last));
    let list = Data::new(list, first);
    vec![
        (list, &[]),
        (records::order(), &[]),
        (with_defaults, &[]),
        (maps, &[]),
        (names, &[("scrub.invalid.names", "true")]),
        (wide, &[]),
        (anything, &[]),
    ]
}

#[test]
fn java_takes_what_is_written_and_gives_it_back() {
    let registry = Registry::start();
    registry.set_level(None, Level::None);
    let mut written = Vec::new();
    for (number, (data, settings)) in cases().into_iter().enumerate() {
        let bytes = converter(&registry, settings).to_bytes(&format!("t{number}"), data).unwrap().unwrap();
        written.push((registry.schemas(&format!("t{number}-value")).remove(0), bytes[5..].to_vec()));
    }
    let Some(lines) = judge(&written) else { return };
    assert_eq!(lines.len(), 3 * written.len());
    for (number, (answer, (_, payload))) in lines.chunks(3).zip(&written).enumerate() {
        let [schema, again, datum] = answer else { panic!("three lines") };
        assert_eq!(*again, hex(payload), "{datum}");
        // The schema as Java prints it is one that the converter reads, and the same data under it.
        let id = registry.register(&format!("java{number}-value"), "AVRO", schema, &[]);
        let framed = |id: i32| [&[0, 0, 0, 0, id as u8], &payload[..]].concat();
        let mut reader = converter(&registry, &[]);
        let read = reader.from_bytes(&format!("java{number}"), Some(&framed(id))).unwrap();
        let own = registry.register(&format!("t{number}-value"), "AVRO", &written[number].0, &[]);
        assert_eq!(read, reader.from_bytes(&format!("t{number}"), Some(&framed(own))).unwrap(), "{schema}");
    }
}
