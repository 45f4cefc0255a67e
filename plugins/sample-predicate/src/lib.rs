//! A predicate to learn from: tells records whose key or value, or one field of it, matches a pattern.
//!
//! It shows how a predicate is configured, how it looks into data with and without schema, that null is a normal answer
//! to look at, and when it answers with a data error.

use ferroconnect_plugin_sdk::{
    Config, ConfigDef, Description, Error, Key, Plugin, Predicate, Record, Result, Value, ValueRef,
};
use regex::Regex;

ferroconnect_plugin_sdk::export! { predicates: [FieldMatches] }

/// The predicate.
#[derive(Debug, Default)]
pub struct FieldMatches {
    // None until it is configured.
    question: Option<Question>,
}

impl Plugin for FieldMatches {
    fn describe() -> Description {
        let def = ConfigDef::new()
            .key(Key::string("pattern").required().non_empty().high().doc(
                "What to look for, anywhere in the text: a regular expression in the syntax of Rust's regex crate. \
                 Write ^ and $ around it for the whole text.",
            ))
            .key(Key::string("field").doc("The field to look at. Without one, the whole key or value is looked at."))
            .key(
                Key::string("in")
                    .default_value("value")
                    .one_of(&["key", "value"])
                    .doc("Where to look: in the key or the value of the record."),
            );
        Description::new("ferroconnect.sample.FieldMatches", env!("CARGO_PKG_VERSION"))
            .alias("FieldMatches")
            .doc("True for records whose key or value, or one field of it, matches a pattern.")
            .config(def)
    }
}

impl Predicate for FieldMatches {
    fn configure(&mut self, config: &Config) -> Result<()> {
        let pattern = config.text("pattern")?;
        let pattern = Regex::new(pattern)
            .map_err(|error| Error::config(format!("Invalid value {pattern} for configuration pattern: {error}")))?;
        let in_key = match config.text("in")? {
            "key" => true,
            "value" => false,
            other => {
                let text = format!("Invalid value {other} for configuration in: String must be one of: key, value");
                return Err(Error::config(text));
            }
        };
        self.question = Some(Question { pattern, field: config.get("field").map(str::to_owned), in_key });
        Ok(())
    }

    fn test(&mut self, record: &Record) -> Result<bool> {
        self.question.as_ref().ok_or_else(|| Error::fatal("FieldMatches was not configured"))?.ask(record)
    }
}

#[derive(Debug)]
struct Question {
    pattern: Regex,
    field: Option<String>,
    in_key: bool,
}

impl Question {
    fn ask(&self, record: &Record) -> Result<bool> {
        let value = if self.in_key { &record.key.value } else { &record.value.value };
        self.found_in(value)?.map_or(Ok(false), |value| self.matches(value))
    }

    /// What to look at; none = there is no such field.
    fn found_in<'v>(&self, value: &'v Value) -> Result<Option<&'v Value>> {
        let Some(field) = &self.field else { return Ok(Some(value)) };
        match value.view() {
            // A tombstone has no fields, and is no error.
            ValueRef::Null => Ok(None),
            ValueRef::Struct(value) => Ok(value.get(field)),
            ValueRef::Map(entries) => {
                let entry = entries.iter().find(|entry| entry.key.as_text().is_some_and(|key| key.as_str() == field));
                Ok(entry.map(|entry| &entry.value))
            }
            _ => {
                let text = format!("FieldMatches looks for field {field}, and the data is no struct and no map");
                Err(Error::data(text))
            }
        }
    }

    /// Null matches nothing. Integers and booleans are looked at as they are written.
    fn matches(&self, value: &Value) -> Result<bool> {
        match value.view() {
            ValueRef::Null => Ok(false),
            ValueRef::String(text) => Ok(self.pattern.is_match(text)),
            ValueRef::Boolean(value) => Ok(self.pattern.is_match(if value { "true" } else { "false" })),
            _ => {
                let integer = value.as_integer().ok_or_else(|| {
                    let kind = value.kind();
                    Error::data(format!(
                        "FieldMatches looks at text, integers and booleans, and this is of kind {kind:?}"
                    ))
                })?;
                Ok(self.pattern.is_match(&integer.to_string()))
            }
        }
    }
}
