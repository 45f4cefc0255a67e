//! `/openapi.json`: what this API is, for programs. Kafka Connect publishes such a document, but its worker does not serve
//! it.

use axum::Router;
use axum::http::header;
use axum::routing::get;

use super::resource::Api;

const DOCUMENT: &str = include_str!("../../../docs/openapi.json");

/// The resource that shows the document.
pub(super) fn resource() -> Router<Api> {
    Router::new().route("/openapi.json", get(|| async { ([(header::CONTENT_TYPE, "application/json")], DOCUMENT) }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    use axum::body::Body;
    use axum::http::{Request, StatusCode};
    use regex::Regex;
    use serde_json::Value;
    use tower::ServiceExt as _;

    use crate::herder::testing::standalone;
    use crate::rest::resource::TopicTracking;
    use crate::rest::{auth, metrics, router, ui};
    use crate::telemetry::metrics::Registry;

    /// Where routes are made.
    const SOURCES: [&str; 4] =
        [include_str!("router.rs"), include_str!("metrics.rs"), include_str!("ui.rs"), include_str!("openapi.rs")];

    fn document() -> Value {
        serde_json::from_str(DOCUMENT).unwrap()
    }

    fn everything() -> Router {
        let (herder, _runtime) = standalone();
        let resources = router::main_resources()
            .merge(router::admin_resources())
            .merge(metrics::resource(&Registry::default()))
            .merge(ui::pages())
            .merge(resource());
        let topic_tracking = TopicTracking { enabled: true, reset_allowed: true };
        router::finish(resources, Api { herder, topic_tracking }, None)
    }

    /// The path with the examples of the document in place of its parameters.
    fn filled(document: &Value, path: &str) -> String {
        let parameters = document["components"]["parameters"].as_object().unwrap();
        parameters.iter().fold(path.to_owned(), |path, (name, parameter)| {
            let example = parameter["example"].to_string();
            path.replace(&format!("{{{name}}}"), example.trim_matches('"'))
        })
    }

    #[test]
    fn every_route_is_described() {
        let literal = Regex::new(r#"\.route\(\s*"(/[^"]*)""#).unwrap();
        let found = SOURCES.iter().flat_map(|source| literal.captures_iter(source));
        let mut routes: BTreeSet<String> = found.map(|captures| captures[1].to_owned()).collect();
        assert!(routes.len() > 20, "{routes:?}");
        // The files of the page are a list of their own, and one path has a name.
        routes.extend([ui::PAGE.to_owned(), format!("{}{{file}}", ui::PAGE), auth::VALIDATE.to_owned()]);
        let described: BTreeSet<String> = document()["paths"].as_object().unwrap().keys().cloned().collect();
        assert_eq!(routes, described);
    }

    #[tokio::test]
    async fn every_description_has_a_route_with_the_same_methods() {
        let (document, router) = (document(), everything());
        for (path, operations) in document["paths"].as_object().unwrap() {
            for method in ["GET", "POST", "PUT", "PATCH", "DELETE"] {
                let request = Request::builder().method(method).uri(filled(&document, path)).header(header::HOST, "h");
                let answer = router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
                let is_described = operations.get(method.to_lowercase()).is_some();
                assert_eq!(answer.status() != StatusCode::METHOD_NOT_ALLOWED, is_described, "{method} {path}");
                let unknown =
                    answer.status() == StatusCode::NOT_FOUND && answer.headers().get(header::CONTENT_TYPE).is_none();
                assert!(!unknown, "nothing is at {path}");
            }
        }
    }

    #[tokio::test]
    async fn the_document_is_served() {
        let request = Request::get("/openapi.json").header(header::HOST, "h").body(Body::empty()).unwrap();
        let answer = everything().oneshot(request).await.unwrap();
        assert_eq!(answer.headers()[header::CONTENT_TYPE], "application/json");
        let body = axum::body::to_bytes(answer.into_body(), usize::MAX).await.unwrap();
        assert_eq!(serde_json::from_slice::<Value>(&body).unwrap(), document());
    }
}
