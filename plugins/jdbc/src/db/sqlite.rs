//! SQLite, which is in the library itself.

use super::error::MISSING_TABLE;
use super::{
    Column, Connection, DbError, DbErrorKind, DbResult, Decimal, Ended, Instant, Interrupter, Isolation, RowSink,
    SqlValue, TableFilter, TableKind, TypeClass,
};
use crate::dialect::{Dialect, Dml, TableId, date_time_text, time_text};
use crate::url::JdbcUrl;
use jiff::civil;
use jiff::tz::{Offset, TimeZone};
use num_bigint::BigInt;
use rusqlite::types::{ToSqlOutput, Value, ValueRef};
use rusqlite::{ErrorCode, OpenFlags, Statement, ToSql};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Parameters that do what they do in the JDBC driver.
pub(super) const HONOURED: &[&str] = &[BUSY, DATES, "foreign_keys", "journal_mode", "synchronous", "mode"];
/// Parameters that are about Java, or about what is always so here.
pub(super) const MEANINGLESS: &[&str] =
    &["user", "password", "date_precision", "shared_cache", "enable_load_extension"];

/// A float holds each whole number up to here.
const FLOAT_HOLDS: u64 = 1 << 53;

const BUSY: &str = "busy_timeout";
const DATES: &str = "date_class";

/// A connection to a file.
pub(super) struct SqliteConnection {
    connection: rusqlite::Connection,
    dialect: Dialect,
    interrupted: Arc<AtomicBool>,
    /// Whether times are written as milliseconds since the epoch, as the JDBC driver does, and not as text.
    times_as_numbers: bool,
}

impl SqliteConnection {
    /// Opens the file, or makes it.
    pub(super) fn open(url: &JdbcUrl, dialect: Dialect) -> DbResult<SqliteConnection> {
        let get = |name: &str| url.parameters.get(&[name]);
        let flags = match get("mode") {
            Some("ro") => OpenFlags::SQLITE_OPEN_READ_ONLY,
            _ => OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE,
        };
        let connection = rusqlite::Connection::open_with_flags(&url.name, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)
            .map_err(|error| error_of(error, &AtomicBool::new(false)))?;
        let busy = get(BUSY).map_or(Ok(3000), str::parse).map_err(|_| wrong_parameter(BUSY, "milliseconds"))?;
        let times_as_numbers = match get(DATES).map(str::to_ascii_uppercase).as_deref() {
            None | Some("TEXT") => false,
            Some("INTEGER") => true,
            Some(_) => return Err(wrong_parameter(DATES, "TEXT or INTEGER")),
        };
        let opened = SqliteConnection { connection, dialect, interrupted: Arc::default(), times_as_numbers };
        opened.run(|connection| connection.busy_timeout(Duration::from_millis(busy)))?;
        for pragma in ["foreign_keys", "journal_mode", "synchronous"] {
            if let Some(value) = get(pragma) {
                // Some pragmas answer with their new value.
                opened.run(|connection| {
                    connection.pragma_update_and_check(None, pragma, value, |_| Ok(())).or_else(|error| {
                        if error == rusqlite::Error::QueryReturnedNoRows { Ok(()) } else { Err(error) }
                    })
                })?;
            }
        }
        Ok(opened)
    }

    fn run<'c, T>(&'c self, call: impl FnOnce(&'c rusqlite::Connection) -> rusqlite::Result<T>) -> DbResult<T> {
        self.check_interrupted()?;
        call(&self.connection).map_err(|error| error_of(error, &self.interrupted))
    }

    fn check_interrupted(&self) -> DbResult<()> {
        match self.interrupted.load(Ordering::SeqCst) {
            true => Err(interrupted()),
            false => Ok(()),
        }
    }

    fn bound<'a>(&self, values: &'a [SqlValue]) -> Vec<Bound<'a>> {
        values.iter().map(|value| Bound { value, times_as_numbers: self.times_as_numbers }).collect()
    }
}

