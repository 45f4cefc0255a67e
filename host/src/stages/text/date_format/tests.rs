use super::*;

/// What Java 17 answers, one case a line: `w`, pattern, milliseconds and the text they are written as; or `r`,
/// pattern, text, the milliseconds read from it (`-` where it cannot be read) and what these are written as then.
/// The present day is 2026-11-21, the locale en_US, the zone UTC.
const FACTS: &str = include_str!("facts.txt");
const NOW: i64 = 1_795_219_200_000;

fn answer(kind: &str, pattern: &str, input: &str) -> String {
    let format = match DateFormat::at(pattern, NOW) {
        Ok(format) => format,
        Err(error) => return error.to_string(),
    };
    let mut out = String::new();
    match kind {
        "w" => format.write(&mut out, input.parse().expect("is a number"), Zone::UTC),
        "r" => match format.read(input, Zone::UTC) {
            None => out.push('-'),
            Some(Reading { millis, zone }) => {
                out = format!("{millis}\t");
                format.write(&mut out, millis, zone);
            }
        },
        _ => panic!("unknown kind of case {kind}"),
    }
    out
}

#[test]
fn answers_are_those_of_java() {
    let mut wrong = Vec::new();
    for line in FACTS.lines() {
        let mut parts = line.splitn(4, '\t');
        let mut next = || parts.next().expect("a case has four parts");
        let (kind, pattern, input, expected) = (next(), next(), next(), next());
        let answer = answer(kind, pattern, input);
        if answer != expected {
            wrong.push(format!("{line}\n  ours: {answer}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), FACTS.lines().count(), wrong.join("\n"));
}

#[test]
fn long_patterns_are_bounded() {
    for letter in "GyYMLwWDdFEuaHkKhmsSzZ".chars() {
        let pattern = letter.to_string().repeat(100_000);
        let format = DateFormat::at(&pattern, NOW).expect("any number of these is a pattern");
        let mut text = String::new();
        format.write(&mut text, 0, Zone::UTC);
        assert!(text.len() <= 309, "{letter}: {}", text.len());
        let _ = format.read(&text, Zone::UTC);
        let _ = format.read(&"9".repeat(100_000), Zone::UTC);
    }
}
