//! Values and types between MySQL and [`SqlValue`].

use super::{flag, wrong};
use crate::db::size::most_bytes;
use crate::db::{Column, DbError, DbErrorKind, DbResult, Decimal, SqlValue, TypeClass};
use crate::url::Parameters;
use jiff::civil;
use mysql::Value;
use mysql::consts::{ColumnFlags, ColumnType, MAX_PAYLOAD_LEN};
use std::mem::discriminant;

/// The character set of bytes that are no text.
const BINARY: u16 = 63;

/// What `0000-00-00` is read as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ZeroDate {
    Error,
    Null,
    /// The first day of year 1.
    Round,
}

/// How the parameters of the URL want values to be read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reading {
    zero_date: ZeroDate,
    tiny_int_is_bit: bool,
    bit_is_boolean: bool,
    year_is_date: bool,
}

impl Reading {
    pub(super) fn of(parameters: &Parameters) -> DbResult<Reading> {
        let name = "zeroDateTimeBehavior";
        let zero_date =
            match parameters.get(&[name]).map(|value| value.to_ascii_lowercase().replace('_', "")).as_deref() {
                None | Some("exception") => ZeroDate::Error,
                Some("converttonull") => ZeroDate::Null,
                Some("round") => ZeroDate::Round,
                Some(value) => return Err(wrong(name, value, "CONVERT_TO_NULL, EXCEPTION or ROUND")),
            };
        Ok(Reading {
            zero_date,
            tiny_int_is_bit: flag(parameters, "tinyInt1isBit", true)?,
            bit_is_boolean: flag(parameters, "transformedBitIsBoolean", false)?,
            year_is_date: flag(parameters, "yearIsDateType", true)?,
        })
    }

    /// A column as the server describes it.
    pub(super) fn column(&self, column: &mysql::Column) -> Column {
        let flags = column.flags();
        let (class, type_name) = self.class(column);
        let length = column.column_length();
        let precision = match class {
            TypeClass::Decimal => {
                let point = u32::from(column.decimals() > 0);
                let sign = u32::from(!flags.contains(ColumnFlags::UNSIGNED_FLAG));
                Some(length.saturating_sub(point + sign))
            }
            TypeClass::Text | TypeClass::Bytes => Some(length),
            _ => None,
        };
        let scale = match class {
            TypeClass::Decimal | TypeClass::Time | TypeClass::Timestamp => Some(i32::from(column.decimals())),
            _ => None,
        };
        Column {
            name: column.name_str().into_owned(),
            class,
            type_name: type_name.to_owned(),
            precision,
            scale,
            nullable: !flags.contains(ColumnFlags::NOT_NULL_FLAG),
            auto_increment: flags.contains(ColumnFlags::AUTO_INCREMENT_FLAG),
            has_default: !flags.contains(ColumnFlags::NO_DEFAULT_VALUE_FLAG),
            key_position: None,
        }
    }

