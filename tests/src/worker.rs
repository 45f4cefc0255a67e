//! A standalone worker as a process: ours, or Java's as the control.

use crate::kafka::Kafka;
use crate::process::{Process, tail};
use crate::rest::RestClient;
use crate::wait::{PATIENCE, until_some, within};
use crate::{build_dir, free_port, repository};
use rustix::process::Signal;
use std::fmt::Write as _;
use std::ops::{Deref, DerefMut};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::time::Duration;
use tempfile::TempDir;

/// Time for the Java worker to stop: three of the longest interval between two flushes of offsets in these tests.
const JAVA_STOP: Duration = Duration::from_secs(30);

/// Whose worker a scenario runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// The worker of this repository.
    Ferroconnect,
    /// The worker of Apache Kafka: what it does is right by definition.
    Java,
}

impl Subject {
    /// Ours, unless `FERROCONNECT_E2E_SUBJECT=java` asks for the control.
    pub fn from_env() -> Self {
        match std::env::var("FERROCONNECT_E2E_SUBJECT").as_deref() {
            Err(_) | Ok("" | "ferroconnect") => Self::Ferroconnect,
            Ok("java") => Self::Java,
            Ok(other) => panic!("FERROCONNECT_E2E_SUBJECT={other}: ferroconnect or java is wanted"),
        }
    }
}

/// Our program: `FERROCONNECT_BIN`, or the one built beside this test.
///
/// # Panics
/// When it has not been built.
pub fn program() -> PathBuf {
    let path = std::env::var_os("FERROCONNECT_BIN").map_or_else(|| build_dir().join("ferroconnect"), PathBuf::from);
    assert!(path.is_file(), "{} does not exist: run cargo build first, or set FERROCONNECT_BIN", path.display());
    path
}

/// Our plugins, laid out as a plugin path: `FERROCONNECT_PLUGINS`, or `plugins` beside this test's build.
///
/// # Panics
/// When they have not been staged.
pub fn plugins() -> PathBuf {
    let path = std::env::var_os("FERROCONNECT_PLUGINS").map_or_else(|| build_dir().join("plugins"), PathBuf::from);
    assert!(
        path.is_dir(),
        "{} does not exist: run scripts/stage-plugins.sh, or set FERROCONNECT_PLUGINS",
        path.display()
    );
    path
}

/// A worker's folder and files. It can be started again and again, as after a crash.
#[derive(Debug)]
pub struct WorkerSetup {
    subject: Subject,
    dir: TempDir,
    properties: Vec<(String, String)>,
    environment: Vec<(String, String)>,
    connectors: Vec<PathBuf>,
    port: u16,
    /// User and password of the REST interface.
    user: Option<(String, String)>,
    starts: u32,
}

impl WorkerSetup {
    /// A worker of kind `subject` with string converters off the given Kafka: a free REST port, an offset file in a new
    /// folder, offsets flushed every second.
    pub fn new(subject: Subject, kafka: &Kafka) -> Self {
        Self::with_bootstrap(subject, &kafka.bootstrap)
    }

    /// As [`Self::new`], for tests that want no Kafka or one that cannot be reached.
    pub fn with_bootstrap(subject: Subject, bootstrap: &str) -> Self {
        let dir =
            tempfile::Builder::new().prefix("ferroconnect-e2e-").tempdir().expect("a temporary folder can be made");
        let port = free_port();
        let (properties, environment, connectors, user) = Default::default();
        let mut setup = Self { subject, dir, properties, environment, connectors, port, user, starts: 0 };
        let offsets = setup.path("connect.offsets");
        setup.set("bootstrap.servers", bootstrap);
        setup.set("listeners", &format!("http://127.0.0.1:{port}"));
        setup.hand_to(subject);
        setup.set("offset.storage.file.filename", offsets.to_str().expect("a UTF-8 path"));
        setup.set("offset.flush.interval.ms", "1000");
        setup.set("key.converter", "org.apache.kafka.connect.storage.StringConverter");
        setup.set("value.converter", "org.apache.kafka.connect.storage.StringConverter");
        setup
    }

