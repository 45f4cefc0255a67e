//! Which converter a connector gets, and with which settings.

use super::catalog::PluginKind;
use super::props::Props;

/// What a converter converts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ConverterRole {
    /// Record keys.
    Key,
    /// Record values.
    Value,
    /// Record headers.
    Header,
}

impl ConverterRole {
    /// All roles, in the order of validation answers.
    pub const ALL: [Self; 3] = [Self::Header, Self::Key, Self::Value];

    /// The value of `converter.type`: `key`, `value` or `header`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::Value => "value",
            Self::Header => "header",
        }
    }

    /// The key that names the class, for example `value.converter`.
    pub fn key(self) -> &'static str {
        match self {
            Self::Key => "key.converter",
            Self::Value => "value.converter",
            Self::Header => "header.converter",
        }
    }

    /// The kind of plugin that does it.
    pub fn plugin_kind(self) -> PluginKind {
        match self {
            Self::Key | Self::Value => PluginKind::Converter,
            Self::Header => PluginKind::HeaderConverter,
        }
    }

    /// The key that names the version (KIP-891).
    pub fn version_key(self) -> String {
        format!("{}.plugin.version", self.key())
    }
}

/// A plugin to make: its class, the versions that will do, and its configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PluginSpec {
    /// The class name or alias, as written.
    pub class: String,
    /// A version or a range of versions; the newest if `None`.
    pub version: Option<String>,
    /// The plugin's own settings, without prefix. May hold secrets.
    pub config: Props,
}

impl PluginSpec {
    /// A converter whose settings stand in `props` under the prefix of its role.
    pub fn converter(role: ConverterRole, class: &str, version: Option<&str>, props: &Props) -> Self {
        let mut config = props.with_prefix(&format!("{}.", role.key()));
        config.remove("plugin.version");
        config.set("converter.type", role.as_str());
        Self { class: class.trim().to_owned(), version: version.map(str::to_owned), config }
    }
}
