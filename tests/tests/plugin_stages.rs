//! Transforms, predicates, converters, header converters and config providers from libraries, under a running worker: they
//! work wherever the built-in ones do, and what a provider gives is shown nowhere.
//!
//! The Java worker cannot load these libraries, so there is no control.
#![allow(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use ferroconnect_e2e::kafka::{Kafka, Record};
use ferroconnect_e2e::process::read_lossy;
use ferroconnect_e2e::unique;
use ferroconnect_e2e::wait::{PATIENCE, until, until_some};
use ferroconnect_e2e::worker::{Subject, Worker, WorkerSetup};
use serde_json::{Map, Value, json};
use std::path::Path;

/// A worker with the library's config provider as `vault`, whose file `app.json` holds `values`.
fn worker_with_vault(values: &Value) -> WorkerSetup {
    let mut setup = WorkerSetup::new(Subject::Ferroconnect, Kafka::shared());
    let folder = setup.path("vault");
    std::fs::create_dir(&folder).unwrap();
    setup.set("config.providers", "vault").set("config.providers.vault.class", "JsonFileProvider");
    setup.set("config.providers.vault.param.folder", folder.to_str().unwrap());
    fill_vault(&setup, values);
    setup
}

/// Puts other values in the place of those of the vault, all at once.
fn fill_vault(setup: &WorkerSetup, values: &Value) {
    let new = setup.path("app.json.new");
    std::fs::write(&new, values.to_string()).unwrap();
    std::fs::rename(new, setup.path("vault/app.json")).unwrap();
}

/// Numbered structs, of which those whose number ends in 0 to 4 stay, masked unless it ends in 3.
fn numbers_config(topic: &str) -> Vec<(&str, &str)> {
    vec![
        ("connector.class", "VerifiableSource"),
        ("tasks.max", "1"),
        ("topic", topic),
        ("throughput", "50"),
        ("complete.record.data", "true"),
        ("transforms", "drop,mask"),
        ("transforms.drop.type", "org.apache.kafka.connect.transforms.Filter"),
        ("transforms.drop.predicate", "low"),
        ("transforms.drop.negate", "true"),
        ("transforms.mask.type", "MaskPattern"),
        ("transforms.mask.pattern", "^.*$"),
        ("transforms.mask.replacement", "${vault:app.json:mask}"),
        ("transforms.mask.field", "name"),
        ("transforms.mask.predicate", "three"),
        ("transforms.mask.negate", "true"),
        ("predicates", "low,three"),
        ("predicates.low.type", "FieldMatches"),
        ("predicates.low.pattern", "[0-4]$"),
        ("predicates.low.field", "seqno"),
        ("predicates.three.type", "ferroconnect.sample.FieldMatches"),
        ("predicates.three.pattern", "3$"),
        ("predicates.three.field", "seqno"),
        ("value.converter", "CsvConverter"),
        ("value.converter.columns", "${vault:app.json:columns}"),
    ]
}

/// The number and the name of each record.
fn rows(records: &[Record]) -> Vec<(i64, String)> {
    let row = |record: &Record| {
        let text = record.text().unwrap();
        let (number, name) = text.split_once(',').unwrap_or_else(|| panic!("{text}: two columns are wanted"));
        (number.parse().unwrap(), name.to_owned())
    };
    records.iter().map(row).collect()
}

#[test]
fn stages_and_providers_of_libraries_work_in_a_connector() {
    let kafka = Kafka::shared();
    let mut setup = worker_with_vault(&json!({"mask": "old", "columns": "seqno,name"}));
    setup.set("config.providers.vault.param.ttl.ms", "1500");
    let (topic, name) = (unique("stages"), unique("numbers"));
    kafka.create_topic(&topic, 1);
    let worker = setup.start();
    worker.rest.put_connector(&name, &numbers_config(&topic));
    worker.rest.await_task(&name, 0, "RUNNING");

    for (number, text) in rows(&kafka.read_at_least(&topic, 10)) {
        assert!((0..5).contains(&(number % 10)), "record {number} was not dropped");
        assert_eq!(text, if number % 10 == 3 { &name } else { "old" }, "record {number}");
    }
    // The values lapse: the connector is started again, with those of now.
    fill_vault(&setup, &json!({"mask": "new", "columns": "seqno,name"}));
    until("a record with the new value", || rows(&kafka.read(&topic)).iter().any(|(_, text)| text == "new"));
    let config = worker.rest.get(&format!("/connectors/{name}/config")).json();
    assert_eq!(config["transforms.mask.replacement"], "${vault:app.json:mask}");
}

