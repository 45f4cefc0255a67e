//! Asking before something is lost.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};

use clap::Args;

use super::failure::Failure;

/// Whether to ask.
#[derive(Debug, Args)]
pub(super) struct ConfirmArgs {
    /// Do it without asking; needed where there is no terminal to ask at
    #[arg(long, short)]
    yes: bool,
}

impl ConfirmArgs {
    /// Goes on only if the user agrees. `what` completes "Really …?".
    pub(super) fn ask(&self, what: &str) -> Result<(), Failure> {
        if self.yes {
            return Ok(());
        }
        if !io::stdin().is_terminal() {
            return Err(Failure::Usage(format!(
                "To {what} without a terminal to ask at, add --yes. Nothing was done."
            )));
        }
        let mut answer = String::new();
        let asked = io::stderr().write_all(format!("Really {what}? [y/N] ").as_bytes());
        asked.and_then(|()| io::stdin().lock().read_line(&mut answer))?;
        if agrees(&answer) { Ok(()) } else { Err(Failure::NotSo("Nothing was done.".to_owned())) }
    }
}

fn agrees(answer: &str) -> bool {
    matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes")
}

/// Names as a person would list them.
pub(super) fn names(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_clear_yes_counts() {
        assert!(agrees("y\n") && agrees(" YES "));
        assert!(!agrees("") && !agrees("\n") && !agrees("yep") && !agrees("no"));
    }

    #[test]
    fn names_are_listed() {
        let list = |all: &[&str]| names(&all.iter().map(|&name| name.to_owned()).collect::<Vec<_>>());
        assert_eq!(list(&["a"]), "a");
        assert_eq!(list(&["a", "b", "c"]), "a, b and c");
    }
}
