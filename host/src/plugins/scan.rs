//! Looks through the plugin path for files that may be plugin libraries. Reads the first bytes of a file, runs nothing.
//!
//! An element of the path is a directory. Its direct children are libraries, or directories that are looked through to
//! any depth (one per plugin, as Kafka Connect lays them out). What is not named like a library is passed over without
//! a word; what is named like one and cannot be one is refused with the reason.

use std::collections::BTreeSet;
use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::digests::Digests;
use super::quarantine::{Reason, Refusal};

/// A file that looks like a shared library for this system and may be opened as far as its file says.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Candidate {
    /// The file as it was found.
    pub(super) path: PathBuf,
    /// The file itself, links resolved. Each file is found once.
    pub(super) real: PathBuf,
}

/// What the plugin path holds.
#[derive(Debug, Default)]
pub(super) struct Scan {
    pub(super) candidates: Vec<Candidate>,
    pub(super) refused: Vec<Refusal>,
}

/// How to look.
pub(super) struct Scanner<'a> {
    pub(super) elements: &'a [PathBuf],
    pub(super) allow_symlinks: bool,
    pub(super) digests: Option<&'a Digests>,
}

impl Scanner<'_> {
    /// Looks through all elements. An element that is missing is logged and passed over, as Kafka Connect does.
    pub(super) fn scan(&self) -> Scan {
        let mut run = Run { scanner: self, roots: Vec::new(), seen: BTreeSet::new(), scan: Scan::default() };
        run.roots = self.elements.iter().filter_map(|element| element.canonicalize().ok()).collect();
        for element in self.elements {
            match fs::metadata(element) {
                Ok(data) if data.is_dir() => run.directory(element),
                // A library named in the path itself.
                Ok(_) if is_library_name(element) => run.entry(element),
                Ok(_) => tracing::warn!(
                    "{} in plugin.path is neither a directory nor a plugin library; it is ignored",
                    element.display()
                ),
                Err(error) => tracing::warn!(
                    "{} in plugin.path cannot be read ({error}); it is ignored. Check the worker's key plugin.path",
                    element.display()
                ),
            }
        }
        run.scan
    }
}

struct Run<'a> {
    scanner: &'a Scanner<'a>,
    roots: Vec<PathBuf>,
    /// Files and directories that were looked at, so that links in a circle end and each file is found once.
    seen: BTreeSet<PathBuf>,
    scan: Scan,
}

impl Run<'_> {
    fn directory(&mut self, directory: &Path) {
        let Ok(real) = directory.canonicalize() else { return };
        if !self.seen.insert(real) {
            return;
        }
        if anyone_may_write(directory) {
            tracing::warn!(
                "Every user may put plugin libraries into {}, and so have the worker run any code; take the right away: \
                 chmod o-w {}",
                directory.display(),
                directory.display()
            );
        }
        let mut children: Vec<PathBuf> = match fs::read_dir(directory) {
            Ok(entries) => entries.filter_map(|entry| Some(entry.ok()?.path())).collect(),
            Err(error) => {
                tracing::warn!(
                    "Directory {} cannot be read ({error}); plugins in it are not found",
                    directory.display()
                );
                return;
            }
        };
        children.sort();
        for child in children {
            self.entry(&child);
        }
    }

    fn entry(&mut self, path: &Path) {
        let named = is_library_name(path);
        match self.look(path, named) {
            Ok(Some(Look::Directory)) => self.directory(path),
            Ok(Some(Look::Library(real))) => {
                if self.seen.insert(real.clone()) {
                    self.scan.candidates.push(Candidate { path: path.to_owned(), real });
                }
            }
            Ok(None) => {}
            Err(refusal) => self.scan.refused.push(refusal),
        }
    }

    /// What a directory entry is; `None` = nothing of interest.
    fn look(&self, path: &Path, named: bool) -> Result<Option<Look>, Refusal> {
        let refuse = |reason, message: String, way_out: &str| Err(Refusal::new(path, reason, message, way_out));
        let link = fs::symlink_metadata(path).is_ok_and(|data| data.is_symlink());
        let data = match fs::metadata(path) {
            Ok(data) => data,
            Err(_) if !named => return Ok(None),
            Err(error) if link && error.kind() == io::ErrorKind::NotFound => {
                let target = fs::read_link(path).unwrap_or_default();
                let message = format!("it is a link to {}, which does not exist", target.display());
                return refuse(Reason::Unreadable, message, "Correct the link or remove it");
            }
            Err(error) => return refuse(Reason::Unreadable, unreadable(&error), GRANT),
        };
        if data.is_dir() {
            if named {
                let message = "it is a directory, although it is named like a library".to_owned();
                return refuse(Reason::NotAFile, message, "Give it a name without the ending, or remove it");
            }
            return if link && !self.may_follow(path) { Ok(None) } else { Ok(Some(Look::Directory)) };
        }
        if !named {
            return Ok(None);
        }
        if !data.is_file() {
            let message = "it is not a regular file, although it is named like a library".to_owned();
            return refuse(Reason::NotAFile, message, "Remove it from the plugin path");
        }
        let real = match path.canonicalize() {
            Ok(real) => real,
            Err(error) => return refuse(Reason::Unreadable, unreadable(&error), GRANT),
        };
        if link && !self.may_follow(path) {
            let message = format!("it is a link to {}, outside the plugin path", real.display());
            let way_out = "Copy the file into the plugin path, or set plugin.path.symlinks.allow=true";
            return refuse(Reason::OutsidePluginPath, message, way_out);
        }
        check_rights(path, &data)?;
        check_content(path, &real, data.len())?;
        if let Some(digests) = self.scanner.digests {
            digests.check(path, &real)?;
        }
        Ok(Some(Look::Library(real)))
    }

    /// A link may lead to anywhere inside the elements of the path.
    fn may_follow(&self, path: &Path) -> bool {
        let inside = path.canonicalize().is_ok_and(|real| self.roots.iter().any(|root| real.starts_with(root)));
        if !inside && !self.scanner.allow_symlinks {
            tracing::debug!("{} leads out of the plugin path and is not followed", path.display());
        }
        inside || self.scanner.allow_symlinks
    }
}

