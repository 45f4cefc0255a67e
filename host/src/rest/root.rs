//! `/` and `/health`: who this worker is and how it does.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use crate::herder::Health;

use super::entities::{ServerInfo, WorkerStatus};
use super::resource::{Api, json, ok};

/// `GET /`
pub(super) async fn info(State(api): State<Api>) -> Response {
    ok(&ServerInfo::from(api.herder.info()))
}

/// `GET /health` (KIP-1017)
pub(super) async fn health(State(api): State<Api>) -> Response {
    let health = api.herder.health().await;
    let status = match health {
        Health::Healthy => StatusCode::OK,
        Health::Starting(_) => StatusCode::SERVICE_UNAVAILABLE,
        Health::Unhealthy(_) => StatusCode::INTERNAL_SERVER_ERROR,
    };
    json(status, &WorkerStatus::from(health))
}
