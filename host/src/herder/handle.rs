//! The handle through which REST and the start of the worker talk to a herder.
//!
//! Every method but the few that only read what never changes puts a [`Command`] in the herder's queue and waits for the
//! answer. Nothing here knows whether one worker or a group of them is behind the queue.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;
use std::time::Duration;

use crate::config::{ConfigInfos, ConfigKeyInfo, Props};
use crate::error::{ConnectError, Result};
use crate::storage::{TargetState, TaskId, TaskStatus};
use crate::telemetry::LogLevel;

use super::command::{Change, Command, ConfigChange, Look, OffsetsRequest, Reply, shutting_down};
use super::model::{ConnectorInfo, ConnectorReport, Health, Put, TaskInfo};
use super::restart::RestartRequest;
use super::stage::StageCell;
use crate::runtime::{ConnectorOffset, PluginSummary, Runtime, WorkerInfo};

/// How long a request may wait for its herder, as in Kafka Connect.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(90);

/// How long `/health` waits for a sign of life, as in Kafka Connect.
pub const HEALTH_TIMEOUT: Duration = Duration::from_secs(10);

/// Talks to a herder. Cheap to clone; usable from any thread. The async methods need a tokio runtime with a timer.
#[derive(Clone)]
pub struct Handle {
    queue: Sender<Command>,
    runtime: Arc<dyn Runtime>,
    startup: Arc<Startup>,
    request_timeout: Duration,
}

/// How far the worker's start has come.
#[derive(Debug)]
struct Startup {
    ready: AtomicBool,
    stage: StageCell,
}

impl Handle {
    /// A handle to the herder that reads `queue`.
    pub(super) fn new(queue: Sender<Command>, runtime: Arc<dyn Runtime>) -> Self {
        let stage = StageCell::default();
        stage.begin("awaiting startup");
        Self {
            queue,
            runtime,
            startup: Arc::new(Startup { ready: AtomicBool::new(false), stage }),
            request_timeout: REQUEST_TIMEOUT,
        }
    }

    /// The same handle with another time-out for requests.
    #[must_use]
    pub fn with_request_timeout(mut self, timeout: Duration) -> Self {
        self.request_timeout = timeout;
        self
    }

    /// Says what the worker is doing at its start, for example `connecting to Kafka`; `/health` shows it until the worker
    /// is ready.
    pub fn set_startup_stage(&self, description: impl Into<String>) {
        self.startup.stage.begin(description);
    }

    /// Says that the worker has done all it does at its start; `/health` turns healthy.
    pub fn set_ready(&self) {
        self.startup.ready.store(true, Ordering::Release);
        self.startup.stage.complete();
    }

    /// Who this worker is.
    pub fn info(&self) -> WorkerInfo {
        self.runtime.info()
    }

    /// All plugins that REST lists, in its order.
    pub fn plugins(&self) -> Vec<PluginSummary> {
        self.runtime.plugins()
    }

    /// Whether the worker is up and its herder answers (KIP-1017).
    pub async fn health(&self) -> Health {
        if !self.startup.ready.load(Ordering::Acquire) {
            return Health::Starting(self.startup.stage.summary());
        }
        let (reply, receiver, stage) = Reply::new();
        if self.queue.send(Look::Health(reply).into()).is_err() {
            return Health::Unhealthy(None);
        }
        match tokio::time::timeout(HEALTH_TIMEOUT, receiver).await {
            Ok(Ok(Ok(()))) => Health::Healthy,
            _ => Health::Unhealthy(stage.summary()),
        }
    }

    /// Names of all connectors.
    pub async fn connectors(&self) -> Result<Vec<String>> {
        self.call(Look::Connectors).await
    }

    /// One connector. Not found: `Connector X not found`.
    pub async fn connector(&self, name: &str) -> Result<ConnectorInfo> {
        self.call(|reply| Look::Connector(name.to_owned(), reply)).await
    }

    /// The tasks of a connector with their configs.
    pub async fn tasks(&self, name: &str) -> Result<Vec<TaskInfo>> {
        self.call(|reply| Look::Tasks(name.to_owned(), reply)).await
    }

    /// The state of a connector and its tasks.
    pub async fn status(&self, name: &str) -> Result<ConnectorReport> {
        self.call(|reply| Look::Status(name.to_owned(), reply)).await
    }

    /// The state of a task.
    pub async fn task_status(&self, id: TaskId) -> Result<TaskStatus> {
        self.call(|reply| Look::TaskStatus(id, reply)).await
    }

    /// The topics a connector has used since it was created or last reset (KIP-558); empty for an unknown one.
    pub async fn topics(&self, name: &str) -> Result<Vec<String>> {
        self.call(|reply| Look::Topics(name.to_owned(), reply)).await
    }

    /// Forgets the topics a connector has used.
    pub async fn reset_topics(&self, name: &str) -> Result<()> {
        self.call(|reply| Change::ResetTopics(name.to_owned(), reply)).await
    }

