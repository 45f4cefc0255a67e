//! The thread of a task that reads rows.

use super::deletes;
use super::gaps::{self, Gaps};
use super::keys;
use super::offset::Offset;
use super::outlet::Outlet;
use super::query::{Range, Statement, Statements, Subject, Tracking};
use super::rows::Rows;
use super::settings::{InitialTime, Settings};
use super::stream::{Stream, Style, tracking};
use super::task::stored;
use super::times::Instant as Moment;
use crate::counted::counted;
use crate::db::{Column, Connection, DbError, DbErrorKind, DbResult, Ended, Isolation, SqlValue};
use crate::dialect::{Database, TableId};
use crate::link::Link;
use crate::settings::WrongKey;
use ferroconnect_plugin_sdk::{Error, SourceContext, StopSignal, debug, info, warn};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The shortest pause after an error.
const LEAST_PAUSE: Duration = Duration::from_millis(100);
/// How many ranges of missing numbers one statement looks for.
const RANGES: usize = 200;

/// Why reading came to an end, or has to begin anew.
pub(super) enum Trouble {
    /// The task should end.
    Stopped,
    /// The database told of an error.
    Database(DbError),
    /// It cannot go on.
    Fatal(Error),
}

impl From<DbError> for Trouble {
    fn from(error: DbError) -> Trouble {
        Trouble::Database(error)
    }
}

/// What a turn came to.
enum Turn {
    /// The stream was looked at, or read to its end.
    Done,
    /// Its table is not there.
    Gone,
}

/// Reads tables or a query, one after the other, for as long as the task runs.
pub(super) struct Reader {
    settings: Arc<Settings>,
    style: Style,
    context: SourceContext,
    stop: StopSignal,
    link: Link,
    streams: Vec<Stream>,
    outlet: Outlet,
    isolation: Isolation,
}

impl Reader {
    /// For these streams, of which there is at least one.
    pub(super) fn new(
        settings: Arc<Settings>,
        style: Style,
        context: SourceContext,
        streams: Vec<Stream>,
        outlet: Outlet,
    ) -> Reader {
        let stop = context.stop().clone();
        let link = Link::new(settings.connection.clone(), stop.clone(), Duration::ZERO);
        let isolation = settings.isolation;
        Reader { settings, style, context, stop, link, streams, outlet, isolation }
    }

    /// Reads until the task should end or reading fails for good.
    pub(super) fn run(mut self) {
        loop {
            match self.turn() {
                Ok(()) => {}
                Err(Trouble::Stopped) => return,
                Err(Trouble::Fatal(error)) => return self.outlet.fail(error),
                Err(Trouble::Database(error)) => return self.outlet.fail(of_database(&error)),
            }
        }
    }

    /// Waits until the next stream is due, and goes on with it: looks at its columns, or reads what is new in it.
    fn turn(&mut self) -> Result<(), Trouble> {
        let Some(next) = (0..self.streams.len()).min_by_key(|number| self.streams[*number].due) else {
            return Err(Trouble::Fatal(Error::fatal("There is nothing to read")));
        };
        let wait = self.streams[next].due.saturating_duration_since(Instant::now());
        if self.stop.wait_or_stop(wait) {
            return Err(Trouble::Stopped);
        }
        let (result, pause) = match self.streams[next].tracking {
            // Reading waits until all have been looked at: they are due before.
            None => (self.look_at_columns(next), Duration::ZERO),
            Some(_) => (self.read(next).and_then(|turn| self.compare(next, turn)), self.settings.poll_interval),
        };
        let result = result.and_then(|turn| self.outlet.flush().map(|()| turn));
        match result {
            Ok(Turn::Gone) => self.wait_for(next),
            Err(Trouble::Database(error)) if error.is_missing_table() && self.streams[next].is_table() => {
                self.link.close();
                self.wait_for(next)
            }
            Ok(Turn::Done) => {
                let stream = &mut self.streams[next];
                stream.failures = 0;
                stream.due = Instant::now() + pause;
                Ok(())
            }
            Err(trouble) => self.recover(next, trouble),
        }
    }

