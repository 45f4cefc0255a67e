//! A server or cluster, and the way there.

use crate::apart::{Apart, Left};
use crate::connection::{Bounds, Connection};
use crate::tls::Tls;
use crate::{VERSION, keys};
use ferroconnect_plugin_sdk::{Error, ErrorKind, StopSignal, warn};
use redis::ErrorKind::AuthenticationFailed;
use redis::cluster::ClusterClient;
use redis::io::tcp::{TcpSettings, socket2::TcpKeepalive};
use redis::{
    Client, Cmd, ConnectionAddr, ConnectionInfo, ConnectionLike as _, IntoConnectionInfo, RedisConnectionInfo,
    RedisError, RedisResult, ServerErrorKind,
};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// The longest pause between two attempts.
const LONGEST_DELAY: Duration = Duration::from_secs(60);
/// A connection that is silent for so long is probed by the system, so often, until there is an answer or it is given up.
const PROBED_AFTER: Duration = Duration::from_secs(30);
const PROBED_EVERY: Duration = Duration::from_secs(10);
/// How long the cluster client looks for the right node itself, in milliseconds per attempt; the rest is the worker's.
const CLUSTER_RETRY: u64 = 200;

/// A host and a port.
type Node = (String, u16);

/// A server and how to speak to it.
#[derive(Debug, Clone)]
pub(crate) struct Server {
    /// Where it is: one place, or those of a cluster to ask first. Never empty.
    pub(crate) nodes: Vec<Node>,
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
    /// How often to try at start, at least 1.
    pub(crate) attempts: u32,
    /// How long to wait before the second attempt.
    pub(crate) delay: Duration,
    /// Where attempts are made, as some of them never end.
    pub(crate) apart: Apart,
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
    /// How many commands are sent together at most. To a cluster they are fewer, as an exchange with it is limited in time
    /// and given up as a whole.
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

    /// Connects, once. Ends at once when the task should.
    ///
    /// # Errors
    /// A retriable one where another attempt may do better, a fatal one where it would end alike.
    pub(crate) fn connect(&self, stop: &StopSignal) -> Result<Connection, Error> {
        let (server, seen) = (self.clone(), stop.clone());
        let work = move || if server.cluster { server.connect_cluster(seen) } else { server.connect_single() };
        match self.apart.run(self.patience(), Duration::ZERO, stop, work) {
            Ok(Ok(connection)) => Ok(connection),
            Ok(Err(error)) => Err(self.unreachable(&error)),
            Err(Left::Stopped) => Err(Error::new(ErrorKind::STOPPING, format!("Stopped while connecting to {self}"))),
            Err(left) => Err(Error::retriable(format!("Cannot connect to {self}: {left}"))),
        }
    }

    /// Connects, in as many attempts as there may be. Ends at once when the task should.
    ///
    /// # Errors
    /// A fatal error that names the server and the cause.
    pub(crate) fn connect_patiently(&self, stop: &StopSignal) -> Result<Connection, Error> {
        let mut delay = self.delay;
        let mut attempt = 1;
        loop {
            let error = match self.connect(stop) {
                Err(error) if error.kind() == ErrorKind::RETRIABLE => error,
                done => return done,
            };
            if attempt >= self.attempts {
                return Err(Error::fatal(error.message()));
            }
            warn!("{error}; attempt {attempt} of {}, next in {delay:?}", self.attempts);
            if stop.wait_or_stop(delay) {
                return Err(Error::new(ErrorKind::STOPPING, format!("Stopped while connecting to {self}")));
            }
            attempt += 1;
            delay = (delay * 2).min(LONGEST_DELAY);
        }
    }

    /// How long connecting may take in all, for the way there and for the answers; in a cluster more nodes than one are
    /// asked, also later in each exchange. None = without end.
    pub(crate) fn patience(&self) -> Option<Duration> {
        let once = self.connect_timeout?.checked_add(self.timeout?)?;
        if self.cluster { once.checked_mul(2) } else { Some(once) }
    }

