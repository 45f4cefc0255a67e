//! A runtime for tests: it runs nothing, but keeps account of what it was asked and writes statuses as a worker does.
//!
//! Connectors are driven by their config: class names with `Source` or `Sink` in them exist; `tasks.max` is the number of
//! tasks; `behaviour` is `fail` (does not start), `hang` (starts only when given up) or `hang-tasks` (task configs come
//! only when given up). With `ttl.ms` its values lapse. `restart.automatic.` keys hold.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

use crate::config::{
    ConfigInfo, ConfigInfos, ConfigKeyInfo, ConfigValueInfo, ConnectorKind, PluginKind, Props, RestartPolicy,
};
use crate::error::{ConnectError, Result};
use crate::storage::{
    ConnectorState, ConnectorStatus, MemoryConfigStore, MemoryStatusStore, StatusStore, TargetState, TaskId, TaskState,
    TaskStatus, TopicStatus,
};

use super::{Handle, standalone};
use crate::runtime::*;
use crate::telemetry::metrics::Registry;

pub(crate) const WORKER_ID: &str = "127.0.0.1:8083";
/// Pointless work is given up after this; long enough for what does not hang.
const SHORT: Duration = Duration::from_millis(100);
const PATIENCE: Duration = Duration::from_secs(30);

/// See the module's description.
pub(crate) struct TestRuntime {
    statuses: Arc<MemoryStatusStore>,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// What was asked, in order, for example `start a`.
    calls: Vec<String>,
    connectors: HashMap<String, Connector>,
    /// With their events and the config of their connector.
    tasks: HashMap<TaskId, (Props, Arc<dyn ConnectorEvents>)>,
    /// Connectors whose start waits to be given up.
    hanging: HashSet<String>,
    offsets: HashMap<String, Vec<ConnectorOffset>>,
    outdated: bool,
}

struct Connector {
    config: Props,
    target: TargetState,
    events: Arc<dyn ConnectorEvents>,
}

/// A standalone herder over a test runtime.
pub(crate) fn standalone() -> (Handle, Arc<TestRuntime>) {
    let statuses = Arc::new(MemoryStatusStore::default());
    let runtime =
        Arc::new(TestRuntime { statuses: Arc::clone(&statuses), state: Mutex::default(), changed: Condvar::new() });
    let configs = Arc::new(MemoryConfigStore::default());
    let handle = standalone::start(runtime.clone(), configs, statuses, &Registry::default(), SHORT).unwrap();
    (handle, runtime)
}

/// A config of the connector `name`, with more entries.
pub(crate) fn config<const N: usize>(name: &str, class: &str, more: [(&str, &str); N]) -> Props {
    let mut config = Props::from(more);
    config.set("name", name);
    config.set("connector.class", class);
    config
}

impl TestRuntime {
    /// What was asked since the last call of this.
    pub(crate) fn take_calls(&self) -> Vec<String> {
        std::mem::take(&mut self.state.lock().calls)
    }

    /// Blocks until the start of this connector hangs.
    pub(crate) fn wait_until_hanging(&self, name: &str) {
        let mut state = self.state.lock();
        while !state.hanging.contains(name) {
            assert!(!self.changed.wait_for(&mut state, PATIENCE).timed_out(), "{name} does not hang");
        }
    }

    /// The connector changes its mind about its config and asks for new tasks.
    pub(crate) fn reconfigure(&self, name: &str, key: &str, value: &str) {
        let events = {
            let mut state = self.state.lock();
            let connector = state.connectors.get_mut(name).unwrap();
            connector.config.set(key, value);
            Arc::clone(&connector.events)
        };
        events.request_task_reconfiguration(name);
    }

    /// The connector asks for new tasks, if it runs.
    pub(crate) fn ask_for_tasks(&self, name: &str) {
        let events = self.state.lock().connectors.get(name).map(|connector| Arc::clone(&connector.events));
        if let Some(events) = events {
            events.request_task_reconfiguration(name);
        }
    }

    /// From now on tasks run with other values than their connector.
    pub(crate) fn change_values(&self) {
        self.state.lock().outdated = true;
    }

    /// Makes a task look failed, and tells nobody.
    pub(crate) fn show_failed(&self, id: &TaskId, error: &ConnectError) {
        self.put_task(id, TaskStatus::new(TaskState::Failed, WORKER_ID, 0).with_trace(error.trace()));
    }

    /// Fails a task that runs.
    pub(crate) fn fail_task(&self, id: &TaskId, error: ConnectError) {
        self.show_failed(id, &error);
        let (config, events) = self.state.lock().tasks[id].clone();
        tell(Part::Task(id.clone()), &config, error, &*events);
    }

