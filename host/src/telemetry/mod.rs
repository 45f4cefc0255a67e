//! What the worker tells its operator: log lines with connector context, log levels at run time, metrics.
//!
//! Start with [`logging`] for how a line comes about, [`loggers`] for which lines are wanted, [`metrics`] for numbers.
//! What is not here: who serves them (`rest`), and the text of any one message, which belongs to the code that says it.

mod confidential;
pub mod context;
mod format;
mod java_names;
mod level;
pub mod loggers;
pub mod logging;
pub mod memory;
pub mod metrics;
pub mod rate_limit;
mod writer;

pub use confidential::Confidential;
pub use context::{LogContext, ScopeHandle, ScopeId};
pub use format::{FieldValue, LogFormat};
pub use level::LogLevel;
