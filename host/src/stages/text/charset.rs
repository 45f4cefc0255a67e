//! The encodings every Java runtime has, with Java's rules for what cannot be encoded or decoded.

use std::str::FromStr;

use ferroconnect_plugin_abi::{Blob, Text};

use crate::error::ConnectError;

/// An encoding of text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Charset {
    /// UTF-8.
    Utf8,
    /// US-ASCII.
    Ascii,
    /// ISO-8859-1.
    Latin1,
    /// UTF-16: written big-endian with a byte order mark, read as its mark says, big-endian without one.
    Utf16,
    /// UTF-16, big-endian, no mark.
    Utf16Be,
    /// UTF-16, little-endian, no mark.
    Utf16Le,
}

impl FromStr for Charset {
    type Err = ConnectError;

    /// Finds an encoding by its Java name or alias, in any case.
    fn from_str(name: &str) -> Result<Charset, ConnectError> {
        Ok(match name.to_ascii_lowercase().as_str() {
            "utf-8" | "utf8" | "unicode-1-1-utf-8" => Charset::Utf8,
            "us-ascii" | "ascii" | "ascii7" | "iso646-us" | "646" | "cp367" | "ibm367" => Charset::Ascii,
            "iso-8859-1" | "iso8859-1" | "iso8859_1" | "iso_8859-1" | "8859_1" | "latin1" | "l1" | "cp819"
            | "ibm819" => Charset::Latin1,
            "utf-16" | "utf_16" | "utf16" | "unicode" | "unicodebig" => Charset::Utf16,
            "utf-16be" | "utf_16be" | "unicodebigunmarked" => Charset::Utf16Be,
            "utf-16le" | "utf_16le" | "unicodelittleunmarked" => Charset::Utf16Le,
            _ => {
                let supported = "supported are UTF-8, US-ASCII, ISO-8859-1, UTF-16, UTF-16BE and UTF-16LE";
                return Err(ConnectError::data(format!("Unsupported encoding {name}"))
                    .with_class("org.apache.kafka.common.errors.SerializationException")
                    .detail(supported));
            }
        })
    }
}

impl Charset {
    /// The text as bytes. What the encoding does not have becomes `?`. UTF-8 is shared, not copied.
    pub fn encode(self, text: &Text) -> Blob {
        let one_byte = |limit: u32| -> Blob {
            text.chars().map(|c| if u32::from(c) < limit { c as u8 } else { b'?' }).collect::<Vec<u8>>().into()
        };
        match self {
            Charset::Utf8 => text.as_blob().clone(),
            Charset::Ascii => one_byte(0x80),
            Charset::Latin1 => one_byte(0x100),
            Charset::Utf16 if text.is_empty() => Blob::EMPTY,
            Charset::Utf16 => {
                let mark = [0xfe, 0xff];
                mark.into_iter().chain(text.encode_utf16().flat_map(u16::to_be_bytes)).collect::<Vec<u8>>().into()
            }
            Charset::Utf16Be => text.encode_utf16().flat_map(u16::to_be_bytes).collect::<Vec<u8>>().into(),
            Charset::Utf16Le => text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>().into(),
        }
    }

    /// The bytes as text. What cannot be decoded becomes U+FFFD. Valid UTF-8 is shared, not copied.
    pub fn decode(self, bytes: &Blob) -> Text {
        match self {
            Charset::Utf8 => decode_utf8(bytes),
            Charset::Ascii => {
                let decoded =
                    bytes.iter().map(|&byte| if byte < 0x80 { byte as char } else { char::REPLACEMENT_CHARACTER });
                decoded.collect::<String>().into()
            }
            Charset::Latin1 => bytes.iter().map(|&byte| byte as char).collect::<String>().into(),
            Charset::Utf16 => match bytes.as_slice() {
                [0xff, 0xfe, rest @ ..] => decode_utf16(rest, u16::from_le_bytes),
                [0xfe, 0xff, rest @ ..] => decode_utf16(rest, u16::from_be_bytes),
                all => decode_utf16(all, u16::from_be_bytes),
            },
            Charset::Utf16Be => decode_utf16(bytes, u16::from_be_bytes),
            Charset::Utf16Le => decode_utf16(bytes, u16::from_le_bytes),
        }
    }
}

