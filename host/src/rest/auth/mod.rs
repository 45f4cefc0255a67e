//! Basic auth (RFC 7617) of the REST API, as Kafka Connect's extension does it: in front of every resource, behind the
//! answers for unknown paths.

mod users;

use std::sync::Arc;

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::config::BasicAuth;

use super::errors::ApiError;
use super::resource::Origin;
use users::Users;

/// What requests have to pass on a guarded listener.
#[derive(Debug)]
pub(super) struct Gate {
    users: Users,
    read_only: Vec<String>,
}

impl Gate {
    /// Reads the file with the users.
    ///
    /// # Errors
    /// The file cannot be read or names nobody.
    pub(super) fn new(settings: &BasicAuth) -> crate::error::Result<Self> {
        Ok(Self { users: Users::read(&settings.file)?, read_only: settings.read_only.clone() })
    }

    fn verdict(&self, method: &Method, path: &str, headers: &HeaderMap) -> Verdict {
        let given = credentials(headers).filter(|(user, password)| self.users.knows(user, password));
        let Some((user, _)) = given else { return Verdict::Refused(unauthorized(method)) };
        // A validation changes nothing.
        let looks =
            matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS) || path.ends_with("/config/validate");
        if looks || !self.read_only.contains(&user) {
            return Verdict::Admitted(User(user));
        }
        let message = format!("User {user} may look but not change anything (rest.basic.auth.read.only.users).");
        let mut refusal = ApiError::new(StatusCode::FORBIDDEN, message).into_response();
        refusal.extensions_mut().insert(User(user));
        Verdict::Refused(refusal)
    }
}

/// What becomes of a request.
enum Verdict {
    Admitted(User),
    /// With the answer.
    Refused(Response),
}

/// Who made a request, for the log: goes along with the answer.
#[derive(Debug, Clone)]
pub(super) struct User(pub(super) String);

/// Lets a request through, or answers it.
pub(super) async fn check(request: Request, next: Next) -> Response {
    // The server says where each request came in; what did not come through it is not guarded (tests of resources).
    let origin = request.extensions().get::<Arc<Origin>>();
    let subject = origin.and_then(|origin| origin.subject.clone()).map(User);
    let gate = origin.and_then(|origin| origin.gate.as_ref());
    let user = match gate.map(|gate| gate.verdict(request.method(), request.uri().path(), request.headers())) {
        Some(Verdict::Refused(answer)) => return answer,
        Some(Verdict::Admitted(user)) => Some(user),
        None => subject,
    };
    let mut response = next.run(request).await;
    if let Some(user) = user {
        response.extensions_mut().insert(user);
    }
    response
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
mod tests {
    use super::*;

    fn gate(read_only: &[&str]) -> (Gate, tempfile::TempDir) {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("users.properties");
        std::fs::write(&file, "ann=sec:ret\nbob=\n").unwrap();
        let read_only = read_only.iter().map(|user| (*user).to_owned()).collect();
        (Gate::new(&BasicAuth { file, read_only }).unwrap(), dir)
    }

    fn status(gate: &Gate, method: Method, path: &str, authorization: &str) -> u16 {
        let mut headers = HeaderMap::new();
        if !authorization.is_empty() {
            headers.insert(header::AUTHORIZATION, authorization.parse().unwrap());
        }
        match gate.verdict(&method, path, &headers) {
            Verdict::Admitted(_) => 200,
            Verdict::Refused(answer) => answer.status().as_u16(),
        }
    }

    fn basic(user: &str, password: &str) -> String {
        format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
    }

    #[test]
    fn only_the_right_password_opens() {
        let (gate, _dir) = gate(&[]);
        let get = |authorization: &str| status(&gate, Method::GET, "/connectors", authorization);
        assert_eq!(get(&basic("ann", "sec:ret")), 200);
        assert_eq!(get(&basic("ann", "sec:ret").replacen("Basic", "bASIC", 1)), 200);
        assert_eq!(get(&basic("bob", "")), 200, "an empty password is one");
        for wrong in [
            "",
            "Basic",
            "Basic ???",
            "Bearer x",
            &basic("ann", "sec"),
            &basic("ann", "sec:ret "),
            &basic("", "sec:ret"),
            &basic("nobody", ""),
            &format!("Basic {}", STANDARD.encode("ann")),
        ] {
            assert_eq!(get(wrong), 401, "{wrong}");
        }
    }

    #[test]
    fn readers_look_and_validate() {
        let (gate, _dir) = gate(&["ann"]);
        let ann = basic("ann", "sec:ret");
        assert_eq!(status(&gate, Method::GET, "/connectors", &ann), 200);
        assert_eq!(status(&gate, Method::PUT, "/connector-plugins/X/config/validate", &ann), 200);
        for (method, path) in [
            (Method::POST, "/connectors"),
            (Method::PUT, "/connectors/a/pause"),
            (Method::DELETE, "/connectors/a"),
            (Method::PATCH, "/connectors/a/config"),
            (Method::PUT, "/admin/loggers/root"),
        ] {
            assert_eq!(status(&gate, method.clone(), path, &ann), 403, "{method} {path}");
            assert_eq!(status(&gate, method, path, &basic("bob", "")), 200);
        }
    }

    #[tokio::test]
    async fn answers_know_who_asked() {
        use axum::routing::any;
        use tower::ServiceExt as _;

        let (gate, _dir) = gate(&["ann"]);
        let gate = Arc::new(gate);
        let ask = async |gate: Option<Arc<Gate>>, authorization: &str| {
            let address = "127.0.0.1:1".parse().unwrap();
            let subject = Some("cn".to_owned());
            let origin = Origin { scheme: "https", local: address, remote: address, subject, gate };
            let router = axum::Router::new().route("/", any(|| async {}));
            let request = Request::put("/").header(header::AUTHORIZATION, authorization).extension(Arc::new(origin));
            let guarded = router.route_layer(axum::middleware::from_fn(check));
            let answer = guarded.oneshot(request.body(axum::body::Body::empty()).unwrap()).await.unwrap();
            let user = answer.extensions().get::<User>().map(|User(name)| name.clone());
            (answer.status().as_u16(), user)
        };
        let bob = basic("bob", "");
        assert_eq!(ask(Some(Arc::clone(&gate)), &bob).await, (200, Some("bob".to_owned())));
        assert_eq!(ask(Some(Arc::clone(&gate)), &basic("ann", "sec:ret")).await, (403, Some("ann".to_owned())));
        assert_eq!(ask(Some(gate), "").await, (401, None), "a name that was only claimed is not told");
        assert_eq!(ask(None, &bob).await, (200, Some("cn".to_owned())));
    }
}
