//! A transform to learn from: masks what matches a pattern, in a text value or in one text field of it.
//!
//! It shows how a transform is configured, how it looks into values with and without schema, that it lets null pass,
//! and when it answers with a data error.

use ferroconnect_plugin_sdk::{
    Config, ConfigDef, Description, Error, Key, MapEntry, Plugin, Record, Result, StructValue, Transform, Value,
    ValueRef,
};
use regex::Regex;

ferroconnect_plugin_sdk::export! { transforms: [MaskPattern] }

/// The transform.
#[derive(Debug, Default)]
pub struct MaskPattern {
    // None until it is configured.
    mask: Option<Mask>,
}

impl Plugin for MaskPattern {
    fn describe() -> Description {
        let def = ConfigDef::new()
            .key(Key::string("pattern").required().non_empty().high().doc(
                "What to mask: a regular expression in the syntax of Rust's regex crate, for instance \\d{12,19}.",
            ))
            .key(
                Key::string("replacement")
                    .default_value("****")
                    .doc("What to put in its place; $1 stands for the first group."),
            )
            .key(Key::string("field").doc("The text field to look in. Without one, the whole value is looked at."));
        Description::new("ferroconnect.sample.MaskPattern", env!("CARGO_PKG_VERSION"))
            .alias("MaskPattern")
            .doc("Replaces what matches a pattern in the value of a record, or in one field of it.")
            .config(def)
    }
}

impl Transform for MaskPattern {
    fn configure(&mut self, config: &Config) -> Result<()> {
        let pattern = config.text("pattern")?;
        let pattern = Regex::new(pattern)
            .map_err(|error| Error::config(format!("Invalid value {pattern} for configuration pattern: {error}")))?;
        let replacement = config.text("replacement")?.to_owned();
        let field = config.get("field").map(str::to_owned);
        self.mask = Some(Mask { pattern, replacement, field });
        Ok(())
    }

    fn apply(&mut self, record: &mut Record) -> Result<bool> {
        let mask = self.mask.as_ref().ok_or_else(|| Error::fatal("MaskPattern was not configured"))?;
        // The type of the value stays the same, so its schema does too.
        if let Some(masked) = mask.value(&record.value.value)? {
            record.value.value = masked;
        }
        Ok(true)
    }
}

#[derive(Debug)]
struct Mask {
    pattern: Regex,
    replacement: String,
    field: Option<String>,
}

impl Mask {
    /// The masked value; none = there is nothing to mask.
    fn value(&self, value: &Value) -> Result<Option<Value>> {
        match (&self.field, value.view()) {
            // A tombstone has to stay one.
            (_, ValueRef::Null) => Ok(None),
            (None, _) => self.text(value),
            (Some(field), ValueRef::Struct(value)) => self.struct_field(field, value),
            (Some(field), ValueRef::Map(entries)) => self.map_field(field, entries),
            (Some(field), _) => {
                Err(Error::data(format!("MaskPattern looks for field {field}, and the value is no struct and no map")))
            }
        }
    }

    fn struct_field(&self, field: &str, value: &StructValue) -> Result<Option<Value>> {
        let Some(index) = value.schema.field_index(field) else { return Ok(None) };
        let Some(masked) = self.text(&value.fields[index])? else { return Ok(None) };
        let mut fields = value.fields.clone();
        fields[index] = masked;
        Ok(Some(Value::structure(value.schema.clone(), fields)))
    }

    fn map_field(&self, field: &str, entries: &[MapEntry]) -> Result<Option<Value>> {
        let is_field = |entry: &MapEntry| entry.key.as_text().is_some_and(|key| key.as_str() == field);
        let Some(index) = entries.iter().position(is_field) else { return Ok(None) };
        let Some(masked) = self.text(&entries[index].value)? else { return Ok(None) };
        let mut entries = entries.to_vec();
        entries[index].value = masked;
        Ok(Some(Value::map(entries)))
    }

    fn text(&self, value: &Value) -> Result<Option<Value>> {
        if value.is_null() {
            return Ok(None);
        }
        let text = value
            .as_text()
            .ok_or_else(|| Error::data(format!("MaskPattern masks text, and this is of kind {:?}", value.kind())))?;
        // Text without a match is not copied.
        if !self.pattern.is_match(text) {
            return Ok(None);
        }
        Ok(Some(Value::string(self.pattern.replace_all(text, self.replacement.as_str()).into_owned())))
    }
}
