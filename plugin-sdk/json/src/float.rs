//! Floating point numbers as Java writes them: the shortest decimal that reads back as the same number, at least
//! one digit behind the point, exponents outside 10^-3 … 10^7.

/// `Double.toString`.
pub fn text_f64(number: f64) -> String {
    let mut out = Vec::with_capacity(24);
    write_f64(&mut out, number);
    String::from_utf8(out).expect("digits, signs and letters")
}

/// `Float.toString`.
pub fn text_f32(number: f32) -> String {
    let mut out = Vec::with_capacity(16);
    write_f32(&mut out, number);
    String::from_utf8(out).expect("digits, signs and letters")
}

/// Appends `Double.toString`.
pub fn write_f64(out: &mut Vec<u8>, number: f64) {
    if !number.is_finite() || number == 0.0 {
        return out.extend_from_slice(special(number));
    }
    let mut buffer = zmij::Buffer::new();
    let shortest = Digits::of(buffer.format_finite(number));
    // Java wants two digits and takes the nearest; only the sparse numbers near zero have a choice there.
    if shortest.count == 1 && number.abs() < f64::MIN_POSITIVE {
        let two = format!("{number:.1e}");
        if two.parse() == Ok(number) {
            return Digits::of(&two).write(out);
        }
    }
    shortest.write(out);
}

/// Appends `Float.toString`.
pub fn write_f32(out: &mut Vec<u8>, number: f32) {
    if !number.is_finite() || number == 0.0 {
        return out.extend_from_slice(special(number.into()));
    }
    let mut buffer = zmij::Buffer::new();
    let shortest = Digits::of(buffer.format_finite(number));
    if shortest.count == 1 && number.abs() < f32::MIN_POSITIVE {
        let two = format!("{number:.1e}");
        if two.parse() == Ok(number) {
            return Digits::of(&two).write(out);
        }
    }
    shortest.write(out);
}

fn special(number: f64) -> &'static [u8] {
    if number.is_nan() {
        b"NaN"
    } else if number == 0.0 {
        if number.is_sign_negative() { b"-0.0" } else { b"0.0" }
    } else if number > 0.0 {
        b"Infinity"
    } else {
        b"-Infinity"
    }
}

/// A decimal number taken apart: `0.d1d2d3… * 10^point`.
struct Digits {
    negative: bool,
    digits: [u8; 20],
    count: usize,
    point: i32,
}

impl Digits {
    /// Takes apart what a formatter wrote: digits with or without a point and an exponent.
    fn of(text: &str) -> Digits {
        let (negative, text) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (mantissa, exponent) = text.split_once('e').unwrap_or((text, "0"));
        let exponent: i32 = exponent.parse().expect("formatters write whole exponents");
        let mut parts = Digits { negative, digits: [0; 20], count: 0, point: exponent };
        let mut seen_point = false;
        let mut trailing_zeros = 0;
        for byte in mantissa.bytes() {
            match byte {
                b'.' => seen_point = true,
                b'0' if parts.count == 0 => parts.point -= i32::from(seen_point),
                b'0' => {
                    trailing_zeros += 1;
                    parts.point += i32::from(!seen_point);
                }
                digit => {
                    parts.digits[parts.count..parts.count + trailing_zeros].fill(b'0');
                    parts.count += trailing_zeros;
                    trailing_zeros = 0;
                    parts.digits[parts.count] = digit;
                    parts.count += 1;
                    parts.point += i32::from(!seen_point);
                }
            }
        }
        parts
    }

    fn write(&self, out: &mut Vec<u8>) {
        let digits = &self.digits[..self.count];
        if self.negative {
            out.push(b'-');
        }
        match self.point {
            // 0.001 has point -2, 9999999 has point 7.
            -2..=0 => {
                out.extend_from_slice(b"0.");
                out.extend_from_slice(&b"00"[..self.point.unsigned_abs() as usize]);
                out.extend_from_slice(digits);
            }
            1..=7 => {
                let whole = self.point as usize;
                if digits.len() <= whole {
                    out.extend_from_slice(digits);
                    out.resize(out.len() + whole - digits.len(), b'0');
                    out.extend_from_slice(b".0");
                } else {
                    out.extend_from_slice(&digits[..whole]);
                    out.push(b'.');
                    out.extend_from_slice(&digits[whole..]);
                }
            }
            _ => {
                out.push(digits[0]);
                out.push(b'.');
                out.extend_from_slice(if digits.len() == 1 { b"0" } else { &digits[1..] });
                out.push(b'E');
                out.extend_from_slice(itoa::Buffer::new().format(self.point - 1).as_bytes());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_like_java() {
        for (number, text) in [
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (1.0, "1.0"),
            (100.0, "100.0"),
            (0.001, "0.001"),
            (0.0001, "1.0E-4"),
            (9_999_999.0, "9999999.0"),
            (1e7, "1.0E7"),
            (1e21, "1.0E21"),
            (1e-7, "1.0E-7"),
            (-123.456, "-123.456"),
            (12345678.9, "1.23456789E7"),
            (1e23, "1.0E23"),
            (2e-3, "0.002"),
            (1203.0405, "1203.0405"),
            (5e-324, "4.9E-324"),
            (f64::MIN_POSITIVE, "2.2250738585072014E-308"),
            (f64::MAX, "1.7976931348623157E308"),
            (f64::NAN, "NaN"),
            (f64::NEG_INFINITY, "-Infinity"),
        ] {
            assert_eq!(text_f64(number), text);
        }
        for (number, text) in [
            (1.1f32, "1.1"),
            (f32::MAX, "3.4028235E38"),
            (1e-45, "1.4E-45"),
            (f32::MIN_POSITIVE, "1.1754944E-38"),
            (16_777_216.0, "1.6777216E7"),
            (2.345_678_8, "2.3456788"),
        ] {
            assert_eq!(text_f32(number), text);
        }
    }

    #[test]
    fn every_text_reads_back() {
        let mut bits = 0x9e37_79b9_7f4a_7c15_u64;
        for _ in 0..20_000 {
            bits = bits.wrapping_mul(0xd134_2543_de82_ef95).wrapping_add(1);
            let number = f64::from_bits(bits);
            if number.is_finite() {
                assert_eq!(text_f64(number).parse::<f64>().expect("a number").to_bits(), bits);
            }
            let number = f32::from_bits((bits >> 32) as u32);
            if number.is_finite() {
                assert_eq!(text_f32(number).parse::<f32>().expect("a number"), number);
            }
        }
    }
}
