//! How long each stage of a task takes for a batch.

use std::time::Duration;

use super::histogram::Histogram;
use super::names;
use super::registry::{MetricGroup, Registry};

/// What a task does with a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TaskStage {
    /// Getting it, from the source plugin or from Kafka.
    Poll,
    /// Converting between bytes and data.
    Convert,
    /// The transforms and their predicates.
    Transform,
    /// Handing it to the sink plugin.
    Put,
    /// Handing it to the producer, waiting for room in its queue included.
    Send,
    /// Storing source offsets, or flushing the sink plugin and committing its offsets.
    Commit,
}

impl TaskStage {
    /// The stages of a source task.
    pub const OF_SOURCE: &[Self] = &[Self::Poll, Self::Transform, Self::Convert, Self::Send, Self::Commit];
    /// The stages of a sink task.
    pub const OF_SINK: &[Self] = &[Self::Poll, Self::Convert, Self::Transform, Self::Put, Self::Commit];

    fn name(self) -> &'static str {
        match self {
            Self::Poll => "poll",
            Self::Convert => "convert",
            Self::Transform => "transform",
            Self::Put => "put",
            Self::Send => "send",
            Self::Commit => "commit",
        }
    }
}

/// The times of a task's stages. Gone from the registry when dropped.
pub struct StageTimes(Vec<(TaskStage, Histogram, MetricGroup)>);

impl StageTimes {
    /// Registers one histogram for each of the stages.
    pub fn new(registry: &Registry, connector: &str, task: u32, stages: &[TaskStage]) -> Self {
        let task = task.to_string();
        let register = |stage: &TaskStage| {
            let tags = [(names::CONNECTOR_TAG, connector), (names::TASK_TAG, &*task), (names::STAGE_TAG, stage.name())];
            let group = registry.group(names::OWN_GROUP, &tags);
            (*stage, group.histogram(&names::STAGE_DURATION), group)
        };
        Self(stages.iter().map(register).collect())
    }

    /// A batch was in a stage for so long. A stage that the task does not have is ignored.
    pub fn record(&self, stage: TaskStage, time: Duration) {
        if let Some((_, histogram, _)) = self.0.iter().find(|(known, _, _)| *known == stage) {
            histogram.record(time);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::metrics::MetricValue;

    #[test]
    fn times_are_kept_by_stage() {
        let registry = Registry::default();
        let times = StageTimes::new(&registry, "c", 1, TaskStage::OF_SINK);
        times.record(TaskStage::Put, Duration::from_millis(7));
        times.record(TaskStage::Put, Duration::from_millis(8));
        times.record(TaskStage::Send, Duration::from_secs(1));
        let counts: Vec<_> = registry
            .snapshot()
            .map(|metric| {
                let MetricValue::Distribution(found) = metric.value else { panic!("{metric:?}") };
                (metric.tags[2].1.clone(), found.count())
            })
            .collect();
        let expected = [("commit", 0), ("convert", 0), ("poll", 0), ("put", 2), ("transform", 0)];
        assert_eq!(counts, expected.map(|(stage, count)| (stage.to_owned(), count)));
        drop(times);
        assert_eq!(registry.snapshot().count(), 0);
    }
}
