//! What all resources share: their state, content negotiation, names in paths, bodies.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, MethodRouter};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::herder::Handle;

use super::auth::Gate;
use super::errors::{Answer, ApiError};

/// The largest request body that is read, in bytes.
pub(super) const MAX_BODY: usize = 4 * 1024 * 1024;

/// How long a client may take to send a body.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// All but the characters that may stand in a path (RFC 3986).
const OUTSIDE_PATHS: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'!')
    .remove(b'$')
    .remove(b'&')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')')
    .remove(b'*')
    .remove(b'+')
    .remove(b',')
    .remove(b';')
    .remove(b'=')
    .remove(b':')
    .remove(b'@')
    .remove(b'/');

/// What handlers work with.
#[derive(Clone)]
pub(super) struct Api {
    pub(super) herder: Handle,
    pub(super) topic_tracking: TopicTracking,
}

/// What clients may see and do of the topics that connectors use (KIP-558).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TopicTracking {
    /// `topic.tracking.enable`
    pub enabled: bool,
    /// `topic.tracking.allow.reset`
    pub reset_allowed: bool,
}

/// Puts content negotiation and OPTIONS around the methods of a resource. `methods` is the answer to OPTIONS.
pub(super) fn resource(methods: &'static str, routes: MethodRouter<Api>) -> MethodRouter<Api> {
    internal_resource(methods, routes).route_layer(middleware::from_fn(take_json))
}

/// As [`resource`], for calls of other workers, which do not say of what type their bodies are.
pub(super) fn internal_resource(methods: &'static str, routes: MethodRouter<Api>) -> MethodRouter<Api> {
    let options = move || async move {
        let headers = [(header::ALLOW, methods), (header::CONTENT_TYPE, "text/plain")];
        (headers, methods)
    };
    routes.route_layer(middleware::from_fn(give_json)).on(MethodFilter::OPTIONS, options)
}

/// Refuses a body that is not JSON (415). Other than in Kafka Connect the type of a GET, which has no body, does not matter.
async fn take_json(request: Request, next: Next) -> Response {
    let has_body = !matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    let content_type = request.headers().get(header::CONTENT_TYPE);
    if has_body && content_type.is_some_and(|value| !is_json(value)) {
        return ApiError::unrouted(StatusCode::UNSUPPORTED_MEDIA_TYPE).into_response();
    }
    next.run(request).await
}

/// Refuses a client that takes no JSON (406).
async fn give_json(request: Request, next: Next) -> Response {
    if !accepts_json(request.headers()) {
        return ApiError::unrouted(StatusCode::NOT_ACCEPTABLE).into_response();
    }
    next.run(request).await
}

fn is_json(value: &HeaderValue) -> bool {
    value.to_str().is_ok_and(|text| essence(text).eq_ignore_ascii_case("application/json"))
}

/// As in Kafka Connect, whatever is named is accepted: a weight of 0 makes no difference.
fn accepts_json(headers: &HeaderMap) -> bool {
    let mut accepted = headers.get_all(header::ACCEPT).iter().peekable();
    if accepted.peek().is_none() {
        return true;
    }
    accepted.filter_map(|value| value.to_str().ok()).flat_map(|text| text.split(',')).any(|range| {
        let range = essence(range).to_ascii_lowercase();
        matches!(range.as_str(), "" | "*" | "*/*" | "application/*" | "application/json")
    })
}

fn essence(media_type: &str) -> &str {
    media_type.split(';').next().unwrap_or_default().trim()
}

/// Names and numbers in the path, percent-decoded. `%2F` is part of a name here, where Kafka Connect answers 400.
pub(super) struct InPath<T>(pub(super) T);

impl<T, S> FromRequestParts<S> for InPath<T>
where
    T: DeserializeOwned + Send,
    S: Send + Sync,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Answer<Self> {
        match Path::<T>::from_request_parts(parts, state).await {
            Ok(Path(value)) => Ok(Self(value)),
            // A name that is not UTF-8, which no connector can have.
            Err(_) => Err(ApiError::standard(StatusCode::NOT_FOUND)),
        }
    }
}

/// The query as pairs in order.
pub(super) struct InQuery(Vec<(String, String)>);

