//! Connectors and tasks as authors write them.

use crate::config::Config;
use crate::context::{ConnectorContext, SinkContext, SourceContext};
use crate::error::Result;
use crate::offsets::{SinkOffsetChange, SourceOffsetChange};
use crate::record::Batch;
use ferroconnect_plugin_abi::config::ConfigValue;
use ferroconnect_plugin_abi::record::{Acknowledgement, PartitionOffset, Record, TopicPartition};
use ferroconnect_plugin_abi::source::Support;

/// A source connector: turns its configuration into those of its tasks. It does not move records itself.
///
/// `validate`, `alter_offsets`, `exactly_once_support` and `can_define_transactions` may be called on an instance
/// that is never started.
pub trait SourceConnector: Send + 'static {
    /// What reads the records.
    type Task: SourceTask;

    /// Checks keys in relation to each other. The worker has made the checks of the definition already; answer
    /// only for keys that are wrong or need other recommended values.
    fn validate(&self, config: &Config) -> Result<Vec<ConfigValue>> {
        let _ = config;
        Ok(Vec::new())
    }

    /// Starts it. Keep the context to ask for new tasks later.
    fn start(&mut self, context: ConnectorContext, config: Config) -> Result<()>;

    /// The configurations of at most `maximum` tasks.
    fn task_configs(&mut self, maximum: usize) -> Result<Vec<Config>>;

    /// Stops it.
    fn stop(&mut self) -> Result<()> {
        Ok(())
    }

    /// The user alters or resets offsets (KIP-875): refuse what makes no sense. True = offsets that this connector
    /// keeps itself were changed too.
    fn alter_offsets(&mut self, config: &Config, change: &SourceOffsetChange) -> Result<bool> {
        let _ = (config, change);
        Ok(false)
    }

    /// Whether it can do exactly-once with this configuration (KIP-618).
    fn exactly_once_support(&self, config: &Config) -> Result<Support> {
        let _ = config;
        Ok(Support::UNKNOWN)
    }

    /// Whether it can define transaction boundaries with this configuration.
    fn can_define_transactions(&self, config: &Config) -> Result<Support> {
        let _ = config;
        Ok(Support::UNSUPPORTED)
    }
}

/// A source task. All methods are called from the task's own thread and may block; wait with
/// [`SourceContext::stop`] so that waiting ends when the task should.
pub trait SourceTask: Send + 'static {
    /// Whether [`SourceTask::acknowledged`] is to be called.
    const WANTS_ACKNOWLEDGEMENTS: bool = false;

    /// Starts it: read the stored offsets here and go on from there.
    fn start(&mut self, context: SourceContext, config: Config) -> Result<()>;

    /// Pushes the records there are. May wait a while for the first; an empty batch is fine.
    fn poll(&mut self, batch: &mut Batch<'_>) -> Result<()>;

    /// What became of records, in the order the answers came.
    fn acknowledged(&mut self, acknowledgements: &[Acknowledgement]) -> Result<()> {
        let _ = acknowledgements;
        Ok(())
    }

    /// The worker has stored all positions up to those acknowledged before this call.
    fn commit(&mut self) -> Result<()> {
        Ok(())
    }

    /// Stops it; always called, also after a failed start.
    fn stop(&mut self) -> Result<()> {
        Ok(())
    }
}

/// A sink connector: turns its configuration into those of its tasks.
pub trait SinkConnector: Send + 'static {
    /// What writes the records.
    type Task: SinkTask;

    /// Checks keys in relation to each other; see [`SourceConnector::validate`].
    fn validate(&self, config: &Config) -> Result<Vec<ConfigValue>> {
        let _ = config;
        Ok(Vec::new())
    }

    /// Starts it.
    fn start(&mut self, context: ConnectorContext, config: Config) -> Result<()>;

    /// The configurations of at most `maximum` tasks.
    fn task_configs(&mut self, maximum: usize) -> Result<Vec<Config>>;

    /// Stops it.
    fn stop(&mut self) -> Result<()> {
        Ok(())
    }

    /// The user alters or resets consumer offsets (KIP-875). True = offsets that this connector keeps itself were
    /// changed too.
    fn alter_offsets(&mut self, config: &Config, change: &SinkOffsetChange) -> Result<bool> {
        let _ = (config, change);
        Ok(false)
    }
}

/// A sink task. All methods are called from the task's own thread and may block.
pub trait SinkTask: Send + 'static {
    /// Starts it.
    fn start(&mut self, context: SinkContext, config: Config) -> Result<()>;

    /// Partitions were assigned.
    fn open(&mut self, partitions: &[TopicPartition]) -> Result<()> {
        let _ = partitions;
        Ok(())
    }

    /// Partitions go away.
    fn close(&mut self, partitions: &[TopicPartition]) -> Result<()> {
        let _ = partitions;
        Ok(())
    }

    /// Takes records. A retriable error gives the same records again later. Records and their values may be cloned
    /// cheaply; what is kept beyond a few batches should be detached ([`crate::Blob::detach`]).
    fn put(&mut self, records: &[Record]) -> Result<()>;

    /// Makes durable what was put so far. An error means that nothing of it counts: the worker reads it again.
    fn flush(&mut self, offsets: &[PartitionOffset]) -> Result<()> {
        let _ = offsets;
        Ok(())
    }

    /// Answers which offsets may be committed, at most those given. The default flushes and answers them all.
    fn pre_commit(&mut self, offsets: Vec<PartitionOffset>) -> Result<Vec<PartitionOffset>> {
        self.flush(&offsets)?;
        Ok(offsets)
    }

    /// Stops it; always called, also after a failed start.
    fn stop(&mut self) -> Result<()> {
        Ok(())
    }
}