    /// The error of a connection that could not be made.
    fn unreachable(&self, cause: &RedisError) -> Error {
        let kind = if is_hopeless(cause) { ErrorKind::FATAL } else { ErrorKind::RETRIABLE };
        let advice = cause.code().and_then(login_advice).unwrap_or_default();
        Error::new(kind, format!("Cannot connect to {self}: {cause}{advice}"))
    }

    fn info(&self, (host, port): &Node) -> RedisResult<ConnectionInfo> {
        let (host, port) = (host.clone(), *port);
        let address = match &self.tls {
            None => ConnectionAddr::Tcp(host, port),
            Some(tls) => ConnectionAddr::TcpTls { host, port, insecure: tls.insecure, tls_params: None },
        };
        let redis = RedisConnectionInfo::default().set_lib_name("ferroconnect", VERSION);
        // What a server that fell silent has not got must not reach it behind what a later connection has written: with
        // this nothing is sent any more once a connection is given up.
        let tcp = TcpSettings::default().set_nodelay(self.no_delay).set_linger_time(Duration::ZERO);
        // The handshake of TLS has no time-out. Where the machine at the other end is gone, this ends it, and with it the
        // thread that it keeps.
        let tcp = tcp.set_keepalive(TcpKeepalive::new().with_time(PROBED_AFTER).with_interval(PROBED_EVERY));
        Ok(address.into_connection_info()?.set_redis_settings(redis).set_tcp_settings(tcp))
    }

    fn connect_single(&self) -> RedisResult<Connection> {
        Ok(self.connect_to(&self.nodes[0])?.into())
    }

    fn connect_to(&self, node: &Node) -> RedisResult<redis::Connection> {
        let info = self.info(node)?;
        let client = match &self.tls {
            Some(tls) => Client::build_with_tls(info, tls.certificates.clone())?,
            None => Client::open(info)?,
        };
        let mut connection = match self.connect_timeout {
            Some(timeout) => client.get_connection_with_timeout(timeout)?,
            None => client.get_connection()?,
        };
        connection.set_read_timeout(self.timeout)?;
        connection.set_write_timeout(self.timeout)?;
        self.greet(&mut connection)?;
        Ok(connection)
    }

    /// Logs in, and makes sure that the server takes commands from this user. Not left to the client library, which
    /// tells every error of a login alike, so that a server with too many clients would seem to refuse the password.
    fn greet(&self, connection: &mut redis::Connection) -> RedisResult<()> {
        let ask = |connection: &mut redis::Connection, command: &Cmd| connection.req_command(command)?.extract_error();
        if let Some(Login { user, password }) = &self.login {
            let mut login = redis::cmd("AUTH");
            login.arg(user.as_deref()).arg(password);
            ask(connection, &login)?;
            for (part, text) in [("LIB-NAME", "ferroconnect"), ("LIB-VER", VERSION)] {
                // Only who is logged in may say so; servers before 7.2 do not know it.
                connection.req_command(redis::cmd("CLIENT").arg("SETINFO").arg(part).arg(text))?;
            }
        }
        if self.database != 0 {
            ask(connection, redis::cmd("SELECT").arg(self.database))?;
        }
        match ask(connection, &redis::cmd("PING")) {
            // A user who may not ping may still write.
            Err(error) if error.code() != Some("NOPERM") => Err(error),
            _ => Ok(()),
        }
    }

    fn connect_cluster(&self, stop: StopSignal) -> RedisResult<Connection> {
        let nodes: RedisResult<Vec<ConnectionInfo>> = self.nodes.iter().map(|node| self.info(node)).collect();
        let mut builder = ClusterClient::builder(nodes?).max_retry_wait(CLUSTER_RETRY).retries(self.attempts);
        if let Some(timeout) = self.connect_timeout {
            builder = builder.connection_timeout(timeout);
        }
        if let Some(timeout) = self.timeout {
            builder = builder.response_timeout(timeout);
        }
        if let Some(Login { user, password }) = &self.login {
            builder = builder.password(password);
            if let Some(user) = user {
                builder = builder.username(user);
            }
        }
        let connection = builder.build()?.get_connection().map_err(|error| self.explain(error))?;
        connection.set_write_timeout(self.timeout)?;
        Ok(Connection::to_cluster(connection, Bounds { server: Arc::new(self.clone()), stop }))
    }

