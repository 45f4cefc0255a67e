//! What decides which connectors run, and how they are changed.
//!
//! Callers (REST, the start of the worker) hold a handle and put commands in a queue; one owner reads it and asks a
//! [`Runtime`] to run connectors and tasks. What is not here: how a connector or task runs (`worker`) and any wire format
//! (`rest`).

mod runtime;

pub use runtime::{
    ConnectorEvents, ConnectorKind, ConnectorOffset, OffsetMap, OffsetsChange, OffsetsOutcome, PluginSummary, Runtime,
    SinkOffset, WorkerInfo,
};
