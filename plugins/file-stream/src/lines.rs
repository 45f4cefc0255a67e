//! Finds lines in a stream of bytes without copying them.
//!
//! A chunk of input is read into one buffer. Its complete lines are checked once for being UTF-8 and then handed out
//! as texts that share the buffer; what is behind the last line end is carried over to the next buffer. A line ends
//! with `\n`, `\r` or `\r\n`, so a `\r` that is the last byte at hand waits for the next one.

use ferroconnect_plugin_sdk::{Blob, Text};
use memchr::{memchr2, memrchr2};
use std::io::{self, ErrorKind, Read};
use std::ops::Range;

/// How many bytes are read at once: enough for thousands of lines, little enough for a processor's cache.
pub(crate) const CHUNK: usize = 256 * 1024;

/// A line.
#[derive(Debug, PartialEq)]
pub(crate) struct Line {
    /// The line without its end; bytes that are not UTF-8 are replaced.
    pub(crate) text: Text,
    /// How many bytes of the input it took, its end included.
    pub(crate) taken: u64,
}

/// Splits what is read into lines.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    complete: Complete,
    // What was read behind the last complete line.
    rest: Vec<u8>,
    // So many bytes of `rest` are known to hold no line end.
    searched: usize,
}

impl Lines {
    /// The next complete line.
    pub(crate) fn next_line(&mut self) -> Option<Line> {
        self.complete.next_line()
    }

    /// How many bytes of complete lines are at hand.
    pub(crate) fn bytes_at_hand(&self) -> usize {
        self.complete.bytes.len() - self.complete.next
    }

    /// How many bytes were read behind the last complete line.
    pub(crate) fn bytes_held_back(&self) -> usize {
        self.rest.len()
    }

    /// Reads up to `at_most` bytes with one call, and says how many. To be called when there is no line left.
    pub(crate) fn read_from(&mut self, input: &mut impl Read, at_most: usize) -> io::Result<usize> {
        debug_assert_eq!(self.bytes_at_hand(), 0, "lines would be lost");
        let held = self.rest.len();
        self.rest.resize(held + at_most, 0);
        let result = input.read(&mut self.rest[held..]);
        self.rest.truncate(held + result.as_ref().copied().unwrap_or(0));
        match result {
            Err(error) if matches!(error.kind(), ErrorKind::Interrupted | ErrorKind::WouldBlock) => Ok(0),
            result => {
                self.split();
                result
            }
        }
    }

    /// Takes what is held back as the last line: no more bytes will come.
    pub(crate) fn finish(&mut self) -> Option<Line> {
        let rest = std::mem::take(self).rest;
        let line = rest.strip_suffix(b"\r").unwrap_or(&rest);
        (!rest.is_empty()).then(|| Line { text: decode(line).into(), taken: rest.len() as u64 })
    }

    /// Moves the complete lines out of `rest`.
    fn split(&mut self) {
        // A carriage return at the very end may be half of a line end.
        let decided = self.rest.strip_suffix(b"\r").unwrap_or(&self.rest);
        let Some(last) = memrchr2(b'\n', b'\r', &decided[self.searched..]) else {
            self.searched = decided.len();
            return;
        };
        let end = self.searched + last + 1;
        let behind = self.rest[end..].to_vec();
        let buffer = std::mem::replace(&mut self.rest, behind);
        self.searched = 0;
        self.complete = Complete::new(buffer, end);
    }
}

/// Complete lines, each with its end.
#[derive(Debug, Default)]
struct Complete {
    bytes: Blob,
    /// The same bytes, if they are UTF-8 as a whole.
    text: Option<Text>,
    next: usize,
}

impl Complete {
    /// The first `end` bytes of a buffer.
    fn new(buffer: Vec<u8>, end: usize) -> Complete {
        // A record that lives long keeps the memory of its neighbours, so that of a buffer that is mostly not lines
        // is given back.
        let wasteful = end < buffer.capacity() / 2;
        let bytes = if wasteful { Blob::copy_from(&buffer[..end]) } else { Blob::from(buffer).slice(0..end) };
        let text = Text::from_blob(bytes.clone()).ok();
        Complete { bytes, text, next: 0 }
    }

    fn next_line(&mut self) -> Option<Line> {
        let bytes = &self.bytes[self.next..];
        let length = memchr2(b'\n', b'\r', bytes)?;
        let end = if bytes[length..].starts_with(b"\r\n") { 2 } else { 1 };
        let text = self.text(self.next..self.next + length);
        self.next += length + end;
        if self.next == self.bytes.len() {
            // The last line is out: only the records keep the buffer now.
            *self = Complete::default();
        }
        Some(Line { text, taken: (length + end) as u64 })
    }

    fn text(&self, range: Range<usize>) -> Text {
        if range.is_empty() {
            return Text::default();
        }
        // Line ends are single bytes of UTF-8 that are never part of a longer character.
        let shared = self.text.as_ref().and_then(|text| text.slice(range.clone()));
        shared.unwrap_or_else(|| decode(&self.bytes[range]).into())
    }
}

