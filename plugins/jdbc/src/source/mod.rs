//! The source: reads rows of tables, or of a query, into records.
//!
//! What is here: `connector` divides tables among tasks, with `monitor` watching which there are; `task` hands over what
//! the thread of `reader` reads, one `stream` for each table. Below them: `keys` and `settings` (configuration), `filter`
//! (which tables), `query` (statements), `rows`, `values` and `times` (what rows become), `offset` (positions), `gaps`
//! (numbers that may yet come), `deletes` (rows that are gone), `outlet` (batches on their way from the
//! reader to the task). `tutorial` is a preset.
//!
//! What is not here: anything that talks to a server; see [`crate::db`].

mod connector;
mod deletes;
mod filter;
mod gaps;
mod keys;
mod monitor;
mod offset;
mod outlet;
mod query;
mod reader;
mod rows;
mod settings;
mod stream;
mod task;
mod times;
mod tutorial;
mod values;

pub use connector::JdbcSource;
pub use tutorial::ExampleSource;
