//! The offsets of a connector as REST shows and changes them (KIP-875).

use std::time::Duration;

use ferroconnect_plugin_abi::Text;
use ferroconnect_plugin_abi::config::Attribute;
use ferroconnect_plugin_abi::containers::AbiVec;
use ferroconnect_plugin_abi::record::TopicPartition as AbiPartition;
use serde_json::{Map, Value};

use crate::config::{ClientKind, ConnectorConfig, ConnectorKind, Props};
use crate::error::{ConnectError, Result};
use crate::kafka::{Admin, TopicPartition, TopicPartitionOffset};
use crate::plugins::Plugin;
use crate::plugins::api::{AlteredOffset, AlteredPartition};
use crate::runtime::{ConnectorOffset, OffsetsChange, OffsetsOutcome, SinkOffset};
use crate::storage::{OffsetEntry, OffsetMap, offset_json};
use crate::telemetry::LogContext;

use super::opened::Opened;
use super::{Shared, clients, kind_of, positions};

/// How long one request to Kafka may take; several fit into a REST request.
const REQUEST: Duration = Duration::from_secs(30);

/// Lists the offsets of a connector.
pub(super) fn list(shared: &Shared, name: &str, config: &Props) -> Result<Vec<ConnectorOffset>> {
    let opened = shared.open(LogContext::connector(name), config)?;
    opened.within(|| list_opened(shared, name, &opened))
}

fn list_opened(shared: &Shared, name: &str, opened: &Opened) -> Result<Vec<ConnectorOffset>> {
    match kind_of(&opened.plugin) {
        ConnectorKind::Source => {
            let stored = shared.offsets.partitions(name)?;
            let offset = |entry: crate::storage::PartitionOffset| ConnectorOffset {
                partition: Some(entry.partition),
                offset: Some(entry.offset),
            };
            Ok(stored.into_iter().map(offset).collect())
        }
        ConnectorKind::Sink => {
            let group = Group::of(shared, &opened.props)?;
            let mut offsets =
                group.committed(&format!("Failed to retrieve consumer group offsets for sink connector {name}"))?;
            offsets.sort_by(|a, b| a.partition.cmp(&b.partition));
            Ok(offsets.iter().map(shown).collect())
        }
    }
}

fn shown(entry: &TopicPartitionOffset) -> ConnectorOffset {
    let partition = Map::from_iter([
        ("kafka_partition".to_owned(), Value::from(entry.partition.partition)),
        ("kafka_topic".to_owned(), Value::from(&*entry.partition.topic)),
    ]);
    let offset = Map::from_iter([("kafka_offset".to_owned(), Value::from(entry.offset))]);
    ConnectorOffset { partition: Some(partition), offset: Some(offset) }
}

/// Changes the offsets of a connector without tasks; the plugin is asked first.
pub(super) fn change(shared: &Shared, name: &str, config: &Props, change: OffsetsChange) -> Result<OffsetsOutcome> {
    let opened = shared.open(LogContext::connector(name), config)?;
    opened.within(|| change_opened(shared, name, &opened, change))
}

fn change_opened(shared: &Shared, name: &str, opened: &Opened, change: OffsetsChange) -> Result<OffsetsOutcome> {
    let (plugin, config) = (&*opened.plugin, &opened.props);
    match (kind_of(plugin), change) {
        (ConnectorKind::Source, OffsetsChange::AlterSource(offsets)) => {
            change_source(shared, name, plugin, config, offsets, Extent::Named)
        }
        (ConnectorKind::Source, OffsetsChange::Reset) => {
            let stored = shared.offsets.partitions(name)?;
            let forget = |entry: crate::storage::PartitionOffset| ConnectorOffset {
                partition: Some(entry.partition),
                offset: None,
            };
            change_source(shared, name, plugin, config, stored.into_iter().map(forget).collect(), Extent::All)
        }
        (ConnectorKind::Sink, OffsetsChange::AlterSink(offsets)) => alter_sink(shared, name, plugin, config, &offsets),
        (ConnectorKind::Sink, OffsetsChange::Reset) => reset_sink(shared, name, plugin, config),
        (kind, _) => Err(ConnectError::bad_request(format!(
            "The offsets of connector {name} are those of a {}, which the request does not fit",
            kind.as_str()
        ))),
    }
}

/// How far a change goes; partitions and offsets alone do not tell the plugin.
#[derive(Clone, Copy, PartialEq)]
enum Extent {
    /// Only the partitions that are named.
    Named,
    /// All of the connector, also those that only the plugin knows.
    All,
}

impl Extent {
    fn attributes(self) -> AbiVec<Attribute> {
        vec![Attribute::reset(self == Extent::All)].into()
    }
}

fn outcome(handled: bool) -> OffsetsOutcome {
    if handled { OffsetsOutcome::HandledByPlugin } else { OffsetsOutcome::FrameworkOnly }
}

