//! Records of topics as rows of tables.
//!
//! `plan` makes rows of records: `shape` says which columns there are, `bind` what goes into them (`auto_schema` comes
//! before, for OpenMLDB). `writer` sends rows to the database in one transaction, after `structure` has seen to the tables.
//! `delivery` decides what happens when that fails, with one batch being written `ahead` of the next; `positions` keeps
//! offsets beside the rows for those who want each record exactly once.

mod ahead;
mod auto_schema;
mod bind;
mod config;
mod delivery;
mod failure;
mod keys;
mod plan;
mod positions;
mod shape;
mod structure;
mod writer;

use crate::dialect::Database;
use crate::openmldb::{self, API_SERVER, API_SERVER_KEY};
use crate::settings::{ConnectionSettings, WrongKey};
use crate::sink::config::{InsertMode, OffsetsTable, PkMode, Settings};
use crate::sink::delivery::Delivery;
use crate::sink::positions::Positions;
use crate::sink::writer::Writer;
use ferroconnect_plugin_sdk::{
    AbiVec, Config, ConfigDef, ConfigValue, ConnectorContext, Description, Error, PartitionOffset, Plugin, Record,
    Result, SinkConnector, SinkContext, SinkOffsetChange, SinkTask, StopSignal, TopicPartition, info, warn,
};

/// The worker's key that says which errors of a `put` reject its records.
const PUT_ERRORS: &str = "errors.deadletterqueue.put.errors";

/// Writes the records of topics to tables.
#[derive(Debug, Default)]
pub struct JdbcSink {
    config: Config,
}

/// All keys of the sink.
fn def() -> ConfigDef {
    let group = "Connection";
    let def = ConnectionSettings::define(ConfigDef::new(), group, None);
    keys::keys(
        def.key(ConnectionSettings::zone_key())
            .key(ConnectionSettings::quote_key())
            .key(ConnectionSettings::aiven_quote_key()),
    )
}

impl Plugin for JdbcSink {
    fn describe() -> Description {
        Description::new("io.confluent.connect.jdbc.JdbcSinkConnector", env!("CARGO_PKG_VERSION"))
            .alias("io.aiven.connect.jdbc.JdbcSinkConnector")
            .alias("JdbcSinkConnector")
            .alias("JdbcSink")
            .task_class("io.confluent.connect.jdbc.sink.JdbcSinkTask")
            .doc("Writes the records of topics to tables of MySQL, MariaDB, PostgreSQL or SQLite.")
            .config(def())
    }
}

impl SinkConnector for JdbcSink {
    type Task = JdbcSinkTask;

    fn validate(&self, config: &Config) -> Result<Vec<ConfigValue>> {
        let mut problems = config::problems(config);
        let mut wrong: Vec<(String, String)> = Vec::new();
        match database(config) {
            Ok(database) => problems.extend(config::problems_with(database.url.database, config)),
            Err(WrongKey { key, why }) => wrong.push((key, why)),
        }
        wrong.extend(problems.into_iter().map(|(key, why)| (key.to_owned(), why)));
        let value = |(key, why): (String, String)| ConfigValue {
            value: config.get(&key).map(Into::into).into(),
            name: key.into(),
            recommended: AbiVec::new(),
            errors: vec![why.into()].into(),
            visible: true,
        };
        Ok(wrong.into_iter().map(value).collect())
    }

    fn start(&mut self, _: ConnectorContext, config: Config) -> Result<()> {
        let (database, settings) = read(&config)?;
        database.warn_of_unknown_parameters();
        info!("Writes to {}", database.url);
        warn_of_duplicates(&settings);
        self.config = config;
        Ok(())
    }

    fn task_configs(&mut self, maximum: usize) -> Result<Vec<Config>> {
        Ok(vec![self.config.clone(); maximum])
    }

