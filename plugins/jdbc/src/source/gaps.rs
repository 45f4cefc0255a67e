//! Numbers that were passed over, whose rows may yet be committed.

use super::offset::{self, Offset};
use ferroconnect_plugin_sdk::{OffsetMap, Result, Text};
use std::collections::VecDeque;
use std::ops::RangeInclusive;
use std::time::{Duration, Instant};

/// How many ranges are waited for. Looking for them must not become the main work.
pub(super) const MOST: usize = 10_000;
/// How many of them an offset names: each record bears one.
const MOST_STORED: usize = 100;

/// A range of numbers that no row had.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Gap {
    /// The first is [`i64::MIN`] where nothing is known of what lies before.
    numbers: RangeInclusive<i64>,
    /// When it was seen that they are missing.
    since: Instant,
}

/// The numbers below the last one read that no row had.
///
/// A number is taken when a row is inserted, but its row is seen when the transaction commits. So each of these belongs to
/// a transaction that has not ended, or to one that was rolled back, or to none; only time tells.
#[derive(Debug)]
pub(super) struct Gaps {
    patience: Duration,
    /// Ascending; they do not overlap.
    open: VecDeque<Gap>,
    /// How an offset names them; none where they have changed.
    text: Option<Text>,
    /// Up to which number ranges were given up for want of room.
    given_up: Option<i64>,
}

impl Gaps {
    /// None yet. Each will be waited for as long as `patience`, which has to be longer than any transaction.
    pub(super) fn new(patience: Duration) -> Gaps {
        Gaps { patience, open: VecDeque::new(), text: None, given_up: None }
    }

    /// Those of a stored offset. How long they had been missing is not stored: the wait begins anew.
    pub(super) fn stored(patience: Duration, map: &OffsetMap) -> Result<Gaps> {
        let since = Instant::now();
        let open = offset::gaps(map)?.into_iter().map(|numbers| Gap { numbers, since }).collect();
        Ok(Gaps { open, ..Gaps::new(patience) })
    }

    /// How many ranges are open.
    pub(super) fn count(&self) -> usize {
        self.open.len()
    }

    /// The ranges that are open.
    pub(super) fn ranges(&self) -> Vec<RangeInclusive<i64>> {
        self.open.iter().map(|gap| gap.numbers.clone()).collect()
    }

    /// A row has come whose number is above `last`, the highest before. Without one nothing is known of lower numbers.
    pub(super) fn pass(&mut self, last: Option<i64>, number: i64, now: Instant) {
        let first = last.map_or(i64::MIN, |last| last.saturating_add(1));
        if first >= number {
            return;
        }
        self.text = None;
        self.open.push_back(Gap { numbers: first..=number - 1, since: now });
        if self.open.len() > MOST
            && let Some(lowest) = self.open.pop_front()
        {
            self.given_up = Some(*lowest.numbers.end());
        }
    }

    /// A row of a lower number has come.
    pub(super) fn fill(&mut self, number: i64) {
        let place = self.open.partition_point(|gap| *gap.numbers.end() < number);
        let Some(gap) = self.open.get(place).filter(|gap| gap.numbers.contains(&number)).cloned() else { return };
        self.text = None;
        self.open.remove(place);
        let (first, last) = gap.numbers.into_inner();
        // What is left behind it and before it; neither sum is made where it could leave the range.
        if number < last {
            self.open.insert(place, Gap { numbers: number + 1..=last, since: gap.since });
        }
        if first < number {
            self.open.insert(place, Gap { numbers: first..=number - 1, since: gap.since });
        }
    }

    /// Forgets those that had been missing for long enough at `looked_at`, when a look began that did not find them.
    pub(super) fn expire(&mut self, looked_at: Instant) {
        let before = self.open.len();
        let patience = self.patience;
        self.open.retain(|gap| looked_at.saturating_duration_since(gap.since) < patience);
        if self.open.len() != before {
            self.text = None;
        }
    }

    /// The number up to which ranges were given up before their time, since this was asked last.
    pub(super) fn take_given_up(&mut self) -> Option<i64> {
        self.given_up.take()
    }

