//! Whether the text of a file shows the messages of its `map<>`s' entries, which are hidden otherwise.

/// Whether some message in a text that compiles has the option `map_entry`. Names, comments and quoted text that only look
/// like it do not count: the paths of all messages behind a `map<>` hang on the answer.
pub(super) fn shows_entries(text: &str) -> bool {
    let bare = bare(text);
    let words: Vec<&str> = bare.split_whitespace().collect();
    words.windows(4).any(|words| words == ["option", "map_entry", "=", "true"])
}

/// The text without comments and the content of quotes, with blanks around the signs that end a word.
fn bare(text: &str) -> String {
    let mut bare = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '/' if rest.starts_with("//") => rest.find('\n'),
            '/' if rest.starts_with("/*") => rest[2..].find("*/").map(|at| at + 4),
            '"' | '\'' => quoted(rest, first),
            '=' | ';' | '{' | '}' => {
                bare.extend([' ', first, ' ']);
                rest = &rest[1..];
                continue;
            }
            _ => {
                bare.push(first);
                rest = &rest[first.len_utf8()..];
                continue;
            }
        };
        bare.push(' ');
        rest = &rest[length.unwrap_or(rest.len())..];
    }
    bare
}

/// How long a quoted text at the beginning is, with its quotes; none where it does not end.
fn quoted(text: &str, quote: char) -> Option<usize> {
    let mut escaped = false;
    let end = text.char_indices().skip(1).find(|(_, character)| {
        let ends = !escaped && *character == quote;
        escaped = !escaped && *character == '\\';
        ends
    });
    end.map(|(at, _)| at + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_option_itself_counts() {
        for (text, expected) in [
            ("message E { option map_entry = true; string key = 1; }", true),
            ("message E{option map_entry=true;}", true),
            ("message E { option // its kind\n map_entry /* is */ =\ttrue ; }", true),
            (r#"option a = "\\"; message E { option map_entry = true; }"#, true),
            ("option a = 'it\\'s'; message E { option map_entry = true; } option b = \"'\";", true),
            ("message E { option map_entry = false; }", false),
            ("message A { int32 map_entry = 1; string roadmap_entry = 2; }", false),
            ("message A { option my_map_entry = true; }", false),
            ("// option map_entry = true;\nmessage A {}", false),
            ("message A {} // option map_entry = true;", false),
            ("/* message E { option map_entry = true; } */ message A {}", false),
            (r#"option a = "option map_entry = true;";"#, false),
            (r#"option a = "\" option map_entry = true ;";"#, false),
            ("option a = 'option map_entry = true;", false),
            ("/* option map_entry = true;", false),
            ("", false),
        ] {
            assert_eq!(shows_entries(text), expected, "{text}");
        }
    }
}
