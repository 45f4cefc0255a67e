//! Days and milliseconds as calendar dates, the way Java's older classes count them: Gregorian from 15 October 1582
//! on, Julian before, always in UTC.

use std::fmt::Write as _;

pub use ferroconnect_plugin_abi::logical::MILLIS_PER_DAY;

/// Days from 1970-01-01 to 1582-10-15, the first Gregorian day.
const FIRST_GREGORIAN_DAY: i64 = -141_427;

const WEEKDAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// A date; the year counts astronomically (0 = 1 BC).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CivilDate {
    /// The year; 0 is 1 BC.
    pub year: i64,
    /// The month from 1.
    pub month: u32,
    /// The day from 1.
    pub day: u32,
}

impl CivilDate {
    /// The date so many days after 1970-01-01.
    pub fn from_days(days: i64) -> CivilDate {
        // Years begin in March here, so that the leap day is the last of the year.
        let (year, day_of_year) = if days >= FIRST_GREGORIAN_DAY {
            let days = days + 719_468;
            let era = days.div_euclid(146_097);
            let day = days.rem_euclid(146_097);
            let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
            (era * 400 + year, day - (365 * year + year / 4 - year / 100))
        } else {
            let days = days + 719_470;
            let era = days.div_euclid(1_461);
            let day = days.rem_euclid(1_461);
            let year = (day - day / 1_460) / 365;
            (era * 4 + year, day - 365 * year)
        };
        let month = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * month + 2) / 5 + 1;
        let month = if month < 10 { month + 3 } else { month - 9 };
        CivilDate { year: year + i64::from(month <= 2), month: month as u32, day: day as u32 }
    }

    /// Days since 1970-01-01 of a date that may lie outside its month, as Java's lenient calendars read it.
    pub fn lenient_days(year: i64, month: i64, day: i64) -> i64 {
        let year = year + (month - 1).div_euclid(12);
        let month = (month - 1).rem_euclid(12) + 1;
        let march_year = year - i64::from(month <= 2);
        let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
        let gregorian = 365 * march_year + march_year.div_euclid(4) - march_year.div_euclid(100)
            + march_year.div_euclid(400)
            + day_of_year
            - 719_468;
        if gregorian >= FIRST_GREGORIAN_DAY {
            return gregorian;
        }
        365 * march_year + march_year.div_euclid(4) + day_of_year - 719_470
    }

    /// The year within its era, from 1: what is printed.
    pub fn year_of_era(self) -> i64 {
        if self.year > 0 { self.year } else { 1 - self.year }
    }
}

/// Appends `java.util.Date.toString`: `Thu Jan 01 00:00:00 UTC 1970`.
pub fn write_java_date(out: &mut String, millis: i64) {
    let days = millis.div_euclid(MILLIS_PER_DAY);
    let seconds = millis.rem_euclid(MILLIS_PER_DAY) / 1000;
    let date = CivilDate::from_days(days);
    let _ = write!(
        out,
        "{} {} {:02} {:02}:{:02}:{:02} UTC {}",
        WEEKDAYS[days.rem_euclid(7) as usize],
        MONTHS[date.month as usize - 1],
        date.day,
        seconds / 3600,
        seconds / 60 % 60,
        seconds % 60,
        date.year_of_era(),
    );
}

/// Appends what Kafka Connect makes of a date object in text (`Values.dateFormatFor`): the time
/// alone below one day (before 1970 too), the date alone at midnight, otherwise both; whatever the schema says.
pub fn write_iso(out: &mut String, millis: i64) {
    let (day, time) = (millis.div_euclid(MILLIS_PER_DAY), millis.rem_euclid(MILLIS_PER_DAY));
    let with_date = millis >= MILLIS_PER_DAY;
    if with_date {
        let date = CivilDate::from_days(day);
        let _ = write!(out, "{:04}-{:02}-{:02}", date.year_of_era(), date.month, date.day);
        if time == 0 {
            return;
        }
        out.push('T');
    }
    let seconds = time / 1000;
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let _ = write!(out, "{hour:02}:{minute:02}:{second:02}.{:03}Z", time % 1000);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(millis: i64) -> String {
        let mut text = String::new();
        write_java_date(&mut text, millis);
        text
    }

    #[test]
    fn prints_like_java() {
        assert_eq!(text(0), "Thu Jan 01 00:00:00 UTC 1970");
        assert_eq!(text(18_000 * MILLIS_PER_DAY), "Sun Apr 14 00:00:00 UTC 2019");
        assert_eq!(text(-62_135_769_600_000), "Sat Jan 01 00:00:00 UTC 1");
        assert_eq!(text(-1), "Wed Dec 31 23:59:59 UTC 1969");
    }

    #[test]
    fn calendars_change_in_1582() {
        let date = |year, month, day| CivilDate { year, month, day };
        assert_eq!(CivilDate::from_days(-141_427), date(1582, 10, 15));
        assert_eq!(CivilDate::from_days(-141_428), date(1582, 10, 4));
        assert_eq!(CivilDate::from_days(-719_164), date(1, 1, 1));
        assert_eq!(CivilDate::from_days(-719_165), date(0, 12, 31));
    }

    #[test]
    fn dates_and_days_are_inverse() {
        for days in (-1_000_000..1_000_000).step_by(7) {
            let date = CivilDate::from_days(days);
            assert_eq!(CivilDate::lenient_days(date.year, date.month.into(), date.day.into()), days, "{date:?}");
        }
        assert_eq!(CivilDate::lenient_days(1969, 13, 1), 0);
        assert_eq!(CivilDate::lenient_days(1970, 1, 32), 31);
    }
}
