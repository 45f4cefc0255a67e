//! JSON as a tree, for schemas and for messages that need Jackson's leniencies.

use std::collections::HashMap;

use super::lexer::{Lexer, StringToken, Syntax, unescape, unescape_name};
use crate::error::ConnectError;

/// One JSON value.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Node {
    /// Nothing at all: blank input.
    Missing,
    Null,
    Boolean(bool),
    Number(Number),
    Text(String),
    Array(Vec<Node>),
    /// Names are unique: the last of equal ones won, at the place of the first.
    Object(Vec<(String, Node)>),
}

/// A number as it was written.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Number {
    pub(super) text: String,
    /// Without point and exponent.
    pub(super) whole: bool,
}

impl Number {
    /// The low 64 bits of the number, fraction cut off, as Java narrows big numbers.
    pub(super) fn low_bits(&self) -> i64 {
        let (mantissa, exponent) = match self.text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => {
                (mantissa, exponent.parse::<i32>().expect("the lexer refuses exponents of more than 32 bits"))
            }
            None => (self.text.as_str(), 0),
        };
        let (negative, mantissa) = match mantissa.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, mantissa),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let kept = (whole.len() as i64 + i64::from(exponent)).max(0) as usize;
        let digits = whole.bytes().chain(fraction.bytes()).take(kept);
        let mut bits = digits.fold(0i64, |bits, digit| bits.wrapping_mul(10).wrapping_add((digit - b'0').into()));
        // Sixty-four further zeros shift everything out.
        for _ in 0..kept.saturating_sub(whole.len() + fraction.len()).min(64) {
            bits = bits.wrapping_mul(10);
        }
        if negative { bits.wrapping_neg() } else { bits }
    }

    /// The number itself, where it is a whole one of 64 bits.
    pub(super) fn exact(&self) -> Option<i64> {
        if self.whole { self.text.parse().ok() } else { None }
    }
}

impl Node {
    /// The member of an object.
    pub(super) fn get(&self, name: &str) -> Option<&Node> {
        match self {
            Node::Object(members) => members.iter().find(|(key, _)| key == name).map(|(_, node)| node),
            _ => None,
        }
    }

    pub(super) fn as_text(&self) -> Option<&str> {
        match self {
            Node::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Jackson's name for the kind, as error messages show it.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Node::Missing => "MISSING",
            Node::Null => "NULL",
            Node::Boolean(_) => "BOOLEAN",
            Node::Number(_) => "NUMBER",
            Node::Text(_) => "STRING",
            Node::Array(_) => "ARRAY",
            Node::Object(_) => "OBJECT",
        }
    }
}

/// Reads the first value of the bytes, in UTF-8, UTF-16 or UTF-32; what follows it does not matter.
///
/// # Errors
/// A SerializationException that says what is wrong where.
pub(super) fn parse(bytes: &[u8]) -> Result<Node, ConnectError> {
    let utf8 = to_utf8(bytes);
    // Jackson looks for a mark only where there are four bytes.
    let unmarked = if bytes.len() < 4 { bytes } else { bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes) };
    let mut lexer = Lexer::new(utf8.as_deref().unwrap_or(unmarked));
    document(&mut lexer).map_err(|Syntax { message, at }| {
        ConnectError::data(format!("Not JSON at byte {at}: {message}"))
            .with_class("org.apache.kafka.common.errors.SerializationException")
    })
}

fn document(lexer: &mut Lexer<'_>) -> Result<Node, Syntax> {
    if lexer.peek().is_none() {
        return Ok(Node::Missing);
    }
    let node = value(lexer, 0)?;
    if let Node::Number(_) = node {
        lexer.end_of_top_number()?;
    }
    Ok(node)
}

// One small function per kind: they call each other up to 1000 levels deep.
fn value(lexer: &mut Lexer<'_>, depth: usize) -> Result<Node, Syntax> {
    match lexer.peek() {
        Some(b'{') => object(lexer, depth),
        Some(b'[') => array(lexer, depth),
        _ => scalar(lexer),
    }
}

fn object(lexer: &mut Lexer<'_>, depth: usize) -> Result<Node, Syntax> {
    lexer.enter(depth)?;
    let mut members: Vec<(String, Node)> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    let mut more = !lexer.accept(b'}');
    while more {
        let token = lexer.name()?;
        let name = text(lexer, token, unescape_name)?;
        lexer.expect(b':', "a colon was expected behind a name")?;
        let node = value(lexer, depth + 1)?;
        match places.get(&name) {
            Some(&place) => members[place].1 = node,
            None => {
                places.insert(name.clone(), members.len());
                members.push((name, node));
            }
        }
        more = lexer.next_of(b'}')?;
    }
    Ok(Node::Object(members))
}

