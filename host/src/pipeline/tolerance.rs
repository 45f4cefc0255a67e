//! What a failure means: try again, skip the record, or fail the task (KIP-298).
//!
//! Only transforms, predicates and converters run under these rules. Retriable errors are tried again until
//! `errors.retry.timeout`; what still fails is reported, then skipped under `errors.tolerance=all` or ends the task.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

use super::report::{ErrorCounters, FailedRecord, Failure, Reporter, Ticket};
use crate::error::{ConnectError, ErrorKind, Stage};
use crate::telemetry::LogContext;

/// The first pause before a retry; doubled for every further one.
const FIRST_RETRY_DELAY: Duration = Duration::from_millis(300);

/// `errors.tolerance`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Tolerance {
    /// The first bad record fails the task.
    #[default]
    None,
    /// Bad records are skipped.
    All,
}

/// The `errors.*` settings of a connector that decide about retries and skipping. The default is Kafka Connect's: no
/// retries, no tolerance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ErrorPolicy {
    /// `errors.tolerance`.
    pub tolerance: Tolerance,
    /// `errors.retry.timeout`: zero = no retries, `None` = without limit (-1 in configurations).
    pub retry_timeout: Option<Duration>,
    /// `errors.retry.delay.max.ms`.
    pub retry_delay_max: Duration,
}

impl Default for ErrorPolicy {
    fn default() -> Self {
        Self {
            tolerance: Tolerance::None,
            retry_timeout: Some(Duration::ZERO),
            retry_delay_max: Duration::from_secs(60),
        }
    }
}

/// Cuts pauses between retries short, from any thread. For a task that is cancelled after its graceful time-out,
/// not for a plain stop, which waits for retries to end.
#[derive(Debug, Clone, Default)]
pub struct Cancel(Arc<(Mutex<bool>, Condvar)>);

impl Cancel {
    /// Ends the pause under way and lets every later one end at once.
    pub fn cancel(&self) {
        *self.0.0.lock() = true;
        self.0.1.notify_all();
    }

    /// Whether [`cancel`](Self::cancel) was called.
    pub fn is_cancelled(&self) -> bool {
        *self.0.0.lock()
    }

    fn wait(&self, pause: Duration) {
        let mut cancelled = self.0.0.lock();
        // A pause too long to be an instant ends when cancelled.
        match Instant::now().checked_add(pause) {
            Some(end) => drop(self.0.1.wait_while_until(&mut cancelled, |cancelled| !*cancelled, end)),
            None => self.0.1.wait_while(&mut cancelled, |cancelled| !*cancelled),
        }
    }
}

/// Why a stage was given up for a record.
#[derive(Debug)]
pub(super) struct GivenUp {
    pub(super) error: ConnectError,
    /// How often the stage ran, the first time included.
    pub(super) attempts: u32,
    /// Whether the task was cancelled meanwhile.
    pub(super) cancelled: bool,
}

/// What the rules say about a failed record.
#[derive(Debug)]
pub enum Verdict {
    /// The record counts as handled, once the report with the record's ticket, if any, has arrived.
    Skip,
    /// The task must fail with this error, and the record must not count as handled.
    Fail(ConnectError),
}

/// What became of a record that was given up.
#[derive(Debug)]
pub struct Settled {
    /// What the rules say.
    pub verdict: Verdict,
    /// The report that is under way to a dead-letter topic.
    pub ticket: Option<Ticket>,
}

/// The error handling of one task: rules, reporters and counters.
pub struct TaskErrors {
    policy: ErrorPolicy,
    reporters: Vec<Box<dyn Reporter>>,
    counters: Arc<ErrorCounters>,
    cancel: Cancel,
}

impl TaskErrors {
    /// Error handling by these rules. Reporters are told of every failed record, in this order.
    pub fn new(policy: ErrorPolicy, reporters: Vec<Box<dyn Reporter>>, counters: Arc<ErrorCounters>) -> Self {
        Self { policy, reporters, counters, cancel: Cancel::default() }
    }

    /// The handle that cuts retries short.
    pub fn cancel(&self) -> Cancel {
        self.cancel.clone()
    }

    /// The counters, for metrics.
    pub fn counters(&self) -> &Arc<ErrorCounters> {
        &self.counters
    }

    /// Whether retriable errors are tried again.
    pub(super) fn retries(&self) -> bool {
        self.policy.retry_timeout != Some(Duration::ZERO)
    }

    /// Whether a reporter wants to see source records as they came from the connector.
    pub fn wants_originals(&self) -> bool {
        self.reporters.iter().any(|reporter| reporter.wants_original())
    }

