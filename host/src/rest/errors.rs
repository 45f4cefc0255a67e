//! How errors become answers: status, `error_code` and message in JSON.

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::error::{ConnectError, ErrorKind};

/// An error on its way to a client.
#[derive(Debug, Clone)]
pub(super) struct ApiError {
    status: StatusCode,
    message: String,
    /// Errors found before a resource is reached carry JSON without saying so, as in Kafka Connect.
    typed: bool,
}

/// What a handler gives back.
pub(super) type Answer<T = Response> = Result<T, ApiError>;

impl ApiError {
    /// An error that a resource answers.
    pub(super) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), typed: true }
    }

    /// A request that cannot be understood.
    pub(super) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    /// The standard sentence for a status, from a resource.
    pub(super) fn standard(status: StatusCode) -> Self {
        let reason = status.canonical_reason().unwrap_or("Error");
        Self::new(status, format!("HTTP {} {reason}", status.as_u16()))
    }

    /// The standard sentence for a status, before any resource was reached.
    pub(super) fn unrouted(status: StatusCode) -> Self {
        Self { typed: false, ..Self::standard(status) }
    }

    /// The error of a call whose failure Kafka Connect shows with its class name and always as 500: a validation that
    /// could not be made.
    pub(super) fn of_validation(error: &ConnectError) -> Self {
        let status = status_of(error);
        if matches!(error.kind(), ErrorKind::Rest(_)) {
            return Self::new(status, error.message());
        }
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, format!("{}: {}", error.class_name(), error.message()))
    }
}

fn status_of(error: &ConnectError) -> StatusCode {
    match error.kind() {
        ErrorKind::NotFound => StatusCode::NOT_FOUND,
        ErrorKind::AlreadyExists => StatusCode::CONFLICT,
        ErrorKind::BadRequest => StatusCode::BAD_REQUEST,
        ErrorKind::Rest(status) => StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

impl From<ConnectError> for ApiError {
    fn from(error: ConnectError) -> Self {
        let status = status_of(&error);
        if status.is_server_error() {
            tracing::error!("Uncaught exception in REST call: {}", error.trace().trim_end());
        }
        Self::new(status, error.message())
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        #[derive(Serialize)]
        struct ErrorMessage<'a> {
            error_code: u16,
            message: &'a str,
        }
        let body = ErrorMessage { error_code: self.status.as_u16(), message: &self.message };
        let body = serde_json::to_vec(&body).expect("a number and a text are JSON");
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = self.status;
        if self.typed {
            response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_become_statuses() {
        let status = |error: ConnectError| ApiError::from(error).status.as_u16();
        assert_eq!(status(ConnectError::not_found("x")), 404);
        assert_eq!(status(ConnectError::already_exists("x")), 409);
        assert_eq!(status(ConnectError::bad_request("x")), 400);
        assert_eq!(status(ConnectError::rest(403, "x")), 403);
        assert_eq!(status(ConnectError::config("x")), 500);
    }

    #[test]
    fn validation_errors_carry_their_class() {
        let error = ApiError::of_validation(&ConnectError::bad_request("no type"));
        assert_eq!(error.status.as_u16(), 500);
        assert_eq!(error.message, "org.apache.kafka.connect.runtime.rest.errors.BadRequestException: no type");
        let timed_out = ApiError::of_validation(&ConnectError::rest(500, "Request timed out"));
        assert_eq!(timed_out.message, "Request timed out");
    }
}
