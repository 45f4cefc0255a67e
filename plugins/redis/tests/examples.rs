//! The examples and the README hold what the connectors know.
#![allow(clippy::unwrap_used, reason = "tests")]

use ferroconnect_plugin_sdk::Config;
use ferroconnect_plugin_sdk::testkit::{self, SinkHarness, SourceHarness};
use std::fs;
use std::path::Path;

fn folder() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn the_examples_are_right() {
    let library = testkit::library!(ferroconnect_redis);
    let files = fs::read_dir(folder().join("examples")).unwrap();
    let mut count = 0;
    for file in files {
        let path = file.unwrap().path();
        let example: serde_json::Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        let mut config = Config::default();
        for (key, value) in example["config"].as_object().unwrap() {
            config.set(key, value.as_str().unwrap());
        }
        let class = config.get("connector.class").unwrap().to_owned();
        let info = library.plugins().iter().find(|info| info.class.as_str() == class).unwrap();
        // What it says of keys that are not there.
        for (key, _) in config.iter().filter(|(key, _)| key.starts_with("redis.")) {
            assert!(info.config.keys.iter().any(|known| known.name.as_str() == key), "{}: {key}", path.display());
        }
        let errors = if class.contains("Source") {
            SourceHarness::new(&library, &class, config).validate().unwrap()
        } else {
            SinkHarness::new(&library, &class, config).validate().unwrap()
        };
        assert!(errors.is_empty(), "{}: {errors:?}", path.display());
        count += 1;
    }
    assert_eq!(count, 4);
}

#[test]
fn the_readme_tells_of_each_key() {
    let text = fs::read_to_string(folder().join("README.md")).unwrap();
    for info in testkit::library!(ferroconnect_redis).plugins() {
        assert!(text.contains(info.class.as_str()), "{}", info.class);
        for key in &info.config.keys {
            assert!(text.contains(&format!("`{}`", key.name)), "{}", key.name);
        }
    }
}