    /// What is behind an error of the cluster client, which does not tell what a node answered to a login. Of kind
    /// `AuthenticationFailed` exactly where a node that is asked alone refuses for good.
    pub(crate) fn explain(&self, error: RedisError) -> RedisError {
        let mut nodes = self.nodes.clone();
        let mut asked = 0;
        while let Some(node) = nodes.get(asked).cloned() {
            asked += 1;
            match self.connect_to(&node) {
                Ok(mut connection) => {
                    let more = primaries(&mut connection);
                    nodes.extend(more.into_iter().filter(|other| !nodes.contains(other)).collect::<Vec<_>>());
                }
                Err(answer) if is_hopeless(&answer) => {
                    let advice = answer.code().and_then(login_advice).unwrap_or_default();
                    let detail = format!("{}:{} answers {answer}{advice}", node.0, node.1);
                    return (AuthenticationFailed, "refused by a node", detail).into();
                }
                // It says nothing about the login: it is down, or has too many clients.
                Err(_) => {}
            }
        }
        match error.kind() {
            AuthenticationFailed => {
                (redis::ErrorKind::Io, "no node refuses the login by itself", error.to_string()).into()
            }
            _ => error,
        }
    }
}

/// The primaries of its cluster that a node knows and does not take for lost; none where it does not tell.
fn primaries(node: &mut redis::Connection) -> Vec<Node> {
    let known: String = redis::cmd("CLUSTER").arg("NODES").query(node).unwrap_or_default();
    // <id> <host>:<port>@<bus>[,<name>] <flags> …
    let primary = |line: &str| {
        let mut words = line.split(' ').skip(1);
        let (place, flags) = (words.next()?, words.next()?);
        let (host, port) = place.split('@').next()?.rsplit_once(':')?;
        let flag = |is: fn(&str) -> bool| flags.split(',').any(is);
        // "fail?" is one that only this node misses.
        let serves = flag(|flag| flag == "master") && !flag(|flag| flag.starts_with("fail")) && !host.is_empty();
        serves.then_some((host.to_owned(), port.parse().ok()?))
    };
    known.lines().filter_map(primary).collect()
}

/// Whether an answer with this code is about the state of the server, so that the same may work later.
pub(crate) fn passes(code: &str) -> bool {
    matches!(
        code,
        "LOADING"
            | "TRYAGAIN"
            | "CLUSTERDOWN"
            | "MASTERDOWN"
            | "READONLY"
            | "BUSY"
            | "OOM"
            | "NOREPLICAS"
            | "MISCONF"
            | "MOVED"
            | "ASK"
            | "UNBLOCKED"
    )
}

/// What to do about an answer with this code, where it is about who asks.
pub(crate) fn login_advice(code: &str) -> Option<String> {
    let advice = match code {
        "NOAUTH" => format!("; it wants a password: set {}", keys::PASSWORD),
        "WRONGPASS" => format!("; check {} and {}", keys::USERNAME, keys::PASSWORD),
        "NOPERM" => format!("; the user of {} needs that right (ACL SETUSER)", keys::USERNAME),
        _ => return None,
    };
    Some(advice)
}

/// How answers without a code of their own begin that are about what was asked, in the versions of Redis. Any other may be
/// about the server or a proxy, as that there are too many clients.
const FINAL: [&str; 8] = [
    "DB index is out of range",
    "invalid DB index",
    "SELECT is not allowed in cluster mode",
    "AUTH <password> called without any password configured",
    "Client sent AUTH, but no password is set",
    "invalid password",
    "wrong number of arguments",
    "unknown command",
];

/// Whether another attempt would end alike: the server was reached, and wants something else.
fn is_hopeless(error: &RedisError) -> bool {
    use redis::ErrorKind::{InvalidClientConfig, Server};
    match error.kind() {
        AuthenticationFailed | InvalidClientConfig => true,
        Server(ServerErrorKind::ResponseError) => {
            error.detail().is_some_and(|why| FINAL.iter().any(|begin| why.starts_with(begin)))
        }
        _ => error.code().and_then(login_advice).is_some(),
    }
}

