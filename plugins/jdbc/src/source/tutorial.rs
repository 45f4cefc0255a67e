//! The example source of the "MySQL to Redis" tutorial, as a preset of the source.

use super::connector::{FETCHED, JdbcSource, TABLES as TASK_TABLES};
use super::keys;
use super::stream::Style;
use super::task::JdbcSourceTask;
use crate::settings::keys as connection_keys;
use ferroconnect_plugin_sdk::{
    Batch, Config, ConfigDef, ConfigValue, ConnectorContext, Description, Key, Plugin, Result, SourceConnector,
    SourceContext, SourceOffsetChange, SourceTask, Support,
};

const URL: &str = "database.url";
const USER: &str = "database.username";
const PASSWORD: &str = "database.password";
const TABLES: &str = "database.tables";
/// The keys that stand for keys of the source.
const SAME: [(&str, &str); 4] = [
    (URL, connection_keys::URL),
    (USER, connection_keys::USER),
    (PASSWORD, connection_keys::PASSWORD),
    (TABLES, keys::WHITELIST),
];

/// Keys that mean here what they mean there, in the configuration of a task.
const INNER: [&str; 3] = [TASK_TABLES, FETCHED, keys::POLL_INTERVAL];

/// Reads new rows of tables: the topic is the table's name, the key the column that the database counts up, as text.
#[derive(Debug, Default)]
pub struct ExampleSource {
    source: JdbcSource,
    config: Config,
}

impl Plugin for ExampleSource {
    fn describe() -> Description {
        let def = ConfigDef::new()
            .key(Key::string(URL).required().non_empty().high().doc("The JDBC URL of the database."))
            .key(Key::string(USER).high().doc("The user."))
            .key(Key::password(PASSWORD).high().doc("The user's password."))
            .key(Key::list(TABLES).required().non_empty().high().doc("The tables to read."))
            .key(
                Key::int(keys::POLL_INTERVAL)
                    .default_value("1000")
                    .at_least(0)
                    .low()
                    .doc("How long to wait from one look at a table to the next, in milliseconds."),
            );
        Description::new("com.github.taven.source.ExampleSourceConnector", env!("CARGO_PKG_VERSION"))
            .task_class("com.github.taven.source.ExampleSourceTask")
            .doc("Reads new rows of tables, as the example of a well-known tutorial does; a preset of JdbcSource.")
            .config(def)
    }
}

/// The source's own configuration for the preset's, or one of its tasks.
fn translated(config: &Config) -> Config {
    let mut source = Config::default();
    for (own, key) in SAME {
        if let Some(value) = config.get(own) {
            source.set(key, value);
        }
    }
    source.set(keys::MODE, "incrementing");
    for key in INNER {
        if let Some(value) = config.get(key) {
            source.set(key, value);
        }
    }
    keys::definition().fill(&source.to_pairs())
}

impl SourceConnector for ExampleSource {
    type Task = ExampleSourceTask;

    fn validate(&self, config: &Config) -> Result<Vec<ConfigValue>> {
        let mut answers = self.source.validate(&translated(config))?;
        for answer in &mut answers {
            if let Some((own, _)) = SAME.iter().find(|(_, key)| answer.name == *key) {
                answer.name = (*own).into();
            }
        }
        Ok(answers)
    }

    fn start(&mut self, context: ConnectorContext, config: Config) -> Result<()> {
        self.source.start(context, translated(&config))?;
        self.config = config;
        Ok(())
    }

    fn task_configs(&mut self, maximum: usize) -> Result<Vec<Config>> {
        // Under the keys of the connector's configuration, for there the worker puts variables back in place of secrets.
        let own = |task: Config| {
            let mut own = self.config.clone();
            for key in INNER {
                if let Some(value) = task.get(key) {
                    own.set(key, value);
                }
            }
            own
        };
        Ok(self.source.task_configs(maximum)?.into_iter().map(own).collect())
    }

    fn stop(&mut self) -> Result<()> {
        self.source.stop()
    }

    fn alter_offsets(&mut self, config: &Config, change: &SourceOffsetChange) -> Result<bool> {
        self.source.alter_offsets(&translated(config), change)
    }

    fn exactly_once_support(&self, config: &Config) -> Result<Support> {
        self.source.exactly_once_support(&translated(config))
    }
}

/// The preset's task.
#[derive(Default)]
pub struct ExampleSourceTask {
    task: JdbcSourceTask,
}

impl SourceTask for ExampleSourceTask {
    fn start(&mut self, context: SourceContext, config: Config) -> Result<()> {
        self.task.begin(&context, &translated(&config), Style::Tutorial)
    }

    fn poll(&mut self, batch: &mut Batch<'_>) -> Result<()> {
        self.task.poll(batch)
    }

    fn stop(&mut self) -> Result<()> {
        self.task.stop()
    }
}
