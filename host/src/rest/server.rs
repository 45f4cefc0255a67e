//! The HTTP server: sockets, limits, stop. It has threads of its own, so that nothing a connector does can slow it down.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::middleware;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::sync::watch;
use tower::ServiceExt;

use crate::config::{AdminListeners, HttpsSettings, Listener, Mode, RestSettings, Scheme};
use crate::error::{ConnectError, Result};
use crate::herder::Handle;
use crate::telemetry::metrics::Registry;

use super::audit::Audit;
use super::auth::Gate;
use super::connections::{Connection, Connections, Registered, Watched};
use super::extras::{self, Extras};
use super::https::{self, Https};
use super::listener::{self, Bound};
use super::resource::{Api, Origin, TopicTracking};
use super::{metrics, openapi, router, ui};

/// Connections that are served at once; further ones wait to be accepted.
const MAX_CONNECTIONS: usize = 512;

/// The most headers, and the most bytes of them, that a request may have.
const MAX_HEADERS: usize = 100;
const MAX_HEADER_BYTES: usize = 32 * 1024;

/// The pause after a failed accept, which mostly means that the process has no file descriptors left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// A server whose ports are bound but not served yet.
pub struct BoundServer {
    main: Vec<Bound>,
    admin: Vec<Bound>,
    settings: RestSettings,
    extras: Extras,
    gate: Option<Arc<Gate>>,
    audit: Option<Arc<Audit>>,
    worker_id: String,
}

impl BoundServer {
    /// Binds all ports. The error names address, key and way out.
    pub fn bind(settings: RestSettings, mode: Mode) -> Result<Self> {
        let extras = Extras::new(&settings)?;
        let gate = Gate::new(&settings)?.map(Arc::new);
        let audit = settings.audit.as_ref().map(Audit::new).transpose()?.map(Arc::new);
        let hint = match mode {
            Mode::Standalone => "; a second standalone worker also needs its own `offset.storage.file.filename`",
            Mode::Distributed => "",
        };
        let bind_all = |listeners: &[Listener], key, https: &HttpsSettings| -> Result<Vec<Bound>> {
            let is_https = |listener: &Listener| listener.scheme == Scheme::Https;
            let https = match listeners.iter().any(is_https) {
                true => Some(Arc::new(Https::new(https.clone())?)),
                false => None,
            };
            listeners.iter().map(|listener| listener::bind(listener, key, hint, https.as_ref())).collect()
        };
        let main = bind_all(&settings.listeners, "listeners", &settings.https)?;
        let admin = match &settings.admin_listeners {
            AdminListeners::Own(listeners) => bind_all(listeners, "admin.listeners", &settings.admin_https)?,
            AdminListeners::Shared | AdminListeners::Off => Vec::new(),
        };
        let advertised = settings.advertised_listener();
        let bound = main.iter().find(|bound| bound.listener == *advertised).expect("all listeners are bound");
        let worker_id = settings.worker_id(listener::reachable(bound));
        Ok(Self { main, admin, settings, extras, gate, audit, worker_id })
    }

    /// Advertised `host:port`, the id of this worker.
    pub fn worker_id(&self) -> &str {
        &self.worker_id
    }

    /// URL under which clients reach this worker.
    pub fn url(&self) -> String {
        format!("{}://{}/", self.settings.advertised_listener().scheme, self.worker_id)
    }

    /// The bound addresses of the main listeners, in their order.
    pub fn local_addresses(&self) -> impl Iterator<Item = SocketAddr> {
        self.main.iter().map(|bound| bound.local)
    }

