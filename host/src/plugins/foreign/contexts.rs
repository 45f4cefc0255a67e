//! The worker's contexts as objects that plugins can call. Every callback runs behind a guard.

use std::sync::Arc;

use ferroconnect_plugin_abi::__abi_stable::sabi_trait::TD_Opaque;
use ferroconnect_plugin_abi::config::Pairs;
use ferroconnect_plugin_abi::containers::{AbiOption, AbiVec};
use ferroconnect_plugin_abi::error::{AbiError, AbiResult};
use ferroconnect_plugin_abi::host::{self as abi, ReportState, ScopeObject};
use ferroconnect_plugin_abi::record::{OffsetMap, PartitionOffset, Record, TopicPartition};

use super::convert::{from_abi_error, to_pairs};
use super::guard;
use crate::error::{ConnectError, Result};
use crate::plugins::api;
use crate::plugins::host_services::Scope;

struct Connector(Arc<dyn api::ConnectorContext>);
struct SourceTask(Arc<dyn api::SourceTaskContext>);
struct SinkTask(Arc<dyn api::SinkTaskContext>);

pub(super) fn connector(context: Arc<dyn api::ConnectorContext>) -> abi::ConnectorContextObject {
    abi::ConnectorContext_TO::from_value(Connector(context), TD_Opaque)
}

pub(super) fn source_task(context: Arc<dyn api::SourceTaskContext>) -> abi::SourceTaskContextObject {
    abi::SourceTaskContext_TO::from_value(SourceTask(context), TD_Opaque)
}

pub(super) fn sink_task(context: Arc<dyn api::SinkTaskContext>) -> abi::SinkTaskContextObject {
    abi::SinkTaskContext_TO::from_value(SinkTask(context), TD_Opaque)
}

/// A scope for a plugin; one that goes nowhere if the worker failed to make it.
fn scope(made: impl FnOnce() -> Arc<Scope>) -> ScopeObject {
    Scope::object(guard::value("scope", None, || Some(made())))
}

fn offsets(
    partitions: &AbiVec<OffsetMap>,
    read: impl FnOnce(&[OffsetMap]) -> Result<Vec<Option<OffsetMap>>>,
) -> AbiResult<AbiVec<AbiOption<OffsetMap>>> {
    guard::answer("source_offsets", || {
        let found = read(partitions)?;
        if found.len() != partitions.len() {
            let (asked, got) = (partitions.len(), found.len());
            return Err(ConnectError::illegal_state(format!("Asked for {asked} source offsets, got {got} answers")));
        }
        Ok(found.into_iter().map(AbiOption::from).collect())
    })
}

impl abi::ConnectorContext for Connector {
    fn scope(&self) -> ScopeObject {
        scope(|| self.0.scope())
    }

    fn request_task_reconfiguration(&self) {
        guard::value("request_task_reconfiguration", (), || self.0.request_task_reconfiguration());
    }

    fn raise_error(&self, error: AbiError) {
        guard::value("raise_error", (), || self.0.scope().within(|| self.0.raise_error(from_abi_error(&error))));
    }

    fn source_offsets(&self, partitions: AbiVec<OffsetMap>) -> AbiResult<AbiVec<AbiOption<OffsetMap>>> {
        offsets(&partitions, |partitions| self.0.source_offsets(partitions))
    }
}

impl abi::SourceTaskContext for SourceTask {
    fn scope(&self) -> ScopeObject {
        scope(|| self.0.scope())
    }

    fn configs(&self) -> Pairs {
        guard::value("configs", Pairs::new(), || to_pairs(&self.0.configs()))
    }

    fn source_offsets(&self, partitions: AbiVec<OffsetMap>) -> AbiResult<AbiVec<AbiOption<OffsetMap>>> {
        offsets(&partitions, |partitions| self.0.source_offsets(partitions))
    }

    fn defines_transactions(&self) -> bool {
        guard::value("defines_transactions", false, || self.0.defines_transactions())
    }
}

impl abi::SinkTaskContext for SinkTask {
    fn scope(&self) -> ScopeObject {
        scope(|| self.0.scope())
    }

    fn configs(&self) -> Pairs {
        guard::value("configs", Pairs::new(), || to_pairs(&self.0.configs()))
    }

    fn assignment(&self) -> AbiVec<TopicPartition> {
        guard::value("assignment", AbiVec::new(), || self.0.assignment().into())
    }

    fn rewind(&self, offsets: AbiVec<PartitionOffset>) {
        guard::value("rewind", (), || self.0.rewind(offsets.into()));
    }

    fn pause(&self, partitions: AbiVec<TopicPartition>) {
        guard::value("pause", (), || self.0.pause(partitions.into()));
    }

    fn resume(&self, partitions: AbiVec<TopicPartition>) {
        guard::value("resume", (), || self.0.resume(partitions.into()));
    }

    fn timeout(&self, milliseconds: u64) {
        guard::value("timeout", (), || self.0.timeout(milliseconds));
    }

    fn request_commit(&self) {
        guard::value("request_commit", (), || self.0.request_commit());
    }

    fn can_report(&self) -> bool {
        guard::value("can_report", false, || self.0.can_report())
    }

    fn report(&self, record: Record, error: AbiError) -> AbiResult<u64> {
        guard::answer("report", || self.0.scope().within(|| self.0.report(record, from_abi_error(&error))))
    }

    fn report_state(&self, ticket: u64, milliseconds: u64) -> ReportState {
        guard::value("report_state", ReportState::FAILED, || self.0.report_state(ticket, milliseconds))
    }
}
