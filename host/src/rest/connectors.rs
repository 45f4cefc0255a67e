//! `/connectors` and `/connectors/X`: listing, creating, configuring, deleting.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::future::join_all;
use serde::Serialize;

use crate::config::Props;
use crate::error::{ConnectError, ErrorKind};
use crate::herder::{ConfigChange, Put};

use super::audit::Note;
use super::auth::{Caller, Need};
use super::bodies::{self, CreateRequest};
use super::entities::{ConnectorEntity, FlatConfig, StatusEntity};
use super::errors::{Answer, ApiError};
use super::resource::{Api, BaseUrl, InPath, InQuery, JsonBody, empty, json, ok};

const NAME: &str = "name";

/// `GET /connectors`, with `expand=info` and `expand=status` (KIP-465); shows each caller theirs.
pub(super) async fn list(State(api): State<Api>, caller: Caller, query: InQuery) -> Answer {
    let mut names = api.herder.connectors().await?;
    names.retain(|name| caller.sees(name));
    if query.get("expand").is_none() {
        return Ok(ok(&names));
    }
    // Asked for all at once: the herder answers in one go, and does not wait for this thread between two connectors.
    let parts = join_all(names.iter().map(|name| expand(&api, name, &query))).await;
    let mut expanded = BTreeMap::new();
    for (name, parts) in names.into_iter().zip(parts) {
        match parts {
            Ok(parts) => {
                expanded.insert(name, parts);
            }
            // It has been deleted since the names were read.
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(ok(&expanded))
}

type Parts = BTreeMap<&'static str, serde_json::Value>;

async fn expand(api: &Api, name: &str, query: &InQuery) -> Result<Parts, ConnectError> {
    let mut parts = Parts::new();
    for expansion in query.all("expand") {
        match expansion {
            "info" => {
                let info = api.herder.connector(name).await?;
                parts.insert("info", tree(&ConnectorEntity::from(&info)));
            }
            "status" => {
                let status = api.herder.status(name).await?;
                parts.insert("status", tree(&StatusEntity::from(&status)));
            }
            other => tracing::info!("Ignoring unknown expansion type {other}"),
        }
    }
    Ok(parts)
}

fn tree(entity: &impl Serialize) -> serde_json::Value {
    serde_json::to_value(entity).expect("entities are JSON")
}

/// `POST /connectors`
pub(super) async fn create(
    State(api): State<Api>,
    caller: Caller,
    note: Note,
    base: BaseUrl,
    JsonBody(body): JsonBody,
) -> Answer {
    let CreateRequest { name, config, initial_state } = CreateRequest::parse(&body)?;
    note.connector(&name);
    caller.must(Need::Change(&name))?;
    let config = with_name(config, &name)?;
    note.changes(None, &config, false);
    let change = ConfigChange::Create { config, initial: initial_state };
    let put = api.herder.configure(&name, change).await?;
    Ok(created(&base, &put))
}

/// `GET /connectors/X`
pub(super) async fn get(State(api): State<Api>, InPath(name): InPath<String>) -> Answer {
    let info = api.herder.connector(&name).await?;
    Ok(ok(&ConnectorEntity::from(&info)))
}

/// `DELETE /connectors/X`
pub(super) async fn delete(State(api): State<Api>, InPath(name): InPath<String>) -> Answer {
    api.herder.delete(&name).await?;
    Ok(empty(StatusCode::NO_CONTENT))
}

/// `GET /connectors/X/config`
pub(super) async fn config(State(api): State<Api>, InPath(name): InPath<String>) -> Answer {
    let info = api.herder.connector(&name).await?;
    Ok(ok(&FlatConfig(&info.config)))
}

/// `PUT /connectors/X/config`
pub(super) async fn put_config(
    State(api): State<Api>,
    InPath(name): InPath<String>,
    base: BaseUrl,
    note: Note,
    JsonBody(body): JsonBody,
) -> Answer {
    let config = with_name(bodies::flat_map(&body)?, &name)?;
    tell_changes(&api, &note, &name, &config, false).await;
    let put = api.herder.configure(&name, ConfigChange::Put(config)).await?;
    if put.created {
        return Ok(created(&base, &put));
    }
    Ok(ok(&ConnectorEntity::from(&put.info)))
}

/// `PATCH /connectors/X/config` (KIP-477)
pub(super) async fn patch_config(
    State(api): State<Api>,
    InPath(name): InPath<String>,
    note: Note,
    JsonBody(body): JsonBody,
) -> Answer {
    let patch = bodies::flat_map(&body)?;
    tell_changes(&api, &note, &name, &patch, true).await;
    let put = api.herder.configure(&name, ConfigChange::Patch(patch)).await?;
    Ok(ok(&ConnectorEntity::from(&put.info)))
}

/// Tells the audit log in which keys the connector's configuration will be another one.
async fn tell_changes(api: &Api, note: &Note, name: &str, wanted: &Props, is_patch: bool) {
    if note.is_wanted() {
        let before = api.herder.connector(name).await.ok();
        note.changes(before.as_ref().map(|info| &info.config), wanted, is_patch);
    }
}

fn created(base: &BaseUrl, put: &Put) -> Response {
    let mut response = json(StatusCode::CREATED, &ConnectorEntity::from(&put.info));
    let location = base.connector(&put.info.name);
    // The host part comes from the client and may be anything; an answer without Location is better than none.
    if let Ok(location) = HeaderValue::from_str(&location) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    response.into_response()
}

/// Fills in the connector's name, or refuses another one.
fn with_name(mut config: Props, name: &str) -> Result<Props, ApiError> {
    match config.get(NAME) {
        Some(other) if other != name => Err(ApiError::bad_request(format!(
            "Connector name configuration ({other}) doesn't match connector name in the URL ({name})"
        ))),
        Some(_) => Ok(config),
        None => {
            config.set(NAME, name);
            Ok(config)
        }
    }
}
