//! Finding the end of plain text, eight bytes at a time: most of what JSON carries is plain.

const LOW: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = 0x8080_8080_8080_8080;

/// The high bit of each byte that is below 0x20, a quote or a backslash. Bytes from 0x80 on may be marked too where
/// a marked byte stands below them; the lowest mark is always right.
fn special(word: u64) -> u64 {
    let zero = |word: u64| word.wrapping_sub(LOW) & !word & HIGH;
    let control = word.wrapping_sub(LOW * 0x20) & !word & HIGH;
    control | zero(word ^ (LOW * u64::from(b'"'))) | zero(word ^ (LOW * u64::from(b'\\')))
}

/// The number of bytes before the first control character, quote or backslash.
#[inline]
pub fn until_special(bytes: &[u8]) -> usize {
    scan(bytes, special, |byte| byte < 0x20 || byte == b'"' || byte == b'\\')
}

/// The number of bytes before the first that cannot be written as it is: as above, or the first of a character above
/// U+FFFF.
#[inline]
pub fn until_escape(bytes: &[u8]) -> usize {
    let four_bytes = |word: u64| word & (word << 1) & (word << 2) & (word << 3) & HIGH;
    scan(
        bytes,
        |word| special(word) | four_bytes(word),
        |byte| byte < 0x20 || byte == b'"' || byte == b'\\' || byte >= 0xf0,
    )
}

#[inline]
fn scan(bytes: &[u8], marks: impl Fn(u64) -> u64, wanted: impl Fn(u8) -> bool) -> usize {
    let (words, rest) = bytes.as_chunks::<8>();
    for (index, word) in words.iter().enumerate() {
        let marks = marks(u64::from_le_bytes(*word));
        if marks != 0 {
            return index * 8 + marks.trailing_zeros() as usize / 8;
        }
    }
    let tail = rest.iter().position(|&byte| wanted(byte)).unwrap_or(rest.len());
    bytes.len() - rest.len() + tail
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_find_what_bytes_find() {
        let mut state = 1u64;
        for length in 0..40 {
            for _ in 0..2_000 {
                let text: Vec<u8> = (0..length)
                    .map(|_| {
                        state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
                        // Bytes around the limits, and plain ones between.
                        [0x1f, 0x20, 0x21, 0x22, 0x23, 0x5b, 0x5c, 0x5d, 0x7f, 0x80, 0xa0, 0xef, 0xf0, 0xff, 0, 0xa2]
                            .get((state >> 58) as usize)
                            .copied()
                            .unwrap_or(b'a')
                    })
                    .collect();
                let special = |byte: &u8| *byte < 0x20 || matches!(byte, b'"' | b'\\');
                let escape = |byte: &u8| special(byte) || *byte >= 0xf0;
                assert_eq!(until_special(&text), text.iter().position(special).unwrap_or(length), "{text:x?}");
                assert_eq!(until_escape(&text), text.iter().position(escape).unwrap_or(length), "{text:x?}");
            }
        }
    }
}
