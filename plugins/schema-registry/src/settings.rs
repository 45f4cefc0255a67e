//! What all formats can be configured with.

use std::time::Duration;

use ferroconnect_plugin_sdk::{Config, ConfigDef, Error, Key, Result, warn};

use crate::client::Client;
use crate::subject::Strategy;

const DEFAULT_STRATEGY: &str = "io.confluent.kafka.serializers.subject.TopicNameStrategy";

/// The keys of all formats.
pub(crate) fn keys() -> ConfigDef {
    let flag = |name: &str, default: bool| Key::boolean(name).default_value(if default { "true" } else { "false" });
    let strategy = |role: &str| {
        Key::string(&format!("{role}.subject.name.strategy"))
            .default_value(DEFAULT_STRATEGY)
            .doc("What names the subject: TopicNameStrategy, RecordNameStrategy or TopicRecordNameStrategy.")
    };
    let def = Client::keys(ConfigDef::new())
        .key(flag("auto.register.schemas", true).doc("Registers the schemas of records. Otherwise they have to be there."))
        .key(flag("use.latest.version", false).doc(
            "Writes by the latest schema of the subject. Counts only where auto.register.schemas is false.",
        ))
        .key(flag("latest.compatibility.strict", true).low().doc(
            "Refuses a latest schema that could not hold all that the record's own schema allows.",
        ))
        .key(Key::int("use.schema.id").default_value("-1").low().doc(
            "Writes by the schema with this id. Counts only where auto.register.schemas is false.",
        ))
        .key(flag("id.compatibility.strict", true).low().doc("As latest.compatibility.strict, for use.schema.id."))
        .key(flag("normalize.schemas", false).doc("Has the registry bring schemas into a normal form first."))
        .key(Key::int("latest.cache.size").default_value("1000").at_least(1).low().doc(
            "How many latest schemas are remembered.",
        ))
        .key(Key::int("latest.cache.ttl.sec").default_value("-1").low().doc(
            "After how many seconds the latest schema is asked for again. -1 = never.",
        ))
        .key(Key::int("max.schemas.per.subject").default_value("1000").at_least(1).low().doc(
            "How many schemas of each subject are remembered with their ids.",
        ))
        .key(Key::int("schemas.cache.config").default_value("1000").at_least(1).low().doc(
            "How many Connect schemas are remembered with their way to be written.",
        ))
        .key(flag("generalized.sum.type.support", false).low().doc(
            "Shows enums and unions in one way for all formats: org.apache.kafka.connect.data.Enum and Union.",
        ))
        .key(flag("ignore.default.for.nullables", false).low().doc(
            "Writes null as null where the schema is optional and has a default, too. Otherwise the default is written.",
        ));
    def.key(strategy("key")).key(strategy("value"))
}

/// Which registered schema values are written by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Choice {
    /// Their own, registered when it is not there.
    Register,
    /// Their own, which has to be there.
    LookUp,
    /// The latest of the subject.
    Latest {
        /// Refuses one that could not hold all that the own schema allows.
        strict: bool,
    },
    /// One by its number.
    Id {
        /// The number.
        id: i32,
        /// As with the latest.
        strict: bool,
    },
}

/// What the keys of all formats say.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// Which registered schema values are written by.
    pub(crate) choice: Choice,
    /// Whether the registry brings schemas into a normal form.
    pub(crate) normalize: bool,
    /// What names the subject.
    pub(crate) strategy: Strategy,
    /// Whether keys are converted.
    pub(crate) is_key: bool,
    /// How long a latest schema counts; none = for ever.
    pub(crate) latest_lasts: Option<Duration>,
    /// How many latest schemas are remembered.
    pub(crate) latest_kept: usize,
    /// How many registered schemas of each subject are remembered.
    pub(crate) registered_kept: usize,
    /// How many plans are remembered, of each kind.
    pub(crate) plans_kept: usize,
    /// Whether a header may say which schema a payload is of.
    pub(crate) reads_headers: bool,
    /// Why nothing can be written; none where it can.
    unwritable: Option<String>,
}

