//! The keys the worker itself understands in a connector's configuration.

use std::sync::Arc;

use super::catalog::{ConnectorKind, PluginCatalog, PluginKind};
use super::converters::ConverterRole;
use super::def::{ConfigDef, ConfigKey, Importance::*, Recommendation, Width};
use super::props::Props;
use super::validate::Values;
use super::validators::Validator;
use super::value::Type;
use super::worker::WorkerConfig;

pub(super) const COMMON: &str = "Common";
const ERRORS: &str = "Error Handling";
const TOPIC_CREATION: &str = "Topic Creation";
const EXACTLY_ONCE: &str = "Exactly Once Support";

/// What the definition takes from the installed plugins and from the worker.
#[derive(Clone, Default)]
pub(super) struct Surroundings {
    /// The newest version of the connector.
    pub(super) connector_version: Option<String>,
    /// The default class and version of the key, value and header converter.
    pub(super) converters: [ConverterDefault; 3],
    /// For recommended values.
    pub(super) catalog: Option<Arc<dyn PluginCatalog>>,
}

/// What a connector gets if it does not name a converter.
#[derive(Clone, Default)]
pub(super) struct ConverterDefault {
    class: Option<String>,
    version: Option<String>,
}

const ROLES: [ConverterRole; 3] = [ConverterRole::Key, ConverterRole::Value, ConverterRole::Header];

impl Surroundings {
    /// For a connector whose class is known and whose configuration is not.
    pub(super) fn of_class(connector_version: Option<String>) -> Self {
        Self { connector_version, ..Self::default() }
    }

    /// For a configuration that is to be checked.
    pub(super) fn of_config(
        kind: ConnectorKind,
        worker: &WorkerConfig,
        props: &Props,
        catalog: &Arc<dyn PluginCatalog>,
    ) -> Self {
        let class = props.get("connector.class").unwrap_or_default();
        Self {
            connector_version: catalog.latest_version(kind.plugin_kind(), class.trim()),
            converters: ROLES.map(|role| ConverterDefault::of(role, worker, props, catalog.as_ref())),
            catalog: Some(Arc::clone(catalog)),
        }
    }
}

impl ConverterDefault {
    fn of(role: ConverterRole, worker: &WorkerConfig, props: &Props, catalog: &dyn PluginCatalog) -> Self {
        let kind = role.plugin_kind();
        let own = worker.converter(role);
        let version = match props.get(role.key()) {
            Some(class) => catalog.latest_version(kind, class.trim()),
            None => own.version.or_else(|| catalog.latest_version(kind, &own.class)),
        };
        Self { class: Some(catalog.resolve(kind, &own.class).unwrap_or(own.class)), version }
    }
}

/// The keys that all connectors have, without those of transforms and predicates.
pub(super) fn common_def(around: &Surroundings) -> ConfigDef {
    let groups = [identity_keys(around), converter_keys(around), chain_keys(), error_keys()];
    groups.into_iter().flatten().fold(ConfigDef::new(), ConfigDef::key)
}

/// The keys of a kind of connector, without those of transforms and predicates.
pub(super) fn connector_def(kind: ConnectorKind, around: &Surroundings) -> ConfigDef {
    let own = match kind {
        ConnectorKind::Source => source_keys(),
        ConnectorKind::Sink => sink_keys(),
    };
    own.into_iter().fold(common_def(around), ConfigDef::key)
}

fn with_optional_default(
    name: &str,
    ty: Type,
    default: Option<&str>,
    importance: super::def::Importance,
    doc: &str,
) -> ConfigKey {
    match default {
        Some(default) => ConfigKey::defaulting(name, ty, default, importance, doc),
        None => ConfigKey::nullable(name, ty, importance, doc),
    }
}

fn version_rule(catalog: Option<Arc<dyn PluginCatalog>>) -> Validator {
    Validator::custom("a version or a range of versions", move |_, value| {
        match (&catalog, value.and_then(super::value::Value::as_str)) {
            (Some(catalog), Some(text)) => catalog.check_version(text),
            _ => Ok(()),
        }
    })
}

fn identity_keys(around: &Surroundings) -> Vec<ConfigKey> {
    let catalog = around.catalog.clone();
    vec![
        ConfigKey::required("name", Type::String, High, "The connector's name, unique among all connectors.")
            .check(Validator::NoControlChars)
            .show(COMMON, 1, Width::Medium, "Connector name"),
        ConfigKey::required(
            "connector.class",
            Type::String,
            High,
            "The connector's class: its full name, the name without package, or that without the ending Connector.",
        )
        .show(COMMON, 2, Width::Long, "Connector class"),
        with_optional_default(
            "connector.plugin.version",
            Type::String,
            around.connector_version.as_deref(),
            Medium,
            "The version or range of versions of the connector; the newest if not set. KIP-891.",
        )
        .check(version_rule(around.catalog.clone()))
        .show(COMMON, 3, Width::Medium, "Connector version")
        .recommend(move |_, values| Ok(recommend_connector_versions(catalog.as_deref(), values))),
        ConfigKey::defaulting("tasks.max", Type::Int, "1", High, "The most tasks the connector may have.")
            .check(Validator::at_least(1))
            .show(COMMON, 4, Width::Short, "Tasks max"),
        ConfigKey::defaulting(
            "tasks.max.enforce",
            Type::Boolean,
            "true",
            Low,
            "Whether a connector that makes more tasks than 'tasks.max' fails. Deprecated from the start; KIP-1004.",
        )
        .show(COMMON, 5, Width::Short, "Enforce tasks max"),
    ]
}

