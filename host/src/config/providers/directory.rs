//! `${dir:/path/to/directory:name}`: the content of a file, as secret stores mount them.

use std::path::Path;

use indexmap::IndexSet;

use super::allowed_paths::AllowedPaths;
use super::{ConfigData, ConfigProvider};
use crate::config::props::Props;
use crate::error::{ConnectError, Result};

/// Gives the content of the files in a directory by their names.
#[derive(Debug)]
pub struct DirectoryConfigProvider {
    allowed: AllowedPaths,
}

impl DirectoryConfigProvider {
    /// Takes `allowed.paths`.
    ///
    /// # Errors
    /// A path in it is not absolute or does not exist.
    pub fn new(params: &Props) -> Result<Self> {
        Ok(Self { allowed: AllowedPaths::new(params)? })
    }

    fn read(&self, directory: &Path, name: &str) -> Result<Option<String>> {
        // A key names a file of this directory, never one elsewhere.
        if Path::new(name).file_name() != Some(name.as_ref()) {
            return Ok(None);
        }
        let file = directory.join(name);
        let allowed = file.to_str().and_then(|text| self.allowed.check(text));
        match allowed.filter(|file| file.is_file()) {
            Some(file) => std::fs::read_to_string(&file).map(Some).map_err(|error| {
                let file = file.display();
                ConnectError::config(format!("Could not read file {file} for property {name}")).caused_by(error)
            }),
            None => Ok(None),
        }
    }
}

impl ConfigProvider for DirectoryConfigProvider {
    fn get(&self, path: &str, keys: &IndexSet<String>) -> Result<ConfigData> {
        let mut data = ConfigData::default();
        if path.is_empty() {
            return Ok(data);
        }
        let Some(directory) = self.allowed.check(path) else {
            return Ok(data);
        };
        if !directory.is_dir() {
            tracing::warn!("The path {path} is not a directory");
            return Ok(data);
        }
        for name in keys {
            if let Some(content) = self.read(&directory, name)? {
                data.values.insert(name.clone(), content);
            }
        }
        Ok(data)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_whole_files() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        std::fs::create_dir(dir.path().join("sub")).expect("writable");
        std::fs::write(dir.path().join("password"), "p w\n").expect("writable");
        std::fs::write(dir.path().join("sub/other"), "x").expect("writable");
        let provider = DirectoryConfigProvider::new(&Props::new()).expect("no parameters");
        let keys = ["password", "sub", "sub/other", "../x", "none"].map(str::to_owned);
        let path = dir.path().to_str().expect("UTF-8");
        let data = provider.get(path, &IndexSet::from(keys.clone())).expect("readable");
        assert_eq!(data.values.len(), 1);
        assert_eq!(data.values["password"], "p w\n");
        let data = provider.get(&format!("{path}/password"), &IndexSet::from(keys)).expect("no directory");
        assert!(data.values.is_empty());
    }
}
