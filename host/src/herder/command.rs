//! The commands a herder's queue carries, and the way their answers go back.

use std::time::Duration;

use tokio::sync::oneshot;

use crate::config::{ConfigInfos, ConfigKeyInfo, Props};
use crate::error::{ConnectError, Result};
use crate::storage::{TargetState, TaskId, TaskStatus};
use crate::telemetry::LogLevel;

use super::model::{ConnectorInfo, ConnectorReport, Put, TaskInfo};
use super::restart::RestartRequest;
use super::stage::StageCell;
use super::work::Lane;
use crate::runtime::{ConnectorOffset, Failure};

/// Where the answer to a command goes. Dropping it unanswered tells the caller that the worker is shutting down.
#[derive(Debug)]
pub(super) struct Reply<T> {
    sender: oneshot::Sender<Result<T>>,
    stage: StageCell,
}

impl<T> Reply<T> {
    /// A reply and the end that waits for it.
    pub(super) fn new() -> (Self, oneshot::Receiver<Result<T>>, StageCell) {
        let (sender, receiver) = oneshot::channel();
        let stage = StageCell::default();
        let reply = Self { sender, stage: stage.clone() };
        (reply, receiver, stage)
    }

    /// Answers. Whoever asked may have given up waiting; that is no one's fault.
    pub(super) fn send(self, answer: Result<T>) {
        let _ = self.sender.send(answer);
    }

    /// Notes what is being done for this request.
    pub(super) fn stage(&self, description: impl Into<String>) {
        self.stage.begin(description);
    }

    /// True if nobody waits for the answer any more.
    pub(super) fn is_abandoned(&self) -> bool {
        self.sender.is_closed()
    }

    /// The cell that holds the step this request is at.
    pub(super) fn stage_cell(&self) -> &StageCell {
        &self.stage
    }
}

/// The error of a command that reaches no herder, or is dropped by one that stops.
pub(super) fn shutting_down() -> ConnectError {
    ConnectError::connect("Worker is shutting down")
}

/// What to do about the offsets of a connector.
#[derive(Debug)]
pub enum OffsetsRequest {
    /// Replace these; not empty.
    Alter(Vec<ConnectorOffset>),
    /// Forget all.
    Reset,
}

/// How a connector's config is to change.
#[derive(Debug)]
pub enum ConfigChange {
    /// A new connector; refused if there is one of that name.
    Create {
        /// The config, with `name` in it.
        config: Props,
        /// What to do first; `None` means run (KIP-980).
        initial: Option<TargetState>,
    },
    /// Create or replace.
    Put(Props),
    /// Change some keys; those with a null value are removed (KIP-477).
    Patch(Props),
}

/// A connector config that has been found valid.
#[derive(Debug)]
pub(super) struct ValidConfig {
    /// The whole config.
    pub config: Props,
    /// Refuse if there is a connector of that name.
    pub create_only: bool,
    /// What to do first; `None` keeps the target of a connector that exists, and starts a new one.
    pub target: Option<TargetState>,
}

/// What goes through a herder's queue.
#[derive(Debug)]
pub(super) enum Command {
    /// Somebody wants to know something.
    Look(Look),
    /// Somebody wants something changed.
    Change(Change),
    /// Something has happened in this worker.
    Event(Event),
    /// Stop everything; the herder is gone after the answer.
    Shutdown(Reply<()>),
}

/// Questions to a herder.
#[derive(Debug)]
pub(super) enum Look {
    /// Is anybody there?
    Health(Reply<()>),
    /// Names of all connectors.
    Connectors(Reply<Vec<String>>),
    /// One connector.
    Connector(String, Reply<ConnectorInfo>),
    /// The tasks of a connector with their configs.
    Tasks(String, Reply<Vec<TaskInfo>>),
    /// The state of a connector and its tasks.
    Status(String, Reply<ConnectorReport>),
    /// The state of a task.
    TaskStatus(TaskId, Reply<TaskStatus>),
    /// The topics a connector has used.
    Topics(String, Reply<Vec<String>>),
    /// The offsets of a connector.
    Offsets(String, Reply<Vec<ConnectorOffset>>),
    /// Check a connector config.
    Validate(Props, Reply<ConfigInfos>),
    /// The config definition of a plugin in a version.
    PluginConfig(String, Option<String>, Reply<Vec<ConfigKeyInfo>>),
}

/// Changes that users ask for.
#[derive(Debug)]
pub(super) enum Change {
    /// Create or change a connector.
    Configure(String, ConfigChange, Reply<Put>),
    /// Delete a connector.
    Delete(String, Reply<()>),
    /// Pause or resume.
    SetTargetState(String, TargetState, Reply<()>),
    /// Stop a connector: its tasks go away, its config stays.
    Stop(String, Reply<()>),
    /// Restart a connector without its tasks.
    RestartConnector(String, Reply<()>),
    /// Restart what the request reaches; answered with the plan.
    Restart(String, RestartRequest, Reply<ConnectorReport>),
    /// Restart one task.
    RestartTask(TaskId, Reply<()>),
    /// Change the offsets of a stopped connector; answered with the sentence for the user.
    Offsets(String, OffsetsRequest, Reply<String>),
    /// Forget the topics a connector has used.
    ResetTopics(String, Reply<()>),
    /// Take the task configs of a connector that another worker has computed.
    PutTaskConfigs(String, Vec<Props>, Reply<()>),
    /// Shut out the producers of earlier tasks of an exactly-once source (KIP-618).
    FenceZombies(String, Reply<()>),
    /// Set the level of a logger and those below it on every worker (KIP-976).
    SetClusterLogLevel(String, LogLevel, Reply<()>),
}

/// News from this worker.
#[derive(Debug)]
pub(super) enum Event {
    /// A config has been found valid and is to be stored and started.
    Valid(String, ValidConfig, Reply<Put>),
    /// A connector wants its task configs computed anew.
    Reconfigure(String),
    /// The values that a connector was started with hold good for so long; `None` = for ever.
    ValuesLapse(String, Option<Duration>),
    /// Something has failed that may have to be restarted.
    Failed(Failure),
    /// A piece of work that was handed to another thread is over.
    WorkDone(Lane),
}

macro_rules! goes_through_the_queue {
    ($($part:ident),*) => {$(
        impl From<$part> for Command {
            fn from(part: $part) -> Self {
                Self::$part(part)
            }
        }
    )*};
}

goes_through_the_queue!(Look, Change, Event);
