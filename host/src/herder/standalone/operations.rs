//! What a standalone herder does for each command. Runs on the lanes' threads and may block, unless noted otherwise.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::Mutex;

use crate::config::{ConfigInfos, ConnectorKind, Props};
use crate::error::{ConnectError, Result};
use crate::storage::{
    ConfigStore, ConnectorState, ConnectorStatus, StatusStore, StoredConnector, TargetState, TaskId, TaskState,
    TaskStatus,
};

use crate::herder::command::{ConfigChange, OffsetsRequest, Reply, ValidConfig, shutting_down};
use crate::herder::model::{ConnectorInfo, ConnectorReport, Put, TaskInfo};
use crate::herder::restart::{RestartPlan, RestartRequest};
use crate::herder::stage::StageCell;
use crate::herder::{offsets, patch, task_configs};
use crate::runtime::{ConnectorEvents, ConnectorOffset, OffsetsChange, Part, Runtime};

const CLASS: &str = "connector.class";

/// How long the answer to a change waits for new tasks to say how they do. A task that takes longer is not waited for.
const FIRST_REPORTS: Duration = Duration::from_millis(500);

/// The generation in statuses of a worker without a group.
const GENERATION: i32 = 0;

/// The class a config names; empty if none.
pub(super) fn class_of(config: &Props) -> &str {
    config.get(CLASS).unwrap_or_default()
}

pub(super) struct Operations {
    pub(super) runtime: Arc<dyn Runtime>,
    configs: Arc<dyn ConfigStore>,
    statuses: Arc<dyn StatusStore>,
    events: Arc<dyn ConnectorEvents>,
    /// Set once the worker stops: nothing is started any more.
    pub(super) stopping: AtomicBool,
    /// Connectors whose request for new task configs waits to be served. One service serves all.
    reconfigurations: Mutex<HashSet<String>>,
}

/// Reads from the stores; none of these blocks.
impl Operations {
    pub(super) fn new(
        runtime: Arc<dyn Runtime>,
        configs: Arc<dyn ConfigStore>,
        statuses: Arc<dyn StatusStore>,
        events: Arc<dyn ConnectorEvents>,
    ) -> Self {
        let (stopping, reconfigurations) = Default::default();
        Self { runtime, configs, statuses, events, stopping, reconfigurations }
    }

    pub(super) fn names(&self) -> Vec<String> {
        self.configs.snapshot().keys().map(|name| name.to_string()).collect()
    }

    pub(super) fn info(&self, name: &str) -> Result<ConnectorInfo> {
        let stored = self.stored(name)?;
        Ok(ConnectorInfo {
            name: name.to_owned(),
            tasks: task_ids(name, &stored),
            kind: self.runtime.connector_kind(&stored.config),
            config: stored.config.clone(),
        })
    }

    pub(super) fn tasks(&self, name: &str) -> Result<Vec<TaskInfo>> {
        let stored = self.stored(name)?;
        let ids = task_ids(name, &stored).into_iter();
        Ok(ids.zip(&stored.tasks).map(|(id, config)| TaskInfo { id, config: config.clone() }).collect())
    }

    pub(super) fn status(&self, name: &str) -> Result<ConnectorReport> {
        let Some(connector) = self.statuses.connector(name) else {
            return Err(ConnectError::not_found(format!("No status found for connector {name}")));
        };
        let stored = self.configs.connector(name);
        Ok(ConnectorReport {
            name: name.to_owned(),
            connector,
            tasks: self.statuses.tasks(name),
            kind: stored.and_then(|stored| self.runtime.connector_kind(&stored.config)),
        })
    }

    pub(super) fn task_status(&self, id: &TaskId) -> Result<TaskStatus> {
        let status = self.statuses.task(id);
        status.ok_or_else(|| ConnectError::not_found(format!("No status found for task {id}")))
    }

    pub(super) fn topics(&self, name: &str) -> Vec<String> {
        self.statuses.topics(name).into_iter().map(|status| status.topic).collect()
    }

    pub(super) fn reset_topics(&self, name: &str) -> Result<()> {
        self.statuses.topics(name).iter().try_for_each(|status| self.statuses.remove_topic(name, &status.topic))
    }

