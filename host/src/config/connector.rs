//! A connector's configuration with types, for those who run it. What clients are told about a
//! wrong one is in `connector_validation`.

use std::time::Duration;

use super::catalog::ConnectorKind;
use super::chain::{self, TransformSpec};
use super::connector_keys::{Surroundings, connector_def};
use super::converters::{ConverterRole, PluginSpec};
use super::dead_letters::{self, DeadLetterQueue, PutErrors, TOPIC as DLQ_TOPIC};
use super::overrides::ClientKind;
use super::props::Props;
use super::topic_creation::TopicCreation;
use super::validate::Parsed;
use super::value::{is_blank, java_trim, split_list};
use super::worker::WorkerConfig;
use crate::error::{ConnectError, Result};
use crate::java_regex::JavaRegex;

/// What happens when a value from a config provider lapses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReloadAction {
    /// Nothing.
    None,
    /// The connector is restarted.
    Restart,
}

/// What is done about records that cannot be handled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErrorSettings {
    /// How long a failed operation is tried again; `None` means for ever.
    pub retry_timeout: Option<Duration>,
    /// The longest wait between two tries.
    pub retry_delay_max: Duration,
    /// Whether records that cannot be handled are skipped (`errors.tolerance=all`).
    pub tolerate_all: bool,
    /// Whether failed records are logged.
    pub log: bool,
    /// Whether the log says which record it was.
    pub log_records: bool,
}

/// What all connectors have.
#[derive(Debug, Clone)]
pub struct ConnectorConfig {
    /// The connector's name.
    pub name: String,
    /// Its class or alias, as written.
    pub class: String,
    /// A version or a range of versions; the newest if `None`.
    pub version: Option<String>,
    /// The most tasks it may have; at least one.
    pub tasks_max: usize,
    /// Whether too many tasks are a failure.
    pub tasks_max_enforce: bool,
    /// What happens when a value from a config provider lapses.
    pub reload: ReloadAction,
    /// What is done about records that cannot be handled.
    pub errors: ErrorSettings,
    /// The transforms records pass through.
    pub transforms: Vec<TransformSpec>,
    originals: Props,
}

impl ConnectorConfig {
    /// Reads the keys all connectors have; variables must have been replaced.
    ///
    /// # Errors
    /// Everything that is wrong, in one message.
    pub fn new(kind: ConnectorKind, props: Props) -> Result<Self> {
        Self::parse(kind, props).map(|(config, _)| config)
    }

    fn parse(kind: ConnectorKind, props: Props) -> Result<(Self, Parsed)> {
        let parsed = connector_def(kind, &Surroundings::default()).parse(&props)?;
        let retry_timeout = parsed.integer("errors.retry.timeout");
        let config = Self {
            name: parsed.str("name").to_owned(),
            class: parsed.str("connector.class").to_owned(),
            version: parsed.opt_str("connector.plugin.version").map(str::to_owned),
            tasks_max: usize::try_from(parsed.int("tasks.max")).expect("the key's rule is at least one"),
            tasks_max_enforce: parsed.bool("tasks.max.enforce"),
            reload: match parsed.str("config.action.reload") {
                "none" => ReloadAction::None,
                _ => ReloadAction::Restart,
            },
            errors: ErrorSettings {
                retry_timeout: u64::try_from(retry_timeout).ok().map(Duration::from_millis),
                retry_delay_max: parsed.millis("errors.retry.delay.max.ms"),
                tolerate_all: parsed.str("errors.tolerance") == "all",
                log: parsed.bool("errors.log.enable"),
                log_records: parsed.bool("errors.log.include.messages"),
            },
            transforms: chain::transforms(&props)?,
            originals: props,
        };
        Ok((config, parsed))
    }

    /// Everything that was set. May hold secrets.
    pub fn originals(&self) -> &Props {
        &self.originals
    }

    /// The converter for a role: the connector's own with its settings, or else the worker's
    /// with the worker's.
    pub fn converter(&self, role: ConverterRole, worker: &WorkerConfig) -> PluginSpec {
        match self.originals.get(role.key()) {
            Some(class) => {
                let version = self.originals.get(&role.version_key());
                PluginSpec::converter(role, class, version, &self.originals)
            }
            None => worker.converter(role),
        }
    }

    /// The overrides for a kind of client, without prefix, before a policy was asked.
    pub fn overrides(&self, client: ClientKind) -> Props {
        self.originals.with_prefix(client.override_prefix())
    }
}

/// A source connector's configuration.
#[derive(Debug, Clone)]
pub struct SourceConfig {
    /// What all connectors have.
    pub common: ConnectorConfig,
    /// How topics are created; `None` if the worker does not create any.
    pub topic_creation: Option<TopicCreation>,
    /// Whether it must write every record exactly once.
    pub exactly_once_required: bool,
    /// Where failed records go (`errors.deadletterqueue.source.enable`).
    pub dead_letter_queue: Option<DeadLetterQueue>,
}