/// Checks one file that the user named, whatever its name.
pub(super) fn check_file(path: &Path) -> Result<(), Refusal> {
    let data =
        fs::metadata(path).map_err(|error| Refusal::new(path, Reason::Unreadable, unreadable(&error), CHECK_NAME))?;
    if !data.is_file() {
        return Err(Refusal::new(path, Reason::NotAFile, "it is not a file", CHECK_NAME));
    }
    check_rights(path, &data)?;
    check_content(path, path, data.len())
}

const CHECK_NAME: &str = "Name a shared library";

enum Look {
    Directory,
    Library(PathBuf),
}

const GRANT: &str = "Let the user that runs the worker read it";

fn unreadable(error: &io::Error) -> String {
    format!("it cannot be read: {error}")
}

/// Whether the name is that of a shared library.
pub(super) fn is_library_name(path: &Path) -> bool {
    let ending = path.extension().and_then(|ending| ending.to_str()).map(str::to_ascii_lowercase);
    matches!(ending.as_deref(), Some("so" | "dylib" | "dll"))
}

/// A file that anyone may change lets anyone run code as the worker.
#[cfg(unix)]
fn check_rights(path: &Path, data: &Metadata) -> Result<(), Refusal> {
    use std::os::unix::fs::MetadataExt as _;

    let own = rustix::process::geteuid().as_raw();
    if data.mode() & 0o002 != 0 {
        let message = format!("every user may change it (mode {:o})", data.mode() & 0o7777);
        let way_out = format!("Take the right away: chmod o-w {}", path.display());
        return Err(Refusal::new(path, Reason::Permissions, message, way_out));
    }
    if data.uid() != 0 && data.uid() != own {
        tracing::warn!(
            "Plugin library {} belongs to user {}, who can have the worker run any code; libraries should belong to \
             root or to the worker's own user {own}",
            path.display(),
            data.uid()
        );
    }
    Ok(())
}

#[cfg(unix)]
fn anyone_may_write(path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;

    fs::metadata(path).is_ok_and(|data| data.mode() & 0o002 != 0)
}

#[cfg(not(unix))]
fn anyone_may_write(_path: &Path) -> bool {
    false
}

#[cfg(not(unix))]
fn check_rights(_path: &Path, _data: &Metadata) -> Result<(), Refusal> {
    Ok(())
}

/// Looks at the first bytes: opening a file that is cut short can end the process.
fn check_content(path: &Path, real: &Path, size: u64) -> Result<(), Refusal> {
    let mut head = Vec::new();
    let read = File::open(real).and_then(|file| file.take(64).read_to_end(&mut head));
    if let Err(error) = read {
        return Err(Refusal::new(path, Reason::Unreadable, unreadable(&error), GRANT));
    }
    let refuse = |message: String, way_out| Err(Refusal::new(path, Reason::NotALibrary, message, way_out));
    if head.is_empty() {
        return refuse("it is empty".to_owned(), "Copy it again, or remove it");
    }
    if !MAGIC.iter().any(|magic| head.starts_with(magic)) {
        let begin: String = String::from_utf8_lossy(&head).chars().take(16).collect();
        let message = format!("it is not a shared library for this system; it begins with {begin:?}");
        return refuse(message, "Remove it from the plugin path");
    }
    if let Some(expected) = elf_size(&head).filter(|expected| *expected > size) {
        let message = format!("it is cut short: it has {size} of at least {expected} bytes");
        return refuse(message, "Copy it again");
    }
    Ok(())
}

