//! What a worker remembers: connector configs, source offsets and statuses.
//!
//! Here are the traits and the stores that keep them in memory or in a file. The topics they may be kept in are Kafka's
//! business and live with the Kafka clients.

mod model;

pub use model::{ConnectorState, TargetState, TaskId, TaskState, UnknownState};
