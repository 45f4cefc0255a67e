//! What a herder is doing for a request, so that a request that times out can say where it got stuck.

use std::sync::Arc;

use jiff::Timestamp;
use parking_lot::Mutex;

/// The step a request is at. Shared between whoever waits for the answer and whoever works on it.
#[derive(Debug, Clone, Default)]
pub(super) struct StageCell(Arc<Mutex<Option<Stage>>>);

#[derive(Debug)]
struct Stage {
    description: String,
    started: Timestamp,
    completed: Option<Timestamp>,
}

impl StageCell {
    /// Notes that a step has begun, for example `starting the connector`.
    pub(super) fn begin(&self, description: impl Into<String>) {
        *self.0.lock() = Some(Stage { description: description.into(), started: Timestamp::now(), completed: None });
    }

    /// Notes that the step is done and no other has begun.
    pub(super) fn complete(&self) {
        if let Some(stage) = self.0.lock().as_mut() {
            stage.completed.get_or_insert_with(Timestamp::now);
        }
    }

    /// A sentence for the user, `None` before the first step.
    pub(super) fn summary(&self) -> Option<String> {
        let guard = self.0.lock();
        let stage = guard.as_ref()?;
        // Instants are written as Java does: whole seconds or milliseconds.
        let (description, started) = (&stage.description, instant(stage.started));
        Some(match stage.completed {
            None => format!("The worker is currently {description}, which began at {started}."),
            Some(completed) => format!(
                "The last operation the worker completed was {description}, which began at {started} and completed at {}.",
                instant(completed)
            ),
        })
    }
}

fn instant(at: Timestamp) -> String {
    if at.subsec_millisecond() == 0 { format!("{at:.0}") } else { format!("{at:.3}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stage_says_what_goes_on_and_what_was_done_last() {
        let cell = StageCell::default();
        assert_eq!(cell.summary(), None);
        cell.begin("starting the connector");
        let text = cell.summary().unwrap();
        assert!(text.starts_with("The worker is currently starting the connector, which began at 20"), "{text}");
        assert!(text.ends_with("Z."), "{text}");
        cell.complete();
        let text = cell.summary().unwrap();
        assert!(text.starts_with("The last operation the worker completed was starting the connector"), "{text}");
        assert!(text.contains(" and completed at "), "{text}");
    }

    #[test]
    fn instants_have_three_digits_or_none() {
        let at = |ms| instant(Timestamp::from_millisecond(ms).unwrap());
        assert_eq!(at(1_700_000_000_000), "2023-11-14T22:13:20Z");
        assert_eq!(at(1_700_000_000_120), "2023-11-14T22:13:20.120Z");
    }
}
