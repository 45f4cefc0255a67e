//! Real Redis servers, each on a free port with a folder of its own, gone at the end of the test.
#![allow(dead_code, clippy::unwrap_used, reason = "each test program uses a part of it; tests")]

use redis::{Cmd, FromRedisValue};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(20);

/// A port that nobody listens on.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A server. It ends with this value.
pub(crate) struct Redis {
    process: Child,
    arguments: Vec<String>,
    pub(crate) directory: tempfile::TempDir,
    pub(crate) port: u16,
}

impl Redis {
    /// A server that keeps nothing on disk.
    pub(crate) fn start() -> Redis {
        Redis::with(&[])
    }

    /// A server on this port.
    pub(crate) fn on(port: u16) -> Redis {
        Redis::running(port, vec!["--port".to_owned(), port.to_string()], tempfile::tempdir().unwrap())
    }

    /// A server with more arguments.
    pub(crate) fn with(arguments: &[&str]) -> Redis {
        let port = free_port();
        let mut all = vec!["--port".to_owned(), port.to_string()];
        all.extend(arguments.iter().map(|argument| (*argument).to_owned()));
        Redis::running(port, all, tempfile::tempdir().unwrap())
    }

    /// A server that speaks TLS only, with the files `cert.pem`, `key.pem` and `ca.pem` of this folder.
    pub(crate) fn with_tls(directory: tempfile::TempDir, clients: &str) -> Redis {
        let port = free_port();
        let file = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
        let arguments =
            ["--port", "0", "--tls-port", &port.to_string(), "--tls-auth-clients", clients].map(str::to_owned);
        let files = [("--tls-cert-file", "cert.pem"), ("--tls-key-file", "key.pem"), ("--tls-ca-cert-file", "ca.pem")];
        let files = files.into_iter().flat_map(|(argument, name)| [argument.to_owned(), file(name)]);
        let all = arguments.into_iter().chain(files).collect();
        Redis::running(port, all, directory)
    }

    fn running(port: u16, arguments: Vec<String>, directory: tempfile::TempDir) -> Redis {
        let process = spawn(&arguments, &directory);
        let redis = Redis { process, arguments, directory, port };
        redis.await_open();
        redis
    }

    /// Until it listens; commands may still be refused while it loads.
    fn await_open(&self) {
        let listens = || std::net::TcpStream::connect(("127.0.0.1", self.port)).is_ok();
        until("redis-server listens", listens);
    }

    /// Ends it by SIGKILL.
    pub(crate) fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// Keeps it from doing anything; its connections stay open.
    pub(crate) fn freeze(&self) {
        let frozen = Command::new("kill").args(["-STOP", &self.process.id().to_string()]).status();
        assert!(frozen.unwrap().success());
    }

    /// Starts it again after [`Redis::kill`], with what it has on disk.
    pub(crate) fn start_again(&mut self) {
        self.process = spawn(&self.arguments, &self.directory);
        self.await_open();
    }

    pub(crate) fn port_text(&self) -> String {
        self.port.to_string()
    }

    pub(crate) fn connection(&self) -> redis::Connection {
        redis::Client::open(("127.0.0.1", self.port)).unwrap().get_connection().unwrap()
    }

    /// Asks one question.
    pub(crate) fn ask<T: FromRedisValue>(&self, question: &[&str]) -> T {
        command(question).query(&mut self.connection()).unwrap()
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        // It may be gone already.
        let _killed = self.process.kill();
        let _ended = self.process.wait();
    }
}

fn spawn(arguments: &[String], directory: &tempfile::TempDir) -> Child {
    let mut server = Command::new("redis-server");
    server.args(["--bind", "127.0.0.1", "--save", "", "--dir"]).arg(directory.path()).args(arguments);
    let started = server.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    started
        .unwrap_or_else(|error| panic!("redis-server cannot be started ({error}); on Debian: apt install redis-server"))
}

/// Three nodes with a third of the slots each.
pub(crate) fn cluster() -> Vec<Redis> {
    let node = |_| {
        let bus = free_port().to_string();
        (Redis::with(&["--cluster-enabled", "yes", "--cluster-port", &bus]), bus)
    };
    let nodes: Vec<_> = (0..3).map(node).collect();
    let slots = [("0", "5460"), ("5461", "10922"), ("10923", "16383")];
    for ((node, _), (first, last)) in nodes.iter().zip(slots) {
        node.ask::<()>(&["CLUSTER", "ADDSLOTSRANGE", first, last]);
        for (other, bus) in &nodes {
            node.ask::<()>(&["CLUSTER", "MEET", "127.0.0.1", &other.port_text(), bus]);
        }
    }
    let ready = |node: &Redis| {
        let info: String = node.ask(&["CLUSTER", "INFO"]);
        info.contains("cluster_state:ok")
            && info.contains("cluster_known_nodes:3")
            && info.contains("cluster_slots_ok:16384")
    };
    until("the cluster is ready", || nodes.iter().all(|(node, _)| ready(node)));
    nodes.into_iter().map(|(node, _)| node).collect()
}

/// A command of these words.
pub(crate) fn command(words: &[&str]) -> Cmd {
    let mut command = Cmd::new();
    for word in words {
        command.arg(word);
    }
    command
}

/// Waits for a condition.
pub(crate) fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < deadline, "not within {PATIENCE:?}: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
