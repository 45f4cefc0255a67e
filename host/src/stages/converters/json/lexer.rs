//! The tokens of JSON, from bytes, with Jackson's leniencies: leading zeros are allowed, text after the first value
//! is nobody's business.

use std::ops::Range;

use ferroconnect_json::MAX_DEPTH;
use ferroconnect_json::scan::until_special;

/// A place where the bytes are not JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Syntax {
    /// What is wrong.
    pub(super) message: &'static str,
    /// Where, from the first byte.
    pub(super) at: usize,
}

/// Longer numbers are refused, as in Jackson.
const MAX_NUMBER_LENGTH: usize = 1000;

/// Strings of more UTF-16 units are refused, as in Jackson.
const MAX_STRING_LENGTH: usize = 20_000_000;

/// Names of more bytes, once unescaped, are refused, as in Jackson.
const MAX_NAME_LENGTH: usize = 50_000;

/// A string: what stands between the quotes, and whether there are escapes in it.
#[derive(Debug, Clone)]
pub(super) struct StringToken {
    pub(super) range: Range<usize>,
    pub(super) escaped: bool,
}

/// A number as it is written.
#[derive(Debug, Clone)]
pub(super) struct NumberToken {
    pub(super) range: Range<usize>,
    /// Without point and exponent.
    pub(super) whole: bool,
}

