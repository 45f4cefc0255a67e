//! The configuration of a worker in a container: environment variables over a worker file, if there is one.
//!
//! The rules are those of the usual images for Kafka Connect. What wins, first to last: names without a prefix such as
//! `BOOTSTRAP_SERVERS`, names with `CONNECT_`, the file, the defaults of the images. Every variable `X` may be given as
//! `X_FILE`, the path of a file that holds the value; such a value is treated as a secret.

mod log;
mod names;

use std::collections::BTreeMap;
use std::path::Path;

use super::def::ConfigDef;
use super::file::ConfigFile;
use super::known_keys;
use super::props::Props;
use super::secret::HIDDEN;
use super::value::{Type, split_list};
use super::worker_keys::{Mode, worker_def};
use crate::error::{ConnectError, Result};

use names::{FROM_FILE, PREFIX, REST_HOST, REST_PORT};

/// Says whether a container runs a worker on its own or one of a group.
const MODE: &str = "FERROCONNECT_MODE";

/// The environment of a process, as far as it is text.
#[derive(Clone)]
pub struct Environment {
    variables: BTreeMap<String, String>,
}

/// A worker's configuration out of an [`Environment`].
#[derive(Debug)]
pub struct EnvironmentConfig {
    /// The configuration; messages about a key name the variable that set it, or that could.
    pub file: ConfigFile,
    /// What was set from where, one line for each key; secrets are not shown.
    pub settings: Vec<String>,
}

impl Environment {
    /// That of this process. Variables that are not text mean nothing to a worker and are left out.
    pub fn of_process() -> Self {
        Self::new(
            std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?))),
        )
    }

    /// One of these variables.
    pub fn new(variables: impl IntoIterator<Item = (String, String)>) -> Self {
        Self { variables: variables.into_iter().collect() }
    }

    /// A variable that is set to something. An empty one counts as unset, since that is what `docker run -e X` and
    /// compose files make of a variable that is not there.
    fn get(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// The configuration of a standalone worker.
    ///
    /// # Errors
    /// A file with a value cannot be read, a variable is there twice over, or the variables ask for what there is not:
    /// distributed mode, Apicurio's converters.
    pub fn worker(&self, base: Option<ConfigFile>) -> Result<EnvironmentConfig> {
        self.refuse_apicurio()?;
        let mut file = base.unwrap_or_else(|| ConfigFile::from_props("environment", Props::new()));
        file.name_missing(|key| in_environment(&names::variable_of(key)));
        let mut builder = Builder { environment: self, file, def: worker_def(Mode::Standalone, false) };
        builder.set_prefixed()?;
        builder.set_plain()?;
        builder.make_listener();
        builder.set_defaults();
        builder.check_mode()?;
        builder.note_java();
        let settings = builder.settings();
        Ok(EnvironmentConfig { file: builder.file, settings })
    }

    fn refuse_apicurio(&self) -> Result<()> {
        let wanted = self.get("ENABLE_APICURIO_CONVERTERS").is_some_and(|value| value.eq_ignore_ascii_case("true"));
        match wanted {
            true => Err(ConnectError::config(
                "ENABLE_APICURIO_CONVERTERS (environment): Apicurio's converters are not part of this worker. Unset it, \
                 and set KEY_CONVERTER and VALUE_CONVERTER to classes that 'ferroconnect plugins list' shows",
            )),
            false => Ok(()),
        }
    }
}

/// How messages name a variable.
fn in_environment(variable: &str) -> String {
    format!("{variable} (environment)")
}

struct Builder<'a> {
    environment: &'a Environment,
    file: ConfigFile,
    def: ConfigDef,
}

/// The value of a variable, and whether a file gave it.
struct Found {
    variable: String,
    value: String,
    secret: bool,
}

