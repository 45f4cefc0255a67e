//! Threads that do what may block, so that the owner of the queue never does.
//!
//! Work is done on *lanes*, lanes side by side. Each connector has a lane, on which work is done in order and one piece at
//! a time, so one that hangs holds up nobody but itself. The lane of a plugin has room for several pieces: one that
//! hangs, because of one configuration, must not keep all others of that plugin from being checked.

use std::collections::{HashMap, VecDeque};
use std::sync::mpsc::Sender;
use std::thread;
use std::time::{Duration, Instant};

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
    fn connector(&self) -> Option<&str> {
        match self {
            Self::Connector(name) => Some(name),
            Self::Offsets(_) | Self::Plugin(_) => None,
        }
    }

    /// How many pieces of work may be under way at once.
    fn width(&self) -> usize {
        match self {
            Self::Connector(_) | Self::Offsets(_) => 1,
            Self::Plugin(_) => PLUGIN_WIDTH,
        }
    }

    fn subject(&self) -> &str {
        match self {
            Self::Connector(name) | Self::Offsets(name) | Self::Plugin(name) => name,
        }
    }
}

/// A plugin that hangs keeps so many threads at most.
const PLUGIN_WIDTH: usize = 8;

/// What a piece of work does. It answers its request itself.
pub(super) type Job = Box<dyn FnOnce() + Send>;

/// How a piece of work gets on with earlier work on its lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Patience {
    /// It waits for it, however long that takes.
    Waits,
    /// It makes it pointless, so earlier work that hangs is to be given up.
    Supersedes,
}

/// The work that is under way or waiting. Belongs to the owner of the queue.
pub(super) struct Work {
    queue: Sender<Command>,
    /// How long work may go on that has become pointless.
    grace: Duration,
    /// A lane is in here while threads work on it.
    lanes: HashMap<Lane, Queue>,
}

/// The work of a lane behind that which is under way.
#[derive(Default)]
struct Queue {
    under_way: usize,
    waiting: VecDeque<(Patience, Job)>,
    /// When the work that is under way is to be given up.
    deadline: Option<Instant>,
}

impl Work {
    /// `queue` gets a [`Event::WorkDone`] after each piece of work. Work that has become pointless is overdue after
    /// `grace`.
    pub(super) fn new(queue: Sender<Command>, grace: Duration) -> Self {
        Self { queue, grace, lanes: HashMap::new() }
    }

    /// True while further work on this lane would have to wait.
    pub(super) fn is_busy(&self, lane: &Lane) -> bool {
        self.lanes.get(lane).is_some_and(|queue| queue.under_way >= lane.width())
    }

    /// The connectors that are just being started, stopped or changed.
    pub(super) fn busy_connectors(&self) -> Vec<String> {
        self.lanes.keys().filter_map(Lane::connector).map(str::to_owned).collect()
    }

    /// Does `job` as soon as the lane has room for it and what waits before it has begun.
    pub(super) fn push(&mut self, lane: Lane, patience: Patience, job: Job) {
        let queue = self.lanes.entry(lane.clone()).or_default();
        if queue.under_way < lane.width() {
            queue.under_way += 1;
            self.spawn(lane, job);
        } else {
            queue.waiting.push_back((patience, job));
            queue.limit(self.grace);
        }
    }

    /// Goes on after a [`Event::WorkDone`].
    pub(super) fn done(&mut self, lane: Lane) {
        let Some(queue) = self.lanes.get_mut(&lane) else { return };
        let Some((_, job)) = queue.waiting.pop_front() else {
            queue.under_way -= 1;
            if queue.under_way == 0 {
                self.lanes.remove(&lane);
            }
            return;
        };
        queue.deadline = None;
        queue.limit(self.grace);
        self.spawn(lane, job);
    }

