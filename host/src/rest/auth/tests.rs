use axum::Router;
use axum::body::Body;
use axum::middleware;
use axum::routing::any;
use tower::ServiceExt as _;

use super::*;

/// Resources that answer 200 to whoever gets to them, behind a gate.
struct Guarded {
    router: Router,
    gate: Option<Arc<Gate>>,
    subject: Option<String>,
    _dir: tempfile::TempDir,
}

impl Guarded {
    /// `users` and `rights` are the texts of files; empty for none.
    fn new(users: &str, read_only: &[&str], rights: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| {
            let path = dir.path().join(name);
            std::fs::write(&path, text).unwrap();
            (!text.is_empty()).then_some(path)
        };
        let gate = Gate {
            users: file("users", users).map(|path| Users::read(&path).unwrap()),
            read_only: read_only.iter().map(|user| (*user).to_owned()).collect(),
            permissions: file("rights", rights).map(|path| Permissions::read(&path).unwrap()),
        };
        let routes = [
            "/",
            "/connectors",
            "/connectors/{connector}",
            "/connectors/{connector}/{what}",
            "/connectors/{connector}/tasks/{task}/restart",
            "/connector-plugins",
            "/connector-plugins/{plugin}/config/validate",
            "/admin/loggers",
            "/admin/loggers/{logger}",
        ];
        let router = routes.iter().fold(Router::new(), |router, route| router.route(route, any(|| async {})));
        let router = router.route_layer(middleware::from_fn(check));
        Self { router, gate: Some(Arc::new(gate)), subject: None, _dir: dir }
    }

    /// The answer's status, and who asked as far as that is known. `call` is a method and a path.
    async fn ask(&self, call: &str, authorization: &str) -> (u16, Option<String>) {
        let (method, path) = call.split_once(' ').unwrap();
        let address = "127.0.0.1:1".parse().unwrap();
        let (subject, gate) = (self.subject.clone(), self.gate.clone());
        let origin = Origin { scheme: "https", local: address, remote: address, subject, gate };
        let mut request = Request::builder().method(method).uri(path).extension(Arc::new(origin));
        if !authorization.is_empty() {
            request = request.header(header::AUTHORIZATION, authorization);
        }
        let answer = self.router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        let user = answer.extensions().get::<Caller>().and_then(|caller| caller.user().map(str::to_owned));
        (answer.status().as_u16(), user)
    }

    async fn status(&self, call: &str, authorization: &str) -> u16 {
        self.ask(call, authorization).await.0
    }
}

fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
}

const USERS: &str = "ann=sec:ret\nbob=\n";

#[tokio::test]
async fn only_the_right_password_opens() {
    let guarded = Guarded::new(USERS, &[], "");
    let get = async |authorization: &str| guarded.status("GET /connectors", authorization).await;
    assert_eq!(get(&basic("ann", "sec:ret")).await, 200);
    assert_eq!(get(&basic("ann", "sec:ret").replacen("Basic", "bASIC", 1)).await, 200);
    assert_eq!(get(&basic("bob", "")).await, 200, "an empty password is one");
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
        assert_eq!(get(wrong).await, 401, "{wrong}");
    }
}

#[tokio::test]
async fn readers_look_and_validate() {
    let guarded = Guarded::new(USERS, &["ann"], "");
    let ann = basic("ann", "sec:ret");
    for call in
        ["GET /connectors", "GET /admin/loggers", "PUT /connector-plugins/X/config/validate", "GET /connectors/a"]
    {
        assert_eq!(guarded.status(call, &ann).await, 200, "{call}");
    }
    for call in [
        "POST /connectors",
        "PUT /connectors/a/pause",
        "DELETE /connectors/a",
        "PATCH /connectors/a/config",
        "PUT /admin/loggers/root",
    ] {
        assert_eq!(guarded.status(call, &ann).await, 403, "{call}");
        assert_eq!(guarded.status(call, &basic("bob", "")).await, 200, "{call}");
    }
}

