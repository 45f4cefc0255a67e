//! Metrics that plugins register about themselves (KIP-877).

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::{Mutex, RwLock};

use super::names;
use super::registry::{Counter, MetricGroup, MetricKind, Registry};
use super::window::{Summary, Window};
use crate::error::{ConnectError, Result};

/// More metrics than a sane plugin has; each costs memory and a line for whoever reads them.
const MAX_METRICS: usize = 1000;

/// What becomes of the values a plugin gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PluginMetricKind {
    /// The last one.
    Gauge,
    /// Their sum.
    Counter,
    /// Their average over the metric window.
    Average,
    /// The highest over the metric window.
    Maximum,
    /// Their sum per second over the metric window.
    Rate,
}

/// The metrics of one plugin object. Any thread may use it. They are gone from the registry when this is dropped.
pub struct PluginMetrics {
    registry: Registry,
    /// `connector` and `task`, and for other plugins of a task which one it is.
    base_tags: Tags,
    metrics: RwLock<Vec<Handle>>,
    registered: Mutex<Registered>,
}

type Tags = Vec<(String, String)>;

#[derive(Default)]
struct Registered {
    /// By the plugin's own tags.
    groups: BTreeMap<Tags, MetricGroup>,
    /// By own tags and name.
    known: BTreeMap<(Tags, String), Known>,
}

struct Known {
    kind: PluginMetricKind,
    /// Its place in `metrics`.
    number: usize,
}

enum Handle {
    Gauge(Arc<Mutex<f64>>),
    Counter(Counter),
    Window(Arc<Window>),
}

impl PluginMetrics {
    /// No metrics yet; all that come carry these tags.
    pub fn new(registry: &Registry, base_tags: &[(&str, &str)]) -> Self {
        Self {
            registry: registry.clone(),
            base_tags: own(base_tags),
            metrics: RwLock::default(),
            registered: Mutex::default(),
        }
    }

    /// Registers a metric and gives its number. The same name and tags again give the same number.
    ///
    /// Errors: an empty name, a tag that the host sets, another kind than before, too many metrics.
    pub fn register(&self, name: &str, doc: &str, kind: PluginMetricKind, tags: &[(&str, &str)]) -> Result<u64> {
        if name.is_empty() {
            return Err(ConnectError::config("A metric needs a name"));
        }
        if let Some((key, _)) = tags.iter().find(|(key, _)| self.base_tags.iter().any(|(base, _)| base == key)) {
            return Err(ConnectError::config(format!("Metric `{name}`: tag `{key}` is set by the worker")));
        }
        let mut registered = self.registered.lock();
        let own_tags = own(tags);
        if let Some(known) = registered.known.get(&(own_tags.clone(), name.to_owned())) {
            if known.kind != kind {
                let before = known.kind;
                return Err(ConnectError::config(format!("Metric `{name}` is registered already, as {before:?}")));
            }
            return Ok(known.number as u64);
        }
        if registered.known.len() >= MAX_METRICS {
            return Err(ConnectError::config(format!(
                "Metric `{name}`: one plugin may register at most {MAX_METRICS} metrics"
            )));
        }
        let group = registered.groups.entry(own_tags.clone()).or_insert_with(|| self.group(&own_tags));
        let handle = Handle::register(group, name, doc, kind);
        let mut metrics = self.metrics.write();
        let number = metrics.len();
        metrics.push(handle);
        registered.known.insert((own_tags, name.to_owned()), Known { kind, number });
        Ok(number as u64)
    }

    /// Gives a value to a metric; a number that was never given out is ignored.
    pub fn record(&self, number: u64, value: f64) {
        let metrics = self.metrics.read();
        match usize::try_from(number).ok().and_then(|number| metrics.get(number)) {
            Some(Handle::Gauge(gauge)) => *gauge.lock() = value,
            Some(Handle::Counter(counter)) => counter.add(value),
            Some(Handle::Window(window)) => window.record(value),
            None => {}
        }
    }

