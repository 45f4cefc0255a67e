//! Connect values as values of SQL.

use crate::db::{Decimal, Instant, SqlValue};
use crate::sink::config::{Precision, Settings};
use crate::sink::shape::Column;
use ferroconnect_plugin_sdk::{Error, Result, Value, ValueRef};
use jiff::civil;
use jiff::tz::TimeZone;
use num_bigint::BigInt;

const NANOS_PER_MILLI: i64 = 1_000_000;
const MILLIS_PER_DAY: i64 = 86_400_000;

/// How times become what a database shows.
#[derive(Debug, Clone)]
pub(crate) struct Binder {
    zone: TimeZone,
    dates: TimeZone,
    precision: Precision,
    legacy_calendar: bool,
}

impl Binder {
    /// For a database whose times are those of `zone`.
    pub(crate) fn new(settings: &Settings, zone: TimeZone) -> Binder {
        let dates = if settings.dates_in_utc { TimeZone::UTC } else { zone.clone() };
        let (precision, legacy_calendar) = (settings.timestamp_precision, settings.legacy_calendar);
        Binder { zone, dates, precision, legacy_calendar }
    }

    /// A value as it is bound to its column.
    ///
    /// # Errors
    /// A data error for what no column holds: maps, structs, moments beyond the year 9999, texts of
    /// `timestamp.fields.list` that are no numbers.
    pub(crate) fn bind(&self, value: &Value, column: &Column) -> Result<SqlValue> {
        let bound = match value.view() {
            ValueRef::Int64(count) if column.moment => self.counted(count),
            ValueRef::String(text) if column.moment => match text.trim().parse() {
                Ok(count) => self.counted(count),
                Err(_) => Err("a text of timestamp.fields.list that is no whole number".to_owned()),
            },
            _ => self.plain(value),
        };
        bound.map_err(|reason| Error::data(format!("the field {} cannot be written: it holds {reason}", column.name)))
    }

    fn plain(&self, value: &Value) -> Result<SqlValue, String> {
        Ok(match value.view() {
            ValueRef::Null => SqlValue::Null,
            ValueRef::Boolean(value) => SqlValue::Bool(value),
            ValueRef::Int8(value) => SqlValue::Int(value.into()),
            ValueRef::Int16(value) => SqlValue::Int(value.into()),
            ValueRef::Int32(value) => SqlValue::Int(value.into()),
            ValueRef::Int64(value) => SqlValue::Int(value),
            ValueRef::Float32(value) => SqlValue::Float(value),
            ValueRef::Float64(value) => SqlValue::Double(value),
            ValueRef::String(text) => SqlValue::Text(text.as_str().to_owned()),
            ValueRef::Bytes(bytes) => SqlValue::Bytes(bytes.to_vec()),
            ValueRef::Decimal { unscaled, scale } => {
                let decimal = Decimal::new(BigInt::from_signed_bytes_be(unscaled), scale);
                SqlValue::Decimal(
                    decimal.ok_or_else(|| format!("a decimal with the scale {scale}, which none can write"))?,
                )
            }
            ValueRef::Date(days) => {
                let midnight = Instant::from_millis(i64::from(days) * MILLIS_PER_DAY);
                SqlValue::Date(self.calendar(midnight.civil(&self.dates).ok_or_else(beyond)?.date())?)
            }
            ValueRef::Time(millis) => {
                let time = Instant::from_millis(millis.into()).civil(&self.zone).ok_or_else(beyond)?.time();
                SqlValue::Time(time.duration_since(civil::Time::midnight()).as_millis() as i64 * NANOS_PER_MILLI)
            }
            ValueRef::Timestamp(millis) => self.moment(Instant::from_millis(millis))?,
            ValueRef::Array(values) => {
                let values: Result<Vec<SqlValue>, String> = values.iter().map(|value| self.plain(value)).collect();
                SqlValue::Array(values?)
            }
            ValueRef::Map(_) | ValueRef::Struct(_) => {
                return Err("a map or struct, which no column takes; flatten it first (transform Flatten$Value)".into());
            }
            ValueRef::BigInteger(_) | ValueRef::Unknown(_) => {
                return Err(format!("a value of {}, which no column takes", value.java_class()));
            }
        })
    }

