//! MySQL and MariaDB.

mod codec;
mod connect;

pub(super) use connect::{HONOURED, MEANINGLESS};

use super::size::{BYTES_AT_ONCE, rows_that_fit};
use super::{
    Column, Connection, DbError, DbErrorKind, DbResult, Ended, Interrupter, Isolation, RowSink, SqlValue, TableFilter,
    TableKind, query_all, query_time,
};
use crate::dialect::{Dialect, Dml, TableId};
use crate::url::{JdbcUrl, Parameters};
use codec::Reading;
use connect::Way;
use ferroconnect_plugin_sdk::StopSignal;
use mysql::prelude::Queryable;
use mysql::{Conn, Params};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Rows in one INSERT. More of them make it no faster.
const ROWS_AT_ONCE: usize = 1000;

/// What a server takes at once.
#[derive(Debug, Clone, Copy)]
struct Limits {
    /// Whether it takes the rows of one statement as an array, as MariaDB does.
    bulk: bool,
    /// Bytes in one packet.
    packet: usize,
}

/// A connection to a server.
pub(super) struct MySqlConnection {
    connection: Conn,
    way: Way,
    dialect: Dialect,
    reading: Reading,
    join_rows: bool,
    bulk: bool,
    /// Once it was asked for.
    limits: Option<Limits>,
    in_transaction: bool,
    interrupted: Arc<AtomicBool>,
    closed: bool,
}

impl MySqlConnection {
    /// Connects to the first host of the URL that lets us.
    pub(super) fn open(url: &JdbcUrl, dialect: Dialect, stop: &StopSignal) -> DbResult<MySqlConnection> {
        let reading = Reading::of(&url.parameters)?;
        let join_rows = flag(&url.parameters, "rewriteBatchedStatements", true)?;
        let bulk = flag(&url.parameters, "useBulkStmts", true)?;
        let (connection, way) = connect::connect(url, stop)?;
        Ok(MySqlConnection {
            connection,
            way,
            dialect,
            reading,
            join_rows,
            bulk,
            limits: None,
            in_transaction: false,
            interrupted: Arc::default(),
            closed: false,
        })
    }

    fn run<T>(&mut self, call: impl FnOnce(&mut Conn) -> mysql::Result<T>) -> DbResult<T> {
        self.check_usable()?;
        let done = call(&mut self.connection);
        done.map_err(|error| self.failed(error))
    }

    fn check_usable(&self) -> DbResult<()> {
        match (self.interrupted.load(Ordering::SeqCst), self.closed) {
            (true, _) => Err(broken_off()),
            (_, true) => Err(DbError::new(DbErrorKind::Connection, "The connection is closed")),
            (false, false) => Ok(()),
        }
    }

    fn failed(&self, error: mysql::Error) -> DbError {
        // Whatever the error looks like: the call ended because it was to end.
        if self.interrupted.load(Ordering::SeqCst) { broken_off() } else { error_of(error) }
    }

    fn text_rows(&mut self, sql: &str, parameters: &[SqlValue]) -> DbResult<Vec<Vec<Option<String>>>> {
        let (_, rows) = query_all(self, sql, parameters)?;
        let text = |value| match value {
            SqlValue::Text(text) => Some(text),
            SqlValue::Bytes(bytes) => Some(String::from_utf8_lossy(&bytes).into_owned()),
            _ => None,
        };
        Ok(rows.into_iter().map(|row| row.into_iter().map(text).collect()).collect())
    }
}

impl Connection for MySqlConnection {
    fn dialect(&self) -> Dialect {
        self.dialect
    }

    fn execute(&mut self, sql: &str, parameters: &[SqlValue]) -> DbResult<u64> {
        let bound = codec::bind_all(parameters)?;
        self.run(|connection| {
            if bound.is_empty() {
                connection.query_drop(sql)?;
            } else {
                connection.exec_drop(sql, Params::Positional(bound))?;
            }
            Ok(connection.affected_rows())
        })
    }

    fn query(&mut self, sql: &str, parameters: &[SqlValue], rows: &mut dyn RowSink) -> DbResult<Ended> {
        self.check_usable()?;
        let bound = codec::bind_all(parameters)?;
        let (interrupter, reading) = (self.interrupter_of_calls(), self.reading);
        let bound = if bound.is_empty() { Params::Empty } else { Params::Positional(bound) };
        let streamed = match self.connection.exec_iter(sql, bound) {
            Ok(mut result) => stream(&mut result, reading, rows, &interrupter),
            Err(error) => Err(Failure::Server(error)),
        };
        match streamed {
            Ok(ended) => {
                self.closed |= ended == Ended::Early;
                Ok(ended)
            }
            Err(Failure::Server(error)) => Err(self.failed(error)),
            Err(Failure::Value(error)) => {
                self.closed = true;
                Err(error)
            }
        }
    }

