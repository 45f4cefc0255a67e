//! Metrics of a sink task.

use std::sync::Arc;
use std::time::Duration;

use super::lag::{EndOf, Lags};
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
    lags: Lags,
    _group: MetricGroup,
}

impl SinkTaskMetrics {
    /// Registers the metrics of one task. `end_of` is asked by whoever reads the metrics.
    pub fn new(registry: &Registry, connector: &str, task: u32, end_of: EndOf) -> Self {
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
            lags: Lags::new(registry, &group, connector, task, end_of),
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

    /// These are the partitions of the task now.
    pub fn assign(&self, partitions: impl Iterator<Item = (Arc<str>, i32)>) {
        self.lags.assign(partitions);
    }

    /// The next offset for the plugin in each partition, in the order of the assignment; `None` = not known.
    pub fn positions(&self, positions: impl Iterator<Item = Option<i64>>) {
        self.lags.positions(positions);
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
    use std::sync::atomic::{AtomicI64, Ordering};

    #[test]
    fn lags_come_and_go_with_partitions_and_follow_their_ends() {
        let registry = Registry::default();
        // The end of partition 0 moves, that of 2 is not known.
        let end = Arc::new(AtomicI64::new(10));
        let moving = Arc::clone(&end);
        let end_of: EndOf = Arc::new(move |topic, partition| match (topic, partition) {
            ("t", 0) => Some(moving.load(Ordering::Relaxed)),
            ("t", 1) => Some(100),
            _ => None,
        });
        let metrics = SinkTaskMetrics::new(&registry, "c", 3, end_of);
        let task = [("connector", "c"), ("task", "3")];
        let lag = |partition: &str| {
            let tags = [task[0], task[1], ("topic", "t"), ("partition", partition)];
            registry.value(&names::SINK_PARTITION_LAG, &tags)
        };
        let highest = || registry.value(&names::SINK_RECORD_LAG_MAX, &task);
        let unknown = |value: Option<MetricValue>| matches!(value, Some(MetricValue::Number(n)) if n.is_nan());
        assert!(unknown(highest()) && lag("0").is_none());
        let topic: Arc<str> = "t".into();
        metrics.assign([0, 1, 2].map(|partition| (Arc::clone(&topic), partition)).into_iter());
        assert!(unknown(highest()) && unknown(lag("0")), "nothing was read yet");
        metrics.positions([Some(4), None, Some(7)].into_iter());
        assert_eq!((lag("0"), highest()), (Some(6.0.into()), Some(6.0.into())));
        assert!(unknown(lag("1")) && unknown(lag("2")));
        end.store(54, Ordering::Relaxed);
        assert_eq!(lag("0"), Some(50.0.into()), "the task need not do anything for its lag to grow");
        metrics.positions([Some(54), Some(1)].into_iter());
        assert_eq!((lag("0"), lag("1"), highest()), (Some(0.0.into()), Some(99.0.into()), Some(99.0.into())));
        // The log was cut off.
        end.store(2, Ordering::Relaxed);
        assert_eq!(lag("0"), Some(0.0.into()));
        metrics.assign([(topic, 1)].into_iter());
        assert!(lag("0").is_none() && unknown(lag("1")));
        drop(metrics);
        assert_eq!(registry.snapshot().count(), 0);
    }

    #[test]
    fn a_sink_s_numbers_are_found_under_their_names() {
        let registry = Registry::default();
        let metrics = SinkTaskMetrics::new(&registry, "c", 3, Arc::new(|_, _| None));
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
