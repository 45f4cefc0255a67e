//! A native Kafka Connect worker.

pub mod error;
pub mod storage;
pub mod telemetry;
