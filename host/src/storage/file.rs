//! The offset file of a standalone worker, in the form that Kafka Connect's own worker reads and writes.
//!
//! The file is replaced as a whole: written beside the old one, forced to disk, then renamed over it, so there is always
//! one whole file. A lock on `<file>.lock` keeps a second worker away from it, which would otherwise undo this one's
//! offsets. A file that cannot be understood is never touched.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use parking_lot::{Mutex, RwLock};
use rustix::fs::{Access, FlockOperation, OFlags, access, flock};

use crate::error::{ConnectError, Result};

use super::java_map;
use super::offset::{OffsetEntry, OffsetStore, PartitionOffset};
use super::offset_map::Offsets;

/// The worker key that names the file.
pub const FILE_KEY: &str = "offset.storage.file.filename";

/// What the lock's name has after that of the file.
const LOCK: &str = ".lock";

/// Source offsets in a file. The lock on it is held until the store is dropped, or the process ends in whatever way.
pub struct FileOffsetStore {
    /// The name as configured, for messages.
    name: PathBuf,
    /// The file behind it, with links followed.
    path: PathBuf,
    /// What is in the file.
    offsets: RwLock<Offsets>,
    /// Held while the file is being replaced.
    writing: Mutex<()>,
    _lock: File,
}

impl FileOffsetStore {
    /// Opens the file, which need not exist yet, and keeps it locked.
    ///
    /// Errors: another worker uses the file; it is not a file of offsets; it or its directory cannot be read or written.
    pub fn open(name: impl Into<PathBuf>) -> Result<Self> {
        let name = name.into();
        let path = real_path(&name)?;
        let lock = lock(&name, &path)?;
        let offsets = load(&name, &path)?;
        tracing::info!("Read {} source offsets from file {}", offsets.iter().len(), name.display());
        Ok(Self { name, path, offsets: RwLock::new(offsets), writing: Mutex::new(()), _lock: lock })
    }

    /// Says whether [`open`](Self::open) would succeed just now, without making or changing any file. Gives the number
    /// of offsets in the file.
    ///
    /// Errors: as of [`open`](Self::open).
    pub fn check(name: &Path) -> Result<usize> {
        let path = real_path(name)?;
        access(directory_of(&path), Access::WRITE_OK | Access::EXEC_OK)
            .map_err(|error| unusable(name, io::Error::from(error)))?;
        match File::open(beside(&path, LOCK)) {
            // Shared, so that only a worker is in the way and not another check.
            Ok(mut lock) => match flock(&lock, FlockOperation::NonBlockingLockShared) {
                Ok(()) => {}
                Err(rustix::io::Errno::WOULDBLOCK) => return Err(in_use(name, &mut lock)),
                Err(error) => return Err(unusable(name, io::Error::from(error))),
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(unusable(name, error)),
        }
        Ok(load(name, &path)?.iter().len())
    }

    fn replace(&self, offsets: &Offsets) -> Result<()> {
        let bytes = java_map::write(offsets.iter().map(|(key, value)| (key, Some(value))));
        replace_file(&self.path, &bytes).map_err(|error| {
            ConnectError::io(format!(
                "Source offsets could not be written to file {} ({FILE_KEY}); it keeps its former content",
                self.name.display()
            ))
            .caused_by(error)
        })
    }
}

impl OffsetStore for FileOffsetStore {
    fn get(&self, keys: &[Vec<u8>]) -> Result<Vec<Option<Vec<u8>>>> {
        Ok(self.offsets.read().get(keys))
    }

    fn set(&self, batch: Vec<OffsetEntry>) -> Result<()> {
        let _writing = self.writing.lock();
        let mut changed = self.offsets.read().clone();
        changed.apply(batch);
        self.replace(&changed)?;
        *self.offsets.write() = changed;
        Ok(())
    }

