//! Sink connectors and tasks that live in a library.

use std::sync::Arc;

use ferroconnect_plugin_abi::containers::AbiSlice;
use ferroconnect_plugin_abi::record::{PartitionOffset, Record, TopicPartition};
use ferroconnect_plugin_abi::sink::{AlteredPartition, SinkConnectorObject, SinkTaskObject};

use super::connector::connector;
use super::contexts;
use super::convert::{config_values, from_pairs, result, to_pairs};
use crate::config::{ConfigValueInfo, Props};
use crate::error::Result;
use crate::plugins::api::{ConnectorContext, Control, SinkTaskContext};

/// A sink connector. Dropping it drops the plugin's object, on the thread that drops it.
pub struct SinkConnector {
    object: SinkConnectorObject,
    control: Control,
}

connector!(SinkConnector, SinkConnectorObject);

impl SinkConnector {
    /// Tells the plugin that the user alters or resets consumer offsets (KIP-875). True = the plugin handled offsets
    /// that it keeps itself. May be called on a connector that was never started.
    ///
    /// # Errors
    /// Whatever the plugin answers: it refuses the change.
    pub fn alter_offsets(&mut self, props: &Props, offsets: Vec<AlteredPartition>) -> Result<bool> {
        result(self.object.alter_offsets(to_pairs(props), offsets.into()))
    }
}

/// A sink task. All calls come from the task's own thread; dropping it drops the plugin's object there.
pub struct SinkTask {
    object: SinkTaskObject,
    control: Control,
}

impl SinkTask {
    pub(crate) fn new(object: SinkTaskObject) -> SinkTask {
        let control = Control::new(object.control());
        SinkTask { object, control }
    }

    /// The half that any thread may use.
    pub fn control(&self) -> Control {
        self.control.clone()
    }

    /// Starts it.
    ///
    /// # Errors
    /// Whatever the plugin answers.
    pub fn start(&mut self, context: Arc<dyn SinkTaskContext>, props: &Props) -> Result<()> {
        result(self.object.start(contexts::sink_task(context), to_pairs(props)))
    }

    /// Tells which partitions were assigned.
    ///
    /// # Errors
    /// Whatever the plugin answers.
    pub fn open(&mut self, partitions: Vec<TopicPartition>) -> Result<()> {
        result(self.object.open(partitions.into()))
    }

    /// Tells which partitions go away. [`pre_commit`](Self::pre_commit) comes before, unless they were lost.
    ///
    /// # Errors
    /// Whatever the plugin answers.
    pub fn close(&mut self, partitions: Vec<TopicPartition>) -> Result<()> {
        result(self.object.close(partitions.into()))
    }

    /// Gives records to the plugin, which clones what it keeps.
    ///
    /// # Errors
    /// Whatever the plugin answers; after a retriable error the same records are to be given again.
    pub fn put(&mut self, records: &[Record]) -> Result<()> {
        result(self.object.put(AbiSlice::from_slice(records)))
    }

    /// Asks which of these offsets may be committed; the plugin makes durable what it can. An empty answer = commit
    /// nothing now.
    ///
    /// # Errors
    /// Whatever the plugin answers.
    pub fn pre_commit(&mut self, offsets: Vec<PartitionOffset>) -> Result<Vec<PartitionOffset>> {
        result(self.object.pre_commit(offsets.into())).map(Into::into)
    }

    /// Stops it; the last call, to be made also after a failed start.
    ///
    /// # Errors
    /// Whatever the plugin answers.
    pub fn stop(&mut self) -> Result<()> {
        result(self.object.stop())
    }
}
