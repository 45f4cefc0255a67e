//! Client settings: Java's property names in, librdkafka's out.
//!
//! [`ClientSettings::resolve`] takes defaults and layers of user properties (later ones win),
//! looks every name up in the table, and hands names that the table does not have to librdkafka
//! as they are. All mistakes are reported at once, with key and value; secrets are never shown.
//!
//! What is not here: which prefixes exist and who may override what (the caller picks the layers).

mod combine;
mod convert;
pub mod defaults;
mod document;
mod jaas;
mod table;
#[cfg(test)]
mod tests;
mod tls;

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use super::native::Conf;
use crate::error::{ConnectError, Result};
use defaults::Defaults;
pub use document::properties_markdown;
use table::{Found, Rule};

/// What a client is for; decides which properties apply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Writes records.
    Producer,
    /// Reads records as a member of a group.
    Consumer,
    /// Manages topics and groups.
    Admin,
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Producer => "producer",
            Self::Consumer => "consumer",
            Self::Admin => "admin",
        })
    }
}

/// Properties of one origin.
#[derive(Clone, Copy)]
pub struct Layer<'a> {
    prefix: &'a str,
    properties: &'a BTreeMap<String, String>,
    mixed: bool,
}

impl<'a> Layer<'a> {
    /// Properties without their prefix; `prefix` (for example `producer.override.`) is put in
    /// front of keys in messages. Names that neither Java's clients nor librdkafka know are errors.
    pub fn new(prefix: &'a str, properties: &'a BTreeMap<String, String>) -> Self {
        Self { prefix, properties, mixed: false }
    }

    /// Properties among which only some are meant for clients, as the worker's own keys: what is
    /// not a client property is passed over in silence.
    pub fn mixed(properties: &'a BTreeMap<String, String>) -> Self {
        Self { prefix: "", properties, mixed: true }
    }
}

/// One property on its way to librdkafka.
struct Entry {
    /// The key as the user wrote it, prefix included; for messages.
    written: String,
    value: String,
    /// From the defaults rather than from a user.
    default: bool,
}

impl Entry {
    fn problem(&self, key: &str, reason: impl fmt::Display) -> String {
        format!("Invalid value {} for configuration {}: {reason}", shown(key, &self.value), self.written)
    }
}

/// The value for a message, or a stand-in for secrets.
fn shown<'a>(key: &str, value: &'a str) -> &'a str {
    if table::is_secret(key) { "[hidden]" } else { value }
}

/// All properties of a client by name, and what was said about them so far.
struct Properties {
    role: Role,
    entries: BTreeMap<String, Entry>,
    settings: Vec<Setting>,
    warnings: Vec<String>,
    problems: Vec<String>,
}

impl Properties {
    fn get(&self, key: &str) -> Option<&str> {
        self.entries.get(key).map(|entry| entry.value.trim())
    }

    /// The value, unless it is absent or empty.
    fn text(&self, key: &str) -> Option<&str> {
        self.get(key).filter(|value| !value.is_empty())
    }

    fn set_by_user(&self, key: &str) -> bool {
        self.entries.get(key).is_some_and(|entry| !entry.default)
    }

    /// Notes a librdkafka setting that comes from the property `key`.
    fn put(&mut self, key: &str, name: &str, value: impl Into<String>) {
        let origin = match self.entries.get(key) {
            Some(entry) => entry.written.clone(),
            None => key.to_owned(),
        };
        self.settings.push(Setting {
            name: name.to_owned(),
            value: value.into(),
            secret: table::is_secret(name) || table::is_secret(key),
            origin,
        });
    }

    fn refuse(&mut self, key: &str, reason: impl fmt::Display) {
        let problem = match self.entries.get(key) {
            Some(entry) => entry.problem(key, reason),
            None => format!("Missing configuration {key}: {reason}"),
        };
        self.problems.push(problem);
    }

    fn warn(&mut self, key: &str, text: impl fmt::Display) {
        let (written, value) = match self.entries.get(key) {
            Some(entry) => (entry.written.as_str(), shown(key, &entry.value)),
            None => (key, ""),
        };
        self.warnings.push(format!("{written}={value}: {text}"));
    }
}

