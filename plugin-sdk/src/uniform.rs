//! Sinks whose connector has nothing to do of its own, as with most sinks.

use crate::config::Config;
use crate::connector::{SinkConnector, SinkTask};
use crate::context::ConnectorContext;
use crate::error::Result;
use crate::export::{Description, Plugin};
use crate::offsets::SinkOffsetChange;
use ferroconnect_plugin_abi::config::ConfigValue;
use std::marker::PhantomData;

/// A sink whose tasks are all alike, and whose place in the topics is kept by Kafka alone. Export it as
/// [`Uniform<Self>`](Uniform); for anything else there is [`SinkConnector`].
pub trait UniformSink: Plugin + 'static {
    /// What writes the records. All tasks get the connector's configuration.
    type Task: SinkTask;

    /// Whether it can start with this configuration.
    ///
    /// # Errors
    /// Why it cannot; the connector fails with this.
    fn check(config: &Config) -> Result<()> {
        let _ = config;
        Ok(())
    }

    /// Checks keys in relation to each other; see [`SinkConnector::validate`].
    ///
    /// # Errors
    /// The check itself failed.
    fn validate(config: &Config) -> Result<Vec<ConfigValue>> {
        let _ = config;
        Ok(Vec::new())
    }
}

/// The connector of a [`UniformSink`].
#[derive(Debug)]
pub struct Uniform<S> {
    config: Config,
    sink: PhantomData<fn() -> S>,
}

impl<S> Default for Uniform<S> {
    fn default() -> Uniform<S> {
        Uniform { config: Config::default(), sink: PhantomData }
    }
}

impl<S: UniformSink> Plugin for Uniform<S> {
    fn describe() -> Description {
        S::describe()
    }
}

impl<S: UniformSink> SinkConnector for Uniform<S> {
    type Task = S::Task;

    fn validate(&self, config: &Config) -> Result<Vec<ConfigValue>> {
        S::validate(config)
    }

    fn start(&mut self, _: ConnectorContext, config: Config) -> Result<()> {
        S::check(&config)?;
        self.config = config;
        Ok(())
    }

    fn task_configs(&mut self, maximum: usize) -> Result<Vec<Config>> {
        Ok(vec![self.config.clone(); maximum])
    }

    fn alter_offsets(&mut self, _: &Config, _: &SinkOffsetChange) -> Result<bool> {
        // Nothing is kept outside Kafka, so every offset is fine.
        Ok(true)
    }
}
