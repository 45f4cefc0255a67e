//! Source connectors and tasks that live in a library.

use std::sync::Arc;

use ferroconnect_plugin_abi::record::{Acknowledgement, SourceBatch};
use ferroconnect_plugin_abi::source::{AlteredOffset, SourceConnectorObject, SourceTaskObject, Support};

use super::connector::connector;
use super::contexts;
use super::convert::{config_values, from_pairs, result, to_pairs};
use super::whole;
use crate::config::{ConfigValueInfo, Props};
use crate::error::{ConnectError, Result};
use crate::plugins::api::{ConnectorContext, Control, SourceTaskContext};

/// A source connector. Dropping it drops the plugin's object, on the thread that drops it.
pub struct SourceConnector {
    object: SourceConnectorObject,
    control: Control,
}

connector!(SourceConnector, SourceConnectorObject);

impl SourceConnector {
    /// Tells the plugin that the user alters or resets offsets (KIP-875). True = the plugin handled offsets that it
    /// keeps itself. May be called on a connector that was never started.
    ///
    /// # Errors
    /// Whatever the plugin answers: it refuses the change.
    pub fn alter_offsets(&mut self, props: &Props, offsets: Vec<AlteredOffset>) -> Result<bool> {
        result(self.object.alter_offsets(to_pairs(props), offsets.into()))
    }

    /// Whether it can do exactly-once with this configuration (KIP-618). May be called on a connector that was never
    /// started.
    ///
    /// # Errors
    /// Whatever the plugin answers.
    pub fn exactly_once_support(&self, props: &Props) -> Result<Support> {
        result(self.object.exactly_once_support(to_pairs(props)))
    }

    /// Whether it can define transaction boundaries with this configuration (KIP-618). May be called on a connector
    /// that was never started.
    ///
    /// # Errors
    /// Whatever the plugin answers.
    pub fn can_define_transactions(&self, props: &Props) -> Result<Support> {
        result(self.object.can_define_transactions(to_pairs(props)))
    }
}

/// A source task. All calls come from the task's own thread; dropping it drops the plugin's object there.
pub struct SourceTask {
    object: SourceTaskObject,
    control: Control,
}

impl SourceTask {
    pub(crate) fn new(object: SourceTaskObject) -> SourceTask {
        let control = Control::new(object.control());
        SourceTask { object, control }
    }

    /// The half that any thread may use.
    pub fn control(&self) -> Control {
        self.control.clone()
    }

    /// Starts it.
    ///
    /// # Errors
    /// Whatever the plugin answers.
    pub fn start(&mut self, context: Arc<dyn SourceTaskContext>, props: &Props) -> Result<()> {
        result(self.object.start(contexts::source_task(context), to_pairs(props)))
    }

    /// Whether [`acknowledge`](Self::acknowledge) is to be called. Asked once, after start.
    pub fn wants_acknowledgements(&self) -> bool {
        self.object.wants_acknowledgements()
    }

    /// Lets the plugin fill the batch. May block a while; comes back soon after the control was told to stop.
    ///
    /// # Errors
    /// Whatever the plugin answers; a retriable error means that there is no data now. An answer with more or fewer
    /// positions than records, or with malformed data, is a fault of the plugin and fatal.
    pub fn poll(&mut self, batch: &mut SourceBatch) -> Result<()> {
        result(self.object.poll(batch))?;
        let (records, positions) = (batch.records.len(), batch.positions.len());
        if records != positions {
            return Err(ConnectError::connect(format!(
                "The plugin polled {records} records with {positions} source positions; there must be one for each"
            )));
        }
        batch.records.iter_mut().try_for_each(whole::record)
    }

    /// Tells what became of records, in the order the answers came.
    ///
    /// # Errors
    /// Whatever the plugin answers.
    pub fn acknowledge(&mut self, acknowledgements: Vec<Acknowledgement>) -> Result<()> {
        result(self.object.acknowledge(acknowledgements.into()))
    }

    /// Tells that the offset store has all positions up to those acknowledged before.
    ///
    /// # Errors
    /// Whatever the plugin answers.
    pub fn commit(&mut self) -> Result<()> {
        result(self.object.commit())
    }

    /// Stops it; the last call, to be made also after a failed start.
    ///
    /// # Errors
    /// Whatever the plugin answers.
    pub fn stop(&mut self) -> Result<()> {
        result(self.object.stop())
    }

    /// Asks for the method that the tests of the compatibility promise add; a library of an older minor version runs
    /// the host's default body.
    #[cfg(feature = "next-minor")]
    pub fn next_minor_probe(&self) -> u32 {
        self.object.next_minor_probe()
    }
}
