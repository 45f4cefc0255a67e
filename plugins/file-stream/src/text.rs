//! Values as text, the way Java's `toString` writes them: that is what Kafka's file sink writes.
//!
//! Two forms differ, because Java's would be of no use. Bytes are written as they are where they are the whole value,
//! and in hexadecimal inside another value; Java writes the identity of the array object. Dates are always in UTC;
//! Java takes the time zone of the machine.

use ferroconnect_plugin_sdk::{Blob, Value, ValueRef};
use std::fmt::Write as _;
use std::io::Write as _;

/// Appends the text of a record's value, without a line end.
pub(crate) fn append(value: &Value, out: &mut Vec<u8>) {
    match value.view() {
        ValueRef::Bytes(bytes) => out.extend_from_slice(bytes),
        _ => java_text(value, out),
    }
}

/// Appends what `toString` gives in Java. Goes to bytes directly, without a formatter: this is the hot path of
/// structs.
fn java_text(value: &Value, out: &mut Vec<u8>) {
    match value.view() {
        ValueRef::Null => out.extend_from_slice(b"null"),
        ValueRef::Boolean(value) => out.extend_from_slice(if value { b"true" } else { b"false" }),
        ValueRef::Int8(_) | ValueRef::Int16(_) | ValueRef::Int32(_) | ValueRef::Int64(_) => {
            let number = value.as_integer().expect("these four kinds are integers");
            out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
        }
        ValueRef::Float32(value) => out.extend_from_slice(float32(value).as_bytes()),
        ValueRef::Float64(value) => out.extend_from_slice(float64(value).as_bytes()),
        ValueRef::String(text) => out.extend_from_slice(text.as_bytes()),
        ValueRef::Bytes(bytes) => bytes.iter().for_each(|byte| formatted(out, format_args!("{byte:02x}"))),
        ValueRef::Array(values) => list(out, *b"[]", values, java_text),
        ValueRef::Map(entries) => list(out, *b"{}", entries, |entry, out| {
            java_text(&entry.key, out);
            out.push(b'=');
            java_text(&entry.value, out);
        }),
        ValueRef::Struct(value) => {
            out.extend_from_slice(b"Struct{");
            let mut comma: &[u8] = b"";
            for (field, value) in value.schema.fields.iter().zip(value.fields.iter()) {
                if !value.is_null() {
                    out.extend_from_slice(comma);
                    out.extend_from_slice(field.name.as_bytes());
                    out.push(b'=');
                    java_text(value, out);
                    comma = b",";
                }
            }
            out.push(b'}');
        }
        ValueRef::Decimal { unscaled, scale } => out.extend_from_slice(decimal(unscaled, scale).as_bytes()),
        ValueRef::BigInteger(bytes) => out.extend_from_slice(decimal(bytes, 0).as_bytes()),
        ValueRef::Date(days) => date(out, i64::from(days) * MILLISECONDS_OF_DAY),
        ValueRef::Time(milliseconds) => date(out, milliseconds.into()),
        ValueRef::Timestamp(milliseconds) => date(out, milliseconds),
        ValueRef::Unknown(kind) => formatted(out, format_args!("<value of unknown kind {}>", kind.0)),
    }
}

fn formatted(out: &mut Vec<u8>, text: std::fmt::Arguments<'_>) {
    out.write_fmt(text).expect("a vector takes every byte");
}

fn list<T>(out: &mut Vec<u8>, [open, close]: [u8; 2], items: &[T], write: impl Fn(&T, &mut Vec<u8>)) {
    out.push(open);
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.extend_from_slice(b", ");
        }
        write(item, out);
    }
    out.push(close);
}

fn float64(value: f64) -> String {
    java_float(format!("{value:e}"), || Some(format!("{value:.1e}")).filter(|two| two.parse() == Ok(value)))
}

fn float32(value: f32) -> String {
    java_float(format!("{value:e}"), || Some(format!("{value:.1e}")).filter(|two| two.parse() == Ok(value)))
}

