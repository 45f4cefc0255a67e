//! The file that says which user may do what.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use crate::config::ConfigFile;
use crate::error::{ConnectError, Result};
use crate::rest::renewed::Renewed;

use super::rights::{Access, Names, Rights};

/// The rights of a properties file, read again when the file changes: `USER.see`, `USER.change`, `USER.loggers`.
pub(super) struct Permissions {
    path: PathBuf,
    table: Renewed<Table>,
}

type Table = HashMap<String, Rights>;

impl Permissions {
    /// Reads the file.
    ///
    /// # Errors
    /// It cannot be read, says nothing, or has anything in it that is not a right. The error names file and line.
    pub(super) fn read(path: &Path) -> Result<Self> {
        let table = Renewed::new(format!("rights of {}", path.display()), vec![path.to_owned()], || table(path))?;
        Ok(Self { path: path.to_owned(), table })
    }

    /// What somebody may do; who is not in the file may do nothing.
    pub(super) fn of(&self, user: Option<&str>) -> Rights {
        let find = |table: &Table| user.and_then(|user| table.get(user)).cloned().unwrap_or_else(Rights::none);
        self.table.with(|| table(&self.path), find)
    }
}

impl std::fmt::Debug for Permissions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Permissions").field("path", &self.path).finish_non_exhaustive()
    }
}

/// Anything in doubt is an error: a worker must not give other rights than were meant.
fn table(path: &Path) -> Result<Table> {
    let file = ConfigFile::read(path)?;
    if let Some(warning) = file.warnings().first() {
        return Err(ConnectError::config(warning.clone()));
    }
    let mut table = Table::new();
    for (key, value) in file.props().iter() {
        let wrong = |reason: String| ConnectError::config(format!("{}: '{key}' {reason}", file.place(key)));
        let Some((user, right)) = key.rsplit_once('.').filter(|(user, _)| !user.is_empty()) else {
            return Err(wrong("is no right; write USER.see, USER.change or USER.loggers".to_owned()));
        };
        let rights = table.entry(user.to_owned()).or_insert_with(Rights::none);
        let value = value.unwrap_or_default();
        match right {
            "see" => rights.see = Names::parse(value).map_err(wrong)?,
            "change" => rights.change = Names::parse(value).map_err(wrong)?,
            "loggers" => rights.loggers = Access::parse(value).map_err(wrong)?,
            _ => return Err(wrong(format!("is no right: {right} may be see, change or loggers"))),
        }
    }
    if table.is_empty() {
        return Err(ConnectError::config(format!(
            "{}: gives nobody any right; write lines such as USER.change=orders-*",
            path.display()
        )));
    }
    Ok(table)
}

#[cfg(test)]
mod tests {
    use super::super::rights::Need;
    use super::*;

    fn read(text: &str) -> Result<Permissions> {
        let dir = tempfile::tempdir().expect("a directory");
        let file = dir.path().join("rights.properties");
        std::fs::write(&file, text).expect("writable");
        Permissions::read(&file)
    }

    #[test]
    fn who_is_not_named_may_do_nothing() {
        let permissions =
            read("ann.change = orders-*\nann.see=*\nb.ob.see=orders-1\nop.loggers=change\n").expect("right");
        let may = |user, need| permissions.of(user).must(user, need).is_ok();
        let (ann, bob, op) = (Some("ann"), Some("b.ob"), Some("op"));
        assert!(may(ann, Need::Change("orders-1")) && may(ann, Need::See("bills")) && may(ann, Need::Validate));
        assert!(!may(ann, Need::Change("bills")) && !may(ann, Need::SeeLoggers) && !may(ann, Need::Everything));
        assert!(may(bob, Need::See("orders-1")) && may(bob, Need::Presence));
        for need in [Need::See("orders-2"), Need::Change("orders-1"), Need::ChangeSome, Need::Validate] {
            assert!(!may(bob, need), "{need:?}");
        }
        assert!(may(op, Need::ChangeLoggers) && !may(op, Need::See("orders-1")));
        for nobody in [None, Some("eve"), Some("ANN"), Some("b")] {
            for need in [Need::Presence, Need::See("orders-1"), Need::Change("orders-1"), Need::SeeLoggers] {
                assert!(!may(nobody, need), "{nobody:?} {need:?}");
            }
        }
    }

    #[test]
    fn anything_in_doubt_is_refused_with_its_line() {
        for (text, part) in [
            ("", "gives nobody any right"),
            ("ann=*", "rights.properties:1: 'ann' is no right"),
            (".see=*", "'.see' is no right"),
            ("\nann.delete=*", "rights.properties:2: 'ann.delete' is no right: delete may be see, change or loggers"),
            ("ann.see=", "has an empty pattern"),
            ("ann.loggers=*", "is *; it may be see or change"),
            ("ann.see=a\nann.see=b", "is set a second time"),
            ("j\u{f6}rg.see=a", "has characters in UTF-8"),
        ] {
            let error = read(text).expect_err(text);
            assert!(error.message().contains(part), "{error}");
        }
    }

    #[test]
    fn a_changed_file_counts_and_a_damaged_one_does_not() {
        let dir = tempfile::tempdir().expect("a directory");
        let file = dir.path().join("rights");
        std::fs::write(&file, "ann.see=a").expect("writable");
        let permissions = Permissions::read(&file).expect("right");
        let sees = |name: &str| {
            permissions.table.forget_look();
            permissions.of(Some("ann")).shows(name)
        };
        assert!(sees("a") && !sees("bb"));
        std::fs::write(&file, "ann.see=bb").expect("writable");
        assert!(sees("bb") && !sees("a"));
        std::fs::write(&file, "ann.see").expect("writable");
        assert!(sees("bb") && !sees("a"));
    }
}
