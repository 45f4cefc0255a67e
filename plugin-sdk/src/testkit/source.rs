//! Drives a source connector and its tasks.

use super::host::{LogLine, TestHost};
use super::offsets::OffsetStore;
use super::{Library, PATIENCE, into_result};
use crate::config::Config;
use crate::error::{Error, Result};
use crate::offsets::SourceOffsetChange;
use ferroconnect_plugin_abi::config::{ConfigValue, Pairs};
use ferroconnect_plugin_abi::containers::AbiVec;
use ferroconnect_plugin_abi::info::{PluginInfo, PluginKind};
use ferroconnect_plugin_abi::record::{Acknowledgement, OffsetMap, Outcome, Record, SourceBatch};
use ferroconnect_plugin_abi::source::{AlteredOffset, SourceConnectorObject, SourceTaskObject};
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// A record that a task gave, and where it was read.
#[derive(Debug, Clone)]
pub struct SourceRead {
    /// The record.
    pub record: Record,
    /// The source partition, where the position is kept.
    pub partition: Option<OffsetMap>,
    /// The offset to go on from after it, where the position is kept.
    pub offset: Option<OffsetMap>,
    batch: u64,
    index: u32,
}

/// A source connector with its tasks, started and stopped as a worker does it.
///
/// Records count as delivered when [`SourceHarness::commit`] says so. The stored offsets outlive a restart; they are
/// all that a restarted connector knows.
pub struct SourceHarness {
    library: Library,
    info: PluginInfo,
    host: TestHost,
    tasks_max: u32,
    next_batch: u64,
    running: Option<Running>,
}

struct Running {
    connector: SourceConnectorObject,
    tasks: Vec<TaskRun>,
}

struct TaskRun {
    task: SourceTaskObject,
    wants_acknowledgements: bool,
    undelivered: VecDeque<SourceRead>,
}

impl SourceHarness {
    /// A connector that is not started yet. One task, unless [`SourceHarness::tasks_max`] says otherwise.
    ///
    /// # Panics
    /// If the library has no such source connector.
    pub fn new(library: &Library, class: &str, config: impl Into<Config>) -> SourceHarness {
        let info = library.plugin(PluginKind::SOURCE, class).clone();
        let host = TestHost::new(config.into());
        SourceHarness { library: library.clone(), info, host, tasks_max: 1, next_batch: 0, running: None }
    }

    /// The most tasks to run.
    pub fn tasks_max(mut self, tasks: u32) -> SourceHarness {
        self.tasks_max = tasks;
        self
    }

    /// Starts the connector and its tasks.
    pub fn start(&mut self) -> Result<()> {
        let mut connector = self.connector()?;
        into_result(connector.start(self.host.connector_context(), self.host.config().to_pairs()))?;
        let configs = into_result(connector.task_configs(self.tasks_max))?;
        // Kept before the tasks start, so that a failed start is followed by a stop.
        self.running = Some(Running { connector, tasks: Vec::new() });
        for config in configs {
            let task = self.start_task(&config)?;
            if let Some(running) = &mut self.running {
                running.tasks.push(task);
            }
        }
        Ok(())
    }

    fn start_task(&self, config: &Pairs) -> Result<TaskRun> {
        let mut task = self.task()?;
        let started = into_result(task.start(self.host.with_config(config).source_context(), config.clone()));
        if let Err(error) = started {
            into_result(task.stop())?;
            return Err(error);
        }
        let wants_acknowledgements = task.wants_acknowledgements();
        Ok(TaskRun { task, wants_acknowledgements, undelivered: VecDeque::new() })
    }

    /// A connector object of its own, never started.
    pub fn connector(&self) -> Result<SourceConnectorObject> {
        self.library.make(self.library.root.source_connector(), &self.info)
    }

    /// A task object of its own, never started.
    pub fn task(&self) -> Result<SourceTaskObject> {
        self.library.make(self.library.root.source_task(), &self.info)
    }

    /// What the connector's own validation says.
    pub fn validate(&self) -> Result<Vec<ConfigValue>> {
        into_result(self.connector()?.validate(self.host.config().to_pairs())).map(Into::into)
    }

