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
        refuse_unsupported(config, is_key)?;
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
        })
    }
}

/// Refuses what Confluent's converters know and these do not. Silently leaving it out would put schemas where nobody looks
/// for them, or write records that their readers do not understand.
fn refuse_unsupported(config: &Config, is_key: bool) -> Result<()> {
    const PACKAGE: &str = "io.confluent.kafka.serializers.schema.id.";
    let refuse = |key: &str, allowed: &[&str], right: &str| match config.get(key) {
        Some(value) if !value.is_empty() && !allowed.contains(&value) => {
            Err(Error::config(format!("Invalid value {value} for configuration {key}: {right}")))
        }
        _ => Ok(()),
    };
    refuse(
        "context.name.strategy",
        &["io.confluent.kafka.serializers.context.NullContextNameStrategy"],
        "contexts are not supported; leave it out",
    )?;
    refuse(
        "use.latest.with.metadata",
        &[],
        "schemas are not looked for by metadata; leave it out, and use use.latest.version or use.schema.id",
    )?;
    let role = if is_key { "key" } else { "value" };
    refuse(
        &format!("{role}.schema.id.serializer"),
        &[&format!("{PACKAGE}PrefixSchemaIdSerializer")],
        "the schema's id is written in front of payloads only, and read in headers, too; leave it out, or set \
         io.confluent.kafka.serializers.schema.id.PrefixSchemaIdSerializer",
    )?;
    refuse(
        &format!("{role}.schema.id.deserializer"),
        &[&format!("{PACKAGE}DualSchemaIdDeserializer")],
        "the schema's id is read in the header where there is one, and in front of payloads otherwise; leave it out, or set \
         io.confluent.kafka.serializers.schema.id.DualSchemaIdDeserializer",
    )
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

    #[test]
    fn what_would_be_left_out_is_refused_with_what_would_be_right() {
        let ids = "io.confluent.kafka.serializers.schema.id.";
        for (key, value, right) in [
            ("context.name.strategy", "com.example.Own", "leave it out"),
            ("use.latest.with.metadata", "major=2", "use.latest.version"),
            ("value.schema.id.serializer", &format!("{ids}HeaderSchemaIdSerializer"), "PrefixSchemaIdSerializer"),
            ("value.schema.id.deserializer", &format!("{ids}ConfigSchemaIdDeserializer"), "DualSchemaIdDeserializer"),
        ] {
            let error = settings([(key, value)], false).expect_err("refused");
            assert_eq!(error.kind(), ErrorKind::CONFIG);
            let start = format!("Invalid value {value} for configuration {key}: ");
            assert!(error.message().starts_with(&start) && error.message().contains(right), "{error}");
            // That of the other role means nothing here.
            assert!(settings([(key, value)], true).is_ok() == key.starts_with("value."), "{key}");
        }
        for (key, value) in [
            ("context.name.strategy", ""),
            ("use.latest.with.metadata", ""),
            ("value.schema.id.serializer", &format!("{ids}PrefixSchemaIdSerializer")),
            ("value.schema.id.deserializer", &format!("{ids}DualSchemaIdDeserializer")),
        ] {
            assert!(settings([(key, value)], false).is_ok(), "{key}");
        }
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
