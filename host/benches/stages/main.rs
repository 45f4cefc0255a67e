//! What each built-in stage costs a record: converters both ways, header converters, transforms,
//! and a chain of them.
//!
//! `cargo bench -p ferroconnect --bench stages -- [FILTER]`. Times are CPU time of the thread, so that other programs
//! on the machine disturb little. Every benchmark works on a batch of [`BATCH`] records and shows records a second.

mod cpu_time;
mod samples;

use std::hint::black_box;

use criterion::measurement::Measurement;
use criterion::{BatchSize, BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main};
use ferroconnect::config::Props;
use ferroconnect::stages::{Converter, Factory, HeaderConverter, Part, Transform, builtins};
use ferroconnect_plugin_abi::containers::AbiOption;
use ferroconnect_plugin_abi::{Blob, Data, Text};

use cpu_time::CpuTime;
use samples::{BATCH, messages, records};

/// The built-in stage of this class and kind, configured.
fn stage<T: ?Sized>(class: &str, config: &[(&str, &str)], pick: fn(Factory, &Props) -> Option<Box<T>>) -> Box<T> {
    let mut props = Props::new();
    for (key, value) in config {
        props.set(*key, *value);
    }
    let found =
        builtins().iter().filter(|builtin| builtin.class.ends_with(class)).find_map(|b| pick(b.factory, &props));
    found.unwrap_or_else(|| panic!("there is no built-in {class} of this kind"))
}

fn converter(class: &str, config: &[(&str, &str)]) -> Box<dyn Converter> {
    let config = [config, &[("converter.type", "value")]].concat();
    stage(class, &config, |factory, props| match factory {
        Factory::Converter(make) => Some(make(props).expect("a good configuration")),
        _ => None,
    })
}

fn header_converter(class: &str) -> Box<dyn HeaderConverter> {
    stage(class, &[("converter.type", "header")], |factory, props| match factory {
        Factory::HeaderConverter(make) => Some(make(props).expect("a good configuration")),
        _ => None,
    })
}

fn transform(class: &str, config: &[(&str, &str)]) -> Box<dyn Transform> {
    stage(class, config, |factory, props| match factory {
        Factory::Transform(make) => Some(make(props).expect("a good configuration")),
        _ => None,
    })
}

/// Benchmarks a converter on one kind of data, in both directions.
fn both_ways<M: Measurement>(
    group: &mut BenchmarkGroup<'_, M>,
    name: &str,
    class: &str,
    config: &[(&str, &str)],
    data: fn(usize) -> Data,
) {
    let mut converter = converter(class, config);
    let mut records = records(data);
    let mut written = Vec::new();
    group.bench_function(format!("{name}, write"), |bencher| {
        bencher.iter(|| {
            written.clear();
            converter.from_connect_batch(Part::Value, black_box(&mut records), &mut written);
        });
    });
    written.clear();
    converter.from_connect_batch(Part::Value, &mut records, &mut written);
    let messages = messages(written.drain(..).map(|bytes| bytes.expect("the sample can be written")));
    let mut read = Vec::new();
    group.bench_function(format!("{name}, read"), |bencher| {
        bencher.iter(|| {
            read.clear();
            converter.to_connect_batch(Part::Value, black_box(&messages), &mut read);
        });
    });
}

fn converters(criterion: &mut Criterion<CpuTime>) {
    let mut group = criterion.benchmark_group("converters");
    group.throughput(Throughput::Elements(BATCH as u64));
    let plain: &[_] = &[("schemas.enable", "false")];
    both_ways(&mut group, "Json, struct of 10 fields, with schema", "JsonConverter", &[], samples::order);
    both_ways(&mut group, "Json, struct of 10 fields, without schema", "JsonConverter", plain, samples::order);
    both_ways(&mut group, "Json, map of 10 entries, without schema", "JsonConverter", plain, samples::order_map);
    both_ways(&mut group, "Json, line of text, with schema", "JsonConverter", &[], samples::line);
    both_ways(&mut group, "String, line of text", "StringConverter", &[], samples::line);
    both_ways(&mut group, "ByteArray", "ByteArrayConverter", &[], samples::bytes);
    both_ways(&mut group, "Short", "ShortConverter", &[], |n| Data::schemaless(n as i16));
    both_ways(&mut group, "Integer", "IntegerConverter", &[], |n| Data::schemaless(n as i32));
    both_ways(&mut group, "Long", "LongConverter", &[], |n| Data::schemaless(n as i64));
    both_ways(&mut group, "Float", "FloatConverter", &[], |n| Data::schemaless(n as f32));
    both_ways(&mut group, "Double", "DoubleConverter", &[], |n| Data::schemaless(n as f64));
    both_ways(&mut group, "Boolean", "BooleanConverter", &[], |n| Data::schemaless(n % 2 == 0));
    group.finish();
}

