//! Which of the numbers that were read make the date, and how.
//!
//! Java's calendar decides by the order in which its fields were set. That order is the pattern's, so the decision is
//! made once, when the pattern is compiled.

use super::super::calendar::{Calendar, CivilDate, FIRST_GREGORIAN_DAY};
use super::super::date::MILLIS_PER_DAY;
use super::pattern::{Letter, Piece};

/// A number of a date that a text can set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Slot {
    /// 0 is BC.
    Era,
    /// The year of the era.
    Year,
    WeekYear,
    /// From 0.
    Month,
    WeekOfYear,
    WeekOfMonth,
    DayOfMonth,
    DayOfYear,
    /// 1 is Sunday.
    Weekday,
    WeekdayInMonth,
    /// 1 is PM.
    AmPm,
    /// Of the half day, from 0.
    Hour,
    HourOfDay,
    Minute,
    Second,
    Millisecond,
}

const SLOTS: usize = Slot::Millisecond as usize + 1;

impl Slot {
    /// What a letter sets; none for zones.
    pub(super) fn of(letter: Letter) -> Option<Slot> {
        Some(match letter {
            Letter::Era => Slot::Era,
            Letter::Year => Slot::Year,
            Letter::WeekYear => Slot::WeekYear,
            Letter::Month => Slot::Month,
            Letter::WeekOfYear => Slot::WeekOfYear,
            Letter::WeekOfMonth => Slot::WeekOfMonth,
            Letter::DayOfYear => Slot::DayOfYear,
            Letter::DayOfMonth => Slot::DayOfMonth,
            Letter::WeekdayInMonth => Slot::WeekdayInMonth,
            Letter::WeekdayName | Letter::WeekdayNumber => Slot::Weekday,
            Letter::AmPm => Slot::AmPm,
            Letter::Hour0To23 | Letter::Hour1To24 => Slot::HourOfDay,
            Letter::Hour0To11 | Letter::Hour1To12 => Slot::Hour,
            Letter::Minute => Slot::Minute,
            Letter::Second => Slot::Second,
            Letter::Millisecond => Slot::Millisecond,
            Letter::ZoneName | Letter::ZoneOffset | Letter::ZoneIso => return None,
        })
    }
}

/// The numbers read so far; those that no text sets have the value that counts then.
#[derive(Debug, Clone)]
pub(super) struct Fields([i32; SLOTS]);

impl Fields {
    pub(super) fn new() -> Fields {
        let mut fields = Fields([0; SLOTS]);
        for slot in [Slot::Era, Slot::WeekOfYear, Slot::DayOfMonth, Slot::Weekday, Slot::WeekdayInMonth] {
            fields.set(slot, 1);
        }
        fields.set(Slot::Year, 1970);
        fields
    }

    pub(super) fn set(&mut self, slot: Slot, value: i32) {
        self.0[slot as usize] = value;
    }

    pub(super) fn get(&self, slot: Slot) -> i64 {
        self.0[slot as usize].into()
    }

    /// Moves the years on.
    pub(super) fn add_years(&mut self, years: i32) {
        for slot in [Slot::Year, Slot::WeekYear] {
            self.0[slot as usize] = self.0[slot as usize].wrapping_add(years);
        }
    }
}

/// How the day within the year is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum DayRule {
    DayOfMonth,
    WeekOfMonth,
    WeekdayInMonth,
    DayOfYear,
    WeekOfYear,
}

/// Makes a local time of what was read, for the patterns that it was made for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rule {
    day: DayRule,
    /// Whether the week year counts rather than the year.
    week_year: bool,
    /// Whether the hour of the day counts rather than that of the half day.
    hour_of_day: bool,
}

