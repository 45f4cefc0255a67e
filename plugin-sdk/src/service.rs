//! Plugins of the worker itself, as authors write them.

use crate::config::Config;
use crate::error::{Error, Result};
use ferroconnect_plugin_abi::config::ConfigValue;
use ferroconnect_plugin_abi::containers::{AbiStr, AbiVec};
use ferroconnect_plugin_abi::host::ClusterStateObject;
use ferroconnect_plugin_abi::services::{RestRequest, RestResponse};
use std::time::Duration;

/// Looks up `${name:path:key}`.
pub trait ConfigProvider: Send + 'static {
    /// Called once, first, with the `config.providers.NAME.param.` keys.
    fn configure(&mut self, config: &Config) -> Result<()>;

    /// Looks up keys under a path; no keys = all there are. Keys that do not exist are left out. The duration says
    /// how long the answer holds.
    fn get(&mut self, path: &str, keys: &[String]) -> Result<(Config, Option<Duration>)>;
}

/// What a REST extension may ask about the worker.
pub struct ClusterState {
    inner: ClusterStateObject,
}

impl ClusterState {
    pub(crate) fn new(inner: ClusterStateObject) -> ClusterState {
        ClusterState { inner }
    }

    /// The names of the connectors.
    pub fn connectors(&self) -> Result<Vec<String>> {
        let names: AbiVec<_> = self.inner.connectors().into_result().map_err(Error::from_abi)?;
        Ok(names.iter().map(|name| name.to_string()).collect())
    }

    /// The answer of `GET path` of the worker's own REST API, as JSON text.
    pub fn get(&self, path: &str) -> Result<String> {
        let text = self.inner.get(AbiStr::from(path)).into_result().map_err(Error::from_abi)?;
        Ok(text.to_string())
    }
}

/// Adds routes to the REST API, or stands before it.
pub trait RestExtension: Send + Sync + 'static {
    /// Called once, first, with the worker's configuration.
    fn configure(&mut self, state: ClusterState, config: &Config) -> Result<()>;

    /// Sees every request before the worker does: an answer ends it, none lets it pass on. Called from several
    /// threads at once.
    fn handle(&self, request: &RestRequest) -> Result<Option<RestResponse>>;
}

/// A connector's wish to override client settings.
#[derive(Debug)]
pub struct OverrideRequest {
    /// The connector.
    pub connector: String,
    /// Its class.
    pub class: String,
    /// `producer`, `consumer` or `admin`.
    pub client: String,
    /// The settings, without the override prefix.
    pub config: Config,
}

/// Decides which client settings a connector may override.
pub trait OverridePolicy: Send + 'static {
    /// Called once, first, with the worker's configuration.
    fn configure(&mut self, config: &Config) -> Result<()>;

    /// One answer per key of the request; a key with errors is not allowed.
    fn validate(&mut self, request: &OverrideRequest) -> Result<Vec<ConfigValue>>;
}
