//! Keeps a warning that repeats from flooding the log.

use std::collections::HashMap;
use std::fmt;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// Beyond this many keys those whose time is over are forgotten.
const MAX_KEYS: usize = 1024;

/// Lets one message per key through in each interval and counts the others. Any thread may use it.
///
/// ```
/// use std::time::Duration;
/// use ferroconnect::telemetry::rate_limit::RateLimiter;
///
/// let limiter = RateLimiter::new(Duration::from_secs(30));
/// if let Some(suppressed) = limiter.check("broker-1") {
///     tracing::warn!("Broker broker-1 does not answer{suppressed}");
/// }
/// ```
pub struct RateLimiter {
    interval: Duration,
    keys: Mutex<HashMap<Box<str>, Entry>>,
}

struct Entry {
    last: Instant,
    suppressed: u64,
}

/// How many messages were held back since the last one. `Display` is a remark to append; empty if there were none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Suppressed(pub u64);

impl fmt::Display for Suppressed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0 => Ok(()),
            count => write!(f, " ({count} more like this since the last one)"),
        }
    }
}

impl RateLimiter {
    /// One message per key and `interval`.
    pub fn new(interval: Duration) -> Self {
        Self { interval, keys: Mutex::default() }
    }

    /// `Some` if the message for `key` is to be logged now.
    pub fn check(&self, key: &str) -> Option<Suppressed> {
        self.check_at(key, Instant::now())
    }

    fn check_at(&self, key: &str, now: Instant) -> Option<Suppressed> {
        let mut keys = self.keys.lock();
        if let Some(entry) = keys.get_mut(key) {
            if now.saturating_duration_since(entry.last) < self.interval {
                entry.suppressed += 1;
                return None;
            }
            entry.last = now;
            return Some(Suppressed(std::mem::take(&mut entry.suppressed)));
        }
        if keys.len() >= MAX_KEYS {
            keys.retain(|_, entry| now.saturating_duration_since(entry.last) < self.interval);
        }
        // With too many keys at once a message is better than none.
        if keys.len() < MAX_KEYS {
            keys.insert(key.into(), Entry { last: now, suppressed: 0 });
        }
        Some(Suppressed(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INTERVAL: Duration = Duration::from_secs(30);

    #[test]
    fn one_message_an_interval_that_tells_of_the_others() {
        let limiter = RateLimiter::new(INTERVAL);
        let begin = Instant::now();
        assert_eq!(limiter.check_at("a", begin), Some(Suppressed(0)));
        assert_eq!(limiter.check_at("a", begin + INTERVAL / 2), None);
        assert_eq!(limiter.check_at("b", begin), Some(Suppressed(0)));
        let later = limiter.check_at("a", begin + INTERVAL).unwrap();
        assert_eq!(later.to_string(), " (1 more like this since the last one)");
        assert_eq!(limiter.check_at("a", begin + INTERVAL), None);
    }

    #[test]
    fn keys_do_not_pile_up() {
        let limiter = RateLimiter::new(INTERVAL);
        let begin = Instant::now();
        for n in 0..3 * MAX_KEYS {
            assert!(limiter.check_at(&n.to_string(), begin).is_some());
        }
        assert!(limiter.keys.lock().len() <= MAX_KEYS);
        assert!(limiter.check_at("late", begin + INTERVAL).is_some());
        assert_eq!(limiter.keys.lock().len(), 1);
    }
}
