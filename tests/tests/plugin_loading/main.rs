//! Every kind of file in a plugin path: what loads, what is refused and in which words, and that the worker's process
//! lives through all of it.
//!
//! The compatibility promise is tested in both directions: libraries of the next minor version on this worker, and
//! libraries of this version on a worker that was built as the next minor version.

#![allow(clippy::unwrap_used, reason = "a test ends at the first surprise")]

mod libraries;

use ferroconnect_e2e::worker::program;
use ferroconnect_e2e::{build_dir, repository};
use libraries::{Libraries, cargo};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;

/// A plugin path, and a cache of its own for what is found in it.
struct PluginPath {
    home: TempDir,
}

impl PluginPath {
    fn new() -> PluginPath {
        let home = tempfile::tempdir().unwrap();
        fs::create_dir(home.path().join("plugins")).unwrap();
        PluginPath { home }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.home.path().join("plugins").join(name)
    }

    fn put(&self, name: &str, library: &Path) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::copy(library, &path).unwrap_or_else(|error| panic!("{}: {error}", library.display()));
        path
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(program());
        command.arg("plugins").args(arguments).env("XDG_CACHE_HOME", self.home.path().join("cache"));
        command.output().unwrap()
    }

    /// `plugins list`, which loads everything that is fit to be loaded into one process.
    fn list(&self) -> Listing {
        let output = self.run(&["list", "--json", "--plugin-path", self.path("").to_str().unwrap()]);
        assert!(output.status.success(), "{output:?}");
        Listing(serde_json::from_slice(&output.stdout).unwrap())
    }
}

struct Listing(Value);

impl Listing {
    /// Versions and locations of a class.
    fn class(&self, class: &str) -> Vec<(&str, &str)> {
        let plugins = self.0["plugins"].as_array().unwrap().iter().filter(|plugin| plugin["class"] == class);
        plugins.map(|plugin| (plugin["version"].as_str().unwrap(), plugin["location"].as_str().unwrap())).collect()
    }

    /// Reason and words for a file that is refused.
    fn refusal(&self, file: &Path) -> (&str, String) {
        let refused = self.0["refused"].as_array().unwrap();
        let found = refused.iter().find(|refusal| refusal["path"].as_str() == file.to_str());
        let refusal = found.unwrap_or_else(|| panic!("{} is not refused: {refused:?}", file.display()));
        let text = |key: &str| refusal[key].as_str().unwrap();
        (text("reason"), format!("{}. {}", text("message"), text("way_out")))
    }

    #[track_caller]
    fn assert_refused(&self, file: &Path, reason: &str, parts: &[&str]) {
        let (found, words) = self.refusal(file);
        assert_eq!(found, reason, "{words}");
        for part in parts {
            assert!(words.contains(part), "`{part}` is not in: {words}");
        }
    }
}

/// A library of the workspace's fixtures.
fn fixture(name: &str) -> PathBuf {
    let (prefix, suffix) = (std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX);
    let file = build_dir().join(format!("{prefix}ferroconnect_fixture_{name}{suffix}"));
    assert!(file.is_file(), "{} does not exist: run cargo build --workspace first", file.display());
    file
}

#[test]
fn two_files_in_one_process_keep_their_own_classes() {
    let path = PluginPath::new();
    let one = path.put("one/plugin.so", &Libraries::get().file("old"));
    let two = path.put("two/plugin.so", &fixture("misbehaving"));
    for _from_cache in [false, true] {
        let listing = path.list();
        assert_eq!(listing.class("test.FixtureSource"), [("1.0.0", one.to_str().unwrap())]);
        let misbehaving = listing.class("test.MisbehavingSource");
        assert_eq!(misbehaving.len(), 1);
        assert_eq!(misbehaving[0].1, two.to_str().unwrap());
        assert_eq!(listing.0["refused"].as_array().unwrap().len(), 0);
    }
}

#[test]
fn of_two_versions_both_are_listed_and_a_warning_names_both_files() {
    let path = PluginPath::new();
    let old = path.put("old.so", &Libraries::get().file("old"));
    let newer = path.put("newer.so", &Libraries::get().file("newer"));
    let listing = path.list();
    let expected = [("1.0.0", old.to_str().unwrap()), ("1.1.0", newer.to_str().unwrap())];
    assert_eq!(listing.class("test.FixtureSource"), expected);
    let warnings = listing.0["warnings"].as_array().unwrap();
    let about: Vec<&str> = warnings.iter().filter_map(Value::as_str).filter(|w| w.contains("FixtureSource")).collect();
    assert_eq!(about.len(), 1, "{warnings:?}");
    for part in [old.to_str().unwrap(), newer.to_str().unwrap(), "Version 1.1.0 of"] {
        assert!(about[0].contains(part), "{}", about[0]);
    }
}

#[test]
fn what_is_no_plugin_gets_a_clear_line_and_harms_nobody() {
    let path = PluginPath::new();
    let good = path.put("good.so", &Libraries::get().file("old"));
    let crash = path.put("crash.so", &fixture("abort_in_constructor"));
    let other = path.put("other.so", &fixture("no_symbol"));
    let text = path.path("text.so");
    fs::write(&text, "I am no library\n").unwrap();
    let whole = fs::read(&good).unwrap();
    let short = path.path("short.so");
    fs::write(&short, &whole[..whole.len() / 2]).unwrap();
    let directory = path.path("directory.so");
    fs::create_dir(&directory).unwrap();
    let listing = path.list();
    assert_eq!(listing.class("test.FixtureSource").len(), 1, "the good one is there");
    listing.assert_refused(&crash, "crashed", &["SIGABRT (6)", "the constructor gives up"]);
    listing.assert_refused(&other, "not-a-plugin", &["`ferroconnect_plugin_build_info` is missing"]);
    listing.assert_refused(&text, "not-a-library", &["it begins with \"I am no library", "Remove it"]);
    listing.assert_refused(&short, "not-a-library", &["it is cut short", "Copy it again"]);
    listing.assert_refused(&directory, "not-a-file", &["it is a directory"]);
}

