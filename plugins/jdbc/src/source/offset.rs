//! Source partitions and offsets, as Confluent's connector stores them.

use super::deletes::Removal;
use super::times::Instant;
use crate::dialect::TableId;
use ferroconnect_plugin_sdk::abi::record::OffsetEntry;
use ferroconnect_plugin_sdk::{Error, OffsetMap, Result, Text, Value, ValueRef, offset_map};
use std::ops::RangeInclusive;

const TABLE: &str = "table";
const PROTOCOL: &str = "protocol";
const QUERY: &str = "query";
const INCREMENTING: &str = "incrementing";
const TIMESTAMP: &str = "timestamp";
const NANOS: &str = "timestamp_nanos";
/// Numbers below [`INCREMENTING`] that are waited for. Confluent's connector does not know it and leaves it alone.
const GAPS: &str = "gaps";

/// The last record of a deletion. Confluent's connector leaves it alone, too.
const REMOVAL: &str = "deletes";

/// How far a table or query has been read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Offset {
    /// The incrementing column of the last row.
    pub(super) incrementing: Option<i64>,
    /// The time of the last row.
    pub(super) timestamp: Option<Instant>,
}

/// The partition of a table that is read by its columns.
// Entries stand in the order in which Java's maps give them: partitions are looked up by their bytes.
pub(super) fn table_partition(table: &TableId) -> OffsetMap {
    offset_map([(PROTOCOL, "1".into()), (TABLE, table.unquoted().into())])
}

/// The partition of a table as older versions knew it and as it is in bulk mode: by its bare name.
pub(super) fn bare_partition(table: &TableId) -> OffsetMap {
    offset_map([(TABLE, table.name.as_str().into())])
}

/// The partition of a query.
pub(super) fn query_partition() -> OffsetMap {
    offset_map([(QUERY, QUERY.into())])
}

impl Offset {
    /// As it is stored. Empty where nothing is known: that too is a position, the beginning.
    pub(super) fn to_map(self) -> OffsetMap {
        let integer = |number: i64| Value::int64(number);
        match (self.incrementing, self.timestamp) {
            (None, None) => offset_map([]),
            (Some(number), None) => offset_map([(INCREMENTING, integer(number))]),
            (None, Some(time)) => offset_map([(NANOS, integer(time.subsecond())), (TIMESTAMP, integer(time.millis()))]),
            (Some(number), Some(time)) => offset_map([
                (NANOS, integer(time.subsecond())),
                (INCREMENTING, integer(number)),
                (TIMESTAMP, integer(time.millis())),
            ]),
        }
    }

    /// Reads a stored offset. Entries that mean nothing here are left alone.
    pub(super) fn from_map(map: &OffsetMap) -> Result<Offset> {
        let millis = number(map, TIMESTAMP)?;
        let nanos = number(map, NANOS)?;
        let timestamp = match (millis, nanos) {
            (None, _) => None,
            (Some(millis), None) => Some(Instant::from_millis(millis)),
            (Some(millis), Some(nanos)) if (0..1_000_000_000).contains(&nanos) => {
                let seconds = i128::from(millis.div_euclid(1000));
                Some(Instant::from_nanos(seconds * 1_000_000_000 + i128::from(nanos)))
            }
            (Some(_), Some(nanos)) => return Err(wrong(NANOS, &nanos.to_string(), "0 to 999999999")),
        };
        Ok(Offset { incrementing: number(map, INCREMENTING)?, timestamp })
    }
}

/// A number, and numbers below it that are waited for, as [`gaps_text`] writes them.
pub(super) fn with_gaps(number: i64, gaps: Text) -> OffsetMap {
    offset_map([(GAPS, Value::string(gaps)), (INCREMENTING, Value::int64(number))])
}

/// Ranges as an offset has them: `..4,7,9..12`, both ends being part of a range. One from [`i64::MIN`] on has no first end.
pub(super) fn gaps_text<'a>(ranges: impl Iterator<Item = &'a RangeInclusive<i64>>) -> String {
    let text = |range: &RangeInclusive<i64>| match (*range.start(), *range.end()) {
        (i64::MIN, last) => format!("..{last}"),
        (first, last) if first == last => first.to_string(),
        (first, last) => format!("{first}..{last}"),
    };
    ranges.map(text).collect::<Vec<_>>().join(",")
}

