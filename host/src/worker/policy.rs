//! The policy for client settings in connectors that the worker is configured with.

use std::sync::Arc;

use crate::config::{
    BuiltInPolicy, ClientKind, ConnectorConfig, ConnectorKind, OverridePolicy, OverrideRequest, PluginKind,
    WorkerConfig, client_overrides,
};
use crate::error::{ConnectError, Result};
use crate::plugins::Registry;

/// The policy in force. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Policy(Arc<dyn OverridePolicy>);

impl Policy {
    /// The policy of the worker's configuration: one that comes with the worker, or a plugin.
    ///
    /// # Errors
    /// It is not there, or refuses its configuration.
    pub(crate) fn new(worker: &WorkerConfig, registry: &Registry) -> Result<Policy> {
        if let Some(policy) = BuiltInPolicy::by_name(&worker.override_policy, &worker.override_allowlist) {
            return Ok(Policy(Arc::new(policy)));
        }
        let plugin = registry.find(PluginKind::OverridePolicy, &worker.override_policy, None).map_err(|error| {
            ConnectError::invalid_value(
                "connector.client.config.override.policy",
                &worker.override_policy,
                "expected All, None, Principal, Allowlist or the class of an installed policy",
            )
            .caused_by(error)
        })?;
        Ok(Policy(plugin.override_policy(worker.originals())?))
    }

    /// The policy itself.
    pub(crate) fn get(&self) -> &dyn OverridePolicy {
        &*self.0
    }

    /// Refuses a connector whose client settings are not allowed.
    ///
    /// # Errors
    /// The first setting that is not allowed.
    pub(crate) fn admit(&self, kind: ConnectorKind, connector: &ConnectorConfig) -> Result<()> {
        for client in ClientKind::used_by(kind, connector.originals()) {
            let settings = connector.overrides(client);
            client_overrides(
                self.get(),
                &OverrideRequest {
                    connector: Some(&connector.name),
                    kind,
                    class: &connector.class,
                    client,
                    settings: &settings,
                },
            )?;
        }
        Ok(())
    }
}
