//! Stores that live and die with the process: configs and statuses of a standalone worker, offsets for tests.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::{Condvar, Mutex, RwLock};

use crate::config::Props;
use crate::error::{ConnectError, Result};

use super::config::{ConfigSnapshot, ConfigStore, StoredConnector};
use super::model::{TargetState, TaskId};
use super::offset::{OffsetEntry, OffsetStore, PartitionOffset};
use super::offset_map::Offsets;
use super::status::{ConnectorStatus, StatusState, StatusStore, TaskStatus, TopicStatus};

/// Configs in memory.
#[derive(Default)]
pub struct MemoryConfigStore {
    connectors: RwLock<ConfigSnapshot>,
}

impl MemoryConfigStore {
    fn change(&self, connector: &str, change: impl FnOnce(&mut StoredConnector)) -> Result<()> {
        let mut connectors = self.connectors.write();
        let stored = connectors
            .get_mut(connector)
            .ok_or_else(|| ConnectError::not_found(format!("No connector `{connector}` configured")))?;
        change(Arc::make_mut(stored));
        Ok(())
    }
}

impl ConfigStore for MemoryConfigStore {
    fn snapshot(&self) -> ConfigSnapshot {
        self.connectors.read().clone()
    }

    fn connector(&self, connector: &str) -> Option<Arc<StoredConnector>> {
        self.connectors.read().get(connector).cloned()
    }

    fn put_connector(&self, connector: &str, config: Props, target: Option<TargetState>) -> Result<()> {
        let mut connectors = self.connectors.write();
        if let Some(stored) = connectors.get_mut(connector) {
            let stored = Arc::make_mut(stored);
            stored.config = config;
            stored.target = target.unwrap_or(stored.target);
            return Ok(());
        }
        let target = target.unwrap_or(TargetState::Started);
        let stored = StoredConnector { config, target, tasks: Vec::new(), applied: None };
        connectors.insert(connector.into(), Arc::new(stored));
        Ok(())
    }

    fn remove_connector(&self, connector: &str) -> Result<()> {
        self.connectors.write().remove(connector);
        Ok(())
    }

    fn put_tasks(&self, connector: &str, tasks: Vec<Props>) -> Result<()> {
        self.change(connector, |stored| {
            stored.tasks = tasks;
            stored.applied = Some(stored.config.clone());
        })
    }

    fn remove_tasks(&self, connector: &str) -> Result<()> {
        self.change(connector, |stored| {
            stored.tasks.clear();
            stored.applied = None;
        })
    }

    fn put_target(&self, connector: &str, target: TargetState) -> Result<()> {
        self.change(connector, |stored| stored.target = target)
    }
}

/// Statuses in memory.
#[derive(Default)]
pub struct MemoryStatusStore {
    statuses: Mutex<Statuses>,
    /// A task has a status that may have had none.
    reported: Condvar,
    topic_removals: AtomicU64,
}

#[derive(Default)]
struct Statuses {
    connectors: BTreeMap<String, ConnectorStatus>,
    tasks: BTreeMap<TaskId, TaskStatus>,
    /// By connector and topic.
    topics: BTreeMap<String, BTreeMap<String, TopicStatus>>,
}

impl StatusStore for MemoryStatusStore {
    fn put_connector(&self, connector: &str, status: ConnectorStatus) -> Result<()> {
        let connectors = &mut self.statuses.lock().connectors;
        if !status.replaces(connectors.get(connector)) {
            return Ok(());
        }
        if status.state.is_removal() {
            connectors.remove(connector);
        } else {
            connectors.insert(connector.to_owned(), status);
        }
        Ok(())
    }

    fn put_task(&self, task: &TaskId, status: TaskStatus) -> Result<()> {
        let tasks = &mut self.statuses.lock().tasks;
        if !status.replaces(tasks.get(task)) {
            return Ok(());
        }
        if status.state.is_removal() {
            tasks.remove(task);
        } else {
            tasks.insert(task.clone(), status);
            self.reported.notify_all();
        }
        Ok(())
    }

