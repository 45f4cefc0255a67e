//! Which failed connectors and tasks are restarted by themselves, and when. Off unless a configuration asks for it.
//!
//! Only decisions are here: no clock is read, nothing is restarted. A failure is met with a restart after a wait that
//! doubles with each further one in a row, until there have been too many. What had been running for long enough before
//! it failed starts counting anew; so does what a person restarts or changes.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use crate::config::RestartPolicy;
use crate::error::{ConnectError, ErrorKind};
use crate::runtime::{Failure, Part};

use super::model::ConnectorReport;

/// The part of a wait that may be taken off at random, so that what failed together does not come back together.
const SPREAD: f64 = 0.2;

/// A moment on the clock that never jumps, and as people read it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment {
    pub instant: Instant,
    pub wall: Timestamp,
}

impl Moment {
    /// This very moment.
    pub(super) fn now() -> Self {
        Self { instant: Instant::now(), wall: Timestamp::now() }
    }

    fn after(self, wait: Duration) -> Option<Self> {
        Some(Self { instant: self.instant.checked_add(wait)?, wall: self.wall.checked_add(wait).ok()? })
    }
}

/// A restart that is to come.
#[derive(Debug, Clone, Copy)]
pub(super) struct Planned {
    /// Which restart in a row it is, from 1.
    pub attempt: u32,
    /// The most there may be; `None` = no limit.
    pub limit: Option<u32>,
    /// When.
    pub at: Moment,
}

impl std::fmt::Display for Planned {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let attempt = self.attempt;
        match self.limit {
            Some(limit) => write!(f, "automatic restart {attempt} of {limit}")?,
            None => write!(f, "automatic restart {attempt}")?,
        }
        write!(f, " at {:.0}", self.at.wall)
    }
}

/// What is done about a failure.
#[derive(Debug)]
pub(super) enum Verdict {
    /// It is restarted later.
    Restart(Planned),
    /// It stays failed, as the error will not go away by itself; for this reason.
    Hopeless(&'static str),
    /// It stays failed after so many restarts in a row.
    Exhausted(u32),
}

/// The restarts that were made and those to come.
#[derive(Debug, Default)]
pub(super) struct AutoRestarts {
    parts: HashMap<Part, Record>,
}

#[derive(Debug, Default)]
struct Record {
    /// Restarts in a row.
    made: u32,
    next: Option<Planned>,
}

impl AutoRestarts {
    /// Decides about a failure. `chance`, from 0 to 1, says how much of the spread is taken off the wait.
    pub(super) fn judge(&mut self, failure: &Failure, now: Moment, chance: f64) -> Verdict {
        if let Some(reason) = hopeless(&failure.error) {
            self.parts.remove(&failure.part);
            return Verdict::Hopeless(reason);
        }
        let policy = &failure.policy;
        let record = self.parts.entry(failure.part.clone()).or_default();
        record.next = None;
        if failure.ran_for >= policy.healthy_after {
            record.made = 0;
        }
        if policy.max_attempts.is_some_and(|limit| record.made >= limit) {
            return Verdict::Exhausted(record.made);
        }
        let wait = wait(policy, record.made).mul_f64(1.0 - SPREAD * chance);
        let attempt = record.made.saturating_add(1);
        // A time too far away for the clock of this machine is no time at all.
        let Some(at) = now.after(wait) else { return Verdict::Exhausted(record.made) };
        let planned = Planned { attempt, limit: policy.max_attempts, at };
        record.next = Some(planned);
        Verdict::Restart(planned)
    }

    /// When the next restart is due.
    pub(super) fn next(&self) -> Option<Instant> {
        self.parts.values().filter_map(|record| record.next).map(|planned| planned.at.instant).min()
    }

    /// What is due to be restarted; each is told once and counts as restarted.
    pub(super) fn take_due(&mut self, now: Instant) -> Vec<(Part, Planned)> {
        let mut due = Vec::new();
        for (part, record) in &mut self.parts {
            if let Some(planned) = record.next.take_if(|planned| planned.at.instant <= now) {
                record.made = planned.attempt;
                due.push((part.clone(), planned));
            }
        }
        due.sort_by(|(one, _), (other, _)| one.cmp(other));
        due
    }

    /// Forgets a connector and its tasks: what is planned is not done, and the next failure is the first.
    pub(super) fn forget(&mut self, connector: &str) {
        self.parts.retain(|part, _| part.connector() != connector);
    }