    /// Alters offsets as a user does: the stored ones change if the connector has nothing against it.
    pub fn alter_offsets(&mut self, change: &SourceOffsetChange) -> Result<bool> {
        let entry = |(partition, offset): (&Option<OffsetMap>, Option<&OffsetMap>)| AlteredOffset {
            partition: partition.clone().into(),
            offset: offset.cloned().into(),
            attributes: vec![change.attribute()].into(),
        };
        let entries: AbiVec<AlteredOffset> = change.named().map(entry).collect();
        let answer = into_result(self.connector()?.alter_offsets(self.host.config().to_pairs(), entries))?;
        for (partition, offset) in change.named() {
            match (partition, offset) {
                (Some(partition), Some(offset)) => self.host.offsets.set(partition, offset),
                (Some(partition), None) => self.host.offsets.remove(partition),
                (None, _) => {}
            }
        }
        Ok(answer)
    }

    /// The task configurations that the connector gives, asked of one that is started and stopped for it.
    pub fn task_configs(&self) -> Result<Vec<Config>> {
        let mut connector = self.connector()?;
        into_result(connector.start(self.host.connector_context(), self.host.config().to_pairs()))?;
        let configs = into_result(connector.task_configs(self.tasks_max))?;
        into_result(connector.stop())?;
        Ok(configs.iter().map(Config::from_pairs).collect())
    }

    /// How many tasks run.
    pub fn tasks(&self) -> usize {
        self.running.as_ref().map_or(0, |running| running.tasks.len())
    }

    /// Polls the first task once.
    pub fn poll(&mut self) -> Result<Vec<SourceRead>> {
        self.poll_task(0)
    }

    /// Polls a task once.
    pub fn poll_task(&mut self, number: usize) -> Result<Vec<SourceRead>> {
        let id = self.next_batch;
        self.next_batch += 1;
        let run = self.run(number)?;
        let mut batch = SourceBatch::new(id);
        into_result(run.task.poll(&mut batch))?;
        let reads =
            batch.records.into_iter().zip(batch.positions).enumerate().map(|(index, (record, position))| SourceRead {
                record,
                partition: position.partition.into_option().map(|partition| OffsetMap::clone(&partition)),
                offset: position.offset.into_option(),
                batch: id,
                index: u32::try_from(index).expect("a batch is smaller than that"),
            });
        let reads: Vec<_> = reads.collect();
        run.undelivered.extend(reads.iter().cloned());
        Ok(reads)
    }

    /// Polls the first task until it gave so many records or more.
    ///
    /// # Errors
    /// That of a poll, or one that says how many came within [`PATIENCE`].
    pub fn poll_until(&mut self, count: usize) -> Result<Vec<SourceRead>> {
        let deadline = Instant::now() + PATIENCE;
        let mut reads = Vec::new();
        while reads.len() < count {
            if Instant::now() > deadline {
                return Err(Error::fatal(format!("{} records came in {PATIENCE:?}, not {count}", reads.len())));
            }
            reads.extend(self.poll()?);
        }
        Ok(reads)
    }

    /// Delivers all records of all tasks: tells the tasks, stores the offsets, and tells the tasks of that.
    pub fn commit(&mut self) -> Result<()> {
        for number in 0..self.tasks() {
            self.deliver(number, usize::MAX, Outcome::ACKNOWLEDGED)?;
        }
        Ok(())
    }

    /// Delivers the first so many records of the first task that were not delivered before.
    pub fn commit_first(&mut self, count: usize) -> Result<()> {
        self.deliver(0, count, Outcome::ACKNOWLEDGED)
    }

