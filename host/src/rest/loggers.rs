//! `/admin/loggers`: log levels at run time (KIP-495, KIP-976).

use std::collections::BTreeMap;

use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;

use crate::telemetry::LogLevel;
use crate::telemetry::loggers::{self, LoggerInfo};

use super::bodies;
use super::errors::{Answer, ApiError};
use super::resource::{Api, InPath, InQuery, JsonBody, empty, ok};

#[derive(Serialize)]
struct LoggerEntity {
    level: &'static str,
    last_modified: Option<i64>,
}

impl From<LoggerInfo> for LoggerEntity {
    fn from(info: LoggerInfo) -> Self {
        Self { level: info.level.as_str(), last_modified: info.last_modified }
    }
}

/// `GET /admin/loggers`
pub(super) async fn list() -> Answer {
    let entities: BTreeMap<String, LoggerEntity> =
        loggers::global().list().into_iter().map(|(name, info)| (name, info.into())).collect();
    Ok(ok(&entities))
}

/// `GET /admin/loggers/L`
pub(super) async fn get(InPath(name): InPath<String>) -> Answer {
    match loggers::global().get(&name) {
        Some(info) => Ok(ok(&LoggerEntity::from(info))),
        None => Err(ApiError::new(StatusCode::NOT_FOUND, format!("Logger {name} not found."))),
    }
}

/// `PUT /admin/loggers/L`, with `scope=worker` or `scope=cluster`
pub(super) async fn set(
    State(api): State<Api>,
    InPath(name): InPath<String>,
    query: InQuery,
    JsonBody(body): JsonBody,
) -> Answer {
    let fields = bodies::flat_map(&body)?;
    let Some(text) = fields.get("level") else {
        return Err(ApiError::bad_request("Desired 'level' parameter was not specified in request."));
    };
    let level: LogLevel =
        text.parse().map_err(|_| ApiError::new(StatusCode::NOT_FOUND, format!("invalid log level '{text}'.")))?;
    match query.get("scope").unwrap_or("worker").to_lowercase().as_str() {
        "cluster" => {
            api.herder.set_cluster_log_level(&name, level).await?;
            return Ok(empty(StatusCode::NO_CONTENT));
        }
        "worker" => {}
        other => tracing::warn!(
            "Received invalid scope '{other}' in request to adjust logging level; will default to worker"
        ),
    }
    Ok(ok(&loggers::set_level(&name, level)))
}
