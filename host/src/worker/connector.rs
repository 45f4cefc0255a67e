//! One connector from the outside: a thread of its own that makes, starts, asks and stops the plugin's object, so that
//! a plugin that hangs holds up nobody but itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

use ferroconnect_plugin_abi::record::OffsetMap;
use parking_lot::Mutex;

use crate::config::{ConnectorConfig, PluginKind, Props};
use crate::error::{ConnectError, Result};
use crate::plugins::Plugin;
use crate::plugins::api::{self, Control, Scope};
use crate::runtime::ConnectorEvents;
use crate::storage::{ConnectorState, ConnectorStatus, StatusStore, TargetState};
use crate::telemetry::metrics::ConnectorMetrics;

use super::failures::FailureWatch;
use super::offset_reader::OffsetReader;
use super::opened::{Fingerprint, Opened};

/// How long what comes next waits for a call of the plugin.
const MOMENT: Duration = Duration::from_secs(2);
/// How long a call of the plugin is waited for.
pub(crate) const CALL_TIMEOUT: Duration = Duration::from_secs(90);
/// How long a connector may take to stop (as in Kafka Connect, not configurable).
pub(crate) const STOP_TIMEOUT: Duration = Duration::from_secs(5);

type Reply<T> = Sender<Result<T>>;

enum Command {
    SetTarget(TargetState, Reply<()>),
    TaskConfigs(u32, Reply<Vec<Props>>),
    Fail(ConnectError),
    Stop,
}

/// What a connector's thread needs.
pub(crate) struct ConnectorParts {
    pub(crate) name: Arc<str>,
    /// The configuration as the user wrote it.
    pub(crate) raw: Props,
    /// The configuration in use.
    pub(crate) opened: Opened,
    /// What the framework takes from it.
    pub(crate) typed: ConnectorConfig,
    pub(crate) events: Arc<dyn ConnectorEvents>,
    pub(crate) watch: Arc<FailureWatch>,
    pub(crate) statuses: Arc<dyn StatusStore>,
    pub(crate) worker_id: Arc<str>,
    pub(crate) offsets: OffsetReader,
    pub(crate) scope: Arc<Scope>,
}

/// Tells an error to whoever waits for a call.
type Reporter = Box<dyn FnOnce(ConnectError) + Send>;

/// What the thread shares with those who hold the handle and with the plugin's context.
struct Shared {
    commands: Mutex<Sender<Command>>,
    control: Mutex<Option<Control>>,
    running: AtomicBool,
    abandoned: AtomicBool,
    /// Ends the call that somebody waits for.
    waiting: Mutex<Option<Reporter>>,
    /// `None` once the connector has ended or was given up.
    metrics: Mutex<Option<ConnectorMetrics>>,
}

/// A connector that was started.
pub(crate) struct ConnectorHandle {
    name: Arc<str>,
    pub(crate) plugin: Arc<Plugin>,
    /// As the user wrote it.
    pub(crate) raw: Props,
    /// What the framework takes from it.
    pub(crate) typed: ConnectorConfig,
    /// Which values its variables had at the start.
    pub(crate) values: Fingerprint,
    shared: Arc<Shared>,
    ended: Mutex<Receiver<()>>,
}

impl ConnectorHandle {
    /// Starts the thread. The connector stays idle until [`ConnectorHandle::set_target`].
    ///
    /// # Errors
    /// If the thread cannot be started.
    pub(crate) fn spawn(parts: ConnectorParts, metrics: ConnectorMetrics) -> Result<ConnectorHandle> {
        let (commands, inbox) = channel();
        let (end, ended) = channel();
        let shared = Arc::new(Shared {
            commands: Mutex::new(commands),
            control: Mutex::new(None),
            running: AtomicBool::new(false),
            abandoned: AtomicBool::new(false),
            waiting: Mutex::new(None),
            metrics: Mutex::new(Some(metrics)),
        });
        let handle = ConnectorHandle {
            name: Arc::clone(&parts.name),
            plugin: Arc::clone(&parts.opened.plugin),
            raw: parts.raw.clone(),
            typed: parts.typed.clone(),
            values: parts.opened.fingerprint(),
            shared: Arc::clone(&shared),
            ended: Mutex::new(ended),
        };
        let thread = move || {
            let _context = parts.opened.context.enter();
            ConnectorThread { parts, shared, object: None, failed: false, target: None }.run(&inbox);
            // Nobody may be waiting any more; then there is nobody to tell.
            let _told = end.send(());
        };
        std::thread::Builder::new().name(format!("connector-thread-{}", handle.name)).spawn(thread)?;
        Ok(handle)
    }