#[cfg(test)]
impl Server {
    /// One on this machine, without a login, and with this for all times.
    pub(crate) fn local(port: u16, time: Duration) -> Server {
        Server {
            nodes: vec![("127.0.0.1".into(), port)],
            cluster: false,
            database: 0,
            login: None,
            tls: None,
            connect_timeout: Some(time),
            timeout: Some(time),
            no_delay: true,
            attempts: 9,
            delay: time,
            apart: Apart::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use redis::TlsCertificates;

    /// Servers that take a connection and never say anything, as those of a machine that hangs.
    fn silent(port: u16, time: Duration) -> impl Iterator<Item = Server> {
        let certificates = TlsCertificates { client_tls: None, root_cert: None };
        let tls = move |on: bool| on.then(|| Tls { insecure: true, certificates: certificates.clone() });
        [(false, false), (false, true), (true, false), (true, true)]
            .into_iter()
            .map(move |(cluster, with_tls)| Server { cluster, tls: tls(with_tls), ..Server::local(port, time) })
    }

    fn in_time<T: Send + 'static>(what: &str, work: impl FnOnce() -> T + Send + 'static) -> T {
        let (says, hears) = std::sync::mpsc::channel();
        std::thread::spawn(move || says.send(work()));
        hears.recv_timeout(Duration::from_secs(30)).unwrap_or_else(|_| panic!("goes on and on: {what}"))
    }

    #[test]
    fn waiting_for_a_server_ends_with_the_task() {
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let server = Server::local(port, Duration::from_secs(60));
        let stop = StopSignal::default();
        let seen = stop.clone();
        let waiting = std::thread::spawn(move || server.connect_patiently(&seen).unwrap_err());
        stop.stop();
        let error = in_time("a pause between attempts", || waiting.join().unwrap());
        assert_eq!(error.kind(), ErrorKind::STOPPING);
    }

    #[test]
    fn a_server_that_says_nothing_is_waited_for_no_longer_than_told() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        for server in silent(listener.local_addr().unwrap().port(), Duration::from_millis(100)) {
            let what = format!("{server:?}");
            let error = in_time(&what, move || server.connect(&StopSignal::default()).unwrap_err());
            assert_eq!(error.kind(), ErrorKind::RETRIABLE, "{error}");
        }
    }

    #[test]
    fn connecting_to_a_server_that_says_nothing_ends_with_the_task() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        for server in silent(listener.local_addr().unwrap().port(), Duration::from_secs(600)) {
            let stop = StopSignal::default();
            let (what, seen) = (format!("{server:?}"), stop.clone());
            let connecting = std::thread::spawn(move || server.connect(&seen).unwrap_err());
            let _begun = listener.accept().unwrap();
            stop.stop();
            let error = in_time(&what, || connecting.join().unwrap());
            assert_eq!(error.kind(), ErrorKind::STOPPING, "{error}");
        }
    }

    #[test]
    fn only_what_cannot_get_better_by_itself_is_hopeless() {
        let answer = |kind, why: &str| RedisError::from((redis::ErrorKind::Server(kind), "an answer", why.to_owned()));
        for why in FINAL {
            assert!(is_hopeless(&answer(ServerErrorKind::ResponseError, why)), "{why}");
        }
        assert!(is_hopeless(&answer(ServerErrorKind::NoPerm, "no permissions to run the 'select' command")));
        for why in ["max number of clients reached", "server closed connection", ""] {
            assert!(!is_hopeless(&answer(ServerErrorKind::ResponseError, why)), "{why}");
        }
        assert!(!is_hopeless(&answer(ServerErrorKind::BusyLoading, "")));
        assert!(!is_hopeless(&std::io::Error::from(std::io::ErrorKind::ConnectionRefused).into()));
    }

    #[test]
    fn secrets_are_not_shown() {
        let login = Login { user: Some("ann".into()), password: "hunter2".into() };
        assert_eq!(format!("{login:?}"), r#"Login { user: Some("ann"), .. }"#);
    }
}
