//! The herder of a worker on its own: it runs everything, and keeps configs and statuses in its stores.
//!
//! One thread owns the command queue. It answers at once what can be read from the stores, and hands everything that may
//! block to a lane of its connector or plugin (see `work`), so that one that hangs holds up only commands for itself.

mod operations;

#[cfg(test)]
mod tests;

use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

use crate::error::{ConnectError, Result};
use crate::storage::{ConfigStore, StatusStore};
use crate::telemetry::metrics::{Registry, RestartMetrics};
use crate::telemetry::{LogContext, loggers};

use super::auto_restarts::{AutoRestarts, Moment, Verdict};
use super::command::{Change, Command, Event, Look, Reply};
use super::handle::Handle;
use super::reloads::Reloads;
use super::stage::StageCell;
use super::work::{Lane, Patience, Work};
use crate::runtime::{ConnectorEvents, Failure, Part, Runtime};

use operations::Operations;

/// How long a connector may go on with a start or a change of state that a later command has made pointless.
const SUPERSEDED_GRACE: Duration = Duration::from_secs(2);

/// How long a stop waits for commands that are just being carried out. A start that was told to give up takes up to 5 s.
const SETTLE_TIMEOUT: Duration = Duration::from_secs(6);

/// Starts the herder of a standalone worker. It runs until [`Handle::shutdown`].
pub fn start_standalone(
    runtime: Arc<dyn Runtime>,
    configs: Arc<dyn ConfigStore>,
    statuses: Arc<dyn StatusStore>,
    metrics: &Registry,
) -> Result<Handle> {
    start(runtime, configs, statuses, metrics, SUPERSEDED_GRACE)
}

/// As [`start_standalone`]; `grace` is how long work may go on that has become pointless.
pub(super) fn start(
    runtime: Arc<dyn Runtime>,
    configs: Arc<dyn ConfigStore>,
    statuses: Arc<dyn StatusStore>,
    metrics: &Registry,
    grace: Duration,
) -> Result<Handle> {
    let (queue, commands) = mpsc::channel();
    let events = Arc::new(Events { queue: queue.clone() });
    let owner = Owner {
        commands,
        queue: queue.clone(),
        work: Work::new(queue.clone(), grace),
        reloads: Reloads::default(),
        restarts: AutoRestarts::default(),
        metrics: RestartMetrics::new(metrics),
        operations: Arc::new(Operations::new(Arc::clone(&runtime), configs, statuses, events)),
    };
    thread::Builder::new()
        .name("herder".to_owned())
        .spawn(move || owner.run())
        .map_err(|error| ConnectError::connect("Could not start the herder's thread").caused_by(error))?;
    Ok(Handle::new(queue, runtime))
}

/// The answer to calls that only make sense in a group of workers, in Kafka Connect's words.
fn unsupported(what: &str) -> Result<()> {
    Err(ConnectError::rest(500, format!("Kafka Connect in standalone mode does not support {what}.")))
}

/// A number from 0 to 1. A fresh hasher's keys are random; that is random enough to spread restarts.
fn chance() -> f64 {
    RandomState::new().hash_one(0) as f64 / u64::MAX as f64
}

/// What connectors may ask for goes into the same queue as everything else.
struct Events {
    queue: Sender<Command>,
}

impl ConnectorEvents for Events {
    fn request_task_reconfiguration(&self, connector: &str) {
        // A worker that stops needs no new task configs.
        let _ = self.queue.send(Event::Reconfigure(connector.to_owned()).into());
    }

    fn values_lapse(&self, connector: &str, after: Option<Duration>) {
        let _ = self.queue.send(Event::ValuesLapse(connector.to_owned(), after).into());
    }

    fn failed(&self, failure: Failure) {
        let _ = self.queue.send(Event::Failed(failure).into());
    }
}

/// Reads the queue; the only one who decides what is done and in which order.
struct Owner {
    commands: Receiver<Command>,
    queue: Sender<Command>,
    work: Work,
    reloads: Reloads,
    restarts: AutoRestarts,
    metrics: RestartMetrics,
    operations: Arc<Operations>,
}

