//! What a task is made of, for metrics: class and version of its connector, converters, transforms and predicates.

use crate::config::{ConnectorConfig, ConnectorKind, ConverterRole, PluginKind, PluginSpec};
use crate::error::Result;
use crate::plugins::Plugin;
use crate::storage::TaskId;
use crate::telemetry::metrics::{StagePlugin, TaskPlugins, stage_info};

use super::metrics::CommonMetrics;
use super::{Shared, kind_of};

/// Registers what a task is made of.
///
/// # Errors
/// A class that is not there; the task's own stages are made of the same ones, so they have said so before.
pub(super) fn describe(
    shared: &Shared,
    id: &TaskId,
    connector: &ConnectorConfig,
    plugin: &Plugin,
    metrics: &CommonMetrics,
) -> Result<()> {
    let find = |kind: PluginKind, spec: &PluginSpec| shared.registry.find(kind, &spec.class, spec.version.as_deref());
    let converter = |role: ConverterRole| find(role.plugin_kind(), &connector.converter(role, &shared.config));
    let (key, value) = (converter(ConverterRole::Key)?, converter(ConverterRole::Value)?);
    let header = converter(ConverterRole::Header)?;
    let version = plugin.version.as_str();
    metrics.task().describe(&TaskPlugins {
        connector: (&plugin.class, version),
        connector_type: match kind_of(plugin) {
            ConnectorKind::Source => "source",
            ConnectorKind::Sink => "sink",
        },
        task: (&plugin.task_class, version),
        key_converter: (&key.class, key.version.as_str()),
        value_converter: (&value.class, value.version.as_str()),
        header_converter: (&header.class, header.version.as_str()),
    });
    let mut groups = Vec::new();
    let mut add = |predicate: bool, alias: &str, plugin: &Plugin| {
        let stage = StagePlugin { predicate, alias, class: &plugin.class, version: plugin.version.as_str() };
        groups.push(stage_info(&shared.metrics, &id.connector, id.task, &stage));
    };
    for transform in &connector.transforms {
        add(false, &transform.alias, find(PluginKind::Transformation, &transform.plugin)?);
        if let Some(condition) = &transform.condition {
            add(true, &condition.alias, find(PluginKind::Predicate, &condition.plugin)?);
        }
    }
    metrics.keep(groups);
    Ok(())
}
