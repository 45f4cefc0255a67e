//! Checks that every plugin of a kind should pass. Each function runs all its checks and panics with those that failed.
//!
//! | Function | For |
//! | --- | --- |
//! | [`source`] | source connectors |
//! | [`sink`] | sink connectors |
//! | [`transform`] | transforms |
//! | [`predicate`] | predicates |
//! | [`converter`] | converters |
//! | [`header_converter`] | header converters |
//! | [`config_provider`] | config providers |

mod provider;
mod sink;
mod source;
mod stage;

pub use provider::config_provider;
pub use sink::sink;
pub use source::source;
pub use stage::{converter, header_converter, predicate, transform};

use crate::config::Config;
use crate::error::Result;
use ferroconnect_plugin_abi::config::{ConfigKey, Pairs};
use ferroconnect_plugin_abi::error::ErrorKind;
use ferroconnect_plugin_abi::info::PluginInfo;

/// Why a check failed.
type Failure = String;
/// What a check found.
type Finding<T = ()> = std::result::Result<T, Failure>;

/// The checks of one plugin.
struct Suite {
    class: String,
    failures: Vec<String>,
}

impl Suite {
    fn new(info: &PluginInfo) -> Suite {
        Suite { class: info.class.to_string(), failures: Vec::new() }
    }

    /// Runs one check; `rule` says what it holds the plugin to.
    fn check(&mut self, rule: &str, check: impl FnOnce() -> Finding) {
        if let Err(failure) = check() {
            self.failures.push(format!("  {rule}: {failure}"));
        }
    }

    /// Ends the suite.
    fn finish(self) {
        let Suite { class, failures } = self;
        assert!(failures.is_empty(), "{class} fails {} of its checks:\n{}", failures.len(), failures.join("\n"));
    }
}

/// The plugin does this without an error.
fn does<T>(what: &str, result: Result<T>) -> Finding<T> {
    result.map_err(|error| format!("{what} failed: {error}"))
}

/// The plugin may refuse this, but not panic.
fn does_not_panic<T>(what: &str, result: Result<T>) -> Finding {
    match result {
        Err(error) if error.kind() == ErrorKind::PANIC => Err(format!("{what} panicked: {error}")),
        _ => Ok(()),
    }
}

fn holds(condition: bool, failure: impl FnOnce() -> String) -> Finding {
    if condition { Ok(()) } else { Err(failure()) }
}

fn is_documented(info: &PluginInfo) -> Finding {
    holds(!info.version.is_empty(), || "the version is empty".into())?;
    holds(!info.documentation.is_empty(), || "the description has no doc".into())?;
    let undocumented = info.config.keys.iter().find(|key| key.documentation.is_empty());
    undocumented.map_or(Ok(()), |key| Err(format!("the key {} has no doc", key.name)))
}

/// A required key has no default, and defaults can be read as their type.
fn is_consistent(info: &PluginInfo) -> Finding {
    for (index, key) in info.config.keys.iter().enumerate() {
        let name = &key.name;
        holds(!(key.required && key.default.is_some()), || format!("{name} is required and has a default"))?;
        let again = info.config.keys.iter().take(index).any(|other| other.name == *name);
        holds(!again, || format!("{name} is defined twice"))?;
    }
    Ok(())
}

/// Without any one required key `start` answers a config error that names the key.
fn names_missing_keys(info: &PluginInfo, good: &Config, start: impl Fn(Config) -> Result<()>) -> Finding {
    for key in info.config.keys.iter().filter(|key| key.required) {
        let name = key.name.as_str();
        match start(without(good, key)) {
            Ok(()) => return Err(format!("it starts without {name}")),
            Err(error) => {
                holds(error.kind() == ErrorKind::CONFIG, || format!("the error is no config error: {error:?}"))?;
                holds(error.message().contains(name), || format!("the error does not name {name}: {error}"))?;
            }
        }
    }
    Ok(())
}

fn without(config: &Config, key: &ConfigKey) -> Config {
    let pairs: Pairs = config.to_pairs().into_iter().filter(|pair| pair.key != key.name).collect();
    Config::from_pairs(&pairs)
}
