//! Durations, counted by length.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The upper ends of the buckets, in seconds. Batches take from microseconds in a fast stage to the time-out of a slow
/// sink. Each bucket is a line per task and stage for whoever reads the metrics, so there are few.
const BOUNDS: [f64; 9] = [0.0001, 0.001, 0.005, 0.02, 0.1, 0.5, 2.0, 10.0, 60.0];

/// Counts durations by length. Cheap to clone; clones count together. Recording is two atomic additions.
#[derive(Clone, Default)]
pub struct Histogram(Arc<Inner>);

#[derive(Default)]
struct Inner {
    /// The last one is for what is longer than all bounds.
    buckets: [AtomicU64; BOUNDS.len() + 1],
    nanos: AtomicU64,
}

/// What a histogram holds at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Distribution {
    /// Upper end of each bucket in seconds, and how many durations were at most so long. The last end is infinite.
    pub buckets: Vec<(f64, u64)>,
    /// All durations together, in seconds.
    pub sum: f64,
}

impl Distribution {
    /// How many durations were recorded.
    pub fn count(&self) -> u64 {
        self.buckets.last().map_or(0, |(_, count)| *count)
    }
}

impl Histogram {
    /// Records that something took so long.
    pub fn record(&self, time: Duration) {
        let seconds = time.as_secs_f64();
        let bucket = BOUNDS.partition_point(|bound| *bound < seconds);
        self.0.buckets[bucket].fetch_add(1, Ordering::Relaxed);
        let nanos = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        self.0.nanos.fetch_add(nanos, Ordering::Relaxed);
    }

    pub(super) fn distribution(&self) -> Distribution {
        let mut total = 0;
        let mut so_far = |bucket: &AtomicU64| {
            total += bucket.load(Ordering::Relaxed);
            total
        };
        let ends = BOUNDS.into_iter().chain([f64::INFINITY]);
        let buckets = ends.zip(&self.0.buckets).map(|(end, bucket)| (end, so_far(bucket))).collect();
        Distribution { buckets, sum: Duration::from_nanos(self.0.nanos.load(Ordering::Relaxed)).as_secs_f64() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_bucket_counts_what_is_at_most_so_long() {
        let histogram = Histogram::default();
        for millis in [1, 3, 500, 90_000] {
            histogram.record(Duration::from_millis(millis));
        }
        let found = histogram.distribution();
        let counts: Vec<u64> = found.buckets.iter().map(|(_, count)| *count).collect();
        assert_eq!(counts, [0, 1, 2, 2, 2, 3, 3, 3, 3, 4], "a bound belongs to its own bucket");
        assert_eq!((found.count(), found.sum), (4, 90.504));
        assert_eq!(found.buckets.last().map(|(end, _)| *end), Some(f64::INFINITY));
    }
}
