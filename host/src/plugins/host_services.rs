//! What the worker offers to every library (its log) and to every connector and task (its log scope, its metrics).

use std::sync::Arc;
use std::sync::atomic::Ordering;

use ferroconnect_plugin_abi::__abi_stable::sabi_trait::TD_Opaque;
use ferroconnect_plugin_abi::config::Pairs;
use ferroconnect_plugin_abi::containers::{AbiSlice, AbiStr};
use ferroconnect_plugin_abi::error::AbiResult;
use ferroconnect_plugin_abi::host as abi;
use ferroconnect_plugin_abi::host::{HostServicesObject, MetricKind, ScopeObject};

use super::foreign::guard;
use crate::config::Props;
use crate::error::{ConnectError, Result};
use crate::telemetry::{LogContext, LogLevel, ScopeHandle, ScopeId, loggers, logging};

struct HostServices;

/// The services for one library.
pub(super) fn host_services() -> HostServicesObject {
    abi::HostServices_TO::from_value(HostServices, TD_Opaque)
}

impl abi::HostServices for HostServices {
    fn log_generation(&self) -> u64 {
        loggers::generation().load(Ordering::Acquire)
    }

    fn log_enabled(&self, level: abi::LogLevel, target: AbiStr<'_>) -> bool {
        guard::value("log_enabled", false, || loggers::enabled(LogLevel::from_number(level.0), target.as_str()))
    }

    fn log(
        &self,
        scope: u64,
        level: abi::LogLevel,
        target: AbiStr<'_>,
        message: AbiStr<'_>,
        fields: AbiSlice<'_, abi::LogField<'_>>,
    ) {
        guard::value("log", (), || {
            let fields: Vec<(&str, &str)> =
                fields.iter().map(|field| (field.key.as_str(), field.value.as_str())).collect();
            let level = LogLevel::from_number(level.0);
            logging::log_foreign(level, target.as_str(), message.as_str(), &fields, ScopeId::from_number(scope));
        });
    }
}

/// Where the metrics go that a connector or task registers (KIP-877). Called from any thread.
pub trait MetricTarget: Send + Sync + 'static {
    /// Makes a metric. The same name and tags again give the same number.
    ///
    /// # Errors
    /// The name or a tag cannot be used, or the name is taken by a metric of another kind.
    fn register(&self, name: &str, description: &str, kind: MetricKind, tags: &Props) -> Result<u64>;

    /// Gives a value to a metric. Unknown numbers are ignored.
    fn record(&self, metric: u64, value: f64);
}

/// What a connector or task is given for its log lines and metrics. Lines written under its number carry its context
/// for as long as the scope lives; a plugin may keep it alive longer than the task.
pub struct Scope {
    context: LogContext,
    log: ScopeHandle,
    metrics: Option<Arc<dyn MetricTarget>>,
}

impl Scope {
    /// A scope for lines with this context, whose metrics go to `metrics`; none = registering a metric is an error.
    pub fn new(context: &LogContext, metrics: Option<Arc<dyn MetricTarget>>) -> Scope {
        Scope { context: context.clone(), log: context.register(), metrics }
    }

    /// Runs the body of a callback in the context of this scope: plugins call from threads of their own.
    pub(super) fn within<T>(&self, body: impl FnOnce() -> T) -> T {
        let _context = self.context.enter();
        body()
    }

    fn metrics(&self) -> Result<&Arc<dyn MetricTarget>> {
        self.metrics.as_ref().ok_or_else(|| ConnectError::unsupported("This worker keeps no metrics of plugins here"))
    }

    /// The object for a plugin; without a scope one that logs without context.
    pub(super) fn object(scope: Option<Arc<Scope>>) -> ScopeObject {
        abi::Scope_TO::from_value(ScopeOf(scope), TD_Opaque)
    }
}

struct ScopeOf(Option<Arc<Scope>>);

impl abi::Scope for ScopeOf {
    fn log_scope(&self) -> u64 {
        self.0.as_ref().map_or(0, |scope| scope.log.id().number())
    }

    fn register_metric(
        &self,
        name: AbiStr<'_>,
        description: AbiStr<'_>,
        kind: MetricKind,
        tags: Pairs,
    ) -> AbiResult<u64> {
        guard::answer("register_metric", || {
            let scope = self.0.as_ref().ok_or_else(|| ConnectError::illegal_state("The worker has no scope here"))?;
            let tags = super::foreign::from_pairs(tags)?;
            scope.metrics()?.register(name.as_str(), description.as_str(), kind, &tags)
        })
    }

    fn record_metric(&self, metric: u64, value: f64) {
        guard::value("record_metric", (), || {
            if let Some(metrics) = self.0.as_ref().and_then(|scope| scope.metrics.as_ref()) {
                metrics.record(metric, value);
            }
        });
    }
}
