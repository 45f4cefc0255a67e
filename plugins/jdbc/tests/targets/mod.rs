//! Databases for tests of the sink to write to: each test gets an empty one of its own.

use ferroconnect_jdbc::db::{Connection, SqlValue, query_all};
use ferroconnect_jdbc::dialect::{Database, Dialect};
use ferroconnect_jdbc::settings::{ConnectionSettings, keys};
use ferroconnect_plugin_sdk::{Config, StopSignal};
use ferroconnect_test_servers::{Kind, Server};
use tempfile::TempDir;

/// An empty database.
pub(crate) struct Target {
    /// Its JDBC URL, user and password included.
    pub(crate) url: String,
    pub(crate) database: Database,
    _folder: Option<TempDir>,
}

impl Target {
    pub(crate) fn sqlite(name: &str) -> Target {
        let folder = TempDir::new().unwrap();
        let url = format!("jdbc:sqlite:{}", folder.path().join(format!("{name}.db")).display());
        Target { url, database: Database::Sqlite, _folder: Some(folder) }
    }

    /// A database of its own on a server.
    pub(crate) fn on(kind: Kind, server: &Server, name: &str) -> Target {
        let (database, first) = match kind {
            Kind::MariaDb => (Database::MySql, "test"),
            Kind::Postgres => (Database::Postgres, "postgres"),
        };
        let whole = Target { url: server.url(first), database, _folder: None };
        whole.run(&format!("CREATE DATABASE {name}"));
        Target { url: server.url(name), ..whole }
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

    pub(crate) fn run(&self, sql: &str) {
        self.connect().execute(sql, &[]).unwrap_or_else(|error| panic!("{sql}: {error}"));
    }

    pub(crate) fn rows(&self, sql: &str) -> Vec<Vec<SqlValue>> {
        query_all(self.connect().as_mut(), sql, &[]).unwrap_or_else(|error| panic!("{sql}: {error}")).1
    }

    pub(crate) fn has_table(&self, name: &str) -> bool {
        self.connect().find_table(&self.dialect().parse_table(name)).unwrap().is_some()
    }

    /// The names of a table's columns in their order.
    pub(crate) fn columns(&self, name: &str) -> Vec<String> {
        let columns = self.connect().columns(&self.dialect().parse_table(name)).unwrap();
        columns.into_iter().map(|column| column.name).collect()
    }

    /// How a column is read so that [`Target::stored`] can tell what is in it.
    pub(crate) fn shown(&self, column: &str) -> String {
        match self.database {
            // Its columns for numbers and times all are NUMERIC.
            Database::Sqlite if ["price", "day", "clock", "at", "fine"].contains(&column) => {
                format!("CAST({column} AS TEXT)")
            }
            _ => column.to_owned(),
        }
    }

    /// What is read from a column that the sink made for this value.
    pub(crate) fn stored(&self, value: SqlValue) -> SqlValue {
        match (self.database, value) {
            (Database::MySql | Database::Sqlite, SqlValue::Bool(flag)) => SqlValue::Int(flag.into()),
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
            $(pub(crate) fn $name($target: &super::Target) {
                use super::*;
                $body
            })*
        }
        mod sqlite {
            $(#[test]
            fn $name() {
                super::each::$name(&super::Target::sqlite(stringify!($name)));
            })*
        }
        mod mariadb {
            $(#[test]
            fn $name() {
                super::each::$name(&super::Target::shared(super::Kind::MariaDb, stringify!($name)));
            })*
        }
        mod postgres {
            $(#[test]
            fn $name() {
                super::each::$name(&super::Target::shared(super::Kind::Postgres, stringify!($name)));
            })*
        }
    };
}
pub(crate) use each_target;
