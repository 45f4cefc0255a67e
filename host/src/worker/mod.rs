//! The worker: runs connectors and tasks in this process, each on a thread of its own.
//!
//! Start with [`Worker`], which does what the herder asks ([`Runtime`]). `source_task` and
//! `sink_task` are the two loops that move records; `submitted` and `sink_offsets` decide what may be stored and
//! committed (promise P1). What happens to a record between plugin and Kafka is `crate::pipeline`.

mod build;
mod clients;
mod connector;
mod consumed;
mod dead_letters;
mod describe;
mod errant;
mod failures;
mod flush;
mod lifecycle;
mod metrics;
#[cfg(test)]
mod metrics_page;
mod offset_reader;
mod offsets;
mod opened;
mod originals;
mod plugin_metrics;
mod policy;
mod positions;
mod sink_offsets;
mod sink_put;
mod sink_requests;
mod sink_task;
mod source_delivery;
mod source_task;
mod start;
mod submitted;
mod task;
mod task_configs;
mod topic_creation;
mod topic_tracking;
mod validation;
mod worker_metrics;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use parking_lot::{Mutex, RwLock};

use crate::config::{
    ConfigInfos, ConfigKeyInfo, ConnectorKind, PluginKind, Props, ReloadAction, SinkConfig, SourceConfig, WorkerConfig,
};
use crate::error::{ConnectError, Result};
use crate::kafka::Admin;
use crate::plugins::api::{MetricTarget, Scope};
use crate::plugins::{Plugin, Registry as PluginRegistry};
use crate::runtime::{
    ConnectorEvents, ConnectorOffset, OffsetsChange, OffsetsOutcome, Part, PluginSummary, Runtime, WorkerInfo,
};
use crate::storage::{ConnectorState, ConnectorStatus, OffsetStore, StatusStore, TargetState, TaskId, TaskState};
use crate::telemetry::LogContext;
use crate::telemetry::metrics::{ConnectorMetrics, Registry};

use connector::{ConnectorHandle, ConnectorParts};
use failures::FailureWatch;
use flush::OffsetFlusher;
use offset_reader::OffsetReader;
use task::{TaskHandle, TaskReporter};
use worker_metrics::WholeMetrics;

/// The order in which REST lists plugins.
const LISTED: [PluginKind; 6] = [
    PluginKind::Sink,
    PluginKind::Source,
    PluginKind::Transformation,
    PluginKind::Predicate,
    PluginKind::Converter,
    PluginKind::HeaderConverter,
];

/// What all connectors and tasks of a worker share.
pub(crate) struct Shared {
    config: WorkerConfig,
    registry: Arc<PluginRegistry>,
    offsets: Arc<dyn OffsetStore>,
    statuses: Arc<dyn StatusStore>,
    flusher: Arc<OffsetFlusher>,
    info: RwLock<WorkerInfo>,
    policy: policy::Policy,
    metrics: Registry,
}

type Connectors = Mutex<HashMap<String, Arc<ConnectorHandle>>>;
/// Ordered, so that the tasks of one connector are found without looking at all.
type Tasks = Mutex<BTreeMap<TaskId, Arc<TaskHandle>>>;

/// Runs connectors and tasks. Any thread may call.
pub struct Worker {
    shared: Arc<Shared>,
    connectors: Arc<Connectors>,
    tasks: Arc<Tasks>,
    /// Threads that hang in a plugin and were given up.
    abandoned: Arc<AtomicUsize>,
    metrics: WholeMetrics,
}

/// What a worker is made of.
pub struct WorkerParts {
    /// Its configuration.
    pub config: WorkerConfig,
    /// The plugins it may use.
    pub registry: Arc<PluginRegistry>,
    /// Where source offsets are stored.
    pub offsets: Arc<dyn OffsetStore>,
    /// Where statuses are stored.
    pub statuses: Arc<dyn StatusStore>,
    /// Who it is.
    pub info: WorkerInfo,
    /// Where metrics are registered.
    pub metrics: Registry,
}

