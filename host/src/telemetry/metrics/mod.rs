//! Numbers about the worker, under the names and with the meaning they have in Kafka Connect.
//!
//! Start with [`registry`] for how metrics come, are read and go; [`names`] lists them. Threads that move records hold one
//! of the sets below and call it once per batch. [`prometheus`] is the form in which metrics leave the process.

mod histogram;
mod lag;
pub mod names;
mod plugin;
mod process;
pub mod prometheus;
pub mod registry;
mod restarts;
mod sink;
mod source;
mod stages;
mod task;
mod window;
mod worker;

pub use histogram::{Distribution, Histogram};
pub use lag::EndOf;
pub use plugin::{PluginMetricKind, PluginMetrics};
pub use process::ProcessMetrics;
pub use registry::{Counter, Gauge, Metric, MetricGroup, MetricKind, MetricValue, Registry, WindowConfig};
pub use restarts::RestartMetrics;
pub use sink::SinkTaskMetrics;
pub use source::SourceTaskMetrics;
pub use stages::{StageTimes, TaskStage};
pub use task::{StagePlugin, TaskMetrics, TaskPlugins, stage_info};
pub use worker::{AppInfo, ConnectorMetrics, ConnectorTaskCounts, WorkerMetrics};
