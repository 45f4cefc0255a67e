//! When a source task hands the next batch to its producer, and when it waits for acknowledgements first.
//!
//! An idempotent producer of librdkafka sends nothing more to a partition while five records are on their way to it.
//! If others have lingered long enough meanwhile, the thread of that broker asks again and again, without a pause,
//! whether it may send them. A broker that takes seconds to answer, after a restart for instance, would cost the worker
//! all its processors: with a thousand tasks on the machine of the broker neither got well again. So records are
//! handed over in bursts that are as long as records linger anyway, and the next burst waits for the one before. Nothing
//! is lost by that: what waits here would wait there.

use std::time::{Duration, Instant};

/// As many records on the way keep a partition from sending (`RD_KAFKA_IDEMP_MAX_INFLIGHT` in librdkafka).
const BLOCKING: usize = 5;

/// A burst lasts at least so long, so that a producer that does not linger still sends more than a batch at once.
const SHORTEST_BURST: Duration = Duration::from_millis(4);

/// Belongs to the thread of one task.
#[derive(Debug)]
pub(crate) struct Pace {
    burst: Duration,
    /// When the burst began: its first records are sent when they have lingered, and take those that follow with them.
    began: Option<Instant>,
}

impl Pace {
    /// `linger` is the producer's `linger.ms`.
    pub(crate) fn new(linger: Duration) -> Pace {
        // A little less, since records take a moment from here to the producer.
        Pace { burst: (linger * 4 / 5).max(SHORTEST_BURST), began: None }
    }

    /// Whether to wait for acknowledgements before more is handed over. `in_flight` counts the records whose reports
    /// have not been fetched.
    pub(crate) fn holds(&mut self, in_flight: usize, now: Instant) -> bool {
        if self.began.is_some_and(|began| now.duration_since(began) < self.burst) {
            return false;
        }
        if in_flight >= BLOCKING {
            return true;
        }
        self.began = Some(now);
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn a_burst_ends_when_its_first_records_are_sent_and_the_next_begins_when_they_have_arrived() {
        let start = Instant::now();
        let mut pace = Pace::new(MS * 20);
        assert!(!pace.holds(0, start));
        assert!(!pace.holds(4, start + MS * 5), "the same burst");
        assert!(!pace.holds(4000, start + MS * 15));
        assert!(pace.holds(6000, start + MS * 16));
        assert!(pace.holds(5, start + MS * 500), "some have not arrived");

        assert!(!pace.holds(4, start + MS * 501));
        assert!(!pace.holds(2000, start + MS * 516), "a new burst");
        assert!(pace.holds(2000, start + MS * 517));
    }

    #[test]
    fn a_record_now_and_then_waits_as_well_when_five_are_on_their_way() {
        let start = Instant::now();
        let mut pace = Pace::new(MS * 5);
        let held = (0..8).map(|sent| pace.holds(sent, start + MS * 1000 * sent as u32)).collect::<Vec<_>>();
        assert_eq!(held, [false, false, false, false, false, true, true, true]);
    }

    #[test]
    fn a_producer_that_does_not_linger_has_bursts_all_the_same() {
        let start = Instant::now();
        let mut pace = Pace::new(Duration::ZERO);
        assert!(!pace.holds(0, start));
        assert!(!pace.holds(10, start + MS * 3));
        assert!(pace.holds(10, start + MS * 4));
    }
}
