//! Metrics that source and sink tasks have in common.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::names::{self, Template};
use super::registry::{MetricGroup, MetricValue, Registry};
use super::source::millis;
use super::window::{Summary, Window};

const RUNNING: &str = "RUNNING";
const PAUSED: &str = "PAUSED";

/// What any task reports. Gone from the registry when dropped.
pub struct TaskMetrics {
    states: Arc<Mutex<StateTimes>>,
    commit_time: Arc<Window>,
    commits: Arc<Window>,
    batch_size: Arc<Window>,
    group: MetricGroup,
}

impl TaskMetrics {
    /// Registers the metrics of one task.
    pub fn new(registry: &Registry, connector: &str, task: u32) -> Self {
        let tags = [(names::CONNECTOR_TAG, connector), (names::TASK_TAG, &task.to_string())];
        let group = registry.group(names::TASK_GROUP, &tags);
        let states = Arc::new(Mutex::new(StateTimes::new()));
        let current = Arc::clone(&states);
        group.text(&names::TASK_STATUS, move || MetricValue::from(current.lock().state.to_lowercase().as_str()));
        for (template, state) in [(&names::RUNNING_RATIO, RUNNING), (&names::PAUSE_RATIO, PAUSED)] {
            let times = Arc::clone(&states);
            group.read(template, move || times.lock().ratio(state, Instant::now()).into());
        }
        Self {
            states,
            commit_time: group.window(&[
                (&names::OFFSET_COMMIT_MAX_TIME, |time| time.max),
                (&names::OFFSET_COMMIT_AVG_TIME, Summary::average),
            ]),
            commits: group.window(&[
                (&names::OFFSET_COMMIT_SUCCESS_PERCENTAGE, Summary::hit_ratio),
                (&names::OFFSET_COMMIT_FAILURE_PERCENTAGE, |commits| match commits.count {
                    0 => 0.0,
                    _ => 1.0 - commits.hit_ratio(),
                }),
            ]),
            batch_size: group
                .window(&[(&names::BATCH_SIZE_MAX, |size| size.max), (&names::BATCH_SIZE_AVG, Summary::average)]),
            group,
        }
    }

    /// Says which plugins the task works with, as Kafka Connect does since 4.1.
    pub fn describe(&self, plugins: &TaskPlugins<'_>) {
        let TaskPlugins { connector, connector_type, task, key_converter, value_converter, header_converter } =
            *plugins;
        let pairs: [(&Template, &Template, (&str, &str)); 5] = [
            (&names::TASK_CONNECTOR_CLASS, &names::TASK_CONNECTOR_VERSION, connector),
            (&names::TASK_CLASS, &names::TASK_VERSION, task),
            (&names::KEY_CONVERTER_CLASS, &names::KEY_CONVERTER_VERSION, key_converter),
            (&names::VALUE_CONVERTER_CLASS, &names::VALUE_CONVERTER_VERSION, value_converter),
            (&names::HEADER_CONVERTER_CLASS, &names::HEADER_CONVERTER_VERSION, header_converter),
        ];
        self.group.info(&names::TASK_CONNECTOR_TYPE, connector_type);
        for (class, version, (class_name, version_text)) in pairs {
            self.group.info(class, class_name);
            self.group.info(version, version_text);
        }
    }

    /// The task is now in this state, given by its upper-case name.
    pub fn state(&self, state: &'static str) {
        self.states.lock().change(state, Instant::now());
    }

    /// An offset commit has ended; `time` counts only if it succeeded.
    pub fn commit(&self, time: Duration, succeeded: bool) {
        if succeeded {
            self.commit_time.record(millis(time));
        }
        self.commits.record(if succeeded { 1.0 } else { 0.0 });
    }

    /// A batch of this many records was processed.
    pub fn batch(&self, records: usize) {
        self.batch_size.record(records as f64);
    }
}

/// Says which transform or predicate a task uses under an alias (since Kafka Connect 4.1). Gone from the registry when the
/// answer is dropped.
pub fn stage_info(registry: &Registry, connector: &str, task: u32, stage: &StagePlugin<'_>) -> MetricGroup {
    let (group, tag, class, version) = if stage.predicate {
        (names::PREDICATE_GROUP, names::PREDICATE_TAG, &names::PREDICATE_CLASS, &names::PREDICATE_VERSION)
    } else {
        (names::TRANSFORM_GROUP, names::TRANSFORM_TAG, &names::TRANSFORM_CLASS, &names::TRANSFORM_VERSION)
    };
    let task = task.to_string();
    let tags = [(names::CONNECTOR_TAG, connector), (names::TASK_TAG, &*task), (tag, stage.alias)];
    let group = registry.group(group, &tags);
    group.info(class, stage.class);
    group.info(version, stage.version);
    group
}

