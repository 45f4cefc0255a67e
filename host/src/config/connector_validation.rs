//! The answer of `PUT /connector-plugins/{class}/config/validate`, on which creating a connector
//! depends as well.

use std::sync::Arc;

use super::auto_restart;
use super::catalog::{ConnectorKind, PluginCatalog};
use super::chain;
use super::client_settings;
use super::connector::topic_rules;
use super::connector_keys::{Surroundings, common_def, connector_def};
use super::converters::ConverterRole;
use super::dead_letters;
use super::def::ConfigDef;
use super::infos::{ConfigInfos, ConfigKeyInfo, ConfigValueInfo};
use super::overrides::{ClientKind, OverridePolicy, OverrideRequest, hide_secrets};
use super::props::Props;
use super::providers::has_variable;
use super::unknown_keys;
use super::validate::Validation;
use super::worker::WorkerConfig;
use crate::error::{ErrorKind, Result};
use crate::telemetry::Confidential;

/// All that is needed to check a connector's configuration. The caller has found the connector's
/// class and asked it to validate.
pub struct ConnectorCheck<'a> {
    /// The worker's configuration.
    pub worker: &'a WorkerConfig,
    /// The installed plugins.
    pub catalog: Arc<dyn PluginCatalog>,
    /// Decides about client overrides.
    pub policy: &'a dyn OverridePolicy,
    /// The kind of the connector.
    pub kind: ConnectorKind,
    /// The configuration as it was sent.
    pub raw: &'a Props,
    /// The same with variables replaced.
    pub resolved: &'a Props,
    /// The connector's own definition.
    pub definition: &'a ConfigDef,
    /// What the connector's own validation of `resolved` found.
    pub findings: Vec<ConfigValueInfo>,
    /// What the answer must not show.
    pub confidential: &'a Confidential,
}

impl ConnectorCheck<'_> {
    /// Checks everything.
    ///
    /// # Errors
    /// The override policy could not decide, or two transforms would have the same key.
    pub fn run(self) -> Result<ConfigInfos> {
        let props = self.resolved;
        let around = Surroundings::of_config(self.kind, self.worker, props, &self.catalog);
        let mut def = connector_def(self.kind, &around);
        chain::enrich(&mut def, props, &self.catalog)?;
        let mut framework = def.validate_with(props, Some(self.catalog.as_ref()));
        if self.kind == ConnectorKind::Sink {
            for (key, message) in topic_rules(props) {
                framework.add_error(key, message);
            }
        }
        for (key, message) in dead_letters::rules(self.kind, props) {
            framework.add_error(key, message);
        }
        for (key, message) in auto_restart::rules(props) {
            framework.add_error(&key, message);
        }
        framework.add_null_errors(props);
        // Converters may add errors to the framework's keys, so they come first.
        let converters: Vec<ConfigInfos> =
            ConverterRole::ALL.into_iter().filter_map(|role| self.converter(role, &mut framework)).collect();
        let overrides = self.overrides()?;
        let class = props.get("connector.class").unwrap_or_default();
        let mut infos = ConfigInfos::assemble(
            class,
            def.infos().into_iter().chain(self.definition.infos()),
            framework.infos().into_iter().chain(self.findings),
            def.groups().iter().chain(self.definition.groups()).cloned(),
        );
        for part in overrides.into_iter().chain(converters) {
            infos.append(part);
        }
        infos.hints = unknown_keys::hints(self.kind, props, &infos);
        mask(&mut infos, self.raw, self.resolved, self.confidential);
        Ok(infos)
    }

    /// Checks the settings of a converter that the connector names; `None` if it names none or
    /// one that is wrong already.
    fn converter(&self, role: ConverterRole, framework: &mut Validation) -> Option<ConfigInfos> {
        let (class_key, version_key) = (role.key(), role.version_key());
        let class = self.resolved.get(class_key)?.trim();
        let version = self.resolved.get(&version_key);
        if [class_key, &version_key].iter().any(|key| !framework.entry(key).errors.is_empty()) {
            return None;
        }
        let def = match self.catalog.definition(role.plugin_kind(), class, version) {
            Ok(def) => def,
            Err(error) if error.kind() == ErrorKind::NotFound && version.is_some() => {
                framework.add_error(class_key, error.to_string());
                framework.add_error(&version_key, error.to_string());
                return None;
            }
            Err(error) => {
                framework.add_error(class_key, format!("Failed to load class {class}: {error}"));
                return None;
            }
        };
        let prefix = format!("{class_key}.");
        let mut settings = self.resolved.with_prefix(&prefix);
        settings.set_default("converter.type", role.as_str());
        let values = def.validate_with(&settings, Some(self.catalog.as_ref())).infos();
        Some(ConfigInfos::prefixed(&prefix, &def.infos(), values))
    }

    /// Asks the policy about the overrides of every client the connector uses.
    fn overrides(&self) -> Result<Vec<ConfigInfos>> {
        let mut parts = Vec::new();
        for client in ClientKind::used_by(self.kind, self.resolved) {
            let prefix = client.override_prefix();
            let settings = self.resolved.with_prefix(prefix);
            let mut values = self.policy.check(&OverrideRequest {
                connector: self.resolved.get("name"),
                kind: self.kind,
                class: self.resolved.get("connector.class").unwrap_or_default(),
                client,
                settings: &settings,
            })?;
            client_settings::check_types(client, &settings, &mut values);
            hide_secrets(&mut values);
            parts.push(ConfigInfos::prefixed(prefix, &client_settings::client_def(client).infos(), values));
        }
        Ok(parts)
    }
}

