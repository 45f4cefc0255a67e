//! Points in time.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use std::fmt;

const NANOS_PER_SECOND: i128 = 1_000_000_000;
const EPOCH: DateTime = DateTime::constant(1970, 1, 1, 0, 0, 0, 0);

/// Nanoseconds since 1970 in UTC.
///
/// Wider than [`Timestamp`], which ends a day before the 31st of December 9999 that many tables have for "never".
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Instant(i128);

impl Instant {
    /// From milliseconds since 1970.
    pub fn from_millis(millis: i64) -> Instant {
        Instant(i128::from(millis) * 1_000_000)
    }

    /// From nanoseconds since 1970.
    pub fn from_nanos(nanos: i128) -> Instant {
        Instant(nanos)
    }

    /// When clocks of UTC show this.
    pub fn of_utc(time: DateTime) -> Instant {
        Instant(time.duration_since(EPOCH).as_nanos())
    }

    /// Milliseconds since 1970, rounded down.
    pub fn millis(self) -> i64 {
        self.0.div_euclid(1_000_000) as i64
    }

    /// Nanoseconds since 1970.
    pub fn nanos(self) -> i128 {
        self.0
    }

    /// The nanoseconds of its second.
    pub fn subsecond(self) -> i64 {
        self.0.rem_euclid(NANOS_PER_SECOND) as i64
    }

    /// So much earlier.
    pub fn earlier(self, millis: i64) -> Instant {
        Instant(self.0 - i128::from(millis) * 1_000_000)
    }

    /// Cut off behind so many digits of the second.
    pub fn cut(self, digits: u32) -> Instant {
        let step = 10i128.pow(9u32.saturating_sub(digits));
        Instant(self.0.div_euclid(step) * step)
    }

    /// What clocks of a zone show then; none where that is no year of four digits.
    pub fn civil(self, zone: &TimeZone) -> Option<DateTime> {
        let local = self.0 + i128::from(zone.to_offset(self.nearest()).seconds()) * NANOS_PER_SECOND;
        let seconds = i64::try_from(local.div_euclid(NANOS_PER_SECOND)).ok()?;
        EPOCH.checked_add(SignedDuration::new(seconds, local.rem_euclid(NANOS_PER_SECOND) as i32)).ok()
    }

    /// What jiff can say of it: the nearest point of its range.
    fn nearest(self) -> Timestamp {
        let (least, most) = (Timestamp::MIN.as_nanosecond(), Timestamp::MAX.as_nanosecond());
        Timestamp::from_nanosecond(self.0.clamp(least, most)).expect("it was brought into the range")
    }
}

impl fmt::Display for Instant {
    /// As `2024-02-29T01:02:03.000004Z`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.civil(&TimeZone::UTC) {
            Some(time) => write!(f, "{time}Z"),
            None => write!(f, "{} ns since 1970", self.0),
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
    fn it_can_be_cut_to_what_a_column_holds() {
        let instant = Instant::from_nanos(-1);
        assert_eq!([0, 3, 6, 9].map(|digits| instant.cut(digits).nanos()), [-1_000_000_000, -1_000_000, -1_000, -1]);
        assert_eq!(instant.subsecond(), 999_999_999);
    }
}
