//! `${file:/path/to/file:key}`: a key of a properties file.

use indexmap::IndexSet;

use super::allowed_paths::AllowedPaths;
use super::{ConfigData, ConfigProvider};
use crate::config::properties;
use crate::config::props::Props;
use crate::error::{ConnectError, Result};

/// Reads keys of properties files, which unlike worker files are in UTF-8.
#[derive(Debug)]
pub struct FileConfigProvider {
    allowed: AllowedPaths,
}

impl FileConfigProvider {
    /// Takes `allowed.paths`.
    ///
    /// # Errors
    /// A path in it is not absolute or does not exist.
    pub fn new(params: &Props) -> Result<Self> {
        Ok(Self { allowed: AllowedPaths::new(params)? })
    }
}

impl ConfigProvider for FileConfigProvider {
    fn get(&self, path: &str, keys: &IndexSet<String>) -> Result<ConfigData> {
        let mut data = ConfigData::default();
        if path.is_empty() {
            return Ok(data);
        }
        let Some(file) = self.allowed.check(path) else {
            return Ok(data);
        };
        // The cause's text may quote what is in the file, so only I/O errors are passed on.
        let failed = || ConnectError::config(format!("Could not read properties from file {path}"));
        let text = std::fs::read_to_string(file).map_err(|error| failed().caused_by(error))?;
        for entry in properties::parse(&text).map_err(|_| failed())? {
            if keys.contains(&entry.key) {
                data.values.insert(entry.key, entry.value);
            }
        }
        Ok(data)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_the_keys_of_a_file() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let path = dir.path().join("s.properties");
        std::fs::write(&path, "user=J\u{fc}rgen\npassword=p:w = x\n").expect("writable");
        let provider = FileConfigProvider::new(&Props::new()).expect("no parameters");
        let keys = IndexSet::from(["user".to_owned(), "password".to_owned(), "none".to_owned()]);
        let data = provider.get(path.to_str().expect("UTF-8"), &keys).expect("readable");
        assert_eq!(data.values["user"], "J\u{fc}rgen");
        assert_eq!(data.values["password"], "p:w = x");
        assert_eq!(data.values.len(), 2);
        let error = provider.get("/no/such/file", &keys).err().expect("not there");
        assert_eq!(error.message(), "Could not read properties from file /no/such/file");
        assert!(provider.get("", &keys).expect("nothing to read").values.is_empty());
    }
}
