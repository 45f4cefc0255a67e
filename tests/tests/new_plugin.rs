//! The crates that `scripts/new-plugin.sh` makes build, pass their acceptance tests and load into a worker as they are.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use ferroconnect_e2e::repository;
use ferroconnect_e2e::worker::program;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use tempfile::TempDir;

/// The word for a kind on the command line, and the type that the worker gives such a plugin.
const KINDS: [(&str, &str); 7] = [
    ("source", "source"),
    ("sink", "sink"),
    ("transform", "transformation"),
    ("predicate", "predicate"),
    ("converter", "converter"),
    ("header-converter", "header_converter"),
    ("config-provider", "configprovider"),
];

fn new_plugin(arguments: &[&str]) -> (bool, String) {
    let output = Command::new(repository().join("scripts/new-plugin.sh")).args(arguments).output().unwrap();
    (output.status.success(), String::from_utf8(output.stderr).unwrap())
}

fn both(output: &Output) -> String {
    format!("{}\n{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// Makes a crate, runs its tests and builds its library, which is copied into the plugin path.
fn make(kind: &str, name: &str, outside: &Path, plugin_path: &Path) {
    let (made, text) = new_plugin(&[name, kind, "--dir", outside.to_str().unwrap()]);
    assert!(made, "{text}");
    let folder = outside.join(name);
    assert_eq!(fs::read_dir(folder.join("examples")).unwrap().count(), 1, "{kind}: one example is wanted");
    // The versions of this repository, which are at hand, so that nothing has to be fetched.
    fs::copy(repository().join("Cargo.lock"), folder.join("Cargo.lock")).unwrap();
    // All crates are built in one place: the SDK is built once, for all of them.
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("new-plugins");
    for step in ["test", "build"] {
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args([step, "--offline", "--quiet"]).current_dir(&folder).env("CARGO_TARGET_DIR", &target);
        let output = cargo.output().unwrap();
        let text = both(&output);
        assert!(output.status.success(), "{kind}, cargo {step}: {text}");
        assert!(step != "test" || text.contains("2 passed"), "{kind}: {text}");
        assert!(!text.contains("warning"), "{kind}, cargo {step}: {text}");
    }
    let (prefix, suffix) = (std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX);
    let library = format!("{prefix}{}{suffix}", name.replace('-', "_"));
    fs::copy(target.join("debug").join(&library), plugin_path.join(&library)).unwrap();
}

#[test]
fn new_crates_pass_their_tests_and_load() {
    let outside = TempDir::new().unwrap();
    let plugin_path = outside.path().join("plugin-path");
    fs::create_dir(&plugin_path).unwrap();
    let mut wanted = BTreeSet::new();
    for (kind, type_name) in KINDS {
        let (name, class) = (format!("my-{kind}"), format!("My{}", camel(kind)));
        make(kind, &name, outside.path(), &plugin_path);
        wanted.insert((type_name.to_owned(), class));
    }
    let mut command = Command::new(program());
    command.args(["plugins", "list", "--json", "--plugin-path"]).arg(&plugin_path);
    let output = command.env("XDG_CACHE_HOME", outside.path()).output().unwrap();
    assert!(output.status.success(), "{}", both(&output));
    let listing: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(listing["refused"], Value::Array(Vec::new()));
    let text = |plugin: &Value, key: &str| plugin[key].as_str().unwrap().to_owned();
    let loaded = listing["plugins"].as_array().unwrap().iter().filter(|plugin| plugin["location"] != "built-in");
    let loaded: BTreeSet<_> = loaded.map(|plugin| (text(plugin, "type"), text(plugin, "class"))).collect();
    assert_eq!(loaded, wanted);
}

fn camel(words: &str) -> String {
    let word = |word: &str| word[..1].to_uppercase() + &word[1..];
    words.split('-').map(word).collect()
}

#[test]
fn bad_arguments_are_refused_with_the_reason() {
    let outside = TempDir::new().unwrap();
    let folder = outside.path().to_str().unwrap();
    let cases = [
        (vec!["My_Plugin", "source", "--dir", folder], "'My_Plugin' is no name for a crate"),
        (vec!["my-plugin", "connector", "--dir", folder], "'connector' is no kind of plugin"),
        (vec!["sink", "my-plugin", "--dir", folder], "the name comes first and then the kind"),
        (vec!["my-plugin", "sink", "--dir", folder, "--sdk", folder], "there is no SDK at"),
        (vec!["my-plugin", "sink", "--dir", env!("CARGO_MANIFEST_DIR")], "lies inside this repository"),
    ];
    for (arguments, expected) in cases {
        let (made, text) = new_plugin(&arguments);
        assert!(!made && text.contains(expected), "{arguments:?}: {text}");
    }
    assert_eq!(fs::read_dir(folder).unwrap().count(), 0);
}
