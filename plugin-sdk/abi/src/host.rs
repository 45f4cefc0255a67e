//! What the host offers to plugins. Implemented by the host (and by the SDK's test kit), called by plugins.
//!
//! Every method may be called from any thread, returns soon unless it says otherwise, and never panics across the
//! border. Methods may be added at the end with a default body.

use crate::bytes::Text;
use crate::config::{Pairs, numbered};
use crate::containers::{AbiBox, AbiOption, AbiSlice, AbiStr, AbiVec};
use crate::error::{AbiError, AbiResult};
use crate::record::{OffsetMap, PartitionOffset, Record, TopicPartition};
use abi_stable::{StableAbi, sabi_trait};

numbered! {
    /// Log levels, most severe first.
    LogLevel {
        /// Something failed.
        ERROR = 1,
        /// Something is odd.
        WARN = 2,
        /// Something an operator wants to know.
        INFO = 3,
        /// For the author of the code.
        DEBUG = 4,
        /// Everything.
        TRACE = 5,
    }
}

numbered! {
    /// What kind of metric a plugin registers (KIP-877).
    MetricKind {
        /// The last value given.
        GAUGE = 0,
        /// The sum of the values given.
        COUNTER = 1,
        /// The average over the worker's metric window.
        AVERAGE = 2,
        /// The highest over the worker's metric window.
        MAXIMUM = 3,
        /// Values per second over the worker's metric window.
        RATE = 4,
    }
}

numbered! {
    /// How far a reported record is.
    ReportState {
        /// Not yet written.
        PENDING = 0,
        /// Written to the dead-letter topic, or there is nothing to write to: its offset may be committed.
        DONE = 1,
        /// Could not be written: the task fails.
        FAILED = 2,
    }
}

/// One field of a log line.
#[repr(C)]
#[derive(StableAbi, Clone, Copy)]
pub struct LogField<'a> {
    /// The name.
    pub key: AbiStr<'a>,
    /// The value, as text.
    pub value: AbiStr<'a>,
}

/// What a library gets once, before anything else is called.
#[sabi_trait]
pub trait HostServices: Send + Sync + 'static {
    /// A number that changes whenever a log level changes; levels may be cached while it stays the same.
    fn log_generation(&self) -> u64;

    /// Whether lines of this level and target are wanted.
    fn log_enabled(&self, level: LogLevel, target: AbiStr<'_>) -> bool;

    /// Writes a line. `scope` is a task's log scope, or 0 for that of the calling thread.
    #[sabi(last_prefix_field)]
    fn log(
        &self,
        scope: u64,
        level: LogLevel,
        target: AbiStr<'_>,
        message: AbiStr<'_>,
        fields: AbiSlice<'_, LogField<'_>>,
    );

    /// A named call for features that came after 1.0.
    fn extension(&self, name: AbiStr<'_>, data: AbiSlice<'_, u8>) -> AbiResult<AbiVec<u8>> {
        let _ = data;
        AbiResult::RErr(AbiError::unsupported(name.as_str()))
    }
}

/// What every plugin instance that runs inside a connector or task is given.
#[sabi_trait]
pub trait Scope: Send + Sync + 'static {
    /// The log scope of this connector or task, for lines written from the plugin's own threads.
    fn log_scope(&self) -> u64;

    /// Registers a metric that appears with the host's under the connector's and task's tags. Registering a name
    /// again gives the same number.
    fn register_metric(
        &self,
        name: AbiStr<'_>,
        description: AbiStr<'_>,
        kind: MetricKind,
        tags: Pairs,
    ) -> AbiResult<u64>;

    /// Gives a value to a metric.
    #[sabi(last_prefix_field)]
    fn record_metric(&self, metric: u64, value: f64);

    /// A named call for features that came after 1.0.
    fn extension(&self, name: AbiStr<'_>, data: AbiSlice<'_, u8>) -> AbiResult<AbiVec<u8>> {
        let _ = data;
        AbiResult::RErr(AbiError::unsupported(name.as_str()))
    }
}

/// What a connector is given at start (Java: ConnectorContext, SourceConnectorContext).
#[sabi_trait]
pub trait ConnectorContext: Send + Sync + 'static {
    /// Logging and metrics.
    fn scope(&self) -> ScopeObject;

    /// Asks the host to call `task_configs` again and to restart the tasks if the answer differs.
    fn request_task_reconfiguration(&self);

    /// Fails the connector, from any thread.
    fn raise_error(&self, error: AbiError);

    /// Reads stored source offsets; one answer per partition, in order. Blocks on the offset store.
    #[sabi(last_prefix_field)]
    fn source_offsets(&self, partitions: AbiVec<OffsetMap>) -> AbiResult<AbiVec<AbiOption<OffsetMap>>>;

    /// A named call for features that came after 1.0.
    fn extension(&self, name: AbiStr<'_>, data: AbiSlice<'_, u8>) -> AbiResult<AbiVec<u8>> {
        let _ = data;
        AbiResult::RErr(AbiError::unsupported(name.as_str()))
    }
}

