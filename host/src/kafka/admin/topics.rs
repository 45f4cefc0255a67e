//! Creating topics and reading their settings.

use std::ptr::NonNull;
use std::time::Duration;

use rdkafka::bindings as rd;
use rdkafka::types::RDKafkaRespErr as Code;

use super::Admin;
use crate::kafka::error::{KafkaError, c_text};
use crate::kafka::native::c_string;

/// A topic to create.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewTopic {
    /// Topic name.
    pub name: String,
    /// Number of partitions; `None` leaves it to the broker.
    pub partitions: Option<i32>,
    /// Number of replicas; `None` leaves it to the broker.
    pub replication_factor: Option<i16>,
    /// Topic settings such as `cleanup.policy`.
    pub configs: Vec<(String, String)>,
}

/// What became of a topic to create.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Created {
    /// It is new.
    New,
    /// It was there already and was left as it is.
    Existed,
}

/// One setting of a topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigEntry {
    /// Name, such as `cleanup.policy`.
    pub name: String,
    /// Value; `None` if the broker does not show it.
    pub value: Option<String>,
    /// True if nobody set it for this topic.
    pub is_default: bool,
}

impl Admin {
    /// Creates topics. Answers for each in the order given; a topic that may not be created has an
    /// error with [`KafkaError::is_authorization`].
    ///
    /// # Errors
    /// If no answer came, or a topic's numbers or name are impossible.
    pub fn create_topics(
        &self,
        topics: &[NewTopic],
        timeout: Duration,
    ) -> Result<Vec<Result<Created, KafkaError>>, KafkaError> {
        if topics.is_empty() {
            return Ok(Vec::new());
        }
        let owned: Vec<NativeTopic> = topics.iter().map(NativeTopic::new).collect::<Result<_, _>>()?;
        let mut list: Vec<_> = owned.iter().map(|topic| topic.0.as_ptr()).collect();
        let kind = rd::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_CREATETOPICS;
        let event = self.request(kind, timeout, |options, queue| {
            // SAFETY: all pointers are valid; the topics are copied.
            unsafe {
                let handle = self.handle.as_ptr();
                rd::rd_kafka_CreateTopics(handle, list.as_mut_ptr(), list.len(), options, queue);
            }
        })?;
        let mut answers = Vec::new();
        // SAFETY: the event is the answer to this request and owns the results.
        unsafe {
            let result = rd::rd_kafka_event_CreateTopics_result(event.as_ptr());
            let mut count = 0;
            let results = rd::rd_kafka_CreateTopics_result_topics(result, &mut count);
            for index in 0..count {
                let topic = *results.add(index);
                let name = c_text(rd::rd_kafka_topic_result_name(topic)).into_owned();
                let code = rd::rd_kafka_topic_result_error(topic) as i32;
                let text = c_text(rd::rd_kafka_topic_result_error_string(topic));
                answers.push((name, created(code, &text)));
            }
        }
        let answer = |topic: &NewTopic| {
            let known = answers.iter().find(|(name, _)| *name == topic.name);
            known.map_or_else(
                || Err(KafkaError::from_code(Code::RD_KAFKA_RESP_ERR__FAIL as i32)),
                |(_, result)| result.clone(),
            )
        };
        Ok(topics.iter().map(answer).collect())
    }

