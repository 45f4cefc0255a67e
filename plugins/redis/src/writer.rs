//! Sends the commands of many records together, and sorts out what became of each.

use crate::commands::Commands;
use crate::connection::{Connection, FINISHED_WITHIN, Failure};
use crate::keys;
use crate::server::{Server, login_advice, passes};
use ferroconnect_plugin_sdk::{Coordinates, Error, ErrorKind, Record, StopSignal, info};
use redis::{ServerError, Value};
use std::time::{Duration, Instant};

/// So many bytes are sent before their answers are read, or one record where that is larger.
const MOST_BYTES: usize = 1 << 20;
/// So many bytes go on their way together: enough for the server to be busy with while the next ones are written.
const AT_ONCE: usize = 32 << 10;

/// How surely records are written.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Delivery {
    /// Whether what is sent together is a transaction.
    pub(crate) atomic: bool,
    /// The replicas to wait for.
    pub(crate) replicas: Option<Replicas>,
}

/// Replicas that must have what was written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Replicas {
    /// How many.
    pub(crate) count: u32,
    /// How long to wait for them.
    pub(crate) timeout: Duration,
}

/// A record that the server refused: its place, and why.
pub(crate) type Refused = (usize, Error);

/// Writes to a server. Connects anew where the connection is lost.
#[derive(Debug)]
pub(crate) struct Writer {
    server: Server,
    delivery: Delivery,
    stop: StopSignal,
    connection: Option<Connection>,
    /// When the batch began.
    began: Instant,
    /// A batch that takes longer is broken off when the task should end.
    finished_within: Duration,
    /// What is not on its way yet.
    commands: Commands,
    /// The places of the records that the commands without answers belong to: of those on their way, and then of
    /// `commands`.
    owners: Vec<usize>,
    /// The bytes on their way without answers.
    posted: usize,
    refused: Vec<Refused>,
    wrote: bool,
    /// A batch that was written and that too few replicas had in time, by the origins of its records.
    unconfirmed: Vec<Coordinates>,
}

impl Writer {
    /// Connects.
    ///
    /// # Errors
    /// Those of [`Server::connect_patiently`].
    pub(crate) fn connect(mut server: Server, delivery: Delivery, stop: &StopSignal) -> Result<Writer, Error> {
        if let (Some(timeout), Some(replicas)) = (server.timeout.as_mut(), delivery.replicas) {
            // The answer may take as long as the replicas may, and then the way back.
            *timeout += replicas.timeout;
        }
        let connection = Some(server.connect_patiently(stop)?);
        info!("Connected to {server}");
        Ok(Writer {
            server,
            delivery,
            stop: stop.clone(),
            connection,
            began: Instant::now(),
            finished_within: FINISHED_WITHIN,
            commands: Commands::default(),
            owners: Vec::new(),
            posted: 0,
            refused: Vec::new(),
            wrote: false,
            unconfirmed: Vec::new(),
        })
    }

    /// Forgets what the last batch left behind.
    pub(crate) fn begin(&mut self) {
        self.began = Instant::now();
        self.commands.clear();
        self.owners.clear();
        self.posted = 0;
        self.refused.clear();
        self.wrote = false;
        self.unconfirmed.clear();
    }

    /// Whether these records were written by the last batch, so that only replicas are to be waited for. They are asked
    /// about what this connection wrote.
    pub(crate) fn has_written(&self, records: &[Record]) -> bool {
        let unconfirmed = || records.iter().map(|record| &record.origin).eq(&self.unconfirmed);
        self.connection.is_some() && !self.unconfirmed.is_empty() && unconfirmed()
    }

