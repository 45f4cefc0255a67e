//! Values and types between PostgreSQL and [`SqlValue`].

use crate::db::{Column, DbError, DbErrorKind, DbResult, Decimal, Instant, SqlValue, TypeClass};
use crate::dialect::time_text;
use jiff::civil;
use jiff::tz::TimeZone;
use num_bigint::BigInt;
use std::fmt::Write;
use tokio_postgres::types::private::BytesMut;
use tokio_postgres::types::{Format, FromSql, IsNull, Kind, ToSql, Type};

pub(super) type BoxError = Box<dyn std::error::Error + Sync + Send>;

/// Seconds from 1970 to 2000, where the server's times begin.
const EPOCH: i64 = 946_684_800;

/// The way out where a column has what no value of ours can be.
const INSTEAD: &str = "read it by a query or view that puts another value in its place, as NULLIF(column, 'infinity')";

/// A column as the server describes it. Whether it may be null is asked for apart.
pub(super) fn column(column: &tokio_postgres::Column) -> Column {
    let (ty, modifier) = (base(column.type_()), column.type_modifier());
    let class = class_of(ty, modifier);
    let (precision, scale) = match class {
        TypeClass::Numeric if modifier >= 4 => {
            let modifier = modifier - 4;
            // Eleven bits with a sign.
            let scale = ((modifier & 0x7ff) ^ 0x400) - 0x400;
            (u32::try_from(modifier >> 16 & 0xffff).ok(), Some(scale))
        }
        TypeClass::Text if modifier >= 4 && (*ty == Type::VARCHAR || *ty == Type::BPCHAR) => {
            (u32::try_from(modifier - 4).ok(), None)
        }
        TypeClass::Time | TypeClass::Timestamp | TypeClass::TimestampWithZone => {
            (None, Some(if modifier < 0 { 6 } else { modifier & 0xffff }))
        }
        _ => (None, None),
    };
    Column {
        name: column.name().to_owned(),
        class,
        type_name: column.type_().name().to_owned(),
        precision,
        scale,
        nullable: true,
        auto_increment: false,
        has_default: false,
        key_position: None,
    }
}

/// The type under a domain.
pub(super) fn base(ty: &Type) -> &Type {
    match ty.kind() {
        Kind::Domain(inner) => base(inner),
        _ => ty,
    }
}

fn class_of(ty: &Type, modifier: i32) -> TypeClass {
    let integer = |bits| TypeClass::Integer { bits, unsigned: false };
    match *ty {
        Type::BOOL => TypeClass::Bool,
        Type::INT2 => integer(16),
        Type::INT4 => integer(32),
        Type::INT8 | Type::OID => integer(64),
        Type::FLOAT4 => TypeClass::Real,
        Type::FLOAT8 | Type::MONEY => TypeClass::Double,
        Type::NUMERIC => TypeClass::Numeric,
        Type::BIT if modifier == 1 => TypeClass::Bool,
        Type::BIT => TypeClass::Bit(u32::try_from(modifier).unwrap_or(1)),
        Type::VARBIT => TypeClass::Bytes,
        Type::TEXT | Type::VARCHAR | Type::BPCHAR | Type::NAME | Type::CHAR => TypeClass::Text,
        Type::JSON | Type::JSONB | Type::UUID | Type::XML => TypeClass::Text,
        Type::BYTEA => TypeClass::Bytes,
        Type::DATE => TypeClass::Date,
        Type::TIME | Type::TIMETZ => TypeClass::Time,
        Type::TIMESTAMP => TypeClass::Timestamp,
        Type::TIMESTAMPTZ => TypeClass::TimestampWithZone,
        _ if matches!(ty.kind(), Kind::Enum(_)) || ty.name() == "citext" => TypeClass::Text,
        _ => TypeClass::Other,
    }
}

/// A value as it came.
pub(super) struct Raw<'a>(Option<&'a [u8]>);