impl Owner {
    fn run(mut self) {
        tracing::info!("Herder started");
        while let Some(command) = self.next() {
            match command {
                Command::Look(look) => self.look(look),
                Command::Change(change) => self.change(change),
                Command::Event(event) => self.react(event),
                Command::Shutdown(reply) => {
                    self.shut_down();
                    reply.send(Ok(()));
                    break;
                }
            }
        }
    }

    /// The next command. Meanwhile gives up starts that hang and that a later command has made pointless, and starts
    /// anew connectors whose values have lapsed and what has failed.
    fn next(&mut self) -> Option<Command> {
        loop {
            for name in self.work.take_overdue(Instant::now()) {
                self.operations.runtime.abandon_start(&name);
            }
            for name in self.reloads.take_due(Instant::now()) {
                self.unasked(name, |ops, name| ops.reload(name));
            }
            self.restart_due();
            let clocks = [self.work.next_deadline(), self.reloads.next(), self.restarts.next()];
            let deadline = clocks.into_iter().flatten().min();
            let Some(deadline) = deadline else { return self.commands.recv().ok() };
            match self.commands.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(command) => return Some(command),
                Err(RecvTimeoutError::Disconnected) => return None,
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }

    fn look(&mut self, look: Look) {
        let ops = &self.operations;
        match look {
            Look::Health(reply) => reply.send(Ok(())),
            Look::Connectors(reply) => reply.send(Ok(ops.names())),
            Look::Connector(name, reply) => reply.send(ops.info(&name)),
            Look::Tasks(name, reply) => reply.send(ops.tasks(&name)),
            Look::Status(name, reply) => reply.send(ops.status(&name).map(|report| self.restarts.announce(report))),
            Look::TaskStatus(id, reply) => reply.send(ops.task_status(&id).map(|mut status| {
                self.restarts.announce_in(&Part::Task(id), &mut status.trace);
                status
            })),
            Look::Topics(name, reply) => reply.send(Ok(ops.topics(&name))),
            Look::Offsets(name, reply) => {
                self.read(Lane::Offsets(name.clone()), reply, move |ops, _| ops.offsets(&name));
            }
            Look::Validate(config, reply) => {
                let lane = Lane::Plugin(operations::class_of(&config).to_owned());
                self.read(lane, reply, move |ops, stage| ops.validate(&config, stage));
            }
            Look::PluginConfig(plugin, version, reply) => {
                let lane = Lane::Plugin(plugin.clone());
                self.read(lane, reply, move |ops, _| ops.runtime.plugin_config(&plugin, version.as_deref()));
            }
        }
    }

    fn change(&mut self, change: Change) {
        match change {
            Change::Configure(name, change, reply) => {
                let lane = Lane::Plugin(self.operations.class_for(&name, &change));
                let queue = self.queue.clone();
                self.on_lane(lane, Patience::Waits, reply, move |ops, reply| {
                    match ops.check(&name, change, reply.stage_cell()) {
                        // Should the owner be gone, the reply goes with the event and says so.
                        Ok(valid) => drop(queue.send(Event::Valid(name, valid, reply).into())),
                        Err(error) => reply.send(Err(error)),
                    }
                });
            }
            Change::Delete(name, reply) => {
                self.restarts.forget(&name);
                self.metrics.forget(&name);
                self.on_connector(name, Patience::Supersedes, reply, |ops, name, stage| ops.delete(name, stage));
            }
            Change::SetTargetState(name, target, reply) => {
                let stored = self.operations.set_target(&name, target);
                let changed = *stored.as_ref().unwrap_or(&false);
                reply.send(stored.map(drop));
                if changed {
                    self.restarts.forget(&name);
                    self.unasked(name, |ops, name| ops.reach_target(name));
                }
            }
            Change::Stop(name, reply) => {
                self.restarts.forget(&name);
                // Noted at once, as pausing and resuming are, so that what is asked last is what comes of it.
                let changed = match self.operations.note_stop(&name) {
                    Ok(changed) => changed,
                    Err(error) => return reply.send(Err(error)),
                };
                let lane = Lane::Connector(name.clone());
                self.on_lane(lane, Patience::Supersedes, reply, move |ops, reply| ops.stop(&name, changed, reply));
            }
            Change::RestartConnector(name, reply) => {
                self.restarts.forget_part(&Part::Connector(name.as_str().into()));
                self.on_connector(name, Patience::Supersedes, reply, |ops, name, stage| {
                    ops.restart_connector(name, stage)
                });
            }
            Change::Restart(name, request, reply) => {
                if request.include_tasks {
                    self.restarts.forget(&name);
                } else {
                    self.restarts.forget_part(&Part::Connector(name.as_str().into()));
                }
                let patience = if request.only_failed { Patience::Waits } else { Patience::Supersedes };
                self.on_lane(Lane::Connector(name.clone()), patience, reply, move |ops, reply| {
                    ops.restart(&name, request, reply)
                });
            }
            Change::RestartTask(id, reply) => {
                self.restarts.forget_part(&Part::Task(id.clone()));
                let name = id.connector.to_string();
                self.on_connector(name, Patience::Waits, reply, move |ops, _, stage| ops.restart_task(&id, stage));
            }
            Change::Offsets(name, request, reply) => {
                self.on_connector(name, Patience::Waits, reply, move |ops, name, stage| {
                    ops.change_offsets(name, request, stage)
                });
            }
            Change::ResetTopics(name, reply) => reply.send(self.operations.reset_topics(&name)),
            Change::PutTaskConfigs(name, configs, reply) => {
                tracing::debug!(
                    "{} task configs for {name}, perhaps of a worker in a group, are refused",
                    configs.len()
                );
                reply.send(unsupported("externally setting task configurations"));
            }
            Change::FenceZombies(name, reply) => {
                tracing::debug!("A request, perhaps of a worker in a group, to fence {name} is refused");
                reply.send(unsupported("exactly-once source connectors"));
            }
            Change::SetClusterLogLevel(logger, level, reply) => {
                // One worker is the whole cluster.
                loggers::set_level(&logger, level);
                reply.send(Ok(()));
            }
        }
    }

    fn react(&mut self, event: Event) {
        match event {
            Event::Valid(name, valid, reply) => {
                // Tasks go on, failed ones too, where the config stays what it was.
                if self.operations.has_config(&name, &valid.config) {
                    self.restarts.forget_part(&Part::Connector(name.as_str().into()));
                } else if !valid.create_only {
                    self.restarts.forget(&name);
                }
                let patience = if valid.create_only { Patience::Waits } else { Patience::Supersedes };
                self.on_connector(name, patience, reply, move |ops, name, stage| ops.apply(name, valid, stage));
            }
            Event::Reconfigure(name) => {
                if self.operations.note_reconfiguration(&name) {
                    self.unasked(name, |ops, name| ops.reconfigure(name));
                }
            }
            Event::ValuesLapse(name, after) => {
                if let Some(after) = after {
                    tracing::info!("Scheduling a restart of connector {name} in {} ms", after.as_millis());
                }
                self.reloads.set(name, after, Instant::now());
            }
            Event::Failed(failure) => self.meet_failure(&failure),
            Event::WorkDone(lane) => self.work.done(lane),
        }
    }

    /// Plans a restart of what has failed, if it is to run and a restart may help.
    fn meet_failure(&mut self, failure: &Failure) {
        let (part, name) = (&failure.part, failure.part.connector());
        if !self.operations.should_run(name) {
            return;
        }
        let _context = LogContext::connector(name).enter();
        match self.restarts.judge(failure, Moment::now(), chance()) {
            Verdict::Restart(planned) => tracing::warn!("The {part} has failed; {planned}"),
            Verdict::Hopeless(reason) => tracing::warn!("The {part} is not restarted automatically: {reason}"),
            Verdict::Exhausted(made) => {
                tracing::error!("The {part} is left failed after {made} automatic restarts in a row");
            }
        }
    }

    fn restart_due(&mut self) {
        for (part, planned) in self.restarts.take_due(Instant::now()) {
            let name = part.connector().to_owned();
            if !self.operations.should_run(&name) {
                self.restarts.forget(&name);
                continue;
            }
            self.metrics.restarted(&name);
            self.unasked(name, move |ops, _| {
                tracing::info!("Restarting the {part}: {planned}");
                ops.restart_automatically(&part)
            });
        }
        self.metrics.pending(self.restarts.pending());
    }

    /// Work that only looks: nobody needs it if nobody waits for its answer any more.
    fn read<T: Send + 'static>(
        &mut self,
        lane: Lane,
        reply: Reply<T>,
        read: impl FnOnce(&Operations, &StageCell) -> Result<T> + Send + 'static,
    ) {
        self.on_lane(lane, Patience::Waits, reply, |ops, reply| {
            if !reply.is_abandoned() {
                let answer = read(ops, reply.stage_cell());
                reply.send(answer);
            }
        });
    }

