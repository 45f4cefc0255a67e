//! Reading request bodies: configs, create requests, offsets.
//!
//! Scalars count as text with their own spelling (`1.50` stays `1.50`). What Kafka Connect answers with 500 and the text
//! of its JSON library is answered with 400 here, saying what would be right.

use serde_json::{Map, Value};

use crate::config::Props;
use crate::herder::ConnectorOffset;
use crate::storage::{OffsetMap, TargetState};

use super::errors::ApiError;

type Parsed<T> = Result<T, ApiError>;

/// Body of `POST /connectors`.
#[derive(Debug)]
pub(super) struct CreateRequest {
    /// Trimmed; empty when absent.
    pub(super) name: String,
    pub(super) config: Props,
    pub(super) initial_state: Option<TargetState>,
}

impl CreateRequest {
    /// Reads the body of `POST /connectors`.
    pub(super) fn parse(body: &[u8]) -> Parsed<Self> {
        let mut fields = object(json(body)?, "The request body")?;
        refuse_unknown(&fields, &["config", "name", "initial_state"])?;
        let name = match fields.remove("name") {
            None | Some(Value::Null) => String::new(),
            Some(name) => scalar(name, "\"name\"")?,
        };
        let Some(config) = fields.remove("config").filter(|config| !config.is_null()) else {
            return Err(ApiError::bad_request(
                "The request body has no \"config\"; it must be an object of the form \
                 {\"name\": \"…\", \"config\": {\"connector.class\": \"…\", …}}",
            ));
        };
        let initial_state = match fields.remove("initial_state") {
            None | Some(Value::Null) => None,
            Some(state) => Some(initial_state(&scalar(state, "\"initial_state\"")?)?),
        };
        Ok(Self {
            name: name.trim_matches(|c| c <= ' ').to_owned(),
            config: props(config, "\"config\"")?,
            initial_state,
        })
    }
}

fn initial_state(text: &str) -> Parsed<TargetState> {
    TargetState::from_initial_state(text).ok_or_else(|| {
        ApiError::bad_request(format!("\"initial_state\" must be RUNNING, PAUSED or STOPPED, but is \"{text}\""))
    })
}

/// Reads a flat map of texts: a connector config, a patch, a validation request, a log level.
pub(super) fn flat_map(body: &[u8]) -> Parsed<Props> {
    props(json(body)?, "The request body")
}

/// Reads the body of `PATCH /connectors/X/offsets`. `None` when there are no offsets in it.
pub(super) fn offsets(body: &[u8]) -> Parsed<Option<Vec<ConnectorOffset>>> {
    let mut fields = object(json(body)?, "The request body")?;
    refuse_unknown(&fields, &["offsets"])?;
    let entries = match fields.remove("offsets") {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Array(entries)) => entries,
        Some(other) => return Err(wrong_type("\"offsets\"", "an array", &other)),
    };
    let entries: Vec<_> = entries.into_iter().map(offset_entry).collect::<Parsed<_>>()?;
    Ok((!entries.is_empty()).then_some(entries))
}

fn offset_entry(entry: Value) -> Parsed<ConnectorOffset> {
    let mut fields = object(entry, "Each entry of \"offsets\"")?;
    refuse_unknown(&fields, &["partition", "offset"])?;
    let mut map = |key: &str| -> Parsed<Option<OffsetMap>> {
        match fields.remove(key) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => object(value, &format!("\"{key}\"")).map(Some),
        }
    };
    Ok(ConnectorOffset { partition: map("partition")?, offset: map("offset")? })
}

fn json(body: &[u8]) -> Parsed<Value> {
    if body.is_empty() {
        return Err(ApiError::bad_request("The request has no body; a JSON object is needed"));
    }
    serde_json::from_slice(body)
        .map_err(|error| ApiError::bad_request(format!("The request body is not valid JSON: {error}")))
}

fn object(value: Value, what: &str) -> Parsed<Map<String, Value>> {
    match value {
        Value::Object(map) => Ok(map),
        other => Err(wrong_type(what, "an object", &other)),
    }
}

fn props(value: Value, what: &str) -> Parsed<Props> {
    let entry = |(key, value)| {
        let value = match value {
            Value::Null => None,
            other => Some(scalar(other, &format!("The value of \"{key}\""))?),
        };
        Ok((key, value))
    };
    object(value, what)?.into_iter().map(entry).collect()
}

