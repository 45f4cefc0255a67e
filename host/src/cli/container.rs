//! `ferroconnect container`: a standalone worker whose configuration comes from environment variables.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::standalone::{EXIT_SETUP, run_worker, start_log_with};
use crate::app;
use crate::config::{ConfigFile, Environment, WorkerConfig};
use crate::error::Result;
use crate::plugins::Plugins;
use crate::telemetry::LogFormat;

/// What a container can be told beside its environment.
#[derive(Debug, Args)]
pub(super) struct ContainerArgs {
    /// A worker file for what the environment does not set
    #[arg(long)]
    base: Option<PathBuf>,
    /// Connectors to start with: Java properties, JSON or TOML
    connectors: Vec<PathBuf>,
}

pub(super) fn run(args: &ContainerArgs) -> ExitCode {
    let environment = Environment::of_process();
    let format = environment.log_format().map_or_else(LogFormat::from_env, Ok);
    if !start_log_with(format, environment.log_levels().map_err(|error| error.message().to_owned())) {
        return ExitCode::from(EXIT_SETUP);
    }
    run_worker(|| load(args, &environment), &args.connectors)
}

fn load(args: &ContainerArgs, environment: &Environment) -> Result<(WorkerConfig, Plugins)> {
    let base = args.base.as_ref().map(ConfigFile::read).transpose()?;
    let worker = environment.worker(base)?;
    for setting in &worker.settings {
        tracing::info!("Using {setting}");
    }
    app::load_file(worker.file)
}
