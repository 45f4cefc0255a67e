//! What is bound to statements and read from rows, and what a column is.

use super::Instant;
use jiff::civil;
use num_bigint::BigInt;

/// A value of SQL, in the form that the three drivers share.
///
/// Times without a zone stay without one: which zone `db.timezone` means is the business of source and sink.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum SqlValue {
    /// NULL of any type.
    #[default]
    Null,
    /// A boolean. Bound as 0 or 1 where the database has none.
    Bool(bool),
    /// Any signed integer, and each unsigned one that fits.
    Int(i64),
    /// An unsigned 64-bit integer of MySQL above `i64::MAX`; smaller ones are read as [`SqlValue::Int`].
    UInt(u64),
    /// A 32-bit float.
    Float(f32),
    /// A 64-bit float.
    Double(f64),
    /// An exact number.
    Decimal(Decimal),
    /// Text. Bound to a column of another type it is read by the server as a literal of that type would be, so that
    /// JSON, UUIDs, enums, intervals and the like are given as text.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
    /// A day.
    Date(civil::Date),
    /// Nanoseconds since midnight. MySQL has times below 0 and from 24 hours on.
    Time(i64),
    /// A date and a time without a zone.
    DateTime(civil::DateTime),
    /// A point in time (`timestamptz` of PostgreSQL).
    Instant(Instant),
    /// An array of PostgreSQL.
    Array(Vec<SqlValue>),
}

impl SqlValue {
    /// Whether it is NULL.
    pub fn is_null(&self) -> bool {
        matches!(self, SqlValue::Null)
    }
}

/// More than any database has digits behind the point (PostgreSQL: 16,383). Written out, a number of some bytes whose scale
/// is larger would fill memory.
const MOST_SCALE: u32 = 20_000;

/// `unscaled · 10^-scale`. The scale may be below 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decimal {
    /// The digits.
    pub unscaled: BigInt,
    /// How many of them stand behind the point.
    pub scale: i32,
}

impl Decimal {
    /// Reads `-12.340`, `.5`, `1e-7`; none where it is no number (`NaN`, `Infinity`) or its exponent is out of reason.
    pub fn parse(text: &str) -> Option<Decimal> {
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
            None => (text, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let unscaled = format!("{whole}{fraction}");
        let fraction = i32::try_from(fraction.len()).ok()?;
        Decimal::new(unscaled.parse().ok()?, fraction.checked_sub(exponent)?)
    }

    /// A number; none where its scale is out of reason.
    pub fn new(unscaled: BigInt, scale: i32) -> Option<Decimal> {
        (scale.unsigned_abs() <= MOST_SCALE).then_some(Decimal { unscaled, scale })
    }

    /// The same number with another scale; none where digits would be lost.
    pub fn rescale(&self, scale: i32) -> Option<Decimal> {
        let by = scale.checked_sub(self.scale)?;
        let power = BigInt::from(10).pow(by.unsigned_abs());
        let unscaled = match by {
            0.. => &self.unscaled * power,
            _ if (&self.unscaled % &power) == BigInt::ZERO => &self.unscaled / power,
            _ => return None,
        };
        Some(Decimal { unscaled, scale })
    }
}

impl std::fmt::Display for Decimal {
    /// In plain digits, never with an exponent.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let digits = self.unscaled.magnitude().to_string();
        if self.unscaled.sign() == num_bigint::Sign::Minus {
            f.write_str("-")?;
        }
        let places = self.scale.unsigned_abs() as usize;
        match self.scale {
            0 => f.write_str(&digits),
            1.. => {
                let digits = format!("{digits:0>width$}", width = places + 1);
                let (whole, fraction) = digits.split_at(digits.len() - places);
                write!(f, "{whole}.{fraction}")
            }
            _ if digits == "0" => f.write_str("0"),
            _ => write!(f, "{digits}{:0>places$}", ""),
        }
    }
}

/// What kind of values a column has, as far as source and sink tell them apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TypeClass {
    /// BOOLEAN: read as [`SqlValue::Bool`].
    Bool,
    /// BIT of so many bits: one that fits 8 bits is read as [`SqlValue::Int`], a longer one as [`SqlValue::Bytes`].
    Bit(u32),
    /// An integer: read as [`SqlValue::Int`], or as [`SqlValue::UInt`] where it does not fit.
    Integer {
        /// 8, 16, 32 or 64.
        bits: u8,
        /// Whether it has no sign.
        unsigned: bool,
    },
    /// A 32-bit float: [`SqlValue::Float`].
    Real,
    /// A 64-bit float: [`SqlValue::Double`].
    Double,
    /// NUMERIC, which `numeric.mapping` is about: [`SqlValue::Decimal`].
    Numeric,
    /// DECIMAL, where the server tells it from NUMERIC (MySQL): [`SqlValue::Decimal`].
    Decimal,
    /// Any text; JSON, UUID, XML, enums and sets too: [`SqlValue::Text`].
    Text,
    /// Bytes: [`SqlValue::Bytes`].
    Bytes,
    /// [`SqlValue::Date`]. YEAR of MySQL too: the first day of that year.
    Date,
    /// [`SqlValue::Time`].
    Time,
    /// [`SqlValue::DateTime`].
    Timestamp,
    /// [`SqlValue::Instant`].
    TimestampWithZone,
    /// Anything else (arrays, intervals, geometry, …): read as [`SqlValue::Null`], for no schema fits. The source
    /// drops such a column with a warning.
    Other,
}

/// A column of a table or of a result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Its name as stored; in a result the alias.
    pub name: String,
    /// The kind of its values.
    pub class: TypeClass,
    /// The server's name of the type, for messages.
    pub type_name: String,
    /// Digits of a number, length of a text, where there is a limit.
    pub precision: Option<u32>,
    /// Digits behind the point of a number, of a second in times; none where the type leaves it to each value.
    pub scale: Option<i32>,
    /// Whether it may be NULL; true where it is not known, as in results of SQLite and of PostgreSQL's expressions.
    pub nullable: bool,
    /// Whether the server counts it up by itself. Only known of tables on SQLite and PostgreSQL.
    pub auto_increment: bool,
    /// Whether the server fills it in when it is left out.
    pub has_default: bool,
    /// Its place in the primary key, from 1. Only known of tables, not of results.
    pub key_position: Option<u16>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scales_out_of_reason_are_no_numbers() {
        assert_eq!(Decimal::parse("1e-20000").unwrap().to_string().len(), 20_002);
        for text in ["1e-20001", "1e20001", "1e2147483647", "1e-2147483648"] {
            assert_eq!(Decimal::parse(text), None, "{text}");
        }
        assert_eq!(Decimal::new(BigInt::from(1), i32::MIN), None);
    }
}