impl<'a> FromSql<'a> for Raw<'a> {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, BoxError> {
        Ok(Raw(Some(raw)))
    }

    fn from_sql_null(_: &Type) -> Result<Self, BoxError> {
        Ok(Raw(None))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

impl Raw<'_> {
    /// Puts the value, as the class of its column, in the place of another, whose memory a text takes over. `ty` is the
    /// [`base`] of the column's type.
    pub(super) fn read(&self, ty: &Type, column: &Column, into: &mut SqlValue) -> DbResult<()> {
        let Some(bytes) = self.0.filter(|_| column.class != TypeClass::Other) else {
            *into = SqlValue::Null;
            return Ok(());
        };
        decode(ty, bytes, into).map_err(|why| {
            let (name, type_name) = (&column.name, &column.type_name);
            DbError::new(
                DbErrorKind::Data,
                format!("Column {name:?} ({type_name}) holds a value that cannot be read: {why}"),
            )
        })
    }
}

fn decode(ty: &Type, bytes: &[u8], into: &mut SqlValue) -> Result<(), BoxError> {
    *into = match *ty {
        Type::BOOL => SqlValue::Bool(bytes == [1]),
        Type::INT2 => SqlValue::Int(i64::from(i16::from_be_bytes(bytes.try_into()?))),
        Type::INT4 => SqlValue::Int(i64::from(i32::from_be_bytes(bytes.try_into()?))),
        Type::INT8 => SqlValue::Int(i64::from_be_bytes(bytes.try_into()?)),
        Type::OID => SqlValue::Int(i64::from(u32::from_be_bytes(bytes.try_into()?))),
        Type::FLOAT4 => SqlValue::Float(f32::from_be_bytes(bytes.try_into()?)),
        Type::FLOAT8 => SqlValue::Double(f64::from_be_bytes(bytes.try_into()?)),
        #[expect(clippy::cast_precision_loss, reason = "money is read as a float, as by the JDBC driver")]
        Type::MONEY => SqlValue::Double(i64::from_be_bytes(bytes.try_into()?) as f64 / 100.0),
        Type::NUMERIC => SqlValue::Decimal(numeric(bytes)?),
        Type::BIT | Type::VARBIT => bits(ty, bytes)?,
        Type::BYTEA => SqlValue::Bytes(bytes.to_vec()),
        Type::UUID => SqlValue::Text(uuid(bytes)),
        Type::JSONB => return text(bytes.get(1..).unwrap_or_default(), into),
        Type::DATE => SqlValue::Date(date(i32::from_be_bytes(bytes.try_into()?))?),
        Type::TIME => SqlValue::Time(i64::from_be_bytes(bytes.try_into()?) * 1000),
        Type::TIMETZ => {
            let (time, zone) = bytes.split_at_checked(8).ok_or("too short")?;
            let west = i64::from(i32::from_be_bytes(zone.try_into()?));
            let micros = i64::from_be_bytes(time.try_into()?) + west * 1_000_000;
            SqlValue::Time(micros.rem_euclid(86_400_000_000) * 1000)
        }
        Type::TIMESTAMP => SqlValue::DateTime(date_time(bytes)?),
        Type::TIMESTAMPTZ => SqlValue::Instant(Instant::of_utc(date_time(bytes)?)),
        _ => return text(bytes, into),
    };
    Ok(())
}

fn text(bytes: &[u8], into: &mut SqlValue) -> Result<(), BoxError> {
    let text = std::str::from_utf8(bytes)?;
    match into {
        SqlValue::Text(old) => text.clone_into(old),
        _ => *into = SqlValue::Text(text.to_owned()),
    }
    Ok(())
}

fn uuid(bytes: &[u8]) -> String {
    let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let part = |from: usize, to: usize| digits.get(from..to).unwrap_or_default();
    [part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32)].join("-")
}

