//! `/connectors/X/offsets` (KIP-875).

use axum::extract::State;

use crate::herder::OffsetsRequest;

use super::bodies;
use super::entities::{Message, OffsetsEntity};
use super::errors::{Answer, ApiError};
use super::resource::{Api, InPath, JsonBody, ok};

/// `GET /connectors/X/offsets`
pub(super) async fn get(State(api): State<Api>, InPath(name): InPath<String>) -> Answer {
    let offsets = api.herder.offsets(&name).await?;
    Ok(ok(&OffsetsEntity::from(offsets.as_slice())))
}

/// `PATCH /connectors/X/offsets`
pub(super) async fn alter(State(api): State<Api>, InPath(name): InPath<String>, JsonBody(body): JsonBody) -> Answer {
    let Some(entries) = bodies::offsets(&body)? else {
        return Err(ApiError::bad_request("Partitions / offsets need to be provided for an alter offsets request"));
    };
    let message = api.herder.change_offsets(&name, OffsetsRequest::Alter(entries)).await?;
    Ok(ok(&Message { message }))
}

/// `DELETE /connectors/X/offsets`
pub(super) async fn reset(State(api): State<Api>, InPath(name): InPath<String>) -> Answer {
    let message = api.herder.change_offsets(&name, OffsetsRequest::Reset).await?;
    Ok(ok(&Message { message }))
}
