//! `/connectors/X/tasks` and `/connectors/X/tasks/N`.

use axum::extract::State;
use axum::http::StatusCode;

use crate::storage::TaskId;

use super::entities::{StateEntity, TaskEntity};
use super::errors::{Answer, ApiError};
use super::resource::{Api, InPath, empty, ok};

/// `GET /connectors/X/tasks`
pub(super) async fn list(State(api): State<Api>, InPath(name): InPath<String>) -> Answer {
    let tasks = api.herder.tasks(&name).await?;
    let entities: Vec<_> = tasks.iter().map(TaskEntity::from).collect();
    Ok(ok(&entities))
}

/// `GET /connectors/X/tasks/N/status`
pub(super) async fn status(State(api): State<Api>, InPath(path): InPath<(String, String)>) -> Answer {
    let id = task_id(path)?;
    let number = id.task;
    let status = api.herder.task_status(id).await?;
    Ok(ok(&StateEntity::of_task(number, &status)))
}

/// `POST /connectors/X/tasks/N/restart`
pub(super) async fn restart(State(api): State<Api>, InPath(path): InPath<(String, String)>) -> Answer {
    api.herder.restart_task(task_id(path)?).await?;
    Ok(empty(StatusCode::NO_CONTENT))
}

/// A task number that is none names nothing.
fn task_id((connector, task): (String, String)) -> Answer<TaskId> {
    match task.parse() {
        Ok(task) => Ok(TaskId::new(connector, task)),
        Err(_) => Err(ApiError::standard(StatusCode::NOT_FOUND)),
    }
}
