//! The worker's converters, transforms and predicates give what Kafka Connect gave: the sample always, the full
//! recording where `FERROCONNECT_GOLDEN` names its folder.

use std::path::Path;

use ferroconnect_e2e::golden::{Report, load, recording, sample};

/// Runs all cases of a file; panics with everything that differs.
fn check(folder: &Path, file: &str) {
    let report = Report::of(&load(&folder.join(file)).expect("the file is there"));
    let lines = report.lines(file).join("\n");
    assert!(report.failed.is_empty() && !report.differs_too_often(), "{lines}");
    assert!(report.passed > 0, "{file}: nothing was run");
    println!("{lines}");
}

macro_rules! files {
    ($($sample:ident, $recorded:ident: $file:literal;)*) => {$(
        #[test]
        fn $sample() {
            check(&sample(), $file);
        }

        #[test]
        fn $recorded() {
            if let Some(folder) = recording() {
                check(&folder, $file);
            }
        }
    )*};
}

files! {
    sample_of_converters, recorded_converters: "converters.json";
    sample_of_transforms, recorded_transforms: "transforms.json";
    sample_of_predicates, recorded_predicates: "predicates.json";
    sample_of_header_values, recorded_header_values: "header-values.json";
}
