//! What the connectors and tasks of both directions have in common.

use super::guard::Guarded;
use crate::Result;
use crate::config::{Config, ConfigDef};
use crate::stop::StopSignal;
use ferroconnect_plugin_abi::config::Pairs;
use ferroconnect_plugin_abi::containers::AbiVec;
use ferroconnect_plugin_abi::error::AbiResult;
use ferroconnect_plugin_abi::source::ControlObject;

/// An author's connector or task behind its guard, with its signal to stop and the definition of its configuration.
pub(crate) struct Glue<T> {
    pub(super) object: Guarded<T>,
    pub(super) stop: StopSignal,
    def: ConfigDef,
}

impl<T> Glue<T> {
    pub(crate) fn new(class: &str, def: ConfigDef, object: T) -> Glue<T> {
        Glue { object: Guarded::new(class, object), stop: StopSignal::default(), def }
    }

    pub(super) fn stop_control(&self) -> ControlObject {
        super::control(&self.stop)
    }

    /// Starts it with a checked configuration. From now on its log lines belong to `scope`.
    pub(super) fn begin(
        &mut self,
        scope: u64,
        config: Pairs,
        start: impl FnOnce(&mut T, Config) -> Result<()>,
    ) -> AbiResult<()> {
        self.object.set_scope(scope);
        let def = &self.def;
        self.object.call("start", |object| start(object, def.parse(&config)?))
    }

    /// Asks about a configuration, which is not checked: the author's own method does that.
    pub(super) fn ask<R>(
        &self,
        method: &str,
        config: &Pairs,
        look: impl FnOnce(&T, &Config) -> Result<R>,
    ) -> AbiResult<R> {
        let config = self.def.fill(config);
        self.object.look(method, |object| look(object, &config))
    }

    /// As [`ask`](Glue::ask), with a method that may change the object.
    pub(super) fn ask_mut<R>(
        &mut self,
        method: &str,
        config: &Pairs,
        call: impl FnOnce(&mut T, &Config) -> Result<R>,
    ) -> AbiResult<R> {
        let config = self.def.fill(config);
        self.object.call(method, |object| call(object, &config))
    }

    /// The configurations of at most `maximum` tasks.
    pub(super) fn divide(
        &mut self,
        maximum: u32,
        divide: impl FnOnce(&mut T, usize) -> Result<Vec<Config>>,
    ) -> AbiResult<AbiVec<Pairs>> {
        let maximum = usize::try_from(maximum).unwrap_or(usize::MAX);
        self.object.call("task_configs", |object| Ok(divide(object, maximum)?.iter().map(Config::to_pairs).collect()))
    }
}