    /// As [`forget`](Self::forget), for one part.
    pub(super) fn forget_part(&mut self, part: &Part) {
        self.parts.remove(part);
    }

    /// The restart of a part that is to come.
    pub(super) fn planned(&self, part: &Part) -> Option<Planned> {
        self.parts.get(part)?.next
    }

    /// How many restarts are to come.
    pub(super) fn pending(&self) -> usize {
        self.parts.values().filter(|record| record.next.is_some()).count()
    }

    /// Says in the traces of a report which parts will be restarted, and when.
    pub(super) fn announce(&self, mut report: ConnectorReport) -> ConnectorReport {
        let connector = Part::Connector(report.name.as_str().into());
        self.announce_in(&connector, &mut report.connector.trace);
        for (id, status) in &mut report.tasks {
            self.announce_in(&Part::Task(id.clone()), &mut status.trace);
        }
        report
    }

    /// As [`announce`](Self::announce), for the trace of one part.
    pub(super) fn announce_in(&self, part: &Part, trace: &mut Option<String>) {
        if let (Some(trace), Some(planned)) = (trace, self.planned(part)) {
            let line_end = if trace.ends_with('\n') { "" } else { "\n" };
            trace.push_str(&format!("{line_end}Next {planned}\n"));
        }
    }
}

/// The wait after so many restarts in a row, before the spread is taken off.
fn wait(policy: &RestartPolicy, made: u32) -> Duration {
    let factor = 2_u32.checked_pow(made).unwrap_or(u32::MAX);
    policy.backoff.saturating_mul(factor).min(policy.backoff_max)
}

/// Why an error will come again however often its part is restarted; `None` = it may go away. An error inside another
/// counts as much as the outermost.
fn hopeless(error: &ConnectError) -> Option<&'static str> {
    error.chain().find_map(|error| match error.kind() {
        ErrorKind::Config | ErrorKind::BadRequest => Some("its configuration is wrong"),
        ErrorKind::Authorization => Some("it lacks rights"),
        ErrorKind::Panic => Some("code panicked, which is a bug"),
        ErrorKind::Data => Some("the same data would fail again"),
        ErrorKind::NotFound => Some("what it needs does not exist"),
        ErrorKind::Unsupported => Some("what it asks for is not offered"),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::{ConnectorState, ConnectorStatus, TaskId, TaskState, TaskStatus};
    use proptest::prelude::*;

    const SECOND: Duration = Duration::from_secs(1);
    const POLICY: RestartPolicy = RestartPolicy {
        backoff: SECOND,
        backoff_max: Duration::from_secs(10),
        max_attempts: Some(3),
        healthy_after: Duration::from_secs(60),
    };

    fn task(number: u32) -> Part {
        Part::Task(TaskId::new("c", number))
    }

    fn failure(part: Part, ran_for: Duration) -> Failure {
        Failure { part, error: ConnectError::connect("boom"), ran_for, policy: POLICY }
    }

    fn begin() -> Moment {
        Moment { instant: Instant::now(), wall: Timestamp::from_second(1_700_000_000).unwrap() }
    }

    /// Lets a task fail at once after each restart; answers the waits.
    fn waits(restarts: &mut AutoRestarts, mut now: Moment, ran_for: Duration, times: usize) -> Vec<Option<u64>> {
        let mut waits = Vec::new();
        for _ in 0..times {
            waits.push(match restarts.judge(&failure(task(0), ran_for), now, 0.0) {
                Verdict::Restart(planned) => {
                    let wait = planned.at.instant - now.instant;
                    now = planned.at;
                    assert_eq!(restarts.take_due(now.instant).len(), 1);
                    Some(wait.as_secs())
                }
                Verdict::Exhausted(3) => None,
                other => panic!("{other:?}"),
            });
        }
        waits
    }

    #[test]
    fn waits_double_until_there_were_too_many() {
        let mut restarts = AutoRestarts::default();
        assert_eq!(waits(&mut restarts, begin(), Duration::ZERO, 5), [Some(1), Some(2), Some(4), None, None]);
        assert_eq!(restarts.pending(), 0);
        // A person restarts it.
        restarts.forget_part(&task(0));
        assert_eq!(waits(&mut restarts, begin(), Duration::ZERO, 1), [Some(1)]);
    }

    #[test]
    fn what_was_healthy_begins_anew() {
        let mut restarts = AutoRestarts::default();
        let nearly = POLICY.healthy_after - Duration::from_millis(1);
        assert_eq!(waits(&mut restarts, begin(), nearly, 2), [Some(1), Some(2)]);
        assert_eq!(waits(&mut restarts, begin(), POLICY.healthy_after, 9), [Some(1); 9]);
    }

    #[test]
    fn each_part_has_a_clock_of_its_own() {
        let (mut restarts, now) = (AutoRestarts::default(), begin());
        let connector = Part::Connector("c".into());
        let other = Part::Connector("d".into());
        for part in [&connector, &task(0), &other] {
            restarts.judge(&failure(part.clone(), Duration::ZERO), now, 0.0);
        }
        restarts.judge(&failure(task(1), Duration::ZERO), now, 1.0);
        assert_eq!(restarts.next(), Some(now.instant + Duration::from_millis(800)), "a fifth is taken off");
        let due = restarts.take_due(now.instant + Duration::from_millis(900));
        assert_eq!(due.iter().map(|(part, _)| part).collect::<Vec<_>>(), [&task(1)]);
        restarts.forget("c");
        assert_eq!((restarts.pending(), restarts.planned(&other).is_some()), (1, true));
        let due = restarts.take_due(now.instant + SECOND);
        assert_eq!(due.iter().map(|(part, planned)| (part, planned.attempt)).collect::<Vec<_>>(), [(&other, 1)]);
        assert!(restarts.take_due(now.instant + SECOND).is_empty(), "each is told once");
    }

    #[test]
    fn what_does_not_go_away_is_left_failed() {
        let (mut restarts, now) = (AutoRestarts::default(), begin());
        let outer = |cause: ConnectError| ConnectError::connect("Unrecoverable").caused_by(cause);
        for cause in [
            ConnectError::config("c"),
            ConnectError::authorization("a"),
            ConnectError::panic("p"),
            ConnectError::data("d"),
            ConnectError::not_found("n"),
            ConnectError::unsupported("u"),
        ] {
            for error in [outer(cause.clone()), cause] {
                restarts.judge(&failure(task(0), Duration::ZERO), now, 0.0);
                let failure = Failure { error, ..failure(task(0), Duration::ZERO) };
                assert!(matches!(restarts.judge(&failure, now, 0.0), Verdict::Hopeless(_)), "{:?}", failure.error);
                assert_eq!(restarts.pending(), 0, "what was planned is off");
            }
        }
        for cause in [ConnectError::io("i"), ConnectError::timeout("t"), ConnectError::retriable("r")] {
            let failure = Failure { error: outer(cause), ..failure(task(0), Duration::ZERO) };
            assert!(matches!(restarts.judge(&failure, now, 0.0), Verdict::Restart(_)), "{:?}", failure.error);
        }
    }

    #[test]
    fn traces_say_when_the_next_restart_comes() {
        let (mut restarts, now) = (AutoRestarts::default(), begin());
        restarts.judge(&failure(task(1), Duration::ZERO), now, 0.0);
        let failed =
            |number| (TaskId::new("c", number), TaskStatus::new(TaskState::Failed, "w:1", 0).with_trace("boom\n"));
        let report = restarts.announce(ConnectorReport {
            name: "c".into(),
            connector: ConnectorStatus::new(ConnectorState::Running, "w:1", 0),
            tasks: vec![failed(0), failed(1)],
            kind: None,
        });
        assert_eq!(report.connector.trace, None);
        assert_eq!(report.tasks[0].1.trace.as_deref(), Some("boom\n"));
        let announced = "boom\nNext automatic restart 1 of 3 at 2023-11-14T22:13:21Z\n";
        assert_eq!(report.tasks[1].1.trace.as_deref(), Some(announced));
    }

    proptest! {
        #[test]
        fn no_wait_leaves_its_bounds(made in 0..200_u32, backoff in 1..u64::MAX, max in 1..u64::MAX, chance in 0.0..=1.0) {
            let (backoff, backoff_max) = (Duration::from_millis(backoff), Duration::from_millis(max));
            let policy = RestartPolicy { backoff, backoff_max, max_attempts: None, ..POLICY };
            let part = task(0);
            let mut restarts = AutoRestarts::default();
            restarts.parts.insert(part.clone(), Record { made, next: None });
            let now = begin();
            let failure = Failure { policy, ..failure(part, Duration::ZERO) };
            if let Verdict::Restart(planned) = restarts.judge(&failure, now, chance) {
                let wait = planned.at.instant - now.instant;
                prop_assert!(wait <= backoff_max, "{wait:?}");
                prop_assert!(wait >= backoff.min(backoff_max).mul_f64(0.79), "{wait:?}");
            }
        }
    }
}