#[cfg(unix)]
#[test]
fn links_and_rights() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    let path = PluginPath::new();
    let dangling = path.path("dangling.so");
    symlink("nowhere.so", &dangling).unwrap();
    let escape = path.path("escape.so");
    symlink(Libraries::get().file("old"), &escape).unwrap();
    let open = path.put("open.so", &Libraries::get().file("old"));
    fs::set_permissions(&open, fs::Permissions::from_mode(0o666)).unwrap();
    let closed = path.put("closed.so", &Libraries::get().file("old"));
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o000)).unwrap();
    let listing = path.list();
    listing.assert_refused(&dangling, "unreadable", &["a link to nowhere.so, which does not exist"]);
    listing.assert_refused(&escape, "outside-plugin-path", &["plugin.path.symlinks.allow=true"]);
    listing.assert_refused(&open, "permissions", &["every user may change it (mode 666)", "chmod o-w"]);
    if rustix::process::geteuid().is_root() {
        eprintln!("not tested: a file without the right to be read, because root may read every file");
    } else {
        listing.assert_refused(&closed, "unreadable", &["Permission denied"]);
    }
}

#[test]
fn a_library_that_aborts_on_panic_is_refused() {
    let path = PluginPath::new();
    let aborting = path.put("aborting.so", &Libraries::get().file("aborting"));
    path.list().assert_refused(&aborting, "build", &["panic = \"abort\"", "panic = \"unwind\""]);
}

#[test]
fn a_changed_contract_is_refused_with_type_and_field() {
    let path = PluginPath::new();
    let put = |name: &str| path.put(&format!("{name}.so"), &Libraries::get().file(name));
    let (field, ty, method) = (put("changed_field"), put("changed_type"), put("changed_method"));
    let listing = path.list();
    let rebuild = "Build the plugin again with a released SDK";
    listing.assert_refused(&field, "contract", &["field `protocol` of type `RestRequest` is in the plugin", rebuild]);
    listing.assert_refused(
        &ty,
        "contract",
        &["`index` in `Acknowledgement`: type `u32` in the worker, `u64`", rebuild],
    );
    listing.assert_refused(&method, "contract", &["wants_acknowledgements", "`bool` in the worker, `u32`", rebuild]);
}

#[test]
fn inspect_and_verify_tell_by_their_exit_code() {
    let path = PluginPath::new();
    let good = path.put("good.so", &Libraries::get().file("old"));
    let code = |arguments: &[&str]| path.run(arguments).status.code();
    let directory = path.path("");
    assert_eq!(code(&["inspect", good.to_str().unwrap()]), Some(0));
    assert_eq!(code(&["verify", directory.to_str().unwrap()]), Some(0));
    let bad = path.path("bad.so");
    fs::write(&bad, "no").unwrap();
    assert_eq!(code(&["inspect", bad.to_str().unwrap()]), Some(1));
    assert_eq!(code(&["verify", directory.to_str().unwrap()]), Some(1));
    assert_eq!(code(&["verify", "/does/not/exist"]), Some(2));
    let output = path.run(&["inspect", good.to_str().unwrap()]);
    let text = String::from_utf8(output.stdout).unwrap();
    for part in ["ferroconnect-fixture-plugin 1.0.0", "ABI       1.0", "source test.FixtureSource 1.0.0", "topic"] {
        assert!(text.contains(part), "`{part}` is not in: {text}");
    }
}

/// Loads libraries in this order into a host of this minor version, or of the next, and uses them.
fn on_host(next_minor: bool, libraries: &[&str]) {
    let mut command = cargo();
    command.args(["test", "--quiet", "--locked", "--lib", "--target-dir"]);
    command.arg(build_dir().parent().unwrap()).current_dir(repository());
    let release = build_dir().ends_with("release");
    if release {
        command.arg("--release");
    }
    if next_minor {
        command.args(["-p", "ferroconnect", "--features", "next-minor"]);
        if release {
            // Built for this test alone: a worker that takes seconds to build rather than minutes.
            command.args(["--config", "profile.release.package.ferroconnect.opt-level=0"]);
        }
    } else {
        // The program that the tests of the whole workspace have built already; not those of plugins that are bad.
        command.args(["--workspace", "--exclude", "ferroconnect-fixture-*"]);
    }
    let test = "plugins::tests::ages::libraries_of_other_ages_load_or_are_refused_with_type_and_field";
    command.args([test, "--", "--exact", "--nocapture"]);
    command.env("FERROCONNECT_TEST_LIBRARIES", Libraries::get().list(libraries));
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{libraries:?}: {text}{}", String::from_utf8_lossy(&output.stderr));
    assert!(text.contains("1 passed"), "the test was not found: {text}");
}

#[test]
fn a_newer_library_works_on_this_worker() {
    on_host(false, &["newer", "old", "changed_field", "changed_type", "changed_method"]);
    on_host(false, &["old", "newer"]);
}

#[test]
fn an_old_library_works_on_a_newer_worker() {
    on_host(true, &["old", "newer", "changed_field", "changed_type", "changed_method"]);
    on_host(true, &["newer", "old"]);
    on_host(true, &["changed_method", "old"]);
}
