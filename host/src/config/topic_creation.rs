//! With which settings the worker creates the topics of a source connector (KIP-158).

use super::def::{ConfigDef, ConfigKey, Importance::Low, Width};
use super::props::Props;
use super::validators::{Validator, invalid};
use super::value::{Type, Value, split_list};
use crate::error::{ConnectError, Result};
use crate::java_regex::JavaRegex;

pub(super) const PREFIX: &str = "topic.creation.";
pub(super) const DEFAULT_GROUP: &str = "default";
/// The keys of a group; whatever else stands there is for the topics.
pub(super) const GROUP_KEYS: [&str; 4] = ["include", "exclude", "partitions", "replication.factor"];

/// How a topic is created.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewTopicSettings {
    /// Partitions; `None` for the broker's default.
    pub partitions: Option<i32>,
    /// Replicas; `None` for the broker's default.
    pub replication_factor: Option<i16>,
    /// Other topic settings.
    pub config: Props,
}

/// The groups of topics a configuration defines, and the settings for all others.
#[derive(Debug, Clone)]
pub struct TopicCreation {
    groups: Vec<Group>,
    default: NewTopicSettings,
}

#[derive(Debug, Clone)]
struct Group {
    include: JavaRegex,
    exclude: JavaRegex,
    settings: NewTopicSettings,
}

impl TopicCreation {
    /// True if the configuration has any key of topic creation.
    pub fn is_used(props: &Props) -> bool {
        props.keys().any(|key| key.starts_with(PREFIX))
    }

    /// Reads the groups; `None` if the configuration has no key of topic creation.
    ///
    /// # Errors
    /// One error for everything that is wrong, for example a default group without partitions.
    pub fn from_props(props: &Props) -> Result<Option<Self>> {
        if !Self::is_used(props) {
            return Ok(None);
        }
        let default = group_settings(props, DEFAULT_GROUP, &group_def(DEFAULT_GROUP, None))?;
        let names = split_list(props.get("topic.creation.groups").unwrap_or_default());
        let mut groups = Vec::new();
        for name in names.iter().filter(|name| *name != DEFAULT_GROUP) {
            groups.push(Group::from_props(props, name, &default)?);
        }
        Ok(Some(Self { groups, default }))
    }

    /// The settings for a topic: those of the first group that wants it.
    pub fn for_topic(&self, topic: &str) -> &NewTopicSettings {
        // An expression that gives up on a topic does not match it.
        let fits = |regex: &JavaRegex| regex.matches(topic).unwrap_or(false);
        let wants = |group: &&Group| !fits(&group.exclude) && fits(&group.include);
        self.groups.iter().find(wants).map_or(&self.default, |group| &group.settings)
    }
}

impl Group {
    fn from_props(props: &Props, name: &str, default: &NewTopicSettings) -> Result<Self> {
        let def = group_def(name, Some(default));
        let settings = group_settings(props, name, &def)?;
        let any_of = |key: &str| {
            let list = split_list(props.get(&format!("{PREFIX}{name}.{key}")).unwrap_or_default());
            // The list's rule has compiled each item; joined they are one expression.
            JavaRegex::compile(&list.join("|")).map_err(|error| ConnectError::config(error.to_string()))
        };
        Ok(Self { include: any_of("include")?, exclude: any_of("exclude")?, settings })
    }
}

fn group_settings(props: &Props, group: &str, def: &ConfigDef) -> Result<NewTopicSettings> {
    let parsed = def.parse(props)?;
    let prefix = format!("{PREFIX}{group}.");
    let number = |key: &str| parsed.integer(&format!("{prefix}{key}"));
    let mut config = props.with_prefix(&prefix);
    for key in GROUP_KEYS {
        config.remove(key);
    }
    Ok(NewTopicSettings {
        partitions: i32::try_from(number("partitions")).ok().filter(|&number| number > 0),
        replication_factor: i16::try_from(number("replication.factor")).ok().filter(|&number| number > 0),
        config,
    })
}

