//! Metrics of the worker and of its connectors.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use parking_lot::Mutex;

use super::names::{self, Template};
use super::registry::{Counter, MetricGroup, MetricValue, Registry};
use super::window::{Summary, Window};

/// What the worker as a whole reports. Gone from the registry when dropped.
pub struct WorkerMetrics {
    connectors: Starts,
    tasks: Starts,
    _group: MetricGroup,
}

impl WorkerMetrics {
    /// Registers the worker's metrics. The functions give the number of connectors and tasks now; they are called by
    /// whoever reads the metrics.
    pub fn new(
        registry: &Registry,
        connectors: impl Fn() -> usize + Send + Sync + 'static,
        tasks: impl Fn() -> usize + Send + Sync + 'static,
    ) -> Self {
        let group = registry.group(names::WORKER_GROUP, &[]);
        group.read(&names::CONNECTOR_COUNT, move || (connectors() as f64).into());
        group.read(&names::TASK_COUNT, move || (tasks() as f64).into());
        Self {
            connectors: Starts::new(
                &group,
                [
                    &names::CONNECTOR_STARTUP_ATTEMPTS_TOTAL,
                    &names::CONNECTOR_STARTUP_SUCCESS_TOTAL,
                    &names::CONNECTOR_STARTUP_FAILURE_TOTAL,
                ],
                [&names::CONNECTOR_STARTUP_SUCCESS_PERCENTAGE, &names::CONNECTOR_STARTUP_FAILURE_PERCENTAGE],
            ),
            tasks: Starts::new(
                &group,
                [
                    &names::TASK_STARTUP_ATTEMPTS_TOTAL,
                    &names::TASK_STARTUP_SUCCESS_TOTAL,
                    &names::TASK_STARTUP_FAILURE_TOTAL,
                ],
                [&names::TASK_STARTUP_SUCCESS_PERCENTAGE, &names::TASK_STARTUP_FAILURE_PERCENTAGE],
            ),
            _group: group,
        }
    }

    /// A connector was started, or could not be.
    pub fn connector_start(&self, succeeded: bool) {
        self.connectors.record(succeeded);
    }

    /// A task was started, or could not be.
    pub fn task_start(&self, succeeded: bool) {
        self.tasks.record(succeeded);
    }
}

/// Starts of one kind and how they ended.
struct Starts {
    attempts: Counter,
    successes: Counter,
    failures: Counter,
    results: Arc<Window>,
}

impl Starts {
    /// `totals`: attempts, successes, failures; `shares`: successes, failures.
    fn new(group: &MetricGroup, totals: [&Template; 3], shares: [&Template; 2]) -> Self {
        let [attempts, successes, failures] = totals.map(|template| group.counter(template));
        let results = group.window(&[
            (shares[0], Summary::hit_ratio),
            (shares[1], |results| match results.count {
                0 => 0.0,
                _ => 1.0 - results.hit_ratio(),
            }),
        ]);
        Self { attempts, successes, failures, results }
    }

    fn record(&self, succeeded: bool) {
        self.attempts.increment();
        if succeeded { &self.successes } else { &self.failures }.increment();
        self.results.record(if succeeded { 1.0 } else { 0.0 });
    }
}

/// What runs here, and since when. Gone from the registry when dropped.
pub struct AppInfo {
    _group: MetricGroup,
}

impl AppInfo {
    /// Registers the worker's id, version and commit; it has started now.
    pub fn new(registry: &Registry, worker_id: &str, version: &str, commit: &str) -> Self {
        let group = registry.group(names::APP_INFO_GROUP, &[(names::CLIENT_TAG, worker_id)]);
        group.info(&names::APP_VERSION, version);
        group.info(&names::APP_COMMIT, commit);
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_millis());
        group.info(&names::APP_START_TIME, &now.to_string());
        Self { _group: group }
    }
}

/// What one connector reports. Gone from the registry when dropped.
pub struct ConnectorMetrics {
    state: Arc<Mutex<&'static str>>,
    _group: MetricGroup,
}

