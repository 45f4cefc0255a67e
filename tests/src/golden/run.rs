//! Runs one case.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use ferroconnect::config::{PluginKind, Props};
use ferroconnect::error::ConnectError;
use ferroconnect::stages::{BuiltIn, Converter, Factory, Part, Predicate, RawMessage, Transform, builtins};
use ferroconnect_plugin_abi::containers::AbiVec;
use ferroconnect_plugin_abi::record::TimestampType;
use ferroconnect_plugin_abi::{Blob, Data, Record, Text};
use regex::Regex;
use serde_json::{Value as Json, json};

use super::data::{NotRepresentable, bytes, data, record};
use super::intended;
use super::judge::difference;
use super::{Case, notation};

/// How a case went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// As recorded.
    Passed,
    /// Not as recorded, and listed as different on purpose under this name.
    Intended(&'static str),
    /// Not as recorded; one line for each thing that differs.
    Failed(Vec<String>),
    /// The case cannot be run here; the text says why.
    Skipped(&'static str),
}

impl Outcome {
    fn failed(line: impl Into<String>) -> Outcome {
        Outcome::Failed(vec![line.into()])
    }
}

/// Runs a case against the stage of its class: one record by itself, and a batch of two like it, each on a fresh
/// stage. All answers have to be the recorded one. A panic is a failure.
pub fn run(case: &Case) -> Outcome {
    catch_unwind(AssertUnwindSafe(|| run_unguarded(case)))
        .unwrap_or_else(|panic| Outcome::failed(format!("panicked: {}", panic_text(panic.as_ref()))))
}

fn panic_text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("without a text")
}

fn run_unguarded(case: &Case) -> Outcome {
    let kind = match case.kind() {
        "converter" => PluginKind::Converter,
        "header_converter" => PluginKind::HeaderConverter,
        "transform" => PluginKind::Transformation,
        "predicate" => PluginKind::Predicate,
        other => return Outcome::failed(format!("there is no kind of case {other:?}")),
    };
    let all = builtins();
    let Some(builtin) = all.iter().find(|builtin| builtin.class == case.class() && builtin.kind() == kind) else {
        return Outcome::failed(format!("there is no {kind} {}", case.class()));
    };
    let input = match Input::of(case) {
        Ok(input) => input,
        Err(NotRepresentable) => return Outcome::Skipped(NOT_UNICODE),
    };
    for manner in [Manner::Single, Manner::Batch] {
        for given in answers(builtin, case, &input, manner) {
            let Ok(mut differences) = difference(&case.0["expect"], &given) else {
                return Outcome::Skipped(NOT_UNICODE);
            };
            if differences.is_empty() {
                continue;
            }
            if let Some(name) = intended::name(&case.0, &given) {
                return Outcome::Intended(name);
            }
            if manner == Manner::Batch {
                differences.insert(0, "by itself as recorded, but in a batch:".to_owned());
            }
            return Outcome::Failed(differences);
        }
    }
    Outcome::Passed
}

const NOT_UNICODE: &str = "text that is not well-formed Unicode";

/// The two ways in which a stage is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Manner {
    Single,
    Batch,
}

enum Input {
    Data(Data),
    Bytes(Option<Blob>),
    Record(Box<Record>),
}

impl Input {
    fn of(case: &Case) -> Result<Input, NotRepresentable> {
        match (case.kind(), case.text("op")) {
            ("transform" | "predicate", _) => {
                let mut record = record(&case.0["record"])?;
                record.raw = Blob::copy_from(RAW);
                Ok(Input::Record(Box::new(record)))
            }
            (_, "from_connect") => Ok(Input::Data(data(&case.0["schema"], &case.0["value"])?)),
            (_, "to_connect") if case.0["bytes"].is_null() => Ok(Input::Bytes(None)),
            (_, "to_connect") => Ok(Input::Bytes(Some(bytes(&case.0["bytes"]).into()))),
            (_, other) => panic!("a converter converts from_connect or to_connect, not {other:?}"),
        }
    }

    fn record(&self) -> &Record {
        match self {
            Input::Record(record) => record,
            _ => panic!("transforms and predicates are given records"),
        }
    }
}

/// What stands for the bytes of the message that a record was made of. Transforms leave them alone.
const RAW: &[u8] = b"the message";

/// What came of one record, in the notation of the recording.
type Answer = Json;

fn error(at: &str, error: &ConnectError) -> Answer {
    let class = error.class_name().rsplit(['.', '$']).next().unwrap_or_default();
    // The recording writes `@<id>` where Java prints the identity of an array, which is another one each time.
    let identity = Regex::new(r"\[B@[0-9a-f]+").expect("the pattern is valid");
    let message = identity.replace_all(error.message(), "[B@<id>");
    json!({ "error": { "at": at, "class": class, "message": message, "trace": error.trace() } })
}

fn answer<T>(result: Result<T, ConnectError>, shown: impl FnOnce(T) -> Answer) -> Answer {
    result.map_or_else(|refusal| error("apply", &refusal), shown)
}

