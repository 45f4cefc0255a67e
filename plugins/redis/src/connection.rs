//! A connection to one Redis server or to a cluster, and what is sent over it.

use crate::commands::Commands;
use crate::server::Server;
use ferroconnect_plugin_sdk::StopSignal;
use redis::cluster::{ClusterConnection, ClusterPipeline};
use redis::{Cmd, RedisResult, ServerError, ServerErrorKind, Value};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// What takes longer is broken off when the task should end. What is shorter is finished: a batch that is left half written
/// is written again later, and lists and streams have it twice then; an entry that is not acknowledged comes again.
pub(crate) const FINISHED_WITHIN: Duration = Duration::from_secs(1);

/// How long one exchange with a cluster may take. The library waits for a node that is silent once for each command that it
/// was sent, and again for what has moved; only from outside this can be held to a measure.
#[derive(Debug)]
pub(crate) struct Bounds {
    /// The cluster, which says how long it may take in all.
    pub(crate) server: Arc<Server>,
    /// What ends it early. Each exchange has [`FINISHED_WITHIN`] then, also one that is begun later: the worker tells of
    /// what Kafka has after it has told the task to end, and may have waited for Kafka in between.
    pub(crate) stop: StopSignal,
}

impl Bounds {
    /// Does `work` with the connection, which is gone where that takes too long.
    fn exchange<T: Send + 'static>(
        &self,
        connection: &mut Option<Box<ClusterConnection>>,
        work: impl FnOnce(&mut ClusterConnection) -> RedisResult<T> + Send + 'static,
    ) -> RedisResult<T> {
        let mut taken = connection.take().expect("no connection is used after an error");
        let server = Arc::clone(&self.server);
        let done = self.server.apart.run(self.server.patience(), FINISHED_WITHIN, &self.stop, move || {
            let result = work(&mut taken).map_err(|error| match error.kind() {
                redis::ErrorKind::AuthenticationFailed => server.explain(error),
                _ => error,
            });
            (taken, result)
        });
        match done {
            Ok((taken, result)) => {
                *connection = Some(taken);
                result
            }
            Err(left) => Err((redis::ErrorKind::Io, "the cluster was given up", left.to_string()).into()),
        }
    }
}

/// A connection. After an error of any kind but [`Failure`] it must not be used again.
pub(crate) struct Connection {
    link: Link,
}

enum Link {
    Single {
        connection: Box<redis::Connection>,
        /// How many commands were posted and have no answer yet.
        posted: usize,
    },
    Cluster {
        /// None after an exchange that was not waited for any more.
        connection: Option<Box<ClusterConnection>>,
        /// What was posted: the client library finds the node of each, and waits for the answers at once.
        posted: ClusterPipeline,
        bounds: Bounds,
    },
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").finish_non_exhaustive()
    }
}

/// A command that the server refused, by its place in what was sent.
#[derive(Debug)]
pub(crate) struct Failure {
    /// The place, from 0.
    pub(crate) index: usize,
    /// The server's answer.
    pub(crate) error: ServerError,
}

impl From<redis::Connection> for Connection {
    fn from(connection: redis::Connection) -> Connection {
        Connection { link: Link::Single { connection: Box::new(connection), posted: 0 } }
    }
}

impl Connection {
    /// One to a cluster.
    pub(crate) fn to_cluster(connection: ClusterConnection, bounds: Bounds) -> Connection {
        let connection = Some(Box::new(connection));
        Connection { link: Link::Cluster { connection, posted: ClusterPipeline::new(), bounds } }
    }

    /// Sends one command. None may be without an answer before it.
    pub(crate) fn request(&mut self, command: &Cmd) -> RedisResult<Value> {
        match &mut self.link {
            Link::Single { connection, .. } => command.query(connection),
            Link::Cluster { connection, bounds, .. } => {
                let command = command.clone();
                bounds.exchange(connection, move |connection| command.query(connection))
            }
        }
    }

