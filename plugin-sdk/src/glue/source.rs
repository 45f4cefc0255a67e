//! Source connectors and tasks behind their guard.

use super::half::Glue;
use crate::connector::{SourceConnector, SourceTask};
use crate::context::{ConnectorContext, SourceContext};
use crate::offsets::OffsetChange;
use crate::record::Batch;
use ferroconnect_plugin_abi::config::{Attribute, ConfigValue, Pairs};
use ferroconnect_plugin_abi::containers::AbiVec;
use ferroconnect_plugin_abi::error::{AbiError, AbiResult, ErrorKind};
use ferroconnect_plugin_abi::host::{ConnectorContextObject, SourceTaskContextObject};
use ferroconnect_plugin_abi::record::{Acknowledgement, SourceBatch};
use ferroconnect_plugin_abi::source::{
    AlteredOffset, ControlObject, SourceConnector as AbiSourceConnector, SourceTask as AbiSourceTask, Support,
};

impl<C: SourceConnector> AbiSourceConnector for Glue<C> {
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

    fn alter_offsets(&mut self, config: Pairs, offsets: AbiVec<AlteredOffset>) -> AbiResult<bool> {
        let entry = |entry: AlteredOffset| {
            (entry.partition.into_option(), entry.offset.into_option(), Attribute::find_reset(&entry.attributes))
        };
        let change = OffsetChange::of(offsets.into_iter().map(entry));
        self.ask_mut("alter_offsets", &config, |connector, config| connector.alter_offsets(config, &change))
    }

    fn exactly_once_support(&self, config: Pairs) -> AbiResult<Support> {
        self.ask("exactly_once_support", &config, C::exactly_once_support)
    }

    fn can_define_transactions(&self, config: Pairs) -> AbiResult<Support> {
        self.ask("can_define_transactions", &config, C::can_define_transactions)
    }
}

impl<T: SourceTask> AbiSourceTask for Glue<T> {
    fn control(&self) -> ControlObject {
        self.stop_control()
    }

    fn start(&mut self, context: SourceTaskContextObject, config: Pairs) -> AbiResult<()> {
        let context = SourceContext::new(context, self.stop.clone());
        self.begin(context.log_scope(), config, |task, config| task.start(context, config))
    }

    fn wants_acknowledgements(&self) -> bool {
        T::WANTS_ACKNOWLEDGEMENTS
    }

    fn poll(&mut self, batch: &mut SourceBatch) -> AbiResult<()> {
        let result = self.object.call("poll", |task| task.poll(&mut Batch::new(batch)));
        if batch.records.len() != batch.positions.len() {
            let text = format!("{}.poll gave a batch of unequal lengths", self.object.class());
            return AbiResult::RErr(AbiError::new(ErrorKind::FATAL, text));
        }
        result
    }

    fn acknowledge(&mut self, acknowledgements: AbiVec<Acknowledgement>) -> AbiResult<()> {
        self.object.call("acknowledged", |task| task.acknowledged(&acknowledgements))
    }

    fn commit(&mut self) -> AbiResult<()> {
        self.object.call("commit", T::commit)
    }

    fn stop(&mut self) -> AbiResult<()> {
        self.object.call("stop", T::stop)
    }
}
