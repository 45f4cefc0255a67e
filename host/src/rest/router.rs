//! Which path leads to which handler.

use std::sync::Arc;

use axum::Router;
use axum::http::{HeaderValue, StatusCode, Uri, header};
use axum::middleware;
use axum::response::Response;
use axum::routing::{get, post, put};

use super::audit::{self, Audit};
use super::errors::ApiError;
use super::resource::{Api, internal_resource, resource};
use super::{
    access_log, auth, connectors, internal, lifecycle, loggers, offsets, plugins, root, tasks, ui, well_formed,
};

/// The resources for users: `/`, `/health`, `/connectors`, `/connector-plugins`.
pub(super) fn main_resources() -> Router<Api> {
    const CONFIG: &str = "HEAD, GET, PUT, PATCH, OPTIONS";
    let read = "HEAD, GET, OPTIONS";
    let put_only = "PUT, OPTIONS";
    let post_only = "POST, OPTIONS";
    Router::new()
        .route("/", resource(read, get(root::info)))
        .route("/health", resource(read, get(root::health)))
        .route("/connectors", resource("HEAD, POST, GET, OPTIONS", get(connectors::list).post(connectors::create)))
        .route(
            "/connectors/{connector}",
            resource("HEAD, DELETE, GET, OPTIONS", get(connectors::get).delete(connectors::delete)),
        )
        .route(
            "/connectors/{connector}/config",
            resource(CONFIG, get(connectors::config).put(connectors::put_config).patch(connectors::patch_config)),
        )
        .route("/connectors/{connector}/status", resource(read, get(lifecycle::status)))
        .route("/connectors/{connector}/pause", resource(put_only, put(lifecycle::pause)))
        .route("/connectors/{connector}/resume", resource(put_only, put(lifecycle::resume)))
        .route("/connectors/{connector}/stop", resource(put_only, put(lifecycle::stop)))
        .route("/connectors/{connector}/restart", resource(post_only, post(lifecycle::restart)))
        .route("/connectors/{connector}/topics", resource(read, get(lifecycle::topics)))
        .route("/connectors/{connector}/topics/reset", resource(put_only, put(lifecycle::reset_topics)))
        .route("/connectors/{connector}/fence", internal_resource(put_only, put(internal::fence)))
        .route(
            "/connectors/{connector}/tasks",
            internal_resource("HEAD, POST, GET, OPTIONS", get(tasks::list).post(internal::put_task_configs)),
        )
        .route("/connectors/{connector}/tasks/{task}/status", resource(read, get(tasks::status)))
        .route("/connectors/{connector}/tasks/{task}/restart", resource(post_only, post(tasks::restart)))
        .route(
            "/connectors/{connector}/offsets",
            resource(
                "HEAD, DELETE, GET, PATCH, OPTIONS",
                get(offsets::get).patch(offsets::alter).delete(offsets::reset),
            ),
        )
        .route("/connector-plugins", resource(read, get(plugins::list)))
        .route("/connector-plugins/{plugin}/config", resource(read, get(plugins::config)))
        .route(auth::VALIDATE, resource(put_only, put(plugins::validate)))
}

/// The resources for operators: `/admin/loggers`.
pub(super) fn admin_resources() -> Router<Api> {
    Router::new()
        .route("/admin/loggers", resource("HEAD, GET, OPTIONS", get(loggers::list)))
        .route("/admin/loggers/{logger}", resource("HEAD, GET, PUT, OPTIONS", get(loggers::get).put(loggers::set)))
}

/// Adds what all listeners share: the gate in front of every resource, the audit log if there is one, answers for
/// unknown paths and methods, the `Server` header, the access log.
pub(super) fn finish(resources: Router<Api>, api: Api, audit: Option<&Arc<Audit>>) -> Router {
    let guarded = resources.route_layer(middleware::from_fn(auth::check));
    let audited = match audit {
        Some(audit) => guarded.route_layer(middleware::from_fn_with_state(Arc::clone(audit), audit::record)),
        None => guarded,
    };
    audited
        .fallback(|| async { ApiError::unrouted(StatusCode::NOT_FOUND) })
        .method_not_allowed_fallback(|| async { ApiError::unrouted(StatusCode::METHOD_NOT_ALLOWED) })
        .layer(middleware::from_fn(well_formed::check))
        .layer(middleware::from_fn(access_log::log))
        .layer(middleware::map_response(name_server))
        .with_state(api)
}

/// Says which server answers, without a version that would help an attacker.
async fn name_server(mut response: Response) -> Response {
    response.headers_mut().insert(header::SERVER, HeaderValue::from_static("ferroconnect"));
    response
}

/// `/connectors/` means `/connectors`. Only the web page has a slash at its end.
pub(super) fn without_trailing_slash(uri: &Uri) -> Option<Uri> {
    let path = uri.path();
    if path == ui::PAGE {
        return None;
    }
    let shorter = path.strip_suffix('/').filter(|rest| !rest.is_empty())?;
    let text = match uri.query() {
        Some(query) => format!("{shorter}?{query}"),
        None => shorter.to_owned(),
    };
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trailing_slashes_go() {
        let cut = |uri: &str| without_trailing_slash(&uri.parse().unwrap()).map(|uri| uri.to_string());
        assert_eq!(cut("/connectors/"), Some("/connectors".into()));
        assert_eq!(cut("/connectors/?expand=info"), Some("/connectors?expand=info".into()));
        assert_eq!(cut("/connectors"), None);
        assert_eq!(cut("/"), None);
        assert_eq!(cut("/ui/"), None);
    }
}
