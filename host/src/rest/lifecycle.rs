//! `/connectors/X/…` that looks at or moves a connector's state: status, pause, resume, stop, restart, topics.

use axum::extract::State;
use axum::http::StatusCode;

use crate::herder::RestartRequest;
use crate::storage::TargetState;

use super::entities::{StatusEntity, TopicsEntity};
use super::errors::{Answer, ApiError};
use super::resource::{Api, InPath, InQuery, empty, json, ok};

/// `GET /connectors/X/status`
pub(super) async fn status(State(api): State<Api>, InPath(name): InPath<String>) -> Answer {
    let status = api.herder.status(&name).await?;
    Ok(ok(&StatusEntity::from(&status)))
}

/// `PUT /connectors/X/pause`
pub(super) async fn pause(State(api): State<Api>, InPath(name): InPath<String>) -> Answer {
    api.herder.set_target_state(&name, TargetState::Paused).await?;
    Ok(empty(StatusCode::ACCEPTED))
}

/// `PUT /connectors/X/resume`
pub(super) async fn resume(State(api): State<Api>, InPath(name): InPath<String>) -> Answer {
    api.herder.set_target_state(&name, TargetState::Started).await?;
    Ok(empty(StatusCode::ACCEPTED))
}

/// `PUT /connectors/X/stop` (KIP-875)
pub(super) async fn stop(State(api): State<Api>, InPath(name): InPath<String>) -> Answer {
    api.herder.stop(&name).await?;
    Ok(empty(StatusCode::NO_CONTENT))
}

/// `POST /connectors/X/restart`, with `includeTasks` and `onlyFailed` (KIP-745)
pub(super) async fn restart(State(api): State<Api>, InPath(name): InPath<String>, query: InQuery) -> Answer {
    let request = RestartRequest {
        include_tasks: query.flag("includeTasks", false),
        only_failed: query.flag("onlyFailed", false),
    };
    if request.is_plain() {
        api.herder.restart_connector(&name).await?;
        return Ok(empty(StatusCode::NO_CONTENT));
    }
    let plan = api.herder.restart(&name, request).await?;
    Ok(json(StatusCode::ACCEPTED, &StatusEntity::from(&plan)))
}

/// `GET /connectors/X/topics` (KIP-558)
pub(super) async fn topics(State(api): State<Api>, InPath(name): InPath<String>) -> Answer {
    if !api.topic_tracking.enabled {
        return Err(ApiError::new(StatusCode::FORBIDDEN, "Topic tracking is disabled."));
    }
    let topics = api.herder.topics(&name).await?;
    Ok(ok(&TopicsEntity { connector: &name, topics: &topics }))
}

/// `PUT /connectors/X/topics/reset` (KIP-558)
pub(super) async fn reset_topics(State(api): State<Api>, InPath(name): InPath<String>) -> Answer {
    if !api.topic_tracking.enabled {
        return Err(ApiError::new(StatusCode::FORBIDDEN, "Topic tracking is disabled."));
    }
    if !api.topic_tracking.reset_allowed {
        return Err(ApiError::new(StatusCode::FORBIDDEN, "Topic tracking reset is disabled."));
    }
    api.herder.reset_topics(&name).await?;
    Ok(empty(StatusCode::ACCEPTED))
}