/// One bit is a boolean, up to eight are a number, more are bytes.
fn bits(ty: &Type, bytes: &[u8]) -> Result<SqlValue, BoxError> {
    let (count, bytes) = bytes.split_at_checked(4).ok_or("too short")?;
    let count = i32::from_be_bytes(count.try_into()?);
    Ok(match (count, bytes) {
        (1, [byte]) if *ty == Type::BIT => SqlValue::Bool(*byte != 0),
        (2..=8, [byte]) if *ty == Type::BIT => SqlValue::Int(i64::from(*byte >> (8 - count))),
        _ => SqlValue::Bytes(bytes.to_vec()),
    })
}

fn date(days: i32) -> Result<civil::Date, BoxError> {
    if days == i32::MAX || days == i32::MIN {
        return Err(format!("infinity is no day; {INSTEAD}").into());
    }
    Ok(civil::date(2000, 1, 1).checked_add(jiff::Span::new().try_days(days)?)?)
}

/// Microseconds since 2000.
fn micros(bytes: &[u8]) -> Result<i64, BoxError> {
    match i64::from_be_bytes(bytes.try_into()?) {
        i64::MIN | i64::MAX => Err(format!("infinity is no time; {INSTEAD}").into()),
        micros => Ok(micros),
    }
}

/// What clocks show so long after the year 2000 began.
fn date_time(bytes: &[u8]) -> Result<civil::DateTime, BoxError> {
    let instant = Instant::from_micros(micros(bytes)?.saturating_add(EPOCH * 1_000_000));
    instant.civil(&TimeZone::UTC).ok_or_else(|| format!("no year of four digits; {INSTEAD}").into())
}

/// Digits to the base of 10,000 behind four numbers: how many, the weight of the first, the sign, the scale.
fn numeric(bytes: &[u8]) -> Result<Decimal, BoxError> {
    let mut words = bytes.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]]));
    let mut next = || words.next().ok_or("too short");
    let (_count, weight, sign, scale) = (next()?, next()?, next()?, next()?);
    if sign & 0xC000 == 0xC000 {
        return Err("NaN and Infinity are no decimal numbers".into());
    }
    let mut small: u64 = 0;
    let mut large = BigInt::ZERO;
    let mut digits = 0;
    for word in words {
        if digits < 4 {
            small = small * 10_000 + u64::from(word);
        } else {
            if digits == 4 {
                large = BigInt::from(small);
            }
            large = large * 10_000 + word;
        }
        digits += 1;
    }
    let magnitude = if digits <= 4 { BigInt::from(small) } else { large };
    let unscaled = if sign == 0x4000 { -magnitude } else { magnitude };
    let weight = i32::from(i16::from_be_bytes(weight.to_be_bytes()));
    let decimal = Decimal { unscaled, scale: (digits - 1 - weight) * 4 };
    // Zeros behind the point may be more or fewer than the scale says.
    Ok(decimal.rescale(i32::from(scale)).unwrap_or(decimal))
}

/// A value on its way to the server.
#[derive(Debug)]
pub(super) struct Bound<'a>(pub(super) &'a SqlValue);

/// The binary form of a value.
enum Binary<'a> {
    One(u8),
    Two([u8; 2]),
    Four([u8; 4]),
    Eight([u8; 8]),
    Many(&'a [u8]),
}

impl Binary<'_> {
    fn bytes(&self) -> &[u8] {
        match self {
            Binary::One(byte) => std::slice::from_ref(byte),
            Binary::Two(bytes) => bytes,
            Binary::Four(bytes) => bytes,
            Binary::Eight(bytes) => bytes,
            Binary::Many(bytes) => bytes,
        }
    }
}

impl<'a> Bound<'a> {
    /// Whether the server gets it in the binary form of its type.
    pub(super) fn is_binary(&self, ty: &Type) -> bool {
        self.0.is_null() || self.binary(base(ty)).is_some()
    }

