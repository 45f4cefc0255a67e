//! The settings of the Kafka clients that connectors and tasks use, put together as Kafka Connect does: defaults, then
//! the worker's properties under the client's prefix, then the connector's overrides.

use std::collections::BTreeMap;

use crate::config::{ClientKind, ConnectorConfig, Props, WorkerConfig};
use crate::error::Result;
use crate::kafka::client_config::{Layer, defaults};
use crate::kafka::{ClientSettings, Role};
use crate::storage::TaskId;

const BOOTSTRAP: &str = "bootstrap.servers";

fn texts(props: &Props) -> BTreeMap<String, String> {
    props.iter().filter_map(|(key, value)| Some((key.to_owned(), value?.to_owned()))).collect()
}

/// Where the worker finds its brokers; all that task clients take from the unprefixed keys.
fn brokers(worker: &WorkerConfig) -> BTreeMap<String, String> {
    BTreeMap::from([(BOOTSTRAP.to_owned(), worker.bootstrap_servers.join(","))])
}

fn resolve(
    role: Role,
    defaults: &defaults::Defaults,
    base: &BTreeMap<String, String>,
    worker: &WorkerConfig,
    overrides: Option<(&ConnectorConfig, ClientKind)>,
) -> Result<ClientSettings> {
    let (prefix, kind) = match role {
        Role::Producer => ("producer.", ClientKind::Producer),
        Role::Consumer => ("consumer.", ClientKind::Consumer),
        Role::Admin => ("admin.", ClientKind::Admin),
    };
    let own = texts(&worker.with_prefix(prefix));
    let connector = overrides.map(|(connector, kind)| texts(&connector.overrides(kind))).unwrap_or_default();
    let layers = [Layer::mixed(base), Layer::new(prefix, &own), Layer::new(kind.override_prefix(), &connector)];
    let settings = ClientSettings::resolve(role, defaults, &layers)?;
    for warning in settings.warnings() {
        tracing::warn!("{warning}");
    }
    Ok(settings)
}

/// The producer of a source task.
pub(crate) fn source_producer(
    worker: &WorkerConfig,
    connector: &ConnectorConfig,
    id: &TaskId,
) -> Result<ClientSettings> {
    let defaults = defaults::source_producer_defaults(&id.connector, id.task);
    resolve(Role::Producer, &defaults, &brokers(worker), worker, Some((connector, ClientKind::Producer)))
}

/// The consumer of a sink task.
pub(crate) fn sink_consumer(worker: &WorkerConfig, connector: &ConnectorConfig, id: &TaskId) -> Result<ClientSettings> {
    let defaults = defaults::sink_consumer_defaults(&id.connector, id.task);
    resolve(Role::Consumer, &defaults, &brokers(worker), worker, Some((connector, ClientKind::Consumer)))
}

/// The producer of a sink task's dead letters.
pub(crate) fn dead_letter_producer(
    worker: &WorkerConfig,
    connector: &ConnectorConfig,
    id: &TaskId,
) -> Result<ClientSettings> {
    let defaults = defaults::dead_letter_producer_defaults(&id.connector, id.task);
    resolve(Role::Producer, &defaults, &brokers(worker), worker, Some((connector, ClientKind::Producer)))
}

/// The admin client that creates a task's dead-letter topic.
pub(crate) fn dead_letter_admin(
    worker: &WorkerConfig,
    connector: &ConnectorConfig,
    id: &TaskId,
) -> Result<ClientSettings> {
    let defaults = defaults::dead_letter_admin_defaults(&id.connector, id.task);
    resolve(Role::Admin, &defaults, &texts(&worker.admin_base()), worker, Some((connector, ClientKind::Admin)))
}

/// The admin client of a task.
pub(crate) fn task_admin(worker: &WorkerConfig, connector: &ConnectorConfig, id: &TaskId) -> Result<ClientSettings> {
    let defaults = defaults::task_admin_defaults(&id.connector, id.task);
    resolve(Role::Admin, &defaults, &texts(&worker.admin_base()), worker, Some((connector, ClientKind::Admin)))
}

/// The admin client for a connector's offsets.
pub(crate) fn connector_admin(worker: &WorkerConfig, connector: &ConnectorConfig) -> Result<ClientSettings> {
    let defaults = defaults::connector_admin_defaults(&connector.name);
    resolve(Role::Admin, &defaults, &texts(&worker.admin_base()), worker, Some((connector, ClientKind::Admin)))
}

/// The worker's own admin client.
pub(crate) fn worker_admin(worker: &WorkerConfig) -> Result<ClientSettings> {
    let defaults = defaults::worker_admin_defaults("connect-shared-admin");
    resolve(Role::Admin, &defaults, &texts(&worker.admin_base()), worker, None)
}
