//! Metrics in the text form that Prometheus reads (exposition format 0.0.4), under the names that the usual rules of the
//! JMX exporter for Kafka Connect give, so that dashboards made for those show this worker too.
//!
//! Written here rather than by a client library: those keep metrics of their own and rename counters.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};
use std::fmt::Write as _;

use super::histogram::Distribution;
use super::names;
use super::registry::{Metric, MetricKind, MetricValue};

/// The media type of the text.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Metrics whose text is the state of something; they are series of their own, because states change.
const STATUS: &str = "status";

/// Writes metrics as they come from [`Registry::snapshot`](super::Registry::snapshot), those of a group together.
pub fn render(metrics: impl IntoIterator<Item = Metric>) -> String {
    let mut page = Page::default();
    let mut info: Option<Info> = None;
    for metric in metrics {
        if info.as_ref().is_some_and(|info| !info.is_about(&metric)) {
            page.add_info(info.take());
        }
        match &metric.value {
            MetricValue::Number(number) => page.number(&metric, *number),
            MetricValue::Distribution(distribution) => page.distribution(&metric, distribution),
            MetricValue::Text(text) if metric.name == STATUS => page.status(&metric, text),
            MetricValue::Text(text) => {
                let labels = &mut info.get_or_insert_with(|| Info::about(&metric)).labels;
                labels.push(&metric.name, text);
            }
        }
    }
    page.add_info(info);
    page.text()
}

/// The name under which a metric appears. Texts of one thing share a name: they are labels.
pub fn name_of(metric: &Metric) -> String {
    match (metric.kind, &*metric.name) {
        // The exporter's rules use the connector's name for the state of a task, and know no state of connectors.
        (MetricKind::Info, STATUS) if metric.group == names::TASK_GROUP => "kafka_connect_connector_status".to_owned(),
        (MetricKind::Info, STATUS) => "ferroconnect_connector_status".to_owned(),
        (MetricKind::Info, _) => prefix(metric) + "info",
        (_, name) => prefix(metric) + &letters(name),
    }
}

/// How a label is written.
pub fn label_name(key: &str) -> String {
    match key {
        // As the rules of the JMX exporter write it.
        names::CLIENT_TAG => "clientId".to_owned(),
        // Names that begin with digits are no names, those that begin with underscores are Prometheus' own.
        _ if !key.starts_with(|c: char| c.is_ascii_alphabetic()) => format!("tag_{}", letters(key)),
        _ => key.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect(),
    }
}

fn prefix(metric: &Metric) -> String {
    match &*metric.group {
        names::WORKER_GROUP if metric.tags.is_empty() => "kafka_connect_worker_".to_owned(),
        names::APP_INFO_GROUP => "kafka_connect_".to_owned(),
        names::OWN_GROUP => "ferroconnect_".to_owned(),
        names::PROCESS_GROUP => "process_".to_owned(),
        group => format!("kafka_connect_{}_", letters(group.strip_suffix("-metrics").unwrap_or(group))),
    }
}

/// Only letters that may stand in a name, in lower case as the JMX exporter's rules have them.
fn letters(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' }).collect()
}

