//! When a source task hands the next batch to its producer, and when it waits for acknowledgements first.
//!
//! An idempotent producer of librdkafka sends nothing more to a partition while five records are on their way to it.
//! If others have lingered long enough meanwhile, the thread of that broker asks again and again, without a pause,
//! whether it may send them. A broker that takes seconds to answer, after a restart for instance, would cost the worker
//! all its processors: with a thousand tasks on the machine of the broker neither got well again. So records are
//! handed over in bursts that are as long as records linger anyway, and the next burst waits for the one before.
//!
//! A source that has much to give is worth a thread that asks: it hands over without waiting, so that a long way to the
//! broker does not slow it down, as long as acknowledgements come at all.

use std::time::{Duration, Instant};

/// As many records on the way keep a partition from sending (`RD_KAFKA_IDEMP_MAX_INFLIGHT` in librdkafka).
const BLOCKING: usize = 5;

/// A burst lasts at least so long, so that a producer that does not linger still sends more than a batch at once.
const SHORTEST_BURST: Duration = Duration::from_millis(4);

/// A source that gives so many records in a burst has much to give.
const MANY: usize = 500;

/// A broker that has acknowledged nothing for so long does not keep up.
const SILENCE: Duration = Duration::from_millis(100);

/// Belongs to the thread of one task.
#[derive(Debug)]
pub(crate) struct Pace {
    burst: Duration,
    /// When the burst began: its first records are sent when they have lingered, and take those that follow with them.
    began: Option<Instant>,
    /// Records handed over since.
    handed: usize,
    /// How many records had been acknowledged when that number last changed, and when that was seen.
    acknowledged: u64,
    heard: Option<Instant>,
}

impl Pace {
    /// `linger` is the producer's `linger.ms`.
    pub(crate) fn new(linger: Duration) -> Pace {
        // A little less, since records take a moment from here to the producer.
        let burst = (linger * 4 / 5).max(SHORTEST_BURST);
        Pace { burst, began: None, handed: 0, acknowledged: 0, heard: None }
    }

    /// Whether to wait for acknowledgements before more is handed over. `in_flight` counts the records whose reports
    /// have not been fetched, `acknowledged` those that Kafka has ever acknowledged.
    pub(crate) fn holds(&mut self, in_flight: usize, acknowledged: u64, now: Instant) -> bool {
        if self.acknowledged != acknowledged {
            (self.acknowledged, self.heard) = (acknowledged, Some(now));
        }
        let within = |since: Option<Instant>, span| since.is_some_and(|since| now.duration_since(since) < span);
        if within(self.began, self.burst) {
            return false;
        }
        if in_flight >= BLOCKING {
            return self.handed < MANY || !within(self.heard, SILENCE);
        }
        (self.began, self.handed) = (Some(now), 0);
        false
    }

    /// So many records are handed over.
    pub(crate) fn hands(&mut self, records: usize) {
        self.handed += records;
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
        assert!(!pace.holds(0, 0, start));
        assert!(!pace.holds(4, 0, start + MS * 5), "the same burst");
        assert!(!pace.holds(400, 0, start + MS * 15));
        assert!(pace.holds(450, 0, start + MS * 16));
        assert!(pace.holds(5, 445, start + MS * 500), "some have not arrived");

        assert!(!pace.holds(4, 446, start + MS * 501));
        assert!(!pace.holds(200, 446, start + MS * 516), "a new burst");
        assert!(pace.holds(200, 446, start + MS * 517));
    }

    #[test]
    fn a_record_now_and_then_waits_as_well_when_five_are_on_their_way() {
        let start = Instant::now();
        let mut pace = Pace::new(MS * 5);
        let held = (0..8).map(|sent| pace.holds(sent, 0, start + MS * 1000 * sent as u32)).collect::<Vec<_>>();
        assert_eq!(held, [false, false, false, false, false, true, true, true]);
    }

    #[test]
    fn a_producer_that_does_not_linger_has_bursts_all_the_same() {
        let start = Instant::now();
        let mut pace = Pace::new(Duration::ZERO);
        assert!(!pace.holds(0, 0, start));
        assert!(!pace.holds(10, 0, start + MS * 3));
        assert!(pace.holds(10, 0, start + MS * 4));
    }

    #[test]
    fn many_records_are_not_held_while_acknowledgements_come() {
        let start = Instant::now();
        let mut pace = Pace::new(MS * 5);
        assert!(!pace.holds(0, 0, start));
        pace.hands(2000);
        assert!(pace.holds(2000, 0, start + MS * 10), "nothing has been heard yet");
        assert!(!pace.holds(1000, 1000, start + MS * 50));
        pace.hands(2000);
        assert!(!pace.holds(3000, 1000, start + MS * 100));
        assert!(pace.holds(3000, 1000, start + MS * 150), "nothing has come for too long");
        assert!(!pace.holds(1000, 3000, start + MS * 400));
    }
}
