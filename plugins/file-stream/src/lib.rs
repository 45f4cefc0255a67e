//! File connectors: the lines of a file or of standard input to a topic, and records of topics as lines of a file or
//! of standard output.
//!
//! What is here: stand-ins for Kafka's `FileStreamSourceConnector` and `FileStreamSinkConnector`, with the same
//! configuration, offsets and output. Start reading in `source` and `sink`; `lines` is what makes the source fast.
//!
//! What is not here: reading directories, compressed files or anything that is not lines.

pub mod config;
mod input;
mod lines;
mod offsets;
mod output;
pub mod sink;
pub mod source;
mod text;

use ferroconnect_plugin_sdk::Uniform;
pub use sink::FileStreamSink;
pub use source::FileStreamSource;

/// The version of Kafka whose connectors these stand in for, so that configurations which ask for a version
/// (`connector.plugin.version`) keep working.
const VERSION: &str = "4.3.1";

ferroconnect_plugin_sdk::export! {
    sources: [FileStreamSource],
    sinks: [Uniform<FileStreamSink>],
}