/// Reads tokens one after the other.
pub(super) struct Lexer<'a> {
    bytes: &'a [u8],
    pub(super) pos: usize,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, pos: 0 }
    }

    pub(super) fn slice(&self, range: Range<usize>) -> &'a [u8] {
        &self.bytes[range]
    }

    pub(super) fn rest(&self) -> &'a [u8] {
        &self.bytes[self.pos..]
    }

    pub(super) fn fail<T>(&self, message: &'static str) -> Result<T, Syntax> {
        Err(Syntax { message, at: self.pos })
    }

    /// The next byte that is no blank, not consumed; `None` at the end.
    pub(super) fn peek(&mut self) -> Option<u8> {
        while let Some(&byte) = self.bytes.get(self.pos) {
            if !matches!(byte, b' ' | b'\t' | b'\r' | b'\n') {
                return Some(byte);
            }
            self.pos += 1;
        }
        None
    }

    /// Consumes a punctuation mark after blanks.
    pub(super) fn expect(&mut self, mark: u8, message: &'static str) -> Result<(), Syntax> {
        if self.peek() == Some(mark) {
            self.pos += 1;
            return Ok(());
        }
        self.fail(message)
    }

    /// Consumes a punctuation mark after blanks, if it is there.
    pub(super) fn accept(&mut self, mark: u8) -> bool {
        let there = self.peek() == Some(mark);
        self.pos += usize::from(there);
        there
    }

    /// Consumes these very bytes after blanks, if they come next.
    pub(super) fn accept_bytes(&mut self, bytes: &[u8]) -> bool {
        self.peek();
        let there = self.rest().starts_with(bytes);
        self.pos += if there { bytes.len() } else { 0 };
        there
    }

    /// Consumes a whole number of at most 18 digits, as nearly all are; leaves everything else where it is.
    pub(super) fn small_whole(&mut self) -> Option<i64> {
        let negative = self.bytes.get(self.pos) == Some(&b'-');
        let digits = &self.bytes[self.pos + usize::from(negative)..];
        let mut number = 0;
        for (count, &byte) in digits.iter().take(19).enumerate() {
            if byte.is_ascii_digit() && count < 18 {
                number = number * 10 + i64::from(byte - b'0');
                continue;
            }
            if count == 0 || byte.is_ascii_digit() || matches!(byte, b'.' | b'e' | b'E') {
                return None;
            }
            self.pos += usize::from(negative) + count;
            return Some(if negative { -number } else { number });
        }
        None
    }

    /// Consumes a string that is a value, quotes included; the opening one is next.
    pub(super) fn string(&mut self) -> Result<StringToken, Syntax> {
        let token = self.quoted()?;
        // Bytes are never fewer than UTF-16 units, so hardly any string has to be looked at closely.
        if token.range.len() > MAX_STRING_LENGTH {
            let units = |text: &str| text.encode_utf16().count();
            self.check_length(&token, units, MAX_STRING_LENGTH, "the string has more than 20000000 characters")?;
        }
        Ok(token)
    }

    /// Consumes a string that is the name of a member.
    pub(super) fn name(&mut self) -> Result<StringToken, Syntax> {
        let token = self.quoted()?;
        if token.range.len() > MAX_NAME_LENGTH {
            self.check_length(&token, str::len, MAX_NAME_LENGTH, "the name has more than 50000 bytes")?;
        }
        Ok(token)
    }

    #[cold]
    fn check_length(
        &self,
        token: &StringToken,
        length: impl Fn(&str) -> usize,
        max: usize,
        message: &'static str,
    ) -> Result<(), Syntax> {
        let at = token.range.start;
        let text = unescape(self.slice(token.range.clone())).map_err(|message| Syntax { message, at })?;
        if length(&text) > max { Err(Syntax { message, at }) } else { Ok(()) }
    }

    fn quoted(&mut self) -> Result<StringToken, Syntax> {
        self.expect(b'"', "a string was expected")?;
        let start = self.pos;
        let mut escaped = false;
        loop {
            self.pos += until_special(self.bytes.get(self.pos..).unwrap_or_default());
            match self.bytes.get(self.pos) {
                None => return self.fail("the string does not end"),
                Some(b'"') => {
                    let range = start..self.pos;
                    self.pos += 1;
                    return Ok(StringToken { range, escaped });
                }
                Some(b'\\') => {
                    escaped = true;
                    self.pos += 2;
                }
                Some(_) => return self.fail("control characters in strings must be escaped"),
            }
        }
    }

    /// Consumes a number.
    pub(super) fn number(&mut self) -> Result<NumberToken, Syntax> {
        let start = self.pos;
        self.pos += usize::from(self.bytes.get(self.pos) == Some(&b'-'));
        let mut digits = self.digits()?;
        let mut whole = true;
        if self.bytes.get(self.pos) == Some(&b'.') {
            whole = false;
            self.pos += 1;
            digits += self.digits()?;
        }
        if matches!(self.bytes.get(self.pos), Some(b'e' | b'E')) {
            whole = false;
            self.pos += 1;
            let exponent = self.pos;
            self.pos += usize::from(matches!(self.bytes.get(self.pos), Some(b'+' | b'-')));
            digits += self.digits()?;
            let exponent = std::str::from_utf8(&self.bytes[exponent..self.pos]).expect("sign and digits are ASCII");
            if exponent.parse::<i32>().is_err() {
                return self.fail("the exponent has more than 32 bits");
            }
        }
        if digits > MAX_NUMBER_LENGTH {
            return self.fail("the number has more than 1000 digits");
        }
        Ok(NumberToken { range: start..self.pos, whole })
    }

    fn digits(&mut self) -> Result<usize, Syntax> {
        let count = self.bytes[self.pos..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.pos += count;
        if count == 0 { self.fail("a digit was expected") } else { Ok(count) }
    }

    /// Consumes one of the words `true`, `false` and `null`.
    pub(super) fn word(&mut self, word: &'static [u8]) -> Result<(), Syntax> {
        if !self.rest().starts_with(word) {
            return self.fail("a value was expected: an object, array, string, number, true, false or null");
        }
        self.pos += word.len();
        match self.bytes.get(self.pos) {
            Some(byte) if byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$' | 0x80..) => {
                self.fail("true, false and null must not run into other text")
            }
            _ => Ok(()),
        }
    }

    /// After a number at the top level: only blanks or the end may follow.
    pub(super) fn end_of_top_number(&self) -> Result<(), Syntax> {
        match self.bytes.get(self.pos) {
            None | Some(b' ' | b'\t' | b'\r' | b'\n') => Ok(()),
            Some(_) => self.fail("a blank or the end was expected behind the number"),
        }
    }

    /// Consumes any value.
    pub(super) fn skip(&mut self, depth: usize) -> Result<Range<usize>, Syntax> {
        let first = self.peek();
        let start = self.pos;
        match first {
            Some(b'{') => self.skip_members(depth)?,
            Some(b'[') => self.skip_elements(depth)?,
            Some(b'"') => self.skip_string()?,
            Some(b't') => self.word(b"true")?,
            Some(b'f') => self.word(b"false")?,
            Some(b'n') => self.word(b"null")?,
            Some(b'-' | b'0'..=b'9') => {
                self.number()?;
            }
            _ => return self.fail("a value was expected"),
        }
        Ok(start..self.pos)
    }

    fn skip_string(&mut self) -> Result<(), Syntax> {
        let token = self.string()?;
        self.check_text(&token, unescape)
    }

    fn check_text(
        &self,
        token: &StringToken,
        unescape: fn(&[u8]) -> Result<String, &'static str>,
    ) -> Result<(), Syntax> {
        let raw = self.slice(token.range.clone());
        if token.escaped || std::str::from_utf8(raw).is_err() {
            unescape(raw).map_err(|message| Syntax { message, at: token.range.start })?;
        }
        Ok(())
    }

    fn skip_members(&mut self, depth: usize) -> Result<(), Syntax> {
        self.enter(depth)?;
        if self.accept(b'}') {
            return Ok(());
        }
        loop {
            let name = self.name()?;
            self.check_text(&name, unescape_name)?;
            self.expect(b':', "a colon was expected behind a name")?;
            self.skip(depth + 1)?;
            if !self.next_of(b'}')? {
                return Ok(());
            }
        }
    }

    fn skip_elements(&mut self, depth: usize) -> Result<(), Syntax> {
        self.enter(depth)?;
        if self.accept(b']') {
            return Ok(());
        }
        loop {
            self.skip(depth + 1)?;
            if !self.next_of(b']')? {
                return Ok(());
            }
        }
    }

    /// Consumes an opening bracket.
    pub(super) fn enter(&mut self, depth: usize) -> Result<(), Syntax> {
        if depth >= MAX_DEPTH {
            return self.fail("more than 1000 levels of arrays and objects");
        }
        self.pos += 1;
        Ok(())
    }

    /// After an element or member: true = there is another one, false = the closing bracket was consumed.
    pub(super) fn next_of(&mut self, close: u8) -> Result<bool, Syntax> {
        match self.peek() {
            Some(b',') => {
                self.pos += 1;
                Ok(true)
            }
            Some(byte) if byte == close => {
                self.pos += 1;
                Ok(false)
            }
            _ => self.fail("a comma or the closing bracket was expected"),
        }
    }
}