/// Texts about one thing. They become labels of one series whose value is 1.
struct Info {
    group: Cow<'static, str>,
    tags: std::sync::Arc<[(Cow<'static, str>, String)]>,
    name: String,
    labels: Labels,
}

impl Info {
    fn about(metric: &Metric) -> Self {
        Self {
            group: metric.group.clone(),
            tags: metric.tags.clone(),
            name: name_of(metric),
            labels: Labels::of(metric),
        }
    }

    fn is_about(&self, metric: &Metric) -> bool {
        self.group == metric.group && self.tags == metric.tags
    }
}

/// The labels of a series, as they are written.
#[derive(Clone, Default)]
struct Labels {
    text: String,
    names: Vec<String>,
}

impl Labels {
    fn of(metric: &Metric) -> Self {
        let mut labels = Self::default();
        for (key, value) in &*metric.tags {
            labels.push(key, value);
        }
        labels
    }

    /// Adds a label; of two with one name the first stays, since the page could not be read otherwise.
    fn push(&mut self, key: &str, value: &str) {
        let name = label_name(key);
        if self.names.contains(&name) {
            return;
        }
        if !self.text.is_empty() {
            self.text.push(',');
        }
        self.text.push_str(&name);
        self.text.push_str("=\"");
        escape(value, true, &mut self.text);
        self.text.push('"');
        self.names.push(name);
    }
}

fn escape(text: &str, quotes: bool, into: &mut String) {
    for c in text.chars() {
        match c {
            '\\' => into.push_str("\\\\"),
            '\n' => into.push_str("\\n"),
            '"' if quotes => into.push_str("\\\""),
            c => into.push(c),
        }
    }
}

/// All series of one name; they have to stand together.
struct Family {
    kind: &'static str,
    doc: Cow<'static, str>,
    lines: String,
    /// The series that are there already. Plugins may register two names that are written alike.
    series: HashSet<String>,
}

#[derive(Default)]
struct Page(BTreeMap<String, Family>);

impl Page {
    fn number(&mut self, metric: &Metric, number: f64) {
        let kind = if metric.kind == MetricKind::Counter { "counter" } else { "gauge" };
        self.sample(name_of(metric), kind, metric.doc.clone(), &Labels::of(metric), number);
    }

    fn status(&mut self, metric: &Metric, state: &str) {
        let mut labels = Labels::of(metric);
        labels.push(STATUS, state);
        self.sample(name_of(metric), "gauge", metric.doc.clone(), &labels, 1.0);
    }

    fn add_info(&mut self, info: Option<Info>) {
        if let Some(info) = info {
            self.sample(info.name, "gauge", "Classes and versions, as labels.".into(), &info.labels, 1.0);
        }
    }

    fn sample(&mut self, name: String, kind: &'static str, doc: Cow<'static, str>, labels: &Labels, number: f64) {
        let family = self.family(&name, kind, doc);
        if family.series.insert(labels.text.clone()) {
            line(&mut family.lines, &name, "", &labels.text, number);
        }
    }

    fn distribution(&mut self, metric: &Metric, distribution: &Distribution) {
        let name = name_of(metric);
        let labels = Labels::of(metric);
        let family = self.family(&name, "histogram", metric.doc.clone());
        for (end, count) in &distribution.buckets {
            let mut labels = labels.clone();
            labels.push("le", &Number(*end).to_string());
            line(&mut family.lines, &name, "_bucket", &labels.text, *count as f64);
        }
        line(&mut family.lines, &name, "_sum", &labels.text, distribution.sum);
        line(&mut family.lines, &name, "_count", &labels.text, distribution.count() as f64);
    }

    fn family(&mut self, name: &str, kind: &'static str, doc: Cow<'static, str>) -> &mut Family {
        let new = || Family { kind, doc, lines: String::new(), series: HashSet::new() };
        let family = self.0.entry(name.to_owned()).or_insert_with(new);
        if family.kind != kind {
            // Two plugins may mean different things by one name.
            family.kind = "untyped";
        }
        family
    }

    fn text(self) -> String {
        let mut text = String::new();
        for (name, family) in self.0 {
            text.push_str("# HELP ");
            text.push_str(&name);
            text.push(' ');
            escape(&family.doc, false, &mut text);
            // Writing to a String cannot fail.
            let _ = write!(text, "\n# TYPE {name} {}\n", family.kind);
            text.push_str(&family.lines);
        }
        text
    }
}

fn line(lines: &mut String, name: &str, suffix: &str, labels: &str, number: f64) {
    // Writing to a String cannot fail.
    let _ = match labels {
        "" => writeln!(lines, "{name}{suffix} {}", Number(number)),
        labels => writeln!(lines, "{name}{suffix}{{{labels}}} {}", Number(number)),
    };
}

/// A number as Prometheus spells it.
struct Number(f64);

impl std::fmt::Display for Number {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            f64::INFINITY => f.write_str("+Inf"),
            f64::NEG_INFINITY => f.write_str("-Inf"),
            number => write!(f, "{number}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::metrics::{
        AppInfo, ConnectorMetrics, PluginMetricKind, PluginMetrics, Registry, SourceTaskMetrics, StageTimes,
        TaskMetrics, TaskStage, WorkerMetrics,
    };
    use prometheus_parse::{Scrape, Value};
    use std::time::Duration;

    fn page(registry: &Registry) -> String {
        render(registry.snapshot())
    }

    /// The page as a parser that is not ours reads it; it skips what it does not understand, so series are counted.
    fn parse(page: &str) -> Scrape {
        let scrape = Scrape::parse(page.lines().map(|line| Ok(line.to_owned()))).unwrap();
        let histograms = scrape.samples.iter().filter_map(|sample| match &sample.value {
            Value::Histogram(buckets) => Some(buckets.len()),
            _ => None,
        });
        // Of a histogram the parser gives the buckets as one sample.
        let merged: usize = histograms.map(|buckets| buckets - 1).sum();
        let lines = page.lines().filter(|line| !line.starts_with('#')).count();
        assert_eq!(scrape.samples.len() + merged, lines, "a line was not understood:\n{page}");
        scrape
    }

    fn value(scrape: &Scrape, name: &str, labels: &[(&str, &str)]) -> f64 {
        let mut found = scrape.samples.iter().filter(|sample| {
            sample.metric == name && labels.iter().all(|(key, value)| sample.labels.get(key) == Some(value))
        });
        let sample = found.next().unwrap_or_else(|| panic!("no {name} {labels:?}"));
        assert!(found.next().is_none(), "{name} {labels:?} twice");
        match sample.value {
            Value::Counter(number) | Value::Gauge(number) | Value::Untyped(number) => number,
            ref other => panic!("{other:?}"),
        }
    }

    #[test]
    fn names_are_those_of_the_jmx_exporter_s_rules() {
        let registry = Registry::default();
        let worker = WorkerMetrics::new(&registry, || 3, || 4);
        worker.task_start(true);
        let source = SourceTaskMetrics::new(&registry, "c", 1);
        source.polled(7, Duration::from_millis(2));
        let task = TaskMetrics::new(&registry, "c", 1);
        task.state("RUNNING");
        let connector = ConnectorMetrics::new(&registry, "c", "source", "S", "1.0");
        connector.state("PAUSED");
        let _about = AppInfo::new(&registry, "h:1", "0.1", "abc");
        let scrape = parse(&page(&registry));
        let tags = [("connector", "c"), ("task", "1")];
        assert_eq!(value(&scrape, "kafka_connect_worker_connector_count", &[]), 3.0);
        assert_eq!(value(&scrape, "kafka_connect_worker_task_startup_success_total", &[]), 1.0);
        assert_eq!(value(&scrape, "kafka_connect_source_task_source_record_poll_total", &tags), 7.0);
        assert_eq!(value(&scrape, "kafka_connect_source_task_poll_batch_max_time_ms", &tags), 2.0);
        assert!(value(&scrape, "kafka_connect_source_task_transaction_size_avg", &tags).is_nan());
        let running = [tags[0], tags[1], ("status", "running")];
        assert_eq!(value(&scrape, "kafka_connect_connector_status", &running), 1.0);
        let paused = [tags[0], ("status", "paused")];
        assert_eq!(value(&scrape, "ferroconnect_connector_status", &paused), 1.0);
        let info = [tags[0], ("connector_type", "source"), ("connector_class", "S"), ("connector_version", "1.0")];
        assert_eq!(value(&scrape, "kafka_connect_connector_info", &info), 1.0);
        let about = [("clientId", "h:1"), ("version", "0.1"), ("commit_id", "abc")];
        assert_eq!(value(&scrape, "kafka_connect_info", &about), 1.0);
        let kind =
            |name| page(&registry).lines().find(|line| line.starts_with(&format!("# TYPE {name} "))).map(str::to_owned);
        assert_eq!(
            kind("kafka_connect_source_task_source_record_poll_total").as_deref(),
            Some("# TYPE kafka_connect_source_task_source_record_poll_total counter")
        );
    }

    #[test]
    fn histograms_have_buckets_sum_and_count() {
        let registry = Registry::default();
        let times = StageTimes::new(&registry, "c", 0, &[TaskStage::Put]);
        times.record(TaskStage::Put, Duration::from_millis(3));
        times.record(TaskStage::Put, Duration::from_secs(100));
        let page = page(&registry);
        let tags = "connector=\"c\",task=\"0\",stage=\"put\"";
        for line in [
            "# TYPE ferroconnect_stage_duration_seconds histogram".to_owned(),
            format!("ferroconnect_stage_duration_seconds_bucket{{{tags},le=\"0.001\"}} 0"),
            format!("ferroconnect_stage_duration_seconds_bucket{{{tags},le=\"0.005\"}} 1"),
            format!("ferroconnect_stage_duration_seconds_bucket{{{tags},le=\"+Inf\"}} 2"),
            format!("ferroconnect_stage_duration_seconds_sum{{{tags}}} 100.003"),
            format!("ferroconnect_stage_duration_seconds_count{{{tags}}} 2"),
        ] {
            assert!(page.lines().any(|found| found == line), "{line} is not in\n{page}");
        }
        parse(&page);
    }

    #[test]
    fn nothing_that_a_plugin_or_user_writes_breaks_the_page() {
        let registry = Registry::default();
        // No `}`: the parser of this test cannot read it in a value, Prometheus can.
        let name = "quote \" backslash \\ line\nend ü";
        let metrics = PluginMetrics::new(&registry, &[("connector", name)]);
        let other = PluginMetrics::new(&registry, &[("connector", "other")]);
        let register = |metrics: &PluginMetrics, name: &str, kind, tags: &[(&str, &str)]| {
            let number = metrics.register(name, "doc \\ of\ntwo lines", kind, tags).unwrap();
            metrics.record(number, 5.0);
        };
        register(&metrics, "Rows-Read/s", PluginMetricKind::Gauge, &[]);
        // Written alike: the first one stays, as a series that is there twice spoils the whole page.
        register(&metrics, "rows_read_s", PluginMetricKind::Gauge, &[]);
        register(
            &other,
            "rows.read.s",
            PluginMetricKind::Counter,
            &[("__name__", "x"), ("9", "y"), ("a-b", "1"), ("a.b", "2")],
        );
        let page = page(&registry);
        let scrape = parse(&page);
        assert_eq!(scrape.samples.len(), 2, "{page}");
        assert!(page.contains("# TYPE kafka_connect_plugins_rows_read_s untyped\n"), "{page}");
        assert!(page.contains("doc \\\\ of\\ntwo lines\n"), "{page}");
        assert!(page.contains(r#"{connector="quote \" backslash \\ line\nend ü"} 5"#), "{page}");
        assert!(page.contains(r#"{connector="other",tag___name__="x",tag_9="y",a_b="1"} 5"#), "{page}");
    }
}