    /// Sends commands, and does not wait for their answers. With `begins` these and all that follow until
    /// [`Connection::answers`] are one transaction (never in a cluster).
    ///
    /// # Errors
    /// If it is not known what became of the commands.
    pub(crate) fn post(&mut self, commands: &Commands, begins: bool) -> RedisResult<()> {
        match &mut self.link {
            Link::Single { connection, posted } => {
                if begins {
                    connection.send_packed_command(&redis::cmd("MULTI").get_packed_command())?;
                }
                *posted += commands.count();
                connection.send_packed_command(commands.bytes())
            }
            Link::Cluster { posted, .. } => {
                for command in commands.one_by_one()? {
                    posted.add_command(command);
                }
                Ok(())
            }
        }
    }

    /// The commands that failed among those posted since the last call; `atomic` = they are a transaction, which ends
    /// with this.
    ///
    /// # Errors
    /// If it is not known what became of the commands, or if the transaction was refused as a whole.
    pub(crate) fn answers(&mut self, atomic: bool) -> RedisResult<Vec<Failure>> {
        match &mut self.link {
            Link::Single { connection, posted } => {
                let count = std::mem::take(posted);
                if atomic { executed(connection, count) } else { failed(connection, count) }
            }
            Link::Cluster { connection, posted, bounds } => {
                let posted = std::mem::take(posted);
                bounds.exchange(connection, move |connection| send_to_cluster(connection, &posted))
            }
        }
    }
}

/// The failures among so many answers. Ends with the first answer that does not come: a pipeline of the client library
/// would wait for every one that is left as long as for that one.
fn failed(connection: &mut redis::Connection, count: usize) -> RedisResult<Vec<Failure>> {
    let mut failures = Vec::new();
    for index in 0..count {
        if let Value::ServerError(error) = connection.recv_response()? {
            failures.push(Failure { index, error });
        }
    }
    Ok(failures)
}

/// Ends the transaction of so many commands, and gives those that failed in it.
fn executed(connection: &mut redis::Connection, count: usize) -> RedisResult<Vec<Failure>> {
    connection.send_packed_command(&redis::cmd("EXEC").get_packed_command())?;
    // The answers to MULTI and to each command, which only say whether it was taken.
    let refused = failed(connection, count + 1)?;
    let outcome = connection.recv_response()?;
    // What refused one of them is the reason; EXEC only tells that there was one.
    if let Some(Failure { error, .. }) = refused.into_iter().next() {
        return Err(error.into());
    }
    match outcome {
        Value::ServerError(error) => Err(error.into()),
        Value::Array(results) => {
            let failure = |(index, result)| match result {
                Value::ServerError(error) => Some(Failure { index, error }),
                _ => None,
            };
            Ok(results.into_iter().enumerate().filter_map(failure).collect())
        }
        _ => Err((redis::ErrorKind::UnexpectedReturnType, "EXEC got an answer of unknown form").into()),
    }
}

fn failures(outcome: RedisResult<()>) -> RedisResult<Vec<Failure>> {
    let Err(error) = outcome else { return Ok(Vec::new()) };
    match error.clone().into_server_errors() {
        Some(errors) => {
            Ok(errors.iter().map(|(index, error)| Failure { index: *index, error: error.clone() }).collect())
        }
        None => Err(error),
    }
}

/// What has moved to another node in the meantime is sent there, in order.
fn send_to_cluster(connection: &mut ClusterConnection, pipeline: &ClusterPipeline) -> RedisResult<Vec<Failure>> {
    let mut left = Vec::new();
    for failure in failures(pipeline.exec(connection))? {
        let moved = matches!(failure.error.kind(), Some(ServerErrorKind::Moved | ServerErrorKind::Ask));
        if !moved {
            left.push(failure);
            continue;
        }
        let command = pipeline.cmd_iter().nth(failure.index).expect("a failure is that of a command that was sent");
        left.extend(
            failures(command.exec(connection))?.into_iter().map(|again| Failure { index: failure.index, ..again }),
        );
    }
    Ok(left)
}
