//! Integers at the beginning of a text, read as by Java's `DecimalFormat`: digits of any script, a minus, an
//! exponent, even `NaN` and the infinity sign.

use super::super::digits::digit;

/// What was read: the number cut to 32 bits, and how many bytes of the text it takes.
pub(super) type Integer = (i32, usize);

/// Reads an integer; the text must begin with it.
pub(super) fn read(text: &str) -> Option<Integer> {
    if text.starts_with("NaN") {
        return Some((0, 3));
    }
    let unsigned = text.strip_prefix('-');
    let negative = unsigned.is_some();
    let unsigned = unsigned.unwrap_or(text);
    let sign_length = text.len() - unsigned.len();
    if unsigned.starts_with('∞') {
        return Some((if negative { i32::MIN } else { i32::MAX }, sign_length + '∞'.len_utf8()));
    }
    let (magnitude, length) = plain(unsigned)?;
    if unsigned[length..].starts_with('E')
        && let Some((exponent, exponent_length)) = exponent(&unsigned[length + 1..])
    {
        let value = scaled(&unsigned[..length], exponent, negative);
        return Some((value, sign_length + length + 1 + exponent_length));
    }
    Some((cut(magnitude, negative), sign_length + length))
}

/// Digits as a number, and the bytes they take. None stands for a number of more than 64 bits.
fn plain(text: &str) -> Option<(Option<u64>, usize)> {
    let mut value = Some(0u64);
    let mut length = 0;
    for character in text.chars() {
        let Some(digit) = digit(character) else { break };
        value = value.and_then(|value| value.checked_mul(10)?.checked_add(digit.into()));
        length += character.len_utf8();
    }
    (length > 0).then_some((value, length))
}

/// Long numbers are cut to their low 32 bits; those that exceed 64 bits are floats in Java, and stop at the limit.
fn cut(magnitude: Option<u64>, negative: bool) -> i32 {
    match magnitude {
        Some(value) if value <= i64::MAX as u64 => {
            let value = value as i64;
            (if negative { -value } else { value }) as i32
        }
        // The least 64-bit number, whose low half is zero.
        Some(value) if negative && value == i64::MIN.unsigned_abs() => 0,
        _ if negative => i32::MIN,
        _ => i32::MAX,
    }
}

/// The number behind an `E`.
fn exponent(text: &str) -> Option<(i32, usize)> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (value, length) = plain(digits)?;
    let value = value.filter(|&value| value <= i64::MAX as u64)? as i32;
    let sign_length = text.len() - digits.len();
    Some((if sign_length > 0 { value.wrapping_neg() } else { value }, sign_length + length))
}

/// Digits times a power of ten: a 64-bit number where it is whole and fits, otherwise a float.
fn scaled(digits: &str, exponent: i32, negative: bool) -> i32 {
    let digits: String = digits.chars().filter_map(digit).map(|digit| char::from(b'0' + digit)).collect();
    let significant = digits.trim_start_matches('0');
    // The place of the decimal point behind the first significant digit.
    let point = i64::from((significant.len() as i32).wrapping_add(exponent));
    let significant = significant.trim_end_matches('0');
    if significant.is_empty() {
        return 0;
    }
    if (significant.len() as i64..=20).contains(&point) {
        let zeros = (point - significant.len() as i64) as usize;
        let whole = format!("{significant}{}", "0".repeat(zeros));
        return cut(whole.parse().ok(), negative);
    }
    let float: f64 = format!("0.{significant}e{point}").parse().expect("is a number in Rust's notation");
    (if negative { -float } else { float }) as i32
}
