//! The names by which Connect's and Avro's types keep what the other side lacks.

use std::borrow::Cow;

use ferroconnect_plugin_sdk::{Schema, SchemaType};

/// Where records without a name of their own stand.
pub(super) const NAMESPACE: &str = "io.confluent.connect.avro";
/// Records without a name of their own; the second one has a 2 behind it, and so on.
pub(super) const DEFAULT_NAME: &str = "ConnectDefault";
/// The record of one entry of a map that Avro's maps cannot hold.
pub(super) const MAP_ENTRY: &str = "MapEntry";
/// Data without schema.
pub(super) const ANYTHING: &str = "io.confluent.connect.avro.Anything";

pub(super) const CONNECT_NAME: &str = "connect.name";
pub(super) const CONNECT_DOC: &str = "connect.doc";
pub(super) const CONNECT_VERSION: &str = "connect.version";
pub(super) const CONNECT_DEFAULT: &str = "connect.default";
pub(super) const CONNECT_PARAMETERS: &str = "connect.parameters";
pub(super) const CONNECT_TYPE: &str = "connect.type";
pub(super) const INTERNAL_TYPE: &str = "connect.internal.type";
pub(super) const FIXED_SIZE: &str = "connect.fixed.size";
pub(super) const PRECISION: &str = "connect.decimal.precision";
/// The precision that needs no telling.
pub(super) const USUAL_PRECISION: i64 = 64;

pub(super) const RECORD_DOC: &str = "io.confluent.connect.avro.record.doc";
pub(super) const FIELD_DOC: &str = "io.confluent.connect.avro.field.doc.";
pub(super) const ENUM_DOC: &str = "io.confluent.connect.avro.enum.doc.";
pub(super) const ENUM_DEFAULT: &str = "io.confluent.connect.avro.enum.default.";
/// Tells that a default came from a field of Avro, and not from Connect.
pub(super) const FIELD_DEFAULT: &str = "io.confluent.connect.avro.field.default";
/// Those of `discard.type.doc.default`.
pub(super) const PLAIN_RECORD_DOC: &str = "connect.record.doc";
pub(super) const PLAIN_ENUM_DOC: &str = "connect.enum.doc";

pub(super) const ENUM: &str = "io.confluent.connect.avro.Enum";
pub(super) const UNION: &str = "io.confluent.connect.avro.Union";
/// Those of `generalized.sum.type.support`.
pub(super) const GENERAL_ENUM: &str = "org.apache.kafka.connect.data.Enum";
pub(super) const GENERAL_UNION: &str = "org.apache.kafka.connect.data.Union";
pub(super) const GENERAL_UNION_NAME: &str = "connect_union_";
pub(super) const GENERAL_UNION_FIELD: &str = "connect_union_field_";

/// Whether a struct stands for a union: one field per branch, one of them filled.
pub(super) fn is_union(schema: &Schema) -> bool {
    schema.kind == SchemaType::STRUCT && (schema.name_str() == Some(UNION) || schema.parameter(GENERAL_UNION).is_some())
}

/// Namespace and name of a full name.
pub(super) fn split(full: &str) -> (&str, &str) {
    full.rsplit_once('.').unwrap_or(("", full))
}

/// Whether Avro allows the name, namespaces left aside.
pub(super) fn is_valid(name: &str) -> bool {
    let begins = |byte: u8| byte.is_ascii_alphabetic() || byte == b'_';
    let bytes = name.as_bytes();
    bytes.first().is_some_and(|first| begins(*first)) && bytes.iter().all(|byte| begins(*byte) || byte.is_ascii_digit())
}

/// The name with what Avro does not allow replaced: as in a URL's query, and then each other character by `_`; a digit in
/// front gets an `x`.
pub(super) fn scrub(name: &str) -> Cow<'_, str> {
    if is_valid(name) || name.is_empty() {
        return Cow::Borrowed(name);
    }
    let mut scrubbed = String::with_capacity(name.len() + 8);
    if name.as_bytes()[0].is_ascii_digit() {
        scrubbed.push('x');
    }
    for byte in name.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' => scrubbed.push(char::from(byte)),
            // A URL's query leaves these as they are, and writes a blank as one sign.
            b'-' | b'.' | b'*' | b' ' => scrubbed.push('_'),
            other => scrubbed.push_str(&format!("_{other:02X}")),
        }
    }
    Cow::Owned(scrubbed)
}

/// A full name, each part scrubbed.
pub(super) fn scrub_full(full: &str) -> String {
    full.split('.').map(scrub).collect::<Vec<_>>().join(".")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_scrubbed_as_in_the_original() {
        let cases =
            [("ok_1", "ok_1"), ("a-b", "a_b"), ("1st", "x1st"), ("ä b", "_C3_A4_b"), ("a$", "a_24"), ("a.b", "a_b")];
        for (name, scrubbed) in cases {
            assert_eq!(scrub(name), scrubbed);
            assert!(is_valid(&scrub(name)));
        }
        assert_eq!(scrub_full("my-server.db.table"), "my_server.db.table");
        assert!(!is_valid("") && !is_valid("1a") && !is_valid("a-b"));
    }
}
