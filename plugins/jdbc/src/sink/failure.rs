//! Why a write failed, and what may be done about it.

use crate::db::{DbError, DbErrorKind};
use ferroconnect_plugin_sdk::{Error, ErrorKind};

/// SQLSTATE and the numbers of MySQL and SQLite for a reference to a row that is not there, and maybe not yet.
const FOREIGN_KEY_STATE: &str = "23503";
const FOREIGN_KEY_CODES: [i32; 3] = [1216, 1452, 787];

/// Why a write failed. What it wrote was rolled back.
#[derive(Debug)]
pub(crate) enum Failure {
    /// There is no connection. No record is to blame.
    Connect(DbError),
    /// The database refused a statement or broke off.
    Sql(DbError),
    /// A record, or the table it is for, is not as it would have to be.
    Record(Error),
    /// A bad record could not be reported.
    Report(Error),
}

impl Failure {
    /// Whether the same may work later.
    pub(crate) fn may_pass(&self) -> bool {
        match self {
            Failure::Connect(error) => !error.is_interrupted(),
            Failure::Sql(error) => match error.kind() {
                DbErrorKind::Connection | DbErrorKind::Transient | DbErrorKind::Permanent => true,
                DbErrorKind::Data => misses_a_row(error),
                DbErrorKind::Interrupted => false,
            },
            Failure::Record(_) | Failure::Report(_) => false,
        }
    }

    /// Whether single records may be the reason, so that the others can be written without them.
    pub(crate) fn blames_records(&self) -> bool {
        match self {
            Failure::Sql(error) => matches!(error.kind(), DbErrorKind::Data | DbErrorKind::Permanent),
            Failure::Record(_) => true,
            Failure::Connect(_) | Failure::Report(_) => false,
        }
    }

    /// Whether what is known of tables may be out of date.
    pub(crate) fn doubts_tables(&self) -> bool {
        matches!(self, Failure::Sql(error) if error.kind() == DbErrorKind::Permanent)
    }

    /// The error of a task that gives up.
    pub(crate) fn into_error(self) -> Error {
        match self {
            Failure::Connect(error) | Failure::Sql(error) if error.is_interrupted() => {
                Error::new(ErrorKind::STOPPING, error.to_string())
            }
            Failure::Connect(error) | Failure::Sql(error) => Error::fatal(error.to_string()),
            Failure::Record(error) | Failure::Report(error) => error,
        }
    }
}

/// A row that refers to one that is not there: the other may be on its way.
fn misses_a_row(error: &DbError) -> bool {
    error.sql_state() == Some(FOREIGN_KEY_STATE) || error.code().is_some_and(|code| FOREIGN_KEY_CODES.contains(&code))
}

impl From<DbError> for Failure {
    fn from(error: DbError) -> Failure {
        Failure::Sql(error)
    }
}
