//! Configuration: what the keys are, where their values come from, and whether they are right.
//!
//! * [`Props`] is a configuration as text; [`ConfigDef`] says which keys there are;
//!   [`ConfigDef::validate`] and [`ConfigDef::parse`] bring the two together.
//!
//! What is not here: the settings of Kafka clients (see `kafka`) and the keys of plugins, which
//! the plugins define themselves.

mod catalog;
mod def;
mod file;
mod infos;
pub mod properties;
mod props;
mod secret;
mod toml_file;
mod validate;
mod validators;
mod value;

pub use catalog::{InstalledPlugin, PluginCatalog, PluginKind};
pub use def::{ConfigDef, ConfigKey, Default, Importance, Recommendation, Recommender, Width};
pub use file::ConfigFile;
pub use infos::{ConfigInfo, ConfigInfos, ConfigKeyInfo, ConfigValueInfo};
pub use props::Props;
pub use secret::{HIDDEN, Secret};
pub use validate::{ConfigValue, NULL_VALUE, Parsed, Problem, Problems, Validation, Values};
pub use validators::{Bound, CheckFn, Validator};
pub use value::{Type, Value, is_blank, java_trim, split_list};
