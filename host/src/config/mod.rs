//! Configuration: what the keys are, where their values come from, and whether they are right.
//!
//! * [`Props`] is a configuration as text; [`ConfigDef`] says which keys there are;
//!   [`ConfigDef::validate`] and [`ConfigDef::parse`] bring the two together.
//!
//! What is not here: the settings of Kafka clients (see `kafka`) and the keys of plugins, which
//! the plugins define themselves.

mod auto_restart;
mod catalog;
mod chain;
#[cfg(test)]
mod chain_tests;
mod client_settings;
mod confidential;
mod connector;
mod connector_file;
mod connector_keys;
mod connector_validation;
mod converters;
mod dead_letters;
mod def;
mod environment;
mod file;
mod infos;
mod jaas;
mod known_keys;
mod listeners;
mod overrides;
pub mod properties;
mod props;
pub mod providers;
#[cfg(test)]
mod reference;
mod rest_auth;
mod secret;
mod toml_file;
mod topic_creation;
mod unknown_keys;
mod validate;
mod validators;
mod value;
mod worker;
mod worker_keys;

pub use auto_restart::RestartPolicy;
pub use catalog::{ConnectorKind, InstalledPlugin, PluginCatalog, PluginKind};
pub use chain::{PredicateSpec, TransformSpec};
pub use client_settings::client_def;
pub use confidential::{add_passwords, connector_secrets};
pub use connector::{ConnectorConfig, ErrorSettings, ReloadAction, SinkConfig, SourceConfig, TopicSelection};
pub use connector_file::{ConnectorFile, InitialState};
pub use connector_validation::{ConnectorCheck, connector_keys, connector_version_not_found};
pub use converters::{ConverterRole, PluginSpec};
pub use dead_letters::{DeadLetterQueue, PutErrors};
pub use def::{ConfigDef, ConfigKey, Default, Importance, Recommendation, Recommender, Width};
pub use environment::{Environment, EnvironmentConfig};
pub use file::ConfigFile;
pub use infos::{ConfigInfo, ConfigInfos, ConfigKeyInfo, ConfigValueInfo};
pub use jaas::LoginModule;
pub use listeners::{HeaderAction, HeaderRule, Listener, Scheme};
pub use overrides::{BuiltInPolicy, ClientKind, OverridePolicy, OverrideRequest, client_overrides, is_secret_setting};
pub use props::Props;
pub use rest_auth::{AUDIT_LOG, AuditLog, BasicAuth, PERMISSIONS_FILE, READ_ONLY_USERS};
pub use secret::{HIDDEN, Secret};
pub use topic_creation::{NewTopicSettings, TopicCreation};
pub use validate::{ConfigValue, NULL_VALUE, Parsed, Problem, Problems, Validation, Values};
pub use validators::{Bound, CheckFn, Validator};
pub use value::{Type, Value, is_blank, java_trim, split_list};
pub use worker::{
    AdminListeners, DirectorySettings, HttpsSettings, MetricSettings, PluginSettings, RestSettings, WorkerConfig,
    plugin_path,
};
pub use worker_keys::Mode;
