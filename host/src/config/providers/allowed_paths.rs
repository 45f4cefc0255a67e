//! Which paths a provider may read.

use std::path::{Component, Path, PathBuf};

use crate::config::props::Props;
use crate::error::{ConnectError, Result};

/// The key that restricts file and directory providers.
const ALLOWED_PATHS: &str = "allowed.paths";

/// The directories or files a provider may read; everything if none were named.
///
/// Unlike Kafka's, the check also holds for what symbolic links point at.
#[derive(Debug)]
pub(super) struct AllowedPaths(Option<Vec<PathBuf>>);

impl AllowedPaths {
    /// Reads `allowed.paths`, a list separated by commas.
    ///
    /// # Errors
    /// A path is not absolute or does not exist.
    pub(super) fn new(params: &Props) -> Result<Self> {
        let Some(list) = params.get(ALLOWED_PATHS).filter(|list| !list.is_empty()) else {
            return Ok(Self(None));
        };
        let paths = list.split(',').map(|text| {
            let path = normalize(Path::new(text.trim()));
            if !path.is_absolute() {
                return Err(ConnectError::config(format!(
                    "Path {} is not absolute; '{ALLOWED_PATHS}' takes absolute paths",
                    path.display()
                )));
            }
            if !path.exists() {
                return Err(ConnectError::config(format!(
                    "Path {} does not exist; '{ALLOWED_PATHS}' takes paths that exist",
                    path.display()
                )));
            }
            Ok(path)
        });
        paths.collect::<Result<_>>().map(|paths| Self(Some(paths)))
    }

    /// The path to read; `None`, with a warning in the log, if it may not be read.
    pub(super) fn check(&self, text: &str) -> Option<PathBuf> {
        let path = Path::new(text);
        let Some(allowed) = &self.0 else {
            return Some(path.to_owned());
        };
        let path = normalize(path);
        let inside = |path: &Path| allowed.iter().any(|root| path.starts_with(root));
        // What does not exist cannot lead out of the allowed paths.
        let inside_by_links = || {
            path.canonicalize().map_or(true, |real| {
                allowed.iter().any(|root| root.canonicalize().is_ok_and(|root| real.starts_with(root)))
            })
        };
        if inside(&path) && inside_by_links() {
            return Some(path);
        }
        tracing::warn!("The path {text} is not allowed to be accessed");
        None
    }
}

/// Resolves `.` and `..` by name alone, as Java's `Path.normalize`.
fn normalize(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if matches!(out.components().next_back(), Some(Component::Normal(_))) => {
                out.pop();
            }
            Component::ParentDir if out.has_root() => {}
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_inside_may_be_read() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let root = dir.path().canonicalize().expect("exists");
        let inside = root.join("in");
        std::fs::create_dir(&inside).expect("writable");
        std::fs::write(root.join("secret"), "x").expect("writable");
        std::os::unix::fs::symlink(root.join("secret"), inside.join("link")).expect("writable");
        let text = |path: &Path| path.to_str().expect("UTF-8").to_owned();
        let allowed = AllowedPaths::new(&Props::from([(ALLOWED_PATHS, &*text(&inside))])).expect("exists");
        let check = |path: PathBuf| allowed.check(&text(&path)).is_some();
        assert!(check(inside.join("a/../b")));
        assert!(!check(inside.join("../secret")));
        assert!(!check(root.join("inner")));
        assert!(!check(inside.join("link")), "a link leads out");
    }

    #[test]
    fn without_a_list_everything_may_be_read() {
        let allowed = AllowedPaths::new(&Props::new()).expect("no list");
        assert_eq!(allowed.check("/x/../y"), Some(PathBuf::from("/x/../y")));
    }

    #[test]
    fn the_list_must_make_sense() {
        for (list, text) in [
            ("relative/path", "Path relative/path is not absolute"),
            ("/,/no/such/path", "Path /no/such/path does not exist"),
        ] {
            let error = AllowedPaths::new(&Props::from([(ALLOWED_PATHS, list)])).expect_err(list);
            assert!(error.message().starts_with(text), "{error}");
        }
    }
}
