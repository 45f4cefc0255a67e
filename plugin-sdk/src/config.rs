//! What a plugin can be configured with, and the configuration it is given.

use crate::error::{Error, Result};
use ferroconnect_plugin_abi::config::{
    Check, ConfigDef as AbiConfigDef, ConfigKey, ConfigType, Importance, Pair, Pairs, Validator, Width,
};
use ferroconnect_plugin_abi::containers::{AbiOption, AbiVec};
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

/// The definition of one configuration key, built step by step.
///
/// ```
/// use ferroconnect_plugin_sdk::Key;
/// let topic = Key::string("topic").required().non_empty().doc("The topic to publish to.");
/// let size = Key::int("batch.size").default_value("2000").at_least(1).low().doc("Records in one batch.");
/// # let _ = (topic, size);
/// ```
#[derive(Debug, Clone)]
pub struct Key {
    key: ConfigKey,
}

macro_rules! key_types {
    ($($(#[$doc:meta])* $method:ident = $kind:ident;)*) => {$(
        $(#[$doc])*
        pub fn $method(name: &str) -> Key {
            Key::of(name, ConfigType::$kind)
        }
    )*};
}

impl Key {
    fn of(name: &str, kind: ConfigType) -> Key {
        Key {
            key: ConfigKey {
                name: name.into(),
                kind,
                required: false,
                default: AbiOption::RNone,
                validators: AbiVec::new(),
                importance: Importance::MEDIUM,
                documentation: "".into(),
                group: AbiOption::RNone,
                order: -1,
                width: Width::NONE,
                display_name: "".into(),
                dependents: AbiVec::new(),
                recommended: AbiVec::new(),
                attributes: AbiVec::new(),
            },
        }
    }

    key_types! {
        /// Text.
        string = STRING;
        /// `true` or `false`.
        boolean = BOOLEAN;
        /// A 32-bit integer.
        int = INT;
        /// A 16-bit integer.
        short = SHORT;
        /// A 64-bit integer.
        long = LONG;
        /// A floating-point number.
        double = DOUBLE;
        /// A comma-separated list.
        list = LIST;
        /// The class name of a plugin.
        class = CLASS;
        /// Text that is never shown.
        password = PASSWORD;
    }

    /// The user has to give it.
    pub fn required(mut self) -> Key {
        self.key.required = true;
        self
    }

    /// The value where the user gives none. Without one it is null.
    pub fn default_value(mut self, text: &str) -> Key {
        self.key.default = AbiOption::RSome(text.into());
        self
    }

    /// What it is for.
    pub fn doc(mut self, text: &str) -> Key {
        self.key.documentation = text.into();
        self
    }

    /// Importance high.
    pub fn high(mut self) -> Key {
        self.key.importance = Importance::HIGH;
        self
    }

    /// Importance low.
    pub fn low(mut self) -> Key {
        self.key.importance = Importance::LOW;
        self
    }

    /// Shows it in a group, at a place from 1.
    pub fn group(mut self, group: &str, order: i32) -> Key {
        self.key.group = AbiOption::RSome(group.into());
        self.key.order = order;
        self
    }

    /// Its form width and title.
    pub fn display(mut self, width: Width, name: &str) -> Key {
        self.key.width = width;
        self.key.display_name = name.into();
        self
    }

    /// Keys whose meaning depends on this one.
    pub fn dependents(mut self, keys: &[&str]) -> Key {
        self.key.dependents = keys.iter().map(|&key| key.into()).collect();
        self
    }

    /// Values to offer.
    pub fn recommended(mut self, values: &[&str]) -> Key {
        self.key.recommended = values.iter().map(|&value| value.into()).collect();
        self
    }

    fn check(mut self, check: Check, arguments: &[&str]) -> Key {
        let arguments = arguments.iter().map(|&argument| argument.into()).collect();
        self.key.validators.push(Validator { check, arguments });
        self
    }

    /// A number of at least `minimum`.
    pub fn at_least(self, minimum: i64) -> Key {
        self.check(Check::RANGE, &[&minimum.to_string(), ""])
    }

    /// A number from `minimum` to `maximum`.
    pub fn between(self, minimum: i64, maximum: i64) -> Key {
        self.check(Check::RANGE, &[&minimum.to_string(), &maximum.to_string()])
    }

    /// One of these.
    pub fn one_of(self, values: &[&str]) -> Key {
        self.check(Check::ONE_OF, values)
    }

    /// One of these in any case.
    pub fn one_of_any_case(self, values: &[&str]) -> Key {
        self.check(Check::ONE_OF_ANY_CASE, values)
    }

    /// Not the empty text.
    pub fn non_empty(self) -> Key {
        self.check(Check::NON_EMPTY, &[])
    }

    /// A regular expression in Java's syntax.
    pub fn regex(self) -> Key {
        self.check(Check::REGEX, &[])
    }
}

/// What a plugin can be configured with, in the order it is shown.
#[derive(Debug, Clone, Default)]
pub struct ConfigDef {
    def: AbiConfigDef,
}

impl ConfigDef {
    /// No keys yet.
    pub fn new() -> ConfigDef {
        ConfigDef::default()
    }

    /// Adds a key.
    pub fn key(mut self, key: Key) -> ConfigDef {
        self.def.keys.push(key.key);
        self
    }

    /// The definition as it crosses the border.
    pub fn as_abi(&self) -> &AbiConfigDef {
        &self.def
    }

    /// Reads a configuration with the defaults behind it. The worker has checked required keys, types and validators
    /// already; tests and callers outside a worker get the missing required keys as an error.
    pub fn parse(&self, pairs: &Pairs) -> Result<Config> {
        let config = self.fill(pairs);
        let missing = self.def.keys.iter().find(|key| key.required && config.get(key.name.as_str()).is_none());
        missing.map_or(Ok(config), |key| Err(missing_key(key.name.as_str())))
    }

    /// Reads a configuration that may not be complete, with the defaults behind it.
    pub fn fill(&self, pairs: &Pairs) -> Config {
        let default = |key: &ConfigKey| match &key.default {
            AbiOption::RSome(default) => Some((key.name.to_string(), default.to_string())),
            AbiOption::RNone => None,
        };
        Config { defaults: self.def.keys.iter().filter_map(default).collect(), ..Config::from_pairs(pairs) }
    }
}

fn missing_key(key: &str) -> Error {
    Error::config(format!("Missing required configuration \"{key}\" which has no default value."))
}

/// A configuration: text values by key. Null values are left out.
///
/// Looking up a key that is not set finds its default. What is handed on ([`Config::to_pairs`], [`Config::iter`]) are
/// the keys that were set: a connector can give its own configuration to its tasks as it is.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Config {
    values: BTreeMap<String, String>,
    defaults: BTreeMap<String, String>,
}

impl Config {
    /// The configuration of these pairs, without defaults.
    pub fn from_pairs(pairs: &Pairs) -> Config {
        let values = pairs.iter().filter_map(|pair| match &pair.value {
            AbiOption::RSome(value) => Some((pair.key.to_string(), value.to_string())),
            AbiOption::RNone => None,
        });
        Config { values: values.collect(), defaults: BTreeMap::new() }
    }

    /// As it crosses the border.
    pub fn to_pairs(&self) -> Pairs {
        let pair = |(key, value): (&String, &String)| Pair {
            key: key.as_str().into(),
            value: AbiOption::RSome(value.as_str().into()),
        };
        self.values.iter().map(pair).collect()
    }

    /// The text of a key or of its default, blanks around it cut off as everywhere in Kafka Connect; none where it is
    /// not set or null.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.values.get(key).or_else(|| self.defaults.get(key)).map(|text| text.trim())
    }

    /// The text of a key that must be there.
    pub fn text(&self, key: &str) -> Result<&str> {
        self.get(key).ok_or_else(|| missing_key(key))
    }

    /// A key read as a type that is read from text, for instance a number.
    pub fn parse<T: FromStr>(&self, key: &str) -> Result<T> {
        let text = self.text(key)?;
        text.parse().map_err(|_| {
            let wanted = std::any::type_name::<T>();
            Error::config(format!("Invalid value {text} for configuration {key}: Not a value of type {wanted}"))
        })
    }

    /// A key read as `true` or `false`.
    pub fn flag(&self, key: &str) -> Result<bool> {
        match self.text(key)? {
            text if text.eq_ignore_ascii_case("true") => Ok(true),
            text if text.eq_ignore_ascii_case("false") => Ok(false),
            text => Err(Error::config(format!(
                "Invalid value {text} for configuration {key}: Expected value to be either true or false"
            ))),
        }
    }

    /// A key read as a comma-separated list; empty or not set = no entries.
    pub fn list(&self, key: &str) -> Vec<&str> {
        match self.get(key) {
            None | Some("") => Vec::new(),
            Some(text) => text.split(',').map(str::trim).collect(),
        }
    }

    /// Sets a key.
    pub fn set(&mut self, key: &str, value: impl ToString) -> &mut Config {
        self.values.insert(key.to_owned(), value.to_string());
        self
    }

    /// All keys that were set with their values, sorted.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.values.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }
}

