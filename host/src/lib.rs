//! A native Kafka Connect worker.

pub mod app;
pub mod cli;
pub mod config;
pub mod connector_dir;
#[cfg(test)]
mod docs_page;
pub mod error;
mod freed_memory;
#[cfg(target_os = "linux")]
mod futex_hash;
pub mod herder;
mod java_hash;
pub mod java_regex;
pub mod kafka;
pub mod pipeline;
pub mod plugins;
pub mod rest;
pub mod runtime;
pub mod stages;
pub mod storage;
pub mod telemetry;
pub mod worker;

pub use ferroconnect_key_stores as tls;

/// The version of Kafka Connect whose REST API and built-in plugins this worker stands in for. Clients decide by it what
/// they may ask for, and configurations choose plugins by it.
pub const KAFKA_CONNECT: &str = "4.3.1";