/// Bytes as text. What is not UTF-8 becomes U+FFFD in the same places as with Java's decoder: one for each longest
/// start of a character, and one for a whole encoded surrogate.
fn decode(mut bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    while let Some(chunk) = bytes.utf8_chunks().next() {
        text.push_str(chunk.valid());
        if chunk.invalid().is_empty() {
            break;
        }
        text.push(char::REPLACEMENT_CHARACTER);
        let bad = &bytes[chunk.valid().len()..];
        let length = match bad {
            [0xed, 0xa0..=0xbf, 0x80..=0xbf, ..] => 3,
            [0xed, 0xa0..=0xbf, ..] => 2,
            _ => chunk.invalid().len(),
        };
        bytes = &bad[length..];
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drain(lines: &mut Lines) -> Vec<(String, u64)> {
        std::iter::from_fn(|| lines.next_line()).map(|line| (line.text.to_string(), line.taken)).collect()
    }

    /// Reads `input` in pieces of these sizes, over and over.
    fn split_in_pieces(mut input: &[u8], sizes: &[usize]) -> (Vec<(String, u64)>, usize) {
        let (mut lines, mut found) = (Lines::default(), Vec::new());
        let mut sizes = sizes.iter().cycle();
        while !input.is_empty() {
            lines.read_from(&mut input, *sizes.next().unwrap()).unwrap();
            found.extend(drain(&mut lines));
        }
        (found, lines.bytes_held_back())
    }

    fn owned(lines: &[(&str, u64)]) -> Vec<(String, u64)> {
        lines.iter().map(|&(text, taken)| (text.to_owned(), taken)).collect()
    }

    #[test]
    fn all_three_line_ends_count() {
        let (lines, held) = split_in_pieces(b"a\nbb\r\nccc\rd\r\r\n\n\rtail", &[CHUNK]);
        assert_eq!(lines, owned(&[("a", 2), ("bb", 4), ("ccc", 4), ("d", 2), ("", 2), ("", 1), ("", 1)]));
        assert_eq!(held, 4);
    }

    #[test]
    fn a_carriage_return_waits_for_the_next_byte() {
        let mut lines = Lines::default();
        lines.read_from(&mut &b"a\r"[..], 10).unwrap();
        assert_eq!(drain(&mut lines), []);
        lines.read_from(&mut &b"\n"[..], 10).unwrap();
        assert_eq!(drain(&mut lines), owned(&[("a", 3)]));
        lines.read_from(&mut &b"b\r"[..], 10).unwrap();
        lines.read_from(&mut &b"c"[..], 10).unwrap();
        assert_eq!(drain(&mut lines), owned(&[("b", 2)]));
    }

    #[test]
    fn lines_share_the_buffer_they_were_read_into() {
        let input = "0123456789abcdef\n".repeat(1_000_000);
        let (mut rest, mut lines) = (input.as_bytes(), Lines::default());
        let mut count = 0;
        while lines.read_from(&mut rest, CHUNK).unwrap() > 0 {
            let mut next = None;
            while let Some(line) = lines.next_line() {
                let start = line.text.as_ptr();
                // The end of one line is one byte before the start of the next: no line was copied.
                assert!(next.is_none_or(|next| next == start));
                next = Some(start.wrapping_add(line.text.len() + 1));
                count += 1;
            }
        }
        assert_eq!(count, 1_000_000);
    }

    #[test]
    fn a_line_does_not_keep_a_mostly_empty_buffer() {
        let mut lines = Lines::default();
        lines.read_from(&mut &b"a\n"[..], CHUNK).unwrap();
        assert!(lines.rest.capacity() < 16);
        assert_eq!(lines.next_line().unwrap().text.as_str(), "a");
        assert_eq!(lines.complete.bytes.len(), 0);
    }

    #[test]
    fn what_is_not_utf8_is_replaced_as_java_does() {
        let cases: [(&[u8], &str); 7] = [
            (b"a\xffb", "a\u{fffd}b"),
            (b"\xc3", "\u{fffd}"),
            (b"\xe4\xbd!", "\u{fffd}!"),
            (b"\xed\xa0\x80", "\u{fffd}"),
            (b"\xed\xa0x", "\u{fffd}x"),
            (b"\xf0\x9f\x98", "\u{fffd}"),
            (b"\xc0\xaf", "\u{fffd}\u{fffd}"),
        ];
        for (bytes, text) in cases {
            assert_eq!(decode(bytes), text, "{bytes:x?}");
        }
        let (lines, _) = split_in_pieces(b"good \xe4\xb8\xad\nbad \xff\n", &[CHUNK]);
        assert_eq!(lines, owned(&[("good 中", 9), ("bad \u{fffd}", 6)]));
    }

    #[test]
    fn the_end_of_a_file_can_end_a_line() {
        let mut lines = Lines::default();
        lines.read_from(&mut &b"x\r"[..], 10).unwrap();
        assert_eq!(lines.finish(), Some(Line { text: "x".into(), taken: 2 }));
        assert_eq!(lines.finish(), None);
    }

    /// All inputs of up to six bytes over an alphabet in which every rule shows.
    fn all_inputs() -> Vec<Vec<u8>> {
        let mut inputs = vec![Vec::new()];
        let mut from = 0;
        for _ in 0..6 {
            let to = inputs.len();
            for index in from..to {
                for byte in [b'\n', b'\r', b'a', 0xc3] {
                    let longer = [inputs[index].as_slice(), &[byte]].concat();
                    inputs.push(longer);
                }
            }
            from = to;
        }
        inputs
    }

    #[test]
    fn the_sizes_of_reads_make_no_difference() {
        for input in all_inputs() {
            let whole = split_in_pieces(&input, &[100]);
            let taken: u64 = whole.0.iter().map(|line| line.1).sum();
            assert_eq!(taken as usize + whole.1, input.len(), "{input:?}");
            for sizes in [&[1][..], &[2], &[3], &[1, 2], &[4, 1]] {
                assert_eq!(split_in_pieces(&input, sizes), whole, "{input:?} in pieces of {sizes:?}");
            }
        }
    }
}