/// The numbers that a stored offset says are waited for.
pub(super) fn gaps(map: &OffsetMap) -> Result<Vec<RangeInclusive<i64>>> {
    let Some(value) = entry(map, GAPS) else { return Ok(Vec::new()) };
    let form = "numbers and ranges as in \"..4,7,9..12\", ascending and below 'incrementing'";
    let refused = || wrong(GAPS, &format!("{value:?}"), form);
    let ValueRef::String(text) = value.view() else { return Err(refused()) };
    let ranges = text.as_str().split(',').map(|part| range(part.trim())).collect::<Option<Vec<_>>>();
    let ranges = ranges.ok_or_else(refused)?;
    let below = number(map, INCREMENTING)?.ok_or_else(refused)?;
    let bounds = ranges.iter().skip(1).map(|range| *range.start()).chain([below]);
    if ranges.iter().zip(bounds).all(|(range, bound)| range.start() <= range.end() && *range.end() < bound) {
        Ok(ranges)
    } else {
        Err(refused())
    }
}

/// An offset that also names the last record of a deletion, as [`removal_text`] writes it.
pub(super) fn with_removal(offset: OffsetMap, removal: Text) -> OffsetMap {
    let mut entries = Vec::from(offset);
    entries.push(OffsetEntry { key: Text::from_static(REMOVAL), value: Value::string(removal) });
    entries.into()
}

/// A record of a deletion as an offset names it: `run:number`.
pub(super) fn removal_text(removal: Removal) -> String {
    format!("{}:{}", removal.run, removal.number)
}

/// The last record of a deletion that a stored offset names.
pub(super) fn removal(map: &OffsetMap) -> Result<Option<Removal>> {
    let Some(value) = entry(map, REMOVAL) else { return Ok(None) };
    let refused = || wrong(REMOVAL, &format!("{value:?}"), "two whole numbers as in \"1700000000000000:7\"");
    let ValueRef::String(text) = value.view() else { return Err(refused()) };
    let parts = text.as_str().split_once(':').and_then(|(run, number)| Some((run.parse().ok()?, number.parse().ok()?)));
    let (run, number) = parts.ok_or_else(refused)?;
    Ok(Some(Removal { run, number }))
}

fn range(text: &str) -> Option<RangeInclusive<i64>> {
    let (first, last) = text.split_once("..").unwrap_or((text, text));
    let first = if first.is_empty() { i64::MIN } else { first.parse().ok()? };
    Some(first..=last.parse().ok()?)
}

fn entry<'a>(map: &'a OffsetMap, key: &str) -> Option<&'a Value> {
    map.iter().find(|entry| entry.key.as_str() == key && !entry.value.is_null()).map(|entry| &entry.value)
}

fn number(map: &OffsetMap, key: &str) -> Result<Option<i64>> {
    let number = |value: &Value| value.as_integer().ok_or_else(|| wrong(key, &format!("{value:?}"), "a whole number"));
    entry(map, key).map(number).transpose()
}

fn wrong(key: &str, value: &str, right: &str) -> Error {
    Error::config(format!("The offset has {value} for '{key}'; it must be {right}"))
}

/// What kind of partition the user names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PartitionKind {
    /// A table.
    Table,
    /// The query.
    Query,
}