    /// Creates or changes a connector; its tasks exist when the answer comes.
    ///
    /// Errors: bad request (the config is invalid), already exists, not found (to patch), or why the connector did not
    /// start.
    pub async fn configure(&self, name: &str, change: ConfigChange) -> Result<Put> {
        self.call(|reply| Change::Configure(name.to_owned(), change, reply)).await
    }

    /// As [`configure`](Self::configure), for the start of the worker. Blocks; not for async threads.
    pub fn configure_blocking(&self, name: &str, change: ConfigChange) -> Result<Put> {
        self.call_blocking(|reply| Change::Configure(name.to_owned(), change, reply))
    }

    /// Deletes a connector.
    pub async fn delete(&self, name: &str) -> Result<()> {
        self.call(|reply| Change::Delete(name.to_owned(), reply)).await
    }

    /// Pauses or resumes a connector. The answer comes before the change has taken effect.
    pub async fn set_target_state(&self, name: &str, target: TargetState) -> Result<()> {
        self.call(|reply| Change::SetTargetState(name.to_owned(), target, reply)).await
    }

    /// Stops a connector: its tasks are gone when the answer comes, its config stays (KIP-875).
    pub async fn stop(&self, name: &str) -> Result<()> {
        self.call(|reply| Change::Stop(name.to_owned(), reply)).await
    }

    /// Restarts a connector without its tasks.
    pub async fn restart_connector(&self, name: &str) -> Result<()> {
        self.call(|reply| Change::RestartConnector(name.to_owned(), reply)).await
    }

    /// Restarts what the request reaches (KIP-745); answers with the plan.
    pub async fn restart(&self, name: &str, request: RestartRequest) -> Result<ConnectorReport> {
        self.call(|reply| Change::Restart(name.to_owned(), request, reply)).await
    }

    /// Restarts one task.
    pub async fn restart_task(&self, id: TaskId) -> Result<()> {
        self.call(|reply| Change::RestartTask(id, reply)).await
    }

    /// The offsets of a connector.
    pub async fn offsets(&self, name: &str) -> Result<Vec<ConnectorOffset>> {
        self.call(|reply| Look::Offsets(name.to_owned(), reply)).await
    }

    /// Changes the offsets of a stopped connector; answers with a sentence for the user.
    pub async fn change_offsets(&self, name: &str, request: OffsetsRequest) -> Result<String> {
        self.call(|reply| Change::Offsets(name.to_owned(), request, reply)).await
    }

    /// Checks a connector config.
    pub async fn validate(&self, config: Props) -> Result<ConfigInfos> {
        self.call(|reply| Look::Validate(config, reply)).await
    }

    /// The config definition of a plugin; no version means the latest.
    pub async fn plugin_config(&self, plugin: &str, version: Option<String>) -> Result<Vec<ConfigKeyInfo>> {
        self.call(|reply| Look::PluginConfig(plugin.to_owned(), version, reply)).await
    }

    /// Takes the task configs of a connector that another worker of the group has computed. A worker on its own refuses.
    pub async fn put_task_configs(&self, name: &str, configs: Vec<Props>) -> Result<()> {
        self.call(|reply| Change::PutTaskConfigs(name.to_owned(), configs, reply)).await
    }

    /// Shuts out the producers of earlier tasks of an exactly-once source (KIP-618). A worker on its own refuses.
    pub async fn fence_zombies(&self, name: &str) -> Result<()> {
        self.call(|reply| Change::FenceZombies(name.to_owned(), reply)).await
    }

    /// Sets the level of a logger and those below it on every worker (KIP-976).
    pub async fn set_cluster_log_level(&self, logger: &str, level: LogLevel) -> Result<()> {
        self.call(|reply| Change::SetClusterLogLevel(logger.to_owned(), level, reply)).await
    }

    /// Stops all connectors and tasks within their graceful time-outs, then the herder. Blocks; not for async threads.
    pub fn shutdown(&self) {
        // An error means that the herder is gone already, which is what was asked for.
        let _ = self.call_blocking(Command::Shutdown);
    }

    async fn call<T, C: Into<Command>>(&self, command: impl FnOnce(Reply<T>) -> C) -> Result<T> {
        let (reply, receiver, stage) = Reply::new();
        self.queue.send(command(reply).into()).map_err(|_| shutting_down())?;
        match tokio::time::timeout(self.request_timeout, receiver).await {
            Ok(answer) => answer.unwrap_or_else(|_| Err(shutting_down())),
            Err(_) => Err(timed_out(&stage)),
        }
    }

    fn call_blocking<T, C: Into<Command>>(&self, command: impl FnOnce(Reply<T>) -> C) -> Result<T> {
        let (reply, receiver, _) = Reply::new();
        self.queue.send(command(reply).into()).map_err(|_| shutting_down())?;
        receiver.blocking_recv().unwrap_or_else(|_| Err(shutting_down()))
    }
}

fn timed_out(stage: &StageCell) -> ConnectError {
    let text = match stage.summary() {
        Some(summary) => format!("Request timed out. {summary}"),
        None => "Request timed out".to_owned(),
    };
    ConnectError::rest(500, text)
}
