//! Listing connectors, and the states of connectors and tasks.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use clap::Args;
use serde::Deserialize;
use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::client::{Answer, connector};
use super::failure::Failure;
use super::watch::WatchArgs;
use super::{Session, as_it_is};
use crate::cli::output::{printable, table};

const RUNNING: &str = "RUNNING";
const FAILED: &str = "FAILED";

/// Between two looks at a state that is waited for.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// How to list.
#[derive(Debug, Args)]
pub(super) struct ListArgs {
    #[command(flatten)]
    watch: WatchArgs,
}

/// What to show or wait for.
#[derive(Debug, Args)]
pub(super) struct StatusArgs {
    /// The connectors' names; all without one
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    #[command(flatten)]
    watch: WatchArgs,
    /// Wait at most this long until all of them and their tasks are in the wanted state; exit code 5 if they are not
    #[arg(long, value_name = "SECONDS", conflicts_with = "watch")]
    wait: Option<u64>,
    /// The state to wait for: running (with at least one task), paused or stopped
    #[arg(long, value_name = "STATE", requires = "wait", default_value = "running",
          value_parser = ["running", "paused", "stopped"])]
    until: String,
    /// End with exit code 5 if a connector or task has failed
    #[arg(long)]
    fail_on_failed: bool,
    /// Show errors in full
    #[arg(long)]
    trace: bool,
}

/// The states of a connector.
#[derive(Debug, Deserialize)]
pub(super) struct Status {
    pub(super) connector: State,
    pub(super) tasks: Vec<Task>,
    #[serde(default, rename = "type")]
    kind: String,
}

/// The state of a connector itself.
#[derive(Debug, Deserialize)]
pub(super) struct State {
    pub(super) state: String,
    worker_id: String,
    trace: Option<String>,
}

/// The state of a task.
#[derive(Debug, Deserialize)]
pub(super) struct Task {
    pub(super) id: u32,
    pub(super) state: String,
    worker_id: String,
    trace: Option<String>,
}

/// A connector in the list of all.
#[derive(Deserialize)]
struct Expanded {
    status: Option<Status>,
}

/// Connectors by name, in the order of names.
type Statuses = BTreeMap<String, Status>;

pub(super) async fn list(session: &Session, args: &ListArgs) -> Result<(), Failure> {
    args.watch
        .show(async || {
            let answer = session.client.get("/connectors?expand=status&expand=info").await?;
            if session.json { Ok(as_it_is(&answer)) } else { Ok(list_table(&expanded(&answer)?)) }
        })
        .await
}

pub(super) async fn status(session: &Session, args: &StatusArgs) -> Result<(), Failure> {
    if let Some(seconds) = args.wait {
        wait(session, args, Duration::from_secs(seconds)).await?;
    }
    let mut failed = None;
    args.watch
        .show(async || {
            let (statuses, json) = fetch(session, &args.names).await?;
            failed = first_failed(&statuses);
            Ok(if session.json { json } else { status_text(&statuses, args.trace) })
        })
        .await?;
    match failed {
        Some(what) if args.fail_on_failed => Err(Failure::NotSo(format!("{what} has failed"))),
        _ => Ok(()),
    }
}

/// The connectors named, or all, and the same as JSON: the answer as it is where there is one answer.
async fn fetch(session: &Session, names: &[String]) -> Result<(Statuses, String), Failure> {
    if let [name] = names {
        let answer = session.client.get(&connector(name, "/status")).await?;
        return Ok((Statuses::from([(name.clone(), answer.json()?)]), as_it_is(&answer)));
    }
    if names.is_empty() {
        let answer = session.client.get("/connectors?expand=status").await?;
        return Ok((expanded(&answer)?, as_it_is(&answer)));
    }
    let (mut statuses, mut json) = (Statuses::new(), serde_json::Map::new());
    for name in names {
        let answer = session.client.get(&connector(name, "/status")).await?;
        json.insert(name.clone(), serde_json::json!({ "status": answer.json::<Value>()? }));
        statuses.insert(name.clone(), answer.json()?);
    }
    Ok((statuses, format!("{}\n", Value::Object(json))))
}

fn expanded(answer: &Answer) -> Result<Statuses, Failure> {
    let all: BTreeMap<String, Expanded> = answer.json()?;
    Ok(all.into_iter().filter_map(|(name, connector)| Some((name, connector.status?))).collect())
}

/// Waits until everything is as wanted. A connector without a status is one whose creation has not come through yet, and
/// a worker that does not answer is one that is still starting.
async fn wait(session: &Session, args: &StatusArgs, patience: Duration) -> Result<(), Failure> {
    let wanted = args.until.to_uppercase();
    let deadline = Instant::now() + patience;
    loop {
        let not_yet = match fetch(session, &args.names).await {
            Err(Failure::Refused(refusal)) if refusal.status.as_u16() == 404 => Failure::NotSo(refusal.message),
            Err(failure @ Failure::Unreachable(_)) => failure,
            found => match missing(&found?.0, &wanted)? {
                Some(missing) => Failure::NotSo(format!("after {} s: {missing}", patience.as_secs())),
                None => return Ok(()),
            },
        };
        if Instant::now() + LOOK_AGAIN > deadline {
            return Err(not_yet);
        }
        sleep(LOOK_AGAIN).await;
    }
}

