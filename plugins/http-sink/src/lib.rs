//! A sink that sends records to an HTTP server.
//!
//! What is here: stand-ins for Aiven's and for Confluent's HTTP sink connectors, each with its own keys ([`mod@aiven`],
//! [`mod@confluent`]), which come down to the same [`options`]. `task` is the way of a record: `request` makes requests
//! of records, `client` sends them, `statuses` says which answers are worth another attempt, and `progress` remembers what arrived when a request has to be sent again.
//!
//! What is not here: waiting. A request that should be tried again is a retriable error, and the worker gives the same
//! records again; so a task that is to stop never hangs in a pause.

mod aiven;
mod client;
mod common;
mod confluent;
mod connector;
mod oauth;
mod options;
mod progress;
mod request;
mod statuses;
mod task;
mod template;
mod tls;

use aiven::Aiven;
use confluent::Confluent;
use ferroconnect_plugin_sdk::Uniform;

/// Answers to the class of Aiven's connector.
pub type HttpSink = connector::HttpSink<Aiven>;
/// Answers to the class of Confluent's connector.
pub type ConfluentHttpSink = connector::HttpSink<Confluent>;

ferroconnect_plugin_sdk::export! {
    sinks: [Uniform<HttpSink>, Uniform<ConfluentHttpSink>],
}
