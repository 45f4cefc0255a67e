//! How a task learns that it should come to an end.

use std::fmt;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

type Hook = Box<dyn Fn() + Send + Sync>;

#[derive(Default)]
struct State {
    stopped: bool,
    hooks: Vec<Hook>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

/// Set once when the worker wants the task to end; any number of threads may look at it or wait on it.
#[derive(Clone, Default)]
pub struct StopSignal {
    shared: Arc<Shared>,
}

impl StopSignal {
    /// Whether the task should end.
    pub fn is_stopped(&self) -> bool {
        self.lock().stopped
    }

    /// Waits so long, or until the task should end. True = it should end. Use this wherever you would sleep.
    pub fn wait_or_stop(&self, duration: Duration) -> bool {
        let deadline = Instant::now() + duration;
        let mut state = self.lock();
        while !state.stopped {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            state = self.shared.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }

    /// Runs `hook` when the task should end, on the thread that stops it: to close a socket a call is blocked on,
    /// say. Runs at once where the task is stopped already.
    pub fn on_stop(&self, hook: impl Fn() + Send + Sync + 'static) {
        let mut state = self.lock();
        if state.stopped {
            drop(state);
            hook();
        } else {
            state.hooks.push(Box::new(hook));
        }
    }

    /// Ends it. Called by the worker; authors call it in tests.
    pub fn stop(&self) {
        let hooks = {
            let mut state = self.lock();
            state.stopped = true;
            std::mem::take(&mut state.hooks)
        };
        self.shared.changed.notify_all();
        for hook in hooks {
            hook();
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        // A hook that panicked cannot have left the state half changed.
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for StopSignal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StopSignal").field("stopped", &self.is_stopped()).finish()
    }
}
