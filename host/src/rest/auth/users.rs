//! The file with users and passwords.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use openssl::memcmp;
use openssl::sha::sha256;
use parking_lot::Mutex;

use crate::config::ConfigFile;
use crate::error::{ConnectError, Result};

/// How often at most the file is looked at; a changed password counts that soon.
const LOOK: Duration = Duration::from_secs(5);

type Digest = [u8; 32];

/// The users of a properties file, user=password; read again when the file changes.
pub(super) struct Users {
    path: PathBuf,
    state: Mutex<State>,
}

struct State {
    /// Digests, so that comparing takes the same time whatever a password is like, its length included.
    passwords: HashMap<String, Digest>,
    stamp: Option<(SystemTime, u64)>,
    looked: Instant,
}

impl Users {
    /// Reads the file.
    ///
    /// # Errors
    /// It cannot be read, or names nobody.
    pub(super) fn read(path: &Path) -> Result<Self> {
        let stamp = stamp(path);
        let state = State { passwords: passwords(path)?, stamp, looked: Instant::now() };
        Ok(Self { path: path.to_owned(), state: Mutex::new(state) })
    }

    /// Whether the user is in the file with this password.
    pub(super) fn knows(&self, user: &str, password: &str) -> bool {
        let mut state = self.state.lock();
        if state.looked.elapsed() >= LOOK {
            state.looked = Instant::now();
            self.refresh(&mut state);
        }
        let given = sha256(password.as_bytes());
        // Unknown users take as long as known ones.
        let known = state.passwords.get(user);
        let right = memcmp::eq(&given, known.unwrap_or(&[0; 32]));
        right && known.is_some()
    }

    /// Takes a changed file; while it cannot be used, the old users stay.
    fn refresh(&self, state: &mut State) {
        let now = stamp(&self.path);
        if now == state.stamp {
            return;
        }
        state.stamp = now;
        match passwords(&self.path) {
            Ok(passwords) => {
                tracing::info!("REST uses the changed users of {}", self.path.display());
                state.passwords = passwords;
            }
            Err(error) => tracing::warn!("REST goes on with the old users: {error}"),
        }
    }
}

impl std::fmt::Debug for Users {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Users").field("path", &self.path).finish_non_exhaustive()
    }
}

fn stamp(path: &Path) -> Option<(SystemTime, u64)> {
    let meta = std::fs::metadata(path).ok()?;
    Some((meta.modified().ok()?, meta.len()))
}

fn passwords(path: &Path) -> Result<HashMap<String, Digest>> {
    let file = ConfigFile::read(path)?;
    let digest = |(user, password): (&str, Option<&str>)| (user.to_owned(), sha256(password.unwrap_or("").as_bytes()));
    let passwords: HashMap<_, _> = file.props().iter().map(digest).collect();
    if passwords.is_empty() {
        // Kafka Connect lets everybody in then.
        return Err(ConnectError::config(format!(
            "{}: has no users; write one line user=password for each",
            path.display()
        )));
    }
    Ok(passwords)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_count_and_damage_does_not() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("users");
        std::fs::write(&file, "# people\nann=one\nb\\ ob : two\n").unwrap();
        let users = Users::read(&file).unwrap();
        let knows = |user: &str, password: &str| {
            users.state.lock().looked -= LOOK;
            users.knows(user, password)
        };
        assert!(knows("ann", "one") && knows("b ob", "two") && !knows("ann", "two"));
        std::fs::write(&file, "# nobody\n").unwrap();
        assert!(knows("ann", "one"));
        std::fs::write(&file, "ann=three\n").unwrap();
        assert!(knows("ann", "three") && !knows("ann", "one") && !knows("b ob", "two"));
        std::fs::remove_file(&file).unwrap();
        assert!(knows("ann", "three"));
    }

    #[test]
    fn a_file_without_users_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("users");
        std::fs::write(&file, "\n").unwrap();
        assert!(Users::read(&file).unwrap_err().message().contains("has no users"));
        assert!(Users::read(&dir.path().join("none")).unwrap_err().message().contains("cannot be read"));
    }
}