    /// Gives the same files to another worker from the next start on. Only the plugin path changes.
    pub fn hand_to(&mut self, subject: Subject) -> &mut Self {
        self.subject = subject;
        let plugin_path = match subject {
            Subject::Ferroconnect => {
                self.unset("plugin.discovery");
                plugins()
            }
            Subject::Java => {
                self.set("plugin.discovery", "service_load"); // starts in half the time
                java_plugins()
            }
        };
        self.set("plugin.path", plugin_path.to_str().expect("a UTF-8 path"))
    }

    /// Adds libraries of `tests/fixtures` to the plugin path, by the names of their folders.
    ///
    /// # Panics
    /// When they have not been built.
    pub fn load_fixtures(&mut self, names: &[&str]) -> &mut Self {
        let dir = self.path("fixtures");
        std::fs::create_dir_all(&dir).expect("the worker's folder can be written to");
        for name in names {
            let name = name.replace('-', "_");
            let file =
                format!("{}ferroconnect_fixture_{name}{}", std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX);
            let built = build_dir().join(&file);
            assert!(built.is_file(), "{} does not exist: run cargo build --workspace first", built.display());
            std::fs::copy(&built, dir.join(&file)).expect("the worker's folder can be written to");
        }
        self.set("plugin.path", &format!("{},{}", plugins().display(), dir.display()))
    }

    /// A path in the worker's folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Whose worker this is.
    pub fn subject(&self) -> Subject {
        self.subject
    }

    /// The REST port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Sets a key of the worker file, in place of an earlier value.
    pub fn set(&mut self, key: &str, value: &str) -> &mut Self {
        self.properties.retain(|(k, _)| k != key);
        self.properties.push((key.to_owned(), value.to_owned()));
        self
    }

    /// Takes a key out of the worker file.
    pub fn unset(&mut self, key: &str) -> &mut Self {
        self.properties.retain(|(k, _)| k != key);
        self
    }

    /// Sets an environment variable of the worker.
    pub fn env(&mut self, name: &str, value: &str) -> &mut Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Guards the REST interface with basic auth; each of `users` has a name and a password. What is asked of the worker
    /// is asked as the first of them.
    pub fn guard(&mut self, users: &[(&str, &str)]) -> &mut Self {
        let file = self.path("users.properties");
        let lines: String = users.iter().map(|(user, password)| format!("{user}={password}\n")).collect();
        std::fs::write(&file, lines).expect("the worker's folder can be written to");
        self.user = users.first().map(|(user, password)| ((*user).to_owned(), (*password).to_owned()));
        self.set("rest.basic.auth.credentials.file", file.to_str().expect("a UTF-8 path"))
    }

    /// Adds a connector file (`<name>.properties`) to the command line.
    pub fn connector(&mut self, name: &str, config: &[(&str, &str)]) -> &mut Self {
        let mut text = format!("name={name}\n");
        for (key, value) in config {
            writeln!(text, "{key}={value}").expect("text can be written to a string");
        }
        self.connector_file(&format!("{name}.properties"), &text)
    }

    /// Adds a connector file with any text to the command line; one that is there gets the new text.
    pub fn connector_file(&mut self, file: &str, text: &str) -> &mut Self {
        let path = self.path(file);
        std::fs::write(&path, text).expect("the worker's folder can be written to");
        if !self.connectors.contains(&path) {
            self.connectors.push(path);
        }
        self
    }

    /// Writes the worker file and gives its path.
    pub fn write_worker_file(&self) -> PathBuf {
        let mut text = String::new();
        for (key, value) in &self.properties {
            writeln!(text, "{key}={value}").expect("text can be written to a string");
        }
        let path = self.path("worker.properties");
        std::fs::write(&path, text).expect("the worker's folder can be written to");
        path
    }

