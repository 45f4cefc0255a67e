//! Which offsets a sink task must not commit yet, because a report about one of their records has not arrived.
//!
//! Invariant I2 (`ARCHITECTURE.md`) rests on this: a record that was given up counts as handled only once its dead
//! letter is confirmed. Shared by the task's thread and the plugin's threads that report records (KIP-610).

use std::collections::{BTreeMap, HashMap, HashSet};

use parking_lot::Mutex;

use crate::error::ConnectError;
use crate::pipeline::Ticket;
use crate::plugins::api::ReportState;
use crate::worker::sink_offsets::Partition;

/// Where a reported record was read.
pub(crate) type Origin = (Partition, i64);

/// Whose record a report under way is about.
enum Subject {
    /// One of ours, whose offset is held.
    Held(Origin),
    /// One that the plugin made up.
    MadeUp,
    /// One of a partition that went away: somebody else reads it again.
    Gone,
}

#[derive(Default)]
struct State {
    last_ticket: u64,
    under_way: HashMap<Ticket, Subject>,
    /// Reports that will not arrive.
    failed: HashSet<Ticket>,
    /// Offsets that hold back commits, with the number of reasons for each.
    held: BTreeMap<Partition, BTreeMap<i64, usize>>,
    failure: Option<ConnectError>,
}

/// What holds back the commits of one task. Any thread may call; nothing blocks.
#[derive(Default)]
pub(crate) struct Holds(Mutex<State>);

impl Holds {
    /// A report of the record from `origin` is under way; its offset is held until it has arrived.
    pub(crate) fn begin(&self, origin: Option<Origin>) -> Ticket {
        let mut state = self.0.lock();
        let ticket = state.next_ticket();
        if let Some(origin) = &origin {
            state.hold(origin);
        }
        state.under_way.insert(ticket, origin.map_or(Subject::MadeUp, Subject::Held));
        ticket
    }

    /// A report that needs no waiting.
    pub(crate) fn arrived_at_once(&self) -> Ticket {
        self.0.lock().next_ticket()
    }

    /// The report has arrived.
    pub(crate) fn arrived(&self, ticket: Ticket) {
        let mut state = self.0.lock();
        if let Some(Subject::Held(origin)) = state.under_way.remove(&ticket) {
            state.release(&origin);
        }
    }

    /// The report will not arrive: the offset stays held, and the task must fail with `error`, unless the record is
    /// somebody else's by now, who will read it again. Without an error the task is about to end anyway.
    pub(crate) fn lost(&self, ticket: Ticket, error: Option<ConnectError>) {
        let mut state = self.0.lock();
        let Some(subject) = state.under_way.remove(&ticket) else { return };
        state.failed.insert(ticket);
        match (subject, error) {
            (Subject::Gone, _) | (_, None) => {}
            (Subject::Held(_) | Subject::MadeUp, Some(error)) => state.fail(error),
        }
    }

    /// The task must fail with `error`, and the record from `origin` was not handled.
    pub(crate) fn fail(&self, origin: Option<&Origin>, error: ConnectError) {
        let mut state = self.0.lock();
        if let Some(origin) = origin {
            state.hold(origin);
        }
        state.fail(error);
    }

    /// Why the task must fail.
    pub(crate) fn failure(&self) -> Option<ConnectError> {
        self.0.lock().failure.clone()
    }

    /// The first offset of a partition that must not be passed by a commit.
    pub(crate) fn first(&self, partition: &Partition) -> Option<i64> {
        let state = self.0.lock();
        state.held.get(partition)?.first_key_value().map(|(offset, _)| *offset)
    }

    /// Whether reports are under way.
    pub(crate) fn any_under_way(&self) -> bool {
        !self.0.lock().under_way.is_empty()
    }