    /// All settings of a topic.
    ///
    /// # Errors
    /// If the topic does not exist, may not be described, or no answer came.
    pub fn topic_config(&self, topic: &str, timeout: Duration) -> Result<Vec<ConfigEntry>, KafkaError> {
        let name = c_string("topic name", topic)?;
        // SAFETY: the name is copied; the resource is destroyed below.
        let resource = unsafe {
            rd::rd_kafka_ConfigResource_new(rd::rd_kafka_ResourceType_t::RD_KAFKA_RESOURCE_TOPIC, name.as_ptr())
        };
        let mut list = [resource];
        let kind = rd::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS;
        let event = self.request(kind, timeout, |options, queue| {
            // SAFETY: all pointers are valid; the resource is copied and then destroyed.
            unsafe {
                rd::rd_kafka_DescribeConfigs(self.handle.as_ptr(), list.as_mut_ptr(), 1, options, queue);
                rd::rd_kafka_ConfigResource_destroy(resource);
            }
        })?;
        // SAFETY: the event is the answer to this request and owns the results.
        unsafe {
            let result = rd::rd_kafka_event_DescribeConfigs_result(event.as_ptr());
            let mut count = 0;
            let resources = rd::rd_kafka_DescribeConfigs_result_resources(result, &mut count);
            if count == 0 {
                return Err(KafkaError::from_code(Code::RD_KAFKA_RESP_ERR__FAIL as i32));
            }
            let resource = *resources;
            let code = rd::rd_kafka_ConfigResource_error(resource) as i32;
            KafkaError::check_code(code).map_err(|error| {
                let text = c_text(rd::rd_kafka_ConfigResource_error_string(resource));
                error.with_text(format!("Topic {topic}: {text}"))
            })?;
            Ok(read_config(resource))
        }
    }
}

fn created(code: i32, text: &str) -> Result<Created, KafkaError> {
    match KafkaError::check_code(code) {
        Ok(()) => Ok(Created::New),
        Err(error) if error.is(Code::RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS) => Ok(Created::Existed),
        Err(error) if text.is_empty() => Err(error),
        Err(error) => Err(error.with_text(text)),
    }
}

/// # Safety
/// `resource` is a valid resource of an answer.
unsafe fn read_config(resource: *const rd::rd_kafka_ConfigResource_t) -> Vec<ConfigEntry> {
    // SAFETY: by the contract of this function; entries and their texts belong to the resource.
    unsafe {
        let mut count = 0;
        let entries = rd::rd_kafka_ConfigResource_configs(resource, &mut count);
        (0..count)
            .map(|index| {
                let entry = *entries.add(index);
                let value = rd::rd_kafka_ConfigEntry_value(entry);
                ConfigEntry {
                    name: c_text(rd::rd_kafka_ConfigEntry_name(entry)).into_owned(),
                    value: (!value.is_null()).then(|| c_text(value).into_owned()),
                    is_default: rd::rd_kafka_ConfigEntry_is_default(entry) == 1,
                }
            })
            .collect()
    }
}

/// An owned `rd_kafka_NewTopic_t`.
struct NativeTopic(NonNull<rd::rd_kafka_NewTopic_t>);

impl NativeTopic {
    fn new(topic: &NewTopic) -> Result<Self, KafkaError> {
        let name = c_string("topic name", &topic.name)?;
        let mut text = [0; 256];
        // SAFETY: name and buffer are valid for the call.
        let native = unsafe {
            rd::rd_kafka_NewTopic_new(
                name.as_ptr(),
                topic.partitions.unwrap_or(-1),
                topic.replication_factor.map_or(-1, i32::from),
                text.as_mut_ptr(),
                text.len(),
            )
        };
        let Some(native) = NonNull::new(native) else {
            // SAFETY: the buffer holds a C string.
            let text = unsafe { c_text(text.as_ptr()) };
            return Err(KafkaError::new(Code::RD_KAFKA_RESP_ERR__INVALID_ARG, format!("Topic {}: {text}", topic.name)));
        };
        let native = Self(native);
        for (key, value) in &topic.configs {
            let (key, value) = (c_string("topic setting", key)?, c_string("value", value)?);
            // SAFETY: all pointers are valid; both texts are copied.
            KafkaError::check(unsafe {
                rd::rd_kafka_NewTopic_set_config(native.0.as_ptr(), key.as_ptr(), value.as_ptr())
            })?;
        }
        Ok(native)
    }
}

impl Drop for NativeTopic {
    fn drop(&mut self) {
        // SAFETY: owned here.
        unsafe { rd::rd_kafka_NewTopic_destroy(self.0.as_ptr()) }
    }
}
