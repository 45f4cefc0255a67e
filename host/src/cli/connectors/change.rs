//! Pausing, resuming, stopping, restarting and deleting.

use clap::Args;
use hyper::{Method, StatusCode};

use super::client::connector;
use super::confirm::{self, ConfirmArgs};
use super::failure::Failure;
use super::{Session, each};

/// Which connectors.
#[derive(Debug, Args)]
pub(super) struct NamesArgs {
    /// The connectors' names
    #[arg(required = true, value_name = "NAME")]
    names: Vec<String>,
}

/// What to restart.
#[derive(Debug, Args)]
pub(super) struct RestartArgs {
    /// The connector's name
    name: String,
    /// Restart the tasks too
    #[arg(long)]
    include_tasks: bool,
    /// Restart only what has failed
    #[arg(long)]
    only_failed: bool,
    /// Restart this task alone
    #[arg(long, value_name = "NUMBER", conflicts_with_all = ["include_tasks", "only_failed"])]
    task: Option<u32>,
}

/// What to delete.
#[derive(Debug, Args)]
pub(super) struct DeleteArgs {
    #[command(flatten)]
    names: NamesArgs,
    #[command(flatten)]
    confirm: ConfirmArgs,
}

pub(super) async fn pause(session: &Session, args: &NamesArgs) -> Result<(), Failure> {
    put(session, args, "/pause", "is told to pause").await
}

pub(super) async fn resume(session: &Session, args: &NamesArgs) -> Result<(), Failure> {
    put(session, args, "/resume", "is told to go on").await
}

pub(super) async fn stop(session: &Session, args: &NamesArgs) -> Result<(), Failure> {
    put(session, args, "/stop", "is told to stop").await
}

/// The worker answers before the tasks have followed, so the lines say what was asked.
async fn put(session: &Session, args: &NamesArgs, below: &str, said: &str) -> Result<(), Failure> {
    each(&args.names, async |name| {
        let answer = session.client.call(Method::PUT, &connector(name, below), None).await?;
        session.told(&answer, &format!("{name} {said}"))
    })
    .await
}

pub(super) async fn restart(session: &Session, args: &RestartArgs) -> Result<(), Failure> {
    let name = &args.name;
    let below = match args.task {
        Some(task) => format!("/tasks/{task}/restart"),
        None => format!("/restart?includeTasks={}&onlyFailed={}", args.include_tasks, args.only_failed),
    };
    let answer = session.client.call(Method::POST, &connector(name, &below), None).await?;
    let said = match args.task {
        Some(task) => format!("task {task} of {name} is restarted"),
        // The worker has made a plan and tells it.
        None if answer.status == StatusCode::ACCEPTED => return session.show(&answer, || plan(name, &answer.json()?)),
        None => format!("{name} is restarted"),
    };
    session.told(&answer, &said)
}

/// What of a connector is about to be restarted.
fn plan(name: &str, status: &super::status::Status) -> Result<String, Failure> {
    const PLANNED: &str = "RESTARTING";
    let mut parts: Vec<String> = Vec::new();
    if status.connector.state == PLANNED {
        parts.push("the connector".to_owned());
    }
    parts.extend(status.tasks.iter().filter(|task| task.state == PLANNED).map(|task| format!("task {}", task.id)));
    Ok(match parts.as_slice() {
        [] => format!("{name}: nothing to restart\n"),
        _ => format!("{name}: restarting {}\n", confirm::names(&parts)),
    })
}

pub(super) async fn delete(session: &Session, args: &DeleteArgs) -> Result<(), Failure> {
    let names = &args.names.names;
    args.confirm.ask(&format!("delete {}", confirm::names(names)))?;
    each(names, async |name| {
        let answer = session.client.call(Method::DELETE, &connector(name, ""), None).await?;
        session.told(&answer, &format!("{name} is deleted"))
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_plan_of_a_restart_is_told() {
        let planned = |connector: &str, task: &str| {
            let json = format!(
                r#"{{"name":"c","connector":{{"state":"{connector}","worker_id":"w"}},
                    "tasks":[{{"id":0,"state":"RUNNING","worker_id":"w"}},{{"id":1,"state":"{task}","worker_id":"w"}}]}}"#
            );
            plan("c", &serde_json::from_str(&json).unwrap()).unwrap()
        };
        assert_eq!(planned("RESTARTING", "RESTARTING"), "c: restarting the connector and task 1\n");
        assert_eq!(planned("RUNNING", "RESTARTING"), "c: restarting task 1\n");
        assert_eq!(planned("RUNNING", "RUNNING"), "c: nothing to restart\n");
    }
}
