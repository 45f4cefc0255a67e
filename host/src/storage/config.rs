//! Which connectors exist, how they are configured and what their users want of them: the state and the store for it.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::config::Props;
use crate::error::Result;

use super::model::TargetState;

/// What is stored about one connector. Configs are as the user wrote them, `${…}` unresolved.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredConnector {
    /// The connector's config.
    pub config: Props,
    /// What its user wants.
    pub target: TargetState,
    /// The configs of its tasks, by number; empty before they were made, and while the connector is stopped.
    pub tasks: Vec<Props>,
    /// The connector's config that `tasks` were made from; `None` while there are no tasks.
    pub applied: Option<Props>,
}

/// All connectors at one moment, by name.
pub type ConfigSnapshot = BTreeMap<Arc<str>, Arc<StoredConnector>>;

/// Keeps configs. Any thread may call; writing may wait for the store, reading does not.
pub trait ConfigStore: Send + Sync {
    /// Everything, as it was at one moment.
    fn snapshot(&self) -> ConfigSnapshot;

    /// One connector.
    fn connector(&self, connector: &str) -> Option<Arc<StoredConnector>>;

    /// Stores a connector's config. A new connector gets `target`, or is to be started if that is `None`; one that
    /// exists keeps its target unless there is a new one. Its tasks stay.
    fn put_connector(&self, connector: &str, config: Props, target: Option<TargetState>) -> Result<()>;

    /// Forgets a connector and its tasks; nothing happens if there is none.
    fn remove_connector(&self, connector: &str) -> Result<()>;

    /// Replaces all task configs of a connector and notes the connector config that they belong to. An error if there is
    /// no such connector.
    fn put_tasks(&self, connector: &str, tasks: Vec<Props>) -> Result<()>;

    /// Forgets the task configs of a connector and what they were made from. An error if there is no such connector.
    fn remove_tasks(&self, connector: &str) -> Result<()>;

    /// Stores what the user wants. An error if there is no such connector.
    fn put_target(&self, connector: &str, target: TargetState) -> Result<()>;
}
