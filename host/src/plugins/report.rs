//! What a library says of itself, as data that can be written down.

use serde::{Deserialize, Serialize};

use super::load::{Build, Library};
use super::quarantine::Refusal;
use super::registry::Plugin;
use crate::config::ConfigKeyInfo;

/// What came of trying out a library.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It can be loaded.
    Fits(LibraryReport),
    /// It cannot.
    Refused(Refusal),
}

/// A library that can be loaded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LibraryReport {
    /// The file.
    pub path: std::path::PathBuf,
    /// How it was built.
    pub build: Build,
    /// Whether it was built for an earlier minor version of the contract than the worker's.
    pub older: bool,
    /// What it holds.
    pub plugins: Vec<PluginReport>,
}

impl LibraryReport {
    pub(super) fn new(library: &Library, plugins: &[Plugin]) -> LibraryReport {
        LibraryReport {
            path: library.path().to_owned(),
            build: library.build().clone(),
            older: library.is_older(),
            plugins: plugins.iter().map(PluginReport::new).collect(),
        }
    }
}

/// One plugin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PluginReport {
    /// The kind, as REST names it.
    #[serde(rename = "type")]
    pub kind: String,
    /// The class.
    pub class: String,
    /// The version.
    pub version: String,
    /// All names it answers to beside its class, where they are not taken by another plugin.
    pub aliases: Vec<String>,
    /// What it does.
    pub documentation: String,
    /// Where it lives.
    pub location: String,
    /// Its configuration.
    pub config: Vec<KeyReport>,
}

impl PluginReport {
    pub(super) fn new(plugin: &Plugin) -> PluginReport {
        PluginReport {
            kind: plugin.kind.as_str().to_owned(),
            class: plugin.class.clone(),
            version: plugin.version.to_string(),
            aliases: plugin.all_aliases().into_iter().map(str::to_owned).collect(),
            documentation: plugin.documentation.clone(),
            location: plugin.location.clone(),
            config: plugin.config.infos().into_iter().map(KeyReport::from).collect(),
        }
    }
}

/// One key of a plugin's configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyReport {
    /// The key.
    pub name: String,
    /// Its type, for example `STRING`.
    #[serde(rename = "type")]
    pub ty: String,
    /// Whether it must be set.
    pub required: bool,
    /// Its default; absent = null or none.
    pub default: Option<String>,
    /// `HIGH`, `MEDIUM` or `LOW`.
    pub importance: String,
    /// What it does.
    pub documentation: String,
}

impl From<ConfigKeyInfo> for KeyReport {
    fn from(key: ConfigKeyInfo) -> KeyReport {
        KeyReport {
            name: key.name,
            ty: key.ty,
            required: key.required,
            default: key.default_value,
            importance: key.importance,
            documentation: key.documentation,
        }
    }
}