    fn put_topic(&self, status: TopicStatus) -> Result<()> {
        let topics = &mut self.statuses.lock().topics;
        let used = topics.entry(status.task.connector.to_string()).or_default();
        used.entry(status.topic.clone()).or_insert(status);
        Ok(())
    }

    fn remove_topic(&self, connector: &str, topic: &str) -> Result<()> {
        let topics = &mut self.statuses.lock().topics;
        if let Some(used) = topics.get_mut(connector) {
            used.remove(topic);
            if used.is_empty() {
                topics.remove(connector);
            }
        }
        self.topic_removals.fetch_add(1, Ordering::Release);
        Ok(())
    }

    fn topic_removals(&self) -> u64 {
        self.topic_removals.load(Ordering::Acquire)
    }

    fn connector(&self, connector: &str) -> Option<ConnectorStatus> {
        self.statuses.lock().connectors.get(connector).cloned()
    }

    fn task(&self, task: &TaskId) -> Option<TaskStatus> {
        self.statuses.lock().tasks.get(task).cloned()
    }

    fn tasks(&self, connector: &str) -> Vec<(TaskId, TaskStatus)> {
        let of_connector = TaskId::new(connector, 0)..=TaskId::new(connector, u32::MAX);
        let statuses = self.statuses.lock();
        statuses.tasks.range(of_connector).map(|(id, status)| (id.clone(), status.clone())).collect()
    }

    fn await_tasks(&self, tasks: &[TaskId], timeout: Duration) {
        let mut statuses = self.statuses.lock();
        let lacking = |statuses: &mut Statuses| tasks.iter().any(|task| !statuses.tasks.contains_key(task));
        self.reported.wait_while_for(&mut statuses, lacking, timeout);
    }

    fn connectors(&self) -> Vec<String> {
        self.statuses.lock().connectors.keys().cloned().collect()
    }

    fn topics(&self, connector: &str) -> Vec<TopicStatus> {
        let statuses = self.statuses.lock();
        statuses.topics.get(connector).map(|used| used.values().cloned().collect()).unwrap_or_default()
    }
}

/// Source offsets in memory; they are gone when the process ends.
#[derive(Default)]
pub struct MemoryOffsetStore {
    offsets: RwLock<Offsets>,
}

impl OffsetStore for MemoryOffsetStore {
    fn get(&self, keys: &[Vec<u8>]) -> Result<Vec<Option<Vec<u8>>>> {
        Ok(self.offsets.read().get(keys))
    }

    fn set(&self, batch: Vec<OffsetEntry>) -> Result<()> {
        self.offsets.write().apply(batch);
        Ok(())
    }

