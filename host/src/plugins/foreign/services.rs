//! REST extensions and override policies that live in a library.

use std::sync::Arc;

use ferroconnect_plugin_abi::__abi_stable::sabi_trait::TD_Opaque;
use ferroconnect_plugin_abi::Text;
use ferroconnect_plugin_abi::containers::{AbiOption, AbiStr, AbiVec};
use ferroconnect_plugin_abi::error::AbiResult;
use ferroconnect_plugin_abi::host as abi;
use ferroconnect_plugin_abi::services::{
    OverridePolicyObject, OverrideRequest, RestExtensionObject, RestRequest, RestResponse,
};

use super::convert::{config_values, result, to_pairs};
use super::guard;
use crate::config::{ConfigValueInfo, Props};
use crate::error::Result;
use crate::plugins::api::ClusterState;

struct Cluster(Arc<dyn ClusterState>);

impl abi::ClusterState for Cluster {
    fn connectors(&self) -> AbiResult<AbiVec<Text>> {
        guard::answer("connectors", || Ok(self.0.connectors()?.into_iter().map(Text::from).collect()))
    }

    fn get(&self, path: AbiStr<'_>) -> AbiResult<Text> {
        guard::answer("get", || self.0.get(path.as_str()).map(Text::from))
    }
}

/// A REST extension (Java: ConnectRestExtension). May be shared among threads; calls may block.
pub struct RestExtension {
    object: RestExtensionObject,
}

impl RestExtension {
    /// Configures a fresh extension.
    pub(crate) fn configured(
        mut object: RestExtensionObject,
        state: Arc<dyn ClusterState>,
        props: &Props,
    ) -> Result<RestExtension> {
        let state = abi::ClusterState_TO::from_value(Cluster(state), TD_Opaque);
        result(object.configure(state, to_pairs(props)))?;
        Ok(RestExtension { object })
    }

    /// Shows a request to the extension before the worker looks at it. An answer ends the request.
    ///
    /// # Errors
    /// Whatever the plugin answers.
    pub fn handle(&self, request: RestRequest) -> Result<Option<RestResponse>> {
        result(self.object.handle(request)).map(AbiOption::into_option)
    }
}

/// A policy for client settings in connectors (Java: ConnectorClientConfigOverridePolicy). Used by one thread at a
/// time.
pub struct OverridePolicy {
    object: OverridePolicyObject,
}

impl OverridePolicy {
    /// Configures a fresh policy.
    pub(crate) fn configured(mut object: OverridePolicyObject, props: &Props) -> Result<OverridePolicy> {
        result(object.configure(to_pairs(props)))?;
        Ok(OverridePolicy { object })
    }

    /// Asks about the settings that a connector wants to override for a client (`producer`, `consumer` or `admin`).
    /// One answer per setting; one with errors is not allowed.
    ///
    /// # Errors
    /// Whatever the plugin answers.
    pub fn validate(
        &mut self,
        connector: &str,
        class: &str,
        client: &str,
        settings: &Props,
    ) -> Result<Vec<ConfigValueInfo>> {
        result(self.object.validate(OverrideRequest {
            connector: connector.into(),
            class: class.into(),
            client: client.into(),
            config: to_pairs(settings),
            attributes: AbiVec::new(),
        }))
        .map(config_values)
    }
}