    /// Looks again later for a table that is not there: it may be on its way to be made anew. If it stays away the
    /// connector will ask for tasks without it.
    fn wait_for(&mut self, number: usize) -> Result<(), Trouble> {
        let stream = &mut self.streams[number];
        if !std::mem::replace(&mut stream.gone, true) {
            let name = stream.name();
            warn!(
                "{name} is not there, or this user may not see it. When it is there again it is read on from its position"
            );
        }
        stream.tracking = None;
        stream.due = Instant::now() + self.settings.poll_interval.max(LEAST_PAUSE);
        self.hand_over()
    }

    /// Hands over what there is. What cannot go now, since keys cannot be written down, goes with what comes next.
    fn hand_over(&mut self) -> Result<(), Trouble> {
        match self.outlet.flush() {
            Err(Trouble::Database(error)) => {
                debug!("Rows wait: {error}");
                Ok(())
            }
            result => result,
        }
    }

    /// Gets ready to go on after an error, or gives it back where there is no going on.
    fn recover(&mut self, number: usize, trouble: Trouble) -> Result<(), Trouble> {
        let Trouble::Database(error) = trouble else { return Err(trouble) };
        if self.stop.is_stopped() {
            return Err(Trouble::Stopped);
        }
        self.link.close();
        let pause = self.settings.poll_interval.min(self.settings.connection.backoff).max(LEAST_PAUSE);
        let stream = &mut self.streams[number];
        // Those that waited for it have their turn first: one that fails for ever must not keep the others waiting.
        stream.due = Instant::now() + pause;
        stream.failures = stream.failures.saturating_add(1);
        let failures = stream.failures;
        let worn_out = self.settings.retries.is_some_and(|most| failures > most);
        if !error.may_work_later() || worn_out {
            return Err(Trouble::Database(error));
        }
        warn!(attempt = failures; "{error}. Reading again on a new connection in {} ms", pause.as_millis());
        // Rows that came before the error are good; their positions count already.
        self.hand_over()?;
        if self.stop.wait_or_stop(pause) { Err(Trouble::Stopped) } else { Ok(()) }
    }

    /// Finds the tracked columns of a stream, and where to begin.
    fn look_at_columns(&mut self, number: usize) -> Result<Turn, Trouble> {
        let stream = &mut self.streams[number];
        let connection = self.link.get()?;
        let columns = match &stream.subject {
            Subject::Table(table) => columns_of(table, connection)?,
            Subject::Query(_) => {
                let described = connection.describe(&statements(&self.settings).describe(&stream.subject));
                described
                    .map_err(|error| self.settings.shown(error).context(format_args!("{} is wrong", stream.name())))?
            }
        };
        if columns.is_empty() {
            return Ok(Turn::Gone);
        }
        let found = track(&self.settings, self.style, &stream.subject, &columns)?;
        look_at_key(&self.settings, stream, &columns)?;
        let name = stream.name();
        if let (Some(ledger), Some(deletes)) = (&mut self.outlet.ledger, &mut stream.deletes) {
            let title = deletes.title(&name);
            deletes.begin(ledger, &title)?;
        }
        begin(&self.settings, stream, &found, connection)?;
        stream.tracking = Some(found);
        if stream.is_table() {
            stream.columns = columns;
        }
        stream.gone = false;
        Ok(Turn::Done)
    }

