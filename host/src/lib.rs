//! A native Kafka Connect worker.

pub mod config;
pub mod error;
pub mod herder;
pub mod plugins;
pub mod storage;
pub mod telemetry;
