//! From files to the stages of a connector.

use std::collections::BTreeSet;

use super::input::Sample;
use super::{Kind, TransformArgs};
use crate::app;
use crate::config::{
    ConfigDef, ConnectorConfig, ConnectorFile, ConnectorKind, ConverterRole, Mode, PluginKind, PluginSpec, Props,
    TransformSpec, WorkerConfig, split_list,
};
use crate::error::{ConnectError, Result};
use crate::pipeline::{Converters, Named};
use crate::plugins::{Finder, Plugin, Registry, plugin_settings};
use crate::stages::{Predicate, Transform};

/// One transform with its condition.
pub(super) struct Step {
    /// `transforms.<alias>`.
    pub(super) name: String,
    pub(super) transform: Named<dyn Transform>,
    pub(super) condition: Option<Condition>,
}

/// When a transform runs.
pub(super) struct Condition {
    pub(super) alias: String,
    pub(super) predicate: Named<dyn Predicate>,
    pub(super) negate: bool,
}

/// Everything that records go through.
pub(super) struct Setup {
    pub(super) sample: Sample,
    pub(super) converters: Converters,
    pub(super) steps: Vec<Step>,
    /// Whether the connector skips records that fail.
    pub(super) tolerant: bool,
    /// What the user should know of how this was set up.
    pub(super) notes: Vec<String>,
}

impl Setup {
    /// Reads the files and makes the stages.
    ///
    /// # Errors
    /// Everything that is wrong; at least one.
    pub(super) fn new(args: &TransformArgs) -> Result<Setup, Vec<ConnectError>> {
        let mut notes = Vec::new();
        let file = ConnectorFile::read(&args.connector).map_err(|error| vec![error])?;
        let (worker, registry) = worker(args).map_err(|error| vec![error])?;
        let place = args.connector.display();
        let in_file = |error: ConnectError| error.context(format!("{place}"));
        let props = worker.transformer.resolve(&file.config).map_err(|error| vec![in_file(error)])?.props;
        let kind = kind(args, &props, &registry, &mut notes);
        let connector = ConnectorConfig::new(kind, props).map_err(|error| vec![in_file(error)])?;
        let mut maker = Maker { registry: &registry, problems: Vec::new() };
        let converters = maker.converters(&connector, &worker);
        let steps: Vec<Option<Step>> = connector.transforms.iter().map(|spec| maker.step(spec)).collect();
        match (converters, steps.into_iter().collect::<Option<Vec<Step>>>()) {
            (Some(converters), Some(steps)) => Ok(Setup {
                sample: Sample { kind, topic: topic(kind, connector.originals()) },
                converters,
                steps,
                tolerant: connector.errors.tolerate_all,
                notes,
            }),
            _ => Err(maker.problems.into_iter().map(in_file).collect()),
        }
    }
}

/// The worker's settings and the plugins.
fn worker(args: &TransformArgs) -> Result<(WorkerConfig, std::sync::Arc<Registry>)> {
    if let (Some(file), true) = (&args.worker, args.plugin_path.is_empty()) {
        let (config, plugins) = app::load(file)?;
        return Ok((config, plugins.registry().clone()));
    }
    let (config, props) = match &args.worker {
        Some(file) => {
            let config = WorkerConfig::load(file, Mode::Standalone)?;
            let props = config.originals().clone();
            (config, props)
        }
        // The converters of the worker file that comes with Kafka; the other two are required and not used here.
        None => {
            let props = Props::from([
                ("bootstrap.servers", "localhost:9092"),
                ("offset.storage.file.filename", "unused"),
                ("key.converter", "org.apache.kafka.connect.json.JsonConverter"),
                ("value.converter", "org.apache.kafka.connect.json.JsonConverter"),
            ]);
            (WorkerConfig::from_props(props, Mode::Standalone)?, Props::new())
        }
    };
    let mut settings = plugin_settings(&props)?;
    settings.path.clone_from(&args.plugin_path);
    let plugins = Finder::new(&settings, &props).find()?;
    Ok((config, plugins.registry().clone()))
}

