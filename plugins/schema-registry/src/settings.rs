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
        refuse_contexts(config)?;
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

/// A strategy for contexts is a Java class: silently leaving it out would put schemas where nobody looks for them.
fn refuse_contexts(config: &Config) -> Result<()> {
    match config.get("context.name.strategy") {
        None | Some("" | "io.confluent.kafka.serializers.context.NullContextNameStrategy") => Ok(()),
        Some(class) => Err(Error::config(format!(
            "Invalid value {class} for configuration context.name.strategy: contexts are not supported; leave it out"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choice<const N: usize>(pairs: [(&str, &str); N]) -> Choice {
        let mut config = Config::from(pairs);
        config.set("schema.registry.url", "http://localhost:1");
        let config = keys().parse(&config.to_pairs()).expect("complete");
        Settings::new(&config, false).expect("right").choice
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