    /// Whether it is started and has not failed.
    pub(crate) fn is_running(&self) -> bool {
        self.shared.running.load(Ordering::Acquire)
    }

    /// Moves it to a target state and waits until it is there.
    ///
    /// # Errors
    /// What the plugin said, or that it did not answer in time.
    pub(crate) fn set_target(&self, target: TargetState) -> Result<()> {
        self.set_target_before(target, || ())
    }

    /// As [`set_target`](Self::set_target), and does `next` as soon as it is there: its status is seen before what comes
    /// next, as in Kafka Connect. A connector that takes long, or never gets there, holds `next` up for a moment only.
    ///
    /// # Errors
    /// What the plugin said, or that it did not answer in time.
    pub(crate) fn set_target_before(&self, target: TargetState, next: impl FnOnce()) -> Result<()> {
        self.ask_before(|reply| Command::SetTarget(target, reply), next)
    }

    /// Asks for the configurations of at most `maximum` tasks.
    ///
    /// # Errors
    /// What the plugin said, or that it did not answer in time.
    pub(crate) fn task_configs(&self, maximum: u32) -> Result<Vec<Props>> {
        self.ask(|reply| Command::TaskConfigs(maximum, reply))
    }

    /// Fails the connector.
    pub(crate) fn fail(&self, error: ConnectError) {
        self.shared.send(Command::Fail(error));
    }

    /// Makes a call that waits for this connector return.
    pub(crate) fn abandon_waiting(&self) {
        if let Some(end) = self.shared.waiting.lock().take() {
            end(ConnectError::connect(format!(
                "Waiting for connector {} was given up because of a later request",
                self.name
            )));
        }
    }

    fn ask<T: Send + 'static>(&self, command: impl FnOnce(Reply<T>) -> Command) -> Result<T> {
        self.ask_before(command, || ())
    }

    fn ask_before<T: Send + 'static>(
        &self,
        command: impl FnOnce(Reply<T>) -> Command,
        next: impl FnOnce(),
    ) -> Result<T> {
        let (reply, answer) = channel();
        let early = reply.clone();
        *self.shared.waiting.lock() = Some(Box::new(move |error| {
            // The call may have returned meanwhile.
            let _late = early.send(Err(error));
        }));
        self.shared.send(command(reply));
        let soon = answer.recv_timeout(MOMENT);
        next();
        let answer = match soon {
            Err(RecvTimeoutError::Timeout) => answer.recv_timeout(CALL_TIMEOUT.saturating_sub(MOMENT)),
            soon => soon,
        };
        let result = match answer {
            Ok(result) => result,
            Err(RecvTimeoutError::Timeout) => Err(ConnectError::timeout(format!(
                "Connector {} did not answer within {} s; its thread hangs in the plugin",
                self.name,
                CALL_TIMEOUT.as_secs()
            ))),
            Err(RecvTimeoutError::Disconnected) => {
                Err(ConnectError::connect(format!("The thread of connector {} has ended", self.name)))
            }
        };
        *self.shared.waiting.lock() = None;
        result
    }

    /// Stops it. False = it did not stop in time and was given up: its thread can no longer write statuses.
    pub(crate) fn stop(&self) -> bool {
        self.shared.send(Command::Stop);
        let control = self.shared.control.lock().clone();
        if let Some(control) = control {
            let hooks = std::thread::Builder::new().name("connector-stop".to_owned());
            if let Err(error) = hooks.spawn(move || control.stop()) {
                tracing::warn!("Could not start a thread to stop connector {}: {error}", self.name);
            }
        }
        match self.ended.lock().recv_timeout(STOP_TIMEOUT) {
            Ok(()) | Err(RecvTimeoutError::Disconnected) => true,
            Err(RecvTimeoutError::Timeout) => {
                self.shared.abandoned.store(true, Ordering::Release);
                drop(self.shared.metrics.lock().take());
                tracing::error!(
                    "Connector {} did not stop within {} s; its thread hangs in the plugin and is given up",
                    self.name,
                    STOP_TIMEOUT.as_secs()
                );
                false
            }
        }
    }
}

