//! One task from the outside: how it is started on its own thread, told what to do, waited for, and given up.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use crate::error::{ConnectError, Result};
use crate::storage::{StatusStore, TaskId, TaskState, TaskStatus};
use crate::telemetry::LogContext;

use super::failures::FailureWatch;
use super::lifecycle::{Lifecycle, Next};
use super::metrics::CommonMetrics;
use super::worker_metrics::StartCount;

/// Writes a task's status, unless the task was given up: its successor speaks then.
pub(crate) struct TaskReporter {
    pub(crate) id: TaskId,
    pub(crate) worker_id: Arc<str>,
    pub(crate) version: Option<String>,
    pub(crate) statuses: Arc<dyn StatusStore>,
    pub(crate) lifecycle: Arc<Lifecycle>,
    pub(crate) start: StartCount,
    /// Told of every state, once the task has them. Kept with the handle, so that a task that has failed is still seen.
    pub(crate) metrics: Arc<OnceLock<Arc<CommonMetrics>>>,
    pub(crate) watch: FailureWatch,
}

impl TaskReporter {
    /// Lets the task's metrics follow its states.
    pub(crate) fn watch(&self, metrics: Arc<CommonMetrics>) {
        // A task has one set of metrics; a second one would be a second start of the same thread.
        let _only = self.metrics.set(metrics);
    }

    /// Says what the task is doing.
    pub(crate) fn report(&self, state: TaskState) {
        if state == TaskState::Running {
            self.start.ended(true);
        }
        self.watch.runs(state == TaskState::Running);
        self.put(TaskStatus::new(state, Arc::clone(&self.worker_id), 0));
    }

    /// Says why the task failed.
    pub(crate) fn failed(&self, error: &ConnectError) {
        self.start.ended(false);
        self.put(TaskStatus::new(TaskState::Failed, Arc::clone(&self.worker_id), 0).with_trace(error.trace()));
        if !self.lifecycle.is_abandoned() && self.lifecycle.next() != Next::Stop {
            self.watch.failed(error);
        }
    }

    fn put(&self, status: TaskStatus) {
        if let Some(metrics) = self.metrics.get() {
            metrics.state(status.state.as_str());
        }
        if self.lifecycle.is_abandoned() {
            return;
        }
        if let Err(error) = self.statuses.put_task(&self.id, status.with_version(self.version.clone())) {
            tracing::error!("Could not store the status of task {}: {error}", self.id);
        }
    }
}

/// What gives up a task's hold on Kafka when its thread does not end.
pub(crate) type GiveUp = Box<dyn Fn() + Send + Sync>;

/// A task that was started.
pub(crate) struct TaskHandle {
    pub(crate) id: TaskId,
    pub(crate) lifecycle: Arc<Lifecycle>,
    give_up: Arc<parking_lot::Mutex<Option<GiveUp>>>,
    _metrics: Arc<OnceLock<Arc<CommonMetrics>>>,
}

/// What a task's body may use of its handle.
pub(crate) struct TaskBody<'a> {
    pub(crate) lifecycle: &'a Arc<Lifecycle>,
    pub(crate) reporter: &'a TaskReporter,
    give_up: &'a parking_lot::Mutex<Option<GiveUp>>,
}

impl TaskBody<'_> {
    /// Says how to cut the task off from Kafka if it has to be abandoned.
    pub(crate) fn on_abandon(&self, give_up: impl Fn() + Send + Sync + 'static) {
        *self.give_up.lock() = Some(Box::new(give_up));
    }
}

impl TaskHandle {
    /// Starts a task on a thread of its own, which waits first while the task is to pause.
    ///
    /// # Errors
    /// If the thread cannot be started.
    pub(crate) fn spawn(
        reporter: TaskReporter,
        body: impl FnOnce(&TaskBody<'_>) -> Result<()> + Send + 'static,
    ) -> Result<TaskHandle> {
        let id = reporter.id.clone();
        let lifecycle = Arc::clone(&reporter.lifecycle);
        let give_up: Arc<parking_lot::Mutex<Option<GiveUp>>> = Arc::default();
        let hold = Arc::clone(&give_up);
        let metrics = Arc::clone(&reporter.metrics);
        let thread = move || {
            let _context = LogContext::task(&reporter.id.connector, reporter.id.task).enter();
            live(&reporter, &hold, body);
            reporter.lifecycle.end();
            crate::freed_memory::task_ended();
        };
        std::thread::Builder::new().name(format!("task-thread-{id}")).spawn(thread)?;
        Ok(TaskHandle { id, lifecycle, give_up, _metrics: metrics })
    }

    /// Waits for the task's end until `deadline`; then it is given up. True = it has ended.
    pub(crate) fn join_or_abandon(&self, deadline: Instant) -> bool {
        if self.lifecycle.wait_for_end(deadline) {
            return true;
        }
        self.lifecycle.abandon();
        tracing::error!(
            "Graceful stop of task {} failed. Its thread did not come back in time and is given up; nothing it still does reaches Kafka.",
            self.id
        );
        if let Some(give_up) = &*self.give_up.lock() {
            give_up();
        }
        false
    }
}

fn live(
    reporter: &TaskReporter,
    give_up: &parking_lot::Mutex<Option<GiveUp>>,
    body: impl FnOnce(&TaskBody<'_>) -> Result<()>,
) {
    let lifecycle = &reporter.lifecycle;
    if lifecycle.next() == Next::Pause {
        reporter.report(TaskState::Paused);
        lifecycle.wait_while_paused();
    }
    let result = match lifecycle.next() {
        Next::Stop => Ok(()),
        _ => {
            let body = || body(&TaskBody { lifecycle, reporter, give_up });
            catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|payload| Err(own_panic(&*payload)))
        }
    };
    match result {
        Ok(()) => reporter.report(TaskState::Unassigned),
        Err(error) => {
            if lifecycle.is_abandoned() {
                tracing::warn!("The abandoned task ended with an error: {}", error.trace().trim_end());
            } else {
                tracing::error!(
                    "Task failed and will not run again until it is restarted: {}",
                    error.trace().trim_end()
                );
            }
            reporter.failed(&error);
        }
    }
}

/// A fault of the worker itself: it ends the one task, with a request to report it.
fn own_panic(payload: &(dyn std::any::Any + Send)) -> ConnectError {
    let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| payload.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no message".to_owned());
    ConnectError::panic(format!("The worker's own code panicked, which is a bug worth reporting: {text}"))
}

/// Stops tasks side by side and waits for all of them until `deadline`. Answers how many were given up.
pub(crate) fn stop_all(tasks: &[Arc<TaskHandle>], deadline: Instant) -> usize {
    for task in tasks {
        task.lifecycle.stop();
    }
    tasks.iter().filter(|task| !task.join_or_abandon(deadline)).count()
}
