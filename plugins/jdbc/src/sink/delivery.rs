//! What becomes of the records of one `put`: written, tried again later, or told as bad one by one.
//!
//! As long as all goes well, a `put` of many records returns before they are written: the database works while the worker
//! makes the next ones ready. The next `put` waits for them, and so does whoever wants to commit offsets. Where they could
//! not be written they are kept, and written before the records of the next `put`, which waits for that as every `put` does
//! that follows a failure.

use crate::counted::counted;
use crate::db::{DbError, DbErrorKind};
use crate::sink::ahead::Ahead;
use crate::sink::failure::Failure;
use crate::sink::plan::named;
use crate::sink::writer::Writer;
use ferroconnect_plugin_sdk::{
    Error, ErrorKind, PartitionOffset, Record, Report, ReportState, Result, SinkContext, TopicPartition, warn,
};
use std::collections::HashMap;
use std::time::{Duration, Instant};

/// How long a task that should end waits at most for a report.
const LOOK_FOR_STOP: Duration = Duration::from_millis(100);

/// From so many records on a `put` does not wait until they are written: fewer are written in less time than it takes to
/// hand them over, and whoever sends few wants to see them.
const MANY: usize = 200;

/// Delivers records.
pub(crate) struct Delivery {
    context: SinkContext,
    ahead: Ahead,
    retries: Retries,
    /// Records of an earlier `put` that are not written yet; they are older than those of the next.
    late: Vec<Record>,
    /// When to try again to write them, if no `put` does.
    late_due: Instant,
    /// Why they can never be written.
    doomed: Option<Error>,
    /// Whether the worker is about to give the records of the last `put` again.
    expects_put: bool,
    /// Whether a `put` may return before its records are written.
    may_run_ahead: bool,
    /// Where the records of a `put` that failed in part are written or told up to: the worker gives them again.
    done: HashMap<TopicPartition, i64>,
}

/// How often a `put` may still be tried again.
struct Retries {
    most: u32,
    left: u32,
    pause: Duration,
}

impl Delivery {
    /// `may_run_ahead`: a `put` may return before its records are written, so its error may be about those of another.
    pub(crate) fn new(
        context: SinkContext,
        writer: Writer,
        retries: u32,
        pause: Duration,
        may_run_ahead: bool,
    ) -> Delivery {
        Delivery {
            ahead: Ahead::new(context.clone(), writer),
            context,
            retries: Retries { most: retries, left: retries, pause },
            late: Vec::new(),
            late_due: Instant::now(),
            doomed: None,
            expects_put: false,
            may_run_ahead,
            done: HashMap::new(),
        }
    }

    /// Connects, so that a wrong password shows when the task starts. A database that is away may come back: the first
    /// `put` waits for it as every other does.
    pub(crate) fn connect(&mut self) -> Result<()> {
        match self.ahead.writer()?.connect() {
            Ok(_) => Ok(()),
            Err(Failure::Connect(error)) if error.may_work_later() => {
                warn!("{error}. Going on without a connection for now");
                Ok(())
            }
            Err(failure) => Err(failure.into_error()),
        }
    }

    /// These partitions came or went: whoever has them next gets what was not committed again.
    pub(crate) fn forget_progress(&mut self, partitions: &[TopicPartition]) {
        // A panic of the thread that writes is told by the next `put`.
        if let Ok(Some((records, _))) = self.ahead.settle() {
            self.late = records;
        }
        self.late.retain(|record| !partitions.contains(&partition(record)));
        self.done.retain(|partition, _| !partitions.contains(partition));
        self.expects_put = false;
        if self.late.is_empty() {
            self.doomed = None;
        }
    }

    /// Writes records.
    ///
    /// # Errors
    /// A retriable one while there are retries left and the same may work later, after the pause that was asked for.
    pub(crate) fn put(&mut self, records: &[Record]) -> Result<()> {
        self.settle()?;
        if let Some(error) = &self.doomed {
            return Err(error.clone());
        }
        if self.may_run_ahead && records.len() >= MANY && self.is_calm() {
            return self.ahead.begin(records.to_vec());
        }
        let late = std::mem::take(&mut self.late);
        let result = self.put_now(&late.iter().chain(records).collect::<Vec<_>>());
        self.expects_put = result.as_ref().is_err_and(is_passing);
        match &result {
            Ok(()) => {
                self.retries.left = self.retries.most;
                self.done.clear();
            }
            Err(error) => self.keep_late(late, error),
        }
        result
    }

