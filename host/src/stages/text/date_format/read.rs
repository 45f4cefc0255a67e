//! Reading a text.

use super::super::digits::digit;
use super::names::{self, ERAS, HALVES, MONTHS, Names, WEEKDAYS};
use super::pattern::{Field, Letter, Piece};
use super::rule::{Fields, Rule, Slot};
use super::zone::{Offset, Zone};
use super::{Century, Reading, integer};

const MILLIS_PER_MINUTE: i64 = 60_000;

pub(super) fn read(pieces: &[Piece], rule: &Rule, century: Century, text: &str, zone: Zone) -> Option<Reading> {
    let mut reader =
        Reader { rest: text, century, fields: Fields::new(), first_year: false, zone, standard: None, daylight: None };
    for piece in pieces {
        match piece {
            Piece::Literal(literal) => reader.rest = reader.rest.strip_prefix(literal.as_str())?,
            Piece::Field(field) => reader.field(*field)?,
        }
    }
    let mut millis = reader.millis(rule);
    // The first year of the century belongs to it from the present day on, and is the one after it before.
    if reader.first_year && millis < century.start {
        reader.fields.add_years(100);
        millis = reader.millis(rule);
    }
    Some(Reading { millis, zone: reader.zone })
}

struct Reader<'a> {
    rest: &'a str,
    century: Century,
    fields: Fields,
    /// Whether two digits stand for the first year of the century.
    first_year: bool,
    zone: Zone,
    /// The offset that the text gives, in milliseconds, without and for daylight saving; otherwise the zone decides.
    standard: Option<i64>,
    daylight: Option<i64>,
}

impl<'a> Reader<'a> {
    fn millis(&self, rule: &Rule) -> i64 {
        let local = rule.local_millis(&self.fields);
        let offset = match (self.standard, self.daylight) {
            (Some(standard), Some(daylight)) => Offset { standard, daylight },
            (standard, daylight) => {
                let by_zone = self.zone.offset_at_local(local);
                Offset {
                    standard: standard.unwrap_or(by_zone.standard),
                    daylight: daylight.unwrap_or(by_zone.daylight),
                }
            }
        };
        local.wrapping_sub(offset.total())
    }

    fn field(&mut self, field: Field) -> Option<()> {
        let skipped = self.rest.trim_start_matches([' ', '\t']);
        if skipped.is_empty() {
            return None;
        }
        match field.letter {
            // Names may not have blanks before them.
            Letter::Era => self.name(Slot::Era, &ERAS, 0),
            Letter::Month if field.count > 2 => self.name(Slot::Month, &MONTHS, 0),
            Letter::WeekdayName => self.name(Slot::Weekday, &WEEKDAYS, 1),
            Letter::AmPm => self.name(Slot::AmPm, &HALVES, 0),
            Letter::ZoneName | Letter::ZoneOffset => self.zone(skipped),
            Letter::ZoneIso => self.iso_zone(skipped, field.count),
            _ => self.number(field, skipped),
        }
    }

    fn name<const N: usize>(&mut self, slot: Slot, names: &Names<N>, first: i32) -> Option<()> {
        let (index, length) = names.find(self.rest)?;
        self.fields.set(slot, first + index as i32);
        self.rest = &self.rest[length..];
        Some(())
    }

    fn number(&mut self, field: Field, skipped: &'a str) -> Option<()> {
        let blanks = self.rest.len() - skipped.len();
        // Blanks count as digits here.
        let end = if field.abutting { units(self.rest, field.count)? } else { self.rest.len() };
        let (number, length) = integer::read(self.rest.get(blanks..end)?)?;
        let digits = &self.rest[blanks..blanks + length];
        self.rest = &self.rest[blanks + length..];
        let number = match field.letter {
            Letter::Year | Letter::WeekYear if field.count <= 2 && is_two_digits(digits) => {
                let (year, first) = self.century.resolve(number);
                self.first_year = first;
                year
            }
            Letter::Month => number.wrapping_sub(1),
            Letter::Hour1To24 if number == 24 => 0,
            Letter::Hour1To12 if number == 12 => 0,
            // Sunday is the seventh day here and the first one elsewhere.
            Letter::WeekdayNumber if (1..=7).contains(&number) => number % 7 + 1,
            _ => number,
        };
        let slot = Slot::of(field.letter).expect("letters of zones are not read as numbers");
        self.fields.set(slot, number);
        Some(())
    }