/// A transform or a predicate of a task.
#[derive(Debug, Clone, Copy)]
pub struct StagePlugin<'a> {
    /// Whether it is a predicate.
    pub predicate: bool,
    /// Its name in the configuration.
    pub alias: &'a str,
    /// Its class name.
    pub class: &'a str,
    /// Its version.
    pub version: &'a str,
}

/// Class name and version of each plugin that a task works with.
#[derive(Debug, Clone, Copy)]
pub struct TaskPlugins<'a> {
    /// The connector.
    pub connector: (&'a str, &'a str),
    /// `source` or `sink`.
    pub connector_type: &'a str,
    /// The task.
    pub task: (&'a str, &'a str),
    /// The key converter.
    pub key_converter: (&'a str, &'a str),
    /// The value converter.
    pub value_converter: (&'a str, &'a str),
    /// The header converter.
    pub header_converter: (&'a str, &'a str),
}

/// How long a task was in each state. Time before its first state does not count.
struct StateTimes {
    state: &'static str,
    since: Option<Instant>,
    past: HashMap<&'static str, Duration>,
}

impl StateTimes {
    fn new() -> Self {
        Self { state: "UNASSIGNED", since: None, past: HashMap::new() }
    }

    fn change(&mut self, state: &'static str, now: Instant) {
        if let Some(since) = self.since {
            *self.past.entry(self.state).or_default() += now.saturating_duration_since(since);
        }
        self.state = state;
        self.since = Some(now);
    }

    fn ratio(&self, state: &str, now: Instant) -> f64 {
        let present = self.since.map_or(Duration::ZERO, |since| now.saturating_duration_since(since));
        let total: Duration = self.past.values().sum::<Duration>() + present;
        if total.is_zero() {
            return 0.0;
        }
        let mut wanted = self.past.get(state).copied().unwrap_or_default();
        if self.state == state {
            wanted += present;
        }
        wanted.as_secs_f64() / total.as_secs_f64()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TAGS: &[(&str, &str)] = &[("connector", "c"), ("task", "0")];

    #[test]
    fn times_in_states_are_shares_of_the_whole() {
        let begin = Instant::now();
        let at = |seconds| begin + Duration::from_secs(seconds);
        let mut times = StateTimes::new();
        assert_eq!(times.ratio(RUNNING, at(5)), 0.0);
        times.change(RUNNING, at(10));
        times.change(PAUSED, at(13));
        times.change(RUNNING, at(14));
        assert_eq!(times.ratio(RUNNING, at(18)), 7.0 / 8.0);
        assert_eq!(times.ratio(PAUSED, at(18)), 1.0 / 8.0);
    }

    #[test]
    fn a_task_s_numbers_are_found_under_their_names() {
        let registry = Registry::default();
        let metrics = TaskMetrics::new(&registry, "c", 0);
        let none = registry.value(&names::OFFSET_COMMIT_FAILURE_PERCENTAGE, TAGS);
        assert_eq!(none, Some(0.0.into()), "no commit is no failure");
        metrics.state(RUNNING);
        metrics.commit(Duration::from_millis(8), true);
        metrics.commit(Duration::from_millis(99), false);
        metrics.batch(500);
        metrics.describe(&TaskPlugins {
            connector: ("Source", "1.0"),
            connector_type: "source",
            task: ("Task", "1.1"),
            key_converter: ("K", "2"),
            value_converter: ("V", "3"),
            header_converter: ("H", "4"),
        });
        let expected: [(_, MetricValue); 7] = [
            (&names::TASK_STATUS, "running".into()),
            (&names::OFFSET_COMMIT_MAX_TIME, 8.0.into()),
            (&names::OFFSET_COMMIT_SUCCESS_PERCENTAGE, 0.5.into()),
            (&names::OFFSET_COMMIT_FAILURE_PERCENTAGE, 0.5.into()),
            (&names::BATCH_SIZE_AVG, 500.0.into()),
            (&names::TASK_VERSION, "1.1".into()),
            (&names::HEADER_CONVERTER_CLASS, "H".into()),
        ];
        for (template, value) in expected {
            assert_eq!(registry.value(template, TAGS), Some(value), "{}", template.name);
        }
        let all = names::ALL.iter().filter(|metric| metric.group == names::TASK_GROUP).count();
        assert_eq!(registry.snapshot().count(), all, "every metric of the group is there");
    }
}