impl Shared {
    fn send(&self, command: Command) {
        // Without a receiver the thread has ended; whoever waits for an answer learns of it by the closed channel.
        let _ended = self.commands.lock().send(command);
    }
}

/// The plugin's object of either kind.
enum Object {
    Source(api::SourceConnector),
    Sink(api::SinkConnector),
}

impl Object {
    fn make(plugin: &Plugin) -> Result<Object> {
        match plugin.kind {
            PluginKind::Source => plugin.source_connector().map(Object::Source),
            _ => plugin.sink_connector().map(Object::Sink),
        }
    }

    fn control(&self) -> Control {
        match self {
            Object::Source(object) => object.control(),
            Object::Sink(object) => object.control(),
        }
    }

    fn start(&mut self, context: Arc<dyn api::ConnectorContext>, config: &Props) -> Result<()> {
        match self {
            Object::Source(object) => object.start(context, config),
            Object::Sink(object) => object.start(context, config),
        }
    }

    fn task_configs(&mut self, maximum: u32) -> Result<Vec<Props>> {
        match self {
            Object::Source(object) => object.task_configs(maximum),
            Object::Sink(object) => object.task_configs(maximum),
        }
    }

    fn stop(&mut self) -> Result<()> {
        match self {
            Object::Source(object) => object.stop(),
            Object::Sink(object) => object.stop(),
        }
    }
}

struct ConnectorThread {
    parts: ConnectorParts,
    shared: Arc<Shared>,
    /// There while the connector is started.
    object: Option<Object>,
    failed: bool,
    target: Option<TargetState>,
}

impl ConnectorThread {
    fn run(mut self, inbox: &Receiver<Command>) {
        while let Ok(command) = inbox.recv() {
            match command {
                Command::SetTarget(target, reply) => {
                    let result = self.move_to(target);
                    let runs = result.is_ok() && target == TargetState::Started;
                    // Whoever asked may have given up waiting. Then nobody else sees to the tasks.
                    if reply.send(result).is_err() && runs && !self.shared.abandoned.load(Ordering::Acquire) {
                        self.parts.events.request_task_reconfiguration(&self.parts.name);
                    }
                }
                Command::TaskConfigs(maximum, reply) => {
                    let result = self.task_configs(maximum);
                    let _gone = reply.send(result);
                }
                Command::Fail(error) => self.fail(&error),
                Command::Stop => break,
            }
        }
        let had_failed = self.failed;
        self.stop_and_tell();
        if !had_failed {
            self.report(ConnectorState::Unassigned, None);
        }
        drop(self.shared.metrics.lock().take());
    }

    fn move_to(&mut self, target: TargetState) -> Result<()> {
        if self.failed && target != TargetState::Stopped {
            return Err(ConnectError::connect(format!(
                "WorkerConnector{{id={}}} Cannot transition connector to {target} since it has failed",
                self.parts.name
            )));
        }
        if self.target == Some(target) {
            return Ok(());
        }
        match target {
            TargetState::Started => self.start_object().map_err(|error| self.stuck(target, error))?,
            TargetState::Paused => self.stop_object().map_err(|error| self.stuck(target, error))?,
            // It counts as stopped whatever it says.
            TargetState::Stopped => self.stop_and_tell(),
        }
        self.failed = false;
        self.target = Some(target);
        self.shared.running.store(target == TargetState::Started, Ordering::Release);
        self.parts.watch.runs(target == TargetState::Started);
        self.report(target.connector_state(), None);
        Ok(())
    }