    fn describe(&mut self, sql: &str) -> DbResult<Vec<Column>> {
        let statement = self.run(|connection| connection.prep(sql))?;
        let columns = statement.columns().iter().map(|column| self.reading.column(column)).collect();
        // A statement that is kept would tell these columns also when the table has others.
        self.run(|connection| connection.close(statement))?;
        Ok(columns)
    }

    fn execute_batch(&mut self, dml: &Dml, rows: &[Vec<SqlValue>]) -> DbResult<u64> {
        let joined = self.join_rows && rows.len() > 1;
        let limits = self.limits()?;
        let bulk = joined && limits.bulk && codec::are_alike(rows);
        // An array and what is around it has to be one packet.
        let bytes = BYTES_AT_ONCE.min(limits.packet / 2);
        let most = match (bulk, joined) {
            (true, _) => rows.len(),
            (false, true) => dml.most_rows().min(ROWS_AT_ONCE),
            (false, false) => 1,
        };
        let mut changed = 0;
        let mut rest = rows;
        while !rest.is_empty() {
            let (now, later) = rest.split_at(rows_that_fit(rest, most, bytes));
            rest = later;
            if let [row] = now {
                check_size(row, limits.packet)?;
            }
            // The driver sends a row that is too large for one packet in parts only where it is alone.
            changed += if bulk && now.len() > 1 { self.write_bulk(dml, now)? } else { self.write_joined(dml, now)? };
        }
        Ok(changed)
    }

    fn begin(&mut self, isolation: Isolation) -> DbResult<()> {
        let level = match isolation {
            Isolation::ServerDefault => None,
            Isolation::ReadUncommitted => Some("READ UNCOMMITTED"),
            Isolation::ReadCommitted => Some("READ COMMITTED"),
            Isolation::RepeatableRead => Some("REPEATABLE READ"),
            Isolation::Serializable => Some("SERIALIZABLE"),
        };
        self.run(|connection| {
            if let Some(level) = level {
                connection.query_drop(format!("SET TRANSACTION ISOLATION LEVEL {level}"))?;
            }
            connection.query_drop("START TRANSACTION")
        })?;
        self.in_transaction = true;
        Ok(())
    }

    fn commit(&mut self) -> DbResult<()> {
        self.in_transaction = false;
        self.run(|connection| connection.query_drop("COMMIT"))
    }

    fn rollback(&mut self) -> DbResult<()> {
        match std::mem::take(&mut self.in_transaction) {
            true => self.run(|connection| connection.query_drop("ROLLBACK")),
            false => Ok(()),
        }
    }

    fn tables(&mut self, filter: &TableFilter) -> DbResult<Vec<(TableId, TableKind)>> {
        let sql = "SELECT TABLE_SCHEMA, TABLE_NAME, TABLE_TYPE FROM information_schema.TABLES \
                   WHERE TABLE_SCHEMA = coalesce(?, database()) ORDER BY TABLE_NAME";
        let catalog = filter.catalog.clone().map_or(SqlValue::Null, SqlValue::Text);
        let rows = self.text_rows(sql, &[catalog])?;
        Ok(rows.into_iter().filter_map(table_of).filter(|(_, kind)| filter.takes(*kind)).collect())
    }

    fn find_table(&mut self, table: &TableId) -> DbResult<Option<(TableId, TableKind)>> {
        if table.schema.is_some() {
            // Databases have no schemas within.
            return Ok(None);
        }
        let sql = "SELECT TABLE_SCHEMA, TABLE_NAME, TABLE_TYPE FROM information_schema.TABLES \
                   WHERE TABLE_SCHEMA = coalesce(?, database()) AND TABLE_NAME = ?";
        let catalog = table.catalog.clone().map_or(SqlValue::Null, SqlValue::Text);
        let rows = self.text_rows(sql, &[catalog, SqlValue::Text(table.name.clone())])?;
        Ok(rows.into_iter().find_map(table_of))
    }

