//! A config provider to learn from: gives values from JSON files in one folder.
//!
//! It shows how a provider is configured, that what does not exist is left out and is no error, how long an answer
//! holds, and that no value stands in an error message.

use ferroconnect_plugin_sdk::{Config, ConfigDef, ConfigProvider, Description, Error, Key, Plugin, Result};
use serde_json::Value;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

ferroconnect_plugin_sdk::export! { config_providers: [JsonFileProvider] }

/// The provider.
#[derive(Debug, Default)]
pub struct JsonFileProvider {
    // None until it is configured.
    files: Option<Files>,
}

#[derive(Debug)]
struct Files {
    /// Without symbolic links: so are the paths that are compared with it.
    folder: PathBuf,
    ttl: Option<Duration>,
}

impl Plugin for JsonFileProvider {
    fn describe() -> Description {
        let def = ConfigDef::new()
            .key(
                Key::string("folder")
                    .required()
                    .non_empty()
                    .high()
                    .doc("The folder of the files. Files outside it are never read, also not by symbolic links."),
            )
            .key(Key::long("ttl.ms").at_least(1).doc(
                "How long values hold good, in milliseconds: connectors that use them are restarted afterwards. \
                 Without one they hold for ever.",
            ));
        Description::new("ferroconnect.sample.JsonFileProvider", env!("CARGO_PKG_VERSION"))
            .alias("JsonFileProvider")
            .doc("Gives values from JSON files: ${name:file.json:member.member}.")
            .config(def)
    }
}

impl ConfigProvider for JsonFileProvider {
    fn configure(&mut self, config: &Config) -> Result<()> {
        let folder = config.text("folder")?;
        let folder = Path::new(folder).canonicalize().map_err(|error| {
            Error::config(format!("Invalid value {folder} for configuration folder: {error}")).caused_by(error)
        })?;
        let ttl = config.get("ttl.ms").map(|_| config.parse("ttl.ms")).transpose()?;
        self.files = Some(Files { folder, ttl: ttl.map(Duration::from_millis) });
        Ok(())
    }

    fn get(&mut self, path: &str, keys: &[String]) -> Result<(Config, Option<Duration>)> {
        let files = self.files.as_ref().ok_or_else(|| Error::fatal("JsonFileProvider was not configured"))?;
        let mut found = Config::default();
        if let Some(document) = files.read(path)? {
            collect(&document, "", &mut |key, text| {
                if keys.is_empty() || keys.iter().any(|wanted| wanted == key) {
                    found.set(key, text);
                }
            });
        }
        Ok((found, files.ttl))
    }
}

impl Files {
    /// A file of the folder; none if it does not exist.
    fn read(&self, path: &str) -> Result<Option<Value>> {
        let file = match self.folder.join(path).canonicalize() {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Error::config(format!("{path} cannot be found")).caused_by(error)),
        };
        if !file.starts_with(&self.folder) {
            return Err(Error::config(format!("{path} lies outside {}", self.folder.display())));
        }
        let text = std::fs::read_to_string(&file)
            .map_err(|error| Error::config(format!("{path} cannot be read")).caused_by(error))?;
        let document = serde_json::from_str(&text).map_err(|error| {
            // Its own text might show what stands in the file.
            Error::config(format!("{path} is no JSON: see line {}, column {}", error.line(), error.column()))
        })?;
        Ok(Some(document))
    }
}

/// Gives each value that is no object, array or null, by the names of the members that lead to it with dots between.
fn collect(value: &Value, place: &str, take: &mut impl FnMut(&str, &str)) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                let place = if place.is_empty() { name.clone() } else { format!("{place}.{name}") };
                collect(value, &place, take);
            }
        }
        Value::String(text) => take(place, text),
        Value::Number(_) | Value::Bool(_) => take(place, &value.to_string()),
        Value::Array(_) | Value::Null => {}
    }
}
