//! Requests that may mean different things to different programs are refused before anybody acts on them: a proxy in front
//! of the worker could have taken them for something else.

use axum::extract::Request;
use axum::http::{HeaderValue, Version, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::errors::ApiError;

/// Lets a request through that has one meaning, or answers it.
pub(super) async fn check(request: Request, next: Next) -> Response {
    if let Some(problem) = problem(&request) {
        return ApiError::bad_request(problem).into_response();
    }
    let chunked = request.headers().contains_key(header::TRANSFER_ENCODING);
    let mut response = next.run(request).await;
    if chunked {
        // It may have had a length as well, which is how requests are smuggled past proxies. RFC 9112 section 6.3 wants
        // such connections closed; by now nobody can tell whether it had one.
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

fn problem(request: &Request) -> Option<&'static str> {
    let hosts = request.headers().get_all(header::HOST).iter().count();
    if hosts > 1 || (hosts == 0 && request.version() >= Version::HTTP_11) {
        return Some("The request must have exactly one `Host` header (RFC 9112, section 3.2)");
    }
    if request.uri().path().contains("//") {
        return Some("The path has an empty part (`//`); perhaps the name of the connector is missing");
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;

    fn is_refused(request: axum::http::request::Builder) -> bool {
        problem(&request.body(Body::empty()).unwrap()).is_some()
    }

    #[test]
    fn there_is_one_host() {
        assert!(is_refused(Request::get("/")));
        assert!(is_refused(Request::get("/").header(header::HOST, "a").header(header::HOST, "a")));
        assert!(!is_refused(Request::get("/").header(header::HOST, "a")));
        assert!(!is_refused(Request::get("/").version(Version::HTTP_10)));
    }

    #[test]
    fn paths_have_no_empty_parts() {
        let get = |path: &str| Request::get(path).header(header::HOST, "a");
        for path in ["//connectors", "/connectors//config", "/connectors/a//"] {
            assert!(is_refused(get(path)), "{path}");
        }
        assert!(!is_refused(get("/connectors/a%2F%2Fb?c=//")));
    }
}
