//! What a worker remembers: connector configs, source offsets and statuses.
//!
//! Start with [`model`] for the words, then the traits: [`ConfigStore`], [`OffsetStore`], [`StatusStore`]. Here are also
//! the stores that keep them in memory or in a file. [`offset_json`] is the form in which offsets are stored anywhere.

pub mod config;
pub mod file;
mod java_map;
pub mod memory;
pub mod model;
pub mod offset;
pub mod offset_json;
mod offset_map;
pub mod status;

pub use config::{ConfigSnapshot, ConfigStore, StoredConnector};
pub use file::FileOffsetStore;
pub use memory::{MemoryConfigStore, MemoryOffsetStore, MemoryStatusStore};
pub use model::{ConnectorState, TargetState, TaskId, TaskState, UnknownState};
pub use offset::{OffsetEntry, OffsetStore, PartitionOffset};
pub use offset_json::OffsetMap;
pub use status::{ConnectorStatus, Status, StatusState, StatusStore, TaskStatus, TopicStatus};
