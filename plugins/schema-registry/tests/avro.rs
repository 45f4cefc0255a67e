//! The Avro converter with a registry: what it registers, what it asks for, and what it says when the registry refuses.
#![allow(clippy::unwrap_used, reason = "tests")]

use ferroconnect_plugin_sdk::testkit::{self, ConverterHarness, acceptance};
use ferroconnect_plugin_sdk::{Config, Data, Error, ErrorKind, Schema, SchemaBuilder, Shared, Value};
use ferroconnect_test_registry::{Level, Reference, Registry};

const CLASS: &str = "io.confluent.connect.avro.AvroConverter";

fn config(registry: &Registry, more: &[(&str, &str)]) -> Config {
    let mut config = Config::from([("max.retries", "0")]);
    config.set("schema.registry.url", registry.url());
    for (key, value) in more {
        config.set(key, value);
    }
    config
}

fn converter(registry: &Registry, more: &[(&str, &str)]) -> ConverterHarness {
    let library = testkit::library!(ferroconnect_schema_registry);
    ConverterHarness::new(&library, CLASS, config(registry, more)).unwrap()
}

fn refusal(registry: &Registry, more: &[(&str, &str)]) -> Error {
    let library = testkit::library!(ferroconnect_schema_registry);
    ConverterHarness::new(&library, CLASS, config(registry, more)).err().expect("it is refused")
}

fn user(name: &str) -> Data {
    let schema = SchemaBuilder::structure()
        .name("shop.User")
        .field("name", SchemaBuilder::string().build())
        .field("age", SchemaBuilder::int32().optional().build())
        .build();
    Data::new(schema.clone(), Value::structure(schema, vec![name.into(), Value::NULL]))
}

fn of(schema: Shared<Schema>, fields: Vec<Value>) -> Data {
    Data::new(schema.clone(), Value::structure(schema, fields))
}

#[test]
fn passes() {
    let registry = Registry::start();
    registry.set_level(None, Level::None);
    // A schema without a version of its own gets that of its subject, so these have one.
    let list = SchemaBuilder::array(SchemaBuilder::timestamp().optional().build()).version(5).build();
    let values = vec![
        Data::new(list, Value::array(vec![Value::timestamp(1), Value::NULL])),
        Data::new(SchemaBuilder::string().version(5).build(), "x"),
        Data::schemaless(Value::array(vec![1i32.into(), "a".into()])),
        Data::NULL,
    ];
    let library = testkit::library!(ferroconnect_schema_registry);
    acceptance::converter(&library, CLASS, config(&registry, &[]), values);
}

#[test]
fn a_schema_is_registered_once_and_its_version_comes_back() {
    let registry = Registry::start();
    let mut writer = converter(&registry, &[]);
    let first = writer.to_bytes("t", user("ann")).unwrap().unwrap();
    assert_eq!(&first[..5], [0, 0, 0, 0, 1]);
    assert_eq!(&first[5..], [6, b'a', b'n', b'n', 0]);
    // Another schema object that says the same is not registered again.
    writer.to_bytes("t", user("bob")).unwrap();
    let posts = |registry: &Registry| registry.requests().iter().filter(|request| request.starts_with("POST")).count();
    assert_eq!(posts(&registry), 1);
    assert_eq!(registry.schemas("t-value").len(), 1);
    let mut reader = converter(&registry, &[]);
    let read = reader.from_bytes("t", Some(&first)).unwrap();
    let schema = read.schema.get().unwrap().clone();
    assert_eq!((schema.name_str(), schema.version.into_option()), (Some("shop.User"), Some(1)));
    let asked = registry.requests().len();
    reader.from_bytes("t", Some(&first)).unwrap();
    assert_eq!(registry.requests().len(), asked);
    // The subject of another topic does not have the schema: it is read all the same.
    let copied = reader.from_bytes("copy", Some(&first)).unwrap();
    assert_eq!(copied.schema.get().unwrap().version.into_option(), None);
}