impl Rule {
    pub(super) fn of(pieces: &[Piece]) -> Rule {
        // When each slot is set for the last time; 0 is never.
        let mut order = [0; SLOTS];
        for (index, piece) in pieces.iter().enumerate() {
            if let Piece::Field(field) = piece
                && let Some(slot) = Slot::of(field.letter)
            {
                order[slot as usize] = index + 1;
            }
        }
        let order = Order(order);
        Rule {
            day: order.day_rule(),
            week_year: order.of(Slot::WeekYear) > order.of(Slot::Year),
            hour_of_day: order.counts_hour_of_day(),
        }
    }

    /// The local time in milliseconds since 1970. Numbers out of their range roll over.
    pub(super) fn local_millis(&self, fields: &Fields) -> i64 {
        let time = self.time(fields);
        let (carry, time) = (time.div_euclid(MILLIS_PER_DAY), time.rem_euclid(MILLIS_PER_DAY));
        let bc = fields.get(Slot::Era) == 0;
        let year = fields.get(Slot::Year);
        let day = day_of(self.day, if bc { 1 - year } else { year }, fields, carry);
        let day = if self.week_year { week_date(fields, day, carry) } else { day };
        day.wrapping_mul(MILLIS_PER_DAY).wrapping_add(time)
    }

    /// The time of day in milliseconds; may be more than a day or negative.
    fn time(&self, fields: &Fields) -> i64 {
        let hour = if self.hour_of_day {
            fields.get(Slot::HourOfDay)
        } else {
            fields.get(Slot::Hour) + 12 * fields.get(Slot::AmPm)
        };
        let minutes = hour * 60 + fields.get(Slot::Minute);
        (minutes * 60 + fields.get(Slot::Second)) * 1000 + fields.get(Slot::Millisecond)
    }
}

/// When each slot is set, as far as the pattern says; 0 is never.
struct Order([usize; SLOTS]);

impl Order {
    fn of(&self, slot: Slot) -> usize {
        self.0[slot as usize]
    }

    /// When both are set; never unless both are.
    fn both(&self, a: Slot, b: Slot) -> usize {
        let (a, b) = (self.of(a), self.of(b));
        if a == 0 || b == 0 { 0 } else { a.max(b) }
    }

    /// The latest complete way to tell the day wins; if there is none, the latest incomplete one.
    fn day_rule(&self) -> DayRule {
        let weekday = self.of(Slot::Weekday);
        let [of_month, in_month, of_year] = [Slot::WeekOfMonth, Slot::WeekdayInMonth, Slot::WeekOfYear];
        let mut weeks = [of_month, in_month, of_year].map(|week| self.both(week, Slot::Weekday));
        let day_of_month = self.of(Slot::DayOfMonth);
        let day_of_year = self.of(Slot::DayOfYear);
        let mut best = weeks.into_iter().fold(day_of_month.max(day_of_year), usize::max);
        if best == 0 {
            // A weekday alone is the first one of the month.
            weeks = [self.of(of_month), self.of(in_month).max(weekday), self.of(of_year)];
            best = weeks.into_iter().fold(0, usize::max);
        }
        if best == day_of_month {
            return DayRule::DayOfMonth;
        }
        let beats_week_of_year = |week: Slot| self.of(week) >= self.of(of_year);
        let by_week_of_month = best == weeks[0] && beats_week_of_year(of_month);
        let by_weekday_in_month = best == weeks[1] && beats_week_of_year(in_month);
        if by_week_of_month || by_weekday_in_month {
            // Where one weekday completes both, the one that is set later counts.
            let week_of_month =
                if weeks[0] == weeks[1] { self.of(of_month) >= self.of(in_month) } else { best == weeks[0] };
            return if week_of_month { DayRule::WeekOfMonth } else { DayRule::WeekdayInMonth };
        }
        if best == day_of_year { DayRule::DayOfYear } else { DayRule::WeekOfYear }
    }

    fn counts_hour_of_day(&self) -> bool {
        let hour_of_day = self.of(Slot::HourOfDay);
        hour_of_day > self.both(Slot::Hour, Slot::AmPm)
    }
}

