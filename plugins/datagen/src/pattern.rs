//! Text that a regular expression matches.

use fastrand::Rng;
use regex_syntax::hir::{Capture, Class, ClassUnicode, ClassUnicodeRange, Hir, HirKind, Repetition};

use crate::rules::{LONGEST, Length};

/// How many more than the least a repetition without end (`*`, `+`, `{3,}`) takes at most.
const SPARE: u32 = 16;
/// How often a text of the right length is tried for.
const TRIES: usize = 1_000;
/// A regular expression that texts are made from.
#[derive(Debug, Clone)]
pub(crate) struct Pattern {
    tree: Hir,
    length: Option<Length>,
}

impl Pattern {
    /// Reads a regular expression; `length` bounds the texts in characters.
    ///
    /// # Errors
    /// It is no regular expression, nothing can match it, or a text of that length was not found.
    pub(crate) fn new(pattern: &str, length: Option<Length>) -> Result<Pattern, String> {
        let tree = regex_syntax::Parser::new().parse(pattern).map_err(|error| error.to_string())?;
        // More is a mistake such as `(.{9999}){9999}`.
        if longest(&tree) > LONGEST as u64 {
            return Err(format!("it stands for texts of more than {LONGEST} characters"));
        }
        let pattern = Pattern { tree: printable(tree)?, length };
        match pattern.text(&mut Rng::with_seed(0)) {
            Some(_) => Ok(pattern),
            None => Err(format!("no text of the wanted length was found in {TRIES} tries")),
        }
    }

    /// How many characters its texts have at most.
    pub(crate) fn longest(&self) -> u64 {
        longest(&self.tree)
    }

    /// A text that the expression matches; none if no text of the wanted length was found.
    pub(crate) fn text(&self, rng: &mut Rng) -> Option<String> {
        let mut text = String::new();
        for _ in 0..TRIES {
            text.clear();
            write(&self.tree, rng, &mut text);
            let fits = |length: Length| (length.least..length.below).contains(&text.chars().count());
            if self.length.is_none_or(fits) {
                return Some(text);
            }
        }
        None
    }
}

/// The length of the longest text that [`write`] makes, in characters.
fn longest(tree: &Hir) -> u64 {
    match tree.kind() {
        HirKind::Empty | HirKind::Look(_) => 0,
        HirKind::Literal(literal) => literal.0.len() as u64,
        HirKind::Class(_) => 1,
        HirKind::Repetition(repetition) => longest(&repetition.sub).saturating_mul(most(repetition).into()),
        HirKind::Capture(Capture { sub, .. }) => longest(sub),
        HirKind::Concat(parts) => parts.iter().map(longest).fold(0, u64::saturating_add),
        HirKind::Alternation(parts) => parts.iter().map(longest).max().unwrap_or(0),
    }
}

fn most(repetition: &Repetition) -> u32 {
    repetition.max.unwrap_or_else(|| repetition.min.saturating_add(SPARE))
}

/// Takes from each class what can be printed, if there is such; `.` and `[^x]` would mostly be strange characters.
fn printable(tree: Hir) -> Result<Hir, String> {
    let all = |parts: Vec<Hir>| parts.into_iter().map(printable).collect::<Result<Vec<_>, _>>();
    Ok(match tree.into_kind() {
        HirKind::Empty => Hir::empty(),
        HirKind::Look(look) => Hir::look(look),
        HirKind::Literal(literal) => Hir::literal(literal.0),
        HirKind::Class(class) => {
            let class = match class {
                Class::Unicode(class) => class,
                Class::Bytes(class) => class.to_unicode_class().ok_or("it matches bytes that are no text")?,
            };
            let mut ascii = class.clone();
            ascii.intersect(&ClassUnicode::new([ClassUnicodeRange::new(' ', '~')]));
            let class = if ascii.ranges().is_empty() { class } else { ascii };
            if class.ranges().is_empty() {
                return Err("it has a part that no character matches".to_owned());
            }
            Hir::class(Class::Unicode(class))
        }
        HirKind::Repetition(repetition) => {
            let sub = Box::new(printable(*repetition.sub)?);
            Hir::repetition(Repetition { sub, ..repetition })
        }
        HirKind::Capture(capture) => Hir::capture(Capture { sub: Box::new(printable(*capture.sub)?), ..capture }),
        HirKind::Concat(parts) => Hir::concat(all(parts)?),
        HirKind::Alternation(parts) => Hir::alternation(all(parts)?),
    })
}

