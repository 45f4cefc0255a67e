//! PostgreSQL.
//!
//! The driver is asynchronous; a connection runs it on the thread that calls, in a runtime of its own. So a call ends at
//! once when it is interrupted, even where the server does not answer any more.

mod batch;
mod codec;
mod connect;
mod rows;

pub(super) use connect::{HONOURED, MEANINGLESS};

use super::{
    Column, Connection, DbError, DbErrorKind, DbResult, Ended, Interrupter, Isolation, RowSink, SqlValue, TableFilter,
    TableKind, query_all, query_time,
};
use crate::dialect::{Dialect, Dml, TableId};
use crate::url::{JdbcUrl, Parameters};
use codec::{Bound, Raw};
use connect::Way;
use ferroconnect_plugin_sdk::StopSignal;
use futures_util::{TryStreamExt, pin_mut};
use jiff::tz::TimeZone;
use std::cell::Cell;
use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Runtime;
use tokio::sync::watch;
use tokio_postgres::{Client, Statement};

/// Prepared statements that are kept.
const STATEMENTS_KEPT: usize = 64;
/// How long to wait until the server took a request to cancel.
const CANCEL_PATIENCE: Duration = Duration::from_secs(1);

/// A connection to a server.
pub(super) struct PostgresConnection {
    // Dropped before the runtime that drives it.
    client: Client,
    runtime: Runtime,
    way: Way,
    dialect: Dialect,
    statements: HashMap<String, Prepared>,
    socket_timeout: Option<Duration>,
    join_rows: bool,
    in_transaction: bool,
    interrupted: Arc<watch::Sender<bool>>,
    closed: Cell<bool>,
    /// Whether the prepared statements may be about a table that looks different now.
    stale: Cell<bool>,
}

/// A statement that the server knows, and the columns of its result.
#[derive(Clone)]
struct Prepared {
    statement: Statement,
    columns: Arc<[Column]>,
}

impl PostgresConnection {
    /// Connects to the first host of the URL that lets us.
    pub(super) fn open(
        url: &JdbcUrl,
        dialect: Dialect,
        zone: &TimeZone,
        stop: &StopSignal,
    ) -> DbResult<PostgresConnection> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| {
            DbError::new(DbErrorKind::Permanent, format!("Cannot make a runtime for the connection: {error}"))
        })?;
        let (client, way) = connect::connect(&runtime, url, zone, stop)?;
        Ok(PostgresConnection {
            client,
            runtime,
            way,
            dialect,
            statements: HashMap::new(),
            socket_timeout: connect::seconds(&url.parameters, "socketTimeout")?,
            join_rows: flag(&url.parameters, "reWriteBatchedInserts", true)?,
            in_transaction: false,
            interrupted: Arc::new(watch::Sender::new(false)),
            closed: Cell::new(false),
            stale: Cell::new(false),
        })
    }

    /// Runs a call to its end, to the interruption, or until the server was silent for too long.
    fn run<'c, T, F>(&'c self, call: impl FnOnce(&'c Client) -> F) -> DbResult<T>
    where
        F: Future<Output = DbResult<T>>,
    {
        let mut interrupted = self.interrupted.subscribe();
        if self.closed.get() && !*interrupted.borrow() {
            return Err(DbError::new(DbErrorKind::Connection, "The connection is closed"));
        }
        let limit = self.socket_timeout;
        let call = call(&self.client);
        let ended = self.runtime.block_on(async {
            tokio::select! {
                biased;
                _ = interrupted.wait_for(|&interrupted| interrupted) => {
                    Err(DbError::new(DbErrorKind::Interrupted, "The call was broken off"))
                }
                ended = within(limit, call) => ended,
            }
        });
        if let Err(error) = &ended {
            self.stale.set(true);
            if matches!(error.kind(), DbErrorKind::Interrupted | DbErrorKind::Connection) {
                self.give_up();
            }
        }
        ended
    }

    /// Lets the server end what it is doing, so that it holds no locks for nobody, and uses the connection no more.
    fn give_up(&self) {
        if !self.closed.replace(true) && !self.client.is_closed() {
            let token = self.client.cancel_token();
            let cancelling = async {
                if let Ok(socket) = self.way.socket().await {
                    // Where this fails the server finds out by itself when it wants to send.
                    let _ = token.cancel_query_raw(socket, self.way.tls()).await;
                }
            };
            // A time-out is made inside of the runtime that counts it.
            let _ = self.runtime.block_on(async { tokio::time::timeout(CANCEL_PATIENCE, cancelling).await });
        }
    }

    fn prepared(&mut self, sql: &str) -> DbResult<Prepared> {
        if self.stale.take() || self.statements.len() >= STATEMENTS_KEPT {
            self.statements.clear();
        }
        if let Some(prepared) = self.statements.get(sql) {
            return Ok(prepared.clone());
        }
        let prepared = self.run(|client| prepare(client, sql))?;
        self.statements.insert(sql.to_owned(), prepared.clone());
        Ok(prepared)
    }

    fn simple(&self, sql: &str) -> DbResult<u64> {
        self.run(|client| async move {
            let answers = client.simple_query(sql).await.map_err(error_of)?;
            let changed = answers.iter().map(|answer| match answer {
                tokio_postgres::SimpleQueryMessage::CommandComplete(rows) => *rows,
                _ => 0,
            });
            Ok(changed.sum())
        })
    }

    fn table_rows(&mut self, sql: &str, parameters: &[SqlValue]) -> DbResult<Vec<(TableId, TableKind)>> {
        let (_, rows) = query_all(self, sql, parameters)?;
        Ok(rows.into_iter().filter_map(table_of).collect())
    }
}

