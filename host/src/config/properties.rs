//! Java's `.properties` format, as `java.util.Properties.load` reads it.
//!
//! Own code because the crates for it refuse surrogate pairs written as two `\u` escapes, which
//! Java tools write for every character beyond U+FFFF.

use crate::error::{ConnectError, Result};

/// One entry of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The key, escapes resolved.
    pub key: String,
    /// The value, escapes resolved. Blanks at its end belong to it.
    pub value: String,
    /// The line on which the entry begins, from 1.
    pub line: u32,
}

/// Reads bytes as ISO-8859-1, the encoding of `.properties` files that Kafka loads: each byte is
/// the character of that number.
pub fn decode_latin1(bytes: &[u8]) -> String {
    bytes.iter().map(|&byte| char::from(byte)).collect()
}

/// Reads all entries in order; a key that comes twice is there twice.
///
/// # Errors
/// A `\u` escape that is malformed, or half of a surrogate pair. The message names the line.
pub fn parse(text: &str) -> Result<Vec<Entry>> {
    LogicalLines::new(text)
        .map(|line| {
            let (key, value) = split(&line.chars);
            let at_line =
                |error: ConnectError| ConnectError::config(format!("line {}: {}", line.number, error.message()));
            Ok(Entry {
                key: unescape(key).map_err(at_line)?,
                value: unescape(value).map_err(at_line)?,
                line: line.number,
            })
        })
        .collect()
}

/// A line after joining continuation lines, without leading blanks, escapes untouched.
struct LogicalLine {
    chars: Vec<char>,
    number: u32,
}

struct LogicalLines<'a> {
    rest: std::iter::Peekable<std::str::Chars<'a>>,
    line: u32,
}

impl<'a> LogicalLines<'a> {
    fn new(text: &'a str) -> Self {
        Self { rest: text.chars().peekable(), line: 1 }
    }

    /// Takes a character; a line end of any of the three kinds comes as `\n`.
    fn take(&mut self) -> Option<char> {
        match self.rest.next()? {
            '\r' => {
                self.rest.next_if_eq(&'\n');
                self.line += 1;
                Some('\n')
            }
            '\n' => {
                self.line += 1;
                Some('\n')
            }
            other => Some(other),
        }
    }

    fn skip_blanks(&mut self) {
        while self.rest.next_if(|&c| is_blank(c)).is_some() {}
    }

    fn skip_line(&mut self) {
        while self.take().is_some_and(|c| c != '\n') {}
    }
}

impl Iterator for LogicalLines<'_> {
    type Item = LogicalLine;

    fn next(&mut self) -> Option<LogicalLine> {
        let mut chars = Vec::new();
        let mut escaping = false;
        let mut number = self.line;
        self.skip_blanks();
        loop {
            // Nothing of the line is there yet, so a comment may begin; Java looks for one even
            // behind a lone backslash at the end of a line.
            if chars.is_empty() && matches!(self.rest.peek(), Some('#' | '!')) {
                self.skip_line();
                self.skip_blanks();
                number = self.line;
                continue;
            }
            match self.take() {
                Some('\n') if escaping => {
                    chars.pop();
                    escaping = false;
                    self.skip_blanks();
                }
                Some('\n') if chars.is_empty() => {
                    self.skip_blanks();
                    number = self.line;
                }
                Some('\n') => return Some(LogicalLine { chars, number }),
                Some(c) => {
                    escaping = c == '\\' && !escaping;
                    chars.push(c);
                }
                None => {
                    if chars.is_empty() {
                        return None;
                    }
                    if escaping {
                        chars.pop();
                    }
                    return Some(LogicalLine { chars, number });
                }
            }
        }
    }
}

fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\x0C')
}