/// The keys of a group. The default group takes every topic, so it has no expressions, and its
/// numbers must be set; the other groups inherit them.
fn group_def(group: &str, default: Option<&NewTopicSettings>) -> ConfigDef {
    let key = |key: &str| format!("{PREFIX}{group}.{key}");
    let mut def = ConfigDef::new();
    if default.is_some() {
        for (name, doc) in [
            ("include", "Regular expressions for the names of the group's topics."),
            ("exclude", "Regular expressions for topics that are not in the group, whatever 'include' says."),
        ] {
            let list = ConfigKey::defaulting(&key(name), Type::List, "", Low, doc).check(Validator::RegexList);
            def = def.key(list);
        }
    }
    let number = |name: &str, ty, inherited: Option<i64>, doc: &str, rule: Validator| {
        let key = match inherited {
            Some(number) => ConfigKey::defaulting(&key(name), ty, &number.to_string(), Low, doc),
            None => ConfigKey::required(&key(name), ty, Low, doc),
        };
        key.check(rule).show(group, -1, Width::Long, name)
    };
    let replicas = default.map(|default| default.replication_factor.map_or(-1, i64::from));
    let partitions = default.map(|default| default.partitions.map_or(-1, i64::from));
    def.key(number(
        "replication.factor",
        Type::Short,
        replicas,
        "The replication factor of new topics; -1 for the broker's default.",
        positive_or_default(
            "Replication factor must be positive and not larger than the number of brokers in the Kafka cluster, or \
             -1 to use the broker's default",
        ),
    ))
    .key(number(
        "partitions",
        Type::Int,
        partitions,
        "The number of partitions of new topics; -1 for the broker's default.",
        positive_or_default("Number of partitions must be positive, or -1 to use the broker's default"),
    ))
}

/// The keys of a group, for the reference page.
#[cfg(test)]
pub(super) fn documented_keys() -> ConfigDef {
    let default = NewTopicSettings { partitions: None, replication_factor: None, config: Props::new() };
    group_def("NAME", Some(&default))
}

fn positive_or_default(reason: &'static str) -> Validator {
    Validator::custom("a positive number, or -1 for the broker's default", move |key, value| {
        match value.and_then(Value::as_integer) {
            Some(number) if number == -1 || number >= 1 => Ok(()),
            _ => Err(invalid(key, value, reason)),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn props(more: &[(&str, &str)]) -> Props {
        let mut props = Props::from([
            ("topic.creation.default.replication.factor", "-1"),
            ("topic.creation.default.partitions", "5"),
            ("topic.creation.default.include", "["),
            ("topic.creation.default.cleanup.policy", "compact"),
        ]);
        for (key, value) in more {
            props.set(*key, *value);
        }
        props
    }

    #[test]
    fn the_first_group_that_wants_a_topic_has_it() {
        let creation = TopicCreation::from_props(&props(&[
            ("topic.creation.groups", "logs, default, rest"),
            ("topic.creation.logs.include", "log.*, trace"),
            ("topic.creation.logs.exclude", ".*-keep"),
            ("topic.creation.logs.partitions", "1"),
            ("topic.creation.logs.retention.ms", "10"),
            ("topic.creation.rest.include", "x|logs-keep"),
        ]));
        let creation = creation.expect("right").expect("used");
        let logs = creation.for_topic("logs");
        assert_eq!((logs.partitions, logs.replication_factor), (Some(1), None));
        assert_eq!(logs.config, Props::from([("retention.ms", "10")]));
        assert_eq!(creation.for_topic("trace"), logs);
        assert_eq!(creation.for_topic("logs-keep").partitions, Some(5));
        assert_eq!(creation.for_topic("my-logs"), &creation.default);
        assert_eq!(creation.default.config, Props::from([("cleanup.policy", "compact")]));
    }

    #[test]
    fn a_group_without_expression_takes_nothing() {
        let creation = TopicCreation::from_props(&props(&[("topic.creation.groups", "g")]));
        let creation = creation.expect("right").expect("used");
        assert_eq!(creation.for_topic("t"), &creation.default);
    }

    #[test]
    fn what_is_wrong_is_told() {
        let missing = Props::from([("topic.creation.groups", "g")]);
        let error = TopicCreation::from_props(&missing).expect_err("no default group");
        assert!(error.message().contains("topic.creation.default.partitions"), "{error}");
        let zero = props(&[("topic.creation.default.partitions", "0")]);
        let error = TopicCreation::from_props(&zero).expect_err("zero partitions");
        assert_eq!(
            error.message(),
            "Invalid value 0 for configuration topic.creation.default.partitions: Number of partitions must be \
             positive, or -1 to use the broker's default"
        );
        let regex = props(&[("topic.creation.groups", "g"), ("topic.creation.g.include", "(")]);
        assert!(TopicCreation::from_props(&regex).is_err());
        assert!(TopicCreation::from_props(&Props::new()).expect("nothing set").is_none());
    }
}
