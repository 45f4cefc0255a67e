//! Creating the dead-letter topic before the task starts.

use std::time::{Duration, Instant};

use crate::error::{ConnectError, Result};
use crate::kafka::admin::NewTopic;
use crate::kafka::{Admin, ClientSettings, KafkaError};
use crate::worker::lifecycle::{Lifecycle, Next};

/// How long brokers are asked before the task fails, as in Kafka Connect.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long one request may take; in between the task looks whether it should stop.
const REQUEST: Duration = Duration::from_secs(3);

/// Makes sure that the topic exists: one partition, and the replication factor that is configured. A topic that exists
/// is left as it is, and nothing but looking at it has to be allowed.
///
/// # Errors
/// The topic is not there and cannot be created, or no broker answers.
pub(crate) fn ensure(
    settings: &ClientSettings,
    topic: &str,
    replication_factor: i16,
    lifecycle: &Lifecycle,
) -> Result<()> {
    let failed = |cause: ConnectError| {
        ConnectError::connect(format!("Could not initialize dead letter queue with topic={topic}")).caused_by(cause)
    };
    let admin = Admin::new(settings).map_err(failed)?;
    let deadline = Instant::now() + PATIENCE;
    loop {
        match look_and_create(&admin, topic, replication_factor) {
            Ok(()) => return Ok(()),
            Err(error) if (error.is_timeout() || error.is_retriable()) && Instant::now() < deadline => {
                tracing::warn!("No answer about the dead-letter topic {topic} yet, asking again: {error}");
                if lifecycle.next() == Next::Stop {
                    return Err(failed(error.into()));
                }
            }
            Err(error) => return Err(failed(error.into())),
        }
    }
}

fn look_and_create(admin: &Admin, topic: &str, replication_factor: i16) -> Result<(), KafkaError> {
    if admin.topic(topic, REQUEST)?.is_some() {
        return Ok(());
    }
    let wanted = NewTopic {
        name: topic.to_owned(),
        partitions: Some(1),
        replication_factor: Some(replication_factor),
        configs: Vec::new(),
    };
    for created in admin.create_topics(&[wanted], REQUEST)? {
        created?;
        tracing::info!("Dead-letter topic {topic} is there (one partition, replication factor {replication_factor})");
    }
    Ok(())
}
