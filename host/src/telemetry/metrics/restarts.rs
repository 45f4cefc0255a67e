//! What is told of automatic restarts.

use std::collections::HashMap;

use super::names;
use super::registry::{Counter, Gauge, MetricGroup, Registry};

/// Counts automatic restarts. Gone from the registry when dropped.
pub struct RestartMetrics {
    registry: Registry,
    pending: Gauge,
    /// Of each connector that was restarted, or had a task restarted.
    made: HashMap<String, (Counter, MetricGroup)>,
    _group: MetricGroup,
}

impl RestartMetrics {
    /// Registers the number of restarts to come. Those of a connector are registered with its first restart.
    pub fn new(registry: &Registry) -> Self {
        let group = registry.group(names::OWN_GROUP, &[]);
        let pending = group.gauge(&names::AUTOMATIC_RESTARTS_PENDING);
        Self { registry: registry.clone(), pending, made: HashMap::new(), _group: group }
    }

    /// So many restarts are to come.
    pub fn pending(&self, count: usize) {
        self.pending.set(i64::try_from(count).unwrap_or(i64::MAX));
    }

    /// A connector or one of its tasks is restarted.
    pub fn restarted(&mut self, connector: &str) {
        let register = || {
            let group = self.registry.group(names::OWN_GROUP, &[(names::CONNECTOR_TAG, connector)]);
            (group.counter(&names::AUTOMATIC_RESTARTS_TOTAL), group)
        };
        let (made, _) = self.made.entry(connector.to_owned()).or_insert_with(register);
        made.increment();
    }

    /// The connector is gone.
    pub fn forget(&mut self, connector: &str) {
        self.made.remove(connector);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn restarts_are_counted_until_their_connector_goes() {
        let registry = Registry::default();
        let mut metrics = RestartMetrics::new(&registry);
        let made = || registry.value(&names::AUTOMATIC_RESTARTS_TOTAL, &[(names::CONNECTOR_TAG, "c")]);
        assert_eq!(made(), None);
        metrics.restarted("c");
        metrics.restarted("c");
        metrics.pending(1);
        assert_eq!(made(), Some(2.0.into()));
        assert_eq!(registry.value(&names::AUTOMATIC_RESTARTS_PENDING, &[]), Some(1.0.into()));
        metrics.forget("c");
        assert_eq!(made(), None);
    }
}
