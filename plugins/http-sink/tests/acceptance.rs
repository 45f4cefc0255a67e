//! The checks that every connector passes, and the files in `examples/`.
#![allow(clippy::unwrap_used, reason = "tests")]

mod server;

use ferroconnect_plugin_sdk::testkit::{self, SinkHarness, acceptance};
use ferroconnect_plugin_sdk::{Config, Data};
use server::Server;
use std::fs;

fn values() -> Vec<Data> {
    ["a", "b", "c"].map(Data::schemaless).to_vec()
}

#[test]
fn keys_of_aiven() {
    let server = Server::accepting();
    let config = [("http.url", server.url("/in").as_str()), ("http.authorization.type", "none")].into();
    let config: Config = config;
    let library = testkit::library!(ferroconnect_http_sink);
    let written = || server.seen().len();
    acceptance::sink(&library, "io.aiven.kafka.connect.http.HttpSinkConnector", config, values(), written);
}

#[test]
fn keys_of_confluent() {
    let server = Server::accepting();
    let config = Config::from([("http.api.url", server.url("/in").as_str()), ("batch.max.size", "2")]);
    let library = testkit::library!(ferroconnect_http_sink);
    let written = || server.bodies().iter().map(|body| body.split(',').count()).sum();
    acceptance::sink(&library, "io.confluent.connect.http.HttpSinkConnector", config, values(), written);
}

#[test]
fn examples_are_valid() {
    let library = testkit::library!(ferroconnect_http_sink);
    let mut examples = 0;
    for file in fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/examples")).unwrap() {
        let path = file.unwrap().path();
        let example: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        let mut config = Config::default();
        for (key, value) in example["config"].as_object().unwrap() {
            config.set(key, value.as_str().unwrap());
        }
        let class = config.text("connector.class").unwrap().to_owned();
        let sink = SinkHarness::new(&library, &class, config);
        assert!(sink.validate().unwrap().is_empty(), "{}: {:?}", path.display(), sink.validate());
        examples += 1;
    }
    assert!(examples >= 2);
}
