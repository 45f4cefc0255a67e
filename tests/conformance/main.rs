//! Runs recorded answers of Kafka Connect against the worker's own converters, transforms and predicates.
//!
//! Standard output gets a paragraph for each case that differs and ends with `N passed, N failed`. The exit status is 0
//! if nothing failed, 1 if something did, and 2 if a file could not be read.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use ferroconnect_e2e::golden::{Case, Report, load};

/// Runs recorded answers of Kafka Connect against the worker's own code.
#[derive(Parser)]
struct Args {
    /// Files of cases
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Run only cases whose id begins with this; may be given more than once
    #[arg(long, value_name = "PREFIX")]
    only: Vec<String>,
}

fn main() -> ExitCode {
    let args = Args::parse();
    let (mut passed, mut failed, mut unreadable, mut too_different) = (0, 0, false, false);
    for file in &args.files {
        match check(file, &args.only) {
            Ok(report) => {
                passed += report.passed;
                failed += report.failed.len();
                too_different |= report.differs_too_often();
            }
            Err(error) => {
                eprintln!("conformance: {error}");
                unreadable = true;
            }
        }
    }
    println!("{passed} passed, {failed} failed");
    match (unreadable, failed > 0 || too_different) {
        (true, _) => ExitCode::from(2),
        (false, true) => ExitCode::FAILURE,
        (false, false) => ExitCode::SUCCESS,
    }
}

fn check(file: &Path, only: &[String]) -> Result<Report, String> {
    let cases = load(file)?;
    let wanted = |case: &&Case| only.is_empty() || only.iter().any(|prefix| case.id().starts_with(prefix));
    let report = Report::of(cases.iter().filter(wanted));
    let name = file.file_name().unwrap_or(file.as_os_str()).to_string_lossy();
    for line in report.lines(&name) {
        println!("{line}");
    }
    Ok(report)
}
