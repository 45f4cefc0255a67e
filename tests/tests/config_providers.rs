//! Config providers of the worker: what they give, what they may not give, and what is said when they cannot.

#![allow(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use ferroconnect_e2e::kafka::{Kafka, Record};
use ferroconnect_e2e::unique;
use ferroconnect_e2e::wait::PATIENCE;
use ferroconnect_e2e::worker::{Subject, WorkerSetup};
use serde_json::json;
use std::fs;

const PACKAGE: &str = "org.apache.kafka.common.config.provider";

fn ours() -> bool {
    Subject::from_env() == Subject::Ferroconnect
}

/// A worker with all three providers, two of them held to the folder `allowed`, the third to names that begin so.
fn setup() -> WorkerSetup {
    let mut setup = WorkerSetup::new(Subject::from_env(), Kafka::shared());
    for folder in ["allowed", "elsewhere"] {
        let folder = setup.path(folder);
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("secrets.properties"), "key=from a file\n").unwrap();
        fs::write(folder.join("key"), "from a folder").unwrap();
    }
    let allowed = setup.path("allowed").to_str().unwrap().to_owned();
    setup.set("config.providers", "file,dir,env");
    for (name, class, key, value) in [
        ("file", "FileConfigProvider", "allowed.paths", allowed.as_str()),
        ("dir", "DirectoryConfigProvider", "allowed.paths", allowed.as_str()),
        ("env", "EnvVarConfigProvider", "allowlist.pattern", "GIVEN_.*"),
    ] {
        setup.set(&format!("config.providers.{name}.class"), &format!("{PACKAGE}.{class}"));
        setup.set(&format!("config.providers.{name}.param.{key}"), value);
    }
    setup.env("GIVEN_KEY", "from the environment").env("KEPT_KEY", "kept");
    setup
}

/// Each variable becomes a field of the records, so that what a task sees can be read in the topic.
#[test]
fn only_what_is_allowed_is_given() {
    let kafka = Kafka::shared();
    let mut setup = setup();
    let (input, topic) = (setup.path("in.txt"), unique("given"));
    let folder = |name: &str| setup.path(name).to_str().unwrap().to_owned();
    let (allowed, elsewhere) = (folder("allowed"), folder("elsewhere"));
    let variables = [
        (format!("${{file:{allowed}/secrets.properties:key}}"), Some("from a file")),
        (format!("${{file:{allowed}/secrets.properties:none}}"), None),
        (format!("${{file:{elsewhere}/secrets.properties:key}}"), None),
        (format!("${{file:{allowed}/../elsewhere/secrets.properties:key}}"), None),
        (format!("${{dir:{allowed}:key}}"), Some("from a folder")),
        (format!("${{dir:{elsewhere}:key}}"), None),
        (format!("${{dir:{allowed}:../elsewhere/key}}"), None),
        ("${env:GIVEN_KEY}".to_owned(), Some("from the environment")),
        ("${env:KEPT_KEY}".to_owned(), None),
        ("${nobody:key}".to_owned(), None),
    ];
    fs::write(&input, "line\n").unwrap();
    let names: Vec<String> = (0..variables.len()).map(|n| format!("v{n}")).collect();
    let mut text = format!(
        "name={topic}\nconnector.class=org.apache.kafka.connect.file.FileStreamSourceConnector\nfile={}\n\
         topic={topic}\ntransforms=hoist,{}\ntransforms.hoist.type=org.apache.kafka.connect.transforms.HoistField$Value\n\
         transforms.hoist.field=line\n",
        input.display(),
        names.join(",")
    );
    for (name, (variable, _)) in names.iter().zip(&variables) {
        text += &format!(
            "transforms.{name}.type=org.apache.kafka.connect.transforms.InsertField$Value\n\
             transforms.{name}.static.field={name}\ntransforms.{name}.static.value={variable}\n"
        );
    }
    setup.connector_file("given.properties", &text);
    let worker = setup.start();
    let fields =
        names.iter().zip(&variables).map(|(name, (variable, given))| format!(",{name}={}", given.unwrap_or(variable)));
    let wanted = format!("Struct{{line=line{}}}", fields.collect::<String>());
    assert_eq!(kafka.read_at_least(&topic, 1).iter().filter_map(Record::text).collect::<Vec<_>>(), [wanted]);
    // The stored configuration keeps the variables.
    let config = worker.rest.get(&format!("/connectors/{topic}/config")).json();
    assert_eq!(config["transforms.v0.static.value"], variables[0].0);
}

/// A provider that cannot give what is asked says why, in Kafka's words.
#[test]
fn what_cannot_be_read_is_an_error() {
    let setup = &mut setup();
    let missing = setup.path("allowed").join("none.properties");
    let worker = setup.start();
    for (variable, says) in [
        (
            format!("${{file:{}:key}}", missing.display()),
            format!("Could not read properties from file {}", missing.display()),
        ),
        (
            "${env:a/path:GIVEN_KEY}".to_owned(),
            "Path is not supported for EnvVarConfigProvider, invalid value 'a/path'".to_owned(),
        ),
    ] {
        let name = unique("wrong");
        let config = json!({"name": name, "connector.class": "FileStreamSource", "topic": "t", "file": variable});
        let answer = worker.rest.put(&format!("/connectors/{name}/config"), Some(&config));
        assert!(answer.status >= 400, "{variable}: {answer:?}");
        assert!(answer.text.contains(&says), "{variable}: {answer:?}");
    }
    assert_eq!(worker.rest.get("/connectors").json(), json!([]));
}

/// Settings of providers that make no sense end the worker before it does anything.
#[test]
fn wrong_settings_of_a_provider_end_the_worker() {
    for (key, value, says) in [
        ("file.param.allowed.paths", "relative/path", "Path relative/path is not absolute"),
        ("dir.param.allowed.paths", "/no/such/folder", "Path /no/such/folder does not exist"),
        ("env.param.allowlist.pattern", "(", "("),
    ] {
        let mut setup = setup();
        let key = format!("config.providers.{key}");
        setup.set(&key, value);
        let mut worker = setup.spawn();
        assert_ne!(worker.wait(PATIENCE).code(), Some(0));
        let log = worker.log();
        assert!(log.contains(says), "{key}={value}: {says} is not in\n{log}");
        assert!(!ours() || log.contains("config.providers"), "{key}={value}: the key is not in\n{log}");
    }
}