fn scalar(value: Value, what: &str) -> Parsed<String> {
    match value {
        Value::String(text) => Ok(text),
        Value::Number(number) => Ok(number.to_string()),
        Value::Bool(flag) => Ok(flag.to_string()),
        other => Err(wrong_type(what, "a text, number or boolean", &other)),
    }
}

fn wrong_type(what: &str, wanted: &str, found: &Value) -> ApiError {
    let found = match found {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    };
    ApiError::bad_request(format!("{what} must be {wanted}, but is {found}"))
}

fn refuse_unknown(fields: &Map<String, Value>, known: &[&str]) -> Parsed<()> {
    let Some(unknown) = fields.keys().find(|key| !known.contains(&key.as_str())) else {
        return Ok(());
    };
    let names: Vec<_> = known.iter().map(|name| format!("\"{name}\"")).collect();
    Err(ApiError::bad_request(format!(
        "Unrecognized field \"{unknown}\" ({} known properties: {})",
        known.len(),
        names.join(", ")
    )))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::response::IntoResponse;

    #[test]
    fn scalars_keep_their_spelling() {
        let config =
            flat_map(br#"{"a":1.50,"b":true,"c":null,"d":"x","e":1e5,"f":123456789012345678901234567890,"g":-0}"#)
                .unwrap();
        let got: Vec<_> = config.iter().collect();
        assert_eq!(
            got,
            [
                ("a", Some("1.50")),
                ("b", Some("true")),
                ("c", None),
                ("d", Some("x")),
                ("e", Some("1e5")),
                ("f", Some("123456789012345678901234567890")),
                ("g", Some("-0")),
            ]
        );
    }

    #[test]
    fn the_last_of_equal_keys_counts() {
        let config = flat_map(br#"{"a":"1","b":"2","a":"3"}"#).unwrap();
        assert_eq!(config.get("a"), Some("3"));
    }

    #[test]
    fn create_requests_are_read() {
        let request = CreateRequest::parse(br#"{"name":" a ","config":{"x":1},"initial_state":"Paused"}"#).unwrap();
        assert_eq!(request.name, "a");
        assert_eq!(request.config.get("x"), Some("1"));
        assert_eq!(request.initial_state, Some(TargetState::Paused));
        assert_eq!(CreateRequest::parse(br#"{"config":{}}"#).unwrap().name, "");
    }

    #[test]
    fn wrong_bodies_are_bad_requests_that_say_what_is_wrong() {
        let cases: [(&str, &str); 10] = [
            ("{not json", "not valid JSON"),
            ("", "no body"),
            ("null", "must be an object, but is null"),
            ("[]", "must be an object, but is an array"),
            (r#"{"name":"a"}"#, "no \"config\""),
            (r#"{"name":"a","config":{},"extra":1}"#, "Unrecognized field \"extra\""),
            (r#"{"config":{"x":{}}}"#, "The value of \"x\" must be a text, number or boolean, but is an object"),
            (r#"{"config":{"x":[]}}"#, "is an array"),
            (r#"{"config":{},"initial_state":"BOGUS"}"#, "RUNNING, PAUSED or STOPPED"),
            (r#"{"config":{}} {}"#, "trailing characters"),
        ];
        for (body, want) in cases {
            let error = CreateRequest::parse(body.as_bytes()).unwrap_err();
            let text = format!("{error:?}");
            assert!(text.contains(&format!("{want:?}")[1..want.len()]), "{body}: {text}");
            assert_eq!(error.into_response().status().as_u16(), 400);
        }
    }

    #[test]
    fn offsets_may_be_absent_null_or_empty() {
        assert_eq!(offsets(b"{}").unwrap(), None);
        assert_eq!(offsets(br#"{"offsets":null}"#).unwrap(), None);
        assert_eq!(offsets(br#"{"offsets":[]}"#).unwrap(), None);
        let entries = offsets(br#"{"offsets":[{"partition":null,"offset":{"p":4}}]}"#).unwrap().unwrap();
        assert_eq!(entries[0].partition, None);
        assert!(entries[0].offset.as_ref().unwrap().contains_key("p"));
        offsets(br#"{"offsets":[{"partition":{},"offset":{},"x":1}]}"#).unwrap_err();
    }
}
