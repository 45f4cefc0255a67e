//! What the REST server reads from files and reads again when they change, so that nobody restarts a worker for a renewed
//! certificate or a new password.

use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime};

use parking_lot::Mutex;

/// How often at most the files are looked at; what was replaced is used that soon.
const LOOK: Duration = Duration::from_secs(5);

/// What tells one content of a file from another: time of the last change and length. None for a file that is not there.
type Stamp = Option<(SystemTime, u64)>;

/// A value that comes from files.
pub(super) struct Renewed<T> {
    /// What the value is, for the log; goes into the sentence "REST uses the changed …".
    what: String,
    files: Vec<PathBuf>,
    state: Mutex<State<T>>,
}

struct State<T> {
    value: T,
    stamps: Vec<Stamp>,
    looked: Instant,
}

impl<T> Renewed<T> {
    /// Reads the value for the first time.
    ///
    /// # Errors
    /// Those of `read`.
    pub(super) fn new<E>(
        what: impl Into<String>,
        files: Vec<PathBuf>,
        read: impl FnOnce() -> Result<T, E>,
    ) -> Result<Self, E> {
        // Stamped before they are read, so that a change in between is seen at the next look.
        let stamps = stamps(&files);
        let state = State { value: read()?, stamps, looked: Instant::now() };
        Ok(Self { what: what.into(), files, state: Mutex::new(state) })
    }

    /// Uses the value, which is read again if the files have changed. While they cannot be used, the old value stays and
    /// the log says why.
    pub(super) fn with<R, E: std::fmt::Display>(
        &self,
        read: impl FnOnce() -> Result<T, E>,
        use_it: impl FnOnce(&T) -> R,
    ) -> R {
        let mut state = self.state.lock();
        if state.looked.elapsed() >= LOOK {
            state.looked = Instant::now();
            let now = stamps(&self.files);
            if now != state.stamps {
                state.stamps = now;
                match read() {
                    Ok(value) => {
                        tracing::info!("REST uses the changed {}", self.what);
                        state.value = value;
                    }
                    Err(error) => tracing::warn!("REST goes on with the old {}: {error}", self.what),
                }
            }
        }
        use_it(&state.value)
    }

    /// Lets the next use look at the files, however soon it comes.
    #[cfg(test)]
    pub(super) fn forget_look(&self) {
        self.state.lock().looked -= LOOK;
    }
}

fn stamps(files: &[PathBuf]) -> Vec<Stamp> {
    let stamp = |file: &PathBuf| {
        let meta = std::fs::metadata(file).ok()?;
        Some((meta.modified().ok()?, meta.len()))
    };
    files.iter().map(stamp).collect()
}
