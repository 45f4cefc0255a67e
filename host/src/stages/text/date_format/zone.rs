//! Time zones that are known by English names.
//!
//! The names come from Unicode CLDR (Unicode License v3) and the IANA time zone database, in the order in which Java
//! searches them; `zones.txt` leaves out zones all of whose names stand further up.

use std::sync::{LazyLock, OnceLock};

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone, TimeZoneDatabase, TimeZoneTransition};

use super::names;

/// The zones, one a line: the name in the time zone database (or hours from UTC, which it does not know), the long and
/// the short standard name, the long and the short daylight name, minutes from UTC, minutes of daylight saving today, and
/// where Java does not know the last change of the rules, seconds since 1970 before it.
static TABLE: LazyLock<Vec<Entry>> = LazyLock::new(|| include_str!("zones.txt").lines().map(Entry::parse).collect());

/// The rules, built into the program: Java brings its own as well, and a small machine may have none.
static RULES: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);

static UTC: Entry = Entry {
    id: "UTC",
    standard: ["Coordinated Universal Time", "UTC"],
    daylight: ["Coordinated Universal Time", "UTC"],
    offset: 0,
    saving: 0,
    end: i64::MAX,
    rules: OnceLock::new(),
};

const MILLIS_PER_MINUTE: i64 = 60_000;
const MILLIS_PER_HOUR: i64 = 60 * MILLIS_PER_MINUTE;

/// 1900-01-01: before it Java uses the offset of today.
const FIRST_KNOWN: i64 = -2_208_988_800_000;

/// 400 years, after which weekdays repeat.
const CYCLE: i64 = 146_097 * 86_400_000;

/// Rules are looked up before this instant, about the year 8000, and those of later years 400 years earlier.
const LAST_LOOKED_UP: i64 = 15 * CYCLE;

