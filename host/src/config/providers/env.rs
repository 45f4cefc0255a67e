//! `${env:NAME}`: an environment variable.

use std::collections::HashMap;

use indexmap::IndexSet;

use super::{ConfigData, ConfigProvider};
use crate::config::props::Props;
use crate::error::{ConnectError, Result};
use crate::java_regex::JavaRegex;

const PATTERN: &str = "allowlist.pattern";

/// Gives the environment variables whose names match a pattern, as they were when it was made.
pub struct EnvVarConfigProvider {
    variables: HashMap<String, String>,
}

impl EnvVarConfigProvider {
    /// Takes `allowlist.pattern`, a regular expression for whole names (default: all names).
    ///
    /// # Errors
    /// The pattern is not a regular expression.
    pub fn new(params: &Props) -> Result<Self> {
        let texts =
            std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        Self::from_variables(params, texts.collect())
    }

    fn from_variables(params: &Props, mut variables: HashMap<String, String>) -> Result<Self> {
        if let Some(pattern) = params.get(PATTERN) {
            let regex = JavaRegex::compile(pattern)
                .map_err(|error| ConnectError::invalid_value(PATTERN, pattern, format!("Invalid regex: {error}")))?;
            variables.retain(|name, _| regex.matches(name).unwrap_or(false));
        }
        Ok(Self { variables })
    }
}

impl ConfigProvider for EnvVarConfigProvider {
    fn get(&self, path: &str, keys: &IndexSet<String>) -> Result<ConfigData> {
        if !path.is_empty() {
            return Err(ConnectError::config(format!(
                "Path is not supported for EnvVarConfigProvider, invalid value '{path}'; \
                 expected a variable like ${{env:NAME}}"
            )));
        }
        let known = keys.iter().filter_map(|key| Some((key.clone(), self.variables.get(key)?.clone())));
        Ok(ConfigData { values: known.collect(), ttl: None })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_that_match_are_given() {
        let variables = [("DB_USER", "u"), ("DB_PASS", "p"), ("HOME", "/")];
        let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let params = Props::from([("allowlist.pattern", "DB_.*|X")]);
        let provider = EnvVarConfigProvider::from_variables(&params, variables.into()).expect("a regex");
        let keys = IndexSet::from(["DB_USER".to_owned(), "HOME".to_owned()]);
        let data = provider.get("", &keys).expect("no path");
        assert_eq!(data.values, HashMap::from([("DB_USER".to_owned(), "u".to_owned())]));
        let error = provider.get("path", &keys).err().expect("paths mean nothing here");
        let text = "Path is not supported for EnvVarConfigProvider, invalid value 'path'";
        assert!(error.message().starts_with(text), "{error}");
        assert!(EnvVarConfigProvider::new(&Props::from([("allowlist.pattern", "(")])).is_err());
    }
}
