//! Metrics that plugins register, among the worker's own (KIP-877).

use std::sync::Arc;

use crate::config::Props;
use crate::error::{ConnectError, Result};
use crate::plugins::api::{MetricKind, MetricTarget};
use crate::telemetry::metrics::{PluginMetricKind, PluginMetrics, Registry, names};

struct Target(PluginMetrics);

/// Where the plugin of a connector or task puts its metrics; they are gone when the last user of the target is.
pub(super) fn target(registry: &Registry, connector: &str, task: Option<u32>) -> Arc<dyn MetricTarget> {
    let task = task.map(|task| task.to_string());
    let mut tags = vec![(names::CONNECTOR_TAG, connector)];
    if let Some(task) = &task {
        tags.push((names::TASK_TAG, task));
    }
    Arc::new(Target(PluginMetrics::new(registry, &tags)))
}

impl MetricTarget for Target {
    fn register(&self, name: &str, description: &str, kind: MetricKind, tags: &Props) -> Result<u64> {
        let kind = match kind {
            MetricKind::GAUGE => PluginMetricKind::Gauge,
            MetricKind::COUNTER => PluginMetricKind::Counter,
            MetricKind::AVERAGE => PluginMetricKind::Average,
            MetricKind::MAXIMUM => PluginMetricKind::Maximum,
            MetricKind::RATE => PluginMetricKind::Rate,
            other => {
                return Err(ConnectError::unsupported(format!(
                    "Metric {name} is of kind {}, which this worker does not know",
                    other.0
                )));
            }
        };
        let tags: Vec<(&str, &str)> = tags.iter().filter_map(|(key, value)| Some((key, value?))).collect();
        self.0.register(name, description, kind, &tags)
    }

    fn record(&self, metric: u64, value: f64) {
        self.0.record(metric, value);
    }
}
