//! The worker's side of the contract, in memory.

use super::offsets::OffsetStore;
use super::sink::SinkRequests;
use crate::config::Config;
use crate::error::{Error, Result};
use ferroconnect_plugin_abi::__abi_stable::sabi_trait::TD_Opaque;
use ferroconnect_plugin_abi::config::Pairs;
use ferroconnect_plugin_abi::containers::{AbiOption, AbiSlice, AbiStr, AbiVec};
use ferroconnect_plugin_abi::error::{AbiError, AbiResult, ErrorKind};
use ferroconnect_plugin_abi::host::{
    ConnectorContext, ConnectorContext_TO, ConnectorContextObject, HostServices, HostServices_TO, HostServicesObject,
    LogField, LogLevel, MetricKind, ReportState, Scope, Scope_TO, ScopeObject, SinkTaskContext, SinkTaskContext_TO,
    SinkTaskContextObject, SourceTaskContext, SourceTaskContext_TO, SourceTaskContextObject,
};
use ferroconnect_plugin_abi::record::{OffsetMap, PartitionOffset, Record, TopicPartition};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A line that a plugin logged.
#[derive(Debug, Clone)]
pub struct LogLine {
    scope: u64,
    /// How severe it is.
    pub level: LogLevel,
    /// The module.
    pub target: String,
    /// The text.
    pub message: String,
    /// The fields.
    pub fields: Vec<(String, String)>,
}

// All libraries of a test log here; lines are told apart by their scope.
static LOG: Mutex<Vec<LogLine>> = Mutex::new(Vec::new());

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Values here are changed in one step each, so a panic cannot have left one half changed.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

struct TestServices;

impl HostServices for TestServices {
    fn log_generation(&self) -> u64 {
        0
    }

    fn log_enabled(&self, level: LogLevel, _: AbiStr<'_>) -> bool {
        level != LogLevel::TRACE
    }

    fn log(
        &self,
        scope: u64,
        level: LogLevel,
        target: AbiStr<'_>,
        message: AbiStr<'_>,
        fields: AbiSlice<'_, LogField<'_>>,
    ) {
        let fields = fields.iter().map(|field| (field.key.to_string(), field.value.to_string()));
        let line = LogLine {
            scope,
            level,
            target: target.to_string(),
            message: message.to_string(),
            fields: fields.collect(),
        };
        lock(&LOG).push(line);
    }
}

pub(super) fn services() -> HostServicesObject {
    HostServices_TO::from_value(TestServices, TD_Opaque)
}

/// What becomes of reports of bad records.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Reports {
    /// They are taken, as under `errors.tolerance=all`.
    #[default]
    Taken,
    /// Each fails, as under `errors.tolerance=none` with a log or a dead-letter topic.
    Fail,
    /// There is neither `errors.log.enable` nor a dead-letter topic, whatever the tolerance.
    Nowhere,
}

#[derive(Debug, Default)]
struct State {
    /// What becomes of reported records; none = they arrive.
    reports_end: Option<ReportState>,
    reports: Reports,
    metrics: BTreeMap<String, Vec<f64>>,
    reconfigurations: u32,
    errors: Vec<AbiError>,
    assignment: Vec<TopicPartition>,
    requests: SinkRequests,
}

/// What one harness offers to its plugin; clones are the same.
#[derive(Debug, Clone)]
pub(super) struct TestHost {
    scope: u64,
    config: Config,
    pub(super) offsets: OffsetStore,
    state: Arc<Mutex<State>>,
}

impl TestHost {
    pub(super) fn new(config: Config) -> TestHost {
        static NEXT_SCOPE: AtomicU64 = AtomicU64::new(1);
        let scope = NEXT_SCOPE.fetch_add(1, Ordering::Relaxed);
        TestHost { scope, config, offsets: OffsetStore::default(), state: Arc::default() }
    }

    /// The same host for another configuration: that of a task.
    pub(super) fn with_config(&self, config: &Pairs) -> TestHost {
        TestHost { config: Config::from_pairs(config), ..self.clone() }
    }

    pub(super) fn config(&self) -> &Config {
        &self.config
    }

    pub(super) fn log(&self) -> Vec<LogLine> {
        lock(&LOG).iter().filter(|line| line.scope == self.scope).cloned().collect()
    }

    /// All values that were given to a metric.
    pub(super) fn metric(&self, name: &str) -> Vec<f64> {
        lock(&self.state).metrics.get(name).cloned().unwrap_or_default()
    }

    pub(super) fn reconfigurations(&self) -> u32 {
        lock(&self.state).reconfigurations
    }

    /// The first error that a connector raised by itself.
    pub(super) fn raised(&self) -> Result<()> {
        lock(&self.state).errors.first().map_or(Ok(()), |error| Err(Error::from_abi(error.clone())))
    }

    pub(super) fn assign(&self, partitions: &[TopicPartition]) {
        lock(&self.state).assignment.extend_from_slice(partitions);
    }

    pub(super) fn unassign(&self, partitions: &[TopicPartition]) {
        lock(&self.state).assignment.retain(|assigned| !partitions.contains(assigned));
    }

    pub(super) fn end_reports(&self, state: ReportState) {
        lock(&self.state).reports_end = Some(state);
    }