    fn partitions(&self, connector: &str) -> Result<Vec<PartitionOffset>> {
        Ok(self.offsets.read().partitions(connector))
    }
}

/// The file behind `name`: a link is followed, because renaming over it would cut it off from what it points to.
fn real_path(name: &Path) -> Result<PathBuf> {
    match fs::metadata(name) {
        Ok(found) if found.is_file() => fs::canonicalize(name).map_err(|error| unusable(name, error)),
        Ok(_) => Err(ConnectError::config(format!(
            "{} ({FILE_KEY}) is not a regular file; name a file that may be replaced, or one that does not exist yet",
            name.display()
        ))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(name.to_owned()),
        Err(error) => Err(unusable(name, error)),
    }
}

fn unusable(name: &Path, error: impl std::error::Error + 'static) -> ConnectError {
    ConnectError::io(format!(
        "Offset file {} ({FILE_KEY}) cannot be used; its directory must exist and the worker must be able to read and \
         write there",
        name.display()
    ))
    .caused_by(error)
}

/// The path with something added to its last part.
fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut beside = path.as_os_str().to_owned();
    beside.push(suffix);
    beside.into()
}

/// The lock is on a file of its own because the offset file is another one after each write. It stays when the worker
/// ends: if it were removed, two workers could each hold a lock on a file of that name.
fn lock(name: &Path, path: &Path) -> Result<File> {
    let lock_path = beside(path, LOCK);
    let open = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .custom_flags(OFlags::NOFOLLOW.bits().cast_signed())
        .open(&lock_path);
    let mut file = open.map_err(|error| unusable(name, error))?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => {}
        Err(rustix::io::Errno::WOULDBLOCK) => return Err(in_use(name, &mut file)),
        Err(error) => return Err(unusable(name, io::Error::from(error))),
    }
    // For whoever finds the file locked. The lock holds without it.
    let _ = file.set_len(0).and_then(|()| file.write_all(std::process::id().to_string().as_bytes()));
    Ok(file)
}

fn in_use(name: &Path, lock: &mut File) -> ConnectError {
    let mut owner = String::new();
    let process = match lock.take(20).read_to_string(&mut owner) {
        Ok(_) if !owner.is_empty() => format!(" (process {owner})"),
        _ => String::new(),
    };
    ConnectError::config(format!(
        "Offset file {} is in use by another worker{process}. A second worker on this machine needs values of its own for \
         {FILE_KEY} and for listeners",
        name.display()
    ))
}

fn load(name: &Path, path: &Path) -> Result<Offsets> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Offsets::default()),
        Err(error) => return Err(unusable(name, error)),
    };
    if bytes.is_empty() {
        return Ok(Offsets::default());
    }
    java_map::read(&bytes).map(Offsets::from_iter).map_err(|malformed| {
        ConnectError::config(format!(
            "Offset file {} is damaged or is not an offset file: {malformed}. It was not changed. Put back a copy of it, \
             or set {FILE_KEY} to another file, or move this one away; without it all sources begin anew",
            name.display()
        ))
    })
}

/// Replaces a file by one with this content, or leaves it as it is.
fn replace_file(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let temporary = beside(path, ".tmp");
    // A leftover of a worker that was killed. Made anew so that nothing is ever written through a link put there.
    match fs::remove_file(&temporary) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let written = write_durably(&temporary, path, bytes).and_then(|()| fs::rename(&temporary, path));
    if written.is_err() {
        // On a full disk the half-written file takes the room that is missing.
        let _ = fs::remove_file(&temporary);
    }
    written?;
    sync_directory(path)
}

fn write_durably(temporary: &Path, like: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create_new(temporary)?;
    if let Ok(old) = fs::metadata(like) {
        file.set_permissions(old.permissions())?;
    }
    file.write_all(bytes)?;
    file.sync_all()
}

/// A rename is on disk once the directory is.
fn sync_directory(path: &Path) -> io::Result<()> {
    File::open(directory_of(path))?.sync_all()
}

