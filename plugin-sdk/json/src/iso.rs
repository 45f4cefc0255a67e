//! Dates and times in the form of ISO 8601, in UTC, after the Gregorian calendar at all times.

use std::io::Write as _;

use ferroconnect_plugin_abi::logical::{Logical, MILLIS_PER_DAY};

/// Appends milliseconds since 1970 (of a time: since midnight) as a date, a time or both.
pub(crate) fn append(out: &mut Vec<u8>, kind: Logical, millis: i64) {
    let (days, time) = (millis.div_euclid(MILLIS_PER_DAY), millis.rem_euclid(MILLIS_PER_DAY));
    match kind {
        Logical::Date => date(out, days),
        // The end of the day is a time too, and is not its beginning.
        Logical::Time => clock(out, millis),
        _ => {
            date(out, days);
            out.push(b'T');
            clock(out, time);
            out.push(b'Z');
        }
    }
}

fn date(out: &mut Vec<u8>, days: i64) {
    // Years begin in March here, so that the leap day is the last of the year.
    let days = days + 719_468;
    let (era, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day_of_year = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = era * 400 + year + i64::from(month <= 2);
    text(out, format_args!("{year:04}-{month:02}-{day:02}"));
}

fn clock(out: &mut Vec<u8>, millis: i64) {
    let (seconds, millis) = (millis / 1_000, millis % 1_000);
    let (minutes, seconds) = (seconds / 60, seconds % 60);
    text(out, format_args!("{:02}:{:02}:{seconds:02}.{millis:03}", minutes / 60, minutes % 60));
}

fn text(out: &mut Vec<u8>, text: std::fmt::Arguments<'_>) {
    out.write_fmt(text).expect("writing to memory does not fail");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_times_have_their_usual_form() {
        for (kind, millis, text) in [
            (Logical::Date, 0, "1970-01-01"),
            (Logical::Date, 11_016 * MILLIS_PER_DAY, "2000-02-29"),
            (Logical::Date, -MILLIS_PER_DAY, "1969-12-31"),
            (Logical::Date, -719_162 * MILLIS_PER_DAY, "0001-01-01"),
            (Logical::Time, 86_399_999, "23:59:59.999"),
            (Logical::Time, MILLIS_PER_DAY, "24:00:00.000"),
            (Logical::Timestamp, 1_566_570_894_346, "2019-08-23T14:34:54.346Z"),
            (Logical::Timestamp, -1, "1969-12-31T23:59:59.999Z"),
            (Logical::Timestamp, 253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
        ] {
            let mut out = Vec::new();
            append(&mut out, kind, millis);
            assert_eq!(String::from_utf8(out).expect("ASCII"), text);
        }
    }
}
