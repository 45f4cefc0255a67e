//! Decimals as JSON numbers.

use ferroconnect_plugin_sdk::Value;
use num_bigint::BigInt;

/// The most digits that are written out or made up; beyond it stands an exponent, or an error.
const MOST_DIGITS: i64 = 1000;

/// The number `unscaled * 10^-scale` as JSON; `unscaled` is big-endian two's complement.
pub(super) fn text(unscaled: &[u8], scale: i32) -> String {
    let number = BigInt::from_signed_bytes_be(unscaled);
    let scale = i64::from(scale);
    if scale == 0 {
        return number.to_string();
    }
    if !(1..=MOST_DIGITS).contains(&scale) {
        return format!("{number}E{}", -scale);
    }
    let (sign, digits) =
        (if number.sign() == num_bigint::Sign::Minus { "-" } else { "" }, number.magnitude().to_string());
    let digits = format!("{digits:0>width$}", width = scale as usize + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale as usize);
    format!("{sign}{whole}.{fraction}")
}

/// A JSON number: its digits without the point, and where the point stands.
pub(super) struct Number {
    digits: BigInt,
    /// Digits behind the point; below zero = zeros that are left out.
    scale: i64,
}

impl Number {
    /// Reads the text of a JSON number. None where the exponent is beyond 64 bits.
    pub(super) fn parse(text: &str) -> Option<Number> {
        let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits = format!("{whole}{fraction}").parse().ok()?;
        let exponent: i64 = exponent.parse().ok()?;
        Some(Number { digits, scale: i64::try_from(fraction.len()).ok()?.checked_sub(exponent)? })
    }

    /// The unscaled number at another scale. None where digits would be lost, or made up beyond measure.
    fn unscaled(&self, scale: i64) -> Option<BigInt> {
        let missing = scale.checked_sub(self.scale)?;
        if self.digits == BigInt::ZERO || missing == 0 {
            return Some(self.digits.clone());
        }
        let power = || Some(BigInt::from(10).pow(u32::try_from(missing.abs()).ok()?));
        if missing.abs() > MOST_DIGITS {
            return None;
        }
        if missing > 0 {
            return Some(&self.digits * power()?);
        }
        let power = power()?;
        (&self.digits % &power == BigInt::ZERO).then(|| &self.digits / power)
    }

    /// The number as a decimal of this scale; none as for `unscaled`.
    pub(super) fn decimal(&self, scale: i32) -> Option<Value> {
        Some(Value::decimal(self.unscaled(scale.into())?.to_signed_bytes_be(), scale))
    }

    /// The number, where it is a whole one of 64 bits.
    pub(super) fn integer(&self) -> Option<i64> {
        i64::try_from(self.unscaled(0)?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unscaled(number: i64) -> Vec<u8> {
        BigInt::from(number).to_signed_bytes_be()
    }

    #[test]
    fn numbers_are_plain_as_long_as_they_are_short() {
        for (number, scale, expected) in [
            (0, 0, "0"),
            (12345, 2, "123.45"),
            (-5, 3, "-0.005"),
            (7, 1, "0.7"),
            (7, -2, "7E2"),
            (7, 2000, "7E-2000"),
            (-100, 2, "-1.00"),
        ] {
            assert_eq!(text(&unscaled(number), scale), expected);
        }
        assert_eq!(text(&[], 0), "0");
    }

    #[test]
    fn numbers_fit_a_scale_or_do_not() {
        let read = |text: &str, scale| Number::parse(text).and_then(|number| number.decimal(scale));
        assert_eq!(read("123.45", 2), Some(Value::decimal(unscaled(12345), 2)));
        assert_eq!(read("1.5", 3), Some(Value::decimal(unscaled(1500), 3)));
        assert_eq!(read("-1.50e1", 0), Some(Value::decimal(unscaled(-15), 0)));
        assert_eq!(read("1e3", -3), Some(Value::decimal(unscaled(1), -3)));
        assert_eq!(read("0e99999", 2), Some(Value::decimal(unscaled(0), 2)));
        for (text, scale) in [("1.234", 2), ("1e99999", 0), ("1e-99999", 0), ("1e99999999999999999999", 0)] {
            assert_eq!(read(text, scale), None, "{text}");
        }
    }

    #[test]
    fn whole_numbers_may_have_a_point_and_an_exponent() {
        let read = |text: &str| Number::parse(text).and_then(|number| number.integer());
        assert_eq!(read("-9223372036854775808"), Some(i64::MIN));
        assert_eq!(read("9223372036854775808"), None);
        assert_eq!((read("1.0"), read("12e2"), read("1.5")), (Some(1), Some(1200), None));
    }
}