    fn alter_offsets(&mut self, config: &Config, change: &SinkOffsetChange) -> Result<bool> {
        if let Some(OffsetsTable { table, connector }) = config::offsets_table(config)? {
            let mut connection = database(config)?.connect(&StopSignal::default())?;
            Positions::new(&table, &connector).alter(connection.as_mut(), change)?;
        }
        // Without such a table nothing is kept outside Kafka, so every offset is fine.
        Ok(true)
    }
}

/// The settings of the connection, those that are about OpenMLDB included.
fn database(config: &Config) -> std::result::Result<ConnectionSettings, WrongKey> {
    let mut database = ConnectionSettings::parse(config)?;
    if database.url.database == Database::OpenMldb {
        let parameters = &mut database.url.parameters;
        if let Some(server) = config.get(API_SERVER_KEY) {
            parameters.set_default(API_SERVER, server);
        }
        if parameters.get(&[API_SERVER]).is_none() {
            return Err(WrongKey::new(API_SERVER_KEY, openmldb::missing_server()));
        }
    }
    Ok(database)
}

fn read(config: &Config) -> Result<(ConnectionSettings, Settings)> {
    let database = database(config)?;
    if let Some((key, why)) = config::problems_with(database.url.database, config).into_iter().next() {
        return Err(WrongKey::new(key, why).into());
    }
    Ok((database, Settings::parse(config)?))
}

/// Records come again after a crash or a rebalance; says what that means here.
fn warn_of_duplicates(settings: &Settings) {
    match (settings.mode, &settings.pk) {
        _ if settings.offsets.is_some() => {}
        (InsertMode::Insert, PkMode::None) => warn!(
            "insert.mode=insert without key columns: records that are delivered again after a crash or a rebalance \
             become rows again. insert.mode=upsert with pk.mode=record_key, record_value or kafka avoids that, and so does \
             offsets.table"
        ),
        (InsertMode::Insert, _) => warn!(
            "insert.mode=insert with key columns: records that are delivered again after a crash or a rebalance meet \
             the rows that are there already, which is an error. insert.mode=upsert or offsets.table avoids that"
        ),
        (InsertMode::Upsert | InsertMode::Update, _) => {}
    }
}

/// The task.
#[derive(Default)]
pub struct JdbcSinkTask {
    delivery: Option<Delivery>,
}

impl SinkTask for JdbcSinkTask {
    fn start(&mut self, context: SinkContext, config: Config) -> Result<()> {
        let (database, settings) = read(&config)?;
        let (retries, pause) = (settings.max_retries, settings.retry_backoff);
        let writer = Writer::new(settings, database, context.stop().clone());
        // The worker holds the records of a failed `put` to be bad where it is told to, so they must be those that are.
        let may_run_ahead = config.get(PUT_ERRORS).is_none_or(|which| ["", "none"].contains(&which));
        let mut delivery = Delivery::new(context, writer, retries, pause, may_run_ahead);
        delivery.connect()?;
        self.delivery = Some(delivery);
        Ok(())
    }

    fn open(&mut self, partitions: &[TopicPartition]) -> Result<()> {
        self.forget_progress(partitions);
        Ok(())
    }

    fn close(&mut self, partitions: &[TopicPartition]) -> Result<()> {
        self.forget_progress(partitions);
        Ok(())
    }

    fn pre_commit(&mut self, offsets: Vec<PartitionOffset>) -> Result<Vec<PartitionOffset>> {
        match &mut self.delivery {
            Some(delivery) => delivery.written(offsets),
            None => Ok(offsets),
        }
    }

    fn put(&mut self, records: &[Record]) -> Result<()> {
        self.delivery.as_mut().ok_or_else(|| Error::fatal("put was called before start"))?.put(records)
    }

    fn stop(&mut self) -> Result<()> {
        self.delivery = None;
        Ok(())
    }
}

impl JdbcSinkTask {
    fn forget_progress(&mut self, partitions: &[TopicPartition]) {
        if let Some(delivery) = &mut self.delivery {
            delivery.forget_progress(partitions);
        }
    }
}