fn change_source(
    shared: &Shared,
    name: &str,
    plugin: &Plugin,
    config: &Props,
    offsets: Vec<ConnectorOffset>,
    extent: Extent,
) -> Result<OffsetsOutcome> {
    let altered = |entry: &ConnectorOffset| AlteredOffset {
        partition: entry.partition.as_ref().map(positions::from_json).into(),
        offset: entry.offset.as_ref().map(positions::from_json).into(),
        attributes: extent.attributes(),
    };
    let handled = plugin.source_connector()?.alter_offsets(config, offsets.iter().map(altered).collect())?;
    let entry = |entry: ConnectorOffset| -> Result<OffsetEntry> {
        let partition: OffsetMap = entry.partition.unwrap_or_default();
        Ok((offset_json::key(name, &partition)?, offset_json::value(entry.offset.as_ref())?))
    };
    shared.offsets.set(offsets.into_iter().map(entry).collect::<Result<_>>()?)?;
    Ok(outcome(handled))
}

/// A sink connector's consumer group.
struct Group {
    admin: Admin,
    id: String,
}

impl Group {
    fn of(shared: &Shared, config: &Props) -> Result<Group> {
        let connector = ConnectorConfig::new(ConnectorKind::Sink, config.clone())?;
        // Validation does not ask for the admin client of a sink that has no dead letters.
        shared.policy.admit_for(ConnectorKind::Sink, &connector, &[ClientKind::Admin, ClientKind::Consumer])?;
        let overridden = connector.overrides(ClientKind::Consumer);
        let id = match overridden.get("group.id") {
            Some(id) => id.to_owned(),
            None => format!("connect-{}", connector.name),
        };
        Ok(Group { admin: Admin::new(&clients::connector_admin(&shared.config, &connector)?)?, id })
    }

    fn committed(&self, otherwise: &str) -> Result<Vec<TopicPartitionOffset>> {
        self.admin
            .group_offsets(&self.id, REQUEST)
            .map_err(|error| ConnectError::connect(otherwise.to_owned()).caused_by(ConnectError::from(error)))
    }
}

fn ask_sink(
    plugin: &Plugin,
    config: &Props,
    offsets: impl Iterator<Item = (TopicPartition, Option<i64>)>,
    extent: Extent,
) -> Result<bool> {
    let altered = |(partition, offset): (TopicPartition, Option<i64>)| AlteredPartition {
        partition: AbiPartition { topic: Text::from(&*partition.topic), partition: partition.partition },
        offset: offset.into(),
        attributes: extent.attributes(),
    };
    plugin.sink_connector()?.alter_offsets(config, offsets.map(altered).collect())
}

/// The text for a group that still has members, and for other failures.
fn still_active(verb: &str, name: &str) -> String {
    format!(
        "Failed to {verb} consumer group offsets for connector {name} either because its tasks haven't stopped completely yet or the connector was resumed before the request to {verb} its offsets could be successfully completed. If the connector is in a stopped state, this operation can be safely retried. If it doesn't eventually succeed, the Connect cluster may need to be restarted to get rid of the zombie sink tasks."
    )
}

fn alter_sink(
    shared: &Shared,
    name: &str,
    plugin: &Plugin,
    config: &Props,
    offsets: &[SinkOffset],
) -> Result<OffsetsOutcome> {
    let partition = |entry: &SinkOffset| TopicPartition::new(entry.topic.as_str(), entry.partition);
    let named = offsets.iter().map(|entry| (partition(entry), entry.offset));
    let handled = ask_sink(plugin, config, named, Extent::Named)?;
    let group = Group::of(shared, config)?;
    let refused = |error| ConnectError::connect(still_active("alter", name)).caused_by(ConnectError::from(error));
    let (keep, forget): (Vec<_>, Vec<_>) = offsets.iter().partition(|entry| entry.offset.is_some());
    let keep: Vec<_> = keep.into_iter().filter_map(|entry| Some(partition(entry).at(entry.offset?))).collect();
    let forget: Vec<_> = forget.into_iter().map(partition).collect();
    group.admin.alter_group_offsets(&group.id, &keep, REQUEST).map_err(refused)?;
    group.admin.delete_group_offsets(&group.id, &forget, REQUEST).map_err(refused)?;
    Ok(outcome(handled))
}

fn reset_sink(shared: &Shared, name: &str, plugin: &Plugin, config: &Props) -> Result<OffsetsOutcome> {
    let group = Group::of(shared, config)?;
    let committed =
        group.committed(&format!("Failed to list offsets prior to resetting offsets for sink connector {name}"))?;
    let forgotten = committed.into_iter().map(|entry| (entry.partition, None));
    let handled = ask_sink(plugin, config, forgotten, Extent::All)?;
    group
        .admin
        .delete_group(&group.id, REQUEST)
        .map_err(|error| ConnectError::connect(still_active("reset", name)).caused_by(ConnectError::from(error)))?;
    Ok(outcome(handled))
}