    /// Reads what is new in a stream, in a transaction: rows that were missing, and those behind its position.
    fn read(&mut self, number: usize) -> Result<Turn, Trouble> {
        let stream = &mut self.streams[number];
        let settings = &self.settings;
        let connection = self.link.get()?;
        // Results do not say everywhere what may be NULL.
        let table_columns: Vec<Column> = match &stream.subject {
            Subject::Table(table) => columns_of(table, connection)?,
            Subject::Query(_) => Vec::new(),
        };
        if table_columns.is_empty() && stream.is_table() {
            return Ok(Turn::Gone);
        }
        if table_columns != stream.columns {
            // The table was altered, or made anew between two looks.
            stream.tracking = Some(track(settings, self.style, &stream.subject, &table_columns)?);
            look_at_key(settings, stream, &table_columns)?;
            stream.columns.clone_from(&table_columns);
        }
        let tracking = stream.tracking.clone().unwrap_or(Tracking::Bulk);
        let before = match tracking.times() {
            [] => None,
            times => {
                let now = now(settings, connection)?.earlier(settings.delay);
                // A column that holds whole seconds, or days, may yet get rows of this one.
                times.iter().map(|column| column.over(now, &settings.rules.clock)).min()
            }
        };
        let range = Range { after: stream.offset, before };
        let mut reads = looks(settings, stream, &tracking);
        reads.push(statements(settings).read(&stream.subject, &tracking, range));
        let looked_at = Instant::now();
        begin_transaction(connection, &mut self.isolation)?;
        for statement in reads {
            let mut rows = Rows::new(settings, self.style, stream, &tracking, &table_columns, &mut self.outlet);
            let ended = connection.query(&statement.sql, &statement.parameters, &mut rows);
            let ended =
                ended.map_err(|error| settings.shown(error).context(format_args!("{} cannot be read", rows.name())))?;
            rows.finish(ended == Ended::AtEnd)?;
            if ended == Ended::Early {
                return Ok(Turn::Done);
            }
        }
        connection.commit()?;
        close_gaps(stream, looked_at);
        Ok(Turn::Done)
    }

    /// Looks for rows that are gone, when that is due after a look for new ones.
    fn compare(&mut self, number: usize, turn: Turn) -> Result<Turn, Trouble> {
        let (stream, settings) = (&mut self.streams[number], &self.settings);
        let due = stream.deletes.as_ref().is_some_and(|deletes| deletes.due <= Instant::now());
        let (Turn::Done, Some(interval), true) = (&turn, settings.deletes.as_ref().map(|one| one.interval), due) else {
            return Ok(turn);
        };
        // So that what fails from here on is about the comparison alone.
        self.outlet.flush()?;
        // Without it keys of rows that are gone are merely kept for longer.
        let stored = stored(&self.context, &stream.subject).unwrap_or_else(|error| {
            debug!("The stored offset of {} cannot be read now: {error}", stream.name());
            None
        });
        deletes::compare(settings, stream, self.link.get()?, &mut self.outlet, stored.as_ref())?;
        if let Some(deletes) = &mut stream.deletes {
            deletes.due = Instant::now() + interval;
        }
        Ok(turn)
    }
}

/// Finds the key by which rows that are gone are told apart, where they are looked for.
fn look_at_key(settings: &Settings, stream: &mut Stream, columns: &[Column]) -> Result<(), Trouble> {
    let name = stream.name();
    let (Some(deletes), Subject::Table(table)) = (&mut stream.deletes, &stream.subject) else { return Ok(()) };
    deletes.look_at(table, columns, &settings.rules).map_err(|why| {
        let why =
            format!("{name} cannot be compared, for {why}. Leave the table to a connector without {}", keys::DELETES);
        Trouble::Fatal(WrongKey::new(keys::DELETES, why).into())
    })
}

fn statements(settings: &Settings) -> Statements<'_> {
    Statements { dialect: settings.connection.dialect, clock: &settings.rules.clock, suffix: &settings.suffix }
}

/// The statements that look for rows whose numbers were missing.
fn looks(settings: &Settings, stream: &Stream, tracking: &Tracking) -> Vec<Statement> {
    let Some((gaps, column)) = stream.gaps.as_ref().zip(tracking.incrementing()) else { return Vec::new() };
    let among = |ranges: &[_]| statements(settings).among(&stream.subject, column, ranges);
    gaps.ranges().chunks(RANGES).map(among).collect()
}

