//! Threads that do what may block, so that the owner of the queue never does.
//!
//! Work is done on *lanes*: in order and one piece at a time on each, lanes side by side. Each connector has a lane, so
//! one that hangs holds up nobody but itself.

use std::collections::{HashMap, VecDeque};
use std::sync::mpsc::Sender;
use std::thread;

use super::command::{Command, Event};

/// What a lane's pieces of work have in common.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Lane {
    /// They start, stop or change this connector.
    Connector(String),
    /// They look at the offsets of this connector.
    Offsets(String),
    /// They call code of the plugin that goes by this name, without any connector: validation, config definitions.
    Plugin(String),
}

impl std::fmt::Display for Lane {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Connector(name) => write!(f, "connector {name}"),
            Self::Offsets(name) => write!(f, "offsets of connector {name}"),
            Self::Plugin(name) => write!(f, "plugin {name}"),
        }
    }
}

impl Lane {
    fn subject(&self) -> &str {
        match self {
            Self::Connector(name) | Self::Offsets(name) | Self::Plugin(name) => name,
        }
    }
}

/// A piece of work. It answers its request itself.
pub(super) type Job = Box<dyn FnOnce() + Send>;

/// The work that is under way or waiting. Belongs to the owner of the queue.
pub(super) struct Work {
    queue: Sender<Command>,
    /// A lane is in here while a thread works on it; the jobs are those that wait.
    lanes: HashMap<Lane, VecDeque<Job>>,
}

impl Work {
    /// `queue` gets a [`Event::WorkDone`] after each piece of work.
    pub(super) fn new(queue: Sender<Command>) -> Self {
        Self { queue, lanes: HashMap::new() }
    }

    /// True while there is work under way on this lane.
    pub(super) fn is_busy(&self, lane: &Lane) -> bool {
        self.lanes.contains_key(lane)
    }

    /// The connectors that are just being started, stopped or changed.
    pub(super) fn busy_connectors(&self) -> Vec<String> {
        let connector = |lane: &Lane| match lane {
            Lane::Connector(name) => Some(name.clone()),
            Lane::Offsets(_) | Lane::Plugin(_) => None,
        };
        self.lanes.keys().filter_map(connector).collect()
    }

    /// Does `job` after all earlier work on this lane.
    pub(super) fn push(&mut self, lane: Lane, job: Job) {
        if let Some(waiting) = self.lanes.get_mut(&lane) {
            waiting.push_back(job);
            return;
        }
        self.lanes.insert(lane.clone(), VecDeque::new());
        self.spawn(lane, job);
    }

    /// Goes on after a [`Event::WorkDone`].
    pub(super) fn done(&mut self, lane: Lane) {
        match self.lanes.get_mut(&lane).and_then(VecDeque::pop_front) {
            Some(job) => self.spawn(lane, job),
            None => {
                self.lanes.remove(&lane);
            }
        }
    }

    /// Drops all work that has not begun. Its requests are told that the worker is shutting down.
    pub(super) fn drop_waiting(&mut self) {
        self.lanes.values_mut().for_each(VecDeque::clear);
    }

    fn spawn(&self, lane: Lane, job: Job) {
        // A thread's name must not hold a NUL, which a connector's name may on its way to being refused.
        let name = format!("herder-{}", lane.subject().replace('\0', "?"));
        let done = DoneGuard { queue: self.queue.clone(), lane: Some(lane) };
        let spawned = thread::Builder::new().name(name).spawn(move || {
            let _done = done;
            job();
        });
        if let Err(error) = spawned {
            // The closure was dropped, and with it guard and reply: the lane goes on and the client has an error.
            tracing::error!("Could not start a thread of the herder: {error}");
        }
    }
}

/// Reports the end of work, also when it panics.
struct DoneGuard {
    queue: Sender<Command>,
    lane: Option<Lane>,
}

impl Drop for DoneGuard {
    fn drop(&mut self) {
        if let Some(lane) = self.lane.take() {
            // The owner may be gone; then nothing waits for this.
            let _ = self.queue.send(Event::WorkDone(lane).into());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;
    use std::time::Duration;

    const PATIENCE: Duration = Duration::from_secs(10);

    fn lane(name: &str) -> Lane {
        Lane::Connector(name.to_owned())
    }

    fn next_done(commands: &mpsc::Receiver<Command>) -> Lane {
        match commands.recv_timeout(PATIENCE) {
            Ok(Command::Event(Event::WorkDone(lane))) => lane,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_lane_keeps_order_and_others_go_on() {
        let (queue, commands) = mpsc::channel();
        let mut work = Work::new(queue);
        let (seen, sights) = mpsc::channel();
        let (release, held) = mpsc::channel::<()>();
        let sight = |text: &'static str| {
            let seen = seen.clone();
            Box::new(move || seen.send(text).unwrap()) as Job
        };
        work.push(lane("a"), Box::new(move || held.recv().unwrap()));
        work.push(lane("a"), sight("a2"));
        work.push(lane("b"), sight("b1"));
        assert_eq!(sights.recv_timeout(PATIENCE), Ok("b1"), "another lane is not held up");
        work.done(next_done(&commands));
        assert!(!work.is_busy(&lane("b")));
        assert_eq!(work.busy_connectors(), ["a"]);
        release.send(()).unwrap();
        work.done(next_done(&commands));
        assert_eq!(sights.recv_timeout(PATIENCE), Ok("a2"));
        work.done(next_done(&commands));
        assert!(!work.is_busy(&lane("a")));
    }

    #[test]
    fn a_panic_does_not_block_the_lane() {
        let (queue, commands) = mpsc::channel();
        let mut work = Work::new(queue);
        work.push(lane("a"), Box::new(|| panic!("on purpose")));
        work.done(next_done(&commands));
        assert!(!work.is_busy(&lane("a")));
    }
}
