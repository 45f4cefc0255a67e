//! The policy for client settings in connectors that the worker is configured with.

use std::sync::Arc;

use parking_lot::Mutex;

use crate::config::{
    BuiltInPolicy, ClientKind, ConfigValueInfo, ConnectorConfig, ConnectorKind, OverridePolicy, OverrideRequest,
    PluginKind, WorkerConfig, client_overrides,
};
use crate::error::{ConnectError, Result};
use crate::plugins::{Registry, api};

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
        Ok(Policy(Arc::new(Foreign(Mutex::new(plugin.override_policy(worker.originals())?)))))
    }

    /// The policy itself, to be asked.
    pub(crate) fn get(&self) -> &dyn OverridePolicy {
        &*self.0
    }

    /// Refuses a connector whose settings for the clients of its tasks are not allowed.
    ///
    /// # Errors
    /// The first setting that is not allowed.
    pub(crate) fn admit(&self, kind: ConnectorKind, connector: &ConnectorConfig) -> Result<()> {
        self.admit_for(kind, connector, &ClientKind::used_by(kind, connector.originals()))
    }

    /// As [`admit`](Self::admit), for the settings of these clients.
    ///
    /// # Errors
    /// The first setting that is not allowed.
    pub(crate) fn admit_for(
        &self,
        kind: ConnectorKind,
        connector: &ConnectorConfig,
        clients: &[ClientKind],
    ) -> Result<()> {
        for &client in clients {
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

/// A policy from a plugin library; asked by one thread at a time.
struct Foreign(Mutex<api::OverridePolicy>);

impl OverridePolicy for Foreign {
    fn check(&self, request: &OverrideRequest<'_>) -> Result<Vec<ConfigValueInfo>> {
        let client = match request.client {
            ClientKind::Producer => "producer",
            ClientKind::Consumer => "consumer",
            ClientKind::Admin => "admin",
        };
        self.0.lock().validate(request.connector.unwrap_or_default(), request.class, client, request.settings)
    }
}