/// Lets go of numbers that were looked for long enough.
fn close_gaps(stream: &mut Stream, looked_at: Instant) {
    let name = stream.name();
    let Some(gaps) = &mut stream.gaps else { return };
    if let Some(number) = gaps.take_given_up() {
        warn!(
            "{name}: numbers up to {number} that are missing are no longer waited for: there is room for {} gaps. A \
             shorter {} leaves fewer open",
            gaps::MOST,
            keys::GAPS_TIMEOUT
        );
    }
    let before = gaps.count();
    gaps.expire(looked_at);
    if gaps.count() < before {
        debug!("{name}: {} gaps have been open for too long and are not waited for any more", before - gaps.count());
    }
}

fn track(settings: &Settings, style: Style, subject: &Subject, columns: &[Column]) -> Result<Tracking, Trouble> {
    tracking(settings, style, subject, columns).map_err(|wrong| Trouble::Fatal(wrong.into()))
}

fn columns_of(table: &TableId, connection: &mut dyn Connection) -> DbResult<Vec<Column>> {
    let context =
        |error: DbError| error.context(format_args!("The columns of table {} cannot be read", table.unquoted()));
    connection.columns(table).map_err(context)
}

/// The database's time.
fn now(settings: &Settings, connection: &mut dyn Connection) -> Result<Moment, Trouble> {
    let now = connection.now()?;
    if connection.dialect().database == Database::Sqlite {
        // Its clock is that of UTC, whatever zone columns are in.
        return Ok(Moment::of_utc(now));
    }
    let now = SqlValue::DateTime(now);
    Ok(settings.rules.clock.instant(&now).expect("a date and a time are a point in time"))
}

/// Sets where a stream begins that has no stored offset.
fn begin(
    settings: &Settings,
    stream: &mut Stream,
    tracking: &Tracking,
    connection: &mut dyn Connection,
) -> Result<(), Trouble> {
    let stored = stream.offset != Offset::default();
    if tracking.incrementing().is_some() && !stored {
        stream.offset.incrementing = settings.initial_incrementing;
    }
    if !tracking.times().is_empty() && stream.offset.timestamp.is_none() {
        stream.offset.timestamp = match settings.initial_time {
            InitialTime::Everything => None,
            InitialTime::Now => Some(now(settings, connection)?),
            InitialTime::After(moment) => Some(moment),
        };
    }
    let name = stream.name();
    match tracking {
        Tracking::Bulk => info!("{name} is read whole, again and again"),
        _ if stream.offset == Offset::default() => info!("{name} is read from its beginning"),
        _ if stored => info!("{name} is read on from its stored offset {}", shown(stream)),
        _ => info!("{name} is read from {}", shown(stream)),
    }
    Ok(())
}

fn shown(stream: &Stream) -> String {
    let incrementing = stream.offset.incrementing.map(|number| format!("number {number}"));
    let time = stream.offset.timestamp.map(|moment| format!("time {} ms", moment.millis()));
    let gaps = stream.gaps.as_ref().map(Gaps::count).filter(|count| *count > 0);
    let gaps = gaps.map(|count| format!("with {} below it", counted(count, "gap", "gaps")));
    [incrementing, gaps, time].into_iter().flatten().collect::<Vec<_>>().join(", ")
}

fn begin_transaction(connection: &mut dyn Connection, isolation: &mut Isolation) -> Result<(), Trouble> {
    match connection.begin(*isolation) {
        Err(error) if error.kind() == DbErrorKind::Permanent && *isolation != Isolation::ServerDefault => {
            warn!("{} is ignored, for the database does not have it: {error}", keys::ISOLATION);
            *isolation = Isolation::ServerDefault;
            Ok(connection.begin(*isolation)?)
        }
        result => Ok(result?),
    }
}

/// An error of the database as the task's own.
pub(super) fn of_database(error: &DbError) -> Error {
    Error::fatal(error.to_string()).with_class("org.apache.kafka.connect.errors.ConnectException")
}
