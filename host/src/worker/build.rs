//! Making the pipeline of a task from its connector's configuration.

use std::sync::Arc;

use crate::config::{ConnectorConfig, ConverterRole, ErrorSettings, PluginKind, TransformSpec, WorkerConfig};
use crate::error::Result;
use crate::pipeline::{
    Chain, Condition, Converters, ErrorCounters, ErrorPolicy, LogReporter, Named, Reporter, Step, TaskErrors, Tolerance,
};
use crate::plugins::Registry;
use crate::stages::{Converter, HeaderConverter};
use crate::storage::TaskId;

use super::dead_letters::{DeadLetterQueue, DeadLetterReporter};

/// What records pass through, made anew for each task.
pub(crate) struct Stages {
    pub(crate) chain: Chain,
    pub(crate) converters: Converters,
}

/// Makes the transforms and converters of a task.
///
/// # Errors
/// A class that is not there, or one that refuses its configuration.
pub(crate) fn stages(registry: &Registry, worker: &WorkerConfig, connector: &ConnectorConfig) -> Result<Stages> {
    let converters = converters(registry, worker, connector)?;
    let steps = connector.transforms.iter().map(|spec| step(registry, spec)).collect::<Result<Vec<_>>>()?;
    Ok(Stages { chain: Chain::new(steps), converters })
}

fn step(registry: &Registry, spec: &TransformSpec) -> Result<Step> {
    let plugin = registry.find(PluginKind::Transformation, &spec.plugin.class, spec.plugin.version.as_deref())?;
    let transform = Named::new(plugin.class.as_str(), plugin.transform(&spec.plugin.config)?);
    let condition = match &spec.condition {
        None => None,
        Some(condition) => {
            let wanted = &condition.plugin;
            let plugin = registry.find(PluginKind::Predicate, &wanted.class, wanted.version.as_deref())?;
            let predicate = Named::new(plugin.class.as_str(), plugin.predicate(&wanted.config)?);
            Some(Condition { predicate, negate: condition.negate })
        }
    };
    Ok(Step::new(transform, condition))
}

/// Makes the converters of a task; call it again for each thread that needs its own.
///
/// # Errors
/// A class that is not there, or one that refuses its configuration.
pub(crate) fn converters(
    registry: &Registry,
    worker: &WorkerConfig,
    connector: &ConnectorConfig,
) -> Result<Converters> {
    let converter = |role: ConverterRole| -> Result<Named<dyn Converter>> {
        let spec = connector.converter(role, worker);
        let plugin = registry.find(PluginKind::Converter, &spec.class, spec.version.as_deref())?;
        Ok(Named::new(plugin.class.as_str(), plugin.converter(&spec.config)?))
    };
    let header = || -> Result<Named<dyn HeaderConverter>> {
        let spec = connector.converter(ConverterRole::Header, worker);
        let plugin = registry.find(PluginKind::HeaderConverter, &spec.class, spec.version.as_deref())?;
        Ok(Named::new(plugin.class.as_str(), plugin.header_converter(&spec.config)?))
    };
    Ok(Converters { key: converter(ConverterRole::Key)?, value: converter(ConverterRole::Value)?, header: header()? })
}

/// The tolerance a connector's configuration asks for.
pub(crate) fn tolerance(settings: &ErrorSettings) -> Tolerance {
    if settings.tolerate_all { Tolerance::All } else { Tolerance::None }
}

/// The error handling of a task; call it again for each place that needs its own. Reports go to the log, where that
/// is wanted, and then to `letters`.
pub(crate) fn task_errors(
    settings: &ErrorSettings,
    id: &TaskId,
    counters: &Arc<ErrorCounters>,
    letters: Option<&Arc<DeadLetterQueue>>,
) -> TaskErrors {
    let policy = ErrorPolicy {
        tolerance: tolerance(settings),
        retry_timeout: settings.retry_timeout,
        retry_delay_max: settings.retry_delay_max,
    };
    let mut reporters: Vec<Box<dyn Reporter>> = Vec::new();
    if settings.log {
        reporters.push(Box::new(LogReporter::new(id.to_string(), settings.log_records, Arc::clone(counters))));
    }
    if let Some(letters) = letters {
        reporters.push(Box::new(DeadLetterReporter(Arc::clone(letters))));
    }
    TaskErrors::new(policy, reporters, Arc::clone(counters))
}