    /// Fails a connector that runs.
    pub(crate) fn fail_connector(&self, name: &str, error: ConnectError) {
        self.put_connector(name, ConnectorStatus::new(ConnectorState::Failed, WORKER_ID, 0).with_trace(error.trace()));
        let (config, events) = {
            let state = self.state.lock();
            let connector = &state.connectors[name];
            (connector.config.clone(), Arc::clone(&connector.events))
        };
        tell(Part::Connector(name.into()), &config, error, &*events);
    }

    /// The target that a connector was last moved to; `None` if there is none of that name.
    pub(crate) fn target(&self, name: &str) -> Option<TargetState> {
        self.state.lock().connectors.get(name).map(|connector| connector.target)
    }

    pub(crate) fn running_tasks(&self) -> usize {
        self.state.lock().tasks.len()
    }

    fn called(&self, call: String) {
        self.state.lock().calls.push(call);
    }

    fn put_task(&self, id: &TaskId, status: TaskStatus) {
        self.statuses.put_task(id, status.with_version(Some("1.0".into()))).unwrap();
    }

    fn put_connector(&self, name: &str, status: ConnectorStatus) {
        self.statuses.put_connector(name, status.with_version(Some("1.0".into()))).unwrap();
    }

    /// Hangs if the config says so, until someone calls `abandon_start`.
    fn maybe_hang(&self, name: &str, config: &Props, behaviour: &str) -> Result<()> {
        if config.get("behaviour") != Some(behaviour) {
            return Ok(());
        }
        let mut state = self.state.lock();
        state.hanging.insert(name.to_owned());
        self.changed.notify_all();
        while state.hanging.contains(name) {
            if self.changed.wait_for(&mut state, PATIENCE).timed_out() {
                break;
            }
        }
        Err(ConnectError::connect(format!("Gave up waiting for {name}")))
    }
}

impl Runtime for TestRuntime {
    fn info(&self) -> WorkerInfo {
        WorkerInfo {
            worker_id: WORKER_ID.into(),
            version: "0.0.0".into(),
            commit: "unknown".into(),
            kafka_cluster_id: None,
        }
    }

    fn plugins(&self) -> Vec<PluginSummary> {
        let plugin = |class: &str, kind, version: Option<&str>| PluginSummary {
            class: class.into(),
            kind,
            version: version.map(str::to_owned),
        };
        vec![
            plugin("test.TestSink", PluginKind::Sink, Some("1.0")),
            plugin("test.TestSource", PluginKind::Source, None),
            plugin("test.Change", PluginKind::Transformation, Some("undefined")),
        ]
    }

    fn plugin_config(&self, plugin: &str, version: Option<&str>) -> Result<Vec<ConfigKeyInfo>> {
        if plugin != "TestSource" {
            return Err(ConnectError::not_found(format!("Unknown plugin {plugin}.")));
        }
        Ok(vec![key("file", version.unwrap_or("latest"))])
    }

    fn connector_kind(&self, config: &Props) -> Option<ConnectorKind> {
        match config.get("connector.class")? {
            class if class.contains("Source") => Some(ConnectorKind::Source),
            class if class.contains("Sink") => Some(ConnectorKind::Sink),
            _ => None,
        }
    }

    fn validate(&self, config: &Props) -> Result<ConfigInfos> {
        let Some(class) = config.get("connector.class") else {
            let text = config.to_java_text();
            return Err(ConnectError::bad_request(format!("Connector config {text} contains no connector type")));
        };
        let mut errors = Vec::new();
        if config.get("name").unwrap_or_default().is_empty() {
            errors.push("Invalid value  for configuration name: String may not be empty".to_owned());
        }
        let value = ConfigValueInfo { errors, ..ConfigValueInfo::new("name", config.get("name").map(str::to_owned)) };
        Ok(ConfigInfos {
            name: class.to_owned(),
            error_count: value.errors.len(),
            groups: vec!["Common".into()],
            configs: vec![ConfigInfo { definition: Some(key("name", "")), value: Some(value) }],
            hints: Vec::new(),
        })
    }

    fn start_connector(
        &self,
        name: &str,
        config: Props,
        target: TargetState,
        events: Arc<dyn ConnectorEvents>,
    ) -> Result<()> {
        self.called(format!("start {name} {target}"));
        let ttl = config.get("ttl.ms").map(|text| Duration::from_millis(text.parse().unwrap()));
        events.values_lapse(name, ttl);
        self.maybe_hang(name, &config, "hang")?;
        if config.get("behaviour") == Some("fail") {
            let error = ConnectError::connect("does not start");
            let status = ConnectorStatus::new(ConnectorState::Failed, WORKER_ID, 0).with_trace(error.trace());
            self.put_connector(name, status);
            tell(Part::Connector(name.into()), &config, error.clone(), &*events);
            return Err(error);
        }
        self.put_connector(name, ConnectorStatus::new(target.connector_state(), WORKER_ID, 0));
        self.state.lock().connectors.insert(name.to_owned(), Connector { config, target, events });
        Ok(())
    }

