//! What configuration needs to know about the plugins that are installed.

use std::fmt;

use super::def::ConfigDef;
use crate::error::Result;

/// Which way a connector moves records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ConnectorKind {
    /// Into Kafka.
    Source,
    /// Out of Kafka.
    Sink,
}

impl ConnectorKind {
    /// `source` or `sink`.
    pub fn as_str(self) -> &'static str {
        self.plugin_kind().as_str()
    }

    /// The kind of plugin it is.
    pub fn plugin_kind(self) -> PluginKind {
        match self {
            Self::Source => PluginKind::Source,
            Self::Sink => PluginKind::Sink,
        }
    }
}

/// The kinds of plugin, named as REST names them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PluginKind {
    /// A source connector.
    Source,
    /// A sink connector.
    Sink,
    /// A converter of keys and values.
    Converter,
    /// A converter of headers.
    HeaderConverter,
    /// A transform.
    Transformation,
    /// A predicate, which says whether a transform applies.
    Predicate,
    /// A provider of values from outside.
    ConfigProvider,
    /// An extension of the REST server.
    RestExtension,
    /// A policy for client settings in connectors.
    OverridePolicy,
}

impl PluginKind {
    /// The name REST shows, for example `header_converter`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Source => "source",
            Self::Sink => "sink",
            Self::Converter => "converter",
            Self::HeaderConverter => "header_converter",
            Self::Transformation => "transformation",
            Self::Predicate => "predicate",
            Self::ConfigProvider => "configprovider",
            Self::RestExtension => "rest_extension",
            Self::OverridePolicy => "connectorclientconfigoverridepolicy",
        }
    }

    /// The name of the Java interface that plugins of this kind implement, for messages.
    pub fn interface(self) -> &'static str {
        match self {
            Self::Source => "SourceConnector",
            Self::Sink => "SinkConnector",
            Self::Converter => "Converter",
            Self::HeaderConverter => "HeaderConverter",
            Self::Transformation => "Transformation",
            Self::Predicate => "Predicate",
            Self::ConfigProvider => "ConfigProvider",
            Self::RestExtension => "ConnectRestExtension",
            Self::OverridePolicy => "ConnectorClientConfigOverridePolicy",
        }
    }
}

impl fmt::Display for PluginKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A plugin class in one version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstalledPlugin {
    /// The full class name.
    pub class: String,
    /// Its version.
    pub version: String,
}

/// The installed plugins, as configuration sees them. Implemented by whoever owns the plugin
/// registry; called from the thread that validates, and may block while a plugin answers.
pub trait PluginCatalog: Send + Sync {
    /// All plugins of a kind, every version, in the order in which REST lists them.
    fn plugins(&self, kind: PluginKind) -> Vec<InstalledPlugin>;

    /// The full class name for a class name or alias; `None` if no plugin of this kind has it.
    fn resolve(&self, kind: PluginKind, name: &str) -> Option<String>;

    /// The full class name for a class name or alias of any kind.
    fn resolve_any(&self, name: &str) -> Option<String>;

    /// The keys of a plugin, in its newest version or the newest one that `version` (a version
    /// or a range, KIP-891) allows.
    ///
    /// # Errors
    /// Of kind `NotFound` if no installed version of the plugin is allowed; of another kind if
    /// the plugin failed when asked.
    fn definition(&self, kind: PluginKind, name: &str, version: Option<&str>) -> Result<ConfigDef>;

    /// The versions of a class, in the order in which REST lists them.
    fn versions(&self, kind: PluginKind, name: &str) -> Vec<String> {
        let Some(class) = self.resolve(kind, name) else {
            return Vec::new();
        };
        let mut versions = Vec::new();
        for plugin in self.plugins(kind) {
            if plugin.class == class && !versions.contains(&plugin.version) {
                versions.push(plugin.version);
            }
        }
        versions
    }

    /// Whether a text is a version or a range of versions (KIP-891).
    ///
    /// # Errors
    /// It is not; the error is the message.
    fn check_version(&self, text: &str) -> Result<(), String>;

    /// The version used when none is asked for.
    fn latest_version(&self, kind: PluginKind, name: &str) -> Option<String>;
}
