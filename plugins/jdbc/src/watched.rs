//! A thread that is waited for at stop, but not for ever.

use ferroconnect_plugin_sdk::{Result, warn};
use std::convert::Infallible;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread::JoinHandle;
use std::time::Duration;

/// How long a stop waits: a call that cannot be broken off must not hold the worker.
const PATIENCE: Duration = Duration::from_secs(10);

/// A running thread.
#[derive(Debug)]
pub(crate) struct Watched {
    name: &'static str,
    thread: JoinHandle<()>,
    /// Closed when the thread has done its work, or has panicked.
    ended: Receiver<Infallible>,
}

impl Watched {
    /// Starts `body` by means of `spawn`, the method of a context.
    pub(crate) fn start(
        name: &'static str,
        spawn: impl FnOnce(&'static str, Box<dyn FnOnce() + Send>) -> Result<JoinHandle<()>>,
        body: impl FnOnce() + Send + 'static,
    ) -> Result<Watched> {
        let (running, ended) = channel::<Infallible>();
        let body = move || {
            let _running = running;
            body();
        };
        Ok(Watched { name, thread: spawn(name, Box::new(body))?, ended })
    }

    /// Whether it has ended.
    pub(crate) fn is_finished(&self) -> bool {
        self.thread.is_finished()
    }

    /// Waits for its end, which somebody has asked it for. Where that takes too long, it is left alone.
    pub(crate) fn end(self) {
        self.end_within(PATIENCE);
    }

    fn end_within(self, patience: Duration) {
        if self.ended.recv_timeout(patience) == Err(RecvTimeoutError::Timeout) {
            let (name, seconds) = (self.name, patience.as_secs());
            warn!("Thread {name} has not ended within {seconds} s; it is left alone and ends with the call it is in");
            return;
        }
        // A panic of the thread has been logged.
        let _ = self.thread.join();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::sync::{Arc, mpsc};

    fn start(body: impl FnOnce() + Send + 'static) -> Watched {
        Watched::start("test", |_, body| Ok(std::thread::spawn(body)), body).unwrap()
    }

    #[test]
    fn a_thread_that_does_not_end_is_left_alone() {
        let (release, held) = mpsc::channel::<()>();
        let wait = move || {
            let _ = held.recv();
        };
        start(wait).end_within(Duration::from_millis(10));
        drop(release);
    }

    #[test]
    fn a_thread_that_ends_is_waited_for() {
        let done = Arc::new(AtomicBool::new(false));
        let mark = Arc::clone(&done);
        start(move || mark.store(true, Ordering::SeqCst)).end();
        assert!(done.load(Ordering::SeqCst));
        start(|| panic!("it ends so too")).end();
    }
}
