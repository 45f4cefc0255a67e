//! The composition of a worker process: what is made, in which order, and how it ends.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::config::providers::ConfigProvider;
use crate::config::{
    ConfigFile, ConnectorFile, ConverterRole, DirectorySettings, Mode, PluginKind, Props, WorkerConfig,
};
use crate::connector_dir::ConnectorDirectory;
use crate::error::{ConnectError, Result};
use crate::herder::{self, ConfigChange, Handle};
use crate::kafka::EmbeddedBroker;
use crate::plugins::{Finder, Plugins, plugin_settings};
use crate::rest::{BoundServer, Server, TopicTracking};
use crate::runtime::{Runtime, WorkerInfo};
use crate::storage::{
    ConnectorState, FileOffsetStore, MemoryConfigStore, MemoryStatusStore, OffsetStore, StatusStore, TargetState,
    TaskState,
};
use crate::telemetry::logging;
use crate::telemetry::metrics::{Registry, WindowConfig};
use crate::worker::{Worker, WorkerParts};

/// The version of this worker.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// How long REST requests under way have at the end.
const REST_GRACE: Duration = Duration::from_secs(5);

/// A standalone worker that runs.
pub struct Standalone {
    handle: Handle,
    worker: Arc<Worker>,
    server: Server,
    url: String,
    statuses: Arc<dyn StatusStore>,
    directory: Option<ConnectorDirectory>,
    // Ends after everything that talks to it.
    _broker: Option<EmbeddedBroker>,
}

/// Reads a worker file and the plugin path it names.
///
/// # Errors
/// The file cannot be read or is wrong, or the plugin path cannot be searched.
pub fn load(path: &Path) -> Result<(WorkerConfig, Plugins)> {
    load_file(ConfigFile::read(path)?)
}

/// As [`load`], for a configuration that has been read.
///
/// # Errors
/// As for [`load`].
pub fn load_file(file: ConfigFile) -> Result<(WorkerConfig, Plugins)> {
    let plugins = find_plugins(&file)?;
    let places = ConverterRole::ALL.map(|role| (role, file.place(role.key())));
    let config = WorkerConfig::from_file(file, Mode::Standalone, &provider_maker(&plugins))?;
    for (role, place) in places {
        check_converter(&config, &plugins, role, &place)?;
    }
    Ok((config, plugins))
}

/// A worker whose converters are not there could not run a single task.
pub(crate) fn check_converter(
    config: &WorkerConfig,
    plugins: &Plugins,
    role: ConverterRole,
    place: &str,
) -> Result<()> {
    let spec = config.converter(role);
    match plugins.registry().find(role.plugin_kind(), &spec.class, spec.version.as_deref()) {
        Ok(_) => Ok(()),
        Err(error) => Err(ConnectError::config(format!(
            "{place}: Invalid value {} for configuration {}: Class {} could not be found.",
            spec.class,
            role.key(),
            spec.class
        ))
        .caused_by(error)),
    }
}

/// Config providers from plugin libraries.
pub(crate) fn provider_maker(
    plugins: &Plugins,
) -> impl Fn(&str, &Props) -> Result<Option<Arc<dyn ConfigProvider>>> + '_ {
    |class, params| match plugins.registry().find(PluginKind::ConfigProvider, class, None) {
        Ok(plugin) => plugin.config_provider(params).map(Some),
        Err(_) => Ok(None),
    }
}

fn find_plugins(file: &ConfigFile) -> Result<Plugins> {
    Finder::new(&plugin_settings(file.props())?, file.props()).find()
}