/// A JSON number as a floating point number of either width. Zero has no sign: numbers are decimals until here.
pub(super) fn float<F: std::str::FromStr + Default + PartialEq>(text: &str) -> F {
    // The grammar of JSON numbers is part of Rust's.
    let number = text.parse().unwrap_or_default();
    let nothing = F::default();
    let mantissa = || text.split(['e', 'E']).next().unwrap_or_default();
    if number == nothing && mantissa().bytes().all(|byte| matches!(byte, b'0' | b'-' | b'.')) {
        nothing
    } else {
        number
    }
}

/// The text of a string token that is a value. An escaped half of a surrogate pair becomes U+FFFD, as does what is
/// beyond Unicode; Jackson's leniency about overlong encodings is kept.
pub(super) fn unescape(raw: &[u8]) -> Result<String, &'static str> {
    decode(raw, || Ok(char::REPLACEMENT_CHARACTER))
}

/// The text of a string token that is a name, where Jackson takes no halves of surrogate pairs.
pub(super) fn unescape_name(raw: &[u8]) -> Result<String, &'static str> {
    decode(raw, || Err("half of a surrogate pair stands in a name"))
}

/// What to put in the place of half a surrogate pair.
type Half = fn() -> Result<char, &'static str>;

fn decode(raw: &[u8], half: Half) -> Result<String, &'static str> {
    let mut out = String::with_capacity(raw.len());
    let mut units = Vec::new();
    let mut rest = raw;
    while let Some(first) = rest.first() {
        let plain = rest.iter().take_while(|&&byte| byte != b'\\').count();
        if plain > 0
            && let Ok(text) = std::str::from_utf8(&rest[..plain])
        {
            flush(&mut units, &mut out, half)?;
            out.push_str(text);
            rest = &rest[plain..];
            continue;
        }
        rest = match first {
            b'\\' => unescape_one(&rest[1..], &mut units)?,
            0..=0x7f => {
                units.push((*first).into());
                &rest[1..]
            }
            _ => decode_one(rest, &mut units)?,
        };
    }
    flush(&mut units, &mut out, half)?;
    Ok(out)
}

fn flush(units: &mut Vec<u16>, out: &mut String, half: Half) -> Result<(), &'static str> {
    for unit in char::decode_utf16(units.drain(..)) {
        out.push(unit.or_else(|_| half())?);
    }
    Ok(())
}

fn unescape_one<'a>(escape: &'a [u8], units: &mut Vec<u16>) -> Result<&'a [u8], &'static str> {
    let (&kind, rest) = escape.split_first().ok_or("the string ends in an escape")?;
    let unit = match kind {
        b'"' | b'\\' | b'/' => kind,
        b'b' => 8,
        b't' => b'\t',
        b'n' => b'\n',
        b'f' => 12,
        b'r' => b'\r',
        b'u' => {
            let (digits, rest) = rest.split_at_checked(4).ok_or("four hexadecimal digits were expected")?;
            let digits = std::str::from_utf8(digits).ok().filter(|text| !text.starts_with('+'));
            let unit = digits.and_then(|text| u16::from_str_radix(text, 16).ok());
            units.push(unit.ok_or("four hexadecimal digits were expected")?);
            return Ok(rest);
        }
        _ => return Err("there is no such escape"),
    };
    units.push(unit.into());
    Ok(rest)
}

