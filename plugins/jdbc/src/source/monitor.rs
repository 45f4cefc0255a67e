//! The connector's thread that watches which tables there are.

use super::deletes::is_ledger;
use super::filter::TableChoice;
use super::keys;
use super::reader::of_database;
use super::settings::Settings;
use crate::db::{Connection, DbResult, TableFilter};
use crate::dialect::{Database, TableId};
use crate::link::Link;
use crate::watched::Watched;
use ferroconnect_plugin_sdk::{ConnectorContext, Error, Result, info, warn};
use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Watches the tables from a thread of its own.
#[derive(Debug)]
pub(super) struct Monitor {
    shared: Arc<Shared>,
    context: ConnectorContext,
    thread: Watched,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// The tables of the last look, sorted; an error that no later look can mend; none before the first look.
    found: Option<Result<Vec<TableId>>>,
    /// Whether tasks were made, which may have to change.
    asked: bool,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // The state is changed in one step.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes note of a look. True = the tasks have to be made anew.
    fn set(&self, found: Result<Vec<TableId>>) -> bool {
        let mut state = self.lock();
        let same = matches!((&state.found, &found), (Some(Ok(old)), Ok(new)) if old == new);
        state.found = Some(found);
        self.changed.notify_all();
        !same && state.asked
    }
}

impl Monitor {
    /// Starts to watch.
    pub(super) fn start(context: ConnectorContext, settings: Settings, choice: TableChoice) -> Result<Monitor> {
        let shared = Arc::<Shared>::default();
        let watch = Watch { shared: Arc::clone(&shared), context: context.clone(), choice, settings };
        let spawn = |name, body| context.spawn(name, body);
        let thread = Watched::start("jdbc-table-monitor", spawn, move || watch.run())?;
        Ok(Monitor { shared, context, thread })
    }

    /// The tables of the last look; none where the first one takes longer than `patience`.
    pub(super) fn tables(&self, patience: Duration) -> Result<Option<Vec<TableId>>> {
        let waiting = |state: &mut State| state.found.is_none() && !self.context.stop().is_stopped();
        let state = self.shared.changed.wait_timeout_while(self.shared.lock(), patience, waiting);
        let mut state = state.unwrap_or_else(PoisonError::into_inner).0;
        state.asked = true;
        state.found.clone().transpose()
    }

    /// Ends it.
    pub(super) fn stop(self) {
        self.context.stop().stop();
        self.thread.end();
    }
}

struct Watch {
    shared: Arc<Shared>,
    context: ConnectorContext,
    settings: Settings,
    choice: TableChoice,
}

impl Watch {
    fn run(self) {
        let stop = self.context.stop().clone();
        let shared = Arc::clone(&self.shared);
        stop.on_stop(move || shared.changed.notify_all());
        let mut link = Link::new(self.settings.connection.clone(), stop.clone(), Duration::ZERO);
        let mut missing = Vec::new();
        loop {
            match link.get().and_then(|connection| self.look(connection)) {
                Ok(tables) => {
                    self.tell_missing(&tables, &mut missing);
                    self.found(tables);
                }
                Err(_) if stop.is_stopped() => return,
                Err(error) => {
                    link.close();
                    if !error.may_work_later() && self.shared.lock().found.is_none() {
                        return self.fail(of_database(&error));
                    }
                    let pause = self.settings.table_interval.as_millis();
                    warn!("The tables could not be listed: {error}. The next look is in {pause} ms");
                }
            }
            if stop.wait_or_stop(self.settings.table_interval) {
                return;
            }
        }
    }

    fn look(&self, connection: &mut dyn Connection) -> DbResult<Vec<TableId>> {
        let dialect = connection.dialect();
        let mut catalogs = vec![self.settings.table_filter.catalog.clone()];
        if dialect.database == Database::MySql {
            catalogs.extend(self.choice.catalogs(dialect).into_iter().map(Some));
        }
        let mut tables = Vec::new();
        for catalog in catalogs {
            let filter = TableFilter { catalog, ..self.settings.table_filter.clone() };
            let listed = connection.tables(&filter)?.into_iter().map(|(table, _)| table);
            tables.extend(listed.filter(|table| self.choice.takes(dialect, table)));
        }
        tables.sort();
        tables.dedup();
        let Some(deletes) = &self.settings.deletes else { return Ok(tables) };
        let mut others = Vec::with_capacity(tables.len());
        for table in tables {
            if !is_ledger(&deletes.table, &table, connection)? {
                others.push(table);
            }
        }
        Ok(others)
    }

    /// Tells of names that no table has; once, as long as they are the same.
    fn tell_missing(&self, tables: &[TableId], told: &mut Vec<String>) {
        let missing = self.choice.missing(self.settings.connection.dialect, tables);
        if missing != *told && !missing.is_empty() {
            let names = missing.join(", ");
            warn!(
                "{} names tables that are not found: {names}. They are looked for every {} ms; names are \
                 held to their case",
                keys::WHITELIST,
                self.settings.table_interval.as_millis()
            );
        }
        *told = missing;
    }

    fn found(&self, tables: Vec<TableId>) {
        if let Err(error) = same_names(&tables) {
            return self.fail(error);
        }
        let count = tables.len();
        if self.shared.set(Ok(tables)) {
            info!("The tables to read have changed: there are {count} now. Asking for new tasks");
            self.context.request_task_reconfiguration();
        }
    }

    fn fail(&self, error: Error) {
        if self.shared.set(Err(error.clone())) {
            self.context.raise_error(error);
        }
    }
}

/// Refuses tables that would have one topic.
fn same_names(tables: &[TableId]) -> Result<()> {
    let mut names = BTreeMap::<&str, &TableId>::new();
    for table in tables {
        if let Some(other) = names.insert(&table.name, table) {
            return Err(Error::config(format!(
                "The tables {} and {} have the same name, so their rows would be mixed in one topic. Take one of them \
                 out, by {}, {} or {}, and give it a connector of its own",
                other.unquoted(),
                table.unquoted(),
                keys::WHITELIST,
                keys::EXCLUDE,
                keys::SCHEMA
            )));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_of_one_name_are_refused() {
        let table = |schema: &str, name: &str| TableId {
            catalog: None,
            schema: Some(schema.to_owned()),
            name: name.to_owned(),
        };
        assert!(same_names(&[table("a", "t"), table("a", "u")]).is_ok());
        let error = same_names(&[table("a", "t"), table("a", "u"), table("b", "t")]).unwrap_err();
        assert!(error.message().contains("a.t and b.t"), "{error}");
    }

    #[test]
    fn tasks_are_made_anew_when_tables_change_and_only_then() {
        let shared = Shared::default();
        let set = |tables: &[&str]| shared.set(Ok(tables.iter().copied().map(TableId::bare).collect()));
        assert!(!set(&["a"]), "nobody has asked yet");
        shared.lock().asked = true;
        assert!(!set(&["a"]));
        assert!(set(&["a", "b"]));
        assert!(!set(&["a", "b"]));
    }
}
