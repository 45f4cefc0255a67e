//! What the loops of tasks report, brought together per task. One call per batch, never per record.

use std::sync::Arc;
use std::time::Duration;

use crate::pipeline::{ErrorCounters, SinkCounts};
use crate::storage::TaskId;
use crate::telemetry::metrics::{
    MetricGroup, MetricValue, Registry, SinkTaskMetrics, SourceTaskMetrics, TaskMetrics, names,
};

/// What every task reports.
pub(crate) struct CommonMetrics {
    task: TaskMetrics,
    _errors: MetricGroup,
}

impl CommonMetrics {
    pub(crate) fn new(registry: &Registry, id: &TaskId, errors: &Arc<ErrorCounters>) -> CommonMetrics {
        let group = registry.group(
            names::ERROR_GROUP,
            &[(names::CONNECTOR_TAG, &id.connector), (names::TASK_TAG, &id.task.to_string())],
        );
        macro_rules! count {
            ($($template:ident = $field:ident),* $(,)?) => {$(
                let counters = Arc::clone(errors);
                group.read(&names::$template, move || MetricValue::Number(counters.snapshot().$field as f64));
            )*};
        }
        count!(
            TOTAL_RECORD_FAILURES = failures,
            TOTAL_RECORD_ERRORS = errors,
            TOTAL_RECORDS_SKIPPED = skipped,
            TOTAL_RETRIES = retries,
            TOTAL_ERRORS_LOGGED = logged,
            DEADLETTERQUEUE_PRODUCE_REQUESTS = dead_letters,
            DEADLETTERQUEUE_PRODUCE_FAILURES = dead_letter_failures,
            LAST_ERROR_TIMESTAMP = last_error,
        );
        CommonMetrics { task: TaskMetrics::new(registry, &id.connector, id.task), _errors: group }
    }

    /// The task is now in this state, given by its upper-case name.
    pub(crate) fn state(&self, state: &'static str) {
        self.task.state(state);
    }

    /// Storing offsets has ended, after this time.
    pub(crate) fn committed(&self, time: Duration, succeeded: bool) {
        self.task.commit(time, succeeded);
    }
}

/// What a source task's loop reports.
pub(crate) struct SourceMetrics {
    common: Arc<CommonMetrics>,
    source: SourceTaskMetrics,
    /// Records that Kafka has acknowledged, as of the last report.
    written: u64,
}

impl SourceMetrics {
    pub(crate) fn new(registry: &Registry, id: &TaskId, common: Arc<CommonMetrics>) -> SourceMetrics {
        SourceMetrics { common, source: SourceTaskMetrics::new(registry, &id.connector, id.task), written: 0 }
    }

    /// The plugin gave so many records and took so long for them.
    pub(crate) fn polled(&self, records: usize, time: Duration) {
        if records > 0 {
            self.source.polled(records, time);
            self.common.task.batch(records);
        }
    }

    /// Records that a transform or the error policy took out of a batch.
    pub(crate) fn skipped(&self, records: usize) {
        if records > 0 {
            self.source.finished(0, records);
        }
    }

    /// Kafka has acknowledged so many records in all.
    pub(crate) fn written(&mut self, total: u64) {
        let new = total - self.written;
        if new > 0 {
            self.source.finished(usize::try_from(new).unwrap_or(usize::MAX), 0);
            self.written = total;
        }
    }
}

/// What a sink task's loop reports.
pub(crate) struct SinkMetrics {
    common: Arc<CommonMetrics>,
    sink: SinkTaskMetrics,
    commits: u64,
}

impl SinkMetrics {
    pub(crate) fn new(registry: &Registry, id: &TaskId, common: Arc<CommonMetrics>) -> SinkMetrics {
        SinkMetrics { common, sink: SinkTaskMetrics::new(registry, &id.connector, id.task), commits: 0 }
    }

    /// So many messages came from Kafka; `left_out` were filtered or skipped.
    pub(crate) fn read(&self, messages: usize, left_out: SinkCounts) {
        self.sink.read(messages);
        self.common.task.batch(messages - (left_out.filtered + left_out.skipped).min(messages));
    }

    /// The plugin has taken so many records and needed so long.
    pub(crate) fn put(&self, records: usize, time: Duration) {
        self.sink.put(records, time);
    }

    /// So many partitions are assigned.
    pub(crate) fn assigned(&self, partitions: usize) {
        self.sink.partitions(partitions);
    }

    /// Records consumed beyond the committed offsets.
    pub(crate) fn active(&self, records: u64) {
        self.sink.active(records);
    }

    /// Kafka has taken a commit.
    pub(crate) fn committed(&mut self, time: Duration) {
        self.commits += 1;
        self.sink.commit_begins(self.commits);
        self.sink.commit_succeeded();
        self.common.committed(time, true);
    }

    /// A commit failed, in the plugin or in Kafka.
    pub(crate) fn commit_failed(&mut self, time: Duration) {
        self.commits += 1;
        self.sink.commit_begins(self.commits);
        self.common.committed(time, false);
    }
}
