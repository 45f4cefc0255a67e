//! Decimals and big integers: big-endian two's complement to text and back, in Java's form (BigDecimal).

use ferroconnect_plugin_abi::logical::sign_padding;
use num_bigint::BigInt;

/// `BigDecimal.toString` of `unscaled * 10^-scale`: plain where scale is not negative and the number not tiny,
/// otherwise with an exponent (`1E+3`, `1.5E-9`). `unscaled` is big-endian two's complement; no bytes are zero.
pub fn text(unscaled: &[u8], scale: i32) -> String {
    with_scale(&integer_text(unscaled), scale)
}

/// The whole number as text.
pub fn integer_text(unscaled: &[u8]) -> String {
    match small(unscaled) {
        Some(number) => number.to_string(),
        None => BigInt::from_signed_bytes_be(unscaled).to_string(),
    }
}

/// Sign-extends up to 16 bytes; nearly every decimal fits.
fn small(unscaled: &[u8]) -> Option<i128> {
    if unscaled.len() > 16 {
        return None;
    }
    let negative = unscaled.first().is_some_and(|&byte| byte >= 0x80);
    let mut bytes = [if negative { 0xff } else { 0 }; 16];
    bytes[16 - unscaled.len()..].copy_from_slice(unscaled);
    Some(i128::from_be_bytes(bytes))
}

/// The low 64 bits of the number's whole part, as Java narrows decimals (`BigDecimal.longValue`).
pub fn low_bits(unscaled: &[u8], scale: i32) -> i64 {
    let text = integer_text(unscaled);
    let digits = text.trim_start_matches('-');
    let kept = digits.len() as i64 - i64::from(scale);
    let whole = digits.bytes().take(usize::try_from(kept).unwrap_or(0));
    let mut bits = whole.fold(0i64, |bits, digit| bits.wrapping_mul(10).wrapping_add((digit - b'0').into()));
    // Sixty-four further zeros shift everything out.
    for _ in 0..(kept - digits.len() as i64).clamp(0, 64) {
        bits = bits.wrapping_mul(10);
    }
    if text.starts_with('-') { bits.wrapping_neg() } else { bits }
}

/// Puts point or exponent into the digits of a whole number.
fn with_scale(integer: &str, scale: i32) -> String {
    if scale == 0 {
        return integer.to_owned();
    }
    let (sign, digits) = match integer.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", integer),
    };
    let count = digits.len() as i64;
    // The exponent that one digit before the point would have.
    let adjusted = count - 1 - i64::from(scale);
    if scale > 0 && adjusted >= -6 {
        let point = count - i64::from(scale);
        if point > 0 {
            let (whole, fraction) = digits.split_at(point as usize);
            return format!("{sign}{whole}.{fraction}");
        }
        return format!("{sign}0.{}{digits}", "0".repeat(point.unsigned_abs() as usize));
    }
    let (first, rest) = digits.split_at(1);
    let point = if rest.is_empty() { "" } else { "." };
    match adjusted {
        0 => format!("{sign}{first}{point}{rest}"),
        _ => format!("{sign}{first}{point}{rest}E{adjusted:+}"),
    }
}

/// Reads a whole number (ASCII digits with an optional sign) as the shortest big-endian two's complement.
pub fn integer_bytes(digits: &str) -> Option<Vec<u8>> {
    match digits.parse::<i128>() {
        Ok(number) => {
            let bytes = number.to_be_bytes();
            Some(bytes[sign_padding(&bytes)..].to_vec())
        }
        Err(_) => Some(digits.parse::<BigInt>().ok()?.to_signed_bytes_be()),
    }
}

/// Reads a decimal in Java's form (`BigDecimal(String)`): sign, digits, point, exponent. Gives the unscaled number
/// and its scale, trailing zeros kept. None where the text is no number or the scale does not fit.
pub fn parse(text: &str) -> Option<(Vec<u8>, i32)> {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (text, 0),
    };
    let (sign, mantissa) = match mantissa.strip_prefix(['+', '-']) {
        Some(rest) => (&mantissa[..1], rest),
        None => ("", mantissa),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let mut digits = String::with_capacity(text.len());
    if sign == "-" {
        digits.push('-');
    }
    digits.push_str(whole);
    digits.push_str(fraction);
    if !digits.trim_start_matches('-').bytes().all(|byte| byte.is_ascii_digit()) || whole.len() + fraction.len() == 0 {
        return None;
    }
    let scale = i64::try_from(fraction.len()).ok()? - i64::from(exponent);
    Some((integer_bytes(&digits)?, i32::try_from(scale).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_javas() {
        for (integer, scale, expected) in [
            ("150", 2, "1.50"),
            ("1", -3, "1E+3"),
            ("1", 9, "1E-9"),
            ("1", 7, "1E-7"),
            ("1", 6, "0.000001"),
            ("-12345", 3, "-12.345"),
            ("12345", -2, "1.2345E+6"),
            ("0", 0, "0"),
            ("0", 2, "0.00"),
            ("0", -2, "0E+2"),
            ("12", 9, "1.2E-8"),
            ("5", 1, "0.5"),
        ] {
            assert_eq!(with_scale(integer, scale), expected);
        }
    }

    #[test]
    fn bytes_round_trip() {
        for digits in [
            "0",
            "-1",
            "127",
            "128",
            "-128",
            "-129",
            "1234",
            "170141183460469231731687303715884105728",
            "-99999999999999999999999999999999999999999999",
        ] {
            let bytes = integer_bytes(digits).expect("a number");
            assert_eq!(integer_text(&bytes), digits);
        }
        assert_eq!(integer_bytes("1000"), Some(vec![3, 0xe8]));
        assert_eq!(integer_bytes("-128"), Some(vec![0x80]));
        assert_eq!(integer_bytes("128"), Some(vec![0, 0x80]));
    }

    #[test]
    fn whole_parts_are_cut_to_their_low_bits() {
        for (text, bits) in [
            ("12345.67", 12345),
            ("-1.9", -1),
            ("0.5", 0),
            ("1e-2000000000", 0),
            ("7E+3", 7000),
            ("1e2000000000", 0),
            ("9223372036854775808", i64::MIN),
            ("-18446744073709551617", -1),
        ] {
            let (unscaled, scale) = parse(text).expect("a number");
            assert_eq!(low_bits(&unscaled, scale), bits, "{text}");
        }
    }

    #[test]
    fn reads_javas_notation() {
        for (text, integer, scale) in [
            ("1.50", "150", 2),
            ("1E+3", "1", -3),
            ("-.5", "-5", 1),
            ("5.", "5", 0),
            ("+7", "7", 0),
            ("1.5e-9", "15", 10),
        ] {
            let (bytes, read_scale) = parse(text).expect(text);
            assert_eq!((integer_text(&bytes).as_str(), read_scale), (integer, scale), "{text}");
        }
        for text in ["", ".", "-", "1e", "1 ", "0x1", "1e99999999999", "--1"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
