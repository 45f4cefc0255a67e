//! Connections to one Redis server or to a cluster.

use crate::commands::Commands;
use crate::tls::Tls;
use crate::{VERSION, keys};
use ferroconnect_plugin_sdk::{Error, ErrorKind, StopSignal, warn};
use redis::cluster::{ClusterClient, ClusterConnection, ClusterPipeline};
use redis::io::tcp::{TcpSettings, socket2::TcpKeepalive};
use redis::{
    Client, Cmd, ConnectionAddr, ConnectionInfo, IntoConnectionInfo, RedisConnectionInfo, RedisError, RedisResult,
    ServerError, ServerErrorKind, Value,
};
use std::fmt;
use std::time::Duration;

/// The longest pause between two attempts.
const LONGEST_DELAY: Duration = Duration::from_secs(60);
/// How long the cluster client looks for the right node itself, in milliseconds per attempt; the rest is the worker's.
const CLUSTER_RETRY: u64 = 200;

/// A server and how to speak to it.
#[derive(Debug, Clone)]
pub(crate) struct Server {
    /// Where it is: one place, or those of a cluster to ask first. Never empty.
    pub(crate) nodes: Vec<(String, u16)>,
    /// Whether it is a cluster.
    pub(crate) cluster: bool,
    /// The number of the database.
    pub(crate) database: i64,
    /// Who to be; none = the default user without a password.
    pub(crate) login: Option<Login>,
    /// TLS, where it is wanted.
    pub(crate) tls: Option<Tls>,
    /// How long to wait for a connection; none = as long as the system does.
    pub(crate) connect_timeout: Option<Duration>,
    /// How long to wait for an answer; none = without end.
    pub(crate) timeout: Option<Duration>,
    /// TCP_NODELAY.
    pub(crate) no_delay: bool,
    /// SO_KEEPALIVE.
    pub(crate) keep_alive: bool,
    /// How often to try at start, at least 1.
    pub(crate) attempts: u32,
    /// How long to wait before the second attempt.
    pub(crate) delay: Duration,
}

/// A user and password. The debug form shows no password.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Login {
    /// The user; none = the default one.
    pub(crate) user: Option<String>,
    /// The password.
    pub(crate) password: String,
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login").field("user", &self.user).finish_non_exhaustive()
    }
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.cluster { "the Redis Cluster at " } else { "Redis at " })?;
        for (number, (host, port)) in self.nodes.iter().enumerate() {
            write!(f, "{}{host}:{port}", if number > 0 { ", " } else { "" })?;
        }
        Ok(())
    }
}

impl Server {
    /// How many commands are sent together at most. A node of a cluster that falls silent is waited for once for each of
    /// them, as its answers are read by the client library.
    pub(crate) fn most_commands(&self) -> usize {
        if self.cluster { 100 } else { 5_000 }
    }

    /// What to do about an answer that names another node. None for other answers, and in a cluster, where nodes take
    /// over from each other.
    pub(crate) fn redirected(&self, code: &str) -> Option<String> {
        let advice =
            || format!("; it belongs to a cluster: set {}=true ({}=Cluster)", keys::CLUSTER, keys::CLIENT_MODE);
        (!self.cluster && matches!(code, "MOVED" | "ASK")).then(advice)
    }

    /// Connects, once.
    pub(crate) fn connect(&self) -> RedisResult<Connection> {
        if self.cluster { self.connect_cluster() } else { self.connect_single() }
    }

    /// Connects, in as many attempts as there may be. Ends at once when the task should.
    ///
    /// # Errors
    /// A fatal error that names the server and the cause.
    pub(crate) fn connect_patiently(&self, stop: &StopSignal) -> Result<Connection, Error> {
        let mut delay = self.delay;
        let mut attempt = 1;
        loop {
            let error = match self.connect() {
                Ok(connection) => return Ok(connection),
                Err(error) => error,
            };
            if attempt >= self.attempts || is_hopeless(&error) {
                return Err(self.unreachable(ErrorKind::FATAL, &error));
            }
            warn!("Cannot connect to {self}: {error}; attempt {attempt} of {}, next in {delay:?}", self.attempts);
            if stop.wait_or_stop(delay) {
                return Err(Error::new(ErrorKind::STOPPING, format!("Stopped while connecting to {self}")));
            }
            attempt += 1;
            delay = (delay * 2).min(LONGEST_DELAY);
        }
    }

    /// The error of a connection that could not be made.
    pub(crate) fn unreachable(&self, kind: ErrorKind, cause: &RedisError) -> Error {
        let advice = if cause.code() == Some("NOAUTH") {
            format!("; it wants a password: set {}", keys::PASSWORD)
        } else {
            String::new()
        };
        Error::new(kind, format!("Cannot connect to {self}: {cause}{advice}"))
    }