/// Checks a partition that the user wants to alter.
pub(super) fn check_partition(map: &OffsetMap) -> Result<PartitionKind> {
    let text = |key: &str| {
        map.iter().find(|entry| entry.key.as_str() == key).map(|entry| match entry.value.view() {
            ValueRef::String(text) => Ok(text.as_str().to_owned()),
            _ => Err(Error::config(format!("'{key}' of a partition must be text"))),
        })
    };
    let known = [TABLE, PROTOCOL, QUERY];
    if let Some(entry) = map.iter().find(|entry| !known.contains(&entry.key.as_str())) {
        let form = "{\"table\": …, \"protocol\": \"1\"} or {\"query\": \"query\"}";
        return Err(Error::config(format!("'{}' is no key of a partition; they have the form {form}", entry.key)));
    }
    match (text(TABLE).transpose()?, text(PROTOCOL).transpose()?, text(QUERY).transpose()?) {
        (Some(_), None, None) => Ok(PartitionKind::Table),
        (Some(_), Some(protocol), None) if protocol == "1" => Ok(PartitionKind::Table),
        (Some(_), Some(protocol), None) => Err(Error::config(format!("'{PROTOCOL}' must be \"1\", not {protocol:?}"))),
        (None, None, Some(query)) if query == QUERY => Ok(PartitionKind::Query),
        _ => Err(Error::config("A partition has either 'table' and 'protocol', or 'query' with the value \"query\"")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_come_back_as_they_were_stored() {
        let time = |nanos| Some(Instant::from_nanos(nanos));
        for offset in [
            Offset::default(),
            Offset { incrementing: Some(-5), timestamp: None },
            Offset { incrementing: None, timestamp: time(1_700_000_000_123_456_789) },
            Offset { incrementing: Some(i64::MAX), timestamp: time(-1) },
            Offset { incrementing: None, timestamp: time(253_402_300_799_999_999_999) },
        ] {
            assert_eq!(Offset::from_map(&offset.to_map()).unwrap(), offset);
        }
        let stored = Offset { incrementing: Some(7), timestamp: time(1_700_000_000_123_456_789) }.to_map();
        let stored: Vec<_> = stored.iter().map(|entry| (entry.key.as_str(), entry.value.as_integer())).collect();
        assert_eq!(stored, [(NANOS, Some(123_456_789)), (INCREMENTING, Some(7)), (TIMESTAMP, Some(1_700_000_000_123))]);
    }

    #[test]
    fn old_offsets_have_milliseconds_only() {
        let old = offset_map([(TIMESTAMP, Value::int64(1_500)), (INCREMENTING, Value::NULL)]);
        let read = Offset::from_map(&old).unwrap();
        assert_eq!(read, Offset { incrementing: None, timestamp: Some(Instant::from_millis(1_500)) });
    }

    #[test]
    fn gaps_come_back_as_they_were_stored() {
        let ranges = [i64::MIN..=-12, -7..=-7, -5..=-3, 4..=4];
        let text = gaps_text(ranges.iter());
        assert_eq!(text, "..-12,-7,-5..-3,4");
        let stored = with_gaps(5, text.into());
        assert_eq!(gaps(&stored).unwrap(), ranges);
        assert_eq!(Offset::from_map(&stored).unwrap(), Offset { incrementing: Some(5), timestamp: None });
        assert_eq!(gaps(&offset_map([(INCREMENTING, Value::int64(5))])).unwrap(), []);
        for wrong in ["", "x", "1,", "3,2", "2,2", "3..2", "1..", "5", "1..2..3", "4..5"] {
            let error = gaps(&with_gaps(5, wrong.into())).unwrap_err();
            assert!(error.message().contains("for 'gaps'; it must be numbers and ranges"), "{wrong}: {error}");
        }
        assert!(gaps(&offset_map([(GAPS, "1".into())])).is_err(), "below what?");
        assert!(gaps(&offset_map([(GAPS, Value::int64(1)), (INCREMENTING, Value::int64(5))])).is_err());
    }

    #[test]
    fn wrong_offsets_and_partitions_name_the_entry() {
        for (map, part) in [
            (offset_map([(INCREMENTING, "x".into())]), "'incrementing'; it must be a whole number"),
            (offset_map([(TIMESTAMP, Value::int64(1)), (NANOS, Value::int64(-1))]), "'timestamp_nanos'"),
        ] {
            let error = Offset::from_map(&map).unwrap_err();
            assert!(error.message().contains(part), "{error}");
        }
        let table = TableId::bare("t");
        assert_eq!(check_partition(&table_partition(&table)).unwrap(), PartitionKind::Table);
        assert_eq!(check_partition(&bare_partition(&table)).unwrap(), PartitionKind::Table);
        assert_eq!(check_partition(&query_partition()).unwrap(), PartitionKind::Query);
        for (map, part) in [
            (offset_map([("file", "x".into())]), "'file' is no key"),
            (offset_map([(TABLE, Value::int64(1))]), "'table' of a partition must be text"),
            (offset_map([(TABLE, "t".into()), (PROTOCOL, "2".into())]), "must be \"1\""),
            (offset_map([(QUERY, "x".into())]), "either"),
            (offset_map([]), "either"),
        ] {
            let error = check_partition(&map).unwrap_err();
            assert!(error.message().contains(part), "{error}");
        }
    }
}
