//! What begins with a backslash.

use super::super::PatternError;
use super::super::sets;
use super::super::syntax::{Assertion, CharSet, Node};
use super::Parser;
use super::cursor::Unit;

/// What an escape stands for.
pub(super) enum Escape {
    /// A code point; may be a surrogate, which no text holds.
    Char(u32),
    /// A set of code points.
    Set(CharSet),
    /// Something that has no place in a class.
    Node(Node),
}

impl Parser<'_> {
    /// Reads an escape outside of classes.
    pub(super) fn escaped_atom(&mut self) -> Result<Node, PatternError> {
        if let Some(Unit::Plain(mark @ ('p' | 'P'))) = self.ahead(1) {
            return self.property(mark == 'P').map(Node::Set);
        }
        Ok(match self.escape(false)? {
            Escape::Char(code) => Node::Set(self.flags.case_fold().single(code)),
            Escape::Set(set) => Node::Set(set),
            Escape::Node(node) => node,
        })
    }

    /// Reads an escape other than `\p`. In a class, those that stand for a place or a group are errors.
    pub(super) fn escape(&mut self, in_class: bool) -> Result<Escape, PatternError> {
        let mark = self.ahead(1);
        self.at += 2;
        let Some(mark) = mark else {
            return Err(self.error("Unescaped trailing backslash"));
        };
        let ch = mark.ch();
        if let Some(code) = self.character(ch)? {
            return Ok(Escape::Char(code));
        }
        if let Some(set) = self.predefined(ch) {
            return Ok(Escape::Set(set));
        }
        if !in_class && let Some(node) = self.place_or_group(ch)? {
            return Ok(Escape::Node(node));
        }
        if ch.is_ascii_alphanumeric() {
            return Err(self.error("Illegal/unsupported escape sequence"));
        }
        Ok(Escape::Char(ch.into()))
    }

    /// Escapes for one code point by name or number.
    fn character(&mut self, ch: char) -> Result<Option<u32>, PatternError> {
        Ok(Some(match ch {
            'a' => 0x07,
            'e' => 0x1B,
            'f' => 0x0C,
            'n' => 0x0A,
            'r' => 0x0D,
            't' => 0x09,
            '0' => self.octal()?,
            'x' => self.hexadecimal()?,
            'u' => self.utf16()?,
            'c' => match self.read() {
                Some(unit) => u32::from(unit.ch()) ^ 64,
                None => return Err(self.error("Illegal control escape sequence")),
            },
            'N' => return Err(self.unsupported(r"characters by name, \N{…}; write \x{…}")),
            _ => return Ok(None),
        }))
    }

    /// Escapes for a set of code points.
    fn predefined(&self, ch: char) -> Option<CharSet> {
        let unicode = self.flags.unicode_class;
        let mut set = match ch.to_ascii_lowercase() {
            'd' => sets::digit(unicode),
            's' => sets::space(unicode),
            'w' => sets::word(unicode),
            'h' => sets::horizontal_space(),
            'v' => sets::vertical_space(),
            _ => return None,
        };
        if ch.is_ascii_uppercase() {
            set.negate();
        }
        Some(set)
    }

    /// Escapes for a condition, a back reference or more than one code point.
    fn place_or_group(&mut self, ch: char) -> Result<Option<Node>, PatternError> {
        let unicode = self.flags.unicode_class;
        Ok(Some(match ch {
            '1'..='9' => self.numbered_reference(ch),
            'k' => self.named_reference()?,
            'A' | 'G' => Node::Assertion(Assertion::Start),
            'z' => Node::Assertion(Assertion::End),
            'Z' => Node::Assertion(Assertion::FinalEnd(self.flags.lines())),
            'b' if self.ahead(0) == Some(Unit::Plain('{')) && self.ahead(1) == Some(Unit::Plain('g')) => {
                return Err(self.unsupported(r"boundaries of graphemes, \b{g}"));
            }
            'b' | 'B' => Node::Assertion(Assertion::WordBoundary { unicode, negated: ch == 'B' }),
            'R' => Node::LineEnding,
            'X' => Node::Grapheme,
            _ => return Ok(None),
        }))
    }

    /// The first digit always counts, more only while there are that many groups so far.
    fn numbered_reference(&mut self, first: char) -> Node {
        let mut group = first as usize - '0' as usize;
        while let Some(digit) = self.peek().and_then(|unit| unit.ch().to_digit(10)) {
            let longer = group * 10 + digit as usize;
            if longer > self.groups {
                break;
            }
            group = longer;
            self.at += 1;
        }
        Node::BackReference { group, ignore_case: self.flags.ignore_case }
    }

    fn named_reference(&mut self) -> Result<Node, PatternError> {
        if self.read() != Some(Unit::Plain('<')) {
            return Err(self.error(r"\k is not followed by '<' for named capturing group"));
        }
        let first = self.read();
        let name = self.group_name(first)?;
        match self.names.iter().find(|(known, _)| *known == name) {
            Some((_, group)) => Ok(Node::BackReference { group: *group, ignore_case: self.flags.ignore_case }),
            None => Err(self.error(format!("named capturing group <{name}> does not exist"))),
        }
    }

    /// `\0n`, `\0nn`, `\0nnn` up to `\0377`.
    fn octal(&mut self) -> Result<u32, PatternError> {
        let mut code = None;
        for place in 0..3 {
            let digit = self.peek().and_then(|unit| unit.ch().to_digit(8));
            match (digit, code) {
                (Some(digit), None) => code = Some(digit),
                (Some(digit), Some(so_far)) if place < 2 || so_far < 32 => code = Some(so_far * 8 + digit),
                _ => break,
            }
            self.at += 1;
        }
        code.ok_or_else(|| {
            self.at += 1;
            self.error("Illegal octal escape sequence")
        })
    }

    /// `\xhh` or `\x{h…}`.
    fn hexadecimal(&mut self) -> Result<u32, PatternError> {
        let first = self.read();
        if let Some(high) = hex(first) {
            return match hex(self.read()) {
                Some(low) => Ok(high * 16 + low),
                None => Err(self.error("Illegal hexadecimal escape sequence")),
            };
        }
        if first != Some(Unit::Plain('{')) || hex(self.peek()).is_none() {
            return Err(self.error("Illegal hexadecimal escape sequence"));
        }
        let mut code = 0;
        loop {
            let unit = self.read();
            match hex(unit) {
                Some(digit) => code = code * 16 + digit,
                None if unit == Some(Unit::Plain('}')) => return Ok(code),
                None => return Err(self.error("Unclosed hexadecimal escape sequence")),
            }
            if code > u32::from(char::MAX) {
                return Err(self.error("Hexadecimal codepoint is too big"));
            }
        }
    }

    /// `\uhhhh`; two halves of one code point are put together.
    fn utf16(&mut self) -> Result<u32, PatternError> {
        let first = self.utf16_unit()?;
        let after = self.at;
        if (0xD800..0xDC00).contains(&first)
            && self.read() == Some(Unit::Plain('\\'))
            && self.read() == Some(Unit::Plain('u'))
        {
            let second = self.utf16_unit()?;
            if (0xDC00..0xE000).contains(&second) {
                return Ok(0x1_0000 + ((first - 0xD800) << 10) + (second - 0xDC00));
            }
        }
        self.at = after;
        Ok(first)
    }

    fn utf16_unit(&mut self) -> Result<u32, PatternError> {
        (0..4).try_fold(0, |code, _| match hex(self.read()) {
            Some(digit) => Ok(code * 16 + digit),
            None => Err(self.error("Illegal Unicode escape sequence")),
        })
    }

    /// Reads `\pL` or `\p{…}`.
    pub(super) fn property(&mut self, negated: bool) -> Result<CharSet, PatternError> {
        self.at += 2;
        let name = if self.peek() == Some(Unit::Plain('{')) {
            self.at += 1;
            self.property_name()?
        } else {
            self.read().map(|unit| unit.ch().to_string()).unwrap_or_default()
        };
        let mut set = match sets::property(&name, self.flags.unicode_class, self.flags.ignore_case) {
            Ok(set) => set,
            Err(sets::NoSet::Unknown(description)) => return Err(self.error(description)),
            Err(sets::NoSet::Unsupported(part)) => return Err(self.unsupported(&part)),
        };
        if negated {
            set.negate();
        }
        Ok(set)
    }

    fn property_name(&mut self) -> Result<String, PatternError> {
        let mut name = String::new();
        loop {
            let unit = self.ahead(0);
            self.at += 1;
            match unit {
                Some(Unit::Plain('}')) if name.is_empty() => return Err(self.error("Empty character family")),
                Some(Unit::Plain('}')) => return Ok(name),
                Some(unit) => name.push(unit.ch()),
                None => return Err(self.error("Unclosed character family")),
            }
        }
    }
}

fn hex(unit: Option<Unit>) -> Option<u32> {
    unit.and_then(|unit| unit.ch().to_digit(16))
}