    fn class(&self, column: &mysql::Column) -> (TypeClass, &'static str) {
        let unsigned = column.flags().contains(ColumnFlags::UNSIGNED_FLAG);
        let integer = |bits| TypeClass::Integer { bits, unsigned };
        let text = column.character_set() != BINARY;
        match column.column_type() {
            ColumnType::MYSQL_TYPE_TINY if self.tiny_int_is_bit && !unsigned && column.column_length() == 1 => {
                (if self.bit_is_boolean { TypeClass::Bool } else { TypeClass::Bit(1) }, "TINYINT")
            }
            ColumnType::MYSQL_TYPE_TINY => (integer(8), "TINYINT"),
            ColumnType::MYSQL_TYPE_SHORT => (integer(16), "SMALLINT"),
            ColumnType::MYSQL_TYPE_INT24 => (integer(32), "MEDIUMINT"),
            ColumnType::MYSQL_TYPE_LONG => (integer(32), "INT"),
            ColumnType::MYSQL_TYPE_LONGLONG => (integer(64), "BIGINT"),
            ColumnType::MYSQL_TYPE_FLOAT => (TypeClass::Real, "FLOAT"),
            ColumnType::MYSQL_TYPE_DOUBLE => (TypeClass::Double, "DOUBLE"),
            ColumnType::MYSQL_TYPE_DECIMAL | ColumnType::MYSQL_TYPE_NEWDECIMAL => (TypeClass::Decimal, "DECIMAL"),
            ColumnType::MYSQL_TYPE_BIT => (TypeClass::Bit(column.column_length()), "BIT"),
            ColumnType::MYSQL_TYPE_YEAR if self.year_is_date => (TypeClass::Date, "YEAR"),
            ColumnType::MYSQL_TYPE_YEAR => (TypeClass::Integer { bits: 16, unsigned: false }, "YEAR"),
            ColumnType::MYSQL_TYPE_DATE | ColumnType::MYSQL_TYPE_NEWDATE => (TypeClass::Date, "DATE"),
            ColumnType::MYSQL_TYPE_TIME | ColumnType::MYSQL_TYPE_TIME2 => (TypeClass::Time, "TIME"),
            ColumnType::MYSQL_TYPE_TIMESTAMP | ColumnType::MYSQL_TYPE_TIMESTAMP2 => (TypeClass::Timestamp, "TIMESTAMP"),
            ColumnType::MYSQL_TYPE_DATETIME | ColumnType::MYSQL_TYPE_DATETIME2 => (TypeClass::Timestamp, "DATETIME"),
            ColumnType::MYSQL_TYPE_JSON => (TypeClass::Text, "JSON"),
            ColumnType::MYSQL_TYPE_ENUM => (TypeClass::Text, "ENUM"),
            ColumnType::MYSQL_TYPE_SET => (TypeClass::Text, "SET"),
            ColumnType::MYSQL_TYPE_GEOMETRY => (TypeClass::Bytes, "GEOMETRY"),
            ColumnType::MYSQL_TYPE_VARCHAR | ColumnType::MYSQL_TYPE_VAR_STRING if text => (TypeClass::Text, "VARCHAR"),
            ColumnType::MYSQL_TYPE_VARCHAR | ColumnType::MYSQL_TYPE_VAR_STRING => (TypeClass::Bytes, "VARBINARY"),
            ColumnType::MYSQL_TYPE_STRING if text => (TypeClass::Text, "CHAR"),
            ColumnType::MYSQL_TYPE_STRING => (TypeClass::Bytes, "BINARY"),
            ColumnType::MYSQL_TYPE_TINY_BLOB
            | ColumnType::MYSQL_TYPE_MEDIUM_BLOB
            | ColumnType::MYSQL_TYPE_LONG_BLOB
            | ColumnType::MYSQL_TYPE_BLOB => {
                if text {
                    (TypeClass::Text, "TEXT")
                } else {
                    (TypeClass::Bytes, "BLOB")
                }
            }
            _ => (TypeClass::Other, "unknown"),
        }
    }

