//! Keeps a source at a number of records per second.

use ferroconnect_plugin_sdk::StopSignal;
use std::time::{Duration, Instant};

/// The longest wait within one call.
const WAIT: Duration = Duration::from_secs(1);

/// Says how many records are due. Below zero records per second = as many as possible; zero = none, ever.
#[derive(Debug)]
pub(crate) struct Throttle {
    start: Instant,
    per_second: i64,
    given: u64,
}

impl Throttle {
    pub(crate) fn new(per_second: i64) -> Throttle {
        Throttle { start: Instant::now(), per_second, given: 0 }
    }

    /// How many records to make now, at most so many. Waits up to a second for the first; zero if none is due by then
    /// or the task should stop.
    pub(crate) fn allow(&mut self, most: usize, stop: &StopSignal) -> usize {
        if self.per_second < 0 {
            return most;
        }
        let mut due = self.due(self.start.elapsed());
        if due == 0 {
            let next = Duration::from_secs_f64((self.given as f64 / self.per_second as f64).min(u32::MAX.into()));
            if stop.wait_or_stop(next.saturating_sub(self.start.elapsed()).min(WAIT)) {
                return 0;
            }
            due = self.due(self.start.elapsed());
        }
        let allowed = due.min(most as u64);
        self.given += allowed;
        allowed as usize
    }

    /// The first record is due at once, the others at even distances.
    fn due(&self, elapsed: Duration) -> u64 {
        if self.per_second <= 0 {
            return 0;
        }
        let should = (elapsed.as_secs_f64() * self.per_second as f64) as u64 + 1;
        should.saturating_sub(self.given)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_become_due_at_even_distances() {
        let mut throttle = Throttle::new(10);
        assert_eq!(throttle.due(Duration::ZERO), 1);
        assert_eq!(throttle.due(Duration::from_millis(250)), 3);
        throttle.given = 3;
        assert_eq!(throttle.due(Duration::from_millis(250)), 0);
        assert_eq!(throttle.due(Duration::from_secs(2)), 18);
    }

    #[test]
    fn a_rate_below_zero_is_no_limit_and_zero_is_none() {
        let stop = StopSignal::default();
        assert_eq!(Throttle::new(-1).allow(500, &stop), 500);
        stop.stop();
        assert_eq!(Throttle::new(0).allow(500, &stop), 0);
    }

    #[test]
    fn waits_for_the_next_record() {
        let (mut throttle, stop) = (Throttle::new(100), StopSignal::default());
        let mut given = 0;
        while given < 5 {
            given += throttle.allow(1, &stop);
        }
        assert!(throttle.start.elapsed() >= Duration::from_millis(40));
    }
}
