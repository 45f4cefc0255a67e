//! What a pattern says, once its text is understood: flags are resolved, character classes are sets of code points.

use regex_syntax::hir::ClassUnicode;

/// A set of code points.
pub(super) type CharSet = ClassUnicode;

/// A parsed pattern.
#[derive(Debug, Clone)]
pub(super) struct Syntax {
    pub(super) root: Node,
    /// How many capturing groups there are, group 0 not counted.
    pub(super) groups: usize,
    /// Named groups with their numbers.
    pub(super) names: Vec<(String, usize)>,
}

/// One part of a pattern.
#[derive(Debug, Clone)]
pub(super) enum Node {
    /// Matches without taking anything.
    Empty,
    /// One code point of the set.
    Set(CharSet),
    /// All of these in order.
    Concat(Vec<Node>),
    /// The first of these with which the rest matches too.
    Alternation(Vec<Node>),
    /// A capturing group. Groups are numbered in the order of their opening parentheses.
    Capture(Box<Node>),
    /// The same part several times.
    Repeat(Repeat),
    /// Whether the part matches here, or ends here.
    Look { behind: bool, negative: bool, body: Box<Node> },
    /// What matched first is final.
    Atomic(Box<Node>),
    /// The text that a group captured.
    BackReference { group: usize, ignore_case: bool },
    /// A condition on the place.
    Assertion(Assertion),
    /// A line ending, `\R`.
    LineEnding,
    /// A character as readers see it, with all its marks: `\X`.
    Grapheme,
}

/// A quantifier and what it stands behind.
#[derive(Debug, Clone)]
pub(super) struct Repeat {
    pub(super) body: Box<Node>,
    pub(super) min: u32,
    /// Absent = as often as it goes.
    pub(super) max: Option<u32>,
    pub(super) mode: Mode,
}

/// How a quantifier chooses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    Greedy,
    Lazy,
    Possessive,
}

/// A condition on a place in the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Assertion {
    /// `\A`, `^`, and `\G`, which is the same in a first match.
    Start,
    /// `\z`.
    End,
    /// `$`, `\Z`: at the end, or before a line terminator that ends the text.
    FinalEnd(Lines),
    /// `^` in multi-line mode.
    LineStart(Lines),
    /// `$` in multi-line mode.
    LineEnd(Lines),
    /// `\b`; with `unicode` by the words of UTS 18.
    WordBoundary { unicode: bool, negated: bool },
}

/// What ends a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lines {
    /// `\n`, `\r`, `\r\n`, U+0085, U+2028, U+2029.
    Java,
    /// `\n` alone: flag `d`.
    Unix,
}

impl Node {
    /// These nodes in order, without a wrapper where one is enough.
    pub(super) fn concat(mut nodes: Vec<Node>) -> Node {
        match nodes.len() {
            0 => Node::Empty,
            1 => nodes.remove(0),
            _ => Node::Concat(nodes),
        }
    }

    /// One of these nodes, without a wrapper where there is no choice.
    pub(super) fn alternation(mut nodes: Vec<Node>) -> Node {
        if nodes.len() == 1 { nodes.remove(0) } else { Node::Alternation(nodes) }
    }
}
