//! Points in time as the texts that Java and Kafka Connect make of them without being told a pattern, always in UTC.

use std::sync::LazyLock;

pub use ferroconnect_plugin_abi::logical::MILLIS_PER_DAY;

use super::date_format::{DateFormat, Zone};

/// A pattern of this file, compiled when it is first used.
macro_rules! pattern {
    ($pattern:literal) => {
        LazyLock::new(|| DateFormat::new($pattern).expect("the patterns of this file are well-formed"))
    };
}
/// The three forms of Kafka Connect's text values (`Values.dateFormatFor`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Iso {
    /// `1970-01-01`
    Date,
    /// `00:00:00.000Z`
    Time,
    /// `1970-01-01T00:00:00.000Z`
    Timestamp,
}

impl Iso {
    /// The form that a text of so many UTF-16 units may have.
    pub fn of_length(units: usize) -> Option<Iso> {
        match units {
            10 => Some(Iso::Date),
            13 => Some(Iso::Time),
            24 => Some(Iso::Timestamp),
            _ => None,
        }
    }

    /// The form that milliseconds since 1970 are written in, whatever their schema says: the time alone below one day
    /// (before 1970 too), the date alone at midnight, otherwise both.
    pub fn fitting(millis: i64) -> Iso {
        if millis < MILLIS_PER_DAY {
            Iso::Time
        } else if millis % MILLIS_PER_DAY == 0 {
            Iso::Date
        } else {
            Iso::Timestamp
        }
    }

    /// Milliseconds since 1970. What follows the last part is ignored, and parts may be out of their range.
    pub fn read(self, text: &str) -> Option<i64> {
        self.format().read_utc(text)
    }

    fn format(self) -> &'static DateFormat {
        static DATE: LazyLock<DateFormat> = pattern!("yyyy-MM-dd");
        static TIME: LazyLock<DateFormat> = pattern!("HH:mm:ss.SSS'Z'");
        static TIMESTAMP: LazyLock<DateFormat> = pattern!("yyyy-MM-dd'T'HH:mm:ss.SSS'Z'");
        match self {
            Iso::Date => &DATE,
            Iso::Time => &TIME,
            Iso::Timestamp => &TIMESTAMP,
        }
    }
}

/// Appends what Kafka Connect makes of a date object in text.
pub fn write_iso(out: &mut String, millis: i64) {
    Iso::fitting(millis).format().write(out, millis, Zone::UTC);
}

/// Appends `java.util.Date.toString`: `Thu Jan 01 00:00:00 UTC 1970`.
pub fn write_java_date(out: &mut String, millis: i64) {
    static FORMAT: LazyLock<DateFormat> = pattern!("EEE MMM dd HH:mm:ss zzz y");
    FORMAT.write(out, millis, Zone::UTC);
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
    fn the_forms_of_kafka_connect_are_told_by_their_length() {
        for millis in [-1, 0, 86_399_999, MILLIS_PER_DAY, 1_566_570_894_346] {
            let mut text = String::new();
            write_iso(&mut text, millis);
            let form = Iso::of_length(text.len()).expect("these years have four digits");
            assert_eq!(form, Iso::fitting(millis), "{text}");
            // Before 1970 the date is lost.
            assert_eq!(form.read(&text), Some(if millis < 0 { MILLIS_PER_DAY + millis } else { millis }), "{text}");
        }
        assert_eq!(Iso::of_length(11), None);
        assert_eq!(Iso::Date.read("1969-13-01 and so on"), Some(0));
        assert_eq!(Iso::Time.read("25:00:00.000Z"), Some(25 * 3_600_000));
        assert_eq!(Iso::Time.read("00:00:00.000"), None);
    }
}