/// Waits for a call; an answer that takes too long is a lost connection.
async fn within<T>(limit: Option<Duration>, call: impl Future<Output = DbResult<T>>) -> DbResult<T> {
    let Some(limit) = limit else { return call.await };
    let silent =
        || DbError::new(DbErrorKind::Connection, format!("No answer within {} s (socketTimeout)", limit.as_secs()));
    tokio::time::timeout(limit, call).await.unwrap_or_else(|_| Err(silent()))
}

async fn prepare(client: &Client, sql: &str) -> DbResult<Prepared> {
    let statement = client.prepare(sql).await.map_err(error_of)?;
    let mut columns: Vec<Column> = statement.columns().iter().map(codec::column).collect();
    let of_tables = statement.columns().iter().filter_map(|column| Some((column.table_oid()?, column.column_id()?)));
    let (tables, numbers): (Vec<u32>, Vec<i16>) = of_tables.unzip();
    if !tables.is_empty() {
        let sql = "SELECT attrelid, attnum FROM pg_catalog.pg_attribute WHERE attnotnull AND attrelid = ANY($1) \
                   AND attnum = ANY($2)";
        let required = client.query(sql, &[&tables, &numbers]).await.map_err(error_of)?;
        let required: Vec<(u32, i16)> = required.iter().map(|row| (row.get(0), row.get(1))).collect();
        for (column, origin) in columns.iter_mut().zip(statement.columns()) {
            let origin = origin.table_oid().zip(origin.column_id());
            column.nullable = !origin.is_some_and(|origin| required.contains(&origin));
        }
    }
    Ok(Prepared { statement, columns: columns.into() })
}

impl Connection for PostgresConnection {
    fn dialect(&self) -> Dialect {
        self.dialect
    }

    fn execute(&mut self, sql: &str, parameters: &[SqlValue]) -> DbResult<u64> {
        if parameters.is_empty() {
            // It may have changed a table that prepared statements are about.
            self.stale.set(true);
            return self.simple(sql);
        }
        let prepared = self.prepared(sql)?;
        self.run(|client| execute(client, prepared.statement, parameters))
    }

