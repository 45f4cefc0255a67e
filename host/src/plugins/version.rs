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

/// What a user asks for: one version, or a Maven range such as `[1.0,2.0)` or `(,1.5],[2.0,)`.
#[derive(Debug, Clone)]
pub enum VersionRange {
    /// A version alone. Maven reads it as a wish; plugins are matched exactly (KIP-891).
    Exact(Version),
    /// Intervals, one of which has to hold.
    AnyOf(Vec<Interval>),
}

/// One interval of a range.
#[derive(Debug, Clone)]
pub struct Interval {
    low: Option<(Version, bool)>,
    high: Option<(Version, bool)>,
}

impl VersionRange {
    /// Reads what a user wrote; `latest` and the empty text ask for nothing in particular.
    ///
    /// # Errors
    /// The text, where it is not a range.
    pub fn parse(text: &str) -> Result<Option<VersionRange>, String> {
        let text = text.trim();
        if text.is_empty() || text.eq_ignore_ascii_case("latest") {
            return Ok(None);
        }
        if !text.starts_with(['[', '(']) {
            let plain = !text.contains(['[', '(', ']', ')', ',']);
            return if plain { Ok(Some(VersionRange::Exact(Version::new(text)))) } else { Err(text.to_owned()) };
        }
        let mut intervals = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            let (interval, tail) = Interval::parse(rest).ok_or_else(|| text.to_owned())?;
            intervals.push(interval);
            rest = tail.trim_start().strip_prefix(',').unwrap_or(tail).trim_start();
        }
        Ok(Some(VersionRange::AnyOf(intervals)))
    }

    /// Whether a version is in the range.
    pub fn contains(&self, version: &Version) -> bool {
        match self {
            VersionRange::Exact(wanted) => wanted == version,
            VersionRange::AnyOf(intervals) => intervals.iter().any(|interval| interval.contains(version)),
        }
    }
}

impl Interval {
    fn parse(text: &str) -> Option<(Interval, &str)> {
        let low_closed = text.starts_with('[');
        let body = text.strip_prefix(['[', '('])?;
        let end = body.find([']', ')'])?;
        let (inside, tail) = body.split_at(end);
        let high_closed = tail.starts_with(']');
        let version = |text: &str, closed| (!text.trim().is_empty()).then(|| (Version::new(text.trim()), closed));
        let interval = match inside.split_once(',') {
            Some((low, high)) => Interval { low: version(low, low_closed), high: version(high, high_closed) },
            None if low_closed && high_closed => {
                let only = version(inside, true)?;
                Interval { low: Some(only.clone()), high: Some(only) }
            }
            None => return None,
        };
        if let (Some((low, _)), Some((high, _))) = (&interval.low, &interval.high)
            && low > high
        {
            return None;
        }
        Some((interval, &tail[1..]))
    }

    fn contains(&self, version: &Version) -> bool {
        let above = self.low.as_ref().is_none_or(|(low, closed)| version > low || (*closed && version == low));
        let below = self.high.as_ref().is_none_or(|(high, closed)| version < high || (*closed && version == high));
        above && below
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
        for bad in ["[1.0", "(1.0)", "[2,1]", "1.0,2.0", "[]"] {
            assert_eq!(VersionRange::parse(bad).map(|_| ()).unwrap_err(), bad);
        }
    }
}
