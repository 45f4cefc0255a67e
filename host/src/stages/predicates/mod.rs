//! The predicates that come with the worker, one file each, with their class names.

mod has_header_key;
mod record_is_tombstone;
mod topic_name_matches;

use super::{BuiltIn, Factory};

/// One entry. The type has `config_def()` and `configured(&Props)`.
macro_rules! predicate {
    ($class:literal, $documentation:literal, $type:ty) => {
        BuiltIn {
            class: concat!("org.apache.kafka.connect.transforms.predicates.", $class),
            documentation: $documentation,
            config: <$type>::config_def,
            factory: Factory::Predicate(|props| Ok(Box::new(<$type>::configured(props)?))),
        }
    };
}

/// All predicates that come with the worker, in the order of their names.
pub(super) fn builtins() -> Vec<BuiltIn> {
    vec![
        predicate!(
            "HasHeaderKey",
            "True for records with at least one header of the name.",
            has_header_key::HasHeaderKey
        ),
        predicate!(
            "RecordIsTombstone",
            "True for records whose value is null.",
            record_is_tombstone::RecordIsTombstone
        ),
        predicate!(
            "TopicNameMatches",
            "True for records whose topic matches a regular expression.",
            topic_name_matches::TopicNameMatches
        ),
    ]
}