/// Takes values that came from a config provider out of an answer, as Kafka does from 4.4 on:
/// whoever may create connectors need not be allowed to read the secrets they refer to. A plugin may have put them, and
/// passwords, into what it says of other keys.
fn mask(infos: &mut ConfigInfos, raw: &Props, resolved: &Props, confidential: &Confidential) {
    for value in infos.configs.iter_mut().filter_map(|config| config.value.as_mut()) {
        let (variable, text) = (raw.get(&value.name), resolved.get(&value.name));
        if let Some(variable) = variable.filter(|variable| Some(*variable) != text && has_variable(variable)) {
            value.value = Some(variable.to_owned());
            value.recommended_values.clear();
            let error = format!(
                "Invalid value for configuration '{}': the value resolved from the config provider reference failed \
                 validation",
                value.name
            );
            value.errors.fill(error);
            continue;
        }
        // What the user wrote in this very key is no news to the user.
        let own = value.value.iter_mut().filter(|value| Some(value.as_str()) != variable);
        for text in own.chain(&mut value.recommended_values).chain(&mut value.errors) {
            *text = confidential.hide(text).into_owned();
        }
    }
}

/// The answer when no installed version of the connector is in the range that was asked for.
/// `message` goes to both keys that have a part in it; `versions` are the ones there are, the
/// newest last.
pub fn connector_version_not_found(props: &Props, message: &str, versions: Vec<String>) -> ConfigInfos {
    // Kafka checks only the keys that all connectors have.
    let common = common_def(&Surroundings::of_class(versions.last().cloned()));
    let class = props.get("connector.class").unwrap_or_default();
    let mut found = common.validate(props);
    for key in ["connector.class", "connector.plugin.version"] {
        found.add_error(key, message);
    }
    found.entry("connector.plugin.version").recommended_values = versions;
    found.add_null_errors(props);
    ConfigInfos::assemble(class, common.infos(), found.infos(), common.groups().iter().cloned())
}

