//! Regular expressions as configuration uses them: Java's `matches`, on the whole text.

use fancy_regex::Regex;

/// Compiles an expression that has to match a whole text.
///
/// # Errors
/// What is wrong with it.
pub(super) fn whole(pattern: &str) -> Result<Regex, String> {
    Regex::new(&format!(r"\A(?:{pattern})\z")).map_err(|error| error.to_string())
}

/// Whether the expression matches the whole text. An expression that gives up on a text (it may
/// backtrack only so far) does not match it.
pub(super) fn matches(regex: &Regex, text: &str) -> bool {
    regex.is_match(text).unwrap_or(false)
}
