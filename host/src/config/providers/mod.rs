//! Values that come from outside: `${provider:path:key}` in worker and connector configurations.
//!
//! The providers are set up in the worker file only. A value that a provider gave is not looked
//! at again, so a variable inside it stays as it is.

mod allowed_paths;
mod directory;
mod env;
mod file;

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use indexmap::{IndexMap, IndexSet};
use regex::Regex;

use super::props::Props;
use super::value::split_list;
use crate::error::{ConnectError, Result};
use crate::telemetry::Confidential;
pub use directory::DirectoryConfigProvider;
pub use env::EnvVarConfigProvider;
pub use file::FileConfigProvider;

/// The key that lists the providers' names.
pub const CONFIG_PROVIDERS: &str = "config.providers";

/// What a provider answers.
#[derive(Clone, Default)]
pub struct ConfigData {
    /// The values by key; a key the provider does not have is left out.
    pub values: HashMap<String, String>,
    /// How long they hold good, if the provider knows.
    pub ttl: Option<Duration>,
}

/// Gives values for variables. Called from any thread; may block on I/O.
pub trait ConfigProvider: Send + Sync {
    /// Looks up keys under a path (empty for `${provider:key}`).
    ///
    /// # Errors
    /// The source cannot be read. A key or path that does not exist is not an error.
    fn get(&self, path: &str, keys: &IndexSet<String>) -> Result<ConfigData>;
}

/// Makes a provider of a class name or alias from its parameters; `None` if the maker does not
/// know the class.
pub type ProviderMaker<'a> = &'a dyn Fn(&str, &Props) -> Result<Option<Arc<dyn ConfigProvider>>>;

/// Makes the providers that come with the worker.
///
/// # Errors
/// A parameter is wrong.
pub fn built_in(class: &str, params: &Props) -> Result<Option<Arc<dyn ConfigProvider>>> {
    const PACKAGE: &str = "org.apache.kafka.common.config.provider.";
    let name = class.strip_prefix(PACKAGE).unwrap_or(class);
    Ok(Some(match name.strip_suffix("ConfigProvider").unwrap_or(name) {
        "File" => Arc::new(FileConfigProvider::new(params)?),
        "Directory" => Arc::new(DirectoryConfigProvider::new(params)?),
        "EnvVar" => Arc::new(EnvVarConfigProvider::new(params)?),
        _ => return Ok(None),
    }))
}

/// A configuration with its variables replaced.
#[derive(Debug, Clone)]
pub struct Resolved {
    /// The configuration.
    pub props: Props,
    /// How long all values hold good; `None` if no provider said so.
    pub ttl: Option<Duration>,
    /// The values that providers gave, each shown as its variable.
    pub confidential: Confidential,
}

/// Keys whose values are shown anyway, as topics are by REST and addresses by the log. What stands there is no secret,
/// wherever it comes from; hiding it everywhere else would only make messages hard to read.
const PUBLIC: [&str; 10] = [
    "bootstrap.servers",
    "client.id",
    "connector.class",
    "errors.deadletterqueue.topic.name",
    "group.id",
    "name",
    "tasks.max",
    "topic",
    "topics",
    "topics.regex",
];

/// Replaces variables by means of a set of named providers.
#[derive(Clone, Default)]
pub struct ConfigTransformer {
    providers: IndexMap<String, Arc<dyn ConfigProvider>>,
}

impl ConfigTransformer {
    /// Sets up the providers that a worker configuration names. A name without a class is left
    /// out and reported in `warnings`.
    ///
    /// # Errors
    /// A class is not known or a parameter is wrong.
    pub fn from_worker(worker: &Props, maker: ProviderMaker<'_>, warnings: &mut Vec<String>) -> Result<Self> {
        let mut transformer = Self::default();
        for name in split_list(worker.get(CONFIG_PROVIDERS).unwrap_or_default()) {
            let class_key = format!("{CONFIG_PROVIDERS}.{name}.class");
            let Some(class) = worker.get(&class_key) else {
                warnings.push(format!(
                    "'{CONFIG_PROVIDERS}' names '{name}', but '{class_key}' is not set; \
                     variables like ${{{name}:…}} stay as they are"
                ));
                continue;
            };
            let class = class.trim();
            let params = worker.with_prefix(&format!("{CONFIG_PROVIDERS}.{name}.param."));
            let provider = match built_in(class, &params).map_err(|error| wrongly_set_up(&name, error))? {
                Some(provider) => Some(provider),
                None => maker(class, &params)?,
            };
            let Some(provider) = provider else {
                return Err(ConnectError::invalid_value(
                    &class_key,
                    class,
                    "Could not load config provider class or one of its dependencies; expected \
                     FileConfigProvider, DirectoryConfigProvider, EnvVarConfigProvider or the \
                     class of an installed plugin",
                ));
            };
            transformer.providers.insert(name, provider);
        }
        Ok(transformer)
    }

