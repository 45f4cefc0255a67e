//! Connectors that do nothing and fail on demand.

use ferroconnect_plugin_sdk::{
    Batch, Config, ConfigDef, ConnectorContext, Description, Error, Key, Plugin, Record, Result, SinkConnector,
    SinkContext, SinkTask, SourceConnector, SourceContext, SourceTask, debug,
};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

const MODE: &str = "mock_mode";
const DELAY: &str = "delay_ms";
/// The longest wait between two looks at the clock.
const STEP: Duration = Duration::from_millis(250);

fn describe(what: &str) -> Description {
    let def = ConfigDef::new()
        .key(Key::string(MODE).doc("'connector-failure' or 'task-failure'; with anything else nothing fails."))
        .key(Key::long(DELAY).default_value("15000").at_least(0).doc("Milliseconds from the start to the failure."));
    let class = format!("org.apache.kafka.connect.tools.Mock{what}Connector");
    Description::new(&class, crate::VERSION)
        .alias(&format!("Mock{what}Connector"))
        .alias(&format!("Mock{what}"))
        .task_class(&format!("org.apache.kafka.connect.tools.Mock{what}Task"))
        .doc("Moves no records; the connector or its task fails after a while if it is told to.")
        .config(def)
}

fn delay(config: &Config) -> Result<Duration> {
    Ok(Duration::from_millis(config.parse(DELAY)?))
}

fn failure(what: &str) -> Error {
    Error::fatal(format!("This {what} fails because {MODE} says so")).with_class("java.lang.RuntimeException")
}

/// What both connectors do.
#[derive(Default)]
struct MockConnector {
    config: Config,
    running: Option<(ConnectorContext, JoinHandle<()>)>,
}

impl MockConnector {
    fn start(&mut self, context: ConnectorContext, config: Config) -> Result<()> {
        if config.get(MODE) == Some("connector-failure") {
            let (delay, raiser) = (delay(&config)?, context.clone());
            let thread = context.spawn("mock-connector-failure", move || {
                if !raiser.stop().wait_or_stop(delay) {
                    debug!("Triggering connector failure");
                    raiser.raise_error(failure("connector"));
                }
            })?;
            self.running = Some((context, thread));
        }
        self.config = config;
        Ok(())
    }

    fn task_configs(&self) -> Vec<Config> {
        vec![self.config.clone()]
    }

    fn stop(&mut self) -> Result<()> {
        if let Some((context, thread)) = self.running.take() {
            context.stop().stop();
            thread.join().map_err(|_| Error::fatal("the thread of the connector panicked"))?;
        }
        Ok(())
    }
}

/// When a task is to fail.
#[derive(Debug, Default)]
struct Fuse {
    at: Option<Instant>,
}

impl Fuse {
    fn light(config: &Config) -> Result<Fuse> {
        let lit = config.get(MODE) == Some("task-failure");
        Ok(Fuse { at: if lit { Some(Instant::now() + delay(config)?) } else { None } })
    }

    /// How long to wait before the next look; an error once the time has come.
    fn check(&self) -> Result<Duration> {
        let Some(at) = self.at else { return Ok(STEP) };
        let left = at.saturating_duration_since(Instant::now());
        if left.is_zero() {
            debug!("Triggering task failure");
            return Err(failure("task"));
        }
        Ok(left.min(STEP))
    }
}

/// A source that fails on demand.
#[derive(Default)]
pub struct MockSource {
    connector: MockConnector,
}

impl Plugin for MockSource {
    fn describe() -> Description {
        describe("Source")
    }
}

impl SourceConnector for MockSource {
    type Task = MockSourceTask;

    fn start(&mut self, context: ConnectorContext, config: Config) -> Result<()> {
        self.connector.start(context, config)
    }

    fn task_configs(&mut self, _: usize) -> Result<Vec<Config>> {
        Ok(self.connector.task_configs())
    }

    fn stop(&mut self) -> Result<()> {
        self.connector.stop()
    }
}

/// The task of [`MockSource`].
#[derive(Default)]
pub struct MockSourceTask {
    fuse: Fuse,
    context: Option<SourceContext>,
}

impl SourceTask for MockSourceTask {
    fn start(&mut self, context: SourceContext, config: Config) -> Result<()> {
        self.fuse = Fuse::light(&config)?;
        self.context = Some(context);
        Ok(())
    }

    fn poll(&mut self, _: &mut Batch<'_>) -> Result<()> {
        let wait = self.fuse.check()?;
        if let Some(context) = &self.context {
            context.stop().wait_or_stop(wait);
        }
        Ok(())
    }
}

/// A sink that fails on demand.
#[derive(Default)]
pub struct MockSink {
    connector: MockConnector,
}

impl Plugin for MockSink {
    fn describe() -> Description {
        describe("Sink")
    }
}

impl SinkConnector for MockSink {
    type Task = MockSinkTask;

    fn start(&mut self, context: ConnectorContext, config: Config) -> Result<()> {
        self.connector.start(context, config)
    }

    fn task_configs(&mut self, _: usize) -> Result<Vec<Config>> {
        Ok(self.connector.task_configs())
    }

    fn stop(&mut self) -> Result<()> {
        self.connector.stop()
    }
}

/// The task of [`MockSink`].
#[derive(Default)]
pub struct MockSinkTask {
    fuse: Fuse,
    context: Option<SinkContext>,
}

impl SinkTask for MockSinkTask {
    fn start(&mut self, context: SinkContext, config: Config) -> Result<()> {
        self.fuse = Fuse::light(&config)?;
        context.retry_after(self.fuse.check()?);
        self.context = Some(context);
        Ok(())
    }

    fn put(&mut self, _: &[Record]) -> Result<()> {
        let wait = self.fuse.check()?;
        if let Some(context) = &self.context {
            // So that the worker calls again in time, also without records.
            context.retry_after(wait);
        }
        Ok(())
    }
}
