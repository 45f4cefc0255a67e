//! Showing something again and again until ctrl-C.

use std::io::IsTerminal as _;
use std::time::Duration;

use clap::Args;
use tokio::select;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::sleep;

use super::failure::Failure;
use crate::cli::output::print;

/// To the upper left corner, and all below it cleared.
const CLEAR: &str = "\x1b[H\x1b[2J";

/// How often to show it.
#[derive(Debug, Args)]
pub(super) struct WatchArgs {
    /// Show it again every 2 seconds, or as many as named, until ctrl-C
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, require_equals = true, default_missing_value = "2",
          value_parser = clap::value_parser!(u64).range(1..=3600))]
    watch: Option<u64>,
}

impl WatchArgs {
    /// Shows what `draw` gives, once or until ctrl-C. A worker that goes away meanwhile is told and waited for.
    pub(super) async fn show(&self, mut draw: impl AsyncFnMut() -> Result<String, Failure>) -> Result<(), Failure> {
        let Some(seconds) = self.watch else {
            return Ok(print(&draw().await?)?);
        };
        let mut interrupted = signal(SignalKind::interrupt())
            .map_err(|error| Failure::Usage(format!("ctrl-C could not be caught, so there is no --watch: {error}")))?;
        let clear = if std::io::stdout().is_terminal() { CLEAR } else { "" };
        let mut before = false;
        loop {
            let drawn = select! {
                _ = interrupted.recv() => return Ok(()),
                drawn = draw() => drawn,
            };
            let text = match drawn {
                Err(failure) if before => format!("{failure}\n"),
                drawn => drawn?,
            };
            before = true;
            print(&format!("{clear}{text}"))?;
            select! {
                _ = interrupted.recv() => return Ok(()),
                () = sleep(Duration::from_secs(seconds)) => {}
            }
        }
    }
}