/// What the connector is: as its plugin says, or else as its keys look.
fn kind(args: &TransformArgs, props: &Props, registry: &Registry, notes: &mut Vec<String>) -> ConnectorKind {
    match args.kind {
        Some(Kind::Source) => return ConnectorKind::Source,
        Some(Kind::Sink) => return ConnectorKind::Sink,
        None => {}
    }
    let class = props.get("connector.class").map(str::trim).unwrap_or_default();
    match registry.connector(class, props.get("connector.plugin.version")).map(|plugin| plugin.kind) {
        Ok(PluginKind::Source) => ConnectorKind::Source,
        Ok(_) => ConnectorKind::Sink,
        Err(_) => {
            let is_sink = props.contains_key("topics") || props.contains_key("topics.regex");
            let (kind, name) = if is_sink { (ConnectorKind::Sink, "sink") } else { (ConnectorKind::Source, "source") };
            notes.push(format!(
                "the connector {class} is not in the plugin path; going by its keys it is a {name} (--kind says otherwise)"
            ));
            kind
        }
    }
}

/// The topic of records that name none.
fn topic(kind: ConnectorKind, props: &Props) -> Option<String> {
    let key = match kind {
        ConnectorKind::Source => "topic",
        ConnectorKind::Sink => "topics",
    };
    split_list(props.get(key)?).into_iter().find(|topic| !topic.is_empty())
}

/// Makes stages and keeps what goes wrong, so that all of it can be told at once.
struct Maker<'a> {
    registry: &'a Registry,
    problems: Vec<ConnectError>,
}

impl Maker<'_> {
    fn make<T: ?Sized>(
        &mut self,
        key: &str,
        kind: PluginKind,
        spec: &PluginSpec,
        make: impl FnOnce(&Plugin, &Props) -> Result<Box<T>>,
    ) -> Option<Named<T>> {
        let found = self.registry.find(kind, &spec.class, spec.version.as_deref()).map_err(brief);
        let made = found.and_then(|plugin| {
            check(&plugin.config, &spec.config)?;
            Ok(Named::new(plugin.class.as_str(), make(plugin, &spec.config)?))
        });
        made.map_err(|error| self.problems.push(error.context(key.to_owned()))).ok()
    }

    fn converters(&mut self, connector: &ConnectorConfig, worker: &WorkerConfig) -> Option<Converters> {
        let mut converter = |role: ConverterRole| {
            let spec = connector.converter(role, worker);
            self.make(role.key(), PluginKind::Converter, &spec, Plugin::converter)
        };
        let (key, value) = (converter(ConverterRole::Key), converter(ConverterRole::Value));
        let spec = connector.converter(ConverterRole::Header, worker);
        let kind = PluginKind::HeaderConverter;
        let header = self.make(ConverterRole::Header.key(), kind, &spec, Plugin::header_converter);
        Some(Converters { key: key?, value: value?, header: header? })
    }

    fn step(&mut self, spec: &TransformSpec) -> Option<Step> {
        let name = format!("transforms.{}", spec.alias);
        let transform = self.make(&name, PluginKind::Transformation, &spec.plugin, Plugin::transform);
        let condition = match &spec.condition {
            None => None,
            Some(condition) => {
                let key = format!("predicates.{}", condition.alias);
                let predicate = self.make(&key, PluginKind::Predicate, &condition.plugin, Plugin::predicate)?;
                Some(Condition { alias: condition.alias.clone(), predicate, negate: condition.negate })
            }
        };
        Some(Step { name, transform: transform?, condition })
    }
}

/// The error without the list of every plugin there is, which fills a terminal.
fn brief(error: ConnectError) -> ConnectError {
    match error.message().split_once(", available ") {
        Some((what, _)) => ConnectError::config(format!("{what} (ferroconnect plugins list shows what there is)")),
        None => error,
    }
}

/// What the worker says of a configuration before it makes anything of it: each wrong key once.
fn check(definition: &ConfigDef, props: &Props) -> Result<()> {
    let validation = definition.validate(props);
    let messages: BTreeSet<&str> = validation.errors().map(|(_, message)| message).collect();
    if messages.is_empty() {
        return Ok(());
    }
    Err(ConnectError::config(messages.into_iter().collect::<Vec<_>>().join("; ")))
}