    /// The position behind the rows so far, the highest of which is `last`. With more ranges than an offset can name it is
    /// a lower one: rows behind it are read again, but none is lost.
    pub(super) fn position(&mut self, last: i64) -> OffsetMap {
        let last = self.open.get(MOST_STORED).map_or(last, |next| next.numbers.start() - 1);
        if self.open.is_empty() {
            return Offset { incrementing: Some(last), timestamp: None }.to_map();
        }
        let open = &self.open;
        let text = || offset::gaps_text(open.iter().take(MOST_STORED).map(|gap| &gap.numbers)).into();
        offset::with_gaps(last, self.text.get_or_insert_with(text).clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    const PATIENCE: Duration = Duration::from_secs(60);

    /// Takes rows in this order, and says which position there is behind them.
    fn behind(rows: &[i64]) -> OffsetMap {
        let mut gaps = Gaps::new(PATIENCE);
        let mut last = None;
        for number in rows {
            take(&mut gaps, &mut last, *number);
        }
        gaps.position(last.expect("there are rows"))
    }

    fn take(gaps: &mut Gaps, last: &mut Option<i64>, number: i64) {
        match *last {
            Some(highest) if number <= highest => gaps.fill(number),
            highest => {
                gaps.pass(highest, number, Instant::now());
                *last = Some(number);
            }
        }
    }

    #[test]
    fn numbers_that_are_passed_over_are_missing_until_they_come() {
        let offset = |text: &'static str| offset::with_gaps(9, Text::from_static(text));
        assert_eq!(behind(&[2, 3, 9]), offset("..1,4..8"));
        assert_eq!(behind(&[2, 3, 9, 6]), offset("..1,4..5,7..8"));
        assert_eq!(behind(&[2, 3, 9, 6, 4, 8, 1, 1]), offset("..0,5,7"));
        assert_eq!(
            behind(&[i64::MIN, i64::MIN + 1]),
            Offset { incrementing: Some(i64::MIN + 1), timestamp: None }.to_map()
        );
        assert_eq!(
            behind(&[i64::MIN + 1, i64::MAX, i64::MIN]),
            offset::with_gaps(i64::MAX, format!("{}..{}", i64::MIN + 2, i64::MAX - 1).into())
        );
    }

    /// Whatever order rows come in, what is missing is what has not come.
    #[test]
    fn what_is_missing_is_what_has_not_come() {
        let mut random = 7u64;
        for _ in 0..200 {
            let (mut gaps, mut last, mut seen) = (Gaps::new(PATIENCE), None, BTreeSet::new());
            for _ in 0..40 {
                random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                let number = (random >> 33) as i64 % 50;
                take(&mut gaps, &mut last, number);
                seen.insert(number);
            }
            let ranges = gaps.ranges();
            assert!(ranges.windows(2).all(|pair| pair[0].end() < pair[1].start()), "{ranges:?}");
            let missing = |number| ranges.iter().any(|range| range.contains(&number));
            assert!(
                (-1..=last.unwrap()).all(|number| missing(number) != seen.contains(&number)),
                "{ranges:?}: {seen:?}"
            );
        }
    }

    #[test]
    fn they_are_forgotten_when_they_were_looked_for_late_enough() {
        let mut gaps = Gaps::new(PATIENCE);
        let start = Instant::now();
        gaps.pass(Some(0), 10, start);
        gaps.pass(Some(10), 12, start + PATIENCE / 2);
        gaps.fill(5);
        gaps.expire(start + PATIENCE - Duration::from_millis(1));
        assert_eq!(gaps.ranges(), [1..=4, 6..=9, 11..=11]);
        assert_eq!(gaps.position(12), offset::with_gaps(12, Text::from_static("1..4,6..9,11")));
        gaps.expire(start + PATIENCE);
        assert_eq!(gaps.ranges(), [11..=11]);
        assert_eq!(gaps.position(12), offset::with_gaps(12, Text::from_static("11")));
    }

    #[test]
    fn an_offset_with_many_begins_before_those_that_it_does_not_name() {
        let rows: Vec<i64> = (0..).step_by(2).take(MOST_STORED + 10).collect();
        let mut gaps = Gaps::new(PATIENCE);
        let mut last = Some(-1);
        rows.iter().for_each(|number| take(&mut gaps, &mut last, *number));
        let position = gaps.position(last.unwrap());
        let highest = 2 * MOST_STORED as i64;
        assert_eq!(Offset::from_map(&position).unwrap().incrementing, Some(highest));
        let stored = Gaps::stored(PATIENCE, &position).unwrap().ranges();
        assert_eq!(stored, (1..highest).step_by(2).map(|number| number..=number).collect::<Vec<_>>());
    }

    #[test]
    fn the_lowest_make_room_for_others() {
        let mut gaps = Gaps::new(PATIENCE);
        let mut last = Some(0);
        (1..=MOST as i64).for_each(|number| take(&mut gaps, &mut last, 2 * number));
        assert_eq!((gaps.count(), gaps.take_given_up()), (MOST, None));
        take(&mut gaps, &mut last, 2 * MOST as i64 + 2);
        assert_eq!((gaps.count(), gaps.take_given_up(), gaps.take_given_up()), (MOST, Some(1), None));
    }
}