impl Connection for SqliteConnection {
    fn dialect(&self) -> Dialect {
        self.dialect
    }

    fn execute(&mut self, sql: &str, parameters: &[SqlValue]) -> DbResult<u64> {
        if parameters.is_empty() {
            self.run(|connection| connection.execute_batch(sql))?;
            return self.run(|connection| Ok(connection.changes()));
        }
        let bound = self.bound(parameters);
        let changed = self.run(|connection| connection.execute(sql, rusqlite::params_from_iter(&bound)))?;
        Ok(changed as u64)
    }

    fn query(&mut self, sql: &str, parameters: &[SqlValue], rows: &mut dyn RowSink) -> DbResult<Ended> {
        let bound = self.bound(parameters);
        // One that was kept would know the columns that the table had then.
        let mut statement = self.run(|connection| connection.prepare(sql))?;
        let mut columns = columns_of(&statement);
        let failed = |error| error_of(error, &self.interrupted);
        let mut found = statement.query(rusqlite::params_from_iter(&bound)).map_err(failed)?;
        let mut first = true;
        let mut values = Vec::with_capacity(columns.len());
        while let Some(row) = found.next().map_err(failed)? {
            self.check_interrupted()?;
            if first {
                for (index, column) in columns.iter_mut().enumerate().filter(|(_, column)| column.type_name.is_empty())
                {
                    column.class = class_of_value(row.get_ref(index).map_err(failed)?);
                }
                first = false;
                if rows.columns(&columns).is_break() {
                    return Ok(Ended::Early);
                }
            }
            values.clear();
            for (index, column) in columns.iter().enumerate() {
                let stored = row.get_ref(index).map_err(failed)?;
                values.push(read(stored, column.class).ok_or_else(|| unreadable(column, stored))?);
            }
            if rows.row(&mut values).is_break() {
                return Ok(Ended::Early);
            }
        }
        if first && rows.columns(&columns) == ControlFlow::Break(()) {
            return Ok(Ended::Early);
        }
        Ok(Ended::AtEnd)
    }

    fn describe(&mut self, sql: &str) -> DbResult<Vec<Column>> {
        self.run(|connection| connection.prepare(sql).map(|statement| columns_of(&statement)))
    }

    fn execute_batch(&mut self, dml: &Dml, rows: &[Vec<SqlValue>]) -> DbResult<u64> {
        let mut statement = self.run(|connection| connection.prepare_cached(&dml.sql(1)))?;
        let mut changed = 0;
        for row in rows {
            self.check_interrupted()?;
            let done = statement.execute(rusqlite::params_from_iter(self.bound(row)));
            changed += done.map_err(|error| error_of(error, &self.interrupted))? as u64;
        }
        Ok(changed)
    }

    fn begin(&mut self, _isolation: Isolation) -> DbResult<()> {
        // Transactions of SQLite are serialisable, which is more than any level asks for.
        self.run(|connection| connection.execute_batch("BEGIN"))
    }

    fn commit(&mut self) -> DbResult<()> {
        self.run(|connection| connection.execute_batch("COMMIT"))
    }

    fn rollback(&mut self) -> DbResult<()> {
        match self.connection.is_autocommit() {
            true => Ok(()),
            false => self.run(|connection| connection.execute_batch("ROLLBACK")),
        }
    }

