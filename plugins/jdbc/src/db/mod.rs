//! Databases as source and sink see them: one trait, three drivers.
//!
//! [`crate::settings::ConnectionSettings::connect`] opens a connection. A connection belongs to one thread at a time; only
//! its [`Interrupter`] is for others. After an error of kind [`DbErrorKind::Connection`] or
//! [`DbErrorKind::Interrupted`] it is of no more use: drop it and open another.

pub mod error;
mod hosts;
mod instant;
mod mysql;
mod postgres;
mod size;
mod sqlite;
mod tls;
pub mod value;

pub use error::{DbError, DbErrorKind, DbResult};
pub(crate) use hosts::told_to_stop;
pub use instant::Instant;
pub(crate) use sqlite::date_time as sqlite_date_time;
pub use value::{Column, Decimal, SqlValue, TypeClass};

use crate::dialect::{Database, Dialect, Dml, TableId};
use crate::url::JdbcUrl;
use ferroconnect_plugin_sdk::StopSignal;
use jiff::tz::TimeZone;
use std::ops::ControlFlow;
use std::sync::Arc;

/// How far a transaction is kept apart from others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Isolation {
    /// What the server is set to.
    #[default]
    ServerDefault,
    /// Sees what others have not committed.
    ReadUncommitted,
    /// Sees what was committed when a statement began.
    ReadCommitted,
    /// Sees what was committed when the transaction began.
    RepeatableRead,
    /// As if it ran alone.
    Serializable,
}

/// What a table is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TableKind {
    /// A table that holds rows.
    Table,
    /// A table whose partitions hold the rows (PostgreSQL).
    PartitionedTable,
    /// A view, a materialised one too.
    View,
    /// A table of the database system's own.
    SystemTable,
    /// A temporary table.
    LocalTemporary,
}

impl TableKind {
    /// Its name in `table.types`.
    pub fn jdbc_name(self) -> &'static str {
        match self {
            TableKind::Table => "TABLE",
            TableKind::PartitionedTable => "PARTITIONED TABLE",
            TableKind::View => "VIEW",
            TableKind::SystemTable => "SYSTEM TABLE",
            TableKind::LocalTemporary => "LOCAL TEMPORARY",
        }
    }
}

/// Which tables to list.
#[derive(Debug, Clone, Default)]
pub struct TableFilter {
    /// Only of this catalog (MySQL: database). None = the one that is connected to.
    pub catalog: Option<String>,
    /// Only of schemas like this (`%` and `_` as in LIKE); PostgreSQL only. None = all but the system's.
    pub schema: Option<String>,
    /// Only these kinds; names as in `table.types`, in any case. Names that a database does not have find nothing.
    pub types: Vec<String>,
}

impl TableFilter {
    /// Whether tables of this kind are asked for.
    pub fn takes(&self, kind: TableKind) -> bool {
        self.types.iter().any(|name| name.trim().eq_ignore_ascii_case(kind.jdbc_name()))
    }
}

/// Takes the rows of a query as they arrive.
///
/// Either call may block: the server is then held back, and nothing piles up in memory.
pub trait RowSink {
    /// The columns, once, before the first row, also where there are no rows. `Break` ends the query.
    fn columns(&mut self, columns: &[Column]) -> ControlFlow<()>;

    /// A row. The vector is used again for the next one: take the values out of it (`drain(..)`, `mem::take`).
    /// `Break` ends the query.
    fn row(&mut self, row: &mut Vec<SqlValue>) -> ControlFlow<()>;
}

/// Whether a query was read to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// All rows were handed over.
    AtEnd,
    /// The sink said `Break`. The connection is closed: the rest of the rows was not waited for.
    Early,
}

/// Breaks a call that runs on another thread. Cheap to clone; of no effect when no call runs or the connection is gone.
#[derive(Clone)]
pub struct Interrupter(Arc<dyn Fn() + Send + Sync>);

impl Interrupter {
    /// From what does it.
    pub fn new(interrupt: impl Fn() + Send + Sync + 'static) -> Interrupter {
        Interrupter(Arc::new(interrupt))
    }

    /// The call that runs now, and each later one, ends with [`DbErrorKind::Interrupted`]. Does not block.
    pub fn interrupt(&self) {
        (self.0)();
    }
}

impl std::fmt::Debug for Interrupter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Interrupter")
    }
}

/// A connection to a database. Outside of [`Connection::begin`] … [`Connection::commit`] each statement commits itself.
///
/// Placeholders in the text of a statement are those of the dialect: [`Dialect::placeholder`].
pub trait Connection: Send {
    /// How SQL is written for it.
    fn dialect(&self) -> Dialect;

    /// Runs a statement that gives no rows. Without parameters several may stand in it, separated by semicolons.
    /// Returns how many rows it changed.
    fn execute(&mut self, sql: &str, parameters: &[SqlValue]) -> DbResult<u64>;

    /// Runs a query and hands its rows over as they arrive, in memory that does not grow with their number.
    fn query(&mut self, sql: &str, parameters: &[SqlValue], rows: &mut dyn RowSink) -> DbResult<Ended>;

    /// The columns that a query would give, without running it: fails where it is wrong.
    fn describe(&mut self, sql: &str) -> DbResult<Vec<Column>>;