    /// Fails the connector because it cannot reach a target; answers what is to be said to whoever asked for that. What
    /// kind of error the plugin calls it says nothing about the request.
    fn stuck(&mut self, target: TargetState, error: ConnectError) -> ConnectError {
        self.fail(&error);
        let name = &self.parts.name;
        let text = format!("Failed to transition connector {name} to state {target}: {}", error.message());
        ConnectError::connect(text).caused_by(error)
    }

    fn start_object(&mut self) -> Result<()> {
        let mut object = Object::make(&self.parts.opened.plugin)?;
        *self.shared.control.lock() = Some(object.control());
        let context = Context {
            name: Arc::clone(&self.parts.name),
            scope: Arc::clone(&self.parts.scope),
            events: Arc::clone(&self.parts.events),
            offsets: self.parts.offsets.clone(),
            shared: Arc::clone(&self.shared),
        };
        object.start(Arc::new(context), &self.parts.opened.props)?;
        self.object = Some(object);
        Ok(())
    }

    fn task_configs(&mut self, maximum: u32) -> Result<Vec<Props>> {
        match &mut self.object {
            Some(object) => object.task_configs(maximum),
            None => Err(ConnectError::illegal_state(format!("Connector {} is not started", self.parts.name))),
        }
    }

    fn stop_object(&mut self) -> Result<()> {
        self.shared.running.store(false, Ordering::Release);
        *self.shared.control.lock() = None;
        self.object.take().map_or(Ok(()), |mut object| object.stop())
    }

    fn stop_and_tell(&mut self) {
        if let Err(error) = self.stop_object() {
            tracing::warn!("The connector failed to stop: {}", error.trace().trim_end());
        }
    }

    fn fail(&mut self, error: &ConnectError) {
        tracing::error!("The connector failed: {}", error.trace().trim_end());
        // The first failure is the one to look at; others may only follow from it.
        if std::mem::replace(&mut self.failed, true) {
            return;
        }
        self.target = None;
        self.shared.running.store(false, Ordering::Release);
        self.report(ConnectorState::Failed, Some(error.trace()));
        if !self.shared.abandoned.load(Ordering::Acquire) {
            self.parts.watch.failed(error);
        }
    }

    fn report(&self, state: ConnectorState, trace: Option<String>) {
        if self.shared.abandoned.load(Ordering::Acquire) {
            return;
        }
        if let Some(metrics) = &*self.shared.metrics.lock() {
            metrics.state(state.as_str());
        }
        let version = Some(self.parts.opened.plugin.version.as_str().to_owned());
        let status =
            ConnectorStatus { trace, version, ..ConnectorStatus::new(state, Arc::clone(&self.parts.worker_id), 0) };
        if let Err(error) = self.parts.statuses.put_connector(&self.parts.name, status) {
            tracing::error!("Could not store the connector's status: {error}");
        }
    }
}

/// What the plugin may ask for.
struct Context {
    name: Arc<str>,
    scope: Arc<Scope>,
    events: Arc<dyn ConnectorEvents>,
    offsets: OffsetReader,
    shared: Arc<Shared>,
}

impl api::ConnectorContext for Context {
    fn scope(&self) -> Arc<Scope> {
        Arc::clone(&self.scope)
    }

    fn request_task_reconfiguration(&self) {
        if !self.shared.abandoned.load(Ordering::Acquire) {
            self.events.request_task_reconfiguration(&self.name);
        }
    }

    fn raise_error(&self, error: ConnectError) {
        self.shared.send(Command::Fail(error));
    }

    fn source_offsets(&self, partitions: &[OffsetMap]) -> Result<Vec<Option<OffsetMap>>> {
        self.offsets.read(partitions)
    }
}
