use super::*;

/// What Java 17 answers. A line holds pattern, text, replacement and answer, with escapes for what does not print.
/// The answer is `syntax` for a pattern that does not compile, else what `matches()` gives and what `find()` and
/// `replaceFirst` give: `none`, `=` with the result, or `error` with the message. Written by a loop over these three
/// calls; lines where we differ on purpose (docs/differences.md) are left out.
const JAVA: &str = include_str!("java17.tsv");

fn unescaped(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text.chars();
    while let Some(ch) = rest.next() {
        match (ch == '\\').then(|| rest.next().expect("an escape has two characters")) {
            None => out.push(ch),
            Some('n') => out.push('\n'),
            Some('r') => out.push('\r'),
            Some('t') => out.push('\t'),
            Some('u') => {
                let digits: String = rest.by_ref().take(6).collect();
                let code = u32::from_str_radix(&digits, 16).expect("six hexadecimal digits");
                out.push(char::from_u32(code).expect("a code point"));
            }
            Some(escaped) => out.push(escaped),
        }
    }
    out
}

fn answer(regex: &Result<JavaRegex, PatternError>, text: &str, replacement: &str) -> String {
    let Ok(regex) = regex else { return "syntax".to_owned() };
    let matches = regex.matches(text).expect("short enough");
    let replaced = match regex.replace_first(text, &regex.replacement(replacement)) {
        Ok(None) => "none".to_owned(),
        Ok(Some(replaced)) => format!("={replaced}"),
        Err(error) => format!("error {}", error.message()),
    };
    format!("{matches} {replaced}")
}

#[test]
fn patterns_mean_what_they_mean_in_java() {
    let mut differences = Vec::new();
    // Lines with the same pattern are neighbours.
    let mut compiled = (String::new(), JavaRegex::compile(""));
    for line in JAVA.lines() {
        let columns: Vec<String> = line.split('\t').map(unescaped).collect();
        let [pattern, text, replacement, expected] = columns.as_slice() else { panic!("four columns: {line}") };
        if compiled.0 != *pattern {
            compiled = (pattern.clone(), JavaRegex::compile(pattern));
        }
        let ours = answer(&compiled.1, text, replacement);
        if ours != *expected {
            differences.push(format!("{line}: {ours:?}"));
        }
    }
    assert!(differences.is_empty(), "{} differ:\n{}", differences.len(), differences.join("\n"));
}

#[test]
fn errors_read_as_in_java() {
    for (pattern, text) in [
        ("[", "Unclosed character class near index 0\n[\n^"),
        ("(", "Unclosed group near index 1\n("),
        ("*a", "Dangling meta character '*' near index 0\n*a\n^"),
        ("a{2,1}", "Illegal repetition range near index 5\na{2,1}\n     ^"),
        ("(?<1a>x)", "capturing group name does not start with a Latin letter near index 3\n(?<1a>x)\n   ^"),
        ("(?<n>a)(?<n>b)", "Named capturing group <n> is already defined near index 11\n(?<n>a)(?<n>b)\n           ^"),
        ("[z-a]", "Illegal character range near index 3\n[z-a]\n   ^"),
        (r"\p{Foo}", "Unknown character property name {Foo} near index 6\n\\p{Foo}\n      ^"),
        ("(?P<n>a)", "Unknown inline modifier near index 2\n(?P<n>a)\n  ^"),
        (r"\y", "Illegal/unsupported escape sequence near index 1\n\\y\n ^"),
        ("(?", "Unknown inline modifier near index 2\n(?"),
    ] {
        assert_eq!(JavaRegex::compile(pattern).expect_err("no pattern").to_string(), text);
    }
}

#[test]
fn what_cannot_be_done_alike_is_refused_by_name() {
    for (pattern, part) in [
        (r"\b{g}", r"\b{g}"),
        ("a(?c)b", "canonical equivalence"),
        (r"\N{DIGIT ONE}", r"\N{…}"),
        (r"\p{javaMirrored}", r"\p{javaMirrored}"),
        ("(a{1000}){1000}", "as large"),
    ] {
        let error = JavaRegex::compile(pattern).expect_err("refused").to_string();
        assert!(error.contains("Not supported here") && error.contains(part), "{pattern}: {error}");
    }
    assert!(JavaRegex::compile(&"(".repeat(10_000)).is_err());
    assert!(JavaRegex::compile(&"[".repeat(10_000)).is_err());
}

#[test]
fn runaway_backtracking_ends_in_an_error() {
    let regex = JavaRegex::compile(r"(?:(\w+)\1?)+!").expect("right");
    let error = regex.matches(&"a".repeat(200)).expect_err("too many steps");
    assert!(error.message().contains(r"(?:(\w+)\1?)+!"), "{error:?}");
    // The same without a back reference takes linear time.
    let regex = JavaRegex::compile(r"(?:\w+)+!").expect("right");
    assert!(!regex.matches(&"a".repeat(200)).expect("linear"));
}

/// Patterns put together from pieces at random: none may panic, and what compiles may be used.
#[test]
fn no_pattern_panics() {
    const PIECES: &[&str] = &[
        "a",
        "b",
        "(",
        ")",
        "[",
        "]",
        "^",
        "$",
        "&&",
        "-",
        "|",
        "*",
        "+",
        "?",
        "{",
        "}",
        "2",
        ",",
        "\\",
        "\\b",
        "\\1",
        "(?:",
        "(?=",
        "(?<!",
        "(?<n>",
        "\\k<n>",
        "(?>",
        "(?i)",
        "(?x)",
        "(?U)",
        " ",
        "#",
        "\\Q",
        "\\E",
        "\\p{L}",
        "\\P",
        "{IsLatin}",
        "\\x{41}",
        "\\u0041",
        "\\0",
        "\\c",
        "é",
        "\\R",
        "\\X",
        ".",
        "\\d",
        "\\W",
        "\\v",
        "\u{1F600}",
        "$1",
    ];
    // A linear congruential generator is all the randomness this takes.
    let mut state = 42_u64;
    let mut random = |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    let mut compiled = 0;
    for _ in 0..500 {
        let length = 1 + random(9);
        let pattern: String = (0..length).map(|_| PIECES[random(PIECES.len())]).collect();
        let replacement: String = (0..random(4)).map(|_| PIECES[random(PIECES.len())]).collect();
        let Ok(regex) = JavaRegex::compile(&pattern) else { continue };
        compiled += 1;
        let replacement = regex.replacement(&replacement);
        for text in ["", "a", "aab\né", "\u{1F600}2 A"] {
            let whole = regex.matches(text);
            let replaced = regex.replace_first(text, &replacement);
            // What matches as a whole is also found, unless the search or the replacement fails.
            assert!(!matches!((whole, replaced), (Ok(true), Ok(None))), "{pattern} on {text:?}");
        }
    }
    assert!(compiled > 40, "{compiled} compiled");
}
