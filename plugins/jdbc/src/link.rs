//! A connection that is made when it is needed, and broken off when the connector or task should end.

use crate::db::{Connection, DbError, DbErrorKind, DbResult, Interrupter};
use crate::settings::ConnectionSettings;
use ferroconnect_plugin_sdk::StopSignal;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// A connection of one thread.
pub(crate) struct Link {
    settings: ConnectionSettings,
    stop: StopSignal,
    connection: Option<Box<dyn Connection>>,
    breaker: Arc<Breaker>,
}

/// What breaks off the connection there is, for the thread that stops this one.
#[derive(Default)]
struct Breaker {
    interrupter: Mutex<Option<Interrupter>>,
    changed: Condvar,
}

impl Breaker {
    fn lock(&self) -> MutexGuard<'_, Option<Interrupter>> {
        // It is changed in one step.
        self.interrupter.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, interrupter: Option<Interrupter>) {
        *self.lock() = interrupter;
        self.changed.notify_all();
    }

    /// Breaks off what runs, unless the connection is closed before the grace is over.
    fn break_off_after(&self, grace: Duration) {
        let waiting = self.changed.wait_timeout_while(self.lock(), grace, |interrupter| interrupter.is_some());
        if let Some(interrupter) = &*waiting.unwrap_or_else(PoisonError::into_inner).0 {
            interrupter.interrupt();
        }
    }
}

impl Link {
    /// Not connected yet. From now on `stop` breaks what runs on it, after so much grace.
    pub(crate) fn new(settings: ConnectionSettings, stop: StopSignal, grace: Duration) -> Link {
        let breaker = Arc::<Breaker>::default();
        let of_stop = Arc::clone(&breaker);
        stop.on_stop(move || {
            let breaker = Arc::clone(&of_stop);
            if grace.is_zero() {
                breaker.break_off_after(grace);
            } else {
                // Whoever stops the task must not wait.
                std::thread::spawn(move || breaker.break_off_after(grace));
            }
        });
        Link { settings, stop, connection: None, breaker }
    }

    /// The connection, made now where there is none.
    pub(crate) fn get(&mut self) -> DbResult<&mut dyn Connection> {
        if self.connection.is_none() {
            let connection = self.settings.connect(&self.stop)?;
            self.breaker.set(Some(connection.interrupter()));
            self.connection = Some(connection);
        }
        // Looked at after the interrupter is in its place: a stop before that found nothing to interrupt.
        if self.stop.is_stopped() {
            return Err(DbError::new(DbErrorKind::Interrupted, "Told to stop"));
        }
        Ok(self.connection.as_mut().expect("it was made above").as_mut())
    }

    /// Rolls back what was begun; what cannot be rolled back is closed, which rolls it back.
    pub(crate) fn roll_back(&mut self) {
        if self.connection.as_mut().is_some_and(|connection| connection.rollback().is_err()) {
            self.close();
        }
    }

    /// Closes it; the next use makes another.
    pub(crate) fn close(&mut self) {
        self.breaker.set(None);
        self.connection = None;
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.close();
    }
}
