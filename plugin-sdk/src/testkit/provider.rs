//! Drives config providers.

use super::{Library, into_result};
use crate::config::Config;
use crate::error::Result;
use ferroconnect_plugin_abi::containers::{AbiStr, AbiVec};
use ferroconnect_plugin_abi::info::PluginKind;
use ferroconnect_plugin_abi::services::ConfigProviderObject;
use std::time::Duration;

/// A config provider, used as a worker does it.
pub struct ProviderHarness {
    provider: ConfigProviderObject,
}

impl ProviderHarness {
    /// A configured provider.
    ///
    /// # Panics
    /// If the library has no such provider.
    pub fn new(library: &Library, class: &str, config: impl Into<Config>) -> Result<ProviderHarness> {
        let mut harness = ProviderHarness::unconfigured(library, class)?;
        into_result(harness.provider.configure(config.into().to_pairs()))?;
        Ok(harness)
    }

    /// A provider that was never configured.
    ///
    /// # Panics
    /// If the library has no such provider.
    pub fn unconfigured(library: &Library, class: &str) -> Result<ProviderHarness> {
        let info = library.plugin(PluginKind::CONFIG_PROVIDER, class);
        Ok(ProviderHarness { provider: library.make(library.root.config_provider(), info)? })
    }

    /// Looks up keys under a path, with how long the answer holds; no keys = all there are.
    pub fn get(&mut self, path: &str, keys: &[&str]) -> Result<(Config, Option<Duration>)> {
        let keys: AbiVec<_> = keys.iter().map(|&key| key.into()).collect();
        let found = into_result(self.provider.get(AbiStr::from(path), keys))?;
        Ok((Config::from_pairs(&found.data), found.ttl.into_option().map(Duration::from_millis)))
    }
}
