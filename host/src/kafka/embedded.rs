//! The embedded broker: librdkafka's mock cluster, inside this process.
//!
//! For the quick start and for tests of our own loops. It forgets everything when it is dropped
//! and keeps only the newest few MB of each partition; it cannot create topics over the protocol,
//! describe settings, compact, or speak TLS and SASL. It proves nothing about Kafka.

use std::fmt;
use std::ptr::NonNull;

use rdkafka::bindings as rd;

use super::client_config::{ClientSettings, Role, defaults::Defaults};
use super::error::{KafkaError, c_text};
use super::native::{Handle, c_string};
use crate::error::{ConnectError, Result};

/// A running embedded broker; stops when dropped. Any number of clients may connect to it, from
/// other processes too.
pub struct EmbeddedBroker {
    cluster: NonNull<rd::rd_kafka_mock_cluster_t>,
    bootstrap: String,
    /// The cluster runs on this client's thread.
    _handle: Handle,
}

// SAFETY: calls to the mock cluster are passed to its own thread as operations.
unsafe impl Send for EmbeddedBroker {}
// SAFETY: as above.
unsafe impl Sync for EmbeddedBroker {}

impl EmbeddedBroker {
    /// Starts one broker on a free port of the loopback address.
    ///
    /// # Errors
    /// If there is no port to listen on.
    pub fn start() -> Result<Self> {
        Self::start_cluster(1)
    }

    /// Starts several brokers.
    ///
    /// # Errors
    /// As for [`EmbeddedBroker::start`].
    pub fn start_cluster(brokers: u16) -> Result<Self> {
        let defaults = Defaults::new(Role::Admin).with("client.id", "embedded-broker");
        let settings = ClientSettings::resolve(Role::Admin, &defaults, &[])?;
        let handle = Handle::new(&settings, Box::new(()), |_| {})?;
        // SAFETY: the handle is valid and outlives the cluster (see `drop`).
        let cluster = unsafe { rd::rd_kafka_mock_cluster_new(handle.as_ptr(), i32::from(brokers)) };
        let Some(cluster) = NonNull::new(cluster) else {
            return Err(ConnectError::io("The embedded broker found no free port on the loopback address"));
        };
        // SAFETY: the cluster is valid; the address is copied. Without the delay that real brokers
        // have by default, a first member gets its partitions at once.
        let bootstrap = unsafe {
            rd::rd_kafka_mock_group_initial_rebalance_delay_ms(cluster.as_ptr(), 0);
            c_text(rd::rd_kafka_mock_cluster_bootstraps(cluster.as_ptr())).into_owned()
        };
        Ok(Self { cluster, bootstrap, _handle: handle })
    }

    /// The value for `bootstrap.servers`.
    pub fn bootstrap_servers(&self) -> &str {
        &self.bootstrap
    }

    /// Creates a topic. Topics that come into being by themselves have four partitions.
    ///
    /// # Errors
    /// If the topic exists.
    pub fn create_topic(&self, name: &str, partitions: i32) -> Result<(), KafkaError> {
        let topic = c_string("topic name", name)?;
        // SAFETY: the cluster is valid; the name is copied.
        KafkaError::check(unsafe {
            rd::rd_kafka_mock_topic_create(self.cluster.as_ptr(), topic.as_ptr(), partitions, 1)
        })
    }
}

impl Drop for EmbeddedBroker {
    fn drop(&mut self) {
        // SAFETY: owned here; the handle goes after this.
        unsafe { rd::rd_kafka_mock_cluster_destroy(self.cluster.as_ptr()) }
    }
}

impl fmt::Debug for EmbeddedBroker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EmbeddedBroker").field("bootstrap", &self.bootstrap).finish()
    }
}