impl ConnectorMetrics {
    /// Registers the metrics of a connector: its type (`source` or `sink`), class and version.
    pub fn new(registry: &Registry, connector: &str, kind: &str, class: &str, version: &str) -> Self {
        let group = registry.group(names::CONNECTOR_GROUP, &[(names::CONNECTOR_TAG, connector)]);
        let state = Arc::new(Mutex::new("UNASSIGNED"));
        let current = Arc::clone(&state);
        group.text(&names::CONNECTOR_STATUS, move || MetricValue::from(current.lock().to_lowercase().as_str()));
        group.info(&names::CONNECTOR_TYPE, kind);
        group.info(&names::CONNECTOR_CLASS, class);
        group.info(&names::CONNECTOR_VERSION, version);
        Self { state, _group: group }
    }

    /// The connector is now in this state, given by its upper-case name.
    pub fn state(&self, state: &'static str) {
        *self.state.lock() = state;
    }
}

/// How many tasks of a connector are on this worker, in all and by state. Gone from the registry when dropped.
pub struct ConnectorTaskCounts {
    _group: MetricGroup,
}

impl ConnectorTaskCounts {
    /// Registers the counts. The function gives the states of the connector's tasks now, by their upper-case names; it is
    /// called by whoever reads the metrics.
    pub fn new(
        registry: &Registry,
        connector: &str,
        states: impl Fn() -> Vec<&'static str> + Send + Sync + 'static,
    ) -> Self {
        let group = registry.group(names::WORKER_GROUP, &[(names::CONNECTOR_TAG, connector)]);
        let states = Arc::new(states);
        let all = Arc::clone(&states);
        group.read(&names::CONNECTOR_TOTAL_TASK_COUNT, move || (all().len() as f64).into());
        for (template, state) in [
            (&names::CONNECTOR_RUNNING_TASK_COUNT, "RUNNING"),
            (&names::CONNECTOR_PAUSED_TASK_COUNT, "PAUSED"),
            (&names::CONNECTOR_FAILED_TASK_COUNT, "FAILED"),
            (&names::CONNECTOR_UNASSIGNED_TASK_COUNT, "UNASSIGNED"),
            (&names::CONNECTOR_DESTROYED_TASK_COUNT, "DESTROYED"),
            (&names::CONNECTOR_RESTARTING_TASK_COUNT, "RESTARTING"),
        ] {
            let states = Arc::clone(&states);
            group.read(template, move || {
                let count = states().into_iter().filter(|found| *found == state).count();
                (count as f64).into()
            });
        }
        Self { _group: group }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn starts_are_counted_by_how_they_ended() {
        let registry = Registry::default();
        let metrics = WorkerMetrics::new(&registry, || 2, || 5);
        for succeeded in [true, true, true, false] {
            metrics.task_start(succeeded);
        }
        metrics.connector_start(true);
        let expected = [
            (&names::CONNECTOR_COUNT, 2.0),
            (&names::TASK_COUNT, 5.0),
            (&names::TASK_STARTUP_ATTEMPTS_TOTAL, 4.0),
            (&names::TASK_STARTUP_FAILURE_TOTAL, 1.0),
            (&names::TASK_STARTUP_FAILURE_PERCENTAGE, 0.25),
            (&names::CONNECTOR_STARTUP_SUCCESS_PERCENTAGE, 1.0),
            (&names::CONNECTOR_STARTUP_FAILURE_PERCENTAGE, 0.0),
        ];
        for (template, value) in expected {
            assert_eq!(registry.value(template, &[]), Some(value.into()), "{}", template.name);
        }
    }

    #[test]
    fn a_connector_shows_its_state_and_its_tasks() {
        let registry = Registry::default();
        let tags = [("connector", "c")];
        let connector = ConnectorMetrics::new(&registry, "c", "sink", "Sink", "1.0");
        connector.state("PAUSED");
        assert_eq!(registry.value(&names::CONNECTOR_STATUS, &tags), Some("paused".into()));
        let counts = ConnectorTaskCounts::new(&registry, "c", || vec!["RUNNING", "FAILED", "RUNNING"]);
        let expected = [
            (&names::CONNECTOR_TOTAL_TASK_COUNT, 3.0),
            (&names::CONNECTOR_RUNNING_TASK_COUNT, 2.0),
            (&names::CONNECTOR_PAUSED_TASK_COUNT, 0.0),
        ];
        for (template, value) in expected {
            assert_eq!(registry.value(template, &tags), Some(value.into()), "{}", template.name);
        }
        drop((connector, counts));
        assert_eq!(registry.snapshot().count(), 0);
    }
}