/// The first thing that is not as wanted, if any.
///
/// # Errors
/// What has failed does not come to run by waiting.
fn missing(statuses: &Statuses, wanted: &str) -> Result<Option<String>, Failure> {
    if let Some(what) = first_failed(statuses).filter(|_| wanted == RUNNING) {
        return Err(Failure::NotSo(format!("{what} has failed")));
    }
    Ok(statuses.iter().find_map(|(name, status)| {
        if status.connector.state != wanted {
            return Some(format!("{name} is {}", status.connector.state));
        }
        if wanted == RUNNING && status.tasks.is_empty() {
            return Some(format!("{name} has no task"));
        }
        let other = status.tasks.iter().find(|task| task.state != wanted)?;
        Some(format!("task {} of {name} is {}", other.id, other.state))
    }))
}

fn first_failed(statuses: &Statuses) -> Option<String> {
    statuses.iter().find_map(|(name, status)| {
        if status.connector.state == FAILED {
            return Some(name.clone());
        }
        let task = status.tasks.iter().find(|task| task.state == FAILED)?;
        Some(format!("task {} of {name}", task.id))
    })
}

fn list_table(statuses: &Statuses) -> String {
    if statuses.is_empty() {
        return "no connectors\n".to_owned();
    }
    let mut rows = vec![["NAME", "TYPE", "STATE", "TASKS", "WORKER"].map(str::to_owned)];
    rows.extend(statuses.iter().map(|(name, Status { connector, tasks, kind })| {
        [name.clone(), kind.clone(), connector.state.clone(), summary(tasks), connector.worker_id.clone()]
    }));
    table(&rows)
}

/// How many tasks are in which state.
fn summary(tasks: &[Task]) -> String {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for task in tasks {
        *counts.entry(&task.state).or_default() += 1;
    }
    let parts: Vec<String> =
        counts.into_iter().map(|(state, count)| format!("{count} {}", state.to_lowercase())).collect();
    if parts.is_empty() { "none".to_owned() } else { parts.join(", ") }
}

fn status_text(statuses: &Statuses, full: bool) -> String {
    if statuses.is_empty() {
        return "no connectors\n".to_owned();
    }
    let mut rows = vec![["CONNECTOR", "TASK", "STATE", "WORKER"].map(str::to_owned)];
    let mut traces = String::new();
    for (name, status) in statuses {
        let own = &status.connector;
        rows.push([name, "-", &own.state, &own.worker_id].map(str::to_owned));
        add_trace(&mut traces, &printable(name), own.trace.as_deref(), full);
        for Task { id, state, worker_id, trace } in &status.tasks {
            rows.push([name, &id.to_string(), state, worker_id].map(String::clone));
            add_trace(&mut traces, &format!("{} task {id}", printable(name)), trace.as_deref(), full);
        }
    }
    table(&rows) + &traces
}

/// The error and its causes; places in Java code only if wanted.
fn add_trace(out: &mut String, of: &str, trace: Option<&str>, full: bool) {
    let Some(trace) = trace else { return };
    let _ = writeln!(out, "\n{of}:");
    for line in trace.lines().filter(|line| full || !line.starts_with(['\t', ' '])) {
        // A tab is how Java indents; other control characters are data.
        let _ = writeln!(out, "  {}", printable(&line.replace('\t', "    ")));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn statuses(json: &str) -> Statuses {
        let all: BTreeMap<String, Expanded> = serde_json::from_str(json).unwrap();
        all.into_iter().filter_map(|(name, connector)| Some((name, connector.status?))).collect()
    }

    const TWO: &str = r#"{
        "orders":{"info":null,"status":{"name":"orders","type":"sink","connector":{"state":"RUNNING","worker_id":"w:1","version":"1"},
            "tasks":[{"id":0,"state":"RUNNING","worker_id":"w:1"},
                     {"id":1,"state":"FAILED","worker_id":"w:2","trace":"E: Tolerance exceeded\n\tat a.b(C.java:1)\nCaused by: D: no\n"}]}},
        "idle":{"status":{"name":"idle","type":"source","connector":{"state":"STOPPED","worker_id":"w:1"},"tasks":[]}},
        "gone":{}}"#;

    #[test]
    fn the_list_is_a_table_in_the_order_of_names() {
        let expected = "\
NAME    TYPE    STATE    TASKS                WORKER
idle    source  STOPPED  none                 w:1
orders  sink    RUNNING  1 failed, 1 running  w:1
";
        assert_eq!(list_table(&statuses(TWO)), expected);
        assert_eq!(list_table(&statuses("{}")), "no connectors\n");
    }

    #[test]
    fn the_status_shows_tasks_and_their_errors() {
        let expected = "\
CONNECTOR  TASK  STATE    WORKER
idle       -     STOPPED  w:1
orders     -     RUNNING  w:1
orders     0     RUNNING  w:1
orders     1     FAILED   w:2

orders task 1:
  E: Tolerance exceeded
  Caused by: D: no
";
        assert_eq!(status_text(&statuses(TWO), false), expected);
        assert!(status_text(&statuses(TWO), true).contains("\n      at a.b(C.java:1)\n"));
    }

    #[test]
    fn what_is_missing_is_told_and_failures_end_the_wait() {
        let all = statuses(TWO);
        let failure = missing(&all, RUNNING).expect_err("a task has failed").to_string();
        assert_eq!(failure, "task 1 of orders has failed");
        assert_eq!(missing(&all, "STOPPED").unwrap().unwrap(), "orders is RUNNING");
        let one =
            statuses(r#"{"c":{"status":{"type":"sink","connector":{"state":"RUNNING","worker_id":"w"},"tasks":[]}}}"#);
        assert_eq!(missing(&one, RUNNING).unwrap().unwrap(), "c has no task");
        let idle =
            statuses(r#"{"c":{"status":{"type":"sink","connector":{"state":"STOPPED","worker_id":"w"},"tasks":[]}}}"#);
        assert!(missing(&idle, "STOPPED").unwrap().is_none());
    }
}