    fn partitions(&self, connector: &str) -> Result<Vec<PartitionOffset>> {
        Ok(self.offsets.read().partitions(connector))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::{ConnectorState, TaskState};
    use std::time::Instant;

    #[test]
    fn tasks_remember_the_config_they_were_made_from() {
        let store = MemoryConfigStore::default();
        let first = Props::new().with("a", "1");
        let second = Props::new().with("a", "2");
        store.put_connector("c", first.clone(), None).unwrap();
        store.put_tasks("c", vec![Props::new().with("t", "0")]).unwrap();
        store.put_connector("c", second.clone(), None).unwrap();
        let stored = store.connector("c").unwrap();
        assert_eq!((&stored.config, stored.applied.as_ref()), (&second, Some(&first)));
        assert_eq!(stored.tasks.len(), 1, "the old tasks stay until there are new ones");
        store.remove_tasks("c").unwrap();
        let stored = store.connector("c").unwrap();
        assert_eq!((stored.tasks.len(), stored.applied.as_ref()), (0, None));
    }

    #[test]
    fn a_new_config_keeps_the_target_state() {
        let store = MemoryConfigStore::default();
        store.put_connector("c", Props::new(), Some(TargetState::Paused)).unwrap();
        store.put_connector("c", Props::new(), None).unwrap();
        assert_eq!(store.connector("c").unwrap().target, TargetState::Paused);
        store.put_target("c", TargetState::Stopped).unwrap();
        assert_eq!(store.connector("c").unwrap().target, TargetState::Stopped);
        store.put_connector("c", Props::new(), Some(TargetState::Started)).unwrap();
        assert_eq!(store.connector("c").unwrap().target, TargetState::Started);
    }

    #[test]
    fn a_snapshot_does_not_change() {
        let store = MemoryConfigStore::default();
        store.put_connector("c", Props::new(), None).unwrap();
        let snapshot = store.snapshot();
        store.put_target("c", TargetState::Paused).unwrap();
        store.remove_connector("c").unwrap();
        assert_eq!(snapshot["c"].target, TargetState::Started);
        assert!(store.snapshot().is_empty());
        let error = store.put_tasks("c", Vec::new()).unwrap_err();
        assert_eq!(error.message(), "No connector `c` configured");
    }

    #[test]
    fn statuses_come_and_go() {
        let store = MemoryStatusStore::default();
        let running = ConnectorStatus::new(ConnectorState::Running, "w:1", 0).with_version(Some("1.0".into()));
        store.put_connector("c", running.clone()).unwrap();
        assert_eq!(store.connector("c"), Some(running));
        assert_eq!(store.connectors(), ["c"]);
        for task in [10, 2] {
            store.put_task(&TaskId::new("c", task), TaskStatus::new(TaskState::Running, "w:1", 0)).unwrap();
        }
        store.put_task(&TaskId::new("cc", 0), TaskStatus::new(TaskState::Running, "w:1", 0)).unwrap();
        let numbers: Vec<_> = store.tasks("c").into_iter().map(|(id, _)| id.task).collect();
        assert_eq!(numbers, [2, 10]);
        store.put_task(&TaskId::new("c", 2), TaskStatus::new(TaskState::Destroyed, "w:1", 0)).unwrap();
        assert_eq!(store.task(&TaskId::new("c", 2)), None);
        store.put_connector("c", ConnectorStatus::new(ConnectorState::Destroyed, "w:1", 0)).unwrap();
        assert!(store.connectors().is_empty());
    }

    #[test]
    fn topics_are_kept_per_connector() {
        let store = MemoryStatusStore::default();
        for (connector, topic) in [("a", "t2"), ("a", "t1"), ("b", "t1")] {
            let task = TaskId::new(connector, 0);
            store.put_topic(TopicStatus { topic: topic.into(), task, discovered_ms: 1 }).unwrap();
        }
        store.remove_topic("b", "t1").unwrap();
        let names = |connector| store.topics(connector).into_iter().map(|t| t.topic).collect::<Vec<_>>();
        assert_eq!(names("a"), ["t1", "t2"]);
        assert!(names("b").is_empty());
    }

    #[test]
    fn the_last_of_the_tasks_is_waited_for() {
        let store = MemoryStatusStore::default();
        let tasks = [TaskId::new("c", 0), TaskId::new("c", 1)];
        let put = |task| store.put_task(task, TaskStatus::new(TaskState::Running, "w:1", 0)).unwrap();
        put(&tasks[0]);
        store.await_tasks(&tasks, Duration::from_millis(1));
        assert!(store.task(&tasks[1]).is_none());
        let (begun, long) = (Instant::now(), Duration::from_secs(20));
        std::thread::scope(|scope| {
            scope.spawn(|| put(&tasks[1]));
            store.await_tasks(&tasks, long);
        });
        store.await_tasks(&tasks, long);
        assert!(begun.elapsed() < long, "the report came, and nobody was told");
    }

    #[test]
    fn offsets_are_found_again() {
        let store = MemoryOffsetStore::default();
        let key = br#"["c",{"a":1}]"#.to_vec();
        store.set(vec![(key.clone(), Some(b"{}".to_vec()))]).unwrap();
        assert_eq!(store.get(&[key, b"other".to_vec()]).unwrap(), [Some(b"{}".to_vec()), None]);
    }
}
