//! Creating the topics of a source connector before their first record (KIP-158).

use std::collections::HashSet;
use std::time::Duration;

use ferroconnect_plugin_abi::Text;

use crate::config::{NewTopicSettings, TopicCreation};
use crate::error::{ConnectError, Result};
use crate::kafka::admin::{Created, NewTopic};
use crate::kafka::{Admin, ClientSettings, KafkaError};

/// How long the creation of one topic may take.
const CREATE_TIMEOUT: Duration = Duration::from_secs(60);

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

    /// Makes sure that a topic exists. A topic that exists is left as it is. Not being allowed to create topics counts
    /// as "not created": the broker may do it.
    ///
    /// # Errors
    /// The topic could not be created.
    pub(crate) fn ensure(&mut self, topic: &Text) -> Result<()> {
        let Some((rules, settings)) = &self.rules else { return Ok(()) };
        if self.done.contains(topic) {
            return Ok(());
        }
        let admin = match &mut self.admin {
            Some(admin) => admin,
            none => none.insert(Admin::new(settings)?),
        };
        let wanted = new_topic(topic, rules.for_topic(topic));
        let failed = |error: KafkaError| {
            ConnectError::connect(format!(
                "Task failed to create new topic {topic}. Ensure that the task is authorized to create topics or that the topic exists and restart the task"
            ))
            .caused_by(ConnectError::from(error))
        };
        let results = admin.create_topics(std::slice::from_ref(&wanted), CREATE_TIMEOUT).map_err(failed)?;
        for result in results {
            match result {
                Ok(Created::New) => {
                    tracing::info!("Created topic {topic} ({})", describe(rules.for_topic(topic)));
                }
                Ok(_) => {}
                Err(error) if error.is_authorization() => {
                    tracing::warn!("Not allowed to create topic {topic}; the broker may create it: {error}");
                }
                Err(error) => return Err(failed(error)),
            }
        }
        self.done.insert(topic.clone());
        Ok(())
    }
}

fn new_topic(topic: &str, settings: &NewTopicSettings) -> NewTopic {
    NewTopic {
        name: topic.to_owned(),
        partitions: settings.partitions,
        replication_factor: settings.replication_factor,
        configs: settings.config.iter().filter_map(|(key, value)| Some((key.to_owned(), value?.to_owned()))).collect(),
    }
}

fn describe(settings: &NewTopicSettings) -> String {
    let or_default =
        |number: Option<i64>| number.map_or("the broker's default".to_owned(), |number| number.to_string());
    format!(
        "partitions: {}, replication factor: {}",
        or_default(settings.partitions.map(i64::from)),
        or_default(settings.replication_factor.map(i64::from))
    )
}