    /// Starts the worker and does not wait for anything.
    pub fn spawn(&mut self) -> Worker {
        let worker_file = self.write_worker_file();
        let mut command = match self.subject {
            Subject::Ferroconnect => {
                let mut command = Command::new(program());
                command.arg("standalone");
                command
            }
            Subject::Java => Command::new(repository().join("scripts/java-worker.sh")),
        };
        command
            .arg(worker_file)
            .args(&self.connectors)
            .envs(self.environment.iter().map(|(name, value)| (name, value)));
        self.starts += 1;
        let process = Process::start(command, self.dir.path(), &format!("worker-{}", self.starts));
        let rest = RestClient::new(&format!("http://127.0.0.1:{}", self.port));
        let rest = match &self.user {
            Some((user, password)) => rest.as_user(user, password),
            None => rest,
        };
        Worker { process, subject: self.subject, rest }
    }

    /// Starts the worker and waits until `GET /health` says that it has started up.
    pub fn start(&mut self) -> Worker {
        let mut worker = self.spawn();
        worker.await_ready();
        worker
    }

    /// Standard output of all starts so far, oldest first, one text per start.
    pub fn outputs(&self) -> Vec<String> {
        (1..=self.starts).map(|n| crate::process::read_lossy(&self.path(&format!("worker-{n}.out")))).collect()
    }

    /// The logs of all starts so far, joined.
    pub fn logs(&self) -> String {
        (1..=self.starts).map(|n| crate::process::read_lossy(&self.path(&format!("worker-{n}.err")))).collect()
    }

    /// The worker's folder.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }
}

impl Drop for WorkerSetup {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the worker's files stay in {}", self.dir.path().display());
            self.dir.disable_cleanup(true);
        }
    }
}

fn java_plugins() -> PathBuf {
    let found = crate::kafka::dev_kafka(&["jars"]).unwrap_or_else(|e| panic!("no Java worker: {e}"));
    PathBuf::from(&found["java_plugins"])
}

/// A started worker. Dropping it kills it.
#[derive(Debug)]
pub struct Worker {
    process: Process,
    subject: Subject,
    /// Speaks to this worker.
    pub rest: RestClient,
}

impl Deref for Worker {
    type Target = Process;
    fn deref(&self) -> &Process {
        &self.process
    }
}

impl DerefMut for Worker {
    fn deref_mut(&mut self) -> &mut Process {
        &mut self.process
    }
}

impl Worker {
    /// Waits until `GET /health` answers 200.
    ///
    /// # Panics
    /// When the worker ends, or does not get there in time.
    pub fn await_ready(&mut self) {
        until_some("the worker to be ready", PATIENCE, || {
            self.assert_alive();
            let answer = self.rest.call("GET", "/health", &[("accept", "application/json")], None)?;
            if answer.status == 200 { Ok(()) } else { Err(format!("{answer:?}")) }
        });
    }

    /// Panics with the end of the log when the worker has ended.
    pub fn assert_alive(&mut self) {
        if let Some(status) = self.process.ended() {
            panic!("the worker has ended with {status}; its log ends:\n{}", tail(&self.process.stderr, 40));
        }
    }

    /// Stops the worker with SIGTERM, as a service manager does, and gives its exit status.
    ///
    /// # Panics
    /// When it has not ended within [`PATIENCE`].
    pub fn terminate(&mut self) -> ExitStatus {
        self.stop_with(Signal::TERM)
    }

    /// Stops the worker with SIGINT, as ctrl-C does, and gives its exit status.
    ///
    /// # Panics
    /// When it has not ended within [`PATIENCE`].
    pub fn interrupt(&mut self) -> ExitStatus {
        self.stop_with(Signal::INT)
    }

    fn stop_with(&mut self, signal: Signal) -> ExitStatus {
        self.process.signal(signal);
        match self.subject {
            Subject::Ferroconnect => self.process.wait(PATIENCE),
            Subject::Java => self.stop_java(),
        }
    }

    /// The Java worker's REST server is stopped by two shutdown hooks at once, the worker's and its own. Now and then
    /// they wait for each other for ever, while the tasks go on and flush their offsets as before; only SIGKILL ends it.
    fn stop_java(&mut self) -> ExitStatus {
        within(JAVA_STOP, || self.process.ended().ok_or(())).unwrap_or_else(|()| {
            eprintln!("the Java worker hangs in its shutdown and is killed");
            self.process.kill()
        })
    }
}
