//! Base64 as Jackson reads it: padding is a must, blanks may stand between groups of four, and several padded texts
//! may follow each other.

/// Decodes leniently, or says nothing about why not.
pub(super) fn decode_lenient(text: &str) -> Option<Vec<u8>> {
    let mut bytes = text.bytes();
    let mut out = Vec::with_capacity(text.len() / 4 * 3);
    loop {
        // Everything up to a blank is skipped, but only before a group.
        let first = loop {
            match bytes.next() {
                None => return Some(out),
                Some(byte) if byte > b' ' => break byte,
                Some(_) => {}
            }
        };
        let mut group = u32::from(digit(first)?) << 18 | u32::from(digit(bytes.next()?)?) << 12;
        let third = bytes.next()?;
        if third == b'=' {
            if bytes.next()? != b'=' {
                return None;
            }
            out.push((group >> 16) as u8);
            continue;
        }
        group |= u32::from(digit(third)?) << 6;
        let fourth = bytes.next()?;
        if fourth == b'=' {
            out.extend_from_slice(&[(group >> 16) as u8, (group >> 8) as u8]);
            continue;
        }
        group |= u32::from(digit(fourth)?);
        out.extend_from_slice(&[(group >> 16) as u8, (group >> 8) as u8, group as u8]);
    }
}

fn digit(byte: u8) -> Option<u8> {
    match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::decode_lenient;

    #[test]
    fn groups_may_be_apart_and_padded_in_the_middle() {
        for (text, bytes) in [
            ("", Some(vec![])),
            ("AQI=", Some(vec![1, 2])),
            ("AQID AQ==", Some(vec![1, 2, 3, 1])),
            ("AQ==AQ==", Some(vec![1, 1])),
            ("AQI", None),
            ("A", None),
            ("AQ I=", None),
            ("AQI=x", None),
            ("_-8=", None),
            ("AQ=x", None),
        ] {
            assert_eq!(decode_lenient(text), bytes, "{text}");
        }
    }
}
