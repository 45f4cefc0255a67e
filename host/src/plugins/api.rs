//! Connectors and tasks of plugin libraries as the worker sees them, and what the worker gives them.
//!
//! [`SourceConnector`], [`SourceTask`], [`SinkConnector`] and [`SinkTask`] own an object of a library; each belongs to
//! one thread at a time and every call may block, so none of them may be made on an async thread. Their [`Control`]
//! may be used from anywhere. The context traits are implemented by the worker; plugins call them from any thread.
//!
//! Panics of plugins arrive here as errors of kind [`ErrorKind::Panic`](crate::error::ErrorKind::Panic).

use std::sync::Arc;

use ferroconnect_plugin_abi::containers::{AbiSlice, AbiStr};
use ferroconnect_plugin_abi::record::{OffsetMap, PartitionOffset, Record, TopicPartition};
use ferroconnect_plugin_abi::source::ControlObject;

pub use ferroconnect_plugin_abi::host::{MetricKind, ReportState};
pub use ferroconnect_plugin_abi::record::{Acknowledgement, Outcome, SourceBatch};
pub use ferroconnect_plugin_abi::services::{RestRequest, RestResponse};
pub use ferroconnect_plugin_abi::sink::AlteredPartition;
pub use ferroconnect_plugin_abi::source::{AlteredOffset, Support};

use crate::config::Props;
use crate::error::{ConnectError, Result};

pub use super::foreign::services::{OverridePolicy, RestExtension};
pub use super::foreign::sink::{SinkConnector, SinkTask};
pub use super::foreign::source::{SourceConnector, SourceTask};
pub use super::foreign::{from_abi_error, is_stopping, to_abi_error};
pub use super::host_services::{MetricTarget, Scope};

/// The half of a connector or task that may be used from any thread, also while the other half is blocked in a call.
/// Cheap to clone.
#[derive(Clone)]
pub struct Control(Arc<ControlObject>);

impl Control {
    pub(super) fn new(object: ControlObject) -> Control {
        Control(Arc::new(object))
    }

    /// Asks the other half to come to an end. Returns at once; may be called more than once.
    pub fn stop(&self) {
        self.0.stop();
    }

    /// A named call for features that came after version 1.0 of the contract.
    ///
    /// # Errors
    /// The plugin does not know the name, or failed.
    pub fn extension(&self, name: &str, data: &[u8]) -> Result<Vec<u8>> {
        let answer = self.0.extension(AbiStr::from(name), AbiSlice::from_slice(data));
        super::foreign::result(answer).map(Into::into)
    }
}

/// What a connector may ask of the worker. Called by the plugin from any thread.
pub trait ConnectorContext: Send + Sync + 'static {
    /// Logging and metrics of this connector.
    fn scope(&self) -> Arc<Scope>;

    /// The connector wants to be asked for its task configurations again. Returns at once.
    fn request_task_reconfiguration(&self);

    /// The connector failed, on a thread of its own. Returns at once.
    fn raise_error(&self, error: ConnectError);

    /// Reads stored source offsets, one answer per partition in order. May block on the offset store.
    ///
    /// # Errors
    /// The offset store cannot be read, or the connector is a sink.
    fn source_offsets(&self, partitions: &[OffsetMap]) -> Result<Vec<Option<OffsetMap>>>;
}

/// What a source task may ask of the worker. Called by the plugin from any thread.
pub trait SourceTaskContext: Send + Sync + 'static {
    /// Logging and metrics of this task.
    fn scope(&self) -> Arc<Scope>;

    /// The task's configuration as it is now, variables resolved.
    fn configs(&self) -> Props;

    /// Reads stored source offsets, one answer per partition in order. May block on the offset store.
    ///
    /// # Errors
    /// The offset store cannot be read.
    fn source_offsets(&self, partitions: &[OffsetMap]) -> Result<Vec<Option<OffsetMap>>>;

    /// Whether transaction boundaries in batches count (`transaction.boundary=connector`, KIP-618).
    fn defines_transactions(&self) -> bool {
        false
    }
}

/// What a sink task may ask of the worker. Called by the plugin from any thread; requests take effect before the next
/// `put`.
pub trait SinkTaskContext: Send + Sync + 'static {
    /// Logging and metrics of this task.
    fn scope(&self) -> Arc<Scope>;

    /// The task's configuration as it is now, variables resolved.
    fn configs(&self) -> Props;

    /// The partitions assigned at this moment.
    fn assignment(&self) -> Vec<TopicPartition>;

    /// The task wants to read on from these offsets.
    fn rewind(&self, offsets: Vec<PartitionOffset>);

    /// The task wants no records of these partitions.
    fn pause(&self, partitions: Vec<TopicPartition>);

    /// The task wants records of these partitions again.
    fn resume(&self, partitions: Vec<TopicPartition>);

    /// How long to wait, once, before a retriable `put` is tried again; milliseconds.
    fn timeout(&self, milliseconds: u64);

    /// The task wants a commit soon.
    fn request_commit(&self);

    /// Whether reports of bad records go anywhere.
    fn can_report(&self) -> bool {
        false
    }

    /// Takes a record that could not be written (KIP-610) and answers a ticket. Offsets at or behind the record must
    /// not be committed before the report is done.
    ///
    /// # Errors
    /// Nothing takes reports, or the report cannot be taken.
    fn report(&self, record: Record, error: ConnectError) -> Result<u64> {
        let _ = record;
        Err(ConnectError::unsupported("Nothing takes reports of bad records in this task").caused_by(error))
    }

    /// How far the report of a ticket is; waits up to so many milliseconds.
    fn report_state(&self, ticket: u64, milliseconds: u64) -> ReportState {
        let _ = (ticket, milliseconds);
        ReportState::FAILED
    }
}

/// What a REST extension may ask about the worker. Called by the plugin from any thread; may block.
pub trait ClusterState: Send + Sync + 'static {
    /// The names of the connectors.
    ///
    /// # Errors
    /// The herder does not answer.
    fn connectors(&self) -> Result<Vec<String>>;

    /// The answer of `GET` on a path of the worker's own REST API, as JSON text.
    ///
    /// # Errors
    /// The herder does not answer, or answers an error.
    fn get(&self, path: &str) -> Result<String>;
}
