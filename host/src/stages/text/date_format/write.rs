//! Writing an instant.

use super::Zone;
use super::moment::Moment;
use super::names::{ERAS, HALVES, MONTHS, WEEKDAYS};
use super::pattern::{Field, Letter, Piece};

/// Java pads numbers to no more than this.
const MAX_DIGITS: usize = 309;

pub(super) fn write(pieces: &[Piece], out: &mut String, millis: i64, zone: Zone) {
    let moment = Moment::new(millis, zone);
    for piece in pieces {
        match piece {
            Piece::Literal(text) => out.push_str(text),
            Piece::Field(field) => write_field(out, *field, &moment, zone),
        }
    }
}

fn write_field(out: &mut String, Field { letter, count, .. }: Field, moment: &Moment, zone: Zone) {
    let number = match letter {
        Letter::Era => return out.push_str(ERAS.short[usize::from(moment.date().year > 0)]),
        Letter::Year => return year(out, moment.date().year_of_era(), count),
        Letter::WeekYear => return year(out, moment.week_year(), count),
        Letter::Month => match moment.date().month {
            month if count < 3 => month.into(),
            month => return out.push_str(MONTHS.for_width(month as usize - 1, count)),
        },
        Letter::WeekOfYear => moment.week_of_year(),
        Letter::WeekOfMonth => moment.week_of_month(),
        Letter::DayOfYear => moment.day_of_year(),
        Letter::DayOfMonth => moment.date().day.into(),
        Letter::WeekdayInMonth => moment.weekday_in_month(),
        Letter::WeekdayName => return out.push_str(WEEKDAYS.for_width(moment.weekday() as usize - 1, count)),
        Letter::WeekdayNumber => (moment.weekday() + 5) % 7 + 1,
        Letter::AmPm => return out.push_str(HALVES.for_width((moment.time / 43_200_000) as usize, count)),
        Letter::Hour0To23 => moment.time / 3_600_000,
        Letter::Hour1To24 => (moment.time / 3_600_000 + 23) % 24 + 1,
        Letter::Hour0To11 => moment.time / 3_600_000 % 12,
        Letter::Hour1To12 => (moment.time / 3_600_000 + 11) % 12 + 1,
        Letter::Minute => moment.time / 60_000 % 60,
        Letter::Second => moment.time / 1000 % 60,
        Letter::Millisecond => moment.time % 1000,
        Letter::ZoneName => return out.push_str(zone.name(moment.offset.is_daylight(), count >= 4)),
        Letter::ZoneOffset => return zone_offset(out, moment, 2),
        Letter::ZoneIso => return zone_iso(out, moment, count),
    };
    padded(out, number, count);
}

/// Two letters stand for the last two digits of the year.
fn year(out: &mut String, year: i64, count: usize) {
    if count != 2 {
        return padded(out, year, count);
    }
    // The sign stays even where no digit but zero does.
    if year < 0 {
        out.push('-');
    }
    padded(out, year.abs() % 100, 2);
}

fn zone_iso(out: &mut String, moment: &Moment, count: usize) {
    if moment.offset.total() == 0 { out.push('Z') } else { zone_offset(out, moment, count) }
}

/// `+02` for one, `+0200` for two, `+02:00` for three.
fn zone_offset(out: &mut String, moment: &Moment, count: usize) {
    // Seconds are cut, so that a second behind UTC has the sign of UTC.
    let minutes = moment.offset.total() / 60_000;
    out.push(if minutes < 0 { '-' } else { '+' });
    padded(out, minutes.abs() / 60, 2);
    if count > 1 {
        if count == 3 {
            out.push(':');
        }
        padded(out, minutes.abs() % 60, 2);
    }
}

fn padded(out: &mut String, number: i64, width: usize) {
    if number < 0 {
        out.push('-');
    }
    let mut buffer = itoa::Buffer::new();
    let digits = buffer.format(number.unsigned_abs());
    for _ in digits.len()..width.min(MAX_DIGITS) {
        out.push('0');
    }
    out.push_str(digits);
}