    fn tables(&mut self, filter: &TableFilter) -> DbResult<Vec<(TableId, TableKind)>> {
        let sql = "SELECT name, type, 0 FROM main.sqlite_schema UNION ALL SELECT name, type, 1 FROM temp.sqlite_schema \
                   ORDER BY name";
        let found = self.run(|connection| {
            let mut statement = connection.prepare_cached(sql)?;
            let rows = statement.query_map([], |row| {
                Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, row.get::<_, bool>(2)?))
            })?;
            rows.collect::<rusqlite::Result<Vec<_>>>()
        })?;
        let kind = |name: &str, kind: &str, temporary: bool| match kind {
            "table" if name.starts_with("sqlite_") => Some(TableKind::SystemTable),
            "table" if temporary => Some(TableKind::LocalTemporary),
            "table" => Some(TableKind::Table),
            "view" => Some(TableKind::View),
            _ => None,
        };
        let tables = found.into_iter().filter_map(|(name, type_name, temporary)| {
            let kind = kind(&name, &type_name, temporary)?;
            filter.takes(kind).then(|| (TableId::bare(&name), kind))
        });
        Ok(tables.collect())
    }

    fn find_table(&mut self, table: &TableId) -> DbResult<Option<(TableId, TableKind)>> {
        if table.catalog.is_some() {
            return Ok(None);
        }
        let (name, schema) = (table.name.clone(), table.schema.clone());
        let sql = "SELECT schema, name, type FROM pragma_table_list WHERE name = ?1 COLLATE NOCASE \
                   AND schema = coalesce(?2, schema) COLLATE NOCASE ORDER BY schema <> 'temp'";
        let found = self.run(|connection| {
            let mut statement = connection.prepare_cached(sql)?;
            let mut rows = statement.query((name, schema))?;
            let row = rows.next()?;
            row.map(|row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, row.get::<_, String>(2)?)))
                .transpose()
        })?;
        Ok(found.map(|(schema, name, type_name)| {
            let kind = match (schema.as_str(), type_name.as_str()) {
                (_, "view") => TableKind::View,
                ("temp", _) => TableKind::LocalTemporary,
                _ => TableKind::Table,
            };
            (TableId { catalog: None, schema: table.schema.as_ref().map(|_| schema), name }, kind)
        }))
    }

    fn columns(&mut self, table: &TableId) -> DbResult<Vec<Column>> {
        if self.find_table(table)?.is_none() {
            return Ok(Vec::new());
        }
        let mut columns = self.describe(&format!("SELECT * FROM {}", self.dialect.quoted_table(table)))?;
        let sql = "SELECT \"notnull\" <> 0, dflt_value IS NOT NULL, pk FROM \
                   pragma_table_xinfo(?1, ?2) WHERE hidden <> 1 ORDER BY cid";
        let details = self.run(|connection| {
            let mut statement = connection.prepare_cached(sql)?;
            let rows = statement.query_map((&table.name, &table.schema), |row| {
                Ok((row.get::<_, bool>(0)?, row.get::<_, bool>(1)?, row.get::<_, u16>(2)?))
            })?;
            rows.collect::<rusqlite::Result<Vec<_>>>()
        })?;
        let keys = details.iter().filter(|(_, _, key)| *key > 0).count();
        for (column, (required, has_default, key)) in columns.iter_mut().zip(details) {
            // Only a column of this very type is the row's own number, which is counted up and never null.
            let is_row_number = key > 0 && keys == 1 && column.type_name.eq_ignore_ascii_case("INTEGER");
            column.nullable = !required && !is_row_number;
            column.auto_increment = is_row_number;
            column.has_default = has_default || is_row_number;
            column.key_position = (key > 0).then_some(key);
        }
        Ok(columns)
    }

    fn now(&mut self) -> DbResult<civil::DateTime> {
        let sql = "SELECT strftime('%Y-%m-%d %H:%M:%f', 'now')";
        let text: String = self.run(|connection| connection.query_row(sql, [], |row| row.get(0)))?;
        text.parse().map_err(|_| DbError::new(DbErrorKind::Permanent, format!("{text:?} is not a time")))
    }

    fn ping(&mut self) -> DbResult<()> {
        self.run(|connection| connection.query_row("SELECT 1", [], |_| Ok(())))
    }

    fn interrupter(&self) -> Interrupter {
        let (handle, interrupted) = (self.connection.get_interrupt_handle(), self.interrupted.clone());
        Interrupter::new(move || {
            interrupted.store(true, Ordering::SeqCst);
            handle.interrupt();
        })
    }
}

