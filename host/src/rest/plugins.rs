//! `/connector-plugins`: what is installed, its config definitions, validation.

use axum::extract::State;

use crate::config::PluginKind;

use super::bodies;
use super::entities::{ConfigInfosEntity, ConfigKeyEntity, PluginEntity};
use super::errors::{Answer, ApiError};
use super::resource::{Api, InPath, InQuery, JsonBody, ok};

const CLASS: &str = "connector.class";

/// `GET /connector-plugins`, with `connectorsOnly` (KIP-769)
pub(super) async fn list(State(api): State<Api>, query: InQuery) -> Answer {
    let connectors_only = query.flag("connectorsOnly", true);
    let plugins = api.herder.plugins();
    let wanted = plugins
        .iter()
        .filter(|plugin| !connectors_only || matches!(plugin.kind, PluginKind::Source | PluginKind::Sink));
    let entities: Vec<_> = wanted.map(PluginEntity::from).collect();
    Ok(ok(&entities))
}

/// `GET /connector-plugins/P/config`, with `version` (KIP-891)
pub(super) async fn config(State(api): State<Api>, InPath(plugin): InPath<String>, query: InQuery) -> Answer {
    let version = query.get("version").filter(|version| *version != "latest").map(str::to_owned);
    let keys = api.herder.plugin_config(&plugin, version).await?;
    let entities: Vec<_> = keys.iter().map(ConfigKeyEntity).collect();
    Ok(ok(&entities))
}

/// `PUT /connector-plugins/P/config/validate`
pub(super) async fn validate(
    State(api): State<Api>,
    InPath(plugin): InPath<String>,
    JsonBody(body): JsonBody,
) -> Answer {
    let config = bodies::flat_map(&body)?;
    if let Some(class) = config.get(CLASS)
        && !without_suffix(class).ends_with(without_suffix(&plugin))
    {
        return Err(ApiError::bad_request(format!(
            "Included connector type {class} does not match request type {plugin}"
        )));
    }
    let infos = api.herder.validate(config).await.map_err(|error| ApiError::of_validation(&error))?;
    Ok(ok(&ConfigInfosEntity::from(&infos)))
}

/// Makes aliases and full names comparable.
fn without_suffix(class: &str) -> &str {
    match class.strip_suffix("Connector") {
        Some("") | None => class,
        Some(rest) => rest,
    }
}
