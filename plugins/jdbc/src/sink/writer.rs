//! One attempt to write some records: all of them in one transaction over all tables, or none.

use crate::db::{Connection, Isolation};
use crate::dialect::{Database, Dml};
use crate::link::Link;
use crate::settings::ConnectionSettings;
use crate::sink::auto_schema::AutoSchema;
use crate::sink::bind::Binder;
use crate::sink::config::Settings;
use crate::sink::failure::Failure;
use crate::sink::plan::{Planner, Run, TablePlan, named};
use crate::sink::positions::Positions;
use crate::sink::structure::Tables;
use ferroconnect_plugin_sdk::{Record, StopSignal};
use jiff::tz::TimeZone;
use std::sync::Arc;
use std::time::Duration;

/// How long a write may go on after the task was told to stop: what is broken off comes again, and of what is broken off
/// while it is committed nobody knows whether it was written. Well below the time that a worker gives a task to stop.
const GRACE: Duration = Duration::from_secs(2);

/// Writes records over one connection, which it opens when it needs one.
pub(crate) struct Writer {
    auto_schema: Option<AutoSchema>,
    positions: Option<Positions>,
    planner: Planner,
    tables: Tables,
    link: Link,
}

impl Writer {
    pub(crate) fn new(settings: Settings, database: ConnectionSettings, stop: StopSignal) -> Writer {
        let settings = Arc::new(settings);
        // Timestamps of OpenMLDB are moments, which no zone changes.
        let zone = match database.url.database {
            Database::OpenMldb => TimeZone::UTC,
            _ => database.zone.clone(),
        };
        let binder = Binder::new(&settings, zone);
        Writer {
            auto_schema: settings.auto_schema.then(|| AutoSchema::new(database.zone.clone())),
            positions: settings.offsets.as_ref().map(|offsets| Positions::new(&offsets.table, &offsets.connector)),
            planner: Planner::new(Arc::clone(&settings), binder.clone()),
            tables: Tables::new(settings, binder),
            link: Link::new(database, stop, GRACE),
        }
    }

    /// Whether offsets are kept beside the rows.
    pub(crate) fn keeps_positions(&self) -> bool {
        self.positions.is_some()
    }

    /// Writes all of the records, or none and says why. Only a connection that breaks during the commit leaves it open
    /// which of both it was.
    pub(crate) fn write(&mut self, records: &[&Record]) -> Result<(), Failure> {
        let outcome = self.write_open(records);
        if let Err(failure) = &outcome {
            self.recover(failure);
            // What failed may have been committed all the same, or by another task.
            if let Some(positions) = &mut self.positions {
                positions.forget();
            }
        }
        outcome
    }

    /// Leaves nothing behind of what failed: no transaction, no broken connection, no doubtful knowledge of tables.
    fn recover(&mut self, failure: &Failure) {
        self.tables.forget();
        match failure {
            Failure::Sql(error) if error.may_work_later() || error.is_interrupted() => self.link.close(),
            _ => self.link.roll_back(),
        }
    }

    fn write_open(&mut self, records: &[&Record]) -> Result<(), Failure> {
        let open = self.not_written(records)?;
        let records = open.as_deref().unwrap_or(records);
        if records.is_empty() {
            return Ok(());
        }
        let made = self.with_schemas(records)?;
        let made = made.as_ref().map(|made| made.iter().collect::<Vec<_>>());
        let plan = self.planner.plan(made.as_deref().unwrap_or(records)).map_err(Failure::Record)?;
        let knew_tables = !self.tables.is_fresh();
        match self.attempt(&plan, records) {
            // A table was dropped or altered since it was looked at: look again before anybody hears of it.
            Err(failure) if knew_tables && failure.doubts_tables() => {
                self.recover(&failure);
                self.attempt(&plan, records)
            }
            outcome => outcome,
        }
    }

    /// Opens a connection unless there is one.
    pub(crate) fn connect(&mut self) -> Result<&mut dyn Connection, Failure> {
        self.link.get().map_err(Failure::Connect)
    }

    /// With `auto.schema` the same records with the schemas of their tables.
    fn with_schemas(&mut self, records: &[&Record]) -> Result<Option<Vec<Record>>, Failure> {
        let Writer { auto_schema: Some(auto_schema), link, tables, planner, .. } = self else { return Ok(None) };
        let connection = link.get().map_err(Failure::Connect)?;
        let mut made = Vec::with_capacity(records.len());
        for record in records {
            let table = planner.table_of(record);
            let columns = tables.columns(connection, &table)?;
            made.push(
                auto_schema.apply(&table, columns, record).map_err(|error| Failure::Record(named(record, &error)))?,
            );
        }
        Ok(Some(made))
    }

    /// Those of the records that are not in the database, where that is known.
    fn not_written<'a>(&mut self, records: &[&'a Record]) -> Result<Option<Vec<&'a Record>>, Failure> {
        let Writer { positions: Some(positions), link, .. } = self else { return Ok(None) };
        let connection = link.get().map_err(Failure::Connect)?;
        Ok(Some(positions.open(connection, records)?))
    }

    fn attempt(&mut self, plan: &[TablePlan], records: &[&Record]) -> Result<(), Failure> {
        let connection = self.link.get().map_err(Failure::Connect)?;
        transfer(connection, &mut self.tables, &mut self.positions, plan, records)
    }
}

/// Sees to the tables, then writes all rows in one transaction, and with them the positions behind their records.
fn transfer(
    connection: &mut dyn Connection,
    tables: &mut Tables,
    positions: &mut Option<Positions>,
    plan: &[TablePlan],
    records: &[&Record],
) -> Result<(), Failure> {
    let mut steps: Vec<(&str, &Run, Arc<Dml>)> = Vec::new();
    for TablePlan { table, runs } in plan {
        for run in runs {
            if let Some(dml) = tables.statement(connection, table, &run.shape, run.delete)? {
                steps.push((table, run, dml));
            }
        }
    }
    connection.begin(Isolation::ServerDefault)?;
    // First, so that of two tasks with one partition the second waits here for the first.
    let moved = match positions {
        Some(positions) => positions.advance(connection, records)?,
        None => Vec::new(),
    };
    for (table, run, dml) in steps {
        let written = connection.execute_batch(&dml, &run.rows);
        written.map_err(|error| error.context(format_args!("Table {table}")))?;
    }
    connection.commit()?;
    if let Some(positions) = positions {
        positions.moved(moved);
    }
    Ok(())
}
