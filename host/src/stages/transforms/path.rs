//! Names of fields: plain ones and paths (KIP-821).

use std::borrow::Cow;

use ferroconnect_plugin_abi::Text;

use super::config::SYNTAX_VERSION;
use crate::config::Parsed;
use crate::error::{ConnectError, Result};

/// How names of fields are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Syntax {
    /// A name of a field of the outermost struct or map, taken as it stands.
    V1,
    /// A path: dots descend, back-ticks enclose names that hold dots.
    V2,
}

impl Syntax {
    /// What the key [`SYNTAX_VERSION`] says.
    pub fn configured(config: &Parsed) -> Syntax {
        if config.str(SYNTAX_VERSION).eq_ignore_ascii_case("V2") { Syntax::V2 } else { Syntax::V1 }
    }
}

/// The name of a field, as the steps that lead to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldPath {
    text: Text,
    steps: Vec<Text>,
}

impl FieldPath {
    /// Reads a name. An empty text is the empty name in V1 and a path of no steps in V2.
    ///
    /// # Errors
    /// A back-tick in V2 that is opened and not closed.
    pub fn parse(text: &str, syntax: Syntax) -> Result<FieldPath> {
        let steps = match syntax {
            Syntax::V1 => vec![text.into()],
            Syntax::V2 => steps_of(text)?,
        };
        Ok(FieldPath { text: text.into(), steps })
    }

    /// The path as it was written.
    pub fn text(&self) -> &Text {
        &self.text
    }

    /// The names on the way, the field itself last. Empty only for an empty text in V2.
    pub fn steps(&self) -> &[Text] {
        &self.steps
    }
}

fn steps_of(path: &str) -> Result<Vec<Text>> {
    let mut steps = Vec::new();
    let mut at = 0;
    while at < path.len() {
        let rest = &path[at..];
        if rest.starts_with('`') {
            let (step, next) = quoted_step(path, at)?;
            steps.push(step.into());
            at = next;
        } else {
            let step = rest.split('.').next().unwrap_or(rest);
            steps.push(step.into());
            at += step.len() + 1;
        }
    }
    if path.ends_with('.') {
        steps.push(Text::from_static(""));
    }
    Ok(steps)
}

/// A name as one step of a path in the syntax V2: in back-ticks where it would be read otherwise. Names that hold a dot
/// and end in a backslash cannot be written in that syntax.
pub fn step_text(name: &str) -> Cow<'_, str> {
    if name.contains('.') || name.starts_with('`') {
        Cow::Owned(format!("`{}`", name.replace("`.", "\\`.")))
    } else {
        Cow::Borrowed(name)
    }
}

/// The step in back-ticks that begins at `open`, and where the next one begins. A back-tick closes only before a dot
/// or at the end, and there not after a backslash; any other is part of the name.
fn quoted_step(path: &str, open: usize) -> Result<(String, usize)> {
    let bytes = path.as_bytes();
    let mut step = String::new();
    let mut start = open + 1;
    let mut from = start;
    while let Some(distance) = path[from..].find('`') {
        let tick = from + distance;
        let is_escaped = bytes[tick - 1] == b'\\';
        match bytes.get(tick + 1) {
            None if is_escaped => break,
            Some(b'.') if is_escaped => {
                step.push_str(&path[start..tick - 1]);
                step.push('`');
                start = tick + 1;
            }
            None | Some(b'.') => {
                step.push_str(&path[start..tick]);
                return Ok((step, tick + 2));
            }
            Some(_) => {}
        }
        from = tick + 1;
    }
    let position = path[..open].encode_utf16().count();
    Err(ConnectError::config(format!(
        "Incomplete backtick pair in path: [{path}], consider adding a backslash before backtick at position \
         {position} to escape it"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn reads(path: &str, expected: &[&str]) {
        let parsed = FieldPath::parse(path, Syntax::V2).expect("the path is well-formed");
        assert_eq!(parsed.steps().iter().map(Text::as_str).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn dots_descend_and_back_ticks_protect() {
        reads("", &[]);
        reads("a", &["a"]);
        reads("a.b.c", &["a", "b", "c"]);
        reads(".", &["", ""]);
        reads("a.", &["a", ""]);
        reads("`a.b`.c", &["a.b", "c"]);
        reads("`a`.", &["a", ""]);
        reads("a`b.c", &["a`b", "c"]);
        reads("`a`b`", &["a`b"]);
        reads("``", &[""]);
        reads(r"`a\`.b`", &["a`.b"]);
        reads(r"`a\`b`", &[r"a\`b"]);
        reads("é.`日.本`", &["é", "日.本"]);
        let plain = FieldPath::parse("a.b", Syntax::V1).expect("anything goes");
        assert_eq!((plain.steps().len(), plain.text().as_str()), (1, "a.b"));
    }

    #[test]
    fn names_are_written_as_they_are_read() {
        for name in ["a", "a.b", ".", "`t`", "a`.b", "a.b`", "x`y", "b\\", "é.日", "``", "`"] {
            reads(&format!("{}.c", step_text(name)), &[name, "c"]);
        }
        assert_eq!(step_text("a`b"), "a`b");
        assert_eq!(step_text("a.b"), "`a.b`");
    }

    #[test]
    fn an_open_back_tick_is_refused() {
        for (path, position) in [("`", 0), ("`a.b", 0), ("é.`x", 2), (r"`x\`", 0), ("`a.b`n", 0), ("😀.`x", 3)] {
            let error = FieldPath::parse(path, Syntax::V2).expect_err("is not closed");
            assert_eq!(
                error.message(),
                format!(
                    "Incomplete backtick pair in path: [{path}], consider adding a backslash before backtick at \
                     position {position} to escape it"
                )
            );
        }
    }
}
