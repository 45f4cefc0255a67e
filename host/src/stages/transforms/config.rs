//! Configuration keys that many transforms have.

use crate::config::{ConfigDef, ConfigKey, Importance, Parsed, Props, Type, Validator};
use crate::error::{ConnectError, Result};

/// Whether null fields are read as their default.
pub const REPLACE_NULL: &str = "replace.null.with.default";

/// The key [`REPLACE_NULL`].
pub fn replace_null_key() -> ConfigKey {
    let doc = "Whether a field that is null and has a default counts as having the default.";
    ConfigKey::defaulting(REPLACE_NULL, Type::Boolean, "true", Importance::Medium, doc)
}

/// Which syntax names of fields are written in.
pub const SYNTAX_VERSION: &str = "field.syntax.version";

/// The key [`SYNTAX_VERSION`] (KIP-821). Transforms that have it only with us make it
/// [unlisted](ConfigKey::unlisted).
pub fn syntax_version_key() -> ConfigKey {
    let doc = "How fields are named. With V1 a name is the name of a field of the outermost struct or map. With V2 \
               it is a path: dots lead into structs and maps inside, and back-ticks enclose names that hold dots, as \
               in `foo.bar`.baz.";
    ConfigKey::defaulting(SYNTAX_VERSION, Type::String, "V1", Importance::High, doc)
        .check(Validator::one_of_ignore_case(&["V1", "V2"]))
}

/// Reads a transform's configuration. Of several problems the first is told, as Kafka Connect does when it makes a
/// transform; validation, which comes before, lists them all.
pub fn parse(def: &ConfigDef, props: &Props) -> Result<Parsed> {
    def.parse(props).map_err(|problems| {
        let first = problems.0.into_iter().next();
        ConnectError::config(first.expect("there is a problem where parsing fails").message)
    })
}
