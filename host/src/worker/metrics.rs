//! What the loops of tasks report, brought together per task. One call per batch, never per record.

use std::any::Any;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use crate::pipeline::{ErrorCounters, PipelineTimes, SinkCounts};
use crate::storage::TaskId;
use crate::telemetry::metrics::{
    EndOf, Gauge, MetricGroup, MetricValue, Registry, SinkTaskMetrics, SourceTaskMetrics, StageTimes, TaskMetrics,
    TaskStage, names,
};

use super::sink_offsets::Partition;

/// What every task reports. Whoever holds this keeps all metrics of the task: those of one that has failed stay until it
/// is stopped, as in Kafka Connect.
pub(crate) struct CommonMetrics {
    task: TaskMetrics,
    stages: StageTimes,
    _errors: MetricGroup,
    /// What only tasks of one direction report.
    direction: OnceLock<(Box<dyn Any + Send + Sync>, MetricGroup)>,
    plugins: OnceLock<Vec<MetricGroup>>,
}

impl CommonMetrics {
    pub(crate) fn new(
        registry: &Registry,
        id: &TaskId,
        errors: &Arc<ErrorCounters>,
        stages: &[TaskStage],
    ) -> CommonMetrics {
        let group = registry.group(
            names::ERROR_GROUP,
            &[(names::CONNECTOR_TAG, &id.connector), (names::TASK_TAG, &id.task.to_string())],
        );
        macro_rules! count {
            ($($template:ident = $field:ident),* $(,)?) => {$(
                let counters = Arc::clone(errors);
                group.read_total(&names::$template, move || counters.snapshot().$field as f64);
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
        );
        let counters = Arc::clone(errors);
        group.read(&names::LAST_ERROR_TIMESTAMP, move || MetricValue::Number(counters.snapshot().last_error as f64));
        CommonMetrics {
            task: TaskMetrics::new(registry, &id.connector, id.task),
            stages: StageTimes::new(registry, &id.connector, id.task, stages),
            _errors: group,
            direction: OnceLock::new(),
            plugins: OnceLock::new(),
        }
    }

    /// What the task is made of.
    pub(crate) fn task(&self) -> &TaskMetrics {
        &self.task
    }

    /// Keeps what was registered about the task's transforms and predicates.
    pub(crate) fn keep(&self, plugins: Vec<MetricGroup>) {
        // A task is described once.
        let _only = self.plugins.set(plugins);
    }

    /// The task is now in this state, given by its upper-case name.
    pub(crate) fn state(&self, state: &'static str) {
        self.task.state(state);
    }

    /// Storing offsets has ended, after this time.
    pub(crate) fn committed(&self, time: Duration, succeeded: bool) {
        self.task.commit(time, succeeded);
        self.stages.record(TaskStage::Commit, time);
    }

    /// A batch went through transforms and converters.
    fn processed(&self, times: PipelineTimes) {
        self.stages.record(TaskStage::Transform, times.transform);
        self.stages.record(TaskStage::Convert, times.convert);
    }

    /// The group for what is specific to this worker, of one task.
    fn own_group(registry: &Registry, id: &TaskId) -> MetricGroup {
        let task = id.task.to_string();
        registry.group(names::OWN_GROUP, &[(names::CONNECTOR_TAG, &id.connector), (names::TASK_TAG, &task)])
    }
}

/// What a source task's loop reports.
pub(crate) struct SourceMetrics {
    common: Arc<CommonMetrics>,
    source: Arc<SourceTaskMetrics>,
    /// Records that Kafka has acknowledged, as of the last report.
    written: u64,
}

impl SourceMetrics {
    /// `queued_bytes` tells what the producer holds; it is asked by whoever reads the metrics.
    pub(crate) fn new(
        registry: &Registry,
        id: &TaskId,
        common: Arc<CommonMetrics>,
        queued_bytes: impl Fn() -> u64 + Send + Sync + 'static,
    ) -> SourceMetrics {
        let source = Arc::new(SourceTaskMetrics::new(registry, &id.connector, id.task));
        let group = CommonMetrics::own_group(registry, id);
        group.read(&names::PRODUCER_QUEUE_BYTES, move || MetricValue::Number(queued_bytes() as f64));
        // A task has one direction.
        let _only = common.direction.set((Box::new(Arc::clone(&source)), group));
        SourceMetrics { common, source, written: 0 }
    }

    /// The plugin gave so many records and took so long for them.
    pub(crate) fn polled(&self, records: usize, time: Duration) {
        if records > 0 {
            self.source.polled(records, time);
            self.common.task.batch(records);
            self.common.stages.record(TaskStage::Poll, time);
        }
    }

    /// A batch was given to the producer; `whole` is the time since it was polled.
    pub(crate) fn sent(&self, whole: Duration, times: PipelineTimes) {
        self.common.processed(times);
        self.common.stages.record(TaskStage::Send, whole.saturating_sub(times.transform + times.convert));
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
    sink: Arc<SinkTaskMetrics>,
    queued: Gauge,
    commits: u64,
}

impl SinkMetrics {
    /// `end_of` is asked by whoever reads the metrics.
    pub(crate) fn new(registry: &Registry, id: &TaskId, common: Arc<CommonMetrics>, end_of: EndOf) -> SinkMetrics {
        let sink = Arc::new(SinkTaskMetrics::new(registry, &id.connector, id.task, end_of));
        let group = CommonMetrics::own_group(registry, id);
        let queued = group.gauge(&names::CONSUMER_QUEUE_RECORDS);
        // A task has one direction.
        let _only = common.direction.set((Box::new(Arc::clone(&sink)), group));
        SinkMetrics { common, sink, queued, commits: 0 }
    }

    /// Kafka was waited so long for records that came.
    pub(crate) fn polled(&self, time: Duration) {
        self.common.stages.record(TaskStage::Poll, time);
    }

    /// The next offset for the plugin in each partition, in their order; `None` = not known.
    pub(crate) fn positions(&self, positions: impl Iterator<Item = Option<i64>>) {
        self.sink.positions(positions);
    }

    /// So many fetched records wait in the consumer.
    pub(crate) fn queued(&self, records: usize) {
        self.queued.set(i64::try_from(records).unwrap_or(i64::MAX));
    }

    /// So many messages were made into records; `left_out` were filtered or skipped.
    pub(crate) fn read(&self, messages: usize, left_out: SinkCounts, times: PipelineTimes) {
        self.common.processed(times);
        self.sink.read(messages);
        self.common.task.batch(messages - (left_out.filtered + left_out.skipped).min(messages));
    }

    /// The plugin has taken so many records and needed so long.
    pub(crate) fn put(&self, records: usize, time: Duration) {
        self.sink.put(records, time);
        self.common.stages.record(TaskStage::Put, time);
    }

    /// These partitions are assigned now.
    pub(crate) fn assigned<'a>(&self, partitions: impl Iterator<Item = &'a Partition> + Clone) {
        self.sink.partitions(partitions.clone().count());
        self.sink.assign(partitions.cloned());
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
