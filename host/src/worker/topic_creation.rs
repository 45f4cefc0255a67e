//! Creating the topics of a source connector before their first record (KIP-158).

use std::collections::HashSet;
use std::time::Duration;

use ferroconnect_plugin_abi::Text;
use rdkafka::types::RDKafkaRespErr as Code;

use crate::config::{NewTopicSettings, TopicCreation};
use crate::error::{ConnectError, Result};
use crate::kafka::admin::{Created, NewTopic};
use crate::kafka::{Admin, ClientSettings, KafkaError};

/// How long one request about a topic may take.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(60);

/// Creates topics for one task, each once.
pub(crate) struct TopicCreator {
    /// None = the worker creates no topics for this connector; the broker may.
    rules: Option<(TopicCreation, ClientSettings)>,
    admin: Option<Admin>,
    done: HashSet<Text>,
}

impl TopicCreator {
    /// A creator by these rules; the admin client is made when it is first needed.
    pub(crate) fn new(rules: Option<(TopicCreation, ClientSettings)>) -> TopicCreator {
        TopicCreator { rules, admin: None, done: HashSet::new() }
    }

    /// Makes sure that a topic exists. A topic that exists is left as it is.
    ///
    /// # Errors
    /// The topic does not exist and could not be created, for lack of rights too: waiting for the broker to create it
    /// could take for ever.
    pub(crate) fn ensure(&mut self, topic: &Text) -> Result<()> {
        let Some((rules, settings)) = &self.rules else { return Ok(()) };
        if self.done.contains(topic) {
            return Ok(());
        }
        let admin = match &mut self.admin {
            Some(admin) => admin,
            none => none.insert(Admin::new(settings)?),
        };
        let found = admin.topic(topic, REQUEST_TIMEOUT).map_err(|error| not_described(topic, error))?;
        if found.is_none() {
            let wanted = new_topic(topic, rules.for_topic(topic));
            let created = admin.create_topics(std::slice::from_ref(&wanted), REQUEST_TIMEOUT);
            // One topic has one answer.
            let created = created.and_then(|mut answers| answers.remove(0));
            if created.map_err(|error| not_created(&wanted, error))? == Created::New {
                tracing::info!("Created topic {}", describe(&wanted));
            }
        }
        self.done.insert(topic.clone());
        Ok(())
    }
}

fn not_described(topic: &str, error: KafkaError) -> ConnectError {
    let text = if error.is_authorization() {
        format!("Not authorized to describe topic(s) '{topic}'")
    } else if error.is_timeout() {
        format!("Timed out while describing topics '{topic}'")
    } else {
        format!("Error while attempting to describe topics '{topic}'")
    };
    ConnectError::connect(text).caused_by(ConnectError::from(error))
}

fn not_created(topic: &NewTopic, error: KafkaError) -> ConnectError {
    let name = &topic.name;
    let text = if error.is_authorization() {
        format!(
            "Task failed to create new topic {}. Ensure that the task is authorized to create topics or that the topic exists and restart the task",
            describe(topic)
        )
    } else if error.is(Code::RD_KAFKA_RESP_ERR_INVALID_CONFIG) {
        format!("Unable to create topic(s) '{name}': {}", error.text())
    } else if error.is_timeout() {
        format!(
            "Timed out while checking for or creating topic(s) '{name}'. This could indicate a connectivity issue, unavailable topic partitions, or if this is your first use of the topic it may have taken too long to create."
        )
    } else {
        format!("Error while attempting to create/find topic(s) '{name}'")
    };
    ConnectError::connect(text).caused_by(ConnectError::from(error))
}

fn new_topic(topic: &str, settings: &NewTopicSettings) -> NewTopic {
    NewTopic {
        name: topic.to_owned(),
        partitions: settings.partitions,
        replication_factor: settings.replication_factor,
        configs: settings.config.iter().filter_map(|(key, value)| Some((key.to_owned(), value?.to_owned()))).collect(),
    }
}

/// A topic in the words of Java's clients.
fn describe(topic: &NewTopic) -> String {
    let or_default = |number: Option<i64>| number.map_or("default".to_owned(), |number| number.to_string());
    let configs: Vec<String> = topic.configs.iter().map(|(key, value)| format!("{key}={value}")).collect();
    format!(
        "(name={}, numPartitions={}, replicationFactor={}, replicasAssignments=null, configs={{{}}})",
        topic.name,
        or_default(topic.partitions.map(i64::from)),
        or_default(topic.replication_factor.map(i64::from)),
        configs.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_keeps_a_topic_from_being_created_is_told_as_in_java() {
        let topic = NewTopic {
            name: "t".to_owned(),
            partitions: Some(2),
            replication_factor: None,
            configs: vec![("cleanup.policy".to_owned(), "compact".to_owned())],
        };
        let text = |code, text: &str| not_created(&topic, KafkaError::new(code, text)).message().to_owned();
        let forbidden = text(Code::RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, "no");
        let described = "(name=t, numPartitions=2, replicationFactor=default, replicasAssignments=null, configs={cleanup.policy=compact})";
        assert!(forbidden.starts_with(&format!("Task failed to create new topic {described}. Ensure")), "{forbidden}");
        assert_eq!(
            text(Code::RD_KAFKA_RESP_ERR_INVALID_CONFIG, "Unknown topic config name: x"),
            "Unable to create topic(s) 't': Unknown topic config name: x"
        );
        let other = text(Code::RD_KAFKA_RESP_ERR_INVALID_REPLICATION_FACTOR, "too many");
        assert_eq!(other, "Error while attempting to create/find topic(s) 't'");
        assert!(
            text(Code::RD_KAFKA_RESP_ERR__TIMED_OUT, "late").starts_with("Timed out while checking for or creating")
        );
    }
}
