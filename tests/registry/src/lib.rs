//! A small schema registry for tests: the REST API of the real one, as far as converters and clients use it, in memory.
//!
//! It is strict: a request that the real one would refuse is refused, with the same status, error code and form of text.
//! Avro schemas are parsed and checked for compatibility by `apache-avro`, which the converters do not use.

mod api;
mod store;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use tokio::sync::oneshot;

use store::Store;
pub use store::{Level, Reference};

/// A registry that runs until it is dropped.
pub struct Registry {
    address: SocketAddr,
    shared: Arc<Shared>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// What the requests' handlers and the test look at.
struct Shared {
    store: Mutex<Store>,
    /// The header `Authorization` that requests have to bear.
    authorization: Option<String>,
    /// Method and path of each request, in their order.
    requests: Mutex<Vec<String>>,
    /// Statuses to answer with in place of an answer, the next one last.
    failures: Mutex<Vec<u16>>,
}

impl Registry {
    /// A registry on a free port of this machine.
    ///
    /// # Panics
    /// If there is no port.
    pub fn start() -> Registry {
        Registry::run("127.0.0.1:0", Store::default(), None)
    }

    /// A registry that wants `name:password`.
    ///
    /// # Panics
    /// If there is no port.
    pub fn with_credentials(credentials: &str) -> Registry {
        Registry::with_authorization(&format!("Basic {}", BASE64_STANDARD.encode(credentials)))
    }

    /// A registry that wants this header `Authorization`.
    ///
    /// # Panics
    /// If there is no port.
    pub fn with_authorization(header: &str) -> Registry {
        Registry::run("127.0.0.1:0", Store::default(), Some(header.to_owned()))
    }

    /// Ends the registry, lets `while_down` run, and starts it again with its schemas at the same address.
    ///
    /// # Panics
    /// If the address was taken meanwhile.
    pub fn restart(mut self, while_down: impl FnOnce()) -> Registry {
        let address = self.address.to_string();
        self.end();
        let store = std::mem::take(&mut *lock(&self.shared.store));
        let authorization = self.shared.authorization.clone();
        while_down();
        Registry::run(&address, store, authorization)
    }

    fn run(address: &str, store: Store, authorization: Option<String>) -> Registry {
        let listener = std::net::TcpListener::bind(address).expect("the port is free");
        listener.set_nonblocking(true).expect("a socket can be made non-blocking");
        let address = listener.local_addr().expect("a listener has an address");
        let shared = Arc::new(Shared {
            store: Mutex::new(store),
            authorization,
            requests: Mutex::new(Vec::new()),
            failures: Mutex::new(Vec::new()),
        });
        let (stop, stopped) = oneshot::channel();
        let router = api::router(Arc::clone(&shared));
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime starts");
            runtime.block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener).expect("within a runtime");
                let serve = async { axum::serve(listener, router).await };
                tokio::select! { result = serve => result.expect("the server runs"), _ = stopped => {} }
            });
        });
        Registry { address, shared, stop: Some(stop), thread: Some(thread) }
    }

    /// Its address, such as `http://127.0.0.1:1234`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Method and path of each request so far.
    pub fn requests(&self) -> Vec<String> {
        lock(&self.shared.requests).clone()
    }

    /// Answers the next requests with these statuses, one each.
    pub fn fail_next(&self, statuses: &[u16]) {
        lock(&self.shared.failures).extend(statuses.iter().rev());
    }

    /// Registers a schema by hand and gives its id. `kind` = AVRO, PROTOBUF or JSON.
    ///
    /// # Panics
    /// If the registry refuses it.
    pub fn register(&self, subject: &str, kind: &str, schema: &str, references: &[Reference]) -> i32 {
        let registered = lock(&self.shared.store).register(subject, kind, schema, references.to_vec());
        registered.unwrap_or_else(|problem| panic!("{subject}: {}", problem.message))
    }

    /// Gives a schema the rules of a data contract, as `ruleSet` has them.
    pub fn set_rules(&self, id: i32, rules: serde_json::Value) {
        lock(&self.shared.store).set_rules(id, rules);
    }

    /// Sets which changes of a subject's schema are allowed; none = of all subjects.
    pub fn set_level(&self, subject: Option<&str>, level: Level) {
        lock(&self.shared.store).set_level(subject, level);
    }

    /// The texts of a subject's versions in their order.
    pub fn schemas(&self, subject: &str) -> Vec<String> {
        lock(&self.shared.store).texts(subject)
    }

    /// The number that a schema has in all registries, by its id.
    ///
    /// # Panics
    /// If there is no such id.
    pub fn guid(&self, id: i32) -> [u8; 16] {
        lock(&self.shared.store).schema(id).expect("the id is known").guid
    }

    fn end(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            thread.join().expect("the server does not panic");
        }
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        self.end();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Each change is one assignment or push, so a panic elsewhere leaves nothing half done.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
