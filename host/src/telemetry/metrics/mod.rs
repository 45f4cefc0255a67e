//! Numbers about the worker, under the names and with the meaning they have in Kafka Connect.
//!
//! Start with [`registry`] for how metrics come, are read and go; [`names`] lists them. Threads that move records hold one
//! of the sets below and call it once per batch. What is not here: how metrics leave the process.

pub mod names;
mod plugin;
pub mod registry;
mod sink;
mod source;
mod task;
mod window;
mod worker;

pub use plugin::{PluginMetricKind, PluginMetrics};
pub use registry::{Counter, Gauge, Metric, MetricGroup, MetricKind, MetricValue, Registry, WindowConfig};
pub use sink::SinkTaskMetrics;
pub use source::SourceTaskMetrics;
pub use task::{TaskMetrics, TaskPlugins};
pub use worker::{ConnectorMetrics, ConnectorTaskCounts, WorkerMetrics};
