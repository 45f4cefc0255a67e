//! What a task's thread and the rest of the worker tell each other: what is wanted, and that it has ended.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

use crate::plugins::api::Control;
use crate::storage::TargetState;

use super::opened::Fingerprint;

#[derive(Debug)]
struct Wish {
    target: TargetState,
    stopping: bool,
    ended: bool,
}

/// The switches of one task. The worker turns them, the task's thread looks at them; neither waits for the other
/// except where it says so.
pub(crate) struct Lifecycle {
    wish: Mutex<Wish>,
    changed: Condvar,
    abandoned: AtomicBool,
    control: OnceLock<Control>,
    values: OnceLock<Fingerprint>,
}

/// What a task should do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// Move records.
    Run,
    /// Wait until the user resumes the connector.
    Pause,
    /// Come to an end.
    Stop,
}

impl Lifecycle {
    /// A task that is to reach `target`.
    pub(crate) fn new(target: TargetState) -> Lifecycle {
        Lifecycle {
            wish: Mutex::new(Wish { target, stopping: false, ended: false }),
            changed: Condvar::new(),
            abandoned: AtomicBool::new(false),
            control: OnceLock::new(),
            values: OnceLock::new(),
        }
    }

    /// Notes which values the variables of its connector's configuration have for the task.
    pub(crate) fn uses(&self, values: Fingerprint) {
        // A task opens its configuration once.
        let _only = self.values.set(values);
    }

    /// Which values it uses; `None` until it has begun.
    pub(crate) fn values(&self) -> Option<Fingerprint> {
        self.values.get().copied()
    }

    /// The plugin's thread-safe half, once the plugin's object exists. It is stopped at once if the task should end.
    pub(crate) fn attach(&self, control: Control) {
        let control = self.control.get_or_init(|| control);
        if self.next() == Next::Stop {
            control.stop();
        }
    }

    /// What to do next.
    pub(crate) fn next(&self) -> Next {
        let wish = self.wish.lock();
        match wish.target {
            _ if wish.stopping => Next::Stop,
            TargetState::Started => Next::Run,
            TargetState::Paused | TargetState::Stopped => Next::Pause,
        }
    }

    /// Waits while the task is to pause.
    pub(crate) fn wait_while_paused(&self) {
        let mut wish = self.wish.lock();
        while !wish.stopping && wish.target != TargetState::Started {
            self.changed.wait(&mut wish);
        }
    }

    /// Waits so long, or until something is wanted of the task that is not `Run`.
    pub(crate) fn wait_or_change(&self, duration: Duration) {
        let deadline = Instant::now() + duration;
        let mut wish = self.wish.lock();
        while !wish.stopping && wish.target == TargetState::Started {
            if self.changed.wait_until(&mut wish, deadline).timed_out() {
                return;
            }
        }
    }

    /// Tells the task what its connector's user wants.
    pub(crate) fn set_target(&self, target: TargetState) {
        self.wish.lock().target = target;
        self.changed.notify_all();
    }

    /// Tells the task to end. A call of the plugin that is under way is asked to return, on a thread of its own: the
    /// plugin's hooks must not hold up whoever stops the task.
    pub(crate) fn stop(self: &std::sync::Arc<Self>) {
        self.wish.lock().stopping = true;
        self.changed.notify_all();
        if self.control.get().is_some() {
            let lifecycle = std::sync::Arc::clone(self);
            let hooks = move || {
                if let Some(control) = lifecycle.control.get() {
                    control.stop();
                }
            };
            if let Err(error) = std::thread::Builder::new().name("task-stop".to_owned()).spawn(hooks) {
                tracing::warn!(
                    "Could not start a thread to stop a task: {error}. The task ends after its current call."
                );
            }
        }
    }

    /// Says that the task's thread is through.
    pub(crate) fn end(&self) {
        self.wish.lock().ended = true;
        self.changed.notify_all();
    }

    /// Whether the task's thread is through.
    pub(crate) fn has_ended(&self) -> bool {
        self.wish.lock().ended
    }

    /// Waits for the task's thread, at most until `deadline`. True = it is through.
    pub(crate) fn wait_for_end(&self, deadline: Instant) -> bool {
        let mut wish = self.wish.lock();
        while !wish.ended {
            if self.changed.wait_until(&mut wish, deadline).timed_out() {
                return wish.ended;
            }
        }
        true
    }

    /// Gives the task up: whatever its thread still does must have no effect.
    pub(crate) fn abandon(&self) {
        self.abandoned.store(true, Ordering::Release);
    }

    /// Whether the task was given up.
    pub(crate) fn is_abandoned(&self) -> bool {
        self.abandoned.load(Ordering::Acquire)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn waiting_ends_when_the_user_resumes_or_the_task_stops() {
        let lifecycle = Arc::new(Lifecycle::new(TargetState::Paused));
        assert_eq!(lifecycle.next(), Next::Pause);
        let waiter = Arc::clone(&lifecycle);
        let thread = std::thread::spawn(move || waiter.wait_while_paused());
        lifecycle.set_target(TargetState::Started);
        thread.join().unwrap();
        lifecycle.set_target(TargetState::Paused);
        let waiter = Arc::clone(&lifecycle);
        let thread = std::thread::spawn(move || waiter.wait_while_paused());
        lifecycle.stop();
        thread.join().unwrap();
        assert_eq!(lifecycle.next(), Next::Stop);
    }

    #[test]
    fn the_end_is_waited_for_until_the_deadline() {
        let lifecycle = Lifecycle::new(TargetState::Started);
        assert!(!lifecycle.wait_for_end(Instant::now() + Duration::from_millis(5)));
        lifecycle.end();
        assert!(lifecycle.wait_for_end(Instant::now()));
    }
}
