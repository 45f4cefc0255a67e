//! Writes a pattern in the language of the engine, so that it means there what it means in Java.
//!
//! Sets are written out as ranges and flags are resolved before, so little is left to differ. The engine runs
//! patterns without look-around, back references and atomic groups in linear time, the others by backtracking.

use std::fmt::Write as _;

use super::sets;
use super::syntax::{Assertion, CharSet, Lines, Mode, Node, Repeat, Syntax};
use super::width::Width;

/// The pattern for the first place where it matches.
pub(super) fn find(syntax: &Syntax) -> String {
    let mut writer = Writer { out: String::new(), groups: syntax.groups };
    writer.body(&syntax.root);
    writer.out
}

/// The pattern for a text as a whole.
pub(super) fn whole(syntax: &Syntax) -> String {
    let mut root = syntax.root.clone();
    drop_end(&mut root);
    let mut writer = Writer { out: String::from(r"\A"), groups: syntax.groups };
    writer.part(&root);
    writer.out.push_str(r"\z");
    writer.out
}

/// Takes away a `$` or the like at the end, where the end of the text is asked for anyway: without it the pattern
/// may run in linear time.
fn drop_end(node: &mut Node) {
    match node {
        Node::Assertion(Assertion::End | Assertion::FinalEnd(_) | Assertion::LineEnd(_)) => *node = Node::Empty,
        Node::Concat(nodes) => nodes.last_mut().into_iter().for_each(drop_end),
        Node::Alternation(nodes) => nodes.iter_mut().for_each(drop_end),
        Node::Capture(body) => drop_end(body),
        _ => {}
    }
}

/// Matches nothing, without making a pattern need backtracking.
const NEVER: &str = r"[^\x{0}-\x{10FFFF}]";

/// An extended grapheme cluster, UAX 29.
const GRAPHEME: &str = concat!(
    r"(?>\r\n|[\p{gcb=Control}\r\n]|",
    r"\p{gcb=Prepend}*(?:",
    r"\p{gcb=L}*(?:\p{gcb=V}+|\p{gcb=LV}\p{gcb=V}*|\p{gcb=LVT})\p{gcb=T}*|\p{gcb=L}+|\p{gcb=T}+|",
    r"\p{gcb=Regional_Indicator}\p{gcb=Regional_Indicator}|",
    r"\p{Extended_Pictographic}(?:\p{gcb=Extend}*\p{gcb=ZWJ}\p{Extended_Pictographic})*|",
    r"[^\p{gcb=Control}\r\n])",
    r"[\p{gcb=Extend}\p{gcb=ZWJ}\p{gcb=SpacingMark}]*)"
);

struct Writer {
    out: String,
    groups: usize,
}

impl Writer {
    /// Writes a node that fills a group or the whole pattern.
    fn body(&mut self, node: &Node) {
        if let Node::Alternation(branches) = node {
            for (index, branch) in branches.iter().enumerate() {
                if index > 0 {
                    self.out.push('|');
                }
                self.part(branch);
            }
        } else {
            self.part(node);
        }
    }

    /// Writes a node that stands among others.
    fn part(&mut self, node: &Node) {
        match node {
            Node::Empty => {}
            Node::Set(set) => write_set(&mut self.out, set),
            Node::Concat(nodes) => nodes.iter().for_each(|node| self.part(node)),
            Node::Alternation(_) => self.group("(?:", node),
            Node::Capture(body) => self.group("(", body),
            Node::Atomic(body) => self.group("(?>", body),
            Node::Look { behind, negative, body } => {
                let opening = match (behind, negative) {
                    (false, false) => "(?=",
                    (false, true) => "(?!",
                    (true, false) => "(?<=",
                    (true, true) => "(?<!",
                };
                self.group(opening, body);
            }
            Node::Repeat(repeat) => self.repeat(repeat),
            // No text was captured by a group that is not there.
            Node::BackReference { group, .. } if *group > self.groups => self.out.push_str(NEVER),
            Node::BackReference { group, ignore_case } => {
                let opening = if *ignore_case { "(?i:" } else { "(?:" };
                write!(self.out, r"{opening}\{group})").expect("a String takes everything");
            }
            Node::Assertion(assertion) => self.out.push_str(&assertion_text(*assertion)),
            Node::LineEnding => self.out.push_str(r"(?:\r\n|[\n-\r\x{85}\x{2028}\x{2029}])"),
            Node::Grapheme => self.out.push_str(GRAPHEME),
        }
    }

    fn group(&mut self, opening: &str, body: &Node) {
        self.out.push_str(opening);
        self.body(body);
        self.out.push(')');
    }

    /// Writes a node as one thing that a quantifier can follow.
    fn unit(&mut self, node: &Node) {
        match node {
            Node::Set(_) | Node::Capture(..) => self.part(node),
            _ => self.group("(?:", node),
        }
    }

