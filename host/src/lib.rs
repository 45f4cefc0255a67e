//! A native Kafka Connect worker.

pub mod error;
