//! Databases for tests of the sink to write to: each test gets an empty one of its own.

use ferroconnect_jdbc::db::{Connection, DbResult, SqlValue, query_all};
use ferroconnect_jdbc::dialect::{Database, Dialect};
use ferroconnect_jdbc::settings::{ConnectionSettings, keys};
use ferroconnect_plugin_sdk::{Config, StopSignal};
use ferroconnect_test_servers::{Kind, Server};
use std::sync::Mutex;
use tempfile::TempDir;

/// An empty database.
pub(crate) struct Target {
    /// Its JDBC URL, user and password included.
    pub(crate) url: String,
    pub(crate) database: Database,
    connection: Mutex<Option<Box<dyn Connection>>>,
    _folder: Option<TempDir>,
}

impl Target {
    pub(crate) fn sqlite(name: &str) -> Target {
        let folder = TempDir::new().unwrap();
        let url = format!("jdbc:sqlite:{}", folder.path().join(format!("{name}.db")).display());
        Target { url, database: Database::Sqlite, connection: Mutex::default(), _folder: Some(folder) }
    }

    /// What is at a URL already.
    pub(crate) fn at(database: Database, url: String) -> Target {
        Target { url, database, connection: Mutex::default(), _folder: None }
    }

    /// A database of its own on a server.
    pub(crate) fn on(kind: Kind, server: &Server, name: &str) -> Target {
        let (database, first) = match kind {
            Kind::MariaDb => (Database::MySql, "test"),
            Kind::Postgres => (Database::Postgres, "postgres"),
        };
        let target = |name| Target { url: server.url(name), database, connection: Mutex::default(), _folder: None };
        target(first).run(&format!("CREATE DATABASE {name}"));
        target(name)
    }

    /// A database of its own on the server that all tests share.
    pub(crate) fn shared(kind: Kind, name: &str) -> Target {
        Target::on(kind, Server::shared(kind), name)
    }

    pub(crate) fn dialect(&self) -> Dialect {
        Dialect { database: self.database, quote: true }
    }

    pub(crate) fn connect(&self) -> Box<dyn Connection> {
        let settings = ConnectionSettings::parse(&Config::from([(keys::URL, self.url.as_str())])).unwrap();
        settings.connect(&StopSignal::default()).unwrap()
    }

    /// Does something over a connection that is kept for the next time, where it works.
    fn with<T>(&self, what: &str, act: impl FnOnce(&mut dyn Connection) -> DbResult<T>) -> T {
        let mut kept = self.connection.lock().unwrap();
        let works = kept.as_mut().is_some_and(|connection| connection.ping().is_ok());
        if !works {
            *kept = Some(self.connect());
        }
        act(kept.as_mut().unwrap().as_mut()).unwrap_or_else(|error| panic!("{what}: {error}"))
    }

    pub(crate) fn run(&self, sql: &str) {
        self.with(sql, |connection| connection.execute(sql, &[]));
    }

    pub(crate) fn rows(&self, sql: &str) -> Vec<Vec<SqlValue>> {
        self.with(sql, |connection| query_all(connection, sql, &[])).1
    }

    pub(crate) fn has_table(&self, name: &str) -> bool {
        self.with(name, |connection| connection.find_table(&self.dialect().parse_table(name))).is_some()
    }

    /// The names of a table's columns in their order.
    pub(crate) fn columns(&self, name: &str) -> Vec<String> {
        let columns = self.with(name, |connection| connection.columns(&self.dialect().parse_table(name)));
        columns.into_iter().map(|column| column.name).collect()
    }

    /// Makes connections from now on give up soon where a lock is held.
    pub(crate) fn wait_for_locks_briefly(&mut self) {
        match self.database {
            Database::MySql => self.run("SET GLOBAL innodb_lock_wait_timeout = 1"),
            Database::Postgres => {
                let name: String =
                    self.url.rsplit('/').next().into_iter().flat_map(|rest| rest.split('?')).take(1).collect();
                self.run(&format!("ALTER DATABASE {name} SET lock_timeout = '200ms'"));
            }
            _ => self.url.push_str("?busy_timeout=100"),
        }
        *self.connection.lock().unwrap() = None;
    }

    /// How a column is read so that [`Target::stored`] can tell what is in it.
    pub(crate) fn shown(&self, column: &str) -> String {
        match self.database {
            // It stores numbers and times in one way, whatever the column is called.
            Database::Sqlite if ["price", "day", "clock", "at", "fine"].contains(&column) => {
                format!("CAST({column} AS TEXT)")
            }
            _ => column.to_owned(),
        }
    }

    /// What is read from a column that the sink made for this value.
    pub(crate) fn stored(&self, value: SqlValue) -> SqlValue {
        match (self.database, value) {
            (Database::MySql, SqlValue::Bool(flag)) => SqlValue::Int(flag.into()),
            (Database::Sqlite, SqlValue::Float(value)) => SqlValue::Double(value.into()),
            (Database::Sqlite, SqlValue::Decimal(value)) => SqlValue::Text(value.to_string()),
            (Database::Sqlite, SqlValue::Date(date)) => SqlValue::Text(date.to_string()),
            (Database::Sqlite, SqlValue::DateTime(time)) => SqlValue::Text(time.to_string().replace('T', " ")),
            (Database::Sqlite, SqlValue::Time(_)) => SqlValue::Text("23:59:59.999".to_owned()),
            (_, value) => value,
        }
    }
}

/// Runs each function as a test on each database.
macro_rules! each_target {
    ($(fn $name:ident($target:ident) $body:block)*) => {
        mod each {
            $(pub(crate) fn $name($target: &mut super::Target) {
                use super::*;
                $body
            })*
        }
        mod sqlite {
            $(#[test]
            fn $name() {
                super::each::$name(&mut super::Target::sqlite(stringify!($name)));
            })*
        }
        mod mariadb {
            $(#[test]
            fn $name() {
                super::each::$name(&mut super::Target::shared(super::Kind::MariaDb, stringify!($name)));
            })*
        }
        mod postgres {
            $(#[test]
            fn $name() {
                super::each::$name(&mut super::Target::shared(super::Kind::Postgres, stringify!($name)));
            })*
        }
    };
}
pub(crate) use each_target;