    fn columns(&mut self, table: &TableId) -> DbResult<Vec<Column>> {
        let Some((table, _)) = self.find_table(table)? else { return Ok(Vec::new()) };
        let mut columns = self.describe(&format!("SELECT * FROM {}", self.dialect.quoted_table(&table)))?;
        let sql = "SELECT COLUMN_NAME FROM information_schema.KEY_COLUMN_USAGE WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ? \
                   AND CONSTRAINT_NAME = 'PRIMARY' ORDER BY ORDINAL_POSITION";
        let catalog = table.catalog.unwrap_or_default();
        let keys = self.text_rows(sql, &[SqlValue::Text(catalog), SqlValue::Text(table.name)])?;
        for (position, key) in (1..).zip(keys.into_iter().flatten().flatten()) {
            columns
                .iter_mut()
                .filter(|column| column.name == key)
                .for_each(|column| column.key_position = Some(position));
        }
        Ok(columns)
    }

    fn now(&mut self) -> DbResult<jiff::civil::DateTime> {
        query_time(self, "SELECT CURRENT_TIMESTAMP(6)")
    }

    fn ping(&mut self) -> DbResult<()> {
        self.run(Conn::ping)
    }

    fn interrupter(&self) -> Interrupter {
        let (interrupted, kill) = (self.interrupted.clone(), self.interrupter_of_calls());
        Interrupter::new(move || {
            interrupted.store(true, Ordering::SeqCst);
            kill.interrupt();
        })
    }
}

impl MySqlConnection {
    /// Asks the server once.
    fn limits(&mut self) -> DbResult<Limits> {
        if let Some(limits) = self.limits {
            return Ok(limits);
        }
        let sql = "SELECT @@version, @@max_allowed_packet";
        let found: Option<(String, usize)> = self.run(|connection| connection.query_first(sql))?;
        let (version, packet) = found.unwrap_or_else(|| (String::new(), BYTES_AT_ONCE));
        Ok(*self.limits.insert(Limits { bulk: self.bulk && version.contains("MariaDB"), packet }))
    }

    /// Runs the statement for all rows, which go to the server as an array.
    fn write_bulk(&mut self, dml: &Dml, rows: &[Vec<SqlValue>]) -> DbResult<u64> {
        let bound =
            rows.iter().map(|row| codec::bind_all(row).map(Params::Positional)).collect::<DbResult<Vec<_>>>()?;
        let written = self.run(|connection| {
            connection.exec_batch(dml.sql(1), bound)?;
            Ok(connection.affected_rows())
        });
        written.map_err(|error| match error.code() {
            // Some storage engine or proxy may not take arrays.
            Some(1210 | 1295) => {
                error.context("The rows are refused as an array (useBulkStmts=false in connection.url)")
            }
            _ => error,
        })
    }

    /// Runs one statement that has all rows in it.
    fn write_joined(&mut self, dml: &Dml, rows: &[Vec<SqlValue>]) -> DbResult<u64> {
        let mut bound = Vec::with_capacity(rows.len() * dml.parameters().len());
        for row in rows {
            codec::bind_into(row, &mut bound)?;
        }
        self.run(|connection| {
            connection.exec_drop(dml.sql(rows.len()), Params::Positional(bound))?;
            Ok(connection.affected_rows())
        })
    }

    /// Ends the connection from the server's side, by another connection. Does not wait for it.
    fn interrupter_of_calls(&self) -> Interrupter {
        let (way, id) = (self.way.clone(), self.connection.connection_id());
        Interrupter::new(move || {
            let way = way.clone();
            std::thread::spawn(move || {
                // Where no connection can be made the call ends by its own time-out.
                let _ = way.connect().and_then(|mut other| other.query_drop(format!("KILL CONNECTION {id}")));
            });
        })
    }
}

/// Refuses a row that the server would close the connection over.
fn check_size(row: &[SqlValue], packet: usize) -> DbResult<()> {
    match codec::largest_packet(row) {
        bytes if bytes > packet => Err(too_large(&format!("A row of {bytes} bytes"), &format!(" ({packet} bytes)"))),
        _ => Ok(()),
    }
}

fn too_large(what: &str, limit: &str) -> DbError {
    DbError::new(
        DbErrorKind::Data,
        format!("{what} is larger than max_allowed_packet{limit} of the server; raise it there"),
    )
}

enum Failure {
    Server(mysql::Error),
    Value(DbError),
}

type BinaryResult<'c> = mysql::QueryResult<'c, 'c, 'c, mysql::Binary>;

