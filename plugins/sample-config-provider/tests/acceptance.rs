//! What this provider gives, and what it keeps to itself.
#![allow(clippy::unwrap_used, reason = "tests")]

use ferroconnect_plugin_sdk::testkit::{self, ProviderHarness, acceptance};
use ferroconnect_plugin_sdk::{Config, ErrorKind};
use std::time::Duration;
use tempfile::TempDir;

const FILE: &str =
    r#"{"db": {"user": "me", "password": "hunter2", "port": 5432, "tls": true}, "tags": ["a"], "no": null}"#;

/// A folder `secrets` with the file `app.json`, and beside it one that must not be read.
fn folder() -> TempDir {
    let dir = TempDir::new().unwrap();
    std::fs::create_dir(dir.path().join("secrets")).unwrap();
    std::fs::write(dir.path().join("secrets/app.json"), FILE).unwrap();
    std::fs::write(dir.path().join("other.json"), FILE).unwrap();
    dir
}

fn provider(dir: &TempDir, ttl: Option<&str>) -> ProviderHarness {
    let mut config = Config::default();
    config.set("folder", dir.path().join("secrets").display());
    if let Some(ttl) = ttl {
        config.set("ttl.ms", ttl);
    }
    ProviderHarness::new(&testkit::library!(ferroconnect_sample_config_provider), "JsonFileProvider", config).unwrap()
}

fn pairs(config: &Config) -> Vec<(&str, &str)> {
    config.iter().collect()
}

#[test]
fn passes() {
    let (library, dir) = (testkit::library!(ferroconnect_sample_config_provider), folder());
    let mut config = Config::default();
    config.set("folder", dir.path().join("secrets").display());
    let values = [("db.password", "hunter2"), ("db.port", "5432")];
    acceptance::config_provider(&library, "JsonFileProvider", config, "app.json", values);
}

#[test]
fn gives_what_was_asked_for() {
    let dir = folder();
    let mut provider = provider(&dir, None);
    let (found, ttl) = provider.get("app.json", &["db.password", "db.port", "db.none", "tags", "no"]).unwrap();
    assert_eq!(pairs(&found), [("db.password", "hunter2"), ("db.port", "5432")]);
    assert_eq!(ttl, None);
    let (found, _) = provider.get("app.json", &[]).unwrap();
    let all = [("db.password", "hunter2"), ("db.port", "5432"), ("db.tls", "true"), ("db.user", "me")];
    assert_eq!(pairs(&found), all);
}

#[test]
fn tells_how_long_it_holds() {
    let (_, ttl) = provider(&folder(), Some("1500")).get("app.json", &["db.user"]).unwrap();
    assert_eq!(ttl, Some(Duration::from_millis(1500)));
}

#[test]
fn a_file_that_does_not_exist_has_nothing() {
    let (found, _) = provider(&folder(), None).get("none.json", &["db.user"]).unwrap();
    assert_eq!(pairs(&found), []);
}

#[test]
fn files_outside_the_folder_are_not_read() {
    let dir = folder();
    let other = dir.path().join("other.json");
    for path in ["../other.json", other.to_str().unwrap()] {
        let error = provider(&dir, None).get(path, &["db.user"]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::CONFIG);
        assert!(error.message().contains("lies outside"), "{error}");
    }
}

#[cfg(unix)]
#[test]
fn links_do_not_lead_out_of_the_folder() {
    let dir = folder();
    std::os::unix::fs::symlink(dir.path().join("other.json"), dir.path().join("secrets/link.json")).unwrap();
    let error = provider(&dir, None).get("link.json", &["db.user"]).unwrap_err();
    assert!(error.message().contains("lies outside"), "{error}");
}

#[test]
fn errors_show_nothing_of_the_file() {
    let dir = folder();
    std::fs::write(dir.path().join("secrets/bad.json"), "{\"a\":\n hunter2}").unwrap();
    let error = provider(&dir, None).get("bad.json", &["a"]).unwrap_err();
    assert_eq!(error.message(), "bad.json is no JSON: see line 2, column 2");
    assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
}

#[test]
fn a_folder_has_to_be_named_and_there() {
    let library = testkit::library!(ferroconnect_sample_config_provider);
    let error = ProviderHarness::new(&library, "JsonFileProvider", Config::default()).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::CONFIG);
    assert!(error.message().contains("folder"), "{error}");
    let error = ProviderHarness::new(&library, "JsonFileProvider", [("folder", "/no/such/folder")]).err().unwrap();
    assert!(error.message().starts_with("Invalid value /no/such/folder for configuration folder: "), "{error}");
}