/// Splits at the first `=`, `:` or blank that is not escaped; blanks around a separator and one
/// separator behind blanks belong to neither side.
fn split(line: &[char]) -> (&[char], &[char]) {
    let mut escaping = false;
    let end = line.iter().position(|&c| {
        let ends = !escaping && (is_blank(c) || c == '=' || c == ':');
        escaping = c == '\\' && !escaping;
        ends
    });
    let Some(end) = end else {
        return (line, &[]);
    };
    let (key, mut value) = line.split_at(end);
    let mut separator_seen = false;
    while let [first, rest @ ..] = value {
        match first {
            '=' | ':' if !separator_seen => separator_seen = true,
            c if is_blank(*c) => {}
            _ => break,
        }
        value = rest;
    }
    (key, value)
}

fn unescape(chars: &[char]) -> Result<String> {
    // UTF-16 units, because two \\u escapes may make one character.
    let mut units: Vec<u16> = Vec::with_capacity(chars.len());
    let mut rest = chars.iter().copied();
    while let Some(c) = rest.next() {
        let plain = match c {
            '\\' => match rest.next() {
                Some('u') => {
                    units.push(unicode_escape(rest.by_ref().take(4).collect())?);
                    continue;
                }
                Some('t') => '\t',
                Some('r') => '\r',
                Some('n') => '\n',
                Some('f') => '\x0C',
                Some(other) => other,
                None => break,
            },
            other => other,
        };
        units.extend_from_slice(plain.encode_utf16(&mut [0; 2]));
    }
    String::from_utf16(&units)
        .map_err(|_| ConnectError::config("half of a surrogate pair in \\u escapes; write both halves"))
}

fn unicode_escape(digits: String) -> Result<u16> {
    let all_hex = digits.len() == 4 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    all_hex.then(|| u16::from_str_radix(&digits, 16).ok()).flatten().ok_or_else(|| {
        ConnectError::config(format!("malformed escape \\u{digits}; expected \\u and four hexadecimal digits"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<(String, String, u32)> {
        let entries = parse(text).expect("is well-formed");
        entries.into_iter().map(|entry| (entry.key, entry.value, entry.line)).collect()
    }

    #[track_caller]
    fn reads(text: &str, key: &str, value: &str) {
        assert_eq!(read(text), [(key.to_owned(), value.to_owned(), 1)], "{text:?}");
    }

    #[test]
    fn separators_and_blanks() {
        reads("a=b", "a", "b");
        reads("  a : b ", "a", "b ");
        reads("a b=c", "a", "b=c");
        reads("a = = b", "a", "= b");
        reads("a\tb", "a", "b");
        reads("a", "a", "");
        reads("=b", "", "b");
        reads("a\\=b\\:c\\ d=e", "a=b:c d", "e");
    }

    #[test]
    fn escapes() {
        reads("a=\\t\\n\\r\\f\\q\\\\", "a", "\t\n\r\x0Cq\\");
        reads("a=\\u00fc\\uD83D\\uDE00", "a", "\u{fc}\u{1F600}");
        let error = parse("x=1\na=\\u00g0").expect_err("not hexadecimal");
        assert!(error.message().starts_with("line 2: malformed escape \\u00g0"), "{error}");
        assert!(parse("a=\\u12").is_err());
        assert!(parse("a=\\uD83D").is_err());
    }

    #[test]
    fn comments_continuations_and_line_numbers() {
        let text = "# c\n\n! c\r\n  a=1\\\n    2\\\r\n\t3\rb=x\\\\\nc=\\\n\nd=4\\";
        let expected = [("a", "123", 4), ("b", "x\\", 7), ("c", "", 8), ("d", "4", 10)];
        let entries = read(text);
        let entries: Vec<_> = entries.iter().map(|(key, value, line)| (key.as_str(), value.as_str(), *line)).collect();
        assert_eq!(entries, expected);
    }

    #[test]
    fn a_comment_does_not_go_on() {
        assert_eq!(read("# a\\\nb=1").len(), 1);
        // A hash behind a continuation is part of the value.
        reads("a=1,\\\n#2", "a", "1,#2");
    }

    #[test]
    fn bytes_are_latin1() {
        assert_eq!(decode_latin1(b"\xe4\xc3\xbc"), "\u{e4}\u{c3}\u{bc}");
    }
}