impl<const N: usize> From<[(&str, &str); N]> for Config {
    fn from(pairs: [(&str, &str); N]) -> Config {
        let values = pairs.iter().map(|&(key, value)| (key.to_owned(), value.to_owned())).collect();
        Config { values, defaults: BTreeMap::new() }
    }
}

impl fmt::Debug for Config {
    /// Shows the keys only: a value may be a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Config")?;
        f.debug_list().entries(self.values.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn def() -> ConfigDef {
        let size = Key::int("size").default_value("5");
        ConfigDef::new().key(Key::string("topic").required()).key(size).key(Key::password("password"))
    }

    #[test]
    fn defaults_are_found_but_not_handed_on() {
        let config = def().parse(&Config::from([("topic", " t ")]).to_pairs()).unwrap();
        assert_eq!(config.text("topic").unwrap(), "t");
        assert_eq!(config.parse::<u32>("size").unwrap(), 5);
        assert_eq!(config.iter().collect::<Vec<_>>(), [("topic", " t ")]);
        assert_eq!(config.to_pairs().len(), 1);
    }

    #[test]
    fn a_missing_required_key_is_named() {
        let error = def().parse(&Pairs::new()).unwrap_err();
        assert_eq!(error.message(), "Missing required configuration \"topic\" which has no default value.");
        assert_eq!(def().fill(&Pairs::new()).get("size"), Some("5"));
    }

    #[test]
    fn values_are_not_shown() {
        let config = Config::from([("password", "hunter2")]);
        assert_eq!(format!("{config:?}"), "Config[\"password\"]");
    }
}