    /// The class whose code a change of config will call.
    pub(super) fn class_for(&self, name: &str, change: &ConfigChange) -> String {
        let (ConfigChange::Create { config, .. } | ConfigChange::Put(config) | ConfigChange::Patch(config)) = change;
        match (config.get(CLASS), self.configs.connector(name)) {
            (None, Some(stored)) => class_of(&stored.config).to_owned(),
            (class, _) => class.unwrap_or_default().to_owned(),
        }
    }

    fn stored(&self, name: &str) -> Result<Arc<StoredConnector>> {
        let stored = self.configs.connector(name);
        stored.ok_or_else(|| ConnectError::not_found(format!("Connector {name} not found")))
    }
}

/// Changes of one connector.
impl Operations {
    pub(super) fn validate(&self, config: &Props, stage: &StageCell) -> Result<ConfigInfos> {
        stage.begin("validating connector configuration");
        self.runtime.validate(config)
    }

    /// Works out the whole config that a change leads to, and checks it.
    pub(super) fn check(&self, name: &str, change: ConfigChange, stage: &StageCell) -> Result<ValidConfig> {
        let valid = match change {
            ConfigChange::Create { config, initial } => ValidConfig { config, create_only: true, target: initial },
            ConfigChange::Put(config) => ValidConfig { config, create_only: false, target: None },
            ConfigChange::Patch(patch) => {
                let config = patch::apply(&self.stored(name)?.config, patch);
                ValidConfig { config, create_only: false, target: None }
            }
        };
        let infos = self.validate(&valid.config, stage)?;
        if !infos.hints.is_empty() {
            tracing::warn!("Configuration of connector {}: {}", name.escape_debug(), infos.hints.join("; "));
        }
        match infos.refusal() {
            Some(refusal) => Err(refusal),
            None => Ok(valid),
        }
    }

    pub(super) fn apply(&self, name: &str, valid: ValidConfig, stage: &StageCell) -> Result<Put> {
        let created = self.configs.connector(name).is_none();
        if !created {
            if valid.create_only {
                return Err(ConnectError::already_exists(format!("Connector {name} already exists")));
            }
            stage.begin(format!("stopping connector {name}"));
            self.runtime.stop_connector(name);
        }
        self.configs.put_connector(name, valid.config, valid.target)?;
        self.start_connector(name, stage)?;
        self.update_tasks(name, stage)?;
        Ok(Put { created, info: self.info(name)? })
    }

    pub(super) fn delete(&self, name: &str, stage: &StageCell) -> Result<()> {
        let stored = self.stored(name)?;
        self.remove_tasks(name, &stored, stage)?;
        stage.begin(format!("stopping connector {name}"));
        self.runtime.stop_connector(name);
        self.configs.remove_connector(name)?;
        self.reset_topics(name)?;
        for (id, _) in self.statuses.tasks(name) {
            self.put_task_state(&id, TaskState::Destroyed)?;
        }
        self.put_connector_state(name, ConnectorState::Destroyed)
    }

    /// Stores what the user wants; true if it is something new. Does not block.
    pub(super) fn set_target(&self, name: &str, target: TargetState) -> Result<bool> {
        let Some(stored) = self.configs.connector(name) else {
            return Err(ConnectError::not_found(format!("Unknown connector {name}")));
        };
        self.configs.put_target(name, target)?;
        Ok(stored.target != target)
    }

    /// Brings a connector to its target state.
    pub(super) fn reach_target(&self, name: &str) -> Result<()> {
        self.ensure_running()?;
        // It may have been deleted since.
        let Some(stored) = self.configs.connector(name) else { return Ok(()) };
        self.runtime.set_target_state(name, stored.target)?;
        self.update_tasks(name, &StageCell::default())
    }

    /// Stores that a connector is to be stopped; true if it was not. Does not block.
    pub(super) fn note_stop(&self, name: &str) -> Result<bool> {
        let Some(stored) = self.configs.connector(name) else {
            // In a worker of its own Kafka Connect answers 500 here, other than for pause and resume.
            return Err(ConnectError::illegal_state(format!("No connector `{name}` configured")));
        };
        self.configs.put_target(name, TargetState::Stopped)?;
        Ok(stored.target != TargetState::Stopped)
    }