/// Hands rows over as they come from the socket.
fn stream(
    result: &mut BinaryResult<'_>,
    reading: Reading,
    rows: &mut dyn RowSink,
    interrupter: &Interrupter,
) -> Result<Ended, Failure> {
    // Leaving early means that the driver reads the rest away: let that be short.
    let early = || {
        interrupter.interrupt();
        Ok(Ended::Early)
    };
    let columns: Vec<Column> = result.columns().as_ref().iter().map(|column| reading.column(column)).collect();
    if rows.columns(&columns).is_break() {
        return early();
    }
    let mut values = Vec::with_capacity(columns.len());
    for row in result.by_ref() {
        values.clear();
        for (value, column) in row.map_err(Failure::Server)?.unwrap().into_iter().zip(&columns) {
            match reading.read(value, column) {
                Ok(value) => values.push(value),
                Err(error) => {
                    interrupter.interrupt();
                    return Err(Failure::Value(error));
                }
            }
        }
        if rows.row(&mut values).is_break() {
            return early();
        }
    }
    Ok(Ended::AtEnd)
}

fn table_of(row: Vec<Option<String>>) -> Option<(TableId, TableKind)> {
    let [catalog, name, kind] = <[Option<String>; 3]>::try_from(row).ok()?;
    let kind = match kind?.as_str() {
        "BASE TABLE" | "SYSTEM VERSIONED" => TableKind::Table,
        "VIEW" => TableKind::View,
        "SYSTEM VIEW" => TableKind::SystemTable,
        "TEMPORARY" => TableKind::LocalTemporary,
        _ => return None,
    };
    Some((TableId { catalog, schema: None, name: name? }, kind))
}

fn broken_off() -> DbError {
    DbError::new(DbErrorKind::Interrupted, "The call was broken off")
}

/// What an error of the driver means.
fn error_of(error: mysql::Error) -> DbError {
    match error {
        mysql::Error::MySqlError(error) => {
            let kind = kind_of(error.code, &error.state);
            DbError::from_server(kind, error.message, &error.state, Some(i32::from(error.code)))
        }
        mysql::Error::TlsError(error) => super::tls::tls_error(error),
        mysql::Error::DriverError(
            error @ (mysql::DriverError::TlsNotSupported | mysql::DriverError::UnknownAuthPlugin(_)),
        ) => DbError::new(DbErrorKind::Permanent, error.to_string()),
        mysql::Error::DriverError(
            error @ (mysql::DriverError::MismatchedStmtParams(..) | mysql::DriverError::MixedParams),
        ) => DbError::new(DbErrorKind::Permanent, error.to_string()),
        mysql::Error::DriverError(mysql::DriverError::PacketTooLarge) => too_large("A row", ""),
        error if error.is_connectivity_error() => DbError::new(DbErrorKind::Connection, error.to_string()),
        error => DbError::new(DbErrorKind::Permanent, error.to_string()),
    }
}

/// What an error of the server means, by its number.
fn kind_of(code: u16, state: &str) -> DbErrorKind {
    match code {
        // Shutdown, killed connection, too many connections (of all, of this user), host blocked, handshake.
        1040 | 1042 | 1043 | 1053 | 1077..=1080 | 1129 | 1158..=1161 | 1184 | 1203 | 1226 | 1927 | 4031 => {
            DbErrorKind::Connection
        }
        // Lock wait, deadlock, killed query, time-outs, table changed under a statement, read-only while failing over.
        1205 | 1206 | 1213 | 1290 | 1317 | 1412 | 1615 | 1836 | 1969 | 3024 | 3572 => DbErrorKind::Transient,
        // Disk full, out of memory.
        1021 | 1037 | 1038 | 1041 | 1114 => DbErrorKind::Transient,
        // Too long, out of range, wrong form, no default, no partition, against a CHECK.
        1048 | 1062 | 1136 | 1153 | 1264 | 1265 | 1292 | 1364 | 1366 | 1406 | 1451 | 1452 | 1526 | 3140 | 3819
        | 4025 => DbErrorKind::Data,
        _ if state.starts_with("08") => DbErrorKind::Connection,
        _ if state.starts_with("40") => DbErrorKind::Transient,
        _ if state.starts_with("22") || state.starts_with("23") => DbErrorKind::Data,
        _ => DbErrorKind::Permanent,
    }
}

fn wrong(name: &str, value: &str, wanted: &str) -> DbError {
    DbError::new(DbErrorKind::Permanent, format!("Parameter {name} of connection.url is {value:?}; it can be {wanted}"))
}

fn flag(parameters: &Parameters, name: &str, default: bool) -> DbResult<bool> {
    match parameters.get(&[name]).map(str::to_ascii_lowercase).as_deref() {
        None => Ok(default),
        Some("true" | "yes" | "1") => Ok(true),
        Some("false" | "no" | "0") => Ok(false),
        Some(value) => Err(wrong(name, value, "true or false")),
    }
}

fn number(name: &str, value: &str) -> DbResult<u64> {
    value.parse().map_err(|_| wrong(name, value, "a number of at least 0"))
}
