//! What REST sends: values of the herder in Kafka Connect's JSON, with its field names in its order.

use serde::ser::{SerializeMap, SerializeStruct};
use serde::{Serialize, Serializer};

use crate::config::{ConfigInfo, ConfigInfos, ConfigKeyInfo, ConfigValueInfo, Props};
use crate::herder::{
    ConnectorInfo, ConnectorKind, ConnectorOffset, ConnectorReport, Health, PluginSummary, TaskInfo, WorkerInfo,
};
use crate::storage::{OffsetMap, Status, TaskId, TaskStatus};

/// Body of `GET /`.
#[derive(Serialize)]
pub(super) struct ServerInfo {
    version: String,
    commit: String,
    kafka_cluster_id: Option<String>,
}

impl From<WorkerInfo> for ServerInfo {
    fn from(info: WorkerInfo) -> Self {
        Self { version: info.version, commit: info.commit, kafka_cluster_id: info.kafka_cluster_id }
    }
}

/// Body of `GET /health` (KIP-1017).
#[derive(Serialize)]
pub(super) struct WorkerStatus {
    status: &'static str,
    message: String,
}

impl From<Health> for WorkerStatus {
    fn from(health: Health) -> Self {
        let (status, message, details) = match health {
            Health::Healthy => ("healthy", "Worker has completed startup and is ready to handle requests.", None),
            Health::Starting(stage) => ("starting", "Worker is still starting up.", stage),
            Health::Unhealthy(stage) => (
                "unhealthy",
                "Worker was unable to handle this request and may be unable to handle other requests.",
                stage,
            ),
        };
        let mut message = message.to_owned();
        if let Some(details) = details {
            message.push(' ');
            message.push_str(&details);
        }
        Self { status, message }
    }
}

/// A config as a flat map; null values stay null.
pub(super) struct FlatConfig<'a>(pub(super) &'a Props);

impl Serialize for FlatConfig<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter())
    }
}

/// A connector with config and tasks.
#[derive(Serialize)]
pub(super) struct ConnectorEntity<'a> {
    name: &'a str,
    config: FlatConfig<'a>,
    tasks: &'a [TaskId],
    #[serde(rename = "type")]
    kind: &'static str,
}

impl<'a> From<&'a ConnectorInfo> for ConnectorEntity<'a> {
    fn from(info: &'a ConnectorInfo) -> Self {
        Self { name: &info.name, config: FlatConfig(&info.config), tasks: &info.tasks, kind: kind_name(info.kind) }
    }
}

fn kind_name(kind: Option<ConnectorKind>) -> &'static str {
    kind.map_or("unknown", ConnectorKind::as_str)
}

/// A task with its config.
#[derive(Serialize)]
pub(super) struct TaskEntity<'a> {
    id: &'a TaskId,
    config: FlatConfig<'a>,
}

impl<'a> From<&'a TaskInfo> for TaskEntity<'a> {
    fn from(task: &'a TaskInfo) -> Self {
        Self { id: &task.id, config: FlatConfig(&task.config) }
    }
}

/// State of a connector and its tasks.
#[derive(Serialize)]
pub(super) struct StatusEntity<'a> {
    name: &'a str,
    connector: StateEntity<'a>,
    tasks: Vec<StateEntity<'a>>,
    #[serde(rename = "type")]
    kind: &'static str,
}

impl<'a> From<&'a ConnectorReport> for StatusEntity<'a> {
    fn from(report: &'a ConnectorReport) -> Self {
        let connector = &report.connector;
        Self {
            name: &report.name,
            connector: StateEntity::new(None, connector.state.as_str(), connector),
            tasks: report.tasks.iter().map(|(id, status)| StateEntity::of_task(id.task, status)).collect(),
            kind: kind_name(report.kind),
        }
    }
}

/// State of a connector (without `id`) or a task.
#[derive(Serialize)]
pub(super) struct StateEntity<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<u32>,
    state: &'static str,
    worker_id: &'a str,
    /// The outer `None` leaves the field out, the inner one is written as null (KIP-891).
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<Option<&'a str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trace: Option<&'a str>,
}

/// What a plugin says that has no version.
const UNDEFINED: &str = "undefined";

impl<'a> StateEntity<'a> {
    /// The state of task number `id`.
    pub(super) fn of_task(id: u32, status: &'a TaskStatus) -> Self {
        Self::new(Some(id), status.state.as_str(), status)
    }

    fn new<S>(id: Option<u32>, state: &'static str, status: &'a Status<S>) -> Self {
        let version = status.version.as_deref();
        Self {
            id,
            state,
            worker_id: &status.worker_id,
            version: (version != Some(UNDEFINED)).then_some(version),
            trace: status.trace.as_deref().filter(|trace| !trace.is_empty()),
        }
    }
}

/// Body of `GET /connectors/X/topics`: an object with the connector's name as its key.
pub(super) struct TopicsEntity<'a> {
    pub(super) connector: &'a str,
    pub(super) topics: &'a [String],
}

impl Serialize for TopicsEntity<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Topics<'a> {
            topics: &'a [String],
        }
        let topics = Topics { topics: self.topics };
        let mut map = serializer.serialize_map(Some(1))?;
        map.serialize_entry(self.connector, &topics)?;
        map.end()
    }
}

/// Body of `GET /connectors/X/offsets`.
#[derive(Serialize)]
pub(super) struct OffsetsEntity<'a> {
    offsets: Vec<OffsetEntity<'a>>,
}

#[derive(Serialize)]
struct OffsetEntity<'a> {
    partition: &'a Option<OffsetMap>,
    offset: &'a Option<OffsetMap>,
}