impl Settings {
    /// The settings of a configuration.
    ///
    /// # Errors
    /// A config error that names the key.
    pub(crate) fn new(config: &Config, is_key: bool) -> Result<Settings> {
        let id: i32 = config.parse("use.schema.id")?;
        let latest = config.flag("use.latest.version")?;
        let choice = if config.flag("auto.register.schemas")? {
            if latest || id >= 0 {
                warn!("use.latest.version and use.schema.id have no effect unless auto.register.schemas is false");
            }
            Choice::Register
        } else if id >= 0 {
            Choice::Id { id, strict: config.flag("id.compatibility.strict")? }
        } else if latest {
            Choice::Latest { strict: config.flag("latest.compatibility.strict")? }
        } else {
            Choice::LookUp
        };
        check_context(config)?;
        let unwritable = unwritable(config, is_key);
        if let Some(reason) = &unwritable {
            warn!("This converter can read, and fails where something is to be written: {reason}");
        }
        let seconds: i64 = config.parse("latest.cache.ttl.sec")?;
        let strategy = if is_key { "key.subject.name.strategy" } else { "value.subject.name.strategy" };
        Ok(Settings {
            choice,
            normalize: config.flag("normalize.schemas")?,
            strategy: Strategy::read(config, strategy)?,
            is_key,
            latest_lasts: u64::try_from(seconds).ok().map(Duration::from_secs),
            latest_kept: config.parse("latest.cache.size")?,
            registered_kept: config.parse("max.schemas.per.subject")?,
            plans_kept: config.parse("schemas.cache.config")?,
            reads_headers: reads_headers(config, is_key)?,
            unwritable,
        })
    }

    /// Checks that no key asks for what cannot be done when writing.
    ///
    /// # Errors
    /// A config error that names the key.
    pub(crate) fn check_writable(&self) -> Result<()> {
        self.unwritable.as_ref().map_or(Ok(()), |reason| Err(Error::config(reason)))
    }
}

// Confluent's converters know more than these. Silently leaving that out would put schemas where nobody looks for them, or
// write records that their readers do not understand.

/// Where the classes are that find ids, or write them.
const IDS: &str = "io.confluent.kafka.serializers.schema.id.";

/// Refuses contexts: subjects are others with them, whether something is read or written.
fn check_context(config: &Config) -> Result<()> {
    let key = "context.name.strategy";
    match set(config, key) {
        None | Some("io.confluent.kafka.serializers.context.NullContextNameStrategy") => Ok(()),
        Some(value) => Err(Error::config(invalid(key, value, "contexts are not supported; leave it out"))),
    }
}

/// Whether a header may say which schema a payload is of.
///
/// # Errors
/// A config error where ids are to be found in a way that is not known.
fn reads_headers(config: &Config, is_key: bool) -> Result<bool> {
    let key = format!("{}.schema.id.deserializer", role(is_key));
    let Some(value) = set(config, &key) else { return Ok(true) };
    match value.strip_prefix(IDS) {
        Some("DualSchemaIdDeserializer") => Ok(true),
        Some("PrefixSchemaIdDeserializer") => Ok(false),
        _ => {
            let right = format!(
                "the schema's id is read in the header where there is one, and in front of payloads otherwise; leave it out, \
                 or set {IDS}DualSchemaIdDeserializer, or {IDS}PrefixSchemaIdDeserializer, which leaves the header out"
            );
            Err(Error::config(invalid(&key, value, &right)))
        }
    }
}

/// Why nothing can be written, where that is so. Who only reads may have these keys: sinks often share the settings of a
/// converter with sources.
fn unwritable(config: &Config, is_key: bool) -> Option<String> {
    let key = "use.latest.with.metadata";
    if let Some(value) = set(config, key) {
        let right = "schemas are not looked for by metadata; leave it out, and use use.latest.version or use.schema.id";
        return Some(invalid(key, value, right));
    }
    let key = format!("{}.schema.id.serializer", role(is_key));
    let value = set(config, &key).filter(|value| value.strip_prefix(IDS) != Some("PrefixSchemaIdSerializer"))?;
    let right = format!(
        "the schema's id is written in front of payloads only; leave it out, or set {IDS}PrefixSchemaIdSerializer"
    );
    Some(invalid(&key, value, &right))
}