    /// When the next work becomes overdue.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.lanes.values().filter_map(|queue| queue.deadline).min()
    }

    /// The connectors whose present work is overdue; each is told once.
    pub(super) fn take_overdue(&mut self, now: Instant) -> Vec<String> {
        let mut overdue = Vec::new();
        for (lane, queue) in &mut self.lanes {
            if queue.deadline.is_some_and(|deadline| deadline <= now) {
                queue.deadline = None;
                overdue.extend(lane.connector().map(str::to_owned));
            }
        }
        overdue
    }

    /// Drops all work that has not begun. Its requests are told that the worker is shutting down.
    pub(super) fn drop_waiting(&mut self) {
        self.lanes.values_mut().for_each(|queue| queue.waiting.clear());
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

impl Queue {
    /// Gives the work that is under way a deadline if there is some behind it that makes it pointless.
    fn limit(&mut self, grace: Duration) {
        if self.deadline.is_none() && self.waiting.iter().any(|(patience, _)| *patience == Patience::Supersedes) {
            self.deadline = Some(Instant::now() + grace);
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
        let mut work = Work::new(queue, Duration::ZERO);
        let (seen, sights) = mpsc::channel();
        let (release, held) = mpsc::channel::<()>();
        let sight = |text: &'static str| {
            let seen = seen.clone();
            Box::new(move || seen.send(text).unwrap()) as Job
        };
        work.push(lane("a"), Patience::Waits, Box::new(move || held.recv().unwrap()));
        work.push(lane("a"), Patience::Waits, sight("a2"));
        work.push(lane("b"), Patience::Waits, sight("b1"));
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
    fn a_plugin_that_hangs_leaves_room_for_others() {
        let (queue, commands) = mpsc::channel();
        let mut work = Work::new(queue, Duration::ZERO);
        let plugin = || Lane::Plugin("p".to_owned());
        let (seen, sights) = mpsc::channel();
        let (release, held) = mpsc::channel::<()>();
        let held = std::sync::Arc::new(parking_lot::Mutex::new(held));
        for _ in 0..PLUGIN_WIDTH {
            assert!(!work.is_busy(&plugin()));
            let held = std::sync::Arc::clone(&held);
            work.push(plugin(), Patience::Waits, Box::new(move || held.lock().recv().unwrap()));
        }
        assert!(work.is_busy(&plugin()), "there is an end to it");
        work.push(plugin(), Patience::Waits, Box::new(move || seen.send("late").unwrap()));
        assert!(sights.try_recv().is_err());
        release.send(()).unwrap();
        work.done(next_done(&commands));
        assert_eq!(sights.recv_timeout(PATIENCE), Ok("late"));
        (1..PLUGIN_WIDTH).for_each(|_| release.send(()).unwrap());
        (0..PLUGIN_WIDTH).for_each(|_| work.done(next_done(&commands)));
        assert!(work.lanes.is_empty());
    }

    #[test]
    fn a_panic_does_not_block_the_lane() {
        let (queue, commands) = mpsc::channel();
        let mut work = Work::new(queue, Duration::ZERO);
        work.push(lane("a"), Patience::Waits, Box::new(|| panic!("on purpose")));
        work.done(next_done(&commands));
        assert!(!work.is_busy(&lane("a")));
    }

    #[test]
    fn only_pointless_work_becomes_overdue_and_only_once() {
        let (queue, commands) = mpsc::channel();
        let mut work = Work::new(queue, Duration::ZERO);
        let (release, held) = mpsc::channel::<()>();
        work.push(lane("a"), Patience::Supersedes, Box::new(move || held.recv().unwrap()));
        work.push(lane("a"), Patience::Waits, Box::new(|| {}));
        assert_eq!(work.next_deadline(), None, "what comes next waits");
        work.push(lane("a"), Patience::Supersedes, Box::new(|| {}));
        assert!(work.next_deadline().is_some());
        assert_eq!(work.take_overdue(Instant::now()), ["a"]);
        assert!(work.take_overdue(Instant::now()).is_empty());
        release.send(()).unwrap();
        work.done(next_done(&commands));
        assert!(work.next_deadline().is_some(), "the second piece is pointless too");
        work.done(next_done(&commands));
        assert_eq!(work.next_deadline(), None);
    }
}