impl Worker {
    /// A worker that runs nothing yet.
    ///
    /// # Errors
    /// If its own threads cannot be started, or the override policy is not there.
    pub fn new(parts: WorkerParts) -> Result<Worker> {
        let flusher = OffsetFlusher::start(Arc::clone(&parts.offsets), parts.config.offset_flush_interval)?;
        let policy = policy::Policy::new(&parts.config, &parts.registry)?;
        let (connectors, tasks, abandoned) = (Arc::default(), Arc::default(), Arc::default());
        let statuses = Arc::clone(&parts.statuses);
        let metrics = WholeMetrics::new(&parts.metrics, &parts.info, &connectors, &tasks, statuses, &abandoned);
        let shared = Shared {
            config: parts.config,
            registry: parts.registry,
            offsets: parts.offsets,
            statuses: parts.statuses,
            flusher,
            info: RwLock::new(parts.info),
            policy,
            metrics: parts.metrics,
        };
        Ok(Worker { shared: Arc::new(shared), connectors, tasks, abandoned, metrics })
    }

    /// Looks for the cluster's id until a broker answers; in the background, as the broker may come later.
    ///
    /// # Errors
    /// If the client's settings are wrong or the thread cannot be started.
    pub fn find_cluster(self: &Arc<Self>) -> Result<()> {
        let settings = clients::worker_admin(&self.shared.config)?;
        let worker = Arc::downgrade(self);
        let brokers = self.shared.config.bootstrap_servers.join(",");
        std::thread::Builder::new().name("find-cluster".to_owned()).spawn(move || {
            start::find_cluster(&settings, &brokers, &worker);
        })?;
        Ok(())
    }

    /// The cluster's id, asked for now; `None` if the brokers are too old to have one.
    ///
    /// # Errors
    /// If the client's settings are wrong, or no broker answers in time.
    pub fn cluster_id(&self, timeout: Duration) -> Result<Option<String>> {
        Ok(Admin::new(&clients::worker_admin(&self.shared.config)?)?.cluster_id(timeout)?)
    }

    /// Threads that hang in a plugin and were given up since the worker started.
    pub fn abandoned(&self) -> usize {
        self.abandoned.load(Ordering::Relaxed)
    }

    /// Ends the worker's own threads. Connectors and tasks have to be stopped before.
    pub fn close(&self) {
        self.shared.flusher.close();
    }

    fn handle(&self, name: &str) -> Option<Arc<ConnectorHandle>> {
        self.connectors.lock().get(name).cloned()
    }

    fn give_up(&self, count: usize) {
        self.abandoned.fetch_add(count, Ordering::Relaxed);
    }
}

impl Shared {
    fn worker_id(&self) -> Arc<str> {
        Arc::from(self.info.read().worker_id.as_str())
    }

    /// Where the plugin of a connector or task puts its metrics.
    fn plugin_metrics(&self, connector: &str, task: Option<u32>) -> Arc<dyn MetricTarget> {
        plugin_metrics::target(&self.metrics, connector, task)
    }

    /// What a connector reports about itself.
    fn connector_metrics(&self, connector: &str, plugin: &Plugin) -> ConnectorMetrics {
        let kind = match kind_of(plugin) {
            ConnectorKind::Source => "source",
            ConnectorKind::Sink => "sink",
        };
        ConnectorMetrics::new(&self.metrics, connector, kind, &plugin.class, plugin.version.as_str())
    }

    /// The plugin that a connector's configuration names.
    fn connector_plugin(&self, config: &Props) -> Result<&Arc<Plugin>> {
        let class = config.get("connector.class").map(str::trim).unwrap_or_default();
        self.registry.connector(class, config.get("connector.plugin.version"))
    }
}

fn kind_of(plugin: &Plugin) -> ConnectorKind {
    if plugin.kind == PluginKind::Source { ConnectorKind::Source } else { ConnectorKind::Sink }
}

impl Runtime for Worker {
    fn info(&self) -> WorkerInfo {
        self.shared.info.read().clone()
    }

    fn plugins(&self) -> Vec<PluginSummary> {
        let of_kind = |kind: PluginKind| {
            self.shared.registry.of_kind(kind).map(move |plugin| PluginSummary {
                class: plugin.class.clone(),
                kind,
                version: Some(plugin.version.as_str().to_owned()).filter(|version| version != "undefined"),
            })
        };
        LISTED.into_iter().flat_map(of_kind).collect()
    }

