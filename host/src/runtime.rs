//! What a herder asks of the worker that runs connectors and tasks in this process.
//!
//! The herder decides *what* runs; the [`Runtime`] runs it. This contract belongs to neither: the worker must not know its
//! herder, and a herder knows of the worker only this, so that it can be tested without plugins and without Kafka.
//!
//! Statuses do not pass through here: the worker writes RUNNING, PAUSED, STOPPED, FAILED and UNASSIGNED into the status
//! store itself, the herder writes RESTARTING and removes what was deleted.

use std::sync::Arc;
use std::time::Duration;

use crate::config::{ConfigInfos, ConfigKeyInfo, ConnectorKind, PluginKind, Props, RestartPolicy};
use crate::error::{ConnectError, Result};
use crate::storage::{OffsetMap, TargetState, TaskId};

/// What `GET /` and the status records say about this worker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkerInfo {
    /// Advertised `host:port`, the `worker_id` of statuses.
    pub worker_id: String,
    /// Version of Kafka Connect that this worker stands in for, as clients expect it.
    pub version: String,
    /// Which build this is: `ferroconnect-VERSION`, and the commit behind it where the build could tell.
    pub commit: String,
    /// `None` until a broker has been reached.
    pub kafka_cluster_id: Option<String>,
}

/// One entry of `GET /connector-plugins`. Each installed version of a plugin is an entry of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PluginSummary {
    /// Full class name.
    pub class: String,
    /// What the plugin is.
    pub kind: PluginKind,
    /// `None` when the plugin says nothing about its version.
    pub version: Option<String>,
}

/// One entry of the `offsets` array of REST (KIP-875).
#[derive(Debug, Clone, PartialEq)]
pub struct ConnectorOffset {
    /// `None` only in requests: clients may send null, and it is the connector who refuses it.
    pub partition: Option<OffsetMap>,
    /// `None` stands for no offset; in a request it resets the partition.
    pub offset: Option<OffsetMap>,
}

/// An offset of a sink connector as a request names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SinkOffset {
    /// Kafka topic.
    pub topic: String,
    /// Kafka partition.
    pub partition: i32,
    /// The offset to go on from; `None` removes the group's committed offset.
    pub offset: Option<i64>,
}

/// A change of the offsets of a stopped connector (KIP-875). Each partition occurs once.
#[derive(Debug, Clone, PartialEq)]
pub enum OffsetsChange {
    /// Replace the offsets of these source partitions.
    AlterSource(Vec<ConnectorOffset>),
    /// Replace the committed offsets of the connector's consumer group.
    AlterSink(Vec<SinkOffset>),
    /// Forget all offsets of the connector.
    Reset,
}

/// Who took part in an offsets change; REST words its answer after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OffsetsOutcome {
    /// The plugin said that it has handled the change.
    HandledByPlugin,
    /// Only the offsets that the framework keeps were changed.
    FrameworkOnly,
}

/// A connector, without its tasks, or one of its tasks.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Part {
    /// The connector itself, by name.
    Connector(Arc<str>),
    /// A task of it.
    Task(TaskId),
}

impl Part {
    /// The connector that it is, or belongs to.
    pub fn connector(&self) -> &str {
        match self {
            Self::Connector(name) => name,
            Self::Task(id) => &id.connector,
        }
    }
}

impl std::fmt::Display for Part {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Connector(name) => write!(f, "connector {name}"),
            Self::Task(id) => write!(f, "task {id}"),
        }
    }
}

/// A failure of a part whose configuration asks for automatic restarts.
#[derive(Debug, Clone)]
pub struct Failure {
    /// What has failed.
    pub part: Part,
    /// Why.
    pub error: ConnectError,
    /// How long it had been running; zero if it never was.
    pub ran_for: Duration,
    /// How its connector wants it to be restarted.
    pub policy: RestartPolicy,
}

/// What a running connector and its tasks tell their herder. Called from their own threads; returns at once.
pub trait ConnectorEvents: Send + Sync {
    /// The connector wants its task configs to be computed anew.
    fn request_task_reconfiguration(&self, connector: &str);

    /// The connector was just started with values of config providers that hold good for so long; then it is to be
    /// started anew. `None` = for ever, or `config.action.reload` says that nothing is to be done.
    fn values_lapse(&self, connector: &str, after: Option<Duration>);

    /// A part has failed, and its status says so. Not called for parts without a [`RestartPolicy`], nor for those that
    /// were given up because they hang.
    fn failed(&self, failure: Failure);
}

