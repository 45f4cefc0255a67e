//! How far a sink task is behind the ends of its partitions.
//!
//! The task notes where it stands, once per batch. The ends are asked for by whoever reads the metrics, so that the lag of
//! a task that hangs in its plugin still grows.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use parking_lot::Mutex;

use super::names;
use super::registry::{MetricGroup, MetricValue, Registry};

/// Stands for a position that is not known.
const UNKNOWN: i64 = -1;

/// Gives the end of a partition as of the last fetch, without asking a broker; `None` before the first one.
pub type EndOf = Arc<dyn Fn(&str, i32) -> Option<i64> + Send + Sync>;

/// Where the task stands in one partition.
#[derive(Clone)]
struct Place {
    topic: Arc<str>,
    partition: i32,
    /// The next offset for the plugin.
    position: Arc<AtomicI64>,
}

impl Place {
    /// `None` if position or end are not known.
    fn lag(&self, end_of: &EndOf) -> Option<i64> {
        match self.position.load(Ordering::Relaxed) {
            UNKNOWN => None,
            // A log that was cut off may end before what was read.
            position => end_of(&self.topic, self.partition).map(|end| (end - position).max(0)),
        }
    }
}

fn value(lag: Option<i64>) -> MetricValue {
    MetricValue::Number(lag.map_or(f64::NAN, |records| records as f64))
}

/// The lags of a sink task. Gone from the registry when dropped.
pub(super) struct Lags {
    registry: Registry,
    connector: String,
    task: String,
    end_of: EndOf,
    places: Arc<Mutex<Vec<Place>>>,
    groups: Mutex<Vec<MetricGroup>>,
}

impl Lags {
    /// Registers the highest lag in the group of the task. Partitions come with [`Lags::assign`].
    pub(super) fn new(registry: &Registry, group: &MetricGroup, connector: &str, task: u32, end_of: EndOf) -> Self {
        let places: Arc<Mutex<Vec<Place>>> = Arc::default();
        let (all, ends) = (Arc::clone(&places), Arc::clone(&end_of));
        group.read(&names::SINK_RECORD_LAG_MAX, move || {
            let places = all.lock().clone();
            value(places.iter().filter_map(|place| place.lag(&ends)).max())
        });
        Self {
            registry: registry.clone(),
            connector: connector.to_owned(),
            task: task.to_string(),
            end_of,
            places,
            groups: Mutex::default(),
        }
    }

    /// These are the partitions of the task now. Positions are not known before [`Lags::positions`] gives them.
    pub(super) fn assign(&self, partitions: impl Iterator<Item = (Arc<str>, i32)>) {
        let place = |(topic, partition)| Place { topic, partition, position: Arc::new(UNKNOWN.into()) };
        let places: Vec<Place> = partitions.map(place).collect();
        *self.groups.lock() = places.iter().map(|place| self.register(place.clone())).collect();
        *self.places.lock() = places;
    }

    /// Where the task stands in each partition, in the order in which they were assigned; `None` = not known.
    pub(super) fn positions(&self, positions: impl Iterator<Item = Option<i64>>) {
        for (place, position) in self.places.lock().iter().zip(positions) {
            place.position.store(position.unwrap_or(UNKNOWN), Ordering::Relaxed);
        }
    }

    fn register(&self, place: Place) -> MetricGroup {
        let partition = place.partition.to_string();
        let tags = [
            (names::CONNECTOR_TAG, self.connector.as_str()),
            (names::TASK_TAG, &self.task),
            (names::TOPIC_TAG, &place.topic),
            (names::PARTITION_TAG, &partition),
        ];
        let group = self.registry.group(names::OWN_GROUP, &tags);
        let end_of = Arc::clone(&self.end_of);
        group.read(&names::SINK_PARTITION_LAG, move || value(place.lag(&end_of)));
        group
    }
}
