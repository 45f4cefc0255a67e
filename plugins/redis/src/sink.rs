//! The sink: one connector and task for all presets.

use crate::VERSION;
use crate::layout::{self, Layout};
use crate::preset::{Preset, Settings};
use crate::value::Values;
use crate::writer::Writer;
use ferroconnect_plugin_sdk::{
    Config, ConfigValue, Description, Error, ErrorKind, Plugin, Record, Result, SinkContext, SinkTask, UniformSink,
};
use std::marker::PhantomData;
use std::time::Duration;

/// The connector under the names and keys of a preset.
#[derive(Debug)]
pub(crate) struct RedisSink<P> {
    preset: PhantomData<fn() -> P>,
}

impl<P> Default for RedisSink<P> {
    fn default() -> RedisSink<P> {
        RedisSink { preset: PhantomData }
    }
}

impl<P: Preset> Plugin for RedisSink<P> {
    fn describe() -> Description {
        let description = Description::new(P::CLASS, VERSION).task_class(P::TASK).doc(P::DOC).config(P::def());
        P::ALIASES.iter().fold(description, |description, alias| description.alias(alias))
    }
}

impl<P: Preset> UniformSink for RedisSink<P> {
    type Task = RedisSinkTask<P>;

    fn check(config: &Config) -> Result<()> {
        P::settings(config)?;
        Ok(())
    }

    fn validate(config: &Config) -> Result<Vec<ConfigValue>> {
        Ok(match P::settings(config) {
            Ok(_) => Vec::new(),
            Err(invalid) => invalid.into_values(config),
        })
    }
}

/// The task.
#[derive(Debug)]
pub(crate) struct RedisSinkTask<P> {
    running: Option<Running>,
    preset: PhantomData<fn() -> P>,
}

#[derive(Debug)]
struct Running {
    context: SinkContext,
    layout: Layout,
    values: Values,
    writer: Writer,
    /// How long the worker should wait before it tries again.
    pause: Duration,
}

impl<P> Default for RedisSinkTask<P> {
    fn default() -> RedisSinkTask<P> {
        RedisSinkTask { running: None, preset: PhantomData }
    }
}

impl<P: Preset> SinkTask for RedisSinkTask<P> {
    fn start(&mut self, context: SinkContext, config: Config) -> Result<()> {
        let Settings { server, layout, delivery } = P::settings(&config)?;
        let pause = server.delay;
        let writer = Writer::connect(server, delivery, context.stop())?;
        self.running = Some(Running { context, layout, values: Values::default(), writer, pause });
        Ok(())
    }

    fn put(&mut self, records: &[Record]) -> Result<()> {
        self.running.as_mut().ok_or_else(|| Error::fatal("the task was used before start"))?.put(records)
    }

    fn stop(&mut self) -> Result<()> {
        self.running = None;
        Ok(())
    }
}

impl Running {
    /// All answers are in when this returns, so there is nothing left for a flush.
    fn put(&mut self, records: &[Record]) -> Result<()> {
        let refused = match self.write(records) {
            Ok(refused) => refused,
            Err(error) => {
                if error.kind() == ErrorKind::RETRIABLE {
                    self.context.retry_after(self.pause);
                }
                return Err(error);
            }
        };
        // Only now, so that a batch that is written again reports each record once.
        for (place, error) in refused {
            let record = &records[place];
            let error = error.context(format!("Cannot write the record of {}", layout::place(record)));
            if !self.context.can_report() {
                return Err(error);
            }
            self.context.report(record.clone(), error)?;
        }
        Ok(())
    }

    fn write(&mut self, records: &[Record]) -> Result<Vec<(usize, Error)>> {
        let Running { layout, values, writer, .. } = self;
        if !writer.has_written(records) {
            writer.begin();
            for (place, record) in records.iter().enumerate() {
                writer.write(place, |commands| layout.write(values, record, commands))?;
            }
        }
        writer.finish(records)
    }
}