impl<'a> From<&'a [ConnectorOffset]> for OffsetsEntity<'a> {
    fn from(offsets: &'a [ConnectorOffset]) -> Self {
        let entity = |entry: &'a ConnectorOffset| OffsetEntity { partition: &entry.partition, offset: &entry.offset };
        Self { offsets: offsets.iter().map(entity).collect() }
    }
}

/// A sentence for the user.
#[derive(Serialize)]
pub(super) struct Message {
    pub(super) message: String,
}

/// One entry of `GET /connector-plugins`.
#[derive(Serialize)]
pub(super) struct PluginEntity<'a> {
    class: &'a str,
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<&'a str>,
}

impl<'a> From<&'a PluginSummary> for PluginEntity<'a> {
    fn from(plugin: &'a PluginSummary) -> Self {
        Self {
            class: &plugin.class,
            kind: plugin.kind.as_str(),
            version: plugin.version.as_deref().filter(|v| *v != UNDEFINED),
        }
    }
}

/// The answer to a validation request.
#[derive(Serialize)]
pub(super) struct ConfigInfosEntity<'a> {
    name: &'a str,
    error_count: usize,
    groups: &'a [String],
    configs: Vec<ConfigEntity<'a>>,
}

#[derive(Serialize)]
struct ConfigEntity<'a> {
    definition: Option<ConfigKeyEntity<'a>>,
    value: Option<ConfigValueEntity<'a>>,
}

impl<'a> From<&'a ConfigInfos> for ConfigInfosEntity<'a> {
    fn from(infos: &'a ConfigInfos) -> Self {
        let entity = |config: &'a ConfigInfo| ConfigEntity {
            definition: config.definition.as_ref().map(ConfigKeyEntity),
            value: config.value.as_ref().map(ConfigValueEntity),
        };
        Self {
            name: &infos.name,
            error_count: infos.error_count,
            groups: &infos.groups,
            configs: infos.configs.iter().map(entity).collect(),
        }
    }
}

/// The definition of one key. Since 4.2 its place in the group is called `order_in_group`.
pub(super) struct ConfigKeyEntity<'a>(pub(super) &'a ConfigKeyInfo);

impl Serialize for ConfigKeyEntity<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let key = self.0;
        let mut out = serializer.serialize_struct("ConfigKeyInfo", 11)?;
        out.serialize_field("name", &key.name)?;
        out.serialize_field("type", &key.ty)?;
        out.serialize_field("required", &key.required)?;
        out.serialize_field("default_value", &key.default_value)?;
        out.serialize_field("importance", &key.importance)?;
        out.serialize_field("documentation", &key.documentation)?;
        out.serialize_field("group", &key.group)?;
        out.serialize_field("order_in_group", &key.order_in_group)?;
        out.serialize_field("width", &key.width)?;
        out.serialize_field("display_name", &key.display_name)?;
        out.serialize_field("dependents", &key.dependents)?;
        out.end()
    }
}

struct ConfigValueEntity<'a>(&'a ConfigValueInfo);

impl Serialize for ConfigValueEntity<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let value = self.0;
        let mut out = serializer.serialize_struct("ConfigValueInfo", 5)?;
        out.serialize_field("name", &value.name)?;
        out.serialize_field("value", &value.value)?;
        out.serialize_field("recommended_values", &value.recommended_values)?;
        out.serialize_field("errors", &value.errors)?;
        out.serialize_field("visible", &value.visible)?;
        out.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::{ConnectorState, ConnectorStatus, TaskState};

    fn json(value: &impl Serialize) -> String {
        serde_json::to_string(value).unwrap()
    }

    #[test]
    fn connectors_have_their_fields_in_order() {
        let mut config = Props::from([("name", "a"), ("connector.class", "C")]);
        config.set_nullable("x", None);
        let info = ConnectorInfo {
            name: "a".into(),
            config,
            tasks: vec![TaskId::new("a", 0)],
            kind: Some(ConnectorKind::Sink),
        };
        assert_eq!(
            json(&ConnectorEntity::from(&info)),
            r#"{"name":"a","config":{"name":"a","connector.class":"C","x":null},"tasks":[{"connector":"a","task":0}],"type":"sink"}"#
        );
    }

    #[test]
    fn states_leave_out_what_is_not_there() {
        let task = |state, version: &str| TaskStatus::new(state, "w:8083", 0).with_version(Some(version.to_owned()));
        let status = ConnectorReport {
            name: "a".into(),
            connector: ConnectorStatus::new(ConnectorState::Running, "w:8083", 0).with_trace(""),
            tasks: vec![
                (TaskId::new("a", 0), task(TaskState::Failed, "1.0").with_trace("boom\n")),
                (TaskId::new("a", 1), task(TaskState::Running, "undefined")),
            ],
            kind: None,
        };
        assert_eq!(
            json(&StatusEntity::from(&status)),
            concat!(
                r#"{"name":"a","connector":{"state":"RUNNING","worker_id":"w:8083","version":null},"#,
                r#""tasks":[{"id":0,"state":"FAILED","worker_id":"w:8083","version":"1.0","trace":"boom\n"},"#,
                r#"{"id":1,"state":"RUNNING","worker_id":"w:8083"}],"type":"unknown"}"#
            )
        );
    }

    #[test]
    fn topics_are_keyed_by_connector() {
        let entity = TopicsEntity { connector: "a", topics: &["t".to_owned()] };
        assert_eq!(json(&entity), r#"{"a":{"topics":["t"]}}"#);
    }

    #[test]
    fn health_says_what_the_worker_is_doing() {
        let entity = WorkerStatus::from(Health::Starting(Some("It is busy.".into())));
        assert_eq!(json(&entity), r#"{"status":"starting","message":"Worker is still starting up. It is busy."}"#);
    }
}
