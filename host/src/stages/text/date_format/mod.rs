//! Dates as text after a pattern: Java's `SimpleDateFormat` for the locale en_US, reading as leniently as it does.
//!
//! A pattern is compiled once ([`pattern`]): into pieces to write or read one after the other, and into the rule that
//! says which of the numbers read make the date ([`rule`]). Then [`write`] and [`read`] are plain loops.
//! [`moment`] is what there is to print of an instant, [`integer`] how numbers are read, [`names`] the words,
//! [`zone`] the time zones that are known by name.

mod integer;
mod moment;
mod names;
mod pattern;
mod read;
mod rule;
mod write;
pub mod zone;

#[cfg(test)]
mod tests;

use std::time::{SystemTime, UNIX_EPOCH};

use super::calendar::CivilDate;
use super::date::MILLIS_PER_DAY;
use pattern::Piece;
use rule::Rule;

pub use pattern::PatternError;
pub use zone::Zone;

/// A compiled pattern. Reading and writing leave it as it is, so it can be shared.
#[derive(Debug)]
pub struct DateFormat {
    pattern: String,
    pieces: Vec<Piece>,
    rule: Rule,
    century: Century,
}

/// What was read from a text.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reading {
    /// Milliseconds since 1970 in UTC.
    pub millis: i64,
    /// The zone to write in and to read with from now on: the one the text names, otherwise the one given. Offsets
    /// such as `+0200` and `GMT+02:00` name none.
    pub zone: Zone,
}

impl DateFormat {
    /// Compiles a pattern. Years of two digits are read as those from 80 years ago to 20 years ahead.
    pub fn new(pattern: &str) -> Result<DateFormat, PatternError> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        DateFormat::at(pattern, i64::try_from(now.as_millis()).unwrap_or(i64::MAX))
    }

    /// As [`DateFormat::new`], with the present time in milliseconds since 1970.
    pub fn at(pattern: &str, now: i64) -> Result<DateFormat, PatternError> {
        let pieces = pattern::compile(pattern)?;
        let rule = Rule::of(&pieces);
        Ok(DateFormat { pattern: pattern.to_owned(), pieces, rule, century: Century::before(now) })
    }

    /// The pattern as it was given.
    pub fn pattern(&self) -> &str {
        &self.pattern
    }

    /// Appends the text of an instant, given in milliseconds since 1970. A field is at most 309 characters wide.
    pub fn write(&self, out: &mut String, millis: i64, zone: Zone) {
        write::write(&self.pieces, out, millis, zone);
    }

    /// Reads a text, or the part of it that the pattern covers. Without a zone in the text its time is that of
    /// `zone`. Sums that exceed 64 bits wrap around, as in Java.
    pub fn read(&self, text: &str, zone: Zone) -> Option<Reading> {
        read::read(&self.pieces, &self.rule, self.century, text, zone)
    }

    /// Reads a text in UTC; a zone it names counts for this text only.
    pub fn read_utc(&self, text: &str) -> Option<i64> {
        Some(self.read(text, Zone::UTC)?.millis)
    }
}

/// The hundred years into which years of two digits fall.
#[derive(Debug, Clone, Copy)]
struct Century {
    /// The first instant, in milliseconds since 1970.
    start: i64,
    /// The year of that instant.
    year: i32,
}

impl Century {
    /// Begins on this day 80 years ago.
    fn before(now: i64) -> Century {
        let today = CivilDate::from_days(now.div_euclid(MILLIS_PER_DAY));
        let year = today.year - 80;
        // 29 February becomes the 28th where the year has no such day; its time of day is kept.
        let first = CivilDate::lenient_days(year, today.month.into(), 1);
        let next = CivilDate::lenient_days(year, i64::from(today.month) + 1, 1);
        let day = (first + i64::from(today.day) - 1).min(next - 1);
        let start = day.wrapping_mul(MILLIS_PER_DAY).wrapping_add(now.rem_euclid(MILLIS_PER_DAY));
        Century { start, year: year as i32 }
    }

    /// The year meant by two digits, and whether it is the first year of the century, of which only a part belongs
    /// to it.
    fn resolve(self, two_digits: i32) -> (i32, bool) {
        let first = self.year % 100;
        let year = two_digits + self.year / 100 * 100 + if two_digits < first { 100 } else { 0 };
        (year, two_digits == first)
    }
}
