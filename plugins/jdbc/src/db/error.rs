//! What went wrong with a database, as far as callers act on it.

use std::fmt;

/// The result of every call to a database.
pub type DbResult<T> = Result<T, DbError>;

/// The SQLSTATE of MySQL, and of ODBC, for a table that is not there. PostgreSQL has another.
pub(super) const MISSING_TABLE: &str = "42S02";

/// What an error means to the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DbErrorKind {
    /// The connection could not be made or is gone. The same may work on a new one.
    Connection,
    /// Deadlock, lock wait, serialisation failure, time-out of a statement, server shutting down: the same transaction
    /// may work later.
    Transient,
    /// A value that the server does not take: constraint, length, range, form.
    Data,
    /// The statement, table, privilege, login or set-up is wrong: it will fail again.
    Permanent,
    /// [`super::Interrupter`] or the end of the task broke it off.
    Interrupted,
}

/// An error of a database or a driver. Its text holds no password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DbError {
    kind: DbErrorKind,
    message: String,
    sql_state: Option<String>,
    code: Option<i32>,
}

impl DbError {
    /// An error of our own making.
    pub fn new(kind: DbErrorKind, message: impl Into<String>) -> DbError {
        DbError { kind, message: message.into(), sql_state: None, code: None }
    }

    /// An error that the server told, with its SQLSTATE and, where it has one, the vendor's number.
    pub fn from_server(kind: DbErrorKind, message: impl Into<String>, sql_state: &str, code: Option<i32>) -> DbError {
        DbError { kind, message: message.into(), sql_state: Some(sql_state.to_owned()), code }
    }

    /// An error that has only a vendor's number.
    pub fn from_vendor(kind: DbErrorKind, message: impl Into<String>, code: i32) -> DbError {
        DbError { kind, message: message.into(), sql_state: None, code: Some(code) }
    }

    /// The same error after a text that says what was being done.
    pub fn context(mut self, doing: impl fmt::Display) -> DbError {
        self.message = format!("{doing}: {}", self.message);
        self
    }

    /// What it means.
    pub fn kind(&self) -> DbErrorKind {
        self.kind
    }

    /// Whether the same can work on a new connection or later. JDBC's non-transient errors are those that cannot.
    pub fn may_work_later(&self) -> bool {
        matches!(self.kind, DbErrorKind::Connection | DbErrorKind::Transient)
    }

    /// Whether the call was broken off on purpose.
    pub fn is_interrupted(&self) -> bool {
        self.kind == DbErrorKind::Interrupted
    }

    /// Whether the server says that a table is not there.
    pub fn is_missing_table(&self) -> bool {
        matches!(self.sql_state(), Some("42P01" | MISSING_TABLE))
    }

    /// The five characters of SQLSTATE, where the server gave some.
    pub fn sql_state(&self) -> Option<&str> {
        self.sql_state.as_deref()
    }

    /// The vendor's number, where there is one.
    pub fn code(&self) -> Option<i32> {
        self.code
    }
}

impl fmt::Display for DbError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match (&self.sql_state, self.code) {
            (Some(state), Some(code)) => write!(f, " (SQLState {state}, code {code})"),
            (Some(state), None) => write!(f, " (SQLState {state})"),
            (None, Some(code)) => write!(f, " (code {code})"),
            (None, None) => Ok(()),
        }
    }
}

impl std::error::Error for DbError {}
