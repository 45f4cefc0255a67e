//! The REST API.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, Query, Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::{Value as Json, json};

use crate::store::{Level, Problem, Reference, Schema, Store, dashed};
use crate::{Shared, lock};

const MEDIA_TYPES: [&str; 3] =
    ["application/vnd.schemaregistry.v1+json", "application/vnd.schemaregistry+json", "application/json"];

type Answer = Result<Response, Problem>;
type App = State<Arc<Shared>>;

pub(crate) fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/subjects", get(subjects))
        .route("/subjects/{subject}", post(look_up))
        .route("/subjects/{subject}/versions", get(versions).post(register))
        .route("/subjects/{subject}/versions/{version}", get(version))
        .route("/schemas/ids/{id}", get(by_id))
        .route("/schemas/ids/{id}/versions", get(uses))
        .route("/schemas/guids/{guid}", get(by_guid))
        .route("/config", get(global_level).put(set_global_level))
        .route("/config/{subject}", get(level).put(set_level))
        .route("/compatibility/subjects/{subject}/versions/{version}", post(compatible))
        .fallback(|| async { Problem::new(404, 404, "HTTP 404 Not Found").into_response() })
        .layer(middleware::from_fn_with_state(Arc::clone(&shared), gate))
        .with_state(shared)
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).expect("a status of this crate");
        reply(status, &json!({ "error_code": self.code, "message": self.message }))
    }
}

fn reply(status: StatusCode, body: &Json) -> Response {
    (status, [(header::CONTENT_TYPE, MEDIA_TYPES[0])], body.to_string()).into_response()
}

fn ok(body: &Json) -> Answer {
    Ok(reply(StatusCode::OK, body))
}

/// Counts a request, and lets it in.
async fn gate(State(shared): App, request: Request, next: Next) -> Response {
    lock(&shared.requests).push(format!("{} {}", request.method(), request.uri()));
    if let Some(status) = lock(&shared.failures).pop() {
        return Problem::new(status, status.into(), "as the test wants it").into_response();
    }
    let headers = request.headers();
    let is_let_in =
        |wanted: &String| headers.get(header::AUTHORIZATION).is_some_and(|given| given.as_bytes() == wanted.as_bytes());
    if !shared.authorization.as_ref().is_none_or(is_let_in) {
        return Problem::new(401, 401, "Unauthorized").into_response();
    }
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let kind = kind.map(|kind| kind.split(';').next().unwrap_or_default().trim());
    let has_body = request.method() == "POST" || request.method() == "PUT";
    if has_body && !kind.is_some_and(|kind| MEDIA_TYPES.contains(&kind)) {
        return Problem::new(415, 415, "HTTP 415 Unsupported Media Type").into_response();
    }
    next.run(request).await
}

/// The schema of a body: its type, text and references.
fn read(body: &Bytes) -> Result<(String, String, Vec<Reference>), Problem> {
    let unprocessable = |what: &str| Problem::new(422, 422, what);
    let body: Json = serde_json::from_slice(body).map_err(|_| Problem::new(400, 400, "Unable to parse the JSON"))?;
    let known = [
        "schema",
        "schemaType",
        "references",
        "version",
        "id",
        "metadata",
        "ruleSet",
        "schemaTags",
        "propagateSchemaTags",
    ];
    let fields = body.as_object().ok_or_else(|| unprocessable("the body is no object"))?;
    if let Some(other) = fields.keys().find(|field| !known.contains(&field.as_str())) {
        return Err(unprocessable(&format!("Unrecognized field: {other}")));
    }
    let text = |name: &str| body.get(name).and_then(Json::as_str);
    let schema = text("schema").filter(|schema| !schema.is_empty());
    let schema = schema.ok_or_else(|| Problem::new(422, 42201, "Empty schema"))?;
    let mut references = Vec::new();
    for reference in body.get("references").and_then(Json::as_array).into_iter().flatten() {
        let text = |name: &str| reference.get(name).and_then(Json::as_str).map(str::to_owned);
        let version = reference.get("version").and_then(Json::as_i64);
        let (Some(name), Some(subject), Some(version)) = (text("name"), text("subject"), version) else {
            return Err(unprocessable("a reference has name, subject and version"));
        };
        references.push(Reference { name, subject, version: version as i32 });
    }
    Ok((text("schemaType").unwrap_or("AVRO").to_owned(), schema.to_owned(), references))
}

