//! The table with the keys of rows that were handed over.

use super::key::{Entry, RowId};
use super::{DeleteSettings, Removal};
use crate::db::{Connection, DbError, DbErrorKind, DbResult, Isolation, SqlValue, query_all};
use crate::dialect::{ColumnKind, Dialect, TableId};
use crate::link::Link;
use crate::own_table::{self, first_number};
use ferroconnect_plugin_sdk::StopSignal;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

const SUBJECT: &str = "subject";
const ID: &str = "id";
const KEY: &str = "row_key";
const RUN: &str = "removal_run";
const NUMBER: &str = "removal_number";
const ALL: [&str; 5] = [SUBJECT, ID, KEY, RUN, NUMBER];
/// How many keys are read or written at once.
const PAGE: usize = 5_000;

/// Writes keys down before their rows leave. Belongs to the thread that reads rows.
pub(in super::super) struct Ledger {
    link: Link,
    /// As the user names it.
    name: String,
    /// The table once it is known to be there.
    table: Option<TableId>,
    /// Keys that are not written yet.
    pending: BTreeMap<(Arc<str>, RowId), String>,
}

/// A key of the ledger.
pub(super) struct Known {
    pub(super) id: RowId,
    pub(super) text: String,
}

impl Ledger {
    /// Not connected yet.
    pub(in super::super) fn new(settings: &DeleteSettings, stop: StopSignal) -> Ledger {
        let link = Link::new(settings.connection.clone(), stop, Duration::ZERO);
        Ledger { link, name: settings.table.clone(), table: None, pending: BTreeMap::new() }
    }

    /// A row is about to be handed over: its key has to be written before.
    pub(in super::super) fn add(&mut self, entry: Entry) {
        self.pending.insert((entry.subject, entry.id), entry.text);
    }

    /// How many keys are not written yet.
    pub(super) fn pending(&self) -> usize {
        self.pending.len()
    }

    /// Writes what was added. After an error it is still to be written.
    pub(in super::super) fn write(&mut self) -> DbResult<()> {
        if self.pending.is_empty() {
            return Ok(());
        }
        let pending = std::mem::take(&mut self.pending);
        let row = |((subject, id), text): (&(Arc<str>, RowId), &String)| {
            vec![
                SqlValue::Text(subject.to_string()),
                SqlValue::Bytes(id.to_vec()),
                SqlValue::Text(text.clone()),
                // Handed over anew, it is not gone any more.
                SqlValue::Null,
                SqlValue::Null,
            ]
        };
        let rows: Vec<_> = pending.iter().map(row).collect();
        // This may be called from within a query, on whose thread PostgreSQL's driver can run no other.
        let write = || self.with(|connection, table| upsert(connection, table, &rows));
        let written = std::thread::scope(|scope| scope.spawn(write).join());
        let written = written.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        if written.is_err() {
            self.pending = pending;
        }
        written
    }

    /// Whether all keys of a table that may have been handed over stand here: the last run that said so.
    pub(super) fn complete_since(&mut self, subject: &str) -> DbResult<Option<i64>> {
        let key = mark_of(subject);
        self.with(|connection, table| {
            let dialect = connection.dialect();
            let sql = format!(
                "SELECT {} FROM {} WHERE {} = {} AND {} = {}",
                dialect.name(RUN),
                dialect.table(table),
                dialect.name(SUBJECT),
                dialect.placeholder(1),
                dialect.name(ID),
                dialect.placeholder(2),
            );
            first_number(connection, &sql, &key)
        })
    }

    /// Takes note that they do, from this run on. `title` tells people what the subject stands for.
    pub(super) fn set_complete(&mut self, subject: &str, run: i64, title: &str) -> DbResult<()> {
        let rest = [SqlValue::Text(title.to_owned()), SqlValue::Int(run), SqlValue::Null];
        let row = mark_of(subject).into_iter().chain(rest).collect();
        self.with(|connection, table| upsert(connection, table, &[row]))
    }

    /// Takes note that they may not.
    pub(super) fn set_incomplete(&mut self, subject: &str) -> DbResult<()> {
        let row = mark_of(subject).to_vec();
        self.with(|connection, table| {
            let delete = connection.dialect().delete(table, &[SUBJECT, ID]);
            connection.execute_batch(&delete, &[row]).map(|_| ())
        })
    }

    /// The keys of a table behind this one that the run has not marked as gone, ascending, a limited number of them.
    pub(super) fn keys(&mut self, subject: &str, behind: Option<RowId>, run: i64) -> DbResult<Vec<Known>> {
        let behind = behind.map_or(Vec::new(), |id| id.to_vec());
        let parameters = [SqlValue::Text(subject.to_owned()), SqlValue::Bytes(behind), SqlValue::Int(run)];
        let rows = self.with(|connection, table| {
            let dialect = connection.dialect();
            let (id, run) = (dialect.name(ID), dialect.name(RUN));
            // The mark of a complete ledger has the empty id, which is not behind the empty one.
            let sql = format!(
                "SELECT {id}, {} FROM {} WHERE {} = {} AND {id} > {} AND ({run} IS NULL OR {run} <> {}) ORDER BY {id} \
                 LIMIT {PAGE}",
                dialect.name(KEY),
                dialect.table(table),
                dialect.name(SUBJECT),
                dialect.placeholder(1),
                dialect.placeholder(2),
                dialect.placeholder(3),
            );
            Ok(query_all(connection, &sql, &parameters)?.1)
        })?;
        rows.into_iter().map(|row| known(row).ok_or_else(|| self.strange())).collect()
    }

