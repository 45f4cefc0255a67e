//! Which parts of a connector a restart request reaches (KIP-745).

use crate::storage::{ConnectorState, TaskId, TaskState};

use super::model::ConnectorReport;

/// A request to restart a connector, its tasks, or both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RestartRequest {
    /// Leave alone what is not FAILED.
    pub only_failed: bool,
    /// Restart tasks too, not just the connector.
    pub include_tasks: bool,
}

impl RestartRequest {
    /// True for the request without flags, which restarts the connector whatever its state and has an answer without a
    /// body.
    pub fn is_plain(self) -> bool {
        !self.only_failed && !self.include_tasks
    }
}

/// What a restart will do, worked out before it begins.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct RestartPlan {
    /// The present state, with RESTARTING where something is going to be restarted.
    pub report: ConnectorReport,
}

impl RestartPlan {
    /// Marks the parts of `report` that `request` reaches.
    pub(super) fn new(request: RestartRequest, mut report: ConnectorReport) -> Self {
        if !request.only_failed || report.connector.state == ConnectorState::Failed {
            report.connector.state = ConnectorState::Restarting;
        }
        for (_, task) in &mut report.tasks {
            let reached = !request.only_failed || task.state == TaskState::Failed;
            if request.include_tasks && reached {
                task.state = TaskState::Restarting;
            }
        }
        Self { report }
    }

    /// True if the connector itself is to be restarted.
    pub(super) fn restarts_connector(&self) -> bool {
        self.report.connector.state == ConnectorState::Restarting
    }

    /// The tasks to restart.
    pub(super) fn tasks(&self) -> Vec<TaskId> {
        let restarting = self.report.tasks.iter().filter(|(_, task)| task.state == TaskState::Restarting);
        restarting.map(|(id, _)| id.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::{ConnectorStatus, TaskStatus};

    fn plan(only_failed: bool, include_tasks: bool, connector: ConnectorState) -> (bool, Vec<u32>) {
        let states = [TaskState::Running, TaskState::Failed, TaskState::Paused];
        let report = ConnectorReport {
            name: "x".into(),
            connector: ConnectorStatus::new(connector, "w:8083", 0),
            tasks: (0..)
                .zip(states)
                .map(|(n, state)| (TaskId::new("x", n), TaskStatus::new(state, "w:8083", 0)))
                .collect(),
            kind: None,
        };
        let plan = RestartPlan::new(RestartRequest { only_failed, include_tasks }, report);
        (plan.restarts_connector(), plan.tasks().iter().map(|id| id.task).collect())
    }

    #[test]
    fn the_flags_choose_what_is_restarted() {
        use ConnectorState::{Failed, Running};
        assert_eq!(plan(false, false, Running), (true, vec![]));
        assert_eq!(plan(false, true, Running), (true, vec![0, 1, 2]));
        assert_eq!(plan(true, true, Running), (false, vec![1]));
        assert_eq!(plan(true, false, Running), (false, vec![]));
        assert_eq!(plan(true, true, Failed), (true, vec![1]));
        assert_eq!(plan(true, false, Failed), (true, vec![]));
    }
}