    fn plugin_config(&self, plugin: &str, version: Option<&str>) -> Result<Vec<ConfigKeyInfo>> {
        validation::plugin_config(&self.shared, plugin, version)
    }

    fn connector_kind(&self, config: &Props) -> Option<ConnectorKind> {
        self.shared.connector_plugin(config).ok().map(|plugin| kind_of(plugin))
    }

    fn validate(&self, config: &Props) -> Result<ConfigInfos> {
        validation::validate(&self.shared, config)
    }

    fn start_connector(
        &self,
        name: &str,
        config: Props,
        target: TargetState,
        events: Arc<dyn ConnectorEvents>,
    ) -> Result<()> {
        let watch = FailureWatch::new(&self.shared, Part::Connector(name.into()), &config, Arc::clone(&events));
        let watch = Arc::new(watch);
        let handle = match self.spawn_connector(name, &config, events, &watch) {
            Ok(handle) => handle,
            Err(error) => {
                self.metrics.connector_start(false);
                let status = ConnectorStatus::new(ConnectorState::Failed, self.shared.worker_id(), 0);
                self.shared.statuses.put_connector(name, status.with_trace(error.trace()))?;
                watch.failed(&error);
                return Err(error);
            }
        };
        self.connectors.lock().insert(name.to_owned(), Arc::clone(&handle));
        let reached = handle.set_target(target);
        // One that is created paused is not started yet, and does not count when it is resumed, as in Kafka Connect.
        if target == TargetState::Started {
            self.metrics.connector_start(reached.is_ok());
        }
        reached
    }

    fn abandon_start(&self, name: &str) {
        if let Some(handle) = self.handle(name) {
            handle.abandon_waiting();
        }
    }

    fn is_running(&self, name: &str) -> bool {
        self.handle(name).is_some_and(|handle| handle.is_running())
    }

    fn task_configs(&self, name: &str) -> Result<Vec<Props>> {
        let handle = self.handle(name).ok_or_else(|| ConnectError::not_found(format!("Connector {name} not found")))?;
        let maximum = u32::try_from(handle.typed.tasks_max.min(task_configs::MOST_TASKS)).unwrap_or(u32::MAX);
        let answer = handle.task_configs(maximum).map_err(|error| {
            let text = format!("Failed to generate task configurations of connector {name}: {}", error.message());
            // What kind of error the plugin calls it says nothing about the request that led here.
            ConnectError::connect(text).caused_by(error)
        })?;
        match task_configs::complete(answer, &handle.plugin, &handle.raw, &handle.typed) {
            Ok(tasks) => Ok(tasks),
            Err(error) => {
                handle.fail(error.clone());
                Err(error)
            }
        }
    }

    fn has_outdated_tasks(&self, name: &str) -> bool {
        let Some(values) = self.handle(name).map(|handle| handle.values) else { return false };
        let tasks = self.tasks.lock();
        let mut own = tasks.iter().filter(|(id, _)| &*id.connector == name);
        own.any(|(_, task)| task.lifecycle.values().is_some_and(|used| used != values))
    }

    fn stop_connector(&self, name: &str) -> bool {
        let handle = self.connectors.lock().remove(name);
        let Some(handle) = handle else { return true };
        let ended = handle.stop();
        if !ended {
            self.give_up(1);
            // Its own thread says nothing any more.
            let status = ConnectorStatus::new(ConnectorState::Unassigned, self.shared.worker_id(), 0);
            let version = Some(handle.plugin.version.as_str().to_owned());
            if let Err(error) = self.shared.statuses.put_connector(name, status.with_version(version)) {
                tracing::error!("Could not store the status of connector {name}: {error}");
            }
        }
        ended
    }