fn directory_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    const JAVA_17: &[u8] = include_bytes!("testdata/java-17.offsets");
    const KEY: &[u8] = br#"["c",{"a":1}]"#;

    fn one(value: &str) -> Vec<OffsetEntry> {
        vec![(KEY.to_vec(), Some(value.into()))]
    }

    fn stored(store: &FileOffsetStore) -> Option<Vec<u8>> {
        store.get(&[KEY.to_vec()]).unwrap().remove(0)
    }

    fn message(result: Result<FileOffsetStore>) -> String {
        result.err().expect("the file must be refused").message().to_owned()
    }

    #[test]
    fn a_check_finds_what_a_start_would_and_leaves_nothing_behind() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("connect.offsets");
        assert_eq!(FileOffsetStore::check(&path).unwrap(), 0);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0, "the check has made a file");
        let store = FileOffsetStore::open(&path).unwrap();
        store.set(one(r#"{"p":1}"#)).unwrap();
        let used = FileOffsetStore::check(&path).unwrap_err();
        assert!(
            used.message().contains(&format!("in use by another worker (process {})", std::process::id())),
            "{used}"
        );
        drop(store);
        assert_eq!(FileOffsetStore::check(&path).unwrap(), 1);
        FileOffsetStore::open(&path).expect("the check keeps no lock");
        fs::write(&path, "something else").unwrap();
        assert!(FileOffsetStore::check(&path).unwrap_err().message().contains("is not an offset file"));
        assert!(FileOffsetStore::check(&dir.path().join("none/o")).is_err());
    }

    #[test]
    fn offsets_survive_the_worker() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("connect.offsets");
        let store = FileOffsetStore::open(&path).unwrap();
        assert_eq!(stored(&store), None);
        assert!(!path.exists(), "nothing is written before there is something to write");
        store.set(one(r#"{"p":1}"#)).unwrap();
        store.set(one(r#"{"p":2}"#)).unwrap();
        drop(store);
        let store = FileOffsetStore::open(&path).unwrap();
        assert_eq!(stored(&store), Some(br#"{"p":2}"#.to_vec()));
        assert_eq!(store.partitions("c").unwrap().len(), 1);
        store.set(vec![(KEY.to_vec(), None)]).unwrap();
        drop(store);
        assert_eq!(stored(&FileOffsetStore::open(&path).unwrap()), None);
    }

    #[test]
    fn a_file_of_java_goes_on() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("connect.offsets");
        fs::write(&path, JAVA_17).unwrap();
        let store = FileOffsetStore::open(&path).unwrap();
        let partitions = store.partitions("file-a").unwrap();
        assert_eq!(partitions[0].partition["filename"], "/data/a.txt");
        assert_eq!(partitions[0].offset["position"].as_i64(), Some(12));
        store.set(Vec::new()).unwrap();
        assert_eq!(fs::read(&path).unwrap(), JAVA_17, "written again as it was");
    }

    #[test]
    fn an_empty_file_holds_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("connect.offsets");
        fs::write(&path, "").unwrap();
        assert_eq!(stored(&FileOffsetStore::open(&path).unwrap()), None);
    }

    #[test]
    fn a_damaged_file_is_refused_and_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("connect.offsets");
        for content in [&JAVA_17[..100], b"{\"position\":1}"] {
            fs::write(&path, content).unwrap();
            let text = message(FileOffsetStore::open(&path));
            assert!(text.contains("connect.offsets") && text.contains(FILE_KEY), "{text}");
            assert!(text.contains("It was not changed"), "{text}");
            assert_eq!(fs::read(&path).unwrap(), content);
        }
    }

    #[test]
    fn a_second_worker_is_told_which_keys_to_change() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("connect.offsets");
        let first = FileOffsetStore::open(&path).unwrap();
        let text = message(FileOffsetStore::open(&path));
        let process = format!("(process {})", std::process::id());
        for part in [path.to_str().unwrap(), &process, FILE_KEY, "listeners"] {
            assert!(text.contains(part), "`{part}` is missing in: {text}");
        }
        drop(first);
        FileOffsetStore::open(&path).unwrap();
    }

    #[test]
    fn after_a_failed_write_file_and_answers_are_the_old_ones() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("connect.offsets");
        let store = FileOffsetStore::open(&path).unwrap();
        store.set(one(r#"{"p":1}"#)).unwrap();
        let before = fs::read(&path).unwrap();
        // A directory in the temporary file's place cannot be written to, not even by root.
        let obstacle = dir.path().join("connect.offsets.tmp");
        fs::create_dir(&obstacle).unwrap();
        let error = store.set(one(r#"{"p":2}"#)).unwrap_err();
        assert!(error.message().contains("connect.offsets") && error.message().contains("former content"));
        assert!(error.next_cause().is_some(), "the reason is told");
        assert_eq!(fs::read(&path).unwrap(), before);
        assert_eq!(stored(&store), Some(br#"{"p":1}"#.to_vec()));
        fs::remove_dir(&obstacle).unwrap();
        store.set(one(r#"{"p":2}"#)).unwrap();
        assert_eq!(stored(&store), Some(br#"{"p":2}"#.to_vec()));
    }

    #[test]
    fn links_and_permissions_stay() {
        let dir = tempfile::tempdir().unwrap();
        let real = dir.path().join("real.offsets");
        let link = dir.path().join("link.offsets");
        fs::write(&real, JAVA_17).unwrap();
        fs::set_permissions(&real, fs::Permissions::from_mode(0o600)).unwrap();
        symlink(&real, &link).unwrap();
        let store = FileOffsetStore::open(&link).unwrap();
        store.set(one("{}")).unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_ne!(fs::read(&real).unwrap(), JAVA_17);
        assert_eq!(fs::metadata(&real).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(message(FileOffsetStore::open(&real)).contains("in use"), "both names mean one file");
    }

    #[test]
    fn what_is_no_file_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        for path in [dir.path(), Path::new("/dev/null")] {
            assert!(message(FileOffsetStore::open(path)).contains("not a regular file"));
        }
        let text = message(FileOffsetStore::open(dir.path().join("missing/connect.offsets")));
        assert!(text.contains("directory must exist"), "{text}");
    }
}