/// One character of several bytes, without a check for the shortest form.
fn decode_one<'a>(bytes: &'a [u8], units: &mut Vec<u16>) -> Result<&'a [u8], &'static str> {
    let (length, first_bits) = match bytes[0] {
        0xc0..=0xdf => (2, 0x1f),
        0xe0..=0xef => (3, 0x0f),
        0xf0..=0xf7 => (4, 0x07),
        _ => return Err("invalid first byte of a UTF-8 character"),
    };
    let (character, rest) = bytes.split_at_checked(length).ok_or("a UTF-8 character is cut off")?;
    let mut code = u32::from(character[0] & first_bits);
    for &byte in &character[1..] {
        if byte & 0xc0 != 0x80 {
            return Err("invalid middle byte of a UTF-8 character");
        }
        code = code << 6 | u32::from(byte & 0x3f);
    }
    match u16::try_from(code) {
        Ok(0xd800..=0xdfff) => return Err("a surrogate is no character of UTF-8"),
        Ok(unit) => units.push(unit),
        Err(_) => {
            let character = char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER);
            units.extend_from_slice(character.encode_utf16(&mut [0; 2]));
        }
    }
    Ok(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn skips_whole_values() {
        for text in ["{\"a\":[1,2.5e-3,{\"b\":null}],\"c\":\"x\\\"y\"}", "[]", "{}", "007", "true", "\"\\u0041\""] {
            let padded = format!(" {text} rest");
            let mut lexer = Lexer::new(padded.as_bytes());
            assert_eq!(lexer.skip(0), Ok(1..1 + text.len()), "{text}");
        }
    }

    #[test]
    fn small_whole_numbers_are_read_at_once() {
        for (text, number) in [
            ("0,", Some(0)),
            ("-0}", Some(0)),
            ("-17 ", Some(-17)),
            ("007]", Some(7)),
            ("999999999999999999,", Some(999_999_999_999_999_999)),
            ("1234567890123456789,", None),
            ("9999999999999999999,", None),
            ("1.5,", None),
            ("1e3,", None),
            ("-,", None),
            ("x", None),
            ("5", None),
        ] {
            let mut lexer = Lexer::new(text.as_bytes());
            assert_eq!(lexer.small_whole(), number, "{text}");
            assert_eq!(lexer.pos, if number.is_some() { text.len() - 1 } else { 0 }, "{text}");
        }
    }

    #[test]
    fn refuses_what_is_no_json() {
        for text in [
            "", "{", "[1", "[1,]", "{\"a\"}", "{a:1}", "-", "1.", "1e", ".5", "+1", "truex", "nul", "'a'", "\"a",
            "\"\t\"",
        ] {
            assert!(Lexer::new(text.as_bytes()).skip(0).is_err(), "{text}");
        }
    }

    #[test]
    fn strings_and_names_have_jacksons_limits() {
        let reads = |text: String| Lexer::new(text.as_bytes()).skip(0).is_ok();
        let string = |character: &str, count: usize| format!("[\"{}\"]", character.repeat(count));
        for (character, most) in
            [("a", 20_000_000), ("\u{e9}", 20_000_000), ("\u{1f600}", 10_000_000), (r"\n", 20_000_000)]
        {
            assert!(reads(string(character, most)), "{most} times {character}");
            assert!(!reads(string(character, most + 1)), "{} times {character}", most + 1);
        }
        let name = |character: &str, count: usize| format!("{{\"{}\":1}}", character.repeat(count));
        for (character, most) in [("a", 50_000), ("\u{e9}", 25_000), (r"\n", 50_000)] {
            assert!(reads(name(character, most)), "{most} times {character}");
            assert!(!reads(name(character, most + 1)), "{} times {character}", most + 1);
        }
    }

    #[test]
    fn unescapes_and_decodes_leniently() {
        assert_eq!(unescape(br#"a\n\u00e9\uD83D\uDE00\/"#).as_deref(), Ok("a\né😀/"));
        assert_eq!(unescape(b"\xc0\xaf").as_deref(), Ok("/"));
        assert!(unescape(b"\xed\xa0\xbd\xed\xb8\x80").is_err());
        assert_eq!(unescape(br"\uD83D!").as_deref(), Ok("\u{fffd}!"));
        assert!(unescape_name(br"\uD83D!").is_err());
        assert_eq!(unescape_name(br"\uD83D\uDE00\n").as_deref(), Ok("😀\n"));
        assert!(unescape(br"\x").is_err());
        assert!(unescape(br"\u12").is_err());
        assert!(unescape(b"\xff").is_err());
    }
}
