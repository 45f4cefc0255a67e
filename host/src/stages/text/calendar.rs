//! Days as calendar dates, the way Java's older classes count them: Gregorian from 15 October 1582 on, Julian before.

/// Days from 1970-01-01 to 1582-10-15, the first Gregorian day.
pub const FIRST_GREGORIAN_DAY: i64 = -141_427;

/// A calendar that goes on for ever in both directions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Calendar {
    /// Every fourth year has a leap day.
    Julian,
    /// The one in use today.
    Gregorian,
}

impl Calendar {
    /// Days since 1970 of a date; the month counts from 1 and may, like the day, lie outside its range.
    pub fn day(self, year: i64, month: i64, day: i64) -> i64 {
        let year = year + (month - 1).div_euclid(12);
        let month = (month - 1).rem_euclid(12) + 1;
        // Years begin in March here, so that the leap day is the last of the year.
        let year = year - i64::from(month <= 2);
        let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
        let days = 365 * year + year.div_euclid(4) + day_of_year;
        match self {
            Calendar::Julian => days - 719_470,
            Calendar::Gregorian => days - year.div_euclid(100) + year.div_euclid(400) - 719_468,
        }
    }
}

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

    /// Days since 1970-01-01 of a date that may lie outside its month, in the calendar in use then.
    pub fn lenient_days(year: i64, month: i64, day: i64) -> i64 {
        let gregorian = Calendar::Gregorian.day(year, month, day);
        if gregorian >= FIRST_GREGORIAN_DAY { gregorian } else { Calendar::Julian.day(year, month, day) }
    }

    /// The year within its era, from 1: what is printed.
    pub fn year_of_era(self) -> i64 {
        if self.year > 0 { self.year } else { 1 - self.year }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
