//! The replacement language of `Matcher.replaceFirst`: `$1`, `${name}`, and `\` before what is meant literally.

use std::iter::Peekable;
use std::str::Chars;

use crate::error::{ConnectError, Result};

/// A replacement, ready for the groups of one pattern.
#[derive(Debug, Clone)]
pub struct Replacement {
    /// Java reports a bad replacement only when there is something to replace.
    parts: Result<Vec<Part>, ConnectError>,
}

#[derive(Debug, Clone)]
enum Part {
    Text(String),
    Group(usize),
}

impl Replacement {
    /// Reads a replacement for a pattern with that many groups, some of which have names.
    pub(super) fn parse(text: &str, groups: usize, names: &[(String, usize)]) -> Self {
        let mut parser = Parser { rest: text.chars().peekable(), groups, names };
        Self { parts: parser.parts() }
    }

    /// Writes the replacement, asking for what each group captured.
    pub(super) fn expand<'t>(&self, out: &mut String, captured: impl Fn(usize) -> Option<&'t str>) -> Result<()> {
        for part in self.parts.as_ref().map_err(Clone::clone)? {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Group(group) => out.push_str(captured(*group).unwrap_or_default()),
            }
        }
        Ok(())
    }
}

struct Parser<'r> {
    rest: Peekable<Chars<'r>>,
    groups: usize,
    names: &'r [(String, usize)],
}

impl Parser<'_> {
    fn parts(&mut self) -> Result<Vec<Part>> {
        let mut parts = Vec::new();
        let mut text = String::new();
        while let Some(ch) = self.rest.next() {
            match ch {
                '\\' => text.push(self.rest.next().ok_or_else(|| illegal("character to be escaped is missing"))?),
                '$' => {
                    parts.push(Part::Text(std::mem::take(&mut text)));
                    parts.push(Part::Group(self.group()?));
                }
                _ => text.push(ch),
            }
        }
        parts.push(Part::Text(text));
        Ok(parts)
    }

    fn group(&mut self) -> Result<usize> {
        match self.rest.next() {
            None => Err(illegal("Illegal group reference: group index is missing")),
            Some('{') => self.named(),
            Some(first) => {
                let first = first.to_digit(10).ok_or_else(|| illegal("Illegal group reference"))?;
                self.numbered(first as usize)
            }
        }
    }

    /// The first digit always counts, more only while there are that many groups.
    fn numbered(&mut self, first: usize) -> Result<usize> {
        let mut group = first;
        while let Some(digit) = self.rest.peek().and_then(|ch| ch.to_digit(10)) {
            let longer = group * 10 + digit as usize;
            if longer > self.groups {
                break;
            }
            group = longer;
            self.rest.next();
        }
        if group > self.groups {
            let error = ConnectError::connect(format!("No group {group}"));
            return Err(error.with_class("java.lang.IndexOutOfBoundsException"));
        }
        Ok(group)
    }

    fn named(&mut self) -> Result<usize> {
        let mut name = String::new();
        while let Some(ch) = self.rest.next_if(char::is_ascii_alphanumeric) {
            name.push(ch);
        }
        if name.is_empty() {
            return Err(illegal("named capturing group has 0 length name"));
        }
        if self.rest.next() != Some('}') {
            return Err(illegal("named capturing group is missing trailing '}'"));
        }
        if name.starts_with(|first: char| first.is_ascii_digit()) {
            return Err(illegal(format!("capturing group name {{{name}}} starts with digit character")));
        }
        match self.names.iter().find(|(known, _)| *known == name) {
            Some((_, group)) => Ok(*group),
            None => Err(illegal(format!("No group with name {{{name}}}"))),
        }
    }
}

fn illegal(message: impl Into<std::borrow::Cow<'static, str>>) -> ConnectError {
    ConnectError::connect(message).with_class("java.lang.IllegalArgumentException")
}
