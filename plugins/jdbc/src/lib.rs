//! Source and sink for tables of MySQL, MariaDB, PostgreSQL and SQLite.
//!
//! What is here: `url` and `settings` read where the database is; `dialect` writes SQL, `db` runs it, by one driver for
//! each database behind one trait; `link` is a connection that a stop breaks off, `watched` a thread that cannot hold up a
//! stop, `own_table` makes tables for things of our own, `counted` words for messages. `source` reads tables and queries,
//! `sink` writes records to tables.
//!
//! What is not here: JDBC or ODBC. The `jdbc:` of the URLs is only how people write them.

mod counted;
pub mod db;
pub mod dialect;
mod link;
mod openmldb;
mod own_table;
pub mod settings;
mod sink;
mod source;
pub mod url;
mod watched;

pub use sink::JdbcSink;
pub use source::{ExampleSource, JdbcSource};

/// What the reading thread of a source allocates is freed by its task's thread, millions of times a second. The two do not
/// wait for each other with this allocator, as they do with the C library's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

ferroconnect_plugin_sdk::export! {
    sources: [JdbcSource, ExampleSource],
    sinks: [JdbcSink],
}
