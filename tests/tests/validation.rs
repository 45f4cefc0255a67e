//! What validation answers, as Kafka Connect 4.3.1 did: errors word by word, values, recommended values, definitions,
//! groups and their order, for right and wrong values of every kind of key.
//!
//! `golden/validation.json` holds the whole answer for a plain source and a plain sink (`base`), and for each case what
//! differs from it. A case is the configuration of its base with the keys in `set` and without those in `unset`, sent to
//! the plugin in `plugin` or to its base's. `gone` are keys that are not in the answer, `configs` the entries that are
//! others or come in at a place (`at`); `definition` points into `definitions`, the third part of a value into
//! `recommended`.
#![allow(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use ferroconnect_e2e::kafka::Kafka;
use ferroconnect_e2e::worker::{Subject, WorkerSetup, plugins};
use serde_json::{Map, Value, json};

/// What FileStream has beyond Kafka's, as `docs/differences.md` says.
const ADDED_KEYS: [&str; 2] = ["file.change.detection", "fsync"];

struct Recorded(Value);

impl Recorded {
    fn read() -> Self {
        Self(serde_json::from_str(include_str!("../golden/validation.json")).unwrap())
    }

    fn cases(&self) -> &[Value] {
        self.0["cases"].as_array().unwrap()
    }

    /// The answer that a case must have.
    fn answer(&self, case: &Value) -> Value {
        let mut answer = self.0["base"][case["base"].as_str().unwrap()].clone();
        for part in ["name", "groups", "error_count"] {
            if let Some(value) = case.get(part) {
                answer[part] = value.clone();
            }
        }
        let (gone, changes) = (list(&case["gone"]), list(&case["configs"]));
        let is_changed = |name: &Value| changes.iter().any(|change| change["value"][0] == *name);
        let entries = answer["configs"].as_array_mut().unwrap();
        entries.retain(|entry| !gone.contains(&entry["value"]["name"]));
        let before: Vec<Value> = entries.extract_if(.., |entry| is_changed(&entry["value"]["name"])).collect();
        for change in changes {
            let value = self.value(&change["value"]);
            let definition = match change.get("definition") {
                Some(Value::Null) => Value::Null,
                Some(index) => self.0["definitions"][number(index)].clone(),
                None => {
                    let same = before.iter().find(|entry| entry["value"]["name"] == value["name"]);
                    same.expect("an entry without definition is one of the base")["definition"].clone()
                }
            };
            entries.insert(number(&change["at"]), json!({"definition": definition, "value": value}));
        }
        answer
    }

    fn value(&self, short: &Value) -> Value {
        let recommended = &self.0["recommended"][number(&short[2])];
        json!({
            "name": short[0], "value": short[1], "recommended_values": recommended, "errors": short[3],
            "visible": short[4],
        })
    }
}

fn number(value: &Value) -> usize {
    usize::try_from(value.as_u64().unwrap()).unwrap()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

/// The configuration that a case sends, and the plugin it is sent to.
fn request(case: &Value) -> (String, Map<String, Value>) {
    let base = match case["base"].as_str() {
        Some("source") => json!({"connector.class": "FileStreamSource", "name": "c", "topic": "t"}),
        _ => json!({"connector.class": "FileStreamSink", "name": "c", "topics": "t"}),
    };
    let plugin = case.get("plugin").unwrap_or(&base["connector.class"]).as_str().unwrap().to_owned();
    let mut config = base.as_object().unwrap().clone();
    config.retain(|key, _| !list(&case["unset"]).iter().any(|gone| gone == key));
    config.extend(case["set"].as_object().unwrap().clone());
    (plugin, config)
}

/// Takes out what may differ: the words of documentation, and the keys that only our plugin has.
fn normal(mut answer: Value) -> Value {
    if let Some(entries) = answer["configs"].as_array_mut() {
        entries.retain(|entry| !ADDED_KEYS.iter().any(|key| entry["value"]["name"] == *key));
        for entry in entries {
            if entry["definition"]["documentation"].as_str().is_some_and(|text| !text.is_empty()) {
                entry["definition"]["documentation"] = "<text>".into();
            }
        }
    }
    answer
}

/// The parts of two answers that are not the same, one line each.
fn differences(want: &Value, got: &Value) -> Vec<String> {
    let mut found = Vec::new();
    for part in ["name", "error_count", "groups"] {
        if want[part] != got[part] {
            found.push(format!("{part}: want {}, got {}", want[part], got[part]));
        }
    }
    let names =
        |answer: &Value| list(&answer["configs"]).iter().map(|entry| entry["value"]["name"].to_string()).collect();
    let (wanted, given): (Vec<String>, Vec<String>) = (names(want), names(got));
    if wanted != given {
        found.push(format!("keys: want {wanted:?}, got {given:?}"));
    }
    for (want, got) in list(&want["configs"]).iter().zip(list(&got["configs"])) {
        if want != got && want["value"]["name"] == got["value"]["name"] {
            found.push(format!("want {want}\n     got {got}"));
        }
    }
    found
}

#[test]
fn validation_answers_are_those_of_kafka_connect() {
    let subject = Subject::from_env();
    let mut setup = WorkerSetup::new(subject, Kafka::shared());
    if subject == Subject::Ferroconnect {
        // The recorded worker had the file connectors and no other plugin of others.
        setup.set("plugin.path", plugins().join("file-stream").to_str().unwrap());
    }
    for side in ["key.converter", "value.converter"] {
        setup.set(side, "org.apache.kafka.connect.json.JsonConverter");
    }
    let worker = setup.start();
    let recorded = Recorded::read();
    assert!(recorded.cases().len() > 400, "only {} cases", recorded.cases().len());
    let mut wrong = 0;
    for case in recorded.cases() {
        let (plugin, config) = request(case);
        let path = format!("/connector-plugins/{plugin}/config/validate");
        let answer = worker.rest.put(&path, Some(&Value::Object(config.clone())));
        assert_eq!(answer.status, 200, "{path} {config:?}: {answer:?}");
        let found = differences(&recorded.answer(case), &normal(answer.json()));
        if !found.is_empty() {
            wrong += 1;
            println!("{path} {}\n  {}", Value::Object(config), found.join("\n  "));
        }
    }
    assert_eq!(wrong, 0, "of {} answers differ from those recorded, see above", recorded.cases().len());
}