#[test]
fn null_asks_the_registry_nothing() {
    let registry = Registry::start();
    let mut converter = converter(&registry, &[]);
    assert_eq!(converter.to_bytes("t", Data::NULL).unwrap(), None);
    let optional = SchemaBuilder::string().optional().build();
    assert_eq!(converter.to_bytes("t", Data::new(optional, Value::NULL)).unwrap(), None);
    assert_eq!(converter.from_bytes("t", None).unwrap(), Data::NULL);
    let required = Data::new(SchemaBuilder::string().build(), Value::NULL);
    assert_eq!(converter.to_bytes("t", required).unwrap_err().message(), "Found null value for non-optional schema");
    assert!(registry.requests().is_empty());
}

#[test]
fn subjects_follow_the_strategy_and_the_role() {
    let registry = Registry::start();
    for (strategy, role, subject) in [
        ("TopicNameStrategy", "key", "a/b-key"),
        ("RecordNameStrategy", "value", "shop.User"),
        ("TopicRecordNameStrategy", "key", "a/b-shop.User"),
    ] {
        let class = format!("io.confluent.kafka.serializers.subject.{strategy}");
        let key = format!("{role}.subject.name.strategy");
        let mut converter = converter(&registry, &[(&key, &class), ("converter.type", role)]);
        let bytes = converter.to_bytes("a/b", user("x")).unwrap().unwrap();
        assert_eq!(registry.schemas(subject).len(), 1, "{subject}");
        let schema = converter.from_bytes("a/b", Some(&bytes)).unwrap().schema.get().unwrap().clone();
        assert_eq!(schema.version.into_option(), Some(1), "{subject}");
    }
    let mut nameless = converter(&registry, &[("value.subject.name.strategy", "RecordNameStrategy")]);
    let error = nameless.to_bytes("t", Data::new(SchemaBuilder::string().build(), "x")).unwrap_err();
    assert!(error.message().contains("no record with a name"), "{error}");
}

#[test]
fn an_incompatible_schema_is_a_data_error_with_the_registrys_reason() {
    let registry = Registry::start();
    let schema = |builder: SchemaBuilder| SchemaBuilder::structure().name("R").field("f", builder.build()).build();
    let mut converter = converter(&registry, &[]);
    converter.to_bytes("t", of(schema(SchemaBuilder::string()), vec!["x".into()])).unwrap();
    let error = converter.to_bytes("t", of(schema(SchemaBuilder::int32()), vec![1i32.into()])).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::DATA);
    let text = "Registering the AVRO schema of subject t-value: Schema being registered is incompatible with an earlier \
                schema for subject \"t-value\"";
    assert!(error.message().starts_with(text), "{error}");
    assert!(error.message().ends_with("error code: 409"), "{error}");
}

#[test]
fn a_registry_that_comes_back_is_asked_again() {
    let registry = Registry::start();
    let mut writer = converter(&registry, &[]);
    let registry = registry.restart(|| {
        let error = writer.to_bytes("t", user("x")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::RETRIABLE);
        assert!(error.message().contains("the schema registry cannot be reached: http://127.0.0.1:"), "{error}");
    });
    assert!(writer.to_bytes("t", user("x")).unwrap().is_some());
    registry.fail_next(&[503]);
    assert_eq!(writer.to_bytes("other", user("x")).unwrap_err().kind(), ErrorKind::RETRIABLE);
    let mut patient = converter(&registry, &[("max.retries", "2"), ("retries.wait.ms", "1")]);
    registry.fail_next(&[503, 500]);
    assert!(patient.to_bytes("third", user("x")).unwrap().is_some());
}

#[test]
fn the_next_address_is_asked_where_one_does_not_answer() {
    let registry = Registry::start();
    let unused = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let urls = format!("http://{unused}, {}/", registry.url());
    let mut converter = converter(&registry, &[("schema.registry.url", &urls)]);
    assert!(converter.to_bytes("t", user("x")).unwrap().is_some());
}

