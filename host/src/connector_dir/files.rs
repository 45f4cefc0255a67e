//! What is in the directory: which files there are, which have come to rest, and what they say.

use std::collections::BTreeMap;
use std::fs::Metadata;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::config::ConnectorFile;
use crate::error::{ConnectError, Result};

/// The endings of connector files. Others, such as the copies that editors keep, are not looked at.
const ENDINGS: &[&str] = &["json", "properties", "toml"];

/// The files of a directory, as far as looks have told.
#[derive(Debug)]
pub(super) struct Files {
    dir: PathBuf,
    rest: Duration,
    known: BTreeMap<PathBuf, Known>,
}

/// Tells one state of a file from another without reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    device: u64,
    inode: u64,
    length: u64,
    modified: Option<SystemTime>,
}

#[derive(Debug)]
struct Known {
    /// How it was at the last look.
    stamp: Stamp,
    /// How it was when it was last read.
    read: Option<Stamp>,
    /// The last content that could be understood.
    connector: Option<ConnectorFile>,
    /// It was not there at the last look. Some editors remove a file before they write it anew.
    missing: bool,
}

impl Files {
    /// Those of `dir`; a file counts as finished when it has not changed for the time `rest`.
    pub(super) fn new(dir: PathBuf, rest: Duration) -> Self {
        Self { dir, rest, known: BTreeMap::new() }
    }

    /// Looks at the directory and reads the files that have changed and come to rest; what is wrong with one is answered
    /// once, and its last good content stays.
    ///
    /// # Errors
    /// The directory cannot be read. Nothing has changed then.
    pub(super) fn look(&mut self) -> Result<Vec<ConnectError>> {
        let found = list(&self.dir)?;
        self.known.retain(|path, known| {
            let gone = !found.contains_key(path);
            let was_gone = std::mem::replace(&mut known.missing, gone);
            !(gone && was_gone)
        });
        let mut wrong = Vec::new();
        for (path, stamp) in found {
            let fresh = Known { stamp, read: None, connector: None, missing: false };
            let known = self.known.entry(path.clone());
            let rested =
                matches!(&known, std::collections::btree_map::Entry::Occupied(entry) if entry.get().stamp == stamp);
            let known = known.or_insert(fresh);
            known.stamp = stamp;
            if known.read == Some(stamp) || !(rested || stamp.is_older_than(self.rest)) {
                continue;
            }
            let connector = ConnectorFile::read(&path);
            // Written to while it was read: the next look will tell.
            if std::fs::metadata(&path).ok().map(|metadata| Stamp::of(&metadata)) != Some(stamp) {
                continue;
            }
            known.read = Some(stamp);
            match connector {
                Ok(connector) => {
                    connector.warnings.iter().for_each(|warning| tracing::warn!("{warning}"));
                    known.connector = Some(connector);
                }
                Err(error) => wrong.push(error),
            }
        }
        Ok(wrong)
    }

    /// The connectors that files ask for by name, each with all files that do.
    pub(super) fn connectors(&self) -> BTreeMap<&str, Vec<&ConnectorFile>> {
        let mut connectors = BTreeMap::<_, Vec<_>>::new();
        for connector in self.known.values().filter_map(|known| known.connector.as_ref()) {
            connectors.entry(connector.name.as_str()).or_default().push(connector);
        }
        connectors
    }
}

impl Stamp {
    fn of(metadata: &Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            length: metadata.len(),
            modified: metadata.modified().ok(),
        }
    }

    /// False where clocks disagree; then only a second look can tell.
    fn is_older_than(&self, age: Duration) -> bool {
        self.modified.and_then(|modified| modified.elapsed().ok()).is_some_and(|elapsed| elapsed >= age)
    }
}

/// The connector files of a directory, in the order of their names.
///
/// # Errors
/// The directory cannot be read.
pub(super) fn paths(dir: &Path) -> Result<Vec<PathBuf>> {
    Ok(list(dir)?.into_keys().collect())
}

fn list(dir: &Path) -> Result<BTreeMap<PathBuf, Stamp>> {
    find(dir)
        .map_err(|error| ConnectError::config(format!("connectors.dir={}: cannot be read: {error}", dir.display())))
}

