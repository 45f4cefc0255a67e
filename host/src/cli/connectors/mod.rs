//! `ferroconnect connectors`: looks after the connectors of a running worker, by its REST API.
//!
//! Works with any worker of Kafka Connect's REST API. A command is one function that gets a [`Session`]; it ends well or
//! with a [`Failure`], which is the exit code.

mod apply;
mod change;
mod client;
mod confirm;
mod diff;
mod failure;
mod files;
mod loggers;
mod offsets;
mod secrets;
mod show;
mod status;
mod target;
#[cfg(test)]
mod tests;
mod topics;
mod watch;

use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::output::print;
use client::{Answer, Client};
use failure::Failure;
use target::TargetArgs;

/// The worker and what to do there.
#[derive(Debug, Args)]
pub(super) struct ConnectorsArgs {
    #[command(flatten)]
    target: TargetArgs,
    /// Write the worker's answer as it is, for scripts
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: ConnectorsCommand,
}

#[derive(Debug, Subcommand)]
enum ConnectorsCommand {
    /// List all connectors with their states
    List(status::ListArgs),
    /// Show connectors and tasks with their states and errors, or wait for a state
    Status(status::StatusArgs),
    /// Show the configuration of a connector
    Config(show::ConfigArgs),
    /// Create connectors from files
    Create(files::FilesArgs),
    /// Create or change connectors so that they are as files say; what is so already is left alone
    Apply(apply::ApplyArgs),
    /// Have the worker check connector files, and change nothing
    Validate(files::FilesArgs),
    /// Pause connectors: tasks stay and wait
    Pause(change::NamesArgs),
    /// Let paused or stopped connectors go on
    Resume(change::NamesArgs),
    /// Stop connectors: tasks end, configuration and offsets stay
    Stop(change::NamesArgs),
    /// Restart a connector, its tasks, or one of them
    Restart(change::RestartArgs),
    /// Delete connectors
    Delete(change::DeleteArgs),
    /// Look at the offsets of a connector, or change those of a stopped one
    #[command(subcommand)]
    Offsets(offsets::OffsetsCommand),
    /// Look at the topics that a connector has used
    #[command(subcommand)]
    Topics(topics::TopicsCommand),
    /// Show log levels, or set one
    LogsLevel(loggers::LogsLevelArgs),
}

/// What a command works with.
struct Session {
    client: Client,
    /// Whether to write answers as they are.
    json: bool,
}

impl Session {
    /// Writes an answer: as it is, or as `text` puts it for people.
    fn show(&self, answer: &Answer, text: impl FnOnce() -> Result<String, Failure>) -> Result<(), Failure> {
        if self.json { print(&as_it_is(answer)) } else { print(&text()?) }.map_err(Failure::from)
    }

    /// As [`show`](Self::show) for a change, which people are told in one line.
    fn told(&self, answer: &Answer, line: &str) -> Result<(), Failure> {
        self.show(answer, || Ok(format!("{line}\n")))
    }
}

/// A body with a line end; nothing of an answer without one.
fn as_it_is(answer: &Answer) -> String {
    match answer.body.trim_end() {
        "" => String::new(),
        body => format!("{body}\n"),
    }
}

/// Runs a command. Results go to standard output, failures to standard error.
pub(super) fn run(args: ConnectorsArgs) -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return Failure::Config(format!("no connections can be made: {error}")).report(),
    };
    match runtime.block_on(command(args)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

async fn command(args: ConnectorsArgs) -> Result<(), Failure> {
    let session = Session { client: Client::new(args.target.resolve()?), json: args.json };
    match args.command {
        ConnectorsCommand::List(args) => status::list(&session, &args).await,
        ConnectorsCommand::Status(args) => status::status(&session, &args).await,
        ConnectorsCommand::Config(args) => show::config(&session, &args).await,
        ConnectorsCommand::Create(args) => files::create(&session, &args).await,
        ConnectorsCommand::Apply(args) => apply::apply(&session, &args).await,
        ConnectorsCommand::Validate(args) => files::validate(&session, &args).await,
        ConnectorsCommand::Pause(args) => change::pause(&session, &args).await,
        ConnectorsCommand::Resume(args) => change::resume(&session, &args).await,
        ConnectorsCommand::Stop(args) => change::stop(&session, &args).await,
        ConnectorsCommand::Restart(args) => change::restart(&session, &args).await,
        ConnectorsCommand::Delete(args) => change::delete(&session, &args).await,
        ConnectorsCommand::Offsets(command) => offsets::run(&session, &command).await,
        ConnectorsCommand::Topics(command) => topics::run(&session, &command).await,
        ConnectorsCommand::LogsLevel(args) => loggers::run(&session, &args).await,
    }
}

/// Does something to each of several. A refusal is told and the others still get their turn; the last failure is the
/// command's. Without a worker there is no point in going on.
async fn each<T>(items: &[T], mut one: impl AsyncFnMut(&T) -> Result<(), Failure>) -> Result<(), Failure> {
    let mut last: Option<Failure> = None;
    for item in items {
        let Err(failure) = one(item).await else { continue };
        if matches!(failure, Failure::Unreachable(_) | Failure::Unread) {
            return Err(failure);
        }
        if let Some(former) = last.replace(failure) {
            former.report();
        }
    }
    last.map_or(Ok(()), Err)
}