    /// Writes the record at this place of the batch, which `encode` turns into commands. A record that has none is
    /// among those that are refused.
    ///
    /// # Errors
    /// As [`Writer::finish`].
    pub(crate) fn write(
        &mut self,
        place: usize,
        encode: impl FnOnce(&mut Commands) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let before = self.commands.count();
        if let Err(error) = encode(&mut self.commands) {
            self.refused.push((place, error));
        }
        let added = self.commands.count() - before;
        self.owners.extend(std::iter::repeat_n(place, added));
        let bytes = self.commands.bytes().len();
        if self.posted + bytes >= MOST_BYTES || self.owners.len() >= self.server.most_commands() {
            return self.settle();
        }
        if bytes >= AT_ONCE { self.post() } else { Ok(()) }
    }

    /// Sends the rest of a batch of these records, waits for the replicas, and gives those that were refused, in order.
    ///
    /// # Errors
    /// A retriable one where the whole batch should be written again, a fatal one where that would not help.
    pub(crate) fn finish(&mut self, records: &[Record]) -> Result<Vec<Refused>, Error> {
        self.settle()?;
        if let (Some(replicas), true) = (self.delivery.replicas, self.wrote)
            && let Err(error) = self.await_replicas(replicas)
        {
            self.unconfirmed = records.iter().map(|record| record.origin.clone()).collect();
            return Err(error);
        }
        self.refused.sort_by_key(|(owner, _)| *owner);
        Ok(std::mem::take(&mut self.refused))
    }

    /// Sends what there is on its way. Does not wait for answers.
    fn post(&mut self) -> Result<(), Error> {
        let begins = self.delivery.atomic && self.posted == 0;
        let commands = std::mem::take(&mut self.commands);
        let posted = self.with_connection(|connection| connection.post(&commands, begins));
        self.posted += commands.bytes().len();
        self.commands = commands;
        self.commands.clear();
        posted
    }

    /// Sends the rest on its way, and sees to the answers to all that is.
    fn settle(&mut self) -> Result<(), Error> {
        if self.owners.is_empty() {
            return Ok(());
        }
        if self.commands.count() > 0 {
            self.post()?;
        }
        self.wrote = true;
        let atomic = self.delivery.atomic;
        let failures = self.with_connection(|connection| connection.answers(atomic))?;
        let owners = std::mem::take(&mut self.owners);
        self.posted = 0;
        for Failure { index, error } in failures {
            let owner = owners[index];
            match self.verdict(&error) {
                Verdict::Later => {
                    // Another node may be the right one by now.
                    self.connection = None;
                    return Err(Error::retriable(format!("{} cannot write at present: {error}", self.server)));
                }
                Verdict::Never(advice) => {
                    return Err(Error::fatal(format!("{} refuses to write: {error}{advice}", self.server)));
                }
                Verdict::Record if self.refused.iter().any(|(refused, _)| *refused == owner) => {}
                Verdict::Record => {
                    self.refused.push((owner, Error::data(format!("{} refuses the record: {error}", self.server))));
                }
            }
        }
        Ok(())
    }

