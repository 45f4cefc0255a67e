//! What a sink plugin asks of its task: from any thread, to take effect before the next `put`.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use ferroconnect_plugin_abi::Text;
use ferroconnect_plugin_abi::record::{PartitionOffset, Record, TopicPartition};
use parking_lot::Mutex;

use crate::config::Props;
use crate::error::{ConnectError, Result};
use crate::plugins::api::{ReportState, Scope, SinkTaskContext};

use super::errant::ErrantReporter;
use super::sink_offsets::Partition;

/// What was asked for since the task's thread last looked.
#[derive(Default)]
pub(crate) struct Asked {
    pub(crate) rewind: Vec<(Partition, i64)>,
    pub(crate) pause: BTreeSet<Partition>,
    pub(crate) resume: BTreeSet<Partition>,
    /// The pause before a retry, once.
    pub(crate) timeout: Option<Duration>,
    pub(crate) commit: bool,
}

#[derive(Default)]
struct State {
    asked: Asked,
    assignment: Vec<TopicPartition>,
}

/// The context of one sink task.
pub(crate) struct SinkRequests {
    scope: Arc<Scope>,
    config: Arc<dyn Fn() -> Props + Send + Sync>,
    /// None = reports go nowhere.
    reporter: Option<ErrantReporter>,
    state: Mutex<State>,
}

impl SinkRequests {
    pub(crate) fn new(
        scope: Arc<Scope>,
        config: Arc<dyn Fn() -> Props + Send + Sync>,
        reporter: Option<ErrantReporter>,
    ) -> SinkRequests {
        SinkRequests { scope, config, reporter, state: Mutex::default() }
    }

    /// Takes what was asked for.
    pub(crate) fn take(&self) -> Asked {
        std::mem::take(&mut self.state.lock().asked)
    }

    /// Whether a commit was asked for; stays set until [`SinkRequests::take`].
    pub(crate) fn take_commit(&self) -> bool {
        std::mem::take(&mut self.state.lock().asked.commit)
    }

    /// The pause before a retry that was asked for, once.
    pub(crate) fn take_timeout(&self) -> Option<Duration> {
        self.state.lock().asked.timeout.take()
    }

    /// Tells plugins what is assigned.
    pub(crate) fn set_assignment<'a>(&self, partitions: impl Iterator<Item = &'a Partition>) {
        self.state.lock().assignment = partitions.map(to_abi).collect();
    }
}

/// A partition in the plugin's form.
pub(crate) fn to_abi((topic, partition): &Partition) -> TopicPartition {
    TopicPartition { topic: Text::from(&**topic), partition: *partition }
}

/// A partition in the host's form.
pub(crate) fn from_abi(partition: &TopicPartition) -> Partition {
    (Arc::from(partition.topic.as_str()), partition.partition)
}

impl SinkTaskContext for SinkRequests {
    fn scope(&self) -> Arc<Scope> {
        Arc::clone(&self.scope)
    }

    fn configs(&self) -> Props {
        (self.config)()
    }

    fn assignment(&self) -> Vec<TopicPartition> {
        self.state.lock().assignment.clone()
    }

    fn rewind(&self, offsets: Vec<PartitionOffset>) {
        let rewind = offsets.iter().map(|offset| ((Arc::from(offset.topic.as_str()), offset.partition), offset.offset));
        self.state.lock().asked.rewind.extend(rewind);
    }

    fn pause(&self, partitions: Vec<TopicPartition>) {
        let mut state = self.state.lock();
        for partition in partitions.iter().map(from_abi) {
            state.asked.resume.remove(&partition);
            state.asked.pause.insert(partition);
        }
    }

    fn resume(&self, partitions: Vec<TopicPartition>) {
        let mut state = self.state.lock();
        for partition in partitions.iter().map(from_abi) {
            state.asked.pause.remove(&partition);
            state.asked.resume.insert(partition);
        }
    }

    fn timeout(&self, milliseconds: u64) {
        self.state.lock().asked.timeout = Some(Duration::from_millis(milliseconds));
    }

    fn request_commit(&self) {
        self.state.lock().asked.commit = true;
    }

    fn can_report(&self) -> bool {
        self.reporter.is_some()
    }

    fn report(&self, record: Record, error: ConnectError) -> Result<u64> {
        match &self.reporter {
            Some(reporter) => reporter.report(&record, error).map(|ticket| ticket.0),
            None => Err(ConnectError::unsupported(
                "Nothing takes reports of bad records: neither errors.log.enable nor a dead-letter topic is configured",
            )
            .caused_by(error)),
        }
    }

    fn report_state(&self, ticket: u64, milliseconds: u64) -> ReportState {
        match &self.reporter {
            Some(reporter) => reporter.state(ticket, Duration::from_millis(milliseconds)),
            None => ReportState::FAILED,
        }
    }
}