#[test]
fn a_converter_of_a_library_can_be_the_workers_own() {
    let kafka = Kafka::shared();
    let mut setup = worker_with_vault(&json!({"columns": "id,city"}));
    setup.set("value.converter", "ferroconnect.sample.CsvConverter");
    setup.set("value.converter.columns", "${vault:app.json:columns}");
    let (topic, name, output) = (unique("cities"), unique("cities"), setup.path("cities.txt"));
    kafka.create_topic(&topic, 1);
    let worker = setup.start();
    let config = [
        ("connector.class", "FileStreamSink"),
        ("topics", &topic),
        ("file", output.to_str().unwrap()),
        ("consumer.override.auto.offset.reset", "earliest"),
        ("errors.tolerance", "all"),
        ("transforms", "drop,city"),
        ("transforms.drop.type", "org.apache.kafka.connect.transforms.Filter"),
        ("transforms.drop.predicate", "away"),
        ("transforms.city.type", "org.apache.kafka.connect.transforms.ExtractField$Value"),
        ("transforms.city.field", "city"),
        ("predicates", "away"),
        ("predicates.away.type", "FieldMatches"),
        ("predicates.away.pattern", "^Paris$"),
        ("predicates.away.field", "city"),
    ];
    worker.rest.put_connector(&name, &config);
    // The third line has too few cells: a data error, which is tolerated.
    kafka.write(&topic, 0, ["1,Rome", "2,Paris", "3", "4,\"Bath, Avon\""]);
    until_some("the cities", PATIENCE, || match read_lossy(&output) {
        text if text == "Rome\nBath, Avon\n" => Ok(()),
        text => Err(text),
    });
}

/// Numbered records with the header `priority`, the number 7.
fn prioritized(topic: &str) -> Vec<(&str, &str)> {
    vec![
        ("connector.class", "VerifiableSource"),
        ("tasks.max", "1"),
        ("topic", topic),
        ("throughput", "50"),
        ("transforms", "priority"),
        ("transforms.priority.type", "org.apache.kafka.connect.transforms.InsertHeader"),
        ("transforms.priority.header", "priority"),
        ("transforms.priority.value.literal", "7"),
    ]
}

/// The headers of a topic's records, which all have the same.
fn headers(topic: &str) -> Vec<(String, Option<Vec<u8>>)> {
    let mut records = Kafka::shared().read_at_least(topic, 5).into_iter().map(|record| record.headers);
    let first = records.next().unwrap();
    assert!(records.all(|headers| headers == first), "{topic} has records with other headers than {first:?}");
    first
}

#[test]
fn a_header_converter_of_a_library_works_for_the_worker_and_for_a_connector() {
    let kafka = Kafka::shared();
    let mut setup = WorkerSetup::new(Subject::Ferroconnect, kafka);
    setup.set("header.converter", "ferroconnect.sample.BinaryHeaderConverter");
    setup.set("header.converter.int64", "priority");
    let worker = setup.start();
    let (long, short) = (unique("long"), unique("short"));
    for topic in [&long, &short] {
        kafka.create_topic(topic, 1);
    }
    worker.rest.put_connector(&long, &prioritized(&long));
    let mut own = prioritized(&short);
    own.extend([("header.converter", "Binary"), ("header.converter.int32", "priority")]);
    worker.rest.put_connector(&short, &own);
    assert_eq!(headers(&long), [("priority".to_owned(), Some(vec![0, 0, 0, 0, 0, 0, 0, 7]))]);
    assert_eq!(headers(&short), [("priority".to_owned(), Some(vec![0, 0, 0, 7]))]);

    // Sinks read with the worker's: only the long headers are of that form.
    let (good, bad, output) = (unique("good"), unique("bad"), setup.path("good.txt"));
    let sink = |topics| {
        let file = ("file", output.to_str().unwrap());
        let earliest = ("consumer.override.auto.offset.reset", "earliest");
        [("connector.class", "FileStreamSink"), ("topics", topics), file, earliest]
    };
    worker.rest.put_connector(&bad, &sink(&short));
    let status = worker.rest.await_task(&bad, 0, "FAILED");
    let trace = status["tasks"][0]["trace"].as_str().unwrap();
    assert!(trace.contains("Header priority is to be read as Int64, and its 4 bytes cannot be"), "{trace}");
    assert!(trace.contains("HEADER_CONVERTER"), "{trace}");
    assert_eq!(read_lossy(&output), "");
    worker.rest.put_connector(&good, &sink(&long));
    until("five records with long headers", || read_lossy(&output).lines().count() >= 5);
    worker.rest.await_task(&good, 0, "RUNNING");
}