#[cfg(target_os = "macos")]
const MAGIC: [&[u8]; 3] = [b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe", b"\xca\xfe\xba\xbf"];
#[cfg(windows)]
const MAGIC: [&[u8]; 1] = [b"MZ"];
#[cfg(not(any(target_os = "macos", windows)))]
const MAGIC: [&[u8]; 1] = [b"\x7fELF"];

/// Where the section table of a 64-bit little-endian ELF file ends, which linkers put at the end of the file.
fn elf_size(head: &[u8]) -> Option<u64> {
    let short = |at: usize| Some(u16::from_le_bytes(head.get(at..at + 2)?.try_into().ok()?));
    if !head.starts_with(b"\x7fELF") {
        return None;
    }
    if head.len() < 64 {
        return Some(64);
    }
    if !head.starts_with(b"\x7fELF\x02\x01") {
        return None;
    }
    let table = u64::from_le_bytes(head.get(40..48)?.try_into().ok()?);
    let (entry, count) = (short(58)?, short(60)?);
    Some(table.saturating_add(u64::from(entry) * u64::from(count)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn elf(sections_end: u64) -> Vec<u8> {
        let mut file = vec![0u8; 64];
        file[..6].copy_from_slice(b"\x7fELF\x02\x01");
        file[40..48].copy_from_slice(&(sections_end - 64).to_le_bytes());
        file[58..60].copy_from_slice(&64u16.to_le_bytes());
        file[60..62].copy_from_slice(&1u16.to_le_bytes());
        file.resize(usize::try_from(sections_end).unwrap(), 0);
        file
    }

    fn scan(elements: &[PathBuf], allow_symlinks: bool) -> Scan {
        Scanner { elements, allow_symlinks, digests: None }.scan()
    }

    fn names(scan: &Scan) -> Vec<String> {
        scan.candidates.iter().map(|found| found.path.file_name().unwrap().to_string_lossy().into_owned()).collect()
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn finds_libraries_at_any_depth_once() {
        let home = tempfile::tempdir().unwrap();
        let root = home.path().join("plugins");
        fs::create_dir_all(root.join("a/lib")).unwrap();
        fs::write(root.join("top.so"), elf(128)).unwrap();
        fs::write(root.join("a/lib/deep.so"), elf(128)).unwrap();
        fs::write(root.join("a/README.md"), "hello").unwrap();
        std::os::unix::fs::symlink(root.join("top.so"), root.join("a/again.so")).unwrap();
        std::os::unix::fs::symlink(&root, root.join("a/circle")).unwrap();
        let found = scan(&[root.clone(), root, home.path().join("missing")], false);
        assert_eq!(names(&found), ["again.so", "deep.so"], "again.so is the same file as top.so");
        assert_eq!(found.refused, []);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn each_bad_file_gets_one_clear_line() {
        use std::os::unix::fs::{PermissionsExt as _, symlink};
        let home = tempfile::tempdir().unwrap();
        let root = home.path().join("plugins");
        fs::create_dir_all(root.join("directory.so")).unwrap();
        fs::write(home.path().join("outside.so"), elf(128)).unwrap();
        symlink("nowhere.so", root.join("dangling.so")).unwrap();
        symlink("../outside.so", root.join("escape.so")).unwrap();
        fs::write(root.join("empty.so"), "").unwrap();
        fs::write(root.join("text.so"), "hello, I am no library at all").unwrap();
        fs::write(root.join("tiny.so"), &elf(128)[..20]).unwrap();
        fs::write(root.join("truncated.so"), &elf(5000)[..4000]).unwrap();
        fs::write(root.join("writable.so"), elf(128)).unwrap();
        fs::set_permissions(root.join("writable.so"), fs::Permissions::from_mode(0o777)).unwrap();
        let found = scan(std::slice::from_ref(&root), false);
        assert_eq!(names(&found), Vec::<String>::new());
        let lines: Vec<(Reason, String)> = found.refused.iter().map(|r| (r.reason, r.message.clone())).collect();
        let expected = [
            (Reason::Unreadable, "a link to nowhere.so, which does not exist"),
            (Reason::NotAFile, "a directory"),
            (Reason::NotALibrary, "empty"),
            (Reason::OutsidePluginPath, "outside the plugin path"),
            (Reason::NotALibrary, "begins with \"hello, I am no l\""),
            (Reason::NotALibrary, "it has 20 of at least 64 bytes"),
            (Reason::NotALibrary, "it has 4000 of at least 5000 bytes"),
            (Reason::Permissions, "every user may change it (mode 777)"),
        ];
        assert_eq!(lines.len(), expected.len(), "{lines:?}");
        for ((reason, message), (wanted, part)) in lines.iter().zip(expected) {
            assert!(*reason == wanted && message.contains(part), "{reason:?} {message}: {part}");
        }
        assert_eq!(names(&scan(&[root], true)), ["escape.so"]);
    }

    #[cfg(unix)]
    #[test]
    fn a_file_without_read_permission_says_so() {
        use std::os::unix::fs::PermissionsExt as _;
        if rustix::process::geteuid().is_root() {
            println!("skipped: root may read every file");
            return;
        }
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("secret.so");
        fs::write(&file, elf(128)).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o000)).unwrap();
        let found = scan(&[home.path().to_owned()], false);
        assert_eq!(found.refused.len(), 1);
        assert_eq!(found.refused[0].reason, Reason::Unreadable);
    }
}
