//! Points in time, and what columns without a zone mean.

use crate::db::SqlValue;
use jiff::Timestamp;
use jiff::civil::{Date, DateTime, date};
use jiff::tz::TimeZone;

pub(super) use crate::db::Instant;

const NANOS_PER_SECOND: i64 = 1_000_000_000;
const NANOS_PER_DAY: i64 = 86_400_000_000_000;
const MILLIS_PER_DAY: i64 = 86_400_000;
const EPOCH: DateTime = DateTime::constant(1970, 1, 1, 0, 0, 0, 0);

/// What dates and times of a database mean.
#[derive(Debug, Clone)]
pub(super) struct Clock {
    zone: TimeZone,
    /// The zone is UTC: nothing to look up.
    utc: bool,
    /// How far the zone was from UTC in 1970, in nanoseconds: what Java goes by for times of day.
    offset_1970: i64,
    legacy_calendar: bool,
}

impl Clock {
    /// For times without a zone that are those of `zone`. `legacy_calendar`: days before the 15th of October 1582 are
    /// days of the Julian calendar.
    pub(super) fn new(zone: TimeZone, legacy_calendar: bool) -> Clock {
        let offset_1970 = i64::from(zone.to_offset(Timestamp::UNIX_EPOCH).seconds()) * NANOS_PER_SECOND;
        Clock { utc: zone == TimeZone::UTC, zone, offset_1970, legacy_calendar }
    }

    /// The point in time of a column's date and time; none for other values.
    pub(super) fn instant(&self, value: &SqlValue) -> Option<Instant> {
        match value {
            SqlValue::DateTime(time) => Some(self.of_civil(*time)),
            SqlValue::Instant(instant) => Some(*instant),
            SqlValue::Date(day) => Some(self.of_civil(day.at(0, 0, 0, 0))),
            _ => None,
        }
    }

    /// The point in time when clocks of the zone show this. Where they show it twice, the first; where they never do,
    /// as if they had not been put forward.
    fn of_civil(&self, time: DateTime) -> Instant {
        Instant::of_utc(time).earlier(self.offset(time))
    }

    /// How far the zone is from UTC at this time, in milliseconds.
    fn offset(&self, time: DateTime) -> i64 {
        if self.utc {
            return 0;
        }
        // The years at both ends are beyond what a zone can be asked for.
        let year = time.year().clamp(-9990, 9990);
        let asked = time.with().year(year).build().unwrap_or(time);
        let at = |zone: &TimeZone| Some(zone.to_ambiguous_zoned(asked).compatible().ok()?.timestamp());
        at(&TimeZone::UTC).zip(at(&self.zone)).map_or(0, |(utc, local)| utc.duration_since(local).as_secs() * 1000)
    }

    /// What clocks of the zone show then, as far as years have four digits.
    pub(super) fn civil(&self, instant: Instant) -> DateTime {
        let ends = if instant < Instant::from_nanos(0) { DateTime::MIN } else { DateTime::MAX };
        instant.civil(&self.zone).unwrap_or(ends)
    }

    /// The beginning of the day of the zone.
    pub(super) fn midnight(&self, instant: Instant) -> Instant {
        self.of_civil(self.civil(instant).date().at(0, 0, 0, 0))
    }

    /// A bound for a column: a point in time for a column with a zone, else what clocks show then.
    pub(super) fn bound(&self, instant: Instant, with_zone: bool) -> SqlValue {
        if with_zone { SqlValue::Instant(instant) } else { SqlValue::DateTime(self.civil(instant)) }
    }

    /// As [`Clock::instant`], with the calendar that `date.calendar.system` asks for.
    pub(super) fn record_instant(&self, value: &SqlValue) -> Option<Instant> {
        let instant = self.instant(value)?;
        let days = match value {
            SqlValue::DateTime(time) => self.calendar_shift(time.date()),
            SqlValue::Date(day) => self.calendar_shift(*day),
            _ => 0,
        };
        Some(instant.earlier(i64::from(-days) * MILLIS_PER_DAY))
    }

    /// Days since 1970 of a column's date, in the calendar that `date.calendar.system` asks for.
    pub(super) fn record_day(&self, day: Date) -> i32 {
        epoch_day(day) + self.calendar_shift(day)
    }

    /// Milliseconds since midnight of UTC of a time of day in the zone, as Java counts them: by the zone's offset in
    /// 1970. None for what is no time of day.
    pub(super) fn record_time(&self, nanos: i64) -> Option<i32> {
        let of_day = (0..NANOS_PER_DAY).contains(&nanos).then_some(nanos)?;
        Some(((of_day - self.offset_1970).rem_euclid(NANOS_PER_DAY) / 1_000_000) as i32)
    }