    fn start_task(
        &self,
        id: &TaskId,
        connector: Props,
        task: Props,
        target: TargetState,
        events: Arc<dyn ConnectorEvents>,
    ) -> Result<()> {
        let lifecycle = Arc::new(lifecycle::Lifecycle::new(target));
        let version = self.shared.connector_plugin(&connector).ok().map(|plugin| plugin.version.as_str().to_owned());
        let reporter = TaskReporter {
            id: id.clone(),
            worker_id: self.shared.worker_id(),
            version,
            statuses: Arc::clone(&self.shared.statuses),
            lifecycle,
            start: self.metrics.task_start(),
            metrics: Arc::default(),
            watch: FailureWatch::new(&self.shared, Part::Task(id.clone()), &connector, events),
        };
        let mut tasks = self.tasks.lock();
        if tasks.get(id).is_some_and(|task| !task.lifecycle.has_ended()) {
            return Err(ConnectError::illegal_state(format!("Task already exists in this worker: {id}")));
        }
        let shared = Arc::clone(&self.shared);
        let task_id = id.clone();
        let body = move |body: &task::TaskBody<'_>| start::run_task(&shared, &task_id, &connector, &task, body);
        match TaskHandle::spawn(reporter, body) {
            Ok(handle) => {
                tasks.insert(id.clone(), Arc::new(handle));
                drop(tasks);
                self.metrics.has_tasks(&id.connector);
                Ok(())
            }
            Err(error) => {
                self.metrics.task_start().ended(false);
                let status = crate::storage::TaskStatus::new(TaskState::Failed, self.shared.worker_id(), 0);
                self.shared.statuses.put_task(id, status.with_trace(error.trace()))?;
                Err(error)
            }
        }
    }

    fn stop_tasks(&self, ids: &[TaskId]) {
        let tasks: Vec<Arc<TaskHandle>> = {
            let mut all = self.tasks.lock();
            ids.iter().filter_map(|id| all.remove(id)).collect()
        };
        let deadline = Instant::now() + self.shared.config.task_shutdown_timeout;
        self.give_up(task::stop_all(&tasks, deadline));
        self.metrics.lost_tasks(ids.iter().map(|id| &id.connector));
    }

    fn set_target_state(&self, name: &str, target: TargetState) -> Result<()> {
        let tasks = || {
            for (id, task) in self.tasks.lock().iter() {
                if &*id.connector == name {
                    task.lifecycle.set_target(target);
                }
            }
        };
        match self.handle(name) {
            Some(handle) => handle.set_target_before(target, tasks),
            None => {
                tasks();
                Ok(())
            }
        }
    }

    fn connector_offsets(&self, name: &str, config: &Props) -> Result<Vec<ConnectorOffset>> {
        offsets::list(&self.shared, name, config)
    }

    fn change_offsets(&self, name: &str, config: &Props, change: OffsetsChange) -> Result<OffsetsOutcome> {
        offsets::change(&self.shared, name, config, change)
    }
}

impl Worker {
    fn spawn_connector(
        &self,
        name: &str,
        config: &Props,
        events: Arc<dyn ConnectorEvents>,
        watch: &Arc<FailureWatch>,
    ) -> Result<Arc<ConnectorHandle>> {
        if self.connectors.lock().contains_key(name) {
            return Err(ConnectError::illegal_state(format!("Connector with name {name} already exists")));
        }
        let opened = self.shared.open(LogContext::connector(name), config)?;
        // Wrong keys are told before the plugin sees the configuration.
        let typed = opened.within(|| {
            let props = opened.props.clone();
            match kind_of(&opened.plugin) {
                ConnectorKind::Source => SourceConfig::new(props, &self.shared.config).map(|config| config.common),
                ConnectorKind::Sink => SinkConfig::new(props).map(|config| config.common),
            }
        })?;
        events.values_lapse(name, opened.ttl.filter(|_| typed.reload == ReloadAction::Restart));
        let name: Arc<str> = Arc::from(name);
        let metrics = self.shared.connector_metrics(&name, &opened.plugin);
        let parts = ConnectorParts {
            raw: config.clone(),
            typed,
            events,
            watch: Arc::clone(watch),
            statuses: Arc::clone(&self.shared.statuses),
            worker_id: self.shared.worker_id(),
            offsets: OffsetReader::new(Arc::clone(&name), Arc::clone(&self.shared.offsets)),
            scope: Arc::new(Scope::new(&opened.context, Some(self.shared.plugin_metrics(&name, None)))),
            name,
            opened,
        };
        ConnectorHandle::spawn(parts, metrics).map(Arc::new)
    }
}
