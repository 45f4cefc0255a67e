//! Reads the text of a pattern as `java.util.regex.Pattern` does.
//!
//! Java's grammar is what its parser accepts, so the oddities are kept: white space is skipped inside classes in
//! comments mode, `{2}` with nothing before it repeats the empty text, `\Q…\E` works everywhere. Descriptions of
//! errors are Java's, since users look them up.

mod class;
mod cursor;
mod escape;
mod group;

use super::PatternError;
use super::fold::CaseFold;
use super::sets;
use super::syntax::{Assertion, Lines, Mode, Node, Repeat, Syntax};
use cursor::{Unit, units};

/// Groups and classes may be nested this deep. The engines' own limits lie not far above.
const MAX_DEPTH: usize = 40;

/// Reads a pattern.
///
/// # Errors
/// What is wrong with it, or which part of it is not supported.
pub(super) fn parse(pattern: &str) -> Result<Syntax, PatternError> {
    let mut parser = Parser {
        pattern,
        units: units(pattern),
        at: 0,
        flags: Flags::default(),
        groups: 0,
        names: Vec::new(),
        depth: 0,
    };
    let root = parser.alternatives()?;
    match parser.peek() {
        None => Ok(Syntax { root, groups: parser.groups, names: parser.names }),
        Some(_) => Err(parser.error("Unmatched closing ')'")),
    }
}

/// The match flags in force, as `(?i)` and its like set them.
#[derive(Debug, Clone, Copy, Default)]
struct Flags {
    ignore_case: bool,
    multi_line: bool,
    dot_all: bool,
    unix_lines: bool,
    unicode_case: bool,
    unicode_class: bool,
    comments: bool,
}

impl Flags {
    fn lines(self) -> Lines {
        if self.unix_lines { Lines::Unix } else { Lines::Java }
    }

    fn case_fold(self) -> CaseFold {
        match (self.ignore_case, self.unicode_case) {
            (false, _) => CaseFold::None,
            (true, false) => CaseFold::Ascii,
            (true, true) => CaseFold::Unicode,
        }
    }
}

struct Parser<'p> {
    pattern: &'p str,
    units: Vec<Unit>,
    /// The next unit; one past the end after an attempt to read there.
    at: usize,
    flags: Flags,
    /// Capturing groups opened so far.
    groups: usize,
    names: Vec<(String, usize)>,
    depth: usize,
}

impl Parser<'_> {
    /// An error at the unit that was read last.
    fn error(&self, description: impl Into<String>) -> PatternError {
        PatternError::new(description, self.pattern, self.at.checked_sub(1))
    }

    /// A part of the language that is left out on purpose.
    fn unsupported(&self, part: &str) -> PatternError {
        self.error(format!("Not supported here: {part}"))
    }

    /// Runs a step one level deeper.
    fn nested<T>(&mut self, step: impl FnOnce(&mut Self) -> Result<T, PatternError>) -> Result<T, PatternError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(self.unsupported("groups or classes nested so deeply"));
        }
        let result = step(self);
        self.depth -= 1;
        result
    }

    fn alternatives(&mut self) -> Result<Node, PatternError> {
        let mut branches = vec![self.sequence()?];
        while self.peek() == Some(Unit::Plain('|')) {
            self.at += 1;
            branches.push(self.sequence()?);
        }
        Ok(Node::alternation(branches))
    }

    fn sequence(&mut self) -> Result<Node, PatternError> {
        let mut nodes = Vec::new();
        while let Some(unit) = self.peek() {
            let node = match unit {
                Unit::Plain('|' | ')') => break,
                Unit::Plain('(') => match self.nested(Self::group)? {
                    Some(group) => group,
                    // Flags alone take no quantifier.
                    None => continue,
                },
                // Java takes the nothing before the brace for what is to be repeated.
                Unit::Plain('{') => Node::Empty,
                _ => self.atom(unit)?,
            };
            nodes.push(self.quantified(node)?);
        }
        Ok(Node::concat(nodes))
    }

    fn atom(&mut self, unit: Unit) -> Result<Node, PatternError> {
        if unit == Unit::Plain('\\') {
            return self.escaped_atom();
        }
        self.at += 1;
        let lines = self.flags.lines();
        Ok(match unit {
            Unit::Plain('[') => Node::Set(self.nested(Self::class)?),
            Unit::Plain('^') if self.flags.multi_line => Node::Assertion(Assertion::LineStart(lines)),
            Unit::Plain('^') => Node::Assertion(Assertion::Start),
            Unit::Plain('$') if self.flags.multi_line => Node::Assertion(Assertion::LineEnd(lines)),
            Unit::Plain('$') => Node::Assertion(Assertion::FinalEnd(lines)),
            Unit::Plain('.') if self.flags.dot_all => Node::Set(sets::all()),
            Unit::Plain('.') => Node::Set(sets::dot(lines)),
            Unit::Plain(wild @ ('?' | '*' | '+')) => {
                return Err(self.error(format!("Dangling meta character '{wild}'")));
            }
            Unit::Plain(ch) | Unit::Quoted(ch) => Node::Set(self.flags.case_fold().single(ch.into())),
        })
    }

    /// The node with the quantifier that follows it, if one does.
    fn quantified(&mut self, node: Node) -> Result<Node, PatternError> {
        let (min, max) = match self.peek() {
            Some(Unit::Plain('?')) => (0, Some(1)),
            Some(Unit::Plain('*')) => (0, None),
            Some(Unit::Plain('+')) => (1, None),
            Some(Unit::Plain('{')) => self.counts()?,
            _ => return Ok(node),
        };
        self.at += 1;
        let mode = match self.peek() {
            Some(Unit::Plain('?')) => Mode::Lazy,
            Some(Unit::Plain('+')) => Mode::Possessive,
            _ => Mode::Greedy,
        };
        if mode != Mode::Greedy {
            self.at += 1;
        }
        Ok(Node::Repeat(Repeat { body: Box::new(node), min, max, mode }))
    }

    /// Reads `{n}`, `{n,}` or `{n,m}`; stops on the closing brace.
    fn counts(&mut self) -> Result<(u32, Option<u32>), PatternError> {
        self.at += 1;
        if !self.units.get(self.at).is_some_and(|unit| unit.ch().is_ascii_digit()) {
            self.at += 1;
            return Err(self.error("Illegal repetition"));
        }
        let min = self.number()?;
        let mut max = Some(min);
        if self.peek() == Some(Unit::Plain(',')) {
            self.at += 1;
            max = match self.peek() {
                Some(Unit::Plain('}')) => None,
                _ => Some(self.number()?),
            };
        }
        if self.peek() != Some(Unit::Plain('}')) {
            self.at += 1;
            return Err(self.error("Unclosed counted closure"));
        }
        if max.is_some_and(|max| max < min) {
            self.at += 1;
            return Err(self.error("Illegal repetition range"));
        }
        Ok((min, max))
    }

    /// Reads decimal digits; none give 0, as in Java.
    fn number(&mut self) -> Result<u32, PatternError> {
        let mut number: u32 = 0;
        while let Some(digit) = self.peek().and_then(|unit| unit.ch().to_digit(10)) {
            self.at += 1;
            number = number
                .checked_mul(10)
                .and_then(|number| number.checked_add(digit))
                .filter(|number| i32::try_from(*number).is_ok())
                .ok_or_else(|| self.error("Illegal repetition range"))?;
        }
        Ok(number)
    }
}