    /// Begins to serve. `metrics`: what all listeners show under `/metrics`; `None` = there is no such resource.
    pub fn serve(self, herder: Handle, topic_tracking: TopicTracking, metrics: Option<&Registry>) -> Result<Server> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .max_blocking_threads(1)
            .thread_name("rest")
            .enable_all()
            .build()
            .map_err(|error| {
                ConnectError::connect("Could not start the threads of the REST server").caused_by(error)
            })?;
        let api = Api { herder, topic_tracking };
        let metrics = || metrics.map_or_else(Router::new, metrics::resource);
        let mut resources = router::main_resources().merge(metrics());
        if self.settings.admin_listeners == AdminListeners::Shared {
            resources = resources.merge(router::admin_resources());
        }
        if self.settings.web_page {
            resources = resources.merge(ui::pages()).merge(openapi::resource());
        }
        let extras = Arc::new(self.extras);
        resources =
            resources.route_layer(middleware::from_fn_with_state(Arc::clone(&extras), extras::refuse_other_sites));
        let audit = self.audit.as_ref();
        let mut main = router::finish(resources, api.clone(), audit);
        if !extras.is_empty() {
            main = main.layer(middleware::from_fn_with_state(extras, extras::add));
        }
        let admin = router::finish(router::admin_resources().merge(metrics()), api, audit);
        let (stop, stopped) = watch::channel(false);
        let connections = Connections::new(MAX_CONNECTIONS);
        let _entered = runtime.enter();
        runtime.spawn(connections.clone().review());
        let sockets = self.main.into_iter().map(|bound| (bound, main.clone(), self.gate.clone()));
        // As in Kafka Connect, addresses for administration alone are guarded by where they are.
        for (bound, router, gate) in sockets.chain(self.admin.into_iter().map(|bound| (bound, admin.clone(), None))) {
            let socket = TcpListener::from_std(bound.socket)
                .map_err(|error| ConnectError::io(format!("Could not serve {}", bound.listener)).caused_by(error))?;
            let door = Door { https: bound.https, gate, router };
            runtime.spawn(accept(socket, door, connections.clone(), stopped.clone()));
        }
        drop(_entered);
        Ok(Server { runtime, stop, connections })
    }
}

/// A server at work. Dropping it cuts all connections; [`stop`](Self::stop) lets requests finish.
#[derive(Debug)]
pub struct Server {
    runtime: Runtime,
    stop: watch::Sender<bool>,
    connections: Connections,
}

impl Server {
    /// Accepts nothing more and waits until the requests under way are answered, at most `grace`. Blocks; not for async
    /// threads.
    pub fn stop(self, grace: Duration) {
        // Without receivers there is nothing left to stop.
        let _ = self.stop.send(true);
        let finished =
            self.runtime.block_on(async { tokio::time::timeout(grace, self.connections.none_left()).await.is_ok() });
        if !finished {
            tracing::warn!("Some REST requests were not answered within {} s and are cut off", grace.as_secs());
        }
        self.runtime.shutdown_background();
    }
}

/// What connections to one address meet.
#[derive(Clone)]
struct Door {
    https: Option<Arc<Https>>,
    gate: Option<Arc<Gate>>,
    router: Router,
}

