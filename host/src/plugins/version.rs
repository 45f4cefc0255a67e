//! Versions of plugins, ordered as Maven orders them, because that is what users of Kafka Connect expect (KIP-891).

use std::cmp::Ordering;
use std::fmt;

/// A version. The order knows numbers and the usual qualifiers: `1.0-alpha < 1.0-rc1 < 1.0-SNAPSHOT < 1.0 < 1.0-sp <
/// 1.0.1`. Equality is that of the order, so `1.0` equals `1`.
#[derive(Debug, Clone)]
pub struct Version {
    text: String,
    items: Vec<Item>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Item {
    /// Digits without leading zeros, so that numbers of any length compare.
    Number(String),
    Word(String),
}

impl Version {
    /// Reads a version. Every text is one.
    pub fn new(text: &str) -> Version {
        let mut items: Vec<Item> = Vec::new();
        for part in text.trim().to_ascii_lowercase().split(['.', '-', '_', '+']) {
            let mut rest = part;
            while let Some(first) = rest.chars().next() {
                let digits = first.is_ascii_digit();
                let end = rest.find(|c: char| c.is_ascii_digit() != digits).unwrap_or(rest.len());
                let (run, tail) = rest.split_at(end);
                items.push(if digits {
                    Item::Number(run.trim_start_matches('0').to_owned())
                } else {
                    Item::Word(run.to_owned())
                });
                rest = tail;
            }
        }
        Version { text: text.to_owned(), items }
    }