    /// The form that is written without a text between; none = as text, which the server reads as a literal of the type.
    fn binary(&self, ty: &Type) -> Option<Binary<'a>> {
        // What is below a microsecond is cut, before 1970 too.
        let micros =
            |instant: Instant| Some(Binary::Eight(instant.micros()?.checked_sub(EPOCH * 1_000_000)?.to_be_bytes()));
        Some(match (self.0, ty) {
            (SqlValue::Bool(value), &Type::BOOL) => Binary::One(u8::from(*value)),
            (SqlValue::Int(value), &Type::INT2) => Binary::Two(i16::try_from(*value).ok()?.to_be_bytes()),
            (SqlValue::Int(value), &Type::INT4) => Binary::Four(i32::try_from(*value).ok()?.to_be_bytes()),
            (SqlValue::Int(value), &Type::INT8) => Binary::Eight(value.to_be_bytes()),
            (SqlValue::Float(value), &Type::FLOAT4) => Binary::Four(value.to_be_bytes()),
            (SqlValue::Float(value), &Type::FLOAT8) => Binary::Eight(f64::from(*value).to_be_bytes()),
            (SqlValue::Double(value), &Type::FLOAT8) => Binary::Eight(value.to_be_bytes()),
            (SqlValue::Bytes(bytes), &Type::BYTEA) => Binary::Many(bytes),
            (SqlValue::Text(text), &Type::TEXT | &Type::VARCHAR | &Type::BPCHAR) => Binary::Many(text.as_bytes()),
            (SqlValue::Time(nanos), &Type::TIME) => Binary::Eight((nanos / 1000).to_be_bytes()),
            (SqlValue::Date(date), &Type::DATE) => {
                Binary::Four(civil::date(2000, 1, 1).until(*date).ok()?.get_days().to_be_bytes())
            }
            (SqlValue::DateTime(time), &Type::TIMESTAMP) => micros(Instant::of_utc(*time))?,
            (SqlValue::Instant(instant), &Type::TIMESTAMPTZ | &Type::TIMESTAMP) => micros(*instant)?,
            _ => return None,
        })
    }
}

/// A value as a literal of type `ty`, without quotes.
pub(super) fn as_text(value: &SqlValue, ty: &Type) -> Result<String, BoxError> {
    let mut text = String::new();
    write_text(value, ty, &mut text)?;
    Ok(text)
}

/// Writes a value as a literal of type `ty`, without quotes.
pub(super) fn write_text(value: &SqlValue, ty: &Type, out: &mut impl Write) -> Result<(), BoxError> {
    match value {
        SqlValue::Null => return Err("NULL has no text".into()),
        SqlValue::Bool(value) if matches!(*ty, Type::BOOL | Type::TEXT | Type::VARCHAR) => write!(out, "{value}")?,
        SqlValue::Bool(value) => write!(out, "{}", u8::from(*value))?,
        SqlValue::Int(value) => write!(out, "{value}")?,
        SqlValue::UInt(value) => write!(out, "{value}")?,
        // As the server widens it.
        SqlValue::Float(value) if *ty == Type::FLOAT8 => write!(out, "{}", f64::from(*value))?,
        SqlValue::Float(value) => write!(out, "{value}")?,
        SqlValue::Double(value) => write!(out, "{value}")?,
        SqlValue::Decimal(value) => write!(out, "{value}")?,
        SqlValue::Text(text) => out.write_str(text)?,
        SqlValue::Bytes(bytes) => {
            out.write_str("\\x")?;
            bytes.iter().try_for_each(|byte| {
                let digit = |half: u8| char::from(b"0123456789abcdef"[usize::from(half)]);
                out.write_char(digit(byte >> 4))?;
                out.write_char(digit(byte & 15))
            })?;
        }
        SqlValue::Date(date) => write_date_time(*date, None, "", out)?,
        SqlValue::Time(nanos) => out.write_str(&time_text(*nanos, 6))?,
        // Read in the session's zone where the column has one.
        SqlValue::DateTime(time) => write_date_time(time.date(), Some(time.time()), "", out)?,
        SqlValue::Instant(instant) => {
            let time = instant.civil(&TimeZone::UTC).ok_or("no year of four digits")?;
            write_date_time(time.date(), Some(time.time()), "+00", out)?;
        }
        SqlValue::Array(elements) => match base(ty).kind() {
            Kind::Array(element) => write_array(elements, ty, element, out)?,
            _ => return Err(format!("an array does not go into {}", ty.name()).into()),
        },
    }
    Ok(())
}

