//! Connector files of a standalone worker: the three forms of Kafka Connect, and TOML.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::file::{ConfigFile, read_bytes};
use super::props::Props;
use crate::error::{ConnectError, Result};

const NAME: &str = "name";

/// The state a connector begins in (KIP-980).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InitialState {
    /// At work.
    Running,
    /// With tasks that wait.
    Paused,
    /// Without tasks.
    Stopped,
}

impl InitialState {
    /// Reads a state in any case.
    pub fn parse(text: &str) -> Option<Self> {
        match text.to_ascii_uppercase().as_str() {
            "RUNNING" => Some(Self::Running),
            "PAUSED" => Some(Self::Paused),
            "STOPPED" => Some(Self::Stopped),
            _ => None,
        }
    }
}

/// A connector as its file describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectorFile {
    /// The file.
    pub path: PathBuf,
    /// The connector's name.
    pub name: String,
    /// Its configuration, in which `name` is set. Variables are not replaced.
    pub config: Props,
    /// The state to begin in, if the file says so.
    pub initial_state: Option<InitialState>,
    /// What the user should look at although the file can be read, such as a key that is set twice.
    pub warnings: Vec<String>,
}

impl ConnectorFile {
    /// Reads a file: `.toml` by its ending; else a flat JSON object, an object with `name`,
    /// `config` and `initial_state`, or Java properties, whichever it is.
    ///
    /// # Errors
    /// The file cannot be read, is in none of these forms, or has no name or two.
    pub fn read(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let bytes = read_bytes(path)?;
        let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default().to_lowercase();
        if ending == "toml" {
            return Self::from_toml(path, ConfigFile::from_toml(path, &bytes)?.into_props());
        }
        match serde_json::from_slice::<Map<String, Value>>(&bytes) {
            Ok(object) => Self::from_json(path, object),
            // Properties can begin like JSON only if somebody meant to write JSON.
            Err(error) if ending == "json" || bytes.trim_ascii_start().starts_with(b"{") => {
                Err(ConnectError::config(format!("{}:{}: not valid JSON: {error}", path.display(), error.line())))
            }
            Err(_) => {
                let file = ConfigFile::from_properties(path, &bytes)?;
                let warnings = file.warnings().to_vec();
                Ok(Self { warnings, ..Self::flat(path, file.into_props())? })
            }
        }
    }

    fn flat(path: &Path, config: Props) -> Result<Self> {
        let Some(name) = config.get(NAME) else {
            return Err(ConnectError::connect(format!(
                "Connector configuration at '{}' is missing the mandatory '{NAME}' configuration",
                path.display()
            )));
        };
        Ok(Self { path: path.to_owned(), name: name.to_owned(), config, initial_state: None, warnings: Vec::new() })
    }

    fn from_json(path: &Path, object: Map<String, Value>) -> Result<Self> {
        if !object.values().any(|value| value.is_object() || value.is_array()) {
            return Self::flat(path, scalars(path, "", object)?);
        }
        let mut object = object;
        let config = match object.remove("config") {
            Some(Value::Object(config)) => scalars(path, "config.", config)?,
            _ => {
                return Err(ConnectError::config(format!(
                    "{}: expected a flat object of texts, or an object with 'name', 'config' and, if wanted, \
                     'initial_state'",
                    path.display()
                )));
            }
        };
        let name = object.get(NAME).and_then(scalar).flatten();
        let state = object.get("initial_state").and_then(scalar).flatten();
        Self::nested(path, name, config, state)
    }

    /// In TOML a table `config` with a connector class makes the form with name and state.
    fn from_toml(path: &Path, props: Props) -> Result<Self> {
        if !props.contains_key("config.connector.class") {
            return Self::flat(path, props);
        }
        let text = |key: &str| props.get(key).map(str::to_owned);
        Self::nested(path, text(NAME), props.with_prefix("config."), text("initial_state"))
    }

    fn nested(path: &Path, name: Option<String>, mut config: Props, state: Option<String>) -> Result<Self> {
        if let Some(inner) = config.get(NAME)
            && Some(inner) != name.as_deref()
        {
            return Err(ConnectError::connect(format!(
                "Connector name configuration in 'config' doesn't match the one specified in 'name' at '{}'",
                path.display()
            )));
        }
        if let Some(name) = name {
            config.set(NAME, name);
        }
        let initial_state = match state {
            Some(text) => Some(InitialState::parse(&text).ok_or_else(|| {
                ConnectError::config(format!(
                    "{}: Invalid value {text} for configuration initial_state: expected RUNNING, PAUSED or STOPPED",
                    path.display()
                ))
            })?),
            None => None,
        };
        Ok(Self { initial_state, ..Self::flat(path, config)? })
    }
}

