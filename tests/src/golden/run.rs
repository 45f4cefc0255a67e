//! Runs one case.

use ferroconnect::config::{PluginKind, Props};
use ferroconnect::error::ConnectError;
use ferroconnect::stages::{BuiltIn, Converter, Factory, HeaderConverter, builtins};
use ferroconnect_plugin_abi::containers::AbiVec;
use ferroconnect_plugin_abi::{Blob, Data, Text};
use regex::Regex;
use serde_json::Value as Json;

use super::Case;
use super::data::{NotRepresentable, bytes, data, same};

/// How a case went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// As recorded.
    Passed,
    /// Not as recorded; the text says what came instead.
    Failed(String),
    /// The case cannot be run here; the text says why.
    Skipped(&'static str),
}

/// What a conversion gave.
enum Given {
    Bytes(Option<Blob>),
    Data(Data),
}

/// Runs a case against the stage of its class.
pub fn run(case: &Case) -> Outcome {
    let kind = match case.kind() {
        "converter" => PluginKind::Converter,
        "header_converter" => PluginKind::HeaderConverter,
        _ => return Outcome::Skipped("transforms and predicates are not run here"),
    };
    let all = builtins();
    let Some(builtin) = all.iter().find(|builtin| builtin.class == case.class() && builtin.kind() == kind) else {
        return Outcome::Skipped("there is no such class");
    };
    let input = match Input::of(case) {
        Ok(input) => input,
        Err(NotRepresentable) => return Outcome::Skipped("text that is not well-formed Unicode"),
    };
    let result = convert(builtin, case, &input);
    match verdict(&case.0["expect"], result) {
        Ok(None) => Outcome::Passed,
        Ok(Some(difference)) => Outcome::Failed(difference),
        Err(NotRepresentable) => Outcome::Skipped("text that is not well-formed Unicode"),
    }
}

enum Input {
    Data(Data),
    Bytes(Option<Blob>),
}

impl Input {
    fn of(case: &Case) -> Result<Input, NotRepresentable> {
        match case.text("op") {
            "from_connect" => Ok(Input::Data(data(&case.0["schema"], &case.0["value"])?)),
            _ if case.0["bytes"].is_null() => Ok(Input::Bytes(None)),
            _ => Ok(Input::Bytes(Some(bytes(&case.0["bytes"]).into()))),
        }
    }
}

/// The stage at which an error came, and the error.
type Failure = (&'static str, ConnectError);

fn convert(builtin: &BuiltIn, case: &Case, input: &Input) -> Result<Given, Failure> {
    let mut props = Props::new();
    for (key, value) in case.0["config"].as_object().into_iter().flatten() {
        props.set_nullable(key.as_str(), value.as_str().map(str::to_owned));
    }
    let role = match case.kind() {
        "header_converter" => "header",
        _ if case.0["is_key"] == true => "key",
        _ => "value",
    };
    props.set("converter.type", role);
    let configure = |error| ("configure", error);
    let apply = |error| ("apply", error);
    let topic = Text::from(case.text("topic"));
    match builtin.factory {
        Factory::Converter(make) => {
            let mut converter: Box<dyn Converter> = make(&props).map_err(configure)?;
            match input {
                Input::Data(data) => converter.from_connect(&topic, &mut AbiVec::new(), data).map(Given::Bytes),
                Input::Bytes(bytes) => converter.to_connect(&topic, &[], bytes.as_ref()).map(Given::Data),
            }
        }
        Factory::HeaderConverter(make) => {
            let mut converter: Box<dyn HeaderConverter> = make(&props).map_err(configure)?;
            let key = Text::from(case.text("header"));
            match input {
                Input::Data(data) => converter.from_connect_header(&topic, &key, data).map(Given::Bytes),
                Input::Bytes(bytes) => converter.to_connect_header(&topic, &key, bytes.as_ref()).map(Given::Data),
            }
        }
        Factory::Transform(_) | Factory::Predicate(_) => unreachable!("the class was looked up by its kind"),
    }
    .map_err(apply)
}

/// What differs from the recording, if anything does.
fn verdict(expect: &Json, result: Result<Given, Failure>) -> Result<Option<String>, NotRepresentable> {
    let given = match result {
        Err(failure) => return Ok(error_difference(&expect["error"], failure)),
        Ok(given) => given,
    };
    let shown = match &given {
        Given::Bytes(None) => "null".to_owned(),
        Given::Bytes(Some(bytes)) => format!("{:?}", String::from_utf8_lossy(bytes)),
        Given::Data(data) => format!("{data:?}"),
    };
    let as_recorded = match given {
        Given::Bytes(given) => match expect["pattern"].as_str() {
            Some(pattern) => {
                let pattern = Regex::new(pattern).expect("the recording has valid patterns");
                given.is_some_and(|given| pattern.is_match(&String::from_utf8_lossy(&given)))
            }
            None if expect["error"].is_object() => false,
            None if expect["bytes"].is_null() => given.is_none(),
            None => given.is_some_and(|given| *given == bytes(&expect["bytes"])),
        },
        Given::Data(given) => {
            if expect["error"].is_object() {
                false
            } else {
                let expected = data(&expect["schema"], &expect["value"])?;
                given.schema == expected.schema && same(&given.value, &expected.value)
            }
        }
    };
    Ok((!as_recorded).then(|| format!("gave {shown}, expected {expect}")))
}

fn error_difference(expected: &Json, (at, error): Failure) -> Option<String> {
    let class = expected["class"].as_str().unwrap_or_default();
    let given = error.class_name().rsplit(['.', '$']).next().unwrap_or_default();
    // Accidents in Java: any error will do.
    let any = matches!(class, "NullPointerException" | "ClassCastException" | "IndexOutOfBoundsException");
    let message = expected["message"].as_str().unwrap_or_default();
    let fits =
        expected["at"] == at && (any || (class == given && (expected["loose"] == true || message == error.message())));
    (!fits).then(|| format!("failed at {at} with {}, expected {expected}", error.trace().trim_end()))
}
