//! From the first record at the destination to the last.

use crate::usage;
use std::thread;
use std::time::{Duration, Instant};

/// How records arrived, and what the process that moved them needed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Arrival {
    /// Records a second, between the first and the last arrival.
    pub(crate) rate: f64,
    /// CPU seconds of the process, from the beginning to the last arrival.
    pub(crate) cpu: f64,
    /// Its most resident memory, megabytes.
    pub(crate) peak: f64,
}

/// Who is watched, and how.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Watch {
    /// The process.
    pub(crate) pid: u32,
    /// How many records are to arrive.
    pub(crate) records: u64,
    /// How often the destination is looked at.
    pub(crate) look: Duration,
    /// No run may take longer.
    pub(crate) patience: Duration,
}

impl Watch {
    /// Begins, and counts at the destination until all records are there.
    ///
    /// # Panics
    /// If they do not all arrive in time.
    pub(crate) fn until_all(self, mut count: impl FnMut() -> u64, begin: impl FnOnce()) -> Arrival {
        let before = usage::of(self.pid).cpu;
        let called = Instant::now();
        begin();
        let mut first = None;
        loop {
            // A plain loop ends as soon as everything is acknowledged, so its usage is taken before each look.
            let used = usage::of(self.pid);
            let arrived = count();
            let now = Instant::now();
            if arrived >= self.records {
                let (begun, had) = first.unwrap_or((called, 0));
                let rate = (self.records - had) as f64 / (now - begun).as_secs_f64();
                return Arrival { rate, cpu: used.cpu - before, peak: used.peak };
            }
            if arrived > 0 && first.is_none() {
                first = Some((now, arrived));
            }
            assert!(called.elapsed() < self.patience, "only {arrived} of {} records arrived", self.records);
            thread::sleep(self.look);
        }
    }
}
