//! Kafka clients: settings, producer, consumer, admin and the embedded broker.
//!
//! Everything here stands on librdkafka. Users write the property names of the Java clients;
//! [`client_config`] turns them into librdkafka's. [`Producer`] and [`BatchConsumer`] are thin and
//! work in batches, because one call per record is what costs most.
//!
//! What is not here: the group protocol of distributed workers, records of Kafka Connect's
//! internal topics, and everything about plugins.
//!
//! Start reading at [`client_config::ClientSettings`].

pub mod admin;
pub mod client_config;
pub mod consumer;
pub mod embedded;
mod error;
mod native;
mod partitions;
pub mod producer;

pub use admin::Admin;
pub use client_config::{ClientSettings, Role};
pub use consumer::{BatchConsumer, MessageBatch, MessageRef, RebalanceHandler};
pub use embedded::EmbeddedBroker;
pub use error::KafkaError;
pub use partitions::{TopicPartition, TopicPartitionOffset};
pub use producer::{DeliveryReport, OutRecord, Producer, SendError, Topic};

#[cfg(test)]
mod partitioner_tests;
#[cfg(test)]
mod real_broker_tests;
