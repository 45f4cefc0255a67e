//! What connectors and tasks are doing, and which topics they have used: the records and the store for them.

use std::sync::Arc;
use std::time::Duration;

use crate::error::Result;

use super::model::{ConnectorState, TaskId, TaskState};

/// The latest word about a connector or task, and who said it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status<S> {
    /// The state.
    pub state: S,
    /// Why it failed; as REST shows it.
    pub trace: Option<String>,
    /// Advertised `host:port` of the worker that says so.
    pub worker_id: Arc<str>,
    /// The worker group's generation when it was said; 0 in a worker of its own.
    pub generation: i32,
    /// Version of the plugin; `None` if the speaker does not know it (KIP-891).
    pub version: Option<String>,
}

/// Status of a connector.
pub type ConnectorStatus = Status<ConnectorState>;
/// Status of a task.
pub type TaskStatus = Status<TaskState>;

impl<S> Status<S> {
    /// A status without trace and version.
    pub fn new(state: S, worker_id: impl Into<Arc<str>>, generation: i32) -> Self {
        Self { state, trace: None, worker_id: worker_id.into(), generation, version: None }
    }

    /// Adds the reason of a failure.
    #[must_use]
    pub fn with_trace(mut self, trace: impl Into<String>) -> Self {
        self.trace = Some(trace.into());
        self
    }

    /// Adds the plugin's version.
    #[must_use]
    pub fn with_version(mut self, version: Option<String>) -> Self {
        self.version = version;
        self
    }
}

/// A state that a status can hold.
pub trait StatusState: Copy {
    /// Storing it removes the status.
    fn is_removal(self) -> bool;
    /// It says that work has ended here. Such news may come late, when another worker has taken the work over, and must
    /// not hide what that one says.
    fn is_farewell(self) -> bool;
}

impl StatusState for ConnectorState {
    fn is_removal(self) -> bool {
        self == Self::Destroyed
    }

    fn is_farewell(self) -> bool {
        matches!(self, Self::Unassigned | Self::Failed)
    }
}

impl StatusState for TaskState {
    fn is_removal(self) -> bool {
        self == Self::Destroyed
    }

    fn is_farewell(self) -> bool {
        matches!(self, Self::Unassigned | Self::Failed)
    }
}

impl<S: StatusState> Status<S> {
    /// True if this status is to take the place of `stored`: news of an end gives way to a newer generation of another
    /// worker, everything else is written plainly.
    pub fn replaces(&self, stored: Option<&Self>) -> bool {
        !self.state.is_farewell()
            || stored.is_none_or(|stored| stored.worker_id == self.worker_id || stored.generation <= self.generation)
    }
}

/// A topic that a connector has used (KIP-558).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicStatus {
    /// The topic.
    pub topic: String,
    /// The task that used it first.
    pub task: TaskId,
    /// When it was first used, in milliseconds since 1970.
    pub discovered_ms: i64,
}

/// Keeps statuses. Any thread may call; writing may wait for the store, reading does not.
pub trait StatusStore: Send + Sync {
    /// Stores a connector's status, following [`Status::replaces`]. DESTROYED removes it.
    fn put_connector(&self, connector: &str, status: ConnectorStatus) -> Result<()>;

    /// Stores a task's status, following [`Status::replaces`]. DESTROYED removes it.
    fn put_task(&self, task: &TaskId, status: TaskStatus) -> Result<()>;

    /// Notes a topic as used by a connector.
    fn put_topic(&self, status: TopicStatus) -> Result<()>;

    /// Forgets that a connector has used a topic.
    fn remove_topic(&self, connector: &str, topic: &str) -> Result<()>;

    /// How often topics of any connector were forgotten. Who keeps in mind what it noted learns by it to note it again.
    fn topic_removals(&self) -> u64;

    /// The status of a connector.
    fn connector(&self, connector: &str) -> Option<ConnectorStatus>;

    /// The status of a task.
    fn task(&self, task: &TaskId) -> Option<TaskStatus>;

    /// The statuses of a connector's tasks, by number.
    fn tasks(&self, connector: &str) -> Vec<(TaskId, TaskStatus)>;

    /// Blocks until each of these tasks has a status, at most so long.
    fn await_tasks(&self, tasks: &[TaskId], timeout: Duration);

    /// The names of all connectors that have a status, in order.
    fn connectors(&self) -> Vec<String>;

    /// The topics a connector has used, by name.
    fn topics(&self, connector: &str) -> Vec<TopicStatus>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn late_news_of_an_end_does_not_hide_the_new_owner() {
        let running = ConnectorStatus::new(ConnectorState::Running, "b:8083", 7);
        let late = ConnectorStatus::new(ConnectorState::Unassigned, "a:8083", 6);
        assert!(!late.replaces(Some(&running)));
        assert!(late.replaces(None));
        assert!(ConnectorStatus { generation: 7, ..late.clone() }.replaces(Some(&running)));
        assert!(ConnectorStatus { worker_id: "b:8083".into(), ..late.clone() }.replaces(Some(&running)));
        assert!(ConnectorStatus { state: ConnectorState::Paused, ..late }.replaces(Some(&running)));
    }
}
