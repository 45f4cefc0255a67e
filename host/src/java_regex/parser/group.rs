//! Groups: `(…)`, `(?:…)`, look-around, atomic and named ones, and flags.

use super::super::PatternError;
use super::super::syntax::Node;
use super::super::width::Width;
use super::Parser;
use super::cursor::Unit;

impl Parser<'_> {
    /// Reads a group from its opening parenthesis to its closing one. Flags that stand alone give nothing.
    pub(super) fn group(&mut self) -> Result<Option<Node>, PatternError> {
        let outside = self.flags;
        self.at += 1;
        let node = if self.peek() == Some(Unit::Plain('?')) {
            self.at += 1;
            match self.marked_group()? {
                Some(node) => node,
                None => return Ok(None),
            }
        } else {
            self.capture()?
        };
        if self.read() != Some(Unit::Plain(')')) {
            return Err(self.error("Unclosed group"));
        }
        self.flags = outside;
        Ok(Some(node))
    }

    fn capture(&mut self) -> Result<Node, PatternError> {
        self.groups += 1;
        Ok(Node::Capture(Box::new(self.alternatives()?)))
    }

    /// Reads what follows `(?`, up to the closing parenthesis.
    fn marked_group(&mut self) -> Result<Option<Node>, PatternError> {
        let mark = self.ahead(0);
        self.at += 1;
        Ok(Some(match mark {
            Some(Unit::Plain(':')) => self.alternatives()?,
            Some(Unit::Plain(mark @ ('=' | '!'))) => {
                Node::Look { behind: false, negative: mark == '!', body: Box::new(self.alternatives()?) }
            }
            Some(Unit::Plain('>')) => Node::Atomic(Box::new(self.alternatives()?)),
            Some(Unit::Plain('<')) => match self.read() {
                Some(Unit::Plain(mark @ ('=' | '!'))) => self.look_behind(mark == '!')?,
                first => self.named_capture(first)?,
            },
            Some(Unit::Plain('$' | '@')) => return Err(self.error("Unknown group type")),
            _ => {
                self.at -= 1;
                self.set_flags()?;
                match self.read() {
                    Some(Unit::Plain(')')) => return Ok(None),
                    Some(Unit::Plain(':')) => self.alternatives()?,
                    _ => return Err(self.error("Unknown inline modifier")),
                }
            }
        }))
    }

    fn look_behind(&mut self, negative: bool) -> Result<Node, PatternError> {
        let body = self.alternatives()?;
        if Width::of(&body).max.is_none() {
            return Err(self.error("Look-behind group does not have an obvious maximum length"));
        }
        Ok(Node::Look { behind: true, negative, body: Box::new(body) })
    }

    fn named_capture(&mut self, first: Option<Unit>) -> Result<Node, PatternError> {
        let name = self.group_name(first)?;
        if self.names.iter().any(|(known, _)| *known == name) {
            return Err(self.error(format!("Named capturing group <{name}> is already defined")));
        }
        self.names.push((name, self.groups + 1));
        self.capture()
    }

    /// Reads the rest of a name, up to and with the `>`.
    pub(super) fn group_name(&mut self, first: Option<Unit>) -> Result<String, PatternError> {
        let mut next = first.map(Unit::ch);
        if !next.is_some_and(|ch| ch.is_ascii_alphabetic()) {
            return Err(self.error("capturing group name does not start with a Latin letter"));
        }
        let mut name = String::new();
        while let Some(ch) = next.filter(char::is_ascii_alphanumeric) {
            name.push(ch);
            next = self.read().map(Unit::ch);
        }
        if next != Some('>') {
            return Err(self.error("named capturing group is missing trailing '>'"));
        }
        Ok(name)
    }

    /// Reads flags as in `i-m`; stops at the first thing that is none.
    fn set_flags(&mut self) -> Result<(), PatternError> {
        let mut on = true;
        while let Some(Unit::Plain(flag)) = self.peek() {
            match flag {
                'i' => self.flags.ignore_case = on,
                'm' => self.flags.multi_line = on,
                's' => self.flags.dot_all = on,
                'd' => self.flags.unix_lines = on,
                'u' => self.flags.unicode_case = on,
                'x' => self.flags.comments = on,
                'U' => {
                    self.flags.unicode_class = on;
                    self.flags.unicode_case = on;
                }
                'c' => {
                    self.at += 1;
                    return Err(self.unsupported("canonical equivalence, flag c"));
                }
                '-' if on => on = false,
                _ => break,
            }
            self.at += 1;
        }
        Ok(())
    }
}
