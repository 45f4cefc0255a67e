//! Remembers which libraries were tried out and what came of it, so that a start need not try them all again.
//!
//! A file is known by its path, size and time of change; where only the time differs, by its digest. Outcomes that may
//! change by themselves (a crash, a time-out) are not kept. The cache is a help, not a promise: one that cannot be read
//! or written costs time and nothing else.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use serde::{Deserialize, Serialize};

use super::digests::{digest_of, digest_of_text};
use super::quarantine::Refusal;
use ferroconnect_plugin_abi::{ABI_MAJOR, ABI_MINOR};

/// What a file looks like from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Stamp {
    size: u64,
    /// Nanoseconds since 1970.
    modified: u128,
}

impl Stamp {
    fn of(path: &Path) -> Option<Stamp> {
        let data = fs::metadata(path).ok()?;
        let modified = data.modified().ok()?.duration_since(UNIX_EPOCH).ok()?.as_nanos();
        Some(Stamp { size: data.len(), modified })
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Entry {
    stamp: Stamp,
    sha256: String,
    /// `None` = it can be loaded.
    refusal: Option<Refusal>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Content {
    /// What else the outcomes depend on: this worker's version and the properties that libraries may see.
    host: String,
    files: BTreeMap<PathBuf, Entry>,
}

/// The outcomes of earlier starts.
#[derive(Debug)]
pub(super) struct Cache {
    /// `None` = outcomes are not kept.
    file: Option<PathBuf>,
    content: Content,
    changed: bool,
}

impl Cache {
    /// Reads the cache. One of another worker version, or that cannot be read, counts as empty.
    pub(super) fn open(file: Option<PathBuf>, visible_props: &str) -> Cache {
        let version = env!("CARGO_PKG_VERSION");
        let host = format!("{version} {ABI_MAJOR}.{ABI_MINOR} {}", digest_of_text(visible_props));
        let read = file.as_ref().and_then(|file| fs::read(file).ok());
        let content = read
            .and_then(|bytes| serde_json::from_slice::<Content>(&bytes).ok())
            .filter(|content| content.host == host)
            .unwrap_or(Content { host, files: BTreeMap::new() });
        Cache { file, content, changed: false }
    }

    /// What is known of a file: `None` = nothing, so it has to be tried out.
    pub(super) fn get(&mut self, path: &Path) -> Option<Result<(), Refusal>> {
        let entry = self.content.files.get_mut(path)?;
        let stamp = Stamp::of(path)?;
        if entry.stamp != stamp {
            if entry.stamp.size != stamp.size || digest_of(path).ok()? != entry.sha256 {
                return None;
            }
            entry.stamp = stamp;
            self.changed = true;
        }
        Some(entry.refusal.clone().map_or(Ok(()), Err))
    }

    /// Keeps what came of trying out a file.
    pub(super) fn put(&mut self, path: &Path, outcome: Result<(), Refusal>) {
        if outcome.as_ref().is_err_and(Refusal::may_pass) {
            self.changed |= self.content.files.remove(path).is_some();
            return;
        }
        // A file that changes between these two looks is tried out again: its stamp will not fit.
        let (Some(stamp), Ok(sha256)) = (Stamp::of(path), digest_of(path)) else { return };
        self.content.files.insert(path.to_owned(), Entry { stamp, sha256, refusal: outcome.err() });
        self.changed = true;
    }

    /// Writes the cache where something changed.
    pub(super) fn save(&self) {
        let Some(file) = self.file.as_ref().filter(|_| self.changed) else { return };
        if let Err(error) = write(file, &self.content) {
            tracing::debug!("The cache of tried-out libraries {} cannot be written: {error}", file.display());
        }
    }
}

/// Another worker may write at the same time: each writes a file of its own and puts it in place whole.
fn write(file: &Path, content: &Content) -> std::io::Result<()> {
    let directory = file.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(directory)?;
    let temporary = file.with_extension(format!("{}.tmp", std::process::id()));
    let written = fs::File::create(&temporary).and_then(|mut out| out.write_all(&serde_json::to_vec(content)?));
    let placed = written.and_then(|()| fs::rename(&temporary, file));
    if placed.is_err() {
        // What is left of a failed attempt; the error says more than this one could.
        let _ = fs::remove_file(&temporary);
    }
    placed
}

/// Where the cache is kept unless said otherwise: `$XDG_CACHE_HOME/ferroconnect`, or `~/.cache/ferroconnect`.
pub(super) fn default_file() -> Option<PathBuf> {
    let home =
        || std::env::var_os("HOME").filter(|home| !home.is_empty()).map(|home| PathBuf::from(home).join(".cache"));
    let base = std::env::var_os("XDG_CACHE_HOME").filter(|base| !base.is_empty()).map(PathBuf::from).or_else(home)?;
    base.is_absolute().then(|| base.join("ferroconnect/plugins.json"))
}

#[cfg(test)]
mod tests {
    use super::super::quarantine::Reason;
    use super::*;
    use std::time::{Duration, SystemTime};

    #[test]
    fn a_file_is_known_until_it_changes() {
        let home = tempfile::tempdir().unwrap();
        let (library, file) = (home.path().join("a.so"), home.path().join("cache/plugins.json"));
        fs::write(&library, "one").unwrap();
        let open = || Cache::open(Some(file.clone()), "[]");
        let mut cache = open();
        assert_eq!(cache.get(&library), None);
        cache.put(&library, Ok(()));
        cache.save();
        assert_eq!(open().get(&library), Some(Ok(())));
        let later = SystemTime::now() + Duration::from_secs(60);
        fs::File::options().write(true).open(&library).unwrap().set_modified(later).unwrap();
        assert_eq!(open().get(&library), Some(Ok(())), "touched, but the same");
        fs::write(&library, "two").unwrap();
        assert_eq!(open().get(&library), None, "same size, other content");
        assert_eq!(Cache::open(Some(file), "[other]").get(&library), None, "other properties");
    }

    #[test]
    fn lasting_refusals_are_kept_and_crashes_are_not() {
        let home = tempfile::tempdir().unwrap();
        let library = home.path().join("a.so");
        fs::write(&library, "one").unwrap();
        let mut cache = Cache::open(None, "[]");
        let refusal = |reason| Refusal::new(&library, reason, "m", "w");
        cache.put(&library, Err(refusal(Reason::Contract)));
        assert_eq!(cache.get(&library), Some(Err(refusal(Reason::Contract))));
        cache.put(&library, Err(refusal(Reason::Crashed)));
        assert_eq!(cache.get(&library), None);
        cache.save();
    }

    #[test]
    fn a_broken_cache_counts_as_empty() {
        let home = tempfile::tempdir().unwrap();
        let (library, file) = (home.path().join("a.so"), home.path().join("plugins.json"));
        fs::write(&library, "one").unwrap();
        fs::write(&file, "{").unwrap();
        let mut cache = Cache::open(Some(file.clone()), "[]");
        cache.put(&library, Ok(()));
        cache.save();
        assert_eq!(Cache::open(Some(file), "[]").get(&library), Some(Ok(())));
    }
}
