//! Checking the worker itself.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::findings::{Findings, chain};
use crate::app;
use crate::config::{AdminListeners, ConfigFile, ConverterRole, Listener, Mode, RestSettings, WorkerConfig};
use crate::error::Result;
use crate::plugins::{Finder, Plugins, plugin_settings};
use crate::rest::BoundServer;
use crate::storage::{FileOffsetStore, MemoryOffsetStore};
use crate::worker::Worker;

const WORKER_FILE: &str = "worker file";
const PLUGINS: &str = "plugins";
const CONVERTERS: &str = "converters";
const REST: &str = "REST";
const OFFSETS: &str = "offsets";
const BROKERS: &str = "brokers";

/// How long the brokers have to answer.
const BROKER_TIMEOUT: Duration = Duration::from_secs(5);

/// What a check of connectors needs.
pub(super) struct Checked {
    /// A worker that runs nothing.
    pub(super) worker: Arc<Worker>,
    /// Whose files would be followed.
    pub(super) connectors_dir: Option<PathBuf>,
}

/// Checks everything but connectors. Gives what can check those, if there can be a worker.
pub(super) fn check(file: Result<ConfigFile>, offline: bool, findings: &mut Findings) -> Option<Checked> {
    let file = file.map_err(|error| findings.failure(WORKER_FILE, &error)).ok()?;
    let plugins = check_plugins(&file, findings)?;
    let places = ConverterRole::ALL.map(|role| (role, file.place(role.key())));
    let config = WorkerConfig::from_file(file, Mode::Standalone, &app::provider_maker(&plugins));
    let config =
        config.map_err(|error| chain(&error).split("\n  ").for_each(|line| add_problem(line, findings))).ok()?;
    for warning in &config.warnings {
        findings.warning(WORKER_FILE, warning);
    }
    findings.ok(WORKER_FILE, config.path.display().to_string());
    for (role, place) in places {
        check_converter(&config, &plugins, role, &place, findings);
    }
    check_rest(&config.rest, findings);
    check_offsets(&config, findings);
    let connectors_dir = config.connectors_dir.as_ref().map(|settings| settings.dir.clone());
    let worker = check_brokers(config, &plugins, offline, findings)?;
    Some(Checked { worker: Arc::new(worker), connectors_dir })
}

/// One of the lines about a wrong file. The first one only counts those that follow.
fn add_problem(line: &str, findings: &mut Findings) {
    if !line.ends_with(" settings are wrong") {
        findings.error(WORKER_FILE, line);
    }
}

/// Tries all libraries out, without believing or changing what is remembered of them.
fn check_plugins(file: &ConfigFile, findings: &mut Findings) -> Option<Plugins> {
    let found = plugin_settings(file.props()).and_then(|settings| {
        for element in settings.path.iter().filter(|element| !element.exists()) {
            findings.warning(PLUGINS, format!("{}: {} does not exist", file.place("plugin.path"), element.display()));
        }
        Finder::new(&settings, file.props()).cache(None).find()
    });
    let plugins = found.map_err(|error| findings.failure(PLUGINS, &error)).ok()?;
    for refusal in plugins.refused() {
        findings.warning(PLUGINS, refusal.to_string());
    }
    for warning in plugins.registry().warnings() {
        findings.warning(PLUGINS, warning);
    }
    findings.ok(PLUGINS, format!("libraries that can be loaded: {}", plugins.libraries().len()));
    Some(plugins)
}

fn check_converter(
    config: &WorkerConfig,
    plugins: &Plugins,
    role: ConverterRole,
    place: &str,
    findings: &mut Findings,
) {
    if let Err(error) = app::check_converter(config, plugins, role, place) {
        return findings.failure(CONVERTERS, &error);
    }
    let spec = config.converter(role);
    let Ok(plugin) = plugins.registry().find(role.plugin_kind(), &spec.class, spec.version.as_deref()) else { return };
    let checked = plugin.config.validate(&spec.config);
    let mut errors = checked.errors().peekable();
    if errors.peek().is_none() {
        return findings.ok(CONVERTERS, format!("{} = {}", role.key(), plugin.class));
    }
    for (key, error) in errors {
        findings.error(CONVERTERS, format!("{place}: {}.{key}: {error}", role.key()));
    }
}

/// Binds all ports for a moment, which reads the stores and password files too.
fn check_rest(settings: &RestSettings, findings: &mut Findings) {
    let Err(error) = BoundServer::bind(settings.clone(), Mode::Standalone).map(drop) else {
        let listeners: Vec<String> = settings.listeners.iter().map(ToString::to_string).collect();
        return findings.ok(REST, format!("{} can be listened on", listeners.join(", ")));
    };
    // A start ends with the first listener that fails; each by itself shows the others.
    let mut told: Vec<String> = each_alone(settings)
        .filter_map(|alone| BoundServer::bind(alone, Mode::Standalone).err())
        .map(|error| chain(&error))
        .collect();
    told.dedup();
    if told.is_empty() {
        told.push(chain(&error));
    }
    told.into_iter().for_each(|message| findings.error(REST, message));
}

/// The settings with one listener at a time.
fn each_alone(settings: &RestSettings) -> impl Iterator<Item = RestSettings> {
    let own: &[Listener] = match &settings.admin_listeners {
        AdminListeners::Own(listeners) => listeners,
        AdminListeners::Shared | AdminListeners::Off => &[],
    };
    let alone = |listener: &Listener| RestSettings {
        listeners: vec![listener.clone()],
        admin_listeners: AdminListeners::Off,
        ..settings.clone()
    };
    let main = settings.listeners.iter().map(alone);
    main.chain(own.iter().map(move |listener| RestSettings { https: settings.admin_https.clone(), ..alone(listener) }))
}

fn check_offsets(config: &WorkerConfig, findings: &mut Findings) {
    let Some(file) = &config.offset_file else { return };
    match FileOffsetStore::check(file) {
        Ok(count) => findings.ok(OFFSETS, format!("{} can be used; offsets in it: {count}", file.display())),
        Err(error) => findings.failure(OFFSETS, &error),
    }
}

/// Puts a worker together that runs nothing, and asks the brokers who they are.
fn check_brokers(config: WorkerConfig, plugins: &Plugins, offline: bool, findings: &mut Findings) -> Option<Worker> {
    let servers = config.bootstrap_servers.join(",");
    let embedded = config.embedded_broker;
    let parts = app::parts(config, plugins, Arc::new(MemoryOffsetStore::default()), "");
    let worker = Worker::new(parts).map_err(|error| findings.failure(WORKER_FILE, &error)).ok()?;
    if embedded {
        findings.ok(BROKERS, "the worker brings its own");
    } else if offline {
        findings.ok(BROKERS, format!("{servers} are not asked (--offline)"));
    } else {
        match worker.cluster_id(BROKER_TIMEOUT) {
            Ok(id) => {
                findings.ok(BROKERS, format!("{servers} answer for cluster {}", id.as_deref().unwrap_or("without id")))
            }
            Err(error) => findings.error(BROKERS, format!("{servers}: {}", chain(&error))),
        }
    }
    Some(worker)
}