/// What a herder asks of the worker that runs connectors and tasks in this process.
///
/// Calls that say *returns at once* may come from any thread at any time. All others may block; the herder makes them
/// from threads of its own, never from an async one. Of those that start, stop or change something it makes at most one
/// per connector at a time; calls for different connectors, and calls that only look, run side by side.
///
/// Configs are passed as the user wrote them. The runtime resolves `${provider:path:key}` where it uses them, so that
/// resolved secrets never reach the herder or its stores.
pub trait Runtime: Send + Sync + 'static {
    /// Who this worker is. Returns at once, also while no broker can be reached.
    fn info(&self) -> WorkerInfo;

    /// All plugins that REST lists, in its order: sinks, sources, transformations, predicates, converters, header
    /// converters; within a kind by class and version. Returns at once.
    fn plugins(&self) -> Vec<PluginSummary>;

    /// The config definition of a plugin, named by class or alias. `version` is a version range as in Maven; `None`
    /// means the latest.
    ///
    /// Errors: not found (`Unknown plugin X.`), bad request (no kind that has a definition; bad or absent version).
    fn plugin_config(&self, plugin: &str, version: Option<&str>) -> Result<Vec<ConfigKeyInfo>>;

    /// Which way the connector class of this config moves records; `None` when the class is missing or unknown.
    /// Returns at once.
    fn connector_kind(&self, config: &Props) -> Option<ConnectorKind>;

    /// Checks a connector config with the framework's, the plugin's and the converters' definitions and the client
    /// override policy. Findings are part of the answer; an error means that the check could not be made (bad request
    /// when the connector class is missing or unknown).
    fn validate(&self, config: &Props) -> Result<ConfigInfos>;

    /// Starts a connector on a thread of its own and waits until it has reached `target` (at most 90 s).
    ///
    /// On error the connector is FAILED and still known by name until [`stop_connector`](Self::stop_connector).
    fn start_connector(
        &self,
        name: &str,
        config: Props,
        target: TargetState,
        events: Arc<dyn ConnectorEvents>,
    ) -> Result<()>;

    /// Makes a [`start_connector`](Self::start_connector), [`set_target_state`](Self::set_target_state) or
    /// [`task_configs`](Self::task_configs) that waits for this connector return with an error within 5 s, whatever its
    /// plugin does, because a later command makes it pointless. Does nothing if none is waiting. Returns at once.
    fn abandon_start(&self, name: &str);

    /// True while the connector exists here and is started. Returns at once.
    fn is_running(&self, name: &str) -> bool;

    /// Asks a running connector for its task configs; adds `task.class` and, for sinks, `topics` and `topics.regex`.
    ///
    /// Too many tasks are a warning or, with `tasks.max.enforce`, an error that also makes the connector FAILED
    /// (KIP-1004).
    fn task_configs(&self, name: &str) -> Result<Vec<Props>>;

    /// True if a task of this connector runs with other values of config providers than the connector was started with,
    /// as after a password was changed. Returns at once.
    fn has_outdated_tasks(&self, name: &str) -> bool;

    /// Stops a connector and forgets it; does nothing if there is none. Given up after 5 s: the thread is abandoned,
    /// counted, and can no longer write statuses. False = it was given up.
    fn stop_connector(&self, name: &str) -> bool;

    /// Starts one task on a thread of its own, without waiting for the plugin's start.
    ///
    /// On error the task is FAILED in the status store.
    fn start_task(
        &self,
        id: &TaskId,
        connector: Props,
        task: Props,
        target: TargetState,
        events: Arc<dyn ConnectorEvents>,
    ) -> Result<()>;

    /// Stops tasks side by side and waits for all, at most `task.shutdown.graceful.timeout.ms` together. Later ones are
    /// abandoned, counted, and can no longer write statuses. Ignores tasks that do not run here.
    fn stop_tasks(&self, ids: &[TaskId]);

    /// Moves a connector and its tasks to a target state and waits for the connector (at most 90 s). Does nothing if
    /// there is no such connector here.
    fn set_target_state(&self, name: &str, target: TargetState) -> Result<()>;

    /// The offsets of a connector: source offsets from the offset store, or what the sink's consumer group has
    /// committed.
    fn connector_offsets(&self, name: &str, config: &Props) -> Result<Vec<ConnectorOffset>>;

    /// Changes the offsets of a connector that has no running tasks; asks the plugin first. Done within 90 s or an
    /// error.
    fn change_offsets(&self, name: &str, config: &Props, change: OffsetsChange) -> Result<OffsetsOutcome>;
}