    fn group(&self, own_tags: &[(String, String)]) -> MetricGroup {
        let all = self.base_tags.iter().chain(own_tags);
        let tags: Vec<_> = all.map(|(key, value)| (key.as_str(), value.as_str())).collect();
        self.registry.group(names::PLUGIN_GROUP, &tags)
    }
}

impl Handle {
    fn register(group: &MetricGroup, name: &str, doc: &str, kind: PluginMetricKind) -> Self {
        let (name, doc) = (name.to_owned().into(), doc.to_owned().into());
        match kind {
            PluginMetricKind::Gauge => {
                let gauge = Arc::new(Mutex::new(0.0));
                let read = Arc::clone(&gauge);
                group.add(name, doc, MetricKind::Gauge, Arc::new(move || (*read.lock()).into()));
                Self::Gauge(gauge)
            }
            PluginMetricKind::Counter => Self::Counter(group.named_counter(name, doc)),
            PluginMetricKind::Average => Self::Window(group.named_window(name, doc, Summary::average)),
            PluginMetricKind::Maximum => Self::Window(group.named_window(name, doc, |values| values.max)),
            PluginMetricKind::Rate => Self::Window(group.named_window(name, doc, Summary::per_second)),
        }
    }
}

fn own(tags: &[(&str, &str)]) -> Tags {
    tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::metrics::MetricValue;

    fn values(registry: &Registry) -> Vec<(String, MetricValue)> {
        registry.snapshot().map(|metric| (metric.name.into_owned(), metric.value)).collect()
    }

    #[test]
    fn a_plugin_s_metrics_appear_with_the_host_s() {
        let registry = Registry::default();
        let metrics = PluginMetrics::new(&registry, &[("connector", "c"), ("task", "0")]);
        let kinds = [
            ("a", PluginMetricKind::Gauge, 4.0),
            ("b", PluginMetricKind::Counter, 6.0),
            ("c", PluginMetricKind::Average, 3.0),
            ("d", PluginMetricKind::Maximum, 4.0),
        ];
        for (name, kind, _) in kinds {
            let number = metrics.register(name, "doc", kind, &[]).unwrap();
            metrics.record(number, 2.0);
            metrics.record(number, 4.0);
        }
        metrics.record(99, 1.0);
        let expected: Vec<_> = kinds.map(|(name, _, value)| (name.to_owned(), value.into())).into();
        assert_eq!(values(&registry), expected);
        let metric = registry.snapshot().next().unwrap();
        assert_eq!(metric.group, "plugins");
        assert_eq!(metric.tags.len(), 2);
        drop(metrics);
        assert!(values(&registry).is_empty());
    }

    #[test]
    fn a_name_has_one_number_per_set_of_tags() {
        let registry = Registry::default();
        let metrics = PluginMetrics::new(&registry, &[("connector", "c")]);
        let register = |kind, tags| metrics.register("n", "doc", kind, tags);
        let first = register(PluginMetricKind::Counter, &[("table", "x")]).unwrap();
        assert_eq!(register(PluginMetricKind::Counter, &[("table", "x")]).unwrap(), first);
        assert_ne!(register(PluginMetricKind::Counter, &[("table", "y")]).unwrap(), first);
        let error = register(PluginMetricKind::Gauge, &[("table", "x")]).unwrap_err();
        assert_eq!(error.message(), "Metric `n` is registered already, as Counter");
        let error = register(PluginMetricKind::Gauge, &[("connector", "other")]).unwrap_err();
        assert_eq!(error.message(), "Metric `n`: tag `connector` is set by the worker");
        assert!(metrics.register("", "doc", PluginMetricKind::Gauge, &[]).is_err());
        assert_eq!(values(&registry).len(), 2);
    }

    #[test]
    fn metrics_do_not_pile_up() {
        let registry = Registry::default();
        let metrics = PluginMetrics::new(&registry, &[]);
        for n in 0..MAX_METRICS {
            metrics.register(&n.to_string(), "doc", PluginMetricKind::Gauge, &[]).unwrap();
        }
        assert!(metrics.register("one more", "doc", PluginMetricKind::Gauge, &[]).is_err());
    }
}
