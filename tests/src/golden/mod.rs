//! Recorded answers of the real Kafka Connect's converters, transforms and predicates, run against the worker's.
//!
//! A file of cases is a JSON array with one case a line: a class, its configuration, an input, and what Kafka Connect
//! made of it. [`load`] reads a file, [`run()`] runs one case. A small sample lies beside this file; the full recording
//! is found by the variable `FERROCONNECT_GOLDEN`.

mod data;
mod difference;
mod intended;
mod judge;
mod notation;
mod report;
mod run;

use std::path::{Path, PathBuf};

use serde_json::Value as Json;

pub use intended::MOST_PERCENT;
pub use report::Report;
pub use run::{Outcome, run};

/// One recorded case.
#[derive(Debug, Clone)]
pub struct Case(Json);

impl Case {
    /// Its name, unique in its file.
    pub fn id(&self) -> &str {
        self.text("id")
    }

    /// `converter`, `header_converter`, `transform` or `predicate`.
    pub fn kind(&self) -> &str {
        self.text("kind")
    }

    /// The Java class name of the stage.
    pub fn class(&self) -> &str {
        self.text("class")
    }

    fn text(&self, key: &str) -> &str {
        self.0[key].as_str().unwrap_or_default()
    }
}

/// Reads a file of cases.
///
/// # Errors
/// The file cannot be read, or is no array of objects with an id; the text names it.
pub fn load(file: &Path) -> Result<Vec<Case>, String> {
    let name = file.display();
    let text = std::fs::read_to_string(file).map_err(|error| format!("{name} cannot be read: {error}"))?;
    let cases: Vec<Json> =
        serde_json::from_str(&text).map_err(|error| format!("{name} is no array of cases: {error}"))?;
    match cases.iter().position(|case| !case["id"].is_string()) {
        Some(index) => Err(format!("{name}: case {} has no id", index + 1)),
        None => Ok(cases.into_iter().map(Case).collect()),
    }
}

/// The folder of the full recording, if `FERROCONNECT_GOLDEN` names one.
pub fn recording() -> Option<PathBuf> {
    std::env::var_os("FERROCONNECT_GOLDEN").filter(|dir| !dir.is_empty()).map(PathBuf::from)
}

/// The sample that comes with the repository.
pub fn sample() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("golden-sample")
}
