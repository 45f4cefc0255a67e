//! The table of `docs/metrics.md`, written from the metrics that are registered, and what dashboards and alerts may name.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use crate::docs_page::{assert_up_to_date, read};
use crate::pipeline::ErrorCounters;
use crate::runtime::WorkerInfo;
use crate::storage::{MemoryStatusStore, TaskId};
use crate::telemetry::metrics::{
    ConnectorMetrics, ConnectorTaskCounts, Metric, MetricKind, MetricValue, Registry, RestartMetrics, StagePlugin,
    TaskPlugins, TaskStage, names, prometheus, stage_info,
};

use super::metrics::{CommonMetrics, SinkMetrics, SourceMetrics};
use super::worker_metrics::WholeMetrics;

const BEGIN: &str = "<!-- Written by UPDATE_DOCS=1 cargo test -p ferroconnect --lib worker::metrics_page -->\n";

/// Every metric of a worker with a connector of each kind, as registered by those who report.
fn metrics() -> Vec<Metric> {
    let registry = Registry::default();
    let info = WorkerInfo {
        worker_id: "h:1".to_owned(),
        version: "1".to_owned(),
        commit: "c".to_owned(),
        kafka_cluster_id: None,
    };
    let (connectors, tasks, abandoned) = (Arc::default(), Arc::default(), Arc::new(AtomicUsize::new(0)));
    let statuses = Arc::new(MemoryStatusStore::default());
    let _worker = WholeMetrics::new(&registry, &info, &connectors, &tasks, statuses, &abandoned);
    let mut restarts = RestartMetrics::new(&registry);
    restarts.restarted("c");
    let _connector = ConnectorMetrics::new(&registry, "c", "source", "S", "1");
    let _counts = ConnectorTaskCounts::new(&registry, "c", Vec::new);
    let common = |task, stages| {
        let id = TaskId { connector: "c".into(), task };
        let metrics = Arc::new(CommonMetrics::new(&registry, &id, &Arc::new(ErrorCounters::default()), stages));
        let pair = ("C", "1");
        metrics.task().describe(&TaskPlugins {
            connector: pair,
            connector_type: "source",
            task: pair,
            key_converter: pair,
            value_converter: pair,
            header_converter: pair,
        });
        (id, metrics)
    };
    let (id, source) = common(0, TaskStage::OF_SOURCE);
    let _source = SourceMetrics::new(&registry, &id, source, || 0);
    let (id, sink) = common(1, TaskStage::OF_SINK);
    let sink = SinkMetrics::new(&registry, &id, sink, Arc::new(|_, _| None));
    sink.assigned([("t".into(), 0)].iter());
    let stage = |predicate| StagePlugin { predicate, alias: "a", class: "C", version: "1" };
    let _stages = [true, false].map(|predicate| stage_info(&registry, "c", 0, &stage(predicate)));
    registry.snapshot().collect()
}

/// Every name that may stand in a query.
fn series() -> BTreeSet<String> {
    let parts = |metric: &Metric| {
        let name = prometheus::name_of(metric);
        match metric.kind {
            MetricKind::Histogram => ["_bucket", "_sum", "_count"].map(|part| format!("{name}{part}")).to_vec(),
            _ => vec![name],
        }
    };
    metrics().iter().flat_map(parts).collect()
}

fn table() -> String {
    let mut table =
        "| Name | Type | Labels | In Kafka Connect | Meaning |\n| --- | --- | --- | --- | --- |\n".to_owned();
    let mut rows = BTreeSet::new();
    for metric in metrics() {
        let kind = match metric.kind {
            MetricKind::Counter => "counter",
            MetricKind::Gauge => "gauge",
            MetricKind::Histogram => "histogram",
            MetricKind::Info => "label",
        };
        let labels: Vec<String> = metric.tags.iter().map(|(key, _)| prometheus::label_name(key)).collect();
        let name = match metric.kind {
            MetricKind::Info => format!("{}{{{}}}", prometheus::name_of(&metric), prometheus::label_name(&metric.name)),
            _ => prometheus::name_of(&metric),
        };
        let origin = match &*metric.group {
            names::OWN_GROUP | names::PROCESS_GROUP => "–".to_owned(),
            group => format!("{group}: {}", metric.name),
        };
        rows.insert(format!("| `{name}` | {kind} | {} | {origin} | {} |\n", labels.join(", "), metric.doc));
    }
    rows.iter().for_each(|row| table.push_str(row));
    table
}

#[test]
fn the_page_is_up_to_date() {
    let written = read("metrics.md");
    let (head, _) = written.split_once(BEGIN).expect("docs/metrics.md says where the table begins");
    assert_up_to_date("metrics.md", &format!("{head}{BEGIN}{}", table()), "worker::metrics_page");
}

/// A name that nobody registers would be a promise that is not kept.
#[test]
fn every_name_is_registered_by_somebody() {
    let found: BTreeSet<(String, String)> =
        metrics().iter().map(|metric| (metric.group.to_string(), metric.name.to_string())).collect();
    let named: BTreeSet<(String, String)> =
        names::ALL.iter().map(|template| (template.group.to_owned(), template.name.to_owned())).collect();
    assert_eq!(found, named);
}

/// The metrics that a text names.
fn named_in(text: &str) -> BTreeSet<String> {
    let name = regex::Regex::new(r"\b(?:kafka_connect|ferroconnect|process)_[a-z0-9_]+").unwrap();
    name.find_iter(text).map(|found| found.as_str().to_owned()).collect()
}

fn assert_known(place: &str, queries: &str) -> BTreeSet<String> {
    let (named, known) = (named_in(queries), series());
    let unknown: Vec<_> = named.difference(&known).collect();
    assert!(unknown.is_empty(), "{place} names metrics that are not there: {unknown:?}");
    named
}

#[test]
fn the_dashboard_names_only_metrics_that_are_there() {
    let dashboard: serde_json::Value = serde_json::from_str(&read("monitoring/grafana-dashboard.json")).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let mut queries = String::new();
    for panel in panels.iter().filter(|panel| panel["type"] != "row") {
        let targets = panel["targets"].as_array().unwrap();
        assert!(!targets.is_empty(), "{panel}");
        for target in targets {
            let query = target["expr"].as_str().unwrap();
            assert!(!named_in(query).is_empty(), "{query} names no metric");
            writeln!(queries, "{query}").unwrap();
        }
    }
    for variable in dashboard["templating"]["list"].as_array().unwrap() {
        writeln!(queries, "{}", variable["query"]).unwrap();
    }
    assert!(assert_known("the dashboard", &queries).len() >= 20);
}

#[test]
fn the_alert_rules_name_only_metrics_that_are_there() {
    let rules = read("monitoring/alerts.yml");
    let expressions: String = rules.lines().filter(|line| line.trim_start().starts_with("expr:")).collect();
    let alerts = rules.lines().filter(|line| line.trim_start().starts_with("- alert:")).count();
    assert_eq!(expressions.matches("expr:").count(), alerts, "each alert has its expression on one line");
    assert!(assert_known("the alert rules", &expressions).len() >= 5);
}

#[test]
fn every_metric_that_has_a_value_is_on_the_page() {
    let page = prometheus::render(metrics());
    for name in series() {
        let line = |line: &str| line.starts_with(&format!("{name} ")) || line.starts_with(&format!("{name}{{"));
        assert!(page.lines().any(line), "{name} is not on\n{page}");
    }
    let texts = metrics().iter().filter(|metric| matches!(metric.value, MetricValue::Text(_))).count();
    assert!(texts > 20, "{texts}");
}
