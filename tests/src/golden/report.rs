//! What came of the cases of a file.

use super::{Case, MOST_PERCENT, Outcome, run};

/// Bytes of stack for the thread that runs cases.
const STACK: usize = 256 << 20;

/// What came of the cases of a file.
#[derive(Debug, Default)]
pub struct Report {
    /// How many gave what was recorded.
    pub passed: usize,
    /// The ids of those that did not, each with what differs.
    pub failed: Vec<(String, Vec<String>)>,
    /// The ids of those that differ on purpose, each with the name of the rule.
    pub intended: Vec<(String, &'static str)>,
    /// The ids of those that cannot be run here, each with the reason.
    pub skipped: Vec<(String, &'static str)>,
}

impl Report {
    /// Runs cases one after the other.
    pub fn of<'a>(cases: impl IntoIterator<Item = &'a Case> + Send) -> Report {
        // Comparing deeply nested values takes more than the stack of a test's thread.
        std::thread::scope(|scope| {
            let thread = std::thread::Builder::new().stack_size(STACK);
            let running = thread.spawn_scoped(scope, || Report::of_all(cases)).expect("a thread can be started");
            running.join().expect("panics are caught case by case")
        })
    }

    fn of_all<'a>(cases: impl IntoIterator<Item = &'a Case>) -> Report {
        let mut report = Report::default();
        for case in cases {
            let id = case.id().to_owned();
            match run(case) {
                Outcome::Passed => report.passed += 1,
                Outcome::Failed(differences) => report.failed.push((id, differences)),
                Outcome::Intended(name) => report.intended.push((id, name)),
                Outcome::Skipped(reason) => report.skipped.push((id, reason)),
            }
        }
        report
    }

    /// How many cases there were.
    pub fn total(&self) -> usize {
        self.passed + self.failed.len() + self.intended.len() + self.skipped.len()
    }

    /// Whether more differ on purpose than may.
    pub fn differs_too_often(&self) -> bool {
        self.intended.len() * 100 > self.total() * MOST_PERCENT
    }

    /// Everything that a person wants to know, in lines: what is not as recorded, then the numbers.
    pub fn lines(&self, file: &str) -> Vec<String> {
        let mut lines = Vec::new();
        for (id, differences) in &self.failed {
            lines.push(format!("FAILED   {id}"));
            let parts = differences.iter().flat_map(|difference| difference.lines());
            lines.extend(parts.map(|line| format!("         {line}")));
        }
        lines.extend(self.intended.iter().map(|(id, name)| format!("INTENDED {id}: {name}")));
        lines.extend(self.skipped.iter().map(|(id, reason)| format!("SKIPPED  {id}: {reason}")));
        let Report { passed, failed, intended, skipped } = self;
        lines.push(format!(
            "{file}: {passed} passed, {} failed, {} different on purpose, {} skipped",
            failed.len(),
            intended.len(),
            skipped.len()
        ));
        if self.differs_too_often() {
            lines.push(format!("{file}: more than {MOST_PERCENT} % of the cases differ on purpose"));
        }
        lines
    }
}
