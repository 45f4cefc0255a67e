//! Steady requests at a given rate, whether or not earlier ones have been answered.

use super::{Options, name};
use ferroconnect_e2e::rest::RestClient;
use std::thread;
use std::time::{Duration, Instant};

/// Clients that send side by side, each over a connection of its own.
const CLIENTS: u32 = 20;

/// How the requests went.
#[derive(Default)]
pub(crate) struct Load {
    /// From the moment a request was due until its answer, so that a worker that falls behind is seen to.
    pub(crate) times: Vec<Duration>,
    /// What was wrong with answers other than 200.
    pub(crate) failed: Vec<String>,
}

/// Sends requests as the options say: connectors and their statuses, configs and tasks, in turns.
pub(crate) fn run(options: &Options, base: &str) -> Load {
    let pause = Duration::from_secs(1) * CLIENTS / options.requests;
    let each = options.requests * options.seconds / CLIENTS;
    let begun = Instant::now();
    let mut all = Load::default();
    thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|client| {
                scope.spawn(move || one(options, base, client, begun + pause * client / CLIENTS, pause, each))
            })
            .collect();
        for client in clients {
            let load = client.join().expect("clients do not panic");
            all.times.extend(load.times);
            all.failed.extend(load.failed);
        }
    });
    all
}

fn one(options: &Options, base: &str, client: u32, begin: Instant, pause: Duration, requests: u32) -> Load {
    let rest = RestClient::new(base);
    let mut load = Load::default();
    for n in 0..requests {
        let due = begin + pause * n;
        thread::sleep(due.saturating_duration_since(Instant::now()));
        let path = path(n, name((n * CLIENTS + client) % options.connectors));
        match rest.call("GET", &path, &[("accept", "application/json")], None) {
            Ok(answer) if answer.status == 200 => load.times.push(due.elapsed()),
            Ok(answer) => load.failed.push(format!("{path}: {} {}", answer.status, answer.text)),
            Err(error) => load.failed.push(error),
        }
    }
    load
}

fn path(n: u32, connector: String) -> String {
    match n % 5 {
        0 => format!("/connectors/{connector}/status"),
        1 => format!("/connectors/{connector}"),
        2 => format!("/connectors/{connector}/tasks/0/status"),
        3 => format!("/connectors/{connector}/config"),
        _ => "/connectors".to_owned(),
    }
}