impl Builder<'_> {
    /// Sets the keys that variables with the prefix name.
    fn set_prefixed(&mut self) -> Result<()> {
        for (variable, value) in &self.environment.variables {
            let Some(name) = variable.strip_prefix(PREFIX).filter(|name| !name.is_empty()) else { continue };
            if names::is_service_link(variable, value) || log::is_log_setting(name) {
                continue;
            }
            let key = names::key_of(name);
            // Some keys end like this themselves, as 'rest.basic.auth.credentials.file' does.
            let from_file = name.strip_suffix(FROM_FILE).filter(|_| !known_keys::is_named(&self.def, &key));
            match from_file {
                Some(name) => {
                    self.refuse_twice(&format!("{PREFIX}{name}"), variable)?;
                    self.set(&names::key_of(name), read(variable, value)?);
                }
                None => {
                    let found = Found { variable: variable.clone(), value: value.clone(), secret: false };
                    self.set(&key, found);
                }
            }
        }
        Ok(())
    }

    /// Sets the keys that have variables without a prefix.
    fn set_plain(&mut self) -> Result<()> {
        for (variable, key) in names::PLAIN {
            let Some(found) = self.find_plain(variable)? else { continue };
            let other = self.file.source(key).map(str::to_owned);
            if let Some(other) = other.filter(|_| self.file.props().get(key) != Some(&found.value)) {
                self.file.warn(format!(
                    "{other} sets '{key}' too, to something else; {} is used, as the name without prefix counts",
                    found.variable
                ));
            }
            self.set(key, found);
        }
        Ok(())
    }

    fn find_plain(&self, variable: &str) -> Result<Option<Found>> {
        let file_variable = format!("{variable}{FROM_FILE}");
        if let Some(path) = self.environment.get(&file_variable) {
            self.refuse_twice(variable, &file_variable)?;
            return read(&file_variable, path).map(Some);
        }
        let value = self.environment.get(variable);
        Ok(value.map(|value| Found { variable: variable.to_owned(), value: value.to_owned(), secret: false }))
    }

    fn refuse_twice(&self, variable: &str, file_variable: &str) -> Result<()> {
        match self.environment.get(variable) {
            Some(_) => Err(ConnectError::config(format!(
                "{variable} and {file_variable} (environment) are both set; set the one or the other"
            ))),
            None => Ok(()),
        }
    }

    fn set(&mut self, key: &str, found: Found) {
        self.file.set_from(key, found.value, in_environment(&found.variable));
        if found.secret {
            self.file.keep_secret(key);
        }
    }

    /// Host and port of REST, for which images have variables of their own, become `listeners`.
    fn make_listener(&mut self) {
        let mut take = |key: &str| {
            let source = self.file.source(key)?.to_owned();
            self.file.take(key).map(|value| (value, source))
        };
        let (host, port) = (take(REST_HOST), take(REST_PORT));
        let sources: Vec<String> = [&host, &port].into_iter().flatten().map(|(_, source)| source.clone()).collect();
        if sources.is_empty() {
            return;
        }
        let sources = sources.join(", ");
        if let Some(listeners) = self.file.source("listeners") {
            let warning = format!("{sources}: not used, because {listeners} says where REST listens");
            self.file.warn(warning);
            return;
        }
        let host = host.map_or_else(String::new, |(host, _)| host);
        let host = if host.contains(':') && !host.starts_with('[') { format!("[{host}]") } else { host };
        let port = port.map_or_else(|| "8083".to_owned(), |(port, _)| port);
        self.file.set_from("listeners", format!("http://{host}:{port}"), sources);
    }

    /// Sets what neither a variable nor the file has set.
    fn set_defaults(&mut self) {
        let set = |file: &ConfigFile, key: &str| file.props().contains_key(key);
        for (key, value) in names::DEFAULTS {
            if !set(&self.file, key) {
                self.file.set_from(key, (*value).to_owned(), "default of containers".to_owned());
            }
        }
        if set(&self.file, "bootstrap.servers") || set(&self.file, "embedded.broker") {
            return;
        }
        // A container that is linked to this one, or a service of its cluster, that is known to have Kafka's port.
        let links = self.environment.variables.iter().filter(|(name, _)| name.ends_with("PORT_9092_TCP"));
        let (names, mut servers): (Vec<&str>, Vec<&str>) =
            links.map(|(name, value)| (name.as_str(), value.strip_prefix("tcp://").unwrap_or(value))).unzip();
        servers.sort_unstable();
        servers.dedup();
        if servers.is_empty() {
            self.file
                .warn("BOOTSTRAP_SERVERS (environment) is not set; Kafka is looked for at 0.0.0.0:9092".to_owned());
            self.file.set_from("bootstrap.servers", "0.0.0.0:9092".to_owned(), "default of containers".to_owned());
        } else {
            self.file.set_from("bootstrap.servers", servers.join(","), in_environment(&names.join(", ")));
        }
    }

    /// Variables of a worker in a group must not lead to a worker on its own that nobody asked for: it would not see
    /// the connectors and offsets that are in those topics.
    fn check_mode(&mut self) -> Result<()> {
        let sources = names::DISTRIBUTED.iter().filter_map(|key| self.file.source(key));
        let set = sources.collect::<Vec<_>>().join(", ");
        let in_topics =
            ["config.storage.topic", "offset.storage.topic"].iter().any(|key| self.file.source(key).is_some());
        match self.environment.get(MODE) {
            Some("standalone") => {}
            None if !in_topics => {}
            None => {
                return Err(ConnectError::config(format!(
                    "{set}: this asks for a distributed worker, which is not there yet. A worker on its own keeps \
                     offsets in a file and connectors in files: set {MODE}=standalone to run one without these topics"
                )));
            }
            Some("distributed") => {
                return Err(ConnectError::config(format!(
                    "{MODE} (environment): distributed mode is not there yet; set {MODE}=standalone"
                )));
            }
            Some(other) => {
                return Err(ConnectError::config(format!(
                    "{MODE} (environment): Invalid value {other}: expected standalone, or nothing"
                )));
            }
        }
        if !set.is_empty() {
            self.file.warn(format!("{set}: without a meaning for a worker on its own, which is what runs here"));
        }
        Ok(())
    }

    fn note_java(&mut self) {
        let on = |name: &&&str| self.environment.get(name).is_some_and(|value| !value.eq_ignore_ascii_case("false"));
        let mut set: Vec<&str> = names::JAVA.iter().filter(on).copied().collect();
        set.extend(self.environment.useless_log_settings());
        if !set.is_empty() {
            self.file.warn(format!(
                "{} (environment): without a meaning here, as there is no Java machine. Metrics are at GET /metrics",
                set.join(", ")
            ));
        }
    }

    /// Only keys that are known to hold no secrets are shown with their values.
    fn settings(&self) -> Vec<String> {
        let sensitive = split_list(self.environment.get("SENSITIVE_PROPERTIES").unwrap_or_default());
        let is_sensitive = |key: &str, source: &str| {
            sensitive.iter().any(|name| name == key || source.strip_suffix(" (environment)") == Some(name.as_str()))
        };
        let line = |(key, value): (&str, Option<&str>)| {
            let source = self.file.source(key)?;
            let harmless = self.def.get(key).is_some_and(|known| known.ty != Type::Password)
                && !self.file.secrets().contains(key)
                && !is_sensitive(key, source);
            let shown = if harmless { value.unwrap_or_default() } else { HIDDEN };
            Some(format!("{key} = {shown}, from {source}"))
        };
        self.file.props().iter().filter_map(line).collect()
    }
}

/// Reads the value that is in a file. Line ends behind it do not belong to it, as editors and `echo` add them.
fn read(variable: &str, path: &str) -> Result<Found> {
    let wrong = |reason: String| ConnectError::config(format!("{variable} (environment): {path}: {reason}"));
    let text = std::fs::read(Path::new(path)).map_err(|error| wrong(format!("cannot be read: {error}")))?;
    let text = String::from_utf8(text).map_err(|_| wrong("is not text in UTF-8".to_owned()))?;
    let value = text.trim_end_matches(['\r', '\n']).to_owned();
    Ok(Found { variable: variable.to_owned(), value, secret: true })
}

#[cfg(test)]
mod tests;
