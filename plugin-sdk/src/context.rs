//! What the worker offers to connectors and tasks.

use crate::config::Config;
use crate::error::{Error, Result};
use crate::glue::guard;
use crate::stop::StopSignal;
use ferroconnect_plugin_abi::config::{Pair, Pairs};
use ferroconnect_plugin_abi::containers::{AbiOption, AbiStr};
use ferroconnect_plugin_abi::host::{
    ConnectorContextObject, MetricKind, ReportState, ScopeObject, SinkTaskContextObject, SourceTaskContextObject,
};
use ferroconnect_plugin_abi::record::{OffsetMap, PartitionOffset, Record, TopicPartition};
use std::fmt;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

/// A metric that appears with the worker's own, under the connector's and task's tags.
#[derive(Clone)]
pub struct Metric {
    scope: Arc<ScopeObject>,
    number: u64,
}

impl Metric {
    /// Gives it a value.
    pub fn record(&self, value: f64) {
        self.scope.record_metric(self.number, value);
    }
}

/// Logging and metrics of one connector or task.
#[derive(Clone)]
pub(crate) struct Scope {
    scope: Arc<ScopeObject>,
}

impl Scope {
    pub(crate) fn new(scope: ScopeObject) -> Scope {
        Scope { scope: Arc::new(scope) }
    }

    pub(crate) fn log_scope(&self) -> u64 {
        self.scope.log_scope()
    }

    fn metric(&self, name: &str, description: &str, kind: MetricKind, tags: &[(&str, &str)]) -> Result<Metric> {
        let pair = |&(key, value): &(&str, &str)| Pair { key: key.into(), value: AbiOption::RSome(value.into()) };
        let tags: Pairs = tags.iter().map(pair).collect();
        let number = self.scope.register_metric(AbiStr::from(name), AbiStr::from(description), kind, tags);
        let number = number.into_result().map_err(Error::from_abi)?;
        Ok(Metric { scope: Arc::clone(&self.scope), number })
    }

    fn spawn(&self, name: &str, body: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>> {
        let scope = self.log_scope();
        let body = move || {
            crate::log::set_thread_scope(scope);
            guard::run_detached(body);
        };
        Ok(std::thread::Builder::new().name(name.to_owned()).spawn(body)?)
    }
}

macro_rules! scope_methods {
    () => {
        /// Registers a metric; see [`Metric`].
        pub fn metric(&self, name: &str, description: &str, kind: MetricKind, tags: &[(&str, &str)]) -> Result<Metric> {
            self.scope.metric(name, description, kind, tags)
        }

        /// Set when this should come to an end.
        pub fn stop(&self) -> &StopSignal {
            &self.stop
        }

        /// Starts a thread whose log lines carry this connector's or task's name and whose panics are logged.
        /// Join it in `stop`.
        pub fn spawn(&self, name: &str, body: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>> {
            self.scope.spawn(name, body)
        }
    };
}

/// What a connector is given at start.
#[derive(Clone)]
pub struct ConnectorContext {
    inner: Arc<ConnectorContextObject>,
    scope: Scope,
    stop: StopSignal,
}

impl ConnectorContext {
    pub(crate) fn new(inner: ConnectorContextObject, stop: StopSignal) -> ConnectorContext {
        let scope = Scope::new(inner.scope());
        ConnectorContext { inner: Arc::new(inner), scope, stop }
    }

    pub(crate) fn log_scope(&self) -> u64 {
        self.scope.log_scope()
    }

    scope_methods!();

    /// Asks the worker to call `task_configs` again, and to restart the tasks if the answer differs.
    pub fn request_task_reconfiguration(&self) {
        self.inner.request_task_reconfiguration();
    }

    /// Fails the connector, from any thread.
    pub fn raise_error(&self, error: Error) {
        self.inner.raise_error(error.into_abi());
    }

    /// Reads stored source offsets; one answer per partition, in order.
    pub fn offsets(&self, partitions: Vec<OffsetMap>) -> Result<Vec<Option<OffsetMap>>> {
        let offsets = self.inner.source_offsets(partitions.into()).into_result().map_err(Error::from_abi)?;
        Ok(offsets.into_iter().map(Into::into).collect())
    }
}

/// What a source task is given at start.
#[derive(Clone)]
pub struct SourceContext {
    inner: Arc<SourceTaskContextObject>,
    scope: Scope,
    stop: StopSignal,
}

impl SourceContext {
    pub(crate) fn new(inner: SourceTaskContextObject, stop: StopSignal) -> SourceContext {
        let scope = Scope::new(inner.scope());
        SourceContext { inner: Arc::new(inner), scope, stop }
    }

    pub(crate) fn log_scope(&self) -> u64 {
        self.scope.log_scope()
    }

    scope_methods!();

    /// The stored offset of a source partition, where there is one.
    pub fn offset(&self, partition: &OffsetMap) -> Result<Option<OffsetMap>> {
        Ok(self.offsets(vec![partition.clone()])?.pop().flatten())
    }

    /// The stored offsets of several source partitions, in order.
    pub fn offsets(&self, partitions: Vec<OffsetMap>) -> Result<Vec<Option<OffsetMap>>> {
        let offsets = self.inner.source_offsets(partitions.into()).into_result().map_err(Error::from_abi)?;
        Ok(offsets.into_iter().map(Into::into).collect())
    }

    /// The task's configuration as it is now, variables looked up again.
    pub fn configs(&self) -> Config {
        Config::from_pairs(&self.inner.configs())
    }

    /// Whether this task defines its transactions (`transaction.boundary=connector`).
    pub fn defines_transactions(&self) -> bool {
        self.inner.defines_transactions()
    }
}

/// A record that was reported as bad and is on its way to the dead-letter topic.
pub struct Report {
    context: Arc<SinkTaskContextObject>,
    ticket: u64,
}

impl Report {
    /// Waits until it is there, at most so long. Offsets behind the record are held back in any case.
    pub fn wait(&self, timeout: Duration) -> ReportState {
        let milliseconds = u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX);
        self.context.report_state(self.ticket, milliseconds)
    }
}

/// What a sink task is given at start. Requests take effect before the next `put`.
#[derive(Clone)]
pub struct SinkContext {
    inner: Arc<SinkTaskContextObject>,
    scope: Scope,
    stop: StopSignal,
}

impl SinkContext {
    pub(crate) fn new(inner: SinkTaskContextObject, stop: StopSignal) -> SinkContext {
        let scope = Scope::new(inner.scope());
        SinkContext { inner: Arc::new(inner), scope, stop }
    }

