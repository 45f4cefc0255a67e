//! The life of connectors and tasks: what starts them, changes them and brings them back.

#![allow(clippy::unwrap_used, reason = "a test ends at the first surprise")]

mod clients;
mod restarts;
mod tasks;
mod topics;

use ferroconnect_e2e::rest::{Answer, RestClient};
use ferroconnect_e2e::unique;
use ferroconnect_e2e::worker::Worker;
use serde_json::{Map, Value};

/// A configuration as REST takes it.
fn json(config: &[(&str, &str)]) -> Value {
    Value::Object(config.iter().map(|(key, value)| ((*key).to_owned(), (*value).into())).collect::<Map<_, _>>())
}

/// Creates or changes a source of the misbehaving kind, which has a topic of its own unless `config` names one.
fn put_source(rest: &RestClient, name: &str, config: &[(&str, &str)]) -> Answer {
    let topic = unique(name);
    let base = [("connector.class", "test.MisbehavingSource"), ("topic", topic.as_str())];
    rest.put(&format!("/connectors/{name}/config"), Some(&json(&[&base, config].concat())))
}

/// The value of the metric with this name and these labels, as they stand on the page.
fn metric(worker: &Worker, series: &str) -> Option<f64> {
    let page = worker.rest.get("/metrics").text;
    let value = page.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' ').map(str::to_owned));
    value.map(|value| value.parse().unwrap())
}