    /// How far a report is. A ticket that was never given out has failed.
    pub(crate) fn state(&self, ticket: Ticket) -> ReportState {
        let state = self.0.lock();
        if ticket.0 == 0 || ticket.0 > state.last_ticket || state.failed.contains(&ticket) {
            ReportState::FAILED
        } else if state.under_way.contains_key(&ticket) {
            ReportState::PENDING
        } else {
            ReportState::DONE
        }
    }

    /// Partitions went away: whoever has them now reads again what is held, so nothing of it is ours to hold.
    pub(crate) fn forget(&self, partitions: &[Partition]) {
        let mut state = self.0.lock();
        for partition in partitions {
            state.held.remove(partition);
        }
        for subject in state.under_way.values_mut() {
            if matches!(subject, Subject::Held((partition, _)) if partitions.contains(partition)) {
                *subject = Subject::Gone;
            }
        }
    }
}

impl State {
    fn next_ticket(&mut self) -> Ticket {
        self.last_ticket += 1;
        Ticket(self.last_ticket)
    }

    /// The first failure is the one to tell.
    fn fail(&mut self, error: ConnectError) {
        self.failure.get_or_insert(error);
    }

    fn hold(&mut self, (partition, offset): &Origin) {
        *self.held.entry(partition.clone()).or_default().entry(*offset).or_default() += 1;
    }

    fn release(&mut self, (partition, offset): &Origin) {
        let Some(offsets) = self.held.get_mut(partition) else { return };
        if let Some(reasons) = offsets.get_mut(offset) {
            *reasons -= 1;
            if *reasons == 0 {
                offsets.remove(offset);
            }
        }
        if offsets.is_empty() {
            self.held.remove(partition);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    fn partition(number: i32) -> Partition {
        (Arc::from("t"), number)
    }

    #[test]
    fn the_first_report_under_way_holds_its_partition_alone() {
        let holds = Holds::default();
        let late = holds.begin(Some((partition(0), 7)));
        let early = holds.begin(Some((partition(0), 5)));
        assert_eq!((holds.first(&partition(0)), holds.first(&partition(1))), (Some(5), None));
        holds.arrived(early);
        assert_eq!(holds.first(&partition(0)), Some(7));
        assert_eq!((holds.state(early), holds.state(late)), (ReportState::DONE, ReportState::PENDING));
        holds.arrived(late);
        assert_eq!(holds.first(&partition(0)), None);
        assert!(!holds.any_under_way());
    }

    #[test]
    fn a_record_reported_twice_is_held_until_both_reports_arrive() {
        let holds = Holds::default();
        let (one, two) = (holds.begin(Some((partition(0), 5))), holds.begin(Some((partition(0), 5))));
        holds.arrived(one);
        assert_eq!(holds.first(&partition(0)), Some(5));
        holds.arrived(two);
        assert_eq!(holds.first(&partition(0)), None);
    }

    #[test]
    fn a_lost_report_holds_for_ever_and_fails_the_task() {
        let holds = Holds::default();
        let ticket = holds.begin(Some((partition(0), 5)));
        holds.lost(ticket, Some(ConnectError::connect("gone")));
        holds.arrived(ticket);
        assert_eq!((holds.first(&partition(0)), holds.state(ticket)), (Some(5), ReportState::FAILED));
        assert_eq!(holds.failure().unwrap().message(), "gone");
        assert_eq!(holds.state(Ticket(9)), ReportState::FAILED);
    }

    #[test]
    fn partitions_that_went_away_hold_nothing() {
        let holds = Holds::default();
        let ticket = holds.begin(Some((partition(0), 5)));
        let lost = holds.begin(Some((partition(0), 6)));
        holds.forget(&[partition(0)]);
        holds.lost(lost, Some(ConnectError::connect("gone")));
        assert!(holds.first(&partition(0)).is_none() && holds.failure().is_none());
        // The partition comes back before the old report arrives, and its record is reported again.
        let again = holds.begin(Some((partition(0), 5)));
        holds.arrived(ticket);
        assert_eq!(holds.first(&partition(0)), Some(5));
        holds.arrived(again);
        assert_eq!(holds.first(&partition(0)), None);
    }
}
