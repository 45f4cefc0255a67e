//! Builds plugin libraries of every age and condition, outside the workspace, as third parties would.

use ferroconnect_e2e::{build_dir, repository};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// A folder with the libraries, each under the name of what it is.
pub(crate) struct Libraries {
    dir: PathBuf,
}

/// One textual change of a copy of the contract: file, what stands there once, what takes its place.
type Change = (&'static str, &'static str, &'static str);

/// A field more in a plain struct.
const CHANGED_FIELD: &[Change] = &[(
    "plugin-sdk/abi/src/services.rs",
    "    pub method: Text,\n",
    "    pub method: Text,\n    /// What no released contract has.\n    pub protocol: Text,\n",
)];
/// Another type of a field.
const CHANGED_TYPE: &[Change] = &[("plugin-sdk/abi/src/record.rs", "    pub index: u32,\n", "    pub index: u64,\n")];
/// Another result of a method.
const CHANGED_METHOD: &[Change] = &[
    (
        "plugin-sdk/abi/src/source.rs",
        "fn wants_acknowledgements(&self) -> bool;",
        "fn wants_acknowledgements(&self) -> u32;",
    ),
    (
        "plugin-sdk/src/glue/source.rs",
        "fn wants_acknowledgements(&self) -> bool {\n        T::WANTS_ACKNOWLEDGEMENTS\n",
        "fn wants_acknowledgements(&self) -> u32 {\n        u32::from(T::WANTS_ACKNOWLEDGEMENTS)\n",
    ),
];

/// Where the crates outside the workspace are built, beside this build. They share the crates they depend on.
fn workshop() -> PathBuf {
    build_dir().parent().expect("a build lies in a target folder").join("outside")
}

impl Libraries {
    /// The libraries, built once per test run. Takes minutes on the first run, seconds later.
    pub(crate) fn get() -> &'static Libraries {
        static LIBRARIES: OnceLock<Libraries> = OnceLock::new();
        LIBRARIES.get_or_init(Libraries::build)
    }

    /// The file of a library.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        let file = self.dir.join(format!("{name}{}", std::env::consts::DLL_SUFFIX));
        assert!(file.is_file(), "{} was not built", file.display());
        file
    }

    /// Several files, separated by commas.
    pub(crate) fn list(&self, names: &[&str]) -> String {
        let files: Vec<String> = names.iter().map(|name| self.file(name).display().to_string()).collect();
        files.join(",")
    }

    fn build() -> Libraries {
        let libraries = Libraries { dir: workshop().join("libraries") };
        fs::create_dir_all(&libraries.dir).unwrap();
        let own = repository();
        libraries.make(own, "old", &[], &[]);
        libraries.make(own, "newer", &["--features", "next-minor"], &[]);
        libraries.make(own, "aborting", &[], &[("CARGO_PROFILE_DEV_PANIC", "abort")]);
        for (name, changes) in
            [("changed_field", CHANGED_FIELD), ("changed_type", CHANGED_TYPE), ("changed_method", CHANGED_METHOD)]
        {
            libraries.make(&changed_copy(name, changes), name, &[], &[]);
        }
        libraries
    }

    /// Builds the fixture that lies in a repository, or a copy of one, and keeps the library under a name.
    fn make(&self, repository: &Path, name: &str, arguments: &[&str], environment: &[(&str, &str)]) {
        let manifest = repository.join("tests/outside/plugin-1.0/Cargo.toml");
        let mut command = cargo();
        command.args(["build", "--quiet", "--locked", "--manifest-path"]).arg(manifest);
        command.arg("--target-dir").arg(workshop()).args(arguments).envs(environment.iter().copied());
        assert!(command.status().unwrap().success(), "{command:?} failed");
        let (prefix, suffix) = (std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX);
        let built = workshop().join(format!("debug/{prefix}ferroconnect_fixture_plugin{suffix}"));
        let kept = self.dir.join(format!("{name}{suffix}"));
        // A file of its own: the next build writes into the one that cargo made.
        fs::copy(&built, &kept).unwrap_or_else(|error| panic!("{} to {}: {error}", built.display(), kept.display()));
    }
}

/// The cargo that runs this test.
pub(crate) fn cargo() -> Command {
    Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// A copy of the SDK, the contract and the fixture, laid out as in the repository, with something changed.
fn changed_copy(name: &str, changes: &[Change]) -> PathBuf {
    let copy = workshop().join("copies").join(name);
    for part in ["plugin-sdk", "tests/outside/plugin-1.0"] {
        copy_files(&repository().join(part), &copy.join(part), &|path, bytes| change(&copy, path, bytes, changes));
    }
    let manifest = fs::read_to_string(repository().join("Cargo.toml")).unwrap();
    let members: Vec<&str> = manifest.lines().filter(|line| line.starts_with("members = ")).collect();
    assert_eq!(members.len(), 1, "the members of the workspace stand in one line");
    let fewer = manifest.replace(members[0], r#"members = ["plugin-sdk", "plugin-sdk/abi"]"#);
    write_if_other(&copy.join("Cargo.toml"), fewer.as_bytes());
    copy
}

/// What a file of the copy holds: the bytes it had, or the text with the changes that name it.
fn change(copy: &Path, path: &Path, bytes: Vec<u8>, changes: &[Change]) -> Vec<u8> {
    let changes: Vec<&Change> = changes.iter().filter(|(file, ..)| path == copy.join(file)).collect();
    if changes.is_empty() {
        return bytes; // not every file is text
    }
    let mut text = String::from_utf8(bytes).unwrap();
    for (file, from, to) in changes {
        assert_eq!(text.matches(from).count(), 1, "`{from}` does not stand once in {file}: adapt this test");
        text = text.replace(from, to);
    }
    text.into_bytes()
}

fn copy_files(from: &Path, to: &Path, change: &dyn Fn(&Path, Vec<u8>) -> Vec<u8>) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let (path, target) = (entry.path(), to.join(entry.file_name()));
        if path.is_dir() {
            if entry.file_name() != "target" {
                copy_files(&path, &target, change);
            }
        } else {
            write_if_other(&target, &change(&target, fs::read(&path).unwrap()));
        }
    }
}

/// A file that stays as it is keeps its time, so that nothing is built anew.
fn write_if_other(path: &Path, bytes: &[u8]) {
    if fs::read(path).is_ok_and(|there| there == bytes) {
        return;
    }
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}