    /// Whether COPY does to this table what INSERT does, so that [`Dml::with_copy`] may be asked for.
    fn takes_copy(&mut self, _table: &TableId) -> DbResult<bool> {
        Ok(false)
    }

    /// Runs one statement for each of `rows` (values in the order of [`Dml::parameters`]), several rows in one statement
    /// where [`Dml`] allows. Returns how many rows of the table changed, as the server counts (MySQL counts 2 for an
    /// upsert that updates). Rows of one upsert must differ in their keys: PostgreSQL refuses others.
    fn execute_batch(&mut self, dml: &Dml, rows: &[Vec<SqlValue>]) -> DbResult<u64>;

    /// Begins a transaction. A level that the server does not have is an error of kind [`DbErrorKind::Permanent`].
    fn begin(&mut self, isolation: Isolation) -> DbResult<()>;

    /// Commits it.
    fn commit(&mut self) -> DbResult<()>;

    /// Rolls it back; without one it does nothing.
    fn rollback(&mut self) -> DbResult<()>;

    /// The tables there are, by name. Those of the system are left out unless `SYSTEM TABLE` is asked for.
    fn tables(&mut self, filter: &TableFilter) -> DbResult<Vec<(TableId, TableKind)>>;

    /// A table as the server finds it by this name (search path, current database, case rules of the server), with the
    /// missing parts of its name filled in; none where there is no such table.
    fn find_table(&mut self, table: &TableId) -> DbResult<Option<(TableId, TableKind)>>;

    /// The columns of a table in their order; empty where there is no such table.
    fn columns(&mut self, table: &TableId) -> DbResult<Vec<Column>>;

    /// The server's clock without a zone, to microseconds at most: as `CURRENT_TIMESTAMP` of the session on MySQL, in
    /// `db.timezone` (which is the session's zone) on PostgreSQL, in UTC on SQLite. It is what columns are compared with.
    fn now(&mut self) -> DbResult<jiff::civil::DateTime>;

    /// Asks the server whether the connection still works.
    fn ping(&mut self) -> DbResult<()>;

    /// What breaks a call of this connection from another thread.
    fn interrupter(&self) -> Interrupter;
}

/// Tries once to connect, to the hosts of the URL in their order. Ends when `stop` does. `zone` becomes the session's
/// zone on PostgreSQL, as the JDBC driver does it with Java's. Most callers want
/// [`crate::settings::ConnectionSettings::connect`].
pub fn open(url: &JdbcUrl, dialect: Dialect, zone: &TimeZone, stop: &StopSignal) -> DbResult<Box<dyn Connection>> {
    match url.database {
        Database::MySql => Ok(Box::new(mysql::MySqlConnection::open(url, dialect, stop)?)),
        Database::Postgres => Ok(Box::new(postgres::PostgresConnection::open(url, dialect, zone, stop)?)),
        Database::Sqlite => Ok(Box::new(sqlite::SqliteConnection::open(url, dialect)?)),
        Database::OpenMldb => Ok(Box::new(crate::openmldb::OpenMldbConnection::open(url, dialect)?)),
    }
}

/// The parameters of a URL that its driver neither honours nor knows to be without meaning here.
pub fn unknown_parameters(url: &JdbcUrl) -> Vec<&str> {
    let known: &[&[&str]] = match url.database {
        Database::MySql => &[mysql::HONOURED, mysql::MEANINGLESS],
        Database::Postgres => &[postgres::HONOURED, postgres::MEANINGLESS],
        Database::Sqlite => &[sqlite::HONOURED, sqlite::MEANINGLESS],
        Database::OpenMldb => &[&["zk", "zkPath", "user", "password", "sessionTimeout", crate::openmldb::API_SERVER]],
    };
    let is_known = |name: &str| known.iter().copied().flatten().any(|one| one.eq_ignore_ascii_case(name));
    url.parameters.names().filter(|name| !is_known(name)).map(|name| url.parameters.shown(name)).collect()
}

/// All rows of a query that is known to have few.
pub fn query_all(
    connection: &mut dyn Connection,
    sql: &str,
    parameters: &[SqlValue],
) -> DbResult<(Vec<Column>, Vec<Vec<SqlValue>>)> {
    #[derive(Default)]
    struct All(Vec<Column>, Vec<Vec<SqlValue>>);
    impl RowSink for All {
        fn columns(&mut self, columns: &[Column]) -> ControlFlow<()> {
            self.0 = columns.to_vec();
            ControlFlow::Continue(())
        }
        fn row(&mut self, row: &mut Vec<SqlValue>) -> ControlFlow<()> {
            self.1.push(std::mem::take(row));
            ControlFlow::Continue(())
        }
    }
    let mut all = All::default();
    connection.query(sql, parameters, &mut all)?;
    Ok((all.0, all.1))
}

/// The date and time that a query gives.
fn query_time(connection: &mut dyn Connection, sql: &str) -> DbResult<jiff::civil::DateTime> {
    let (_, rows) = query_all(connection, sql, &[])?;
    match rows.first().and_then(|row| row.first()) {
        Some(SqlValue::DateTime(time)) => Ok(*time),
        other => Err(DbError::new(DbErrorKind::Permanent, format!("The server's time is {other:?}"))),
    }
}
