//! Drives a sink connector and its tasks.

use super::host::{LogLine, Reports, TestHost};
use super::{Library, PATIENCE, into_result};
use crate::config::Config;
use crate::context::SinkContext;
use crate::error::{Error, Result};
use crate::offsets::SinkOffsetChange;
use crate::stop::StopSignal;
use ferroconnect_plugin_abi::bytes::Text;
use ferroconnect_plugin_abi::config::{ConfigValue, Pairs};
use ferroconnect_plugin_abi::containers::{AbiOption, AbiSlice, AbiVec};
use ferroconnect_plugin_abi::host::ReportState;
use ferroconnect_plugin_abi::info::{PluginInfo, PluginKind};
use ferroconnect_plugin_abi::record::{Coordinates, Data, PartitionOffset, Record, TimestampType, TopicPartition};
use ferroconnect_plugin_abi::sink::{AlteredPartition, SinkConnectorObject, SinkTaskObject};
use std::time::{Duration, Instant};

/// What a sink task asked for through its context.
#[derive(Debug, Default)]
pub struct SinkRequests {
    /// Offsets to read on from.
    pub rewound: Vec<PartitionOffset>,
    /// Partitions not to fetch from.
    pub paused: Vec<TopicPartition>,
    /// Partitions to fetch from again.
    pub resumed: Vec<TopicPartition>,
    /// How long to wait before a retry.
    pub retry_after: Option<Duration>,
    /// Whether a commit should be made soon.
    pub commit: bool,
    /// Records that could not be written.
    pub reported: Vec<(Record, Error)>,
}

/// A record as if it was read from Kafka.
pub fn sink_record(topic: &str, partition: i32, offset: i64, value: Data) -> Record {
    let mut record = Record::new(topic, value);
    record.partition = AbiOption::RSome(partition);
    record.timestamp = AbiOption::RSome(1_700_000_000_000 + offset);
    record.timestamp_type = TimestampType::CREATE_TIME;
    record.origin = Coordinates { topic: record.topic.clone(), partition, offset };
    record
}

/// A sink connector with its tasks, started and stopped as a worker does it. The methods that take no task number are
/// about the first task.
pub struct SinkHarness {
    library: Library,
    info: PluginInfo,
    host: TestHost,
    tasks_max: u32,
    running: Option<Running>,
    // What the consumer has read so far, per partition.
    positions: Vec<PartitionOffset>,
}

struct Running {
    connector: SinkConnectorObject,
    tasks: Vec<SinkTaskObject>,
}

impl SinkHarness {
    /// A connector that is not started yet. One task, unless [`SinkHarness::tasks_max`] says otherwise.
    ///
    /// # Panics
    /// If the library has no such sink connector.
    pub fn new(library: &Library, class: &str, config: impl Into<Config>) -> SinkHarness {
        let info = library.plugin(PluginKind::SINK, class).clone();
        let host = TestHost::new(config.into());
        SinkHarness { library: library.clone(), info, host, tasks_max: 1, running: None, positions: Vec::new() }
    }

    /// The most tasks to run.
    pub fn tasks_max(mut self, tasks: u32) -> SinkHarness {
        self.tasks_max = tasks;
        self
    }

    /// Reports of bad records go nowhere, and `can_report` says so: as where there is neither `errors.log.enable` nor a
    /// dead-letter topic, whatever `errors.tolerance` is.
    pub fn without_reports(self) -> SinkHarness {
        self.host.set_reports(Reports::Nowhere);
        self
    }

    /// Reported records come to this: under way for ever, or refused by the dead-letter topic.
    pub fn with_reports(self, state: ReportState) -> SinkHarness {
        self.host.end_reports(state);
        self
    }

    /// Reports of bad records can be made, and each fails: as where `errors.tolerance` is `none`, with
    /// `errors.log.enable` or a dead-letter topic.
    pub fn failing_reports(self) -> SinkHarness {
        self.host.set_reports(Reports::Fail);
        self
    }

    /// A context of its own, for tests of what lies behind a plugin's task. What is asked for through it arrives here.
    pub fn context(&self) -> SinkContext {
        SinkContext::new(self.host.sink_context(), StopSignal::default())
    }

    /// Starts the connector and its tasks.
    pub fn start(&mut self) -> Result<()> {
        let mut connector = self.connector()?;
        into_result(connector.start(self.host.connector_context(), self.host.config().to_pairs()))?;
        let configs = into_result(connector.task_configs(self.tasks_max))?;
        self.running = Some(Running { connector, tasks: Vec::new() });
        for config in configs {
            let task = self.start_task(&config)?;
            if let Some(running) = &mut self.running {
                running.tasks.push(task);
            }
        }
        Ok(())
    }

    fn start_task(&self, config: &Pairs) -> Result<SinkTaskObject> {
        let mut task = self.task()?;
        let started = into_result(task.start(self.host.with_config(config).sink_context(), config.clone()));
        match started {
            Ok(()) => Ok(task),
            Err(error) => {
                into_result(task.stop())?;
                Err(error)
            }
        }
    }

    /// A connector object of its own, never started.
    pub fn connector(&self) -> Result<SinkConnectorObject> {
        self.library.make(self.library.root.sink_connector(), &self.info)
    }

    /// A task object of its own, never started.
    pub fn task(&self) -> Result<SinkTaskObject> {
        self.library.make(self.library.root.sink_task(), &self.info)
    }

    /// What the connector's own validation says.
    pub fn validate(&self) -> Result<Vec<ConfigValue>> {
        into_result(self.connector()?.validate(self.host.config().to_pairs())).map(Into::into)
    }

