//! Calls that may never return, on threads of their own.
//!
//! The client library has no time-out for the handshake of TLS, and nothing breaks a call of it off. A call that is not
//! waited for any more goes on by itself, and what it makes goes away with it.

use ferroconnect_plugin_sdk::StopSignal;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};
use std::{fmt, io, thread};

/// How soon a stop is noticed.
const SLICE: Duration = Duration::from_millis(50);
/// So many calls may go on that nobody waits for. A server that hangs for a day must not cost a thread for each attempt.
const MOST_LEFT: usize = 16;

/// The calls of one task.
#[derive(Debug, Clone, Default)]
pub(crate) struct Apart {
    going_on: Arc<AtomicUsize>,
}

/// Why a call gave nothing.
#[derive(Debug)]
pub(crate) enum Left {
    /// The task should end.
    Stopped,
    /// It takes longer than this.
    Late(Duration),
    /// Earlier calls still go on.
    TooMany,
    /// It panicked.
    Panicked,
    /// There is no thread for it.
    NoThread(io::Error),
}

impl fmt::Display for Left {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Left::Stopped => f.write_str("the task should end"),
            Left::Late(limit) => write!(f, "no answer within {limit:?}"),
            Left::TooMany => {
                write!(f, "{MOST_LEFT} earlier calls still have no answer; one of them has to end first")
            }
            Left::Panicked => f.write_str("the client library panicked"),
            Left::NoThread(error) => write!(f, "there is no thread for it: {error}"),
        }
    }
}

/// One call that goes on.
struct Going(Arc<AtomicUsize>);

impl Drop for Going {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Apart {
    /// Does `work`, for as long as `limit` says (none = without end). Where the task should end, or should already, it has
    /// `grace` from then on; without any it is not even begun.
    pub(crate) fn run<T: Send + 'static>(
        &self,
        limit: Option<Duration>,
        grace: Duration,
        stop: &StopSignal,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Left> {
        let began = Instant::now();
        let mut stopped = stop.is_stopped().then_some(began);
        if stopped.is_some() && grace.is_zero() {
            return Err(Left::Stopped);
        }
        if self.going_on.load(Ordering::Relaxed) >= MOST_LEFT {
            return Err(Left::TooMany);
        }
        self.going_on.fetch_add(1, Ordering::Relaxed);
        let going = Going(self.going_on.clone());
        let (says, hears) = mpsc::channel();
        let spawned = thread::Builder::new().name("redis-call".into()).spawn(move || {
            let result = work();
            drop(going);
            // Whoever waited has given up if this is not received.
            let _received = says.send(result);
        });
        spawned.map_err(Left::NoThread)?;
        let deadline = limit.and_then(|limit| Some((limit, began.checked_add(limit)?)));
        loop {
            let left = deadline.map_or(SLICE, |(_, end)| end.saturating_duration_since(Instant::now()).min(SLICE));
            match hears.recv_timeout(left) {
                Ok(result) => return Ok(result),
                Err(RecvTimeoutError::Disconnected) => return Err(Left::Panicked),
                Err(RecvTimeoutError::Timeout) => {}
            }
            if stop.is_stopped() && stopped.get_or_insert_with(Instant::now).elapsed() >= grace {
                return Err(Left::Stopped);
            }
            if let Some((limit, end)) = deadline
                && Instant::now() >= end
            {
                return Err(Left::Late(limit));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_that_never_end_do_not_pile_up() {
        let (apart, stop) = (Apart::default(), StopSignal::default());
        let (ends, end) = mpsc::channel::<()>();
        let end = Arc::new(std::sync::Mutex::new(end));
        for _ in 0..MOST_LEFT {
            let end = end.clone();
            let left = apart
                .run(Some(Duration::from_millis(1)), Duration::ZERO, &stop, move || end.lock().unwrap().recv().is_ok());
            assert!(matches!(left, Err(Left::Late(_))), "{left:?}");
        }
        assert!(matches!(apart.run(None, Duration::ZERO, &stop, || ()), Err(Left::TooMany)));
        drop(ends);
        while apart.going_on.load(Ordering::Relaxed) > 0 {
            thread::sleep(Duration::from_millis(1));
        }
        apart.run(None, Duration::ZERO, &stop, || ()).unwrap();
        assert!(matches!(
            apart.run(None, Duration::ZERO, &stop, || panic!("as the library may")),
            Err::<(), _>(Left::Panicked)
        ));
        stop.stop();
        assert!(matches!(apart.run(None, Duration::ZERO, &stop, || ()), Err(Left::Stopped)));
    }
    #[test]
    fn a_call_has_its_grace_when_the_task_should_end() {
        let (apart, stop) = (Apart::default(), StopSignal::default());
        let long = Duration::from_secs(60);
        // Under way when the stop comes, and begun behind it.
        for _ in 0..2 {
            let seen = stop.clone();
            let work = move || {
                seen.stop();
                // So that the stop is noticed before there is a result.
                thread::sleep(SLICE * 3);
            };
            apart.run(None, long, &stop, work).unwrap();
        }
        let (ends, end) = mpsc::channel::<()>();
        let left = apart.run(None, SLICE, &stop, move || end.recv().is_ok());
        assert!(matches!(left, Err(Left::Stopped)), "{left:?}");
        drop(ends);
    }
}