async fn accept(socket: TcpListener, door: Door, connections: Connections, mut stopped: watch::Receiver<bool>) {
    loop {
        let place = tokio::select! {
            _ = stopped.changed() => return,
            place = connections.place() => place,
        };
        let accepted = tokio::select! {
            // The port is free before the place is, which is what a stop waits for.
            _ = stopped.changed() => return drop(socket),
            accepted = socket.accept() => accepted,
        };
        match accepted {
            Ok((stream, remote)) => {
                tokio::spawn(serve(stream, remote, door.clone(), connections.register(place), stopped.clone()));
            }
            Err(error) => {
                tracing::warn!("Could not accept a REST connection: {error}");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Serves one connection until one of its sides closes it, its client takes too long, or the server stops.
async fn serve(
    stream: TcpStream,
    remote: SocketAddr,
    door: Door,
    registered: Registered,
    stopped: watch::Receiver<bool>,
) {
    let connection = &registered.connection;
    tokio::select! {
        biased;
        () = open(stream, remote, door, connection, stopped) => {}
        () = connection.closed() => tracing::debug!("REST connection from {remote} is closed: its client keeps us waiting"),
    }
}

async fn open(
    stream: TcpStream,
    remote: SocketAddr,
    door: Door,
    connection: &Arc<Connection>,
    mut stopped: watch::Receiver<bool>,
) {
    let Ok(local) = stream.local_addr() else { return };
    // Answers are small and written at once.
    let _ = stream.set_nodelay(true);
    let Door { https, gate, router } = door;
    let Some(https) = https else {
        let origin = Origin { scheme: "http", local, remote, subject: None, gate };
        let stream = Watched { stream, connection: Arc::clone(connection) };
        return serve_http(stream, origin, router, stopped).await;
    };
    // A handshake is in the hands of the client.
    connection.silent();
    let accepted = tokio::select! {
        _ = stopped.changed() => return,
        accepted = https.accept(stream) => accepted,
    };
    match accepted {
        Ok(stream) => {
            let subject = https::subject(&stream);
            let origin = Origin { scheme: "https", local, remote, subject, gate };
            let stream = Watched { stream, connection: Arc::clone(connection) };
            serve_http(stream, origin, router, stopped).await;
        }
        Err(error) => tracing::debug!("REST connection from {remote}: no TLS: {error}"),
    }
}

async fn serve_http<S>(stream: Watched<S>, origin: Origin, router: Router, mut stopped: watch::Receiver<bool>)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let remote = origin.remote;
    let origin = Arc::new(origin);
    let progress = Arc::clone(&stream.connection);
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let mut request = request.map(|body| progress.request(Body::new(body)));
        if let Some(uri) = router::without_trailing_slash(request.uri()) {
            *request.uri_mut() = uri;
        }
        request.extensions_mut().insert(Arc::clone(&origin));
        let (answer, progress) = (router.clone().oneshot(request), Arc::clone(&progress));
        async move {
            let answer = answer.await;
            progress.answered();
            answer
        }
    });
    // The time limits of connections are those of `connections`.
    let connection = http1::Builder::new()
        .header_read_timeout(None)
        .half_close(true)
        .max_headers(MAX_HEADERS)
        .max_header_size(MAX_HEADER_BYTES)
        .serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        _ = stopped.changed() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!("REST connection from {remote} ended: {error}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::net::TcpStream as Client;

    use crate::config::{BasicAuth, HeaderRule};
    use crate::herder::testing::standalone;

    fn settings(listeners: &[&str], admin_listeners: AdminListeners) -> RestSettings {
        RestSettings {
            listeners: listeners.iter().map(|text| Listener::parse(text).unwrap()).collect(),
            admin_listeners,
            https: HttpsSettings::default(),
            admin_https: HttpsSettings::default(),
            advertised_host: None,
            advertised_port: None,
            advertised_scheme: None,
            allow_origin: String::new(),
            allow_methods: String::new(),
            response_headers: Vec::new(),
            basic_auth: None,
            permissions: None,
            audit: None,
            web_page: true,
        }
    }

    fn serve(admin: AdminListeners) -> (Server, SocketAddr, Option<SocketAddr>) {
        serve_metrics(admin, None)
    }

    fn serve_metrics(admin: AdminListeners, metrics: Option<&Registry>) -> (Server, SocketAddr, Option<SocketAddr>) {
        let settings = settings(&["http://127.0.0.1:0"], admin);
        let bound = BoundServer::bind(settings, Mode::Standalone).unwrap();
        let main = bound.local_addresses().next().unwrap();
        assert_eq!(bound.worker_id(), main.to_string());
        assert_eq!(bound.url(), format!("http://{main}/"));
        let admin = bound.admin.first().map(|bound| bound.local);
        let (herder, _runtime) = standalone();
        let tracking = TopicTracking { enabled: true, reset_allowed: true };
        (bound.serve(herder, tracking, metrics).unwrap(), main, admin)
    }

    /// Sends bytes and reads until the server closes the connection.
    fn exchange(address: SocketAddr, request: &str) -> String {
        let mut client = Client::connect(address).unwrap();
        client.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        client.read_to_string(&mut answer).unwrap();
        answer
    }

    fn get(address: SocketAddr, path: &str) -> String {
        exchange(address, &format!("GET {path} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"))
    }

    #[test]
    fn requests_are_served_over_sockets() {
        let (server, main, _) = serve(AdminListeners::Shared);
        assert!(get(main, "/").starts_with("HTTP/1.1 200 OK\r\n"));
        assert!(get(main, "/connectors/").ends_with("\r\n\r\n[]"), "a trailing slash does not matter");
        assert!(get(main, "/admin/loggers/root").starts_with("HTTP/1.1 200"));
        let old = exchange(main, "GET /connectors HTTP/1.0\r\n\r\n");
        assert!(old.ends_with("[]"), "{old}");
        let body = r#"{"connector.class":"TestSource"}"#;
        let put = format!(
            "PUT /connectors/a/config HTTP/1.0\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let put = exchange(main, &put);
        assert!(put.contains(&format!("location: http://{main}/connectors/a\r\n")), "{put}");
        server.stop(Duration::from_secs(5));
        assert!(Client::connect(main).is_err(), "a stopped server listens no more");
    }

    #[test]
    fn admin_resources_go_where_they_are_told() {
        let own = AdminListeners::Own(vec![Listener::parse("http://127.0.0.1:0").unwrap()]);
        let (_server, main, admin) = serve(own);
        assert!(get(main, "/admin/loggers").starts_with("HTTP/1.1 404"));
        assert!(get(admin.unwrap(), "/admin/loggers").starts_with("HTTP/1.1 200"));
        assert!(get(admin.unwrap(), "/connectors").starts_with("HTTP/1.1 404"));
        let (_server, main, _) = serve(AdminListeners::Off);
        assert!(get(main, "/admin/loggers").starts_with("HTTP/1.1 404"));
    }

    #[test]
    fn metrics_are_on_all_listeners_or_nowhere() {
        let registry = Registry::default();
        let group = registry.group("connect-worker-metrics", &[]);
        group.gauge(&crate::telemetry::metrics::names::TASK_COUNT).set(7);
        let own = || AdminListeners::Own(vec![Listener::parse("http://127.0.0.1:0").unwrap()]);
        let (_server, main, admin) = serve_metrics(own(), Some(&registry));
        for address in [main, admin.unwrap()] {
            let answer = get(address, "/metrics");
            assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
            assert!(answer.contains("content-type: text/plain; version=0.0.4; charset=utf-8\r\n"), "{answer}");
            assert!(answer.ends_with("\nkafka_connect_worker_task_count 7\n"), "{answer}");
        }
        let post = exchange(main, "POST /metrics HTTP/1.0\r\n\r\n");
        assert!(post.starts_with("HTTP/1.0 405"), "{post}");
        let (_server, main, admin) = serve_metrics(own(), None);
        for address in [main, admin.unwrap()] {
            assert!(get(address, "/metrics").starts_with("HTTP/1.1 404"));
        }
    }

    #[test]
    fn extra_headers_are_on_every_answer_of_the_main_listeners() {
        let mut settings = settings(&["http://127.0.0.1:0"], AdminListeners::Shared);
        settings.allow_origin = "*".to_owned();
        settings.response_headers = HeaderRule::parse_list("set X-Frame-Options: DENY").unwrap();
        let bound = BoundServer::bind(settings, Mode::Standalone).unwrap();
        let main = bound.local_addresses().next().unwrap();
        let (herder, _runtime) = standalone();
        let _server = bound.serve(herder, TopicTracking { enabled: true, reset_allowed: true }, None).unwrap();
        let answer = exchange(main, "GET /nope HTTP/1.0\r\nOrigin: http://a\r\n\r\n");
        assert!(answer.starts_with("HTTP/1.0 404"), "{answer}");
        for line in ["x-frame-options: DENY\r\n", "access-control-allow-origin: http://a\r\n", "vary: Origin\r\n"] {
            assert!(answer.contains(line), "{answer}");
        }
        let other = "POST /connectors/a/restart?includeTasks=true HTTP/1.0\r\nSec-Fetch-Site: cross-site\r\nOrigin: null\r\n\r\n";
        let allowed = exchange(main, &other.replace("null", "http://a"));
        assert!(allowed.starts_with("HTTP/1.0 404"), "{allowed}");
        let (_server, main, _) = serve(AdminListeners::Shared);
        assert!(exchange(main, other).starts_with("HTTP/1.0 403"));
    }

    #[test]
    fn the_web_page_is_served_to_browsers_under_a_strict_policy() {
        let (_server, main, _) = serve(AdminListeners::Shared);
        let page = get(main, "/ui/");
        assert!(page.starts_with("HTTP/1.1 200"), "{page}");
        for line in [
            "content-type: text/html; charset=utf-8\r\n",
            "content-security-policy: default-src 'none'; script-src 'self'; ",
            "x-frame-options: DENY\r\n",
            "x-content-type-options: nosniff\r\n",
            "cache-control: no-cache\r\n",
            "<script type=\"module\" src=\"main.js\">",
        ] {
            assert!(page.contains(line), "{line} is missing: {page}");
        }
        let (_, tag) = page.split_once("etag: ").unwrap();
        let tag = tag.lines().next().unwrap();
        let again = format!("GET /ui/ HTTP/1.0\r\nAccept: text/html\r\nIf-None-Match: {tag}\r\n\r\n");
        let again = exchange(main, &again);
        assert!(again.starts_with("HTTP/1.0 304") && again.ends_with("\r\n\r\n"), "{again}");
        let script = get(main, "/ui/main.js");
        assert!(script.contains("content-type: text/javascript; charset=utf-8\r\n"), "{script}");
        let moved = get(main, "/ui");
        assert!(moved.starts_with("HTTP/1.1 307") && moved.contains("location: ui/\r\n"), "{moved}");
        for path in ["/ui/nope.js", "/ui/index.html/", "/ui/../Cargo.toml"] {
            assert!(get(main, path).starts_with("HTTP/1.1 404"), "{path}");
        }
    }

    #[test]
    fn the_web_page_can_be_turned_off_and_is_not_on_admin_listeners() {
        let mut settings = settings(&["http://127.0.0.1:0"], AdminListeners::Shared);
        settings.web_page = false;
        let bound = BoundServer::bind(settings, Mode::Standalone).unwrap();
        let main = bound.local_addresses().next().unwrap();
        let (herder, _runtime) = standalone();
        let _server = bound.serve(herder, TopicTracking { enabled: true, reset_allowed: true }, None).unwrap();
        assert!(get(main, "/ui/").starts_with("HTTP/1.1 404"));
        assert!(get(main, "/ui/main.js").starts_with("HTTP/1.1 404"));
        assert!(get(main, "/openapi.json").starts_with("HTTP/1.1 404"));
        let own = AdminListeners::Own(vec![Listener::parse("http://127.0.0.1:0").unwrap()]);
        let (_server, _, admin) = serve(own);
        assert!(get(admin.unwrap(), "/ui/").starts_with("HTTP/1.1 404"));
    }

    #[test]
    fn guarded_listeners_ask_for_a_password_behind_the_answers_for_unknown_paths() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("users");
        std::fs::write(&file, "ann=secret\n").unwrap();
        let mut settings = settings(&["http://127.0.0.1:0"], AdminListeners::Shared);
        settings.basic_auth = Some(BasicAuth { file, read_only: Vec::new() });
        let bound = BoundServer::bind(settings, Mode::Standalone).unwrap();
        let main = bound.local_addresses().next().unwrap();
        let (herder, _runtime) = standalone();
        let registry = Registry::default();
        let _server =
            bound.serve(herder, TopicTracking { enabled: true, reset_allowed: true }, Some(&registry)).unwrap();
        for path in
            ["/", "/health", "/connectors", "/connectors/", "/admin/loggers", "/connector-plugins", "/metrics", "/ui/"]
        {
            let answer = get(main, path);
            assert!(answer.starts_with("HTTP/1.1 401 Unauthorized\r\n"), "{path}: {answer}");
            assert!(answer.ends_with("\r\n\r\nUser cannot access the resource."), "{answer}");
            assert!(answer.contains("content-type: application/json\r\n"), "{answer}");
        }
        assert!(get(main, "/nope").starts_with("HTTP/1.1 404"));
        let options = exchange(main, "OPTIONS /connectors HTTP/1.0\r\n\r\n");
        assert!(options.starts_with("HTTP/1.0 401") && options.contains("content-type: text/plain\r\n"), "{options}");
        let right = exchange(main, "GET /connectors HTTP/1.0\r\nAuthorization: Basic YW5uOnNlY3JldA==\r\n\r\n");
        assert!(right.ends_with("\r\n\r\n[]"), "{right}");
    }

    #[test]
    fn users_learn_their_rights_and_see_figures_of_their_connectors_alone() {
        let dir = tempfile::tempdir().unwrap();
        let (users, rights) = (dir.path().join("users"), dir.path().join("rights"));
        std::fs::write(&users, "ann=secret\nbob=secret\n").unwrap();
        std::fs::write(&rights, "ann.change=orders-*, x\nann.loggers=see\nbob.change=*\n").unwrap();
        let mut settings = settings(&["http://127.0.0.1:0"], AdminListeners::Shared);
        settings.basic_auth = Some(BasicAuth { file: users, read_only: vec!["bob".to_owned()] });
        settings.permissions = Some(rights);
        let bound = BoundServer::bind(settings, Mode::Standalone).unwrap();
        let main = bound.local_addresses().next().unwrap();
        let (herder, _runtime) = standalone();
        let registry = Registry::default();
        let groups = ["orders-1", "bills"].map(|connector| registry.group("g", &[("connector", connector)]));
        groups.iter().for_each(|group| group.gauge(&crate::telemetry::metrics::names::TASK_COUNT).set(7));
        let _server =
            bound.serve(herder, TopicTracking { enabled: true, reset_allowed: true }, Some(&registry)).unwrap();
        let get = |path: &str, user: &str| {
            exchange(main, &format!("GET {path} HTTP/1.0\r\nAuthorization: Basic {user}\r\n\r\n"))
        };
        let (ann, bob) = ("YW5uOnNlY3JldA==", "Ym9iOnNlY3JldA==");
        let body = |answer: String| answer.split_once("\r\n\r\n").unwrap().1.to_owned();
        assert_eq!(body(get("/ui/rights", ann)), r#"{"user":"ann","change":["orders-*","x"],"loggers":"see"}"#);
        assert_eq!(body(get("/ui/rights", bob)), r#"{"user":"bob","change":[],"loggers":"none"}"#);
        let (of_ann, of_bob) = (get("/metrics", ann), get("/metrics", bob));
        assert!(of_ann.contains("orders-1") && !of_ann.contains("bills"), "{of_ann}");
        assert!(of_bob.contains("orders-1") && of_bob.contains("bills"), "{of_bob}");
    }

    #[test]
    fn oversized_headers_are_refused() {
        let (_server, main, _) = serve(AdminListeners::Shared);
        let long = "x".repeat(MAX_HEADER_BYTES);
        let answer = exchange(main, &format!("GET / HTTP/1.1\r\nHost: h\r\nX-Long: {long}\r\n\r\n"));
        assert!(answer.starts_with("HTTP/1.1 431"), "{answer}");
    }

    #[test]
    fn clients_that_only_say_goodbye_early_get_their_answer() {
        let (_server, main, _) = serve(AdminListeners::Shared);
        let mut client = Client::connect(main).unwrap();
        client.write_all(b"GET /connectors HTTP/1.0\r\n\r\n").unwrap();
        client.shutdown(std::net::Shutdown::Write).unwrap();
        let mut answer = String::new();
        client.read_to_string(&mut answer).unwrap();
        assert!(answer.ends_with("\r\n\r\n[]"), "{answer}");
    }

    #[test]
    fn bodies_that_are_too_long_are_refused_after_their_end_or_before_their_beginning() {
        let (_server, main, _) = serve(AdminListeners::Shared);
        let head = "POST /connectors HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nConnection: close\r\n";
        let body = "x".repeat(3 * crate::rest::resource::MAX_BODY);
        let whole = exchange(main, &format!("{head}Content-Length: {}\r\n\r\n{body}", body.len()));
        assert!(whole.starts_with("HTTP/1.1 413"), "{whole}");
        let asking = exchange(main, &format!("{head}Expect: 100-continue\r\nContent-Length: {}\r\n\r\n", body.len()));
        assert!(asking.starts_with("HTTP/1.1 413"), "{asking}");
    }

    #[test]
    fn requests_that_could_be_smuggled_past_a_proxy_end_their_connection() {
        let (_server, main, _) = serve(AdminListeners::Shared);
        let smuggler = "POST /connectors HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n\
                        0\r\n\r\nDELETE /connectors/a HTTP/1.1\r\nHost: h\r\n\r\n";
        let answers = exchange(main, smuggler);
        assert_eq!(answers.matches("HTTP/1.1 ").count(), 1, "{answers}");
        let hosts = exchange(main, "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\nConnection: close\r\n\r\n");
        assert!(hosts.starts_with("HTTP/1.1 400"), "{hosts}");
    }

    #[test]
    fn a_stop_does_not_wait_for_idle_connections() {
        let (server, main, _) = serve(AdminListeners::Shared);
        let mut idle = Client::connect(main).unwrap();
        idle.write_all(b"GET /connectors HTTP/1.1\r\nHost: h\r\n\r\n").unwrap();
        let mut first = [0; 12];
        idle.read_exact(&mut first).unwrap();
        assert_eq!(&first, b"HTTP/1.1 200");
        let begun = std::time::Instant::now();
        server.stop(Duration::from_secs(30));
        assert!(begun.elapsed() < Duration::from_secs(10));
    }
}