    /// A number of `timestamp.fields.list`.
    fn counted(&self, count: i64) -> Result<SqlValue, String> {
        self.moment(match self.precision {
            Precision::Microseconds => Instant::from_nanos(i128::from(count) * 1000),
            Precision::Nanoseconds => Instant::from_nanos(count.into()),
        })
    }

    fn moment(&self, moment: Instant) -> Result<SqlValue, String> {
        let local = moment.civil(&self.zone).ok_or_else(beyond)?;
        Ok(SqlValue::DateTime(self.calendar(local.date())?.to_datetime(local.time())))
    }

    fn calendar(&self, date: civil::Date) -> Result<civil::Date, String> {
        if !self.legacy_calendar || date >= GREGORIAN_START {
            return Ok(date);
        }
        julian(date).ok_or_else(|| format!("the Julian day of {date}, which the Gregorian calendar does not have"))
    }
}

/// The first day of the Gregorian calendar in Java's legacy calendar.
const GREGORIAN_START: civil::Date = civil::date(1582, 10, 15);
/// The Julian day number of the 1st of January 1970.
const EPOCH_DAY_NUMBER: i64 = 2_440_588;

/// The same day as the Julian calendar names it; none for the 29th of February of years like 1500, which only that
/// calendar has. (E. G. Richards, Explanatory Supplement to the Astronomical Almanac, section 15.11.)
fn julian(date: civil::Date) -> Option<civil::Date> {
    let days = date.duration_since(civil::date(1970, 1, 1)).as_hours() / 24;
    let e = 4 * (days + EPOCH_DAY_NUMBER + 1401) + 3;
    let h = 5 * (e.rem_euclid(1461) / 4) + 2;
    let (day, month) = (h % 153 / 5 + 1, (h / 153 + 2) % 12 + 1);
    let year = e.div_euclid(1461) - 4716 + (14 - month) / 12;
    civil::Date::new(year.try_into().ok()?, month.try_into().ok()?, day.try_into().ok()?).ok()
}