/// One setting of librdkafka.
#[derive(Clone, PartialEq, Eq)]
struct Setting {
    name: String,
    value: String,
    secret: bool,
    /// The key it came from, as the user wrote it.
    origin: String,
}

impl fmt::Debug for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = if self.secret { "[hidden]" } else { &self.value };
        write!(f, "{}={value}", self.name)
    }
}

/// Settings that this program obeys itself.
#[derive(Debug, Clone)]
struct Own {
    max_block: Duration,
    max_poll_records: usize,
    api_timeout: Duration,
    exclude_internal_topics: bool,
}

/// Complete and checked settings of one client. `Debug` hides secrets.
#[derive(Debug, Clone)]
pub struct ClientSettings {
    role: Role,
    settings: Vec<Setting>,
    own: Own,
    warnings: Vec<String>,
}

impl ClientSettings {
    /// Puts defaults and layers together; later layers win over earlier ones and over the
    /// defaults, forced settings of `defaults` over everything.
    ///
    /// # Errors
    /// A config error that names every bad key with its value and what would be right.
    pub fn resolve(role: Role, defaults: &Defaults, layers: &[Layer<'_>]) -> Result<Self> {
        let mut properties = collect(role, defaults, layers);
        let defaults_first: Vec<(bool, String)> = {
            let mut keys: Vec<_> =
                properties.entries.iter().map(|(key, entry)| (!entry.default, key.clone())).collect();
            keys.sort();
            keys
        };
        for (_, key) in defaults_first {
            apply(&mut properties, &key);
        }
        combine::all(&mut properties);
        let own = Own::read(&mut properties);
        let mut conf = Conf::new();
        let failures: Vec<String> =
            properties.settings.iter().filter_map(|setting| setting.refused_by(&mut conf)).collect();
        properties.problems.extend(failures);
        if !properties.problems.is_empty() {
            return Err(ConnectError::config(properties.problems.join("\n")));
        }
        Ok(Self { role, settings: properties.settings, own, warnings: properties.warnings })
    }

    /// What the client is for.
    pub fn role(&self) -> Role {
        self.role
    }

    /// What users should be told once, ready to be logged. Holds no secrets.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// The client id; empty if none was set.
    pub fn client_id(&self) -> &str {
        self.value("client.id").unwrap_or("")
    }

    /// The consumer group, of a consumer.
    pub fn group_id(&self) -> Option<&str> {
        self.value("group.id")
    }

    /// The brokers to begin with; empty if none were set.
    pub fn bootstrap_servers(&self) -> &str {
        self.value("bootstrap.servers").unwrap_or("")
    }

    /// How long sending may wait for room in the producer's queue (`max.block.ms`).
    pub fn max_block(&self) -> Duration {
        self.own.max_block
    }

    /// The largest batch to take from a consumer (`max.poll.records`).
    pub fn max_poll_records(&self) -> usize {
        self.own.max_poll_records
    }

    /// How long a call that waits for a broker may take (`default.api.timeout.ms`).
    pub fn api_timeout(&self) -> Duration {
        self.own.api_timeout
    }

    /// True if topic patterns leave Kafka's own topics out (`exclude.internal.topics`).
    pub fn exclude_internal_topics(&self) -> bool {
        self.own.exclude_internal_topics
    }

    /// The value of a librdkafka setting. The last one counts.
    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        self.settings.iter().rev().find(|setting| setting.name == name).map(|setting| setting.value.as_str())
    }

    /// A configuration for a new client.
    pub(super) fn to_conf(&self) -> Result<Conf> {
        let mut conf = Conf::new();
        for setting in &self.settings {
            if let Some(problem) = setting.refused_by(&mut conf) {
                return Err(ConnectError::config(problem));
            }
        }
        Ok(conf)
    }
}