fn recommend_connector_versions(catalog: Option<&dyn PluginCatalog>, values: &Values) -> Recommendation {
    let class = values.text("connector.class");
    let versions = match (catalog, &class) {
        (Some(catalog), Some(class)) => {
            let sources = catalog.versions(PluginKind::Source, class);
            if sources.is_empty() { catalog.versions(PluginKind::Sink, class) } else { sources }
        }
        _ => Vec::new(),
    };
    Recommendation { values: versions, visible: class.is_some() }
}

fn converter_keys(around: &Surroundings) -> Vec<ConfigKey> {
    let mut keys = Vec::new();
    for ((role, default), order) in ROLES.into_iter().zip(&around.converters).zip([6, 8, 10]) {
        let (kind, what) = (role.plugin_kind(), role.as_str());
        let title = format!("{}{}", what[..1].to_uppercase(), &what[1..]);
        let (catalog, version_catalog) = (around.catalog.clone(), around.catalog.clone());
        keys.push(
            with_optional_default(
                role.key(),
                Type::Class,
                default.class.as_deref(),
                Low,
                &format!(
                    "Converts record {what}s to and from bytes. Its settings follow under this key and a dot. If not \
                     set, the worker's converter is used, with the worker's settings."
                ),
            )
            .class_of(kind)
            .show(COMMON, order, Width::Short, &format!("{title} converter class"))
            .recommend(move |_, _| Ok(recommend_classes(catalog.as_deref(), kind))),
        );
        keys.push(
            with_optional_default(
                &role.version_key(),
                Type::String,
                default.version.as_deref(),
                Low,
                &format!("The version or range of versions of the {what} converter. KIP-891."),
            )
            .check(version_rule(around.catalog.clone()))
            .show(COMMON, order + 1, Width::Short, &format!("{title} converter version"))
            .recommend(move |_, values| {
                Ok(recommend_versions(version_catalog.as_deref(), kind, values.text(role.key())))
            }),
        );
    }
    keys
}

/// All classes of a kind.
pub(super) fn recommend_classes(catalog: Option<&dyn PluginCatalog>, kind: PluginKind) -> Recommendation {
    let mut classes: Vec<String> = Vec::new();
    for plugin in catalog.map(|catalog| catalog.plugins(kind)).unwrap_or_default() {
        if !classes.contains(&plugin.class) {
            classes.push(plugin.class);
        }
    }
    Recommendation { values: classes, visible: true }
}

fn recommend_versions(catalog: Option<&dyn PluginCatalog>, kind: PluginKind, class: Option<String>) -> Recommendation {
    let values = match (catalog, &class) {
        (Some(catalog), Some(class)) => catalog.versions(kind, class),
        _ => Vec::new(),
    };
    Recommendation { values, visible: class.is_some() }
}

fn chain_keys() -> Vec<ConfigKey> {
    let aliases = |what: &str| Validator::UniqueAliases(format!("{what} aliases"));
    vec![
        ConfigKey::defaulting(
            "transforms",
            Type::List,
            "",
            Low,
            "Names of the transforms records pass through, in order. Each has a class in 'transforms.NAME.type' and \
             settings under 'transforms.NAME.'.",
        )
        .check(aliases("transformation"))
        .show("Transforms", 12, Width::Long, "Transforms"),
        ConfigKey::defaulting(
            "predicates",
            Type::List,
            "",
            Low,
            "Names of the predicates that transforms may refer to. Each has a class in 'predicates.NAME.type' and \
             settings under 'predicates.NAME.'.",
        )
        .check(aliases("predicate"))
        .show("Predicates", 13, Width::Long, "Predicates"),
        ConfigKey::defaulting(
            "config.action.reload",
            Type::String,
            "restart",
            Low,
            "What to do when a value from a config provider lapses: none, or restart the connector.",
        )
        .check(Validator::one_of(&["none", "restart"]))
        .show(COMMON, 14, Width::Medium, "Reload Action"),
    ]
}

