//! What there is to print of an instant in a zone.

use std::cell::OnceCell;

use super::super::calendar::{Calendar, CivilDate};
use super::super::date::MILLIS_PER_DAY;
use super::Zone;
use super::rule::{sunday_on_or_before, weekday};
use super::zone::Offset;

/// An instant as seen in a zone. The date is computed when it is asked for: many patterns print the time alone.
pub(super) struct Moment {
    /// Days since 1970 in the zone.
    day: i64,
    /// Milliseconds since midnight in the zone.
    pub time: i64,
    /// How far the zone is from UTC at that instant.
    pub offset: Offset,
    date: OnceCell<CivilDate>,
}

impl Moment {
    pub(super) fn new(millis: i64, zone: Zone) -> Moment {
        let offset = zone.offset_at(millis);
        // The offset is added to the time of day, for the whole may exceed 64 bits.
        let time = millis.rem_euclid(MILLIS_PER_DAY) + offset.total();
        let day = millis.div_euclid(MILLIS_PER_DAY) + time.div_euclid(MILLIS_PER_DAY);
        Moment { day, time: time.rem_euclid(MILLIS_PER_DAY), offset, date: OnceCell::new() }
    }

    /// The date in the zone.
    pub(super) fn date(&self) -> CivilDate {
        *self.date.get_or_init(|| CivilDate::from_days(self.day))
    }

    /// The weekday, 1 for Sunday.
    pub(super) fn weekday(&self) -> i64 {
        weekday(self.day)
    }

    /// The day of the year from 1; 1582 has ten days less than others.
    pub(super) fn day_of_year(&self) -> i64 {
        self.day - first_of(self.date().year, 1) + 1
    }

    /// The week of the year. Week 1 holds 1 January, and also ends the year before.
    pub(super) fn week_of_year(&self) -> i64 {
        if self.is_in_next_week_year() { 1 } else { week_since(first_of(self.date().year, 1), self.day) }
    }

    /// The year that the week belongs to; 0 is 1 BC. Before Christ Java asks how the wrong year begins: it counts
    /// the next year as one of the same era.
    pub(super) fn week_year(&self) -> i64 {
        let year = self.date().year;
        let asked = if year > 0 { year + 1 } else { -year };
        let new_year = first_of(asked, 1);
        let days_in_its_week = new_year - sunday_on_or_before(new_year);
        let days_left = first_of(year + 1, 1) - self.day;
        year + i64::from(days_left <= days_in_its_week)
    }

    /// The week of the month, from 1.
    pub(super) fn week_of_month(&self) -> i64 {
        week_since(self.first_of_month(), self.day)
    }

    /// 2 for the second Wednesday of the month.
    pub(super) fn weekday_in_month(&self) -> i64 {
        (self.day - self.first_of_month()) / 7 + 1
    }

    fn first_of_month(&self) -> i64 {
        let date = self.date();
        first_of(date.year, date.month.into())
    }

    fn is_in_next_week_year(&self) -> bool {
        self.day >= sunday_on_or_before(first_of(self.date().year + 1, 1))
    }
}

/// The first day of a month, in days since 1970. The month in which the calendars change begins in the Julian one.
fn first_of(year: i64, month: i64) -> i64 {
    let gregorian = (year, month) > (1582, 10);
    let calendar = if gregorian { Calendar::Gregorian } else { Calendar::Julian };
    calendar.day(year, month, 1)
}

fn week_since(first_day: i64, day: i64) -> i64 {
    (day - sunday_on_or_before(first_day)) / 7 + 1
}
