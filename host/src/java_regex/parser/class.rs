//! Character classes: `[a-z]`, with union, intersection and negation in Java's order.
//!
//! Java keeps single Latin-1 characters of a class apart from ranges and nested classes and joins them late: before an
//! intersection and at the end. What comes out where these mix in one class follows from that, so it is done alike.

use super::super::PatternError;
use super::super::sets;
use super::super::syntax::CharSet;
use super::Parser;
use super::cursor::Unit;
use super::escape::Escape;

/// A class that is being read.
struct Class {
    /// Everything joined so far.
    joined: Option<CharSet>,
    /// The last part that was no single character.
    last: Option<CharSet>,
    /// The single characters.
    singles: CharSet,
    /// Whether there are single characters that are not joined yet.
    pending: bool,
}

impl Class {
    fn join(&mut self, set: CharSet) {
        match &mut self.joined {
            Some(joined) => joined.union(&set),
            None => self.joined = Some(set.clone()),
        }
        self.last = Some(set);
    }

    fn join_singles(&mut self) {
        if !std::mem::take(&mut self.pending) {
            return;
        }
        match &mut self.joined {
            Some(joined) => joined.union(&self.singles),
            None => self.join(self.singles.clone()),
        }
    }
}

impl Parser<'_> {
    /// Reads a class from behind its opening bracket to its closing one.
    pub(super) fn class(&mut self) -> Result<CharSet, PatternError> {
        let negated = self.ahead(0) == Some(Unit::Plain('^'));
        if negated {
            self.at += 1;
        }
        let mut set = self.class_items()?;
        self.at += 1;
        if negated {
            set.negate();
        }
        Ok(set)
    }

    /// Reads everything up to the bracket that closes the class, and stops there.
    fn class_items(&mut self) -> Result<CharSet, PatternError> {
        let mut class = Class { joined: None, last: None, singles: sets::none(), pending: false };
        loop {
            match self.peek() {
                None => return Err(self.error("Unclosed character class")),
                Some(Unit::Plain('[')) => {
                    self.at += 1;
                    class.join(self.nested(Self::class)?);
                }
                Some(Unit::Plain('&')) if self.at_intersection() => {
                    self.read();
                    self.read();
                    self.intersection(&mut class)?;
                }
                Some(Unit::Plain(']')) if class.joined.is_some() || class.pending => break,
                Some(_) => self.class_item(&mut class)?,
            }
        }
        class.join_singles();
        Ok(class.joined.expect("a class ends only behind an item"))
    }

    fn at_intersection(&mut self) -> bool {
        let here = self.at;
        self.at += 1;
        let second = self.peek() == Some(Unit::Plain('&'));
        self.at = here;
        second
    }

    /// Reads the right side of `&&` and intersects.
    fn intersection(&mut self, class: &mut Class) -> Result<(), PatternError> {
        let mut right: Option<CharSet> = None;
        loop {
            let set = match self.peek() {
                Some(Unit::Plain(']' | '&')) => break,
                Some(Unit::Plain('[')) => {
                    self.at += 1;
                    self.nested(Self::class)?
                }
                _ => self.nested(Self::class_items)?,
            };
            match &mut right {
                Some(right) => right.union(&set),
                None => right = Some(set),
            }
        }
        class.join_singles();
        match (&mut class.joined, right) {
            (None, None) => return Err(self.error("Bad class syntax")),
            (None, Some(right)) => class.join(right),
            (Some(joined), right) => {
                class.last = right.or(class.last.take());
                match &class.last {
                    Some(last) => joined.intersect(last),
                    None => return Err(self.error("Bad intersection syntax")),
                }
            }
        }
        Ok(())
    }

    /// Reads one character, range or predefined class.
    fn class_item(&mut self, class: &mut Class) -> Result<(), PatternError> {
        let low = match self.class_part()? {
            Escape::Char(code) => code,
            Escape::Set(set) => {
                class.join(set);
                return Ok(());
            }
            Escape::Node(_) => return Err(self.error("Illegal/unsupported escape sequence")),
        };
        let fold = self.flags.case_fold();
        let dash = self.peek() == Some(Unit::Plain('-'));
        if dash && !matches!(self.ahead(1), Some(Unit::Plain('[' | ']'))) {
            self.at += 1;
            let high = self.range_end()?;
            if high < low {
                return Err(self.error("Illegal character range"));
            }
            class.join(fold.range(low, high));
        } else if low < 256 {
            class.singles.union(&fold.single(low));
            class.pending = true;
            class.last = None;
        } else {
            class.join(fold.single(low));
        }
        Ok(())
    }

    fn class_part(&mut self) -> Result<Escape, PatternError> {
        let unit = self.peek();
        if unit != Some(Unit::Plain('\\')) {
            self.at += 1;
            let unit = unit.expect("the end was looked for");
            return Ok(Escape::Char(unit.ch().into()));
        }
        match self.ahead(1) {
            Some(Unit::Plain(mark @ ('p' | 'P'))) => self.property(mark == 'P').map(Escape::Set),
            // `\v` is a class, but as the end of a range the character that it was before Java 8.
            Some(Unit::Plain('v')) if self.ahead(2) == Some(Unit::Plain('-')) => {
                self.at += 2;
                Ok(Escape::Char(0x0B))
            }
            _ => self.escape(true),
        }
    }

    fn range_end(&mut self) -> Result<u32, PatternError> {
        match self.peek() {
            Some(Unit::Plain('\\')) if self.ahead(1) == Some(Unit::Plain('v')) => {
                self.at += 2;
                Ok(0x0B)
            }
            Some(Unit::Plain('\\')) => match self.escape(true)? {
                Escape::Char(code) => Ok(code),
                Escape::Set(_) | Escape::Node(_) => Err(self.error("Illegal character range")),
            },
            unit => {
                self.at += 1;
                unit.map(|unit| unit.ch().into()).ok_or_else(|| self.error("Illegal character range"))
            }
        }
    }
}
