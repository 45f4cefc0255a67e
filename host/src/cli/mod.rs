//! The command line.

mod check;
mod completions;
mod connectors;
mod container;
mod output;
pub mod plugins;
mod quickstart;
mod standalone;
mod supervisor;
mod transform;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// A native Kafka Connect worker.
#[derive(Debug, Parser)]
#[command(name = "ferroconnect", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run a worker on its own: offsets in a file, configs and statuses in memory
    Standalone {
        /// The worker's configuration: Java properties, or TOML if it ends in .toml
        worker: PathBuf,
        /// Connectors to start with: Java properties, JSON or TOML
        connectors: Vec<PathBuf>,
    },
    /// Run a worker on its own that environment variables configure, as in a container
    Container(container::ContainerArgs),
    /// Find what is wrong with a worker and its connectors, without running them; exit code 2 if a start would fail
    Check(check::CheckArgs),
    /// Look at plugin libraries
    #[command(subcommand)]
    Plugins(plugins::PluginsCommand),
    /// Show what a connector's converters and transforms do to sample records, without Kafka
    Transform(transform::TransformArgs),
    /// Look after the connectors of a running worker, by its REST API
    Connectors(connectors::ConnectorsArgs),
    /// Write the script that completes commands in a shell
    Completions(completions::CompletionsArgs),
    /// Copy a file through a broker inside this process, to see a worker at work
    Quickstart(quickstart::QuickstartArgs),
}

/// Runs the command that the arguments of this process name.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
    };
    match cli.command {
        Command::Standalone { worker, connectors } => standalone::run(&worker, &connectors),
        Command::Container(args) => container::run(&args),
        Command::Check(args) => check::run(&args),
        Command::Plugins(command) => plugins::run(command),
        Command::Transform(args) => transform::run(&args),
        Command::Connectors(args) => connectors::run(args),
        Command::Completions(args) => completions::run::<Cli>(&args),
        Command::Quickstart(args) => quickstart::run(&args),
    }
}

/// Wrong arguments end with 1, as Kafka Connect's scripts do; help and version with 0.
fn usage(error: &clap::Error) -> ExitCode {
    // Without a terminal or file to print to there is nobody to tell.
    let _unprinted = error.print();
    if error.use_stderr() { ExitCode::from(1) } else { ExitCode::SUCCESS }
}

#[cfg(test)]
mod tests {
    use super::*;

    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_put_together_well() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_page_names_every_command() {
        fn paths(command: &clap::Command, above: &str) -> Vec<String> {
            let path = format!("{above}{}", command.get_name());
            let mut below = command.get_subcommands().filter(|command| command.get_name() != "help").peekable();
            if below.peek().is_none() {
                return vec![path];
            }
            below.flat_map(|command| paths(command, &format!("{path} "))).collect()
        }
        let page = include_str!("../../../docs/cli.md");
        let shown = |path: &String| [' ', '`', '\n'].iter().any(|&end| page.contains(&format!("{path}{end}")));
        let missing: Vec<String> = paths(&Cli::command(), "").into_iter().filter(|path| !shown(path)).collect();
        assert!(missing.is_empty(), "docs/cli.md does not show {missing:?}");
    }

    #[test]
    fn passwords_are_no_arguments() {
        fn names(command: &clap::Command) -> Vec<String> {
            let own = command.get_arguments().filter_map(|arg| arg.get_long()).map(str::to_owned);
            own.chain(command.get_subcommands().flat_map(names)).collect()
        }
        let taking: Vec<String> = names(&Cli::command()).into_iter().filter(|name| name.contains("password")).collect();
        assert!(taking.iter().all(|name| name == "password-file"), "{taking:?}");
    }
}