    /// Stops a connector whose target says so. It may have been deleted since.
    pub(super) fn stop(&self, name: &str, changed: bool, reply: Reply<()>) {
        let stored = self.configs.connector(name);
        let removed = stored.map_or(Ok(()), |stored| self.remove_tasks(name, &stored, reply.stage_cell()));
        let done = removed.is_ok();
        reply.send(removed);
        if done
            && changed
            && let Err(error) = self.runtime.set_target_state(name, TargetState::Stopped)
        {
            tracing::error!(
                "Failed to transition connector {name} to target state STOPPED: {}",
                error.trace().trim_end()
            );
        }
    }

    pub(super) fn restart_connector(&self, name: &str, stage: &StageCell) -> Result<()> {
        // Kafka Connect's standalone worker answers with the text of a null pointer.
        self.stored(name)?;
        stage.begin(format!("stopping connector {name}"));
        self.runtime.stop_connector(name);
        self.start_connector(name, stage)?;
        self.update_tasks(name, stage)
    }

    /// Starts a connector anew whose values of config providers have lapsed.
    pub(super) fn reload(&self, name: &str) -> Result<()> {
        // It may have been deleted since.
        if self.configs.connector(name).is_none() {
            return Ok(());
        }
        tracing::info!("Restarting connector {name}: values of its config providers have lapsed");
        self.restart_connector(name, &StageCell::default())
    }

    /// True if a connector has this very config. Does not block.
    pub(super) fn has_config(&self, name: &str, config: &Props) -> bool {
        self.configs.connector(name).is_some_and(|stored| stored.config == *config)
    }

    /// True if a connector exists and is meant to run. Does not block.
    pub(super) fn should_run(&self, name: &str) -> bool {
        self.configs.connector(name).is_some_and(|stored| stored.target == TargetState::Started)
    }

    /// Starts a failed connector or task anew. It may have been restarted, paused, stopped or deleted since it failed.
    pub(super) fn restart_automatically(&self, part: &Part) -> Result<()> {
        let name = part.connector();
        if !self.should_run(name) || !self.has_failed(part) {
            return Ok(());
        }
        match part {
            Part::Connector(_) => {
                if !self.runtime.stop_connector(name) {
                    return Err(ConnectError::connect(
                        "It is not restarted automatically, as it would run beside its thread that hangs",
                    ));
                }
                self.put_connector_state(name, ConnectorState::Restarting)?;
                self.start_connector(name, &StageCell::default())?;
                self.update_tasks(name, &StageCell::default())
            }
            Part::Task(id) => {
                self.runtime.stop_tasks(std::slice::from_ref(id));
                self.put_task_state(id, TaskState::Restarting)?;
                self.start_task(id, &*self.stored(name)?)
            }
        }
    }

    fn has_failed(&self, part: &Part) -> bool {
        match part {
            Part::Connector(name) => {
                self.statuses.connector(name).is_some_and(|status| status.state == ConnectorState::Failed)
            }
            Part::Task(id) => self.statuses.task(id).is_some_and(|status| status.state == TaskState::Failed),
        }
    }

    /// Answers with the plan once everything is stopped; the starts follow (KIP-745).
    pub(super) fn restart(&self, name: &str, request: RestartRequest, reply: Reply<ConnectorReport>) {
        let stage = reply.stage_cell().clone();
        match self.stop_for_restart(name, request, &stage) {
            Ok(plan) => {
                reply.send(Ok(plan.report.clone()));
                if let Err(error) = self.start_again(name, &plan, &stage) {
                    tracing::error!("Connector '{name}' restart failed: {}", error.trace().trim_end());
                }
            }
            Err(error) => reply.send(Err(error)),
        }
    }

