//! Sink connectors and tasks behind their guard.

use super::half::Glue;
use crate::connector::{SinkConnector, SinkTask};
use crate::context::{ConnectorContext, SinkContext};
use crate::offsets::OffsetChange;
use ferroconnect_plugin_abi::config::{Attribute, ConfigValue, Pairs};
use ferroconnect_plugin_abi::containers::{AbiSlice, AbiVec};
use ferroconnect_plugin_abi::error::AbiResult;
use ferroconnect_plugin_abi::host::{ConnectorContextObject, SinkTaskContextObject};
use ferroconnect_plugin_abi::record::{PartitionOffset, Record, TopicPartition};
use ferroconnect_plugin_abi::sink::{AlteredPartition, SinkConnector as AbiSinkConnector, SinkTask as AbiSinkTask};
use ferroconnect_plugin_abi::source::ControlObject;

impl<C: SinkConnector> AbiSinkConnector for Glue<C> {
    fn control(&self) -> ControlObject {
        self.stop_control()
    }

    fn validate(&self, config: Pairs) -> AbiResult<AbiVec<ConfigValue>> {
        self.ask("validate", &config, |connector, config| Ok(connector.validate(config)?.into()))
    }

    fn start(&mut self, context: ConnectorContextObject, config: Pairs) -> AbiResult<()> {
        let context = ConnectorContext::new(context, self.stop.clone());
        self.begin(context.log_scope(), config, |connector, config| connector.start(context, config))
    }

    fn task_configs(&mut self, maximum: u32) -> AbiResult<AbiVec<Pairs>> {
        self.divide(maximum, C::task_configs)
    }

    fn stop(&mut self) -> AbiResult<()> {
        self.object.call("stop", C::stop)
    }

    fn alter_offsets(&mut self, config: Pairs, offsets: AbiVec<AlteredPartition>) -> AbiResult<bool> {
        let entry = |entry: AlteredPartition| {
            (entry.partition, entry.offset.into_option(), Attribute::find_reset(&entry.attributes))
        };
        let change = OffsetChange::of(offsets.into_iter().map(entry));
        self.ask_mut("alter_offsets", &config, |connector, config| connector.alter_offsets(config, &change))
    }
}

impl<T: SinkTask> AbiSinkTask for Glue<T> {
    fn control(&self) -> ControlObject {
        self.stop_control()
    }

    fn start(&mut self, context: SinkTaskContextObject, config: Pairs) -> AbiResult<()> {
        let context = SinkContext::new(context, self.stop.clone());
        self.begin(context.log_scope(), config, |task, config| task.start(context, config))
    }

    fn open(&mut self, partitions: AbiVec<TopicPartition>) -> AbiResult<()> {
        self.object.call("open", |task| task.open(&partitions))
    }

    fn close(&mut self, partitions: AbiVec<TopicPartition>) -> AbiResult<()> {
        self.object.call("close", |task| task.close(&partitions))
    }

    fn put(&mut self, records: AbiSlice<'_, Record>) -> AbiResult<()> {
        self.object.call("put", |task| task.put(records.as_slice()))
    }

    fn pre_commit(&mut self, offsets: AbiVec<PartitionOffset>) -> AbiResult<AbiVec<PartitionOffset>> {
        self.object.call("pre_commit", |task| Ok(task.pre_commit(offsets.into())?.into()))
    }

    fn stop(&mut self) -> AbiResult<()> {
        self.object.call("stop", T::stop)
    }
}