fn interrupted() -> DbError {
    DbError::new(DbErrorKind::Interrupted, "The call was broken off")
}

fn wrong_parameter(name: &str, wanted: &str) -> DbError {
    DbError::new(DbErrorKind::Permanent, format!("Parameter {name} of connection.url is not {wanted}"))
}

fn error_of(error: rusqlite::Error, interrupt: &AtomicBool) -> DbError {
    let rusqlite::Error::SqliteFailure(cause, why) = &error else {
        return DbError::new(DbErrorKind::Permanent, error.to_string());
    };
    let kind = match cause.code {
        ErrorCode::OperationInterrupted if interrupt.load(Ordering::SeqCst) => DbErrorKind::Interrupted,
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked | ErrorCode::DiskFull | ErrorCode::SchemaChanged => {
            DbErrorKind::Transient
        }
        ErrorCode::SystemIoFailure => DbErrorKind::Connection,
        ErrorCode::ConstraintViolation | ErrorCode::TooBig | ErrorCode::TypeMismatch => DbErrorKind::Data,
        _ => DbErrorKind::Permanent,
    };
    // A table that is not there has no code of its own.
    if why.as_ref().is_some_and(|why| why.starts_with("no such table")) {
        return DbError::from_server(kind, error.to_string(), MISSING_TABLE, Some(cause.extended_code));
    }
    DbError::from_vendor(kind, error.to_string(), cause.extended_code)
}

fn unreadable(column: &Column, stored: ValueRef<'_>) -> DbError {
    let what = stored.data_type();
    let (name, type_name) = (&column.name, &column.type_name);
    DbError::new(DbErrorKind::Data, format!("Column {name:?} is declared {type_name}, but a {what} in it is none"))
}

fn columns_of(statement: &Statement<'_>) -> Vec<Column> {
    let column = |column: rusqlite::Column<'_>| {
        let declared = column.decl_type().unwrap_or_default();
        let (class, precision, scale) = class_of(declared);
        Column {
            name: column.name().to_owned(),
            class,
            type_name: declared.split('(').next().unwrap_or_default().trim().to_owned(),
            precision,
            scale,
            nullable: true,
            auto_increment: false,
            has_default: false,
            key_position: None,
        }
    };
    statement.columns().into_iter().map(column).collect()
}

/// What a declared type stands for, with precision and scale.
fn class_of(declared: &str) -> (TypeClass, Option<u32>, Option<i32>) {
    let (name, arguments) = declared.split_once('(').unwrap_or((declared, ""));
    let mut numbers = arguments.trim_end_matches(')').split(',').map(str::trim);
    let precision = numbers.next().and_then(|digits| digits.parse::<u32>().ok());
    let scale = numbers.next().and_then(|digits| digits.parse::<i32>().ok());
    let name = name.trim().to_ascii_uppercase();
    let class = match name.as_str() {
        "" => TypeClass::Other,
        "BOOLEAN" | "BOOL" => TypeClass::Bool,
        "TINYINT" => TypeClass::Integer { bits: 8, unsigned: false },
        "SMALLINT" | "INT2" => TypeClass::Integer { bits: 16, unsigned: false },
        "DATE" => TypeClass::Date,
        "TIME" => TypeClass::Time,
        "DATETIME" | "TIMESTAMP" => TypeClass::Timestamp,
        "NUMERIC" => TypeClass::Numeric,
        "DECIMAL" => TypeClass::Decimal,
        // The rules by which SQLite itself reads types.
        name if name.contains("INT") => TypeClass::Integer { bits: 64, unsigned: false },
        name if ["CHAR", "CLOB", "TEXT"].iter().any(|part| name.contains(part)) => TypeClass::Text,
        name if name.contains("BLOB") || name.contains("BINARY") => TypeClass::Bytes,
        name if ["REAL", "FLOA", "DOUB"].iter().any(|part| name.contains(part)) => TypeClass::Double,
        "JSON" | "UUID" | "XML" => TypeClass::Text,
        _ => TypeClass::Other,
    };
    let exact = matches!(class, TypeClass::Numeric | TypeClass::Decimal);
    let scale = scale.or(precision.filter(|_| exact).map(|_| 0));
    (class, precision, scale)
}