fn array(lexer: &mut Lexer<'_>, depth: usize) -> Result<Node, Syntax> {
    lexer.enter(depth)?;
    let mut elements = Vec::new();
    let mut more = !lexer.accept(b']');
    while more {
        elements.push(value(lexer, depth + 1)?);
        more = lexer.next_of(b']')?;
    }
    Ok(Node::Array(elements))
}

fn scalar(lexer: &mut Lexer<'_>) -> Result<Node, Syntax> {
    Ok(match lexer.peek() {
        Some(b'"') => {
            let token = lexer.string()?;
            Node::Text(text(lexer, token, unescape)?)
        }
        Some(b't') => lexer.word(b"true").map(|()| Node::Boolean(true))?,
        Some(b'f') => lexer.word(b"false").map(|()| Node::Boolean(false))?,
        Some(b'-' | b'0'..=b'9') => {
            let token = lexer.number()?;
            let digits = lexer.slice(token.range);
            Node::Number(Number { text: digits.iter().map(|&byte| byte as char).collect(), whole: token.whole })
        }
        _ => lexer.word(b"null").map(|()| Node::Null)?,
    })
}

fn text(
    lexer: &Lexer<'_>,
    token: StringToken,
    unescape: fn(&[u8]) -> Result<String, &'static str>,
) -> Result<String, Syntax> {
    let at = token.range.start;
    unescape(lexer.slice(token.range)).map_err(|message| Syntax { message, at })
}

/// Turns UTF-16 and UTF-32, told by a byte order mark or by their zeros, into UTF-8. `None`: it is UTF-8 already.
fn to_utf8(bytes: &[u8]) -> Option<Vec<u8>> {
    type Decode = fn(&[u8]) -> u32;
    const UTF32_BE: Decode = |b| u32::from_be_bytes([b[0], b[1], b[2], b[3]]);
    const UTF32_LE: Decode = |b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]);
    const UTF16_BE: Decode = |b| u16::from_be_bytes([b[0], b[1]]).into();
    const UTF16_LE: Decode = |b| u16::from_le_bytes([b[0], b[1]]).into();
    let (mark, width, decode): (usize, usize, Decode) = match *bytes {
        [0, 0, 0xfe, 0xff, ..] => (4, 4, UTF32_BE),
        [0xff, 0xfe, 0, 0, ..] => (4, 4, UTF32_LE),
        [0xfe, 0xff, _, _, ..] => (2, 2, UTF16_BE),
        [0xff, 0xfe, _, _, ..] => (2, 2, UTF16_LE),
        [0, 0, 0, _, ..] => (0, 4, UTF32_BE),
        [_, 0, 0, 0, ..] => (0, 4, UTF32_LE),
        [0, _, ..] => (0, 2, UTF16_BE),
        [_, 0, ..] => (0, 2, UTF16_LE),
        _ => return None,
    };
    let codes = bytes[mark..].chunks_exact(width).map(decode);
    let mut text = String::new();
    if width == 4 {
        text.extend(codes.map(|code| char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER)));
    } else {
        let units = codes.map(|code| code as u16);
        text.extend(char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)));
    }
    Some(text.into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Number {
        Number { text: text.into(), whole: !text.contains(['.', 'e', 'E']) }
    }

    #[test]
    fn numbers_are_cut_to_their_low_bits() {
        for (text, bits) in [
            ("0", 0),
            ("-5", -5),
            ("12345678901234567890", -6_101_065_172_474_983_726),
            ("1.9", 1),
            ("-1.9e1", -19),
            ("1.25e1", 12),
            ("125e-2", 1),
            ("1e3", 1000),
            ("1e64", 0),
            ("1e2147483647", 0),
            ("1e-2147483648", 0),
            ("007", 7),
        ] {
            assert_eq!(number(text).low_bits(), bits, "{text}");
        }
    }

    #[test]
    fn later_members_win_and_encodings_are_told() {
        let object = |value: &str| Node::Object(vec![("a".into(), Node::Number(number(value)))]);
        assert_eq!(parse(b"{\"a\":1,\"a\":2} junk").expect("JSON"), object("2"));
        assert_eq!(parse(b"\xef\xbb\xbf{\"a\":1}").expect("JSON"), object("1"));
        let utf16: Vec<u8> = "{\"a\":1}".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(parse(&utf16).expect("JSON"), object("1"));
        assert_eq!(parse(b" \n").expect("blank"), Node::Missing);
        assert!(parse(b"1x").is_err());
        assert!(parse(b"{\"a\":1").is_err());
    }
}