#[derive(Debug)]
struct Entry {
    id: &'static str,
    /// Long and short.
    standard: [&'static str; 2],
    /// Long and short.
    daylight: [&'static str; 2],
    /// Milliseconds from UTC today, without daylight saving.
    offset: i64,
    /// Milliseconds of daylight saving today.
    saving: i64,
    /// Milliseconds since 1970, from which on nothing changes.
    end: i64,
    rules: OnceLock<Option<TimeZone>>,
}

impl Entry {
    fn parse(line: &'static str) -> Entry {
        let mut parts = line.split('|');
        let mut next = || parts.next().expect("every line of the table has seven parts");
        let id = next();
        let (standard, daylight) = ([next(), next()], [next(), next()]);
        let number = |text: &str| text.parse::<i64>().expect("the last parts are numbers");
        let (offset, saving) = (number(next()) * MILLIS_PER_MINUTE, number(next()) * MILLIS_PER_MINUTE);
        let end = parts.next().map_or(i64::MAX, |seconds| number(seconds) * 1000);
        Entry { id, standard, daylight, offset, saving, end, rules: OnceLock::new() }
    }

    /// The time at which the rules are the same as at this one.
    fn looked_up(&self, millis: i64) -> i64 {
        let millis = millis.min(self.end);
        if millis < LAST_LOOKED_UP { millis } else { LAST_LOOKED_UP - CYCLE + (millis - LAST_LOOKED_UP) % CYCLE }
    }

    /// None for a fixed offset.
    fn rules(&self) -> Option<&TimeZone> {
        self.rules.get_or_init(|| RULES.get(self.id).ok()).as_ref()
    }

    fn today(&self) -> Offset {
        Offset { standard: self.offset, daylight: 0 }
    }
}

/// A time zone with names.
#[derive(Debug, Clone, Copy)]
pub struct Zone(&'static Entry);

impl PartialEq for Zone {
    fn eq(&self, other: &Zone) -> bool {
        self.0.id == other.0.id
    }
}

/// Milliseconds from UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Offset {
    /// Without daylight saving.
    pub standard: i64,
    /// Of daylight saving.
    pub daylight: i64,
}

impl Offset {
    pub(super) fn total(self) -> i64 {
        self.standard + self.daylight
    }

    pub(super) fn is_daylight(self) -> bool {
        self.daylight != 0
    }
}

/// A zone whose name a text begins with.
pub(super) struct Found {
    pub zone: Zone,
    /// The bytes that the name takes.
    pub length: usize,
    /// Milliseconds of daylight saving that the name stands for; none if it leaves that open.
    pub daylight: Option<i64>,
}

impl Zone {
    /// Coordinated universal time.
    pub const UTC: Zone = Zone(&UTC);

    /// The name to print.
    pub(super) fn name(self, daylight: bool, long: bool) -> &'static str {
        let names = if daylight { self.0.daylight } else { self.0.standard };
        names[usize::from(!long)]
    }

    /// The zone whose name the text begins with: this one, UTC, or the first in the table.
    pub(super) fn find(self, text: &str) -> Option<Found> {
        let table = TABLE.iter().map(Zone);
        [self, Zone::UTC].into_iter().chain(table).find_map(|zone| zone.matches(text))
    }

    fn matches(self, text: &str) -> Option<Found> {
        let Entry { standard, daylight, saving, .. } = *self.0;
        for (name, other) in standard.iter().zip(daylight) {
            if let Some(length) = names::prefix(text, name) {
                // A name that serves for both leaves it to the zone which one is meant.
                let open = name.eq_ignore_ascii_case(other);
                return Some(Found { zone: self, length, daylight: (!open).then_some(0) });
            }
        }
        let length = daylight.iter().find_map(|name| names::prefix(text, name))?;
        Some(Found { zone: self, length, daylight: (saving != 0).then_some(saving) })
    }

    /// The offset at an instant, in milliseconds since 1970.
    pub(super) fn offset_at(self, millis: i64) -> Offset {
        if self == Zone::UTC || millis < FIRST_KNOWN {
            return self.0.today();
        }
        let Some(rules) = self.0.rules() else { return self.0.today() };
        match Timestamp::from_millisecond(self.0.looked_up(millis)) {
            Ok(instant) => split(rules, instant),
            Err(_) => self.0.today(),
        }
    }

    /// The offset at a local time, in milliseconds since 1970. A time that is skipped counts by the offset before,
    /// one that comes twice by the offset after.
    pub(super) fn offset_at_local(self, local: i64) -> Offset {
        if self == Zone::UTC || local < FIRST_KNOWN {
            return self.0.today();
        }
        let Some(rules) = self.0.rules() else { return self.0.today() };
        let Some(civil) = civil(self.0.looked_up(local)) else { return self.0.today() };
        let ambiguous = rules.to_ambiguous_timestamp(civil);
        let offset = match ambiguous.offset() {
            AmbiguousOffset::Unambiguous { offset } => offset,
            AmbiguousOffset::Gap { before, .. } => before,
            AmbiguousOffset::Fold { after, .. } => after,
        };
        // The instant before a gap is asked for just before it.
        let at = if matches!(ambiguous.offset(), AmbiguousOffset::Gap { .. }) {
            rules
                .preceding(offset.to_timestamp(civil).unwrap_or(Timestamp::MAX))
                .next()
                .map(|gap| Timestamp::from_millisecond(gap.timestamp().as_millisecond() - 1).unwrap_or(Timestamp::MIN))
        } else {
            offset.to_timestamp(civil).ok()
        };
        at.map_or(self.0.today(), |instant| split(rules, instant))
    }
}

fn civil(local: i64) -> Option<DateTime> {
    let utc = Timestamp::from_millisecond(local).ok()?;
    Some(jiff::tz::Offset::UTC.to_datetime(utc))
}

fn in_millis(offset: jiff::tz::Offset) -> i64 {
    i64::from(offset.seconds()) * 1000
}

/// The offset at an instant, told apart into standard time and daylight saving, which the database does not: it says
/// of a time no more than whether it is daylight saving time.
fn split(rules: &TimeZone, instant: Timestamp) -> Offset {
    let now = rules.to_offset_info(instant);
    let total = in_millis(now.offset());
    if !now.dst().is_dst() {
        return Offset { standard: total, daylight: 0 };
    }
    let is_standard = |change: &TimeZoneTransition<'_>| !change.dst().is_dst();
    let (before, after) = (rules.preceding(instant).find(is_standard), rules.following(instant).find(is_standard));
    let nearest = [before, after].into_iter().flatten();
    let daylight = saving(nearest.map(|change| total - in_millis(change.offset())));
    Offset { standard: total - daylight, daylight }
}

/// What is saved, of what it would be against the standard times before and after: one hour, or else the least.
fn saving(possible: impl Iterator<Item = i64> + Clone) -> i64 {
    let is_usual = possible.clone().any(|saving| saving == MILLIS_PER_HOUR);
    let least = possible.filter(|saving| (1..=2 * MILLIS_PER_HOUR).contains(saving)).min();
    least.filter(|_| !is_usual).unwrap_or(MILLIS_PER_HOUR)
}

/// How many zones are known.
#[cfg(test)]
pub(super) fn count() -> usize {
    TABLE.len()
}

/// One of the zones.
#[cfg(test)]
pub(super) fn nth(n: usize) -> Zone {
    Zone(&TABLE[n])
}

#[cfg(test)]
pub(super) fn by_id(id: &str) -> Zone {
    Zone(TABLE.iter().find(|entry| entry.id == id).expect(id))
}