    /// Alters consumer offsets, as the REST API does while the connector is stopped. True = the connector changed
    /// offsets that it keeps itself.
    pub fn alter_offsets(&self, change: &SinkOffsetChange) -> Result<bool> {
        let entry = |(partition, offset): (&TopicPartition, Option<&i64>)| AlteredPartition {
            partition: partition.clone(),
            offset: offset.copied().into(),
            attributes: vec![change.attribute()].into(),
        };
        let entries: AbiVec<AlteredPartition> = change.named().map(entry).collect();
        into_result(self.connector()?.alter_offsets(self.host.config().to_pairs(), entries))
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

    fn running_task(&mut self, number: usize) -> Result<&mut SinkTaskObject> {
        let task = self.running.as_mut().and_then(|running| running.tasks.get_mut(number));
        task.ok_or_else(|| Error::fatal(format!("task {number} does not run")))
    }

    /// Assigns a partition.
    pub fn open(&mut self, topic: &str, partition: i32) -> Result<()> {
        let partition = TopicPartition { topic: topic.into(), partition };
        self.host.assign(std::slice::from_ref(&partition));
        into_result(self.running_task(0)?.open(vec![partition].into()))
    }

    /// Takes a partition away, without a commit.
    pub fn close(&mut self, topic: &str, partition: i32) -> Result<()> {
        let partition = TopicPartition { topic: topic.into(), partition };
        self.host.unassign(std::slice::from_ref(&partition));
        self.positions.retain(|at| (&at.topic, at.partition) != (&partition.topic, partition.partition));
        into_result(self.running_task(0)?.close(vec![partition].into()))
    }

    /// Gives records to the first task.
    pub fn put(&mut self, records: &[Record]) -> Result<()> {
        self.put_task(0, records)
    }

    /// Gives records to a task.
    pub fn put_task(&mut self, number: usize, records: &[Record]) -> Result<()> {
        into_result(self.running_task(number)?.put(AbiSlice::from(records)))?;
        for record in records {
            self.advance(&record.origin);
        }
        Ok(())
    }

    /// Gives values to the first task, as records that follow those given before. Says at which offset they began.
    pub fn put_values(&mut self, topic: &str, partition: i32, values: Vec<Data>) -> Result<i64> {
        let at = |at: &&PartitionOffset| at.topic.as_str() == topic && at.partition == partition;
        let first = self.positions.iter().find(at).map_or(0, |at| at.offset);
        let records: Vec<_> =
            (first..).zip(values).map(|(offset, value)| sink_record(topic, partition, offset, value)).collect();
        self.put(&records)?;
        Ok(first)
    }

    fn advance(&mut self, origin: &Coordinates) {
        let offset = origin.offset + 1;
        let same = |at: &&mut PartitionOffset| at.topic == origin.topic && at.partition == origin.partition;
        match self.positions.iter_mut().find(same) {
            Some(at) => at.offset = offset,
            None => self.positions.push(PartitionOffset {
                topic: Text::copy_from(&origin.topic),
                partition: origin.partition,
                offset,
            }),
        }
    }

    /// Gives records to the first task on another thread, waits for `begun`, and tells the task to stop while the put
    /// goes on; how long it took until the put was over. The put may fail, the stop behind it may not.
    ///
    /// # Errors
    /// If the put is not over within [`PATIENCE`]; its thread is left behind then.
    pub fn stop_while_putting(&mut self, records: Vec<Record>, begun: impl FnOnce()) -> Result<Duration> {
        let tasks = self.running.as_mut().map(|running| &mut running.tasks).filter(|tasks| !tasks.is_empty());
        let mut task = tasks.ok_or_else(|| Error::fatal("no task runs"))?.remove(0);
        let control = task.control();
        let (says_over, over) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let put = into_result(task.put(AbiSlice::from(records.as_slice())));
            // Whoever waits has given up if this is not received.
            let _ = says_over.send((put, into_result(task.stop())));
        });
        begun();
        let told = Instant::now();
        control.stop();
        let over = over.recv_timeout(PATIENCE);
        let (_put, stopped) =
            over.map_err(|_| Error::fatal(format!("put went on for {PATIENCE:?} after the task was told to stop")))?;
        stopped.map(|()| told.elapsed())
    }

    /// Asks the first task which offsets may be committed, given all that was put.
    pub fn pre_commit(&mut self) -> Result<Vec<PartitionOffset>> {
        let positions = self.positions.clone();
        into_result(self.running_task(0)?.pre_commit(positions.into())).map(Into::into)
    }

    /// The offset after the last record that was put.
    pub fn positions(&self) -> &[PartitionOffset] {
        &self.positions
    }

    /// Stops tasks and connector.
    pub fn stop(&mut self) -> Result<()> {
        self.positions.clear();
        let Some(mut running) = self.running.take() else { return Ok(()) };
        for task in &mut running.tasks {
            task.control().stop();
            into_result(task.stop())?;
        }
        running.connector.control().stop();
        into_result(running.connector.stop())
    }

    /// Takes what the tasks asked for since the last call.
    pub fn take_requests(&self) -> SinkRequests {
        self.host.take_requests()
    }

    /// What connector and tasks logged.
    pub fn log(&self) -> Vec<LogLine> {
        self.host.log()
    }

    /// All values that were given to a metric.
    pub fn metric(&self, name: &str) -> Vec<f64> {
        self.host.metric(name)
    }

    /// The error that the connector raised from a thread of its own.
    pub fn raised(&self) -> Result<()> {
        self.host.raised()
    }
}

impl Drop for SinkHarness {
    fn drop(&mut self) {
        // A test that looks at the answer stops it itself.
        let _stopped = self.stop();
    }
}
