//! What differs from the recording on purpose. Each entry is a line of `docs/differences.md` too.

use serde_json::Value as Json;

/// A rule by which answers may differ.
struct Intended {
    /// How the runner names it, word for word from `docs/differences.md`.
    name: &'static str,
    /// Whether this case (first) with this answer (second) is one of them.
    applies: fn(&Json, &Json) -> bool,
}

const INTENDED: [Intended; 2] = [
    Intended {
        name: "InsertField without `static.value` names the static field",
        applies: |case, given| {
            let common = "Invalid value null for configuration static.value: No value specified for static field: ";
            let java = format!("{common}org.apache.kafka.connect.transforms.InsertField$InsertionSpec@<id>");
            same_place(&case["expect"], given)
                && text(&case["expect"]) == java
                && case["config"]["static.field"]
                    .as_str()
                    .is_some_and(|field| text(given) == format!("{common}{}", field.trim()))
        },
    },
    Intended {
        name: "TimestampRouter's error for a missing timestamp leaves the source partition and offset out",
        applies: |case, given| {
            let java = text(&case["expect"]);
            same_place(&case["expect"], given)
                && java.starts_with("Timestamp missing on record: SourceRecord{")
                && java.replace("SourceRecord{sourcePartition={p=1}, sourceOffset={o=2}} ", "") == text(given)
        },
    },
];

/// The message of an error.
fn text(answer: &Json) -> &str {
    answer["error"]["message"].as_str().unwrap_or_default()
}

/// Whether two errors came at the same time and are of the same class.
fn same_place(expected: &Json, given: &Json) -> bool {
    ["at", "class"].iter().all(|part| expected["error"][part] == given["error"][part])
}

/// How many cases of a file may differ on purpose, in percent.
pub const MOST_PERCENT: usize = 2;

/// The name of the rule by which this answer may differ from the recorded one.
pub(super) fn name(case: &Json, given: &Json) -> Option<&'static str> {
    INTENDED.iter().find(|intended| (intended.applies)(case, given)).map(|intended| intended.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_are_told_to_users() {
        INTENDED.iter().for_each(|intended| crate::assert_told(intended.name));
    }
}