    pub(super) fn set_reports(&self, reports: Reports) {
        lock(&self.state).reports = reports;
    }

    /// Takes the requests of a sink task since the last call.
    pub(super) fn take_requests(&self) -> SinkRequests {
        std::mem::take(&mut lock(&self.state).requests)
    }

    pub(super) fn connector_context(&self) -> ConnectorContextObject {
        ConnectorContext_TO::from_value(self.clone(), TD_Opaque)
    }

    pub(super) fn source_context(&self) -> SourceTaskContextObject {
        SourceTaskContext_TO::from_value(self.clone(), TD_Opaque)
    }

    pub(super) fn sink_context(&self) -> SinkTaskContextObject {
        SinkTaskContext_TO::from_value(self.clone(), TD_Opaque)
    }

    fn scope_object(&self) -> ScopeObject {
        Scope_TO::from_value(TestScope { host: self.clone(), names: Mutex::default() }, TD_Opaque)
    }

    fn stored(&self, partitions: &AbiVec<OffsetMap>) -> AbiVec<AbiOption<OffsetMap>> {
        partitions.iter().map(|partition| self.offsets.get(partition).into()).collect()
    }
}

struct TestScope {
    host: TestHost,
    names: Mutex<Vec<String>>,
}

impl Scope for TestScope {
    fn log_scope(&self) -> u64 {
        self.host.scope
    }

    fn register_metric(&self, name: AbiStr<'_>, _: AbiStr<'_>, _: MetricKind, _: Pairs) -> AbiResult<u64> {
        let mut names = lock(&self.names);
        let known = names.iter().position(|known| known == name.as_str());
        let number = known.unwrap_or_else(|| {
            names.push(name.to_string());
            names.len() - 1
        });
        AbiResult::ROk(number as u64)
    }

    fn record_metric(&self, metric: u64, value: f64) {
        let name = usize::try_from(metric).ok().and_then(|number| lock(&self.names).get(number).cloned());
        if let Some(name) = name {
            lock(&self.host.state).metrics.entry(name).or_default().push(value);
        }
    }
}

impl ConnectorContext for TestHost {
    fn scope(&self) -> ScopeObject {
        self.scope_object()
    }

    fn request_task_reconfiguration(&self) {
        lock(&self.state).reconfigurations += 1;
    }

    fn raise_error(&self, error: AbiError) {
        lock(&self.state).errors.push(error);
    }

    fn source_offsets(&self, partitions: AbiVec<OffsetMap>) -> AbiResult<AbiVec<AbiOption<OffsetMap>>> {
        AbiResult::ROk(self.stored(&partitions))
    }
}

impl SourceTaskContext for TestHost {
    fn scope(&self) -> ScopeObject {
        self.scope_object()
    }

    fn configs(&self) -> Pairs {
        self.config.to_pairs()
    }

    fn source_offsets(&self, partitions: AbiVec<OffsetMap>) -> AbiResult<AbiVec<AbiOption<OffsetMap>>> {
        AbiResult::ROk(self.stored(&partitions))
    }

    fn defines_transactions(&self) -> bool {
        self.config.get("transaction.boundary") == Some("connector")
    }
}

impl SinkTaskContext for TestHost {
    fn scope(&self) -> ScopeObject {
        self.scope_object()
    }

    fn configs(&self) -> Pairs {
        self.config.to_pairs()
    }

    fn assignment(&self) -> AbiVec<TopicPartition> {
        lock(&self.state).assignment.clone().into()
    }

    fn rewind(&self, offsets: AbiVec<PartitionOffset>) {
        lock(&self.state).requests.rewound.extend(offsets);
    }

    fn pause(&self, partitions: AbiVec<TopicPartition>) {
        lock(&self.state).requests.paused.extend(partitions);
    }

    fn resume(&self, partitions: AbiVec<TopicPartition>) {
        lock(&self.state).requests.resumed.extend(partitions);
    }

    fn timeout(&self, milliseconds: u64) {
        lock(&self.state).requests.retry_after = Some(std::time::Duration::from_millis(milliseconds));
    }

    fn request_commit(&self) {
        lock(&self.state).requests.commit = true;
    }

    fn can_report(&self) -> bool {
        lock(&self.state).reports != Reports::Nowhere
    }

    fn report(&self, record: Record, error: AbiError) -> AbiResult<u64> {
        let mut state = lock(&self.state);
        let refusal = match state.reports {
            Reports::Taken => {
                let reported = &mut state.requests.reported;
                reported.push((record, Error::from_abi(error)));
                return AbiResult::ROk(reported.len() as u64);
            }
            Reports::Fail => AbiError::new(ErrorKind::FATAL, "Tolerance exceeded in error handler"),
            Reports::Nowhere => AbiError::new(ErrorKind::UNSUPPORTED, "Nothing takes reports of bad records"),
        };
        AbiResult::RErr(refusal.caused_by(&error))
    }

    fn report_state(&self, _: u64, milliseconds: u64) -> ReportState {
        let state = lock(&self.state).reports_end.unwrap_or(ReportState::DONE);
        if state == ReportState::PENDING {
            std::thread::sleep(std::time::Duration::from_millis(milliseconds));
        }
        state
    }
}
