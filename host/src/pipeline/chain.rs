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

#[cfg(test)]
mod tests {
    use super::super::testing::{errors, record, value};
    use super::super::{ErrorPolicy, Tolerance};
    use super::*;
    use crate::config::Props;
    use crate::stages::{Factory, builtins};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// Writes its name behind the value.
    struct Writes(&'static str);

    impl Transform for Writes {
        fn apply(&mut self, record: &mut Record) -> Result<bool> {
            record.value = ferroconnect_plugin_abi::Data::schemaless(format!("{}{}", value(record), self.0));
            Ok(true)
        }
    }

    /// Counts what it is asked; holds for values that begin with the text, fails on those that begin with `?`.
    struct Begins(&'static str, Arc<AtomicUsize>);

    impl Predicate for Begins {
        fn test(&mut self, record: &Record) -> Result<bool> {
            self.1.fetch_add(1, Ordering::Relaxed);
            if value(record).starts_with('?') {
                return Err(ConnectError::data("cannot tell"));
            }
            Ok(value(record).starts_with(self.0))
        }
    }

    fn step(name: &'static str, condition: Option<(Begins, bool)>) -> Step {
        let condition = condition.map(|(predicate, negate)| Condition {
            predicate: Named::new("test.Begins", Box::new(predicate) as Box<dyn Predicate>),
            negate,
        });
        Step::new(Named::new("test.Writes", Box::new(Writes(name)) as Box<dyn Transform>), condition)
    }

    fn filter(condition: (Begins, bool)) -> Step {
        let filter = builtins().into_iter().find(|stage| stage.class.ends_with(".Filter")).expect("it comes along");
        let Factory::Transform(make) = filter.factory else { panic!("Filter is a transform") };
        let transform = make(&Props::default()).expect("it has no keys");
        let predicate = Named::new("test.Begins", Box::new(condition.0) as Box<dyn Predicate>);
        Step::new(Named::new(filter.class, transform), Some(Condition { predicate, negate: condition.1 }))
    }

    fn run(steps: Vec<Step>, values: &[&str]) -> Vec<String> {
        let (errors, _) = errors(Tolerance::All, ErrorPolicy::default());
        let mut records: Vec<Record> = values.iter().map(|value| record(value)).collect();
        let mut slots: Vec<Slot> = records.iter().map(|_| Slot::Active).collect();
        Chain::new(steps).apply(&mut records, &mut slots, &errors);
        let outcome = |(record, slot): (&Record, &Slot)| match slot {
            Slot::Active => value(record).to_owned(),
            Slot::Filtered => "filtered".to_owned(),
            Slot::Failed(failure) => format!("{} {}: {}", failure.stage, failure.class, failure.error.message()),
        };
        records.iter().zip(&slots).map(outcome).collect()
    }

    #[test]
    fn transforms_run_in_order_where_their_condition_holds() {
        let asked = Arc::<AtomicUsize>::default();
        let a = || Begins("a", Arc::clone(&asked));
        let steps = vec![step("1", None), step("2", Some((a(), false))), step("3", Some((a(), true)))];
        assert_eq!(run(steps, &["a", "b", "ab", "c"]), ["a12", "b13", "ab12", "c13"]);
        // Both transforms that use the predicate ask for themselves.
        assert_eq!(asked.load(Ordering::Relaxed), 8);
    }

    #[test]
    fn a_condition_sees_what_the_transforms_before_it_made() {
        let asked = Arc::<AtomicUsize>::default();
        let holds = |text| Begins(text, Arc::clone(&asked));
        let steps = vec![step("1", Some((holds("a"), false))), step("2", Some((holds("a1"), false)))];
        assert_eq!(run(steps, &["a", "b"]), ["a12", "b"]);
    }

    #[test]
    fn dropped_and_failed_records_are_shown_to_no_later_condition() {
        let asked = Arc::<AtomicUsize>::default();
        let drops = Begins("drop", Arc::default());
        let steps = vec![filter((drops, false)), step("1", Some((Begins("", Arc::clone(&asked)), false)))];
        let all = run(steps, &["drop", "a", "?", "drop", "b"]);
        assert_eq!(
            all,
            [
                "filtered",
                "a1",
                "TRANSFORMATION org.apache.kafka.connect.transforms.Filter: cannot tell",
                "filtered",
                "b1"
            ]
        );
        assert_eq!(asked.load(Ordering::Relaxed), 2);
    }

    #[test]
    fn a_negated_filter_keeps_what_its_predicate_holds_for() {
        let wanted = Begins("a", Arc::default());
        assert_eq!(run(vec![filter((wanted, true))], &["a", "b", "ab"]), ["a", "filtered", "ab"]);
    }
}
