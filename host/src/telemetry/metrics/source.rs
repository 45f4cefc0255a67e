//! Metrics of a source task.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::names;
use super::registry::{Counter, MetricGroup, MetricValue, Registry};
use super::window::{Summary, Window};

/// What a source task's loop reports. Gone from the registry when dropped.
pub struct SourceTaskMetrics {
    poll_rate: Arc<Window>,
    poll_total: Counter,
    write_rate: Arc<Window>,
    write_total: Counter,
    poll_time: Arc<Window>,
    active: Arc<AtomicU64>,
    active_window: Arc<Window>,
    transaction_size: Arc<Window>,
    _group: MetricGroup,
}

impl SourceTaskMetrics {
    /// Registers the metrics of one task.
    pub fn new(registry: &Registry, connector: &str, task: u32) -> Self {
        let tags = [(names::CONNECTOR_TAG, connector), (names::TASK_TAG, &task.to_string())];
        let group = registry.group(names::SOURCE_TASK_GROUP, &tags);
        let active = Arc::new(AtomicU64::new(0));
        let read = Arc::clone(&active);
        group
            .read(&names::SOURCE_RECORD_ACTIVE_COUNT, move || MetricValue::Number(read.load(Ordering::Relaxed) as f64));
        Self {
            poll_rate: group.window(&[(&names::SOURCE_RECORD_POLL_RATE, Summary::per_second)]),
            poll_total: group.counter(&names::SOURCE_RECORD_POLL_TOTAL),
            write_rate: group.window(&[(&names::SOURCE_RECORD_WRITE_RATE, Summary::per_second)]),
            write_total: group.counter(&names::SOURCE_RECORD_WRITE_TOTAL),
            poll_time: group.window(&[
                (&names::POLL_BATCH_MAX_TIME, |time| time.max),
                (&names::POLL_BATCH_AVG_TIME, Summary::average),
            ]),
            active_window: group.window(&[
                (&names::SOURCE_RECORD_ACTIVE_COUNT_MAX, |count| count.max),
                (&names::SOURCE_RECORD_ACTIVE_COUNT_AVG, Summary::average),
            ]),
            transaction_size: group.window(&[
                (&names::TRANSACTION_SIZE_MIN, |size| size.min),
                (&names::TRANSACTION_SIZE_MAX, |size| size.max),
                (&names::TRANSACTION_SIZE_AVG, Summary::average),
            ]),
            active,
            _group: group,
        }
    }

    /// The plugin gave a batch of `records` and took `time` for it.
    pub fn polled(&self, records: usize, time: Duration) {
        self.poll_rate.record(records as f64);
        self.poll_total.add(records as f64);
        self.poll_time.record(millis(time));
        let before = self.active.fetch_add(records as u64, Ordering::Relaxed);
        self.active_window.record((before + records as u64) as f64);
    }

    /// Records have left the task's hands: Kafka has acknowledged `written` of them, `skipped` were dropped by a transform
    /// or by the error policy. May be called from a delivery thread; once per batch is enough.
    pub fn finished(&self, written: usize, skipped: usize) {
        self.write_rate.record(written as f64);
        self.write_total.add(written as f64);
        let done = (written + skipped) as u64;
        let less = |active: u64| Some(active.saturating_sub(done));
        let before = match self.active.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less) {
            Ok(before) | Err(before) => before,
        };
        self.active_window.record(before.saturating_sub(done) as f64);
    }

    /// A transaction of `records` was committed (KIP-618).
    pub fn transaction(&self, records: usize) {
        self.transaction_size.record(records as f64);
    }
}

/// Kafka's metrics count whole milliseconds; fractions are kept here, since fast tasks would show only zeros.
pub(super) fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn active_records_are_those_neither_written_nor_skipped() {
        let registry = Registry::default();
        let metrics = SourceTaskMetrics::new(&registry, "c", 0);
        let value = |template| match registry.value(template, &[("connector", "c"), ("task", "0")]) {
            Some(MetricValue::Number(number)) => number,
            other => panic!("{other:?}"),
        };
        metrics.polled(10, Duration::from_millis(4));
        metrics.polled(20, Duration::from_millis(2));
        metrics.finished(15, 5);
        assert_eq!(value(&names::SOURCE_RECORD_POLL_TOTAL), 30.0);
        assert_eq!(value(&names::SOURCE_RECORD_WRITE_TOTAL), 15.0);
        assert_eq!(value(&names::SOURCE_RECORD_ACTIVE_COUNT), 10.0);
        assert_eq!(value(&names::SOURCE_RECORD_ACTIVE_COUNT_MAX), 30.0);
        assert_eq!(value(&names::POLL_BATCH_MAX_TIME), 4.0);
        assert_eq!(value(&names::POLL_BATCH_AVG_TIME), 3.0);
        let rate = value(&names::SOURCE_RECORD_POLL_RATE);
        assert!((0.9..=1.0).contains(&rate), "30 records over 30 s: {rate}");
        assert!(value(&names::TRANSACTION_SIZE_AVG).is_nan());
        metrics.finished(100, 0);
        assert_eq!(value(&names::SOURCE_RECORD_ACTIVE_COUNT), 0.0);
        drop(metrics);
        assert_eq!(registry.snapshot().count(), 0);
    }
}