    /// Tries again after a first error, as long as errors are retriable and time is left.
    pub(super) fn retry<T>(
        &self,
        first: ConnectError,
        mut again: impl FnMut() -> Result<T, ConnectError>,
    ) -> Result<T, GivenUp> {
        let start = Instant::now();
        // Without a limit, or with one beyond the end of time, there is no deadline.
        let deadline = self.policy.retry_timeout.and_then(|timeout| start.checked_add(timeout));
        let mut error = first;
        let mut attempts = 1;
        while error.is_retriable() {
            self.counters.add_failure();
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            if left == Some(Duration::ZERO) {
                break;
            }
            self.cancel.wait(self.delay(attempts).min(left.unwrap_or(Duration::MAX)));
            self.counters.add_retry();
            if self.cancel.is_cancelled() {
                return Err(GivenUp { error, attempts, cancelled: true });
            }
            attempts += 1;
            match again() {
                Ok(done) => return Ok(done),
                Err(next) => error = next,
            }
        }
        Err(GivenUp { error, attempts, cancelled: false })
    }

    /// The pause after so many attempts: doubled each time, above the maximum a random one below it.
    fn delay(&self, attempts: u32) -> Duration {
        let max = self.policy.retry_delay_max;
        let doubled = 2u32.checked_pow(attempts - 1).and_then(|factor| FIRST_RETRY_DELAY.checked_mul(factor));
        match doubled {
            Some(delay) if delay <= max => delay,
            // A fresh hasher's keys are random; that is random enough to spread retries.
            _ => max.mul_f64(RandomState::new().hash_one(attempts) as f64 / u64::MAX as f64),
        }
    }

    /// Completes a failure: the stage and the record's place become part of its error. What must not be shown leaves
    /// it here, because dead letters carry its texts out of the worker.
    pub(super) fn located(failure: Failure, record: FailedRecord<'_>) -> Failure {
        let place = format!("stage {} with class '{}', {}", failure.stage, failure.class, record.place());
        let error = failure.error.at_stage(failure.stage).detail(place);
        Failure { error: LogContext::hide_in(error), ..failure }
    }

    /// Reports a failure that was [`located`](Self::located) and says what becomes of the record. Kafka Connect
    /// reports before it looks at the tolerance, so a record that fails the task is reported too.
    pub(super) fn settle(&mut self, failure: &Failure, record: FailedRecord<'_>) -> Settled {
        if failure.cancelled {
            // Kafka Connect skips the record here; nothing may be skipped that nobody decided to skip.
            let error = ConnectError::connect("Task was cancelled while retrying").caused_by(failure.error.clone());
            return Settled { verdict: Verdict::Fail(error), ticket: None };
        }
        self.counters.add_last_failure();
        self.counters.add_error();
        let ticket = self.report(failure, record);
        let verdict = self.judge(failure);
        if matches!(verdict, Verdict::Skip) {
            self.counters.add_skipped();
        }
        Settled { verdict, ticket }
    }

    fn report(&mut self, failure: &Failure, record: FailedRecord<'_>) -> Option<Ticket> {
        self.reporters.iter_mut().fold(None, |ticket, reporter| reporter.report(failure, record).or(ticket))
    }

    fn judge(&self, failure: &Failure) -> Verdict {
        let message = match self.policy.tolerance {
            // A stage that panicked answers an error to every later record: skipping would lose them all silently.
            _ if failure.error.kind() == ErrorKind::Panic => "Unhandled exception in error handler",
            Tolerance::None => "Tolerance exceeded in error handler",
            Tolerance::All => return Verdict::Skip,
        };
        Verdict::Fail(ConnectError::connect(message).caused_by(failure.error.clone()))
    }