fn class_of_value(value: ValueRef<'_>) -> TypeClass {
    match value {
        ValueRef::Integer(_) => TypeClass::Integer { bits: 64, unsigned: false },
        ValueRef::Real(_) => TypeClass::Double,
        ValueRef::Blob(_) => TypeClass::Bytes,
        ValueRef::Null | ValueRef::Text(_) => TypeClass::Text,
    }
}

/// A stored value as the class of its column; none where it cannot be that.
fn read(stored: ValueRef<'_>, class: TypeClass) -> Option<SqlValue> {
    let text = match stored {
        ValueRef::Null => return Some(SqlValue::Null),
        ValueRef::Integer(number) => return read_integer(number, class),
        ValueRef::Real(number) => return read_real(number, class),
        ValueRef::Text(text) => std::str::from_utf8(text).ok()?,
        ValueRef::Blob(bytes) => return (class == TypeClass::Bytes).then(|| SqlValue::Bytes(bytes.to_vec())),
    };
    Some(match class {
        TypeClass::Other => SqlValue::Null,
        TypeClass::Text => SqlValue::Text(text.to_owned()),
        TypeClass::Bytes => SqlValue::Bytes(text.as_bytes().to_vec()),
        TypeClass::Bool => SqlValue::Bool(matches!(text.to_ascii_lowercase().as_str(), "1" | "true" | "t" | "yes")),
        TypeClass::Integer { .. } | TypeClass::Bit(_) => SqlValue::Int(text.trim().parse().ok()?),
        TypeClass::Real | TypeClass::Double => SqlValue::Double(text.trim().parse().ok()?),
        TypeClass::Numeric | TypeClass::Decimal => SqlValue::Decimal(Decimal::parse(text.trim())?),
        TypeClass::Date => SqlValue::Date(text.get(..10)?.parse().ok()?),
        TypeClass::Time => SqlValue::Time(nanos_of(text.parse().ok()?)),
        TypeClass::Timestamp | TypeClass::TimestampWithZone => SqlValue::DateTime(date_time(text)?),
    })
}

/// A date and time as SQLite's own functions read it: one with an offset becomes that of UTC.
pub(crate) fn date_time(text: &str) -> Option<civil::DateTime> {
    let text = text.trim();
    match text.parse::<jiff::Timestamp>() {
        Ok(instant) => Some(Offset::UTC.to_datetime(instant)),
        Err(_) => text.parse().ok(),
    }
}

fn read_integer(number: i64, class: TypeClass) -> Option<SqlValue> {
    // The JDBC driver writes times as milliseconds since the epoch.
    let time = || Instant::from_millis(number).civil(&TimeZone::UTC);
    Some(match class {
        TypeClass::Other => SqlValue::Null,
        TypeClass::Bool => SqlValue::Bool(number != 0),
        TypeClass::Integer { .. } | TypeClass::Bit(_) => SqlValue::Int(number),
        #[expect(clippy::cast_precision_loss, reason = "the column is declared to hold floats")]
        TypeClass::Real | TypeClass::Double => SqlValue::Double(number as f64),
        TypeClass::Numeric | TypeClass::Decimal => {
            SqlValue::Decimal(Decimal { unscaled: BigInt::from(number), scale: 0 })
        }
        TypeClass::Text => SqlValue::Text(number.to_string()),
        TypeClass::Bytes => return None,
        TypeClass::Date => SqlValue::Date(time()?.date()),
        TypeClass::Time => SqlValue::Time(nanos_of(time()?.time())),
        TypeClass::Timestamp | TypeClass::TimestampWithZone => SqlValue::DateTime(time()?),
    })
}

