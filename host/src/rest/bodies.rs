//! Reading request bodies: configs, create requests, offsets.
//!
//! Scalars count as text with their own spelling (`1.50` stays `1.50`). What Kafka Connect answers with 500 and the text
//! of its JSON library is answered with 400 here, saying what would be right.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

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
        let fields = object(json(body)?, "The request body")?;
        refuse_unknown(&fields, &["config", "name", "initial_state"])?;
        let name = match fields.get("name") {
            None => String::new(),
            Some(name) => scalar(name, "\"name\"")?,
        };
        let Some(config) = fields.get("config") else {
            return Err(ApiError::bad_request(
                "The request body has no \"config\"; it must be an object of the form \
                 {\"name\": \"…\", \"config\": {\"connector.class\": \"…\", …}}",
            ));
        };
        let initial_state = match fields.get("initial_state") {
            None => None,
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

/// Reads a list of flat maps: the task configs that another worker sends.
pub(super) fn flat_maps(body: &[u8]) -> Parsed<Vec<Props>> {
    let list = json(body)?;
    if kind(list) != Kind::Array {
        return Err(wrong_type("The request body", "an array", list));
    }
    let maps: Vec<&RawValue> = typed(list)?;
    maps.into_iter().map(|map| props(map, "Each entry of the request body")).collect()
}

/// Reads the body of `PATCH /connectors/X/offsets`. `None` when there are no offsets in it.
pub(super) fn offsets(body: &[u8]) -> Parsed<Option<Vec<ConnectorOffset>>> {
    let fields = object(json(body)?, "The request body")?;
    refuse_unknown(&fields, &["offsets"])?;
    let Some(list) = fields.get("offsets") else { return Ok(None) };
    if kind(list) != Kind::Array {
        return Err(wrong_type("\"offsets\"", "an array", list));
    }
    let entries: Vec<&RawValue> = typed(list)?;
    let entries: Vec<_> = entries.into_iter().map(offset_entry).collect::<Parsed<_>>()?;
    Ok((!entries.is_empty()).then_some(entries))
}

fn offset_entry(entry: &RawValue) -> Parsed<ConnectorOffset> {
    let fields = object(entry, "Each entry of \"offsets\"")?;
    refuse_unknown(&fields, &["partition", "offset"])?;
    let map = |key: &str| -> Parsed<Option<OffsetMap>> {
        match fields.get(key) {
            None => Ok(None),
            Some(value) if kind(value) == Kind::Object => typed(value).map(Some),
            Some(other) => Err(wrong_type(&format!("\"{key}\""), "an object", other)),
        }
    };
    Ok(ConnectorOffset { partition: map("partition")?, offset: map("offset")? })
}

/// The body as JSON, each number still with its own spelling.
fn json(body: &[u8]) -> Parsed<&RawValue> {
    if body.is_empty() {
        return Err(ApiError::bad_request("The request has no body; JSON is needed"));
    }
    serde_json::from_slice(body).map_err(not_json)
}

fn typed<'a, T: Deserialize<'a>>(value: &'a RawValue) -> Parsed<T> {
    serde_json::from_str(value.get()).map_err(not_json)
}

fn not_json(error: serde_json::Error) -> ApiError {
    ApiError::bad_request(format!("The request body is not valid JSON: {error}"))
}

/// The entries of an object in order. Keys may repeat; the last one counts.
struct Fields<'a>(Vec<(String, &'a RawValue)>);

impl<'a> Fields<'a> {
    /// The value of a field; `None` if it is absent or null.
    fn get(&self, key: &str) -> Option<&'a RawValue> {
        let value = self.0.iter().rev().find(|(name, _)| name == key).map(|(_, value)| *value);
        value.filter(|value| kind(value) != Kind::Null)
    }
}

impl<'de> Deserialize<'de> for Fields<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;
        impl<'de> Visitor<'de> for Entries {
            type Value = Fields<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields<'de>, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Fields(entries))
            }
        }
        deserializer.deserialize_map(Entries)
    }
}

fn object<'a>(value: &'a RawValue, what: &str) -> Parsed<Fields<'a>> {
    match kind(value) {
        Kind::Object => typed(value),
        _ => Err(wrong_type(what, "an object", value)),
    }
}

fn props(value: &RawValue, what: &str) -> Parsed<Props> {
    let entry = |(key, value): (String, &RawValue)| {
        let value = match kind(value) {
            Kind::Null => None,
            _ => Some(scalar(value, &format!("The value of \"{key}\""))?),
        };
        Ok((key, value))
    };
    object(value, what)?.0.into_iter().map(entry).collect()
}

fn scalar(value: &RawValue, what: &str) -> Parsed<String> {
    match kind(value) {
        Kind::Text => typed(value),
        Kind::Number | Kind::Boolean => Ok(value.get().to_owned()),
        Kind::Null | Kind::Array | Kind::Object => Err(wrong_type(what, "a text, number or boolean", value)),
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Null,
    Boolean,
    Number,
    Text,
    Array,
    Object,
}

/// The first character of a JSON value tells what it is.
fn kind(value: &RawValue) -> Kind {
    match value.get().as_bytes().first() {
        Some(b'n') => Kind::Null,
        Some(b't' | b'f') => Kind::Boolean,
        Some(b'"') => Kind::Text,
        Some(b'[') => Kind::Array,
        Some(b'{') => Kind::Object,
        _ => Kind::Number,
    }
}

fn wrong_type(what: &str, wanted: &str, found: &RawValue) -> ApiError {
    let found = match kind(found) {
        Kind::Null => "null",
        Kind::Boolean => "a boolean",
        Kind::Number => "a number",
        Kind::Text => "a text",
        Kind::Array => "an array",
        Kind::Object => "an object",
    };
    ApiError::bad_request(format!("{what} must be {wanted}, but is {found}"))
}

fn refuse_unknown(fields: &Fields<'_>, known: &[&str]) -> Parsed<()> {
    let mut names = fields.0.iter().map(|(name, _)| name);
    let Some(unknown) = names.find(|name| !known.contains(&name.as_str())) else {
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
    fn lists_of_maps_are_read() {
        let maps = flat_maps(br#"[{"a":1},{}]"#).unwrap();
        assert_eq!((maps.len(), maps[0].get("a")), (2, Some("1")));
        for wrong in ["{}", "[[]]", "[{}", "null", ""] {
            flat_maps(wrong.as_bytes()).unwrap_err();
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
