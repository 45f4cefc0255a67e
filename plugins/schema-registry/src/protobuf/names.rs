//! Names in Protobuf, and the names that parameters and schemas have for it.

use ferroconnect_plugin_sdk::{Error, Result, Schema, SchemaType};
use std::borrow::Cow;

/// The parameter that keeps a field's number.
pub(super) const TAG: &str = "io.confluent.connect.protobuf.Tag";
/// The parameter that keeps which of Protobuf's number types it is.
pub(super) const NUMBER_TYPE: &str = "io.confluent.connect.protobuf.Type";
/// The parameter of a branch that is a wrapper message.
pub(super) const WRAPPER: &str = "io.confluent.connect.protobuf.Wrapper";
/// What the names of structs that are unions begin with.
pub(super) const UNION: &str = "io.confluent.connect.protobuf.Union";
/// The parameter of an enum; its symbols are parameters under it, with their numbers.
pub(super) const ENUM: &str = "io.confluent.connect.protobuf.Enum";
/// The same two in the way that all formats share.
pub(super) const SUM_UNION: &str = "org.apache.kafka.connect.data.Union";
pub(super) const SUM_ENUM: &str = "org.apache.kafka.connect.data.Enum";
/// What messages end with that are entries of maps.
pub(super) const ENTRY: &str = "Entry";

pub(super) fn is_union(schema: &Schema) -> bool {
    schema.kind == SchemaType::STRUCT
        && (schema.name_str().is_some_and(|name| name.starts_with(UNION)) || schema.parameter(SUM_UNION).is_some())
}

/// The parameter that makes a schema an enum.
pub(super) fn enum_parameter(schema: &Schema) -> Option<&'static str> {
    let kinds = [SchemaType::STRING, SchemaType::INT32];
    [SUM_ENUM, ENUM].into_iter().find(|name| kinds.contains(&schema.kind) && schema.parameter(name).is_some())
}

/// What stands behind the last dot.
pub(super) fn unqualified(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or(name)
}

/// Brings names into the form that Protobuf wants.
#[derive(Debug, Clone, Copy)]
pub(super) struct Names {
    /// Whether other characters are replaced; otherwise they are refused.
    pub(super) scrub: bool,
}

impl Names {
    /// The name as Protobuf can have it.
    ///
    /// # Errors
    /// A data error where it cannot, which says how it could.
    pub(super) fn proper<'a>(self, name: &'a str) -> Result<Cow<'a, str>> {
        let name = if self.scrub { scrubbed(name) } else { Cow::Borrowed(name) };
        let first = name.chars().next().is_some_and(|first| first.is_ascii_alphabetic() || first == '_');
        if first && name.chars().all(is_plain) {
            return Ok(name);
        }
        Err(Error::data(format!(
            "'{name}' cannot be a name in Protobuf, which takes letters, digits and underscores. \
             scrub.invalid.names=true replaces the others"
        )))
    }
}

fn is_plain(character: char) -> bool {
    character.is_ascii_alphanumeric() || character == '_'
}

/// As other Connect workers do it: the name as it would stand in a form of HTML, with underscores for what is left.
fn scrubbed(name: &str) -> Cow<'_, str> {
    let starts_badly = |name: &str| name.starts_with(|first: char| first.is_ascii_digit() || first == '_');
    if name.is_empty() || (name.chars().all(is_plain) && !starts_badly(name)) {
        return Cow::Borrowed(name);
    }
    let mut scrubbed = String::new();
    for byte in name.bytes() {
        match byte {
            byte if byte.is_ascii_alphanumeric() => scrubbed.push(byte.into()),
            b'_' | b'.' | b'-' | b'*' | b' ' => scrubbed.push('_'),
            byte => scrubbed.push_str(&format!("_{byte:02X}")),
        }
    }
    if starts_badly(&scrubbed) {
        scrubbed.insert(0, 'x');
    }
    Cow::Owned(scrubbed)
}

/// The name of the message that holds the entries of a map.
pub(super) fn entry_name(map: &str) -> String {
    if !map.contains('_') {
        return format!("{map}{ENTRY}");
    }
    let word = |word: &str| {
        let mut letters = word.chars();
        let first = letters.next().map(|first| first.to_ascii_uppercase());
        first.into_iter().chain(letters.map(|letter| letter.to_ascii_lowercase())).collect::<String>()
    };
    let camel: String = map.split('_').map(word).collect();
    format!("{camel}{ENTRY}")
}

/// The name of the map whose entries a message holds.
pub(super) fn map_name(entry: &str) -> String {
    let (package, name) = entry.rsplit_once('.').map_or(("", entry), |(package, name)| (package, name));
    let name = name.strip_suffix(ENTRY).unwrap_or(name);
    let mut snake = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.push(letter.to_ascii_lowercase());
    }
    if package.is_empty() { snake } else { format!("{package}.{snake}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_scrubbed_or_refused() {
        let scrub = Names { scrub: true };
        for (name, expected) in
            [("plain_1", "plain_1"), ("a-b c", "a_b_c"), ("1st", "x1st"), ("_x", "x_x"), ("é", "x_C3_A9")]
        {
            assert_eq!(scrub.proper(name).expect("scrubbed"), expected);
        }
        let keep = Names { scrub: false };
        assert_eq!(keep.proper("_x").expect("proper"), "_x");
        for name in ["", "a-b", "1", "a = 1; } message X {", "a.b"] {
            assert!(keep.proper(name).expect_err("is refused").message().contains("scrub.invalid.names"), "{name}");
        }
    }

    #[test]
    fn maps_and_their_entries_have_names_of_each_other() {
        assert_eq!((entry_name("labels").as_str(), entry_name("my_labels").as_str()), ("labelsEntry", "MyLabelsEntry"));
        assert_eq!(
            (map_name("MyLabelsEntry").as_str(), map_name("a.B.LabelsEntry").as_str()),
            ("my_labels", "a.B.labels")
        );
    }
}
