//! Time zones that are known by English names.
//!
//! The names come from Unicode CLDR (Unicode License v3) and the IANA time zone database, in the order in which Java
//! searches them; `zones.txt` leaves out zones all of whose names stand further up.

use std::sync::{LazyLock, OnceLock};

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone};

use super::names;

/// The zones, one a line: the name in the time zone database (or hours from UTC, which it does not know), the long and the short standard
/// name, the long and the short daylight name, minutes from UTC, minutes of daylight saving today.
static TABLE: LazyLock<Vec<Entry>> = LazyLock::new(|| include_str!("zones.txt").lines().map(Entry::parse).collect());

static UTC: Entry = Entry {
    id: "UTC",
    standard: ["Coordinated Universal Time", "UTC"],
    daylight: ["Coordinated Universal Time", "UTC"],
    offset: 0,
    saving: 0,
    rules: OnceLock::new(),
};

const MILLIS_PER_MINUTE: i64 = 60_000;

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
    rules: OnceLock<Option<TimeZone>>,
}

impl Entry {
    fn parse(line: &'static str) -> Entry {
        let mut parts = line.split('|');
        let mut next = || parts.next().expect("every line of the table has seven parts");
        let id = next();
        let (standard, daylight) = ([next(), next()], [next(), next()]);
        let mut minutes = || next().parse::<i64>().expect("the last parts are numbers") * MILLIS_PER_MINUTE;
        Entry { id, standard, daylight, offset: minutes(), saving: minutes(), rules: OnceLock::new() }
    }

    /// None for a fixed offset, or where the time zone database of this machine does not know the zone.
    fn rules(&self) -> Option<&TimeZone> {
        self.rules.get_or_init(|| TimeZone::get(self.id).ok()).as_ref()
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
        match Timestamp::from_millisecond(looked_up(millis)) {
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
        let Some(civil) = civil(looked_up(local)) else { return self.0.today() };
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

fn looked_up(millis: i64) -> i64 {
    if millis < LAST_LOOKED_UP { millis } else { LAST_LOOKED_UP - CYCLE + (millis - LAST_LOOKED_UP) % CYCLE }
}

fn in_millis(offset: jiff::tz::Offset) -> i64 {
    i64::from(offset.seconds()) * 1000
}

/// The offset at an instant, told apart into standard time and daylight saving. Where the database calls the winter
/// of a zone its daylight saving time, with a saving below zero (Ireland), Java has it the other way round.
fn split(rules: &TimeZone, instant: Timestamp) -> Offset {
    let now = rules.to_offset_info(instant);
    let total = in_millis(now.offset());
    let is_daylight = now.dst().is_dst();
    let earlier = rules.preceding(instant).skip(1).take(4);
    let later = rules.following(instant).take(4);
    let nearest = earlier.chain(later).find(|period| period.dst().is_dst() != is_daylight);
    let Some(nearest) = nearest.map(|period| in_millis(period.offset())) else {
        return Offset { standard: total, daylight: 0 };
    };
    let saving = total - nearest;
    let far_apart = saving.abs() > 2 * 60 * MILLIS_PER_MINUTE;
    let has_saving = saving > 0 && !far_apart && (is_daylight || is_winter_saving(rules, instant));
    if has_saving { Offset { standard: nearest, daylight: saving } } else { Offset { standard: total, daylight: 0 } }
}

/// Whether the periods before and after are daylight saving times with an earlier clock. A single one of them may be
/// the summer of other rules that counted at the time.
fn is_winter_saving(rules: &TimeZone, instant: Timestamp) -> bool {
    let here = in_millis(rules.to_offset(instant));
    let next = rules.following(instant).next();
    let last = rules.preceding(instant).nth(1);
    [next, last].into_iter().all(|period| period.is_some_and(|p| p.dst().is_dst() && in_millis(p.offset()) < here))
}
