//! Source and sink for tables of MySQL, MariaDB, PostgreSQL and SQLite.
//!
//! What is here: `url` and `settings` read where the database is; `dialect` writes SQL, `db` runs it, by one driver for
//! each database behind one trait. `sink` writes records to tables.
//!
//! What is not here: JDBC or ODBC. The `jdbc:` of the URLs is only how people write them.

pub mod db;
pub mod dialect;
mod openmldb;
pub mod settings;
mod sink;
pub mod url;

pub use sink::JdbcSink;

ferroconnect_plugin_sdk::export! {
    sinks: [JdbcSink],
}