    /// Reports a record that failed outside the pipeline: refused by Kafka, rejected by `put`, or reported by a sink
    /// plugin. `class` ran at that stage. Of the counters, as in Kafka Connect, only failures rise where it is
    /// tolerated: the record was not skipped on its way to the connector or to Kafka.
    pub fn report_failed(
        &mut self,
        stage: Stage,
        class: &str,
        error: ConnectError,
        record: FailedRecord<'_>,
    ) -> Settled {
        let failure = Failure { stage, class: class.into(), error, attempts: 1, cancelled: false };
        let failure = Self::located(failure, record);
        self.counters.add_last_failure();
        let ticket = self.report(&failure, record);
        let verdict = self.judge(&failure);
        if matches!(verdict, Verdict::Fail(_)) {
            self.counters.add_error();
        }
        Settled { verdict, ticket }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing;
    use super::*;
    use crate::telemetry::Confidential;

    fn errors(policy: ErrorPolicy) -> TaskErrors {
        TaskErrors::new(policy, Vec::new(), Arc::default())
    }

    #[test]
    fn retries_until_it_works() {
        let policy =
            ErrorPolicy { retry_timeout: None, retry_delay_max: Duration::from_millis(1), ..Default::default() };
        let errors = errors(policy);
        let mut calls = 0;
        let result = errors.retry(ConnectError::retriable("1"), || {
            calls += 1;
            if calls < 5 { Err(ConnectError::retriable("again")) } else { Ok(calls) }
        });
        assert_eq!(result.expect("works in the end"), 5);
        assert_eq!(errors.counters.snapshot().retries, 5);
    }

    #[test]
    fn other_errors_and_passed_deadlines_end_it() {
        let policy = ErrorPolicy { retry_timeout: Some(Duration::from_secs(60)), ..Default::default() };
        let given_up = errors(policy).retry(ConnectError::data("bad"), || Ok(())).expect_err("not retriable");
        assert_eq!(given_up.attempts, 1);
        let given_up = errors(ErrorPolicy::default()).retry(ConnectError::retriable("x"), || Ok(()));
        assert_eq!(given_up.expect_err("no retries by default").attempts, 1);
    }

    #[test]
    fn pauses_double_up_to_the_maximum() {
        let after = |max: u64, attempts| {
            let policy = ErrorPolicy { retry_delay_max: Duration::from_millis(max), ..Default::default() };
            errors(policy).delay(attempts).as_millis() as u64
        };
        assert_eq!([1, 2, 3, 8].map(|attempts| after(60_000, attempts)), [300, 600, 1200, 38_400]);
        for attempts in [9, 30, 1000] {
            assert!(after(60_000, attempts) <= 60_000);
        }
        assert_eq!((after(600, 2), after(600, 3) <= 600, after(1, 1) <= 1), (600, true, true));
    }

    fn failure(text: &'static str) -> Failure {
        let error = ConnectError::data(text);
        Failure { stage: Stage::ValueConverter, class: "C".into(), error, attempts: 1, cancelled: false }
    }

    #[test]
    fn counters_rise_as_in_kafka_connect() {
        let message = testing::message(0, "v");
        let record = FailedRecord::Consumed(&message);
        for (tolerance, in_pipeline, outside) in
            [(Tolerance::None, (1, 1, 0), (1, 1, 0)), (Tolerance::All, (1, 1, 1), (1, 0, 0))]
        {
            let counted = |errors: TaskErrors| {
                let counts = errors.counters.snapshot();
                assert!(counts.last_error > 0);
                (counts.failures, counts.errors, counts.skipped)
            };
            let policy = ErrorPolicy { tolerance, ..Default::default() };
            let mut errors = self::errors(policy);
            errors.settle(&failure("bad"), record);
            assert_eq!(counted(errors), in_pipeline, "{tolerance:?}");
            let mut errors = self::errors(policy);
            errors.report_failed(Stage::TaskPut, "C", ConnectError::data("bad"), record);
            assert_eq!(counted(errors), outside, "{tolerance:?}");
        }
        // The last of several failed tries counts twice.
        let errors = errors(ErrorPolicy::default());
        let _given_up = errors.retry(ConnectError::retriable("x"), || Ok(()));
        assert_eq!(errors.counters.snapshot().failures, 1);
    }

    #[test]
    fn reports_show_no_secrets() {
        let mut secrets = Confidential::default();
        secrets.add("hunter22", "[hidden]");
        let _entered = LogContext::task("c", 0).keeping(secrets).enter();
        let message = testing::message(0, "v");
        let located = TaskErrors::located(failure("hunter22 is wrong"), FailedRecord::Consumed(&message));
        assert_eq!(located.error.message(), "[hidden] is wrong");
    }

    #[test]
    fn cancelling_ends_the_pause() {
        let policy = ErrorPolicy { retry_timeout: None, ..Default::default() };
        let errors = errors(policy);
        let cancel = errors.cancel();
        let canceller = std::thread::spawn(move || cancel.cancel());
        let given_up = errors.retry(ConnectError::retriable("x"), || Err::<(), _>(ConnectError::retriable("x")));
        assert!(given_up.expect_err("cancelled").cancelled);
        canceller.join().expect("does not panic");
    }
}
