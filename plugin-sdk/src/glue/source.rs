//! Source connectors and tasks behind their guard.

use super::guard::Guarded;
use crate::config::{Config, ConfigDef};
use crate::connector::{SourceConnector, SourceTask};
use crate::context::{ConnectorContext, SourceContext};
use crate::record::Batch;
use crate::stop::StopSignal;
use ferroconnect_plugin_abi::config::{ConfigValue, Pairs};
use ferroconnect_plugin_abi::containers::AbiVec;
use ferroconnect_plugin_abi::error::{AbiError, AbiResult, ErrorKind};
use ferroconnect_plugin_abi::host::{ConnectorContextObject, SourceTaskContextObject};
use ferroconnect_plugin_abi::record::{Acknowledgement, SourceBatch};
use ferroconnect_plugin_abi::source::{
    AlteredOffset, ControlObject, SourceConnector as AbiSourceConnector, SourceTask as AbiSourceTask, Support,
};

pub(crate) struct SourceConnectorGlue<C> {
    connector: Guarded<C>,
    stop: StopSignal,
    def: ConfigDef,
}

impl<C: SourceConnector> SourceConnectorGlue<C> {
    pub(crate) fn new(class: &str, def: ConfigDef, connector: C) -> SourceConnectorGlue<C> {
        SourceConnectorGlue { connector: Guarded::new(class, connector), stop: StopSignal::default(), def }
    }
}

impl<C: SourceConnector> AbiSourceConnector for SourceConnectorGlue<C> {
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
        self.connector.call("stop", SourceConnector::stop)
    }

    fn alter_offsets(&mut self, config: Pairs, offsets: AbiVec<AlteredOffset>) -> AbiResult<bool> {
        let offsets: Vec<_> = offsets
            .into_iter()
            .map(|altered| (altered.partition.into_option(), altered.offset.into_option()))
            .collect();
        let config = self.def.fill(&config);
        self.connector.call("alter_offsets", |connector| connector.alter_offsets(&config, &offsets))
    }

    fn exactly_once_support(&self, config: Pairs) -> AbiResult<Support> {
        let config = self.def.fill(&config);
        self.connector.look("exactly_once_support", |connector| connector.exactly_once_support(&config))
    }

    fn can_define_transactions(&self, config: Pairs) -> AbiResult<Support> {
        let config = self.def.fill(&config);
        self.connector.look("can_define_transactions", |connector| connector.can_define_transactions(&config))
    }
}

pub(crate) struct SourceTaskGlue<T> {
    task: Guarded<T>,
    stop: StopSignal,
    def: ConfigDef,
}

impl<T: SourceTask> SourceTaskGlue<T> {
    pub(crate) fn new(class: &str, def: ConfigDef, task: T) -> SourceTaskGlue<T> {
        SourceTaskGlue { task: Guarded::new(class, task), stop: StopSignal::default(), def }
    }
}

impl<T: SourceTask> AbiSourceTask for SourceTaskGlue<T> {
    fn control(&self) -> ControlObject {
        super::control(&self.stop)
    }

    fn start(&mut self, context: SourceTaskContextObject, config: Pairs) -> AbiResult<()> {
        let context = SourceContext::new(context, self.stop.clone());
        self.task.set_scope(context.log_scope());
        let def = &self.def;
        self.task.call("start", |task| task.start(context, def.parse(&config)?))
    }

    fn wants_acknowledgements(&self) -> bool {
        T::WANTS_ACKNOWLEDGEMENTS
    }

    fn poll(&mut self, batch: &mut SourceBatch) -> AbiResult<()> {
        let result = self.task.call("poll", |task| task.poll(&mut Batch::new(batch)));
        if batch.records.len() != batch.positions.len() {
            let text = format!("{}.poll gave a batch of unequal lengths", self.task.class());
            return AbiResult::RErr(AbiError::new(ErrorKind::FATAL, text));
        }
        result
    }

    fn acknowledge(&mut self, acknowledgements: AbiVec<Acknowledgement>) -> AbiResult<()> {
        self.task.call("acknowledged", |task| task.acknowledged(&acknowledgements))
    }

    fn commit(&mut self) -> AbiResult<()> {
        self.task.call("commit", SourceTask::commit)
    }

    fn stop(&mut self) -> AbiResult<()> {
        self.task.call("stop", SourceTask::stop)
    }
}
