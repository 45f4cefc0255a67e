//! `/metrics`: what the worker measures, for Prometheus; of connectors, those that the caller may see. Kafka Connect has
//! no such resource; there it takes an exporter.

use axum::Router;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use crate::telemetry::metrics::names::CONNECTOR_TAG;
use crate::telemetry::metrics::{Metric, Registry, prometheus};

use super::auth::Caller;
use super::errors::ApiError;
use super::resource::Api;

/// The resource that shows what is in `registry`.
pub(super) fn resource(registry: &Registry) -> Router<Api> {
    let registry = registry.clone();
    Router::new().route("/metrics", get(move |caller| read(registry.clone(), caller)))
}

/// `GET /metrics`, in one form for all clients.
async fn read(registry: Registry, caller: Caller) -> Response {
    // A large worker has tens of thousands of values, whose reading must not hold up other requests.
    let render = move || prometheus::render(registry.snapshot().filter(|metric| is_for(&caller, metric)));
    let page = tokio::task::spawn_blocking(render).await;
    match page {
        Ok(page) => ([(header::CONTENT_TYPE, prometheus::CONTENT_TYPE)], page).into_response(),
        Err(error) => {
            ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, format!("The metrics could not be read: {error}"))
                .into_response()
        }
    }
}

fn is_for(caller: &Caller, metric: &Metric) -> bool {
    metric.tags.iter().find(|(key, _)| key == CONNECTOR_TAG).is_none_or(|(_, connector)| caller.sees(connector))
}