#[test]
fn keys_of_libraries_are_listed_and_validated() {
    let worker = worker_with_vault(&json!({})).start();
    let plugins = worker.rest.get("/connector-plugins?connectorsOnly=false").json();
    for (class, kind) in [
        ("MaskPattern", "transformation"),
        ("FieldMatches", "predicate"),
        ("CsvConverter", "converter"),
        ("BinaryHeaderConverter", "header_converter"),
    ] {
        let class = format!("ferroconnect.sample.{class}");
        let listed = |plugin: &&Value| plugin["class"] == *class && plugin["type"] == kind;
        assert_eq!(plugins.as_array().unwrap().iter().filter(listed).count(), 1, "{class} in {plugins}");
    }
    let keys = worker.rest.get("/connector-plugins/FieldMatches/config").json();
    let names: Vec<_> = keys.as_array().unwrap().iter().map(|key| key["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["pattern", "field", "in"]);

    let mut config: Map<String, Value> =
        numbers_config("t").into_iter().map(|(key, value)| (key.to_owned(), value.into())).collect();
    config.insert("name".into(), "n".into());
    config.remove("predicates.low.pattern");
    config.insert("predicates.three.in".into(), "header".into());
    let answer = worker.rest.put("/connector-plugins/VerifiableSource/config/validate", Some(&config.into())).json();
    let errors = |name: &str| {
        let all = answer["configs"].as_array().unwrap();
        let found = all.iter().find(|config| config["value"]["name"] == name);
        found.unwrap_or_else(|| panic!("{name} is not listed: {answer}"))["value"]["errors"].to_string()
    };
    assert_eq!(errors("transforms.mask.pattern"), "[]");
    assert!(errors("predicates.low.pattern").contains("Missing required configuration"), "{answer}");
    assert!(errors("predicates.three.in").contains("Invalid value header for configuration"), "{answer}");
}

/// What must not be seen. Each is used at another place, so that one that is seen tells where.
const SECRETS: [(&str, &str); 6] = [
    ("client", "hush-client-6f1d"),
    ("converter", "hush-converter-2b8e"),
    ("transform", "hush-transform-9c04"),
    ("predicate", "hush-predicate-71aa"),
    ("task", "hush-task-e35c"),
    ("broken", "(hush-broken-48d7"),
];

fn vault_of_secrets() -> Value {
    SECRETS.iter().map(|&(key, value)| (key.to_owned(), Value::from(value))).collect::<Map<_, _>>().into()
}

const JAAS: &str = "org.apache.kafka.common.security.plain.PlainLoginModule required username=\"me\" \
                    password=\"${vault:app.json:client}\";";

/// A connector that uses a secret at every place, and works.
fn secretive_config(topic: &str) -> Vec<(&str, &str)> {
    vec![
        ("connector.class", "VerifiableSource"),
        ("tasks.max", "1"),
        ("topic", topic),
        ("throughput", "50"),
        ("complete.record.data", "true"),
        ("api.token", "${vault:app.json:task}"),
        ("producer.override.sasl.jaas.config", JAAS),
        ("value.converter", "CsvConverter"),
        ("value.converter.columns", "seqno,${vault:app.json:converter}"),
        ("transforms", "mask"),
        ("transforms.mask.type", "MaskPattern"),
        ("transforms.mask.pattern", "${vault:app.json:transform}"),
        ("transforms.mask.field", "name"),
        ("transforms.mask.predicate", "never"),
        ("predicates", "never"),
        ("predicates.never.type", "FieldMatches"),
        ("predicates.never.pattern", "${vault:app.json:predicate}"),
        ("predicates.never.field", "name"),
    ]
}

/// Each of these is made wrong by a secret, which the plugin then quotes in its error.
const BREAKAGES: [(&str, &str); 3] = [
    ("transforms.mask.pattern", "${vault:app.json:broken}"),
    ("predicates.never.pattern", "${vault:app.json:broken}"),
    ("value.converter.columns", "${vault:app.json:converter},${vault:app.json:converter}"),
];

fn assert_no_secrets(place: &str, text: &str) {
    for (key, secret) in SECRETS {
        let line = text.lines().find(|line| line.contains(secret));
        assert!(line.is_none(), "{place} shows the secret of the {key}: {}", line.unwrap_or_default());
    }
}

/// Asks for everything there is to know about a connector.
fn assert_rest_tells_no_secrets(worker: &Worker, name: &str) {
    let of_connector = ["", "/config", "/status", "/tasks", "/tasks-config", "/tasks/0/status", "/topics", "/offsets"];
    let of_worker = ["/", "/health", "/connectors?expand=info&expand=status", "/admin/loggers", "/connector-plugins"];
    let paths = of_connector.iter().map(|path| format!("/connectors/{name}{path}"));
    for path in paths.chain(of_worker.iter().map(|&path| path.to_owned())) {
        assert_no_secrets(&format!("GET {path}"), &worker.rest.get(&path).text);
    }
}

fn assert_files_hold_no_secrets(folder: &Path) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        // The vault is the one place where they belong.
        if path.is_file() {
            assert_no_secrets(&path.display().to_string(), &read_lossy(&path));
        }
    }
}