/// UTF-8 as text, shared where it is valid.
pub fn decode_utf8(bytes: &Blob) -> Text {
    Text::from_blob(bytes.clone()).unwrap_or_else(|bytes| lossy_utf8(&bytes).into())
}

/// UTF-8 with U+FFFD in place of what is invalid. As Java, which takes an encoded surrogate for one broken
/// character, where `String::from_utf8_lossy` sees three.
pub fn lossy_utf8(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() + 16);
    let mut rest = bytes;
    loop {
        let error = match std::str::from_utf8(rest) {
            Ok(valid) => {
                text.push_str(valid);
                return text;
            }
            Err(error) => error,
        };
        let (valid, broken) = rest.split_at(error.valid_up_to());
        text.push_str(std::str::from_utf8(valid).expect("the error says that it is valid up to here"));
        text.push(char::REPLACEMENT_CHARACTER);
        let skipped = match broken {
            [0xed, 0xa0..=0xbf, 0x80..=0xbf, ..] => 3,
            [0xed, 0xa0..=0xbf, ..] => 2,
            _ => error.error_len().unwrap_or(broken.len()),
        };
        rest = &broken[skipped..];
    }
}

fn decode_utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Text {
    let mut text = String::with_capacity(bytes.len());
    let pairs = bytes.chunks_exact(2);
    let odd = !pairs.remainder().is_empty();
    let mut units = pairs.map(|pair| unit([pair[0], pair[1]]));
    while let Some(first) = units.next() {
        let character = match first {
            // Java takes the unit after a high surrogate along, whatever it is.
            0xd800..=0xdbff => match units.next() {
                Some(second @ 0xdc00..=0xdfff) => {
                    char::from_u32(0x10000 + ((u32::from(first) - 0xd800) << 10) + (u32::from(second) - 0xdc00))
                }
                _ => None,
            },
            _ => char::from_u32(first.into()),
        };
        text.push(character.unwrap_or(char::REPLACEMENT_CHARACTER));
    }
    if odd {
        text.push(char::REPLACEMENT_CHARACTER);
    }
    text.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replaces_broken_utf8_as_java_does() {
        for (bytes, text) in [
            (&b"\xff\xfe"[..], "\u{fffd}\u{fffd}"),
            (b"\xed\xa0\x80", "\u{fffd}"),
            (b"\xed\xa0A", "\u{fffd}A"),
            (b"a\xf1\x80\x80\xe1\x80\xc2b\x80", "a\u{fffd}\u{fffd}\u{fffd}b\u{fffd}"),
            (b"\xc0\xaf", "\u{fffd}\u{fffd}"),
            (b"\xc3", "\u{fffd}"),
        ] {
            assert_eq!(lossy_utf8(bytes), text, "{bytes:x?}");
        }
    }

    #[test]
    fn utf16_has_a_mark_and_swallows_broken_pairs() {
        let text = Text::from("日本😀");
        let bytes = Charset::Utf16.encode(&text);
        assert_eq!(bytes[..2], [0xfe, 0xff]);
        assert_eq!(Charset::Utf16.decode(&bytes), text);
        assert_eq!(Charset::Utf16Be.decode(&Blob::copy_from(b"\xd8\x00\x00a")).as_str(), "\u{fffd}");
        assert_eq!(Charset::Utf16Le.decode(&Blob::copy_from(b"a")).as_str(), "\u{fffd}");
    }

    #[test]
    fn names_are_javas() {
        assert_eq!("Latin1".parse::<Charset>().expect("an alias"), Charset::Latin1);
        let error = "bogus".parse::<Charset>().expect_err("no such encoding");
        assert_eq!(error.message(), "Unsupported encoding bogus");
    }
}