    /// Work that changes a connector.
    fn on_connector<T: Send + 'static>(
        &mut self,
        name: String,
        patience: Patience,
        reply: Reply<T>,
        change: impl FnOnce(&Operations, &str, &StageCell) -> Result<T> + Send + 'static,
    ) {
        self.on_lane(Lane::Connector(name.clone()), patience, reply, move |ops, reply| {
            let answer = change(ops, &name, reply.stage_cell());
            reply.send(answer);
        });
    }

    /// Work that changes a connector without anybody waiting for it.
    fn unasked(&mut self, name: String, work: impl FnOnce(&Operations, &str) -> Result<()> + Send + 'static) {
        let ops = Arc::clone(&self.operations);
        let lane = Lane::Connector(name.clone());
        self.work.push(
            lane,
            Patience::Waits,
            Box::new(move || {
                let _context = LogContext::connector(&name).enter();
                if let Err(error) = work(&ops, &name) {
                    tracing::error!("Failed to change connector {name}: {}", error.trace().trim_end());
                }
            }),
        );
    }

    fn on_lane<T: Send + 'static>(
        &mut self,
        lane: Lane,
        patience: Patience,
        reply: Reply<T>,
        work: impl FnOnce(&Operations, Reply<T>) + Send + 'static,
    ) {
        if self.work.is_busy(&lane) {
            reply.stage(format!("finishing earlier work ({lane})"));
        }
        let ops = Arc::clone(&self.operations);
        let connector = match &lane {
            Lane::Connector(name) | Lane::Offsets(name) => Some(name.clone()),
            Lane::Plugin(_) => None,
        };
        self.work.push(
            lane,
            patience,
            Box::new(move || {
                let context = connector.map(|name| LogContext::connector(&name));
                let _entered = context.as_ref().map(LogContext::enter);
                work(&ops, reply);
            }),
        );
    }

    fn shut_down(&mut self) {
        tracing::info!("Herder stopping");
        self.operations.stopping.store(true, Ordering::Release);
        self.work.drop_waiting();
        self.settle();
        self.operations.stop_all();
        // Before the answer, behind which the worker says that it has stopped.
        tracing::info!("Herder stopped");
    }

    /// Waits for commands that are being carried out, so that nothing is started behind the back of the stop.
    fn settle(&mut self) {
        let deadline = Instant::now() + SETTLE_TIMEOUT;
        for name in self.work.busy_connectors() {
            self.operations.runtime.abandon_start(&name);
        }
        while !self.work.busy_connectors().is_empty() {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.commands.recv_timeout(left) {
                Ok(Command::Event(Event::WorkDone(lane))) => self.work.done(lane),
                // Dropping it tells the client that the worker is shutting down.
                Ok(_) => {}
                Err(_) => {
                    let busy = self.work.busy_connectors().join(", ");
                    tracing::warn!("Stopping while commands for these connectors have not ended: {busy}");
                    return;
                }
            }
        }
    }
}