/// The keys of a connector, as `GET /connector-plugins/{class}/config` lists them: its own, then
/// the worker's. `newest` is the connector's newest version.
pub fn connector_keys(kind: ConnectorKind, definition: &ConfigDef, newest: Option<String>) -> Vec<ConfigKeyInfo> {
    let framework = connector_def(kind, &Surroundings::of_class(newest));
    let others = framework.keys().filter(|key| definition.get(&key.name).is_none());
    definition.keys().chain(others).map(super::def::ConfigKey::info).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::catalog::{InstalledPlugin, PluginKind};
    use crate::config::def::{ConfigKey, Importance};
    use crate::config::overrides::BuiltInPolicy;
    use crate::config::validators::Validator;
    use crate::config::value::Type;
    use crate::config::worker_keys::Mode;
    use crate::error::ConnectError;

    const JSON: &str = "org.apache.kafka.connect.json.JsonConverter";
    const STRING: &str = "org.apache.kafka.connect.storage.StringConverter";
    const SIMPLE: &str = "org.apache.kafka.connect.storage.SimpleHeaderConverter";
    const SOURCE: &str = "org.apache.kafka.connect.file.FileStreamSourceConnector";
    const SINK: &str = "org.apache.kafka.connect.file.FileStreamSinkConnector";
    const HOIST: &str = "org.apache.kafka.connect.transforms.HoistField$Value";
    const MATCHES: &str = "org.apache.kafka.connect.transforms.predicates.TopicNameMatches";

    /// A few plugins in version 4.3.1.
    struct Plugins;

    impl PluginCatalog for Plugins {
        fn plugins(&self, kind: PluginKind) -> Vec<InstalledPlugin> {
            let classes: &[&str] = match kind {
                PluginKind::Source => &[SOURCE],
                PluginKind::Sink => &[SINK],
                PluginKind::Converter => &[JSON, STRING],
                PluginKind::HeaderConverter => &[JSON, SIMPLE, STRING],
                PluginKind::Transformation => &[HOIST],
                PluginKind::Predicate => &[MATCHES],
                _ => &[],
            };
            let plugin = |class: &&str| InstalledPlugin { class: (*class).to_owned(), version: "4.3.1".to_owned() };
            classes.iter().map(plugin).collect()
        }

        fn resolve(&self, kind: PluginKind, name: &str) -> Option<String> {
            let is_meant = |class: &String| {
                let simple = class.rsplit('.').next().unwrap_or_default();
                let short = simple.strip_suffix("Connector").or(simple.strip_suffix("Converter"));
                [Some(class.as_str()), Some(simple), short].contains(&Some(name))
            };
            self.plugins(kind).into_iter().map(|plugin| plugin.class).find(is_meant)
        }

        fn resolve_any(&self, name: &str) -> Option<String> {
            use PluginKind::*;
            let kinds = [Source, Sink, Converter, HeaderConverter, Transformation, Predicate];
            kinds.into_iter().find_map(|kind| self.resolve(kind, name))
        }

        fn definition(&self, kind: PluginKind, name: &str, version: Option<&str>) -> Result<ConfigDef> {
            let class = self.resolve(kind, name).ok_or_else(|| ConnectError::connect(name.to_owned()))?;
            if version.is_some_and(|version| version != "4.3.1") {
                return Err(ConnectError::not_found(format!("Plugin {name} not found that matches the version range")));
            }
            let text = |name| ConfigKey::required(name, Type::String, Importance::High, "");
            let key = match class.as_str() {
                JSON => ConfigKey::defaulting("schemas.enable", Type::Boolean, "true", Importance::High, "").show(
                    "Schemas",
                    0,
                    super::super::def::Width::Medium,
                    "Enable Schemas",
                ),
                HOIST => text("field"),
                MATCHES => text("pattern").check(Validator::Regex),
                _ => return Ok(ConfigDef::new()),
            };
            Ok(ConfigDef::new().key(key))
        }

        fn check_version(&self, text: &str) -> Result<(), String> {
            if text.starts_with('[') && !text.ends_with([']', ')']) {
                return Err(format!("Invalid version specification: {text}"));
            }
            Ok(())
        }

        fn latest_version(&self, kind: PluginKind, name: &str) -> Option<String> {
            self.resolve(kind, name).map(|_| "4.3.1".to_owned())
        }
    }

    fn file_def(kind: ConnectorKind) -> ConfigDef {
        let def = ConfigDef::new().key(ConfigKey::nullable("file", Type::String, Importance::High, ""));
        match kind {
            ConnectorKind::Sink => def,
            ConnectorKind::Source => def
                .key(ConfigKey::required("topic", Type::String, Importance::High, ""))
                .key(ConfigKey::defaulting("batch.size", Type::Int, "2000", Importance::Low, "")),
        }
    }

    fn check_with(policy: BuiltInPolicy, kind: ConnectorKind, raw: &Props, resolved: &Props) -> ConfigInfos {
        let worker = WorkerConfig::from_props(
            Props::from([
                ("bootstrap.servers", "b:1"),
                ("key.converter", JSON),
                ("value.converter", "JsonConverter"),
                ("offset.storage.file.filename", "f"),
            ]),
            Mode::Standalone,
        );
        let definition = file_def(kind);
        let mut confidential = Confidential::default();
        confidential.add("s3cret", "[hidden]");
        let check = ConnectorCheck {
            worker: &worker.expect("right"),
            catalog: Arc::new(Plugins),
            policy: &policy,
            kind,
            raw,
            resolved,
            findings: definition.validate(resolved).infos(),
            definition: &definition,
            confidential: &confidential,
        };
        check.run().expect("the policy decides")
    }

    fn check(kind: ConnectorKind, props: &[(&str, &str)]) -> ConfigInfos {
        let props = props.iter().map(|&(key, value)| (key.to_owned(), value.to_owned())).collect();
        check_with(BuiltInPolicy::All, kind, &props, &props)
    }

    const RIGHT_SOURCE: [(&str, &str); 3] = [("name", "c"), ("connector.class", "FileStreamSource"), ("topic", "t")];
    const RIGHT_SINK: [(&str, &str); 3] = [("name", "c"), ("connector.class", "FileStreamSink"), ("topics", "t")];

    fn source_with(more: &[(&str, &str)]) -> ConfigInfos {
        check(ConnectorKind::Source, &[&RIGHT_SOURCE, more].concat())
    }

    #[track_caller]
    fn has_errors(infos: &ConfigInfos, errors: &[&str]) {
        assert_eq!(infos.errors().collect::<Vec<_>>(), errors);
    }

    fn lines(infos: &ConfigInfos) -> Vec<String> {
        let line = |config: &crate::config::ConfigInfo| {
            let (key, value) = (config.definition.as_ref()?, config.value.as_ref()?);
            let null = |text: &Option<String>| text.clone().unwrap_or("null".to_owned());
            let required = if key.required { "required" } else { "optional" };
            let text = [&key.name, &key.ty, required, &null(&key.default_value), &key.importance, &null(&key.group)];
            let more = [&key.order_in_group.to_string(), &key.width, &key.display_name, &null(&value.value)];
            Some(format!("{}|{}", text.join("|"), more.map(String::as_str).join("|")))
        };
        infos.configs.iter().filter_map(line).collect()
    }

    /// What Kafka Connect 4.3.1 answers for a source and a sink, one key a line: name, type,
    /// required, default, importance, group, place, width, display name, value.
    const COMMON_LINES: &str = "\
name|STRING|required|null|HIGH|Common|1|MEDIUM|Connector name|c
connector.class|STRING|required|null|HIGH|Common|2|LONG|Connector class|CLASS
connector.plugin.version|STRING|optional|4.3.1|MEDIUM|Common|3|MEDIUM|Connector version|4.3.1
tasks.max|INT|optional|1|HIGH|Common|4|SHORT|Tasks max|1
tasks.max.enforce|BOOLEAN|optional|true|LOW|Common|5|SHORT|Enforce tasks max|true
key.converter|CLASS|optional|JSON|LOW|Common|6|SHORT|Key converter class|JSON
key.converter.plugin.version|STRING|optional|4.3.1|LOW|Common|7|SHORT|Key converter version|4.3.1
value.converter|CLASS|optional|JSON|LOW|Common|8|SHORT|Value converter class|JSON
value.converter.plugin.version|STRING|optional|4.3.1|LOW|Common|9|SHORT|Value converter version|4.3.1
header.converter|CLASS|optional|SIMPLE|LOW|Common|10|SHORT|Header converter class|SIMPLE
header.converter.plugin.version|STRING|optional|4.3.1|LOW|Common|11|SHORT|Header converter version|4.3.1
transforms|LIST|optional||LOW|Transforms|12|LONG|Transforms|
predicates|LIST|optional||LOW|Predicates|13|LONG|Predicates|
config.action.reload|STRING|optional|restart|LOW|Common|14|MEDIUM|Reload Action|restart
errors.retry.timeout|LONG|optional|0|MEDIUM|Error Handling|1|MEDIUM|Retry Timeout for Errors|0
errors.retry.delay.max.ms|LONG|optional|60000|MEDIUM|Error Handling|2|MEDIUM|Maximum Delay Between Retries for Errors|60000
errors.tolerance|STRING|optional|none|MEDIUM|Error Handling|3|SHORT|Error Tolerance|none
errors.log.enable|BOOLEAN|optional|false|MEDIUM|Error Handling|4|SHORT|Log Errors|false
errors.log.include.messages|BOOLEAN|optional|false|MEDIUM|Error Handling|5|SHORT|Log Error Details|false
";
    const SOURCE_LINES: &str = "\
topic.creation.groups|LIST|optional||LOW|Topic Creation|1|LONG|Topic Creation Groups|
exactly.once.support|STRING|optional|requested|MEDIUM|Exactly Once Support|2|SHORT|Exactly once support|requested
transaction.boundary|STRING|optional|poll|MEDIUM|Exactly Once Support|3|SHORT|Transaction Boundary|poll
transaction.boundary.interval.ms|LONG|optional|null|LOW|Exactly Once Support|4|SHORT|Transaction boundary interval|null
offsets.storage.topic|STRING|optional|null|LOW|offsets.topic|1|LONG|Offsets topic|null
file|STRING|optional|null|HIGH|null|-1|NONE|file|null
topic|STRING|required|null|HIGH|null|-1|NONE|topic|t
batch.size|INT|optional|2000|LOW|null|-1|NONE|batch.size|2000
";
    const SINK_LINES: &str = "\
topics|LIST|optional||HIGH|Common|4|LONG|Topics|t
topics.regex|STRING|optional||HIGH|Common|4|LONG|Topics regex|
errors.deadletterqueue.topic.name|STRING|optional||MEDIUM|Error Handling|6|MEDIUM|Dead Letter Queue Topic Name|
errors.deadletterqueue.topic.replication.factor|SHORT|optional|3|MEDIUM|Error Handling|7|MEDIUM|Dead Letter Queue Topic Replication Factor|3
errors.deadletterqueue.context.headers.enable|BOOLEAN|optional|false|MEDIUM|Error Handling|8|MEDIUM|Enable Error Context Headers|false
file|STRING|optional|null|HIGH|null|-1|NONE|file|null
";

    #[track_caller]
    fn answers_like_kafka(infos: &ConfigInfos, class: &str, own: &str, groups: &[&str]) {
        let expected = format!("{COMMON_LINES}{own}");
        let expected =
            expected.replace("CLASS\n", &format!("{class}\n")).replace("JSON", JSON).replace("SIMPLE", SIMPLE);
        assert_eq!(lines(infos), expected.lines().collect::<Vec<_>>());
        assert_eq!((infos.name.as_str(), infos.error_count), (class, 0));
        assert_eq!(infos.groups, groups);
    }

    #[test]
    fn answers_hold_every_key_in_kafkas_order() {
        let common = ["Common", "Transforms", "Predicates", "Error Handling"];
        let source = [&common[..], &["Topic Creation", "Exactly Once Support", "offsets.topic"]].concat();
        answers_like_kafka(&check(ConnectorKind::Source, &RIGHT_SOURCE), "FileStreamSource", SOURCE_LINES, &source);
        answers_like_kafka(&check(ConnectorKind::Sink, &RIGHT_SINK), "FileStreamSink", SINK_LINES, &common);
    }

    #[test]
    fn recommended_values_are_the_installed_plugins() {
        let infos = check(ConnectorKind::Source, &RIGHT_SOURCE);
        let recommended = |name: &str| {
            let mut values = infos.configs.iter().filter_map(|config| config.value.as_ref());
            values.find(|value| value.name == name).map(|value| value.recommended_values.clone()).unwrap_or_default()
        };
        assert_eq!(recommended("connector.plugin.version"), ["4.3.1"]);
        assert_eq!(recommended("value.converter"), [JSON, STRING]);
        assert_eq!(recommended("header.converter"), [JSON, SIMPLE, STRING]);
        assert_eq!(recommended("header.converter.plugin.version"), ["4.3.1"]);
    }

    #[test]
    fn errors_have_kafkas_texts() {
        has_errors(
            &source_with(&[("tasks.max", "many"), ("name", "")]),
            &[
                "Invalid value  for configuration name: String may not be empty",
                "Invalid value many for configuration tasks.max: Not a number of type INT",
                "Invalid value null for configuration tasks.max: Value must be non-null",
            ],
        );
        let must = "Must configure one of topics or topics.regex";
        has_errors(&check(ConnectorKind::Sink, &RIGHT_SINK[..2]), &[must, must]);
        has_errors(
            &source_with(&[("value.converter", "NoSuch"), ("key.converter", "FileStreamSink")]),
            &[
                &format!("Class class {SINK} does not implement the Converter interface"),
                "Invalid value NoSuch for configuration value.converter: Class NoSuch could not be found.",
            ],
        );
        has_errors(&source_with(&[("value.converter.plugin.version", "[1")]), &["Invalid version specification: [1"]);
    }

    #[test]
    fn nulls_are_reported_and_unknown_keys_come_first() {
        let mut props = Props::from(RIGHT_SOURCE);
        props.set_nullable("extra", None);
        let infos = check_with(BuiltInPolicy::All, ConnectorKind::Source, &props, &props);
        has_errors(&infos, &["Null value can not be supplied as the configuration value."]);
        assert!(infos.configs[0].definition.is_none());
        assert_eq!(infos.error_count, 1);
    }

    #[test]
    fn chains_bring_their_keys() {
        let infos = source_with(&[
            ("transforms", "h"),
            ("transforms.h.type", "HoistField$Value"),
            ("transforms.h.predicate", "p"),
            ("predicates", "p"),
            ("predicates.p.type", "TopicNameMatches"),
            ("predicates.p.pattern", "("),
        ]);
        let keys: Vec<_> =
            lines(&infos).into_iter().filter(|line| line.contains("ates.p.") || line.contains("forms.h.")).collect();
        let expected = [
            &format!(
                "transforms.h.type|CLASS|required|null|HIGH|Transforms: h|0|LONG|Transformation type for h|{HOIST}"
            ),
            "transforms.h.plugin.version|STRING|optional|4.3.1|HIGH|Transforms: h|1|LONG|Transformation version for h|4.3.1",
            "transforms.h.field|STRING|required|null|HIGH|Transforms: h|2|NONE|field|null",
            "transforms.h.negate|BOOLEAN|optional|false|MEDIUM|Transforms: h|3|NONE|negate|false",
            "transforms.h.predicate|STRING|optional|null|MEDIUM|Transforms: h|4|NONE|predicate|p",
            &format!("predicates.p.type|CLASS|required|null|HIGH|Predicates: p|0|LONG|Predicate type for p|{MATCHES}"),
            "predicates.p.plugin.version|STRING|optional|4.3.1|HIGH|Predicates: p|1|LONG|Predicate version for p|4.3.1",
            "predicates.p.pattern|STRING|required|null|HIGH|Predicates: p|2|NONE|pattern|(",
        ];
        assert_eq!(keys, expected);
        let errors: Vec<_> = infos.errors().collect();
        assert_eq!(errors[0], "Missing required configuration \"transforms.h.field\" which has no default value.");
        assert!(errors[1].starts_with("Invalid value ( for configuration pattern: Invalid regex: "), "{errors:?}");
        assert_eq!(errors.len(), 2);
    }

    #[test]
    fn chains_that_are_wrong_are_reported() {
        has_errors(
            &source_with(&[("transforms", "a,a"), ("transforms.a.negate", "true")]),
            &[
                "Invalid value [a, a] for configuration transforms: Duplicate alias provided.",
                "Missing required configuration \"transforms.a.type\" which has no default value.",
                "Config 'transforms.a.negate' was provided but there is no config 'transforms.a.predicate' defining a \
                 predicate to be negated.",
            ],
        );
        let missing = "Plugin HoistField$Value not found that matches the version range";
        let infos = source_with(&[
            ("transforms", "a"),
            ("transforms.a.type", "HoistField$Value"),
            ("transforms.a.plugin.version", "9"),
        ]);
        assert_eq!(infos.errors().filter(|error| error.starts_with("Plugin ")).count(), 2);
        assert!(infos.errors().any(|error| error == missing), "{infos:?}");
    }

    #[test]
    fn converters_and_overrides_follow_at_the_end() {
        let props = Props::from([
            ("name", "c"),
            ("connector.class", "FileStreamSource"),
            ("topic", "t"),
            ("value.converter", "JsonConverter"),
            ("value.converter.schemas.enable", "maybe"),
            ("producer.override.sasl.jaas.config", "s3cret"),
            ("consumer.override.not", "used"),
        ]);
        let infos = check_with(BuiltInPolicy::None, ConnectorKind::Source, &props, &props);
        has_errors(
            &infos,
            &[
                "The 'None' policy does not allow 'sasl.jaas.config' to be overridden in the connector configuration.",
                "Invalid value maybe for configuration schemas.enable: Expected value to be either true or false",
            ],
        );
        let names: Vec<_> =
            infos.configs.iter().filter_map(|config| config.value.as_ref()).map(|value| &value.name).collect();
        assert_eq!(names[names.len() - 2..], ["producer.override.sasl.jaas.config", "value.converter.schemas.enable"]);
        assert_eq!(infos.groups.last().map(String::as_str), Some("Schemas"));
        assert!(!format!("{infos:?}").contains("s3cret"));
    }

    #[test]
    fn values_of_providers_are_not_shown() {
        let raw = Props::from(RIGHT_SOURCE).with("tasks.max", "${env:SECRET}");
        let mut resolved = raw.clone();
        resolved.set("tasks.max", "s3cret");
        let infos = check_with(BuiltInPolicy::All, ConnectorKind::Source, &raw, &resolved);
        let text = "Invalid value for configuration 'tasks.max': the value resolved from the config provider reference \
                    failed validation";
        has_errors(&infos, &[text, text]);
        assert!(!format!("{infos:?}").contains("s3cret"));
    }

    #[test]
    fn a_version_that_is_not_there_is_told_with_those_that_are() {
        let infos = connector_version_not_found(&Props::from(RIGHT_SOURCE), "not there", vec!["1".to_owned()]);
        has_errors(&infos, &["not there", "not there"]);
        assert!(infos.configs.iter().all(|config| config.definition.as_ref().is_some_and(|key| key.name != "topics")));
    }

    #[test]
    fn plugin_keys_come_before_the_workers() {
        let keys = connector_keys(ConnectorKind::Sink, &file_def(ConnectorKind::Sink), Some("4.3.1".to_owned()));
        let names: Vec<_> = keys.iter().map(|key| key.name.as_str()).collect();
        assert_eq!((names[0], names[1], names.len()), ("file", "name", 25));
        assert_eq!(keys[3].default_value.as_deref(), Some("4.3.1"));
        let converter = keys.iter().find(|key| key.name == "key.converter").expect("a key of the worker");
        assert_eq!(converter.default_value, None);
    }
}
