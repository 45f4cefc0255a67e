//! What decides which connectors run, and how they are changed.
//!
//! Callers (REST, the start of the worker) hold a [`Handle`] and put commands in a queue; one owner reads it and asks a
//! [`Runtime`] to run connectors and tasks. [`start_standalone`] gives the herder of a worker on its own.
//!
//! What is not here: how a connector or task runs (`worker`) and any wire format (`rest`).

mod auto_restarts;
mod command;
mod handle;
mod model;
mod offsets;
mod patch;
mod reloads;
mod restart;
mod stage;
mod standalone;
mod task_configs;
#[cfg(test)]
pub(crate) mod testing;
mod work;

pub use crate::config::ConnectorKind;
pub use crate::runtime::{
    ConnectorEvents, ConnectorOffset, Failure, OffsetsChange, OffsetsOutcome, Part, PluginSummary, Runtime, SinkOffset,
    WorkerInfo,
};
pub use command::{ConfigChange, OffsetsRequest};
pub use handle::{HEALTH_TIMEOUT, Handle, REQUEST_TIMEOUT};
pub use model::{ConnectorInfo, ConnectorReport, Health, Put, TaskInfo};
pub use restart::RestartRequest;
pub use standalone::start_standalone;