    /// The version as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

/// Qualifiers before a release, the release itself, and those after it.
fn rank(word: &str) -> (u8, &str) {
    match word {
        "alpha" | "a" => (0, ""),
        "beta" | "b" => (1, ""),
        "milestone" | "m" => (2, ""),
        "rc" | "cr" => (3, ""),
        "snapshot" => (4, ""),
        "" | "ga" | "final" | "release" => (5, ""),
        "sp" => (6, ""),
        other => (7, other),
    }
}

fn compare(left: Option<&Item>, right: Option<&Item>) -> Ordering {
    let number = |digits: &str| (digits.len(), digits.to_owned());
    match (left, right) {
        (Some(Item::Number(a)), Some(Item::Number(b))) => number(a).cmp(&number(b)),
        (Some(Item::Word(a)), Some(Item::Word(b))) => rank(a).cmp(&rank(b)),
        (Some(Item::Number(_)), Some(Item::Word(_))) => Ordering::Greater,
        (Some(Item::Number(a)), None) => {
            if a.is_empty() {
                Ordering::Equal
            } else {
                Ordering::Greater
            }
        }
        (Some(Item::Word(a)), None) => rank(a).cmp(&rank("")),
        (None, None) => Ordering::Equal,
        (left, right) => compare(right, left).reverse(),
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Version) -> Ordering {
        let length = self.items.len().max(other.items.len());
        (0..length)
            .map(|place| compare(self.items.get(place), other.items.get(place)))
            .find(|order| order.is_ne())
            .unwrap_or(Ordering::Equal)
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Version) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Version {
    fn eq(&self, other: &Version) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Version {}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// What a user asks for, as Maven reads it: `[1.0,2.0)`, `(,1.5],[2.0,)`. A version alone stands for just that version
/// (KIP-891); for Maven it would be a wish.
#[derive(Debug, Clone)]
pub struct VersionRange(Vec<Interval>);

/// One interval of a range.
#[derive(Debug, Clone)]
struct Interval {
    low: Option<Version>,
    low_closed: bool,
    high: Option<Version>,
    high_closed: bool,
}

impl VersionRange {
    /// Reads what a user wrote; `latest` asks for nothing in particular.
    ///
    /// # Errors
    /// The text is not a range; the message is Maven's, which clients see.
    pub fn parse(text: &str) -> Result<Option<VersionRange>, String> {
        if text == "latest" {
            return Ok(None);
        }
        let text = text.trim();
        let is_enclosed = text.starts_with(['[', '(']);
        let spec = if is_enclosed { text.to_owned() } else { format!("[{text}]") };
        let mut intervals: Vec<Interval> = Vec::new();
        let mut rest = spec.as_str();
        while rest.starts_with(['[', '(']) {
            let end = rest.find([']', ')']).ok_or_else(|| format!("Unbounded range: {spec}"))?;
            let (interval, tail) = rest.split_at(end + 1);
            let interval = Interval::parse(interval)?;
            if intervals.last().is_some_and(|before| before.overlaps(&interval)) {
                return Err(format!("Ranges overlap: {spec}"));
            }
            intervals.push(interval);
            rest = tail.trim_start();
            rest = rest.strip_prefix(',').unwrap_or(rest).trim_start();
        }
        match rest {
            "" => Ok(Some(VersionRange(intervals))),
            _ => Err(format!("Only fully-qualified sets allowed in multiple set scenario: {spec}")),
        }
    }

    /// Whether a version is in the range.
    pub fn contains(&self, version: &Version) -> bool {
        self.0.iter().any(|interval| interval.contains(version))
    }
}

impl Interval {
    /// Reads a text that begins and ends with brackets.
    fn parse(text: &str) -> Result<Interval, String> {
        let (low_closed, high_closed) = (text.starts_with('['), text.ends_with(']'));
        let inside = &text[1..text.len() - 1];
        let version = |text: &str| (!text.trim().is_empty()).then(|| Version::new(text.trim()));
        let Some((low, high)) = inside.split_once(',') else {
            if !low_closed || !high_closed {
                return Err(format!("Single version must be surrounded by []: {text}"));
            }
            let only = Some(Version::new(inside.trim()));
            return Ok(Interval { low: only.clone(), low_closed, high: only, high_closed });
        };
        let interval = Interval { low: version(low), low_closed, high: version(high), high_closed };
        match (&interval.low, &interval.high) {
            (Some(low), Some(high)) if low > high || (low == high && !(low_closed && high_closed)) => {
                Err(format!("Range defies version ordering: {text}"))
            }
            _ => Ok(interval),
        }
    }

    /// Whether a later interval begins before the end of this one.
    fn overlaps(&self, later: &Interval) -> bool {
        self.high.as_ref().is_some_and(|high| later.low.as_ref().is_none_or(|low| low < high))
    }

    fn contains(&self, version: &Version) -> bool {
        let above = self.low.as_ref().is_none_or(|low| version > low || (self.low_closed && version == low));
        let below = self.high.as_ref().is_none_or(|high| version < high || (self.high_closed && version == high));
        above && below
    }
}

impl fmt::Display for VersionRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, interval) in self.0.iter().enumerate() {
            let end = |version: &Option<Version>| version.as_ref().map_or(String::new(), Version::to_string);
            let comma = if place == 0 { "" } else { "," };
            let (open, close) =
                (if interval.low_closed { '[' } else { '(' }, if interval.high_closed { ']' } else { ')' });
            write!(f, "{comma}{open}{},{}{close}", end(&interval.low), end(&interval.high))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_as_maven_does() {
        let ascending = [
            "1.0-alpha",
            "1.0-beta2",
            "1.0-rc1",
            "1.0-rc2",
            "1.0-SNAPSHOT",
            "1.0",
            "1.0-sp",
            "1.0-zeta",
            "1.0.1",
            "1.2",
            "1.10",
            "2",
        ];
        for pair in ascending.windows(2) {
            assert!(Version::new(pair[0]) < Version::new(pair[1]), "{} < {}", pair[0], pair[1]);
        }
        assert_eq!(Version::new("1.0.0"), Version::new("1"));
        assert_eq!(Version::new("1.0-GA"), Version::new("1.0"));
        assert!(Version::new("undefined") < Version::new("0.1"));
        assert!(Version::new("99999999999999999999998") < Version::new("99999999999999999999999"));
    }

    fn within(range: &str, version: &str) -> bool {
        VersionRange::parse(range).unwrap().expect("a range").contains(&Version::new(version))
    }

    #[test]
    fn ranges() {
        assert!(VersionRange::parse("latest").unwrap().is_none());
        assert!(within("1.0", "1.0.0") && !within("1.0", "1.1"));
        assert!(within("[1.0,2.0)", "1.0") && !within("[1.0,2.0)", "2.0"));
        assert!(within("(,1.5],[2.0,)", "3") && !within("(,1.5],[2.0,)", "1.6"));
        assert!(within("[1.2]", "1.2") && !within("[1.2]", "1.2.1"));
        assert!(within("1.0,2.0", "1.5"), "as Kafka Connect reads it");
        assert!(!within("", "1.0"));
    }

    #[test]
    fn wrong_ranges_have_mavens_texts() {
        for (bad, message) in [
            ("[1.0", "Unbounded range: [1.0"),
            ("(1.0)", "Single version must be surrounded by []: (1.0)"),
            ("[2,1]", "Range defies version ordering: [2,1]"),
            ("(1,1)", "Range defies version ordering: (1,1)"),
            ("[1,3],[2,4]", "Ranges overlap: [1,3],[2,4]"),
            ("[1,2]3", "Only fully-qualified sets allowed in multiple set scenario: [1,2]3"),
        ] {
            assert_eq!(VersionRange::parse(bad).map(drop).unwrap_err(), message);
        }
    }

    #[test]
    fn ranges_are_shown_with_both_ends() {
        for (text, shown) in [("1.0", "[1.0,1.0]"), ("", "[,]"), ("(,1.5],[2,)", "(,1.5],[2,)"), ("[4]", "[4,4]")] {
            assert_eq!(VersionRange::parse(text).unwrap().expect("a range").to_string(), shown);
        }
    }
}