/// The connector files of a directory. Links are followed; one that leads nowhere is no file.
fn find(dir: &Path) -> io::Result<BTreeMap<PathBuf, Stamp>> {
    let mut files = BTreeMap::new();
    for entry in std::fs::read_dir(dir)? {
        let path = entry?.path();
        if !is_connector_file(&path) {
            continue;
        }
        match std::fs::metadata(&path) {
            Ok(metadata) if metadata.is_file() => drop(files.insert(path, Stamp::of(&metadata))),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(files)
}

/// Names that begin with a dot are the hidden files of editors and of swaps.
fn is_connector_file(path: &Path) -> bool {
    let hidden = path.file_name().is_none_or(|name| name.as_encoded_bytes().starts_with(b"."));
    let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    !hidden && ENDINGS.iter().any(|known| ending.eq_ignore_ascii_case(known))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    const LONG: Duration = Duration::from_secs(3600);

    fn files(rest: Duration) -> (tempfile::TempDir, Files) {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let files = Files::new(dir.path().to_owned(), rest);
        (dir, files)
    }

    fn write(dir: &Path, name: &str, text: &str) {
        std::fs::write(dir.join(name), text).expect("writable");
    }

    fn names(files: &Files) -> Vec<(&str, Option<&str>)> {
        files.connectors().iter().map(|(name, files)| (*name, files[0].config.get("a"))).collect()
    }

    #[test]
    fn a_file_counts_when_it_has_rested_for_one_look() {
        let (dir, mut files) = files(LONG);
        write(dir.path(), "c.properties", "name=c\na=1");
        assert!(files.look().expect("readable").is_empty());
        assert_eq!(names(&files), []);
        write(dir.path(), "c.properties", "name=c\na=1\nb=2");
        files.look().expect("readable");
        assert_eq!(names(&files), [], "it has changed since the last look");
        files.look().expect("readable");
        assert_eq!(names(&files), [("c", Some("1"))]);
    }

    #[test]
    fn a_file_that_has_not_changed_for_long_counts_at_once() {
        let (dir, mut files) = files(Duration::ZERO);
        write(dir.path(), "c.properties", "name=c\na=1");
        files.look().expect("readable");
        assert_eq!(names(&files), [("c", Some("1"))]);
    }

    #[test]
    fn a_broken_file_is_told_once_and_keeps_its_last_content() {
        let (dir, mut files) = files(Duration::ZERO);
        write(dir.path(), "c.json", r#"{"name":"c","a":"1"}"#);
        files.look().expect("readable");
        write(dir.path(), "c.json", r#"{"name":"c","a":"#);
        let wrong = files.look().expect("readable");
        assert_eq!(wrong.len(), 1);
        assert!(wrong[0].message().contains("c.json:1: not valid JSON"), "{}", wrong[0]);
        assert!(files.look().expect("readable").is_empty());
        assert_eq!(names(&files), [("c", Some("1"))]);
        write(dir.path(), "c.json", r#"{"name":"c","a":"22"}"#);
        assert!(files.look().expect("readable").is_empty());
        assert_eq!(names(&files), [("c", Some("22"))]);
    }

    #[test]
    fn a_file_is_gone_when_two_looks_miss_it() {
        let (dir, mut files) = files(Duration::ZERO);
        write(dir.path(), "c.properties", "name=c\na=1");
        files.look().expect("readable");
        std::fs::remove_file(dir.path().join("c.properties")).expect("there");
        files.look().expect("readable");
        assert_eq!(names(&files), [("c", Some("1"))], "an editor may be at work");
        files.look().expect("readable");
        assert_eq!(names(&files), []);
    }

    #[test]
    fn only_connector_files_are_looked_at() {
        let (dir, mut files) = files(Duration::ZERO);
        for name in [".c.json", "c.json~", ".c.json.swp", "c.json.tmp", "README.md", "4913"] {
            write(dir.path(), name, "neither JSON nor properties with a name");
        }
        std::fs::create_dir(dir.path().join("more.json")).expect("writable");
        symlink("nowhere.json", dir.path().join("link.json")).expect("writable");
        assert!(files.look().expect("readable").is_empty());
        assert_eq!(names(&files), []);
    }

    #[test]
    fn a_swap_of_links_is_one_change() {
        let (dir, mut files) = files(Duration::ZERO);
        let root = dir.path();
        for (version, value) in [("..1", "1"), ("..2", "2")] {
            std::fs::create_dir(root.join(version)).expect("writable");
            write(root, &format!("{version}/c.properties"), &format!("name=c\na={value}"));
        }
        symlink("..1", root.join("..data")).expect("writable");
        symlink("..data/c.properties", root.join("c.properties")).expect("writable");
        files.look().expect("readable");
        assert_eq!(names(&files), [("c", Some("1"))]);
        symlink("..2", root.join("..data_tmp")).expect("writable");
        std::fs::rename(root.join("..data_tmp"), root.join("..data")).expect("writable");
        assert!(files.look().expect("readable").is_empty());
        assert_eq!(names(&files), [("c", Some("2"))]);
    }

    #[test]
    fn a_directory_that_cannot_be_read_changes_nothing() {
        let (dir, mut files) = files(Duration::ZERO);
        write(dir.path(), "c.properties", "name=c\na=1");
        files.look().expect("readable");
        let away = dir.path().with_extension("away");
        std::fs::rename(dir.path(), &away).expect("writable");
        for _ in 0..3 {
            let error = files.look().expect_err("not there");
            assert!(error.message().starts_with("connectors.dir="), "{error}");
        }
        assert_eq!(names(&files), [("c", Some("1"))]);
        std::fs::rename(&away, dir.path()).expect("writable");
    }
}
