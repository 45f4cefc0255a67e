//! What differs between the configuration a connector has and the one it should have.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::cli::output::printable;
use crate::config::{HIDDEN, Props};

/// A configuration as a worker gives it: values may be null.
pub(super) type Config = BTreeMap<String, Option<String>>;

/// One key that differs.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Change {
    key: String,
    what: Difference,
}

/// A value is null where it is none.
#[derive(Debug, PartialEq, Eq)]
enum Difference {
    Added(Option<String>),
    Removed(Option<String>),
    Changed { from: Option<String>, to: Option<String> },
}

/// All keys that differ, in the order of keys.
pub(super) fn diff(is: &Config, wanted: &Props) -> Vec<Change> {
    let wanted: Config = wanted.iter().map(|(key, value)| (key.to_owned(), value.map(str::to_owned))).collect();
    let mut changes = Vec::new();
    for (key, to) in &wanted {
        let what = match is.get(key) {
            None => Difference::Added(to.clone()),
            Some(from) if from != to => Difference::Changed { from: from.clone(), to: to.clone() },
            Some(_) => continue,
        };
        changes.push(Change { key: key.clone(), what });
    }
    let gone = is.iter().filter(|(key, _)| !wanted.contains_key(*key));
    changes.extend(gone.map(|(key, from)| Change { key: key.clone(), what: Difference::Removed(from.clone()) }));
    changes.sort_by(|one, other| one.key.cmp(&other.key));
    changes
}

impl Change {
    /// The key.
    pub(super) fn key(&self) -> &str {
        &self.key
    }

    /// `added`, `removed` or `changed`.
    fn kind(&self) -> &'static str {
        match self.what {
            Difference::Added(_) => "added",
            Difference::Removed(_) => "removed",
            Difference::Changed { .. } => "changed",
        }
    }

    /// For people; values are shown only if they are no secrets.
    pub(super) fn line(&self, secret: bool) -> String {
        let key = printable(&self.key);
        match &self.what {
            Difference::Added(to) => format!("+ {key} = {}", shown(to.as_deref(), secret)),
            Difference::Removed(from) => format!("- {key} = {}", shown(from.as_deref(), secret)),
            Difference::Changed { .. } if secret => format!("~ {key} = {HIDDEN}, changed"),
            Difference::Changed { from, to } => {
                format!("~ {key} = {} -> {}", shown(from.as_deref(), secret), shown(to.as_deref(), secret))
            }
        }
    }

    /// For scripts: no values, which might be secrets.
    pub(super) fn json(&self) -> Value {
        json!({ "key": self.key, "change": self.kind() })
    }
}

/// A value for people.
pub(super) fn shown(value: Option<&str>, secret: bool) -> String {
    match value {
        None => "null".to_owned(),
        Some(_) if secret => HIDDEN.to_owned(),
        Some(text) => printable(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(entries: &[(&str, &str)]) -> Config {
        entries.iter().map(|&(key, value)| (key.to_owned(), Some(value.to_owned()))).collect()
    }

    #[test]
    fn what_differs_is_told_in_the_order_of_keys() {
        let is = config(&[("same", "1"), ("gone", "2"), ("other", "3")]);
        let wanted = Props::from([("other", "4"), ("same", "1"), ("new", "5")]);
        let lines: Vec<String> = diff(&is, &wanted).iter().map(|change| change.line(false)).collect();
        assert_eq!(lines, ["- gone = 2", "+ new = 5", "~ other = 3 -> 4"]);
        assert!(diff(&is, &Props::from([("gone", "2"), ("other", "3"), ("same", "1")])).is_empty());
    }

    #[test]
    fn secrets_are_not_shown() {
        let is = config(&[("a", "s3cret-1"), ("b", "s3cret-2")]);
        let wanted = Props::from([("a", "s3cret-3"), ("c", "s3cret-4")]);
        for change in diff(&is, &wanted) {
            let line = change.line(true);
            assert!(!line.contains("s3cret") && line.contains("[hidden]"), "{line}");
            assert!(!change.json().to_string().contains("s3cret"));
        }
    }

    #[test]
    fn null_and_text_differ() {
        let mut wanted = Props::new();
        wanted.set_nullable("a", None);
        let changes = diff(&config(&[("a", "null")]), &wanted);
        assert_eq!(changes.len(), 1);
        assert_eq!(changes[0].line(false), "~ a = null -> null");
    }

    proptest::proptest! {
        /// Nothing differs if and only if the configurations are the same.
        #[test]
        fn a_diff_is_empty_only_between_equals(
            one in proptest::collection::btree_map("[a-d]", proptest::option::of("[xy]?"), 0..5),
            other in proptest::collection::btree_map("[a-d]", proptest::option::of("[xy]?"), 0..5),
        ) {
            let wanted: Props = other.clone().into_iter().collect();
            proptest::prop_assert_eq!(diff(&one, &wanted).is_empty(), one == other);
        }
    }
}