    fn abandon_start(&self, name: &str) {
        let mut state = self.state.lock();
        if state.hanging.remove(name) {
            state.calls.push(format!("abandon {name}"));
            self.changed.notify_all();
        }
    }

    fn is_running(&self, name: &str) -> bool {
        self.state.lock().connectors.get(name).is_some_and(|connector| connector.target == TargetState::Started)
    }

    fn has_outdated_tasks(&self, _: &str) -> bool {
        self.state.lock().outdated
    }

    fn task_configs(&self, name: &str) -> Result<Vec<Props>> {
        let config = self.state.lock().connectors[name].config.clone();
        self.maybe_hang(name, &config, "hang-tasks")?;
        let tasks: usize = config.get("tasks.max").unwrap_or("1").parse().unwrap();
        Ok(vec![config.with("task.class", "test.TestTask"); tasks])
    }

    fn stop_connector(&self, name: &str) -> bool {
        self.called(format!("stop {name}"));
        if self.state.lock().connectors.remove(name).is_some() {
            self.put_connector(name, ConnectorStatus::new(ConnectorState::Unassigned, WORKER_ID, 0));
        }
        true
    }

    fn start_task(
        &self,
        id: &TaskId,
        connector: Props,
        _: Props,
        target: TargetState,
        events: Arc<dyn ConnectorEvents>,
    ) -> Result<()> {
        self.called(format!("start-task {id} {target}"));
        if connector.get("behaviour") == Some("fail-tasks") {
            let error = ConnectError::connect("no such task class");
            self.show_failed(id, &error);
            tell(Part::Task(id.clone()), &connector, error.clone(), &*events);
            return Err(error);
        }
        self.state.lock().tasks.insert(id.clone(), (connector.clone(), events));
        let state = if target == TargetState::Paused { TaskState::Paused } else { TaskState::Running };
        self.put_task(id, TaskStatus::new(state, WORKER_ID, 0));
        if let Some(topic) = connector.get("topic") {
            let status = TopicStatus { topic: topic.into(), task: id.clone(), discovered_ms: 1 };
            self.statuses.put_topic(status).unwrap();
        }
        Ok(())
    }

    fn stop_tasks(&self, ids: &[TaskId]) {
        let names: Vec<_> = ids.iter().map(TaskId::to_string).collect();
        self.called(format!("stop-tasks {}", names.join(" ")));
        for id in ids {
            if self.state.lock().tasks.remove(id).is_some() {
                self.put_task(id, TaskStatus::new(TaskState::Unassigned, WORKER_ID, 0));
            }
        }
    }

    fn set_target_state(&self, name: &str, target: TargetState) -> Result<()> {
        self.called(format!("target {name} {target}"));
        let tasks = {
            let mut state = self.state.lock();
            let Some(connector) = state.connectors.get_mut(name) else { return Ok(()) };
            connector.target = target;
            state.tasks.keys().filter(|id| *id.connector == *name).cloned().collect::<Vec<_>>()
        };
        self.put_connector(name, ConnectorStatus::new(target.connector_state(), WORKER_ID, 0));
        let state = if target == TargetState::Paused { TaskState::Paused } else { TaskState::Running };
        tasks.iter().for_each(|id| self.put_task(id, TaskStatus::new(state, WORKER_ID, 0)));
        Ok(())
    }

    fn connector_offsets(&self, name: &str, _: &Props) -> Result<Vec<ConnectorOffset>> {
        Ok(self.state.lock().offsets.get(name).cloned().unwrap_or_default())
    }

    fn change_offsets(&self, name: &str, _: &Props, change: OffsetsChange) -> Result<OffsetsOutcome> {
        self.called(format!("offsets {name} {change:?}"));
        let offsets = &mut self.state.lock().offsets;
        match change {
            OffsetsChange::Reset => {
                offsets.remove(name);
            }
            OffsetsChange::AlterSource(entries) => {
                offsets.insert(name.to_owned(), entries);
                return Ok(OffsetsOutcome::HandledByPlugin);
            }
            OffsetsChange::AlterSink(_) => {}
        }
        Ok(OffsetsOutcome::FrameworkOnly)
    }
}

/// Tells the herder of a failure if the config asks for restarts. The part never was healthy.
fn tell(part: Part, config: &Props, error: ConnectError, events: &dyn ConnectorEvents) {
    if let Some(policy) = RestartPolicy::new(config, &Props::new()).unwrap() {
        events.failed(Failure { part, error, ran_for: Duration::ZERO, policy });
    }
}

fn key(name: &str, documentation: &str) -> ConfigKeyInfo {
    ConfigKeyInfo {
        name: name.into(),
        ty: "STRING".into(),
        required: true,
        default_value: None,
        importance: "HIGH".into(),
        documentation: documentation.into(),
        group: None,
        order_in_group: -1,
        width: "NONE".into(),
        display_name: name.into(),
        dependents: Vec::new(),
    }
}
