//! The transforms of a connector, in order, each with its predicate, run over whole batches.

use std::ops::Range;

use ferroconnect_plugin_abi::Record;

use super::report::Failure;
use super::tolerance::{GivenUp, TaskErrors};
use super::{Named, complete};
use crate::error::{ConnectError, Result, Stage};
use crate::stages::{Predicate, Transform};

/// When a transform runs (KIP-585).
pub struct Condition {
    /// The predicate.
    pub predicate: Named<dyn Predicate>,
    /// Whether the transform runs where the predicate does *not* hold.
    pub negate: bool,
}

/// One transform of the chain.
pub struct Step {
    transform: Named<dyn Transform>,
    condition: Option<Condition>,
    // Kept from batch to batch for its memory.
    answers: Vec<Result<bool>>,
}

impl Step {
    /// A transform that runs for every record, or where the condition holds.
    pub fn new(transform: Named<dyn Transform>, condition: Option<Condition>) -> Self {
        Self { transform, condition, answers: Vec::new() }
    }

    /// The whole step for one record: true = keep it.
    fn once(&mut self, record: &mut Record) -> Result<bool> {
        if let Some(condition) = &mut self.condition
            && condition.predicate.stage.test(record)? == condition.negate
        {
            return Ok(true);
        }
        self.transform.stage.apply(record)
    }

    fn apply(&mut self, records: &mut [Record], slots: &mut [Slot], errors: &TaskErrors) {
        // A record that is tried again starts from what it was before this step.
        let before = if errors.retries() { records.to_vec() } else { Vec::new() };
        let Some(condition) = &mut self.condition else {
            return self.transform_run(records, slots, &before, errors);
        };
        let negate = condition.negate;
        let mut answers = std::mem::take(&mut self.answers);
        answers.clear();
        condition.predicate.stage.test_batch(records, &mut answers);
        complete(&mut answers, records.len(), &condition.predicate.class);
        let mut fits = Vec::with_capacity(records.len());
        for (index, answer) in answers.drain(..).enumerate() {
            fits.push(match answer {
                Ok(answer) => answer != negate,
                Err(error) => {
                    // Done here, transform included, if a later try succeeds.
                    self.settle(error, index, records, slots, &before, errors);
                    false
                }
            });
        }
        self.answers = answers;
        let mut start = 0;
        while let Some(run) = next_run(&fits, start, |&fits| fits) {
            start = run.end;
            let before = before.get(run.clone()).unwrap_or_default();
            self.transform_run(&mut records[run.clone()], &mut slots[run], before, errors);
        }
    }

    fn transform_run(&mut self, records: &mut [Record], slots: &mut [Slot], before: &[Record], errors: &TaskErrors) {
        let mut answers = std::mem::take(&mut self.answers);
        answers.clear();
        self.transform.stage.apply_batch(records, &mut answers);
        complete(&mut answers, records.len(), &self.transform.class);
        for (index, answer) in answers.drain(..).enumerate() {
            match answer {
                Ok(true) => {}
                Ok(false) => slots[index] = Slot::Filtered,
                Err(error) => self.settle(error, index, records, slots, before, errors),
            }
        }
        self.answers = answers;
    }

    /// Tries the whole step again for one record, or gives the record up.
    fn settle(
        &mut self,
        error: ConnectError,
        index: usize,
        records: &mut [Record],
        slots: &mut [Slot],
        before: &[Record],
        errors: &TaskErrors,
    ) {
        let record = &mut records[index];
        let result = errors.retry(error, || {
            *record = before[index].clone();
            self.once(record)
        });
        slots[index] = match result {
            Ok(true) => Slot::Active,
            Ok(false) => Slot::Filtered,
            Err(given_up) => Slot::failed(given_up, Stage::Transformation, &self.transform.class),
        };
    }
}

/// The transforms of a connector in order; may be empty.
#[derive(Default)]
pub struct Chain {
    steps: Vec<Step>,
}

impl Chain {
    /// A chain of these steps.
    pub fn new(steps: Vec<Step>) -> Self {
        Self { steps }
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// Runs every step over the records that are still active.
    pub(super) fn apply(&mut self, records: &mut [Record], slots: &mut [Slot], errors: &TaskErrors) {
        for step in &mut self.steps {
            let mut start = 0;
            while let Some(run) = next_run(slots, start, Slot::is_active) {
                start = run.end;
                step.apply(&mut records[run.clone()], &mut slots[run], errors);
            }
        }
    }
}

/// What has become of one record of a batch so far.
#[derive(Debug)]
pub(super) enum Slot {
    Active,
    Filtered,
    // Boxed: failures are rare, slots are many.
    Failed(Box<Failure>),
}

impl Slot {
    pub(super) fn is_active(&self) -> bool {
        matches!(self, Slot::Active)
    }

    pub(super) fn failed(given_up: GivenUp, stage: Stage, class: &std::sync::Arc<str>) -> Slot {
        let GivenUp { error, attempts, cancelled } = given_up;
        Slot::Failed(Box::new(Failure { stage, class: class.clone(), error, attempts, cancelled }))
    }
}

/// The next run of neighbours for which `wanted` holds, at or after `start`.
pub(super) fn next_run<T>(items: &[T], start: usize, wanted: impl Fn(&T) -> bool) -> Option<Range<usize>> {
    let first = start + items[start..].iter().position(&wanted)?;
    let length = items[first..].iter().position(|item| !wanted(item)).unwrap_or(items.len() - first);
    Some(first..first + length)
}
