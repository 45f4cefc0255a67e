//! Files that are not loaded, and why.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// Why a file is refused, for programs; the [`Refusal`] has the words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// It cannot be read: missing rights, a link that leads nowhere, a failing disk.
    Unreadable,
    /// It is not a file although it is named like a library.
    NotAFile,
    /// It leads out of the plugin path.
    OutsidePluginPath,
    /// Others than its owner may change it.
    Permissions,
    /// Its digest is not on the list.
    Digest,
    /// It is not a shared library, or one for another system, or cut short.
    NotALibrary,
    /// It is a shared library, but not a plugin.
    NotAPlugin,
    /// It was built in a way that cannot work here.
    Build,
    /// It speaks another version of the contract.
    Contract,
    /// It did not answer as a plugin must.
    Broken,
    /// The process that tried it out died.
    Crashed,
    /// It took too long.
    TimedOut,
}

/// A file that is not loaded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// The file.
    pub path: PathBuf,
    /// Why, for programs.
    pub reason: Reason,
    /// What is wrong, in words.
    pub message: String,
    /// What to do about it, in words.
    pub way_out: String,
}

impl Refusal {
    /// Refuses a file.
    pub fn new(path: &Path, reason: Reason, message: impl Into<String>, way_out: impl Into<String>) -> Refusal {
        Refusal { path: path.to_owned(), reason, message: message.into(), way_out: way_out.into() }
    }

    /// Whether asking again may give another answer although the file is the same.
    pub fn may_pass(&self) -> bool {
        matches!(self.reason, Reason::Unreadable | Reason::Crashed | Reason::TimedOut)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}. {}", self.path.display(), self.message, self.way_out)
    }
}

impl std::error::Error for Refusal {}