#[test]
fn credentials_are_sent_and_never_shown() {
    let registry = Registry::with_credentials("ann:hunter2");
    let with_user = registry.url().replace("http://", "http://ann:hunter2@");
    let info = [("basic.auth.credentials.source", "USER_INFO"), ("basic.auth.user.info", "ann:hunter2")];
    assert!(converter(&registry, &info).to_bytes("t", user("x")).unwrap().is_some());
    assert!(converter(&registry, &[("schema.registry.url", &with_user)]).to_bytes("t", user("x")).unwrap().is_some());
    let wrong = registry.url().replace("http://", "http://ann:hunter3@");
    let error = converter(&registry, &[("schema.registry.url", &wrong)]).to_bytes("t", user("x")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::CONFIG);
    assert!(error.message().contains("does not know these credentials: Unauthorized; error code: 401"), "{error}");
    assert!(!format!("{error:?}").contains("hunter"));
    let mut token = converter(&registry, &[("request.header.Authorization", "Basic YW5uOmh1bnRlcjI=")]);
    assert!(token.to_bytes("t", user("x")).unwrap().is_some());
    let down = registry.restart(|| {
        let error = converter_at(&with_user).to_bytes("t", user("x")).unwrap_err();
        assert!(!format!("{error:?}").contains("hunter"), "{error:?}");
    });
    drop(down);
}

fn converter_at(url: &str) -> ConverterHarness {
    let library = testkit::library!(ferroconnect_schema_registry);
    ConverterHarness::new(&library, CLASS, [("schema.registry.url", url), ("max.retries", "0")]).unwrap()
}

fn token_settings(issuer: &str) -> [(&str, &str); 5] {
    [
        ("bearer.auth.credentials.source", "OAUTHBEARER"),
        ("bearer.auth.issuer.endpoint.url", issuer),
        ("bearer.auth.client.id", "ann"),
        ("bearer.auth.client.secret", "hunter2"),
        ("bearer.auth.scope", "all of it"),
    ]
}

/// Answers requests for tokens, one after the other, and gives what was asked.
fn issue(answers: &'static [(u16, &'static str)]) -> (String, std::thread::JoinHandle<Vec<String>>) {
    use std::io::{BufRead, BufReader, Read, Write};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/token", listener.local_addr().unwrap());
    let answer = move |(status, answer): &(u16, &str)| {
        let mut stream = BufReader::new(listener.accept().unwrap().0);
        let (mut request, mut length) = (String::new(), 0);
        loop {
            let before = request.len();
            stream.read_line(&mut request).unwrap();
            let line = request[before..].trim_end().to_ascii_lowercase();
            if let Some(given) = line.strip_prefix("content-length: ") {
                length = given.parse().unwrap();
            }
            if line.is_empty() {
                break;
            }
        }
        let mut body = vec![0; length];
        stream.read_exact(&mut body).unwrap();
        request.push_str(std::str::from_utf8(&body).unwrap());
        let head = format!("HTTP/1.1 {status} Said\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", answer.len());
        stream.get_mut().write_all((head + answer).as_bytes()).unwrap();
        request
    };
    (url, std::thread::spawn(move || answers.iter().map(answer).collect()))
}

