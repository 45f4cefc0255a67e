//! Floating point numbers in Java's notation (`Double.parseDouble`): decimal or hexadecimal, perhaps with a type
//! suffix, with blanks around it.

use std::str::FromStr;

/// A binary floating point type.
pub trait Float: FromStr {
    /// The bits of the significand.
    const PRECISION: i64;
    /// The exponent of the last bit of the smallest number.
    const LEAST_EXPONENT: i64;
    /// The number, which is rounded already.
    fn from_rounded(number: f64) -> Self;
}

impl Float for f64 {
    const PRECISION: i64 = 53;
    const LEAST_EXPONENT: i64 = -1074;

    fn from_rounded(number: f64) -> f64 {
        number
    }
}

impl Float for f32 {
    const PRECISION: i64 = 24;
    const LEAST_EXPONENT: i64 = -149;

    fn from_rounded(number: f64) -> f32 {
        number as f32
    }
}

/// Reads a number; what is too large is infinite. `None` where the text is no number to Java.
pub fn parse<T: Float>(text: &str) -> Option<T> {
    let text = text.trim_matches(|c| c <= ' ');
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    if unsigned == "NaN" || unsigned == "Infinity" {
        return text.parse().ok();
    }
    if let Some(digits) = unsigned.strip_prefix("0x").or(unsigned.strip_prefix("0X")) {
        let number = hexadecimal::<T>(without_suffix(digits))?;
        return Some(T::from_rounded(if text.starts_with('-') { -number } else { number }));
    }
    // Rust reads further words, such as `inf`, which Java does not.
    let is_decimal =
        |text: &str| text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-'));
    Some(without_suffix(text)).filter(|text| is_decimal(text))?.parse().ok()
}

/// Drops the letter of a type, of which there may be one.
fn without_suffix(text: &str) -> &str {
    text.strip_suffix(['f', 'F', 'd', 'D']).unwrap_or(text)
}

/// Reads `1.8p3`, which is 1.5 * 2^3.
fn hexadecimal<T: Float>(text: &str) -> Option<f64> {
    let (significand, power) = text.split_once(['p', 'P'])?;
    let (whole, fraction) = significand.split_once('.').unwrap_or((significand, ""));
    if whole.len() + fraction.len() == 0 {
        return None;
    }
    let mut bits = 0u64;
    let mut exponent = exponent(power)? - 4 * fraction.len() as i64;
    for digit in whole.chars().chain(fraction.chars()) {
        let digit = u64::from(digit.to_digit(16)?);
        if bits >> 59 == 0 {
            bits = bits << 4 | digit;
        } else {
            // There are more bits than are ever kept; what is lost only counts as more than nothing.
            bits |= u64::from(digit != 0);
            exponent += 4;
        }
    }
    Some(rounded::<T>(bits, exponent))
}

/// A power of two; one that is out of all bounds is cut to some that is too.
fn exponent(text: &str) -> Option<i64> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let size = digits.parse::<i64>().unwrap_or(i64::MAX).min(1 << 40);
    Some(if text.starts_with('-') { -size } else { size })
}

/// `bits * 2^exponent`, rounded to the nearest number of the type, of two equally near ones to the even one.
fn rounded<T: Float>(mut bits: u64, mut exponent: i64) -> f64 {
    let length = i64::from(64 - bits.leading_zeros());
    let excess = (length - T::PRECISION).max(T::LEAST_EXPONENT - exponent);
    if excess > 0 {
        let (kept, lost, half) = match excess {
            1..=63 => (bits >> excess, bits & ((1 << excess) - 1), 1 << (excess - 1)),
            _ => (0, bits.min(1), 2),
        };
        bits = kept + u64::from(lost > half || (lost == half && kept & 1 == 1));
        exponent += excess;
    }
    match bits {
        0 => 0.0,
        _ => bits as f64 * power_of_two(exponent),
    }
}

fn power_of_two(exponent: i64) -> f64 {
    match exponent {
        1024.. => f64::INFINITY,
        -1022.. => f64::from_bits(((exponent + 1023) as u64) << 52),
        _ => f64::from_bits(1u64 << (exponent + 1074)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_java_reads() {
        for (text, number) in [
            ("1.5", 1.5),
            (" 7 ", 7.0),
            ("\t-.25\n", -0.25),
            ("5.", 5.0),
            ("1.5f", 1.5),
            ("12d", 12.0),
            ("1e3D", 1000.0),
            ("1e400", f64::INFINITY),
            ("-1e-400", -0.0),
            ("+Infinity", f64::INFINITY),
            ("0x1p3", 8.0),
            ("-0X.8p1f", -1.0),
            ("0x1.8P-1", 0.75),
            ("0x1p99999999999999999999", f64::INFINITY),
            ("0x1p-99999999999999999999", 0.0),
            ("0x0p9999", 0.0),
            ("0x1.fffffffffffffp1023", f64::MAX),
            ("0x1p-1074", 5e-324),
            ("0x1p-1075", 0.0),
            ("0x1.8p-1075", 5e-324),
            ("0x10000000000000001p0", 18446744073709551616.0),
        ] {
            assert_eq!(parse::<f64>(text).map(f64::to_bits), Some(number.to_bits()), "{text}");
        }
        assert!(parse::<f64>("-NaN").is_some_and(f64::is_nan));
        assert_eq!(parse::<f32>("16777217"), Some(16_777_216.0));
        assert_eq!(parse::<f32>("0x1000001p0"), Some(16_777_216.0));
        assert_eq!(parse::<f32>("0x1000003p0"), Some(16_777_220.0));
        assert_eq!(parse::<f32>("0x1.ffffffp127"), Some(f32::INFINITY));
        assert_eq!(parse::<f32>("0x1p-149"), Some(1e-45));
    }

    #[test]
    fn refuses_what_java_refuses() {
        for text in [
            "", " ", ".", "infinity", "inf", "nan", "NaNf", "1__0", "1e", "e5", "1ff", "0x1", "0xp1", "0x1p", "0x1p1.",
            "٣", "1 2",
        ] {
            assert_eq!(parse::<f64>(text), None, "{text}");
        }
    }
}
