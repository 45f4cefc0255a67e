//! A directory of connector files that are followed while the worker runs: a new file makes a connector, a changed one
//! changes it, a file that goes takes its connector along.
//!
//! [`files`] says what is in the directory, [`follow`] asks the herder for what that means. The directory is looked at
//! again and again, since notices of the system do not tell of the links by which Kubernetes swaps a mounted
//! configuration. Nothing is stored: the files say after a restart too which connectors are theirs.

mod files;
mod follow;

use std::path::{Path, PathBuf};
use std::thread::JoinHandle;

use tokio::sync::oneshot;

use crate::config::DirectorySettings;
use crate::error::Result;
use crate::herder::Handle;

use follow::Follower;

/// The files in a directory that would be followed, in the order of their names.
///
/// # Errors
/// The directory cannot be read.
pub fn connector_files(dir: &Path) -> Result<Vec<PathBuf>> {
    files::paths(dir)
}

/// A directory that is being followed, by a thread of its own.
#[derive(Debug)]
pub struct ConnectorDirectory {
    stop: oneshot::Sender<()>,
    thread: JoinHandle<()>,
}

impl ConnectorDirectory {
    /// Makes the connectors of the directory, then follows it. What is wrong with a file or its connector is told in
    /// the log and stops nothing else. Blocks until each connector has been started or refused; not for async threads.
    ///
    /// # Errors
    /// The directory cannot be read.
    pub fn start(settings: &DirectorySettings, handle: Handle) -> Result<Self> {
        let mut follower = Follower::new(settings, handle)?;
        follower.look()?;
        follower.finish();
        let interval = settings.interval;
        let (stop, mut stopped) = oneshot::channel();
        let thread = std::thread::Builder::new().name("connector-directory".to_owned()).spawn(move || {
            let mut failing = None;
            while follower.wait(interval, &mut stopped) {
                // Told once, not at each look. No connector goes while nobody knows what is in the directory.
                let failed = follower.look().err().map(|error| error.message().to_owned());
                if let Some(reason) = failed.as_ref().filter(|_| failed != failing) {
                    tracing::error!("{reason}; its connectors stay as they are");
                }
                failing = failed;
            }
        })?;
        Ok(Self { stop, thread })
    }

    /// Stops. What the herder was asked for and has not answered is left to it.
    pub fn stop(self) {
        // A thread that is gone has stopped.
        let _ = self.stop.send(());
        if self.thread.join().is_err() {
            tracing::error!("The thread that follows the connector directory had panicked");
        }
    }
}