/// Configures a stage and puts the input through it; one answer, or one for each record of a batch.
fn answers(builtin: &BuiltIn, case: &Case, input: &Input, manner: Manner) -> Vec<Answer> {
    let props = props(case);
    // The worker tells of all bad keys, Kafka Connect of the first.
    if let Err(problems) = (builtin.config)().parse(&props) {
        let first = problems.0.first().expect("problems are never empty");
        return vec![error("configure", &ConnectError::config(first.message.clone()))];
    }
    let made = match builtin.factory {
        Factory::Converter(make) => make(&props).map(|mut stage| converted(stage.as_mut(), case, input, manner)),
        Factory::HeaderConverter(make) => make(&props).map(|mut stage| {
            let (topic, key) = (Text::from(case.text("topic")), Text::from(case.text("header")));
            vec![match input {
                Input::Data(data) => answer(stage.from_connect_header(&topic, &key, data), bytes_answer),
                Input::Bytes(bytes) => answer(stage.to_connect_header(&topic, &key, bytes.as_ref()), data_answer),
                Input::Record(_) => panic!("header converters are given values"),
            }]
        }),
        Factory::Transform(make) => make(&props).map(|mut stage| transformed(stage.as_mut(), case, input, manner)),
        Factory::Predicate(make) => make(&props).map(|mut stage| tested(stage.as_mut(), input, manner)),
    };
    made.unwrap_or_else(|refusal| vec![error("configure", &refusal)])
}

fn props(case: &Case) -> Props {
    let mut props = Props::new();
    for (key, value) in case.0["config"].as_object().into_iter().flatten() {
        props.set_nullable(key.as_str(), value.as_str().map(str::to_owned));
    }
    match case.kind() {
        "header_converter" => props.set("converter.type", "header"),
        "converter" if case.0["is_key"] == true => props.set("converter.type", "key"),
        "converter" => props.set("converter.type", "value"),
        _ => {}
    }
    props
}

fn bytes_answer(bytes: Option<Blob>) -> Answer {
    json!({ "bytes": bytes.map(|bytes| notation::base64(&bytes)) })
}

fn data_answer(data: Data) -> Answer {
    notation::data(&data)
}

fn converted(stage: &mut dyn Converter, case: &Case, input: &Input, manner: Manner) -> Vec<Answer> {
    let topic = Text::from(case.text("topic"));
    let part = if case.0["is_key"] == true { Part::Key } else { Part::Value };
    match (input, manner) {
        (Input::Data(data), Manner::Single) => {
            vec![answer(stage.from_connect(&topic, &mut AbiVec::new(), data), bytes_answer)]
        }
        (Input::Data(data), Manner::Batch) => {
            let mut record = Record::new(topic, Data::NULL);
            match part {
                Part::Key => record.key = data.clone(),
                Part::Value => record.value = data.clone(),
            }
            let mut results = Vec::new();
            stage.from_connect_batch(part, &mut [record.clone(), record], &mut results);
            each_answered(results).map(|result| answer(result, bytes_answer)).collect()
        }
        (Input::Bytes(bytes), Manner::Single) => {
            vec![answer(stage.to_connect(&topic, &[], bytes.as_ref()), data_answer)]
        }
        (Input::Bytes(bytes), Manner::Batch) => {
            let message = message(topic, part, bytes.clone());
            let mut results = Vec::new();
            stage.to_connect_batch(part, &[message.clone(), message], &mut results);
            each_answered(results).map(|result| answer(result, data_answer)).collect()
        }
        (Input::Record(_), _) => panic!("converters are given values"),
    }
}

fn message(topic: Text, part: Part, bytes: Option<Blob>) -> RawMessage {
    let (key, value) = match part {
        Part::Key => (bytes, None),
        Part::Value => (None, bytes),
    };
    RawMessage {
        topic,
        partition: 0,
        offset: 0,
        timestamp: None,
        timestamp_type: TimestampType::NONE,
        key,
        value,
        headers: Vec::new(),
        raw: Blob::EMPTY,
    }
}

fn each_answered<T>(results: Vec<T>) -> impl Iterator<Item = T> {
    assert_eq!(results.len(), 2, "a batch of two records has two answers");
    results.into_iter()
}

fn transformed(stage: &mut dyn Transform, case: &Case, input: &Input, manner: Manner) -> Vec<Answer> {
    let before = input.record();
    let kind = case.0["record"]["record"].as_str().unwrap_or_default();
    let shown = |after: &Record, kept: bool| {
        if !kept {
            return json!({ "dropped": true });
        }
        assert_eq!(after.origin, before.origin, "where a record was read stays as it is");
        assert_eq!(after.raw, before.raw, "the message of a record stays with it");
        json!({ "record": notation::record(after, kind) })
    };
    match manner {
        Manner::Single => {
            let mut record = before.clone();
            let kept = stage.apply(&mut record);
            vec![answer(kept, |kept| shown(&record, kept))]
        }
        Manner::Batch => {
            let mut records = [before.clone(), before.clone()];
            let mut results = Vec::new();
            stage.apply_batch(&mut records, &mut results);
            let results = each_answered(results).zip(&records);
            results.map(|(result, record)| answer(result, |kept| shown(record, kept))).collect()
        }
    }
}

fn tested(stage: &mut dyn Predicate, input: &Input, manner: Manner) -> Vec<Answer> {
    let record = input.record();
    let shown = |result| answer(result, |holds: bool| json!({ "test": holds }));
    match manner {
        Manner::Single => vec![shown(stage.test(record))],
        Manner::Batch => {
            let mut results = Vec::new();
            stage.test_batch(&[record.clone(), record.clone()], &mut results);
            each_answered(results).map(shown).collect()
        }
    }
}
