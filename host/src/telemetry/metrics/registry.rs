//! Where metrics are found: a registry of named values, each in a group with tags, as in Kafka's metrics.
//!
//! Metrics belong to a [`MetricGroup`] and go when it is dropped. Reading a metric computes it; what is recorded is kept in
//! atomics and short windows, so that threads that move records never wait for a reader.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use parking_lot::{Mutex, RwLock};

use super::histogram::{Distribution, Histogram};
use super::names::Template;
pub use super::window::WindowConfig;
use super::window::{Summary, Window};

/// All metrics of a worker. Cheap to clone; clones share their content.
#[derive(Clone, Default)]
pub struct Registry(Arc<Inner>);

#[derive(Default)]
struct Inner {
    config: WindowConfig,
    metrics: RwLock<BTreeMap<Id, Registered>>,
    next_owner: AtomicU64,
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Id {
    group: Cow<'static, str>,
    tags: Tags,
    name: Cow<'static, str>,
}

type Tags = Arc<[(Cow<'static, str>, String)]>;
/// What is made of the values of the recent past.
pub(super) type Statistic = fn(&Summary) -> f64;
type Source = Arc<dyn Fn() -> MetricValue + Send + Sync>;

struct Registered {
    /// The group that registered it; a later one of the same name takes over.
    owner: u64,
    doc: Cow<'static, str>,
    kind: MetricKind,
    source: Source,
}

/// How a metric behaves over time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetricKind {
    /// Only grows.
    Counter,
    /// Goes up and down.
    Gauge,
    /// A text, such as a state or a version.
    Info,
    /// Durations, counted by length.
    Histogram,
}

/// The value of a metric at one moment.
#[derive(Debug, Clone, PartialEq)]
pub enum MetricValue {
    /// A number; `NaN` where there is nothing to compute it from.
    Number(f64),
    /// A text.
    Text(Arc<str>),
    /// Durations, counted by length.
    Distribution(Arc<Distribution>),
}

impl From<f64> for MetricValue {
    fn from(value: f64) -> Self {
        Self::Number(value)
    }
}

impl From<&str> for MetricValue {
    fn from(value: &str) -> Self {
        Self::Text(value.into())
    }
}

/// One metric as it was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Metric {
    /// Kafka's group, for example `source-task-metrics`.
    pub group: Cow<'static, str>,
    /// The name within the group, for example `source-record-poll-rate`.
    pub name: Cow<'static, str>,
    /// Tags in Kafka's order: `connector`, `task`, then others.
    pub tags: Arc<[(Cow<'static, str>, String)]>,
    /// What it means, for readers of a dashboard.
    pub doc: Cow<'static, str>,
    /// How it behaves.
    pub kind: MetricKind,
    /// Its value now.
    pub value: MetricValue,
}

impl Registry {
    /// An empty registry whose statistics look back as far as `config` says.
    pub fn new(config: WindowConfig) -> Self {
        Self(Arc::new(Inner { config, ..Inner::default() }))
    }

    /// A group of metrics with these tags.
    pub fn group(&self, group: impl Into<Cow<'static, str>>, tags: &[(&str, &str)]) -> MetricGroup {
        let own = |(key, value): &(&str, &str)| (Cow::Owned((*key).to_owned()), (*value).to_owned());
        MetricGroup {
            registry: self.clone(),
            owner: self.0.next_owner.fetch_add(1, Ordering::Relaxed),
            group: group.into(),
            tags: tags.iter().map(own).collect(),
            registered: Mutex::default(),
        }
    }

    /// Reads all metrics, ordered by group, tags and name.
    pub fn snapshot(&self) -> impl Iterator<Item = Metric> + use<> {
        let metrics = self.0.metrics.read();
        let all: Vec<_> = metrics
            .iter()
            .map(|(id, found)| (id.clone(), found.doc.clone(), found.kind, Arc::clone(&found.source)))
            .collect();
        // Sources may take locks of their own, so they are asked after this one is free.
        drop(metrics);
        all.into_iter().map(|(id, doc, kind, source)| {
            let Id { group, tags, name } = id;
            Metric { group, name, tags, doc, kind, value: source() }
        })
    }

    /// Reads one metric of a group with the given tags.
    pub fn value(&self, template: &Template, tags: &[(&str, &str)]) -> Option<MetricValue> {
        let same = |id: &Id| {
            let found = id.tags.iter().map(|(key, value)| (key.as_ref(), value.as_str()));
            id.group == template.group && id.name == template.name && found.eq(tags.iter().copied())
        };
        let source = self.0.metrics.read().iter().find(|(id, _)| same(id)).map(|(_, found)| Arc::clone(&found.source));
        source.map(|source| source())
    }
}

/// Metrics that share group and tags and end together, when this is dropped. If another group with the same tags registers
/// a name again, as a task does that starts while its forerunner hangs, the metric is the later one's.
pub struct MetricGroup {
    registry: Registry,
    owner: u64,
    group: Cow<'static, str>,
    tags: Tags,
    registered: Mutex<Vec<Cow<'static, str>>>,
}

impl MetricGroup {
    /// A number that only grows.
    pub fn counter(&self, template: &Template) -> Counter {
        self.named_counter(template.name.into(), template.doc.into())
    }

    /// A whole number that is set.
    pub fn gauge(&self, template: &Template) -> Gauge {
        let gauge = Gauge::default();
        let read = gauge.clone();
        self.read(template, move || (read.get() as f64).into());
        gauge
    }

    /// A metric that is computed when it is read.
    pub fn read(&self, template: &Template, source: impl Fn() -> MetricValue + Send + Sync + 'static) {
        self.add(template.name.into(), template.doc.into(), MetricKind::Gauge, Arc::new(source));
    }

    /// A number that only grows and is computed when it is read.
    pub fn read_total(&self, template: &Template, source: impl Fn() -> f64 + Send + Sync + 'static) {
        let source = move || MetricValue::Number(source());
        self.add(template.name.into(), template.doc.into(), MetricKind::Counter, Arc::new(source));
    }

    /// Durations, counted by length.
    pub fn histogram(&self, template: &Template) -> Histogram {
        let histogram = Histogram::default();
        let read = histogram.clone();
        let source = move || MetricValue::Distribution(Arc::new(read.distribution()));
        self.add(template.name.into(), template.doc.into(), MetricKind::Histogram, Arc::new(source));
        histogram
    }

    /// A text that does not change.
    pub fn info(&self, template: &Template, text: &str) {
        let value = MetricValue::from(text);
        self.text(template, move || value.clone());
    }

    /// A text that is asked for when it is read.
    pub fn text(&self, template: &Template, source: impl Fn() -> MetricValue + Send + Sync + 'static) {
        self.add(template.name.into(), template.doc.into(), MetricKind::Info, Arc::new(source));
    }

    /// Values of the recent past, seen through one or more statistics.
    pub(super) fn window(&self, statistics: &[(&Template, Statistic)]) -> Arc<Window> {
        let window = Arc::new(Window::new(self.registry.0.config));
        for (template, statistic) in statistics {
            self.statistic(&window, template.name.into(), template.doc.into(), *statistic);
        }
        window
    }

    pub(super) fn named_window(
        &self,
        name: Cow<'static, str>,
        doc: Cow<'static, str>,
        statistic: Statistic,
    ) -> Arc<Window> {
        let window = Arc::new(Window::new(self.registry.0.config));
        self.statistic(&window, name, doc, statistic);
        window
    }

    pub(super) fn named_counter(&self, name: Cow<'static, str>, doc: Cow<'static, str>) -> Counter {
        let counter = Counter::default();
        let read = counter.clone();
        self.add(name, doc, MetricKind::Counter, Arc::new(move || read.get().into()));
        counter
    }

    fn statistic(&self, window: &Arc<Window>, name: Cow<'static, str>, doc: Cow<'static, str>, statistic: Statistic) {
        let window = Arc::clone(window);
        let source = move || MetricValue::Number(statistic(&window.summary()));
        self.add(name, doc, MetricKind::Gauge, Arc::new(source));
    }

    pub(super) fn add(&self, name: Cow<'static, str>, doc: Cow<'static, str>, kind: MetricKind, source: Source) {
        let id = Id { group: self.group.clone(), tags: Arc::clone(&self.tags), name: name.clone() };
        self.registry.0.metrics.write().insert(id, Registered { owner: self.owner, doc, kind, source });
        self.registered.lock().push(name);
    }
}

impl Drop for MetricGroup {
    fn drop(&mut self) {
        let mut metrics = self.registry.0.metrics.write();
        for name in self.registered.get_mut().drain(..) {
            let id = Id { group: self.group.clone(), tags: Arc::clone(&self.tags), name };
            if metrics.get(&id).is_some_and(|found| found.owner == self.owner) {
                metrics.remove(&id);
            }
        }
    }
}

/// A number that only grows. Cheap to clone; clones count together.
#[derive(Clone, Default)]
pub struct Counter(Arc<AtomicU64>);

impl Counter {
    /// Adds to the number.
    pub fn add(&self, amount: f64) {
        let add = |bits| Some((f64::from_bits(bits) + amount).to_bits());
        // The closure never gives `None`, so this cannot fail.
        let _ = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add);
    }

    /// Adds one.
    pub fn increment(&self) {
        self.add(1.0);
    }

    /// The number now.
    pub fn get(&self) -> f64 {
        f64::from_bits(self.0.load(Ordering::Relaxed))
    }
}

/// A whole number that goes up and down. Cheap to clone; clones show the same number.
#[derive(Clone, Default)]
pub struct Gauge(Arc<AtomicI64>);

impl Gauge {
    /// Sets the number.
    pub fn set(&self, value: i64) {
        self.0.store(value, Ordering::Relaxed);
    }

    /// The number now.
    pub fn get(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::metrics::names;

    const TAGS: &[(&str, &str)] = &[("connector", "c"), ("task", "0")];

    fn names(registry: &Registry) -> Vec<String> {
        registry.snapshot().map(|metric| metric.name.into_owned()).collect()
    }

    #[test]
    fn metrics_end_with_their_group() {
        let registry = Registry::default();
        let group = registry.group("task-error-metrics", TAGS);
        let counter = group.counter(&names::TOTAL_RETRIES);
        counter.increment();
        counter.add(2.0);
        assert_eq!(registry.value(&names::TOTAL_RETRIES, TAGS), Some(3.0.into()));
        assert_eq!(registry.value(&names::TOTAL_RETRIES, &TAGS[..1]), None);
        let metric = registry.snapshot().next().unwrap();
        assert_eq!((metric.group.as_ref(), metric.kind), ("task-error-metrics", MetricKind::Counter));
        assert_eq!(metric.tags[1], ("task".into(), "0".to_owned()));
        drop(group);
        assert!(names(&registry).is_empty());
    }

    #[test]
    fn the_later_of_two_groups_stays() {
        let registry = Registry::default();
        let hanging = registry.group("g", TAGS);
        hanging.counter(&names::TOTAL_RETRIES);
        hanging.gauge(&names::PARTITION_COUNT);
        let restarted = registry.group("g", TAGS);
        restarted.counter(&names::TOTAL_RETRIES);
        drop(hanging);
        assert_eq!(names(&registry), ["total-retries"]);
        drop(restarted);
        assert!(names(&registry).is_empty());
    }

    #[test]
    fn a_source_may_use_the_registry() {
        let registry = Registry::default();
        let group = registry.group("g", &[]);
        let inner = registry.clone();
        group.read(&names::TASK_COUNT, move || {
            inner.group("other", &[]).counter(&names::TOTAL_RETRIES);
            1.0.into()
        });
        assert_eq!(registry.snapshot().map(|metric| metric.value).collect::<Vec<_>>(), [1.0.into()]);
    }
}