fn write(tree: &Hir, rng: &mut Rng, text: &mut String) {
    match tree.kind() {
        HirKind::Empty | HirKind::Look(_) => {}
        HirKind::Literal(literal) => text.push_str(&String::from_utf8_lossy(&literal.0)),
        HirKind::Class(class) => text.extend(member(class, rng)),
        HirKind::Repetition(repetition) => {
            for _ in 0..rng.u32(repetition.min..=most(repetition)) {
                write(&repetition.sub, rng, text);
            }
        }
        HirKind::Capture(Capture { sub, .. }) => write(sub, rng, text),
        HirKind::Concat(parts) => parts.iter().for_each(|part| write(part, rng, text)),
        HirKind::Alternation(parts) => write(&parts[rng.usize(..parts.len())], rng, text),
    }
}

/// A character of the class, each as likely as the others.
fn member(class: &Class, rng: &mut Rng) -> Option<char> {
    let Class::Unicode(class) = class else { return None };
    let size = |range: &ClassUnicodeRange| u32::from(range.end()) - u32::from(range.start()) + 1;
    let sizes: u32 = class.ranges().iter().map(size).sum();
    // A number between the two halves of the characters (a surrogate) is none; then another one is drawn.
    loop {
        let mut place = rng.u32(..sizes);
        let range = class.ranges().iter().find(|range| {
            let here = place < size(range);
            place -= if here { 0 } else { size(range) };
            here
        })?;
        if let Some(member) = char::from_u32(u32::from(range.start()) + place) {
            return Some(member);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_match_their_pattern() {
        let mut rng = Rng::with_seed(7);
        for (pattern, check) in [
            ("User_[1-9]{0,1}", (|text: &str| text.starts_with("User_") && text.len() <= 6) as fn(&str) -> bool),
            ("(a|bc)+", |text| text.replace("bc", "a").chars().all(|c| c == 'a') && !text.is_empty()),
            (r"\d{3}-\d{2}", |text| text.len() == 6 && text.bytes().all(|b| b == b'-' || b.is_ascii_digit())),
            (".{4}", |text| text.len() == 4 && text.bytes().all(|b| (b' '..=b'~').contains(&b))),
            ("[а-я]{2}", |text| text.chars().all(|c| ('а'..='я').contains(&c))),
            ("^end$", |text| text == "end"),
            ("", str::is_empty),
        ] {
            let made = Pattern::new(pattern, None).unwrap();
            for _ in 0..200 {
                let text = made.text(&mut rng).unwrap();
                assert!(check(&text), "{pattern}: {text}");
            }
        }
    }

    #[test]
    fn lengths_are_kept() {
        let pattern = Pattern::new("[a-z]*", Some(Length { least: 3, below: 6 })).unwrap();
        let mut rng = Rng::with_seed(1);
        for _ in 0..200 {
            let text = pattern.text(&mut rng).unwrap();
            assert!((3..6).contains(&text.len()), "{text}");
        }
        let error = Pattern::new("ab", Some(Length { least: 3, below: 6 })).unwrap_err();
        assert!(error.contains("no text of the wanted length"), "{error}");
    }

    #[test]
    fn what_cannot_be_made_is_refused() {
        for (pattern, part) in [("(", "unclosed group"), ("(.{9999}){9999}", "more than"), (r"[a&&b]", "no character")]
        {
            let error = Pattern::new(pattern, None).unwrap_err();
            assert!(error.contains(part), "{pattern}: {error}");
        }
    }
}