    /// Adds a provider under a name.
    pub fn add(&mut self, name: impl Into<String>, provider: Arc<dyn ConfigProvider>) {
        self.providers.insert(name.into(), provider);
    }

    /// Replaces the variables in every value. A variable whose provider or key does not exist
    /// stays as it is.
    ///
    /// # Errors
    /// A provider could not read its source.
    pub fn resolve(&self, props: &Props) -> Result<Resolved> {
        let mut ttl = None;
        let found = self.look_up(props, &mut ttl)?;
        let replaced = props.iter().map(|(key, value)| (key.to_owned(), value.map(|text| replace(text, &found))));
        Ok(Resolved { props: replaced.collect(), ttl, confidential: confidential(props, &found) })
    }

    /// Asks each provider once per path.
    fn look_up(&self, props: &Props, ttl: &mut Option<Duration>) -> Result<Found> {
        let mut wanted: IndexMap<(String, String), IndexSet<String>> = IndexMap::new();
        for text in props.iter().filter_map(|(_, value)| value) {
            for variable in variables(text) {
                let place = (variable.provider.to_owned(), variable.path.to_owned());
                wanted.entry(place).or_default().insert(variable.key.to_owned());
            }
        }
        let mut found = Found::new();
        for ((name, path), keys) in wanted {
            let Some(provider) = self.providers.get(&name) else { continue };
            let data = provider.get(&path, &keys).map_err(|error| for_provider(&name, error))?;
            *ttl = (*ttl).into_iter().chain(data.ttl).min();
            found.insert((name, path), data.values);
        }
        Ok(found)
    }
}

/// Names only: providers may hold secrets.
impl fmt::Debug for ConfigTransformer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ConfigTransformer ")?;
        f.debug_set().entries(self.providers.keys()).finish()
    }
}

/// True if the text holds something that looks like a variable.
pub fn has_variable(text: &str) -> bool {
    PATTERN.is_match(text)
}

static PATTERN: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"\$\{([^}]*?):(?:([^}]*?):)?([^}]*?)\}").expect("the pattern of variables is a regex")
});

type Found = HashMap<(String, String), HashMap<String, String>>;

struct Variable<'t> {
    text: &'t str,
    provider: &'t str,
    path: &'t str,
    key: &'t str,
}

impl<'t> Variable<'t> {
    fn of(captures: &regex::Captures<'t>) -> Self {
        let part = |group| captures.get(group).map_or("", |part| part.as_str());
        Self { text: part(0), provider: part(1), path: part(2), key: part(3) }
    }

    fn value_in<'f>(&self, found: &'f Found) -> Option<&'f str> {
        let place = (self.provider.to_owned(), self.path.to_owned());
        found.get(&place)?.get(self.key).map(String::as_str)
    }
}

fn variables(text: &str) -> impl Iterator<Item = Variable<'_>> {
    PATTERN.captures_iter(text).map(|captures| Variable::of(&captures))
}

/// What providers gave for keys that are not public anyway.
fn confidential(props: &Props, found: &Found) -> Confidential {
    let mut public = HashSet::new();
    let mut secret = IndexMap::new();
    for (key, text) in props.iter().filter_map(|(key, value)| Some((key, value?))) {
        for variable in variables(text) {
            let Some(value) = variable.value_in(found) else { continue };
            if PUBLIC.contains(&key) {
                public.insert(value);
            } else {
                secret.insert(value, variable.text);
            }
        }
    }
    let mut confidential = Confidential::default();
    for (value, variable) in secret.into_iter().filter(|(value, _)| !public.contains(value)) {
        confidential.add(value, variable);
    }
    confidential
}

fn replace(text: &str, found: &Found) -> String {
    let mut out = String::with_capacity(text.len());
    let mut done = 0;
    for captures in PATTERN.captures_iter(text) {
        let whole = captures.get(0).expect("group 0 is the match");
        let value = Variable::of(&captures).value_in(found);
        out.push_str(&text[done..whole.start()]);
        out.push_str(value.unwrap_or(whole.as_str()));
        done = whole.end();
    }
    out.push_str(&text[done..]);
    out
}

fn wrongly_set_up(name: &str, error: ConnectError) -> ConnectError {
    let keys = format!("{CONFIG_PROVIDERS}.{name}.param.*");
    ConnectError::config(format!("Config provider '{name}' ({keys}): {}", error.message())).caused_by(error)
}