fn error_keys() -> Vec<ConfigKey> {
    vec![
        ConfigKey::defaulting(
            "errors.retry.timeout",
            Type::Long,
            "0",
            Medium,
            "How long, in milliseconds, a failed operation is tried again; 0 for not at all, -1 for ever.",
        )
        .show(ERRORS, 1, Width::Medium, "Retry Timeout for Errors"),
        ConfigKey::defaulting(
            "errors.retry.delay.max.ms",
            Type::Long,
            "60000",
            Medium,
            "The longest wait between two tries. Waits are spread at random once they are that long.",
        )
        .show(ERRORS, 2, Width::Medium, "Maximum Delay Between Retries for Errors"),
        ConfigKey::defaulting(
            "errors.tolerance",
            Type::String,
            "none",
            Medium,
            "What a record that cannot be converted or transformed does: none, it fails the task; all, it is skipped.",
        )
        .check(Validator::one_of(&["none", "all"]))
        .show(ERRORS, 3, Width::Short, "Error Tolerance"),
        ConfigKey::defaulting(
            "errors.log.enable",
            Type::Boolean,
            "false",
            Medium,
            "Whether failed records are logged.",
        )
        .show(ERRORS, 4, Width::Short, "Log Errors"),
        ConfigKey::defaulting(
            "errors.log.include.messages",
            Type::Boolean,
            "false",
            Medium,
            "Whether the log says which record failed. For source records this includes key, value and headers.",
        )
        .show(ERRORS, 5, Width::Short, "Log Error Details"),
    ]
}

fn source_keys() -> Vec<ConfigKey> {
    vec![
        ConfigKey::defaulting(
            "topic.creation.groups",
            Type::List,
            "",
            Low,
            "Names of groups of topics to create with settings of their own under 'topic.creation.NAME.'. KIP-158.",
        )
        .check(Validator::UniqueAliases("topic creation groups".to_owned()))
        .show(TOPIC_CREATION, 1, Width::Long, "Topic Creation Groups"),
        ConfigKey::defaulting(
            "exactly.once.support",
            Type::String,
            "requested",
            Medium,
            "Whether the connector may only be created if it can write every record exactly once: requested (no) or \
             required. KIP-618.",
        )
        .check(Validator::one_of_ignore_case(&["required", "requested"]))
        .show(EXACTLY_ONCE, 2, Width::Short, "Exactly once support"),
        ConfigKey::defaulting(
            "transaction.boundary",
            Type::String,
            "poll",
            Medium,
            "When transactions end: with every batch (poll), after a time (interval) or when the connector says so \
             (connector). KIP-618.",
        )
        .check(Validator::one_of_ignore_case(&["interval", "poll", "connector"]))
        .show(EXACTLY_ONCE, 3, Width::Short, "Transaction Boundary"),
        ConfigKey::nullable(
            "transaction.boundary.interval.ms",
            Type::Long,
            Low,
            "The time between transactions for the boundary interval; the worker's 'offset.flush.interval.ms' if not set.",
        )
        .check(Validator::Nullable(Box::new(Validator::at_least(0))))
        .show(EXACTLY_ONCE, 4, Width::Short, "Transaction boundary interval"),
        ConfigKey::nullable(
            "offsets.storage.topic",
            Type::String,
            Low,
            "A topic for this connector's offsets alone. Without effect in standalone mode.",
        )
        .check(Validator::NonEmpty)
        .show("offsets.topic", 1, Width::Long, "Offsets topic"),
    ]
}

fn sink_keys() -> Vec<ConfigKey> {
    let mut keys = vec![
        ConfigKey::defaulting("topics", Type::List, "", High, "The topics to read, separated by commas.")
            .check(Validator::list(true, false))
            .show(COMMON, 4, Width::Long, "Topics"),
        ConfigKey::defaulting(
            "topics.regex",
            Type::String,
            "",
            High,
            "A regular expression for the whole names of the topics to read. Set either this or 'topics'.",
        )
        .check(Validator::Regex)
        .show(COMMON, 4, Width::Long, "Topics regex"),
    ];
    keys.extend(dead_letter_keys());
    keys
}

/// Where failed records go. Sinks have these; sources use them with a key of ours.
pub(super) fn dead_letter_keys() -> Vec<ConfigKey> {
    vec![
        ConfigKey::defaulting(
            "errors.deadletterqueue.topic.name",
            Type::String,
            "",
            Medium,
            "The topic that failed records go to; none if empty.",
        )
        .show(ERRORS, 6, Width::Medium, "Dead Letter Queue Topic Name"),
        ConfigKey::defaulting(
            "errors.deadletterqueue.topic.replication.factor",
            Type::Short,
            "3",
            Medium,
            "The replication factor with which that topic is created.",
        )
        .show(ERRORS, 7, Width::Medium, "Dead Letter Queue Topic Replication Factor"),
        ConfigKey::defaulting(
            "errors.deadletterqueue.context.headers.enable",
            Type::Boolean,
            "false",
            Medium,
            "Whether failed records get headers that say what went wrong; their names begin with __connect.errors.",
        )
        .show(ERRORS, 8, Width::Medium, "Enable Error Context Headers"),
    ]
}
