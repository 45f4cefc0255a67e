//! Points in time.

use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone};
use jiff::{SignedDuration, Timestamp};
use std::fmt;

const NANOS_PER_SECOND: i128 = 1_000_000_000;
const NANOS_PER_MILLI: u32 = 1_000_000;
const EPOCH: DateTime = DateTime::constant(1970, 1, 1, 0, 0, 0, 0);

/// A point in time to the nanosecond.
///
/// Wider than [`Timestamp`], which ends a day before the 31st of December 9999 that many tables have for "never".
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Instant {
    /// Since 1970 in UTC, rounded down.
    seconds: i64,
    /// Of that second; below a billion. Apart, since a division of 128 bits for each value of a table is slow.
    nanos: u32,
}

impl Instant {
    /// From milliseconds since 1970.
    pub fn from_millis(millis: i64) -> Instant {
        Instant { seconds: millis.div_euclid(1000), nanos: millis.rem_euclid(1000) as u32 * NANOS_PER_MILLI }
    }

    /// From microseconds since 1970.
    pub fn from_micros(micros: i64) -> Instant {
        Instant { seconds: micros.div_euclid(1_000_000), nanos: micros.rem_euclid(1_000_000) as u32 * 1000 }
    }

    /// From nanoseconds since 1970, as far as their seconds have 64 bits: far beyond any calendar.
    pub fn from_nanos(nanos: i128) -> Instant {
        let seconds = nanos.div_euclid(NANOS_PER_SECOND).clamp(i64::MIN.into(), i64::MAX.into());
        Instant { seconds: seconds as i64, nanos: nanos.rem_euclid(NANOS_PER_SECOND) as u32 }
    }

    /// When clocks of UTC show this.
    pub fn of_utc(time: DateTime) -> Instant {
        let (seconds, nanos) = match Offset::UTC.to_timestamp(time) {
            Ok(timestamp) => (timestamp.as_second(), timestamp.subsec_nanosecond()),
            Err(_) => {
                let since = time.duration_since(EPOCH);
                (since.as_secs(), since.subsec_nanos())
            }
        };
        // Both have the sign of the whole.
        let earlier = i64::from(nanos < 0);
        Instant { seconds: seconds - earlier, nanos: (i64::from(nanos) + earlier * 1_000_000_000) as u32 }
    }

    /// Milliseconds since 1970, rounded down.
    pub fn millis(self) -> i64 {
        // A product may be beyond 64 bits where the sum is not.
        (i128::from(self.seconds) * 1000 + i128::from(self.nanos / NANOS_PER_MILLI)) as i64
    }

    /// Microseconds since 1970, rounded down; none where they have more than 64 bits.
    pub fn micros(self) -> Option<i64> {
        self.seconds.checked_mul(1_000_000)?.checked_add((self.nanos / 1000).into())
    }

    /// Nanoseconds since 1970.
    pub fn nanos(self) -> i128 {
        i128::from(self.seconds) * NANOS_PER_SECOND + i128::from(self.nanos)
    }

    /// The nanoseconds of its second.
    pub fn subsecond(self) -> i64 {
        self.nanos.into()
    }

    /// So much earlier.
    pub fn earlier(self, millis: i64) -> Instant {
        let by = Instant::from_millis(millis);
        let borrowed = u32::from(self.nanos < by.nanos);
        Instant {
            seconds: self.seconds.saturating_sub(by.seconds).saturating_sub(borrowed.into()),
            nanos: self.nanos + borrowed * 1_000_000_000 - by.nanos,
        }
    }

    /// Cut off behind so many digits of the second.
    pub fn cut(self, digits: u32) -> Instant {
        let step = 10u32.pow(9u32.saturating_sub(digits));
        Instant { nanos: self.nanos / step * step, ..self }
    }

    /// The nearest whole millisecond; the later one of two.
    pub fn rounded_to_millis(self) -> Instant {
        let half = NANOS_PER_MILLI / 2;
        if self.nanos >= 1_000_000_000 - half {
            return Instant { seconds: self.seconds.saturating_add(1), nanos: 0 };
        }
        Instant { nanos: (self.nanos + half) / NANOS_PER_MILLI * NANOS_PER_MILLI, ..self }
    }

