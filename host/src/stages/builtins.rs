//! The table of stages that come with the worker. A new one is a file of its own and one entry here.

use super::converters::boolean::BooleanConverter;
use super::converters::byte_array::ByteArrayConverter;
use super::converters::json::JsonConverter;
use super::converters::number::NumberConverter;
use super::converters::string::StringConverter;
use super::headers::simple::SimpleHeaderConverter;
use super::{Converter, HeaderConverter, Predicate, Transform};
use crate::config::{ConfigDef, ConfigKey, Importance, PluginKind, Props, Type, Validator};
use crate::error::Result;

/// How a stage of each kind is made from its configuration. Prefixes such as `key.converter.` are cut off before,
/// and converters find `converter.type` in it (`key`, `value` or `header`).
#[derive(Clone, Copy)]
pub enum Factory {
    /// A converter of keys and values.
    Converter(fn(&Props) -> Result<Box<dyn Converter>>),
    /// A converter of headers.
    HeaderConverter(fn(&Props) -> Result<Box<dyn HeaderConverter>>),
    /// A transform.
    Transform(fn(&Props) -> Result<Box<dyn Transform>>),
    /// A predicate.
    Predicate(fn(&Props) -> Result<Box<dyn Predicate>>),
}

/// One stage class that comes with the worker. A class that serves in two roles has two entries.
#[derive(Clone, Copy)]
pub struct BuiltIn {
    /// The Java class name, by which configurations know it. The usual short aliases follow from it.
    pub class: &'static str,
    /// What it does, in one sentence.
    pub documentation: &'static str,
    /// Its configuration.
    pub config: fn() -> ConfigDef,
    /// How to make one.
    pub factory: Factory,
}

impl BuiltIn {
    /// The kind of plugin it is.
    pub fn kind(&self) -> PluginKind {
        match self.factory {
            Factory::Converter(_) => PluginKind::Converter,
            Factory::HeaderConverter(_) => PluginKind::HeaderConverter,
            Factory::Transform(_) => PluginKind::Transformation,
            Factory::Predicate(_) => PluginKind::Predicate,
        }
    }

    /// Its version: that of the Kafka Connect class it stands in for.
    pub fn version(&self) -> &'static str {
        crate::KAFKA_CONNECT
    }
}

/// The entries of a class that converts keys, values and headers. The class has `config_def()` and
/// `configured(&Props)`.
macro_rules! both_roles {
    ($class:literal, $documentation:literal, $type:ty) => {
        [
            Factory::Converter(|props| Ok(Box::new(<$type>::configured(props)?))),
            Factory::HeaderConverter(|props| Ok(Box::new(<$type>::configured(props)?))),
        ]
        .map(|factory| BuiltIn {
            class: $class,
            documentation: $documentation,
            config: <$type>::config_def,
            factory,
        })
    };
}
/// All stages that come with the worker.
pub fn builtins() -> Vec<BuiltIn> {
    let mut all = Vec::new();
    all.extend(both_roles!(
        "org.apache.kafka.connect.json.JsonConverter",
        "Converts to and from JSON, with or without an envelope that carries the schema.",
        JsonConverter
    ));
    all.extend(both_roles!(
        "org.apache.kafka.connect.storage.StringConverter",
        "Writes values as text and reads everything as text.",
        StringConverter
    ));
    all.extend(both_roles!(
        "org.apache.kafka.connect.converters.ByteArrayConverter",
        "Passes bytes through unchanged.",
        ByteArrayConverter
    ));
    all.extend(both_roles!(
        "org.apache.kafka.connect.converters.ShortConverter",
        "Converts 16-bit integers to and from big-endian bytes.",
        NumberConverter<i16>
    ));
    all.extend(both_roles!(
        "org.apache.kafka.connect.converters.IntegerConverter",
        "Converts 32-bit integers to and from big-endian bytes.",
        NumberConverter<i32>
    ));
    all.extend(both_roles!(
        "org.apache.kafka.connect.converters.LongConverter",
        "Converts 64-bit integers to and from big-endian bytes.",
        NumberConverter<i64>
    ));
    all.extend(both_roles!(
        "org.apache.kafka.connect.converters.FloatConverter",
        "Converts 32-bit floats to and from big-endian bytes.",
        NumberConverter<f32>
    ));
    all.extend(both_roles!(
        "org.apache.kafka.connect.converters.DoubleConverter",
        "Converts 64-bit floats to and from big-endian bytes.",
        NumberConverter<f64>
    ));
    all.extend(both_roles!(
        "org.apache.kafka.connect.converters.BooleanConverter",
        "Converts booleans to and from one byte.",
        BooleanConverter
    ));
    all.push(BuiltIn {
        class: "org.apache.kafka.connect.storage.SimpleHeaderConverter",
        documentation: "Writes header values as text and reads them by what they look like.",
        config: SimpleHeaderConverter::config_def,
        factory: Factory::HeaderConverter(|props| Ok(Box::new(SimpleHeaderConverter::configured(props)?))),
    });
    all.extend(super::transforms::builtins());
    all.extend(super::predicates::builtins());
    all
}

/// The definition every converter starts from.
pub(super) fn converter_config() -> ConfigDef {
    ConfigDef::new().key(
        ConfigKey::required("converter.type", Type::String, Importance::Low, "How this converter will be used.")
            .check(Validator::one_of(&["key", "value", "header"])),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    #[test]
    fn every_entry_is_made_from_defaults_or_names_what_is_missing() {
        for builtin in builtins() {
            let role = if builtin.kind() == PluginKind::HeaderConverter { "header" } else { "value" };
            let props = Props::from([("converter.type", role)]);
            let parsed = (builtin.config)().parse(&props);
            let (made, needs_nothing) = match builtin.factory {
                Factory::Converter(make) => (make(&props).map(drop), true),
                Factory::HeaderConverter(make) => (make(&props).map(drop), true),
                Factory::Transform(make) => (make(&props).map(drop), false),
                Factory::Predicate(make) => (make(&props).map(drop), false),
            };
            match made {
                Ok(()) => assert!(parsed.is_ok(), "{}", builtin.class),
                Err(error) if needs_nothing => panic!("{}: {error:?}", builtin.class),
                Err(error) => assert_eq!(error.kind(), ErrorKind::Config, "{}: {error:?}", builtin.class),
            }
        }
    }

    #[test]
    fn classes_are_listed_once() {
        let mut seen = std::collections::HashSet::new();
        for builtin in builtins() {
            assert!(seen.insert((builtin.class, builtin.kind())), "{} is there twice", builtin.class);
        }
    }
}