/// What a source task is given at start (Java: SourceTaskContext).
#[sabi_trait]
pub trait SourceTaskContext: Send + Sync + 'static {
    /// Logging and metrics.
    fn scope(&self) -> ScopeObject;

    /// The task's configuration as it is now, variables resolved.
    fn configs(&self) -> Pairs;

    /// Reads stored source offsets; one answer per partition, in order. Blocks on the offset store.
    fn source_offsets(&self, partitions: AbiVec<OffsetMap>) -> AbiResult<AbiVec<AbiOption<OffsetMap>>>;

    /// Whether the connector runs with `transaction.boundary=connector`, so that boundaries in batches count.
    #[sabi(last_prefix_field)]
    fn defines_transactions(&self) -> bool;

    /// A named call for features that came after 1.0.
    fn extension(&self, name: AbiStr<'_>, data: AbiSlice<'_, u8>) -> AbiResult<AbiVec<u8>> {
        let _ = data;
        AbiResult::RErr(AbiError::unsupported(name.as_str()))
    }
}

/// What a sink task is given at start (Java: SinkTaskContext). Requests take effect before the next `put`.
#[sabi_trait]
pub trait SinkTaskContext: Send + Sync + 'static {
    /// Logging and metrics.
    fn scope(&self) -> ScopeObject;

    /// The task's configuration as it is now, variables resolved.
    fn configs(&self) -> Pairs;

    /// The partitions assigned at this moment.
    fn assignment(&self) -> AbiVec<TopicPartition>;

    /// Reads on from these offsets.
    fn rewind(&self, offsets: AbiVec<PartitionOffset>);

    /// Stops fetching from these partitions.
    fn pause(&self, partitions: AbiVec<TopicPartition>);

    /// Goes on fetching from these partitions.
    fn resume(&self, partitions: AbiVec<TopicPartition>);

    /// Waits this long before a retriable `put` is tried again, once; milliseconds.
    fn timeout(&self, milliseconds: u64);

    /// Asks for a commit soon.
    fn request_commit(&self);

    /// Whether reports go anywhere (a dead-letter topic or the log).
    fn can_report(&self) -> bool;

    /// Reports a record that could not be written (KIP-610). The answer is a ticket; offsets at or behind the
    /// record are not committed before it is done.
    fn report(&self, record: Record, error: AbiError) -> AbiResult<u64>;

    /// How far a reported record is; waits up to so many milliseconds.
    #[sabi(last_prefix_field)]
    fn report_state(&self, ticket: u64, milliseconds: u64) -> ReportState;

    /// A named call for features that came after 1.0.
    fn extension(&self, name: AbiStr<'_>, data: AbiSlice<'_, u8>) -> AbiResult<AbiVec<u8>> {
        let _ = data;
        AbiResult::RErr(AbiError::unsupported(name.as_str()))
    }
}

/// What a REST extension may ask about the worker (Java: ConnectClusterState).
#[sabi_trait]
pub trait ClusterState: Send + Sync + 'static {
    /// The names of the connectors.
    fn connectors(&self) -> AbiResult<AbiVec<Text>>;

    /// The answer of `GET` on a path of the worker's own REST API, as JSON text.
    #[sabi(last_prefix_field)]
    fn get(&self, path: AbiStr<'_>) -> AbiResult<Text>;
}

/// An owned [`HostServices`].
pub type HostServicesObject = HostServices_TO<AbiBox<()>>;
/// An owned [`Scope`].
pub type ScopeObject = Scope_TO<AbiBox<()>>;
/// An owned [`ConnectorContext`].
pub type ConnectorContextObject = ConnectorContext_TO<AbiBox<()>>;
/// An owned [`SourceTaskContext`].
pub type SourceTaskContextObject = SourceTaskContext_TO<AbiBox<()>>;
/// An owned [`SinkTaskContext`].
pub type SinkTaskContextObject = SinkTaskContext_TO<AbiBox<()>>;
/// An owned [`ClusterState`].
pub type ClusterStateObject = ClusterState_TO<AbiBox<()>>;