    pub(crate) fn log_scope(&self) -> u64 {
        self.scope.log_scope()
    }

    scope_methods!();

    /// The task's configuration as it is now, variables looked up again.
    pub fn configs(&self) -> Config {
        Config::from_pairs(&self.inner.configs())
    }

    /// The partitions assigned at this moment.
    pub fn assignment(&self) -> Vec<TopicPartition> {
        self.inner.assignment().into()
    }

    /// Reads on from these offsets.
    pub fn rewind(&self, offsets: Vec<PartitionOffset>) {
        self.inner.rewind(offsets.into());
    }

    /// Stops fetching from these partitions.
    pub fn pause(&self, partitions: Vec<TopicPartition>) {
        self.inner.pause(partitions.into());
    }

    /// Goes on fetching from these partitions.
    pub fn resume(&self, partitions: Vec<TopicPartition>) {
        self.inner.resume(partitions.into());
    }

    /// Waits this long before a `put` that asked for a retry is called again.
    pub fn retry_after(&self, timeout: Duration) {
        self.inner.timeout(u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX));
    }

    /// Asks for a commit soon.
    pub fn request_commit(&self) {
        self.inner.request_commit();
    }

    /// Whether reports go anywhere: a dead-letter topic or the log is configured.
    pub fn can_report(&self) -> bool {
        self.inner.can_report()
    }

    /// Reports a record that could not be written, and goes on without it (KIP-610). Fails where `errors.tolerance`
    /// does not allow it.
    pub fn report(&self, record: Record, error: Error) -> Result<Report> {
        let ticket = self.inner.report(record, error.into_abi()).into_result().map_err(Error::from_abi)?;
        Ok(Report { context: Arc::clone(&self.inner), ticket })
    }
}

// Authors keep contexts in structs that derive `Debug`.
macro_rules! opaque_debug {
    ($($type:ident),*) => {$(
        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($type)).finish_non_exhaustive()
            }
        }
    )*};
}
opaque_debug!(Metric, ConnectorContext, SourceContext, Report, SinkContext);