#[test]
fn tokens_are_fetched_and_fetched_again_when_they_lapse() {
    let registry = Registry::with_authorization("Bearer abc");
    let (url, issued) = issue(&[
        (200, r#"{"access_token":"abc","expires_in":0}"#),
        (200, r#"{"access_token":"abc","expires_in":3600}"#),
    ]);
    let settings = token_settings(&url);
    let mut first = converter(&registry, &settings);
    // The first token has lapsed when it is here; the second one lasts.
    for topic in ["a", "b", "c"] {
        assert!(first.to_bytes(topic, user("x")).unwrap().is_some());
    }
    let requests = issued.join().unwrap();
    assert!(requests[0].ends_with("grant_type=client_credentials&scope=all+of+it"), "{}", requests[0]);
    assert!(requests[0].contains("Basic YW5uOmh1bnRlcjI="), "{}", requests[0]);
}

#[test]
fn an_issuer_that_gives_no_token_is_named_and_is_no_fault_of_the_record() {
    let registry = Registry::start();
    let (url, issued) = issue(&[(400, r#"{"error":"invalid_scope"}"#), (401, "no"), (200, "{}"), (503, "<html>")]);
    let mut converter = converter(&registry, &token_settings(&url));
    for (kind, reason) in [
        (ErrorKind::CONFIG, "invalid_scope; status: 400"),
        (ErrorKind::CONFIG, "it gave no reason; status: 401"),
        (ErrorKind::CONFIG, "it gave no reason; status: 200"),
        (ErrorKind::RETRIABLE, "it gave no reason; status: 503"),
    ] {
        let error = converter.to_bytes("t", user("x")).unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        let text = format!("the issuer of tokens, {url}, gave none: {reason}");
        assert!(error.message().contains(&text) && !format!("{error:?}").contains("hunter2"), "{error}");
    }
    issued.join().unwrap();
    assert!(registry.requests().is_empty());
}

#[test]
fn an_answer_that_no_registry_gives_is_no_fault_of_the_record() {
    let (url, asked) = issue(&[(200, "<html>Log in</html>"), (200, r#"{"result":"ok"}"#)]);
    let mut converter = converter_at(&url);
    for reason in ["the answer is no JSON", "the answer of the schema registry has not a number 'id'"] {
        let error = converter.to_bytes("t", user("x")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::RETRIABLE, "{error}");
        assert!(error.message().contains(reason), "{error}");
    }
    asked.join().unwrap();
}

#[test]
fn a_token_that_was_withdrawn_is_replaced_at_once() {
    const TOKEN: (u16, &str) = (200, r#"{"access_token":"abc","expires_in":3600}"#);
    let registry = Registry::with_authorization("Bearer abc");
    let (url, issued) = issue(&[TOKEN, TOKEN, TOKEN]);
    let mut converter = converter(&registry, &token_settings(&url));
    assert!(converter.to_bytes("a", user("x")).unwrap().is_some());
    registry.fail_next(&[401]);
    assert!(converter.to_bytes("b", user("x")).unwrap().is_some());
    // One that is not good from the start is not asked for in circles.
    registry.fail_next(&[401, 401]);
    let error = converter.to_bytes("c", user("x")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::CONFIG, "{error}");
    assert_eq!(issued.join().unwrap().len(), 3);
}

#[test]
fn a_token_may_last_for_ever() {
    let registry = Registry::with_authorization("Bearer abc");
    let (url, issued) = issue(&[(200, r#"{"access_token":"abc","expires_in":18446744073709551615}"#)]);
    let mut converter = converter(&registry, &token_settings(&url));
    for topic in ["a", "b"] {
        assert!(converter.to_bytes(topic, user("x")).unwrap().is_some());
    }
    assert_eq!(issued.join().unwrap().len(), 1);
}

#[test]
fn wrong_settings_are_named_without_secrets() {
    let registry = Registry::start();
    for url in ["ftp://ann:hunter2@host", "ann:hunter2@host:1", "http://ann:hunter/2@host", "http://ann:hunter?@host"] {
        let error = refusal(&registry, &[("schema.registry.url", url)]);
        assert_eq!(error.kind(), ErrorKind::CONFIG);
        assert!(error.message().contains("schema.registry.url") && !error.message().contains("hunter"), "{error}");
        assert!(error.message().contains("host"), "{error}");
    }
    let error = refusal(&registry, &token_settings("http://ann:secret@issuer"));
    assert!(error.message().contains("@issuer for") && !error.message().contains("ann:"), "{error}");
    let missing = [("schema.registry.ssl.truststore.location", "/no/such/file")];
    assert!(refusal(&registry, &missing).message().contains("the file /no/such/file cannot be read"));
    let context = [("context.name.strategy", "com.example.Own")];
    assert!(refusal(&registry, &context).message().contains("contexts are not supported"));
    assert!(refusal(&registry, &[("proxy.host", "p")]).message().contains("proxy.port"));
}

#[test]
fn without_registering_a_schema_has_to_be_there() {
    let registry = Registry::start();
    let off = ("auto.register.schemas", "false");
    let error = converter(&registry, &[off]).to_bytes("t", user("x")).unwrap_err();
    assert!(error.message().contains("Subject 't-value' not found.; error code: 40401"), "{error}");
    let known = converter(&registry, &[]).to_bytes("t", user("x")).unwrap();
    assert_eq!(converter(&registry, &[off]).to_bytes("t", user("x")).unwrap(), known);
}

#[test]
fn the_latest_version_or_one_by_id_is_written_by_where_wanted() {
    let registry = Registry::start();
    let text = r#"{"type":"record","name":"User","namespace":"shop","fields":[
        {"name":"city","type":"string","default":"?"},{"name":"name","type":"string"},{"name":"age","type":["null","int"]}]}"#;
    let id = registry.register("t-value", "AVRO", text, &[]);
    let payload = [0, 0, 0, 0, id as u8, 2, b'?', 2, b'x', 0];
    let off = ("auto.register.schemas", "false");
    let mut latest = converter(&registry, &[off, ("use.latest.version", "true")]);
    assert_eq!(latest.to_bytes("t", user("x")).unwrap().as_deref(), Some(&payload[..]));
    let mut by_id = converter(&registry, &[off, ("use.schema.id", &id.to_string())]);
    assert_eq!(by_id.to_bytes("other", user("x")).unwrap().as_deref(), Some(&payload[..]));
    // A newer version is taken when the old one is no longer trusted.
    let mut fresh = converter(&registry, &[off, ("use.latest.version", "true"), ("latest.cache.ttl.sec", "0")]);
    fresh.to_bytes("t", user("x")).unwrap();
    let newer = registry.register("t-value", "AVRO", &text.replace("\"?\"", "\"!\""), &[]);
    assert_eq!(fresh.to_bytes("t", user("x")).unwrap().unwrap()[4], newer as u8);
    assert_eq!(latest.to_bytes("t", user("x")).unwrap().unwrap()[4], id as u8);
}

#[test]
fn references_are_followed() {
    let registry = Registry::start();
    let city = r#"{"type":"record","name":"City","namespace":"geo","fields":[{"name":"name","type":"string"}]}"#;
    let reference = |name: &str, subject: &str| Reference { name: name.into(), subject: subject.into(), version: 1 };
    registry.register("city", "AVRO", city, &[]);
    let street = r#"{"type":"record","name":"Street","namespace":"geo","fields":[{"name":"city","type":"City"}]}"#;
    registry.register("street", "AVRO", street, &[reference("geo.City", "city")]);
    let house = r#"{"type":"record","name":"House","namespace":"geo","fields":[
        {"name":"street","type":"Street"},{"name":"number","type":"int"}]}"#;
    let id = registry.register("t-value", "AVRO", house, &[reference("geo.Street", "street")]);
    let mut reader = converter(&registry, &[]);
    let data = reader.from_bytes("t", Some(&[0, 0, 0, 0, id as u8, 2, b'X', 14])).unwrap();
    let schema = data.schema.get().unwrap();
    assert_eq!(schema.fields[0].schema.fields[0].schema.name_str(), Some("geo.City"));
}

#[test]
fn a_schema_of_another_format_or_an_unknown_id_is_a_data_error() {
    let registry = Registry::start();
    let id = registry.register("t-value", "JSON", "{}", &[]);
    let mut reader = converter(&registry, &[]);
    let error = reader.from_bytes("t", Some(&[0, 0, 0, 0, id as u8, 0])).unwrap_err();
    assert_eq!(
        error.message(),
        format!("Asking for schema {id}: it is a schema of type JSON, and this converter reads AVRO")
    );
    let error = reader.from_bytes("t", Some(&[0, 0, 0, 0, 99, 0])).unwrap_err();
    assert_eq!(error.message(), "Asking for schema 99: Schema 99 not found; error code: 40403");
    assert_eq!(error.kind(), ErrorKind::DATA);
}

#[test]
fn a_schema_with_rules_is_refused_where_they_would_have_to_run() {
    let registry = Registry::start();
    let mut known = converter(&registry, &[]);
    let payload = known.to_bytes("t", user("x")).unwrap().unwrap();
    let rule = |mode: &str| {
        let rule = serde_json::json!({"name": "secrets", "kind": "TRANSFORM", "mode": mode, "type": "ENCRYPT"});
        registry.set_rules(1, serde_json::json!({ "domainRules": [rule] }));
    };
    let refused = |error: Error, schema: &str| {
        let text = format!("The data contract of {schema} has the rule 'secrets' for records that are ");
        assert!(error.kind() == ErrorKind::DATA && error.message().starts_with(&text), "{error}");
    };
    let (off, latest) = (("auto.register.schemas", "false"), ("use.latest.version", "true"));
    for (settings, schema) in [
        (&[][..], "schema 1 of subject t-value"),
        (&[off], "schema 1 of subject t-value"),
        (&[off, latest], "schema 1 of subject t-value"),
        (&[off, ("use.schema.id", "1")], "schema 1"),
    ] {
        rule("WRITEREAD");
        refused(converter(&registry, settings).to_bytes("t", user("x")).unwrap_err(), schema);
        // It is refused again out of the converter's memory, and allowed where the rule is for the other way.
        rule("READ");
        let mut writer = converter(&registry, settings);
        assert!(writer.to_bytes("t", user("x")).is_ok());
        for _ in 0..2 {
            refused(writer.from_bytes("t", Some(&payload)).unwrap_err(), "schema 1");
        }
    }
}

#[test]
fn records_are_read_without_a_version_where_the_registry_does_not_tell() {
    let registry = Registry::start();
    let mut converter = converter(&registry, &[]);
    let payload = converter.to_bytes("t", user("x")).unwrap().unwrap();
    let mut version = |topic: &str, failures: &[u16]| {
        registry.fail_next(failures);
        let data = converter.from_bytes(topic, Some(&payload))?;
        Ok(data.schema.get().unwrap().version.into_option())
    };
    assert_eq!(version("t", &[]).map_err(|error: Error| error.kind()), Ok(Some(1)));
    // The schema itself is known by now: what is asked for is where it stands.
    for (topic, failure, expected) in [
        ("a", 403, Ok(None)),
        ("b", 405, Ok(None)),
        ("c", 401, Err(ErrorKind::CONFIG)),
        ("d", 503, Err(ErrorKind::RETRIABLE)),
    ] {
        assert_eq!(version(topic, &[failure]).map_err(|error| error.kind()), expected, "{failure}");
    }
}

#[test]
fn errors_of_values_name_the_schema() {
    let registry = Registry::start();
    let schema = SchemaBuilder::structure().name("R").field("a", SchemaBuilder::string().build()).build();
    let null = || of(schema.clone(), vec![Value::NULL]);
    let mut own = converter(&registry, &[]);
    let error = own.to_bytes("t", null()).unwrap_err();
    let text = "Writing by schema 1 of subject t-value: a: Found null value for non-optional schema";
    assert_eq!((error.kind(), error.message()), (ErrorKind::DATA, text));
    let error = own.from_bytes("t", Some(&[0, 0, 0, 0, 1, 2])).unwrap_err();
    let text = "Reading by schema 1: The payload is not of its Avro schema: the payload ends within a value";
    assert_eq!((error.kind(), error.message()), (ErrorKind::DATA, text));
    let off = ("auto.register.schemas", "false");
    let error = converter(&registry, &[off, ("use.schema.id", "1")]).to_bytes("t", user("x")).unwrap_err();
    assert!(error.message().starts_with("Writing by schema 1: Incompatible schema: "), "{error}");
    registry.register("loop-value", "AVRO", r#"{"type":"record","name":"L","fields":[{"name":"l","type":"L"}]}"#, &[]);
    let error = own.from_bytes("loop", Some(&[0, 0, 0, 0, 2, 0])).unwrap_err();
    let text = "Reading by schema 2: The payload is not of its Avro schema: the data is nested deeper than 1000 levels";
    assert_eq!(error.message(), text);
}

#[test]
fn the_examples_are_for_this_library() {
    let library = testkit::library!(ferroconnect_schema_registry);
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let mut seen = 0;
    for file in std::fs::read_dir(folder).unwrap() {
        let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
        let example: serde_json::Value = serde_json::from_str(&text).unwrap();
        let settings = example["config"].as_object().unwrap();
        for role in ["key", "value"] {
            let prefix = format!("{role}.converter");
            let Some(class) = settings.get(&prefix).and_then(|class| class.as_str()) else { continue };
            if !class.starts_with("io.confluent.") {
                continue;
            }
            let mut config = Config::default();
            for (key, value) in settings {
                if let Some(own) = key.strip_prefix(&format!("{prefix}.")) {
                    let known = library.plugins().iter().flat_map(|plugin| plugin.config.keys.iter());
                    assert!(known.into_iter().any(|known| known.name.as_str() == own), "{own}");
                    config.set(own, value.as_str().unwrap());
                }
            }
            ConverterHarness::new(&library, class, config).unwrap();
            seen += 1;
        }
    }
    assert!(seen >= 1, "the examples show no converter");
}
