//! Texts that must not be shown: passwords, and what config providers gave.
//!
//! Own code never prints a configuration's values. Plugins and client libraries may, in their errors and log lines, so
//! what comes from them is freed of the texts that the configuration of its connector holds ([`Confidential::hide`]).

use std::borrow::Cow;
use std::fmt;

use crate::error::ConnectError;

/// A shorter text would be found everywhere, and hiding it would only spoil what is shown.
const SHORTEST: usize = 4;

/// Words that are no secret wherever they come from.
const HARMLESS: [&str; 3] = ["true", "false", "null"];

/// What must not be shown of one connector or worker, and what is shown in its place.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Confidential {
    /// The longest first, so that a text that is part of another does not keep that from being found.
    words: Vec<Word>,
}

#[derive(Clone, PartialEq, Eq)]
struct Word {
    text: String,
    shown: String,
}

impl Confidential {
    /// From now on `shown` stands in the place of this text. Of a text of several lines each is hidden by itself, because
    /// logs and traces take texts apart. Texts of fewer than four bytes, `true`, `false` and `null` are left alone.
    pub fn add(&mut self, text: &str, shown: &str) {
        for line in text.lines().map(str::trim) {
            let known = self.words.iter().any(|word| word.text == line);
            if line.len() >= SHORTEST && !HARMLESS.contains(&line) && !known {
                self.words.push(Word { text: line.to_owned(), shown: shown.to_owned() });
            }
        }
        self.words.sort_by_key(|word| std::cmp::Reverse(word.text.len()));
    }

    /// Adds what another one hides.
    pub fn merge(&mut self, other: &Confidential) {
        for word in &other.words {
            self.add(&word.text, &word.shown);
        }
    }

    /// True if nothing is hidden.
    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// A text without what must not be shown.
    pub fn hide<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let mut text = Cow::Borrowed(text);
        for word in &self.words {
            if text.contains(&word.text) {
                text = Cow::Owned(text.replace(&word.text, &word.shown));
            }
        }
        text
    }

    /// An error without what must not be shown, its causes included.
    #[must_use]
    pub fn hide_in(&self, error: ConnectError) -> ConnectError {
        if self.is_empty() { error } else { error.map_texts(&|text| self.hide(text)) }
    }
}

/// The number of texts only.
impl fmt::Debug for Confidential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Confidential({})", self.words.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn confidential(words: &[(&str, &str)]) -> Confidential {
        let mut all = Confidential::default();
        words.iter().for_each(|(text, shown)| all.add(text, shown));
        all
    }

    #[test]
    fn texts_are_freed_of_the_longest_first() {
        let all = confidential(&[("hunter", "${a:1}"), ("hunter2", "${a:2}"), ("one\ntwo lines\n", "${a:3}")]);
        assert_eq!(all.hide("hunter2, hunter and two lines"), "${a:2}, ${a:1} and ${a:3}");
        assert!(matches!(all.hide("nothing"), Cow::Borrowed("nothing")));
        assert!(!format!("{all:?}").contains("hunter"));
    }

    #[test]
    fn short_and_harmless_words_stay() {
        let all = confidential(&[("abc", "x"), ("true", "x"), ("", "x"), (" \n", "x")]);
        assert!(all.is_empty());
        assert_eq!(all.hide("true abc"), "true abc");
    }

    #[test]
    fn errors_keep_all_but_the_texts() {
        let cause = ConnectError::data("key hunter2 is wrong").detail("at hunter2");
        let error = ConnectError::retriable("login failed").with_class("java.X").caused_by(cause);
        let hidden = confidential(&[("hunter2", "[hidden]")]).hide_in(error);
        assert_eq!(
            hidden.trace(),
            "java.X: login failed\nCaused by: org.apache.kafka.connect.errors.DataException: key [hidden] is \
             wrong\n\tat [hidden]\n"
        );
        assert!(hidden.is_retriable());
    }
}