impl Setting {
    /// Sets it; says what is wrong with it if librdkafka will not have it.
    fn refused_by(&self, conf: &mut Conf) -> Option<String> {
        let text = conf.set(&self.name, &self.value).err()?;
        let (value, text) = if self.secret {
            // librdkafka repeats the value in its text.
            ("[hidden]", "librdkafka does not accept it".to_owned())
        } else {
            (self.value.as_str(), text)
        };
        Some(format!("Invalid value {value} for configuration {}: {text}", self.origin))
    }
}

impl Own {
    fn read(properties: &mut Properties) -> Self {
        let mut millis = |key: &str, default: u64| {
            let millis = match properties.get(key).map(convert::number) {
                Some(Ok(value)) if value >= 0 => value.unsigned_abs(),
                None => default,
                Some(_) => {
                    properties.refuse(key, "must be a whole number, 0 or more");
                    default
                }
            };
            Duration::from_millis(millis)
        };
        let max_block = millis("max.block.ms", 60_000);
        let api_timeout = millis("default.api.timeout.ms", 60_000);
        let max_poll_records = match properties.get("max.poll.records").map(convert::number) {
            Some(Ok(value @ 1..)) => usize::try_from(value).unwrap_or(usize::MAX),
            None => 500,
            Some(_) => {
                properties.refuse("max.poll.records", "must be a whole number, 1 or more");
                500
            }
        };
        let exclude = properties.get("exclude.internal.topics").map(convert::boolean);
        let exclude_internal_topics = match exclude {
            Some(Ok(value)) => value,
            None => true,
            Some(Err(reason)) => {
                properties.refuse("exclude.internal.topics", reason);
                true
            }
        };
        Self { max_block, max_poll_records, api_timeout, exclude_internal_topics }
    }
}

fn collect(role: Role, defaults: &Defaults, layers: &[Layer<'_>]) -> Properties {
    let mut properties =
        Properties { role, entries: BTreeMap::new(), settings: Vec::new(), warnings: Vec::new(), problems: Vec::new() };
    for (key, value) in &defaults.settings {
        let entry = Entry { written: (*key).to_owned(), value: value.clone(), default: true };
        properties.entries.insert((*key).to_owned(), entry);
    }
    for layer in layers {
        for (key, value) in layer.properties {
            if layer.mixed && !matches!(table::find(key, role), Found::Property(_)) {
                continue;
            }
            if let Some(forced) = defaults.forced(key)
                && forced != value.trim()
            {
                properties.warnings.push(format!(
                    "The value '{}' for the '{}{key}' property will be ignored as it cannot be \
                     overridden; '{forced}' is used",
                    shown(key, value),
                    layer.prefix
                ));
                continue;
            }
            let entry = Entry { written: format!("{}{key}", layer.prefix), value: value.clone(), default: false };
            properties.entries.insert(key.clone(), entry);
        }
    }
    properties
}

/// Applies the rule of one property.
fn apply(properties: &mut Properties, key: &str) {
    let Some(value) = properties.get(key).map(str::to_owned) else {
        return;
    };
    let property = match table::find(key, properties.role) {
        Found::Property(property) => property,
        Found::Unknown => {
            properties.put(key, key, value);
            return;
        }
        Found::OtherRole => {
            let role = properties.role;
            properties.warn(key, format!("has no meaning for a {role} client"));
            return;
        }
    };
    let converted = match property.rule {
        Rule::Same => {
            properties.put(key, key, value);
            return;
        }
        Rule::Combined(_) | Rule::Own => return,
        Rule::Nothing(harmless) => {
            if !harmless.contains(&value.as_str()) {
                properties.warn(key, format!("has no effect. {}", property.note));
            }
            return;
        }
        Rule::Number(names, min, max) => (names, convert::bounded(&value, min, max)),
        Rule::Convert(names, conversion) => (names, conversion(&value)),
    };
    match converted {
        (names, Ok(converted)) => {
            if let Some(warning) = converted.warning {
                properties.warn(key, warning);
            }
            for name in names {
                properties.put(key, name, converted.value.clone());
            }
        }
        (_, Err(reason)) => properties.refuse(key, reason),
    }
}
