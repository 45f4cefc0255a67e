//! Avro's binary encoding of simple values.

use ferroconnect_plugin_sdk::{Blob, Text};

/// Appends a whole number in as few bytes as it needs.
#[inline]
pub(super) fn put_long(out: &mut Vec<u8>, value: i64) {
    let mut rest = ((value << 1) ^ (value >> 63)) as u64;
    while rest >= 0x80 {
        out.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    out.push(rest as u8);
}

/// Appends bytes or text with their length in front.
#[inline]
pub(super) fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_long(out, bytes.len() as i64);
    out.extend_from_slice(bytes);
}

/// What is wrong with a payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Damage {
    /// It ends within a value.
    Short,
    /// A number has more bits than its type.
    TooLong,
    /// A length below zero.
    Negative(i64),
    /// More elements than there can be.
    TooMany(i64),
    /// More elements without content than anybody has.
    TooManyEmpty,
    /// Text that is not UTF-8.
    NoText,
}

impl std::fmt::Display for Damage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Damage::Short => f.write_str("the payload ends within a value"),
            Damage::TooLong => f.write_str("a number is longer than its type allows"),
            Damage::Negative(length) => write!(f, "a length is {length}"),
            Damage::TooMany(count) => write!(f, "a block claims to have {count} elements"),
            Damage::TooManyEmpty => write!(f, "more than {MOST_EMPTY_ELEMENTS} elements have no content"),
            Damage::NoText => f.write_str("a text is not UTF-8"),
        }
    }
}

/// Elements of a payload that take no bytes: nobody has as many, and a payload of ten bytes could claim to.
const MOST_EMPTY_ELEMENTS: usize = 1 << 16;

/// Reads a payload from its beginning to its end. Text and bytes are views into it.
pub(super) struct Input<'a> {
    payload: &'a Blob,
    at: usize,
    /// So many more elements may take no bytes.
    empty: usize,
}

impl<'a> Input<'a> {
    /// At the beginning of a payload.
    pub(super) fn new(payload: &'a Blob) -> Input<'a> {
        Input { payload, at: 0, empty: MOST_EMPTY_ELEMENTS }
    }

    /// How many bytes are left.
    pub(super) fn left(&self) -> usize {
        self.payload.len() - self.at
    }

    /// Where the next value begins.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// The bytes from a place to the present one.
    pub(super) fn since(&self, start: usize) -> &'a [u8] {
        &self.payload[start..self.at]
    }

    #[inline]
    fn take<const N: usize>(&mut self) -> Result<[u8; N], Damage> {
        let bytes = self.payload.get(self.at..self.at + N).ok_or(Damage::Short)?;
        self.at += N;
        Ok(bytes.try_into().expect("so many bytes were asked for"))
    }

    #[inline]
    pub(super) fn boolean(&mut self) -> Result<bool, Damage> {
        Ok(self.take::<1>()? != [0])
    }

    #[inline]
    pub(super) fn long(&mut self) -> Result<i64, Damage> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let [byte] = self.take()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                // The tenth byte holds one bit.
                if shift == 63 && byte > 1 {
                    return Err(Damage::TooLong);
                }
                return Ok((value >> 1) as i64 ^ -((value & 1) as i64));
            }
        }
        Err(Damage::TooLong)
    }

    #[inline]
    pub(super) fn int(&mut self) -> Result<i32, Damage> {
        i32::try_from(self.long()?).map_err(|_| Damage::TooLong)
    }

    #[inline]
    pub(super) fn float(&mut self) -> Result<f32, Damage> {
        self.take().map(f32::from_le_bytes)
    }

    #[inline]
    pub(super) fn double(&mut self) -> Result<f64, Damage> {
        self.take().map(f64::from_le_bytes)
    }

    /// So many bytes.
    #[inline]
    pub(super) fn fixed(&mut self, size: usize) -> Result<Blob, Damage> {
        if size > self.left() {
            return Err(Damage::Short);
        }
        let bytes = self.payload.slice(self.at..self.at + size);
        self.at += size;
        Ok(bytes)
    }

    /// Bytes with their length in front.
    #[inline]
    pub(super) fn bytes(&mut self) -> Result<Blob, Damage> {
        let length = self.long()?;
        self.fixed(usize::try_from(length).map_err(|_| Damage::Negative(length))?)
    }

    /// Text with its length in front.
    #[inline]
    pub(super) fn text(&mut self) -> Result<Text, Damage> {
        Text::from_blob(self.bytes()?).map_err(|_| Damage::NoText)
    }

    /// How many elements the next block of an array or map has; zero = there is none.
    pub(super) fn block(&mut self) -> Result<usize, Damage> {
        let mut count = self.long()?;
        if count < 0 {
            // The block's size in bytes follows, for those who leave blocks out.
            self.long()?;
            count = count.checked_neg().ok_or(Damage::TooMany(count))?;
        }
        let elements = usize::try_from(count).ok().filter(|count| *count <= self.left().max(self.empty));
        elements.ok_or(Damage::TooMany(count))
    }

    /// Counts an element of a block that began at a place. Those that take no bytes are few in a whole payload: many
    /// blocks, each with a few bytes in front, would otherwise become any number of values.
    #[inline]
    pub(super) fn count_element(&mut self, start: usize) -> Result<(), Damage> {
        if self.at == start {
            self.empty = self.empty.checked_sub(1).ok_or(Damage::TooManyEmpty)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn long(bytes: &[u8]) -> Result<i64, Damage> {
        Input::new(&Blob::copy_from(bytes)).long()
    }

    #[test]
    fn numbers_are_those_of_the_specification() {
        for (value, bytes) in [
            (0, &[0u8][..]),
            (-1, &[1]),
            (1, &[2]),
            (-64, &[0x7f]),
            (64, &[0x80, 1]),
            (i64::MAX, &[0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1]),
            (i64::MIN, &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1]),
        ] {
            let mut out = Vec::new();
            put_long(&mut out, value);
            assert_eq!(out, bytes);
            assert_eq!(long(bytes), Ok(value));
        }
    }

    #[test]
    fn damage_is_told_from_data() {
        assert_eq!(long(&[0x80]), Err(Damage::Short));
        assert_eq!(long(&[0xff; 11]), Err(Damage::TooLong));
        assert_eq!(Input::new(&Blob::copy_from(&[3])).bytes(), Err(Damage::Negative(-2)));
        assert_eq!(Input::new(&Blob::copy_from(&[4, 1])).bytes(), Err(Damage::Short));
        assert_eq!(Input::new(&Blob::copy_from(&[2, 0xff])).text(), Err(Damage::NoText));
        let claim = Blob::copy_from(&[0xfe, 0xff, 0xff, 0xff, 0x0f]);
        assert_eq!(Input::new(&claim).block(), Err(Damage::TooMany(i32::MAX.into())));
        assert_eq!(Input::new(&Blob::copy_from(&[0x80, 0x80, 0x80, 0x80, 0x20])).int(), Err(Damage::TooLong));
    }
}
