//! Configuration: what the keys are, where their values come from, and whether they are right.
//!
//! * [`Props`] is a configuration as text; [`ConfigDef`] says which keys there are;
//!   [`ConfigDef::validate`] and [`ConfigDef::parse`] bring the two together.
//!
//! What is not here: the settings of Kafka clients (see `kafka`) and the keys of plugins, which
//! the plugins define themselves.

mod catalog;
mod converters;
mod def;
mod file;
mod infos;
mod known_keys;
mod listeners;
pub mod properties;
mod props;
pub mod providers;
mod secret;
mod toml_file;
mod validate;
mod validators;
mod value;
mod worker;
mod worker_keys;

pub use catalog::{InstalledPlugin, PluginCatalog, PluginKind};
pub use converters::{ConverterRole, PluginSpec};
pub use def::{ConfigDef, ConfigKey, Default, Importance, Recommendation, Recommender, Width};
pub use file::ConfigFile;
pub use infos::{ConfigInfo, ConfigInfos, ConfigKeyInfo, ConfigValueInfo};
pub use listeners::{HeaderAction, HeaderRule, Listener, Scheme};
pub use props::Props;
pub use secret::{HIDDEN, Secret};
pub use validate::{ConfigValue, NULL_VALUE, Parsed, Problem, Problems, Validation, Values};
pub use validators::{Bound, CheckFn, Validator};
pub use value::{Type, Value, is_blank, java_trim, split_list};
pub use worker::{AdminListeners, LogFormat, MetricSettings, PluginSettings, RestSettings, WorkerConfig, plugin_path};
pub use worker_keys::Mode;
