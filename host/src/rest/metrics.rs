//! `/metrics`: what the worker measures, for Prometheus. Kafka Connect has no such resource; there it takes an exporter.

use axum::Router;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use crate::telemetry::metrics::{Registry, prometheus};

use super::errors::ApiError;
use super::resource::Api;

/// The resource that shows what is in `registry`.
pub(super) fn resource(registry: &Registry) -> Router<Api> {
    let registry = registry.clone();
    Router::new().route("/metrics", get(move || read(registry.clone())))
}

/// `GET /metrics`, in one form for all clients.
async fn read(registry: Registry) -> Response {
    // A large worker has tens of thousands of values, whose reading must not hold up other requests.
    let page = tokio::task::spawn_blocking(move || prometheus::render(registry.snapshot())).await;
    match page {
        Ok(page) => ([(header::CONTENT_TYPE, prometheus::CONTENT_TYPE)], page).into_response(),
        Err(error) => {
            ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, format!("The metrics could not be read: {error}"))
                .into_response()
        }
    }
}
