//! Creating the dead-letter topic before the task starts.

use std::time::{Duration, Instant};

use rdkafka::types::RDKafkaRespErr as Code;

use crate::error::{ConnectError, Result};
use crate::kafka::admin::NewTopic;
use crate::kafka::{Admin, ClientSettings, KafkaError};
use crate::worker::lifecycle::{Lifecycle, Next};

const TOPIC: &str = "errors.deadletterqueue.topic.name";
const REPLICATION_FACTOR: &str = "errors.deadletterqueue.topic.replication.factor";

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
    let refused = |error: KafkaError| {
        let hint = hint(&error, topic, replication_factor);
        failed(ConnectError::from(error).detail(hint))
    };
    let admin = Admin::new(settings).map_err(failed)?;
    let deadline = Instant::now() + PATIENCE;
    loop {
        match look_and_create(&admin, topic, replication_factor) {
            Ok(()) => return Ok(()),
            Err(error) if (error.is_timeout() || error.is_retriable()) && Instant::now() < deadline => {
                tracing::warn!("No answer about the dead-letter topic {topic} yet, asking again: {error}");
                if lifecycle.next() == Next::Stop {
                    return Err(refused(error));
                }
            }
            Err(error) => return Err(refused(error)),
        }
    }
}

/// Which key is wrong, and what would be right.
fn hint(error: &KafkaError, topic: &str, replication_factor: i16) -> String {
    if error.is(Code::RD_KAFKA_RESP_ERR_INVALID_REPLICATION_FACTOR) {
        format!(
            "{REPLICATION_FACTOR}={replication_factor}: the topic is to be created, and the cluster has fewer brokers; set the key to their number or less"
        )
    } else if error.is(Code::RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION) {
        format!("{TOPIC}={topic}: no name of a topic; letters, digits, '.', '_' and '-' are allowed, at most 249")
    } else if error.is_authorization() || error.is(Code::RD_KAFKA_RESP_ERR_POLICY_VIOLATION) {
        format!(
            "{TOPIC}={topic}: the topic may not be looked up or created; create it, or give the connector the right"
        )
    } else {
        format!("{TOPIC}={topic}")
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hints_name_the_key_that_is_wrong() {
        let of = |code: Code| hint(&KafkaError::from_code(code as i32), "letters", 3);
        assert!(
            of(Code::RD_KAFKA_RESP_ERR_INVALID_REPLICATION_FACTOR).starts_with(&format!("{REPLICATION_FACTOR}=3: "))
        );
        for code in [
            Code::RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION,
            Code::RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED,
            Code::RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED,
            Code::RD_KAFKA_RESP_ERR_POLICY_VIOLATION,
            Code::RD_KAFKA_RESP_ERR__TRANSPORT,
        ] {
            assert!(of(code).starts_with(&format!("{TOPIC}=letters")), "{code:?}");
        }
    }
}