    /// How many days later a day is if it is one of the Julian calendar.
    fn calendar_shift(&self, day: Date) -> i32 {
        if !self.legacy_calendar || day >= date(1582, 10, 15) {
            return 0;
        }
        // The calendars differ in the leap days of centuries; January and February belong to the year before.
        let year = i32::from(day.year()) - i32::from(day.month() <= 2);
        year.div_euclid(100) - year.div_euclid(400) - 2
    }
}

/// Days since 1970.
fn epoch_day(day: Date) -> i32 {
    (day.at(0, 0, 0, 0).duration_since(EPOCH).as_secs() / 86_400) as i32
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::datetime;

    fn clock(zone: &str) -> Clock {
        Clock::new(TimeZone::get(zone).unwrap(), true)
    }

    fn millis(clock: &Clock, time: DateTime) -> i64 {
        clock.instant(&SqlValue::DateTime(time)).unwrap().millis()
    }

    #[test]
    fn times_without_a_zone_are_those_of_the_database() {
        let time = datetime(2026, 7, 1, 12, 0, 0, 123_456_789);
        for (zone, hours) in [("UTC", 0), ("Europe/Rome", 2), ("America/New_York", -4), ("Asia/Shanghai", 8)] {
            let clock = clock(zone);
            let instant = clock.instant(&SqlValue::DateTime(time)).unwrap();
            assert_eq!(instant.millis(), 1_782_907_200_123 - hours * 3_600_000, "{zone}");
            assert_eq!((instant.subsecond(), clock.civil(instant)), (123_456_789, time), "{zone}");
            let bound = clock.bound(instant, true);
            assert_eq!(clock.instant(&bound), Some(instant), "{zone}");
        }
    }

    #[test]
    fn hours_that_come_twice_or_never_have_one_meaning() {
        let rome = clock("Europe/Rome");
        let hour = |day: Date, hour| millis(&rome, day.at(hour, 30, 0, 0)) / 3_600_000;
        let autumn = date(2026, 10, 25);
        assert_eq!(hour(autumn, 3) - hour(autumn, 2), 2);
        let spring = date(2026, 3, 29);
        assert_eq!((hour(spring, 3) - hour(spring, 1), hour(spring, 2)), (1, hour(spring, 3)));
    }

    #[test]
    fn the_ends_of_time_stay_apart() {
        for zone in ["UTC", "Europe/Rome", "America/New_York"] {
            let clock = clock(zone);
            let never = datetime(9999, 12, 31, 23, 59, 59, 999_999_000);
            let instant = clock.instant(&SqlValue::DateTime(never)).unwrap();
            assert_eq!(clock.civil(instant), never, "{zone}");
        }
        assert_eq!(millis(&clock("UTC"), datetime(1969, 12, 31, 23, 59, 59, 999_500_000)), -1);
    }

    #[test]
    fn old_days_are_those_of_the_calendar_that_is_set() {
        let (legacy, gregorian) = (clock("UTC"), Clock::new(TimeZone::UTC, false));
        // The day before the 15th of October 1582 was the 4th.
        assert_eq!(legacy.record_day(date(1582, 10, 4)) + 1, legacy.record_day(date(1582, 10, 15)));
        assert_eq!(gregorian.record_day(date(1582, 10, 4)) + 11, gregorian.record_day(date(1582, 10, 15)));
        // java.sql.Date.valueOf("0001-01-01"), counted in UTC.
        assert_eq!(legacy.record_day(date(1, 1, 1)), -719_164);
        assert_eq!(gregorian.record_day(date(1, 1, 1)), -719_162);
        let old = SqlValue::DateTime(datetime(1500, 3, 1, 0, 0, 0, 0));
        assert_eq!(
            legacy.record_instant(&old).unwrap().millis() / 86_400_000,
            i64::from(legacy.record_day(date(1500, 3, 1)))
        );
    }

    #[test]
    fn times_of_day_turn_with_the_zone_of_1970() {
        assert_eq!(clock("UTC").record_time(1_999_999), Some(1));
        assert_eq!(clock("Asia/Shanghai").record_time(0), Some(16 * 3_600_000));
        assert_eq!((clock("UTC").record_time(-1), clock("UTC").record_time(NANOS_PER_DAY)), (None, None));
    }
}
