//! The keys that JSON Schema has beside the common ones.

use ferroconnect_plugin_sdk::{Config, ConfigDef, Error, Key, Result};

const GROUP: &str = "JSON Schema";
const ADDITIONAL_PROPERTIES: &str = "object.additional.properties";
const OPTIONAL_FOR_NONREQUIRED: &str = "use.optional.for.nonrequired";
const IGNORE_MODERN_DIALECTS: &str = "ignore.modern.dialects";
const PRESERVE: &str = "preserve.additional.properties";
const DECIMAL_FORMAT: &str = "decimal.format";
const FLATTEN_SINGLETON_UNIONS: &str = "flatten.singleton.unions";
// Keys of all formats.
const SUM_TYPES: &str = "generalized.sum.type.support";
const IGNORE_DEFAULT: &str = "ignore.default.for.nullables";

/// How decimals are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DecimalFormat {
    /// The unscaled number in base 64.
    Base64,
    /// A JSON number.
    Numeric,
}

/// The user's choices.
#[derive(Debug, Clone)]
pub(super) struct Options {
    /// Whether schemas let objects have properties that they do not name.
    pub(super) additional_properties: bool,
    /// Whether properties that a schema does not require become optional fields.
    pub(super) optional_for_nonrequired: bool,
    /// How decimals are written; both ways are read.
    pub(super) decimal_format: DecimalFormat,
    /// Whether a union of one type is that type.
    pub(super) flatten_singleton_unions: bool,
    /// Whether unions and enums bear the parameters that all formats share.
    pub(super) sum_types: bool,
    /// Whether null in an optional field stays null although the field has a default value.
    pub(super) ignore_default_for_nullables: bool,
}

/// Adds the keys.
pub(super) fn keys(def: ConfigDef) -> ConfigDef {
    let flag = |name, default, order, doc| Key::boolean(name).default_value(default).group(GROUP, order).doc(doc);
    def.key(flag(
        ADDITIONAL_PROPERTIES,
        "true",
        1,
        "Whether schemas let objects have properties that they do not name.",
    ))
    .key(flag(
        OPTIONAL_FOR_NONREQUIRED,
        "false",
        2,
        "Whether properties that a schema does not list as required become optional fields.",
    ))
    .key(flag(
        IGNORE_MODERN_DIALECTS,
        "false",
        3,
        "Accepted for the sake of existing configurations. Schemas of all dialects are read in one way.",
    ))
    .key(
        Key::string(DECIMAL_FORMAT)
            .default_value("BASE64")
            .one_of_any_case(&["BASE64", "NUMERIC"])
            .group(GROUP, 4)
            .doc(
                "How decimals are written: BASE64 = the unscaled number in base 64, NUMERIC = a number. Both are read.",
            ),
    )
    .key(flag(FLATTEN_SINGLETON_UNIONS, "true", 5, "Whether a union of one type is read as that type."))
}

impl Options {
    /// The choices of a configuration.
    ///
    /// # Errors
    /// A config error that names the key.
    pub(super) fn new(config: &Config) -> Result<Options> {
        config.flag(IGNORE_MODERN_DIALECTS)?;
        // Silently left out, it would lose what the user wants kept.
        if let Some(value) = config.get(PRESERVE).filter(|value| !["", "false"].contains(&&*value.to_ascii_lowercase()))
        {
            return Err(Error::config(format!(
                "Invalid value {value} for configuration {PRESERVE}: properties that a schema does not name are not kept; \
                 leave it out, or set false"
            )));
        }
        Ok(Options {
            additional_properties: config.flag(ADDITIONAL_PROPERTIES)?,
            optional_for_nonrequired: config.flag(OPTIONAL_FOR_NONREQUIRED)?,
            decimal_format: match config.text(DECIMAL_FORMAT)?.to_ascii_uppercase().as_str() {
                "BASE64" => DecimalFormat::Base64,
                "NUMERIC" => DecimalFormat::Numeric,
                other => {
                    let text = format!("Invalid value {other} for configuration {DECIMAL_FORMAT}: BASE64 or NUMERIC");
                    return Err(Error::config(text));
                }
            },
            flatten_singleton_unions: config.flag(FLATTEN_SINGLETON_UNIONS)?,
            sum_types: config.flag(SUM_TYPES)?,
            ignore_default_for_nullables: config.flag(IGNORE_DEFAULT)?,
        })
    }
}

#[cfg(test)]
impl Default for Options {
    fn default() -> Options {
        let config = keys(crate::settings::keys()).fill(&Config::default().to_pairs());
        Options::new(&config).expect("the defaults are right")
    }
}