    /// Gives an outcome to the first so many records of a task, stores their offsets unless they were refused, and
    /// tells the task.
    pub fn deliver(&mut self, number: usize, count: usize, outcome: Outcome) -> Result<()> {
        let offsets = self.host.offsets.clone();
        let run = self.run(number)?;
        let count = count.min(run.undelivered.len());
        let mut acknowledgements = Vec::with_capacity(count);
        for (number, read) in run.undelivered.drain(..count).enumerate() {
            if let (Some(partition), Some(offset), true) = (&read.partition, &read.offset, outcome != Outcome::REFUSED)
            {
                offsets.set(partition, offset);
            }
            acknowledgements.push(acknowledgement(&read, outcome, number));
        }
        if run.wants_acknowledgements {
            into_result(run.task.acknowledge(acknowledgements.into()))?;
        }
        into_result(run.task.commit())
    }

    fn run(&mut self, number: usize) -> Result<&mut TaskRun> {
        let run = self.running.as_mut().and_then(|running| running.tasks.get_mut(number));
        run.ok_or_else(|| Error::fatal(format!("task {number} does not run")))
    }

    /// Stops tasks and connector. What was not committed is forgotten.
    pub fn stop(&mut self) -> Result<()> {
        let Some(mut running) = self.running.take() else { return Ok(()) };
        for run in &mut running.tasks {
            run.task.control().stop();
            into_result(run.task.stop())?;
        }
        running.connector.control().stop();
        into_result(running.connector.stop())
    }

    /// Stops and starts again, with the stored offsets.
    pub fn restart(&mut self) -> Result<()> {
        self.stop()?;
        self.start()
    }

    /// Tells the first task to stop while a poll blocks; how long it took until the poll was over.
    ///
    /// # Errors
    /// If the poll is not over within [`PATIENCE`]; its thread is left behind then.
    pub fn stop_while_polling(&mut self) -> Result<Duration> {
        let mut run = self.running.as_mut().and_then(|running| running.tasks.pop());
        let mut run = run.take().ok_or_else(|| Error::fatal("no task runs"))?;
        let control = run.task.control();
        let (says_polling, polling) = std::sync::mpsc::channel();
        let (says_over, over) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            // Whoever waits has given up if this is not received.
            let _ = says_polling.send(());
            let polled = into_result(run.task.poll(&mut SourceBatch::new(u64::MAX)));
            let _ = says_over.send(polled.and_then(|()| into_result(run.task.stop())));
        });
        polling.recv_timeout(PATIENCE)?;
        let told = Instant::now();
        control.stop();
        let over = over.recv_timeout(PATIENCE);
        over.map_err(|_| Error::fatal(format!("poll went on for {PATIENCE:?} after the task was told to stop")))??;
        Ok(told.elapsed())
    }

    /// Takes the running connector and its first task out of the harness.
    pub(super) fn running_parts(&mut self) -> Option<(SourceConnectorObject, SourceTaskObject)> {
        let mut running = self.running.take()?;
        Some((running.connector, running.tasks.pop()?.task))
    }

    /// The stored offsets.
    pub fn offsets(&self) -> &OffsetStore {
        &self.host.offsets
    }

    /// What connector and tasks logged.
    pub fn log(&self) -> Vec<LogLine> {
        self.host.log()
    }

    /// All values that were given to a metric.
    pub fn metric(&self, name: &str) -> Vec<f64> {
        self.host.metric(name)
    }

    /// How often the connector asked for new task configurations.
    pub fn reconfigurations(&self) -> u32 {
        self.host.reconfigurations()
    }

    /// The error that the connector raised from a thread of its own.
    pub fn raised(&self) -> Result<()> {
        self.host.raised()
    }
}

impl Drop for SourceHarness {
    fn drop(&mut self) {
        // A test that looks at the answer stops it itself.
        let _stopped = self.stop();
    }
}

fn acknowledgement(read: &SourceRead, outcome: Outcome, offset: usize) -> Acknowledgement {
    let delivered = outcome == Outcome::ACKNOWLEDGED;
    Acknowledgement {
        batch: read.batch,
        index: read.index,
        outcome,
        partition: if delivered { 0 } else { -1 },
        offset: if delivered { offset as i64 } else { -1 },
        timestamp: if delivered { read.record.timestamp.unwrap_or(-1) } else { -1 },
        topic: if delivered { read.record.topic.clone() } else { Default::default() },
    }
}
