//! The command line.

pub mod plugins;

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
    /// Look at plugin libraries
    #[command(subcommand)]
    Plugins(plugins::PluginsCommand),
}

/// Runs the command that the arguments of this process name.
pub fn main() -> ExitCode {
    match Cli::parse().command {
        Command::Plugins(command) => plugins::run(command),
    }
}