    fn strange(&self) -> DbError {
        let why = format!("{} holds what no ledger of this connector holds; name another table", self.name);
        DbError::new(DbErrorKind::Permanent, why)
    }

    /// Takes note that records of deletions are on their way, before they are.
    pub(super) fn mark(&mut self, subject: &str, gone: &[(RowId, Removal)]) -> DbResult<()> {
        let row = |(id, removal): &(RowId, Removal)| {
            vec![
                SqlValue::Int(removal.run),
                SqlValue::Int(removal.number),
                SqlValue::Text(subject.to_owned()),
                SqlValue::Bytes(id.to_vec()),
            ]
        };
        let rows: Vec<_> = gone.iter().map(row).collect();
        self.with(|connection, table| {
            let update = connection.dialect().update(table, &[SUBJECT, ID], &[RUN, NUMBER]);
            connection.begin(Isolation::ServerDefault)?;
            connection.execute_batch(&update, &rows)?;
            connection.commit()
        })
    }

    /// Takes back what [`Ledger::mark`] said of records behind this one, which did not come on their way.
    pub(super) fn unmark(&mut self, subject: &str, behind: Removal) -> DbResult<u64> {
        self.with(|connection, table| {
            let dialect = connection.dialect();
            let (run, number) = (dialect.name(RUN), dialect.name(NUMBER));
            let change = format!("UPDATE {} SET {run} = NULL, {number} = NULL", dialect.table(table));
            connection.execute(&of_run(&change, dialect, ">"), &of_removal(subject, behind))
        })
    }

    /// Forgets the keys whose deletion has arrived: all of a run up to this one.
    pub(super) fn forget(&mut self, subject: &str, delivered: Removal) -> DbResult<u64> {
        self.with(|connection, table| {
            let dialect = connection.dialect();
            let change = format!("DELETE FROM {}", dialect.table(table));
            connection.execute(&of_run(&change, dialect, "<="), &of_removal(subject, delivered))
        })
    }

    /// Does something with the table, which is created unless it is there. After an error the next call begins anew.
    fn with<T>(&mut self, act: impl FnOnce(&mut dyn Connection, &TableId) -> DbResult<T>) -> DbResult<T> {
        let (name, known) = (&self.name, &mut self.table);
        let result = self.link.get().and_then(|connection| {
            let table = match known {
                Some(table) => table,
                None => known.insert(find_or_create(connection, name)?),
            };
            act(connection, table)
        });
        result.map_err(|error| {
            self.link.close();
            self.table = None;
            // Without the SQLSTATE: that the ledger is missing must not look as if a table to read were.
            DbError::new(error.kind(), format!("Keys of rows cannot be kept in {}: {error}", self.name))
        })
    }
}

/// Whether a table is one that a ledger of this name is kept in. Its columns say so, not where it is: one database has many
/// URLs.
pub(in super::super) fn is_ledger(name: &str, table: &TableId, connection: &mut dyn Connection) -> DbResult<bool> {
    let wanted = connection.dialect().parse_table(name).name;
    if !wanted.eq_ignore_ascii_case(&table.name) {
        return Ok(false);
    }
    let columns = connection.columns(table)?;
    Ok(columns.iter().map(|column| column.name.as_str()).eq(ALL))
}

/// A change of the keys of a table and a run whose numbers compare so with one; see [`of_removal`].
fn of_run(change: &str, dialect: Dialect, compare: &str) -> String {
    let (subject, run, number) = (dialect.name(SUBJECT), dialect.name(RUN), dialect.name(NUMBER));
    let place = |number| dialect.placeholder(number);
    format!("{change} WHERE {subject} = {} AND {run} = {} AND {number} {compare} {}", place(1), place(2), place(3))
}

fn of_removal(subject: &str, removal: Removal) -> [SqlValue; 3] {
    [SqlValue::Text(subject.to_owned()), SqlValue::Int(removal.run), SqlValue::Int(removal.number)]
}

/// The key of the row that says that a ledger is complete.
fn mark_of(subject: &str) -> [SqlValue; 2] {
    [SqlValue::Text(subject.to_owned()), SqlValue::Bytes(Vec::new())]
}

fn known(row: Vec<SqlValue>) -> Option<Known> {
    match <[SqlValue; 2]>::try_from(row) {
        Ok([SqlValue::Bytes(id), SqlValue::Text(text)]) => Some(Known { id: id.try_into().ok()?, text }),
        _ => None,
    }
}

/// Writes rows, whose keys all differ, in the order of [`ALL`].
fn upsert(connection: &mut dyn Connection, table: &TableId, rows: &[Vec<SqlValue>]) -> DbResult<()> {
    let (keys, others) = ALL.split_at(2);
    let unfit = || DbError::new(DbErrorKind::Permanent, "This database cannot keep keys");
    let dml = connection.dialect().upsert(table, keys, others).ok_or_else(unfit)?;
    rows.chunks(PAGE).try_for_each(|rows| connection.execute_batch(&dml, rows).map(|_| ()))
}

fn find_or_create(connection: &mut dyn Connection, name: &str) -> DbResult<TableId> {
    let columns = [
        own_table::column(SUBJECT, ColumnKind::String, true, false),
        own_table::column(ID, ColumnKind::Bytes, true, false),
        own_table::column(KEY, ColumnKind::String, false, false),
        own_table::column(RUN, ColumnKind::Int64, false, true),
        own_table::column(NUMBER, ColumnKind::Int64, false, true),
    ];
    own_table::find_or_create(connection, name, &columns, "the keys of rows")
}
