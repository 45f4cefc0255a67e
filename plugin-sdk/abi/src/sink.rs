//! Sink connectors and their tasks. Implemented by plugins (through the SDK), called by the host.

use crate::config::{Attribute, ConfigValue, Pairs};
use crate::containers::{AbiBox, AbiOption, AbiSlice, AbiStr, AbiVec};
use crate::error::{AbiError, AbiResult};
use crate::host::{ConnectorContextObject, SinkTaskContextObject};
use crate::record::{PartitionOffset, Record, TopicPartition};
use crate::source::ControlObject;
use abi_stable::{StableAbi, sabi_trait};

/// A consumer offset to alter: absent offset = forget the partition.
#[repr(C)]
#[derive(StableAbi, Clone, Debug)]
pub struct AlteredPartition {
    /// The partition.
    pub partition: TopicPartition,
    /// The new offset.
    pub offset: AbiOption<i64>,
    /// [`Attribute::RESET`]; others are reserved.
    pub attributes: AbiVec<Attribute>,
}

/// A sink connector (Java: SinkConnector). Rules as for source connectors.
#[sabi_trait]
pub trait SinkConnector: Send + 'static {
    /// The half that other threads may use; asked for once.
    fn control(&self) -> ControlObject;

    /// Checks a whole configuration; see the source connector.
    fn validate(&self, config: Pairs) -> AbiResult<AbiVec<ConfigValue>>;

    /// Starts it.
    fn start(&mut self, context: ConnectorContextObject, config: Pairs) -> AbiResult<()>;

    /// The configurations of at most `maximum` tasks.
    fn task_configs(&mut self, maximum: u32) -> AbiResult<AbiVec<Pairs>>;

    /// Stops it. No call follows but the drop.
    fn stop(&mut self) -> AbiResult<()>;

    /// The user wants to alter or reset consumer offsets (KIP-875). An empty list is a reset of a group without
    /// offsets. True = the plugin handled offsets that it keeps itself.
    #[sabi(last_prefix_field)]
    fn alter_offsets(&mut self, config: Pairs, offsets: AbiVec<AlteredPartition>) -> AbiResult<bool>;

    /// A named call for features that came after 1.0.
    fn extension(&mut self, name: AbiStr<'_>, data: AbiSlice<'_, u8>) -> AbiResult<AbiVec<u8>> {
        let _ = data;
        AbiResult::RErr(AbiError::unsupported(name.as_str()))
    }
}

/// A sink task (Java: SinkTask). All calls come from the task's own thread; they may block, and come back soon after
/// `control().stop()`.
#[sabi_trait]
pub trait SinkTask: Send + 'static {
    /// The half that other threads may use; asked for once.
    fn control(&self) -> ControlObject;

    /// Starts it.
    fn start(&mut self, context: SinkTaskContextObject, config: Pairs) -> AbiResult<()>;

    /// Partitions were assigned.
    fn open(&mut self, partitions: AbiVec<TopicPartition>) -> AbiResult<()>;

    /// Partitions go away. `pre_commit` was called before, unless they were lost.
    fn close(&mut self, partitions: AbiVec<TopicPartition>) -> AbiResult<()>;

    /// Takes records. The host keeps them until the call returns and gives the same ones again after a retriable
    /// error; what the plugin wants to keep it clones.
    fn put(&mut self, records: AbiSlice<'_, Record>) -> AbiResult<()>;

    /// Makes durable what it can and answers which offsets may be committed, at most those given; none = commit
    /// nothing now.
    fn pre_commit(&mut self, offsets: AbiVec<PartitionOffset>) -> AbiResult<AbiVec<PartitionOffset>>;

    /// Stops it; the last call but the drop, always made, also after a failed start.
    #[sabi(last_prefix_field)]
    fn stop(&mut self) -> AbiResult<()>;

    /// A named call for features that came after 1.0.
    fn extension(&mut self, name: AbiStr<'_>, data: AbiSlice<'_, u8>) -> AbiResult<AbiVec<u8>> {
        let _ = data;
        AbiResult::RErr(AbiError::unsupported(name.as_str()))
    }
}

/// An owned [`SinkConnector`].
pub type SinkConnectorObject = SinkConnector_TO<AbiBox<()>>;
/// An owned [`SinkTask`].
pub type SinkTaskObject = SinkTask_TO<AbiBox<()>>;
