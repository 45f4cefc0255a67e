//! Which topics a task has used, noted at their first use (KIP-558).

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use ferroconnect_plugin_abi::Text;

use crate::storage::{StatusStore, TaskId, TopicStatus};

/// Notes topics for one task.
pub(crate) struct TopicTracker {
    id: TaskId,
    /// None = topics are not tracked (`topic.tracking.enable`).
    statuses: Option<Arc<dyn StatusStore>>,
    seen: HashSet<Text>,
    last: Text,
}

impl TopicTracker {
    pub(crate) fn new(id: &TaskId, statuses: Option<Arc<dyn StatusStore>>) -> TopicTracker {
        TopicTracker { id: id.clone(), statuses, seen: HashSet::new(), last: Text::default() }
    }

    /// A record of this topic went by. Costs a comparison for records of the same topic as the one before.
    pub(crate) fn track(&mut self, topic: &Text) {
        if self.last == *topic {
            return;
        }
        self.last = topic.clone();
        let Some(statuses) = &self.statuses else { return };
        if !self.seen.insert(topic.clone()) {
            return;
        }
        let discovered = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let status = TopicStatus {
            topic: topic.to_string(),
            task: self.id.clone(),
            discovered_ms: i64::try_from(discovered.as_millis()).unwrap_or(i64::MAX),
        };
        if let Err(error) = statuses.put_topic(status) {
            tracing::warn!("Could not note that topic {topic} is used: {error}");
        }
    }
}