impl SourceConfig {
    /// Reads a source connector's configuration; variables must have been replaced.
    ///
    /// # Errors
    /// Everything that is wrong, in one message.
    pub fn new(props: Props, worker: &WorkerConfig) -> Result<Self> {
        let topic_creation = if worker.topic_creation { TopicCreation::from_props(&props)? } else { None };
        let (common, parsed) = ConnectorConfig::parse(ConnectorKind::Source, props)?;
        let exactly_once_required = parsed.str("exactly.once.support").eq_ignore_ascii_case("required");
        let dead_letter_queue = dead_letters::of_source(common.originals())?;
        Ok(Self { common, topic_creation, exactly_once_required, dead_letter_queue })
    }
}

/// The topics a sink reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TopicSelection {
    /// These.
    List(Vec<String>),
    /// All whose whole name matches this Java regular expression.
    Regex(String),
}

/// A sink connector's configuration.
#[derive(Debug, Clone)]
pub struct SinkConfig {
    /// What all connectors have.
    pub common: ConnectorConfig,
    /// The topics it reads.
    pub topics: TopicSelection,
    /// Where failed records go.
    pub dead_letter_queue: Option<DeadLetterQueue>,
    /// Which errors of `put` make a record a failed one. Without a dead-letter queue: none.
    pub put_errors: PutErrors,
}

impl SinkConfig {
    /// Reads a sink connector's configuration; variables must have been replaced.
    ///
    /// # Errors
    /// Everything that is wrong, in one message; of the rules about topics, the first broken.
    pub fn new(props: Props) -> Result<Self> {
        let (common, parsed) = ConnectorConfig::parse(ConnectorKind::Sink, props)?;
        let props = common.originals();
        if let Some((key, message)) = topic_rules(props).into_iter().next() {
            return Err(ConnectError::invalid_value(key, props.get(key).unwrap_or("null"), message));
        }
        let topics = match props.get("topics.regex").filter(|regex| !is_blank(regex)) {
            Some(regex) => TopicSelection::Regex(java_trim(regex).to_owned()),
            None => TopicSelection::List(parsed.list("topics").to_vec()),
        };
        let dead_letter_queue = DeadLetterQueue::from_parsed(&parsed);
        let put_errors = dead_letters::put_errors(props)?;
        Ok(Self { common, topics, dead_letter_queue, put_errors })
    }

    /// Whether sink tasks get a reporter for records they could not deliver.
    pub fn has_errant_record_reporter(&self) -> bool {
        self.dead_letter_queue.is_some() || self.common.errors.log
    }
}