#[tokio::test]
async fn rights_end_at_the_names_of_connectors() {
    let guarded = Guarded::new(USERS, &[], "ann.change=orders-*\nann.see=bills\n");
    let ann = basic("ann", "sec:ret");
    for call in [
        "GET /",
        "GET /connectors",
        "POST /connectors",
        "GET /connectors/orders-1",
        "DELETE /connectors/orders-1/offsets",
        "POST /connectors/orders-%2F/tasks/0/restart",
        "GET /connectors/bills/status",
        "GET /connector-plugins",
        "PUT /connector-plugins/X/config/validate",
    ] {
        assert_eq!(guarded.ask(call, &ann).await, (200, Some("ann".to_owned())), "{call}");
        assert_eq!(guarded.ask(call, &basic("bob", "")).await, (403, Some("bob".to_owned())), "{call}");
        assert_eq!(guarded.ask(call, &basic("bob", "x")).await, (401, None), "{call}");
    }
    for call in [
        "PUT /connectors/bills/pause",
        "POST /connectors/bills/tasks/0/restart",
        "GET /connectors/other",
        "GET /connectors/other/offsets",
        "GET /connectors/orders",
        "DELETE /connectors/x%2Forders-1",
        "OPTIONS /connectors/other",
        "HEAD /connectors/other",
        "GET /admin/loggers",
        "PUT /admin/loggers/root",
    ] {
        assert_eq!(guarded.status(call, &ann).await, 403, "{call}");
    }
    assert_eq!(guarded.status("GET /connectors/%FF", &ann).await, 404, "no name at all");
}

#[tokio::test]
async fn readers_with_rights_lose_those_to_change() {
    let guarded = Guarded::new(USERS, &["ann"], "ann.change=orders-*\nann.loggers=change");
    let ann = basic("ann", "sec:ret");
    assert_eq!(guarded.status("GET /connectors/orders-1", &ann).await, 200);
    assert_eq!(guarded.status("GET /admin/loggers/root", &ann).await, 200);
    assert_eq!(guarded.status("PUT /admin/loggers/root", &ann).await, 403);
    assert_eq!(guarded.status("PUT /connectors/orders-1/stop", &ann).await, 403);
    assert_eq!(guarded.status("GET /connectors/bills", &ann).await, 403);
}

#[tokio::test]
async fn certificates_have_rights_as_users_have() {
    let mut guarded = Guarded::new("", &[], "cn.change=orders-*");
    assert_eq!(guarded.ask("GET /connectors", "").await, (403, None), "a client without a certificate");
    guarded.subject = Some("cn".to_owned());
    assert_eq!(guarded.ask("PUT /connectors/orders-1/stop", "").await, (200, Some("cn".to_owned())));
    assert_eq!(guarded.status("PUT /connectors/bills/stop", &basic("x", "y")).await, 403);
    guarded.subject = Some("other".to_owned());
    assert_eq!(guarded.status("GET /connectors", "").await, 403);
}

#[tokio::test]
async fn answers_know_who_asked() {
    let mut guarded = Guarded::new(USERS, &["ann"], "");
    guarded.subject = Some("cn".to_owned());
    let bob = basic("bob", "");
    assert_eq!(guarded.ask("PUT /", &bob).await, (200, Some("bob".to_owned())));
    assert_eq!(guarded.ask("PUT /", &basic("ann", "sec:ret")).await, (403, Some("ann".to_owned())));
    assert_eq!(guarded.ask("PUT /", "").await, (401, None), "a name that was only claimed is not told");
    guarded.gate = None;
    assert_eq!(guarded.ask("PUT /", &bob).await, (200, Some("cn".to_owned())));
}

#[test]
fn files_that_everybody_may_change_get_a_warning() {
    use std::os::unix::fs::PermissionsExt as _;

    let file = tempfile::NamedTempFile::new().unwrap();
    let warned = |mode| {
        std::fs::set_permissions(file.path(), std::fs::Permissions::from_mode(mode)).unwrap();
        open_to_all(file.path())
    };
    assert!(warned(0o646).unwrap().contains("chmod o-w"));
    assert_eq!(warned(0o664), None);
}
