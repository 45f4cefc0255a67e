//! The connector, for either set of keys.

use crate::options::{Options, Wrong};
use crate::task::HttpSinkTask;
use ferroconnect_plugin_sdk::{
    Config, ConfigValue, Description, Error, Plugin, Record, Result, SinkContext, SinkTask, TopicPartition, UniformSink,
};
use std::marker::PhantomData;

/// A set of keys.
pub trait Dialect: Default + Send + Sync + 'static {
    /// The connector that it belongs to.
    fn description() -> Description;

    /// What a configuration means.
    ///
    /// # Errors
    /// A key whose value is wrong, by itself or beside another.
    fn options(config: &Config) -> Result<Options, Wrong>;
}

/// The connector: its tasks all send to the same place.
#[derive(Debug, Default)]
pub struct HttpSink<D> {
    dialect: PhantomData<D>,
}

impl<D: Dialect> Plugin for HttpSink<D> {
    fn describe() -> Description {
        D::description()
    }
}

impl<D: Dialect> UniformSink for HttpSink<D> {
    type Task = Task<D>;

    fn check(config: &Config) -> Result<()> {
        D::options(config).map_err(|wrong| wrong.into_error(config))?;
        Ok(())
    }

    fn validate(config: &Config) -> Result<Vec<ConfigValue>> {
        Ok(D::options(config).err().and_then(|wrong| wrong.into_value(config)).into_iter().collect())
    }
}

/// A task that reads its configuration with one set of keys.
#[derive(Default)]
pub struct Task<D> {
    running: Option<HttpSinkTask>,
    dialect: PhantomData<D>,
}

impl<D: Dialect> SinkTask for Task<D> {
    fn start(&mut self, context: SinkContext, config: Config) -> Result<()> {
        let options = D::options(&config).map_err(|wrong| wrong.into_error(&config))?;
        self.running = Some(HttpSinkTask::new(context, options));
        Ok(())
    }

    fn close(&mut self, partitions: &[TopicPartition]) -> Result<()> {
        if let Some(task) = &mut self.running {
            task.forget(partitions);
        }
        Ok(())
    }

    fn put(&mut self, records: &[Record]) -> Result<()> {
        let task = self.running.as_mut().ok_or_else(|| Error::fatal("the task was used before start"))?;
        task.put(records)
    }

    fn stop(&mut self) -> Result<()> {
        self.running = None;
        Ok(())
    }
}
