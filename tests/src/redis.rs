//! A Redis server with a folder and a port of its own.

use crate::process::Process;
use crate::wait::until;
use std::process::Command;
use tempfile::TempDir;

/// A server that keeps everything in memory; ends with this value.
#[derive(Debug)]
pub struct Redis {
    _process: Process,
    _directory: TempDir,
    port: u16,
}

impl Redis {
    /// Starts one that listens on this port of 127.0.0.1, and waits until it answers.
    pub fn start(port: u16) -> Redis {
        let directory = tempfile::tempdir().expect("a temporary folder can be made");
        let mut server = Command::new("redis-server");
        server.args(["--bind", "127.0.0.1", "--port", &port.to_string(), "--save", "", "--dir"]).arg(directory.path());
        let process = Process::start(server, directory.path(), "redis");
        let redis = Redis { _process: process, _directory: directory, port };
        until("Redis answers", || redis.ask(&["PING"]) == "PONG");
        redis
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// What its own client prints for a command.
    pub fn ask(&self, command: &[&str]) -> String {
        let port = self.port.to_string();
        let answer = Command::new("redis-cli").args(["-p", &port]).args(command).output();
        String::from_utf8_lossy(&answer.expect("redis-cli can be run").stdout).trim_end().to_owned()
    }
}
