//! The units a pattern is read in: code points, of which some are quoted by `\Q…\E`.

use super::Parser;

/// One code point of a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    /// As written; may have a meaning.
    Plain(char),
    /// Quoted; stands for itself.
    Quoted(char),
}

impl Unit {
    pub(super) fn ch(self) -> char {
        match self {
            Unit::Plain(ch) | Unit::Quoted(ch) => ch,
        }
    }
}

/// Splits a pattern; `\Q` and `\E` are gone afterwards. A quotation without end goes on to the end.
pub(super) fn units(pattern: &str) -> Vec<Unit> {
    let mut units = Vec::with_capacity(pattern.len());
    let mut rest = pattern.chars().peekable();
    while let Some(ch) = rest.next() {
        units.push(Unit::Plain(ch));
        if ch != '\\' {
            continue;
        }
        match rest.next() {
            Some('Q') => {
                units.pop();
                quote(&mut rest, &mut units);
            }
            Some(escaped) => units.push(Unit::Plain(escaped)),
            None => {}
        }
    }
    units
}

fn quote(rest: &mut std::iter::Peekable<std::str::Chars<'_>>, units: &mut Vec<Unit>) {
    while let Some(ch) = rest.next() {
        if ch == '\\' && rest.next_if_eq(&'E').is_some() {
            return;
        }
        units.push(Unit::Quoted(ch));
    }
}

impl Parser<'_> {
    /// The next unit that counts: in comments mode, white space and comments before it are passed.
    pub(super) fn peek(&mut self) -> Option<Unit> {
        if self.flags.comments {
            self.skip_comments();
        }
        self.units.get(self.at).copied()
    }

    /// Takes the next unit that counts.
    pub(super) fn read(&mut self) -> Option<Unit> {
        let unit = self.peek();
        self.at += 1;
        unit
    }

    /// The unit that many places on, whatever the mode.
    pub(super) fn ahead(&self, places: usize) -> Option<Unit> {
        self.units.get(self.at + places).copied()
    }

    fn skip_comments(&mut self) {
        let mut in_comment = false;
        while let Some(Unit::Plain(ch)) = self.ahead(0) {
            if in_comment {
                in_comment = !self.ends_line(ch);
            } else if ch == '#' {
                in_comment = true;
            } else if !matches!(ch, ' ' | '\t'..='\r') {
                return;
            }
            self.at += 1;
        }
    }

    fn ends_line(&self, ch: char) -> bool {
        ch == '\n' || !self.flags.unix_lines && matches!(ch, '\r' | '\u{85}' | '\u{2028}' | '\u{2029}')
    }
}