/// Lays out `shortest`, a number such as `-1.25e-3`. Java writes two digits at least, so where one would do it takes
/// the nearest number of two digits, `two`, if that is read back as the same float.
fn java_float(shortest: String, two: impl FnOnce() -> Option<String>) -> String {
    let text = if shortest.contains('.') { shortest } else { two().unwrap_or(shortest) };
    let (sign, text) = text.strip_prefix('-').map_or(("", text.as_str()), |rest| ("-", rest));
    let Some((mantissa, exponent)) = text.split_once('e') else {
        return format!("{sign}{}", if text == "inf" { "Infinity" } else { "NaN" });
    };
    let exponent: i32 = exponent.parse().expect("Rust writes the exponent as an integer");
    let digits = mantissa.replace('.', "");
    let digits = digits.trim_end_matches('0');
    if !(-3..7).contains(&exponent) {
        let (first, rest) = digits.split_at(1);
        return format!("{sign}{first}.{}E{exponent}", or_zero(rest));
    }
    match usize::try_from(exponent) {
        Ok(whole) => {
            let padded = format!("{digits:0<width$}", width = whole + 1);
            let (whole, fraction) = padded.split_at(whole + 1);
            format!("{sign}{whole}.{}", or_zero(fraction))
        }
        Err(_) => format!("{sign}0.{}{digits}", "0".repeat(exponent.unsigned_abs() as usize - 1)),
    }
}

fn or_zero(digits: &str) -> &str {
    if digits.is_empty() { "0" } else { digits }
}

/// `unscaled * 10^-scale` as `java.math.BigDecimal` writes it.
fn decimal(unscaled: &Blob, scale: i32) -> String {
    let (negative, digits) = integer_digits(unscaled);
    let sign = if negative { "-" } else { "" };
    let count = i64::try_from(digits.len()).unwrap_or(i64::MAX);
    let scale = i64::from(scale);
    let exponent = count - 1 - scale;
    if scale == 0 {
        return format!("{sign}{digits}");
    }
    if scale < 0 || exponent < -6 {
        let (first, rest) = digits.split_at(1);
        let point = if rest.is_empty() { "" } else { "." };
        return format!("{sign}{first}{point}{rest}E{exponent:+}");
    }
    let width = usize::try_from(scale).unwrap_or(0) + 1;
    let padded = format!("{digits:0>width$}");
    let (whole, fraction) = padded.split_at(padded.len() + 1 - width);
    format!("{sign}{whole}.{fraction}")
}

/// The decimal digits of a big-endian two's complement number.
fn integer_digits(bytes: &[u8]) -> (bool, String) {
    const LIMB: u64 = 1_000_000_000;
    let negative = bytes.first().is_some_and(|byte| byte & 0x80 != 0);
    // Little-endian limbs of nine digits. A negative number is complemented first and one is added last.
    let mut limbs = vec![0u64];
    for byte in bytes {
        let mut carry = u64::from(if negative { !byte } else { *byte });
        for limb in &mut limbs {
            carry += *limb * 256;
            *limb = carry % LIMB;
            carry /= LIMB;
        }
        if carry > 0 {
            limbs.push(carry);
        }
    }
    if negative {
        let mut index = 0;
        while limbs[index] == LIMB - 1 {
            limbs[index] = 0;
            index += 1;
            if index == limbs.len() {
                limbs.push(0);
            }
        }
        limbs[index] += 1;
    }
    let mut text = limbs.pop().unwrap_or(0).to_string();
    for limb in limbs.iter().rev() {
        write!(text, "{limb:09}").expect("a string takes every character");
    }
    (negative, text)
}

const MILLISECONDS_OF_DAY: i64 = 86_400_000;

/// As `java.util.Date` writes it: `Thu Jan 01 00:00:00 UTC 1970`.
fn date(out: &mut Vec<u8>, milliseconds: i64) {
    const WEEKDAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let days = milliseconds.div_euclid(MILLISECONDS_OF_DAY);
    let seconds = milliseconds.rem_euclid(MILLISECONDS_OF_DAY) / 1000;
    let (year, month, day) = civil(days);
    let weekday = WEEKDAYS[days.rem_euclid(7) as usize];
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let month = MONTHS[month];
    formatted(out, format_args!("{weekday} {month} {day:02} {hour:02}:{minute:02}:{second:02} UTC {year}"));
}

