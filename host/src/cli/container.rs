//! `ferroconnect container`: a standalone worker whose configuration comes from environment variables.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::check::{HowArgs, Start, check};
use super::standalone::{EXIT_SETUP, run_worker, start_log_with};
use crate::app;
use crate::config::{ConfigFile, Environment, EnvironmentConfig, WorkerConfig};
use crate::error::Result;
use crate::plugins::Plugins;
use crate::telemetry::LogFormat;

/// What a container can be told beside its environment.
#[derive(Debug, Args)]
pub(super) struct ContainerArgs {
    /// A worker file for what the environment does not set
    #[arg(long)]
    base: Option<PathBuf>,
    /// Only find what is wrong, as `ferroconnect check` does
    #[arg(long)]
    check: bool,
    /// Connectors to start with: Java properties, JSON or TOML
    connectors: Vec<PathBuf>,
}

pub(super) fn run(args: &ContainerArgs) -> ExitCode {
    let environment = Environment::of_process();
    let format = environment.log_format().map_or_else(LogFormat::from_env, Ok);
    let levels = environment.log_levels().map_err(|error| error.message().to_owned());
    if args.check {
        let file = configuration(args, &environment).map(|worker| worker.file);
        let start = Start { file, log_format: format, log_levels: levels, connectors: &args.connectors };
        return check(start, &HowArgs::default());
    }
    if !start_log_with(format, levels) {
        return ExitCode::from(EXIT_SETUP);
    }
    run_worker(|| load(args, &environment), &args.connectors)
}

fn load(args: &ContainerArgs, environment: &Environment) -> Result<(WorkerConfig, Plugins)> {
    let worker = configuration(args, environment)?;
    for setting in &worker.settings {
        tracing::info!("Using {setting}");
    }
    app::load_file(worker.file)
}

fn configuration(args: &ContainerArgs, environment: &Environment) -> Result<EnvironmentConfig> {
    environment.worker(args.base.as_ref().map(ConfigFile::read).transpose()?)
}
