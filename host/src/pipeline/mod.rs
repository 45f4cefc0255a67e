//! What happens to one batch of records between a connector and Kafka: transforms, converters, and what is done
//! when one of them fails.
//!
//! Start reading in [`source`] or [`sink`], the two directions. [`chain`] runs the transforms, [`tolerance`] decides
//! what a failure means (KIP-298), [`report`] tells about it, [`dead_letter`] says what a dead letter holds. What is not
//! here: polling, producing, consuming and offsets, which are the worker's.
//!
//! A pipeline belongs to one task and is used on that task's thread alone; only [`Cancel`] and [`ErrorCounters`] are
//! shared with other threads.

pub mod chain;
pub mod dead_letter;
pub mod report;
pub mod sink;
pub mod source;
#[cfg(test)]
mod testing;
pub mod tolerance;

pub use chain::{Chain, Condition, Step};
pub use dead_letter::{DeadLetterForm, SourceLetters};
pub use report::{ErrorCounters, ErrorCounts, FailedRecord, Failure, LogReporter, Reporter, Ticket};
pub use sink::{SinkCounts, SinkPipeline};
pub use source::{OutRecord, SourceOutcome, SourcePipeline};
pub use tolerance::{Cancel, ErrorPolicy, Settled, TaskErrors, Tolerance, Verdict};

use std::sync::Arc;
use std::time::Duration;

use crate::error::{ConnectError, Result};
use crate::stages::{Converter, HeaderConverter};

/// A stage with the class name it is configured by, which errors and reports name.
pub struct Named<T: ?Sized> {
    /// The class name.
    pub class: Arc<str>,
    /// The stage.
    pub stage: Box<T>,
}

impl<T: ?Sized> Named<T> {
    /// Names a stage.
    pub fn new(class: impl Into<Arc<str>>, stage: Box<T>) -> Self {
        Self { class: class.into(), stage }
    }
}

/// The three converters of a task.
pub struct Converters {
    /// For keys.
    pub key: Named<dyn Converter>,
    /// For values.
    pub value: Named<dyn Converter>,
    /// For headers.
    pub header: Named<dyn HeaderConverter>,
}

/// How long the last call of a pipeline took, retries included.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PipelineTimes {
    /// In transforms and predicates.
    pub transform: Duration,
    /// In converters.
    pub convert: Duration,
}

impl std::ops::AddAssign for PipelineTimes {
    fn add_assign(&mut self, other: Self) {
        self.transform += other.transform;
        self.convert += other.convert;
    }
}

/// Holds a stage to its contract of one answer per record: answers that are missing become errors.
fn complete<T>(answers: &mut Vec<Result<T>>, expected: usize, class: &str) {
    if answers.len() != expected {
        let given = answers.len();
        answers.resize_with(expected, || {
            Err(ConnectError::connect(format!("{class} gave {given} answers for a batch of {expected} records")))
        });
    }
}