    fn query(&mut self, sql: &str, parameters: &[SqlValue], rows: &mut dyn RowSink) -> DbResult<Ended> {
        let Prepared { statement, columns } = self.prepared(sql)?;
        if rows.columns(&columns).is_break() {
            return Ok(Ended::Early);
        }
        // The time-out is for each row, not for the whole.
        let limit = self.socket_timeout.take();
        let ended = self.run(|client| stream(client, statement, parameters, &columns, rows, limit));
        self.socket_timeout = limit;
        if matches!(ended, Ok(Ended::Early)) || ended.as_ref().is_err_and(|error| error.sql_state().is_none()) {
            self.give_up();
        }
        ended
    }

    fn describe(&mut self, sql: &str) -> DbResult<Vec<Column>> {
        Ok(self.prepared(sql)?.columns.to_vec())
    }

    fn takes_copy(&mut self, table: &TableId) -> DbResult<bool> {
        // Rules and row security are not asked by COPY, or forbid it.
        let sql = "SELECT c.relkind IN ('r', 'p') AND NOT row_security_active(c.oid) \
                          AND NOT EXISTS (SELECT FROM pg_catalog.pg_rewrite r WHERE r.ev_class = c.oid AND r.ev_type = '3') \
                   FROM pg_catalog.pg_class c WHERE c.oid = to_regclass($1)";
        let name = SqlValue::Text(self.dialect.quoted_table(table));
        match query_all(self, sql, &[name]) {
            Ok((_, rows)) => Ok(rows == [[SqlValue::Bool(true)]]),
            // Servers that only speak like PostgreSQL may not know all of that.
            Err(error) if error.kind() == DbErrorKind::Permanent => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn execute_batch(&mut self, dml: &Dml, rows: &[Vec<SqlValue>]) -> DbResult<u64> {
        self.write_rows(dml, rows)
    }

    fn begin(&mut self, isolation: Isolation) -> DbResult<()> {
        let sql = match isolation {
            Isolation::ServerDefault => "BEGIN",
            Isolation::ReadUncommitted => "BEGIN ISOLATION LEVEL READ UNCOMMITTED",
            Isolation::ReadCommitted => "BEGIN ISOLATION LEVEL READ COMMITTED",
            Isolation::RepeatableRead => "BEGIN ISOLATION LEVEL REPEATABLE READ",
            Isolation::Serializable => "BEGIN ISOLATION LEVEL SERIALIZABLE",
        };
        self.simple(sql)?;
        self.in_transaction = true;
        Ok(())
    }

    fn commit(&mut self) -> DbResult<()> {
        self.in_transaction = false;
        self.simple("COMMIT").map(drop)
    }

    fn rollback(&mut self) -> DbResult<()> {
        match std::mem::take(&mut self.in_transaction) {
            true => self.simple("ROLLBACK").map(drop),
            false => Ok(()),
        }
    }

    fn tables(&mut self, filter: &TableFilter) -> DbResult<Vec<(TableId, TableKind)>> {
        let sql = "SELECT n.nspname::text, c.relname::text, c.relkind::text || c.relpersistence::text, \
                          n.nspname ~ '^pg_(catalog|toast)' OR n.nspname = 'information_schema' \
                   FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
                   WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname LIKE coalesce($1, '%') \
                   ORDER BY n.nspname, c.relname";
        let schema = filter.schema.clone().map_or(SqlValue::Null, SqlValue::Text);
        let mut tables = self.table_rows(sql, &[schema])?;
        tables.retain(|(_, kind)| filter.takes(*kind));
        Ok(tables)
    }

    fn find_table(&mut self, table: &TableId) -> DbResult<Option<(TableId, TableKind)>> {
        let sql = "SELECT n.nspname::text, c.relname::text, c.relkind::text || c.relpersistence::text, \
                          n.nspname ~ '^pg_(catalog|toast)' OR n.nspname = 'information_schema' \
                   FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
                   WHERE c.oid = to_regclass($1) AND coalesce($2, current_database()::text) = current_database()::text";
        let stored = TableId {
            catalog: None,
            schema: table.schema.as_deref().map(|schema| self.dialect.stored(schema)),
            name: self.dialect.stored(&table.name),
        };
        let name = SqlValue::Text(self.dialect.quoted_table(&stored));
        // The tables of other databases cannot be reached from this one.
        let catalog = table.catalog.as_deref().map(|catalog| self.dialect.stored(catalog));
        Ok(self.table_rows(sql, &[name, catalog.map_or(SqlValue::Null, SqlValue::Text)])?.pop())
    }

    fn columns(&mut self, table: &TableId) -> DbResult<Vec<Column>> {
        let Some((table, _)) = self.find_table(table)? else { return Ok(Vec::new()) };
        let quoted = self.dialect.quoted_table(&table);
        // The table may have been altered since the statement was prepared.
        self.stale.set(true);
        let mut columns = self.describe(&format!("SELECT * FROM {quoted}"))?;
        let sql = "SELECT a.attname::text, \
                          a.attidentity <> '' OR coalesce(pg_get_expr(d.adbin, d.adrelid) LIKE 'nextval(%', false), \
                          a.atthasdef OR a.attidentity <> '', array_position(i.indkey::int2[], a.attnum) \
                   FROM pg_catalog.pg_attribute a \
                   LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum \
                   LEFT JOIN pg_catalog.pg_index i ON i.indrelid = a.attrelid AND i.indisprimary \
                   WHERE a.attrelid = to_regclass($1) AND a.attnum > 0 AND NOT a.attisdropped";
        let (_, rows) = query_all(self, sql, &[SqlValue::Text(quoted)])?;
        for row in rows {
            let [SqlValue::Text(name), automatic, default, key] = row.as_slice() else { continue };
            let Some(column) = columns.iter_mut().find(|column| column.name == *name) else { continue };
            column.auto_increment = *automatic == SqlValue::Bool(true);
            column.has_default = *default == SqlValue::Bool(true);
            column.key_position = match key {
                // Places in `int2vector` count from 0.
                SqlValue::Int(place) => u16::try_from(*place + 1).ok(),
                _ => None,
            };
        }
        Ok(columns)
    }

    fn now(&mut self) -> DbResult<jiff::civil::DateTime> {
        query_time(self, "SELECT clock_timestamp()::timestamp")
    }

    fn ping(&mut self) -> DbResult<()> {
        self.run(|client| async move { client.check_connection().await.map_err(error_of) })
    }

    fn interrupter(&self) -> Interrupter {
        let interrupted = self.interrupted.clone();
        Interrupter::new(move || {
            interrupted.send_replace(true);
        })
    }
}

async fn execute(
    client: &Client,
    statement: Statement,
    values: impl IntoIterator<Item = &SqlValue, IntoIter: ExactSizeIterator>,
) -> DbResult<u64> {
    client.execute_raw(&statement, values.into_iter().map(Bound)).await.map_err(error_of)
}

/// Hands rows over as they come from the socket. While the sink keeps one waiting nothing more is read.
async fn stream(
    client: &Client,
    statement: Statement,
    parameters: &[SqlValue],
    columns: &[Column],
    rows: &mut dyn RowSink,
    limit: Option<Duration>,
) -> DbResult<Ended> {
    let found =
        within(limit, async { client.query_raw(&statement, parameters.iter().map(Bound)).await.map_err(error_of) });
    let found = found.await?;
    pin_mut!(found);
    let mut values = Vec::with_capacity(columns.len());
    let types: Vec<_> = statement.columns().iter().map(|column| codec::base(column.type_()).clone()).collect();
    while let Some(row) = within(limit, async { found.try_next().await.map_err(error_of) }).await? {
        values.resize(columns.len(), SqlValue::Null);
        for (index, ((column, ty), value)) in columns.iter().zip(&types).zip(&mut values).enumerate() {
            let raw: Raw<'_> = row.try_get(index).map_err(error_of)?;
            raw.read(ty, column, value)?;
        }
        if rows.row(&mut values).is_break() {
            return Ok(Ended::Early);
        }
    }
    Ok(Ended::AtEnd)
}

fn table_of(row: Vec<SqlValue>) -> Option<(TableId, TableKind)> {
    let [SqlValue::Text(schema), SqlValue::Text(name), SqlValue::Text(kind), SqlValue::Bool(system)] =
        <[SqlValue; 4]>::try_from(row).ok()?
    else {
        return None;
    };
    let kind = match (kind.as_str(), system) {
        (_, true) => TableKind::SystemTable,
        ("rt" | "pt", _) => TableKind::LocalTemporary,
        (kind, _) if kind.starts_with('p') => TableKind::PartitionedTable,
        (kind, _) if kind.starts_with(['v', 'm']) => TableKind::View,
        _ => TableKind::Table,
    };
    Some((TableId { catalog: None, schema: Some(schema), name }, kind))
}

/// What an error of the driver means.
fn error_of(error: tokio_postgres::Error) -> DbError {
    if let Some(told) = error.as_db_error() {
        let state = told.code().code();
        let detail = told.detail().map(|detail| format!(". {detail}")).unwrap_or_default();
        let hint = told.hint().map(|hint| format!(". Hint: {hint}")).unwrap_or_default();
        let way_out = if is_doubled_key(state, told.message()) { ONE_BY_ONE } else { "" };
        let message = format!("{}{detail}{hint}{way_out}", told.message());
        return DbError::from_server(kind_of(state, told.message()), message, state, None);
    }
    let mut message = error.to_string();
    let mut cause = std::error::Error::source(&error);
    let mut lost = error.is_closed();
    let mut tls = false;
    while let Some(inner) = cause {
        message = format!("{message}: {inner}");
        lost |= inner.is::<std::io::Error>();
        tls |= inner.is::<native_tls::Error>();
        cause = inner.source();
    }
    let kind = match (tls, lost) {
        (true, _) => DbErrorKind::Permanent,
        (_, true) => DbErrorKind::Connection,
        _ if message.contains("serializing parameter") => DbErrorKind::Data,
        _ => DbErrorKind::Permanent,
    };
    DbError::new(kind, message)
}

/// What to do where rows have keys that differ in the records, but not in the database.
const ONE_BY_ONE: &str = ". With reWriteBatchedInserts=false in connection.url each row has a statement of its own";

/// Whether two rows of one upsert have the same key for the database.
fn is_doubled_key(state: &str, message: &str) -> bool {
    state == "21000" && message.contains("ON CONFLICT")
}

/// What an error of the server means, by its SQLSTATE.
fn kind_of(state: &str, message: &str) -> DbErrorKind {
    match (&state[..2.min(state.len())], state) {
        ("08", _) | (_, "57P01" | "57P02" | "57P03" | "57P05" | "53300" | "25P03" | "25P04") => DbErrorKind::Connection,
        ("40" | "53" | "58", _) | (_, "55P03" | "55006" | "57014" | "25006") => DbErrorKind::Transient,
        (_, "0A000") if message.contains("cached plan") => DbErrorKind::Transient,
        // A pool between here and the server has given the session to another: the statement is not known there.
        (_, "26000" | "42P05") => DbErrorKind::Transient,
        ("22" | "23" | "44", _) | (_, "54000") => DbErrorKind::Data,
        _ if is_doubled_key(state, message) => DbErrorKind::Data,
        _ => DbErrorKind::Permanent,
    }
}

fn wrong(name: &str, value: &str, wanted: &str) -> DbError {
    DbError::new(DbErrorKind::Permanent, format!("Parameter {name} of connection.url is {value:?}; it can be {wanted}"))
}

fn flag(parameters: &Parameters, name: &str, default: bool) -> DbResult<bool> {
    match parameters.get(&[name]).map(str::to_ascii_lowercase).as_deref() {
        None => Ok(default),
        Some("true") => Ok(true),
        Some("false") => Ok(false),
        Some(value) => Err(wrong(name, value, "true or false")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_work_on_another_session_is_tried_again() {
        for (state, kind) in [
            ("25P03", DbErrorKind::Connection),
            ("25P04", DbErrorKind::Connection),
            ("26000", DbErrorKind::Transient),
            ("42P05", DbErrorKind::Transient),
            ("42P01", DbErrorKind::Permanent),
            ("23505", DbErrorKind::Data),
        ] {
            assert_eq!(kind_of(state, ""), kind, "{state}");
        }
    }
}