    /// A value of a column of a result.
    pub(super) fn read(&self, value: Value, column: &Column) -> DbResult<SqlValue> {
        let wrong = |what: &dyn std::fmt::Debug| {
            let (name, type_name) = (&column.name, &column.type_name);
            DbError::new(
                DbErrorKind::Data,
                format!("Column {name:?} ({type_name}) holds {what:?}, which cannot be read"),
            )
        };
        Ok(match value {
            Value::NULL => SqlValue::Null,
            Value::Int(0) if column.class == TypeClass::Date => return self.zero_date(column),
            Value::Int(year) if column.class == TypeClass::Date => {
                SqlValue::Date(first_day(year).ok_or_else(|| wrong(&year))?)
            }
            Value::Int(number) if column.class == TypeClass::Bool => SqlValue::Bool(number != 0),
            Value::Int(number) => SqlValue::Int(number),
            Value::UInt(number) if column.class == TypeClass::Date => {
                let year = i64::try_from(number).ok().and_then(first_day);
                SqlValue::Date(year.ok_or_else(|| wrong(&number))?)
            }
            Value::UInt(number) => i64::try_from(number).map_or(SqlValue::UInt(number), SqlValue::Int),
            Value::Float(number) => SqlValue::Float(number),
            Value::Double(number) => SqlValue::Double(number),
            Value::Date(year, month, day, ..) if year == 0 || month == 0 || day == 0 => return self.zero_date(column),
            Value::Date(year, month, day, hour, minute, second, micros) => {
                let date = civil::Date::new(narrow(year)?, narrow(month)?, narrow(day)?).map_err(|_| wrong(&value))?;
                let nanos = i32::try_from(micros).map_or(0, |micros| micros * 1000);
                let time = civil::Time::new(narrow(hour)?, narrow(minute)?, narrow(second)?, nanos)
                    .map_err(|_| wrong(&value))?;
                if column.class == TypeClass::Date {
                    SqlValue::Date(date)
                } else {
                    SqlValue::DateTime(date.to_datetime(time))
                }
            }
            Value::Time(negative, days, hours, minutes, seconds, micros) => {
                let hours = i64::from(days) * 24 + i64::from(hours);
                let seconds = (hours * 60 + i64::from(minutes)) * 60 + i64::from(seconds);
                let nanos = (seconds * 1_000_000 + i64::from(micros)) * 1000;
                SqlValue::Time(if negative { -nanos } else { nanos })
            }
            Value::Bytes(bytes) => match column.class {
                TypeClass::Bytes => SqlValue::Bytes(bytes),
                TypeClass::Bit(bits) if bits <= 8 => SqlValue::Int(bytes.last().copied().map_or(0, i64::from)),
                TypeClass::Bit(_) => SqlValue::Bytes(bytes),
                TypeClass::Other => SqlValue::Null,
                class => {
                    let text = String::from_utf8(bytes).map_err(|error| wrong(&error.into_bytes()))?;
                    match class {
                        TypeClass::Decimal | TypeClass::Numeric => {
                            SqlValue::Decimal(Decimal::parse(&text).ok_or_else(|| wrong(&text))?)
                        }
                        _ => SqlValue::Text(text),
                    }
                }
            },
        })
    }

    fn zero_date(&self, column: &Column) -> DbResult<SqlValue> {
        let first = civil::date(1, 1, 1);
        match self.zero_date {
            ZeroDate::Null => Ok(SqlValue::Null),
            ZeroDate::Round if column.class == TypeClass::Date => Ok(SqlValue::Date(first)),
            ZeroDate::Round => Ok(SqlValue::DateTime(first.to_datetime(civil::Time::midnight()))),
            ZeroDate::Error => {
                let way = "add zeroDateTimeBehavior=CONVERT_TO_NULL (or ROUND) to connection.url";
                let message =
                    format!("Column {:?} holds a date with a zero in it, which is no day; {way}", column.name);
                Err(DbError::new(DbErrorKind::Data, message))
            }
        }
    }
}

/// The first day of a YEAR; year 0 is none.
fn first_day(year: i64) -> Option<civil::Date> {
    civil::Date::new(i16::try_from(year).ok()?, 1, 1).ok()
}

/// Numbers of dates are small: what does not fit is no date.
fn narrow<From, To: TryFrom<From>>(number: From) -> DbResult<To> {
    To::try_from(number).map_err(|_| DbError::new(DbErrorKind::Data, "A date of the server is out of range"))
}

/// Values as the driver takes them.
pub(super) fn bind_all(values: &[SqlValue]) -> DbResult<Vec<Value>> {
    let mut bound = Vec::with_capacity(values.len());
    bind_into(values, &mut bound)?;
    Ok(bound)
}

/// Adds values as the driver takes them.
pub(super) fn bind_into(values: &[SqlValue], bound: &mut Vec<Value>) -> DbResult<()> {
    for value in values {
        bound.push(bind(value)?);
    }
    Ok(())
}

