//! Rows written out in OpenMLDB's SQL, which takes no parameters for several rows.

use crate::db::{DbError, DbErrorKind, DbResult, SqlValue};
use jiff::tz::TimeZone;
use std::fmt::Write;

/// Adds `(value, value, …)`.
pub(super) fn push_row(sql: &mut String, row: &[SqlValue]) -> DbResult<()> {
    for (place, value) in row.iter().enumerate() {
        sql.push(if place == 0 { '(' } else { ',' });
        push(sql, value)?;
    }
    sql.push(')');
    Ok(())
}

fn push(sql: &mut String, value: &SqlValue) -> DbResult<()> {
    let cannot = |what: String| DbError::new(DbErrorKind::Data, format!("OpenMLDB cannot be given {what}"));
    let written = match value {
        SqlValue::Null => write!(sql, "NULL"),
        SqlValue::Bool(flag) => write!(sql, "{flag}"),
        SqlValue::Int(number) => write!(sql, "{number}"),
        SqlValue::UInt(number) => write!(sql, "{number}"),
        SqlValue::Float(number) if number.is_finite() => write!(sql, "{number:?}"),
        SqlValue::Double(number) if number.is_finite() => write!(sql, "{number:?}"),
        SqlValue::Text(text) => {
            push_text(sql, text);
            Ok(())
        }
        SqlValue::Date(date) => write!(sql, "'{date}'"),
        // Timestamps are milliseconds since 1970; the binder gave the time of UTC.
        SqlValue::DateTime(time) => match time.to_zoned(TimeZone::UTC) {
            Ok(moment) => write!(sql, "{}", moment.timestamp().as_millisecond()),
            Err(error) => return Err(cannot(format!("the time {time}: {error}"))),
        },
        SqlValue::Float(_) | SqlValue::Double(_) => return Err(cannot(format!("{value:?} in a statement"))),
        SqlValue::Time(_) => return Err(cannot("a time of day, for it has no such type".to_owned())),
        SqlValue::Bytes(_) => return Err(cannot("bytes".to_owned())),
        SqlValue::Decimal(_) | SqlValue::Instant(_) | SqlValue::Array(_) => {
            return Err(cannot(format!("{value:?}, for it has no such type")));
        }
    };
    written.expect("a String takes everything");
    Ok(())
}

/// Text in single quotes: what would end or break the line or the quotes is escaped by a backslash.
fn push_text(sql: &mut String, text: &str) {
    sql.push('\'');
    for char in text.chars() {
        match char {
            '\'' => sql.push_str("\\'"),
            '\\' => sql.push_str("\\\\"),
            '\n' => sql.push_str("\\n"),
            '\r' => sql.push_str("\\r"),
            other => sql.push(other),
        }
    }
    sql.push('\'');
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    fn row(values: &[SqlValue]) -> String {
        let mut sql = String::new();
        push_row(&mut sql, values).unwrap();
        sql
    }

    #[test]
    fn values_are_written_out() {
        let values = [
            SqlValue::Null,
            SqlValue::Bool(true),
            SqlValue::Int(-1),
            SqlValue::Float(4.4),
            SqlValue::Double(1.0e300),
            SqlValue::Date(date(2022, 4, 27)),
            SqlValue::DateTime(date(2022, 4, 27).at(9, 31, 46, 0)),
        ];
        assert_eq!(row(&values), "(NULL,true,-1,4.4,1e300,'2022-04-27',1651051906000)");
    }

    #[test]
    fn text_cannot_leave_its_quotes() {
        assert_eq!(row(&[SqlValue::Text("it's \\' a\nline".into())]), r"('it\'s \\\' a\nline')");
    }

    #[test]
    fn what_has_no_type_is_named() {
        let mut sql = String::new();
        for value in [SqlValue::Double(f64::NAN), SqlValue::Bytes(vec![1]), SqlValue::Time(1)] {
            assert_eq!(push_row(&mut sql, &[value]).unwrap_err().kind(), DbErrorKind::Data);
        }
    }
}