fn shown(store: &Store, schema: &Schema) -> Json {
    let mut shown = json!({ "schema": schema.text, "guid": dashed(&schema.guid) });
    if schema.kind != "AVRO" {
        shown["schemaType"] = schema.kind.as_str().into();
    }
    if !schema.references.is_empty() {
        let reference = |reference: &Reference| json!({ "name": reference.name, "subject": reference.subject, "version": reference.version });
        shown["references"] = schema.references.iter().map(reference).collect();
    }
    if let Some(rules) = store.rules(schema) {
        shown["ruleSet"] = rules.clone();
    }
    shown
}

fn shown_in(store: &Store, id: i32, subject: &str, version: i32) -> Answer {
    let mut shown = shown(store, store.schema(id)?);
    shown["subject"] = subject.into();
    shown["version"] = version.into();
    shown["id"] = id.into();
    ok(&shown)
}

async fn subjects(State(shared): App) -> Answer {
    ok(&json!(lock(&shared.store).subjects()))
}

async fn register(State(shared): App, Path(subject): Path<String>, body: Bytes) -> Answer {
    let (kind, text, references) = read(&body)?;
    let mut store = lock(&shared.store);
    let id = store.register(&subject, &kind, &text, references)?;
    let mut answer = shown(&store, store.schema(id)?);
    answer["id"] = id.into();
    ok(&answer)
}

async fn look_up(State(shared): App, Path(subject): Path<String>, body: Bytes) -> Answer {
    let (kind, text, references) = read(&body)?;
    let store = lock(&shared.store);
    let (id, version) = store.look_up(&subject, &kind, &text, &references)?;
    shown_in(&store, id, &subject, version)
}

async fn versions(State(shared): App, Path(subject): Path<String>) -> Answer {
    let count = lock(&shared.store).versions(&subject)?.len();
    ok(&json!((1..=count).collect::<Vec<_>>()))
}

async fn version(State(shared): App, Path((subject, version)): Path<(String, String)>) -> Answer {
    let store = lock(&shared.store);
    let (id, version) = store.version(&subject, &version)?;
    shown_in(&store, id, &subject, version)
}

async fn by_id(State(shared): App, Path(id): Path<i32>) -> Answer {
    let store = lock(&shared.store);
    ok(&shown(&store, store.schema(id)?))
}

async fn by_guid(State(shared): App, Path(guid): Path<String>) -> Answer {
    let store = lock(&shared.store);
    ok(&shown(&store, store.by_guid(&guid)?))
}

async fn uses(State(shared): App, Path(id): Path<i32>) -> Answer {
    let store = lock(&shared.store);
    store.schema(id)?;
    let uses = store.uses(id).into_iter().map(|(subject, version)| json!({ "subject": subject, "version": version }));
    ok(&uses.collect())
}

async fn global_level(State(shared): App) -> Answer {
    ok(&json!({ "compatibilityLevel": lock(&shared.store).level(None).name() }))
}

async fn level(State(shared): App, Path(subject): Path<String>) -> Answer {
    ok(&json!({ "compatibilityLevel": lock(&shared.store).level(Some(&subject)).name() }))
}

async fn set_global_level(State(shared): App, body: Bytes) -> Answer {
    set(&shared, None, &body)
}

async fn set_level(State(shared): App, Path(subject): Path<String>, body: Bytes) -> Answer {
    set(&shared, Some(&subject), &body)
}

fn set(shared: &Shared, subject: Option<&str>, body: &Bytes) -> Answer {
    let body: Json = serde_json::from_slice(body).map_err(|_| Problem::new(400, 400, "Unable to parse the JSON"))?;
    let name = body.get("compatibility").and_then(Json::as_str).unwrap_or_default();
    let level = Level::of(name).ok_or_else(|| Problem::new(422, 42203, "Invalid compatibility level."))?;
    lock(&shared.store).set_level(subject, level);
    ok(&json!({ "compatibility": level.name() }))
}

async fn compatible(
    State(shared): App,
    Path((subject, version)): Path<(String, String)>,
    Query(_): Query<std::collections::HashMap<String, String>>,
    body: Bytes,
) -> Answer {
    let (kind, text, references) = read(&body)?;
    let store = lock(&shared.store);
    let (id, _) = store.version(&subject, &version)?;
    match store.compatible(&subject, id, &kind, &text, &references) {
        Err(problem) if problem.status == 409 => ok(&json!({ "is_compatible": false, "messages": [problem.message] })),
        Err(problem) => Err(problem),
        Ok(()) => ok(&json!({ "is_compatible": true })),
    }
}
