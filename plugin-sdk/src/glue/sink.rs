//! Sink connectors and tasks behind their guard.

use super::guard::Guarded;
use crate::config::{Config, ConfigDef};
use crate::connector::{SinkConnector, SinkTask};
use crate::context::{ConnectorContext, SinkContext};
use crate::stop::StopSignal;
use ferroconnect_plugin_abi::config::{ConfigValue, Pairs};
use ferroconnect_plugin_abi::containers::{AbiSlice, AbiVec};
use ferroconnect_plugin_abi::error::AbiResult;
use ferroconnect_plugin_abi::host::{ConnectorContextObject, SinkTaskContextObject};
use ferroconnect_plugin_abi::record::{PartitionOffset, Record, TopicPartition};
use ferroconnect_plugin_abi::sink::{AlteredPartition, SinkConnector as AbiSinkConnector, SinkTask as AbiSinkTask};
use ferroconnect_plugin_abi::source::ControlObject;

pub(crate) struct SinkConnectorGlue<C> {
    connector: Guarded<C>,
    stop: StopSignal,
    def: ConfigDef,
}

impl<C: SinkConnector> SinkConnectorGlue<C> {
    pub(crate) fn new(class: &str, def: ConfigDef, connector: C) -> SinkConnectorGlue<C> {
        SinkConnectorGlue { connector: Guarded::new(class, connector), stop: StopSignal::default(), def }
    }
}

impl<C: SinkConnector> AbiSinkConnector for SinkConnectorGlue<C> {
    fn control(&self) -> ControlObject {
        super::control(&self.stop)
    }

    fn validate(&self, config: Pairs) -> AbiResult<AbiVec<ConfigValue>> {
        let config = self.def.fill(&config);
        self.connector.look("validate", |connector| Ok(connector.validate(&config)?.into()))
    }

    fn start(&mut self, context: ConnectorContextObject, config: Pairs) -> AbiResult<()> {
        let context = ConnectorContext::new(context, self.stop.clone());
        self.connector.set_scope(context.log_scope());
        let def = &self.def;
        self.connector.call("start", |connector| connector.start(context, def.parse(&config)?))
    }

    fn task_configs(&mut self, maximum: u32) -> AbiResult<AbiVec<Pairs>> {
        let maximum = usize::try_from(maximum).unwrap_or(usize::MAX);
        self.connector.call("task_configs", |connector| {
            Ok(connector.task_configs(maximum)?.iter().map(Config::to_pairs).collect())
        })
    }

    fn stop(&mut self) -> AbiResult<()> {
        self.connector.call("stop", SinkConnector::stop)
    }

    fn alter_offsets(&mut self, config: Pairs, offsets: AbiVec<AlteredPartition>) -> AbiResult<bool> {
        let offsets: Vec<_> =
            offsets.into_iter().map(|altered| (altered.partition, altered.offset.into_option())).collect();
        let config = self.def.fill(&config);
        self.connector.call("alter_offsets", |connector| connector.alter_offsets(&config, &offsets))
    }
}

pub(crate) struct SinkTaskGlue<T> {
    task: Guarded<T>,
    stop: StopSignal,
    def: ConfigDef,
}

impl<T: SinkTask> SinkTaskGlue<T> {
    pub(crate) fn new(class: &str, def: ConfigDef, task: T) -> SinkTaskGlue<T> {
        SinkTaskGlue { task: Guarded::new(class, task), stop: StopSignal::default(), def }
    }
}

impl<T: SinkTask> AbiSinkTask for SinkTaskGlue<T> {
    fn control(&self) -> ControlObject {
        super::control(&self.stop)
    }

    fn start(&mut self, context: SinkTaskContextObject, config: Pairs) -> AbiResult<()> {
        let context = SinkContext::new(context, self.stop.clone());
        self.task.set_scope(context.log_scope());
        let def = &self.def;
        self.task.call("start", |task| task.start(context, def.parse(&config)?))
    }

    fn open(&mut self, partitions: AbiVec<TopicPartition>) -> AbiResult<()> {
        self.task.call("open", |task| task.open(&partitions))
    }

    fn close(&mut self, partitions: AbiVec<TopicPartition>) -> AbiResult<()> {
        self.task.call("close", |task| task.close(&partitions))
    }

    fn put(&mut self, records: AbiSlice<'_, Record>) -> AbiResult<()> {
        self.task.call("put", |task| task.put(records.as_slice()))
    }

    fn pre_commit(&mut self, offsets: AbiVec<PartitionOffset>) -> AbiResult<AbiVec<PartitionOffset>> {
        self.task.call("pre_commit", |task| Ok(task.pre_commit(offsets.into())?.into()))
    }

    fn stop(&mut self) -> AbiResult<()> {
        self.task.call("stop", SinkTask::stop)
    }
}
