//! The HTTP server: sockets, connections, limits, stop. It has threads of its own, so that nothing a connector does can
//! slow it down.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tower::ServiceExt;

use crate::error::{ConnectError, Result};
use crate::herder::Handle;

use super::listener::{self, Address, Advertised, Bound};
use super::resource::{Api, Origin, TopicTracking};
use super::router;

/// Connections that are served at once; further ones wait to be accepted.
const MAX_CONNECTIONS: usize = 512;

/// How long a connection may stay idle or take to send its headers, as in Kafka Connect.
const IDLE_TIMEOUT: Duration = Duration::from_secs(90);

/// The most headers, and the most bytes of them, that a request may have.
const MAX_HEADERS: usize = 100;
const MAX_HEADER_BYTES: usize = 32 * 1024;

/// The pause after a failed accept, which mostly means that the process has no file descriptors left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// Where `/admin/loggers` is served (`admin.listeners`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AdminListeners {
    /// On the main listeners.
    Shared,
    /// Nowhere.
    Off,
    /// On listeners of its own, and only there.
    Own(Vec<Address>),
}

/// How to serve.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerOptions {
    /// Main listeners; at least one.
    pub listeners: Vec<Address>,
    /// Where the admin resources go.
    pub admin: AdminListeners,
    /// What others are told about how to reach this worker.
    pub advertised: Advertised,
    /// What clients may see of topics in use.
    pub topic_tracking: TopicTracking,
    /// True for a standalone worker, which shares an offset file with nobody; used in advice about taken ports.
    pub standalone: bool,
}

/// A server whose ports are bound but not served yet.
#[derive(Debug)]
pub struct BoundServer {
    main: Vec<Bound>,
    admin: Vec<Bound>,
    options: ServerOptions,
    worker_id: String,
}

impl BoundServer {
    /// Binds all ports. The error names address, key and way out.
    pub fn bind(options: ServerOptions) -> Result<Self> {
        let hint = if options.standalone {
            "; a second standalone worker also needs its own `offset.storage.file.filename`"
        } else {
            ""
        };
        let bind_all = |addresses: &[Address], key| -> Result<Vec<Bound>> {
            addresses.iter().map(|address| listener::bind(address, key, hint)).collect()
        };
        let main = bind_all(&options.listeners, "listeners")?;
        let admin = match &options.admin {
            AdminListeners::Own(addresses) => bind_all(addresses, "admin.listeners")?,
            AdminListeners::Shared | AdminListeners::Off => Vec::new(),
        };
        let Some(first) = main.first() else {
            return Err(ConnectError::config(
                "Invalid value for listeners, at least one URL is expected, ex: \
                 http://localhost:8080,https://localhost:8443.",
            ));
        };
        let worker_id = listener::advertised(&options.advertised, first);
        Ok(Self { main, admin, options, worker_id })
    }

    /// Advertised `host:port`, the id of this worker.
    pub fn worker_id(&self) -> &str {
        &self.worker_id
    }

    /// URL under which clients reach this worker.
    pub fn url(&self) -> String {
        format!("http://{}/", self.worker_id)
    }

    /// The bound addresses of the main listeners, in their order.
    pub fn local_addresses(&self) -> impl Iterator<Item = std::net::SocketAddr> {
        self.main.iter().map(|bound| bound.local)
    }

    /// Begins to serve.
    pub fn serve(self, herder: Handle) -> Result<Server> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .max_blocking_threads(1)
            .thread_name("rest")
            .enable_all()
            .build()
            .map_err(|error| {
                ConnectError::connect("Could not start the threads of the REST server").caused_by(error)
            })?;
        let api = Api { herder, topic_tracking: self.options.topic_tracking };
        let mut resources = router::main_resources();
        if self.options.admin == AdminListeners::Shared {
            resources = resources.merge(router::admin_resources());
        }
        let main = router::finish(resources, api.clone());
        let admin = router::finish(router::admin_resources(), api);
        let (stop, stopped) = watch::channel(false);
        let slots = Arc::new(Semaphore::new(MAX_CONNECTIONS));
        let _entered = runtime.enter();
        let sockets = self.main.into_iter().map(|bound| (bound, main.clone()));
        for (bound, router) in sockets.chain(self.admin.into_iter().map(|bound| (bound, admin.clone()))) {
            let socket = TcpListener::from_std(bound.socket)
                .map_err(|error| ConnectError::io(format!("Could not serve {}", bound.address)).caused_by(error))?;
            runtime.spawn(accept(socket, router, Arc::clone(&slots), stopped.clone()));
        }
        drop(_entered);
        Ok(Server { runtime, stop, slots })
    }
}

/// A server at work. Dropping it cuts all connections; [`stop`](Self::stop) lets requests finish.
#[derive(Debug)]
pub struct Server {
    runtime: Runtime,
    stop: watch::Sender<bool>,
    slots: Arc<Semaphore>,
}

impl Server {
    /// Accepts nothing more and waits until the requests under way are answered, at most `grace`. Blocks; not for async
    /// threads.
    pub fn stop(self, grace: Duration) {
        // Without receivers there is nothing left to stop.
        let _ = self.stop.send(true);
        let all = u32::try_from(MAX_CONNECTIONS).expect("a small constant");
        let finished =
            self.runtime.block_on(async { tokio::time::timeout(grace, self.slots.acquire_many(all)).await.is_ok() });
        if !finished {
            tracing::warn!("Some REST requests were not answered within {} s and are cut off", grace.as_secs());
        }
        self.runtime.shutdown_background();
    }
}

async fn accept(socket: TcpListener, router: Router, slots: Arc<Semaphore>, mut stopped: watch::Receiver<bool>) {
    loop {
        let slot = tokio::select! {
            _ = stopped.changed() => return,
            slot = Arc::clone(&slots).acquire_owned() => slot.expect("the semaphore is never closed"),
        };
        let accepted = tokio::select! {
            _ = stopped.changed() => return,
            accepted = socket.accept() => accepted,
        };
        match accepted {
            Ok((stream, remote)) => {
                tokio::spawn(serve(stream, remote, router.clone(), slot, stopped.clone()));
            }
            Err(error) => {
                tracing::warn!("Could not accept a REST connection: {error}");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn serve(
    stream: TcpStream,
    remote: std::net::SocketAddr,
    router: Router,
    _slot: OwnedSemaphorePermit,
    mut stopped: watch::Receiver<bool>,
) {
    let Ok(local) = stream.local_addr() else { return };
    // Answers are small and written at once.
    let _ = stream.set_nodelay(true);
    let origin = Arc::new(Origin { scheme: "http", local, remote });
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let mut request = request.map(Body::new);
        if let Some(uri) = router::without_trailing_slash(request.uri()) {
            *request.uri_mut() = uri;
        }
        request.extensions_mut().insert(Arc::clone(&origin));
        router.clone().oneshot(request)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(IDLE_TIMEOUT)
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
