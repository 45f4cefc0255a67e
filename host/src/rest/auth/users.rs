//! The file with users and passwords.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use openssl::memcmp;
use openssl::sha::sha256;

use crate::config::ConfigFile;
use crate::error::{ConnectError, Result};
use crate::rest::renewed::Renewed;

type Digest = [u8; 32];

/// The users of a properties file, user=password; read again when the file changes.
pub(super) struct Users {
    path: PathBuf,
    passwords: Renewed<Passwords>,
}

/// Digests, so that comparing takes the same time whatever a password is like, its length included.
type Passwords = HashMap<String, Digest>;

impl Users {
    /// Reads the file.
    ///
    /// # Errors
    /// It cannot be read, or names nobody.
    pub(super) fn read(path: &Path) -> Result<Self> {
        let what = format!("users of {}", path.display());
        let passwords = Renewed::new(what, vec![path.to_owned()], || passwords(path))?;
        Ok(Self { path: path.to_owned(), passwords })
    }

    /// Whether the user is in the file with this password.
    pub(super) fn knows(&self, user: &str, password: &str) -> bool {
        let given = sha256(password.as_bytes());
        self.passwords.with(
            || passwords(&self.path),
            |passwords| {
                // Unknown users take as long as known ones.
                let known = passwords.get(user);
                let right = memcmp::eq(&given, known.unwrap_or(&[0; 32]));
                right && known.is_some()
            },
        )
    }
}

impl std::fmt::Debug for Users {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Users").field("path", &self.path).finish_non_exhaustive()
    }
}

fn passwords(path: &Path) -> Result<Passwords> {
    let file = ConfigFile::read(path)?;
    let digest = |(user, password): (&str, Option<&str>)| (user.to_owned(), sha256(password.unwrap_or("").as_bytes()));
    let passwords: Passwords = file.props().iter().map(digest).collect();
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
            users.passwords.forget_look();
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