    fn stop_for_restart(&self, name: &str, request: RestartRequest, stage: &StageCell) -> Result<RestartPlan> {
        if self.configs.connector(name).is_none() {
            return Err(ConnectError::not_found(format!("Unknown connector: {name}")));
        }
        let report =
            self.status(name).map_err(|_| ConnectError::not_found(format!("Status for connector {name} not found")))?;
        let plan = RestartPlan::new(request, report);
        stage.begin(format!("handling restart request for connector {name}"));
        if plan.restarts_connector() {
            self.runtime.stop_connector(name);
            self.put_connector_state(name, ConnectorState::Restarting)?;
        }
        let tasks = plan.tasks();
        if !tasks.is_empty() {
            self.runtime.stop_tasks(&tasks);
        }
        tasks.iter().try_for_each(|id| self.put_task_state(id, TaskState::Restarting))?;
        Ok(plan)
    }

    fn start_again(&self, name: &str, plan: &RestartPlan, stage: &StageCell) -> Result<()> {
        let started = match plan.restarts_connector() {
            true => self.start_connector(name, stage),
            false => Ok(()),
        };
        // Tasks have their configs already and do not depend on the connector's start.
        let stored = self.stored(name)?;
        for id in plan.tasks() {
            self.start_task(&id, &stored)?;
        }
        started
    }

    pub(super) fn restart_task(&self, id: &TaskId, stage: &StageCell) -> Result<()> {
        // Kafka Connect's standalone worker goes on without the connector and fails later.
        let stored = self.stored(&id.connector)?;
        if task_config(id, &stored).is_none() {
            return Err(ConnectError::not_found(format!("Task {id} not found")));
        }
        stage.begin(format!("restarting task {id}"));
        self.runtime.stop_tasks(std::slice::from_ref(id));
        self.try_start_task(id, &stored)
            .map_err(|error| ConnectError::connect(format!("Failed to start task: {id}")).caused_by(error))
    }

    /// Notes that a connector wants new task configs; false if the last such request has not been served yet. Does not
    /// block.
    pub(super) fn note_reconfiguration(&self, name: &str) -> bool {
        self.reconfigurations.lock().insert(name.to_owned())
    }

    pub(super) fn reconfigure(&self, name: &str) -> Result<()> {
        self.reconfigurations.lock().remove(name);
        self.update_tasks(name, &StageCell::default())
    }

    fn start_connector(&self, name: &str, stage: &StageCell) -> Result<()> {
        self.ensure_running()?;
        let stored = self.stored(name)?;
        stage.begin("starting the connector");
        self.runtime.start_connector(name, stored.config.clone(), stored.target, Arc::clone(&self.events))
    }

    /// Asks a running connector for its tasks and, if they differ from those there are, replaces them all.
    fn update_tasks(&self, name: &str, stage: &StageCell) -> Result<()> {
        let Some(stored) = self.configs.connector(name) else { return Ok(()) };
        if !self.runtime.is_running(name) {
            tracing::info!("Skipping update of tasks for connector {name} since it is not running");
            return Ok(());
        }
        if stored.target != TargetState::Started {
            tracing::info!("Skipping update of tasks for connector {name} since its target state is {}", stored.target);
            return Ok(());
        }
        stage.begin(format!("generating task configs for connector {name}"));
        let generated = self.runtime.task_configs(name)?;
        let generated = task_configs::with_variables_restored(&stored.config, generated);
        if !task_configs::changed(&stored, &generated) && !self.runtime.has_outdated_tasks(name) {
            return Ok(());
        }
        self.remove_tasks(name, &stored, stage)?;
        self.configs.put_tasks(name, generated)?;
        let stored = self.stored(name)?;
        let ids = task_ids(name, &stored);
        ids.iter().try_for_each(|id| self.start_task(id, &stored))?;
        // Most tasks report within moments. Waiting for that lets a client that asks next see all of them.
        self.statuses.await_tasks(&ids, FIRST_REPORTS);
        Ok(())
    }

    fn remove_tasks(&self, name: &str, stored: &StoredConnector, stage: &StageCell) -> Result<()> {
        let ids = task_ids(name, stored);
        if ids.is_empty() {
            return Ok(());
        }
        stage.begin(format!("stopping {} tasks of connector {name}", ids.len()));
        self.runtime.stop_tasks(&ids);
        self.configs.remove_tasks(name)?;
        ids.iter().try_for_each(|id| self.put_task_state(id, TaskState::Destroyed))
    }

