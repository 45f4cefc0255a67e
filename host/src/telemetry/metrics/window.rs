//! Statistics over the recent past, computed as Kafka's sampled statistics are.
//!
//! The past is kept in a few samples of one window length each. A sample is dropped when nothing was recorded into it for
//! the whole monitored time (window × samples), so a statistic covers between that time less one window and a bit more.

use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// How far back statistics look: `metrics.sample.window.ms` and `metrics.num.samples`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WindowConfig {
    /// Length of one sample.
    pub window: Duration,
    /// How many samples make up the monitored time; at least 1.
    pub samples: u32,
}

impl Default for WindowConfig {
    fn default() -> Self {
        Self { window: Duration::from_secs(30), samples: 2 }
    }
}

/// Recorded values of the recent past. Recording takes a lock of its own for a few nanoseconds.
pub(super) struct Window {
    config: WindowConfig,
    samples: Mutex<Samples>,
}

/// What a window holds at one moment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Summary {
    /// Values recorded.
    pub(super) count: u64,
    /// How many of them were 1 or more, for counts of yes and no.
    pub(super) hits: u64,
    pub(super) sum: f64,
    /// `NaN` if nothing was recorded, as in Kafka.
    pub(super) min: f64,
    /// `NaN` if nothing was recorded, as in Kafka.
    pub(super) max: f64,
    /// The time that rates are taken over; at least 1 ms.
    pub(super) elapsed: Duration,
}

impl Summary {
    /// `NaN` if nothing was recorded, as in Kafka.
    pub(super) fn average(&self) -> f64 {
        self.sum / self.count as f64
    }

    pub(super) fn per_second(&self) -> f64 {
        self.sum / self.elapsed.as_secs_f64()
    }

    /// The share of values that were 1 or more; 0 if nothing was recorded.
    pub(super) fn hit_ratio(&self) -> f64 {
        if self.count == 0 { 0.0 } else { self.hits as f64 / self.count as f64 }
    }
}

#[derive(Default)]
struct Samples {
    ring: Vec<Sample>,
    current: usize,
}

#[derive(Clone, Copy)]
struct Sample {
    begin: Instant,
    last: Instant,
    count: u64,
    hits: u64,
    sum: f64,
    min: f64,
    max: f64,
}

impl Sample {
    fn new(now: Instant) -> Self {
        Self { begin: now, last: now, count: 0, hits: 0, sum: 0.0, min: f64::INFINITY, max: f64::NEG_INFINITY }
    }
}

impl Window {
    pub(super) fn new(config: WindowConfig) -> Self {
        Self { config, samples: Mutex::default() }
    }

    pub(super) fn record(&self, value: f64) {
        self.record_at(value, Instant::now());
    }

    pub(super) fn summary(&self) -> Summary {
        self.summary_at(Instant::now())
    }

    fn record_at(&self, value: f64, now: Instant) {
        let mut samples = self.samples.lock();
        let sample = samples.for_recording(&self.config, now);
        sample.last = now;
        sample.count += 1;
        sample.hits += u64::from(value >= 1.0);
        sample.sum += value;
        sample.min = sample.min.min(value);
        sample.max = sample.max.max(value);
    }

    fn summary_at(&self, now: Instant) -> Summary {
        let mut samples = self.samples.lock();
        let WindowConfig { window, samples: wanted } = self.config;
        for sample in &mut samples.ring {
            if now.saturating_duration_since(sample.last) >= window * wanted {
                *sample = Sample::new(now);
            }
        }
        let begin = samples.ring.iter().map(|sample| sample.begin).min().unwrap_or(now);
        let past = now.saturating_duration_since(begin);
        // A worker that has just started is taken to have been idle before, or its first records would look like a flood.
        let full = past.as_nanos() / window.as_nanos().max(1);
        let missing = u128::from(wanted.saturating_sub(1)).saturating_sub(full);
        let padding = window * u32::try_from(missing).unwrap_or(u32::MAX);
        let none = Summary {
            count: 0,
            hits: 0,
            sum: 0.0,
            min: f64::NAN,
            max: f64::NAN,
            elapsed: (past + padding).max(Duration::from_millis(1)),
        };
        samples.ring.iter().filter(|sample| sample.count > 0).fold(none, |all, sample| Summary {
            count: all.count + sample.count,
            hits: all.hits + sample.hits,
            sum: all.sum + sample.sum,
            // `min` and `max` prefer a number to `NaN`.
            min: all.min.min(sample.min),
            max: all.max.max(sample.max),
            elapsed: all.elapsed,
        })
    }
}

impl Samples {
    /// The sample for now; the oldest one is used anew when the current one is complete. One more than the configured
    /// number is kept, because the oldest may still overlap the monitored time.
    fn for_recording(&mut self, config: &WindowConfig, now: Instant) -> &mut Sample {
        let complete = |sample: &Sample| now.saturating_duration_since(sample.begin) >= config.window;
        if self.ring.is_empty() {
            self.ring.push(Sample::new(now));
        } else if complete(&self.ring[self.current]) {
            self.current = (self.current + 1) % (config.samples as usize + 1);
            if self.current == self.ring.len() {
                self.ring.push(Sample::new(now));
            } else {
                self.ring[self.current] = Sample::new(now);
            }
        }
        &mut self.ring[self.current]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn window() -> Window {
        Window::new(WindowConfig { window: 30 * SECOND, samples: 2 })
    }

    #[test]
    fn nothing_recorded_is_no_number() {
        let summary = window().summary_at(Instant::now());
        assert!(summary.average().is_nan() && summary.max.is_nan() && summary.min.is_nan());
        assert_eq!((summary.per_second(), summary.hit_ratio()), (0.0, 0.0));
    }

    #[test]
    fn the_first_window_counts_as_full() {
        let (window, begin) = (window(), Instant::now());
        window.record_at(60.0, begin);
        assert_eq!(window.summary_at(begin).per_second(), 2.0, "60 over 30 s, not over nothing");
        assert_eq!(window.summary_at(begin + 30 * SECOND).per_second(), 2.0);
        assert_eq!(window.summary_at(begin + 45 * SECOND).per_second(), 60.0 / 45.0);
    }

    #[test]
    fn old_samples_go() {
        let (window, begin) = (window(), Instant::now());
        window.record_at(9.0, begin);
        window.record_at(1.0, begin + 35 * SECOND);
        window.record_at(3.0, begin + 36 * SECOND);
        let both = window.summary_at(begin + 40 * SECOND);
        assert_eq!((both.count, both.min, both.max, both.average()), (3, 1.0, 9.0, 13.0 / 3.0));
        assert_eq!(both.per_second(), 13.0 / 40.0);
        let later = window.summary_at(begin + 61 * SECOND);
        assert_eq!((later.count, later.max, later.average()), (2, 3.0, 2.0));
        assert_eq!(window.summary_at(begin + 200 * SECOND).count, 0);
    }

    #[test]
    fn the_ring_does_not_grow() {
        let (window, begin) = (window(), Instant::now());
        for n in 0..100 {
            window.record_at(1.0, begin + n * 31 * SECOND);
        }
        assert_eq!(window.samples.lock().ring.len(), 3);
    }

    #[test]
    fn hits_are_a_share_of_all() {
        let (window, begin) = (window(), Instant::now());
        for value in [1.0, 0.0, 1.0, 1.0] {
            window.record_at(value, begin);
        }
        assert_eq!(window.summary_at(begin).hit_ratio(), 0.75);
    }
}
