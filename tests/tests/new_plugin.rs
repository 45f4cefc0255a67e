//! The crates that `scripts/new-plugin.sh` makes build and pass their acceptance tests as they are.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "tests")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn new_plugin(arguments: &[&str]) -> (bool, String) {
    let output = Command::new(root().join("scripts/new-plugin.sh")).args(arguments).output().unwrap();
    (output.status.success(), String::from_utf8(output.stderr).unwrap())
}

/// A folder outside the repository, removed at the end.
struct Outside(PathBuf);

impl Outside {
    fn new(name: &str) -> Outside {
        let folder = std::env::temp_dir().join(format!("ferroconnect-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        Outside(folder)
    }
}

impl Drop for Outside {
    fn drop(&mut self) {
        // What is left lies among the temporary files.
        let _removed = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn new_crates_pass_their_tests() {
    let outside = Outside::new("new-plugins");
    for kind in ["source", "sink", "transform", "converter"] {
        let name = format!("my-new-{kind}");
        let (made, text) = new_plugin(&[&name, kind, "--dir", outside.0.to_str().unwrap()]);
        assert!(made, "{text}");
        let folder = outside.0.join(&name);
        // The versions of this repository, which are at hand, so that nothing has to be fetched.
        fs::copy(root().join("Cargo.lock"), folder.join("Cargo.lock")).unwrap();
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(["test", "--offline", "--quiet"]).current_dir(&folder);
        cargo.env("CARGO_TARGET_DIR", Path::new(env!("CARGO_TARGET_TMPDIR")).join("new-plugins"));
        let output = cargo.output().unwrap();
        let text = format!("{}\n{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{kind}: {text}");
        assert!(text.contains("2 passed"), "{kind}: {text}");
        assert!(!text.contains("warning"), "{kind}: {text}");
    }
}

#[test]
fn bad_arguments_are_refused_with_the_reason() {
    let outside = Outside::new("bad-arguments");
    let folder = outside.0.to_str().unwrap();
    let cases = [
        (vec!["My_Plugin", "source", "--dir", folder], "'My_Plugin' is no name for a crate"),
        (vec!["my-plugin", "connector", "--dir", folder], "'connector' is no kind of plugin"),
        (vec!["my-plugin", "sink", "--dir", folder, "--sdk", folder], "there is no SDK at"),
        (vec!["my-plugin", "sink", "--dir", env!("CARGO_MANIFEST_DIR")], "lies inside this repository"),
    ];
    for (arguments, expected) in cases {
        let (made, text) = new_plugin(&arguments);
        assert!(!made && text.contains(expected), "{arguments:?}: {text}");
    }
    assert_eq!(fs::read_dir(folder).unwrap().count(), 0);
}