    /// Starts a task whose failure is nobody's but its own: its status says what happened.
    fn start_task(&self, id: &TaskId, stored: &StoredConnector) -> Result<()> {
        self.ensure_running()?;
        if let Err(error) = self.try_start_task(id, stored) {
            tracing::error!("Failed to start task {id}: {}", error.trace().trim_end());
        }
        Ok(())
    }

    fn try_start_task(&self, id: &TaskId, stored: &StoredConnector) -> Result<()> {
        self.ensure_running()?;
        let Some(task) = task_config(id, stored) else {
            return Err(ConnectError::not_found(format!("Task {id} not found")));
        };
        // The target may have changed since `stored` was read; the change itself is applied later on this lane.
        let events = Arc::clone(&self.events);
        self.runtime.start_task(id, stored.config.clone(), task.clone(), stored.target, events)
    }

    fn put_task_state(&self, id: &TaskId, state: TaskState) -> Result<()> {
        let version = self.statuses.task(id).and_then(|status| status.version);
        let worker_id = self.runtime.info().worker_id;
        self.statuses.put_task(id, TaskStatus::new(state, worker_id, GENERATION).with_version(version))
    }

    fn put_connector_state(&self, name: &str, state: ConnectorState) -> Result<()> {
        let version = self.statuses.connector(name).and_then(|status| status.version);
        let worker_id = self.runtime.info().worker_id;
        self.statuses.put_connector(name, ConnectorStatus::new(state, worker_id, GENERATION).with_version(version))
    }

    fn ensure_running(&self) -> Result<()> {
        if self.stopping.load(Ordering::Acquire) { Err(shutting_down()) } else { Ok(()) }
    }
}

/// Offsets, and the end of it all.
impl Operations {
    pub(super) fn offsets(&self, name: &str) -> Result<Vec<ConnectorOffset>> {
        let stored = self.stored(name)?;
        self.runtime.connector_offsets(name, &stored.config)
    }

    /// Changes the offsets of a stopped connector (KIP-875).
    pub(super) fn change_offsets(&self, name: &str, request: OffsetsRequest, stage: &StageCell) -> Result<String> {
        let stored = self.stored(name)?;
        if stored.target != TargetState::Stopped || !stored.tasks.is_empty() {
            return Err(ConnectError::bad_request(format!(
                "Connectors must be in the STOPPED state before their offsets can be modified. This can be done for the \
                 specified connector by issuing a 'PUT' request to the '/connectors/{name}/stop' endpoint"
            )));
        }
        let (change, verb) = match request {
            OffsetsRequest::Reset => (OffsetsChange::Reset, "reset"),
            OffsetsRequest::Alter(entries) => {
                let change = match self.runtime.connector_kind(&stored.config) {
                    Some(ConnectorKind::Sink) => OffsetsChange::AlterSink(offsets::parse_sink_offsets(&entries)?),
                    Some(ConnectorKind::Source) | None => {
                        OffsetsChange::AlterSource(offsets::last_per_partition(entries))
                    }
                };
                (change, "altered")
            }
        };
        stage.begin(format!("modifying offsets for connector {name}"));
        let outcome = self.runtime.change_offsets(name, &stored.config, change)?;
        Ok(offsets::outcome_message(outcome, verb))
    }

    /// Stops all tasks together, then all connectors side by side.
    pub(super) fn stop_all(&self) {
        let connectors = self.configs.snapshot();
        let tasks: Vec<TaskId> = connectors.iter().flat_map(|(name, stored)| task_ids(name, stored)).collect();
        if !tasks.is_empty() {
            self.runtime.stop_tasks(&tasks);
        }
        std::thread::scope(|scope| {
            for name in connectors.keys() {
                scope.spawn(|| self.runtime.stop_connector(name));
            }
        });
    }
}

fn task_ids(name: &str, stored: &StoredConnector) -> Vec<TaskId> {
    let name: Arc<str> = name.into();
    (0..).zip(&stored.tasks).map(|(number, _)| TaskId::new(Arc::clone(&name), number)).collect()
}

fn task_config<'a>(id: &TaskId, stored: &'a StoredConnector) -> Option<&'a Props> {
    stored.tasks.get(usize::try_from(id.task).ok()?)
}