impl InQuery {
    /// All values of a parameter.
    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The first value of a parameter.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// A flag: any text but `true` counts as false, as in Java.
    pub(super) fn flag(&self, name: &str, default: bool) -> bool {
        self.get(name).filter(|text| !text.is_empty()).map_or(default, |text| text.eq_ignore_ascii_case("true"))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for InQuery {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Answer<Self> {
        match Query::from_request_parts(parts, state).await {
            Ok(Query(pairs)) => Ok(Self(pairs)),
            Err(error) => Err(ApiError::bad_request(error.body_text())),
        }
    }
}

/// The bytes of a JSON body; empty if there is none.
pub(super) struct JsonBody(pub(super) Bytes);

impl<S: Send + Sync> FromRequest<S> for JsonBody {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Answer<Self> {
        let typed = request.headers().contains_key(header::CONTENT_TYPE);
        let bytes = read(request).await?;
        // A wrong type has been refused before; here it is about none.
        if !typed && !bytes.is_empty() {
            return Err(ApiError::standard(StatusCode::UNSUPPORTED_MEDIA_TYPE));
        }
        Ok(Self(bytes))
    }
}

/// The bytes of a body of any type.
pub(super) struct RawBody(pub(super) Bytes);

impl<S: Send + Sync> FromRequest<S> for RawBody {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Answer<Self> {
        read(request).await.map(Self)
    }
}

async fn read(request: Request) -> Answer<Bytes> {
    let asks_first = request.headers().contains_key(header::EXPECT);
    match tokio::time::timeout(BODY_TIMEOUT, collect(request.into_body(), asks_first)).await {
        Ok(collected) => collected,
        Err(_) => Err(ApiError::standard(StatusCode::REQUEST_TIMEOUT)),
    }
}

/// Reads a body. One that is too long is read to its end, but not kept: most clients look at the answer only when they
/// have sent everything. A client that `asks_first` is spared the sending.
async fn collect(mut body: Body, asks_first: bool) -> Answer<Bytes> {
    let too_long = || {
        let message = format!("The request body is larger than {MAX_BODY} bytes, which is the most that is read");
        ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, message)
    };
    if asks_first && body.size_hint().lower() > MAX_BODY as u64 {
        return Err(too_long());
    }
    match Limited::new(&mut body, MAX_BODY).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => {
            while let Some(Ok(_)) = body.frame().await {}
            Err(too_long())
        }
        Err(error) => Err(ApiError::bad_request(format!("The request body could not be read: {error}"))),
    }
}

/// A JSON answer with status 200.
pub(super) fn ok(entity: &impl Serialize) -> Response {
    json(StatusCode::OK, entity)
}

/// A JSON answer.
pub(super) fn json(status: StatusCode, entity: &impl Serialize) -> Response {
    match serde_json::to_vec(entity) {
        Ok(body) => {
            let headers = [(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))];
            (status, headers, body).into_response()
        }
        Err(error) => {
            ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, format!("The answer could not be written: {error}"))
                .into_response()
        }
    }
}

/// An answer without a body.
pub(super) fn empty(status: StatusCode) -> Response {
    status.into_response()
}

/// Where a request came in; put into each request by the server.
#[derive(Debug, Clone)]
pub(super) struct Origin {
    /// `http` or `https`
    pub(super) scheme: &'static str,
    /// The address the client reached us at.
    pub(super) local: std::net::SocketAddr,
    /// The client's address.
    pub(super) remote: std::net::SocketAddr,
    /// Whose certificate the client has shown: the common name, else the whole subject.
    pub(super) subject: Option<String>,
    /// What requests have to pass; none if everybody may do everything.
    pub(super) gate: Option<Arc<Gate>>,
}

/// The URL that clients used to reach this worker, without a path.
pub(super) struct BaseUrl(String);

impl BaseUrl {
    /// The URL of a connector. As in Kafka Connect, `/` in a name is not encoded.
    pub(super) fn connector(&self, name: &str) -> String {
        let Self(base) = self;
        if name.is_empty() {
            return format!("{base}/connectors");
        }
        format!("{base}/connectors/{}", utf8_percent_encode(name, OUTSIDE_PATHS))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for BaseUrl {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        let origin = parts.extensions.get::<Arc<Origin>>();
        let scheme = origin.map_or("http", |origin| origin.scheme);
        let host = parts.headers.get(header::HOST).and_then(|host| host.to_str().ok());
        let authority = match (host, origin) {
            (Some(host), _) => host.to_owned(),
            // HTTP/1.0 clients need not name the host.
            (None, Some(origin)) => origin.local.to_string(),
            (None, None) => "localhost".to_owned(),
        };
        Ok(Self(format!("{scheme}://{authority}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepts(values: &[&'static str]) -> bool {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(header::ACCEPT, HeaderValue::from_static(value));
        }
        accepts_json(&headers)
    }

    #[test]
    fn json_is_accepted_by_name_range_or_silence() {
        assert!(accepts(&[]));
        assert!(accepts(&["*/*"]));
        assert!(accepts(&["text/html, application/JSON;q=0.5"]));
        assert!(accepts(&["text/html", "application/*"]));
        assert!(accepts(&["text/html, *; q=.2"]));
        assert!(!accepts(&["text/plain"]));
    }

    #[test]
    fn names_in_locations_are_encoded() {
        let base = BaseUrl("http://h:1".into());
        assert_eq!(base.connector("a b/ö%"), "http://h:1/connectors/a%20b/%C3%B6%25");
        assert_eq!(base.connector(""), "http://h:1/connectors");
    }
}
