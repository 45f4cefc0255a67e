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
    /// Those that the store had seen when this began to note topics.
    removals: u64,
}

impl TopicTracker {
    pub(crate) fn new(id: &TaskId, statuses: Option<Arc<dyn StatusStore>>) -> TopicTracker {
        let removals = statuses.as_ref().map_or(0, |statuses| statuses.topic_removals());
        TopicTracker { id: id.clone(), statuses, seen: HashSet::new(), last: Text::default(), removals }
    }

    /// Begins anew if topics were reset since. True if so: then topics in use are to be tracked again. For once a batch.
    pub(crate) fn renew(&mut self) -> bool {
        let removals = self.statuses.as_ref().map_or(0, |statuses| statuses.topic_removals());
        let is_reset = removals != self.removals;
        if is_reset {
            self.removals = removals;
            self.seen.clear();
            self.last = Text::default();
        }
        is_reset
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::MemoryStatusStore;

    #[test]
    fn topics_are_noted_again_after_a_reset() {
        let store = Arc::new(MemoryStatusStore::default());
        let mut tracker = TopicTracker::new(&TaskId::new("c", 0), Some(Arc::clone(&store) as Arc<dyn StatusStore>));
        let topic = Text::from("t");
        let known = || store.topics("c").len();
        tracker.track(&topic);
        assert!(!tracker.renew());
        store.remove_topic("c", "t").expect("memory takes everything");
        tracker.track(&topic);
        assert_eq!(known(), 0, "it is looked at once a batch");
        assert!(tracker.renew());
        tracker.track(&topic);
        assert_eq!(known(), 1);
        assert!(!tracker.renew());
    }
}