fn read_real(number: f64, class: TypeClass) -> Option<SqlValue> {
    Some(match class {
        TypeClass::Other => SqlValue::Null,
        TypeClass::Real | TypeClass::Double => SqlValue::Double(number),
        TypeClass::Numeric | TypeClass::Decimal => SqlValue::Decimal(Decimal::parse(&number.to_string())?),
        TypeClass::Text => SqlValue::Text(number.to_string()),
        TypeClass::Bool => SqlValue::Bool(number != 0.0),
        _ => return None,
    })
}

fn nanos_of(time: civil::Time) -> i64 {
    let seconds = i64::from(time.hour()) * 3600 + i64::from(time.minute()) * 60 + i64::from(time.second());
    seconds * 1_000_000_000 + i64::from(time.subsec_nanosecond())
}

struct Bound<'a> {
    value: &'a SqlValue,
    times_as_numbers: bool,
}

impl ToSql for Bound<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        let owned = |value: Value| Ok(ToSqlOutput::Owned(value));
        match self.value {
            SqlValue::Null => owned(Value::Null),
            SqlValue::Bool(value) => owned(Value::Integer(i64::from(*value))),
            SqlValue::Int(value) => owned(Value::Integer(*value)),
            SqlValue::UInt(value) => {
                owned(i64::try_from(*value).map_or_else(|_| Value::Text(value.to_string()), Value::Integer))
            }
            SqlValue::Float(value) => owned(Value::Real(f64::from(*value))),
            SqlValue::Double(value) => owned(Value::Real(*value)),
            SqlValue::Decimal(value) => owned(exact(value)),
            SqlValue::Text(text) => Ok(ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes()))),
            SqlValue::Bytes(bytes) => Ok(ToSqlOutput::Borrowed(ValueRef::Blob(bytes))),
            SqlValue::Date(date) => owned(self.time(date.to_datetime(civil::Time::midnight()), date.to_string())),
            SqlValue::Time(nanos) if self.times_as_numbers => owned(Value::Integer(nanos / 1_000_000)),
            SqlValue::Time(nanos) => owned(Value::Text(time_text(*nanos, digits(*nanos % 1_000_000_000)))),
            SqlValue::DateTime(time) => {
                owned(self.time(*time, date_time_text(*time, digits(i64::from(time.subsec_nanosecond())))))
            }
            SqlValue::Instant(instant) => {
                let beyond =
                    || rusqlite::Error::ToSqlConversionFailure(format!("{instant} is beyond year 9999").into());
                let time = instant.civil(&TimeZone::UTC).ok_or_else(beyond)?;
                owned(self.time(time, date_time_text(time, digits(i64::from(time.subsec_nanosecond())))))
            }
            SqlValue::Array(_) => Err(rusqlite::Error::ToSqlConversionFailure("SQLite has no arrays".into())),
        }
    }
}

impl Bound<'_> {
    fn time(&self, time: civil::DateTime, text: String) -> Value {
        if self.times_as_numbers { Value::Integer(Instant::of_utc(time).millis()) } else { Value::Text(text) }
    }
}

/// A decimal as text, which a numeric column makes a float unless it is a whole number to the letter. So a whole number
/// that a float would round is bound as one.
fn exact(value: &Decimal) -> Value {
    let whole = value.rescale(0).and_then(|whole| i64::try_from(whole.unscaled).ok());
    match whole {
        Some(whole) if whole.unsigned_abs() > FLOAT_HOLDS => Value::Integer(whole),
        _ => Value::Text(value.to_string()),
    }
}

/// Digits of the fraction of a second: milliseconds, as functions of SQLite write them, and more where there is more.
fn digits(nanos: i64) -> usize {
    match nanos.unsigned_abs() {
        nanos if nanos % 1_000_000 == 0 => 3,
        nanos if nanos % 1_000 == 0 => 6,
        _ => 9,
    }
}