/// Writes an array of type `ty`. Elements that are arrays themselves are of the same type.
pub(super) fn write_array<'v>(
    elements: impl IntoIterator<Item = &'v SqlValue>,
    ty: &Type,
    element_type: &Type,
    out: &mut impl Write,
) -> Result<(), BoxError> {
    out.write_char('{')?;
    for (place, element) in elements.into_iter().enumerate() {
        if place > 0 {
            out.write_char(',')?;
        }
        match element {
            SqlValue::Null => out.write_str("NULL")?,
            SqlValue::Array(_) => write_text(element, ty, out)?,
            _ => {
                let text = as_text(element, element_type)?;
                write!(out, "\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))?;
            }
        }
    }
    out.write_char('}')?;
    Ok(())
}

/// Writes a day, and a time where there is one, as the server reads them in any `DateStyle`. It knows no year 0.
fn write_date_time(date: civil::Date, time: Option<civil::Time>, zone: &str, out: &mut impl Write) -> std::fmt::Result {
    let (year, era) = if date.year() > 0 { (date.year(), "") } else { (1 - date.year(), " BC") };
    write!(out, "{year:04}-{:02}-{:02}", date.month(), date.day())?;
    if let Some(time) = time {
        let micros = time.subsec_nanosecond() / 1000;
        write!(out, " {:02}:{:02}:{:02}.{micros:06}", time.hour(), time.minute(), time.second())?;
    }
    write!(out, "{zone}{era}")
}

impl ToSql for Bound<'_> {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, BoxError> {
        if self.0.is_null() {
            return Ok(IsNull::Yes);
        }
        match self.binary(base(ty)) {
            Some(binary) => out.extend_from_slice(binary.bytes()),
            None => out.extend_from_slice(as_text(self.0, ty)?.as_bytes()),
        }
        Ok(IsNull::No)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    fn encode_format(&self, ty: &Type) -> Format {
        if self.is_binary(ty) { Format::Binary } else { Format::Text }
    }

    fn to_sql_checked(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, BoxError> {
        self.to_sql(ty, out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(words: &[u16]) -> Vec<u8> {
        words.iter().flat_map(|word| word.to_be_bytes()).collect()
    }

    #[test]
    fn numbers_of_any_size() {
        let read = |parts: &[u16]| numeric(&words(parts)).unwrap().to_string();
        assert_eq!(read(&[0, 0, 0, 2]), "0.00");
        assert_eq!(read(&[2, 0, 0, 2, 1, 2300]), "1.23");
        assert_eq!(read(&[1, 0xFFFF, 0x4000, 4, 5]), "-0.0005");
        assert_eq!(read(&[1, 2, 0, 0, 7]), "700000000");
        assert_eq!(read(&[6, 5, 0, 0, 1, 2, 3, 4, 5, 6]), "100020003000400050006");
        assert!(numeric(&words(&[0, 0, 0xC000, 0])).is_err());
    }

    #[test]
    fn times_up_to_the_end_of_9999() {
        let read = |micros: i64| date_time(&micros.to_be_bytes()).map(|time| time.to_string());
        assert_eq!(read(-1).unwrap(), "1999-12-31T23:59:59.999999");
        assert_eq!(read(252_455_572_800_000_000).unwrap(), "9999-12-31T12:00:00");
        for far in [i64::MAX, i64::MIN, i64::MAX - 1] {
            let error = read(far).unwrap_err().to_string();
            assert!(error.contains("NULLIF(column, 'infinity')"), "{error}");
        }
    }

    #[test]
    fn arrays_are_written_as_literals() {
        let array = SqlValue::Array(vec![SqlValue::Text("a\"b\\c,{}".into()), SqlValue::Null]);
        assert_eq!(as_text(&array, &Type::TEXT_ARRAY).unwrap(), r#"{"a\"b\\c,{}",NULL}"#);
    }
}
