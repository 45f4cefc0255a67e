//! Who may do what: basic auth (RFC 7617) as Kafka Connect's extension does it, in front of every resource, behind the
//! answers for unknown paths; and, beyond Kafka Connect, users who may only look and rights by the names of connectors.

mod permissions;
mod rights;
mod users;

use std::path::Path;
use std::sync::Arc;

use axum::extract::rejection::RawPathParamsRejection;
use axum::extract::{FromRequestParts, MatchedPath, RawPathParams, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::config::RestSettings;

use super::audit::Note;
use super::errors::ApiError;
use super::resource::Origin;
use permissions::Permissions;
use rights::Rights;
pub(super) use rights::{Need, VALIDATE};
use users::Users;

/// What requests have to pass on a guarded listener.
#[derive(Debug)]
pub(super) struct Gate {
    /// None: who asks is known by certificate alone.
    users: Option<Users>,
    read_only: Vec<String>,
    /// None: everybody who is let in may do everything.
    permissions: Option<Permissions>,
}

impl Gate {
    /// Reads the files with users and rights; none if the settings name neither.
    ///
    /// # Errors
    /// A file cannot be read or used.
    pub(super) fn new(settings: &RestSettings) -> crate::error::Result<Option<Self>> {
        let users = settings.basic_auth.as_ref().map(|auth| Users::read(&auth.file)).transpose()?;
        let read_only = settings.basic_auth.as_ref().map(|auth| auth.read_only.clone()).unwrap_or_default();
        let permissions = settings.permissions.as_deref().map(Permissions::read).transpose()?;
        let guards = users.is_some() || permissions.is_some();
        let files = settings.basic_auth.iter().map(|auth| auth.file.as_path()).chain(settings.permissions.as_deref());
        files.filter_map(open_to_all).for_each(|warning| tracing::warn!("{warning}"));
        Ok(guards.then_some(Self { users, read_only, permissions }))
    }

    /// A gate for clients that are known by their certificates.
    #[cfg(test)]
    pub(super) fn of_certificates(permissions: &std::path::Path) -> Self {
        let permissions = Some(Permissions::read(permissions).expect("a file with rights"));
        Self { users: None, read_only: Vec::new(), permissions }
    }

    /// Who asks, with their rights; none if they have to say, and have not. `subject` is whom their certificate names.
    fn caller(&self, headers: &HeaderMap, subject: Option<String>) -> Option<Caller> {
        let user = match &self.users {
            Some(users) => {
                let given = credentials(headers).filter(|(user, password)| users.knows(user, password));
                Some(given.map(|(user, _)| user)?)
            }
            None => subject,
        };
        let rights = match &self.permissions {
            Some(permissions) => permissions.of(user.as_deref()),
            None => Rights::all(),
        };
        let reads = user.as_ref().is_some_and(|user| self.read_only.contains(user));
        Some(Caller::new(user, if reads { rights.read_only() } else { rights }))
    }
}

/// Who made a request, and what they may do. Goes along with the request to its handler, and with the answer to the logs.
#[derive(Debug, Clone)]
pub(super) struct Caller {
    user: Option<Arc<str>>,
    rights: Arc<Rights>,
}

impl Caller {
    fn new(user: Option<String>, rights: Rights) -> Self {
        Self { user: user.map(Arc::from), rights: Arc::new(rights) }
    }

    /// The user of basic auth, or whom the certificate names.
    pub(super) fn user(&self) -> Option<&str> {
        self.user.as_deref()
    }

    /// What they may do.
    pub(super) fn rights(&self) -> &Rights {
        &self.rights
    }

    /// Whether this connector is to be shown to them.
    pub(super) fn sees(&self, connector: &str) -> bool {
        self.rights.shows(connector)
    }

    /// Whether their rights are enough.
    ///
    /// # Errors
    /// The answer if they are not.
    pub(super) fn must(&self, need: Need<'_>) -> Result<(), ApiError> {
        self.rights.must(self.user(), need)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let caller = parts.extensions.get::<Self>().cloned();
        caller.ok_or_else(|| ApiError::standard(StatusCode::INTERNAL_SERVER_ERROR))
    }
}

/// Lets a request through, or answers it.
pub(super) async fn check(
    route: MatchedPath,
    names: Result<RawPathParams, RawPathParamsRejection>,
    note: Note,
    mut request: Request,
    next: Next,
) -> Response {
    // The server says where each request came in; what did not come through it is not guarded (tests of resources).
    let origin = request.extensions().get::<Arc<Origin>>();
    let subject = origin.and_then(|origin| origin.subject.clone());
    let caller = match origin.and_then(|origin| origin.gate.as_ref()) {
        Some(gate) => gate.caller(request.headers(), subject),
        None => Some(Caller::new(subject, Rights::all())),
    };
    let Some(caller) = caller else { return unauthorized(request.method()) };
    note.user(caller.user());
    let connector = match &names {
        Ok(names) => names.iter().find(|(key, _)| *key == "connector").map(|(_, name)| name),
        // Not UTF-8, as the name of no connector is.
        Err(_) => return ApiError::standard(StatusCode::NOT_FOUND).into_response(),
    };
    let mut response = match caller.must(Need::of(request.method(), route.as_str(), connector)) {
        Ok(()) => {
            request.extensions_mut().insert(caller.clone());
            next.run(request).await
        }
        Err(refusal) => refusal.into_response(),
    };
    response.extensions_mut().insert(caller);
    response
}

/// What is to be said of a file that lets everybody in who has an account on this machine.
fn open_to_all(file: &Path) -> Option<String> {
    use std::os::unix::fs::MetadataExt as _;

    let mode = std::fs::metadata(file).ok()?.mode();
    let file = file.display();
    (mode & 0o002 != 0).then(|| {
        format!("Every user of this machine may change {file}, and so who may use REST. Take the right away: chmod o-w {file}")
    })
}

/// User and password. As in Kafka Connect, what is malformed is as if nothing was given.
fn credentials(headers: &HeaderMap) -> Option<(String, String)> {
    let (scheme, rest) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let text = String::from_utf8(STANDARD.decode(rest.trim()).ok()?).ok()?;
    let (user, password) = text.split_once(':').filter(|(user, _)| !user.is_empty())?;
    Some((user.to_owned(), password.to_owned()))
}

/// Kafka Connect's text, which is no JSON although its type says so. The challenge is what HTTP asks for; browsers need it.
fn unauthorized(method: &Method) -> Response {
    let kind = if *method == Method::OPTIONS { "text/plain" } else { "application/json" };
    let mut response = (StatusCode::UNAUTHORIZED, "User cannot access the resource.").into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"connect\", charset=\"UTF-8\""));
    response
}

#[cfg(test)]
mod tests;
