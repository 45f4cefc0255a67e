//! Connectors for tests of a worker: they make numbered records, tell on standard output what they made and got, and
//! fail on demand.
//!
//! What is here: stand-ins for Kafka's `org.apache.kafka.connect.tools` classes, with the same lines on standard
//! output. Start reading in `source` and `sink`.
//!
//! What is not here: anything of use in production.

mod console;
mod mock;
mod schema_source;
mod sequence;
mod sink;
mod source;
mod throttle;

pub use mock::{MockSink, MockSource};
pub use schema_source::SchemaSource;
pub use sink::VerifiableSink;
pub use source::VerifiableSource;

/// The version of Kafka whose connectors these stand in for, so that configurations which ask for a version
/// (`connector.plugin.version`) keep working.
const VERSION: &str = "4.3.1";

ferroconnect_plugin_sdk::export! {
    sources: [VerifiableSource, SchemaSource, MockSource],
    sinks: [VerifiableSink, MockSink],
}