    /// What clocks of a zone show then; none where that is no year of four digits.
    pub fn civil(self, zone: &TimeZone) -> Option<DateTime> {
        let offset = if *zone == TimeZone::UTC { 0 } else { zone.to_offset(self.nearest()).seconds() };
        let (seconds, nanos) = (self.seconds.checked_add(offset.into())?, self.nanos as i32);
        match Timestamp::new(seconds, nanos) {
            Ok(timestamp) => Some(Offset::UTC.to_datetime(timestamp)),
            Err(_) => EPOCH.checked_add(SignedDuration::new(seconds, nanos)).ok(),
        }
    }

    /// The second of jiff's range that is the nearest.
    fn nearest(self) -> Timestamp {
        let (least, most) = (Timestamp::MIN.as_second(), Timestamp::MAX.as_second());
        Timestamp::from_second(self.seconds.clamp(least, most)).expect("it was brought into the range")
    }
}

impl fmt::Display for Instant {
    /// As `2024-02-29T01:02:03.000004Z`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.civil(&TimeZone::UTC) {
            Some(time) => write!(f, "{time}Z"),
            None => write!(f, "{} ns since 1970", self.nanos()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::datetime;

    #[test]
    fn the_last_day_of_9999_is_one_as_any_other() {
        let never = Instant::of_utc(datetime(9999, 12, 31, 23, 59, 59, 999_999_000));
        assert_eq!(never.millis(), 253_402_300_799_999);
        assert_eq!(never.to_string(), "9999-12-31T23:59:59.999999Z");
        let west = TimeZone::fixed(jiff::tz::offset(-5));
        assert_eq!(never.civil(&west), Some(datetime(9999, 12, 31, 18, 59, 59, 999_999_000)));
        assert_eq!(never.civil(&TimeZone::fixed(jiff::tz::offset(1))), None);
        assert_eq!(Instant::from_nanos(never.nanos() + 1_000).civil(&TimeZone::UTC), None);
        assert_eq!(Instant::from_millis(i64::MIN).civil(&TimeZone::UTC), None);
    }

    #[test]
    fn clocks_of_utc_and_instants_agree_at_both_ends_of_time() {
        for (time, nanos) in [
            (datetime(1970, 1, 1, 0, 0, 0, 1), 1),
            (datetime(1969, 12, 31, 23, 59, 59, 999_999_999), -1),
            (datetime(1969, 12, 31, 23, 59, 59, 0), -1_000_000_000),
            (datetime(1582, 10, 15, 0, 0, 0, 5), -12_219_292_800_000_000_000 + 5),
        ] {
            let instant = Instant::of_utc(time);
            assert_eq!((instant.nanos(), instant), (nanos, Instant::from_nanos(nanos)));
            assert_eq!(instant.millis(), i64::try_from(nanos.div_euclid(1_000_000)).unwrap());
            assert_eq!(instant.micros(), Some(i64::try_from(nanos.div_euclid(1000)).unwrap()));
            assert_eq!(instant.cut(6), Instant::from_micros(instant.micros().unwrap()));
            for millis in [0, 1, -1, 999, -1000, 86_400_000_001] {
                assert_eq!(instant.earlier(millis), Instant::from_nanos(nanos - i128::from(millis) * 1_000_000));
            }
        }
        for end in [DateTime::MIN, DateTime::MAX] {
            assert_eq!(Instant::of_utc(end).civil(&TimeZone::UTC), Some(end));
        }
        for millis in [i64::MIN, i64::MAX, -1, 0] {
            assert_eq!(Instant::from_millis(millis).millis(), millis);
        }
    }

    #[test]
    fn it_can_be_cut_to_what_a_column_holds() {
        let instant = Instant::from_nanos(-1);
        assert_eq!([0, 3, 6, 9].map(|digits| instant.cut(digits).nanos()), [-1_000_000_000, -1_000_000, -1_000, -1]);
        assert_eq!(instant.subsecond(), 999_999_999);
    }
}