/// Year, month from 0 and day from 1 of a day since 1970 in the Gregorian calendar.
fn civil(days: i64) -> (i64, usize, i64) {
    // Years begin in March, so that the leap day is the last of its year, and eras of 400 years are all alike.
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = (month_from_march + 2) % 12;
    let year = year_of_era + era * 400 + i64::from(month < 2);
    (year, month as usize, day)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ferroconnect_plugin_sdk::{MapEntry, SchemaBuilder};

    fn text(value: impl Into<Value>) -> String {
        let mut out = Vec::new();
        append(&value.into(), &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn plain_values() {
        assert_eq!(text("héllo"), "héllo");
        assert_eq!(text(Value::NULL), "null");
        assert_eq!(text(true), "true");
        assert_eq!(text(-5i8), "-5");
        assert_eq!(text(vec![b'r', b'a', b'w']), "raw");
    }

    #[test]
    fn floats_are_written_as_java_does() {
        let cases = [
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (1.0, "1.0"),
            (100.0, "100.0"),
            (1.5, "1.5"),
            (123456.789, "123456.789"),
            (1e7, "1.0E7"),
            (9999999.0, "9999999.0"),
            (0.001, "0.001"),
            (1e-4, "1.0E-4"),
            (1.25e-3, "0.00125"),
            (4.9e-324, "4.9E-324"),
            (2e23, "2.0E23"),
            (f64::MAX, "1.7976931348623157E308"),
            (f64::INFINITY, "Infinity"),
            (f64::NEG_INFINITY, "-Infinity"),
            (f64::NAN, "NaN"),
        ];
        for (value, expected) in cases {
            assert_eq!(text(value), expected);
        }
        assert_eq!(text(4.4f32), "4.4");
        assert_eq!(text(1.4e-45f32), "1.4E-45");
        assert_eq!(text(16777216f32), "1.6777216E7");
    }

    #[test]
    fn nested_values() {
        let list = Value::array(vec![Value::int32(1), Value::NULL, Value::bytes(vec![0xab])]);
        assert_eq!(text(list.clone()), "[1, null, ab]");
        let entries = vec![MapEntry { key: "a".into(), value: 1i32.into() }, MapEntry { key: "b".into(), value: list }];
        assert_eq!(text(Value::map(entries)), "{a=1, b=[1, null, ab]}");
        let schema = SchemaBuilder::structure()
            .field("a", SchemaBuilder::int32().build())
            .field("n", SchemaBuilder::string().optional().build())
            .field("b", SchemaBuilder::string().build())
            .build();
        assert_eq!(text(Value::structure(schema, vec![1i32.into(), Value::NULL, "x".into()])), "Struct{a=1,b=x}");
    }

    #[test]
    fn big_numbers() {
        assert_eq!(text(Value::decimal(vec![123], 2)), "1.23");
        assert_eq!(text(Value::decimal(vec![1], 2)), "0.01");
        assert_eq!(text(Value::decimal(vec![0xff], 3)), "-0.001");
        assert_eq!(text(Value::decimal(vec![1], -3)), "1E+3");
        assert_eq!(text(Value::decimal(vec![123], 9)), "1.23E-7");
        assert_eq!(text(Value::decimal(vec![0], 2)), "0.00");
        assert_eq!(text(Value::big_integer(i128::MIN.to_be_bytes().to_vec())), i128::MIN.to_string());
        assert_eq!(text(Value::big_integer(i128::MAX.to_be_bytes().to_vec())), i128::MAX.to_string());
        let minus_a_limb = (-1_000_000_000i64).to_be_bytes().to_vec();
        assert_eq!(text(Value::big_integer(minus_a_limb)), "-1000000000");
    }

    #[test]
    fn dates() {
        assert_eq!(text(Value::date(0)), "Thu Jan 01 00:00:00 UTC 1970");
        assert_eq!(text(Value::date(19_109)), "Wed Apr 27 00:00:00 UTC 2022");
        assert_eq!(text(Value::timestamp(1_651_051_906_000)), "Wed Apr 27 09:31:46 UTC 2022");
        assert_eq!(text(Value::timestamp(-1)), "Wed Dec 31 23:59:59 UTC 1969");
        assert_eq!(text(Value::date(-25_509)), "Wed Feb 28 00:00:00 UTC 1900");
        assert_eq!(text(Value::date(11_016)), "Tue Feb 29 00:00:00 UTC 2000");
        assert_eq!(text(Value::time(3_661_000)), "Thu Jan 01 01:01:01 UTC 1970");
    }
}