fn for_provider(name: &str, error: ConnectError) -> ConnectError {
    ConnectError::config(format!("Config provider '{name}': {}", error.message())).caused_by(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Answers `<path>/<key>` for every key but `none`, and holds for a second.
    struct Echo;

    impl ConfigProvider for Echo {
        fn get(&self, path: &str, keys: &IndexSet<String>) -> Result<ConfigData> {
            let known = keys.iter().filter(|key| *key != "none");
            let values = known.map(|key| (key.clone(), format!("{path}/{key}"))).collect();
            Ok(ConfigData { values, ttl: Some(Duration::from_secs(1)) })
        }
    }

    /// Holds for a millisecond.
    struct Short;

    impl ConfigProvider for Short {
        fn get(&self, path: &str, keys: &IndexSet<String>) -> Result<ConfigData> {
            Ok(ConfigData { ttl: Some(Duration::from_millis(1)), ..Echo.get(path, keys)? })
        }
    }

    fn resolve(text: &str) -> String {
        let mut transformer = ConfigTransformer::default();
        transformer.add("e", Arc::new(Echo));
        let resolved = transformer.resolve(&Props::from([("k", text)])).expect("echoes");
        resolved.props.get("k").expect("is not null").to_owned()
    }

    #[test]
    fn variables_are_replaced_where_they_stand() {
        assert_eq!(resolve("a${e:p:k}b${e:k2}c"), "ap/kb/k2c");
        assert_eq!(resolve("${e:p:k:l}"), "p/k:l");
        assert_eq!(resolve("${e:p:}"), "p/");
    }

    #[test]
    fn what_is_not_found_stays() {
        for text in ["${x:p:k}", "${e:p:none}", "${e}", "$e:p:k", "${e:p:k", "{e:p:k}"] {
            assert_eq!(resolve(text), text);
        }
        assert_eq!(resolve("${x:1}${e:p:k}"), "${x:1}p/k");
    }

    #[test]
    fn nulls_stay_and_the_shortest_ttl_is_told() {
        let mut transformer = ConfigTransformer::default();
        transformer.add("e", Arc::new(Echo));
        transformer.add("s", Arc::new(Short));
        let mut props = Props::from([("a", "${e:/p:k}")]);
        assert_eq!(transformer.resolve(&Props::from([("a", "b")])).expect("no variables").ttl, None);
        assert_eq!(transformer.resolve(&props).expect("echoes").ttl, Some(Duration::from_secs(1)));
        props.set("c", "${s:k}");
        props.set_nullable("b", None);
        let resolved = transformer.resolve(&props).expect("echoes");
        assert_eq!(resolved.props.entry("b"), Some(None));
        assert_eq!(resolved.ttl, Some(Duration::from_millis(1)));
    }

    #[test]
    fn what_providers_gave_is_not_shown() {
        let mut transformer = ConfigTransformer::default();
        transformer.add("e", Arc::new(Echo));
        let props =
            Props::from([("password", "x${e:/p:secret}y"), ("topics", "${e:orders}"), ("group", "${e:orders}")]);
        let confidential = transformer.resolve(&props).expect("echoes").confidential;
        assert_eq!(confidential.hide("read /orders with x/p/secrety"), "read /orders with x${e:/p:secret}y");
    }

    #[test]
    fn the_worker_names_the_providers() {
        let nobody: ProviderMaker<'_> = &|_, _| Ok(None);
        let mut warnings = Vec::new();
        let worker = Props::from([
            ("config.providers", "env, gone"),
            ("config.providers.env.class", "org.apache.kafka.common.config.provider.EnvVarConfigProvider"),
            ("config.providers.env.param.allowlist.pattern", "NOTHING"),
        ]);
        let transformer = ConfigTransformer::from_worker(&worker, nobody, &mut warnings).expect("known");
        assert_eq!(format!("{transformer:?}"), r#"ConfigTransformer {"env"}"#);
        assert_eq!(warnings.len(), 1);
        let worker = Props::from([("config.providers", "x"), ("config.providers.x.class", "com.acme.Vault")]);
        let error = ConfigTransformer::from_worker(&worker, nobody, &mut warnings).expect_err("unknown");
        assert!(error.message().contains("com.acme.Vault"), "{error}");
        let maker: ProviderMaker<'_> = &|class, _| Ok((class == "com.acme.Vault").then(|| Arc::new(Echo) as _));
        assert!(ConfigTransformer::from_worker(&worker, maker, &mut warnings).is_ok());
    }
}