/// The weekday of a day since 1970, 1 for Sunday.
pub(super) fn weekday(day: i64) -> i64 {
    (day + 4).rem_euclid(7) + 1
}

/// The last such weekday up to a day; numbers beyond the week roll over.
fn on_or_before(day: i64, weekday: i64) -> i64 {
    day - (day + 5 - weekday).rem_euclid(7)
}

/// The Sunday that begins the week of a day.
pub(super) fn sunday_on_or_before(day: i64) -> i64 {
    on_or_before(day, 1)
}

/// The day that the fields tell, in the calendar in use then. `carry` are the days that the time of day amounts to.
fn day_of(rule: DayRule, year: i64, fields: &Fields, carry: i64) -> i64 {
    let within_year = matches!(rule, DayRule::DayOfYear | DayRule::WeekOfYear);
    if year > 1582 || (year == 1582 && !within_year) {
        let day = day_in(Calendar::Gregorian, rule, year, fields) + carry;
        if day >= FIRST_GREGORIAN_DAY {
            return day;
        }
    }
    day_in(Calendar::Julian, rule, year, fields) + carry
}

fn day_in(calendar: Calendar, rule: DayRule, year: i64, fields: &Fields) -> i64 {
    let month = fields.get(Slot::Month) + 1;
    let first_of_month = calendar.day(year, month, 1);
    let weekday = fields.get(Slot::Weekday);
    match rule {
        DayRule::DayOfMonth => first_of_month + fields.get(Slot::DayOfMonth) - 1,
        DayRule::WeekOfMonth => weekday_in_week(first_of_month, fields.get(Slot::WeekOfMonth), weekday),
        DayRule::WeekdayInMonth => {
            let count = fields.get(Slot::WeekdayInMonth);
            // Negative ones count from the end of the month.
            let last = if count >= 0 { 7 * count } else { month_length(year, month) + 7 * (count + 1) };
            on_or_before(first_of_month + last - 1, weekday)
        }
        DayRule::DayOfYear => calendar.day(year, 1, 1) + fields.get(Slot::DayOfYear) - 1,
        DayRule::WeekOfYear => weekday_in_week(calendar.day(year, 1, 1), fields.get(Slot::WeekOfYear), weekday),
    }
}

/// The weekday in a week that is counted from the one in which the period begins.
fn weekday_in_week(first_day: i64, week: i64, weekday: i64) -> i64 {
    on_or_before(sunday_on_or_before(first_day) + 6, weekday) + 7 * (week - 1)
}

fn month_length(year: i64, month: i64) -> i64 {
    let year = year + (month - 1).div_euclid(12);
    let calendar = if year > 1582 { Calendar::Gregorian } else { Calendar::Julian };
    calendar.day(year, month + 1, 1) - calendar.day(year, month, 1)
}

/// The day of a week date. The week year is one of the era of the date that the other fields tell, as in Java.
fn week_date(fields: &Fields, day: i64, carry: i64) -> i64 {
    let era_is_bc = CivilDate::from_days(day).year <= 0;
    let (weekday, weeks) = match fields.get(Slot::Weekday) {
        weekday @ 1..=7 => (weekday, 0),
        // Numbers out of range are those of `u`, which begins with Monday; they roll over.
        number => ((number - 1).rem_euclid(7) + 1, (number - 1).div_euclid(7)),
    };
    let weekday = if weeks == 0 { weekday } else { weekday % 7 + 1 };
    let year = fields.get(Slot::WeekYear);
    let year = if era_is_bc { 1 - year } else { year };
    let sunday = day_of(DayRule::WeekOfYear, year, &Fields::new(), 0);
    let week = fields.get(Slot::WeekOfYear) + weeks;
    // Java counts these days in 32 bits.
    sunday + i64::from((weekday - 1 + 7 * (week - 1)) as i32) + carry
}
