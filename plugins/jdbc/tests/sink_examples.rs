//! The examples of the sink are configurations that it takes.
#![allow(clippy::unwrap_used, reason = "tests")]

use ferroconnect_plugin_sdk::Config;
use ferroconnect_plugin_sdk::abi::info::PluginKind;
use ferroconnect_plugin_sdk::testkit::{self, SinkHarness};

const CLASS: &str = "io.confluent.connect.jdbc.JdbcSinkConnector";

#[test]
fn an_example_is_a_configuration() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let mut seen = 0;
    for file in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        let text = std::fs::read_to_string(&file).unwrap();
        let json: serde_json::Value = serde_json::from_str(&text).unwrap();
        let pairs = json["config"].as_object().unwrap();
        if pairs["connector.class"] != CLASS {
            continue;
        }
        let mut config = Config::default();
        for (key, value) in pairs {
            config.set(key, value.as_str().unwrap());
        }
        let sink = SinkHarness::new(&testkit::library!(ferroconnect_jdbc), CLASS, config);
        assert_eq!(sink.validate().unwrap(), [], "{}", file.display());
        let def = testkit::library!(ferroconnect_jdbc).plugin(PluginKind::SINK, CLASS).config.clone();
        let own = |key: &str| def.keys.iter().any(|known| known.name.as_str() == key);
        let workers = ["connector.class", "tasks.max", "topics", "value.converter", "key.converter"];
        let unknown: Vec<&String> =
            pairs.keys().filter(|key| !own(key) && !workers.iter().any(|known| key.starts_with(known))).collect();
        assert_eq!(unknown, [""; 0], "{}", file.display());
        seen += 1;
    }
    assert!(seen >= 3, "{seen}");
}
