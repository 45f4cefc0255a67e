//! Topics, groups and the cluster: blocking calls with a time-out each.

mod groups;
pub(super) mod metadata;
#[cfg(test)]
pub(in crate::kafka) mod tests;
mod topics;

use std::fmt;
use std::ptr::NonNull;
use std::time::Duration;

use rdkafka::bindings as rd;
use rdkafka::types::RDKafkaRespErr as Code;

use super::client_config::ClientSettings;
use super::error::{KafkaError, c_text};
use super::native::{Event, Handle, Queue, millis};
use crate::error::Result;
use metadata::Scope;
pub use metadata::{BrokerInfo, TopicInfo};
pub use topics::{ConfigEntry, Created, NewTopic};

/// An admin client. All methods may be called from any thread; each call may be made by several
/// threads at once. They block up to their time-out; errors are retriable where brokers may answer
/// later.
pub struct Admin {
    // Before `handle`: the queue has to be given back before the client is destroyed.
    main: Queue,
    handle: Handle,
}

impl Admin {
    /// Makes an admin client. Does not wait for a broker.
    ///
    /// # Errors
    /// A config error if settings contradict each other.
    pub fn new(settings: &ClientSettings) -> Result<Self> {
        let handle = Handle::new(settings, Box::new(()), |conf| {
            // SAFETY: the configuration is valid.
            unsafe { rd::rd_kafka_conf_set_events(conf.as_ptr(), rd::RD_KAFKA_EVENT_ERROR) }
        })?;
        // SAFETY: the handle is valid; the reference to its main queue is ours.
        let main = unsafe { Queue::take(rd::rd_kafka_queue_get_main(handle.as_ptr())) };
        Ok(Self { main: main.expect("every client has a main queue"), handle })
    }

    /// The client id in use.
    pub fn client_id(&self) -> &str {
        self.handle.client_id()
    }

    /// The newest error of the client as a whole, such as an unreachable broker.
    pub fn last_error(&self) -> Option<KafkaError> {
        self.note_errors();
        self.handle.last_error()
    }

    fn note_errors(&self) {
        while let Some(event) = self.main.poll(Duration::ZERO) {
            if let Some(error) = event.error() {
                self.handle.context().note_error(error);
            }
        }
    }

    /// The id of the cluster; `None` if the brokers are too old to have one.
    ///
    /// # Errors
    /// If no broker answers in time.
    pub fn cluster_id(&self, timeout: Duration) -> Result<Option<String>, KafkaError> {
        // The call alone cannot tell an old broker from none.
        self.brokers(timeout)?;
        // SAFETY: the handle is valid; the text is copied and given back to librdkafka.
        unsafe {
            let id = rd::rd_kafka_clusterid(self.handle.as_ptr(), millis(timeout));
            if id.is_null() {
                return Ok(None);
            }
            let text = c_text(id).into_owned();
            rd::rd_kafka_mem_free(self.handle.as_ptr(), id.cast());
            Ok(Some(text))
        }
    }

    /// The brokers of the cluster.
    ///
    /// # Errors
    /// If no broker answers in time; the text says what the last connection failed of.
    pub fn brokers(&self, timeout: Duration) -> Result<Vec<BrokerInfo>, KafkaError> {
        Ok(self.metadata(Scope::Brokers, timeout)?.brokers())
    }

    /// All topics.
    ///
    /// # Errors
    /// If no broker answers in time.
    pub fn topics(&self, timeout: Duration) -> Result<Vec<TopicInfo>, KafkaError> {
        Ok(self.metadata(Scope::AllTopics, timeout)?.topics())
    }

    /// One topic; `None` if it does not exist. The topic is not created by asking.
    ///
    /// # Errors
    /// If no broker answers in time, or the topic may not be seen.
    pub fn topic(&self, name: &str, timeout: Duration) -> Result<Option<TopicInfo>, KafkaError> {
        let topics = self.metadata(Scope::Topic(name), timeout)?.topics();
        let Some(topic) = topics.into_iter().find(|topic| topic.name == name) else {
            return Ok(None);
        };
        match &topic.error {
            None => Ok(Some(topic)),
            Some(error)
                if error.is(Code::RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART)
                    || error.is(Code::RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC) =>
            {
                Ok(None)
            }
            Some(error) => {
                let text = format!("Topic {name}: {}", error.text());
                Err(error.clone().with_text(text))
            }
        }
    }

    fn metadata(&self, scope: Scope<'_>, timeout: Duration) -> Result<metadata::Metadata, KafkaError> {
        let result = metadata::fetch(&self.handle, scope, timeout);
        if result.is_err() {
            self.note_errors();
        }
        result.map_err(|error| metadata::with_last_error(&self.handle, error))
    }

    /// Makes a request and waits for its answer. `submit` gets the options and the queue for the
    /// answer.
    fn request(
        &self,
        what: rd::rd_kafka_admin_op_t,
        timeout: Duration,
        submit: impl FnOnce(*const rd::rd_kafka_AdminOptions_t, *mut rd::rd_kafka_queue_t),
    ) -> Result<Event, KafkaError> {
        let answers = Queue::new(&self.handle);
        let options = Options::new(&self.handle, what, timeout);
        submit(options.0.as_ptr(), answers.as_ptr());
        // librdkafka ends the request itself after the time-out; the rest is for its threads.
        let event = answers.poll(timeout + Duration::from_secs(1));
        self.note_errors();
        let Some(event) = event else {
            let error = KafkaError::from_code(Code::RD_KAFKA_RESP_ERR__TIMED_OUT as i32);
            return Err(metadata::with_last_error(&self.handle, error));
        };
        match event.error() {
            Some(error) => Err(metadata::with_last_error(&self.handle, error)),
            None => Ok(event),
        }
    }
}

/// Options of one request.
struct Options(NonNull<rd::rd_kafka_AdminOptions_t>);

impl Options {
    fn new(handle: &Handle, what: rd::rd_kafka_admin_op_t, timeout: Duration) -> Self {
        let mut text = [0; 256];
        // SAFETY: the handle is valid and the buffer has the length given. Setting the time-out
        // fails only for numbers that are out of bounds, and then the default stands.
        unsafe {
            let options = rd::rd_kafka_AdminOptions_new(handle.as_ptr(), what);
            let options = NonNull::new(options).expect("every operation has options");
            rd::rd_kafka_AdminOptions_set_request_timeout(
                options.as_ptr(),
                millis(timeout),
                text.as_mut_ptr(),
                text.len(),
            );
            Self(options)
        }
    }
}

impl Drop for Options {
    fn drop(&mut self) {
        // SAFETY: owned here.
        unsafe { rd::rd_kafka_AdminOptions_destroy(self.0.as_ptr()) }
    }
}

impl fmt::Debug for Admin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Admin").field("client_id", &self.client_id()).finish()
    }
}