fn bind(value: &SqlValue) -> DbResult<Value> {
    let unfit = |why: &str| DbError::new(DbErrorKind::Data, format!("{value:?} cannot be written: {why}"));
    Ok(match value {
        SqlValue::Null => Value::NULL,
        SqlValue::Bool(value) => Value::Int(i64::from(*value)),
        SqlValue::Int(value) => Value::Int(*value),
        SqlValue::UInt(value) => Value::UInt(*value),
        SqlValue::Float(value) if value.is_finite() => Value::Float(*value),
        SqlValue::Double(value) if value.is_finite() => Value::Double(*value),
        SqlValue::Float(_) | SqlValue::Double(_) => return Err(unfit("MySQL has no such number")),
        SqlValue::Decimal(value) => Value::Bytes(value.to_string().into_bytes()),
        SqlValue::Text(text) => Value::Bytes(text.clone().into_bytes()),
        SqlValue::Bytes(bytes) => Value::Bytes(bytes.clone()),
        SqlValue::Date(date) => {
            bind_time(date.to_datetime(civil::Time::midnight())).ok_or_else(|| unfit("before year 0"))?
        }
        SqlValue::Time(nanos) => bind_duration(*nanos).ok_or_else(|| unfit("a TIME has at most 838 hours"))?,
        SqlValue::DateTime(time) => bind_time(*time).ok_or_else(|| unfit("before year 0"))?,
        SqlValue::Instant(instant) => {
            let time = instant.civil(&jiff::tz::TimeZone::UTC);
            time.and_then(bind_time).ok_or_else(|| unfit("no year from 0 to 9999"))?
        }
        SqlValue::Array(_) => return Err(unfit("MySQL has no arrays")),
    })
}

fn bind_time(time: civil::DateTime) -> Option<Value> {
    let part = |number: i8| u8::try_from(number).unwrap_or(0);
    let year = u16::try_from(time.year()).ok()?;
    let micros = u32::try_from(time.subsec_nanosecond()).unwrap_or(0) / 1000;
    let (hour, minute, second) = (part(time.hour()), part(time.minute()), part(time.second()));
    Some(Value::Date(year, part(time.month()), part(time.day()), hour, minute, second, micros))
}

fn bind_duration(nanos: i64) -> Option<Value> {
    let micros = nanos.unsigned_abs() / 1000;
    let (seconds, micros) = (micros / 1_000_000, u32::try_from(micros % 1_000_000).ok()?);
    let part = |number: u64| u8::try_from(number).unwrap_or(0);
    let (hours, minutes, seconds) = (seconds / 3600, part(seconds / 60 % 60), part(seconds % 60));
    (hours < 839).then(|| {
        let days = u32::try_from(hours / 24).unwrap_or(0);
        Value::Time(nanos < 0, days, part(hours % 24), minutes, seconds, micros)
    })
}

/// About how many bytes the largest packet has that a row alone is sent in. Up to [`MAX_PAYLOAD_LEN`] the driver makes one
/// of the whole row; else the server counts each value by itself.
pub(super) fn largest_packet(row: &[SqlValue]) -> usize {
    match row.iter().map(most_bytes).sum() {
        whole if whole <= MAX_PAYLOAD_LEN => whole,
        _ => row.iter().map(most_bytes).max().unwrap_or(0),
    }
}

/// Whether each column has values of one kind, besides NULL: an array of rows names the type of each column once.
pub(super) fn are_alike(rows: &[Vec<SqlValue>]) -> bool {
    let mut kinds = vec![None; rows.first().map_or(0, Vec::len)];
    rows.iter().all(|row| {
        row.iter().zip(&mut kinds).all(|(value, kind)| {
            value.is_null() || *kind.get_or_insert_with(|| discriminant(value)) == discriminant(value)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_array_has_one_kind_of_values() {
        let (text, none) = (SqlValue::Text("1".into()), SqlValue::Null);
        let row = |first: &SqlValue, second: &SqlValue| vec![first.clone(), second.clone()];
        let (int, large) = (SqlValue::Int(-1), SqlValue::UInt(u64::MAX));
        assert!(are_alike(&[row(&none, &text), row(&int, &none), row(&int, &text)]));
        assert!(!are_alike(&[row(&int, &text), row(&none, &int)]));
        assert!(!are_alike(&[row(&int, &text), row(&large, &text)]));
    }

    #[test]
    fn a_row_is_sent_whole_or_value_by_value() {
        let text = |bytes| SqlValue::Text("x".repeat(bytes));
        assert_eq!(largest_packet(&[text(100), SqlValue::Int(1)]), 132);
        assert_eq!(largest_packet(&[text(MAX_PAYLOAD_LEN), text(100)]), MAX_PAYLOAD_LEN + 16);
    }

    #[test]
    fn times_beyond_a_day_are_bound() {
        assert_eq!(bind_duration(-(25 * 3600 + 1) * 1_000_000_000), Some(Value::Time(true, 1, 1, 0, 1, 0)));
        assert_eq!(bind_duration(839 * 3600 * 1_000_000_000), None);
    }
}
