//! What a herder answers: connectors, their tasks and states, as values without any wire format.

use crate::config::{ConnectorKind, Props};
use crate::storage::{ConnectorStatus, TaskId, TaskStatus};

/// A connector as its user set it up.
#[derive(Debug, Clone, PartialEq)]
pub struct ConnectorInfo {
    /// Name of the connector.
    pub name: String,
    /// Its config as the user wrote it.
    pub config: Props,
    /// Its tasks, by number.
    pub tasks: Vec<TaskId>,
    /// `None` when the class cannot be found (any more).
    pub kind: Option<ConnectorKind>,
}

/// The answer to putting a config.
#[derive(Debug, Clone, PartialEq)]
pub struct Put {
    /// False if the connector existed before.
    pub created: bool,
    /// The connector as it is now.
    pub info: ConnectorInfo,
}

/// One task with its config as stored, variables unresolved.
#[derive(Debug, Clone, PartialEq)]
pub struct TaskInfo {
    /// Which task.
    pub id: TaskId,
    /// Its config.
    pub config: Props,
}

/// The state of a connector and its tasks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectorReport {
    /// Name of the connector.
    pub name: String,
    /// What is known about the connector itself.
    pub connector: ConnectorStatus,
    /// What is known about its tasks, by number.
    pub tasks: Vec<(TaskId, TaskStatus)>,
    /// `None` when the class cannot be found (any more).
    pub kind: Option<ConnectorKind>,
}

/// Whether the worker can do its work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Health {
    /// Started up and answering.
    Healthy,
    /// Not ready yet. The text says what it is doing.
    Starting(Option<String>),
    /// Ready once, but it did not answer in time. The text says what it is doing.
    Unhealthy(Option<String>),
}
