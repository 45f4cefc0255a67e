//! The task: hands over what its reading thread reads.

use super::connector::{FETCHED, TABLES, split_tables};
use super::deletes::{Deletes, Ledger};
use super::gaps::Gaps;
use super::keys;
use super::offset::{self, Offset};
use super::outlet::{Message, Outlet};
use super::query::Subject;
use super::reader::Reader;
use super::settings::{Mode, Settings, What};
use super::stream::{Stream, Style};
use crate::dialect::Database;
use crate::watched::Watched;
use ferroconnect_plugin_sdk::{Batch, Config, Error, OffsetMap, Result, SourceContext, SourceTask, StopSignal};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

/// Reads some of the tables, or the query.
#[derive(Default)]
pub struct JdbcSourceTask {
    state: State,
}

#[derive(Default)]
enum State {
    #[default]
    NotStarted,
    /// The tables are not known yet: the connector will ask for other tasks.
    Waiting(StopSignal, Duration),
    Reading(Reading),
}

struct Reading {
    stop: StopSignal,
    linger: Duration,
    messages: Receiver<Message>,
    thread: Watched,
}

impl JdbcSourceTask {
    /// Starts to read records of this style.
    pub(super) fn begin(&mut self, context: &SourceContext, config: &Config, style: Style) -> Result<()> {
        let settings = Settings::parse(config)?;
        let stop = context.stop().clone();
        let subjects = match &settings.what {
            What::Query(query) => vec![Subject::Query(query.clone())],
            What::Tables(_) if config.get(FETCHED) == Some("false") => {
                self.state = State::Waiting(stop, settings.linger);
                return Ok(());
            }
            What::Tables(_) => tables(config, &settings)?,
        };
        let streams = streams(context, &settings, subjects)?;
        let settings = Arc::new(settings);
        let linger = settings.linger;
        let ledger = settings.deletes.as_ref().map(|deletes| Ledger::new(deletes, stop.clone()));
        let (outlet, messages) = Outlet::new(settings.batch, settings.batches_ahead, ledger);
        stop.on_stop(outlet.waker());
        let reader = Reader::new(settings, style, context.clone(), streams, outlet);
        let thread = Watched::start("jdbc-reader", |name, body| context.spawn(name, body), move || reader.run())?;
        self.state = State::Reading(Reading { stop, linger, messages, thread });
        Ok(())
    }
}

fn tables(config: &Config, settings: &Settings) -> Result<Vec<Subject>> {
    let dialect = settings.connection.dialect;
    let names = split_tables(config.get(TABLES).unwrap_or_default());
    let tables: Vec<_> = names.iter().map(|name| Subject::Table(dialect.parse_table(name))).collect();
    if tables.is_empty() {
        let connection = &settings.connection;
        let unnamed = connection.url.database == Database::MySql && connection.url.name.is_empty();
        let hint = if unnamed { " The URL names no database, so only those that keys name are looked at." } else { "" };
        return Err(Error::config(format!(
            "No table was found to read.{hint} Look at {}, {}, {} and {}: names are held to their case; a table elsewhere needs its \
             schema or database in front",
            keys::WHITELIST,
            keys::INCLUDE,
            keys::SCHEMA,
            keys::CATALOG
        )));
    }
    Ok(tables)
}

/// The streams of these subjects, from their stored offsets on.
fn streams(context: &SourceContext, settings: &Settings, subjects: Vec<Subject>) -> Result<Vec<Stream>> {
    let tracked = settings.mode != Mode::Bulk || settings.deletes.is_some();
    let mut streams = Vec::with_capacity(subjects.len());
    for subject in subjects {
        let found = if tracked { stored(context, &subject)? } else { None };
        let deletes = settings.deletes.as_ref().map(|deletes| Deletes::stored(deletes, found.as_ref())).transpose()?;
        let stored = found.unwrap_or_default();
        let offset = only_tracked(settings, Offset::from_map(&stored)?);
        let gaps = settings.gap_patience.map(|patience| Gaps::stored(patience, &stored)).transpose()?;
        streams.push(Stream::new(settings, subject, offset, gaps, deletes));
    }
    Ok(streams)
}

/// The offset that is stored.
pub(super) fn stored(context: &SourceContext, subject: &Subject) -> Result<Option<OffsetMap>> {
    let partitions = match subject {
        Subject::Table(table) => vec![offset::table_partition(table), offset::bare_partition(table)],
        Subject::Query(_) => vec![offset::query_partition()],
    };
    Ok(context.offsets(partitions)?.into_iter().flatten().next())
}

/// The part of an offset that the mode goes by: the mode may have been another before.
fn only_tracked(settings: &Settings, offset: Offset) -> Offset {
    Offset {
        incrementing: offset.incrementing.filter(|_| settings.mode.has_incrementing()),
        timestamp: offset.timestamp.filter(|_| settings.mode.has_timestamp()),
    }
}

impl SourceTask for JdbcSourceTask {
    fn start(&mut self, context: SourceContext, config: Config) -> Result<()> {
        self.begin(&context, &config, Style::Plain)
    }

    fn poll(&mut self, batch: &mut Batch<'_>) -> Result<()> {
        match &self.state {
            State::NotStarted => Err(Error::fatal("poll was called before start")),
            State::Waiting(stop, linger) => {
                stop.wait_or_stop(*linger);
                Ok(())
            }
            State::Reading(reading) => reading.poll(batch),
        }
    }

    fn stop(&mut self) -> Result<()> {
        if let State::Reading(reading) = std::mem::take(&mut self.state) {
            reading.end();
        }
        Ok(())
    }
}

impl Reading {
    fn poll(&self, batch: &mut Batch<'_>) -> Result<()> {
        if self.stop.is_stopped() {
            return Ok(());
        }
        let message = match self.messages.recv_timeout(self.linger) {
            Err(RecvTimeoutError::Timeout) if !self.thread.is_finished() => return Ok(()),
            // What the thread said last may have come after the wait.
            received => received.or_else(|_| self.messages.try_recv()),
        };
        match message {
            Ok(Message::Records(records)) => {
                batch.reserve(records.len());
                records.into_iter().for_each(|record| batch.push(record));
                Ok(())
            }
            Ok(Message::Failed(error)) => Err(error),
            Ok(Message::Wake) => Ok(()),
            Err(_) => Err(Error::fatal("The thread that reads rows has ended; the log says why")),
        }
    }

    fn end(self) {
        self.stop.stop();
        // Nobody takes what the thread waits to hand over.
        drop(self.messages);
        self.thread.end();
    }
}