    fn repeat(&mut self, repeat: &Repeat) {
        if repeat.mode == Mode::Possessive {
            self.out.push_str("(?>");
        }
        let width = Width::of(&repeat.body);
        if width.max == Some(0) {
            self.repeat_of_nothing(repeat);
        } else {
            if width.min == 0 && repeat.max.is_none_or(|max| max > 1) {
                self.unit_that_may_be_empty(&repeat.body);
            } else {
                self.unit(&repeat.body);
            }
            self.quantifier(repeat.min, repeat.max);
            if repeat.mode == Mode::Lazy {
                self.out.push('?');
            }
        }
        if repeat.mode == Mode::Possessive {
            self.out.push(')');
        }
    }

    /// Writes a repeated condition. More than once adds nothing, and the engine takes no quantifier behind it.
    fn repeat_of_nothing(&mut self, repeat: &Repeat) {
        self.out.push_str("(?:");
        if repeat.min == 0 && repeat.mode == Mode::Lazy {
            self.out.push('|');
        }
        if repeat.max == Some(0) {
            self.out.push_str(NEVER);
        }
        self.unit(&repeat.body);
        if repeat.min == 0 && repeat.mode != Mode::Lazy {
            self.out.push('|');
        }
        self.out.push(')');
    }

    /// Java leaves a loop after a round that took nothing, and keeps what this round captured. Only the backtracking
    /// engine does the same; the look-ahead, which is always true, asks for it.
    fn unit_that_may_be_empty(&mut self, body: &Node) {
        self.out.push_str("(?:");
        self.unit(body);
        self.out.push_str("(?=))");
    }

    fn quantifier(&mut self, min: u32, max: Option<u32>) {
        match (min, max) {
            (0, None) => self.out.push('*'),
            (1, None) => self.out.push('+'),
            (0, Some(1)) => self.out.push('?'),
            (min, None) => write!(self.out, "{{{min},}}").expect("a String takes everything"),
            (min, Some(max)) => write!(self.out, "{{{min},{max}}}").expect("a String takes everything"),
        }
    }
}

fn write_set(out: &mut String, set: &CharSet) {
    match set.ranges() {
        [] => out.push_str(NEVER),
        [one] if one.start() == '\0' && one.end() == char::MAX => out.push_str("(?s:.)"),
        [one] if one.start() == one.end() => write_char(out, one.start()),
        ranges => {
            out.push('[');
            for range in ranges {
                write_char(out, range.start());
                out.push('-');
                write_char(out, range.end());
            }
            out.push(']');
        }
    }
}

fn write_char(out: &mut String, ch: char) {
    write!(out, r"\x{{{:X}}}", u32::from(ch)).expect("a String takes everything");
}

fn assertion_text(assertion: Assertion) -> String {
    match assertion {
        Assertion::Start => r"\A",
        Assertion::End => r"\z",
        Assertion::FinalEnd(Lines::Unix) => r"(?=\n?\z)",
        Assertion::FinalEnd(Lines::Java) => r"(?:\z|(?=\r\n\z)|(?<!\r)(?=\n\z)|(?=[\r\x{85}\x{2028}\x{2029}]\z))",
        Assertion::LineStart(Lines::Unix) => r"(?:(?!\z)(?:\A|(?<=\n)))",
        // Not at the very end: Java follows Perl in this.
        Assertion::LineStart(Lines::Java) => r"(?:(?!\z)(?:\A|(?<=[\n\x{85}\x{2028}\x{2029}])|(?<=\r)(?!\n)))",
        Assertion::LineEnd(Lines::Unix) => r"(?=\n|\z)",
        Assertion::LineEnd(Lines::Java) => r"(?:\z|(?<!\r)(?=\n)|(?=[\r\x{85}\x{2028}\x{2029}]))",
        Assertion::WordBoundary { unicode, negated } => return word_boundary(unicode, negated),
    }
    .to_owned()
}

/// `\b` and `\B`. By default a word is made of letters, digits and `_`, and of non-spacing marks on letters and digits;
/// a mark begins or ends a word only behind a `_`.
fn word_boundary(unicode: bool, negated: bool) -> String {
    let mut word = if unicode { sets::word(true) } else { sets::letter_or_digit() };
    let mut letter = String::new();
    write_set(&mut letter, &word);
    let boundary = if unicode {
        format!("(?<={letter})(?!{letter})|(?<!{letter})(?={letter})")
    } else {
        word.union(&sets::code_range('_'.into(), '_'.into()));
        let mut member = String::new();
        write_set(&mut member, &word);
        let marked = format!(r"{member}|{letter}\p{{Mn}}+");
        format!(r"(?<=_)(?=\p{{Mn}})|(?!\p{{Mn}})(?:(?<={marked})(?!{member})|(?<!{marked})(?={member}))")
    };
    if negated { format!("(?!{boundary})") } else { format!("(?:{boundary})") }
}