impl Standalone {
    /// Starts a worker from what [`load`] gave: ports, herder, REST, then the connectors of the files. REST answers
    /// before brokers do. `begin` is when the process began, for the log.
    ///
    /// # Errors
    /// Whatever keeps the worker from starting: a taken port or offset file, a connector file that is wrong or whose
    /// connector does not start.
    pub fn run(
        mut config: WorkerConfig,
        plugins: &Plugins,
        connector_files: &[PathBuf],
        begin: Instant,
    ) -> Result<Standalone> {
        if let Some(format) = config.log_format {
            logging::set_format(format);
        }
        for warning in &config.warnings {
            tracing::warn!("{warning}");
        }
        let broker = start_broker(&mut config)?;
        // Read before anything runs, so that a wrong file leaves nothing behind.
        let connectors = connector_files.iter().map(ConnectorFile::read).collect::<Result<Vec<_>>>()?;
        for warning in connectors.iter().flat_map(|connector| &connector.warnings) {
            tracing::warn!("{warning}");
        }
        let server =
            BoundServer::bind(config.rest.clone(), Mode::Standalone).map_err(|error| own_keys(error, &config))?;
        let offsets = Arc::new(open_offsets(&config)?);
        let parts = parts(config, plugins, offsets, server.worker_id());
        let tracking =
            TopicTracking { enabled: parts.config.topic_tracking, reset_allowed: parts.config.topic_tracking_reset };
        let summary = summary(&parts.config, plugins, &server);
        let statuses = Arc::clone(&parts.statuses);
        let directory = parts.config.connectors_dir.clone();
        let registry = parts.metrics.clone();
        let metrics = parts.config.metrics.endpoint.then_some(&registry);
        let worker = Arc::new(Worker::new(parts)?);
        let runtime: Arc<dyn Runtime> = worker.clone();
        let handle = herder::start_standalone(
            runtime,
            Arc::new(MemoryConfigStore::default()),
            Arc::clone(&statuses),
            &registry,
        )?;
        let url = server.url();
        let server = server.serve(handle.clone(), tracking, metrics)?;
        tracing::info!("Kafka Connect worker initialization took {}ms", begin.elapsed().as_millis());
        tracing::info!("{summary}");
        worker.find_cluster()?;
        let mut standalone = Standalone { handle, worker, server, url, statuses, directory: None, _broker: broker };
        if let Err(error) = standalone.create_connectors(connectors).and_then(|()| standalone.follow(directory)) {
            standalone.stop();
            return Err(error);
        }
        standalone.handle.set_ready();
        tracing::info!("Kafka Connect started");
        Ok(standalone)
    }

    fn create_connectors(&self, files: Vec<ConnectorFile>) -> Result<()> {
        for file in files {
            let initial = file.initial_state.map(TargetState::from);
            let change = ConfigChange::Create { config: file.config, initial };
            self.handle.configure_blocking(&file.name, change).map_err(|error| {
                let text = format!("Failed to create connector for {}", file.path.display());
                tracing::error!("{text}: {}", error.message());
                ConnectError::connect(text).caused_by(error)
            })?;
            tracing::info!("Created connector {}", file.name);
        }
        Ok(())
    }

    /// Makes the connectors of a directory and follows its files from then on.
    fn follow(&mut self, directory: Option<DirectorySettings>) -> Result<()> {
        if let Some(settings) = directory {
            tracing::info!("Following the connector files in {}", settings.dir.display());
            self.directory = Some(ConnectorDirectory::start(&settings, self.handle.clone())?);
        }
        Ok(())
    }

    /// What the first failed connector or task says, if one has failed.
    pub fn first_failure(&self) -> Option<String> {
        let failed = |name: String| {
            let tasks = self.statuses.tasks(&name).into_iter();
            let task =
                tasks.filter(|(_, status)| status.state == TaskState::Failed).find_map(|(_, status)| status.trace);
            let connector = self.statuses.connector(&name);
            let connector = connector.filter(|status| status.state == ConnectorState::Failed).and_then(|s| s.trace);
            connector.or(task).map(|trace| format!("Connector {name} failed: {}", trace.trim_end()))
        };
        self.statuses.connectors().into_iter().find_map(failed)
    }

    /// Talks to the worker's herder.
    pub fn handle(&self) -> &Handle {
        &self.handle
    }

