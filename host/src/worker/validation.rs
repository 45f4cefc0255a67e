//! Checking connector configurations and describing plugins, on behalf of REST.

use std::sync::Arc;

use crate::config::{
    ConfigInfos, ConfigKeyInfo, ConfigValueInfo, ConnectorCheck, ConnectorKind, PluginCatalog, PluginKind, Props,
    connector_keys, connector_version_not_found,
};
use crate::error::{ConnectError, ErrorKind, Result};
use crate::plugins::Plugin;
use crate::telemetry::LogContext;

use super::{Shared, kind_of};

/// Checks a connector's configuration as a whole.
///
/// # Errors
/// The connector class is missing, unknown or ambiguous, or a check could not be made.
pub(super) fn validate(shared: &Arc<Shared>, raw: &Props) -> Result<ConfigInfos> {
    let all = shared.config.transformer.resolve(raw)?;
    let resolved = &all.props;
    let Some(class) = resolved.get("connector.class").map(str::trim) else {
        return Err(ConnectError::bad_request(format!(
            "Connector config {} contains no connector type",
            raw.to_java_text()
        )));
    };
    let version = resolved.get("connector.plugin.version");
    let plugin = match shared.registry.connector(class, version) {
        Ok(plugin) => plugin,
        Err(error) if version.is_some() && error.kind() == ErrorKind::NotFound => {
            if let Ok(any) = shared.registry.connector(class, None) {
                let versions = PluginCatalog::versions(&*shared.registry, any.kind, class);
                return Ok(connector_version_not_found(resolved, error.message(), versions));
            }
            return Err(ConnectError::bad_request(error.message().to_owned()));
        }
        Err(error) => return Err(ConnectError::bad_request(error.message().to_owned())),
    };
    let context = LogContext::current().unwrap_or_default().keeping(shared.secrets(&all, plugin));
    let _entered = context.enter();
    let check = || {
        ConnectorCheck {
            worker: &shared.config,
            catalog: shared.registry.clone(),
            policy: shared.policy.get(),
            kind: kind_of(plugin),
            raw,
            resolved,
            definition: &plugin.config,
            findings: findings(plugin, resolved)?,
            confidential: context.confidential(),
        }
        .run()
    };
    check().map_err(|error| context.confidential().hide_in(error))
}

/// What the definition and the plugin itself say of each key of the plugin.
fn findings(plugin: &Plugin, props: &Props) -> Result<Vec<ConfigValueInfo>> {
    let own = match plugin.kind {
        PluginKind::Source => plugin.source_connector()?.validate(props)?,
        _ => plugin.sink_connector()?.validate(props)?,
    };
    let mut values = plugin.config.validate(props).infos();
    for finding in own {
        match values.iter_mut().find(|value| value.name == finding.name) {
            Some(value) => *value = finding,
            None => values.push(finding),
        }
    }
    Ok(values)
}

/// The keys that a plugin can be configured with: its own first, then the framework's.
///
/// # Errors
/// Unknown plugin, a kind without a definition, or a version that is not there.
pub(super) fn plugin_config(shared: &Shared, name: &str, version: Option<&str>) -> Result<Vec<ConfigKeyInfo>> {
    const WITH_DEFINITION: [PluginKind; 6] = [
        PluginKind::Sink,
        PluginKind::Source,
        PluginKind::Converter,
        PluginKind::HeaderConverter,
        PluginKind::Transformation,
        PluginKind::Predicate,
    ];
    let registry = &shared.registry;
    if let Some(version) = version.filter(|version| registry.check_version(version).is_err()) {
        return Err(ConnectError::bad_request(format!("Invalid version specification: {version}")));
    }
    let Some(class) = registry.resolve_any(name) else {
        return Err(ConnectError::not_found(format!("Unknown plugin {name}.")));
    };
    let mut refusal = None;
    for kind in WITH_DEFINITION {
        if registry.resolve(kind, &class).is_none() {
            continue;
        }
        match registry.find(kind, &class, version) {
            Ok(plugin) => return Ok(described(shared, plugin)),
            Err(error) => refusal = Some(ConnectError::bad_request(error.message().to_owned())),
        }
    }
    Err(refusal.unwrap_or_else(|| {
        ConnectError::bad_request(format!(
            "Invalid plugin class {name}. Valid types are sink, source, converter, header_converter, transformation, predicate."
        ))
    }))
}

fn described(shared: &Shared, plugin: &Plugin) -> Vec<ConfigKeyInfo> {
    let kind = match plugin.kind {
        PluginKind::Source => ConnectorKind::Source,
        PluginKind::Sink => ConnectorKind::Sink,
        _ => return plugin.config.infos(),
    };
    connector_keys(kind, &plugin.config, shared.registry.latest_version(plugin.kind, &plugin.class))
}