    /// Those of the offsets behind which all is written. Waits for what is being written, and tries again to write what is
    /// late unless a `put` is about to.
    pub(crate) fn written(&mut self, mut offsets: Vec<PartitionOffset>) -> Result<Vec<PartitionOffset>> {
        self.settle()?;
        let is_due = self.doomed.is_none() && !self.expects_put && self.late_due <= Instant::now();
        if !self.late.is_empty() && is_due {
            let late = std::mem::take(&mut self.late);
            if let Err(error) = self.put_now(&late.iter().collect::<Vec<_>>()) {
                self.keep_late(late, &error);
                if self.doomed.is_some() {
                    // Only a `put` can fail the task: these records make one come, also where no others do.
                    self.context.rewind(beginnings(&self.late));
                }
            }
        }
        for record in &self.late {
            if let Some(offset) = offsets.iter_mut().find(|offset| is_of(record, offset)) {
                offset.offset = offset.offset.min(record.origin.offset);
            }
        }
        if !self.late.is_empty() && self.doomed.is_none() {
            self.context.request_commit();
        }
        Ok(offsets)
    }

    /// Keeps records that could not be written now. Where trying again is of no use the next `put` says so.
    fn keep_late(&mut self, late: Vec<Record>, error: &Error) {
        if !late.is_empty() && !is_passing(error) && error.kind() != ErrorKind::STOPPING {
            self.doomed = Some(error.clone());
        }
        self.late = late;
        self.late_due = Instant::now() + self.retries.pause;
    }

    /// Waits for what is being written. What could not be is written by the next `put`.
    fn settle(&mut self) -> Result<()> {
        if let Some((records, failure)) = self.ahead.settle()? {
            let message = describe(&failure, records.len());
            warn!("{message} Trying again at once");
            self.late = records;
            self.late_due = Instant::now();
        }
        Ok(())
    }

    /// Whether nothing has failed that is not over.
    fn is_calm(&self) -> bool {
        self.late.is_empty() && self.done.is_empty() && self.retries.left == self.retries.most
    }

    fn put_now(&mut self, records: &[&Record]) -> Result<()> {
        let open: Vec<&Record> = records.iter().copied().filter(|record| !self.is_done(record)).collect();
        let outcome = match self.ahead.writer()?.write(&open) {
            Err(failure) if self.gives_up(&failure) && failure.blames_records() && self.context.can_report() => {
                warn!("{} Trying its records apart", describe(&failure, open.len()));
                self.isolate(&open, failure)
            }
            outcome => outcome,
        };
        match outcome {
            Ok(()) => Ok(()),
            Err(failure) if self.gives_up(&failure) => Err(failure.into_error()),
            Err(failure) => {
                self.retries.left -= 1;
                let pause = self.retries.pause;
                let left = counted(self.retries.left, "more try", "more tries");
                let message = describe(&failure, open.len());
                warn!("{message} Trying again in {} ms; {left}", pause.as_millis());
                self.context.retry_after(pause);
                Err(Error::retriable(message))
            }
        }
    }

    fn gives_up(&self, failure: &Failure) -> bool {
        !failure.may_pass() || self.retries.left == 0
    }

    /// Halves records that cannot be written together until the bad ones are alone, and tells those. All others are
    /// written, in order.
    fn isolate(&mut self, records: &[&Record], failure: Failure) -> std::result::Result<(), Failure> {
        if let [record] = records {
            let error = match failure {
                Failure::Sql(error) => named(record, &Error::data(error.to_string())),
                failure => failure.into_error(),
            };
            let report = self.context.report((*record).clone(), error).map_err(Failure::Report)?;
            // The position that the next rows move is not held back, as offsets in Kafka are, until the report arrived.
            if self.ahead.writer().map_err(Failure::Report)?.keeps_positions() {
                self.wait_for(&report, record)?;
            }
            self.mark_done(records);
            return Ok(());
        }
        let (first, second) = records.split_at(records.len() / 2);
        for half in [first, second] {
            self.go_on()?;
            match self.ahead.writer().map_err(Failure::Report)?.write(half) {
                Ok(()) => self.mark_done(half),
                Err(failure) if failure.blames_records() => self.isolate(half, failure)?,
                Err(failure) => return Err(failure),
            }
        }
        Ok(())
    }