/// The text of a JSON value that is not a structure; numbers as they are written.
fn scalar(value: &Value) -> Option<Option<String>> {
    match value {
        Value::Null => Some(None),
        Value::String(text) => Some(Some(text.clone())),
        Value::Number(number) => Some(Some(number.to_string())),
        Value::Bool(value) => Some(Some(value.to_string())),
        Value::Array(_) | Value::Object(_) => None,
    }
}

fn scalars(path: &Path, prefix: &str, object: Map<String, Value>) -> Result<Props> {
    let entries = object.into_iter().map(|(key, value)| match scalar(&value) {
        Some(text) => Ok((key, text)),
        None => Err(ConnectError::config(format!(
            "{}: '{prefix}{key}' is an object or an array; expected a text, a number or a boolean",
            path.display()
        ))),
    });
    entries.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(file: &str, text: &str) -> Result<ConnectorFile> {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let path = dir.path().join(file);
        std::fs::write(&path, text).expect("writable");
        ConnectorFile::read(path)
    }

    #[test]
    fn all_forms_give_the_same() {
        let config = Props::from([("connector.class", "X"), ("tasks.max", "2"), ("name", "c")]);
        for (file, text) in [
            ("c.properties", "name=c\nconnector.class=X\ntasks.max=2\n"),
            ("c.json", r#"{"name":"c","connector.class":"X","tasks.max":2}"#),
            ("c.json", r#"{"name":"c","config":{"connector.class":"X","tasks.max":"2"},"other":[1]}"#),
            ("c.anything", r#" {"name":"c","config":{"connector.class":"X","tasks.max":"2","name":"c"}}"#),
            ("c.toml", "name = 'c'\nconnector.class = 'X'\n[tasks]\nmax = 2\n"),
            ("c.toml", "name = 'c'\n[config]\nconnector.class = 'X'\ntasks.max = 2\n"),
        ] {
            let connector = read(file, text).expect(text);
            assert_eq!((connector.name.as_str(), &connector.config), ("c", &config), "{text}");
            assert_eq!(connector.initial_state, None);
        }
    }

    #[test]
    fn the_initial_state_is_read_in_any_case() {
        let json = r#"{"name":"c","config":{"a":"1"},"initial_state":"Paused"}"#;
        assert_eq!(read("c.json", json).expect("right").initial_state, Some(InitialState::Paused));
        let wrong = r#"{"name":"c","config":{"a":"1"},"initial_state":"ASLEEP"}"#;
        assert!(read("c.json", wrong).expect_err("no such state").message().contains("RUNNING, PAUSED or STOPPED"));
        let toml = "name = 'c'\ninitial_state = 'STOPPED'\n[config]\nconnector.class = 'X'\n";
        assert_eq!(read("c.toml", toml).expect("right").initial_state, Some(InitialState::Stopped));
    }

    #[test]
    fn a_key_that_is_set_twice_is_told() {
        let connector = read("c.properties", "name=c\na=1\na=2\n").expect("right");
        assert_eq!(connector.config.get("a"), Some("2"));
        let [warning] = connector.warnings.as_slice() else { panic!("{:?}", connector.warnings) };
        assert!(
            warning.ends_with("c.properties:3: 'a' is set a second time; the value on line 2 is not used"),
            "{warning}"
        );
    }

    #[test]
    fn what_is_wrong_names_the_file() {
        for (file, text, part) in [
            ("c.properties", "a=1", "c.properties' is missing the mandatory 'name' configuration"),
            ("c.json", r#"{"a":"1"}"#, "is missing the mandatory 'name' configuration"),
            ("c.json", r#"{"name":"a","config":{"name":"b"}}"#, "doesn't match the one specified in 'name' at '"),
            ("c.json", "{\n\"name\": }", "c.json:2: not valid JSON"),
            ("c.json", r#"{"name":"a","config":{"b":{}}}"#, "'config.b' is an object or an array"),
            ("c.json", r#"{"name":"a","list":[]}"#, "expected a flat object of texts"),
        ] {
            let error = read(file, text).expect_err(text);
            assert!(error.message().contains(part), "{error}");
        }
    }

    #[test]
    fn numbers_keep_their_text_and_nulls_stay() {
        let connector = read("c.json", r#"{"name":"c","a":1.50,"b":true,"d":null}"#).expect("right");
        assert_eq!(connector.config.get("a"), Some("1.50"));
        assert_eq!(connector.config.get("b"), Some("true"));
        assert_eq!(connector.config.entry("d"), Some(None));
    }
}