#[test]
fn a_secret_is_shown_nowhere() {
    let kafka = Kafka::shared();
    let mut setup = worker_with_vault(&vault_of_secrets());
    setup.env("FERROCONNECT_LOG", "trace");
    let (topic, name) = (unique("hush"), unique("hush"));
    kafka.create_topic(&topic, 1);
    let mut worker = setup.start();
    assert_eq!(worker.rest.get("/admin/loggers/root").json()["level"], "TRACE");
    worker.rest.put_connector(&name, &secretive_config(&topic));
    worker.rest.await_task(&name, 0, "RUNNING");
    for record in kafka.read_at_least(&topic, 10) {
        assert_no_secrets("the topic", &format!("{:?} {:?}", record.text(), record.headers));
    }
    until("stored offsets", || !worker.rest.get(&format!("/connectors/{name}/offsets")).text.contains("[]"));
    assert_rest_tells_no_secrets(&worker, &name);
    let tasks = worker.rest.get(&format!("/connectors/{name}/tasks")).text;
    assert!(tasks.contains("${vault:app.json:task}"), "the task's secret has to be the variable: {tasks}");

    for (key, value) in BREAKAGES {
        let broken = unique("broken");
        let mut config = secretive_config(&topic);
        config.iter_mut().find(|(name, _)| *name == key).unwrap().1 = value;
        let mut json: Map<String, Value> = config.iter().map(|&(key, value)| (key.to_owned(), value.into())).collect();
        json.insert("name".into(), broken.as_str().into());
        let json = Value::Object(json);
        let validated = worker.rest.put("/connector-plugins/VerifiableSource/config/validate", Some(&json));
        assert_no_secrets(&format!("validation of {key}"), &validated.text);
        let answer = worker.rest.put(&format!("/connectors/{broken}/config"), Some(&json));
        assert_no_secrets(&format!("the answer to a wrong {key}"), &answer.text);
        if answer.status < 300 {
            let status = worker.rest.await_task(&broken, 0, "FAILED");
            let trace = status["tasks"][0]["trace"].as_str().unwrap();
            assert!(trace.contains("Invalid value"), "{trace}");
            assert_rest_tells_no_secrets(&worker, &broken);
        }
    }

    worker.terminate();
    assert!(setup.logs().contains("Invalid value ${vault:app.json:"), "the plugins were to quote what is wrong");
    assert_files_hold_no_secrets(setup.dir());
}