fn beyond() -> String {
    "a moment beyond the years that can be written".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sink::config::testing::settings;
    use crate::sink::shape::Origin;
    use ferroconnect_plugin_sdk::SchemaBuilder;
    use jiff::civil::date;

    fn binder(zone: &str, pairs: &[(&str, &str)]) -> Binder {
        Binder::new(&settings(pairs), TimeZone::get(zone).unwrap())
    }

    fn bind(binder: &Binder, value: Value, moment: bool) -> Result<SqlValue> {
        let schema = SchemaBuilder::string().build();
        binder.bind(&value, &Column { name: "f".into(), schema, origin: Origin::Value, moment })
    }

    #[test]
    fn times_are_those_of_the_zone() {
        let utc = binder("UTC", &[]);
        let moment = Value::timestamp(1_651_051_906_123);
        let local = |day, hour| date(2022, 4, day).at(hour, 31, 46, 123_000_000);
        assert_eq!(bind(&utc, moment.clone(), false).unwrap(), SqlValue::DateTime(local(27, 9)));
        assert_eq!(bind(&utc, Value::time(3_661_001), false).unwrap(), SqlValue::Time(3_661_001_000_000));
        assert_eq!(bind(&utc, Value::date(19_109), false).unwrap(), SqlValue::Date(date(2022, 4, 27)));
        let west = binder("America/New_York", &[]);
        assert_eq!(bind(&west, moment, false).unwrap(), SqlValue::DateTime(local(27, 5)));
        // As the original does it: the day that it is over there at midnight of UTC.
        assert_eq!(bind(&west, Value::date(19_109), false).unwrap(), SqlValue::Date(date(2022, 4, 26)));
        let days = binder("America/New_York", &[("date.timezone", "UTC")]);
        assert_eq!(bind(&days, Value::date(19_109), false).unwrap(), SqlValue::Date(date(2022, 4, 27)));
        assert_eq!(bind(&west, Value::time(0), false).unwrap(), SqlValue::Time(19 * 3_600_000_000_000));
    }

    #[test]
    fn the_last_day_of_9999_can_be_written() {
        let never = date(9999, 12, 31);
        for zone in ["UTC", "America/New_York"] {
            let binder = binder(zone, &[("date.timezone", "UTC")]);
            assert_eq!(bind(&binder, Value::date(2_932_896), false).unwrap(), SqlValue::Date(never));
            let local = if zone == "UTC" { never.at(23, 59, 59, 0) } else { never.at(18, 59, 59, 0) };
            assert_eq!(bind(&binder, Value::timestamp(253_402_300_799_000), false).unwrap(), SqlValue::DateTime(local));
        }
        assert!(bind(&binder("Asia/Tokyo", &[]), Value::timestamp(253_402_300_799_000), false).is_err());
    }

    #[test]
    fn counted_moments_keep_their_digits() {
        let expected = SqlValue::DateTime(date(2001, 9, 9).at(1, 46, 40, 123_456_000));
        let micros = binder("UTC", &[]);
        assert_eq!(bind(&micros, Value::int64(1_000_000_000_123_456), true).unwrap(), expected);
        assert_eq!(bind(&micros, Value::string("1000000000123456"), true).unwrap(), expected);
        assert_eq!(bind(&micros, Value::int64(5), false).unwrap(), SqlValue::Int(5));
        let nanos = binder("UTC", &[("timestamp.precision.mode", "nanoseconds")]);
        assert_eq!(bind(&nanos, Value::int64(1_000_000_000_123_456_000), true).unwrap(), expected);
        let error = bind(&nanos, Value::string("soon"), true).unwrap_err();
        assert!(error.message().starts_with("the field f cannot be written"), "{error}");
    }

    #[test]
    fn old_days_are_julian_in_the_legacy_calendar() {
        let legacy = binder("UTC", &[]);
        let day = |date: civil::Date| (date.duration_since(civil::date(1970, 1, 1)).as_hours() / 24) as i32;
        for (gregorian, shown) in [
            (date(1582, 10, 15), date(1582, 10, 15)),
            (date(1582, 10, 14), date(1582, 10, 4)),
            (date(1, 1, 1), date(1, 1, 3)),
            (date(1000, 3, 1), date(1000, 2, 24)),
        ] {
            assert_eq!(bind(&legacy, Value::date(day(gregorian)), false).unwrap(), SqlValue::Date(shown));
        }
        // The 29th of February 1500 of the Julian calendar.
        assert!(bind(&legacy, Value::date(day(date(1500, 3, 10))), false).is_err());
        let plain = binder("UTC", &[("date.calendar.system", "PROLEPTIC_GREGORIAN")]);
        assert_eq!(bind(&plain, Value::date(day(date(1, 1, 1))), false).unwrap(), SqlValue::Date(date(1, 1, 1)));
    }

    #[test]
    fn numbers_arrays_and_what_no_column_takes() {
        let binder = binder("UTC", &[]);
        let decimal = SqlValue::Decimal(Decimal { unscaled: BigInt::from(-1234), scale: 2 });
        assert_eq!(bind(&binder, Value::decimal(vec![0xfb, 0x2e], 2), false).unwrap(), decimal);
        let array = Value::array(vec![Value::int8(1), Value::NULL]);
        assert_eq!(bind(&binder, array, false).unwrap(), SqlValue::Array(vec![SqlValue::Int(1), SqlValue::Null]));
        for odd in [Value::map(vec![]), Value::big_integer(vec![1]), Value::timestamp(i64::MAX)] {
            assert!(bind(&binder, odd, false).is_err());
        }
    }
}