    /// `+0200`, `GMT`, `GMT+02:00` or a name.
    fn zone(&mut self, skipped: &'a str) -> Option<()> {
        if let Some((sign, digits)) = signed(skipped) {
            return self.offset(digits, sign, Digits::Basic);
        }
        if let Some(length) = names::prefix(self.rest, "GMT") {
            let behind = &self.rest[length..];
            return match signed(behind) {
                Some((sign, digits)) => self.offset(digits, sign, Digits::ShortColon),
                None => {
                    self.set_offset(0);
                    self.rest = behind;
                    Some(())
                }
            };
        }
        let found = self.zone.find(skipped)?;
        self.zone = found.zone;
        if let Some(daylight) = found.daylight {
            self.standard = None;
            self.daylight = Some(daylight);
        }
        self.rest = &skipped[found.length..];
        Some(())
    }

    /// `Z`, or an offset as long as the pattern has letters.
    fn iso_zone(&mut self, skipped: &'a str, count: usize) -> Option<()> {
        if let Some(behind) = skipped.strip_prefix('Z') {
            self.set_offset(0);
            self.rest = behind;
            return Some(());
        }
        let (sign, digits) = signed(skipped)?;
        self.offset(digits, sign, [Digits::Hours, Digits::Basic, Digits::Colon][count - 1])
    }

    fn set_offset(&mut self, millis: i64) {
        (self.standard, self.daylight) = (Some(millis), Some(0));
    }

    /// The digits of an offset, up to 23:59.
    fn offset(&mut self, text: &'a str, sign: i64, form: Digits) -> Option<()> {
        let bytes = text.as_bytes();
        let digit = |index: usize| bytes.get(index).filter(|b| b.is_ascii_digit()).map(|b| i64::from(b - b'0'));
        let (hours, behind_hours) = match (digit(0)?, digit(1)) {
            (tens, Some(ones)) => (tens * 10 + ones, 2),
            // Something has to follow: minutes at least.
            (ones, None) if form == Digits::ShortColon => (ones, 1),
            _ => return None,
        };
        let (minutes, length) = match form {
            Digits::Hours => (0, behind_hours),
            _ => {
                let colon = usize::from(form != Digits::Basic);
                if colon == 1 && bytes.get(behind_hours) != Some(&b':') {
                    return None;
                }
                let start = behind_hours + colon;
                (digit(start)? * 10 + digit(start + 1)?, start + 2)
            }
        };
        if hours > 23 || minutes > 59 {
            return None;
        }
        self.set_offset(sign * (hours * 60 + minutes) * MILLIS_PER_MINUTE);
        self.rest = &self.rest[self.rest.len() - text.len() + length..];
        Some(())
    }
}

/// How an offset is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Digits {
    /// `02`
    Hours,
    /// `0200`
    Basic,
    /// `02:00`
    Colon,
    /// `2:00` or `02:00`
    ShortColon,
}

fn signed(text: &str) -> Option<(i64, &str)> {
    match text.as_bytes().first()? {
        b'+' => Some((1, &text[1..])),
        b'-' => Some((-1, &text[1..])),
        _ => None,
    }
}

fn is_two_digits(text: &str) -> bool {
    let mut characters = text.chars();
    let mut next_is_digit = || characters.next().is_some_and(|character| digit(character).is_some());
    next_is_digit() && next_is_digit() && characters.next().is_none()
}

/// Where so many UTF-16 units of a text end, none if it has fewer. Within a pair the end is before it: neither half
/// is a digit.
fn units(text: &str, count: usize) -> Option<usize> {
    if count > text.len() {
        return None;
    }
    let mut units = 0;
    for (index, character) in text.char_indices() {
        if units == count || (units + 1 == count && character.len_utf16() == 2) {
            return Some(index);
        }
        units += character.len_utf16();
    }
    (units == count).then_some(text.len())
}
