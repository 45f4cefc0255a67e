//! Configuration files: what is in them and on which line.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use super::props::Props;
use super::{properties, toml_file};
use crate::error::{ConnectError, Result};

/// A configuration that was read from a file and remembers where each key stands.
#[derive(Debug, Clone)]
pub struct ConfigFile {
    path: PathBuf,
    props: Props,
    lines: HashMap<String, u32>,
    /// Names of what gave a value in place of a line of the file.
    sources: HashMap<String, String>,
    /// Names the place to set a key that is not there; the file if none.
    missing: Option<fn(&str) -> String>,
    secrets: HashSet<String>,
    warnings: Vec<String>,
}

impl ConfigFile {
    /// Reads a file: `.toml` by its ending, anything else as Java properties.
    ///
    /// # Errors
    /// The file cannot be read or is not well-formed; the message names file and line.
    pub fn read(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let bytes = read_bytes(path)?;
        if path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("toml")) {
            Self::from_toml(path, &bytes)
        } else {
            Self::from_properties(path, &bytes)
        }
    }

    /// Takes a map that came from elsewhere; messages will name `path` without a line.
    pub fn from_props(path: impl Into<PathBuf>, props: Props) -> Self {
        let (lines, sources, missing, secrets, warnings) = Default::default();
        Self { path: path.into(), props, lines, sources, missing, secrets, warnings }
    }

    pub(super) fn from_properties(path: &Path, bytes: &[u8]) -> Result<Self> {
        let entries = properties::parse(&properties::decode_latin1(bytes)).map_err(|error| in_file(path, error))?;
        let mut file = Self::from_props(path, Props::new());
        if !bytes.is_ascii() && std::str::from_utf8(bytes).is_ok() {
            file.warnings.push(format!(
                "{}: has characters in UTF-8, but properties files are read as ISO-8859-1, as Kafka does. \
                 Write such characters as \\uXXXX, or use a .toml file",
                path.display()
            ));
        }
        for entry in entries {
            file.add(entry.key, entry.value, entry.line);
        }
        Ok(file)
    }

    pub(super) fn from_toml(path: &Path, bytes: &[u8]) -> Result<Self> {
        let text = std::str::from_utf8(bytes)
            .map_err(|error| in_file(path, ConnectError::config(format!("not UTF-8: {error}"))))?;
        let entries = toml_file::parse(text).map_err(|error| in_file(path, error))?;
        let mut file = Self::from_props(path, Props::new());
        for entry in entries {
            file.add(entry.key, entry.value, entry.line);
        }
        Ok(file)
    }

    fn add(&mut self, key: String, value: String, line: u32) {
        if let Some(first) = self.lines.insert(key.clone(), line) {
            self.warnings.push(format!(
                "{}:{line}: '{key}' is set a second time; the value on line {first} is not used",
                self.path.display()
            ));
        }
        self.props.set(key, value);
    }

    /// Sets a key to a value from elsewhere, in place of what the file says. Messages name `source`.
    pub(super) fn set_from(&mut self, key: &str, value: String, source: String) {
        self.sources.insert(key.to_owned(), source);
        self.props.set(key, value);
    }

    /// Takes a key out of the configuration.
    pub(super) fn take(&mut self, key: &str) -> Option<String> {
        self.sources.remove(key);
        self.props.remove(key).flatten()
    }

    /// Messages about keys that are not set name the place that `missing` gives for a key.
    pub(super) fn name_missing(&mut self, missing: fn(&str) -> String) {
        self.missing = Some(missing);
    }

    /// What gave a key its value in place of a line of the file.
    pub(super) fn source(&self, key: &str) -> Option<&str> {
        self.sources.get(key).map(String::as_str)
    }

    /// Takes care that the value of a key is never shown.
    pub(super) fn keep_secret(&mut self, key: &str) {
        self.secrets.insert(key.to_owned());
    }

    /// The keys whose values must not be shown, whatever they are.
    pub(super) fn secrets(&self) -> &HashSet<String> {
        &self.secrets
    }

    /// Adds something that a user should look at.
    pub(super) fn warn(&mut self, warning: String) {
        self.warnings.push(warning);
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What is in it.
    pub fn props(&self) -> &Props {
        &self.props
    }

    /// What is in it, taken out.
    pub fn into_props(self) -> Props {
        self.props
    }

    /// What a user should look at although the file can be read.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// The place of a key for messages: the name of what set it, `file:line`, or for a key that is not there the file
    /// or what could set it.
    pub fn place(&self, key: &str) -> String {
        match (self.sources.get(key), self.lines.get(key), self.missing) {
            (Some(source), _, _) => source.clone(),
            (None, Some(line), _) => format!("{}:{line}", self.path.display()),
            (None, None, Some(missing)) => missing(key),
            (None, None, None) => self.path.display().to_string(),
        }
    }
}

/// Reads a whole file.
pub(super) fn read_bytes(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|error| ConnectError::config(format!("{}: cannot be read: {error}", path.display())))
}

/// Puts the file in front of a message that begins with a line.
pub(super) fn in_file(path: &Path, error: ConnectError) -> ConnectError {
    let message = error.message();
    let place = match message.strip_prefix("line ").and_then(|rest| rest.split_once(": ")) {
        Some((line, rest)) => format!("{}:{line}: {rest}", path.display()),
        None => format!("{}: {message}", path.display()),
    };
    ConnectError::config(place)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_name_file_and_line() {
        let path = Path::new("w.properties");
        let file = ConfigFile::from_properties(path, b"a=1\nb=2\na=3\n").expect("well-formed");
        assert_eq!(file.props(), &Props::from([("a", "3"), ("b", "2")]));
        assert_eq!(file.place("b"), "w.properties:2");
        assert_eq!(file.place("zzz"), "w.properties");
        assert_eq!(file.warnings(), ["w.properties:3: 'a' is set a second time; the value on line 1 is not used"]);
        let error = ConfigFile::from_properties(path, b"a=\\uXYZ").expect_err("bad escape");
        assert!(error.message().starts_with("w.properties:1: malformed"), "{error}");
    }

    #[test]
    fn utf8_in_properties_gets_a_warning() {
        let file = ConfigFile::from_properties(Path::new("w"), "a=\u{fc}".as_bytes()).expect("well-formed");
        assert_eq!(file.props().get("a"), Some("\u{c3}\u{bc}"));
        assert_eq!(file.warnings().len(), 1);
        let latin1 = ConfigFile::from_properties(Path::new("w"), b"a=\xfc").expect("well-formed");
        assert_eq!((latin1.props().get("a"), latin1.warnings().len()), (Some("\u{fc}"), 0));
    }

    #[test]
    fn the_ending_decides_about_the_form() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let path = dir.path().join("w.toml");
        std::fs::write(&path, "[producer]\nacks = \"all\"\n").expect("writable");
        let file = ConfigFile::read(&path).expect("well-formed");
        assert_eq!(file.props(), &Props::from([("producer.acks", "all")]));
        let error = ConfigFile::read(dir.path().join("none")).expect_err("no such file");
        assert!(error.message().contains("none: cannot be read: "), "{error}");
    }
}
