//! The worker's converters give what Kafka Connect gave: the sample always, the full recording where
//! `FERROCONNECT_GOLDEN` names its folder.

use std::path::Path;

use ferroconnect_e2e::golden::{Outcome, load, recording, run, sample};

/// Runs all cases of a file; panics with everything that differs.
fn check(folder: &Path, file: &str) {
    let mut failures = Vec::new();
    let (mut passed, mut skipped) = (0, 0);
    let cases = load(&folder.join(file));
    for case in &cases {
        match run(case) {
            Outcome::Passed => passed += 1,
            Outcome::Skipped(_) => skipped += 1,
            Outcome::Failed(difference) => failures.push(format!("{}: {difference}", case.id())),
        }
    }
    println!("{file}: {passed} passed, {} failed, {skipped} skipped", failures.len());
    assert!(failures.is_empty(), "{} of {} cases differ:\n{}", failures.len(), cases.len(), failures.join("\n"));
    assert!(passed > 0, "{file}: nothing was run");
}

#[test]
fn sample_of_converters() {
    check(&sample(), "converters.json");
}

#[test]
fn sample_of_header_values() {
    check(&sample(), "header-values.json");
}

#[test]
fn recorded_converters() {
    if let Some(folder) = recording() {
        check(&folder, "converters.json");
    }
}

#[test]
fn recorded_header_values() {
    if let Some(folder) = recording() {
        check(&folder, "header-values.json");
    }
}
