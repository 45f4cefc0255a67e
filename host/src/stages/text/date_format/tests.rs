use proptest::prelude::*;
use proptest::sample::select;

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

/// Ways to write a date from which it can be read again.
const DATES: &[&str] = &[
    "yyyy-MM-dd",
    "d.M.yyy",
    "yyyyMMdd",
    "EEE, dd MMM yyyy",
    "MMMM d, yyyy G",
    "G yyy, D",
    "yyyyDDD",
    "YYYY-'W'ww-u",
    "E w YYY",
    "yyyy MM W EEEE",
    "F E LLL yyy",
];

/// The same for times of the day.
const TIMES: &[&str] =
    &["HH:mm:ss.SSS", "hh:mm:ss.SSS a", "KK'h' mm ss SSS aaa", "kkmmssSSS", "SSS ss mm H", "K a s m S"];

/// Years from 2 to 9998.
const READABLE: std::ops::Range<i64> = -62_104_147_200_000..253_370_764_800_000;

proptest! {
    #[test]
    fn what_is_written_can_be_read(
        date in select(DATES),
        time in select(TIMES),
        zone_letters in select(&["Z", "XXX", "z", "zzzz", ""][..]),
        zone in 0..zone::count(),
        millis in READABLE,
    ) {
        // Names of zones and texts without zone are of the zone that the format is in.
        let zone = if zone_letters.starts_with(['Z', 'X']) { zone::nth(zone) } else { Zone::UTC };
        let year = CivilDate::from_days(millis.div_euclid(MILLIS_PER_DAY)).year;
        // The days that were left out make the weeks and the days of that year ambiguous.
        prop_assume!(!(1581..=1583).contains(&year) || !date.contains(['D', 'w', 'W', 'F']));
        // Offsets are written in minutes.
        prop_assume!(zone.offset_at(millis).total() % 60_000 == 0);
        let pattern = format!("{date} {time} {zone_letters}");
        let format = DateFormat::at(&pattern, NOW).expect("a pattern");
        let mut text = String::new();
        format.write(&mut text, millis, zone);
        prop_assert_eq!(format.read_utc(&text), Some(millis), "{}: {}", pattern, text);
    }
}

/// What Java 17 answers about zones, one instant a line: the zone, milliseconds since 1970, and the offset in
/// milliseconds, without and for daylight saving.
const ZONE_FACTS: &str = include_str!("zone_facts.txt");

#[test]
fn daylight_saving_is_that_of_java() {
    let mut wrong = Vec::new();
    for line in ZONE_FACTS.lines() {
        let mut parts = line.split('\t');
        let zone = zone::by_id(parts.next().expect("a line begins with a zone"));
        let mut next = || parts.next().and_then(|part| part.parse().ok()).expect("three numbers follow");
        let (millis, expected) = (next(), zone::Offset { standard: next(), daylight: next() });
        if zone.offset_at(millis) != expected {
            wrong.push(format!("{line}, ours: {:?}", zone.offset_at(millis)));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), ZONE_FACTS.lines().count(), wrong.join("\n"));
}