    /// Waits until a bad record is where bad records go.
    fn wait_for(&self, report: &Report, record: &Record) -> std::result::Result<(), Failure> {
        loop {
            match report.wait(LOOK_FOR_STOP) {
                ReportState::DONE => return Ok(()),
                ReportState::PENDING => self.go_on()?,
                _ => {
                    let at = &record.origin;
                    let place = format!("offset {} of {}-{}", at.offset, at.topic, at.partition);
                    return Err(Failure::Report(Error::fatal(format!(
                        "The bad record at {place} could not be reported, so what follows it is not written"
                    ))));
                }
            }
        }
    }

    fn go_on(&self) -> std::result::Result<(), Failure> {
        match self.context.stop().is_stopped() {
            true => Err(DbError::new(DbErrorKind::Interrupted, "Writing ended because the task should").into()),
            false => Ok(()),
        }
    }

    fn is_done(&self, record: &Record) -> bool {
        !self.done.is_empty() && self.done.get(&partition(record)).is_some_and(|&next| record.origin.offset < next)
    }

    fn mark_done(&mut self, records: &[&Record]) {
        for record in records {
            self.done.insert(partition(record), record.origin.offset + 1);
        }
    }
}

fn is_passing(error: &Error) -> bool {
    error.kind() == ErrorKind::RETRIABLE
}

fn is_of(record: &Record, offset: &PartitionOffset) -> bool {
    offset.partition == record.origin.partition && offset.topic == record.origin.topic
}

/// The first offset of each partition.
fn beginnings(records: &[Record]) -> Vec<PartitionOffset> {
    let mut first: Vec<PartitionOffset> = Vec::new();
    for record in records {
        let at = &record.origin;
        match first.iter_mut().find(|offset| is_of(record, offset)) {
            Some(known) => known.offset = known.offset.min(at.offset),
            None => first.push(PartitionOffset { topic: at.topic.clone(), partition: at.partition, offset: at.offset }),
        }
    }
    first
}

fn partition(record: &Record) -> TopicPartition {
    TopicPartition { topic: record.origin.topic.clone(), partition: record.origin.partition }
}

fn describe(failure: &Failure, records: usize) -> String {
    let records = counted(records, "record", "records");
    match failure {
        Failure::Connect(error) => format!("{error}."),
        Failure::Sql(error) => format!("Writing {records} failed and was rolled back: {error}."),
        Failure::Record(error) | Failure::Report(error) => {
            format!("Writing {records} failed and was rolled back: {error}.")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{ConnectionSettings, keys};
    use crate::sink::config::testing::settings;
    use ferroconnect_plugin_sdk::testkit::{self, SinkHarness, sink_record};
    use ferroconnect_plugin_sdk::{Config, Data};

    const CLASS: &str = "io.confluent.connect.jdbc.JdbcSinkConnector";

    /// Of what the thread had nobody knows whether it was written.
    #[test]
    fn nothing_is_committed_or_written_behind_a_panic_of_the_thread_that_writes() {
        use crate as this;
        let config = Config::from([(keys::URL, "jdbc:sqlite:file:panicked?mode=memory")]);
        let database = ConnectionSettings::parse(&config).unwrap();
        let worker = SinkHarness::new(&testkit::library!(this), CLASS, config);
        let context = worker.context();
        let writer = || Writer::new(settings(&[]), database.clone(), context.stop().clone());
        let mut delivery = Delivery::new(context.clone(), writer(), 10, Duration::ZERO, true);
        delivery.ahead = Ahead::panicking(context.clone(), writer());
        let records: Vec<Record> = (0..300).map(|offset| sink_record("t", 0, offset, Data::NULL)).collect();
        delivery.put(&records).expect("nobody waits for it");
        let commit = |delivery: &mut Delivery| {
            delivery.written(vec![PartitionOffset { topic: "t".into(), partition: 0, offset: 300 }])
        };
        let is_lost = |error: Error| {
            let what = "The thread that writes rows has ended; the log says why";
            assert!(error.kind() == ErrorKind::FATAL && error.message() == what, "{error}");
        };
        for _ in 0..2 {
            is_lost(commit(&mut delivery).unwrap_err());
        }
        is_lost(delivery.put(&records).unwrap_err());
        // Whoever has the partition next is another task; this one stays as it is.
        delivery.forget_progress(&[TopicPartition { topic: "t".into(), partition: 0 }]);
        is_lost(commit(&mut delivery).unwrap_err());
        is_lost(delivery.put(&records[..1]).unwrap_err());
        assert!(worker.log().iter().any(|line| line.message.contains("it cannot write")), "{:?}", worker.log());
    }
}
