//! Regular expressions as `java.util.regex` of Java 17 understands them, for every pattern that a user writes.
//!
//! A pattern is read by Java's grammar ([`parser`]) into its meaning ([`syntax`]), and that is written in the language
//! of the engine ([`translate`]), which is the crate `fancy-regex` on top of `regex`. What cannot be done alike is
//! refused when the pattern is compiled; the message names the part.

mod fold;
mod parser;
mod replacement;
mod sets;
mod syntax;
mod translate;
mod width;

#[cfg(test)]
mod tests;

use std::fmt;

use fancy_regex::{Regex, RegexBuilder};

use crate::error::{ConnectError, Result};

pub use replacement::Replacement;

/// How many steps the backtracking engine may take on one text.
const MAX_STEPS: usize = 1_000_000;
/// How large a compiled pattern may be, in bytes.
const MAX_SIZE: usize = 4 << 20;

/// A compiled pattern. Costs much to make and little to use; may be used by several threads at once.
#[derive(Debug, Clone)]
pub struct JavaRegex {
    pattern: String,
    groups: usize,
    names: Vec<(String, usize)>,
    whole: Regex,
    first: Regex,
}

impl JavaRegex {
    /// Compiles a pattern.
    ///
    /// # Errors
    /// What is wrong with it, in the words of Java's `PatternSyntaxException`, or which part of it is not supported.
    pub fn compile(pattern: &str) -> Result<Self, PatternError> {
        let syntax = parser::parse(pattern)?;
        Ok(Self {
            pattern: pattern.to_owned(),
            whole: engine(pattern, &translate::whole(&syntax))?,
            first: engine(pattern, &translate::find(&syntax))?,
            groups: syntax.groups,
            names: syntax.names,
        })
    }

    /// The pattern as it was written.
    pub fn as_str(&self) -> &str {
        &self.pattern
    }

    /// Whether the pattern matches the text as a whole.
    ///
    /// # Errors
    /// When the search takes too many steps.
    pub fn matches(&self, text: &str) -> Result<bool> {
        self.whole.is_match(text).map_err(|error| self.gave_up(&error))
    }

    /// Prepares a replacement for matches of this pattern. Mistakes in it show at [`replace_first`](Self::replace_first).
    pub fn replacement(&self, text: &str) -> Replacement {
        Replacement::parse(text, self.groups, &self.names)
    }

    /// The text with the first place that matches replaced; `None` if no place does.
    ///
    /// # Errors
    /// When the search takes too many steps, and for a bad replacement what `Matcher.replaceFirst` throws.
    pub fn replace_first(&self, text: &str, replacement: &Replacement) -> Result<Option<String>> {
        let Some(found) = self.first.captures(text).map_err(|error| self.gave_up(&error))? else {
            return Ok(None);
        };
        let place = found.get(0).expect("group 0 is the match");
        let mut out = text[..place.start()].to_owned();
        replacement.expand(&mut out, |group| found.get(group).map(|captured| captured.as_str()))?;
        out.push_str(&text[place.end()..]);
        Ok(Some(out))
    }

    fn gave_up(&self, error: &fancy_regex::Error) -> ConnectError {
        ConnectError::data(format!("The regular expression {} gave up on a text: {error}", self.pattern))
    }
}

fn engine(pattern: &str, translated: &str) -> Result<Regex, PatternError> {
    RegexBuilder::new(translated)
        .backtrack_limit(MAX_STEPS)
        .delegate_size_limit(MAX_SIZE)
        .max_prog_size(MAX_SIZE / 64)
        .build()
        .map_err(|error| {
            // The last line: those before show the translated pattern, which nobody wrote.
            let text = error.to_string();
            let reason = text.lines().last().unwrap_or_default().trim();
            let description = format!("Not supported here: a pattern as large or as deep as this ({reason})");
            PatternError::new(description, pattern, None)
        })
}

/// Why a text is no pattern. Shows as Java shows it: the description, the index, and the pattern with a mark below.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PatternError {
    description: String,
    pattern: String,
    /// Counted in code points.
    index: Option<usize>,
}

impl PatternError {
    fn new(description: impl Into<String>, pattern: &str, index: Option<usize>) -> Self {
        Self { description: description.into(), pattern: pattern.to_owned(), index }
    }

    /// What is wrong, without the place.
    pub fn description(&self) -> &str {
        &self.description
    }
}

impl fmt::Display for PatternError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.description)?;
        if let Some(index) = self.index {
            write!(f, " near index {index}")?;
        }
        write!(f, "\n{}", self.pattern)?;
        match self.index {
            Some(index) if index < self.pattern.chars().count() => write!(f, "\n{:index$}^", ""),
            _ => Ok(()),
        }
    }
}

impl std::error::Error for PatternError {}
