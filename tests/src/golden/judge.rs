//! Holds an answer against the recorded one.

use regex::Regex;
use serde_json::Value as Json;

use super::data::{NotRepresentable, bytes};
use super::difference::{self, short, unfolded};

/// Errors that are accidents of Java: any error will do in their place.
const ACCIDENTS: [&str; 9] = [
    "NullPointerException",
    "ClassCastException",
    "IndexOutOfBoundsException",
    "ArrayIndexOutOfBoundsException",
    "StringIndexOutOfBoundsException",
    "ArithmeticException",
    "NegativeArraySizeException",
    "NoSuchElementException",
    "StackOverflowError",
];

/// What differs between an answer and the recorded one, a line for each thing.
pub(super) fn difference(expected: &Json, given: &Json) -> Result<Vec<String>, NotRepresentable> {
    if says_ill_formed_text(expected) {
        return Err(NotRepresentable);
    }
    let expected = unfolded(expected);
    let (wanted, got) = (form(&expected), form(given));
    if wanted != got {
        return Ok(vec![format!("expected {}", shown(&expected)), format!("got      {}", shown(given))]);
    }
    Ok(match wanted {
        Form::Error => error(&expected["error"], &given["error"]),
        Form::Record => difference::records(&expected["record"], &given["record"]),
        Form::Data => difference::data(&expected, given),
        Form::Bytes => written(&expected, given),
        Form::Other if expected == *given => Vec::new(),
        Form::Other => vec![format!("expected {}, got {}", short(&expected), short(given))],
    })
}

/// What kind of answer one is.
#[derive(PartialEq, Eq)]
enum Form {
    Error,
    Record,
    Data,
    Bytes,
    /// Dropped, or the verdict of a predicate.
    Other,
}

fn form(answer: &Json) -> Form {
    let has = |key: &str| answer.get(key).is_some();
    match () {
        () if has("error") => Form::Error,
        () if has("record") => Form::Record,
        () if has("value") => Form::Data,
        () if has("bytes") || has("pattern") => Form::Bytes,
        () => Form::Other,
    }
}

fn error(expected: &Json, given: &Json) -> Vec<String> {
    let text = |json: &Json, key: &str| json[key].as_str().unwrap_or_default().to_owned();
    let (class, message) = (text(expected, "class"), text(expected, "message"));
    let any = ACCIDENTS.contains(&class.as_str());
    let class_fits = any || class == text(given, "class");
    let message_fits = any || expected["loose"] == true || message == text(given, "message");
    if class_fits && message_fits && expected["at"] == given["at"] {
        return Vec::new();
    }
    let line = |what: &str, error: &Json| {
        format!("{what} at {}: {}: {:?}", text(error, "at"), text(error, "class"), text(error, "message"))
    };
    vec![line("expected", expected), line("got     ", given)]
}

/// Bytes are text more often than not, so they are shown as text.
fn written(expected: &Json, given: &Json) -> Vec<String> {
    let given_bytes = given["bytes"].as_str().map(|_| bytes(&given["bytes"]));
    let text = |bytes: &Option<Vec<u8>>| {
        bytes.as_ref().map_or("null".to_owned(), |bytes| format!("{:?}", String::from_utf8_lossy(bytes)))
    };
    if let Some(pattern) = expected["pattern"].as_str() {
        let whole = Regex::new(&format!("^(?:{pattern})$")).expect("the recording has valid patterns");
        let fits = given_bytes.as_ref().is_some_and(|bytes| whole.is_match(&String::from_utf8_lossy(bytes)));
        return if fits {
            Vec::new()
        } else {
            vec![format!("expected text like {pattern}, got {}", text(&given_bytes))]
        };
    }
    let expected_bytes = expected["bytes"].as_str().map(|_| bytes(&expected["bytes"]));
    if expected_bytes == given_bytes {
        return Vec::new();
    }
    vec![format!("expected {}", text(&expected_bytes)), format!("got      {}", text(&given_bytes))]
}

/// An answer as a person reads it.
fn shown(answer: &Json) -> String {
    match form(answer) {
        Form::Error => {
            let error = &answer["error"];
            let trace = error["trace"].as_str().map(|trace| format!("\n{}", trace.trim_end())).unwrap_or_default();
            format!("an error at {}: {}: {}{trace}", error["at"], error["class"], error["message"])
        }
        Form::Bytes if answer["bytes"].is_string() => {
            format!("{:?}", String::from_utf8_lossy(&bytes(&answer["bytes"])))
        }
        _ => short(answer),
    }
}

/// Whether text that is not well-formed Unicode occurs.
fn says_ill_formed_text(json: &Json) -> bool {
    match json {
        Json::Array(items) => items.iter().any(says_ill_formed_text),
        Json::Object(entries) => {
            (entries.len() == 1 && entries.contains_key("utf16")) || entries.values().any(says_ill_formed_text)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn differs(expected: Json, given: Json) -> bool {
        !difference(&expected, &given).expect("well-formed text").is_empty()
    }

    #[test]
    fn an_error_is_told_from_a_result() {
        let error = json!({ "error": { "at": "apply", "class": "DataException", "message": "m" } });
        assert!(differs(error.clone(), json!({ "dropped": true })));
        assert!(differs(json!({ "test": true }), error.clone()));
        assert!(!differs(error.clone(), error.clone()));
        for (key, value) in [("at", "configure"), ("class", "ConfigException"), ("message", "n")] {
            let mut other = error.clone();
            other["error"][key] = value.into();
            assert!(differs(error.clone(), other), "{key}");
        }
    }

    #[test]
    fn loose_messages_and_accidents_are_not_compared() {
        let given = json!({ "error": { "at": "apply", "class": "DataException", "message": "m" } });
        let loose = json!({ "error": { "at": "apply", "class": "DataException", "message": "n", "loose": true } });
        let accident = json!({ "error": { "at": "apply", "class": "NullPointerException", "message": "n" } });
        assert!(!differs(loose, given.clone()));
        assert!(!differs(accident.clone(), given));
        assert!(differs(accident, json!({ "test": false })));
    }

    #[test]
    fn patterns_cover_the_whole_text() {
        let pattern = json!({ "pattern": "a|b+" });
        assert!(!differs(pattern.clone(), json!({ "bytes": "YmI=" })));
        assert!(differs(pattern.clone(), json!({ "bytes": "YmJj" })));
        assert!(differs(pattern, json!({ "bytes": null })));
    }

    #[test]
    fn text_that_is_not_unicode_is_seen_wherever_it_is() {
        let expected = json!({ "schema": null, "value": { "array": [{ "utf16": "d800" }] } });
        assert!(difference(&expected, &json!({ "schema": null, "value": null })).is_err());
    }
}