    fn info(&self, (host, port): &(String, u16)) -> RedisResult<ConnectionInfo> {
        let (host, port) = (host.clone(), *port);
        let address = match &self.tls {
            None => ConnectionAddr::Tcp(host, port),
            Some(tls) => ConnectionAddr::TcpTls { host, port, insecure: tls.insecure, tls_params: None },
        };
        let mut redis = RedisConnectionInfo::default().set_db(self.database).set_lib_name("ferroconnect", VERSION);
        if let Some(login) = &self.login {
            redis = redis.set_password(&login.password);
            if let Some(user) = &login.user {
                redis = redis.set_username(user);
            }
        }
        let mut tcp = TcpSettings::default().set_nodelay(self.no_delay);
        if self.keep_alive {
            tcp = tcp.set_keepalive(TcpKeepalive::new());
        }
        Ok(address.into_connection_info()?.set_redis_settings(redis).set_tcp_settings(tcp))
    }

    fn connect_single(&self) -> RedisResult<Connection> {
        let info = self.info(&self.nodes[0])?;
        let client = match &self.tls {
            Some(tls) => Client::build_with_tls(info, tls.certificates.clone())?,
            None => Client::open(info)?,
        };
        let connection = match self.connect_timeout {
            Some(timeout) => client.get_connection_with_timeout(timeout)?,
            None => client.get_connection()?,
        };
        connection.set_read_timeout(self.timeout)?;
        connection.set_write_timeout(self.timeout)?;
        let mut connection = Connection { link: Link::Single { connection: Box::new(connection), posted: 0 } };
        connection.greet()?;
        Ok(connection)
    }

    fn connect_cluster(&self) -> RedisResult<Connection> {
        let nodes: RedisResult<Vec<ConnectionInfo>> = self.nodes.iter().map(|node| self.info(node)).collect();
        let mut builder = ClusterClient::builder(nodes?).max_retry_wait(CLUSTER_RETRY).retries(self.attempts);
        if let Some(timeout) = self.connect_timeout {
            builder = builder.connection_timeout(timeout);
        }
        if let Some(timeout) = self.timeout {
            builder = builder.response_timeout(timeout);
        }
        let connection = builder.build()?.get_connection()?;
        connection.set_write_timeout(self.timeout)?;
        Ok(Connection { link: Link::Cluster { connection: Box::new(connection), posted: ClusterPipeline::new() } })
    }
}

/// Whether another attempt would end alike: the server was reached, and wants something else.
fn is_hopeless(error: &RedisError) -> bool {
    use redis::ErrorKind::{AuthenticationFailed, InvalidClientConfig, Server};
    matches!(error.kind(), AuthenticationFailed | InvalidClientConfig | Server(ServerErrorKind::ResponseError))
        || matches!(error.code(), Some("NOAUTH" | "WRONGPASS" | "NOPERM"))
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
        connection: Box<ClusterConnection>,
        /// What was posted: the client library finds the node of each, and waits for the answers at once.
        posted: ClusterPipeline,
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

impl Connection {
    /// Sends one command. None may be without an answer before it.
    pub(crate) fn request(&mut self, command: &Cmd) -> RedisResult<Value> {
        match &mut self.link {
            Link::Single { connection, .. } => command.query(connection),
            Link::Cluster { connection, .. } => command.query(connection.as_mut()),
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
            Link::Cluster { connection, posted } => {
                let failures = send_to_cluster(connection, posted);
                posted.clear();
                failures
            }
        }
    }

    /// Makes sure that the server takes commands from this user. A user who may not ping may still write.
    fn greet(&mut self) -> RedisResult<()> {
        match self.request(&redis::cmd("PING")) {
            Err(error) if error.code() != Some("NOPERM") => Err(error),
            _ => Ok(()),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_for_a_server_ends_with_the_task() {
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let minute = Duration::from_secs(60);
        let server = Server {
            nodes: vec![("127.0.0.1".into(), port)],
            cluster: false,
            database: 0,
            login: None,
            tls: None,
            connect_timeout: Some(minute),
            timeout: Some(minute),
            no_delay: true,
            keep_alive: true,
            attempts: 9,
            delay: minute,
        };
        let stop = StopSignal::default();
        let seen = stop.clone();
        let waiting = std::thread::spawn(move || server.connect_patiently(&seen).unwrap_err());
        let told = std::time::Instant::now();
        stop.stop();
        assert_eq!(waiting.join().unwrap().kind(), ErrorKind::STOPPING);
        assert!(told.elapsed() < minute / 2);
    }

    #[test]
    fn secrets_are_not_shown() {
        let login = Login { user: Some("ann".into()), password: "hunter2".into() };
        assert_eq!(format!("{login:?}"), r#"Login { user: Some("ann"), .. }"#);
    }
}
