//! Case-insensitive matching: which code points a character of a pattern stands for.
//!
//! Java maps each character of the text alone to upper case and from there to lower case, so the simple mappings of
//! Unicode count, and `i`, `I`, `ı` and `İ` are all the same letter.

use std::sync::LazyLock;

use super::sets::{code_range, none};
use super::syntax::CharSet;

/// How case counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CaseFold {
    /// It does.
    None,
    /// Not among the letters of ASCII: flag `i`.
    Ascii,
    /// Nowhere: flags `i` and `u`.
    Unicode,
}

impl CaseFold {
    /// What one code point of a pattern stands for.
    pub(super) fn single(self, code: u32) -> CharSet {
        let mut set = code_range(code, code);
        let Some(ch) = char::from_u32(code) else { return set };
        match self {
            CaseFold::None => {}
            CaseFold::Ascii => {
                for ch in [ch.to_ascii_lowercase(), ch.to_ascii_uppercase()] {
                    set.union(&code_range(ch.into(), ch.into()));
                }
            }
            CaseFold::Unicode => {
                let folded = fold(ch);
                // Java takes such a character, for example `ß`, for one without case.
                if folded == upper(ch) {
                    return set;
                }
                set.union(&code_range(folded.into(), folded.into()));
                set.union(&those(|cased| cased.folded == folded));
            }
        }
        set
    }

    /// What a range of code points in a class stands for.
    pub(super) fn range(self, low: u32, high: u32) -> CharSet {
        let mut set = code_range(low, high);
        let inside = |ch: char| (low..=high).contains(&ch.into());
        match self {
            CaseFold::None => {}
            CaseFold::Ascii => {
                for ch in ('A'..='Z').chain('a'..='z') {
                    if inside(ch.to_ascii_uppercase()) || inside(ch.to_ascii_lowercase()) {
                        set.union(&code_range(ch.into(), ch.into()));
                    }
                }
            }
            CaseFold::Unicode => set.union(&those(|cased| inside(cased.upper) || inside(cased.folded))),
        }
        set
    }
}

/// A character that is changed by a change of case.
struct Cased {
    ch: char,
    upper: char,
    folded: char,
}

static CASED: LazyLock<Vec<Cased>> = LazyLock::new(|| {
    ('\0'..=char::MAX)
        .map(|ch| Cased { ch, upper: upper(ch), folded: fold(ch) })
        .filter(|cased| cased.ch != cased.upper || cased.ch != cased.folded)
        .collect()
});

fn those(wanted: impl Fn(&Cased) -> bool) -> CharSet {
    let mut set = none();
    for cased in CASED.iter().filter(|cased| wanted(cased)) {
        set.push(regex_syntax::hir::ClassUnicodeRange::new(cased.ch, cased.ch));
    }
    set
}

fn fold(ch: char) -> char {
    lower(upper(ch))
}

/// The simple mapping to lower case.
fn lower(ch: char) -> char {
    match ch {
        'İ' => 'i',
        _ => only(ch.to_lowercase()).unwrap_or(ch),
    }
}

/// The simple mapping to upper case. Where the full one gives several characters there is mostly none, but Greek
/// letters with an iota below have their title case.
fn upper(ch: char) -> char {
    match only(ch.to_uppercase()) {
        Some(upper) => upper,
        None => match ch {
            '\u{1F80}'..='\u{1F87}' | '\u{1F90}'..='\u{1F97}' | '\u{1FA0}'..='\u{1FA7}' => moved(ch, 8),
            '\u{1FB3}' | '\u{1FC3}' | '\u{1FF3}' => moved(ch, 9),
            _ => ch,
        },
    }
}

fn moved(ch: char, by: u32) -> char {
    char::from_u32(u32::from(ch) + by).expect("a letter in the same block")
}

fn only(mut chars: impl Iterator<Item = char>) -> Option<char> {
    let first = chars.next();
    first.filter(|_| chars.next().is_none())
}
