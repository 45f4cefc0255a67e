//! What the workers of a group ask of each other: `/connectors/X/tasks` and `/connectors/X/fence`. A worker on its own says
//! that it takes no such calls.

use axum::extract::State;
use axum::http::StatusCode;

use super::bodies;
use super::errors::Answer;
use super::resource::{Api, InPath, RawBody, empty};

/// `POST /connectors/X/tasks`: task configs that another worker has computed. As in Kafka Connect, any type of content will
/// do.
pub(super) async fn put_task_configs(
    State(api): State<Api>,
    InPath(name): InPath<String>,
    RawBody(body): RawBody,
) -> Answer {
    let configs = bodies::flat_maps(&body)?;
    api.herder.put_task_configs(&name, configs).await?;
    Ok(empty(StatusCode::NO_CONTENT))
}

/// `PUT /connectors/X/fence`: shuts out the producers of earlier tasks of an exactly-once source (KIP-618).
pub(super) async fn fence(State(api): State<Api>, InPath(name): InPath<String>) -> Answer {
    api.herder.fence_zombies(&name).await?;
    Ok(empty(StatusCode::NO_CONTENT))
}
