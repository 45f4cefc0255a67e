//! How each database writes SQL. Nothing here talks to a server.

mod ddl;
mod dml;
mod names;

pub use ddl::{ColumnKind, NewColumn};
pub(crate) use ddl::{OPEN_SCALE, date_time_text, time_text};
pub use dml::Dml;
pub use names::TableId;

use std::fmt::{self, Write};

/// The databases that are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Database {
    /// MySQL and MariaDB.
    MySql,
    /// PostgreSQL.
    Postgres,
    /// SQLite.
    Sqlite,
    /// OpenMLDB, by its API server; a target only.
    OpenMldb,
}

impl Database {
    /// By the subprotocol of a JDBC URL.
    pub fn of_subprotocol(name: &str) -> Option<Database> {
        match name {
            "mysql" | "mariadb" => Some(Database::MySql),
            "postgresql" => Some(Database::Postgres),
            "sqlite" => Some(Database::Sqlite),
            "openmldb" => Some(Database::OpenMldb),
            _ => None,
        }
    }

    /// By a name of `dialect.name`, in any case.
    pub fn of_dialect_name(name: &str) -> Option<Database> {
        let name = name.to_ascii_lowercase();
        match name.strip_suffix("databasedialect").unwrap_or(&name) {
            "mysql" | "mariadb" => Some(Database::MySql),
            "postgresql" | "postgres" => Some(Database::Postgres),
            "sqlite" => Some(Database::Sqlite),
            "openmldb" => Some(Database::OpenMldb),
            _ => None,
        }
    }

    /// Its name as people write it.
    pub fn title(self) -> &'static str {
        match self {
            Database::MySql => "MySQL",
            Database::Postgres => "PostgreSQL",
            Database::Sqlite => "SQLite",
            Database::OpenMldb => "OpenMLDB",
        }
    }
}

impl fmt::Display for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.title())
    }
}

/// A database together with `quote.sql.identifiers`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dialect {
    /// Which one.
    pub database: Database,
    /// Whether every name is quoted. Without it only those are that could not stand bare, so that no name is ever read
    /// as SQL.
    pub quote: bool,
}

impl Dialect {
    /// The n-th placeholder of a statement, from 1.
    pub fn placeholder(&self, n: usize) -> String {
        let mut sql = String::new();
        self.push_placeholder(n, &mut sql);
        sql
    }

    /// Adds the n-th placeholder to a statement.
    fn push_placeholder(&self, n: usize, sql: &mut String) {
        match self.database {
            Database::Postgres => write!(sql, "${n}").expect("a String takes everything"),
            Database::MySql | Database::Sqlite | Database::OpenMldb => sql.push('?'),
        }
    }

    /// How many parameters one statement can have.
    pub fn most_parameters(&self) -> usize {
        match self.database {
            Database::MySql | Database::Postgres => 65_535,
            Database::Sqlite => 32_766,
            Database::OpenMldb => usize::MAX,
        }
    }
}

#[cfg(test)]
pub(crate) fn quoting(database: Database) -> Dialect {
    Dialect { database, quote: true }
}