/// What a key is set to; none where it is empty.
fn set<'a>(config: &'a Config, key: &str) -> Option<&'a str> {
    config.get(key).filter(|value| !value.is_empty())
}

fn role(is_key: bool) -> &'static str {
    if is_key { "key" } else { "value" }
}

fn invalid(key: &str, value: &str, right: &str) -> String {
    format!("Invalid value {value} for configuration {key}: {right}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use ferroconnect_plugin_sdk::ErrorKind;

    fn settings<const N: usize>(pairs: [(&str, &str); N], is_key: bool) -> Result<Settings> {
        let mut config = Config::from(pairs);
        config.set("schema.registry.url", "http://localhost:1");
        Settings::new(&keys().parse(&config.to_pairs()).expect("complete"), is_key)
    }

    fn choice<const N: usize>(pairs: [(&str, &str); N]) -> Choice {
        settings(pairs, false).expect("right").choice
    }

    /// Checks that an error names the key, and what would be right.
    #[track_caller]
    fn names(error: &Error, key: &str, value: &str, right: &str) {
        assert_eq!(error.kind(), ErrorKind::CONFIG);
        let start = format!("Invalid value {value} for configuration {key}: ");
        assert!(error.message().starts_with(&start) && error.message().contains(right), "{error}");
    }

    #[test]
    fn what_would_be_left_out_is_refused_with_what_would_be_right() {
        let (key, own) = ("value.schema.id.deserializer", format!("{IDS}ConfigSchemaIdDeserializer"));
        for (key, value, right) in [
            ("context.name.strategy", "com.example.Own", "leave it out"),
            (key, own.as_str(), "DualSchemaIdDeserializer"),
            (key, "DualSchemaIdDeserializer", "DualSchemaIdDeserializer"),
        ] {
            names(&settings([(key, value)], false).expect_err("refused"), key, value, right);
            // That of the other role means nothing here.
            assert!(settings([(key, value)], true).is_ok() == key.starts_with("value."), "{key}");
        }
        assert!(settings([("context.name.strategy", "")], false).is_ok());
    }

    #[test]
    fn what_only_writing_lacks_leaves_reading_alone() {
        let (key, header) = ("value.schema.id.serializer", format!("{IDS}HeaderSchemaIdSerializer"));
        for (key, value, right) in [
            ("use.latest.with.metadata", "major=2", "use.latest.version"),
            (key, header.as_str(), "PrefixSchemaIdSerializer"),
        ] {
            let error = settings([(key, value)], false).expect("it can read").check_writable();
            names(&error.expect_err("refused"), key, value, right);
            // That of the other role means nothing here.
            let other = settings([(key, value)], true).expect("it can read");
            assert!(other.check_writable().is_ok() == key.starts_with("value."), "{key}");
        }
        let prefix = format!("{IDS}PrefixSchemaIdSerializer");
        for (key, value) in [("use.latest.with.metadata", ""), (key, ""), (key, &prefix)] {
            settings([(key, value)], false).expect("right").check_writable().expect("nothing is left out");
        }
    }

    #[test]
    fn headers_are_read_unless_only_the_prefix_counts() {
        let key = "value.schema.id.deserializer";
        for (name, expected) in [("DualSchemaIdDeserializer", true), ("PrefixSchemaIdDeserializer", false)] {
            let reads = |is_key| settings([(key, &format!("{IDS}{name}"))], is_key).expect("right").reads_headers;
            assert_eq!((reads(false), reads(true)), (expected, true), "{name}");
        }
        assert!(settings([(key, "")], false).expect("right").reads_headers);
    }

    #[test]
    fn registering_outweighs_what_counts_without_it() {
        let off = ("auto.register.schemas", "false");
        assert_eq!(choice([("use.latest.version", "true")]), Choice::Register);
        assert_eq!(choice([off]), Choice::LookUp);
        assert_eq!(choice([off, ("use.latest.version", "true")]), Choice::Latest { strict: true });
        let id =
            choice([off, ("use.latest.version", "true"), ("use.schema.id", "7"), ("id.compatibility.strict", "false")]);
        assert_eq!(id, Choice::Id { id: 7, strict: false });
    }
}