fn headers(criterion: &mut Criterion<CpuTime>) {
    let mut group = criterion.benchmark_group("header converters");
    group.throughput(Throughput::Elements(1));
    let (topic, key) = (Text::from_static("topic"), Text::from_static("key"));
    let mut simple = header_converter("SimpleHeaderConverter");
    for text in ["hello world", "42", "2.5", "true", "[1,2,3]", r#"{"a":1,"b":2}"#, "2026-11-21T12:00:00.000Z"] {
        let bytes = Some(Blob::copy_from(text.as_bytes()));
        let mut read = || simple.to_connect_header(&topic, &key, black_box(bytes.as_ref())).expect("text is read");
        let data = read();
        group.bench_function(format!("Simple, {text}, read"), |bencher| bencher.iter(&mut read));
        group.bench_function(format!("Simple, {text}, write"), |bencher| {
            bencher.iter(|| simple.from_connect_header(&topic, &key, black_box(&data)).expect("it came from text"));
        });
    }
    group.finish();
}

/// A transform by class, after the package, with its configuration.
type Step = (&'static str, &'static [(&'static str, &'static str)]);

/// Transforms with configurations that give them something to do on [`samples::order`].
const TRANSFORMS: &[Step] = &[
    ("Cast$Value", &[("spec", "items:int64,total:string")]),
    ("DropHeaders", &[("headers", "a,b")]),
    ("ExtractField$Value", &[("field", "city")]),
    ("Flatten$Value", &[]),
    ("HeaderFrom$Value", &[("fields", "city"), ("headers", "city"), ("operation", "copy")]),
    ("HoistField$Value", &[("field", "order")]),
    ("InsertField$Value", &[("static.field", "origin"), ("static.value", "bench")]),
    ("InsertHeader", &[("header", "a"), ("value.literal", "1")]),
    ("MaskField$Value", &[("fields", "customer")]),
    ("RegexRouter", &[("regex", "(to)pic"), ("replacement", "$1ps")]),
    ("ReplaceField$Value", &[("exclude", "weight"), ("renames", "city:town")]),
    ("SetSchemaMetadata$Value", &[("schema.name", "other")]),
    ("TimestampConverter$Value", &[("field", "placed"), ("target.type", "string"), ("format", "yyyy-MM-dd HH:mm:ss")]),
    ("TimestampRouter", &[("timestamp.format", "yyyyMMdd")]),
    ("ValueToKey", &[("fields", "id")]),
];

/// The chain of the side-by-side benchmark: add a field, drop one and rename another, turn a timestamp into text.
const CHAIN: &[&str] = &["InsertField$Value", "ReplaceField$Value", "TimestampConverter$Value"];

fn transforms(criterion: &mut Criterion<CpuTime>) {
    let mut group = criterion.benchmark_group("transforms");
    group.throughput(Throughput::Elements(BATCH as u64));
    for step in TRANSFORMS {
        transformed(&mut group, step.0, &[step]);
    }
    let chain: Vec<_> = TRANSFORMS.iter().filter(|(class, _)| CHAIN.contains(class)).collect();
    transformed(&mut group, "chain of InsertField, ReplaceField and TimestampConverter", &chain);
    group.finish();
}

/// Benchmarks transforms one after the other; making and dropping the records does not count.
fn transformed<M: Measurement>(group: &mut BenchmarkGroup<'_, M>, name: &str, chain: &[&Step]) {
    if let Some((class, _)) = chain.iter().find(|(class, _)| !builtins().iter().any(|b| b.class.ends_with(class))) {
        eprintln!("{name}: left out, for {class} is not built in");
        return;
    }
    let mut chain: Vec<_> = chain.iter().map(|(class, config)| transform(class, config)).collect();
    let mut records = records(samples::order);
    records.iter_mut().for_each(|record| record.timestamp = AbiOption::RSome(1_700_000_000_000));
    let mut answers = Vec::new();
    group.bench_function(name, |bencher| {
        bencher.iter_batched(
            || records.clone(),
            |mut records| {
                for transform in &mut chain {
                    answers.clear();
                    transform.apply_batch(&mut records, &mut answers);
                }
                records
            },
            BatchSize::SmallInput,
        );
    });
    if let Some(Err(error)) = answers.iter().find(|answer| answer.is_err()) {
        panic!("{name} fails on the sample: {error}");
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default().with_measurement(CpuTime).without_plots();
    targets = converters, headers, transforms
}
criterion_main!(benches);
