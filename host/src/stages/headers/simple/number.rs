//! Numbers in text: the smallest integer type that holds a whole one, a float where there is a point or an
//! exponent, a decimal for what neither holds.

use ferroconnect_plugin_abi::builder::SchemaBuilder;
use ferroconnect_plugin_abi::{Data, Value};

use crate::stages::text::{decimal, digits};

/// A decimal number in text: `digits * 10^-scale`.
struct Decimal {
    negative: bool,
    /// ASCII digits, without leading zeros; empty = zero.
    digits: String,
    scale: i32,
}

/// Reads a number in Java's notation (`BigDecimal(String)`), digits of any script; `None` where it is none.
pub(super) fn parse(text: &str) -> Option<Data> {
    let text = digits::to_ascii(text);
    let (unscaled, scale) = decimal::parse(&text)?;
    let integer = decimal::integer_text(&unscaled);
    let (negative, digits) = match integer.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, integer.as_str()),
    };
    let number = Decimal { negative, digits: digits.trim_start_matches('0').to_owned(), scale };
    if let Some(whole) = number.whole() {
        return Some(smallest(whole));
    }
    if scale != 0 {
        let text = format!("{}{}e{}", if negative { "-" } else { "" }, number.digits, -i64::from(scale));
        if let Some(float) = text.parse::<f32>().ok().filter(|float| float.is_finite()) {
            return Some(Data::new(SchemaBuilder::float32().build(), float));
        }
        if let Some(double) = text.parse::<f64>().ok().filter(|double| double.is_finite()) {
            return Some(Data::new(SchemaBuilder::float64().build(), double));
        }
    }
    Some(Data::new(SchemaBuilder::decimal(scale).build(), Value::decimal(unscaled, scale)))
}

impl Decimal {
    /// The number, where it is a whole one of 64 bits.
    fn whole(&self) -> Option<i64> {
        if self.digits.is_empty() {
            return Some(0);
        }
        // The exponent with one digit before the point tells the size without writing out the zeros.
        let exponent = self.digits.len() as i64 - 1 - i64::from(self.scale);
        if !(0..=19).contains(&exponent) {
            return None;
        }
        let fraction = usize::try_from(self.scale).unwrap_or(0);
        let (whole, rest) = self.digits.split_at_checked(self.digits.len().checked_sub(fraction)?)?;
        if rest.bytes().any(|digit| digit != b'0') {
            return None;
        }
        let zeros = usize::try_from(-i64::from(self.scale)).unwrap_or(0);
        let sign = if self.negative { "-" } else { "" };
        format!("{sign}{whole}{}", "0".repeat(zeros)).parse().ok()
    }
}

fn smallest(number: i64) -> Data {
    if let Ok(number) = i8::try_from(number) {
        Data::new(SchemaBuilder::int8().build(), number)
    } else if let Ok(number) = i16::try_from(number) {
        Data::new(SchemaBuilder::int16().build(), number)
    } else if let Ok(number) = i32::try_from(number) {
        Data::new(SchemaBuilder::int32().build(), number)
    } else {
        Data::new(SchemaBuilder::int64().build(), number)
    }
}