/// The rules about the topics of a sink that look at several keys: a message for each key that
/// is concerned.
pub(super) fn topic_rules(props: &Props) -> Vec<(&'static str, String)> {
    const LIST: &str = "topics";
    const REGEX: &str = "topics.regex";
    let set = |key: &str| props.get(key).filter(|text| !is_blank(text));
    let (list, regex) = (set(LIST), set(REGEX));
    let mut broken = Vec::new();
    let both = match (list, regex) {
        (Some(_), Some(_)) => Some("topics and topics.regex are mutually exclusive options, but both are set."),
        (None, None) => Some("Must configure one of topics or topics.regex"),
        _ => None,
    };
    if let Some(message) = both {
        broken.push((LIST, message.to_owned()));
        broken.push((REGEX, message.to_owned()));
    }
    let Some(dlq) = set(DLQ_TOPIC).map(java_trim) else { return broken };
    if let Some(list) = list {
        let mut topics: Vec<String> = Vec::new();
        for topic in split_list(list) {
            if !topic.is_empty() && !topics.contains(&topic) {
                topics.push(topic);
            }
        }
        if topics.iter().any(|topic| topic == dlq) {
            broken.push((
                LIST,
                format!(
                    "The DLQ topic '{dlq}' may not be included in the list of topics ('topics=[{}]') consumed by the \
                     connector",
                    topics.join(", ")
                ),
            ));
        }
    }
    if let Some(regex) = regex
        && JavaRegex::compile(regex).is_ok_and(|compiled| compiled.matches(dlq).unwrap_or(false))
    {
        broken.push((
            REGEX,
            format!(
                "The DLQ topic '{dlq}' may not be matched by the regex for the topics ('topics.regex={regex}') \
                 consumed by the connector"
            ),
        ));
    }
    broken
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::worker_keys::Mode;

    fn worker() -> WorkerConfig {
        let props = Props::from([
            ("bootstrap.servers", "b:1"),
            ("key.converter", "JsonConverter"),
            ("value.converter", "JsonConverter"),
            ("value.converter.schemas.enable", "false"),
            ("offset.storage.file.filename", "f"),
        ]);
        WorkerConfig::from_props(props, Mode::Standalone).expect("right")
    }

    fn props(more: &[(&str, &str)]) -> Props {
        let mut props = Props::from([("name", "c"), ("connector.class", "X")]);
        for (key, value) in more {
            props.set(*key, *value);
        }
        props
    }

    #[test]
    fn defaults_are_kafkas() {
        let config = SourceConfig::new(props(&[]), &worker()).expect("right");
        assert_eq!((config.common.tasks_max, config.common.tasks_max_enforce), (1, true));
        assert_eq!(config.common.errors.retry_timeout, Some(Duration::ZERO));
        assert_eq!(config.common.errors.retry_delay_max, Duration::from_secs(60));
        assert!(!config.common.errors.tolerate_all && !config.exactly_once_required);
        assert!(config.topic_creation.is_none() && config.common.transforms.is_empty());
        let forever = ConnectorConfig::new(ConnectorKind::Source, props(&[("errors.retry.timeout", "-1")]));
        assert_eq!(forever.expect("right").errors.retry_timeout, None);
    }

    #[test]
    fn a_connector_has_its_own_converter_or_the_workers() {
        let value = |more: &[(&str, &str)]| {
            let config = ConnectorConfig::new(ConnectorKind::Source, props(more)).expect("right");
            config.converter(ConverterRole::Value, &worker())
        };
        let workers = value(&[("value.converter.schemas.enable", "true")]);
        assert_eq!(workers.config.get("schemas.enable"), Some("false"));
        let own = value(&[("value.converter", "String"), ("value.converter.plugin.version", "1")]);
        assert_eq!((own.class.as_str(), own.version.as_deref()), ("String", Some("1")));
        assert_eq!(own.config, Props::from([("converter.type", "value")]));
    }

    #[test]
    fn chains_are_read_in_order() {
        let config = ConnectorConfig::new(
            ConnectorKind::Sink,
            props(&[
                ("transforms", "a, b"),
                ("transforms.a.type", "Drop"),
                ("transforms.a.predicate", "p"),
                ("transforms.a.negate", "TRUE"),
                ("transforms.a.field", "f"),
                ("transforms.b.type", "Cast$Key"),
                ("transforms.b.plugin.version", "[1,2)"),
                ("predicates", "p"),
                ("predicates.p.type", "TopicNameMatches"),
                ("predicates.p.pattern", "x"),
                ("transforms.c.type", "ignored"),
            ]),
        );
        let chain = config.expect("right").transforms;
        assert_eq!(chain.len(), 2);
        assert_eq!(chain[0].plugin.config, Props::from([("field", "f")]));
        let condition = chain[0].condition.as_ref().expect("has a predicate");
        assert!(condition.negate && condition.alias == "p");
        assert_eq!(condition.plugin.config, Props::from([("pattern", "x")]));
        assert_eq!(chain[1].plugin.version.as_deref(), Some("[1,2)"));
        assert_eq!(chain[1].condition, None);
    }

    #[test]
    fn chains_that_make_no_sense_are_refused() {
        for (more, part) in [
            (
                &[("transforms", "a")][..],
                "Invalid value null for configuration transforms.a.type: Not a Transformation",
            ),
            (
                &[("transforms", "a"), ("transforms.a.type", "X"), ("transforms.a.predicate", "p")],
                "Predicate 'p' is not one",
            ),
            (
                &[("transforms", "a"), ("transforms.a.type", "X"), ("transforms.a.negate", "true")],
                "defining a predicate to be negated.",
            ),
        ] {
            let error = ConnectorConfig::new(ConnectorKind::Source, props(more)).expect_err(part);
            assert!(error.message().contains(part), "{error}");
        }
    }

    #[test]
    fn sinks_read_topics_or_a_regex() {
        let sink = |more: &[(&str, &str)]| SinkConfig::new(props(more));
        assert_eq!(
            sink(&[("topics", "a, b,a")]).expect("right").topics,
            TopicSelection::List(vec!["a".to_owned(), "b".to_owned()])
        );
        let regex = sink(&[("topics.regex", "a.*"), (DLQ_TOPIC, "dlq")]).expect("right");
        assert_eq!(regex.topics, TopicSelection::Regex("a.*".to_owned()));
        assert_eq!(regex.dead_letter_queue.as_ref().expect("set").replication_factor, 3);
        assert!(regex.has_errant_record_reporter());
        for (more, part) in [
            (&[][..], "Must configure one of topics or topics.regex"),
            (&[("topics", "a"), ("topics.regex", "b")], "mutually exclusive"),
            (
                &[("topics", "a, b"), (DLQ_TOPIC, "b")],
                "'b' may not be included in the list of topics ('topics=[a, b]')",
            ),
            (
                &[("topics.regex", "d.*"), (DLQ_TOPIC, "dlq")],
                "may not be matched by the regex for the topics ('topics.regex=d.*')",
            ),
        ] {
            let error = sink(more).expect_err(part);
            assert!(error.message().contains(part), "{error}");
        }
    }
}
