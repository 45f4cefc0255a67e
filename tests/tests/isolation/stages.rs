//! A stage or a config provider of a library that does wrong harms the tasks that use it, and nobody else.

use crate::house::{House, REST_LIMIT};
use ferroconnect_e2e::rest::RestClient;
use ferroconnect_e2e::unique;
use serde_json::{Map, Value};
use std::time::Instant;

/// How the misbehaving stage of one kind comes into a source.
struct Kind {
    name: &'static str,
    /// What it does for each record.
    method: &'static str,
    /// What its own keys begin with.
    prefix: &'static str,
    config: &'static [(&'static str, &'static str)],
}

const KINDS: [Kind; 4] = [
    Kind {
        name: "transform",
        method: "apply",
        prefix: "transforms.bad.",
        config: &[("transforms", "bad"), ("transforms.bad.type", "test.MisbehavingTransform")],
    },
    Kind {
        name: "predicate",
        method: "test",
        prefix: "predicates.bad.",
        config: &[
            ("transforms", "mark"),
            ("transforms.mark.type", "org.apache.kafka.connect.transforms.InsertHeader"),
            ("transforms.mark.header", "mark"),
            ("transforms.mark.value.literal", "x"),
            ("transforms.mark.predicate", "bad"),
            ("predicates", "bad"),
            ("predicates.bad.type", "test.MisbehavingPredicate"),
        ],
    },
    Kind {
        name: "converter",
        method: "to_bytes",
        prefix: "value.converter.",
        config: &[("value.converter", "test.MisbehavingConverter")],
    },
    Kind {
        name: "header-converter",
        method: "to_bytes",
        prefix: "header.converter.",
        config: &[
            ("transforms", "mark"),
            ("transforms.mark.type", "org.apache.kafka.connect.transforms.InsertHeader"),
            ("transforms.mark.header", "mark"),
            ("transforms.mark.value.literal", "x"),
            ("header.converter", "test.MisbehavingHeaderConverter"),
        ],
    },
];

impl Kind {
    /// Starts a source whose stage of this kind has these keys besides, and gives its name.
    fn start(&self, house: &House, keys: &[(&str, &str)]) -> String {
        let name = unique(self.name);
        let own: Vec<_> = keys.iter().map(|(key, value)| (format!("{}{key}", self.prefix), *value)).collect();
        let mut config = self.config.to_vec();
        config.extend(own.iter().map(|(key, value)| (key.as_str(), *value)));
        house.source(&name, &config);
        name
    }
}

/// The trace of a task that has to fail.
fn trace(house: &House, name: &str) -> String {
    let status = house.worker.rest.await_task(name, 0, "FAILED");
    status["tasks"][0]["trace"].as_str().unwrap().to_owned()
}

#[test]
fn stages_that_panic_or_fail() {
    let Some(mut house) = House::with(&["misbehaving"]) else { return };
    let mut bad = Vec::new();
    for kind in &KINDS {
        for method in ["configure", kind.method] {
            for (key, words) in [("panic.in", "told to panic in"), ("fail.in", "told to fail in")] {
                bad.push((kind.start(&house, &[(key, method)]), format!("{words} {method}")));
            }
        }
    }
    for (name, words) in &bad {
        let trace = trace(&house, name);
        assert!(trace.contains(words), "{name}, {words}: {trace}");
    }
    house.neighbour_goes_on();
    house.ends_in_time();
}

#[test]
fn stages_that_hang() {
    let Some(mut house) = House::with(&["misbehaving"]) else { return };
    let mut bad = Vec::new();
    for kind in &KINDS {
        bad.push(kind.start(&house, &[("hang.in", "configure")]));
        let name = kind.start(&house, &[("hang.in", kind.method), ("after.calls", "1")]);
        house.moves_records(&name);
        bad.push(name);
    }
    house.neighbour_goes_on();
    for name in &bad {
        house.gives_up(&format!("{name}-0"), "DELETE", &format!("/connectors/{name}"));
    }
    // The sink's side.
    house.bad_sink(&[
        ("value.converter", "test.MisbehavingConverter"),
        ("value.converter.hang.in", "from_bytes"),
        ("consumer.override.auto.offset.reset", "earliest"),
    ]);
    house.worker.rest.await_task("bad", 0, "RUNNING");
    house.neighbour_goes_on();
    house.is_given_up_by("PUT", "/connectors/bad/stop");
    house.ends_in_time();
}

#[test]
fn stages_that_give_malformed_data() {
    let Some(mut house) = House::with(&["misbehaving"]) else { return };
    let [transform, ..] = &KINDS;
    let what = [
        "too-few-fields",
        "too-many-fields",
        "other-struct",
        "no-struct",
        "other-type",
        "required-null",
        "unknown-type",
    ];
    let start = |what: &str| {
        let name = unique(what);
        let mut config = transform.config.to_vec();
        config.extend([
            ("transforms.bad.malformed", what),
            ("value.converter", "org.apache.kafka.connect.json.JsonConverter"),
        ]);
        house.source(&name, &config);
        name
    };
    let bad = what.map(start);
    // JSON has no need to know the type of the elements.
    house.moves_records(&start("schema-without-items"));
    for name in &bad {
        let trace = trace(&house, name);
        assert!(!trace.contains("panicked"), "{name}: {trace}");
    }
    house.neighbour_goes_on();
    house.ends_in_time();
}

/// A connector with one value from the provider of this name.
fn with_provider(provider: &str) -> Value {
    let file = format!("${{{provider}:path:key}}");
    let config = [("connector.class", "FileStreamSource"), ("topic", "t"), ("file", file.as_str())];
    Value::Object(config.iter().map(|&(key, value)| (key.to_owned(), value.into())).collect::<Map<_, _>>())
}

#[test]
fn config_providers_that_panic_fail_or_hang() {
    let mut port = 0;
    let house = House::prepared(&["misbehaving"], |setup| {
        port = setup.port();
        setup.set("config.providers", "panics,fails,hangs");
        for (name, key) in [("panics", "panic.in"), ("fails", "fail.in"), ("hangs", "hang.in")] {
            setup.set(&format!("config.providers.{name}.class"), "test.MisbehavingProvider");
            setup.set(&format!("config.providers.{name}.param.{key}"), "get");
        }
    });
    let Some(mut house) = house else { return };
    let hanging = std::thread::spawn(move || {
        let rest = RestClient::new(&format!("http://127.0.0.1:{port}"));
        rest.put("/connectors/hanging/config", Some(&with_provider("hangs")))
    });
    for (provider, words) in [("panics", "told to panic in get"), ("fails", "told to fail in get")] {
        // Behind the one that hangs if that came first: checks of one connector class wait for each other.
        let answer = house.worker.rest.put(&format!("/connectors/{provider}/config"), Some(&with_provider(provider)));
        assert!(answer.status >= 400 && answer.text.contains(words), "{answer:?}");
    }
    let answer = hanging.join().unwrap();
    assert!(answer.status >= 400, "{answer:?}");
    assert!(answer.text.contains("Config provider 'hangs': It did not answer get within 30000 ms"), "{answer:?}");
    let begun = Instant::now();
    house.source("good", &[]);
    house.worker.rest.await_task("good", 0, "RUNNING");
    assert!(begun.elapsed() < REST_LIMIT, "a connector without variables took {:?}", begun.elapsed());
    house.neighbour_goes_on();
    house.ends_in_time();
}