    fn await_replicas(&mut self, Replicas { count, timeout }: Replicas) -> Result<(), Error> {
        let mut wait = redis::cmd("WAIT");
        wait.arg(count).arg(u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX));
        let reached = match self.with_connection(|connection| connection.request(&wait))? {
            Value::Int(reached) => reached,
            other => return Err(Error::fatal(format!("{} answered WAIT with {other:?}", self.server))),
        };
        if reached >= i64::from(count) {
            return Ok(());
        }
        let server = &self.server;
        Err(Error::retriable(format!("{reached} of {count} replicas of {server} have the records after {timeout:?}")))
    }

    /// Uses the connection, or a new one. After an error there is none.
    fn with_connection<T>(&mut self, work: impl FnOnce(&mut Connection) -> redis::RedisResult<T>) -> Result<T, Error> {
        if self.stop.is_stopped() && self.began.elapsed() > self.finished_within {
            return Err(Error::new(ErrorKind::STOPPING, format!("Stopped while writing to {}", self.server)));
        }
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.server.connect(&self.stop)?,
        };
        match work(&mut connection) {
            Ok(result) => {
                self.connection = Some(connection);
                Ok(result)
            }
            Err(error) => Err(self.lost(error)),
        }
    }

    /// What an answer of the server means.
    fn verdict(&self, error: &ServerError) -> Verdict {
        match self.server.redirected(error.code()) {
            Some(advice) => Verdict::Never(advice),
            None => verdict(error),
        }
    }

    fn lost(&self, error: redis::RedisError) -> Error {
        let server = &self.server;
        if error.kind() == redis::ErrorKind::AuthenticationFailed {
            return Error::fatal(format!("{server} refuses to write: {error}"));
        }
        let Some(errors) = error.clone().into_server_errors() else {
            if self.stop.is_stopped() {
                return Error::new(ErrorKind::STOPPING, format!("Stopped while writing to {server}")).caused_by(error);
            }
            return Error::retriable(format!("{server} did not answer: {error}")).caused_by(error);
        };
        // A transaction was refused as a whole: the first reason stands for all.
        match errors.first().map_or(Verdict::Later, |(_, error)| self.verdict(error)) {
            Verdict::Later => Error::retriable(format!("{server} cannot write at present: {error}")),
            Verdict::Never(advice) => Error::fatal(format!("{server} refuses to write: {error}{advice}")),
            Verdict::Record => Error::fatal(format!("{server} refuses a transaction: {error}")),
        }
    }
}

/// What an answer of the server means.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    /// The same may work later.
    Later,
    /// No record will be taken; with advice.
    Never(String),
    /// This one record is at fault.
    Record,
}

fn verdict(error: &ServerError) -> Verdict {
    let code = error.code();
    if passes(code) || code == "EXECABORT" {
        return Verdict::Later;
    }
    if let Some(advice) = login_advice(code) {
        return Verdict::Never(advice);
    }
    match error.details() {
        Some(details) if details.starts_with("unknown command") => Verdict::Never(module_of(details)),
        _ => Verdict::Record,
    }
}

/// What the server lacks, for a command that it does not know.
fn module_of(details: &str) -> String {
    let module = if details.contains("JSON.") {
        "RedisJSON"
    } else if details.contains("TS.") {
        "RedisTimeSeries"
    } else {
        return String::new();
    };
    format!("; the server needs the module {module}, or {} another value", keys::TYPE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::Arguments;
    use crate::servers::{Redis, cluster};

    #[test]
    fn a_batch_under_way_is_finished_though_the_task_should_end() {
        let (alone, nodes) = (Redis::start(), cluster());
        let time = Duration::from_secs(10);
        let of_cluster = Server { cluster: true, ..Server::local(nodes[0].port, time) };
        let alone = std::slice::from_ref(&alone);
        for (servers, server) in [(alone, Server::local(alone[0].port, time)), (&nodes[..], of_cluster)] {
            let (what, most) = (server.to_string(), server.most_commands());
            let stop = StopSignal::default();
            let mut writer = Writer::connect(server, Delivery::default(), &stop).unwrap();
            let set = |writer: &mut Writer, place: usize| {
                let arguments = |all: &mut Arguments<'_>| {
                    all.add_number(place).add(b"v");
                    Ok(())
                };
                writer.write(place, |commands| commands.add("SET", arguments))
            };
            // However slow the machine is, it is under way.
            writer.finished_within = Duration::from_secs(60);
            writer.begin();
            let count = 2 * most + 1;
            for place in 0..count {
                if place == most {
                    stop.stop();
                }
                set(&mut writer, place).unwrap();
            }
            assert!(writer.finish(&[]).unwrap().is_empty(), "{what}");
            let written = || servers.iter().map(|server| server.ask::<usize>(&["DBSIZE"])).sum::<usize>();
            assert_eq!(written(), count, "{what}");
            // One that takes too long is not.
            writer.finished_within = Duration::ZERO;
            writer.begin();
            set(&mut writer, count).unwrap();
            let error = writer.finish(&[]).unwrap_err();
            assert_eq!((error.kind(), written()), (ErrorKind::STOPPING, count), "{what}");
        }
    }
}
