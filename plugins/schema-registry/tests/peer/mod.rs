//! The serialisers of the PyPI package `confluent-kafka`, driven by a script that answers lines of JSON.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use ferroconnect_test_registry::Registry;
use serde_json::Value as Json;

/// Not one version alone: each wants newest versions of others, which not every index has yet.
const PACKAGE: &str = "confluent-kafka[avro,json,protobuf]>=2.16,<3";
const IMPORTS: &str = "import confluent_kafka.schema_registry.avro, confluent_kafka.schema_registry.protobuf, \
                       confluent_kafka.schema_registry.json_schema";

/// The package, at work.
pub(crate) struct Python {
    child: Child,
}

/// Python with the package; its folder is made at the first use. None = it cannot be had.
fn python() -> Option<Command> {
    // None = not there; an empty path = Python has it by itself.
    static FOUND: OnceLock<Option<PathBuf>> = OnceLock::new();
    let command = |path: &Path| {
        let mut command = Command::new("python3");
        if !path.as_os_str().is_empty() {
            command.env("PYTHONPATH", path);
        }
        command
    };
    let has = |path: &Path| {
        let ran = command(path).args(["-c", IMPORTS]).stderr(Stdio::null()).status();
        ran.is_ok_and(|status| status.success())
    };
    let found = FOUND.get_or_init(|| {
        let fetched = Path::new(env!("CARGO_TARGET_TMPDIR")).join("confluent-kafka");
        if let Some(path) = [PathBuf::new(), fetched.clone()].into_iter().find(|path| has(path)) {
            return Some(path);
        }
        let pip = Command::new("python3")
            .args(["-m", "pip", "install", "--quiet", "--target"])
            .arg(&fetched)
            .arg(PACKAGE)
            .status();
        (pip.is_ok_and(|status| status.success()) && has(&fetched)).then_some(fetched)
    });
    found.as_deref().map(command)
}

impl Python {
    /// Starts a script of `tests/python`. None = there is no Python or no package here, and the test says so.
    pub(crate) fn start(script: &str, registry: &Registry) -> Option<Python> {
        let Some(mut command) = python() else {
            // Straight to the terminal: what tests that pass print is not shown.
            let text = "cannot be had here, so nothing is compared with it";
            _ = writeln!(std::io::stderr(), "SKIPPED: python3 with its package {PACKAGE} {text}");
            return None;
        };
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python").join(script);
        command.arg(script).arg(registry.url()).stdin(Stdio::piped()).stdout(Stdio::piped());
        Some(Python { child: command.spawn().unwrap() })
    }

    /// The answer to a command.
    pub(crate) fn ask(&mut self, command: &Json) -> Json {
        writeln!(self.child.stdin.as_mut().unwrap(), "{command}").unwrap();
        let mut answer = String::new();
        // One answer per line, and one question at a time: nothing is lost between readers.
        BufReader::with_capacity(1, self.child.stdout.as_mut().unwrap()).read_line(&mut answer).unwrap();
        assert!(!answer.is_empty(), "the script failed at {command}; see above");
        serde_json::from_str(&answer).unwrap()
    }
}

impl Drop for Python {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

/// Bytes as the scripts take them.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Bytes as the scripts give them.
pub(crate) fn bytes(hex: &Json) -> Vec<u8> {
    let digits = hex.as_str().unwrap();
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap()).collect()
}
