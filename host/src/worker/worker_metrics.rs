//! What the worker as a whole reports, and how many tasks each connector has.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use parking_lot::Mutex;

use crate::runtime::WorkerInfo;
use crate::storage::{StatusStore, TaskId};
use crate::telemetry::metrics::{
    AppInfo, ConnectorTaskCounts, MetricGroup, ProcessMetrics, Registry, WorkerMetrics, names,
};

use super::{Connectors, Tasks};

/// The metrics of a worker. Gone from the registry when dropped.
pub(super) struct WholeMetrics {
    registry: Registry,
    tasks: Arc<Tasks>,
    statuses: Arc<dyn StatusStore>,
    starts: Arc<WorkerMetrics>,
    /// Per connector, while it has tasks here.
    counts: Mutex<HashMap<Arc<str>, ConnectorTaskCounts>>,
    _about: AppInfo,
    _process: ProcessMetrics,
    _own: MetricGroup,
}

impl WholeMetrics {
    /// Registers the metrics. They read the maps whenever somebody reads them.
    pub(super) fn new(
        registry: &Registry,
        info: &WorkerInfo,
        connectors: &Arc<Connectors>,
        tasks: &Arc<Tasks>,
        statuses: Arc<dyn StatusStore>,
        abandoned: &Arc<AtomicUsize>,
    ) -> Self {
        let own = registry.group(names::OWN_GROUP, &[]);
        let abandoned = Arc::clone(abandoned);
        own.read_total(&names::ABANDONED_THREADS_TOTAL, move || abandoned.load(Ordering::Relaxed) as f64);
        // Handles hold what holds the registry, so readers must not hold them.
        let (weak_connectors, weak_tasks) = (Arc::downgrade(connectors), Arc::downgrade(tasks));
        let starts = WorkerMetrics::new(
            registry,
            move || weak_connectors.upgrade().map_or(0, |connectors| connectors.lock().len()),
            move || weak_tasks.upgrade().map_or(0, |tasks| tasks.lock().len()),
        );
        Self {
            registry: registry.clone(),
            tasks: Arc::clone(tasks),
            statuses,
            starts: Arc::new(starts),
            counts: Mutex::default(),
            _about: AppInfo::new(registry, &info.worker_id, &info.version, &info.commit),
            _process: ProcessMetrics::new(registry),
            _own: own,
        }
    }

    /// A connector was started, or could not be.
    pub(super) fn connector_start(&self, succeeded: bool) {
        self.starts.connector_start(succeeded);
    }

    /// Counts how the start of one task ends.
    pub(super) fn task_start(&self) -> StartCount {
        StartCount { metrics: Arc::clone(&self.starts), counted: AtomicBool::new(false) }
    }

    /// The connector has a task here.
    pub(super) fn has_tasks(&self, connector: &Arc<str>) {
        let register = || {
            let (tasks, statuses) = (Arc::downgrade(&self.tasks), Arc::clone(&self.statuses));
            let name = Arc::clone(connector);
            ConnectorTaskCounts::new(&self.registry, connector, move || {
                let Some(tasks) = tasks.upgrade() else { return Vec::new() };
                let own: Vec<TaskId> = of(&tasks.lock(), &name).cloned().collect();
                // A task whose thread has not come to say anything is not assigned yet.
                let state = |id: &TaskId| statuses.task(id).map_or("UNASSIGNED", |status| status.state.as_str());
                own.iter().map(state).collect()
            })
        };
        self.counts.lock().entry(Arc::clone(connector)).or_insert_with(register);
    }

    /// Tasks of these connectors went.
    pub(super) fn lost_tasks<'a>(&self, connectors: impl Iterator<Item = &'a Arc<str>>) {
        for connector in connectors {
            // Both under one lock, so that a task that comes meanwhile finds its connector's counts gone, not going.
            let mut counts = self.counts.lock();
            if of(&self.tasks.lock(), connector).next().is_none() {
                counts.remove(connector);
            }
        }
    }
}

/// The tasks of one connector.
fn of<'a, T>(tasks: &'a BTreeMap<TaskId, T>, connector: &Arc<str>) -> impl Iterator<Item = &'a TaskId> + use<'a, T> {
    let id = |task| TaskId { connector: Arc::clone(connector), task };
    tasks.range(id(0)..=id(u32::MAX)).map(|(id, _)| id)
}

/// Counts the start of a task once: it succeeds when the task first runs, and fails when it fails before that.
pub(crate) struct StartCount {
    metrics: Arc<WorkerMetrics>,
    counted: AtomicBool,
}

impl StartCount {
    /// The task runs, or has failed.
    pub(crate) fn ended(&self, succeeded: bool) {
        if !self.counted.swap(true, Ordering::Relaxed) {
            self.metrics.task_start(succeeded);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::{MemoryStatusStore, TaskState, TaskStatus};
    use crate::telemetry::metrics::MetricValue;

    #[test]
    fn a_start_counts_once_and_by_what_came_first() {
        let registry = Registry::default();
        let metrics = Arc::new(WorkerMetrics::new(&registry, || 0, || 0));
        let start = || StartCount { metrics: Arc::clone(&metrics), counted: AtomicBool::new(false) };
        let (runs, fails) = (start(), start());
        for succeeded in [true, false, true] {
            runs.ended(succeeded);
            fails.ended(!succeeded);
        }
        let value = |template| registry.value(template, &[]).unwrap();
        assert_eq!(value(&names::TASK_STARTUP_ATTEMPTS_TOTAL), 2.0.into());
        assert_eq!(value(&names::TASK_STARTUP_SUCCESS_TOTAL), 1.0.into());
        assert_eq!(value(&names::TASK_STARTUP_FAILURE_TOTAL), 1.0.into());
    }

    #[test]
    fn what_the_worker_is_comes_and_goes_with_it() {
        let registry = Registry::default();
        let info = WorkerInfo {
            worker_id: "h:1".to_owned(),
            version: "1.2".to_owned(),
            commit: "abc".to_owned(),
            kafka_cluster_id: None,
        };
        let abandoned = Arc::new(AtomicUsize::new(0));
        let statuses: Arc<dyn StatusStore> = Arc::new(MemoryStatusStore::default());
        let (connectors, tasks) = (Arc::default(), Arc::default());
        let metrics = WholeMetrics::new(&registry, &info, &connectors, &tasks, Arc::clone(&statuses), &abandoned);
        abandoned.store(2, Ordering::Relaxed);
        assert_eq!(registry.value(&names::ABANDONED_THREADS_TOTAL, &[]), Some(2.0.into()));
        assert_eq!(registry.value(&names::TASK_COUNT, &[]), Some(0.0.into()));
        let version = registry.value(&names::APP_VERSION, &[("client-id", "h:1")]);
        assert_eq!(version, Some(MetricValue::from("1.2")));
        let name: Arc<str> = "c".into();
        metrics.has_tasks(&name);
        let id = TaskId { connector: Arc::clone(&name), task: 0 };
        statuses.put_task(&id, TaskStatus::new(TaskState::Running, Arc::<str>::from("h:1"), 0)).unwrap();
        let total = || registry.value(&names::CONNECTOR_TOTAL_TASK_COUNT, &[("connector", "c")]);
        assert_eq!(total(), Some(0.0.into()), "a status without a task does not count");
        metrics.lost_tasks([&name].into_iter());
        assert_eq!(total(), None);
        drop(metrics);
        assert_eq!(registry.snapshot().count(), 0);
    }
}