    /// The address of the REST API.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Stops connectors and tasks within their graceful time-outs, then everything else.
    pub fn stop(self) {
        tracing::info!("Kafka Connect stopping");
        if let Some(directory) = self.directory {
            directory.stop();
        }
        self.handle.shutdown();
        self.worker.close();
        self.server.stop(REST_GRACE);
        let abandoned = self.worker.abandoned();
        if abandoned > 0 {
            tracing::warn!("{abandoned} threads that hang in plugins were left behind");
        }
        tracing::info!("Kafka Connect stopped");
    }
}

/// Adds the two keys that a second worker on the same machine has to change, with their values.
fn own_keys(error: ConnectError, config: &WorkerConfig) -> ConnectError {
    let listeners: Vec<String> = config.rest.listeners.iter().map(ToString::to_string).collect();
    let offsets = config.offset_file.as_deref().map(|file| file.display().to_string()).unwrap_or_default();
    error.detail(format!(
        "{} with listeners={} and offset.storage.file.filename={offsets}",
        config.path.display(),
        listeners.join(",")
    ))
}

/// Starts the broker inside the worker where the configuration asks for it.
fn start_broker(config: &mut WorkerConfig) -> Result<Option<EmbeddedBroker>> {
    if !config.embedded_broker {
        return Ok(None);
    }
    let broker = EmbeddedBroker::start()?;
    tracing::warn!(
        "The embedded broker at {} is for the quick start only: it forgets all records when the worker ends and keeps only the newest few MB of a partition.",
        broker.bootstrap_servers()
    );
    config.set_bootstrap_servers(vec![broker.bootstrap_servers().to_owned()]);
    Ok(Some(broker))
}

fn open_offsets(config: &WorkerConfig) -> Result<FileOffsetStore> {
    let file = config.offset_file.clone().ok_or_else(|| {
        ConnectError::config(
            "Missing required configuration \"offset.storage.file.filename\" which has no default value.",
        )
    })?;
    FileOffsetStore::open(file)
}

/// What a standalone worker is made of; its statuses are in memory.
pub(crate) fn parts(
    config: WorkerConfig,
    plugins: &Plugins,
    offsets: Arc<dyn OffsetStore>,
    worker_id: &str,
) -> WorkerParts {
    let window = WindowConfig { window: config.metrics.sample_window, samples: config.metrics.num_samples };
    WorkerParts {
        registry: Arc::clone(plugins.registry()),
        offsets,
        statuses: Arc::new(MemoryStatusStore::default()),
        info: WorkerInfo {
            worker_id: worker_id.to_owned(),
            version: crate::KAFKA_CONNECT.to_owned(),
            commit: match option_env!("FERROCONNECT_COMMIT") {
                Some(commit) => format!("ferroconnect-{VERSION}-{commit}"),
                None => format!("ferroconnect-{VERSION}"),
            },
            kafka_cluster_id: None,
        },
        metrics: Registry::new(window),
        config,
    }
}

/// What an operator wants to know at a glance.
fn summary(config: &WorkerConfig, plugins: &Plugins, server: &BoundServer) -> String {
    use std::fmt::Write as _;
    let path: Vec<String> = config.plugins.path.iter().map(|path| path.display().to_string()).collect();
    let mut text = format!("Ferroconnect {VERSION}, standalone\n");
    let offsets = config.offset_file.as_deref().map(|file| file.display().to_string()).unwrap_or_default();
    // Writing to a String cannot fail.
    let _ = writeln!(text, "  brokers      {}", config.bootstrap_servers.join(","));
    let _ = writeln!(text, "  REST         {}", server.url());
    let _ = writeln!(text, "  offsets      {offsets}");
    let _ = writeln!(text, "  plugin path  {}", if path.is_empty() { "none".to_owned() } else { path.join(",") });
    let _ = write!(text, "  plugins      {} from {} libraries", foreign(plugins), plugins.libraries().len());
    if !plugins.refused().is_empty() {
        let _ = write!(text, "; {} files refused, see the warnings above", plugins.refused().len());
    }
    text
}

fn foreign(plugins: &Plugins) -> usize {
    plugins.registry().all().filter(|plugin| plugin.library().is_some()).count()
}
