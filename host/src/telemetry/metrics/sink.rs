//! Metrics of a sink task.

use std::sync::Arc;
use std::time::Duration;

use super::names;
use super::registry::{Counter, Gauge, MetricGroup, Registry};
use super::source::millis;
use super::window::{Summary, Window};

/// What a sink task's loop reports. Gone from the registry when dropped.
pub struct SinkTaskMetrics {
    read_rate: Arc<Window>,
    read_total: Counter,
    send_rate: Arc<Window>,
    send_total: Counter,
    put_time: Arc<Window>,
    active: Gauge,
    active_window: Arc<Window>,
    partitions: Gauge,
    sequence: Gauge,
    completion_rate: Arc<Window>,
    completion_total: Counter,
    skip_rate: Arc<Window>,
    skip_total: Counter,
    _group: MetricGroup,
}

impl SinkTaskMetrics {
    /// Registers the metrics of one task.
    pub fn new(registry: &Registry, connector: &str, task: u32) -> Self {
        let tags = [(names::CONNECTOR_TAG, connector), (names::TASK_TAG, &task.to_string())];
        let group = registry.group(names::SINK_TASK_GROUP, &tags);
        Self {
            read_rate: group.window(&[(&names::SINK_RECORD_READ_RATE, Summary::per_second)]),
            read_total: group.counter(&names::SINK_RECORD_READ_TOTAL),
            send_rate: group.window(&[(&names::SINK_RECORD_SEND_RATE, Summary::per_second)]),
            send_total: group.counter(&names::SINK_RECORD_SEND_TOTAL),
            put_time: group.window(&[
                (&names::PUT_BATCH_MAX_TIME, |time| time.max),
                (&names::PUT_BATCH_AVG_TIME, Summary::average),
            ]),
            active: group.gauge(&names::SINK_RECORD_ACTIVE_COUNT),
            active_window: group.window(&[
                (&names::SINK_RECORD_ACTIVE_COUNT_MAX, |count| count.max),
                (&names::SINK_RECORD_ACTIVE_COUNT_AVG, Summary::average),
            ]),
            partitions: group.gauge(&names::PARTITION_COUNT),
            sequence: group.gauge(&names::OFFSET_COMMIT_SEQ_NO),
            completion_rate: group.window(&[(&names::OFFSET_COMMIT_COMPLETION_RATE, Summary::per_second)]),
            completion_total: group.counter(&names::OFFSET_COMMIT_COMPLETION_TOTAL),
            skip_rate: group.window(&[(&names::OFFSET_COMMIT_SKIP_RATE, Summary::per_second)]),
            skip_total: group.counter(&names::OFFSET_COMMIT_SKIP_TOTAL),
            _group: group,
        }
    }

    /// A batch came from Kafka.
    pub fn read(&self, records: usize) {
        self.read_rate.record(records as f64);
        self.read_total.add(records as f64);
    }

    /// The plugin has accepted a batch and took `time` for it.
    pub fn put(&self, records: usize, time: Duration) {
        self.send_rate.record(records as f64);
        self.send_total.add(records as f64);
        self.put_time.record(millis(time));
    }

    /// How many records were consumed beyond the committed offsets, all partitions together.
    pub fn active(&self, records: u64) {
        self.active.set(i64::try_from(records).unwrap_or(i64::MAX));
        self.active_window.record(records as f64);
    }

    /// The assignment has changed.
    pub fn partitions(&self, count: usize) {
        self.partitions.set(i64::try_from(count).unwrap_or(i64::MAX));
    }

    /// An offset commit with this sequence number begins.
    pub fn commit_begins(&self, sequence: u64) {
        self.sequence.set(i64::try_from(sequence).unwrap_or(i64::MAX));
    }

    /// Kafka has taken an offset commit.
    pub fn commit_succeeded(&self) {
        self.completion_rate.record(1.0);
        self.completion_total.increment();
    }

    /// The answer to an offset commit came too late to count.
    pub fn commit_skipped(&self) {
        self.skip_rate.record(1.0);
        self.skip_total.increment();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::metrics::MetricValue;

    #[test]
    fn a_sink_s_numbers_are_found_under_their_names() {
        let registry = Registry::default();
        let metrics = SinkTaskMetrics::new(&registry, "c", 3);
        metrics.read(7);
        metrics.put(5, Duration::from_micros(500));
        metrics.active(7);
        metrics.active(2);
        metrics.partitions(4);
        metrics.commit_begins(9);
        metrics.commit_succeeded();
        metrics.commit_skipped();
        let expected = [
            (&names::SINK_RECORD_READ_TOTAL, 7.0),
            (&names::SINK_RECORD_SEND_TOTAL, 5.0),
            (&names::PUT_BATCH_MAX_TIME, 0.5),
            (&names::SINK_RECORD_ACTIVE_COUNT, 2.0),
            (&names::SINK_RECORD_ACTIVE_COUNT_MAX, 7.0),
            (&names::PARTITION_COUNT, 4.0),
            (&names::OFFSET_COMMIT_SEQ_NO, 9.0),
            (&names::OFFSET_COMMIT_COMPLETION_TOTAL, 1.0),
            (&names::OFFSET_COMMIT_SKIP_TOTAL, 1.0),
        ];
        for (template, value) in expected {
            let found = registry.value(template, &[("connector", "c"), ("task", "3")]);
            assert_eq!(found, Some(MetricValue::Number(value)), "{}", template.name);
        }
        let all = names::ALL.iter().filter(|metric| metric.group == names::SINK_TASK_GROUP).count();
        assert_eq!(registry.snapshot().count(), all, "every metric of the group is there");
    }
}
